/* sp-status: what happened, once or as it happens. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/call.h"
#include "lib/event.h"
#include "lib/session.h"
#include "lib/tenant.h"
#include "lib/tenure.h"

static const struct sp_column COLUMNS[] = {
	{.name = "number"},
	{.name = "seq", .is_integer = true},
	{.name = "time", .is_whole = true},
	{.name = "until", .is_whole = true},
	{.name = "what", .is_whole = true},
	{.name = "login"},
	{.name = "old"},
	{.name = "new"},
	{.name = "tool"},
	{.name = "actor"},
};

/* What a terminal shows: of a history, and of events as they happen, which have
 * no `until`. */
static const char OF_HISTORY[] = "number,time,until,what,login,old,new,actor";
static const char OF_EVENTS[] = "number,seq,time,what,login,old,new,tool,actor";

enum {
	PAGE = 64,
	TENURES = 64,   /* the last ones of a number or a login, in a history */
	LOOK_MS = 1000, /* at the longest until a change is seen */
};

static int open_events(struct work *w, const char *terminal, struct sp_err *err)
{
	return open_listing(w, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0],
		terminal, err);
}

/* ---- rows -------------------------------------------------------------- */

static int print_event(struct work *w, const struct sp_event_row *e,
	struct sp_err *err)
{
	char seq[24], time[SP_TIME_TEXT];

	snprintf(seq, sizeof seq, "%" PRId64, e->seq);
	return sp_output_row(w->output,
		(const char *[]){e->number, seq, time_or_null(e->at_ms, time),
			NULL, e->what, text_or_null(e->login),
			text_or_null(e->old_value), text_or_null(e->new_value),
			e->tool, e->actor},
		err);
}

static int print_tenure(struct work *w, const struct sp_tenure *t,
	struct sp_err *err)
{
	char name[2 * SP_NAME_SIZE], from[SP_TIME_TEXT], until[SP_TIME_TEXT];

	snprintf(name, sizeof name, "%s%s%s", t->first,
		t->first[0] != '\0' && t->last[0] != '\0' ? " " : "", t->last);
	return sp_output_row(w->output,
		(const char *[]){t->number, NULL,
			time_or_null(t->from_ms, from),
			time_or_null(t->until_ms, until), "tenure", t->login,
			NULL, text_or_null(name), NULL, NULL},
		err);
}

static int print_session(struct work *w, const char *number,
	const struct sp_session *s, struct sp_err *err)
{
	char phone[2 * SP_SESSION_TEXT_SIZE];
	char from[SP_TIME_TEXT], until[SP_TIME_TEXT];

	snprintf(phone, sizeof phone, "%s %s%s%s", s->contact, s->transport,
		s->user_agent[0] == '\0' ? "" : " ", s->user_agent);
	return sp_output_row(w->output,
		(const char *[]){number, NULL,
			time_or_null(s->started_ms, from),
			time_or_null(s->ended_ms, until), "session", s->login,
			phone, text_or_null(s->ending), NULL, NULL},
		err);
}

/* "answered 2026-11-23T09:30:00Z, hung-up after 1m 12s", "busy", "failed 503". */
static void describe_ending(const struct sp_call *c, char *out, size_t size)
{
	char answered[SP_TIME_TEXT], lasted[SP_TIME_TEXT], status[16] = "";
	bool is_over = c->ended_ms != 0;

	if (c->answered_ms == 0) {
		if (strcmp(c->ending, SP_CALL_FAILED) == 0 && c->status != 0)
			snprintf(status, sizeof status, " %d", c->status);
		snprintf(out, size, "%s%s", c->ending, status);
		return;
	}
	sp_clock_format(c->answered_ms, answered);
	sp_span_format(c->ended_ms - c->answered_ms, lasted);
	snprintf(out, size, "answered %s%s%s%s%s", answered,
		is_over ? ", " : "", c->ending, is_over ? " after " : "",
		is_over ? lasted : "");
}

