/* cmd/sp-register/registrar: what becomes of the bindings, request by
 * request. Without clock, socket or database. */
#include "cmd/sp-register/registrar.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static const int64_t NOW_MS = INT64_C(1795426200000);

/* A binding that is there: registered with Call-ID "old". */
struct have {
	const char *contact;
	int cseq, age_s; /* since its last refresh; granted 30 s */
	const char *instance;
	int reg_id;
};

struct asked {
	const char *name;
	struct have have[6]; /* newest first */
	const char *call_id;
	int cseq;
	const char *headers;
	const char *decision;
};

/* ---- one request ------------------------------------------------------- */

static void set_have(struct decision *d, const struct have *have)
{
	memset(d, 0x5a, sizeof *d); /* as an earlier request left it */
	for (d->n = 0; have[d->n].contact != NULL; d->n++) {
		const struct have *h = &have[d->n];
		struct sp_binding *b = &d->binding[d->n];

		d->kind[d->n] = CHANGE_NONE;
		*b = (struct sp_binding){.id = 100 + d->n,
			.cseq = h->cseq,
			.call_id = "old",
			.source = "192.0.2.1:5060",
			.transport = "udp",
			.user_agent = "phone",
			.refreshed_ms = NOW_MS - h->age_s * 1000,
			.expires_ms = NOW_MS + (30 - h->age_s) * 1000,
			.interval_ms = 14000,
			.reg_id = h->reg_id,
			.q = 1000};
		snprintf(b->contact, sizeof b->contact, "%s", h->contact);
		snprintf(b->instance, sizeof b->instance, "%s",
			h->instance == NULL ? "" : h->instance);
	}
}

/* Reads a REGISTER with these headers; the slices are of `text`. */
static enum verdict read_request(const struct asked *a, char *text, size_t size,
	struct registration *r, const char **why)
{
	static struct sip_message m;
	int n = snprintf(text, size,
		"REGISTER sip:a SIP/2.0\r\n"
		"Via: SIP/2.0/UDP a\r\nFrom: <sip:1@a>\r\nTo: <sip:1@a>\r\n"
		"Call-ID: %s\r\nCSeq: %d REGISTER\r\nUser-Agent: phone\r\n"
		"%s\r\n",
		a->call_id, a->cseq, a->headers);

	*r = (struct registration){.source = "192.0.2.1:5060",
		.local = "",
		.transport = "udp"};
	if (n < 0 || (size_t)n >= size ||
		sipmsg_scan(text, (size_t)n, &m, why) != SIP_SCANNED) {
		printf("Bail out! a test's request\n");
		exit(2);
	}
	return registrar_read(&m, r, why);
}

/* "+ a new one", "= refreshed", "~ also its wide row", "- removed", and what
 * stays without a sign; behind / the seconds that it lives. */
static const char *describe(const struct decision *d)
{
	static const char SIGNS[] = {[CHANGE_NONE] = ' ',
		[CHANGE_ADD] = '+',
		[CHANGE_REFRESH] = '=',
		[CHANGE_REWRITE] = '~',
		[CHANGE_REMOVE] = '-',
		[CHANGE_EVICT] = '!'};
	static char text[2048];
	struct sip_writer w = {text, sizeof text - 1, 0, false};

	for (int i = 0; i < d->n; i++) {
		const struct sp_binding *b = &d->binding[i];

		if (d->kind[i] == CHANGE_REMOVE && b->id == 0)
			continue; /* came and went: nothing is done */
		sipmsg_put(&w, "%s%c%s", w.len == 0 ? "" : " ",
			SIGNS[d->kind[i]], b->contact);
		if (d->kind[i] != CHANGE_REMOVE && d->kind[i] != CHANGE_EVICT)
			sipmsg_put(&w, "/%lld",
				(long long)(b->expires_ms - NOW_MS) / 1000);
	}
	text[w.len] = '\0';
	return text;
}

static const char *decide(const struct asked *a, const struct sp_tenant *tenant,
	struct decision *d)
{
	static char text[8192];
	struct registration r;
	const char *why = NULL;
	enum verdict verdict = read_request(a, text, sizeof text, &r, &why);

	set_have(d, a->have);
	if (verdict == VERDICT_OK)
		verdict = registrar_decide(&r, tenant, NOW_MS, d);
	switch (verdict) {
	case VERDICT_OK: return describe(d);
	case VERDICT_MALFORMED: return why;
	default: return reply_of(verdict).phrase;
	}
}

static const struct sp_tenant TENANT = {.refresh_ms = 15000,
	.timeout_ms = 30000,
	.min_ms = 10000,
	.max_contacts = 3};

static void run(struct unit *u, const struct asked *cases, size_t n)
{
	static struct decision d;

	for (size_t i = 0; i < n; i++)
		unit_str(u, decide(&cases[i], &TENANT, &d), cases[i].decision,
			cases[i].name);
}

#define RUN(u, cases) run(u, cases, sizeof(cases) / sizeof(cases)[0])

