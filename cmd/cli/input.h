/* Text that tools read: lists of operands here, and what the readers of
 * records (cmd/cli/records.h) are built on. */
#ifndef SP_CMD_CLI_INPUT_H
#define SP_CMD_CLI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum {
	SP_LINE_MAX = 16384, /* bytes of one line or record, without its end */
};

struct sp_input;

/* Opens a file, or standard input for "-". end: '\n' for lines, whose CRLF and
 * a byte order mark in front are accepted; '\0' for items that each end with a
 * NUL. What is no regular file is read to its end here and now: call this
 * before a transaction, which must not wait for a slow writer, and in a pipe of
 * two tools not for the other's transaction. Errors: SP_NOINPUT, SP_NOPERM or
 * SP_IO, "cannot read 'FILE': reason". */
int sp_input_open(struct sp_input **input, const char *path, char end,
	struct sp_err *err);
void sp_input_close(struct sp_input *input); /* accepts NULL */

/* The next operand of a list: a line's first TAB-separated field, or a whole
 * item. Empty ones are passed over. *field is borrowed until the next call.
 * Returns 1, 0 at the end, -1 on error; after SP_DATA ("FILE:LINE: ...": too
 * long, not UTF-8, a NUL or another control character) the next call goes on
 * with the next line. */
int sp_input_field(struct sp_input *input, const char **field,
	struct sp_err *err);

/* "FILE:LINE: " of the last line, to put in front of a sentence about it, and
 * that line alone. Items are counted as lines. Standard input is called
 * "standard input". Borrowed until the next call. */
const char *sp_input_where(struct sp_input *input);
int64_t sp_input_line(const struct sp_input *input);

/* How far reading has come, for a display of progress. */
void sp_input_position(const struct sp_input *input, int64_t *done_bytes,
	int64_t *total_bytes);

/* ---- for readers of formats -------------------------------------------- */

/* The next line, also an empty one, checked as sp_input_field does, borrowed.
 * Becomes `where` only if it is bad. Returns as sp_input_field. */
int sp_input_next(struct sp_input *input, const char **line, size_t *len,
	struct sp_err *err);

/* The number of the line that sp_input_next gave last. */
int64_t sp_input_read_line(const struct sp_input *input);

/* The next bytes as they stand, *n of them, fewer than size only at the end;
 * lines are not counted. Fails with SP_IO. */
int sp_input_bytes(struct sp_input *input, char *buffer, size_t size, size_t *n,
	struct sp_err *err);

/* The first bytes, behind a byte order mark. Only before any other read. */
int sp_input_peek(struct sp_input *input, char *buffer, size_t size, size_t *n,
	struct sp_err *err);

/* Is this text: UTF-8 without control characters other than the allowed? Fails
 * with SP_DATA, no place in front. */
int sp_input_check(const char *text, size_t len, const char *allowed,
	struct sp_err *err);

/* From here on `where` is this line. */
void sp_input_mark(struct sp_input *input, int64_t line);

/* Puts `where` in front of the sentence in err, code SP_DATA. Returns -1. */
int sp_input_blame(struct sp_input *input, struct sp_err *err);

#endif
