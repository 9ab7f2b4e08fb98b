/* cmd/cli/input: lists and CSV, right and wrong, and where it says they are. */
#include "cmd/cli/input.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const char FILE_NAME[] = "users.csv"; /* in a directory of our own */
static const char *const NAMES[] = {"login", "first", "last", "number"};
enum {
	N_NAMES = sizeof NAMES / sizeof NAMES[0],
	MEGABYTE = 1000000,
};

static void write_file(const char *text, size_t len)
{
	FILE *file = fopen(FILE_NAME, "w");

	if (file == NULL || fwrite(text, 1, len, file) != len ||
		fclose(file) != 0) {
		perror(FILE_NAME);
		exit(2);
	}
}

static struct sp_input *open_file(void)
{
	struct sp_input *input;
	struct sp_err err;

	if (sp_input_open(&input, FILE_NAME, &err) != 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(2);
	}
	return input;
}

/* Adds to text what does not fit into a format; cut at its end. */
static void add(char *text, size_t size, const char *more)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s", more);
}

/* ---- lists ------------------------------------------------------------- */

/* Each field with its place: "1:a 2:b", an error as "!MESSAGE ". */
static void read_fields(char *out, size_t size)
{
	struct sp_input *input = open_file();
	struct sp_err err;
	const char *field;
	int rc;

	out[0] = '\0';
	while ((rc = sp_input_field(input, &field, &err)) != 0) {
		add(out, size, rc < 0 ? "!" : sp_input_where(input));
		add(out, size, rc < 0 ? err.msg : field);
		add(out, size, "|");
		if (rc < 0 && err.code != SP_DATA)
			break;
	}
	sp_input_close(input);
}

#define TEXT(literal) (literal), sizeof(literal) - 1

static void check_fields(struct unit *u)
{
	static const struct {
		const char *text;
		size_t len;
		const char *fields;
	} cases[] = {
		{TEXT(""), ""},
		{TEXT("\n\n"), ""},
		{TEXT("a"), "users.csv:1: a|"},
		{TEXT("a\nb\n"), "users.csv:1: a|users.csv:2: b|"},
		{TEXT("a\r\n\r\nb"), "users.csv:1: a|users.csv:3: b|"},
		{TEXT("1001\tx\ty\n"), "users.csv:1: 1001|"},
		{TEXT("\xef\xbb\xbf"
		      "a\n"),
			"users.csv:1: a|"},
		{TEXT("\xef\xbb\xbf"), ""},
		{TEXT("a\n\xef\xbb\xbf"
		      "b\n"),
			"users.csv:1: a|users.csv:2: \xef\xbb\xbf"
			"b|"},
		{TEXT("J\xc3\xbcrgen\n"), "users.csv:1: J\xc3\xbcrgen|"},
		{TEXT("\tx\nb\n"), "!users.csv:1: nothing before the first "
				   "TAB|users.csv:2: b|"},
		{TEXT("a\0b\nc\n"), "!users.csv:1: a control character (0x00), "
				    "expected text|users.csv:2: c|"},
		{TEXT("\n\x1b[m\nc\n"),
			"!users.csv:2: a control character "
			"(0x1b), expected text|users.csv:3: c|"},
		{TEXT("a\rb\n"), "!users.csv:1: a control character (0x0d), "
				 "expected text|"},
		{TEXT("\xff\n\xc3\nb"),
			"!users.csv:1: not valid UTF-8|"
			"!users.csv:2: not valid UTF-8|users.csv:3: b|"},
	};
	char fields[1024];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_file(cases[i].text, cases[i].len);
		read_fields(fields, sizeof fields);
		unit_str(u, fields, cases[i].fields, "list");
	}
}

