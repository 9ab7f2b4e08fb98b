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

static int read_socket(int fd, const char *name, struct notify_socket *out,
	struct sp_err *err)
{
	out->fd = fd;
	if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_DGRAM, -1, 0) > 0)
		out->transport = SP_UDP;
	else if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) > 0)
		out->transport = strcmp(name, "tls") == 0 ? SP_TLS : SP_TCP;
	else
		return sp_err_set(err, SP_CONFIG,
			"descriptor %d of LISTEN_FDS: expected a socket for "
			"datagrams, or for streams that listens",
			fd);
	return 0;
}

int notify_sockets(struct notify_socket *sockets, int max, struct sp_err *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), rc = 0;

	if (n > max)
		rc = sp_err_set(err, SP_CONFIG,
			"too many sockets in LISTEN_FDS");
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = read_socket(SD_LISTEN_FDS_START + i, names[i],
				&sockets[i], err);
		free(names[i]);
	}
	free(names);
	return rc != 0 ? -1 : n > 0 ? n : 0;
}
