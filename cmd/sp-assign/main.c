/* sp-assign: give users extension numbers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/records.h"
#include "cmd/cli/report.h"
#include "lib/hash.h"
#include "lib/secret.h"
#include "lib/user.h"

static const char TOOL[] = "sp-assign";

/* The last with --secret only. */
static const struct sp_column COLUMNS[] = {
	{"number", false},
	{"login", false},
	{"first", false},
	{"last", false},
	{"registered_name", false},
	{"secret", false},
};

/* Of the file, in the order of struct sp_assign. */
enum { LOGIN, FIRST, LAST, NUMBER, SECRET, N_FIELDS };
static const char *const FIELDS[N_FIELDS] = {"login", "first", "last", "number",
	"secret"};

/* Of sp-status, which exports more than is read here. */
static const char *const IGNORED[] = {"registered_name", "state", "since",
	"contact", "transport", "user_agent", "refreshed", "expires_in",
	"forwarding"};

struct work {
	struct sp_common common;
	const char *file, *number;
	bool make_secrets;
	struct sp_app app;
	struct sp_hash *hash;
	size_t pool_from;
	struct sp_records *records; /* of --file */
	struct sp_report report;
};

static int report(struct work *w, const struct sp_assigned *assigned,
	const char *secret, struct sp_err *err)
{
	const struct sp_user *user = &assigned->user;
	char name[SP_NUMBER_SIZE + SP_DOMAIN_SIZE];

	snprintf(name, sizeof name, "%s@%s", assigned->number,
		w->app.scope.tenant->domain);
	return sp_report_row(&w->report,
		(const char *[]){assigned->number, user->login, user->first,
			user->last, name, secret},
		err);
}

/* always: also for a user who has a secret. */
static int assign(struct work *w, struct sp_assign *a, bool always,
	struct sp_err *err)
{
	char secret[SP_SECRET_SIZE];
	struct sp_assigned assigned;
	int has = 0;

	if (w->make_secrets && a->secret == NULL) {
		has = always ? 0
			     : sp_secret_exists(&w->app.scope, a->login, err);
		if (has < 0 || sp_secret_generate(secret, err) != 0)
			return -1;
		if (has == 0)
			a->secret = secret;
	}
	if (sp_user_assign(&w->app.scope, w->hash, a, &assigned, err) != 0)
		return -1;
	/* One that a dry run has made is nobody's. */
	return report(w, &assigned,
		a->secret == secret && !w->common.dry_run ? secret : NULL, err);
}

/* ---- from a file ------------------------------------------------------- */

static const char *given(const char *field)
{
	return field == NULL || field[0] == '\0' ? NULL : field;
}

static int assign_record(struct work *w, const char *const *field, int64_t line,
	struct sp_err *err)
{
	struct sp_assign a = {.login = field[LOGIN],
		.first = field[FIRST],
		.last = field[LAST],
		.number = given(field[NUMBER]),
		.secret = given(field[SECRET])};
	int seen;

	if (sp_login_check(a.login, err) != 0)
		return -1;
	seen = sp_user_seen(&w->app.scope, a.login, &line, err);
	if (seen < 0)
		return -1;
	if (seen == 1)
		return sp_err_set(err, SP_DATA,
			"login '%.64s' stands here "
			"twice, first in line %" PRId64,
			a.login, line);
	return assign(w, &a, false, err);
}

/* A record that asks for no number is refused one only by an empty pool. */
static bool is_exhausted(const char *const *field, const struct sp_err *err)
{
	return err->code == SP_CANTCREATE && given(field[NUMBER]) == NULL;
}

/* Looks at all lines, also behind a bad one. When the pool is exhausted the
 * rest could only say so again. */
static int assign_file(struct work *w, struct sp_err *err)
{
	struct sp_records *records = w->records;
	const char *field[N_FIELDS];
	int rc;

	w->app.scope.pool_from = &w->pool_from;
	while ((rc = sp_records_next(records, field, err)) != 0) {
		if (rc == 1) {
			rc = assign_record(w, field, sp_records_line(records),
				err);
			if (rc != 0)
				sp_err_prefix(err, "%s",
					sp_records_where(records));
		}
		if (rc < 0 &&
			(!sp_app_bad(&w->app, err) || is_exhausted(field, err)))
			return -1;
	}
	return w->app.status == 0 ? 0 : -1;
}

/* ---- main -------------------------------------------------------------- */

static int assign_operands(struct work *w, int n, char **operand,
	struct sp_err *err)
{
	struct sp_assign a = {.login = operand[0],
		.first = n > 1 ? operand[1] : NULL,
		.last = n > 2 ? operand[2] : NULL,
		.number = w->number};

	return assign(w, &a, true, err);
}

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	size_t columns = sizeof COLUMNS / sizeof COLUMNS[0];
	enum sp_db_mode mode = w->common.dry_run ? SP_DB_TRIAL : SP_DB_CREATE;
	const struct sp_record_names names = {.names = FIELDS,
		.n = N_FIELDS,
		.ignored = IGNORED,
		.n_ignored = sizeof IGNORED / sizeof IGNORED[0]};

	if (!w->make_secrets)
		columns--;
	if (w->file != NULL &&
		sp_records_open(&w->records, w->file, &names, err) != 0)
		return -1;
	if (sp_report_open(&w->report, &w->common, COLUMNS, columns, err) ||
		sp_hash_new(&w->hash, err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, mode, err) != 0 ||
		sp_app_begin(&w->app, err) != 0)
		return -1;
	if ((w->file != NULL ? assign_file(w, err)
			     : assign_operands(w, n, operand, err)) != 0)
		return -1;
	if (sp_report_finish(&w->report, err) != 0 ||
		sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, !w->common.dry_run, err);
}

static int check_usage(const struct work *w, const struct sp_program *program,
	int n)
{
	if (w->file != NULL && (n > 0 || w->number != NULL))
		return sp_app_usage(program,
			"--file goes with neither operands nor --number");
	if (w->file == NULL && n == 0)
		return sp_app_usage(program, "no login is named");
	if (n > 3)
		return sp_app_usage(program,
			"too many operands: expected LOGIN [FIRST [LAST]]");
	return 0;
}

int main(int argc, char **argv)
{
	struct work w = {.app.tool = TOOL};
	const struct sp_opt opts[] = {
		{'f', "file", "FILE",
			"the users of a CSV, TSV, YAML or JSON file; "
			"- is standard input",
			NULL, &w.file, NULL},
		{'N', "number", "EXT", "this very number", NULL, &w.number,
			NULL},
		{'s', "secret", NULL, "make a SIP secret and print it, once",
			&w.make_secrets, NULL, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis = "[options] LOGIN [FIRST [LAST]]\n"
			    "[options] -f FILE",
		.purpose = "Give users extension numbers.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_DRY_RUN | SP_TAKES_QUIET,
	};
	struct sp_err err;
	int first, rc;

	rc = sp_opts_parse(&program, &w.common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	rc = check_usage(&w, &program, argc - first);
	if (rc != 0)
		return rc;
	rc = run(&w, argc - first, argv + first, &err);
	rc = sp_app_exit(&w.app, rc, &err);
	sp_records_close(w.records);
	sp_report_release(&w.report);
	sp_hash_free(w.hash);
	sp_app_close(&w.app);
	return rc;
}
