/* sp-status --watch: the terminal, and what is drawn on it. */
#include "cmd/sp-status/watch_screen.h"

#include <locale.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "cmd/cli/cell.h"

enum {
	HEADER_LINES = 3, /* counters, server, headings */
	FOOTER_LINES = 1,
	ESCAPE_MS = 25, /* an Escape alone is known after it */
	ALERT_PAIR = SP_N_STATES + 1,
	TEXT_SIZE = 2048, /* of a line, in bytes */
};

/* ---- the terminal ------------------------------------------------------ */

/* All texts of ours are UTF-8, whatever the locale says. */
static void use_utf8(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static const struct look {
	short color; /* -1: the terminal's own */
	attr_t more;
} LOOKS[SP_N_STATES] = {
	[SP_FREE] = {-1, A_DIM},
	[SP_RESTING] = {-1, A_DIM},
	[SP_RESERVED] = {-1, A_DIM},
	[SP_AWAY] = {-1, A_DIM},
	[SP_REGISTERED] = {COLOR_GREEN, 0},
	[SP_LATE] = {COLOR_YELLOW, 0},
	[SP_LOST] = {COLOR_RED, 0},
	[SP_RINGING] = {COLOR_CYAN, 0},
	[SP_TALKING] = {COLOR_MAGENTA, 0},
};

static bool take_colors(void)
{
	const char *no = getenv("NO_COLOR");

	if ((no != NULL && no[0] != '\0') || !has_colors() ||
		start_color() == ERR)
		return false;
	use_default_colors();
	for (short i = 0; i < SP_N_STATES; i++)
		init_pair((short)(i + 1), LOOKS[i].color, -1);
	init_pair(ALERT_PAIR, COLOR_RED, -1);
	return true;
}

static int fail(const char *why, struct sp_err *err)
{
	return sp_err_set(err, SP_USAGE, "--watch needs a terminal: %s", why);
}

/* Keys do not come from a list of operands on standard input. */
static int find_keys(struct watch_screen *screen, struct sp_err *err)
{
	screen->keys = isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "re");
	return screen->keys != NULL ? 0 : fail("there are no keys", err);
}

/* newterm itself leaves things behind when it does not know the terminal. */
static bool can_move_cursor(void)
{
	bool can;
	int why;

	if (setupterm(NULL, STDOUT_FILENO, &why) == ERR)
		return false;
	can = cursor_address != NULL;
	del_curterm(cur_term);
	return can;
}

static int start_curses(struct watch_screen *screen, struct sp_err *err)
{
	const char *term = getenv("TERM");
	char why[128];

	if (can_move_cursor())
		screen->curses = newterm(NULL, stdout, screen->keys);
	if (screen->curses != NULL)
		return 0;
	snprintf(why, sizeof why, "'%.40s' is not known as one (TERM)",
		term == NULL ? "" : term);
	return fail(why, err);
}

int watch_screen_open(struct watch_screen *screen, struct sp_err *err)
{
	*screen = (struct watch_screen){.keys = NULL};
	use_utf8();
	if (find_keys(screen, err) != 0 || start_curses(screen, err) != 0)
		return -1;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	/* A key that waits is no reason to leave the screen half drawn. */
	typeahead(-1);
	set_escdelay(ESCAPE_MS);
	screen->has_colors = take_colors();
	watch_screen_resize();
	return 0;
}

void watch_screen_close(struct watch_screen *screen)
{
	if (screen->curses != NULL) {
		endwin();
		delscreen(screen->curses);
	}
	if (screen->keys != NULL && screen->keys != stdin)
		fclose(screen->keys);
	*screen = (struct watch_screen){.keys = NULL};
}

void watch_screen_resize(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
		size.ws_col > 0)
		resize_term(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
}

size_t watch_screen_height(void)
{
	int height = LINES - HEADER_LINES - FOOTER_LINES;

	return height < 1 ? 1 : (size_t)height;
}

/* ---- texts ------------------------------------------------------------- */

