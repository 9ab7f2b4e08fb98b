/* Digest nonces (RFC 7616 §3.3): made without storing anything, remembered
 * from their first use on, so that no request is good twice. */
#ifndef SP_LIB_NONCE_H
#define SP_LIB_NONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/hash.h"
#include "lib/scope.h"

enum {
	SP_NONCE_SIZE = 57, /* 56 hexadecimal digits and a NUL */
	/* A phone that counts up keeps its nonce for so long; used ones are
	 * remembered as long. */
	SP_NONCE_LIFE_MS = 300000,
};

/* The id of a nonce: its time of issue in milliseconds, times 2^20, plus 20
 * other bits, so that newer ones are larger and rows are appended. */
int64_t sp_nonce_id(int64_t now_ms, uint32_t count);

/* What a nonce says. */
struct sp_nonce {
	int64_t id;
	uint32_t place; /* a hash of where it was sent to */
};

/* Writes a nonce: what it says, and the MAC of that. */
int sp_nonce_format(const unsigned char key[SP_SHA256_SIZE],
	const struct sp_nonce *nonce, char out[SP_NONCE_SIZE]);

/* Reads a nonce that some server with the same key has made. Returns false for
 * any other text. */
bool sp_nonce_parse(const unsigned char key[SP_SHA256_SIZE], const char *text,
	size_t len, struct sp_nonce *nonce);

/* Is a nonce of that age still good at all? */
bool sp_nonce_is_fresh(int64_t id, int64_t now_ms);

enum sp_nonce_use {
	SP_NONCE_GOOD,   /* nc is higher than any before: now used */
	SP_NONCE_REPEAT, /* the very last request again: a retransmission */
	SP_NONCE_REPLAY, /* nc was used before */
};

/* Marks nonce and nc as used by a request whose bytes hash to request_hash.
 * Expects the caller's transaction, and correct credentials. */
int sp_nonce_use(const struct sp_scope *scope, int64_t id, int64_t nc,
	uint64_t request_hash, enum sp_nonce_use *use, struct sp_err *err);

/* Forgets at most `max` of the nonces that are too old to be good. Expects the
 * caller's transaction. */
int sp_nonce_prune(const struct sp_scope *scope, int64_t max,
	struct sp_err *err);

#endif
