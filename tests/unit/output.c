/* cmd/cli/output: each format, and what must not break it. */
#include "cmd/cli/output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const struct sp_column COLUMNS[] = {
	{.name = "number"},
	{.name = "login"},
	{.name = "count", .is_integer = true},
	{.name = "name"},
};
enum { N_COLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };

typedef const char *row[N_COLUMNS];

/* ---- formats ----------------------------------------------------------- */

static struct sp_output *open_list(FILE *file,
	const struct sp_output_options *options,
	const struct sp_column *columns, size_t n_columns)
{
	struct sp_output *output;
	struct sp_err err;

	if (file == NULL || sp_output_open(&output, file, options, columns,
				    n_columns, &err) != 0)
		exit(2);
	return output;
}

/* Lists the rows; the caller frees what it gets. */
static char *list(const struct sp_output_options *options,
	const struct sp_column *columns, size_t n_columns,
	const char *const *values, size_t n_rows)
{
	struct sp_err err = {0};
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct sp_output *output = open_list(file, options, columns, n_columns);

	for (size_t i = 0; i < n_rows; i++)
		if (sp_output_row(output, values + i * n_columns, &err) != 0)
			break;
	if (sp_output_close(output, &err) != 0 || err.code != SP_OK)
		fprintf(file, "error %d: %s", err.code, err.msg);
	fclose(file);
	return text;
}

static void check_options(struct unit *u,
	const struct sp_output_options *options, const row *rows, size_t n_rows,
	const char *expected)
{
	char *text = list(options, COLUMNS, N_COLUMNS, &rows[0][0], n_rows);

	unit_str(u, text, expected, options->format);
	free(text);
}

static void check_list(struct unit *u, const char *format, const row *rows,
	size_t n_rows, const char *expected)
{
	const struct sp_output_options options = {.format = format};

	check_options(u, &options, rows, n_rows, expected);
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
	check_list(u, "yaml", rows, 3,
		"- number: \"1001\"\n"
		"  login: asmith\n"
		"  count: 7\n"
		"  name: Anna Smith\n"
		"- number: \"1002\"\n"
		"  login: bj\n"
		"  count: 1234567\n"
		"  name: null\n"
		"- number: \"0100\"\n"
		"  login: \"\"\n"
		"  count: null\n"
		"  name: \"\"\n");
}

static void check_empty(struct unit *u)
{
	static const row none[1];

	check_list(u, "table", none, 0, "NUMBER  LOGIN  COUNT  NAME\n");
	check_list(u, "tsv", none, 0, "");
	check_list(u, "csv", none, 0, "number,login,count,name\n");
	check_list(u, "json", none, 0, "[]\n");
	check_list(u, "jsonl", none, 0, "");
	check_list(u, "yaml", none, 0, "[]\n");
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
	check_list(u, "yaml", rows + 1, 2,
		"- number: \"f\\tg\"\n"
		"  login: \"h\\r\\ni\"\n"
		"  count: 0\n"
		"  name: \"j\\\\k\"\n"
		"- number: \"\\e[2J\"\n"
		"  login: \"?\?\"\n"
		"  count: 1\n"
		"  name: \"\\x9B?\?\?\\x7F\"\n");
}

