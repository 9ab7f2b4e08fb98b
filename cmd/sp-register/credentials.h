/* A client's credentials: which challenge is answered, and how (RFC 7616, RFC
 * 8760; RFC 3261 §22). */
#ifndef SP_REGISTER_CREDENTIALS_H
#define SP_REGISTER_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/digest.h"
#include "cmd/sp-register/sipmsg.h"

/* The challenge that was taken last. */
struct credentials {
	char text[SIP_MAX_LINE + 1]; /* what `digest` points into */
	struct digest digest;
	bool is_known;    /* is there one? */
	bool is_by_proxy; /* 407, not 401 */
	uint32_t nc;      /* how often its nonce has been used */
};

/* Takes the strongest challenge of a 401 or 407 that we can answer. Returns
 * false, and forgets the last one, when there is none. */
bool credentials_take(struct credentials *credentials,
	const struct sip_message *answer);

void credentials_forget(struct credentials *credentials);

/* Did the server refuse the last use only because the nonce is old? */
bool credentials_is_stale(const struct credentials *credentials);

/* Puts the header field that answers the challenge for one request, and counts
 * it. Puts nothing when there is no challenge. */
struct credentials_use {
	const char *username, *secret;
	const char *method, *uri; /* of the request */
};
void credentials_put(struct credentials *credentials, struct sp_hash *hash,
	const struct credentials_use *use, struct sip_writer *writer);

/* Random hexadecimal digits: a cnonce, a tag, a branch. */
enum { CREDENTIALS_TOKEN = 17 };
void credentials_token(char out[CREDENTIALS_TOKEN]);

#endif