/* A line of len 'x', its end, and another line. */
static void check_length(struct unit *u, size_t len, const char *end, bool fits)
{
	char *text = malloc(len + 8);
	struct sp_input *input;
	struct sp_err err = {0};
	const char *field = NULL;
	int rc;

	if (text == NULL)
		exit(2);
	memset(text, 'x', len);
	strcpy(text + len, end);
	strcat(text, "b\n");
	write_file(text, strlen(text));
	free(text);
	input = open_file();
	rc = sp_input_field(input, &field, &err);
	unit_int(u, rc, fits ? 1 : -1, "a long line");
	if (fits)
		unit_int(u, (int64_t)strlen(field), (int64_t)len, "  is whole");
	else
		unit_str(u, err.msg,
			"users.csv:1: line is longer than 16384 "
			"bytes",
			"  is refused");
	rc = sp_input_field(input, &field, &err);
	unit_str(u, rc == 1 ? field : "", "b", "  reading goes on behind it");
	unit_str(u, sp_input_where(input), "users.csv:2: ", "  at line 2");
	sp_input_close(input);
}

/* ---- CSV --------------------------------------------------------------- */

/* Each record as "LINE:first,last,number,login|", a NULL as "-". */
static void read_records(char *out, size_t size)
{
	struct sp_input *input = open_file();
	struct sp_err err = {0};
	const char *fields[N_NAMES];
	int rc = sp_input_csv_header(input, NAMES, N_NAMES, &err);

	out[0] = '\0';
	if (rc != 0)
		add(out, size, err.msg);
	while (rc == 0 &&
		(rc = sp_input_csv_record(input, fields, &err)) != 0) {
		add(out, size, rc < 0 ? "!" : sp_input_where(input));
		if (rc < 0)
			add(out, size, err.msg);
		for (size_t i = 0; rc > 0 && i < N_NAMES; i++) {
			add(out, size, i > 0 ? "," : "");
			add(out, size, fields[i] == NULL ? "-" : fields[i]);
		}
		add(out, size, "|");
		rc = rc < 0 && err.code != SP_DATA ? -1 : 0;
	}
	sp_input_close(input);
}

#define ALL "login,first,last,number\n"

static void check_records(struct unit *u)
{
	static const struct {
		const char *text;
		size_t len;
		const char *records;
	} cases[] = {
		/* Headers. */
		{TEXT(""), "users.csv:1: no header, expected "
			   "login,first,last,number"},
		{TEXT("\n \n"), "users.csv:1: no header, expected "
				"login,first,last,number"},
		{TEXT("login"), ""},
		{TEXT(ALL), ""},
		{TEXT("Number,LOGIN\n1,a\n"), "users.csv:2: a,-,-,1|"},
		{TEXT("\xef\xbb\xbf\"login\" , first\r\na, b \r\n"),
			"users.csv:2: a,b,-,-|"},
		{TEXT("first,last\n"),
			"users.csv:1: no column 'login', "
			"expected some of login,first,last,number"},
		{TEXT("login;first\n"),
			"users.csv:1: unknown column "
			"'login;first', expected login,first,last,number"},
		{TEXT("login,,first\n"), "users.csv:1: unknown column '', "
					 "expected login,first,last,number"},
		{TEXT("\nlogin,Login\n"), "users.csv:2: column 'login' a "
					  "second time, expected only one"},
		{TEXT("login,\"a\n"), "users.csv:1: a quote is not closed"},
		{TEXT("login,\xff\n"), "users.csv:1: not valid UTF-8"},
		{TEXT("login,first,last,number,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
		      ",,,,\n"),
			"users.csv:1: unknown column '', expected "
			"login,first,last,number"},
		/* Records. */
		{TEXT(ALL "a,b,c,1\n"), "users.csv:2: a,b,c,1|"},
		{TEXT(ALL "\n \t\na,b,c,1"), "users.csv:4: a,b,c,1|"},
		{TEXT(ALL ",,,\n"), "users.csv:2: ,,,|"},
		{TEXT(ALL "\"a,\"\"\",\" b \",c d,\n"),
			"users.csv:2: a,\", b ,c d,|"},
		{TEXT(ALL "a,\"b\r\n\r\nx\",c,1\r\nd,e,f,2\n"),
			"users.csv:2: a,b\n\nx,c,1|users.csv:5: d,e,f,2|"},
		{TEXT(ALL "a,b,c\nd,e,f,2\n"),
			"!users.csv:2: 3 columns, "
			"expected 4 (login,first,last,number)|"
			"users.csv:3: d,e,f,2|"},
		{TEXT(ALL "a\n"), "!users.csv:2: 1 column, expected 4 "
				  "(login,first,last,number)|"},
		{TEXT("number,login\na,b,c\n"), "!users.csv:2: 3 columns, "
						"expected 2 (number,login)|"},
		{TEXT(ALL "a,b\"b,c,1\nd,e,f,2\n"),
			"!users.csv:2: malformed "
			"quotes, expected them around a whole value and "
			"doubled inside it|users.csv:3: d,e,f,2|"},
		{TEXT(ALL "a,\"b\"b,c,1\n"),
			"!users.csv:2: malformed "
			"quotes, expected them around a whole value and "
			"doubled inside it|"},
		{TEXT(ALL "a,b,c,1\nd,\"e,f,2\ng,h,i,3\n"),
			"users.csv:2: a,b,c,1|!users.csv:3: a quote is not "
			"closed|"},
		{TEXT(ALL "a,\"b\n\xff\",c,1\nd,e,f,2\n"),
			"!users.csv:3: not "
			"valid UTF-8|users.csv:4: d,e,f,2|"},
		{TEXT(ALL "a,b,\0,1\nd,e,f,2\n"),
			"!users.csv:2: a control "
			"character (0x00), expected text|"
			"users.csv:3: d,e,f,2|"},
	};
	char records[1024];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_file(cases[i].text, cases[i].len);
		read_records(records, sizeof records);
		unit_str(u, records, cases[i].records, "csv");
	}
}

