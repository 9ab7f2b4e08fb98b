/* Who is assigned, on line, late, lost, busy. */
#include "lib/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/call.h"
#include "lib/session.h"
#include "lib/text.h"

/* The columns behind SP_EXTENSION_COLUMNS, from 10 on. */
#define STATUS_COLUMNS                                                   \
	SP_EXTENSION_COLUMNS                                             \
	", e.assigned_ms, s.started_ms, s.ended_ms, s.ending, s.contact" \
	", s.transport, s.user_agent,"                                   \
	" EXISTS (SELECT 1 FROM forward f WHERE f.extension_id = e.id)"
enum {
	ASSIGNED_MS = 10,
	STARTED_MS,
	ENDED_MS,
	ENDING,
	CONTACT,
	TRANSPORT,
	USER_AGENT,
	HAS_RULES,
};
#define STATUS_TABLES       \
	SP_EXTENSION_TABLES \
	" LEFT JOIN login_session s ON s.id = e.session_id"

static const char LIST[] =
	"SELECT " STATUS_COLUMNS " FROM " STATUS_TABLES
	" WHERE e.tenant_id = $1 AND (e.digits, e.number) > ($2, $3)"
	" ORDER BY e.tenant_id, e.digits, e.number LIMIT $4";

static const char GET[] =
	"SELECT " STATUS_COLUMNS " FROM " STATUS_TABLES " WHERE e.id = $1";

static const char *const NAMES[SP_N_STATES] = {
	[SP_FREE] = "free",
	[SP_RESTING] = "resting",
	[SP_RESERVED] = "reserved",
	[SP_AWAY] = "offline",
	[SP_REGISTERED] = "registered",
	[SP_LATE] = "late",
	[SP_LOST] = "lost",
	[SP_RINGING] = "ringing",
	[SP_TALKING] = "busy",
};

enum { PAGE = 128 };

/* Rows are read a page at a time, so that a reader who stops reading (a pager
 * left open over night) holds no snapshot: the server's WAL would grow. */
struct sp_status_list {
	const struct sp_scope *scope;
	struct sp_status page[PAGE];
	int n, next;
	bool at_end;
};

const char *sp_state_name(enum sp_state state)
{
	return NAMES[state];
}

bool sp_state_parse(const char *name, enum sp_state *out)
{
	for (int i = 0; i < SP_N_STATES; i++)
		if (strcmp(NAMES[i], name) == 0) {
			*out = (enum sp_state)i;
			return true;
		}
	return false;
}

/* A phone that has shown a longer interval than the tenant's is late only
 * after its own. */
static bool is_late(const struct sp_status_facts *facts, int64_t now_ms)
{
	const struct sp_binding *b = facts->binding;
	int64_t interval_ms = b->interval_ms > facts->refresh_ms
				      ? b->interval_ms
				      : facts->refresh_ms;

	return now_ms - b->refreshed_ms > interval_ms + SP_LATE_GRACE_MS;
}

enum sp_state sp_status_derive(const struct sp_status_facts *facts,
	int64_t now_ms)
{
	const struct sp_binding *b = facts->binding;

	if (!facts->is_assigned) {
		if (facts->is_reserved)
			return SP_RESERVED;
		return facts->free_from_ms > now_ms ? SP_RESTING : SP_FREE;
	}
	if (!facts->has_session)
		return SP_AWAY;
	if (!facts->session_is_open)
		return facts->session_was_lost ? SP_LOST : SP_AWAY;
	if (b == NULL || b->expires_ms <= now_ms)
		return SP_LOST;
	/* Late or not: it is heard of by the call. */
	if (facts->is_in_call)
		return facts->call_is_answered ? SP_TALKING : SP_RINGING;
	return is_late(facts, now_ms) ? SP_LATE : SP_REGISTERED;
}

/* What a state may have begun with; 0: not known. */
struct moments {
	int64_t assigned_ms, started_ms, ended_ms; /* the session's */
	int64_t call_ms; /* answered, or began to ring */
};

