/* A REGISTER round trip through the server's own socket. */
#include "cmd/sp-register/self_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/sipmsg.h"

struct self_test {
	int fd;
	struct event *timer, *readable;
	char domain[256], local[ADDRESS_TEXT];
	uint64_t count;
	void (*passed)(void *arg);
	void *arg;
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct self_test *t = arg;
	char text[1024];
	int n;

	(void)fd;
	(void)what;
	t->count++;
	n = snprintf(text, sizeof text,
		"REGISTER sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;branch=z9hG4bKself%" PRIu64 "\r\n"
		"Max-Forwards: 1\r\n"
		"From: <sip:self-test@%s>;tag=1\r\n"
		"To: <sip:self-test@%s>\r\n"
		"Call-ID: self-test\r\n"
		"CSeq: %" PRIu64 " REGISTER\r\n"
		"Content-Length: 0\r\n\r\n",
		t->domain, t->local, t->count, t->domain, t->domain,
		t->count & INT32_MAX);
	/* What is not sent is not answered: the watchdog will see. */
	if (send(t->fd, text, (size_t)n, MSG_DONTWAIT) < 0)
		return;
}

/* The challenge, also when the next one has been sent meanwhile: a database that
 * is waited for makes it late. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct self_test *t = arg;
	char data[SIP_MAX_MESSAGE];
	struct sip_message m;
	const char *why;
	ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);

	(void)what;
	if (n > 0 && sipmsg_scan(data, (size_t)n, &m, &why) == SIP_SCANNED &&
		!m.is_request && m.status == 401)
		t->passed(t->arg);
}

/* To 0.0.0.0 and [::] the kernel connects by way of the loopback interface. */
static int connect_to(int server_fd)
{
	struct sockaddr_storage to = {.ss_family = AF_INET};
	socklen_t len = sizeof to;
	int fd;

	if (getsockname(server_fd, (struct sockaddr *)&to, &len) != 0)
		return -1;
	fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int self_test_new(struct self_test **out, struct event_base *base, int fd,
	const char *domain, int64_t interval_ms, void (*passed)(void *arg),
	void *arg, struct sp_err *err)
{
	struct self_test *t = calloc(1, sizeof *t);
	const struct timeval tv = {interval_ms / 1000,
		(suseconds_t)(interval_ms % 1000) * 1000};

	*out = t;
	if (t == NULL)
		return sp_err_memory(err);
	snprintf(t->domain, sizeof t->domain, "%s", domain);
	t->passed = passed;
	t->arg = arg;
	t->fd = connect_to(fd);
	if (t->fd < 0)
		return sp_err_set(err, SP_UNAVAILABLE,
			"cannot reach the own socket");
	address_of_socket(t->fd, t->local);
	t->timer = event_new(base, -1, EV_PERSIST, on_timer, t);
	t->readable =
		event_new(base, t->fd, EV_READ | EV_PERSIST, on_readable, t);
	if (t->timer == NULL || t->readable == NULL ||
		event_add(t->timer, &tv) != 0 ||
		event_add(t->readable, NULL) != 0)
		return sp_err_memory(err);
	return 0;
}

void self_test_set_domain(struct self_test *t, const char *domain)
{
	snprintf(t->domain, sizeof t->domain, "%s", domain);
}

void self_test_free(struct self_test *t)
{
	if (t == NULL)
		return;
	if (t->timer != NULL)
		event_free(t->timer);
	if (t->readable != NULL)
		event_free(t->readable);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}
