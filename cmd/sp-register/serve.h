/* sp-register serve: sockets, the event loop, signals. */
#ifndef SP_REGISTER_SERVE_H
#define SP_REGISTER_SERVE_H

#include "cmd/sp-register/log.h"
#include "lib/config.h"
#include "lib/err.h"

/* Where the configuration comes from: it is read again on SIGHUP. */
struct serve_options {
	const char *config, *db;   /* as sp_config_load takes them */
	const char *const *listen; /* instead of the configuration's */
	size_t n_listen;
};

/* Listens where the configuration says, or on the sockets that systemd hands
 * over, and answers until SIGTERM or SIGINT. Then returns 0; -1 when it could
 * not start or go on. */
int serve(const struct serve_options *options, struct log *log,
	struct sp_err *err);

/* Answers the messages of standard input on standard output until its end: for
 * pipes, inetd and tests. Messages are framed as on TCP. */
int serve_stdio(const struct serve_options *options, struct log *log,
	struct sp_err *err);

/* Reads the configuration as both do. Release it in any case. */
int serve_load_config(const struct serve_options *options,
	struct sp_config *config, struct sp_err *err);

#endif
