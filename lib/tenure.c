/* A tenure: from when to when a user had a number. */
#include "lib/tenure.h"

#include <string.h>

static const char END_TENURE[] =
	"INSERT INTO tenure (tenant_id, digits, number, login, first_name,"
	" last_name, from_ms, until_ms)"
	" SELECT e.tenant_id, e.digits, e.number, u.login, u.first_name,"
	" u.last_name, e.assigned_ms, $2"
	" FROM extension e JOIN sp_user u ON u.id = e.user_id WHERE e.id = $1";

#define COLUMNS                                                             \
	"t.digits, t.number, t.login, t.first_name, t.last_name, t.from_ms" \
	", t.until_ms"
#define RUNNING_COLUMNS                                          \
	"e.digits, e.number, u.login, u.first_name, u.last_name" \
	", e.assigned_ms, 0"
#define RUNNING " FROM extension e JOIN sp_user u ON u.id = e.user_id"

/* Along the extensions, of which each number has one that anybody ever had:
 * two lists side by side would each be read to its end for a page in which it
 * has none. */
static const char LIST_AT[] =
	"SELECT e.digits, e.number, coalesce(u.login, t.login),"
	" coalesce(u.first_name, t.first_name),"
	" coalesce(u.last_name, t.last_name),"
	" coalesce(t.from_ms, e.assigned_ms), coalesce(t.until_ms, 0)"
	" FROM extension e"
	" LEFT JOIN sp_user u ON u.id = e.user_id AND e.assigned_ms <= $2"
	" LEFT JOIN tenure t ON u.id IS NULL AND t.tenant_id = e.tenant_id"
	" AND t.digits = e.digits AND t.number = e.number"
	" AND t.from_ms <= $2 AND t.until_ms > $2"
	" WHERE e.tenant_id = $1 AND (e.digits, e.number) > ($3, $4)"
	" AND (u.id IS NOT NULL OR t.id IS NOT NULL)"
	" ORDER BY e.tenant_id, e.digits, e.number LIMIT $5";

static const char FIND_AT[] =
	"SELECT " RUNNING_COLUMNS RUNNING
	" WHERE e.tenant_id = $1 AND e.digits = $3 AND e.number = $4"
	" AND e.assigned_ms <= $2"
	" UNION ALL SELECT " COLUMNS " FROM tenure t"
	" WHERE t.tenant_id = $1 AND t.digits = $3 AND t.number = $4"
	" AND t.from_ms <= $2 AND t.until_ms > $2 LIMIT 1";

static const char FIND_AT_OF_LOGIN[] =
	"SELECT " RUNNING_COLUMNS RUNNING
	" WHERE u.tenant_id = $1 AND u.login = $3 AND e.assigned_ms <= $2"
	" UNION ALL SELECT " COLUMNS " FROM tenure t"
	" WHERE t.tenant_id = $1 AND t.login = $3"
	" AND t.from_ms <= $2 AND t.until_ms > $2 LIMIT 1";

static const char LIST_OF[] =
	"SELECT " RUNNING_COLUMNS RUNNING
	" WHERE e.tenant_id = $1 AND e.digits = $2 AND e.number = $3"
	" UNION ALL SELECT * FROM (SELECT " COLUMNS " FROM tenure t"
	" WHERE t.tenant_id = $1 AND t.digits = $2 AND t.number = $3"
	" ORDER BY t.until_ms DESC LIMIT $4) LIMIT $4";

static const char LIST_OF_LOGIN[] =
	"SELECT " RUNNING_COLUMNS RUNNING
	" WHERE u.tenant_id = $1 AND u.login = $2"
	" UNION ALL SELECT * FROM (SELECT " COLUMNS " FROM tenure t"
	" WHERE t.tenant_id = $1 AND t.login = $2"
	" ORDER BY t.until_ms DESC LIMIT $3) LIMIT $3";

