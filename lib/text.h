/* Small questions about text that more than one noun asks. */
#ifndef SP_LIB_TEXT_H
#define SP_LIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool sp_text_is_utf8(const char *text, size_t len);

/* One or more ASCII digits and nothing else. */
bool sp_text_is_digits(const char *text);

/* A host or domain name, an IPv4 address, or an IPv6 one in brackets: `host`
 * of RFC 3261 §25.1, and names that begin with a digit. */
bool sp_text_is_host(const char *text, size_t len);

/* sip:[user@]host[:port][;parameters][?headers], or sips: enough of RFC 3261
 * §25.1 to refuse what a parser might take in parts, or what would not stand
 * between < and >. */
bool sp_text_is_sip_uri(const char *text);

/* Reads a whole decimal number from min to max. Returns false otherwise. */
bool sp_text_to_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* Copies; fails with SP_DATA "WHAT is longer than N bytes" when it does not
 * fit into out_size with its NUL. */
int sp_text_copy(char *out, size_t out_size, const char *text, const char *what,
	struct sp_err *err);

/* Is `part` somewhere in `text`, in upper or lower case? Both are UTF-8. */
bool sp_text_has(const char *text, const char *part);

/* Is one the other with a slip of the finger: a character more, less, another,
 * two exchanged; or with letters in another case (ASCII)? */
bool sp_text_is_near(const char *a, const char *b);

/* For telling texts apart on this machine, where it does no harm that others
 * can make two that are alike. */
uint64_t sp_text_hash(const void *data, size_t len);

#endif
