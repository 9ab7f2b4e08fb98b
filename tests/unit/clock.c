/* lib/clock: durations and moments as text. */
#include "lib/clock.h"

#include <stdlib.h>
#include <time.h>

#include "tests/unit/unit.h"

#define DAY_MS INT64_C(86400000)

static void check_durations(struct unit *u)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"0", 0},
		{"000", 0},
		{"0s", 0},
		{"0w", 0},
		{"1ms", 1},
		{"999ms", 999},
		{"1s", 1000},
		{"15s", 15000},
		{"007s", 7000},
		{"90s", 90000},
		{"20m", 1200000},
		{"36h", 129600000},
		{"30d", 30 * DAY_MS},
		{"2w", 14 * DAY_MS},
		/* 100 years, in every unit. */
		{"5217w", 36519 * DAY_MS},
		{"36525d", 36525 * DAY_MS},
		{"876600h", 36525 * DAY_MS},
		{"52596000m", 36525 * DAY_MS},
		{"3155760000s", 36525 * DAY_MS},
		{"3155760000000ms", 36525 * DAY_MS},
	};
	struct sp_err err = {.msg = ""};
	int64_t ms;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ms = -1;
		unit_int(u, sp_duration_parse(cases[i].text, &ms, &err), 0,
			cases[i].text);
		unit_int(u, ms, cases[i].ms, "  in milliseconds");
	}
}

#define NO_DURATION "' is not a duration (like 15s, 20m, 30d)"
#define TOO_LONG    "' is longer than 100 years"

static void check_refused(struct unit *u)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "'" NO_DURATION},
		{"s", "'s" NO_DURATION},
		{"15", "'15" NO_DURATION},
		{"15 s", "'15 s" NO_DURATION},
		{" 15s", "' 15s" NO_DURATION},
		{"15s ", "'15s " NO_DURATION},
		{"15S", "'15S" NO_DURATION},
		{"15sec", "'15sec" NO_DURATION},
		{"1m30s", "'1m30s" NO_DURATION},
		{"1.5h", "'1.5h" NO_DURATION},
		{"-1s", "'-1s" NO_DURATION},
		{"-0", "'-0" NO_DURATION},
		{"+1s", "'+1s" NO_DURATION},
		{"0x10s", "'0x10s" NO_DURATION},
		{"1y", "'1y" NO_DURATION},
		{"99999999999999999999", "'99999999999999999999" NO_DURATION},
		{"0123456789012345678901234567890123456789012345",
			"'012345678901234567890123456789012345678"
			"9" NO_DURATION},
		{"5218w", "duration '5218w" TOO_LONG},
		{"36526d", "duration '36526d" TOO_LONG},
		{"876601h", "duration '876601h" TOO_LONG},
		{"3155760000001ms", "duration '3155760000001ms" TOO_LONG},
		{"9223372036854775807w",
			"duration '9223372036854775807w" TOO_LONG},
		{"9223372036854775808ms",
			"duration '9223372036854775808ms" TOO_LONG},
		{"99999999999999999999s",
			"duration '99999999999999999999s" TOO_LONG},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};
		int64_t ms = -7;

		unit_int(u, sp_duration_parse(cases[i].text, &ms, &err), -1,
			cases[i].text);
		unit_str(u, err.msg, cases[i].error, "  its error");
		unit_int(u, err.code, SP_DATA, "  its code");
		unit_int(u, ms, -7, "  leaves the result alone");
	}
}

static void check_formatted(struct unit *u)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1ms"},
		{999, "999ms"},
		{1000, "1s"},
		{1001, "1001ms"},
		{59000, "59s"},
		{60000, "1m"},
		{90000, "90s"},
		{120000, "2m"},
		{3600000, "1h"},
		{5400000, "90m"},
		{DAY_MS, "1d"},
		{DAY_MS + 1, "86400001ms"},
		{7 * DAY_MS, "1w"},
		{30 * DAY_MS, "30d"},
		{36525 * DAY_MS, "36525d"},
	};
	char text[SP_TIME_TEXT];
	struct sp_err err;
	int64_t ms;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sp_duration_format(cases[i].ms, text);
		unit_str(u, text, cases[i].text, cases[i].text);
		ms = -1;
		sp_duration_parse(text, &ms, &err);
		unit_int(u, ms, cases[i].ms, "  and back");
	}
}

static void check_spans(struct unit *u)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{-1, "0s"},
		{0, "0s"},
		{999, "0s"},
		{1999, "1s"},
		{60000, "1m"},
		{72000, "1m 12s"},
		{3600000, "1h"},
		{3605000, "1h 5s"},
		{3723000, "1h 2m 3s"},
		{36525 * DAY_MS, "876600h"},
	};
	char text[SP_TIME_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sp_span_format(cases[i].ms, text);
		unit_str(u, text, cases[i].text, cases[i].text);
	}
}

