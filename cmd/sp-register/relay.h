/* Messages on their way through: copies of what came, byte for byte but for
 * what a proxy must change (RFC 3261 §16.6, §16.7). Writes only. */
#ifndef SP_REGISTER_RELAY_H
#define SP_REGISTER_RELAY_H

#include <stdbool.h>

#include "cmd/sp-register/sipmsg.h"

/* What becomes of a request. Texts are borrowed; "" or a slice at NULL: none. */
struct relay {
	struct sip_origin origin; /* for its top Via */
	struct sip_slice uri;     /* the new Request-URI */
	const char *sent_by;      /* of the own Via: "UDP 192.0.2.7:5060" */
	const char *branch;
	const char *record_route; /* list of URIs in brackets */
	struct sip_slice path;    /* goes before the Route values that stay */
	/* Of the Route values so many go, from the first one, and so many of
	 * the others stay. */
	int n_routes_taken, n_routes_left;
	struct sip_slice last_route; /* relay_request's own */
	/* Credentials for it are for us, and go no further; NULL: there are
	 * none. */
	const char *realm;
	/* Who it is, and which way it came, is not to be believed: all that says
	 * so goes. */
	bool drops_identity;
	const char *identity;   /* the value of a new one */
	const char *diversions; /* whole fields, line ends included */
};

/* Writes the request, with one hop less in Max-Forwards; for a next hop that is
 * a strict router as that one wants it. */
void relay_request(struct sip_writer *writer, const struct sip_message *request,
	const struct relay *relay);

/* What becomes of a response. */
struct relay_back {
	bool drops_identity; /* P-Asserted-Identity is not to be believed */
	/* A challenge of that realm is ours alone to make: with the answer of
	 * our user to it somebody else could call as that user. NULL: none. */
	const char *realm;
	const char *challenges; /* whole fields to add (§16.7 step 7) */
};

/* Writes a response without its top Via. */
void relay_response(struct sip_writer *writer,
	const struct sip_message *response, const struct relay_back *back);

/* Is it a challenge, or credentials, for that realm? */
bool relay_is_for_realm(struct sip_slice value, const char *realm);

/* The n-th value of all Route fields, from 0; at is NULL behind the last. */
struct sip_slice relay_route(const struct sip_message *message, int n);

#endif
