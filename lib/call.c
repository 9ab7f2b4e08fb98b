/* A call: its row while it lasts, which stays as its record. */
#include "lib/call.h"

#include <stdio.h>
#include <string.h>

#include "lib/call_stats.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/text.h"

static const char START[] =
	"INSERT INTO call (tenant_id, sip_call_id, caller_tag, caller, dialled,"
	" callee, started_ms, rang_ms, expires_ms, route)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
static const char RING[] =
	"UPDATE call SET callee = $2, rang_ms = $3, expires_ms = $4"
	" WHERE id = $1 AND ended_ms = 0";
static const char STOP_RINGING[] =
	"UPDATE call SET rang_ms = 0 WHERE id = $1 AND ended_ms = 0";
static const char ANSWER[] =
	"UPDATE call SET answered_ms = $2, callee = $3, expires_ms = $4,"
	" route = $5, status = $6"
	" WHERE id = $1 AND ended_ms = 0 AND answered_ms = 0";
static const char PROLONG[] = "UPDATE call SET expires_ms = $2, route = $3"
			      " WHERE id = $1 AND ended_ms = 0";
static const char END[] =
	"UPDATE call SET ended_ms = $2, ending = $3, status = $4"
	" WHERE id = $1 AND ended_ms = 0";

/* The first of them that was answered, else that began to ring. A call that has
 * aged out is none, whether somebody has ended it yet or not. + 0: only open
 * calls, not all that the number ever made. */
static const char PRESENCE[] =
	"SELECT answered_ms <> 0 AS is_answered,"
	" CASE WHEN answered_ms = 0 THEN rang_ms ELSE answered_ms END AS since"
	" FROM (SELECT answered_ms, started_ms AS rang_ms FROM call"
	" WHERE tenant_id = $1 AND caller = $2 AND ended_ms = 0"
	" AND started_ms + 0 >= $3 AND expires_ms > $4"
	" UNION ALL SELECT answered_ms, rang_ms FROM call"
	" WHERE tenant_id = $1 AND callee = $2 AND ended_ms = 0"
	" AND rang_ms >= $3 AND rang_ms <> 0 AND expires_ms > $4) AS legs"
	" ORDER BY is_answered DESC, since LIMIT 1";

static const char DIVERT[] =
	"INSERT INTO call_diversion (tenant_id, number, started_ms, call_id)"
	" SELECT tenant_id, $2, started_ms, id FROM call"
	" WHERE id = $1 ON CONFLICT DO NOTHING";

#define COLUMNS                                                             \
	"c.id, c.sip_call_id, c.caller_tag, c.caller, c.dialled, c.callee," \
	" c.started_ms, c.answered_ms, c.ended_ms, c.expires_ms, c.ending," \
	" c.status, c.route, c.tenant_id"
enum { TENANT_ID = 13 };

static const char LIST_OPEN[] = "SELECT " COLUMNS " FROM call c"
				" WHERE c.ended_ms = 0"
				" AND (c.expires_ms, c.id) > ($1, $2)"
				" ORDER BY c.expires_ms, c.id LIMIT $3";
static const char LIST_DUE[] = "SELECT " COLUMNS " FROM call c"
			       " WHERE c.ended_ms = 0 AND c.expires_ms <= $1"
			       " ORDER BY c.expires_ms LIMIT $2";

/* Of each kind the first few. */
#define FIRST                                     \
	" AND tenant_id = $1 AND started_ms > $3" \
	" ORDER BY started_ms LIMIT $4)"
static const char LIST_OF_NUMBER[] =
	"SELECT " COLUMNS " FROM call c WHERE c.id IN ("
	"SELECT id FROM (SELECT id FROM call WHERE caller = $2" FIRST
	" UNION SELECT id FROM (SELECT id FROM call WHERE dialled = $2" FIRST
	" UNION SELECT id FROM (SELECT id FROM call WHERE callee = $2"
	" AND callee <> dialled AND callee <> ''" FIRST
	" UNION SELECT call_id FROM (SELECT call_id FROM call_diversion"
	" WHERE number = $2" FIRST ") ORDER BY c.started_ms, c.id LIMIT $4";

/* Looks at the oldest few only. One that nobody has ended goes too. */
static const char PRUNE[] =
	"DELETE FROM call WHERE id IN (SELECT id FROM"
	" (SELECT id, ended_ms, expires_ms FROM call ORDER BY id LIMIT $2)"
	" WHERE CASE WHEN ended_ms = 0 THEN expires_ms ELSE ended_ms END < $1)";

/* ---- events ------------------------------------------------------------ */

