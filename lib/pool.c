/* A tenant's number ranges, and which number is handed out next. */
#include "lib/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
#include "lib/text.h"

/* ---- ranges ------------------------------------------------------------ */

static int add_range(struct sp_ranges *ranges, struct sp_range range,
	struct sp_err *err)
{
	struct sp_range *at = realloc(ranges->at, (ranges->n + 1) * sizeof *at);

	if (at == NULL)
		return sp_err_memory(err);
	at[ranges->n++] = range;
	ranges->at = at;
	return 0;
}

static int64_t power_of_ten(int n)
{
	int64_t p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

/* Cuts 900-1100 at the powers of ten, so that each piece has one length. */
static int add_pieces(struct sp_ranges *ranges, struct sp_range range,
	int last_digits, struct sp_err *err)
{
	for (; range.digits < last_digits; range.digits++) {
		int64_t end = power_of_ten(range.digits);

		if (add_range(ranges,
			    (struct sp_range){range.digits, range.first,
				    end - 1},
			    err) != 0)
			return -1;
		range.first = end;
	}
	return add_range(ranges, range, err);
}

static bool parse_number(const char *text, size_t len, int64_t *out)
{
	char number[SP_NUMBER_SIZE];

	if (len >= sizeof number)
		return false;
	memcpy(number, text, len);
	number[len] = '\0';
	return sp_text_to_int(number, 0, INT64_MAX, out);
}

int sp_ranges_add(struct sp_ranges *ranges, const char *text,
	struct sp_err *err)
{
	size_t first_len = strcspn(text, "-");
	const char *last = text[first_len] == '-' ? text + first_len + 1 : text;
	size_t last_len = strlen(last);
	struct sp_range range = {.digits = (int)first_len};

	if (!parse_number(text, first_len, &range.first) ||
		!parse_number(last, last_len, &range.last))
		return sp_err_set(err, SP_DATA,
			"'%.60s' is not a range of numbers (like 1000-1999, "
			"of up to %d digits)",
			text, SP_NUMBER_DIGITS);
	if (last_len < first_len || range.last < range.first)
		return sp_err_set(err, SP_DATA,
			"range '%.60s' ends before it begins", text);
	if (last_len > first_len &&
		(last[0] == '0' || (first_len > 1 && text[0] == '0')))
		return sp_err_set(err, SP_DATA,
			"range '%.60s' has a leading zero, so both ends need "
			"the same number of digits",
			text);
	return add_pieces(ranges, range, (int)last_len, err);
}

static bool range_has(const struct sp_range *range, int digits, int64_t n)
{
	return range->digits == digits && range->first <= n && n <= range->last;
}

bool sp_ranges_has(const struct sp_ranges *ranges, const char *number)
{
	size_t len = strlen(number);
	int64_t n;

	if (!parse_number(number, len, &n))
		return false;
	for (size_t i = 0; i < ranges->n; i++)
		if (range_has(&ranges->at[i], (int)len, n))
			return true;
	return false;
}

void sp_ranges_format(const struct sp_ranges *ranges, char out[SP_RANGES_TEXT])
{
	static const char MORE[] = ", ...";
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE], text[64];
	size_t len = 0, n;

	out[0] = '\0';
	for (size_t i = 0; i < ranges->n; i++) {
		const struct sp_range *r = &ranges->at[i];

		sp_pool_format(r, r->first, first);
		sp_pool_format(r, r->last, last);
		n = (size_t)snprintf(text, sizeof text, "%s%s%s%s",
			i == 0 ? "" : ", ", first,
			r->first == r->last ? "" : "-",
			r->first == r->last ? "" : last);
		if (len + n + sizeof MORE > SP_RANGES_TEXT) {
			strcpy(out + len, MORE);
			return;
		}
		memcpy(out + len, text, n + 1);
		len += n;
	}
}

/* ---- automatic = all - reserved ---------------------------------------- */

