/* Text of caller and callee: see dialog.h. By hand instead of with a SIP
 * library, so that the generator costs less CPU than any server. */
#include "tests/bench/dialog.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/bench/text.h"

#define CALL_ID "cl-"

/* What telephones offer, in no more words than it takes. */
static const char sdp[] = "v=0\r\n"
			  "o=- 1 1 IN IP4 127.0.0.1\r\n"
			  "s=-\r\n"
			  "c=IN IP4 127.0.0.1\r\n"
			  "t=0 0\r\n"
			  "m=audio 20000 RTP/AVP 8 0 101\r\n"
			  "a=rtpmap:8 PCMA/8000\r\n"
			  "a=rtpmap:0 PCMU/8000\r\n"
			  "a=rtpmap:101 telephone-event/8000\r\n"
			  "a=sendrecv\r\n";

static const char *const names[] = {"INVITE", "ACK", "BYE"};

/* ---- reading ------------------------------------------------------------- */

struct slice {
	const char *at;
	size_t len;
};

/* Moves on to the next header; false at the empty line. */
static bool next_line(const char **at, struct slice *line)
{
	const char *eol = strchr(*at, '\n');

	if (!eol || eol - *at <= 1)
		return false;
	line->at = *at;
	line->len = (size_t)(eol - *at) - (eol[-1] == '\r');
	*at = eol + 1;
	return true;
}

/* The first header after the start line. */
static const char *first_header(const char *text)
{
	const char *eol = strchr(text, '\n');

	return eol ? eol + 1 : "";
}

/* The value, if the line is this header. name: with its colon. */
static bool is_header(const struct slice *line, const char *name,
	struct slice *value)
{
	size_t n = strlen(name);

	if (line->len < n || (*line->at ^ *name) & ~0x20 ||
		strncasecmp(line->at, name, n) != 0)
		return false;
	while (n < line->len && (line->at[n] == ' ' || line->at[n] == '\t'))
		n++;
	value->at = line->at + n;
	value->len = line->len - n;
	return true;
}

static enum dialog_method method_of(const char *s)
{
	for (unsigned i = 0; i < DIALOG_OTHER; i++) {
		size_t n = strlen(names[i]);
		if (strncmp(s, names[i], n) == 0 && strchr(" \r\n", s[n]))
			return i;
	}
	return DIALOG_OTHER;
}

static bool read_call_id(struct message *m, const char *s, const char *run)
{
	size_t n = strlen(run);
	char *end;

	if (strncmp(s, CALL_ID, strlen(CALL_ID)) != 0)
		return false;
	s += strlen(CALL_ID);
	if (strncmp(s, run, n) != 0 || s[n] != '-')
		return false;
	m->slot = (uint32_t)strtoul(s + n + 1, &end, 10);
	if (*end != '-')
		return false;
	m->generation = (uint32_t)strtoul(end + 1, NULL, 10);
	return true;
}

static void read_cseq(struct message *m, const char *s)
{
	char *end;

	m->cseq = (uint32_t)strtoul(s, &end, 10);
	if (m->status > 0)
		m->method = method_of(end + (*end == ' '));
}

bool message_read(struct message *m, const char *text, const char *run)
{
	const char *at = first_header(text);
	struct slice line, value;
	bool has_id = false, has_cseq = false;

	*m = (struct message){.text = text};
	if (strncmp(text, "SIP/2.0 ", 8) == 0)
		m->status = (unsigned)strtoul(text + 8, NULL, 10);
	else
		m->method = method_of(text);
	while (!(has_id && has_cseq) && next_line(&at, &line)) {
		if (is_header(&line, "Call-ID:", &value)) {
			has_id = read_call_id(m, value.at, run);
		} else if (is_header(&line, "CSeq:", &value)) {
			read_cseq(m, value.at);
			has_cseq = true;
		}
	}
	return has_id && has_cseq;
}

/* ---- the caller ---------------------------------------------------------- */

void dialog_begin(struct dialog *d, uint32_t from, uint32_t to)
{
	d->generation++;
	d->from = from;
	d->to = to;
	d->invite_cseq = d->bye_cseq = 1;
	d->authenticated = DIALOG_OTHER;
	d->remote_to[0] = d->target[0] = d->route[0] = '\0';
	d->credentials[0] = '\0';
}

static bool copy(const struct slice *s, char *out, size_t size)
{
	if (s->len >= size)
		return false;
	memcpy(out, s->at, s->len);
	out[s->len] = '\0';
	return true;
}

/* The URI in angle brackets. */
static bool copy_uri(const struct slice *s, char *out, size_t size)
{
	const char *open = memchr(s->at, '<', s->len);
	const char *close = memchr(s->at, '>', s->len);

	if (!open || !close || close < open)
		return false;
	return copy(&(struct slice){open + 1, (size_t)(close - open) - 1}, out,
		size);
}

struct routes {
	struct slice value[8];
	size_t n;
};

