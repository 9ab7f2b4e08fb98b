/* cmd/sp-register/flow: how long a connection may go on; batch and address:
 * what sockets say. */
#include "cmd/sp-register/flow.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/batch.h"
#include "tests/unit/unit.h"

enum { T = 1000000, IDLE_MS = 90000 };

static void check_deadline(struct unit *u)
{
	static const struct {
		const char *name;
		struct flow_times times;
		int64_t at_ms;
		const char *why;
	} cases[] = {
		{"a stranger", {T, T, 0, false, false}, T + 30000,
			"nobody registered"},
		{"one who pings", {T, T + 29000, 0, false, false}, T + 30000,
			"nobody registered"},
		{"half a message", {T, T + 5000, T + 5000, false, false},
			T + 15000, "message too slow"},
		{"drop by drop", {T, T + 14000, T + 5000, false, false},
			T + 15000, "message too slow"},
		{"and late", {T, T + 29000, T + 25000, false, false}, T + 30000,
			"nobody registered"},
		{"a phone", {T, T + 50000, 0, true, false}, T + 50000 + IDLE_MS,
			"silent"},
		{"half a message of one",
			{T, T + 50001, T + 50000, true, false}, T + 60000,
			"message too slow"},
		{"one of ours", {T, T, 0, true, true}, T + 4000,
			"no connection in time"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *why = "";

		unit_int(u,
			flow_deadline_ms(&cases[i].times, IDLE_MS, &why) - T,
			cases[i].at_ms - T, cases[i].name);
		unit_str(u, why, cases[i].why, "  why");
	}
}

static void check_ids(struct unit *u)
{
	int64_t a = flow_new_id(), b = flow_new_id();

	unit_ok(u, a > 0 && b > 0 && a != b, "ids are positive, and differ");
}

static void check_addresses(struct unit *u)
{
	static const struct {
		const char *address, *ip, *site;
	} cases[] = {
		{"192.0.2.7", "192.0.2.7", "192.0.2.7"},
		{"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6",
			"2001:db8:1:2::"},
		{"::1", "::1", "::"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sockaddr_storage a = {.ss_family = AF_INET6};
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;
		struct sockaddr_in *four = (struct sockaddr_in *)&a;
		char ip[INET6_ADDRSTRLEN], site[INET6_ADDRSTRLEN];

		if (inet_pton(AF_INET6, cases[i].address, &six->sin6_addr) !=
			1) {
			a.ss_family = AF_INET;
			inet_pton(AF_INET, cases[i].address, &four->sin_addr);
		}
		address_set_port(&a, 5070);
		unit_int(u, address_read((struct sockaddr *)&a, ip), 5070,
			cases[i].address);
		unit_str(u, ip, cases[i].ip, "  its text");
		address_site(ip, site);
		unit_str(u, site, cases[i].site, "  its site");
	}
}

static int socket_of(const char *text, struct sp_err *err)
{
	struct sp_listen listen = {.transport = SP_UDP};
	int fd = -1;

	listen.text = (char *)text;
	listen.host = (char *)text;
	return address_listen(&listen, &fd, err) == 0 ? fd : -1;
}

/* Such a socket says of every datagram to IPv4 that there is no way, each time
 * that it is asked to send it. */
static void check_no_way(struct unit *u)
{
	struct sp_err err = {.msg = ""};
	int server = socket_of("127.0.0.1", &err),
	    elsewhere = socket_of("::1", &err),
	    phone = socket_of("127.0.0.1", &err);
	struct sockaddr_storage to;
	socklen_t len = sizeof to;
	struct batch *batch;
	int n;

	if (!unit_ok(u,
		    server >= 0 && elsewhere >= 0 && phone >= 0 &&
			    batch_new(&batch, NULL, &err) == 0,
		    "sockets: %s", err.msg))
		return;
	getsockname(server, (struct sockaddr *)&to, &len);
	for (int i = 0; i < 3; i++)
		sendto(phone, "x", 1, 0, (struct sockaddr *)&to, len);
	n = batch_receive(batch, server);
	unit_int(u, n, 3, "three datagrams");
	for (int i = 0; i < n; i++) {
		struct exchange *x = &batch_exchanges(batch)[i];

		strcpy(x->answer, "y");
		x->answer_len = 1;
		x->answer_port = x->origin.port;
	}
	alarm(10);
	batch_send(batch, elsewhere, n);
	alarm(0);
	unit_ok(u, true, "answers without a way are given up");
	batch_send(batch, server, n);
	n = batch_receive(batch, phone);
	unit_int(u, n, 3, "answers with one arrive");
	batch_free(batch);
	close(server);
	close(elsewhere);
	close(phone);
}

int main(void)
{
	struct unit u = {0};

	check_deadline(&u);
	check_ids(&u);
	check_addresses(&u);
	check_no_way(&u);
	return unit_done(&u);
}
