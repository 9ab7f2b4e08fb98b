/* What a main does before and after its work. */
#include "cmd/cli/app.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/event.h"
#include "lib/extension.h"
#include "lib/forward.h"
#include "lib/tenant.h"
#include "lib/text.h"

/* Of old history, beside each change; and twice as much as has come, so that it
 * never piles up. */
enum { PRUNE_MIN = 200 };

/* Did sudo make another user of a person? Who could pretend that is root, or
 * may write to the database without us. */
static bool is_under_sudo(void)
{
	const char *user = getenv("SUDO_USER"), *uid = getenv("SUDO_UID");
	int64_t n;

	if (user == NULL || user[0] == '\0')
		return false;
	return getuid() == 0 ||
	       (uid != NULL && sp_text_to_int(uid, 0, UINT32_MAX, &n) &&
		       (uid_t)n != getuid());
}

static void find_actor(char *out, size_t size)
{
	const struct passwd *pw;

	if (is_under_sudo()) {
		snprintf(out, size, "%s", getenv("SUDO_USER"));
		return;
	}
	pw = getpwuid(getuid());
	if (pw != NULL)
		snprintf(out, size, "%s", pw->pw_name);
	else
		snprintf(out, size, "%u", (unsigned)getuid());
}

static int warn_of_strangers(struct sp_app *app, const struct sp_common *common,
	struct sp_err *err)
{
	char domain[SP_DOMAIN_SIZE];
	int rc = sp_tenant_find_stranger(app->config.tenants,
		app->config.n_tenants, app->db, domain, err);

	if (rc == 1 && !common->quiet)
		fprintf(stderr,
			"%s: warning: the database has users of '%s', which is "
			"not configured (see domain: in sp.yaml, or take "
			"another --db)\n",
			app->tool, domain);
	return rc < 0 ? -1 : 0;
}

int sp_app_open(struct sp_app *app, const struct sp_common *common,
	const char *tool, enum sp_db_mode mode, struct sp_err *err)
{
	struct sp_tenant *tenant;

	app->tool = tool;
	app->common = common;
	if (sp_config_load(&app->config, common->config, common->db, err) ||
		sp_config_tenant(&app->config, common->tenant, &tenant, err))
		return -1;
	find_actor(app->actor, sizeof app->actor);
	if (sp_db_open(&app->db, app->config.db, mode, SP_APP_WAIT_MS, err))
		return -1;
	app->scope = (struct sp_scope){.db = app->db,
		.tenant = tenant,
		.tool = tool,
		.actor = app->actor,
		.now_ms = sp_clock_now_ms()};
	if (common->verbose)
		fprintf(stderr,
			"%s: configuration %s, database %s, tenant %s\n", tool,
			app->config.path == NULL ? "none" : app->config.path,
			app->config.db, tenant->domain);
	if (warn_of_strangers(app, common, err) != 0)
		return -1;
	return mode == SP_DB_READ ? sp_tenant_open(tenant, app->db, false, err)
				  : 0;
}

void sp_app_close(struct sp_app *app)
{
	sp_db_close(app->db);
	sp_config_release(&app->config);
}

static int last_event(struct sp_app *app, int64_t *last, struct sp_err *err)
{
	int64_t oldest;

	return sp_event_bounds(&app->scope, &oldest, last, err);
}

int sp_app_begin(struct sp_app *app, struct sp_err *err)
{
	struct sp_tenant *tenant = (struct sp_tenant *)app->scope.tenant;

	if (sp_db_begin(app->db, err) != 0)
		return -1;
	app->is_pending = true;
	/* After the wait for other writers: later than what they wrote. */
	app->scope.now_ms = sp_clock_now_ms();
	if (last_event(app, &app->last_event, err) != 0)
		return -1;
	return sp_tenant_open(tenant, app->db, true, err);
}

static int prune(struct sp_app *app, struct sp_err *err)
{
	struct sp_prune prune = {
		.before_ms = app->scope.now_ms - app->config.history_ms};
	int64_t last;

	if (last_event(app, &last, err) != 0)
		return -1;
	prune.max = 2 * (last - app->last_event) + PRUNE_MIN;
	return sp_event_prune(&app->scope, &prune, err);
}

int sp_app_end(struct sp_app *app, const struct sp_common *common,
	struct sp_err *err)
{
	sp_progress_end(&app->progress);
	if (!common->dry_run) {
		if (prune(app, err) != 0 || sp_db_commit(app->db, err) != 0)
			return -1;
		app->is_pending = false;
		return 0;
	}
	sp_db_rollback(app->db);
	app->is_pending = false;
	if (!common->quiet)
		fprintf(stderr, "%s: dry run: nothing was changed\n",
			app->tool);
	return 0;
}

int sp_app_fail(const char *tool, const struct sp_err *err)
{
	fprintf(stderr, "%s: %s\n", tool, err->msg);
	return (int)err->code;
}

static FILE *spool(FILE **file)
{
	if (*file == NULL)
		*file = tmpfile();
	return *file == NULL ? stderr : *file;
}

bool sp_app_bad(struct sp_app *app, const struct sp_err *err)
{
	if (err->code != SP_DATA && err->code != SP_UNKNOWN &&
		err->code != SP_CANTCREATE) {
		app->is_fatal = true;
		return false;
	}
	fprintf(spool(&app->complaints), "%s: %s\n", app->tool, err->msg);
	if (app->status == 0)
		app->status = (int)err->code;
	return true;
}

int sp_app_item_begin(struct sp_app *app, struct sp_err *err)
{
	if (!app->common->keep_going)
		return 0;
	app->is_fatal = sp_db_save(app->db, err) != 0;
	return app->is_fatal ? -1 : 0;
}

