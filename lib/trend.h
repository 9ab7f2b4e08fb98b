/* How many softphones were on line, late and lost in the time behind us: from
 * the login sessions that are kept. */
#ifndef SP_LIB_TREND_H
#define SP_LIB_TREND_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/scope.h"
#include "lib/session.h"

enum {
	SP_TREND_STEPS = 96,
	SP_TREND_POINTS = SP_TREND_STEPS + 1, /* both ends are points */
	SP_TREND_STEP_MS = 15 * 60 * 1000,    /* so that it is a day */
};

/* The last point is at until_ms. History keeps how sessions end and not when
 * phones refresh: who was late and came back in time has left no trace. */
struct sp_trend {
	int64_t until_ms, step_ms;
	int64_t late_ms; /* for how long a phone is late before it is lost */
	int64_t registered[SP_TREND_POINTS]; /* at the point: also those late,
						* ringing, busy */
	int64_t late[SP_TREND_POINTS]; /* at some time since the point before,
					* ahead of being lost */
	int64_t lost[SP_TREND_POINTS]; /* at the point: not logged in since */
};

/* Nothing counted yet. */
void sp_trend_init(struct sp_trend *trend, const struct sp_tenant *tenant,
	int64_t until_ms, int64_t step_ms);

/* The moment of a point, from 0. */
int64_t sp_trend_point_ms(const struct sp_trend *trend, int point);

/* Pure: counts one session. If it was lost, its number was shown as lost until
 * not_lost_ms, or INT64_MAX: still. */
void sp_trend_count(struct sp_trend *trend, const struct sp_session *session,
	int64_t not_lost_ms);

/* Counts the sessions of a number, whoever had it. Returns 0 or -1. */
int sp_trend_add(struct sp_trend *trend, const struct sp_scope *scope,
	const char *number, struct sp_err *err);

#endif
