/* Messages on their way through: what a proxy changes in them. */
#include "cmd/sp-register/relay.h"

#include <string.h>

#include "cmd/sp-register/digest.h"

enum { MAX_FORWARDS = 70 }; /* where none is given (§16.6 step 3) */

static void put_field(struct sip_writer *w, const struct sip_field *f)
{
	sipmsg_put_slice(w, sipmsg_field_name(f));
	sipmsg_put_text(w, ": ");
	sipmsg_put_slice(w, f->value);
	sipmsg_put_text(w, "\r\n");
}

static void put_line(struct sip_writer *w, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	sipmsg_put_text(w, name);
	sipmsg_put_text(w, value);
	sipmsg_put_text(w, "\r\n");
}

/* linphone leaves Content-Length out over UDP; over TCP it must be there. */
static void put_body(struct sip_writer *w, const struct sip_message *m)
{
	sipmsg_put_text(w, "Content-Length: ");
	sipmsg_put_number(w, (int64_t)m->body.len);
	sipmsg_put_text(w, "\r\n\r\n");
	sipmsg_put_slice(w, m->body);
}

/* ---- Route ------------------------------------------------------------- */

/* Takes the next value of the Route fields; *at, *rest: where, 0 at first. */
static bool next_route(const struct sip_message *m, int *at,
	struct sip_slice *rest, struct sip_slice *value)
{
	for (;;) {
		while (sipmsg_next(rest, ',', value))
			if (value->len > 0)
				return true;
		while (*at < m->n_fields && m->field[*at].header != SIP_ROUTE)
			++*at;
		if (*at == m->n_fields)
			return false;
		*rest = m->field[(*at)++].value;
	}
}

struct sip_slice relay_route(const struct sip_message *m, int n)
{
	struct sip_slice rest = {0}, value;
	int at = 0;

	while (next_route(m, &at, &rest, &value))
		if (n-- == 0)
			return value;
	return (struct sip_slice){0};
}

static void put_one_route(struct sip_writer *w, struct sip_slice value,
	bool *is_open)
{
	sipmsg_put_text(w, *is_open ? "," : "Route: ");
	sipmsg_put_slice(w, value);
	*is_open = true;
}

static void put_routes(struct sip_writer *w, const struct sip_message *m,
	const struct relay *r)
{
	struct sip_slice rest = {0}, value;
	bool is_open = false;
	int at = 0;

	if (r->path.len > 0)
		put_one_route(w, r->path, &is_open);
	for (int i = 0; next_route(m, &at, &rest, &value); i++)
		if (i >= r->n_routes_taken &&
			i < r->n_routes_taken + r->n_routes_left)
			put_one_route(w, value, &is_open);
	if (r->last_route.len > 0) {
		put_one_route(w, (struct sip_slice){"<", 1}, &is_open);
		sipmsg_put_slice(w, r->last_route);
		sipmsg_put_text(w, ">");
	}
	if (is_open)
		sipmsg_put_text(w, "\r\n");
}

/* ---- requests ---------------------------------------------------------- */

bool relay_is_for_realm(struct sip_slice value, const char *realm)
{
	struct digest d;

	return realm != NULL && digest_is_scheme(value) &&
	       digest_parse(value, &d) && d.realm.at != NULL &&
	       sipmsg_slice_is(d.realm, realm);
}

/* Those that are written anew, or not at all. */
static bool is_replaced(const struct sip_field *f, const struct relay *r)
{
	switch (f->header) {
	case SIP_VIA:
	case SIP_ROUTE:
	case SIP_MAX_FORWARDS:
	case SIP_CONTENT_LENGTH: return true;
	case SIP_P_ASSERTED_IDENTITY:
	case SIP_P_PREFERRED_IDENTITY: return r->drops_identity;
	case SIP_REMOTE_PARTY_ID:
	case SIP_P_CHARGE_INFO:
	case SIP_DIVERSION: return r->drops_identity;
	case SIP_HISTORY_INFO:
		return r->drops_identity || r->diversions[0] != '\0';
	case SIP_AUTHORIZATION:
	case SIP_PROXY_AUTHORIZATION:
		return relay_is_for_realm(f->value, r->realm);
	default: return false;
	}
}

