/* What our Record-Route tells us when the requests of a dialog come back: where
 * its two sides are. So they find their way also through a server that has been
 * started again, and nobody can make one up: it has a MAC over the dialog's
 * Call-ID and the tag of its caller (as the flow tokens of RFC 5626 §5.2). */
#ifndef SP_REGISTER_DIALOG_ROUTE_H
#define SP_REGISTER_DIALOG_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/hop.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/hash.h"

struct dialog_route {
	int64_t call_id; /* the row of the call; 0: a dialog without one */
	struct hop caller, callee;
};

enum { DIALOG_ROUTE_SIZE = 160 };

/* Writes it as the user part of a URI. tag: the caller's. */
void dialog_route_format(const unsigned char key[SP_SHA256_SIZE],
	struct sip_slice call_id, struct sip_slice tag,
	const struct dialog_route *route, char out[DIALOG_ROUTE_SIZE]);

/* Reads one that some server with the same key has made for that dialog.
 * Returns false for any other text. */
bool dialog_route_parse(const unsigned char key[SP_SHA256_SIZE],
	struct sip_slice call_id, struct sip_slice tag, const char *text,
	struct dialog_route *route);

#endif
