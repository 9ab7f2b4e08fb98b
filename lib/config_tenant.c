/* One entry of `tenants:` in the configuration: its keys and what they mean. */
#include "lib/config_tenant.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/binding.h"
#include "lib/clock.h"
#include "lib/text.h"

/* ---- URIs -------------------------------------------------------------- */

/* Writes uri with the longest number for each {number}. Returns false when it
 * could get too long for a target. */
static bool fill_in_number(const char *uri, char out[SP_TARGET_SIZE])
{
	static const char FIELD[] = "{number}";
	size_t len = 0;

	while (*uri != '\0') {
		bool is_field = strncmp(uri, FIELD, sizeof FIELD - 1) == 0;
		size_t n = is_field ? SP_NUMBER_DIGITS : 1;

		if (len + n >= SP_TARGET_SIZE)
			return false;
		memset(out + len, is_field ? '0' : *uri, n);
		len += n;
		uri += is_field ? sizeof FIELD - 1 : 1;
	}
	out[len] = '\0';
	return true;
}

/* A brace that is left is a slip of the pen in {number}. */
static bool is_uri(const char *text)
{
	return sp_target_kind(text) == SP_TARGET_URI &&
	       strpbrk(text, "{}") == NULL;
}

static int set_voicemail(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	char filled[SP_TARGET_SIZE];
	const char *uri;

	if (sp_yaml_text(node, &uri, err) != 0)
		return -1;
	if (!fill_in_number(uri, filled) || !is_uri(filled))
		return sp_yaml_fail(node, err,
			"'%.80s' is not a SIP URI, "
			"expected one like sip:vm-{number}@HOST",
			uri);
	return sp_config_copy(field, uri, err);
}

static int set_gateway(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *uri;

	if (sp_yaml_text(node, &uri, err) != 0)
		return -1;
	if (strlen(uri) >= SP_TARGET_SIZE - SP_NUMBER_SIZE - 1 || !is_uri(uri))
		return sp_yaml_fail(node, err,
			"'%.80s' is not a SIP URI, "
			"expected one like sip:HOST",
			uri);
	return sp_config_copy(field, uri, err);
}

/* ---- calls ------------------------------------------------------------- */

static int set_calls(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	enum sp_call_right *right = field;
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (!sp_call_right_parse(text, right) || *right == SP_CALLS_DEFAULT)
		return sp_yaml_fail(node, err,
			"'%.40s': expected internal or all", text);
	return 0;
}

/* ---- numbers ----------------------------------------------------------- */

static int set_duration(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (sp_duration_parse(text, field, err) != 0)
		return sp_yaml_blame(node, err);
	return 0;
}

static int set_after(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	int64_t *after_ms = field;

	if (set_duration(node, field, err) != 0)
		return -1;
	if (*after_ms < SP_AFTER_MIN_MS || *after_ms > SP_AFTER_MAX_MS)
		return sp_yaml_fail(node, err, "expected %ds to %ds",
			SP_AFTER_MIN_MS / 1000, SP_AFTER_MAX_MS / 1000);
	return 0;
}

static int set_max_contacts(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (!sp_text_to_int(text, 1, SP_MAX_BINDINGS, field))
		return sp_yaml_fail(node, err,
			"'%.40s': expected a number from 1 to %d", text,
			SP_MAX_BINDINGS);
	return 0;
}

static int add_range(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (sp_ranges_add(field, text, err) != 0)
		return sp_yaml_blame(node, err);
	return 0;
}

static int set_pool(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return sp_yaml_list(node, 1, add_range, field, err);
}

static int set_reserved(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return sp_yaml_list(node, 0, add_range, field, err);
}

static const struct sp_yaml_key REGISTRATION_KEYS[] = {
	{"refresh", set_duration, offsetof(struct sp_tenant, refresh_ms)},
	{"timeout", set_duration, offsetof(struct sp_tenant, timeout_ms)},
	{"min", set_duration, offsetof(struct sp_tenant, min_ms)},
	{"max-contacts", set_max_contacts,
		offsetof(struct sp_tenant, max_contacts)},
	{0},
};

/* Expires and Min-Expires count in whole seconds (RFC 3261 §20.19, §20.23). */
static bool is_whole_seconds(int64_t duration_ms)
{
	return duration_ms % 1000 == 0;
}

