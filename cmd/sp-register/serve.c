/* sp-register serve: receive a batch, answer it in one transaction, send. */
#include "cmd/sp-register/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/sp-register/service.h"
#include "lib/clock.h"
#include "lib/server.h"

enum {
	BATCH = 64, /* datagrams of one transaction; service_answer's
			  * limit is 64, too */
	ROUNDS = 8, /* batches of one socket before the others' turn */
	MAX_LISTEN = 16,
	SOCKET_BUFFER = 8 << 20, /* bytes; the kernel may give less */
	DB_WAIT_MS = 1000,       /* for another writer, then 503 */
};

struct server;

struct listener {
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
	struct event *tick, *term, *interrupt;
	struct listener listener[MAX_LISTEN];
	int n_listeners;

	/* One batch: what came, what goes. */
	struct exchange exchange[BATCH];
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	struct sockaddr_storage from[BATCH];
	/* The address of ours that was asked, handed back with the answer: on
	 * 0.0.0.0 the kernel would choose one (RFC 3581 §4). */
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} to[BATCH];
	char ip[BATCH][INET6_ADDRSTRLEN];
	char data[BATCH][SIP_MAX_MESSAGE + 1]; /* one more: too long shows */
	char answer[BATCH][SIP_ANSWER_SIZE];
};

/* ---- datagrams --------------------------------------------------------- */

static void set_port(struct sockaddr_storage *a, int port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

static int read_address(const struct sockaddr_storage *a, char *ip, size_t size)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in *four = (const struct sockaddr_in *)a;

	if (a->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, ip, (socklen_t)size);
		return ntohs(six->sin6_port);
	}
	inet_ntop(AF_INET, &four->sin_addr, ip, (socklen_t)size);
	return ntohs(four->sin_port);
}

