/* Checks on raw bytes, before any parser sees them. */
#ifndef SP_REGISTER_GUARD_H
#define SP_REGISTER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/sp-register/sipmsg.h"

/* May libosip2 see this header value? Not too long, not too many marks (its
 * parsers are quadratic in them), no control characters. */
bool guard_value(struct sip_slice value);

/* The same for a URI or what holds one; also every % must begin an escape
 * other than %00, which would cut the user name: 1001%00x would pose as
 * 1001. */
bool guard_uri(struct sip_slice value);

/* Is `method` a token (RFC 3261 §25.1) of at most 64 bytes? */
bool guard_token(struct sip_slice method);

#endif
