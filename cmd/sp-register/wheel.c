/* A timing wheel: many timers, of which few run out. */
#include "cmd/sp-register/wheel.h"

#include <string.h>

enum { WORDS = WHEEL_SLOTS / 64 };

/* The step at whose begin all of it is over. */
static int64_t step_of(int64_t due_ms)
{
	return (due_ms + WHEEL_STEP_MS - 1) / WHEEL_STEP_MS;
}

static size_t slot_of(int64_t step)
{
	return (size_t)(step % WHEEL_SLOTS);
}

void wheel_init(struct wheel *w, int64_t now_ms)
{
	memset(w, 0, sizeof *w);
	w->step = now_ms / WHEEL_STEP_MS;
	w->now_ms = now_ms;
}

bool wheel_is_set(const struct timer *t)
{
	return t->link != NULL;
}

static void push(struct timer **list, struct timer *t)
{
	t->next = *list;
	t->link = list;
	if (t->next != NULL)
		t->next->link = &t->next;
	*list = t;
}

static void unlink_timer(struct timer *t)
{
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->next = NULL;
	t->link = NULL;
}

/* By its due_ms, which is later than wheel->step. */
static void enter(struct wheel *w, struct timer *t)
{
	size_t i = slot_of(step_of(t->due_ms));

	push(&w->slot[i], t);
	w->used[i / 64] |= UINT64_C(1) << i % 64;
}

void wheel_clear(struct wheel *w, struct timer *t)
{
	size_t i = slot_of(step_of(t->due_ms));

	if (!wheel_is_set(t))
		return;
	unlink_timer(t);
	t->due_ms = 0;
	if (w->slot[i] == NULL)
		w->used[i / 64] &= ~(UINT64_C(1) << i % 64);
}

void wheel_set(struct wheel *w, struct timer *t, int64_t due_ms)
{
	wheel_clear(w, t);
	/* Moved, not only entered there: its slot is told from due_ms. */
	t->due_ms = step_of(due_ms) > w->step ? due_ms
					      : (w->step + 1) * WHEEL_STEP_MS;
	enter(w, t);
}

/* The first step from `step` on, of a whole turn, whose slot has a timer; -1:
 * there is none. */
static int64_t next_used(const struct wheel *w, int64_t step)
{
	size_t first = slot_of(step), word = first / 64;
	uint64_t bits = w->used[word] & (~UINT64_C(0) << first % 64);

	/* The first word once more at the end, for its lower bits. */
	for (int i = 0; i <= WORDS; i++) {
		if (bits != 0) {
			size_t found =
				word * 64 + (size_t)__builtin_ctzll(bits);

			return step + (int64_t)((found + WHEEL_SLOTS - first) %
						WHEEL_SLOTS);
		}
		word = (word + 1) % WORDS;
		bits = w->used[word];
	}
	return -1;
}

/* The timers leave their slot for a list of ours first: whatever `expired` does
 * to them or to the slot, each is looked at once. */
static void expire_slot(struct wheel *w, size_t i)
{
	struct timer *list = w->slot[i], *t;

	w->slot[i] = NULL;
	w->used[i / 64] &= ~(UINT64_C(1) << i % 64);
	if (list != NULL)
		list->link = &list;
	while ((t = list) != NULL) {
		unlink_timer(t);
		if (t->due_ms > w->now_ms) {
			enter(w, t); /* in a later turn */
		} else {
			t->due_ms = 0;
			t->expired(t->arg);
		}
	}
}

void wheel_expire(struct wheel *w, int64_t now_ms)
{
	int64_t step = w->step + 1, last = now_ms / WHEEL_STEP_MS;

	if (now_ms < w->now_ms)
		return;
	w->now_ms = now_ms;
	/* What is set from here on belongs to later calls. */
	w->step = last;
	/* However far time has jumped, one turn sees every slot. */
	if (last - step >= WHEEL_SLOTS)
		last = step + WHEEL_SLOTS - 1;
	for (; step <= last; step++) {
		step = next_used(w, step);
		if (step < 0 || step > last)
			return;
		expire_slot(w, slot_of(step));
	}
}

int64_t wheel_next_ms(const struct wheel *w)
{
	int64_t step = next_used(w, w->step + 1);

	return step < 0 ? INT64_MAX : step * WHEEL_STEP_MS;
}
