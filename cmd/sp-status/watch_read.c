/* sp-status --watch: reads the database whenever it has changed. */
#include "cmd/sp-status/watch_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/server.h"
#include "lib/tenant.h"

enum {
	SLICE_MS = 10,     /* of reading between two looks at the keys */
	SLICE_ROWS = 16,   /* between two looks at the clock */
	DEBOUNCE_MS = 100, /* between the beginnings of two readings; */
	SHARE = 10,        /* ... one takes so many parts of that time */
	SLOW_MS = 2000,    /* ... but longer than this only to have a rest */
	LOOK_MS = 1000,    /* states change by the clock alone, too; */
	REST_MS = 5000,    /* without a server hardly any do */
	RETRY_MS = 1000,   /* after trouble */
	WAIT_MS = 200,     /* for a lock: keys wait as well */
	PAGE = 64,
};

/* ---- operands ---------------------------------------------------------- */

static int keep_operand(void *arg, const char *operand, struct sp_err *err)
{
	struct watch_reader *r = arg;
	struct sp_status status;
	char **at;

	if (sp_status_get(&r->w->app.scope, operand, &status, err) != 0)
		return -1;
	at = reallocarray(r->operands, r->n_operands + 1, sizeof *at);
	if (at == NULL)
		return sp_err_memory(err);
	r->operands = at;
	at[r->n_operands] = strdup(operand);
	if (at[r->n_operands] == NULL)
		return sp_err_memory(err);
	r->n_operands++;
	return 0;
}

int watch_reader_init(struct watch_reader *r, struct work *w,
	struct sp_err *err)
{
	*r = (struct watch_reader){.w = w, .is_changed = true};
	sp_db_set_wait(w->app.db, WAIT_MS);
	if (w->n == 0)
		return 0;
	/* An empty list is of nobody, not of all. */
	r->operands = calloc(1, sizeof *r->operands);
	if (r->operands == NULL)
		return sp_err_memory(err);
	return sp_operands_each(&w->operands, &w->app, keep_operand, r, err);
}

/* ---- one reading ------------------------------------------------------- */

static void stop(struct watch_reader *r)
{
	sp_status_close(r->list);
	r->list = NULL;
	watch_rows_release(&r->next);
	r->is_reading = false;
}

void watch_reader_release(struct watch_reader *r)
{
	stop(r);
	watch_rows_release(&r->rows);
	for (size_t i = 0; i < r->n_operands; i++)
		free(r->operands[i]);
	free(r->operands);
	r->operands = NULL;
	r->n_operands = 0;
}

static int begin(struct watch_reader *r, struct sp_err *err)
{
	struct sp_app *app = &r->w->app;
	struct sp_tenant *tenant = (struct sp_tenant *)app->scope.tenant;

	r->is_changed = false;
	r->began_ms = sp_clock_monotonic_ms();
	r->busy_ms = 0;
	r->next_operand = 0;
	app->scope.now_ms = sp_clock_now_ms();
	/* A tenant has its row from its first user on. */
	if ((tenant->id == 0 &&
		    sp_tenant_open(tenant, app->db, false, err) != 0) ||
		sp_server_last_beat(app->db, &r->next_beat_ms, err) != 0 ||
		sp_server_as_of(app->db, app->scope.now_ms,
			&app->scope.phones_ms, &r->next_stopped_ms, err) != 0)
		return -1;
	r->scope = app->scope;
	r->is_reading = true;
	return r->operands != NULL ? 0
				   : sp_status_open(&r->scope, &r->list, err);
}

/* Who was there at first may have left, and may come back. */
static int next_named(struct watch_reader *r, struct sp_status *status,
	struct sp_err *err)
{
	while (r->next_operand < r->n_operands) {
		const char *operand = r->operands[r->next_operand++];

		if (sp_status_get(&r->scope, operand, status, err) == 0)
			return 1;
		if (err->code != SP_UNKNOWN && err->code != SP_DATA)
			return -1;
	}
	return 0;
}

/* Returns 1, 0 at the end, -1. */
static int read_row(struct watch_reader *r, struct sp_err *err)
{
	bool is_named = r->operands != NULL;
	const struct sp_status *status;
	struct sp_status named;
	int rc;

	if (is_named) {
		rc = next_named(r, &named, err);
		status = &named;
	} else {
		rc = sp_status_next(r->list, &status, err);
	}
	if (rc == 1 &&
		sp_status_passes(status, &r->w->filter, is_named,
			r->scope.phones_ms) &&
		watch_rows_add(&r->next, status, err) != 0)
		return -1;
	return rc;
}

/* Returns 1 when there is more, 0 at the end, -1. */
static int read_slice(struct watch_reader *r, struct sp_err *err)
{
	int64_t from_ms = sp_clock_monotonic_ms(), spent_ms = 0;
	int rc = 1;

	for (int i = 1; rc == 1 && spent_ms < SLICE_MS; i++) {
		rc = read_row(r, err);
		if (i % SLICE_ROWS == 0)
			spent_ms = sp_clock_monotonic_ms() - from_ms;
	}
	r->busy_ms += sp_clock_monotonic_ms() - from_ms;
	return rc;
}

/* ---- one extension ----------------------------------------------------- */

static int read_events(struct watch_reader *r, struct sp_err *err)
{
	struct watch_detail *d = &r->detail;
	struct sp_event_query query = {.after = d->after, .number = d->number};
	struct sp_event_row page[PAGE];
	int n;

	while ((n = sp_event_list(&r->scope, &query, page, PAGE, err)) > 0) {
		for (int i = 0; i < n; i++)
			d->events[d->n++ % WATCH_EVENTS] = page[i];
		query.after = d->after = page[n - 1].seq;
	}
	return n;
}