static int set_registration(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_tenant *tenant = field;
	char refresh[SP_TIME_TEXT], timeout[SP_TIME_TEXT], min[SP_TIME_TEXT];

	if (sp_yaml_mapping(node, REGISTRATION_KEYS, tenant, err) != 0)
		return -1;
	sp_duration_format(tenant->refresh_ms, refresh);
	sp_duration_format(tenant->timeout_ms, timeout);
	sp_duration_format(tenant->min_ms, min);
	if (tenant->refresh_ms == 0)
		return sp_yaml_fail(node, err, "refresh 0, expected more");
	if (!is_whole_seconds(tenant->timeout_ms) ||
		!is_whole_seconds(tenant->min_ms))
		return sp_yaml_fail(node, err,
			"timeout %s, min %s: expected "
			"whole seconds",
			timeout, min);
	if (tenant->timeout_ms < tenant->refresh_ms)
		return sp_yaml_fail(node, err,
			"timeout %s is shorter than "
			"refresh %s, expected at least that",
			timeout, refresh);
	if (tenant->min_ms > tenant->timeout_ms)
		return sp_yaml_fail(node, err,
			"min %s is longer than timeout "
			"%s, expected at most that",
			min, timeout);
	return 0;
}

/* ---- digests ----------------------------------------------------------- */

static int add_digest(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_tenant *tenant = field;
	enum sp_hash_kind kind = SP_MD5;
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	while (kind < SP_N_HASHES && strcasecmp(text, sp_hash_name(kind)) != 0)
		kind++;
	if (kind == SP_N_HASHES)
		return sp_yaml_fail(node, err,
			"'%.40s': expected MD5 or SHA-256", text);
	for (size_t i = 0; i < tenant->n_digest; i++)
		if (tenant->digest[i] == kind)
			return sp_yaml_fail(node, err,
				"'%.40s' a second time, expected only one",
				text);
	tenant->digest[tenant->n_digest++] = kind;
	return 0;
}

static int set_digest(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_tenant *tenant = field;

	tenant->n_digest = 0;
	return sp_yaml_list(node, 1, add_digest, tenant, err);
}

/* ---- a tenant ---------------------------------------------------------- */

struct draft_rule {
	struct sp_yaml_node to;
	int64_t after_ms;
};

/* A tenant while it is read. The keys come in any order: what can be checked
 * only with others is kept as it stands until all are there. */
struct draft {
	const struct sp_config *config; /* with the tenants before it */
	struct sp_tenant tenant;
	struct sp_yaml_node domain, aliases, pool;
	struct draft_rule rules[SP_N_CONDITIONS];
};

static const struct sp_yaml_key RULE_KEYS[] = {
	{"to", sp_yaml_keep, offsetof(struct draft_rule, to)},
	{0},
};

static const struct sp_yaml_key NO_ANSWER_KEYS[] = {
	{"to", sp_yaml_keep, offsetof(struct draft_rule, to)},
	{"after", set_after, offsetof(struct draft_rule, after_ms)},
	{0},
};

static int read_rule(const struct sp_yaml_node *node,
	const struct sp_yaml_key *keys, struct draft_rule *rule,
	struct sp_err *err)
{
	if (sp_yaml_mapping(node, keys, rule, err) != 0)
		return -1;
	if (rule->to.yaml == NULL)
		return sp_yaml_fail(node, err, "no target, expected 'to'");
	return 0;
}

static int set_rule(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return read_rule(node, RULE_KEYS, field, err);
}

static int set_no_answer(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct draft_rule *rule = field;

	rule->after_ms = SP_AFTER_MS;
	return read_rule(node, NO_ANSWER_KEYS, rule, err);
}

/* The fields are those of draft.rules. */
static const struct sp_yaml_key FORWARDING_KEYS[] = {
	{"always", set_rule, SP_ALWAYS * sizeof(struct draft_rule)},
	{"busy", set_rule, SP_BUSY * sizeof(struct draft_rule)},
	{"no-answer", set_no_answer, SP_NO_ANSWER * sizeof(struct draft_rule)},
	{"offline", set_rule, SP_OFFLINE * sizeof(struct draft_rule)},
	{0},
};

static int set_forwarding(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return sp_yaml_mapping(node, FORWARDING_KEYS, field, err);
}

static const struct sp_yaml_key TENANT_KEYS[] = {
	{"domain", sp_yaml_keep, offsetof(struct draft, domain)},
	{"aliases", sp_yaml_keep, offsetof(struct draft, aliases)},
	{"pool", sp_yaml_keep, offsetof(struct draft, pool)},
	{"reserved", set_reserved,
		offsetof(struct draft, tenant.pool.reserved)},
	{"rest", set_duration, offsetof(struct draft, tenant.rest_ms)},
	{"registration", set_registration, offsetof(struct draft, tenant)},
	{"digest", set_digest, offsetof(struct draft, tenant)},
	{"voicemail", set_voicemail, offsetof(struct draft, tenant.voicemail)},
	{"gateway", set_gateway, offsetof(struct draft, tenant.gateway)},
	{"calls", set_calls, offsetof(struct draft, tenant.calls)},
	{"forwarding", set_forwarding, offsetof(struct draft, rules)},
	{0},
};

