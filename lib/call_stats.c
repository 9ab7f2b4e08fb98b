/* How many calls there are, and how many have ended how. */
#include "lib/call_stats.h"

#include <stdio.h>

#include "lib/call.h"
#include "lib/server.h"

static const char OPEN[] =
	"SELECT count(*), coalesce(sum(answered_ms <> 0), 0) FROM call"
	" WHERE ended_ms = 0 AND tenant_id = $1 AND expires_ms > $2";

const char *const SP_CALL_ENDINGS[SP_CALL_N_ENDINGS] = {SP_CALL_HUNG_UP,
	SP_CALL_CANCELLED, SP_CALL_BUSY, SP_CALL_NO_ANSWER, SP_CALL_UNREACHABLE,
	SP_CALL_REJECTED, SP_CALL_FAILED, SP_CALL_AGED_OUT};

static const char *name_of(const char *ending, char name[SP_COUNTER_SIZE])
{
	snprintf(name, SP_COUNTER_SIZE, "%s%s", SP_COUNTER_OF_CALLS, ending);
	return name;
}

int sp_call_count_open(const struct sp_scope *scope, int64_t *ringing,
	int64_t *answered, struct sp_err *err)
{
	struct sp_stmt *row;

	if (sp_db_first(scope->db, OPEN,
		    SP_ARGS(sp_int(scope->tenant->id), sp_int(scope->now_ms)),
		    &row, err) != 1)
		return -1;
	*answered = sp_col_int(row, 1);
	*ringing = sp_col_int(row, 0) - *answered;
	sp_db_done(row);
	return 0;
}

int sp_call_count_ending(struct sp_db *db, const char *ending,
	struct sp_err *err)
{
	char name[SP_COUNTER_SIZE];

	return sp_server_count(db, name_of(ending, name), 1, err);
}

int sp_call_count_ended(struct sp_db *db, const char *ending, int64_t *n,
	struct sp_err *err)
{
	char name[SP_COUNTER_SIZE];

	return sp_server_get_counter(db, name_of(ending, name), n, err);
}
