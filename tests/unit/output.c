/* cmd/cli/output: each format, and what must not break it. */
#include "cmd/cli/output.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static const struct sp_column COLUMNS[] = {
	{"number", false},
	{"login", false},
	{"count", true},
	{"name", false},
};
enum { N_COLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };

typedef const char *row[N_COLUMNS];

/* ---- formats ----------------------------------------------------------- */

/* Lists the rows; the caller frees what it gets. */
static char *list(const char *format, const struct sp_column *columns,
	size_t n_columns, const char *const *values, size_t n_rows)
{
	struct sp_output *output;
	struct sp_err err = {0};
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL ||
		sp_output_open(&output, file, format, columns, n_columns, &err))
		exit(2);
	for (size_t i = 0; i < n_rows; i++)
		if (sp_output_row(output, values + i * n_columns, &err) != 0)
			break;
	if (sp_output_close(output, &err) != 0 || err.code != SP_OK)
		fprintf(file, "error %d: %s", err.code, err.msg);
	fclose(file);
	return text;
}

static void check_list(struct unit *u, const char *format, const row *rows,
	size_t n_rows, const char *expected)
{
	char *text = list(format, COLUMNS, N_COLUMNS, &rows[0][0], n_rows);

	unit_str(u, text, expected, format);
	free(text);
}

static void check_plain(struct unit *u)
{
	static const row rows[] = {
		{"1001", "asmith", "7", "Anna Smith"},
		{"1002", "bj", "1234567", NULL},
		{"0100", "", NULL, ""},
	};

	check_list(u, "table", rows, 3,
		"NUMBER  LOGIN     COUNT  NAME\n"
		"1001    asmith        7  Anna Smith\n"
		"1002    bj      1234567\n"
		"0100\n");
	check_list(u, "tsv", rows, 3,
		"1001\tasmith\t7\tAnna Smith\n"
		"1002\tbj\t1234567\t\n"
		"0100\t\t\t\n");
	check_list(u, "csv", rows, 3,
		"number,login,count,name\n"
		"1001,asmith,7,Anna Smith\n"
		"1002,bj,1234567,\n"
		"0100,,,\n");
	check_list(u, "json", rows, 3,
		"[\n"
		" {\"number\":\"1001\",\"login\":\"asmith\",\"count\":7,"
		"\"name\":\"Anna Smith\"},\n"
		" {\"number\":\"1002\",\"login\":\"bj\",\"count\":1234567,"
		"\"name\":null},\n"
		" {\"number\":\"0100\",\"login\":\"\",\"count\":null,"
		"\"name\":\"\"}\n"
		"]\n");
	check_list(u, "jsonl", rows, 1,
		"{\"number\":\"1001\",\"login\":\"asmith\",\"count\":7,"
		"\"name\":\"Anna Smith\"}\n");
}

static void check_empty(struct unit *u)
{
	static const row none[1];

	check_list(u, "table", none, 0, "NUMBER  LOGIN  COUNT  NAME\n");
	check_list(u, "tsv", none, 0, "");
	check_list(u, "csv", none, 0, "number,login,count,name\n");
	check_list(u, "json", none, 0, "[]\n");
	check_list(u, "jsonl", none, 0, "");
}

/* What would break a line or a column, or do harm on a terminal. */
static void check_special(struct unit *u)
{
	static const row rows[] = {
		{"a,b", "c\"d", "-5", " e "},
		{"f\tg", "h\r\ni", "0", "j\\k"},
		{"\x1b[2J", "\xff\xc3", "1", "\xc2\x9b\xed\xa0\x80\x7f"},
	};

	check_list(u, "table", rows, 3,
		"NUMBER  LOGIN  COUNT  NAME\n"
		"a,b     c\"d       -5   e \n"
		"f?g     h??i       0  j\\k\n"
		"?[2J    ?\?         1  ?\?\?\?\?\n");
	check_list(u, "tsv", rows, 2,
		"a,b\tc\"d\t-5\t e \n"
		"f\\tg\th\\r\\ni\t0\tj\\\\k\n");
	check_list(u, "csv", rows, 2,
		"number,login,count,name\n"
		"\"a,b\",\"c\"\"d\",-5,\" e \"\n"
		"f\tg,\"h\r\ni\",0,j\\k\n");
	check_list(u, "jsonl", rows, 3,
		"{\"number\":\"a,b\",\"login\":\"c\\\"d\",\"count\":-5,"
		"\"name\":\" e \"}\n"
		"{\"number\":\"f\\tg\",\"login\":\"h\\r\\ni\",\"count\":0,"
		"\"name\":\"j\\\\k\"}\n"
		"{\"number\":\"\\u001B[2J\",\"login\":\"?\?\",\"count\":1,"
		"\"name\":\"\xc2\x9b?\?\?\x7f\"}\n");
}

