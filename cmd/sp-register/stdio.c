/* sp-register serve --stdio: messages on standard input, answers on standard
 * output. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/flow.h"
#include "cmd/sp-register/frame.h"
#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/serve.h"
#include "cmd/sp-register/service.h"
#include "lib/clock.h"

enum { DB_WAIT_MS = 1000, TICK_MS = 1000, MAX_FAILED = 64 };

struct conversation {
	struct sp_config config;
	struct sp_db *db;
	struct service *service;
	struct exchange exchange;
	char ip[INET6_ADDRSTRLEN];
	char data[SIP_MAX_MESSAGE], message[SIP_MAX_MESSAGE];
	char answer[SIP_ANSWER_SIZE];
	/* What the service sends on beside its answers: to the one peer that
	 * there is. Anybody else cannot be reached. */
	struct endpoints *endpoints;
	char sent[SIP_ANSWER_SIZE];
	size_t n_sent;
	struct hop failed[MAX_FAILED];
	int n_failed;
	size_t size;
	int64_t ticked_ms;
};

static struct sp_clocks clocks_now(void)
{
	return (struct sp_clocks){sp_clock_now_ms(), sp_clock_monotonic_ms()};
}

/* As inetd hands it over, standard input is a socket with a peer: a flow. */
static void find_peer(struct conversation *c)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;

	c->exchange.data = c->message;
	c->exchange.answer = c->answer;
	c->exchange.transport = "tcp";
	c->exchange.local = -1;
	c->exchange.local = -1;
	c->exchange.origin.ip = c->ip;
	strcpy(c->ip, "127.0.0.1");
	if (getpeername(STDIN_FILENO, (struct sockaddr *)&a, &len) == 0 &&
		(a.ss_family == AF_INET || a.ss_family == AF_INET6)) {
		c->exchange.flow_id = flow_new_id();
		c->exchange.origin.port =
			address_read((struct sockaddr *)&a, c->ip);
	}
}

static int write_all(const char *data, size_t len, struct sp_err *err)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno != EINTR)
			return sp_err_set(err, SP_IO,
				"cannot write standard output: %s",
				strerror(errno));
		data += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

static void on_send(void *arg, const struct hop *hop, const char *data,
	size_t len)
{
	struct conversation *c = arg;
	struct hop peer;

	hop_set(&peer, SP_TCP, c->ip, c->exchange.origin.port);
	peer.flow_id = c->exchange.flow_id;
	if (!hop_equal(hop, &peer)) {
		if (c->n_failed < MAX_FAILED)
			c->failed[c->n_failed++] = *hop;
	} else if (len <= sizeof c->sent - c->n_sent) {
		memcpy(c->sent + c->n_sent, data, len);
		c->n_sent += len;
	}
}

static bool on_has_flow(void *arg, int64_t flow_id)
{
	const struct conversation *c = arg;

	return flow_id == c->exchange.flow_id;
}

static bool on_reach(void *arg, struct hop *hop, const char *name)
{
	(void)arg;
	(void)hop;
	(void)name;
	return false;
}

static void on_worked(void *arg)
{
	(void)arg; /* it looks nothing up */
}

/* After every piece of work. */
static int send_on(struct conversation *c, struct sp_err *err)
{
	size_t n;

	while (c->n_failed > 0) {
		struct hop hop = c->failed[--c->n_failed];

		service_fail_hop(c->service, &hop, sp_clock_now_ms());
	}
	n = c->n_sent;
	c->n_sent = 0;
	return write_all(c->sent, n, err);
}

static int answer(struct conversation *c, size_t len, struct sp_err *err)
{
	int64_t began_us = sp_clock_monotonic_us();
	struct exchange *x = &c->exchange;

	memcpy(c->message, c->data, len);
	x->len = len;
	service_answer(c->service, x, 1, sp_clock_now_ms());
	if (write_all(x->answer, x->answer_len, err) != 0)
		return -1;
	service_sent(c->service, x, 1, sp_clock_monotonic_us() - began_us);
	return send_on(c, err);
}

