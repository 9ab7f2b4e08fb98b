/* What a server that has just started says of itself: for whom it is there, and
 * what to try next. */
#ifndef SP_REGISTER_SERVING_H
#define SP_REGISTER_SERVING_H

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/log.h"
#include "cmd/sp-register/serve.h"
#include "lib/config.h"
#include "lib/db.h"

enum { SERVING_MAX = 8 }; /* tenants that are told of; then how many more */

/* Where a softphone on this machine reaches the server. */
struct serving_at {
	enum sp_transport transport;
	char address[ADDRESS_TEXT]; /* "": nowhere */
};

/* Takes over where it listens, if that is easier to reach than *at: UDP before
 * TCP before TLS, the first of each. An address of all interfaces becomes that
 * of the loopback. */
void serving_choose(struct serving_at *at, enum sp_transport transport,
	const char *address);

/* Logs a line for each tenant: its extensions that are assigned and free, and a
 * command to try. The tenants have their rows. What cannot be read is not told:
 * it is no reason not to serve. */
void serving_tell(const struct serve_options *options, struct sp_config *config,
	struct sp_db *db, const struct serving_at *at, struct log *log);

#endif
