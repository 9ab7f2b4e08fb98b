/* sp-forward: changing the rules of one extension after another. */

#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"
#include "lib/text.h"

/* What is the same for all conditions. */
static int read_terms(const struct work *w, struct sp_rule *rule,
	struct sp_err *err)
{
	int64_t now_ms = w->app.scope.now_ms;

	if (w->after != NULL &&
		sp_duration_parse(w->after, &rule->after_ms, err) != 0)
		return sp_err_prefix(err, "--after: ");
	if (read_window(w->from, w->until, now_ms, rule, err) != 0)
		return sp_err_prefix(err, "--");
	if (w->until != NULL && rule->until_ms <= now_ms)
		return sp_err_set(err, SP_DATA,
			"--until: '%.40s' is over already", w->until);
	return 0;
}

static int read_targets(struct work *w, struct sp_err *err)
{
	struct sp_rule rule = {.enabled = true};

	if (read_terms(w, &rule, err) != 0)
		return -1;
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		if (w->target[i] == NULL)
			continue;
		if (sp_text_copy(rule.target, sizeof rule.target, w->target[i],
			    "the target", err) != 0 ||
			sp_target_check(w->app.scope.tenant, rule.target,
				err) != 0)
			return -1;
		w->rule[i] = rule;
	}
	return 0;
}

static int check_conditions(const char *const *name, size_t n,
	struct sp_err *err)
{
	enum sp_condition condition;

	for (size_t i = 0; i < n; i++)
		if (!sp_condition_parse(name[i], &condition))
			return sp_err_set(err, SP_USAGE,
				"'%.40s' is not a condition: always, busy, "
				"no-answer or offline",
				name[i]);
	return 0;
}

int read_change(struct work *w, struct sp_err *err)
{
	if (read_targets(w, err) != 0 ||
		check_conditions(w->off, w->n_off, err) != 0)
		return -1;
	return check_conditions(w->on, w->n_on, err);
}

/* The ringing time: as said, else as it was, else the usual. */
static int64_t after_of(const struct work *w, const struct sp_rule *was,
	const struct sp_rule *lasting)
{
	if (w->after != NULL)
		return w->rule[SP_NO_ANSWER].after_ms;
	if (was->after_ms != 0)
		return was->after_ms;
	return lasting->after_ms != 0 ? lasting->after_ms : SP_AFTER_MS;
}

/* What is for a time stands beside the rule that is for good. */
static void set_target(const struct work *w, int condition,
	struct sp_forwarding *f)
{
	const struct sp_rule *rule = &w->rule[condition];
	struct sp_rule *lasting = &f->lasting[condition];
	struct sp_rule *at = rule->from_ms != 0 || rule->until_ms != 0
				     ? &f->timed[condition]
				     : lasting;
	int64_t after_ms = after_of(w, at, lasting);

	*at = *rule;
	at->after_ms = condition == SP_NO_ANSWER ? after_ms : 0;
}

static int switch_all(const struct work *w, const char *number,
	struct sp_forwarding *f, bool on, struct sp_err *err)
{
	const char *const *name = on ? w->on : w->off;
	size_t n = on ? w->n_on : w->n_off;
	enum sp_condition condition;

	for (size_t i = 0; i < n; i++)
		if (sp_condition_parse(name[i], &condition) &&
			sp_forward_switch(f, number, condition, on, err) != 0)
			return -1;
	return 0;
}

static int set_forwarding(struct work *w, const struct sp_extension *extension,
	unsigned *changed, struct sp_err *err)
{
	const struct sp_scope *scope = &w->app.scope;
	struct sp_forwarding f;

	if (w->undo)
		return sp_forward_undo(scope, extension, changed, err);
	if (w->reset)
		sp_forward_defaults(scope->tenant, &f);
	else if (sp_forward_load(scope, extension->id, &f, err) != 0)
		return -1;
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		if (w->target[i] != NULL)
			set_target(w, i, &f);
	if (switch_all(w, extension->number, &f, false, err) != 0 ||
		switch_all(w, extension->number, &f, true, err) != 0)
		return -1;
	return sp_forward_set(scope, extension, &f, changed, err);
}

int change_operand(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_extension extension;
	struct sp_forwarding f;
	unsigned changed;
	int64_t line =
		w->operands.in_list ? sp_input_line(w->operands.list) : 0;

	if (sp_extension_get(&w->app.scope, operand, &extension, err) != 0 ||
		set_forwarding(w, &extension, &changed, err) < 0 ||
		note_new_rules(w, line, &extension, changed, err) != 0 ||
		sp_forward_load(&w->app.scope, extension.id, &f, err) != 0)
		return -1;
	return print_rules(w, extension.number, &f, err);
}
