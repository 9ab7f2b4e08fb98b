/* Limits on failed logins: token buckets for sources and for the names that
 * they try, in a table of fixed size. Pure but for its table. */
#ifndef SP_REGISTER_LIMIT_H
#define SP_REGISTER_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum {
	/* One phone with a wrong secret: baresip tries 16 times in 4 ms. */
	LIMIT_AOR_BURST = 20,
	LIMIT_AOR_REFILL_MS = 6000,
	/* A source may be a whole office behind one address. */
	LIMIT_SOURCE_BURST = 200,
	LIMIT_SOURCE_REFILL_MS = 200,
	/* Of those who go over it: history has no room for more. */
	LIMIT_TELL_BURST = 100,
	LIMIT_TELL_REFILL_MS = 10000,
};

struct limits;

int limits_new(struct limits **limits, struct sp_err *err);
void limits_free(struct limits *limits); /* accepts NULL */

enum limit {
	LIMIT_NONE,    /* there is room */
	LIMIT_REACHED, /* this one was the first too many, and to be told of */
	LIMIT_OVER,    /* too many */
};

/* Counts a failed login from a source for a name. now_ms: monotonic. The answer
 * is to be left out unless LIMIT_NONE. */
enum limit limits_fail(struct limits *limits, const char *source,
	const char *aor, int64_t now_ms);

#endif
