/* A user: a person with a login and a name; and giving one a number. */
#include "lib/user.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/event.h"
#include "lib/extension.h"
#include "lib/text.h"

static const char ADD_USER[] =
	"INSERT INTO sp_user (tenant_id, login, first_name, last_name)"
	" VALUES ($1, $2, $3, $4) RETURNING id";

static const char RENAME_USER[] =
	"UPDATE sp_user SET first_name = $2, last_name = $3 WHERE id = $1";

static const char MAKE_SEEN[] =
	"CREATE TEMPORARY TABLE IF NOT EXISTS seen_login"
	" (login TEXT PRIMARY KEY, line INTEGER NOT NULL)";
static const char ADD_SEEN[] =
	"INSERT INTO temp.seen_login (login, line) VALUES ($1, $2)"
	" ON CONFLICT (login) DO NOTHING";
static const char GET_SEEN[] =
	"SELECT line FROM temp.seen_login WHERE login = $1";

/* ---- checks ------------------------------------------------------------ */

int sp_login_check(const char *login, struct sp_err *err)
{
	size_t len = strlen(login);

	if (len == 0)
		return sp_err_set(err, SP_DATA, "the login is empty");
	if (len >= SP_LOGIN_SIZE)
		return sp_err_set(err, SP_DATA,
			"login '%.20s...' is longer than %d bytes", login,
			SP_LOGIN_SIZE - 1);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)login[i]) &&
			(strchr("._-+@", login[i]) == NULL ||
				(i == 0 && login[i] == '-')))
			return sp_err_set(err, SP_DATA,
				"'%s' is not a login (letters, digits and "
				". _ - + @)",
				sp_text_is_utf8(login, len) ? login : "?");
	return 0;
}

int sp_name_check(const char *name, const char *what, struct sp_err *err)
{
	size_t len = strlen(name);

	if (len >= SP_NAME_SIZE)
		return sp_err_set(err, SP_DATA,
			"the %s is longer than %d bytes", what,
			SP_NAME_SIZE - 1);
	if (!sp_text_is_utf8(name, len))
		return sp_err_set(err, SP_DATA, "the %s is not valid UTF-8",
			what);
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return sp_err_set(err, SP_DATA,
				"the %s has a control character", what);
	return 0;
}

static int check(const struct sp_assign *assign, struct sp_err *err)
{
	if (sp_login_check(assign->login, err) != 0)
		return -1;
	if (assign->first != NULL &&
		sp_name_check(assign->first, "first name", err) != 0)
		return -1;
	if (assign->last != NULL &&
		sp_name_check(assign->last, "last name", err) != 0)
		return -1;
	if (assign->number != NULL && !sp_text_is_digits(assign->number))
		return sp_err_set(err, SP_DATA, "'%.40s' is not a number",
			assign->number);
	return 0;
}

/* ---- assigning --------------------------------------------------------- */

static void set_names(struct sp_user *user, const struct sp_assign *assign)
{
	/* check() has seen that they fit. */
	if (assign->first != NULL)
		snprintf(user->first, sizeof user->first, "%s", assign->first);
	if (assign->last != NULL)
		snprintf(user->last, sizeof user->last, "%s", assign->last);
}

static int create(const struct sp_scope *scope, const struct sp_assign *assign,
	struct sp_assigned *out, struct sp_err *err)
{
	struct sp_user *user = &out->user;
	struct sp_stmt *row;

	out->what = SP_CREATED;
	*user = (struct sp_user){0};
	snprintf(user->login, sizeof user->login, "%s", assign->login);
	set_names(user, assign);
	if (assign->number == NULL) {
		if (sp_pool_next(scope, out->number, err) != 0)
			return -1;
	} else if (sp_text_copy(out->number, sizeof out->number, assign->number,
			   "the number", err) != 0) {
		return -1;
	}
	if (sp_db_first(scope->db, ADD_USER,
		    SP_ARGS(sp_int(scope->tenant->id), sp_text(user->login),
			    sp_text(user->first), sp_text(user->last)),
		    &row, err) != 1)
		return -1;
	user->id = sp_col_int(row, 0);
	sp_db_done(row);
	if (sp_extension_assign(scope, out->number, user->id, err) != 0)
		return -1;
	return sp_event_add(scope, out->number, user->login, "assigned", "",
		err);
}

static int update(const struct sp_scope *scope, const struct sp_assign *assign,
	const struct sp_extension *known, struct sp_assigned *out,
	struct sp_err *err)
{
	struct sp_user *user = &out->user;

	out->what = SP_UNCHANGED;
	*user = known->user;
	memcpy(out->number, known->number, sizeof out->number);
	if (assign->number != NULL && strcmp(assign->number, out->number) != 0)
		return sp_err_set(err, SP_CANTCREATE,
			"cannot assign '%.40s': '%s' has number %s already",
			assign->number, user->login, out->number);
	set_names(user, assign);
	if (strcmp(user->first, known->user.first) == 0 &&
		strcmp(user->last, known->user.last) == 0)
		return 0;
	out->what = SP_CHANGED;
	if (sp_db_exec(scope->db, RENAME_USER,
		    SP_ARGS(sp_int(user->id), sp_text(user->first),
			    sp_text(user->last)),
		    NULL, err) != 0)
		return -1;
	return sp_event_add(scope, out->number, user->login, "renamed", "",
		err);
}

static int set_secret(const struct sp_scope *scope, struct sp_hash *hash,
	const char *secret, struct sp_assigned *out, struct sp_err *err)
{
	int rc = sp_secret_set(scope, hash, &out->user, out->number, secret,
		err);

	/* That a new user has a secret needs no event of its own. */
	if (rc != 1 || out->what == SP_CREATED)
		return rc < 0 ? -1 : 0;
	out->what = SP_CHANGED;
	return sp_event_add(scope, out->number, out->user.login, "new-secret",
		"", err);
}

int sp_user_assign(const struct sp_scope *scope, struct sp_hash *hash,
	const struct sp_assign *assign, struct sp_assigned *assigned,
	struct sp_err *err)
{
	char operand[SP_LOGIN_SIZE + 5];
	struct sp_extension known;
	int rc;

	if (check(assign, err) != 0)
		return -1;
	snprintf(operand, sizeof operand, "user:%s", assign->login);
	rc = sp_extension_lookup(scope, operand, &known, err);
	if (rc < 0)
		return -1;
	rc = rc == 1 ? update(scope, assign, &known, assigned, err)
		     : create(scope, assign, assigned, err);
	if (rc == 0 && assign->secret != NULL)
		rc = set_secret(scope, hash, assign->secret, assigned, err);
	return rc;
}

int sp_user_seen(const struct sp_scope *scope, const char *login, int64_t *line,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int64_t added;
	int rc;

	if (sp_db_exec(scope->db, MAKE_SEEN, SP_NO_ARGS, NULL, err) != 0 ||
		sp_db_exec(scope->db, ADD_SEEN,
			SP_ARGS(sp_text(login), sp_int(*line)), &added,
			err) != 0)
		return -1;
	if (added > 0)
		return 0;
	rc = sp_db_first(scope->db, GET_SEEN, SP_ARGS(sp_text(login)), &row,
		err);
	if (rc == 1) {
		*line = sp_col_int(row, 0);
		sp_db_done(row);
	}
	return rc;
}
