/* sp-status --html: the list with all that belongs to it, as one page that
 * needs nothing else. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd/sp-status/html.h"
#include "lib/forward.h"
#include "lib/hash.h"

enum { NONCE_BYTES = 16 };

/* Counters stand above the rows that they count: these wait in unnamed files,
 * so that memory does not grow with them. */
struct page {
	struct work *w;
	FILE *out;
	FILE *rows, *data;
	struct html_counts counts;
	struct html_details details;
	struct sp_trend trend;
	char nonce[2 * NONCE_BYTES + 1];
};

/* ---- the list ---------------------------------------------------------- */

static void put_cell(FILE *file, const char *text)
{
	fputs("<td>", file);
	html_put(file, text);
}

static void put_time(FILE *file, int64_t time_ms)
{
	char text[SP_TIME_TEXT];

	fputs("<td>", file);
	if (time_ms != 0) {
		sp_clock_format(time_ms, text);
		fputs(text, file);
	}
}

/* End tags of cells and rows may be left out, and are many. */
static void put_row(FILE *file, const struct sp_status *s)
{
	const struct sp_extension *e = &s->extension;
	char rules[1024];

	sp_forward_text(s->rules, rules, sizeof rules);
	fprintf(file, "<tr><th scope=\"row\">%s", e->number);
	put_cell(file, e->user.first);
	put_cell(file, e->user.last);
	put_cell(file, e->user.login);
	put_cell(file, sp_state_name(s->state));
	put_time(file, s->since_ms);
	put_cell(file, s->binding.contact);
	put_cell(file, s->binding.transport);
	put_cell(file, s->binding.user_agent);
	put_time(file, s->binding.refreshed_ms);
	put_cell(file, rules);
	putc('\n', file);
}

static int add(struct page *page, const struct sp_status *s, struct sp_err *err)
{
	if (sp_trend_add(&page->trend, &page->w->app.scope, s->extension.number,
		    err) != 0)
		return -1;
	if (s->extension.user.id == 0)
		return 0;
	put_row(page->rows, s);
	fputs(page->counts.assigned == 0 ? "" : ",\n", page->data);
	page->counts.assigned++;
	page->counts.state[s->state]++;
	return html_put_details(&page->details, &s->extension, err);
}

/* The end of the chart is what the counters say. */
static void end_trend(struct page *page)
{
	const int64_t *n = page->counts.state;
	int64_t on_line = 0;

	for (enum sp_state i = SP_REGISTERED; i < SP_N_STATES; i++)
		if (i != SP_LOST)
			on_line += n[i];
	page->trend.registered[SP_TREND_STEPS] = on_line;
	page->trend.late[SP_TREND_STEPS] += n[SP_LATE];
	page->trend.lost[SP_TREND_STEPS] = n[SP_LOST];
}

static int add_all(struct page *page, struct sp_err *err)
{
	struct sp_app *app = &page->w->app;
	const struct sp_status *status;
	struct sp_status_list *list;
	uint64_t n = 0;
	int rc = sp_status_open(&app->scope, &list, err);

	if (rc != 0)
		return -1;
	sp_progress_start(&app->progress, app->tool, page->w->common.quiet);
	while ((rc = sp_status_next(list, &status, err)) == 1) {
		sp_progress_step(&app->progress, ++n, 0);
		rc = add(page, status, err);
		if (rc != 0)
			break;
	}
	sp_status_close(list);
	end_trend(page);
	return rc;
}

/* ---- the template ------------------------------------------------------ */

static int put_css(struct page *page, struct sp_err *err)
{
	(void)err;
	fputs(SP_PAGE_CSS, page->out);
	return 0;
}

static int put_js(struct page *page, struct sp_err *err)
{
	(void)err;
	fputs(SP_PAGE_JS, page->out);
	return 0;
}

static int put_nonce(struct page *page, struct sp_err *err)
{
	(void)err;
	fputs(page->nonce, page->out);
	return 0;
}

static int put_domain(struct page *page, struct sp_err *err)
{
	(void)err;
	html_put(page->out, page->w->app.scope.tenant->domain);
	return 0;
}

static int put_now(struct page *page, struct sp_err *err)
{
	char text[SP_TIME_TEXT];

	(void)err;
	sp_clock_format(page->w->app.scope.now_ms, text);
	fputs(text, page->out);
	return 0;
}

static int put_warning(struct page *page, struct sp_err *err)
{
	const struct sp_scope *scope = &page->w->app.scope;
	char since[SP_TIME_TEXT];

	(void)err;
	if (scope->phones_ms == scope->now_ms)
		return 0;
	sp_clock_format(scope->phones_ms, since);
	fprintf(page->out,
		"<p class=\"warning\" role=\"status\">No server is running "
		"since <time datetime=\"%s\">%s</time>: states are as they "
		"were then.</p>\n",
		since, since);
	return 0;
}

static int put_counters(struct page *page, struct sp_err *err)
{
	(void)err;
	html_put_counters(page->out, &page->counts);
	return 0;
}

