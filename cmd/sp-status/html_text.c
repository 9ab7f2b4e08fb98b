/* sp-status --html: text that stays text, whoever wrote it. */
#include <stdbool.h>
#include <string.h>

#include "cmd/sp-status/html.h"
#include "lib/text.h"

/* U+FFFD, for what cannot be shown. */
static const char REPLACEMENT[] = "\xef\xbf\xbd";

/* How many bytes the character has that `at` begins with; 0: it is none. */
static size_t character(const char *at)
{
	size_t left = strnlen(at, 4);

	for (size_t len = 1; len <= left; len++)
		if (sp_text_is_utf8(at, len))
			return len;
	return 0;
}

static bool is_control(const char *at, size_t len)
{
	unsigned char c = (unsigned char)at[0];

	return (len == 1 && (c < 0x20 || c == 0x7f)) ||
	       (len == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0);
}

static const char *entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void html_put(FILE *file, const char *text)
{
	while (*text != '\0') {
		size_t len = character(text);

		if (len == 0 || is_control(text, len))
			fputs(REPLACEMENT, file);
		else if (entity(*text) != NULL)
			fputs(entity(*text), file);
		else
			fwrite(text, 1, len, file);
		text += len == 0 ? 1 : len;
	}
}

/* U+2028 and U+2029 end a line for older readers of JavaScript. */
static bool must_be_escaped(const char *at, size_t len)
{
	return is_control(at, len) || strchr("<>&\"\\", *at) != NULL ||
	       (len == 3 && memcmp(at, "\xe2\x80", 2) == 0 &&
		       ((unsigned char)at[2] & 0xfe) == 0xa8);
}

static unsigned code_point(const char *at, size_t len)
{
	const unsigned char *s = (const unsigned char *)at;

	switch (len) {
	case 1: return s[0];
	case 2: return (s[0] & 0x1fU) << 6 | (s[1] & 0x3fU);
	default:
		return (s[0] & 0xfU) << 12 | (s[1] & 0x3fU) << 6 |
		       (s[2] & 0x3fU);
	}
}

void html_put_json(FILE *file, const char *text)
{
	if (text == NULL) {
		fputs("null", file);
		return;
	}
	putc('"', file);
	while (*text != '\0') {
		size_t len = character(text);

		if (len == 0)
			fputs(REPLACEMENT, file);
		else if (must_be_escaped(text, len))
			fprintf(file, "\\u%04x", code_point(text, len));
		else
			fwrite(text, 1, len, file);
		text += len == 0 ? 1 : len;
	}
	putc('"', file);
}
