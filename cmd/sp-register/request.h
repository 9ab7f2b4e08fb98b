/* One request on its way through the service, and what its parts share. */
#ifndef SP_REGISTER_REQUEST_H
#define SP_REGISTER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/digest.h"
#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/limit.h"
#include "cmd/sp-register/registrar.h"
#include "cmd/sp-register/reply.h"
#include "cmd/sp-register/service.h"
#include "lib/event.h"
#include "lib/latency.h"
#include "lib/scope.h"
#include "lib/secret.h"

/* The methods that are answered, and the extensions that are known; for the
 * header fields Allow and Supported. */
#define REQUEST_ALLOW                                                         \
	"REGISTER, OPTIONS, INVITE, ACK, CANCEL, BYE, MESSAGE, INFO, REFER, " \
	"SUBSCRIBE, NOTIFY, UPDATE, PRACK"
#define REQUEST_SUPPORTED "path, outbound"

/* What is counted, for sp-status --summary; named in service.c. */
enum counter {
	COUNT_REQUESTS,
	COUNT_REGISTRATIONS, /* REGISTER with 200 */
	COUNT_CHALLENGES,
	COUNT_AUTH_FAILURES,
	COUNT_REFUSALS, /* any other status from 400 on */
	COUNT_UNAVAILABLE,
	COUNT_DROPPED, /* no answer could be built */
	COUNT_LIMITED, /* no answer was wanted */
	COUNT_LOSSES,
	N_COUNTERS,
};

/* A connection that is gone, and how many bindings went with it. */
struct closed {
	int64_t flow_id;
	const char *why;
	int lost;
};

struct proxy;

struct service {
	struct sp_config *config;
	struct sp_db *db; /* of parts, as the log: they are everywhere */
	struct log *log;
	struct sp_hash *hash;
	unsigned char key[SP_SHA256_SIZE];
	unsigned char nobody[SP_N_HASHES][SP_HASH_SIZE]; /* HA1 of no user */
	uint64_t tag_salt; /* of To tags, the same in all server processes */
	uint32_t nonce_count;
	int64_t nonces_used; /* since some were last forgotten */
	struct sp_prune history;
	struct limits *limits;
	int64_t count[N_COUNTERS]; /* not yet in the database */
	struct sp_latency latency; /* not yet in the database */
	struct closed *closed;     /* not yet in the database */
	size_t n_closed, max_closed;
	bool is_down;   /* the last heartbeat was not taken */
	bool db_failed; /* in this batch: nothing more is asked of it */
	struct decision decision; /* of the REGISTER that is being answered */
	struct proxy *proxy;
	struct service_parts parts;
};

/* One request on its way through. */
struct request {
	struct sip_message message;
	struct sip_via via;
	struct sip_uri aor; /* whose it is: To of a REGISTER, From of others */
	struct digest digest;
	struct registration registration; /* of a REGISTER that was let in */
	struct sp_scope scope;
	struct exchange *exchange;
	const char *why;          /* phrase for VERDICT_MALFORMED */
	const char *failed_login; /* why credentials were wrong, for the log */
	enum sip_header
		requiring; /* for VERDICT_BAD_EXTENSION: by which field */
	bool is_proxied;   /* challenged as by a proxy, with 407 */
	bool used_db;
	bool lists_bindings; /* the answer to a REGISTER */
};

/* In what a call of the core works, now; tenant may be NULL. */
struct sp_scope service_scope(const struct service *service,
	const struct sp_tenant *tenant, int64_t now_ms);

/* A batch of one begins and ends: for what comes from timers and look-ups. */
void service_begin(struct service *service);
void service_end(struct service *service);

/* Opens the batch's transaction with the first who needs it. Returns false when
 * the database does not take part in this batch. */
bool service_uses_db(struct service *service);

/* Sends a message on, once the work that is being done is committed. */
void service_send(struct service *service, const struct hop *hop,
	const char *data, size_t len);

/* Is there that connection? */
bool service_has_flow(const struct service *service, int64_t flow_id);

/* Makes the connection to there, if it needs one that is not there: to the host
 * of that name, which its certificate must have. False when it cannot. */
bool service_reach(struct service *service, struct hop *hop, const char *name);

/* The same for a request, whose answer then depends on the transaction. */
bool request_uses_db(struct service *service, struct request *request);

/* The database has failed: the batch's transaction is rolled back, and every
 * answer that depends on it will say so. Returns VERDICT_UNAVAILABLE. */
enum verdict request_db_failed(struct service *service,
	const struct sp_err *err);

/* Logs that a phone is refused. reason: NULL for none. */
void request_log_refusal(struct service *service, const struct request *request,
	const char *what, const char *reason);

/* Finds who sent a request (RFC 3261 §10.3 steps 3 and 4, §22): fills in
 * *credentials after VERDICT_OK, and *is_repeat, which tells that it is the
 * last request again. Whoever it is must be the user of request->aor;
 * request->scope.tenant is set. */
enum verdict request_authenticate(struct service *service,
	struct request *request, struct sp_credentials *credentials,
	bool *is_repeat);

/* Where it comes from, for the nonce of its challenge. */
uint32_t request_place(const struct request *request);

/* Does it require nothing but what we know, of a registrar (SIP_REQUIRE, RFC
 * 3261 §8.2.2.3) or a proxy (SIP_PROXY_REQUIRE, §16.3 step 5)? */
bool request_is_supported(struct request *request, enum sip_header header);

/* The tag of our responses in To: the same for a retransmission, without
 * state. */
void request_make_tag(const struct service *service,
	const struct sip_message *message, char tag[SIP_TAG_SIZE]);

/* When to ask again what was answered with 503. */
void request_put_retry_after(struct sip_writer *writer);

/* Writes the answer into the exchange. */
void request_answer(struct service *service, struct request *request,
	enum verdict verdict);

#endif
