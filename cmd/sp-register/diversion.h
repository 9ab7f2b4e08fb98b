/* What a call that was diverted tells of that: History-Info (RFC 7044) and
 * Diversion (RFC 5806). Writes only. */
#ifndef SP_REGISTER_DIVERSION_H
#define SP_REGISTER_DIVERSION_H

#include "cmd/sp-register/sipmsg.h"
#include "lib/forward.h"
#include "lib/route.h"

struct diversion {
	char number[SP_NUMBER_SIZE]; /* who has diverted it */
	enum sp_condition condition;
};

/* Writes the fields for a copy that goes to `uri` after n diversions, oldest
 * first, at least one. What the request says of earlier ones stays; ours go on
 * from there. */
void diversion_put(struct sip_writer *writer, const struct sip_message *request,
	const char *domain, const struct diversion *diversions, int n,
	const char *uri);

/* How many a request tells of. */
int diversion_count(const struct sip_message *request);

#endif
