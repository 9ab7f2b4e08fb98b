/* A user: a person with a login and a name. */
#ifndef SP_LIB_USER_H
#define SP_LIB_USER_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/scope.h"

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

/* Makes a user, who has no number yet, and sets user->id. Expects the caller's
 * transaction. */
int sp_user_add(const struct sp_scope *scope, struct sp_user *user,
	struct sp_err *err);

/* Writes the first and last name of a user. Expects the caller's transaction. */
int sp_user_rename(const struct sp_scope *scope, const struct sp_user *user,
	struct sp_err *err);

/* Fails with SP_DATA when `login` cannot be one: 1 to 64 bytes of letters,
 * digits and . _ - + @ (so that it needs no quoting in a SIP user, RFC 3261
 * §25.1, or in a shell), not beginning with '-'. */
int sp_login_check(const char *login, struct sp_err *err);

/* Fails with SP_DATA when `name` is not UTF-8, too long, or has control
 * characters. what: "first name". */
int sp_name_check(const char *name, const char *what, struct sp_err *err);

/* Looks for somebody whom a mistyped login may mean, among its neighbours in
 * the order of the alphabet only. Returns 1 and writes that login, 0 when there
 * is none, -1 on error. */
int sp_user_find_near(const struct sp_scope *scope, const char *login,
	char near[SP_LOGIN_SIZE], struct sp_err *err);

/* Remembers the logins, or other operands, of one batch: returns 0 when
 * `login` is new to it, 1 when it has come before and sets *line to that
 * place. Starts anew with each database handle. */
int sp_user_seen(const struct sp_scope *scope, const char *login, int64_t *line,
	struct sp_err *err);

/* Has it been remembered? Returns 1, 0 or -1. */
int sp_user_was_seen(const struct sp_scope *scope, const char *login,
	struct sp_err *err);

#endif
