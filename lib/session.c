/* A login session. */
#include "lib/session.h"

#include "lib/binding.h"

static const char START_SESSION[] =
	"INSERT INTO login_session (tenant_id, number, login, started_ms,"
	" contact, transport, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	" RETURNING id";

static const char END_SESSION[] =
	"UPDATE login_session SET ended_ms = $2, ending = $3"
	" WHERE id = $1 AND ended_ms IS NULL";

static const char OPEN_SESSION[] =
	"SELECT 1 FROM login_session WHERE id = $1 AND ended_ms IS NULL";

int sp_session_start(const struct sp_scope *scope,
	const struct sp_extension *extension, const struct sp_binding *binding,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int64_t id;
	int rc = sp_db_first(scope->db, START_SESSION,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(extension->number),
			sp_text(extension->user.login), sp_int(scope->now_ms),
			sp_text(binding->contact), sp_text(binding->transport),
			sp_text(binding->user_agent)),
		&row, err);

	if (rc < 0)
		return -1;
	id = sp_col_int(row, 0);
	sp_db_done(row);
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
