/* Call forwarding: the rules of an extension. */
#include "lib/forward.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/event.h"
#include "lib/extension.h"
#include "lib/text.h"

#define RULE_COLUMNS \
	"condition, is_timed, target, after_ms, enabled, from_ms, until_ms"
static const char LOAD_RULES[] = "SELECT " RULE_COLUMNS " FROM forward"
				 " WHERE extension_id = $1";
static const char LOAD_FORMER[] = "SELECT " RULE_COLUMNS " FROM forward_former"
				  " WHERE extension_id = $1";
static const char SET_RULE[] =
	"INSERT INTO forward (extension_id, " RULE_COLUMNS ")"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
	" ON CONFLICT (extension_id, condition, is_timed)"
	" DO UPDATE SET target = $4, after_ms = $5, enabled = $6,"
	" from_ms = $7, until_ms = $8";
static const char DELETE_RULE[] =
	"DELETE FROM forward WHERE extension_id = $1 AND condition = $2"
	" AND is_timed = $3";
static const char DELETE_OVER[] =
	"DELETE FROM forward WHERE extension_id = $1 AND until_ms <> 0"
	" AND until_ms <= $2";

static const char SET_FORWARDED[] = "UPDATE extension SET forwarded_ms = $2"
				    " WHERE id = $1 AND forwarded_ms <> $2";
static const char FORGET_FORMER[] =
	"DELETE FROM forward_former WHERE extension_id = $1";
static const char KEEP_FORMER[] =
	"INSERT INTO forward_former (extension_id, " RULE_COLUMNS ")"
	" SELECT extension_id, " RULE_COLUMNS " FROM forward"
	" WHERE extension_id = $1";

static const char NEXT_INBOUND[] =
	"SELECT f.extension_id, f.condition, f.is_timed, e.number"
	" FROM forward f JOIN extension e ON e.id = f.extension_id"
	" WHERE f.target = $2 AND e.tenant_id = $1 AND e.number <> $2"
	" AND (f.until_ms = 0 OR f.until_ms > $6)"
	" AND (f.extension_id, f.condition, f.is_timed) > ($3, $4, $5)"
	" ORDER BY f.extension_id, f.condition, f.is_timed LIMIT 1";

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
static bool is_of_tenant(const struct sp_tenant *tenant, const char *uri)
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
	char pool[SP_RANGES_TEXT];

	if (kind == SP_TARGET_MALFORMED || strlen(target) >= SP_TARGET_SIZE)
		return sp_err_set(err, SP_DATA,
			"'%.80s' is not a target (an extension, voicemail, "
			"reject, +NUMBER or a sip: URI)",
			target);
	if (kind == SP_TARGET_URI && is_of_tenant(tenant, target))
		return sp_err_set(err, SP_DATA,
			"target '%s' is in this tenant: say the extension's "
			"number",
			target);
	if (kind == SP_TARGET_EXTENSION &&
		!sp_ranges_has(&tenant->pool.all, target)) {
		sp_ranges_format(&tenant->pool.all, pool);
		return sp_err_set(err, SP_DATA,
			"target '%s' is not in the pool of '%s' (%s)", target,
			tenant->domain, pool);
	}
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

void sp_forward_defaults(const struct sp_tenant *tenant,
	struct sp_forwarding *f)
{
	memset(f, 0, sizeof *f);
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		f->lasting[i] = tenant->defaults[i];
		f->lasting[i].is_default = true;
		f->lasting[i].enabled = f->lasting[i].target[0] != '\0';
	}
}

static void read_rule(struct sp_stmt *row, int64_t now_ms,
	struct sp_forwarding *f)
{
	bool is_timed = sp_col_int(row, 1) != 0;
	int64_t until_ms = sp_col_int(row, 6);
	enum sp_condition condition;
	struct sp_rule *rule;

