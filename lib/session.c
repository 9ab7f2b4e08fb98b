/* A login session. */
#include "lib/session.h"

#include "lib/binding.h"

static const char START_SESSION[] =
	"INSERT INTO login_session (tenant_id, number, login, started_ms,"
	" contact, transport, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7)";

static const char END_SESSION[] =
	"UPDATE login_session SET ended_ms = $2, ending = $3"
	" WHERE id = $1 AND ended_ms IS NULL";

static const char OPEN_SESSION[] =
	"SELECT 1 FROM login_session WHERE id = $1 AND ended_ms IS NULL";

#define COLUMNS                                                          \
	"login, started_ms, coalesce(ended_ms, 0), coalesce(ending, '')" \
	", contact, transport, user_agent"
static const char LIST_OF_NUMBER[] =
	"SELECT " COLUMNS " FROM login_session"
	" WHERE tenant_id = $1 AND number = $2 AND started_ms > $3"
	" ORDER BY tenant_id, number, started_ms LIMIT $4";
static const char FIND_AT[] =
	"SELECT " COLUMNS " FROM login_session"
	" WHERE tenant_id = $1 AND number = $2 AND started_ms <= $3"
	" ORDER BY started_ms DESC, id DESC LIMIT 1";

/* Not the last one of a number's owner, from which the state follows. */
static const char PRUNE[] =
	"DELETE FROM login_session WHERE id > $1 AND id <= $2"
	" AND ended_ms < $3 AND NOT EXISTS (SELECT 1 FROM extension e"
	" WHERE e.session_id = login_session.id)";
static const char PRUNE_UP_TO[] =
	"SELECT max(id) FROM (SELECT id FROM login_session"
	" WHERE id > $1 ORDER BY id LIMIT $2)";
static const char IS_OLD[] =
	"SELECT started_ms < $2 FROM login_session WHERE id = $1";

int sp_session_start(const struct sp_scope *scope,
	const struct sp_extension *extension, const struct sp_binding *binding,
	struct sp_err *err)
{
	int64_t id;

	if (sp_db_insert(scope->db, START_SESSION,
		    SP_ARGS(sp_int(scope->tenant->id),
			    sp_text(extension->number),
			    sp_text(extension->user.login),
			    sp_int(scope->now_ms), sp_text(binding->contact),
			    sp_text(binding->transport),
			    sp_text(binding->user_agent)),
		    &id, err) != 0)
		return -1;
	return sp_extension_set_session(scope, extension->id, id, err);
}

int sp_session_end(const struct sp_scope *scope, int64_t session_id,
	const char *ending, int64_t ended_ms, struct sp_err *err)
{
	int64_t ended;

	if (sp_db_exec(scope->db, END_SESSION,
		    SP_ARGS(sp_int(session_id), sp_int(ended_ms),
			    sp_text(ending)),
		    &ended, err) != 0)
		return -1;
	return ended > 0;
}

int sp_session_is_open(const struct sp_scope *scope, int64_t session_id,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, OPEN_SESSION,
		SP_ARGS(sp_int(session_id)), &row, err);

	if (rc == 1)
		sp_db_done(row);
	return rc;
}

static void read_session(struct sp_stmt *row, struct sp_session *s)
{
	sp_col_copy(row, 0, s->login, sizeof s->login);
	s->started_ms = sp_col_int(row, 1);
	s->ended_ms = sp_col_int(row, 2);
	sp_col_copy(row, 3, s->ending, sizeof s->ending);
	sp_col_copy(row, 4, s->contact, sizeof s->contact);
	sp_col_copy(row, 5, s->transport, sizeof s->transport);
	sp_col_copy(row, 6, s->user_agent, sizeof s->user_agent);
}

int sp_session_list(const struct sp_scope *scope, const char *number,
	int64_t after_ms, struct sp_session *list, int max, struct sp_err *err)
{
	struct sp_stmt *row;
	int n = 0, rc = 0;

	if (sp_db_query(scope->db, LIST_OF_NUMBER,
		    SP_ARGS(sp_int(scope->tenant->id), sp_text(number),
			    sp_int(after_ms), sp_int(max)),
		    &row, err) != 0)
		return -1;
	while (n < max && (rc = sp_db_step(row, err)) == 1)
		read_session(row, &list[n++]);
	sp_db_done(row);
	return rc < 0 ? -1 : n;
}

int sp_session_find_at(const struct sp_scope *scope, const char *number,
	int64_t at_ms, struct sp_session *session, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, FIND_AT,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(number),
			sp_int(at_ms)),
		&row, err);

	if (rc == 1) {
		read_session(row, session);
		sp_db_done(row);
	}
	return rc;
}

static int get_int(const struct sp_scope *scope, const char *sql,
	const struct sp_value *args, int64_t *out, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, sql, args, &row, err);

	*out = 0;
	if (rc == 1) {
		*out = sp_col_int(row, 0);
		sp_db_done(row);
	}
	return rc < 0 ? -1 : 0;
}

int sp_session_prune(const struct sp_scope *scope, int64_t before_ms,
	int64_t max, int64_t *id, struct sp_err *err)
{
	int64_t last, is_old;

	if (get_int(scope, PRUNE_UP_TO, SP_ARGS(sp_int(*id), sp_int(max)),
		    &last, err) != 0)
		return -1;
	if (get_int(scope, IS_OLD, SP_ARGS(sp_int(last), sp_int(before_ms)),
		    &is_old, err) != 0)
		return -1;
	if (sp_db_exec(scope->db, PRUNE,
		    SP_ARGS(sp_int(*id), sp_int(last), sp_int(before_ms)), NULL,
		    err) != 0)
		return -1;
	*id = is_old ? last : 0;
	return 0;
}
