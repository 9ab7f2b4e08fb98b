/* Records that tools read: named values from CSV, TSV, YAML or JSON. */
#ifndef SP_CMD_CLI_RECORDS_H
#define SP_CMD_CLI_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* What a column or key may be called; case does not count. At most 32 in all.
 * The arrays must outlive the records. */
struct sp_record_names {
	const char *const *names; /* the first must be in each record */
	size_t n;
	const char *const *ignored; /* known as well, but passed over */
	size_t n_ignored;
	/* A TSV file may have no header: its first line begins with digits and
	 * a TAB then, and the fields have the order of names, ignored. Those
	 * missing at a line's end are "". An empty file is none of records. */
	bool positional;
};

struct sp_records;

/* Opens a file, or standard input for "-", as sp_input_open does, and reads the
 * header if there is one. The content tells the format, not the name:
 *   [          JSON, a list of objects
 *   {          JSON, an object per line (JSON lines), or over several
 *   - --- %YAML   YAML, a list of mappings; comments may stand before
 *   otherwise  a line of column names, in any order, each at most once: TSV if
 *              it has a TAB, else CSV
 * TSV has no quotes; \t \n \r \\ stand for what our TSV output writes so. CSV
 * is RFC 4180, blanks around values are stripped. Fails with SP_DATA and
 * "FILE:1: ..." saying what was expected: an empty file, a missing or an
 * unknown column; and as sp_input_open. */
int sp_records_open(struct sp_records **records, const char *path,
	const struct sp_record_names *names, struct sp_err *err);
void sp_records_close(struct sp_records *records); /* accepts NULL */

/* The next record: fields[i] is that of names[i], NULL when the record has no
 * such column or key; null is "". The text of YAML values is taken as it
 * stands: 0100, yes. Borrowed until the next call. Returns 1, 0 at the end, -1
 * on error; after SP_DATA ("FILE:LINE: ...": a wrong number of columns,
 * malformed quotes, an unknown or a second key, a list as value, a control
 * character, longer than SP_LINE_MAX, ...) the next call goes on with the next
 * record, or ends when where that begins cannot be told. */
int sp_records_next(struct sp_records *records, const char **fields,
	struct sp_err *err);

/* "FILE:LINE: " of the last record (the line it begins in) or complaint, and
 * that line alone. Borrowed until the next call. */
const char *sp_records_where(struct sp_records *records);
int64_t sp_records_line(const struct sp_records *records);

/* How far reading has come, for a display of progress. */
void sp_records_position(const struct sp_records *records, int64_t *done_bytes,
	int64_t *total_bytes);

#endif
