/* lib/call: calls in progress, who is in one, and what is kept of them. */
#include "lib/call.h"

#include "lib/call_stats.h"
#include "lib/event.h"
#include "lib/extension.h"
#include "tests/unit/world.h"

/* Moments are milliseconds from this one. */
#define T WORLD_NOW_MS

enum { LIST_SIZE = 8 };

static void at(struct world *w, int64_t ms)
{
	w->scope.now_ms = T + ms;
}

/* ann 1001, bob 1002, cid 1003. */
static void open_world(struct world *w)
{
	world_open(w);
	world_set_pool(w, "1000-1009", "");
	world_assign(w, "ann", "1001");
	world_assign(w, "bob", "1002");
	world_assign(w, "cid", "1003");
	world_events(w);
}

/* callee: where it rings from the beginning; "": nowhere. */
static struct sp_call start(struct world *w, const char *caller,
	const char *dialled, const char *callee)
{
	struct sp_call call = {.sip_call_id = "id@phone",
		.caller_tag = "tag",
		.expires_ms = w->scope.now_ms + 1000,
		.route = "start"};

	snprintf(call.caller, sizeof call.caller, "%s", caller);
	snprintf(call.dialled, sizeof call.dialled, "%s", dialled);
	snprintf(call.callee, sizeof call.callee, "%s", callee);
	world_must(w, sp_call_start(&w->scope, &call, &w->err) == 0, "a call");
	return call;
}

static struct sp_call dial(struct world *w, const char *caller,
	const char *dialled)
{
	return start(w, caller, dialled, "");
}

static void ring(struct world *w, struct sp_call *call, const char *callee)
{
	snprintf(call->callee, sizeof call->callee, "%s", callee);
	world_must(w, sp_call_ring(&w->scope, call, &w->err) == 0, "ringing");
}

static void answer(struct world *w, struct sp_call *call)
{
	call->status = 200;
	world_must(w, sp_call_answer(&w->scope, call, &w->err) == 0, "answer");
}

static void finish(struct world *w, struct sp_call *call, const char *ending,
	int status)
{
	call->status = status;
	world_must(w, sp_call_end(&w->scope, call, ending, &w->err) == 0,
		ending);
}

static int64_t assigned_ms(struct world *w, const char *number)
{
	static const char SQL[] =
		"SELECT assigned_ms FROM extension WHERE number = $1";
	struct sp_stmt *row;
	int64_t ms;

	world_must(w,
		sp_db_first(w->db, SQL, SP_ARGS(sp_text(number)), &row,
			&w->err) == 1,
		number);
	ms = sp_col_int(row, 0);
	sp_db_done(row);
	return ms;
}

/* "busy 5": what an extension is in, and since when. */
static const char *presence(struct world *w, const char *number)
{
	static char text[64];
	struct sp_call_presence p;
	int rc = sp_call_presence(&w->scope, number, assigned_ms(w, number), &p,
		&w->err);

	if (rc != 1)
		return rc == 0 ? "" : w->err.msg;
	snprintf(text, sizeof text, "%s %lld",
		p.is_answered ? "busy" : "ringing",
		(long long)(p.since_ms - T));
	return text;
}

/* "1001>1002 0-, 1002>1001=1003 5-9": who called whom, and who answered or rang
 * last if that is another one. */
static const char *list(struct world *w, const char *number, int64_t after,
	int max)
{
	static char text[1024];
	struct sp_call calls[LIST_SIZE];
	int n = sp_call_list(&w->scope, number, T + after, calls, max, &w->err);
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		const struct sp_call *c = &calls[i];
		bool is_other = strcmp(c->callee, c->dialled) != 0;

		used += (size_t)snprintf(text + used, sizeof text - used,
			"%s%s>%s%s%s %lld-", i == 0 ? "" : ", ", c->caller,
			c->dialled, is_other ? "=" : "",
			is_other ? c->callee : "",
			(long long)(c->started_ms - T));
		if (c->ended_ms != 0)
			used += (size_t)snprintf(text + used,
				sizeof text - used, "%lld",
				(long long)(c->ended_ms - T));
	}
	return n < 0 ? w->err.msg : text;
}

