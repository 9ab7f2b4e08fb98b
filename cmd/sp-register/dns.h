/* Questions to DNS that do not block the loop; and to /etc/hosts. */
#ifndef SP_REGISTER_DNS_H
#define SP_REGISTER_DNS_H

#include <event2/event.h>
#include <stdint.h>

#include "cmd/sp-register/hop.h"
#include "lib/err.h"

enum { DNS_NAME_SIZE = 256, DNS_MAX_SERVERS = 8, DNS_MAX_ADDRESSES = 8 };

struct dns;

/* server: "192.0.2.53" or "192.0.2.53:5353", or several with commas, asked
 * instead of those of resolv.conf; NULL: those. Fails with SP_CONFIG when it is no such thing. */
int dns_new(struct dns **dns, struct event_base *base, const char *server,
	struct sp_err *err);

/* What is under way is answered with DNS_FAILED. Accepts NULL. */
void dns_free(struct dns *dns);

enum dns_result {
	DNS_FOUND,
	DNS_NONE,   /* there is no such name, or it has none of these */
	DNS_FAILED, /* no server has said */
};

struct dns_server {
	uint16_t priority, weight, port;
	char name[DNS_NAME_SIZE];
};

/* Good until it returns. ttl_ms: for how long it holds. Of a name that says
 * that the service is not there (RFC 2782, "."), n is 0 and the result
 * DNS_FOUND. */
typedef void dns_servers_done(void *arg, enum dns_result result,
	const struct dns_server *servers, int n, int64_t ttl_ms);

/* addresses: with port 0, the better ones first (RFC 6724). */
typedef void dns_addresses_done(void *arg, enum dns_result result,
	const union hop_address *addresses, int n, int64_t ttl_ms);

/* SRV records; of more than DNS_MAX_SERVERS, those that go first. `done` is
 * called once, perhaps before this returns. */
void dns_ask_servers(struct dns *dns, const char *name, dns_servers_done *done,
	void *arg);

/* A and AAAA records. Likewise. */
void dns_ask_addresses(struct dns *dns, const char *name,
	dns_addresses_done *done, void *arg);

#endif