/* Reads the name of a host that no tenant has yet, in lower case. */
static int read_name(const struct sp_yaml_node *node, const struct draft *draft,
	char name[SP_DOMAIN_SIZE], struct sp_err *err)
{
	const struct sp_tenant *taken;
	const char *text;
	size_t i;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (!sp_text_is_host(text, strlen(text)))
		return sp_yaml_fail(node, err,
			"'%.80s' is not a host, "
			"expected a name like acme.example or an address",
			text);
	taken = sp_config_find_tenant(draft->config, text);
	if (taken == NULL &&
		sp_tenant_is_named(&draft->tenant, text, strlen(text)))
		taken = &draft->tenant;
	if (taken != NULL)
		return sp_yaml_fail(node, err,
			"'%.80s' is a name of tenant "
			"'%.80s' already, expected another",
			text, taken->domain);
	for (i = 0; text[i] != '\0'; i++)
		name[i] = (char)tolower((unsigned char)text[i]);
	name[i] = '\0';
	return 0;
}

static int add_alias(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct draft *draft = field;
	struct sp_tenant *tenant = &draft->tenant;
	char name[SP_DOMAIN_SIZE];
	char **aliases;

	if (read_name(node, draft, name, err) != 0)
		return -1;
	aliases = realloc(tenant->aliases,
		(tenant->n_aliases + 1) * sizeof *aliases);
	if (aliases == NULL)
		return sp_err_memory(err);
	tenant->aliases = aliases;
	aliases[tenant->n_aliases] = strdup(name);
	if (aliases[tenant->n_aliases] == NULL)
		return sp_err_memory(err);
	tenant->n_aliases++;
	return 0;
}

static int read_names(struct draft *draft, struct sp_err *err)
{
	char name[SP_DOMAIN_SIZE];

	if (read_name(&draft->domain, draft, name, err) != 0 ||
		sp_config_copy(&draft->tenant.domain, name, err) != 0)
		return -1;
	if (draft->aliases.yaml == NULL)
		return 0;
	return sp_yaml_list(&draft->aliases, 0, add_alias, draft, err);
}

static int read_pool(struct draft *draft, struct sp_err *err)
{
	struct sp_pool *pool = &draft->tenant.pool;

	if (set_pool(&draft->pool, &pool->all, err) != 0)
		return -1;
	if (sp_pool_finish(pool, err) != 0)
		return sp_yaml_blame(&draft->pool, err);
	return 0;
}

static int read_target(struct sp_tenant *tenant, enum sp_condition condition,
	const struct draft_rule *draft, struct sp_err *err)
{
	struct sp_rule *rule = &tenant->defaults[condition];
	const char *target;

	if (sp_yaml_text(&draft->to, &target, err) != 0)
		return -1;
	if (sp_text_copy(rule->target, sizeof rule->target, target, "target",
		    err) != 0 ||
		sp_target_check(tenant, target, err) != 0)
		return sp_yaml_blame(&draft->to, err);
	rule->after_ms = draft->after_ms;
	rule->enabled = true;
	rule->is_default = true;
	return 0;
}

static int finish_tenant(const struct sp_yaml_node *node, struct draft *draft,
	struct sp_err *err)
{
	if (draft->domain.yaml == NULL || draft->pool.yaml == NULL)
		return sp_yaml_fail(node, err,
			"a tenant without '%s', "
			"expected 'domain' and 'pool'",
			draft->domain.yaml == NULL ? "domain" : "pool");
	if (read_names(draft, err) != 0 || read_pool(draft, err) != 0)
		return -1;
	for (enum sp_condition c = 0; c < SP_N_CONDITIONS; c++)
		if (draft->rules[c].to.yaml != NULL &&
			read_target(&draft->tenant, c, &draft->rules[c], err))
			return -1;
	return 0;
}

int sp_config_read_tenant(const struct sp_yaml_node *node,
	const struct sp_config *config, struct sp_tenant *tenant,
	struct sp_err *err)
{
	struct draft draft = {.config = config};
	int rc = sp_tenant_init(&draft.tenant, "", err);

	if (rc == 0)
		rc = sp_yaml_mapping(node, TENANT_KEYS, &draft, err);
	if (rc == 0)
		rc = finish_tenant(node, &draft, err);
	*tenant = draft.tenant;
	return rc;
}
