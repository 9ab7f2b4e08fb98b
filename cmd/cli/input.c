/* Lists and tables that tools read, line by line in bounded memory. */
#include "cmd/cli/input.h"

#include <assert.h>
#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/text.h"

enum {
	MAX_COLUMNS = 32,     /* of the names; a line may have more */
	NAME_MAX_SHOWN = 256, /* bytes of the file's name in messages */
};

struct sp_input {
	FILE *file;
	char name[NAME_MAX_SHOWN + 1];
	char where[NAME_MAX_SHOWN + 32];
	uint64_t line_number;
	uint64_t where_line;        /* that `where` names */
	char line[SP_LINE_MAX + 2]; /* with a CR, and the NUL */
	size_t len;
	/* CSV: the record that is being read. */
	struct csv_parser parser;
	char text[SP_LINE_MAX + 2]; /* its fields, each with a NUL */
	size_t text_len;
	size_t field_at[MAX_COLUMNS]; /* where in text they begin */
	size_t n_fields;
	bool is_complete;
	/* CSV: what the header said. */
	size_t n_names;
	size_t name_of[MAX_COLUMNS]; /* a column's index in names */
	size_t n_columns;
	char expected[256]; /* the columns, "login,first" */
};

/* ---- lines ------------------------------------------------------------- */

/* `code` for what is neither a missing file nor a forbidden one. */
static int fail_read(const struct sp_input *input, enum sp_code code,
	struct sp_err *err)
{
	const char *quote = input->file == stdin ? "" : "'";
	int error = errno;

	if (error == EACCES || error == EPERM)
		code = SP_NOPERM;
	return sp_err_set(err, code, "cannot read %s%s%s: %s", quote,
		input->name, quote, strerror(error));
}

/* Copies what comes through a pipe or from a terminal into an unnamed file. */
static int spool(struct sp_input *input, struct sp_err *err)
{
	FILE *copy = tmpfile();
	char buffer[65536];
	size_t n;

	if (copy == NULL)
		return fail_read(input, SP_IO, err);
	while ((n = fread(buffer, 1, sizeof buffer, input->file)) > 0)
		if (fwrite(buffer, 1, n, copy) != n)
			break;
	if (ferror(input->file) || ferror(copy) || fflush(copy) != 0) {
		fail_read(input, SP_IO, err);
		fclose(copy);
		return -1;
	}
	rewind(copy);
	if (input->file != stdin)
		fclose(input->file);
	input->file = copy;
	return 0;
}

static int open_file(struct sp_input *input, const char *path,
	struct sp_err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	snprintf(input->name, sizeof input->name, "%s",
		is_stdin ? "standard input" : path);
	input->file = is_stdin ? stdin : fopen(path, "re");
	if (input->file == NULL || fstat(fileno(input->file), &st) != 0)
		return fail_read(input, SP_NOINPUT, err);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return fail_read(input, SP_NOINPUT, err);
	}
	return S_ISREG(st.st_mode) ? 0 : spool(input, err);
}

int sp_input_open(struct sp_input **out, const char *path, struct sp_err *err)
{
	struct sp_input *input = calloc(1, sizeof *input);

	*out = NULL;
	if (input == NULL)
		return sp_err_memory(err);
	csv_init(&input->parser, CSV_STRICT);
	if (open_file(input, path, err) != 0) {
		sp_input_close(input);
		return -1;
	}
	*out = input;
	return 0;
}

void sp_input_close(struct sp_input *input)
{
	if (input == NULL)
		return;
	if (input->file != NULL && input->file != stdin)
		fclose(input->file);
	csv_free(&input->parser);
	free(input);
}

const char *sp_input_where(const struct sp_input *input)
{
	return input->where;
}

int64_t sp_input_line(const struct sp_input *input)
{
	return (int64_t)input->where_line;
}

/* From here on `where` is the line that was read last. */
static void mark_where(struct sp_input *input)
{
	input->where_line = input->line_number;
	snprintf(input->where, sizeof input->where, "%s:%" PRIu64 ": ",
		input->name, input->line_number);
}

