/* An extension: finding it, giving it to a user, taking it back. */
#include "lib/extension.h"

#include <stdio.h>
#include <string.h>

#include "lib/binding.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/secret.h"
#include "lib/session.h"
#include "lib/tenure.h"
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
	" forwarded_ms = 0, calls = 0, released_ms = $2, free_from_ms = $3, "
	"rests = $4"
	" WHERE id = $1";

/* In three steps, since a number may be there only once. */
static const char PARK_NUMBER[] =
	"UPDATE extension SET digits = 0, number = '' WHERE id = $1";
static const char TAKE_NUMBER[] =
	"UPDATE extension SET digits = $2, number = $3, reserved = $4,"
	" assigned_ms = $5, session_id = NULL WHERE id = $1";

static const char ADD_RESERVED[] =
	"INSERT INTO extension (tenant_id, digits, number, reserved)"
	" VALUES ($1, $2, $3, 1)";
static const char SET_RESERVED[] =
	"UPDATE extension SET reserved = $2 WHERE id = $1";

static const char COUNT_USERS[] =
	"SELECT count(*) FROM sp_user WHERE tenant_id = $1";
static const char NEXT_ASSIGNED[] =
	"SELECT " SP_EXTENSION_COLUMNS " FROM " SP_EXTENSION_TABLES
	" WHERE e.tenant_id = $1 AND (e.digits, e.number) > ($2, $3)"
	" AND e.user_id IS NOT NULL"
	" ORDER BY e.tenant_id, e.digits, e.number LIMIT 1";

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
	extension->reserved = sp_col_int(row, 4) != 0;
	user->id = sp_col_int(row, 5);
	sp_col_copy(row, 6, user->login, sizeof user->login);
	sp_col_copy(row, 7, user->first, sizeof user->first);
	sp_col_copy(row, 8, user->last, sizeof user->last);
	extension->calls = (enum sp_call_right)sp_col_int(row, 9);
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

static int fail_unknown(const struct sp_scope *scope, const char *operand,
	struct sp_err *err)
{
	const char *login =
		strncmp(operand, "user:", 5) == 0 ? operand + 5 : operand;
	char near[SP_LOGIN_SIZE];
	int rc = sp_user_find_near(scope, login, near, err);

	if (rc < 0)
		return -1;
	return sp_err_set(err, SP_UNKNOWN,
		"no user or extension '%.80s' in '%s'%s%s%s", operand,
		scope->tenant->domain, rc == 1 ? ", is it '" : "",
		rc == 1 ? near : "", rc == 1 ? "'?" : "");
}

int sp_extension_get(const struct sp_scope *scope, const char *operand,
	struct sp_extension *extension, struct sp_err *err)
{
	int rc = sp_extension_lookup(scope, operand, extension, err);

	if (rc == 0)
		return fail_unknown(scope, operand, err);
	return rc < 0 ? -1 : 0;
}

/* ---- assigning --------------------------------------------------------- */

/* what: "assign". */
static int check_in_pool(const struct sp_scope *scope, const char *number,
	const char *what, struct sp_err *err)
{
	const struct sp_ranges *all = &scope->tenant->pool.all;
	char pool[SP_RANGES_TEXT];

	if (sp_ranges_has(all, number))
		return 0;
	sp_ranges_format(all, pool);
	return sp_err_set(err, SP_CANTCREATE,
		"cannot %s '%.40s': number is not in the pool of '%s' (%s)",
		what, number, scope->tenant->domain, pool);
}

static int refuse(const char *number, const char *why, struct sp_err *err)
{
	return sp_err_set(err, SP_CANTCREATE, "cannot assign '%s': number %s",
		number, why);
}

/* extension: NULL when the number was never used. Who has a reserved number
 * is told before that it is reserved. */
static int check_free(const struct sp_scope *scope, const char *number,
	const struct sp_extension *extension, struct sp_err *err)
{
	char why[SP_LOGIN_SIZE + SP_TIME_TEXT], until[SP_TIME_TEXT];

	if (check_in_pool(scope, number, "assign", err) != 0)
		return -1;
	if (extension != NULL && extension->user.id != 0) {
		snprintf(why, sizeof why, "is taken by '%s'",
			extension->user.login);
		return refuse(number, why, err);
	}
	if (sp_ranges_has(&scope->tenant->pool.reserved, number) ||
		(extension != NULL && extension->reserved))
		return refuse(number, "is reserved", err);
	if (extension == NULL || extension->free_from_ms <= scope->now_ms)
		return 0;
	sp_clock_format(extension->free_from_ms, until);
	snprintf(why, sizeof why, "rests until %s", until);
	return refuse(number, why, err);
}

