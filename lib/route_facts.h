/* What the route of a call needs to know of extensions, from the database. */
#ifndef SP_LIB_ROUTE_FACTS_H
#define SP_LIB_ROUTE_FACTS_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/route.h"
#include "lib/scope.h"

/* For whom and for when. */
struct sp_route_moment {
	const struct sp_scope *scope; /* who is registered at scope->now_ms */
	int64_t rules_ms;             /* which rules are in force then */
};

/* A sp_route_ask_fn: `arg` is a struct sp_route_moment. One statement, and one
 * more where the extension has own rules. */
int sp_route_facts_ask(const void *arg, const char *number,
	struct sp_route_facts *facts, struct sp_err *err);

#endif