/* login: of who had the number then; NULL: nobody. */
static int print_call(struct work *w, const char *number, const char *login,
	const struct sp_call *c, struct sp_err *err)
{
	bool went_on =
		c->callee[0] != '\0' && strcmp(c->callee, c->dialled) != 0;
	char way[3 * SP_CALL_PARTY_SIZE + 16], ending[128];
	char from[SP_TIME_TEXT], until[SP_TIME_TEXT];

	snprintf(way, sizeof way, "%s -> %s%s%s", c->caller, c->dialled,
		went_on ? " -> " : "", went_on ? c->callee : "");
	describe_ending(c, ending, sizeof ending);
	return sp_output_row(w->output,
		(const char *[]){number, NULL,
			time_or_null(c->started_ms, from),
			time_or_null(c->ended_ms, until), "call", login, way,
			text_or_null(ending), NULL, NULL},
		err);
}

/* Prints all behind query->after, and moves that. */
static int print_events(struct work *w, struct sp_event_query *query,
	struct sp_err *err)
{
	struct sp_event_row page[PAGE];
	int n;

	while ((n = sp_event_list(&w->app.scope, query, page, PAGE, err)) > 0) {
		for (int i = 0; i < n; i++)
			if (print_event(w, &page[i], err) != 0)
				return -1;
		query->after = page[n - 1].seq;
	}
	return n;
}

/* ---- --history --------------------------------------------------------- */

/* A number's time: what began from from_ms on and before until_ms. */
struct period {
	const char *number;
	int64_t from_ms, until_ms;
	const struct sp_tenure *tenures; /* whose it was, n of them */
	int n;
};

static const char *owner_at(const struct period *p, int64_t at_ms)
{
	for (int i = 0; i < p->n; i++) {
		const struct sp_tenure *t = &p->tenures[i];

		if (t->from_ms <= at_ms &&
			(t->until_ms == 0 || at_ms < t->until_ms))
			return t->login;
	}
	return NULL;
}

static int print_sessions(struct work *w, const struct period *p,
	struct sp_err *err)
{
	struct sp_session page[PAGE];
	int64_t after_ms = p->from_ms - 1;
	int n;

	while ((n = sp_session_list(&w->app.scope, p->number, after_ms, page,
			PAGE, err)) > 0) {
		for (int i = 0; i < n; i++) {
			if (page[i].started_ms >= p->until_ms)
				return 0;
			if (print_session(w, p->number, &page[i], err) != 0)
				return -1;
		}
		after_ms = page[n - 1].started_ms;
	}
	return n;
}

static int print_calls(struct work *w, const struct period *p,
	struct sp_err *err)
{
	struct sp_call page[PAGE];
	int64_t after_ms = p->from_ms - 1;
	int n;

	while ((n = sp_call_list(&w->app.scope, p->number, after_ms, page, PAGE,
			err)) > 0) {
		for (int i = 0; i < n; i++) {
			const char *login = owner_at(p, page[i].started_ms);

			if (page[i].started_ms >= p->until_ms)
				return 0;
			if (print_call(w, p->number, login, &page[i], err) != 0)
				return -1;
		}
		after_ms = page[n - 1].started_ms;
	}
	return n;
}

typedef int print_fn(struct work *w, const struct period *p,
	struct sp_err *err);

static int print_of_login(struct work *w, print_fn *print,
	const struct sp_tenure *tenures, int n, struct sp_err *err)
{
	for (int i = n; i-- > 0;) {
		const struct sp_tenure *t = &tenures[i];
		const struct period p = {t->number, t->from_ms,
			t->until_ms == 0 ? INT64_MAX : t->until_ms, t, 1};

		if (print(w, &p, err) != 0)
			return -1;
	}
	return 0;
}

/* number: NULL: of a login, while it had these. */
static int print_periods(struct work *w, const char *number,
	const struct sp_tenure *tenures, int n, struct sp_err *err)
{
	static print_fn *const PRINT[] = {print_sessions, print_calls};
	const struct period all = {number, 0, INT64_MAX, tenures, n};
	int rc = 0;

	for (size_t i = 0; i < sizeof PRINT / sizeof PRINT[0] && rc == 0; i++)
		rc = number != NULL
			     ? PRINT[i](w, &all, err)
			     : print_of_login(w, PRINT[i], tenures, n, err);
	return rc;
}

/* A number has a history whether somebody has it now or not, and so does a
 * login. One that never was has none. */
static int check_known(struct work *w, const struct past *past, int n_tenures,
	struct sp_err *err)
{
	const struct sp_event_query query = {.number = past->number,
		.login = past->login};
	struct sp_event_row event;
	int n;

