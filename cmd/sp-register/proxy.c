/* The proxy: which request is for whom, and what comes back. */
#include "cmd/sp-register/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/caller.h"
#include "cmd/sp-register/calling.h"
#include "cmd/sp-register/proxy_private.h"
#include "lib/clock.h"
#include "lib/extension.h"
#include "lib/text.h"

enum { AGED_MAX = 64 }; /* calls that age out in one transaction */

const struct sip_message *proxy_rescan(struct proxy *p, struct fork *f)
{
	const char *why;

	if (p->scanned_fork != f)
		sipmsg_scan(f->data, f->len, &p->scanned, &why);
	p->scanned_fork = f;
	return &p->scanned;
}

/* ---- its way ----------------------------------------------------------- */

static void keep_token(struct routing *r, const struct sip_uri *uri)
{
	if (uri->user[0] != '\0' && strlen(uri->user) < sizeof r->token)
		snprintf(r->token, sizeof r->token, "%s", uri->user);
}

static int count_routes(const struct sip_message *m)
{
	int n = 0;

	while (m->count[SIP_ROUTE] > 0 && relay_route(m, n).at != NULL)
		n++;
	return n;
}

/* §16.4: takes off the Route values that name us; a strict router before us has
 * put ours into the Request-URI, and that behind the others. */
static void read_routing(struct proxy *p, const struct sip_message *m,
	struct routing *r)
{
	struct sip_uri uri;

	*r = (struct routing){.uri = m->uri, .n_left = count_routes(m)};
	if (r->n_left > 0 && sipmsg_parse_uri(m->uri, &uri) &&
		proxy_is_own(p, &uri) && strlen(uri.user) > SP_NUMBER_SIZE) {
		r->n_left--;
		r->uri = sipmsg_uri_text(relay_route(m, r->n_left));
		keep_token(r, &uri);
	}
	while (r->n_left > 0 &&
		sipmsg_parse_uri(sipmsg_uri_text(relay_route(m, r->n_taken)),
			&uri) &&
		proxy_is_own(p, &uri)) {
		keep_token(r, &uri);
		r->n_taken++;
		r->n_left--;
	}
}

/* What must not come twice (§16.6 step 8). */
static uint32_t loop_of(const struct sip_message *m, const struct routing *r)
{
	const struct sip_slice parts[] = {r->uri, sipmsg_header(m, SIP_CALL_ID),
		sipmsg_header(m, SIP_CSEQ),
		sipmsg_tag(sipmsg_header(m, SIP_FROM)),
		sipmsg_tag(sipmsg_header(m, SIP_TO)),
		sipmsg_header(m, SIP_PROXY_REQUIRE)};
	uint64_t hash = 0;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		hash = hash * 31 + sp_text_hash(parts[i].at, parts[i].len);
	return (uint32_t)(hash ^ hash >> 32);
}

static bool has_been_here(const struct sip_message *m, uint32_t loop)
{
	struct sip_slice rest, via, param, value;
	uint32_t then;

	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != SIP_VIA)
			continue;
		rest = m->field[i].value;
		while (sipmsg_next(&rest, ',', &via))
			while (sipmsg_next(&via, ';', &param))
				if (sipmsg_is_param(param, "branch", &value) &&
					transaction_branch_loop(value, &then) &&
					then == loop)
					return true;
	}
	return false;
}

/* ---- for whom ---------------------------------------------------------- */

static void on_exhausted(struct fork *f)
{
	fork_finish(f, 480);
}

static const struct fork_events EVENTS = {NULL, on_exhausted, NULL};

/* Of a dialog that is no call. */
static bool record_route_to(struct fork *f, const struct hop *hop,
	char out[RECORD_ROUTE_SIZE])
{
	struct dialog_route route = {.callee = *hop};
	char token[DIALOG_ROUTE_SIZE];

	return proxy_record_route(f, &route, token, out);
}

/* A copy for each phone of the extension. Returns their number or -1. */
static int send_copies(struct fork *f, const struct sp_scope *scope,
	int64_t extension_id, struct sp_err *err)
{
	struct proxy *p = f->proxy;
	char record_route[RECORD_ROUTE_SIZE];
	int sent = 0, n = sp_binding_list(scope, extension_id, p->bindings,
			      SP_MAX_BINDINGS, err);

	for (int i = 0; i < n; i++) {
		struct target t;

		if (!proxy_phone(p, i, &t) ||
			!record_route_to(f, &t.hop, record_route))
			continue;
		t.record_route = record_route;
		sent += fork_send(f, &t);
	}
	return n < 0 ? -1 : sent;
}

/* Anything but an INVITE goes to the phones of its extension, wherever calls are
 * forwarded to. */
