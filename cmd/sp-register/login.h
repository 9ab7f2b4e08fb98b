/* sp-register login: the registration half of a softphone. */
#ifndef SP_REGISTER_LOGIN_H
#define SP_REGISTER_LOGIN_H

#include <stdbool.h>

#include "cmd/sp-register/client.h"
#include "lib/err.h"

struct login_options {
	struct client_options client; /* with extension and secret */
	bool once;
};

/* Registers, refreshes every 15 s (or at half of what is granted, if that is
 * less), and logs out on SIGTERM or SIGINT; then *status is SP_OK. A line per
 * change on standard output; what went wrong on standard error, and it tries
 * again. With `once` it ends after the first attempt, without logging out:
 * *status is SP_OK, SP_UNAVAILABLE, or SP_NOPERM when the server knows the
 * extension or its secret not; why has been told. Returns -1 when it could not
 * begin, when standard output is gone, or when the logout got no answer. */
int login(const struct login_options *options, enum sp_code *status,
	struct sp_err *err);

#endif