/* Where a state's text says "since". */
static int64_t since_of(const struct sp_status *status, const struct moments *m)
{
	switch (status->state) {
	case SP_FREE:
	case SP_RESTING: return status->extension.free_from_ms;
	case SP_AWAY: return m->ended_ms != 0 ? m->ended_ms : m->assigned_ms;
	case SP_REGISTERED:
	case SP_LATE: return m->started_ms;
	case SP_LOST:
		return m->ended_ms != 0 ? m->ended_ms
					: status->binding.expires_ms;
	case SP_RINGING:
	case SP_TALKING: return m->call_ms;
	default: return 0;
	}
}

static int64_t phones_ms(const struct sp_scope *scope)
{
	return scope->phones_ms != 0 ? scope->phones_ms : scope->now_ms;
}

/* The newest binding that has not run out, else the newest of the others:
 * *found tells whether there is one. */
static int newest_binding(const struct sp_scope *scope,
	struct sp_status *status, bool *found, struct sp_err *err)
{
	struct sp_scope then = *scope, any_time = *scope;
	struct sp_binding b;
	int n;

	then.now_ms = phones_ms(scope);
	any_time.now_ms = 0;
	n = sp_binding_newest(&then, status->extension.id, &b, err);
	if (n == 0)
		n = sp_binding_newest(&any_time, status->extension.id, &b, err);
	*found = n == 1;
	if (n == 1)
		status->binding = b;
	return n < 0 ? -1 : 0;
}

static void read_session(struct sp_stmt *row, struct sp_binding *b)
{
	*b = (struct sp_binding){0};
	sp_col_copy(row, CONTACT, b->contact, sizeof b->contact);
	sp_col_copy(row, TRANSPORT, b->transport, sizeof b->transport);
	sp_col_copy(row, USER_AGENT, b->user_agent, sizeof b->user_agent);
}

static bool is_reserved(const struct sp_tenant *tenant,
	const struct sp_extension *extension)
{
	return extension->reserved ||
	       sp_ranges_has(&tenant->pool.reserved, extension->number);
}

/* Most have no own rules: their defaults need no query. */
static int read_rules(const struct sp_scope *scope, struct sp_stmt *row,
	struct sp_status *status, struct sp_err *err)
{
	const struct sp_extension *e = &status->extension;
	struct sp_forwarding f;

	if (e->user.id == 0) {
		memset(status->rules, 0, sizeof status->rules);
		return 0;
	}
	if (sp_col_int(row, HAS_RULES) == 0)
		sp_forward_defaults(scope->tenant, &f);
	else if (sp_forward_load(scope, e->id, &f, err) != 0)
		return -1;
	sp_forward_in_force(&f, scope->now_ms, status->rules);
	return 0;
}

/* Only who is on line is asked about. */
static int read_call(const struct sp_scope *scope,
	const struct sp_status *status, struct sp_status_facts *facts,
	struct moments *m, struct sp_err *err)
{
	struct sp_scope then = *scope;
	struct sp_call_presence call;
	int rc;

	then.now_ms = phones_ms(scope);
	if (status->binding.expires_ms <= then.now_ms)
		return 0;
	rc = sp_call_presence(&then, status->extension.number, m->assigned_ms,
		&call, err);
	if (rc != 1)
		return rc;
	facts->is_in_call = true;
	facts->call_is_answered = call.is_answered;
	m->call_ms = call.since_ms;
	return 0;
}

/* Of an extension whose session is open. */
static int read_phone(const struct sp_scope *scope, struct sp_status *status,
	struct sp_status_facts *facts, struct moments *m, struct sp_err *err)
{
	bool found;

	if (newest_binding(scope, status, &found, err) != 0)
		return -1;
	if (!found)
		return 0;
	facts->binding = &status->binding;
	return read_call(scope, status, facts, m, err);
}