/* A text must be read back as one, never as a number, date, bool or null. */
static void check_yaml_texts(struct unit *u)
{
	static const struct sp_column column = {.name = "text"};
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"asmith", "asmith"},
		{"Anna de la Smith-Jones", "Anna de la Smith-Jones"},
		{"sip:1000@192.0.2.4:5060;transport=udp",
			"sip:1000@192.0.2.4:5060;transport=udp"},
		{"no-answer=voicemail/20s", "no-answer=voicemail/20s"},
		{"Zo\xc3\xab", "\"Zo\xc3\xab\""},
		{"\xe6\x9d\x8e", "\"\xe6\x9d\x8e\""},
		{"1_000", "\"1_000\""},
		{"0x1F", "\"0x1F\""},
		{"1e3", "\"1e3\""},
		{"-1", "\"-1\""},
		{".5", "\".5\""},
		{".inf", "\".inf\""},
		{"20:30", "\"20:30\""},
		{"2026-11-23", "\"2026-11-23\""},
		{"2026-11-23T09:30:00Z", "\"2026-11-23T09:30:00Z\""},
		{"+14155550123", "\"+14155550123\""},
		{"y", "\"y\""},
		{"N", "\"N\""},
		{"Yes", "\"Yes\""},
		{"nO", "\"nO\""},
		{"on", "\"on\""},
		{"OFF", "\"OFF\""},
		{"true", "\"true\""},
		{"False", "\"False\""},
		{"NULL", "\"NULL\""},
		{"nobody", "nobody"},
		{"~", "\"~\""},
		{"", "\"\""},
		{" a", "\" a\""},
		{"a ", "\"a \""},
		{"a:", "\"a:\""},
		{"a: b", "\"a: b\""},
		{"a #b", "\"a #b\""},
		{"- a", "\"- a\""},
		{"[a]", "\"[a]\""},
		{"---", "\"---\""},
		{"<<", "\"<<\""},
		{"=", "\"=\""},
		{"it's", "\"it's\""},
		{"say \"hi\"", "\"say \\\"hi\\\"\""},
		{"a\nb", "\"a\\nb\""},
		{"a\xe2\x80\xa8", "\"a\\L\""},
	};
	const struct sp_output_options options = {.format = "yaml"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = list(&options, &column, 1, &cases[i].text, 1);
		char expected[128];

		snprintf(expected, sizeof expected, "- text: %s\n",
			cases[i].expected);
		unit_str(u, text, expected, "a text in YAML");
		free(text);
	}
}

static void check_yaml_is_not_folded(struct unit *u)
{
	static const struct sp_column column = {.name = "text"};
	const struct sp_output_options options = {.format = "yaml"};
	char value[2001], *text;
	const char *values[] = {value};

	for (size_t i = 0; i < sizeof value; i++)
		value[i] = i % 5 == 4 ? ' ' : 'a';
	value[sizeof value - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		value[0] = i == 0 ? 'a' : '1'; /* plain, in quotes */
		text = list(&options, &column, 1, values, 1);
		unit_int(u, strchr(text, '\n') - text + 1,
			(int64_t)strlen(text), "a long text is one line");
		free(text);
	}
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
	static const struct sp_column column = {.name = "login"};
	static const char *const values[] = {"a", "", NULL};
	const struct sp_output_options options = {.format = "csv"};
	char *text = list(&options, &column, 1, values, 3);

	unit_str(u, text, "login\na\n\"\"\n\"\"\n",
		"csv of one column has no empty lines");
	free(text);
}

/* ---- choices ----------------------------------------------------------- */

static void check_columns(struct unit *u)
{
	static const row rows[] = {{"1001", "asmith", "7", "Anna Smith"}};
	static const char *const formats[] = {"table", "tsv", "csv", "json",
		"yaml"};
	static const char *const expected[] = {("NAME        NUMBER\nAnna "
						"Smith "
						" 1001\n"),
		"Anna Smith\t1001\n", "name,number\nAnna Smith,1001\n",
		"[\n {\"name\":\"Anna Smith\",\"number\":\"1001\"}\n]\n",
		"- name: Anna Smith\n  number: \"1001\"\n"};
	struct sp_output_options options = {.columns = "name,number"};

	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		options.format = formats[i];
		check_options(u, &options, rows, 1, expected[i]);
	}
	options = (struct sp_output_options){"tsv", "count", false, 0};
	check_options(u, &options, rows, 1, "7\n");
}

static void check_no_header(struct unit *u)
{
	static const row rows[] = {{"1", "asmith", NULL, NULL},
		{"1002", "b", NULL, "x"}};
	struct sp_output_options options = {.no_header = true};

	options.format = "table";
	check_options(u, &options, rows, 2,
		"1     asmith\n1002  b          x\n");
	check_options(u, &options, rows, 0, "");
	options.format = "csv";
	check_options(u, &options, rows, 1, "1,asmith,,\n");
	options.format = "tsv";
	check_options(u, &options, rows, 1, "1\tasmith\t\t\n");
	options.format = "jsonl";
	options.columns = "login";
	check_options(u, &options, rows, 1, "{\"login\":\"asmith\"}\n");
}

