/* sp-status: numbers that nobody has, and how many there are of all kinds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/event.h"
#include "lib/pool.h"
#include "lib/server.h"
#include "lib/text.h"

enum { FREE_SHOWN = 10 }; /* of --free, when nothing is said */

/* ---- --free, --resting, --reserved ------------------------------------- */

static int print_number(struct work *w, const char *number, struct sp_err *err)
{
	char operand[SP_NUMBER_SIZE + 4];
	struct sp_status status;

	snprintf(operand, sizeof operand, "ext:%s", number);
	if (sp_status_get(&w->app.scope, operand, &status, err) != 0)
		return -1;
	return print_status(w, &status, err);
}

/* Those that would be handed out next, in that order. */
int list_free(struct work *w, struct sp_err *err)
{
	struct sp_pool_walk walk = {.range = 0};
	char number[SP_NUMBER_SIZE];
	int64_t max = FREE_SHOWN;
	int rc = 1;

	if (open_extensions(w, err) != 0)
		return -1;
	if (w->n == 1)
		sp_text_to_int(w->operand[0], 1, INT64_MAX, &max);
	for (; max > 0 && rc == 1; max--) {
		rc = sp_pool_walk_next(&w->app.scope, &walk, number, err);
		if (rc == 1 && print_number(w, number, err) != 0)
			return -1;
	}
	return rc < 0 ? -1 : 0;
}

int list_resting(struct work *w, struct sp_err *err)
{
	const struct sp_status *status;
	struct sp_status_list *list;
	int rc;

	if (open_extensions(w, err) != 0 ||
		sp_status_open(&w->app.scope, &list, err) != 0)
		return -1;
	while ((rc = sp_status_next(list, &status, err)) == 1)
		if (status->state == SP_RESTING &&
			(rc = print_status(w, status, err)) != 0)
			break;
	sp_status_close(list);
	return rc;
}

/* Where in the reserved ranges of the configuration a walk is. */
struct place {
	size_t range;
	int digits; /* of `next`; of more digits, a range is at its start */
	int64_t next;
};

static int compare_numbers(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	return len_a == len_b ? strcmp(a, b) : len_a < len_b ? -1 : 1;
}

/* Prints the reserved numbers of the configuration up to `end`, which itself
 * is passed over: it has a row; NULL: all. */
static int print_up_to(struct work *w, struct place *at, const char *end,
	struct sp_err *err)
{
	const struct sp_pool *pool = &w->app.scope.tenant->pool;

	for (; at->range < pool->reserved.n; at->range++) {
		const struct sp_range *range = &pool->reserved.at[at->range];

		if (at->digits < range->digits || at->next < range->first)
			at->next = range->first;
		at->digits = range->digits;
		for (; at->next <= range->last; at->next++) {
			char number[SP_NUMBER_SIZE];
			int order = -1;

			sp_pool_format(range, at->next, number);
			if (end != NULL)
				order = compare_numbers(number, end);
			if (order > 0)
				return 0;
			if (order < 0 && sp_ranges_has(&pool->all, number) &&
				print_number(w, number, err) != 0)
				return -1;
		}
	}
	return 0;
}

/* Those of the configuration have a row only if they were used once: two
 * sorted lists become one. */
int list_reserved(struct work *w, struct sp_err *err)
{
	struct place at = {.range = 0};
	const struct sp_status *status;
	struct sp_status_list *list;
	int rc;

	if (open_extensions(w, err) != 0 ||
		sp_status_open(&w->app.scope, &list, err) != 0)
		return -1;
	while ((rc = sp_status_next(list, &status, err)) == 1) {
		rc = print_up_to(w, &at, status->extension.number, err);
		if (rc == 0 && status->state == SP_RESERVED)
			rc = print_status(w, status, err);
		if (rc != 0)
			break;
	}
	sp_status_close(list);
	return rc != 0 ? -1 : print_up_to(w, &at, NULL, err);
}

/* ---- --summary --------------------------------------------------------- */

static const struct sp_column COLUMNS[] = {
	{.name = "item"},
	{.name = "range"},
	{.name = "count", .is_integer = true},
};

static int print_count(struct work *w, const char *item, const char *range,
	int64_t count, struct sp_err *err)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, count);
	return sp_output_row(w->output, (const char *[]){item, range, text},
		err);
}

/* Of those that somebody has; the pool is counted by ranges. */
static int print_states(struct work *w, struct sp_err *err)
{
	int64_t count[SP_N_STATES] = {0}, assigned = 0;
	const struct sp_status *status;
	struct sp_status_list *list;
	int rc = sp_status_open(&w->app.scope, &list, err);

	if (rc != 0)
		return -1;
	while ((rc = sp_status_next(list, &status, err)) == 1) {
		count[status->state]++;
		assigned += status->extension.user.id != 0;
	}
	sp_status_close(list);
	if (rc < 0 || print_count(w, "assigned", NULL, assigned, err) != 0)
		return -1;
	for (enum sp_state state = SP_AWAY; state < SP_N_STATES; state++)
		if (print_count(w, sp_state_name(state), NULL, count[state],
			    err) != 0)
			return -1;
	return 0;
}

static int print_pool(struct work *w, const char *range,
	const struct sp_pool_count *count, struct sp_err *err)
{
	const struct {
		const char *item;
		int64_t count;
	} rows[] = {
		{"pool", count->size},
		{"pool-assigned", count->assigned},
		{"pool-free", count->free},
		{"pool-resting", count->resting},
		{"pool-reserved", count->reserved},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (print_count(w, rows[i].item, range, rows[i].count, err) !=
			0)
			return -1;
	return 0;
}

static void add_count(struct sp_pool_count *total,
	const struct sp_pool_count *count)
{
	total->size += count->size;
	total->assigned += count->assigned;
	total->free += count->free;
	total->resting += count->resting;
	total->reserved += count->reserved;
}

static int print_ranges(struct work *w, struct sp_err *err)
{
	const struct sp_ranges *all = &w->app.scope.tenant->pool.all;
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	struct sp_pool_count total = {0}, count;
	char text[2 * SP_NUMBER_SIZE];

	for (size_t i = 0; i < all->n; i++) {
		if (sp_pool_count_range(&w->app.scope, &all->at[i], &count,
			    err) != 0)
			return -1;
		add_count(&total, &count);
		sp_pool_format(&all->at[i], all->at[i].first, first);
		sp_pool_format(&all->at[i], all->at[i].last, last);
		snprintf(text, sizeof text, "%s-%s", first, last);
		if (print_pool(w, text, &count, err) != 0)
			return -1;
	}
	return print_pool(w, NULL, &total, err);
}

/* What the servers of the file have done, for all tenants. */
static int print_counters(struct work *w, struct sp_err *err)
{
	char name[SP_COUNTER_SIZE] = "", item[SP_COUNTER_SIZE + 8];
	int64_t value;
	int rc;

	while ((rc = sp_server_next_counter(w->app.db, name, &value, err)) ==
		1) {
		snprintf(item, sizeof item, "server-%s", name);
		if (print_count(w, item, NULL, value, err) != 0)
			return -1;
	}
	return rc;
}

int print_summary(struct work *w, struct sp_err *err)
{
	int64_t oldest, last;

	if (set_moment(w, err) != 0 ||
		open_listing(w, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0],
			NULL, err) != 0 ||
		print_states(w, err) != 0 || print_ranges(w, err) != 0 ||
		sp_event_bounds(&w->app.scope, &oldest, &last, err) != 0)
		return -1;
	if (print_count(w, "last-event", NULL, last, err) != 0)
		return -1;
	return print_counters(w, err);
}
