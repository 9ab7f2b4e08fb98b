/* HTTP Digest for SIP (RFC 7616, RFC 8760; RFC 3261 §22): credentials and
 * challenges taken apart by our own tokenizer, since libosip2's drops
 * parameters, and the response computed. */
#ifndef SP_REGISTER_DIGEST_H
#define SP_REGISTER_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/sp-register/sipmsg.h"
#include "lib/hash.h"

enum {
	DIGEST_MAX_VALUE = 1024, /* bytes of one parameter */
	DIGEST_RESPONSE_SIZE = 2 * SP_HASH_SIZE + 1,
};

/* The parameters of an Authorization or WWW-Authenticate field; at is NULL
 * where there is none. Quoted values stand without their quotes. */
struct digest {
	struct sip_slice username, realm, nonce, uri, response, algorithm,
		cnonce, opaque, qop, nc, stale;
	enum sp_hash_kind kind; /* from algorithm; MD5 when it is absent */
	bool known_algorithm;
};

/* Is it "Digest ...", and not of another scheme? */
bool digest_is_scheme(struct sip_slice value);

/* Returns false for another scheme, malformed text, an unknown quoting, or a
 * parameter that comes twice. */
bool digest_parse(struct sip_slice value, struct digest *digest);

/* request-digest of RFC 7616 §3.4.1 with qop=auth, or without qop where
 * d->qop.at is NULL. Takes nonce, nc, cnonce, uri and kind from d. ha1: raw
 * bytes. Returns -1 when something is too long. */
int digest_response(struct sp_hash *hash, const struct digest *d,
	const unsigned char *ha1, struct sip_slice method,
	char out[DIGEST_RESPONSE_SIZE]);

#endif
