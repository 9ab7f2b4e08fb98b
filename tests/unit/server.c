/* lib/server: the heartbeat, and that a pause of the server logs nobody out. */
#include "lib/server.h"

#include "lib/binding.h"
#include "tests/unit/world.h"

/* Moments are milliseconds from this one. */
#define T WORLD_NOW_MS

/* The machine has been up for as long, then. */
enum { UP = 5000000 };

/* The clocks when nobody has touched them since T. */
static struct sp_clocks at(int64_t ms)
{
	return (struct sp_clocks){ms, ms - T + UP};
}

static int64_t beat(struct world *w, struct sp_clocks clocks)
{
	int64_t step_ms = -1;

	world_must(w, sp_server_beat(w->db, clocks, &step_ms, &w->err) == 0,
		"a beat");
	return step_ms;
}

static void open_server(struct world *w, int64_t beat_ms)
{
	unsigned char key[SP_SHA256_SIZE];

	world_open(w);
	world_set_pool(w, "1000-1009", "");
	world_must(w,
		sp_db_commit(w->db, &w->err) == 0 &&
			sp_server_key(w->db, key, &w->err) == 0,
		"a key");
	if (beat_ms != 0)
		beat(w, at(beat_ms));
}

static void check_key(struct unit *u)
{
	unsigned char a[SP_SHA256_SIZE] = {0}, b[SP_SHA256_SIZE] = {1};
	static const char SPOIL[] = "UPDATE server SET nonce_key = x'00'";
	struct world w;

	world_open(&w);
	world_must(&w, sp_db_commit(w.db, &w.err) == 0, "commit");
	unit_int(u, sp_server_key(w.db, a, &w.err), 0, "a key is made");
	unit_int(u, sp_server_key(w.db, b, &w.err), 0, "  and found again");
	unit_ok(u, memcmp(a, b, sizeof a) == 0, "  the same");
	unit_ok(u, !sp_db_in_transaction(w.db), "  no transaction is left");
	sp_db_exec(w.db, SPOIL, SP_NO_ARGS, NULL, &w.err);
	unit_int(u, sp_server_key(w.db, b, &w.err), -1, "a short one");
	unit_str(u, w.err.msg, "the nonce key has 1 bytes", "  is refused");
	unit_ok(u, !sp_db_in_transaction(w.db), "  no transaction is left");
	world_close(&w);
}

