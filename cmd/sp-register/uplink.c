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

	/* A UDP socket, or one that is connecting; -1: none. */
	int fd;
	struct event *event;
	struct bufferevent *stream; /* TCP, TLS; has the socket then */
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
	if (u->server->transport != SP_UDP)
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
static void explain(struct uplink *u, struct sp_err *err)
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
	else
		sp_err_set(err, SP_UNAVAILABLE,
			"%s does not speak TLS as we do", u->peer);
}

static void opened(struct uplink *u)
{
	address_of_socket(bufferevent_getfd(u->stream), u->local);
	u->is_open = true;
	u->events.opened(u->events.arg);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	SSL *ssl = bufferevent_openssl_get_ssl(stream);
	const struct uplink_server *server;
	struct uplink *u = arg;
	struct sp_err err;

	server = u->server;
	if (!(what & BEV_EVENT_CONNECTED)) {
		explain(u, &err);
	} else if (tls_client_is_for(ssl, server->host, server->domain)) {
		opened(u);
		return;
	} else {
		sp_err_set(&err, SP_UNAVAILABLE,
			"the certificate of %s is for another name than '%s'",
			u->peer, server->host);
	}
	break_off(u, err.msg);
}

static struct bufferevent *new_stream(struct uplink *u)
{
	struct bufferevent *stream;
	SSL *ssl;

	if (u->tls == NULL)
		return bufferevent_socket_new(u->base, u->fd, OPTIONS);
	ssl = tls_client_new(u->tls, u->server->host, u->server->domain);
	if (ssl == NULL)
		return NULL;
	stream = bufferevent_openssl_socket_new(u->base, u->fd, ssl,
		BUFFEREVENT_SSL_CONNECTING, OPTIONS);
	/* Whether a peer says good-bye makes no difference: messages have
	 * lengths. */
	if (stream != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	return stream;
}

/* With TLS it is open after the handshake. */
static void start_stream(struct uplink *u)
{
	int on = 1;

	setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	u->stream = new_stream(u);
	if (u->stream == NULL) {
		break_off(u, "out of memory");
		return;
	}
	u->fd = -1;
	bufferevent_setcb(u->stream, on_read, NULL, on_event, u);
	bufferevent_setwatermark(u->stream, EV_READ, 0, 2 * SIP_MAX_MESSAGE);
	bufferevent_enable(u->stream, EV_READ | EV_WRITE);
	if (u->tls == NULL)
		opened(u);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct uplink *u = arg;
	int error = 0;
	socklen_t len = sizeof error;
	struct sp_err err;

	(void)what;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0) {
		event_free(u->event);
		u->event = NULL;
		start_stream(u);
	} else {
		cannot_reach(u, error, &err);
		break_off(u, err.msg);
	}
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

static int open_socket(struct uplink *u, const struct addrinfo *a,
	struct sp_err *err)
{
	bool is_udp = a->ai_socktype == SOCK_DGRAM;

	u->fd = socket(a->ai_family,
		a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0 || (connect(u->fd, a->ai_addr, a->ai_addrlen) != 0 &&
				 errno != EINPROGRESS))
		return cannot_reach(u, errno, err);
	u->event = event_new(u->base, u->fd,
		is_udp ? EV_READ | EV_PERSIST : EV_WRITE,
		is_udp ? on_datagram : on_connected, u);
	if (u->event == NULL || event_add(u->event, NULL) != 0)
		return sp_err_memory(err);
	address_of_socket(u->fd, u->local);
	u->is_open = is_udp;
	return is_udp;
}

int uplink_open(struct uplink *u, struct sp_err *err)
{
	struct addrinfo hints = {.ai_socktype = u->server->transport == SP_UDP
							? SOCK_DGRAM
							: SOCK_STREAM};
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
	rc = open_socket(u, a, err);
	freeaddrinfo(all);
	if (rc < 0)
		uplink_close(u);
	return rc;
}

void uplink_close(struct uplink *u)
{
	if (u->event != NULL)
		event_free(u->event);
	u->event = NULL;
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
