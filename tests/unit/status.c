/* lib/status: the state that follows from facts and a moment, now and in the
 * past, and who is wanted. */
#include "lib/status.h"

#include "lib/session.h"
#include "lib/tenure.h"
#include "tests/unit/world.h"

/* The moments below are offsets in milliseconds from this one. */
#define T WORLD_NOW_MS

static const char *derive(const struct sp_status_facts *facts, int64_t at_ms)
{
	return sp_state_name(sp_status_derive(facts, T + at_ms));
}

/* ---- without a binding ------------------------------------------------- */

static void check_unassigned(struct unit *u)
{
	static const struct {
		bool is_reserved;
		int64_t free_from, now; /* after T */
		const char *state;
	} cases[] = {
		{false, -T, 0, "free"},
		{false, -1, 0, "free"},
		{false, 0, 0, "free"},
		{false, 1, 0, "resting"},
		{false, 60000, 59999, "resting"},
		{false, 60000, 60000, "free"},
		{true, 0, 0, "reserved"},
		{true, 60000, 0, "reserved"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* What a former owner left does not count. */
		const struct sp_status_facts facts =
			{.is_reserved = cases[i].is_reserved,
				.free_from_ms = T + cases[i].free_from,
				.has_session = i % 2 == 0,
				.session_is_open = true,
				.session_was_lost = true,
				.refresh_ms = 15000};

		unit_str(u, derive(&facts, cases[i].now), cases[i].state,
			"a number that nobody has");
	}
}

static void check_sessions(struct unit *u)
{
	static const struct {
		const char *name;
		bool has_session, is_open, was_lost;
		const char *state;
	} cases[] = {
		{"never logged in", false, false, false, "offline"},
		{"logged out", true, false, false, "offline"},
		{"its connection was lost", true, false, true, "lost"},
		/* The server has not yet noticed. */
		{"open without a binding", true, true, false, "lost"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* An assigned number is not free, resting or reserved. */
		const struct sp_status_facts facts = {.is_assigned = true,
			.is_reserved = true,
			.free_from_ms = T + 1000,
			.has_session = cases[i].has_session,
			.session_is_open = cases[i].is_open,
			.session_was_lost = cases[i].was_lost,
			.refresh_ms = 15000};

		unit_str(u, derive(&facts, 0), cases[i].state, cases[i].name);
	}
}

/* ---- with a binding ---------------------------------------------------- */

static void check_bindings(struct unit *u)
{
	static const struct {
		int64_t refresh, interval; /* the tenant's, the phone's own */
		int64_t expires, now;      /* after its last refresh at T */
		const char *state;
	} cases[] = {
		{15000, 0, 30000, 0, "registered"},
		{15000, 0, 30000, 15000, "registered"},
		{15000, 0, 30000, 17000, "registered"},
		{15000, 0, 30000, 17001, "late"},
		{15000, 0, 30000, 29999, "late"},
		{15000, 0, 30000, 30000, "lost"},
		{15000, 0, 30000, 86400000, "lost"},
		/* It has shown a longer interval of its own. */
		{15000, 25000, 30000, 17001, "registered"},
		{15000, 25000, 30000, 27000, "registered"},
		{15000, 25000, 30000, 27001, "late"},
		{15000, 29700, 30000, 29999, "registered"},
		{15000, 29700, 30000, 30000, "lost"},
		/* A shorter one does not count against it. */
		{15000, 1000, 30000, 17000, "registered"},
		{15000, 1000, 30000, 17001, "late"},
		/* Other tenants, other times. */
		{60000, 0, 120000, 62000, "registered"},
		{60000, 0, 120000, 62001, "late"},
		{60000, 0, 10000, 10000, "lost"},
		/* The clock went back: no reason for alarm. */
		{15000, 0, 30000, -1000, "registered"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct sp_binding binding = {.refreshed_ms = T,
			.expires_ms = T + cases[i].expires,
			.interval_ms = cases[i].interval};
		const struct sp_status_facts facts = {.is_assigned = true,
			.has_session = true,
			.session_is_open = true,
			.binding = &binding,
			.refresh_ms = cases[i].refresh};
		char name[96];

		snprintf(name, sizeof name,
			"every %lld, shown %lld, for %lld: "
			"after %lld ms",
			(long long)cases[i].refresh,
			(long long)cases[i].interval,
			(long long)cases[i].expires, (long long)cases[i].now);
		unit_str(u, derive(&facts, cases[i].now), cases[i].state, name);
	}
}

static void check_calls(struct unit *u)
{
	static const struct {
		int64_t now; /* after its last refresh, which is for 30 s */
		bool is_open, is_answered;
		const char *state;
	} cases[] = {
		{0, true, false, "ringing"},
		{0, true, true, "busy"},
		/* A refresh that is late is none the less on line. */
		{29999, true, false, "ringing"},
		{29999, true, true, "busy"},
		/* A call does not put anybody on line. */
		{30000, true, true, "lost"},
		{0, false, true, "offline"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct sp_binding binding = {.refreshed_ms = T,
			.expires_ms = T + 30000};
		const struct sp_status_facts facts = {.is_assigned = true,
			.has_session = true,
			.session_is_open = cases[i].is_open,
			.binding = &binding,
			.refresh_ms = 15000,
			.is_in_call = true,
			.call_is_answered = cases[i].is_answered};

		unit_str(u, derive(&facts, cases[i].now), cases[i].state,
			"in a call");
	}
}

static void check_names(struct unit *u)
{
	static const char *const NAMES[] = {"free", "resting", "reserved",
		"offline", "registered", "late", "lost", "ringing", "busy"};
	static const char *const OTHERS[] = {"", "Free", "away", "lost ",
		"free,lost", "on line"};
	enum sp_state state;

	for (int i = 0; i < SP_N_STATES; i++) {
		state = SP_N_STATES;
		unit_str(u, sp_state_name((enum sp_state)i), NAMES[i],
			NAMES[i]);
		unit_ok(u, sp_state_parse(NAMES[i], &state) && (int)state == i,
			"  and back");
	}
	for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
		unit_ok(u, !sp_state_parse(OTHERS[i], &state),
			"'%s' is no state", OTHERS[i]);
}

/* ---- from the database ------------------------------------------------- */

/* Longer than what the list reads at once, and across a power of ten. */
static void check_list(struct unit *u)
{
	struct sp_status_list *list = NULL;
	const struct sp_status *status;
	struct world w;
	char login[16];
	int rc, n = 0, in_order = 0;

	world_open(&w);
	world_set_pool(&w, "800-1199", "");
	for (int i = 800; i < 1200; i++) {
		snprintf(login, sizeof login, "u%d", i);
		world_assign(&w, login, NULL);
	}
	world_must(&w,
		sp_db_commit(w.db, &w.err) == 0 &&
			sp_status_open(&w.scope, &list, &w.err) == 0,
		"a list");
	while ((rc = sp_status_next(list, &status, &w.err)) == 1) {
		in_order += atoi(status->extension.number) == 800 + n &&
			    status->state == SP_AWAY;
		n++;
	}
	unit_int(u, rc, 0, "a list ends well");
	unit_int(u, n, 400, "  all are in it");
	unit_int(u, in_order, 400, "  by number");
	unit_int(u, sp_status_next(list, &status, &w.err), 0,
		"  and stays at its end");
	sp_status_close(list);
	sp_status_close(NULL);
	world_close(&w);
}

static void check_single(struct unit *u)
{
	static const struct {
		const char *operand, *state;
	} cases[] = {
		{"1000", "offline"}, {"ext:1000", "offline"}, {"a", "offline"},
		{"user:a", "offline"}, {"1001", "free"},    /* was used */
		{"1002", "resting"}, {"1003", "free"},      /* never used */
		{"ext:1003", "free"}, {"1004", "reserved"}, /* never used */
	};
	struct sp_status status;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "1004");
	world_assign(&w, "a", NULL);
	world_assign(&w, "b", NULL);
	world_assign(&w, "c", NULL);
	world_recycle(&w, "b");
	w.tenant.rest_ms = 1000;
	world_recycle(&w, "c");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(u,
			sp_status_get(&w.scope, cases[i].operand, &status,
				&w.err) == 0
				? sp_state_name(status.state)
				: w.err.msg,
			cases[i].state, cases[i].operand);
	unit_int(u, sp_status_get(&w.scope, "2000", &status, &w.err), -1,
		"a number that is not in the pool");
	unit_str(u, w.err.msg, "no user or extension '2000' in 'acme.example'",
		"  its error");
	unit_int(u, w.err.code, SP_UNKNOWN, "  its code");
	world_close(&w);
}

/* The rules that count now are shown, of those who have some of their own and
 * of those who have not; a number that nobody has has none. */
static void check_shown_rules(struct unit *u)
{
	static const struct {
		const char *operand;
		int64_t at_s;
		const char *rules;
	} cases[] = {
		{"a", 0, "offline=1001"},
		{"b", 0, "always=1000 offline=1001"},
		{"b", 60, "offline=1001"},
		{"1002", 0, ""},
		{"1009", 0, ""},
	};
	struct sp_forwarding f;
	struct sp_extension b;
	unsigned changed;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	w.tenant.defaults[SP_OFFLINE] = (struct sp_rule){.target = "1001"};
	world_assign(&w, "a", NULL);
	world_assign(&w, "b", NULL);
	world_assign(&w, "gone", NULL);
	world_recycle(&w, "gone");
	b = world_extension(&w, "b");
	sp_forward_load(&w.scope, b.id, &f, &w.err);
	f.timed[SP_ALWAYS] = (struct sp_rule){.target = "1000",
		.enabled = true,
		.until_ms = T + 60000};
	world_must(&w, sp_forward_set(&w.scope, &b, &f, &changed, &w.err) == 1,
		"b");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_status status;
		char text[64] = "";

		w.scope.now_ms = T + cases[i].at_s * 1000;
		if (sp_status_get(&w.scope, cases[i].operand, &status,
			    &w.err) == 0)
			sp_forward_text(status.rules, text, sizeof text);
		unit_str(u, text, cases[i].rules, cases[i].operand);
	}
	world_close(&w);
}

/* ---- the past ---------------------------------------------------------- */

/* "registered 10": the state of 1000 at a moment, and since when. */
static const char *past(struct world *w, int64_t at_ms)
{
	static char text[1024];
	struct sp_tenure tenure;
	struct sp_status status;

	if (sp_tenure_find_at(&w->scope, T + at_ms, "1000", &tenure, &w->err) !=
		1)
		return "nobody";
	world_must(w,
		sp_status_at(&w->scope, &tenure, T + at_ms, &status, &w->err) ==
			0,
		"a past status");
	snprintf(text, sizeof text, "%s %s %lld %s",
		status.extension.user.login, sp_state_name(status.state),
		(long long)(status.since_ms - T), status.binding.contact);
	return text;
}

static void have_session(struct world *w, const char *operand, int64_t start_ms,
	int64_t end_ms, const char *ending)
{
	const struct sp_binding b = {.contact = "sip:a", .transport = "udp"};
	struct sp_extension e = world_extension(w, operand);

	w->scope.now_ms = T + start_ms;
	world_must(w, sp_session_start(&w->scope, &e, &b, &w->err) == 0,
		operand);
	e = world_extension(w, operand);
	world_must(w,
		sp_session_end(&w->scope, e.session_id, ending, T + end_ms,
			&w->err) == 1,
		operand);
}

static void check_past(struct unit *u)
{
	static const struct {
		int64_t at;
		const char *status;
	} cases[] = {
		{4, "nobody"},
		{5, "ann offline 5 "},
		{9, "ann offline 5 "},
		{10, "ann registered 10 sip:a"},
		{19, "ann registered 10 sip:a"},
		{20, "ann lost 20 sip:a"},
		{30, "ann registered 30 sip:a"},
		{40, "ann offline 40 sip:a"},
		{49, "ann offline 40 sip:a"},
		/* The session before was another one's. */
		{50, "bob offline 50 "},
		{60, "bob registered 60 sip:a"},
	};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	w.scope.now_ms = T + 5;
	world_assign(&w, "ann", "1000");
	have_session(&w, "ann", 10, 20, SP_ENDED_LOST);
	have_session(&w, "ann", 30, 40, SP_ENDED_LOGOUT);
	w.scope.now_ms = T + 50;
	world_recycle(&w, "ann");
	world_assign(&w, "bob", "1000");
	have_session(&w, "bob", 60, 99, SP_ENDED_LOGOUT);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(u, past(&w, cases[i].at), cases[i].status,
			"a status of the past");
	world_close(&w);
}

/* ---- filters ----------------------------------------------------------- */

static bool passes(struct sp_status_filter filter, enum sp_state state,
	bool named)
{
	struct sp_status status = {.state = state, .since_ms = T - 1000};

	if (state >= SP_AWAY)
		status.extension.user.id = 1;
	return sp_status_passes(&status, &filter, named, T);
}

#define FILTER(...) ((struct sp_status_filter){__VA_ARGS__})

/* A letter for each state: F(ree) R(esting) r(eserved) O(ffline) on line, L(ate)
 * l(ost), r(i)nging, b(usy). */
static const char *all_passing(struct sp_status_filter filter, bool named)
{
	static const char LETTERS[] = "FRrOgLlib";
	static char text[SP_N_STATES + 1];
	int n = 0;

	for (int i = 0; i < SP_N_STATES; i++)
		if (passes(filter, (enum sp_state)i, named))
			text[n++] = LETTERS[i];
	text[n] = '\0';
	return text;
}

static void check_filters(struct unit *u)
{
	const struct sp_status_filter none = {.match = NULL};
	const struct sp_status_filter lost = {.has_states = true,
		.state = {[SP_LOST] = true, [SP_FREE] = true}};

	unit_str(u, all_passing(none, false), "OgLlib", "those with an owner");
	unit_str(u, all_passing(none, true), "FRrOgLlib", "all that are named");
	unit_str(u, all_passing(lost, false), "Fl", "of some states");
	unit_str(u, all_passing(lost, true), "Fl", "  also when named");
	unit_str(u, all_passing(FILTER(.idle_ms = 1000), false), "Ol",
		"without a session for so long");
	unit_str(u, all_passing(FILTER(.idle_ms = 1001), false), "",
		"  not for longer");
	unit_str(u, all_passing(FILTER(.idle_ms = 1000), true), "Ol",
		"  nor those that nobody has");
	unit_str(u,
		all_passing(FILTER(.has_states = true, .state[SP_LOST] = true,
				    .idle_ms = 1000),
			false),
		"l", "both");
}

static void check_match(struct unit *u)
{
	static const struct {
		const char *text;
		bool matches;
	} cases[] = {
		{"100", true},       /* the number */
		{"ASM", true},       /* the login */
		{"ann", true},       /* the name */
		{"ann smith", true}, /* the whole */
		{"smith ann", false},
		{"192.0.2.7", true}, /* the contact */
		{"MicroSIP", true},  /* the softphone */
		{"udp", false},
		{"", true},
	};
	struct sp_status status = {.state = SP_REGISTERED,
		.extension = {.number = "1001",
			.user = {1, "asmith", "Ann", "Smith"}},
		.binding = {.contact = "sip:x@192.0.2.7",
			.transport = "udp",
			.user_agent = "microsip/3.21"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_ok(u,
			sp_status_passes(&status,
				&FILTER(.match = cases[i].text), false,
				T) == cases[i].matches,
			"'%s' %s", cases[i].text,
			cases[i].matches ? "is found" : "is not");
}

int main(void)
{
	struct unit u = {0};

	check_unassigned(&u);
	check_sessions(&u);
	check_bindings(&u);
	check_calls(&u);
	check_names(&u);
	check_list(&u);
	check_single(&u);
	check_shown_rules(&u);
	check_past(&u);
	check_filters(&u);
	check_match(&u);
	return unit_done(&u);
}
