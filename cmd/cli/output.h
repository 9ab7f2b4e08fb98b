/* Listings on standard output: one column table per tool, several formats. */
#ifndef SP_CMD_CLI_OUTPUT_H
#define SP_CMD_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/err.h"

struct sp_column {
	const char *name; /* lower case, words joined by '_' */
	bool is_integer; /* a number in JSON and YAML; so must be the text, or NULL */
	bool is_whole; /* worth nothing when cut: a time, a state */
};

struct sp_output;

/* How it is to look; all zero: as usual. */
struct sp_output_options {
	/* "table", "tsv", "csv", "json", "jsonl" or "yaml"; NULL: table on a
	 * terminal and tsv elsewhere. */
	const char *format;
	const char *columns; /* "a,b": only these, in this order; NULL: all */
	bool no_header;      /* of table and csv: the others never have one */
	int width; /* lines of a table are cut to it; 0: to the terminal's, if
		      the file is one */
};

/* The width of the terminal that fd is: $COLUMNS where that is a positive
 * number. 0 if it has none, or fd is no terminal. */
int sp_output_width(int fd);

/* Starts a listing on `file`. columns are all that there may be: they stay the
 * caller's and must outlive the listing; the first of them is never cut.
 * options need not outlive the call. Only table and csv have a header line;
 * tsv has none, since tools read its first field. Fails with SP_USAGE for
 * another format, and for a column that is unknown or chosen twice. */
int sp_output_open(struct sp_output **output, FILE *file,
	const struct sp_output_options *options,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err);

/* Writes a row: one text for each of all columns, also of those that were not
 * chosen; NULL is empty (null in JSON and YAML). Streams: memory does not grow
 * with the rows. */
int sp_output_row(struct sp_output *output, const char *const *values,
	struct sp_err *err);

/* Writes out all rows so far, for a listing that goes on for ever. A table
 * keeps the widths that its columns have then. Fails with SP_IO when not
 * everything could be written. */
int sp_output_flush(struct sp_output *output, struct sp_err *err);

/* Ends the listing, flushes `file`, and frees *output (also on failure).
 * Fails with SP_IO when not everything could be written. Accepts NULL. */
int sp_output_close(struct sp_output *output, struct sp_err *err);

#endif
