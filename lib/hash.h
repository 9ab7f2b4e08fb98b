/* Digests, message authentication codes and random bytes. */
#ifndef SP_LIB_HASH_H
#define SP_LIB_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

enum { SP_MD5_SIZE = 16, SP_SHA256_SIZE = 32, SP_HASH_SIZE = 32 };

enum sp_hash_kind { SP_MD5, SP_SHA256, SP_N_HASHES };

/* Contexts that are made once: fetching an algorithm costs more than a digest
 * of a hundred bytes. */
struct sp_hash;

int sp_hash_new(struct sp_hash **hash, struct sp_err *err);
void sp_hash_free(struct sp_hash *hash); /* accepts NULL */

/* "MD5", "SHA-256": the algorithms of a digest (RFC 7616, RFC 8760). */
const char *sp_hash_name(enum sp_hash_kind kind);

/* 16 or 32. */
size_t sp_hash_size(enum sp_hash_kind kind);

/* Digests data; out has room for sp_hash_size(kind). */
int sp_hash_digest(struct sp_hash *hash, enum sp_hash_kind kind,
	const void *data, size_t len, unsigned char *out);

/* HMAC-SHA-256 with a key of SP_SHA256_SIZE bytes. */
int sp_hash_mac(const unsigned char key[SP_SHA256_SIZE], const void *data,
	size_t len, unsigned char out[SP_SHA256_SIZE]);

/* Fills with random bytes fit for keys. */
int sp_hash_random(void *out, size_t len, struct sp_err *err);

/* Lower-case hexadecimal with a NUL; out has 2 * len + 1 bytes. */
void sp_hash_hex(const unsigned char *data, size_t len, char *out);

/* Takes the same time wherever they differ. */
bool sp_hash_equal(const void *a, const void *b, size_t len);

#endif
