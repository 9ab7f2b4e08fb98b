/* The format "table" of cmd/cli/output: columns that are aligned, and cut where
 * a terminal is too narrow for them. */
#ifndef SP_CMD_CLI_TABLE_H
#define SP_CMD_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/cli/output.h"
#include "lib/err.h"

struct sp_table;

struct sp_table_shape {
	const struct sp_column *columns; /* must outlive the table */
	size_t n_columns;
	size_t whole; /* the column that is never cut; n_columns: none */
	bool has_header;
	int width; /* of a line; 0: no limit */
};

/* Free *table in any case. What cannot be written shows in ferror(file). */
int sp_table_new(struct sp_table **table, FILE *file,
	const struct sp_table_shape *shape, struct sp_err *err);
void sp_table_free(struct sp_table *table); /* accepts NULL; prints nothing */

/* Adds a row: one text for each column, NULL is empty. The first rows are held
 * until the widths of the columns are known. */
int sp_table_row(struct sp_table *table, const char *const *values,
	struct sp_err *err);

/* Prints the rows that are held. The widths stay what they are then: a longer
 * text shifts what is behind it in its line, as far as the line has room. */
void sp_table_print(struct sp_table *table);

#endif
