/* The configuration: sp.yaml, or the built-in defaults when there is none. */
#ifndef SP_LIB_CONFIG_H
#define SP_LIB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/network.h"
#include "lib/tenant.h"

enum sp_transport { SP_UDP, SP_TCP, SP_TLS, SP_N_TRANSPORTS };

/* "udp", "tcp", "tls". */
const char *sp_transport_name(enum sp_transport transport);

/* "udp:127.0.0.1:5060", "tls:[::1]:5061", taken apart. */
struct sp_listen {
	enum sp_transport transport;
	char *text; /* as written */
	char *host; /* an IPv4 or IPv6 address, without brackets */
	int port;   /* 0 lets the kernel choose */
};

struct sp_config {
	char *path;         /* the file that was read; NULL: there is none */
	char *db;           /* path of the database; never NULL */
	int64_t history_ms; /* how long events and sessions are kept: 90 d */
	struct sp_listen *listen;
	size_t n_listen;
	char *tls_certificate, *tls_key; /* PEM files; NULL: there are none */
	char *user; /* that the server becomes when root starts it; or NULL */
	char *resolver; /* "192.0.2.53:53", asked for names; NULL: the system's */
	struct sp_network *trusted; /* peers whose calls need no digest */
	size_t n_trusted;
	struct sp_tenant *tenants;
	size_t n_tenants;
};

/* Reads `path`; NULL looks for $SP_CONFIG, $XDG_CONFIG_HOME/sp/sp.yaml (or
 * ~/.config/sp/sp.yaml) and /etc/sp/sp.yaml, and takes the defaults when none
 * is there: database $XDG_STATE_HOME/sp/sp.db (or ~/.local/state/sp/sp.db),
 * udp:127.0.0.1:5060, one tenant `localhost` with the pool 1000-9999.
 * `db`, when not NULL, else $SP_DB, overrides the `db:` of the file.
 * Fails with SP_CONFIG and "FILE:LINE: what is wrong, what was expected", or
 * SP_NOINPUT when a file that was named is missing. Release in any case. */
int sp_config_load(struct sp_config *config, const char *path, const char *db,
	struct sp_err *err);
void sp_config_release(struct sp_config *config);

/* The tenant of that domain or alias; NULL: $SP_TENANT, else the only one.
 * Fails with SP_USAGE and lists the tenants. */
int sp_config_tenant(struct sp_config *config, const char *domain,
	struct sp_tenant **tenant, struct sp_err *err);

/* The tenant of that domain or alias, NULL when there is none. */
struct sp_tenant *sp_config_find_tenant(const struct sp_config *config,
	const char *name);

/* Listens there instead of where the file says. Fails with SP_USAGE. */
int sp_config_set_listen(struct sp_config *config, const char *const *text,
	size_t n, struct sp_err *err);
/* Is the peer at that IPv4 or IPv6 address one of `trusted`? */
bool sp_config_is_trusted(const struct sp_config *config, const char *ip);

/* Is it the address of a name server: "192.0.2.53", "192.0.2.53:5353", "[::1]",
 * "[::1]:5353"? */
bool sp_resolver_is_address(const char *text);

/* Takes apart "udp:HOST:PORT", or with tcp or tls. Fails with SP_CONFIG. */
int sp_listen_parse(struct sp_listen *listen, const char *text,
	struct sp_err *err);
void sp_listen_release(struct sp_listen *listen);

#endif
