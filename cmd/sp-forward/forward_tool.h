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

/* An extension with new rules. */
struct new_rules {
	char number[SP_NUMBER_SIZE];
	unsigned conditions; /* a bit for each */
	int64_t line;        /* of the list or file that asked for it; or 0 */
};

struct work {
	struct sp_common common;
	const char *target[SP_N_CONDITIONS]; /* NULL: not said */
	const char *after, *from, *until;
	struct sp_rule rule[SP_N_CONDITIONS]; /* what these say */
	const char *off[SP_OPT_REPEAT], *on[SP_OPT_REPEAT];
	size_t n_off, n_on;
	bool reset, undo;
	const char *file;
	const char *resolve, *at, *when;
	struct sp_app app;
	struct sp_operands operands;
	struct sp_records *records; /* of --file */
	struct sp_report report;
	struct new_rules *new_rules; /* n_new of them, with room for more */
	size_t n_new, new_size;
};

/* rules.c: prints a rule, unless it is none; the rules of one extension; or
 * those of all. */
int print_rule(struct work *w, const char *number, enum sp_condition condition,
	const struct sp_rule *rule, struct sp_err *err);
int print_rules(struct work *w, const char *number,
	const struct sp_forwarding *forwarding, struct sp_err *err);
int print_operand(void *arg, const char *operand, struct sp_err *err);
int print_all(struct work *w, struct sp_err *err);

/* window.c: reads when a rule begins and ends; NULL is not said. Fails with
 * SP_DATA when a text is no time or the end is not after the beginning. */
int read_window(const char *from, const char *until, int64_t now_ms,
	struct sp_rule *rule, struct sp_err *err);

/* loops.c: notes the new rules of an extension for check_new_rules, which comes
 * after the last. With --keep-going each is checked at once: then a bad one can
 * be left out alone. */
int note_new_rules(struct work *w, int64_t line,
	const struct sp_extension *extension, unsigned conditions,
	struct sp_err *err);
int check_new_rules(struct work *w, struct sp_err *err);

/* change.c: reads what the options say, once for all operands. */
int read_change(struct work *w, struct sp_err *err);

/* change.c: changes the rules of one extension as the options say, and prints
 * them as they are then: an sp_operand_fn. */
int change_operand(void *arg, const char *operand, struct sp_err *err);

/* file.c: sets the rules of a file, in a format that rules.c prints, and prints
 * each as it is then. */
int open_rules(struct work *w, struct sp_err *err);
int set_rules(struct work *w, struct sp_err *err);

/* resolve.c: opens its own listing and prints the route of a call. */
int resolve(struct work *w, struct sp_err *err);

#endif
