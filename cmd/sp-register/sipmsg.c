/* SIP messages: scanning them into slices. */
#include "cmd/sp-register/sipmsg.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/sp-register/guard.h"

struct known {
	const char *name;
	size_t len;
	char compact; /* the one-letter form; 0: there is none */
};
#define KNOWN(name, compact)                   \
	{                                      \
		name, sizeof name - 1, compact \
	}

/* In the order of enum sip_header. */
static const struct known HEADERS[SIP_N_HEADERS] = {
	KNOWN("Via", 'v'),
	KNOWN("From", 'f'),
	KNOWN("To", 't'),
	KNOWN("Call-ID", 'i'),
	KNOWN("CSeq", 0),
	KNOWN("Contact", 'm'),
	KNOWN("Expires", 0),
	KNOWN("Authorization", 0),
	KNOWN("Require", 0),
	KNOWN("Max-Forwards", 0),
	KNOWN("Content-Length", 'l'),
	KNOWN("User-Agent", 0),
	KNOWN("WWW-Authenticate", 0),
	KNOWN("Proxy-Authenticate", 0),
	KNOWN("Min-Expires", 0),
	KNOWN("Retry-After", 0),
	KNOWN("Supported", 'k'),
	KNOWN("Path", 0),
	KNOWN("Route", 0),
	KNOWN("Record-Route", 0),
	KNOWN("Proxy-Authorization", 0),
	KNOWN("Proxy-Require", 0),
	KNOWN("P-Asserted-Identity", 0),
	KNOWN("P-Preferred-Identity", 0),
	KNOWN("Privacy", 0),
	KNOWN("History-Info", 0),
	KNOWN("Diversion", 0),
	KNOWN("Session-Expires", 'x'),
	KNOWN("Remote-Party-ID", 0),
	KNOWN("P-Charge-Info", 0),
};

/* Those that we only pass on. */
static const struct known OTHERS[] = {
	KNOWN("Accept", 0),
	KNOWN("Accept-Contact", 'a'),
	KNOWN("Accept-Encoding", 0),
	KNOWN("Accept-Language", 0),
	KNOWN("Alert-Info", 0),
	KNOWN("Allow", 0),
	KNOWN("Allow-Events", 'u'),
	KNOWN("Authentication-Info", 0),
	KNOWN("Call-Info", 0),
	KNOWN("Content-Disposition", 0),
	KNOWN("Content-Encoding", 'e'),
	KNOWN("Content-Language", 0),
	KNOWN("Content-Type", 'c'),
	KNOWN("Date", 0),
	KNOWN("Error-Info", 0),
	KNOWN("Event", 'o'),
	KNOWN("In-Reply-To", 0),
	KNOWN("MIME-Version", 0),
	KNOWN("Min-SE", 0),
	KNOWN("Organization", 0),
	KNOWN("Priority", 0),
	KNOWN("RAck", 0),
	KNOWN("RSeq", 0),
	KNOWN("Reason", 0),
	KNOWN("Refer-To", 'r'),
	KNOWN("Referred-By", 'b'),
	KNOWN("Reject-Contact", 'j'),
	KNOWN("Replaces", 0),
	KNOWN("Reply-To", 0),
	KNOWN("Request-Disposition", 'd'),
	KNOWN("SIP-ETag", 0),
	KNOWN("SIP-If-Match", 0),
	KNOWN("Server", 0),
	KNOWN("Subject", 's'),
	KNOWN("Subscription-State", 0),
	KNOWN("Timestamp", 0),
	KNOWN("Unsupported", 0),
	KNOWN("Warning", 0),
};
enum { N_OTHERS = sizeof OTHERS / sizeof OTHERS[0] };

/* ---- slices ------------------------------------------------------------ */

bool sipmsg_slice_is(struct sip_slice slice, const char *text)
{
	return slice.len == strlen(text) &&
	       memcmp(slice.at, text, slice.len) == 0;
}

