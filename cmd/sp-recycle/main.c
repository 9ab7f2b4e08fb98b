/* sp-recycle: take users out, numbers back to the pool. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/records.h"
#include "cmd/cli/report.h"
#include "lib/clock.h"
#include "lib/extension.h"
#include "lib/text.h"
#include "lib/user.h"

static const char TOOL[] = "sp-recycle";

static const struct sp_column COLUMNS[] = {{.name = "number"},
	{.name = "login"}};

/* More than this share of the tenant is no list of people but a mistake. */
static const char ABSENT_MAX[] = "20%";

struct work {
	struct sp_common common;
	const char *rest, *absent_from, *max;
	bool ignore_missing, clear_inbound;
	int64_t rest_ms;
	struct sp_app app;
	struct sp_operands operands;
	struct sp_records *records; /* of --absent-from */
	struct sp_report report;
	char (*freed)[SP_NUMBER_SIZE]; /* the numbers */
	size_t n_freed;
};

/* ---- one user ---------------------------------------------------------- */

static int remember_freed(struct work *w, const char *number,
	struct sp_err *err)
{
	size_t n = w->n_freed;

	/* Grows at 1, 2, 4, 8 ... */
	if ((n & (n - 1)) == 0) {
		void *at = realloc(w->freed,
			(n == 0 ? 1 : 2 * n) * sizeof *w->freed);

		if (at == NULL)
			return sp_err_memory(err);
		w->freed = at;
	}
	memcpy(w->freed[w->n_freed++], number, SP_NUMBER_SIZE);
	return 0;
}

static int recycle(struct work *w, const struct sp_extension *extension,
	struct sp_err *err)
{
	if (sp_extension_recycle(&w->app.scope, extension, w->rest_ms, err) !=
			0 ||
		remember_freed(w, extension->number, err) != 0)
		return -1;
	return sp_report_row(&w->report,
		(const char *[]){extension->number, extension->user.login},
		err);
}

/* "ext:1001", "user:asmith": how one who is out may be named again. */
static int remember_names(struct work *w, const struct sp_extension *extension,
	struct sp_err *err)
{
	char ext[SP_NUMBER_SIZE + 4], user[SP_LOGIN_SIZE + 5];
	int64_t place = 0;

	snprintf(ext, sizeof ext, "ext:%s", extension->number);
	snprintf(user, sizeof user, "user:%s", extension->user.login);
	if (sp_user_seen(&w->app.scope, ext, &place, err) < 0 ||
		sp_user_seen(&w->app.scope, user, &place, err) < 0)
		return -1;
	return 0;
}

/* Is the operand one who is out already? sp-forward prints a number once for
 * each of its rules, and a list may have both the number and the login. */
static int is_out(struct work *w, const char *operand, struct sp_err *err)
{
	static const char *const BEFORE[] = {"", "ext:", "user:"};
	char name[SP_LOGIN_SIZE + 5];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof BEFORE / sizeof BEFORE[0]; i++)
		if ((size_t)snprintf(name, sizeof name, "%s%s", BEFORE[i],
			    operand) < sizeof name)
			rc = sp_user_was_seen(&w->app.scope, name, err);
	return rc;
}

/* Digits that meant somebody who is out may mean somebody else by now. */
static int check_other(struct work *w, const char *operand,
	const struct sp_extension *extension, struct sp_err *err)
{
	bool is_number = strcmp(operand, extension->number) == 0;
	char name[SP_LOGIN_SIZE + 5];
	int rc;

	if (!sp_text_is_digits(operand))
		return 0;
	snprintf(name, sizeof name, "%s:%s", is_number ? "user" : "ext",
		operand);
	rc = sp_user_was_seen(&w->app.scope, name, err);
	if (rc != 1)
		return rc;
	return sp_err_set(err, SP_DATA,
		"'%s' is one who is out already, and '%s' with %s as well: say "
		"ext:%s or user:%s",
		operand, extension->user.login, extension->number, operand,
		operand);
}

