/* sp-status --watch: the extensions as rows, and the texts of their cells. */
#include "cmd/sp-status/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/cell.h"
#include "lib/forward.h"

enum {
	MIN_ROWS = 64,
	DAYS_ALONE = 100, /* from then on nobody asks for the hours */
};

/* ---- rows -------------------------------------------------------------- */

static int make_room(struct watch_rows *rows, struct sp_err *err)
{
	size_t size = rows->size == 0 ? MIN_ROWS : 2 * rows->size;
	struct watch_row *at;

	if (rows->n < rows->size)
		return 0;
	at = reallocarray(rows->at, size, sizeof *at);
	if (at == NULL)
		return sp_err_memory(err);
	rows->at = at;
	rows->size = size;
	return 0;
}

static int copy_texts(struct watch_row *row,
	const char *const texts[WATCH_N_TEXTS], struct sp_err *err)
{
	size_t size = 0;
	char *block;

	for (int i = 0; i < WATCH_N_TEXTS; i++)
		size += strlen(texts[i]) + 1;
	row->block = block = malloc(size);
	if (block == NULL)
		return sp_err_memory(err);
	for (int i = 0; i < WATCH_N_TEXTS; i++) {
		row->text[i] = block;
		block = stpcpy(block, texts[i]) + 1;
	}
	return 0;
}

int watch_rows_add(struct watch_rows *rows, const struct sp_status *s,
	struct sp_err *err)
{
	const struct sp_user *user = &s->extension.user;
	struct watch_row *row;
	char rules[1024];

	if (make_room(rows, err) != 0)
		return -1;
	row = &rows->at[rows->n];
	*row = (struct watch_row){.state = s->state,
		.since_ms = s->since_ms,
		.expires_ms = s->binding.expires_ms};
	memcpy(row->number, s->extension.number, sizeof row->number);
	sp_forward_text(s->rules, rules, sizeof rules);
	if (copy_texts(row,
		    (const char *const[WATCH_N_TEXTS]){user->login, user->first,
			    user->last, s->binding.contact,
			    s->binding.user_agent, rules},
		    err) != 0)
		return -1;
	rows->n++;
	return 0;
}

int watch_compare_numbers(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	return len_a == len_b ? strcmp(a, b) : len_a < len_b ? -1 : 1;
}

static int compare_rows(const void *a, const void *b)
{
	return watch_compare_numbers(((const struct watch_row *)a)->number,
		((const struct watch_row *)b)->number);
}

void watch_rows_sort(struct watch_rows *rows)
{
	size_t kept = 0;

	if (rows->n == 0)
		return;
	qsort(rows->at, rows->n, sizeof *rows->at, compare_rows);
	for (size_t i = 1; i < rows->n; i++)
		if (compare_rows(&rows->at[kept], &rows->at[i]) == 0)
			free(rows->at[i].block);
		else
			rows->at[++kept] = rows->at[i];
	rows->n = kept + 1;
}

void watch_rows_release(struct watch_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free(rows->at[i].block);
	free(rows->at);
	*rows = (struct watch_rows){.n = 0};
}

void watch_rows_count(const struct watch_rows *rows, size_t count[SP_N_STATES])
{
	memset(count, 0, SP_N_STATES * sizeof count[0]);
	for (size_t i = 0; i < rows->n; i++)
		count[rows->at[i].state]++;
}

bool watch_is_on_line(enum sp_state state)
{
	return state == SP_REGISTERED || state == SP_LATE ||
	       state == SP_RINGING || state == SP_TALKING;
}

/* ---- cells ------------------------------------------------------------- */

static const char *const HEADINGS[WATCH_N_COLUMNS] = {
	[WATCH_NUMBER] = "NUMBER",
	[WATCH_USER] = "LOGIN",
	[WATCH_NAME] = "NAME",
	[WATCH_STATE] = "STATE",
	[WATCH_SINCE] = "SINCE",
	[WATCH_LEFT] = "LEFT",
	[WATCH_PHONE] = "SOFTPHONE",
	[WATCH_FORWARDING] = "FORWARDING",
	[WATCH_REACHED_AT] = "CONTACT",
};

const char *watch_column_heading(enum watch_column column)
{
	return HEADINGS[column];
}

