/* Listings on standard output, one set of functions for each format. */
#include "cmd/cli/output.h"

#include <csv.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "lib/text.h"

enum {
	HELD_ROWS = 1000, /* of a table, to see how wide its columns are */
	GAP = 2,          /* spaces between columns */
};

struct format {
	const char *name;
	/* What stdio could not write shows in ferror, not here. */
	int (*begin)(struct sp_output *output, struct sp_err *err);
	int (*row)(struct sp_output *output, const char *const *values,
		struct sp_err *err);
	void (*end)(struct sp_output *output);
};

struct sp_output {
	FILE *file;
	const struct format *format;
	const struct sp_column *columns;
	size_t n_columns;
	uint64_t n_rows;
	int error; /* errno of the first write that failed */
	/* Of a table only: */
	locale_t utf8;
	int *widths;
	char **held; /* the texts of the first rows, header included */
	size_t n_held;
	bool is_wide; /* the widths are fixed, nothing is held any more */
};

/* ---- text -------------------------------------------------------------- */

/* Bytes of the UTF-8 sequence at text, 0 if it is none. */
static size_t sequence_length(const char *text)
{
	size_t len = strnlen(text, 4);

	for (size_t n = 1; n <= len; n++)
		if (sp_text_is_utf8(text, n))
			return n;
	return 0;
}

/* Columns that one character takes on a terminal, -1 for a control character;
 * for wcwidth the locale must be a UTF-8 one. */
static int character_width(const char *text, size_t len)
{
	mbstate_t state = {0};
	wchar_t wide;

	if (len == 1)
		return isprint((unsigned char)text[0]) ? 1 : -1;
	if (mbrtowc(&wide, text, len, &state) != len)
		return 1; /* there is no UTF-8 locale */
	return wcwidth(wide);
}

static int text_width(const char *text)
{
	int width = 0;

	while (*text != '\0') {
		size_t n = sequence_length(text);

		width += character_width(text, n);
		text += n;
	}
	return width;
}

/* A copy with '?' for what is not UTF-8, and for control characters if asked:
 * some texts come from the network, and a terminal obeys them. */
static char *copy_clean(const char *text, bool without_controls)
{
	char *copy = malloc(strlen(text) + 1), *out = copy;

	while (copy != NULL && *text != '\0') {
		size_t n = sequence_length(text);

		if (n == 0 ||
			(without_controls && character_width(text, n) < 0)) {
			*out++ = '?';
		} else {
			memcpy(out, text, n);
			out += n;
		}
		text += n == 0 ? 1 : n;
	}
	if (copy != NULL)
		*out = '\0';
	return copy;
}

/* ---- table ------------------------------------------------------------- */

/* Spaces are printed only before a text: no line ends in them. */
static void print_line(const struct sp_output *output, char *const *cells)
{
	int spaces = 0;

	for (size_t i = 0; i < output->n_columns; i++) {
		int width = text_width(cells[i]);
		int pad = width < output->widths[i] ? output->widths[i] - width
						    : 0;
		bool is_right = output->columns[i].is_integer;

		spaces += (i == 0 ? 0 : GAP) + (is_right ? pad : 0);
		if (cells[i][0] != '\0') {
			fprintf(output->file, "%*s%s", spaces, "", cells[i]);
			spaces = 0;
		}
		spaces += is_right ? 0 : pad;
	}
	putc('\n', output->file);
}

static void widen(struct sp_output *output, char *const *cells)
{
	for (size_t i = 0; i < output->n_columns; i++) {
		int width = text_width(cells[i]);

		if (width > output->widths[i])
			output->widths[i] = width;
	}
}

static void free_cells(const struct sp_output *output, char **cells)
{
	for (size_t i = 0; i < output->n_columns; i++)
		free(cells[i]);
}

static int copy_cells(const struct sp_output *output, char **cells,
	const char *const *values, struct sp_err *err)
{
	for (size_t i = 0; i < output->n_columns; i++)
		cells[i] = NULL;
	for (size_t i = 0; i < output->n_columns; i++) {
		cells[i] = copy_clean(values[i] == NULL ? "" : values[i], true);
		if (cells[i] == NULL) {
			free_cells(output, cells);
			return sp_err_memory(err);
		}
	}
	return 0;
}

