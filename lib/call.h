/* A call: who spoke to whom, and how it ended. Calls in progress are rows, and
 * stay as the record of the call. Knows nothing of SIP messages. */
#ifndef SP_LIB_CALL_H
#define SP_LIB_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/forward.h"
#include "lib/pool.h"
#include "lib/scope.h"
#include "lib/user.h"

enum {
	SP_CALL_ID_SIZE_MAX = 256, /* as SP_CALL_ID_SIZE of lib/binding.h */
	SP_CALL_PARTY_SIZE = 256,  /* an extension, +NUMBER, or a URI */
	SP_CALL_TAG_SIZE = 128,
	SP_CALL_ROUTE_SIZE = 256,
	SP_CALL_MAX_AGE_MS = 12 * 3600 * 1000, /* of a call that nobody ends */
};

/* How calls end; stored as text, and shown. */
#define SP_CALL_HUNG_UP     "hung-up"   /* BYE, by either side */
#define SP_CALL_CANCELLED   "cancelled" /* by the caller, before an answer */
#define SP_CALL_BUSY        "busy"
#define SP_CALL_NO_ANSWER   "no-answer"
#define SP_CALL_UNREACHABLE "unreachable" /* offline, and no rule for it */
#define SP_CALL_REJECTED    "rejected"    /* by a rule or the callee */
#define SP_CALL_FAILED      "failed"      /* any other final response */
#define SP_CALL_AGED_OUT    "aged-out"    /* nobody ended it in time */

struct sp_call {
	int64_t id; /* 0: has no row */
	char sip_call_id[SP_CALL_ID_SIZE_MAX];
	char caller_tag[SP_CALL_TAG_SIZE]; /* From tag of the INVITE */
	char caller[SP_CALL_PARTY_SIZE];   /* extension, or URI of a peer */
	/* Whose extension that is, if known: spares its events a query. Is not
	 * in the row. */
	char login[SP_LOGIN_SIZE];
	char dialled[SP_CALL_PARTY_SIZE]; /* what was dialled */
	/* Where it rings, or who has answered: the extension, or where it was
	 * sent; "" when it has rung nowhere. */
	char callee[SP_CALL_PARTY_SIZE];
	int64_t started_ms;
	int64_t answered_ms; /* 0: not yet, or never */
	int64_t ended_ms;    /* 0: in progress */
	int64_t expires_ms;  /* when it ages out if nobody ends it */
	char ending[16];     /* SP_CALL_...; "" in progress */
	int status;          /* of the last final response; 0: none */
	/* The server's own, to find its way in the call after a restart. */
	char route[SP_CALL_ROUTE_SIZE];
};

/* All of these expect the caller's transaction but for those that only read.
 * Each writes its event, with the extension that it is about: the caller's when
 * that is one of the tenant's, else the callee's or the one that was dialled. A
 * call that has ended already, or has no row, is left as it is, without an
 * event.
 *
 * Starts a call at scope->now_ms: fills in id and started_ms. It rings at
 * call->callee from the beginning; "": nowhere yet. Event "call-started", new
 * value what was dialled, old value who calls. */
int sp_call_start(const struct sp_scope *scope, struct sp_call *call,
	struct sp_err *err);

/* It rings at call->callee now, until call->expires_ms at most, and where it rang
 * before not any more; "": it rings nowhere. */
int sp_call_ring(const struct sp_scope *scope, const struct sp_call *call,
	struct sp_err *err);

/* It was diverted from an extension: event "call-diverted" of `number`, old
 * value the condition, new value the target. It rings nowhere now. */
int sp_call_divert(const struct sp_scope *scope, const struct sp_call *call,
	const char *number, enum sp_condition condition, const char *target,
	struct sp_err *err);

/* It was answered at scope->now_ms, by callee: sets answered_ms. Writes
 * expires_ms, route and status. Event "call-answered", new value who answered. One that
 * was answered before is left as it is. */
int sp_call_answer(const struct sp_scope *scope, struct sp_call *call,
	struct sp_err *err);

/* It goes on until call->expires_ms (RFC 4028), along call->route. No event. */
int sp_call_prolong(const struct sp_scope *scope, const struct sp_call *call,
	struct sp_err *err);

/* It ended at scope->now_ms: sets ended_ms; writes ending and status. Nobody is
 * ringing or busy with it any more. Event "call-ended", new value the ending,
 * and, when it was answered, the duration ("hung-up after 1m 12s"). */
int sp_call_end(const struct sp_scope *scope, struct sp_call *call,
	const char *ending, struct sp_err *err);

/* Fills list[] with the first `max` calls in progress, of all tenants, that
 * stand behind list[0] (all zero: from the first on) in the order of expires_ms;
 * tenant_ids[] with their tenants. Returns their number or -1. */
int sp_call_list_open(const struct sp_scope *scope, struct sp_call *list,
	int64_t *tenant_ids, int max, struct sp_err *err);

/* Ends, as aged out, up to `max` calls whose expires_ms is past, in all tenants:
 * also those of another server process; they have ended at expires_ms. Their
 * ids go into ids[]. Returns their number or -1. */
int sp_call_age_out(const struct sp_scope *scope, int64_t *ids, int max,
	struct sp_err *err);

/* Fills list[] with the first `max` calls from or to an extension, or diverted
 * by it, that began after after_ms, oldest first; of those that began in the
 * same millisecond all or none, if there is room for them at all. Returns their
 * number or -1. */
int sp_call_list(const struct sp_scope *scope, const char *number,
	int64_t after_ms, struct sp_call *list, int max, struct sp_err *err);

/* What an extension is in a call with. */
struct sp_call_presence {
	bool is_answered;
	int64_t since_ms; /* when it was answered, or began to ring */
};

/* Is a number in a call at scope->now_ms, as the caller or the callee, that came
 * to it at from_ms or later? Calls are known by the number alone: from_ms is when
 * its owner got it, so that a call which goes on after its owner has left the
 * number is neither the next one's nor that of the owner at another number.
 * Returns 1 with the one that was answered first, or else has rung longest; 0
 * when there is none; -1. */
int sp_call_presence(const struct sp_scope *scope, const char *number,
	int64_t from_ms, struct sp_call_presence *presence, struct sp_err *err);

/* As sp_event_prune, of which it is a part. */
int sp_call_prune(const struct sp_scope *scope, int64_t before_ms, int64_t max,
	struct sp_err *err);

#endif
