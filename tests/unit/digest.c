/* cmd/sp-register/digest: credentials taken apart, and their responses. */
#include "cmd/sp-register/digest.h"

#include "lib/secret.h"
#include "tests/unit/unit.h"

static struct sip_slice slice(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

/* ---- parameters -------------------------------------------------------- */

/* "username=1001 realm=a", of what there is, in the order of the struct. */
static const char *describe(const struct digest *d)
{
	const struct {
		const char *name;
		struct sip_slice value;
	} params[] = {
		{"username", d->username},
		{"realm", d->realm},
		{"nonce", d->nonce},
		{"uri", d->uri},
		{"response", d->response},
		{"algorithm", d->algorithm},
		{"cnonce", d->cnonce},
		{"opaque", d->opaque},
		{"qop", d->qop},
		{"nc", d->nc},
		{"stale", d->stale},
	};
	static char text[512];
	struct sip_writer w = {text, sizeof text - 1, 0, false};

	for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
		if (params[i].value.at == NULL)
			continue;
		sipmsg_put(&w, "%s%s=", w.len == 0 ? "" : " ", params[i].name);
		sipmsg_put_slice(&w, params[i].value);
	}
	text[w.len] = '\0';
	return text;
}

static void check_parsed(struct unit *u)
{
	static const struct {
		const char *value, *params;
	} cases[] = {
		{"Digest realm=\"a\"", "realm=a"},
		{"digest realm=\"a\"", "realm=a"},
		{"DIGEST\trealm=\"a\"", "realm=a"},
		{"Digest   realm=\"a\"", "realm=a"},
		{"Digest realm=a", "realm=a"},
		{"Digest REALM=\"a\"", "realm=a"},
		{"Digest realm=\"\"", "realm="},
		{"Digest realm=", "realm="},
		{"Digest realm = \"a\"", "realm=a"},
		{"Digest realm\t=\t\"a\" , nonce = \"b\" ", "realm=a nonce=b"},
		{"Digest nonce=\"b\",realm=\"a\"", "realm=a nonce=b"},
		{"Digest realm=\"a\",,nonce=\"b\"", "realm=a nonce=b"},
		{"Digest ,realm=\"a\",", "realm=a"},
		{"Digest realm=\"a, b\", nonce=\"c\"", "realm=a, b nonce=c"},
		{"Digest realm=\"a=b\", nonce=\"c==\"", "realm=a=b nonce=c=="},
		{"Digest nonce=c==", "nonce=c=="},
		{"Digest realm=\"a<b\", nonce=\"c\"", "realm=a<b nonce=c"},
		{"Digest realm=\" a \"", "realm= a "},
		{"Digest uri=\"sip:a;b=c,d?e=f&g=h\"",
			"uri=sip:a;b=c,d?e=f&g=h"},
		{"Digest x=1, realm=\"a\", y=\"2\", x=3", "realm=a"},
		{"Digest userhash=false, username*=UTF-8''x, charset=UTF-8, "
		 "auth-param=\"a,b\", realm=\"a\"",
			"realm=a"},
		{"Digest opaque=\"\", realm=\"a\"", "realm=a opaque="},
		/* What a phone sends, and what we challenge it with. */
		{"Digest username=\"1001\", realm=\"acme.example\", "
		 "nonce=\"0a\", uri=\"sip:acme.example\", response=\"ff\", "
		 "algorithm=MD5, cnonce=\"c0\", qop=auth, nc=00000001",
			"username=1001 realm=acme.example nonce=0a "
			"uri=sip:acme.example response=ff algorithm=MD5 "
			"cnonce=c0 qop=auth nc=00000001"},
		{"Digest realm=\"acme.example\", nonce=\"0a\", algorithm=MD5, "
		 "qop=\"auth,auth-int\", stale=true",
			"realm=acme.example nonce=0a algorithm=MD5 "
			"qop=auth,auth-int stale=true"},
		/* Its form is looked at where it is used. */
		{"Digest nc=1", "nc=1"},
		{"Digest nc=\"00000001\"", "nc=00000001"},
		{"Digest nc=0000000g", "nc=0000000g"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct digest d;

		unit_ok(u, digest_parse(slice(cases[i].value), &d), "%s",
			cases[i].value);
		unit_str(u, describe(&d), cases[i].params, "  is");
	}
}

static void check_malformed(struct unit *u)
{
	static const char *const CASES[] = {
		"",
		"Digest",
		"Digest ",
		"Digestive a=b",
		"Basic YTpi",
		"Bearer x=y",
		"Digest realm",
		"Digest realm=\"a",
		"Digest realm=a\"",
		"Digest realm=\"a\"b",
		"Digest realm=\"",
		"Digest realm=a\"b\"",
		"Digest realm=\"a\" nonce=\"b\"",
		"Digest realm=\"a\" \"b\"",
		"Digest realm='a\"",
		"Digest realm=\"a\\\"b\"",
		"Digest realm=\"a\\\\b\"",
		"Digest realm=\"a\", realm=\"a\"",
		"Digest realm=\"a\", Realm=\"b\"",
		"Digest realm=, realm=",
		"Digest realm=\"a\", nonce",
		"Digest x",
		"Digest x=\"a",
		"Digest =\"a\"",
		"Digest realm=\"a\", =b",
		"Digest realm=a b",
		"Digest nc=0000 0001",
	};
	char value[DIGEST_MAX_VALUE + 32] = "Digest realm=\"";
	size_t start = strlen(value);
	struct digest d;

	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
		unit_ok(u, !digest_parse(slice(CASES[i]), &d), "'%s'",
			CASES[i]);
	unit_ok(u, !digest_is_scheme(slice("Basic YTpi")), "another scheme");
	unit_ok(u, digest_is_scheme(slice("Digest realm=\"a")),
		"the scheme of what is malformed");
	/* With its quotes a value has up to 1024 bytes. */
	memset(value + start, 'a', DIGEST_MAX_VALUE - 2);
	strcpy(value + start + DIGEST_MAX_VALUE - 2, "\"");
	unit_ok(u, digest_parse(slice(value), &d), "a long value");
	unit_int(u, (int64_t)d.realm.len, DIGEST_MAX_VALUE - 2, "  whole");
	strcpy(value + start + DIGEST_MAX_VALUE - 2, "a\"");
	unit_ok(u, !digest_parse(slice(value), &d), "one byte more");
}

static void check_algorithms(struct unit *u)
{
	static const struct {
		const char *value;
		bool known;
		enum sp_hash_kind kind;
	} cases[] = {
		{"Digest realm=\"a\"", true, SP_MD5},
		{"Digest algorithm=MD5", true, SP_MD5},
		{"Digest algorithm=md5", true, SP_MD5},
		{"Digest algorithm=\"MD5\"", true, SP_MD5},
		{"Digest algorithm=SHA-256", true, SP_SHA256},
		{"Digest algorithm=sha-256", true, SP_SHA256},
		{"Digest algorithm=", false, SP_SHA256},
		{"Digest algorithm=MD5-sess", false, SP_SHA256},
		{"Digest algorithm=SHA-256-sess", false, SP_SHA256},
		{"Digest algorithm=SHA-512-256", false, SP_SHA256},
		{"Digest algorithm=SHA256", false, SP_SHA256},
		{"Digest algorithm=AKAv1-MD5", false, SP_SHA256},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct digest d;

		unit_ok(u, digest_parse(slice(cases[i].value), &d), "%s",
			cases[i].value);
		unit_int(u, d.known_algorithm, cases[i].known, "  known");
		if (cases[i].known)
			unit_int(u, d.kind, cases[i].kind, "  which");
	}
}

/* ---- responses --------------------------------------------------------- */

struct answer {
	const char *username, *realm, *secret, *method, *credentials;
	const char *response;
};

/* RFC 2617 §3.5, also without qop as in RFC 2069. */
#define RFC_2617                                                     \
	"Digest username=\"Mufasa\", realm=\"testrealm@host.com\", " \
	"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "             \
	"uri=\"/dir/index.html\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
#define RFC_2617_QOP RFC_2617 ", qop=auth, nc=00000001, cnonce=\"0a4f113b\""

/* RFC 7616 §3.9.1. */
#define RFC_7616                                                              \
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "       \
	"uri=\"/dir/index.html\", "                                           \
	"nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "            \
	"nc=00000001, "                                                       \
	"cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, " \
	"opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", "           \
	"algorithm="

/* As in RFC 8760: a REGISTER. */
#define OURS                                                             \
	"Digest username=\"1001\", realm=\"acme.example\", "             \
	"nonce=\"0001890a5d1c0000deadbeef\", uri=\"sip:acme.example\", " \
	"qop=auth, nc=0000000a, cnonce=\"c0ffee\", algorithm="

static const struct answer ANSWERS[] = {
	{"Mufasa", "testrealm@host.com", "Circle Of Life", "GET", RFC_2617_QOP,
		"6629fae49393a05397450978507c4ef1"},
	{"Mufasa", "testrealm@host.com", "Circle Of Life", "GET", RFC_2617,
		"670fd8c2df070c60b045671b8b24ff02"},
	{"Mufasa", "http-auth@example.org", "Circle of Life", "GET",
		RFC_7616 "MD5", "8ca523f5e9506fed4657c9700eebdbec"},
	{"Mufasa", "http-auth@example.org", "Circle of Life", "GET",
		RFC_7616 "SHA-256",
		"753927fa0e85d155564e2e272a28d1802ca10daf4"
		"496794697cf8db5856cb6c1"},
	{"1001", "acme.example", "0123456789abcdefghjkmnpqrs", "REGISTER",
		OURS "MD5", "3a95dd6b10ffc7b93e22254465cbc815"},
	{"1001", "acme.example", "0123456789abcdefghjkmnpqrs", "REGISTER",
		OURS "SHA-256",
		"b0b95be895b1f73c1daebc9f0487719f092dd4536174"
		"168de3ea3449114d4acd"},
};

static void check_responses(struct unit *u, struct sp_hash *hash)
{
	for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
		const struct answer *a = &ANSWERS[i];
		unsigned char ha1[SP_HASH_SIZE];
		char response[DIGEST_RESPONSE_SIZE] = "";
		struct digest d;

		unit_ok(u, digest_parse(slice(a->credentials), &d), "%s",
			a->credentials);
		sp_secret_digest(hash, d.kind, a->username, a->realm, a->secret,
			ha1);
		unit_int(u,
			digest_response(hash, &d, ha1, slice(a->method),
				response),
			0, "  is answered");
		unit_str(u, response, a->response, "  with");
	}
}

