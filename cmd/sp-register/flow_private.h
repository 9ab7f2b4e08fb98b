/* What flow.c, one flow, and flows.c, the table of them, share. */
#ifndef SP_REGISTER_FLOW_PRIVATE_H
#define SP_REGISTER_FLOW_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>

#include "cmd/sp-register/flow.h"

enum { FLOW_BUCKETS = 4096, FLOW_LISTENERS = 16 };

/* A place in a bucket of a table. */
struct flow_node {
	struct flow_node *next, **link;
	struct flow *flow;
};

struct flow {
	struct flows *flows;
	struct flow_node by_site, by_id;
	struct bufferevent *stream;
	int64_t id;
	enum sp_transport transport;
	union hop_address peer;
	char ip[INET6_ADDRSTRLEN], site[INET6_ADDRSTRLEN];
	int port;
	char *name; /* that the peer's certificate is for; NULL: not asked */
	int local;
	struct flow_times times;
	struct event *deadline;
	bool is_stuck; /* its peer does not read */
};

struct flow_listener {
	struct flows *flows;
	struct evconnlistener *listener;
	enum sp_transport transport;
};

struct flows {
	struct event_base *base;
	struct log *log;
	struct flow_events events;
	SSL_CTX *tls, *tls_client;
	int64_t idle_ms;
	struct flow_listener listener[FLOW_LISTENERS];
	int n_listeners;
	int n, max;
	struct flow_node *by_site[FLOW_BUCKETS], *by_id[FLOW_BUCKETS];
};

/* A flow that is in no table and reads nothing yet; NULL without memory. */
struct flow *flow_new(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *peer);

/* Puts it into the tables and begins; it has its stream. */
void flow_start(struct flow *flow);

/* Without a word to `closed`. */
void flow_free(struct flow *flow);

/* The head of the bucket in which all flows of a site are. */
struct flow_node **flows_of_site(struct flows *flows, const char *site);

#endif
