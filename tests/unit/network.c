/* lib/network: which addresses are in which networks. */
#include "lib/network.h"

#include "tests/unit/unit.h"

static void check_has(struct unit *u)
{
	static const struct {
		const char *network, *ip;
		bool has;
	} cases[] = {
		{"10.0.0.7", "10.0.0.7", true},
		{"10.0.0.7", "10.0.0.8", false},
		{"10.0.0.7", "10.0.0.70", false},
		{"10.0.0.7/32", "10.0.0.7", true},
		{"10.0.0.7/32", "10.0.0.6", false},
		{"10.0.0.6/31", "10.0.0.7", true},
		{"10.0.0.6/31", "10.0.0.8", false},
		{"10.1.0.0/16", "10.1.255.255", true},
		{"10.1.0.0/16", "10.2.0.0", false},
		{"10.16.0.0/12", "10.31.255.255", true},
		{"10.16.0.0/12", "10.32.0.0", false},
		{"128.0.0.0/1", "255.255.255.255", true},
		{"128.0.0.0/1", "127.255.255.255", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"0.0.0.0/0", "::", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
		{"2001:db8::7/128", "2001:DB8:0:0:0:0:0:7", true},
		{"2001:db8::7/128", "2001:db8::8", false},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "2001:db9::", false},
		{"2001:db8:8000::/33", "2001:db8:8000::1", true},
		{"2001:db8:8000::/33", "2001:db8:7fff::1", false},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"::/0", "2001:db8::1", true},
		/* Whoever trusts IPv6 has said nothing of IPv4. */
		{"::/0", "192.0.2.1", false},
		{"::/0", "::ffff:192.0.2.1", false},
		/* IPv4 in IPv6 is IPv4, on both sides. */
		{"10.1.0.0/16", "::ffff:10.1.2.3", true},
		{"10.1.0.0/16", "::ffff:10.2.2.3", false},
		{"0.0.0.0/0", "::ffff:10.2.2.3", true},
		{"::ffff:10.1.2.3", "10.1.2.3", true},
		{"::ffff:10.1.2.3", "::FFFF:10.1.2.3", true},
		{"::ffff:10.1.0.0/112", "10.1.2.3", true},
		{"::ffff:10.1.0.0/112", "10.2.2.3", false},
		{"::ffff:0:0/96", "10.2.2.3", true},
		{"::10.1.2.3", "10.1.2.3", false},
		/* What is no address is in none. */
		{"0.0.0.0/0", "", false},
		{"0.0.0.0/0", "a.example", false},
		{"0.0.0.0/0", "10.0.0.7:5060", false},
		{"0.0.0.0/0", "10.0.0", false},
		{"::/0", "[::1]", false},
		{"::/0", ":", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};
		struct sp_network n;

		unit_int(u, sp_network_parse(&n, cases[i].network, &err), 0,
			cases[i].network);
		unit_str(u, err.msg, "", "  without an error");
		unit_ok(u, sp_network_has(&n, cases[i].ip) == cases[i].has,
			"  has %s%s", cases[i].has ? "" : "not ", cases[i].ip);
	}
}

#define MALFORMED(text)                                        \
	{                                                      \
		text, "'" text "': expected an address or a "  \
		      "network, like 192.0.2.7 or 10.1.0.0/16" \
	}
#define MORE_BITS(text, bits)                                 \
	{                                                     \
		text, "'" text "' has bits behind the /" bits \
		      ", expected a network or one address"   \
	}

static void check_malformed(struct unit *u)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		MALFORMED(""),
		MALFORMED("/"),
		MALFORMED("/8"),
		MALFORMED("a.example"),
		MALFORMED("10"),
		MALFORMED("10.1"),
		MALFORMED("10.1.0"),
		MALFORMED("10.1.0.0.0"),
		MALFORMED("10.1.0.256"),
		MALFORMED("010.1.0.1"),
		MALFORMED("10.1.0.*"),
		MALFORMED("10.1.0.1-9"),
		MALFORMED(" 10.1.0.1"),
		MALFORMED("10.1.0.1 "),
		MALFORMED("10.1.0.1:5060"),
		MALFORMED("10.1.0.0/"),
		MALFORMED("10.1.0.0/33"),
		MALFORMED("10.1.0.0/-1"),
		MALFORMED("10.1.0.0/+8"),
		MALFORMED("10.1.0.0/8x"),
		MALFORMED("10.1.0.0/8/8"),
		MALFORMED("10.1.0.0/255.255.0.0"),
		MALFORMED("10.1.0.0/99999999999999999999"),
		MALFORMED("::/129"),
		MALFORMED("[::1]"),
		MALFORMED("[::1]/128"),
		MALFORMED("::1%lo"),
		MALFORMED("1::2::3"),
		MALFORMED("2001:db8:1:2:3:4:5:6:7"),
		MALFORMED("2001:db8::10000"),
		MALFORMED("2001:0db8:0000:0000:0000:0000:0000:00000000001"),
		MORE_BITS("10.1.0.7/16", "16"),
		MORE_BITS("10.0.0.1/0", "0"),
		MORE_BITS("10.0.0.7/31", "31"),
		MORE_BITS("2001:db8::1/32", "32"),
		MORE_BITS("2001:db8:4000::/33", "33"),
		MORE_BITS("::ffff:10.1.0.7/112", "16"),
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};
		struct sp_network n;

		unit_int(u, sp_network_parse(&n, cases[i].text, &err), -1,
			cases[i].text);
		unit_int(u, err.code, SP_CONFIG, "  its code");
		unit_str(u, err.msg, cases[i].error, "  why");
	}
}

int main(void)
{
	struct unit u = {0};

	check_has(&u);
	check_malformed(&u);
	return unit_done(&u);
}
