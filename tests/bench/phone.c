/* REGISTER and digest of a softphone: see phone.h. Hand-made instead of with
 * a SIP library, so that the generator costs less CPU than any server. */
/* EVP looks its algorithm up again for each digest; MD5() does not. */
#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "tests/bench/phone.h"

#include <openssl/md5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRANCH "branch=z9hG4bKrl"

struct text {
	char *at, *end;
};

/* Appends strings up to a NULL; what does not fit is cut off. */
__attribute__((sentinel)) static void put(struct text *t, ...)
{
	va_list ap;

	va_start(ap, t);
	for (const char *s; (s = va_arg(ap, const char *));) {
		size_t n = strlen(s), room = (size_t)(t->end - t->at);
		if (n > room)
			n = room;
		memcpy(t->at, s, n);
		t->at += n;
	}
	va_end(ap);
}

/* Writes v in decimal and returns the buffer. */
static const char *decimal(uint32_t v, char buf[11])
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (int i = 0; i < n; i++)
		buf[i] = digits[n - 1 - i];
	buf[n] = '\0';
	return buf;
}

static void hex(const unsigned char *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = "0123456789abcdef"[bytes[i] >> 4];
		*out++ = "0123456789abcdef"[bytes[i] & 15];
	}
	*out = '\0';
}

static void hex32(uint32_t v, char out[9])
{
	const unsigned char bytes[] = {(unsigned char)(v >> 24),
		(unsigned char)(v >> 16), (unsigned char)(v >> 8),
		(unsigned char)v};

	hex(bytes, sizeof(bytes), out);
}

static void md5(const char *s, size_t n, char out[MD5_HEX])
{
	unsigned char digest[MD5_DIGEST_LENGTH];

	MD5((const unsigned char *)s, n, digest);
	hex(digest, sizeof(digest), out);
}

void site_init(struct site *site, const char *domain,
	const char *password_prefix, uint16_t local_port)
{
	char a2[256];
	struct text t = {a2, a2 + sizeof(a2)};

	site->domain = domain;
	site->password_prefix = password_prefix;
	snprintf(site->address, sizeof(site->address), "127.0.0.1:%u",
		local_port);
	put(&t, "REGISTER:sip:", domain, NULL);
	md5(a2, (size_t)(t.at - a2), site->ha2);
}

void site_ha1(const struct site *site, const char *realm, uint32_t extension,
	char ha1[MD5_HEX])
{
	char a1[512], ext[11];
	struct text t = {a1, a1 + sizeof(a1)};

	decimal(extension, ext);
	put(&t, ext, ":", realm, ":", site->password_prefix, ext, NULL);
	md5(a1, (size_t)(t.at - a1), ha1);
}

void phone_next_request(struct phone *phone)
{
	phone->cseq++;
	if (phone->nonce[0])
		phone->nc++;
}

/* RFC 7616 section 3.4.1; without qop as in RFC 2069. */
static void digest_response(const struct phone *phone, const struct site *site,
	const char *nc, const char *cnonce, char out[MD5_HEX])
{
	char in[512];
	struct text t = {in, in + sizeof(in)};

	put(&t, phone->ha1, ":", phone->nonce, ":", NULL);
	if (site->qop_auth)
		put(&t, nc, ":", cnonce, ":auth:", NULL);
	put(&t, site->ha2, NULL);
	md5(in, (size_t)(t.at - in), out);
}

static void put_authorization(struct text *t, const struct phone *phone,
	const struct site *site, const char *ext)
{
	char nc[9], cnonce[9], response[MD5_HEX];

	hex32(phone->nc, nc);
	/* any value will do, but not the same one for all phones */
	hex32((site->first + phone->index) * 2654435761u ^ phone->cseq, cnonce);
	digest_response(phone, site, nc, cnonce, response);
	put(t, "Authorization: Digest username=\"", ext, "\", realm=\"",
		site->realm, "\", nonce=\"", phone->nonce,
		"\", uri=\"sip:", site->domain,
		"\", algorithm=MD5, response=\"", response, "\"", NULL);
	if (site->qop_auth)
		put(t, ", qop=auth, nc=", nc, ", cnonce=\"", cnonce, "\"",
			NULL);
	if (phone->opaque[0])
		put(t, ", opaque=\"", phone->opaque, "\"", NULL);
	put(t, "\r\n", NULL);
}

