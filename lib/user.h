/* A user: a person with a login and a name; and giving one a number. */
#ifndef SP_LIB_USER_H
#define SP_LIB_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/pool.h"
#include "lib/scope.h"
#include "lib/secret.h"

enum {
	SP_LOGIN_SIZE = 65, /* 64 bytes, and a NUL */
	SP_NAME_SIZE = 129,
};

struct sp_user {
	int64_t id;
	char login[SP_LOGIN_SIZE];
	char first[SP_NAME_SIZE];
	char last[SP_NAME_SIZE];
};

/* What a caller wants a user to be. */
struct sp_assign {
	const char *login;
	const char *first, *last; /* NULL: not said, keep what is there */
	const char *number;       /* NULL: keep the number, or the next free */
	const char *secret;       /* NULL: keep */
};

/* What became of it. */
struct sp_assigned {
	struct sp_user user;
	char number[SP_NUMBER_SIZE];
	enum { SP_UNCHANGED, SP_CHANGED, SP_CREATED } what;
};

/* Creates the user with a number, or brings a known one up to date; writes an
 * event when something changed. Expects the caller's transaction. Errors:
 * SP_DATA a malformed login, name, number or secret; SP_CANTCREATE a number
 * that is taken, reserved, resting or outside the pool, the pool exhausted, or
 * another number for a known user. `hash` is for the secret's digests. */
int sp_user_assign(const struct sp_scope *scope, struct sp_hash *hash,
	const struct sp_assign *assign, struct sp_assigned *assigned,
	struct sp_err *err);

/* Fails with SP_DATA when `login` cannot be one: 1 to 64 bytes of letters,
 * digits and . _ - + @ (so that it needs no quoting in a SIP user, RFC 3261
 * §25.1, or in a shell), not beginning with '-'. */
int sp_login_check(const char *login, struct sp_err *err);

/* Fails with SP_DATA when `name` is not UTF-8, too long, or has control
 * characters. what: "first name". */
int sp_name_check(const char *name, const char *what, struct sp_err *err);

/* Remembers the logins, or other operands, of one batch: returns 0 when
 * `login` is new to it, 1 when it has come before and sets *line to that
 * place. Starts anew with each database handle. */
int sp_user_seen(const struct sp_scope *scope, const char *login, int64_t *line,
	struct sp_err *err);

#endif
