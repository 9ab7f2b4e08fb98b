/* cmd/cli/records: each format, right and wrong, and where it says it is. */
#include "cmd/cli/records.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/cli/input.h"
#include "tests/unit/unit.h"

static const char FILE_NAME[] = "users"; /* in a directory of our own */
static const char *const NAMES[] = {"login", "first", "last", "number"};
static const char *const IGNORED[] = {"state", "since"};
enum {
	N_NAMES = sizeof NAMES / sizeof NAMES[0],
	MEGABYTE = 1000000,
	OUT = 2048,
};

struct expected {
	const char *text;
	size_t len;
	const char *records;
};

#define TEXT(literal) (literal), sizeof(literal) - 1

static void write_file(const char *text, size_t len)
{
	FILE *file = fopen(FILE_NAME, "w");

	if (file == NULL || fwrite(text, 1, len, file) != len ||
		fclose(file) != 0) {
		perror(FILE_NAME);
		exit(2);
	}
}

/* Adds to text what does not fit into a format; cut at its end. */
static void add(char *text, const char *more)
{
	size_t len = strlen(text);

	snprintf(text + len, OUT - len, "%s", more);
}

static void add_record(char *out, const char *const *fields)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		add(out, i > 0 ? "," : "");
		add(out, fields[i] == NULL ? "-" : fields[i]);
	}
}

static int open_records(struct sp_records **records, bool positional,
	struct sp_err *err)
{
	const struct sp_record_names names = {.names = NAMES,
		.n = N_NAMES,
		.ignored = IGNORED,
		.n_ignored = sizeof IGNORED / sizeof IGNORED[0],
		.positional = positional};

	return sp_records_open(records, FILE_NAME, &names, err);
}

/* Each record as "FILE:LINE: login,first,last,number|", a NULL as "-", an error
 * as "!MESSAGE|"; what opening says alone. */
static void read_records(bool positional, char out[OUT])
{
	struct sp_records *records;
	struct sp_err err = {0};
	const char *fields[N_NAMES];
	int rc;

	out[0] = '\0';
	if (open_records(&records, positional, &err) != 0) {
		add(out, err.msg);
		return;
	}
	while ((rc = sp_records_next(records, fields, &err)) != 0) {
		add(out, rc < 0 ? "!" : sp_records_where(records));
		if (rc < 0)
			add(out, err.msg);
		else
			add_record(out, fields);
		add(out, "|");
		if (rc < 0 && err.code != SP_DATA)
			break;
	}
	sp_records_close(records);
}

static void check_cases(struct unit *u, const char *name, bool positional,
	const struct expected *cases, size_t n)
{
	char records[OUT];

	for (size_t i = 0; i < n; i++) {
		write_file(cases[i].text, cases[i].len);
		read_records(positional, records);
		unit_str(u, records, cases[i].records, name);
	}
}

#define CHECK(u, name, positional, cases) \
	check_cases(u, name, positional, cases, sizeof cases / sizeof cases[0])

/* ---- CSV --------------------------------------------------------------- */

#define ALL "login,first,last,number\n"

