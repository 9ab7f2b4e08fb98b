/* sp-forward: where an extension's calls go. */
#include <stdio.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/report.h"
#include "lib/clock.h"
#include "lib/extension.h"
#include "lib/forward.h"
#include "lib/status.h"
#include "lib/text.h"

static const char TOOL[] = "sp-forward";

static const struct sp_column COLUMNS[] = {
	{"number", false},
	{"condition", false},
	{"target", false},
	{"after", false},
	{"switch", false},
	{"origin", false},
};

struct work {
	struct sp_common common;
	const char *target[SP_N_CONDITIONS]; /* NULL: not said */
	const char *after;
	const char *off[SP_OPT_REPEAT], *on[SP_OPT_REPEAT];
	size_t n_off, n_on;
	bool reset;
	struct sp_app app;
	struct sp_report report;
};

static bool changes(const struct work *w)
{
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		if (w->target[i] != NULL)
			return true;
	return w->n_off > 0 || w->n_on > 0 || w->reset;
}

/* ---- printing ---------------------------------------------------------- */

static int print_rule(struct work *w, const char *number, int condition,
	const struct sp_rule *rule, struct sp_err *err)
{
	char after[SP_TIME_TEXT] = "";

	if (rule->target[0] == '\0')
		return 0;
	if (rule->after_ms != 0)
		sp_duration_format(rule->after_ms, after);
	return sp_report_row(&w->report,
		(const char *[]){number,
			sp_condition_name((enum sp_condition)condition),
			rule->target, after[0] == '\0' ? NULL : after,
			rule->enabled ? "on" : "off",
			rule->is_default ? "default" : "own"},
		err);
}

static int print_rules(struct work *w, const char *number,
	const struct sp_rule *rules, struct sp_err *err)
{
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		if (print_rule(w, number, i, &rules[i], err) != 0)
			return -1;
	return 0;
}

static int print_extension(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_rule rules[SP_N_CONDITIONS];
	struct sp_extension extension;

	if (sp_extension_get(&w->app.scope, operand, &extension, err) != 0 ||
		sp_forward_load(&w->app.scope, extension.id, rules, err) != 0)
		return -1;
	return print_rules(w, extension.number, rules, err);
}

static int print_all(struct work *w, struct sp_err *err)
{
	struct sp_status_list *list;
	struct sp_status status;
	int rc = sp_status_open(&w->app.scope, &list, err);

	if (rc != 0)
		return -1;
	while ((rc = sp_status_next(list, &status, err)) == 1)
		if (print_rules(w, status.extension.number, status.rules,
			    err) != 0) {
			rc = -1;
			break;
		}
	sp_status_close(list);
	return rc;
}

static int print(struct work *w, int n, char **operand, struct sp_err *err)
{
	struct sp_operands operands;
	int rc = sp_operands_init(&operands, operand, n, err);

	if (rc == 0)
		rc = sp_app_open(&w->app, &w->common, TOOL, SP_DB_READ, err);
	if (rc == 0)
		rc = n == 0 ? print_all(w, err)
			    : sp_operands_each(&operands, &w->app,
				      print_extension, w, err);
	sp_operands_release(&operands);
	return rc;
}

/* ---- changing ---------------------------------------------------------- */

/* The ringing time: as said, else as it was, else the usual. */
static int after_of(const struct work *w, const struct sp_rule *was,
	int64_t *after_ms, struct sp_err *err)
{
	*after_ms = was->after_ms != 0 ? was->after_ms : SP_AFTER_MS;
	if (w->after == NULL)
		return 0;
	if (sp_duration_parse(w->after, after_ms, err) != 0)
		return sp_err_prefix(err, "--after: ");
	if (*after_ms < SP_AFTER_MIN_MS || *after_ms > SP_AFTER_MAX_MS)
		return sp_err_set(err, SP_DATA,
			"--after: '%s' is not between "
			"1s and 3m",
			w->after);
	return 0;
}

static int set_targets(struct work *w, const struct sp_extension *extension,
	struct sp_err *err)
{
	struct sp_rule was[SP_N_CONDITIONS];

	if (sp_forward_load(&w->app.scope, extension->id, was, err) != 0)
		return -1;
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		struct sp_rule rule = {.enabled = true};

		if (w->target[i] == NULL)
			continue;
		if (i == SP_NO_ANSWER &&
			after_of(w, &was[i], &rule.after_ms, err) != 0)
			return -1;
		if (sp_text_copy(rule.target, sizeof rule.target, w->target[i],
			    "the target", err) != 0 ||
			sp_forward_set(&w->app.scope, extension,
				(enum sp_condition)i, &rule, err) < 0)
			return -1;
	}
	return 0;
}