	if (!sp_condition_parse(sp_col_text(row, 0), &condition) ||
		(until_ms != 0 && until_ms <= now_ms))
		return;
	rule = is_timed ? &f->timed[condition] : &f->lasting[condition];
	sp_col_copy(row, 2, rule->target, sizeof rule->target);
	rule->after_ms = sp_col_int(row, 3);
	rule->enabled = sp_col_int(row, 4) != 0;
	rule->is_default = false;
	rule->from_ms = sp_col_int(row, 5);
	rule->until_ms = until_ms;
}

static int load(const struct sp_scope *scope, const char *sql,
	int64_t extension_id, struct sp_forwarding *f, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc;

	sp_forward_defaults(scope->tenant, f);
	if (sp_db_query(scope->db, sql, SP_ARGS(sp_int(extension_id)), &row,
		    err) != 0)
		return -1;
	while ((rc = sp_db_step(row, err)) == 1)
		read_rule(row, scope->now_ms, f);
	sp_db_done(row);
	return rc;
}

int sp_forward_load(const struct sp_scope *scope, int64_t extension_id,
	struct sp_forwarding *forwarding, struct sp_err *err)
{
	return load(scope, LOAD_RULES, extension_id, forwarding, err);
}

const struct sp_rule *sp_forward_rule(const struct sp_forwarding *f, int i)
{
	return i < SP_N_CONDITIONS ? &f->lasting[i]
				   : &f->timed[i - SP_N_CONDITIONS];
}

static bool is_now(const struct sp_rule *rule, int64_t now_ms)
{
	return rule->target[0] != '\0' && rule->enabled &&
	       rule->from_ms <= now_ms &&
	       (rule->until_ms == 0 || now_ms < rule->until_ms);
}

void sp_forward_in_force(const struct sp_forwarding *f, int64_t now_ms,
	struct sp_rule rules[SP_N_CONDITIONS])
{
	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		rules[i] = is_now(&f->timed[i], now_ms) ? f->timed[i]
							: f->lasting[i];
		if (!rules[i].enabled)
			rules[i].target[0] = '\0';
	}
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

/* ---- changing ---------------------------------------------------------- */

static int switch_rule(struct sp_rule *rule, bool on)
{
	if (rule->target[0] == '\0')
		return 0;
	if (rule->enabled != on)
		rule->is_default = false;
	rule->enabled = on;
	return 1;
}

int sp_forward_switch(struct sp_forwarding *f, const char *number,
	enum sp_condition condition, bool on, struct sp_err *err)
{
	int found = switch_rule(&f->lasting[condition], on) +
		    switch_rule(&f->timed[condition], on);

	if (on && found == 0)
		return sp_err_set(err, SP_DATA,
			"'%s' has no %s rule to turn on", number,
			NAMES[condition]);
	return 0;
}

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

/* " from 2026-12-24T18:00:00Z"; "" for none. */
static void describe_time(const char *word, int64_t time_ms,
	char out[SP_TIME_TEXT + 8])
{
	char time[SP_TIME_TEXT];

	out[0] = '\0';
	if (time_ms == 0)
		return;
	sp_clock_format(time_ms, time);
	snprintf(out, SP_TIME_TEXT + 8, " %s %s", word, time);
}

/* "busy=1002", "no-answer=voicemail/10s off (default)"; "" for no rule. */
static void describe(int condition, const struct sp_rule *rule, char *out,
	size_t size)
{
	char text[SP_TARGET_SIZE + SP_TIME_TEXT];
	char from[SP_TIME_TEXT + 8];
	char until[SP_TIME_TEXT + 8];

	out[0] = '\0';
	if (rule->target[0] == '\0')
		return;
	rule_text(rule, text, sizeof text);
	describe_time("from", rule->from_ms, from);
	describe_time("until", rule->until_ms, until);
	snprintf(out, size, "%s=%s%s%s%s%s", NAMES[condition], text,
		rule->enabled ? "" : " off", from, until,
		rule->is_default ? " (default)" : "");
}

static bool is_own(const struct sp_rule *rule)
{
	return rule->target[0] != '\0' && !rule->is_default;
}

