/* cmd/cli/input: lists, right and wrong, and where it says they are. */
#include "cmd/cli/input.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const char FILE_NAME[] = "users.csv"; /* in a directory of our own */
enum {
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

static struct sp_input *open_file(char end)
{
	struct sp_input *input;
	struct sp_err err;

	if (sp_input_open(&input, FILE_NAME, end, &err) != 0) {
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
static void read_fields(char end, char *out, size_t size)
{
	struct sp_input *input = open_file(end);
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
		read_fields('\n', fields, sizeof fields);
		unit_str(u, fields, cases[i].fields, "list");
	}
}

static void check_items(struct unit *u)
{
	static const struct {
		const char *text;
		size_t len;
		const char *fields;
	} cases[] = {
		{TEXT(""), ""},
		{TEXT("\0\0"), ""},
		{TEXT("a"), "users.csv:1: a|"},
		{TEXT("a\0\0b c\0"), "users.csv:1: a|users.csv:3: b c|"},
		{TEXT("a\tb\0\tc\0"), "users.csv:1: a\tb|users.csv:2: \tc|"},
		{TEXT("\xef\xbb\xbf"
		      "a\0"),
			"users.csv:1: \xef\xbb\xbf"
			"a|"},
		{TEXT("a\nb\0c\r\0d\0"),
			"!users.csv:1: a control character (0x0a), expected "
			"text|!users.csv:2: a control character (0x0d), "
			"expected text|users.csv:3: d|"},
		{TEXT("\xff\0b\0"), "!users.csv:1: not valid UTF-8|"
				    "users.csv:2: b|"},
	};
	char fields[1024];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_file(cases[i].text, cases[i].len);
		read_fields('\0', fields, sizeof fields);
		unit_str(u, fields, cases[i].fields, "items");
	}
}

/* ---- progress ---------------------------------------------------------- */

static void check_position(struct unit *u, const char *text, int64_t first)
{
	struct sp_input *input;
	struct sp_err err;
	const char *field;
	int64_t done, total;

	write_file(text, strlen(text));
	input = open_file('\n');
	unit_int(u, sp_input_field(input, &field, &err), 1, "a first field");
	sp_input_position(input, &done, &total);
	unit_int(u, done, first, "  read so far");
	unit_int(u, total, (int64_t)strlen(text), "  of all");
	while (sp_input_field(input, &field, &err) == 1)
		;
	sp_input_position(input, &done, &total);
	unit_int(u, done, total, "  in the end all");
	sp_input_close(input);
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
	input = open_file('\n');
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

/* ---- opening ----------------------------------------------------------- */

static void check_open(struct unit *u, const char *path, enum sp_code code,
	const char *sentence)
{
	struct sp_input *input;
	struct sp_err err = {0};
	int rc = sp_input_open(&input, path, '\n', &err);

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
	check_items(&u);
	check_position(&u, "ab\r\nc\n", 4);
	check_position(&u, "\xef\xbb\xbf\nab\nc", 7);
	check_length(&u, SP_LINE_MAX, "\n", true);
	check_length(&u, SP_LINE_MAX, "\r\n", true);
	check_length(&u, SP_LINE_MAX + 1, "\n", false);
	check_length(&u, SP_LINE_MAX + 1, "\r\n", false);
	check_length(&u, MEGABYTE, "\n", false);
	check_open(&u, "missing", SP_NOINPUT,
		"cannot read 'missing': No such file or directory");
	check_open(&u, ".", SP_NOINPUT, "cannot read '.': Is a directory");
	check_open(&u, "-", SP_OK, "");
	unlink(FILE_NAME);
	rmdir(dir);
	return unit_done(&u);
}
