/* cmd/sp-register/wheel: timers on a clock of ours. */
#include "cmd/sp-register/wheel.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

enum {
	T = 1000000,
	TURN_MS = WHEEL_SLOTS * WHEEL_STEP_MS,
	MANY = 2000,
};

/* A timer that counts, and does something when it runs out. */
struct probe {
	struct timer timer;
	struct wheel *wheel;
	int n;
	int64_t at_ms;
	void (*then)(struct probe *probe);
	struct probe *other;
	int64_t delay_ms;
};

static void run(void *arg)
{
	struct probe *p = arg;

	p->n++;
	p->at_ms = p->wheel->now_ms;
	if (p->then != NULL)
		p->then(p);
}

static struct probe probe(struct wheel *w, void (*then)(struct probe *))
{
	return (struct probe){.wheel = w, .then = then};
}

static void start(struct probe *p, int64_t due_ms)
{
	p->timer.expired = run;
	p->timer.arg = p;
	wheel_set(p->wheel, &p->timer, due_ms);
}

/* As an event loop does it: until end_ms, sleeping as long as it is told. */
static int loop(struct wheel *w, int64_t end_ms)
{
	int n = 0;

	for (;; n++) {
		int64_t next = wheel_next_ms(w);

		if (next > end_ms)
			return n;
		wheel_expire(w, next);
	}
}

/* ---- one timer ---------------------------------------------------------- */

static void check_due(struct unit *u)
{
	static const int64_t DELAYS[] = {1, 9, 10, 11, 500, TURN_MS - 10,
		TURN_MS - 1, TURN_MS, TURN_MS + 1, 185000, 10 * TURN_MS + 7};

	for (size_t i = 0; i < sizeof DELAYS / sizeof DELAYS[0]; i++)
		for (int offset = 0; offset < WHEEL_STEP_MS; offset += 3) {
			int64_t now = T + offset, due = now + DELAYS[i];
			struct wheel w;
			struct probe p = probe(&w, NULL);

			wheel_init(&w, now);
			start(&p, due);
			unit_ok(u, wheel_next_ms(&w) < due + WHEEL_STEP_MS,
				"%lld ms on: next is no later",
				(long long)DELAYS[i]);
			wheel_expire(&w, due - 1);
			unit_int(u, p.n, 0, "  not early");
			loop(&w, now + 20 * TURN_MS);
			unit_int(u, p.n, 1, "  once");
			unit_ok(u,
				p.at_ms >= due && p.at_ms < due + WHEEL_STEP_MS,
				"  at most a step late");
		}
}

static void check_state(struct unit *u)
{
	struct wheel w;
	struct probe p = probe(&w, NULL);

	wheel_init(&w, T);
	unit_ok(u, wheel_next_ms(&w) == INT64_MAX, "no timer: nothing is next");
	unit_ok(u, !wheel_is_set(&p.timer), "a new timer does not run");
	wheel_clear(&w, &p.timer);
	start(&p, T + 100);
	unit_ok(u, wheel_is_set(&p.timer), "set, it runs");
	unit_int(u, wheel_next_ms(&w), T + 100, "  and is next");
	start(&p, T + 300);
	unit_int(u, wheel_next_ms(&w), T + 300, "set anew: later");
	wheel_expire(&w, T + 200);
	unit_int(u, p.n, 0, "  not as before");
	wheel_clear(&w, &p.timer);
	unit_ok(u, !wheel_is_set(&p.timer) && wheel_next_ms(&w) == INT64_MAX,
		"cleared: nothing is next");
	wheel_expire(&w, T + 1000);
	unit_int(u, p.n, 0, "  and nothing happens");
	start(&p, T);
	unit_int(u, wheel_next_ms(&w), T + 1010, "due long since: next step");
	wheel_expire(&w, T + 1009);
	unit_int(u, p.n, 0, "  not at once");
	wheel_expire(&w, T + 1010);
	unit_int(u, p.n, 1, "  then");
	unit_ok(u, !wheel_is_set(&p.timer), "  and does not run any more");
	start(&p, T + 1020);
	wheel_expire(&w, T);
	unit_int(u, p.n, 1, "time goes back: nothing");
	unit_int(u, w.now_ms, T + 1010, "  it stands");
	wheel_expire(&w, T + 1020);
	unit_int(u, p.n, 2, "  until it has come again");
}

/* ---- jumps -------------------------------------------------------------- */

static void again(struct probe *p)
{
	start(p, p->wheel->now_ms + p->delay_ms);
}

static void check_jump(struct unit *u)
{
	struct wheel w;
	struct probe p[64];
	int n = 0;

	wheel_init(&w, T);
	for (int i = 0; i < 64; i++) {
		p[i] = probe(&w, NULL);
		start(&p[i], T + i * 7777);
	}
	wheel_expire(&w, T + INT64_C(1000) * TURN_MS);
	for (int i = 0; i < 64; i++)
		n += p[i].n;
	unit_int(u, n, 64, "time jumps: every timer once");
	unit_ok(u, wheel_next_ms(&w) == INT64_MAX, "  and none is left");
	start(&p[0], T + INT64_C(1000) * TURN_MS + 3 * TURN_MS);
	wheel_expire(&w, T + INT64_C(1002) * TURN_MS);
	unit_int(u, p[0].n, 1, "a jump over whole turns: not early");
	loop(&w, T + INT64_C(1004) * TURN_MS);
	unit_int(u, p[0].n, 2, "  then");

	p[1] = probe(&w, again);
	p[1].delay_ms = -1;
	start(&p[1], w.now_ms);
	wheel_expire(&w, w.now_ms + 5 * TURN_MS);
	unit_int(u, p[1].n, 1, "due again at once: once in a call");
	p[1].delay_ms = 500;
	wheel_expire(&w, w.now_ms + WHEEL_STEP_MS);
	unit_int(u, p[1].n, 2, "  and again in the next");
	n = loop(&w, w.now_ms + 5000);
	unit_int(u, n, 10, "every half second: ten calls in five");
	unit_int(u, p[1].n, 12, "  ten times");
}

