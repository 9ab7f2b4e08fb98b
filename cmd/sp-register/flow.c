/* Flows: the TCP and TLS connections of softphones. */
#include "cmd/sp-register/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/frame.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/text.h"

enum {
	BUCKETS = 1024,
	MAX_LISTENERS = 16,
	MAX_UNSENT = 65536, /* bytes that a peer may leave unread */
};

/* Deferred: no call of ours frees a flow under the caller's hands. */
static const int OPTIONS = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

struct flow {
	struct flows *flows;
	struct flow *next, **link; /* in its bucket */
	struct bufferevent *stream;
	int64_t id;
	enum sp_transport transport;
	char ip[INET6_ADDRSTRLEN];
	int port;
	int64_t opened_ms;
	int64_t partial_ms; /* since when a message is incomplete; 0: none is */
	bool is_trusted;
};

struct listening {
	struct flows *flows;
	struct evconnlistener *listener;
	enum sp_transport transport;
};

struct flows {
	struct event_base *base;
	struct log *log;
	struct flow_events events;
	SSL_CTX *tls;
	int64_t idle_ms;
	struct listening listening[MAX_LISTENERS];
	int n_listening;
	struct flow *bucket[BUCKETS]; /* by the source's address */
};

/* ---- one flow ---------------------------------------------------------- */

static struct flow **bucket_of(struct flows *flows, const char *ip)
{
	return &flows->bucket[sp_text_hash(ip, strlen(ip)) % BUCKETS];
}

static void flow_free(struct flow *flow)
{
	if (flow->link != NULL) {
		*flow->link = flow->next;
		if (flow->next != NULL)
			flow->next->link = flow->link;
	}
	bufferevent_free(flow->stream);
	free(flow);
}

static void flow_close(struct flow *flow, const char *why)
{
	struct flows *flows = flow->flows;

	log_write(flows->log, LOG_DEBUG, "flow-closed",
		LOG_FIELDS({"source", flow->ip},
			{"transport", flow_transport(flow)}, {"cause", why}));
	flows->events.closed(flows->events.arg, flow, why);
	flow_free(flow);
}

/* How long it may be silent: the rest of a message is awaited with less
 * patience than the next one. */
static void set_patience(struct flow *flow)
{
	int64_t ms = flow->partial_ms != 0 ? FLOW_MESSAGE_MS
		     : flow->is_trusted    ? flow->flows->idle_ms
					   : FLOW_STRANGER_MS;
	const struct timeval silence = {ms / 1000, 0};
	const struct timeval unread = {FLOW_MESSAGE_MS / 1000, 0};

	bufferevent_set_timeouts(flow->stream, &silence, &unread);
}

/* Neither drop by drop nor with pings can a stranger keep a connection. */
static const char *overdue(const struct flow *flow)
{
	int64_t now_ms = sp_clock_monotonic_ms();

	if (flow->partial_ms != 0 &&
		now_ms - flow->partial_ms > FLOW_MESSAGE_MS)
		return "message too slow";
	if (!flow->is_trusted && now_ms - flow->opened_ms > FLOW_STRANGER_MS)
		return "nobody registered";
	return NULL;
}

/* Hands on what is complete. Returns why the flow is to be closed, or NULL. */
static const char *take_messages(struct flow *flow, struct evbuffer *in)
{
	const struct flow_events *events = &flow->flows->events;

	for (;;) {
		size_t size = evbuffer_get_length(in), len;
		const char *data;

		if (size > SIP_MAX_MESSAGE)
			size = SIP_MAX_MESSAGE;
		data = (const char *)evbuffer_pullup(in, (ev_ssize_t)size);
		switch (frame_next(data, size, SIP_MAX_MESSAGE, &len)) {
		case FRAME_MORE:
			if (size == 0)
				flow->partial_ms = 0;
			else if (flow->partial_ms == 0)
				flow->partial_ms = sp_clock_monotonic_ms();
			return overdue(flow);
		case FRAME_BAD: return "bad framing";
		case FRAME_PING: flow_send(flow, "\r\n", 2); break;
		case FRAME_MESSAGE:
			events->message(events->arg, flow, data, len);
			break;
		case FRAME_BLANK: break;
		}
		flow->partial_ms = 0;
		evbuffer_drain(in, len);
	}
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct flow *flow = arg;
	const char *why = take_messages(flow, bufferevent_get_input(stream));

	if (why != NULL)
		flow_close(flow, why);
	else
		set_patience(flow);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct flow *flow = arg;

	(void)stream;
	if (what & BEV_EVENT_CONNECTED) /* the TLS handshake is done */
		return;
	flow_close(flow, what & BEV_EVENT_EOF       ? "closed"
			 : what & BEV_EVENT_TIMEOUT ? "silent"
						    : "connection failed");
}

void flow_send(struct flow *flow, const char *data, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(flow->stream);

	/* A peer that does not read is closed by the timeout for it. */
	if (evbuffer_get_length(out) + len <= MAX_UNSENT)
		bufferevent_write(flow->stream, data, len);
}

