/* lib/event, lib/tenure, lib/session: what is kept, found again, and when it
 * goes. */
#include "lib/binding.h"
#include "lib/event.h"
#include "lib/session.h"
#include "lib/tenure.h"
#include "tests/unit/world.h"

/* Moments are milliseconds from this one. */
#define T WORLD_NOW_MS

enum { LIST_SIZE = 16 };

static void at(struct world *w, int64_t ms)
{
	w->scope.now_ms = T + ms;
}

/* ---- events ------------------------------------------------------------ */

static void add_event(struct world *w, const char *number, const char *login,
	const char *what)
{
	const struct sp_event event = {.number = number,
		.login = login,
		.what = what,
		.old_value = "old"};

	world_must(w, sp_event_add(&w->scope, &event, &w->err) == 0, what);
}

/* "1 one, 2 two": sequence numbers and events. */
static const char *list_events(struct world *w, struct sp_event_query query,
	int max)
{
	static char text[512];
	struct sp_event_row list[LIST_SIZE];
	int n = sp_event_list(&w->scope, &query, list, max, &w->err);
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof text - used,
			"%s%lld %s", i == 0 ? "" : ", ", (long long)list[i].seq,
			list[i].what);
	return n < 0 ? w->err.msg : text;
}

#define QUERY(...) ((struct sp_event_query){__VA_ARGS__})

static void check_events(struct unit *u)
{
	struct world w;

	world_open(&w);
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE), "",
		"no events");
	add_event(&w, "1000", "ann", "one");
	add_event(&w, "1001", "bob", "two");
	add_event(&w, "1000", "bob", "three");
	add_event(&w, "01000", "ANN", "four");
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE),
		"1 one, 2 two, 3 three, 4 four", "all of them");
	unit_str(u, list_events(&w, QUERY(.after = 2), LIST_SIZE),
		"3 three, 4 four", "behind one");
	unit_str(u, list_events(&w, QUERY(.after = 4), LIST_SIZE), "",
		"the last");
	unit_str(u, list_events(&w, QUERY(.after = 0), 2), "1 one, 2 two",
		"no more than there is room");
	unit_str(u,
		list_events(&w, QUERY(.after = 0, .number = "1000"), LIST_SIZE),
		"1 one, 3 three", "of a number");
	unit_str(u,
		list_events(&w, QUERY(.after = 1, .number = "1000"), LIST_SIZE),
		"3 three", "  behind one");
	unit_str(u, list_events(&w, QUERY(.after = 0, .number = "1000"), 1),
		"1 one", "  the first");
	unit_str(u,
		list_events(&w, QUERY(.after = 0, .login = "bob"), LIST_SIZE),
		"2 two, 3 three", "of a login");
	unit_str(u,
		list_events(&w, QUERY(.after = 2, .login = "bob"), LIST_SIZE),
		"3 three", "  behind one");
	unit_str(u,
		list_events(&w, QUERY(.after = 0, .login = "Bob"), LIST_SIZE),
		"", "  as it is written");
	world_close(&w);
}

/* Each column comes back in its place. */
static void check_event_row(struct unit *u)
{
	const struct sp_event event = {"1000", "ann", "what", "old", "new"};
	const struct sp_event_query query = {.after = 0};
	struct sp_event_row row[2];
	struct world w;

	world_open(&w);
	w.scope.tool = "sp-tool";
	w.scope.actor = "root";
	at(&w, 7);
	world_must(&w, sp_event_add(&w.scope, &event, &w.err) == 0, "event");
	unit_int(u, sp_event_list(&w.scope, &query, row, 2, &w.err), 1,
		"one event");
	unit_int(u, row[0].at_ms, T + 7, "  its moment");
	unit_str(u, row[0].number, "1000", "  number");
	unit_str(u, row[0].login, "ann", "  login");
	unit_str(u, row[0].what, "what", "  what");
	unit_str(u, row[0].old_value, "old", "  old value");
	unit_str(u, row[0].new_value, "new", "  new value");
	unit_str(u, row[0].tool, "sp-tool", "  tool");
	unit_str(u, row[0].actor, "root", "  actor");
	world_close(&w);
}

