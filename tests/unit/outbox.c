/* cmd/sp-register/outbox: what leaves, from where, by which way. */
#include "cmd/sp-register/outbox.h"

#include "tests/unit/loop.h"

struct world {
	struct unit *u;
	struct log log;
	struct event_base *base;
	struct endpoints *endpoints;
	struct flows *flows, *there;
	struct outbox *outbox;
	int server; /* our socket for datagrams, on all addresses */
	int n_messages, n_closed, n_failed, n_again;
	int64_t id; /* of the flow that a message has come by */
	struct hop failed;
};

static const char MESSAGE[] = "OPTIONS sip:a@example.test SIP/2.0\r\n"
			      "Content-Length: 0\r\n\r\n";
enum { MESSAGE_LEN = sizeof MESSAGE - 1 };

static void on_message(void *arg, struct flow *flow, const char *data,
	size_t len)
{
	struct world *w = arg;

	w->n_messages += len == MESSAGE_LEN && memcmp(data, MESSAGE, len) == 0;
	w->id = flow_id(flow);
}

static void on_closed(void *arg, struct flow *flow, const char *why)
{
	(void)flow;
	(void)why;
	((struct world *)arg)->n_closed++;
}

static void on_failed(void *arg, const struct hop *hop)
{
	struct world *w = arg;

	w->n_failed++;
	w->failed = *hop;
	if (w->n_again > 0) {
		w->n_again--;
		outbox_put(w->outbox, hop, MESSAGE, MESSAGE_LEN);
	}
}

/* ours: the address of our socket for datagrams. */
static void open_world(struct world *w, struct unit *u, const char *ours)
{
	const struct flow_events events = {w, on_message, on_closed};
	const struct outbox_events failures = {w, on_failed};
	struct sp_listen listen = {.transport = SP_UDP};
	struct sp_err err;

	*w = (struct world){.u = u, .log = {.level = LOG_ERROR}};
	listen.text = listen.host = (char *)ours;
	w->base = event_base_new();
	loop_must(w->base != NULL && endpoints_new(&w->endpoints, &err) == 0 &&
			  flows_new(&w->flows, w->base, &w->log, &events,
				  &err) == 0 &&
			  flows_new(&w->there, w->base, &w->log, &events,
				  &err) == 0 &&
			  outbox_new(&w->outbox, w->endpoints, w->flows,
				  &failures, &err) == 0 &&
			  address_listen(&listen, &w->server, &err) == 0 &&
			  endpoints_add(w->endpoints, SP_UDP, w->server,
				  &err) == 0,
		"no world");
}

static void close_world(struct world *w)
{
	outbox_free(w->outbox);
	flows_free(w->flows);
	flows_free(w->there);
	endpoints_free(w->endpoints);
	event_base_free(w->base);
	close(w->server);
}

static void put(struct world *w, const struct hop *hop)
{
	loop_must(outbox_put(w->outbox, hop, MESSAGE, MESSAGE_LEN), "no room");
}

/* How many messages are in a socket, and whose the last one was. */
static int count(int fd, char ip[INET6_ADDRSTRLEN])
{
	char data[MESSAGE_LEN + 1];
	union hop_address from;
	socklen_t len = sizeof from;
	int n = 0;

	ip[0] = '\0';
	while (recvfrom(fd, data, sizeof data, MSG_DONTWAIT, &from.any, &len) ==
			MESSAGE_LEN &&
		memcmp(data, MESSAGE, MESSAGE_LEN) == 0) {
		n++;
		address_read(&from.any, ip);
	}
	return n;
}

/* ---- datagrams --------------------------------------------------------- */

