/* sp-recycle: take users out, numbers back to the pool. */
#include <stdio.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/report.h"
#include "lib/extension.h"

static const char TOOL[] = "sp-recycle";

static const struct sp_column COLUMNS[] = {{"number", false}, {"login", false}};

struct work {
	struct sp_common common;
	struct sp_app app;
	struct sp_operands operands;
	struct sp_report report;
};

static int recycle_one(struct work *w, const char *operand, struct sp_err *err)
{
	struct sp_extension extension;

	if (sp_extension_get(&w->app.scope, operand, &extension, err) != 0 ||
		sp_extension_recycle(&w->app.scope, &extension, err) != 0)
		return -1;
	return sp_report_row(&w->report, (const char *[]){
		extension.number, extension.user.login}, err);
}

/* Looks at all operands, also behind a bad one. */
static int recycle_all(struct work *w, struct sp_err *err)
{
	const char *operand;
	int rc;

	while ((rc = sp_operands_next(&w->operands, &operand, err)) != 0) {
		if (rc == 1) {
			rc = recycle_one(w, operand, err);
			if (rc != 0)
				sp_err_prefix(err, "%s",
					sp_operands_where(&w->operands));
		}
		if (rc < 0 && !sp_app_bad(&w->app, err))
			return -1;
	}
	return w->app.status == 0 ? 0 : -1;
}

static int run(struct work *w, struct sp_err *err)
{
	if (sp_report_open(&w->report, &w->common, COLUMNS,
		    sizeof COLUMNS / sizeof COLUMNS[0], err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, SP_DB_WRITE, err) != 0 ||
		sp_app_begin(&w->app, err) != 0 || recycle_all(w, err) != 0 ||
		sp_report_finish(&w->report, err) != 0 ||
		sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, err);
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
	int operands, rc = sp_opts_parse(&program, &w.common, argc, argv,
			&operands);

	if (rc >= 0)
		return rc;
	if (operands == argc)
		return sp_app_usage(&program, "no user or extension is named");
	w.operands = (struct sp_operands){argv + operands, argc - operands, 0,
		NULL};
	rc = sp_app_exit(&w.app, run(&w, &err), &err);
	sp_operands_release(&w.operands);
	sp_report_release(&w.report);
	sp_app_close(&w.app);
	return rc;
}
