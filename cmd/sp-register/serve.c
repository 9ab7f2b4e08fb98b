/* sp-register serve: receive a batch, answer it in one transaction, send. */
#include "cmd/sp-register/serve.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/batch.h"
#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/flow.h"
#include "cmd/sp-register/notify.h"
#include "cmd/sp-register/outbox.h"
#include "cmd/sp-register/privilege.h"
#include "cmd/sp-register/resolve.h"
#include "cmd/sp-register/self_test.h"
#include "cmd/sp-register/service.h"
#include "cmd/sp-register/serving.h"
#include "cmd/sp-register/tls.h"
#include "lib/clock.h"
#include "lib/server.h"

enum {
	ROUNDS = 8, /* batches of one socket before the others' turn */
	MAX_LISTEN = 16,
	DB_WAIT_MS = 1000,    /* for another writer, then 503 */
	DB_HELD_WAIT_MS = 10, /* when it was in vain: others are to be heard */
	FIXED_SIZE = 4096,
	IDLE_MORE_MS = 60000, /* a flow may be silent beyond the timeout */
};

struct server;

struct socket {
	struct server *server;
	int fd;
	struct event *event;
};

struct server {
	const struct serve_options *options;
	struct sp_config *config; /* owned */
	char fixed[FIXED_SIZE];   /* what it was started with */
	struct log *log;
	struct sp_db *db;
	struct service *service;
	struct event_base *base;
	struct event *tick, *sweep, *term, *interrupt, *hangup, *flush;
	struct self_test *self_test;
	struct event *watchdog;
	bool is_writing;   /* the last beat was committed */
	int64_t offset_ms; /* between the clocks, at that beat */
	int64_t looked_us; /* the monotonic one, when it was last looked at */
	struct socket udp[MAX_LISTEN];
	int n_udp;
	struct serving_at at;
	struct endpoints *endpoints;
	struct flows *flows;
	struct outbox *outbox;
	struct resolver *resolver;
	struct event *timers; /* of the calls */
	int64_t timers_ms;    /* what it is set to, by the monotonic clock */
	struct batch *batch;
	int n_pending; /* messages of flows in the batch */
};

/* ---- clocks ------------------------------------------------------------ */

static void beat(struct server *s)
{
	const struct sp_clocks now = {sp_clock_now_ms(),
		sp_clock_monotonic_ms()};

	s->is_writing = service_tick(s->service, now);
	if (s->is_writing)
		s->offset_ms = now.wall_ms - now.monotonic_ms;
	sp_db_set_wait(s->db, s->is_writing ? DB_WAIT_MS : DB_HELD_WAIT_MS);
}

/* The wall clock. When it has made a step, expiries move by that before anybody
 * compares them with it. */
static int64_t now_ms(struct server *s)
{
	int64_t now = sp_clock_now_ms(), step;

	s->looked_us = sp_clock_monotonic_us();
	step = now - s->looked_us / 1000 - s->offset_ms;
	if (step > SP_CLOCK_STEP_MS || step < -SP_CLOCK_STEP_MS)
		beat(s);
	return now;
}

/* Behind service_answer and sending. */
static void count_sent(struct server *s, int n)
{
	service_sent(s->service, batch_exchanges(s->batch), n,
		sp_clock_monotonic_us() - s->looked_us);
}

/* ---- what is sent on --------------------------------------------------- */

/* It tells when it drops one: there is too much to send. */
static void on_send(void *arg, const struct hop *hop, const char *data,
	size_t len)
{
	struct server *s = arg;

	if (!outbox_put(s->outbox, hop, data, len))
		log_write(s->log, LOG_WARN, "not-sent",
			LOG_FIELDS({"cause", "too much to send"}));
}

static bool on_has_flow(void *arg, int64_t flow_id)
{
	struct server *s = arg;

	return flows_find(s->flows, flow_id) != NULL;
}

static bool on_reach(void *arg, struct hop *hop, const char *name)
{
	struct server *s = arg;

	return flows_reach(s->flows, hop, name);
}

