/* The SIP service: a request in, an answer out. */
#include "cmd/sp-register/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/sp-register/digest.h"
#include "cmd/sp-register/registrar.h"
#include "cmd/sp-register/reply.h"
#include "lib/binding.h"
#include "lib/nonce.h"
#include "lib/scope.h"
#include "lib/secret.h"
#include "lib/server.h"
#include "lib/text.h"

#define ALLOWED "REGISTER, OPTIONS"

enum { PRUNE_EVERY_MS = 10000, RETRY_AFTER_S = 5 };

struct service {
	struct sp_config *config;
	struct sp_db *db;
	struct log *log;
	struct sp_hash *hash;
	unsigned char key[SP_SHA256_SIZE];
	unsigned char nobody[SP_N_HASHES][SP_HASH_SIZE]; /* HA1 of no user */
	uint32_t nonce_count;
	int64_t pruned_ms;
	bool db_failed; /* in this batch: nothing more is asked of it */
	struct decision decision;
};

/* One request on its way through. */
struct request {
	struct sip_message message;
	struct sip_via via;
	struct sip_uri to;
	struct digest digest;
	uint64_t hash; /* of the bytes as they came */
	struct sp_scope scope;
	struct exchange *exchange;
	const char *why; /* phrase for VERDICT_MALFORMED */
	bool used_db;
	bool lists_bindings; /* the answer to a REGISTER */
};

/* ---- set-up ------------------------------------------------------------ */

static int open_tenants(struct sp_config *config, struct sp_db *db,
	struct sp_err *err)
{
	if (sp_db_begin(db, err) != 0)
		return -1;
	for (size_t i = 0; i < config->n_tenants; i++)
		if (sp_tenant_open(&config->tenants[i], db, true, err) != 0) {
			sp_db_rollback(db);
			return -1;
		}
	return sp_db_commit(db, err);
}

int service_new(struct service **out, struct sp_config *config,
	struct sp_db *db, struct log *log, struct sp_err *err)
{
	struct service *s = calloc(1, sizeof *s);

	*out = NULL;
	if (s == NULL)
		return sp_err_memory(err);
	s->config = config;
	s->db = db;
	s->log = log;
	if (sp_hash_new(&s->hash, err) != 0 ||
		sp_server_key(db, s->key, err) != 0 ||
		sp_hash_random(s->nobody, sizeof s->nobody, err) != 0 ||
		sp_hash_random(&s->nonce_count, sizeof s->nonce_count, err) ||
		open_tenants(config, db, err) != 0) {
		service_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void service_free(struct service *s)
{
	if (s == NULL)
		return;
	sp_hash_free(s->hash);
	free(s);
}

static struct sp_scope scope_at(const struct service *s, int64_t now_ms)
{
	return (struct sp_scope){.db = s->db, .tool = "sp-register",
		.actor = "server", .now_ms = now_ms};
}

/* ---- database ---------------------------------------------------------- */

static void db_fails(struct service *s, const struct sp_err *err)
{
	s->db_failed = true;
	sp_db_rollback(s->db);
	log_write(s->log, LOG_ERROR, "database",
		LOG_FIELDS({"cause", err->msg}));
}

/* Opens the batch's transaction with the first request that needs it. */
static bool db_is_ready(struct service *s, struct request *rq)
{
	struct sp_err err;

	rq->used_db = true;
	if (s->db_failed)
		return false;
	if (sp_db_in_transaction(s->db) || sp_db_begin(s->db, &err) == 0)
		return true;
	db_fails(s, &err);
	return false;
}

static enum verdict unavailable(struct service *s, const struct sp_err *err)
{
	db_fails(s, err);
	return VERDICT_UNAVAILABLE;
}

/* ---- who asks (RFC 3261 §10.3 steps 3 and 4, §22) ---------------------- */

/* The Authorization for our realm: a request may carry others. */
static bool find_credentials(struct request *rq, bool *malformed)
{
	const struct sip_message *m = &rq->message;

	*malformed = false;
	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != SIP_AUTHORIZATION)
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

/* Everything of the credentials that needs no database. The URI must be of
 * this domain; phones differ in whether they repeat the Request-URI's
 * parameters. */
static enum verdict check_form(struct service *s, struct request *rq,
	int64_t *nonce_id, int64_t *nc)
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
			strlen(uri.host)))
		return VERDICT_MALFORMED;
	if (!sp_nonce_parse(s->key, d->nonce.at, d->nonce.len, nonce_id) ||
		!sp_nonce_is_fresh(*nonce_id, rq->scope.now_ms))
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

