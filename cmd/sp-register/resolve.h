/* Where the host of a SIP URI is (RFC 3263): numeric addresses, SRV, A and
 * AAAA, asked for without blocking the loop. */
#ifndef SP_REGISTER_RESOLVE_H
#define SP_REGISTER_RESOLVE_H

#include <event2/event.h>
#include <stdbool.h>

#include "cmd/sp-register/hop.h"
#include "lib/err.h"

struct resolver;
struct resolution;

enum { RESOLVE_MAX_HOPS = 8, RESOLVE_TIMEOUT_MS = 4000 };

/* server: "192.0.2.53" or "192.0.2.53:5353", or several with commas, asked
 * instead of those of resolv.conf; NULL: those. */
int resolver_new(struct resolver **resolver, struct event_base *base,
	const char *server, struct sp_err *err);
/* Drops what is under way without a word. Accepts NULL. */
void resolver_free(struct resolver *resolver);

/* What is to be found: taken from a URI. */
struct resolve_target {
	const char *host; /* a name, or a numeric address without brackets */
	int port;         /* 0: none given */
	bool is_sips;
	/* What the URI's transport parameter says; SP_N_TRANSPORTS: nothing. */
	enum sp_transport transport;
};

/* The hops to try one after the other (local -1, flow_id 0), good until it
 * returns; n 0: there are none, `why` says why in a word or two. */
typedef void resolve_done(void *arg, const struct hop *hops, int n,
	const char *why);

/* By what it is reached when no SRV record says otherwise (RFC 3263 §4.1, without
 * NAPTR; sips is always TLS), and at which port (§4.2). */
enum sp_transport resolve_transport(const struct resolve_target *target);
int resolve_port(const struct resolve_target *target);

/* The transports whose SRV records are to be asked for, one after the other
 * until there are some (§4.1, §4.2). Returns how many. */
enum { RESOLVE_MAX_STEPS = 2 };
int resolve_plan(const struct resolve_target *target,
	enum sp_transport steps[RESOLVE_MAX_STEPS]);

/* A target that needs no look-up (a numeric address; RFC 3263 §4.1 and §4.2
 * give transport and port). Returns 1 with *hop, 0 when it is a name. */
int resolve_numeric(const struct resolve_target *target, struct hop *hop);

/* Looks a target up; `done` is called once, from the loop, never before this
 * returns. NULL without memory: then it is not called. Known answers are kept
 * for their time to live, bounded in number. */
struct resolution *resolver_ask(struct resolver *resolver,
	const struct resolve_target *target, resolve_done *done, void *arg);

/* `done` will not be called. Accepts NULL. */
void resolution_cancel(struct resolution *resolution);

#endif
