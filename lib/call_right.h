/* Who may call outside numbers: an extension as it is said of it, or else as
 * the tenant's `calls` says. */
#ifndef SP_LIB_CALL_RIGHT_H
#define SP_LIB_CALL_RIGHT_H

#include <stdbool.h>

#include "lib/err.h"

struct sp_extension;
struct sp_scope;
struct sp_tenant;

/* Stored as these numbers. */
enum sp_call_right {
	SP_CALLS_DEFAULT,  /* of an extension: as the tenant's */
	SP_CALLS_INTERNAL, /* the tenant's extensions only */
	SP_CALLS_ALL,      /* outside numbers, too; a tenant's if not said */
	SP_N_CALL_RIGHTS,
};

/* "default", "internal", "all". */
const char *sp_call_right_name(enum sp_call_right right);
bool sp_call_right_parse(const char *name, enum sp_call_right *out);

/* Fails with SP_DATA, and says which there are. */
int sp_call_right_check(const char *name, enum sp_call_right *out,
	struct sp_err *err);

/* Pure: may the extension call +NUMBER, by the tenant's gateway? */
bool sp_call_right_outside(const struct sp_tenant *tenant,
	const struct sp_extension *extension);

/* Sets it, with the event "calls". Expects the caller's transaction. Returns 1
 * when something changed, else 0. */
int sp_call_right_set(const struct sp_scope *scope,
	const struct sp_extension *extension, enum sp_call_right right,
	struct sp_err *err);

#endif
