/* What a tool that changes things prints: the rows wait in an unnamed file and
 * reach standard output only after the commit, so that what was printed is
 * true, and memory does not grow with a batch. */
#ifndef SP_CMD_CLI_REPORT_H
#define SP_CMD_CLI_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/cli/opts.h"
#include "cmd/cli/output.h"
#include "lib/err.h"

struct sp_report {
	FILE *spool; /* NULL: quiet, nothing is kept */
	struct sp_output *output;
};

/* Nothing is kept or printed when common->quiet. Errors as sp_output_open;
 * release in any case. */
int sp_report_open(struct sp_report *report, const struct sp_common *common,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err);

int sp_report_row(struct sp_report *report, const char *const *values,
	struct sp_err *err);

/* To be called before the commit: fails with SP_IO when a row was lost. */
int sp_report_finish(struct sp_report *report, struct sp_err *err);

/* To be called after it: copies everything to standard output. is_committed:
 * the sentence of a failure says that the change was made all the same. */
int sp_report_print(struct sp_report *report, bool is_committed,
	struct sp_err *err);

void sp_report_release(struct sp_report *report);

#endif