static void check_datagrams(struct world *w)
{
	struct hop hop = {.transport = SP_UDP, .local = -1};
	int phone = loop_socket(SOCK_DGRAM, &hop.to);
	char ip[INET6_ADDRSTRLEN], text[ADDRESS_TEXT];

	for (int i = 0; i < 100; i++)
		put(w, &hop);
	unit_int(w->u, count(phone, ip), 0, "nothing leaves too early");
	unit_ok(w->u, !outbox_send(w->outbox), "datagrams are sent");
	unit_int(w->u, count(phone, ip), 100, "  all arrive");
	unit_str(w->u, ip, "127.0.0.1", "  from the kernel's choice");
	outbox_send(w->outbox);
	unit_int(w->u, count(phone, ip), 0, "  once");

	address_of_socket(w->server, text);
	snprintf(ip, sizeof ip, "127.0.0.2:%s", strrchr(text, ':') + 1);
	hop.local = endpoints_find(w->endpoints, SP_UDP, ip);
	loop_must(hop.local >= 0, "no endpoint");
	put(w, &hop);
	outbox_send(w->outbox);
	unit_int(w->u, count(phone, ip), 1, "from an address of ours");
	unit_str(w->u, ip, "127.0.0.2", "  which is that");
	put(w, &hop);
	outbox_clear(w->outbox);
	outbox_send(w->outbox);
	unit_int(w->u, count(phone, ip), 0, "what is forgotten does not leave");
	unit_int(w->u, w->n_failed, 0, "nothing has failed");
	close(phone);
}

