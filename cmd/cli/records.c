/* Records of any format: telling which it is, names, the values of one. */
#include "cmd/cli/records.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/cli/record_format.h"

enum {
	PEEK = 16384, /* bytes of blanks and comments before a format shows */
};

/* ---- names ------------------------------------------------------------- */

static size_t count_names(const struct sp_records *records)
{
	return records->known.n + records->known.n_ignored;
}

const char *sp_record_name_text(const struct sp_records *records, size_t name)
{
	const struct sp_record_names *known = &records->known;

	return name < known->n ? known->names[name]
			       : known->ignored[name - known->n];
}

int sp_record_name(const struct sp_records *records, const char *what,
	const char *text, uint32_t *seen, size_t *name, struct sp_err *err)
{
	size_t n = count_names(records);
	uint32_t bit;

	if (sp_input_check(text, strlen(text), "", err) != 0)
		return sp_err_prefix(err, "%s: ", what);
	for (*name = 0; *name < n; (*name)++)
		if (strcasecmp(sp_record_name_text(records, *name), text) == 0)
			break;
	if (*name == n)
		return sp_err_set(err, SP_DATA,
			"unknown %s '%.60s', expected %s", what, text,
			records->expected);
	bit = UINT32_C(1) << *name;
	if (*seen & bit)
		return sp_err_set(err, SP_DATA,
			"%s '%s' a second time, expected only one", what,
			sp_record_name_text(records, *name));
	*seen |= bit;
	return 0;
}

void sp_record_list(const struct sp_records *records, const size_t *order,
	size_t n, char out[SP_RECORD_LIST])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && len < SP_RECORD_LIST; i++)
		len += (size_t)snprintf(out + len, SP_RECORD_LIST - len, "%s%s",
			i > 0 ? "," : "",
			sp_record_name_text(records,
				order == NULL ? i : order[i]));
}

/* ---- a mapping's values ------------------------------------------------ */

void sp_record_begin(struct sp_records *records, const char **fields)
{
	records->seen = 0;
	records->text_len = 0;
	for (size_t i = 0; i < records->known.n; i++)
		fields[i] = NULL;
}

int sp_record_set(struct sp_records *records, const char **fields, size_t name,
	const char *text, size_t len, struct sp_err *err)
{
	char *copy = records->text + records->text_len;

	if (len > SP_LINE_MAX - records->text_len)
		return sp_err_set(err, SP_DATA,
			"record is longer than %d bytes", SP_LINE_MAX);
	/* These an escape may stand for, in TSV as well. */
	if (sp_input_check(text, len, "\t\r\n", err) != 0)
		return sp_err_prefix(err,
			"%s: ", sp_record_name_text(records, name));
	memcpy(copy, text, len);
	copy[len] = '\0';
	records->text_len += len + 1;
	fields[name] = copy;
	return 0;
}

int sp_record_end(const struct sp_records *records, struct sp_err *err)
{
	if (records->seen & 1)
		return 0;
	return sp_err_set(err, SP_DATA, "no key '%s', expected some of %s",
		records->known.names[0], records->expected);
}

/* ---- which format ------------------------------------------------------ */

static bool begins(const char *text, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - text) >= len && memcmp(text, word, len) == 0;
}

static bool is_yaml(const char *at, const char *end)
{
	if (begins(at, end, "%YAML ") || begins(at, end, "---"))
		return true;
	return begins(at, end, "-") &&
	       (end - at == 1 || strchr(" \t\r\n", at[1]) != NULL);
}

static const struct sp_record_format *tell_format(const char *at,
	const char *end)
{
	bool in_comment = false, is_commented = false; /* as YAML may be */

	for (; at < end; at++)
		if (in_comment)
			in_comment = *at != '\n';
		else if (*at == '#')
			in_comment = is_commented = true;
		else if (*at == '\0' || strchr(" \t\r\n", *at) == NULL)
			break;
	if (at < end && (*at == '[' || *at == '{'))
		return is_commented ? &sp_records_yaml : &sp_records_json;
	return is_yaml(at, end) ? &sp_records_yaml : &sp_records_table;
}

static int open_format(struct sp_records *records, struct sp_err *err)
{
	char first[PEEK];
	size_t n;

	if (sp_input_peek(records->input, first, sizeof first, &n, err) != 0)
		return -1;
	records->format = tell_format(first, first + n);
	return records->format->open(records, err);
}

/* ---- reading ----------------------------------------------------------- */

int sp_records_open(struct sp_records **out, const char *path,
	const struct sp_record_names *names, struct sp_err *err)
{
	struct sp_records *records = calloc(1, sizeof *records);

	*out = NULL;
	if (records == NULL)
		return sp_err_memory(err);
	records->known = *names;
	assert(names->n > 0 && count_names(records) <= SP_RECORD_NAMES);
	sp_record_list(records, NULL, names->n, records->expected);
	if (sp_input_open(&records->input, path, '\n', err) != 0 ||
		open_format(records, err) != 0) {
		sp_records_close(records);
		return -1;
	}
	*out = records;
	return 0;
}

void sp_records_close(struct sp_records *records)
{
	if (records == NULL)
		return;
	if (records->format != NULL && records->state != NULL)
		records->format->close(records->state);
	sp_input_close(records->input);
	free(records);
}

int sp_records_next(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	int rc = records->is_over ? 0
				  : records->format->next(records, fields, err);

	if (rc == 0 || (rc < 0 && err->code != SP_DATA))
		records->is_over = true;
	return rc;
}

const char *sp_records_where(struct sp_records *records)
{
	return sp_input_where(records->input);
}

int64_t sp_records_line(const struct sp_records *records)
{
	return sp_input_line(records->input);
}

void sp_records_position(const struct sp_records *records, int64_t *done_bytes,
	int64_t *total_bytes)
{
	sp_input_position(records->input, done_bytes, total_bytes);
}
