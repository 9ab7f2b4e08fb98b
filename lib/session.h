/* A login session: from a softphone's first successful REGISTER to its
 * logout, loss or recycling. */
#ifndef SP_LIB_SESSION_H
#define SP_LIB_SESSION_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/extension.h"
#include "lib/scope.h"

struct sp_binding;

/* How sessions end; stored as text, and shown. */
#define SP_ENDED_LOGOUT   "logout"   /* the softphone unregistered */
#define SP_ENDED_LOST     "lost"     /* its last binding ran out */
#define SP_ENDED_RECYCLED "recycled" /* the user was taken out */
#define SP_ENDED_KICKED   "kicked"   /* an admin logged it out */

/* Starts a session with what the first binding tells, at scope->now_ms, and
 * points the extension to it. Expects the caller's transaction. */
int sp_session_start(const struct sp_scope *scope,
	const struct sp_extension *extension, const struct sp_binding *binding,
	struct sp_err *err);

/* Ends the session at ended_ms. Returns 1, 0 when it was not open, -1. */
int sp_session_end(const struct sp_scope *scope, int64_t session_id,
	const char *ending, int64_t ended_ms, struct sp_err *err);

/* Returns 1 when the session is open, 0 when not (or id 0), -1 on error. */
int sp_session_is_open(const struct sp_scope *scope, int64_t session_id,
	struct sp_err *err);

#endif
