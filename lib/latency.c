/* How long registrations took. */
#include "lib/latency.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/server.h"

/* From what one commit of one REGISTER costs to where a phone sends its request
 * again (RFC 3261 §17.1.1.1, T1 of 500 ms), and beyond. */
const int64_t SP_LATENCY_BOUND_US[SP_LATENCY_BUCKETS] = {100, 250, 500, 1000,
	2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 0};

static const char SUM[] = SP_COUNTER_OF_LATENCY "sum-us";

/* A bucket is stored by its bound: others may come beside it. */
static void name_bucket(int i, char name[SP_COUNTER_SIZE])
{
	snprintf(name, SP_COUNTER_SIZE, "%s%" PRId64, SP_COUNTER_OF_LATENCY,
		SP_LATENCY_BOUND_US[i]);
}

void sp_latency_add(struct sp_latency *latency, int64_t took_us, int64_t n)
{
	int i = 0;

	while (i < SP_LATENCY_BUCKETS - 1 && took_us > SP_LATENCY_BOUND_US[i])
		i++;
	latency->count[i] += n;
	latency->sum_us += n * took_us;
}

int sp_latency_store(struct sp_db *db, const struct sp_latency *latency,
	struct sp_err *err)
{
	char name[SP_COUNTER_SIZE];

	for (int i = 0; i < SP_LATENCY_BUCKETS; i++) {
		if (latency->count[i] == 0)
			continue;
		name_bucket(i, name);
		if (sp_server_count(db, name, latency->count[i], err) != 0)
			return -1;
	}
	return latency->sum_us == 0
		       ? 0
		       : sp_server_count(db, SUM, latency->sum_us, err);
}

int sp_latency_load(struct sp_db *db, struct sp_latency *latency,
	struct sp_err *err)
{
	char name[SP_COUNTER_SIZE];

	for (int i = 0; i < SP_LATENCY_BUCKETS; i++) {
		name_bucket(i, name);
		if (sp_server_get_counter(db, name, &latency->count[i], err) !=
			0)
			return -1;
	}
	return sp_server_get_counter(db, SUM, &latency->sum_us, err);
}
