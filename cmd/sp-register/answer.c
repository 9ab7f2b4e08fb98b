/* The answer to a request: what its verdict puts into the header. */
#include "cmd/sp-register/request.h"

#include "lib/nonce.h"
#include "lib/text.h"

enum { RETRY_AFTER_S = 5 };

/* One for each algorithm, in the tenant's order (RFC 8760 §2.4). All have the
 * same nonce, whose count rises whichever is answered. */
static void put_challenges(struct service *s, struct request *rq, bool stale,
	struct sip_writer *w)
{
	const struct sp_tenant *tenant = rq->scope.tenant;
	char nonce[SP_NONCE_SIZE];
	const struct sp_nonce says = {sp_nonce_id(rq->scope.now_ms,
					      s->nonce_count++),
		request_place(rq)};

	if (sp_nonce_format(s->key, &says, nonce) != 0)
		return;
	for (size_t i = 0; i < tenant->n_digest; i++) {
		sipmsg_put_text(w, rq->is_proxied ? "Proxy-Authenticate"
						  : "WWW-Authenticate");
		sipmsg_put_text(w, ": Digest realm=\"");
		sipmsg_put_text(w, tenant->domain);
		sipmsg_put_text(w, "\", nonce=\"");
		sipmsg_put_text(w, nonce);
		sipmsg_put_text(w, "\", algorithm=");
		sipmsg_put_text(w, sp_hash_name(tenant->digest[i]));
		sipmsg_put_text(w, ", qop=\"auth\"");
		sipmsg_put_text(w, stale ? ", stale=true\r\n" : "\r\n");
	}
}

/* What was given with a contact; q=1 is as none (§10.2.1.2). */
static void put_contact_params(const struct sp_binding *b, struct sip_writer *w)
{
	if (b->q < 1000)
		sipmsg_put(w, ";q=0.%03d", (int)b->q);
	if (b->instance[0] != '\0') {
		sipmsg_put_text(w, ";+sip.instance=");
		sipmsg_put_text(w, b->instance);
	}
	if (b->reg_id != 0) {
		sipmsg_put_text(w, ";reg-id=");
		sipmsg_put_number(w, b->reg_id);
	}
}

/* All current bindings with what is left of them (§10.3 step 8). */
static void put_bindings(const struct service *s, int64_t now_ms,
	struct sip_writer *w)
{
	for (int i = 0; i < s->decision.n; i++) {
		const struct sp_binding *b = &s->decision.binding[i];

		if (s->decision.kind[i] == CHANGE_REMOVE ||
			s->decision.kind[i] == CHANGE_EVICT)
			continue;
		sipmsg_put_text(w, "Contact: <");
		sipmsg_put_text(w, b->contact);
		sipmsg_put_text(w, ">;expires=");
		sipmsg_put_number(w, (b->expires_ms - now_ms + 999) / 1000);
		put_contact_params(b, w);
		sipmsg_put_text(w, "\r\n");
	}
}

static void put_registered(const struct service *s, const struct request *rq,
	struct sip_writer *w)
{
	sipmsg_put_date(w, rq->scope.now_ms);
	put_bindings(s, rq->scope.now_ms, w);
	if (rq->registration.path[0] != '\0') {
		sipmsg_put_text(w, "Path: ");
		sipmsg_put_text(w, rq->registration.path);
		sipmsg_put_text(w, "\r\n");
	}
	if (rq->registration.is_outbound)
		sipmsg_put_text(w, "Require: outbound\r\n");
	sipmsg_put_text(w, "Supported: " REQUEST_SUPPORTED "\r\n");
}

/* ---- what a client requires --------------------------------------------- */

/* A registrar knows two; a proxy none. */
static bool is_supported(enum sip_header header, struct sip_slice option)
{
	return header == SIP_REQUIRE &&
	       (sipmsg_slice_is_nocase(option, "path") ||
		       sipmsg_slice_is_nocase(option, "outbound"));
}

/* Takes the next option of the Require or Proxy-Require fields that we do not
 * know. *at: the field that *rest is of. */
