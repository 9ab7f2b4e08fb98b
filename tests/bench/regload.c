/* regload: SIP REGISTER load for a registrar on the loopback interface.
 *
 * Behaves like many softphones: REGISTER, answer the digest challenge, and
 * then refresh with the same nonce until the server challenges again. Prints
 * one line of JSON. Exits 0 when every registration got its 200, 1 when some
 * did not, 64 on a usage error, 71 when the system refuses something. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/phone.h"

enum { EXIT_USAGE = 64, EXIT_SYSTEM = 71 };

struct options {
	const char *target;
	struct load_options load;
	uint32_t window; /* 0: not given */
	double rate, duration_s;
	uint32_t server_pid;
	bool prefill, print_ha1;
};

/* One option: exactly one of the targets is set. */
struct option_row {
	const char *name, *arg, *help;
	const char **text;
	uint32_t *count;
	double *real;
	bool *flag;
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

static void print_usage(const struct option_row row[OPTIONS])
{
	fputs("usage: regload --target 127.x.y.z:PORT [options]\n", stderr);
	for (int i = 0; i < OPTIONS; i++)
		fprintf(stderr, "  --%-16s %-13s %s\n", row[i].name,
			row[i].arg ? row[i].arg : "", row[i].help);
}

static int store_number(const struct option_row *row, const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v >= 0 && v <= 4e9))
		return -1;
	if (row->real)
		*row->real = v;
	else
		*row->count = (uint32_t)v;
	return 0;
}

static int parse_options(int argc, char **argv,
	const struct option_row row[OPTIONS])
{
	struct option longopts[OPTIONS + 1] = {0};
	int i;

	for (i = 0; i < OPTIONS; i++)
		longopts[i] = (struct option){row[i].name,
			row[i].arg ? required_argument : no_argument, NULL, i};
	while ((i = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (i == '?')
			return -1;
		if (row[i].flag)
			*row[i].flag = true;
		else if (row[i].text)
			*row[i].text = optarg;
		else if (store_number(&row[i], optarg))
			return -1;
	}
	return optind == argc ? 0 : -1;
}

static int parse_target(const char *s, struct sockaddr_in *target)
{
	char host[16];
	unsigned short port;

	if (!s || sscanf(s, "%15[0-9.]:%hu", host, &port) != 2)
		return -1;
	target->sin_family = AF_INET;
	target->sin_port = htons(port);
	if (inet_pton(AF_INET, host, &target->sin_addr) != 1 ||
		ntohl(target->sin_addr.s_addr) >> 24 != 127)
		return -1;
	return 0;
}

static bool options_are_sound(const struct options *o)
{
	return o->load.count > 0 && o->load.count <= 10000000 &&
	       strlen(o->load.domain) <= 64 &&
	       strlen(o->load.password_prefix) <= 64;
}

static void print_ha1(const struct load_options *load)
{
	struct site site;
	char ha1[MD5_HEX];

	site_init(&site, load->domain, load->password_prefix, 0);
	for (uint32_t i = 0; i < load->count; i++) {
		site_ha1(&site, load->domain, load->first + i, ha1);
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

int main(int argc, char **argv)
{
	struct options o = {.duration_s = 5,
		.load = {.domain = "bench.test",
			.password_prefix = "pw",
			.first = 100000,
			.count = 1000,
			.expires_s = 600}};
	struct option_row row[OPTIONS];

	fill_table(row, &o);
	if (parse_options(argc, argv, row) || !options_are_sound(&o) ||
		(!o.print_ha1 && parse_target(o.target, &o.load.target))) {
		print_usage(row);
		return EXIT_USAGE;
	}
	if (o.print_ha1) {
		print_ha1(&o.load);
		return fclose(stdout) ? EXIT_SYSTEM : 0;
	}
	if (!o.window)
		o.window = o.rate > 0 ? o.load.count : 64;
	struct load *load = load_open(&o.load);
	if (!load) {
		fprintf(stderr, "regload: cannot start: %s\n", strerror(errno));
		return EXIT_SYSTEM;
	}
	bool good = run_phases(load, &o);
	load_close(load);
	if (fclose(stdout))
		return EXIT_SYSTEM;
	return good ? 0 : 1;
}
