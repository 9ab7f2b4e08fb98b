/* A user's SIP secret: making, digesting, storing, finding. */
#include "lib/secret.h"

#include <stdio.h>
#include <string.h>

#include "lib/text.h"
#include "lib/user.h"

static const char SET_SECRET[] =
	"INSERT INTO secret"
	" (user_id, number_md5, login_md5, number_sha256, login_sha256)"
	" VALUES ($1, $2, $3, $4, $5)"
	" ON CONFLICT (user_id) DO UPDATE SET number_md5 = $2,"
	" login_md5 = $3, number_sha256 = $4, login_sha256 = $5"
	" WHERE login_md5 <> $3 OR number_md5 IS NULL OR number_md5 <> $2";

static const char FORGET_NUMBER[] =
	"UPDATE secret SET number_md5 = NULL, number_sha256 = NULL"
	" WHERE user_id = $1";

static const char FIND_BY_NUMBER[] =
	"SELECT e.id, e.number, s.number_md5, s.number_sha256"
	" FROM extension e LEFT JOIN secret s ON s.user_id = e.user_id"
	" WHERE e.tenant_id = $1 AND e.digits = $2 AND e.number = $3"
	" AND e.user_id IS NOT NULL";

static const char FIND_BY_LOGIN[] =
	"SELECT e.id, e.number, s.login_md5, s.login_sha256"
	" FROM sp_user u JOIN extension e ON e.user_id = u.id"
	" LEFT JOIN secret s ON s.user_id = u.id"
	" WHERE u.tenant_id = $1 AND u.login = $2";

static const char EXISTS[] =
	"SELECT 1 FROM secret s JOIN sp_user u ON u.id = s.user_id"
	" WHERE u.tenant_id = $1 AND u.login = $2";

int sp_secret_generate(char out[SP_SECRET_SIZE], struct sp_err *err)
{
	/* Crockford's base 32, which has no i l o u to take for something
	 * else: it is read aloud and typed. */
	static const char LETTERS[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char bytes[SP_SECRET_LENGTH];

	_Static_assert(sizeof LETTERS == 32 + 1, "five bits choose a letter");
	if (sp_hash_random(bytes, sizeof bytes, err) != 0)
		return -1;
	for (int i = 0; i < SP_SECRET_LENGTH; i++)
		out[i] = LETTERS[bytes[i] & 31];
	out[SP_SECRET_LENGTH] = '\0';
	return 0;
}

int sp_secret_check(const char *secret, struct sp_err *err)
{
	size_t len = strlen(secret);

	if (len < SP_SECRET_MIN || len >= SP_SECRET_SIZE)
		return sp_err_set(err, SP_DATA,
			"the secret has %zu bytes, expected %d to %d", len,
			SP_SECRET_MIN, SP_SECRET_SIZE - 1);
	if (!sp_text_is_utf8(secret, len))
		return sp_err_set(err, SP_DATA, "the secret is not UTF-8");
	for (const char *p = secret; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return sp_err_set(err, SP_DATA,
				"the secret has a control character");
	return 0;
}

int sp_secret_digest(struct sp_hash *hash, enum sp_hash_kind kind,
	const char *username, const char *realm, const char *secret,
	unsigned char out[SP_HASH_SIZE])
{
	char text[SP_LOGIN_SIZE + SP_DOMAIN_SIZE + SP_SECRET_SIZE];
	int n = snprintf(text, sizeof text, "%s:%s:%s", username, realm,
		secret);

	if (n < 0 || (size_t)n >= sizeof text)
		return -1;
	return sp_hash_digest(hash, kind, text, (size_t)n, out);
}

int sp_secret_set(const struct sp_scope *scope, struct sp_hash *hash,
	const struct sp_user *user, const char *number, const char *secret,
	struct sp_err *err)
{
	const char *realm = scope->tenant->domain;
	unsigned char ha1[2][SP_N_HASHES][SP_HASH_SIZE];
	int64_t changed;

	if (sp_secret_check(secret, err) != 0)
		return -1;
	for (int i = 0; i < 2; i++)
		for (int kind = 0; kind < SP_N_HASHES; kind++)
			if (sp_secret_digest(hash, (enum sp_hash_kind)kind,
				    i == 0 ? number : user->login, realm,
				    secret, ha1[i][kind]) != 0)
				return sp_err_set(err, SP_BUG,
					"cannot digest the secret");
	if (sp_db_exec(scope->db, SET_SECRET,
		    SP_ARGS(sp_int(user->id),
			    sp_blob(ha1[0][SP_MD5], SP_MD5_SIZE),
			    sp_blob(ha1[1][SP_MD5], SP_MD5_SIZE),
			    sp_blob(ha1[0][SP_SHA256], SP_SHA256_SIZE),
			    sp_blob(ha1[1][SP_SHA256], SP_SHA256_SIZE)),
		    &changed, err) != 0)
		return -1;
	return changed > 0;
}

int sp_secret_forget_number(const struct sp_scope *scope, int64_t user_id,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, FORGET_NUMBER, SP_ARGS(sp_int(user_id)),
		NULL, err);
}

int sp_secret_exists(const struct sp_scope *scope, const char *login,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, EXISTS,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(login)), &row, err);

	if (rc == 1)
		sp_db_done(row);
	return rc;
}

static bool read_ha1(struct sp_stmt *row, int column, enum sp_hash_kind kind,
	struct sp_credentials *c)
{
	size_t len;
	const void *blob = sp_col_blob(row, column, &len);

	if (blob == NULL || len != sp_hash_size(kind))
		return false;
	memcpy(c->ha1[kind], blob, len);
	return true;
}

static void read_credentials(struct sp_stmt *row, struct sp_credentials *c)
{
	c->extension_id = sp_col_int(row, 0);
	sp_col_copy(row, 1, c->number, sizeof c->number);
	c->has_secret =
		read_ha1(row, 2, SP_MD5, c) && read_ha1(row, 3, SP_SHA256, c);
	sp_db_done(row);
}

int sp_secret_find(const struct sp_scope *scope, const char *username,
	struct sp_credentials *credentials, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = 0;

	*credentials = (struct sp_credentials){0};
	if (sp_text_is_digits(username))
		rc = sp_db_first(scope->db, FIND_BY_NUMBER,
			SP_ARGS(sp_int(scope->tenant->id),
				sp_int((int64_t)strlen(username)),
				sp_text(username)),
			&row, err);
	if (rc == 0)
		rc = sp_db_first(scope->db, FIND_BY_LOGIN,
			SP_ARGS(sp_int(scope->tenant->id), sp_text(username)),
			&row, err);
	if (rc == 1)
		read_credentials(row, credentials);
	return rc;
}
