/* cmd/sp-register/dialog_route: where the two sides of a dialog are. */
#include "cmd/sp-register/dialog_route.h"

#include "tests/unit/unit.h"

static const unsigned char KEY[SP_SHA256_SIZE] = {1, 2, 3},
			   OTHER_KEY[SP_SHA256_SIZE] = {1, 2, 4};

#define SLICE(text) ((struct sip_slice){text, sizeof text - 1})

struct side {
	enum sp_transport transport;
	int local;
	int64_t flow_id;
	const char *ip;
	int port;
};

static const struct side SIDES[] = {
	{SP_UDP, 0, 0, "192.0.2.7", 5060},
	{SP_UDP, 3, 0, "2001:db8::7", 65535},
	{SP_TCP, 1, 7, "192.0.2.7", 1},
	{SP_TLS, 2, INT64_MAX, "2001:db8:0:1:2:3:4:5", 5061},
	{SP_TCP, -1, 0, "127.0.0.1", 5060},
};
enum { N_SIDES = sizeof SIDES / sizeof SIDES[0] };

static struct hop hop_of(const struct side *s)
{
	struct hop hop;

	hop_set(&hop, s->transport, s->ip, s->port);
	hop.local = s->local;
	hop.flow_id = s->flow_id;
	return hop;
}

static bool is_same(const struct hop *a, const struct hop *b)
{
	return hop_equal(a, b) && a->transport == b->transport &&
	       a->local == b->local && a->flow_id == b->flow_id &&
	       a->to.any.sa_family == b->to.any.sa_family;
}

static struct dialog_route route_of(int caller, int callee, int64_t call_id)
{
	return (struct dialog_route){call_id, hop_of(&SIDES[caller]),
		hop_of(&SIDES[callee])};
}

static void format(const struct dialog_route *route,
	char text[DIALOG_ROUTE_SIZE])
{
	dialog_route_format(KEY, SLICE("id@host"), SLICE("tag"), route, text);
}

static bool parses(const char *text)
{
	struct dialog_route got;

	return dialog_route_parse(KEY, SLICE("id@host"), SLICE("tag"), text,
		&got);
}

/* Each kind of side with each. */
static void check_round_trip(struct unit *u)
{
	for (int i = 0; i < N_SIDES * N_SIDES; i++) {
		int caller = i / N_SIDES, callee = i % N_SIDES;
		struct dialog_route route = route_of(caller, callee,
					    i == 0 ? INT64_MAX : i),
				    got;
		char text[DIALOG_ROUTE_SIZE];

		format(&route, text);
		unit_ok(u, strlen(text) < DIALOG_ROUTE_SIZE - 1,
			"%s to %s: there is room", SIDES[caller].ip,
			SIDES[callee].ip);
		unit_int(u, (int64_t)strspn(text, "0123456789abcdef"),
			(int64_t)strlen(text), "  fit for a URI");
		unit_ok(u,
			dialog_route_parse(KEY, SLICE("id@host"), SLICE("tag"),
				text, &got) &&
				got.call_id == route.call_id &&
				is_same(&got.caller, &route.caller) &&
				is_same(&got.callee, &route.callee),
			"  read back");
	}
}

