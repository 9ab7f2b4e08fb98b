/* Where the two sides of a dialog are, in the user part of a Record-Route. */
#include "cmd/sp-register/dialog_route.h"

#include <string.h>

enum {
	MAC_SIZE = 8, /* what is forged must be tried on line */
	HOP_SIZE = 2 + 8 + 16 + 2,
	MAX_SIZE = 8 + 2 * HOP_SIZE + MAC_SIZE,
	MAX_SIGNED = 8 + 2 * HOP_SIZE + 2 * SIP_MAX_LINE,
	IPV6_FLAG = 0x80,
};

/* ---- packing ----------------------------------------------------------- */

static unsigned char *put(unsigned char *at, const void *data, size_t size)
{
	memcpy(at, data, size);
	return at + size;
}

static unsigned char *put_hop(unsigned char *at, const struct hop *hop)
{
	bool is_six = hop->to.any.sa_family == AF_INET6;

	*at++ = (unsigned char)(hop->transport | (is_six ? IPV6_FLAG : 0));
	*at++ = (unsigned char)hop->local;
	at = put(at, &hop->flow_id, sizeof hop->flow_id);
	if (is_six) {
		at = put(at, &hop->to.six.sin6_addr, 16);
		return put(at, &hop->to.six.sin6_port, 2);
	}
	at = put(at, &hop->to.four.sin_addr, 4);
	return put(at, &hop->to.four.sin_port, 2);
}

struct reader {
	const unsigned char *at, *end;
};

static bool take(struct reader *r, void *out, size_t size)
{
	if ((size_t)(r->end - r->at) < size)
		return false;
	memcpy(out, r->at, size);
	r->at += size;
	return true;
}

static bool take_hop(struct reader *r, struct hop *hop)
{
	unsigned char kind, local;

	memset(hop, 0, sizeof *hop);
	if (!take(r, &kind, 1) || !take(r, &local, 1) ||
		!take(r, &hop->flow_id, sizeof hop->flow_id) ||
		(kind & ~IPV6_FLAG) >= SP_N_TRANSPORTS)
		return false;
	hop->transport = (enum sp_transport)(kind & ~IPV6_FLAG);
	hop->local = (signed char)local;
	if (kind & IPV6_FLAG) {
		hop->to.six.sin6_family = AF_INET6;
		return take(r, &hop->to.six.sin6_addr, 16) &&
		       take(r, &hop->to.six.sin6_port, 2);
	}
	hop->to.four.sin_family = AF_INET;
	return take(r, &hop->to.four.sin_addr, 4) &&
	       take(r, &hop->to.four.sin_port, 2);
}

/* ---- signing ----------------------------------------------------------- */

static bool sign(const unsigned char key[SP_SHA256_SIZE],
	struct sip_slice call_id, struct sip_slice tag,
	const unsigned char *packed, size_t size,
	unsigned char mac[SP_SHA256_SIZE])
{
	unsigned char text[MAX_SIGNED + 16];
	unsigned char *at = put(text, "dialog-route", 12);

	if (call_id.len + tag.len > 2 * SIP_MAX_LINE || call_id.at == NULL ||
		tag.at == NULL)
		return false;
	at = put(at, packed, size);
	at = put(at, call_id.at, call_id.len);
	at = put(at, ";", 1); /* no Call-ID has one */
	at = put(at, tag.at, tag.len);
	return sp_hash_mac(key, text, (size_t)(at - text), mac) == 0;
}

void dialog_route_format(const unsigned char key[SP_SHA256_SIZE],
	struct sip_slice call_id, struct sip_slice tag,
	const struct dialog_route *route, char out[DIALOG_ROUTE_SIZE])
{
	unsigned char packed[MAX_SIZE], mac[SP_SHA256_SIZE];
	unsigned char *at = put(packed, &route->call_id, sizeof route->call_id);

	at = put_hop(at, &route->caller);
	at = put_hop(at, &route->callee);
	out[0] = '\0';
	if (!sign(key, call_id, tag, packed, (size_t)(at - packed), mac))
		return;
	at = put(at, mac, MAC_SIZE);
	sp_hash_hex(packed, (size_t)(at - packed), out);
}

/* Returns the number of bytes; 0 for what is no such text. */
static size_t unhex(const char *text, unsigned char out[MAX_SIZE])
{
	static const char DIGITS[] = "0123456789abcdef";
	size_t len = strlen(text);

	if (len % 2 != 0 || len > 2 * MAX_SIZE)
		return 0;
	for (size_t i = 0; i < len; i++) {
		const char *digit = strchr(DIGITS, text[i]);

		if (digit == NULL)
			return 0;
		out[i / 2] =
			(unsigned char)(out[i / 2] << 4 | (digit - DIGITS));
	}
	return len / 2;
}

bool dialog_route_parse(const unsigned char key[SP_SHA256_SIZE],
	struct sip_slice call_id, struct sip_slice tag, const char *text,
	struct dialog_route *route)
{
	unsigned char packed[MAX_SIZE] = {0}, mac[SP_SHA256_SIZE];
	size_t size = unhex(text, packed);
	struct reader r = {packed, packed};

	if (size <= MAC_SIZE)
		return false;
	r.end += size - MAC_SIZE;
	return sign(key, call_id, tag, packed, size - MAC_SIZE, mac) &&
	       sp_hash_equal(mac, r.end, MAC_SIZE) &&
	       take(&r, &route->call_id, sizeof route->call_id) &&
	       take_hop(&r, &route->caller) && take_hop(&r, &route->callee) &&
	       r.at == r.end;
}
