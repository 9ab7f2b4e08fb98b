/* cmd/sp-register/sipmsg: responses, written from the slices of requests. */
#include "cmd/sp-register/sipmsg.h"

#include <inttypes.h>

#include "cmd/sp-register/reply.h"
#include "tests/unit/unit.h"

#define START "REGISTER sip:a SIP/2.0\r\n"
#define TAIL                     \
	"f: <sip:1@a>;tag=9\r\n" \
	"TO:  <sip:1@a>\r\n"     \
	"i: c@d\r\n"             \
	"cseq: 7  REGISTER\r\n\r\n"
#define ANSWER_TAIL                 \
	"From: <sip:1@a>;tag=9\r\n" \
	"To: <sip:1@a>;tag=new\r\n" \
	"Call-ID: c@d\r\n"          \
	"CSeq: 7  REGISTER\r\n"     \
	"Content-Length: 0\r\n\r\n"

/* Scans a request and answers 200 to it as if it came from `ip`:5062. Returns
 * the length of the answer, or -1 when it did not fit. */
static int answer(const char *request, const char *ip, char *out, size_t size)
{
	const struct sip_origin origin = {ip, 5062};
	struct sip_writer w = {out, size - 1, 0, false};
	struct sip_message m;
	char data[2048];
	const char *why;

	snprintf(data, sizeof data, "%s", request);
	if (sipmsg_scan(data, strlen(data), &m, &why) == SIP_GARBAGE)
		return -2;
	sipmsg_begin_response(&w, &m, 200, "OK", &origin, "new");
	sipmsg_end_response(&w);
	out[w.len] = '\0';
	return w.full ? -1 : (int)w.len;
}