/* beat 0: no server has ever run. */
static void check_as_of(struct unit *u)
{
	static const struct {
		const char *name;
		int64_t beat, now, as_of, since;
	} cases[] = {
		{"no server ever", 0, T, T, 0},
		{"it beats", T, T, T, 0},
		{"it just beats", T, T + 3000, T + 3000, 0},
		{"it is late", T, T + 3001, T, T},
		{"it is long gone", T, T + 86400000, T, T},
		{"the clock went back", T, T - 5000, T - 5000, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world w;
		int64_t as_of = -1, since = -1;

		open_server(&w, cases[i].beat);
		unit_int(u,
			sp_server_as_of(w.db, cases[i].now, &as_of, &since,
				&w.err),
			0, cases[i].name);
		unit_int(u, as_of, cases[i].as_of, "  as of");
		unit_int(u, since, cases[i].since, "  since");
		world_close(&w);
	}
}

static void check_beats(struct unit *u)
{
	struct world w;
	int64_t last = -1;

	world_open(&w);
	unit_int(u, sp_server_last_beat(w.db, &last, &w.err), 0, "no server");
	unit_int(u, last, 0, "  no beat");
	world_close(&w);
	open_server(&w, T);
	beat(&w, (struct sp_clocks){T - 1, UP + 1000});
	sp_server_last_beat(w.db, &last, &w.err);
	unit_int(u, last, T - 1, "a beat after the clock was set back");
	world_close(&w);
}

/* A binding of 1000 that was refreshed and runs out at these moments. */
static void add_binding(struct world *w, const char *contact,
	int64_t refreshed_ms, int64_t expires_ms)
{
	struct sp_binding b = {.call_id = "1",
		.source = "192.0.2.1:5060",
		.transport = "udp",
		.refreshed_ms = refreshed_ms,
		.expires_ms = expires_ms};

	snprintf(b.contact, sizeof b.contact, "%s", contact);
	world_must(w,
		sp_binding_add(&w->scope, world_extension(w, "1000").id, &b,
			&w->err) == 0,
		contact);
}

static void check_binding(struct unit *u, struct world *w, const char *contact,
	int64_t refreshed_ms, int64_t expires_ms)
{
	struct sp_scope ever = w->scope;
	struct sp_binding list[4];
	int n, i = 0;

	ever.now_ms = 0;
	n = sp_binding_list(&ever, world_extension(w, "1000").id, list, 4,
		&w->err);
	while (i < n && strcmp(list[i].contact, contact) != 0)
		i++;
	if (!unit_ok(u, i < n, "  %s", contact))
		return;
	unit_int(u, list[i].refreshed_ms - T, refreshed_ms - T, "  refreshed");
	unit_int(u, list[i].expires_ms - T, expires_ms - T, "  expires");
}

/* One that lives until the next millisecond, one that is new, and one that has
 * run out at T. */
static void add_bindings(struct world *w)
{
	world_assign(w, "asmith", NULL);
	add_binding(w, "sip:live", T - 29999, T + 1);
	add_binding(w, "sip:new", T - 1000, T + 29000);
	add_binding(w, "sip:gone", T - 30000, T);
}

static void check_moved(struct unit *u, struct world *w, int64_t moved_ms)
{
	check_binding(u, w, "sip:live", T - 29999 + moved_ms, T + 1 + moved_ms);
	check_binding(u, w, "sip:new", T - 1000 + moved_ms,
		T + 29000 + moved_ms);
	check_binding(u, w, "sip:gone", T - 30000, T);
}

/* The server beat last at T. */
static void check_resume(struct unit *u)
{
	static const struct {
		const char *name;
		int64_t beat, pause, moved;
	} cases[] = {
		{"the first server ever", 0, 60000, 0},
		{"at once", T, 0, 0},
		{"another one still runs", T, 1500, 0},
		{"after a short pause", T, 1501, 1501},
		{"after an hour", T, 3600000, 3600000},
		{"when the clock went back a bit", T, -1500, 0},
		{"when it went back an hour", T, -3600000, -3600000},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* The machine has started anew. */
		struct sp_clocks now = {T + cases[i].pause, 1000};
		struct world w;
		int64_t last;

		open_server(&w, cases[i].beat);
		add_bindings(&w);
		unit_int(u, sp_server_resume(w.db, now, &w.err), 0,
			cases[i].name);
		check_moved(u, &w, cases[i].moved);
		sp_server_last_beat(w.db, &last, &w.err);
		unit_int(u, last - T, cases[i].pause, "  it beats");
		unit_ok(u, !sp_db_in_transaction(w.db), "  no transaction");
		unit_int(u, sp_server_resume(w.db, now, &w.err), 0,
			"  once more");
		unit_int(u,
			beat(&w, (struct sp_clocks){now.wall_ms + 1000,
					 now.monotonic_ms + 1000}),
			0, "  and goes on: no step");
		check_moved(u, &w, cases[i].moved);
		world_close(&w);
	}
}

/* Many processes that start one after the other stop no expiry. */
static void check_resumes(struct unit *u)
{
	struct world w;

	open_server(&w, T);
	add_bindings(&w);
	for (int64_t ms = 0; ms <= 60000; ms += 500)
		sp_server_resume(w.db, at(T + ms), &w.err);
	check_moved(u, &w, 0);
	world_close(&w);
}

/* A second after the beat at T the clocks say something else. */
static void check_steps(struct unit *u)
{
	static const struct {
		const char *name;
		int64_t wall, monotonic, step, moved;
	} cases[] = {
		{"nothing", 1000, 1000, 0, 0},
		{"a beat just in time", 3000, 3000, 0, 0},
		{"a late beat", 3001, 3001, 0, 3001},
		{"a minute without one", 60000, 60000, 0, 60000},
		{"drift", 1000 + 2000, 1000, 0, 0},
		{"drift backwards", 1000 - 2000, 1000, 0, 0},
		{"a step", 1000 + 2001, 1000, 2001, 2001},
		{"a step back", 1000 - 2001, 1000, -2001, -2001},
		{"an hour", 1000 + 3600000, 1000, 3600000, 3600000},
		{"an hour back", 1000 - 3600000, 1000, -3600000, -3600000},
		{"suspended for a day", 1000 + 86400000, 1000, 86400000,
			86400000},
		{"an hour back in a minute without one", 60000 - 3600000, 60000,
			-3600000, 60000 - 3600000},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_clocks now = {T + cases[i].wall,
			UP + cases[i].monotonic};
		struct world w;

		open_server(&w, T);
		add_bindings(&w);
		unit_int(u, beat(&w, now), cases[i].step, cases[i].name);
		check_moved(u, &w, cases[i].moved);
		now.wall_ms += 300;
		now.monotonic_ms += 300;
		unit_int(u, beat(&w, now), 0, "  another server sees none");
		check_moved(u, &w, cases[i].moved);
		world_close(&w);
	}
}

/* A clock that is set right bit by bit: in an hour more than a step. */
static void check_drift(struct unit *u)
{
	int64_t steps = 0;
	struct world w;

	open_server(&w, T);
	for (int64_t s = 1; s <= 3600; s++)
		steps += beat(&w,
			(struct sp_clocks){T + s * 1001, UP + s * 1000});
	unit_int(u, steps, 0, "drift is no step, however long");
	world_close(&w);
}

static void check_counters(struct unit *u)
{
	char name[SP_COUNTER_SIZE] = "";
	int64_t value = -1;
	struct world w;

	world_open(&w);
	unit_int(u, sp_server_next_counter(w.db, name, &value, &w.err), 0,
		"no counter");
	sp_server_count(w.db, "b", 2, &w.err);
	sp_server_count(w.db, "a", 1, &w.err);
	sp_server_count(w.db, "b", 40, &w.err);
	unit_int(u, sp_server_next_counter(w.db, name, &value, &w.err), 1,
		"the first");
	unit_str(u, name, "a", "  by name");
	unit_int(u, value, 1, "  its value");
	sp_server_next_counter(w.db, name, &value, &w.err);
	unit_str(u, name, "b", "  the next");
	unit_int(u, value, 42, "  what was added");
	unit_int(u, sp_server_next_counter(w.db, name, &value, &w.err), 0,
		"  and no more");
	world_close(&w);
}

/* What ran out while a server listened is swept; the rest lives on. */
static void check_sweep(struct unit *u)
{
	struct world w;

	open_server(&w, T);
	world_assign(&w, "asmith", NULL);
	add_binding(&w, "sip:live", T, T + 30000);
	add_binding(&w, "sip:gone", T - 30000, T);
	w.scope.now_ms = T - 1;
	unit_int(u, sp_binding_is_due(&w.scope, &w.err), 0, "nothing is due");
	w.scope.now_ms = T;
	unit_int(u, sp_binding_is_due(&w.scope, &w.err), 1, "one is due");
	unit_int(u, sp_binding_sweep(&w.scope, 1000, &w.err), 1, "  and swept");
	unit_int(u, sp_binding_is_due(&w.scope, &w.err), 0, "  once");
	check_binding(u, &w, "sip:live", T, T + 30000);
	w.scope.now_ms = T + 30000;
	for (int i = 0; i < 40; i++) { /* more than are read at once */
		char contact[16];

		snprintf(contact, sizeof contact, "sip:%d", i);
		add_binding(&w, contact, T, T + 30000);
	}
	/* In steps of what is read at once. */
	unit_int(u, sp_binding_sweep(&w.scope, 20, &w.err), 32, "many");
	unit_int(u, sp_binding_sweep(&w.scope, 20, &w.err), 9, "  the rest");
	unit_int(u, sp_binding_sweep(&w.scope, 1000, &w.err), 0,
		"  all of them");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_key(&u);
	check_beats(&u);
	check_as_of(&u);
	check_resume(&u);
	check_resumes(&u);
	check_steps(&u);
	check_drift(&u);
	check_counters(&u);
	check_sweep(&u);
	return unit_done(&u);
}