/* ---- a call's life ----------------------------------------------------- */

static void check_life(struct unit *u)
{
	struct sp_call call;
	struct world w;

	open_world(&w);
	call = dial(&w, "1001", "1002");
	unit_ok(u, call.id != 0, "a call has a row");
	unit_int(u, call.started_ms, T, "  and a start");
	unit_str(u, world_events(&w), "1001 call-started:1001>1002",
		"  and an event");
	unit_str(u, presence(&w, "1001"), "ringing 0", "who dials rings");
	unit_str(u, presence(&w, "1002"), "", "  who is dialled does not yet");
	at(&w, 2);
	ring(&w, &call, "1002");
	unit_str(u, presence(&w, "1002"), "ringing 2", "  but then");
	unit_str(u, world_events(&w), "", "  without an event");
	at(&w, 5);
	answer(&w, &call);
	unit_int(u, call.answered_ms, T + 5, "an answer has a moment");
	unit_str(u, presence(&w, "1001"), "busy 5", "  the caller is busy");
	unit_str(u, presence(&w, "1002"), "busy 5", "  and so is the callee");
	unit_str(u, world_events(&w), "1001 call-answered:>1002",
		"  it is an event");
	at(&w, 900);
	finish(&w, &call, SP_CALL_HUNG_UP, 200);
	unit_int(u, call.ended_ms, T + 900, "an end has a moment");
	unit_str(u, call.ending, "hung-up", "  and a name");
	unit_str(u, presence(&w, "1001"), "", "  nobody is busy");
	unit_str(u, presence(&w, "1002"), "", "  on neither side");
	unit_str(u, world_events(&w), "1001 call-ended:>hung-up after 0s",
		"  it is an event");
	world_close(&w);
}

/* All that is known of a call comes back in its place. */
static void check_row(struct unit *u)
{
	struct sp_call call, got = {.id = 0};
	int64_t tenant_id = 0;
	struct world w;

	open_world(&w);
	call = dial(&w, "1001", "1002");
	ring(&w, &call, "1003");
	at(&w, 5);
	call.expires_ms = T + 7000;
	snprintf(call.route, sizeof call.route, "answered");
	answer(&w, &call);
	unit_int(u, sp_call_list_open(&w.scope, &got, &tenant_id, 1, &w.err), 1,
		"a call in progress");
	unit_int(u, tenant_id, w.tenant.id, "  its tenant");
	unit_int(u, got.id, call.id, "  its id");
	unit_str(u, got.sip_call_id, "id@phone", "  Call-ID");
	unit_str(u, got.caller_tag, "tag", "  tag");
	unit_str(u, got.caller, "1001", "  caller");
	unit_str(u, got.dialled, "1002", "  dialled");
	unit_str(u, got.callee, "1003", "  callee");
	unit_int(u, got.started_ms, T, "  start");
	unit_int(u, got.answered_ms, T + 5, "  answer");
	unit_int(u, got.ended_ms, 0, "  no end");
	unit_int(u, got.expires_ms, T + 7000, "  expiry");
	unit_str(u, got.ending, "", "  no ending");
	unit_int(u, got.status, 200, "  status");
	unit_str(u, got.route, "answered", "  route");
	got = (struct sp_call){.id = 0};
	call.expires_ms = T + 8000;
	snprintf(call.route, sizeof call.route, "refreshed");
	unit_int(u, sp_call_prolong(&w.scope, &call, &w.err), 0, "prolonged");
	unit_int(u, sp_call_list_open(&w.scope, &got, &tenant_id, 1, &w.err), 1,
		"  it goes on");
	unit_int(u, got.expires_ms, T + 8000, "  until then");
	unit_str(u, got.route, "refreshed", "  that way");
	finish(&w, &call, SP_CALL_HUNG_UP, 200);
	unit_int(u, sp_call_list(&w.scope, "1003", 0, &got, 1, &w.err), 1,
		"the record");
	unit_int(u, got.ended_ms, T + 5, "  its end");
	unit_str(u, got.ending, "hung-up", "  ending");
	unit_int(u, got.status, 200, "  status");
	world_close(&w);
}

