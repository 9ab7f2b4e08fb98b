/* lib/pool against brute force: in many random states, what it hands out, what
 * it shows and what it counts follow from a look at each single number. */
#include "lib/pool.h"

#include "tests/unit/world.h"

enum { STEPS = 3000, LIST_SIZE = 64 };

/* Ranges of several lengths, with leading zeros and across a power of ten. */
static const char POOL[] = "95-124 0095-0110 0-2";
static const char RESERVED[] = "100-102 0099";

struct list {
	int n;
	char number[LIST_SIZE][SP_NUMBER_SIZE];
};

/* The same sequence on every machine (Numerical Recipes' generator). */
static unsigned next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static void append(struct list *list, const char *number)
{
	snprintf(list->number[list->n++], SP_NUMBER_SIZE, "%s", number);
}

/* All numbers of the pool, in its order. */
static void list_all(const struct world *w, struct list *list)
{
	const struct sp_ranges *all = &w->tenant.pool.all;

	list->n = 0;
	for (size_t i = 0; i < all->n; i++)
		for (int64_t n = all->at[i].first; n <= all->at[i].last; n++)
			sp_pool_format(&all->at[i], n, list->number[list->n++]);
}

/* ---- one look at each number ------------------------------------------- */

enum kind { UNUSED, FREE_AGAIN, RESTING, RESERVED_ONE, ASSIGNED };

static enum kind kind_of(struct world *w, const char *number)
{
	bool by_config = sp_ranges_has(&w->tenant.pool.reserved, number);
	struct sp_extension e;
	int rc = sp_extension_find(&w->scope, number, &e, &w->err);

	world_must(w, rc >= 0, number);
	if (rc == 1 && e.user.id != 0)
		return ASSIGNED;
	if (by_config || (rc == 1 && e.reserved))
		return RESERVED_ONE;
	if (rc == 0)
		return UNUSED;
	return e.free_from_ms > w->scope.now_ms ? RESTING : FREE_AGAIN;
}

static void expect_lowest(struct world *w, struct list *out)
{
	struct list all;

	list_all(w, &all);
	out->n = 0;
	for (int i = 0; i < all.n; i++)
		if (kind_of(w, all.number[i]) <= FREE_AGAIN)
			append(out, all.number[i]);
}

static void expect_rested(struct world *w, struct list *out)
{
	static const char RELEASED[] =
		"SELECT number FROM extension ORDER BY released_ms, id";
	struct sp_stmt *row;
	struct list all;

	list_all(w, &all);
	out->n = 0;
	for (int i = 0; i < all.n; i++)
		if (kind_of(w, all.number[i]) == UNUSED)
			append(out, all.number[i]);
	world_must(w,
		sp_db_query(w->db, RELEASED, SP_NO_ARGS, &row, &w->err) == 0,
		RELEASED);
	while (sp_db_step(row, &w->err) == 1)
		if (kind_of(w, sp_col_text(row, 0)) == FREE_AGAIN)
			append(out, sp_col_text(row, 0));
	sp_db_done(row);
}

static void expect_count(struct world *w, const struct sp_range *range,
	struct sp_pool_count *count)
{
	char number[SP_NUMBER_SIZE];

	*count = (struct sp_pool_count){0};
	for (int64_t n = range->first; n <= range->last; n++) {
		enum kind kind;

		sp_pool_format(range, n, number);
		kind = kind_of(w, number);
		count->size++;
		count->free += kind <= FREE_AGAIN;
		count->resting += kind == RESTING;
		count->reserved += kind == RESERVED_ONE;
		count->assigned += kind == ASSIGNED;
	}
}

/* ---- what the pool says ------------------------------------------------ */

static void walk(struct world *w, struct list *out)
{
	struct sp_pool_walk place = {0};
	char number[SP_NUMBER_SIZE];
	int rc = 0;

	out->n = 0;
	while (out->n < LIST_SIZE && (rc = sp_pool_walk_next(&w->scope, &place,
					      number, &w->err)) == 1)
		append(out, number);
	world_must(w, rc == 0, "a walk");
}

/* Hands out all that is left, and takes it back. */
static void hand_out(struct world *w, enum sp_order order, bool is_batch,
	struct list *out)
{
	struct sp_pool_cursor cursor = {0};
	struct sp_assigned got;
	char login[16];

	out->n = 0;
	w->scope.cursor = is_batch ? &cursor : NULL;
	world_must(w, sp_db_save(w->db, &w->err) == 0, "a point to return to");
	while (out->n < LIST_SIZE) {
		const struct sp_assign assign = {.login = login,
			.order = order};

		snprintf(login, sizeof login, "x%d", out->n);
		if (sp_assignment_make(&w->scope, NULL, &assign, &got,
			    &w->err) != 0)
			break;
		append(out, got.number);
	}
	world_must(w,
		w->err.code == SP_CANTCREATE &&
			sp_db_revert(w->db, &w->err) == 0,
		"handing out");
	w->scope.cursor = NULL;
}

