/* The server's log: one line of key=value pairs on standard error. */
#ifndef SP_REGISTER_LOG_H
#define SP_REGISTER_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_WARN_PER_S = 20 }; /* more in one second are counted, not written */

struct log {
	enum log_level level; /* what is less urgent is left out */
	int64_t second;       /* of the warnings counted below */
	int warned, suppressed;
};

/* A value with anything but printable ASCII without space, quote, = in it is
 * quoted, and what is dangerous to a terminal or a log reader escaped. */
struct log_field {
	const char *key, *value;
};

/* Writes time, level, message (one word) and the fields up to a key of NULL.
 * A value of NULL leaves the field out. */
void log_write(struct log *log, enum log_level level, const char *message,
	const struct log_field *fields);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {0, 0}})

#endif
