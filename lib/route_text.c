/* The steps of a route in words. */
#include "lib/route_text.h"

#include <stdio.h>

static const char *text_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

void sp_route_text(const struct sp_route_step *step, const char *domain,
	struct sp_route_text *text)
{
	const char **field = text->field;

	*text = (struct sp_route_text){.target = ""};
	snprintf(text->target, sizeof text->target, "%s", step->target);
	field[SP_ROUTE_NUMBER] = step->number;
	field[SP_ROUTE_ACTION] = sp_route_action_name(step->action);
	field[SP_ROUTE_REASON] = text_or_null(step->why);
	if (step->action == SP_ROUTE_RING) {
		snprintf(text->target, sizeof text->target, "%s@%s",
			step->number, domain);
		sp_duration_format(step->after_ms, text->after);
		field[SP_ROUTE_AFTER] = text->after;
	}
	field[SP_ROUTE_TARGET] = text_or_null(text->target);
	if (step->action == SP_ROUTE_DIVERT) {
		field[SP_ROUTE_CONDITION] = sp_condition_name(step->condition);
		field[SP_ROUTE_ORIGIN] = step->is_default ? "default" : "own";
	}
	if (step->action == SP_ROUTE_REFUSE) {
		snprintf(text->status, sizeof text->status, "%d", step->status);
		field[SP_ROUTE_STATUS] = text->status;
	}
}