/* One header may list several. False if there are too many, or if one is no
 * loose router. */
static bool add_routes(struct routes *r, const struct slice *list)
{
	const char *s = list->at, *end = list->at + list->len;

	while (s < end && (s = memchr(s, '<', (size_t)(end - s)))) {
		const char *close = memchr(s, '>', (size_t)(end - s));
		if (!close || r->n == sizeof(r->value) / sizeof(*r->value) ||
			!memmem(s, (size_t)(close - s), ";lr", 3))
			return false;
		const char *comma = memchr(close, ',', (size_t)(end - close));
		if (!comma)
			comma = end;
		r->value[r->n++] = (struct slice){s, (size_t)(comma - s)};
		s = comma;
	}
	return true;
}

static bool set_route(struct dialog *d, const struct routes *r)
{
	struct text t = {d->route, d->route + sizeof(d->route) - 1};

	for (size_t i = r->n; i-- > 0;) {
		text_put(&t, "Route: ", NULL);
		text_add(&t, r->value[i].at, r->value[i].len);
		text_put(&t, "\r\n", NULL);
	}
	*t.at = '\0';
	return t.at < t.end;
}

bool dialog_establish(struct dialog *d, const char *ok, bool has_route)
{
	const char *at = first_header(ok);
	struct routes routes = {.n = 0};
	struct slice line, value;
	bool good = true;

	while (good && next_line(&at, &line)) {
		if (is_header(&line, "To:", &value))
			good = copy(&value, d->remote_to, sizeof(d->remote_to));
		else if (is_header(&line, "Contact:", &value))
			good = copy_uri(&value, d->target, sizeof(d->target));
		else if (is_header(&line, "Record-Route:", &value))
			good = add_routes(&routes, &value);
	}
	d->bye_cseq = d->invite_cseq + 1;
	return good && d->remote_to[0] && d->target[0] &&
	       (routes.n > 0) == has_route && set_route(d, &routes);
}

static uint32_t cseq_of(const struct dialog *d, enum dialog_method method)
{
	return method == DIALOG_BYE ? d->bye_cseq : d->invite_cseq;
}

/* The Request-URI. */
static void put_uri(struct text *t, const struct dialog *d,
	const struct dialog_site *site, enum dialog_method method)
{
	char to[11];

	if (method == DIALOG_INVITE)
		text_put(t, "sip:", text_decimal(d->to, to), "@", site->domain,
			NULL);
	else
		text_put(t, d->target, NULL);
}

bool dialog_authenticate(struct dialog *d, const struct dialog_site *site,
	const char *msg, enum dialog_method method)
{
	struct challenge c;
	char ha1[MD5_HEX], ha2[MD5_HEX], username[11], a2[160];
	struct text line = {d->credentials,
		d->credentials + sizeof(d->credentials) - 1};
	struct text in = {a2, a2 + sizeof(a2) - 1};

	if (d->authenticated == method ||
		!digest_read_challenge(msg, "\r\nProxy-Authenticate: Digest",
			&c))
		return false;
	text_put(&in, names[method], ":", NULL);
	char *uri = in.at;
	put_uri(&in, d, site, method);
	*in.at = '\0';
	digest_ha1(c.realm, site->password_prefix, d->from, ha1);
	digest_md5(a2, (size_t)(in.at - a2), ha2);
	text_put(&line, "Proxy-Authorization: ", NULL);
	digest_put(&line,
		&(struct credentials){.username =
					      text_decimal(d->from, username),
			.uri = uri,
			.ha1 = ha1,
			.ha2 = ha2,
			.realm = c.realm,
			.nonce = c.nonce,
			.opaque = c.opaque,
			.qop_auth = c.qop_auth,
			.nc = 1,
			.cnonce = d->slot * 2654435761u ^ d->generation});
	*line.at = '\0';
	d->authenticated = method;
	if (method == DIALOG_BYE)
		d->bye_cseq++;
	else
		d->invite_cseq++;
	return true;
}

/* From "SLOT-GENERATION" the Call-ID, the tags and the branches are made. */
static void write_name(const struct dialog *d, char out[24])
{
	struct text t = {out, out + 23};
	char slot[11], generation[11];

	text_put(&t, text_decimal(d->slot, slot), "-",
		text_decimal(d->generation, generation), NULL);
	*t.at = '\0';
}

/* Start line to CSeq. branch: its last part. */
static void put_head(struct text *t, const struct dialog *d,
	const struct dialog_site *site, enum dialog_method method)
{
	char name[24], cseq[11], from[11], to[11];

	write_name(d, name);
	text_decimal(cseq_of(d, method), cseq);
	text_put(t, names[method], " ", NULL);
	put_uri(t, d, site, method);
	text_put(t, " SIP/2.0\r\nVia: SIP/2.0/UDP ", site->caller,
		";rport;branch=z9hG4bK-", site->run, "-", name, "-", cseq,
		method == DIALOG_ACK ? "-ack" : "", "\r\nMax-Forwards: 70\r\n",
		NULL);
	text_put(t, d->route, "From: <sip:", text_decimal(d->from, from), "@",
		site->domain, ">;tag=f", name, "\r\nTo: ", NULL);
	if (d->remote_to[0])
		text_put(t, d->remote_to, NULL);
	else
		text_put(t, "<sip:", text_decimal(d->to, to), "@", site->domain,
			">", NULL);
	text_put(t, "\r\nCall-ID: " CALL_ID, site->run, "-", name,
		"@127.0.0.1\r\nCSeq: ", cseq, " ", names[method], "\r\n", NULL);
}

