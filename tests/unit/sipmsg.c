/* cmd/sp-register/sipmsg: datagrams cut into slices. */
#include "cmd/sp-register/sipmsg.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* A text with its length, NULs and all. */
#define BYTES(text) (text), sizeof(text) - 1

#define START   "REGISTER sip:acme.example SIP/2.0\r\n"
#define VIA     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM    "From: <sip:1001@acme.example>;tag=1\r\n"
#define TO      "To: <sip:1001@acme.example>\r\n"
#define CALL_ID "Call-ID: a@b\r\n"
#define CSEQ    "CSeq: 7 REGISTER\r\n"
#define ALL     VIA FROM TO CALL_ID CSEQ
#define END     "\r\n"

/* The scanner writes where lines are folded, and must not read beyond the end:
 * it gets the bytes in a block of their own. */
static char *copy(const char *text, size_t len)
{
	char *data = malloc(len == 0 ? 1 : len);

	if (data == NULL)
		exit(2);
	memcpy(data, text, len);
	return data;
}

/* ---- the verdict on a whole message ------------------------------------ */

struct scanned {
	const char *name, *text;
	size_t len;
	enum sip_scan scan;
	const char *why; /* of SIP_MALFORMED */
};

static void check_scan(struct unit *u, const struct scanned *c)
{
	struct sip_message m;
	const char *why = NULL;
	char *data = copy(c->text, c->len);
	enum sip_scan scan = sipmsg_scan(data, c->len, &m, &why);

	unit_int(u, scan, c->scan, c->name);
	if (scan == SIP_MALFORMED)
		unit_str(u, why, c->why, "  why");
	free(data);
}

static const struct scanned START_LINES[] = {
	{"a REGISTER", BYTES(START ALL END), SIP_SCANNED, NULL},
	{"empty lines before it", BYTES("\r\n\r\n\n" START ALL END),
		SIP_SCANNED, NULL},
	{"lines that end in LF alone",
		BYTES("REGISTER sip:a SIP/2.0\nVia: SIP/2.0/UDP a\nFrom: "
		      "<sip:a@b>\nTo: <sip:a@b>\nCall-ID: 1\nCSeq: 1 "
		      "REGISTER\n\n"),
		SIP_SCANNED, NULL},
	{"the version in lower case",
		BYTES("REGISTER sip:a sip/2.0\r\n" ALL END), SIP_SCANNED, NULL},
	{"any method",
		BYTES("!x-%*_+`'~.9 sip:a SIP/2.0\r\n" VIA FROM TO CALL_ID
		      "CSeq: 1 !x-%*_+`'~.9\r\n" END),
		SIP_SCANNED, NULL},
	{"any scheme", BYTES("REGISTER tel:+1 SIP/2.0\r\n" ALL END),
		SIP_SCANNED, NULL},
	{"nothing", BYTES(""), SIP_GARBAGE, NULL},
	{"a keep-alive", BYTES("\r\n\r\n"), SIP_GARBAGE, NULL},
	{"a STUN packet", BYTES("\0\1\0\0\x21\x12\xa4\x42"), SIP_GARBAGE, NULL},
	{"a line without end", BYTES("REGISTER sip:a SIP/2.0"), SIP_GARBAGE,
		NULL},
	{"a start line alone", BYTES(START), SIP_GARBAGE, NULL},
	{"no Via", BYTES(START FROM TO CALL_ID CSEQ END), SIP_GARBAGE, NULL},
	{"no empty line", BYTES(START ALL), SIP_GARBAGE, NULL},
	{"the last line is cut", BYTES(START ALL "Expires: 3"), SIP_GARBAGE,
		NULL},
	{"a folded line is cut", BYTES(START ALL "X: a\r\n b"), SIP_GARBAGE,
		NULL},
	{"a word alone", BYTES("REGISTER\r\n" ALL END), SIP_GARBAGE, NULL},
	{"a method that is no token",
		BYTES("REG(STER sip:a SIP/2.0\r\n" ALL END), SIP_GARBAGE, NULL},
	{"a method of 65 letters",
		BYTES("abcdefghijklmnopqrstuvwxyzabcdefg"
		      "abcdefghijklmnopqrstuvwxyz012345 sip:a SIP/2.0\r\n" ALL
				END),
		SIP_GARBAGE, NULL},
	{"a space in front", BYTES(" REGISTER sip:a SIP/2.0\r\n" ALL END),
		SIP_GARBAGE, NULL},
	{"HTTP", BYTES("GET / HTTP/1.1\r\n" ALL END), SIP_MALFORMED,
		"Malformed Request-Line"},
	{"no version", BYTES("REGISTER sip:a\r\n" ALL END), SIP_MALFORMED,
		"Malformed Request-Line"},
	{"two spaces before the URI",
		BYTES("REGISTER  sip:a SIP/2.0\r\n" ALL END), SIP_MALFORMED,
		"Malformed Request-Line"},
	{"two spaces behind it", BYTES("REGISTER sip:a  SIP/2.0\r\n" ALL END),
		SIP_MALFORMED, "Malformed Request-Line"},
	{"a space at the end", BYTES("REGISTER sip:a SIP/2.0 \r\n" ALL END),
		SIP_MALFORMED, "Malformed Request-Line"},
	{"a space in the URI", BYTES("REGISTER sip:a b SIP/2.0\r\n" ALL END),
		SIP_MALFORMED, "Malformed Request-Line"},
	{"SIP/7.0", BYTES("REGISTER sip:a SIP/7.0\r\n" ALL END),
		SIP_BAD_VERSION, NULL},
	{"sip/2.1", BYTES("REGISTER sip:a sip/2.1\r\n" ALL END),
		SIP_BAD_VERSION, NULL},
	{"SIP/2.0.0", BYTES("REGISTER sip:a SIP/2.0.0\r\n" ALL END),
		SIP_BAD_VERSION, NULL},
	{"SIP/", BYTES("REGISTER sip:a SIP/\r\n" ALL END), SIP_MALFORMED,
		"Malformed Request-Line"},
};

