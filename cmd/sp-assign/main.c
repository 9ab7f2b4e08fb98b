/* sp-assign: give users extension numbers. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/records.h"
#include "cmd/cli/report.h"
#include "cmd/cli/secret_input.h"
#include "lib/assignment.h"
#include "lib/extension.h"
#include "lib/hash.h"
#include "lib/secret.h"
#include "lib/text.h"

static const char TOOL[] = "sp-assign";

/* The last with --secret only. */
static const struct sp_column COLUMNS[] = {
	{.name = "number"},
	{.name = "login"},
	{.name = "first"},
	{.name = "last"},
	{.name = "registered_name"},
	{.name = "secret"},
};
enum { N_COLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };

struct work {
	struct sp_common common;
	const char *file, *number, *swap, *order, *secret_fd, *calls;
	bool make_secrets, secret_stdin, reset_forwarding;
	const char *reserve[SP_OPT_REPEAT], *unreserve[SP_OPT_REPEAT];
	size_t n_reserve, n_unreserve;
	enum sp_order which;
	char secret[SP_SECRET_SIZE]; /* of --secret-stdin or -fd; else "" */
	struct sp_app app;
	struct sp_hash *hash;
	struct sp_pool_cursor cursor;
	struct sp_records *records; /* of --file */
	struct sp_report report;
};

/* ---- reporting --------------------------------------------------------- */

static int print_user(struct work *w, const char *number,
	const struct sp_user *user, const char *secret, struct sp_err *err)
{
	char name[SP_NUMBER_SIZE + SP_DOMAIN_SIZE];

	/* Nobody has a number that was reserved. */
	if (user->id == 0)
		return sp_report_row(&w->report,
			(const char *[N_COLUMNS]){number}, err);
	snprintf(name, sizeof name, "%s@%s", number,
		w->app.scope.tenant->domain);
	return sp_report_row(&w->report,
		(const char *[]){number, user->login, user->first, user->last,
			name, secret},
		err);
}

/* A number that was left is news to those who forward there, and to the
 * softphone that logs in by it. */
static int tell_moved(struct work *w, const struct sp_assigned *a,
	struct sp_err *err)
{
	struct sp_extension other;
	int rc;

	if (a->old_number[0] == '\0')
		return 0;
	if (a->needs_login)
		sp_app_warn(&w->app,
			"'%s' has %s now: the softphone must register that "
			"number, with the user name '%s' or a new secret (-s)",
			a->user.login, a->number, a->user.login);
	rc = sp_extension_find(&w->app.scope, a->old_number, &other, err);
	if (rc < 0 || (rc == 1 && other.user.id != 0))
		return rc < 0 ? -1 : 0;
	return sp_app_inbound(&w->app, a->old_number, false, err);
}

static int report(struct work *w, const struct sp_assigned *assigned,
	const char *secret, struct sp_err *err)
{
	if (tell_moved(w, assigned, err) != 0)
		return -1;
	return print_user(w, assigned->number, &assigned->user, secret, err);
}

/* ---- assigning --------------------------------------------------------- */

/* always: also for a user who has a secret. */
static int assign(struct work *w, struct sp_assign *a, bool always,
	struct sp_err *err)
{
	char secret[SP_SECRET_SIZE];
	struct sp_assigned assigned;
	int has = 0;

	a->order = w->which;
	a->reset_forwarding = w->reset_forwarding;
	if (w->make_secrets && a->secret == NULL) {
		has = always ? 0
			     : sp_secret_exists(&w->app.scope, a->login, err);
		if (has < 0 || sp_secret_generate(secret, err) != 0)
			return -1;
		if (has == 0)
			a->secret = secret;
	}
	if (sp_assignment_make(&w->app.scope, w->hash, a, &assigned, err) != 0)
		return -1;
	/* The number that was left may be free before where it stands. */
	if (assigned.old_number[0] != '\0')
		w->cursor = (struct sp_pool_cursor){0};
	/* One that a dry run has made is nobody's. */
	return report(w, &assigned,
		a->secret == secret && !w->common.dry_run ? secret : NULL, err);
}

/* Here a plain word is a login, since it may be a new one; but not what is
 * somebody's number: that is a slip, and would make both ambiguous. */
