/* cmd/sp-register/sipmsg, what stands on libosip2: URIs, addresses, contacts,
 * Via, and the equality of URIs. */
#include "cmd/sp-register/sipmsg.h"

#include "tests/unit/unit.h"

static struct sip_slice slice(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

/* ---- URIs and addresses ------------------------------------------------ */

static const char *describe(bool ok, const struct sip_uri *uri)
{
	static char text[512];

	if (!ok)
		return NULL;
	snprintf(text, sizeof text, "%s %s @ %s %d",
		uri->is_sips ? "sips" : "sip", uri->user, uri->host, uri->port);
	return text;
}

/* 159 bytes of a user, the most that we take. */
#define U159                                                               \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"4567890123456789012345678901234567890123456789012345678901234567" \
	"8901234567890123456789012345678"

static void check_uris(struct unit *u)
{
	static const struct {
		const char *text, *uri; /* NULL: refused */
	} cases[] = {
		{"sip:acme.example", "sip  @ acme.example 0"},
		{"sip:1001@acme.example", "sip 1001 @ acme.example 0"},
		{"SIPS:1001@ACME.test:5061", "sips 1001 @ ACME.test 5061"},
		{"sip:1001@192.0.2.1:5060;transport=udp",
			"sip 1001 @ 192.0.2.1 5060"},
		{"sip:1001@[2001:db8::10]", "sip 1001 @ 2001:db8::10 0"},
		{"sip:1001@[2001:db8::10]:5070;x",
			"sip 1001 @ 2001:db8::10 5070"},
		{"sip:[::1]", "sip  @ ::1 0"},
		{"sip:[::1]:1", "sip  @ ::1 1"},
		{"sip:1001:secret@acme.example", "sip 1001 @ acme.example 0"},
		{"sip:1001@acme.test:65535", "sip 1001 @ acme.test 65535"},
		{"sip:1001@acme.example?a=b", "sip 1001 @ acme.example 0"},
		{"sip:1001@acme.example;a=b?c=d", "sip 1001 @ acme.example 0"},
		{"sip:%31001@acme.example", "sip 1001 @ acme.example 0"},
		{"sip:a%40b@acme.example", "sip a@b @ acme.example 0"},
		{"sip:a;b=c@acme.example", "sip a;b=c @ acme.example 0"},
		{"sip:a?b@acme.example", "sip a?b @ acme.example 0"},
		{"sip:a/b@acme.example", "sip a/b @ acme.example 0"},
		{"sip:" U159 "@a", "sip " U159 " @ a 0"},
		{"sip:" U159 "0@a", NULL},
		{"", NULL},
		{"1001", NULL},
		{"1001@acme.example", NULL},
		{"sip", NULL},
		{"sip:", NULL},
		{"sip:@", NULL},
		{"sip:1001@", NULL},
		{"sip::@acme.example", NULL},
		{"sip:@acme.example", NULL},
		{"sipfoo:1001@acme.example", NULL},
		{"tel:+14155550123", NULL},
		{"http://acme.example", NULL},
		{"<sip:1001@acme.example>", NULL},
		{" sip:1001@acme.example", NULL},
		{"sip:1001@acme.example ", NULL},
		{"sip: 1001@acme.example", NULL},
		{"sip:10 01@acme.example", NULL},
		{"sip:1001@acme.example;a b", NULL},
		{"sip:1001@acme .example", NULL},
		{"sip:1001@@acme.example", NULL},
		{"sip:1001@acme.example@evil.example", NULL},
		{"sip:1001@acme.example:", NULL},
		{"sip:1001@acme.example:0", NULL},
		{"sip:1001@acme.example:65536", NULL},
		{"sip:1001@acme.example:5x", NULL},
		{"sip:1001@acme.example:-1", NULL},
		{"sip:1001@acme.example:4294972356", NULL},
		{"sip:1001@[::1", NULL},
		{"sip:1001@::1]", NULL},
		{"sip:1001@::1", NULL},
		{"sip:1001@[::1]x", NULL},
		{"sip:1001@[::1]5060", NULL},
		{"sip:1001@[]", NULL},
		{"sip:1001@[acme.example]", NULL},
		{"sip:1001@[192.0.2.1]", NULL},
		{"sip:1001@-acme.example", NULL},
		{"sip:1001@acme_.example", NULL},
		{"sip:1001@acme%2eexample", NULL},
		{"sip:1001%00@acme.example", NULL},
		{"sip:1001%00x@acme.example", NULL},
		{"sip:1001@acme.example;a=%00", NULL},
		{"sip:1001%zz@acme.example", NULL},
		{"sip:1001%4@acme.example", NULL},
		{"sip:1001%", NULL},
		{"sip:1001\r\n@acme.example", NULL},
		{"sip:1001\x01@acme.example", NULL},
		{"sip:10<01@acme.example", NULL},
		{"sip:10>01@acme.example", NULL},
		{"sip:1001@acme.example;a=>", NULL},
		{"sip:10\"01@acme.example", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sip_uri uri;
		bool ok = sipmsg_parse_uri(slice(cases[i].text), &uri);

		unit_str(u, describe(ok, &uri), cases[i].uri, cases[i].text);
	}
}

static void check_addresses(struct unit *u)
{
	static const struct {
		const char *text, *uri; /* NULL: refused */
	} cases[] = {
		{"<sip:1001@acme.example>", "sip 1001 @ acme.example 0"},
		{"sip:1001@acme.example", "sip 1001 @ acme.example 0"},
		{"sip:1001@acme.example;tag=1", "sip 1001 @ acme.example 0"},
		{"<sip:1001@acme.example>;tag=1", "sip 1001 @ acme.example 0"},
		{"<sip:a>", "sip  @ a 0"},
		{"\"B J\" <sip:1001@a:07>;x=\"y z\"", "sip 1001 @ a 7"},
		{"\"B J\"x <sip:1001@a>", NULL},
		{"\"B J <sip:1001@a>", NULL},
		{"<sip:1001@a>;a;b;c;d;e;f;g;h;i", "sip 1001 @ a 0"},
		{"<sip:1001@-a>", NULL},
		{"<sip:1001@a>  ; tag=1", "sip 1001 @ a 0"},
		{"<sip:1001@acme.example;a=b>;tag=1",
			"sip 1001 @ acme.example 0"},
		{"Alice <sips:1001@[::1]:5061>", "sips 1001 @ ::1 5061"},
		{"Alice Smith <sip:1001@a>", "sip 1001 @ a 0"},
		{"\"Smith, Alice\" <sip:1001@a>;tag=1", "sip 1001 @ a 0"},
		{"\"Al \\\"x\\\" <sip:9@b>\" <sip:1001@a>", "sip 1001 @ a 0"},
		{"\"Zo\xc3\xab\" <sip:1001@a>", "sip 1001 @ a 0"},
		{"\"\" <sip:1001@a>", "sip 1001 @ a 0"},
		{"caller<sip:1001@a>", "sip 1001 @ a 0"},
		{"sip:1001@a ;   tag    = 1918181833n", "sip 1001 @ a 0"},
		{"", NULL},
		{"Alice", NULL},
		{"<>", NULL},
		{"<1001@a>", NULL},
		{"<tel:+14155550123>", NULL},
		{"<sipfoo:1001@a>", NULL},
		{"<sip:>", NULL},
		{"<sip:1001@>", NULL},
		{"<sip:1001@a", NULL},
		{"<sip:1001@a>x", NULL},
		{"<sip:1001@a>sip:1002@a", NULL},
		{"sip:1001@a>", NULL},
		{"\"Alice <sip:1001@a>", NULL},
		{"<sip:1001@@a>", NULL},
		{"<sip:1001@a:5x>", NULL},
		{"<sip:1001%00@a>", NULL},
		{"*", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sip_uri uri;
		bool ok = sipmsg_parse_address(slice(cases[i].text), &uri);

		unit_str(u, describe(ok, &uri), cases[i].uri, cases[i].text);
	}
}

/* ---- equality: RFC 3261 §19.1.4 ---------------------------------------- */

struct pair {
	const char *a, *b;
};

/* The RFC's examples first, then our own. */
static const struct pair EQUAL[] = {
	{"sip:%61lice@atlanta.com;transport=TCP",
		"sip:alice@AtlanTa.CoM;Transport=tcp"},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
	{"sip:carol@chicago.com;newparam=5",
		"sip:carol@chicago.com;security=on"},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;security=off"},
	{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		"sip:biloxi.com;method=REGISTER;transport=tcp"
		"?to=sip:bob%40biloxi.com"},
	{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		"sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
	{"sip:a@b", "sip:a@b"},
	{"SIP:a@b", "sip:a@b"},
	{"sip:a@b;lr", "sip:a@b;LR"},
	{"sip:a@b;x=Y", "sip:a@b;x=y"},
	{"sip:a@b;x", "sip:a@b;y=1;z"},
	{"sip:a@[2001:DB8::1]:5060", "sip:a@[2001:db8::1]:5060"},
	{"sip:%41%6c%69@b", "sip:Ali@b"},
	{"sip:a%3bb@c", "sip:a%3Bb@c"},
	{"sip:a%20b@c", "sip:a%20b@c"},
	{"sip:a@b;x=%61", "sip:a@b;x=a"},
	{"sip:a:%70w@b", "sip:a:pw@b"},
	/* Not allowed, but a phone's refresh is to find what it registered. */
	{"sip:a@b;x=1;x=2", "sip:a@b;x=1;x=2"},
	{"sip:a@b?x=1&x=2", "sip:a@b?x=1&x=2"},
};

static const struct pair DIFFERENT[] = {
	{"SIP:ALICE@AtlanTa.CoM;Transport=udp",
		"sip:alice@AtlanTa.CoM;Transport=UDP"},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
	{"sip:carol@chicago.com",
		"sip:carol@chicago.com?Subject=next%20meeting"},
	{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
	/* Equality is not transitive. */
	{"sip:carol@chicago.com;security=on",
		"sip:carol@chicago.com;security=off"},
	{"sip:a@b", "sips:a@b"},
	{"sip:a@b", "sip:b"},
	{"sip:a@b", "sip:c@b"},
	{"sip:a@b", "sip:a@c"},
	{"sip:a@b", "sip:a:pw@b"},
	{"sip:a:pw@b", "sip:a:PW@b"},
	{"sip:a@b:5060", "sip:a@b:5061"},
	{"sip:a@b;user=phone", "sip:a@b"},
	{"sip:a@b;ttl=1", "sip:a@b"},
	{"sip:a@b;method=INVITE", "sip:a@b"},
	{"sip:a@b;maddr=192.0.2.1", "sip:a@b"},
	{"sip:a@b;Maddr=192.0.2.1", "sip:a@b"},
	{"sip:a@b;transport=tcp", "sip:a@b;transport=udp"},
	{"sip:a@b;x", "sip:a@b;x=1"},
	{"sip:a@b?x=1", "sip:a@b?x=2"},
	{"sip:a@b?x=1", "sip:a@b?y=1"},
	{"sip:a@b?x=1", "sip:a@b?x=1&y=1"},
	{"sip:a@b;x=1;x=2", "sip:a@b;x=1"},
	{"sip:a@b?x=1&x=1", "sip:a@b?x=1&x=2"},
	/* "Characters other than those in the reserved set are equal to their
	 * %HH encoding": these are in it. */
	{"sip:a%3Bb@c", "sip:a;b@c"},
	{"sip:a%2Fb@c", "sip:a/b@c"},
	{"sip:a%26b@c", "sip:a&b@c"},
	{"sip:a@b;x=%2F", "sip:a@b;x=/"},
	{"sip:a%2541@c", "sip:a%41@c"},
	/* What is no URI equals nothing, itself included. */
	{"", ""},
	{"tel:1", "tel:1"},
	{"sip:a@@b", "sip:a@@b"},
	{"sip:a%00@b", "sip:a%00@b"},
	{"sip:a%zz@b", "sip:a%zz@b"},
	{"sip:a@acme%2eexample", "sip:a@acme.example"},
	{"sip:a@b", "x"},
	{"*", "*"},
};

static void check_equality(struct unit *u)
{
	for (size_t i = 0; i < sizeof EQUAL / sizeof EQUAL[0]; i++) {
		const char *a = EQUAL[i].a, *b = EQUAL[i].b;

		unit_ok(u, sipmsg_uri_equal(a, b), "%s equals %s", a, b);
		unit_ok(u, sipmsg_uri_equal(b, a), "  and the other way");
	}
	for (size_t i = 0; i < sizeof DIFFERENT / sizeof DIFFERENT[0]; i++) {
		const char *a = DIFFERENT[i].a, *b = DIFFERENT[i].b;

		unit_ok(u, !sipmsg_uri_equal(a, b), "%s is not %s", a, b);
		unit_ok(u, !sipmsg_uri_equal(b, a), "  and the other way");
	}
}

/* ---- Contact ----------------------------------------------------------- */

/* A message with these fields of a header and nothing else. */
static void set_fields(struct sip_message *m, enum sip_header header,
	const char *const values[])
{
	memset(m, 0, sizeof *m);
	memset(m->first, -1, sizeof m->first);
	for (int i = 0; values[i] != NULL; i++) {
		m->field[m->n_fields++] = (struct sip_field){.header = header,
			.value = slice(values[i])};
		m->first[header] = 0;
		m->count[header]++;
	}
}

static const char *describe_contacts(const struct sip_contact *c, int n)
{
	static char text[1024];
	struct sip_writer w = {text, sizeof text - 1, 0, false};

	if (n < 0)
		return n == SIP_CONTACT_STAR ? "*" : "bad";
	for (int i = 0; i < n; i++) {
		sipmsg_put_text(&w, i == 0 ? "" : " ");
		sipmsg_put_slice(&w, c[i].uri);
		sipmsg_put(&w, "/%lld", (long long)c[i].expires_s);
		if (c[i].q >= 0)
			sipmsg_put(&w, " q %lld", (long long)c[i].q);
		if (c[i].reg_id != 0)
			sipmsg_put(&w, " id %lld", (long long)c[i].reg_id);
		if (c[i].instance.at != NULL) {
			sipmsg_put_text(&w, " of ");
			sipmsg_put_slice(&w, c[i].instance);
		}
	}
	text[w.len] = '\0';
	return text;
}

static void check_contacts(struct unit *u)
{
	static const struct {
		const char *const values[4];
		const char *contacts;
	} cases[] = {
		{{NULL}, ""},
		{{"<sip:a@b>"}, "sip:a@b/-1"},
		{{"sip:a@b"}, "sip:a@b/-1"},
		{{"<sip:a@b>;expires=30"}, "sip:a@b/30"},
		{{"<sip:a@b>;EXPIRES=30"}, "sip:a@b/30"},
		{{"<sip:a@b>;expires = 30"}, "sip:a@b/30"},
		{{"<sip:a@b>;q=0.5;expires=30;x"}, "sip:a@b/30 q 500"},
		{{"sip:a@b;expires=30"}, "sip:a@b/30"},
		{{"<sip:a@b;expires=9>"}, "sip:a@b;expires=9/-1"},
		{{"<sip:a@b;transport=udp>;expires=0"},
			"sip:a@b;transport=udp/0"},
		{{"<sip:a@b?Route=%3Csip:c%3E>"},
			"sip:a@b?Route=%3Csip:c%3E/-1"},
		{{"<sip:a@b>, <sip:c@d>;expires=1"}, "sip:a@b/-1 sip:c@d/1"},
		{{"<sip:a@b>", "sip:c@d, <sip:e@f>;expires=2"},
			"sip:a@b/-1 sip:c@d/-1 sip:e@f/2"},
		{{"\"Smith, A\" <sip:a@b>,Bob <sip:c@d>"},
			"sip:a@b/-1 sip:c@d/-1"},
		{{"\"<sip:x@y>\\\"\" <sip:a@b>;expires=3"}, "sip:a@b/3"},
		{{"<sip:a,b@c>;expires=3"}, "sip:a,b@c/3"},
		{{"<sip:a@b>;+sip.instance=\"<urn:uuid:0,1;2>\";expires=3"},
			"sip:a@b/3 of \"<urn:uuid:0,1;2>\""},
		/* q (RFC 3261 §25.1). */
		{{"<sip:a@b>;q=0"}, "sip:a@b/-1 q 0"},
		{{"<sip:a@b>;q=0."}, "sip:a@b/-1 q 0"},
		{{"<sip:a@b>;Q = 0.7"}, "sip:a@b/-1 q 700"},
		{{"<sip:a@b>;q=0.07"}, "sip:a@b/-1 q 70"},
		{{"<sip:a@b>;q=0.007"}, "sip:a@b/-1 q 7"},
		{{"<sip:a@b>;q=0.999"}, "sip:a@b/-1 q 999"},
		{{"sip:a@b;q=0.5"}, "sip:a@b/-1 q 500"},
		{{"<sip:a@b;q=9>"}, "sip:a@b;q=9/-1"},
		{{"<sip:a@b>;q=1"}, "sip:a@b/-1 q 1000"},
		{{"<sip:a@b>;q=1."}, "sip:a@b/-1 q 1000"},
		{{"<sip:a@b>;q=1.000"}, "sip:a@b/-1 q 1000"},
		{{"<sip:a@b>;q=1.001"}, "bad"},
		{{"<sip:a@b>;q=0.0001"}, "bad"},
		{{"<sip:a@b>;q=0.5x"}, "bad"},
		{{"<sip:a@b>;q=0.-5"}, "bad"},
		{{"<sip:a@b>;q=0.5.5"}, "bad"},
		{{"<sip:a@b>;q=.5"}, "bad"},
		{{"<sip:a@b>;q=00.5"}, "bad"},
		{{"<sip:a@b>;q=2"}, "bad"},
		{{"<sip:a@b>;q=-1"}, "bad"},
		{{"<sip:a@b>;q=\"0.5\""}, "bad"},
		{{"<sip:a@b>;q="}, "bad"},
		{{"<sip:a@b>;q"}, "bad"},
		{{"<sip:a@b>;q=0.5", "<sip:c@d>;q=5"}, "bad"},
		/* RFC 5626; what is malformed is as if it were not there. */
		{{"<sip:a@b>;reg-id=1;+sip.instance=\"<urn:x:y>\""},
			"sip:a@b/-1 id 1 of \"<urn:x:y>\""},
		{{"<sip:a@b>; Reg-ID = 2 ; +SIP.Instance = \"<urn:x:y>\""},
			"sip:a@b/-1 id 2 of \"<urn:x:y>\""},
		{{"<sip:a@b>;reg-id=2147483647"}, "sip:a@b/-1 id 2147483647"},
		{{"<sip:a@b>;reg-id=2147483648"}, "sip:a@b/-1"},
		{{"<sip:a@b>;reg-id=0"}, "sip:a@b/-1"},
		{{"<sip:a@b>;reg-id=-1"}, "sip:a@b/-1"},
		{{"<sip:a@b>;reg-id=one"}, "sip:a@b/-1"},
		{{"<sip:a@b>;reg-id=\"1\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;reg-id"}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"urn:x:y\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"<>\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"<a b>\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"<a\\\"b>\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"<\xc3\xab>\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"<a>"}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=\"\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance=x"}, "sip:a@b/-1"},
		{{"<sip:a@b>;+sip.instance"}, "sip:a@b/-1"},
		{{"\"A;q=5\" <sip:a;q=5@b>;expires=3"}, "sip:a;q=5@b/3"},
		{{"<sip:[::1]:5070>"}, "sip:[::1]:5070/-1"},
		{{"<sips:a@b>"}, "sips:a@b/-1"},
		/* Not a number: as if it were not there (§10.2.1.1). */
		{{"<sip:a@b>;expires=soon"}, "sip:a@b/-1"},
		{{"<sip:a@b>;expires=\"30\""}, "sip:a@b/-1"},
		{{"<sip:a@b>;expires=-1"}, "sip:a@b/-1"},
		{{"<sip:a@b>;expires=1.5"}, "sip:a@b/-1"},
		{{"<sip:a@b>;expires"}, "sip:a@b/-1"},
		{{"<sip:a@b>;expires=4294967295"}, "sip:a@b/4294967295"},
		{{"<sip:a@b>;expires=4294967296"}, "sip:a@b/-1"},
		{{"*"}, "*"},
		{{"*", "*"}, "bad"},
		{{"*", "<sip:a@b>"}, "bad"},
		{{"<sip:a@b>", "*"}, "bad"},
		{{"*, <sip:a@b>"}, "bad"},
		{{"<sip:a@b>, *"}, "bad"},
		{{"*;expires=0"}, "bad"},
		{{"<*>"}, "bad"},
		{{""}, "bad"},
		{{","}, "bad"},
		{{"<sip:a@b>,"}, "bad"},
		{{"<sip:a@b>,,<sip:c@d>"}, "bad"},
		{{"<sip:a@b>", ""}, "bad"},
		{{"a@b"}, "bad"},
		{{"<a@b>"}, "bad"},
		{{"<tel:+14155550123>"}, "bad"},
		{{"<sip:a@b"}, "bad"},
		{{"sip:a@b>"}, "bad"},
		{{"\"A <sip:a@b>"}, "bad"},
		{{"<sip:a@b>x"}, "bad"},
		{{"<sip:a@b>sip:c@d"}, "bad"},
		{{"<sip:a@b>sip:c@d;expires=1"}, "bad"},
		{{"<sip:a@b> <sip:c@d>"}, "bad"},
		{{"<<sip:a@b>>"}, "bad"},
		{{"<sip:a%00@b>"}, "bad"},
		{{"<sip:a@b:5x>"}, "bad"},
		{{"<sip:a b@c>"}, "bad"},
	};
	struct sip_contact contacts[SIP_MAX_CONTACTS];
	struct sip_message m;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_fields(&m, SIP_CONTACT, cases[i].values);
		unit_str(u,
			describe_contacts(contacts,
				sipmsg_contacts(&m, contacts,
					SIP_MAX_CONTACTS)),
			cases[i].contacts,
			cases[i].values[0] == NULL ? "none"
						   : cases[i].values[0]);
	}
	set_fields(&m, SIP_CONTACT,
		(const char *const[]){"<sip:a@b>,<sip:a@b>", "<sip:a@b>",
			NULL});
	unit_int(u, sipmsg_contacts(&m, contacts, 3), 3, "as many as fit");
	unit_int(u, sipmsg_contacts(&m, contacts, 2), SIP_CONTACT_BAD,
		"one too many");
}

/* ---- Path, RFC 3327 ---------------------------------------------------- */

static void check_paths(struct unit *u)
{
	static const struct {
		const char *const values[4];
		const char *path; /* NULL: refused; +: with ob */
	} cases[] = {
		{{NULL}, ""},
		{{"<sip:p.a;lr>"}, "<sip:p.a;lr>"},
		{{"<sip:p.a;lr>,<sip:q.a;lr>"}, "<sip:p.a;lr>,<sip:q.a;lr>"},
		{{"<sip:p.a;lr>  ,\t<sip:q.a>",
			 "<sips:[::1]:5061;lr>;x=\"y,z\""},
			"<sip:p.a;lr>,<sip:q.a>,<sips:[::1]:5061;lr>;x=\"y,"
			"z\""},
		{{"P <sip:p.a>"}, "P <sip:p.a>"},
		{{"<sip:p.a;lr;ob>"}, "+<sip:p.a;lr;ob>"},
		{{"<sip:p.a;OB>"}, "+<sip:p.a;OB>"},
		{{"<sip:q.a>", "<sip:t@p.a;ob;lr>"},
			"+<sip:q.a>,<sip:t@p.a;ob;lr>"},
		{{"<sip:p.a>;ob"}, "<sip:p.a>;ob"},
		{{"<sip:ob>"}, "<sip:ob>"},
		{{"<sip:a;ob;b@p.a>"}, "<sip:a;ob;b@p.a>"},
		{{"<sip:p.a;obx;x=ob>"}, "<sip:p.a;obx;x=ob>"},
		{{""}, NULL},
		{{"<sip:p.a>,"}, NULL},
		{{"<sip:p.a>", ""}, NULL},
		{{"sip:p.a;lr"}, NULL},
		{{"<sip:p.a"}, NULL},
		{{"<sip:p.a>x"}, NULL},
		{{"<tel:1>"}, NULL},
		{{"<sip:p.a%00>"}, NULL},
		{{"<sip:p.a:x>"}, NULL},
		{{"*"}, NULL},
	};
	char path[64] = "+";

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sip_message m;
		bool has_ob, ok;

		set_fields(&m, SIP_PATH, cases[i].values);
		ok = sipmsg_path(&m, path + 1, sizeof path - 1, &has_ob);
		unit_str(u, ok ? path + !has_ob : NULL, cases[i].path,
			cases[i].values[0] == NULL ? "none"
						   : cases[i].values[0]);
		if (!ok)
			continue;
		ok = sipmsg_path(&m, path + 1, strlen(path + 1) + 1, &has_ob);
		unit_ok(u, ok, "  fits");
		if (path[1] != '\0')
			unit_ok(u,
				!sipmsg_path(&m, path + 1, strlen(path + 1),
					&has_ob),
				"  but not into a byte less");
	}
}

/* ---- Via --------------------------------------------------------------- */

static void check_vias(struct unit *u)
{
	static const struct {
		const char *value, *via; /* NULL: refused */
	} cases[] = {
		{"SIP/2.0/UDP 192.0.2.1", "192.0.2.1 5060"},
		{"SIP/2.0/UDP 192.0.2.1:5070", "192.0.2.1 5070"},
		{"SIP/2.0/UDP a.example;branch=z9hG4bK1",
			"a.example 5060 branch z9hG4bK1"},
		{"SIP/2.0/UDP a;rport;branch=z9hG4bK1",
			"a 5060 rport branch z9hG4bK1"},
		{"SIP/2.0/UDP a;branch=z9hG4bK1;rport=5062",
			"a 5060 rport branch z9hG4bK1"},
		{"SIP/2.0/UDP a;RPORT;BRANCH=z9hG4bK1",
			"a 5060 rport branch z9hG4bK1"},
		{"SIP/2.0/UDP a;rport=", "a 5060 rport"},
		{"SIP/2.0/UDP a;rporty;xbranch=1", "a 5060"},
		{"SIP/2.0/UDP [2001:db8::9:1]", "2001:db8::9:1 5060"},
		{"SIP/2.0/UDP [2001:db8::9:1]:5070;rport",
			"2001:db8::9:1 5070 rport"},
		{"SIP/2.0/UDP a;maddr=224.0.1.75;ttl=1", "a 5060"},
		{"SIP/2.0/UDP a;received=192.0.2.9;rport=9", "a 5060 rport"},
		{"SIP/2.0/TLS a;alias", "a 5060"},
		{"SIP/2.0/UNKNOWN a", "a 5060"},
		{"SIP / 2.0 / UDP a:5070 ; branch = z9hG4bK1 ; rport",
			"a 5070 rport branch z9hG4bK1"},
		{"SIP / 2.0   /UDP     192.0.2.2;branch=390skdjuw",
			"192.0.2.2 5060 branch 390skdjuw"},
		{"SIP/2.0/UDP a;branch=\"x;rport\"",
			"a 5060 branch \"x;rport\""},
		{"SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;rport",
			"a 5060 branch 1"},
		{"SIP/2.0/UDP 4f3ab2c1d0e9:5060", "4f3ab2c1d0e9 5060"},
		/* Harmless: answers go to where the datagram came from. */
		{"SIP/2.0/UDP [::1]x", "::1 5060"},
		{"", NULL},
		{"SIP/2.0", NULL},
		{"SIP/2.0/UDP", NULL},
		{"SIP/2.0/UDP ", NULL},
		{"UDP a", NULL},
		{"SIP/2.0/UDP a b", NULL},
		{"SIP/2.0/UDP :5060", NULL},
		{"SIP/2.0/UDP a:", NULL},
		{"SIP/2.0/UDP a:0", NULL},
		{"SIP/2.0/UDP a:65536", NULL},
		{"SIP/2.0/UDP a:5x", NULL},
		{"SIP/2.0/UDP a_b", NULL},
		{"SIP/2.0/UDP [::1", NULL},
		{"SIP/2.0/UDP ::1", NULL},
		{"SIP/2.0/UDP a\x01", NULL},
		{", SIP/2.0/UDP a", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sip_message m = {.n_fields = 1};
		struct sip_via via;
		char text[512];
		struct sip_writer w = {text, sizeof text - 1, 0, false};
		bool ok;

		memset(m.first, -1, sizeof m.first);
		m.first[SIP_VIA] = 0;
		m.field[0] = (struct sip_field){.header = SIP_VIA,
			.value = slice(cases[i].value)};
		ok = sipmsg_parse_via(&m, &via);
		if (ok) {
			sipmsg_put(&w, "%s %d%s%s", via.host, via.port,
				via.has_rport ? " rport" : "",
				via.branch.at == NULL ? "" : " branch ");
			sipmsg_put_slice(&w, via.branch);
		}
		text[w.len] = '\0';
		unit_str(u, ok ? text : NULL, cases[i].via, cases[i].value);
	}
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_uris(&u);
	check_addresses(&u);
	check_equality(&u);
	check_contacts(&u);
	check_paths(&u);
	check_vias(&u);
	return unit_done(&u);
}
