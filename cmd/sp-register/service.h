/* The SIP service: a request in, an answer out. Knows no socket. */
#ifndef SP_REGISTER_SERVICE_H
#define SP_REGISTER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/sp-register/log.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/config.h"
#include "lib/db.h"
#include "lib/hash.h"
#include "lib/server.h"

struct service;
struct endpoints;
struct hop;
struct resolver;

/* What it works with: the caller's, and outlives it. */
struct service_parts {
	struct sp_db *db;
	struct log *log;
	struct endpoints *endpoints; /* the own addresses */
	struct resolver *resolver;   /* NULL: names are not looked up */
	void *arg;                   /* of these: */
	/* A message is to leave, for elsewhere than back, once the work that is
	 * being done is committed; it is good until this returns. */
	void (*send)(void *arg, const struct hop *hop, const char *data,
		size_t len);
	/* Is there that connection? */
	bool (*has_flow)(void *arg, int64_t flow_id);
	/* As service_reach. */
	bool (*reach)(void *arg, struct hop *hop, const char *name);
	/* Work was done that nobody asked for, by a callback of the resolver,
	 * and is committed. */
	void (*worked)(void *arg);
};

/* Gives every tenant of the configuration, which stays the caller's, its row. */
int service_new(struct service **service, struct sp_config *config,
	const struct service_parts *parts, struct sp_err *err);
void service_free(struct service *service); /* accepts NULL */

/* One request and its answer. */
struct exchange {
	char *data; /* the request; may be changed in place */
	size_t len;
	struct sip_origin origin;
	const char *transport; /* "udp", "tcp", "tls" */
	int64_t flow_id;       /* the connection; 0: a datagram */
	int local;             /* the endpoint it came to; -1: unknown */

	char *answer;       /* room for SIP_ANSWER_SIZE */
	size_t answer_len;  /* 0: no answer */
	int answer_port;    /* at origin.ip (RFC 3261 §18.2.2, RFC 3581) */
	bool is_registered; /* it has made or kept a binding */
	bool is_known;      /* so that its connection may stay open */
};

/* Goes on with another configuration, which is the caller's as the first one
 * was; that may go then. On failure everything stays. */
int service_configure(struct service *service, struct sp_config *config,
	struct sp_err *err);

/* Answers a batch in one transaction, which is committed on return; where that
 * fails, the answers that depend on it say 503. now_ms: wall clock. */
void service_answer(struct service *service, struct exchange *batch, int n,
	int64_t now_ms);

/* What service_answer left in the batch has been sent: how long that took, from
 * when it was received. */
void service_sent(struct service *service, const struct exchange *batch, int n,
	int64_t took_us);

/* A connection is gone: what was registered through it is lost (RFC 5626
 * §4.4.1 the other way round), with the next service_lose_flows. why: a
 * constant. */
void service_flow_closed(struct service *service, int64_t flow_id,
	const char *why);

/* Stores that, for many connections in one transaction; when the database does
 * not take it, they stay for the next time. Returns true when there are more of
 * them: one transaction must not hold up the phones. */
bool service_lose_flows(struct service *service, int64_t now_ms);

/* What its timers have to do, also in a transaction of its own.
 * service_next_ms: when next, by the monotonic clock; INT64_MAX: not at all. */
void service_expire(struct service *service, int64_t now_ms);
int64_t service_next_ms(const struct service *service);

/* The server is about to end: so do the calls that are not answered yet. */
void service_stop(struct service *service, int64_t now_ms);

/* What was sent to there cannot arrive. */
void service_fail_hop(struct service *service, const struct hop *hop,
	int64_t now_ms);

/* Nobody listens where a datagram was sent to: as good as lost. */
void service_unreachable(struct service *service, const char *ip, int port,
	int64_t now_ms);

/* Once a second: the heartbeat, clock steps, old nonces and history. Returns
 * whether the database took it; until the next one that it takes, what needs it
 * is answered with 503. */
bool service_tick(struct service *service, struct sp_clocks clocks);

/* Four times a second: what ran out. Returns true when there is more of it: one
 * transaction must not hold up the phones. */
bool service_sweep(struct service *service, int64_t now_ms);

#endif
