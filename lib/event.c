/* An event: one line of history. */
#include "lib/event.h"

static const char ADD_EVENT[] =
	"INSERT INTO event"
	" (at_ms, tenant_id, number, login, what, detail, tool, actor)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

int sp_event_add(const struct sp_scope *scope, const char *number,
	const char *login, const char *what, const char *detail,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, ADD_EVENT,
		SP_ARGS(sp_int(scope->now_ms), sp_int(scope->tenant->id),
			sp_text(number), sp_text(login), sp_text(what),
			sp_text(detail), sp_text(scope->tool),
			sp_text(scope->actor)),
		NULL, err);
}