static bool is_same(const struct sp_rule *a, const struct sp_rule *b)
{
	if (!is_own(a) || !is_own(b))
		return is_own(a) == is_own(b);
	return strcmp(a->target, b->target) == 0 && a->enabled == b->enabled &&
	       a->after_ms == b->after_ms && a->from_ms == b->from_ms &&
	       a->until_ms == b->until_ms;
}

static int check_after(int64_t after_ms, struct sp_err *err)
{
	char after[SP_TIME_TEXT], min[SP_TIME_TEXT], max[SP_TIME_TEXT];

	if (after_ms >= SP_AFTER_MIN_MS && after_ms <= SP_AFTER_MAX_MS)
		return 0;
	sp_duration_format(after_ms, after);
	sp_duration_format(SP_AFTER_MIN_MS, min);
	sp_duration_format(SP_AFTER_MAX_MS, max);
	return sp_err_set(err, SP_DATA,
		"no-answer rings for %s, expected %s to %s", after, min, max);
}

static int write_rule(const struct sp_scope *scope, int64_t extension_id, int i,
	const struct sp_rule *rule, struct sp_err *err)
{
	const char *condition = NAMES[i % SP_N_CONDITIONS];
	bool is_timed = i >= SP_N_CONDITIONS;

	if (!is_own(rule))
		return sp_db_exec(scope->db, DELETE_RULE,
			SP_ARGS(sp_int(extension_id), sp_text(condition),
				sp_int(is_timed)),
			NULL, err);
	if (i % SP_N_CONDITIONS == SP_NO_ANSWER &&
		check_after(rule->after_ms, err) != 0)
		return -1;
	if (sp_target_check(scope->tenant, rule->target, err) != 0 ||
		(rule->enabled &&
			check_assigned(scope, rule->target, err) != 0))
		return -1;
	return sp_db_exec(scope->db, SET_RULE,
		SP_ARGS(sp_int(extension_id), sp_text(condition),
			sp_int(is_timed), sp_text(rule->target),
			sp_int(rule->after_ms), sp_int(rule->enabled),
			sp_int(rule->from_ms), sp_int(rule->until_ms)),
		NULL, err);
}

static int tell(const struct sp_scope *scope,
	const struct sp_extension *extension, int condition,
	const struct sp_rule *was, const struct sp_rule *is, struct sp_err *err)
{
	char old_value[SP_EVENT_VALUE_SIZE], new_value[SP_EVENT_VALUE_SIZE];
	const struct sp_event event = {.number = extension->number,
		.login = extension->user.login,
		.what = "forwarding",
		.old_value = old_value,
		.new_value = new_value};

	describe(condition, was, old_value, sizeof old_value);
	describe(condition, is, new_value, sizeof new_value);
	return sp_event_add(scope, &event, err);
}

/* Brings what is stored from `now` to `wanted`. Returns the number of rules
 * that changed, or -1. */
static int replace(const struct sp_scope *scope,
	const struct sp_extension *extension, const struct sp_forwarding *now,
	const struct sp_forwarding *wanted, unsigned *changed,
	struct sp_err *err)
{
	struct sp_forwarding defaults;
	int n = 0;

	*changed = 0;
	sp_forward_defaults(scope->tenant, &defaults);
	for (int i = 0; i < 2 * SP_N_CONDITIONS; i++) {
		const struct sp_rule *is = sp_forward_rule(wanted, i);
		int condition = i % SP_N_CONDITIONS;

		if (is_same(sp_forward_rule(now, i), is))
			continue;
		if (!is_own(is))
			is = sp_forward_rule(&defaults, i);
		if (write_rule(scope, extension->id, i, is, err) != 0 ||
			tell(scope, extension, condition,
				sp_forward_rule(now, i), is, err) != 0)
			return -1;
		*changed |= (is->enabled ? 1u : 0) << condition;
		n++;
	}
	return n;
}

/* Notes when the rules were changed last. Returns 1, 0 when that is what it says
 * already, -1. */
static int set_forwarded(const struct sp_scope *scope, int64_t extension_id,
	int64_t forwarded_ms, struct sp_err *err)
{
	int64_t changed;

	if (sp_db_exec(scope->db, SET_FORWARDED,
		    SP_ARGS(sp_int(extension_id), sp_int(forwarded_ms)),
		    &changed, err) != 0)
		return -1;
	return changed > 0;
}

