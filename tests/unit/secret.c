/* lib/secret: making secrets, digesting them, finding who has one. */
#include "lib/secret.h"

#include "tests/unit/world.h"

static const char LETTERS[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void check_generated(struct unit *u)
{
	char secret[SP_SECRET_SIZE], before[SP_SECRET_SIZE] = "";
	struct sp_err err = {.msg = ""};
	bool seen[sizeof LETTERS] = {false};
	int n = 0, sound = 0, letters = 0;

	for (; n < 200; n++) {
		if (sp_secret_generate(secret, &err) != 0)
			break;
		sound += strlen(secret) == SP_SECRET_LENGTH &&
			 strspn(secret, LETTERS) == SP_SECRET_LENGTH &&
			 strcmp(secret, before) != 0 &&
			 sp_secret_check(secret, &err) == 0;
		for (const char *p = secret; *p != '\0'; p++)
			seen[strcspn(LETTERS, (char[]){*p, '\0'})] = true;
		strcpy(before, secret);
	}
	for (size_t i = 0; i + 1 < sizeof LETTERS; i++)
		letters += seen[i];
	unit_int(u, sound, 200, "26 letters of the alphabet, others each time");
	/* 5,200 letters: none of 32 is missing but once in 10^70. */
	unit_int(u, letters, 32, "all letters occur");
	unit_ok(u, strpbrk(LETTERS, "ilou") == NULL, "none looks like another");
}

#define E128                                                                   \
	"01234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789012345678901234567890123456789012345678901234567"

static void check_checked(struct unit *u)
{
	static const struct {
		const char *secret, *error; /* NULL: it can be one */
	} cases[] = {
		{"12345678", NULL},
		{"a b\"c\\d:e", NULL},
		{"gr\xc3\xbc\xc3\x9f"
		 "e!",
			NULL},
		{E128, NULL},
		{"", "the secret has 0 bytes, expected 8 to 128"},
		{"1234567", "the secret has 7 bytes, expected 8 to 128"},
		{E128 "0", "the secret has 129 bytes, expected 8 to 128"},
		{"1234567\n", "the secret has a control character"},
		{"1234\t567", "the secret has a control character"},
		{"1234567\x7f", "the secret has a control character"},
		{"1234567\xff", "the secret is not UTF-8"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};

		unit_int(u, sp_secret_check(cases[i].secret, &err),
			cases[i].error == NULL ? 0 : -1, cases[i].secret);
		unit_str(u, err.msg,
			cases[i].error == NULL ? "" : cases[i].error,
			"  its error");
	}
}

/* HA1 of RFC 2617 §3.5 and RFC 7616 §3.9.1, and of a user of ours. */
static void check_ha1(struct unit *u, struct sp_hash *hash)
{
	static const struct {
		enum sp_hash_kind kind;
		const char *username, *realm, *secret, *ha1;
	} cases[] = {
		{SP_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life",
			"939e7578ed9e3c518a452acee763bce9"},
		{SP_MD5, "Mufasa", "http-auth@example.org", "Circle of Life",
			"3d78807defe7de2157e2b0b6573a855f"},
		{SP_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life",
			"7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392"
			"d7b4794232"},
		{SP_MD5, "1001", "acme.example", "0123456789abcdefghjkmnpqrs",
			"f68cb560d1c340ae7e8e55f6da9f9b7f"},
		{SP_SHA256, "asmith", "acme.example",
			"0123456789abcdefghjkmnpqrs",
			"cbb489f9a40ae2c45cc39dad3a529892a36652723b8eb6aa4f1856"
			"9a40ab3a25"},
	};
	char hex[2 * SP_HASH_SIZE + 1];
	unsigned char raw[SP_HASH_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_int(u,
			sp_secret_digest(hash, cases[i].kind, cases[i].username,
				cases[i].realm, cases[i].secret, raw),
			0, cases[i].username);
		sp_hash_hex(raw, sp_hash_size(cases[i].kind), hex);
		unit_str(u, hex, cases[i].ha1, "  HA1");
	}
}

/* The longest of everything just fits. */
static void check_longest(struct unit *u, struct sp_hash *hash)
{
	char login[SP_LOGIN_SIZE], realm[SP_DOMAIN_SIZE + 1];
	char secret[SP_SECRET_SIZE];
	unsigned char raw[SP_HASH_SIZE];

	memset(login, 'l', sizeof login);
	login[sizeof login - 1] = '\0';
	memset(realm, 'r', sizeof realm);
	realm[sizeof realm - 2] = '\0';
	memset(secret, 's', sizeof secret);
	secret[sizeof secret - 1] = '\0';
	unit_int(u, sp_secret_digest(hash, SP_MD5, login, realm, secret, raw),
		0, "the longest login, domain and secret");
	realm[sizeof realm - 2] = 'r';
	realm[sizeof realm - 1] = '\0';
	unit_int(u, sp_secret_digest(hash, SP_MD5, login, realm, secret, raw),
		-1, "one byte more");
}

static const char *found(struct world *w, const char *username)
{
	static char text[64];
	struct sp_credentials c;
	int rc = sp_secret_find(&w->scope, username, &c, &w->err);

	if (rc <= 0)
		return rc < 0 ? w->err.msg : "nobody";
	snprintf(text, sizeof text, "%s %02x%02x %02x%02x", c.number,
		c.ha1[SP_MD5][0], c.ha1[SP_MD5][1], c.ha1[SP_SHA256][0],
		c.ha1[SP_SHA256][1]);
	return c.has_secret ? text : "no secret";
}

static void check_stored(struct unit *u, struct sp_hash *hash)
{
	static const char SECRET[] = "0123456789abcdefghjkmnpqrs";
	struct sp_assign assign = {.login = "asmith", .secret = SECRET};
	struct sp_assigned got;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1001-1009", "");
	world_must(&w,
		sp_assignment_make(&w.scope, hash, &assign, &got, &w.err) == 0,
		"asmith");
	world_assign(&w, "bjones", NULL);
	unit_str(u, found(&w, "1001"), "1001 f68c c78b", "by number");
	unit_str(u, found(&w, "asmith"), "1001 7a90 cbb4", "by login");
	unit_str(u, found(&w, "1002"), "no secret", "a user without");
	unit_str(u, found(&w, "bjones"), "no secret", "  by login");
	unit_str(u, found(&w, "1003"), "nobody", "a free number");
	unit_str(u, found(&w, "01001"), "nobody", "a zero in front");
	unit_str(u, found(&w, "ASMITH"), "nobody", "another case");
	unit_str(u, found(&w, ""), "nobody", "nothing");
	unit_int(u, sp_secret_exists(&w.scope, "asmith", &w.err), 1, "has one");
	unit_int(u, sp_secret_exists(&w.scope, "bjones", &w.err), 0, "none");
	unit_int(u, sp_secret_exists(&w.scope, "cwu", &w.err), 0, "unknown");
	unit_int(u,
		sp_secret_set(&w.scope, hash, &got.user, "1001", SECRET,
			&w.err),
		0, "the same again is no change");
	unit_int(u,
		sp_secret_set(&w.scope, hash, &got.user, "1001", "another one",
			&w.err),
		1, "another one is");
	unit_ok(u, strcmp(found(&w, "1001"), "1001 f68c c78b") != 0,
		"  and stored");
	world_recycle(&w, "asmith");
	unit_str(u, found(&w, "1001"), "nobody", "recycled");
	world_assign(&w, "cwu", NULL);
	unit_str(u, found(&w, "1001"), "no secret",
		"the next owner does not inherit it");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};
	struct sp_err err = {.msg = ""};
	struct sp_hash *hash = NULL;

	if (!unit_ok(&u, sp_hash_new(&hash, &err) == 0, "sp_hash_new"))
		return unit_done(&u);
	check_generated(&u);
	check_checked(&u);
	check_ha1(&u, hash);
	check_longest(&u, hash);
	check_stored(&u, hash);
	sp_hash_free(hash);
	return unit_done(&u);
}
