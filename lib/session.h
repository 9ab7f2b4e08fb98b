/* A login session: from a softphone's first successful REGISTER to its
 * logout, loss or recycling. */
#ifndef SP_LIB_SESSION_H
#define SP_LIB_SESSION_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/extension.h"
#include "lib/scope.h"

struct sp_binding;

enum { SP_SESSION_TEXT_SIZE = 512 };

/* How sessions end; stored as text, and shown. */
#define SP_ENDED_LOGOUT   "logout"   /* the softphone unregistered */
#define SP_ENDED_LOST     "lost"     /* its last binding ran out */
#define SP_ENDED_RECYCLED "recycled" /* the user was taken out */
#define SP_ENDED_KICKED   "kicked"   /* an admin logged it out */

struct sp_session {
	char login[SP_LOGIN_SIZE];
	int64_t started_ms;
	int64_t ended_ms; /* 0: it is open */
	char ending[16];  /* how; "" while it is open */
	char contact[SP_SESSION_TEXT_SIZE];
	char transport[8];
	char user_agent[SP_SESSION_TEXT_SIZE];
};

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

/* Fills list[] with the first `max` sessions of a number that began after
 * after_ms, oldest first. Returns their number or -1. */
int sp_session_list(const struct sp_scope *scope, const char *number,
	int64_t after_ms, struct sp_session *list, int max, struct sp_err *err);

/* The last session of a number that had begun at at_ms, and by then may have
 * ended. Returns 1, 0 when there was none, -1. */
int sp_session_find_at(const struct sp_scope *scope, const char *number,
	int64_t at_ms, struct sp_session *session, struct sp_err *err);

/* As sp_event_prune, of which it is a part. Looks at `max` sessions behind
 * *id, and sets *id to the last of them, or back to 0 when it met young ones:
 * those that stay for their owners must not keep it from the others. */
int sp_session_prune(const struct sp_scope *scope, int64_t before_ms,
	int64_t max, int64_t *id, struct sp_err *err);

#endif
