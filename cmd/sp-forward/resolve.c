/* sp-forward --resolve: the route that a call would take, step by step. */
#include <stdio.h>
#include <string.h>

#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"
#include "lib/route.h"
#include "lib/route_facts.h"
#include "lib/route_text.h"
#include "lib/server.h"

static const struct sp_column COLUMNS[SP_N_ROUTE_FIELDS] = {
	[SP_ROUTE_NUMBER] = {.name = "number"},
	[SP_ROUTE_ACTION] = {.name = "action", .is_whole = true},
	[SP_ROUTE_TARGET] = {.name = "target"},
	[SP_ROUTE_CONDITION] = {.name = "condition", .is_whole = true},
	[SP_ROUTE_ORIGIN] = {.name = "origin"},
	[SP_ROUTE_AFTER] = {.name = "after"},
	[SP_ROUTE_STATUS] = {.name = "status", .is_integer = true},
	[SP_ROUTE_REASON] = {.name = "reason"},
};

/* What is assumed of the number that is dialled; nothing of the others. */
struct what_if {
	struct sp_route_moment moment;
	const char *dialled;
	bool is_said, is_registered;
	enum sp_route_outcome outcome; /* of its ringing */
};

static int ask(const void *arg, const char *number,
	struct sp_route_facts *facts, struct sp_err *err)
{
	const struct what_if *what_if = arg;

	if (sp_route_facts_ask(&what_if->moment, number, facts, err) != 0)
		return -1;
	if (what_if->is_said && facts->is_assigned &&
		strcmp(number, what_if->dialled) == 0)
		facts->is_registered = what_if->is_registered;
	return 0;
}

static int read_when(const struct work *w, struct what_if *what_if,
	struct sp_err *err)
{
	static const struct {
		const char *name;
		bool is_registered;
		enum sp_route_outcome outcome;
	} CASES[] = {
		{"registered", true, SP_ROUTE_NO_ANSWER},
		{"no-answer", true, SP_ROUTE_NO_ANSWER},
		{"busy", true, SP_ROUTE_BUSY},
		{"offline", false, SP_ROUTE_OFFLINE},
	};

	what_if->outcome = SP_ROUTE_NO_ANSWER;
	if (w->when == NULL)
		return 0;
	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
		if (strcmp(CASES[i].name, w->when) == 0) {
			what_if->is_said = true;
			what_if->is_registered = CASES[i].is_registered;
			what_if->outcome = CASES[i].outcome;
			return 0;
		}
	return sp_err_set(err, SP_USAGE,
		"--when: '%s' is none of registered, offline, busy, no-answer",
		w->when);
}

static int print_step(struct work *w, const struct sp_route_step *step,
	struct sp_err *err)
{
	struct sp_route_text text;

	sp_route_text(step, w->app.scope.tenant->domain, &text);
	return sp_report_row(&w->report, text.field, err);
}

static int follow(struct work *w, const struct what_if *what_if,
	struct sp_err *err)
{
	enum sp_route_outcome outcome = SP_ROUTE_START;
	struct sp_route_step step;
	struct sp_route route;
	int rc;

	sp_route_begin(&route, w->app.scope.tenant, what_if->dialled, ask,
		what_if);
	while ((rc = sp_route_next(&route, outcome, &step, err)) == 1) {
		outcome = SP_ROUTE_START;
		if (step.action == SP_ROUTE_RING)
			outcome = strcmp(step.number, what_if->dialled) == 0
					  ? what_if->outcome
					  : SP_ROUTE_NO_ANSWER;
		if (print_step(w, &step, err) != 0)
			return -1;
	}
	return rc;
}

/* A login stands for its number. A number is dialled as it stands, also when it
 * is nobody's; any other word that is nobody's is a mistake. */
static int find_dialled(const struct work *w, struct sp_extension *extension,
	const char **dialled, struct sp_err *err)
{
	int rc = sp_extension_lookup(&w->app.scope, w->resolve, extension, err);
	enum sp_target_kind kind;

	*dialled = extension->number;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	*dialled = w->resolve;
	if (strncmp(*dialled, "ext:", 4) == 0)
		*dialled += 4;
	kind = sp_target_kind(*dialled);
	if (kind == SP_TARGET_EXTENSION || kind == SP_TARGET_EXTERNAL)
		return 0;
	return sp_extension_get(&w->app.scope, w->resolve, extension, err);
}

/* Who is registered is known only until the last server stopped. */
static int set_moment(struct work *w, struct sp_err *err)
{
	char since[SP_TIME_TEXT];
	int64_t since_ms;

	if (sp_server_as_of(w->app.db, w->app.scope.now_ms,
		    &w->app.scope.now_ms, &since_ms, err) != 0)
		return -1;
	if (since_ms == 0)
		return 0;
	sp_clock_format(since_ms, since);
	sp_app_warn(&w->app,
		"no server is running since %s: who is registered is as it was "
		"then",
		since);
	return 0;
}

int resolve(struct work *w, struct sp_err *err)
{
	struct what_if what_if = {.moment.scope = &w->app.scope};
	struct sp_extension extension;
	int rc;

	if (read_when(w, &what_if, err) != 0 ||
		sp_report_open(&w->report, &w->common, COLUMNS,
			SP_N_ROUTE_FIELDS, err) != 0 ||
		sp_app_open(&w->app, &w->common, w->app.tool, SP_DB_READ,
			err) != 0 ||
		sp_db_begin_read(w->app.db, err) != 0)
		return -1;
	what_if.moment.rules_ms = w->app.scope.now_ms;
	if (w->at != NULL && sp_time_parse(w->at, what_if.moment.rules_ms,
				     &what_if.moment.rules_ms, err) != 0)
		return sp_err_prefix(err, "--at: ");
	if (set_moment(w, err) != 0 ||
		find_dialled(w, &extension, &what_if.dialled, err) != 0)
		return -1;
	rc = follow(w, &what_if, err);
	sp_db_rollback(w->app.db);
	return rc;
}