/* Each comes behind a start line; ALL is what must be there. */
static const struct scanned FIELDS[] = {
	{"compact names",
		BYTES(START "v: SIP/2.0/UDP a\r\nf: <sip:a@b>\r\n"
			    "t: <sip:a@b>\r\ni: 1\r\n" CSEQ "l: 0\r\n" END),
		SIP_SCANNED, NULL},
	{"compact names, upper case",
		BYTES(START
			"V: SIP/2.0/UDP a\r\n"
			"F: <sip:a@b>\r\nT: <sip:a@b>\r\nI: 1\r\n" CSEQ END),
		SIP_SCANNED, NULL},
	{"names in any case",
		BYTES(START "vIA: SIP/2.0/UDP a\r\n"
			    "FROM: <sip:a@b>\r\nto: <sip:a@b>\r\nCALL-Id: 1\r\n"
			    "cseq: 7 REGISTER\r\n" END),
		SIP_SCANNED, NULL},
	{"spaces before the colon",
		BYTES(START VIA FROM TO CALL_ID "CSeq \t : 7 REGISTER\r\n" END),
		SIP_SCANNED, NULL},
	{"unknown headers", BYTES(START ALL "X: y\r\nZ:\r\nq: 1\r\n" END),
		SIP_SCANNED, NULL},
	{"a long unknown name",
		BYTES(START ALL
			"NewFangledHeaderWithAVeryLongNameIndeed-"
			"NewFangledHeaderWithAVeryLongNameIndeed: x\r\n" END),
		SIP_SCANNED, NULL},
	{"no colon", BYTES(START ALL "what is this\r\n" END), SIP_MALFORMED,
		"Malformed Header"},
	{"a colon alone", BYTES(START ALL ": x\r\n" END), SIP_MALFORMED,
		"Malformed Header"},
	{"a name of two words", BYTES(START ALL "X y: z\r\n" END),
		SIP_MALFORMED, "Malformed Header"},
	{"a NUL in a value", BYTES(START ALL "X: a\0b\r\n" END), SIP_MALFORMED,
		"Control Character In Header"},
	{"a NUL in a name", BYTES(START ALL "X\0: a\r\n" END), SIP_MALFORMED,
		"Control Character In Header"},
	{"a NUL for a line", BYTES(START ALL "\0\r\n" END), SIP_MALFORMED,
		"Control Character In Header"},
	{"no From", BYTES(START VIA TO CALL_ID CSEQ END), SIP_MALFORMED,
		"Missing From"},
	{"no To", BYTES(START VIA FROM CALL_ID CSEQ END), SIP_MALFORMED,
		"Missing To"},
	{"no Call-ID", BYTES(START VIA FROM TO CSEQ END), SIP_MALFORMED,
		"Missing Call-ID"},
	{"no CSeq", BYTES(START VIA FROM TO CALL_ID END), SIP_MALFORMED,
		"Missing CSeq"},
	{"nothing but Via", BYTES(START VIA END), SIP_MALFORMED,
		"Missing From"},
	{"an empty From", BYTES(START VIA "From: \r\n" TO CALL_ID CSEQ END),
		SIP_MALFORMED, "Missing From"},
	{"an empty Call-ID", BYTES(START VIA FROM TO "Call-ID:\r\n" CSEQ END),
		SIP_MALFORMED, "Missing Call-ID"},
	{"an empty CSeq", BYTES(START VIA FROM TO CALL_ID "CSeq:\r\n" END),
		SIP_MALFORMED, "Missing CSeq"},
	{"two From", BYTES(START ALL FROM END), SIP_MALFORMED, "Two From"},
	{"two To", BYTES(START ALL TO END), SIP_MALFORMED, "Two To"},
	{"two Call-ID, one compact", BYTES(START ALL "i: 2\r\n" END),
		SIP_MALFORMED, "Two Call-ID"},
	{"two CSeq", BYTES(START ALL CSEQ END), SIP_MALFORMED, "Two CSeq"},
	{"the first problem is told", BYTES(START VIA "X\r\n" END),
		SIP_MALFORMED, "Malformed Header"},
	{"a bad version comes before a bad header",
		BYTES("REGISTER sip:a SIP/3.0\r\n" VIA "X\r\n" END),
		SIP_BAD_VERSION, NULL},
};