static void check_csv(struct unit *u)
{
	static const struct expected CASES[] = {
		/* Headers. */
		{TEXT(""), "users:1: no header, expected "
			   "login,first,last,number"},
		{TEXT("\n \n"), "users:1: no header, expected "
				"login,first,last,number"},
		{TEXT("login"), ""},
		{TEXT(ALL), ""},
		{TEXT("Number,LOGIN\n1,a\n"), "users:2: a,-,-,1|"},
		{TEXT("\xef\xbb\xbf\"login\" , first\r\na, b \r\n"),
			"users:2: a,b,-,-|"},
		{TEXT("first,last\n"),
			"users:1: no column 'login', "
			"expected some of login,first,last,number"},
		{TEXT("login;first\n"),
			"users:1: unknown column "
			"'login;first', expected login,first,last,number"},
		{TEXT("login,,first\n"), "users:1: unknown column '', "
					 "expected login,first,last,number"},
		{TEXT("\nlogin,Login\n"), "users:2: column 'login' a "
					  "second time, expected only one"},
		{TEXT("login,\"a\n"), "users:1: a quote is not closed"},
		{TEXT("login,\xff\n"), "users:1: not valid UTF-8"},
		{TEXT("login,first,last,number,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
		      ",,,,\n"),
			"users:1: unknown column '', expected "
			"login,first,last,number"},
		{TEXT("state,login,since\nlate,a,1\n"), "users:2: a,-,-,-|"},
		{TEXT("login,state,State\n"), "users:1: column 'state' a "
					      "second time, expected only one"},
		{TEXT("\"lo\ngin\"\n"), "users:1: column: a control character "
					"(0x0a), expected text"},
		/* Records. */
		{TEXT(ALL "a,b,c,1\n"), "users:2: a,b,c,1|"},
		{TEXT(ALL "\n \t\na,b,c,1"), "users:4: a,b,c,1|"},
		{TEXT(ALL ",,,\n"), "users:2: ,,,|"},
		{TEXT(ALL "\"a,\"\"\",\" b \",c d,\n"),
			"users:2: a,\", b ,c d,|"},
		{TEXT(ALL "a,\"b\r\n\r\nx\",c,1\r\nd,e,f,2\n"),
			"users:2: a,b\n\nx,c,1|users:5: d,e,f,2|"},
		{TEXT(ALL "a,b,c\nd,e,f,2\n"),
			"!users:2: 3 columns, "
			"expected 4 (login,first,last,number)|"
			"users:3: d,e,f,2|"},
		{TEXT(ALL "a\n"), "!users:2: 1 column, expected 4 "
				  "(login,first,last,number)|"},
		{TEXT("number,login\na,b,c\n"), "!users:2: 3 columns, "
						"expected 2 (number,login)|"},
		{TEXT(ALL "a,b\"b,c,1\nd,e,f,2\n"),
			"!users:2: malformed "
			"quotes, expected them around a whole value and "
			"doubled inside it|users:3: d,e,f,2|"},
		{TEXT(ALL "a,\"b\"b,c,1\n"),
			"!users:2: malformed "
			"quotes, expected them around a whole value and "
			"doubled inside it|"},
		{TEXT(ALL "a,b,c,1\nd,\"e,f,2\ng,h,i,3\n"),
			"users:2: a,b,c,1|!users:3: a quote is not "
			"closed|"},
		{TEXT(ALL "a,\"b\n\xff\",c,1\nd,e,f,2\n"),
			"!users:3: not "
			"valid UTF-8|users:4: d,e,f,2|"},
		{TEXT(ALL "a,b,\0,1\nd,e,f,2\n"),
			"!users:2: a control "
			"character (0x00), expected text|"
			"users:3: d,e,f,2|"},
	};

	CHECK(u, "csv", false, CASES);
}

/* ---- TSV --------------------------------------------------------------- */

static void check_tsv(struct unit *u)
{
	static const struct expected CASES[] = {
		{TEXT("login\tfirst\na\tAnn\nb\t\n"),
			"users:2: a,Ann,-,-|users:3: b,,-,-|"},
		{TEXT("\xef\xbb\xbfNumber\tSTATE\tlogin\r\n1\tlate\ta\r\n"),
			"users:2: a,-,-,1|"},
		{TEXT("login\tfirst\na\t\"A, b\" \n"),
			"users:2: a,\"A, b\" ,-,-|"},
		{TEXT("login\tfirst\na\t1\\t2\\n3\\r4\\\\n\n"),
			"users:2: a,1\t2\n3\r4\\n,-,-|"},
		{TEXT("login\tfirst\na\tA\\x\nb\t\\\nc\tC\n"),
			"!users:2: a single \\ in column 2, expected \\\\, "
			"\\t, \\n or \\r|!users:3: a single \\ in column 2, "
			"expected \\\\, \\t, \\n or \\r|users:4: c,C,-,-|"},
		{TEXT("login\tfirst\na\n\nb\tB\tX\nc\tC"),
			"!users:2: 1 column, expected 2 (login,first)|!users:4:"
			" 3 columns, expected 2 (login,first)|"
			"users:5: c,C,-,-|"},
		{TEXT("login\twho\n"), "users:1: unknown column 'who', "
				       "expected login,first,last,number"},
		{TEXT("login\t\n"), "users:1: unknown column '', expected "
				    "login,first,last,number"},
		{TEXT("login\tlogin\n"), "users:1: column 'login' a second "
					 "time, expected only one"},
		{TEXT("first\tlast\n"), "users:1: no column 'login', expected "
					"some of login,first,last,number"},
		{TEXT("login\tfirst\na\t\x1b\nb\tB\n"),
			"!users:2: a control character (0x1b), expected text|"
			"users:3: b,B,-,-|"},
		{TEXT("1000\ta\n"), "users:1: unknown column '1000', expected "
				    "login,first,last,number"},
	};
	static const struct expected POSITIONAL[] = {
		{TEXT(""), ""},
		{TEXT("\n1000\ta\tb\tc\n1001\t\n"),
			"users:2: 1000,a,b,c|users:3: 1001,,,|"},
		{TEXT("1000\ta\tb\tc\tlate\t1\n"), "users:1: 1000,a,b,c|"},
		{TEXT("1000\ta\n1\t2\t3\t4\t5\t6\t7\n\n1001\n"),
			"users:1: 1000,a,,|!users:2: 7 columns, expected up to "
			"6 (login,first,last,number,state,since)|"
			"users:4: 1001,,,|"},
		{TEXT("login\tfirst\n1000\ta\n1001\n"),
			"users:2: 1000,a,-,-|!users:3: 1 column, expected 2 "
			"(login,first)|"},
		{TEXT("login\n1000\n"), "users:2: 1000,-,-,-|"},
		{TEXT("1000\n"), "users:1: unknown column '1000', expected "
				 "login,first,last,number"},
	};

	CHECK(u, "tsv", false, CASES);
	CHECK(u, "tsv without header", true, POSITIONAL);
}

