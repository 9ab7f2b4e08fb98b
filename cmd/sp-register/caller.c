/* Who calls: digest, From, and the identity that is asserted. */
#include "cmd/sp-register/caller.h"

#include <string.h>

#include "lib/call_right.h"
#include "lib/config.h"
#include "lib/extension.h"

/* A display name in quotes (RFC 3261 §25.1). */
static void put_quoted(struct sip_writer *w, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			sipmsg_put_text(w, "\\");
		sipmsg_put_slice(w, (struct sip_slice){text, 1});
	}
}

static void write_identity(const struct sp_extension *e, const char *domain,
	char out[CALLER_IDENTITY_SIZE])
{
	struct sip_writer w = {out, CALLER_IDENTITY_SIZE - 1, 0, false};
	bool has_both = e->user.first[0] != '\0' && e->user.last[0] != '\0';

	if (e->user.first[0] != '\0' || e->user.last[0] != '\0') {
		sipmsg_put_text(&w, "\"");
		put_quoted(&w, e->user.first);
		sipmsg_put_text(&w, has_both ? " " : "");
		put_quoted(&w, e->user.last);
		sipmsg_put_text(&w, "\" ");
	}
	sipmsg_put_text(&w, "<sip:");
	sipmsg_put_text(&w, e->number);
	sipmsg_put_text(&w, "@");
	sipmsg_put_text(&w, domain);
	sipmsg_put_text(&w, ">");
	out[w.full ? 0 : w.len] = '\0';
}

/* RFC 3323 §4.2, RFC 3325 §9.3. */
bool caller_wants_privacy(const struct sip_message *m)
{
	struct sip_slice rest = sipmsg_header(m, SIP_PRIVACY), value;

	while (sipmsg_next(&rest, ';', &value))
		if (sipmsg_slice_is_nocase(value, "id"))
			return true;
	return false;
}

static enum verdict load_caller(struct service *s, struct request *rq,
	struct caller *caller)
{
	struct sp_extension e;
	struct sp_err err;
	int rc = sp_extension_find(&rq->scope, caller->number, &e, &err);

	if (rc < 0)
		return request_db_failed(s, &err);
	if (rc == 0)
		return VERDICT_NOT_ALLOWED; /* recycled this very moment */
	caller->may_call_outside = sp_call_right_outside(rq->scope.tenant, &e);
	memcpy(caller->login, e.user.login, sizeof caller->login);
	write_identity(&e, rq->scope.tenant->domain, caller->identity);
	return VERDICT_OK;
}

enum verdict caller_identify(struct service *s, struct request *rq,
	struct caller *caller)
{
	struct sp_credentials c;
	enum verdict verdict;
	bool is_repeat;

	memset(caller, 0, sizeof *caller);
	rq->why = "Malformed From";
	if (!sipmsg_parse_address(sipmsg_header(&rq->message, SIP_FROM),
		    &rq->aor))
		return VERDICT_MALFORMED;
	caller->is_peer =
		sp_config_is_trusted(s->config, rq->exchange->origin.ip);
	if (caller->is_peer)
		return VERDICT_OK;
	if (sp_config_find_tenant(s->config, rq->aor.host) !=
		rq->scope.tenant) {
		request_log_refusal(s, rq, "stranger", NULL);
		return VERDICT_NOT_ALLOWED;
	}
	rq->is_proxied = true;
	verdict = request_authenticate(s, rq, &c, &is_repeat);
	/* Its retransmissions are absorbed before: whoever repeats it now may
	 * have heard it somewhere. */
	if (verdict == VERDICT_OK && is_repeat)
		verdict = VERDICT_STALE;
	if (verdict != VERDICT_OK)
		return verdict;
	caller->extension_id = c.extension_id;
	memcpy(caller->number, c.number, sizeof caller->number);
	return load_caller(s, rq, caller);
}
