/* sp-status --check: a monitoring plugin. One line, and an exit status of its
 * own kind, as the Monitoring Plugins Development Guidelines have it. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-status/census.h"
#include "lib/text.h"

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

static const char *const LEVELS[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/* ---- thresholds -------------------------------------------------------- */

/* Of LEVEL_WARNING and LEVEL_CRITICAL: what is beyond them is a problem. */
struct limits {
	int64_t value[2];
	bool is_percent[2];
	bool is_set[2];
};

typedef bool parse_fn(const char *text, int64_t *value, bool *is_percent);

/* "30" or "10%". */
static bool parse_share(const char *text, int64_t *value, bool *is_percent)
{
	char digits[24];
	size_t len = strlen(text);

	*is_percent = len > 0 && text[len - 1] == '%';
	len -= *is_percent;
	if (len >= sizeof digits)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return sp_text_to_int(digits, 0,
		*is_percent ? 100 : INT64_C(1000000000000000), value);
}

static bool parse_duration(const char *text, int64_t *value, bool *is_percent)
{
	struct sp_err ignored;

	*is_percent = false;
	return sp_duration_parse(text, value, &ignored) == 0;
}

static bool parse_limit(const char *text, size_t len, parse_fn *parse,
	struct limits *out, int i)
{
	char part[32];

	if (len >= sizeof part)
		return false;
	memcpy(part, text, len);
	part[len] = '\0';
	out->is_set[i] = parse(part, &out->value[i], &out->is_percent[i]);
	return out->is_set[i];
}

/* "WARN" or "WARN,CRIT". */
static bool parse_limits(const char *text, parse_fn *parse, struct limits *out)
{
	size_t len = strcspn(text, ",");

	*out = (struct limits){.value = {0}};
	if (!parse_limit(text, len, parse, out, 0))
		return false;
	if (text[len] == '\0')
		return true;
	text += len + 1;
	return parse_limit(text, strlen(text), parse, out, 1);
}

/* Is the second one on the wrong side of the first? */
static bool is_twisted(const struct limits *limits, bool is_minimum)
{
	int64_t more = limits->value[1] - limits->value[0];

	return limits->is_set[1] &&
	       limits->is_percent[0] == limits->is_percent[1] &&
	       (is_minimum ? more > 0 : more < 0);
}

/* All that one is told to look at. */
struct thresholds {
	struct limits lost, free, silence;
};

static int read_thresholds(const struct work *w, struct thresholds *t,
	struct sp_err *err)
{
	const struct {
		const char *name, *text, *by_default;
		parse_fn *parse;
		struct limits *limits;
		const char *expected;
	} options[] = {
		{"--max-lost", w->max_lost, "10%,30%", parse_share, &t->lost,
			"10%,30% or 5,20"},
		{"--min-free", w->min_free, "5%,1%", parse_share, &t->free,
			"5%,1% or 50,10"},
		{"--max-silence", w->max_silence, "10s,30s", parse_duration,
			&t->silence, "10s,30s"},
	};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		const char *text = options[i].text;

		if (text == NULL)
			text = options[i].by_default;
		if (!parse_limits(text, options[i].parse, options[i].limits) ||
			is_twisted(options[i].limits,
				options[i].limits == &t->free))
			return sp_err_set(err, SP_USAGE,
				"%s: '%.40s' is no WARN[,CRIT], expected "
				"something like %s",
				options[i].name, text, options[i].expected);
	}
	return 0;
}

/* Two laptops that were closed are lost until their users log in again: by
 * themselves they are no outage, however large their share is at night. */
enum { FEW = 2 };

/* Which count a limit is, of a whole. A maximum is rounded down, but not below
 * FEW, and a minimum up: both are to be compared with a count. */
static int64_t limit_of(const struct limits *limits, int i, int64_t whole,
	bool is_minimum)
{
	int64_t value = limits->value[i];

	if (!limits->is_percent[i])
		return value;
	if (is_minimum)
		return (whole * value + 99) / 100;
	value = whole * value / 100;
	return value > FEW ? value : FEW;
}