static int compare_first(const void *a, const void *b)
{
	const struct sp_range *x = a, *y = b;

	if (x->digits != y->digits)
		return x->digits < y->digits ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static int check_overlap(const struct sp_ranges *all, struct sp_err *err)
{
	for (size_t i = 0; i < all->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct sp_range *a = &all->at[i],
					      *b = &all->at[j];

			if (a->digits == b->digits && a->first <= b->last &&
				b->first <= a->last)
				return sp_err_set(err, SP_DATA,
					"ranges of the pool overlap at "
					"%0*" PRId64,
					a->digits,
					a->first > b->first ? a->first
							    : b->first);
		}
	return 0;
}

/* Adds what is left of `range` without the reserved ones, which are sorted. */
static int subtract(struct sp_pool *pool, struct sp_range range,
	struct sp_err *err)
{
	for (size_t i = 0; i < pool->reserved.n; i++) {
		const struct sp_range *r = &pool->reserved.at[i];

		if (r->digits != range.digits || r->last < range.first ||
			r->first > range.last)
			continue;
		if (r->first > range.first &&
			add_range(&pool->automatic,
				(struct sp_range){range.digits, range.first,
					r->first - 1},
				err) != 0)
			return -1;
		range.first = r->last + 1;
	}
	if (range.first > range.last)
		return 0;
	return add_range(&pool->automatic, range, err);
}

int sp_pool_finish(struct sp_pool *pool, struct sp_err *err)
{
	if (check_overlap(&pool->all, err) != 0)
		return -1;
	if (pool->reserved.n > 0)
		qsort(pool->reserved.at, pool->reserved.n,
			sizeof *pool->reserved.at, compare_first);
	for (size_t i = 0; i < pool->all.n; i++)
		if (subtract(pool, pool->all.at[i], err) != 0)
			return -1;
	return 0;
}

void sp_pool_release(struct sp_pool *pool)
{
	free(pool->all.at);
	free(pool->reserved.at);
	free(pool->automatic.at);
	*pool = (struct sp_pool){0};
}

/* ---- the next number --------------------------------------------------- */

static const char WAKE_RESTED[] =
	"UPDATE extension SET rests = 0"
	" WHERE tenant_id = $1 AND rests = 1 AND free_from_ms <= $2";

static const char LOWEST_FREE[] =
	"SELECT number FROM extension WHERE tenant_id = $1"
	" AND digits = $2 AND number BETWEEN $3 AND $4"
	" AND user_id IS NULL AND rests = 0 AND reserved = 0"
	" ORDER BY tenant_id, digits, number LIMIT 1";

/* Of those that have rested and that nobody has woken yet. */
static const char LOWEST_RESTED[] =
	"SELECT number FROM extension WHERE tenant_id = $1"
	" AND digits = $2 AND number BETWEEN $3 AND $4"
	" AND rests = 1 AND free_from_ms <= $5 AND reserved = 0"
	" ORDER BY tenant_id, digits, number LIMIT 1";

static const char LONGEST_RESTED[] =
	"SELECT number, released_ms, id FROM extension WHERE tenant_id = $1"
	" AND user_id IS NULL AND rests = 0 AND reserved = 0"
	" AND (released_ms, id) >= ($2, $3)"
	" ORDER BY tenant_id, released_ms, id";

static const char COUNT_ROWS[] =
	"SELECT count(user_id),"
	" coalesce(sum(user_id IS NULL AND reserved = 0 AND rests = 1"
	" AND free_from_ms > $5), 0),"
	" coalesce(sum(user_id IS NULL AND reserved = 1), 0)"
	" FROM extension WHERE tenant_id = $1"
	" AND digits = $2 AND number BETWEEN $3 AND $4";

static const char GET_MARK[] =
	"SELECT next FROM pool_mark"
	" WHERE tenant_id = $1 AND digits = $2 AND first = $3";

static const char SET_MARK[] =
	"INSERT INTO pool_mark (tenant_id, digits, first, next)"
	" VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (tenant_id, digits, first) DO UPDATE SET next = $4";

static const char ROWS_FROM[] =
	"SELECT number FROM extension WHERE tenant_id = $1"
	" AND digits = $2 AND number BETWEEN $3 AND $4"
	" ORDER BY tenant_id, digits, number";

void sp_pool_format(const struct sp_range *range, int64_t n,
	char out[SP_NUMBER_SIZE])
{
	char text[24];

	snprintf(text, sizeof text, "%0*" PRId64, range->digits, n);
	snprintf(out, SP_NUMBER_SIZE, "%.15s", text);
}

static int64_t value_of(struct sp_stmt *row)
{
	return strtoll(sp_col_text(row, 0), NULL, 10);
}

/* Lowers *n to the number that the query finds, where that is below it. */
static int lower(const struct sp_scope *scope, const char *sql,
	const struct sp_value *args, int64_t *n, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, sql, args, &row, err);

	if (rc == 1) {
		if (value_of(row) < *n)
			*n = value_of(row);
		sp_db_done(row);
	}
	return rc < 0 ? -1 : 0;
}

/* The lowest number of the range from `from` on that was used and is free
 * again: *out, or range->last + 1. awake: all that have rested are woken. */
static int lowest_free(const struct sp_scope *scope,
	const struct sp_range *range, int64_t from, bool awake, int64_t *out,
	struct sp_err *err)
{
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	const struct sp_value tenant = sp_int(scope->tenant->id);
	const struct sp_value digits = sp_int(range->digits);

