/* A binding: one registered contact of an extension. */
#include "lib/binding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/session.h"

#define COLUMNS                                                            \
	"b.id, b.contact, b.call_id, b.source, b.transport, b.user_agent," \
	" b.created_ms, l.cseq, l.refreshed_ms, l.expires_ms,"             \
	" l.interval_ms, b.flow_id, b.instance, b.reg_id, b.path, b.q,"    \
	" b.local"

static const char LIST_LIVE[] =
	"SELECT " COLUMNS
	" FROM binding b JOIN binding_live l ON l.binding_id = b.id"
	" WHERE b.extension_id = $1 AND l.expires_ms > $2 ORDER BY b.id DESC";

static const char NEWEST[] =
	"SELECT " COLUMNS
	" FROM binding b JOIN binding_live l ON l.binding_id = b.id"
	" WHERE b.extension_id = $1 AND l.expires_ms > $2"
	" ORDER BY l.refreshed_ms DESC, b.id DESC LIMIT 1";

static const char ADD_WIDE[] =
	"INSERT INTO binding (extension_id, contact, call_id, source,"
	" transport, user_agent, created_ms, flow_id, instance, reg_id, path,"
	" q, local)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
static const char ADD_LIVE[] =
	"INSERT INTO binding_live (binding_id, cseq, refreshed_ms, expires_ms,"
	" interval_ms) VALUES ($1, $2, $3, $4, $5)";

static const char UPDATE_LIVE[] =
	"UPDATE binding_live SET cseq = $2, refreshed_ms = $3,"
	" expires_ms = $4, interval_ms = $5 WHERE binding_id = $1";
static const char UPDATE_WIDE[] =
	"UPDATE binding SET contact = $2, call_id = $3, source = $4,"
	" transport = $5, user_agent = $6, flow_id = $7, instance = $8,"
	" reg_id = $9, path = $10, q = $11, local = $12 WHERE id = $1";

static const char DELETE_ONE[] = "DELETE FROM binding WHERE id = $1";
static const char DELETE_ALL[] = "DELETE FROM binding WHERE extension_id = $1";
static const char COUNT_LIVE[] =
	"SELECT count(*) FROM binding b"
	" JOIN binding_live l ON l.binding_id = b.id"
	" WHERE b.extension_id = $1 AND l.expires_ms > $2";

static const char GET_EXTENSION[] =
	"SELECT " SP_EXTENSION_COLUMNS " FROM " SP_EXTENSION_TABLES
	" WHERE e.id = $1";

#define DUE                                                                 \
	"SELECT b.id, b.extension_id, b.contact, l.expires_ms, e.tenant_id" \
	" FROM binding_live l JOIN binding b ON b.id = l.binding_id"        \
	" JOIN extension e ON e.id = b.extension_id"
static const char IS_DUE[] =
	"SELECT 1 FROM binding_live WHERE expires_ms <= $1 LIMIT 1";
static const char NEXT_DUE[] =
	DUE " WHERE l.expires_ms <= $1 AND l.binding_id > $2"
	    " ORDER BY l.binding_id LIMIT 16";
/* With a path, source and connection are the proxy's, whose end is no phone's:
 * it comes back, or another one takes over. */
static const char OF_FLOW[] = DUE " WHERE b.flow_id = $1 AND b.flow_id <> 0"
				  " AND b.path = '' AND b.id > $2"
				  " ORDER BY b.id LIMIT 16";
static const char OF_SOURCE[] = DUE " WHERE b.source = $1 AND b.flow_id = 0"
				    " AND b.path = '' AND b.id > $2"
				    " ORDER BY b.id LIMIT 16";

