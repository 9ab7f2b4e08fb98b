/* Who sent a request: its credentials, nonce and user. */
#include "cmd/sp-register/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nonce.h"
#include "lib/text.h"

/* The Authorization for our realm: a request may carry others. */
static bool find_credentials(struct request *rq, bool *malformed)
{
	const struct sip_message *m = &rq->message;
	enum sip_header header =
		rq->is_proxied ? SIP_PROXY_AUTHORIZATION : SIP_AUTHORIZATION;

	*malformed = false;
	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != header ||
			!digest_is_scheme(m->field[i].value))
			continue;
		if (!digest_parse(m->field[i].value, &rq->digest))
			*malformed = true;
		else if (rq->digest.realm.at != NULL &&
			 sipmsg_slice_is(rq->digest.realm,
				 rq->scope.tenant->domain))
			return true;
	}
	return false;
}

/* nc-value = 8LHEX; -1 for anything else. */
static int64_t parse_nc(struct sip_slice nc)
{
	char text[9];

	if (nc.at == NULL || nc.len != 8)
		return -1;
	memcpy(text, nc.at, 8);
	text[8] = '\0';
	if (strspn(text, "0123456789abcdefABCDEF") != 8)
		return -1;
	return strtol(text, NULL, 16);
}

/* Any that is offered, and also a stronger one, which does no harm; but not a
 * weaker one, that somebody in between might have talked the phone into. */
static bool is_strong_enough(const struct sp_tenant *tenant,
	enum sp_hash_kind kind)
{
	for (size_t i = 0; i < tenant->n_digest; i++)
		if (tenant->digest[i] <= kind)
			return true;
	return false;
}

/* Everything of the credentials that needs no database. The URI must be of
 * this domain; phones differ in whether they repeat the Request-URI's
 * parameters. */
/* With credentials for one number nobody calls another: they may have been got
 * by a challenge that somebody has passed on. */
static bool is_for_uri(const struct request *rq, const struct sip_uri *uri)
{
	struct sip_uri asked;

	return !rq->is_proxied || (sipmsg_parse_uri(rq->message.uri, &asked) &&
					  strcmp(asked.user, uri->user) == 0);
}

/* Of calls also where its nonce was sent to counts: of a phone that has moved
 * the next one is good. */
static bool is_from_there(const struct request *rq,
	const struct sp_nonce *nonce)
{
	return !rq->is_proxied || nonce->place == request_place(rq);
}

static enum verdict check_form(struct service *s, struct request *rq,
	struct sp_nonce *nonce, int64_t *nc)
{
	const struct digest *d = &rq->digest;
	struct sip_uri uri;

	rq->why = "Malformed Credentials";
	*nc = parse_nc(d->nc);
	if (d->username.at == NULL || d->nonce.at == NULL ||
		d->uri.at == NULL || d->response.at == NULL ||
		d->cnonce.at == NULL || *nc < 1 || !d->known_algorithm ||
		d->qop.at == NULL || !sipmsg_slice_is_nocase(d->qop, "auth"))
		return VERDICT_MALFORMED;
	rq->why = "Credentials For Another URI";
	if (!sipmsg_parse_uri(d->uri, &uri) ||
		!sp_tenant_is_named(rq->scope.tenant, uri.host,
			strlen(uri.host)) ||
		!is_for_uri(rq, &uri))
		return VERDICT_MALFORMED;
	if (!is_strong_enough(rq->scope.tenant, d->kind)) {
		request_log_refusal(s, rq, "auth-failed", "weak-algorithm");
		return VERDICT_CHALLENGE;
	}
	if (!sp_nonce_parse(s->key, d->nonce.at, d->nonce.len, nonce) ||
		!sp_nonce_is_fresh(nonce->id, rq->scope.now_ms) ||
		!is_from_there(rq, nonce))
		return VERDICT_STALE;
	return VERDICT_OK;
}

/* Unknown users and users without a secret cost and look like a wrong one. */
static bool is_right(struct service *s, const struct request *rq,
	const struct sp_credentials *c)
{
	const struct digest *d = &rq->digest;
	char expected[DIGEST_RESPONSE_SIZE];
	size_t len = 2 * sp_hash_size(d->kind);

	if (digest_response(s->hash, d,
		    c->has_secret ? c->ha1[d->kind] : s->nobody[d->kind],
		    rq->message.method, expected) != 0)
		return false;
	return d->response.len == len &&
	       sp_hash_equal(d->response.at, expected, len) && c->has_secret;
}

void request_log_refusal(struct service *s, const struct request *rq,
	const char *what, const char *reason)
{
	char aor[sizeof rq->aor.user + 1 + sizeof rq->aor.host];

	snprintf(aor, sizeof aor, "%s@%s", rq->aor.user, rq->aor.host);
	log_write(s->log, LOG_WARN, what,
		LOG_FIELDS({"source", rq->exchange->origin.ip}, {"aor", aor},
			{"reason", reason}));
}

uint32_t request_place(const struct request *rq)
{
	const char *ip = rq->exchange->origin.ip;

	return (uint32_t)sp_text_hash(ip, strlen(ip));
}

/* For the log only: on the wire all are alike. A source that its nonce was not
 * sent to may be forged, and is not to be banned for it. */
static const char *reason_of(int found, const struct sp_credentials *c,
	bool is_from_there)
{
	if (!is_from_there)
		return "nonce-of-another-source";
	if (found == 0)
		return "unknown-user";
	return c->has_secret ? "wrong-secret" : "no-secret";
}

static enum verdict verify(struct service *s, struct request *rq,
	struct sp_credentials *c, bool *is_repeat)
{
	char username[SP_LOGIN_SIZE] = "";
	enum sp_nonce_use use;
	struct sp_nonce nonce;
	int64_t nc;
	struct sp_err err;
	enum verdict verdict = check_form(s, rq, &nonce, &nc);
	int found;

	if (verdict != VERDICT_OK)
		return verdict;
	if (!request_uses_db(s, rq))
		return VERDICT_UNAVAILABLE;
	/* Too long for a name of ours: nobody's. */
	if (rq->digest.username.len < sizeof username)
		memcpy(username, rq->digest.username.at,
			rq->digest.username.len);
	found = sp_secret_find(&rq->scope, username, c, &err);
	if (found < 0)
		return request_db_failed(s, &err);
	if (!is_right(s, rq, c)) {
		rq->failed_login =
			reason_of(found, c, nonce.place == request_place(rq));
		return VERDICT_CHALLENGE;
	}
	if (sp_nonce_use(&rq->scope, nonce.id, nc,
		    sp_text_hash(rq->exchange->data, rq->exchange->len), &use,
		    &err) != 0)
		return request_db_failed(s, &err);
	s->nonces_used++;
	*is_repeat = use == SP_NONCE_REPEAT;
	return use == SP_NONCE_REPLAY ? VERDICT_STALE : VERDICT_OK;
}

enum verdict request_authenticate(struct service *s, struct request *rq,
	struct sp_credentials *c, bool *is_repeat)
{
	enum verdict verdict;
	bool malformed;

	if (!find_credentials(rq, &malformed)) {
		rq->why = "Malformed Credentials";
		return malformed ? VERDICT_MALFORMED : VERDICT_CHALLENGE;
	}
	verdict = verify(s, rq, c, is_repeat);
	if (verdict != VERDICT_OK || strcmp(rq->aor.user, c->number) == 0)
		return verdict;
	request_log_refusal(s, rq, "not-own-aor", NULL);
	return VERDICT_NOT_YOURS;
}