static void check_too_long(struct unit *u, struct sp_hash *hash)
{
	static char text[4 * DIGEST_MAX_VALUE];
	const struct sip_slice all = {text, sizeof text};
	const struct sip_slice one = {text, DIGEST_MAX_VALUE};
	static const unsigned char HA1[SP_HASH_SIZE];
	char response[DIGEST_RESPONSE_SIZE];
	struct digest d = {.nonce = one, .uri = one, .cnonce = one, .nc = one};

	memset(text, 'a', sizeof text);
	unit_int(u, digest_response(hash, &d, HA1, slice("GET"), response), 0,
		"long values without qop");
	d.qop = one;
	unit_int(u, digest_response(hash, &d, HA1, slice("GET"), response), -1,
		"too long in all");
	d.qop.at = NULL;
	d.uri = all;
	unit_int(u, digest_response(hash, &d, HA1, slice("GET"), response), -1,
		"too long a URI");
}

int main(void)
{
	struct unit u = {0};
	struct sp_err err = {.msg = ""};
	struct sp_hash *hash = NULL;

	check_parsed(&u);
	check_malformed(&u);
	check_algorithms(&u);
	if (!unit_ok(&u, sp_hash_new(&hash, &err) == 0, "sp_hash_new"))
		return unit_done(&u);
	check_responses(&u, hash);
	check_too_long(&u, hash);
	sp_hash_free(hash);
	return unit_done(&u);
}
