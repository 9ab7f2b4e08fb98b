/* sp-status --html: what stands above the list: counters, chart, pool. */
#include <inttypes.h>
#include <string.h>

#include "cmd/sp-status/html.h"
#include "lib/pool.h"

/* ---- counters ---------------------------------------------------------- */

static void put_counter(FILE *file, const char *state, int64_t n)
{
	fprintf(file,
		"<li data-state=\"%s\" class=\"%s\"><b>%" PRId64 "</b> "
		"<span>%s</span></li>\n",
		state, state, n, state);
}

/* Who is on line comes first. */
void html_put_counters(FILE *file, const struct html_counts *counts)
{
	put_counter(file, "assigned", counts->assigned);
	for (enum sp_state i = SP_REGISTERED; i < SP_N_STATES; i++)
		put_counter(file, sp_state_name(i), counts->state[i]);
	put_counter(file, sp_state_name(SP_AWAY), counts->state[SP_AWAY]);
}

/* ---- chart ------------------------------------------------------------- */

/* In units of the drawing, from its top left: two parts above each other, each
 * with a scale of its own; the lower one is for what should be rare. */
enum {
	LEFT = 44,
	STEP_X = 9,
	RIGHT = LEFT + SP_TREND_STEPS * STEP_X,
	ON_LINE_TOP = 10,
	ON_LINE_BOTTOM = 92,
	TROUBLE_TOP = 108,
	TROUBLE_BOTTOM = 138,
	LABELS_Y = 153,
	LABEL_STEPS = 16, /* 4 hours */
};

/* A part of the chart. */
struct part {
	int top, bottom;
	int64_t max; /* what reaches the top: a round number */
};

static int64_t round_up(int64_t n)
{
	static const int64_t STEPS[] = {1, 2, 4, 5, 10};
	int64_t unit = 1;

	while (n > 10 * unit)
		unit *= 10;
	for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++)
		if (STEPS[i] * unit >= n)
			return STEPS[i] * unit;
	return 10 * unit;
}

static int64_t highest(const int64_t n[SP_TREND_POINTS])
{
	int64_t max = 0;

	for (int i = 0; i < SP_TREND_POINTS; i++)
		if (n[i] > max)
			max = n[i];
	return max;
}

static int x_of(int point)
{
	return LEFT + point * STEP_X;
}

static double y_of(const struct part *part, int64_t n)
{
	return part->bottom -
	       (double)n * (part->bottom - part->top) / (double)part->max;
}

static void put_line(FILE *file, const char *kind, const struct part *part,
	const int64_t n[SP_TREND_POINTS])
{
	fprintf(file, "<path class=\"area %s\" d=\"M%d,%d", kind, LEFT,
		part->bottom);
	for (int i = 0; i < SP_TREND_POINTS; i++)
		fprintf(file, "L%d,%.1f", x_of(i), y_of(part, n[i]));
	fprintf(file, "L%d,%dz\"/>\n<path class=\"line %s\" d=\"", RIGHT,
		part->bottom, kind);
	for (int i = 0; i < SP_TREND_POINTS; i++)
		fprintf(file, "%c%d,%.1f", i == 0 ? 'M' : 'L', x_of(i),
			y_of(part, n[i]));
	fputs("\"/>\n", file);
}

static void put_bars(FILE *file, const char *kind, const struct part *part,
	const int64_t n[SP_TREND_POINTS])
{
	fprintf(file, "<path class=\"bars %s\" d=\"", kind);
	for (int i = 0; i < SP_TREND_POINTS; i++)
		if (n[i] != 0)
			fprintf(file, "M%d,%dV%.1f", x_of(i), part->bottom,
				y_of(part, n[i]));
	fputs("\"/>\n", file);
}

static void put_scale(FILE *file, const struct part *part)
{
	for (int half = 0; half <= 2; half++) {
		int y = part->bottom - (part->bottom - part->top) * half / 2;

		/* Half of an odd number is none; the lower part is small. */
		if (half == 1 &&
			(part->max % 2 != 0 || part->bottom - part->top < 50))
			continue;
		fprintf(file,
			"<path class=\"grid\" d=\"M%d,%dH%d\"/>"
			"<text x=\"%d\" y=\"%d\" class=\"y\">%" PRId64
			"</text>\n",
			LEFT, y, RIGHT, LEFT - 6, y + 3, part->max * half / 2);
	}
}

