/* What the parts of sp-status share: what was asked for, and the listing. */
#ifndef SP_CMD_SP_STATUS_STATUS_TOOL_H
#define SP_CMD_SP_STATUS_STATUS_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/cli/app.h"
#include "cmd/cli/output.h"
#include "lib/clock.h"
#include "lib/status.h"

struct work;

/* One mode of the program: opens its listing and prints it. */
typedef int mode_fn(struct work *w, struct sp_err *err);

struct work {
	struct sp_common common;
	const char *states, *idle, *match, *history, *as_of, *since, *wait,
		*timeout;
	bool free, resting, reserved, summary, follow, paths, html;
	bool prometheus, check, watch;
	const char *max_lost, *min_free, *max_silence; /* with --check */
	int check_status; /* of --check: the exit status */
	int n;            /* operands */
	char **operand;
	mode_fn *mode;
	struct sp_status_filter filter;
	bool awaited[SP_N_STATES]; /* with --wait */
	int64_t as_of_ms;          /* with --as-of */
	int64_t since_seq;         /* with --since */
	int64_t timeout_ms;        /* with --timeout, else 0: for ever */
	bool is_no;                /* the answer is "no": exit status 1 */
	struct sp_app app;
	struct sp_operands operands;
	struct sp_output *output;
};

mode_fn list_extensions; /* list.c: all, or the operands */
mode_fn list_as_of;      /* past.c: --as-of */
mode_fn list_free;       /* numbers.c: --free */
mode_fn list_resting;    /* numbers.c: --resting */
mode_fn list_reserved;   /* numbers.c: --reserved */
mode_fn print_summary;   /* numbers.c: --summary */
mode_fn print_history;   /* events.c: --history */
mode_fn follow_events;   /* events.c: --follow, --since */
mode_fn wait_for_state;  /* wait.c: --wait */
mode_fn watch_list;      /* watch.c: --watch */
mode_fn print_html;      /* html.c: --html */

/* watch.c: what is wrong with the use of --watch; NULL: nothing. */
const char *watch_refusal(const struct work *w);

/* These two open what they need, since they are about all tenants. */
mode_fn print_prometheus; /* prometheus.c: --prometheus */
mode_fn run_check;        /* check.c: --check */

/* check.c: prints why run_check failed as a plugin has to, and sets the exit
 * status. */
void check_failed(struct work *w, const struct sp_err *err);

/* The same of wrong options, which standard error tells of. Returns the exit
 * status: 64 is none for a plugin. */
int check_misused(void);

/* Opens w->output for these columns as the options say. terminal: what a
 * terminal shows of them when nothing is said; NULL: all. */
int open_listing(struct work *w, const struct sp_column *columns,
	size_t n_columns, const char *terminal, struct sp_err *err);

/* list.c: opens the listing of extensions, and prints one. */
int open_extensions(struct work *w, struct sp_err *err);
int print_status(struct work *w, const struct sp_status *status,
	struct sp_err *err);

/* Without a server softphones stand still: sets the moment that they are shown
 * for (scope.phones_ms) and, unless it is quiet, says since when. */
int set_moment(struct work *w, struct sp_err *err);

/* Reads "lost,offline". what: the option, for the sentence. */
int parse_states(const char *text, const char *what, bool wanted[SP_N_STATES],
	struct sp_err *err);

/* What an operand means where it is about the past, and somebody may have left:
 * a number, or else a login. */
struct past {
	const char *number, *login; /* one of them, borrowed; or else NULL */
};
int read_past(struct work *w, const char *operand, struct past *past,
	struct sp_err *err);

/* NULL for "" and 0. */
const char *text_or_null(const char *text);
const char *time_or_null(int64_t time_ms, char out[SP_TIME_TEXT]);

/* Waits until somebody has changed the database since `version`, or for
 * `ms`. Returns 1, or 0 when nobody reads standard output any more, or -1. */
int wait_for_change(struct work *w, int64_t *version, int64_t ms,
	struct sp_err *err);

#endif
