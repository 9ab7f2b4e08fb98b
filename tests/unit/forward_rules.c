/* lib/forward: rules in the database, for a time, off and on, undone. */
#include <ctype.h>

#include "lib/clock.h"
#include "lib/forward.h"
#include "tests/unit/world.h"

/* ---- a language for steps ---------------------------------------------- */

/* "1000 busy=1001 -offline" is one change of the rules of 1000:
 *
 *   busy=1001          a lasting rule; without a target: none
 *   busy~1001@60-120   one for a time, from and until in seconds after
 *                      WORLD_NOW_MS; 0: not said; without a target: none
 *   -busy  +busy       off, on
 *   reset              the defaults
 *   undo               instead of a change
 *
 * The result is the rules in force, or the error. */
struct step {
	const char *change;
	int rc; /* 1 changed, 0 not, -1 refused */
	const char *result;
};

static void parse_rule(struct world *w, enum sp_condition condition,
	const char *text, struct sp_forwarding *f)
{
	bool is_timed = text[0] == '~';
	struct sp_rule *rule =
		is_timed ? &f->timed[condition] : &f->lasting[condition];
	size_t len = strcspn(++text, "@ ");
	long from, until;

	*rule = (struct sp_rule){.enabled = true};
	snprintf(rule->target, sizeof rule->target, "%.*s", (int)len, text);
	if (condition == SP_NO_ANSWER)
		rule->after_ms = SP_AFTER_MS;
	if (!is_timed || len == 0)
		return;
	world_must(w, sscanf(text + len, "@%ld-%ld", &from, &until) == 2, text);
	rule->from_ms = from == 0 ? 0 : WORLD_NOW_MS + from * 1000;
	rule->until_ms = until == 0 ? 0 : WORLD_NOW_MS + until * 1000;
}

/* Returns -1 when the word is refused. */
static int parse_word(struct world *w, const char *word, const char *number,
	struct sp_forwarding *f)
{
	bool is_switch = word[0] == '-' || word[0] == '+';
	const char *name = word + is_switch;
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz-");
	enum sp_condition condition;
	char text[16];

	snprintf(text, sizeof text, "%.*s", (int)len, name);
	if (strcmp(text, "reset") == 0) {
		sp_forward_defaults(&w->tenant, f);
		return 0;
	}
	world_must(w, sp_condition_parse(text, &condition), word);
	if (is_switch)
		return sp_forward_switch(f, number, condition, word[0] == '+',
			&w->err);
	parse_rule(w, condition, name + len, f);
	return 0;
}

static int change(struct world *w, const struct sp_extension *e,
	const char *words, unsigned *changed)
{
	struct sp_forwarding f;

	world_must(w, sp_forward_load(&w->scope, e->id, &f, &w->err) == 0,
		words);
	for (; *words == ' '; words += strcspn(words, " "))
		if (parse_word(w, ++words, e->number, &f) != 0)
			return -1;
	return sp_forward_set(&w->scope, e, &f, changed, &w->err);
}

/* As a tool does it: what is refused leaves nothing behind. */
static int take(struct world *w, const char *step)
{
	size_t len = strspn(step, "0123456789");
	char number[SP_NUMBER_SIZE];
	struct sp_extension e;
	unsigned changed;
	int rc;

	snprintf(number, sizeof number, "%.*s", (int)len, step);
	e = world_extension(w, number);
	world_must(w, sp_db_save(w->db, &w->err) == 0, "a point to go back to");
	if (strcmp(step + len, " undo") == 0)
		rc = sp_forward_undo(&w->scope, &e, &changed, &w->err);
	else
		rc = change(w, &e, step + len, &changed);
	if (rc > 0 &&
		sp_forward_check_loops(&w->scope, &e, changed, &w->err) != 0)
		rc = -1;
	if ((rc < 0 ? sp_db_revert(w->db, &(struct sp_err){.code = SP_OK})
		    : sp_db_keep(w->db, &w->err)) != 0)
		world_must(w, false, "the end of a step");
	return rc;
}

/* What holds at `at_s` seconds after WORLD_NOW_MS. */
static const char *in_force(struct world *w, const char *number, int64_t at_s)
{
	struct sp_rule rules[SP_N_CONDITIONS];
	struct sp_forwarding f;
	static char text[512];

	world_must(w,
		sp_forward_load(&w->scope, world_extension(w, number).id, &f,
			&w->err) == 0,
		number);
	sp_forward_in_force(&f, WORLD_NOW_MS + at_s * 1000, rules);
	sp_forward_text(rules, text, sizeof text);
	return text;
}

static int64_t seconds(const struct world *w)
{
	return (w->scope.now_ms - WORLD_NOW_MS) / 1000;
}

static void run(struct unit *u, struct world *w, const struct step *steps)
{
	for (const struct step *s = steps; s->change != NULL; s++) {
		char number[SP_NUMBER_SIZE];
		int rc = take(w, s->change);

		snprintf(number, sizeof number, "%.*s",
			(int)strcspn(s->change, " "), s->change);
		unit_str(u,
			rc < 0 ? w->err.msg : in_force(w, number, seconds(w)),
			s->result, s->change);
		unit_int(u, rc, s->rc, "  changed");
	}
}

