/* The calls in progress: found by their dialog when a request of it comes, and
 * kept as rows of the database (lib/call.h), so that sp-status sees them and the
 * next server goes on with them. */
#ifndef SP_REGISTER_CALLS_H
#define SP_REGISTER_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/dialog_route.h"
#include "cmd/sp-register/request.h"
#include "lib/call.h"

struct call {
	struct call *next; /* in its bucket, or among the ended ones */
	struct sp_call row;
	const struct sp_tenant *tenant;
	struct dialog_route route;
	/* What the callee gave as its Contact, for callers that send requests
	 * of the dialog to the number all the same (sipp); NULL: not known. */
	char *callee_contact;
	char *callee_tag; /* of the one that has answered; NULL: not known */
	struct call *next_of_caller; /* in the bucket of its caller */
	int64_t caller_id;           /* extension; 0: a peer */
	/* Who is setting it up has this pointer to it, which becomes NULL when
	 * the call goes; NULL: nobody. */
	struct call **holder;
	/* When it was answered, as long as that is not stored; its place among
	 * those of which that is so. */
	int64_t answered_ms;
	struct call *next_answered, **answered_link; /* NULL: it has none */
	const char *ending; /* once it has ended, and when; else NULL */
	int64_t ended_ms;
};

struct calls;

/* Reads those that the database has in progress. */
int calls_new(struct calls **calls, struct service *service, int64_t wall_ms,
	struct sp_err *err);
void calls_free(struct calls *calls); /* accepts NULL */

enum {
	CALLS_MAX = 65536,
	CALLS_PER_EXTENSION = 32, /* that it has made and that go on */
};

/* May there be one more, by that extension (0: by a peer)? */
bool calls_has_room(const struct calls *calls, int64_t caller_id);

/* A call that begins. The caller fills in its row, and starts it with calls_start
 * in the batch's transaction. Returns NULL without memory, or when Call-ID or tag
 * are too long for its row. */
struct call *calls_add(struct calls *calls, const struct sp_tenant *tenant,
	struct sip_slice call_id, struct sip_slice tag, int64_t caller_id);
int calls_start(struct calls *calls, const struct sp_scope *scope,
	struct call *call, struct sp_err *err);

/* The call with that Call-ID whose caller has one of the tags. *is_from_caller:
 * it is `from`, not `to`. Returns NULL when there is none. */
struct call *calls_find(struct calls *calls, struct sip_slice call_id,
	struct sip_slice from, struct sip_slice to, bool *is_from_caller);

/* Its row says by whom it was answered, and more; at wall_ms. To be stored with
 * the next calls_store. */
void calls_answer(struct calls *calls, struct call *call, int64_t wall_ms);

/* Takes it out, to be stored as ended at wall_ms with the next calls_store; it
 * is freed then. ending: of lib/call.h. */
void calls_end(struct calls *calls, struct call *call, const char *ending,
	int64_t wall_ms);

/* Writes what was answered and what has ended, in the batch's transaction. Is
 * there any? */
void calls_store(struct calls *calls, struct service *service);
bool calls_has_news(const struct calls *calls);

/* After the batch's transaction: what was added, answered or ended in it counts, or, when
 * it was rolled back, is not there and is stored again later. */
void calls_settle(struct calls *calls, bool is_committed);

/* Each second: what could not be written is tried again with the next
 * calls_store; calls that have run out, as another server has told or nobody
 * can, are taken out. */
void calls_retry(struct calls *calls, int64_t wall_ms);

/* Takes out, without a word, the one with that row, which has aged out. */
void calls_forget(struct calls *calls, int64_t id);

/* As proxy_configure. */
void calls_configure(struct calls *calls, const struct sp_config *config);

int calls_count(const struct calls *calls);

#endif
