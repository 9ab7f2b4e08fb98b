/* Lists and tables that tools read: one operand per line, or CSV. */
#ifndef SP_CMD_CLI_INPUT_H
#define SP_CMD_CLI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum {
	SP_LINE_MAX = 16384, /* bytes of one input line, without its end */
};

struct sp_input;

/* Opens a file, or standard input for "-". What is no regular file is read to
 * its end here and now: call this before a transaction, which must not wait for
 * a slow writer, and in a pipe of two tools not for the other's transaction.
 * Errors: SP_NOINPUT, SP_NOPERM or SP_IO, "cannot read 'FILE': reason". */
int sp_input_open(struct sp_input **input, const char *path,
	struct sp_err *err);
void sp_input_close(struct sp_input *input); /* accepts NULL */

/* The next line's first TAB-separated field, for lists of operands. Empty
 * lines are passed over; CRLF and a byte order mark are accepted. *field is
 * borrowed until the next call. Returns 1, 0 at the end, -1 on error; after
 * SP_DATA ("FILE:LINE: ...": a line too long, not UTF-8, a NUL or another
 * control character) the next call goes on with the next line. */
int sp_input_field(struct sp_input *input, const char **field,
	struct sp_err *err);

/* Reads the header line of a CSV file: the names of columns, in any order,
 * each at most once, case ignored. `names` are the n that are known; the first
 * of them must be there. Fails with SP_DATA, and "FILE:1: ..." saying what was
 * expected: an empty file, a missing or an unknown column. */
int sp_input_csv_header(struct sp_input *input, const char *const *names,
	size_t n, struct sp_err *err);

/* The next record: fields[i] is that of names[i], NULL when the file has no
 * such column. Borrowed until the next call. Returns as sp_input_field; also
 * SP_DATA for a wrong number of columns and malformed quotes. A record may
 * span lines (quoted line ends). Empty lines are passed over. */
int sp_input_csv_record(struct sp_input *input, const char **fields,
	struct sp_err *err);

/* "FILE:LINE: " of the last line or record (the line it began in), to put in
 * front of a sentence about it, and that line alone. Standard input is called
 * "standard input". */
const char *sp_input_where(const struct sp_input *input);
int64_t sp_input_line(const struct sp_input *input);

#endif
