/* lib/binding, lib/session: what bindings leave in the history, and what they
 * make of an extension's state. */
#include "lib/binding.h"

#include "lib/status.h"
#include "tests/unit/world.h"

/* Moments are milliseconds from this one. */
#define T WORLD_NOW_MS

/* "lost@30000": how each session ended, and when. */
static const char *sessions(struct world *w)
{
	static const char SQL[] =
		"SELECT coalesce(ending || '@' ||"
		" (ended_ms - 1795426200000), 'open') FROM login_session"
		" ORDER BY id";

	return world_text(w, SQL);
}

/* Of asmith, now, for 30 seconds. path: "" for none. */
static void add_by(struct world *w, const char *contact, const char *path,
	int64_t flow_id)
{
	struct sp_binding b = {.call_id = "1",
		.flow_id = flow_id,
		.source = "192.0.2.1:5060",
		.local = "192.0.2.9:5060",
		.transport = "udp",
		.user_agent = "phone",
		.cseq = 1,
		.refreshed_ms = w->scope.now_ms,
		.expires_ms = w->scope.now_ms + 30000};

	snprintf(b.contact, sizeof b.contact, "%s", contact);
	snprintf(b.path, sizeof b.path, "%s", path);
	world_must(w,
		sp_binding_add(&w->scope, world_extension(w, "asmith").id, &b,
			&w->err) == 0,
		contact);
}

static void add(struct world *w, const char *contact)
{
	add_by(w, contact, "", 0);
}

/* The newest, or another by its place in the list. */
static struct sp_binding get(struct world *w, int i)
{
	struct sp_binding list[8] = {{0}};

	sp_binding_list(&w->scope, world_extension(w, "asmith").id, list, 8,
		&w->err);
	return list[i];
}

static const char *state(struct world *w, int64_t at_ms, int64_t *since_ms)
{
	struct sp_scope then = w->scope;
	struct sp_status status;

	then.now_ms = T + at_ms;
	world_must(w, sp_status_get(&then, "asmith", &status, &w->err) == 0,
		"a status");
	*since_ms = status.since_ms - T;
	return sp_state_name(status.state);
}

static void open_phone(struct world *w)
{
	world_open(w);
	world_set_pool(w, "1000-1009", "");
	world_assign(w, "asmith", NULL);
	world_events(w);
}

static void check_session(struct unit *u)
{
	struct world w;
	struct sp_binding b;
	int64_t id;

	open_phone(&w);
	id = world_extension(&w, "asmith").id;
	add(&w, "sip:a");
	unit_str(u, world_events(&w),
		"1000 logged-in:>phone, 1000 created:>sip:a", "the first");
	w.scope.now_ms = T + 10;
	add(&w, "sip:b");
	unit_str(u, world_events(&w), "1000 created:>sip:b", "the second");
	unit_str(u, sessions(&w), "open", "one session");
	unit_str(u, get(&w, 0).contact, "sip:b", "the newest comes first");
	unit_str(u, get(&w, 1).contact, "sip:a", "  then the other");
	b = get(&w, 1);
	b.refreshed_ms = T + 20;
	b.expires_ms = T + 30020;
	b.interval_ms = 20;
	b.cseq = 2;
	snprintf(b.user_agent, sizeof b.user_agent, "other");
	unit_int(u, sp_binding_refresh(&w.scope, &b, &w.err), 0, "refreshed");
	unit_str(u, world_events(&w), "", "  no event");
	unit_str(u, get(&w, 0).contact, "sip:a", "  it is the newest now");
	unit_int(u, get(&w, 0).interval_ms, 20, "  its interval");
	unit_int(u, get(&w, 0).cseq, 2, "  its CSeq");
	unit_str(u, get(&w, 0).user_agent, "phone", "  the narrow row only");
	unit_str(u, get(&w, 0).local, "192.0.2.9:5060", "  where it came to");
	snprintf(b.local, sizeof b.local, "192.0.2.8:5060");
	unit_int(u, sp_binding_update(&w.scope, &b, &w.err), 0, "rewritten");
	unit_str(u, get(&w, 0).user_agent, "other", "  the wide row");
	unit_str(u, get(&w, 0).local, "192.0.2.8:5060", "  all of it");
	sp_binding_remove(&w.scope, id, &b, &w.err);
	unit_str(u, world_events(&w), "1000 unregistered:sip:a>",
		"one is removed");
	unit_str(u, sessions(&w), "open", "  the session goes on");
	b = get(&w, 0);
	w.scope.now_ms = T + 500;
	sp_binding_remove(&w.scope, id, &b, &w.err);
	unit_str(u, world_events(&w),
		"1000 unregistered:sip:b>, 1000 logged-out", "the last");
	unit_str(u, sessions(&w), "logout@500", "  ends the session");
	add(&w, "sip:a");
	unit_str(u, sessions(&w), "logout@500, open", "another one");
	world_close(&w);
}

static void check_drop(struct unit *u)
{
	struct world w;
	struct sp_extension e;

	open_phone(&w);
	e = world_extension(&w, "asmith");
	unit_int(u, sp_binding_drop(&w.scope, &e, &w.err), 0, "none to drop");
	unit_str(u, world_events(&w), "", "  no event");
	add(&w, "sip:a");
	add(&w, "sip:b");
	world_events(&w);
	e = world_extension(&w, "asmith");
	w.scope.now_ms = T + 7;
	unit_int(u, sp_binding_drop(&w.scope, &e, &w.err), 2, "two dropped");
	unit_str(u, world_events(&w), "1000 deactivated", "  an event");
	unit_str(u, sessions(&w), "kicked@7", "  the session ends");
	world_close(&w);
}

