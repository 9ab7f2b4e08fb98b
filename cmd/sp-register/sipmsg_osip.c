/* SIP messages: what libosip2 parses, behind our limits. The only file that
 * includes its headers, which define names like TO and FROM. */
#include "cmd/sp-register/sipmsg.h"

#include <ctype.h>
#include <osipparser2/osip_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/sp-register/guard.h"
#include "cmd/sp-register/plain.h"
#include "lib/text.h"

/* libosip2 does not survive a failed allocation (it reports success with data
 * missing, or crashes), so it never sees one. */
static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void *must_malloc(size_t size)
{
	return must(malloc(size));
}

static void *must_realloc(void *p, size_t size)
{
	return must(realloc(p, size));
}

void sipmsg_init(void)
{
	osip_trace_initialize(TRACE_LEVEL0, NULL);
	osip_set_allocators(must_malloc, must_realloc, free);
	parser_init();
}

/* ---- URIs -------------------------------------------------------------- */

static bool read_uri(const osip_uri_t *u, struct sip_uri *out)
{
	const char *user = u->username == NULL ? "" : u->username;
	int64_t port = 0;

	if (u->host == NULL || strlen(user) >= sizeof out->user ||
		(u->port != NULL && !sp_text_to_int(u->port, 1, 65535, &port)))
		return false;
	out->is_sips = strcasecmp(u->scheme, "sips") == 0;
	strcpy(out->user, user);
	snprintf(out->host, sizeof out->host, "%s", u->host);
	out->port = (int)port;
	return true;
}

/* Returns NULL when it is malformed. libosip2 alone takes any scheme that
 * begins with "sip", any host ("@h"), any port ("5x") and text behind "]". */
static osip_uri_t *parse_uri(const char *text)
{
	osip_uri_t *u;

	if (!sp_text_is_sip_uri(text) || osip_uri_init(&u) != 0)
		return NULL;
	if (osip_uri_parse(u, text) == 0 && u->scheme != NULL)
		return u;
	osip_uri_free(u);
	return NULL;
}

/* A terminated copy, if the guard lets it pass. */
static bool copy_guarded(struct sip_slice text, char out[SIP_MAX_LINE + 1])
{
	if (!guard_uri(text))
		return false;
	memcpy(out, text.at, text.len);
	out[text.len] = '\0';
	return true;
}

bool sipmsg_parse_uri(struct sip_slice text, struct sip_uri *uri)
{
	char copy[SIP_MAX_LINE + 1];
	osip_uri_t *u;
	bool ok;

	if (plain_uri(text, uri))
		return true;
	if (!copy_guarded(text, copy))
		return false;
	u = parse_uri(copy);
	ok = u != NULL && read_uri(u, uri);
	osip_uri_free(u);
	return ok;
}

/* From behind < up to >; nothing unless only parameters follow. */
static struct sip_slice bracketed(struct sip_slice rest)
{
	const char *end = memchr(rest.at, '>', rest.len);
	struct sip_slice uri = {rest.at, 0}, tail, gap;

	if (end == NULL)
		return (struct sip_slice){0};
	uri.len = (size_t)(end - rest.at);
	tail = (struct sip_slice){end + 1, rest.len - uri.len - 1};
	sipmsg_next(&tail, ';', &gap);
	return gap.len == 0 ? uri : (struct sip_slice){0};
}

struct sip_slice sipmsg_uri_text(struct sip_slice element)
{
	struct sip_slice uri = {0};
	bool quoted = false;

	for (size_t i = 0; i < element.len; i++) {
		char c = element.at[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ':' && !quoted)
			break; /* an addr-spec: what follows are parameters */
		else if (c == '<' && !quoted)
			return bracketed((struct sip_slice){element.at + i + 1,
				element.len - i - 1});
	}
	sipmsg_next(&element, ';', &uri);
	return uri;
}

