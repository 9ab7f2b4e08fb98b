/* A user: a person with a login and a name. */
#include "lib/user.h"

#include <ctype.h>
#include <string.h>

#include "lib/text.h"

static const char ADD_USER[] =
	"INSERT INTO sp_user (tenant_id, login, first_name, last_name)"
	" VALUES ($1, $2, $3, $4)";

static const char RENAME_USER[] =
	"UPDATE sp_user SET first_name = $2, last_name = $3 WHERE id = $1";

static const char NEXT_LOGINS[] =
	"SELECT login FROM sp_user WHERE tenant_id = $1 AND login > $2"
	" ORDER BY login LIMIT 8";
static const char LAST_LOGINS[] =
	"SELECT login FROM sp_user WHERE tenant_id = $1 AND login < $2"
	" ORDER BY login DESC LIMIT 8";

static const char MAKE_SEEN[] =
	"CREATE TEMPORARY TABLE IF NOT EXISTS seen_login"
	" (login TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID";
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
				"'%s' is not a login (ASCII letters, digits "
				"and . _ - + @)",
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

/* ---- storing ----------------------------------------------------------- */

int sp_user_add(const struct sp_scope *scope, struct sp_user *user,
	struct sp_err *err)
{
	return sp_db_insert(scope->db, ADD_USER,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(user->login),
			sp_text(user->first), sp_text(user->last)),
		&user->id, err);
}

int sp_user_rename(const struct sp_scope *scope, const struct sp_user *user,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, RENAME_USER,
		SP_ARGS(sp_int(user->id), sp_text(user->first),
			sp_text(user->last)),
		NULL, err);
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

int sp_user_was_seen(const struct sp_scope *scope, const char *login,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc;

	if (sp_db_exec(scope->db, MAKE_SEEN, SP_NO_ARGS, NULL, err) != 0)
		return -1;
	rc = sp_db_first(scope->db, GET_SEEN, SP_ARGS(sp_text(login)), &row,
		err);
	if (rc == 1)
		sp_db_done(row);
	return rc;
}

/* ---- typos ------------------------------------------------------------- */

enum { NEAR_MIN = 3 }; /* a shorter login is near to too many */

static int find_near(const struct sp_scope *scope, const char *sql,
	const char *login, char near[SP_LOGIN_SIZE], struct sp_err *err)
{
	struct sp_stmt *row;
	int rc;

	if (sp_db_query(scope->db, sql,
		    SP_ARGS(sp_int(scope->tenant->id), sp_text(login)), &row,
		    err) != 0)
		return -1;
	while ((rc = sp_db_step(row, err)) == 1) {
		sp_col_copy(row, 0, near, SP_LOGIN_SIZE);
		if (sp_text_is_near(login, near))
			break;
	}
	sp_db_done(row);
	return rc;
}

int sp_user_find_near(const struct sp_scope *scope, const char *login,
	char near[SP_LOGIN_SIZE], struct sp_err *err)
{
	int rc;

	if (strlen(login) < NEAR_MIN || sp_text_is_digits(login))
		return 0;
	rc = find_near(scope, NEXT_LOGINS, login, near, err);
	return rc == 0 ? find_near(scope, LAST_LOGINS, login, near, err) : rc;
}
