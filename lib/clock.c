/* Time: clocks, and the texts of moments and durations. */
#include "lib/clock.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
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

static int64_t read_clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t sp_clock_now_ms(void)
{
	return read_clock_us(CLOCK_REALTIME) / 1000;
}

int64_t sp_clock_monotonic_us(void)
{
	return read_clock_us(CLOCK_MONOTONIC);
}

int64_t sp_clock_monotonic_ms(void)
{
	return sp_clock_monotonic_us() / 1000;
}

/* Downwards before 1970 too. */
static time_t whole_seconds(int64_t time_ms)
{
	return (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
}

void sp_clock_format(int64_t time_ms, char out[SP_TIME_TEXT])
{
	time_t s = whole_seconds(time_ms);
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL ||
		strftime(out, SP_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, SP_TIME_TEXT, "%" PRId64 "ms", time_ms);
}

/* ---- durations --------------------------------------------------------- */

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

void sp_span_format(int64_t span_ms, char out[SP_TIME_TEXT])
{
	const int64_t s = span_ms < 0 ? 0 : span_ms / 1000;
	const struct {
		int64_t n;
		char unit;
	} parts[] = {{s / 3600, 'h'}, {s / 60 % 60, 'm'}, {s % 60, 's'}};
	size_t used = 0;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (parts[i].n != 0 || (parts[i].unit == 's' && used == 0))
			used += (size_t)snprintf(out + used,
				SP_TIME_TEXT - used, "%s%" PRId64 "%c",
				used == 0 ? "" : " ", parts[i].n,
				parts[i].unit);
}

/* ---- moments ----------------------------------------------------------- */

/* A moment while its text is read. */
struct reading {
	const char *at; /* what is still to be read */
	struct tm tm;
	int64_t fraction_ms;
	int64_t east_s; /* of UTC; only with has_zone */
	bool has_zone;
};

/* Reads by a format of strptime(3), which alone would also take white space
 * and 7 for 07: `shape` has a 0 for a digit, else what must stand there.
 * Returns false, and then tm may be half set. */
static bool read_fields(const char **at, const char *shape, const char *format,
	struct tm *tm)
{
	const char *text = *at, *end;

	for (size_t i = 0; shape[i] != '\0'; i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text[i])
				    : text[i] != shape[i])
			return false;
	end = strptime(text, format, tm);
	if (end == NULL)
		return false;
	*at = end;
	return true;
}

/* No February 30. */
static bool is_date(struct tm tm)
{
	int day = tm.tm_mday;

	return timegm(&tm) != (time_t)-1 && tm.tm_mday == day;
}

static bool read_fraction(struct reading *r)
{
	int64_t digit_ms = 100;

	if (*r->at != '.')
		return true;
	if (!isdigit((unsigned char)*++r->at))
		return false;
	for (; isdigit((unsigned char)*r->at); r->at++) {
		r->fraction_ms += (*r->at - '0') * digit_ms;
		digit_ms /= 10;
	}
	return true;
}

static bool read_time(struct reading *r)
{
	if (read_fields(&r->at, "00:00:00", "%H:%M:%S", &r->tm))
		return read_fraction(r);
	return read_fields(&r->at, "00:00", "%H:%M", &r->tm);
}

static bool read_zone(struct reading *r)
{
	struct tm offset = {.tm_hour = 0};
	char sign = *r->at;

	if (sign == '\0')
		return true;
	r->has_zone = true;
	r->at++;
	if (sign == 'Z' || sign == 'z')
		return true;
	if ((sign != '+' && sign != '-') ||
		!read_fields(&r->at, "00:00", "%H:%M", &offset))
		return false;
	r->east_s = offset.tm_hour * 3600 + offset.tm_min * 60;
	if (sign == '-')
		r->east_s = -r->east_s;
	return true;
}

/* today, tomorrow, yesterday, or nothing, which is today with the time. */
static bool read_named_day(struct reading *r)
{
	static const struct {
		const char *name;
		int days;
	} DAYS[] = {{"today", 0}, {"tomorrow", 1}, {"yesterday", -1}};

	for (size_t i = 0; i < sizeof DAYS / sizeof DAYS[0]; i++) {
		size_t len = strlen(DAYS[i].name);

		if (strncmp(r->at, DAYS[i].name, len) != 0)
			continue;
		r->at += len;
		r->tm.tm_mday += DAYS[i].days;
		if (*r->at == '\0')
			return true;
		return *r->at++ == ' ' && read_time(r);
	}
	return read_time(r);
}

static bool read_day(struct reading *r)
{
	if (!read_fields(&r->at, "0000-00-00", "%Y-%m-%d", &r->tm))
		return read_named_day(r);
	if (!is_date(r->tm))
		return false;
	if (*r->at == '\0')
		return true;
	return strchr("Tt ", *r->at++) != NULL && read_time(r) && read_zone(r);
}

/* Returns false when it is none: a leap second is the last of a day in UTC,
 * and a time_t may be too short. */
static bool to_ms(struct reading *r, int64_t *out_ms)
{
	int second = r->tm.tm_sec;
	int64_t s;

	r->tm.tm_isdst = -1;
	r->tm.tm_wday = -1; /* to see whether it is computed */
	s = r->has_zone ? timegm(&r->tm) - r->east_s : mktime(&r->tm);
	if (r->tm.tm_wday < 0 || (second >= 60 && s % 86400 != 0))
		return false;
	*out_ms = s * 1000 + r->fraction_ms;
	return true;
}

static bool parse_calendar(const char *text, int64_t now_ms, int64_t *out_ms)
{
	struct reading r = {.at = text};
	time_t now = whole_seconds(now_ms);

	tzset(); /* POSIX lets localtime_r do without */
	if (localtime_r(&now, &r.tm) == NULL)
		return false;
	r.tm.tm_hour = r.tm.tm_min = r.tm.tm_sec = 0;
	return read_day(&r) && *r.at == '\0' && to_ms(&r, out_ms);
}

static bool parse_relative(const char *text, int64_t now_ms, int64_t *out_ms)
{
	struct sp_err ignored; /* the caller's sentence says more */
	int64_t ms;

	if (sp_duration_parse(text + 1, &ms, &ignored) != 0)
		return false;
	*out_ms = text[0] == '-' ? now_ms - ms : now_ms + ms;
	return true;
}

int sp_time_parse(const char *text, int64_t now_ms, int64_t *out_ms,
	struct sp_err *err)
{
	bool ok = true;

	if (strcmp(text, "now") == 0)
		*out_ms = now_ms;
	else if (text[0] == '+' || text[0] == '-')
		ok = parse_relative(text, now_ms, out_ms);
	else
		ok = parse_calendar(text, now_ms, out_ms);
	if (!ok)
		return sp_err_set(err, SP_DATA,
			"'%.40s' is not a time (like 2026-12-24 18:00, "
			"2026-12-24T18:00:00Z, 09:00, tomorrow 09:00, now, "
			"+2h, -30d)",
			text);
	return 0;
}