static void on_unsendable(void *arg, const struct hop *hop)
{
	struct server *s = arg;

	service_fail_hop(s->service, hop, now_ms(s));
}

/* After every piece of work: sends what it has left to be sent, and wakes up in
 * time for the timers that it has set. */
static void send_on(struct server *s)
{
	int64_t next_ms = service_next_ms(s->service), left_ms;
	struct timeval tv;

	while (outbox_send(s->outbox))
		;
	if (next_ms == INT64_MAX ||
		(next_ms >= s->timers_ms && evtimer_pending(s->timers, NULL)))
		return;
	s->timers_ms = next_ms;
	left_ms = next_ms - sp_clock_monotonic_ms();
	if (left_ms < 0)
		left_ms = 0;
	tv.tv_sec = left_ms / 1000;
	tv.tv_usec = (suseconds_t)(left_ms % 1000) * 1000;
	evtimer_add(s->timers, &tv);
}

static void on_timers(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	service_expire(s->service, now_ms(s));
	send_on(s);
}

/* The service has worked without being asked: a look-up is done. */
static void on_worked(void *arg)
{
	send_on(arg);
}

/* ---- flows ------------------------------------------------------------- */

static void flush(struct server *s)
{
	int n = s->n_pending;

	if (n == 0)
		return;
	service_answer(s->service, batch_exchanges(s->batch), n, now_ms(s));
	batch_send_flows(s->batch, n);
	count_sent(s, n);
	s->n_pending = 0;
	send_on(s);
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

/* Whoever waits for an answer through it waits in vain. */
static void fail_flow(struct server *s, const struct flow *flow)
{
	struct hop hop;

	flow_hop(flow, &hop);
	service_fail_hop(s->service, &hop, now_ms(s));
	send_on(s);
}

/* What it had sent counts all the same. The losses of all connections that are
 * closed now share a transaction: they may be those of a whole office. */
static void on_closed(void *arg, struct flow *flow, const char *why)
{
	struct server *s = arg;

	flush(s);
	fail_flow(s, flow);
	if (flow_is_trusted(flow))
		service_flow_closed(s->service, flow_id(flow), why);
	event_active(s->sweep, EV_TIMEOUT, 1);
}

/* ---- datagrams --------------------------------------------------------- */

static void take_errors(struct server *s, int fd)
{
	char ip[INET6_ADDRSTRLEN];
	int port;

	while (batch_unreachable(fd, ip, &port)) {
		service_unreachable(s->service, ip, port, now_ms(s));
		send_on(s);
	}
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
			now_ms(s));
		batch_send(s->batch, fd, n);
		count_sent(s, n);
		send_on(s);
	}
}

/* ---- listening --------------------------------------------------------- */

