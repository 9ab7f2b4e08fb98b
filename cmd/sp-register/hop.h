/* A hop: the next place that a message goes to, and how. */
#ifndef SP_REGISTER_HOP_H
#define SP_REGISTER_HOP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/config.h"

union hop_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

struct hop {
	enum sp_transport transport;
	/* Which of the server's own addresses it leaves from: an index that the
	 * owner of the sockets gives out; -1: not decided yet. */
	int local;
	/* The connection; 0: a datagram, or a connection to `to` that may have
	 * to be made. */
	int64_t flow_id;
	union hop_address to;
};

/* Do both lead to the same place: the same connection, or, when neither has
 * one, the same address over the same transport? `local` does not matter. */
bool hop_equal(const struct hop *a, const struct hop *b);

/* Bytes to look a hop up by: the same ones for equal hops, and only for
 * those. */
enum { HOP_KEY_SIZE = 31 };
void hop_key(const struct hop *hop, unsigned char key[HOP_KEY_SIZE]);

/* Hop of a numeric address (IPv6 without brackets), nothing decided about
 * `local`. Returns false when `ip` is none. */
bool hop_set(struct hop *hop, enum sp_transport transport, const char *ip,
	int port);

/* Does the transport deliver what it is given (RFC 3261 §17: no
 * retransmissions)? */
static inline bool hop_is_reliable(const struct hop *hop)
{
	return hop->transport != SP_UDP;
}

#endif
