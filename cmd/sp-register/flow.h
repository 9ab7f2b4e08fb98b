/* Flows: the TCP and TLS connections of softphones (RFC 5626), and those that
 * are made to peers. Bytes in, messages out; knows nothing of what they say. */
#ifndef SP_REGISTER_FLOW_H
#define SP_REGISTER_FLOW_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/log.h"
#include "lib/config.h"
#include "lib/err.h"

enum {
	/* That nobody has registered through: of one NAT (address_site). */
	FLOWS_PER_SOURCE = 256,
	FLOW_MESSAGE_MS = 10000,  /* a message must be complete in that time */
	FLOW_STRANGER_MS = 30000, /* and the first registration done */
	FLOW_CONNECT_MS = 4000,   /* one of ours must be open in that time */
	FLOW_LOCAL_UNKNOWN = -2,
};

/* What a flow's patience goes by; monotonic milliseconds. */
struct flow_times {
	int64_t opened_ms;
	int64_t heard_ms;   /* when it last sent something */
	int64_t partial_ms; /* since when a message is incomplete; 0: none is */
	bool is_trusted;    /* somebody has registered through it; or it is
			     * ours */
	bool is_connecting; /* it is ours, and not open yet */
};

/* The moment at which a flow is to be closed if nothing happens until then, and
 * why: neither drop by drop nor with pings can a stranger keep a connection.
 * idle_ms: how long one that is trusted may be silent. */
int64_t flow_deadline_ms(const struct flow_times *times, int64_t idle_ms,
	const char **why);

struct flow;
struct flows;

/* What flows tell. `arg` is the owner's. */
struct flow_events {
	void *arg;
	/* A whole message, good until it returns. */
	void (*message)(void *arg, struct flow *flow, const char *data,
		size_t len);
	/* The connection is gone, by the peer's doing or the network's, or one
	 * of ours could not be made; the flow is freed when it returns. */
	void (*closed)(void *arg, struct flow *flow, const char *why);
};

int flows_new(struct flows **flows, struct event_base *base, struct log *log,
	const struct flow_events *events, struct sp_err *err);

/* Closes all, once what was to be sent is sent as far as the peers take it, and
 * without a word to `closed`. Accepts NULL. */
void flows_free(struct flows *flows);

/* A flow that has registered somebody may be silent for so long. */
void flows_set_idle(struct flows *flows, int64_t idle_ms);

/* The context for new TLS connections from now on; is taken over. */
void flows_set_tls(struct flows *flows, SSL_CTX *context);

/* The context for TLS connections that are made from now on; is taken over.
 * Without one, the system's CAs are believed. */
void flows_set_tls_client(struct flows *flows, SSL_CTX *context);

/* Accepts connections on a socket that listens, which is taken over. */
int flows_listen(struct flows *flows, evutil_socket_t fd,
	enum sp_transport transport, struct sp_err *err);

/* Makes a connection, by TCP or TLS. It can be sent to at once: that waits until
 * it is open. When it cannot be made within FLOW_CONNECT_MS it is `closed`.
 * server_name: what the certificate must be for, a name or an address (RFC 5922
 * §7.2; SNI, too); NULL: the peer's address. Returns NULL when there is no room
 * or no way; nothing is said of it then. */
struct flow *flows_connect(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *to, socklen_t len, const char *server_name);

/* NULL when there is none that has this id. */
struct flow *flows_find(struct flows *flows, int64_t id);

/* A connection to, or from, that very address and port, or NULL. One that is
 * not open yet will do. */
struct flow *flows_find_peer(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *peer);

/* A connection to hop->to: one that is there, or a new one. What has been asked
 * for its certificate will do only for the same server_name. Sets hop->flow_id;
 * false when there is no room or no way. */
bool flows_reach(struct flows *flows, struct hop *hop, const char *server_name);

/* Sends, but not to a peer that leaves too much unread: it is closed soon, and
 * false is returned. True does not say that it arrives. */
bool flow_send(struct flow *flow, const char *data, size_t len);

/* Somebody has registered through it. */
void flow_trust(struct flow *flow);
bool flow_is_trusted(const struct flow *flow);

/* A number that no other flow of any process has, above 0. */
int64_t flow_id(const struct flow *flow);
int64_t flow_new_id(void);

const char *flow_ip(const struct flow *flow);
int flow_port(const struct flow *flow);
enum sp_transport flow_transport_kind(const struct flow *flow);
const char *flow_transport(const struct flow *flow);

/* The hop that leads there through this connection. */
void flow_hop(const struct flow *flow, struct hop *hop);

/* Our end of it: the IP address, and the port as what is returned; 0 when there
 * is none any more. */
int flow_local_address(const struct flow *flow, char ip[INET6_ADDRSTRLEN]);

/* What its owner knows our end by (`local` of a hop): FLOW_LOCAL_UNKNOWN until
 * it is set. */
int flow_local(const struct flow *flow);
void flow_set_local(struct flow *flow, int local);

#endif