#define RUN(u, w, ...) run(u, w, (const struct step[]){__VA_ARGS__, {0}})

/* 1000 to 1003 are a, b, c, d; 1004 was used; by default unanswered calls go
 * to voicemail and those of who is offline to 1003. */
static void open_rules(struct world *w)
{
	static const char *const USERS[] = {"a", "b", "c", "d", "gone"};

	world_open(w);
	world_set_pool(w, "1000-1009", "");
	w->tenant.voicemail = strdup("sip:vm-{number}@vm.example");
	w->tenant.defaults[SP_NO_ANSWER] =
		(struct sp_rule){.target = "voicemail",
			.after_ms = SP_AFTER_MS};
	w->tenant.defaults[SP_OFFLINE] = (struct sp_rule){.target = "1003"};
	for (size_t i = 0; i < sizeof USERS / sizeof USERS[0]; i++)
		world_assign(w, USERS[i], NULL);
	world_recycle(w, "gone");
	world_events(w);
}

static void at(struct world *w, int64_t seconds)
{
	w->scope.now_ms = WORLD_NOW_MS + seconds * 1000;
}

#define DEFAULTS "no-answer=voicemail/20s offline=1003"

/* ---- lasting ----------------------------------------------------------- */

static void check_rules(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 reset", 0, DEFAULTS},
		{"1000 busy=1001", 1, "busy=1001 " DEFAULTS},
		{"1000 busy=1001", 0, "busy=1001 " DEFAULTS},
		{"1000 busy=reject", 1, "busy=reject " DEFAULTS},
		{"1000 -busy", 1, DEFAULTS}, {"1000 -busy", 0, DEFAULTS},
		{"1000 +busy", 1, "busy=reject " DEFAULTS},
		{"1000 +busy", 0, "busy=reject " DEFAULTS},
		{"1000 -always", 0, "busy=reject " DEFAULTS},
		{"1000 +always", -1, "'1000' has no always rule to turn on"},
		/* A default that is switched off becomes an own rule. */
		{"1000 -offline", 1, "busy=reject no-answer=voicemail/20s"},
		{"1000 +offline", 1, "busy=reject " DEFAULTS},
		{"1000 no-answer=1002", 1,
			"busy=reject no-answer=1002/20s offline=1003"},
		{"1000 reset", 1, DEFAULTS}, {"1000 reset", 0, DEFAULTS},
		/* What is the default already, set by hand, is kept. */
		{"1000 offline=1003", 1, DEFAULTS},
		{"1000 offline=1003", 0, DEFAULTS},
		/* Several at once; none means the default. */
		{"1000 always=1001 busy=1002 offline=", 1,
			"always=1001 busy=1002 " DEFAULTS},
		{"1000 always= busy=1001 -no-answer", 1,
			"busy=1001 offline=1003"},
		{"1000 always=1004", -1,
			"target '1004' is not assigned to anybody"},
		{"1000 always=1005", -1,
			"target '1005' is not assigned to anybody"},
		{"1000 always=2000", -1,
			"target '2000' is not in the pool of 'acme.example'"},
		{"1000 busy=1002 always=1005", -1,
			"target '1005' is not assigned to anybody"},
		{"1000 -always", 0, "busy=1001 offline=1003"});
	world_close(&w);
}

#define LOOP(a, b) "cannot forward '" a "' to '" b "': it would go in a loop: "

static void check_rule_loops(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w,
		{"1000 always=1000", -1, LOOP("1000", "1000") "1000 -> 1000"},
		{"1000 always=1001", 1, "always=1001 " DEFAULTS},
		{"1001 busy=1000", -1,
			LOOP("1001", "1000") "1001 -> 1000 -> 1001"},
		{"1001 busy=1002", 1, "busy=1002 " DEFAULTS},
		{"1002 no-answer=1000", -1,
			LOOP("1002", "1000") "1002 -> 1000 -> 1001 -> 1002"},
		/* By a default of the others. */
		{"1003 always=1002", -1,
			LOOP("1003", "1002") "1003 -> 1002 -> 1003"},
		/* A rule that is off closes nothing until it is on. */
		{"1001 -busy", 1, DEFAULTS},
		{"1002 no-answer=1000", 1, "no-answer=1000/20s offline=1003"},
		{"1001 +busy", -1,
			LOOP("1001", "1002") "1001 -> 1002 -> 1000 -> 1001"},
		{"1002 reset", 1, DEFAULTS},
		{"1001 +busy", 1, "busy=1002 " DEFAULTS});
	world_close(&w);
}

/* Nobody is left to turn it on for. */
static void check_gone_target(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 always=1002", 1, "always=1002 " DEFAULTS},
		{"1000 -always", 1, DEFAULTS});
	world_recycle(&w, "1002");
	RUN(u, &w,
		{"1000 +always", -1,
			"target '1002' is not assigned to anybody"});
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_rules(&u);
	check_rule_loops(&u);
	check_gone_target(&u);
	(void)at;
	return unit_done(&u);
}