	*out = range->last + 1;
	if (from > range->last)
		return 0;
	sp_pool_format(range, from, first);
	sp_pool_format(range, range->last, last);
	if (lower(scope, LOWEST_FREE,
		    SP_ARGS(tenant, digits, sp_text(first), sp_text(last)), out,
		    err) != 0)
		return -1;
	if (awake)
		return 0;
	return lower(scope, LOWEST_RESTED,
		SP_ARGS(tenant, digits, sp_text(first), sp_text(last),
			sp_int(scope->now_ms)),
		out, err);
}

static int get_mark(const struct sp_scope *scope, const struct sp_range *range,
	int64_t *mark, struct sp_err *err)
{
	struct sp_stmt *st;
	int rc = sp_db_first(scope->db, GET_MARK,
		SP_ARGS(sp_int(scope->tenant->id), sp_int(range->digits),
			sp_int(range->first)),
		&st, err);

	*mark = range->first;
	if (rc == 1) {
		*mark = sp_col_int(st, 0);
		sp_db_done(st);
	}
	return rc < 0 ? -1 : 0;
}

/* The lowest number from *n on, up to `limit`, that has no row: passes over
 * those that were given out by name. Each is passed once, since the mark, or
 * the walk, stays behind. */
static int first_unused(const struct sp_scope *scope,
	const struct sp_range *range, int64_t limit, int64_t *n,
	struct sp_err *err)
{
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	struct sp_stmt *st;
	int rc;

	if (*n >= limit)
		return 0;
	sp_pool_format(range, *n, first);
	sp_pool_format(range, limit - 1, last);
	if (sp_db_query(scope->db, ROWS_FROM,
		    SP_ARGS(sp_int(scope->tenant->id), sp_int(range->digits),
			    sp_text(first), sp_text(last)),
		    &st, err) != 0)
		return -1;
	while ((rc = sp_db_step(st, err)) == 1 && value_of(st) == *n)
		++*n;
	sp_db_done(st);
	return rc < 0 ? -1 : 0;
}

static int set_mark(const struct sp_scope *scope, const struct sp_range *range,
	int64_t mark, struct sp_err *err)
{
	return sp_db_exec(scope->db, SET_MARK,
		SP_ARGS(sp_int(scope->tenant->id), sp_int(range->digits),
			sp_int(range->first), sp_int(mark)),
		NULL, err);
}

/* Sets *out to the lowest number of the range that was never used and is below
 * `limit`, which may be one beyond the range's end, else to `limit`; moves the
 * mark. */
static int take_unused(const struct sp_scope *scope,
	const struct sp_range *range, int64_t limit, int64_t *out,
	struct sp_err *err)
{
	int64_t mark, unused;

	*out = limit;
	if (get_mark(scope, range, &mark, err) != 0)
		return -1;
	unused = mark;
	if (first_unused(scope, range, limit, &unused, err) != 0)
		return -1;
	if (unused < limit)
		*out = unused++; /* its row comes with the assignment */
	return unused == mark ? 0 : set_mark(scope, range, unused, err);
}

/* Sets *out to the range's next number, or beyond its end. */
static int next_of_range(const struct sp_scope *scope, enum sp_order order,
	const struct sp_range *range, int64_t *out, struct sp_err *err)
{
	int64_t free_again = range->last + 1;

	if (order == SP_LOWEST && lowest_free(scope, range, range->first, true,
					  &free_again, err) != 0)
		return -1;
	return take_unused(scope, range, free_again, out, err);
}

/* Returns 1 with a number, 0 when no range has one. */
static int next_in_ranges(const struct sp_scope *scope, enum sp_order order,
	struct sp_pool_cursor *cursor, char number[SP_NUMBER_SIZE],
	struct sp_err *err)
{
	const struct sp_ranges *ranges = &scope->tenant->pool.automatic;

	for (; cursor->range < ranges->n; cursor->range++) {
		const struct sp_range *range = &ranges->at[cursor->range];
		int64_t n;

		if (next_of_range(scope, order, range, &n, err) != 0)
			return -1;
		if (n > range->last)
			continue;
		sp_pool_format(range, n, number);
		return 1;
	}
	return 0;
}

/* As next_in_ranges, for the numbers that were used and are free again. Those
 * that the configuration has taken out of the pool are passed over. */
static int longest_rested(const struct sp_scope *scope,
	struct sp_pool_cursor *cursor, char number[SP_NUMBER_SIZE],
	struct sp_err *err)
{
	const struct sp_ranges *ranges = &scope->tenant->pool.automatic;
	struct sp_stmt *row;
	int rc;

	if (sp_db_query(scope->db, LONGEST_RESTED,
		    SP_ARGS(sp_int(scope->tenant->id),
			    sp_int(cursor->released_ms),
			    sp_int(cursor->released_id)),
		    &row, err) != 0)
		return -1;
	while ((rc = sp_db_step(row, err)) == 1) {
		sp_col_copy(row, 0, number, SP_NUMBER_SIZE);
		cursor->released_ms = sp_col_int(row, 1);
		cursor->released_id = sp_col_int(row, 2);
		if (sp_ranges_has(ranges, number))
			break;
	}
	sp_db_done(row);
	return rc;
}

