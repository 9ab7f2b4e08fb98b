/* Text put together, for messages made by hand. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *at, *end;
};

/* Appends strings up to a NULL; what does not fit is cut off. */
__attribute__((sentinel)) void text_put(struct text *t, ...);

/* Appends n bytes, as far as they fit. */
void text_add(struct text *t, const char *s, size_t n);

/* Writes v in decimal and returns the buffer. */
const char *text_decimal(uint32_t v, char buf[11]);

/* Writes v as eight hexadecimal digits and returns the buffer. */
const char *text_hex32(uint32_t v, char buf[9]);

/* Writes n bytes as 2 * n hexadecimal digits and a NUL. */
void text_hex(const unsigned char *bytes, size_t n, char *out);

#endif
