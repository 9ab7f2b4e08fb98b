/* cmd/sp-status/watch_rows, watch_view: rows, their cells and columns, sorting,
 * filters, where the cursor is. */
#include "cmd/sp-status/watch.h"

#include <locale.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

/* Seconds of the cases below are in milliseconds after this moment. */
#define T INT64_C(1795426200000)

struct bed {
	struct watch_rows rows;
	struct watch_view view;
	struct sp_err err;
};

static void add(struct bed *bed, const char *number, const char *login,
	enum sp_state state, int64_t since_s)
{
	struct sp_status s = {.state = state,
		.since_ms = since_s == 0 ? 0 : T + since_s * 1000};

	snprintf(s.extension.number, sizeof s.extension.number, "%s", number);
	snprintf(s.extension.user.login, sizeof s.extension.user.login, "%s",
		login);
	snprintf(s.extension.user.first, sizeof s.extension.user.first, "Ada");
	snprintf(s.extension.user.last, sizeof s.extension.user.last, "L-%s",
		login);
	snprintf(s.binding.contact, sizeof s.binding.contact, "sip:%s@h",
		number);
	if (watch_rows_add(&bed->rows, &s, &bed->err) != 0)
		abort();
}

/* Five of them, in no order. */
static void set_up(struct bed *bed)
{
	*bed = (struct bed){.rows = {.n = 0}};
	add(bed, "1003", "Carl", SP_AWAY, -300);
	add(bed, "1001", "bea", SP_REGISTERED, -100);
	add(bed, "20000", "", SP_RESERVED, 0);
	add(bed, "1002", "anna", SP_LOST, -200);
	add(bed, "999", "dora", SP_TALKING, -50);
}

static void tear_down(struct bed *bed)
{
	watch_rows_release(&bed->rows);
	watch_view_release(&bed->view);
}

/* "999 1001": what is shown, after the view has been applied. */
static const char *shown(struct bed *bed)
{
	static char text[256];
	size_t n = 0;

	text[0] = '\0';
	if (watch_view_apply(&bed->view, &bed->rows, &bed->err) != 0)
		abort();
	for (size_t i = 0; i < bed->view.n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
			i == 0 ? "" : " ",
			bed->rows.at[bed->view.order[i]].number);
	return text;
}

/* ---- order ------------------------------------------------------------- */

static void check_sorting(struct unit *u)
{
	static const struct {
		enum watch_sort sort;
		const char *once, *twice;
	} cases[] = {
		{WATCH_BY_STATE, "1002 999 1001 1003 20000",
			"20000 1003 1001 999 1002"},
		{WATCH_BY_LOGIN, "1002 1001 1003 999 20000",
			"20000 999 1003 1001 1002"},
		{WATCH_BY_SINCE, "999 1001 1002 1003 20000",
			"20000 1003 1002 1001 999"},
		{WATCH_BY_NUMBER, "999 1001 1002 1003 20000",
			"20000 1003 1002 1001 999"},
	};
	struct bed bed;

	set_up(&bed);
	unit_str(u, shown(&bed), "999 1001 1002 1003 20000",
		"by number at first");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *name = watch_sort_name(cases[i].sort);

		watch_view_sort(&bed.view, cases[i].sort);
		unit_str(u, shown(&bed), cases[i].once, name);
		watch_view_sort(&bed.view, cases[i].sort);
		unit_str(u, shown(&bed), cases[i].twice, name);
		unit_ok(u, bed.view.is_reversed, "%s: reversed", name);
	}
	watch_view_sort(&bed.view, WATCH_BY_NUMBER);
	unit_str(u, shown(&bed), "999 1001 1002 1003 20000", "thrice");
	tear_down(&bed);
}

static void check_ties(struct unit *u)
{
	struct bed bed = {.rows = {.n = 0}};

	for (int i = 9; i > 0; i--)
		add(&bed, (char[]){(char)('0' + i), '\0'}, "a", SP_LATE, -5);
	watch_view_sort(&bed.view, WATCH_BY_STATE);
	unit_str(u, shown(&bed), "1 2 3 4 5 6 7 8 9", "alike: by number");
	watch_view_sort(&bed.view, WATCH_BY_STATE);
	unit_str(u, shown(&bed), "1 2 3 4 5 6 7 8 9", "also when reversed");
	tear_down(&bed);
}

