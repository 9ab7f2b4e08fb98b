/* Call forwarding: the rules of an extension. */
#include "lib/forward.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/event.h"
#include "lib/extension.h"
#include "lib/text.h"

static const char LOAD_RULES[] =
	"SELECT condition, target, after_ms, enabled FROM forward"
	" WHERE extension_id = $1";
static const char SET_RULE[] =
	"INSERT INTO forward (extension_id, condition, target, after_ms,"
	" enabled) VALUES ($1, $2, $3, $4, $5)"
	" ON CONFLICT (extension_id, condition)"
	" DO UPDATE SET target = $3, after_ms = $4, enabled = $5";
static const char DELETE_RULES[] =
	"DELETE FROM forward WHERE extension_id = $1";

static const char *const NAMES[SP_N_CONDITIONS] = {
	[SP_ALWAYS] = "always",
	[SP_BUSY] = "busy",
	[SP_NO_ANSWER] = "no-answer",
	[SP_OFFLINE] = "offline",
};

const char *sp_condition_name(enum sp_condition condition)
{
	return NAMES[condition];
}

bool sp_condition_parse(const char *name, enum sp_condition *out)
{
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		if (strcmp(NAMES[i], name) == 0) {
			*out = (enum sp_condition)i;
			return true;
		}
	return false;
}

/* ---- targets ----------------------------------------------------------- */

enum sp_target_kind sp_target_kind(const char *target)
{
	size_t len = strlen(target);

	if (strcmp(target, "voicemail") == 0)
		return SP_TARGET_VOICEMAIL;
	if (strcmp(target, "reject") == 0)
		return SP_TARGET_REJECT;
	if (sp_text_is_digits(target) && len <= SP_NUMBER_DIGITS)
		return SP_TARGET_EXTENSION;
	if (target[0] == '+' && sp_text_is_digits(target + 1) && len >= 4 &&
		len <= SP_NUMBER_DIGITS + 1)
		return SP_TARGET_EXTERNAL;
	return sp_text_is_sip_uri(target) ? SP_TARGET_URI : SP_TARGET_MALFORMED;
}

/* Is this URI of the tenant itself? Then a number says the same, and is
 * checked for loops. */
static bool is_own(const struct sp_tenant *tenant, const char *uri)
{
	const char *at = strchr(uri, '@');
	const char *host = at == NULL ? strchr(uri, ':') + 1 : at + 1;
	size_t len =
		host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;?");

	return sp_tenant_is_named(tenant, host, len);
}

int sp_target_check(const struct sp_tenant *tenant, const char *target,
	struct sp_err *err)
{
	enum sp_target_kind kind = sp_target_kind(target);

	if (kind == SP_TARGET_MALFORMED || strlen(target) >= SP_TARGET_SIZE)
		return sp_err_set(err, SP_DATA,
			"'%.80s' is not a target (an extension, voicemail, "
			"reject, +NUMBER or a sip: URI)",
			target);
	if (kind == SP_TARGET_URI && is_own(tenant, target))
		return sp_err_set(err, SP_DATA,
			"target '%s' is in this tenant: say the extension's "
			"number",
			target);
	if (kind == SP_TARGET_EXTENSION &&
		!sp_ranges_has(&tenant->pool.all, target))
		return sp_err_set(err, SP_DATA,
			"target '%s' is not in the pool of '%s'", target,
			tenant->domain);
	if (kind == SP_TARGET_VOICEMAIL && tenant->voicemail == NULL)
		return sp_err_set(err, SP_DATA,
			"target 'voicemail': '%s' has no voicemail: in its "
			"configuration",
			tenant->domain);
	if (kind == SP_TARGET_EXTERNAL && tenant->gateway == NULL)
		return sp_err_set(err, SP_DATA,
			"target '%s': '%s' has no gateway: in its "
			"configuration",
			target, tenant->domain);
	return 0;
}

/* ---- loading ----------------------------------------------------------- */

static void set_defaults(const struct sp_tenant *tenant,
	struct sp_rule rules[SP_N_CONDITIONS])
{
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		rules[i] = tenant->defaults[i];
		rules[i].is_default = true;
		rules[i].enabled = rules[i].target[0] != '\0';
	}
}

int sp_forward_load(const struct sp_scope *scope, int64_t extension_id,
	struct sp_rule rules[SP_N_CONDITIONS], struct sp_err *err)
{
	enum sp_condition condition;
	struct sp_stmt *row;
	int rc;

	set_defaults(scope->tenant, rules);
	if (sp_db_query(scope->db, LOAD_RULES, SP_ARGS(sp_int(extension_id)),
		    &row, err) != 0)
		return -1;
	while ((rc = sp_db_step(row, err)) == 1) {
		struct sp_rule *rule;

		if (!sp_condition_parse(sp_col_text(row, 0), &condition))
			continue;
		rule = &rules[condition];
		sp_col_copy(row, 1, rule->target, sizeof rule->target);
		rule->after_ms = sp_col_int(row, 2);
		rule->enabled = sp_col_int(row, 3) != 0;
		rule->is_default = false;
	}
	sp_db_done(row);
	return rc;
}

static void rule_text(const struct sp_rule *rule, char *out, size_t size)
{
	char after[SP_TIME_TEXT];

	if (rule->after_ms == 0) {
		snprintf(out, size, "%s", rule->target);
		return;
	}
	sp_duration_format(rule->after_ms, after);
	snprintf(out, size, "%s/%s", rule->target, after);
}

