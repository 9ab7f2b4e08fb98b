/* sp-register login: the registration half of a softphone. */
#ifndef SP_REGISTER_LOGIN_H
#define SP_REGISTER_LOGIN_H

#include "lib/err.h"

struct login_options {
	const char *extension, *domain;
	const char *host, *port; /* of the server */
	const char *secret;
};

/* Registers over UDP, refreshes every 15 s (or at half of what is granted, if
 * that is less), and logs out on SIGTERM or SIGINT; then returns 0. A line per
 * change on standard output; what went wrong on standard error, and it tries
 * again, with the server's next address if it has several. Returns -1 when it
 * could not begin, when standard output is gone, or when the logout got no
 * answer. */
int login(const struct login_options *options, struct sp_err *err);

#endif
