/* One flow: a TCP or TLS connection of a softphone, or to a peer. */
#include "cmd/sp-register/flow.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/flow_private.h"
#include "cmd/sp-register/frame.h"
#include "cmd/sp-register/sipmsg.h"
#include "cmd/sp-register/tls_client.h"
#include "lib/clock.h"
#include "lib/hash.h"

enum { MAX_UNSENT = 65536 }; /* bytes that a peer may leave unread */

/* ---- patience ---------------------------------------------------------- */

int64_t flow_deadline_ms(const struct flow_times *t, int64_t idle_ms,
	const char **why)
{
	int64_t at_ms = t->is_trusted ? t->heard_ms + idle_ms
				      : t->opened_ms + FLOW_STRANGER_MS;

	*why = t->is_trusted ? "silent" : "nobody registered";
	if (t->is_connecting) {
		*why = "no connection in time";
		return t->opened_ms + FLOW_CONNECT_MS;
	}
	if (t->partial_ms == 0 || t->partial_ms + FLOW_MESSAGE_MS >= at_ms)
		return at_ms;
	*why = "message too slow";
	return t->partial_ms + FLOW_MESSAGE_MS;
}

/* ---- one flow ---------------------------------------------------------- */

static void put_in(struct flow_node **bucket, struct flow_node *node)
{
	node->next = *bucket;
	if (node->next != NULL)
		node->next->link = &node->next;
	node->link = bucket;
	*bucket = node;
}

static void take_out(struct flow_node *node)
{
	*node->link = node->next;
	if (node->next != NULL)
		node->next->link = node->link;
}

