/* sp-status --watch: reads the database, as often as it changes and as little
 * at a time as lets the keys be heard. */
#ifndef SP_CMD_SP_STATUS_WATCH_READ_H
#define SP_CMD_SP_STATUS_WATCH_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/sp-status/status_tool.h"
#include "cmd/sp-status/watch.h"
#include "lib/event.h"

enum { WATCH_EVENTS = 32 };

/* One extension, closely. */
struct watch_detail {
	char number[SP_NUMBER_SIZE]; /* "": none is looked at */
	bool is_there;
	struct sp_status status;
	struct sp_event_row events[WATCH_EVENTS]; /* the last ones, a ring */
	size_t n;                                 /* that ever were */
	int64_t after; /* the last one that was read */
};

struct watch_reader {
	struct work *w;
	char **operands; /* owned; NULL: all extensions */
	size_t n_operands;

	/* What was read last: */
	struct watch_rows rows;
	int64_t beat_ms;    /* the server's last one; 0: never */
	int64_t stopped_ms; /* since when nobody listens; 0: somebody does */
	struct watch_detail detail;
	char trouble[sizeof((struct sp_err *)0)->msg]; /* ""; or why it could
							* not be read since */

	/* What is being read: */
	bool is_reading;
	struct sp_scope scope; /* of that moment */
	struct sp_status_list *list;
	struct watch_rows next;
	size_t next_operand;
	int64_t next_beat_ms, next_stopped_ms;

	int64_t version;           /* of the database, when that began */
	bool is_changed;           /* since then */
	int64_t began_ms, busy_ms; /* monotonic; what it cost so far, or last */
	int64_t retry_ms;          /* monotonic; after trouble */
};

/* Takes the operands and checks them, as the list does. Release in any case. */
int watch_reader_init(struct watch_reader *reader, struct work *w,
	struct sp_err *err);
void watch_reader_release(struct watch_reader *reader);

/* Does what there is to do, for some milliseconds. Returns 1 when there is
 * something new to show, 0, or -1 when there is no memory: trouble with the
 * database is something to show. */
int watch_reader_step(struct watch_reader *reader, struct sp_err *err);

/* Is it in the middle of something, so that the next step should come at once? */
bool watch_reader_is_busy(const struct watch_reader *reader);

/* The moment to show the rows for. */
struct watch_moment watch_reader_moment(const struct watch_reader *reader);

/* Looks at one extension from now on; NULL: at none. Returns as
 * watch_reader_step. */
int watch_reader_look_at(struct watch_reader *reader, const char *number,
	struct sp_err *err);

/* The i-th of the detail's last events, the newest first; NULL: there are not
 * so many. */
const struct sp_event_row *watch_detail_event(const struct watch_detail *detail,
	size_t i);

#endif
