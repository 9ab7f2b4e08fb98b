/* The registrar's decision (RFC 3261 §10.3 steps 6 to 8). */
#include "cmd/sp-register/registrar.h"

#include <string.h>
#include <strings.h>

/* ---- reading ----------------------------------------------------------- */

static bool is_removal(const struct registration *r,
	const struct sip_contact *c)
{
	return c->expires_s == 0 || (c->expires_s < 0 && r->expires_s == 0);
}

/* Looks at the reg-ids as RFC 5626 §6 says; those that do not count become 0.
 * has_ob: a proxy on the way keeps the flow. */
static enum verdict read_outbound(const struct sip_message *m, bool has_ob,
	struct registration *r, const char **why)
{
	bool is_asked = sipmsg_has_option(m, SIP_SUPPORTED, "outbound") ||
			sipmsg_has_option(m, SIP_REQUIRE, "outbound");
	bool is_possible = has_ob || sipmsg_is_first_hop(m);
	int n_flows = 0, n_new = 0;

	for (int i = 0; i < r->n_contacts; i++) {
		struct sip_contact *c = &r->contact[i];

		if (c->reg_id != 0 && c->instance.at != NULL) {
			n_flows++;
			if (!is_possible && is_asked)
				return VERDICT_NO_OUTBOUND;
		}
		if (c->instance.at == NULL || !is_possible)
			c->reg_id = 0;
		n_new += !is_removal(r, c);
	}
	r->is_outbound = n_flows > 0 && is_asked;
	*why = "Contacts Beside One With Reg-Id";
	return n_flows > 0 && is_possible && n_new > 1 ? VERDICT_MALFORMED
						       : VERDICT_OK;
}

static enum verdict read_contacts(const struct sip_message *m,
	struct registration *r, const char **why)
{
	r->n_contacts = sipmsg_contacts(m, r->contact, SIP_MAX_CONTACTS);
	if (r->n_contacts == SIP_CONTACT_STAR) {
		r->star = true;
		r->n_contacts = 0;
		*why = "Contact * Without Expires 0";
		return r->expires_s == 0 ? VERDICT_OK : VERDICT_MALFORMED;
	}
	*why = "Malformed Contact";
	if (r->n_contacts == SIP_CONTACT_BAD)
		return VERDICT_MALFORMED;
	for (int i = 0; i < r->n_contacts; i++)
		if (r->contact[i].uri.len >= SP_CONTACT_SIZE ||
			r->contact[i].instance.len >= SP_INSTANCE_SIZE)
			return VERDICT_MALFORMED;
	return VERDICT_OK;
}

enum verdict registrar_read(const struct sip_message *m, struct registration *r,
	const char **why)
{
	enum verdict verdict;
	bool has_ob;

	r->call_id = sipmsg_header(m, SIP_CALL_ID);
	r->user_agent = sipmsg_header(m, SIP_USER_AGENT);
	r->cseq = m->cseq;
	r->star = false;
	/* A malformed Expires is as none (§20.19 by way of §10.2.1.1). */
	r->expires_s = sipmsg_number(sipmsg_header(m, SIP_EXPIRES), UINT32_MAX);
	*why = "Call-ID Too Long";
	if (r->call_id.len >= SP_CALL_ID_SIZE)
		return VERDICT_MALFORMED;
	verdict = read_contacts(m, r, why);
	if (verdict != VERDICT_OK)
		return verdict;
	*why = "Malformed Path";
	if (!sipmsg_path(m, r->path, sizeof r->path, &has_ob))
		return VERDICT_MALFORMED;
	return read_outbound(m, has_ob, r, why);
}

/* ---- deciding ---------------------------------------------------------- */

static void copy_slice(struct sip_slice from, char *to, size_t size)
{
	size_t n = from.len < size ? from.len : size - 1;

	if (n > 0)
		memcpy(to, from.at, n);
	to[n] = '\0';
}

/* Of the same Call-ID the CSeq must rise (§10.3 step 7); what a retransmission
 * finds there is its own. */