/* What the socket takes at once of what is to be sent. */
static void push(struct flow *flow)
{
	struct evbuffer *out = bufferevent_get_output(flow->stream);
	SSL *ssl = bufferevent_openssl_get_ssl(flow->stream);
	size_t len = evbuffer_get_length(out);
	const unsigned char *data = evbuffer_pullup(out, -1);

	if (ssl == NULL) {
		if (len > 0)
			send(bufferevent_getfd(flow->stream), data, len,
				MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	if (len > 0)
		SSL_write(ssl, data, (int)len);
	SSL_shutdown(ssl);
	ERR_clear_error();
}

void flow_free(struct flow *flow)
{
	if (flow->by_id.link != NULL) {
		take_out(&flow->by_site);
		take_out(&flow->by_id);
		flow->flows->n--;
		if (!flow->times.is_connecting)
			push(flow);
	}
	if (flow->deadline != NULL)
		event_free(flow->deadline);
	if (flow->stream != NULL)
		bufferevent_free(flow->stream);
	free(flow->name);
	free(flow);
}

/* What is wrong with a peer, or its certificate, an admin wants to know. */
static void log_failure(const struct flow *flow, const char *why)
{
	const SSL *ssl = bufferevent_openssl_get_ssl(flow->stream);
	const char *complaint = ssl == NULL ? NULL : tls_client_complaint(ssl);
	char address[ADDRESS_TEXT];

	address_format(flow->ip, flow->port, address);
	log_write(flow->flows->log, LOG_INFO, "not-connected",
		LOG_FIELDS({"address", address},
			{"transport", flow_transport(flow)},
			{"name", flow->name},
			{"cause", complaint == NULL ? why : complaint}));
}

static void flow_close(struct flow *flow, const char *why)
{
	struct flows *flows = flow->flows;

	if (flow->times.is_connecting)
		log_failure(flow, why);
	log_write(flows->log, LOG_DEBUG, "flow-closed",
		LOG_FIELDS({"source", flow->ip},
			{"transport", flow_transport(flow)}, {"cause", why}));
	flows->events.closed(flows->events.arg, flow, why);
	flow_free(flow);
}

static void set_deadline(struct flow *flow)
{
	const char *why;
	int64_t left_ms =
		flow_deadline_ms(&flow->times, flow->flows->idle_ms, &why) -
		sp_clock_monotonic_ms();
	struct timeval tv = {0};

	if (left_ms > 0 && !flow->is_stuck) {
		tv.tv_sec = left_ms / 1000;
		tv.tv_usec = (suseconds_t)(left_ms % 1000) * 1000;
	}
	evtimer_add(flow->deadline, &tv);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;
	const char *why;
	int64_t at_ms =
		flow_deadline_ms(&flow->times, flow->flows->idle_ms, &why);

	(void)fd;
	(void)what;
	if (flow->is_stuck)
		flow_close(flow, "does not read");
	else if (at_ms <= sp_clock_monotonic_ms())
		flow_close(flow, why);
	else
		set_deadline(flow);
}

/* What is left is the beginning of a message. Line ends are not: phones send
 * half a ping, or one behind a message. */
static void set_partial(struct flow *flow, const char *data, size_t size)
{
	if (size == 0 || data[0] == '\r')
		flow->times.partial_ms = 0;
	else if (flow->times.partial_ms == 0)
		flow->times.partial_ms = sp_clock_monotonic_ms();
}

/* Hands on what is complete. Returns whether the flow makes sense. */
static bool take_messages(struct flow *flow, struct evbuffer *in)
{
	const struct flow_events *events = &flow->flows->events;

	for (;;) {
		size_t size = evbuffer_get_length(in), len;
		const char *data;

		if (size > SIP_MAX_MESSAGE)
			size = SIP_MAX_MESSAGE;
		data = (const char *)evbuffer_pullup(in, (ev_ssize_t)size);
		switch (frame_next(data, size, SIP_MAX_MESSAGE, &len)) {
		case FRAME_BAD: return false;
		case FRAME_MORE: set_partial(flow, data, size); return true;
		case FRAME_PING: flow_send(flow, "\r\n", 2); break;
		case FRAME_MESSAGE:
			events->message(events->arg, flow, data, len);
			break;
		case FRAME_BLANK: break;
		}
		flow->times.partial_ms = 0;
		evbuffer_drain(in, len);
	}
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct flow *flow = arg;

	flow->times.heard_ms = sp_clock_monotonic_ms();
	if (take_messages(flow, bufferevent_get_input(stream)))
		set_deadline(flow);
	else
		flow_close(flow, "bad framing");
}

static const char *why_it_failed(const struct flow *flow)
{
	const SSL *ssl = bufferevent_openssl_get_ssl(flow->stream);

	if (!flow->times.is_connecting)
		return "connection failed";
	if (ssl != NULL && flow->name != NULL &&
		tls_client_complaint(ssl) != NULL)
		return "certificate not good";
	return "cannot connect";
}

/* A TLS connection of a phone is in use before its handshake is done. */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct flow *flow = arg;

	(void)stream;
	if (!(what & BEV_EVENT_CONNECTED)) {
		flow_close(flow,
			what & BEV_EVENT_EOF && !flow->times.is_connecting
				? "closed"
				: why_it_failed(flow));
		return;
	}
	if (!flow->times.is_connecting)
		return;
	flow->times.is_connecting = false;
	flow->times.heard_ms = sp_clock_monotonic_ms();
	set_deadline(flow);
}

bool flow_send(struct flow *flow, const char *data, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(flow->stream);

	if (!flow->is_stuck && evbuffer_get_length(out) + len <= MAX_UNSENT)
		return bufferevent_write(flow->stream, data, len) == 0;
	flow->is_stuck = true; /* it is still in the caller's hands */
	set_deadline(flow);
	return false;
}

int64_t flow_new_id(void)
{
	struct sp_err err;
	uint64_t id = 0;

	if (sp_hash_random(&id, sizeof id, &err) != 0)
		id = (uint64_t)sp_clock_monotonic_ms();
	return (int64_t)(id >> 1 | 1);
}

struct flow *flow_new(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *peer)
{
	struct flow *flow = calloc(1, sizeof *flow);

	if (flow == NULL)
		return NULL;
	flow->flows = flows;
	flow->transport = transport;
	flow->id = flow_new_id();
	flow->local = FLOW_LOCAL_UNKNOWN;
	flow->by_site.flow = flow->by_id.flow = flow;
	flow->port = address_read(peer, flow->ip);
	address_plain(peer, &flow->peer);
	address_site(flow->ip, flow->site);
	flow->times.opened_ms = sp_clock_monotonic_ms();
	flow->deadline = evtimer_new(flows->base, on_deadline, flow);
	if (flow->deadline == NULL) {
		flow_free(flow);
		return NULL;
	}
	return flow;
}

void flow_start(struct flow *flow)
{
	struct flows *flows = flow->flows;

	put_in(flows_of_site(flows, flow->site), &flow->by_site);
	put_in(&flows->by_id[flow->id % FLOW_BUCKETS], &flow->by_id);
	flows->n++;
	bufferevent_setcb(flow->stream, on_read, NULL, on_event, flow);
	bufferevent_setwatermark(flow->stream, EV_READ, 0, 2 * SIP_MAX_MESSAGE);
	set_deadline(flow);
	bufferevent_enable(flow->stream, EV_READ | EV_WRITE);
}

/* ---- what is known of it ----------------------------------------------- */

void flow_trust(struct flow *flow)
{
	flow->times.is_trusted = true;
	set_deadline(flow);
}

bool flow_is_trusted(const struct flow *flow)
{
	return flow->times.is_trusted;
}

int64_t flow_id(const struct flow *flow)
{
	return flow->id;
}

const char *flow_ip(const struct flow *flow)
{
	return flow->ip;
}

int flow_port(const struct flow *flow)
{
	return flow->port;
}

enum sp_transport flow_transport_kind(const struct flow *flow)
{
	return flow->transport;
}

const char *flow_transport(const struct flow *flow)
{
	return sp_transport_name(flow->transport);
}

void flow_hop(const struct flow *flow, struct hop *hop)
{
	*hop = (struct hop){.transport = flow->transport,
		.local = flow->local < 0 ? -1 : flow->local,
		.flow_id = flow->id,
		.to = flow->peer};
}

int flow_local_address(const struct flow *flow, char ip[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage a = {.ss_family = AF_INET};
	socklen_t len = sizeof a;

	getsockname(bufferevent_getfd(flow->stream), (struct sockaddr *)&a,
		&len);
	return address_read((struct sockaddr *)&a, ip);
}

int flow_local(const struct flow *flow)
{
	return flow->local;
}

void flow_set_local(struct flow *flow, int local)
{
	flow->local = local;
}
