/* A tenure: from when to when a user had a number. The running ones stand in
 * the extension itself; here are those that have ended, and who had what at a
 * moment. */
#ifndef SP_LIB_TENURE_H
#define SP_LIB_TENURE_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/extension.h"
#include "lib/scope.h"

struct sp_tenure {
	char number[SP_NUMBER_SIZE];
	char login[SP_LOGIN_SIZE];
	char first[SP_NAME_SIZE], last[SP_NAME_SIZE];
	int64_t from_ms;
	int64_t until_ms; /* 0: it still runs */
};

/* Writes down the owner's tenure, which ends at scope->now_ms. Expects the
 * caller's transaction, before the owner is taken out. */
int sp_tenure_end(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err);

/* Fills list[] with the first `max` tenures that held at at_ms, by number,
 * behind the number `after` ("": from the start). Returns how many, or -1. */
int sp_tenure_list_at(const struct sp_scope *scope, int64_t at_ms,
	const char *after, struct sp_tenure *list, int max, struct sp_err *err);

/* That of one number at at_ms. Returns 1, 0 when nobody had it, -1. */
int sp_tenure_find_at(const struct sp_scope *scope, int64_t at_ms,
	const char *number, struct sp_tenure *tenure, struct sp_err *err);

/* The same of one login, whichever number it had. */
int sp_tenure_find_at_of_login(const struct sp_scope *scope, int64_t at_ms,
	const char *login, struct sp_tenure *tenure, struct sp_err *err);

/* Fills list[] with a number's last `max` tenures, the latest first. Returns
 * how many, or -1. */
int sp_tenure_list_of(const struct sp_scope *scope, const char *number,
	struct sp_tenure *list, int max, struct sp_err *err);

/* The same of a login, whichever numbers it had. */
int sp_tenure_list_of_login(const struct sp_scope *scope, const char *login,
	struct sp_tenure *list, int max, struct sp_err *err);

/* As sp_event_prune, of which it is a part. */
int sp_tenure_prune(const struct sp_scope *scope, int64_t before_ms,
	int64_t max, struct sp_err *err);

#endif