static void check_event_tenants(struct unit *u)
{
	int64_t oldest, last;
	struct sp_tenant other;
	struct world w;

	world_open(&w);
	world_must(&w,
		sp_tenant_init(&other, "b.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0,
		"a tenant");
	sp_event_bounds(&w.scope, &oldest, &last, &w.err);
	unit_int(u, oldest, 0, "no oldest event");
	unit_int(u, last, 0, "  nor a last one");
	w.scope.tenant = &other;
	add_event(&w, "1000", "ann", "one");
	w.scope.tenant = &w.tenant;
	add_event(&w, "1000", "ann", "two");
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE), "2 two",
		"each tenant has its own");
	unit_str(u,
		list_events(&w, QUERY(.after = 0, .number = "1000"), LIST_SIZE),
		"2 two", "  by number");
	unit_str(u,
		list_events(&w, QUERY(.after = 0, .login = "ann"), LIST_SIZE),
		"2 two", "  by login");
	sp_event_bounds(&w.scope, &oldest, &last, &w.err);
	unit_int(u, oldest, 1, "the bounds are of all");
	unit_int(u, last, 2, "  to the last");
	sp_tenant_release(&other);
	world_close(&w);
}

static void prune(struct world *w, int64_t before, int64_t max)
{
	struct sp_prune step = {.before_ms = T + before, .max = max};

	world_must(w, sp_event_prune(&w->scope, &step, &w->err) == 0,
		"pruning");
}

static void check_event_prune(struct unit *u)
{
	int64_t oldest, last;
	struct world w;

	world_open(&w);
	for (int i = 1; i <= 4; i++) {
		at(&w, i);
		add_event(&w, "1000", "ann", "x");
	}
	prune(&w, 1, 10);
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE),
		"1 x, 2 x, 3 x, 4 x", "nothing is too old");
	prune(&w, 3, 1);
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE),
		"2 x, 3 x, 4 x", "a small step");
	prune(&w, 3, 10);
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE), "3 x, 4 x",
		"what is old goes");
	prune(&w, 100, 10);
	sp_event_bounds(&w.scope, &oldest, &last, &w.err);
	unit_int(u, oldest, 4, "all are gone but the last");
	unit_int(u, last, 4, "  which tells how far they have come");
	add_event(&w, "1000", "ann", "x");
	prune(&w, 100, 10);
	unit_str(u, list_events(&w, QUERY(.after = 0), LIST_SIZE), "5 x",
		"  until there is another");
	world_close(&w);
}

/* ---- tenures ----------------------------------------------------------- */

/* "1000 ann 0-10, 1001 bob 5-": numbers, logins, from and until. */
static const char *tell(const struct sp_tenure *list, int n)
{
	static char text[512];
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used,
			"%s%s %s %lld-", i == 0 ? "" : ", ", list[i].number,
			list[i].login, (long long)(list[i].from_ms - T));
		if (list[i].until_ms != 0)
			used += (size_t)snprintf(text + used,
				sizeof text - used, "%lld",
				(long long)(list[i].until_ms - T));
	}
	return text;
}

static const char *who_had(struct world *w, int64_t ms, const char *number)
{
	struct sp_tenure tenure;
	int rc = sp_tenure_find_at(&w->scope, T + ms, number, &tenure, &w->err);

	return rc < 0 ? w->err.msg : tell(&tenure, rc);
}

static const char *all_at(struct world *w, int64_t ms, const char *after,
	int max)
{
	struct sp_tenure list[LIST_SIZE];
	int n = sp_tenure_list_at(&w->scope, T + ms, after, list, max, &w->err);

	return n < 0 ? w->err.msg : tell(list, n);
}

static const char *owners(struct world *w, const char *number, int max)
{
	struct sp_tenure list[LIST_SIZE];
	int n = sp_tenure_list_of(&w->scope, number, list, max, &w->err);

	return n < 0 ? w->err.msg : tell(list, n);
}

