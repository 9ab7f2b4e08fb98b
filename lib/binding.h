/* A binding: one registered contact of an extension (RFC 3261 §10). Knows
 * nothing of SIP messages: a contact is a text to it. */
#ifndef SP_LIB_BINDING_H
#define SP_LIB_BINDING_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/extension.h"
#include "lib/scope.h"

enum {
	SP_CONTACT_SIZE = 512,
	SP_CALL_ID_SIZE = 256,
	SP_SOURCE_SIZE = 64,
	SP_AGENT_SIZE = 128,
	SP_INSTANCE_SIZE = 128,
	SP_PATH_SIZE = 512,
	SP_MAX_BINDINGS = 64, /* of one extension; `max-contacts` is below */
};

struct sp_binding {
	int64_t id;
	char contact[SP_CONTACT_SIZE]; /* URI as the softphone wrote it */
	char call_id[SP_CALL_ID_SIZE];
	char source[SP_SOURCE_SIZE]; /* where it came from: 192.0.2.7:5060 */
	char local[SP_SOURCE_SIZE];  /* which own address it came to; or "" */
	char transport[8];           /* "udp" */
	int64_t flow_id;             /* the connection; 0: datagrams */
	char instance[SP_INSTANCE_SIZE]; /* +sip.instance, RFC 5626; or "" */
	int64_t reg_id;                  /* RFC 5626; 0: none */
	char path[SP_PATH_SIZE];         /* RFC 3327: a list of URIs; or "" */
	int64_t q;                       /* preference, 0 to 1000 */
	char user_agent[SP_AGENT_SIZE];
	int64_t created_ms;
	int64_t cseq;
	int64_t refreshed_ms;
	int64_t expires_ms;
	int64_t interval_ms; /* between its last two refreshes; 0 at first */
};

/* The newest binding that has not run out at scope->now_ms. Returns 1, 0 when
 * there is none, -1. */
int sp_binding_newest(const struct sp_scope *scope, int64_t extension_id,
	struct sp_binding *binding, struct sp_err *err);

/* Fills list[] with up to `max` bindings of the extension that have not run
 * out at scope->now_ms, newest refresh first. Returns their number or -1. */
int sp_binding_list(const struct sp_scope *scope, int64_t extension_id,
	struct sp_binding *list, int max, struct sp_err *err);

/* All of these expect the caller's transaction.
 *
 * Adds one; starts a login session when the extension has none open, with the
 * events "logged-in" and "created". */
int sp_binding_add(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *binding, struct sp_err *err);

/* Writes cseq, refreshed_ms, expires_ms and interval_ms: the narrow row. */
int sp_binding_refresh(const struct sp_scope *scope,
	const struct sp_binding *binding, struct sp_err *err);

/* Writes the wide row of a binding of which more than these is another than
 * before. */
int sp_binding_update(const struct sp_scope *scope,
	const struct sp_binding *binding, struct sp_err *err);

/* Removes one that the softphone unregistered, with the event "unregistered";
 * ends the login session with the last. */
int sp_binding_remove(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *binding, struct sp_err *err);

/* The same for one that made room for another: the event "deactivated". */
int sp_binding_evict(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *binding, struct sp_err *err);

/* Drops all bindings of an extension, with the event "deactivated", and ends
 * the session as `kicked`. Returns their number or -1. */
int sp_binding_drop(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err);

/* Removes all bindings of an extension without a word. */
int sp_binding_delete_all(const struct sp_scope *scope, int64_t extension_id,
	struct sp_err *err);

/* Removes the bindings that came through a connection that is gone (but not
 * through a proxy, by a path), in all tenants, as those that ran out: `cause` is
 * the new value of the event "lost". Returns their number or -1. */
int sp_binding_lose_flow(const struct sp_scope *scope, int64_t flow_id,
	const char *cause, struct sp_err *err);

/* Has that source a binding? Returns 1, 0 or -1. */
int sp_binding_has_source(const struct sp_scope *scope, const char *source,
	struct sp_err *err);

/* The same for those of datagrams from a source that nobody listens at. */
int sp_binding_lose_source(const struct sp_scope *scope, const char *source,
	const char *cause, struct sp_err *err);

/* Removes what ran out before scope->now_ms, in all tenants of the file, at
 * least `max` of them if there are so many: the event "expired" for each, and
 * "lost", with the end of the session, where it was the last. Expects the
 * caller's transaction. Returns the number or -1. */
int sp_binding_sweep(const struct sp_scope *scope, int max, struct sp_err *err);

/* Has anything run out? For whoever asks each second, and mostly for nothing.
 * Returns 1, 0 or -1. */
int sp_binding_is_due(const struct sp_scope *scope, struct sp_err *err);

#endif
