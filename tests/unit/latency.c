/* How long registrations took: which bucket, and what the database adds up. */
#include "lib/latency.h"
#include "lib/server.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

enum { LAST = SP_LATENCY_BUCKETS - 1 };

static void check_bounds(struct unit *u)
{
	bool rise = true;

	for (int i = 1; i < LAST; i++)
		rise = rise &&
		       SP_LATENCY_BOUND_US[i] > SP_LATENCY_BOUND_US[i - 1];
	unit_ok(u, rise, "the bounds rise");
	unit_int(u, SP_LATENCY_BOUND_US[LAST], 0, "the last one is none");
}

static void check_buckets(struct unit *u)
{
	static const struct {
		int64_t us;
		int bucket;
	} CASES[] = {
		{0, 0},
		{100, 0}, /* up to and with the bound */
		{101, 1},
		{999, 3},
		{1000, 3},
		{1001, 4},
		{1000000, LAST - 1},
		{1000001, LAST},
		{INT64_C(3600000000), LAST},
	};

	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		struct sp_latency latency = {.sum_us = 0};
		int64_t total = 0;

		sp_latency_add(&latency, CASES[i].us, 3);
		for (int b = 0; b < SP_LATENCY_BUCKETS; b++)
			total += latency.count[b];
		unit_int(u, latency.count[CASES[i].bucket], 3, "its bucket");
		unit_int(u, total, 3, "  and no other");
		unit_int(u, latency.sum_us, 3 * CASES[i].us, "  the sum");
	}
}

/* Two servers, or one that is started again. */
static void check_stored(struct unit *u)
{
	struct sp_latency a = {.sum_us = 0}, b = {.sum_us = 0}, sum;
	char name[SP_COUNTER_SIZE] = "";
	struct world w;
	int64_t value;

	world_open(&w);
	unit_int(u, sp_latency_load(w.db, &sum, &w.err), 0, "nothing yet");
	unit_int(u, sum.count[0] + sum.count[LAST] + sum.sum_us, 0, "  is 0");
	sp_latency_add(&a, 50, 2);
	sp_latency_add(&a, 5000000, 1);
	sp_latency_add(&b, 60, 40);
	unit_int(u, sp_latency_store(w.db, &a, &w.err), 0, "stored");
	unit_int(u, sp_latency_store(w.db, &b, &w.err), 0, "  and more");
	unit_int(u, sp_latency_load(w.db, &sum, &w.err), 0, "loaded");
	unit_int(u, sum.count[0], 42, "  the first bucket");
	unit_int(u, sum.count[1], 0, "  one without any");
	unit_int(u, sum.count[LAST], 1, "  the one without an end");
	unit_int(u, sum.sum_us, 100 + 5000000 + 2400, "  the sum");
	sp_server_count(w.db, "losses", 1, &w.err);
	unit_int(u, sp_server_next_counter(w.db, name, &value, &w.err), 1,
		"beside them another counter");
	unit_str(u, name, "losses", "  it alone is listed");
	unit_int(u, sp_server_next_counter(w.db, name, &value, &w.err), 0,
		"  and no more");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_bounds(&u);
	check_buckets(&u);
	check_stored(&u);
	return unit_done(&u);
}
