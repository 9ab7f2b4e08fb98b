/* A tenant: one customer, named by its access domain; what the configuration
 * says of it. */
#ifndef SP_LIB_TENANT_H
#define SP_LIB_TENANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/call_right.h"
#include "lib/db.h"
#include "lib/err.h"
#include "lib/forward.h"
#include "lib/hash.h"
#include "lib/pool.h"

enum {
	SP_DOMAIN_SIZE = 254, /* RFC 1035: 253 characters, and a NUL */
};

struct sp_tenant {
	int64_t id;     /* its row; 0 before sp_tenant_open */
	char *domain;   /* in lower case; also the digest realm */
	char **aliases; /* other names clients may use for it */
	size_t n_aliases;
	struct sp_pool pool;
	int64_t rest_ms;      /* how long a recycled number stays unused */
	int64_t refresh_ms;   /* how often a softphone refreshes: 15 s */
	int64_t timeout_ms;   /* the expiry that is granted: 30 s */
	int64_t min_ms;       /* a shorter one asked for is refused: 10 s */
	int64_t max_contacts; /* bindings of one extension: 5 */
	enum sp_hash_kind digest[SP_N_HASHES]; /* what softphones are offered */
	size_t n_digest;                       /* of these: MD5 alone */
	char *voicemail; /* URI with {number}; NULL: there is none */
	char *gateway;   /* URI for external numbers; NULL: there is none */
	enum sp_call_right
		calls; /* of extensions that have none of their own */
	struct sp_rule defaults[SP_N_CONDITIONS]; /* target "": no rule */
};

/* Fills in the built-in defaults; `domain` is copied. Fails when out of
 * memory; release in any case. */
int sp_tenant_init(struct sp_tenant *tenant, const char *domain,
	struct sp_err *err);
void sp_tenant_release(struct sp_tenant *tenant);

/* Is `host` (of a SIP URI, len bytes, any case, an IPv6 address with or
 * without its brackets) this tenant? */
bool sp_tenant_is_named(const struct sp_tenant *tenant, const char *host,
	size_t len);

/* Sets tenant->id. A tenant that has no row yet keeps id 0, or gets one when
 * `create` is true, which expects the caller's transaction. */
int sp_tenant_open(struct sp_tenant *tenant, struct sp_db *db, bool create,
	struct sp_err *err);

/* Looks for a tenant that has users in the database and is none of these n: a
 * typo in `domain:` would hide them all without a word. Returns 1 and writes
 * its domain, 0 when there is none, -1 on error. */
int sp_tenant_find_stranger(const struct sp_tenant *tenants, size_t n,
	struct sp_db *db, char domain[SP_DOMAIN_SIZE], struct sp_err *err);

#endif
