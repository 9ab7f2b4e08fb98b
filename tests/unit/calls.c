/* cmd/sp-register/calls: the calls in progress, and their rows. */
#include "cmd/sp-register/calls.h"

#include "lib/server.h"
#include "tests/unit/world.h"

/* Long enough for several growths of the table. */
enum { MANY = 1000, HOUR_MS = 3600 * 1000 };

/* A service that is nothing but its database, and what it has of calls. */
struct office {
	struct unit *u;
	struct world w;
	struct sp_config config;
	struct log log;
	struct service service;
	struct calls *calls;
};

static struct sip_slice slice(const char *text)
{
	return (struct sip_slice){text, text == NULL ? 0 : strlen(text)};
}

static void open_calls(struct office *o)
{
	world_must(&o->w,
		calls_new(&o->calls, &o->service, WORLD_NOW_MS, &o->w.err) == 0,
		"calls");
}

static void open_office(struct office *o, struct unit *u)
{
	*o = (struct office){.u = u, .log = {.level = LOG_ERROR}};
	world_open(&o->w);
	world_set_pool(&o->w, "1000-1999", "");
	world_assign(&o->w, "alice", "1001");
	world_assign(&o->w, "bob", "1002");
	world_turn(&o->w);
	o->config.tenants = &o->w.tenant;
	o->config.n_tenants = 1;
	o->service.config = &o->config;
	o->service.db = o->w.db;
	o->service.log = &o->log;
	o->service.key[0] = 7;
	open_calls(o);
}

static void close_office(struct office *o)
{
	calls_free(o->calls);
	world_close(&o->w);
}

/* The server ends, by whatever, and another one takes its place. */
static void restart(struct office *o)
{
	calls_free(o->calls);
	open_calls(o);
}

static struct call *add(struct office *o, const char *call_id, const char *tag)
{
	return calls_add(o->calls, &o->w.tenant, slice(call_id), slice(tag), 1);
}

/* One from 1001 to 1002 with a row. */
static struct call *start(struct office *o, const char *call_id,
	const char *tag)
{
	struct call *call = add(o, call_id, tag);

	snprintf(call->row.caller, sizeof call->row.caller, "1001");
	snprintf(call->row.dialled, sizeof call->row.dialled, "1002");
	call->row.expires_ms = WORLD_NOW_MS + HOUR_MS;
	world_must(&o->w,
		calls_start(o->calls, &o->w.scope, call, &o->w.err) == 0,
		"a call starts");
	return call;
}

/* The batch's transaction ends. */
static void settle(struct office *o, bool is_committed)
{
	calls_store(o->calls, &o->service);
	if (is_committed)
		world_turn(&o->w);
	else
		sp_db_rollback(o->w.db);
	calls_settle(o->calls, is_committed);
	if (!is_committed)
		world_must(&o->w, sp_db_begin(o->w.db, &o->w.err) == 0,
			"the next transaction");
}

/* "CALLER_TAG caller" or "... callee": which call, and whose request it is; "-"
 * for none. */
static const char *find(struct office *o, const char *call_id, const char *from,
	const char *to)
{
	static char text[SP_CALL_TAG_SIZE + 16];
	bool is_from_caller;
	struct call *call = calls_find(o->calls, slice(call_id), slice(from),
		slice(to), &is_from_caller);

	if (call == NULL)
		return "-";
	snprintf(text, sizeof text, "%s %s", call->row.caller_tag,
		is_from_caller ? "caller" : "callee");
	return text;
}

static const char *rows(struct office *o)
{
	return world_text(&o->w, "SELECT sip_call_id || ' ' || CASE WHEN "
				 "ended_ms = 0 THEN 'open'"
				 " ELSE ending END FROM call ORDER BY id");
}

/* ---- the table --------------------------------------------------------- */

static void check_find(struct unit *u)
{
	static const struct {
		const char *name, *call_id, *from, *to, *found;
	} cases[] = {
		{"of the caller", "one", "a1", "b1", "a1 caller"},
		{"of the callee", "one", "b1", "a1", "a1 callee"},
		{"before the callee has a tag", "one", "a1", NULL, "a1 caller"},
		{"the other call of that Call-ID", "one", "b1", "a2",
			"a2 callee"},
		{"another Call-ID", "two", "a1", "b1", "-"},
		{"another case of the Call-ID", "ONE", "a1", "b1", "-"},
		{"other tags", "one", "x", "y", "-"},
		{"half a tag", "one", "a", "b", "-"},
		{"no tags", "one", NULL, NULL, "-"},
		{"a Call-ID that goes on", "one1", "a1", "b1", "-"},
	};
	struct office o;

	open_office(&o, u);
	add(&o, "one", "a1");
	add(&o, "one", "a2");
	add(&o, "three", "a1");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(u,
			find(&o, cases[i].call_id, cases[i].from, cases[i].to),
			cases[i].found, cases[i].name);
	close_office(&o);
}

