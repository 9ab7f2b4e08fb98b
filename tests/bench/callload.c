/* callload: calls through a SIP proxy on the loopback interface.
 *
 * Plays callers and callees itself: registers the callees, then INVITE, 180,
 * 200, ACK, BYE, 200, along the route that the proxy recorded. Prints one line
 * of JSON. Exits 0 when every call was answered and ended, 1 when some was not,
 * 64 on a usage error, 71 when the system refuses something. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/args.h"
#include "tests/bench/calls.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/wire.h"

struct options {
	const char *target;
	struct sockaddr_in address;
	struct calls_options calls;
	uint32_t window; /* 0: not given */
	double rate, hold_s, warm_up_s, duration_s;
	uint32_t keep, server_pid;
	bool no_auth;
};

enum { OPTIONS = 17 };

static void fill_table(struct option_row row[OPTIONS], struct options *o)
{
	const struct option_row table[OPTIONS] = {
		{"target", "ADDRESS:PORT", "the proxy, in 127.0.0.0/8",
			.text = &o->target},
		{"direct", NULL, "without a proxy: what we can do ourselves",
			.flag = &o->calls.direct},
		{"domain", "D", "SIP domain (bench.test)",
			.text = &o->calls.domain},
		{"callee-first", "EXT", "first extension called (100000)",
			.count = &o->calls.callee_first},
		{"callees", "M", "number of them (1000)",
			.count = &o->calls.callees},
		{"caller-first", "EXT", "first extension calling (101000)",
			.count = &o->calls.caller_first},
		{"callers", "N", "number of them (1000)",
			.count = &o->calls.callers},
		{"password-prefix", "P", "a password is P and EXT (pw)",
			.text = &o->calls.password_prefix},
		{"digest", NULL, "callers, on 127.0.0.2, answer a 407",
			.flag = &o->calls.digest},
		{"no-auth", NULL, "callees take a challenge for a failure",
			.flag = &o->no_auth},
		{"window", "W", "calls at a time (64; no limit with --rate)",
			.count = &o->window},
		{"rate", "R", "open loop: R calls per second",
			.real = &o->rate},
		{"hold", "S", "seconds from ACK to BYE (0)",
			.real = &o->hold_s},
		{"duration", "S", "length of the main phase (5)",
			.real = &o->duration_s},
		{"warm-up", "S", "as long before that (0)",
			.real = &o->warm_up_s},
		{"keep", "N", "answered calls beside the main phase (0)",
			.count = &o->keep},
		{"cpu-of", "PID", "report CPU time and memory of that server",
			.count = &o->server_pid},
	};

	memcpy(row, table, sizeof(table));
}

/* With a schedule, calls that take longer than four seconds have failed. */
static void fill_defaults(struct options *o)
{
	double most = o->rate * (o->hold_s + 10) + 100;

	if (!o->window)
		o->window = o->rate > 0 && most < 4e6 ? (uint32_t)most : 64;
	o->calls.slots = o->keep + o->window;
}

static bool options_are_sound(const struct options *o)
{
	return o->calls.callers > 0 && o->calls.callees > 0 &&
	       o->calls.callees <= 1000000 && o->window <= 1000000 &&
	       o->keep <= 1000000 && strlen(o->calls.domain) <= 64 &&
	       strlen(o->calls.password_prefix) <= 64;
}

/* ---- the phases ---------------------------------------------------------- */

static void print_times(const char *name, const struct histogram *h)
{
	printf(",\"%s\":{\"p50\":%" PRIu64 ",\"p99\":%" PRIu64
	       ",\"max\":%" PRIu64 "}",
		name, histogram_quantile(h, .50), histogram_quantile(h, .99),
		h->max_us);
}

static void print_counts(const struct calls_result *r)
{
	printf(",\"started\":%" PRIu64 ",\"completed\":%" PRIu64
	       ",\"failed\":%" PRIu64 ",\"other\":%" PRIu64
	       ",\"last_other\":%u,\"timeouts\":%" PRIu64 ",\"no_ack\":%" PRIu64
	       ",\"no_route\":%" PRIu64,
		r->started, r->completed, calls_failed(r), r->other,
		r->last_other, r->timeouts, r->no_ack, r->no_route);
	printf(",\"challenges\":%" PRIu64 ",\"retransmits\":%" PRIu64
	       ",\"stray\":%" PRIu64 ",\"malformed\":%" PRIu64
	       ",\"in_progress\":%" PRIu64,
		r->challenges, r->retransmits, r->stray, r->malformed, r->most);
}

/* Runs one phase and prints it. True when every call completed. */
static bool run_phase(struct calls *calls, const char *name,
	uint32_t server_pid, const struct calls_plan *plan)
{
	struct calls_result r;
	double cpu_s = process_cpu_s(server_pid);
	uint64_t kib = process_kib(server_pid);

	calls_run(calls, plan, &r);
	cpu_s = process_cpu_s(server_pid) - cpu_s;
	printf(",\"%s\":{\"elapsed_s\":%.3f,\"calls_per_s\":%.1f", name,
		r.elapsed_s,
		r.elapsed_s > 0 ? (double)r.in_time / r.elapsed_s : 0);
	print_counts(&r);
	print_times("ring_us", &r.ring_us);
	print_times("answer_us", &r.answer_us);
	if (server_pid)
		printf(",\"server_cpu_s\":%.2f,\"server_cpu_s_per_1k\":%.4f"
		       ",\"server_kib_before\":%" PRIu64
		       ",\"server_kib\":%" PRIu64,
			cpu_s,
			r.completed ? cpu_s * 1e3 / (double)r.completed : 0,
			kib, process_kib(server_pid));
	putchar('}');
	return r.completed && !calls_failed(&r) && !r.malformed;
}

