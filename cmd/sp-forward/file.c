/* sp-forward: setting the rules of a file. */
#include <string.h>

#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"
#include "lib/text.h"

static const char *const FIELDS[N_RULE_COLUMNS] = {"number", "condition",
	"target", "after", "switch", "origin", "from", "until"};

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

static int read_after(const char *text, enum sp_condition condition,
	int64_t *after_ms, struct sp_err *err)
{
	*after_ms = condition == SP_NO_ANSWER ? SP_AFTER_MS : 0;
	if (text == NULL)
		return 0;
	if (condition != SP_NO_ANSWER)
		return sp_err_set(err, SP_DATA,
			"after '%.40s' goes with no-answer only", text);
	if (sp_duration_parse(text, after_ms, err) != 0)
		return sp_err_prefix(err, "after: ");
	return 0;
}

static int read_rule(const struct work *w, const char *const *field,
	enum sp_condition *condition, struct sp_rule *rule, struct sp_err *err)
{
	const char *target = given(field[RULE_TARGET]);
	bool is_own;

	if (given(field[RULE_CONDITION]) == NULL)
		return sp_err_set(err, SP_DATA, "no condition");
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
		read_window(given(field[RULE_FROM]), given(field[RULE_UNTIL]),
			w->app.scope.now_ms, rule, err) != 0)
		return -1;
	if (is_own && target == NULL)
		return sp_err_set(err, SP_DATA, "no target");
	rule->is_default = !is_own;
	return sp_text_copy(rule->target, sizeof rule->target,
		target == NULL ? "" : target, "the target", err);
}

/* Digits are a number in that column, also where they are a login as well:
 * listings must come back as they are. */
static int find_extension(const struct work *w, const char *text,
	struct sp_extension *extension, struct sp_err *err)
{
	int rc = sp_extension_find(&w->app.scope, text, extension, err);

	if (rc < 0 || (rc == 1 && extension->user.id != 0))
		return rc < 0 ? -1 : 0;
	return sp_extension_get(&w->app.scope, text, extension, err);
}

/* A rule that says "default" takes the own one away, one that is over another
 * one for a time. */
static int set_rule(struct work *w, const char *const *field,
	struct sp_err *err)
{
	const struct sp_scope *scope = &w->app.scope;
	struct sp_rule rule = {.target = ""}, *was;
	struct sp_extension extension;
	struct sp_forwarding f;
	enum sp_condition condition;
	unsigned changed;

	if (read_rule(w, field, &condition, &rule, err) != 0 ||
		find_extension(w, field[RULE_NUMBER], &extension, err) != 0 ||
		sp_forward_load(scope, extension.id, &f, err) != 0)
		return -1;
	was = rule.from_ms != 0 || rule.until_ms != 0 ? &f.timed[condition]
						      : &f.lasting[condition];
	*was = rule;
	if (rule.until_ms != 0 && rule.until_ms <= scope->now_ms) {
		was->target[0] = '\0';
		sp_app_warn(&w->app, "%sthis rule is over already",
			sp_records_where(w->records));
	}
	if (sp_forward_set(scope, &extension, &f, &changed, err) < 0 ||
		note_new_rules(w, sp_records_line(w->records), &extension,
			changed, err) != 0 ||
		sp_forward_load(scope, extension.id, &f, err) != 0)
		return -1;
	return print_rule(w, extension.number, condition, was, err);
}

int set_rules(struct work *w, struct sp_err *err)
{
	const char *field[N_RULE_COLUMNS];
	int64_t done, total;
	int rc;

	sp_progress_start(&w->app.progress, w->app.tool, w->common.quiet);
	while ((rc = sp_records_next(w->records, field, err)) != 0) {
		sp_records_position(w->records, &done, &total);
		sp_progress_step(&w->app.progress, (uint64_t)done,
			(uint64_t)total);
		if (sp_app_item_begin(&w->app, err) != 0)
			return -1;
		rc = rc == 1 ? 0 : -1;
		if (rc == 0 && (rc = set_rule(w, field, err)) != 0)
			sp_err_prefix(err, "%s", sp_records_where(w->records));
		if (sp_app_item_end(&w->app, rc, err) != 0)
			return -1;
	}
	return 0;
}
