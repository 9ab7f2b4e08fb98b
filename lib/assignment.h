/* An assignment: which user has which extension, one to one. */
#ifndef SP_LIB_ASSIGNMENT_H
#define SP_LIB_ASSIGNMENT_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/hash.h"
#include "lib/pool.h"
#include "lib/scope.h"
#include "lib/user.h"

/* What a caller wants a user to be. */
struct sp_assign {
	const char *login;
	const char *first, *last; /* NULL: not said, keep what is there */
	const char *number;       /* NULL: keep the number, or the next free */
	const char *secret;       /* NULL: keep */
	const char *calls;        /* "internal", "all", "default"; NULL: keep */
	enum sp_order order;      /* which is the next free */
	bool reset_forwarding;    /* on another number: leave the rules */
};

/* What became of it. */
struct sp_assigned {
	struct sp_user user;
	char number[SP_NUMBER_SIZE];
	char old_number[SP_NUMBER_SIZE]; /* "": it is the same as before */
	/* The number is another one and the secret is not: the softphone logs
	 * in with the login only. */
	bool needs_login;
	bool is_new; /* the user is */
};

/* Creates the user with a number, or brings a known one up to date; writes
 * events for what changed. Another number for a known user is a reassignment:
 * the forwarding moves along, the softphone is logged out, the old number goes
 * back to the pool. Expects the caller's transaction. Errors: SP_DATA a
 * malformed login, name, number, secret or calls, or rules that would be a loop from
 * the new number; SP_CANTCREATE a number that is taken, reserved, resting or
 * outside the pool, or the pool exhausted. `hash` is for the secret's digests,
 * and may be NULL without one. */
int sp_assignment_make(const struct sp_scope *scope, struct sp_hash *hash,
	const struct sp_assign *assign, struct sp_assigned *assigned,
	struct sp_err *err);

/* Exchanges the numbers of two users, named as sp_extension_get wants it, in
 * the same way. They may not be one and the same. */
int sp_assignment_swap(const struct sp_scope *scope, const char *operand,
	const char *other, bool reset_forwarding,
	struct sp_assigned assigned[2], struct sp_err *err);

#endif
