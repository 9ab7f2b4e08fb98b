/* lib/clock: durations and moments as text. */
#include "lib/clock.h"

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

int main(void)
{
	struct unit u = {0};

	check_durations(&u);
	check_refused(&u);
	check_formatted(&u);
	check_times(&u);
	check_clocks(&u);
	return unit_done(&u);
}