/* ---- cases ------------------------------------------------------------- */

#define A_B                                       \
	{                                         \
		{"sip:1@a", 5, 10, NULL, 0},      \
		{                                 \
			"sip:1@b", 9, 20, NULL, 0 \
		}                                 \
	}

static const struct asked PLAIN[] = {
	{"a query without bindings", {{0}}, "new", 1, "", ""},
	{"a query", A_B, "new", 1, "", " sip:1@a/20  sip:1@b/10"},
	{"a query in any order", A_B, "old", 1, "Expires: 0\r\n",
		" sip:1@a/20  sip:1@b/10"},
	{"the first", {{0}}, "new", 1, "Contact: <sip:1@a>\r\n", "+sip:1@a/30"},
	{"two at once", {{0}}, "new", 1, "m: <sip:1@a>, sip:1@b;expires=20\r\n",
		"+sip:1@a/30 +sip:1@b/20"},
	{"another", A_B, "new", 1, "Contact: <sip:1@c>\r\n",
		" sip:1@a/20  sip:1@b/10 +sip:1@c/30"},
	{"a refresh", A_B, "old", 6, "Contact: <sip:1@a>\r\n",
		"=sip:1@a/30  sip:1@b/10"},
	{"a gap in CSeq", A_B, "old", 2147483647, "Contact: <sip:1@a>\r\n",
		"=sip:1@a/30  sip:1@b/10"},
	{"of each its own CSeq", A_B, "old", 6, "Contact: <sip:1@b>\r\n",
		"CSeq Out Of Order"},
	{"the same CSeq", A_B, "old", 5, "Contact: <sip:1@a>\r\n",
		"CSeq Out Of Order"},
	{"a lower CSeq", A_B, "old", 4, "Contact: <sip:1@a>\r\n",
		"CSeq Out Of Order"},
	{"a lower CSeq of a new contact", A_B, "old", 1,
		"Contact: <sip:1@c>\r\n",
		" sip:1@a/20  sip:1@b/10 +sip:1@c/30"},
	{"another Call-ID, a lower CSeq", A_B, "new", 1,
		"Contact: <sip:1@a>\r\n", "~sip:1@a/30  sip:1@b/10"},
	{"Call-ID in another case", A_B, "OLD", 1, "Contact: <sip:1@a>\r\n",
		"~sip:1@a/30  sip:1@b/10"},
	{"an equal URI, written otherwise", A_B, "old", 6,
		"Contact: <SIP:%31@A;x>\r\n", "~SIP:%31@A;x/30  sip:1@b/10"},
	{"a URI that is not equal", A_B, "old", 6,
		"Contact: <sip:1@a;transport=udp>\r\n",
		" sip:1@a/20  sip:1@b/10 +sip:1@a;transport=udp/30"},
	/* Both equal it (§19.1.4 is not transitive): the same text wins. */
	{"the same text before an equal one",
		{{"sip:1@a", 5, 10, NULL, 0}, {"sip:1@a;x", 5, 10, NULL, 0}},
		"old", 6, "Contact: <sip:1@a;x>\r\n",
		" sip:1@a/20 =sip:1@a;x/30"},
};

static const struct asked REMOVALS[] = {
	{"by Expires", A_B, "old", 6, "Contact: <sip:1@a>\r\nExpires: 0\r\n",
		"-sip:1@a  sip:1@b/10"},
	{"by parameter", A_B, "old", 6, "Contact: <sip:1@a>;expires=0\r\n",
		"-sip:1@a  sip:1@b/10"},
	{"the parameter counts more", A_B, "old", 6,
		"Contact: <sip:1@a>;expires=0\r\nExpires: 30\r\n",
		"-sip:1@a  sip:1@b/10"},
	{"one comes, one goes", A_B, "old", 10,
		"Contact: <sip:1@c>, <sip:1@b>;expires=0\r\n",
		" sip:1@a/20 -sip:1@b +sip:1@c/30"},
	{"with the same CSeq", A_B, "old", 5,
		"Contact: <sip:1@a>;expires=0\r\n", "CSeq Out Of Order"},
	{"with another Call-ID", A_B, "new", 1,
		"Contact: <sip:1@a>;expires=0\r\n", "-sip:1@a  sip:1@b/10"},
	{"one that is not there", A_B, "old", 1,
		"Contact: <sip:1@c>;expires=0\r\n", " sip:1@a/20  sip:1@b/10"},
	{"all", A_B, "old", 10, "Contact: *\r\nExpires: 0\r\n",
		"-sip:1@a -sip:1@b"},
	{"all with another Call-ID", A_B, "new", 1,
		"Contact: *\r\nExpires: 0\r\n", "-sip:1@a -sip:1@b"},
	{"all of none", {{0}}, "new", 1, "Contact: *\r\nExpires: 0\r\n", ""},
	{"all, out of order for one", A_B, "old", 9,
		"Contact: *\r\nExpires: 0\r\n", "CSeq Out Of Order"},
	{"all without Expires", A_B, "old", 10, "Contact: *\r\n",
		"Contact * Without Expires 0"},
	{"all with Expires 1", A_B, "old", 10, "Contact: *\r\nExpires: 1\r\n",
		"Contact * Without Expires 0"},
	{"all with a bad Expires", A_B, "old", 10,
		"Contact: *\r\nExpires: zero\r\n",
		"Contact * Without Expires 0"},
	{"all and one more", A_B, "old", 10,
		"Contact: *\r\nContact: <sip:1@a>\r\nExpires: 0\r\n",
		"Malformed Contact"},
};

