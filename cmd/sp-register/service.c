/* The SIP service: a request in, an answer out. */
#include "cmd/sp-register/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/proxy.h"
#include "cmd/sp-register/request.h"
#include "lib/binding.h"
#include "lib/clock.h"
#include "lib/latency.h"
#include "lib/server.h"
#include "lib/text.h"

/* ---- set-up ------------------------------------------------------------ */

static int warn_of_strangers(const struct service *s, struct sp_err *err)
{
	char domain[SP_DOMAIN_SIZE];
	int rc = sp_tenant_find_stranger(s->config->tenants,
		s->config->n_tenants, s->db, domain, err);

	if (rc == 1)
		log_write(s->log, LOG_WARN, "unconfigured-tenant",
			LOG_FIELDS({"domain", domain}));
	return rc < 0 ? -1 : 0;
}

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
	const struct service_parts *parts, struct sp_err *err)
{
	struct service *s = calloc(1, sizeof *s);
	unsigned char mac[SP_SHA256_SIZE];

	*out = NULL;
	if (s == NULL)
		return sp_err_memory(err);
	s->config = config;
	s->db = parts->db;
	s->log = parts->log;
	s->parts = *parts;
	if (sp_hash_new(&s->hash, err) != 0 ||
		sp_server_key(s->db, s->key, err) != 0 ||
		sp_hash_random(s->nobody, sizeof s->nobody, err) != 0 ||
		sp_hash_random(&s->nonce_count, sizeof s->nonce_count, err) ||
		limits_new(&s->limits, err) != 0 ||
		open_tenants(config, s->db, err) != 0 ||
		warn_of_strangers(s, err) != 0 ||
		proxy_new(&s->proxy, s, err) != 0) {
		service_free(s);
		return -1;
	}
	sp_hash_mac(s->key, "to-tag", 6, mac);
	memcpy(&s->tag_salt, mac, sizeof s->tag_salt);
	*out = s;
	return 0;
}

void service_free(struct service *s)
{
	if (s == NULL)
		return;
	proxy_free(s->proxy);
	free(s->closed);
	limits_free(s->limits);
	sp_hash_free(s->hash);
	free(s);
}

int service_configure(struct service *s, struct sp_config *config,
	struct sp_err *err)
{
	if (open_tenants(config, s->db, err) != 0)
		return -1;
	s->config = config;
	service_begin(s);
	proxy_configure(s->proxy, sp_clock_now_ms());
	service_end(s);
	warn_of_strangers(s, err); /* it is in use now, whatever that says */
	return 0;
}

struct sp_scope service_scope(const struct service *s,
	const struct sp_tenant *tenant, int64_t now_ms)
{
	return (struct sp_scope){.db = s->db,
		.tenant = tenant,
		.tool = "sp-register",
		.actor = "server",
		.now_ms = now_ms};
}

static struct sp_scope scope_at(const struct service *s, int64_t now_ms)
{
	return service_scope(s, NULL, now_ms);
}

/* ---- database ---------------------------------------------------------- */

static void db_fails(struct service *s, const struct sp_err *err)
{
	s->db_failed = true;
	sp_db_rollback(s->db);
	log_write(s->log, LOG_ERROR, "database",
		LOG_FIELDS({"cause", err->msg}));
}

bool service_uses_db(struct service *s)
{
	struct sp_err err;

	/* First a heartbeat, which moves what would have run out meanwhile. */
	if (s->db_failed || s->is_down)
		return false;
	if (sp_db_in_transaction(s->db) || sp_db_begin(s->db, &err) == 0)
		return true;
	db_fails(s, &err);
	return false;
}

bool request_uses_db(struct service *s, struct request *rq)
{
	rq->used_db = true;
	return service_uses_db(s);
}

enum verdict request_db_failed(struct service *s, const struct sp_err *err)
{
	db_fails(s, err);
	return VERDICT_UNAVAILABLE;
}

void service_begin(struct service *s)
{
	s->db_failed = false;
}

void service_end(struct service *s)
{
	struct sp_err err;

	proxy_store(s->proxy);
	if (sp_db_in_transaction(s->db) && sp_db_commit(s->db, &err) != 0)
		db_fails(s, &err);
	proxy_settle(s->proxy, !s->db_failed);
}

void service_send(struct service *s, const struct hop *hop, const char *data,
	size_t len)
{
	s->parts.send(s->parts.arg, hop, data, len);
}

bool service_has_flow(const struct service *s, int64_t flow_id)
{
	return s->parts.has_flow(s->parts.arg, flow_id);
}