#define CSEQ_IS(value) BYTES(START VIA FROM TO CALL_ID "CSeq:" value "\r\n" END)

static const struct scanned CSEQS[] = {
	{"CSeq 0", CSEQ_IS("0 REGISTER"), SIP_SCANNED, NULL},
	{"CSeq 2^31-1", CSEQ_IS("2147483647 REGISTER"), SIP_SCANNED, NULL},
	{"CSeq with zeros", CSEQ_IS("000000000000007 REGISTER"), SIP_SCANNED,
		NULL},
	{"CSeq with spaces", CSEQ_IS("  7 \t REGISTER "), SIP_SCANNED, NULL},
	{"CSeq with a tab", CSEQ_IS("7\tREGISTER"), SIP_SCANNED, NULL},
	{"CSeq 2^31", CSEQ_IS("2147483648 REGISTER"), SIP_MALFORMED,
		"Malformed CSeq"},
	{"CSeq 2^64+7", CSEQ_IS("18446744073709551623 REGISTER"), SIP_MALFORMED,
		"Malformed CSeq"},
	{"CSeq -7", CSEQ_IS("-7 REGISTER"), SIP_MALFORMED, "Malformed CSeq"},
	{"CSeq +7", CSEQ_IS("+7 REGISTER"), SIP_MALFORMED, "Malformed CSeq"},
	{"CSeq 7x", CSEQ_IS("7x REGISTER"), SIP_MALFORMED, "Malformed CSeq"},
	{"CSeq 0x7", CSEQ_IS("0x7 REGISTER"), SIP_MALFORMED, "Malformed CSeq"},
	{"CSeq without method", CSEQ_IS("7"), SIP_MALFORMED, "Malformed CSeq"},
	{"CSeq without number", CSEQ_IS("REGISTER"), SIP_MALFORMED,
		"Malformed CSeq"},
	{"CSeq without space", CSEQ_IS("7REGISTER"), SIP_MALFORMED,
		"Malformed CSeq"},
	{"CSeq with three words", CSEQ_IS("7 REGISTER x"), SIP_MALFORMED,
		"Malformed CSeq"},
	{"CSeq of INVITE", CSEQ_IS("7 INVITE"), SIP_MALFORMED,
		"CSeq Of Another Method"},
	{"CSeq in lower case", CSEQ_IS("7 register"), SIP_MALFORMED,
		"CSeq Of Another Method"},
	{"CSeq of REGISTE", CSEQ_IS("7 REGISTE"), SIP_MALFORMED,
		"CSeq Of Another Method"},
};