bool sipmsg_slice_is_nocase(struct sip_slice slice, const char *text)
{
	return slice.len == strlen(text) &&
	       strncasecmp(slice.at, text, slice.len) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct sip_slice trim(struct sip_slice s)
{
	while (s.len > 0 && is_space(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.at[s.len - 1]))
		s.len--;
	return s;
}

void sipmsg_copy_printable(struct sip_slice slice, char *out, size_t size)
{
	size_t n = slice.len < size ? slice.len : size - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = slice.at[i] >= ' ' && slice.at[i] < 0x7f ? slice.at[i]
								  : '?';
	out[n] = '\0';
}

int64_t sipmsg_number(struct sip_slice slice, int64_t max)
{
	int64_t n = 0;

	if (slice.at == NULL || slice.len == 0)
		return -1;
	for (size_t i = 0; i < slice.len; i++) {
		if (slice.at[i] < '0' || slice.at[i] > '9')
			return -1;
		n = n * 10 + (slice.at[i] - '0');
		if (n > max)
			return -1;
	}
	return n;
}

/* Where the quotes end that begin at i; text.len when they do not. */
static size_t end_of_quotes(struct sip_slice text, size_t i)
{
	const char *start = text.at + i + 1;
	const char *end = memchr(start, '"', text.len - i - 1);

	if (end == NULL)
		return text.len;
	if (memchr(start, '\\', (size_t)(end - start)) == NULL)
		return (size_t)(end - text.at);
	for (i++; i < text.len && text.at[i] != '"'; i++)
		if (text.at[i] == '\\')
			i++;
	return i < text.len ? i : text.len;
}

/* Up to the first separator that is neither in quotes nor between < and >. */
static size_t element_len(struct sip_slice text, char separator)
{
	bool angled = false;
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '<' || c == '>')
			angled = c == '<';
		else if (c == '"' && !angled)
			i = end_of_quotes(text, i);
		else if (c == separator && !angled)
			break;
	}
	return i < text.len ? i : text.len;
}

bool sipmsg_next(struct sip_slice *rest, char separator,
	struct sip_slice *element)
{
	const char *end;
	size_t i;

	if (rest->at == NULL)
		return false;
	end = memchr(rest->at, separator, rest->len);
	i = end == NULL ? rest->len : (size_t)(end - rest->at);
	/* Most elements hold nothing that could hide a separator. */
	if (memchr(rest->at, '"', i) != NULL ||
		memchr(rest->at, '<', i) != NULL)
		i = element_len(*rest, separator);
	*element = trim((struct sip_slice){rest->at, i});
	if (i < rest->len) {
		rest->at += i + 1;
		rest->len -= i + 1;
	} else {
		rest->at = NULL;
	}
	return true;
}

bool sipmsg_is_param(struct sip_slice param, const char *name,
	struct sip_slice *value)
{
	size_t n = strlen(name);
	struct sip_slice rest;

	if (param.len < n || strncasecmp(param.at, name, n) != 0)
		return false;
	rest = trim((struct sip_slice){param.at + n, param.len - n});
	*value = (struct sip_slice){0};
	if (rest.len == 0)
		return true;
	if (rest.at[0] != '=')
		return false;
	*value = trim((struct sip_slice){rest.at + 1, rest.len - 1});
	return true;
}

struct sip_slice sipmsg_tag(struct sip_slice address)
{
	struct sip_slice param, value;

	sipmsg_next(&address, ';', &param);
	while (sipmsg_next(&address, ';', &param))
		if (sipmsg_is_param(param, "tag", &value))
			return (struct sip_slice){value.at == NULL ? param.at
								   : value.at,
				value.len};
	return (struct sip_slice){0};
}

bool sipmsg_uri_param(struct sip_slice uri, const char *name,
	struct sip_slice *value)
{
	const char *at = uri.len == 0 ? NULL : memrchr(uri.at, '@', uri.len);
	struct sip_slice param;

	if (at != NULL)
		uri = (struct sip_slice){at, uri.len - (size_t)(at - uri.at)};
	sipmsg_next(&uri, ';', &param);
	while (sipmsg_next(&uri, ';', &param))
		if (sipmsg_is_param(param, name, value))
			return true;
	return false;
}

/* ---- lines ------------------------------------------------------------- */

struct scanner {
	char *at, *end;
	const char *problem; /* the first that was met */
};

static void complain(struct scanner *s, const char *problem)
{
	if (s->problem == NULL)
		s->problem = problem;
}

/* Takes a line off; CR LF or LF ends it. Returns false without an end. */
static bool next_line(struct scanner *s, struct sip_slice *line)
{
	char *lf = memchr(s->at, '\n', (size_t)(s->end - s->at));

	if (lf == NULL)
		return false;
	*line = (struct sip_slice){s->at, (size_t)(lf - s->at)};
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	s->at = lf + 1;
	return true;
}

/* Takes a header line with those that continue it (RFC 3261 §7.3.1), whose
 * line ends become spaces. */
static bool next_header_line(struct scanner *s, struct sip_slice *line)
{
	struct sip_slice more;
	char *start = s->at;

	if (!next_line(s, line))
		return false;
	while (line->len > 0 && s->at < s->end && is_space(*s->at)) {
		char *fold = start + line->len;

		memset(fold, ' ', (size_t)(s->at - fold));
		if (!next_line(s, &more))
			return false;
		line->len = (size_t)(more.at + more.len - start);
	}
	return true;
}

/* ---- the start line ---------------------------------------------------- */