static void check_wrong_columns(struct unit *u)
{
	static const struct {
		const char *columns, *error;
	} cases[] = {
		{"login,nam", "'nam' is not one of the columns"},
		{"names", "'names' is not one of the columns"},
		{"NAME", "'NAME' is not one of the columns"},
		{"", "'' is not one of the columns"},
		{"login,", "'' is not one of the columns"},
		{"login, name", "' name' is not one of the columns"},
		{"name,login,name", "'name' is there twice, of the columns"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct sp_output_options options = {
			.columns = cases[i].columns};
		struct sp_output *output;
		struct sp_err err = {0};
		char expected[128];

		snprintf(expected, sizeof expected,
			"--columns: %s: number, login, count, name",
			cases[i].error);
		sp_output_open(&output, stdout, &options, COLUMNS, N_COLUMNS,
			&err);
		unit_int(u, output == NULL ? err.code : 0, SP_USAGE,
			cases[i].columns);
		unit_str(u, err.msg, expected, "  its sentence");
	}
}

/* ---- terminals --------------------------------------------------------- */

static void check_width(struct unit *u, int width, const row *rows,
	size_t n_rows, const char *expected)
{
	const struct sp_output_options options = {.format = "table",
		.width = width};

	check_options(u, &options, rows, n_rows, expected);
}

/* The widest column gives way, the number never. */
static void check_cut(struct unit *u)
{
	static const row rows[] = {
		{"100100000000001", "asmith", "7", "Anna von und zu Smith"},
		{"1002", "bjones-at-example", "12", "Bob"},
	};

	check_width(u, 67, rows, 2,
		"NUMBER           LOGIN              COUNT  NAME\n"
		"100100000000001  asmith                 7  Anna von und zu "
		"Smith\n"
		"1002             bjones-at-example     12  Bob\n");
	check_width(u, 60, rows, 2,
		"NUMBER           LOGIN              COUNT  NAME\n"
		"100100000000001  asmith                 7  Anna von und zu "
		"\xe2\x80\xa6\n"
		"1002             bjones-at-example     12  Bob\n");
	check_width(u, 42, rows, 2,
		"NUMBER           LOGIN     COUNT  NAME\n"
		"100100000000001  asmith        7  Anna vo\xe2\x80\xa6\n"
		"1002             bjones-\xe2\x80\xa6     12  Bob\n");
	check_width(u, 30, rows, 2,
		"NUMBER           LO\xe2\x80\xa6  CO\xe2\x80\xa6  "
		"NA\xe2\x80\xa6\n"
		"100100000000001  as\xe2\x80\xa6    7  An\xe2\x80\xa6\n"
		"1002             bj\xe2\x80\xa6   12  Bob\n");
	check_width(u, 1, rows + 1, 1,
		"NUMBER  \xe2\x80\xa6  \xe2\x80\xa6  \xe2\x80\xa6\n"
		"1002    \xe2\x80\xa6  \xe2\x80\xa6  \xe2\x80\xa6\n");
}

/* Half of a wide character is none; what combines stays with its letter. */
static void check_cut_characters(struct unit *u)
{
	static const row rows[] = {
		{"1",
			"\xe6\x9d\x8e\xe5\xb0\x8f\xe9\xbe\x99\xe6\x9d\x8e\xe5"
			"\xb0"
			"\x8f",
			NULL, "x"},
		{"2", "abcdefu\xcc\x88gh", NULL, "x"},
		{"3", "abcdefgu\xcc\x88", NULL, "x"},
	};

	check_width(u, 29, rows, 3,
		"NUMBER  LOGIN     COUNT  NAME\n"
		"1       \xe6\x9d\x8e\xe5\xb0\x8f\xe9\xbe\x99\xe2\x80\xa6"
		"          x\n"
		"2       abcdefu\xcc\x88\xe2\x80\xa6         x\n"
		"3       abcdefgu\xcc\x88         x\n");
}

/* Only a table is cut, and the number wherever it stands is not. */
static void check_cut_not(struct unit *u)
{
	static const row rows[] = {
		{"100100000000001", "asmith", "7", "Anna von und zu Smith"}};
	struct sp_output_options options = {"csv", NULL, true, 20};

	check_options(u, &options, rows, 1,
		"100100000000001,asmith,7,Anna von und zu Smith\n");
	options.format = "table";
	options.columns = "name,number";
	check_options(u, &options, rows, 1,
		"An\xe2\x80\xa6  100100000000001\n");
}

/* A terminal of its own, as wide as said. Returns the descriptor. */
static int open_terminal(unsigned short width)
{
	const struct winsize size = {.ws_row = 24, .ws_col = width};
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd = -1;

	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
		fd = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) != 0) {
		perror("a terminal");
		exit(2);
	}
	return fd; /* the master stays open as long as the program runs */
}

