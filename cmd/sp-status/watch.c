/* sp-status --watch: the list on a terminal, as it changes. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>

#include "cmd/sp-status/watch_screen.h"

enum {
	STEP_MS = 50, /* between two looks at the database's version */
	ESCAPE = 27,
	REDRAW = 'L' & 0x1f, /* ^L */
	BACKSPACE = 8,
	DELETE = 127,
};

/* ---- keys -------------------------------------------------------------- */

typedef int act_fn(struct watch *watch, int64_t arg, struct sp_err *err);

static int apply(struct watch *watch, struct sp_err *err)
{
	watch->is_stale = false;
	return watch_view_apply(&watch->view, &watch->reader.rows, err);
}

static int look_at_chosen(struct watch *watch, struct sp_err *err)
{
	const char *number = watch->view.chosen;

	if (number[0] == '\0')
		return 0;
	watch->mode = WATCH_DETAIL;
	return watch_reader_look_at(&watch->reader, number, err) < 0 ? -1 : 0;
}

static int move_by(struct watch *watch, int64_t by, struct sp_err *err)
{
	watch_view_move(&watch->view, &watch->reader.rows, by);
	return watch->mode == WATCH_DETAIL ? look_at_chosen(watch, err) : 0;
}

static int turn_pages(struct watch *watch, int64_t n, struct sp_err *err)
{
	return move_by(watch, n * (int64_t)watch_screen_height(), err);
}

static int sort_by(struct watch *watch, int64_t sort, struct sp_err *err)
{
	watch_view_sort(&watch->view, (enum watch_sort)sort);
	return apply(watch, err);
}

static int cycle_states(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)arg;
	watch_view_cycle(&watch->view);
	return apply(watch, err);
}

static int begin_typing(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)arg, (void)err;
	watch->mode = WATCH_TYPING;
	return 0;
}

static int show_detail(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)arg;
	return look_at_chosen(watch, err);
}

/* From the one extension to the list, and from some of it to all. */
static int go_back(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)arg;
	if (watch->mode == WATCH_DETAIL) {
		watch->mode = WATCH_LIST;
		return watch_reader_look_at(&watch->reader, NULL, err) < 0 ? -1
									   : 0;
	}
	watch->mode = WATCH_LIST;
	watch->view.match[0] = '\0';
	return apply(watch, err);
}

static int toggle_help(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)arg, (void)err;
	watch->has_help = !watch->has_help;
	return 0;
}

static int redraw(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)watch, (void)arg, (void)err;
	clearok(curscr, TRUE);
	return 0;
}

static int quit(struct watch *watch, int64_t arg, struct sp_err *err)
{
	(void)arg, (void)err;
	watch->is_over = true;
	return 0;
}

static const struct key {
	wint_t key;
	act_fn *act;
	int64_t arg;
	bool is_of_list; /* it does nothing where one extension is shown */
} KEYS[] =
	{
		{'q', quit, 0, false},
		{'?', toggle_help, 0, false},
		{REDRAW, redraw, 0, false},
		{ESCAPE, go_back, 0, false},
		{'j', move_by, 1, false},
		{'k', move_by, -1, false},
		{'n', sort_by, WATCH_BY_NUMBER, true},
		{'s', sort_by, WATCH_BY_STATE, true},
		{'u', sort_by, WATCH_BY_LOGIN, true},
		{'t', sort_by, WATCH_BY_SINCE, true},
		{'f', cycle_states, 0, true},
		{'/', begin_typing, 0, true},
		{'\r', show_detail, 0, true},
		{'\n', show_detail, 0, true},
},
  CODES[] = {
	  /* of curses */
	  {KEY_DOWN, move_by, 1, false},
	  {KEY_UP, move_by, -1, false},
	  {KEY_NPAGE, turn_pages, 1, false},
	  {KEY_PPAGE, turn_pages, -1, false},
	  {KEY_HOME, move_by, INT32_MIN, false},
	  {KEY_END, move_by, INT32_MAX, false},
	  {KEY_ENTER, show_detail, 0, true},
};
enum {
	N_KEYS = sizeof KEYS / sizeof KEYS[0],
	N_CODES = sizeof CODES / sizeof CODES[0],
};

static int press(struct watch *watch, wint_t key, bool is_code,
	struct sp_err *err)
{
	const struct key *keys = is_code ? CODES : KEYS;
	size_t n = is_code ? N_CODES : N_KEYS;

