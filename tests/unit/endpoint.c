/* cmd/sp-register/endpoint: the server's own addresses. */
#include "cmd/sp-register/endpoint.h"

#include <ifaddrs.h>

#include "cmd/sp-register/batch.h"
#include "tests/unit/loop.h"

struct world {
	struct unit *u;
	struct endpoints *endpoints;
	int fd[4], n;
};

/* A socket on a free port of `host`, added. Returns its port. */
static int add(struct world *w, enum sp_transport transport, const char *host)
{
	struct sp_listen listen = {.transport = transport};
	struct sp_err err = {.msg = ""};
	char text[ADDRESS_TEXT];
	union hop_address a;
	int *fd = &w->fd[w->n++];

	listen.text = listen.host = (char *)host;
	loop_must(address_listen(&listen, fd, &err) == 0 &&
			  endpoints_add(w->endpoints, transport, *fd, &err) ==
				  0,
		"no socket");
	address_of_socket(*fd, text);
	loop_must(address_parse_text(text, &a), text);
	return ntohs(a.four.sin_port);
}

static void open_world(struct world *w, struct unit *u)
{
	struct sp_err err;

	*w = (struct world){.u = u};
	loop_must(endpoints_new(&w->endpoints, &err) == 0, "no endpoints");
}

static void close_world(struct world *w)
{
	for (int i = 0; i < w->n; i++)
		close(w->fd[i]);
	endpoints_free(w->endpoints);
}

static const char *text_of(struct world *w, int local)
{
	const struct endpoint *p = endpoint_at(w->endpoints, local);

	return p == NULL ? NULL : p->text;
}

static void expect(struct world *w, int local, const char *ip, int port,
	const char *name)
{
	char text[ADDRESS_TEXT];

	address_format(ip, port, text);
	unit_str(w->u, text_of(w, local), text, name);
}

static int find(struct world *w, enum sp_transport transport, const char *ip,
	int port)
{
	char text[ADDRESS_TEXT];

	address_format(ip, port, text);
	return endpoints_find(w->endpoints, transport, text);
}

/* Sends to ip:port. Returns what a batch says of where it came to. */
static int come_to(struct world *w, struct batch *batch, const char *ip,
	int port)
{
	union hop_address to;
	int fd;

	loop_must(address_parse(ip, port, &to), ip);
	fd = socket(to.any.sa_family, SOCK_DGRAM, 0);
	loop_must(sendto(fd, "x", 1, 0, &to.any, address_size(&to.any)) == 1 &&
			  batch_receive(batch, w->fd[0]) == 1,
		"nothing came");
	close(fd);
	return batch_exchanges(batch)[0].local;
}

static void check_datagrams(struct world *w, const char *host, const char *ip,
	const char *other)
{
	int port = add(w, SP_UDP, host), one, two;
	struct batch *batch = NULL;
	struct sp_err err;

	loop_must(batch_new(&batch, w->endpoints, &err) == 0, "no batch");
	one = come_to(w, batch, ip, port);
	expect(w, one, ip, port, host);
	unit_int(w->u, come_to(w, batch, ip, port), one, "  the same again");
	if (other != NULL) {
		two = come_to(w, batch, other, port);
		expect(w, two, other, port, "  another one");
		unit_int(w->u, come_to(w, batch, ip, port), one, "  and back");
		unit_int(w->u, find(w, SP_UDP, other, port), two,
			"  found by its text");
	}
	unit_ok(w->u, endpoint_at(w->endpoints, one)->fd == w->fd[0],
		"  its socket");
	batch_free(batch);
}

static void check_one(struct world *w)
{
	check_datagrams(w, "127.0.0.2", "127.0.0.2", NULL);
}

static void check_all(struct world *w)
{
	check_datagrams(w, "0.0.0.0", "127.0.0.1", "127.0.0.2");
}

static void check_six(struct world *w)
{
	check_datagrams(w, "::", "::1", NULL);
}

/* As systemd hands it over: both kinds of peers. */
static void check_dual(struct world *w)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int off = 0, port, local;
	char text[ADDRESS_TEXT];
	struct batch *batch = NULL;
	struct sp_err err;
	struct hop to = {.transport = SP_UDP};

	w->fd[w->n++] = socket(AF_INET6, SOCK_DGRAM, 0);
	setsockopt(w->fd[0], IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	address_set_up_datagrams(w->fd[0]);
	loop_must(bind(w->fd[0], (struct sockaddr *)&any, sizeof any) == 0 &&
			  endpoints_add(w->endpoints, SP_UDP, w->fd[0], &err) ==
				  0 &&
			  batch_new(&batch, w->endpoints, &err) == 0,
		"no socket");
	address_of_socket(w->fd[0], text);
	port = atoi(strrchr(text, ':') + 1);
	local = come_to(w, batch, "127.0.0.2", port);
	expect(w, local, "127.0.0.2", port, "dual: IPv4");
	expect(w, come_to(w, batch, "::1", port), "::1", port, "  IPv6");
	unit_int(w->u, come_to(w, batch, "127.0.0.2", port), local,
		"  and back");
	address_parse("127.0.0.9", 5060, &to.to);
	expect(w, endpoints_pick(w->endpoints, &to), "127.0.0.1", port,
		"  the way to IPv4");
	batch_free(batch);
}

