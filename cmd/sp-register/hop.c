/* Hops: made from addresses, and compared. */
#include "cmd/sp-register/hop.h"

#include <arpa/inet.h>
#include <string.h>

/* An IPv4 peer of an IPv6 socket is the same as that of an IPv4 one. */
static void put_address(const union hop_address *to, unsigned char out[16])
{
	static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff};

	if (to->any.sa_family == AF_INET6) {
		memcpy(out, &to->six.sin6_addr, 16);
	} else if (to->any.sa_family == AF_INET) {
		memcpy(out, MAPPED, sizeof MAPPED);
		memcpy(out + sizeof MAPPED, &to->four.sin_addr, 4);
	}
}

void hop_key(const struct hop *hop, unsigned char key[HOP_KEY_SIZE])
{
	bool is_six = hop->to.any.sa_family == AF_INET6;

	memset(key, 0, HOP_KEY_SIZE);
	if (hop->flow_id != 0) {
		memcpy(key, &hop->flow_id, sizeof hop->flow_id);
		return;
	}
	key[8] = (unsigned char)hop->transport;
	put_address(&hop->to, key + 9);
	/* The port is at the same place in both kinds of address. */
	memcpy(key + 25, &hop->to.four.sin_port, 2);
	if (is_six)
		memcpy(key + 27, &hop->to.six.sin6_scope_id, 4);
}

bool hop_equal(const struct hop *a, const struct hop *b)
{
	unsigned char x[HOP_KEY_SIZE], y[HOP_KEY_SIZE];

	hop_key(a, x);
	hop_key(b, y);
	return memcmp(x, y, HOP_KEY_SIZE) == 0;
}

bool hop_set(struct hop *hop, enum sp_transport transport, const char *ip,
	int port)
{
	*hop = (struct hop){.transport = transport, .local = -1};
	if (inet_pton(AF_INET, ip, &hop->to.four.sin_addr) == 1) {
		hop->to.four.sin_family = AF_INET;
		hop->to.four.sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &hop->to.six.sin6_addr) == 1) {
		hop->to.six.sin6_family = AF_INET6;
		hop->to.six.sin6_port = htons((uint16_t)port);
		return true;
	}
	return false;
}
