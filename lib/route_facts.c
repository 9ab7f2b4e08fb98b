/* What the route of a call needs to know of extensions. */
#include "lib/route_facts.h"

#include <string.h>

#include "lib/db.h"

static const char GET_FACTS[] =
	"SELECT e.id,"
	" EXISTS (SELECT 1 FROM binding b"
	" JOIN binding_live l ON l.binding_id = b.id"
	" WHERE b.extension_id = e.id AND l.expires_ms > $4),"
	" EXISTS (SELECT 1 FROM forward f WHERE f.extension_id = e.id)"
	" FROM extension e WHERE e.tenant_id = $1 AND e.digits = $2"
	" AND e.number = $3 AND e.user_id IS NOT NULL";

/* Most have no own rules: their defaults need no query. */
static int read_rules(const struct sp_route_moment *moment, bool has_own,
	struct sp_route_facts *facts, struct sp_err *err)
{
	struct sp_scope then = *moment->scope;
	struct sp_forwarding f;

	then.now_ms = moment->rules_ms;
	if (!has_own)
		sp_forward_defaults(then.tenant, &f);
	else if (sp_forward_load(&then, facts->extension_id, &f, err) != 0)
		return -1;
	sp_forward_in_force(&f, moment->rules_ms, facts->rules);
	return 0;
}

int sp_route_facts_ask(const void *arg, const char *number,
	struct sp_route_facts *facts, struct sp_err *err)
{
	const struct sp_route_moment *moment = arg;
	const struct sp_scope *scope = moment->scope;
	struct sp_stmt *row;
	bool has_own;
	int rc = sp_db_first(scope->db, GET_FACTS,
		SP_ARGS(sp_int(scope->tenant->id),
			sp_int((int64_t)strlen(number)), sp_text(number),
			sp_int(scope->now_ms)),
		&row, err);

	if (rc != 1)
		return rc;
	facts->is_assigned = true;
	facts->extension_id = sp_col_int(row, 0);
	facts->is_registered = sp_col_int(row, 1) != 0;
	has_own = sp_col_int(row, 2) != 0;
	sp_db_done(row);
	return read_rules(moment, has_own, facts, err);
}
