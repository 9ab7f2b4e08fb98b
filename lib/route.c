/* The route of a call: where it goes now, one step after the other. */
#include "lib/route.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* RFC 3261 §21. */
enum {
	NOT_FOUND = 404,
	TEMPORARILY_UNAVAILABLE = 480,
	BUSY_HERE = 486,
	DECLINE = 603,
};

static const char *const ACTIONS[] = {
	[SP_ROUTE_RING] = "ring",
	[SP_ROUTE_DIVERT] = "divert",
	[SP_ROUTE_SEND] = "send",
	[SP_ROUTE_REFUSE] = "refuse",
};

const char *sp_route_action_name(enum sp_route_action action)
{
	return ACTIONS[action];
}

void sp_route_begin(struct sp_route *route, const struct sp_tenant *tenant,
	const char *dialled, sp_route_ask_fn *ask, const void *arg)
{
	*route = (struct sp_route){
		.tenant = tenant,
		.dialled = dialled,
		.ask = ask,
		.arg = arg,
		.state = SP_ROUTE_DIALLED,
	};
}

void sp_route_note_diversions(struct sp_route *route, int n)
{
	route->n_before = n;
}

/* Where the call is. */
static const char *here(const struct sp_route *route)
{
	return route->number[route->n - 1];
}

/* ---- URIs -------------------------------------------------------------- */

/* Writes uri with the number for each {number}. Returns false when it does not
 * fit. */
static bool fill_in_number(const char *uri, const char *number,
	char out[SP_TARGET_SIZE])
{
	static const char FIELD[] = "{number}";
	const char *field;
	size_t len = 0;

	do {
		field = strstr(uri, FIELD);
		len += (size_t)snprintf(out + len, SP_TARGET_SIZE - len,
			"%.*s%s",
			(int)(field == NULL ? strlen(uri)
					    : (size_t)(field - uri)),
			uri, field == NULL ? "" : number);
		if (len >= SP_TARGET_SIZE)
			return false;
		uri = field == NULL ? NULL : field + sizeof FIELD - 1;
	} while (uri != NULL);
	return true;
}

/* Writes uri with the number as its user part. Returns false when it does not
 * fit. */
static bool set_user(const char *uri, const char *number,
	char out[SP_TARGET_SIZE])
{
	const char *rest = strchr(uri, ':') + 1, *at = strchr(rest, '@');
	int n = snprintf(out, SP_TARGET_SIZE, "%.*s%s@%s", (int)(rest - uri),
		uri, number, at == NULL ? rest : at + 1);

	return n < SP_TARGET_SIZE;
}

/* Writes route->uri. Returns NULL, or why there is none. */
static const char *write_uri(struct sp_route *route, enum sp_target_kind kind,
	const char *target)
{
	const struct sp_tenant *tenant = route->tenant;
	bool fits;

	if (kind == SP_TARGET_VOICEMAIL && tenant->voicemail == NULL)
		return "no voicemail";
	if (kind == SP_TARGET_EXTERNAL && tenant->gateway == NULL)
		return "no gateway";
	if (kind == SP_TARGET_VOICEMAIL)
		fits = fill_in_number(tenant->voicemail, here(route),
			route->uri);
	else if (kind == SP_TARGET_EXTERNAL)
		fits = set_user(tenant->gateway, target, route->uri);
	else if (kind == SP_TARGET_URI)
		fits = snprintf(route->uri, SP_TARGET_SIZE, "%s", target) <
		       SP_TARGET_SIZE;
	else
		return "malformed target";
	return fits ? NULL : "URI too long";
}

/* ---- pointing the route at a target ------------------------------------ */

static bool is_visited(const struct sp_route *route, const char *number)
{
	for (int i = 0; i < route->n; i++)
		if (strcmp(route->number[i], number) == 0)
			return true;
	return false;
}

/* These return 1 when the route goes on there, 0 when it cannot, with *why,
 * and -1 on error; with 0 and -1 it stays where it is. */

static int enter_extension(struct sp_route *route, const char *number,
	const char **why, struct sp_err *err)
{
	struct sp_route_facts facts = {.is_assigned = false};

	if (route->ask(route->arg, number, &facts, err) != 0)
		return -1;
	if (!facts.is_assigned) {
		*why = "not assigned";
		return 0;
	}
	snprintf(route->number[route->n++], SP_NUMBER_SIZE, "%.15s", number);
	route->facts = facts;
	route->state = SP_ROUTE_ARRIVED;
	return 1;
}

static int enter(struct sp_route *route, const char *target, const char **why,
	struct sp_err *err)
{
	enum sp_target_kind kind = sp_target_kind(target);
	const char *fault;

	if (kind == SP_TARGET_REJECT) {
		route->state = SP_ROUTE_REJECTED;
		return 1;
	}
	if (kind == SP_TARGET_EXTENSION && is_visited(route, target))
		fault = "loop";
	else if (route->n > 0 &&
		 route->n + route->n_before > SP_ROUTE_DIVERSIONS)
		fault = "too many diversions";
	else if (kind == SP_TARGET_EXTENSION)
		return enter_extension(route, target, why, err);
	else
		fault = write_uri(route, kind, target);
	if (fault != NULL) {
		*why = fault;
		return 0;
	}
	route->state = SP_ROUTE_LEAVING;
	return 1;
}