static const struct asked GRANTS[] = {
	{"nothing said", {{0}}, "n", 1, "m: <sip:h@a>\r\n", "+sip:h@a/30"},
	{"29", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 29\r\n", "+sip:h@a/29"},
	{"30", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 30\r\n", "+sip:h@a/30"},
	{"31", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 31\r\n", "+sip:h@a/30"},
	{"3600", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 3600\r\n",
		"+sip:h@a/30"},
	{"2^32-1", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 4294967295\r\n",
		"+sip:h@a/30"},
	{"2^32", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 4294967296\r\n",
		"+sip:h@a/30"},
	{"not a number", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: soon\r\n",
		"+sip:h@a/30"},
	{"negative", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: -1\r\n",
		"+sip:h@a/30"},
	{"10, the least", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 10\r\n",
		"+sip:h@a/10"},
	{"9", {{0}}, "n", 1, "m: <sip:h@a>\r\nExpires: 9\r\n",
		"Interval Too Brief"},
	{"1", {{0}}, "n", 1, "m: <sip:h@a>;expires=1\r\n",
		"Interval Too Brief"},
	{"the parameter before the header", {{0}}, "n", 1,
		"m: <sip:h@a>;expires=20\r\nExpires: 1\r\n", "+sip:h@a/20"},
	{"too brief in the parameter", {{0}}, "n", 1,
		"m: <sip:h@a>;expires=5\r\nExpires: 30\r\n",
		"Interval Too Brief"},
	{"a bad parameter, a good header", {{0}}, "n", 1,
		"m: <sip:h@a>;expires=x\r\nExpires: 20\r\n", "+sip:h@a/20"},
	{"too brief among several", A_B, "old", 10,
		"m: <sip:1@a>, <sip:1@c>;expires=5, <sip:1@b>;expires=0\r\n",
		"Interval Too Brief"},
	{"too brief for a refresh", A_B, "old", 10,
		"m: <sip:1@a>;expires=5\r\n", "Interval Too Brief"},
};

#define THREE                                                            \
	{                                                                \
		{"sip:1@a", 1, 5, NULL, 0}, {"sip:2@a", 1, 15, NULL, 0}, \
		{                                                        \
			"sip:3@a", 1, 25, NULL, 0                        \
		}                                                        \
	}

static const struct asked CROWDS[] = {
	{"the oldest goes", THREE, "new", 1, "m: <sip:4@a>\r\n",
		" sip:1@a/25  sip:2@a/15 !sip:3@a +sip:4@a/30"},
	{"the oldest two go", THREE, "new", 1, "m: <sip:4@a>, <sip:5@a>\r\n",
		" sip:1@a/25 !sip:2@a !sip:3@a +sip:4@a/30 +sip:5@a/30"},
	{"all go", THREE, "new", 1, "m: <sip:4@a>, <sip:5@a>, <sip:6@a>\r\n",
		"!sip:1@a !sip:2@a !sip:3@a "
		"+sip:4@a/30 +sip:5@a/30 +sip:6@a/30"},
	{"one too many in the request", THREE, "new", 1,
		"m: <sip:4@a>, <sip:5@a>, <sip:6@a>, <sip:7@a>\r\n",
		"Too Many Contacts"},
	{"the oldest is refreshed, the next goes", THREE, "old", 2,
		"m: <sip:3@a>, <sip:4@a>\r\n",
		" sip:1@a/25 !sip:2@a =sip:3@a/30 +sip:4@a/30"},
	{"one is removed, none has to go", THREE, "old", 2,
		"m: <sip:1@a>;expires=0, <sip:4@a>\r\n",
		"-sip:1@a  sip:2@a/15  sip:3@a/5 +sip:4@a/30"},
	{"the room is made at the end", THREE, "old", 2,
		"m: <sip:4@a>, <sip:1@a>;expires=0\r\n",
		"-sip:1@a  sip:2@a/15  sip:3@a/5 +sip:4@a/30"},
	{"a refresh needs no room", THREE, "old", 2, "m: <sip:1@a>\r\n",
		"=sip:1@a/30  sip:2@a/15  sip:3@a/5"},
	{"of the same age, the first registered",
		{{"sip:1@a", 1, 5, NULL, 0}, {"sip:2@a", 1, 5, NULL, 0},
			{"sip:3@a", 1, 5, NULL, 0}},
		"new", 1, "m: <sip:4@a>\r\n",
		" sip:1@a/25  sip:2@a/25 !sip:3@a +sip:4@a/30"},
	/* max-contacts was higher once. */
	{"a query of too many",
		{{"sip:1@a", 1, 1, NULL, 0}, {"sip:2@a", 1, 2, NULL, 0},
			{"sip:3@a", 1, 3, NULL, 0}, {"sip:4@a", 1, 4, NULL, 0}},
		"old", 2, "",
		" sip:1@a/29  sip:2@a/28  sip:3@a/27  sip:4@a/26"},
	{"a refresh of too many",
		{{"sip:1@a", 1, 1, NULL, 0}, {"sip:2@a", 1, 2, NULL, 0},
			{"sip:3@a", 1, 3, NULL, 0}, {"sip:4@a", 1, 4, NULL, 0}},
		"old", 2, "m: <sip:4@a>\r\n",
		" sip:1@a/29  sip:2@a/28 !sip:3@a =sip:4@a/30"},
};

static const struct asked TWICE[] = {
	{"new, twice", {{0}}, "n", 1, "m: <sip:1@a>, <sip:1@a>;expires=20\r\n",
		"+sip:1@a/20"},
	{"new, written in two ways", {{0}}, "n", 1,
		"m: <sip:1@a>, <sip:%31@A>\r\n", "+sip:%31@A/30"},
	{"new, then removed", {{0}}, "n", 1,
		"m: <sip:1@a>, <sip:1@a>;expires=0\r\n", ""},
	{"new, removed, new", {{0}}, "n", 1,
		"m: <sip:1@a>, <sip:1@a>;expires=0, <sip:1@a>\r\n",
		"+sip:1@a/30"},
	{"refreshed twice", A_B, "old", 6,
		"m: <sip:1@a>, <sip:1@a>;expires=20\r\n",
		"=sip:1@a/20  sip:1@b/10"},
	{"refreshed twice with another Call-ID", A_B, "new", 1,
		"m: <sip:1@a>, <sip:1@a>\r\n", "~sip:1@a/30  sip:1@b/10"},
	{"removed, then refreshed", A_B, "old", 6,
		"m: <sip:1@a>;expires=0, <sip:1@a>\r\n",
		"~sip:1@a/30  sip:1@b/10"},
	{"refreshed, then removed", A_B, "old", 6,
		"m: <sip:1@a>, <sip:1@a>;expires=0\r\n",
		"-sip:1@a  sip:1@b/10"},
	{"removed twice", A_B, "old", 6,
		"m: <sip:1@a>;expires=0, <sip:1@a>;expires=0\r\n",
		"-sip:1@a  sip:1@b/10"},
};

/* ---- RFC 5626 ---------------------------------------------------------- */

#define X "\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""
#define Y "\"<urn:uuid:00000000-0000-1000-8000-000A95A0E129>\""
#define Z "\"<urn:gsma:imei:90420156-025763-0>\""

/* A phone with two flows of one contact, and one without. */
#define FLOWS                                                      \
	{                                                          \
		{"sip:1@a", 5, 5, X, 1}, {"sip:1@a", 6, 10, X, 2}, \
		{                                                  \
			"sip:1@c", 8, 20, Z, 0                     \
		}                                                  \
	}
#define M(uri, instance, id) \
	"m: <" uri ">;+sip.instance=" instance ";reg-id=" id "\r\n"

static const struct asked INSTANCES[] = {
	{"the first", {{0}}, "new", 1, M("sip:1@a", X, "1"), "+sip:1@a/30"},
	{"a refresh", FLOWS, "old", 6, M("sip:1@a", X, "1"),
		"=sip:1@a/30  sip:1@a/20  sip:1@c/10"},
	{"the other flow", FLOWS, "old", 7, M("sip:1@a", X, "2"),
		" sip:1@a/25 =sip:1@a/30  sip:1@c/10"},
	{"the other phone", {{"sip:1@a", 5, 5, X, 1}, {"sip:1@b", 7, 15, Y, 1}},
		"old", 8, M("sip:1@a", Y, "1"), " sip:1@a/25 ~sip:1@a/30"},
	{"a third flow", {{"sip:1@a", 5, 5, X, 1}, {"sip:1@a", 6, 10, X, 2}},
		"new", 1, M("sip:1@a", X, "3"),
		" sip:1@a/25  sip:1@a/20 +sip:1@a/30"},
	{"started again, with another contact", FLOWS, "new", 1,
		M("sip:9@d", X, "1"), "~sip:9@d/30  sip:1@a/20  sip:1@c/10"},
	{"of its own flow the CSeq must rise", FLOWS, "old", 5,
		M("sip:9@d", X, "1"), "CSeq Out Of Order"},
	{"a UUID knows no case", FLOWS, "new", 1,
		M("sip:9@d",
			"\"<URN:UUID:00000000-0000-1000-8000-000a95a0e128>\"",
			"1"),
		"~sip:9@d/30  sip:1@a/20  sip:1@c/10"},
	{"other URNs do", {{"sip:1@a", 5, 5, "\"<urn:x:a>\"", 1}}, "new", 1,
		M("sip:9@d", "\"<urn:x:A>\"", "1"), " sip:1@a/25 +sip:9@d/30"},
	{"a part of an instance is another",
		{{"sip:1@a", 5, 5, "\"<urn:x:ab>\"", 1}}, "new", 1,
		M("sip:9@d", "\"<urn:x:a>\"", "1"), " sip:1@a/25 +sip:9@d/30"},
	{"gone", FLOWS, "new", 1,
		"m: <sip:9@d>;reg-id=2;+sip.instance=" X ";expires=0\r\n",
		" sip:1@a/25 -sip:1@a  sip:1@c/10"},
	{"moved, the old flow gone", FLOWS, "new", 1,
		"m: <sip:9@d>;reg-id=1;+sip.instance=" X
		", <sip:1@a>;reg-id=2;+sip.instance=" X ";expires=0\r\n",
		"~sip:9@d/30 -sip:1@a  sip:1@c/10"},
	{"all gone", FLOWS, "new", 1, "m: *\r\nExpires: 0\r\n",
		"-sip:1@a -sip:1@a -sip:1@c"},
	/* Without a reg-id it is the URI. */
	{"an instance alone", FLOWS, "new", 1,
		"m: <sip:9@d>;+sip.instance=" Z ";expires=0\r\n",
		" sip:1@a/25  sip:1@a/20  sip:1@c/10"},
	{"an instance alone, the same URI", FLOWS, "new", 1,
		"m: <sip:1@c>;+sip.instance=" Y "\r\n",
		" sip:1@a/25  sip:1@a/20 ~sip:1@c/30"},
	{"neither", {{"sip:1@a", 5, 5, X, 1}, {"sip:1@b", 7, 15, Y, 1}}, "new",
		1, "m: <sip:1@b>\r\n", " sip:1@a/25 ~sip:1@b/30"},
	{"a reg-id alone is none",
		{{"sip:1@a", 5, 5, X, 1}, {"sip:1@b", 7, 15, Y, 1}}, "new", 1,
		"m: <sip:1@b>;reg-id=7\r\n", " sip:1@a/25 ~sip:1@b/30"},
	/* It has a reg-id from now on. */
	{"the same phone, newer", {{"sip:1@c", 8, 20, Z, 0}}, "new", 1,
		M("sip:1@c", Z, "1"), "~sip:1@c/30"},
	{"the oldest goes",
		{{"sip:1@a", 5, 5, X, 1}, {"sip:1@a", 6, 10, X, 2},
			{"sip:1@b", 7, 15, Y, 1}},
		"new", 1, M("sip:1@a", X, "3"),
		" sip:1@a/25  sip:1@a/20 !sip:1@b +sip:1@a/30"},
	{"a flow is for one contact", FLOWS, "new", 1,
		"m: <sip:8@d>, <sip:9@d>;reg-id=1;+sip.instance=" X "\r\n",
		"Contacts Beside One With Reg-Id"},
	{"one that goes is fine, by the header", FLOWS, "new", 1,
		"Expires: 0\r\nm: <sip:1@c>, <sip:9@d>;reg-id=1"
		";expires=30;+sip.instance=" X "\r\n",
		"~sip:9@d/30  sip:1@a/20 -sip:1@c"},
};

#define OUTBOUND "Supported: path, OUTBOUND\r\n"
#define PROXY    "Via: SIP/2.0/UDP b\r\n"
#define A_X_1                                 \
	{                                     \
		{                             \
			"sip:1@a", 1, 5, X, 1 \
		}                             \
	}

/* Through a proxy; what comes of it, with an outbound Require or without. */
static const struct {
	struct asked asked;
	bool is_outbound;
} PROXIED[] = {
	{{"nobody between", A_X_1, "new", 1, OUTBOUND M("sip:9@d", X, "1"),
		 "~sip:9@d/30"},
		true},
	{{"it requires it", A_X_1, "new", 1,
		 "Require: outbound\r\n" M("sip:9@d", X, "1"), "~sip:9@d/30"},
		true},
	{{"it does not ask for it", A_X_1, "new", 1, M("sip:9@d", X, "1"),
		 "~sip:9@d/30"},
		false},
	{{"it asks without a reg-id", A_X_1, "new", 1,
		 OUTBOUND "m: <sip:1@a>;+sip.instance=" X "\r\n",
		 "~sip:1@a/30"},
		false},
	{{"it asks without an instance", A_X_1, "new", 1,
		 OUTBOUND "m: <sip:1@a>;reg-id=1\r\n", "~sip:1@a/30"},
		false},
	{{"a proxy that knows nothing", A_X_1, "new", 1,
		 PROXY OUTBOUND M("sip:9@d", X, "1"),
		 "First Hop Lacks Outbound Support"},
		false},
	{{"in one field", A_X_1, "new", 1,
		 "v: SIP/2.0/UDP b, SIP/2.0/UDP c\r\n" OUTBOUND M("sip:9@d", X,
			 "1"),
		 "First Hop Lacks Outbound Support"},
		false},
	{{"a proxy with a path alone", A_X_1, "new", 1,
		 PROXY OUTBOUND "Path: <sip:p;lr>\r\n" M("sip:9@d", X, "1"),
		 "First Hop Lacks Outbound Support"},
		false},
	{{"a proxy that keeps the flow", A_X_1, "new", 1,
		 PROXY OUTBOUND "Path: <sip:p;lr;ob>\r\n" M("sip:9@d", X, "1"),
		 "~sip:9@d/30"},
		true},
	{{"the first of two", A_X_1, "new", 1,
		 PROXY OUTBOUND
		 "Path: <sip:q;lr>, <sip:t@p;OB;lr>\r\n" M("sip:9@d", X, "1"),
		 "~sip:9@d/30"},
		true},
	/* Then the reg-id does not count. */
	{{"not asked, through a proxy", A_X_1, "new", 1,
		 PROXY M("sip:9@d", X, "1"), " sip:1@a/25 +sip:9@d/30"},
		false},
	{{"the same URI, through a proxy", A_X_1, "new", 1,
		 PROXY M("sip:1@a", X, "1"), "~sip:1@a/30"},
		false},
	{{"two of them, through a proxy", {{0}}, "new", 1,
		 PROXY "m: <sip:8@d>, <sip:9@d>;reg-id=1;+sip.instance=" X
		       "\r\n",
		 "+sip:8@d/30 +sip:9@d/30"},
		false},
};

static void check_proxied(struct unit *u)
{
	static struct decision d;
	static char text[8192];

	for (size_t i = 0; i < sizeof PROXIED / sizeof PROXIED[0]; i++) {
		const struct asked *a = &PROXIED[i].asked;
		struct registration r;
		const char *why;

		unit_str(u, decide(a, &TENANT, &d), a->decision, a->name);
		if (read_request(a, text, sizeof text, &r, &why) == VERDICT_OK)
			unit_int(u, r.is_outbound, PROXIED[i].is_outbound,
				"  outbound");
	}
}

/* What is kept of the parameters, and a change of any is written. */
static void check_params(struct unit *u)
{
	static const struct {
		const char *headers;
		enum change_kind kind;
		int q, reg_id;
		const char *instance, *path;
	} CASES[] = {
		{"m: <sip:1@a>\r\n", CHANGE_REFRESH, 1000, 0, "", ""},
		{"m: <sip:1@a>;q=1.000\r\n", CHANGE_REFRESH, 1000, 0, "", ""},
		{"m: <sip:1@a>;q=0.25\r\n", CHANGE_REWRITE, 250, 0, "", ""},
		{"m: <sip:1@a>;q=0\r\n", CHANGE_REWRITE, 0, 0, "", ""},
		{"m: <sip:1@a>;+sip.instance=" X "\r\n", CHANGE_REWRITE, 1000,
			0, X, ""},
		{M("sip:1@a", X, "2147483647"), CHANGE_REWRITE, 1000,
			2147483647, X, ""},
		{"Path: <sip:p;lr>\r\nm: <sip:1@a>\r\n", CHANGE_REWRITE, 1000,
			0, "", "<sip:p;lr>"},
	};
	static struct decision d;
	struct asked a = {"", A_B, "old", 6, NULL, NULL};
	const struct sp_binding *b = &d.binding[0];

	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		a.headers = CASES[i].headers;
		decide(&a, &TENANT, &d);
		unit_int(u, d.kind[0], CASES[i].kind, a.headers);
		unit_int(u, b->q, CASES[i].q, "  q");
		unit_int(u, b->reg_id, CASES[i].reg_id, "  reg-id");
		unit_str(u, b->instance, CASES[i].instance, "  instance");
		unit_str(u, b->path, CASES[i].path, "  path");
	}
}

/* An instance of `len` bytes with its quotes. */
static void check_instance_size(struct unit *u, int len, enum verdict verdict)
{
	static char text[8192];
	char headers[512];
	struct asked a = {.call_id = "1", .cseq = 1, .headers = headers};
	struct registration r;
	const char *why = NULL;

	snprintf(headers, sizeof headers,
		"m: <sip:1@a>;+sip.instance=\"<urn:x:%0*d>\"\r\n", len - 10, 0);
	unit_int(u, read_request(&a, text, sizeof text, &r, &why), verdict,
		"a long instance");
	if (verdict != VERDICT_OK)
		unit_str(u, why, "Malformed Contact", "  why");
}

static void check_path(struct unit *u)
{
	static char text[8192];
	struct asked a = {.call_id = "1",
		.cseq = 1,
		.headers = "Path: <sip:p>x\r\nm: <sip:1@a>\r\n"};
	struct registration r;
	const char *why = NULL;

	unit_int(u, read_request(&a, text, sizeof text, &r, &why),
		VERDICT_MALFORMED, "a bad path");
	unit_str(u, why, "Malformed Path", "  why");
}

/* ---- reading ----------------------------------------------------------- */

static void check_read(struct unit *u)
{
	static char text[8192], long_id[SP_CALL_ID_SIZE + 1];
	struct asked a = {.call_id = long_id,
		.cseq = 7,
		.headers = "Contact: <sip:1@a>\r\nExpires: 20\r\n"};
	struct registration r;
	const char *why = NULL;

	memset(long_id, 'i', SP_CALL_ID_SIZE - 1);
	unit_int(u, read_request(&a, text, sizeof text, &r, &why), VERDICT_OK,
		"a Call-ID of 255 bytes");
	unit_int(u, r.n_contacts, 1, "  a contact");
	unit_int(u, r.cseq, 7, "  CSeq");
	unit_int(u, r.expires_s, 20, "  Expires");
	unit_ok(u, sipmsg_slice_is(r.call_id, long_id), "  Call-ID");
	unit_ok(u, sipmsg_slice_is(r.user_agent, "phone"), "  User-Agent");
	long_id[SP_CALL_ID_SIZE - 1] = 'i';
	unit_int(u, read_request(&a, text, sizeof text, &r, &why),
		VERDICT_MALFORMED, "of 256");
	unit_str(u, why, "Call-ID Too Long", "  why");
}

/* A Contact of `len` bytes, and `n` of them. */
static void check_contacts(struct unit *u, size_t len, int n,
	enum verdict verdict)
{
	static char text[16384], headers[12288];
	struct sip_writer w = {headers, sizeof headers, 0, false};
	struct asked a = {.call_id = "1", .cseq = 1, .headers = headers};
	struct registration r;
	const char *why = NULL;
	char name[64];

	for (int i = 0; i < n; i++)
		sipmsg_put(&w, "Contact: <sip:1@a;x=%0*d>\r\n",
			(int)len - (int)strlen("sip:1@a;x="), i);
	snprintf(name, sizeof name, "%d contacts of %zu bytes", n, len);
	unit_int(u, read_request(&a, text, sizeof text, &r, &why), verdict,
		name);
	if (verdict != VERDICT_OK)
		unit_str(u, why, "Malformed Contact", "  why");
}

/* ---- what a decision holds --------------------------------------------- */

static void check_facts(struct unit *u)
{
	static struct decision d;
	struct asked a = {"", A_B, "new", 3, "m: <sip:1@a>\r\n", NULL};
	const struct sp_binding *b = &d.binding[0];

	decide(&a, &TENANT, &d);
	unit_int(u, b->id, 100, "a refresh: its row");
	unit_str(u, b->call_id, "new", "  Call-ID");
	unit_int(u, b->cseq, 3, "  CSeq");
	unit_int(u, b->refreshed_ms, NOW_MS, "  refreshed now");
	unit_int(u, b->interval_ms, 10000, "  its interval");
	a.headers = "m: <sip:1@a>, <sip:1@a>\r\n";
	decide(&a, &TENANT, &d);
	unit_int(u, b->interval_ms, 10000, "  also when it comes twice");
	a.have[0].contact = NULL;
	decide(&a, &TENANT, &d);
	unit_int(u, b->id, 0, "a new one: no row");
	unit_int(u, b->created_ms, NOW_MS, "  created now");
	unit_int(u, b->refreshed_ms, NOW_MS, "  refreshed now");
	unit_int(u, b->interval_ms, 0, "  no interval");
	unit_str(u, b->source, "192.0.2.1:5060", "  its source");
	unit_str(u, b->transport, "udp", "  its transport");
	unit_str(u, b->user_agent, "phone", "  its user agent");
}

/* From elsewhere, over something else, or with another program. */
static void check_wide(struct unit *u)
{
	static struct decision d;
	static char text[2048];
	const struct asked a = {"", A_B, "old", 6, "m: <sip:1@a>\r\n", NULL};
	struct registration r;
	const char *why;

	for (int i = 0; i < 4; i++) {
		read_request(&a, text, sizeof text, &r, &why);
		if (i == 1)
			r.source = "192.0.2.1:5061";
		else if (i == 2)
			r.transport = "tcp";
		else if (i == 3)
			r.user_agent = (struct sip_slice){"other", 5};
		set_have(&d, a.have);
		registrar_decide(&r, &TENANT, NOW_MS, &d);
		unit_int(u, d.kind[0], i == 0 ? CHANGE_REFRESH : CHANGE_REWRITE,
			"the wide row only when it changes");
	}
}

/* Only the verdict of a retransmission counts: that of its first time. */
static void check_repeat(struct unit *u)
{
	static const struct {
		const char *headers;
		int cseq;
		enum verdict verdict;
	} CASES[] = {
		{"m: <sip:1@a>\r\n", 5, VERDICT_OK},
		{"m: <sip:1@a>\r\n", 4, VERDICT_OUT_OF_ORDER},
		{"m: <sip:1@c>\r\n", 5, VERDICT_OK},
		{"m: <sip:1@a>;expires=0\r\n", 5, VERDICT_OK},
		{"m: *\r\nExpires: 0\r\n", 9, VERDICT_OK},
		{"m: *\r\nExpires: 0\r\n", 5, VERDICT_OUT_OF_ORDER},
		{"m: <sip:1@a>;expires=1\r\n", 5, VERDICT_TOO_BRIEF},
	};
	static struct decision d;
	static char text[2048];
	struct asked a = {"", A_B, "old", 5, NULL, NULL};
	struct registration r;
	const char *why;

	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		a.headers = CASES[i].headers;
		a.cseq = CASES[i].cseq;
		read_request(&a, text, sizeof text, &r, &why);
		r.is_repeat = true;
		set_have(&d, a.have);
		unit_int(u, registrar_decide(&r, &TENANT, NOW_MS, &d),
			CASES[i].verdict, "a retransmission");
	}
}

/* Other tenants: their own times, as many contacts as there can be. */
static void check_tenants(struct unit *u)
{
	static struct decision d;
	const struct sp_tenant quick = {.timeout_ms = 5000,
		.min_ms = 0,
		.max_contacts = 1};
	const struct sp_tenant large = {.timeout_ms = 7200000,
		.min_ms = 60000,
		.max_contacts = SP_MAX_BINDINGS};
	struct asked a = {"", A_B, "new", 1, "m: <sip:1@c>;expires=1\r\n",
		NULL};

	unit_str(u, decide(&a, &quick, &d), "!sip:1@a !sip:1@b +sip:1@c/1",
		"one contact, any time");
	unit_str(u, decide(&a, &large, &d), "Interval Too Brief",
		"at least a minute");
	a.headers = "m: <sip:1@c>;expires=9999\r\n";
	unit_str(u, decide(&a, &large, &d),
		" sip:1@a/20  sip:1@b/10 +sip:1@c/7200", "at most two hours");
}

static void check_many(struct unit *u)
{
	static struct decision d;
	static char text[16384], headers[4096];
	const struct sp_tenant large = {.timeout_ms = 30000,
		.max_contacts = SP_MAX_BINDINGS};
	struct sip_writer w = {headers, sizeof headers, 0, false};
	const struct asked a = {"", {{0}}, "new", 1, headers, NULL};
	struct registration r;
	const char *why;
	int removed = 0;

	for (int i = 0; i < SIP_MAX_CONTACTS; i++)
		sipmsg_put(&w, "m: <sip:new%d@a>\r\n", i);
	read_request(&a, text, sizeof text, &r, &why);
	set_have(&d, a.have);
	for (; d.n < SP_MAX_BINDINGS; d.n++) {
		d.kind[d.n] = CHANGE_NONE;
		d.binding[d.n] = (struct sp_binding){.id = 1 + d.n,
			.refreshed_ms = NOW_MS - d.n};
		snprintf(d.binding[d.n].contact, SP_CONTACT_SIZE, "sip:old%d@a",
			d.n);
	}
	unit_int(u, registrar_decide(&r, &large, NOW_MS, &d), VERDICT_OK,
		"the most contacts at once");
	unit_int(u, d.n, SP_MAX_BINDINGS + SIP_MAX_CONTACTS, "  all are there");
	for (int i = 0; i < d.n; i++)
		removed += d.kind[i] == CHANGE_EVICT &&
			   i >= SP_MAX_BINDINGS - SIP_MAX_CONTACTS;
	unit_int(u, removed, SIP_MAX_CONTACTS, "  the oldest went");
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	RUN(&u, PLAIN);
	RUN(&u, REMOVALS);
	RUN(&u, GRANTS);
	RUN(&u, CROWDS);
	RUN(&u, TWICE);
	RUN(&u, INSTANCES);
	check_proxied(&u);
	check_params(&u);
	check_instance_size(&u, SP_INSTANCE_SIZE - 1, VERDICT_OK);
	check_instance_size(&u, SP_INSTANCE_SIZE, VERDICT_MALFORMED);
	check_path(&u);
	check_read(&u);
	check_contacts(&u, SP_CONTACT_SIZE - 1, 1, VERDICT_OK);
	check_contacts(&u, SP_CONTACT_SIZE, 1, VERDICT_MALFORMED);
	check_contacts(&u, 20, SIP_MAX_CONTACTS, VERDICT_OK);
	check_contacts(&u, 20, SIP_MAX_CONTACTS + 1, VERDICT_MALFORMED);
	check_facts(&u);
	check_wide(&u);
	check_repeat(&u);
	check_tenants(&u);
	check_many(&u);
	return unit_done(&u);
}
