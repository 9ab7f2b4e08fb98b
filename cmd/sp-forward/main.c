/* sp-forward: where an extension's calls go. */
#include <stdlib.h>

#include "cmd/cli/opts.h"
#include "cmd/sp-forward/forward_tool.h"

static const char TOOL[] = "sp-forward";

static const struct sp_column COLUMNS[N_RULE_COLUMNS] = {
	[RULE_NUMBER] = {.name = "number"},
	[RULE_CONDITION] = {.name = "condition", .is_whole = true},
	[RULE_TARGET] = {.name = "target"},
	[RULE_AFTER] = {.name = "after"},
	[RULE_SWITCH] = {.name = "switch"},
	[RULE_ORIGIN] = {.name = "origin"},
	[RULE_FROM] = {.name = "from", .is_whole = true},
	[RULE_UNTIL] = {.name = "until", .is_whole = true},
};

static bool has_target(const struct work *w)
{
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		if (w->target[i] != NULL)
			return true;
	return false;
}

static bool changes(const struct work *w)
{
	return has_target(w) || w->n_off > 0 || w->n_on > 0 || w->reset ||
	       w->undo || w->file != NULL;
}

/* ---- the three kinds of work ------------------------------------------- */

/* In one transaction: numbers move. It ends before a slow reader gets to see
 * anything. */
static int print(struct work *w, int n, char **operand, struct sp_err *err)
{
	int rc;

	if (sp_operands_init(&w->operands, &w->common, operand, n, err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, SP_DB_READ, err) != 0 ||
		sp_db_begin_read(w->app.db, err) != 0)
		return -1;
	rc = n == 0 ? print_all(w, err)
		    : sp_operands_each(&w->operands, &w->app, print_operand, w,
			      err);
	sp_db_rollback(w->app.db);
	return rc;
}

static int change(struct work *w, int n, char **operand, struct sp_err *err)
{
	enum sp_db_mode mode =
		w->common.dry_run ? SP_DB_TRIAL_WRITE : SP_DB_WRITE;

	if ((w->file != NULL ? open_rules(w, err)
			     : sp_operands_init(&w->operands, &w->common,
				       operand, n, err)) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, mode, err) != 0 ||
		sp_app_begin(&w->app, err) != 0 || read_change(w, err) != 0)
		return -1;
	if ((w->file != NULL ? set_rules(w, err)
			     : sp_operands_each(&w->operands, &w->app,
				       change_operand, w, err)) != 0)
		return -1;
	return check_new_rules(w, err);
}

static int list_or_change(struct work *w, int n, char **operand,
	struct sp_err *err)
{
	if (sp_report_open(&w->report, &w->common, COLUMNS, N_RULE_COLUMNS,
		    err) != 0)
		return -1;
	return changes(w) ? change(w, n, operand, err)
			  : print(w, n, operand, err);
}

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	if ((w->resolve != NULL ? resolve(w, err)
				: list_or_change(w, n, operand, err)) != 0)
		return -1;
	if (sp_report_finish(&w->report, err) != 0)
		return -1;
	if (changes(w) && sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, changes(w) && !w->common.dry_run,
		err);
}

/* ---- main -------------------------------------------------------------- */

static int check_change(const struct work *w, const struct sp_program *program,
	int n)
{
	bool others = has_target(w) || w->n_off > 0 || w->n_on > 0 || w->reset;

	if (w->file != NULL && (n > 0 || others || w->undo))
		return sp_app_usage(program,
			"--file goes with neither operands nor another change");
	if (w->undo && others)
		return sp_app_usage(program,
			"--undo goes with no other change");
	if (changes(w) && w->file == NULL && n == 0)
		return sp_app_usage(program,
			"a change takes at least one LOGIN or EXT");
	if (w->after != NULL && w->target[SP_NO_ANSWER] == NULL)
		return sp_app_usage(program, "--after goes with --no-answer");
	if ((w->from != NULL || w->until != NULL) && !has_target(w))
		return sp_app_usage(program,
			"--from and --until go with a --CONDITION TARGET");
	return 0;
}

static int check_usage(const struct work *w, const struct sp_program *program,
	int n)
{
	if (w->resolve != NULL && (n > 0 || changes(w)))
		return sp_app_usage(program,
			"--resolve goes with neither operands nor a change");
	if (w->resolve == NULL && (w->at != NULL || w->when != NULL))
		return sp_app_usage(program,
			"--at and --when go with --resolve");
	if (w->common.dry_run && !changes(w))
		return sp_app_usage(program, "--dry-run goes with a change");
	if (w->common.keep_going && !changes(w))
		return sp_app_usage(program, "--keep-going goes with a change");
	return check_change(w, program, n);
}

static int run_main(struct work *w, const struct sp_program *program, int argc,
	char **argv)
{
	struct sp_err err;
	int first, rc;

	rc = sp_opts_parse(program, &w->common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	rc = check_usage(w, program, argc - first);
	if (rc != 0)
		return rc;
	rc = run(w, argc - first, argv + first, &err);
	rc = sp_app_exit(&w->app, rc, &err);
	sp_operands_release(&w->operands);
	sp_records_close(w->records);
	sp_report_release(&w->report);
	free(w->new_rules);
	sp_app_close(&w->app);
	return rc;
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
		{0, "from", "TIME", "the rules begin by themselves", NULL,
			&w.from, NULL},
		{0, "until", "TIME",
			"the rules end by themselves; the ones before count "
			"again",
			NULL, &w.until, NULL},
		{0, "off", "CONDITION", "turn a rule off, keep its target",
			NULL, w.off, &w.n_off},
		{0, "on", "CONDITION", "turn a rule on again", NULL, w.on,
			&w.n_on},
		{0, "reset", NULL, "back to the defaults", &w.reset, NULL,
			NULL},
		{0, "undo", NULL, "back to the rules before the last change",
			&w.undo, NULL, NULL},
		{'f', "file", "FILE",
			"the rules of a file, in a format that is printed; - "
			"is standard input",
			NULL, &w.file, NULL},
		{0, "resolve", "LOGIN|EXT",
			"print the route that a call would take now", NULL,
			&w.resolve, NULL},
		{0, "at", "TIME", "the route by the rules of then", NULL, &w.at,
			NULL},
		{0, "when", "registered|offline|busy|no-answer",
			"the route if it were so", NULL, &w.when, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] [LOGIN|EXT ... | -]\n"
			    "[options] LOGIN|EXT ... --CONDITION TARGET ...\n"
			    "[options] LOGIN|EXT ... --off|--on CONDITION\n"
			    "[options] LOGIN|EXT ... --reset|--undo\n"
			    "[options] -f FILE\n"
			    "[options] --resolve LOGIN|EXT [--at TIME] [--when "
			    "STATE]",
		.purpose = "Print, or change, where an extension's calls go.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_LIST | SP_TAKES_BATCH | SP_TAKES_DRY_RUN |
			 SP_TAKES_QUIET | SP_TAKES_VERBOSE,
	};

	return run_main(&w, &program, argc, argv);
}
