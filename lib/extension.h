/* An extension: a number of the pool that has been used, and who has it. */
#ifndef SP_LIB_EXTENSION_H
#define SP_LIB_EXTENSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/call_right.h"
#include "lib/err.h"
#include "lib/pool.h"
#include "lib/scope.h"
#include "lib/user.h"

struct sp_extension {
	int64_t id;
	char number[SP_NUMBER_SIZE];
	int64_t free_from_ms; /* when user.id is 0: may be handed out from then */
	int64_t session_id;   /* the owner's current or last login session; 0 */
	bool reserved;        /* by sp-assign --reserve */
	enum sp_call_right calls; /* see sp_call_right_outside */
	struct sp_user user;      /* id 0: nobody has it */
};

/* Finds by number, whoever has it. Returns 1, 0 when the number was never
 * used, -1 on error. */
int sp_extension_find(const struct sp_scope *scope, const char *number,
	struct sp_extension *extension, struct sp_err *err);

/* Finds an assigned extension by what a person typed: a number or a login;
 * ext:1001 and user:1001 say which. Returns 1, 0 when there is none, -1 on
 * error; SP_DATA when a number and another one's login both match. */
int sp_extension_lookup(const struct sp_scope *scope, const char *operand,
	struct sp_extension *extension, struct sp_err *err);

/* As sp_extension_lookup; fails with SP_UNKNOWN, "no user or extension 'X' in
 * 'DOMAIN'", when there is none. Returns 0 or -1. */
int sp_extension_get(const struct sp_scope *scope, const char *operand,
	struct sp_extension *extension, struct sp_err *err);

/* Fails with SP_CANTCREATE, and says who has it, when the number cannot be
 * given to somebody who asks for it by name: it is taken, reserved, resting or
 * outside the pool. */
int sp_extension_check_free(const struct sp_scope *scope, const char *number,
	struct sp_err *err);

/* Gives the number to a user who has none. Expects the caller's transaction.
 * Fails as sp_extension_check_free. */
int sp_extension_assign(const struct sp_scope *scope, const char *number,
	int64_t user_id, struct sp_err *err);

/* Gives the owner of an extension the number `number`, which must be free, with
 * all that is the owner's but the bindings; its own number goes back to the
 * pool for rest_ms. *moved is the owner's extension afterwards. Expects the
 * caller's transaction. Fails as sp_extension_check_free. */
int sp_extension_renumber(const struct sp_scope *scope,
	const struct sp_extension *extension, const char *number,
	int64_t rest_ms, struct sp_extension *moved, struct sp_err *err);

/* The same for two owners who exchange their numbers: a and b are their
 * extensions, and get the new numbers. */
int sp_extension_swap(const struct sp_scope *scope, struct sp_extension *a,
	struct sp_extension *b, struct sp_err *err);

/* Takes the user out and gives the number back to the pool: everything that
 * hangs on either (forwarding, secret, bindings) goes, an open login session
 * ends, an event is written. The number rests for rest_ms. Expects the caller's
 * transaction. */
int sp_extension_recycle(const struct sp_scope *scope,
	const struct sp_extension *extension, int64_t rest_ms,
	struct sp_err *err);

/* Keeps a number of the pool from being given to anybody, or no longer; who
 * has it keeps it. Expects the caller's transaction. Fails with SP_CANTCREATE
 * for a number outside the pool, and for one that is to be given free again and
 * that the configuration reserves. Returns 1 when something changed, else 0. */
int sp_extension_reserve(const struct sp_scope *scope, const char *number,
	bool reserve, struct sp_err *err);

/* How many users the tenant has. Returns 0 or -1. */
int sp_extension_count(const struct sp_scope *scope, int64_t *n,
	struct sp_err *err);

/* Walks over the tenant's extensions that somebody has, by number: the next one
 * behind `number` ("": the first). Returns 1, 0 at the end, -1. */
int sp_extension_next(const struct sp_scope *scope, const char *number,
	struct sp_extension *extension, struct sp_err *err);

/* Points the extension to its owner's new login session. */
int sp_extension_set_session(const struct sp_scope *scope, int64_t id,
	int64_t session_id, struct sp_err *err);

/* The columns that sp_extension_read takes from a query, from column 0 to 9,
 * and the tables they come from; for the modules that join them. */
#define SP_EXTENSION_COLUMNS                            \
	"e.id, e.number, e.free_from_ms, e.session_id," \
	" e.reserved, u.id, u.login, u.first_name, u.last_name, e.calls"
#define SP_EXTENSION_TABLES \
	"extension e LEFT JOIN sp_user u ON u.id = e.user_id"
void sp_extension_read(struct sp_stmt *row, struct sp_extension *extension);

#endif
