/* Time: the wall clock in milliseconds, durations, and their texts. */
#ifndef SP_LIB_CLOCK_H
#define SP_LIB_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum { SP_TIME_TEXT = 32 }; /* room for sp_clock_format */

/* Milliseconds since 1970-01-01 00:00 UTC. */
int64_t sp_clock_now_ms(void);

/* Milliseconds of the monotonic clock: only differences mean something. */
int64_t sp_clock_monotonic_ms(void);
int64_t sp_clock_monotonic_us(void); /* the same, in microseconds */

/* Writes `time_ms` as RFC 3339 in UTC with seconds: 2026-11-23T09:30:00Z. */
void sp_clock_format(int64_t time_ms, char out[SP_TIME_TEXT]);

/* Reads a duration: a whole number with one of the units ms s m h d w (15s,
 * 30d), or 0. Sets *out_ms, at most 100 years. Fails with SP_DATA and a
 * sentence that quotes the text. */
int sp_duration_parse(const char *text, int64_t *out_ms, struct sp_err *err);

/* Writes a duration in its largest unit that leaves a whole number: 90 s is
 * "90s", 120 s is "2m". */
void sp_duration_format(int64_t duration_ms, char out[SP_TIME_TEXT]);

/* Writes how long something took, in whole seconds: "1h 2m 3s", "1m 12s", "1h
 * 5s", "0s". */
void sp_span_format(int64_t span_ms, char out[SP_TIME_TEXT]);

/* Reads what a person or a script writes for a moment:
 *
 *   2026-12-24T18:00:00Z       RFC 3339; with a fraction (what is below a
 *   2026-12-24T18:00:00+01:00  millisecond is cut off); t and z too, a space
 *                              instead of the T, without the seconds
 *   2026-12-24 18:00           the same without a zone: local time
 *   2026-12-24                 the beginning of that day
 *   09:00  09:00:30            today
 *   today  tomorrow  yesterday the beginning of that day; with " 09:00" then
 *   now                        now_ms
 *   +2h  -30d                  a duration from now_ms; a day has 24 hours
 *
 * Local time is that of TZ. What a clock change skips or repeats is taken as
 * mktime(3) of this system takes it. A leap second is the second after it.
 * Sets *out_ms, milliseconds since 1970-01-01 00:00 UTC. Fails with SP_DATA
 * and a sentence that quotes the text and shows examples. */
int sp_time_parse(const char *text, int64_t now_ms, int64_t *out_ms,
	struct sp_err *err);

#endif
