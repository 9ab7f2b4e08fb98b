/* The proxy (RFC 3261 §16): requests that are for somebody else, and what comes
 * back. Works within the batches of the service, whose transaction it shares;
 * what it sends goes into the outbox. */
#ifndef SP_REGISTER_PROXY_H
#define SP_REGISTER_PROXY_H

#include <stdint.h>

#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/request.h"
#include "lib/err.h"

struct proxy;

/* Takes up the calls that were in progress when a server last ran. All that
 * `service` holds outlives it. */
int proxy_new(struct proxy **proxy, struct service *service,
	struct sp_err *err);
void proxy_free(struct proxy *proxy); /* accepts NULL */

/* Deals with any request but REGISTER and those to the server itself. Returns
 * VERDICT_PASSED when the transaction layer answers it, or nobody has to. */
enum verdict proxy_take_request(struct proxy *proxy, struct request *request);

void proxy_take_response(struct proxy *proxy, struct request *request);

/* What its timers have to do. proxy_next_ms: when it is worth it next, by the
 * monotonic clock; INT64_MAX: not at all. */
void proxy_expire(struct proxy *proxy, int64_t wall_ms);
int64_t proxy_next_ms(const struct proxy *proxy);

/* What was sent there does not arrive. */
void proxy_fail_hop(struct proxy *proxy, const struct hop *hop,
	int64_t wall_ms);

/* The configuration is another one: what is under way goes on with the tenant of
 * the same domain, or is refused when there is none. */
void proxy_configure(struct proxy *proxy, int64_t wall_ms);

/* The server ends: ends what is not answered yet. */
void proxy_stop(struct proxy *proxy, int64_t wall_ms);

/* Writes, in the batch's transaction, what has ended. */
void proxy_store(struct proxy *proxy);

/* After the transaction: its rows are there, or, rolled back, are not. */
void proxy_settle(struct proxy *proxy, bool is_committed);

/* Ends calls that nobody has ended in time, in the transaction of a tick. */
int proxy_age_out(struct proxy *proxy, int64_t wall_ms, struct sp_err *err);

#endif