static bool take_word(struct sip_slice *rest, struct sip_slice *word)
{
	const char *space = memchr(rest->at, ' ', rest->len);

	if (space == NULL)
		return false;
	*word = (struct sip_slice){rest->at, (size_t)(space - rest->at)};
	rest->at += word->len + 1;
	rest->len -= word->len + 1;
	return word->len > 0;
}

static enum sip_scan scan_response_line(struct sip_slice line,
	struct sip_message *m)
{
	struct sip_slice version, status;

	if (!take_word(&line, &version) || !take_word(&line, &status) ||
		status.len != 3)
		return SIP_GARBAGE;
	m->is_request = false;
	m->status = (int)sipmsg_number(status, 699);
	m->reason = line;
	return m->status >= 100 ? SIP_SCANNED : SIP_GARBAGE;
}

static enum sip_scan scan_start_line(struct scanner *s, struct sip_message *m)
{
	struct sip_slice line;

	if (!next_line(s, &line) || line.len > SIP_MAX_LINE)
		return SIP_GARBAGE;
	if (line.len > 8 && memcmp(line.at, "SIP/2.0 ", 8) == 0)
		return scan_response_line(line, m);
	m->is_request = true;
	if (!take_word(&line, &m->method) || !guard_token(m->method))
		return SIP_GARBAGE;
	if (!take_word(&line, &m->uri)) {
		complain(s, "Malformed Request-Line");
		return SIP_SCANNED;
	}
	if (sipmsg_slice_is_nocase(line, "SIP/2.0"))
		return SIP_SCANNED;
	if (line.len > 4 && strncasecmp(line.at, "SIP/", 4) == 0 &&
		memchr(line.at, ' ', line.len) == NULL)
		return SIP_BAD_VERSION;
	complain(s, "Malformed Request-Line");
	return SIP_SCANNED;
}

/* ---- header fields ----------------------------------------------------- */

/* Which of n names it is, in any case or in its compact form; n for none. */
static int find_name(struct sip_slice name, const struct known *known, int n)
{
	char first = (char)(name.len > 0 ? name.at[0] | 0x20 : 0);

	for (int i = 0; i < n; i++) {
		if (name.len == 1
				? known[i].compact == first
				: known[i].len == name.len &&
					  (known[i].name[0] | 0x20) == first &&
					  strncasecmp(known[i].name, name.at,
						  name.len) == 0)
			return i;
	}
	return n;
}

struct sip_slice sipmsg_field_name(const struct sip_field *f)
{
	const struct known *known = &HEADERS[f->header];

	if (f->header == SIP_OTHER) {
		int i = find_name(f->name, OTHERS, N_OTHERS);

		if (i == N_OTHERS)
			return f->name;
		known = &OTHERS[i];
	}
	return (struct sip_slice){known->name, known->len};
}

static void add_field(struct scanner *s, struct sip_slice line,
	struct sip_message *m)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct sip_slice name = {line.at, 0};
	enum sip_header header;

	if (colon != NULL)
		name.len = (size_t)(colon - line.at);
	name = trim(name);
	if (!guard_token(name) && name.len <= 64) {
		complain(s, "Malformed Header");
		return;
	}
	if (line.len > SIP_MAX_LINE) {
		complain(s, "Header Too Long");
		return;
	}
	if (m->n_fields == SIP_MAX_FIELDS) {
		complain(s, "Too Many Headers");
		return;
	}
	header = (enum sip_header)find_name(name, HEADERS, SIP_N_HEADERS);
	m->field[m->n_fields] = (struct sip_field){header, name,
		trim((struct sip_slice){colon + 1,
			line.len - (size_t)(colon + 1 - line.at)})};
	if (header != SIP_OTHER && m->count[header]++ == 0)
		m->first[header] = m->n_fields;
	m->n_fields++;
}

/* Is one of the eight below a space, or DEL? What borrows from its neighbour
 * does so beside such a one only. */
static bool may_be_control(const char *eight)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t text, del;

	memcpy(&text, eight, sizeof text);
	del = text ^ 0x7f * ones;
	return (((text - ' ' * ones) & ~text) | ((del - ones) & ~del)) &
	       0x80 * ones;
}