static void check_limits(struct unit *u)
{
	char longest[SP_CALL_ID_SIZE_MAX + 1];
	struct office o;

	open_office(&o, u);
	memset(longest, 'x', sizeof longest);
	longest[SP_CALL_ID_SIZE_MAX] = '\0';
	unit_ok(u, add(&o, longest, "a") == NULL, "a Call-ID too long");
	longest[SP_CALL_ID_SIZE_MAX - 1] = '\0';
	unit_ok(u, add(&o, longest, "a") != NULL, "the longest");
	longest[SP_CALL_TAG_SIZE] = '\0';
	unit_ok(u, add(&o, "id", longest) == NULL, "a tag too long");
	longest[SP_CALL_TAG_SIZE - 1] = '\0';
	unit_ok(u, add(&o, "id", longest) != NULL, "the longest");
	unit_ok(u, add(&o, "id", NULL) == NULL, "no tag");
	unit_int(u, calls_count(o.calls), 2,
		"those that were refused are not there");
	close_office(&o);
}

static void check_many(struct unit *u)
{
	int found = 0, gone = 0;
	char id[16];
	struct office o;

	open_office(&o, u);
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, "id%d", i);
		add(&o, id, "a")->row.id = i + 1;
	}
	unit_int(u, calls_count(o.calls), MANY, "many calls");
	for (int i = 0; i < MANY; i += 2)
		calls_forget(o.calls, i + 1);
	calls_forget(o.calls, MANY + 1);
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, "id%d", i);
		found += i % 2 == 1 && strcmp(find(&o, id, "a", "b"), "-") != 0;
		gone += i % 2 == 0 && strcmp(find(&o, id, "a", "b"), "-") == 0;
	}
	unit_int(u, found, MANY / 2, "each is found");
	unit_int(u, gone, MANY / 2, "but not those that were forgotten");
	unit_int(u, calls_count(o.calls), MANY / 2, "nor counted");
	close_office(&o);
}

/* ---- rows -------------------------------------------------------------- */

static void check_end(struct unit *u)
{
	struct office o;
	struct call *call;

	open_office(&o, u);
	call = start(&o, "one", "a");
	settle(&o, true);
	unit_str(u, rows(&o), "one open", "it has a row");
	call->row.status = 486;
	calls_end(o.calls, call, SP_CALL_BUSY, WORLD_NOW_MS + 5);
	unit_str(u, find(&o, "one", "a", "b"), "-",
		"one that has ended is not found");
	unit_ok(u, calls_has_news(o.calls), "and is to be stored");
	settle(&o, true);
	unit_ok(u, !calls_has_news(o.calls), "and is stored");
	unit_str(u,
		world_text(&o.w, "SELECT ending || ' ' || status || ' ' ||"
				 " (ended_ms - started_ms) FROM call"),
		"busy 486 5", "as it ended, when it did");
	close_office(&o);
}

static void check_end_at_once(struct unit *u)
{
	struct office o;

	open_office(&o, u);
	calls_end(o.calls, start(&o, "one", "a"), SP_CALL_FAILED, WORLD_NOW_MS);
	settle(&o, true);
	unit_str(u, rows(&o), "one failed", "begun and ended in one batch");
	close_office(&o);
}

/* The end is stored with the next batch, the row is not there any more. */
static void check_rollback(struct unit *u)
{
	struct office o;
	struct call *one, *two;

	open_office(&o, u);
	one = start(&o, "one", "a");
	settle(&o, true);
	calls_end(o.calls, one, SP_CALL_HUNG_UP, WORLD_NOW_MS + 7);
	two = start(&o, "two", "a");
	calls_end(o.calls, start(&o, "three", "a"), SP_CALL_BUSY, WORLD_NOW_MS);
	settle(&o, false);
	unit_str(u, rows(&o), "one open", "rolled back");
	unit_int(u, two->row.id, 0, "one that began then has no row");
	unit_str(u, find(&o, "two", "a", "b"), "a caller", "but goes on");
	unit_ok(u, calls_has_news(o.calls), "one that ended then is kept");
	settle(&o, true);
	unit_str(u, rows(&o), "one hung-up", "and stored with the next batch");
	unit_str(u, world_text(&o.w, "SELECT ended_ms - started_ms FROM call"),
		"7", "at the time when it ended");
	calls_end(o.calls, two, SP_CALL_HUNG_UP, WORLD_NOW_MS);
	settle(&o, true);
	unit_str(u, rows(&o), "one hung-up", "one without a row leaves none");
	unit_ok(u, !calls_has_news(o.calls), "nor waits for one");
	close_office(&o);
}