static void log_refusal(struct service *s, const struct request *rq,
	const char *what)
{
	char aor[sizeof rq->to.user + 1 + sizeof rq->to.host];

	snprintf(aor, sizeof aor, "%s@%s", rq->to.user, rq->to.host);
	log_write(s->log, LOG_WARN, what,
		LOG_FIELDS({"source", rq->exchange->origin.ip},
			{"aor", aor}));
}

/* Finds who sent it. c is filled in after VERDICT_OK. */
static enum verdict authenticate(struct service *s, struct request *rq,
	struct sp_credentials *c, bool *is_repeat)
{
	char username[SP_LOGIN_SIZE] = "";
	enum sp_nonce_use use;
	int64_t nonce_id, nc;
	struct sp_err err;
	enum verdict verdict = check_form(s, rq, &nonce_id, &nc);

	if (verdict != VERDICT_OK)
		return verdict;
	if (!db_is_ready(s, rq))
		return VERDICT_UNAVAILABLE;
	/* Too long for a name of ours: nobody's. */
	if (rq->digest.username.len < sizeof username)
		memcpy(username, rq->digest.username.at,
			rq->digest.username.len);
	if (sp_secret_find(&rq->scope, username, c, &err) < 0)
		return unavailable(s, &err);
	if (!is_right(s, rq, c)) {
		log_refusal(s, rq, "auth-failed");
		return VERDICT_CHALLENGE;
	}
	if (sp_nonce_use(&rq->scope, nonce_id, nc, rq->hash, &use, &err) != 0)
		return unavailable(s, &err);
	*is_repeat = use == SP_NONCE_REPEAT;
	return use == SP_NONCE_REPLAY ? VERDICT_STALE : VERDICT_OK;
}

/* ---- REGISTER ---------------------------------------------------------- */

static int apply(struct service *s, const struct sp_scope *scope,
	int64_t extension_id, struct sp_err *err)
{
	struct decision *d = &s->decision;
	int rc = 0;

	for (int i = 0; i < d->n && rc == 0; i++) {
		struct sp_binding *b = &d->entry[i].binding;

		switch (d->entry[i].kind) {
		case CHANGE_NONE: break;
		case CHANGE_ADD:
			rc = sp_binding_add(scope, extension_id, b, err);
			break;
		case CHANGE_REWRITE:
			rc = sp_binding_update(scope, b, err);
			if (rc != 0)
				break;
			/* fall through */
		case CHANGE_REFRESH:
			rc = sp_binding_refresh(scope, b, err);
			break;
		case CHANGE_REMOVE:
			if (b->id != 0) /* else added by this very request */
				rc = sp_binding_remove(scope, extension_id, b,
					err);
			break;
		}
	}
	return rc;
}

static int load_bindings(struct service *s, const struct sp_scope *scope,
	int64_t extension_id, struct sp_err *err)
{
	struct sp_binding list[SP_MAX_BINDINGS];
	int n = sp_binding_list(scope, extension_id, list, SP_MAX_BINDINGS,
		err);

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		s->decision.entry[i].kind = CHANGE_NONE;
		s->decision.entry[i].binding = list[i];
	}
	s->decision.n = n;
	return 0;
}

static enum verdict register_contacts(struct service *s, struct request *rq,
	struct registration *r, const struct sp_credentials *c)
{
	enum verdict verdict;
	struct sp_err err;

	if (load_bindings(s, &rq->scope, c->extension_id, &err) != 0)
		return unavailable(s, &err);
	verdict = registrar_decide(r, rq->scope.tenant, rq->scope.now_ms,
		&s->decision);
	if (verdict == VERDICT_OK &&
		apply(s, &rq->scope, c->extension_id, &err) != 0)
		return unavailable(s, &err);
	return verdict;
}