	if (n_tenures > 0 ||
		(past->number != NULL &&
			sp_ranges_has(&w->app.scope.tenant->pool.all,
				past->number)))
		return 0;
	n = sp_event_list(&w->app.scope, &query, &event, 1, err);
	if (n != 0)
		return n < 0 ? -1 : 0;
	return sp_err_set(err, SP_UNKNOWN,
		"no user or extension '%.80s' in '%s', now or before",
		w->history, w->app.scope.tenant->domain);
}

int print_history(struct work *w, struct sp_err *err)
{
	struct sp_tenure tenures[TENURES + 1];
	struct sp_event_query query = {.after = 0};
	struct past past;
	int n;

	if (read_past(w, w->history, &past, err) != 0)
		return -1;
	query.number = past.number;
	query.login = past.login;
	n = past.number != NULL
		    ? sp_tenure_list_of(&w->app.scope, past.number, tenures,
			      TENURES + 1, err)
		    : sp_tenure_list_of_login(&w->app.scope, past.login,
			      tenures, TENURES + 1, err);
	if (n < 0 || check_known(w, &past, n, err) != 0 ||
		open_events(w, OF_HISTORY, err) != 0)
		return -1;
	if (n > TENURES) {
		sp_app_warn(&w->app, "of the tenures only the last %d are told",
			TENURES);
		n = TENURES;
	}
	for (int i = n; i-- > 0;)
		if (print_tenure(w, &tenures[i], err) != 0)
			return -1;
	if (print_periods(w, past.number, tenures, n, err) != 0)
		return -1;
	return print_events(w, &query, err);
}

/* ---- --follow, --since ------------------------------------------------- */

/* Those behind `after` must all be there still; 0: whatever is there. */
static int check_kept(int64_t after, int64_t oldest, struct sp_err *err)
{
	if (after == 0 || oldest <= after + 1)
		return 0;
	return sp_err_set(err, SP_DATA,
		"the events from %" PRId64 " to %" PRId64 " are older "
		"than the history that is kept, and gone",
		after + 1, oldest - 1);
}

static int find_start(struct work *w, int64_t *after, struct sp_err *err)
{
	int64_t oldest, last;

	if (sp_event_bounds(&w->app.scope, &oldest, &last, err) != 0)
		return -1;
	*after = w->since == NULL ? last : w->since_seq;
	if (*after > last)
		return sp_err_set(err, SP_DATA,
			"--since: there is no event %" PRId64 ": the last one "
			"is %" PRId64,
			*after, last);
	if (check_kept(*after, oldest, err) != 0)
		return sp_err_prefix(err, "--since: ");
	return 0;
}

/* A tenant has its row from its first user on. */
static int find_tenant(struct work *w, struct sp_err *err)
{
	struct sp_tenant *tenant = (struct sp_tenant *)w->app.scope.tenant;

	return tenant->id != 0 ? 0
			       : sp_tenant_open(tenant, w->app.db, false, err);
}

/* Prints what has happened since, also when it had to wait for its reader. The
 * events of other tenants are not looked at a second time. */
static int print_new(struct work *w, struct sp_event_query *query,
	struct sp_err *err)
{
	int64_t oldest, last, shown = query->after;

	if (find_tenant(w, err) != 0 ||
		sp_event_bounds(&w->app.scope, &oldest, &last, err) != 0 ||
		check_kept(query->after, oldest, err) != 0 ||
		print_events(w, query, err) != 0)
		return -1;
	/* A table's columns are as wide as its first rows need. */
	if (query->after != shown && sp_output_flush(w->output, err) != 0)
		return -1;
	if (query->after < last)
		query->after = last;
	return 0;
}

int follow_events(struct work *w, struct sp_err *err)
{
	struct sp_event_query query = {.after = 0};
	int64_t version = 0;
	int rc = 1;

	if (find_start(w, &query.after, err) != 0 ||
		open_events(w, OF_EVENTS, err) != 0)
		return -1;
	while (rc == 1) {
		if (print_new(w, &query, err) != 0)
			return -1;
		rc = w->follow ? wait_for_change(w, &version, LOOK_MS, err) : 0;
	}
	return rc;
}