static bool next_unsupported(const struct request *rq, int *at,
	struct sip_slice *rest, struct sip_slice *option)
{
	const struct sip_message *m = &rq->message;

	for (;;) {
		while (sipmsg_next(rest, ',', option))
			if (option->len > 0 &&
				!is_supported(rq->requiring, *option))
				return true;
		do {
			if (*at == m->n_fields)
				return false;
		} while (m->field[(*at)++].header != rq->requiring);
		*rest = m->field[*at - 1].value;
	}
}

bool request_is_supported(struct request *rq, enum sip_header header)
{
	struct sip_slice rest = {0}, option;
	int at = 0;

	rq->requiring = header;
	return rq->message.count[header] == 0 ||
	       !next_unsupported(rq, &at, &rest, &option);
}

static void put_unsupported(const struct request *rq, struct sip_writer *w)
{
	struct sip_slice rest = {0}, option;
	const char *before = "Unsupported: ";

	for (int at = 0; next_unsupported(rq, &at, &rest, &option);
		before = ", ") {
		sipmsg_put_text(w, before);
		sipmsg_put_slice(w, option);
	}
	sipmsg_put_text(w, "\r\n");
}

/* ---- the answer --------------------------------------------------------- */

void request_put_retry_after(struct sip_writer *w)
{
	sipmsg_put_text(w, "Retry-After: ");
	sipmsg_put_number(w, RETRY_AFTER_S);
	sipmsg_put_text(w, "\r\n");
}

static void put_headers(struct service *s, struct request *rq,
	enum verdict verdict, struct sip_writer *w)
{
	switch (verdict) {
	case VERDICT_OK:
		if (rq->lists_bindings)
			put_registered(s, rq, w);
		else
			sipmsg_put_text(w,
				"Allow: " REQUEST_ALLOW "\r\n"
				"Supported: " REQUEST_SUPPORTED "\r\n");
		break;
	case VERDICT_CHALLENGE:
	case VERDICT_STALE:
		put_challenges(s, rq, verdict == VERDICT_STALE, w);
		break;
	case VERDICT_TOO_BRIEF:
		sipmsg_put_text(w, "Min-Expires: ");
		sipmsg_put_number(w, rq->scope.tenant->min_ms / 1000);
		sipmsg_put_text(w, "\r\n");
		break;
	case VERDICT_NO_METHOD:
		sipmsg_put_text(w, "Allow: " REQUEST_ALLOW "\r\n");
		break;
	case VERDICT_BAD_EXTENSION: put_unsupported(rq, w); break;
	case VERDICT_TOO_MANY_CALLS:
	case VERDICT_UNAVAILABLE: request_put_retry_after(w); break;
	default: break;
	}
}

void request_make_tag(const struct service *s, const struct sip_message *m,
	char tag[SIP_TAG_SIZE])
{
	struct sip_slice call_id = sipmsg_header(m, SIP_CALL_ID);
	uint64_t hash = sp_text_hash(call_id.at, call_id.len) ^ s->tag_salt;

	sp_hash_hex((const unsigned char *)&hash, sizeof hash, tag);
}

void request_answer(struct service *s, struct request *rq, enum verdict verdict)
{
	struct exchange *x = rq->exchange;
	struct sip_writer w = {x->answer, SIP_ANSWER_SIZE, 0, false};
	struct reply reply = reply_of(verdict);
	char tag[SIP_TAG_SIZE];

	if (rq->is_proxied && reply.status == 401)
		reply = (struct reply){407, "Proxy Authentication Required"};
	request_make_tag(s, &rq->message, tag);
	sipmsg_begin_response(&w, &rq->message, reply.status,
		verdict == VERDICT_MALFORMED ? rq->why : reply.phrase,
		&x->origin, tag);
	put_headers(s, rq, verdict, &w);
	sipmsg_end_response(&w);
	x->answer_len = w.full ? 0 : w.len;
	x->answer_port = rq->via.has_rport ? x->origin.port : rq->via.port;
}
