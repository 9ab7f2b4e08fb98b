/* A fork: one request that was taken on, the copies of it that were sent, and
 * the response that its sender gets: the response context of RFC 3261 §16.7.
 * Where the copies go is its owner's to say. */
#ifndef SP_REGISTER_FORK_H
#define SP_REGISTER_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/relay.h"
#include "cmd/sp-register/request.h"
#include "cmd/sp-register/transaction.h"

struct proxy;
struct fork;

/* Where a copy goes. */
struct target {
	struct hop hop;
	bool is_phone;            /* one of our users' */
	struct sip_slice uri;     /* Request-URI */
	struct sip_slice path;    /* Route values; at is NULL for none */
	const char *record_route; /* "" for none */
	const char *diversions;   /* fields; "" for none */
	int leg;                  /* the owner's */
};

struct branch {
	struct branch *next;
	struct fork *fork;
	struct transaction *client; /* NULL once it has ended */
	bool is_pending;            /* no final response yet */
	int leg;                    /* of its target */
};

/* What the owner is told of. */
struct fork_events {
	/* A response above 100 came, and goes back if that still makes sense:
	 * every provisional one, and every 2xx. May be NULL. */
	void (*answered)(struct fork *fork, const struct branch *branch,
		const struct sip_message *response);
	/* No copy is pending any more, and none has brought a 2xx or a 6xx that
	 * was awaited: go on elsewhere, or call fork_finish. */
	void (*exhausted)(struct fork *fork);
	/* It is freed when this returns. May be NULL. */
	void (*released)(struct fork *fork);
};

struct fork {
	struct fork *next, **link; /* in the proxy's list of all */
	struct proxy *proxy;
	const struct fork_events *events;
	void *owner; /* theirs */
	const struct sp_tenant *tenant;
	struct transaction *server; /* NULL once it has ended */
	bool is_invite;
	char *data; /* the request */
	size_t len;
	/* What all copies have in common; `origin_ip` is what relay.origin
	 * points to. */
	struct relay relay;
	char origin_ip[INET6_ADDRSTRLEN];
	char *identity; /* what relay.identity points to */
	uint32_t loop;  /* for the branches */
	struct branch *branches;
	int n_pending;
	bool is_answered;  /* a 2xx went back */
	bool is_final;     /* a final response went back */
	bool is_cancelled; /* by its sender */
	bool is_done;      /* it is to be freed, soon */
	struct fork *next_done;
	/* The best final response so far; status 0: none. Without text it is
	 * one of our own. */
	int best_status;
	char *best;
	size_t best_len;
	char *challenges; /* fields of other 401 and 407 responses */
	/* Of the final responses of one target set: was one 486 or 600, was one
	 * neither that nor of somebody who is not there? */
	bool had_busy, had_other;
};

/* Takes a request on: makes its server transaction. relay: what the copies have
 * in common; its texts need not outlive the call, but for the message's own.
 * Returns NULL without memory. */
struct fork *fork_new(struct proxy *proxy, struct request *request,
	const struct relay *relay, const struct fork_events *events,
	uint32_t loop);

/* Sends a copy. Returns false when there is no way there, or no memory. */
bool fork_send(struct fork *fork, const struct target *target);

/* Sends a response of our own through the server transaction: a provisional
 * one, or a final one, which ends it. */
void fork_respond(struct fork *fork, int status);

/* Sends the best response, or, when there is none, one of `status`. fork_status:
 * the status that it has, or had. */
int fork_status(const struct fork *fork, int status);
void fork_finish(struct fork *fork, int status);

/* Cancels all copies that are pending. */
void fork_cancel(struct fork *fork);

/* Waits no longer for those that are pending; a 2xx of theirs still passes. */
void fork_abandon(struct fork *fork);

/* Forgets the final responses of one target set. */
void fork_forget(struct fork *fork);

/* Has any copy that is pending been heard of? */
bool fork_is_heard(const struct fork *fork);

/* ---- from the transaction layer ----------------------------------------- */

void fork_take_response(struct branch *branch,
	const struct sip_message *response);
void fork_take_failure(struct branch *branch, int status);
void fork_lose_client(struct branch *branch);
void fork_lose_server(struct fork *fork);

/* Frees those that nothing is left of; at the end of whatever the proxy does. */
void fork_reap(struct proxy *proxy);

/* Frees it, whatever is under way; for the end of the proxy. */
void fork_free(struct fork *fork);

#endif