static int read_login(struct work *w, const char *operand,
	struct sp_extension *e, const char **login, struct sp_err *err)
{
	int rc;

	*login = operand;
	if (strncmp(operand, "user:", 5) == 0) {
		*login += 5;
	} else if (strncmp(operand, "ext:", 4) == 0) {
		*login = e->user.login;
		return sp_extension_get(&w->app.scope, operand, e, err);
	} else if (sp_text_is_digits(operand)) {
		rc = sp_extension_lookup(&w->app.scope, operand, e, err);
		if (rc < 0)
			return -1;
		if (rc == 1 && strcmp(e->user.login, operand) != 0)
			return sp_err_set(err, SP_DATA,
				"'%.40s' is the extension of '%s': say "
				"ext:%.40s, or user:%.40s for a login",
				operand, e->user.login, operand, operand);
	}
	return 0;
}

static int assign_operands(struct work *w, int n, char **operand,
	struct sp_err *err)
{
	struct sp_extension e;
	struct sp_assign a = {.first = n > 1 ? operand[1] : NULL,
		.last = n > 2 ? operand[2] : NULL,
		.number = w->number,
		.secret = w->secret[0] == '\0' ? NULL : w->secret,
		.calls = w->calls};

	if (read_login(w, operand[0], &e, &a.login, err) != 0)
		return -1;
	return assign(w, &a, true, err);
}

static int swap(struct work *w, const char *operand, struct sp_err *err)
{
	struct sp_assigned assigned[2];

	if (sp_assignment_swap(&w->app.scope, operand, w->swap,
		    w->reset_forwarding, assigned, err) != 0 ||
		report(w, &assigned[0], NULL, err) != 0)
		return -1;
	return report(w, &assigned[1], NULL, err);
}

/* ---- from a file ------------------------------------------------------- */

/* In the order of struct sp_assign. */
enum { LOGIN, FIRST, LAST, NUMBER, SECRET, CALLS, N_FIELDS };
static const char *const FIELDS[N_FIELDS] = {"login", "first", "last", "number",
	"secret", "calls"};

/* What sp-status exports beside them. */
static const char *const EXPORTED[] = {"registered_name", "state", "since",
	"contact", "transport", "user_agent", "refreshed", "expires_in",
	"forwarding"};

static int open_records(struct work *w, struct sp_err *err)
{
	static const struct sp_record_names NAMES = {FIELDS, N_FIELDS, EXPORTED,
		sizeof EXPORTED / sizeof EXPORTED[0], false};

	return sp_records_open(&w->records, w->file, &NAMES, err);
}

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
		.secret = given(field[SECRET]),
		.calls = given(field[CALLS])};
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

/* rc: what sp_records_next gave. */
static int take_record(struct work *w, int rc, const char *const *field,
	struct sp_err *err)
{
	if (sp_app_item_begin(&w->app, err) != 0)
		return -1;
	if (rc == 1) {
		rc = assign_record(w, field, sp_records_line(w->records), err);
		if (rc != 0) {
			sp_err_prefix(err, "%s", sp_records_where(w->records));
			/* What it remembers may have been undone. */
			w->cursor = (struct sp_pool_cursor){0};
		}
	}
	return sp_app_item_end(&w->app, rc, err);
}

static void show_progress(struct work *w)
{
	int64_t done, total;

	sp_records_position(w->records, &done, &total);
	sp_progress_step(&w->app.progress, (uint64_t)done, (uint64_t)total);
}

/* Looks at all lines, also behind a bad one. */
static int assign_file(struct work *w, struct sp_err *err)
{
	const char *field[N_FIELDS];
	int rc;

	w->app.scope.cursor = &w->cursor;
	sp_progress_start(&w->app.progress, TOOL, w->common.quiet);
	while ((rc = sp_records_next(w->records, field, err)) != 0) {
		show_progress(w);
		if (take_record(w, rc, field, err) != 0)
			return -1;
	}
	return sp_app_verdict(&w->app);
}

/* ---- reserving --------------------------------------------------------- */

static int reserve(struct work *w, const char *number, bool is_reserved,
	struct sp_err *err)
{
	struct sp_extension e = {.user.id = 0};

	if (sp_extension_reserve(&w->app.scope, number, is_reserved, err) < 0 ||
		sp_extension_find(&w->app.scope, number, &e, err) < 0)
		return -1;
	return print_user(w, number, &e.user, NULL, err);
}

