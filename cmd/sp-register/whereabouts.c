/* Where phones are, and from which of our addresses they are reached. */
#include <stdio.h>
#include <string.h>

#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/proxy_private.h"
#include "lib/config.h"
#include "lib/extension.h"

/* ---- our own addresses -------------------------------------------------- */

static const struct endpoint *local_of(struct proxy *p, struct hop *hop)
{
	struct endpoints *all = p->service->parts.endpoints;
	const struct endpoint *local = endpoint_at(all, hop->local);

	if (local == NULL || local->transport != hop->transport) {
		hop->local = endpoints_pick(all, hop);
		local = endpoint_at(all, hop->local);
	}
	return local;
}

static const char *local_text(struct proxy *p, int local)
{
	const struct endpoint *e =
		endpoint_at(p->service->parts.endpoints, local);

	return e == NULL ? "localhost" : e->text;
}

const char *proxy_sent_by(struct proxy *p, struct hop *hop)
{
	static const char *const NAMES[SP_N_TRANSPORTS] = {
		[SP_UDP] = "UDP ",
		[SP_TCP] = "TCP ",
		[SP_TLS] = "TLS ",
	};
	const struct endpoint *local = local_of(p, hop);

	if (local == NULL)
		return NULL;
	snprintf(p->sent_by, sizeof p->sent_by, "%s%s", NAMES[hop->transport],
		local->text);
	return p->sent_by;
}

bool proxy_is_own(struct proxy *p, const struct sip_uri *uri)
{
	return endpoints_is_own(p->service->parts.endpoints, uri->host,
		       uri->port, uri->is_sips) ||
	       sp_config_find_tenant(p->service->config, uri->host) != NULL;
}

/* Not where its Contact says: where it came from (RFC 5626, RFC 3581). */
static bool binding_hop(struct proxy *p, const struct sp_binding *b,
	struct hop *hop)
{
	*hop = (struct hop){.transport = SP_UDP};
	for (enum sp_transport t = 0; t < SP_N_TRANSPORTS; t++)
		if (strcmp(sp_transport_name(t), b->transport) == 0)
			hop->transport = t;
	if (!address_parse_text(b->source, &hop->to))
		return false;
	hop->flow_id = b->flow_id;
	hop->local = endpoints_find(p->service->parts.endpoints, hop->transport,
		b->local);
	return true;
}

/* One Record-Route that both sides can send to; two where they use different
 * addresses of ours, the callee's first (RFC 3261 §16.6 step 4, RFC 5658). */
static void put_record_route(struct sip_writer *w, struct proxy *p,
	const struct dialog_route *route, const char *token)
{
	const struct hop *sides[] = {&route->callee, &route->caller};
	int n = route->caller.local == route->callee.local ? 1 : 2;

	for (int i = 0; i < n; i++) {
		const char *name = sp_transport_name(sides[i]->transport);

		sipmsg_put_text(w, i == 0 ? "<sip:" : ", <sip:");
		sipmsg_put_text(w, token);
		sipmsg_put_text(w, "@");
		sipmsg_put_text(w, local_text(p, sides[i]->local));
		if (sides[i]->transport != SP_UDP) {
			sipmsg_put_text(w, ";transport=");
			sipmsg_put_text(w, name);
		}
		sipmsg_put_text(w, ";lr>");
	}
}

bool proxy_record_route(struct fork *f, struct dialog_route *route,
	char token[DIALOG_ROUTE_SIZE], char out[RECORD_ROUTE_SIZE])
{
	struct proxy *p = f->proxy;
	const struct sip_message *m = proxy_rescan(p, f);
	struct sip_writer w = {out, RECORD_ROUTE_SIZE - 1, 0, false};

	route->caller = *transaction_hop(f->server);
	if (proxy_sent_by(p, &route->callee) == NULL)
		return false;
	dialog_route_format(p->service->key, sipmsg_header(m, SIP_CALL_ID),
		sipmsg_tag(sipmsg_header(m, SIP_FROM)), route, token);
	put_record_route(&w, p, route, token);
	out[w.full ? 0 : w.len] = '\0';
	return true;
}

bool proxy_is_at(const struct request *rq, const struct hop *hop)
{
	char ip[INET6_ADDRSTRLEN];

	if (hop->to.any.sa_family == 0)
		return false;
	address_read(&hop->to.any, ip);
	return strcmp(ip, rq->exchange->origin.ip) == 0;
}

/* ---- phones ------------------------------------------------------------ */

/* Of several flows of one phone the newest is the one (RFC 5626 §5.3). */
static bool has_newer_flow(const struct sp_binding *bindings, int n)
{
	const struct sp_binding *b = &bindings[n];

	for (int i = 0; i < n && b->reg_id != 0; i++)
		if (bindings[i].reg_id != 0 &&
			strcmp(bindings[i].instance, b->instance) == 0)
			return true;
	return false;
}

bool proxy_phone(struct proxy *p, int n, struct target *t)
{
	const struct sp_binding *b = &p->bindings[n];

	*t = (struct target){.is_phone = true,
		.uri = {b->contact, strlen(b->contact)},
		.path = {b->path, strlen(b->path)},
		.record_route = "",
		.diversions = ""};
	return !has_newer_flow(p->bindings, n) && binding_hop(p, b, &t->hop);
}

/* How surely the Contact of a dialog is that of a registration: the same, or of
 * the same user at the same host (baresip has another port in each over TCP). */
static int likeness(struct sip_slice a, struct sip_slice b)
{
	struct sip_uri x, y;

	if (a.len == b.len && memcmp(a.at, b.at, a.len) == 0)
		return 2;
	return sipmsg_parse_uri(a, &x) && sipmsg_parse_uri(b, &y) &&
	       strcmp(x.user, y.user) == 0 && strcmp(x.host, y.host) == 0;
}

bool proxy_find_again(struct proxy *p, const struct sp_scope *scope,
	const char *number, struct target *t)
{
	struct sp_extension e;
	struct target phone;
	int n, like, best = 0;
	struct sp_err err;

	if (sp_extension_find(scope, number, &e, &err) != 1)
		return false;
	n = sp_binding_list(scope, e.id, p->bindings, SP_MAX_BINDINGS, &err);
	for (int i = 0; i < n; i++) {
		if (!proxy_phone(p, i, &phone))
			continue;
		like = likeness(phone.uri, t->uri);
		if (like > best) {
			best = like;
			t->hop = phone.hop;
		}
	}
	return best > 0;
}