/* ---- steps ------------------------------------------------------------- */

/* Every step begins as one of the number where the call is. */
static void begin_step(const struct sp_route *route,
	enum sp_route_action action, struct sp_route_step *step)
{
	*step = (struct sp_route_step){.action = action, .why = ""};
	snprintf(step->number, sizeof step->number, "%.16s",
		route->n > 0 ? here(route) : route->dialled);
}

static int refuse(struct sp_route *route, int status, const char *why,
	struct sp_route_step *step)
{
	begin_step(route, SP_ROUTE_REFUSE, step);
	step->status = status;
	step->why = why;
	route->state = SP_ROUTE_ENDED;
	return 1;
}

static int send_away(struct sp_route *route, struct sp_route_step *step)
{
	begin_step(route, SP_ROUTE_SEND, step);
	snprintf(step->target, sizeof step->target, "%s", route->uri);
	route->state = SP_ROUTE_ENDED;
	return 1;
}

/* NULL: there is none. */
static const struct sp_rule *find_rule(const struct sp_route *route,
	enum sp_condition condition)
{
	const struct sp_rule *rule = &route->facts.rules[condition];

	if (!rule->enabled || rule->target[0] == '\0')
		return NULL;
	if (rule->is_default && strcmp(rule->target, here(route)) == 0)
		return NULL;
	return rule;
}

/* Follows the rule. Returns 1 with the step, 0 when there is none or, with
 * *why, it cannot be followed; -1 on error. */
static int divert(struct sp_route *route, enum sp_condition condition,
	const char **why, struct sp_route_step *step, struct sp_err *err)
{
	const struct sp_rule *rule = find_rule(route, condition);

	if (rule == NULL)
		return 0;
	begin_step(route, SP_ROUTE_DIVERT, step);
	step->condition = condition;
	step->is_default = rule->is_default;
	step->why = *why;
	snprintf(step->target, sizeof step->target, "%s", rule->target);
	return enter(route, step->target, why, err);
}

/* Follows the rule, or refuses the call; `why` is that of a rule before it. */
static int divert_or_refuse(struct sp_route *route, enum sp_condition condition,
	const char *why, struct sp_route_step *step, struct sp_err *err)
{
	int rc = divert(route, condition, &why, step, err);

	if (rc != 0)
		return rc;
	return refuse(route,
		condition == SP_BUSY ? BUSY_HERE : TEMPORARILY_UNAVAILABLE,
		why[0] == '\0' ? "no rule" : why, step);
}

static int ring(struct sp_route *route, const char *why,
	struct sp_route_step *step)
{
	const struct sp_rule *rule = find_rule(route, SP_NO_ANSWER);

	begin_step(route, SP_ROUTE_RING, step);
	step->why = why;
	step->extension_id = route->facts.extension_id;
	step->after_ms = rule == NULL || rule->after_ms == 0 ? SP_AFTER_MS
							     : rule->after_ms;
	route->state = SP_ROUTE_RINGING;
	return 1;
}

static int arrive(struct sp_route *route, struct sp_route_step *step,
	struct sp_err *err)
{
	const char *why = "";
	int rc = divert(route, SP_ALWAYS, &why, step, err);

	if (rc != 0)
		return rc;
	if (!route->facts.is_registered)
		return divert_or_refuse(route, SP_OFFLINE, why, step, err);
	return ring(route, why, step);
}

static int start(struct sp_route *route, struct sp_route_step *step,
	struct sp_err *err)
{
	enum sp_target_kind kind = sp_target_kind(route->dialled);
	const char *why = "not a number";
	int rc = 0;

	if (kind == SP_TARGET_EXTENSION || kind == SP_TARGET_EXTERNAL)
		rc = enter(route, route->dialled, &why, err);
	else
		route->dialled = "";
	if (rc < 0)
		return -1;
	if (rc == 0)
		return refuse(route, NOT_FOUND, why, step);
	if (kind == SP_TARGET_EXTERNAL)
		return send_away(route, step);
	return arrive(route, step, err);
}

int sp_route_next(struct sp_route *route, enum sp_route_outcome outcome,
	struct sp_route_step *step, struct sp_err *err)
{
	static const enum sp_condition CONDITIONS[] = {
		[SP_ROUTE_BUSY] = SP_BUSY,
		[SP_ROUTE_NO_ANSWER] = SP_NO_ANSWER,
		[SP_ROUTE_OFFLINE] = SP_OFFLINE,
	};

	switch (route->state) {
	case SP_ROUTE_DIALLED: return start(route, step, err);
	case SP_ROUTE_ARRIVED: return arrive(route, step, err);
	case SP_ROUTE_RINGING:
		assert(outcome != SP_ROUTE_START);
		return divert_or_refuse(route, CONDITIONS[outcome], "", step,
			err);
	case SP_ROUTE_LEAVING: return send_away(route, step);
	case SP_ROUTE_REJECTED: return refuse(route, DECLINE, "rejected", step);
	case SP_ROUTE_ENDED: break;
	}
	return 0;
}
