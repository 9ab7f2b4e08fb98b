/* Forwarding that would go in a loop. */
#ifndef SP_LIB_FORWARD_LOOP_H
#define SP_LIB_FORWARD_LOOP_H

#include "lib/forward.h"

enum {
	SP_FORWARD_REACH = 4096,
	SP_FORWARD_FANOUT = 2 * SP_N_CONDITIONS, /* lasting and timed */
};

/* Fails with SP_DATA when a rule of these conditions closes a loop over any
 * mix of conditions and times; the sentence then shows the path. */
int sp_forward_check_loops(const struct sp_scope *scope,
	const struct sp_extension *extension, unsigned conditions,
	struct sp_err *err);

/* ---- loops: pure, for the unit test ------------------------------------ */

/* Asks for the extensions that `number` may divert to: fills next[] with at
 * most SP_FORWARD_FANOUT numbers and sets *n. Returns -1 to give up. */
typedef int sp_forward_next_fn(const void *arg, const char *number,
	char next[][SP_NUMBER_SIZE], int *n, struct sp_err *err);

/* Looks for a way from `target` back to `number`. Returns 1 and writes it as
 * "1001 -> 1002 -> 1001" (with "..." in place of what does not fit into 64
 * bytes or more), 0 when there is none, -1 on error; SP_DATA when the rules
 * behind `target` reach more than SP_FORWARD_REACH extensions. */
int sp_forward_find_loop(const char *number, const char *target,
	sp_forward_next_fn *next, const void *arg, char *path, size_t path_size,
	struct sp_err *err);

#endif