static bool is_extension(const char *party)
{
	return sp_text_is_digits(party) && strlen(party) <= SP_NUMBER_DIGITS;
}

/* The extension that an event of the call is about; "": it is none's. */
static const char *about(const struct sp_call *call)
{
	const char *const parties[] = {call->caller, call->callee,
		call->dialled};

	for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++)
		if (is_extension(parties[i]))
			return parties[i];
	return "";
}

static int tell(const struct sp_scope *scope, const struct sp_call *call,
	const char *what, const char *old_value, const char *new_value,
	struct sp_err *err)
{
	const char *number = about(call);
	bool is_known = number == call->caller && call->login[0] != '\0';
	const struct sp_event event = {.number = number,
		.login = is_known ? call->login : NULL,
		.what = what,
		.old_value = old_value,
		.new_value = new_value};

	return sp_event_add(scope, &event, err);
}

/* ---- a call's life ----------------------------------------------------- */

static int64_t rang_ms(const struct sp_scope *scope, const struct sp_call *call)
{
	return call->callee[0] == '\0' ? 0 : scope->now_ms;
}

int sp_call_start(const struct sp_scope *scope, struct sp_call *call,
	struct sp_err *err)
{
	if (sp_db_insert(scope->db, START,
		    SP_ARGS(sp_int(scope->tenant->id),
			    sp_text(call->sip_call_id),
			    sp_text(call->caller_tag), sp_text(call->caller),
			    sp_text(call->dialled), sp_text(call->callee),
			    sp_int(scope->now_ms), sp_int(rang_ms(scope, call)),
			    sp_int(call->expires_ms), sp_text(call->route)),
		    &call->id, err) != 0)
		return -1;
	call->started_ms = scope->now_ms;
	return tell(scope, call, "call-started", call->caller, call->dialled,
		err);
}

int sp_call_ring(const struct sp_scope *scope, const struct sp_call *call,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, RING,
		SP_ARGS(sp_int(call->id), sp_text(call->callee),
			sp_int(rang_ms(scope, call)), sp_int(call->expires_ms)),
		NULL, err);
}

int sp_call_divert(const struct sp_scope *scope, const struct sp_call *call,
	const char *number, enum sp_condition condition, const char *target,
	struct sp_err *err)
{
	const struct sp_event event = {.number = number,
		.what = "call-diverted",
		.old_value = sp_condition_name(condition),
		.new_value = target};
	int64_t n;

	if (sp_db_exec(scope->db, STOP_RINGING, SP_ARGS(sp_int(call->id)), &n,
		    err) != 0)
		return -1;
	if (n == 0)
		return 0;
	if (sp_db_exec(scope->db, DIVERT,
		    SP_ARGS(sp_int(call->id), sp_text(number)), NULL, err) != 0)
		return -1;
	return sp_event_add(scope, &event, err);
}

int sp_call_answer(const struct sp_scope *scope, struct sp_call *call,
	struct sp_err *err)
{
	int64_t n;

	if (sp_db_exec(scope->db, ANSWER,
		    SP_ARGS(sp_int(call->id), sp_int(scope->now_ms),
			    sp_text(call->callee), sp_int(call->expires_ms),
			    sp_text(call->route), sp_int(call->status)),
		    &n, err) != 0)
		return -1;
	if (n == 0)
		return 0;
	call->answered_ms = scope->now_ms;
	return tell(scope, call, "call-answered", "", call->callee, err);
}

int sp_call_prolong(const struct sp_scope *scope, const struct sp_call *call,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, PROLONG,
		SP_ARGS(sp_int(call->id), sp_int(call->expires_ms),
			sp_text(call->route)),
		NULL, err);
}

/* At ended_ms, which may have passed. Returns 1, 0 when it was not open, -1. */
static int end(const struct sp_scope *scope, struct sp_call *call,
	const char *ending, int64_t ended_ms, struct sp_err *err)
{
	char text[sizeof call->ending + SP_TIME_TEXT + 8];
	char lasted[SP_TIME_TEXT];
	int64_t n;

	if (sp_db_exec(scope->db, END,
		    SP_ARGS(sp_int(call->id), sp_int(ended_ms), sp_text(ending),
			    sp_int(call->status)),
		    &n, err) != 0)
		return -1;
	if (n == 0)
		return 0;
	call->ended_ms = ended_ms;
	snprintf(call->ending, sizeof call->ending, "%s", ending);
	snprintf(text, sizeof text, "%s", call->ending);
	if (call->answered_ms != 0) {
		sp_span_format(ended_ms - call->answered_ms, lasted);
		snprintf(text, sizeof text, "%s after %s", call->ending,
			lasted);
	}
	if (tell(scope, call, "call-ended", "", text, err) != 0 ||
		sp_call_count_ending(scope->db, call->ending, err) != 0)
		return -1;
	return 1;
}