static int reserve_each(struct work *w, const char *const *number, size_t n,
	bool is_reserved, struct sp_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (sp_app_item_begin(&w->app, err) != 0 ||
			sp_app_item_end(&w->app,
				reserve(w, number[i], is_reserved, err),
				err) != 0)
			return -1;
	return 0;
}

static int reserve_all(struct work *w, struct sp_err *err)
{
	if (reserve_each(w, w->reserve, w->n_reserve, true, err) != 0 ||
		reserve_each(w, w->unreserve, w->n_unreserve, false, err) != 0)
		return -1;
	return sp_app_verdict(&w->app);
}

/* ---- main -------------------------------------------------------------- */

static int work(struct work *w, int n, char **operand, struct sp_err *err)
{
	if (w->file != NULL)
		return assign_file(w, err);
	if (w->swap != NULL)
		return swap(w, operand[0], err);
	if (n > 0)
		return assign_operands(w, n, operand, err);
	return reserve_all(w, err);
}

/* What is read is read before the transaction. */
static int open_input(struct work *w, struct sp_err *err)
{
	if (w->file != NULL)
		return open_records(w, err);
	if (w->secret_stdin)
		return sp_secret_read("0", w->secret, err);
	if (w->secret_fd != NULL)
		return sp_secret_read(w->secret_fd, w->secret, err);
	return 0;
}

static int run(struct work *w, int n, char **operand, struct sp_err *err)
{
	enum sp_db_mode mode = w->common.dry_run ? SP_DB_TRIAL : SP_DB_CREATE;

	if (open_input(w, err) != 0 ||
		sp_report_open(&w->report, &w->common, COLUMNS,
			w->make_secrets ? N_COLUMNS : N_COLUMNS - 1, err) ||
		sp_hash_new(&w->hash, err) != 0 ||
		sp_app_open(&w->app, &w->common, TOOL, mode, err) != 0 ||
		sp_app_begin(&w->app, err) != 0 ||
		work(w, n, operand, err) != 0 ||
		sp_report_finish(&w->report, err) != 0 ||
		sp_app_end(&w->app, &w->common, err) != 0)
		return -1;
	return sp_report_print(&w->report, !w->common.dry_run, err);
}

static bool reserves(const struct work *w)
{
	return w->n_reserve + w->n_unreserve > 0;
}

/* Which of the four forms of the command, and its operands. */
static int check_form(const struct work *w, const struct sp_program *program,
	int n)
{
	bool has_file = w->file != NULL, has_swap = w->swap != NULL;

	if (has_file + has_swap + reserves(w) > 1)
		return sp_app_usage(program,
			"--file, --swap and --reserve exclude each other");
	if (has_swap && n != 1)
		return sp_app_usage(program,
			"--swap takes one LOGIN beside its own");
	if ((has_file || reserves(w)) && n > 0)
		return sp_app_usage(program, "%s takes no operands",
			has_file ? "--file" : "--reserve");
	if (!has_file && !reserves(w) && n == 0)
		return sp_app_usage(program,
			"no login is named, as in 'sp-assign asmith Anna "
			"Smith'");
	if (n > 3)
		return sp_app_usage(program,
			"too many operands: expected LOGIN [FIRST [LAST]]");
	return 0;
}

static int parse_order(struct work *w, const struct sp_program *program)
{
	if (w->order == NULL || strcmp(w->order, "lowest") == 0)
		w->which = SP_LOWEST;
	else if (strcmp(w->order, "rested") == 0)
		w->which = SP_RESTED;
	else
		return sp_app_usage(program,
			"--order: '%s' is neither lowest nor rested", w->order);
	return 0;
}

/* A secret is printed only once: then nobody would ever know it. */
static bool hides_secret(const struct sp_common *common)
{
	return common->quiet ||
	       (common->columns != NULL &&
		       strstr(common->columns, "secret") == NULL);
}

static int check_calls(const struct work *w, const struct sp_program *program)
{
	enum sp_call_right right;

	if (w->calls == NULL)
		return 0;
	if (w->file != NULL || w->swap != NULL || reserves(w))
		return sp_app_usage(program, "--calls goes with a LOGIN alone");
	if (!sp_call_right_parse(w->calls, &right))
		return sp_app_usage(program,
			"--calls: '%s' is none of internal, all, default",
			w->calls);
	return 0;
}