#define LENGTH_IS(value, body) \
	BYTES(START ALL "Content-Length:" value "\r\n" END body)

static const struct scanned LENGTHS[] = {
	{"no body", LENGTH_IS(" 0", ""), SIP_SCANNED, NULL},
	{"a body", LENGTH_IS(" 4", "body"), SIP_SCANNED, NULL},
	{"more than the body", LENGTH_IS(" 4", "body and more"), SIP_SCANNED,
		NULL},
	{"padded", LENGTH_IS("     4  ", "body"), SIP_SCANNED, NULL},
	{"with zeros", LENGTH_IS(" 004", "body"), SIP_SCANNED, NULL},
	{"a body with NULs", LENGTH_IS(" 4", "\0\0\r\n"), SIP_SCANNED, NULL},
	{"no length, a body", BYTES(START ALL END "body"), SIP_SCANNED, NULL},
	{"a body that is too short", LENGTH_IS(" 5", "body"), SIP_MALFORMED,
		"Body Shorter Than Content-Length"},
	{"2^31", LENGTH_IS(" 2147483648", ""), SIP_MALFORMED,
		"Malformed Content-Length"},
	{"2^32+4", LENGTH_IS(" 4294967300", "body"), SIP_MALFORMED,
		"Malformed Content-Length"},
	{"-1", LENGTH_IS(" -1", ""), SIP_MALFORMED, "Malformed Content-Length"},
	{"empty", LENGTH_IS("", ""), SIP_MALFORMED, "Malformed Content-Length"},
	{"no number", LENGTH_IS(" four", "body"), SIP_MALFORMED,
		"Malformed Content-Length"},
	{"two numbers", LENGTH_IS(" 4 4", "body"), SIP_MALFORMED,
		"Malformed Content-Length"},
	{"a list", LENGTH_IS(" 4,4", "body"), SIP_MALFORMED,
		"Malformed Content-Length"},
	{"twice", LENGTH_IS(" 4\r\nl: 4", "body"), SIP_MALFORMED,
		"Malformed Content-Length"},
};

/* ---- controls ----------------------------------------------------------- */

/* Each byte, at each place of a line as it is looked through. */
static void check_controls(struct unit *u)
{
	static const char HEAD[] = START ALL "X: ", TAIL[] = "\r\n" END;
	const size_t at = sizeof HEAD - 1;
	char data[1024];
	int wrong = 0;

	for (int c = 0; c < 256; c++)
		for (size_t place = 0; place < 20; place++) {
			bool is_bad = (c < ' ' && c != '\t') || c == 0x7f;
			struct sip_message m;
			const char *why;

			memcpy(data, HEAD, at);
			memset(data + at, 0x80 | c, 20);
			data[at + place] = (char)c;
			memcpy(data + at + 20, TAIL, sizeof TAIL - 1);
			if (c != '\n')
				wrong += sipmsg_scan(data,
						 at + 20 + sizeof TAIL - 1, &m,
						 &why) !=
					 (is_bad ? SIP_MALFORMED : SIP_SCANNED);
		}
	unit_int(u, wrong, 0, "controls are found, and no other bytes");
}

/* ---- limits ------------------------------------------------------------ */

/* ALL, n unknown headers, and one whose line has `line` bytes. */
static void check_limit(struct unit *u, int n, size_t line, const char *why)
{
	char *data = malloc(SIP_MAX_MESSAGE + 4096);
	struct sip_writer w = {data, SIP_MAX_MESSAGE + 4096, 0, false};
	struct sip_message m;
	const char *got = NULL;

	if (data == NULL)
		exit(2);
	sipmsg_put_text(&w, START ALL);
	for (int i = 0; i < n; i++)
		sipmsg_put(&w, "X: %d\r\n", i);
	if (line > 0)
		sipmsg_put(&w, "Y: %0*d\r\n", (int)line - 3, 7);
	sipmsg_put_text(&w, END);
	unit_int(u, sipmsg_scan(data, w.len, &m, &got),
		why == NULL ? SIP_SCANNED : SIP_MALFORMED, "a limit");
	unit_str(u, got, why, "  why");
	free(data);
}