static void check_recycled(struct unit *u)
{
	static const char LEFT[] =
		"SELECT (SELECT count(*) FROM binding) +"
		" (SELECT count(*) FROM binding_live) + (SELECT count(*) FROM"
		" forward) + (SELECT count(*) FROM secret) +"
		" (SELECT count(*) FROM sp_user)";
	struct world w;

	open_phone(&w);
	add(&w, "sip:a");
	world_events(&w);
	w.scope.now_ms = T + 8;
	world_recycle(&w, "asmith");
	unit_str(u, world_events(&w),
		"1000 deactivated:>recycled, 1000 recycled:1000>", "recycled");
	unit_str(u, sessions(&w), "recycled@8", "  the session ends");
	unit_str(u, world_text(&w, LEFT), "0", "  nothing is left");
	world_assign(&w, "asmith", NULL);
	unit_int(u, world_extension(&w, "asmith").session_id, 0,
		"  the next owner has had no session");
	world_close(&w);
}

static void check_lost(struct unit *u)
{
	struct world w;

	open_phone(&w);
	add(&w, "sip:a");
	w.scope.now_ms = T + 10;
	add(&w, "sip:b");
	world_events(&w);
	w.scope.now_ms = T + 30000;
	unit_int(u, sp_binding_sweep(&w.scope, 512, &w.err), 1, "one ran out");
	unit_str(u, world_events(&w), "1000 expired:sip:a>", "  an event");
	unit_str(u, sessions(&w), "open", "  the session goes on");
	w.scope.now_ms = T + 31000;
	unit_int(u, sp_binding_sweep(&w.scope, 512, &w.err), 1, "the last too");
	unit_str(u, world_events(&w),
		"1000 expired:sip:b>, 1000 lost:>not refreshed",
		"  its events");
	unit_str(u, sessions(&w), "lost@30010", "  when it ran out");
	world_close(&w);
}

/* Nobody listens at that source any more, and the connections end: of those
 * that came through a proxy none is lost with it. */
static void check_behind_proxy(struct unit *u)
{
	struct world w;

	open_phone(&w);
	add_by(&w, "sip:a", "<sip:p.example;lr>", 0);
	add_by(&w, "sip:b", "<sip:p.example;lr>", 7);
	unit_int(u, sp_binding_has_source(&w.scope, "192.0.2.1:5060", &w.err),
		0, "no phone is at a proxy's address");
	unit_int(u,
		sp_binding_lose_source(&w.scope, "192.0.2.1:5060", "gone",
			&w.err),
		0, "  none is lost with it");
	unit_int(u, sp_binding_lose_flow(&w.scope, 7, "closed", &w.err), 0,
		"  nor with its connection");
	add(&w, "sip:c");
	add_by(&w, "sip:d", "", 7);
	unit_int(u,
		sp_binding_lose_source(&w.scope, "192.0.2.1:5060", "gone",
			&w.err),
		1, "one without a proxy is");
	unit_int(u, sp_binding_lose_flow(&w.scope, 7, "closed", &w.err), 1,
		"  also with its connection");
	unit_str(u, get(&w, 0).contact, "sip:b", "the others stay");
	unit_str(u, sessions(&w), "open", "  the session goes on");
	world_close(&w);
}

static void check_states(struct unit *u)
{
	static const struct {
		int64_t at, since;
		const char *state;
	} cases[] = {
		{0, 0, "registered"},
		{17000, 0, "registered"},
		{17001, 0, "late"},
		{29999, 0, "late"},
		/* Nobody has swept yet. */
		{30000, 30000, "lost"},
		{90000, 30000, "lost"},
	};
	struct sp_binding b;
	struct world w;
	int64_t since;

	open_phone(&w);
	unit_str(u, state(&w, 5, &since), "offline", "before");
	unit_int(u, since, 0, "  since it was assigned");
	add(&w, "sip:a");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_str(u, state(&w, cases[i].at, &since), cases[i].state,
			"with a binding");
		unit_int(u, since, cases[i].since, "  since");
	}
	w.scope.now_ms = T + 31000;
	sp_binding_sweep(&w.scope, 512, &w.err);
	unit_str(u, state(&w, 40000, &since), "lost", "swept");
	unit_int(u, since, 30000, "  since");
	add(&w, "sip:b");
	b = get(&w, 0);
	w.scope.now_ms = T + 32000;
	sp_binding_remove(&w.scope, world_extension(&w, "asmith").id, &b,
		&w.err);
	unit_str(u, state(&w, 40000, &since), "offline", "logged out");
	unit_int(u, since, 32000, "  since");
	world_close(&w);
}

static void check_errors(struct unit *u)
{
	const struct sp_binding b = {.contact = "sip:a"};
	struct world w;

	open_phone(&w);
	unit_int(u, sp_binding_add(&w.scope, 77, &b, &w.err), -1,
		"an extension that is not there");
	unit_str(u, w.err.msg, "no extension with id 77", "  says so");
	unit_int(u, sp_binding_list(&w.scope, 77, NULL, 0, &w.err), 0,
		"  has no bindings");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_session(&u);
	check_drop(&u);
	check_recycled(&u);
	check_lost(&u);
	check_behind_proxy(&u);
	check_states(&u);
	check_errors(&u);
	return unit_done(&u);
}