static int wake_rested(const struct sp_scope *scope,
	struct sp_pool_cursor *cursor, struct sp_err *err)
{
	if (cursor->is_awake)
		return 0;
	cursor->is_awake = true;
	return sp_db_exec(scope->db, WAKE_RESTED,
		SP_ARGS(sp_int(scope->tenant->id), sp_int(scope->now_ms)), NULL,
		err);
}

int sp_pool_next(const struct sp_scope *scope, enum sp_order order,
	char number[SP_NUMBER_SIZE], struct sp_err *err)
{
	struct sp_pool_cursor start = {0}, *cursor = scope->cursor;
	int rc;

	if (cursor == NULL)
		cursor = &start;
	if (wake_rested(scope, cursor, err) != 0)
		return -1;
	rc = next_in_ranges(scope, order, cursor, number, err);
	if (rc == 0 && order == SP_RESTED)
		rc = longest_rested(scope, cursor, number, err);
	if (rc == 0)
		return sp_err_set(err, SP_CANTCREATE,
			"the pool of '%s' is exhausted", scope->tenant->domain);
	return rc < 0 ? -1 : 0;
}

/* ---- looking ----------------------------------------------------------- */

/* Sets *out to the range's next number from `from` on, or beyond its end. */
static int peek_range(const struct sp_scope *scope,
	const struct sp_range *range, int64_t from, struct sp_pool_walk *walk,
	int64_t *out, struct sp_err *err)
{
	bool is_known = walk->next > 0 && walk->free_again >= from;
	int64_t unused;

	if (!is_known && lowest_free(scope, range, from, false,
				 &walk->free_again, err) != 0)
		return -1;
	if (get_mark(scope, range, &unused, err) != 0)
		return -1;
	if (unused < from)
		unused = from;
	if (first_unused(scope, range, walk->free_again, &unused, err) != 0)
		return -1;
	*out = unused < walk->free_again ? unused : walk->free_again;
	return 0;
}

int sp_pool_walk_next(const struct sp_scope *scope, struct sp_pool_walk *walk,
	char number[SP_NUMBER_SIZE], struct sp_err *err)
{
	const struct sp_ranges *ranges = &scope->tenant->pool.automatic;

	while (walk->range < ranges->n) {
		const struct sp_range *range = &ranges->at[walk->range];
		int64_t n, from = walk->next > range->first ? walk->next
							    : range->first;

		if (peek_range(scope, range, from, walk, &n, err) != 0)
			return -1;
		if (n <= range->last) {
			sp_pool_format(range, n, number);
			walk->next = n + 1;
			return 1;
		}
		*walk = (struct sp_pool_walk){.range = walk->range + 1};
	}
	return 0;
}

/* ---- counting ---------------------------------------------------------- */

/* Counts the rows of a range; what has none is left to the caller. */
static int count_rows(const struct sp_scope *scope,
	const struct sp_range *range, struct sp_pool_count *count,
	struct sp_err *err)
{
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	struct sp_stmt *row;

	sp_pool_format(range, range->first, first);
	sp_pool_format(range, range->last, last);
	if (sp_db_first(scope->db, COUNT_ROWS,
		    SP_ARGS(sp_int(scope->tenant->id), sp_int(range->digits),
			    sp_text(first), sp_text(last),
			    sp_int(scope->now_ms)),
		    &row, err) != 1)
		return -1;
	*count = (struct sp_pool_count){.size = range->last - range->first + 1,
		.assigned = sp_col_int(row, 0),
		.resting = sp_col_int(row, 1),
		.reserved = sp_col_int(row, 2)};
	sp_db_done(row);
	return 0;
}

int sp_pool_count_range(const struct sp_scope *scope,
	const struct sp_range *range, struct sp_pool_count *count,
	struct sp_err *err)
{
	const struct sp_ranges *automatic = &scope->tenant->pool.automatic;
	struct sp_pool_count piece;

	if (count_rows(scope, range, count, err) != 0)
		return -1;
	count->resting = count->free = 0;
	for (size_t i = 0; i < automatic->n; i++) {
		const struct sp_range *r = &automatic->at[i];

		if (!range_has(range, r->digits, r->first))
			continue;
		if (count_rows(scope, r, &piece, err) != 0)
			return -1;
		count->resting += piece.resting;
		count->free += piece.size - piece.assigned - piece.resting -
			       piece.reserved;
	}
	/* By the configuration or by sp-assign --reserve. */
	count->reserved =
		count->size - count->assigned - count->resting - count->free;
	return 0;
}
