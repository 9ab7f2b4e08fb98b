/* In what a core call works: the database, the tenant, who asks, and when.
 * Every function that reads or writes a tenant's nouns takes one first. */
#ifndef SP_LIB_SCOPE_H
#define SP_LIB_SCOPE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/db.h"
#include "lib/tenant.h"

struct sp_scope {
	struct sp_db *db;
	const struct sp_tenant *tenant;
	const char *tool;  /* for events: "sp-assign" */
	const char *actor; /* for events: the person, also under sudo */
	int64_t now_ms;    /* one moment for all that the call does */
	/* Until when a server has listened to the softphones, if that is over:
	 * they are shown as they were then. 0: now_ms. */
	int64_t phones_ms;
	struct sp_pool_cursor *cursor; /* NULL but for a batch that assigns */
};

#endif
