/* Where a SIP message ends in a stream. */
#include "cmd/sp-register/frame.h"

#include <stdint.h>
#include <string.h>

#include "cmd/sp-register/sipmsg.h"

static enum frame line_ends(const char *data, size_t size, size_t *len)
{
	/* Half a ping, perhaps, or what phones send behind a message. */
	if (memcmp(data, "\r\n\r\n", size < 4 ? size : 4) == 0) {
		*len = 4;
		return size < 4 ? FRAME_MORE : FRAME_PING;
	}
	*len = 2;
	return size >= 2 && memcmp(data, "\r\n", 2) == 0 ? FRAME_BLANK
							 : FRAME_BAD;
}

/* The value of a Content-Length line, at NULL for any other. */
static struct sip_slice length_value(struct sip_slice line)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct sip_slice name = {line.at, 0}, value = {NULL, 0};

	if (colon == NULL)
		return value;
	name.len = (size_t)(colon - line.at);
	while (name.len > 0 &&
		(name.at[name.len - 1] == ' ' || name.at[name.len - 1] == '\t'))
		name.len--;
	if (!sipmsg_slice_is_nocase(name, "Content-Length") &&
		!sipmsg_slice_is_nocase(name, "l"))
		return value;
	value.at = colon + 1;
	value.len = line.len - (size_t)(value.at - line.at);
	while (value.len > 0 && (*value.at == ' ' || *value.at == '\t')) {
		value.at++;
		value.len--;
	}
	while (value.len > 0 && (value.at[value.len - 1] == ' ' ||
					value.at[value.len - 1] == '\t'))
		value.len--;
	return value;
}

/* The number in the head's only Content-Length, or -1. Others, our scanner
 * among them, take LF alone for a line's end, too, and would see other
 * headers. */
static int64_t content_length(const char *head, size_t size, size_t max)
{
	int64_t length = -1;
	const char *end;

	for (const char *at = head; at < head + size; at = end + 2) {
		struct sip_slice line = {at, 0}, value;

		end = memmem(at, size - (size_t)(at - head), "\r\n", 2);
		line.len = (size_t)(end - at);
		if (memchr(line.at, '\n', line.len) != NULL)
			return -1;
		value = length_value(line);
		if (value.at == NULL)
			continue;
		if (length >= 0)
			return -1;
		length = sipmsg_number(value, (int64_t)max);
		if (length < 0)
			return -1;
	}
	return length;
}

enum frame frame_next(const char *data, size_t size, size_t max, size_t *len)
{
	const char *end;
	int64_t body;
	size_t head;

	if (size == 0)
		return FRAME_MORE;
	if (data[0] == '\r' || data[0] == '\n')
		return line_ends(data, size, len);
	end = memmem(data, size < max ? size : max, "\r\n\r\n", 4);
	if (end == NULL)
		return size < max ? FRAME_MORE : FRAME_BAD;
	head = (size_t)(end - data) + 2; /* with the last line's end */
	body = content_length(data, head, max);
	if (body < 0 || head + 2 + (size_t)body > max)
		return FRAME_BAD;
	*len = head + 2 + (size_t)body;
	return size >= *len ? FRAME_MESSAGE : FRAME_MORE;
}