static void print_held(struct sp_output *output)
{
	for (size_t i = 0; i < output->n_held; i++) {
		char **cells = output->held + i * output->n_columns;

		print_line(output, cells);
		free_cells(output, cells);
	}
	output->n_held = 0;
	output->is_wide = true;
}

static int add_cells(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	char **cells = output->held + output->n_held * output->n_columns;

	if (copy_cells(output, cells, values, err) != 0)
		return -1;
	if (output->is_wide) {
		print_line(output, cells);
		free_cells(output, cells);
		return 0;
	}
	widen(output, cells);
	if (++output->n_held == HELD_ROWS)
		print_held(output);
	return 0;
}

static int table_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	locale_t before = uselocale(output->utf8);
	int rc = add_cells(output, values, err);

	uselocale(before);
	return rc;
}

static int add_header(struct sp_output *output, struct sp_err *err)
{
	output->n_held = 1;
	for (size_t i = 0; i < output->n_columns; i++) {
		char *name = strdup(output->columns[i].name);

		if (name == NULL)
			return sp_err_memory(err);
		for (char *p = name; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		output->held[i] = name;
	}
	widen(output, output->held);
	return 0;
}

static int table_begin(struct sp_output *output, struct sp_err *err)
{
	size_t n = output->n_columns;

	/* A process that never called setlocale is in the C locale, where
	 * wcwidth knows ASCII only. Without this one, every character counts
	 * as one column. */
	output->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	output->widths = calloc(n, sizeof *output->widths);
	output->held = calloc(n * HELD_ROWS, sizeof *output->held);
	if (output->widths == NULL || output->held == NULL)
		return sp_err_memory(err);
	return add_header(output, err);
}

static void table_end(struct sp_output *output)
{
	locale_t before = uselocale(output->utf8);

	print_held(output);
	uselocale(before);
}

/* ---- tsv --------------------------------------------------------------- */

static const char *tsv_escape(char c)
{
	switch (c) {
	case '\t': return "\\t";
	case '\r': return "\\r";
	case '\n': return "\\n";
	default: return "\\\\";
	}
}

static void print_tsv_value(FILE *file, const char *text)
{
	for (;;) {
		size_t n = strcspn(text, "\t\r\n\\");

		fwrite(text, 1, n, file);
		if (text[n] == '\0')
			return;
		fputs(tsv_escape(text[n]), file);
		text += n + 1;
	}
}

static int tsv_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	(void)err;
	for (size_t i = 0; i < output->n_columns; i++) {
		if (i > 0)
			putc('\t', output->file);
		if (values[i] != NULL)
			print_tsv_value(output->file, values[i]);
	}
	putc('\n', output->file);
	return 0;
}

/* ---- csv --------------------------------------------------------------- */

/* Readers strip blanks at the ends of a value without quotes, libcsv too. */
static bool needs_quotes(const char *text, size_t len)
{
	return text[strcspn(text, ",\"\r\n")] != '\0' ||
	       (len > 0 && (isblank((unsigned char)text[0]) ||
				   isblank((unsigned char)text[len - 1])));
}

static int csv_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	(void)err;
	for (size_t i = 0; i < output->n_columns; i++) {
		const char *text = values[i] == NULL ? "" : values[i];
		size_t len = strlen(text);

		if (i > 0)
			putc(',', output->file);
		/* An empty line would be no record. */
		if (needs_quotes(text, len) ||
			(len == 0 && output->n_columns == 1))
			csv_fwrite(output->file, text, len);
		else
			fwrite(text, 1, len, output->file);
	}
	putc('\n', output->file);
	return 0;
}

static int csv_begin(struct sp_output *output, struct sp_err *err)
{
	(void)err;
	for (size_t i = 0; i < output->n_columns; i++)
		fprintf(output->file, "%s%s", i > 0 ? "," : "",
			output->columns[i].name);
	putc('\n', output->file);
	return 0;
}

/* ---- json, jsonl ------------------------------------------------------- */

static json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *clean;

	if (value != NULL)
		return value;
	/* JSON must be UTF-8, jansson refuses anything else. */
	clean = copy_clean(text, false);
	if (clean != NULL)
		value = json_string(clean);
	free(clean);
	return value;
}

