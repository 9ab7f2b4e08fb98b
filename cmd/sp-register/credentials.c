/* A client's credentials. */
#include "cmd/sp-register/credentials.h"

#include <stdio.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/secret.h"

enum { MAX_REALM = 255 };

void credentials_token(char out[CREDENTIALS_TOKEN])
{
	unsigned char bytes[(CREDENTIALS_TOKEN - 1) / 2];
	struct sp_err err;

	if (sp_hash_random(bytes, sizeof bytes, &err) != 0)
		memset(bytes, 0, sizeof bytes); /* OpenSSL never fails here */
	sp_hash_hex(bytes, sizeof bytes, out);
}

/* Without qop (RFC 2069), or with a list of them that has "auth". */
static bool has_auth(struct sip_slice qop)
{
	struct sip_slice one;

	if (qop.at == NULL)
		return true;
	while (sipmsg_next(&qop, ',', &one))
		if (sipmsg_slice_is_nocase(one, "auth"))
			return true;
	return false;
}

static bool can_answer(struct sip_slice value, struct digest *d)
{
	return value.len <= SIP_MAX_LINE && digest_parse(value, d) &&
	       d->known_algorithm && d->realm.at != NULL &&
	       d->realm.len <= MAX_REALM && d->nonce.at != NULL &&
	       has_auth(d->qop);
}

void credentials_forget(struct credentials *c)
{
	c->is_known = false;
}

bool credentials_take(struct credentials *c, const struct sip_message *m)
{
	enum sip_header header = m->status == 407 ? SIP_PROXY_AUTHENTICATE
						  : SIP_WWW_AUTHENTICATE;
	struct sip_slice best = {NULL, 0};
	enum sp_hash_kind kind = SP_MD5;
	struct digest d;

	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != header ||
			!can_answer(m->field[i].value, &d) ||
			(best.at != NULL && d.kind <= kind))
			continue;
		best = m->field[i].value;
		kind = d.kind;
	}
	c->is_known = best.at != NULL;
	if (!c->is_known)
		return false;
	memcpy(c->text, best.at, best.len);
	best.at = c->text;
	c->is_by_proxy = m->status == 407;
	c->nc = 0;
	return digest_parse(best, &c->digest);
}

bool credentials_is_stale(const struct credentials *c)
{
	return c->is_known && c->digest.stale.at != NULL &&
	       sipmsg_slice_is_nocase(c->digest.stale, "true");
}

static void put_quoted(struct sip_writer *w, const char *name,
	struct sip_slice value)
{
	sipmsg_put(w, ", %s=\"", name);
	sipmsg_put_slice(w, value);
	sipmsg_put_text(w, "\"");
}

static struct sip_slice slice_of(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

static void put_parameters(const struct digest *d, struct sip_writer *w)
{
	put_quoted(w, "realm", d->realm);
	put_quoted(w, "nonce", d->nonce);
	put_quoted(w, "uri", d->uri);
	put_quoted(w, "response", d->response);
	if (d->algorithm.at != NULL)
		sipmsg_put(w, ", algorithm=%s", sp_hash_name(d->kind));
	if (d->opaque.at != NULL)
		put_quoted(w, "opaque", d->opaque);
	if (d->qop.at == NULL)
		return;
	sipmsg_put_text(w, ", qop=auth, nc=");
	sipmsg_put_slice(w, d->nc);
	put_quoted(w, "cnonce", d->cnonce);
}

void credentials_put(struct credentials *c, struct sp_hash *hash,
	const struct credentials_use *use, struct sip_writer *w)
{
	char realm[MAX_REALM + 1], nc[9], cnonce[CREDENTIALS_TOKEN];
	char response[DIGEST_RESPONSE_SIZE];
	unsigned char ha1[SP_HASH_SIZE];
	struct digest d = c->digest;

	if (!c->is_known)
		return;
	snprintf(realm, sizeof realm, "%.*s", (int)d.realm.len, d.realm.at);
	snprintf(nc, sizeof nc, "%08x", ++c->nc);
	credentials_token(cnonce);
	d.uri = slice_of(use->uri);
	d.nc = slice_of(nc);
	d.cnonce = slice_of(cnonce);
	if (d.qop.at != NULL)
		d.qop = slice_of("auth");
	if (sp_secret_digest(hash, d.kind, use->username, realm, use->secret,
		    ha1) != 0 ||
		digest_response(hash, &d, ha1, slice_of(use->method),
			response) != 0)
		return; /* the next 401 says so */
	d.response = slice_of(response);
	sipmsg_put(w, "%s: Digest username=\"%s\"",
		c->is_by_proxy ? "Proxy-Authorization" : "Authorization",
		use->username);
	put_parameters(&d, w);
	sipmsg_put_text(w, "\r\n");
}