static void read_binding(struct sp_stmt *row, struct sp_binding *b)
{
	b->id = sp_col_int(row, 0);
	sp_col_copy(row, 1, b->contact, sizeof b->contact);
	sp_col_copy(row, 2, b->call_id, sizeof b->call_id);
	sp_col_copy(row, 3, b->source, sizeof b->source);
	sp_col_copy(row, 4, b->transport, sizeof b->transport);
	sp_col_copy(row, 5, b->user_agent, sizeof b->user_agent);
	b->created_ms = sp_col_int(row, 6);
	b->cseq = sp_col_int(row, 7);
	b->refreshed_ms = sp_col_int(row, 8);
	b->expires_ms = sp_col_int(row, 9);
	b->interval_ms = sp_col_int(row, 10);
	b->flow_id = sp_col_int(row, 11);
	sp_col_copy(row, 12, b->instance, sizeof b->instance);
	b->reg_id = sp_col_int(row, 13);
	sp_col_copy(row, 14, b->path, sizeof b->path);
	b->q = sp_col_int(row, 15);
	sp_col_copy(row, 16, b->local, sizeof b->local);
}

int sp_binding_newest(const struct sp_scope *scope, int64_t extension_id,
	struct sp_binding *binding, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, NEWEST,
		SP_ARGS(sp_int(extension_id), sp_int(scope->now_ms)), &row,
		err);

	if (rc == 1) {
		read_binding(row, binding);
		sp_db_done(row);
	}
	return rc;
}

static int newest_first(const void *a, const void *b)
{
	const struct sp_binding *x = a, *y = b;

	if (x->refreshed_ms != y->refreshed_ms)
		return x->refreshed_ms < y->refreshed_ms ? 1 : -1;
	return x->id < y->id ? 1 : -1;
}

int sp_binding_list(const struct sp_scope *scope, int64_t extension_id,
	struct sp_binding *list, int max, struct sp_err *err)
{
	struct sp_stmt *row;
	int n = 0, rc;

	if (sp_db_query(scope->db, LIST_LIVE,
		    SP_ARGS(sp_int(extension_id), sp_int(scope->now_ms)), &row,
		    err) != 0)
		return -1;
	while (n < max && (rc = sp_db_step(row, err)) != 0) {
		if (rc < 0) {
			n = -1;
			break;
		}
		read_binding(row, &list[n++]);
	}
	sp_db_done(row);
	/* Here, since nearly always there is one: SQLite would set up a sorter
	 * for it. */
	if (n > 1)
		qsort(list, (size_t)n, sizeof *list, newest_first);
	return n;
}

/* ---- adding and refreshing --------------------------------------------- */

static int get_extension(const struct sp_scope *scope, int64_t id,
	struct sp_extension *extension, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, GET_EXTENSION, SP_ARGS(sp_int(id)),
		&row, err);

	if (rc == 1) {
		sp_extension_read(row, extension);
		sp_db_done(row);
		return 0;
	}
	return rc < 0 ? -1
		      : sp_err_set(err, SP_BUG, "no extension with id %lld",
				(long long)id);
}

/* old_value, new_value: "" for none. */
static int tell(const struct sp_scope *scope, const struct sp_extension *ext,
	const char *what, const char *old_value, const char *new_value,
	struct sp_err *err)
{
	const struct sp_event event = {.number = ext->number,
		.login = ext->user.login,
		.what = what,
		.old_value = old_value,
		.new_value = new_value};

	return sp_event_add(scope, &event, err);
}

static int log_in(const struct sp_scope *scope,
	const struct sp_extension *extension, const struct sp_binding *binding,
	struct sp_err *err)
{
	int rc = sp_session_is_open(scope, extension->session_id, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (sp_session_start(scope, extension, binding, err) != 0)
		return -1;
	return tell(scope, extension, "logged-in", "", binding->user_agent,
		err);
}

int sp_binding_add(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *b, struct sp_err *err)
{
	struct sp_extension extension;
	int64_t id;

	if (get_extension(scope, extension_id, &extension, err) != 0 ||
		log_in(scope, &extension, b, err) != 0)
		return -1;
	if (sp_db_insert(scope->db, ADD_WIDE,
		    SP_ARGS(sp_int(extension_id), sp_text(b->contact),
			    sp_text(b->call_id), sp_text(b->source),
			    sp_text(b->transport), sp_text(b->user_agent),
			    sp_int(scope->now_ms), sp_int(b->flow_id),
			    sp_text(b->instance), sp_int(b->reg_id),
			    sp_text(b->path), sp_int(b->q), sp_text(b->local)),
		    &id, err) != 0)
		return -1;
	if (sp_db_exec(scope->db, ADD_LIVE,
		    SP_ARGS(sp_int(id), sp_int(b->cseq),
			    sp_int(b->refreshed_ms), sp_int(b->expires_ms),
			    sp_int(b->interval_ms)),
		    NULL, err) != 0)
		return -1;
	return tell(scope, &extension, "created", "", b->contact, err);
}

int sp_binding_refresh(const struct sp_scope *scope, const struct sp_binding *b,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, UPDATE_LIVE,
		SP_ARGS(sp_int(b->id), sp_int(b->cseq), sp_int(b->refreshed_ms),
			sp_int(b->expires_ms), sp_int(b->interval_ms)),
		NULL, err);
}

