/* Time: clocks, and the texts of moments and durations. */
#include "lib/clock.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From the longest down, as sp_duration_format wants it. */
static const struct unit {
	const char *name;
	int64_t ms;
} UNITS[] = {
	{"w", 604800000},
	{"d", 86400000},
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};

enum { N_UNITS = sizeof UNITS / sizeof UNITS[0] };
static const int64_t LONGEST_MS = INT64_C(36525) * 86400000;

static int64_t read_clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t sp_clock_now_ms(void)
{
	return read_clock_ms(CLOCK_REALTIME);
}

int64_t sp_clock_monotonic_ms(void)
{
	return read_clock_ms(CLOCK_MONOTONIC);
}

void sp_clock_format(int64_t time_ms, char out[SP_TIME_TEXT])
{
	/* Downwards before 1970 too. */
	time_t s = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL ||
		strftime(out, SP_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, SP_TIME_TEXT, "%" PRId64 "ms", time_ms);
}

static int64_t unit_ms(const char *name)
{
	for (int i = 0; i < N_UNITS; i++)
		if (strcmp(UNITS[i].name, name) == 0)
			return UNITS[i].ms;
	return 0;
}

int sp_duration_parse(const char *text, int64_t *out_ms, struct sp_err *err)
{
	char *end;
	long long n;
	int64_t unit;

	errno = 0;
	n = isdigit((unsigned char)text[0]) ? strtoll(text, &end, 10) : -1;
	if (n == 0 && *end == '\0') {
		*out_ms = 0;
		return 0;
	}
	unit = n < 0 ? 0 : unit_ms(end);
	if (unit == 0)
		return sp_err_set(err, SP_DATA,
			"'%.40s' is not a duration (like 15s, 20m, 30d)", text);
	if (errno != 0 || n > LONGEST_MS / unit)
		return sp_err_set(err, SP_DATA,
			"duration '%.40s' is longer than 100 years", text);
	*out_ms = n * unit;
	return 0;
}

void sp_duration_format(int64_t duration_ms, char out[SP_TIME_TEXT])
{
	int i = 0;

	while (i < N_UNITS - 1 &&
		(duration_ms == 0 || duration_ms % UNITS[i].ms != 0))
		i++;
	if (duration_ms == 0)
		snprintf(out, SP_TIME_TEXT, "0");
	else
		snprintf(out, SP_TIME_TEXT, "%" PRId64 "%s",
			duration_ms / UNITS[i].ms, UNITS[i].name);
}