/* What is over is over, and what is not there is not either. */
static void check_closed(struct unit *u)
{
	struct sp_call call, none = {.callee = "1002", .caller = "1001"};
	struct world w;

	open_world(&w);
	call = dial(&w, "1001", "1002");
	ring(&w, &call, "1002");
	at(&w, 5);
	answer(&w, &call);
	at(&w, 6);
	answer(&w, &call);
	unit_int(u, call.answered_ms, T + 5, "the first answer counts");
	finish(&w, &call, SP_CALL_HUNG_UP, 200);
	world_events(&w);
	for (int i = 0; i < 2; i++) {
		struct sp_call *c = i == 0 ? &call : &none;

		at(&w, 10);
		finish(&w, c, SP_CALL_FAILED, 500);
		answer(&w, c);
		ring(&w, c, "1003");
		world_must(&w,
			sp_call_divert(&w.scope, c, "1002", SP_BUSY, "1003",
				&w.err) == 0 &&
				sp_call_prolong(&w.scope, c, &w.err) == 0,
			"what is over");
		unit_str(u, world_events(&w), "",
			i == 0 ? "a call that is over stays as it was"
			       : "a call without a row is none");
		unit_str(u, presence(&w, "1003"), "", "  nobody rings");
	}
	unit_str(u, call.ending, "hung-up", "  its ending stays");
	unit_str(u, world_text(&w, "SELECT status || ' ' || callee FROM call"),
		"200 1002", "  and its record");
	unit_str(u, list(&w, "1002", -1, LIST_SIZE), "1001>1002 0-6",
		"  and its time");
	world_close(&w);
}

/* ---- who, where -------------------------------------------------------- */

static void check_diversion(struct unit *u)
{
	struct sp_call call;
	struct world w;

	open_world(&w);
	call = dial(&w, "1001", "1002");
	ring(&w, &call, "1002");
	world_events(&w);
	at(&w, 3);
	world_must(&w,
		sp_call_divert(&w.scope, &call, "1002", SP_NO_ANSWER, "1003",
			&w.err) == 0,
		"a diversion");
	unit_str(u, world_events(&w), "1002 call-diverted:no-answer>1003",
		"a diversion is an event of who diverts");
	unit_str(u, presence(&w, "1002"), "", "  who rings no more");
	unit_str(u, presence(&w, "1001"), "ringing 0", "  but the caller does");
	ring(&w, &call, "1003");
	unit_str(u, presence(&w, "1003"), "ringing 3", "  and the next");
	world_must(&w,
		sp_call_divert(&w.scope, &call, "1003", SP_BUSY, "voicemail",
			&w.err) == 0,
		"another");
	ring(&w, &call, "sip:vm@x");
	unit_str(u, presence(&w, "1003"), "", "  until it is elsewhere");
	for (int i = 1001; i <= 1003; i++) {
		char number[16];

		snprintf(number, sizeof number, "%d", i);
		unit_str(u, list(&w, number, -1, LIST_SIZE),
			"1001>1002=sip:vm@x 0-", "it is in a party's record");
	}
	unit_str(u, list(&w, "1004", -1, LIST_SIZE), "", "  in no other");
	world_close(&w);
}

