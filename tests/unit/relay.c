/* cmd/sp-register/relay: what a proxy changes in messages, to the letter. */
#include "cmd/sp-register/relay.h"

#include "tests/unit/unit.h"

enum { ROOM = 8192 };

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKone\r\n"
#define OWN "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKours\r\n"
#define RECEIVED                                             \
	"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKone;" \
	"received=198.51.100.7\r\n"
#define REST                                \
	"From: <sip:a@x.example>;tag=1\r\n" \
	"To: <sip:b@x.example>\r\n"         \
	"Call-ID: c1\r\n"                   \
	"CSeq: 7 INVITE\r\n"

static const struct relay PLAIN = {.origin = {"198.51.100.7", 5070},
	.uri = {"sip:b@192.0.2.2:5062", 20},
	.sent_by = "UDP 203.0.113.9:5060",
	.branch = "z9hG4bKours",
	.record_route = "",
	.realm = "x.example",
	.drops_identity = true,
	.identity = "",
	.diversions = ""};

/* Scans the text, which has `len` bytes. */
static bool scan(char data[ROOM], const char *text, size_t len,
	struct sip_message *m)
{
	const char *why;

	memcpy(data, text, len);
	return sipmsg_scan(data, len, m, &why) == SIP_SCANNED;
}

/* An INVITE with `head` and then the usual fields, relayed. Returns what comes
 * of it; good until the next call. */
static const char *relayed(const char *uri, const char *head, const char *body,
	const struct relay *r)
{
	static char out[ROOM];
	char text[ROOM], data[ROOM];
	struct sip_writer w = {out, sizeof out - 1, 0, false};
	struct sip_message m;
	int n = snprintf(text, sizeof text, "INVITE %s SIP/2.0\r\n%s" REST "%s",
		uri, head, body);

	if (!scan(data, text, (size_t)n, &m))
		return "not scanned";
	relay_request(&w, &m, r);
	out[w.len] = '\0';
	return w.full ? "full" : out;
}

/* ---- requests ---------------------------------------------------------- */

struct request_case {
	const char *name, *head;     /* that comes, without REST */
	const char *start, *written; /* the same of what goes */
	struct relay r;              /* what is not 0 differs from PLAIN */
	bool keeps_identity, is_without_realm;
};

#define START "INVITE sip:b@192.0.2.2:5062 SIP/2.0\r\n"
#define HOPS  "Max-Forwards: 69\r\n"
#define MF    "Max-Forwards: 70\r\n"
#define CREDENTIALS(realm)                                           \
	"Proxy-Authorization: Digest username=\"1\", realm=\"" realm \
	"\", nonce=\"n\", uri=\"sip:x\", response=\"r\"\r\n"