bool sipmsg_parse_address(struct sip_slice value, struct sip_uri *uri)
{
	char copy[SIP_MAX_LINE + 1];
	struct sip_slice text;
	osip_from_t *from;
	bool ok;

	if (plain_address(value, &text, uri))
		return true;
	if (!sipmsg_parse_uri(sipmsg_uri_text(value), uri) ||
		!copy_guarded(value, copy) || osip_from_init(&from) != 0)
		return false;
	ok = osip_from_parse(from, copy) == 0 && from->url != NULL;
	osip_from_free(from);
	return ok;
}

/* ---- equality, RFC 3261 §19.1.4 ---------------------------------------- */

static bool same_text(const char *a, const char *b, bool nocase)
{
	if (a == NULL || b == NULL)
		return a == b;
	return (nocase ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

static bool has_name(const osip_list_t *list, const char *name)
{
	for (int i = 0; i < osip_list_size(list); i++) {
		const osip_uri_param_t *p = osip_list_get(list, i);

		if (strcasecmp(p->gname, name) == 0)
			return true;
	}
	return false;
}

/* A name may come twice, which it must not: then one of them will do, so that
 * a URI equals itself. */
static bool has_param(const osip_list_t *list, const osip_uri_param_t *like,
	bool nocase)
{
	for (int i = 0; i < osip_list_size(list); i++) {
		const osip_uri_param_t *p = osip_list_get(list, i);

		if (strcasecmp(p->gname, like->gname) == 0 &&
			same_text(p->gvalue, like->gvalue, nocase))
			return true;
	}
	return false;
}

/* These matter even when only one side has them. */
static bool must_match(const char *name)
{
	static const char *const NAMES[] = {"user", "ttl", "method", "maddr",
		"transport"};

	for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
		if (strcasecmp(NAMES[i], name) == 0)
			return true;
	return false;
}

/* Does every parameter of a match b's? */
static bool params_match(const osip_list_t *a, const osip_list_t *b)
{
	for (int i = 0; i < osip_list_size(a); i++) {
		const osip_uri_param_t *p = osip_list_get(a, i);

		if (!has_param(b, p, true) &&
			(has_name(b, p->gname) || must_match(p->gname)))
			return false;
	}
	return true;
}

static bool headers_match(const osip_list_t *a, const osip_list_t *b)
{
	if (osip_list_size(a) != osip_list_size(b))
		return false;
	for (int i = 0; i < osip_list_size(a); i++)
		if (!has_param(b, osip_list_get(a, i), false))
			return false;
	return true;
}

static bool uris_match(const osip_uri_t *a, const osip_uri_t *b)
{
	return same_text(a->scheme, b->scheme, true) &&
	       same_text(a->username, b->username, false) &&
	       same_text(a->password, b->password, false) &&
	       same_text(a->host, b->host, true) &&
	       same_text(a->port, b->port, false) &&
	       params_match(&a->url_params, &b->url_params) &&
	       params_match(&b->url_params, &a->url_params) &&
	       headers_match(&a->url_headers, &b->url_headers) &&
	       headers_match(&b->url_headers, &a->url_headers);
}

/* An escaped character equals itself, unless it is "in the reserved set":
 * undoes the escapes of the unreserved ones, and escapes the others once more,
 * so that libosip2's unescaping leaves those. */
static void normalize(const char *text, char *out)
{
	for (; *text != '\0'; text++) {
		char hex[3] = "";
		int c;

		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		memcpy(hex, text + 1, 2); /* the guard has seen two digits */
		c = (int)strtol(hex, NULL, 16);
		if (c < 0x80 && (isalnum(c) || strchr("-_.!~*'()", c) != NULL))
			*out++ = (char)c;
		else
			out += sprintf(out, "%%25%02X", (unsigned)c);
		text += 2;
	}
	*out = '\0';
}

/* What is to be compared; NULL when it is malformed, as it stands too: an
 * escape in the host is. */
static osip_uri_t *parse_normalized(const char *text)
{
	char copy[SIP_MAX_LINE + 2 * SIP_MAX_MARKS + 1];

	if (!guard_uri((struct sip_slice){text, strlen(text)}) ||
		!sp_text_is_sip_uri(text))
		return NULL;
	normalize(text, copy);
	return parse_uri(copy);
}

bool sipmsg_uri_equal(const char *a, const char *b)
{
	osip_uri_t *x = parse_normalized(a), *y = parse_normalized(b);
	bool equal = x != NULL && y != NULL && uris_match(x, y);

	osip_uri_free(x);
	osip_uri_free(y);
	return equal;
}

/* ---- Contact ----------------------------------------------------------- */

/* qvalue of RFC 3261 §25.1 in thousandths: 0 to 1 with up to three decimals.
 * Returns -1 for anything else. */
static int64_t read_q(struct sip_slice value)
{
	struct sip_slice whole, decimals = value;
	int64_t n, q = 0;

	if (!sipmsg_next(&decimals, '.', &whole) || whole.len != 1 ||
		decimals.len > 3)
		return -1;
	n = sipmsg_number(whole, 1);
	if (decimals.at == NULL || decimals.len == 0)
		return n * 1000;
	q = sipmsg_number(decimals, 999);
	if (n < 0 || q < 0 || (n == 1 && q > 0))
		return -1;
	for (size_t i = decimals.len; i < 3; i++)
		q *= 10;
	return n * 1000 + q;
}

/* "<URN>" in its quotes; a URN is printable ASCII. */
static bool is_instance(struct sip_slice value)
{
	if (value.at == NULL || value.len < 5 ||
		memcmp(value.at, "\"<", 2) != 0 ||
		memcmp(value.at + value.len - 2, ">\"", 2) != 0)
		return false;
	for (size_t i = 2; i < value.len - 2; i++)
		if (value.at[i] <= ' ' || value.at[i] >= 0x7f ||
			strchr("\"<>\\", value.at[i]) != NULL)
			return false;
	return true;
}

/* What is malformed is as if it were not there, but for q. */
static bool read_contact_params(struct sip_slice element,
	struct sip_contact *out)
{
	struct sip_slice param, value;

	out->expires_s = out->q = -1;
	out->reg_id = 0;
	out->instance = (struct sip_slice){0};
	sipmsg_next(&element, ';', &param);
	while (sipmsg_next(&element, ';', &param)) {
		if (sipmsg_is_param(param, "expires", &value)) {
			out->expires_s = sipmsg_number(value, UINT32_MAX);
		} else if (sipmsg_is_param(param, "q", &value)) {
			out->q = read_q(value);
			if (out->q < 0)
				return false;
		} else if (sipmsg_is_param(param, "reg-id", &value)) {
			out->reg_id = sipmsg_number(value, INT32_MAX);
			if (out->reg_id < 0)
				out->reg_id = 0;
		} else if (sipmsg_is_param(param, "+sip.instance", &value)) {
			if (is_instance(value))
				out->instance = value;
		}
	}
	return true;
}

static bool read_contact(struct sip_slice element, struct sip_contact *out)
{
	char copy[SIP_MAX_LINE + 1];
	osip_contact_t *contact;
	struct sip_uri uri;
	bool ok;

	if (plain_address(element, &out->uri, &uri))
		return read_contact_params(element, out);
	out->uri = sipmsg_uri_text(element);
	if (!sipmsg_parse_uri(out->uri, &uri) || !copy_guarded(element, copy) ||
		osip_contact_init(&contact) != 0)
		return false;
	ok = osip_contact_parse(contact, copy) == 0 && contact->url != NULL;
	osip_contact_free(contact);
	return ok && read_contact_params(element, out);
}

int sipmsg_contacts(const struct sip_message *m, struct sip_contact *contacts,
	int max)
{
	struct sip_slice rest, element;
	int n = 0;

	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != SIP_CONTACT)
			continue;
		rest = m->field[i].value;
		if (sipmsg_slice_is(rest, "*"))
			return m->count[SIP_CONTACT] == 1 ? SIP_CONTACT_STAR
							  : SIP_CONTACT_BAD;
		while (sipmsg_next(&rest, ',', &element))
			if (n == max || !read_contact(element, &contacts[n++]))
				return SIP_CONTACT_BAD;
	}
	return n;
}