/* Straight from one phone to the next, as when it has forked. */
static void check_next_callee(struct unit *u)
{
	struct sp_call call;
	struct world w;

	open_world(&w);
	call = dial(&w, "1001", "1002");
	ring(&w, &call, "1002");
	at(&w, 4);
	ring(&w, &call, "1003");
	unit_str(u, presence(&w, "1002"), "", "the one before rings no more");
	unit_str(u, presence(&w, "1003"), "ringing 4", "  the next one does");
	ring(&w, &call, "+49301");
	unit_str(u, presence(&w, "1003"), "", "  nor when it rings outside");
	unit_str(u, presence(&w, "1001"), "ringing 0", "  the caller waits");
	world_close(&w);
}

/* Whose event it is: the caller's, else that of who is called. */
static void check_about(struct unit *u)
{
	static const struct {
		const char *caller, *dialled, *event, *login;
	} cases[] = {
		{"1001", "1002", "1001 call-started:1001>1002", "ann"},
		{"1001", "+49301", "1001 call-started:1001>+49301", "ann"},
		{"sip:+49@trunk", "1002",
			"1002 call-started:sip:+49@trunk>1002", "bob"},
		/* Nobody's number, and nobody's at all. */
		{"sip:+49@trunk", "1009",
			"1009 call-started:sip:+49@trunk>1009", ""},
		{"sip:+49@trunk", "sales", " call-started:sip:+49@trunk>sales",
			""},
		{"sip:+49@trunk", "1234567890123456",
			" call-started:sip:+49@trunk>1234567890123456", ""},
	};
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		dial(&w, cases[i].caller, cases[i].dialled);
		unit_str(u, world_events(&w), cases[i].event, cases[i].dialled);
		unit_str(u,
			world_text(&w, "SELECT login FROM event"
				       " ORDER BY seq DESC LIMIT 1"),
			cases[i].login, "  whose it is");
	}
	world_close(&w);
}

/* Of who calls it may be known already, of others not. */
static void check_login(struct unit *u)
{
	static const struct {
		const char *caller, *login, *expected;
	} cases[] = {{"1001", "", "ann"}, {"1001", "known", "known"},
		{"sip:x@y", "known", "bob"}};
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_call call = {.dialled = "1002", .id = 0};

		snprintf(call.caller, sizeof call.caller, "%s",
			cases[i].caller);
		snprintf(call.login, sizeof call.login, "%s", cases[i].login);
		world_must(&w, sp_call_start(&w.scope, &call, &w.err) == 0,
			"a call");
		unit_str(u,
			world_text(&w, "SELECT login FROM event"
				       " ORDER BY seq DESC LIMIT 1"),
			cases[i].expected, "the login of an event");
	}
	world_close(&w);
}

/* Of several calls the one that was answered first counts, else the one that has
 * rung longest. */
static void check_presence(struct unit *u)
{
	struct sp_call first, second, third;
	struct world w;

	open_world(&w);
	first = dial(&w, "1001", "1002");
	at(&w, 1);
	second = dial(&w, "1001", "1003");
	unit_str(u, presence(&w, "1001"), "ringing 0", "the first of two");
	at(&w, 2);
	answer(&w, &second);
	unit_str(u, presence(&w, "1001"), "busy 2", "answered before ringing");
	at(&w, 3);
	answer(&w, &first);
	unit_str(u, presence(&w, "1001"), "busy 2", "the first answer");
	finish(&w, &second, SP_CALL_HUNG_UP, 200);
	unit_str(u, presence(&w, "1001"), "busy 3", "  then the other one's");
	finish(&w, &first, SP_CALL_HUNG_UP, 200);
	third = dial(&w, "1001", "1001");
	ring(&w, &third, "1001");
	unit_str(u, presence(&w, "1001"), "ringing 3", "a call to oneself");
	at(&w, 1002);
	unit_str(u, presence(&w, "1001"), "ringing 3", "until it ages out");
	at(&w, 1003);
	unit_str(u, presence(&w, "1001"), "", "  which nobody has to see");
	world_close(&w);
}

