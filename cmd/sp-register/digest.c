/* HTTP Digest for SIP (RFC 7616, RFC 8760). */
#include "cmd/sp-register/digest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- parameters -------------------------------------------------------- */

static struct sip_slice *slot_of(struct digest *d, struct sip_slice name)
{
	static const struct {
		const char *name;
		size_t at;
	} PARAMS[] = {
		{"username", offsetof(struct digest, username)},
		{"realm", offsetof(struct digest, realm)},
		{"nonce", offsetof(struct digest, nonce)},
		{"uri", offsetof(struct digest, uri)},
		{"response", offsetof(struct digest, response)},
		{"algorithm", offsetof(struct digest, algorithm)},
		{"cnonce", offsetof(struct digest, cnonce)},
		{"opaque", offsetof(struct digest, opaque)},
		{"qop", offsetof(struct digest, qop)},
		{"nc", offsetof(struct digest, nc)},
		{"stale", offsetof(struct digest, stale)},
	};

	for (size_t i = 0; i < sizeof PARAMS / sizeof PARAMS[0]; i++)
		if (sipmsg_slice_is_nocase(name, PARAMS[i].name))
			return (struct sip_slice *)((char *)d + PARAMS[i].at);
	return NULL;
}

/* Takes the quotes off. A value with a backslash in it, which no phone sends,
 * is not unescaped: its digest would be ambiguous. */
static bool unquote(struct sip_slice *value)
{
	if (value->len > DIGEST_MAX_VALUE)
		return false;
	if (value->len > 0 && value->at[0] == '"') {
		if (value->len < 2 || value->at[value->len - 1] != '"')
			return false;
		value->at++;
		value->len -= 2;
	} else if (memchr(value->at, ' ', value->len) != NULL ||
		   memchr(value->at, '\t', value->len) != NULL) {
		return false;
	}
	return memchr(value->at, '"', value->len) == NULL &&
	       memchr(value->at, '\\', value->len) == NULL;
}

static bool take_param(struct sip_slice param, struct digest *d)
{
	struct sip_slice value = param, name, *slot;

	if (!sipmsg_next(&value, '=', &name) || name.len == 0 ||
		value.at == NULL)
		return false;
	while (value.len > 0 && (*value.at == ' ' || *value.at == '\t')) {
		value.at++;
		value.len--;
	}
	if (!unquote(&value))
		return false;
	slot = slot_of(d, name);
	if (slot == NULL)
		return true; /* RFC 7616 §3.4: unknown ones are ignored */
	if (slot->at != NULL)
		return false;
	*slot = value;
	return true;
}

bool digest_is_scheme(struct sip_slice value)
{
	return value.len >= 8 && strncasecmp(value.at, "Digest", 6) == 0 &&
	       (value.at[6] == ' ' || value.at[6] == '\t');
}

static void read_algorithm(struct digest *d)
{
	for (enum sp_hash_kind kind = 0; kind < SP_N_HASHES; kind++)
		if (sipmsg_slice_is_nocase(d->algorithm, sp_hash_name(kind))) {
			d->kind = kind;
			return;
		}
	d->known_algorithm = false;
}

bool digest_parse(struct sip_slice value, struct digest *d)
{
	struct sip_slice param;

	*d = (struct digest){.kind = SP_MD5, .known_algorithm = true};
	if (!digest_is_scheme(value))
		return false;
	value.at += 7;
	value.len -= 7;
	while (sipmsg_next(&value, ',', &param))
		if (param.len > 0 && !take_param(param, d))
			return false;
	if (d->algorithm.at != NULL)
		read_algorithm(d);
	return true;
}

/* ---- the response ------------------------------------------------------ */

/* H(text) in hexadecimal. */
static int hash_hex(struct sp_hash *hash, enum sp_hash_kind kind,
	const struct sip_writer *text, char *out)
{
	unsigned char raw[SP_HASH_SIZE];

	if (text->full || sp_hash_digest(hash, kind, text->at, text->len, raw))
		return -1;
	sp_hash_hex(raw, sp_hash_size(kind), out);
	return 0;
}

static void put_part(struct sip_writer *w, struct sip_slice part)
{
	sipmsg_put_text(w, ":");
	sipmsg_put_slice(w, part);
}

int digest_response(struct sp_hash *hash, const struct digest *d,
	const unsigned char *ha1, struct sip_slice method,
	char out[DIGEST_RESPONSE_SIZE])
{
	char buffer[4 * DIGEST_MAX_VALUE], hex[DIGEST_RESPONSE_SIZE];
	struct sip_writer a2 = {buffer, sizeof buffer, 0, false};
	struct sip_writer all = a2;
	char ha2[DIGEST_RESPONSE_SIZE];

	sipmsg_put_slice(&a2, method);
	put_part(&a2, d->uri);
	if (hash_hex(hash, d->kind, &a2, ha2) != 0)
		return -1;
	sp_hash_hex(ha1, sp_hash_size(d->kind), hex);
	sipmsg_put_text(&all, hex);
	put_part(&all, d->nonce);
	if (d->qop.at != NULL) {
		put_part(&all, d->nc);
		put_part(&all, d->cnonce);
		put_part(&all, d->qop);
	}
	sipmsg_put_text(&all, ":");
	sipmsg_put_text(&all, ha2);
	return hash_hex(hash, d->kind, &all, out);
}