/* ---- Path -------------------------------------------------------------- */

/* A proxy's address: to be a Route, so with its brackets. */
static bool read_path(struct sip_slice element, bool *has_ob)
{
	struct sip_slice uri = sipmsg_uri_text(element);
	struct sip_uri parsed;
	struct sip_slice value;

	if (!sipmsg_parse_address(element, &parsed) ||
		memchr(element.at, '<', element.len) == NULL)
		return false;
	*has_ob |= sipmsg_uri_param(uri, "ob", &value);
	return true;
}

bool sipmsg_path(const struct sip_message *m, char *out, size_t size,
	bool *has_ob)
{
	struct sip_writer w = {out, size - 1, 0, false};
	struct sip_slice rest, element;

	*has_ob = false;
	out[0] = '\0';
	for (int i = m->first[SIP_PATH]; i >= 0 && i < m->n_fields; i++) {
		if (m->field[i].header != SIP_PATH)
			continue;
		rest = m->field[i].value;
		while (sipmsg_next(&rest, ',', &element)) {
			if (!read_path(element, has_ob))
				return false;
			sipmsg_put_text(&w, w.len == 0 ? "" : ",");
			sipmsg_put_slice(&w, element);
		}
	}
	out[w.len] = '\0';
	return !w.full;
}

/* ---- Via --------------------------------------------------------------- */