bool service_reach(struct service *s, struct hop *hop, const char *name)
{
	return hop->transport == SP_UDP ||
	       s->parts.reach(s->parts.arg, hop, name);
}

void service_expire(struct service *s, int64_t now_ms)
{
	service_begin(s);
	proxy_expire(s->proxy, now_ms);
	service_end(s);
}

int64_t service_next_ms(const struct service *s)
{
	return proxy_next_ms(s->proxy);
}

void service_stop(struct service *s, int64_t now_ms)
{
	service_begin(s);
	proxy_stop(s->proxy, now_ms);
	service_end(s);
}

void service_fail_hop(struct service *s, const struct hop *hop, int64_t now_ms)
{
	service_begin(s);
	proxy_fail_hop(s->proxy, hop, now_ms);
	service_end(s);
}

/* ---- REGISTER ---------------------------------------------------------- */

static int apply(struct service *s, const struct sp_scope *scope,
	int64_t extension_id, struct sp_err *err)
{
	struct decision *d = &s->decision;
	int rc = 0;

	/* What stays first, so that a session goes on from one to the next. */
	for (int i = 0; i < d->n && rc == 0; i++) {
		struct sp_binding *b = &d->binding[i];

		switch (d->kind[i]) {
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
		default: break;
		}
	}
	for (int i = 0; i < d->n && rc == 0; i++) {
		const struct sp_binding *b = &d->binding[i];
		enum change_kind kind = d->kind[i];

		/* One without an id was added by this very request. */
		if (b->id != 0 && kind == CHANGE_REMOVE)
			rc = sp_binding_remove(scope, extension_id, b, err);
		else if (b->id != 0 && kind == CHANGE_EVICT)
			rc = sp_binding_evict(scope, extension_id, b, err);
	}
	return rc;
}

static int load_bindings(struct service *s, const struct sp_scope *scope,
	int64_t extension_id, struct sp_err *err)
{
	struct decision *d = &s->decision;

	d->n = sp_binding_list(scope, extension_id, d->binding, SP_MAX_BINDINGS,
		err);
	for (int i = 0; i < d->n; i++)
		d->kind[i] = CHANGE_NONE;
	return d->n < 0 ? -1 : 0;
}

static enum verdict register_contacts(struct service *s, struct request *rq,
	struct registration *r, const struct sp_credentials *c)
{
	enum verdict verdict;
	struct sp_err err;

	if (load_bindings(s, &rq->scope, c->extension_id, &err) != 0)
		return request_db_failed(s, &err);
	verdict = registrar_decide(r, rq->scope.tenant, rq->scope.now_ms,
		&s->decision);
	if (verdict != VERDICT_OK)
		return verdict;
	if ((r->is_repeat ? load_bindings(s, &rq->scope, c->extension_id, &err)
			  : apply(s, &rq->scope, c->extension_id, &err)) != 0)
		return request_db_failed(s, &err);
	return VERDICT_OK;
}

/* §10.3 steps 1 and 5: both the Request-URI and To are of one tenant. */
static enum verdict find_domain(struct service *s, struct request *rq)
{
	struct sip_uri uri;

	rq->why = "Malformed Request-URI";
	if (!sipmsg_parse_uri(rq->message.uri, &uri))
		return VERDICT_MALFORMED;
	rq->why = "Malformed To";
	if (!sipmsg_parse_address(sipmsg_header(&rq->message, SIP_TO),
		    &rq->aor))
		return VERDICT_MALFORMED;
	rq->scope.tenant = sp_config_find_tenant(s->config, rq->aor.host);
	if (rq->scope.tenant == NULL || sp_config_find_tenant(s->config,
						uri.host) != rq->scope.tenant) {
		request_log_refusal(s, rq, "unknown-domain", NULL);
		return VERDICT_UNKNOWN_DOMAIN;
	}
	return VERDICT_OK;
}

static enum verdict handle_register(struct service *s, struct request *rq)
{
	char source[ADDRESS_TEXT];
	const struct endpoint *local;
	struct registration *r = &rq->registration;
	struct sp_credentials c;
	enum verdict verdict = find_domain(s, rq);