void sp_forward_text(const struct sp_rule rules[SP_N_CONDITIONS], char *out,
	size_t size)
{
	char text[SP_TARGET_SIZE + SP_TIME_TEXT];
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		if (!rules[i].enabled || used >= size)
			continue;
		rule_text(&rules[i], text, sizeof text);
		used += (size_t)snprintf(out + used, size - used, "%s%s=%s",
			used == 0 ? "" : " ", NAMES[i], text);
	}
}

/* ---- loops ------------------------------------------------------------- */

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
	char to[SP_N_CONDITIONS][SP_NUMBER_SIZE];
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

/* sp_forward_next_fn over the database: every rule that is on counts. A
 * default that would send a number to itself is none. */
static int next_in_db(const void *arg, const char *number,
	char next[][SP_NUMBER_SIZE], int *n, struct sp_err *err)
{
	const struct sp_scope *scope = arg;
	struct sp_rule rules[SP_N_CONDITIONS];
	struct sp_extension extension;
	int rc = sp_extension_find(scope, number, &extension, err);

	*n = 0;
	if (rc != 1)
		return rc;
	if (sp_forward_load(scope, extension.id, rules, err) != 0)
		return -1;
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		if (!rules[i].enabled || strcmp(rules[i].target, number) == 0 ||
			sp_target_kind(rules[i].target) != SP_TARGET_EXTENSION)
			continue;
		snprintf(next[(*n)++], SP_NUMBER_SIZE, "%.15s",
			rules[i].target);
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

/* ---- changing ---------------------------------------------------------- */

static int check_assigned(const struct sp_scope *scope, const char *target,
	struct sp_err *err)
{
	struct sp_extension extension;
	int rc;

	if (sp_target_kind(target) != SP_TARGET_EXTENSION)
		return 0;
	rc = sp_extension_find(scope, target, &extension, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || extension.user.id == 0)
		return sp_err_set(err, SP_DATA,
			"target '%s' is not assigned to anybody", target);
	return 0;
}

static int store(const struct sp_scope *scope,
	const struct sp_extension *extension, enum sp_condition condition,
	const struct sp_rule *rule, struct sp_err *err)
{
	char detail[2 * SP_TARGET_SIZE], text[SP_TARGET_SIZE + SP_TIME_TEXT];

	if (sp_db_exec(scope->db, SET_RULE,
		    SP_ARGS(sp_int(extension->id), sp_text(NAMES[condition]),
			    sp_text(rule->target), sp_int(rule->after_ms),
			    sp_int(rule->enabled)),
		    NULL, err) != 0)
		return -1;
	rule_text(rule, text, sizeof text);
	snprintf(detail, sizeof detail, "%s=%s%s", NAMES[condition], text,
		rule->enabled ? "" : " off");
	if (sp_event_add(scope, extension->number, extension->user.login,
		    "forwarding", detail, err) != 0)
		return -1;
	return 1;
}

static bool is_same(const struct sp_rule *a, const struct sp_rule *b)
{
	return strcmp(a->target, b->target) == 0 && a->enabled == b->enabled &&
	       a->after_ms == b->after_ms;
}

int sp_forward_set(const struct sp_scope *scope,
	const struct sp_extension *extension, enum sp_condition condition,
	const struct sp_rule *rule, struct sp_err *err)
{
	struct sp_rule now[SP_N_CONDITIONS];

	if (sp_target_check(scope->tenant, rule->target, err) != 0 ||
		check_assigned(scope, rule->target, err) != 0 ||
		refuse_loop(scope, extension->number, rule->target, err) != 0 ||
		sp_forward_load(scope, extension->id, now, err) != 0)
		return -1;
	if (!now[condition].is_default && is_same(&now[condition], rule))
		return 0;
	return store(scope, extension, condition, rule, err);
}

int sp_forward_switch(const struct sp_scope *scope,
	const struct sp_extension *extension, enum sp_condition condition,
	bool on, struct sp_err *err)
{
	struct sp_rule rules[SP_N_CONDITIONS];
	struct sp_rule *rule = &rules[condition];

	if (sp_forward_load(scope, extension->id, rules, err) != 0)
		return -1;
	if (rule->target[0] == '\0' && on)
		return sp_err_set(err, SP_DATA,
			"'%s' has no %s rule to turn on", extension->number,
			NAMES[condition]);
	if (rule->target[0] == '\0' || rule->enabled == on)
		return 0;
	if (on && (check_assigned(scope, rule->target, err) != 0 ||
			  refuse_loop(scope, extension->number, rule->target,
				  err) != 0))
		return -1;
	rule->enabled = on;
	return store(scope, extension, condition, rule, err);
}

int sp_forward_reset(const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	const struct sp_rule *defaults = scope->tenant->defaults;
	int64_t changed;

	if (sp_db_exec(scope->db, DELETE_RULES, SP_ARGS(sp_int(extension->id)),
		    &changed, err) != 0)
		return -1;
	if (changed == 0)
		return 0;
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		if (strcmp(defaults[i].target, extension->number) != 0 &&
			refuse_loop(scope, extension->number,
				defaults[i].target, err) != 0)
			return -1;
	if (sp_event_add(scope, extension->number, extension->user.login,
		    "forwarding", "reset to the defaults", err) != 0)
		return -1;
	return 1;
}
