/* A timing wheel: many timers on the monotonic clock, of which few run out. It
 * is told the time, and has no clock of its own. */
#ifndef SP_REGISTER_WHEEL_H
#define SP_REGISTER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	WHEEL_STEP_MS =
		10, /* timers run out at most so much late, never early */
	WHEEL_SLOTS = 4096, /* about 41 s; longer ones go round again */
};

/* Part of what it is the timer of; all zero while it does not run. Not to be
 * moved while it runs. */
struct timer {
	struct timer *next, **link; /* in its slot */
	int64_t due_ms;
	void (*expired)(void *arg); /* may set and clear any, and free it */
	void *arg;
};

struct wheel {
	struct timer *slot[WHEEL_SLOTS];
	uint64_t used[WHEEL_SLOTS / 64]; /* a bit for each slot with a timer */
	int64_t step;                    /* up to which all is expired */
	int64_t now_ms;                  /* as it was told last */
};

/* now_ms: monotonic, as everywhere here. */
void wheel_init(struct wheel *wheel, int64_t now_ms);

/* Starts it, or starts it anew. `expired` and `arg` are set by the caller. One
 * that is due already runs out with the next step, so never within the
 * wheel_expire that sets it. */
void wheel_set(struct wheel *wheel, struct timer *timer, int64_t due_ms);

/* Stops it; does nothing when it does not run. */
void wheel_clear(struct wheel *wheel, struct timer *timer);

bool wheel_is_set(const struct timer *timer);

/* Calls `expired` of all that are due, the earlier slots first; they find the
 * time in wheel->now_ms. Time that goes back is taken for time that stands. */
void wheel_expire(struct wheel *wheel, int64_t now_ms);

/* When it is worth calling wheel_expire next: no later than the first timer
 * is due, rounded up to a step; INT64_MAX: no timer runs. */
int64_t wheel_next_ms(const struct wheel *wheel);

#endif
