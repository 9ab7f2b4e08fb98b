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
	" AND user_id IS NULL AND rests = 0"
	" ORDER BY tenant_id, digits, number LIMIT 1";

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

static void format_number(char out[SP_NUMBER_SIZE], int digits, int64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%0*" PRId64, digits, n);
	snprintf(out, SP_NUMBER_SIZE, "%.15s", text);
}

/* The lowest number of the range that was used and is free again: *out, or
 * range->last + 1. */
static int lowest_free(const struct sp_scope *scope,
	const struct sp_range *range, int64_t *out, struct sp_err *err)
{
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	struct sp_stmt *st;
	int rc;

	format_number(first, range->digits, range->first);
	format_number(last, range->digits, range->last);
	*out = range->last + 1;
	rc = sp_db_first(scope->db, LOWEST_FREE,
		SP_ARGS(sp_int(scope->tenant->id), sp_int(range->digits),
			sp_text(first), sp_text(last)),
		&st, err);
	if (rc == 1) {
		*out = strtoll(sp_col_text(st, 0), NULL, 10);
		sp_db_done(st);
	}
	return rc < 0 ? -1 : 0;
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

/* The lowest number from `mark` on that has no row: passes over those that
 * were given out by name. Each is passed once, since the mark stays behind. */
static int first_unused(const struct sp_scope *scope,
	const struct sp_range *range, int64_t *mark, struct sp_err *err)
{
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	struct sp_stmt *st;
	int rc;

	if (*mark > range->last)
		return 0;
	format_number(first, range->digits, *mark);
	format_number(last, range->digits, range->last);
	if (sp_db_query(scope->db, ROWS_FROM,
		    SP_ARGS(sp_int(scope->tenant->id), sp_int(range->digits),
			    sp_text(first), sp_text(last)),
		    &st, err) != 0)
		return -1;
	while ((rc = sp_db_step(st, err)) == 1 &&
		strtoll(sp_col_text(st, 0), NULL, 10) == *mark)
		++*mark;
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

/* Sets *out to the range's next number, or beyond its end. */
static int next_of_range(const struct sp_scope *scope,
	const struct sp_range *range, int64_t *out, struct sp_err *err)
{
	int64_t free_again, mark, unused;

	if (lowest_free(scope, range, &free_again, err) != 0 ||
		get_mark(scope, range, &mark, err) != 0)
		return -1;
	*out = free_again;
	if (free_again < mark)
		return 0;
	unused = mark;
	if (first_unused(scope, range, &unused, err) != 0)
		return -1;
	if (unused <= range->last && unused < free_again)
		*out = unused++; /* its row comes with the assignment */
	return unused == mark ? 0 : set_mark(scope, range, unused, err);
}

int sp_pool_next(const struct sp_scope *scope, char number[SP_NUMBER_SIZE],
	struct sp_err *err)
{
	const struct sp_ranges *ranges = &scope->tenant->pool.automatic;
	size_t from = scope->pool_from == NULL ? 0 : *scope->pool_from;

	if (sp_db_exec(scope->db, WAKE_RESTED,
		    SP_ARGS(sp_int(scope->tenant->id), sp_int(scope->now_ms)),
		    NULL, err) != 0)
		return -1;
	for (size_t i = from; i < ranges->n; i++) {
		const struct sp_range *range = &ranges->at[i];
		int64_t n;

		if (next_of_range(scope, range, &n, err) != 0)
			return -1;
		if (n > range->last)
			continue;
		format_number(number, range->digits, n);
		if (scope->pool_from != NULL)
			*scope->pool_from = i;
		return 0;
	}
	return sp_err_set(err, SP_CANTCREATE, "the pool of '%s' is exhausted",
		scope->tenant->domain);
}
