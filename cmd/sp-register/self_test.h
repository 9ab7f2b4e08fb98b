/* A REGISTER round trip through the server's own socket: what feeds the
 * watchdog. A loop that turns but does not answer is not alive. */
#ifndef SP_REGISTER_SELF_TEST_H
#define SP_REGISTER_SELF_TEST_H

#include <event2/event.h>
#include <stdint.h>

#include "lib/err.h"

struct self_test;

/* Sends a REGISTER without credentials for `domain` to the UDP socket `fd` each
 * interval_ms, and calls passed(arg) when the answer to it has come. domain is
 * copied. */
int self_test_new(struct self_test **test, struct event_base *base, int fd,
	const char *domain, int64_t interval_ms, void (*passed)(void *arg),
	void *arg, struct sp_err *err);
/* From now on for that domain: the configuration is another one. */
void self_test_set_domain(struct self_test *test, const char *domain);
void self_test_free(struct self_test *test); /* accepts NULL */

#endif
