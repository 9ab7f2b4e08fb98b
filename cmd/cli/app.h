/* What a main does before and after its work: configuration, tenant, database,
 * and telling what went wrong. */
#ifndef SP_CMD_CLI_APP_H
#define SP_CMD_CLI_APP_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/cli/input.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/progress.h"
#include "lib/config.h"
#include "lib/db.h"
#include "lib/err.h"
#include "lib/scope.h"

enum { SP_APP_WAIT_MS = 10000 }; /* for other writers of the database */

struct sp_app {
	const char *tool;
	const struct sp_common *common;
	struct sp_config config;
	struct sp_db *db;
	struct sp_scope scope; /* of the tenant that was asked for, now */
	char actor[64];        /* the real person, also under sudo */
	/* Bad lines and warnings wait here until no transaction is open:
	 * whoever reads standard error slowly must not hold up the others. */
	FILE *complaints, *warnings;
	bool is_pending; /* a change that was begun has not been made */
	int status;      /* exit status of the first bad line; 0: none so far */
	bool is_fatal;   /* an error ended it that no line is to blame for */
	int64_t last_event; /* before the change */
	struct sp_progress progress;
};

/* Reads the configuration, picks the tenant, opens the database. Close in any
 * case. */
int sp_app_open(struct sp_app *app, const struct sp_common *common,
	const char *tool, enum sp_db_mode mode, struct sp_err *err);
void sp_app_close(struct sp_app *app);

/* A transaction for writing, in which the tenant has its row. It ends with
 * sp_app_end, which commits, or rolls back for a dry run. */
int sp_app_begin(struct sp_app *app, struct sp_err *err);
int sp_app_end(struct sp_app *app, const struct sp_common *common,
	struct sp_err *err);

/* Tells an error on standard error, the tool's name in front. Returns the exit
 * status. */
int sp_app_fail(const char *tool, const struct sp_err *err);

/* Keeps the error of one bad operand or line of several for sp_app_exit: the
 * others are still looked at. Returns false when the error is not about the
 * input, so that going on makes no sense. */
bool sp_app_bad(struct sp_app *app, const struct sp_err *err);

/* Around each item of a batch that changes something: what a bad one has done
 * is undone with --keep-going. rc: the item's own, with err when it is -1.
 * Return 0 to go on, or -1. */
int sp_app_item_begin(struct sp_app *app, struct sp_err *err);
int sp_app_item_end(struct sp_app *app, int rc, struct sp_err *err);

/* After the last item: 0 when the batch is to be committed, -1 when something
 * was bad and --keep-going was not said. */
int sp_app_verdict(const struct sp_app *app);

/* Keeps a sentence that is no error for sp_app_exit, which drops it when the
 * change that it tells of was not made. Quiet: drops it. */
void sp_app_warn(struct sp_app *app, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same when no user of the tenant is there to be listed, at a terminal
 * only: a script takes an empty list for what it is. Returns 0 or -1. */
int sp_app_hint_empty(struct sp_app *app, struct sp_err *err);

/* Warns of the rules by which others forward to a number that nobody has any
 * more; with `clear` removes them, in the open transaction. */
int sp_app_inbound(struct sp_app *app, const char *number, bool clear,
	struct sp_err *err);

/* Ends a main: the exit status after run() gave rc. Rolls back what is open,
 * then tells what went wrong: bad lines, and err unless that is one of them. */
int sp_app_exit(struct sp_app *app, int rc, const struct sp_err *err);

/* Tells a wrong use of options or operands. Returns SP_USAGE. */
int sp_app_usage(const struct sp_program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The operands of a command line, where "-" stands for the lines of standard
 * input: each line's first TAB-separated field. */
struct sp_operands {
	char **at;
	int n, next;
	struct sp_input *list; /* of "-", opened before any transaction */
	bool in_list;
};

/* Takes n operands and reads standard input if "-" is among them. Release in
 * any case. */
int sp_operands_init(struct sp_operands *operands,
	const struct sp_common *common, char **at, int n, struct sp_err *err);

/* Calls fn for each operand, also behind a bad one, as an item of a batch when
 * a transaction is open; the sentence about one from a list gets its place in
 * front. Returns 0 or -1; see sp_app_exit. */
typedef int sp_operand_fn(void *arg, const char *operand, struct sp_err *err);
int sp_operands_each(struct sp_operands *operands, struct sp_app *app,
	sp_operand_fn *fn, void *arg, struct sp_err *err);

void sp_operands_release(struct sp_operands *operands);

#endif