static int recycle_operand(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_extension extension;
	int rc = sp_extension_lookup(&w->app.scope, operand, &extension, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return check_other(w, operand, &extension, err) == 0 &&
				       remember_names(w, &extension, err) == 0
			       ? recycle(w, &extension, err)
			       : -1;
	rc = is_out(w, operand, err);
	if (rc != 0 || w->ignore_missing)
		return rc < 0 ? -1 : 0;
	return sp_extension_get(&w->app.scope, operand, &extension, err);
}

/* ---- everyone who is not in a list ------------------------------------- */

static const char *const FIELDS[] = {"login"};
static const char *const OTHERS[] = {"first", "last", "number", "secret",
	"registered_name", "state", "since", "contact", "transport",
	"user_agent", "refreshed", "expires_in", "forwarding", "calls"};

static int open_records(struct work *w, struct sp_err *err)
{
	static const struct sp_record_names NAMES = {FIELDS, 1, OTHERS,
		sizeof OTHERS / sizeof OTHERS[0], false};

	return sp_records_open(&w->records, w->absent_from, &NAMES, err);
}

static int add_present(struct work *w, const char *login, struct sp_err *err)
{
	int64_t line = sp_records_line(w->records);

	if (sp_login_check(login, err) == 0 &&
		sp_user_seen(&w->app.scope, login, &line, err) >= 0)
		return 0;
	sp_err_prefix(err, "%s", sp_records_where(w->records));
	return -1;
}

/* Every bad line counts: it may be somebody who is not to be taken out. */
static int read_present(struct work *w, struct sp_err *err)
{
	const char *field[1];
	int rc;

	while ((rc = sp_records_next(w->records, field, err)) != 0) {
		if (rc == 1)
			rc = add_present(w, field[0], err);
		if (rc != 0 && !sp_app_bad(&w->app, err))
			return -1;
	}
	return w->app.status == 0 ? 0 : -1;
}

static int recycle_absent(struct work *w, struct sp_err *err)
{
	const struct sp_scope *scope = &w->app.scope;
	struct sp_extension extension = {.number = ""};
	int rc;

	if (read_present(w, err) != 0)
		return -1;
	sp_progress_start(&w->app.progress, TOOL, w->common.quiet);
	while ((rc = sp_extension_next(scope, extension.number, &extension,
			err)) == 1) {
		rc = sp_user_was_seen(scope, extension.user.login, err);
		if (rc == 0)
			rc = recycle(w, &extension, err);
		if (rc < 0)
			return -1;
		sp_progress_step(&w->app.progress, w->n_freed, 0);
	}
	return rc;
}

/* ---- how many ---------------------------------------------------------- */

/* "10" or "20%". */
static bool parse_max(const char *text, int64_t *n, bool *is_percent)
{
	char digits[20];
	size_t len = strlen(text);

	*is_percent = len > 0 && text[len - 1] == '%';
	len -= *is_percent;
	if (len >= sizeof digits)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return sp_text_to_int(digits, 0, *is_percent ? 100 : INT64_MAX, n);
}

/* When they are out: counting reads all others, and is not always needed. */
static int check_max(const struct work *w, struct sp_err *err)
{
	const char *max = w->max;
	int64_t n, total, freed = (int64_t)w->n_freed;
	bool is_percent;

	if (max == NULL && w->absent_from != NULL)
		max = ABSENT_MAX;
	if (max == NULL)
		return 0;
	if (sp_extension_count(&w->app.scope, &total, err) != 0)
		return -1;
	total += freed;
	parse_max(max, &n, &is_percent);
	if (is_percent ? freed * 100 <= n * total : freed <= n)
		return 0;
	return sp_err_set(err, SP_DATA,
		"this would take out %" PRId64 " of %" PRId64 " users, more "
		"than %s: nothing was changed (--max says how many may go)",
		freed, total, max);
}

/* ---- main -------------------------------------------------------------- */

/* When all are out: who forwards to whom is settled only then. */
static int tell_inbound(struct work *w, struct sp_err *err)
{
	for (size_t i = 0; i < w->n_freed; i++)
		if (sp_app_inbound(&w->app, w->freed[i], w->clear_inbound,
			    err) != 0)
			return -1;
	return 0;
}

static int work(struct work *w, struct sp_err *err)
{
	if (w->rest == NULL)
		w->rest_ms = w->app.scope.tenant->rest_ms;
	if ((w->absent_from != NULL ? recycle_absent(w, err)
				    : sp_operands_each(&w->operands, &w->app,
					      recycle_operand, w, err)) != 0)
		return -1;
	if (check_max(w, err) != 0) {
		w->app.is_fatal = true;
		return -1;
	}
	return tell_inbound(w, err);
}

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	enum sp_db_mode mode =
		w->common.dry_run ? SP_DB_TRIAL_WRITE : SP_DB_WRITE;

	if ((w->absent_from != NULL ? open_records(w, err)
				    : sp_operands_init(&w->operands, &w->common,
					      operand, n, err)) != 0)
		return -1;
	if (sp_report_open(&w->report, &w->common, COLUMNS,
		    sizeof COLUMNS / sizeof COLUMNS[0], err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, mode, err) != 0 ||
		sp_app_begin(&w->app, err) != 0 || work(w, err) != 0 ||
		sp_report_finish(&w->report, err) != 0 ||
		sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, !w->common.dry_run, err);
}