static void check_unique(struct unit *u)
{
	struct bed bed;

	set_up(&bed);
	add(&bed, "1001", "bea", SP_REGISTERED, -100);
	add(&bed, "999", "dora", SP_TALKING, -50);
	watch_rows_sort(&bed.rows);
	unit_int(u, (int64_t)bed.rows.n, 5, "two were there twice");
	unit_str(u, bed.rows.at[0].number, "999", "sorted by number");
	unit_str(u, bed.rows.at[4].number, "20000", "to the last");
	tear_down(&bed);
	watch_rows_sort(&bed.rows);
	unit_int(u, (int64_t)bed.rows.n, 0, "none is none");
}

/* ---- filters ----------------------------------------------------------- */

static void check_cycle(struct unit *u)
{
	static const char *const EXPECTED[][2] = {
		{"on line", "999 1001"},
		{"in a call", "999"},
		{"lost", "1002"},
		{"all", "999 1001 1002 1003 20000"},
	};
	struct bed bed;

	set_up(&bed);
	for (size_t i = 0; i < 4; i++) {
		watch_view_cycle(&bed.view);
		unit_str(u, watch_states_name(bed.view.states), EXPECTED[i][0],
			"the next states");
		unit_str(u, shown(&bed), EXPECTED[i][1], EXPECTED[i][0]);
	}
	tear_down(&bed);
}

static void check_states(struct unit *u)
{
	static const char ON_LINE[] = "0 0 0 0 1 1 0 1 1";
	char text[2 * SP_N_STATES + 1] = "";

	for (enum sp_state s = SP_FREE; s < SP_N_STATES; s++) {
		text[2 * s] = watch_is_on_line(s) ? '1' : '0';
		text[2 * s + 1] = s + 1 < SP_N_STATES ? ' ' : '\0';
	}
	unit_str(u, text, ON_LINE, "registered, late, ringing, busy");
}

static void check_match(struct unit *u)
{
	static const struct {
		const char *match, *shown;
	} cases[] = {
		{"1002", "1002"},
		{"ANNA", "1002"},
		{"ada l-b", "1001"},
		{"sip:99", "999"},
		{"nobody", ""},
		{"100", "1001 1002 1003"},
	};
	struct bed bed;

	set_up(&bed);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		strcpy(bed.view.match, cases[i].match);
		unit_str(u, shown(&bed), cases[i].shown, cases[i].match);
	}
	bed.view.states = WATCH_LOST;
	unit_str(u, shown(&bed), "1002", "text and states");
	tear_down(&bed);
}

static void check_typing(struct unit *u)
{
	struct watch_view view = {.match = ""};

	watch_match_cut(&view);
	unit_str(u, view.match, "", "nothing to take off");
	watch_match_add(&view, "a");
	watch_match_add(&view, "\u5c71");
	unit_str(u, view.match, "a\u5c71", "two characters");
	watch_match_cut(&view);
	unit_str(u, view.match, "a", "a whole one is taken off");
	for (int i = 0; i < WATCH_MATCH_SIZE; i++)
		watch_match_add(&view, "\u00e4");
	unit_int(u, (int64_t)strlen(view.match), WATCH_MATCH_SIZE - 1,
		"no more than there is room for");
	watch_match_add(&view, "b");
	unit_int(u, (int64_t)strlen(view.match), WATCH_MATCH_SIZE - 1,
		"none is cut in two");
}

/* ---- the cursor -------------------------------------------------------- */