/* For a sentence in err that is about `where`. */
static int blame(const struct sp_input *input, struct sp_err *err)
{
	err->code = SP_DATA;
	return sp_err_prefix(err, "%s", input->where);
}

/* Reads to the line's end, keeps what fits, and counts all in len. Returns 1,
 * 0 when there was nothing more, -1 when it cannot read. */
static int read_bytes(struct sp_input *input, struct sp_err *err)
{
	int c = getc_unlocked(input->file);

	if (c == EOF && !ferror(input->file))
		return 0;
	for (input->len = 0; c != EOF && c != '\n';
		c = getc_unlocked(input->file))
		if (input->len++ <= SP_LINE_MAX)
			input->line[input->len - 1] = (char)c;
	if (ferror(input->file))
		return fail_read(input, SP_IO, err);
	input->line_number++;
	return 1;
}

/* Takes off a CR at the end and a byte order mark at the very beginning. */
static void trim_line(struct sp_input *input)
{
	static const char MARK[] = "\xef\xbb\xbf";
	size_t n = sizeof MARK - 1;

	if (input->len > 0 && input->len <= SP_LINE_MAX + 1 &&
		input->line[input->len - 1] == '\r')
		input->len--;
	if (input->line_number == 1 && input->len >= n &&
		input->len <= SP_LINE_MAX &&
		memcmp(input->line, MARK, n) == 0) {
		input->len -= n;
		memmove(input->line, input->line + n, input->len);
	}
}

static int check_line(const struct sp_input *input, struct sp_err *err)
{
	if (input->len > SP_LINE_MAX)
		return sp_err_set(err, SP_DATA, "line is longer than %d bytes",
			SP_LINE_MAX);
	for (size_t i = 0; i < input->len; i++) {
		unsigned char c = (unsigned char)input->line[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return sp_err_set(err, SP_DATA,
				"a control character "
				"(0x%02x), expected text",
				c);
	}
	if (!sp_text_is_utf8(input->line, input->len))
		return sp_err_set(err, SP_DATA, "not valid UTF-8");
	return 0;
}

/* Returns as sp_input_field. */
static int read_line(struct sp_input *input, struct sp_err *err)
{
	int rc = read_bytes(input, err);

	if (rc != 1)
		return rc;
	trim_line(input);
	if (check_line(input, err) != 0) {
		mark_where(input);
		return blame(input, err);
	}
	input->line[input->len] = '\0';
	return 1;
}

int sp_input_field(struct sp_input *input, const char **field,
	struct sp_err *err)
{
	int rc;

	do {
		rc = read_line(input, err);
		if (rc != 1)
			return rc;
	} while (input->len == 0);
	mark_where(input);
	input->line[strcspn(input->line, "\t")] = '\0';
	*field = input->line;
	if (input->line[0] != '\0')
		return 1;
	sp_err_set(err, SP_DATA, "nothing before the first TAB");
	return blame(input, err);
}

/* ---- CSV records ------------------------------------------------------- */

/* The record's bytes are limited, so that all of its fields fit. */
static void keep_field(void *field, size_t len, void *arg)
{
	struct sp_input *input = arg;
	size_t i = input->n_fields++;

	if (i >= MAX_COLUMNS)
		return;
	assert(input->text_len + len < sizeof input->text);
	input->field_at[i] = input->text_len;
	memcpy(input->text + input->text_len, field, len);
	input->text_len += len;
	input->text[input->text_len++] = '\0';
}

static void end_record(int end, void *arg)
{
	struct sp_input *input = arg;

	(void)end;
	input->is_complete = true;
}

static void start_record(struct sp_input *input)
{
	csv_free(&input->parser);
	csv_init(&input->parser, CSV_STRICT);
	input->text_len = 0;
	input->n_fields = 0;
	input->is_complete = false;
}

static int parse_line(struct sp_input *input, struct sp_err *err)
{
	size_t len = input->len + 1;

	input->line[input->len] = '\n';
	if (csv_parse(&input->parser, input->line, len, keep_field, end_record,
		    input) == len)
		return 0;
	if (csv_error(&input->parser) == CSV_ENOMEM)
		return sp_err_memory(err);
	sp_err_set(err, SP_DATA,
		"malformed quotes, expected them around a "
		"whole value and doubled inside it");
	return blame(input, err);
}

/* Parses the line that was read, and those that a quoted value goes on in.
 * Returns 1 or -1. */
static int read_rest(struct sp_input *input, struct sp_err *err)
{
	size_t bytes = 0;
	int rc;

	start_record(input);
	for (;;) {
		bytes += input->len + 1;
		if (bytes > SP_LINE_MAX + 1) {
			sp_err_set(err, SP_DATA,
				"record is longer than %d "
				"bytes: is a quote not closed?",
				SP_LINE_MAX);
			return blame(input, err);
		}
		if (parse_line(input, err) != 0)
			return -1;
		if (input->is_complete)
			return 1;
		rc = read_line(input, err);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			sp_err_set(err, SP_DATA, "a quote is not closed");
			return blame(input, err);
		}
	}
}

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t")] == '\0';
}