static const struct sp_tenant *find_tenant(const struct service *s,
	const char *host)
{
	for (size_t i = 0; i < s->config->n_tenants; i++)
		if (sp_tenant_is_named(&s->config->tenants[i], host,
			    strlen(host)))
			return &s->config->tenants[i];
	return NULL;
}

/* §10.3 steps 1 and 5: both the Request-URI and To are of one tenant. */
static enum verdict find_domain(struct service *s, struct request *rq)
{
	struct sip_uri uri;

	rq->why = "Malformed Request-URI";
	if (!sipmsg_parse_uri(rq->message.uri, &uri))
		return VERDICT_MALFORMED;
	rq->why = "Malformed To";
	if (!sipmsg_parse_address(sipmsg_header(&rq->message, SIP_TO), &rq->to))
		return VERDICT_MALFORMED;
	rq->scope.tenant = find_tenant(s, rq->to.host);
	if (rq->scope.tenant == NULL ||
		find_tenant(s, uri.host) != rq->scope.tenant)
		return VERDICT_UNKNOWN_DOMAIN;
	return VERDICT_OK;
}

static enum verdict handle_register(struct service *s, struct request *rq)
{
	char source[SP_SOURCE_SIZE];
	struct registration r = {.source = source};
	struct sp_credentials c;
	enum verdict verdict = find_domain(s, rq);
	bool malformed;

	if (verdict != VERDICT_OK)
		return verdict;
	if (!find_credentials(rq, &malformed)) {
		rq->why = "Malformed Credentials";
		return malformed ? VERDICT_MALFORMED : VERDICT_CHALLENGE;
	}
	verdict = authenticate(s, rq, &c, &r.is_repeat);
	if (verdict != VERDICT_OK)
		return verdict;
	if (strcmp(rq->to.user, c.number) != 0) {
		log_refusal(s, rq, "not-own-aor");
		return VERDICT_NOT_YOURS;
	}
	verdict = registrar_read(&rq->message, &r, &rq->why);
	if (verdict != VERDICT_OK)
		return verdict;
	snprintf(source, sizeof source, "%s:%d", rq->exchange->origin.ip,
		rq->exchange->origin.port);
	r.transport = rq->exchange->transport;
	rq->lists_bindings = true;
	return register_contacts(s, rq, &r, &c);
}

/* ---- other methods ----------------------------------------------------- */

static enum verdict handle_options(struct request *rq)
{
	struct sip_uri uri;

	rq->why = "Malformed Request-URI";
	if (!sipmsg_parse_uri(rq->message.uri, &uri))
		return VERDICT_MALFORMED;
	/* To the server itself; nobody else is reached through it. */
	return uri.user[0] == '\0' ? VERDICT_OK : VERDICT_UNKNOWN_DOMAIN;
}

static bool is_known_method(struct sip_slice method)
{
	static const char *const METHODS[] = {"INVITE", "BYE", "CANCEL",
		"MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER",
		"UPDATE", "PRACK"};

	for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
		if (sipmsg_slice_is(method, METHODS[i]))
			return true;
	return false;
}

static bool has_sip_scheme(struct sip_slice uri)
{
	return (uri.len >= 4 && strncasecmp(uri.at, "sip:", 4) == 0) ||
	       (uri.len >= 5 && strncasecmp(uri.at, "sips:", 5) == 0);
}

/* RFC 3261 §8.2: method, then headers, then what the method does. */
static enum verdict handle(struct service *s, struct request *rq)
{
	const struct sip_message *m = &rq->message;
	bool is_register = sipmsg_slice_is(m->method, "REGISTER");

	if (!is_register && !sipmsg_slice_is(m->method, "OPTIONS")) {
		if (sipmsg_number(sipmsg_header(m, SIP_MAX_FORWARDS), 255) == 0)
			return VERDICT_TOO_MANY_HOPS;
		return is_known_method(m->method) ? VERDICT_NO_METHOD
						  : VERDICT_UNKNOWN_METHOD;
	}
	if (!has_sip_scheme(m->uri))
		return VERDICT_BAD_SCHEME;
	if (m->count[SIP_REQUIRE] > 0)
		return VERDICT_BAD_EXTENSION;
	return is_register ? handle_register(s, rq) : handle_options(rq);
}