	if (verdict == VERDICT_OK)
		verdict = request_authenticate(s, rq, &c, &r->is_repeat);
	if (verdict == VERDICT_OK)
		verdict = registrar_read(&rq->message, r, &rq->why);
	if (verdict != VERDICT_OK)
		return verdict;
	address_format(rq->exchange->origin.ip, rq->exchange->origin.port,
		source);
	r->source = source;
	r->transport = rq->exchange->transport;
	r->flow_id = rq->exchange->flow_id;
	local = endpoint_at(s->parts.endpoints, rq->exchange->local);
	r->local = local == NULL ? "" : local->text;
	rq->lists_bindings = true;
	verdict = register_contacts(s, rq, r, &c);
	rq->exchange->is_registered = verdict == VERDICT_OK;
	rq->exchange->is_known |= rq->exchange->is_registered;
	return verdict;
}

/* ---- other methods ----------------------------------------------------- */

/* Is it for the server itself, and not for anybody that it may know? */
static bool is_for_us(const struct sip_message *m)
{
	struct sip_uri uri;

	return sipmsg_slice_is(m->method, "OPTIONS") &&
	       sipmsg_tag(sipmsg_header(m, SIP_TO)).at == NULL &&
	       (!sipmsg_parse_uri(m->uri, &uri) || uri.user[0] == '\0');
}

static enum verdict handle_options(struct request *rq)
{
	struct sip_uri uri;

	rq->why = "Malformed Request-URI";
	return sipmsg_parse_uri(rq->message.uri, &uri) ? VERDICT_OK
						       : VERDICT_MALFORMED;
}

static bool is_proxied(struct sip_slice method)
{
	static const char *const METHODS[] = {"INVITE", "ACK", "BYE", "CANCEL",
		"OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "INFO", "REFER",
		"UPDATE", "PRACK"};

	for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
		if (sipmsg_slice_is(method, METHODS[i]))
			return true;
	return false;
}

static enum verdict handle_unknown(const struct request *rq)
{
	const struct sip_message *m = &rq->message;

	if (sipmsg_number(sipmsg_header(m, SIP_MAX_FORWARDS), 255) == 0)
		return VERDICT_TOO_MANY_HOPS;
	return sipmsg_slice_is(m->method, "PUBLISH") ? VERDICT_NO_METHOD
						     : VERDICT_UNKNOWN_METHOD;
}

/* RFC 3261 §8.2: method, then headers, then what the method does. */
static enum verdict handle(struct service *s, struct request *rq)
{
	const struct sip_message *m = &rq->message;
	bool is_register = sipmsg_slice_is(m->method, "REGISTER");

	if (!is_register && !is_for_us(m)) {
		enum verdict verdict =
			is_proxied(m->method) ? proxy_take_request(s->proxy, rq)
					      : handle_unknown(rq);

		/* What was passed on stays so, whatever the database does. */
		rq->used_db &= verdict != VERDICT_PASSED;
		return verdict;
	}
	if (!sipmsg_has_sip_scheme(m->uri))
		return VERDICT_BAD_SCHEME;
	if (!request_is_supported(rq, SIP_REQUIRE))
		return VERDICT_BAD_EXTENSION;
	return is_register ? handle_register(s, rq) : handle_options(rq);
}

/* ---- one request ------------------------------------------------------- */

/* Nobody answers a response or an ACK. */
static bool is_answerable(const struct sip_message *m)
{
	return m->is_request && !sipmsg_slice_is(m->method, "ACK");
}

/* Scans; returns false when there is nothing to answer. */
static bool receive(struct service *s, struct exchange *x, int64_t now_ms,
	struct request *rq, enum verdict *verdict)
{
	enum sip_scan scan;

	rq->exchange = x;
	rq->scope = scope_at(s, now_ms);
	rq->used_db = rq->lists_bindings = rq->is_proxied = false;
	rq->failed_login = NULL;
	rq->aor.user[0] = rq->aor.host[0] = '\0';
	x->answer_len = 0;
	x->is_registered = x->is_known = false;
	scan = sipmsg_scan(x->data, x->len, &rq->message, &rq->why);
	if (scan == SIP_GARBAGE || !sipmsg_parse_via(&rq->message, &rq->via) ||
		(scan != SIP_SCANNED && !is_answerable(&rq->message))) {
		log_write(s->log, LOG_DEBUG, "dropped",
			LOG_FIELDS({"source", x->origin.ip}));
		return false;
	}
	*verdict = scan == SIP_SCANNED       ? VERDICT_OK
		   : scan == SIP_BAD_VERSION ? VERDICT_BAD_VERSION
					     : VERDICT_MALFORMED;
	return true;
}

static void log_exchange(struct service *s, const struct request *rq,
	enum verdict verdict)
{
	char method[65], status[8];