int sp_app_item_end(struct sp_app *app, int rc, struct sp_err *err)
{
	if (rc != 0 && !sp_app_bad(app, err))
		return -1;
	if (!app->common->keep_going)
		return 0;
	rc = rc == 0 ? sp_db_keep(app->db, err) : sp_db_revert(app->db, err);
	app->is_fatal = rc != 0;
	return rc;
}

int sp_app_verdict(const struct sp_app *app)
{
	return app->status == 0 || app->common->keep_going ? 0 : -1;
}

void sp_app_warn(struct sp_app *app, const char *format, ...)
{
	FILE *file;
	va_list ap;

	if (app->common->quiet)
		return;
	file = spool(&app->warnings);
	fprintf(file, "%s: ", app->tool);
	va_start(ap, format);
	vfprintf(file, format, ap);
	va_end(ap);
	putc('\n', file);
}

int sp_app_hint_empty(struct sp_app *app, struct sp_err *err)
{
	int64_t n;

	if (!isatty(STDERR_FILENO))
		return 0;
	if (sp_extension_count(&app->scope, &n, err) != 0)
		return -1;
	if (n == 0)
		sp_app_warn(app,
			"no users yet: 'sp-assign LOGIN' makes the first");
	return 0;
}

int sp_app_inbound(struct sp_app *app, const char *number, bool clear,
	struct sp_err *err)
{
	struct sp_inbound in = {.extension_id = 0};
	int rc;

	while ((rc = sp_forward_next_inbound(&app->scope, number, &in, err)) ==
		1) {
		if (clear &&
			sp_forward_remove_inbound(&app->scope, &in, err) < 0)
			return -1;
		sp_app_warn(app, "%s %s %s to %s, which nobody has now",
			in.number, clear ? "no longer forwards" : "forwards",
			sp_condition_name(in.condition), number);
	}
	return rc;
}

/* is_true: else it is closed only. Accepts NULL. */
static void tell(const char *tool, FILE *file, bool is_true)
{
	char buffer[4096];
	bool is_lost;
	size_t n;

	if (file == NULL)
		return;
	is_lost = fflush(file) != 0 || ferror(file) != 0;
	rewind(file);
	while (is_true && (n = fread(buffer, 1, sizeof buffer, file)) > 0)
		fwrite(buffer, 1, n, stderr);
	if (is_true && is_lost)
		fprintf(stderr,
			"\n%s: there was more to tell, but no room for it in a "
			"temporary file\n",
			tool);
	fclose(file);
}

int sp_app_exit(struct sp_app *app, int rc, const struct sp_err *err)
{
	sp_db_rollback(app->db);
	sp_progress_end(&app->progress);
	tell(app->tool, app->complaints, true);
	tell(app->tool, app->warnings, !app->is_pending);
	/* With --keep-going the good ones were done all the same. */
	if (rc == 0)
		return app->status == 0 ? 0 : SP_DATA;
	return app->status != 0 && !app->is_fatal ? app->status
						  : sp_app_fail(app->tool, err);
}

int sp_app_usage(const struct sp_program *program, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program->name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, " (see %s --help)\n", program->name);
	return SP_USAGE;
}

/* ---- operands ---------------------------------------------------------- */

int sp_operands_init(struct sp_operands *o, const struct sp_common *common,
	char **at, int n, struct sp_err *err)
{
	*o = (struct sp_operands){.at = at, .n = n};
	for (int i = 0; i < n; i++)
		if (strcmp(at[i], "-") == 0)
			return sp_input_open(&o->list, "-",
				common->nul ? '\0' : '\n', err);
	return 0;
}

/* Borrowed until the next call. Returns 1, 0 at the end, -1; after SP_DATA (a
 * bad line) the next call goes on. */
static int next_operand(struct sp_operands *o, const char **operand,
	struct sp_err *err)
{
	int rc;

	while (o->in_list || o->next < o->n) {
		if (o->in_list) {
			rc = sp_input_field(o->list, operand, err);
			if (rc != 0)
				return rc;
			o->in_list = false;
			continue;
		}
		*operand = o->at[o->next++];
		if (strcmp(*operand, "-") != 0)
			return 1;
		o->in_list = true;
	}
	return 0;
}

/* rc: what next_operand gave; a bad line has its place in front already. */
static int do_operand(struct sp_operands *o, int rc, const char *operand,
	sp_operand_fn *fn, void *arg, struct sp_err *err)
{
	if (rc != 1)
		return rc;
	rc = fn(arg, operand, err);
	if (rc != 0 && o->in_list)
		sp_err_prefix(err, "%s", sp_input_where(o->list));
	return rc;
}

static void show_progress(struct sp_operands *o, struct sp_app *app)
{
	int64_t done, total;

	if (!o->in_list)
		return;
	sp_input_position(o->list, &done, &total);
	sp_progress_step(&app->progress, (uint64_t)done, (uint64_t)total);
}

int sp_operands_each(struct sp_operands *o, struct sp_app *app,
	sp_operand_fn *fn, void *arg, struct sp_err *err)
{
	bool changes = sp_db_in_transaction(app->db);
	const char *operand;
	int rc;

	sp_progress_start(&app->progress, app->tool, app->common->quiet);
	while ((rc = next_operand(o, &operand, err)) != 0) {
		show_progress(o, app);
		if (changes && sp_app_item_begin(app, err) != 0)
			return -1;
		rc = do_operand(o, rc, operand, fn, arg, err);
		if (changes) {
			if (sp_app_item_end(app, rc, err) != 0)
				return -1;
		} else if (rc != 0 && !sp_app_bad(app, err)) {
			return -1;
		}
	}
	return sp_app_verdict(app);
}

void sp_operands_release(struct sp_operands *o)
{
	sp_input_close(o->list);
	o->list = NULL;
}
