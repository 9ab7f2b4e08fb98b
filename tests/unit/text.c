/* lib/text: UTF-8, hosts, numbers, copies. */
#include "lib/text.h"

#include "tests/unit/unit.h"

/* A text with its length, NULs and all. */
#define BYTES(text) (text), sizeof(text) - 1

static void check_near(struct unit *u)
{
	static const struct {
		const char *a, *b;
		bool is_near;
	} cases[] = {
		{"asmith", "asmith", true},
		{"asmit", "asmith", true},
		{"smith", "asmith", true},
		{"asmitth", "asmith", true},
		{"asnith", "asmith", true},
		{"asmiht", "asmith", true},
		{"samith", "asmith", true},
		{"ASmith", "asmith", true},
		{"", "a", true},
		{"aasmit", "asmith", false},
		{"asmi", "asmith", false},
		{"asthmi", "asmith", false},
		{"hsmita", "asmith", false},
		{"aa", "a", true},
		{"aaa", "a", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_ok(u,
			sp_text_is_near(cases[i].a, cases[i].b) ==
				cases[i].is_near,
			"%s, %s", cases[i].a, cases[i].b);
		unit_ok(u,
			sp_text_is_near(cases[i].b, cases[i].a) ==
				cases[i].is_near,
			"  the other way round");
	}
}

static void check_utf8(struct unit *u)
{
	static const struct {
		const char *name, *text;
		size_t len;
		bool is_utf8;
	} cases[] = {
		{"nothing", BYTES(""), true},
		{"ASCII", BYTES("asmith"), true},
		{"a NUL", BYTES("a\0b"), true},
		{"U+007F", BYTES("\x7f"), true},
		{"U+0080, the first of two bytes", BYTES("\xc2\x80"), true},
		{"U+07FF, the last of two", BYTES("\xdf\xbf"), true},
		{"U+0800, the first of three", BYTES("\xe0\xa0\x80"), true},
		{"U+D7FF, before the surrogates", BYTES("\xed\x9f\xbf"), true},
		{"U+E000, behind them", BYTES("\xee\x80\x80"), true},
		{"U+FFFF, the last of three", BYTES("\xef\xbf\xbf"), true},
		{"U+10000, the first of four", BYTES("\xf0\x90\x80\x80"), true},
		{"U+10FFFF, the last of all", BYTES("\xf4\x8f\xbf\xbf"), true},
		{"mixed", BYTES("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x93\x9e."),
			true},
		{"a lone continuation", BYTES("\x80"), false},
		{"a late continuation", BYTES("a\xbf"), false},
		{"C0: NUL overlong", BYTES("\xc0\x80"), false},
		{"C1: overlong", BYTES("\xc1\xbf"), false},
		{"E0 80 AF: a slash overlong", BYTES("\xe0\x80\xaf"), false},
		{"E0 9F BF: overlong", BYTES("\xe0\x9f\xbf"), false},
		{"F0 80 80 AF: overlong", BYTES("\xf0\x80\x80\xaf"), false},
		{"F0 8F BF BF: overlong", BYTES("\xf0\x8f\xbf\xbf"), false},
		{"U+D800, a surrogate", BYTES("\xed\xa0\x80"), false},
		{"U+DFFF, a surrogate", BYTES("\xed\xbf\xbf"), false},
		{"a pair of surrogates (CESU-8)",
			BYTES("\xed\xa0\xbd\xed\xb3\x9e"), false},
		{"U+110000, beyond the last", BYTES("\xf4\x90\x80\x80"), false},
		{"F5", BYTES("\xf5\x80\x80\x80"), false},
		{"F8: five bytes", BYTES("\xf8\x88\x80\x80\x80"), false},
		{"FC: six bytes", BYTES("\xfc\x84\x80\x80\x80\x80"), false},
		{"FE", BYTES("\xfe"), false},
		{"FF", BYTES("\xff"), false},
		{"two bytes, one there", BYTES("\xc3"), false},
		{"three bytes, two there", BYTES("\xe2\x82"), false},
		{"four bytes, three there", BYTES("\xf0\x9f\x93"), false},
		{"two bytes, then ASCII",
			BYTES("\xc3"
			      "a"),
			false},
		{"three bytes, the third ASCII",
			BYTES("\xe2\x82"
			      "a"),
			false},
		{"four bytes, the third ASCII",
			BYTES("\xf0\x9f"
			      "aa"),
			false},
		{"four bytes, the fourth ASCII",
			BYTES("\xf0\x9f\x93"
			      "a"),
			false},
		{"Latin-1", BYTES("Zo\xeb Smith"), false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_int(u, sp_text_is_utf8(cases[i].text, cases[i].len),
			cases[i].is_utf8, cases[i].name);
	unit_ok(u, sp_text_is_utf8("a\xc3\xab", 1), "only len bytes count");
	unit_ok(u, !sp_text_is_utf8("\xc3\xab", 1), "len cuts a character");
}

#define LABEL_63 \
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static void check_hosts(struct unit *u)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_host;
	} cases[] = {
		{BYTES("a"), true},
		{BYTES("localhost"), true},
		{BYTES("acme.example"), true},
		{BYTES("ACME.Example"), true},
		{BYTES("acme.example."), true},
		{BYTES("a-b.c--d.xn--80ak6aa92e"), true},
		{BYTES("3com.example"), true},
		/* What a container calls itself; not of §25.1. */
		{BYTES("4f3ab2c1d0e9"), true},
		{BYTES("123456789012"), true},
		{BYTES("192.0.2.10"), true},
		{BYTES("0.0.0.0"), true},
		{BYTES("255.255.255.255"), true},
		{BYTES("[::1]"), true},
		{BYTES("[::]"), true},
		{BYTES("[2001:db8::10]"), true},
		{BYTES("[2001:DB8:0:0:0:0:0:10]"), true},
		{BYTES("[::ffff:192.0.2.1]"), true},
		{BYTES("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"),
			true},
		{BYTES(LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63), false},
		{BYTES(LABEL_63
			 "." LABEL_63 "." LABEL_63 ".0123456789"
			 "0123456789012345678901234567890123456789012345678a"),
			true}, /* 253 bytes */
		{BYTES(""), false},
		{BYTES("."), false},
		{BYTES(".a"), false},
		{BYTES("a..b"), false},
		{BYTES("a.."), false},
		{BYTES("-a"), false},
		{BYTES("a.-b"), false},
		{BYTES("a-"), false},
		{BYTES("a-.b"), false},
		{BYTES("a_b"), false},
		{BYTES("a b"), false},
		{BYTES("a b"), false},
		{BYTES("a\0b"), false},
		{BYTES("a:5060"), false},
		{BYTES("a@b"), false},
		{BYTES("a/b"), false},
		{BYTES("a%41"), false},
		{BYTES("b\xc3\xbc"
		       "cher.example"),
			false},
		{BYTES("192.0.2.256"), false},
		{BYTES("192.0.2"), false},
		{BYTES("192.0.2.10.1"), false},
		{BYTES("192.0.2.010"), false},
		{BYTES("192.0.2.10."), false},
		{BYTES("::1"), false},
		{BYTES("[]"), false},
		{BYTES("["), false},
		{BYTES("]"), false},
		{BYTES("[::1"), false},
		{BYTES("::1]"), false},
		{BYTES("[[::1]]"), false},
		{BYTES("[::1]x"), false},
		{BYTES("[:::1]"), false},
		{BYTES("[1:2:3:4:5:6:7:8:9]"), false},
		{BYTES("[12345::]"), false},
		{BYTES("[::1%lo]"), false},
		{BYTES("[::1\0]"), false},
		{BYTES("[192.0.2.10]"), false},
		{BYTES("[acme.example]"), false},
		{BYTES("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]"),
			false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_int(u, sp_text_is_host(cases[i].text, cases[i].len),
			cases[i].is_host, cases[i].text);
	unit_ok(u, sp_text_is_host("a:b", 1), "only len bytes count");
}

static void check_numbers(struct unit *u)
{
	static const struct {
		const char *text;
		int64_t min, max, expected; /* -1: refused */
	} cases[] = {
		{"0", 0, 9, 0}, {"9", 0, 9, 9}, {"10", 0, 9, -1},
		{"4", 5, 9, -1}, {"5", 5, 9, 5}, {"0005", 0, 9, 5},
		{"000000000000000000000000000005", 0, 9, 5},
		{"65535", 1, 65535, 65535}, {"65536", 1, 65535, -1},
		{"9223372036854775807", 0, INT64_MAX, INT64_MAX},
		{"9223372036854775808", 0, INT64_MAX, -1},
		{"99999999999999999999", 0, INT64_MAX, -1}, {"", 0, 9, -1},
		{" 5", 0, 9, -1}, {"5 ", 0, 9, -1}, {"+5", 0, 9, -1},
		{"-5", -9, 9, -1}, {"0x5", 0, 9, -1}, {"5a", 0, 9, -1},
		{"5.0", 0, 9, -1},
		{"\xd9\xa5", 0, 9, -1}, /* ARABIC-INDIC DIGIT FIVE */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t n = -1;
		bool ok = sp_text_to_int(cases[i].text, cases[i].min,
			cases[i].max, &n);

		unit_int(u, n, cases[i].expected, cases[i].text);
		unit_int(u, ok, cases[i].expected >= 0, "  says so");
	}
	unit_ok(u, sp_text_is_digits("007"), "007 is digits");
	unit_ok(u, !sp_text_is_digits(""), "nothing is not digits");
	unit_ok(u, !sp_text_is_digits("7 "), "'7 ' is not digits");
}

static void check_copies(struct unit *u)
{
	struct sp_err err = {.msg = ""};
	char out[5] = "old";

	unit_int(u, sp_text_copy(out, sizeof out, "", "the name", &err), 0,
		"nothing is copied");
	unit_str(u, out, "", "  and ended");
	unit_int(u, sp_text_copy(out, sizeof out, "four", "the name", &err), 0,
		"a text that just fits");
	unit_str(u, out, "four", "  is there");
	unit_int(u, sp_text_copy(out, sizeof out, "fives", "the name", &err),
		-1, "one that does not");
	unit_str(u, err.msg, "the name is longer than 4 bytes", "  says why");
	unit_int(u, err.code, SP_DATA, "  its code");
	unit_str(u, out, "four", "  leaves what was there");
}

static void check_has(struct unit *u)
{
	static const struct {
		const char *text, *part;
		bool has;
	} cases[] = {
		{"Ann Smith", "smith", true},
		{"Ann Smith", "ANN", true},
		{"Ann Smith", "n s", true},
		{"Ann Smith", "Ann Smith", true},
		{"Ann Smith", "smiths", false},
		{"Ann Smith", "ann  smith", false},
		{"aab", "ab", true},
		{"ann", "annabel", false},
		{"ann", "", true},
		{"", "", true},
		{"", "a", false},
		{"1001", "00", true},
		/* \u00c4 and \u00e4, \u0416 and \u0436, \u03a3 and \u03c3. */
		{"J\xc3\x84GER", "j\xc3\xa4ger", true},
		{"j\xc3\xa4ger", "\xc3\x84", true},
		{"j\xc3\xa4ger", "jager", false},
		{"\xd0\x96", "\xd0\xb6", true},
		{"\xce\xa3", "\xcf\x83", true},
		/* Not in the middle of a character, nor a part of one. */
		{"\xc3\xa4", "\xa4", false},
		{"\xc3\xa4", "\xc3", false},
		{"\xe2\x82\xac", "\xac", false},
		/* What stands behind one of several bytes. */
		{"\xe2\x82\xac"
		 "5",
			"5", true},
		{"\xf0\x9f\x98\x80 x", "X", true},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", true},
		/* A text that is none is no trouble. */
		{"a\xff"
		 "b",
			"B", true},
		{"\xff\xfe", "a", false},
		{"a\xff", "\xff", true},
		{"j\xe4ger", "j\xc3\xa4ger", false},
		{"j\xc3\xa4ger", "j\xe4ger", false},
		{"J\xc3\x84GER", "j\xc3\xb6ger", false},
		{"a%b_c", "%", true},
		{"abc", "%", false},
		{"abc", "a_c", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_ok(u,
			sp_text_has(cases[i].text, cases[i].part) ==
				cases[i].has,
			"'%s' %s '%s'", cases[i].text,
			cases[i].has ? "has" : "has not", cases[i].part);
}

/* Every bit counts, and how many there are. */
static void check_hash(struct unit *u)
{
	char text[24] = {0}, number[32];
	bool is_met[256] = {0};
	int met = 0;

	unit_ok(u, sp_text_hash(NULL, 0) == sp_text_hash("", 0),
		"nothing at all");
	for (size_t len = 0; len < sizeof text; len++) {
		uint64_t hash = sp_text_hash(text, len);

		unit_ok(u, hash == sp_text_hash(text, len), "the same again");
		unit_ok(u, hash != sp_text_hash(text, len + 1),
			"%zu zeros, and one more", len);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			text[bit / 8] = (char)(1 << bit % 8);
			if (sp_text_hash(text, len) == hash)
				unit_ok(u, false, "bit %zu of %zu bytes", bit,
					len);
			text[bit / 8] = 0;
		}
	}
	for (int i = 0; i < 256; i++) {
		snprintf(number, sizeof number, "192.0.2.1:%d", 1000 + i);
		is_met[sp_text_hash(number, strlen(number)) % 256] = true;
	}
	for (int i = 0; i < 256; i++)
		met += is_met[i];
	unit_ok(u, met > 128, "256 texts are spread over %d of 256 slots", met);
}

int main(void)
{
	struct unit u = {0};

	check_near(&u);
	check_utf8(&u);
	check_hosts(&u);
	check_numbers(&u);
	check_copies(&u);
	check_has(&u);
	check_hash(&u);
	return unit_done(&u);
}
