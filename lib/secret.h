/* A user's SIP secret. Only its digests are stored (HA1, RFC 7616 §3.4.2). */
#ifndef SP_LIB_SECRET_H
#define SP_LIB_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/hash.h"
#include "lib/pool.h"
#include "lib/scope.h"

enum {
	SP_SECRET_LENGTH = 26, /* of 32 letters: 130 bits */
	SP_SECRET_SIZE = 129,  /* the longest that we take, and a NUL */
	SP_SECRET_MIN = 8,
};

/* What verifies the credentials of one username. */
struct sp_credentials {
	int64_t extension_id;
	char number[SP_NUMBER_SIZE]; /* the extension of that user */
	bool has_secret;             /* false: nothing verifies */
	unsigned char ha1[SP_N_HASHES][SP_HASH_SIZE];
};

/* Makes a new one: 26 letters and digits of which none looks like another. */
int sp_secret_generate(char out[SP_SECRET_SIZE], struct sp_err *err);

/* Fails with SP_DATA when it is too short, too long, or not printable. */
int sp_secret_check(const char *secret, struct sp_err *err);

/* Writes H(username:realm:secret) for one kind. */
int sp_secret_digest(struct sp_hash *hash, enum sp_hash_kind kind,
	const char *username, const char *realm, const char *secret,
	unsigned char out[SP_HASH_SIZE]);

/* Stores the digests for both of the user's names, the number and the login.
 * Expects the caller's transaction. Returns 1 when they are new, 0 when they
 * were the same already, -1 on error. */
struct sp_user;
int sp_secret_set(const struct sp_scope *scope, struct sp_hash *hash,
	const struct sp_user *user, const char *number, const char *secret,
	struct sp_err *err);

/* Drops the digests for the user's number, which is to be another one: the
 * softphone can log in with the login only, until there is a new secret.
 * Expects the caller's transaction. */
int sp_secret_forget_number(const struct sp_scope *scope, int64_t user_id,
	struct sp_err *err);

/* Has the user of that login one? Returns 1, 0 (also for an unknown user), or
 * -1 on error. */
int sp_secret_exists(const struct sp_scope *scope, const char *login,
	struct sp_err *err);

/* Finds the credentials of a digest username: an extension, else a login.
 * Returns 1, 0 when nobody has that name, -1 on error. */
int sp_secret_find(const struct sp_scope *scope, const char *username,
	struct sp_credentials *credentials, struct sp_err *err);

#endif
