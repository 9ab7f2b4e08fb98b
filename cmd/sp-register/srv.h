/* SRV records: in which order servers are tried (RFC 2782): pure. */
#ifndef SP_REGISTER_SRV_H
#define SP_REGISTER_SRV_H

#include <stdint.h>

struct srv_rank {
	uint16_t priority, weight;
	int index; /* the caller's */
};

/* Returns a number from 0 to max, both included. */
typedef uint32_t srv_draw(void *arg, uint32_t max);

/* Orders n of them: the lower priorities first; among equals one is drawn after
 * the other, with a chance that is its weight's share. */
void srv_order(struct srv_rank *ranks, int n, srv_draw *draw, void *arg);

#endif