static int read_status(const struct sp_scope *scope, struct sp_stmt *row,
	struct sp_status *status, struct sp_err *err)
{
	const struct sp_tenant *tenant = scope->tenant;
	struct moments m = {.assigned_ms = sp_col_int(row, ASSIGNED_MS),
		.started_ms = sp_col_int(row, STARTED_MS),
		.ended_ms = sp_col_int(row, ENDED_MS)};
	const char *ending = sp_col_text(row, ENDING);
	struct sp_status_facts facts = {.refresh_ms = tenant->refresh_ms};

	sp_extension_read(row, &status->extension);
	read_session(row, &status->binding);
	facts.is_assigned = status->extension.user.id != 0;
	facts.is_reserved =
		!facts.is_assigned && is_reserved(tenant, &status->extension);
	facts.free_from_ms = status->extension.free_from_ms;
	facts.has_session = m.started_ms != 0;
	facts.session_is_open = m.started_ms != 0 && m.ended_ms == 0;
	facts.session_was_lost =
		ending != NULL && strcmp(ending, SP_ENDED_LOST) == 0;
	if (facts.session_is_open &&
		read_phone(scope, status, &facts, &m, err) != 0)
		return -1;
	/* What nobody has rests by the clock, server or not. */
	status->state = sp_status_derive(&facts,
		facts.is_assigned ? phones_ms(scope) : scope->now_ms);
	status->since_ms = since_of(status, &m);
	return read_rules(scope, row, status, err);
}

static int read_rows(struct sp_status_list *list, struct sp_stmt *row,
	struct sp_err *err)
{
	int rc;

	list->n = 0;
	while ((rc = sp_db_step(row, err)) == 1)
		if (read_status(list->scope, row, &list->page[list->n++],
			    err) != 0)
			return -1;
	return rc;
}

static int read_page(struct sp_status_list *list, struct sp_err *err)
{
	const struct sp_scope *scope = list->scope;
	const char *after = "";
	struct sp_stmt *row;
	int rc;

	if (list->n > 0)
		after = list->page[list->n - 1].extension.number;
	if (sp_db_begin_read(scope->db, err) != 0)
		return -1;
	rc = sp_db_query(scope->db, LIST,
		SP_ARGS(sp_int(scope->tenant->id),
			sp_int((int64_t)strlen(after)), sp_text(after),
			sp_int(PAGE)),
		&row, err);
	if (rc == 0)
		rc = read_rows(list, row, err);
	sp_db_done(row);
	sp_db_rollback(scope->db);
	list->next = 0;
	list->at_end = list->n < PAGE;
	return rc;
}

int sp_status_open(const struct sp_scope *scope, struct sp_status_list **out,
	struct sp_err *err)
{
	struct sp_status_list *list = calloc(1, sizeof *list);

	*out = list;
	if (list == NULL)
		return sp_err_memory(err);
	list->scope = scope;
	return 0;
}

int sp_status_next(struct sp_status_list *list, const struct sp_status **status,
	struct sp_err *err)
{
	if (list->next == list->n) {
		if (list->at_end)
			return 0;
		if (read_page(list, err) != 0)
			return -1;
		if (list->n == 0)
			return 0;
	}
	*status = &list->page[list->next++];
	return 1;
}

void sp_status_close(struct sp_status_list *list)
{
	free(list);
}

static int never_used(const struct sp_scope *scope, const char *number,
	struct sp_status *status)
{
	const struct sp_pool *pool = &scope->tenant->pool;

	*status = (struct sp_status){.state = SP_FREE};
	snprintf(status->extension.number, SP_NUMBER_SIZE, "%.15s", number);
	if (sp_ranges_has(&pool->reserved, number))
		status->state = SP_RESERVED;
	return 0;
}

static int get(const struct sp_scope *scope, const char *operand,
	struct sp_status *status, struct sp_err *err)
{
	const char *number = operand;
	struct sp_extension extension;
	struct sp_stmt *row;
	int rc = sp_extension_lookup(scope, operand, &extension, err);

