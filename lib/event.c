/* An event: one line of history. */
#include "lib/event.h"

#include <stdbool.h>
#include <string.h>

#include "lib/call.h"
#include "lib/session.h"
#include "lib/tenure.h"

static const char ADD_EVENT[] =
	"INSERT INTO event (at_ms, tenant_id, number, login, what, old_value,"
	" new_value, tool, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char ADD_EVENT_OF_NUMBER[] =
	"INSERT INTO event (at_ms, tenant_id, number, login, what, old_value,"
	" new_value, tool, actor) VALUES ($1, $2, $3, coalesce("
	"(SELECT u.login FROM extension e JOIN sp_user u ON u.id = e.user_id"
	" WHERE e.tenant_id = $2 AND e.digits = $4 AND e.number = $3), ''),"
	" $5, $6, $7, $8, $9)";

#define COLUMNS                                                        \
	"seq, at_ms, number, login, what, old_value, new_value, tool," \
	" actor"
/* + 0: no index on the tenant, whose events would be sorted for each page. */
static const char LIST_ALL[] = "SELECT " COLUMNS " FROM event"
			       " WHERE tenant_id + 0 = $1 AND seq > $2"
			       " ORDER BY seq LIMIT $3";
static const char LIST_BY_NUMBER[] =
	"SELECT " COLUMNS " FROM event"
	" WHERE tenant_id = $1 AND number = $4 AND seq > $2"
	" ORDER BY tenant_id, number, seq LIMIT $3";
static const char LIST_BY_LOGIN[] =
	"SELECT " COLUMNS " FROM event"
	" WHERE tenant_id + 0 = $1 AND login = $4 AND seq > $2"
	" ORDER BY seq LIMIT $3";

static const char OLDEST[] = "SELECT seq FROM event ORDER BY seq LIMIT 1";
static const char LAST[] = "SELECT seq FROM event ORDER BY seq DESC LIMIT 1";

/* Looks at the oldest few only: what stands behind them is younger. The last
 * one stays, for the number that it has. */
static const char PRUNE[] =
	"DELETE FROM event WHERE seq IN (SELECT seq FROM"
	" (SELECT seq, at_ms FROM event ORDER BY seq LIMIT $2)"
	" WHERE at_ms < $1) AND seq < (SELECT max(seq) FROM event)";

static const char *text_or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

int sp_event_add(const struct sp_scope *scope, const struct sp_event *event,
	struct sp_err *err)
{
	bool is_named = event->login != NULL;

	return sp_db_exec(scope->db, is_named ? ADD_EVENT : ADD_EVENT_OF_NUMBER,
		SP_ARGS(sp_int(scope->now_ms), sp_int(scope->tenant->id),
			sp_text(event->number),
			is_named ? sp_text(event->login)
				 : sp_int((int64_t)strlen(event->number)),
			sp_text(event->what),
			sp_text(text_or_empty(event->old_value)),
			sp_text(text_or_empty(event->new_value)),
			sp_text(scope->tool), sp_text(scope->actor)),
		NULL, err);
}

static void read_event(struct sp_stmt *row, struct sp_event_row *event)
{
	event->seq = sp_col_int(row, 0);
	event->at_ms = sp_col_int(row, 1);
	sp_col_copy(row, 2, event->number, sizeof event->number);
	sp_col_copy(row, 3, event->login, sizeof event->login);
	sp_col_copy(row, 4, event->what, sizeof event->what);
	sp_col_copy(row, 5, event->old_value, sizeof event->old_value);
	sp_col_copy(row, 6, event->new_value, sizeof event->new_value);
	sp_col_copy(row, 7, event->tool, sizeof event->tool);
	sp_col_copy(row, 8, event->actor, sizeof event->actor);
}

static int start(const struct sp_scope *scope, const struct sp_event_query *q,
	int max, struct sp_stmt **row, struct sp_err *err)
{
	struct sp_value tenant = sp_int(scope->tenant->id);
	struct sp_value after = sp_int(q->after), limit = sp_int(max);

	if (q->number != NULL)
		return sp_db_query(scope->db, LIST_BY_NUMBER,
			SP_ARGS(tenant, after, limit, sp_text(q->number)), row,
			err);
	if (q->login != NULL)
		return sp_db_query(scope->db, LIST_BY_LOGIN,
			SP_ARGS(tenant, after, limit, sp_text(q->login)), row,
			err);
	return sp_db_query(scope->db, LIST_ALL, SP_ARGS(tenant, after, limit),
		row, err);
}

int sp_event_list(const struct sp_scope *scope,
	const struct sp_event_query *query, struct sp_event_row *list, int max,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int n = 0, rc;

	if (start(scope, query, max, &row, err) != 0)
		return -1;
	while (n < max && (rc = sp_db_step(row, err)) != 0) {
		if (rc < 0) {
			n = -1;
			break;
		}
		read_event(row, &list[n++]);
	}
	sp_db_done(row);
	return n;
}

static int get_seq(const struct sp_scope *scope, const char *sql, int64_t *seq,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, sql, SP_NO_ARGS, &row, err);

	*seq = 0;
	if (rc == 1) {
		*seq = sp_col_int(row, 0);
		sp_db_done(row);
	}
	return rc < 0 ? -1 : 0;
}

int sp_event_bounds(const struct sp_scope *scope, int64_t *oldest,
	int64_t *last, struct sp_err *err)
{
	if (get_seq(scope, OLDEST, oldest, err) != 0)
		return -1;
	return get_seq(scope, LAST, last, err);
}

int sp_event_prune(const struct sp_scope *scope, struct sp_prune *prune,
	struct sp_err *err)
{
	int64_t before_ms = prune->before_ms, max = prune->max;

	if (sp_db_exec(scope->db, PRUNE,
		    SP_ARGS(sp_int(before_ms), sp_int(max)), NULL, err) != 0 ||
		sp_tenure_prune(scope, before_ms, max, err) != 0 ||
		sp_call_prune(scope, before_ms, max, err) != 0)
		return -1;
	return sp_session_prune(scope, before_ms, max, &prune->session_id, err);
}