static void check_cursor(struct unit *u)
{
	struct bed bed;

	set_up(&bed);
	shown(&bed);
	unit_str(u, bed.view.chosen, "999", "at first the first");
	watch_view_move(&bed.view, &bed.rows, 2);
	unit_str(u, bed.view.chosen, "1002", "two below");
	watch_view_move(&bed.view, &bed.rows, INT32_MAX);
	unit_str(u, bed.view.chosen, "20000", "no further than the last");
	watch_view_move(&bed.view, &bed.rows, INT32_MIN);
	unit_str(u, bed.view.chosen, "999", "nor than the first");
	watch_view_move(&bed.view, &bed.rows, 1);
	add(&bed, "1000", "eve", SP_AWAY, -1);
	shown(&bed);
	unit_str(u, bed.view.chosen, "1001", "it stays where it was");
	unit_int(u, (int64_t)bed.view.cursor, 2, "one line below");
	bed.view.states = WATCH_LOST;
	shown(&bed);
	unit_str(u, bed.view.chosen, "1002", "that one is not shown");
	strcpy(bed.view.match, "nobody");
	shown(&bed);
	unit_str(u, bed.view.chosen, "", "nor is anyone");
	watch_view_move(&bed.view, &bed.rows, 1);
	unit_str(u, bed.view.chosen, "", "and one moves nowhere");
	tear_down(&bed);
}

static void check_scrolling(struct unit *u)
{
	static const struct {
		size_t n, top, cursor, height, expected;
	} cases[] = {
		{100, 0, 9, 10, 0},
		{100, 0, 10, 10, 1},
		{100, 0, 99, 10, 90},
		{100, 50, 49, 10, 49},
		{100, 50, 55, 10, 50},
		{100, 95, 99, 10, 90}, /* it has grown taller */
		{5, 3, 4, 10, 0},      /* fewer are left */
		{0, 3, 0, 10, 0},
		{100, 0, 50, 1, 50},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct watch_view view = {.n = cases[i].n,
			.top = cases[i].top,
			.cursor = cases[i].cursor};

		watch_view_scroll(&view, cases[i].height);
		unit_int(u, (int64_t)view.top, (int64_t)cases[i].expected,
			"the first line that is shown");
	}
}

/* ---- columns and cells ------------------------------------------------- */

static void check_layout(struct unit *u)
{
	static const struct {
		int width, number;
		const char *columns; /* the headings */
	} cases[] = {
		{3, 6, "NUMBER"},
		{17, 6, "NUMBER"},
		{18, 6, "NUMBER STATE"},
		{28, 6, "NUMBER LOGIN STATE"},
		{40, 6, "NUMBER LOGIN STATE SINCE"},
		{82, 6, "NUMBER LOGIN NAME STATE SINCE LEFT SOFTPHONE"},
		{89, 6,
			"NUMBER LOGIN NAME STATE SINCE LEFT SOFTPHONE "
			"FORWARDING"},
		{107, 6,
			"NUMBER LOGIN NAME STATE SINCE LEFT SOFTPHONE "
			"FORWARDING CONTACT"},
		{106, 6,
			"NUMBER LOGIN NAME STATE SINCE LEFT SOFTPHONE "
			"FORWARDING"},
		{107, 7,
			"NUMBER LOGIN NAME STATE SINCE LEFT SOFTPHONE "
			"FORWARDING"},
	};
	int widths[WATCH_N_COLUMNS];
	char text[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int total = -WATCH_GAP;
		size_t n = 0;

		watch_layout(cases[i].width, cases[i].number, widths);
		for (enum watch_column c = 0; c < WATCH_N_COLUMNS; c++) {
			if (widths[c] == 0)
				continue;
			total += widths[c] + WATCH_GAP;
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
				n == 0 ? "" : " ", watch_column_heading(c));
		}
		unit_str(u, text, cases[i].columns, "the columns that fit");
		unit_ok(u, total <= cases[i].width, "%d columns: %d are used",
			cases[i].width, total);
	}
	watch_layout(92, 6, widths);
	unit_int(u, widths[WATCH_USER], 9, "what is left is shared");
	unit_int(u, widths[WATCH_STATE], 10, "but by those who need it");
}

static void check_spans(struct unit *u)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{-5, "0s"},
		{999, "0s"},
		{59999, "59s"},
		{60000, "1m 0s"},
		{3599000, "59m 59s"},
		{3600000, "1h 0m"},
		{86399000, "23h 59m"},
		{90000000, "1d 1h"},
		{INT64_C(86400000) * 100 - 1, "99d 23h"},
		{INT64_C(86400000) * 400, "400d"},
	};
	char text[SP_TIME_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		watch_span(cases[i].ms, text);
		unit_str(u, text, cases[i].text, "a span");
	}
}

