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
	const char *realm;      /* Proxy-Authorization for it goes no further;
				   * NULL: all of them do */
	bool drops_identity;    /* P-Asserted-Identity is not to be believed */
	const char *identity;   /* the value of a new one */
	const char *diversions; /* whole fields, line ends included */
};

/* Writes the request, with one hop less in Max-Forwards; for a next hop that is
 * a strict router as that one wants it. */
void relay_request(struct sip_writer *writer, const struct sip_message *request,
	const struct relay *relay);

/* Writes a response without its top Via. Challenges: whole fields to add
 * (§16.7 step 7). */
void relay_response(struct sip_writer *writer,
	const struct sip_message *response, bool drops_identity,
	const char *challenges);

/* The n-th value of all Route fields, from 0; at is NULL behind the last. */
struct sip_slice relay_route(const struct sip_message *message, int n);

#endif
