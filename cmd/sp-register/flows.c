/* Flows: the table of them; how they are accepted, made and found. */
#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/flow_private.h"
#include "cmd/sp-register/tls_client.h"
#include "lib/clock.h"
#include "lib/text.h"

enum { OTHER_FILES = 64 }; /* descriptors that are no flow's */

/* Deferred: no call of ours frees a flow under the caller's hands. */
static const int OPTIONS = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

struct flow_node **flows_of_site(struct flows *flows, const char *site)
{
	return &flows->by_site[sp_text_hash(site, strlen(site)) % FLOW_BUCKETS];
}

/* ---- accepting --------------------------------------------------------- */

/* Phones that have registered do not count: a call centre has hundreds of them
 * behind one address. But no source gets all that there is. */
static bool has_room(struct flows *flows, const char *site)
{
	int n = 0, strangers = 0;

	for (struct flow_node *i = *flows_of_site(flows, site); i != NULL;
		i = i->next) {
		if (strcmp(i->flow->site, site) != 0)
			continue;
		n++;
		strangers += !i->flow->times.is_trusted;
	}
	return strangers < FLOWS_PER_SOURCE &&
	       n < FLOWS_PER_SOURCE + flows->max / 2 && flows->n < flows->max;
}

static struct bufferevent *stream_of(struct flows *flows, evutil_socket_t fd,
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

static void send_at_once(evutil_socket_t fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Does not take the socket over when it fails. */
static bool accept_flow(const struct flow_listener *l, evutil_socket_t fd,
	const struct sockaddr *from)
{
	struct flow *flow = flow_new(l->flows, l->transport, from);

	if (flow == NULL)
		return false;
	flow->stream = stream_of(l->flows, fd, l->transport);
	if (flow->stream == NULL) {
		flow_free(flow);
		return false;
	}
	send_at_once(fd);
	flow_start(flow);
	return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *from, int len, void *arg)
{
	struct flow_listener *l = arg;
	char ip[INET6_ADDRSTRLEN], site[INET6_ADDRSTRLEN];
	bool is_taken = false;

	(void)listener;
	(void)len;
	address_read(from, ip);
	address_site(ip, site);
	if (has_room(l->flows, site))
		is_taken = accept_flow(l, fd, from);
	else
		log_write(l->flows->log, LOG_WARN, "too-many-connections",
			LOG_FIELDS({"source", ip}));
	if (!is_taken)
		evutil_closesocket(fd);
}

int flows_listen(struct flows *flows, evutil_socket_t fd,
	enum sp_transport transport, struct sp_err *err)
{
	struct flow_listener *l = &flows->listener[flows->n_listeners];

	if (flows->n_listeners == FLOW_LISTENERS) {
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
	flows->n_listeners++;
	return 0;
}

/* ---- connecting -------------------------------------------------------- */

/* Its handshake fails when the certificate is not one for the name, so that
 * nothing is sent to somebody else. */
static SSL *new_client(struct flows *flows, const char *name)
{
	struct sp_err err;
	SSL *ssl;

	if (flows->tls_client == NULL &&
		tls_client_context(NULL, false, &flows->tls_client, &err) != 0)
		return NULL;
	ssl = tls_client_new(flows->tls_client, name, name);
	if (ssl != NULL && tls_client_expect(ssl, name))
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static bool open_stream(struct flow *flow)
{
	struct flows *flows = flow->flows;
	SSL *ssl;

	if (flow->transport != SP_TLS) {
		flow->stream = bufferevent_socket_new(flows->base, -1, OPTIONS);
		return flow->stream != NULL;
	}
	ssl = new_client(flows, flow->name);
	if (ssl == NULL)
		return false;
	flow->stream = bufferevent_openssl_socket_new(flows->base, -1, ssl,
		BUFFEREVENT_SSL_CONNECTING, OPTIONS);
	/* Whether a peer says good-bye makes no difference: messages have
	 * lengths. */
	if (flow->stream != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(flow->stream, 1);
	return flow->stream != NULL;
}

static bool connect_flow(struct flow *flow, const struct sockaddr *to,
	socklen_t len, const char *server_name)
{
	if (server_name == NULL)
		server_name = flow->ip;
	if (flow->transport == SP_TLS &&
		(flow->name = strdup(server_name)) == NULL)
		return false;
	if (!open_stream(flow) ||
		bufferevent_socket_connect(flow->stream, to, (int)len) != 0)
		return false;
	send_at_once(bufferevent_getfd(flow->stream));
	return true;
}

struct flow *flows_connect(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *to, socklen_t len, const char *server_name)
{
	struct flow *flow;

	if (flows->n >= flows->max)
		return NULL;
	flow = flow_new(flows, transport, to);
	if (flow == NULL)
		return NULL;
	flow->times.is_trusted = flow->times.is_connecting = true;
	if (!connect_flow(flow, to, len, server_name)) {
		flow_free(flow);
		return NULL;
	}
	flow_start(flow);
	return flow;
}

/* ---- finding ----------------------------------------------------------- */

struct flow *flows_find(struct flows *flows, int64_t id)
{
	if (id <= 0)
		return NULL;
	for (struct flow_node *i = flows->by_id[id % FLOW_BUCKETS]; i != NULL;
		i = i->next)
		if (i->flow->id == id)
			return i->flow;
	return NULL;
}

/* name: NULL when any will do. */
static struct flow *find_peer(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *peer, const char *name)
{
	char ip[INET6_ADDRSTRLEN], site[INET6_ADDRSTRLEN];
	int port = address_read(peer, ip);

	address_site(ip, site);
	for (struct flow_node *i = *flows_of_site(flows, site); i != NULL;
		i = i->next) {
		struct flow *f = i->flow;

		if (f->port == port && f->transport == transport &&
			!f->is_stuck && strcmp(f->ip, ip) == 0 &&
			(name == NULL ||
				(f->name != NULL &&
					strcasecmp(f->name, name) == 0)))
			return f;
	}
	return NULL;
}

struct flow *flows_find_peer(struct flows *flows, enum sp_transport transport,
	const struct sockaddr *peer)
{
	return find_peer(flows, transport, peer, NULL);
}

bool flows_reach(struct flows *flows, struct hop *hop, const char *server_name)
{
	const struct sockaddr *to = &hop->to.any;
	struct flow *flow = find_peer(flows, hop->transport, to,
		hop->transport == SP_TLS ? server_name : NULL);

	if (flow == NULL)
		flow = flows_connect(flows, hop->transport, to,
			address_size(to), server_name);
	hop->flow_id = flow == NULL ? 0 : flow->id;
	return flow != NULL;
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

void flows_set_tls_client(struct flows *flows, SSL_CTX *context)
{
	SSL_CTX_free(flows->tls_client);
	flows->tls_client = context;
}

void flows_free(struct flows *flows)
{
	if (flows == NULL)
		return;
	for (int i = 0; i < flows->n_listeners; i++)
		evconnlistener_free(flows->listener[i].listener);
	for (int i = 0; i < FLOW_BUCKETS; i++)
		while (flows->by_id[i] != NULL)
			flow_free(flows->by_id[i]->flow);
	SSL_CTX_free(flows->tls);
	SSL_CTX_free(flows->tls_client);
	free(flows);
}
