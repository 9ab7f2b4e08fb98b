/* The uplink: a client's way to its SIP server. */
#include "cmd/sp-register/uplink.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/frame.h"
#include "cmd/sp-register/sipmsg.h"
#include "cmd/sp-register/tls_client.h"

/* Deferred: no call of ours frees the stream under the caller's hands. */
static const int OPTIONS = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

struct uplink {
	struct event_base *base;
	const struct uplink_server *server;
	struct uplink_events events;
	SSL_CTX *tls;
	int n_addresses, n_opens;
	char local[ADDRESS_TEXT], peer[300];
	bool is_open;

	int fd; /* UDP; else -1 */
	struct event *readable;
	struct bufferevent *stream; /* TCP, TLS */
};

bool uplink_is_open(const struct uplink *u)
{
	return u->is_open;
}

int uplink_n_addresses(const struct uplink *u)
{
	return u->n_addresses;
}

const char *uplink_local(const struct uplink *u)
{
	return u->local;
}

const char *uplink_peer(const struct uplink *u)
{
	return u->peer;
}

/* What errno says. */
static int cannot_reach(const struct uplink *u, int error, struct sp_err *err)
{
	if (error == ECONNREFUSED)
		return sp_err_set(err, SP_UNAVAILABLE, "nobody listens on %s",
			u->peer);
	return sp_err_set(err, SP_UNAVAILABLE, "cannot reach %s: %s", u->peer,
		strerror(error));
}

static void break_off(struct uplink *u, const char *cause)
{
	if (u->stream != NULL)
		uplink_close(u);
	u->events.broken(u->events.arg, cause);
}

/* ---- UDP --------------------------------------------------------------- */

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct uplink *u = arg;
	char data[SIP_MAX_MESSAGE];
	struct sp_err err;
	ssize_t n = recv(fd, data, sizeof data, 0);

	(void)what;
	if (n >= 0) {
		u->events.message(u->events.arg, data, (size_t)n);
	} else if (errno == ECONNREFUSED) { /* by ICMP */
		cannot_reach(u, ECONNREFUSED, &err);
		break_off(u, err.msg);
	}
}

static int open_datagrams(struct uplink *u, const struct addrinfo *a,
	struct sp_err *err)
{
	u->fd = socket(a->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0);
	if (u->fd < 0 || connect(u->fd, a->ai_addr, a->ai_addrlen) != 0)
		return cannot_reach(u, errno, err);
	u->readable =
		event_new(u->base, u->fd, EV_READ | EV_PERSIST, on_datagram, u);
	if (u->readable == NULL || event_add(u->readable, NULL) != 0)
		return sp_err_memory(err);
	address_of_socket(u->fd, u->local);
	u->is_open = true;
	return 1;
}

/* ---- TCP and TLS ------------------------------------------------------- */

/* Hands on what is complete, as long as the owner keeps it open. */
static void on_read(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	char data[SIP_MAX_MESSAGE];
	struct uplink *u = arg;
	size_t len;

	while (u->stream == stream) {
		ssize_t size = evbuffer_copyout(in, data, sizeof data);

		switch (frame_next(data, (size_t)size, sizeof data, &len)) {
		case FRAME_MORE: return;
		case FRAME_BAD:
			break_off(u, "the server sends what is not SIP");
			return;
		case FRAME_PING: bufferevent_write(stream, "\r\n", 2); break;
		case FRAME_BLANK: break;
		case FRAME_MESSAGE:
			evbuffer_drain(in, len);
			u->events.message(u->events.arg, data, len);
			continue;
		}
		evbuffer_drain(in, len);
	}
}

/* Why it is not open, or no longer. */
static void explain(struct uplink *u, short what, int error, struct sp_err *err)
{
	SSL *ssl = bufferevent_openssl_get_ssl(u->stream);
	const char *complaint = ssl == NULL ? NULL : tls_client_complaint(ssl);

	if (complaint != NULL)
		sp_err_set(err, SP_UNAVAILABLE,
			"the certificate of %s is not good: %s", u->peer,
			complaint);
	else if (u->is_open)
		sp_err_set(err, SP_UNAVAILABLE,
			"the connection to %s was closed", u->peer);
	else if (what & BEV_EVENT_ERROR && error != 0)
		cannot_reach(u, error, err);
	else
		sp_err_set(err, SP_UNAVAILABLE, "%s does not speak %s", u->peer,
			ssl == NULL ? "SIP" : "TLS");
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	int error = EVUTIL_SOCKET_ERROR(), on = 1;
	SSL *ssl = bufferevent_openssl_get_ssl(stream);
	struct uplink *u = arg;
	struct sp_err err;

	if (!(what & BEV_EVENT_CONNECTED)) {
		explain(u, what, error, &err);
		break_off(u, err.msg);
		return;
	}
	if (ssl != NULL &&
		!tls_client_is_for(ssl, u->server->host, u->server->domain)) {
		sp_err_set(&err, SP_UNAVAILABLE,
			"the certificate of %s is for another name than '%s'",
			u->peer, u->server->host);
		break_off(u, err.msg);
		return;
	}
	setsockopt(bufferevent_getfd(stream), IPPROTO_TCP, TCP_NODELAY, &on,
		sizeof on);
	address_of_socket(bufferevent_getfd(stream), u->local);
	u->is_open = true;
	u->events.opened(u->events.arg);
}

