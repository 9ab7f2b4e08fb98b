/* sp-status: who is assigned, on line, late, lost. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/output.h"
#include "lib/clock.h"
#include "lib/forward.h"
#include "lib/server.h"
#include "lib/status.h"

static const char TOOL[] = "sp-status";

static const struct sp_column COLUMNS[] = {
	{"number", false},
	{"login", false},
	{"first", false},
	{"last", false},
	{"registered_name", false},
	{"state", false},
	{"since", false},
	{"contact", false},
	{"transport", false},
	{"user_agent", false},
	{"refreshed", false},
	{"expires_in", true},
	{"forwarding", false},
};

struct work {
	struct sp_common common;
	const char *states;
	bool wanted[SP_N_STATES];
	struct sp_app app;
	struct sp_operands operands;
	struct sp_output *output;
};

/* ---- one row ----------------------------------------------------------- */

static const char *text_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

static const char *time_or_null(int64_t time_ms, char out[SP_TIME_TEXT])
{
	if (time_ms == 0)
		return NULL;
	sp_clock_format(time_ms, out);
	return out;
}

static bool is_on_line(enum sp_state state)
{
	return state == SP_REGISTERED || state == SP_LATE;
}

static int print_status(struct work *w, const struct sp_status *s,
	struct sp_err *err)
{
	const struct sp_extension *e = &s->extension;
	const struct sp_binding *b = &s->binding;
	char name[SP_NUMBER_SIZE + SP_DOMAIN_SIZE], rules[1024];
	char since[SP_TIME_TEXT], refreshed[SP_TIME_TEXT], left[24];

	snprintf(name, sizeof name, "%s@%s", e->number,
		w->app.scope.tenant->domain);
	sp_forward_text(s->rules, rules, sizeof rules);
	snprintf(left, sizeof left, "%" PRId64,
		(b->expires_ms - w->app.scope.now_ms) / 1000);
	return sp_output_row(w->output,
		(const char *[]){e->number, text_or_null(e->user.login),
			text_or_null(e->user.first), text_or_null(e->user.last),
			e->user.id == 0 ? NULL : name, sp_state_name(s->state),
			time_or_null(s->since_ms, since),
			text_or_null(b->contact), text_or_null(b->transport),
			text_or_null(b->user_agent),
			time_or_null(b->refreshed_ms, refreshed),
			is_on_line(s->state) ? left : NULL,
			text_or_null(rules)},
		err);
}

/* ---- which rows -------------------------------------------------------- */

/* Without --state: whoever is assigned, and what is named. */
static int parse_states(struct work *w, struct sp_err *err)
{
	const char *at = w->states;
	enum sp_state state;
	char name[16];
	size_t len;

	for (int i = 0; i < SP_N_STATES; i++)
		w->wanted[i] = at == NULL;
	for (; at != NULL; at = at[len] == '\0' ? NULL : at + len + 1) {
		len = strcspn(at, ",");
		snprintf(name, sizeof name, "%.*s", (int)len, at);
		if (len >= sizeof name || !sp_state_parse(name, &state))
			return sp_err_set(err, SP_USAGE,
				"--state: '%.*s' is "
				"not a state: free, resting, reserved, offline,"
				" registered, late or lost",
				(int)len, at);
		w->wanted[state] = true;
	}
	return 0;
}

static int print_all(struct work *w, struct sp_err *err)
{
	struct sp_status_list *list;
	struct sp_status status;
	int rc = sp_status_open(&w->app.scope, &list, err);

	if (rc != 0)
		return -1;
	while ((rc = sp_status_next(list, &status, err)) == 1) {
		if (!w->wanted[status.state] ||
			(w->states == NULL && status.extension.user.id == 0))
			continue;
		rc = print_status(w, &status, err);
		if (rc != 0)
			break;
	}
	sp_status_close(list);
	return rc;
}

static int print_one(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_status status;

	if (sp_status_get(&w->app.scope, operand, &status, err) != 0)
		return -1;
	return w->wanted[status.state] ? print_status(w, &status, err) : 0;
}

/* ---- main -------------------------------------------------------------- */

/* Without a server states stand still; says since when. */
static int set_moment(struct work *w, struct sp_err *err)
{
	char since[SP_TIME_TEXT];
	int64_t since_ms;

	if (sp_server_as_of(w->app.db, w->app.scope.now_ms,
		    &w->app.scope.now_ms, &since_ms, err) != 0)
		return -1;
	if (since_ms != 0 && !w->common.quiet) {
		sp_clock_format(since_ms, since);
		fprintf(stderr,
			"%s: no server is running since %s: states are "
			"as they were then\n",
			TOOL, since);
	}
	return 0;
}

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	const struct sp_output_options options = {.format = w->common.output,
		.columns = w->common.columns,
		.no_header = w->common.no_header};
	int rc, close_rc;
	struct sp_err close_err;

	/* The output last: a listing that begins is not empty by mistake. */
	if (parse_states(w, err) != 0 ||
		sp_operands_init(&w->operands, operand, n, err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, SP_DB_READ, err) != 0 ||
		set_moment(w, err) != 0 ||
		sp_output_open(&w->output, stdout, &options, COLUMNS,
			sizeof COLUMNS / sizeof COLUMNS[0], err) != 0)
		return -1;
	rc = n == 0 ? print_all(w, err)
		    : sp_operands_each(&w->operands, &w->app, print_one, w,
			      err);
	close_rc = sp_output_close(w->output, &close_err);
	w->output = NULL;
	if (rc == 0 && close_rc != 0) {
		*err = close_err;
		rc = -1;
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct work w = {.app.tool = TOOL};
	const struct sp_opt opts[] = {
		{0, "state", "STATE[,STATE]", "only extensions in these states",
			NULL, &w.states, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] [LOGIN|EXT ... | -]",
		.purpose = "Show who is assigned, on line, late or lost.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_QUIET,
	};
	struct sp_err err, ignored;
	int first, rc;

	rc = sp_opts_parse(&program, &w.common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	rc = run(&w, argc - first, argv + first, &err);
	rc = sp_app_exit(&w.app, rc, &err);
	sp_operands_release(&w.operands);
	sp_output_close(w.output, &ignored);
	sp_app_close(&w.app);
	return rc;
}