/* A number that is recycled is in no call; the call goes on. */
static void check_recycling(struct unit *u)
{
	struct sp_call call;
	struct world w;

	open_world(&w);
	call = start(&w, "1001", "1002", "1002");
	at(&w, 1);
	world_recycle(&w, "bob");
	world_assign(&w, "dan", "1002");
	unit_str(u, presence(&w, "1002"), "",
		"the next owner of a number does not ring");
	at(&w, 2);
	answer(&w, &call);
	unit_str(u, presence(&w, "1002"), "", "  nor is in the call");
	unit_str(u, presence(&w, "1001"), "busy 2", "  but the caller is");
	world_recycle(&w, "ann");
	world_assign(&w, "fay", "1001");
	unit_str(u, presence(&w, "1001"), "", "  nor is who gets the caller's");
	ring(&w, &call, "1002");
	unit_str(u, presence(&w, "1002"), "busy 2",
		"a call that comes to the next owner is that one's");
	world_close(&w);
}

/* The call stays with the number, not with who leaves it. */
static void check_renumbering(struct unit *u)
{
	struct sp_extension bob, moved;
	struct sp_call call;
	struct world w;

	open_world(&w);
	call = start(&w, "1001", "1002", "1002");
	answer(&w, &call);
	at(&w, 1);
	bob = world_extension(&w, "1002");
	world_must(&w,
		sp_extension_renumber(&w.scope, &bob, "1005", 0, &moved,
			&w.err) == 0,
		"a new number");
	unit_str(u, presence(&w, "1005"), "",
		"who changes the number leaves the call behind");
	unit_str(u, presence(&w, "1002"), "", "  and there is nobody");
	unit_str(u, presence(&w, "1001"), "busy 0", "  but the other side is");
	world_close(&w);
}

/* Known with the row: no second statement. */
static void check_ringing_start(struct unit *u)
{
	struct sp_call call;
	struct world w;

	open_world(&w);
	call = start(&w, "1001", "1002", "1002");
	unit_str(u, presence(&w, "1002"), "ringing 0",
		"it rings from the beginning");
	at(&w, 1);
	ring(&w, &call, "");
	unit_str(u, presence(&w, "1002"), "", "  until it does not");
	unit_str(u, presence(&w, "1001"), "ringing 0",
		"  for the caller it does");
	world_close(&w);
}

/* ---- ending, and what is kept ------------------------------------------ */

