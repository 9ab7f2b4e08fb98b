/* Records in any format; and what was read, written in each, is read back. */
#include "cmd/cli/input.h"
#include "cmd/cli/output.h"
#include "cmd/cli/records.h"
#include "lib/text.h"
#include "tests/fuzz/fuzz.h"

enum { N_NAMES = 4, MAX_KEPT = 16, MAX_TEXT = 2048 };

static const char *const NAMES[N_NAMES] = {"number", "login", "first", "last"};
static const char *const IGNORED[] = {"secret"};
static const struct sp_column COLUMNS[N_NAMES] = {{.name = "number"},
	{.name = "login"}, {.name = "first"}, {.name = "last"}};
static const struct sp_record_names KNOWN = {.names = NAMES,
	.n = N_NAMES,
	.ignored = IGNORED,
	.n_ignored = 1,
	.positional = true};

struct kept {
	char *text[MAX_KEPT][N_NAMES];
	int n;
};

/* A number comes first; and no text of ours has a CR, which CSV could not tell
 * from a line's end. */
static bool is_writable(const char *const *fields)
{
	size_t len = 0;

	if (fields[0] == NULL || !sp_text_is_digits(fields[0]))
		return false;
	for (int i = 0; i < N_NAMES; i++) {
		if (fields[i] == NULL)
			continue;
		if (strchr(fields[i], '\r') != NULL)
			return false;
		len += strlen(fields[i]);
	}
	return len <= MAX_TEXT;
}

static void keep(struct kept *kept, const char *const *fields)
{
	if (kept->n == MAX_KEPT || !is_writable(fields))
		return;
	for (int i = 0; i < N_NAMES; i++) {
		const char *text = fields[i] == NULL ? "" : fields[i];

		kept->text[kept->n][i] =
			fuzz_text((const uint8_t *)text, strlen(text));
	}
	kept->n++;
}

static void check_fields(const char *const *fields)
{
	for (int i = 0; i < N_NAMES; i++) {
		const char *text = fields[i];

		if (text == NULL)
			continue;
		FUZZ_CHECK(strlen(text) <= SP_LINE_MAX);
		FUZZ_CHECK(sp_text_is_utf8(text, strlen(text)));
		for (; *text != '\0'; text++)
			FUZZ_CHECK((unsigned char)*text >= ' ' ||
				   strchr("\t\r\n", *text) != NULL);
	}
}

/* Reads all that is there. max: how many there can be at most. */
static void read_all(struct sp_records *records, size_t max, struct kept *kept)
{
	const char *fields[N_NAMES];
	int64_t line = 0;
	struct sp_err err;
	size_t n = 0;
	int rc;

	while ((rc = sp_records_next(records, fields, &err)) != 0) {
		FUZZ_CHECK(n++ <= max);
		FUZZ_CHECK(sp_records_where(records)[0] != '\0');
		FUZZ_CHECK(sp_records_line(records) >= line);
		line = sp_records_line(records);
		if (rc < 0) {
			FUZZ_CHECK(err.code == SP_DATA && err.msg[0] != '\0');
			continue;
		}
		check_fields(fields);
		keep(kept, fields);
	}
	FUZZ_CHECK(sp_records_next(records, fields, &err) == 0);
}

static void write_kept(const char *path, const char *format,
	const struct kept *kept)
{
	const struct sp_output_options options = {.format = format};
	FILE *file = fopen(path, "we");
	struct sp_output *output;
	struct sp_err err;

	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(sp_output_open(&output, file, &options, COLUMNS, N_NAMES,
			   &err) == 0);
	for (int i = 0; i < kept->n; i++)
		FUZZ_CHECK(
			sp_output_row(output,
				(const char *const *)kept->text[i], &err) == 0);
	FUZZ_CHECK(sp_output_close(output, &err) == 0);
	fclose(file);
}

static void check_round_trip(const char *format, const struct kept *kept)
{
	const char *fields[N_NAMES];
	struct sp_records *records;
	char path[FUZZ_PATH];
	struct sp_err err;
	int fd = fuzz_file(NULL, 0, path);

	write_kept(path, format, kept);
	FUZZ_CHECK(sp_records_open(&records, path, &KNOWN, &err) == 0);
	for (int i = 0; i < kept->n; i++) {
		FUZZ_CHECK(sp_records_next(records, fields, &err) == 1);
		for (int j = 0; j < N_NAMES; j++)
			FUZZ_CHECK(strcmp(fields[j] == NULL ? "" : fields[j],
					   kept->text[i][j]) == 0);
	}
	FUZZ_CHECK(sp_records_next(records, fields, &err) == 0);
	sp_records_close(records);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_records *records;
	struct kept kept = {.n = 0};
	char path[FUZZ_PATH];
	struct sp_err err;
	int fd = fuzz_file(data, size, path);

	if (sp_records_open(&records, path, &KNOWN, &err) == 0)
		read_all(records, size, &kept);
	else
		FUZZ_CHECK(err.code == SP_DATA && err.msg[0] != '\0');
	sp_records_close(records);
	close(fd);
	if (kept.n > 0) {
		check_round_trip("csv", &kept);
		check_round_trip("json", &kept);
		check_round_trip("jsonl", &kept);
		check_round_trip("yaml", &kept);
		check_round_trip("tsv", &kept);
	}
	for (int i = 0; i < kept.n * N_NAMES; i++)
		free(kept.text[i / N_NAMES][i % N_NAMES]);
	return 0;
}
