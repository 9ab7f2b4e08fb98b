/* sp-status --watch: which rows are shown, in which order, in which columns. */
#include "cmd/sp-status/watch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- order ------------------------------------------------------------- */

static const char *const SORTS[WATCH_N_SORTS] = {
	[WATCH_BY_NUMBER] = "number",
	[WATCH_BY_STATE] = "state",
	[WATCH_BY_LOGIN] = "login",
	[WATCH_BY_SINCE] = "since",
};

const char *watch_sort_name(enum watch_sort sort)
{
	return SORTS[sort];
}

typedef int compare_fn(const struct watch_row *a, const struct watch_row *b);

static int by_number(const struct watch_row *a, const struct watch_row *b)
{
	return watch_compare_numbers(a->number, b->number);
}

static int by_state(const struct watch_row *a, const struct watch_row *b)
{
	static const int RANKS[SP_N_STATES] = {
		[SP_LOST] = 0,
		[SP_LATE] = 1,
		[SP_RINGING] = 2,
		[SP_TALKING] = 3,
		[SP_REGISTERED] = 4,
		[SP_AWAY] = 5,
		[SP_RESERVED] = 6,
		[SP_RESTING] = 7,
		[SP_FREE] = 8,
	};

	return RANKS[a->state] - RANKS[b->state];
}

/* Who has none comes last. */
static int by_login(const struct watch_row *a, const struct watch_row *b)
{
	const char *of_a = a->text[WATCH_LOGIN], *of_b = b->text[WATCH_LOGIN];

	if (of_a[0] == '\0' || of_b[0] == '\0')
		return (of_a[0] == '\0') - (of_b[0] == '\0');
	return strcasecmp(of_a, of_b);
}

static int by_since(const struct watch_row *a, const struct watch_row *b)
{
	return (a->since_ms < b->since_ms) - (a->since_ms > b->since_ms);
}

struct sorting {
	const struct watch_rows *rows;
	compare_fn *compare;
	bool is_reversed;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	const struct watch_row *row_a = &s->rows->at[*(const size_t *)a],
			       *row_b = &s->rows->at[*(const size_t *)b];
	int order = s->compare(row_a, row_b);

	if (order == 0)
		return by_number(row_a, row_b);
	return s->is_reversed ? -order : order;
}

static void sort(const struct watch_view *view, const struct watch_rows *rows,
	size_t *order, size_t n)
{
	static compare_fn *const COMPARE[WATCH_N_SORTS] = {
		[WATCH_BY_NUMBER] = by_number,
		[WATCH_BY_STATE] = by_state,
		[WATCH_BY_LOGIN] = by_login,
		[WATCH_BY_SINCE] = by_since,
	};
	struct sorting sorting = {rows, COMPARE[view->sort], view->is_reversed};

	qsort_r(order, n, sizeof *order, compare, &sorting);
}

void watch_view_sort(struct watch_view *view, enum watch_sort by)
{
	view->is_reversed = view->sort == by && !view->is_reversed;
	view->sort = by;
	view->cursor = 0;
	view->chosen[0] = '\0';
}

/* ---- filters ----------------------------------------------------------- */

static const char *const STATES[WATCH_N_STATES] = {
	[WATCH_ALL] = "all",
	[WATCH_ON_LINE] = "on line",
	[WATCH_IN_CALL] = "in a call",
	[WATCH_LOST] = "lost",
};

const char *watch_states_name(enum watch_states states)
{
	return STATES[states];
}

void watch_view_cycle(struct watch_view *view)
{
	view->states = (view->states + 1) % WATCH_N_STATES;
}

static struct sp_status_filter filter_of(const struct watch_view *view)
{
	static const bool WANTED[WATCH_N_STATES][SP_N_STATES] = {
		[WATCH_ON_LINE] = {[SP_REGISTERED] = true,
			[SP_LATE] = true,
			[SP_RINGING] = true,
			[SP_TALKING] = true},
		[WATCH_IN_CALL] = {[SP_RINGING] = true, [SP_TALKING] = true},
		[WATCH_LOST] = {[SP_LOST] = true},
	};
	struct sp_status_filter filter = {.has_states =
						  view->states != WATCH_ALL,
		.match = view->match[0] == '\0' ? NULL : view->match};

	memcpy(filter.state, WANTED[view->states], sizeof filter.state);
	return filter;
}

/* The same question that --match asks, so a row becomes a status again. */
static bool passes(const struct watch_row *row,
	const struct sp_status_filter *filter, struct sp_status *as)
{
	struct sp_user *user = &as->extension.user;

	as->state = row->state;
	strcpy(as->extension.number, row->number);
	strcpy(user->login, row->text[WATCH_LOGIN]);
	strcpy(user->first, row->text[WATCH_FIRST]);
	strcpy(user->last, row->text[WATCH_LAST]);
	strcpy(as->binding.contact, row->text[WATCH_CONTACT]);
	strcpy(as->binding.user_agent, row->text[WATCH_AGENT]);
	return sp_status_passes(as, filter, true, 0);
}