static void check_limits(struct unit *u)
{
	char line[SIP_MAX_LINE + 2];
	struct sip_message m;
	const char *why;
	int spare = SIP_MAX_FIELDS - 5; /* ALL has five */

	check_limit(u, spare, 0, NULL);
	check_limit(u, spare + 1, 0, "Too Many Headers");
	check_limit(u, spare + 200, 0, "Too Many Headers");
	check_limit(u, 0, SIP_MAX_LINE, NULL);
	check_limit(u, 0, SIP_MAX_LINE + 1, "Header Too Long");
	check_limit(u, spare - 1, SIP_MAX_LINE, NULL);
	memset(line, 'a', sizeof line);
	line[SIP_MAX_LINE + 1] = '\n';
	unit_int(u, sipmsg_scan(line, sizeof line, &m, &why), SIP_GARBAGE,
		"a start line that is too long");
}

/* A folded line counts as one. */
static void check_folded_limit(struct unit *u)
{
	char *data = malloc(SIP_MAX_MESSAGE);
	struct sip_writer w = {data, SIP_MAX_MESSAGE, 0, false};
	struct sip_message m;
	const char *why = NULL;

	if (data == NULL)
		exit(2);
	sipmsg_put(&w, START ALL "X: %01000d\r\n %01000d\r\n %0100d\r\n" END, 1,
		2, 3);
	unit_int(u, sipmsg_scan(data, w.len, &m, &why), SIP_MALFORMED,
		"three lines that are one");
	unit_str(u, why, "Header Too Long", "  why");
	free(data);
}

/* ---- slices ------------------------------------------------------------ */

static void check_slice(struct unit *u, struct sip_slice slice,
	const char *expected, const char *name)
{
	char text[256];

	snprintf(text, sizeof text, "%.*s", (int)slice.len,
		slice.at == NULL ? "" : slice.at);
	unit_str(u, slice.at == NULL ? NULL : text, expected, name);
}

static void check_request(struct unit *u)
{
	static const char TEXT[] = "REGISTER sip:acme.example;a=b SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP a,\r\n SIP/2.0/UDP b\r\n"
				   "f: <sip:1001@acme.example>\r\n"
				   "To:<sip:1001@acme.example>\r\n"
				   "Call-ID: \t a@b \t\r\n"
				   "CSeq: 7\r\n \tREGISTER\r\n"
				   "m: <sip:1>\r\n"
				   "X-Y: z\r\n"
				   "Contact: <sip:2>,\r\n"
				   "\t <sip:3>\r\n"
				   "   \r\n"
				   "via: SIP/2.0/UDP c\r\n"
				   "\r\n"
				   " body";
	char *data = copy(BYTES(TEXT));
	struct sip_message m;
	const char *why = NULL;

	unit_int(u, sipmsg_scan(data, sizeof TEXT - 1, &m, &why), SIP_SCANNED,
		"a request");
	unit_ok(u, m.is_request, "is one");
	check_slice(u, m.method, "REGISTER", "its method");
	check_slice(u, m.uri, "sip:acme.example;a=b", "its URI");
	unit_int(u, m.cseq, 7, "its CSeq");
	check_slice(u, m.cseq_method, "REGISTER", "  and that one's method");
	check_slice(u, sipmsg_header(&m, SIP_CSEQ), "7   \tREGISTER",
		"  folded");
	check_slice(u, sipmsg_header(&m, SIP_VIA),
		"SIP/2.0/UDP a,   SIP/2.0/UDP b", "Via, the first of two");
	unit_int(u, m.count[SIP_VIA], 2, "  counted");
	check_slice(u, sipmsg_header(&m, SIP_FROM), "<sip:1001@acme.example>",
		"From, compact");
	check_slice(u, sipmsg_header(&m, SIP_TO), "<sip:1001@acme.example>",
		"To, without a space");
	check_slice(u, sipmsg_header(&m, SIP_CALL_ID), "a@b",
		"Call-ID, with many");
	check_slice(u, sipmsg_header(&m, SIP_CONTACT), "<sip:1>",
		"Contact, compact");
	unit_int(u, m.n_fields, 9, "all fields");
	unit_int(u, m.field[6].header, SIP_OTHER, "an unknown one");
	check_slice(u, m.field[6].value, "z", "  its value");
	unit_int(u, m.field[7].header, SIP_CONTACT, "the second Contact");
	check_slice(u, m.field[7].value, "<sip:2>,  \t <sip:3>", "  folded");
	check_slice(u, sipmsg_header(&m, SIP_EXPIRES), NULL, "one that is not");
	check_slice(u, m.body, " body", "the body");
	free(data);
}