/* ---- answers ----------------------------------------------------------- */

static void put_challenge(struct service *s, struct request *rq, bool stale,
	struct sip_writer *w)
{
	char nonce[SP_NONCE_SIZE];
	int64_t id = sp_nonce_id(rq->scope.now_ms, s->nonce_count++);

	if (sp_nonce_format(s->key, id, nonce) != 0)
		return;
	sipmsg_put_text(w, "WWW-Authenticate: Digest realm=\"");
	sipmsg_put_text(w, rq->scope.tenant->domain);
	sipmsg_put_text(w, "\", nonce=\"");
	sipmsg_put_text(w, nonce);
	sipmsg_put_text(w, "\", algorithm=MD5, qop=\"auth\"");
	sipmsg_put_text(w, stale ? ", stale=true\r\n" : "\r\n");
}

/* All current bindings with what is left of them (§10.3 step 8). */
static void put_bindings(const struct service *s, int64_t now_ms,
	struct sip_writer *w)
{
	for (int i = 0; i < s->decision.n; i++) {
		const struct sp_binding *b = &s->decision.entry[i].binding;

		if (s->decision.entry[i].kind == CHANGE_REMOVE)
			continue;
		sipmsg_put_text(w, "Contact: <");
		sipmsg_put_text(w, b->contact);
		sipmsg_put(w, ">;expires=%" PRId64 "\r\n",
			(b->expires_ms - now_ms + 999) / 1000);
	}
}

static void put_headers(struct service *s, struct request *rq,
	enum verdict verdict, struct sip_writer *w)
{
	switch (verdict) {
	case VERDICT_OK:
		if (rq->lists_bindings)
			put_bindings(s, rq->scope.now_ms, w);
		else
			sipmsg_put_text(w, "Allow: " ALLOWED "\r\n");
		break;
	case VERDICT_CHALLENGE:
	case VERDICT_STALE:
		put_challenge(s, rq, verdict == VERDICT_STALE, w);
		break;
	case VERDICT_TOO_BRIEF:
		sipmsg_put(w, "Min-Expires: %" PRId64 "\r\n",
			rq->scope.tenant->min_ms / 1000);
		break;
	case VERDICT_NO_METHOD:
		sipmsg_put_text(w, "Allow: " ALLOWED "\r\n");
		break;
	case VERDICT_BAD_EXTENSION:
		sipmsg_put_text(w, "Unsupported: ");
		sipmsg_put_slice(w, sipmsg_header(&rq->message, SIP_REQUIRE));
		sipmsg_put_text(w, "\r\n");
		break;
	case VERDICT_UNAVAILABLE:
		sipmsg_put(w, "Retry-After: %d\r\n", RETRY_AFTER_S);
		break;
	default: break;
	}
}

static void write_answer(struct service *s, struct request *rq,
	enum verdict verdict)
{
	struct exchange *x = rq->exchange;
	struct sip_writer w = {x->answer, SIP_ANSWER_SIZE, 0, false};
	struct sip_slice call_id = sipmsg_header(&rq->message, SIP_CALL_ID);
	struct reply reply = reply_of(verdict);
	char tag[SIP_TAG_SIZE];

	/* The same for a retransmission, without state. */
	snprintf(tag, sizeof tag, "%016" PRIx64,
		sp_text_hash(call_id.at, call_id.len) ^
			sp_text_hash(s->key, sizeof s->key));
	sipmsg_begin_response(&w, &rq->message, reply.status,
		verdict == VERDICT_MALFORMED ? rq->why : reply.phrase,
		&x->origin, tag);
	put_headers(s, rq, verdict, &w);
	sipmsg_end_response(&w);
	x->answer_len = w.full ? 0 : w.len;
	x->answer_port = rq->via.has_rport ? x->origin.port : rq->via.port;
}

/* ---- one request ------------------------------------------------------- */

/* Scans; returns false when there is nothing to answer. */
static bool receive(struct service *s, struct exchange *x, int64_t now_ms,
	struct request *rq, enum verdict *verdict)
{
	enum sip_scan scan;