static bool is_in_order(const struct registration *r,
	const struct sp_binding *b)
{
	return !sipmsg_slice_is(r->call_id, b->call_id) || r->cseq > b->cseq ||
	       (r->is_repeat && r->cseq == b->cseq);
}

/* Seconds that are granted; 0 removes; -1: too brief. */
static int64_t grant_s(const struct registration *r,
	const struct sip_contact *c, const struct sp_tenant *tenant)
{
	int64_t timeout_s = tenant->timeout_ms / 1000;
	int64_t asked_s = c->expires_s >= 0 ? c->expires_s : r->expires_s;

	if (asked_s < 0 || asked_s > timeout_s)
		return timeout_s;
	if (asked_s != 0 && asked_s < tenant->min_ms / 1000)
		return -1;
	return asked_s;
}

/* Equality of URNs (RFC 5626 §4.1): that of UUIDs knows no case (RFC 4122). */
static bool is_instance(struct sip_slice instance, const char *known)
{
	static const char UUID[] = "\"<urn:uuid:";

	if (strncasecmp(known, UUID, sizeof UUID - 1) == 0)
		return sipmsg_slice_is_nocase(instance, known);
	return sipmsg_slice_is(instance, known);
}

static int find_flow(const struct decision *d, const struct sip_contact *c)
{
	for (int i = 0; i < d->n; i++)
		if (d->binding[i].reg_id == c->reg_id &&
			is_instance(c->instance, d->binding[i].instance))
			return i;
	return -1;
}

/* The binding that a contact means: the same flow of the same instance where it
 * says so (RFC 5626 §6), else the same URI. With a reg-id that may still be
 * what the softphone registered before it had one, but no other flow. */
static int find(const struct decision *d, const struct sip_contact *c,
	const char *uri)
{
	int found = c->reg_id == 0 ? -1 : find_flow(d, c);

	if (found >= 0)
		return found;
	for (int i = 0; i < d->n; i++)
		if ((c->reg_id == 0 || d->binding[i].reg_id == 0) &&
			strcmp(d->binding[i].contact, uri) == 0)
			return i;
	for (int i = 0; i < d->n; i++)
		if ((c->reg_id == 0 || d->binding[i].reg_id == 0) &&
			sipmsg_uri_equal(d->binding[i].contact, uri))
			return i;
	return -1;
}