static bool is_same(const struct list *got, const struct list *expected,
	const char *what)
{
	int i = 0;

	while (i < got->n && i < expected->n &&
		strcmp(got->number[i], expected->number[i]) == 0)
		i++;
	if (i == got->n && i == expected->n)
		return true;
	printf("# %s: %d of them, expected %d; at %d: %s, expected %s\n", what,
		got->n, expected->n, i, i < got->n ? got->number[i] : "none",
		i < expected->n ? expected->number[i] : "none");
	return false;
}

static bool is_counted(struct world *w)
{
	const struct sp_ranges *all = &w->tenant.pool.all;

	for (size_t i = 0; i < all->n; i++) {
		struct sp_pool_count got, expected;

		expect_count(w, &all->at[i], &expected);
		world_must(w,
			sp_pool_count_range(&w->scope, &all->at[i], &got,
				&w->err) == 0,
			"counting");
		if (memcmp(&got, &expected, sizeof got) != 0)
			return false;
	}
	return true;
}

static bool is_sound(struct world *w)
{
	struct list lowest, rested, got;

	expect_lowest(w, &lowest);
	expect_rested(w, &rested);
	walk(w, &got);
	if (!is_same(&got, &lowest, "the walk"))
		return false;
	for (int is_batch = 0; is_batch < 2; is_batch++) {
		hand_out(w, SP_LOWEST, is_batch, &got);
		if (!is_same(&got, &lowest, "the lowest"))
			return false;
		hand_out(w, SP_RESTED, is_batch, &got);
		if (!is_same(&got, &rested, "the longest rested"))
			return false;
	}
	return is_counted(w);
}

/* ---- a random life ----------------------------------------------------- */

static void recycle(struct world *w, const struct sp_extension *e,
	int64_t rest_ms)
{
	world_must(w, sp_extension_recycle(&w->scope, e, rest_ms, &w->err) == 0,
		e->number);
}

/* May be refused: then nothing happens. */
static void assign(struct world *w, const char *login, const char *number,
	enum sp_order order)
{
	const struct sp_assign assign = {.login = login,
		.number = number,
		.order = order};
	struct sp_assigned got;

	world_must(w,
		sp_assignment_make(&w->scope, NULL, &assign, &got, &w->err) ==
				0 ||
			w->err.code == SP_CANTCREATE,
		login);
}

/* With what somebody has: gives it back, moves on, exchanges it. */
static void live(struct world *w, struct sp_extension *e, const char *other,
	unsigned dice)
{
	struct sp_extension with;

	if (dice < 4)
		recycle(w, e, dice < 2 ? 0 : dice * 700);
	else if (dice < 6)
		assign(w, e->user.login, other, SP_LOWEST);
	else if (kind_of(w, other) == ASSIGNED &&
		 strcmp(other, e->number) != 0) {
		with = world_extension(w, other);
		world_must(w,
			sp_extension_swap(&w->scope, e, &with, &w->err) == 0,
			other);
	}
}

static void step(struct world *w, int i, uint32_t *random)
{
	unsigned dice = next_random(random) % 10;
	const char *number, *other;
	struct sp_extension e;
	struct list all;
	char login[16];

	list_all(w, &all);
	number = all.number[next_random(random) % (unsigned)all.n];
	other = all.number[next_random(random) % (unsigned)all.n];
	snprintf(login, sizeof login, "u%d", i);
	w->scope.now_ms += next_random(random) % 100;
	if (dice == 9)
		sp_extension_reserve(&w->scope, number,
			next_random(random) % 4 == 0, &w->err);
	else if (kind_of(w, number) == ASSIGNED) {
		e = world_extension(w, number);
		live(w, &e, other, dice);
	} else {
		assign(w, login, dice < 3 ? number : NULL,
			dice < 6 ? SP_LOWEST : SP_RESTED);
	}
}

int main(void)
{
	uint32_t random = 20261123;
	struct unit u = {0};
	struct world w;
	int n = 0, few = LIST_SIZE, many = 0;

	world_open(&w);
	world_set_pool(&w, POOL, RESERVED);
	for (; n < STEPS; n++) {
		struct list left;

		step(&w, n, &random);
		if (!is_sound(&w))
			break;
		walk(&w, &left);
		few = left.n < few ? left.n : few;
		many = left.n > many ? left.n : many;
	}
	unit_int(&u, n, STEPS, "random states are as brute force says");
	unit_ok(&u, few <= 2 && many >= 30, "  from %d to %d numbers left", few,
		many);
	world_close(&w);
	return unit_done(&u);
}
