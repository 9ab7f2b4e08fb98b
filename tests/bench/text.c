/* Text put together: see text.h. */
#include "tests/bench/text.h"

#include <stdarg.h>
#include <string.h>

void text_add(struct text *t, const char *s, size_t n)
{
	size_t room = (size_t)(t->end - t->at);

	if (n > room)
		n = room;
	memcpy(t->at, s, n);
	t->at += n;
}

void text_put(struct text *t, ...)
{
	va_list ap;

	va_start(ap, t);
	for (const char *s; (s = va_arg(ap, const char *));)
		text_add(t, s, strlen(s));
	va_end(ap);
}

const char *text_decimal(uint32_t v, char buf[11])
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

void text_hex(const unsigned char *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = "0123456789abcdef"[bytes[i] >> 4];
		*out++ = "0123456789abcdef"[bytes[i] & 15];
	}
	*out = '\0';
}

const char *text_hex32(uint32_t v, char buf[9])
{
	const unsigned char bytes[] = {(unsigned char)(v >> 24),
		(unsigned char)(v >> 16), (unsigned char)(v >> 8),
		(unsigned char)v};

	text_hex(bytes, sizeof(bytes), buf);
	return buf;
}