static void check_other_dialogs(struct unit *u)
{
	struct dialog_route route = route_of(0, 1, 7), got;
	char text[DIALOG_ROUTE_SIZE];
	static const struct {
		const char *name;
		const unsigned char *key;
		struct sip_slice call_id, tag;
	} cases[] = {
		{"another key", OTHER_KEY, SLICE("id@host"), SLICE("tag")},
		{"another Call-ID", KEY, SLICE("id@hos"), SLICE("tag")},
		{"another case", KEY, SLICE("ID@host"), SLICE("tag")},
		{"another tag", KEY, SLICE("id@host"), SLICE("tagg")},
		{"an empty tag", KEY, SLICE("id@host"), SLICE("")},
		{"no tag", KEY, SLICE("id@host"), {NULL, 0}},
		{"no Call-ID", KEY, {NULL, 0}, SLICE("tag")},
		{"the border elsewhere", KEY, SLICE("id@host;t"), SLICE("ag")},
	};

	format(&route, text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_ok(u,
			!dialog_route_parse(cases[i].key, cases[i].call_id,
				cases[i].tag, text, &got),
			"%s", cases[i].name);
	unit_ok(u, parses(text), "and its own all the same");
}

/* Whatever is changed in it is noticed. */
static void check_forged(struct unit *u)
{
	struct dialog_route route = route_of(2, 3, 7);
	char text[DIALOG_ROUTE_SIZE], forged[2 * DIALOG_ROUTE_SIZE];
	size_t len, taken = 0;

	format(&route, text);
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		snprintf(forged, sizeof forged, "%s", text);
		forged[i] = forged[i] == '0' ? '1' : '0';
		taken += parses(forged);
	}
	unit_int(u, (int64_t)taken, 0, "a digit changed");
	for (size_t i = 0; i < len; i++) {
		snprintf(forged, sizeof forged, "%.*s", (int)i, text);
		taken += parses(forged);
		taken += parses(text + len - i);
	}
	unit_int(u, (int64_t)taken, 0, "cut off at either end");
	snprintf(forged, sizeof forged, "%s%s", text, text);
	unit_ok(u, !parses(forged), "twice");
	snprintf(forged, sizeof forged, "%s00", text);
	unit_ok(u, !parses(forged), "longer");
	snprintf(forged, sizeof forged, "%s", text);
	for (char *c = forged; *c != '\0'; c++)
		if (*c >= 'a')
			*c = (char)(*c - 'a' + 'A');
	unit_ok(u, !parses(forged), "in capitals");
}

static void check_other_texts(struct unit *u)
{
	static const char *const TEXTS[] = {"", "1001", "x", "0", "00",
		"0000000000000000", "00000000000000000000", "%30",
		"+14155550123", "gggggggggggggggggggggggggggggggg"};
	char longest[1024];

	for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
		unit_ok(u, !parses(TEXTS[i]), "'%s'", TEXTS[i]);
	memset(longest, '0', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	unit_ok(u, !parses(longest), "a long one");
}

/* What it cannot write it writes as nothing, which is no route. */
static void check_too_long(struct unit *u)
{
	static char call_id[2 * SIP_MAX_LINE + 1];
	struct dialog_route route = route_of(0, 0, 7), got;
	struct sip_slice whole = {call_id, sizeof call_id};
	char text[DIALOG_ROUTE_SIZE] = "x";

	memset(call_id, 'i', sizeof call_id);
	dialog_route_format(KEY, whole, SLICE("tag"), &route, text);
	unit_str(u, text, "", "a Call-ID beyond the limit");
	whole.len = 2 * SIP_MAX_LINE - 3;
	dialog_route_format(KEY, whole, SLICE("tag"), &route, text);
	unit_ok(u, dialog_route_parse(KEY, whole, SLICE("tag"), text, &got),
		"the longest one");
}

/* As it comes back: IPv6 on both sides is the longest. */
static void check_in_uri(struct unit *u)
{
	struct dialog_route route = route_of(3, 3, INT64_MAX);
	char text[DIALOG_ROUTE_SIZE], uri[DIALOG_ROUTE_SIZE + 64];
	struct sip_uri parsed;

	format(&route, text);
	snprintf(uri, sizeof uri, "sip:%s@[2001:db8::1]:5060;lr", text);
	unit_ok(u,
		sipmsg_parse_uri((struct sip_slice){uri, strlen(uri)}, &parsed),
		"it is the user part of a URI");
	unit_str(u, parsed.user, text, "  and whole");
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_round_trip(&u);
	check_in_uri(&u);
	check_other_dialogs(&u);
	check_forged(&u);
	check_other_texts(&u);
	check_too_long(&u);
	return unit_done(&u);
}
