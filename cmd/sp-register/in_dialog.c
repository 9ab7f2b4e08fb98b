/* The requests of a dialog: to its other side, along the way that it was made
 * (RFC 3261 §16.4, §16.12). */
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/proxy_private.h"
#include "cmd/sp-register/resolve.h"
#include "lib/config.h"

/* A request of a dialog, and where it goes. */
struct passage {
	struct call *call; /* NULL: not of a call, or of one that is over */
	struct dialog_route route;
	bool is_from_caller;
};

/* ---- which dialog ------------------------------------------------------ */

/* Our own Route says it, and we believe it as nobody else can write one. What
 * comes without it (Twinkle loses what linphone calls Record-route, sipp's uac
 * has none) is of a call that we know, and from where that is. */
static bool find_passage(struct proxy *p, const struct request *rq,
	const struct routing *r, struct passage *out)
{
	const struct sip_message *m = &rq->message;
	struct sip_slice call_id = sipmsg_header(m, SIP_CALL_ID),
			 from = sipmsg_tag(sipmsg_header(m, SIP_FROM)),
			 to = sipmsg_tag(sipmsg_header(m, SIP_TO));
	const unsigned char *key = p->service->key;

	out->call =
		calls_find(p->calls, call_id, from, to, &out->is_from_caller);
	if (out->call != NULL)
		out->route = out->call->route;
	if (r->token[0] == '\0')
		return out->call != NULL &&
		       proxy_is_at(rq, out->is_from_caller
					       ? &out->route.caller
					       : &out->route.callee);
	if (out->call != NULL && strcmp(r->token, out->call->row.route) == 0)
		return out->route.callee.to.any.sa_family != 0;
	out->is_from_caller =
		dialog_route_parse(key, call_id, from, r->token, &out->route);
	return out->is_from_caller ||
	       dialog_route_parse(key, call_id, to, r->token, &out->route);
}

/* A route is good for as long as its call. Afterwards only what ends it, or a
 * phone that was late to answer it, may still be on its way: else whoever has
 * been called once could go on for ever, and who has called outside could do so
 * again. */
static bool may_pass(const struct passage *passage, struct sip_slice method)
{
	/* Nor is there anything to acknowledge before the answer. */
	if (passage->call != NULL)
		return passage->call->holder == NULL ||
		       !sipmsg_slice_is(method, "ACK");
	return sipmsg_slice_is(method, "BYE") ||
	       sipmsg_slice_is(method, "ACK") ||
	       (passage->route.call_id == 0 &&
		       !sipmsg_slice_is(method, "INVITE"));
}

/* Of several phones that have answered, or rung, only one has the call. */
static bool is_of_call(const struct sip_message *m,
	const struct passage *passage)
{
	const struct call *call = passage->call;
	enum sip_header other = passage->is_from_caller ? SIP_TO : SIP_FROM;

	return call != NULL && call->holder == NULL &&
	       (call->callee_tag == NULL ||
		       sipmsg_slice_is(sipmsg_tag(sipmsg_header(m, other)),
			       call->callee_tag));
}

/* The Request-URI is the other side's Contact; or the number, which only the
 * callee's Contact can stand in for. */
static struct sip_slice uri_of(struct proxy *p, const struct routing *r,
	const struct passage *passage)
{
	const struct call *call = passage->call;
	struct sip_uri uri;

	if (passage->is_from_caller && call != NULL &&
		call->callee_contact != NULL &&
		sipmsg_parse_uri(r->uri, &uri) && proxy_is_own(p, &uri))
		return (struct sip_slice){call->callee_contact,
			strlen(call->callee_contact)};
	return r->uri;
}

/* ---- what it means for the call ----------------------------------------- */

/* Session-Expires of a 2xx (RFC 4028 §7): without a refresh the call is over
 * then. */