static void check_response(struct unit *u, const char *start,
	enum sip_scan scan, int status, const char *reason)
{
	char text[512];
	struct sip_message m;
	const char *why = NULL;
	size_t len = (size_t)snprintf(text, sizeof text,
		"%s\r\n" VIA FROM TO CALL_ID "CSeq: 7 INVITE\r\n" END, start);
	char *data = copy(text, len);

	unit_int(u, sipmsg_scan(data, len, &m, &why), scan, start);
	if (scan == SIP_SCANNED) {
		unit_ok(u, !m.is_request, "  is a response");
		unit_int(u, m.status, status, "  its status");
		check_slice(u, m.reason, reason, "  its reason");
	}
	free(data);
}

static void check_responses(struct unit *u)
{
	static const struct {
		const char *start;
		int status; /* 0: garbage */
		const char *reason;
	} cases[] = {
		{"SIP/2.0 200 OK", 200, "OK"},
		{"SIP/2.0 100 Trying it now", 100, "Trying it now"},
		{"SIP/2.0 699 ", 699, ""},
		{"SIP/2.0 200 \xd0\x9f", 200, "\xd0\x9f"},
		{"SIP/2.0 200", 0, NULL},
		{"SIP/2.0 099 x", 0, NULL},
		{"SIP/2.0 700 x", 0, NULL},
		{"SIP/2.0 20 x", 0, NULL},
		{"SIP/2.0 2000 x", 0, NULL},
		{"SIP/2.0 4294967301 x", 0, NULL},
		{"SIP/2.0 2x0 x", 0, NULL},
		{"SIP/2.0 -20 x", 0, NULL},
		{"SIP/2.0  200 OK", 0, NULL},
		{"sip/2.0 200 OK", 0, NULL},
		{"SIP/7.0 200 OK", 0, NULL},
		{"SIP/2.0 ", 0, NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_response(u, cases[i].start,
			cases[i].status == 0 ? SIP_GARBAGE : SIP_SCANNED,
			cases[i].status, cases[i].reason);
}

static void check_bodies(struct unit *u)
{
	static const struct {
		const char *text;
		size_t len;
		const char *body;
	} cases[] = {
		{BYTES(START ALL END), ""},
		{BYTES(START ALL END "all of it"), "all of it"},
		{BYTES(START ALL "l: 0\r\n" END "INVITE sip:a SIP/2.0"), ""},
		{BYTES(START ALL "l: 4\r\n" END "body and more"), "body"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *data = copy(cases[i].text, cases[i].len);
		struct sip_message m;
		const char *why;

		sipmsg_scan(data, cases[i].len, &m, &why);
		check_slice(u, m.body, cases[i].body, "a body");
		free(data);
	}
}

/* ---- lists and numbers ------------------------------------------------- */

static void check_next(struct unit *u)
{
	static const struct {
		const char *list;
		char separator;
		const char *elements; /* each with brackets around it */
	} cases[] = {
		{"a", ',', "[a]"},
		{"a,b,c", ',', "[a][b][c]"},
		{" a \t, b ", ',', "[a][b]"},
		{"", ',', "[]"},
		{",", ',', "[][]"},
		{"a,", ',', "[a][]"},
		{",a", ',', "[][a]"},
		{"a,,b", ',', "[a][][b]"},
		{"a;b,c", ';', "[a][b,c]"},
		{"\"a,b\",c", ',', "[\"a,b\"][c]"},
		{"\"a\\\",b\",c", ',', "[\"a\\\",b\"][c]"},
		{"\"a\\\\\",c", ',', "[\"a\\\\\"][c]"},
		{"\"a,b", ',', "[\"a,b]"},
		{"\"a\\", ',', "[\"a\\]"},
		{"<sip:a,b>,c", ',', "[<sip:a,b>][c]"},
		{"<sip:a;b>;c", ';', "[<sip:a;b>][c]"},
		{"\"<\" <a,b>,c", ',', "[\"<\" <a,b>][c]"},
		{"<a\",b>,c", ',', "[<a\",b>][c]"},
		{"<a,b", ',', "[<a,b]"},
		{"a>,b", ',', "[a>][b]"},
		{"\\\",a", ',', "[\\\",a]"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sip_slice rest = {cases[i].list, strlen(cases[i].list)};
		struct sip_slice element;
		char text[128];
		struct sip_writer w = {text, sizeof text - 1, 0, false};

		while (sipmsg_next(&rest, cases[i].separator, &element)) {
			sipmsg_put_text(&w, "[");
			sipmsg_put_slice(&w, element);
			sipmsg_put_text(&w, "]");
		}
		text[w.len] = '\0';
		unit_str(u, text, cases[i].elements, cases[i].list);
	}
}

static void check_numbers(struct unit *u)
{
	static const struct {
		const char *text;
		int64_t max, expected;
	} cases[] = {
		{"0", 9, 0},
		{"9", 9, 9},
		{"10", 9, -1},
		{"009", 9, 9},
		{"4294967295", UINT32_MAX, UINT32_MAX},
		{"4294967296", UINT32_MAX, -1},
		{"99999999999999999999999999999", UINT32_MAX, -1},
		{"", 9, -1},
		{"-1", 9, -1},
		{"+1", 9, -1},
		{" 1", 9, -1},
		{"1 ", 9, -1},
		{"1x", 9, -1},
		{"\"1\"", 9, -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_int(u,
			sipmsg_number((struct sip_slice){cases[i].text,
					      strlen(cases[i].text)},
				cases[i].max),
			cases[i].expected, cases[i].text);
	unit_int(u, sipmsg_number((struct sip_slice){0}, 9), -1, "no text");
}

static void check_comparisons(struct unit *u)
{
	const struct sip_slice slice = {"REGISTERed", 8};

	unit_ok(u, sipmsg_slice_is(slice, "REGISTER"), "the same");
	unit_ok(u, !sipmsg_slice_is(slice, "register"), "another case");
	unit_ok(u, !sipmsg_slice_is(slice, "REGISTERed"), "longer");
	unit_ok(u, !sipmsg_slice_is(slice, "REGISTE"), "shorter");
	unit_ok(u, sipmsg_slice_is_nocase(slice, "reGister"), "any case");
	unit_ok(u, !sipmsg_slice_is_nocase(slice, "registered"), "longer");
}

static void check_printable(struct unit *u)
{
	static const char TEXT[] = "a\x1b[31m\tb\0\x7f\xc3\xab~";
	char out[16];

	sipmsg_copy_printable((struct sip_slice){BYTES(TEXT)}, out, sizeof out);
	unit_str(u, out, "a?[31m?b????~", "what cannot be printed");
	sipmsg_copy_printable((struct sip_slice){BYTES("abcdef")}, out, 4);
	unit_str(u, out, "abc", "  cut to fit");
	sipmsg_copy_printable((struct sip_slice){0}, out, 4);
	unit_str(u, out, "", "  nothing");
}

#define CHECK_ALL(u, cases)                                           \
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases)[0]; i++) \
	check_scan(u, &(cases)[i])

int main(void)
{
	struct unit u = {0};

	CHECK_ALL(&u, START_LINES);
	CHECK_ALL(&u, FIELDS);
	CHECK_ALL(&u, CSEQS);
	CHECK_ALL(&u, LENGTHS);
	check_limits(&u);
	check_folded_limit(&u);
	check_request(&u);
	check_responses(&u);
	check_bodies(&u);
	check_next(&u);
	check_numbers(&u);
	check_comparisons(&u);
	check_printable(&u);
	check_controls(&u);
	return unit_done(&u);
}
