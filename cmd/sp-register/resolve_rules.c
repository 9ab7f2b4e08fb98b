/* Where the host of a SIP URI is: what the URI alone says; pure. */
#include "cmd/sp-register/address.h"
#include "cmd/sp-register/resolve.h"

enum { SIP_PORT = 5060, SIPS_PORT = 5061 };

enum sp_transport resolve_transport(const struct resolve_target *t)
{
	if (t->is_sips)
		return SP_TLS;
	return t->transport == SP_N_TRANSPORTS ? SP_UDP : t->transport;
}

int resolve_port(const struct resolve_target *t)
{
	if (t->port != 0)
		return t->port;
	return resolve_transport(t) == SP_TLS ? SIPS_PORT : SIP_PORT;
}

int resolve_numeric(const struct resolve_target *t, struct hop *hop)
{
	*hop = (struct hop){.transport = resolve_transport(t), .local = -1};
	return address_parse(t->host, resolve_port(t), &hop->to);
}

int resolve_plan(const struct resolve_target *t,
	enum sp_transport steps[RESOLVE_MAX_STEPS])
{
	int n = 0;

	if (t->port != 0)
		return 0;
	steps[n++] = resolve_transport(t);
	if (!t->is_sips && t->transport == SP_N_TRANSPORTS)
		steps[n++] = SP_TCP;
	return n;
}
