/* Listings on standard output: one column table per tool, several formats. */
#ifndef SP_CMD_CLI_OUTPUT_H
#define SP_CMD_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/err.h"

struct sp_column {
	const char *name; /* lower case, words joined by '_' */
	bool is_integer;  /* a number in JSON; the text must be one, or NULL */
};

struct sp_output;

/* Starts a listing on `file`. format: "table", "tsv", "csv", "json", "jsonl",
 * or NULL for table on a terminal and tsv elsewhere. Only table and csv have a
 * header line; tsv has none, since tools read its first field. columns stay
 * the caller's and must outlive the listing. Fails with SP_USAGE for another
 * format. */
int sp_output_open(struct sp_output **output, FILE *file, const char *format,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err);

/* Writes a row: one text for each column; NULL is empty (null in JSON).
 * Streams: memory does not grow with the rows. */
int sp_output_row(struct sp_output *output, const char *const *values,
	struct sp_err *err);

/* Ends the listing, flushes `file`, and frees *output (also on failure).
 * Fails with SP_IO when not everything could be written. Accepts NULL. */
int sp_output_close(struct sp_output *output, struct sp_err *err);

#endif
