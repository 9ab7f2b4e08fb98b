/* What the parts of `sp-status --html` share. */
#ifndef SP_CMD_SP_STATUS_HTML_H
#define SP_CMD_SP_STATUS_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/trend.h"

/* ---- the template: files below cmd/sp-status/page, see the Makefile ---- */

extern const char SP_PAGE_HTML[], SP_PAGE_CSS[], SP_PAGE_JS[];

/* ---- html_text.c ------------------------------------------------------- */

/* Writes text so that it is nothing but text, between tags and in an attribute
 * with quotes; what is no UTF-8, and control characters, become U+FFFD. */
void html_put(FILE *file, const char *text);

/* Writes a JSON string (null for NULL) that may stand in a script element: no
 * < > &, nor what ends a line of JavaScript. */
void html_put_json(FILE *file, const char *text);

/* ---- html_details.c ---------------------------------------------------- */

/* Most extensions have the same rules, and, but for their own numbers, the same
 * route: each text is told once, and from then on by its place. */
enum { HTML_KNOWN = 512 }; /* at the most, so that memory is bounded */
struct html_details {
	const struct sp_scope *scope; /* both borrowed */
	FILE *file;
	char *text[HTML_KNOWN]; /* what was told already, from 0 on */
	uint64_t hash[HTML_KNOWN];
	int n;
};

/* Writes `[RULES,ROUTE]` of an extension for the script of the page: each a
 * number, or a list of lists of texts, which have U+0001 for `number`. Opens a
 * transaction for reading. */
int html_put_details(struct html_details *details,
	const struct sp_extension *extension, struct sp_err *err);
void html_details_release(struct html_details *details);

/* ---- html_overview.c --------------------------------------------------- */

struct html_counts {
	int64_t assigned, state[SP_N_STATES];
};

void html_put_counters(FILE *file, const struct html_counts *counts);

/* The chart, and the same figures as JSON. */
void html_put_chart(FILE *file, const struct sp_trend *trend);
void html_put_trend(FILE *file, const struct sp_trend *trend);

/* A bar for each range of the pool. */
int html_put_pool(FILE *file, const struct sp_scope *scope, struct sp_err *err);

#endif
