/* Listings on standard output, one set of functions for each format. */
#include "cmd/cli/output.h"

#include <csv.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <yaml.h>

#include "cmd/cli/cell.h"
#include "cmd/cli/table.h"
#include "lib/text.h"

/* NULL where there is nothing to do. What stdio could not write shows in
 * ferror, not here. The rows that a million of are listed go through stdio's
 * _unlocked functions: half the time. */
struct format {
	const char *name;
	int (*begin)(struct sp_output *output, struct sp_err *err);
	int (*row)(struct sp_output *output, const char *const *values,
		struct sp_err *err);
	int (*flush)(struct sp_output *output, struct sp_err *err);
	int (*end)(struct sp_output *output, struct sp_err *err);
};

struct sp_output {
	FILE *file;
	const struct format *format;
	struct sp_column *columns; /* those that are listed, in their order */
	size_t *from;              /* their places among all columns */
	const char **values;       /* theirs of one row */
	size_t n_columns;
	bool has_header;
	int width;
	uint64_t n_rows;
	bool is_broken;         /* a row failed: the end would be none */
	int error;              /* errno of the first write that failed */
	struct sp_table *table; /* NULL in other formats */
	yaml_emitter_t emitter; /* all zero in other formats */
	bool is_line_ended;     /* by us, before the emitter does it */
};

/* ---- table ------------------------------------------------------------- */

static int table_begin(struct sp_output *output, struct sp_err *err)
{
	struct sp_table_shape shape = {.columns = output->columns,
		.n_columns = output->n_columns,
		.has_header = output->has_header,
		.width = output->width};

	while (shape.whole < shape.n_columns && output->from[shape.whole] != 0)
		shape.whole++;
	return sp_table_new(&output->table, output->file, &shape, err);
}

static int table_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	return sp_table_row(output->table, values, err);
}

static int table_flush(struct sp_output *output, struct sp_err *err)
{
	(void)err;
	sp_table_print(output->table);
	return 0;
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

		fwrite_unlocked(text, 1, n, file);
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
			putc_unlocked('\t', output->file);
		if (values[i] != NULL)
			print_tsv_value(output->file, values[i]);
	}
	putc_unlocked('\n', output->file);
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
			putc_unlocked(',', output->file);
		/* An empty line would be no record. */
		if (needs_quotes(text, len) ||
			(len == 0 && output->n_columns == 1))
			csv_fwrite(output->file, text, len);
		else
			fwrite_unlocked(text, 1, len, output->file);
	}
	putc_unlocked('\n', output->file);
	return 0;
}

static int csv_begin(struct sp_output *output, struct sp_err *err)
{
	(void)err;
	if (!output->has_header)
		return 0;
	for (size_t i = 0; i < output->n_columns; i++)
		fprintf(output->file, "%s%s", i > 0 ? "," : "",
			output->columns[i].name);
	putc_unlocked('\n', output->file);
	return 0;
}

/* ---- json, jsonl ------------------------------------------------------- */

static int read_integer(const struct sp_column *column, const char *text,
	long long *n, struct sp_err *err)
{
	char *end;

	errno = 0;
	*n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return sp_err_set(err, SP_BUG,
			"column '%s': '%.40s' is not a number", column->name,
			text);
	return 0;
}

static json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *clean;

	if (value != NULL)
		return value;
	/* JSON must be UTF-8, jansson refuses anything else. */
	clean = sp_cell_clean(text, false);
	if (clean != NULL)
		value = json_string(clean);
	free(clean);
	return value;
}

/* Sets *value to NULL when out of memory. Fails for a wrong number only. */
static int json_value(const struct sp_column *column, const char *text,
	json_t **value, struct sp_err *err)
{
	long long n;

	if (text == NULL || !column->is_integer) {
		*value = text == NULL ? json_null() : json_text(text);
		return 0;
	}
	if (read_integer(column, text, &n, err) != 0)
		return -1;
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

static int json_end(struct sp_output *output, struct sp_err *err)
{
	(void)err;
	fputs(output->n_rows == 0 ? "]\n" : "\n]\n", output->file);
	return 0;
}

static int jsonl_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	if (print_object(output, values, err) != 0)
		return -1;
	putc('\n', output->file);
	return 0;
}

/* ---- yaml -------------------------------------------------------------- */

/* Gets what libyaml has buffered. Its lines end where the next one begins. */
static int write_yaml(void *arg, unsigned char *bytes, size_t size)
{
	struct sp_output *output = arg;

	if (output->is_line_ended && size > 0 && bytes[0] == '\n') {
		bytes++;
		size--;
	}
	output->is_line_ended = false;
	return fwrite(bytes, 1, size, output->file) == size;
}

/* is_made: whether libyaml had the memory for the event. Takes the event. */
static int emit(struct sp_output *output, yaml_event_t *event, int is_made,
	struct sp_err *err)
{
	if (is_made && yaml_emitter_emit(&output->emitter, event))
		return 0;
	return ferror(output->file) ? 0 : sp_err_memory(err);
}