/* Says the port that the kernel chose, where it was 0. */
static void tell_listening(struct server *s, enum sp_transport transport,
	int fd)
{
	char address[ADDRESS_TEXT];

	address_of_socket(fd, address);
	log_write(s->log, LOG_INFO, "listening",
		LOG_FIELDS({"transport", sp_transport_name(transport)},
			{"address", address}));
	serving_choose(&s->at, transport, address);
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

/* A phone that refreshes as it was told is never silent for so long. */
static int64_t idle_ms(const struct sp_config *config)
{
	int64_t longest_ms = 0;

	for (size_t i = 0; i < config->n_tenants; i++)
		if (config->tenants[i].timeout_ms > longest_ms)
			longest_ms = config->tenants[i].timeout_ms;
	return longest_ms + IDLE_MORE_MS;
}

/* *tls: NULL where the configuration has none. */
static int load_tls(const struct sp_config *config, SSL_CTX **tls,
	struct sp_err *err)
{
	*tls = NULL;
	return config->tls_certificate == NULL
		       ? 0
		       : tls_context(config->tls_certificate, config->tls_key,
				 tls, err);
}

static int start_flows(struct server *s, struct sp_err *err)
{
	const struct flow_events events = {s, on_message, on_closed};
	SSL_CTX *tls;

	if (endpoints_new(&s->endpoints, err) != 0 ||
		batch_new(&s->batch, s->endpoints, err) != 0 ||
		flows_new(&s->flows, s->base, s->log, &events, err) != 0)
		return -1;
	flows_set_idle(s->flows, idle_ms(s->config));
	if (load_tls(s->config, &tls, err) != 0)
		return -1;
	flows_set_tls(s->flows, tls);
	return 0;
}

static int start_sending(struct server *s, struct sp_err *err)
{
	const struct outbox_events events = {s, on_unsendable};

	s->timers = evtimer_new(s->base, on_timers, s);
	if (s->timers == NULL)
		return sp_err_memory(err);
	return outbox_new(&s->outbox, s->endpoints, s->flows, &events, err) ||
			       resolver_new(&s->resolver, s->base,
				       s->config->resolver, err)
		       ? -1
		       : 0;
}

static int add_socket(struct server *s, int fd, enum sp_transport transport,
	struct sp_err *err)
{
	if (transport == SP_TLS && s->config->tls_certificate == NULL) {
		close(fd);
		return sp_err_set(err, SP_CONFIG,
			"cannot listen for TLS: no tls: in the configuration, "
			"expected certificate and key");
	}
	tell_listening(s, transport, fd);
	if (endpoints_add(s->endpoints, transport, fd, err) != 0) {
		close(fd);
		return -1;
	}
	return transport == SP_UDP ? add_udp(s, fd, err)
				   : flows_listen(s->flows, fd, transport, err);
}

static int add_listener(struct server *s, const struct sp_listen *listen,
	struct sp_err *err)
{
	int fd;

	if (address_listen(listen, &fd, err) != 0)
		return -1;
	return add_socket(s, fd, listen->transport, err);
}

/* Those of systemd go before the configuration's. */
static int start_listening(struct server *s, struct sp_err *err)
{
	struct notify_socket given[MAX_LISTEN];
	int n = notify_sockets(given, MAX_LISTEN, err);

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (given[i].transport == SP_UDP)
			address_set_up_datagrams(given[i].fd);
		evutil_make_socket_nonblocking(given[i].fd);
		if (add_socket(s, given[i].fd, given[i].transport, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < s->config->n_listen && n == 0; i++)
		if (add_listener(s, &s->config->listen[i], err) != 0)
			return -1;
	return 0;
}

/* ---- reloading --------------------------------------------------------- */

int serve_load_config(const struct serve_options *o, struct sp_config *config,
	struct sp_err *err)
{
	if (sp_config_load(config, o->config, o->db, err) != 0)
		return -1;
	return o->n_listen == 0 ? 0
				: sp_config_set_listen(config, o->listen,
					  o->n_listen, err);
}

/* What only a start takes from the configuration. */
static void describe_fixed(const struct sp_config *config, char out[FIXED_SIZE])
{
	int n = snprintf(out, FIXED_SIZE, "%s\n%s\n", config->db,
		config->resolver == NULL ? "" : config->resolver);

	for (size_t i = 0; i < config->n_listen && n < FIXED_SIZE; i++)
		n += snprintf(out + n, (size_t)(FIXED_SIZE - n), "%s\n",
			config->listen[i].text);
}

/* All of it is checked before anything changes. */
static int reload(struct server *s, struct sp_config *config,
	struct sp_err *err)
{
	char fixed[FIXED_SIZE];
	SSL_CTX *tls;

	if (serve_load_config(s->options, config, err) != 0 ||
		load_tls(config, &tls, err) != 0)
		return -1;
	if (service_configure(s->service, config, err) != 0) {
		SSL_CTX_free(tls);
		return -1;
	}
	/* Without one the listeners go on with what they have. */
	if (tls != NULL)
		flows_set_tls(s->flows, tls);
	describe_fixed(config, fixed);
	if (strcmp(fixed, s->fixed) != 0)
		log_write(s->log, LOG_WARN, "needs-restart",
			LOG_FIELDS({"cause",
				"listen, db or resolver is another now"}));
	flows_set_idle(s->flows, idle_ms(config));
	/* The domain of before may be unknown now: 404 feeds no watchdog. */
	if (s->self_test != NULL)
		self_test_set_domain(s->self_test, config->tenants[0].domain);
	return 0;
}

static void release_config(struct sp_config *config)
{
	if (config != NULL)
		sp_config_release(config);
	free(config);
}

static void on_hangup(evutil_socket_t signal, short what, void *arg)
{
	struct server *s = arg;
	struct sp_config *config = calloc(1, sizeof *config);
	struct sp_err err = {.msg = "out of memory"};

	(void)signal;
	(void)what;
	flush(s);
	notify_reloading();
	if (config != NULL && reload(s, config, &err) == 0) {
		release_config(s->config);
		s->config = config;
		log_write(s->log, LOG_INFO, "reloaded", LOG_FIELDS({0}));
		send_on(s);
	} else {
		release_config(config);
		log_write(s->log, LOG_ERROR, "not-reloaded",
			LOG_FIELDS({"cause", err.msg}));
	}
	notify_ready("serving");
}

/* ---- the loop ---------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	flush(s);
	beat(s);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = {0, 250000}, at_once = {0, 0};
	struct server *s = arg;
	int64_t now = now_ms(s);
	bool is_more = false;

	(void)fd;
	(void)what;
	flush(s);
	/* A step of the clock that could not be written has moved nothing. */
	if (s->is_writing) {
		is_more = service_lose_flows(s->service, now);
		is_more |= service_sweep(s->service, now);
	}
	evtimer_add(s->sweep, is_more ? &at_once : &soon);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct server *s = arg;

	(void)what;
	notify_stopping();
	log_write(s->log, LOG_INFO, "stopping",
		LOG_FIELDS({"signal", signal == SIGTERM ? "TERM" : "INT"}));
	event_base_loopexit(s->base, NULL); /* once what has come is read */
}

/* Also while the database cannot be written: a new process could not do it
 * either, and nobody would answer 503 any more. */
static void on_passed(void *arg)
{
	(void)arg;
	notify_alive();
}

/* Where no datagrams are taken, that the loop turns is all that is looked
 * at. */
static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	on_passed(arg);
}

