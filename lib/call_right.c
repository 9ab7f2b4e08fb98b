/* Who may call outside numbers. */
#include "lib/call_right.h"

#include <string.h>

#include "lib/event.h"
#include "lib/extension.h"
#include "lib/scope.h"
#include "lib/tenant.h"

static const char SET_CALLS[] = "UPDATE extension SET calls = $2 WHERE id = $1";

static const char *const NAMES[SP_N_CALL_RIGHTS] = {
	[SP_CALLS_DEFAULT] = "default",
	[SP_CALLS_INTERNAL] = "internal",
	[SP_CALLS_ALL] = "all",
};

const char *sp_call_right_name(enum sp_call_right right)
{
	return NAMES[right];
}

bool sp_call_right_parse(const char *name, enum sp_call_right *out)
{
	for (int i = 0; i < SP_N_CALL_RIGHTS; i++)
		if (strcmp(NAMES[i], name) == 0) {
			*out = (enum sp_call_right)i;
			return true;
		}
	return false;
}

int sp_call_right_check(const char *name, enum sp_call_right *out,
	struct sp_err *err)
{
	if (sp_call_right_parse(name, out))
		return 0;
	return sp_err_set(err, SP_DATA,
		"calls '%.40s': expected internal, all or default", name);
}

bool sp_call_right_outside(const struct sp_tenant *tenant,
	const struct sp_extension *extension)
{
	enum sp_call_right right = extension->calls;

	if (right == SP_CALLS_DEFAULT)
		right = tenant->calls;
	return right != SP_CALLS_INTERNAL;
}

int sp_call_right_set(const struct sp_scope *scope,
	const struct sp_extension *extension, enum sp_call_right right,
	struct sp_err *err)
{
	const struct sp_event event = {.number = extension->number,
		.login = extension->user.login,
		.what = "calls",
		.old_value = sp_call_right_name(extension->calls),
		.new_value = sp_call_right_name(right)};

	if (right == extension->calls)
		return 0;
	if (sp_db_exec(scope->db, SET_CALLS,
		    SP_ARGS(sp_int(extension->id), sp_int(right)), NULL,
		    err) != 0 ||
		sp_event_add(scope, &event, err) != 0)
		return -1;
	return 1;
}
