/* The route of a call: where a call to a number goes now, one step after the
 * other. Decides only: without SQL, clock or SIP. `sp-forward --resolve` prints
 * it, the SIP proxy carries it out. */
#ifndef SP_LIB_ROUTE_H
#define SP_LIB_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/forward.h"
#include "lib/pool.h"
#include "lib/tenant.h"

enum { SP_ROUTE_DIVERSIONS = 5 }; /* of one call */

/* What the route needs to know of an extension. A rule with target "" or
 * enabled false is none; whether it is in force now is the asker's to say. */
struct sp_route_facts {
	bool is_assigned;
	bool is_registered;   /* has a live binding */
	int64_t extension_id; /* its row, for who carries the route out */
	struct sp_rule rules[SP_N_CONDITIONS];
};

/* Fills in the facts, all zero before, of an extension: digits, in the pool or
 * not. Only numbers that the call comes to or might be diverted to next are
 * asked for. Returns 0 or -1. */
typedef int sp_route_ask_fn(const void *arg, const char *number,
	struct sp_route_facts *facts, struct sp_err *err);

enum sp_route_action {
	SP_ROUTE_RING,   /* all bindings of `number`, for after_ms */
	SP_ROUTE_DIVERT, /* say so to the caller (181), and go on */
	SP_ROUTE_SEND,   /* to `target`; its answer is the caller's */
	SP_ROUTE_REFUSE, /* with `status` */
};

/* What became of SP_ROUTE_RING. */
enum sp_route_outcome {
	SP_ROUTE_START,     /* before the first step, after SP_ROUTE_DIVERT */
	SP_ROUTE_BUSY,      /* 486, 600 */
	SP_ROUTE_NO_ANSWER, /* it rang for after_ms */
	SP_ROUTE_OFFLINE,   /* unreachable, 480, 408: all of them */
};

struct sp_route_step {
	enum sp_route_action action;
	/* Whose step: an extension, or the +NUMBER that was dialled; "" when
	 * what was dialled is neither. */
	char number[SP_NUMBER_SIZE + 1];
	enum sp_condition condition; /* DIVERT: of the rule */
	bool is_default;             /* DIVERT: the rule is the tenant's */
	/* DIVERT: as the rule has it; SEND: a SIP URI; else "". */
	char target[SP_TARGET_SIZE];
	int64_t after_ms;     /* RING: how long */
	int64_t extension_id; /* RING: as the facts say */
	int status;           /* REFUSE: of the SIP response */
	/* A constant. REFUSE: why. RING and DIVERT: why the `always` rule,
	 * which would have come first, was passed over; else "". */
	const char *why;
};

enum sp_route_state {
	SP_ROUTE_DIALLED,  /* nothing is known yet */
	SP_ROUTE_ARRIVED,  /* at an extension */
	SP_ROUTE_RINGING,  /* there; an outcome is awaited */
	SP_ROUTE_LEAVING,  /* for `uri` */
	SP_ROUTE_REJECTED, /* by a rule */
	SP_ROUTE_ENDED,
};

/* A route that is being followed; the caller's, nothing to release. Its fields
 * are the module's. */
struct sp_route {
	const struct sp_tenant *tenant;
	const char *dialled;
	sp_route_ask_fn *ask;
	const void *arg;
	enum sp_route_state state;
	char number[SP_ROUTE_DIVERSIONS + 1][SP_NUMBER_SIZE]; /* as visited */
	int n;
	int n_before; /* diversions of the call before it came here */
	struct sp_route_facts facts; /* of number[n - 1] */
	char uri[SP_TARGET_SIZE];
};

/* Begins the route of a call to what was dialled: the user part of the
 * Request-URI, or an operand. `tenant` and `arg` are borrowed as long as the
 * route is followed, `dialled` until the first step. */
void sp_route_begin(struct sp_route *route, const struct sp_tenant *tenant,
	const char *dialled, sp_route_ask_fn *ask, const void *arg);

/* The call has been diverted n times before it came here, elsewhere; they count.
 * Before the first step. */
void sp_route_note_diversions(struct sp_route *route, int n);

/* Takes the next step. `outcome` is looked at only after SP_ROUTE_RING, where
 * it must not be SP_ROUTE_START. Returns 1 and the step, 0 at the end (after
 * SP_ROUTE_SEND and SP_ROUTE_REFUSE), -1 when `ask` has failed: then nothing
 * has changed, and the same step can be asked for again.
 *
 * What was dialled:
 *   - Digits are an extension, and routed by its rules; not assigned: 404, so
 *     that the caller hears "no such number", not "away".
 *   - +NUMBER goes to the tenant's gateway; there is none: 404. Who may call
 *     there is not asked here.
 *   - Anything else, also the words that are targets: 404.
 *
 * At an extension, by the facts of when the call came to it:
 *   - `always` diverts, whether somebody is registered or not.
 *   - Else it rings when registered: as long as its no-answer rule says, or
 *     SP_AFTER_MS when there is none. Whether that rule can be followed is
 *     asked only when nobody has answered.
 *   - busy, no-answer, offline divert; not registered is offline at once. No
 *     rule: 486 when busy, else 480. The rules of the numbers before it are not
 *     returned to.
 *
 * Where a rule leads:
 *   - To an extension: it is routed by its own rules.
 *   - To voicemail: the box of the number whose rule it is, which may not be
 *     the one that was dialled.
 *   - To +NUMBER: the gateway, with the number as the user part of its URI.
 *   - To a URI: as it is written.
 *   - To reject: 603. A step SP_ROUTE_DIVERT says whose rule it is; it is
 *     nothing to tell the caller.
 *
 * A rule that cannot be followed counts as not there: in place of `always` it
 * rings or is offline, in place of the others the call is refused. `why` is:
 *   loop                the number was visited already
 *   too many diversions it would be one more than SP_ROUTE_DIVERSIONS, to
 *                       wherever; reject is no diversion and always works
 *   not assigned        the extension is free or resting by now
 *   no voicemail, no gateway   not in the configuration any more
 *   malformed target
 *   URI too long        for SP_TARGET_SIZE, with the number in it
 * A default that leads to the number itself is no rule, as in lib/forward.h:
 * the desk that takes everybody's calls has nobody to take its own. */
int sp_route_next(struct sp_route *route, enum sp_route_outcome outcome,
	struct sp_route_step *step, struct sp_err *err);

/* "ring", "divert", "send", "refuse". */
const char *sp_route_action_name(enum sp_route_action action);

#endif
