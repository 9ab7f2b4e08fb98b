/* A tenant and an empty database in memory, in one open transaction: for the
 * modules that keep what they know in it. */
#ifndef SP_TESTS_UNIT_WORLD_H
#define SP_TESTS_UNIT_WORLD_H

#include <stdlib.h>

#include "lib/assignment.h"
#include "lib/db.h"
#include "lib/extension.h"
#include "lib/scope.h"
#include "lib/tenant.h"
#include "tests/unit/unit.h"

/* 2026-11-23T09:30:00Z */
#define WORLD_NOW_MS INT64_C(1795426200000)

struct world {
	struct sp_db *db;
	struct sp_tenant tenant; /* acme.example, without a pool */
	struct sp_scope scope;
	struct sp_err err;
	int64_t seen; /* the last event that world_events has told */
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
 * Returns what the user got, or what sp_assignment_make complains of; good
 * until the next call. */
static inline const char *world_assign(struct world *w, const char *login,
	const char *number)
{
	static struct sp_assigned assigned;
	const struct sp_assign assign = {.login = login, .number = number};

	return sp_assignment_make(&w->scope, NULL, &assign, &assigned,
		       &w->err) == 0
		       ? assigned.number
		       : w->err.msg;
}

static inline struct sp_extension world_extension(struct world *w,
	const char *operand)
{
	struct sp_extension extension;

	world_must(w,
		sp_extension_get(&w->scope, operand, &extension, &w->err) == 0,
		operand);
	return extension;
}

/* The number rests as the tenant says. */
static inline void world_recycle(struct world *w, const char *operand)
{
	const struct sp_extension extension = world_extension(w, operand);

	world_must(w,
		sp_extension_recycle(&w->scope, &extension, w->tenant.rest_ms,
			&w->err) == 0,
		operand);
}

/* Runs one statement, whose text is a constant. */
static inline void world_run(struct world *w, const char *sql)
{
	world_must(w, sp_db_exec(w->db, sql, SP_NO_ARGS, NULL, &w->err) == 0,
		sql);
}

/* Commits, and begins anew: another process has changed the schema. */
static inline void world_turn(struct world *w)
{
	world_must(w,
		sp_db_commit(w->db, &w->err) == 0 &&
			sp_db_begin(w->db, &w->err) == 0,
		"the next transaction");
}

/* The first column of a query's rows, with ", " between them; good until the
 * fourth call from here. */
static inline const char *world_rows(struct world *w, const char *sql,
	const struct sp_value *args)
{
	static char texts[4][2048];
	static int i;
	char *text = texts[i = (i + 1) % 4];
	struct sp_stmt *row;
	size_t n = 0;
	int rc;

	text[0] = '\0';
	world_must(w, sp_db_query(w->db, sql, args, &row, &w->err) == 0, sql);
	while ((rc = sp_db_step(row, &w->err)) == 1 && n < sizeof texts[0])
		n += (size_t)snprintf(text + n, sizeof texts[0] - n, "%s%s",
			n == 0 ? "" : ", ", sp_col_text(row, 0));
	sp_db_done(row);
	world_must(w, rc == 0, sql);
	return text;
}

static inline const char *world_text(struct world *w, const char *sql)
{
	return world_rows(w, sql, SP_NO_ARGS);
}

/* What has happened since the last call: "1000 assigned:>1000", that is number,
 * event, old value and new value. */
static inline const char *world_events(struct world *w)
{
	static const char LIST[] =
		"SELECT number || ' ' || what || CASE"
		" WHEN old_value = '' AND new_value = '' THEN ''"
		" ELSE ':' || old_value || '>' || new_value END"
		" FROM event WHERE seq > $1 ORDER BY seq",
			  LAST[] = "SELECT coalesce(max(seq), 0) FROM event";
	const char *text = world_rows(w, LIST, SP_ARGS(sp_int(w->seen)));

	w->seen = atoll(world_text(w, LAST));
	return text;
}

#endif
