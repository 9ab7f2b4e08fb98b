/* A tenant's number ranges, and which number is handed out next. */
#ifndef SP_LIB_POOL_H
#define SP_LIB_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum {
	SP_NUMBER_DIGITS = 15, /* the longest number, as E.164 */
	SP_NUMBER_SIZE = SP_NUMBER_DIGITS + 1,
};

struct sp_scope;

/* Numbers of equal length: leading zeros count, so 0100 is not 100. */
struct sp_range {
	int digits;
	int64_t first, last; /* both inclusive */
};

struct sp_ranges {
	struct sp_range *at;
	size_t n;
};

struct sp_pool {
	struct sp_ranges all;       /* as configured, in that order */
	struct sp_ranges reserved;  /* never handed out by themselves */
	struct sp_ranges automatic; /* all less reserved */
};

/* Adds "1000-1999" or "1911" to ranges. 900-1100 becomes 900-999 and
 * 1000-1100. Fails with SP_DATA and a sentence that quotes the text. */
int sp_ranges_add(struct sp_ranges *ranges, const char *text,
	struct sp_err *err);
bool sp_ranges_has(const struct sp_ranges *ranges, const char *number);

/* Writes "1000-1999, 1911"; what does not fit becomes "...". */
enum { SP_RANGES_TEXT = 128 };
void sp_ranges_format(const struct sp_ranges *ranges, char out[SP_RANGES_TEXT]);

/* Computes pool->automatic; to be called when the others are complete. Fails
 * with SP_DATA when two ranges of the pool overlap. */
int sp_pool_finish(struct sp_pool *pool, struct sp_err *err);
void sp_pool_release(struct sp_pool *pool);

/* Which of the free numbers is handed out. */
enum sp_order {
	SP_LOWEST, /* the lowest of the first range that has one */
	SP_RESTED, /* the one that has rested longest: those that were never
		    * used, from the lowest on, then by when they were given
		    * back */
};

/* Where a batch that only assigns goes on in the pool; all zero at first. */
struct sp_pool_cursor {
	bool is_awake;                    /* nothing is left to be woken */
	size_t range;                     /* those before it have no room */
	int64_t released_ms, released_id; /* nothing rested longer */
};

/* Writes the next number to be handed out. O(log n). Expects the caller's
 * transaction, and the caller to assign the number in it. Fails with
 * SP_CANTCREATE when the pool is exhausted. */
int sp_pool_next(const struct sp_scope *scope, enum sp_order order,
	char number[SP_NUMBER_SIZE], struct sp_err *err);

/* A walk over the numbers in the order of SP_LOWEST, which changes nothing: all
 * zero at first. Returns 1 with the next free number, 0 at the end, -1. */
struct sp_pool_walk {
	size_t range;
	int64_t next;       /* 0: the range's first */
	int64_t free_again; /* the next one of those that were used */
};
int sp_pool_walk_next(const struct sp_scope *scope, struct sp_pool_walk *walk,
	char number[SP_NUMBER_SIZE], struct sp_err *err);

/* How many numbers a range has of each kind; resting, reserved: of those that
 * nobody has. */
struct sp_pool_count {
	int64_t size, assigned, resting, reserved, free;
};
int sp_pool_count_range(const struct sp_scope *scope,
	const struct sp_range *range, struct sp_pool_count *count,
	struct sp_err *err);

/* Writes a number of a range, with its leading zeros. */
void sp_pool_format(const struct sp_range *range, int64_t n,
	char number[SP_NUMBER_SIZE]);

#endif
