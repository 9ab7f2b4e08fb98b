/* Plain forms of URI, address and Via: read without libosip2. */
#include "cmd/sp-register/plain.h"

#include <string.h>
#include <strings.h>

#include "lib/text.h"

enum { MAX_PARAMS = 8 }; /* within SIP_MAX_MARKS for URI and header together */

static bool take_char(struct sip_slice *rest, char c)
{
	if (rest->len == 0 || rest->at[0] != c)
		return false;
	rest->at++;
	rest->len--;
	return true;
}

/* Letters, digits, and marks that mean nothing wherever they stand. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' ||
	       c == '+';
}

static bool take_word(struct sip_slice *rest, struct sip_slice *word)
{
	*word = (struct sip_slice){rest->at, 0};
	while (word->len < rest->len && is_plain(rest->at[word->len]))
		word->len++;
	if (word->len == 0) /* perhaps of a slice that is none */
		return false;
	rest->at += word->len;
	rest->len -= word->len;
	return true;
}

/* Of nothing but words with spaces, colons or the brackets of an instance-id
 * between. */
static bool take_quoted(struct sip_slice *rest)
{
	struct sip_slice word;

	if (!take_char(rest, '"'))
		return false;
	while (take_word(rest, &word) || take_char(rest, ' ') ||
		take_char(rest, ':') || take_char(rest, '<') ||
		take_char(rest, '>'))
		;
	return take_char(rest, '"');
}

static bool are_params(struct sip_slice rest, bool may_quote)
{
	struct sip_slice word;

	for (int n = 0; rest.len > 0; n++) {
		if (n == MAX_PARAMS || !take_char(&rest, ';') ||
			!take_word(&rest, &word))
			return false;
		if (take_char(&rest, '=') && !take_word(&rest, &word) &&
			!(may_quote && take_quoted(&rest)))
			return false;
	}
	return true;
}

static bool take_port(struct sip_slice *rest, int *port)
{
	struct sip_slice digits;

	if (!take_char(rest, ':'))
		return true;
	if (!take_word(rest, &digits) || digits.len > 5)
		return false;
	*port = (int)sipmsg_number(digits, 65535);
	return *port > 0;
}

static bool copy(struct sip_slice from, char *to, size_t size)
{
	if (from.len >= size)
		return false;
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
	return true;
}

static bool copy_host(struct sip_slice from, char *to, size_t size)
{
	return sp_text_is_host(from.at, from.len) && copy(from, to, size);
}

bool plain_uri(struct sip_slice text, struct sip_uri *uri)
{
	struct sip_slice scheme, rest = text, user = {"", 0}, host;

	if (!take_word(&rest, &scheme) || !take_char(&rest, ':') ||
		!take_word(&rest, &host))
		return false;
	uri->is_sips = sipmsg_slice_is_nocase(scheme, "sips");
	if (!uri->is_sips && !sipmsg_slice_is_nocase(scheme, "sip"))
		return false;
	if (take_char(&rest, '@')) {
		user = host;
		take_word(&rest, &host);
	}
	uri->port = 0;
	return take_port(&rest, &uri->port) && are_params(rest, false) &&
	       copy(user, uri->user, sizeof uri->user) &&
	       copy_host(host, uri->host, sizeof uri->host);
}

bool plain_address(struct sip_slice value, struct sip_slice *text,
	struct sip_uri *uri)
{
	const char *end;

	if (take_quoted(&value))
		take_char(&value, ' ');
	if (!take_char(&value, '<'))
		return false;
	end = memchr(value.at, '>', value.len);
	if (end == NULL)
		return false;
	*text = (struct sip_slice){value.at, (size_t)(end - value.at)};
	value.at = end + 1;
	value.len -= text->len + 1;
	return plain_uri(*text, uri) && are_params(value, true);
}

bool plain_via(struct sip_slice rest, struct sip_via *via)
{
	static const char PROTOCOL[] = "SIP/2.0/";
	const size_t n = sizeof PROTOCOL - 1;
	struct sip_slice transport, host;

	if (rest.len < n || memcmp(rest.at, PROTOCOL, n) != 0)
		return false;
	rest.at += n;
	rest.len -= n;
	via->port = 5060;
	return take_word(&rest, &transport) && take_char(&rest, ' ') &&
	       take_word(&rest, &host) && take_port(&rest, &via->port) &&
	       rest.len == 0 && copy_host(host, via->host, sizeof via->host);
}