static size_t select_rows(const struct watch_view *view,
	const struct watch_rows *rows, size_t *order)
{
	const struct sp_status_filter filter = filter_of(view);
	struct sp_status status = {.state = SP_FREE};
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (passes(&rows->at[i], &filter, &status))
			order[n++] = i;
	return n;
}

void watch_match_add(struct watch_view *view, const char *character)
{
	size_t len = strlen(view->match);

	if (len + strlen(character) < sizeof view->match)
		strcpy(view->match + len, character);
}

void watch_match_cut(struct watch_view *view)
{
	size_t len = strlen(view->match);

	while (len > 0 && ((unsigned char)view->match[len - 1] & 0xc0) == 0x80)
		len--;
	view->match[len == 0 ? 0 : len - 1] = '\0';
}

/* ---- the cursor -------------------------------------------------------- */

static void choose(struct watch_view *view, const struct watch_rows *rows)
{
	if (view->cursor >= view->n)
		view->cursor = view->n == 0 ? 0 : view->n - 1;
	view->chosen[0] = '\0';
	if (view->n > 0)
		strcpy(view->chosen,
			rows->at[view->order[view->cursor]].number);
}

static void find_chosen(struct watch_view *view, const struct watch_rows *rows)
{
	for (size_t i = 0; i < view->n; i++)
		if (strcmp(rows->at[view->order[i]].number, view->chosen) ==
			0) {
			view->cursor = i;
			break;
		}
	choose(view, rows);
}

int watch_view_apply(struct watch_view *view, const struct watch_rows *rows,
	struct sp_err *err)
{
	size_t *order = reallocarray(NULL, rows->n + 1, sizeof *order);

	if (order == NULL)
		return sp_err_memory(err);
	view->n = select_rows(view, rows, order);
	sort(view, rows, order, view->n);
	free(view->order);
	view->order = order;
	find_chosen(view, rows);
	return 0;
}

void watch_view_release(struct watch_view *view)
{
	free(view->order);
	view->order = NULL;
	view->n = 0;
}

void watch_view_move(struct watch_view *view, const struct watch_rows *rows,
	int64_t by)
{
	int64_t to = (int64_t)view->cursor + by;

	view->cursor = to < 0 ? 0 : (size_t)to;
	choose(view, rows);
}

void watch_view_scroll(struct watch_view *view, size_t height)
{
	if (view->cursor >= view->top + height)
		view->top = view->cursor + 1 - height;
	if (view->n < view->top + height)
		view->top = view->n < height ? 0 : view->n - height;
	if (view->cursor < view->top)
		view->top = view->cursor;
}

/* ---- columns ----------------------------------------------------------- */

/* Least and most of a column, 0: the longest number; in the order in which
 * they are given room. */
static const struct shape {
	enum watch_column column;
	int least, most;
} SHAPES[] = {
	{WATCH_NUMBER, 0, 0},
	{WATCH_STATE, 10, 10},
	{WATCH_USER, 8, 20},
	{WATCH_SINCE, 10, 10},
	{WATCH_NAME, 12, 32},
	{WATCH_PHONE, 10, 32},
	{WATCH_LEFT, 7, 7},
	{WATCH_FORWARDING, 12, 48},
	{WATCH_REACHED_AT, 16, 64},
};
enum { N_SHAPES = sizeof SHAPES / sizeof SHAPES[0] };

/* Gives each a column more in turn. Returns what is left. */
static int widen(int spare, int widths[WATCH_N_COLUMNS])
{
	for (size_t i = 0; i < N_SHAPES && spare > 0; i++) {
		int *width = &widths[SHAPES[i].column];

		if (*width > 0 && *width < SHAPES[i].most) {
			++*width;
			spare--;
		}
	}
	return spare;
}

void watch_layout(int width, int number, int widths[WATCH_N_COLUMNS])
{
	int spare = width, before;

	memset(widths, 0, WATCH_N_COLUMNS * sizeof widths[0]);
	widths[WATCH_NUMBER] = number < width ? number : width;
	spare -= widths[WATCH_NUMBER];
	for (size_t i = 1; i < N_SHAPES; i++) {
		if (spare < SHAPES[i].least + WATCH_GAP)
			break;
		widths[SHAPES[i].column] = SHAPES[i].least;
		spare -= SHAPES[i].least + WATCH_GAP;
	}
	do {
		before = spare;
		spare = widen(spare, widths);
	} while (spare < before);
}