/* ann has 1000 from 10 to 20, bob from 20 to 30, nobody to 40, cid from then
 * on; dan has 999 all the time. */
static void open_tenures(struct world *w)
{
	world_open(w);
	world_set_pool(w, "999-1009", "");
	world_assign(w, "dan", "999");
	at(w, 10);
	world_assign(w, "ann", "1000");
	at(w, 20);
	world_recycle(w, "ann");
	world_assign(w, "bob", "1000");
	at(w, 30);
	world_recycle(w, "bob");
	at(w, 40);
	world_assign(w, "cid", "1000");
	at(w, 50);
}

static void check_tenures(struct unit *u)
{
	static const struct {
		int64_t ms;
		const char *owner, *all;
	} cases[] = {
		{-1, "", ""},
		{0, "", "999 dan 0-"},
		{9, "", "999 dan 0-"},
		/* From is inclusive, until is not. */
		{10, "1000 ann 10-20", "999 dan 0-, 1000 ann 10-20"},
		{19, "1000 ann 10-20", "999 dan 0-, 1000 ann 10-20"},
		{20, "1000 bob 20-30", "999 dan 0-, 1000 bob 20-30"},
		{29, "1000 bob 20-30", "999 dan 0-, 1000 bob 20-30"},
		{30, "", "999 dan 0-"},
		{39, "", "999 dan 0-"},
		{40, "1000 cid 40-", "999 dan 0-, 1000 cid 40-"},
		{99999, "1000 cid 40-", "999 dan 0-, 1000 cid 40-"},
	};
	struct world w;

	open_tenures(&w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_str(u, who_had(&w, cases[i].ms, "1000"), cases[i].owner,
			"who had a number");
		unit_str(u, all_at(&w, cases[i].ms, "", LIST_SIZE),
			cases[i].all, "  and all others");
	}
	unit_str(u, who_had(&w, 50, "1009"), "", "one that nobody ever had");
	unit_str(u, who_had(&w, 50, "0999"), "", "another number");
	unit_str(u, all_at(&w, 10, "", 1), "999 dan 0-", "a page of one");
	unit_str(u, all_at(&w, 10, "999", 1), "1000 ann 10-20",
		"  and the next");
	unit_str(u, all_at(&w, 10, "1000", 1), "", "  and the end");
	world_close(&w);
}

static void check_owners(struct unit *u)
{
	struct world w;

	open_tenures(&w);
	unit_str(u, owners(&w, "1000", LIST_SIZE),
		"1000 cid 40-, 1000 bob 20-30, 1000 ann 10-20",
		"a number's owners, the latest first");
	unit_str(u, owners(&w, "1000", 2), "1000 cid 40-, 1000 bob 20-30",
		"  the last two");
	unit_str(u, owners(&w, "1009", LIST_SIZE), "", "  of none");
	/* Another number: one tenure ends, another begins. */
	world_must(&w,
		sp_assignment_make(&w.scope, NULL,
			&(struct sp_assign){.login = "cid", .number = "1001"},
			&(struct sp_assigned){.is_new = false}, &w.err) == 0,
		"another number");
	unit_str(u, owners(&w, "1001", LIST_SIZE), "1001 cid 50-",
		"a number that somebody has got");
	unit_str(u, owners(&w, "1000", 2), "1000 cid 40-50, 1000 bob 20-30",
		"  and the one that was left");
	at(&w, 60);
	world_must(&w,
		sp_assignment_swap(&w.scope, "cid", "dan", false,
			(struct sp_assigned[2]){{.is_new = false}},
			&w.err) == 0,
		"an exchange");
	unit_str(u, owners(&w, "1001", LIST_SIZE),
		"1001 dan 60-, 1001 cid 50-60", "two numbers exchanged");
	unit_str(u, owners(&w, "999", LIST_SIZE), "999 cid 60-, 999 dan 0-60",
		"  both of them");
	unit_str(u, all_at(&w, 59, "", LIST_SIZE),
		"999 dan 0-60, 1001 cid 50-60", "  before");
	unit_str(u, all_at(&w, 60, "", LIST_SIZE), "999 cid 60-, 1001 dan 60-",
		"  after");
	world_close(&w);
}

