/* sp-status: who is assigned, on line, late, lost, busy. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli/opts.h"
#include "cmd/sp-status/status_tool.h"
#include "lib/text.h"

static const char TOOL[] = "sp-status";

int open_listing(struct work *w, const struct sp_column *columns,
	size_t n_columns, const char *terminal, struct sp_err *err)
{
	bool by_default = w->common.output == NULL &&
			  w->common.columns == NULL && isatty(STDOUT_FILENO);
	const struct sp_output_options options = {.format = w->common.output,
		.columns = by_default ? terminal : w->common.columns,
		.no_header = w->common.no_header};

	return sp_output_open(&w->output, stdout, &options, columns, n_columns,
		err);
}

/* ---- --paths ----------------------------------------------------------- */

/* Which files this is about: needs none of them. */
static int print_paths(struct work *w, struct sp_err *err)
{
	static const struct sp_column COLUMNS[] = {{.name = "item"},
		{.name = "path"}};

	if (sp_config_load(&w->app.config, w->common.config, w->common.db,
		    err) != 0 ||
		open_listing(w, COLUMNS, 2, NULL, err) != 0 ||
		sp_output_row(w->output,
			(const char *[]){"config", w->app.config.path},
			err) != 0)
		return -1;
	return sp_output_row(w->output,
		(const char *[]){"db", w->app.config.db}, err);
}

/* ---- running ----------------------------------------------------------- */

static int parse_values(struct work *w, struct sp_err *err)
{
	int64_t now_ms = sp_clock_now_ms();

	w->filter.has_states = w->states != NULL;
	w->filter.match = w->match;
	if (w->states != NULL &&
		parse_states(w->states, "--state", w->filter.state, err) != 0)
		return -1;
	if (w->wait != NULL &&
		parse_states(w->wait, "--wait", w->awaited, err) != 0)
		return -1;
	if (w->idle != NULL &&
		sp_duration_parse(w->idle, &w->filter.idle_ms, err) != 0)
		return sp_err_prefix(err, "--idle: ");
	if (w->timeout != NULL &&
		sp_duration_parse(w->timeout, &w->timeout_ms, err) != 0)
		return sp_err_prefix(err, "--timeout: ");
	if (w->as_of != NULL &&
		sp_time_parse(w->as_of, now_ms, &w->as_of_ms, err) != 0)
		return sp_err_prefix(err, "--as-of: ");
	if (w->as_of_ms > now_ms)
		return sp_err_set(err, SP_USAGE,
			"--as-of: '%.40s' is yet to come", w->as_of);
	return 0;
}

/* Reads the list of "-" before anything else. */
static int open_all(struct work *w, struct sp_err *err)
{
	if (sp_operands_init(&w->operands, &w->common, w->operand, w->n, err) !=
		0)
		return -1;
	return sp_app_open(&w->app, &w->common, TOOL, SP_DB_READ, err);
}

static bool opens_itself(const struct work *w)
{
	return w->mode == print_paths || w->mode == print_prometheus ||
	       w->mode == run_check;
}

static int run(struct work *w, struct sp_err *err)
{
	struct sp_err close_err;
	int rc, close_rc;

	if (parse_values(w, err) != 0) {
		if (err->code == SP_DATA)
			err->code = SP_USAGE;
		return -1;
	}
	rc = opens_itself(w) ? 0 : open_all(w, err);
	if (rc == 0)
		rc = w->mode(w, err);
	/* A listing that never began prints nothing, not even a header. */
	close_rc = sp_output_close(w->output, &close_err);
	w->output = NULL;
	if (rc == 0 && close_rc != 0) {
		*err = close_err;
		rc = -1;
	}
	return rc;
}

/* ---- usage ------------------------------------------------------------- */

/* Sets the mode; returns false when several are asked for. */
static bool choose_mode(struct work *w)
{
	const struct {
		bool is_asked_for;
		mode_fn *mode;
	} modes[] = {
		{w->free, list_free},
		{w->resting, list_resting},
		{w->reserved, list_reserved},
		{w->summary, print_summary},
		{w->history != NULL, print_history},
		{w->as_of != NULL, list_as_of},
		{w->follow || w->since != NULL, follow_events},
		{w->wait != NULL, wait_for_state},
		{w->watch, watch_list},
		{w->paths, print_paths},
		{w->prometheus, print_prometheus},
		{w->check, run_check},
		{w->html, print_html},
	};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (!modes[i].is_asked_for)
			continue;
		if (w->mode != NULL)
			return false;
		w->mode = modes[i].mode;
	}
	if (w->mode == NULL)
		w->mode = list_extensions;
	return true;
}

static int check_operands(const struct work *w,
	const struct sp_program *program)
{
	bool lists = w->mode == list_extensions || w->mode == list_as_of ||
		     w->mode == watch_list;
	int64_t n;

	if (w->wait != NULL && (w->n != 1 || strcmp(w->operand[0], "-") == 0))
		return sp_app_usage(program, "--wait takes one LOGIN or EXT");
	if (w->free && (w->n > 1 || (w->n == 1 && !sp_text_to_int(w->operand[0],
							  1, INT64_MAX, &n))))
		return sp_app_usage(program,
			"--free takes at most one number, of how many");
	if (!lists && !w->free && w->wait == NULL && w->n > 0)
		return sp_app_usage(program, "unexpected operand '%s'",
			w->operand[0]);
	if (!lists &&
		(w->states != NULL || w->idle != NULL || w->match != NULL))
		return sp_app_usage(program,
			"--state, --idle and --match go with a list of users");
	return 0;
}

