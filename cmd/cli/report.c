/* What a tool that changes things prints, once the change is committed. */
#include "cmd/cli/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int sp_report_open(struct sp_report *report, const struct sp_common *common,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err)
{
	/* By the terminal, not by the unnamed file. */
	const struct sp_output_options options = {
		.format = common->output != NULL  ? common->output
			  : isatty(STDOUT_FILENO) ? "table"
						  : "tsv",
		.columns = common->columns,
		.no_header = common->no_header,
		.width = sp_output_width(STDOUT_FILENO),
	};

	*report = (struct sp_report){0};
	report->spool = tmpfile();
	if (report->spool == NULL)
		return sp_err_set(err, SP_IO,
			"cannot make a temporary file: %s", strerror(errno));
	if (sp_output_open(&report->output, report->spool, &options, columns,
		    n_columns, err) != 0)
		return -1;
	if (common->quiet) {
		sp_report_release(report);
		*report = (struct sp_report){0};
	}
	return 0;
}

int sp_report_row(struct sp_report *report, const char *const *values,
	struct sp_err *err)
{
	if (report->spool == NULL)
		return 0;
	return sp_output_row(report->output, values, err);
}

int sp_report_finish(struct sp_report *report, struct sp_err *err)
{
	struct sp_output *output = report->output;

	report->output = NULL;
	return sp_output_close(output, err);
}

int sp_report_print(struct sp_report *report, bool is_committed,
	struct sp_err *err)
{
	char buffer[65536];
	size_t n;

	if (report->spool == NULL)
		return 0;
	rewind(report->spool);
	while ((n = fread(buffer, 1, sizeof buffer, report->spool)) > 0)
		if (fwrite(buffer, 1, n, stdout) != n)
			break;
	if (ferror(report->spool) || fflush(stdout) != 0 || ferror(stdout))
		return sp_err_set(err, SP_IO,
			"cannot write standard output: %s%s", strerror(errno),
			is_committed ? " (the change was made)" : "");
	return 0;
}

void sp_report_release(struct sp_report *report)
{
	struct sp_err ignored;

	sp_output_close(report->output, &ignored);
	if (report->spool != NULL)
		fclose(report->spool);
}
