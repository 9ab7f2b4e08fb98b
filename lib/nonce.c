/* Digest nonces: made without storing anything, remembered once used. */
#include "lib/nonce.h"

#include <stdlib.h>
#include <string.h>

enum {
	RANDOM_BITS = 20,
	ID_HEX = 16,
	SAID_HEX = ID_HEX + 8, /* with the place */
	MAC_SIZE = 16,         /* bytes of the MAC that a nonce carries */
};

static const char USE_NONCE[] =
	"INSERT INTO nonce (id, nc, request_hash) VALUES ($1, $2, $3)"
	" ON CONFLICT (id) DO UPDATE SET nc = $2, request_hash = $3"
	" WHERE nc < $2";
static const char WAS_LAST[] =
	"SELECT 1 FROM nonce WHERE id = $1 AND nc = $2 AND request_hash = $3";
static const char PRUNE[] =
	"DELETE FROM nonce WHERE id IN"
	" (SELECT id FROM nonce WHERE id < $1 ORDER BY id LIMIT $2)";

int64_t sp_nonce_id(int64_t now_ms, uint32_t count)
{
	return now_ms * (1 << RANDOM_BITS) +
	       (int64_t)(count & ((1u << RANDOM_BITS) - 1));
}

static int mac_of(const unsigned char key[SP_SHA256_SIZE], const char *said,
	char out[2 * MAC_SIZE + 1])
{
	unsigned char mac[SP_SHA256_SIZE];

	if (sp_hash_mac(key, said, SAID_HEX, mac) != 0)
		return -1;
	sp_hash_hex(mac, MAC_SIZE, out);
	return 0;
}

/* The last `len` bytes of a number, the highest first. */
static void put_bytes(uint64_t number, size_t len, char *hex)
{
	unsigned char bytes[8];

	for (size_t i = len; i > 0; i--, number >>= 8)
		bytes[i - 1] = (unsigned char)(number & 0xff);
	sp_hash_hex(bytes, len, hex);
}

int sp_nonce_format(const unsigned char key[SP_SHA256_SIZE],
	const struct sp_nonce *nonce, char out[SP_NONCE_SIZE])
{
	_Static_assert(SAID_HEX + 2 * MAC_SIZE + 1 == SP_NONCE_SIZE,
		"its parts");
	put_bytes((uint64_t)nonce->id, 8, out);
	put_bytes(nonce->place, 4, out + ID_HEX);
	return mac_of(key, out, out + SAID_HEX);
}

bool sp_nonce_parse(const unsigned char key[SP_SHA256_SIZE], const char *text,
	size_t len, struct sp_nonce *nonce)
{
	char said[SAID_HEX + 1], mac[2 * MAC_SIZE + 1];

	if (len != SP_NONCE_SIZE - 1)
		return false;
	memcpy(said, text, SAID_HEX);
	said[SAID_HEX] = '\0';
	if (mac_of(key, said, mac) != 0 ||
		!sp_hash_equal(mac, text + SAID_HEX, 2 * MAC_SIZE))
		return false;
	nonce->place = (uint32_t)strtoul(said + ID_HEX, NULL, 16);
	said[ID_HEX] = '\0';
	nonce->id = (int64_t)strtoull(said, NULL, 16);
	return true;
}

bool sp_nonce_is_fresh(int64_t id, int64_t now_ms)
{
	int64_t age_ms = now_ms - (id >> RANDOM_BITS);

	/* From the future: the clock was set back, so its age is unknown. */
	return age_ms < SP_NONCE_LIFE_MS && age_ms > -SP_NONCE_LIFE_MS;
}

int sp_nonce_use(const struct sp_scope *scope, int64_t id, int64_t nc,
	uint64_t request_hash, enum sp_nonce_use *use, struct sp_err *err)
{
	const struct sp_value *args =
		SP_ARGS(sp_int(id), sp_int(nc), sp_int((int64_t)request_hash));
	struct sp_stmt *row;
	int64_t changed;
	int rc;

	if (sp_db_exec(scope->db, USE_NONCE, args, &changed, err) != 0)
		return -1;
	*use = SP_NONCE_GOOD;
	if (changed > 0)
		return 0;
	rc = sp_db_first(scope->db, WAS_LAST, args, &row, err);
	if (rc == 1)
		sp_db_done(row);
	*use = rc == 1 ? SP_NONCE_REPEAT : SP_NONCE_REPLAY;
	return rc < 0 ? -1 : 0;
}

int sp_nonce_prune(const struct sp_scope *scope, int64_t max,
	struct sp_err *err)
{
	/* Twice the life, since clocks of servers differ and may step. */
	int64_t oldest = sp_nonce_id(scope->now_ms - 2 * SP_NONCE_LIFE_MS, 0);

	return sp_db_exec(scope->db, PRUNE,
		SP_ARGS(sp_int(oldest), sp_int(max)), NULL, err);
}
