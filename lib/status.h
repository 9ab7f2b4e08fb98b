/* Who is assigned, on line, late, lost, busy: what sp-status shows. Derived from
 * the database and a moment, never from a process. */
#ifndef SP_LIB_STATUS_H
#define SP_LIB_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/binding.h"
#include "lib/extension.h"
#include "lib/forward.h"
#include "lib/scope.h"
#include "lib/tenure.h"

enum sp_state {
	SP_FREE,       /* not assigned; was used before */
	SP_RESTING,    /* the same, and may not be handed out yet */
	SP_RESERVED,   /* not assigned, and not to be */
	SP_AWAY,       /* "offline": assigned, no login session */
	SP_REGISTERED, /* a binding, refreshed in time */
	SP_LATE,       /* a binding whose refresh is overdue */
	SP_LOST,       /* the last binding ran out without a logout */
	SP_RINGING,    /* a binding, and a call that nobody has answered yet */
	SP_TALKING,    /* "busy": a binding, and an answered call */
	SP_N_STATES,
};

enum { SP_LATE_GRACE_MS = 2000 };

struct sp_status {
	struct sp_extension extension;
	enum sp_state state;
	int64_t since_ms; /* 0: not known */
	/* The session's contact, transport and user agent, or those of the
	 * newest live binding; "" when there was none. refreshed_ms and
	 * expires_ms are 0 without a binding. */
	struct sp_binding binding;
	struct sp_rule rules[SP_N_CONDITIONS]; /* in force; else target "" */
};

/* What the state follows from. */
struct sp_status_facts {
	bool is_assigned, is_reserved;
	int64_t free_from_ms;
	bool has_session, session_is_open, session_was_lost;
	const struct sp_binding *binding; /* the newest; NULL: none */
	int64_t refresh_ms;               /* the tenant's */
	bool is_in_call, call_is_answered;
};

/* Pure: the state at now_ms (DESIGN of the states: sp-status(1)). */
enum sp_state sp_status_derive(const struct sp_status_facts *facts,
	int64_t now_ms);

/* "registered"; parse returns false for no state's name. */
const char *sp_state_name(enum sp_state state);
bool sp_state_parse(const char *name, enum sp_state *out);

/* A walk over all extensions that have a row, by number: streams. Each page is
 * of one moment, the whole is not. scope must outlive it; no transaction may be
 * open. *status is borrowed until the next call. */
struct sp_status_list;
int sp_status_open(const struct sp_scope *scope, struct sp_status_list **list,
	struct sp_err *err);
int sp_status_next(struct sp_status_list *list, const struct sp_status **status,
	struct sp_err *err);                       /* 1, 0 at the end, -1 */
void sp_status_close(struct sp_status_list *list); /* accepts NULL */

/* The status of one number or login. A number of the pool that was never used
 * is free, or reserved. Fails as sp_extension_get. */
int sp_status_get(const struct sp_scope *scope, const char *operand,
	struct sp_status *status, struct sp_err *err);

/* What the status of a tenure's number was at at_ms, as far as history tells:
 * the user, a session that ran or how the last one had ended; no rules. */
int sp_status_at(const struct sp_scope *scope, const struct sp_tenure *tenure,
	int64_t at_ms, struct sp_status *status, struct sp_err *err);

/* Which extensions are wanted. */
struct sp_status_filter {
	bool has_states;
	bool state[SP_N_STATES]; /* with has_states: only these */
	int64_t idle_ms;   /* > 0: assigned, and no login session for so long */
	const char *match; /* NULL, or a text in number, name or softphone */
};

/* Without has_states and idle_ms, everybody who is assigned passes, and, with
 * `named`, every number. */
bool sp_status_passes(const struct sp_status *status,
	const struct sp_status_filter *filter, bool named, int64_t now_ms);

#endif
