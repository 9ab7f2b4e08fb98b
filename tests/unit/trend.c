/* lib/trend: softphones over the last hours, from their sessions. */
#include "lib/trend.h"
#include "tests/unit/world.h"

/* Moments are minutes from here, which is the last point; one step is a
 * minute. */
#define T WORLD_NOW_MS
enum { MINUTE_MS = 60000 };

/* "94=1 95=2": the points that are not zero. */
static const char *figures(const int64_t n[SP_TREND_POINTS])
{
	static char text[1024];
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < SP_TREND_POINTS; i++)
		if (n[i] != 0 && used < sizeof text)
			used += (size_t)snprintf(text + used,
				sizeof text - used, "%s%d=%lld",
				used == 0 ? "" : " ", i, (long long)n[i]);
	return text;
}

static struct sp_trend counted(int64_t late_ms, int64_t from, int64_t to,
	const char *ending, int64_t not_lost)
{
	struct sp_session s = {.started_ms = T + from * MINUTE_MS,
		.ended_ms = ending[0] == '\0' ? 0 : T + to * MINUTE_MS};
	struct sp_trend trend = {.until_ms = T,
		.step_ms = MINUTE_MS,
		.late_ms = late_ms};

	snprintf(s.ending, sizeof s.ending, "%s", ending);
	sp_trend_count(&trend, &s,
		not_lost == 0 ? INT64_MAX : T + not_lost * MINUTE_MS);
	return trend;
}

static void check_count(struct unit *u)
{
	struct sp_trend t = counted(13000, -2, 0, "", 0);

	unit_str(u, figures(t.registered), "94=1 95=1 96=1", "open");
	unit_str(u, figures(t.lost), "", "open: not lost");
	t = counted(13000, -4, -2, "logout", 0);
	unit_str(u, figures(t.registered), "92=1 93=1", "logged out");
	unit_str(u, figures(t.late), "", "logged out: never late");
	unit_str(u, figures(t.lost), "", "logged out: not lost");
	t = counted(13000, -4, -2, "lost", 0);
	unit_str(u, figures(t.registered), "92=1 93=1", "lost");
	unit_str(u, figures(t.late), "94=1", "lost: late before");
	unit_str(u, figures(t.lost), "94=1 95=1 96=1", "lost: still");
	t = counted(90000, -4, -2, "lost", -1);
	unit_str(u, figures(t.late), "93=1 94=1", "late for longer");
	unit_str(u, figures(t.lost), "94=1", "lost, and back");
	t = counted(0, -4, -2, "lost", -1);
	unit_str(u, figures(t.late), "", "no time to be late in");
	t = counted(13000, -200, -100, "lost", -95);
	unit_str(u, figures(t.registered), "", "before all points");
	unit_str(u, figures(t.lost), "0=1", "lost before the first point");
	t = counted(13000, -200, -95, "kicked", 0);
	unit_str(u, figures(t.registered), "0=1", "until the first points");
}

static void check_init(struct unit *u)
{
	struct sp_tenant tenant = {.refresh_ms = 15000, .timeout_ms = 30000};
	struct sp_trend t;

	sp_trend_init(&t, &tenant, T, SP_TREND_STEP_MS);
	unit_int(u, t.late_ms, 13000, "late from 17 s to 30 s");
	unit_int(u, sp_trend_point_ms(&t, 0), T - 24 * 60 * MINUTE_MS, "a day");
	unit_int(u, sp_trend_point_ms(&t, SP_TREND_STEPS), T, "up to now");
	tenant.timeout_ms = 16000;
	sp_trend_init(&t, &tenant, T, SP_TREND_STEP_MS);
	unit_int(u, t.late_ms, 0, "lost before it would be late");
}

static void add_session(struct world *w, int64_t from, int64_t to,
	const char *ending)
{
	static const char ADD[] =
		"INSERT INTO login_session (tenant_id, number, login,"
		" started_ms, ended_ms, ending, contact, transport,"
		" user_agent) VALUES ($1, '1000', 'ann', $2, $3, $4, '', '',"
		" '')";

	world_must(w,
		sp_db_exec(w->db, ADD,
			SP_ARGS(sp_int(w->tenant.id),
				sp_int(T + from * MINUTE_MS),
				ending == NULL ? sp_null()
					       : sp_int(T + to * MINUTE_MS),
				sp_text(ending)),
			NULL, &w->err) == 0,
		"a session");
}

/* The sessions of a number, of which there are several pages. */
static void check_add(struct unit *u)
{
	struct sp_trend t;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	w.scope.now_ms = T - 1000 * MINUTE_MS;
	world_must(&w, strcmp(world_assign(&w, "ann", "1000"), "1000") == 0,
		"ann");
	sp_trend_init(&t, &w.tenant, T, MINUTE_MS);
	unit_ok(u, sp_trend_add(&t, &w.scope, "1000", &w.err) == 0, "none");
	unit_str(u, figures(t.registered), "", "none: nothing");
	add_session(&w, -500, -300, SP_ENDED_LOST); /* before the day */
	add_session(&w, -94, -93, SP_ENDED_LOST);
	for (int i = -90; i < -50; i++)
		add_session(&w, i, i, SP_ENDED_LOGOUT); /* too short to show */
	add_session(&w, -2, 0, NULL);
	unit_ok(u, sp_trend_add(&t, &w.scope, "1000", &w.err) == 0, "some");
	unit_str(u, figures(t.registered), "2=1 94=1 95=1 96=1", "on line");
	unit_str(u, figures(t.lost), "0=1 1=1 3=1 4=1 5=1", "lost between");
	unit_str(u, figures(t.late), "3=1", "late");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_count(&u);
	check_init(&u);
	check_add(&u);
	return unit_done(&u);
}
