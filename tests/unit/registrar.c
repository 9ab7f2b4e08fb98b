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
		struct sp_binding *b = &d->entry[d->n].binding;

		d->entry[d->n].kind = CHANGE_NONE;
		*b = (struct sp_binding){.id = 100 + d->n,
			.cseq = h->cseq,
			.call_id = "old",
			.source = "192.0.2.1:5060",
			.transport = "udp",
			.user_agent = "phone",
			.refreshed_ms = NOW_MS - h->age_s * 1000,
			.expires_ms = NOW_MS + (30 - h->age_s) * 1000,
			.interval_ms = 14000};
		snprintf(b->contact, sizeof b->contact, "%s", h->contact);
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
		const struct sp_binding *b = &d->entry[i].binding;

		if (d->entry[i].kind == CHANGE_REMOVE && b->id == 0)
			continue; /* came and went: nothing is done */
		sipmsg_put(&w, "%s%c%s", w.len == 0 ? "" : " ",
			SIGNS[d->entry[i].kind], b->contact);
		if (d->entry[i].kind != CHANGE_REMOVE &&
			d->entry[i].kind != CHANGE_EVICT)
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

#define A_B                              \
	{                                \
		{"sip:1@a", 5, 10},      \
		{                        \
			"sip:1@b", 9, 20 \
		}                        \
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
		{{"sip:1@a", 5, 10}, {"sip:1@a;x", 5, 10}}, "old", 6,
		"Contact: <sip:1@a;x>\r\n", " sip:1@a/20 =sip:1@a;x/30"},
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

#define THREE                                          \
	{                                              \
		{"sip:1@a", 1, 5}, {"sip:2@a", 1, 15}, \
		{                                      \
			"sip:3@a", 1, 25               \
		}                                      \
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
		{{"sip:1@a", 1, 5}, {"sip:2@a", 1, 5}, {"sip:3@a", 1, 5}},
		"new", 1, "m: <sip:4@a>\r\n",
		" sip:1@a/25  sip:2@a/25 !sip:3@a +sip:4@a/30"},
	/* max-contacts was higher once. */
	{"a query of too many",
		{{"sip:1@a", 1, 1}, {"sip:2@a", 1, 2}, {"sip:3@a", 1, 3},
			{"sip:4@a", 1, 4}},
		"old", 2, "",
		" sip:1@a/29  sip:2@a/28  sip:3@a/27  sip:4@a/26"},
	{"a refresh of too many",
		{{"sip:1@a", 1, 1}, {"sip:2@a", 1, 2}, {"sip:3@a", 1, 3},
			{"sip:4@a", 1, 4}},
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
	const struct sp_binding *b = &d.entry[0].binding;

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
		unit_int(u, d.entry[0].kind,
			i == 0 ? CHANGE_REFRESH : CHANGE_REWRITE,
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
		d.entry[d.n].kind = CHANGE_NONE;
		d.entry[d.n].binding = (struct sp_binding){.id = 1 + d.n,
			.refreshed_ms = NOW_MS - d.n};
		snprintf(d.entry[d.n].binding.contact, SP_CONTACT_SIZE,
			"sip:old%d@a", d.n);
	}
	unit_int(u, registrar_decide(&r, &large, NOW_MS, &d), VERDICT_OK,
		"the most contacts at once");
	unit_int(u, d.n, SP_MAX_BINDINGS + SIP_MAX_CONTACTS, "  all are there");
	for (int i = 0; i < d.n; i++)
		removed += d.entry[i].kind == CHANGE_EVICT &&
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
