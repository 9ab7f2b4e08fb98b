/* Call forwarding: the rules of an extension, one for each condition. A rule
 * that an extension has not set is the tenant's default. */
#ifndef SP_LIB_FORWARD_H
#define SP_LIB_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/pool.h"

struct sp_scope;
struct sp_tenant;
struct sp_extension;

/* The conditions, named as in the options; 3GPP TS 24.604 calls them CFU, CFB,
 * CFNR and CFNL/CFNRc. */
enum sp_condition {
	SP_ALWAYS,
	SP_BUSY,
	SP_NO_ANSWER, /* not answered within after_ms */
	SP_OFFLINE,   /* not registered, or unreachable */
	SP_N_CONDITIONS,
};

enum {
	SP_TARGET_SIZE = 256,
	SP_AFTER_MS = 20000, /* ringing time when a rule names none */
	SP_AFTER_MIN_MS = 1000,
	SP_AFTER_MAX_MS = 180000, /* Timer C, RFC 3261 §16.6: over 3 minutes */
};

enum sp_target_kind {
	SP_TARGET_EXTENSION, /* 1002 */
	SP_TARGET_VOICEMAIL, /* voicemail */
	SP_TARGET_EXTERNAL,  /* +14155550123 */
	SP_TARGET_URI,       /* sip:... or sips:... */
	SP_TARGET_REJECT,    /* reject */
	SP_TARGET_MALFORMED,
};

struct sp_rule {
	char target[SP_TARGET_SIZE]; /* "": there is no rule */
	int64_t after_ms;            /* of SP_NO_ANSWER, else 0 */
	bool enabled;                /* off keeps its target for a later on */
	bool is_default;             /* the tenant's, not the extension's own */
	int64_t from_ms;             /* of a timed rule: 0 from the start */
	int64_t until_ms;            /* of a timed rule: 0 for ever */
};

/* All rules of an extension. A timed one goes before the lasting one of its
 * condition while its time is; when that is over it is as if it had never been
 * there. */
struct sp_forwarding {
	struct sp_rule lasting[SP_N_CONDITIONS]; /* own, else the default */
	struct sp_rule timed[SP_N_CONDITIONS];   /* from or until is set */
};

/* "always", "busy", "no-answer", "offline". */
const char *sp_condition_name(enum sp_condition condition);
bool sp_condition_parse(const char *name, enum sp_condition *out);

/* Tells by its form alone what a target is. */
enum sp_target_kind sp_target_kind(const char *target);

/* Can this be a target in this tenant, by form and configuration? (Whether an
 * extension is assigned is a question to the database: sp_forward_set.)
 * Fails with SP_DATA and a sentence that quotes the target. */
int sp_target_check(const struct sp_tenant *tenant, const char *target,
	struct sp_err *err);

/* The tenant's defaults, and nothing else. */
void sp_forward_defaults(const struct sp_tenant *tenant,
	struct sp_forwarding *forwarding);

/* All rules in a row, for 0 <= i < 2 * SP_N_CONDITIONS; the timed ones last. */
const struct sp_rule *sp_forward_rule(const struct sp_forwarding *forwarding,
	int i);

/* Reads what holds at scope->now_ms or will later. */
int sp_forward_load(const struct sp_scope *scope, int64_t extension_id,
	struct sp_forwarding *forwarding, struct sp_err *err);

/* Picks the rules that count at now_ms; target "" where there is none. */
void sp_forward_in_force(const struct sp_forwarding *forwarding, int64_t now_ms,
	struct sp_rule rules[SP_N_CONDITIONS]);

/* Turns the rules of a condition off (their targets are kept) or on again. A
 * default that is off is the extension's own. Fails with SP_DATA when there is
 * no rule to turn on. number: for the sentence. */
int sp_forward_switch(struct sp_forwarding *forwarding, const char *number,
	enum sp_condition condition, bool on, struct sp_err *err);

/* Replaces the rules of an extension by `wanted` and writes an event for each
 * that changes; what they were is kept for sp_forward_undo, once for all
 * changes of one scope->now_ms. A lasting rule that is_default or has no target
 * is no own one. Expects the caller's transaction. *changed (a bit for each
 * condition) tells which of those that are on are new: the caller has yet to
 * ask sp_forward_check_loops about them, after the last extension of a batch.
 * Fails with SP_DATA when a new target is malformed or not assigned. Returns 1
 * when something changed, else 0. */
int sp_forward_set(const struct sp_scope *scope,
	const struct sp_extension *extension,
	const struct sp_forwarding *wanted, unsigned *changed,
	struct sp_err *err);

/* Goes back to the rules from before the last change; there is one step back,
 * so that doing it twice is doing it once. Otherwise as sp_forward_set. */
int sp_forward_undo(const struct sp_scope *scope,
	const struct sp_extension *extension, unsigned *changed,
	struct sp_err *err);

/* A rule of some extension that leads to another one. */
struct sp_inbound {
	int64_t extension_id;
	char number[SP_NUMBER_SIZE];
	enum sp_condition condition;
	bool is_timed;
};

/* The next own rule of an extension of the tenant that leads to `number` (but
 * of that number itself), behind `inbound`, which is all zero at first. Returns
 * 1, 0 at the end, -1. */
int sp_forward_next_inbound(const struct sp_scope *scope, const char *number,
	struct sp_inbound *inbound, struct sp_err *err);

/* Removes such a rule, as sp_forward_set does. */
int sp_forward_remove_inbound(const struct sp_scope *scope,
	const struct sp_inbound *inbound, struct sp_err *err);

/* One line for listings: "no-answer=voicemail/20s offline=1002", without the
 * rules that are off; cut if it does not fit. */
void sp_forward_text(const struct sp_rule rules[SP_N_CONDITIONS], char *out,
	size_t size);

#endif