static void check_terminal(struct unit *u)
{
	static const char *const wrong[] = {"0", "-5", "", "wide"};
	int fd = open_terminal(97), null = open("/dev/null", O_WRONLY);

	unsetenv("COLUMNS");
	unit_int(u, sp_output_width(fd), 97, "a terminal's width");
	unit_int(u, sp_output_width(open_terminal(0)), 0, "  is not known");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		setenv("COLUMNS", wrong[i], 1);
		unit_int(u, sp_output_width(fd), 97, "COLUMNS is no width");
	}
	setenv("COLUMNS", "60", 1);
	unit_int(u, sp_output_width(fd), 60, "COLUMNS wins");
	unit_int(u, sp_output_width(null), 0, "  not outside a terminal");
	unsetenv("COLUMNS");
	close(fd);
	close(null);
}

/* ---- many rows --------------------------------------------------------- */

/* The widths are those of the first rows; later ones may stand out. */
static void check_many(struct unit *u)
{
	enum { N = 3000 };
	static const struct sp_column columns[] = {{.name = "a",
							   .is_integer = true},
		{.name = "b"}};
	static const char *values[2 * N];
	const struct sp_output_options options = {.format = "table"};
	char *text, *end;

	for (int i = 0; i < N; i++) {
		values[2 * i] = i == 2000 ? "12345" : "1";
		values[2 * i + 1] = i == 500 ? "long" : "b";
	}
	text = list(&options, columns, 2, values, N);
	unit_ok(u, strncmp(text, "A  B\n1  b\n", 10) == 0, "the first rows");
	end = strstr(text, "\n12345");
	unit_ok(u, end != NULL && strncmp(end, "\n12345  b\n1  b\n", 15) == 0,
		"a wide row after the widths are fixed");
	free(text);
}

/* ---- for ever ---------------------------------------------------------- */

/* What has been written after each of the rows, '|' between. */
static char *follow(const struct sp_output_options *options, const row *rows,
	size_t n_rows)
{
	char *text = NULL, *seen = NULL;
	size_t size, seen_size;
	FILE *file = open_memstream(&text, &size);
	FILE *all = open_memstream(&seen, &seen_size);
	struct sp_output *output = open_list(file, options, COLUMNS, N_COLUMNS);
	struct sp_err err;
	size_t from = 0;

	for (size_t i = 0; i <= n_rows; i++) {
		if (i > 0 && sp_output_row(output, rows[i - 1], &err) != 0)
			exit(2);
		if (sp_output_flush(output, &err) != 0)
			exit(2);
		fprintf(all, "%s|", text + from);
		from = size;
	}
	sp_output_close(output, &err);
	fclose(file);
	fputs(text + from, all);
	fclose(all);
	free(text);
	return seen;
}

static void check_follow(struct unit *u, const char *format, int width,
	const row *rows, size_t n_rows, const char *expected)
{
	const struct sp_output_options options = {.format = format,
		.columns = "number,login,count",
		.width = width};
	char *text = follow(&options, rows, n_rows);

	unit_str(u, text, expected, "a listing for ever");
	free(text);
}