static enum level level_above(const struct limits *limits, int64_t value,
	int64_t whole)
{
	for (int i = 1; i >= 0; i--)
		if (limits->is_set[i] &&
			value > limit_of(limits, i, whole, false))
			return i == 1 ? LEVEL_CRITICAL : LEVEL_WARNING;
	return LEVEL_OK;
}

static enum level level_below(const struct limits *limits, int64_t value,
	int64_t whole)
{
	for (int i = 1; i >= 0; i--)
		if (limits->is_set[i] &&
			value < limit_of(limits, i, whole, true))
			return i == 1 ? LEVEL_CRITICAL : LEVEL_WARNING;
	return LEVEL_OK;
}

/* ---- the line ---------------------------------------------------------- */

struct check {
	struct thresholds thresholds;
	struct census census;
	enum level level;
	FILE *problems, *numbers; /* texts that grow */
	char *problems_text, *numbers_text;
	size_t problems_len, numbers_len;
};

__attribute__((format(printf, 3, 4))) static void add_problem(struct check *c,
	enum level level, const char *format, ...)
{
	va_list ap;

	if (level > c->level)
		c->level = level;
	va_start(ap, format);
	vfprintf(c->problems, format, ap);
	va_end(ap);
	fputs(", ", c->problems);
}

/* A | would begin the numbers, and a line's end the next line. */
static void put_plain(const char *text)
{
	for (; *text != '\0'; text++)
		putchar(*text == '|'                  ? '/'
			: (unsigned char)*text < 0x20 ? ' '
						      : *text);
}

/* LABEL=VALUE, behind which ;WARN;CRIT;MIN;MAX may stand. */
static void add_count(struct check *c, const char *label, int64_t value)
{
	fprintf(c->numbers, " %s=%" PRId64, label, value);
}

static void add_limits(struct check *c, const struct limits *limits,
	int64_t whole, bool is_minimum)
{
	for (int i = 0; i < 2; i++) {
		fputc(';', c->numbers);
		if (limits->is_set[i])
			fprintf(c->numbers, "%" PRId64 "%s",
				limit_of(limits, i, whole, is_minimum),
				is_minimum ? ":" : "");
	}
	fprintf(c->numbers, ";0;%" PRId64, whole);
}

/* ---- what is looked at ------------------------------------------------- */

static int64_t age_ms(const struct check *c)
{
	int64_t age = c->census.now_ms - c->census.heartbeat_ms;

	return age < 0 ? 0 : age;
}

static void check_server(struct check *c)
{
	const struct limits *limits = &c->thresholds.silence;
	char since[SP_TIME_TEXT];
	enum level level;

	if (c->census.heartbeat_ms == 0) {
		add_problem(c, LEVEL_CRITICAL, "no server has ever run");
		return;
	}
	level = level_above(limits, age_ms(c), 0);
	sp_clock_format(c->census.heartbeat_ms, since);
	if (level != LEVEL_OK)
		add_problem(c, level, "no server is running since %s", since);
}

static void add_heartbeat(struct check *c)
{
	const struct limits *limits = &c->thresholds.silence;

	if (c->census.heartbeat_ms == 0)
		return;
	fprintf(c->numbers, " heartbeat_age=%.3fs", (double)age_ms(c) / 1000);
	for (int i = 0; i < 2; i++) {
		fputc(';', c->numbers);
		if (limits->is_set[i])
			fprintf(c->numbers, "%g",
				(double)limits->value[i] / 1000);
	}
	fputs(";0", c->numbers);
}

static int64_t sum(const struct check *c, enum sp_state state)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->census.n; i++)
		n += c->census.at[i].state[state];
	return n;
}

/* Those who are logged in: late ones, and who is in a call, are. */
static int64_t count_registered(const struct check *c)
{
	int64_t n = 0;

	for (int state = SP_REGISTERED; state < SP_N_STATES; state++)
		if (state != SP_LOST)
			n += sum(c, (enum sp_state)state);
	return n;
}

