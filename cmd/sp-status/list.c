/* sp-status: extensions and their states. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/forward.h"
#include "lib/server.h"

static const struct sp_column COLUMNS[] = {
	{.name = "number"},
	{.name = "login"},
	{.name = "first"},
	{.name = "last"},
	{.name = "registered_name"},
	{.name = "state", .is_whole = true},
	{.name = "since", .is_whole = true},
	{.name = "contact"},
	{.name = "transport"},
	{.name = "user_agent"},
	{.name = "refreshed", .is_whole = true},
	{.name = "expires_in", .is_integer = true},
	{.name = "forwarding"},
	{.name = "calls"},
};

/* What fits and what is asked for at a prompt. */
static const char TERMINAL[] =
	"number,login,first,last,state,since,user_agent,forwarding";

/* ---- one row ----------------------------------------------------------- */

const char *text_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

const char *time_or_null(int64_t time_ms, char out[SP_TIME_TEXT])
{
	if (time_ms == 0)
		return NULL;
	sp_clock_format(time_ms, out);
	return out;
}

static bool is_on_line(const struct sp_status *s)
{
	return s->binding.expires_ms != 0 && s->state != SP_AWAY &&
	       s->state != SP_LOST;
}

/* Of the past it is not known; see sp_status_at. */
static bool knows_calls(const struct sp_status *s)
{
	return s->extension.user.id > 0;
}

int print_status(struct work *w, const struct sp_status *s, struct sp_err *err)
{
	const struct sp_extension *e = &s->extension;
	const struct sp_binding *b = &s->binding;
	char name[SP_NUMBER_SIZE + SP_DOMAIN_SIZE], rules[1024];
	char since[SP_TIME_TEXT], refreshed[SP_TIME_TEXT], left[24];

	snprintf(name, sizeof name, "%s@%s", e->number,
		w->app.scope.tenant->domain);
	sp_forward_text(s->rules, rules, sizeof rules);
	snprintf(left, sizeof left, "%" PRId64,
		(b->expires_ms - w->app.scope.phones_ms) / 1000);
	return sp_output_row(w->output,
		(const char *[]){e->number, text_or_null(e->user.login),
			text_or_null(e->user.first), text_or_null(e->user.last),
			e->user.id == 0 ? NULL : name, sp_state_name(s->state),
			time_or_null(s->since_ms, since),
			text_or_null(b->contact), text_or_null(b->transport),
			text_or_null(b->user_agent),
			time_or_null(b->refreshed_ms, refreshed),
			is_on_line(s) ? left : NULL, text_or_null(rules),
			knows_calls(s) ? sp_call_right_name(e->calls) : NULL},
		err);
}

int open_extensions(struct work *w, struct sp_err *err)
{
	return open_listing(w, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0],
		TERMINAL, err);
}

/* ---- which rows -------------------------------------------------------- */

int parse_states(const char *text, const char *what, bool wanted[SP_N_STATES],
	struct sp_err *err)
{
	const char *at = text;
	enum sp_state state;
	char name[16];
	size_t len;

	for (; at != NULL; at = at[len] == '\0' ? NULL : at + len + 1) {
		len = strcspn(at, ",");
		snprintf(name, sizeof name, "%.*s", (int)len, at);
		if (len >= sizeof name || !sp_state_parse(name, &state))
			return sp_err_set(err, SP_USAGE,
				"%s: '%.*s' is "
				"not a state: free, resting, reserved, offline,"
				" registered, late, lost, ringing or busy",
				what, (int)len, at);
		wanted[state] = true;
	}
	return 0;
}

int set_moment(struct work *w, struct sp_err *err)
{
	char since[SP_TIME_TEXT];
	int64_t since_ms;

	if (sp_server_as_of(w->app.db, w->app.scope.now_ms,
		    &w->app.scope.phones_ms, &since_ms, err) != 0)
		return -1;
	if (since_ms != 0 && !w->common.quiet) {
		sp_clock_format(since_ms, since);
		fprintf(stderr,
			"%s: no server is running since %s: states are "
			"as they were then\n",
			w->app.tool, since);
	}
	return 0;
}

static int print_all(struct work *w, struct sp_err *err)
{
	const struct sp_status *status;
	struct sp_status_list *list;
	uint64_t n = 0;
	int rc = sp_status_open(&w->app.scope, &list, err);

	if (rc != 0)
		return -1;
	sp_progress_start(&w->app.progress, w->app.tool, w->common.quiet);
	while ((rc = sp_status_next(list, &status, err)) == 1) {
		sp_progress_step(&w->app.progress, ++n, 0);
		if (!sp_status_passes(status, &w->filter, false,
			    w->app.scope.phones_ms))
			continue;
		rc = print_status(w, status, err);
		if (rc != 0)
			break;
	}
	sp_status_close(list);
	return rc == 0 ? sp_app_hint_empty(&w->app, err) : -1;
}

static int print_operand(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_status status;

	if (sp_status_get(&w->app.scope, operand, &status, err) != 0)
		return -1;
	if (!sp_status_passes(&status, &w->filter, true,
		    w->app.scope.phones_ms))
		return 0;
	return print_status(w, &status, err);
}

int list_extensions(struct work *w, struct sp_err *err)
{
	if (set_moment(w, err) != 0 || open_extensions(w, err) != 0)
		return -1;
	return w->n == 0 ? print_all(w, err)
			 : sp_operands_each(&w->operands, &w->app,
				   print_operand, w, err);
}
