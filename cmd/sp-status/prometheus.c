/* sp-status --prometheus: what there is to measure, in the text format of
 * Prometheus, version 0.0.4, as node_exporter's textfile collector reads it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/sp-status/census.h"
#include "lib/call_stats.h"
#include "lib/event.h"
#include "lib/latency.h"
#include "lib/schema.h"
#include "lib/server.h"

static const char GAUGE[] = "gauge";
static const char COUNTER[] = "counter";

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_number(const char *name, const char *type, const char *help,
	int64_t value)
{
	head(name, type, help);
	printf("%s %" PRId64 "\n", name, value);
}

/* What is in milliseconds, in the base unit. */
static void put_seconds(const char *name, const char *help, int64_t ms)
{
	head(name, GAUGE, help);
	printf("%s %.3f\n", name, (double)ms / 1000);
}

/* NAME="VALUE", with what the format wants escaped. */
static void put_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			putchar('\\');
		if (*value == '\n')
			fputs("\\n", stdout);
		else
			putchar(*value);
	}
	putchar('"');
}

/* A series of a tenant, with one more label. */
static void put_of_tenant(const char *name, const struct tenant_census *t,
	const char *label, const char *value, int64_t n)
{
	printf("%s{", name);
	put_label("tenant", t->tenant->domain);
	putchar(',');
	put_label(label, value);
	printf("} %" PRId64 "\n", n);
}

/* ---- extensions and numbers -------------------------------------------- */

static void put_states(const struct census *c)
{
	static const char NAME[] = "sp_extensions";

	head(NAME, GAUGE,
		"Extensions by state; free, resting and reserved are numbers "
		"of the pool that nobody has.");
	for (size_t i = 0; i < c->n; i++)
		for (int state = 0; state < SP_N_STATES; state++)
			put_of_tenant(NAME, &c->at[i], "state",
				sp_state_name((enum sp_state)state),
				c->at[i].state[state]);
}

static void put_range(const char *name, const struct tenant_census *t, size_t i,
	int64_t value)
{
	const struct sp_range *range = &t->tenant->pool.all.at[i];
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];
	char text[2 * SP_NUMBER_SIZE];

	sp_pool_format(range, range->first, first);
	sp_pool_format(range, range->last, last);
	snprintf(text, sizeof text, "%s-%s", first, last);
	put_of_tenant(name, t, "range", text, value);
}

/* As they stand in pool_value. */
static const struct {
	const char *name, *help;
} POOL[] = {
	{"sp_pool_size", "Numbers of a range of the pool."},
	{"sp_pool_assigned", "Those that somebody has."},
	{"sp_pool_free", "Those that can be given out."},
	{"sp_pool_resting", "Those that may not be given out yet."},
	{"sp_pool_reserved", "Those that nobody has, and nobody is given."},
};

enum { N_POOL = sizeof POOL / sizeof POOL[0] };

static int64_t pool_value(const struct sp_pool_count *count, int metric)
{
	const int64_t values[N_POOL] = {count->size, count->assigned,
		count->free, count->resting, count->reserved};

	return values[metric];
}

static void put_pool(const struct census *c)
{
	for (int m = 0; m < N_POOL; m++) {
		head(POOL[m].name, GAUGE, POOL[m].help);
		for (size_t i = 0; i < c->n; i++)
			for (size_t r = 0; r < c->at[i].tenant->pool.all.n; r++)
				put_range(POOL[m].name, &c->at[i], r,
					pool_value(&c->at[i].range[r], m));
	}
}

/* ---- calls ------------------------------------------------------------- */

static void put_open_calls(const struct census *c)
{
	static const char NAME[] = "sp_calls";

	head(NAME, GAUGE, "Calls in progress.");
	for (size_t i = 0; i < c->n; i++) {
		put_of_tenant(NAME, &c->at[i], "state", "ringing",
			c->at[i].ringing);
		put_of_tenant(NAME, &c->at[i], "state", "answered",
			c->at[i].answered);
	}
}

static int put_ended_calls(struct work *w, struct sp_err *err)
{
	static const char NAME[] = "sp_calls_ended_total";
	int64_t n;

	head(NAME, COUNTER, "Calls that have ended, by how they did.");
	for (int i = 0; i < SP_CALL_N_ENDINGS; i++) {
		if (sp_call_count_ended(w->app.db, SP_CALL_ENDINGS[i], &n,
			    err) != 0)
			return -1;
		printf("%s{", NAME);
		put_label("ending", SP_CALL_ENDINGS[i]);
		printf("} %" PRId64 "\n", n);
	}
	return 0;
}

/* ---- the server -------------------------------------------------------- */

/* Counters that are there from the start: a rate needs a first value. */
static const struct {
	const char *counter, *help;
} COUNTERS[] = {
	{"requests", "Requests that were received."},
	{"registrations", "REGISTER requests that were answered with 200."},
	{"challenges", "Requests that were asked for credentials."},
	{"auth-failures", "Requests with wrong credentials."},
	{"refusals", "Requests that were refused with any other status."},
	{"unavailable", "Requests that were answered with 503."},
	{"dropped", "Messages that no answer could be built for."},
	{"limited", "Failed logins that got no answer: there were too many."},
	{"losses", "Registrations that ended without a logout."},
};

enum { N_COUNTERS = sizeof COUNTERS / sizeof COUNTERS[0] };

