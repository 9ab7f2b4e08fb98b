/* sp-forward: changing the rules of one extension after another. */
#include <string.h>

#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"
#include "lib/text.h"

/* The ringing time: as said, else as it was, else the usual. */
static int after_of(const struct work *w, const struct sp_rule *was,
	int64_t *after_ms, struct sp_err *err)
{
	*after_ms = was->after_ms != 0 ? was->after_ms : SP_AFTER_MS;
	if (w->after == NULL)
		return 0;
	if (sp_duration_parse(w->after, after_ms, err) != 0)
		return sp_err_prefix(err, "--after: ");
	return 0;
}

/* Whole seconds, as they are printed: what is printed can be read back. */
static int read_time(const char *option, const char *text, int64_t now_ms,
	int64_t *out_ms, struct sp_err *err)
{
	*out_ms = 0;
	if (text == NULL)
		return 0;
	if (sp_time_parse(text, now_ms, out_ms, err) != 0)
		return sp_err_prefix(err, "%s: ", option);
	*out_ms = (*out_ms + 999) / 1000 * 1000;
	return 0;
}

static int read_window(const struct work *w, int64_t now_ms, int64_t *from_ms,
	int64_t *until_ms, struct sp_err *err)
{
	if (read_time("--from", w->from, now_ms, from_ms, err) != 0)
		return -1;
	return read_time("--until", w->until, now_ms, until_ms, err);
}

int check_times(const struct work *w, int64_t now_ms, struct sp_err *err)
{
	int64_t from_ms, until_ms;

	if (read_window(w, now_ms, &from_ms, &until_ms, err) != 0)
		return -1;
	if (until_ms != 0 && until_ms <= now_ms)
		return sp_err_set(err, SP_DATA, "--until: '%s' is over already",
			w->until);
	if (until_ms != 0 && from_ms >= until_ms)
		return sp_err_set(err, SP_DATA,
			"--until: '%s' is not after --from '%s'", w->until,
			w->from);
	return 0;
}

/* What is for a time stands beside the rule that is for good. */
static int set_target(struct work *w, int condition, struct sp_forwarding *f,
	struct sp_err *err)
{
	bool is_timed = w->from != NULL || w->until != NULL;
	struct sp_rule *was =
		is_timed ? &f->timed[condition] : &f->lasting[condition];
	struct sp_rule rule = {.enabled = true};

	if (condition == SP_NO_ANSWER &&
		after_of(w, was, &rule.after_ms, err) != 0)
		return -1;
	if (read_window(w, w->app.scope.now_ms, &rule.from_ms, &rule.until_ms,
		    err) != 0)
		return -1;
	if (sp_text_copy(rule.target, sizeof rule.target, w->target[condition],
		    "the target", err) != 0)
		return -1;
	*was = rule;
	return 0;
}

static int switch_all(struct work *w, const char *number,
	struct sp_forwarding *f, bool on, struct sp_err *err)
{
	const char *const *name = on ? w->on : w->off;
	enum sp_condition condition;

	for (size_t i = 0; i < (on ? w->n_on : w->n_off); i++) {
		if (!sp_condition_parse(name[i], &condition))
			return sp_err_set(err, SP_USAGE,
				"'%s' is not a "
				"condition: always, busy, no-answer or offline",
				name[i]);
		if (sp_forward_switch(f, number, condition, on, err) != 0)
			return -1;
	}
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
		if (w->target[i] != NULL && set_target(w, i, &f, err) != 0)
			return -1;
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

	if (sp_extension_get(&w->app.scope, operand, &extension, err) != 0 ||
		set_forwarding(w, &extension, &changed, err) < 0 ||
		sp_forward_check_loops(&w->app.scope, &extension, changed,
			err) != 0 ||
		sp_forward_load(&w->app.scope, extension.id, &f, err) != 0)
		return -1;
	return print_rules(w, extension.number, &f, err);
}
