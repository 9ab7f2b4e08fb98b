/* sp-forward: looking for loops when all rules of a command are set. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-forward/forward_tool.h"
#include "lib/forward_loop.h"

static int append(struct work *w, const struct new_rules *rules,
	struct sp_err *err)
{
	if (w->n_new == w->new_size) {
		size_t size = w->new_size == 0 ? 64 : 2 * w->new_size;
		void *at = realloc(w->new_rules, size * sizeof *rules);

		if (at == NULL)
			return sp_err_memory(err);
		w->new_rules = at;
		w->new_size = size;
	}
	w->new_rules[w->n_new++] = *rules;
	return 0;
}

int note_new_rules(struct work *w, int64_t line,
	const struct sp_extension *extension, unsigned conditions,
	struct sp_err *err)
{
	struct new_rules rules = {.conditions = conditions, .line = line};

	if (conditions == 0)
		return 0;
	if (w->common.keep_going)
		return sp_forward_check_loops(&w->app.scope, extension,
			conditions, err);
	memcpy(rules.number, extension->number, sizeof rules.number);
	return append(w, &rules, err);
}

static int check(struct work *w, const struct new_rules *rules,
	struct sp_err *err)
{
	bool is_stdin = w->file == NULL || strcmp(w->file, "-") == 0;
	struct sp_extension extension;

	if (sp_extension_find(&w->app.scope, rules->number, &extension, err) !=
		1)
		return -1;
	if (sp_forward_check_loops(&w->app.scope, &extension, rules->conditions,
		    err) == 0)
		return 0;
	if (rules->line != 0)
		sp_err_prefix(err, "%s:%" PRId64 ": ",
			is_stdin ? "standard input" : w->file, rules->line);
	return sp_app_bad(&w->app, err) ? 0 : -1;
}

int check_new_rules(struct work *w, struct sp_err *err)
{
	for (size_t i = 0; i < w->n_new; i++)
		if (check(w, &w->new_rules[i], err) != 0)
			return -1;
	return sp_app_verdict(&w->app);
}