static void put_counter(const char *counter, const char *help, int64_t value)
{
	char name[SP_COUNTER_SIZE + 24];

	snprintf(name, sizeof name, "sp_server_%s_total", counter);
	for (char *at = name; *at != '\0'; at++)
		if (*at == '-')
			*at = '_';
	put_number(name, COUNTER, help, value);
}

/* Which one of COUNTERS, or -1. */
static int find_counter(const char *name)
{
	for (int i = 0; i < N_COUNTERS; i++)
		if (strcmp(COUNTERS[i].counter, name) == 0)
			return i;
	return -1;
}

static bool is_of_calls(const char *name)
{
	return strncmp(name, SP_COUNTER_OF_CALLS,
		       sizeof SP_COUNTER_OF_CALLS - 1) == 0;
}

static int put_counters(struct work *w, struct sp_err *err)
{
	char name[SP_COUNTER_SIZE] = "";
	int64_t known[N_COUNTERS] = {0}, value;
	int rc, i;

	while ((rc = sp_server_next_counter(w->app.db, name, &value, err)) ==
		1) {
		i = find_counter(name);
		if (i >= 0)
			known[i] = value;
		else if (!is_of_calls(name))
			put_counter(name, "Counted by the server.", value);
	}
	for (i = 0; i < N_COUNTERS; i++)
		put_counter(COUNTERS[i].counter, COUNTERS[i].help, known[i]);
	return rc;
}

static int put_latency(struct work *w, struct sp_err *err)
{
	static const char NAME[] = "sp_registration_duration_seconds";
	struct sp_latency latency;
	int64_t total = 0;

	if (sp_latency_load(w->app.db, &latency, err) != 0)
		return -1;
	head(NAME, "histogram",
		"From when a REGISTER was read until its 200 was sent.");
	for (int i = 0; i < SP_LATENCY_BUCKETS; i++) {
		char bound[24] = "+Inf";

		total += latency.count[i];
		if (i < SP_LATENCY_BUCKETS - 1)
			snprintf(bound, sizeof bound, "%g",
				(double)SP_LATENCY_BOUND_US[i] / 1e6);
		printf("%s_bucket{le=\"%s\"} %" PRId64 "\n", NAME, bound,
			total);
	}
	printf("%s_sum %.6f\n%s_count %" PRId64 "\n", NAME,
		(double)latency.sum_us / 1e6, NAME, total);
	return 0;
}

static void put_heartbeat(const struct census *c)
{
	static const char AGE[] = "sp_server_heartbeat_age_seconds";
	static const char AGE_HELP[] =
		"How long ago a server beat last; infinite: never.";
	int64_t age_ms = c->now_ms - c->heartbeat_ms;

	put_seconds("sp_server_heartbeat_timestamp_seconds",
		"When a server beat last, in seconds since 1970; 0: never.",
		c->heartbeat_ms);
	if (c->heartbeat_ms != 0) {
		put_seconds(AGE, AGE_HELP, age_ms < 0 ? 0 : age_ms);
	} else {
		head(AGE, GAUGE, AGE_HELP);
		printf("%s +Inf\n", AGE);
	}
	put_number("sp_server_up", GAUGE, "Whether a server is running.",
		c->heartbeat_ms != 0 && age_ms <= SP_HEARTBEAT_LATE_MS);
}

/* ---- the database ------------------------------------------------------ */

static int put_database(struct work *w, struct sp_err *err)
{
	int64_t bytes, wal_bytes, oldest, last;

	if (sp_db_size(w->app.db, &bytes, &wal_bytes, err) != 0 ||
		sp_event_bounds(&w->app.scope, &oldest, &last, err) != 0)
		return -1;
	put_number("sp_database_size_bytes", GAUGE, "Size of the database.",
		bytes);
	put_number("sp_database_wal_size_bytes", GAUGE,
		"Size of the write-ahead log beside it.", wal_bytes);
	put_number("sp_events_total", COUNTER,
		"Events of the history: the number of the last one.", last);
	return 0;
}

static void put_build(void)
{
	static const char NAME[] = "sp_build_info";

	head(NAME, GAUGE, "Version of the tools and of the schema.");
	printf("%s{", NAME);
	put_label("version", SP_VERSION);
	printf(",schema=\"%d\"} 1\n", SP_SCHEMA_VERSION);
}

/* When it fails some of it is printed: whoever keeps it looks at the exit
 * status, as scripts/sp-metrics does. */
static int put_all(struct work *w, const struct census *c, struct sp_err *err)
{
	put_build();
	put_seconds("sp_metrics_timestamp_seconds",
		"When this was written, in seconds since 1970.", c->now_ms);
	put_states(c);
	put_pool(c);
	put_open_calls(c);
	put_heartbeat(c);
	return put_ended_calls(w, err) != 0 || put_counters(w, err) != 0 ||
			       put_latency(w, err) != 0 ||
			       put_database(w, err) != 0
		       ? -1
		       : 0;
}

int print_prometheus(struct work *w, struct sp_err *err)
{
	struct census census;
	int rc = census_take(w, &census, err);

	if (rc == 0)
		rc = put_all(w, &census, err);
	census_release(&census);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = sp_err_set(err, SP_IO, "cannot write the listing: %s",
			strerror(errno));
	return rc;
}
