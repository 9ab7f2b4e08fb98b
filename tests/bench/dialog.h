/* The two ends of a call (RFC 3261 sections 12 to 15): the text that the caller
 * and the callee send, and what a message says to them. Only text: no sockets,
 * no clock, no counting. */
#ifndef BENCH_DIALOG_H
#define BENCH_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/digest.h"

enum { DIALOG_MIRROR_MAX = 1536 };

enum dialog_method { DIALOG_INVITE, DIALOG_ACK, DIALOG_BYE, DIALOG_OTHER };

/* What all calls of a run have in common; all borrowed. */
struct dialog_site {
	const char *domain;
	const char *password_prefix;
	const char *caller; /* "127.0.0.1:PORT" of the callers' socket */
	const char *callee; /* and of the callees' */
	const char *run;    /* sets this run's Call-IDs and branches apart */
};

/* The caller's side of one call. */
struct dialog {
	uint32_t slot, generation;        /* name the call */
	uint32_t from, to;                /* extensions */
	uint32_t invite_cseq, bye_cseq;   /* of the latest ones */
	enum dialog_method authenticated; /* what the credentials are for */
	char remote_to[160];              /* To with the callee's tag */
	char target[128];                 /* the callee's Contact */
	char route[512];                  /* lines of Route, in order */
	char credentials[768];            /* a line, or "" */
};

/* A message as far as the two ends need it; borrows from its text. */
struct message {
	const char *text;
	unsigned status;           /* 0: a request */
	enum dialog_method method; /* of the CSeq of a response */
	uint32_t cseq;
	uint32_t slot, generation;
};

/* An answer of the callee. */
struct answer {
	unsigned status;             /* 180 or 200 */
	const char *mirror;          /* of the request */
	const struct dialog *dialog; /* of an INVITE; NULL for other requests */
};

/* Reads start line, Call-ID and CSeq. False if it is no message of a call of
 * this run. text: ends with NUL. */
bool message_read(struct message *m, const char *text, const char *run);

/* A new call in the same slot, without credentials and without a callee. */
void dialog_begin(struct dialog *d, uint32_t from, uint32_t to);

/* Takes To, Contact and the route set, in reverse order, from the 200 to an
 * INVITE (section 12.1.2). False if one is missing or does not fit.
 * has_route: it has to list a proxy, and each as a loose router. */
bool dialog_establish(struct dialog *d, const char *ok, bool has_route);

/* Answers the challenge of a 407 with a new request with this method. False if
 * that was done before, or if there is none that can be answered. */
bool dialog_authenticate(struct dialog *d, const struct dialog_site *site,
	const char *msg, enum dialog_method method);

/* Writes the INVITE, the ACK to its 200, or the BYE, the same bytes each time.
 * Returns its length, at most size. */
size_t dialog_write(const struct dialog *d, const struct dialog_site *site,
	enum dialog_method method, char *out, size_t size);

/* Writes the ACK to a refused INVITE (section 17.1.1.3): the branch and CSeq
 * number of that INVITE, the To of the refusal. */
size_t dialog_write_refusal_ack(const struct dialog *d,
	const struct dialog_site *site, const struct message *refusal,
	char *out, size_t size);

/* Writes what an answer of the callee repeats: Via, Record-Route, From, To
 * with a tag, Call-ID and CSeq. False if it does not fit. */
bool callee_mirror(const struct message *request, char out[DIALOG_MIRROR_MAX]);

/* Writes an answer, to an INVITE with Contact and a 200 with a session
 * description too. Returns its length, at most size. */
size_t callee_write(const struct answer *answer, const struct dialog_site *site,
	char *out, size_t size);

#endif
