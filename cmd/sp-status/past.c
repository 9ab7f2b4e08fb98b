/* sp-status --as-of: who had which number then. */
#include <string.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/tenure.h"
#include "lib/text.h"

enum { PAGE = 128 };

int read_past(struct work *w, const char *operand, struct past *past,
	struct sp_err *err)
{
	struct sp_extension now;
	int rc = sp_extension_lookup(&w->app.scope, operand, &now, err);

	*past = (struct past){.number = NULL};
	if (rc < 0)
		return -1;
	if (strncmp(operand, "ext:", 4) == 0)
		past->number = operand + 4;
	else if (strncmp(operand, "user:", 5) == 0)
		past->login = operand + 5;
	else if (sp_text_is_digits(operand) &&
		 (rc == 0 || strcmp(now.number, operand) == 0))
		past->number = operand;
	else
		past->login = operand;
	return 0;
}

static int print_tenure(struct work *w, const struct sp_tenure *tenure,
	struct sp_err *err)
{
	struct sp_status status;

	if (sp_status_at(&w->app.scope, tenure, w->as_of_ms, &status, err) != 0)
		return -1;
	if (!sp_status_passes(&status, &w->filter, true, w->as_of_ms))
		return 0;
	return print_status(w, &status, err);
}

static int print_all(struct work *w, struct sp_err *err)
{
	struct sp_tenure page[PAGE];
	char after[SP_NUMBER_SIZE] = "";
	int n;

	while ((n = sp_tenure_list_at(&w->app.scope, w->as_of_ms, after, page,
			PAGE, err)) > 0) {
		for (int i = 0; i < n; i++)
			if (print_tenure(w, &page[i], err) != 0)
				return -1;
		memcpy(after, page[n - 1].number, sizeof after);
	}
	return n;
}

static int print_operand(void *arg, const char *operand, struct sp_err *err)
{
	struct work *w = arg;
	struct sp_tenure tenure;
	char then[SP_TIME_TEXT];
	struct past past;
	int rc;

	if (read_past(w, operand, &past, err) != 0)
		return -1;
	rc = past.number != NULL
		     ? sp_tenure_find_at(&w->app.scope, w->as_of_ms,
			       past.number, &tenure, err)
		     : sp_tenure_find_at_of_login(&w->app.scope, w->as_of_ms,
			       past.login, &tenure, err);
	if (rc < 0)
		return -1;
	if (rc == 1)
		return print_tenure(w, &tenure, err);
	sp_clock_format(w->as_of_ms, then);
	if (past.number != NULL)
		return sp_err_set(err, SP_UNKNOWN, "nobody had '%.80s' at %s",
			past.number, then);
	return sp_err_set(err, SP_UNKNOWN, "'%.80s' had no number at %s",
		past.login, then);
}

int list_as_of(struct work *w, struct sp_err *err)
{
	int64_t reach_ms = w->app.scope.now_ms - w->app.config.history_ms;
	char reach[SP_TIME_TEXT];

	if (w->as_of_ms < reach_ms) {
		sp_clock_format(reach_ms, reach);
		sp_app_warn(&w->app,
			"history reaches back to %s: who had left by then may "
			"be missing",
			reach);
	}
	if (open_extensions(w, err) != 0)
		return -1;
	return w->n == 0 ? print_all(w, err)
			 : sp_operands_each(&w->operands, &w->app,
				   print_operand, w, err);
}