	if (watch->is_stale && apply(watch, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (keys[i].key == key &&
			!(keys[i].is_of_list && watch->mode == WATCH_DETAIL))
			return keys[i].act(watch, keys[i].arg, err);
	return 0;
}

static void type_character(struct watch_view *view, wint_t key)
{
	char text[MB_LEN_MAX + 1] = "";
	mbstate_t state = {0};

	if (wcwidth((wchar_t)key) >= 0 &&
		wcrtomb(text, (wchar_t)key, &state) != (size_t)-1)
		watch_match_add(view, text);
}

/* The list follows what is typed, not each character of what comes at once. */
static int type(struct watch *watch, wint_t key, bool is_code,
	struct sp_err *err)
{
	if (!is_code && (key == '\r' || key == '\n')) {
		watch->mode = WATCH_LIST;
		return 0;
	}
	if (!is_code && key == ESCAPE)
		return go_back(watch, 0, err);
	if (is_code ? key == KEY_BACKSPACE : key == BACKSPACE || key == DELETE)
		watch_match_cut(&watch->view);
	else if (is_code)
		return press(watch, key, is_code, err);
	else
		type_character(&watch->view, key);
	watch->is_stale = true;
	return 0;
}

static int take_keys(struct watch *watch, struct sp_err *err)
{
	wint_t key;
	int rc = 0, kind;

	while (rc == 0 && !watch->is_over && (kind = get_wch(&key)) != ERR) {
		bool is_code = kind == KEY_CODE_YES;

		rc = watch->mode == WATCH_TYPING
			     ? type(watch, key, is_code, err)
			     : press(watch, key, is_code, err);
	}
	if (rc == 0 && watch->is_stale)
		rc = apply(watch, err);
	return rc;
}

/* ---- signals ----------------------------------------------------------- */

/* They wait until somebody reads them, so that none comes in between. */
static void block_signals(sigset_t *set, sigset_t *before)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGWINCH);
	sigprocmask(SIG_BLOCK, set, before);
}

static void take_signal(struct watch *watch, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGWINCH) {
		watch_screen_resize();
		return;
	}
	watch->signal = (int)info.ssi_signo;
	watch->is_over = true;
}

/* Who sent it learns that it was heard: by the way in which this ends. */
static void end_by(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the loop ---------------------------------------------------------- */

/* Waits for a key, a signal, or the next look at the database. Returns 1 when
 * something may look different now, 0, or -1. */
static int wait_and_act(struct watch *watch, int keys, int signals,
	struct sp_err *err)
{
	struct pollfd fds[] = {{keys, POLLIN, 0}, {signals, POLLIN, 0}};
	int wait_ms = watch_reader_is_busy(&watch->reader) ? 0 : STEP_MS;

	if (poll(fds, 2, wait_ms) <= 0)
		return 0;
	if ((fds[1].revents & POLLIN) != 0)
		take_signal(watch, signals);
	/* Nobody is left to look. */
	if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		watch->is_over = true;
	else if ((fds[0].revents & POLLIN) != 0 && take_keys(watch, err) != 0)
		return -1;
	return 1;
}

static int follow(struct watch *watch, const struct watch_screen *screen,
	int signals, struct sp_err *err)
{
	int64_t shown_s = 0, now_s;
	int is_new = 0, rc = 1;

	while (rc >= 0 && !watch->is_over) {
		is_new = watch_reader_step(&watch->reader, err);
		if (is_new < 0 || (is_new == 1 && apply(watch, err) != 0))
			return -1;
		now_s = sp_clock_now_ms() / 1000;
		/* Times are shown in seconds. */
		if ((rc == 1 || is_new == 1 || now_s != shown_s) &&
			watch_screen_draw(screen, watch, err) != 0)
			return -1;
		shown_s = now_s;
		rc = wait_and_act(watch, fileno(screen->keys), signals, err);
	}
	return rc < 0 ? -1 : 0;
}

static int show(struct watch *watch, int signals, struct sp_err *err)
{
	struct watch_screen screen;
	int rc = watch_screen_open(&screen, err);

	if (rc == 0)
		rc = follow(watch, &screen, signals, err);
	watch_screen_close(&screen);
	return rc;
}

static int watch_until_signal(struct watch *watch, struct sp_err *err)
{
	sigset_t set, before;
	int signals, rc;

	block_signals(&set, &before);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = signals < 0
		     ? sp_err_set(err, SP_BUG, "cannot wait for signals: %s",
			       strerror(errno))
		     : show(watch, signals, err);
	if (signals >= 0)
		close(signals);
	if (watch->signal != 0)
		end_by(watch->signal);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

const char *watch_refusal(const struct work *w)
{
	const struct sp_common *common = &w->common;

	if (!w->watch)
		return NULL;
	if (common->output != NULL || common->columns != NULL ||
		common->no_header)
		return "--output, --columns and --no-header do not go with "
		       "--watch";
	if (!isatty(STDOUT_FILENO))
		return "--watch needs a terminal: standard output is none";
	return NULL;
}

int watch_list(struct work *w, struct sp_err *err)
{
	struct watch watch = {.mode = WATCH_LIST};
	int rc = watch_reader_init(&watch.reader, w, err);

	sp_progress_end(&w->app.progress);
	if (rc == 0)
		rc = watch_until_signal(&watch, err);
	watch_view_release(&watch.view);
	watch_reader_release(&watch.reader);
	return rc;
}