/* Content-Length and the body. */
static void put_body(struct text *t, bool has_sdp)
{
	char len[11];

	if (has_sdp)
		text_put(t, "Content-Type: application/sdp\r\nContent-Length: ",
			text_decimal(sizeof(sdp) - 1, len), "\r\n\r\n", sdp,
			NULL);
	else
		text_put(t, "Content-Length: 0\r\n\r\n", NULL);
}

size_t dialog_write(const struct dialog *d, const struct dialog_site *site,
	enum dialog_method method, char *out, size_t size)
{
	struct text t = {out, out + size};
	char from[11];

	put_head(&t, d, site, method);
	if (method == DIALOG_INVITE)
		text_put(&t, "Contact: <sip:", text_decimal(d->from, from), "@",
			site->caller, ">\r\nUser-Agent: callload\r\n", NULL);
	/* section 13.2.2.4: the ACK has the credentials of the INVITE */
	if (d->authenticated == method ||
		(d->authenticated == DIALOG_INVITE && method == DIALOG_ACK))
		text_put(&t, d->credentials, NULL);
	put_body(&t, method == DIALOG_INVITE);
	return (size_t)(t.at - out);
}

size_t dialog_write_refusal_ack(const struct dialog *d,
	const struct dialog_site *site, const struct message *refusal,
	char *out, size_t size)
{
	struct text t = {out, out + size};
	const char *at = first_header(refusal->text);
	struct slice line, value, to = {"", 0};
	char name[24], cseq[11], from[11], ext[11];

	while (next_line(&at, &line))
		if (is_header(&line, "To:", &value))
			to = value;
	write_name(d, name);
	text_decimal(refusal->cseq, cseq);
	text_put(&t, "ACK sip:", text_decimal(d->to, ext), "@", site->domain,
		" SIP/2.0\r\nVia: SIP/2.0/UDP ", site->caller,
		";rport;branch=z9hG4bK-", site->run, "-", name, "-", cseq,
		"\r\nMax-Forwards: 70\r\nFrom: <sip:",
		text_decimal(d->from, from), "@", site->domain, ">;tag=f", name,
		"\r\nTo: ", NULL);
	text_add(&t, to.at, to.len);
	text_put(&t, "\r\nCall-ID: " CALL_ID, site->run, "-", name,
		"@127.0.0.1\r\nCSeq: ", cseq,
		" ACK\r\nContent-Length: 0\r\n\r\n", NULL);
	return (size_t)(t.at - out);
}

/* ---- the callee ---------------------------------------------------------- */

static void add_tag(struct text *t, const struct message *request,
	const struct slice *to)
{
	char name[24];

	if (memmem(to->at, to->len, ";tag=", 5))
		return;
	write_name(&(struct dialog){.slot = request->slot,
			   .generation = request->generation},
		name);
	text_put(t, ";tag=t", name, NULL);
}

bool callee_mirror(const struct message *request, char out[DIALOG_MIRROR_MAX])
{
	static const char *const repeated[] = {"Via:", "Record-Route:", "From:",
		"To:", "Call-ID:", "CSeq:"};
	struct text t = {out, out + DIALOG_MIRROR_MAX - 1};
	const char *at = first_header(request->text);
	struct slice line, value;

	while (next_line(&at, &line)) {
		size_t i = 0, n = sizeof(repeated) / sizeof(*repeated);
		while (i < n && !is_header(&line, repeated[i], &value))
			i++;
		if (i == n)
			continue;
		text_add(&t, line.at, line.len);
		if (*repeated[i] == 'T')
			add_tag(&t, request, &value);
		text_put(&t, "\r\n", NULL);
	}
	*t.at = '\0';
	return t.at < t.end;
}

size_t callee_write(const struct answer *answer, const struct dialog_site *site,
	char *out, size_t size)
{
	struct text t = {out, out + size};
	char ext[11];

	text_put(&t,
		answer->status == 180 ? "SIP/2.0 180 Ringing\r\n"
				      : "SIP/2.0 200 OK\r\n",
		answer->mirror, NULL);
	if (answer->dialog)
		text_put(&t,
			"Contact: <sip:", text_decimal(answer->dialog->to, ext),
			"@", site->callee, ">\r\n", NULL);
	put_body(&t, answer->dialog && answer->status == 200);
	return (size_t)(t.at - out);
}