static int emit_scalar(struct sp_output *output, const char *text,
	yaml_scalar_style_t style, struct sp_err *err)
{
	yaml_event_t event;
	int is_made = yaml_scalar_event_initialize(&event, NULL, NULL,
		(const yaml_char_t *)text, (int)strlen(text), 1, 1, style);

	return emit(output, &event, is_made, err);
}

/* Does every reader, of YAML 1.1 or 1.2, take it for a text without quotes?
 * Only for what looks like a word or several: no number or date begins with a
 * letter. */
static bool is_plain(const char *text)
{
	static const char *const NOT_TEXT[] = {"y", "n", "yes", "no", "on",
		"off", "true", "false", "null"};
	static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789 _.@+-/:;=";
	size_t len = strlen(text);

	if (!isalpha((unsigned char)text[0]) || strspn(text, LETTERS) != len ||
		strchr(" :", text[len - 1]) != NULL ||
		strstr(text, ": ") != NULL)
		return false;
	for (size_t i = 0; i < sizeof NOT_TEXT / sizeof NOT_TEXT[0]; i++)
		if (strcasecmp(text, NOT_TEXT[i]) == 0)
			return false;
	return true;
}

static int emit_text(struct sp_output *output, const char *text,
	struct sp_err *err)
{
	char *clean = NULL;
	int rc;

	/* YAML must be UTF-8, libyaml refuses anything else. */
	if (!sp_text_is_utf8(text, strlen(text))) {
		clean = sp_cell_clean(text, false);
		if (clean == NULL)
			return sp_err_memory(err);
		text = clean;
	}
	rc = emit_scalar(output, text,
		is_plain(text) ? YAML_PLAIN_SCALAR_STYLE
			       : YAML_DOUBLE_QUOTED_SCALAR_STYLE,
		err);
	free(clean);
	return rc;
}

static int emit_value(struct sp_output *output, const struct sp_column *column,
	const char *text, struct sp_err *err)
{
	char digits[24];
	long long n;

	if (text != NULL && !column->is_integer)
		return emit_text(output, text, err);
	if (text == NULL)
		return emit_scalar(output, "null", YAML_PLAIN_SCALAR_STYLE,
			err);
	if (read_integer(column, text, &n, err) != 0)
		return -1;
	/* As a number is written: 007 would be octal to some readers. */
	snprintf(digits, sizeof digits, "%lld", n);
	return emit_scalar(output, digits, YAML_PLAIN_SCALAR_STYLE, err);
}

static int yaml_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	yaml_event_t event;
	int is_made = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
		YAML_BLOCK_MAPPING_STYLE);

	if (emit(output, &event, is_made, err) != 0)
		return -1;
	for (size_t i = 0; i < output->n_columns; i++) {
		const struct sp_column *column = &output->columns[i];

		if (emit_text(output, column->name, err) != 0 ||
			emit_value(output, column, values[i], err) != 0)
			return -1;
	}
	return emit(output, &event, yaml_mapping_end_event_initialize(&event),
		err);
}

static int yaml_begin(struct sp_output *output, struct sp_err *err)
{
	yaml_emitter_t *emitter = &output->emitter;
	yaml_event_t event;

	if (!yaml_emitter_initialize(emitter))
		return sp_err_memory(err);
	yaml_emitter_set_output(emitter, write_yaml, output);
	yaml_emitter_set_width(emitter, -1);
	yaml_emitter_set_unicode(emitter, 1);
	if (emit(output, &event,
		    yaml_stream_start_event_initialize(&event,
			    YAML_UTF8_ENCODING),
		    err) != 0 ||
		emit(output, &event,
			yaml_document_start_event_initialize(&event, NULL, NULL,
				NULL, 1),
			err) != 0)
		return -1;
	return emit(output, &event,
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
			YAML_BLOCK_SEQUENCE_STYLE),
		err);
}

static int yaml_flush(struct sp_output *output, struct sp_err *err)
{
	if (!yaml_emitter_flush(&output->emitter) && !ferror(output->file))
		return sp_err_memory(err);
	if (output->n_rows > 0 && !output->is_line_ended)
		putc('\n', output->file);
	output->is_line_ended = output->n_rows > 0;
	return 0;
}

static int yaml_end(struct sp_output *output, struct sp_err *err)
{
	yaml_event_t event;

	if (emit(output, &event, yaml_sequence_end_event_initialize(&event),
		    err) != 0 ||
		emit(output, &event,
			yaml_document_end_event_initialize(&event, 1), err))
		return -1;
	return emit(output, &event, yaml_stream_end_event_initialize(&event),
		err);
}

/* ---- columns ----------------------------------------------------------- */

static int fail_choice(const char *name, size_t len, const char *what,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err)
{
	char known[320] = "";
	size_t n = 0;

	for (size_t i = 0; i < n_columns && n < sizeof known; i++)
		n += (size_t)snprintf(known + n, sizeof known - n, "%s%s",
			i == 0 ? "" : ", ", columns[i].name);
	return sp_err_set(err, SP_USAGE, "--columns: '%.*s' is %s: %s",
		(int)(len < 40 ? len : 40), name, what, known);
}