static void check_cells(struct unit *u)
{
	static const struct watch_moment MOMENT = {T + 60000, T};
	struct watch_row row = {.number = "1001",
		.text = {"asmith", "Anna", "", "sip:a@h", "Phone/1",
			"offline=voicemail"},
		.since_ms = T - 5000,
		.expires_ms = T + 20000};
	const struct {
		enum sp_state state;
		enum watch_column column;
		const char *text;
	} cases[] = {
		{SP_REGISTERED, WATCH_NUMBER, "1001"},
		{SP_REGISTERED, WATCH_USER, "asmith"},
		{SP_REGISTERED, WATCH_NAME, "Anna"},
		{SP_REGISTERED, WATCH_STATE, "registered"},
		/* As of when somebody listened; what is over gets older. */
		{SP_REGISTERED, WATCH_SINCE, "5s"},
		{SP_LOST, WATCH_SINCE, "1m 5s"},
		{SP_AWAY, WATCH_SINCE, "1m 5s"},
		{SP_REGISTERED, WATCH_LEFT, "20s"},
		{SP_LOST, WATCH_LEFT, ""},
		{SP_REGISTERED, WATCH_PHONE, "Phone/1"},
		{SP_REGISTERED, WATCH_FORWARDING, "offline=voicemail"},
		{SP_REGISTERED, WATCH_REACHED_AT, "sip:a@h"},
	};
	char text[WATCH_CELL_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		row.state = cases[i].state;
		watch_cell(&row, cases[i].column, &MOMENT, text);
		unit_str(u, text, cases[i].text,
			watch_column_heading(cases[i].column));
	}
	row = (struct watch_row){.state = SP_RESTING, .since_ms = T + 120000};
	watch_cell(&row, WATCH_SINCE, &MOMENT, text);
	unit_str(u, text, "in 1m 0s", "how long it rests");
	row.since_ms = 0;
	watch_cell(&row, WATCH_SINCE, &MOMENT, text);
	unit_str(u, text, "", "nobody knows since when");
}

static void check_clean(struct unit *u)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{"Anna", "Anna"},
		{"\u5c71\u7530 \u05e9\u05dc e\u0301",
			"\u5c71\u7530 \u05e9\u05dc e\u0301"},
		{"a\x1b[2Jb\nc\td\x7f", "a?[2Jb?c?d?"},
		{"a\xc2\x9b"
		 "b",
			"a?b"},
		{"a\xff"
		 "b\xe5\xb1",
			"a?b??"},
		{"a\u202eb\u2066c\u200fd\u061ce", "a?b?c?d?e"},
		{"a\u200bb\ufeffc\u2028d\U000e0041e", "a?b?c?d?e"},
		{"\u2027\u202f\u2070", "\u2027\u202f\u2070"},
		/* Persian names have one, and emoji the other. */
		{"a\u200cb\u200d", "a\u200cb\u200d"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *clean = watch_clean(cases[i].text);

		unit_str(u, clean, cases[i].clean, "for a terminal");
		free(clean);
	}
}

static void check_count(struct unit *u)
{
	size_t count[SP_N_STATES];
	struct bed bed;

	set_up(&bed);
	add(&bed, "1009", "z", SP_LOST, -1);
	watch_rows_count(&bed.rows, count);
	unit_int(u, (int64_t)count[SP_LOST], 2, "lost");
	unit_int(u, (int64_t)count[SP_TALKING], 1, "busy");
	unit_int(u, (int64_t)count[SP_LATE], 0, "late");
	tear_down(&bed);
}

int main(void)
{
	struct unit u = {0};

	setlocale(LC_CTYPE, "C.UTF-8");
	check_sorting(&u);
	check_ties(&u);
	check_unique(&u);
	check_cycle(&u);
	check_states(&u);
	check_match(&u);
	check_typing(&u);
	check_cursor(&u);
	check_scrolling(&u);
	check_layout(&u);
	check_spans(&u);
	check_cells(&u);
	check_clean(&u);
	check_count(&u);
	return unit_done(&u);
}