/* A bare CR would end the line for peers less strict than we are. */
static bool has_control(struct sip_slice line)
{
	size_t i = 0;

	while (i + 8 <= line.len && !may_be_control(line.at + i))
		i += 8;
	for (; i < line.len; i++) {
		unsigned char c = (unsigned char)line.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* Returns false when the head does not end. */
static bool scan_fields(struct scanner *s, struct sip_message *m)
{
	struct sip_slice line;

	while (next_header_line(s, &line)) {
		if (line.len == 0)
			return true;
		if (has_control(line))
			complain(s, "Control Character In Header");
		else
			add_field(s, line, m);
	}
	return false;
}

struct sip_slice sipmsg_header(const struct sip_message *m,
	enum sip_header header)
{
	return m->first[header] < 0 ? (struct sip_slice){0}
				    : m->field[m->first[header]].value;
}

bool sipmsg_has_option(const struct sip_message *m, enum sip_header header,
	const char *option)
{
	struct sip_slice rest, element;

	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != header)
			continue;
		rest = m->field[i].value;
		while (sipmsg_next(&rest, ',', &element))
			if (sipmsg_slice_is_nocase(element, option))
				return true;
	}
	return false;
}

bool sipmsg_has_sip_scheme(struct sip_slice uri)
{
	return (uri.len >= 4 && strncasecmp(uri.at, "sip:", 4) == 0) ||
	       (uri.len >= 5 && strncasecmp(uri.at, "sips:", 5) == 0);
}

bool sipmsg_is_first_hop(const struct sip_message *m)
{
	struct sip_slice rest = sipmsg_header(m, SIP_VIA), top;

	sipmsg_next(&rest, ',', &top);
	return m->count[SIP_VIA] == 1 && rest.at == NULL;
}

/* ---- what every message must have -------------------------------------- */

static void check_single(struct scanner *s, const struct sip_message *m)
{
	static const struct {
		enum sip_header header;
		const char *missing, *twice;
	} SINGLE[] = {
		{SIP_FROM, "Missing From", "Two From"},
		{SIP_TO, "Missing To", "Two To"},
		{SIP_CALL_ID, "Missing Call-ID", "Two Call-ID"},
		{SIP_CSEQ, "Missing CSeq", "Two CSeq"},
	};

	for (size_t i = 0; i < sizeof SINGLE / sizeof SINGLE[0]; i++) {
		int n = m->count[SINGLE[i].header];

		if (n != 1)
			complain(s,
				n == 0 ? SINGLE[i].missing : SINGLE[i].twice);
		else if (sipmsg_header(m, SINGLE[i].header).len == 0)
			complain(s, SINGLE[i].missing);
	}
}

/* CSeq: a number below 2^31 and the method (§8.1.1.5). */
static void check_cseq(struct scanner *s, struct sip_message *m)
{
	struct sip_slice rest = sipmsg_header(m, SIP_CSEQ), number = rest;
	int64_t n;

	number.len = 0;
	while (number.len < rest.len && !is_space(rest.at[number.len]))
		number.len++;
	n = sipmsg_number(number, INT32_MAX);
	rest.at += number.len;
	rest.len -= number.len;
	m->cseq_method = trim(rest);
	if (n < 0 || !guard_token(m->cseq_method)) {
		complain(s, "Malformed CSeq");
		return;
	}
	m->cseq = (uint32_t)n;
	if (m->is_request && (m->method.len != m->cseq_method.len ||
				     memcmp(m->method.at, m->cseq_method.at,
					     m->method.len) != 0))
		complain(s, "CSeq Of Another Method");
}

static void check_length(struct scanner *s, struct sip_message *m)
{
	size_t left = (size_t)(s->end - s->at);
	int64_t n;

	m->body = (struct sip_slice){s->at, left};
	if (m->count[SIP_CONTENT_LENGTH] == 0)
		return;
	n = sipmsg_number(sipmsg_header(m, SIP_CONTENT_LENGTH), INT32_MAX);
	if (n < 0 || m->count[SIP_CONTENT_LENGTH] > 1)
		complain(s, "Malformed Content-Length");
	else if ((size_t)n > left)
		complain(s, "Body Shorter Than Content-Length");
	else
		m->body.len = (size_t)n; /* a datagram may have more (§18.3) */
}

enum sip_scan sipmsg_scan(char *data, size_t len, struct sip_message *m,
	const char **why)
{
	struct scanner s = {data, data + len, NULL};
	enum sip_scan start;

	m->n_fields = 0;
	memset(m->first, -1, sizeof m->first);
	memset(m->count, 0, sizeof m->count);
	m->cseq = 0;
	m->cseq_method = m->method = m->uri = (struct sip_slice){0};
	while (s.at < s.end && (*s.at == '\r' || *s.at == '\n'))
		s.at++;
	start = scan_start_line(&s, m);
	if (start == SIP_GARBAGE || !scan_fields(&s, m) ||
		m->count[SIP_VIA] == 0)
		return SIP_GARBAGE;
	check_single(&s, m);
	if (m->count[SIP_CSEQ] == 1)
		check_cseq(&s, m);
	check_length(&s, m);
	if (start == SIP_BAD_VERSION)
		return start;
	*why = s.problem;
	return s.problem == NULL ? SIP_SCANNED : SIP_MALFORMED;
}