static const char PRUNE[] =
	"DELETE FROM tenure WHERE id IN (SELECT id FROM"
	" (SELECT id, until_ms FROM tenure ORDER BY id LIMIT $2)"
	" WHERE until_ms < $1)";

int sp_tenure_end(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	return sp_db_exec(scope->db, END_TENURE,
		SP_ARGS(sp_int(extension->id), sp_int(scope->now_ms)), NULL,
		err);
}

static void read_tenure(struct sp_stmt *row, struct sp_tenure *t)
{
	sp_col_copy(row, 1, t->number, sizeof t->number);
	sp_col_copy(row, 2, t->login, sizeof t->login);
	sp_col_copy(row, 3, t->first, sizeof t->first);
	sp_col_copy(row, 4, t->last, sizeof t->last);
	t->from_ms = sp_col_int(row, 5);
	t->until_ms = sp_col_int(row, 6);
}

static int read_list(struct sp_stmt *row, struct sp_tenure *list, int max,
	struct sp_err *err)
{
	int n = 0, rc = 0;

	while (n < max && (rc = sp_db_step(row, err)) == 1)
		read_tenure(row, &list[n++]);
	sp_db_done(row);
	return rc < 0 ? -1 : n;
}

int sp_tenure_list_at(const struct sp_scope *scope, int64_t at_ms,
	const char *after, struct sp_tenure *list, int max, struct sp_err *err)
{
	struct sp_stmt *row;

	if (sp_db_query(scope->db, LIST_AT,
		    SP_ARGS(sp_int(scope->tenant->id), sp_int(at_ms),
			    sp_int((int64_t)strlen(after)), sp_text(after),
			    sp_int(max)),
		    &row, err) != 0)
		return -1;
	return read_list(row, list, max, err);
}

static int find(const struct sp_scope *scope, const char *sql,
	const struct sp_value *args, struct sp_tenure *tenure,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, sql, args, &row, err);

	if (rc == 1) {
		read_tenure(row, tenure);
		sp_db_done(row);
	}
	return rc;
}

int sp_tenure_find_at(const struct sp_scope *scope, int64_t at_ms,
	const char *number, struct sp_tenure *tenure, struct sp_err *err)
{
	return find(scope, FIND_AT,
		SP_ARGS(sp_int(scope->tenant->id), sp_int(at_ms),
			sp_int((int64_t)strlen(number)), sp_text(number)),
		tenure, err);
}

int sp_tenure_find_at_of_login(const struct sp_scope *scope, int64_t at_ms,
	const char *login, struct sp_tenure *tenure, struct sp_err *err)
{
	return find(scope, FIND_AT_OF_LOGIN,
		SP_ARGS(sp_int(scope->tenant->id), sp_int(at_ms),
			sp_text(login)),
		tenure, err);
}

int sp_tenure_list_of(const struct sp_scope *scope, const char *number,
	struct sp_tenure *list, int max, struct sp_err *err)
{
	struct sp_stmt *row;

	if (sp_db_query(scope->db, LIST_OF,
		    SP_ARGS(sp_int(scope->tenant->id),
			    sp_int((int64_t)strlen(number)), sp_text(number),
			    sp_int(max)),
		    &row, err) != 0)
		return -1;
	return read_list(row, list, max, err);
}

int sp_tenure_list_of_login(const struct sp_scope *scope, const char *login,
	struct sp_tenure *list, int max, struct sp_err *err)
{
	struct sp_stmt *row;

	if (sp_db_query(scope->db, LIST_OF_LOGIN,
		    SP_ARGS(sp_int(scope->tenant->id), sp_text(login),
			    sp_int(max)),
		    &row, err) != 0)
		return -1;
	return read_list(row, list, max, err);
}

int sp_tenure_prune(const struct sp_scope *scope, int64_t before_ms,
	int64_t max, struct sp_err *err)
{
	return sp_db_exec(scope->db, PRUNE,
		SP_ARGS(sp_int(before_ms), sp_int(max)), NULL, err);
}
