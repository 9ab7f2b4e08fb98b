/* sp-register serve: receive a batch, answer it in one transaction, send. */
#include "cmd/sp-register/serve.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/batch.h"
#include "cmd/sp-register/flow.h"
#include "cmd/sp-register/service.h"
#include "cmd/sp-register/tls.h"
#include "lib/clock.h"
#include "lib/server.h"

enum {
	ROUNDS = 8, /* batches of one socket before the others' turn */
	MAX_LISTEN = 16,
	DB_WAIT_MS = 1000,    /* for another writer, then 503 */
	IDLE_MORE_MS = 60000, /* a flow may be silent beyond the timeout */
};

struct server;

struct socket {
	struct server *server;
	int fd;
	struct event *event;
};

struct server {
	struct sp_config *config;
	struct log *log;
	struct sp_db *db;
	struct service *service;
	struct event_base *base;
	struct event *tick, *term, *interrupt, *flush;
	struct socket udp[MAX_LISTEN];
	int n_udp;
	struct flows *flows;
	struct batch *batch;
	int n_pending; /* messages of flows in the batch */
};

/* ---- flows ------------------------------------------------------------- */

static void flush(struct server *s)
{
	int n = s->n_pending;

	if (n == 0)
		return;
	service_answer(s->service, batch_exchanges(s->batch), n,
		sp_clock_now_ms());
	batch_send_flows(s->batch, n);
	s->n_pending = 0;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

/* Waits until all flows that are readable now have been read: they share one
 * transaction. */
static void on_message(void *arg, struct flow *flow, const char *data,
	size_t len)
{
	struct server *s = arg;

	if (s->n_pending == BATCH_SIZE)
		flush(s);
	s->n_pending = batch_add(s->batch, s->n_pending, flow, data, len);
	event_active(s->flush, EV_TIMEOUT, 1);
}

/* What it had sent counts all the same. */
static void on_closed(void *arg, struct flow *flow, const char *why)
{
	struct server *s = arg;

	flush(s);
	if (flow_is_trusted(flow))
		service_flow_closed(s->service, flow_id(flow), why,
			sp_clock_now_ms());
}

/* ---- datagrams --------------------------------------------------------- */

static void take_errors(struct server *s, int fd)
{
	char ip[INET6_ADDRSTRLEN];
	int port;

	while (batch_unreachable(fd, ip, &port))
		service_unreachable(s->service, ip, port, sp_clock_now_ms());
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = ((struct socket *)arg)->server;
	int n = BATCH_SIZE;

	(void)what;
	flush(s);
	take_errors(s, fd);
	for (int round = 0; round < ROUNDS && n == BATCH_SIZE; round++) {
		n = batch_receive(s->batch, fd);
		if (n == 0)
			return;
		service_answer(s->service, batch_exchanges(s->batch), n,
			sp_clock_now_ms());
		batch_send(s->batch, fd, n);
	}
}

/* ---- listening --------------------------------------------------------- */

/* Says the port that the kernel chose, where it was 0. */
static void log_listening(struct server *s, enum sp_transport transport, int fd)
{
	char address[ADDRESS_TEXT];

	address_of_socket(fd, address);
	log_write(s->log, LOG_INFO, "listening",
		LOG_FIELDS({"transport", sp_transport_name(transport)},
			{"address", address}));
}

static int add_udp(struct server *s, int fd, struct sp_err *err)
{
	struct socket *u = &s->udp[s->n_udp];

	if (s->n_udp == MAX_LISTEN) {
		close(fd);
		return sp_err_set(err, SP_CONFIG, "too many listeners");
	}
	s->n_udp++;
	u->server = s;
	u->fd = fd;
	u->event = event_new(s->base, fd, EV_READ | EV_PERSIST, on_readable, u);
	return u->event == NULL || event_add(u->event, NULL) != 0
		       ? sp_err_memory(err)
		       : 0;
}

static int add_listener(struct server *s, const struct sp_listen *listen,
	struct sp_err *err)
{
	int fd;

	if (listen->transport == SP_TLS && s->config->tls_certificate == NULL)
		return sp_err_set(err, SP_CONFIG,
			"cannot listen on '%s': no tls: in the configuration, "
			"expected certificate and key",
			listen->text);
	if (address_listen(listen, &fd, err) != 0)
		return -1;
	log_listening(s, listen->transport, fd);
	return listen->transport == SP_UDP
		       ? add_udp(s, fd, err)
		       : flows_listen(s->flows, fd, listen->transport, err);
}

/* A phone that refreshes as it was told is never silent for so long. */
static int64_t idle_ms(const struct sp_config *config)
{
	int64_t longest_ms = 0;

	for (size_t i = 0; i < config->n_tenants; i++)
		if (config->tenants[i].timeout_ms > longest_ms)
			longest_ms = config->tenants[i].timeout_ms;
	return longest_ms + IDLE_MORE_MS;
}

static int start_flows(struct server *s, struct sp_err *err)
{
	const struct flow_events events = {s, on_message, on_closed};
	SSL_CTX *tls;

	if (batch_new(&s->batch, err) != 0 ||
		flows_new(&s->flows, s->base, s->log, &events, err) != 0)
		return -1;
	flows_set_idle(s->flows, idle_ms(s->config));
	if (s->config->tls_certificate == NULL)
		return 0;
	if (tls_context(s->config->tls_certificate, s->config->tls_key, &tls,
		    err) != 0)
		return -1;
	flows_set_tls(s->flows, tls);
	return 0;
}

/* ---- the loop ---------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	service_tick(s->service, sp_clock_now_ms());
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct server *s = arg;

	(void)what;
	log_write(s->log, LOG_INFO, "stopping",
		LOG_FIELDS({"signal", signal == SIGTERM ? "TERM" : "INT"}));
	event_base_loopbreak(s->base);
}

static int start_loop(struct server *s, struct sp_err *err)
{
	const struct timeval second = {SP_HEARTBEAT_MS / 1000, 0};

	s->base = event_base_new();
	if (s->base == NULL)
		return sp_err_memory(err);
	s->tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	s->flush = event_new(s->base, -1, 0, on_flush, s);
	s->term = evsignal_new(s->base, SIGTERM, on_signal, s);
	s->interrupt = evsignal_new(s->base, SIGINT, on_signal, s);
	if (s->tick == NULL || s->flush == NULL || s->term == NULL ||
		s->interrupt == NULL || event_add(s->tick, &second) != 0 ||
		event_add(s->term, NULL) != 0 ||
		event_add(s->interrupt, NULL) != 0)
		return sp_err_memory(err);
	if (start_flows(s, err) != 0)
		return -1;
	for (size_t i = 0; i < s->config->n_listen; i++)
		if (add_listener(s, &s->config->listen[i], err) != 0)
			return -1;
	return 0;
}

static void release_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void release(struct server *s)
{
	flows_free(s->flows);
	for (int i = 0; i < s->n_udp; i++) {
		release_event(s->udp[i].event);
		close(s->udp[i].fd);
	}
	release_event(s->tick);
	release_event(s->flush);
	release_event(s->term);
	release_event(s->interrupt);
	if (s->base != NULL)
		event_base_free(s->base);
	batch_free(s->batch);
	service_free(s->service);
	sp_db_close(s->db);
	free(s);
}

int serve(struct sp_config *config, struct log *log, struct sp_err *err)
{
	struct server *s = calloc(1, sizeof *s);
	int rc = -1;

	if (s == NULL)
		return sp_err_memory(err);
	s->config = config;
	s->log = log;
	signal(SIGPIPE, SIG_IGN); /* whoever reads the log may go away */
	signal(SIGXFSZ, SIG_IGN); /* a full disk is an error, and no end */
	/* The sockets first: where a second server finds the port taken, it
	 * has not touched the database. */
	if (start_loop(s, err) != 0 ||
		sp_db_open(&s->db, config->db, SP_DB_SERVER, DB_WAIT_MS, err) !=
			0 ||
		service_new(&s->service, config, s->db, log, err) != 0 ||
		sp_server_resume(s->db, sp_clock_now_ms(), err) != 0)
		goto out;
	log_write(log, LOG_INFO, "ready", LOG_FIELDS({"db", config->db}));
	rc = event_base_dispatch(s->base) < 0
		     ? sp_err_set(err, SP_BUG, "the event loop failed")
		     : 0;
	flush(s);
	/* So that a restart knows to the millisecond when nobody listened. */
	service_tick(s->service, sp_clock_now_ms());
	log_write(log, LOG_INFO, "stopped", LOG_FIELDS({0}));
out:
	release(s);
	return rc;
}