/* ---- JSON -------------------------------------------------------------- */

static void check_json(struct unit *u)
{
	static const struct expected CASES[] = {
		{TEXT("[]"), ""},
		{TEXT(" \n[\n]\n"), ""},
		{TEXT("\xef\xbb\xbf[{\"login\":\"a\",\"NUMBER\":\"0100\"},\n"
		      "{\"first\":null,\"login\":\"b\",\"number\":1001}]\r\n"),
			"users:1: a,-,-,0100|users:2: b,,-,1001|"},
		{TEXT("[\n  {\n    \"login\": \"a\",\n    \"state\": [{}]\n"
		      "  },\n  {\n    \"login\": \"true\",\n    \"last\": "
		      "true\n  }\n]"),
			"users:2: a,-,-,-|users:6: true,-,true,-|"},
		{TEXT("[{\"login\":\"\\ud83d\\ude00\\u00fc\\/\\t\\n\"}]"),
			"users:1: \xf0\x9f\x98\x80\xc3\xbc/\t\n,-,-,-|"},
		/* Bad values in a good list. */
		{TEXT("[{\"login\":[\"a\"]},{\"login\":{}},\n"
		      "{\"login\":1.5},{\"login\":\"a\\u001b\"},\n[1],\"b\",7,"
		      "{\"first\":\"c\"},{},{\"who\":\"d\"},\n"
		      "{\"\\u001b\":1},{\"login\":\"e\"}]"),
			"!users:1: login: a list, expected one value|"
			"!users:1: login: an object, expected one value|"
			"!users:2: login: a number that is not whole, expected "
			"a text|"
			"!users:2: login: a control character (0x1b), expected "
			"text|"
			"!users:3: not an object, expected {\"login\": ...}|"
			"!users:3: not an object, expected {\"login\": ...}|"
			"!users:3: not an object, expected {\"login\": ...}|"
			"!users:3: no key 'login', expected some of "
			"login,first,last,number|"
			"!users:3: no key 'login', expected some of "
			"login,first,last,number|"
			"!users:3: unknown key 'who', expected "
			"login,first,last,number|"
			"!users:4: key: a control character (0x1b), expected "
			"text|users:4: e,-,-,-|"},
		{TEXT("[{\"login\":\"a\",\"login\":\"b\"},{\"login\":\"a\","
		      "\"Login\":\"b\"},{\"login\":\"c\"}]"),
			"!users:1: duplicate object key near '\"login\"', "
			"expected only one|!users:1: key 'login' a second time,"
			" expected only one|users:1: c,-,-,-|"},
		/* What is no list. */
		{TEXT("["), "!users:1: not JSON: expected , or ] of the list|"},
		{TEXT("[\n{\"login\":\"a\"}\n"),
			"users:2: a,-,-,-|!users:3: not JSON: expected , or ] "
			"of the list|"},
		{TEXT("[{\"login\":\"a\"} {\"login\":\"b\"}]"),
			"users:1: a,-,-,-|!users:1: not JSON: expected , or ] "
			"of the list|"},
		{TEXT("[{\"login\":\"a\"},]"),
			"users:1: a,-,-,-|!users:1: not JSON: unexpected token "
			"near ']'|"},
		{TEXT("[{\"login\":\"a\"}]\n[]"),
			"users:1: a,-,-,-|!users:2: more behind the list, "
			"expected its end to be the file's|"},
		{TEXT("[{\"login\":\"a\"},\n{login: b},{\"login\":\"c\"}]"),
			"users:1: a,-,-,-|!users:2: not JSON: string or '}' "
			"expected near 'login'|"},
		{TEXT("[{\n\"login\":\n0100}]"),
			"!users:3: not JSON: invalid token near '0'|"},
		{TEXT("[{\"login\":\"\xff\"}]"),
			"!users:1: not JSON: not valid UTF-8|"},
		{TEXT("[{\"login\":\"\\ud83d\"}]"),
			"!users:1: not JSON: invalid Unicode '\\uD83D' near "
			"'\"\\ud83d\"'|"},
		{TEXT("[{\"login\":\x1b}]"), "!users:1: not JSON: a control "
					     "character, expected text|"},
		{TEXT("[{\"login\":\"a\0b\"}]"),
			"!users:1: not JSON: control character 0x0 near "
			"'\"a'|"},
		{TEXT("[{\"login\":\"a\\u0000b\"}]"),
			"!users:1: not JSON: a NUL, expected text|"},
	};
	static const struct expected LINES[] = {
		{TEXT("{\"login\":\"a\"}\n\n{\"login\":\"b\"}"),
			"users:1: a,-,-,-|users:3: b,-,-,-|"},
		{TEXT("{\n\"login\": \"a\"\n}\n{\n\"login\": \"b\"\n}\n"),
			"users:1: a,-,-,-|users:4: b,-,-,-|"},
		/* A bad line, and the next one. */
		{TEXT("{\"login\":\"a\"\n{\"login\":\"b\"}\n"),
			"!users:1: not JSON: '}' expected near '{'|"
			"users:2: b,-,-,-|"},
		{TEXT("{\"login\":\"a\n{\"login\":\"b\"}\n"),
			"!users:1: not JSON: unexpected newline near '\"a'|"
			"users:2: b,-,-,-|"},
		{TEXT("{\"login\":0100}\r\n{\"login\":\"b\"}\r\n"),
			"!users:1: not JSON: invalid token near '0'|"
			"users:2: b,-,-,-|"},
		{TEXT("{\"login\":\"a\"}\nb\n\nc\n{\"login\":\"d\"}\n"),
			"users:1: a,-,-,-|!users:2: not JSON: invalid token "
			"near 'b'|users:5: d,-,-,-|"},
		{TEXT("{\"login\":[1,2]}\n7\n{\"login\":\"b\"}\n"),
			"!users:1: login: a list, expected one value|!users:2: "
			"not an object, expected {\"login\": ...}|"
			"users:3: b,-,-,-|"},
		{TEXT("{\"login\":\"\xff\"}\n{\"login\":\"b\"}\n"),
			"!users:1: not JSON: not valid UTF-8|"
			"users:2: b,-,-,-|"},
		{TEXT("{\"login\":\"a"),
			"!users:1: not JSON: premature end of input near "
			"'\"a'|"},
		{TEXT("{"), "!users:1: not JSON: string or '}' expected near "
			    "end of file|"},
		{TEXT("{\"login\":\"a\"}\n\0\n{\"login\":\"b\"}\n"),
			"users:1: a,-,-,-|!users:2: not JSON: invalid token "
			"near end of file|users:3: b,-,-,-|"},
	};

	CHECK(u, "json", false, CASES);
	CHECK(u, "json lines", false, LINES);
}