static struct sip_slice slice_of(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

/* As copy_slice; returns whether that changes it. */
static bool set_text(struct sip_slice from, char *to, size_t size)
{
	size_t n = from.len < size ? from.len : size - 1;

	if (n > 0 ? strncmp(from.at, to, n) == 0 && to[n] == '\0'
		  : to[0] == '\0')
		return false;
	copy_slice(from, to, size);
	return true;
}

static bool set_number(int64_t from, int64_t *to)
{
	bool changes = *to != from;

	*to = from;
	return changes;
}

/* Fills in what a REGISTER tells; returns whether the wide row changes. */
static bool write_facts(const struct registration *r,
	const struct sip_contact *c, struct sp_binding *b)
{
	char agent[SP_AGENT_SIZE];
	bool changes = false;

	sipmsg_copy_printable(r->user_agent, agent, sizeof agent);
	changes |= set_text(c->uri, b->contact, sizeof b->contact);
	changes |= set_text(r->call_id, b->call_id, sizeof b->call_id);
	changes |=
		set_text(slice_of(agent), b->user_agent, sizeof b->user_agent);
	changes |= set_text(slice_of(r->source), b->source, sizeof b->source);
	changes |= set_text(slice_of(r->local), b->local, sizeof b->local);
	changes |= set_text(slice_of(r->transport), b->transport,
		sizeof b->transport);
	changes |= set_text(slice_of(r->path), b->path, sizeof b->path);
	changes |= set_text(c->instance, b->instance, sizeof b->instance);
	changes |= set_number(r->flow_id, &b->flow_id);
	changes |= set_number(c->reg_id, &b->reg_id);
	changes |= set_number(c->q < 0 ? 1000 : c->q, &b->q);
	return changes;
}

/* A contact may come more than once in a request: what an earlier one has
 * changed still has to be written. */
static enum change_kind refreshed_kind(const struct sp_binding *b,
	enum change_kind was, bool wide)
{
	if (b->id == 0)
		return CHANGE_ADD; /* also when it was removed in between */
	return wide || was == CHANGE_REWRITE || was == CHANGE_REMOVE
		       ? CHANGE_REWRITE
		       : CHANGE_REFRESH;
}

static void refresh(const struct registration *r, const struct sip_contact *c,
	int64_t expires_ms, int64_t now_ms, struct decision *d, int i)
{
	struct sp_binding *b = &d->binding[i];
	enum change_kind was = d->kind[i];
	bool wide = write_facts(r, c, b);

	d->kind[i] = refreshed_kind(b, was, wide);
	if (was == CHANGE_NONE)
		b->interval_ms = now_ms - b->refreshed_ms;
	b->cseq = r->cseq;
	b->refreshed_ms = now_ms;
	b->expires_ms = expires_ms;
}

static void add(const struct registration *r, const struct sip_contact *c,
	int64_t expires_ms, int64_t now_ms, struct decision *d)
{
	int i = d->n++;

	d->kind[i] = CHANGE_ADD;
	d->binding[i] = (struct sp_binding){.created_ms = now_ms};
	refresh(r, c, expires_ms, now_ms, d, i);
}

/* The oldest goes when there are too many: a softphone that crashed must get
 * back in. One of this very request never goes. */
static bool make_room(struct decision *d, int64_t max)
{
	int n = 0, oldest = -1;

	for (int i = 0; i < d->n; i++) {
		if (d->kind[i] == CHANGE_REMOVE || d->kind[i] == CHANGE_EVICT)
			continue;
		n++;
		if (d->kind[i] == CHANGE_NONE &&
			(oldest < 0 || d->binding[i].refreshed_ms <=
					       d->binding[oldest].refreshed_ms))
			oldest = i;
	}
	if (n <= max)
		return true;
	if (oldest < 0)
		return false;
	d->kind[oldest] = CHANGE_EVICT;
	return make_room(d, max);
}

static enum verdict decide_contact(const struct registration *r,
	const struct sip_contact *c, const struct sp_tenant *tenant,
	int64_t now_ms, struct decision *d)
{
	int64_t expires_s = grant_s(r, c, tenant);
	char contact[SP_CONTACT_SIZE];
	int i;

	if (expires_s < 0)
		return VERDICT_TOO_BRIEF;
	copy_slice(c->uri, contact, sizeof contact);
	i = find(d, c, contact);
	if (i >= 0 && d->kind[i] == CHANGE_NONE &&
		!is_in_order(r, &d->binding[i]))
		return VERDICT_OUT_OF_ORDER;
	if (expires_s == 0) {
		if (i >= 0)
			d->kind[i] = CHANGE_REMOVE;
	} else if (i >= 0) {
		refresh(r, c, now_ms + expires_s * 1000, now_ms, d, i);
	} else {
		add(r, c, now_ms + expires_s * 1000, now_ms, d);
	}
	return VERDICT_OK;
}

static enum verdict decide_star(const struct registration *r,
	struct decision *d)
{
	for (int i = 0; i < d->n; i++) {
		if (!is_in_order(r, &d->binding[i]))
			return VERDICT_OUT_OF_ORDER;
		d->kind[i] = CHANGE_REMOVE;
	}
	return VERDICT_OK;
}

enum verdict registrar_decide(const struct registration *r,
	const struct sp_tenant *tenant, int64_t now_ms, struct decision *d)
{
	if (r->star)
		return decide_star(r, d);
	if (r->n_contacts == 0)
		return VERDICT_OK;
	for (int i = 0; i < r->n_contacts; i++) {
		enum verdict verdict =
			decide_contact(r, &r->contact[i], tenant, now_ms, d);

		if (verdict != VERDICT_OK)
			return verdict;
	}
	return make_room(d, tenant->max_contacts) ? VERDICT_OK
						  : VERDICT_TOO_MANY;
}
