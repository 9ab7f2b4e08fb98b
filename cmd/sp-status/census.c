/* sp-status: what monitoring counts. */
#include "cmd/sp-status/census.h"

#include <stdlib.h>

#include "lib/call_stats.h"
#include "lib/server.h"

/* ---- which tenants ----------------------------------------------------- */

/* Makes room for n of them from `first` on. */
static int add_tenants(struct census *c, struct sp_tenant *first, size_t n,
	struct sp_err *err)
{
	c->at = calloc(n, sizeof *c->at);
	if (c->at == NULL)
		return sp_err_memory(err);
	for (c->n = 0; c->n < n; c->n++) {
		struct tenant_census *t = &c->at[c->n];

		t->tenant = &first[c->n];
		t->range = calloc(t->tenant->pool.all.n + 1, sizeof *t->range);
		if (t->range == NULL)
			return sp_err_memory(err);
	}
	return 0;
}

static int choose_tenants(struct work *w, struct census *c, struct sp_err *err)
{
	const char *named = w->common.tenant;
	struct sp_tenant *tenant;

	if (named == NULL)
		named = getenv("SP_TENANT");
	if (named == NULL || named[0] == '\0')
		return add_tenants(c, w->app.config.tenants,
			w->app.config.n_tenants, err);
	return sp_config_tenant(&w->app.config, named, &tenant, err) != 0
		       ? -1
		       : add_tenants(c, tenant, 1, err);
}

/* ---- counting ---------------------------------------------------------- */

static int count_states(const struct sp_scope *scope, struct tenant_census *t,
	struct sp_err *err)
{
	const struct sp_status *status;
	struct sp_status_list *list;
	int rc = sp_status_open(scope, &list, err);

	if (rc != 0)
		return -1;
	while ((rc = sp_status_next(list, &status, err)) == 1)
		t->state[status->state]++;
	sp_status_close(list);
	return rc;
}

static int count_pool(const struct sp_scope *scope, struct tenant_census *t,
	struct sp_err *err)
{
	const struct sp_ranges *all = &t->tenant->pool.all;

	for (size_t i = 0; i < all->n; i++) {
		const struct sp_pool_count *range = &t->range[i];

		if (sp_pool_count_range(scope, &all->at[i], &t->range[i],
			    err) != 0)
			return -1;
		t->pool.size += range->size;
		t->pool.assigned += range->assigned;
		t->pool.free += range->free;
		t->pool.resting += range->resting;
		t->pool.reserved += range->reserved;
	}
	/* Most numbers that nobody has have no row. */
	t->state[SP_FREE] = t->pool.free;
	t->state[SP_RESTING] = t->pool.resting;
	t->state[SP_RESERVED] = t->pool.reserved;
	return 0;
}

static int count_tenant(struct sp_scope *scope, struct tenant_census *t,
	struct sp_err *err)
{
	if (sp_tenant_open(t->tenant, scope->db, false, err) != 0)
		return -1;
	scope->tenant = t->tenant;
	return count_states(scope, t, err) != 0 ||
			       count_pool(scope, t, err) != 0 ||
			       sp_call_count_open(scope, &t->ringing,
				       &t->answered, err) != 0
		       ? -1
		       : 0;
}

static int set_clocks(struct work *w, struct census *c, struct sp_err *err)
{
	int64_t since_ms;

	c->now_ms = sp_clock_now_ms();
	w->app.scope = (struct sp_scope){.db = w->app.db,
		.tool = w->app.tool,
		.now_ms = c->now_ms};
	if (sp_server_last_beat(w->app.db, &c->heartbeat_ms, err) != 0)
		return -1;
	return sp_server_as_of(w->app.db, c->now_ms, &w->app.scope.phones_ms,
		&since_ms, err);
}

int census_take(struct work *w, struct census *c, struct sp_err *err)
{
	*c = (struct census){.at = NULL};
	if (sp_config_load(&w->app.config, w->common.config, w->common.db,
		    err) != 0 ||
		choose_tenants(w, c, err) != 0 ||
		sp_db_open(&w->app.db, w->app.config.db, SP_DB_READ,
			SP_APP_WAIT_MS, err) != 0 ||
		set_clocks(w, c, err) != 0)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		if (count_tenant(&w->app.scope, &c->at[i], err) != 0)
			return -1;
	return 0;
}

void census_release(struct census *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->at[i].range);
	free(c->at);
	*c = (struct census){.at = NULL};
}