static bool read_via(const osip_via_t *v, struct sip_via *out)
{
	int64_t port = 5060;
	char host[260];

	if (v->host == NULL || v->protocol == NULL || v->version == NULL)
		return false;
	snprintf(host, sizeof host,
		strchr(v->host, ':') ? "[%.250s]" : "%.257s", v->host);
	if (!sp_text_is_host(host, strlen(host)) ||
		(v->port != NULL && !sp_text_to_int(v->port, 1, 65535, &port)))
		return false;
	snprintf(out->host, sizeof out->host, "%s", v->host);
	out->port = (int)port;
	return true;
}

static bool parse_via(struct sip_slice start, struct sip_via *out)
{
	char copy[SIP_MAX_LINE + 1];
	osip_via_t *v;
	bool ok;

	if (osip_via_init(&v) != 0)
		return false;
	memcpy(copy, start.at, start.len);
	copy[start.len] = '\0';
	ok = osip_via_parse(v, copy) == 0 && read_via(v, out);
	osip_via_free(v);
	return ok;
}

static void read_via_params(struct sip_via *out)
{
	struct sip_slice rest = out->text, param, value;

	out->has_rport = false;
	out->branch = (struct sip_slice){0};
	sipmsg_next(&rest, ';', &param);
	while (sipmsg_next(&rest, ';', &param)) {
		if (sipmsg_is_param(param, "rport", &value))
			out->has_rport = true;
		if (sipmsg_is_param(param, "branch", &value))
			out->branch = value;
	}
}

bool sipmsg_parse_via(const struct sip_message *m, struct sip_via *via)
{
	struct sip_slice rest = sipmsg_header(m, SIP_VIA), start;
	bool ok;

	if (!sipmsg_next(&rest, ',', &via->text) || !guard_value(via->text))
		return false;
	/* Without its parameters: where these are malformed, there is still
	 * somebody to answer (RFC 4475 §3.1.2.1). */
	rest = via->text;
	sipmsg_next(&rest, ';', &start);
	ok = plain_via(start, via) || parse_via(start, via);
	if (ok)
		read_via_params(via);
	return ok;
}
