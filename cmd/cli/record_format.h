/* What the formats of records share; only for records*.c. */
#ifndef SP_CMD_CLI_RECORD_FORMAT_H
#define SP_CMD_CLI_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/cli/input.h"
#include "cmd/cli/records.h"
#include "lib/err.h"

enum {
	SP_RECORD_NAMES = 32, /* names and ignored ones */
	SP_RECORD_LIST = 256, /* bytes of names in a message */
};

/* As sp_records_open and _next, which say more. close comes also after a failed
 * open, state is NULL if there was none. */
struct sp_record_format {
	int (*open)(struct sp_records *records, struct sp_err *err);
	int (*next)(struct sp_records *records, const char **fields,
		struct sp_err *err);
	void (*close)(void *state);
};

extern const struct sp_record_format sp_records_table; /* CSV, TSV */
extern const struct sp_record_format sp_records_json;
extern const struct sp_record_format sp_records_yaml;

struct sp_records {
	struct sp_input *input;
	struct sp_record_names known;
	char expected[SP_RECORD_LIST]; /* the names, "login,first" */
	const struct sp_record_format *format;
	void *state;  /* the format's own */
	bool is_over; /* nothing more can be read */
	/* Of the mapping or object that is being read: */
	uint32_t seen; /* a bit for each name */
	char text[SP_LINE_MAX + 2];
	size_t text_len;
};

/* The index of a column or key, from n on an ignored one; it goes into *seen.
 * what: "column" or "key". Fails with SP_DATA for one that is unknown or there
 * twice. */
int sp_record_name(const struct sp_records *records, const char *what,
	const char *text, uint32_t *seen, size_t *name, struct sp_err *err);
const char *sp_record_name_text(const struct sp_records *records, size_t name);

/* "login,first" of n names, in this order, or in that of the names. */
void sp_record_list(const struct sp_records *records, const size_t *order,
	size_t n, char out[SP_RECORD_LIST]);

/* A mapping is read by begin, set for each key that is not ignored (checks and
 * copies the text), and end, which misses the first name. */
void sp_record_begin(struct sp_records *records, const char **fields);
int sp_record_set(struct sp_records *records, const char **fields, size_t name,
	const char *text, size_t len, struct sp_err *err);
int sp_record_end(const struct sp_records *records, struct sp_err *err);

/* A line's values, each with a NUL; those past the names are only counted. */
struct sp_cells {
	char text[SP_LINE_MAX + 2];
	size_t len;
	size_t at[SP_RECORD_NAMES]; /* where in text they begin */
	size_t n;
};

/* CSV: splits a line that was read, and those that a quoted value goes on in.
 * Returns 0; -1, with `where` in front. */
struct sp_csv;
struct sp_csv *sp_csv_new(void); /* NULL: out of memory */
void sp_csv_free(struct sp_csv *csv);
int sp_csv_split(struct sp_csv *csv, struct sp_input *input, const char *line,
	size_t len, struct sp_cells *cells, struct sp_err *err);

#endif
