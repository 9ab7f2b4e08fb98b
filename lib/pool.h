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

/* Computes pool->automatic; to be called when the others are complete. Fails
 * with SP_DATA when two ranges of the pool overlap. */
int sp_pool_finish(struct sp_pool *pool, struct sp_err *err);
void sp_pool_release(struct sp_pool *pool);

/* Writes the lowest number of the first range that has one that is free,
 * rested and not reserved. O(log n). Expects the caller's transaction, and the
 * caller to assign the number in it. Fails with SP_CANTCREATE when the pool is
 * exhausted. */
int sp_pool_next(const struct sp_scope *scope, char number[SP_NUMBER_SIZE],
	struct sp_err *err);

#endif