	if (strncmp(operand, "ext:", 4) == 0)
		number += 4;
	if (rc == 0 && sp_ranges_has(&scope->tenant->pool.all, number)) {
		rc = sp_extension_find(scope, number, &extension, err);
		if (rc == 0)
			return never_used(scope, number, status);
	}
	if (rc == 0)
		return sp_extension_get(scope, operand, &extension, err);
	if (rc < 0 || sp_db_first(scope->db, GET, SP_ARGS(sp_int(extension.id)),
			      &row, err) != 1)
		return -1;
	rc = read_status(scope, row, status, err);
	sp_db_done(row);
	return rc;
}

int sp_status_get(const struct sp_scope *scope, const char *operand,
	struct sp_status *status, struct sp_err *err)
{
	bool is_inside = sp_db_in_transaction(scope->db);
	int rc;

	if (!is_inside && sp_db_begin_read(scope->db, err) != 0)
		return -1;
	rc = get(scope, operand, status, err);
	if (!is_inside)
		sp_db_rollback(scope->db);
	return rc;
}

/* ---- the past ---------------------------------------------------------- */

int sp_status_at(const struct sp_scope *scope, const struct sp_tenure *tenure,
	int64_t at_ms, struct sp_status *status, struct sp_err *err)
{
	struct sp_user *user = &status->extension.user;
	struct sp_session s;
	int rc = sp_session_find_at(scope, tenure->number, at_ms, &s, err);

	*status = (struct sp_status){.state = SP_AWAY,
		.since_ms = tenure->from_ms};
	memcpy(status->extension.number, tenure->number, SP_NUMBER_SIZE);
	user->id = -1; /* somebody's, whose row may be gone */
	memcpy(user->login, tenure->login, sizeof user->login);
	memcpy(user->first, tenure->first, sizeof user->first);
	memcpy(user->last, tenure->last, sizeof user->last);
	if (rc != 1 || s.started_ms < tenure->from_ms)
		return rc < 0 ? -1 : 0;
	snprintf(status->binding.contact, SP_CONTACT_SIZE, "%s", s.contact);
	snprintf(status->binding.transport, sizeof status->binding.transport,
		"%s", s.transport);
	snprintf(status->binding.user_agent, SP_AGENT_SIZE, "%.127s",
		s.user_agent);
	if (s.ended_ms == 0 || s.ended_ms > at_ms) {
		status->state = SP_REGISTERED;
		status->since_ms = s.started_ms;
		return 0;
	}
	if (strcmp(s.ending, SP_ENDED_LOST) == 0)
		status->state = SP_LOST;
	status->since_ms = s.ended_ms;
	return 0;
}

/* ---- filters ----------------------------------------------------------- */

static bool is_idle(const struct sp_status *status, int64_t idle_ms,
	int64_t now_ms)
{
	if (status->state != SP_AWAY && status->state != SP_LOST)
		return false;
	return now_ms - status->since_ms >= idle_ms;
}

static bool matches(const struct sp_status *status, const char *text)
{
	const struct sp_user *user = &status->extension.user;
	char name[2 * SP_NAME_SIZE];

	snprintf(name, sizeof name, "%s %s", user->first, user->last);
	return sp_text_has(status->extension.number, text) ||
	       sp_text_has(user->login, text) || sp_text_has(name, text) ||
	       sp_text_has(status->binding.contact, text) ||
	       sp_text_has(status->binding.user_agent, text);
}

bool sp_status_passes(const struct sp_status *status,
	const struct sp_status_filter *filter, bool named, int64_t now_ms)
{
	bool is_assigned = status->extension.user.id != 0;

	if (filter->has_states ? !filter->state[status->state]
			       : !named && !is_assigned)
		return false;
	if (filter->idle_ms > 0 && !is_idle(status, filter->idle_ms, now_ms))
		return false;
	return filter->match == NULL || matches(status, filter->match);
}