int sp_binding_update(const struct sp_scope *scope, const struct sp_binding *b,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, UPDATE_WIDE,
		SP_ARGS(sp_int(b->id), sp_text(b->contact), sp_text(b->call_id),
			sp_text(b->source), sp_text(b->transport),
			sp_text(b->user_agent), sp_int(b->flow_id),
			sp_text(b->instance), sp_int(b->reg_id),
			sp_text(b->path), sp_int(b->q), sp_text(b->local)),
		NULL, err);
}

/* ---- removing ---------------------------------------------------------- */

static int count_live(const struct sp_scope *scope, int64_t extension_id,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int n;

	if (sp_db_first(scope->db, COUNT_LIVE,
		    SP_ARGS(sp_int(extension_id), sp_int(scope->now_ms)), &row,
		    err) != 1)
		return -1;
	n = (int)sp_col_int(row, 0);
	sp_db_done(row);
	return n;
}

/* How a binding goes: the event, and the session's ending with the last. */
struct ending {
	const char *event; /* of RFC 3680 */
	const char *last;  /* event when it was the last one */
	const char *cause; /* of that; "" for none */
	const char *session;
	int64_t at_ms;
};

static int remove_one(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *b, const struct ending *end,
	struct sp_err *err)
{
	struct sp_extension ext;
	int left, ended;

	if (get_extension(scope, extension_id, &ext, err) != 0 ||
		sp_db_exec(scope->db, DELETE_ONE, SP_ARGS(sp_int(b->id)), NULL,
			err) != 0 ||
		tell(scope, &ext, end->event, b->contact, "", err) != 0)
		return -1;
	left = count_live(scope, extension_id, err);
	if (left != 0)
		return left < 0 ? -1 : 0;
	ended = sp_session_end(scope, ext.session_id, end->session, end->at_ms,
		err);
	if (ended != 1)
		return ended;
	return tell(scope, &ext, end->last, "", end->cause, err);
}

int sp_binding_remove(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *binding, struct sp_err *err)
{
	const struct ending end = {"unregistered", "logged-out", "",
		SP_ENDED_LOGOUT, scope->now_ms};

	return remove_one(scope, extension_id, binding, &end, err);
}

int sp_binding_evict(const struct sp_scope *scope, int64_t extension_id,
	const struct sp_binding *binding, struct sp_err *err)
{
	const struct ending end = {"deactivated", "logged-out", "",
		SP_ENDED_KICKED, scope->now_ms};

	return remove_one(scope, extension_id, binding, &end, err);
}

int sp_binding_delete_all(const struct sp_scope *scope, int64_t extension_id,
	struct sp_err *err)
{
	return sp_db_exec(scope->db, DELETE_ALL, SP_ARGS(sp_int(extension_id)),
		NULL, err);
}

int sp_binding_drop(const struct sp_scope *scope,
	const struct sp_extension *ext, struct sp_err *err)
{
	int64_t n;

	if (sp_db_exec(scope->db, DELETE_ALL, SP_ARGS(sp_int(ext->id)), &n,
		    err) != 0)
		return -1;
	if (n == 0)
		return 0;
	if (sp_session_end(scope, ext->session_id, SP_ENDED_KICKED,
		    scope->now_ms, err) < 0 ||
		tell(scope, ext, "deactivated", "", "", err) != 0)
		return -1;
	return (int)n;
}

