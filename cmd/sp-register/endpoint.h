/* Endpoints: the server's own addresses, which messages come to and leave from.
 * Each has an index that stays, `local` of a hop; there are few. */
#ifndef SP_REGISTER_ENDPOINT_H
#define SP_REGISTER_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/hop.h"
#include "lib/err.h"

enum { ENDPOINTS_MAX = 64 };

struct endpoint {
	enum sp_transport transport;
	int fd;           /* its socket for datagrams; -1: it has none */
	int family;       /* of that socket */
	bool is_wildcard; /* the socket has other addresses, too */
	union hop_address address;
	char ip[INET6_ADDRSTRLEN];
	int port;
	char text[ADDRESS_TEXT]; /* "192.0.2.7:5060" for Via, Record-Route */
};

struct endpoints;

int endpoints_new(struct endpoints **endpoints, struct sp_err *err);
void endpoints_free(struct endpoints *endpoints); /* accepts NULL */

/* A socket that is bound, and, of TCP and TLS, listens; it stays the caller's.
 * One that is bound to all addresses gets an endpoint for each that is seen
 * later. Fails with SP_CONFIG when there are too many. */
int endpoints_add(struct endpoints *endpoints, enum sp_transport transport,
	int fd, struct sp_err *err);

/* Good for as long as the endpoints; NULL when `local` is no index. */
const struct endpoint *endpoint_at(const struct endpoints *endpoints,
	int local);

/* All these return an index, or -1 when there is none, or no room for one.
 *
 * To which a datagram of that socket came: as the IP_PKTINFO or IPV6_PKTINFO of
 * `header` says where it is bound to all addresses. */
int endpoints_of_datagram(struct endpoints *endpoints, int fd,
	struct msghdr *header);

/* Of our end of a connection. Whoever has connected from a port that nobody
 * listens at is known by what listens there for the transport; where nothing
 * does, by the address for another transport. */
int endpoints_of_stream(struct endpoints *endpoints,
	enum sp_transport transport, const char *ip, int port);

/* Whose text this is. */
int endpoints_find(struct endpoints *endpoints, enum sp_transport transport,
	const char *text);

/* From which to->to can be reached by its transport, as the kernel chooses
 * among our addresses. */
int endpoints_pick(struct endpoints *endpoints, const struct hop *to);

/* Is it one of ours, for whatever transport: do a Route or a Request-URI name
 * us? host: as in a URI; a name is nobody's. port: 0, that of SIP, or, with
 * is_tls, of SIPS. */
bool endpoints_is_own(struct endpoints *endpoints, const char *host, int port,
	bool is_tls);

#endif