/* ---- YAML -------------------------------------------------------------- */

static void check_yaml(struct unit *u)
{
	static const struct expected CASES[] = {
		{TEXT("--- []"), ""},
		{TEXT("---\n[]\n"), ""},
		{TEXT("- login: a\n  number: 0100\n- {login: b, First: "
		      "\"B\"}\n"),
			"users:1: a,-,-,0100|users:3: b,B,-,-|"},
		{TEXT("\xef\xbb\xbf# all\r\n\r\n%YAML 1.1\r\n---\r\n"
		      "-\r\n  login: a # the first\r\n  last: 'it''s'\r\n..."
		      "\r\n"),
			"users:6: a,-,it's,-|"},
		{TEXT("# all\n[{login: a}, {login: b,\n state: [x, {y: "
		      "z}]}]\n"),
			"users:2: a,-,-,-|users:2: b,-,-,-|"},
		{TEXT("- state: {a: [b]}\n  login: yes\n  since:\n  - 1\n"),
			"users:1: yes,-,-,-|"},
		{TEXT("- login: a\n  first:\n  last: ~\n  number: null\n"),
			"users:1: a,,,|"},
		{TEXT("- login: \"null\"\n  first: '~'\n  last: ''\n  number: "
		      "!!str null\n"),
			"users:1: null,~,,null|"},
		{TEXT("- login: &x a\n  first: >-\n    A\n    b\n  last: |\n"
		      "    C\n"),
			"users:1: a,A b,C\n,-|"},
		{TEXT("- login: \"\\U0001F600\\t\"\n"),
			"users:1: \xf0\x9f\x98\x80\t,-,-,-|"},
		/* Bad values in a good list. */
		{TEXT("- login: a\n  first:\n  - A\n  last: B\n- login: {b: "
		      "c}\n"
		      "- d\n- [e]\n- &x {login: f}\n- *x\n- login: *x\n"
		      "- login: !!binary Zw==\n- login: \"h\\e\"\n-\n"
		      "- login: i\n"),
			"!users:3: first: a list, expected one value|"
			"!users:5: login: a mapping, expected one value|"
			"!users:6: not a mapping, expected 'login: ...'|"
			"!users:7: not a mapping, expected 'login: ...'|"
			"users:8: f,-,-,-|"
			"!users:9: not a mapping, expected 'login: ...'|"
			"!users:10: login: an alias, expected one value|"
			"!users:11: login: a value with a tag, expected one "
			"value|"
			"!users:12: login: a control character (0x1b), "
			"expected text|"
			"!users:13: not a mapping, expected 'login: ...'|"
			"users:14: i,-,-,-|"},
		{TEXT("- first: A\n- login: b\n  who: c\n- login: d\n  Login: "
		      "e\n"
		      "- ? [login]\n  : f\n- \"login\\0\": g\n- \"\\e\": h\n"
		      "- {<<: *x}\n- login: i\n"),
			"!users:1: no key 'login', expected some of "
			"login,first,last,number|"
			"!users:3: unknown key 'who', expected "
			"login,first,last,number|"
			"!users:5: key 'login' a second time, expected only "
			"one|"
			"!users:6: a key that is no plain text, expected 'key: "
			"value'|"
			"!users:8: a key that is no plain text, expected 'key: "
			"value'|"
			"!users:9: key: a control character (0x1b), expected "
			"text|"
			"!users:10: unknown key '<<', expected "
			"login,first,last,number|users:11: i,-,-,-|"},
		/* What is no list. */
		{TEXT("---\n"),
			"!users:2: not a list, expected '- login: ...'|"},
		{TEXT("---\nlogin: a\n"),
			"!users:2: not a list, expected '- login: ...'|"},
		{TEXT("- login: a\n---\n- login: b\n"),
			"users:1: a,-,-,-|!users:2: a second document, "
			"expected only one|"},
		{TEXT("- login: a\n- login: b: c\n- login: d\n"),
			"users:1: a,-,-,-|!users:2: not YAML: mapping values "
			"are not allowed in this context|"},
		{TEXT("- login: a\n\n- login: \"b\n- login: c\n"),
			"users:1: a,-,-,-|!users:3: not YAML: found unexpected "
			"end of stream|"},
		{TEXT("- {login: a"), "!users:2: not YAML: did not find "
				      "expected ',' or '}'|"},
		/* The line behind a mapping tells that it has ended. */
		{TEXT("- login: a\n- login: b\n- login: \xff\n- login: d\n"),
			"users:1: a,-,-,-|!users:3: not valid UTF-8|"},
		{TEXT("- login: a\n- login: b\n- login: c\0\n"),
			"users:1: a,-,-,-|!users:3: a control character (0x00),"
			" expected text|"},
		{TEXT("- login: \"\\ud83d\\ude00\"\n"),
			"!users:1: not YAML: found invalid Unicode character "
			"escape code|"},
		/* What only looks like it. */
		{TEXT("-login\n"), "users:1: unknown column '-login', expected "
				   "login,first,last,number"},
	};

	CHECK(u, "yaml", false, CASES);
}

