/* sp-forward: setting the rules of a file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"
#include "lib/text.h"

static const char *const FIELDS[N_RULE_COLUMNS] = {"number", "condition",
	"target", "after", "switch", "origin", "from", "until"};

/* A line whose rule is new: it may close a loop, which can be told only when
 * all lines are set. */
struct changed_line {
	int64_t line;
	unsigned conditions;
	char number[SP_NUMBER_SIZE];
};

struct changed_lines {
	struct changed_line *at;
	size_t n, size;
};

int open_rules(struct work *w, struct sp_err *err)
{
	static const struct sp_record_names NAMES = {FIELDS, N_RULE_COLUMNS,
		NULL, 0, true};

	return sp_records_open(&w->records, w->file, &NAMES, err);
}

static const char *given(const char *field)
{
	return field == NULL || field[0] == '\0' ? NULL : field;
}

/* "on", "off"; "own", "default"; nothing is the first. */
static int read_word(const char *what, const char *text, const char *yes,
	const char *no, bool *out, struct sp_err *err)
{
	*out = text == NULL || strcmp(text, yes) == 0;
	if (*out || strcmp(text, no) == 0)
		return 0;
	return sp_err_set(err, SP_DATA, "%s '%.40s' is neither %s nor %s", what,
		text, yes, no);
}

static int read_time(const char *text, int64_t now_ms, int64_t *out_ms,
	struct sp_err *err)
{
	*out_ms = 0;
	return text == NULL ? 0 : sp_time_parse(text, now_ms, out_ms, err);
}

static int read_after(const char *text, enum sp_condition condition,
	int64_t *after_ms, struct sp_err *err)
{
	*after_ms = condition == SP_NO_ANSWER ? SP_AFTER_MS : 0;
	if (text == NULL)
		return 0;
	if (condition != SP_NO_ANSWER)
		return sp_err_set(err, SP_DATA,
			"after '%.40s' goes with no-answer only", text);
	return sp_duration_parse(text, after_ms, err);
}

static int read_rule(const struct work *w, const char *const *field,
	enum sp_condition *condition, struct sp_rule *rule, struct sp_err *err)
{
	int64_t now_ms = w->app.scope.now_ms;
	bool is_own;

	if (given(field[RULE_CONDITION]) == NULL ||
		given(field[RULE_TARGET]) == NULL)
		return sp_err_set(err, SP_DATA,
			"no condition or no target, expected both");
	if (!sp_condition_parse(field[RULE_CONDITION], condition))
		return sp_err_set(err, SP_DATA,
			"'%.40s' is not a condition: always, busy, no-answer "
			"or offline",
			field[RULE_CONDITION]);
	if (read_word("switch", given(field[RULE_SWITCH]), "on", "off",
		    &rule->enabled, err) != 0 ||
		read_word("origin", given(field[RULE_ORIGIN]), "own", "default",
			&is_own, err) != 0 ||
		read_after(given(field[RULE_AFTER]), *condition,
			&rule->after_ms, err) != 0 ||
		read_time(given(field[RULE_FROM]), now_ms, &rule->from_ms,
			err) != 0 ||
		read_time(given(field[RULE_UNTIL]), now_ms, &rule->until_ms,
			err) != 0)
		return -1;
	rule->is_default = !is_own;
	return sp_text_copy(rule->target, sizeof rule->target,
		field[RULE_TARGET], "the target", err);
}

static int keep_line(struct changed_lines *lines, int64_t line,
	unsigned conditions, const char *number, struct sp_err *err)
{
	struct changed_line *l;

	if (lines->n == lines->size) {
		size_t size = lines->size == 0 ? 64 : 2 * lines->size;
		void *at = realloc(lines->at, size * sizeof *lines->at);

		if (at == NULL)
			return sp_err_memory(err);
		lines->at = at;
		lines->size = size;
	}
	l = &lines->at[lines->n++];
	l->line = line;
	l->conditions = conditions;
	memcpy(l->number, number, SP_NUMBER_SIZE);
	return 0;
}

/* A rule that says "default" takes the own one away. */
static int set_rule(struct work *w, const char *const *field,
	struct changed_lines *lines, struct sp_err *err)
{
	const struct sp_scope *scope = &w->app.scope;
	struct sp_rule rule = {.target = ""};
	struct sp_extension extension;
	struct sp_forwarding f;
	enum sp_condition condition;
	unsigned changed;

	if (read_rule(w, field, &condition, &rule, err) != 0 ||
		sp_extension_get(scope, field[RULE_NUMBER], &extension, err) !=
			0 ||
		sp_forward_load(scope, extension.id, &f, err) != 0)
		return -1;
	if (rule.until_ms != 0 && rule.until_ms <= scope->now_ms)
		f.timed[condition].target[0] = '\0';
	else if (rule.from_ms != 0 || rule.until_ms != 0)
		f.timed[condition] = rule;
	else
		f.lasting[condition] = rule;
	if (sp_forward_set(scope, &extension, &f, &changed, err) < 0)
		return -1;
	return changed == 0 ? 0
			    : keep_line(lines, sp_records_line(w->records),
				      changed, extension.number, err);
}

/* One that closes a loop cannot be undone alone any more. */
static int check_line(struct work *w, const struct changed_line *line,
	struct sp_err *err)
{
	struct sp_extension extension;

	if (sp_extension_find(&w->app.scope, line->number, &extension, err) !=
		1)
		return -1;
	if (sp_forward_check_loops(&w->app.scope, &extension, line->conditions,
		    err) == 0)
		return 0;
	sp_err_prefix(err, "%s:%" PRId64 ": ", w->file, line->line);
	return sp_app_bad(&w->app, err) ? 0 : -1;
}

static int set_lines(struct work *w, struct changed_lines *lines,
	struct sp_err *err)
{
	const char *field[N_RULE_COLUMNS];
	int64_t done, total;
	int rc;

	while ((rc = sp_records_next(w->records, field, err)) != 0) {
		sp_records_position(w->records, &done, &total);
		sp_progress_step(&w->app.progress, (uint64_t)done,
			(uint64_t)total);
		if (sp_app_item_begin(&w->app, err) != 0)
			return -1;
		if (rc == 1 && (rc = set_rule(w, field, lines, err)) != 0)
			sp_err_prefix(err, "%s", sp_records_where(w->records));
		else if (rc == 1)
			rc = 0;
		if (sp_app_item_end(&w->app, rc, err) != 0)
			return -1;
	}
	return 0;
}

int set_rules(struct work *w, struct sp_err *err)
{
	struct changed_lines lines = {.n = 0};
	int rc, status;

	sp_progress_start(&w->app.progress, w->app.tool, w->common.quiet);
	rc = set_lines(w, &lines, err);
	status = w->app.status;
	for (size_t i = 0; i < lines.n && rc == 0; i++)
		rc = check_line(w, &lines.at[i], err);
	free(lines.at);
	if (rc != 0)
		return -1;
	/* With a loop nothing is kept, not even with --keep-going. */
	if (status == 0 && w->app.status != 0)
		return -1;
	return sp_app_verdict(&w->app);
}