/* A timer in each slot: a jump sees all of them. */
static void check_every_slot(struct unit *u)
{
	static struct probe p[WHEEL_SLOTS];
	struct wheel w;
	int n = 0;

	for (int turns = 1; turns <= 3; turns += 2) {
		wheel_init(&w, T);
		for (int i = 0; i < WHEEL_SLOTS; i++) {
			p[i] = probe(&w, NULL);
			start(&p[i], T + (i + 1) * WHEEL_STEP_MS);
		}
		wheel_expire(&w, T + turns * TURN_MS);
		for (int i = 0; i < WHEEL_SLOTS; i++)
			n += p[i].n;
		unit_int(u, n, WHEEL_SLOTS, "every slot, a jump");
		n = 0;
	}
}

/* ---- what callbacks may do ---------------------------------------------- */

static void clear_other(struct probe *p)
{
	wheel_clear(p->wheel, &p->other->timer);
}

static void set_other(struct probe *p)
{
	start(p->other, p->wheel->now_ms + p->delay_ms);
}

static void free_self(struct probe *p)
{
	p->other->n++;
	free(p);
}

static void free_other(struct probe *p)
{
	if (p->other == NULL)
		return;
	wheel_clear(p->wheel, &p->other->timer);
	free(p->other);
	p->other = NULL;
}

/* Two in a slot, whichever comes first. */
static void check_pair(struct unit *u)
{
	struct wheel w;
	struct probe a = probe(&w, clear_other), b = probe(&w, clear_other);

	wheel_init(&w, T);
	a.other = &b;
	b.other = &a;
	start(&a, T + 50);
	start(&b, T + 50);
	wheel_expire(&w, T + 50);
	unit_int(u, a.n + b.n, 1, "one clears the other of its slot");
	a.n = b.n = 0;
	a.then = b.then = set_other;
	a.delay_ms = b.delay_ms = TURN_MS;
	start(&a, T + 150);
	start(&b, T + 150);
	wheel_expire(&w, T + 150);
	unit_int(u, a.n + b.n, 1, "one sets the other a whole turn later");
	unit_ok(u, wheel_is_set(&a.timer) != wheel_is_set(&b.timer),
		"  which runs");
	a.then = b.then = NULL;
	wheel_expire(&w, T + 150 + TURN_MS);
	unit_int(u, a.n + b.n, 2, "  and runs out");
	unit_ok(u, wheel_next_ms(&w) == INT64_MAX, "  the last");
}

static void check_free(struct unit *u)
{
	struct wheel w;
	struct probe counter = probe(&w, NULL), *a, *b;
	struct probe killer = probe(&w, free_other);

	wheel_init(&w, T);
	for (int i = 0; i < 3; i++) {
		a = calloc(1, sizeof *a);
		if (a == NULL)
			exit(2);
		*a = probe(&w, free_self);
		a->other = &counter;
		start(a, T + 70);
	}
	wheel_expire(&w, T + 70);
	unit_int(u, counter.n, 3, "timers that free themselves");
	b = calloc(1, sizeof *b);
	if (b == NULL)
		exit(2);
	*b = probe(&w, NULL);
	killer.other = b;
	start(b, T + 90);
	start(&killer, T + 90);
	wheel_expire(&w, T + 90);
	unit_int(u, killer.n, 1, "a timer that frees its neighbour");
	unit_ok(u, killer.other == NULL && wheel_next_ms(&w) == INT64_MAX,
		"  nothing is left");
}

/* ---- many --------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Random ones against the plain truth. */
static void check_many(struct unit *u)
{
	static struct probe p[MANY];
	static int64_t due[MANY];
	int early = 0, late = 0, lost = 0;
	uint32_t state = 7;
	struct wheel w;

	wheel_init(&w, T);
	for (int i = 0; i < MANY; i++)
		p[i] = probe(&w, NULL);
	for (int round = 0; round < 20 * MANY; round++) {
		int i = (int)(next_random(&state) % MANY);

		due[i] = w.now_ms + next_random(&state) % 100000;
		if (next_random(&state) % 4 == 0)
			wheel_clear(&w, &p[i].timer);
		else
			start(&p[i], due[i]);
		p[i].n = 0;
		wheel_expire(&w, w.now_ms + next_random(&state) % 20);
		for (int k = 0; k < 3; k++) {
			int j = (int)(next_random(&state) % MANY);

			early += p[j].n > 0 && p[j].at_ms < due[j];
			late += wheel_is_set(&p[j].timer) &&
				due[j] + WHEEL_STEP_MS <= w.now_ms;
		}
	}
	loop(&w, w.now_ms + 100000 + WHEEL_STEP_MS);
	for (int i = 0; i < MANY; i++)
		lost += wheel_is_set(&p[i].timer) || p[i].n > 1;
	unit_int(u, early, 0, "many timers: none early");
	unit_int(u, late, 0, "  none late");
	unit_int(u, lost, 0, "  each once, none left");
	unit_ok(u, wheel_next_ms(&w) == INT64_MAX, "  and nothing is next");
}

int main(void)
{
	struct unit u = {0};

	check_due(&u);
	check_state(&u);
	check_jump(&u);
	check_every_slot(&u);
	check_pair(&u);
	check_free(&u);
	check_many(&u);
	return unit_done(&u);
}