void watch_span(int64_t span_ms, char out[SP_TIME_TEXT])
{
	static const struct {
		int64_t seconds;
		char unit;
	} UNITS[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t s = span_ms < 0 ? 0 : span_ms / 1000;
	size_t i = 0;

	while (i < 3 && s < UNITS[i].seconds)
		i++;
	if (i == 3 || s >= DAYS_ALONE * UNITS[0].seconds)
		snprintf(out, SP_TIME_TEXT, "%" PRId64 "%c",
			s / UNITS[i].seconds, UNITS[i].unit);
	else
		snprintf(out, SP_TIME_TEXT, "%" PRId64 "%c %" PRId64 "%c",
			s / UNITS[i].seconds, UNITS[i].unit,
			s % UNITS[i].seconds / UNITS[i + 1].seconds,
			UNITS[i + 1].unit);
}

/* What a softphone does stands still while nobody listens; what nobody has
 * rests until a time that is to come. */
static void since_cell(const struct watch_row *row,
	const struct watch_moment *moment, char out[WATCH_CELL_SIZE])
{
	int64_t at_ms = watch_is_on_line(row->state) ? moment->phones_ms
						     : moment->now_ms;
	int64_t age_ms = at_ms - row->since_ms;
	char span[SP_TIME_TEXT];

	if (row->since_ms == 0)
		return;
	watch_span(row->state == SP_RESTING ? -age_ms : age_ms, span);
	snprintf(out, WATCH_CELL_SIZE, "%s%s",
		row->state == SP_RESTING ? "in " : "", span);
}

static void left_cell(const struct watch_row *row,
	const struct watch_moment *moment, char out[WATCH_CELL_SIZE])
{
	char span[SP_TIME_TEXT];

	if (row->expires_ms == 0 || !watch_is_on_line(row->state))
		return;
	watch_span(row->expires_ms - moment->phones_ms, span);
	snprintf(out, WATCH_CELL_SIZE, "%s", span);
}

static void name_cell(const struct watch_row *row, char out[WATCH_CELL_SIZE])
{
	const char *first = row->text[WATCH_FIRST],
		   *last = row->text[WATCH_LAST];

	snprintf(out, WATCH_CELL_SIZE, "%s%s%s", first,
		first[0] != '\0' && last[0] != '\0' ? " " : "", last);
}

void watch_cell(const struct watch_row *row, enum watch_column column,
	const struct watch_moment *moment, char out[WATCH_CELL_SIZE])
{
	static const enum watch_text TEXTS[WATCH_N_COLUMNS] = {
		[WATCH_USER] = WATCH_LOGIN,
		[WATCH_PHONE] = WATCH_AGENT,
		[WATCH_FORWARDING] = WATCH_RULES,
		[WATCH_REACHED_AT] = WATCH_CONTACT,
	};
	const char *text = row->text[TEXTS[column]];

	out[0] = '\0';
	switch (column) {
	case WATCH_NAME: name_cell(row, out); return;
	case WATCH_SINCE: since_cell(row, moment, out); return;
	case WATCH_LEFT: left_cell(row, moment, out); return;
	case WATCH_NUMBER: text = row->number; break;
	case WATCH_STATE: text = sp_state_name(row->state); break;
	default: break;
	}
	snprintf(out, WATCH_CELL_SIZE, "%s", text);
}

/* ---- for a terminal ---------------------------------------------------- */

/* Bytes of a character at text that is not to be shown: what terminals take as
 * an order to write from right to left or not at all. 0: it is another one. */
static size_t hidden_length(const char *text)
{
	static const struct {
		const char *first, *last; /* in UTF-8, of one length */
	} HIDDEN[] = {
		{"\u061c", "\u061c"}, /* Arabic letter mark */
		{"\u200b", "\u200b"}, /* zero width space */
		{"\u200e", "\u200f"}, /* LRM, RLM */
		{"\u2028", "\u202e"}, /* line ends, embeddings, overrides */
		{"\u2060", "\u206f"}, /* joiners, isolates */
		{"\ufeff", "\ufeff"}, /* byte order mark */
		{"\U000e0000", "\U000e007f"}, /* tags */
	};

	for (size_t i = 0; i < sizeof HIDDEN / sizeof HIDDEN[0]; i++) {
		size_t len = strlen(HIDDEN[i].first);

		if (strncmp(text, HIDDEN[i].first, len) >= 0 &&
			strncmp(text, HIDDEN[i].last, len) <= 0)
			return len;
	}
	return 0;
}

char *watch_clean(const char *text)
{
	char *copy = sp_cell_clean(text, true), *out = copy;

	for (const char *in = copy; in != NULL && *in != '\0';) {
		size_t len = hidden_length(in);

		*out++ = len == 0 ? *in : '?';
		in += len == 0 ? 1 : len;
	}
	if (out != NULL)
		*out = '\0';
	return copy;
}