/* An answer is stored with a later batch, also when the call is over by then. */
static void check_late_answer(struct unit *u)
{
	struct office o;
	struct call *call;

	open_office(&o, u);
	call = start(&o, "one", "a");
	settle(&o, true);
	call->row.status = 200;
	calls_answer(o.calls, call, WORLD_NOW_MS + 3);
	settle(&o, false);
	unit_ok(u, calls_has_news(o.calls), "an answer is kept");
	unit_int(u, call->row.answered_ms, 0, "not stored");
	calls_end(o.calls, call, SP_CALL_HUNG_UP, WORLD_NOW_MS + 9);
	settle(&o, false);
	settle(&o, true);
	unit_str(u,
		world_text(&o.w, "SELECT (answered_ms - started_ms) || ' ' ||"
				 " (ended_ms - started_ms) || ' ' || ending"
				 " FROM call"),
		"3 9 hung-up", "and stored before the end");
	unit_ok(u, !calls_has_news(o.calls), "once");
	close_office(&o);
}

/* One that is forgotten has nothing to be stored any more. */
static void check_forgotten_answer(struct unit *u)
{
	struct office o;
	struct call *call;

	open_office(&o, u);
	call = start(&o, "one", "a");
	calls_answer(o.calls, call, WORLD_NOW_MS);
	calls_answer(o.calls, start(&o, "two", "a"), WORLD_NOW_MS);
	calls_forget(o.calls, call->row.id);
	settle(&o, true);
	unit_str(u,
		world_text(&o.w, "SELECT sip_call_id FROM call"
				 " WHERE answered_ms > 0"),
		"two", "a forgotten one is not answered");
	close_office(&o);
}

/* Who sets a call up is told when it goes, whoever ends it. */
static void check_holder(struct unit *u)
{
	struct sp_config none = {.n_tenants = 0};
	struct office o;
	struct call *held[3];

	open_office(&o, u);
	for (int i = 0; i < 3; i++) {
		held[i] = start(&o,
			i == 0   ? "one"
			: i == 1 ? "two"
				 : "three",
			"a");
		held[i]->holder = &held[i];
	}
	calls_end(o.calls, held[0], SP_CALL_BUSY, WORLD_NOW_MS);
	unit_ok(u, held[0] == NULL, "one that has ended is let go");
	calls_forget(o.calls, held[1]->row.id);
	unit_ok(u, held[1] == NULL, "one that is forgotten");
	calls_configure(o.calls, &none);
	unit_ok(u, held[2] == NULL, "one whose tenant has gone");
	close_office(&o);
}

/* A row whose id was given to a call that was rolled back is another's. */
static void check_ids_again(struct unit *u)
{
	struct office o;
	struct call *lost, *kept;

	open_office(&o, u);
	lost = start(&o, "lost", "a");
	settle(&o, false);
	kept = start(&o, "kept", "a");
	settle(&o, true);
	calls_end(o.calls, lost, SP_CALL_BUSY, WORLD_NOW_MS);
	settle(&o, true);
	unit_str(u, rows(&o), "kept open", "nobody ends another's call");
	unit_int(u, kept->row.id > 0, 1, "which has a row");
	settle(&o, false);
	unit_int(u, kept->row.id > 0, 1, "also after a later rollback");
	close_office(&o);
}

/* ---- the next server --------------------------------------------------- */

static void answer(struct office *o, struct call *call)
{
	hop_set(&call->route.caller, SP_UDP, "192.0.2.1", 5060);
	hop_set(&call->route.callee, SP_UDP, "192.0.2.2", 5062);
	call->route.call_id = call->row.id;
	dialog_route_format(o->service.key, slice(call->row.sip_call_id),
		slice(call->row.caller_tag), &call->route, call->row.route);
	call->row.status = 200;
	world_must(&o->w,
		sp_call_answer(&o->w.scope, &call->row, &o->w.err) == 0,
		"an answer");
}

