/* The load itself: many phones on one UDP socket, each registering when a
 * window (closed loop) or a schedule (open loop) says so. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/measure.h"

struct load;
struct wire;

struct load_options {
	const char *domain;          /* borrowed */
	const char *password_prefix; /* borrowed */
	uint32_t first;              /* extension of the first phone */
	uint32_t count;              /* number of phones */
	uint32_t expires_s;
	bool no_auth; /* a challenge is a failure */
	bool check;   /* look into each 200 */
};

struct load_plan {
	uint32_t window; /* requests outstanding at most */
	double rate;     /* registrations started per second, 0: closed loop */
	double seconds;  /* end of new registrations */
	uint64_t limit;  /* as many registrations, then the end */
};

struct load_result {
	double elapsed_s;
	uint64_t ok;          /* registrations with a 200 */
	uint64_t ok_in_time;  /* of them, before the end of the plan */
	uint64_t challenges;  /* 401s answered with another REGISTER */
	uint64_t retransmits; /* requests repeated after 500 ms */
	uint64_t other;       /* registrations ended by another response */
	unsigned last_other;  /* status of the latest of them */
	uint64_t timeouts;    /* registrations given up after 4 s */
	uint64_t stray;       /* responses too late, or repeated */
	uint64_t malformed;   /* responses that are none, or fail the check */
	struct histogram reg_us; /* start of a registration to its 200 */
};

/* Prepares the phones, which share one socket. wire: connected to the
 * registrar, the caller's, and open until load_close(). NULL with errno set when
 * there is no memory. */
struct load *load_open(const struct load_options *options, struct wire *wire);
void load_close(struct load *load);

/* What registrations ask for from now on; 0: to be forgotten. */
void load_set_expires(struct load *load, uint32_t expires_s);

/* Runs the plan until the last of its registrations has ended. */
void load_run(struct load *load, const struct load_plan *plan,
	struct load_result *result);

#endif
