/* sp-status --watch: what its parts share. Rows and view know neither curses
 * nor the database; the reader knows no curses, the screen no database. */
#ifndef SP_CMD_SP_STATUS_WATCH_H
#define SP_CMD_SP_STATUS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clock.h"
#include "lib/err.h"
#include "lib/status.h"

/* ---- watch_rows.c: one extension each ---------------------------------- */

enum watch_text {
	WATCH_LOGIN,
	WATCH_FIRST,
	WATCH_LAST,
	WATCH_CONTACT,
	WATCH_AGENT,
	WATCH_RULES,
	WATCH_N_TEXTS,
};

/* Of a status only what is shown, sorted by and searched: there may be many. */
struct watch_row {
	char number[SP_NUMBER_SIZE];
	enum sp_state state;
	int64_t since_ms, expires_ms;
	char *block; /* owned, where the texts stand */
	const char *text[WATCH_N_TEXTS];
};

struct watch_rows {
	struct watch_row *at;
	size_t n, size;
};

/* The moment that rows are shown for, as in a struct sp_scope. */
struct watch_moment {
	int64_t now_ms, phones_ms;
};

/* Copies what is needed of it. Fails when out of memory. */
int watch_rows_add(struct watch_rows *rows, const struct sp_status *status,
	struct sp_err *err);
/* By number; of those that are there twice one stays. */
void watch_rows_sort(struct watch_rows *rows);
void watch_rows_release(struct watch_rows *rows);

void watch_rows_count(const struct watch_rows *rows, size_t count[SP_N_STATES]);

/* By number: fewer digits first. */
int watch_compare_numbers(const char *a, const char *b);

bool watch_is_on_line(enum sp_state state);

/* "12s", "3m 12s", "2h 5m", "3d 4h". */
void watch_span(int64_t span_ms, char out[SP_TIME_TEXT]);

enum watch_column {
	WATCH_NUMBER,
	WATCH_USER, /* the login */
	WATCH_NAME,
	WATCH_STATE,
	WATCH_SINCE, /* how long */
	WATCH_LEFT,  /* until it is lost, if it does not refresh */
	WATCH_PHONE,
	WATCH_FORWARDING,
	WATCH_REACHED_AT,
	WATCH_N_COLUMNS,
};

enum { WATCH_CELL_SIZE = 1200 };

const char *watch_column_heading(enum watch_column column);

/* The text of a row in a column, not yet fit for a terminal. */
void watch_cell(const struct watch_row *row, enum watch_column column,
	const struct watch_moment *moment, char out[WATCH_CELL_SIZE]);

/* A copy that a terminal shows as it stands, on one line, from left to right:
 * '?' for control characters, those that change the direction of writing, and
 * what cannot be seen. The caller frees it; NULL when out of memory. The locale
 * must be a UTF-8 one. */
char *watch_clean(const char *text);

/* ---- watch_view.c: which rows, in which order, and where one is -------- */

enum watch_sort {
	WATCH_BY_NUMBER,
	WATCH_BY_STATE, /* what needs somebody first: lost, late */
	WATCH_BY_LOGIN,
	WATCH_BY_SINCE, /* what has changed last first */
	WATCH_N_SORTS,
};

enum watch_states {
	WATCH_ALL,
	WATCH_ON_LINE,
	WATCH_IN_CALL,
	WATCH_LOST,
	WATCH_N_STATES,
};

enum { WATCH_MATCH_SIZE = 128 };

struct watch_view {
	enum watch_sort sort;
	bool is_reversed;
	enum watch_states states;
	char match[WATCH_MATCH_SIZE]; /* "": all */
	size_t *order;                /* indexes of rows, n of them */
	size_t n;
	size_t cursor, top; /* in order: where one is, what is shown first */
	char chosen[SP_NUMBER_SIZE]; /* the number there; "": none */
};

const char *watch_sort_name(enum watch_sort sort);
const char *watch_states_name(enum watch_states states);

/* Finds which rows are shown and in which order, after a change of the rows or
 * of the view. The cursor stays on its number or, if that is gone, where it
 * was. Fails when out of memory; the view is then as before. */
int watch_view_apply(struct watch_view *view, const struct watch_rows *rows,
	struct sp_err *err);
void watch_view_release(struct watch_view *view);

/* These change the view only: apply it afterwards. The same order again is the
 * other way round; either begins at the top. */
void watch_view_sort(struct watch_view *view, enum watch_sort sort);
void watch_view_cycle(struct watch_view *view);
/* Adds a character, in UTF-8, if there is room for it; takes the last one off. */
void watch_match_add(struct watch_view *view, const char *character);
void watch_match_cut(struct watch_view *view);

/* Moves the cursor by so many rows, as far as there are any. */
void watch_view_move(struct watch_view *view, const struct watch_rows *rows,
	int64_t by);

/* Scrolls so that the cursor is among the `height` rows from top on, and no
 * line stays empty that need not. */
void watch_view_scroll(struct watch_view *view, size_t height);

enum { WATCH_GAP = 2 }; /* between columns */

/* How wide each column is in a line of `width`; 0: it is left out. number: the
 * width of the longest number. */
void watch_layout(int width, int number, int widths[WATCH_N_COLUMNS]);

#endif