static void check_tenure_prune(struct unit *u)
{
	struct world w;

	open_tenures(&w);
	prune(&w, 20, 10);
	unit_str(u, owners(&w, "1000", LIST_SIZE),
		"1000 cid 40-, 1000 bob 20-30, 1000 ann 10-20",
		"no tenure is too old");
	prune(&w, 31, 1);
	unit_str(u, owners(&w, "1000", LIST_SIZE),
		"1000 cid 40-, 1000 bob 20-30", "a small step");
	prune(&w, 99999, 10);
	unit_str(u, owners(&w, "1000", LIST_SIZE), "1000 cid 40-",
		"who has it stays");
	world_close(&w);
}

/* A name is that of then, not of now. */
static void check_tenure_names(struct unit *u)
{
	struct sp_tenure tenure;
	struct sp_assigned got;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	sp_assignment_make(&w.scope, NULL,
		&(struct sp_assign){.login = "ann",
			.first = "Ann",
			.last = "S"},
		&got, &w.err);
	unit_int(u, sp_tenure_find_at(&w.scope, T, "1000", &tenure, &w.err), 1,
		"a tenure that runs");
	unit_str(u, tenure.first, "Ann", "  the first name");
	at(&w, 5);
	world_recycle(&w, "ann");
	unit_int(u, sp_tenure_find_at(&w.scope, T, "1000", &tenure, &w.err), 1,
		"one that has ended");
	unit_str(u, tenure.first, "Ann", "  the first name");
	unit_str(u, tenure.last, "S", "  the last name");
	world_close(&w);
}

/* ---- sessions ---------------------------------------------------------- */

/* A softphone of an extension's owner, which logs out after 5 ms if it does. */
static void have_session(struct world *w, const char *operand, int64_t start_ms,
	bool ends)
{
	const struct sp_binding b = {.contact = "sip:a@192.0.2.1",
		.call_id = "1",
		.transport = "udp",
		.user_agent = "phone",
		.expires_ms = T + 1000000};
	struct sp_extension e = world_extension(w, operand);

	at(w, start_ms);
	world_must(w, sp_session_start(&w->scope, &e, &b, &w->err) == 0,
		operand);
	e = world_extension(w, operand);
	if (ends)
		world_must(w,
			sp_session_end(&w->scope, e.session_id, SP_ENDED_LOGOUT,
				T + start_ms + 5, &w->err) == 1,
			operand);
}

/* "ann 0-5 logout, bob 20-": logins, times and endings. */
static const char *sessions(struct world *w, const char *number, int64_t after,
	int max)
{
	static char text[512];
	struct sp_session list[LIST_SIZE];
	int n = sp_session_list(&w->scope, number, T + after, list, max,
		&w->err);
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used,
			"%s%s %lld-", i == 0 ? "" : ", ", list[i].login,
			(long long)(list[i].started_ms - T));
		if (list[i].ended_ms != 0)
			used += (size_t)snprintf(text + used,
				sizeof text - used, "%lld %s",
				(long long)(list[i].ended_ms - T),
				list[i].ending);
	}
	return n < 0 ? w->err.msg : text;
}

static const char *session_at(struct world *w, const char *number, int64_t ms)
{
	static char text[128];
	struct sp_session s;
	int rc = sp_session_find_at(&w->scope, number, T + ms, &s, &w->err);

	snprintf(text, sizeof text, "%s %lld %s", s.login,
		(long long)(s.started_ms - T), s.ending);
	return rc < 0 ? w->err.msg : rc == 0 ? "none" : text;
}

