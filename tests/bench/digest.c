/* Digest authentication of a client: see digest.h. */
/* EVP looks its algorithm up again for each digest; MD5() does not. */
#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "tests/bench/digest.h"

#include <openssl/md5.h>
#include <string.h>

void digest_md5(const char *s, size_t n, char out[MD5_HEX])
{
	unsigned char digest[MD5_DIGEST_LENGTH];

	MD5((const unsigned char *)s, n, digest);
	text_hex(digest, sizeof(digest), out);
}

void digest_ha1(const char *realm, const char *password_prefix,
	uint32_t extension, char ha1[MD5_HEX])
{
	char a1[512], ext[11];
	struct text t = {a1, a1 + sizeof(a1)};

	text_decimal(extension, ext);
	text_put(&t, ext, ":", realm, ":", password_prefix, ext, NULL);
	digest_md5(a1, (size_t)(t.at - a1), ha1);
}

/* RFC 7616 section 3.4.1; without qop as in RFC 2069. */
static void make_response(const struct credentials *c, const char *nc,
	const char *cnonce, char out[MD5_HEX])
{
	char in[512];
	struct text t = {in, in + sizeof(in)};

	text_put(&t, c->ha1, ":", c->nonce, ":", NULL);
	if (c->qop_auth)
		text_put(&t, nc, ":", cnonce, ":auth:", NULL);
	text_put(&t, c->ha2, NULL);
	digest_md5(in, (size_t)(t.at - in), out);
}

void digest_put(struct text *t, const struct credentials *c)
{
	char nc[9], cnonce[9], response[MD5_HEX];

	text_hex32(c->nc, nc);
	text_hex32(c->cnonce, cnonce);
	make_response(c, nc, cnonce, response);
	text_put(t, "Digest username=\"", c->username, "\", realm=\"", c->realm,
		"\", nonce=\"", c->nonce, "\", uri=\"", c->uri,
		"\", algorithm=MD5, response=\"", response, "\"", NULL);
	if (c->qop_auth)
		text_put(t, ", qop=auth, nc=", nc, ", cnonce=\"", cnonce, "\"",
			NULL);
	if (c->opaque[0])
		text_put(t, ", opaque=\"", c->opaque, "\"", NULL);
	text_put(t, "\r\n", NULL);
}

/* Copies one parameter of a challenge; false if it is absent or too long. */
static bool get_param(const char *line, const char *name, char *out, size_t cap)
{
	size_t n = strlen(name);

	for (const char *s = line; (s = strcasestr(s, name)); s += n) {
		/* not the "nonce" of "nextnonce" */
		if (!strchr(" \t,", s[-1]) || s[n] != '=')
			continue;
		const char *value = s + n + 1;
		bool quoted = *value == '"';
		value += quoted;
		size_t len = strcspn(value, quoted ? "\"" : ", \t");
		if (len >= cap)
			return false;
		memcpy(out, value, len);
		out[len] = '\0';
		return true;
	}
	return false;
}

/* line: one challenge, from the blank after "Digest" to the end of the line */
static bool take_line(const char *line, struct challenge *c)
{
	char value[32];

	if (get_param(line, "algorithm", value, sizeof(value)) &&
		strcasecmp(value, "MD5") != 0)
		return false;
	if (!get_param(line, "realm", c->realm, sizeof(c->realm)) ||
		!get_param(line, "nonce", c->nonce, sizeof(c->nonce)))
		return false;
	if (!get_param(line, "opaque", c->opaque, sizeof(c->opaque)))
		c->opaque[0] = '\0';
	c->qop_auth = get_param(line, "qop", value, sizeof(value)) &&
		      strstr(value, "auth");
	c->stale = get_param(line, "stale", value, sizeof(value)) &&
		   strcasecmp(value, "true") == 0;
	return true;
}

bool digest_read_challenge(const char *msg, const char *header,
	struct challenge *challenge)
{
	char line[512];

	for (const char *s = msg; (s = strcasestr(s, header));) {
		s += strlen(header);
		size_t len = strcspn(s, "\r\n");
		if (len >= sizeof(line) || (*s != ' ' && *s != '\t'))
			continue;
		memcpy(line, s, len);
		line[len] = '\0';
		if (take_line(line, challenge))
			return true;
	}
	return false;
}
