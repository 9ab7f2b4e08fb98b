/* An event: one line of history. Who did what to which extension, when. */
#ifndef SP_LIB_EVENT_H
#define SP_LIB_EVENT_H

#include "lib/err.h"
#include "lib/scope.h"

/* Appends an event at scope->now_ms, by scope->tool and scope->actor. Expects
 * the caller's transaction. what: one word, "assigned". detail: old and new
 * value or the cause, never a secret; "" for none. */
int sp_event_add(const struct sp_scope *scope, const char *number,
	const char *login, const char *what, const char *detail,
	struct sp_err *err) __attribute__((nonnull));

#endif