static int read_detail(struct watch_reader *r, struct sp_err *err)
{
	struct watch_detail *d = &r->detail;
	char operand[SP_NUMBER_SIZE + 4];
	int rc;

	if (d->number[0] == '\0')
		return 0;
	snprintf(operand, sizeof operand, "ext:%s", d->number);
	rc = sp_status_get(&r->scope, operand, &d->status, err);
	d->is_there = rc == 0;
	if (rc != 0 && err->code != SP_UNKNOWN)
		return -1;
	return read_events(r, err);
}

const struct sp_event_row *watch_detail_event(const struct watch_detail *d,
	size_t i)
{
	if (i >= d->n || i >= WATCH_EVENTS)
		return NULL;
	return &d->events[(d->n - 1 - i) % WATCH_EVENTS];
}

/* ---- trouble ----------------------------------------------------------- */

/* Only without memory there is no going on. What was read stays on the screen,
 * with the reason why it gets old. */
static int bear(struct watch_reader *r, const struct sp_err *err)
{
	stop(r);
	sp_db_rollback(r->w->app.db);
	if (err->code == SP_BUG)
		return -1;
	sp_db_close(r->w->app.db);
	r->w->app.db = r->w->app.scope.db = NULL;
	/* At first it may just be another file, which can be read at once. */
	r->retry_ms = sp_clock_monotonic_ms() +
		      (r->trouble[0] == '\0' ? 0 : RETRY_MS);
	snprintf(r->trouble, sizeof r->trouble, "%s", err->msg);
	return 1;
}

/* It may be another file, in which the tenant has another row. */
static int open_again(struct watch_reader *r, struct sp_err *err)
{
	struct sp_app *app = &r->w->app;
	struct sp_tenant *tenant = (struct sp_tenant *)app->scope.tenant;

	if (sp_db_open(&app->db, app->config.db, SP_DB_READ, WAIT_MS, err) != 0)
		return -1;
	app->scope.db = app->db;
	tenant->id = 0;
	r->began_ms = 0; /* read it now */
	r->version = 0;
	r->detail.after = 0;
	r->detail.n = 0;
	return 0;
}

/* ---- when -------------------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Between the beginnings of two readings, of which one takes busy_ms. */
static int64_t pause_ms(int64_t busy_ms)
{
	int64_t ms = SHARE * busy_ms;

	if (ms > SLOW_MS)
		ms = larger(SLOW_MS, 2 * busy_ms);
	return larger(DEBOUNCE_MS, ms);
}

static bool is_due(const struct watch_reader *r)
{
	int64_t since_ms = sp_clock_monotonic_ms() - r->began_ms;
	int64_t look_ms = r->stopped_ms != 0 ? REST_MS : LOOK_MS;
	int64_t least_ms = pause_ms(r->busy_ms);

	if (r->began_ms == 0)
		return true;
	return since_ms >=
	       (r->is_changed ? least_ms : larger(look_ms, least_ms));
}

static int notice(struct watch_reader *r, struct sp_err *err)
{
	int64_t version;

	if (sp_db_version(r->w->app.db, &version, err) != 0)
		return -1;
	r->is_changed |= version != r->version;
	r->version = version;
	return 0;
}

static int finish(struct watch_reader *r, struct sp_err *err)
{
	if (read_detail(r, err) != 0)
		return -1;
	if (r->operands != NULL)
		watch_rows_sort(&r->next);
	watch_rows_release(&r->rows);
	r->rows = r->next;
	r->next = (struct watch_rows){.n = 0};
	r->beat_ms = r->next_beat_ms;
	r->stopped_ms = r->next_stopped_ms;
	r->trouble[0] = '\0';
	stop(r);
	return 1;
}

static int step(struct watch_reader *r, struct sp_err *err)
{
	int rc;

	if (r->w->app.db == NULL && open_again(r, err) != 0)
		return -1;
	if (notice(r, err) != 0)
		return -1;
	if (!r->is_reading) {
		if (!is_due(r))
			return 0;
		if (begin(r, err) != 0)
			return -1;
	}
	rc = read_slice(r, err);
	return rc == 0 ? finish(r, err) : rc < 0 ? -1 : 0;
}

int watch_reader_step(struct watch_reader *r, struct sp_err *err)
{
	int rc;

	if (r->w->app.db == NULL && sp_clock_monotonic_ms() < r->retry_ms)
		return 0;
	rc = step(r, err);
	return rc < 0 ? bear(r, err) : rc;
}

bool watch_reader_is_busy(const struct watch_reader *r)
{
	return r->is_reading;
}

struct watch_moment watch_reader_moment(const struct watch_reader *r)
{
	int64_t now_ms = sp_clock_now_ms();

	return (struct watch_moment){now_ms,
		r->stopped_ms != 0 ? r->stopped_ms : now_ms};
}

int watch_reader_look_at(struct watch_reader *r, const char *number,
	struct sp_err *err)
{
	r->detail = (struct watch_detail){.after = 0};
	if (number == NULL)
		return 1;
	snprintf(r->detail.number, sizeof r->detail.number, "%s", number);
	/* Of the moment of the rows; the next reading brings it up to date. */
	if (r->w->app.db == NULL || read_detail(r, err) == 0)
		return 1;
	return bear(r, err);
}