/* A quote that is never closed must not take the rest of a large file. */
static void check_open_quote(struct unit *u)
{
	char *text = malloc(MEGABYTE + 64), records[1024];
	size_t len;

	if (text == NULL)
		exit(2);
	strcpy(text, ALL "a,\"b,c,1\n");
	for (len = strlen(text); len < MEGABYTE; len += 8)
		memcpy(text + len, "d,e,f,2\n", 8);
	write_file(text, len);
	read_records(records, sizeof records);
	unit_ok(u,
		strncmp(records,
			"!users.csv:2: record is longer than 16384 "
			"bytes: is a quote not closed?|users.csv:2051: "
			"d,e,f,2|",
			92) == 0,
		"an open quote: %.95s", records);
	free(text);
}

/* ---- opening ----------------------------------------------------------- */

static void check_open(struct unit *u, const char *path, enum sp_code code,
	const char *sentence)
{
	struct sp_input *input;
	struct sp_err err = {0};
	int rc = sp_input_open(&input, path, &err);

	unit_int(u, rc == 0 ? SP_OK : err.code, code, path);
	unit_str(u, err.msg, sentence, "  its sentence");
	sp_input_close(input);
}

int main(void)
{
	char dir[] = "/tmp/sp-unit-XXXXXX";
	struct unit u = {0};

	if (mkdtemp(dir) == NULL || chdir(dir) != 0) {
		perror(dir);
		return 2;
	}
	check_fields(&u);
	check_length(&u, SP_LINE_MAX, "\n", true);
	check_length(&u, SP_LINE_MAX, "\r\n", true);
	check_length(&u, SP_LINE_MAX + 1, "\n", false);
	check_length(&u, SP_LINE_MAX + 1, "\r\n", false);
	check_length(&u, MEGABYTE, "\n", false);
	check_records(&u);
	check_open_quote(&u);
	check_open(&u, "missing", SP_NOINPUT,
		"cannot read 'missing': No such file or directory");
	check_open(&u, ".", SP_NOINPUT, "cannot read '.': Is a directory");
	check_open(&u, "-", SP_OK, "");
	unlink(FILE_NAME);
	rmdir(dir);
	return unit_done(&u);
}