static const struct request_case REQUESTS[] = {
	{.name = "a plain one", VIA MF, START, OWN RECEIVED HOPS},
	{.name = "rport",
		"Via: SIP/2.0/UDP 192.0.2.1:9;rport;branch=z9hG4bK1\r\n" MF,
		START,
		OWN "Via: SIP/2.0/UDP 192.0.2.1:9;branch=z9hG4bK1;rport=5070;"
		    "received=198.51.100.7\r\n" HOPS},
	{.name = "a false received",
		"Via: SIP/2.0/UDP 192.0.2.1;received=10.0.0.1;branch=z9hG4bK1"
		"\r\n" MF,
		START,
		OWN "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;"
		    "received=198.51.100.7\r\n" HOPS},
	{.name = "several Vias",
		VIA "Via: SIP/2.0/TCP p1;branch=z9hG4bK2\r\n"
		    "v: SIP/2.0/TLS p2;branch=z9hG4bK3\r\n" MF,
		START,
		OWN RECEIVED "Via: SIP/2.0/TCP p1;branch=z9hG4bK2\r\n"
			     "Via: SIP/2.0/TLS p2;branch=z9hG4bK3\r\n" HOPS},
	{.name = "Max-Forwards of 1",
		VIA "Max-Forwards: 1\r\n",
		START,
		OWN RECEIVED "Max-Forwards: 0\r\n"},
	{.name = "no Max-Forwards",
		VIA,
		START,
		OWN RECEIVED "Max-Forwards: 70\r\n"},
	{.name = "Max-Forwards that is no number",
		VIA "Max-Forwards: many\r\n",
		START,
		OWN RECEIVED "Max-Forwards: 70\r\n"},
	{.name = "a Record-Route of ours goes before others",
		VIA MF "Record-Route: <sip:p1;lr>\r\n",
		START,
		OWN RECEIVED "Record-Route: <sip:t@us;lr>\r\n" HOPS
			     "Record-Route: <sip:p1;lr>\r\n",
		.r = {.record_route = "<sip:t@us;lr>"}},
	{.name = "linphone's Record-route",
		VIA MF "Record-route:  <sip:p1;lr>\r\n",
		START,
		OWN RECEIVED HOPS "Record-Route: <sip:p1;lr>\r\n"},
	{.name = "compact names",
		VIA MF "m: <sip:a@y>\r\nk: 100rel\r\ns: hi\r\n",
		START,
		OWN RECEIVED HOPS "Contact: <sip:a@y>\r\nSupported: 100rel\r\n"
				  "Subject: hi\r\n"},
	{.name = "unknown ones, as they are",
		VIA MF "X-odd :   kept  as it is\r\nx-ODD: again\r\n",
		START,
		OWN RECEIVED HOPS "X-odd: kept  as it is\r\nx-ODD: again\r\n"},
	{.name = "folded lines",
		VIA MF "Subject: one\r\n two\r\n\tthree\r\n",
		START,
		OWN RECEIVED HOPS "Subject: one   two  \tthree\r\n"},
	/* ---- Route */
	{.name = "the first Route is taken",
		VIA MF "Route: <sip:us;lr>\r\n",
		START,
		OWN RECEIVED HOPS,
		.r = {.n_routes_taken = 1}},
	{.name = "of one line with several",
		VIA MF "Route: <sip:us;lr>, <sip:p1;lr>,<sip:p2;lr>\r\n",
		START,
		OWN RECEIVED "Route: <sip:p1;lr>,<sip:p2;lr>\r\n" HOPS,
		.r = {.n_routes_taken = 1, .n_routes_left = 2}},
	{.name = "of several lines",
		VIA MF "Route: <sip:us;lr>\r\nroute: <sip:p1;lr>\r\n"
		       "Route: <sip:p2;lr>\r\n",
		START,
		OWN RECEIVED "Route: <sip:p1;lr>,<sip:p2;lr>\r\n" HOPS,
		.r = {.n_routes_taken = 1, .n_routes_left = 2}},
	{.name = "all but the last, which was the Request-URI",
		VIA MF "Route: <sip:p1;lr>, <sip:old@x>\r\n",
		START,
		OWN RECEIVED "Route: <sip:p1;lr>\r\n" HOPS,
		.r = {.n_routes_left = 1}},
	{.name = "none left",
		VIA MF "Route: <sip:p1;lr>, <sip:p2;lr>\r\n",
		START,
		OWN RECEIVED HOPS},
	{.name = "a path goes before",
		VIA MF "Route: <sip:us;lr>, <sip:p1;lr>\r\n",
		START,
		OWN RECEIVED
		"Route: <sip:e1;lr>, <sip:e2;lr>,<sip:p1;lr>\r\n" HOPS,
		.r = {.n_routes_taken = 1,
			.n_routes_left = 1,
			.path = {"<sip:e1;lr>, <sip:e2;lr>", 24}}},
	{.name = "a comma in quotes is none",
		VIA MF "Route: \"a, b\" <sip:us;lr>, <sip:p1;lr>\r\n",
		START,
		OWN RECEIVED "Route: <sip:p1;lr>\r\n" HOPS,
		.r = {.n_routes_taken = 1, .n_routes_left = 1}},
	{.name = "a strict next hop",
		VIA MF "Route: <sip:us;lr>, <sip:p1>\r\n",
		"INVITE sip:p1 SIP/2.0\r\n",
		OWN RECEIVED "Route: <sip:b@192.0.2.2:5062>\r\n" HOPS,
		.r = {.n_routes_taken = 1, .n_routes_left = 1}},
	{.name = "a strict next hop, and others behind it",
		VIA MF "Route: <sip:p1;x=lr>, <sip:p2;lr>\r\n",
		"INVITE sip:p1;x=lr SIP/2.0\r\n",
		OWN RECEIVED
		"Route: <sip:p2;lr>,<sip:b@192.0.2.2:5062>\r\n" HOPS,
		.r = {.n_routes_left = 2}},
	{.name = "an lr with a value",
		VIA MF "Route: <sip:p1;lr=on>\r\n",
		START,
		OWN RECEIVED "Route: <sip:p1;lr=on>\r\n" HOPS,
		.r = {.n_routes_left = 1}},
	{.name = "behind a path no next hop is strict",
		VIA MF "Route: <sip:p1>\r\n",
		START,
		OWN RECEIVED "Route: <sip:e;lr>,<sip:p1>\r\n" HOPS,
		.r = {.n_routes_left = 1, .path = {"<sip:e;lr>", 10}}},
	/* ---- who it is */
	{.name = "credentials for us",
		VIA MF CREDENTIALS("x.example"),
		START,
		OWN RECEIVED HOPS},
	{.name = "credentials for another",
		VIA MF CREDENTIALS("y.example"),
		START,
		OWN RECEIVED HOPS CREDENTIALS("y.example")},
	{.name = "both",
		VIA MF CREDENTIALS("y.example") CREDENTIALS("x.example"),
		START,
		OWN RECEIVED HOPS CREDENTIALS("y.example")},
	{.name = "credentials of no realm of ours",
		VIA MF CREDENTIALS("x.example"),
		START,
		OWN RECEIVED HOPS CREDENTIALS("x.example"),
		.is_without_realm = true},
	{.name = "credentials that are none",
		VIA MF "Proxy-Authorization: Basic eDp5\r\n",
		START,
		OWN RECEIVED HOPS "Proxy-Authorization: Basic eDp5\r\n"},
	{.name = "Authorization of others is the callee's",
		VIA MF "Authorization: Digest realm=\"x.example\"\r\n"
		       "Authorization: Digest realm=\"y.example\"\r\n",
		START,
		OWN RECEIVED HOPS
		"Authorization: Digest realm=\"y.example\"\r\n"},
	{.name = "which way it came is not believed either",
		VIA MF "Diversion: <sip:9@x>\r\n"
		       "History-Info: <sip:9@x>;index=1\r\n"
		       "Remote-Party-ID: <sip:boss@x>\r\n"
		       "P-Charge-Info: <sip:boss@x>\r\n",
		START,
		OWN RECEIVED HOPS},
	{.name = "an identity that is not believed",
		VIA MF "P-Asserted-Identity: <sip:boss@x>\r\n"
		       "P-Preferred-Identity: <sip:boss@x>\r\n",
		START,
		OWN RECEIVED HOPS},
	{.name = "and one that is",
		VIA MF "p-asserted-identity: <sip:boss@x>\r\n",
		START,
		OWN RECEIVED HOPS "P-Asserted-Identity: <sip:boss@x>\r\n",
		.keeps_identity = true},
	{.name = "another in its place",
		VIA MF "P-Asserted-Identity: <sip:boss@x>\r\n",
		START,
		OWN RECEIVED HOPS "P-Asserted-Identity: \"A\" <sip:1@x>\r\n",
		.r = {.identity = "\"A\" <sip:1@x>"}},
	{.name = "diversions",
		VIA MF "Diversion: <sip:9@x>\r\n",
		START,
		OWN RECEIVED HOPS "Diversion: <sip:1@x>\r\n"
				  "Diversion: <sip:9@x>\r\n",
		.r = {.diversions = "Diversion: <sip:1@x>\r\n"},
		.keeps_identity = true},
};