/* Returns as sp_input_field. */
static int read_record(struct sp_input *input, struct sp_err *err)
{
	int rc;

	do {
		rc = read_line(input, err);
		if (rc != 1)
			return rc;
	} while (is_blank(input->line));
	mark_where(input);
	return read_rest(input, err);
}

/* ---- CSV header -------------------------------------------------------- */

/* "login,first,last" for messages: the known names, or the file's columns. */
static void list_names(struct sp_input *input, const char *const *names,
	const size_t *order, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < sizeof input->expected; i++)
		len += (size_t)snprintf(input->expected + len,
			sizeof input->expected - len, "%s%s", i > 0 ? "," : "",
			names[order == NULL ? i : order[i]]);
}

static int read_column(struct sp_input *input, const char *const *names,
	size_t column, struct sp_err *err)
{
	const char *text = input->text + input->field_at[column];
	size_t name = 0;

	while (name < input->n_names && strcasecmp(names[name], text) != 0)
		name++;
	if (name == input->n_names)
		return sp_err_set(err, SP_DATA,
			"unknown column '%.60s', expected %s", text,
			input->expected);
	for (size_t i = 0; i < column; i++)
		if (input->name_of[i] == name)
			return sp_err_set(err, SP_DATA,
				"column '%s' a second time, expected only one",
				names[name]);
	input->name_of[column] = name;
	return 0;
}

static int read_columns(struct sp_input *input, const char *const *names,
	struct sp_err *err)
{
	bool has_first = false;

	/* One more than there are names is unknown or there twice. */
	for (size_t i = 0; i < input->n_fields; i++) {
		if (read_column(input, names, i, err) != 0)
			return -1;
		has_first = has_first || input->name_of[i] == 0;
	}
	if (!has_first)
		return sp_err_set(err, SP_DATA,
			"no column '%s', expected some of %s", names[0],
			input->expected);
	return 0;
}

int sp_input_csv_header(struct sp_input *input, const char *const *names,
	size_t n, struct sp_err *err)
{
	int rc;

	assert(n < MAX_COLUMNS);
	input->n_names = n;
	list_names(input, names, NULL, n);
	rc = read_record(input, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		input->line_number = 1;
		mark_where(input);
		sp_err_set(err, SP_DATA, "no header, expected %s",
			input->expected);
		return blame(input, err);
	}
	if (read_columns(input, names, err) != 0)
		return blame(input, err);
	input->n_columns = input->n_fields;
	list_names(input, names, input->name_of, input->n_columns);
	return 0;
}

int sp_input_csv_record(struct sp_input *input, const char **fields,
	struct sp_err *err)
{
	int rc = read_record(input, err);

	if (rc != 1)
		return rc;
	if (input->n_fields != input->n_columns) {
		sp_err_set(err, SP_DATA, "%zu column%s, expected %zu (%s)",
			input->n_fields, input->n_fields == 1 ? "" : "s",
			input->n_columns, input->expected);
		return blame(input, err);
	}
	for (size_t i = 0; i < input->n_names; i++)
		fields[i] = NULL;
	for (size_t i = 0; i < input->n_columns; i++)
		fields[input->name_of[i]] = input->text + input->field_at[i];
	return 1;
}
