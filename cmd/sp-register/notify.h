/* What the server tells systemd, and what it gets from it. Does nothing where
 * systemd did not start it. */
#ifndef SP_REGISTER_NOTIFY_H
#define SP_REGISTER_NOTIFY_H

#include <stdint.h>

#include "lib/config.h"
#include "lib/err.h"

void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void); /* feeds the watchdog */

/* How often the watchdog wants to be fed at the latest; 0: there is none. */
int64_t notify_watchdog_ms(void);

/* Sockets that were handed over (LISTEN_FDS); their names tell TLS from TCP.
 * Returns how many, or -1: more than `max`, or something else. */
struct notify_socket {
	int fd;
	enum sp_transport transport;
};
int notify_sockets(struct notify_socket *sockets, int max, struct sp_err *err);

#endif