void flow_trust(struct flow *flow)
{
	flow->is_trusted = true;
	set_patience(flow);
}

bool flow_is_trusted(const struct flow *flow)
{
	return flow->is_trusted;
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

const char *flow_transport(const struct flow *flow)
{
	return sp_transport_name(flow->transport);
}

/* ---- accepting --------------------------------------------------------- */

static int count_source(struct flows *flows, const char *ip)
{
	int n = 0;

	for (struct flow *f = *bucket_of(flows, ip); f != NULL; f = f->next)
		n += strcmp(f->ip, ip) == 0;
	return n;
}

static struct bufferevent *open_stream(struct flows *flows, evutil_socket_t fd,
	enum sp_transport transport)
{
	SSL *ssl;

	if (transport != SP_TLS)
		return bufferevent_socket_new(flows->base, fd, OPTIONS);
	ssl = flows->tls == NULL ? NULL : SSL_new(flows->tls);
	if (ssl == NULL)
		return NULL;
	return bufferevent_openssl_socket_new(flows->base, fd, ssl,
		BUFFEREVENT_SSL_ACCEPTING, OPTIONS);
}

static int64_t new_id(void)
{
	struct sp_err err;
	uint64_t id = 0;

	if (sp_hash_random(&id, sizeof id, &err) != 0)
		id = (uint64_t)sp_clock_monotonic_ms();
	return (int64_t)(id >> 1 | 1);
}

static struct flow *flow_new(const struct listening *l, evutil_socket_t fd)
{
	struct flow *flow = calloc(1, sizeof *flow);

	if (flow == NULL)
		return NULL;
	flow->stream = open_stream(l->flows, fd, l->transport);
	if (flow->stream == NULL) {
		free(flow);
		return NULL;
	}
	flow->flows = l->flows;
	flow->transport = l->transport;
	flow->id = new_id();
	flow->opened_ms = sp_clock_monotonic_ms();
	return flow;
}

static void adopt(struct flow *flow)
{
	struct flow **head = bucket_of(flow->flows, flow->ip);

	flow->next = *head;
	if (flow->next != NULL)
		flow->next->link = &flow->next;
	flow->link = head;
	*head = flow;
	bufferevent_setcb(flow->stream, on_read, NULL, on_event, flow);
	bufferevent_setwatermark(flow->stream, EV_READ, 0, 2 * SIP_MAX_MESSAGE);
	set_patience(flow);
	bufferevent_enable(flow->stream, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *from, int len, void *arg)
{
	struct listening *l = arg;
	char ip[INET6_ADDRSTRLEN];
	struct flow *flow = NULL;
	int on = 1, port = address_read(from, ip);

	(void)listener;
	(void)len;
	if (count_source(l->flows, ip) >= FLOWS_PER_SOURCE)
		log_write(l->flows->log, LOG_WARN, "too-many-connections",
			LOG_FIELDS({"source", ip}));
	else
		flow = flow_new(l, fd);
	if (flow == NULL) {
		evutil_closesocket(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	memcpy(flow->ip, ip, sizeof flow->ip);
	flow->port = port;
	adopt(flow);
}

int flows_listen(struct flows *flows, evutil_socket_t fd,
	enum sp_transport transport, struct sp_err *err)
{
	struct listening *l = &flows->listening[flows->n_listening];

	if (flows->n_listening == MAX_LISTENERS) {
		evutil_closesocket(fd);
		return sp_err_set(err, SP_CONFIG, "too many listeners");
	}
	l->flows = flows;
	l->transport = transport;
	l->listener = evconnlistener_new(flows->base, on_accept, l,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, fd);
	if (l->listener == NULL) {
		evutil_closesocket(fd);
		return sp_err_memory(err);
	}
	flows->n_listening++;
	return 0;
}

/* ---- all of them ------------------------------------------------------- */

int flows_new(struct flows **out, struct event_base *base, struct log *log,
	const struct flow_events *events, struct sp_err *err)
{
	struct flows *flows = calloc(1, sizeof *flows);

	*out = flows;
	if (flows == NULL)
		return sp_err_memory(err);
	flows->base = base;
	flows->log = log;
	flows->events = *events;
	flows->idle_ms = FLOW_STRANGER_MS;
	return 0;
}

void flows_set_idle(struct flows *flows, int64_t idle_ms)
{
	flows->idle_ms = idle_ms;
}

void flows_set_tls(struct flows *flows, SSL_CTX *context)
{
	SSL_CTX_free(flows->tls);
	flows->tls = context;
}

void flows_free(struct flows *flows)
{
	if (flows == NULL)
		return;
	for (int i = 0; i < flows->n_listening; i++)
		evconnlistener_free(flows->listening[i].listener);
	for (int i = 0; i < BUCKETS; i++)
		while (flows->bucket[i] != NULL)
			flow_free(flows->bucket[i]);
	SSL_CTX_free(flows->tls);
	free(flows);
}
