/* Leaving root once the sockets are bound. */
#ifndef SP_REGISTER_PRIVILEGE_H
#define SP_REGISTER_PRIVILEGE_H

#include "lib/err.h"

/* Becomes `user`, with the groups of that name, for good. NULL, or who is that
 * user already: does nothing. Fails with SP_CONFIG when there is no such user,
 * SP_NOPERM when this process may not. */
int privilege_drop(const char *user, struct sp_err *err);

#endif