static struct bufferevent *new_stream(struct uplink *u)
{
	struct bufferevent *stream;
	SSL *ssl;

	if (u->tls == NULL)
		return bufferevent_socket_new(u->base, -1, OPTIONS);
	ssl = tls_client_new(u->tls, u->server->host, u->server->domain);
	if (ssl == NULL)
		return NULL;
	stream = bufferevent_openssl_socket_new(u->base, -1, ssl,
		BUFFEREVENT_SSL_CONNECTING, OPTIONS);
	/* Whether a peer says good-bye makes no difference: messages have
	 * lengths. */
	if (stream != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	return stream;
}

static int open_stream(struct uplink *u, const struct addrinfo *a,
	struct sp_err *err)
{
	u->stream = new_stream(u);
	if (u->stream == NULL)
		return sp_err_memory(err);
	bufferevent_setcb(u->stream, on_read, NULL, on_event, u);
	bufferevent_setwatermark(u->stream, EV_READ, 0, 2 * SIP_MAX_MESSAGE);
	bufferevent_enable(u->stream, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(u->stream, a->ai_addr,
		    (int)a->ai_addrlen) != 0)
		return cannot_reach(u, errno, err);
	return 0;
}

/* ---- both -------------------------------------------------------------- */

int uplink_send(struct uplink *u, const char *data, size_t len,
	struct sp_err *err)
{
	int error;

	if (u->stream != NULL)
		return bufferevent_write(u->stream, data, len) == 0
			       ? 0
			       : sp_err_memory(err);
	if (send(u->fd, data, len, 0) >= 0 || errno == EAGAIN)
		return 0;
	error = errno;
	if (error != ECONNREFUSED) /* the network is another one now */
		uplink_close(u);
	return cannot_reach(u, error, err);
}

static void name_peer(struct uplink *u, const struct addrinfo *a)
{
	char ip[INET6_ADDRSTRLEN], text[ADDRESS_TEXT];
	int port = address_read(a->ai_addr, ip);

	address_format(ip, port, text);
	snprintf(u->peer, sizeof u->peer, "%s", text);
}

int uplink_open(struct uplink *u, struct sp_err *err)
{
	bool is_udp = u->server->transport == SP_UDP;
	struct addrinfo hints = {
		.ai_socktype = is_udp ? SOCK_DGRAM : SOCK_STREAM};
	struct addrinfo *all, *a;
	int rc, skip;

	uplink_close(u);
	rc = getaddrinfo(u->server->host, u->server->port, &hints, &all);
	if (rc != 0)
		return sp_err_set(err, SP_UNAVAILABLE,
			"cannot find the server '%s': %s", u->server->host,
			gai_strerror(rc));
	u->n_addresses = 0;
	for (a = all; a != NULL; a = a->ai_next)
		u->n_addresses++;
	skip = u->n_opens++ % u->n_addresses;
	for (a = all; skip > 0; skip--)
		a = a->ai_next;
	name_peer(u, a);
	rc = is_udp ? open_datagrams(u, a, err) : open_stream(u, a, err);
	freeaddrinfo(all);
	if (rc < 0)
		uplink_close(u);
	return rc;
}

void uplink_close(struct uplink *u)
{
	if (u->readable != NULL)
		event_free(u->readable);
	u->readable = NULL;
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
	if (u->stream != NULL)
		bufferevent_free(u->stream);
	u->stream = NULL;
	u->is_open = false;
}

int uplink_new(struct uplink **out, struct event_base *base,
	const struct uplink_server *server, const struct uplink_events *events,
	struct sp_err *err)
{
	struct uplink *u = calloc(1, sizeof *u);

	*out = u;
	if (u == NULL)
		return sp_err_memory(err);
	u->base = base;
	u->server = server;
	u->events = *events;
	u->fd = -1;
	snprintf(u->peer, sizeof u->peer, "%s", server->host);
	return server->transport != SP_TLS
		       ? 0
		       : tls_client_context(server->ca_file, server->insecure,
				 &u->tls, err);
}

void uplink_free(struct uplink *u)
{
	if (u == NULL)
		return;
	uplink_close(u);
	SSL_CTX_free(u->tls);
	free(u);
}
