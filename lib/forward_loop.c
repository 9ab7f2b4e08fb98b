/* Forwarding that would go in a loop. */
#include "lib/forward_loop.h"

#include <stdio.h>
#include <string.h>

#include "lib/extension.h"

struct visit {
	char number[SP_NUMBER_SIZE];
	int from; /* index of who forwards here; -1: the start */
};

struct search {
	struct visit visited[SP_FORWARD_REACH];
	int n;
};

static bool is_visited(const struct search *s, const char *number)
{
	for (int i = 0; i < s->n; i++)
		if (strcmp(s->visited[i].number, number) == 0)
			return true;
	return false;
}

/* Returns false when there is no room. */
static bool add_visit(struct search *s, const char *number, int from)
{
	if (is_visited(s, number))
		return true;
	if (s->n == SP_FORWARD_REACH)
		return false;
	snprintf(s->visited[s->n].number, SP_NUMBER_SIZE, "%.15s", number);
	s->visited[s->n++].from = from;
	return true;
}

/* Writes the way from visited[at] back to the start in walking order. What
 * does not fit is left out behind the start, which is visited[0]. */
static void write_path(const struct search *s, int at, const char *end,
	char *path, size_t size)
{
	/* One more step, and then the start with the gap. */
	const size_t ROOM = 2 * SP_NUMBER_SIZE + strlen(" ->  -> ...");
	char rest[512];

	snprintf(path, size, "%s", end);
	while (at >= 0) {
		const char *gap = "";

		snprintf(rest, sizeof rest, "%s", path);
		if (at > 0 && strlen(rest) + ROOM > size) {
			gap = "... -> ";
			at = 0;
		}
		snprintf(path, size, "%s -> %s%s", s->visited[at].number, gap,
			rest);
		at = s->visited[at].from;
	}
}

int sp_forward_find_loop(const char *number, const char *target,
	sp_forward_next_fn *next, const void *arg, char *path, size_t path_size,
	struct sp_err *err)
{
	char to[SP_FORWARD_FANOUT][SP_NUMBER_SIZE];
	struct search s = {.n = 0};
	int n;

	add_visit(&s, number, -1);
	if (strcmp(number, target) == 0) {
		write_path(&s, 0, target, path, path_size);
		return 1;
	}
	add_visit(&s, target, 0);
	for (int i = 1; i < s.n; i++) {
		if (next(arg, s.visited[i].number, to, &n, err) != 0)
			return -1;
		for (int k = 0; k < n; k++) {
			if (strcmp(to[k], number) == 0) {
				write_path(&s, i, number, path, path_size);
				return 1;
			}
			if (!add_visit(&s, to[k], i))
				return sp_err_set(err, SP_DATA,
					"more than %d extensions forward "
					"behind '%s'",
					SP_FORWARD_REACH, target);
		}
	}
	return 0;
}

/* Can it lead to another extension? A default that would send a number to
 * itself is none. */
static bool leads_on(const struct sp_rule *rule, const char *number)
{
	return rule->enabled &&
	       sp_target_kind(rule->target) == SP_TARGET_EXTENSION &&
	       !(rule->is_default && strcmp(rule->target, number) == 0);
}

/* sp_forward_next_fn over the database: every rule that is on counts, also
 * one whose time is still to come. */
static int next_in_db(const void *arg, const char *number,
	char next[][SP_NUMBER_SIZE], int *n, struct sp_err *err)
{
	const struct sp_scope *scope = arg;
	struct sp_forwarding f;
	struct sp_extension extension;
	int rc = sp_extension_find(scope, number, &extension, err);

	*n = 0;
	if (rc != 1)
		return rc;
	if (sp_forward_load(scope, extension.id, &f, err) != 0)
		return -1;
	for (int i = 0; i < 2 * SP_N_CONDITIONS; i++) {
		const struct sp_rule *rule = sp_forward_rule(&f, i);

		if (leads_on(rule, number))
			snprintf(next[(*n)++], SP_NUMBER_SIZE, "%.15s",
				rule->target);
	}
	return 0;
}

static int refuse_loop(const struct sp_scope *scope, const char *number,
	const char *target, struct sp_err *err)
{
	char path[256];
	int rc;

	if (sp_target_kind(target) != SP_TARGET_EXTENSION)
		return 0;
	rc = sp_forward_find_loop(number, target, next_in_db, scope, path,
		sizeof path, err);
	if (rc == 1)
		return sp_err_set(err, SP_DATA,
			"cannot forward '%s' to '%s': it would go in a loop: "
			"%s",
			number, target, path);
	return rc;
}

int sp_forward_check_loops(const struct sp_scope *scope,
	const struct sp_extension *extension, unsigned conditions,
	struct sp_err *err)
{
	struct sp_forwarding f;

	if (conditions == 0)
		return 0;
	if (sp_forward_load(scope, extension->id, &f, err) != 0)
		return -1;
	for (int i = 0; i < 2 * SP_N_CONDITIONS; i++)
		if ((conditions >> i % SP_N_CONDITIONS & 1) != 0 &&
			leads_on(sp_forward_rule(&f, i), extension->number) &&
			refuse_loop(scope, extension->number,
				sp_forward_rule(&f, i)->target, err) != 0)
			return -1;
	return 0;
}