/* Where in a line the next text goes. */
struct pen {
	const struct watch_screen *screen;
	int y, x;
};

static attr_t attr_of(const struct watch_screen *screen, enum sp_state state)
{
	if (!screen->has_colors)
		return A_NORMAL;
	return (attr_t)COLOR_PAIR(state + 1) | LOOKS[state].more;
}

/* A text in `room` columns from the pen on, which moves behind it. */
static int put_cell(struct pen *pen, int room, const char *text,
	struct sp_err *err)
{
	int left = COLS - pen->x, width;
	char *clean;
	size_t len;

	if (room > left)
		room = left;
	if (room < 1 || pen->y >= LINES)
		return 0;
	clean = watch_clean(text);
	if (clean == NULL)
		return sp_err_memory(err);
	len = sp_cell_fit(clean, room, &width);
	mvaddnstr(pen->y, pen->x, clean, (int)len);
	if (clean[len] != '\0')
		addstr("\xe2\x80\xa6"); /* the ellipsis */
	pen->x += width;
	free(clean);
	return 0;
}

__attribute__((format(printf, 3, 4))) static int put(struct pen *pen,
	struct sp_err *err, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return put_cell(pen, COLS, text, err);
}

/* An empty line that looks like that. */
static struct pen begin_line(const struct watch_screen *screen, int y,
	attr_t attr)
{
	attrset((int)attr);
	if (y < LINES)
		mvhline(y, 0, ' ', COLS);
	return (struct pen){screen, y, 0};
}

/* ---- header and footer ------------------------------------------------- */

static int draw_counters(const struct watch_screen *screen,
	const struct watch *watch, struct sp_err *err)
{
	static const enum sp_state ORDER[] = {SP_REGISTERED, SP_LATE, SP_LOST,
		SP_RINGING, SP_TALKING, SP_AWAY, SP_RESERVED, SP_RESTING,
		SP_FREE};
	const struct work *w = watch->reader.w;
	struct pen pen = begin_line(screen, 0, A_BOLD);
	size_t count[SP_N_STATES];

	watch_rows_count(&watch->reader.rows, count);
	if (put(&pen, err, "%s", w->app.scope.tenant->domain) != 0)
		return -1;
	for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++) {
		enum sp_state state = ORDER[i];

		if (count[state] == 0 && state < SP_AWAY)
			continue;
		attrset((int)attr_of(screen, state));
		pen.x += WATCH_GAP;
		if (put(&pen, err, "%s %zu", sp_state_name(state),
			    count[state]) != 0)
			return -1;
	}
	return 0;
}

static int draw_server(const struct watch_screen *screen,
	const struct watch_reader *reader, struct pen *pen, struct sp_err *err)
{
	char time[SP_TIME_TEXT];
	int rc;

	if (reader->beat_ms == 0)
		return put(pen, err, "no server has run yet");
	sp_clock_format(reader->beat_ms, time);
	if (reader->stopped_ms == 0)
		return put(pen, err, "server %s", time);
	attrset((int)(A_BOLD | attr_of(screen, SP_LOST)));
	rc = put(pen, err, "nobody listens since %s", time);
	attrset(A_NORMAL);
	return rc;
}

static int draw_view(const struct watch_screen *screen,
	const struct watch *watch, struct sp_err *err)
{
	const struct watch_view *view = &watch->view;
	struct pen pen = begin_line(screen, 1, A_NORMAL);

	if (draw_server(screen, &watch->reader, &pen, err) != 0)
		return -1;
	pen.x += WATCH_GAP;
	if (put(&pen, err, "%zu of %zu by %s%s", view->n, watch->reader.rows.n,
		    watch_sort_name(view->sort),
		    view->is_reversed ? " reversed" : "") != 0)
		return -1;
	if (view->states != WATCH_ALL &&
		put(&pen, err, ", %s", watch_states_name(view->states)) != 0)
		return -1;
	return view->match[0] == '\0'
		       ? 0
		       : put(&pen, err, ", with '%s'", view->match);
}

