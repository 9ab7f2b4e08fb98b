/* The parameters of an Authorization or WWW-Authenticate field. */
#include "cmd/sp-register/digest.h"
#include "tests/fuzz/fuzz.h"

static const struct {
	const char *name;
	size_t offset;
} PARAMS[] = {
	{"username", offsetof(struct digest, username)},
	{"realm", offsetof(struct digest, realm)},
	{"nonce", offsetof(struct digest, nonce)},
	{"uri", offsetof(struct digest, uri)},
	{"response", offsetof(struct digest, response)},
	{"algorithm", offsetof(struct digest, algorithm)},
	{"cnonce", offsetof(struct digest, cnonce)},
	{"opaque", offsetof(struct digest, opaque)},
	{"qop", offsetof(struct digest, qop)},
	{"nc", offsetof(struct digest, nc)},
	{"stale", offsetof(struct digest, stale)},
};

enum { N_PARAMS = sizeof PARAMS / sizeof PARAMS[0] };

static const struct sip_slice *param(const struct digest *d, size_t i)
{
	return (const struct sip_slice *)((const char *)d + PARAMS[i].offset);
}

static void check_values(const struct digest *d, struct sip_slice text)
{
	for (size_t i = 0; i < N_PARAMS; i++) {
		const struct sip_slice *v = param(d, i);

		if (v->at == NULL)
			continue;
		FUZZ_CHECK(v->len <= DIGEST_MAX_VALUE);
		FUZZ_CHECK(v->at >= text.at &&
			   v->at + v->len <= text.at + text.len);
		FUZZ_CHECK(memchr(v->at, '"', v->len) == NULL);
	}
}

/* Written with quotes around each value, it says the same. */
static void check_rewritten(const struct digest *d)
{
	static char text[N_PARAMS * (DIGEST_MAX_VALUE + 16)];
	struct sip_writer w = {text, sizeof text, 0, false};
	struct digest again;

	sipmsg_put_text(&w, "DIGEST  ");
	for (size_t i = 0; i < N_PARAMS; i++) {
		if (param(d, i)->at == NULL)
			continue;
		sipmsg_put(&w, "%s%s=\"", w.len > 8 ? "," : "", PARAMS[i].name);
		sipmsg_put_slice(&w, *param(d, i));
		sipmsg_put_text(&w, "\"");
	}
	FUZZ_CHECK(!w.full);
	FUZZ_CHECK(digest_parse((struct sip_slice){text, w.len}, &again));
	FUZZ_CHECK(again.kind == d->kind &&
		   again.known_algorithm == d->known_algorithm);
	for (size_t i = 0; i < N_PARAMS; i++) {
		const struct sip_slice *a = param(d, i), *b = param(&again, i);

		FUZZ_CHECK((a->at == NULL) == (b->at == NULL));
		FUZZ_CHECK(a->len == b->len);
		FUZZ_CHECK(a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
	}
}

static void check_response(const struct digest *d)
{
	static const unsigned char HA1[SP_HASH_SIZE] = "not a secret";
	static const struct sip_slice METHOD = {"REGISTER", 8};
	static struct sp_hash *hash;
	char out[DIGEST_RESPONSE_SIZE];
	struct sp_err err;

	if (hash == NULL)
		FUZZ_CHECK(sp_hash_new(&hash, &err) == 0);
	if (digest_response(hash, d, HA1, METHOD, out) == 0)
		FUZZ_CHECK(strlen(out) == 2 * sp_hash_size(d->kind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_slice text = {fuzz_bytes(data, size), size};
	struct digest d;

	if (digest_parse(text, &d)) {
		FUZZ_CHECK(digest_is_scheme(text));
		check_values(&d, text);
		check_rewritten(&d);
		check_response(&d);
	}
	free((void *)text.at);
	return 0;
}