static struct relay relay_of(const struct request_case *c)
{
	struct relay r = PLAIN;

	r.n_routes_taken = c->r.n_routes_taken;
	r.n_routes_left = c->r.n_routes_left;
	r.path = c->r.path;
	r.drops_identity = !c->keeps_identity;
	if (c->r.record_route != NULL)
		r.record_route = c->r.record_route;
	if (c->r.identity != NULL)
		r.identity = c->r.identity;
	if (c->r.diversions != NULL)
		r.diversions = c->r.diversions;
	if (c->is_without_realm)
		r.realm = NULL;
	return r;
}

/* Where the usual fields, which follow `head`, stand in what is written: behind
 * all that is written anew. */
static void check_requests(struct unit *u)
{
	for (size_t i = 0; i < sizeof REQUESTS / sizeof REQUESTS[0]; i++) {
		const struct request_case *c = &REQUESTS[i];
		const struct relay r = relay_of(c);
		char expected[ROOM];

		snprintf(expected, sizeof expected,
			"%s%s" REST "Content-Length: 0\r\n\r\n", c->start,
			c->written);
		unit_str(u, relayed("sip:b@x.example", c->head, "\r\n", &r),
			expected, c->name);
	}
}

/* ---- bodies ------------------------------------------------------------ */

static void check_bodies(struct unit *u)
{
	static const char HEAD[] = "INVITE sip:b@x SIP/2.0\r\n" VIA MF REST,
			  OUT[] = START OWN RECEIVED HOPS REST;
	static const struct {
		const char *name, *rest; /* of what comes */
		size_t len;
		const char *written;
		size_t written_len;
	} cases[] = {
#define CASE(name, in, out) {name, in, sizeof in - 1, out, sizeof out - 1}
		CASE("a body", "Content-Length: 5\r\n\r\na\r\nbc",
			"Content-Length: 5\r\n\r\na\r\nbc"),
		CASE("a body with NULs",
			"Content-Length: 4\r\n\r\n\0"
			"a\0b",
			"Content-Length: 4\r\n\r\n\0"
			"a\0b"),
		CASE("a body of unknown length", "\r\nabc",
			"Content-Length: 3\r\n\r\nabc"),
		CASE("a compact length", "l: 2\r\n\r\nab",
			"Content-Length: 2\r\n\r\nab"),
		CASE("more than it says", "Content-Length: 2\r\n\r\nabcd",
			"Content-Length: 2\r\n\r\nab"),
		CASE("no body, no length", "\r\n", "Content-Length: 0\r\n\r\n"),
#undef CASE
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[ROOM], data[ROOM], out[ROOM], expected[ROOM];
		struct sip_writer w = {out, sizeof out, 0, false};
		size_t len = sizeof HEAD - 1 + cases[i].len,
		       expected_len = sizeof OUT - 1 + cases[i].written_len;
		struct sip_message m;

		memcpy(text, HEAD, sizeof HEAD - 1);
		memcpy(text + sizeof HEAD - 1, cases[i].rest, cases[i].len);
		memcpy(expected, OUT, sizeof OUT - 1);
		memcpy(expected + sizeof OUT - 1, cases[i].written,
			cases[i].written_len);
		unit_ok(u, scan(data, text, len, &m), "%s", cases[i].name);
		relay_request(&w, &m, &PLAIN);
		unit_int(u, (int64_t)w.len, (int64_t)expected_len, "  length");
		unit_ok(u, memcmp(out, expected, expected_len) == 0,
			"  every byte");
	}
}