/* ---- sizes ------------------------------------------------------------- */

/* A file of head, n times middle, and tail; what its records begin with. */
static void check_large(struct unit *u, const char *head, const char *middle,
	size_t n, const char *tail, const char *expected)
{
	size_t head_len = strlen(head), len = strlen(middle);
	char *text = malloc(head_len + n * len + strlen(tail) + 1);
	char *at = text + head_len, records[OUT];

	if (text == NULL)
		exit(2);
	memcpy(text, head, head_len);
	for (size_t i = 0; i < n; i++, at += len)
		memcpy(at, middle, len);
	memcpy(at, tail, strlen(tail) + 1);
	write_file(text, strlen(text));
	free(text);
	read_records(false, records);
	unit_ok(u, strncmp(records, expected, strlen(expected)) == 0,
		"%zu times '%.9s': %.200s", n, middle, records);
}

static void check_sizes(struct unit *u)
{
	/* A quote that is never closed must not take the rest of the file. */
	check_large(u, ALL "a,\"b,c,1\n", "d,e,f,2\n", MEGABYTE / 8, "",
		"!users:2: record is longer than 16384 bytes: is a quote not "
		"closed?|users:2051: d,e,f,2|");
	check_large(u, "- login: a\n- login: \"", "b\n", MEGABYTE, "",
		"users:1: a,-,-,-|!users:2: longer than 1 MiB: is a quote not "
		"closed?|");
	check_large(u, "- login: a\n- login: b\n", "   b\n", MEGABYTE, "",
		"users:1: a,-,-,-|!users:2: longer than 1 MiB: is a quote not "
		"closed?|");
	check_large(u, "- login: \"", "b\n", 9000, "\"\n- login: c\n",
		"!users:1: record is longer than 16384 bytes|"
		"users:9002: c,-,-,-|");
	check_large(u, "- login: a\n  first: ", "b", SP_LINE_MAX,
		"\n- login: c\n", "!users:2: line is longer than 16384 bytes|");
	check_large(u, "{\"login\":\"", "a", MEGABYTE,
		"\"}\n{\"login\":\"b\"}\n",
		"!users:1: record is longer than 16384 bytes|"
		"users:2: b,-,-,-|");
	check_large(u, "{\"login\":\"", "\xc3\xa4", MEGABYTE / 2,
		"\"}\n{\"login\":\"b\"}\n",
		"!users:1: record is longer than 16384 bytes|"
		"users:2: b,-,-,-|");
	check_large(u, "[{\"login\":\"a\"},{\"login\":\"", "b", MEGABYTE,
		"\"}]",
		"users:1: a,-,-,-|!users:1: record is longer than 16384 "
		"bytes|");
	/* Blanks are no record. */
	check_large(u, "[", "    \n", MEGABYTE / 5, "{\"login\":\"a\"}]",
		"users:200001: a,-,-,-|");
	check_large(u, "- login: a\n", "# no\n", MEGABYTE / 5, "- login: b\n",
		"users:1: a,-,-,-|users:200002: b,-,-,-|");
	/* Nesting. */
	check_large(u, "[", "[", MEGABYTE, "",
		"!users:1: not JSON: maximum parsing depth reached near '['|");
	check_large(u, "{\"state\":", "{\"a\":\n", MEGABYTE / 6, "",
		"!users:1: not JSON: maximum parsing depth reached near '{'|");
	check_large(u, "- ", "- ", 8000, "",
		"!users:1: not a mapping, expected 'login: ...'|!users:1: too "
		"many levels, expected a list of mappings|");
	check_large(u, "- state: ", "[", 16000, "",
		"!users:1: too many levels, expected a list of mappings|");
	check_large(u, "- login: ", "{a: ", 4000, "",
		"!users:1: login: a mapping, expected one value|!users:1: too "
		"many levels, expected a list of mappings|");
}

