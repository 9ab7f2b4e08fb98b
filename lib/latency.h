/* How long registrations took: a histogram of fixed buckets, kept as counters
 * of the database, which all its servers add to. */
#ifndef SP_LIB_LATENCY_H
#define SP_LIB_LATENCY_H

#include <stdint.h>

#include "lib/db.h"
#include "lib/err.h"

enum { SP_LATENCY_BUCKETS = 14 };

/* Up to where each bucket reaches, in microseconds, rising; the last one has
 * no end, and is 0. */
extern const int64_t SP_LATENCY_BOUND_US[SP_LATENCY_BUCKETS];

struct sp_latency {
	int64_t count[SP_LATENCY_BUCKETS]; /* of each bucket alone */
	int64_t sum_us;
};

/* n registrations took so long, each of them. */
void sp_latency_add(struct sp_latency *latency, int64_t took_us, int64_t n);

/* Adds it to what the database has. Expects the caller's transaction. */
int sp_latency_store(struct sp_db *db, const struct sp_latency *latency,
	struct sp_err *err);

/* Reads what the servers of the database have stored. */
int sp_latency_load(struct sp_db *db, struct sp_latency *latency,
	struct sp_err *err);

#endif