static int draw_footer(const struct watch_screen *screen,
	const struct watch *watch, struct sp_err *err)
{
	const char *trouble = watch->reader.trouble;
	attr_t alert =
		A_REVERSE | (screen->has_colors ? (attr_t)COLOR_PAIR(ALERT_PAIR)
						: A_NORMAL);
	struct pen pen = begin_line(screen, LINES - 1,
		trouble[0] != '\0' ? alert : A_NORMAL);

	if (watch->mode == WATCH_TYPING)
		return put(&pen, err, "/%s", watch->view.match);
	if (trouble[0] != '\0')
		return put(&pen, err, "not up to date: %s", trouble);
	if (!watch->has_help)
		return put(&pen, err, "? help  q quit");
	if (watch->mode == WATCH_DETAIL)
		return put(&pen, err, "Esc back  j k next  ? help  q quit");
	return put(&pen, err,
		"n u s t order  / find  f states  Esc all  Enter details  "
		"j k move  q quit");
}

/* ---- the list ---------------------------------------------------------- */

static int longest_number(const struct watch_rows *rows)
{
	size_t longest = strlen(watch_column_heading(WATCH_NUMBER));

	for (size_t i = 0; i < rows->n; i++)
		if (strlen(rows->at[i].number) > longest)
			longest = strlen(rows->at[i].number);
	return (int)longest;
}

static int draw_headings(const struct watch_screen *screen,
	const int widths[WATCH_N_COLUMNS], struct sp_err *err)
{
	struct pen pen = begin_line(screen, HEADER_LINES - 1, A_BOLD);
	int x = 0;

	for (enum watch_column i = 0; i < WATCH_N_COLUMNS; i++) {
		pen.x = x;
		if (widths[i] == 0)
			continue;
		if (put_cell(&pen, widths[i], watch_column_heading(i), err) !=
			0)
			return -1;
		x += widths[i] + WATCH_GAP;
	}
	return 0;
}

static int draw_row(struct pen *pen, const struct watch_row *row,
	const struct watch_moment *moment, const int widths[WATCH_N_COLUMNS],
	struct sp_err *err)
{
	char cell[WATCH_CELL_SIZE];
	int x = 0;

	for (enum watch_column i = 0; i < WATCH_N_COLUMNS; i++) {
		if (widths[i] == 0)
			continue;
		pen->x = x;
		watch_cell(row, i, moment, cell);
		if (put_cell(pen, widths[i], cell, err) != 0)
			return -1;
		x += widths[i] + WATCH_GAP;
	}
	return 0;
}

static int draw_list(const struct watch_screen *screen, struct watch *watch,
	struct sp_err *err)
{
	const struct watch_moment moment = watch_reader_moment(&watch->reader);
	const struct watch_rows *rows = &watch->reader.rows;
	struct watch_view *view = &watch->view;
	size_t height = watch_screen_height();
	int widths[WATCH_N_COLUMNS];

