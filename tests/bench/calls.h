/* The load of calls itself: callers on one UDP socket and callees on another,
 * each call when a window (closed loop) or a schedule (open loop) says so. */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/measure.h"

struct calls;
struct wire;

struct calls_options {
	const char *domain;             /* borrowed */
	const char *password_prefix;    /* borrowed */
	uint32_t caller_first, callers; /* their extensions */
	uint32_t callee_first, callees;
	uint32_t slots; /* calls at a time at most */
	bool digest;    /* answer a 407, which else is a failure */
	bool direct;    /* no proxy between, so no Record-Route */
};

enum calls_kind {
	CALLS_WHOLE, /* each is answered, held and ended */
	CALLS_KEEP,  /* they stay answered */
	CALLS_END,   /* those that stayed are ended */
};

struct calls_plan {
	enum calls_kind kind;
	uint32_t window; /* calls in progress at most, beside those kept */
	double rate;     /* calls started per second, 0: closed loop */
	double hold_s;   /* between ACK and BYE */
	double seconds;  /* end of new calls */
	uint64_t limit;  /* as many calls, then the end */
};

struct calls_result {
	double elapsed_s;
	uint64_t started;
	uint64_t completed;   /* with the 200 to BYE, or kept */
	uint64_t in_time;     /* of them, before the end of the plan */
	uint64_t challenges;  /* 407s answered with another request */
	uint64_t retransmits; /* INVITE, 200, BYE repeated after 500 ms */
	uint64_t other;       /* calls ended by another response */
	unsigned last_other;  /* status of the latest of them */
	uint64_t timeouts;    /* calls given up after 4 s without progress */
	uint64_t no_ack;      /* calls whose ACK the callee has not got */
	uint64_t no_route;    /* calls whose 200 has no sound route set */
	uint64_t stray;       /* messages too late, or repeated */
	uint64_t malformed;   /* datagrams that are no message of a call */
	uint64_t most;        /* calls in progress at a time, with those kept */
	struct histogram ring_us;   /* start of a call to its 180 */
	struct histogram answer_us; /* and to its 200 */
};

/* Prepares the calls. The wires, of callers and callees, are connected, the
 * caller's, and open until calls_close(). NULL with errno set when there is no
 * memory. */
struct calls *calls_open(const struct calls_options *options,
	struct wire *caller, struct wire *callee);
void calls_close(struct calls *calls);

/* Runs the plan until the last of its calls has ended. */
void calls_run(struct calls *calls, const struct calls_plan *plan,
	struct calls_result *result);

/* Calls that did not complete. */
uint64_t calls_failed(const struct calls_result *result);

#endif