static void put_own_via(struct sip_writer *w, const struct relay *r)
{
	sipmsg_put_text(w, "Via: SIP/2.0/");
	sipmsg_put_text(w, r->sent_by);
	sipmsg_put_text(w, ";branch=");
	sipmsg_put_text(w, r->branch);
	sipmsg_put_text(w, "\r\n");
}

/* The next proxy may be one that only looks at the Request-URI (§16.6 step 6):
 * a Route value without lr becomes that. */
static struct relay route_strictly(const struct sip_message *m, struct relay r)
{
	struct sip_slice next, value;

	if (r.path.len > 0 || r.n_routes_left == 0)
		return r;
	next = sipmsg_uri_text(relay_route(m, r.n_routes_taken));
	if (sipmsg_uri_param(next, "lr", &value))
		return r;
	r.last_route = r.uri;
	r.uri = next;
	r.n_routes_taken++;
	r.n_routes_left--;
	return r;
}

/* Ours go behind those of History-Info that have come (RFC 7044 §10.3), and
 * before those of Diversion (RFC 5806 §4). */
static void put_diversions(struct sip_writer *w, const struct sip_message *m,
	const struct relay *r)
{
	if (r->diversions[0] == '\0')
		return;
	for (int i = 0; i < m->n_fields && !r->drops_identity; i++)
		if (m->field[i].header == SIP_HISTORY_INFO)
			put_field(w, &m->field[i]);
	sipmsg_put_text(w, r->diversions);
}

static void put_request(struct sip_writer *w, const struct sip_message *m,
	const struct relay *r)
{
	int64_t hops = sipmsg_number(sipmsg_header(m, SIP_MAX_FORWARDS), 255);

	sipmsg_put_slice(w, m->method);
	sipmsg_put_text(w, " ");
	sipmsg_put_slice(w, r->uri);
	sipmsg_put_text(w, " SIP/2.0\r\n");
	put_own_via(w, r);
	sipmsg_put_vias(w, m, &r->origin);
	put_line(w, "Record-Route: ", r->record_route);
	put_routes(w, m, r);
	sipmsg_put_text(w, "Max-Forwards: ");
	sipmsg_put_number(w, hops > 0 ? hops - 1 : MAX_FORWARDS);
	sipmsg_put_text(w, "\r\n");
	put_line(w, "P-Asserted-Identity: ", r->identity);
	put_diversions(w, m, r);
	for (int i = 0; i < m->n_fields; i++)
		if (!is_replaced(&m->field[i], r))
			put_field(w, &m->field[i]);
	put_body(w, m);
}

void relay_request(struct sip_writer *w, const struct sip_message *m,
	const struct relay *r)
{
	const struct relay routed = route_strictly(m, *r);

	put_request(w, m, &routed);
}

/* ---- responses --------------------------------------------------------- */

static void put_status_line(struct sip_writer *w, const struct sip_message *m)
{
	sipmsg_put_text(w, "SIP/2.0 ");
	sipmsg_put_number(w, m->status);
	sipmsg_put_text(w, " ");
	sipmsg_put_slice(w, m->reason);
	sipmsg_put_text(w, "\r\n");
}

static bool goes_back(const struct sip_field *f, const struct relay_back *back)
{
	switch (f->header) {
	case SIP_CONTENT_LENGTH: return false;
	case SIP_P_ASSERTED_IDENTITY: return !back->drops_identity;
	case SIP_WWW_AUTHENTICATE:
	case SIP_PROXY_AUTHENTICATE:
		return !relay_is_for_realm(f->value, back->realm);
	default: return true;
	}
}

/* The top Via may share its field with others (Twinkle's do). */
static void put_other_vias(struct sip_writer *w, struct sip_field f)
{
	struct sip_slice top;

	sipmsg_next(&f.value, ',', &top);
	if (f.value.at == NULL)
		return;
	while (f.value.len > 0 &&
		(f.value.at[0] == ' ' || f.value.at[0] == '\t')) {
		f.value.at++;
		f.value.len--;
	}
	put_field(w, &f);
}

void relay_response(struct sip_writer *w, const struct sip_message *m,
	const struct relay_back *back)
{
	put_status_line(w, m);
	for (int i = 0; i < m->n_fields; i++)
		if (i == m->first[SIP_VIA])
			put_other_vias(w, m->field[i]);
		else if (goes_back(&m->field[i], back))
			put_field(w, &m->field[i]);
	sipmsg_put_text(w, back->challenges);
	put_body(w, m);
}