	watch_view_scroll(view, height);
	watch_layout(COLS, longest_number(rows), widths);
	if (draw_headings(screen, widths, err) != 0)
		return -1;
	for (size_t i = view->top; i < view->n && i < view->top + height; i++) {
		const struct watch_row *row = &rows->at[view->order[i]];
		struct pen pen = begin_line(screen,
			HEADER_LINES + (int)(i - view->top),
			attr_of(screen, row->state) |
				(i == view->cursor ? A_REVERSE : A_NORMAL));

		if (draw_row(&pen, row, &moment, widths, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- one extension ----------------------------------------------------- */

/* Draws "label  text" in the next line. */
static int put_field(struct pen *pen, const char *label, const char *text,
	struct sp_err *err)
{
	enum { LABEL_WIDTH = 14 };

	*pen = begin_line(pen->screen, pen->y + 1, A_BOLD);
	if (put_cell(pen, LABEL_WIDTH, label, err) != 0)
		return -1;
	attrset(A_NORMAL);
	pen->x = LABEL_WIDTH;
	return put_cell(pen, COLS, text, err);
}

static int put_time(struct pen *pen, const char *label, int64_t time_ms,
	struct sp_err *err)
{
	char text[SP_TIME_TEXT] = "";

	time_or_null(time_ms, text);
	return put_field(pen, label, text, err);
}

static int draw_status(struct pen *pen, const struct watch_reader *reader,
	struct sp_err *err)
{
	const struct sp_status *s = &reader->detail.status;
	const struct watch_moment moment = watch_reader_moment(reader);
	const struct sp_binding *b = &s->binding;
	struct watch_rows one = {.n = 0};
	char name[WATCH_CELL_SIZE], left[WATCH_CELL_SIZE];
	int rc;

	if (watch_rows_add(&one, s, err) != 0) {
		watch_rows_release(&one);
		return -1;
	}
	watch_cell(one.at, WATCH_NAME, &moment, name);
	watch_cell(one.at, WATCH_LEFT, &moment, left);
	rc = put_field(pen, "login", s->extension.user.login, err) ||
	     put_field(pen, "name", name, err) ||
	     put_field(pen, "state", sp_state_name(s->state), err) ||
	     put_time(pen, "since", s->since_ms, err) ||
	     put_field(pen, "contact", b->contact, err) ||
	     put_field(pen, "transport", b->transport, err) ||
	     put_field(pen, "user agent", b->user_agent, err) ||
	     put_time(pen, "refreshed", b->refreshed_ms, err) ||
	     put_field(pen, "expires in", left, err) ||
	     put_field(pen, "forwarding", one.at->text[WATCH_RULES], err) ||
	     put_field(pen, "calls", sp_call_right_name(s->extension.calls),
		     err);
	watch_rows_release(&one);
	return rc != 0 ? -1 : 0;
}

static int draw_events(struct pen *pen, const struct watch_detail *detail,
	struct sp_err *err)
{
	const struct sp_event_row *e;
	char time[SP_TIME_TEXT];

	*pen = begin_line(pen->screen, pen->y + 2, A_BOLD);
	if (put(pen, err, "last events") != 0)
		return -1;
	for (size_t i = 0; (e = watch_detail_event(detail, i)) != NULL; i++) {
		bool has_both =
			e->old_value[0] != '\0' && e->new_value[0] != '\0';

		if (pen->y + 1 >= LINES - FOOTER_LINES)
			break;
		*pen = begin_line(pen->screen, pen->y + 1, A_NORMAL);
		sp_clock_format(e->at_ms, time);
		if (put(pen, err, "%s  %s  %s%s%s  %s", time, e->what,
			    e->old_value, has_both ? " -> " : "", e->new_value,
			    e->actor) != 0)
			return -1;
	}
	return 0;
}

static int draw_detail(const struct watch_screen *screen,
	const struct watch *watch, struct sp_err *err)
{
	const struct watch_detail *detail = &watch->reader.detail;
	struct pen pen = begin_line(screen, HEADER_LINES - 1,
		A_BOLD | attr_of(screen, detail->status.state));

	if (put(&pen, err, "%s@%s", detail->number,
		    watch->reader.w->app.scope.tenant->domain) != 0)
		return -1;
	if (detail->is_there && draw_status(&pen, &watch->reader, err) != 0)
		return -1;
	return draw_events(&pen, detail, err);
}

/* ---- all --------------------------------------------------------------- */

int watch_screen_draw(const struct watch_screen *screen, struct watch *watch,
	struct sp_err *err)
{
	int rc;

	erase();
	rc = watch->mode == WATCH_DETAIL ? draw_detail(screen, watch, err)
					 : draw_list(screen, watch, err);
	/* Last, so that nothing else is there where there are few lines. */
	if (rc != 0 || draw_counters(screen, watch, err) != 0 ||
		draw_view(screen, watch, err) != 0 ||
		draw_footer(screen, watch, err) != 0)
		return -1;
	curs_set(watch->mode == WATCH_TYPING ? 1 : 0);
	refresh();
	return 0;
}
