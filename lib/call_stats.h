/* How many calls there are, and how many have ended how. */
#ifndef SP_LIB_CALL_STATS_H
#define SP_LIB_CALL_STATS_H

#include <stdint.h>

#include "lib/db.h"
#include "lib/err.h"
#include "lib/scope.h"

/* All of lib/call.h's. */
enum { SP_CALL_N_ENDINGS = 8 };
extern const char *const SP_CALL_ENDINGS[SP_CALL_N_ENDINGS];

/* The tenant's calls in progress at scope->now_ms, but for those that are only
 * still to age out. */
int sp_call_count_open(const struct sp_scope *scope, int64_t *ringing,
	int64_t *answered, struct sp_err *err);

/* Counts a call that has ended, beside the server's counters, whose names for
 * that begin so: rows of calls go with the history, and a sum over them would
 * fall. Expects the caller's transaction. */
#define SP_COUNTER_OF_CALLS "calls-"
int sp_call_count_ending(struct sp_db *db, const char *ending,
	struct sp_err *err);

/* How many have ended so, of all tenants, since the database was made. */
int sp_call_count_ended(struct sp_db *db, const char *ending, int64_t *n,
	struct sp_err *err);

#endif
