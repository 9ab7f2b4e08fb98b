/* The registrar's decision (RFC 3261 §10.3 steps 6 to 8): pure, without clock,
 * socket or database. */
#ifndef SP_REGISTER_REGISTRAR_H
#define SP_REGISTER_REGISTRAR_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/reply.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/binding.h"
#include "lib/tenant.h"

/* What a REGISTER asks for. Slices are those of the message. */
struct registration {
	struct sip_contact contact[SIP_MAX_CONTACTS];
	int n_contacts;    /* 0: a query for the bindings */
	bool star;         /* "Contact: *" */
	int64_t expires_s; /* of the Expires header; -1: none or malformed */
	struct sip_slice call_id, user_agent;
	int64_t cseq;
	bool is_repeat; /* a retransmission: what it asked for is done */
	const char *source, *transport, *local; /* for the binding's row */
	int64_t flow_id;
	char path[SP_PATH_SIZE]; /* RFC 3327; "" for none */
	bool is_outbound;        /* RFC 5626: the answer is to require it */
};

/* Reads what a registrar needs from a scanned REGISTER. Returns VERDICT_OK, or
 * the refusal; *why is the phrase for VERDICT_MALFORMED. */
enum verdict registrar_read(const struct sip_message *message,
	struct registration *registration, const char **why);

enum change_kind {
	CHANGE_NONE, /* stays as it is */
	CHANGE_ADD,
	CHANGE_REFRESH, /* the narrow row */
	CHANGE_REWRITE, /* both rows */
	CHANGE_REMOVE,
	CHANGE_EVICT, /* there are more than max-contacts */
};

/* The bindings as they will be: those that were there, with what becomes of
 * each, then the new ones. */
struct decision {
	struct sp_binding binding[SP_MAX_BINDINGS + SIP_MAX_CONTACTS];
	enum change_kind kind[SP_MAX_BINDINGS + SIP_MAX_CONTACTS];
	int n;
};

/* Decides one REGISTER of an authenticated user. decision: holds in its first
 * n entries, as CHANGE_NONE, the bindings of the AoR that are alive, newest
 * first; is only to be carried out after VERDICT_OK, and then as a whole.
 * Of a repeat only the verdict counts: it must change nothing, since it could
 * be a replay. now_ms: wall clock. */
enum verdict registrar_decide(const struct registration *registration,
	const struct sp_tenant *tenant, int64_t now_ms,
	struct decision *decision);

#endif