static int pick(struct world *w, enum sp_transport transport, const char *ip)
{
	struct hop to = {.transport = transport};

	loop_must(address_parse(ip, 5060, &to.to), ip);
	return endpoints_pick(w->endpoints, &to);
}

/* ---- by text ----------------------------------------------------------- */

static void check_find(struct world *w)
{
	int port = add(w, SP_UDP, "0.0.0.0"), bound = add(w, SP_UDP, "::1");
	static const char *const BAD[] = {"", ":", "127.0.0.1",
		"localhost:5060", "::1:5060", "[::1]", "[::1:5060",
		"127.0.0.1:99999", "127.0.0.1:-1"};

	expect(w, find(w, SP_UDP, "127.0.0.3", port), "127.0.0.3", port,
		"an address that nobody has used yet");
	expect(w, find(w, SP_UDP, "::1", bound), "::1", bound, "IPv6");
	unit_int(w->u, find(w, SP_UDP, "192.0.2.7", port), -1, "a stranger's");
	unit_int(w->u, find(w, SP_UDP, "0.0.0.0", port), -1, "everybody's");
	unit_int(w->u, find(w, SP_UDP, "127.0.0.3", bound), -1, "another port");
	unit_int(w->u, find(w, SP_TCP, "127.0.0.3", port), -1,
		"another transport");
	for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
		unit_int(w->u, endpoints_find(w->endpoints, SP_UDP, BAD[i]), -1,
			BAD[i]);
}

static void check_own(struct world *w)
{
	int port = add(w, SP_UDP, "0.0.0.0"), bound = add(w, SP_TCP, "::1");
	struct endpoints *e = w->endpoints;

	unit_ok(w->u, endpoints_is_own(e, "127.0.0.1", port, false), "ours");
	unit_ok(w->u, endpoints_is_own(e, "[::1]", bound, false), "IPv6");
	unit_ok(w->u, endpoints_is_own(e, "::1", bound, true), "no brackets");
	unit_ok(w->u, !endpoints_is_own(e, "192.0.2.7", port, false),
		"a stranger's");
	unit_ok(w->u, !endpoints_is_own(e, "::1", port, false), "its port");
	unit_ok(w->u, !endpoints_is_own(e, "255.255.255.255", port, false),
		"everybody's");
	unit_ok(w->u, !endpoints_is_own(e, "example.test", port, false),
		"a name");
	unit_ok(w->u, !endpoints_is_own(e, "127.0.0.1", 0, false),
		"the default port is another");
}

/* Those of other interfaces, each before one of loopback. */
static void check_interfaces(struct world *w)
{
	int port = add(w, SP_UDP, "0.0.0.0");
	struct ifaddrs *all;

	loop_must(getifaddrs(&all) == 0, "no interfaces");
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		char ip[INET6_ADDRSTRLEN];

		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
			continue;
		address_read(i->ifa_addr, ip);
		unit_ok(w->u, endpoints_is_own(w->endpoints, ip, port, false),
			"an interface's: %s", ip);
		expect(w, pick(w, SP_UDP, "127.0.0.9"), "127.0.0.1", port,
			"  and loopback after it");
	}
	freeifaddrs(all);
}

static void check_bound(struct world *w)
{
	int port = add(w, SP_UDP, "0.0.0.0"), n = 0;

	for (; n < 2 * ENDPOINTS_MAX; n++) {
		char ip[INET6_ADDRSTRLEN];

		snprintf(ip, sizeof ip, "127.0.1.%d", n + 1);
		if (find(w, SP_UDP, ip, port) < 0)
			break;
	}
	unit_int(w->u, n, ENDPOINTS_MAX, "there are so many");
	unit_int(w->u, find(w, SP_UDP, "127.0.1.1", port), 0,
		"  and they stay");
	unit_str(w->u, text_of(w, n), NULL, "  no index");
	unit_str(w->u, text_of(w, -1), NULL, "  nor this");
}

/* ---- going out --------------------------------------------------------- */