static int64_t expiry_of(const struct proxy *p, const struct sip_message *m)
{
	struct sip_slice rest = sipmsg_header(m, SIP_SESSION_EXPIRES), value;
	int64_t seconds = -1;

	if (sipmsg_next(&rest, ';', &value))
		seconds = sipmsg_number(value, INT32_MAX);
	if (seconds < 0 || seconds > SP_CALL_MAX_AGE_MS / 1000)
		seconds = SP_CALL_MAX_AGE_MS / 1000;
	return p->wall_ms + 1000 * seconds;
}

static void keep_contact(struct call *call, const struct sip_message *m)
{
	struct sip_slice contact = sipmsg_header(m, SIP_CONTACT), first;
	struct sip_slice uri;

	if (!sipmsg_next(&contact, ',', &first))
		return;
	uri = sipmsg_uri_text(first);
	free(call->callee_contact);
	call->callee_contact = uri.len == 0 ? NULL : strndup(uri.at, uri.len);
}

static void keep_tag(struct call *call, const struct sip_message *m)
{
	struct sip_slice tag = sipmsg_tag(sipmsg_header(m, SIP_TO));

	free(call->callee_tag);
	call->callee_tag = tag.len == 0 ? NULL : strndup(tag.at, tag.len);
}

void in_dialog_note_answer(struct proxy *p, struct call *call,
	const struct hop *callee, const struct sip_message *m)
{
	keep_contact(call, m);
	if (!hop_equal(&call->route.callee, callee)) {
		call->route.callee = *callee;
		dialog_route_format(p->service->key,
			sipmsg_header(m, SIP_CALL_ID),
			sipmsg_tag(sipmsg_header(m, SIP_FROM)), &call->route,
			call->row.route);
	}
	if (m->status < 200)
		return;
	keep_tag(call, m);
	call->row.expires_ms = expiry_of(p, m);
	call->row.status = m->status;
	calls_answer(p->calls, call, p->wall_ms);
}

/* A session is refreshed by re-INVITE or UPDATE. */
static void on_answered(struct fork *f, const struct branch *b,
	const struct sip_message *m)
{
	struct proxy *p = f->proxy;
	struct sp_scope scope;
	struct call *call;
	struct sp_err err;
	bool is_from_caller;

	(void)b;
	if (m->status < 200 || m->count[SIP_SESSION_EXPIRES] == 0)
		return;
	call = calls_find(p->calls, sipmsg_header(m, SIP_CALL_ID),
		sipmsg_tag(sipmsg_header(m, SIP_FROM)),
		sipmsg_tag(sipmsg_header(m, SIP_TO)), &is_from_caller);
	if (call == NULL)
		return;
	scope = service_scope(p->service, call->tenant, p->wall_ms);
	call->row.expires_ms = expiry_of(p, m);
	if (service_uses_db(p->service) &&
		sp_call_prolong(&scope, &call->row, &err) != 0)
		request_db_failed(p->service, &err);
}

static void on_exhausted(struct fork *f)
{
	fork_finish(f, 408);
}

static const struct fork_events EVENTS = {on_answered, on_exhausted, NULL};

/* ---- on its way --------------------------------------------------------- */

/* The ACK of a 2xx is nobody's transaction. */
static void relay_ack(struct proxy *p, const struct request *rq,
	const struct target *t, struct relay *r)
{
	struct sip_writer w = {p->message, sizeof p->message, 0, false};
	char branch[TRANSACTION_BRANCH_SIZE];
	struct hop hop = t->hop;

	r->sent_by = proxy_sent_by(p, &hop);
	if (r->sent_by == NULL)
		return;
	transaction_make_branch(p->transactions, 0, branch);
	r->branch = branch;
	r->uri = t->uri;
	relay_request(&w, &rq->message, r);
	if (!w.full)
		service_send(p->service, &hop, w.at, w.len);
}