static void check_vias(struct unit *u)
{
	static const struct {
		const char *request, *answer; /* their Via lines */
	} cases[] = {
		{"Via: SIP/2.0/UDP a\r\n",
			"Via: SIP/2.0/UDP a;received=192.0.2.9\r\n"},
		{"v:SIP/2.0/UDP a:5070;branch=z9hG4bK1\r\n",
			"Via: SIP/2.0/UDP a:5070;branch=z9hG4bK1"
			";received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a;rport;branch=z9hG4bK1\r\n",
			"Via: SIP/2.0/UDP a;branch=z9hG4bK1;rport=5062"
			";received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a ; RPORT ; branch=z9hG4bK1\r\n",
			"Via: SIP/2.0/UDP a;branch=z9hG4bK1;rport=5062"
			";received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a;;branch=z9hG4bK1;\r\n",
			"Via: SIP/2.0/UDP a;branch=z9hG4bK1"
			";received=192.0.2.9\r\n"},
		/* What it says of itself may be a lie. */
		{"Via: SIP/2.0/UDP a;received=198.51.100.1;rport=1\r\n",
			"Via: SIP/2.0/UDP a;rport=5062;received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a;Received = 198.51.100.1;rport = 1\r\n",
			"Via: SIP/2.0/UDP a;rport=5062;received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a;received=1;received=2\r\n",
			"Via: SIP/2.0/UDP a;received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a;maddr=224.0.1.75;ttl=1;x=\"y;z\"\r\n",
			"Via: SIP/2.0/UDP a;maddr=224.0.1.75;ttl=1;x=\"y;z\""
			";received=192.0.2.9\r\n"},
		{"Via: SIP/2.0/UDP a;receivedby=1;rporting\r\n",
			"Via: SIP/2.0/UDP a;receivedby=1;rporting"
			";received=192.0.2.9\r\n"},
		/* Only the topmost is ours to change. */
		{"Via: SIP/2.0/UDP a;rport, SIP/2.0/UDP b;rport;received=1\r\n",
			"Via: SIP/2.0/UDP a;rport=5062;received=192.0.2.9"
			", SIP/2.0/UDP b;rport;received=1\r\n"},
		{"Via: SIP/2.0/UDP a\r\nX: y\r\nv: SIP/2.0/UDP b;rport\r\n"
		 "Via: SIP/2.0/TCP c,SIP/2.0/UDP d\r\n",
			"Via: SIP/2.0/UDP a;received=192.0.2.9\r\n"
			"Via: SIP/2.0/UDP b;rport\r\n"
			"Via: SIP/2.0/TCP c,SIP/2.0/UDP d\r\n"},
		{"Via: SIP/2.0/UDP a,\r\n  SIP/2.0/UDP b\r\n",
			"Via: SIP/2.0/UDP a;received=192.0.2.9"
			",    SIP/2.0/UDP b\r\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char request[1024], expected[1024], got[2048] = "";
		int n;

		snprintf(request, sizeof request, START "%s" TAIL,
			cases[i].request);
		snprintf(expected, sizeof expected,
			"SIP/2.0 200 OK\r\n%s" ANSWER_TAIL, cases[i].answer);
		n = answer(request, "192.0.2.9", got, sizeof got);
		unit_str(u, got, expected, cases[i].request);
		unit_int(u, n, (int64_t)strlen(expected), "  its length");
	}
}

static void check_ipv6(struct unit *u)
{
	char got[2048] = "";

	answer(START "Via: SIP/2.0/UDP [::1]:5070;rport\r\n" TAIL,
		"2001:db8::9", got, sizeof got);
	unit_str(u, got,
		"SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP [::1]:5070;rport=5062;received=2001:db8::9"
		"\r\n" ANSWER_TAIL,
		"received without brackets (RFC 3261 §25.1)");
}

static void check_tags(struct unit *u)
{
	static const struct {
		const char *request, *answer; /* To */
	} cases[] = {
		{"<sip:1@a>", "<sip:1@a>;tag=new"},
		{"sip:1@a", "sip:1@a;tag=new"},
		{"<sip:1@a>;tag=old", "<sip:1@a>;tag=old"},
		{"<sip:1@a>;x=y;TAG=old", "<sip:1@a>;x=y;TAG=old"},
		{"sip:1@a ;   tag    = old", "sip:1@a ;   tag    = old"},
		{"<sip:1@a;tag=uri>", "<sip:1@a;tag=uri>;tag=new"},
		{"\";tag=name\" <sip:1@a>", "\";tag=name\" <sip:1@a>;tag=new"},
		{"<sip:1@a>;tagged=1", "<sip:1@a>;tagged=1;tag=new"},
		{"<sip:1@a>;tag", "<sip:1@a>;tag"},
		{"<sip:1@a>;x;", "<sip:1@a>;x;tag=new"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char request[512], expected[512], got[1024] = "", *to;

		snprintf(request, sizeof request,
			START
			"Via: SIP/2.0/UDP a\r\nFrom: <sip:1@a>\r\nTo: %s\r\n"
			"Call-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n",
			cases[i].request);
		snprintf(expected, sizeof expected,
			"To: %s\r\nCall-ID: 1\r\n"
			"CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n",
			cases[i].answer);
		answer(request, "192.0.2.9", got, sizeof got);
		to = strstr(got, "To: ");
		unit_str(u, to, expected, cases[i].request);
	}
}

/* What a malformed request lacks its answer lacks too. */
static void check_missing(struct unit *u)
{
	char got[1024] = "";

	answer(START "Via: SIP/2.0/UDP a\r\nTo: <sip:1@a>\r\n\r\n", "192.0.2.9",
		got, sizeof got);
	unit_str(u, got,
		"SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP a;received=192.0.2.9\r\n"
		"To: <sip:1@a>;tag=new\r\nContent-Length: 0\r\n\r\n",
		"without From, Call-ID, CSeq");
	answer(START "Via: SIP/2.0/UDP a\r\n\r\n", "192.0.2.9", got,
		sizeof got);
	unit_str(u, got,
		"SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP a;received=192.0.2.9\r\n"
		"Content-Length: 0\r\n\r\n",
		"without To");
}

/* An answer that does not fit says so, whatever part it is. */
static void check_full(struct unit *u)
{
	static const char REQUEST[] = START "Via: SIP/2.0/UDP a;rport,b\r\n"
					    "Via: SIP/2.0/UDP c\r\n" TAIL;
	char got[1024];
	int whole = answer(REQUEST, "192.0.2.9", got, sizeof got), full = 0;

	for (int size = 1; size <= whole; size++)
		full += answer(REQUEST, "192.0.2.9", got, (size_t)size) == -1;
	unit_int(u, full, whole, "every size that is too small");
}

static void check_replies(struct unit *u)
{
	int sound = 0;

	for (int i = 0; i < N_VERDICTS; i++) {
		struct reply reply = reply_of((enum verdict)i);

		sound += reply.status >= 100 && reply.status <= 699 &&
			 reply.phrase != NULL && reply.phrase[0] != '\0';
	}
	unit_int(u, sound, N_VERDICTS, "every verdict has a reply");
}

static void check_numbers(struct unit *u)
{
	static const int64_t NUMBERS[] = {0, 7, 10, 65535, -1, INT64_MAX,
		INT64_MIN};

	for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
		char text[32], expected[32];
		struct sip_writer w = {text, sizeof text - 1, 0, false};

		sipmsg_put_number(&w, NUMBERS[i]);
		text[w.len] = '\0';
		snprintf(expected, sizeof expected, "%" PRId64, NUMBERS[i]);
		unit_str(u, text, expected, "a number");
	}
}

static void check_date(struct unit *u)
{
	static const struct {
		int64_t time_ms;
		const char *date;
	} cases[] = {
		/* The example of RFC 3261 §20.17. */
		{INT64_C(1289690940000), "Sat, 13 Nov 2010 23:29:00 GMT"},
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{999, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{INT64_C(1709164799999), "Wed, 28 Feb 2024 23:59:59 GMT"},
		{INT64_C(1709164800000), "Thu, 29 Feb 2024 00:00:00 GMT"},
		{INT64_C(4102444799000), "Thu, 31 Dec 2099 23:59:59 GMT"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[64], expected[64];
		struct sip_writer w = {text, sizeof text - 1, 0, false};

		sipmsg_put_date(&w, cases[i].time_ms);
		text[w.len] = '\0';
		snprintf(expected, sizeof expected, "Date: %s\r\n",
			cases[i].date);
		unit_str(u, text, expected, cases[i].date);
	}
}

int main(void)
{
	struct unit u = {0};

	check_vias(&u);
	check_ipv6(&u);
	check_tags(&u);
	check_missing(&u);
	check_full(&u);
	check_replies(&u);
	check_numbers(&u);
	check_date(&u);
	return unit_done(&u);
}
