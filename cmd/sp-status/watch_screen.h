/* sp-status --watch: what is seen. The one place that knows how curses draws;
 * it sends only what has changed to the terminal. */
#ifndef SP_CMD_SP_STATUS_WATCH_SCREEN_H
#define SP_CMD_SP_STATUS_WATCH_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/sp-status/watch.h"
#include "cmd/sp-status/watch_read.h"
#include "lib/err.h"

enum watch_mode {
	WATCH_LIST,
	WATCH_TYPING, /* a text that is to be found */
	WATCH_DETAIL, /* of one extension */
};

struct watch {
	struct watch_reader reader;
	struct watch_view view;
	enum watch_mode mode;
	bool has_help; /* the keys are shown */
	bool is_stale; /* the view does not yet show what was typed */
	bool is_over;
	int signal; /* that ended it; 0: none */
};

struct watch_screen {
	FILE *keys; /* where they come from */
	void *curses;
	bool has_colors;
};

/* Takes the terminal that standard output is. Fails with SP_USAGE when there
 * are no keys, or the cursor cannot be moved. Close in any case: that gives it
 * back. */
int watch_screen_open(struct watch_screen *screen, struct sp_err *err);
void watch_screen_close(struct watch_screen *screen);

/* Takes the terminal's new size. */
void watch_screen_resize(void);

/* Rows of the list that there is room for. */
size_t watch_screen_height(void);

/* Draws all; scrolls the view to where the cursor is. Fails when out of
 * memory. */
int watch_screen_draw(const struct watch_screen *screen, struct watch *watch,
	struct sp_err *err);

#endif
