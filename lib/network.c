/* IP networks, and whether an address is in one. */
#include "lib/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/text.h"

enum { MAPPED_BITS = 96, V4_BITS = 32, V6_BITS = 128 };

/* ::ffff:0:0/96 */
static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff};

/* Reads an address; its bits are all that there are. */
static bool read_address(const char *text, struct sp_network *n)
{
	memset(n, 0, sizeof *n);
	n->is_v6 = strchr(text, ':') != NULL;
	n->bits = n->is_v6 ? V6_BITS : V4_BITS;
	return inet_pton(n->is_v6 ? AF_INET6 : AF_INET, text, n->address) == 1;
}

/* An IPv4 address comes out of the IPv6 one around it. */
static void unwrap(struct sp_network *n)
{
	if (!n->is_v6 || n->bits < MAPPED_BITS ||
		memcmp(n->address, MAPPED, sizeof MAPPED) != 0)
		return;
	n->is_v6 = false;
	n->bits -= MAPPED_BITS;
	memmove(n->address, n->address + sizeof MAPPED, 4);
	memset(n->address + 4, 0, sizeof n->address - 4);
}

/* Do the first `bits` agree? */
static bool is_prefix(const unsigned char *a, const unsigned char *b, int bits)
{
	size_t whole = (size_t)bits / 8;
	unsigned mask = 0xff00u >> (bits % 8) & 0xff;

	return memcmp(a, b, whole) == 0 &&
	       (mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool has_more_bits(const struct sp_network *n)
{
	unsigned char without[sizeof n->address] = {0};
	size_t whole = (size_t)n->bits / 8;

	memcpy(without, n->address, whole);
	if (n->bits % 8 != 0)
		without[whole] = (unsigned char)(n->address[whole] &
						 0xff00u >> (n->bits % 8));
	return memcmp(without, n->address, sizeof without) != 0;
}

int sp_network_parse(struct sp_network *network, const char *text,
	struct sp_err *err)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	int64_t bits;
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);

	if (len >= sizeof address)
		goto malformed;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!read_address(address, network))
		goto malformed;
	if (slash != NULL) {
		if (!sp_text_to_int(slash + 1, 0, network->bits, &bits))
			goto malformed;
		network->bits = (int)bits;
	}
	unwrap(network);
	if (!has_more_bits(network))
		return 0;
	return sp_err_set(err, SP_CONFIG,
		"'%.60s' has bits behind the /%d, expected "
		"a network or one address",
		text, network->bits);
malformed:
	return sp_err_set(err, SP_CONFIG,
		"'%.60s': expected an address or a network, "
		"like 192.0.2.7 or 10.1.0.0/16",
		text);
}

bool sp_network_has(const struct sp_network *network, const char *ip)
{
	struct sp_network one;

	if (!read_address(ip, &one))
		return false;
	unwrap(&one);
	return one.is_v6 == network->is_v6 &&
	       is_prefix(one.address, network->address, network->bits);
}
