/* One softphone's half of a registration (RFC 3261 section 10.2, RFC 7616):
 * the text of the REGISTER it sends, and what a response means to it. Only
 * text: no sockets, no clock, no counting. */
#ifndef BENCH_PHONE_H
#define BENCH_PHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/digest.h"

enum { PHONE_REQUEST_MAX = 1500 };

/* What all phones of a run have in common. */
struct site {
	const char *domain;          /* SIP domain, borrowed */
	const char *password_prefix; /* password = prefix + extension */
	uint32_t first;              /* extension of phone 0 */
	uint32_t expires_s;          /* as asked for in each REGISTER */
	const char *address;         /* "127.0.0.1:PORT", borrowed */
	char realm[128];             /* of the latest challenge */
	bool qop_auth;               /* the latest challenge offers qop=auth */
	char ha2[MD5_HEX];           /* H(REGISTER:uri), the same for all */
};

struct phone {
	uint32_t index;    /* its place in the run; extension - first */
	uint32_t cseq;     /* of the current request */
	uint32_t nc;       /* how often the nonce was used */
	char ha1[MD5_HEX]; /* H(user:realm:password) */
	char nonce[192];   /* "" before the first challenge */
	char opaque[64];   /* "" when the challenge had none */
};

struct response {
	unsigned status;
	uint32_t index; /* whose request it answers */
	uint32_t cseq;  /* and which one */
};

/* The strings are borrowed and must outlive the site. */
void site_init(struct site *site, const char *domain,
	const char *password_prefix, const char *address);

/* Moves on to a new request: the next CSeq, and the next use of the nonce. */
void phone_next_request(struct phone *phone);

/* Writes the current request, the same bytes each time. Returns its length. */
size_t phone_write(const struct phone *phone, const struct site *site,
	char out[PHONE_REQUEST_MAX]);

/* Reads status and branch. msg: a datagram, terminated with NUL. False if it
 * is no response to one of our requests. */
bool response_read(const char *msg, struct response *response);

/* Takes over the first Digest challenge with MD5 from a 401. False if it has
 * none. *stale: the server says that only the nonce was too old. */
bool phone_take_challenge(struct phone *phone, struct site *site,
	const char *msg, bool *stale);

/* Whether a 200 repeats the headers of our request and lists our contact with
 * some time to live. */
bool phone_accepts(const struct phone *phone, const struct site *site,
	const char *msg);

#endif