static void relay_on(struct proxy *p, struct request *rq,
	const struct target *t, const struct relay *r)
{
	struct fork *f = fork_new(p, rq, r, &EVENTS, 0);

	if (f == NULL)
		return; /* it will be sent again */
	if (f->is_invite)
		fork_respond(f, 100);
	if (!fork_send(f, t))
		fork_finish(f, 480);
}

/* The tenant whose credentials go no further: that of the caller. */
static const struct sp_tenant *find_tenant(const struct proxy *p,
	const struct sip_message *m, const struct passage *passage)
{
	enum sip_header header = passage->is_from_caller ? SIP_FROM : SIP_TO;
	struct sip_uri uri;

	if (passage->call != NULL)
		return passage->call->tenant;
	return sipmsg_parse_address(sipmsg_header(m, header), &uri)
		       ? sp_config_find_tenant(p->service->config, uri.host)
		       : NULL;
}

/* A peer's own Route or Contact may name another host of its, while a phone is
 * where it has come from. */
static void follow_peer(struct proxy *p, const struct request *rq,
	const struct routing *r, struct target *t)
{
	struct sip_slice next =
		r->n_left > 0 ? relay_route(&rq->message, r->n_taken) : r->uri;
	struct resolve_target target = {.transport = t->hop.transport};
	char ip[INET6_ADDRSTRLEN];
	struct sip_uri uri;
	struct hop hop;

	address_read(&t->hop.to.any, ip);
	if (!sp_config_is_trusted(p->service->config, ip) ||
		!sipmsg_parse_uri(r->n_left > 0 ? sipmsg_uri_text(next) : next,
			&uri) ||
		!sp_config_is_trusted(p->service->config, uri.host))
		return;
	target.host = uri.host;
	target.port = uri.port;
	target.is_sips = uri.is_sips;
	if (strcmp(ip, uri.host) != 0 && resolve_numeric(&target, &hop) == 1)
		t->hop = hop;
}

/* Where the other side is now. */
static void find_hop(struct proxy *p, const struct request *rq,
	const struct routing *routing, const struct passage *passage,
	struct target *t)
{
	const struct call *call = passage->call;
	struct sp_scope scope;

	t->hop = passage->is_from_caller ? passage->route.callee
					 : passage->route.caller;
	if (t->hop.flow_id == 0) {
		follow_peer(p, rq, routing, t);
	} else if (call != NULL &&
		   !service_has_flow(p->service, t->hop.flow_id)) {
		scope = service_scope(p->service, call->tenant, p->wall_ms);
		proxy_find_again(p, &scope,
			passage->is_from_caller ? call->row.callee
						: call->row.caller,
			t);
	}
}

enum verdict in_dialog_take(struct proxy *p, struct request *rq,
	const struct routing *routing)
{
	const struct sip_message *m = &rq->message;
	bool is_ack = sipmsg_slice_is(m->method, "ACK");
	struct passage passage;
	struct target t = {.record_route = "", .diversions = ""};
	struct relay r = {.origin = rq->exchange->origin,
		.record_route = "",
		.diversions = "",
		.n_routes_taken = routing->n_taken,
		.n_routes_left = routing->n_left,
		.drops_identity = true};

	if (!find_passage(p, rq, routing, &passage) ||
		!may_pass(&passage, m->method))
		return is_ack ? VERDICT_PASSED : VERDICT_NO_CALL;
	rq->scope.tenant = find_tenant(p, m, &passage);
	t.uri = uri_of(p, routing, &passage);
	find_hop(p, rq, routing, &passage, &t);
	if (rq->scope.tenant != NULL)
		r.realm = rq->scope.tenant->domain;
	if (is_ack)
		relay_ack(p, rq, &t, &r);
	else
		relay_on(p, rq, &t, &r);
	if (sipmsg_slice_is(m->method, "BYE") && is_of_call(m, &passage))
		calls_end(p->calls, passage.call, SP_CALL_HUNG_UP, p->wall_ms);
	return VERDICT_PASSED;
}
