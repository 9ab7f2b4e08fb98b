/* Digests, message authentication codes and random bytes, from OpenSSL. */
#include "lib/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>

struct sp_hash {
	EVP_MD *md[SP_N_HASHES];
	EVP_MD_CTX *ctx;
};

int sp_hash_new(struct sp_hash **out, struct sp_err *err)
{
	struct sp_hash *hash = calloc(1, sizeof *hash);

	*out = hash;
	if (hash == NULL)
		return sp_err_memory(err);
	hash->md[SP_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
	hash->md[SP_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	hash->ctx = EVP_MD_CTX_new();
	if (hash->md[SP_MD5] != NULL && hash->md[SP_SHA256] != NULL &&
		hash->ctx != NULL)
		return 0;
	sp_hash_free(hash);
	*out = NULL;
	return sp_err_set(err, SP_BUG, "OpenSSL gives no MD5 or no SHA-256");
}

void sp_hash_free(struct sp_hash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->ctx);
	for (int i = 0; i < SP_N_HASHES; i++)
		EVP_MD_free(hash->md[i]);
	free(hash);
}

size_t sp_hash_size(enum sp_hash_kind kind)
{
	return kind == SP_MD5 ? SP_MD5_SIZE : SP_SHA256_SIZE;
}

int sp_hash_digest(struct sp_hash *hash, enum sp_hash_kind kind,
	const void *data, size_t len, unsigned char *out)
{
	if (EVP_DigestInit_ex2(hash->ctx, hash->md[kind], NULL) == 1 &&
		EVP_DigestUpdate(hash->ctx, data, len) == 1 &&
		EVP_DigestFinal_ex(hash->ctx, out, NULL) == 1)
		return 0;
	return -1;
}

int sp_hash_mac(const unsigned char key[SP_SHA256_SIZE], const void *data,
	size_t len, unsigned char out[SP_SHA256_SIZE])
{
	return HMAC(EVP_sha256(), key, SP_SHA256_SIZE, data, len, out, NULL) ==
			       NULL
		       ? -1
		       : 0;
}

int sp_hash_random(void *out, size_t len, struct sp_err *err)
{
	if (RAND_bytes(out, (int)len) == 1)
		return 0;
	return sp_err_set(err, SP_BUG, "no random bytes from OpenSSL");
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
	return CRYPTO_memcmp(a, b, len) == 0;
}