static enum verdict send_to_phones(struct proxy *p, struct request *rq,
	const struct relay *relay, const char *number, uint32_t loop)
{
	struct sp_extension e;
	struct sp_err err;
	struct fork *f;
	int n;

	if (!service_uses_db(p->service))
		return VERDICT_UNAVAILABLE;
	n = sp_extension_find(&rq->scope, number, &e, &err);
	if (n < 0)
		return request_db_failed(p->service, &err);
	if (n == 0 || e.user.id == 0)
		return VERDICT_NO_USER;
	f = fork_new(p, rq, relay, &EVENTS, loop);
	if (f == NULL)
		return VERDICT_UNAVAILABLE;
	n = send_copies(f, &rq->scope, e.id, &err);
	if (n < 0)
		request_db_failed(p->service, &err);
	if (n <= 0)
		fork_finish(f, n < 0 ? 503 : 480);
	return VERDICT_PASSED;
}

static bool is_dialog_only(struct sip_slice method)
{
	static const char *const METHODS[] = {"BYE", "UPDATE", "PRACK", "INFO"};

	for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
		if (sipmsg_slice_is(method, METHODS[i]))
			return true;
	return false;
}

/* The one that is meant, if it is one of ours. */
static enum verdict find_callee(struct proxy *p, struct request *rq,
	const struct routing *r, struct sip_uri *uri)
{
	rq->why = "Malformed Request-URI";
	if (!sipmsg_parse_uri(r->uri, uri))
		return VERDICT_MALFORMED;
	rq->scope.tenant = sp_config_find_tenant(p->service->config, uri->host);
	if (rq->scope.tenant == NULL || r->n_left > 0) {
		sipmsg_parse_address(sipmsg_header(&rq->message, SIP_FROM),
			&rq->aor);
		request_log_refusal(p->service, rq, "relay-refused", NULL);
		return rq->scope.tenant == NULL ? VERDICT_UNKNOWN_DOMAIN
						: VERDICT_NOT_ALLOWED;
	}
	return VERDICT_OK;
}

static enum verdict begin(struct proxy *p, struct request *rq,
	const struct routing *r, uint32_t loop)
{
	struct relay relay = {.origin = rq->exchange->origin,
		.record_route = "",
		.diversions = "",
		.n_routes_taken = r->n_taken};
	struct caller caller;
	struct sip_uri uri;
	enum verdict verdict = find_callee(p, rq, r, &uri);
	enum sp_target_kind kind;

	if (verdict == VERDICT_OK)
		verdict = caller_identify(p->service, rq, &caller);
	if (verdict != VERDICT_OK)
		return verdict;
	if (uri.user[0] == '\0')
		return VERDICT_NO_USER;
	kind = sp_target_kind(uri.user);
	if (kind == SP_TARGET_EXTERNAL && !caller.may_call_outside) {
		request_log_refusal(p->service, rq, "outside-refused",
			uri.user);
		return VERDICT_NOT_ALLOWED;
	}
	relay.realm = rq->scope.tenant->domain;
	relay.drops_identity = !caller.is_peer;
	relay.identity = caller.identity;
	rq->exchange->is_known = true;
	if (sipmsg_slice_is(rq->message.method, "INVITE"))
		return calling_start(p, rq, &relay, &caller, uri.user, loop);
	if (kind != SP_TARGET_EXTENSION)
		return VERDICT_NO_USER;
	return send_to_phones(p, rq, &relay, uri.user, loop);
}

/* ---- requests ---------------------------------------------------------- */

static enum verdict cancel(struct proxy *p, struct request *rq)
{
	struct transaction *t = transactions_find_invite(p->transactions,
		&rq->message, &rq->via);
	struct fork *f = t == NULL ? NULL : transaction_owner(t);

	/* Whoever is called sees the branch, too (§22.1). */
	if (t == NULL || !proxy_is_at(rq, transaction_hop(t)))
		return VERDICT_NO_CALL;
	if (f != NULL && calling_is_owner(f))
		calling_cancel(f);
	else if (f != NULL)
		fork_cancel(f);
	return VERDICT_OK;
}

static enum verdict take_new(struct proxy *p, struct request *rq)
{
	const struct sip_message *m = &rq->message;
	struct routing routing;
	uint32_t loop;

	read_routing(p, m, &routing);
	if (sipmsg_tag(sipmsg_header(m, SIP_TO)).len > 0)
		return in_dialog_take(p, rq, &routing);
	if (sipmsg_slice_is(m->method, "ACK"))
		return VERDICT_PASSED;
	loop = loop_of(m, &routing);
	if (has_been_here(m, loop))
		return VERDICT_LOOP;
	if (is_dialog_only(m->method))
		return VERDICT_NO_CALL;
	return begin(p, rq, &routing, loop);
}

static void set_clocks(struct proxy *p, int64_t wall_ms)
{
	p->wall_ms = wall_ms;
	p->now_ms = sp_clock_monotonic_ms();
}

/* §16.3. */
enum verdict proxy_take_request(struct proxy *p, struct request *rq)
{
	const struct sip_message *m = &rq->message;
	bool is_ack = sipmsg_slice_is(m->method, "ACK");

