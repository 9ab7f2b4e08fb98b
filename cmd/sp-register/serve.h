/* sp-register serve: sockets, the event loop, signals. */
#ifndef SP_REGISTER_SERVE_H
#define SP_REGISTER_SERVE_H

#include "cmd/sp-register/log.h"
#include "lib/config.h"
#include "lib/err.h"

/* Listens where the configuration says, and answers until SIGTERM or SIGINT.
 * Then returns 0; -1 when it could not start or go on. */
int serve(struct sp_config *config, struct log *log, struct sp_err *err);

#endif
