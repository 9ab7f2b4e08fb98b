/* What the parts of sp-forward share: what was asked for, and the listing. */
#ifndef SP_CMD_SP_FORWARD_FORWARD_TOOL_H
#define SP_CMD_SP_FORWARD_FORWARD_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/cli/app.h"
#include "cmd/cli/records.h"
#include "cmd/cli/report.h"
#include "lib/extension.h"
#include "lib/forward.h"

/* The columns of rules, in the order of struct sp_record_names too. */
enum {
	RULE_NUMBER,
	RULE_CONDITION,
	RULE_TARGET,
	RULE_AFTER,
	RULE_SWITCH,
	RULE_ORIGIN,
	RULE_FROM,
	RULE_UNTIL,
	N_RULE_COLUMNS,
};

struct work {
	struct sp_common common;
	const char *target[SP_N_CONDITIONS]; /* NULL: not said */
	const char *after, *from, *until;
	const char *off[SP_OPT_REPEAT], *on[SP_OPT_REPEAT];
	size_t n_off, n_on;
	bool reset, undo;
	const char *file;
	const char *resolve, *at, *when;
	struct sp_app app;
	struct sp_operands operands;
	struct sp_records *records; /* of --file */
	struct sp_report report;
};

/* rules.c: prints the rules of one extension, or of all. */
int print_rules(struct work *w, const char *number,
	const struct sp_forwarding *forwarding, struct sp_err *err);
int print_operand(void *arg, const char *operand, struct sp_err *err);
int print_all(struct work *w, struct sp_err *err);

/* change.c: changes the rules of one extension as the options say, and prints
 * them as they are then: an sp_operand_fn. */
int change_operand(void *arg, const char *operand, struct sp_err *err);

/* Checks the times in the options against now_ms. */
int check_times(const struct work *w, int64_t now_ms, struct sp_err *err);

/* file.c: sets the rules of a file, in what format rules.c prints. Loops are
 * looked for when all are set. */
int open_rules(struct work *w, struct sp_err *err);
int set_rules(struct work *w, struct sp_err *err);

/* resolve.c: opens its own listing and prints the route of a call. */
int resolve(struct work *w, struct sp_err *err);

#endif