static int start_watchdog(struct server *s, struct sp_err *err)
{
	int64_t ms = notify_watchdog_ms() / 3;
	const struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	if (ms == 0)
		return 0;
	if (s->n_udp > 0)
		return self_test_new(&s->self_test, s->base, s->udp[0].fd,
			s->config->tenants[0].domain, ms, on_passed, s, err);
	s->watchdog = event_new(s->base, -1, EV_PERSIST, on_watchdog, s);
	return s->watchdog == NULL || event_add(s->watchdog, &tv) != 0
		       ? sp_err_memory(err)
		       : 0;
}

static int start_loop(struct server *s, struct sp_err *err)
{
	const struct timeval second = {SP_HEARTBEAT_MS / 1000, 0};

	s->base = event_base_new();
	if (s->base == NULL)
		return sp_err_memory(err);
	s->tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	s->sweep = evtimer_new(s->base, on_sweep, s);
	s->flush = event_new(s->base, -1, 0, on_flush, s);
	s->term = evsignal_new(s->base, SIGTERM, on_signal, s);
	s->interrupt = evsignal_new(s->base, SIGINT, on_signal, s);
	s->hangup = evsignal_new(s->base, SIGHUP, on_hangup, s);
	if (s->tick == NULL || s->sweep == NULL || s->flush == NULL ||
		s->term == NULL || s->interrupt == NULL || s->hangup == NULL ||
		event_add(s->tick, &second) != 0 ||
		event_add(s->sweep, &second) != 0 ||
		event_add(s->term, NULL) != 0 ||
		event_add(s->interrupt, NULL) != 0 ||
		event_add(s->hangup, NULL) != 0)
		return sp_err_memory(err);
	return start_flows(s, err) != 0 || start_sending(s, err) != 0 ? -1 : 0;
}

