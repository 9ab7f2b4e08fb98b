/* How many softphones were on line, late and lost in the time behind us. */
#include "lib/trend.h"

#include <string.h>

#include "lib/status.h"
#include "lib/tenure.h"

enum { PAGE = 16 };

void sp_trend_init(struct sp_trend *trend, const struct sp_tenant *tenant,
	int64_t until_ms, int64_t step_ms)
{
	int64_t late_ms =
		tenant->timeout_ms - tenant->refresh_ms - SP_LATE_GRACE_MS;

	*trend = (struct sp_trend){.until_ms = until_ms,
		.step_ms = step_ms,
		.late_ms = late_ms > 0 ? late_ms : 0};
}

int64_t sp_trend_point_ms(const struct sp_trend *trend, int point)
{
	return trend->until_ms - (SP_TREND_STEPS - point) * trend->step_ms;
}

void sp_trend_count(struct sp_trend *trend, const struct sp_session *s,
	int64_t not_lost_ms)
{
	bool was_lost = strcmp(s->ending, SP_ENDED_LOST) == 0;
	int64_t overdue_ms = s->ended_ms - trend->late_ms;

	for (int i = 0; i < SP_TREND_POINTS; i++) {
		int64_t at_ms = sp_trend_point_ms(trend, i);

		if (s->started_ms <= at_ms &&
			(s->ended_ms == 0 || s->ended_ms > at_ms))
			trend->registered[i]++;
		if (!was_lost)
			continue;
		if (overdue_ms < s->ended_ms && overdue_ms <= at_ms &&
			s->ended_ms > at_ms - trend->step_ms)
			trend->late[i]++;
		if (s->ended_ms <= at_ms && not_lost_ms > at_ms)
			trend->lost[i]++;
	}
}

/* The number is lost until its next session, or until whoever had it has it no
 * more. next_ms: INT64_MAX when there is no next one. */
static int count(struct sp_trend *trend, const struct sp_scope *scope,
	const char *number, const struct sp_session *s, int64_t next_ms,
	struct sp_err *err)
{
	struct sp_tenure tenure;
	int rc;

	if (strcmp(s->ending, SP_ENDED_LOST) == 0) {
		rc = sp_tenure_find_at(scope, s->ended_ms, number, &tenure,
			err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			next_ms = s->ended_ms;
		else if (tenure.until_ms != 0 && tenure.until_ms < next_ms)
			next_ms = tenure.until_ms;
	}
	sp_trend_count(trend, s, next_ms);
	return 0;
}

int sp_trend_add(struct sp_trend *trend, const struct sp_scope *scope,
	const char *number, struct sp_err *err)
{
	int64_t after_ms = sp_trend_point_ms(trend, 0);
	struct sp_session page[PAGE], last;
	int has_last = sp_session_find_at(scope, number, after_ms, &last, err);
	int n;

	if (has_last < 0)
		return -1;
	while ((n = sp_session_list(scope, number, after_ms, page, PAGE, err)) >
		0) {
		for (int i = 0; i < n; i++) {
			if (has_last == 1 &&
				count(trend, scope, number, &last,
					page[i].started_ms, err) != 0)
				return -1;
			last = page[i];
			has_last = 1;
		}
		after_ms = page[n - 1].started_ms;
	}
	if (n < 0 || has_last == 0)
		return n;
	return count(trend, scope, number, &last, INT64_MAX, err);
}
