/* sp-status --html: what the page shows of one extension when it is chosen. */
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-status/html.h"
#include "lib/route_facts.h"
#include "lib/route_text.h"
#include "lib/text.h"

/* ---- texts that were told already -------------------------------------- */

static int find_known(const struct html_details *d, const char *text,
	uint64_t hash)
{
	for (int i = 0; i < d->n; i++)
		if (d->hash[i] == hash && strcmp(d->text[i], text) == 0)
			return i;
	return -1;
}

/* Takes `text`. The reader counts all lists that it meets, so that a full
 * memory keeps the places of those that are known. */
static void put_known(struct html_details *d, char *text)
{
	uint64_t hash = sp_text_hash(text, strlen(text));
	int place = find_known(d, text, hash);

	if (place >= 0)
		fprintf(d->file, "%d", place);
	else
		fputs(text, d->file);
	if (place >= 0 || d->n == HTML_KNOWN) {
		free(text);
		return;
	}
	d->hash[d->n] = hash;
	d->text[d->n++] = text;
}

void html_details_release(struct html_details *d)
{
	while (d->n > 0)
		free(d->text[--d->n]);
}

/* ---- rules and route --------------------------------------------------- */

/* Writes `text` with U+0001 where it has the number, for text that has none. */
static void put_field(FILE *file, const char *text, const char *number)
{
	char buf[2 * SP_TARGET_SIZE];
	size_t len = strlen(number), used = 0;

	if (text == NULL || strchr(text, '\1') != NULL ||
		strlen(text) >= sizeof buf) {
		html_put_json(file, text);
		return;
	}
	while (*text != '\0')
		if (strncmp(text, number, len) == 0) {
			buf[used++] = '\1';
			text += len;
		} else {
			buf[used++] = *text++;
		}
	buf[used] = '\0';
	html_put_json(file, buf);
}

static void put_fields(FILE *file, const char *const *field, int n,
	const char *number)
{
	putc('[', file);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			putc(',', file);
		put_field(file, field[i], number);
	}
	putc(']', file);
}

static void put_rule(FILE *file, enum sp_condition condition,
	const struct sp_rule *rule, const char *number)
{
	char after[SP_TIME_TEXT] = "", from[SP_TIME_TEXT], until[SP_TIME_TEXT];

	if (rule->after_ms != 0)
		sp_duration_format(rule->after_ms, after);
	put_fields(file,
		(const char *[]){sp_condition_name(condition), rule->target,
			text_or_null(after), rule->enabled ? "on" : "off",
			rule->is_default ? "default" : "own",
			time_or_null(rule->from_ms, from),
			time_or_null(rule->until_ms, until)},
		7, number);
}

static int put_rules(FILE *file, const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	struct sp_forwarding f;
	const char *comma = "";

	if (sp_forward_load(scope, extension->id, &f, err) != 0)
		return -1;
	for (int i = 0; i < 2 * SP_N_CONDITIONS; i++) {
		const struct sp_rule *rule = sp_forward_rule(&f, i);

		if (rule->target[0] == '\0')
			continue;
		fputs(comma, file);
		put_rule(file, (enum sp_condition)(i % SP_N_CONDITIONS), rule,
			extension->number);
		comma = ",";
	}
	return 0;
}

/* The route of a call that nobody answers, as sp-forward --resolve has it. */
static int put_route(FILE *file, const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err)
{
	struct sp_scope then = *scope;
	const struct sp_route_moment moment = {&then, scope->now_ms};
	enum sp_route_outcome outcome = SP_ROUTE_START;
	struct sp_route_step step;
	struct sp_route_text text;
	struct sp_route route;
	const char *comma = "";
	int rc;

	then.now_ms = scope->phones_ms;
	sp_route_begin(&route, scope->tenant, extension->number,
		sp_route_facts_ask, &moment);
	while ((rc = sp_route_next(&route, outcome, &step, err)) == 1) {
		outcome = step.action == SP_ROUTE_RING ? SP_ROUTE_NO_ANSWER
						       : SP_ROUTE_START;
		sp_route_text(&step, scope->tenant->domain, &text);
		fputs(comma, file);
		put_fields(file, text.field, SP_N_ROUTE_FIELDS,
			extension->number);
		comma = ",";
	}
	return rc;
}

typedef int put_fn(FILE *file, const struct sp_scope *scope,
	const struct sp_extension *extension, struct sp_err *err);

static int put_list(struct html_details *d, put_fn *put,
	const struct sp_extension *extension, struct sp_err *err)
{
	char *text = NULL;
	size_t size;
	FILE *list = open_memstream(&text, &size);
	int rc;

	if (list == NULL)
		return sp_err_memory(err);
	putc('[', list);
	rc = put(list, d->scope, extension, err);
	putc(']', list);
	if (fclose(list) != 0 && rc == 0)
		rc = sp_err_memory(err);
	if (rc == 0)
		put_known(d, text);
	else
		free(text);
	return rc;
}

int html_put_details(struct html_details *d,
	const struct sp_extension *extension, struct sp_err *err)
{
	int rc;

	if (sp_db_begin_read(d->scope->db, err) != 0)
		return -1;
	putc('[', d->file);
	rc = put_list(d, put_rules, extension, err);
	putc(',', d->file);
	if (rc == 0)
		rc = put_list(d, put_route, extension, err);
	putc(']', d->file);
	sp_db_rollback(d->scope->db);
	return rc;
}
