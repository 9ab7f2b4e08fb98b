/* What monitoring counts: the extensions and the numbers of each tenant, and
 * the server. Unlike the listings it is about all tenants when none is named. */
#ifndef SP_CMD_SP_STATUS_CENSUS_H
#define SP_CMD_SP_STATUS_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/pool.h"

struct tenant_census {
	struct sp_tenant *tenant; /* the configuration's */
	/* Of those that somebody has: who has a number that is in no pool now
	 * counts. Free, resting and reserved: the pool's, in all. */
	int64_t state[SP_N_STATES];
	struct sp_pool_count *range; /* tenant->pool.all.n of them */
	struct sp_pool_count pool;   /* their sum */
	int64_t ringing, answered;   /* calls in progress */
};

struct census {
	struct tenant_census *at;
	size_t n;
	int64_t now_ms;
	int64_t heartbeat_ms; /* 0: no server has ever run */
};

/* Reads the configuration, opens the database (w->app) and counts. Without a
 * server the softphones stand still. Release in any case. */
int census_take(struct work *w, struct census *census, struct sp_err *err);
void census_release(struct census *census);

#endif
