/* regload: SIP REGISTER load for a registrar on the loopback interface.
 *
 * Behaves like many softphones: REGISTER, answer the digest challenge, and
 * then refresh with the same nonce until the server challenges again. Prints
 * one line of JSON. Exits 0 when every registration got its 200, 1 when some
 * did not, 64 on a usage error, 71 when the system refuses something. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/args.h"
#include "tests/bench/digest.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/wire.h"

struct options {
	const char *target;
	struct sockaddr_in address;
	struct load_options load;
	uint32_t window; /* 0: not given */
	double rate, duration_s;
	uint32_t server_pid;
	bool prefill, print_ha1;
};

enum { OPTIONS = 14 };

static void fill_table(struct option_row row[OPTIONS], struct options *o)
{
	const struct option_row table[OPTIONS] = {
		{"target", "ADDRESS:PORT", "the registrar, in 127.0.0.0/8",
			.text = &o->target},
		{"domain", "D", "SIP domain and realm (bench.test)",
			.text = &o->load.domain},
		{"first", "EXT", "extension of the first phone (100000)",
			.count = &o->load.first},
		{"count", "N", "number of phones (1000)",
			.count = &o->load.count},
		{"password-prefix", "P", "a password is P and EXT (pw)",
			.text = &o->load.password_prefix},
		{"expires", "S", "Expires header (600)",
			.count = &o->load.expires_s},
		{"window", "W", "requests outstanding (64; with --rate N)",
			.count = &o->window},
		{"rate", "R", "open loop: R registrations per second",
			.real = &o->rate},
		{"duration", "S", "length of the main phase (5)",
			.real = &o->duration_s},
		{"prefill", NULL, "register every phone once before",
			.flag = &o->prefill},
		{"cpu-of", "PID", "report the CPU time of that server",
			.count = &o->server_pid},
		{"no-auth", NULL, "take a challenge for a failure",
			.flag = &o->load.no_auth},
		{"check", NULL, "look into every 200", .flag = &o->load.check},
		{"print-ha1", NULL, "only list EXT,HA1 of the phones",
			.flag = &o->print_ha1},
	};

	memcpy(row, table, sizeof(table));
}

static bool options_are_sound(const struct options *o)
{
	return o->load.count > 0 && o->load.count <= 10000000 &&
	       strlen(o->load.domain) <= 64 &&
	       strlen(o->load.password_prefix) <= 64;
}

static void print_ha1(const struct load_options *load)
{
	char ha1[MD5_HEX];

	for (uint32_t i = 0; i < load->count; i++) {
		digest_ha1(load->domain, load->password_prefix, load->first + i,
			ha1);
		printf("%u,%s\n", load->first + i, ha1);
	}
}

/* server_cpu_s: negative when unknown */
static void print_result(const char *name, const struct load_result *r,
	double server_cpu_s)
{
	const struct histogram *h = &r->reg_us;

	printf(",\"%s\":{\"elapsed_s\":%.3f,\"reg_per_s\":%.1f", name,
		r->elapsed_s,
		r->elapsed_s > 0 ? (double)r->ok_in_time / r->elapsed_s : 0);
	printf(",\"ok\":%" PRIu64 ",\"challenges\":%" PRIu64
	       ",\"retransmits\":%" PRIu64 ",\"other\":%" PRIu64
	       ",\"last_other\":%u,\"timeouts\":%" PRIu64 ",\"stray\":%" PRIu64
	       ",\"malformed\":%" PRIu64,
		r->ok, r->challenges, r->retransmits, r->other, r->last_other,
		r->timeouts, r->stray, r->malformed);
	printf(",\"reg_us\":{\"p50\":%" PRIu64 ",\"p95\":%" PRIu64
	       ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "}",
		histogram_quantile(h, .50), histogram_quantile(h, .95),
		histogram_quantile(h, .99), h->max_us);
	if (server_cpu_s >= 0)
		printf(",\"server_cpu_s\":%.2f,\"server_cpu_s_per_10k\":%.4f",
			server_cpu_s,
			r->ok ? server_cpu_s * 1e4 / (double)r->ok : 0);
	putchar('}');
}

/* Runs one phase and prints it. True when every registration got its 200. */
static bool run_phase(struct load *load, const char *name, uint32_t server_pid,
	const struct load_plan *plan)
{
	struct load_result result;
	double before = process_cpu_s(server_pid);

	load_run(load, plan, &result);
	double used = process_cpu_s(server_pid) - before;
	print_result(name, &result, server_pid ? used : -1);
	return result.ok && !result.other && !result.timeouts &&
	       !result.malformed;
}

static bool run_phases(struct load *load, const struct options *o)
{
	/* ten minutes: only a bound, the limit ends it */
	const struct load_plan prefill = {.window = 64,
		.seconds = 600,
		.limit = o->load.count};
	const struct load_plan plan = {.window = o->window,
		.rate = o->rate,
		.seconds = o->duration_s,
		.limit = UINT64_MAX};
	bool good = true;

	printf("{\"count\":%u,\"window\":%u,\"rate\":%g,\"auth\":%s",
		o->load.count, plan.window, plan.rate,
		o->load.no_auth ? "false" : "true");
	if (o->prefill)
		good = run_phase(load, "prefill", o->server_pid, &prefill);
	good = run_phase(load, "main", o->server_pid, &plan) && good;
	puts("}");
	return good;
}

static int run(const struct options *o)
{
	struct wire *wire = wire_open(INADDR_LOOPBACK);
	struct load *load = NULL;
	int status = EXIT_SYSTEM;

	if (wire && !wire_connect(wire, &o->address))
		load = load_open(&o->load, wire);
	if (load)
		status = run_phases(load, o) ? 0 : 1;
	else
		fprintf(stderr, "regload: cannot start: %s\n", strerror(errno));
	load_close(load);
	wire_close(wire);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {.duration_s = 5,
		.load = {.domain = "bench.test",
			.password_prefix = "pw",
			.first = 100000,
			.count = 1000,
			.expires_s = 600}};
	struct option_row row[OPTIONS];
	int status = 0;

	fill_table(row, &o);
	if (args_parse(argc, argv, row, OPTIONS) || !options_are_sound(&o) ||
		(!o.print_ha1 && args_target(o.target, &o.address))) {
		args_print("usage: regload --target 127.x.y.z:PORT [options]\n",
			row, OPTIONS);
		return EXIT_USAGE;
	}
	if (!o.window)
		o.window = o.rate > 0 ? o.load.count : 64;
	if (o.print_ha1)
		print_ha1(&o.load);
	else
		status = run(&o);
	return fclose(stdout) ? EXIT_SYSTEM : status;
}
