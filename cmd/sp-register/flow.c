/* Flows: the TCP and TLS connections of softphones. */
#include "cmd/sp-register/flow.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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
	OTHER_FILES = 64,   /* descriptors that are no flow's */
};

/* Deferred: no call of ours frees a flow under the caller's hands. */
static const int OPTIONS = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

struct flow {
	struct flows *flows;
	struct flow *next, **link; /* in its bucket */
	struct bufferevent *stream;
	int64_t id;
	enum sp_transport transport;
	char ip[INET6_ADDRSTRLEN], site[INET6_ADDRSTRLEN];
	int port;
	struct flow_times times;
	struct event *deadline;
	bool is_stuck; /* its peer does not read */
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
	int n, max;
	struct flow *bucket[BUCKETS]; /* by the source's site */
};

/* ---- one flow ---------------------------------------------------------- */

int64_t flow_deadline_ms(const struct flow_times *t, int64_t idle_ms,
	const char **why)
{
	int64_t at_ms = t->is_trusted ? t->heard_ms + idle_ms
				      : t->opened_ms + FLOW_STRANGER_MS;

	*why = t->is_trusted ? "silent" : "nobody registered";
	if (t->partial_ms == 0 || t->partial_ms + FLOW_MESSAGE_MS >= at_ms)
		return at_ms;
	*why = "message too slow";
	return t->partial_ms + FLOW_MESSAGE_MS;
}

static struct flow **bucket_of(struct flows *flows, const char *site)
{
	return &flows->bucket[sp_text_hash(site, strlen(site)) % BUCKETS];
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

static void flow_free(struct flow *flow)
{
	if (flow->link != NULL) {
		*flow->link = flow->next;
		if (flow->next != NULL)
			flow->next->link = flow->link;
		flow->flows->n--;
		push(flow);
	}
	if (flow->deadline != NULL)
		event_free(flow->deadline);
	if (flow->stream != NULL)
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

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	if (what & BEV_EVENT_CONNECTED) /* the TLS handshake is done */
		return;
	flow_close(arg, what & BEV_EVENT_EOF ? "closed" : "connection failed");
}

void flow_send(struct flow *flow, const char *data, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(flow->stream);

	if (evbuffer_get_length(out) + len <= MAX_UNSENT) {
		bufferevent_write(flow->stream, data, len);
		return;
	}
	flow->is_stuck = true; /* it is still in the caller's hands */
	set_deadline(flow);
}

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

const char *flow_transport(const struct flow *flow)
{
	return sp_transport_name(flow->transport);
}

/* ---- accepting --------------------------------------------------------- */

/* Phones that have registered do not count: a call centre has hundreds of them
 * behind one address. But no source gets all that there is. */
static bool has_room(struct flows *flows, const char *site)
{
	int n = 0, strangers = 0;

	for (struct flow *f = *bucket_of(flows, site); f != NULL; f = f->next) {
		if (strcmp(f->site, site) != 0)
			continue;
		n++;
		strangers += !f->times.is_trusted;
	}
	return strangers < FLOWS_PER_SOURCE &&
	       n < FLOWS_PER_SOURCE + flows->max / 2 && flows->n < flows->max;
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

int64_t flow_new_id(void)
{
	struct sp_err err;
	uint64_t id = 0;

	if (sp_hash_random(&id, sizeof id, &err) != 0)
		id = (uint64_t)sp_clock_monotonic_ms();
	return (int64_t)(id >> 1 | 1);
}

/* ip: the peer's. Does not take the socket over when it fails. */
static struct flow *flow_new(const struct listening *l, evutil_socket_t fd,
	const char *ip, int port)
{
	struct flow *flow = calloc(1, sizeof *flow);

	if (flow == NULL)
		return NULL;
	flow->flows = l->flows;
	flow->transport = l->transport;
	flow->id = flow_new_id();
	flow->port = port;
	snprintf(flow->ip, sizeof flow->ip, "%s", ip);
	address_site(ip, flow->site);
	flow->times.opened_ms = sp_clock_monotonic_ms();
	flow->deadline = evtimer_new(l->flows->base, on_deadline, flow);
	if (flow->deadline != NULL)
		flow->stream = open_stream(l->flows, fd, l->transport);
	if (flow->stream == NULL) {
		flow_free(flow);
		return NULL;
	}
	return flow;
}

static void adopt(struct flow *flow)
{
	struct flow **head = bucket_of(flow->flows, flow->site);

	flow->next = *head;
	if (flow->next != NULL)
		flow->next->link = &flow->next;
	flow->link = head;
	*head = flow;
	flow->flows->n++;
	bufferevent_setcb(flow->stream, on_read, NULL, on_event, flow);
	bufferevent_setwatermark(flow->stream, EV_READ, 0, 2 * SIP_MAX_MESSAGE);
	set_deadline(flow);
	bufferevent_enable(flow->stream, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *from, int len, void *arg)
{
	struct listening *l = arg;
	char ip[INET6_ADDRSTRLEN], site[INET6_ADDRSTRLEN];
	struct flow *flow = NULL;
	int on = 1, port = address_read(from, ip);

	(void)listener;
	(void)len;
	address_site(ip, site);
	if (has_room(l->flows, site))
		flow = flow_new(l, fd, ip, port);
	else
		log_write(l->flows->log, LOG_WARN, "too-many-connections",
			LOG_FIELDS({"source", ip}));
	if (flow == NULL) {
		evutil_closesocket(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->listener == NULL) {
		evutil_closesocket(fd);
		return sp_err_memory(err);
	}
	flows->n_listening++;
	return 0;
}

/* ---- all of them ------------------------------------------------------- */

/* As many as there may be descriptors: an accept that fails for want of them
 * would be tried again and again. */
static int max_flows(void)
{
	struct rlimit files = {OTHER_FILES, OTHER_FILES};

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur > INT_MAX ? INT_MAX
					: (int)files.rlim_cur - OTHER_FILES;
}

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
	flows->max = max_flows();
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