/* As sp_extension_find; fails when the number is not for the taking. */
static int find_free(const struct sp_scope *scope, const char *number,
	struct sp_extension *extension, struct sp_err *err)
{
	int rc = sp_extension_find(scope, number, extension, err);

	if (rc < 0 ||
		check_free(scope, number, rc == 1 ? extension : NULL, err) != 0)
		return -1;
	return rc;
}

int sp_extension_check_free(const struct sp_scope *scope, const char *number,
	struct sp_err *err)
{
	struct sp_extension extension;

	return find_free(scope, number, &extension, err) < 0 ? -1 : 0;
}

/* user_id 0: nobody yet. */
static int add(const struct sp_scope *scope, const char *number,
	int64_t user_id, struct sp_err *err)
{
	return sp_db_exec(scope->db, ADD_EXTENSION,
		SP_ARGS(sp_int(scope->tenant->id),
			sp_int((int64_t)strlen(number)), sp_text(number),
			user_id == 0 ? sp_null() : sp_int(user_id),
			sp_int(scope->now_ms)),
		NULL, err);
}

int sp_extension_assign(const struct sp_scope *scope, const char *number,
	int64_t user_id, struct sp_err *err)
{
	struct sp_extension extension;
	int rc = find_free(scope, number, &extension, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return add(scope, number, user_id, err);
	return sp_db_exec(scope->db, GIVE_AGAIN,
		SP_ARGS(sp_int(extension.id), sp_int(user_id),
			sp_int(scope->now_ms)),
		NULL, err);
}

/* ---- leaving a number -------------------------------------------------- */

static int tell(const struct sp_scope *scope, const char *number,
	const char *login, const char *what, const char *old_value,
	const char *new_value, struct sp_err *err)
{
	const struct sp_event event = {number, login, what, old_value,
		new_value};

	return sp_event_add(scope, &event, err);
}

/* What the softphone of an owner goes through who leaves a number. */
static int end_session(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	int ended;

	if (extension->session_id == 0)
		return 0;
	ended = sp_session_end(scope, extension->session_id, SP_ENDED_RECYCLED,
		scope->now_ms, err);
	if (ended != 1)
		return ended;
	return tell(scope, extension->number, extension->user.login,
		"deactivated", "", "recycled", err);
}

static int take_back(const struct sp_scope *scope, int64_t id, int64_t rest_ms,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, TAKE_BACK,
		SP_ARGS(sp_int(id), sp_int(scope->now_ms),
			sp_int(scope->now_ms + rest_ms), sp_int(rest_ms > 0)),
		NULL, err);
}

int sp_extension_recycle(const struct sp_scope *scope,
	const struct sp_extension *extension, int64_t rest_ms,
	struct sp_err *err)
{
	/* Taken back before its dependents are looked for: the extension
	 * itself points to the user. */
	if (end_session(scope, extension, err) < 0 ||
		sp_tenure_end(scope, extension, err) != 0 ||
		take_back(scope, extension->id, rest_ms, err) != 0 ||
		sp_db_delete_dependents(scope->db, "extension", extension->id,
			err) != 0 ||
		sp_db_delete_dependents(scope->db, "sp_user",
			extension->user.id, err) != 0 ||
		sp_db_exec(scope->db, DELETE_USER,
			SP_ARGS(sp_int(extension->user.id)), NULL, err) != 0)
		return -1;
	return tell(scope, extension->number, extension->user.login, "recycled",
		extension->number, "", err);
}

/* ---- another number ---------------------------------------------------- */

static int take_number(const struct sp_scope *scope, int64_t id,
	const struct sp_extension *from, struct sp_err *err)
{
	return sp_db_exec(scope->db, TAKE_NUMBER,
		SP_ARGS(sp_int(id), sp_int((int64_t)strlen(from->number)),
			sp_text(from->number), sp_int(from->reserved),
			sp_int(scope->now_ms)),
		NULL, err);
}

/* The rows exchange their numbers, so that all that hangs on a row goes with
 * its owner; but bindings are of the name that was registered. */
static int exchange(const struct sp_scope *scope, const struct sp_extension *a,
	const struct sp_extension *b, struct sp_err *err)
{
	if (sp_binding_delete_all(scope, a->id, err) != 0 ||
		sp_binding_delete_all(scope, b->id, err) != 0 ||
		sp_db_exec(scope->db, PARK_NUMBER, SP_ARGS(sp_int(a->id)), NULL,
			err) != 0 ||
		take_number(scope, b->id, a, err) != 0)
		return -1;
	return take_number(scope, a->id, b, err);
}