static int switch_all(struct work *w, const struct sp_extension *extension,
	bool on, struct sp_err *err)
{
	const char *const *name = on ? w->on : w->off;
	enum sp_condition condition;

	for (size_t i = 0; i < (on ? w->n_on : w->n_off); i++)
		if (!sp_condition_parse(name[i], &condition))
			return sp_err_set(err, SP_USAGE,
				"'%s' is not a "
				"condition: always, busy, no-answer or offline",
				name[i]);
		else if (sp_forward_switch(&w->app.scope, extension, condition,
				 on, err) < 0)
			return -1;
	return 0;
}

static int change(struct work *w, const char *operand, struct sp_err *err)
{
	struct sp_rule rules[SP_N_CONDITIONS];
	struct sp_extension ext;

	if (sp_app_open(&w->app, &w->common, TOOL, SP_DB_WRITE, err) != 0 ||
		sp_app_begin(&w->app, err) != 0 ||
		sp_extension_get(&w->app.scope, operand, &ext, err) != 0)
		return -1;
	if (w->reset && sp_forward_reset(&w->app.scope, &ext, err) < 0)
		return -1;
	if (set_targets(w, &ext, err) != 0 ||
		switch_all(w, &ext, false, err) != 0 ||
		switch_all(w, &ext, true, err) != 0 ||
		sp_forward_load(&w->app.scope, ext.id, rules, err) != 0)
		return -1;
	return print_rules(w, ext.number, rules, err);
}

/* ---- main -------------------------------------------------------------- */

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	if (sp_report_open(&w->report, &w->common, COLUMNS,
		    sizeof COLUMNS / sizeof COLUMNS[0], err) != 0)
		return -1;
	if ((changes(w) ? change(w, operand[0], err)
			: print(w, n, operand, err)) != 0)
		return -1;
	if (sp_report_finish(&w->report, err) != 0)
		return -1;
	if (changes(w) && sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, changes(w) && !w->common.dry_run,
		err);
}

static int check_usage(const struct work *w, const struct sp_program *program,
	int n, const char *operand)
{
	if (changes(w) && (n != 1 || strcmp(operand, "-") == 0))
		return sp_app_usage(program,
			"a change takes exactly one LOGIN or EXT");
	if (w->after != NULL && w->target[SP_NO_ANSWER] == NULL)
		return sp_app_usage(program, "--after goes with --no-answer");
	if (w->common.dry_run && !changes(w))
		return sp_app_usage(program, "--dry-run goes with a change");
	return 0;
}

int main(int argc, char **argv)
{
	struct work w = {.app.tool = TOOL};
	const struct sp_opt opts[] = {
		{0, "always", "TARGET", "where all calls go", NULL,
			&w.target[SP_ALWAYS], NULL},
		{0, "busy", "TARGET", "where calls go while it is busy", NULL,
			&w.target[SP_BUSY], NULL},
		{0, "no-answer", "TARGET", "where calls go that nobody answers",
			NULL, &w.target[SP_NO_ANSWER], NULL},
		{0, "after", "DURATION",
			"how long it rings before no-answer "
			"(default: 20s)",
			NULL, &w.after, NULL},
		{0, "offline", "TARGET",
			"where calls go while no softphone is "
			"registered",
			NULL, &w.target[SP_OFFLINE], NULL},
		{0, "off", "CONDITION", "turn a rule off, keep its target",
			NULL, w.off, &w.n_off},
		{0, "on", "CONDITION", "turn a rule on again", NULL, w.on,
			&w.n_on},
		{0, "reset", NULL, "back to the defaults", &w.reset, NULL,
			NULL},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] [LOGIN|EXT ... | -]\n"
			    "[options] LOGIN|EXT --CONDITION TARGET ...\n"
			    "[options] LOGIN|EXT --off|--on CONDITION\n"
			    "[options] LOGIN|EXT --reset",
		.purpose = "Print, or change, where an extension's calls go.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_DRY_RUN | SP_TAKES_QUIET,
	};
	struct sp_err err;
	int first, rc;

	rc = sp_opts_parse(&program, &w.common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	rc = check_usage(&w, &program, argc - first, argv[first]);
	if (rc != 0)
		return rc;
	rc = run(&w, argc - first, argv + first, &err);
	rc = sp_app_exit(&w.app, rc, &err);
	sp_report_release(&w.report);
	sp_app_close(&w.app);
	return rc;
}
