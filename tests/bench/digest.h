/* The client's half of digest authentication (RFC 7616) with MD5. */
#ifndef BENCH_DIGEST_H
#define BENCH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/text.h"

enum { MD5_HEX = 33 };

struct challenge {
	char realm[128];
	char nonce[192];
	char opaque[64]; /* "" when there was none */
	bool qop_auth;   /* qop=auth is offered */
	bool stale;      /* only the nonce was too old */
};

/* What a line of credentials is made of; all borrowed. */
struct credentials {
	const char *username, *uri;
	const char *ha1, *ha2;
	const char *realm, *nonce, *opaque;
	bool qop_auth;
	uint32_t nc, cnonce;
};

/* H of n bytes, in hexadecimal. */
void digest_md5(const char *s, size_t n, char out[MD5_HEX]);

/* H(user:realm:password) of an extension; the password is prefix and
 * extension. */
void digest_ha1(const char *realm, const char *password_prefix,
	uint32_t extension, char ha1[MD5_HEX]);

/* Reads the first Digest challenge with MD5 of a response. header: as
 * "\r\nWWW-Authenticate: Digest". False if there is none. */
bool digest_read_challenge(const char *msg, const char *header,
	struct challenge *challenge);

/* Appends `Digest username="...", ...` and the end of the line. */
void digest_put(struct text *t, const struct credentials *c);

#endif