/* ---- expiry ------------------------------------------------------------ */

int sp_binding_is_due(const struct sp_scope *scope, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, IS_DUE, SP_ARGS(sp_int(scope->now_ms)),
		&row, err);

	if (rc == 1)
		sp_db_done(row);
	return rc;
}

enum { DUE_MAX = 16 }; /* as in NEXT_DUE */

struct due {
	struct sp_binding binding;
	int64_t extension_id, tenant_id;
};

/* Copies the next few out, since the table that the query walks is about to
 * change. Returns their number or -1. */
static int next_due(const struct sp_scope *scope, const char *sql,
	struct sp_value which, int64_t after_id, struct due due[DUE_MAX],
	struct sp_err *err)
{
	struct sp_stmt *row;
	int n = 0, rc;

	if (sp_db_query(scope->db, sql, SP_ARGS(which, sp_int(after_id)), &row,
		    err) != 0)
		return -1;
	while ((rc = sp_db_step(row, err)) == 1) {
		struct due *d = &due[n++];

		d->binding.id = sp_col_int(row, 0);
		d->extension_id = sp_col_int(row, 1);
		sp_col_copy(row, 2, d->binding.contact,
			sizeof d->binding.contact);
		d->binding.expires_ms = sp_col_int(row, 3);
		d->tenant_id = sp_col_int(row, 4);
	}
	sp_db_done(row);
	return rc < 0 ? -1 : n;
}

/* How bindings are lost. */
struct loss {
	const char *cause;
	int64_t at_ms; /* 0: when each ran out */
	int max;       /* enough for one transaction */
};

static int lose(const struct sp_scope *scope, const struct due *due,
	const struct loss *loss, struct sp_err *err)
{
	const struct ending end = {"expired", "lost", loss->cause,
		SP_ENDED_LOST,
		loss->at_ms == 0 ? due->binding.expires_ms : loss->at_ms};
	struct sp_tenant tenant = {.id = due->tenant_id};
	struct sp_scope its = *scope;

	its.tenant = &tenant;
	return remove_one(&its, due->extension_id, &due->binding, &end, err);
}

static int lose_all(const struct sp_scope *scope, const char *sql,
	struct sp_value which, const struct loss *loss, struct sp_err *err)
{
	struct due due[DUE_MAX];
	int64_t after_id = 0;
	int total = 0, n = 1;

	while (total < loss->max &&
		(n = next_due(scope, sql, which, after_id, due, err)) > 0) {
		for (int i = 0; i < n; i++)
			if (lose(scope, &due[i], loss, err) != 0)
				return -1;
		after_id = due[n - 1].binding.id;
		total += n;
	}
	return n < 0 ? -1 : total;
}

int sp_binding_sweep(const struct sp_scope *scope, int max, struct sp_err *err)
{
	const struct loss loss = {"not refreshed", 0, max};

	return lose_all(scope, NEXT_DUE, sp_int(scope->now_ms), &loss, err);
}

int sp_binding_lose_flow(const struct sp_scope *scope, int64_t flow_id,
	const char *cause, struct sp_err *err)
{
	const struct loss loss = {cause, scope->now_ms, INT_MAX};

	return lose_all(scope, OF_FLOW, sp_int(flow_id), &loss, err);
}

int sp_binding_has_source(const struct sp_scope *scope, const char *source,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(scope->db, OF_SOURCE,
		SP_ARGS(sp_text(source), sp_int(0)), &row, err);

	if (rc == 1)
		sp_db_done(row);
	return rc;
}

int sp_binding_lose_source(const struct sp_scope *scope, const char *source,
	const char *cause, struct sp_err *err)
{
	const struct loss loss = {cause, scope->now_ms, INT_MAX};

	return lose_all(scope, OF_SOURCE, sp_text(source), &loss, err);
}
