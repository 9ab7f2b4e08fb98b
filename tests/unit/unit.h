/* Unit programs: one line "ok N - name" or "not ok N - name: got..., expected
 * ..." for each check, the plan "1..N" at the end. */
#ifndef SP_TESTS_UNIT_UNIT_H
#define SP_TESTS_UNIT_UNIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct unit {
	int n, failed; /* zero at the start: struct unit u = {0}; */
};

/* One line of output must stay one, whatever is in the text. */
static inline void unit_put(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20)
			printf("\\x%02x", (unsigned)*text);
		else
			putchar(*text);
}

static inline void unit_quote(const char *text)
{
	if (text == NULL) {
		printf("NULL");
		return;
	}
	putchar('\'');
	unit_put(text);
	putchar('\'');
}

/* Begins the line of the next check; its end is the caller's. */
static inline void unit_report(struct unit *u, bool ok, const char *name)
{
	u->n++;
	u->failed += !ok;
	printf("%s %d - ", ok ? "ok" : "not ok", u->n);
	unit_put(name);
}

/* Is `ok` true? The name is a format with its arguments. */
__attribute__((format(printf, 3, 4))) static inline bool unit_ok(struct unit *u,
	bool ok, const char *format, ...)
{
	char name[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(name, sizeof name, format, ap);
	va_end(ap);
	unit_report(u, ok, name);
	printf("\n");
	return ok;
}

/* Are the two texts equal? NULL equals only NULL. */
static inline bool unit_str(struct unit *u, const char *got,
	const char *expected, const char *name)
{
	bool ok = got == NULL || expected == NULL ? got == expected
						  : strcmp(got, expected) == 0;

	unit_report(u, ok, name);
	if (!ok) {
		printf(": got ");
		unit_quote(got);
		printf(", expected ");
		unit_quote(expected);
	}
	printf("\n");
	return ok;
}

static inline bool unit_int(struct unit *u, int64_t got, int64_t expected,
	const char *name)
{
	bool ok = got == expected;

	unit_report(u, ok, name);
	if (!ok)
		printf(": got %lld, expected %lld", (long long)got,
			(long long)expected);
	printf("\n");
	return ok;
}

/* Prints the plan. Returns the exit status: 1 when a check has failed. */
static inline int unit_done(const struct unit *u)
{
	printf("1..%d\n", u->n);
	return u->failed != 0;
}

#endif