/* Takes what is complete. Returns 1 to go on, 0 when nobody can tell where the
 * next message begins, or -1. */
static int take_messages(struct conversation *c, struct sp_err *err)
{
	enum frame frame;
	size_t len;

	while ((frame = frame_next(c->data, c->size, sizeof c->data, &len)) !=
		FRAME_MORE) {
		if (frame == FRAME_BAD)
			return 0;
		if (frame == FRAME_MESSAGE && answer(c, len, err) != 0)
			return -1;
		if (frame == FRAME_PING && write_all("\r\n", 2, err) != 0)
			return -1;
		c->size -= len;
		memmove(c->data, c->data + len, c->size);
	}
	return 1;
}

static int wait_ms(const struct conversation *c)
{
	int64_t left_ms = service_next_ms(c->service) - sp_clock_monotonic_ms();

	if (left_ms < 0)
		return 0;
	return left_ms < TICK_MS ? (int)left_ms : TICK_MS;
}

/* Beats while it waits, as any server does. Returns as read(2). */
static ssize_t read_more(struct conversation *c)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	struct sp_err err;

	for (;;) {
		int n = poll(&in, 1, wait_ms(c));

		service_expire(c->service, sp_clock_now_ms());
		if (send_on(c, &err) != 0)
			return -1;
		if (sp_clock_monotonic_ms() - c->ticked_ms >= TICK_MS) {
			c->ticked_ms = sp_clock_monotonic_ms();
			service_tick(c->service, clocks_now());
			service_sweep(c->service, sp_clock_now_ms());
		}
		if (n > 0)
			return read(STDIN_FILENO, c->data + c->size,
				sizeof c->data - c->size);
		if (n < 0 && errno != EINTR)
			return -1;
	}
}

static int converse(struct conversation *c, struct sp_err *err)
{
	ssize_t n;
	int rc;

	while ((n = read_more(c)) > 0) {
		c->size += (size_t)n;
		rc = take_messages(c, err);
		if (rc != 1)
			return rc < 0 ? -1
				      : sp_err_set(err, SP_DATA,
						"standard input: bad framing, "
						"expected one Content-Length "
						"and lines that end in CRLF");
	}
	if (n < 0)
		return sp_err_set(err, SP_IO, "cannot read standard input: %s",
			strerror(errno));
	if (c->size > 0 && c->data[0] != '\r')
		return sp_err_set(err, SP_DATA,
			"standard input ends within a message");
	return 0;
}

static void end(struct conversation *c)
{
	service_stop(c->service, sp_clock_now_ms());
	if (c->exchange.flow_id != 0)
		service_flow_closed(c->service, c->exchange.flow_id, "closed");
	service_lose_flows(c->service, sp_clock_now_ms());
	service_tick(c->service, clocks_now());
}

static int new_service(struct conversation *c, struct log *log,
	struct sp_err *err)
{
	const struct service_parts parts = {.db = c->db,
		.log = log,
		.endpoints = c->endpoints,
		.arg = c,
		.send = on_send,
		.has_flow = on_has_flow,
		.reach = on_reach,
		.worked = on_worked};

	return service_new(&c->service, &c->config, &parts, err);
}

int serve_stdio(const struct serve_options *options, struct log *log,
	struct sp_err *err)
{
	struct conversation *c = calloc(1, sizeof *c);
	int rc = -1;

	if (c == NULL)
		return sp_err_memory(err);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	find_peer(c);
	if (serve_load_config(options, &c->config, err) == 0 &&
		sp_db_open(&c->db, c->config.db, SP_DB_SERVER, DB_WAIT_MS,
			err) == 0 &&
		endpoints_new(&c->endpoints, err) == 0 &&
		new_service(c, log, err) == 0 &&
		sp_server_resume(c->db, clocks_now(), err) == 0) {
		rc = converse(c, err);
		end(c);
	}
	service_free(c->service);
	endpoints_free(c->endpoints);
	sp_db_close(c->db);
	sp_config_release(&c->config);
	free(c);
	return rc;
}
