/* What the server tells systemd, and what it gets from it. */
#include "cmd/sp-register/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "lib/clock.h"

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)sp_clock_monotonic_ms() * 1000);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

int64_t notify_watchdog_ms(void)
{
	uint64_t us;

	return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / 1000) : 0;
}

int notify_sockets(struct notify_socket *sockets, int max)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), count = 0;

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (count < max) {
			sockets[count].fd = fd;
			sockets[count++].transport =
				sd_is_socket(fd, AF_UNSPEC, SOCK_DGRAM, -1) > 0
					? SP_UDP
				: strcmp(names[i], "tls") == 0 ? SP_TLS
							       : SP_TCP;
		}
		free(names[i]);
	}
	free(names);
	return count;
}