/* Of those that are, or would be, logged in; who is offline has gone home. */
static void check_lost(struct check *c)
{
	const struct limits *limits = &c->thresholds.lost;
	int64_t lost = sum(c, SP_LOST), whole = count_registered(c) + lost;
	enum level level = level_above(limits, lost, whole);

	if (level != LEVEL_OK)
		add_problem(c, level,
			"%" PRId64 " of %" PRId64 " softphones lost (%" PRId64
			" %%)",
			lost, whole, lost * 100 / whole);
	add_count(c, "registered", count_registered(c));
	for (int state = SP_REGISTERED + 1; state < SP_N_STATES; state++) {
		add_count(c, sp_state_name((enum sp_state)state),
			sum(c, (enum sp_state)state));
		if (state == SP_LOST)
			add_limits(c, limits, whole, false);
	}
	add_count(c, sp_state_name(SP_AWAY), sum(c, SP_AWAY));
}

/* Each tenant by itself: nobody can use the numbers of another. */
static void check_pool(struct check *c, const struct tenant_census *t)
{
	const struct limits *limits = &c->thresholds.free;
	enum level level = level_below(limits, t->pool.free, t->pool.size);
	char label[SP_DOMAIN_SIZE + 8] = "free";

	if (level != LEVEL_OK)
		add_problem(c, level,
			"only %" PRId64 " of %" PRId64 " numbers free in '%s'",
			t->pool.free, t->pool.size, t->tenant->domain);
	if (c->census.n > 1)
		snprintf(label, sizeof label, "'free %s'", t->tenant->domain);
	add_count(c, label, t->pool.free);
	add_limits(c, limits, t->pool.size, true);
}

/* Whose users are then in none of the sums. */
static int check_strangers(struct work *w, struct check *c, struct sp_err *err)
{
	char domain[SP_DOMAIN_SIZE];
	int rc = sp_tenant_find_stranger(w->app.config.tenants,
		w->app.config.n_tenants, w->app.db, domain, err);

	if (rc == 1)
		add_problem(c, LEVEL_WARNING,
			"the database has users of '%s', which is not "
			"configured",
			domain);
	return rc < 0 ? -1 : 0;
}

static int look(struct work *w, struct check *c, struct sp_err *err)
{
	check_server(c);
	check_lost(c);
	for (size_t i = 0; i < c->census.n; i++)
		check_pool(c, &c->census.at[i]);
	add_heartbeat(c);
	if (check_strangers(w, c, err) != 0)
		return -1;
	if (fflush(c->problems) != 0 || fflush(c->numbers) != 0)
		return sp_err_memory(err);
	return 0;
}

static int print_line(struct work *w, const struct check *c, struct sp_err *err)
{
	printf("SP %s - ", LEVELS[c->level]);
	put_plain(c->problems_text);
	printf("%" PRId64 " registered, %" PRId64 " lost, %" PRId64
	       " numbers free |%s\n",
		count_registered(c), sum(c, SP_LOST), sum(c, SP_FREE),
		c->numbers_text);
	if (fflush(stdout) != 0 || ferror(stdout))
		return sp_err_set(err, SP_IO,
			"cannot write standard output: %s", strerror(errno));
	w->check_status = (int)c->level;
	return 0;
}

int run_check(struct work *w, struct sp_err *err)
{
	struct check c = {.level = LEVEL_OK};
	int rc;

	c.problems = open_memstream(&c.problems_text, &c.problems_len);
	c.numbers = open_memstream(&c.numbers_text, &c.numbers_len);
	if (c.problems == NULL || c.numbers == NULL)
		rc = sp_err_memory(err);
	else
		rc = read_thresholds(w, &c.thresholds, err);
	if (rc == 0)
		rc = census_take(w, &c.census, err);
	if (rc == 0)
		rc = look(w, &c, err);
	if (rc == 0)
		rc = print_line(w, &c, err);
	census_release(&c.census);
	if (c.problems != NULL)
		fclose(c.problems);
	if (c.numbers != NULL)
		fclose(c.numbers);
	free(c.problems_text);
	free(c.numbers_text);
	return rc;
}

void check_failed(struct work *w, const struct sp_err *err)
{
	printf("SP %s - ", LEVELS[LEVEL_UNKNOWN]);
	put_plain(err->msg);
	putchar('\n');
	fflush(stdout);
	w->check_status = LEVEL_UNKNOWN;
}

int check_misused(void)
{
	printf("SP %s - wrong options, standard error says which\n",
		LEVELS[LEVEL_UNKNOWN]);
	fflush(stdout);
	return LEVEL_UNKNOWN;
}