static void check_sessions(struct unit *u)
{
	struct sp_session s;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "ann", "1000");
	world_assign(&w, "dan", "1001");
	have_session(&w, "ann", 10, true);
	have_session(&w, "dan", 15, false);
	at(&w, 20);
	world_recycle(&w, "ann");
	world_assign(&w, "bob", "1000");
	have_session(&w, "bob", 30, true);
	have_session(&w, "bob", 40, false);
	unit_str(u, sessions(&w, "1000", -1, LIST_SIZE),
		"ann 10-15 logout, bob 30-35 logout, bob 40-",
		"sessions of a number that was handed on");
	unit_str(u, sessions(&w, "1000", -1, 2),
		"ann 10-15 logout, bob 30-35 logout", "  a page of them");
	unit_str(u, sessions(&w, "1000", 30, 2), "bob 40-", "  and the next");
	unit_str(u, sessions(&w, "1000", 40, 2), "", "  and the end");
	unit_str(u, sessions(&w, "1009", -1, 2), "", "of another number");
	unit_str(u, session_at(&w, "1000", 9), "none", "before the first");
	unit_str(u, session_at(&w, "1000", 10), "ann 10 logout", "as it began");
	unit_str(u, session_at(&w, "1000", 29), "ann 10 logout", "when over");
	unit_str(u, session_at(&w, "1000", 39), "bob 30 logout", "the second");
	unit_str(u, session_at(&w, "1000", 99), "bob 40 ", "the last is open");
	world_must(&w,
		sp_session_find_at(&w.scope, "1001", T + 15, &s, &w.err) == 1,
		"a session");
	unit_str(u, s.contact, "sip:a@192.0.2.1", "its contact");
	unit_str(u, s.transport, "udp", "  transport");
	unit_str(u, s.user_agent, "phone", "  user agent");
	world_close(&w);
}

static const char *left(struct world *w)
{
	static const char SQL[] = "SELECT login || ' ' || (started_ms -"
				  " 1795426200000) FROM login_session"
				  " ORDER BY id";

	return world_text(w, SQL);
}

/* Who has a number keeps the last session, from which the state follows. */
static void check_session_prune(struct unit *u)
{
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "ann", "1000");
	world_assign(&w, "bob", "1001");
	have_session(&w, "ann", 10, true);
	have_session(&w, "ann", 20, true);
	have_session(&w, "bob", 30, true);
	have_session(&w, "bob", 40, false);
	prune(&w, 15, 10);
	unit_str(u, left(&w), "ann 10, ann 20, bob 30, bob 40",
		"no session is too old");
	prune(&w, 16, 10);
	unit_str(u, left(&w), "ann 20, bob 30, bob 40", "one that is");
	prune(&w, 99999, 10);
	unit_str(u, left(&w), "ann 20, bob 40", "the last of each stays");
	world_recycle(&w, "ann");
	world_recycle(&w, "bob");
	prune(&w, 99999, 10);
	unit_str(u, left(&w), "", "  until there is nobody");
	world_close(&w);
}

/* Small steps come past those that stay, to the end, and begin again. */
static void check_session_steps(struct unit *u)
{
	struct sp_prune step = {.before_ms = T + 1000, .max = 2};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "a", NULL);
	world_assign(&w, "b", NULL);
	world_assign(&w, "c", NULL);
	have_session(&w, "a", 10, true);
	have_session(&w, "b", 20, true);
	have_session(&w, "c", 30, true);
	have_session(&w, "c", 40, true);
	have_session(&w, "c", 2000, true);
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u, left(&w), "a 10, b 20, c 30, c 40, c 2000",
		"a step over those that stay");
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u, left(&w), "a 10, b 20, c 2000", "  comes to the others");
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u, left(&w), "a 10, b 20, c 2000", "  and to a young one");
	unit_int(u, step.session_id, 0, "  there it starts again");
	have_session(&w, "a", 3000, true);
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u, left(&w), "b 20, c 2000, a 3000",
		"  for what has become too old");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_events(&u);
	check_event_row(&u);
	check_event_tenants(&u);
	check_event_prune(&u);
	check_tenures(&u);
	check_owners(&u);
	check_tenure_prune(&u);
	check_tenure_names(&u);
	check_sessions(&u);
	check_session_prune(&u);
	check_session_steps(&u);
	return unit_done(&u);
}
