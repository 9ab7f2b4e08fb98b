/* cmd/sp-register/diversion: History-Info and Diversion. */
#include "cmd/sp-register/diversion.h"

#include "tests/unit/unit.h"

enum { ROOM = 4096 };

static const struct {
	const char *name;
	const char *fields; /* of the request */
	struct diversion chain[SP_ROUTE_DIVERSIONS];
	int n;
	const char *uri;
	const char *written;
} CASES[] = {
	{"one", "", {{"1001", SP_BUSY}}, 1, "sip:1002@192.0.2.2",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D486>;index=1, "
		"<sip:1002@192.0.2.2;cause=486>;index=1.1;mp=1\r\n"
		"Diversion: <sip:1001@x.example>;reason=user-busy;counter=1"
		"\r\n"},
	{"always", "", {{"1001", SP_ALWAYS}}, 1, "sip:vm",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D302>;index=1, "
		"<sip:vm;cause=302>;index=1.1;mp=1\r\n"
		"Diversion: <sip:1001@x.example>;reason=unconditional;"
		"counter=1\r\n"},
	{"no answer", "", {{"1001", SP_NO_ANSWER}}, 1, "sip:vm",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D408>;index=1, "
		"<sip:vm;cause=408>;index=1.1;mp=1\r\n"
		"Diversion: <sip:1001@x.example>;reason=no-answer;counter=1"
		"\r\n"},
	{"offline", "", {{"1001", SP_OFFLINE}}, 1, "sip:vm",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D404>;index=1, "
		"<sip:vm;cause=404>;index=1.1;mp=1\r\n"
		"Diversion: <sip:1001@x.example>;reason=unavailable;counter=1"
		"\r\n"},
	{"three", "",
		{{"1001", SP_ALWAYS}, {"1002", SP_BUSY}, {"1003", SP_OFFLINE}},
		3, "sips:vm-1003@vm.example",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D302>;index=1, "
		"<sip:1002@x.example;cause=302?Reason=SIP%3Bcause%3D486>"
		";index=1.1;mp=1, "
		"<sip:1003@x.example;cause=486?Reason=SIP%3Bcause%3D404>"
		";index=1.1.1;mp=1.1, "
		"<sips:vm-1003@vm.example;cause=404>;index=1.1.1.1;mp=1.1.1"
		"\r\n"
		"Diversion: <sip:1003@x.example>;reason=unavailable;counter=1"
		"\r\n"
		"Diversion: <sip:1002@x.example>;reason=user-busy;counter=1"
		"\r\n"
		"Diversion: <sip:1001@x.example>;reason=unconditional;"
		"counter=1\r\n"},
	{"behind entries of others",
		"History-Info: <sip:9@y>;index=1, <sip:8@y>;index=1.2\r\n",
		{{"1001", SP_BUSY}}, 1, "sip:vm",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D486>;index=1.2.1, "
		"<sip:vm;cause=486>;index=1.2.1.1;mp=1.2.1\r\n"
		"Diversion: <sip:1001@x.example>;reason=user-busy;counter=1"
		"\r\n"},
	{"behind several fields, and an index in capitals",
		"History-Info: <sip:9@y>;index=1\r\nX: y\r\n"
		"history-info: <sip:8@y;index=7>;Index = 1.3\r\n",
		{{"1001", SP_BUSY}}, 1, "sip:vm",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D486>;index=1.3.1, "
		"<sip:vm;cause=486>;index=1.3.1.1;mp=1.3.1\r\n"
		"Diversion: <sip:1001@x.example>;reason=user-busy;counter=1"
		"\r\n"},
	/* A parameter of the URI would stand in its header part. */
	{"a URI with headers", "", {{"1001", SP_BUSY}}, 1, "sip:vm@y?Subject=a",
		"History-Info: "
		"<sip:1001@x.example?Reason=SIP%3Bcause%3D486>;index=1, "
		"<sip:vm@y?Subject=a>;index=1.1;mp=1\r\n"
		"Diversion: <sip:1001@x.example>;reason=user-busy;counter=1"
		"\r\n"},
};

static bool scan(char data[ROOM], const char *fields, struct sip_message *m)
{
	const char *why;
	int n = snprintf(data, ROOM,
		"INVITE sip:1001@x.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n%s"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:1001@x.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		fields);

	return sipmsg_scan(data, (size_t)n, m, &why) == SIP_SCANNED;
}

static void check_texts(struct unit *u)
{
	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		char data[ROOM], out[ROOM];
		struct sip_writer w = {out, sizeof out - 1, 0, false};
		struct sip_message m;

		unit_ok(u, scan(data, CASES[i].fields, &m), "%s",
			CASES[i].name);
		diversion_put(&w, &m, "x.example", CASES[i].chain, CASES[i].n,
			CASES[i].uri);
		out[w.len] = '\0';
		unit_str(u, out, CASES[i].written, "  what is written");
	}
}

/* An index that is too long, or is no index, does no harm. */
static void check_odd_indexes(struct unit *u)
{
	static const struct diversion CHAIN_OF_ONE[] = {{"1001", SP_BUSY}};
	char fields[1024], data[ROOM], out[ROOM], digits[512];
	const char *const INDEXES[] = {"", "x", "1\x01\x02", digits};

	memset(digits, '1', sizeof digits - 1);
	digits[sizeof digits - 1] = '\0';
	for (size_t i = 0; i < sizeof INDEXES / sizeof INDEXES[0]; i++) {
		struct sip_writer w = {out, sizeof out - 1, 0, false};
		struct sip_message m;
		bool is_sound = true;

		snprintf(fields, sizeof fields,
			"History-Info: <sip:9@y>;index=%s\r\n", INDEXES[i]);
		if (!scan(data, fields, &m))
			continue;
		diversion_put(&w, &m, "x.example", CHAIN_OF_ONE, 1, "sip:vm");
		out[w.len] = '\0';
		for (const char *c = out; *c != '\0'; c++)
			is_sound &= *c >= ' ' || *c == '\r' || *c == '\n';
		unit_ok(u, is_sound && w.len < 400, "an odd index, %zu", i);
	}
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_texts(&u);
	check_odd_indexes(&u);
	return unit_done(&u);
}