static void check_pick(struct world *w)
{
	int two = add(w, SP_UDP, "127.0.0.2"),
	    one = add(w, SP_UDP, "127.0.0.1"), six = add(w, SP_UDP, "::1");

	expect(w, pick(w, SP_UDP, "127.0.0.9"), "127.0.0.1", one,
		"the kernel's choice");
	expect(w, pick(w, SP_UDP, "127.0.0.2"), "127.0.0.1", one,
		"also to ourselves");
	expect(w, pick(w, SP_UDP, "::1"), "::1", six, "IPv6");
	expect(w, find(w, SP_UDP, "127.0.0.2", two), "127.0.0.2", two,
		"the other one is there, too");
	expect(w, pick(w, SP_TCP, "127.0.0.9"), "127.0.0.1", one,
		"by TCP, without a listener");
	unit_int(w->u,
		endpoint_at(w->endpoints, pick(w, SP_TCP, "127.0.0.9"))->fd, -1,
		"  it has no socket");
}

static void check_pick_one(struct world *w)
{
	int port = add(w, SP_TCP, "127.0.0.2");

	expect(w, pick(w, SP_TCP, "127.0.0.9"), "127.0.0.2", port,
		"there is no choice");
	unit_int(w->u, pick(w, SP_UDP, "127.0.0.9"), -1, "no datagrams");
	unit_int(w->u, pick(w, SP_TCP, "::1"), -1, "no IPv6");
}

static void check_pick_all(struct world *w)
{
	int all = add(w, SP_UDP, "0.0.0.0"),
	    bound = add(w, SP_UDP, "127.0.0.2");

	expect(w, pick(w, SP_UDP, "127.0.0.9"), "127.0.0.1", all,
		"the socket that has the address");
	expect(w, find(w, SP_UDP, "127.0.0.2", bound), "127.0.0.2", bound,
		"one that is bound");
}

static void check_streams(struct world *w)
{
	int all = add(w, SP_TCP, "0.0.0.0"), udp = add(w, SP_UDP, "127.0.0.1");
	struct endpoints *e = w->endpoints;

	expect(w, endpoints_of_stream(e, SP_TCP, "127.0.0.3", all), "127.0.0.3",
		all, "accepted");
	expect(w, endpoints_of_stream(e, SP_TCP, "127.0.0.3", 1), "127.0.0.3",
		all, "made: as if from the listener");
	expect(w, endpoints_of_stream(e, SP_TLS, "127.0.0.1", 1), "127.0.0.1",
		udp, "made by a transport without a listener");
}

/* What a flow has brought: in a batch, with the address that it came to. */
struct brought {
	struct batch *batch;
	int n;
};

static void on_message(void *arg, struct flow *flow, const char *data,
	size_t len)
{
	struct brought *b = arg;

	b->n = batch_add(b->batch, b->n, flow, data, len);
}

static void on_closed(void *arg, struct flow *flow, const char *why)
{
	(void)arg;
	(void)flow;
	(void)why;
}

static void check_flow(struct world *w)
{
	static const char TWO[] = "A\r\nContent-Length: 0\r\n\r\n"
				  "B\r\nContent-Length: 0\r\n\r\n";
	struct event_base *base = event_base_new();
	struct log log = {.level = LOG_ERROR};
	struct brought b = {.n = 0};
	const struct flow_events events = {&b, on_message, on_closed};
	int port = add(w, SP_TCP, "0.0.0.0"),
	    phone = socket(AF_INET, SOCK_STREAM, 0);
	struct flows *flows = NULL;
	union hop_address to;
	struct sp_err err;

	loop_must(base != NULL && address_parse("127.0.0.2", port, &to) &&
			  batch_new(&b.batch, w->endpoints, &err) == 0 &&
			  flows_new(&flows, base, &log, &events, &err) == 0 &&
			  flows_listen(flows, dup(w->fd[0]), SP_TCP, &err) ==
				  0 &&
			  connect(phone, &to.any, sizeof to.four) == 0 &&
			  send(phone, TWO, sizeof TWO - 1, 0) > 0,
		"no flow");
	unit_ok(w->u, loop_until(base, &b.n, 2), "two messages of a flow");
	expect(w, batch_exchanges(b.batch)[0].local, "127.0.0.2", port,
		"  came to");
	expect(w, batch_exchanges(b.batch)[1].local, "127.0.0.2", port,
		"  both");
	flows_free(flows);
	batch_free(b.batch);
	event_base_free(base);
	close(phone);
}

static void check(struct unit *u, void (*what)(struct world *))
{
	struct world w;

	open_world(&w, u);
	what(&w);
	close_world(&w);
}

int main(void)
{
	struct unit u = {0};

	check(&u, check_one);
	check(&u, check_all);
	check(&u, check_six);
	check(&u, check_dual);
	check(&u, check_find);
	check(&u, check_own);
	check(&u, check_interfaces);
	check(&u, check_bound);
	check(&u, check_pick);
	check(&u, check_pick_one);
	check(&u, check_pick_all);
	check(&u, check_streams);
	check(&u, check_flow);
	return unit_done(&u);
}
