/* A tenant: what the configuration says of it, and its row. */
#include "lib/tenant.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char FIND_TENANT[] = "SELECT id FROM tenant WHERE domain = $1";
static const char ADD_TENANT[] = "INSERT INTO tenant (domain) VALUES ($1)"
				 " ON CONFLICT (domain) DO NOTHING";

static const char WITH_USERS[] =
	"SELECT domain FROM tenant t WHERE EXISTS"
	" (SELECT 1 FROM sp_user u WHERE u.tenant_id = t.id) ORDER BY id";

int sp_tenant_init(struct sp_tenant *tenant, const char *domain,
	struct sp_err *err)
{
	*tenant = (struct sp_tenant){
		.refresh_ms = 15000,
		.timeout_ms = 30000,
		.min_ms = 10000,
		.max_contacts = 5,
		.digest = {SP_MD5},
		.n_digest = 1,
		.calls = SP_CALLS_ALL,
	};
	tenant->domain = strdup(domain);
	if (tenant->domain == NULL)
		return sp_err_memory(err);
	for (char *p = tenant->domain; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

void sp_tenant_release(struct sp_tenant *tenant)
{
	for (size_t i = 0; i < tenant->n_aliases; i++)
		free(tenant->aliases[i]);
	free(tenant->aliases);
	sp_pool_release(&tenant->pool);
	free(tenant->voicemail);
	free(tenant->gateway);
	free(tenant->domain);
}

/* [::1] is ::1. */
static const char *without_brackets(const char *host, size_t *len)
{
	if (*len < 2 || host[0] != '[')
		return host;
	*len -= 2;
	return host + 1;
}

static bool is_name(const char *name, const char *host, size_t len)
{
	size_t n = strlen(name);

	name = without_brackets(name, &n);
	host = without_brackets(host, &len);
	return n == len && strncasecmp(name, host, len) == 0;
}

bool sp_tenant_is_named(const struct sp_tenant *tenant, const char *host,
	size_t len)
{
	if (is_name(tenant->domain, host, len))
		return true;
	for (size_t i = 0; i < tenant->n_aliases; i++)
		if (is_name(tenant->aliases[i], host, len))
			return true;
	return false;
}

int sp_tenant_open(struct sp_tenant *tenant, struct sp_db *db, bool create,
	struct sp_err *err)
{
	const struct sp_value *args = SP_ARGS(sp_text(tenant->domain));
	struct sp_stmt *st;
	int rc;

	if (create && sp_db_exec(db, ADD_TENANT, args, NULL, err) != 0)
		return -1;
	rc = sp_db_first(db, FIND_TENANT, args, &st, err);
	if (rc == 1) {
		tenant->id = sp_col_int(st, 0);
		sp_db_done(st);
	}
	return rc < 0 ? -1 : 0;
}

static bool is_one_of(const struct sp_tenant *tenants, size_t n,
	const char *domain)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(tenants[i].domain, domain) == 0)
			return true;
	return false;
}

int sp_tenant_find_stranger(const struct sp_tenant *tenants, size_t n,
	struct sp_db *db, char domain[SP_DOMAIN_SIZE], struct sp_err *err)
{
	struct sp_stmt *row;
	int rc;

	if (sp_db_query(db, WITH_USERS, SP_NO_ARGS, &row, err) != 0)
		return -1;
	while ((rc = sp_db_step(row, err)) == 1) {
		sp_col_copy(row, 0, domain, SP_DOMAIN_SIZE);
		if (!is_one_of(tenants, n, domain))
			break;
	}
	sp_db_done(row);
	return rc;
}