/* Keeps the rules for an undo, unless this very command has done so. */
static int remember(const struct sp_scope *scope, int64_t extension_id,
	struct sp_err *err)
{
	const struct sp_value *id = SP_ARGS(sp_int(extension_id));
	int rc = set_forwarded(scope, extension_id, scope->now_ms, err);

	if (rc != 1)
		return rc;
	if (sp_db_exec(scope->db, FORGET_FORMER, id, NULL, err) != 0)
		return -1;
	return sp_db_exec(scope->db, KEEP_FORMER, id, NULL, err);
}

static bool is_all_same(const struct sp_forwarding *a,
	const struct sp_forwarding *b)
{
	for (int i = 0; i < 2 * SP_N_CONDITIONS; i++)
		if (!is_same(sp_forward_rule(a, i), sp_forward_rule(b, i)))
			return false;
	return true;
}

int sp_forward_set(const struct sp_scope *scope,
	const struct sp_extension *extension,
	const struct sp_forwarding *wanted, unsigned *changed,
	struct sp_err *err)
{
	struct sp_forwarding now;

	*changed = 0;
	if (sp_forward_load(scope, extension->id, &now, err) != 0)
		return -1;
	if (is_all_same(&now, wanted))
		return 0;
	if (remember(scope, extension->id, err) != 0 ||
		sp_db_exec(scope->db, DELETE_OVER,
			SP_ARGS(sp_int(extension->id), sp_int(scope->now_ms)),
			NULL, err) != 0 ||
		replace(scope, extension, &now, wanted, changed, err) < 0)
		return -1;
	return 1;
}

int sp_forward_undo(const struct sp_scope *scope,
	const struct sp_extension *extension, unsigned *changed,
	struct sp_err *err)
{
	struct sp_forwarding now, former;
	int n = set_forwarded(scope, extension->id, 0, err);

	*changed = 0;
	if (n != 1)
		return n;
	if (sp_forward_load(scope, extension->id, &now, err) != 0 ||
		load(scope, LOAD_FORMER, extension->id, &former, err) != 0)
		return -1;
	n = replace(scope, extension, &now, &former, changed, err);
	if (n < 0 || sp_db_exec(scope->db, FORGET_FORMER,
			     SP_ARGS(sp_int(extension->id)), NULL, err) != 0)
		return -1;
	return n > 0;
}

/* ---- inbound ----------------------------------------------------------- */

int sp_forward_next_inbound(const struct sp_scope *scope, const char *number,
	struct sp_inbound *in, struct sp_err *err)
{
	const char *condition =
		in->extension_id == 0 ? "" : NAMES[in->condition];
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, NEXT_INBOUND,
		SP_ARGS(sp_int(scope->tenant->id), sp_text(number),
			sp_int(in->extension_id), sp_text(condition),
			sp_int(in->is_timed), sp_int(scope->now_ms)),
		&row, err);

	if (rc != 1)
		return rc;
	in->extension_id = sp_col_int(row, 0);
	if (!sp_condition_parse(sp_col_text(row, 1), &in->condition))
		rc = sp_err_set(err, SP_BUG, "no condition '%s'",
			sp_col_text(row, 1));
	in->is_timed = sp_col_int(row, 2) != 0;
	sp_col_copy(row, 3, in->number, sizeof in->number);
	sp_db_done(row);
	return rc;
}

int sp_forward_remove_inbound(const struct sp_scope *scope,
	const struct sp_inbound *in, struct sp_err *err)
{
	struct sp_extension extension;
	struct sp_forwarding f;
	unsigned changed;

	if (sp_extension_find(scope, in->number, &extension, err) != 1 ||
		sp_forward_load(scope, extension.id, &f, err) != 0)
		return -1;
	if (in->is_timed)
		f.timed[in->condition].target[0] = '\0';
	else
		f.lasting[in->condition].target[0] = '\0';
	return sp_forward_set(scope, &extension, &f, &changed, err);
}