/* How a format writes "login" and "first". */
struct writing {
	const char *head, *before, *between, *after, *separator, *tail;
};

static void write_many(const struct writing *w, int n)
{
	FILE *file = fopen(FILE_NAME, "w");

	if (file == NULL)
		exit(2);
	fputs(w->head, file);
	for (int i = 0; i < n; i++) {
		fprintf(file, "%s%s%d%s", i == 0 ? "" : w->separator, w->before,
			i, w->between);
		for (int k = 0; k < i % 199; k++)
			putc('x', file);
		fputs(w->after, file);
	}
	fputs(w->tail, file);
	fclose(file);
}

/* Records of many sizes, across the ends of all buffers. */
static void check_many(struct unit *u)
{
	static const struct writing FORMATS[] = {
		{"login,first\n", "", ",", "\n", "", ""},
		{"login\tfirst\n", "", "\t", "\n", "", ""},
		{"[", "{\"login\":\"", "\",\"first\":\"", "\"}", ",", "]"},
		{"", "{\"login\":", ",\"first\":\"", "\"}\n", "", ""},
		{"", "- login: ", "\n  first: '", "'\n", "", ""},
	};
	enum { N = 3000 };

	for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
		struct sp_records *records = NULL;
		struct sp_err err = {0};
		const char *fields[N_NAMES];
		int64_t done = -1, total = 0;
		int n = 0;

		write_many(&FORMATS[i], N);
		if (open_records(&records, false, &err) != 0)
			exit(2);
		while (sp_records_next(records, fields, &err) == 1 &&
			atoi(fields[0]) == n &&
			strlen(fields[1]) == (size_t)(n % 199))
			n++;
		unit_int(u, n, N, FORMATS[i].before);
		sp_records_position(records, &done, &total);
		unit_int(u, done, total, "  all is read");
		sp_records_close(records);
	}
}