/* Wide, composed and combining characters: 2, 1 and 0 columns. */
static void check_widths(struct unit *u)
{
	static const row rows[] = {
		{"1", "\xe6\x9d\x8e\xe5\xb0\x8f", "1", "x"},
		{"2", "J\xc3\xbcrgen", "2", "x"},
		{"3", "Ju\xcc\x88rgen", "3", "x"},
	};

	check_list(u, "table", rows, 3,
		"NUMBER  LOGIN   COUNT  NAME\n"
		"1       \xe6\x9d\x8e\xe5\xb0\x8f        1  x\n"
		"2       J\xc3\xbcrgen      2  x\n"
		"3       Ju\xcc\x88rgen      3  x\n");
}

static void check_one_column(struct unit *u)
{
	static const struct sp_column column = {"login", false};
	static const char *const values[] = {"a", "", NULL};
	char *text = list("csv", &column, 1, values, 3);

	unit_str(u, text, "login\na\n\"\"\n\"\"\n",
		"csv of one column has no empty lines");
	free(text);
}

/* ---- many rows --------------------------------------------------------- */

/* The widths are those of the first rows; later ones may stand out. */
static void check_many(struct unit *u)
{
	enum { N = 3000 };
	static const struct sp_column columns[] = {{"a", true}, {"b", false}};
	static const char *values[2 * N];
	char *text, *end;

	for (int i = 0; i < N; i++) {
		values[2 * i] = i == 2000 ? "12345" : "1";
		values[2 * i + 1] = i == 500 ? "long" : "b";
	}
	text = list("table", columns, 2, values, N);
	unit_ok(u, strncmp(text, "A  B\n1  b\n", 10) == 0, "the first rows");
	end = strstr(text, "\n12345");
	unit_ok(u, end != NULL && strncmp(end, "\n12345  b\n1  b\n", 15) == 0,
		"a wide row after the widths are fixed");
	free(text);
}

/* ---- errors ------------------------------------------------------------ */

static void check_errors(struct unit *u)
{
	static const row rows[] = {{"1001", "a", "seven", "b"}};
	FILE *full = fopen("/dev/full", "w");
	struct sp_output *output = NULL;
	struct sp_err err = {0};
	int rc = sp_output_open(&output, stdout, "xml", COLUMNS, 4, &err);

	unit_int(u, rc == -1 && output == NULL ? err.code : 0, SP_USAGE,
		"an unknown format");
	unit_str(u, err.msg,
		"unknown output format 'xml', expected table, "
		"tsv, csv, json or jsonl",
		"  its sentence");
	check_list(u, "jsonl", rows, 1,
		"error 70: column 'count': 'seven' is not a number");
	unit_int(u, sp_output_close(NULL, &err), 0, "closing nothing");
	if (full == NULL)
		exit(2);
	rc = sp_output_open(&output, full, "tsv", COLUMNS, 4, &err);
	unit_int(u, rc, 0, "a full disk");
	err = (struct sp_err){0};
	sp_output_row(output, rows[0], &err);
	rc = sp_output_close(output, &err);
	unit_int(u, rc == -1 ? err.code : 0, SP_IO, "  shows at the end");
	unit_str(u, err.msg,
		"cannot write the listing: No space left on device",
		"  its sentence");
	fclose(full);
}

int main(void)
{
	struct unit u = {0};

	check_plain(&u);
	check_empty(&u);
	check_special(&u);
	check_widths(&u);
	check_one_column(&u);
	check_many(&u);
	check_errors(&u);
	return unit_done(&u);
}
