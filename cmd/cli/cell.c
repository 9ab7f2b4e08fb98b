/* The text of one cell: UTF-8, control characters, columns on a terminal. */
#include "cmd/cli/cell.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lib/text.h"

/* Bytes of the UTF-8 sequence at text, which is not empty; 0 if it is none. */
static size_t sequence_length(const char *text)
{
	size_t len;

	if ((unsigned char)*text < 0x80)
		return 1;
	len = strnlen(text, 4);
	for (size_t n = 2; n <= len; n++)
		if (sp_text_is_utf8(text, n))
			return n;
	return 0;
}

/* Columns that one character takes, -1 for a control character. */
static int character_width(const char *text, size_t len)
{
	mbstate_t state = {0};
	wchar_t wide;

	if (len == 1)
		return text[0] >= ' ' && text[0] <= '~' ? 1 : -1;
	if (mbrtowc(&wide, text, len, &state) != len)
		return 1; /* there is no UTF-8 locale */
	return wcwidth(wide);
}

char *sp_cell_clean(const char *text, bool without_controls)
{
	char *copy = malloc(strlen(text) + 1), *out = copy;

	while (copy != NULL && *text != '\0') {
		size_t n = sequence_length(text);

		if (n == 0 ||
			(without_controls && character_width(text, n) < 0)) {
			*out++ = '?';
		} else {
			memcpy(out, text, n);
			out += n;
		}
		text += n == 0 ? 1 : n;
	}
	if (copy != NULL)
		*out = '\0';
	return copy;
}

/* Bytes at the beginning that fit into `room` columns; sets *width to those
 * they take. */
static size_t measure(const char *text, int room, int *width)
{
	size_t len = 0;

	*width = 0;
	while (text[len] != '\0') {
		size_t n = sequence_length(text + len);
		int w = character_width(text + len, n);

		if (w > room - *width)
			break;
		*width += w;
		len += n;
	}
	return len;
}

int sp_cell_width(const char *text)
{
	int width;

	measure(text, INT_MAX, &width);
	return width;
}

size_t sp_cell_fit(const char *text, int room, int *width)
{
	size_t len = measure(text, room, width);

	if (text[len] == '\0')
		return len;
	len = measure(text, room - 1, width);
	*width += 1;
	return len;
}