static void check_restart(struct unit *u)
{
	struct office o;
	struct call *call;
	bool is_from_caller;
	char id[16];

	open_office(&o, u);
	for (int i = 0; i < 3 * 64 + 1; i++) { /* several pages */
		snprintf(id, sizeof id, "id%d", i);
		call = start(&o, id, "a");
		if (i != 9)
			answer(&o, call);
		if (i == 8)
			calls_end(o.calls, call, SP_CALL_BUSY, WORLD_NOW_MS);
	}
	settle(&o, true);
	restart(&o);
	unit_int(u, calls_count(o.calls), 3 * 64 - 1,
		"all that are answered and have not ended");
	unit_str(u, find(&o, "id192", "a", "b"), "a caller",
		"the last of them");
	unit_str(u, find(&o, "id8", "a", "b"), "-", "but not what has ended");
	call = calls_find(o.calls, slice("id7"), slice("a"), slice("b"),
		&is_from_caller);
	unit_int(u, ntohs(call->route.callee.to.four.sin_port), 5062,
		"with its route");
	calls_end(o.calls, call, SP_CALL_HUNG_UP, WORLD_NOW_MS + 9);
	settle(&o, true);
	unit_str(u,
		world_text(&o.w, "SELECT ending FROM call"
				 " WHERE sip_call_id = 'id7'"),
		"hung-up", "and can be ended");
	close_office(&o);
}

/* A server has beaten so long ago. */
static void beat(struct office *o, int64_t ago_ms)
{
	static const char BEAT[] =
		"INSERT INTO server (id, nonce_key, heartbeat_ms)"
		" VALUES (1, '', $1)";

	world_must(&o->w,
		sp_db_exec(o->w.db, BEAT,
			SP_ARGS(sp_int(WORLD_NOW_MS - ago_ms)), NULL,
			&o->w.err) == 0,
		"a beat");
}

/* What was being set up is another server's, or nobody's. */
static void check_abandoned(struct unit *u)
{
	static const struct {
		int64_t ago_ms;
		const char *rows, *what;
	} CASES[] = {
		{SP_HEARTBEAT_LATE_MS, "one open", "another server is at it"},
		{SP_HEARTBEAT_LATE_MS + 1, "one failed", "nobody is: it ends"},
	};
	struct office o;

	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		open_office(&o, u);
		start(&o, "one", "a");
		settle(&o, true);
		beat(&o, CASES[i].ago_ms);
		restart(&o);
		unit_str(u, find(&o, "one", "a", "b"), "-", "not ours");
		settle(&o, true);
		unit_str(u, rows(&o), CASES[i].rows, CASES[i].what);
		close_office(&o);
	}
}

/* A key of old, or a row that somebody has put there. */
static void check_foreign_routes(struct unit *u)
{
	struct office o;
	struct call *call;
	bool is_from_caller;

	open_office(&o, u);
	answer(&o, start(&o, "one", "a"));
	settle(&o, true);
	o.service.key[0] = 8;
	restart(&o);
	call = calls_find(o.calls, slice("one"), slice("a"), slice("b"),
		&is_from_caller);
	unit_ok(u, call != NULL,
		"a call with the route of another key is found");
	unit_int(u, call->route.callee.to.any.sa_family, 0, "without a route");
	close_office(&o);
}

static void check_configure(struct unit *u)
{
	struct sp_config none = {.n_tenants = 0};
	struct office o;

	open_office(&o, u);
	calls_end(o.calls, start(&o, "one", "a"), SP_CALL_BUSY, WORLD_NOW_MS);
	start(&o, "two", "a");
	calls_configure(o.calls, &o.config);
	unit_int(u, calls_count(o.calls), 1, "the same tenant: it goes on");
	unit_ok(u, calls_has_news(o.calls), "and what has ended is stored");
	calls_configure(o.calls, &none);
	unit_int(u, calls_count(o.calls), 0, "without the tenant: forgotten");
	unit_ok(u, !calls_has_news(o.calls), "also what has ended");
	close_office(&o);
}

int main(void)
{
	struct unit u = {0};

	check_find(&u);
	check_limits(&u);
	check_many(&u);
	check_end(&u);
	check_end_at_once(&u);
	check_rollback(&u);
	check_late_answer(&u);
	check_forgotten_answer(&u);
	check_holder(&u);
	check_ids_again(&u);
	check_restart(&u);
	check_abandoned(&u);
	check_foreign_routes(&u);
	check_configure(&u);
	return unit_done(&u);
}