/* What does not fit says so, wherever that is. */
static void check_full(struct unit *u)
{
	static const char TEXT[] = "INVITE sip:b@x SIP/2.0\r\n" VIA MF REST
				   "Content-Length: 2\r\n\r\nab";
	char data[ROOM], out[ROOM];
	struct sip_message m;
	struct sip_writer whole = {out, sizeof out, 0, false};
	size_t full = 0;

	scan(data, TEXT, sizeof TEXT - 1, &m);
	relay_request(&whole, &m, &PLAIN);
	for (size_t size = 0; size < whole.len; size++) {
		struct sip_writer w = {out, size, 0, false};

		relay_request(&w, &m, &PLAIN);
		full += w.full;
	}
	unit_int(u, (int64_t)full, (int64_t)whole.len,
		"every size that is too small");
}

/* ---- Route ------------------------------------------------------------- */

static void check_routes(struct unit *u)
{
	static const struct {
		const char *fields;
		const char *routes; /* with spaces between */
	} cases[] = {
		{"", ""},
		{"Route: <sip:a;lr>\r\n", "<sip:a;lr>"},
		{"Route: <sip:a;lr>,<sip:b,c;lr> , \"x,\" <sip:d>\r\n",
			"<sip:a;lr> <sip:b,c;lr> \"x,\" <sip:d>"},
		{"Route: <sip:a>\r\nX: y\r\nRoute: <sip:b>\r\n",
			"<sip:a> <sip:b>"},
		{"Route: <sip:a>,\r\n <sip:b>\r\n", "<sip:a> <sip:b>"},
		{"Route:\r\nRoute: <sip:b>\r\n", "<sip:b>"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[ROOM], data[ROOM], got[ROOM] = "";
		struct sip_message m;
		struct sip_slice route;
		int n = snprintf(text, sizeof text,
			"INVITE sip:b SIP/2.0\r\n" VIA "%s" REST "\r\n",
			cases[i].fields);

		scan(data, text, (size_t)n, &m);
		for (n = 0; (route = relay_route(&m, n)).at != NULL; n++)
			snprintf(got + strlen(got), sizeof got - strlen(got),
				"%s%.*s", n == 0 ? "" : " ", (int)route.len,
				route.at);
		unit_str(u, got, cases[i].routes, cases[i].fields);
	}
}

/* ---- responses --------------------------------------------------------- */

static void check_responses(struct unit *u)
{
	static const struct {
		const char *name, *in, *out; /* without REST */
		const char *challenges;
		bool drops_identity;
	} cases[] = {
		{"the top Via goes", "SIP/2.0 200 OK\r\n" OWN VIA,
			"SIP/2.0 200 OK\r\n" VIA, "", false},
		{"the phrase stays",
			"SIP/2.0 486 Nicht jetzt,  bitte\r\n" OWN VIA,
			"SIP/2.0 486 Nicht jetzt,  bitte\r\n" VIA, "", false},
		{"and none is none", "SIP/2.0 486 \r\n" OWN VIA,
			"SIP/2.0 486 \r\n" VIA, "", false},
		{"Twinkle's Vias",
			"SIP/2.0 200 OK\r\n"
			"Via: SIP/2.0/UDP us;branch=z9hG4bKo, "
			"SIP/2.0/UDP a;branch=z9hG4bK1,SIP/2.0/UDP b\r\n",
			"SIP/2.0 200 OK\r\n"
			"Via: SIP/2.0/UDP a;branch=z9hG4bK1,SIP/2.0/UDP b\r\n",
			"", false},
		{"Twinkle's Vias, folded",
			"SIP/2.0 200 OK\r\n"
			"v: SIP/2.0/UDP us,\r\n\tSIP/2.0/UDP a\r\n",
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n", "", false},
		{"only ours", "SIP/2.0 200 OK\r\n" OWN, "SIP/2.0 200 OK\r\n",
			"", false},
		{"linphone's Record-route",
			"SIP/2.0 200 OK\r\n" OWN VIA
			"Record-route:  <sip:us;lr>\r\n",
			"SIP/2.0 200 OK\r\n" VIA
			"Record-Route: <sip:us;lr>\r\n",
			"", false},
		{"names in their own spelling",
			"SIP/2.0 401 No\r\n" OWN VIA
			"www-authenticate: Digest x\r\nm: <sip:b@y>\r\n",
			"SIP/2.0 401 No\r\n" VIA
			"WWW-Authenticate: Digest x\r\nContact: <sip:b@y>\r\n",
			"", false},
		{"a challenge that is ours alone to make",
			"SIP/2.0 401 No\r\n" OWN VIA
			"WWW-Authenticate: Digest realm=\"x.example\"\r\n"
			"Proxy-Authenticate: Digest realm=\"x.example\"\r\n"
			"WWW-Authenticate: Digest realm=\"y.example\"\r\n",
			"SIP/2.0 401 No\r\n" VIA
			"WWW-Authenticate: Digest realm=\"y.example\"\r\n",
			"", false},
		{"an identity that is not believed",
			"SIP/2.0 200 OK\r\n" OWN VIA
			"P-Asserted-Identity: <sip:boss@x>\r\n",
			"SIP/2.0 200 OK\r\n" VIA, "", true},
		{"and one that is",
			"SIP/2.0 200 OK\r\n" OWN VIA
			"P-Asserted-Identity: <sip:boss@x>\r\n",
			"SIP/2.0 200 OK\r\n" VIA
			"P-Asserted-Identity: <sip:boss@x>\r\n",
			"", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[ROOM], data[ROOM], out[ROOM], expected[ROOM];
		struct sip_writer w = {out, sizeof out - 1, 0, false};
		struct sip_message m;
		int n = snprintf(text, sizeof text, "%s" REST "\r\nab",
			cases[i].in);

		snprintf(expected, sizeof expected,
			"%s" REST "Content-Length: 2\r\n\r\nab", cases[i].out);
		unit_ok(u, scan(data, text, (size_t)n, &m), "%s",
			cases[i].name);
		relay_response(&w, &m,
			&(const struct relay_back){cases[i].drops_identity,
				"x.example", cases[i].challenges});
		out[w.len] = '\0';
		unit_str(u, out, expected, "  as it goes on");
	}
}

static void check_challenges(struct unit *u)
{
	static const char TEXT[] = "SIP/2.0 401 No\r\n" OWN VIA REST
				   "WWW-Authenticate: Digest realm=\"a\"\r\n"
				   "l: 0\r\n\r\n";
	char data[ROOM], out[ROOM];
	struct sip_writer w = {out, sizeof out - 1, 0, false};
	struct sip_message m;

	scan(data, TEXT, sizeof TEXT - 1, &m);
	relay_response(&w, &m,
		&(const struct relay_back){false, "x.example",
			"Proxy-Authenticate: Digest b\r\n"});
	out[w.len] = '\0';
	unit_str(u, out,
		"SIP/2.0 401 No\r\n" VIA REST
		"WWW-Authenticate: Digest realm=\"a\"\r\n"
		"Proxy-Authenticate: Digest b\r\nContent-Length: 0\r\n\r\n",
		"challenges of others go with it");
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_requests(&u);
	check_bodies(&u);
	check_full(&u);
	check_routes(&u);
	check_responses(&u);
	check_challenges(&u);
	return unit_done(&u);
}
