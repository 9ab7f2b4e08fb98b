/* Where a SIP message ends in a stream (RFC 3261 §18.3): pure. */
#ifndef SP_REGISTER_FRAME_H
#define SP_REGISTER_FRAME_H

#include <stddef.h>

enum frame {
	FRAME_MORE,    /* its end is not here yet */
	FRAME_MESSAGE, /* *len bytes from the start are a message */
	FRAME_PING,    /* *len bytes are a keep-alive that wants a pong */
	FRAME_BLANK,   /* *len bytes are line ends that want nothing */
	FRAME_BAD,     /* nobody can tell where it ends */
};

/* Looks at what has come. Strict, since a wrong guess would read one person's
 * body as another's request: lines end in CR LF, there is exactly one
 * Content-Length (or l), a plain number, and all fits into `max` bytes. CR LF
 * CR LF between messages is a ping (RFC 5626 §3.5.1). */
enum frame frame_next(const char *data, size_t size, size_t max, size_t *len);

#endif
