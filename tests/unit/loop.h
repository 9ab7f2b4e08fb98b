/* An event loop with a deadline, and sockets on loopback: for what needs real
 * ones. */
#ifndef SP_TESTS_UNIT_LOOP_H
#define SP_TESTS_UNIT_LOOP_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/sp-register/hop.h"
#include "lib/clock.h"
#include "tests/unit/unit.h"

/* A test that waits longer waits in vain. */
enum { LOOP_PATIENCE_MS = 20000 };

static inline void loop_must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s\n", what);
	exit(2);
}

static inline void loop_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Runs the loop until *n is at least `enough`. Returns false when that does not
 * happen. */
static inline bool loop_until(struct event_base *base, const int *n, int enough)
{
	const struct timeval often = {0, 100000};
	struct event *wake = event_new(base, -1, EV_PERSIST, loop_wake, NULL);
	int64_t end_ms = sp_clock_monotonic_ms() + LOOP_PATIENCE_MS;

	loop_must(wake != NULL && event_add(wake, &often) == 0, "no event");
	while (*n < enough && sp_clock_monotonic_ms() < end_ms)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(wake);
	return *n >= enough;
}

/* A socket on a free port of 127.0.0.1, and its address. A stream listens. */
static inline int loop_socket(int type, union hop_address *address)
{
	socklen_t len = sizeof address->four;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(address, 0, sizeof *address);
	address->four.sin_family = AF_INET;
	address->four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	loop_must(fd >= 0 && bind(fd, &address->any, len) == 0 &&
			  (type != SOCK_STREAM || listen(fd, 16) == 0) &&
			  getsockname(fd, &address->any, &len) == 0,
		"no socket");
	return fd;
}

/* An address at which nobody listens. */
static inline void loop_nobody(int type, union hop_address *address)
{
	close(loop_socket(type, address));
}

#endif