static int check_usage(struct work *w, const struct sp_program *program, int n)
{
	bool takes_secret = w->secret_stdin || w->secret_fd != NULL;
	int rc = check_form(w, program, n);

	if (rc != 0)
		return rc;
	if (w->make_secrets + w->secret_stdin + (w->secret_fd != NULL) > 1)
		return sp_app_usage(program,
			"--secret, --secret-stdin and --secret-fd exclude each "
			"other");
	if ((w->number != NULL || takes_secret) &&
		(w->file != NULL || w->swap != NULL || reserves(w)))
		return sp_app_usage(program,
			"--number, --secret-stdin and --secret-fd go with a "
			"LOGIN alone");
	if (w->make_secrets && (w->swap != NULL || reserves(w)))
		return sp_app_usage(program,
			"--secret goes with neither --swap nor --reserve");
	if (w->make_secrets && hides_secret(&w->common))
		return sp_app_usage(program,
			"--secret prints it only once: --quiet, and --columns "
			"without it, would lose it");
	if (w->reset_forwarding && w->number == NULL && w->swap == NULL &&
		w->file == NULL)
		return sp_app_usage(program,
			"--reset-forwarding goes with --number, --swap or "
			"--file");
	rc = check_calls(w, program);
	return rc != 0 ? rc : parse_order(w, program);
}

static int run_main(struct work *w, const struct sp_program *program, int argc,
	char **argv)
{
	struct sp_err err;
	int first, rc;

	rc = sp_opts_parse(program, &w->common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	rc = check_usage(w, program, argc - first);
	if (rc != 0)
		return rc;
	rc = run(w, argc - first, argv + first, &err);
	rc = sp_app_exit(&w->app, rc, &err);
	sp_records_close(w->records);
	sp_report_release(&w->report);
	sp_hash_free(w->hash);
	sp_app_close(&w->app);
	return rc;
}

int main(int argc, char **argv)
{
	struct work w = {.app.tool = TOOL};
	const struct sp_opt opts[] = {
		{'f', "file", "FILE",
			"the users of a CSV, TSV, YAML or JSON file; - is "
			"standard input",
			NULL, &w.file, NULL},
		{'N', "number", "EXT",
			"this very number; a known user moves there", NULL,
			&w.number, NULL},
		{0, "swap", "LOGIN2", "exchange the numbers of two users", NULL,
			&w.swap, NULL},
		{0, "reset-forwarding", NULL,
			"do not take the forwarding along to another number",
			&w.reset_forwarding, NULL, NULL},
		{'s', "secret", NULL, "make a SIP secret and print it, once",
			&w.make_secrets, NULL, NULL},
		{0, "secret-stdin", NULL,
			"the secret is the first line of standard input",
			&w.secret_stdin, NULL, NULL},
		{0, "secret-fd", "FD",
			"the secret is the first line of this descriptor", NULL,
			&w.secret_fd, NULL},
		{0, "order", "lowest|rested",
			"which free number: the lowest (default), or the one "
			"that has rested longest",
			NULL, &w.order, NULL},
		{0, "calls", "internal|all|default",
			"may this user call outside numbers: no, yes, or as "
			"the tenant says",
			NULL, &w.calls, NULL},
		{0, "reserve", "EXT",
			"give this number to nobody; may be repeated", NULL,
			w.reserve, &w.n_reserve},
		{0, "unreserve", "EXT", "give it again; may be repeated", NULL,
			w.unreserve, &w.n_unreserve},
		{0},
	};
	const struct sp_program program = {
		.name = TOOL,
		.synopsis =
			"[options] LOGIN [FIRST [LAST]]\n"
			"[options] -f FILE\n"
			"[options] --swap LOGIN2 LOGIN\n"
			"[options] [--reserve EXT] ... [--unreserve EXT] ...",
		.purpose = "Give users extension numbers.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_OUTPUT |
			 SP_TAKES_BATCH | SP_TAKES_DRY_RUN | SP_TAKES_QUIET |
			 SP_TAKES_VERBOSE,
	};

	return run_main(&w, &program, argc, argv);
}
