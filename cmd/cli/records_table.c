/* Records in tables: CSV and TSV, whose first line names the columns. */
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/record_format.h"
#include "lib/text.h"

struct table {
	struct sp_csv *csv; /* NULL: TSV */
	struct sp_cells cells;
	bool is_ahead; /* cells have a record already, the first */
	bool is_positional;
	size_t name_of[SP_RECORD_NAMES]; /* a column's name */
	size_t n_columns;
	char columns[SP_RECORD_LIST]; /* their names */
};

/* ---- TSV --------------------------------------------------------------- */

/* What \t and so on stand for, 0 for none. */
static char unescape(char c)
{
	switch (c) {
	case 't': return '\t';
	case 'n': return '\n';
	case 'r': return '\r';
	case '\\': return '\\';
	default: return '\0';
	}
}

/* The cells need no more room than the line. */
static int split_tsv(const char *line, struct sp_cells *cells,
	struct sp_err *err)
{
	char *out = cells->text;
	char c;

	cells->at[0] = 0;
	for (cells->n = 1; (c = *line) != '\0'; line++) {
		if (c == '\t') {
			*out++ = '\0';
			if (cells->n < SP_RECORD_NAMES)
				cells->at[cells->n] =
					(size_t)(out - cells->text);
			cells->n++;
			continue;
		}
		if (c == '\\') {
			c = unescape(*++line);
			if (c == '\0')
				return sp_err_set(err, SP_DATA,
					"a single \\ in column %zu, expected "
					"\\\\, \\t, \\n or \\r",
					cells->n);
		}
		*out++ = c;
	}
	*out = '\0';
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t")] == '\0';
}

/* The next line that is not blank. Returns as sp_input_next. */
static int read_line(struct sp_records *records, const char **line, size_t *len,
	struct sp_err *err)
{
	int rc;

	do {
		rc = sp_input_next(records->input, line, len, err);
		if (rc != 1)
			return rc;
	} while (is_blank(*line));
	sp_input_mark(records->input, sp_input_read_line(records->input));
	return 1;
}

static int split(struct sp_records *records, const char *line, size_t len,
	struct sp_err *err)
{
	struct table *table = records->state;

	if (table->csv != NULL)
		return sp_csv_split(table->csv, records->input, line, len,
			&table->cells, err);
	if (split_tsv(line, &table->cells, err) != 0)
		return sp_input_blame(records->input, err);
	return 0;
}

/* ---- the first line ---------------------------------------------------- */

static int read_columns(struct sp_records *records, struct sp_err *err)
{
	struct table *table = records->state;
	uint32_t seen = 0;

	/* One more than there are names is unknown or there twice. */
	for (size_t i = 0; i < table->cells.n; i++)
		if (sp_record_name(records, "column",
			    table->cells.text + table->cells.at[i], &seen,
			    &table->name_of[i], err) != 0)
			return -1;
	if ((seen & 1) == 0)
		return sp_err_set(err, SP_DATA,
			"no column '%s', expected some of %s",
			records->known.names[0], records->expected);
	table->n_columns = table->cells.n;
	return 0;
}

/* No names: the first line is a record. */
static void set_columns(struct sp_records *records)
{
	struct table *table = records->state;

	table->is_positional = table->is_ahead = true;
	table->n_columns = records->known.n + records->known.n_ignored;
	for (size_t i = 0; i < table->n_columns; i++)
		table->name_of[i] = i;
}

static int read_header(struct sp_records *records, const char *line, size_t len,
	struct sp_err *err)
{
	struct table *table = records->state;

	if (strchr(line, '\t') == NULL) {
		table->csv = sp_csv_new();
		if (table->csv == NULL)
			return sp_err_memory(err);
	}
	if (split(records, line, len, err) != 0)
		return -1;
	if (records->known.positional && table->csv == NULL &&
		sp_text_is_digits(table->cells.text))
		set_columns(records);
	else if (read_columns(records, err) != 0)
		return sp_input_blame(records->input, err);
	sp_record_list(records, table->name_of, table->n_columns,
		table->columns);
	return 0;
}

static int open_table(struct sp_records *records, struct sp_err *err)
{
	const char *line;
	size_t len;
	int rc;

	records->state = calloc(1, sizeof(struct table));
	if (records->state == NULL)
		return sp_err_memory(err);
	rc = read_line(records, &line, &len, err);
	if (rc < 0)
		return -1;
	if (rc == 1)
		return read_header(records, line, len, err);
	records->is_over = true;
	if (records->known.positional)
		return 0;
	sp_input_mark(records->input, 1);
	sp_err_set(err, SP_DATA, "no header, expected %s", records->expected);
	return sp_input_blame(records->input, err);
}

/* ---- the others -------------------------------------------------------- */

static int read_row(struct sp_records *records, struct sp_err *err)
{
	struct table *table = records->state;
	const char *line;
	size_t len;
	int rc;

	if (table->is_ahead) {
		table->is_ahead = false;
		return 1;
	}
	rc = read_line(records, &line, &len, err);
	if (rc != 1)
		return rc;
	return split(records, line, len, err) == 0 ? 1 : -1;
}

static int check_row(struct sp_records *records, struct sp_err *err)
{
	const struct table *table = records->state;
	size_t n = table->cells.n;

	if (n == table->n_columns ||
		(n < table->n_columns && table->is_positional))
		return 0;
	sp_err_set(err, SP_DATA, "%zu column%s, expected %s%zu (%s)", n,
		n == 1 ? "" : "s", table->is_positional ? "up to " : "",
		table->n_columns, table->columns);
	return sp_input_blame(records->input, err);
}

static int next_row(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	const struct table *table = records->state;
	const struct sp_cells *cells = &table->cells;
	int rc = read_row(records, err);

	if (rc != 1)
		return rc;
	if (check_row(records, err) != 0)
		return -1;
	for (size_t i = 0; i < records->known.n; i++)
		fields[i] = table->is_positional ? "" : NULL;
	for (size_t i = 0; i < cells->n; i++)
		if (table->name_of[i] < records->known.n)
			fields[table->name_of[i]] = cells->text + cells->at[i];
	return 1;
}

static void close_table(void *state)
{
	struct table *table = state;

	sp_csv_free(table->csv);
	free(table);
}

const struct sp_record_format sp_records_table = {open_table, next_row,
	close_table};
