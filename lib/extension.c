/* An extension: finding it, giving it to a user, taking it back. */
#include "lib/extension.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/event.h"
#include "lib/session.h"
#include "lib/text.h"

static const char FIND_BY_NUMBER[] =
	"SELECT " SP_EXTENSION_COLUMNS " FROM " SP_EXTENSION_TABLES
	" WHERE e.tenant_id = $1 AND e.digits = $2 AND e.number = $3";

static const char FIND_BY_LOGIN[] =
	"SELECT " SP_EXTENSION_COLUMNS
	" FROM sp_user u JOIN extension e ON e.user_id = u.id"
	" WHERE u.tenant_id = $1 AND u.login = $2";

static const char ADD_EXTENSION[] =
	"INSERT INTO extension (tenant_id, digits, number, user_id,"
	" assigned_ms) VALUES ($1, $2, $3, $4, $5)";

static const char GIVE_AGAIN[] =
	"UPDATE extension SET user_id = $2, assigned_ms = $3, rests = 0"
	" WHERE id = $1";

static const char TAKE_BACK[] =
	"UPDATE extension SET user_id = NULL, session_id = NULL,"
	" free_from_ms = $2, rests = $3 WHERE id = $1";

static const char DELETE_USER[] = "DELETE FROM sp_user WHERE id = $1";

static const char SET_SESSION[] =
	"UPDATE extension SET session_id = $2 WHERE id = $1";

void sp_extension_read(struct sp_stmt *row, struct sp_extension *extension)
{
	struct sp_user *user = &extension->user;

	extension->id = sp_col_int(row, 0);
	sp_col_copy(row, 1, extension->number, sizeof extension->number);
	extension->free_from_ms = sp_col_int(row, 2);
	extension->session_id = sp_col_int(row, 3);
	user->id = sp_col_int(row, 4);
	sp_col_copy(row, 5, user->login, sizeof user->login);
	sp_col_copy(row, 6, user->first, sizeof user->first);
	sp_col_copy(row, 7, user->last, sizeof user->last);
}

static int find(const struct sp_scope *scope, const char *sql,
	const struct sp_value *args, struct sp_extension *extension,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, sql, args, &row, err);

	if (rc == 1) {
		sp_extension_read(row, extension);
		sp_db_done(row);
	}
	return rc;
}

int sp_extension_find(const struct sp_scope *scope, const char *number,
	struct sp_extension *extension, struct sp_err *err)
{
	return find(scope, FIND_BY_NUMBER,
		SP_ARGS(sp_int(scope->tenant->id),
			sp_int((int64_t)strlen(number)), sp_text(number)),
		extension, err);
}

static int find_by_login(const struct sp_scope *scope, const char *login,
	struct sp_extension *extension, struct sp_err *err)
{
	return find(scope, FIND_BY_LOGIN,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(login)), extension,
		err);
}

static int find_assigned(const struct sp_scope *scope, const char *number,
	struct sp_extension *extension, struct sp_err *err)
{
	int rc = sp_extension_find(scope, number, extension, err);

	return rc == 1 && extension->user.id == 0 ? 0 : rc;
}

int sp_extension_lookup(const struct sp_scope *scope, const char *operand,
	struct sp_extension *extension, struct sp_err *err)
{
	struct sp_extension other;
	int rc;

	if (strncmp(operand, "ext:", 4) == 0)
		return find_assigned(scope, operand + 4, extension, err);
	if (strncmp(operand, "user:", 5) == 0)
		return find_by_login(scope, operand + 5, extension, err);
	if (!sp_text_is_digits(operand))
		return find_by_login(scope, operand, extension, err);
	rc = find_assigned(scope, operand, extension, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return find_by_login(scope, operand, extension, err);
	rc = find_by_login(scope, operand, &other, err);
	if (rc == 1 && other.id != extension->id)
		return sp_err_set(err, SP_DATA,
			"'%s' is the extension of '%s' and the login of %s: "
			"say ext:%s or user:%s",
			operand, extension->user.login, other.number, operand,
			operand);
	return rc < 0 ? -1 : 1;
}

int sp_extension_get(const struct sp_scope *scope, const char *operand,
	struct sp_extension *extension, struct sp_err *err)
{
	int rc = sp_extension_lookup(scope, operand, extension, err);

	if (rc == 0)
		return sp_err_set(err, SP_UNKNOWN,
			"no user or extension '%.80s' in '%s'", operand,
			scope->tenant->domain);
	return rc < 0 ? -1 : 0;
}

/* A number that somebody asks for by name. */
static int check_in_pool(const struct sp_scope *scope, const char *number,
	struct sp_err *err)
{
	const struct sp_pool *pool = &scope->tenant->pool;

	if (!sp_ranges_has(&pool->all, number))
		return sp_err_set(err, SP_CANTCREATE,
			"cannot assign '%.40s': number is not in the pool of "
			"'%s'",
			number, scope->tenant->domain);
	if (sp_ranges_has(&pool->reserved, number))
		return sp_err_set(err, SP_CANTCREATE,
			"cannot assign '%s': number is reserved", number);
	return 0;
}

static int check_free(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	char until[SP_TIME_TEXT];

	if (extension->user.id != 0)
		return sp_err_set(err, SP_CANTCREATE,
			"cannot assign '%s': number is taken by '%s'",
			extension->number, extension->user.login);
	if (extension->free_from_ms > scope->now_ms) {
		sp_clock_format(extension->free_from_ms, until);
		return sp_err_set(err, SP_CANTCREATE,
			"cannot assign '%s': number rests until %s",
			extension->number, until);
	}
	return 0;
}

int sp_extension_assign(const struct sp_scope *scope, const char *number,
	int64_t user_id, struct sp_err *err)
{
	struct sp_extension extension;
	int rc;

	if (check_in_pool(scope, number, err) != 0)
		return -1;
	rc = sp_extension_find(scope, number, &extension, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return sp_db_exec(scope->db, ADD_EXTENSION,
			SP_ARGS(sp_int(scope->tenant->id),
				sp_int((int64_t)strlen(number)),
				sp_text(number), sp_int(user_id),
				sp_int(scope->now_ms)),
			NULL, err);
	if (check_free(scope, &extension, err) != 0)
		return -1;
	return sp_db_exec(scope->db, GIVE_AGAIN,
		SP_ARGS(sp_int(extension.id), sp_int(user_id),
			sp_int(scope->now_ms)),
		NULL, err);
}

int sp_extension_recycle(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	int64_t free_from_ms = scope->now_ms + scope->tenant->rest_ms;

	if (sp_session_end(scope, extension->session_id, SP_ENDED_RECYCLED,
		    scope->now_ms, err) < 0 ||
		sp_db_delete_dependents(scope->db, "extension", extension->id,
			err) != 0 ||
		sp_db_exec(scope->db, TAKE_BACK,
			SP_ARGS(sp_int(extension->id), sp_int(free_from_ms),
				sp_int(scope->tenant->rest_ms > 0)),
			NULL, err) != 0 ||
		sp_db_exec(scope->db, DELETE_USER,
			SP_ARGS(sp_int(extension->user.id)), NULL, err) != 0)
		return -1;
	return sp_event_add(scope, extension->number, extension->user.login,
		"recycled", "", err);
}

int sp_extension_set_session(const struct sp_scope *scope, int64_t id,
	int64_t session_id, struct sp_err *err)
{
	return sp_db_exec(scope->db, SET_SESSION,
		SP_ARGS(sp_int(id), sp_int(session_id)), NULL, err);
}
