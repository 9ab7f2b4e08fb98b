/* What a server that has just started says of itself. */
#include "cmd/sp-register/serving.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/extension.h"
#include "lib/pool.h"
#include "lib/secret.h"

enum { MAX_TRY = 1024 };

struct facts {
	struct sp_pool_count pool;
	struct sp_extension first; /* number "": nobody has one */
	bool has_secret;           /* the first one's user */
};

void serving_choose(struct serving_at *at, enum sp_transport transport,
	const char *address)
{
	static const char *const ANY[][2] = {
		{"0.0.0.0:", "127.0.0.1:"},
		{"[::]:", "[::1]:"},
	};

	if (at->address[0] != '\0' && at->transport <= transport)
		return;
	at->transport = transport;
	snprintf(at->address, sizeof at->address, "%s", address);
	for (size_t i = 0; i < sizeof ANY / sizeof ANY[0]; i++) {
		size_t len = strlen(ANY[i][0]);

		if (strncmp(address, ANY[i][0], len) == 0)
			snprintf(at->address, sizeof at->address, "%s%s",
				ANY[i][1], address + len);
	}
}

static int count_pool(const struct sp_scope *scope, struct sp_pool_count *sum,
	struct sp_err *err)
{
	const struct sp_ranges *all = &scope->tenant->pool.all;
	struct sp_pool_count n;

	for (size_t i = 0; i < all->n; i++) {
		if (sp_pool_count_range(scope, &all->at[i], &n, err) != 0)
			return -1;
		sum->assigned += n.assigned;
		sum->free += n.free;
	}
	return 0;
}

static int find_facts(const struct sp_scope *scope, struct facts *f,
	struct sp_err *err)
{
	int rc;

	*f = (struct facts){.has_secret = false};
	if (count_pool(scope, &f->pool, err) != 0)
		return -1;
	rc = sp_extension_next(scope, "", &f->first, err);
	if (rc == 1)
		rc = sp_secret_exists(scope, f->first.user.login, err);
	f->has_secret = rc == 1;
	return rc < 0 ? -1 : 0;
}

/* " NAME VALUE"; nothing without a value. */
static void put_option(char out[MAX_TRY], const char *name, const char *value)
{
	size_t len = strlen(out);

	if (value != NULL)
		snprintf(out + len, MAX_TRY - len, " %s %s", name, value);
}

/* A softphone's login; before that somebody must have a number and a secret, by
 * the same configuration and database. domain: NULL where it need not be
 * said. */
static void put_assign(const struct serve_options *o, const char *domain,
	const struct facts *f, char out[MAX_TRY])
{
	const char *login = f->first.user.login;

	snprintf(out, MAX_TRY, "sp-assign");
	put_option(out, "-c", o->config);
	put_option(out, "-d", o->db);
	put_option(out, "-t", domain);
	put_option(out, "-s", login[0] == '\0' ? "LOGIN" : login);
}

static void put_login(const struct serving_at *at, const char *domain,
	const struct facts *f, char out[MAX_TRY])
{
	snprintf(out, MAX_TRY, "sp-register login %s@%s", f->first.number,
		domain);
	put_option(out, "--server", at->address);
	put_option(out, "--transport",
		at->transport == SP_UDP ? NULL
					: sp_transport_name(at->transport));
}

static void tell_tenant(const struct facts *f, const struct sp_tenant *tenant,
	const char *try, struct log *log)
{
	char assigned[24], free[24];

	snprintf(assigned, sizeof assigned, "%" PRId64, f->pool.assigned);
	snprintf(free, sizeof free, "%" PRId64, f->pool.free);
	log_write(log, LOG_INFO, "serving",
		LOG_FIELDS({"domain", tenant->domain}, {"assigned", assigned},
			{"free", free}, {"try", try}));
}

void serving_tell(const struct serve_options *options, struct sp_config *config,
	struct sp_db *db, const struct serving_at *at, struct log *log)
{
	char try[MAX_TRY], more[24];
	struct facts f;
	struct sp_err err;

	if (log->level < LOG_INFO)
		return;
	for (size_t i = 0; i < config->n_tenants && i < SERVING_MAX; i++) {
		const struct sp_tenant *tenant = &config->tenants[i];
		const struct sp_scope scope = {.db = db,
			.tenant = tenant,
			.now_ms = sp_clock_now_ms()};

		if (find_facts(&scope, &f, &err) != 0)
			return;
		if (f.has_secret)
			put_login(at, tenant->domain, &f, try);
		else
			put_assign(options,
				config->n_tenants == 1 ? NULL : tenant->domain,
				&f, try);
		tell_tenant(&f, tenant, try, log);
	}
	if (config->n_tenants <= SERVING_MAX)
		return;
	snprintf(more, sizeof more, "%zu", config->n_tenants - SERVING_MAX);
	log_write(log, LOG_INFO, "serving", LOG_FIELDS({"more", more}));
}