static bool is_chosen(const struct sp_output *output, size_t from)
{
	for (size_t i = 0; i < output->n_columns; i++)
		if (output->from[i] == from)
			return true;
	return false;
}

static void choose(struct sp_output *output, const struct sp_column *columns,
	size_t from)
{
	output->columns[output->n_columns] = columns[from];
	output->from[output->n_columns++] = from;
}

/* Those of a list "a,b"; NULL: all. */
static int choose_columns(struct sp_output *output, const char *list,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err)
{
	size_t len, from;

	for (from = 0; list == NULL && from < n_columns; from++)
		choose(output, columns, from);
	for (; list != NULL; list = list[len] == '\0' ? NULL : list + len + 1) {
		len = strcspn(list, ",");
		for (from = 0; from < n_columns; from++)
			if (strncmp(columns[from].name, list, len) == 0 &&
				columns[from].name[len] == '\0')
				break;
		if (from == n_columns)
			return fail_choice(list, len, "not one of the columns",
				columns, n_columns, err);
		if (is_chosen(output, from))
			return fail_choice(list, len,
				"there twice, of the columns", columns,
				n_columns, err);
		choose(output, columns, from);
	}
	return 0;
}

/* ---- any format -------------------------------------------------------- */

static const struct format FORMATS[] = {
	{"table", table_begin, table_row, table_flush, table_flush},
	{"tsv", NULL, tsv_row, NULL, NULL},
	{"csv", csv_begin, csv_row, NULL, NULL},
	{"json", json_begin, json_row, NULL, json_end},
	{"jsonl", NULL, jsonl_row, NULL, NULL},
	{"yaml", yaml_begin, yaml_row, yaml_flush, yaml_end},
};

static int find_format(const char *name, const struct format **format,
	struct sp_err *err)
{
	for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
		if (strcmp(FORMATS[i].name, name) == 0) {
			*format = &FORMATS[i];
			return 0;
		}
	return sp_err_set(err, SP_USAGE,
		"unknown output format '%.40s', expected table, tsv, csv, "
		"json, jsonl or yaml",
		name);
}

static void free_output(struct sp_output *output)
{
	yaml_emitter_delete(&output->emitter);
	sp_table_free(output->table);
	free(output->values);
	free(output->from);
	free(output->columns);
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

static int flush_file(struct sp_output *output, struct sp_err *err)
{
	if (fflush(output->file) != 0 && output->error == 0)
		output->error = errno;
	return check_file(output, err);
}

int sp_output_width(int fd)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	int64_t columns;

	if (!isatty(fd))
		return 0;
	if (text != NULL && sp_text_to_int(text, 1, INT16_MAX, &columns))
		return (int)columns;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int begin(struct sp_output *output,
	const struct sp_output_options *options,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err)
{
	int fd = fileno(output->file);
	const char *format = options->format;

	if (format == NULL)
		format = isatty(fd) ? "table" : "tsv";
	output->has_header = !options->no_header;
	output->width =
		options->width != 0 ? options->width : sp_output_width(fd);
	output->columns = calloc(n_columns, sizeof *output->columns);
	output->from = calloc(n_columns, sizeof *output->from);
	output->values = calloc(n_columns, sizeof *output->values);
	if (output->columns == NULL || output->from == NULL ||
		output->values == NULL)
		return sp_err_memory(err);
	if (find_format(format, &output->format, err) != 0 ||
		choose_columns(output, options->columns, columns, n_columns,
			err) != 0)
		return -1;
	return output->format->begin == NULL
		       ? 0
		       : output->format->begin(output, err);
}

int sp_output_open(struct sp_output **out, FILE *file,
	const struct sp_output_options *options,
	const struct sp_column *columns, size_t n_columns, struct sp_err *err)
{
	struct sp_output *output = calloc(1, sizeof *output);

	*out = NULL;
	if (output == NULL)
		return sp_err_memory(err);
	output->file = file;
	if (begin(output, options, columns, n_columns, err) != 0) {
		free_output(output);
		return -1;
	}
	*out = output;
	return 0;
}

int sp_output_row(struct sp_output *output, const char *const *values,
	struct sp_err *err)
{
	for (size_t i = 0; i < output->n_columns; i++)
		output->values[i] = values[output->from[i]];
	if (output->format->row(output, output->values, err) != 0) {
		output->is_broken = true;
		return -1;
	}
	output->n_rows++;
	return check_file(output, err);
}

int sp_output_flush(struct sp_output *output, struct sp_err *err)
{
	if (output->format->flush != NULL &&
		output->format->flush(output, err) != 0)
		return -1;
	return flush_file(output, err);
}

int sp_output_close(struct sp_output *output, struct sp_err *err)
{
	int rc = 0;

	if (output == NULL)
		return 0;
	if (output->format->end != NULL && !output->is_broken)
		rc = output->format->end(output, err);
	if (flush_file(output, err) != 0)
		rc = -1;
	free_output(output);
	return rc;
}
