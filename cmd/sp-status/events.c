/* sp-status: what happened, once or as it happens. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/event.h"
#include "lib/session.h"
#include "lib/tenure.h"
#include "lib/text.h"

static const struct sp_column COLUMNS[] = {
	{"number", false},
	{"seq", true},
	{"time", false},
	{"until", false},
	{"what", false},
	{"login", false},
	{"old", false},
	{"new", false},
	{"tool", false},
	{"actor", false},
};

enum {
	PAGE = 64,
	HISTORY_TENURES = 64,
	LOOK_MS = 1000, /* at the longest until a change is seen */
};

static int open_events(struct work *w, struct sp_err *err)
{
	return open_listing(w, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0],
		NULL, err);
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

	snprintf(phone, sizeof phone, "%s %s %s", s->contact, s->transport,
		s->user_agent);
	return sp_output_row(w->output,
		(const char *[]){number, NULL,
			time_or_null(s->started_ms, from),
			time_or_null(s->ended_ms, until), "session", s->login,
			phone, text_or_null(s->ending), NULL, NULL},
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

static int print_tenures(struct work *w, const char *number, struct sp_err *err)
{
	struct sp_tenure list[HISTORY_TENURES];
	int n = sp_tenure_list_of(&w->app.scope, number, list, HISTORY_TENURES,
		err);

	for (int i = n; i-- > 0;)
		if (print_tenure(w, &list[i], err) != 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static int print_sessions(struct work *w, const char *number,
	struct sp_err *err)
{
	struct sp_session page[PAGE];
	int64_t after_ms = 0;
	int n;

	while ((n = sp_session_list(&w->app.scope, number, after_ms, page, PAGE,
			err)) > 0) {
		for (int i = 0; i < n; i++)
			if (print_session(w, number, &page[i], err) != 0)
				return -1;
		after_ms = page[n - 1].started_ms;
	}
	return n;
}

static int print_number(struct work *w, const char *number, struct sp_err *err)
{
	struct sp_event_query query = {.number = number};

	if (print_tenures(w, number, err) != 0 ||
		print_sessions(w, number, err) != 0)
		return -1;
	return print_events(w, &query, err);
}

/* A number has a history whether somebody has it now or not; a login that has
 * none now may have had one. */
int print_history(struct work *w, struct sp_err *err)
{
	struct sp_event_query query = {.login = w->history};
	struct sp_extension extension;
	int rc =
		sp_extension_lookup(&w->app.scope, w->history, &extension, err);

	if (rc < 0 || open_events(w, err) != 0)
		return -1;
	if (rc == 1)
		return print_number(w, extension.number, err);
	if (strncmp(w->history, "ext:", 4) == 0)
		return print_number(w, w->history + 4, err);
	if (sp_text_is_digits(w->history))
		return print_number(w, w->history, err);
	if (strncmp(w->history, "user:", 5) == 0)
		query.login += 5;
	return print_events(w, &query, err);
}

/* ---- --follow, --since ------------------------------------------------- */

/* Those behind `since` must all be there still. */
static int find_start(struct work *w, int64_t *after, struct sp_err *err)
{
	int64_t oldest, last;

	if (sp_event_bounds(&w->app.scope, &oldest, &last, err) != 0)
		return -1;
	*after = w->since == NULL ? last : w->since_seq;
	if (w->since == NULL || w->since_seq == 0 || oldest <= *after + 1)
		return 0;
	return sp_err_set(err, SP_DATA,
		"--since: the events from %" PRId64 " to %" PRId64 " are older "
		"than the history that is kept, and gone",
		*after + 1, oldest - 1);
}

int follow_events(struct work *w, struct sp_err *err)
{
	struct sp_event_query query = {.after = 0};
	int64_t version = 0;
	int rc = 1;

	if (find_start(w, &query.after, err) != 0 || open_events(w, err) != 0)
		return -1;
	while (rc == 1) {
		if (print_events(w, &query, err) != 0 ||
			sp_output_flush(w->output, err) != 0)
			return -1;
		rc = w->follow ? wait_for_change(w, &version, LOOK_MS, err) : 0;
	}
	return rc;
}
