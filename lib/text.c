/* Small questions about text that more than one noun asks. */
#include "lib/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wctype.h>

/* Length of the well-formed sequence at s, 0 if there is none (Unicode,
 * table 3-7). */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (len < n || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool sp_text_is_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	while (len > 0) {
		size_t n = utf8_sequence(s, len);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

bool sp_text_is_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-';
}

static bool is_address(int family, const char *text, size_t len)
{
	char ip[INET6_ADDRSTRLEN];
	struct in6_addr addr; /* the larger of the two */

	if (len >= sizeof ip || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(ip, text, len);
	ip[len] = '\0';
	return inet_pton(family, ip, &addr) == 1;
}

/* Digits with dots: an IPv4 address, or a mistyped one. */
static bool is_dotted(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '.' && (text[i] < '0' || text[i] > '9'))
			return false;
	return memchr(text, '.', len) != NULL;
}

static bool is_name(const char *text, size_t len)
{
	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool first = i == 0 || text[i - 1] == '.';
		bool last = i + 1 == len || text[i + 1] == '.';

		if (text[i] == '.' ? first : !is_label_char(text[i]))
			return false;
		if (text[i] == '-' && (first || last))
			return false;
	}
	return true;
}

bool sp_text_is_host(const char *text, size_t len)
{
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
		return is_address(AF_INET6, text + 1, len - 2);
	return is_dotted(text, len) ? is_address(AF_INET, text, len)
				    : is_name(text, len);
}

/* ":5060" and what may stand behind it, or only that. */
static bool is_uri_tail(const char *tail)
{
	char digits[6];
	int64_t port;
	size_t n;

	if (*tail == ':') {
		n = strcspn(++tail, ";?");
		if (n >= sizeof digits)
			return false;
		memcpy(digits, tail, n);
		digits[n] = '\0';
		if (!sp_text_to_int(digits, 1, 65535, &port))
			return false;
		tail += n;
	}
	return (*tail == '\0' || *tail == ';' || *tail == '?') &&
	       strchr(tail, '@') == NULL;
}

bool sp_text_is_sip_uri(const char *text)
{
	size_t scheme = strncasecmp(text, "sip:", 4) == 0    ? 4
			: strncasecmp(text, "sips:", 5) == 0 ? 5
							     : 0;
	const char *rest = text + scheme, *at = strchr(rest, '@');
	const char *host = at == NULL ? rest : at + 1;
	size_t len =
		host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;?");

	if (scheme == 0 || at == rest)
		return false;
	for (const char *p = rest; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ||
			strchr("<>\"", *p) != NULL)
			return false;
	return len <= strlen(host) && sp_text_is_host(host, len) &&
	       is_uri_tail(host + len);
}

bool sp_text_to_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	long long n;

	if (!sp_text_is_digits(text))
		return false;
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno != 0 || n < min || n > max)
		return false;
	*out = n;
	return true;
}

int sp_text_copy(char *out, size_t out_size, const char *text, const char *what,
	struct sp_err *err)
{
	size_t len = strlen(text);

	if (len >= out_size)
		return sp_err_set(err, SP_DATA, "%s is longer than %zu bytes",
			what, out_size - 1);
	memcpy(out, text, len + 1);
	return 0;
}

enum { NO_CHARACTER = 0x110000 }; /* behind the last of Unicode */

/* The character at *text; moves behind it. A byte that belongs to none is like
 * no character. */
static wint_t next_character(const char **text)
{
	static const unsigned char MASKS[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *s = (const unsigned char *)*text;
	size_t n = utf8_sequence(s, strnlen(*text, 4));
	wint_t c = s[0] & MASKS[n];

	if (n == 0) {
		++*text;
		return NO_CHARACTER + s[0];
	}
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	*text += n;
	return c;
}

/* *utf8 is a locale for all but ASCII: made when it is needed, which is
 * seldom, since it takes longer than all else; the caller's to free. */
static bool is_alike(wint_t a, wint_t b, locale_t *utf8)
{
	if (a == b)
		return true;
	if (a < 0x80 || b < 0x80)
		return a < 0x80 && b < 0x80 &&
		       tolower((int)a) == tolower((int)b);
	if (*utf8 == (locale_t)0)
		*utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return *utf8 != (locale_t)0 &&
	       towlower_l(a, *utf8) == towlower_l(b, *utf8);
}

static bool begins_with(const char *text, const char *part, locale_t *utf8)
{
	while (*part != '\0')
		if (*text == '\0' || !is_alike(next_character(&text),
					     next_character(&part), utf8))
			return false;
	return true;
}

bool sp_text_has(const char *text, const char *part)
{
	locale_t utf8 = (locale_t)0;
	bool found = begins_with(text, part, &utf8);

	while (!found && *text != '\0') {
		next_character(&text);
		found = begins_with(text, part, &utf8);
	}
	if (utf8 != (locale_t)0)
		freelocale(utf8);
	return found;
}

static bool is_same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Behind the same beginning and before the same end, what is left of both is
 * one character at most, or two that have been exchanged. */
bool sp_text_is_near(const char *a, const char *b)
{
	size_t a_len, b_len;

	for (; *a != '\0' && is_same_letter(*a, *b); a++)
		b++;
	a_len = strlen(a);
	b_len = strlen(b);
	while (a_len > 0 && b_len > 0 &&
		is_same_letter(a[a_len - 1], b[b_len - 1])) {
		a_len--;
		b_len--;
	}
	return (a_len <= 1 && b_len <= 1) ||
	       (a_len == 2 && b_len == 2 && is_same_letter(a[0], b[1]) &&
		       is_same_letter(a[1], b[0]));
}

/* A product spreads each bit to the left only: the shift brings it back. */
static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

uint64_t sp_text_hash(const void *data, size_t len)
{
	const char *p = data;
	uint64_t h = 0, word;
	size_t left = len;

	for (; left >= sizeof word; p += sizeof word, left -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = mix(h, word);
	}
	word = 0;
	if (left > 0) /* data may be NULL without any */
		memcpy(&word, p, left);
	return mix(mix(h, word), len);
}