static void check_endings(struct unit *u)
{
	static const struct {
		int64_t answered, ended; /* answered 0: never */
		const char *ending, *event;
	} cases[] = {
		{0, 9000, SP_CALL_CANCELLED, "cancelled"},
		{0, 9000, SP_CALL_BUSY, "busy"},
		{0, 9000, SP_CALL_UNREACHABLE, "unreachable"},
		{1000, 73000, SP_CALL_HUNG_UP, "hung-up after 1m 12s"},
		{1000, 1999, SP_CALL_HUNG_UP, "hung-up after 0s"},
		{1000, 3661000, SP_CALL_FAILED, "failed after 1h 1m"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char expected[64];
		struct sp_call call;
		struct world w;

		open_world(&w);
		call = dial(&w, "1001", "1002");
		at(&w, cases[i].answered);
		if (cases[i].answered != 0)
			answer(&w, &call);
		world_events(&w);
		at(&w, cases[i].ended);
		finish(&w, &call, cases[i].ending, 200);
		snprintf(expected, sizeof expected, "1001 call-ended:>%s",
			cases[i].event);
		unit_str(u, world_events(&w), expected, cases[i].ending);
		world_close(&w);
	}
}

static void check_open(struct unit *u)
{
	struct sp_call calls[4], got[2] = {{.id = 0}};
	int64_t tenant_ids[2];
	struct world w;

	open_world(&w);
	for (int i = 0; i < 4; i++)
		calls[i] = dial(&w, "1001", "1002");
	finish(&w, &calls[1], SP_CALL_BUSY, 486);
	calls[0].expires_ms++;
	world_must(&w, sp_call_prolong(&w.scope, &calls[0], &w.err) == 0,
		"a longer one");
	unit_int(u, sp_call_list_open(&w.scope, got, tenant_ids, 2, &w.err), 2,
		"the calls in progress");
	unit_int(u, got[0].id, calls[2].id, "  not what has ended");
	unit_int(u, got[1].id, calls[3].id, "  the next of that moment");
	got[0] = got[1];
	unit_int(u, sp_call_list_open(&w.scope, got, tenant_ids, 2, &w.err), 1,
		"  and those behind one");
	unit_int(u, got[0].id, calls[0].id, "  are");
	world_close(&w);
}

static void check_age_out(struct unit *u)
{
	enum { N = 20 };
	struct sp_tenant other;
	int64_t ids[N];
	struct world w;

	open_world(&w);
	world_must(&w,
		sp_tenant_init(&other, "b.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0,
		"a tenant");
	for (int i = 0; i < N; i++) {
		at(&w, i == N - 1 ? 1 : 0);
		w.scope.tenant = i == 0 ? &other : &w.tenant;
		start(&w, "1001", "1002", "");
	}
	at(&w, 999);
	unit_int(u, sp_call_age_out(&w.scope, ids, N, &w.err), 0,
		"in time nothing ages out");
	at(&w, 1000);
	world_events(&w);
	unit_int(u, sp_call_age_out(&w.scope, ids, 1, &w.err), 1,
		"not more than asked for");
	unit_str(u, world_events(&w), "1001 call-ended:>aged-out",
		"  with an event");
	at(&w, 1500);
	unit_int(u, sp_call_age_out(&w.scope, ids, N - 2, &w.err), N - 2,
		"  but all in the end");
	unit_int(u, sp_call_age_out(&w.scope, ids, N, &w.err), 1,
		"  also the last");
	unit_str(u,
		world_text(&w, "SELECT DISTINCT (ended_ms - expires_ms) || ' '"
			       " || ending FROM call"),
		"0 aged-out", "  each at its time");
	unit_str(u,
		world_text(&w, "SELECT count(*) FROM event v JOIN tenant t"
			       " ON t.id = v.tenant_id WHERE what = "
			       "'call-ended' AND domain = 'b.example'"),
		"1", "  each in its tenant");
	unit_int(u, sp_call_age_out(&w.scope, ids, N, &w.err), 0,
		"  and only once");
	sp_tenant_release(&other);
	world_close(&w);
}

static void check_list(struct unit *u)
{
	struct sp_tenant other;
	struct world w;

	open_world(&w);
	world_must(&w,
		sp_tenant_init(&other, "b.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0,
		"a tenant");
	dial(&w, "1001", "1002");
	at(&w, 1);
	dial(&w, "1002", "1001");
	dial(&w, "1001", "1003");
	at(&w, 2);
	start(&w, "sip:x@y", "1001", "");
	w.scope.tenant = &other;
	start(&w, "1001", "1002", "");
	w.scope.tenant = &w.tenant;
	unit_str(u, list(&w, "1001", -1, LIST_SIZE),
		"1001>1002= 0-, 1002>1001= 1-, 1001>1003= 1-,"
		" sip:x@y>1001= 2-",
		"all of a number, of one tenant");
	unit_str(u, list(&w, "1002", -1, LIST_SIZE),
		"1001>1002= 0-, 1002>1001= 1-", "  of another number");
	unit_str(u, list(&w, "1001", 0, LIST_SIZE),
		"1002>1001= 1-, 1001>1003= 1-, sip:x@y>1001= 2-",
		"behind a moment");
	unit_str(u, list(&w, "1001", -1, 1), "1001>1002= 0-", "the first");
	unit_str(u, list(&w, "1001", -1, 2), "1001>1002= 0-",
		"no half of a millisecond");
	unit_str(u, list(&w, "1001", 0, 2), "1002>1001= 1-, 1001>1003= 1-",
		"  if there is room for the whole");
	sp_tenant_release(&other);
	world_close(&w);
}

static void check_prune(struct unit *u)
{
	struct sp_prune step = {.before_ms = T + 100, .max = 10};
	struct sp_call calls[3];
	struct world w;

	open_world(&w);
	for (int i = 0; i < 3; i++)
		calls[i] = dial(&w, "1001", "1002");
	world_must(&w,
		sp_call_divert(&w.scope, &calls[0], "1002", SP_BUSY, "1003",
			&w.err) == 0,
		"a diversion");
	at(&w, 99);
	finish(&w, &calls[0], SP_CALL_BUSY, 486);
	at(&w, 100);
	finish(&w, &calls[1], SP_CALL_BUSY, 486);
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u,
		world_text(&w, "SELECT ended_ms - 1795426200000 FROM call"
			       " WHERE ended_ms <> 0"),
		"100", "what is old goes");
	unit_str(u, world_text(&w, "SELECT count(*) FROM call_diversion"), "0",
		"  with its diversions");
	unit_str(u, world_text(&w, "SELECT count(*) FROM call"), "2",
		"  not what goes on");
	/* Nobody came to end it. */
	step.before_ms = T + 1001;
	step.max = 1;
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u, world_text(&w, "SELECT count(*) FROM call"), "1",
		"in small steps");
	sp_event_prune(&w.scope, &step, &w.err);
	unit_str(u, world_text(&w, "SELECT count(*) FROM call"), "0",
		"nor does a call go on for ever");
	world_close(&w);
}

/* What is pruned stays counted. */
static void check_counts(struct unit *u)
{
	int64_t ringing = -1, answered = -1, n = -1, all = 0;
	struct sp_call a, b, c;
	struct world w;

	open_world(&w);
	at(&w, 0);
	sp_call_count_open(&w.scope, &ringing, &answered, &w.err);
	unit_int(u, ringing + answered, 0, "no call is in progress");
	a = dial(&w, "1001", "1002");
	b = dial(&w, "1002", "1003");
	c = dial(&w, "1003", "1001");
	answer(&w, &a);
	sp_call_count_open(&w.scope, &ringing, &answered, &w.err);
	unit_int(u, ringing, 2, "two ring");
	unit_int(u, answered, 1, "  one was answered");
	finish(&w, &a, SP_CALL_HUNG_UP, 200);
	finish(&w, &a, SP_CALL_FAILED, 500); /* it has ended already */
	finish(&w, &b, SP_CALL_HUNG_UP, 200);
	finish(&w, &c, SP_CALL_BUSY, 486);
	sp_call_count_open(&w.scope, &ringing, &answered, &w.err);
	unit_int(u, ringing + answered, 0, "none is left");
	world_must(&w,
		sp_db_exec(w.db, "DELETE FROM call", SP_NO_ARGS, NULL,
			&w.err) == 0,
		"pruned");
	sp_call_count_ended(w.db, SP_CALL_HUNG_UP, &n, &w.err);
	unit_int(u, n, 2, "two were hung up");
	for (int i = 0; i < SP_CALL_N_ENDINGS; i++) {
		sp_call_count_ended(w.db, SP_CALL_ENDINGS[i], &n, &w.err);
		all += n;
	}
	unit_int(u, all, 3, "  three have ended");
	dial(&w, "1001", "1002");
	at(&w, 1000);
	sp_call_count_open(&w.scope, &ringing, &answered, &w.err);
	unit_int(u, ringing, 0, "one that is to age out is none");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_life(&u);
	check_row(&u);
	check_closed(&u);
	check_diversion(&u);
	check_next_callee(&u);
	check_about(&u);
	check_login(&u);
	check_presence(&u);
	check_recycling(&u);
	check_renumbering(&u);
	check_ringing_start(&u);
	check_endings(&u);
	check_open(&u);
	check_age_out(&u);
	check_list(&u);
	check_prune(&u);
	check_counts(&u);
	return unit_done(&u);
}