static int leave(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	if (end_session(scope, extension, err) < 0 ||
		sp_tenure_end(scope, extension, err) != 0)
		return -1;
	return sp_secret_forget_number(scope, extension->user.id, err);
}

static int arrive(const struct sp_scope *scope,
	const struct sp_extension *extension, const char *old_number,
	struct sp_err *err)
{
	return tell(scope, extension->number, extension->user.login, "assigned",
		old_number, extension->number, err);
}

int sp_extension_renumber(const struct sp_scope *scope,
	const struct sp_extension *extension, const char *number,
	int64_t rest_ms, struct sp_extension *moved, struct sp_err *err)
{
	struct sp_extension other;
	int rc = find_free(scope, number, &other, err);

	if (rc < 0)
		return -1;
	if (rc == 0 &&
		(add(scope, number, 0, err) != 0 ||
			sp_extension_find(scope, number, &other, err) != 1))
		return -1;
	if (leave(scope, extension, err) != 0 ||
		exchange(scope, extension, &other, err) != 0 ||
		take_back(scope, other.id, rest_ms, err) != 0 ||
		tell(scope, extension->number, extension->user.login,
			"recycled", extension->number, number, err) != 0 ||
		sp_extension_find(scope, number, moved, err) != 1)
		return -1;
	return arrive(scope, moved, extension->number, err);
}

int sp_extension_swap(const struct sp_scope *scope, struct sp_extension *a,
	struct sp_extension *b, struct sp_err *err)
{
	const struct sp_extension was_a = *a, was_b = *b;

	if (leave(scope, a, err) != 0 || leave(scope, b, err) != 0 ||
		exchange(scope, a, b, err) != 0 ||
		sp_extension_find(scope, was_b.number, a, err) != 1 ||
		sp_extension_find(scope, was_a.number, b, err) != 1 ||
		arrive(scope, a, was_a.number, err) != 0)
		return -1;
	return arrive(scope, b, was_b.number, err);
}

/* ---- reserving --------------------------------------------------------- */

static int store_reserved(const struct sp_scope *scope, const char *number,
	const struct sp_extension *extension, bool reserve, struct sp_err *err)
{
	if (extension == NULL)
		return sp_db_exec(scope->db, ADD_RESERVED,
			SP_ARGS(sp_int(scope->tenant->id),
				sp_int((int64_t)strlen(number)),
				sp_text(number)),
			NULL, err);
	return sp_db_exec(scope->db, SET_RESERVED,
		SP_ARGS(sp_int(extension->id), sp_int(reserve)), NULL, err);
}

int sp_extension_reserve(const struct sp_scope *scope, const char *number,
	bool reserve, struct sp_err *err)
{
	const struct sp_pool *pool = &scope->tenant->pool;
	struct sp_extension e = {.id = 0};
	int found;

	if (!sp_text_is_digits(number))
		return sp_err_set(err, SP_DATA, "'%.40s' is not a number",
			number);
	if (check_in_pool(scope, number, "reserve", err) != 0)
		return -1;
	if (!reserve && sp_ranges_has(&pool->reserved, number))
		return sp_err_set(err, SP_CANTCREATE,
			"cannot unreserve '%s': the configuration reserves it",
			number);
	found = sp_extension_find(scope, number, &e, err);
	if (found < 0 || e.reserved == reserve)
		return found < 0 ? -1 : 0;
	if (store_reserved(scope, number, found == 1 ? &e : NULL, reserve,
		    err) != 0 ||
		tell(scope, number, e.user.login,
			reserve ? "reserved" : "unreserved", "", "", err) != 0)
		return -1;
	return 1;
}

/* ---- all of them ------------------------------------------------------- */

int sp_extension_count(const struct sp_scope *scope, int64_t *n,
	struct sp_err *err)
{
	struct sp_stmt *row;

	if (sp_db_first(scope->db, COUNT_USERS,
		    SP_ARGS(sp_int(scope->tenant->id)), &row, err) != 1)
		return -1;
	*n = sp_col_int(row, 0);
	sp_db_done(row);
	return 0;
}

int sp_extension_next(const struct sp_scope *scope, const char *number,
	struct sp_extension *extension, struct sp_err *err)
{
	return find(scope, NEXT_ASSIGNED,
		SP_ARGS(sp_int(scope->tenant->id),
			sp_int((int64_t)strlen(number)), sp_text(number)),
		extension, err);
}

int sp_extension_set_session(const struct sp_scope *scope, int64_t id,
	int64_t session_id, struct sp_err *err)
{
	return sp_db_exec(scope->db, SET_SESSION,
		SP_ARGS(sp_int(id), sp_int(session_id)), NULL, err);
}