	set_clocks(p, rq->scope.now_ms);
	if (sipmsg_slice_is(m->method, "CANCEL"))
		return cancel(p, rq);
	switch (transactions_take_request(p->transactions, m, &rq->via,
		p->now_ms)) {
	case MATCH_ABSORBED: return VERDICT_PASSED;
	case MATCH_MERGED: return VERDICT_MERGED;
	case MATCH_NONE: break;
	}
	if (!sipmsg_has_sip_scheme(m->uri))
		return is_ack ? VERDICT_PASSED : VERDICT_BAD_SCHEME;
	if (sipmsg_number(sipmsg_header(m, SIP_MAX_FORWARDS), 255) == 0)
		return is_ack ? VERDICT_PASSED : VERDICT_TOO_MANY_HOPS;
	if (!is_ack && !request_is_supported(rq, SIP_PROXY_REQUIRE))
		return VERDICT_BAD_EXTENSION;
	return take_new(p, rq);
}

void proxy_take_response(struct proxy *p, struct request *rq)
{
	set_clocks(p, rq->scope.now_ms);
	transactions_take_response(p->transactions, &rq->message, p->now_ms);
}

/* ---- what the transactions tell ----------------------------------------- */

static void on_send(void *arg, const struct hop *hop, const char *data,
	size_t len)
{
	struct proxy *p = arg;

	service_send(p->service, hop, data, len);
}

static void on_answered(void *arg, struct transaction *t,
	const struct sip_message *response)
{
	struct branch *b = transaction_owner(t);

	(void)arg;
	if (b != NULL)
		fork_take_response(b, response);
}

static void on_failed(void *arg, struct transaction *t, int cause)
{
	struct branch *b = transaction_owner(t);

	(void)arg;
	if (b != NULL)
		fork_take_failure(b, cause);
}

static void on_ended(void *arg, struct transaction *t)
{
	void *owner = transaction_owner(t);

	(void)arg;
	if (owner == NULL)
		return;
	if (transaction_kind(t) == INVITE_CLIENT ||
		transaction_kind(t) == OTHER_CLIENT)
		fork_lose_client(owner);
	else
		fork_lose_server(owner);
}

/* ---- time and again ----------------------------------------------------- */

void proxy_expire(struct proxy *p, int64_t wall_ms)
{
	set_clocks(p, wall_ms);
	wheel_expire(&p->wheel, p->now_ms);
	fork_reap(p);
}

int64_t proxy_next_ms(const struct proxy *p)
{
	return wheel_next_ms(&p->wheel);
}

void proxy_fail_hop(struct proxy *p, const struct hop *hop, int64_t wall_ms)
{
	set_clocks(p, wall_ms);
	transactions_fail_hop(p->transactions, hop, p->now_ms);
}

void proxy_enter(struct proxy *p)
{
	set_clocks(p, sp_clock_now_ms());
	service_begin(p->service);
}

void proxy_leave(struct proxy *p)
{
	const struct service_parts *parts = &p->service->parts;

	service_end(p->service);
	parts->worked(parts->arg);
}

void proxy_store(struct proxy *p)
{
	if (calls_has_news(p->calls) && service_uses_db(p->service))
		calls_store(p->calls, p->service);
}

void proxy_settle(struct proxy *p, bool is_committed)
{
	calls_settle(p->calls, is_committed);
}

int proxy_age_out(struct proxy *p, int64_t wall_ms, struct sp_err *err)
{
	struct sp_scope scope = service_scope(p->service, NULL, wall_ms);
	int64_t ids[AGED_MAX];
	int n = sp_call_age_out(&scope, ids, AGED_MAX, err);

	for (int i = 0; i < n; i++)
		calls_forget(p->calls, ids[i]);
	calls_retry(p->calls, wall_ms);
	return n < 0 ? -1 : 0;
}

void proxy_stop(struct proxy *p, int64_t wall_ms)
{
	set_clocks(p, wall_ms);
	for (struct fork *f = p->forks; f != NULL; f = f->next)
		if (calling_is_owner(f))
			calling_stop(f);
}

void proxy_configure(struct proxy *p, int64_t wall_ms)
{
	set_clocks(p, wall_ms);
	for (struct fork *f = p->forks; f != NULL; f = f->next) {
		if (f->tenant != NULL)
			f->tenant = sp_config_find_tenant(p->service->config,
				f->tenant->domain);
		f->relay.realm = f->tenant == NULL ? NULL : f->tenant->domain;
		if (calling_is_owner(f))
			calling_configure(f);
	}
	proxy_store(p); /* while their tenants are there */
	calls_configure(p->calls, p->service->config);
}

/* ---- all of it ---------------------------------------------------------- */

int proxy_new(struct proxy **out, struct service *s, struct sp_err *err)
{
	struct proxy *p = calloc(1, sizeof *p);
	const struct transaction_events events = {p, on_send, on_answered,
		on_failed, on_ended};

	*out = p;
	if (p == NULL)
		return sp_err_memory(err);
	p->service = s;
	set_clocks(p, sp_clock_now_ms());
	wheel_init(&p->wheel, p->now_ms);
	if (transactions_new(&p->transactions, &p->wheel, &events, err) != 0)
		return -1;
	return calls_new(&p->calls, s, p->wall_ms, err);
}

void proxy_free(struct proxy *p)
{
	if (p == NULL)
		return;
	while (p->forks != NULL)
		fork_free(p->forks);
	transactions_free(p->transactions);
	calls_free(p->calls);
	free(p);
}
