/* IP networks, and whether an address is in one. */
#ifndef SP_LIB_NETWORK_H
#define SP_LIB_NETWORK_H

#include <stdbool.h>

#include "lib/err.h"

struct sp_network {
	bool is_v6;
	unsigned char address[16]; /* of IPv4: the first 4 bytes */
	int bits;                  /* how many of them count */
};

/* Reads "192.0.2.7", "10.1.0.0/16", "2001:db8::/32", without a zone. An IPv4
 * address in an IPv6 one (::ffff:192.0.2.7) is that IPv4 address. Fails with
 * SP_CONFIG, also when there are bits behind the network's: 10.1.0.7/16 may be
 * a slip of the pen for either. */
int sp_network_parse(struct sp_network *network, const char *text,
	struct sp_err *err);

/* Is the IPv4 or IPv6 address, as text, in that network? An IPv6 network holds
 * no IPv4 address, not even ::/0. */
bool sp_network_has(const struct sp_network *network, const char *ip);

#endif
