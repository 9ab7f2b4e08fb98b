/* sp-register probe: does the SIP server answer? */
#ifndef SP_REGISTER_PROBE_H
#define SP_REGISTER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/client.h"
#include "lib/err.h"

struct probe_options {
	struct client_options client;
	int64_t timeout_ms;
	bool quiet;
};

/* Asks once: OPTIONS or, with an extension, a REGISTER that only looks at the
 * bindings. Prints how long it took and what the answer is, unless quiet.
 * Returns 0 with *status SP_OK after a 2xx, SP_UNAVAILABLE after another
 * answer; -1 when there is none, or quiet and another than a 2xx. */
int probe(const struct probe_options *options, enum sp_code *status,
	struct sp_err *err);

#endif