static void check_times(struct unit *u)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00Z"},
		{999, "1970-01-01T00:00:00Z"},
		{1000, "1970-01-01T00:00:01Z"},
		/* Downwards also before 1970. */
		{-1, "1969-12-31T23:59:59Z"},
		{-1000, "1969-12-31T23:59:59Z"},
		{-1001, "1969-12-31T23:59:58Z"},
		{-2208988800000, "1900-01-01T00:00:00Z"},
		{1795426200000, "2026-11-23T09:30:00Z"},
		{1709164800000, "2024-02-29T00:00:00Z"},
		{2147483648000, "2038-01-19T03:14:08Z"},
		{253402300799999, "9999-12-31T23:59:59Z"},
		{253402300800000, "10000-01-01T00:00:00Z"},
		{INT64_MAX, "292278994-08-17T07:12:55Z"},
		{INT64_MIN, "-292275055-05-16T16:47:04Z"},
	};
	char text[SP_TIME_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sp_clock_format(cases[i].ms, text);
		unit_str(u, text, cases[i].text, cases[i].text);
	}
}

static void check_clocks(struct unit *u)
{
	int64_t start_ms = sp_clock_monotonic_ms();

	unit_ok(u, sp_clock_now_ms() > INT64_C(1700000000000),
		"the wall clock counts milliseconds since 1970");
	unit_ok(u, sp_clock_monotonic_ms() >= start_ms,
		"the monotonic clock does not go back");
}

/* ---- moments ----------------------------------------------------------- */

/* Zones in POSIX form, which need no tz database. */
#define UTC      "UTC0"
#define BERLIN   "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"