	rq->exchange = x;
	rq->scope = scope_at(s, now_ms);
	rq->used_db = rq->lists_bindings = false;
	rq->hash = sp_text_hash(x->data, x->len);
	x->answer_len = 0;
	scan = sipmsg_scan(x->data, x->len, &rq->message, &rq->why);
	if (scan == SIP_GARBAGE || !rq->message.is_request ||
		sipmsg_slice_is(rq->message.method, "ACK") ||
		!sipmsg_parse_via(&rq->message, &rq->via)) {
		log_write(s->log, LOG_DEBUG, "dropped",
			LOG_FIELDS({"source", x->origin.ip}));
		return false;
	}
	*verdict = scan == SIP_SCANNED ? VERDICT_OK
		 : scan == SIP_BAD_VERSION ? VERDICT_BAD_VERSION
					   : VERDICT_MALFORMED;
	return true;
}

static void log_exchange(struct service *s, const struct request *rq,
	enum verdict verdict)
{
	char method[33], status[8];

	if (s->log->level < LOG_DEBUG)
		return;
	snprintf(method, sizeof method, "%.*s", (int)rq->message.method.len,
		rq->message.method.at);
	snprintf(status, sizeof status, "%d", reply_of(verdict).status);
	log_write(s->log, LOG_DEBUG, "request",
		LOG_FIELDS({"method", method}, {"status", status},
			{"source", rq->exchange->origin.ip}));
}

/* Returns whether the answer depends on the batch's transaction. */
static bool answer_one(struct service *s, struct exchange *x, int64_t now_ms)
{
	enum verdict verdict;
	struct request rq;

	if (!receive(s, x, now_ms, &rq, &verdict))
		return false;
	if (verdict == VERDICT_OK)
		verdict = handle(s, &rq);
	write_answer(s, &rq, verdict);
	log_exchange(s, &rq, verdict);
	return rq.used_db;
}

static void answer_unavailable(struct service *s, struct exchange *x,
	int64_t now_ms)
{
	enum verdict verdict;
	struct request rq;

	if (receive(s, x, now_ms, &rq, &verdict))
		write_answer(s, &rq, VERDICT_UNAVAILABLE);
}

void service_answer(struct service *s, struct exchange *batch, int n,
	int64_t now_ms)
{
	uint64_t used_db = 0;
	struct sp_err err;

	s->db_failed = false;
	for (int i = 0; i < n; i++)
		if (answer_one(s, &batch[i], now_ms))
			used_db |= UINT64_C(1) << i;
	if (sp_db_in_transaction(s->db) && sp_db_commit(s->db, &err) != 0)
		db_fails(s, &err);
	if (!s->db_failed)
		return;
	for (int i = 0; i < n; i++)
		if (used_db >> i & 1)
			answer_unavailable(s, &batch[i], now_ms);
}

/* ---- once a second ----------------------------------------------------- */

static int sweep(struct service *s, const struct sp_scope *scope,
	struct sp_err *err)
{
	int due = sp_binding_is_due(scope, err);
	int lost = due == 1 ? sp_binding_sweep(scope, err) : due;
	char count[16];

	if (lost > 0) {
		snprintf(count, sizeof count, "%d", lost);
		log_write(s->log, LOG_INFO, "expired",
			LOG_FIELDS({"bindings", count}));
	}
	return lost < 0 ? -1 : 0;
}

static int prune(struct service *s, const struct sp_scope *scope,
	struct sp_err *err)
{
	if (scope->now_ms - s->pruned_ms < PRUNE_EVERY_MS)
		return 0;
	s->pruned_ms = scope->now_ms;
	return sp_nonce_prune(scope, err);
}

void service_tick(struct service *s, int64_t now_ms)
{
	struct sp_scope scope = scope_at(s, now_ms);
	struct sp_err err;

	if (sp_db_begin(s->db, &err) == 0 &&
		sp_server_beat(s->db, now_ms, &err) == 0 &&
		sweep(s, &scope, &err) == 0 && prune(s, &scope, &err) == 0 &&
		sp_db_commit(s->db, &err) == 0)
		return;
	db_fails(s, &err);
}