/* ---- broken files ------------------------------------------------------ */

static const char *const SAMPLES[] = {
	"login,first\r\n\"a\",\"b \"\"c\"\"\"\nd,\"e\nf\"\n",
	"login\tfirst\na\t\\\\b\\t\nc\td\n",
	"[{\"login\": \"\\u00fc\\ud83d\\ude00\", \"first\": null},\n"
	" {\"login\": -1, \"state\": [1.5e3, {\"a\": true}]}]\n",
	"{\"login\":\"a\",\"first\":\"\\n\"}\n{\"login\":\"b\"}\n",
	"%YAML 1.1\n---\n- &a\n  login: \"\\u00fc\"\n  first: |\n   b\n"
	"- {login: 'c', state: [d, *a]} # e\n- ? login\n  : f\n...\n",
};

/* Returns whether reading ends, and every error is one about the data. */
static bool is_survived(const char *text, size_t len)
{
	struct sp_records *records;
	struct sp_err err = {0};
	const char *fields[N_NAMES];
	size_t n = 0;
	int rc;

	write_file(text, len);
	if (open_records(&records, true, &err) != 0)
		return err.code == SP_DATA;
	while ((rc = sp_records_next(records, fields, &err)) != 0)
		if (++n > len + 1 || (rc < 0 && err.code != SP_DATA))
			break;
	sp_records_close(records);
	return rc == 0;
}

static void check_broken(struct unit *u, const char *sample)
{
	size_t len = strlen(sample), survived = 0, tries = 0;
	uint32_t random = 1;
	char text[256];

	for (size_t n = 0; n <= len; n++, tries++)
		survived += is_survived(sample, n);
	for (int i = 0; i < 1000; i++, tries++) {
		memcpy(text, sample, len);
		for (int k = 0; k < 3; k++) {
			random = random * 1664525 + 1013904223;
			text[(random >> 16) % len] =
				random & 1024 ? sample[(random >> 5) % len]
					      : (char)(random >> 24);
		}
		survived += is_survived(text, len);
	}
	unit_int(u, (int64_t)survived, (int64_t)tries, "broken in all ways");
}

static void check_open(struct unit *u)
{
	const struct sp_record_names names = {.names = NAMES, .n = N_NAMES};
	struct sp_records *records;
	struct sp_err err = {0};

	sp_records_open(&records, "missing", &names, &err);
	unit_int(u, err.code, SP_NOINPUT, "a missing file");
	unit_ok(u, records == NULL, "  opens nothing");
	unit_str(u, err.msg, "cannot read 'missing': No such file or directory",
		"  its sentence");
}

int main(void)
{
	char dir[] = "/tmp/sp-unit-XXXXXX";
	struct unit u = {0};

	if (mkdtemp(dir) == NULL || chdir(dir) != 0) {
		perror(dir);
		return 2;
	}
	check_csv(&u);
	check_tsv(&u);
	check_json(&u);
	check_yaml(&u);
	check_sizes(&u);
	check_many(&u);
	for (size_t i = 0; i < sizeof SAMPLES / sizeof SAMPLES[0]; i++)
		check_broken(&u, SAMPLES[i]);
	check_open(&u);
	unlink(FILE_NAME);
	rmdir(dir);
	return unit_done(&u);
}