/* The page's script writes the times of where it is read. */
static void put_times(FILE *file, const struct sp_trend *trend)
{
	char time[SP_TIME_TEXT];

	for (int i = 0; i < SP_TREND_POINTS; i += LABEL_STEPS) {
		sp_clock_format(sp_trend_point_ms(trend, i), time);
		fprintf(file,
			"<text x=\"%d\" y=\"%d\" class=\"x\" data-time=\"%s\">"
			"%.5s</text>\n",
			x_of(i), LABELS_Y, time, strchr(time, 'T') + 1);
	}
}

static void put_summary(FILE *file, const struct sp_trend *t)
{
	fprintf(file,
		"<title>Softphones over the last 24 hours</title>"
		"<desc>On line: %" PRId64 " now, %" PRId64 " at the most. "
		"Late: %" PRId64 " now, %" PRId64 " at the most. "
		"Lost: %" PRId64 " now, %" PRId64 " at the most.</desc>\n",
		t->registered[SP_TREND_STEPS], highest(t->registered),
		t->late[SP_TREND_STEPS], highest(t->late),
		t->lost[SP_TREND_STEPS], highest(t->lost));
}

void html_put_chart(FILE *file, const struct sp_trend *trend)
{
	int64_t late = highest(trend->late), lost = highest(trend->lost);
	struct part on_line = {ON_LINE_TOP, ON_LINE_BOTTOM,
		round_up(highest(trend->registered))};
	struct part trouble = {TROUBLE_TOP, TROUBLE_BOTTOM,
		round_up(late > lost ? late : lost)};

	fprintf(file,
		"<svg id=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" "
		"data-left=\"%d\" data-step=\"%d\">",
		RIGHT + 20, LABELS_Y + 5, LEFT, STEP_X);
	put_summary(file, trend);
	put_scale(file, &on_line);
	put_scale(file, &trouble);
	put_line(file, "registered", &on_line, trend->registered);
	put_line(file, "lost", &trouble, trend->lost);
	put_bars(file, "late", &trouble, trend->late);
	put_times(file, trend);
	fputs("</svg>\n", file);
}

static void put_figures(FILE *file, const char *name,
	const int64_t n[SP_TREND_POINTS])
{
	fprintf(file, ",\"%s\":[", name);
	for (int i = 0; i < SP_TREND_POINTS; i++)
		fprintf(file, "%s%" PRId64, i == 0 ? "" : ",", n[i]);
	putc(']', file);
}

void html_put_trend(FILE *file, const struct sp_trend *trend)
{
	fprintf(file, "{\"until\":%" PRId64 ",\"step\":%" PRId64,
		trend->until_ms, trend->step_ms);
	put_figures(file, "registered", trend->registered);
	put_figures(file, "late", trend->late);
	put_figures(file, "lost", trend->lost);
	putc('}', file);
}

/* ---- pool -------------------------------------------------------------- */

/* A part of the bar, in thousandths of it; what there is can be seen. */
static int put_segment(FILE *file, const char *kind, int x, int64_t n,
	int64_t size)
{
	int width = (int)(n * 1000 / size);

	if (n > 0 && width < 4)
		width = 4;
	if (width > 0)
		fprintf(file,
			"<rect class=\"%s\" x=\"%d\" width=\"%d\" "
			"height=\"8\"/>",
			kind, x, width);
	return x + width;
}

static void put_bar(FILE *file, const struct sp_pool_count *c)
{
	int x = 0;

	fputs("<svg viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" "
	      "aria-hidden=\"true\">",
		file);
	x = put_segment(file, "assigned", x, c->assigned, c->size);
	x = put_segment(file, "resting", x, c->resting, c->size);
	put_segment(file, "reserved", x, c->reserved, c->size);
	fputs("</svg>", file);
}

static void put_range(FILE *file, const struct sp_range *range,
	const struct sp_pool_count *c)
{
	char first[SP_NUMBER_SIZE], last[SP_NUMBER_SIZE];

	sp_pool_format(range, range->first, first);
	sp_pool_format(range, range->last, last);
	fprintf(file, "<li><b>%s–%s</b> ", first, last);
	put_bar(file, c);
	fprintf(file,
		" <span>%" PRId64 " of %" PRId64 " assigned, %" PRId64
		" resting, %" PRId64 " reserved, %" PRId64
		" free</span></li>\n",
		c->assigned, c->size, c->resting, c->reserved, c->free);
}

int html_put_pool(FILE *file, const struct sp_scope *scope, struct sp_err *err)
{
	const struct sp_ranges *all = &scope->tenant->pool.all;
	struct sp_pool_count count;

	for (size_t i = 0; i < all->n; i++) {
		if (sp_pool_count_range(scope, &all->at[i], &count, err) != 0)
			return -1;
		put_range(file, &all->at[i], &count);
	}
	return 0;
}
