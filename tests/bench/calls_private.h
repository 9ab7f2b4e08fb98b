/* What the two halves of the load of calls share: calls.c the callers and the
 * schedule, callee.c the callees. */
#ifndef BENCH_CALLS_PRIVATE_H
#define BENCH_CALLS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "tests/bench/calls.h"
#include "tests/bench/dialog.h"
#include "tests/bench/wire.h"

enum {
	RETRANSMIT_US = 500000, /* T1 of RFC 3261 */
	MAX_SENDS = 8,          /* of one message: gives up after 4 s */
};

enum state {
	IDLE,
	INVITED,    /* nothing has come yet: the INVITE is repeated */
	PROCEEDING, /* section 17.1.1.2: after a 1xx it no longer is */
	ANSWERED,
	ENDING, /* the BYE was sent */
};

struct call {
	struct dialog dialog;
	enum state state;
	uint64_t start_us;    /* as scheduled */
	uint64_t sent_us;     /* of the request, or when it was answered */
	uint64_t answered_us; /* of the callee's latest 200 */
	uint8_t sends, answers;
	bool rang, unacked, acked;
	TAILQ_ENTRY(call) link, unacked_link;
	char mirror[DIALOG_MIRROR_MAX]; /* of the INVITE; "" before it came */
};

TAILQ_HEAD(queue, call);

struct calls {
	const struct calls_options *options;
	struct wire *caller, *callee; /* the caller's of calls_open() */
	struct dialog_site site;
	char run[9];
	struct call *call; /* options->slots of them */
	struct queue idle, waiting, holding, kept, unacked;
	uint32_t in_progress; /* in `waiting` and `holding` */
	uint32_t n_kept;
	uint64_t dialled; /* in all plans */

	struct calls_plan plan;
	struct calls_result *result;
	uint64_t begin_us, end_us; /* of the plan */
	uint64_t hold_us;
};

/* The call of a message; NULL and counted if it is an earlier one. */
struct call *calls_find(struct calls *l, const struct message *m);

/* A datagram on the callees' socket: a wire_take. */
void callee_takes(void *arg, const char *text, uint64_t now);

/* Repeats each 200 that has waited too long for its ACK. */
void callee_repeat(struct calls *l, uint64_t now);

/* Its 200 needs no ACK any more. */
void callee_forget_ack(struct calls *l, struct call *c);

#endif