/* The widths are kept; a long text takes what room the line has. */
static void check_flush(struct unit *u)
{
	static const row rows[] = {{"1001", "asmith", "7", ""},
		{"1002", "b", "12", ""}, {"100345678", "cornelia", "3", ""}};

	check_follow(u, "table", 0, rows, 3,
		"NUMBER  LOGIN  COUNT\n|"
		"1001    asmith      7\n|"
		"1002    b         12\n|"
		"100345678  cornelia      3\n|");
	check_follow(u, "table", 22, rows, 3,
		"NUMBER  LOGIN  COUNT\n|"
		"1001    asmith      7\n|"
		"1002    b         12\n|"
		"100345678  corn\xe2\x80\xa6      3\n|");
	check_follow(u, "tsv", 0, rows, 2, "|1001\tasmith\t7\n|1002\tb\t12\n|");
	check_follow(u, "yaml", 0, rows, 2,
		"|- number: \"1001\"\n  login: asmith\n  count: 7\n|"
		"- number: \"1002\"\n  login: b\n  count: 12\n|");
	check_follow(u, "yaml", 0, rows, 0, "|[]\n");
}

/* ---- errors ------------------------------------------------------------ */

static void check_errors(struct unit *u)
{
	static const row rows[] = {{"1001", "a", "seven", "b"}};
	struct sp_output_options options = {.format = "xml"};
	struct sp_output *output = NULL;
	struct sp_err err = {0};
	int rc = sp_output_open(&output, stdout, &options, COLUMNS, 4, &err);

	unit_int(u, rc == -1 && output == NULL ? err.code : 0, SP_USAGE,
		"an unknown format");
	unit_str(u, err.msg,
		"unknown output format 'xml', expected table, "
		"tsv, csv, json, jsonl or yaml",
		"  its sentence");
	check_list(u, "jsonl", rows, 1,
		"error 70: column 'count': 'seven' is not a number");
	options = (struct sp_output_options){"yaml", "count", false, 0};
	check_options(u, &options, rows, 1,
		"error 70: column 'count': 'seven' is not a number");
	unit_int(u, sp_output_close(NULL, &err), 0, "closing nothing");
}

static void check_full_disk(struct unit *u)
{
	static const char *const formats[] = {"table", "tsv", "csv", "json",
		"jsonl", "yaml"};
	static const row rows[] = {{"1001", "a", "7", "b"}};

	for (size_t i = 0; i < 2 * sizeof formats / sizeof formats[0]; i++) {
		const struct sp_output_options options = {
			.format = formats[i / 2]};
		FILE *full = fopen("/dev/full", "w");
		struct sp_output *output =
			open_list(full, &options, COLUMNS, N_COLUMNS);
		struct sp_err err = {0};
		int rc;

		sp_output_row(output, rows[0], &err);
		rc = i % 2 == 1 ? sp_output_flush(output, &err) : 0;
		if (i % 2 == 1)
			unit_int(u, rc == -1 ? err.code : 0, SP_IO,
				"a full disk shows at a flush");
		rc = sp_output_close(output, &err);
		unit_int(u, rc == -1 ? err.code : 0, SP_IO,
			"a full disk shows at the end");
		unit_str(u, err.msg,
			"cannot write the listing: No space left on device",
			"  its sentence");
		fclose(full);
	}
}

int main(void)
{
	struct unit u = {0};

	check_plain(&u);
	check_empty(&u);
	check_special(&u);
	check_yaml_texts(&u);
	check_yaml_is_not_folded(&u);
	check_widths(&u);
	check_one_column(&u);
	check_columns(&u);
	check_no_header(&u);
	check_wrong_columns(&u);
	check_cut(&u);
	check_cut_characters(&u);
	check_cut_not(&u);
	check_terminal(&u);
	check_many(&u);
	check_flush(&u);
	check_errors(&u);
	check_full_disk(&u);
	return unit_done(&u);
}
