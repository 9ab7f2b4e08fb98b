/* What the files of the transactions share; for nobody else.
 *
 * transaction.c         all of them, and what matches what
 * transaction_table.c   tables to find them in
 * transaction_key.c     keys and branches
 * transaction_client.c  the machines of §17.1
 * transaction_server.c  the machines of §17.2
 * transaction_message.c ACK and CANCEL */
#ifndef SP_REGISTER_TRANSACTION_PRIVATE_H
#define SP_REGISTER_TRANSACTION_PRIVATE_H

#include "cmd/sp-register/transaction.h"

/* ---- keys --------------------------------------------------------------- */

/* What a message is looked up by is chosen by whoever sends it: it is hashed
 * with a secret, to so many bits that equal keys are equal texts, and the texts
 * need not be kept. */
struct key {
	uint64_t half[2];
};

struct keys;

int keys_new(struct keys **keys, struct sp_err *err);
void keys_free(struct keys *keys); /* accepts NULL */

/* Of the server transaction that a request belongs to (§17.2.3). method: that
 * of the transaction, which for an ACK is INVITE. */
struct key key_of_server(struct keys *keys, const struct sip_message *request,
	const struct sip_via *via, struct sip_slice method);
/* Of requests that are the same but for their way here (§8.2.2.2). */
struct key key_of_origin(struct keys *keys, const struct sip_message *request);
struct key key_of_client(struct keys *keys, struct sip_slice branch,
	struct sip_slice method);
struct key key_of_hop(struct keys *keys, const struct hop *hop);
/* Of a From or To: its tag; that of none is a key as well. */
struct key key_of_tag(struct keys *keys, struct sip_slice address);

bool key_equal(const struct key *a, const struct key *b);

/* The tag of a From or To; at is NULL when there is none. */
struct sip_slice address_tag(struct sip_slice address);

/* Is its branch made by RFC 3261? */
bool via_is_modern(const struct sip_via *via);

/* ---- the tables --------------------------------------------------------- */

/* In a chain of a table, or in none: link is NULL. */
struct entry {
	struct entry *next, **link;
	struct key key;
	struct transaction *transaction;
};

/* Grows by a chain with each entry (linear hashing), so that no entry has to
 * wait until all others are moved; chains stay where they are, in segments of
 * which each is as large as all before it. */
enum { TABLE_FIRST = 64, TABLE_SEGMENTS = 32 };

struct table {
	struct entry **segment[TABLE_SEGMENTS];
	size_t n_chains, n_entries;
};

int table_init(struct table *table); /* -1: no memory */
void table_release(struct table *table);

void table_add(struct table *table, struct entry *entry);
/* Does nothing when it is in none. */
void table_remove(struct table *table, struct entry *entry);
/* To a list; it still counts, until table_remove. */
void table_move(struct entry *entry, struct entry **list);

/* The next with that key behind `entry`, the first when that is NULL; NULL at
 * the end. */
struct entry *table_next(const struct table *table, const struct key *key,
	struct entry *entry);
/* Any; *from is 0 at first, and where the search goes on. */
struct entry *table_any(const struct table *table, size_t *from);

struct transactions {
	struct wheel *wheel;
	struct transaction_events events;
	struct keys *keys;
	struct table by_key;    /* all of them */
	struct table by_origin; /* servers of requests without a To tag */
	struct table by_hop;    /* clients that wait for a final response */
	int count;
};

struct transaction {
	struct transactions *all;
	struct entry by_key, by_other; /* other: origin or hop */
	/* resend: A, E, G. limit: the one that ends the state (B, C, D, F, H to
	 * M), the wait for a cancelled INVITE, and the end. */
	struct timer resend, limit;
	int interval_ms; /* of resend */
	enum transaction_kind kind : 8;
	enum transaction_state state : 8;
	bool is_heard : 1;
	bool is_to_cancel : 1, is_cancelled : 1; /* is the CANCEL sent? */
	bool is_silent : 1;                      /* a CANCEL of our own */
	bool is_old : 1; /* matched by RFC 2543: then also by these */
	/* of the request, and of our final response to an INVITE */
	struct key to_tag, answer_tag;
	struct hop hop;
	void *owner;
	const char *reason; /* for the CANCEL, or NULL */
	/* What is sent again: a client's request, the ACK of a final response,
	 * a server's last response. NULL: nothing. */
	char *message;
	size_t len;
};

/* Puts it in the table; takes message over, and frees it when there is no
 * memory. `hop` and what depends on it are the caller's to set. */
struct transaction *transaction_new(struct transactions *all,
	enum transaction_kind kind, const struct key *key, char *message,
	size_t len);

/* It has come to its end: matches nothing any more, and is freed in
 * wheel_expire. */
void transaction_terminate(struct transaction *transaction, int64_t now_ms);

/* It has yet to absorb what is on its way, for so long, but for nothing over a
 * reliable transport: D, I, J, K. */
void transaction_linger(struct transaction *transaction, int ms,
	int64_t now_ms);

/* Starts the timer that ends the state. */
void transaction_limit(struct transaction *transaction, int64_t due_ms);

/* Starts to send again, after T1 at first, unless the transport is reliable. */
void transaction_start_resending(struct transaction *transaction,
	int64_t now_ms);
/* The interval doubles up to max_ms. */
void transaction_resend(struct transaction *transaction, int max_ms);
void transaction_stop_resending(struct transaction *transaction);

/* Sends what is to be sent again, if there is anything. */
void transaction_repeat(const struct transaction *transaction);

/* From now on it is `message`, which it takes over; NULL: nothing. */
void transaction_replace(struct transaction *transaction, char *message,
	size_t len);

/* A copy; NULL without memory. */
char *transaction_copy(const char *data, size_t len);

/* ---- the machines ------------------------------------------------------- */

/* Timers of a client have run out. */
void client_resend_expired(struct transaction *transaction);
void client_limit_expired(struct transaction *transaction, int64_t now_ms);

void client_take(struct transaction *transaction,
	const struct sip_message *response, int64_t now_ms);
/* It fails for that cause, and terminates. */
void client_fail(struct transaction *transaction, int cause, int64_t now_ms);

/* It comes again, or is an ACK. Returns false when it is none of its
 * business. */
bool server_take(struct transaction *transaction,
	const struct sip_message *request, int64_t now_ms);

/* ---- messages ----------------------------------------------------------- */

/* The ACK for a final response other than 2xx (§17.1.1.3), or, with response
 * NULL, the CANCEL (§9.1) of an INVITE. Lines of it are unfolded in place.
 * Returns what the caller frees; NULL without memory, or when it cannot be
 * made. */
char *transaction_derive(struct transaction *invite,
	const struct sip_message *response, size_t *len);

#endif
