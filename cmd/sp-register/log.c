/* The server's log: one line of key=value pairs on standard error. */
#include "cmd/sp-register/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"

static const char *const LEVELS[] = {"error", "warn", "info", "debug"};

struct line {
	char text[2048];
	size_t len;
};

static void put_char(struct line *l, char c)
{
	if (l->len < sizeof l->text - 1) /* a place is kept for the line end */
		l->text[l->len++] = c;
}

static void put_text(struct line *l, const char *text)
{
	while (*text != '\0')
		put_char(l, *text++);
}

static bool is_plain(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '=')
			return false;
	return value[0] != '\0';
}

static void put_value(struct line *l, const char *value)
{
	char hex[8];

	if (is_plain(value)) {
		put_text(l, value);
		return;
	}
	put_char(l, '"');
	for (const char *p = value; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\') {
			put_char(l, '\\');
			put_char(l, *p);
		} else if (c < ' ' || c >= 0x7f) {
			snprintf(hex, sizeof hex, "\\x%02x", c);
			put_text(l, hex);
		} else {
			put_char(l, *p);
		}
	}
	put_char(l, '"');
}

static void put_field(struct line *l, const char *key, const char *value)
{
	if (value == NULL)
		return;
	if (l->len > 0)
		put_char(l, ' ');
	put_text(l, key);
	put_char(l, '=');
	put_value(l, value);
}

/* A flood of bad requests must not become a flood of lines. */
static bool is_suppressed(struct log *log, int64_t second)
{
	if (second != log->second) {
		log->second = second;
		log->warned = 0;
	}
	if (log->warned++ < LOG_WARN_PER_S)
		return false;
	log->suppressed++;
	return true;
}

void log_write(struct log *log, enum log_level level, const char *message,
	const struct log_field *fields)
{
	char time[SP_TIME_TEXT], count[16];
	int64_t now_ms = sp_clock_now_ms();
	struct line l = {.len = 0};

	if (level > log->level ||
		(level == LOG_WARN && is_suppressed(log, now_ms / 1000)))
		return;
	sp_clock_format(now_ms, time);
	put_field(&l, "time", time);
	put_field(&l, "level", LEVELS[level]);
	put_field(&l, "msg", message);
	for (; fields->key != NULL; fields++)
		put_field(&l, fields->key, fields->value);
	if (log->suppressed > 0) {
		snprintf(count, sizeof count, "%d", log->suppressed);
		put_field(&l, "suppressed", count);
		log->suppressed = 0;
	}
	l.text[l.len++] = '\n';
	/* One write: lines of several processes do not mix. */
	if (write(STDERR_FILENO, l.text, l.len) < 0)
		return; /* nowhere to tell */
}