#define MONDAY   INT64_C(1795426200000) /* 2026-11-23T09:30:00Z */
#define EVENING  INT64_C(1795390200000) /* 2026-11-22T23:30:00Z */
#define OCTOBER  INT64_C(1792843200000) /* 2026-10-24T12:00:00Z */
#define NEW_YEAR INT64_C(1798757999999) /* 2026-12-31T22:59:59.999Z */

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void check_moments(struct unit *u)
{
	static const struct {
		const char *zone;
		int64_t now_ms;
		const char *text, *expected; /* in UTC */
		int ms;
	} cases[] = {
		/* RFC 3339. */
		{UTC, 0, "2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z", 0},
		{BERLIN, 0, "2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z", 0},
		{UTC, 0, "2026-12-24t18:00:00z", "2026-12-24T18:00:00Z", 0},
		{UTC, 0, "2026-12-24 18:00:00Z", "2026-12-24T18:00:00Z", 0},
		{UTC, 0, "2026-12-24T18:00Z", "2026-12-24T18:00:00Z", 0},
		{UTC, 0, "2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00Z",
			0},
		{BERLIN, 0, "2026-12-24T18:00:00-05:30", "2026-12-24T23:30:00Z",
			0},
		{UTC, 0, "2026-12-24T18:00:00-00:00", "2026-12-24T18:00:00Z",
			0},
		{UTC, 0, "2026-12-24T18:00:00+23:59", "2026-12-23T18:01:00Z",
			0},
		{UTC, 0, "2026-12-24T18:00:00.5Z", "2026-12-24T18:00:00Z", 500},
		{UTC, 0, "2026-12-24T18:00:00.007+01:00",
			"2026-12-24T17:00:00Z", 7},
		{UTC, 0, "2026-12-24T18:00:00.999999999999999999999Z",
			"2026-12-24T18:00:00Z", 999},
		{UTC, 0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
		{UTC, 0, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z", 0},
		{UTC, 0, "1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z", 0},
		{UTC, 0, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", 0},
		{UTC, 0, "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", 0},
		{UTC, 0, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z", 0},
		{UTC, 0, "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", 0},
		{UTC, 0, "2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z",
			0},
		/* A date, with a time, without a zone. */
		{UTC, 0, "2026-12-24", "2026-12-24T00:00:00Z", 0},
		{BERLIN, MONDAY, "2026-12-24", "2026-12-23T23:00:00Z", 0},
		{BERLIN, MONDAY, "2026-06-24", "2026-06-23T22:00:00Z", 0},
		{NEW_YORK, MONDAY, "2026-12-24", "2026-12-24T05:00:00Z", 0},
		{UTC, 0, "2026-12-24 18:00", "2026-12-24T18:00:00Z", 0},
		{BERLIN, 0, "2026-12-24 18:00", "2026-12-24T17:00:00Z", 0},
		{BERLIN, 0, "2026-06-24 18:00", "2026-06-24T16:00:00Z", 0},
		{BERLIN, 0, "2026-06-24t18:00", "2026-06-24T16:00:00Z", 0},
		{BERLIN, 0, "2026-12-24T18:00:30", "2026-12-24T17:00:30Z", 0},
		{BERLIN, 0, "2026-12-24 18:00:30.25", "2026-12-24T17:00:30Z",
			250},
		{BERLIN, 0, "2017-01-01 00:59:60", "2017-01-01T00:00:00Z", 0},
		/* Around the changes of the clock. */
		{BERLIN, 0, "2026-03-29 01:59", "2026-03-29T00:59:00Z", 0},
		{BERLIN, 0, "2026-03-29 03:00", "2026-03-29T01:00:00Z", 0},
		{BERLIN, 0, "2026-10-25 01:59", "2026-10-24T23:59:00Z", 0},
		{BERLIN, 0, "2026-10-25 03:00", "2026-10-25T02:00:00Z", 0},
		/* A time of today. */
		{UTC, MONDAY, "09:00", "2026-11-23T09:00:00Z", 0},
		{UTC, MONDAY, "00:00", "2026-11-23T00:00:00Z", 0},
		{UTC, MONDAY, "23:59:59", "2026-11-23T23:59:59Z", 0},
		{BERLIN, MONDAY, "09:00", "2026-11-23T08:00:00Z", 0},
		{NEW_YORK, MONDAY, "09:00:15.1", "2026-11-23T14:00:15Z", 100},
		/* Which day it is depends on where. */
		{UTC, EVENING, "09:00", "2026-11-22T09:00:00Z", 0},
		{BERLIN, EVENING, "09:00", "2026-11-23T08:00:00Z", 0},
		{NEW_YORK, EVENING, "09:00", "2026-11-22T14:00:00Z", 0},
		/* Days with a name. */
		{UTC, MONDAY + 7, "now", "2026-11-23T09:30:00Z", 7},
		{UTC, MONDAY + 7, "today", "2026-11-23T00:00:00Z", 0},
		{BERLIN, MONDAY, "today", "2026-11-22T23:00:00Z", 0},
		{BERLIN, EVENING, "today", "2026-11-22T23:00:00Z", 0},
		{BERLIN, MONDAY, "today 18:30", "2026-11-23T17:30:00Z", 0},
		{UTC, MONDAY, "tomorrow", "2026-11-24T00:00:00Z", 0},
		{UTC, MONDAY, "tomorrow 09:00", "2026-11-24T09:00:00Z", 0},
		{BERLIN, MONDAY, "tomorrow 09:00:01", "2026-11-24T08:00:01Z",
			0},
		{UTC, MONDAY, "yesterday", "2026-11-22T00:00:00Z", 0},
		{NEW_YORK, MONDAY, "yesterday 09:00", "2026-11-22T14:00:00Z",
			0},
		{UTC, 0, "yesterday 23:59:59", "1969-12-31T23:59:59Z", 0},
		{BERLIN, NEW_YEAR, "tomorrow", "2026-12-31T23:00:00Z", 0},
		{BERLIN, NEW_YEAR + 1, "tomorrow", "2027-01-01T23:00:00Z", 0},
		{BERLIN, NEW_YEAR + 1, "yesterday", "2026-12-30T23:00:00Z", 0},
		{BERLIN, OCTOBER, "tomorrow", "2026-10-24T22:00:00Z", 0},
		{BERLIN, OCTOBER, "tomorrow 09:00", "2026-10-25T08:00:00Z", 0},
		/* From now on. */
		{BERLIN, MONDAY, "+2h", "2026-11-23T11:30:00Z", 0},
		{BERLIN, MONDAY, "+90m", "2026-11-23T11:00:00Z", 0},
		{BERLIN, MONDAY, "-30d", "2026-10-24T09:30:00Z", 0},
		{BERLIN, MONDAY, "-1w", "2026-11-16T09:30:00Z", 0},
		{BERLIN, MONDAY, "+1ms", "2026-11-23T09:30:00Z", 1},
		{BERLIN, MONDAY, "+0", "2026-11-23T09:30:00Z", 0},
		{BERLIN, OCTOBER, "+1d", "2026-10-25T12:00:00Z", 0},
		{UTC, 0, "-1s", "1969-12-31T23:59:59Z", 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};
		char got[SP_TIME_TEXT], name[128];
		int64_t ms = -7;

		snprintf(name, sizeof name, "%s in %s", cases[i].text,
			cases[i].zone);
		set_zone(cases[i].zone);
		unit_int(u,
			sp_time_parse(cases[i].text, cases[i].now_ms, &ms,
				&err),
			0, name);
		sp_clock_format(ms, got);
		unit_str(u, got, cases[i].expected, "  in UTC");
		unit_int(u, ms % 1000, cases[i].ms, "  its milliseconds");
	}
}

/* What a change of the clock skips or repeats is the C library's to say: one of
 * the two offsets. */
static void check_clock_changes(struct unit *u)
{
	static const struct {
		const char *text;
		int64_t either_ms, or_ms;
	} cases[] = {
		{"2026-03-29 02:30", 1774744200000, 1774747800000},
		{"2026-10-25 02:30", 1792888200000, 1792891800000},
	};

	set_zone(BERLIN);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err;
		int64_t ms = -7;

		sp_time_parse(cases[i].text, 0, &ms, &err);
		unit_ok(u, ms == cases[i].either_ms || ms == cases[i].or_ms,
			"%s in Berlin", cases[i].text);
	}
}

static void check_no_moments(struct unit *u)
{
	static const char *const TEXTS[] = {
		"",
		" ",
		"x",
		"0",
		"9",
		"2h",
		"1795426200",
		"Now",
		"now ",
		" now",
		"now 09:00",
		"nowhere",
		"today ",
		"todayish",
		"today  09:00",
		"todayT09:00",
		"today09:00",
		"today 09:00Z",
		"today 09:00 ",
		"today tomorrow",
		"TODAY",
		"tomorrow 9:00",
		"tomorrow 24:00",
		"tomorrow noon",
		"noon",
		"9:00",
		"09",
		"0900",
		"09:0",
		"09:00:",
		"09:00:0",
		"09:00.5",
		"09:00:00.",
		"09:00:00.x",
		"09:00:00,5",
		"09:00Z",
		"09:00+01:00",
		"09:00pm",
		" 09:00",
		"+9:00",
		"24:00",
		"24:61",
		"23:60",
		"23:59:61",
		"12:00:60",
		"2026",
		"2026-12",
		"2026-12-2",
		"2026-1-24",
		"26-12-24",
		"20261224",
		"2026/12/24",
		"24.12.2026",
		"12026-12-24",
		"-2026-12-24",
		"2026-00-24",
		"2026-13-24",
		"2026-12-00",
		"2026-12-32",
		"2026-02-30",
		"2026-02-29",
		"1900-02-29",
		"2026-04-31",
		"2026-02-30T10:00:00Z",
		"2026-12-24 ",
		"2026-12-24T",
		"2026-12-24Z",
		"2026-12-24+01:00",
		"2026-12-24x18:00",
		"2026-12-24  18:00",
		"2026-12-24\t18:00",
		"2026-12-24\n",
		"2026-12-24 18",
		"2026-12-24 18:00x",
		"2026-12-24 18:00 ",
		"2026-12-24 18:00 Z",
		"2026-12-24 18:0 ",
		"2026-12-24 1 :00",
		"2026-12-24 24:61",
		"2026-12-24T25:00:00Z",
		"2026-12-24T18:60:00Z",
		"2026-12-24T18:00:60Z",
		"2026-12-24T23:59:61Z",
		"2026-12-24T23:59:60+01:00",
		"2026-12-24T18:00:00.Z",
		"2026-12-24T18:00:00ZZ",
		"2026-12-24T18:00:00Z ",
		"2026-12-24T18:00:00 Z",
		"2026-12-24T18:00:00UTC",
		"2026-12-24T18:00:00+1",
		"2026-12-24T18:00:00+01",
		"2026-12-24T18:00:00+0100",
		"2026-12-24T18:00:00+1:00",
		"2026-12-24T18:00:00+24:00",
		"2026-12-24T18:00:00+01:60",
		"2026-12-24T18:00:00+01:00x",
		"2026-12-24T18:00:00+",
		"2026-12-24T18:00:00+-1:00",
		"+",
		"-",
		"+ 2h",
		"+2",
		"+2x",
		"+2h ",
		"++2h",
		"+-2h",
		"+1h30m",
		"+2h 09:00",
		"+101y",
		"+36526d",
		"+99999999999999999999s",
	};
	char expected[512];

	set_zone(BERLIN);
	for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
		struct sp_err err = {.msg = ""};
		int64_t ms = -7;

		unit_int(u, sp_time_parse(TEXTS[i], MONDAY, &ms, &err), -1,
			TEXTS[i]);
		snprintf(expected, sizeof expected,
			"'%s' is not a time (like 2026-12-24 18:00, "
			"2026-12-24T18:00:00Z, 09:00, tomorrow 09:00, now, "
			"+2h, -30d)",
			TEXTS[i]);
		unit_str(u, err.msg, expected, "  its error");
		unit_int(u, err.code, SP_DATA, "  its code");
		unit_int(u, ms, -7, "  leaves the result alone");
	}
}

int main(void)
{
	struct unit u = {0};

	check_durations(&u);
	check_refused(&u);
	check_formatted(&u);
	check_spans(&u);
	check_times(&u);
	check_clocks(&u);
	check_moments(&u);
	check_clock_changes(&u);
	check_no_moments(&u);
	return unit_done(&u);
}