/* Sets *value to NULL when out of memory. Fails for a wrong number only. */
static int json_value(const struct sp_column *column, const char *text,
	json_t **value, struct sp_err *err)
{
	char *end;
	long long n;

	if (text == NULL || !column->is_integer) {
		*value = text == NULL ? json_null() : json_text(text);
		return 0;
	}
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return sp_err_set(err, SP_BUG,
			"column '%s': '%.40s' is not a "
			"number",
			column->name, text);
	*value = json_integer(n);
	return 0;
}

static int print_object(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	json_t *object = json_object();
	int rc = -1;

	if (object == NULL)
		return sp_err_memory(err);
	for (size_t i = 0; i < output->n_columns; i++) {
		const struct sp_column *column = &output->columns[i];
		json_t *value = NULL;

		if (json_value(column, values[i], &value, err) != 0)
			goto out;
		if (json_object_set_new(object, column->name, value) != 0) {
			sp_err_memory(err);
			goto out;
		}
	}
	if (json_dumpf(object, output->file, JSON_COMPACT) != 0 &&
		!ferror(output->file)) {
		sp_err_memory(err);
		goto out;
	}
	rc = 0;
out:
	json_decref(object);
	return rc;
}

static int json_begin(struct sp_output *output, struct sp_err *err)
{
	(void)err;
	putc('[', output->file);
	return 0;
}

static int json_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	fputs(output->n_rows == 0 ? "\n " : ",\n ", output->file);
	return print_object(output, values, err);
}

static void json_end(struct sp_output *output)
{
	fputs(output->n_rows == 0 ? "]\n" : "\n]\n", output->file);
}

static int jsonl_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	if (print_object(output, values, err) != 0)
		return -1;
	putc('\n', output->file);
	return 0;
}

/* ---- any format -------------------------------------------------------- */

static const struct format FORMATS[] = {
	{"table", table_begin, table_row, table_end},
	{"tsv", NULL, tsv_row, NULL},
	{"csv", csv_begin, csv_row, NULL},
	{"json", json_begin, json_row, json_end},
	{"jsonl", NULL, jsonl_row, NULL},
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
		if (strcmp(FORMATS[i].name, name) == 0)
			return &FORMATS[i];
	return NULL;
}

static void free_output(struct sp_output *output)
{
	for (size_t i = 0; i < output->n_held * output->n_columns; i++)
		free(output->held[i]);
	free(output->held);
	free(output->widths);
	if (output->utf8 != (locale_t)0)
		freelocale(output->utf8);
	free(output);
}

static int check_file(struct sp_output *output, struct sp_err *err)
{
	if (!ferror(output->file))
		return 0;
	if (output->error == 0)
		output->error = errno;
	return sp_err_set(err, SP_IO, "cannot write the listing: %s",
		strerror(output->error));
}

int sp_output_open(struct sp_output **out, FILE *file, const char *format,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err)
{
	struct sp_output *output;

	*out = NULL;
	if (format == NULL)
		format = isatty(fileno(file)) ? "table" : "tsv";
	if (find_format(format) == NULL)
		return sp_err_set(err, SP_USAGE,
			"unknown output format "
			"'%.40s', expected table, tsv, csv, json or jsonl",
			format);
	output = calloc(1, sizeof *output);
	if (output == NULL)
		return sp_err_memory(err);
	output->file = file;
	output->format = find_format(format);
	output->columns = columns;
	output->n_columns = n_columns;
	if (output->format->begin != NULL &&
		output->format->begin(output, err) != 0) {
		free_output(output);
		return -1;
	}
	*out = output;
	return 0;
}

int sp_output_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	if (output->format->row(output, values, err) != 0)
		return -1;
	output->n_rows++;
	return check_file(output, err);
}

int sp_output_close(struct sp_output *output, struct sp_err *err)
{
	int rc;

	if (output == NULL)
		return 0;
	if (output->format->end != NULL)
		output->format->end(output);
	if (fflush(output->file) != 0 && output->error == 0)
		output->error = errno;
	rc = check_file(output, err);
	free_output(output);
	return rc;
}
