/* Digests, message authentication codes and random bytes, from Nettle and the
 * kernel. */
#include "lib/hash.h"

#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <sys/random.h>

struct sp_hash {
	struct md5_ctx md5;
	struct sha256_ctx sha256;
};

int sp_hash_new(struct sp_hash **out, struct sp_err *err)
{
	struct sp_hash *hash = calloc(1, sizeof *hash);

	*out = hash;
	if (hash == NULL)
		return sp_err_memory(err);
	md5_init(&hash->md5);
	sha256_init(&hash->sha256);
	return 0;
}

void sp_hash_free(struct sp_hash *hash)
{
	free(hash);
}

const char *sp_hash_name(enum sp_hash_kind kind)
{
	return kind == SP_MD5 ? "MD5" : "SHA-256";
}

size_t sp_hash_size(enum sp_hash_kind kind)
{
	return kind == SP_MD5 ? SP_MD5_SIZE : SP_SHA256_SIZE;
}

/* The context is as new after each digest. */
int sp_hash_digest(struct sp_hash *hash, enum sp_hash_kind kind,
	const void *data, size_t len, unsigned char *out)
{
	if (kind == SP_MD5) {
		md5_update(&hash->md5, len, data);
		md5_digest(&hash->md5, SP_MD5_SIZE, out);
	} else {
		sha256_update(&hash->sha256, len, data);
		sha256_digest(&hash->sha256, SP_SHA256_SIZE, out);
	}
	return 0;
}

int sp_hash_mac(const unsigned char key[SP_SHA256_SIZE], const void *data,
	size_t len, unsigned char out[SP_SHA256_SIZE])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, SP_SHA256_SIZE, key);
	hmac_sha256_update(&ctx, len, data);
	hmac_sha256_digest(&ctx, SP_SHA256_SIZE, out);
	return 0;
}

int sp_hash_random(void *out, size_t len, struct sp_err *err)
{
	/* At most 256 bytes at once, and those in one piece: getentropy(3). */
	if (getentropy(out, len) == 0)
		return 0;
	return sp_err_set(err, SP_BUG, "the kernel gives no random bytes");
}

void sp_hash_hex(const unsigned char *data, size_t len, char *out)
{
	static const char DIGITS[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = DIGITS[data[i] >> 4];
		*out++ = DIGITS[data[i] & 15];
	}
	*out = '\0';
}

bool sp_hash_equal(const void *a, const void *b, size_t len)
{
	return memeql_sec(a, b, len) != 0;
}