static int check_usage(struct work *w, const struct sp_program *program)
{
	if (!choose_mode(w))
		return sp_app_usage(program,
			"--free, --resting, --reserved, --summary, --history, "
			"--as-of, --follow, --wait, --watch, --paths, "
			"--prometheus, --check and --html exclude each other");
	if (w->html && (w->common.output != NULL || w->common.columns != NULL))
		return sp_app_usage(program,
			"-o and --columns are for listings, not for --html");
	if (watch_refusal(w) != NULL)
		return sp_app_usage(program, "%s", watch_refusal(w));
	if (w->timeout != NULL && w->wait == NULL)
		return sp_app_usage(program, "--timeout goes with --wait");
	if (w->since != NULL &&
		!sp_text_to_int(w->since, 0, INT64_MAX, &w->since_seq))
		return sp_app_usage(program,
			"--since: '%s' is not the number of an event",
			w->since);
	if (!w->check && (w->max_lost != NULL || w->min_free != NULL ||
				 w->max_silence != NULL))
		return sp_app_usage(program,
			"--max-lost, --min-free and --max-silence go with "
			"--check");
	if ((w->prometheus || w->check) &&
		(w->common.output != NULL || w->common.columns != NULL ||
			w->common.no_header))
		return sp_app_usage(program,
			"--prometheus and --check have formats of their own");
	return check_operands(w, program);
}

static int run_main(struct work *w, const struct sp_program *program, int argc,
	char **argv)
{
	struct sp_err err;
	int first, rc;

	rc = sp_opts_parse(program, &w->common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	w->n = argc - first;
	w->operand = argv + first;
	rc = check_usage(w, program);
	if (rc != 0)
		return rc;
	rc = run(w, &err);
	if (w->check && rc != 0) {
		check_failed(w, &err);
		rc = 0;
	}
	rc = sp_app_exit(&w->app, rc, &err);
	sp_operands_release(&w->operands);
	sp_app_close(&w->app);
	if (rc == 0 && w->check)
		return w->check_status;
	return rc == 0 && w->is_no ? SP_NO : rc;
}

int main(int argc, char **argv)
{
	struct work w = {.app.tool = TOOL};
	int rc;
	const struct sp_opt opts[] = {
		{0, "state", "STATE[,STATE]", "only extensions in these states",
			NULL, &w.states, NULL},
		{0, "idle", "DURATION",
			"only users without a login session for so long", NULL,
			&w.idle, NULL},
		{0, "match", "TEXT",
			"only where number, login, name or softphone has this",
			NULL, &w.match, NULL},
		{0, "free", NULL, "the next 10, or N, numbers to be given out",
			&w.free, NULL, NULL},
		{0, "resting", NULL,
			"the numbers that may not be given out yet", &w.resting,
			NULL, NULL},
		{0, "reserved", NULL, "the numbers that nobody is given",
			&w.reserved, NULL, NULL},
		{0, "summary", NULL, "how many are in each state, and the pool",
			&w.summary, NULL, NULL},
		{0, "history", "LOGIN|EXT",
			"who had the number, or which numbers the user had, "
			"login sessions, events",
			NULL, &w.history, NULL},
		{0, "as-of", "TIME", "who had which number then", NULL,
			&w.as_of, NULL},
		{0, "follow", NULL, "events as they happen", &w.follow, NULL,
			NULL},
		{0, "since", "SEQ",
			"the events behind this one; with --follow: from there "
			"on",
			NULL, &w.since, NULL},
		{0, "wait", "STATE[,STATE]",
			"until the extension is in one of these states", NULL,
			&w.wait, NULL},
		{0, "timeout", "DURATION",
			"how long to wait (default: for ever)", NULL,
			&w.timeout, NULL},
		{0, "html", NULL, "all of it as a page for a browser", &w.html,
			NULL, NULL},
		{0, "watch", NULL,
			"the list on the terminal, as it changes; ? shows its "
			"keys",
			&w.watch, NULL, NULL},
		{0, "paths", NULL, "the files that are used", &w.paths, NULL,
			NULL},
		{0, "prometheus", NULL,
			"what there is to measure, for node_exporter",
			&w.prometheus, NULL, NULL},
		{0, "check", NULL,
			"one line and an exit status, for Nagios or Icinga",
			&w.check, NULL, NULL},
		{0, "max-lost", "WARN[,CRIT]",
			"with --check: softphones that may be lost, a number "
			"or N% (default: 10%,30%)",
			NULL, &w.max_lost, NULL},
		{0, "min-free", "WARN[,CRIT]",
			"with --check: numbers that are to be free, likewise "
			"(default: 5%,1%)",
			NULL, &w.min_free, NULL},
		{0, "max-silence", "WARN[,CRIT]",
			"with --check: how old the server's heartbeat may be "
			"(default: 10s,30s)",
			NULL, &w.max_silence, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] [LOGIN|EXT ... | -]\n"
			    "[options] --free [N]\n"
			    "[options] --resting|--reserved|--summary|--paths\n"
			    "[options] --history LOGIN|EXT\n"
			    "[options] --as-of TIME [LOGIN|EXT ... | -]\n"
			    "[options] [--follow] [--since SEQ]\n"
			    "[options] --wait STATE[,STATE] LOGIN|EXT\n"
			    "[options] --watch [LOGIN|EXT ... | -]\n"
			    "[options] --prometheus|--check|--html",
		.purpose = "Show who is assigned, on line, late, lost or busy.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_LIST | SP_TAKES_QUIET | SP_TAKES_VERBOSE,
	};

	rc = run_main(&w, &program, argc, argv);
	return w.check && rc == SP_USAGE ? check_misused() : rc;
}
