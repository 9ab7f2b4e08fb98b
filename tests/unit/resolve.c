/* cmd/sp-register/resolve and srv: where a URI's host is, by rules and by a real
 * DNS server, dnsmasq. */
#include "cmd/sp-register/resolve.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/srv.h"
#include "tests/unit/loop.h"

static const enum sp_transport NONE = SP_N_TRANSPORTS;

/* ---- rules ------------------------------------------------------------- */

static void check_numeric(struct unit *u)
{
	static const struct {
		const char *host;
		int port;
		bool is_sips;
		enum sp_transport transport;
		const char *expected; /* transport and address; NULL: none */
	} cases[] = {
		{"192.0.2.7", 0, false, SP_N_TRANSPORTS, "udp 192.0.2.7:5060"},
		{"192.0.2.7", 5070, false, SP_N_TRANSPORTS,
			"udp 192.0.2.7:5070"},
		{"192.0.2.7", 0, false, SP_TCP, "tcp 192.0.2.7:5060"},
		{"192.0.2.7", 0, false, SP_TLS, "tls 192.0.2.7:5061"},
		{"192.0.2.7", 0, true, SP_N_TRANSPORTS, "tls 192.0.2.7:5061"},
		{"192.0.2.7", 5070, true, SP_TCP, "tls 192.0.2.7:5070"},
		{"192.0.2.7", 0, true, SP_UDP, "tls 192.0.2.7:5061"},
		{"2001:db8::1", 0, false, SP_UDP, "udp [2001:db8::1]:5060"},
		{"::ffff:192.0.2.7", 0, false, SP_UDP, "udp 192.0.2.7:5060"},
		{"192.0.2", 0, false, SP_UDP, NULL},
		{"192.0.2.7.", 0, false, SP_UDP, NULL},
		{"example.test", 0, false, SP_UDP, NULL},
		{"", 0, false, SP_UDP, NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct resolve_target target = {cases[i].host,
			cases[i].port, cases[i].is_sips, cases[i].transport};
		char text[ADDRESS_TEXT + 8] = "", address[ADDRESS_TEXT],
					 ip[INET6_ADDRSTRLEN];
		struct hop hop;
		int port;

		if (resolve_numeric(&target, &hop) == 0) {
			unit_str(u, NULL, cases[i].expected, cases[i].host);
			continue;
		}
		port = address_read(&hop.to.any, ip);
		address_format(ip, port, address);
		snprintf(text, sizeof text, "%s %s",
			sp_transport_name(hop.transport), address);
		unit_str(u, text, cases[i].expected, cases[i].host);
		unit_ok(u, hop.local == -1 && hop.flow_id == 0, "  no more");
	}
}

/* Draws what the test says, and notes from how much. */
struct draws {
	uint32_t value[8], max[8];
	int n;
};

static uint32_t draw(void *arg, uint32_t max)
{
	struct draws *d = arg;

	d->max[d->n] = max;
	return d->value[d->n++];
}

static void check_srv(struct unit *u)
{
	static const struct {
		const char *name, *order;
		struct srv_rank ranks[4];
		uint32_t value[4], first_max;
	} cases[] = {
		{"priorities", "2013",
			{{20, 0, 0}, {20, 9, 1}, {10, 1, 2}, {30, 5, 3}},
			{0, 0, 0, 0}, 1},
		{"the first share", "0123",
			{{1, 10, 0}, {1, 20, 1}, {1, 30, 2}, {1, 40, 3}},
			{10, 20, 30, 40}, 100},
		{"the next share", "1023",
			{{1, 10, 0}, {1, 20, 1}, {1, 30, 2}, {1, 40, 3}},
			{11, 10, 1, 1}, 100},
		{"the last share", "3210",
			{{1, 10, 0}, {1, 20, 1}, {1, 30, 2}, {1, 40, 3}},
			{100, 60, 30, 10}, 100},
		{"none of weight", "0123",
			{{1, 0, 0}, {1, 0, 1}, {1, 0, 2}, {1, 0, 3}},
			{0, 0, 0, 0}, 0},
		{"one without, drawn", "1023",
			{{1, 10, 0}, {1, 0, 1}, {1, 10, 2}, {1, 10, 3}},
			{0, 1, 1, 1}, 30},
		{"one without, not drawn", "0231",
			{{1, 10, 0}, {1, 0, 1}, {1, 10, 2}, {1, 10, 3}},
			{1, 1, 1, 0}, 30},
		{"large weights", "3012",
			{{1, 65535, 0}, {1, 65535, 1}, {1, 65535, 2},
				{1, 65535, 3}},
			{4 * 65535, 1, 1, 1}, 4 * 65535},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct srv_rank ranks[4];
		struct draws d = {.n = 0};
		char order[5] = "";

		memcpy(ranks, cases[i].ranks, sizeof ranks);
		memcpy(d.value, cases[i].value, sizeof cases[i].value);
		srv_order(ranks, 4, draw, &d);
		for (int k = 0; k < 4; k++)
			order[k] = (char)('0' + ranks[k].index);
		unit_str(u, order, cases[i].order, cases[i].name);
		unit_int(u, d.max[0], cases[i].first_max, "  drawn from");
	}
}

/* ---- a server ---------------------------------------------------------- */

enum { MAX_TEXT = 512 };

struct world {
	struct unit *u;
	struct event_base *base;
	struct resolver *resolver;
	pid_t server;
	char address[MAX_TEXT]; /* of it */
	int n_done;
	char text[MAX_TEXT]; /* what the last answer was */
};

static void start_server(struct world *w, int port)
{
	char option[32];

	snprintf(option, sizeof option, "--port=%d", port);
	w->server = fork();
	loop_must(w->server >= 0, "no process");
	if (w->server > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	loop_must(freopen("/dev/null", "w", stderr) != NULL, "no /dev/null");
	execl("/usr/sbin/dnsmasq", "dnsmasq", "--no-daemon",
		"--conf-file=/dev/null", "--no-resolv", "--no-hosts",
		"--pid-file=", "--bind-interfaces",
		"--listen-address=127.0.0.1", option, "--local=/test/",
		"--local-ttl=300",
		"--host-record=a.example.test,192.0.2.1,2001:db8::1",
		"--host-record=b.example.test,192.0.2.2",
		"--host-record=c.example.test,192.0.2.3",
		"--host-record=example.test,192.0.2.9",
		"--host-record=plain.test,192.0.2.8",
		"--host-record=short.test,192.0.2.7,1",
		"--cname=alias.test,plain.test",
		"--srv-host=_sip._udp.example.test,b.example.test,5070,20,1",
		"--srv-host=_sip._udp.example.test,a.example.test,5071,10,1",
		"--srv-host=_sip._tcp.example.test,c.example.test,5072,1,1",
		"--srv-host=_sips._tcp.example.test,b.example.test,5073,1,1",
		"--srv-host=_sip._tcp.stream.test,c.example.test,5074,1,1",
		"--srv-host=_sip._udp.closed.test",
		"--host-record=closed.test,192.0.2.6",
		"--srv-host=_sip._udp.lost.test,nobody.test,5060,1,1",
		"--srv-host=_sip._udp.half.test,nobody.test,5060,1,1",
		"--srv-host=_sip._udp.half.test,b.example.test,5060,2,1",
		(char *)NULL);
	_exit(127);
}

static void stop_server(struct world *w)
{
	if (w->server > 0) {
		kill(w->server, SIGKILL);
		waitpid(w->server, NULL, 0);
	}
	w->server = 0;
}

static void on_done(void *arg, const struct hop *hops, int n, const char *why)
{
	struct world *w = arg;
	size_t at = 0;

	w->n_done++;
	snprintf(w->text, sizeof w->text, "%s", why);
	for (int i = 0; i < n; i++) {
		char ip[INET6_ADDRSTRLEN], address[ADDRESS_TEXT];
		int port = address_read(&hops[i].to.any, ip);

		address_format(ip, port, address);
		at += (size_t)snprintf(w->text + at, sizeof w->text - at,
			"%s%s %s", i == 0 ? "" : ", ",
			sp_transport_name(hops[i].transport), address);
	}
}

static struct resolution *ask(struct world *w, const char *host, int port,
	bool is_sips, enum sp_transport transport)
{
	const struct resolve_target target = {host, port, is_sips, transport};
	struct resolution *r = resolver_ask(w->resolver, &target, on_done, w);

	loop_must(r != NULL, "cannot ask");
	return r;
}

/* The answer, waited for. */
static const char *answer(struct world *w, const char *host, int port,
	bool is_sips, enum sp_transport transport)
{
	int n = w->n_done;

	snprintf(w->text, sizeof w->text, "nothing");
	ask(w, host, port, is_sips, transport);
	loop_must(w->n_done == n, "told before it returned");
	loop_until(w->base, &w->n_done, n + 1);
	return w->text;
}

static void new_resolver(struct world *w)
{
	struct sp_err err;

	resolver_free(w->resolver);
	loop_must(resolver_new(&w->resolver, w->base, w->address, &err) == 0,
		"no resolver");
}

/* Another one may take the port before the server does: it ends then. */
static bool is_up(struct world *w)
{
	for (int i = 0; i < 100; i++) {
		if (waitpid(w->server, NULL, WNOHANG) != 0)
			return false;
		new_resolver(w);
		if (strcmp(answer(w, "plain.test", 1, false, NONE),
			    "udp 192.0.2.8:1") == 0)
			return true;
	}
	return false;
}

static void open_world(struct world *w, struct unit *u)
{
	union hop_address a;

	*w = (struct world){.u = u};
	w->base = event_base_new();
	loop_must(w->base != NULL, "no loop");
	for (int i = 0; i < 5; i++) {
		loop_nobody(SOCK_DGRAM, &a);
		address_format("127.0.0.1", ntohs(a.four.sin_port), w->address);
		start_server(w, ntohs(a.four.sin_port));
		if (is_up(w))
			break;
		stop_server(w);
	}
	loop_must(w->server > 0, "no dnsmasq");
	new_resolver(w);
}

static void close_world(struct world *w)
{
	stop_server(w);
	resolver_free(w->resolver);
	event_base_free(w->base);
}

static void check_names(struct world *w)
{
	static const struct {
		const char *name, *host;
		int port;
		bool is_sips;
		enum sp_transport transport;
		const char *expected;
	} cases[] = {
		{"SRV by UDP first", "example.test", 0, false, SP_N_TRANSPORTS,
			"udp 192.0.2.1:5071, udp [2001:db8::1]:5071, "
			"udp 192.0.2.2:5070"},
		{"in upper case", "EXAMPLE.Test", 0, false, SP_TCP,
			"tcp 192.0.2.3:5072"},
		{"sips", "example.test", 0, true, SP_N_TRANSPORTS,
			"tls 192.0.2.2:5073"},
		{"transport=tls", "example.test", 0, false, SP_TLS,
			"tls 192.0.2.2:5073"},
		{"SRV by TCP then", "stream.test", 0, false, SP_N_TRANSPORTS,
			"tcp 192.0.2.3:5074"},
		{"a port: no SRV", "example.test", 5080, false, SP_N_TRANSPORTS,
			"udp 192.0.2.9:5080"},
		{"a port, sips", "example.test", 5080, true, SP_N_TRANSPORTS,
			"tls 192.0.2.9:5080"},
		{"no SRV", "plain.test", 0, false, SP_N_TRANSPORTS,
			"udp 192.0.2.8:5060"},
		{"no SRV, by TCP", "plain.test", 0, false, SP_TCP,
			"tcp 192.0.2.8:5060"},
		{"no SRV, sips", "plain.test", 0, true, SP_N_TRANSPORTS,
			"tls 192.0.2.8:5061"},
		{"an alias", "alias.test", 5060, false, SP_UDP,
			"udp 192.0.2.8:5060"},
		{"no service there", "closed.test", 0, false, SP_UDP,
			"no such name"},
		{"a server without address", "lost.test", 0, false, SP_UDP,
			"no such name"},
		{"the next server", "half.test", 0, false, SP_UDP,
			"udp 192.0.2.2:5060"},
		{"no such name", "nobody.test", 0, false, SP_N_TRANSPORTS,
			"no such name"},
		{"an address", "192.0.2.7", 0, false, SP_TCP,
			"tcp 192.0.2.7:5060"},
		{"no name", "", 0, false, SP_UDP, "no such name"},
		{"a bad one", "a..test", 0, false, SP_UDP, "no such name"},
	};
	char text[MAX_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(w->u,
			answer(w, cases[i].host, cases[i].port,
				cases[i].is_sips, cases[i].transport),
			cases[i].expected, cases[i].name);
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	unit_str(w->u, answer(w, text, 0, false, SP_UDP), "no such name",
		"too long");
}

static void check_waiting(struct world *w)
{
	struct resolution *r[3];
	int n = w->n_done;

	for (int i = 0; i < 3; i++)
		r[i] = ask(w, "b.example.test", 5060, false, SP_UDP);
	resolution_cancel(r[1]);
	resolution_cancel(NULL);
	unit_ok(w->u, loop_until(w->base, &w->n_done, n + 2),
		"two of three are told");
	answer(w, "c.example.test", 5060, false, SP_UDP);
	unit_int(w->u, w->n_done, n + 3, "  but not the one that cancelled");
	r[0] = ask(w, "a.example.test", 5060, false, SP_UDP);
	event_base_loop(w->base, EVLOOP_ONCE); /* it is asked for now */
	resolution_cancel(r[0]);
	answer(w, "c.example.test", 5061, false, SP_UDP);
	unit_int(w->u, w->n_done, n + 4, "  nor one that did in between");
	ask(w, "a.example.test", 5061, false, SP_UDP);
	event_base_loop(w->base, EVLOOP_ONCE);
	new_resolver(w);
	unit_int(w->u, w->n_done, n + 4, "nor anybody when all ends");
}

/* More names than are kept. */
static void check_many(struct world *w)
{
	int n = w->n_done, good = 0;

	for (int i = 1; i <= 1000; i++)
		good += strncmp(answer(w, "b.example.test", i, false, SP_UDP),
				"udp 192.0.2.2:", 14) == 0;
	unit_int(w->u, good, 1000, "many targets, one after the other");
	for (int i = 1; i <= 1000; i++) {
		const struct resolve_target target = {"c.example.test", i,
			false, SP_UDP};

		good += resolver_ask(w->resolver, &target, on_done, w) != NULL;
	}
	unit_int(w->u, good, 1256, "at once: not more than are kept");
	unit_ok(w->u, loop_until(w->base, &w->n_done, n + good),
		"  all of those are told");
}

/* What the server has said is known without it, for its time. */
static void check_cache(struct world *w)
{
	const char *expected = "udp 192.0.2.1:5071, udp [2001:db8::1]:5071, "
			       "udp 192.0.2.2:5070";
	int64_t end_ms = sp_clock_monotonic_ms() + LOOP_PATIENCE_MS;

	unit_str(w->u, answer(w, "example.test", 0, false, NONE), expected,
		"asked");
	unit_str(w->u, answer(w, "short.test", 5060, false, NONE),
		"udp 192.0.2.7:5060", "asked, good for a second");
	stop_server(w);
	unit_str(w->u, answer(w, "example.test", 0, false, NONE), expected,
		"known");
	while (strncmp(answer(w, "short.test", 5060, false, NONE), "udp", 3) ==
			0 &&
		sp_clock_monotonic_ms() < end_ms)
		;
	unit_str(w->u, w->text, "DNS does not answer",
		"known no more, and nobody to ask");
	unit_str(w->u, answer(w, "example.test", 0, false, NONE), expected,
		"  the other still is");
}

/* How many questions there may be at once, all of which are given up. */
static int ask_in_vain(struct world *w)
{
	struct resolution *r;
	int n = 0;

	for (; n < 1000; n++) {
		const struct resolve_target target = {"example.test", n + 1,
			false, NONE};

		r = resolver_ask(w->resolver, &target, on_done, w);
		if (r == NULL)
			break;
		event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		resolution_cancel(r);
	}
	return n;
}

/* Servers that say nothing: to wait for each of them in turn would take longer
 * than a test has. */
static void check_silence(struct world *w)
{
	union hop_address a;
	int fd = loop_socket(SOCK_DGRAM, &a);
	size_t at = 0;

	for (int i = 0; i < 8; i++)
		at += (size_t)snprintf(w->address + at, sizeof w->address - at,
			"%s127.0.0.1:%d", i == 0 ? "" : ",",
			ntohs(a.four.sin_port));
	new_resolver(w);
	unit_str(w->u, answer(w, "example.test", 0, false, NONE),
		"DNS does not answer", "silence has an end");
	new_resolver(w);
	unit_int(w->u, ask_in_vain(w), 256,
		"what is asked for stays, also when nobody waits any more");
	close(fd);
}

static void check_server(struct world *w)
{
	struct resolver *r;
	struct sp_err err;

	unit_int(w->u, resolver_new(&r, w->base, "nonsense", &err), -1,
		"a bad server");
	unit_str(w->u, err.msg,
		"bad DNS server 'nonsense': expected IP or IP:PORT", "  why");
	unit_int(w->u, resolver_new(&r, w->base, NULL, &err), 0,
		"those of the system");
	resolver_free(r);
	resolver_free(NULL);
}

int main(void)
{
	struct unit u = {0};
	struct world w;

	check_numeric(&u);
	check_srv(&u);
	open_world(&w, &u);
	check_names(&w);
	check_waiting(&w);
	check_many(&w);
	check_cache(&w);
	check_silence(&w);
	check_server(&w);
	close_world(&w);
	return unit_done(&u);
}
