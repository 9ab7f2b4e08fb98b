/* The outbox: messages that are to leave once what they say is committed. It is
 * filled while a batch is handled, and sent after it. */
#ifndef SP_REGISTER_OUTBOX_H
#define SP_REGISTER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/flow.h"
#include "cmd/sp-register/hop.h"
#include "lib/err.h"

enum {
	OUTBOX_MAX_BYTES = 16 << 20, /* and */
	OUTBOX_MAX_MESSAGES = 65536, /* more are dropped */
};

struct outbox;

struct outbox_events {
	void *arg;
	/* A message to that hop cannot be sent: there is no such connection and
	 * none can be made, its peer does not read, or there is no way. As if
	 * its peer had answered 503 (RFC 3261 §8.1.3.1). It may put more
	 * messages, for the next outbox_send, but not send. A connection that
	 * cannot be made is often found out later: it is `closed` then, as
	 * flows tell. */
	void (*failed)(void *arg, const struct hop *hop);
};

/* endpoints and flows outlive it. */
int outbox_new(struct outbox **outbox, struct endpoints *endpoints,
	struct flows *flows, const struct outbox_events *events,
	struct sp_err *err);
void outbox_free(struct outbox *outbox); /* accepts NULL */

/* Room to write a message into, good until the next call of any of these. NULL
 * when there is none: the message is dropped, and counted. */
char *outbox_room(struct outbox *outbox, size_t size);

/* Puts a message: one that was written into such room, or, with a copy, any
 * other; not one that is in the outbox already. Returns false when there is no
 * room: it is dropped, and counted. To a hop without `local` a datagram leaves
 * from the address that the kernel chooses. A stream without flow_id takes a
 * connection that there is to hop->to, or makes one; the certificate must be for
 * that address then (flows_reach is for names). */
bool outbox_put(struct outbox *outbox, const struct hop *hop, const char *data,
	size_t len);

/* Sends all, in order. Returns true when `failed` has put more. */
bool outbox_send(struct outbox *outbox);

/* Forgets all: what it says was not committed. */
void outbox_clear(struct outbox *outbox);

/* How many were dropped since outbox_new. */
int64_t outbox_dropped(const struct outbox *outbox);

#endif