static int check_usage(struct work *w, const struct sp_program *program, int n)
{
	struct sp_err err;
	bool is_percent;
	int64_t max;

	if (w->absent_from == NULL && n == 0)
		return sp_app_usage(program,
			"no user or extension is named, as in 'sp-recycle "
			"asmith'");
	if (w->absent_from != NULL &&
		(n > 0 || w->common.keep_going || w->ignore_missing))
		return sp_app_usage(program,
			"--absent-from goes with neither operands nor "
			"--keep-going nor --ignore-missing");
	if (w->max != NULL && !parse_max(w->max, &max, &is_percent))
		return sp_app_usage(program,
			"--max: '%s' is neither a number nor a percentage",
			w->max);
	if (w->rest != NULL && sp_duration_parse(w->rest, &w->rest_ms, &err))
		return sp_app_usage(program, "--rest: %s", err.msg);
	return 0;
}

int main(int argc, char **argv)
{
	struct work w = {.app.tool = TOOL};
	const struct sp_opt opts[] = {
		{0, "absent-from", "FILE",
			"everybody who is not in this list, as of sp-assign -f",
			NULL, &w.absent_from, NULL},
		{0, "max", "N|N%",
			"refuse to take out more than that (default with "
			"--absent-from: 20%)",
			NULL, &w.max, NULL},
		{0, "rest", "DURATION",
			"how long the numbers are given to nobody (default: "
			"the tenant's)",
			NULL, &w.rest, NULL},
		{0, "clear-inbound", NULL,
			"remove the rules by which others forward to them",
			&w.clear_inbound, NULL, NULL},
		{0, "ignore-missing", NULL,
			"pass over operands that nobody has", &w.ignore_missing,
			NULL, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] LOGIN|EXT ...\n[options] -\n"
			    "[options] --absent-from FILE",
		.purpose = "Take users out; their numbers return to the pool.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_LIST | SP_TAKES_BATCH | SP_TAKES_DRY_RUN |
			 SP_TAKES_QUIET | SP_TAKES_VERBOSE,
	};
	struct sp_err err;
	int first, rc = sp_opts_parse(&program, &w.common, argc, argv, &first);

	if (rc >= 0)
		return rc;
	rc = check_usage(&w, &program, argc - first);
	if (rc != 0)
		return rc;
	rc = run(&w, argc - first, argv + first, &err);
	rc = sp_app_exit(&w.app, rc, &err);
	sp_operands_release(&w.operands);
	sp_records_close(w.records);
	sp_report_release(&w.report);
	free(w.freed);
	sp_app_close(&w.app);
	return rc;
}
