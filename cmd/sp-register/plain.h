/* The forms of URI, address and Via that nearly all softphones write, read
 * without libosip2, where each costs some twenty allocations. What is taken
 * here libosip2 takes, too, with the same result (but for a <URI> of less than
 * seven bytes, which it takes for a mistake); all else is left to it. */
#ifndef SP_REGISTER_PLAIN_H
#define SP_REGISTER_PLAIN_H

#include <stdbool.h>

#include "cmd/sp-register/sipmsg.h"

/* sip:[USER@]HOST[:PORT][;NAME[=VALUE]...], or sips: */
bool plain_uri(struct sip_slice text, struct sip_uri *uri);

/* [NAME ]<URI>[;NAME[=VALUE]...], where NAME and VALUE may be quoted; *text is
 * the URI. */
bool plain_address(struct sip_slice value, struct sip_slice *text,
	struct sip_uri *uri);

/* SIP/2.0/TRANSPORT HOST[:PORT]: a Via up to its parameters. Sets host and
 * port. */
bool plain_via(struct sip_slice start, struct sip_via *via);

#endif