	if (s->log->level < LOG_DEBUG)
		return;
	snprintf(method, sizeof method, "%.*s", (int)rq->message.method.len,
		rq->message.method.at);
	snprintf(status, sizeof status, "%d", reply_of(verdict).status);
	log_write(s->log, LOG_DEBUG, "request",
		LOG_FIELDS({"method", method}, {"status", status},
			{"source", rq->exchange->origin.ip}));
}

static enum counter counter_of(const struct request *rq, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_OK:
		return rq->lists_bindings ? COUNT_REGISTRATIONS
					  : COUNT_REQUESTS;
	case VERDICT_CHALLENGE:
		return rq->failed_login != NULL ? COUNT_AUTH_FAILURES
						: COUNT_CHALLENGES;
	case VERDICT_STALE: return COUNT_CHALLENGES;
	case VERDICT_PASSED: return COUNT_REQUESTS;
	case VERDICT_UNAVAILABLE: return COUNT_UNAVAILABLE;
	default: return COUNT_REFUSALS;
	}
}

/* Of a number that was tried too often; in the batch's transaction. */
static void tell_limited(struct service *s, struct request *rq)
{
	bool is_number = sp_text_is_digits(rq->aor.user) &&
			 strlen(rq->aor.user) <= SP_NUMBER_DIGITS;
	const struct sp_event event = {.number = is_number ? rq->aor.user : "",
		.login = "",
		.what = "auth-limited",
		.new_value = rq->exchange->origin.ip};
	struct sp_err err;

	request_log_refusal(s, rq, "auth-limited", rq->failed_login);
	if (sp_db_in_transaction(s->db) &&
		sp_event_add(&rq->scope, &event, &err) != 0)
		db_fails(s, &err);
}

/* Tells of a failed login; false when it is not to be answered: there were too
 * many of them. */
static bool is_worth_an_answer(struct service *s, struct request *rq)
{
	char site[INET6_ADDRSTRLEN];
	enum limit limit;

	address_site(rq->exchange->origin.ip, site);
	limit = limits_fail(s->limits, site, rq->aor.user,
		sp_clock_monotonic_ms());
	if (limit == LIMIT_NONE) {
		request_log_refusal(s, rq, "auth-failed", rq->failed_login);
		return true;
	}
	s->count[COUNT_LIMITED]++;
	if (limit == LIMIT_REACHED)
		tell_limited(s, rq);
	return false;
}

static bool is_to_be_answered(struct service *s, struct request *rq,
	enum verdict verdict)
{
	return verdict != VERDICT_PASSED && is_answerable(&rq->message) &&
	       (rq->failed_login == NULL || is_worth_an_answer(s, rq));
}

/* Returns whether the answer depends on the batch's transaction. */
static bool answer_one(struct service *s, struct exchange *x, int64_t now_ms)
{
	enum verdict verdict;
	struct request rq;

	s->count[COUNT_REQUESTS]++;
	if (!receive(s, x, now_ms, &rq, &verdict)) {
		s->count[COUNT_DROPPED]++;
		return false;
	}
	if (!rq.message.is_request) {
		proxy_take_response(s->proxy, &rq);
		return false;
	}
	if (verdict == VERDICT_OK)
		verdict = handle(s, &rq);
	if (counter_of(&rq, verdict) != COUNT_REQUESTS)
		s->count[counter_of(&rq, verdict)]++;
	if (is_to_be_answered(s, &rq, verdict))
		request_answer(s, &rq, verdict);
	log_exchange(s, &rq, verdict);
	return rq.used_db;
}

static void answer_unavailable(struct service *s, struct exchange *x,
	int64_t now_ms)
{
	enum verdict verdict;
	struct request rq;

	if (receive(s, x, now_ms, &rq, &verdict))
		request_answer(s, &rq, VERDICT_UNAVAILABLE);
}

void service_answer(struct service *s, struct exchange *batch, int n,
	int64_t now_ms)
{
	uint64_t used_db = 0;

	service_begin(s);
	for (int i = 0; i < n; i++)
		if (answer_one(s, &batch[i], now_ms))
			used_db |= UINT64_C(1) << i;
	service_end(s);
	if (!s->db_failed)
		return;
	for (int i = 0; i < n; i++)
		if (used_db >> i & 1)
			answer_unavailable(s, &batch[i], now_ms);
}

void service_sent(struct service *s, const struct exchange *batch, int n,
	int64_t took_us)
{
	int registered = 0;

	for (int i = 0; i < n; i++)
		registered += batch[i].is_registered;
	if (registered > 0)
		sp_latency_add(&s->latency, took_us, registered);
}
