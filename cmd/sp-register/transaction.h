/* Transactions (RFC 3261 §17, RFC 6026): what repeats a message until it is
 * answered, absorbs what comes twice, and gives up in the end. Knows neither
 * sockets nor a clock: messages and time are handed to it.
 *
 * All times are monotonic milliseconds. */
#ifndef SP_REGISTER_TRANSACTION_H
#define SP_REGISTER_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/sipmsg.h"
#include "cmd/sp-register/wheel.h"
#include "lib/err.h"

enum {
	TIMER_T1_MS = 500, /* RFC 3261 §17.1.1.1, table 4 */
	TIMER_T2_MS = 4000,
	TIMER_T4_MS = 5000,
	TIMER_GIVE_UP_MS = 64 * TIMER_T1_MS, /* B, F, H, J, L, M */
	TIMER_D_MS = 32000,
	TIMER_C_MS = 185000, /* more than 3 minutes (§16.6 step 11) */
	TRANSACTION_BRANCH_SIZE = 64,
};

enum transaction_kind {
	INVITE_SERVER, /* §17.2.1 */
	OTHER_SERVER,  /* §17.2.2 */
	INVITE_CLIENT, /* §17.1.1 */
	OTHER_CLIENT,  /* §17.1.2 */
};

enum transaction_state {
	STATE_CALLING, /* INVITE client; the others begin with TRYING or, INVITE
			* server, PROCEEDING */
	STATE_TRYING,
	STATE_PROCEEDING,
	STATE_ACCEPTED, /* RFC 6026: 2xx, more of them may come */
	STATE_COMPLETED,
	STATE_CONFIRMED,
	STATE_TERMINATED,
};

struct transaction;
struct transactions;

/* What transactions tell their user, who may call anything here from within
 * but transactions_free and wheel_expire. Of the CANCELs that they make
 * themselves only `send` is told. */
struct transaction_events {
	void *arg;
	/* Bytes are to leave; they are good until it returns. It must not call
	 * transactions_fail_hop at once. */
	void (*send)(void *arg, const struct hop *hop, const char *data,
		size_t len);
	/* A client transaction has a response that its user must see: the
	 * provisional ones, the first final one, and, of an INVITE, every 2xx.
	 * The ACK of any other final one has been sent. */
	void (*answered)(void *arg, struct transaction *transaction,
		const struct sip_message *response);
	/* A client transaction will have no final response. cause: 408 for
	 * Timer B, F, or a cancelled INVITE that nobody ends; 503 for
	 * transactions_fail_hop. It has terminated: `ended` follows. */
	void (*failed)(void *arg, struct transaction *transaction, int cause);
	/* It is freed when this returns; whoever keeps it must forget it. Only
	 * called from wheel_expire: no other call frees a transaction, also
	 * when it terminates it. */
	void (*ended)(void *arg, struct transaction *transaction);
};

/* `wheel` outlives it. `events` is copied. */
int transactions_new(struct transactions **transactions, struct wheel *wheel,
	const struct transaction_events *events, struct sp_err *err);
/* Drops all that there are, without a word. Accepts NULL. */
void transactions_free(struct transactions *transactions);
/* With those that wait for `ended` only. */
int transactions_count(const struct transactions *transactions);

/* ---- requests that come in ---------------------------------------------- */

enum transaction_match {
	MATCH_NONE,     /* a request that no transaction knows; of an ACK: for a
			 * 2xx, or stray */
	MATCH_ABSORBED, /* a retransmission or an ACK: has been dealt with */
	MATCH_MERGED,   /* the same request by another way (§8.2.2.2): 482 */
};

/* Looks for the server transaction of a request (§17.2.3, with RFC 2543's rules
 * for those without the magic cookie), and lets it deal with it. `via` is the
 * top one. Merged: no To tag, and From tag, Call-ID, CSeq and Request-URI are
 * those of a server transaction with another branch. */
enum transaction_match transactions_take_request(struct transactions
							 *transactions,
	const struct sip_message *request, const struct sip_via *via,
	int64_t now_ms);

/* The INVITE that a CANCEL means (§9.2); NULL when there is none. */
struct transaction *transactions_find_invite(struct transactions *transactions,
	const struct sip_message *cancel, const struct sip_via *via);

/* Makes the server transaction of a request for which there was MATCH_NONE, and
 * which is no ACK. back: where responses go. `owner` is the user's, who must
 * answer in the end: it waits as long. Returns NULL without memory. */
struct transaction *transaction_serve(struct transactions *transactions,
	const struct sip_message *request, const struct sip_via *via,
	const struct hop *back, void *owner);

/* Sends a response of that status through a server transaction, which keeps a
 * copy to send again. After a final response: only other 2xx of an INVITE still
 * go out (RFC 3261 §16.7 step 5, RFC 6026 §7.1). */
void transaction_respond(struct transaction *transaction, int status,
	const char *data, size_t len, int64_t now_ms);

/* ---- requests that go out ----------------------------------------------- */

/* Writes a branch for a request that is about to go out: the magic cookie, what
 * transaction_send and transactions_take_response know it by, and `loop`, which
 * transaction_branch_loop gives back (§16.6 step 8). Nobody else can guess
 * it. */
void transaction_make_branch(struct transactions *transactions, uint32_t loop,
	char branch[TRANSACTION_BRANCH_SIZE]);

/* Is it a branch of ours, of any process that has run here? Then *loop is what
 * it was made with. */
bool transaction_branch_loop(struct sip_slice branch, uint32_t *loop);

struct transaction_request {
	const char *branch; /* of its top Via; by transaction_make_branch */
	const struct hop *hop;
	const char *data; /* copied */
	size_t len;
	void *owner;
};

/* Sends a request other than ACK. An INVITE has Timer C, which cancels it.
 * Returns NULL without memory. */
struct transaction *transaction_send(struct transactions *transactions,
	const struct transaction_request *request, int64_t now_ms);

/* Cancels an INVITE client transaction (§9.1): at once when a provisional
 * response has come, else with the first one. When no final response follows
 * within 64*T1, it has failed with 408. Once is enough; does nothing after a
 * final response. reason: a constant, the value of Reason (RFC 3326), which
 * tells a phone that it has missed nothing; NULL: none. */
void transaction_cancel(struct transaction *transaction, const char *reason,
	int64_t now_ms);

enum response_match {
	RESPONSE_STRAY, /* of no transaction: not to be forwarded (RFC 6026) */
	RESPONSE_TAKEN, /* dealt with; `answered` may have been called */
};

/* Lets the client transaction deal with a response: top branch and the method
 * of CSeq (§17.1.3). */
enum response_match transactions_take_response(struct transactions
						       *transactions,
	const struct sip_message *response, int64_t now_ms);

/* ---- both --------------------------------------------------------------- */

/* What is sent there does not arrive: client transactions that wait for an
 * answer from there fail with 503 (§8.1.3.1). Of a connection with an address:
 * also those that were sent to that address when there was none. */
void transactions_fail_hop(struct transactions *transactions,
	const struct hop *hop, int64_t now_ms);

enum transaction_kind transaction_kind(const struct transaction *transaction);
enum transaction_state transaction_state(const struct transaction *transaction);
void *transaction_owner(const struct transaction *transaction);
/* The user may give it up: transactions live on without an owner. */
void transaction_set_owner(struct transaction *transaction, void *owner);
const struct hop *transaction_hop(const struct transaction *transaction);
/* Of a client transaction: has any response come, also 100? */
bool transaction_is_heard(const struct transaction *transaction);

#endif
