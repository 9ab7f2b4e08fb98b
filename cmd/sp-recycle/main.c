/* sp-recycle: take users out, numbers back to the pool. */
#include <stdio.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/report.h"
#include "lib/extension.h"
#include "lib/user.h"

static const char TOOL[] = "sp-recycle";

static const struct sp_column COLUMNS[] = {{"number", false}, {"login", false}};

struct work {
	struct sp_common common;
	struct sp_app app;
	struct sp_operands operands;
	struct sp_report report;
};

/* The same operand again is passed over: sp-forward prints a number once for
 * each of its rules. */
static int recycle_one(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_extension extension;
	int64_t place = 0;
	int seen = sp_user_seen(&w->app.scope, operand, &place, err);

	if (seen != 0)
		return seen < 0 ? -1 : 0;
	if (sp_extension_get(&w->app.scope, operand, &extension, err) != 0 ||
		sp_extension_recycle(&w->app.scope, &extension, err) != 0)
		return -1;
	return sp_report_row(&w->report,
		(const char *[]){extension.number, extension.user.login}, err);
}

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	if (sp_operands_init(&w->operands, operand, n, err) != 0 ||
		sp_report_open(&w->report, &w->common, COLUMNS,
			sizeof COLUMNS / sizeof COLUMNS[0], err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, SP_DB_WRITE, err) != 0 ||
		sp_app_begin(&w->app, err) != 0 ||
		sp_operands_each(&w->operands, &w->app, recycle_one, w, err) ||
		sp_report_finish(&w->report, err) != 0 ||
		sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, !w->common.dry_run, err);
}

int main(int argc, char **argv)
{
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] LOGIN|EXT ...\n[options] -",
		.purpose = "Take users out; their numbers return to the pool.",
		.opts = (const struct sp_opt[]){{0}},
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_DRY_RUN | SP_TAKES_QUIET,
	};
	struct work w = {.app.tool = TOOL};
	struct sp_err err;
	int operands,
		rc = sp_opts_parse(&program, &w.common, argc, argv, &operands);

	if (rc >= 0)
		return rc;
	if (operands == argc)
		return sp_app_usage(&program, "no user or extension is named");
	rc = run(&w, argc - operands, argv + operands, &err);
	rc = sp_app_exit(&w.app, rc, &err);
	sp_operands_release(&w.operands);
	sp_report_release(&w.report);
	sp_app_close(&w.app);
	return rc;
}
