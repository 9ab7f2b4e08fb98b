/* Text that tools read, line by line in bounded memory. */
#include "cmd/cli/input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/text.h"

enum {
	NAME_MAX_SHOWN = 256, /* bytes of the file's name in messages */
};

struct sp_input {
	FILE *file; /* one that can be sought in */
	char end;   /* of a line: '\n' or '\0' */
	off_t start;
	char name[NAME_MAX_SHOWN + 1];
	char where[NAME_MAX_SHOWN + 32];
	int64_t done_bytes, total_bytes;
	int64_t line_number;        /* of the line that was read last */
	int64_t where_line;         /* that `where` names */
	char line[SP_LINE_MAX + 2]; /* with a CR, and the NUL */
	size_t len;
};

/* ---- opening ----------------------------------------------------------- */

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

/* Standard input may stand behind what a shell has read of it already. */
static int find_start(struct sp_input *input, struct sp_err *err)
{
	char mark[3];
	struct stat st;

	input->start = ftello(input->file);
	if (input->start < 0 || fstat(fileno(input->file), &st) != 0)
		return fail_read(input, SP_IO, err);
	input->total_bytes = st.st_size - input->start;
	if (input->end == '\0')
		return 0;
	if (fread(mark, 1, sizeof mark, input->file) == sizeof mark &&
		memcmp(mark, "\xef\xbb\xbf", sizeof mark) == 0) {
		input->start += (off_t)sizeof mark;
		input->done_bytes = (int64_t)sizeof mark;
	}
	if (ferror(input->file) ||
		fseeko(input->file, input->start, SEEK_SET) != 0)
		return fail_read(input, SP_IO, err);
	return 0;
}

int sp_input_open(struct sp_input **out, const char *path, char end,
	struct sp_err *err)
{
	struct sp_input *input = calloc(1, sizeof *input);

	*out = NULL;
	if (input == NULL)
		return sp_err_memory(err);
	input->end = end;
	if (open_file(input, path, err) != 0 || find_start(input, err) != 0) {
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
	free(input);
}

/* ---- places ------------------------------------------------------------ */

const char *sp_input_where(struct sp_input *input)
{
	snprintf(input->where, sizeof input->where, "%s:%" PRId64 ": ",
		input->name, input->where_line);
	return input->where;
}

int64_t sp_input_line(const struct sp_input *input)
{
	return input->where_line;
}

int64_t sp_input_read_line(const struct sp_input *input)
{
	return input->line_number;
}

void sp_input_mark(struct sp_input *input, int64_t line)
{
	input->where_line = line;
}

int sp_input_blame(struct sp_input *input, struct sp_err *err)
{
	err->code = SP_DATA;
	return sp_err_prefix(err, "%s", sp_input_where(input));
}

void sp_input_position(const struct sp_input *input, int64_t *done_bytes,
	int64_t *total_bytes)
{
	*done_bytes = input->done_bytes;
	/* A file may grow while it is read. */
	*total_bytes = input->done_bytes > input->total_bytes
			       ? input->done_bytes
			       : input->total_bytes;
}

/* ---- bytes ------------------------------------------------------------- */

int sp_input_bytes(struct sp_input *input, char *buffer, size_t size, size_t *n,
	struct sp_err *err)
{
	*n = fread(buffer, 1, size, input->file);
	input->done_bytes += (int64_t)*n;
	return ferror(input->file) ? fail_read(input, SP_IO, err) : 0;
}

int sp_input_peek(struct sp_input *input, char *buffer, size_t size, size_t *n,
	struct sp_err *err)
{
	*n = fread(buffer, 1, size, input->file);
	if (ferror(input->file) ||
		fseeko(input->file, input->start, SEEK_SET) != 0)
		return fail_read(input, SP_IO, err);
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

/* Reads to the line's end, keeps what fits, and counts all in len. Returns 1,
 * 0 when there was nothing more, -1 when it cannot read. */
static int read_bytes(struct sp_input *input, struct sp_err *err)
{
	int c = getc_unlocked(input->file);

	if (c == EOF && !ferror(input->file))
		return 0;
	for (input->len = 0; c != EOF && c != input->end;
		c = getc_unlocked(input->file))
		if (input->len++ <= SP_LINE_MAX)
			input->line[input->len - 1] = (char)c;
	if (ferror(input->file))
		return fail_read(input, SP_IO, err);
	input->done_bytes += (int64_t)input->len + (c != EOF);
	input->line_number++;
	return 1;
}

static void trim_line(struct sp_input *input)
{
	if (input->end == '\n' && input->len > 0 &&
		input->len <= SP_LINE_MAX + 1 &&
		input->line[input->len - 1] == '\r')
		input->len--;
}

int sp_input_check(const char *text, size_t len, const char *allowed,
	struct sp_err *err)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' || c == 0x7f) &&
			(c == '\0' || strchr(allowed, c) == NULL))
			return sp_err_set(err, SP_DATA,
				"a control character "
				"(0x%02x), expected text",
				c);
	}
	if (!sp_text_is_utf8(text, len))
		return sp_err_set(err, SP_DATA, "not valid UTF-8");
	return 0;
}

static int check_line(const struct sp_input *input, struct sp_err *err)
{
	if (input->len > SP_LINE_MAX)
		return sp_err_set(err, SP_DATA, "%s is longer than %d bytes",
			input->end == '\n' ? "line" : "item", SP_LINE_MAX);
	return sp_input_check(input->line, input->len, "\t", err);
}

int sp_input_next(struct sp_input *input, const char **line, size_t *len,
	struct sp_err *err)
{
	int rc = read_bytes(input, err);

	if (rc != 1)
		return rc;
	trim_line(input);
	if (check_line(input, err) != 0) {
		sp_input_mark(input, input->line_number);
		return sp_input_blame(input, err);
	}
	input->line[input->len] = '\0';
	*line = input->line;
	*len = input->len;
	return 1;
}

int sp_input_field(struct sp_input *input, const char **field,
	struct sp_err *err)
{
	size_t len;
	int rc;

	do {
		rc = sp_input_next(input, field, &len, err);
		if (rc != 1)
			return rc;
	} while (len == 0);
	sp_input_mark(input, input->line_number);
	if (input->end == '\0')
		return 1;
	input->line[strcspn(input->line, "\t")] = '\0';
	if (input->line[0] != '\0')
		return 1;
	sp_err_set(err, SP_DATA, "nothing before the first TAB");
	return sp_input_blame(input, err);
}