size_t phone_write(const struct phone *phone, const struct site *site,
	char out[PHONE_REQUEST_MAX])
{
	struct text t = {out, out + PHONE_REQUEST_MAX};
	const char *domain = site->domain;
	char ext[11], index[11], cseq[11], expires[11];

	decimal(site->first + phone->index, ext);
	decimal(phone->index, index);
	decimal(phone->cseq, cseq);
	decimal(site->expires_s, expires);
	put(&t, "REGISTER sip:", domain, " SIP/2.0\r\n", NULL);
	put(&t, "Via: SIP/2.0/UDP ", site->address, ";rport;" BRANCH, index,
		"-", cseq, "\r\nMax-Forwards: 70\r\n", NULL);
	put(&t, "From: <sip:", ext, "@", domain, ">;tag=rl", ext, "\r\n", NULL);
	put(&t, "To: <sip:", ext, "@", domain, ">\r\n", NULL);
	put(&t, "Call-ID: rl", ext, "@127.0.0.1\r\n", NULL);
	put(&t, "CSeq: ", cseq, " REGISTER\r\n", NULL);
	put(&t, "Contact: <sip:", ext, "@", site->address, ">\r\n", NULL);
	put(&t, "Expires: ", expires, "\r\nUser-Agent: regload\r\n", NULL);
	if (phone->nonce[0])
		put_authorization(&t, phone, site, ext);
	put(&t, "Content-Length: 0\r\n\r\n", NULL);
	return (size_t)(t.at - out);
}

bool response_read(const char *msg, struct response *response)
{
	char *end;

	if (strncmp(msg, "SIP/2.0 ", 8) != 0)
		return false;
	response->status = (unsigned)strtoul(msg + 8, NULL, 10);
	const char *branch = strstr(msg, BRANCH);
	if (!branch)
		return false;
	response->index = (uint32_t)strtoul(branch + strlen(BRANCH), &end, 10);
	if (*end != '-')
		return false;
	response->cseq = (uint32_t)strtoul(end + 1, NULL, 10);
	return true;
}

/* Copies one parameter of a challenge; false if it is absent or too long. */
static bool get_param(const char *line, const char *name, char *out, size_t cap)
{
	size_t n = strlen(name);

	for (const char *s = line; (s = strcasestr(s, name)); s += n) {
		/* not the "nonce" of "nextnonce" */
		if (!strchr(" \t,", s[-1]) || s[n] != '=')
			continue;
		const char *value = s + n + 1;
		bool quoted = *value == '"';
		value += quoted;
		size_t len = strcspn(value, quoted ? "\"" : ", \t");
		if (len >= cap)
			return false;
		memcpy(out, value, len);
		out[len] = '\0';
		return true;
	}
	return false;
}

/* line: one challenge, from the blank after "Digest" to the end of the line */
static bool take_line(struct phone *phone, struct site *site, const char *line,
	bool *stale)
{
	char value[32];

	if (get_param(line, "algorithm", value, sizeof(value)) &&
		strcasecmp(value, "MD5") != 0)
		return false;
	if (!get_param(line, "realm", site->realm, sizeof(site->realm)) ||
		!get_param(line, "nonce", phone->nonce, sizeof(phone->nonce)))
		return false;
	if (!get_param(line, "opaque", phone->opaque, sizeof(phone->opaque)))
		phone->opaque[0] = '\0';
	site->qop_auth = get_param(line, "qop", value, sizeof(value)) &&
			 strstr(value, "auth");
	*stale = get_param(line, "stale", value, sizeof(value)) &&
		 strcasecmp(value, "true") == 0;
	phone->nc = 0;
	site_ha1(site, site->realm, site->first + phone->index, phone->ha1);
	return true;
}

bool phone_take_challenge(struct phone *phone, struct site *site,
	const char *msg, bool *stale)
{
	static const char name[] = "\r\nWWW-Authenticate: Digest";
	char line[512];

	for (const char *s = msg; (s = strcasestr(s, name));) {
		s += strlen(name);
		size_t len = strcspn(s, "\r\n");
		if (len >= sizeof(line) || (*s != ' ' && *s != '\t'))
			continue;
		memcpy(line, s, len);
		line[len] = '\0';
		if (take_line(phone, site, line, stale))
			return true;
	}
	return false;
}

bool phone_accepts(const struct phone *phone, const struct site *site,
	const char *msg)
{
	uint32_t ext = site->first + phone->index;
	char want[4][128];

	snprintf(want[0], sizeof(want[0]), "\r\nCall-ID: rl%u@127.0.0.1\r\n",
		ext);
	snprintf(want[1], sizeof(want[1]), "\r\nCSeq: %u REGISTER\r\n",
		phone->cseq);
	snprintf(want[2], sizeof(want[2]), ";tag=rl%u\r\n", ext);
	snprintf(want[3], sizeof(want[3]), "<sip:%u@%s>;", ext, site->address);
	for (int i = 0; i < 4; i++)
		if (!strstr(msg, want[i]))
			return false;
	const char *expires = strstr(msg, ";expires=");
	return expires && strtoul(expires + 9, NULL, 10) > 0;
}
