/* The steps of a route in words: the columns of `sp-forward --resolve`. */
#ifndef SP_LIB_ROUTE_TEXT_H
#define SP_LIB_ROUTE_TEXT_H

#include "lib/clock.h"
#include "lib/route.h"

enum sp_route_field {
	SP_ROUTE_NUMBER, /* whose step */
	SP_ROUTE_ACTION,
	SP_ROUTE_TARGET, /* of ring: the registered name */
	SP_ROUTE_CONDITION,
	SP_ROUTE_ORIGIN, /* own, default */
	SP_ROUTE_AFTER,  /* how long it rings: "20s" */
	SP_ROUTE_STATUS,
	SP_ROUTE_REASON,
	SP_N_ROUTE_FIELDS,
};

/* NULL where a field does not apply. */
struct sp_route_text {
	const char *field[SP_N_ROUTE_FIELDS];
	char target[SP_NUMBER_SIZE + SP_DOMAIN_SIZE + SP_TARGET_SIZE];
	char after[SP_TIME_TEXT], status[16];
};

/* Fills in the text; its fields are borrowed from `text` itself and from
 * `step`, so that neither may move. domain: the tenant's. */
void sp_route_text(const struct sp_route_step *step, const char *domain,
	struct sp_route_text *text);

#endif