static void prepare(struct server *s)
{
	for (int i = 0; i < BATCH; i++) {
		s->exchange[i].data = s->data[i];
		s->exchange[i].answer = s->answer[i];
		s->exchange[i].transport = "udp";
		s->exchange[i].origin.ip = s->ip[i];
		s->in_iov[i].iov_base = s->data[i];
		s->in_iov[i].iov_len = sizeof s->data[i];
		s->in[i].msg_hdr.msg_iov = &s->in_iov[i];
		s->in[i].msg_hdr.msg_iovlen = 1;
		s->in[i].msg_hdr.msg_name = &s->from[i];
		s->in[i].msg_hdr.msg_control = s->to[i].bytes;
		s->out[i].msg_hdr.msg_iov = &s->out_iov[i];
		s->out[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Leaves the way back to the routing table, not to the interface. */
static void forget_interface(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	if (c != NULL && c->cmsg_level == IPPROTO_IP &&
		c->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_ifindex = 0;
}

static int receive_batch(struct server *s, int fd)
{
	int n;

	for (int i = 0; i < BATCH; i++) {
		s->in[i].msg_hdr.msg_namelen = sizeof s->from[i];
		s->in[i].msg_hdr.msg_controllen = sizeof s->to[i].bytes;
	}
	n = recvmmsg(fd, s->in, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct exchange *x = &s->exchange[i];

		/* Too long: garbage, since its end is not here. */
		x->len = s->in[i].msg_len > SIP_MAX_MESSAGE ? 0
							    : s->in[i].msg_len;
		forget_interface(&s->in[i].msg_hdr);
		x->origin.port =
			read_address(&s->from[i], s->ip[i], sizeof s->ip[i]);
	}
	return n;
}

static void send_batch(struct server *s, int fd, int n)
{
	int sent = 0, count = 0;

	for (int i = 0; i < n; i++) {
		const struct exchange *x = &s->exchange[i];
		struct msghdr *h = &s->out[count].msg_hdr;

		if (x->answer_len == 0)
			continue;
		set_port(&s->from[i], x->answer_port);
		s->out_iov[count].iov_base = x->answer;
		s->out_iov[count++].iov_len = x->answer_len;
		h->msg_name = &s->from[i];
		h->msg_namelen = s->in[i].msg_hdr.msg_namelen;
		h->msg_control = s->to[i].bytes;
		h->msg_controllen = s->in[i].msg_hdr.msg_controllen;
	}
	while (sent < count) {
		int done = sendmmsg(fd, s->out + sent, (unsigned)(count - sent),
			0);

		/* One that cannot be sent is as good as lost on the way: its
		 * sender asks again. */
		sent += done > 0 ? done : errno == EINTR ? 0 : 1;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;
	int n = BATCH;

	(void)what;
	for (int round = 0; round < ROUNDS && n == BATCH; round++) {
		n = receive_batch(s, fd);
		if (n <= 0)
			return;
		service_answer(s->service, s->exchange, n, sp_clock_now_ms());
		send_batch(s, fd, n);
	}
}

/* ---- listening --------------------------------------------------------- */

static int fail_listen(struct sp_err *err, const char *text, const char *why)
{
	return sp_err_set(err, SP_UNAVAILABLE, "cannot listen on '%s': %s",
		text, why);
}

static int open_socket(const struct sp_listen *listen, const char **why)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *a = NULL;
	int size = SOCKET_BUFFER, on = 1, fd = -1, rc;
	char port[8];

	snprintf(port, sizeof port, "%d", listen->port);
	rc = getaddrinfo(listen->host, port, &hints, &a);
	if (rc != 0) {
		*why = gai_strerror(rc);
		return -1;
	}
	fd = socket(a->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && a->ai_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	} else if (fd >= 0) {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	}
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			       sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) != 0) {
		*why = strerror(errno);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(a);
	return fd;
}

/* Says the port that the kernel chose, where it was 0. */
static void log_listening(struct server *s, int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;
	char ip[INET6_ADDRSTRLEN], address[INET6_ADDRSTRLEN + 16];
	int port;

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return;
	port = read_address(&a, ip, sizeof ip);
	snprintf(address, sizeof address,
		a.ss_family == AF_INET6 ? "[%s]:%d" : "%s:%d", ip, port);
	log_write(s->log, LOG_INFO, "listening",
		LOG_FIELDS({"transport", "udp"}, {"address", address}));
}

static int add_listener(struct server *s, const struct sp_listen *listen,
	struct sp_err *err)
{
	struct listener *l = &s->listener[s->n_listeners];
	const char *why = "";

	if (s->n_listeners == MAX_LISTEN)
		return fail_listen(err, listen->text, "too many listeners");
	l->fd = open_socket(listen, &why);
	if (l->fd < 0)
		return fail_listen(err, listen->text, why);
	s->n_listeners++;
	l->server = s;
	l->event =
		event_new(s->base, l->fd, EV_READ | EV_PERSIST, on_readable, l);
	if (l->event == NULL || event_add(l->event, NULL) != 0)
		return sp_err_memory(err);
	log_listening(s, l->fd);
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
	s->term = evsignal_new(s->base, SIGTERM, on_signal, s);
	s->interrupt = evsignal_new(s->base, SIGINT, on_signal, s);
	if (s->tick == NULL || s->term == NULL || s->interrupt == NULL ||
		event_add(s->tick, &second) != 0 ||
		event_add(s->term, NULL) != 0 ||
		event_add(s->interrupt, NULL) != 0)
		return sp_err_memory(err);
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
	for (int i = 0; i < s->n_listeners; i++) {
		release_event(s->listener[i].event);
		close(s->listener[i].fd);
	}
	release_event(s->tick);
	release_event(s->term);
	release_event(s->interrupt);
	if (s->base != NULL)
		event_base_free(s->base);
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
	prepare(s);
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
	/* So that a restart knows to the millisecond when nobody listened. */
	service_tick(s->service, sp_clock_now_ms());
	log_write(log, LOG_INFO, "stopped", LOG_FIELDS({0}));
out:
	release(s);
	return rc;
}