/* An IPv4 phone of an IPv6 socket, and one of IPv6. */
static void check_dual(struct world *w)
{
	struct hop hop = {.transport = SP_UDP, .local = -1};
	int phone = loop_socket(SOCK_DGRAM, &hop.to), off = 0;
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	char ip[INET6_ADDRSTRLEN], text[ADDRESS_TEXT];
	struct sp_err err;
	int dual = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	setsockopt(dual, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	loop_must(bind(dual, (struct sockaddr *)&any, sizeof any) == 0 &&
			  endpoints_add(w->endpoints, SP_UDP, dual, &err) == 0,
		"no socket");
	address_of_socket(dual, text);
	snprintf(ip, sizeof ip, "127.0.0.3:%s", strrchr(text, ':') + 1);
	hop.local = endpoints_find(w->endpoints, SP_UDP, ip);
	loop_must(hop.local >= 0, "no endpoint");
	put(w, &hop);
	outbox_send(w->outbox);
	unit_int(w->u, count(phone, ip), 1, "IPv4 out of an IPv6 socket");
	unit_str(w->u, ip, "127.0.0.3", "  from that address");
	loop_must(address_parse_text(text, &hop.to), text);
	loop_must(address_parse("::1", ntohs(hop.to.six.sin6_port), &hop.to),
		text);
	hop.local = -1;
	put(w, &hop);
	outbox_send(w->outbox);
	unit_int(w->u, count(dual, ip), 1, "IPv6 to itself");
	unit_str(w->u, ip, "::1", "  from that address");
	close(dual);
	close(phone);
}

/* That nobody listens is told by the next datagram, which is another's. */
static void check_another(struct world *w)
{
	struct hop nobody = {.transport = SP_UDP, .local = -1}, hop = nobody;
	int phone = loop_socket(SOCK_DGRAM, &hop.to), n = 0;
	char ip[INET6_ADDRSTRLEN];

	loop_nobody(SOCK_DGRAM, &nobody.to);
	for (int i = 0; i < 20; i++) {
		put(w, &nobody);
		outbox_send(w->outbox);
		put(w, &hop);
		outbox_send(w->outbox);
		n += count(phone, ip);
	}
	unit_int(w->u, n, 20, "others arrive all the same");
	unit_int(w->u, w->n_failed, 0, "  and have not failed");
	close(phone);
}

static void check_no_way(struct world *w)
{
	struct hop hop = {.transport = SP_UDP, .local = -1}, everybody = hop,
		   six = hop;
	int phone = loop_socket(SOCK_DGRAM, &hop.to);
	char ip[INET6_ADDRSTRLEN];

	loop_must(address_parse("255.255.255.255", 5060, &everybody.to) &&
			  address_parse("::1", 5060, &six.to),
		"no address");
	everybody.local = endpoints_pick(w->endpoints, &hop);
	put(w, &hop);
	put(w, &everybody);
	put(w, &hop);
	w->n_again = 1;
	unit_ok(w->u, outbox_send(w->outbox), "no way: another is put");
	unit_int(w->u, w->n_failed, 1, "  has failed");
	unit_ok(w->u, memcmp(&w->failed, &everybody, sizeof hop) == 0,
		"  that hop");
	unit_int(w->u, count(phone, ip), 2, "  the others arrive");
	unit_ok(w->u, !outbox_send(w->outbox), "  put no more");
	unit_int(w->u, w->n_failed, 2, "  the second fails, too");
	put(w, &six);
	outbox_send(w->outbox);
	unit_int(w->u, w->n_failed, 3, "no socket for IPv6");
	close(phone);
}

/* ---- streams ----------------------------------------------------------- */

static void check_streams(struct world *w)
{
	struct hop hop = {.transport = SP_TCP, .local = -1}, other = hop;
	struct sp_err err;
	int64_t first;

	loop_must(flows_listen(w->there, loop_socket(SOCK_STREAM, &hop.to),
			  SP_TCP, &err) == 0,
		"cannot listen");
	put(w, &hop);
	put(w, &hop);
	outbox_send(w->outbox);
	unit_ok(w->u, loop_until(w->base, &w->n_messages, 2),
		"a connection is made");
	first = w->id;
	put(w, &hop);
	outbox_send(w->outbox);
	unit_ok(w->u, loop_until(w->base, &w->n_messages, 3) && w->id == first,
		"  and used again");
	flow_hop(flows_find_peer(w->flows, SP_TCP, &hop.to.any), &other);
	put(w, &other);
	outbox_send(w->outbox);
	unit_ok(w->u, loop_until(w->base, &w->n_messages, 4) && w->id == first,
		"  by its number, too");
	other.flow_id += 2;
	put(w, &other);
	outbox_send(w->outbox);
	unit_int(w->u, w->n_failed, 1, "no such connection");
	unit_int(w->u, w->failed.flow_id, other.flow_id, "  that hop");
	unit_int(w->u, w->n_closed, 0, "nothing was closed");
}

static void check_nobody(struct world *w)
{
	struct hop hop = {.transport = SP_TCP, .local = -1};

	loop_nobody(SOCK_STREAM, &hop.to);
	put(w, &hop);
	outbox_send(w->outbox);
	unit_ok(w->u, w->n_failed == 1 || loop_until(w->base, &w->n_closed, 1),
		"nobody listens");
}

/* ---- memory ------------------------------------------------------------ */

static void check_room(struct world *w)
{
	struct hop hop = {.transport = SP_UDP, .local = -1};
	int phone = loop_socket(SOCK_DGRAM, &hop.to);
	char ip[INET6_ADDRSTRLEN], *room;

	for (int i = 0; i < 3; i++) {
		room = outbox_room(w->outbox, 60000);
		loop_must(room != NULL, "no room");
		memcpy(room, MESSAGE, MESSAGE_LEN);
		unit_ok(w->u, outbox_put(w->outbox, &hop, room, MESSAGE_LEN),
			"written in place");
	}
	outbox_send(w->outbox);
	unit_int(w->u, count(phone, ip), 3, "  they arrive");
	close(phone);
}

static void check_bounds(struct world *w)
{
	static const char BIG[65000];
	struct hop hop = {.transport = SP_TCP, .local = -1, .flow_id = 1};
	int n = 0;

	while (n < 100000 && outbox_put(w->outbox, &hop, BIG, sizeof BIG))
		n++;
	unit_int(w->u, n, OUTBOX_MAX_BYTES / (int)sizeof BIG, "bytes: so many");
	unit_int(w->u, outbox_dropped(w->outbox), 1, "  counted");
	outbox_send(w->outbox);
	unit_int(w->u, w->n_failed, n, "  the others are tried");
	for (n = 0; n < 100000 && outbox_put(w->outbox, &hop, "x", 1);)
		n++;
	unit_int(w->u, n, OUTBOX_MAX_MESSAGES, "messages: so many");
	unit_ok(w->u, outbox_room(w->outbox, 1) == NULL, "  no room");
	unit_int(w->u, outbox_dropped(w->outbox), 3, "  counted");
}

static void check(struct unit *u, void (*what)(struct world *),
	const char *ours)
{
	struct world w;

	open_world(&w, u, ours);
	what(&w);
	close_world(&w);
}

int main(void)
{
	struct unit u = {0};

	check(&u, check_datagrams, "0.0.0.0");
	check(&u, check_dual, "0.0.0.0");
	check(&u, check_another, "127.0.0.1");
	check(&u, check_no_way, "0.0.0.0");
	check(&u, check_streams, "127.0.0.1");
	check(&u, check_nobody, "127.0.0.1");
	check(&u, check_room, "127.0.0.1");
	check(&u, check_bounds, "127.0.0.1");
	return unit_done(&u);
}
