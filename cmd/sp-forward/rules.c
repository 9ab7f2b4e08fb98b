/* sp-forward: printing rules. */
#include <string.h>

#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"

static const char *time_or_null(int64_t time_ms, char out[SP_TIME_TEXT])
{
	if (time_ms == 0)
		return NULL;
	sp_clock_format(time_ms, out);
	return out;
}

int print_rule(struct work *w, const char *number, enum sp_condition condition,
	const struct sp_rule *rule, struct sp_err *err)
{
	char after[SP_TIME_TEXT] = "", from[SP_TIME_TEXT], until[SP_TIME_TEXT];

	if (rule->target[0] == '\0')
		return 0;
	if (rule->after_ms != 0)
		sp_duration_format(rule->after_ms, after);
	return sp_report_row(&w->report,
		(const char *[N_RULE_COLUMNS]){[RULE_NUMBER] = number,
			[RULE_CONDITION] = sp_condition_name(condition),
			[RULE_TARGET] = rule->target,
			[RULE_AFTER] = after[0] == '\0' ? NULL : after,
			[RULE_SWITCH] = rule->enabled ? "on" : "off",
			[RULE_ORIGIN] = rule->is_default ? "default" : "own",
			[RULE_FROM] = time_or_null(rule->from_ms, from),
			[RULE_UNTIL] = time_or_null(rule->until_ms, until)},
		err);
}

int print_rules(struct work *w, const char *number,
	const struct sp_forwarding *f, struct sp_err *err)
{
	for (enum sp_condition i = 0; i < SP_N_CONDITIONS; i++)
		if (print_rule(w, number, i, &f->lasting[i], err) != 0 ||
			print_rule(w, number, i, &f->timed[i], err) != 0)
			return -1;
	return 0;
}

static int print_extension(struct work *w, const struct sp_extension *extension,
	struct sp_err *err)
{
	struct sp_forwarding f;

	if (sp_forward_load(&w->app.scope, extension->id, &f, err) != 0)
		return -1;
	return print_rules(w, extension->number, &f, err);
}

int print_operand(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_extension extension;

	if (sp_extension_get(&w->app.scope, operand, &extension, err) != 0)
		return -1;
	return print_extension(w, &extension, err);
}

int print_all(struct work *w, struct sp_err *err)
{
	struct sp_extension extension = {.number = ""};
	int rc;

	while ((rc = sp_extension_next(&w->app.scope, extension.number,
			&extension, err)) == 1)
		if (print_extension(w, &extension, err) != 0)
			return -1;
	return rc == 0 ? sp_app_hint_empty(&w->app, err) : -1;
}