static int put_chart(struct page *page, struct sp_err *err)
{
	(void)err;
	html_put_chart(page->out, &page->trend);
	return 0;
}

static int put_pool(struct page *page, struct sp_err *err)
{
	return html_put_pool(page->out, &page->w->app.scope, err);
}

static int put_spool(struct page *page, FILE *spool, struct sp_err *err)
{
	char buf[16384];
	size_t n;

	rewind(spool);
	while ((n = fread(buf, 1, sizeof buf, spool)) > 0)
		fwrite(buf, 1, n, page->out);
	if (ferror(spool))
		return sp_err_set(err, SP_IO,
			"cannot read a temporary file: %s", strerror(errno));
	return 0;
}

static int put_rows(struct page *page, struct sp_err *err)
{
	return put_spool(page, page->rows, err);
}

static int put_data(struct page *page, struct sp_err *err)
{
	const struct sp_scope *scope = &page->w->app.scope;

	fprintf(page->out, "{\"now\":%" PRId64 ",\"phones\":%" PRId64,
		scope->now_ms, scope->phones_ms);
	fputs(",\"domain\":", page->out);
	html_put_json(page->out, scope->tenant->domain);
	fputs(",\"trend\":", page->out);
	html_put_trend(page->out, &page->trend);
	fputs(",\"details\":[\n", page->out);
	if (put_spool(page, page->data, err) != 0)
		return -1;
	fputs("]}", page->out);
	return 0;
}

/* What stands as {{name}} in page.html. */
static const struct {
	const char *name;
	int (*put)(struct page *page, struct sp_err *err);
} PARTS[] = {
	{"css", put_css},
	{"js", put_js},
	{"nonce", put_nonce},
	{"domain", put_domain},
	{"now", put_now},
	{"warning", put_warning},
	{"counters", put_counters},
	{"chart", put_chart},
	{"pool", put_pool},
	{"rows", put_rows},
	{"data", put_data},
};

static int put_part(struct page *page, const char *name, size_t len,
	struct sp_err *err)
{
	for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
		if (strlen(PARTS[i].name) == len &&
			memcmp(PARTS[i].name, name, len) == 0)
			return PARTS[i].put(page, err);
	return sp_err_set(err, SP_BUG, "page.html: {{%.*s}} is unknown",
		(int)len, name);
}

static int put_page(struct page *page, struct sp_err *err)
{
	const char *at = SP_PAGE_HTML, *begin, *end;

	while ((begin = strstr(at, "{{")) != NULL &&
		(end = strstr(begin, "}}")) != NULL) {
		fwrite(at, 1, (size_t)(begin - at), page->out);
		if (put_part(page, begin + 2, (size_t)(end - begin - 2), err) !=
			0)
			return -1;
		at = end + 2;
	}
	fputs(at, page->out);
	return 0;
}

/* ---- --html ------------------------------------------------------------ */

/* For the page's policy that only its own script runs. */
static int make_nonce(struct page *page, struct sp_err *err)
{
	unsigned char random[NONCE_BYTES];

	if (sp_hash_random(random, sizeof random, err) != 0)
		return -1;
	for (int i = 0; i < NONCE_BYTES; i++)
		snprintf(page->nonce + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int open_spool(FILE **spool, struct sp_err *err)
{
	*spool = tmpfile();
	if (*spool == NULL)
		return sp_err_set(err, SP_IO,
			"cannot make a temporary file: %s", strerror(errno));
	return 0;
}

static int check_spool(FILE *spool, struct sp_err *err)
{
	if (fflush(spool) != 0 || ferror(spool))
		return sp_err_set(err, SP_IO,
			"cannot write a temporary file: %s", strerror(errno));
	return 0;
}

/* Nothing is printed before all is known: half a page would pass for one. */
static int make(struct page *page, struct sp_err *err)
{
	const struct sp_scope *scope = &page->w->app.scope;

	if (open_spool(&page->rows, err) != 0 ||
		open_spool(&page->data, err) != 0 || make_nonce(page, err) != 0)
		return -1;
	sp_trend_init(&page->trend, scope->tenant, scope->phones_ms,
		SP_TREND_STEP_MS);
	page->details.scope = scope;
	page->details.file = page->data;
	if (add_all(page, err) != 0 || check_spool(page->rows, err) != 0 ||
		check_spool(page->data, err) != 0 || put_page(page, err) != 0)
		return -1;
	if (fflush(page->out) != 0 || ferror(page->out))
		return sp_err_set(err, SP_IO, "cannot write the listing: %s",
			strerror(errno));
	return 0;
}

int print_html(struct work *w, struct sp_err *err)
{
	struct page page = {.w = w, .out = stdout};
	int rc;

	if (set_moment(w, err) != 0)
		return -1;
	rc = make(&page, err);
	html_details_release(&page.details);
	if (page.rows != NULL)
		fclose(page.rows);
	if (page.data != NULL)
		fclose(page.data);
	return rc;
}
