/* A tenant and an empty database in memory, in one open transaction: for the
 * modules that keep what they know in it. */
#ifndef SP_TESTS_UNIT_WORLD_H
#define SP_TESTS_UNIT_WORLD_H

#include <stdlib.h>

#include "lib/db.h"
#include "lib/extension.h"
#include "lib/scope.h"
#include "lib/tenant.h"
#include "lib/user.h"
#include "tests/unit/unit.h"

/* 2026-11-23T09:30:00Z */
#define WORLD_NOW_MS INT64_C(1795426200000)

struct world {
	struct sp_db *db;
	struct sp_tenant tenant; /* acme.example, without a pool */
	struct sp_scope scope;
	struct sp_err err;
};

/* Ends the program when what a test only prepares has failed. */
static inline void world_must(struct world *w, bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s: %s\n", what, w->err.msg);
	exit(2);
}

static inline void world_open(struct world *w)
{
	*w = (struct world){.err = {.msg = ""}};
	world_must(w,
		sp_db_open(&w->db, "/nonexistent/sp.db", SP_DB_TRIAL, 0,
			&w->err) == 0 &&
			sp_tenant_init(&w->tenant, "acme.example", &w->err) ==
				0 &&
			sp_db_begin(w->db, &w->err) == 0 &&
			sp_tenant_open(&w->tenant, w->db, true, &w->err) == 0,
		"a database in memory");
	w->scope = (struct sp_scope){.db = w->db,
		.tenant = &w->tenant,
		.tool = "unit",
		.actor = "unit",
		.now_ms = WORLD_NOW_MS};
}

static inline void world_close(struct world *w)
{
	sp_db_close(w->db);
	sp_tenant_release(&w->tenant);
}

/* Another pool and other reserved numbers, as after a change of the
 * configuration: lists of ranges with a space between them. */
static inline void world_set_pool(struct world *w, const char *all,
	const char *reserved)
{
	struct sp_pool *pool = &w->tenant.pool;
	char text[256], *save;

	sp_pool_release(pool);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof text, "%s", i == 0 ? all : reserved);
		for (char *range = strtok_r(text, " ", &save); range != NULL;
			range = strtok_r(NULL, " ", &save))
			world_must(w,
				sp_ranges_add(i == 0 ? &pool->all
						     : &pool->reserved,
					range, &w->err) == 0,
				range);
	}
	world_must(w, sp_pool_finish(pool, &w->err) == 0, all);
}

/* Gives a new user a number: that one, or the next free when it is NULL.
 * Returns what the user got, or what sp_user_assign complains of; good until
 * the next call. */
static inline const char *world_assign(struct world *w, const char *login,
	const char *number)
{
	static struct sp_assigned assigned;
	const struct sp_assign assign = {.login = login, .number = number};

	return sp_user_assign(&w->scope, NULL, &assign, &assigned, &w->err) == 0
		       ? assigned.number
		       : w->err.msg;
}

static inline void world_recycle(struct world *w, const char *operand)
{
	struct sp_extension extension;

	world_must(w,
		sp_extension_get(&w->scope, operand, &extension, &w->err) ==
				0 &&
			sp_extension_recycle(&w->scope, &extension, &w->err) ==
				0,
		operand);
}

#endif
