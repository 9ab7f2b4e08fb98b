/* The values of a CSV line, by libcsv. */
#include <assert.h>
#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/record_format.h"

struct sp_csv {
	struct csv_parser parser;
	bool is_clean; /* the parser is between two records */
	struct sp_cells *cells;
};

struct sp_csv *sp_csv_new(void)
{
	struct sp_csv *csv = calloc(1, sizeof *csv);

	if (csv != NULL)
		csv_init(&csv->parser, CSV_STRICT);
	return csv;
}

void sp_csv_free(struct sp_csv *csv)
{
	if (csv == NULL)
		return;
	csv_free(&csv->parser);
	free(csv);
}

/* The record's bytes are limited, so that all of its fields fit. */
static void keep_field(void *field, size_t len, void *arg)
{
	struct sp_csv *csv = arg;
	struct sp_cells *cells = csv->cells;
	size_t i = cells->n++;

	if (i >= SP_RECORD_NAMES)
		return;
	assert(cells->len + len < sizeof cells->text);
	cells->at[i] = cells->len;
	memcpy(cells->text + cells->len, field, len);
	cells->len += len;
	cells->text[cells->len++] = '\0';
}

static void end_record(int end, void *arg)
{
	struct sp_csv *csv = arg;

	(void)end;
	csv->is_clean = true;
}

static void start_record(struct sp_csv *csv, struct sp_cells *cells)
{
	if (!csv->is_clean) {
		csv_free(&csv->parser);
		csv_init(&csv->parser, CSV_STRICT);
	}
	csv->is_clean = false;
	csv->cells = cells;
	cells->len = 0;
	cells->n = 0;
}

static bool parse(struct sp_csv *csv, const char *text, size_t len)
{
	return csv_parse(&csv->parser, text, len, keep_field, end_record,
		       csv) == len;
}

/* A record that ended before an error in its line is not one. */
static int parse_line(struct sp_csv *csv, const char *line, size_t len,
	struct sp_err *err)
{
	if (parse(csv, line, len) && parse(csv, "\n", 1))
		return 0;
	csv->is_clean = false;
	if (csv_error(&csv->parser) == CSV_ENOMEM)
		return sp_err_memory(err);
	return sp_err_set(err, SP_DATA,
		"malformed quotes, expected them around a "
		"whole value and doubled inside it");
}

int sp_csv_split(struct sp_csv *csv, struct sp_input *input, const char *line,
	size_t len, struct sp_cells *cells, struct sp_err *err)
{
	size_t bytes = 0;
	int rc;

	start_record(csv, cells);
	for (;;) {
		bytes += len + 1;
		if (bytes > SP_LINE_MAX + 1) {
			sp_err_set(err, SP_DATA,
				"record is longer than %d "
				"bytes: is a quote not closed?",
				SP_LINE_MAX);
			break;
		}
		if (parse_line(csv, line, len, err) != 0)
			break;
		if (csv->is_clean)
			return 0;
		rc = sp_input_next(input, &line, &len, err);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			sp_err_set(err, SP_DATA, "a quote is not closed");
			break;
		}
	}
	return err->code == SP_DATA ? sp_input_blame(input, err) : -1;
}