int sp_call_end(const struct sp_scope *scope, struct sp_call *call,
	const char *ending, struct sp_err *err)
{
	return end(scope, call, ending, scope->now_ms, err) < 0 ? -1 : 0;
}

/* ---- reading ----------------------------------------------------------- */

static void read_call(struct sp_stmt *row, struct sp_call *c)
{
	c->id = sp_col_int(row, 0);
	sp_col_copy(row, 1, c->sip_call_id, sizeof c->sip_call_id);
	sp_col_copy(row, 2, c->caller_tag, sizeof c->caller_tag);
	sp_col_copy(row, 3, c->caller, sizeof c->caller);
	sp_col_copy(row, 4, c->dialled, sizeof c->dialled);
	sp_col_copy(row, 5, c->callee, sizeof c->callee);
	c->started_ms = sp_col_int(row, 6);
	c->answered_ms = sp_col_int(row, 7);
	c->ended_ms = sp_col_int(row, 8);
	c->expires_ms = sp_col_int(row, 9);
	sp_col_copy(row, 10, c->ending, sizeof c->ending);
	c->status = (int)sp_col_int(row, 11);
	sp_col_copy(row, 12, c->route, sizeof c->route);
}

/* tenant_ids: or NULL. */
static int read_list(const struct sp_scope *scope, const char *sql,
	const struct sp_value *args, struct sp_call *list, int64_t *tenant_ids,
	int max, struct sp_err *err)
{
	struct sp_stmt *row;
	int n = 0, rc = 0;

	if (sp_db_query(scope->db, sql, args, &row, err) != 0)
		return -1;
	while (n < max && (rc = sp_db_step(row, err)) == 1) {
		if (tenant_ids != NULL)
			tenant_ids[n] = sp_col_int(row, TENANT_ID);
		read_call(row, &list[n++]);
	}
	sp_db_done(row);
	return rc < 0 ? -1 : n;
}

int sp_call_list_open(const struct sp_scope *scope, struct sp_call *list,
	int64_t *tenant_ids, int max, struct sp_err *err)
{
	return read_list(scope, LIST_OPEN,
		SP_ARGS(sp_int(list[0].expires_ms), sp_int(list[0].id),
			sp_int(max)),
		list, tenant_ids, max, err);
}

int sp_call_list(const struct sp_scope *scope, const char *number,
	int64_t after_ms, struct sp_call *list, int max, struct sp_err *err)
{
	int n = read_list(scope, LIST_OF_NUMBER,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(number),
			sp_int(after_ms), sp_int(max)),
		list, NULL, max, err);
	int whole = n;

	if (n < max)
		return n;
	/* Those that began with the last one may not all be here. */
	while (whole > 0 &&
		list[whole - 1].started_ms == list[n - 1].started_ms)
		whole--;
	return whole > 0 ? whole : n;
}

int sp_call_presence(const struct sp_scope *scope, const char *number,
	int64_t from_ms, struct sp_call_presence *presence, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, PRESENCE,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(number),
			sp_int(from_ms), sp_int(scope->now_ms)),
		&row, err);

	if (rc == 1) {
		presence->is_answered = sp_col_int(row, 0) != 0;
		presence->since_ms = sp_col_int(row, 1);
		sp_db_done(row);
	}
	return rc;
}

/* ---- going ------------------------------------------------------------- */

int sp_call_age_out(const struct sp_scope *scope, int64_t *ids, int max,
	struct sp_err *err)
{
	enum { PAGE = 16 };
	struct sp_call due[PAGE];
	int64_t tenant_ids[PAGE];
	int total = 0, n = 1;

	while (total < max && n > 0) {
		int room = max - total < PAGE ? max - total : PAGE;

		n = read_list(scope, LIST_DUE,
			SP_ARGS(sp_int(scope->now_ms), sp_int(room)), due,
			tenant_ids, room, err);
		for (int i = 0; i < n; i++) {
			struct sp_tenant tenant = {.id = tenant_ids[i]};
			struct sp_scope its = *scope;

			its.tenant = &tenant;
			if (end(&its, &due[i], SP_CALL_AGED_OUT,
				    due[i].expires_ms, err) < 0)
				return -1;
			ids[total++] = due[i].id;
		}
	}
	return n < 0 ? -1 : total;
}

int sp_call_prune(const struct sp_scope *scope, int64_t before_ms, int64_t max,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, PRUNE,
		SP_ARGS(sp_int(before_ms), sp_int(max)), NULL, err);
}
