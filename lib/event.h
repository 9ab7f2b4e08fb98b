/* An event: one line of history. Who did what to which extension, when. */
#ifndef SP_LIB_EVENT_H
#define SP_LIB_EVENT_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/pool.h"
#include "lib/scope.h"

/* What is to be written. Texts are borrowed, and never a secret. */
struct sp_event {
	const char *number;
	const char *login;     /* NULL: of who has the number now, or "" */
	const char *what;      /* one word: "assigned" */
	const char *old_value; /* NULL: there is none */
	const char *new_value; /* or the cause; NULL: there is none */
};

/* Appends an event at scope->now_ms, by scope->tool and scope->actor. Expects
 * the caller's transaction. */
int sp_event_add(const struct sp_scope *scope, const struct sp_event *event,
	struct sp_err *err);

enum { SP_EVENT_VALUE_SIZE = 640 };

/* What was written. */
struct sp_event_row {
	int64_t seq; /* from 1, rising; those of one file leave out none */
	int64_t at_ms;
	char number[SP_NUMBER_SIZE];
	char login[65];
	char what[32];
	char old_value[SP_EVENT_VALUE_SIZE];
	char new_value[SP_EVENT_VALUE_SIZE];
	char tool[32];
	char actor[65]; /* the person, also under sudo */
};

/* Which events: those behind seq `after`; of one number or one login only,
 * where that is not NULL. */
struct sp_event_query {
	int64_t after;
	const char *number, *login;
};

/* Fills list[] with the tenant's first `max` of them, oldest first. Returns
 * their number or -1. */
int sp_event_list(const struct sp_scope *scope,
	const struct sp_event_query *query, struct sp_event_row *list, int max,
	struct sp_err *err);

/* The sequence numbers, over all tenants of the file, of the oldest event that
 * is kept and of the last one that was written; 0 when there is none. */
int sp_event_bounds(const struct sp_scope *scope, int64_t *oldest,
	int64_t *last, struct sp_err *err);

/* One step of pruning. */
struct sp_prune {
	int64_t before_ms;  /* what is older goes */
	int64_t max;        /* rows of each table that are looked at */
	int64_t session_id; /* where to go on; 0 at first, kept by the caller */
};

/* Deletes what of history is older: events but for the last one, tenures, calls
 * that are over, and login sessions that have ended but for an owner's last one.
 * Of all tenants. Expects the caller's transaction. */
int sp_event_prune(const struct sp_scope *scope, struct sp_prune *prune,
	struct sp_err *err);

#endif
