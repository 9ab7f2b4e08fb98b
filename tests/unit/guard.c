/* cmd/sp-register/guard: what a parser may see. */
#include "cmd/sp-register/guard.h"

#include "tests/unit/unit.h"

#define BYTES(text) (text), sizeof(text) - 1

static void check_values(struct unit *u)
{
	static const struct {
		const char *name, *text;
		size_t len;
		bool as_value, as_uri;
	} cases[] = {
		{"plain", BYTES("sip:1001@acme.example"), true, true},
		{"a space and a tab", BYTES("Alice\t <sip:a@b>"), true, true},
		{"UTF-8", BYTES("Zo\xc3\xab"), true, true},
		{"nothing", BYTES(""), false, false},
		{"NUL", BYTES("a\0b"), false, false},
		{"CR", BYTES("a\rb"), false, false},
		{"LF", BYTES("a\nb"), false, false},
		{"ESC", BYTES("a\x1b[1m"), false, false},
		{"DEL", BYTES("a\x7f"), false, false},
		{"an escape", BYTES("a%20b"), true, true},
		{"hexadecimal in any case", BYTES("%aF%Fa"), true, true},
		{"%01", BYTES("%01"), true, true},
		{"%0a", BYTES("%0a"), true, true},
		{"%00", BYTES("1001%00x"), true, false},
		{"%00 at the end", BYTES("1001%00"), true, false},
		{"%00 behind an escape", BYTES("%41%00"), true, false},
		{"%000", BYTES("%000"), true, false},
		{"%%", BYTES("%%41"), true, false},
		{"%zz", BYTES("%zz"), true, false},
		{"%4z", BYTES("%4z"), true, false},
		{"%4 at the end", BYTES("a%4"), true, false},
		{"% at the end", BYTES("a%"), true, false},
		{"a digit that is none", BYTES("%4\xb2"), true, false},
		{"% and then 00", BYTES("%2500"), true, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct sip_slice s = {cases[i].text, cases[i].len};

		unit_int(u, guard_value(s), cases[i].as_value, cases[i].name);
		unit_int(u, guard_uri(s), cases[i].as_uri, "  as a URI");
	}
	unit_ok(u, !guard_value((struct sip_slice){0}), "no text");
	unit_ok(u, !guard_uri((struct sip_slice){0}), "  as a URI");
}

static void check_limits(struct unit *u)
{
	static const char MARKS[] = ";,&%";
	char text[SIP_MAX_LINE + 1];

	memset(text, 'a', sizeof text);
	unit_ok(u, guard_value((struct sip_slice){text, SIP_MAX_LINE}),
		"2048 bytes");
	unit_ok(u, !guard_value((struct sip_slice){text, SIP_MAX_LINE + 1}),
		"one more");
	for (int i = 0; i < SIP_MAX_MARKS; i++)
		text[i] = MARKS[i % 4];
	unit_ok(u, guard_value((struct sip_slice){text, sizeof text - 1}),
		"32 marks of all kinds");
	for (int i = 0; i < 4; i++) {
		text[SIP_MAX_MARKS] = MARKS[i];
		unit_ok(u,
			!guard_value((struct sip_slice){text, sizeof text - 1}),
			"and one more '%c'", MARKS[i]);
	}
}

#define B64 "abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345"

static void check_tokens(struct unit *u)
{
	/* RFC 3261 §25.1. */
	static const char MARKS[] = "-.!%*_+`'~";
	int n = 0, right = 0;

	for (int c = 0; c < 256; c++) {
		const char text[] = {'A', (char)c};
		bool expected = (c >= '0' && c <= '9') ||
				(c >= 'A' && c <= 'Z') ||
				(c >= 'a' && c <= 'z') ||
				(c != '\0' && strchr(MARKS, c) != NULL);

		n++;
		right += guard_token((struct sip_slice){text, 2}) == expected;
	}
	unit_int(u, right, n, "every byte in a token");
	unit_ok(u, guard_token((struct sip_slice){BYTES("REGISTER")}),
		"a method");
	unit_ok(u, !guard_token((struct sip_slice){BYTES("")}), "empty");
	unit_ok(u, !guard_token((struct sip_slice){0}), "no text");
	unit_ok(u, guard_token((struct sip_slice){B64, 64}), "64 bytes");
	unit_ok(u, !guard_token((struct sip_slice){B64 "x", 65}), "65 bytes");
	/* RFC 4475 §3.1.1.2. */
	unit_ok(u,
		guard_token((struct sip_slice){
			BYTES("!interesting-Method0123456789_*+`.%indeed'~")}),
		"an interesting method");
}

int main(void)
{
	struct unit u = {0};

	check_values(&u);
	check_limits(&u);
	check_tokens(&u);
	return unit_done(&u);
}