static bool run_phases(struct calls *calls, const struct options *o)
{
	/* ten minutes: only a bound, the limit ends it */
	struct calls_plan kept = {.kind = CALLS_KEEP,
		.window = 64,
		.seconds = 600,
		.limit = o->keep};
	struct calls_plan plan = {.kind = CALLS_WHOLE,
		.window = o->window,
		.rate = o->rate,
		.hold_s = o->hold_s,
		.seconds = o->warm_up_s,
		.limit = UINT64_MAX};
	bool good = true;

	if (o->keep)
		good = run_phase(calls, "keep", o->server_pid, &kept);
	if (o->warm_up_s > 0)
		good = run_phase(calls, "warm_up", o->server_pid, &plan) &&
		       good;
	plan.seconds = o->duration_s;
	if (o->duration_s > 0)
		good = run_phase(calls, "main", o->server_pid, &plan) && good;
	kept.kind = CALLS_END;
	if (o->keep)
		good = run_phase(calls, "end", o->server_pid, &kept) && good;
	return good;
}

/* Every callee once. True when all are registered, or with 0 none is. */
static bool register_callees(struct load *load, uint32_t callees,
	uint32_t expires_s)
{
	const struct load_plan plan = {.window = 64,
		.seconds = 600,
		.limit = callees};
	struct load_result r;

	load_set_expires(load, expires_s);
	load_run(load, &plan, &r);
	return r.ok == callees;
}

static int connect_wires(const struct options *o, struct wire *caller,
	struct wire *callee)
{
	const bool direct = o->calls.direct;

	if (wire_connect(caller, direct ? wire_address(callee) : &o->address))
		return -1;
	return wire_connect(callee,
		direct ? wire_address(caller) : &o->address);
}

/* phones: the callees as they register, NULL without a registrar. True when
 * every call completed. */
static bool run_calls(const struct options *o, struct calls *calls,
	struct load *phones)
{
	const uint32_t callees = o->calls.callees;
	bool good = true;

	printf("{\"callers\":%u,\"callees\":%u,\"window\":%u,\"rate\":%g"
	       ",\"hold_s\":%g,\"digest\":%s",
		o->calls.callers, callees, o->window, o->rate, o->hold_s,
		o->calls.digest ? "true" : "false");
	if (phones) {
		good = register_callees(phones, callees, 3600);
		printf(",\"registered\":%s", good ? "true" : "false");
	}
	good = good && run_phases(calls, o);
	/* or else the next run's calls would come to us */
	if (phones)
		good = register_callees(phones, callees, 0) && good;
	puts("}");
	return good;
}

static int run(const struct options *o)
{
	/* other than the callees', so that a proxy that trusts 127.0.0.1 still
	 * asks them for a password */
	struct wire *caller =
		wire_open(INADDR_LOOPBACK + (o->calls.digest ? 1 : 0));
	struct wire *callee = wire_open(INADDR_LOOPBACK);
	/* called on the socket that they registered from */
	const struct load_options phones_are = {.domain = o->calls.domain,
		.password_prefix = o->calls.password_prefix,
		.first = o->calls.callee_first,
		.count = o->calls.callees,
		.no_auth = o->no_auth};
	struct load *phones = NULL;
	struct calls *calls = NULL;
	int status = EXIT_SYSTEM;

	if (caller && callee && !connect_wires(o, caller, callee))
		calls = calls_open(&o->calls, caller, callee);
	if (calls && !o->calls.direct)
		phones = load_open(&phones_are, callee);
	if (calls && (phones || o->calls.direct))
		status = run_calls(o, calls, phones) ? 0 : 1;
	else
		fprintf(stderr, "callload: cannot start: %s\n",
			strerror(errno));
	load_close(phones);
	calls_close(calls);
	wire_close(caller);
	wire_close(callee);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {.duration_s = 5,
		.calls = {.domain = "bench.test",
			.password_prefix = "pw",
			.callee_first = 100000,
			.callees = 1000,
			.caller_first = 101000,
			.callers = 1000}};
	struct option_row row[OPTIONS];

	fill_table(row, &o);
	if (args_parse(argc, argv, row, OPTIONS) || !options_are_sound(&o) ||
		(!o.calls.direct && args_target(o.target, &o.address))) {
		args_print("usage: callload --target 127.x.y.z:PORT "
			   "[options]\n",
			row, OPTIONS);
		return EXIT_USAGE;
	}
	fill_defaults(&o);
	int status = run(&o);
	return fclose(stdout) ? EXIT_SYSTEM : status;
}