static void release(struct server *s)
{
	struct event *events[] = {s->tick, s->sweep, s->flush, s->term,
		s->interrupt, s->hangup, s->watchdog, s->timers};

	self_test_free(s->self_test);
	service_free(s->service);
	resolver_free(s->resolver);
	outbox_free(s->outbox);
	flows_free(s->flows);
	for (int i = 0; i < s->n_udp; i++) {
		if (s->udp[i].event != NULL)
			event_free(s->udp[i].event);
		close(s->udp[i].fd);
	}
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (s->base != NULL)
		event_base_free(s->base);
	batch_free(s->batch);
	endpoints_free(s->endpoints);
	sp_db_close(s->db);
	release_config(s->config);
	free(s);
}

/* To try it out as root is one thing, to let others in another. */
static bool is_root_for_others(const struct sp_config *config)
{
	bool is_for_others = false;

	for (size_t i = 0; i < config->n_listen; i++) {
		const char *host = config->listen[i].host;

		if (strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0)
			is_for_others = true;
	}
	return is_for_others && geteuid() == 0;
}

static int new_service(struct server *s, struct sp_err *err)
{
	const struct service_parts parts = {.db = s->db,
		.log = s->log,
		.endpoints = s->endpoints,
		.resolver = s->resolver,
		.arg = s,
		.send = on_send,
		.has_flow = on_has_flow,
		.reach = on_reach,
		.worked = on_worked};

	return service_new(&s->service, s->config, &parts, err);
}

/* The sockets first: where a second server finds the port taken, it has not
 * touched the database; and a port below 1024 is bound before root is left. */
static int start(struct server *s, struct sp_err *err)
{
	const struct sp_clocks now = {sp_clock_now_ms(),
		sp_clock_monotonic_ms()};

	if (serve_load_config(s->options, s->config, err) != 0)
		return -1;
	describe_fixed(s->config, s->fixed);
	if (start_loop(s, err) != 0 || start_listening(s, err) != 0 ||
		privilege_drop(s->config->user, err) != 0)
		return -1;
	if (is_root_for_others(s->config))
		log_write(s->log, LOG_WARN, "runs-as-root", LOG_FIELDS({0}));
	if (sp_db_open(&s->db, s->config->db, SP_DB_SERVER, DB_WAIT_MS, err) !=
			0 ||
		new_service(s, err) != 0 ||
		sp_server_resume(s->db, now, err) != 0)
		return -1;
	s->offset_ms = now.wall_ms - now.monotonic_ms;
	s->is_writing = true;
	return start_watchdog(s, err);
}

int serve(const struct serve_options *options, struct log *log,
	struct sp_err *err)
{
	struct server *s = calloc(1, sizeof *s);
	int rc = -1;

	if (s == NULL || (s->config = calloc(1, sizeof *s->config)) == NULL) {
		free(s);
		return sp_err_memory(err);
	}
	s->options = options;
	s->log = log;
	signal(SIGPIPE, SIG_IGN); /* whoever reads the log may go away */
	signal(SIGXFSZ, SIG_IGN); /* a full disk is an error, and no end */
	if (start(s, err) != 0)
		goto out;
	serving_tell(options, s->config, s->db, &s->at, log);
	log_write(log, LOG_INFO, "ready", LOG_FIELDS({"db", s->config->db}));
	notify_ready("serving");
	rc = event_base_dispatch(s->base) < 0
		     ? sp_err_set(err, SP_BUG, "the event loop failed")
		     : 0;
	flush(s);
	service_stop(s->service, now_ms(s));
	send_on(s);
	service_lose_flows(s->service, now_ms(s));
	/* So that a restart knows to the millisecond when nobody listened. */
	beat(s);
	log_write(log, LOG_INFO, "stopped", LOG_FIELDS({0}));
out:
	release(s);
	return rc;
}
