/* lib/forward: rules in the database, for a time, off and on, undone. */
#include "lib/forward_loop.h"
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
			"target '2000' is not in the pool of 'acme.example' "
			"(1000-1009)"},
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

/* ---- for a time -------------------------------------------------------- */

/* What is stored for an extension: "busy=1001", "busy~1001", "-busy=1001". */
static const char *stored(struct world *w, const char *number)
{
	static const char SQL[] =
		"SELECT CASE enabled WHEN 0 THEN '-' ELSE '' END || condition"
		" || CASE is_timed WHEN 1 THEN '~' ELSE '=' END || target"
		" FROM forward f JOIN extension e ON e.id = f.extension_id"
		" WHERE e.number = $1 ORDER BY condition, is_timed";

	return world_rows(w, SQL, SP_ARGS(sp_text(number)));
}

static void check_timed(struct unit *u)
{
	static const struct {
		int64_t at;
		const char *rules;
	} cases[] = {
		{0, "busy=1001"},
		{59, "busy=1001"},
		{60, "busy=1002"}, /* from is inclusive */
		{119, "busy=1002"},
		{120, "busy=1001"}, /* until is not */
		{999, "busy=1001"},
	};
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 -no-answer -offline busy=1001", 1, "busy=1001"},
		{"1000 busy~1002@60-120", 1, "busy=1001"},
		{"1000 busy~1002@60-120", 0, "busy=1001"});
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(u, in_force(&w, "1000", cases[i].at), cases[i].rules,
			"a rule for a time");
	unit_str(u, stored(&w, "1000"),
		"busy=1001, busy~1002, -no-answer=voicemail, -offline=1003",
		"  the lasting one is kept");
	at(&w, 119);
	RUN(u, &w, {"1000 always~1001@0-130", 1, "always=1001 busy=1002"},
		{"1000 always~1001@0-140", 1, "always=1001 busy=1002"},
		{"1000 always~", 1, "busy=1002"},
		{"1000 offline~1001@200-0", 1, "busy=1002"});
	unit_str(u, in_force(&w, "1000", 200), "busy=1001 offline=1001",
		"one without an end");
	unit_str(u, in_force(&w, "1000", 1000000), "busy=1001 offline=1001",
		"  has none");
	world_close(&w);
}

/* A rule whose time is over is as if it had never been there. */
static void check_over(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 busy~1002@0-120", 1, "busy=1002 " DEFAULTS});
	world_events(&w);
	at(&w, 120);
	RUN(u, &w, {"1000 -busy", 0, DEFAULTS},
		{"1000 +busy", -1, "'1000' has no busy rule to turn on"},
		{"1000 busy~", 0, DEFAULTS});
	unit_str(u, world_events(&w), "", "no event tells that it is over");
	unit_str(u, stored(&w, "1000"), "busy~1002", "it may still be there");
	RUN(u, &w, {"1000 always=1001", 1, "always=1001 " DEFAULTS});
	unit_str(u, stored(&w, "1000"), "always=1001",
		"  until something else is changed");
	unit_str(u, world_events(&w), "1000 forwarding:>always=1001",
		"  still no event");
	world_close(&w);
}

/* Off and on are of both rules of a condition. */
static void check_switch(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 busy=1001 busy~1002@0-120", 1, "busy=1002 " DEFAULTS},
		{"1000 -busy", 1, DEFAULTS});
	unit_str(u, stored(&w, "1000"), "-busy=1001, -busy~1002", "off");
	unit_str(u, in_force(&w, "1000", 120), DEFAULTS,
		"  also when the time is over");
	RUN(u, &w, {"1000 +busy", 1, "busy=1002 " DEFAULTS});
	unit_str(u, in_force(&w, "1000", 120), "busy=1001 " DEFAULTS,
		"on, both of them");
	RUN(u, &w, {"1000 busy= -busy", 1, DEFAULTS},
		{"1000 +busy", 1, "busy=1002 " DEFAULTS},
		/* A default that is off behind a rule for a time. */
		{"1000 offline~1001@0-120 -offline", 1,
			"busy=1002 no-answer=voicemail/20s"},
		{"1000 +offline", 1,
			"busy=1002 no-answer=voicemail/20s offline=1001"});
	world_close(&w);
}

/* Every rule counts that is on now or will be, at whatever times. */
static void check_timed_loops(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 always~1001@600-900", 1, DEFAULTS},
		{"1001 busy=1000", -1,
			LOOP("1001", "1000") "1001 -> 1000 -> 1001"},
		{"1001 busy~1000@0-60", -1,
			LOOP("1001", "1000") "1001 -> 1000 -> 1001"},
		{"1000 always~1000@600-900", -1,
			LOOP("1000", "1000") "1000 -> 1000"},
		/* A lasting one behind one for a time, in another one. */
		{"1001 always=1002 always~reject@0-60", 1,
			"always=reject " DEFAULTS},
		{"1002 busy=1000", -1,
			LOOP("1002", "1000") "1002 -> 1000 -> 1001 -> 1002"},
		{"1000 -always", 1, DEFAULTS},
		{"1002 busy=1000", 1, "busy=1000 " DEFAULTS},
		{"1000 +always", -1,
			LOOP("1000", "1001") "1000 -> 1001 -> 1002 -> 1000"});
	at(&w, 900);
	RUN(u, &w,
		{"1000 no-answer=1003", 1, "no-answer=1003/20s offline=1003"},
		{"1001 busy=1000", 1, "always=1002 busy=1000 " DEFAULTS});
	world_close(&w);
}

/* ---- undo -------------------------------------------------------------- */

static void check_undo(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 undo", 0, DEFAULTS},
		{"1000 busy=1001", 1, "busy=1001 " DEFAULTS},
		{"1000 undo", 1, DEFAULTS}, {"1000 undo", 0, DEFAULTS},
		{"1000 busy=1001 always~1002@600-900 -offline", 1,
			"busy=1001 no-answer=voicemail/20s"});
	unit_str(u, stored(&w, "1000"), "always~1002, busy=1001, -offline=1003",
		"lasting, for a time, and off");
	at(&w, 1);
	RUN(u, &w, {"1000 reset", 1, DEFAULTS});
	unit_str(u, stored(&w, "1000"), "", "  reset");
	at(&w, 2);
	/* What changes nothing keeps what can be undone. */
	RUN(u, &w, {"1000 reset", 0, DEFAULTS}, {"1000 -always", 0, DEFAULTS},
		{"1000 undo", 1, "busy=1001 no-answer=voicemail/20s"});
	unit_str(u, stored(&w, "1000"), "always~1002, busy=1001, -offline=1003",
		"  and all back");
	unit_str(u, in_force(&w, "1000", 600),
		"always=1002 busy=1001 no-answer=voicemail/20s",
		"  with their times");
	RUN(u, &w, {"1000 undo", 0, "busy=1001 no-answer=voicemail/20s"},
		{"1001 undo", 0, DEFAULTS});
	world_close(&w);
}

/* All changes of one command are undone at once. */
static void check_undo_command(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 busy=1001", 1, "busy=1001 " DEFAULTS});
	at(&w, 1);
	RUN(u, &w, {"1000 busy=1002", 1, "busy=1002 " DEFAULTS},
		{"1000 always=1002", 1, "always=1002 busy=1002 " DEFAULTS},
		{"1000 always=", 1, "busy=1002 " DEFAULTS});
	at(&w, 2);
	RUN(u, &w, {"1000 undo", 1, "busy=1001 " DEFAULTS});
	/* A change that leads back to where it began. */
	at(&w, 3);
	RUN(u, &w, {"1000 busy=1002", 1, "busy=1002 " DEFAULTS},
		{"1000 busy=1001", 1, "busy=1001 " DEFAULTS},
		{"1000 undo", 0, "busy=1001 " DEFAULTS});
	world_close(&w);
}

/* What was may not do any more. */
static void check_undo_refused(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 always=1002", 1, "always=1002 " DEFAULTS});
	at(&w, 1);
	RUN(u, &w, {"1000 reset", 1, DEFAULTS},
		{"1002 busy=1000", 1, "busy=1000 " DEFAULTS},
		{"1000 undo", -1, LOOP("1000", "1002") "1000 -> 1002 -> 1000"},
		{"1002 reset", 1, DEFAULTS});
	world_recycle(&w, "1002");
	RUN(u, &w,
		{"1000 undo", -1, "target '1002' is not assigned to anybody"});
	world_assign(&w, "new", "1002");
	RUN(u, &w, {"1000 undo", 1, "always=1002 " DEFAULTS});
	world_close(&w);
}

/* A rule whose time has passed in between does not come back. */
static void check_undo_over(struct unit *u)
{
	struct world w;

	open_rules(&w);
	RUN(u, &w,
		{"1000 busy=1001 always~1002@0-60", 1,
			"always=1002 busy=1001 " DEFAULTS});
	at(&w, 30);
	RUN(u, &w, {"1000 reset", 1, DEFAULTS});
	at(&w, 60);
	RUN(u, &w, {"1000 undo", 1, "busy=1001 " DEFAULTS});
	unit_str(u, stored(&w, "1000"), "busy=1001", "  nor is it stored");
	world_close(&w);
}

/* ---- events ------------------------------------------------------------ */

static void check_events(struct unit *u)
{
	static const struct {
		const char *change, *events;
	} cases[] = {
		{"1000 busy=1001", "1000 forwarding:>busy=1001"},
		{"1000 busy=1002", "1000 forwarding:busy=1001>busy=1002"},
		{"1000 -busy", "1000 forwarding:busy=1002>busy=1002 off"},
		{"1000 +busy", "1000 forwarding:busy=1002 off>busy=1002"},
		{"1000 busy=", "1000 forwarding:busy=1002>"},
		{"1000 no-answer=1001",
			"1000 forwarding:no-answer=voicemail/20s (default)>"
			"no-answer=1001/20s"},
		{"1000 no-answer=", "1000 forwarding:no-answer=1001/20s>"
				    "no-answer=voicemail/20s (default)"},
		{"1000 -offline", "1000 forwarding:offline=1003 (default)>"
				  "offline=1003 off"},
		{"1000 busy~1001@60-120", "1000 forwarding:>busy=1001 "
					  "from 2026-11-23T09:31:00Z "
					  "until 2026-11-23T09:32:00Z"},
		{"1000 busy~1001@0-120",
			"1000 forwarding:busy=1001 from 2026-11-23T09:31:00Z "
			"until 2026-11-23T09:32:00Z>"
			"busy=1001 until 2026-11-23T09:32:00Z"},
		{"1000 busy~", "1000 forwarding:busy=1001 "
			       "until 2026-11-23T09:32:00Z>"},
		{"1000 always=1001 busy=reject",
			"1000 forwarding:>always=1001, "
			"1000 forwarding:>busy=reject"},
		{"1000 reset", "1000 forwarding:always=1001>, "
			       "1000 forwarding:busy=reject>, "
			       "1000 forwarding:offline=1003 off>"
			       "offline=1003 (default)"},
		{"1000 reset", ""},
		{"1000 undo", "1000 forwarding:>always=1001, "
			      "1000 forwarding:>busy=reject, "
			      "1000 forwarding:offline=1003 (default)>"
			      "offline=1003 off"},
	};
	struct world w;

	open_rules(&w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* The last three are one command. */
		at(&w, i < 12 ? (int64_t)i : 12);
		world_must(&w, take(&w, cases[i].change) >= 0, cases[i].change);
		unit_str(u, world_events(&w), cases[i].events, cases[i].change);
	}
	world_close(&w);
}

/* ---- inbound ----------------------------------------------------------- */

/* "1000 busy, 1001 always timed": the rules that lead to a number. */
static const char *inbound(struct world *w, const char *number)
{
	struct sp_inbound in = {0};
	static char text[256];
	size_t n = 0;

	text[0] = '\0';
	while (sp_forward_next_inbound(&w->scope, number, &in, &w->err) == 1)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s%s",
			n == 0 ? "" : ", ", in.number,
			sp_condition_name(in.condition),
			in.is_timed ? " timed" : "");
	return text;
}

static void check_inbound(struct unit *u)
{
	struct sp_inbound in = {0};
	struct world w;

	open_rules(&w);
	RUN(u, &w,
		{"1000 busy=1002 busy~1002@600-900 always=1001", 1,
			"always=1001 busy=1002 " DEFAULTS},
		{"1001 no-answer=1002 -no-answer", 1, "offline=1003"});
	unit_str(u, inbound(&w, "1002"),
		"1000 busy, 1000 busy timed, 1001 no-answer",
		"rules that lead to a number");
	unit_str(u, inbound(&w, "1001"), "1000 always", "to another");
	/* Nobody's own rules are the defaults. */
	unit_str(u, inbound(&w, "1003"), "", "to that of a default");
	unit_str(u, inbound(&w, "1000"), "", "to none");
	world_events(&w);
	while (sp_forward_next_inbound(&w.scope, "1002", &in, &w.err) == 1)
		unit_int(u, sp_forward_remove_inbound(&w.scope, &in, &w.err), 1,
			"one is removed");
	unit_str(u, inbound(&w, "1002"), "", "all are");
	unit_str(u, world_events(&w),
		"1000 forwarding:busy=1002>, "
		"1000 forwarding:busy=1002 from 2026-11-23T09:40:00Z "
		"until 2026-11-23T09:45:00Z>, "
		"1001 forwarding:no-answer=1002/20s off>"
		"no-answer=voicemail/20s (default)",
		"  their events");
	unit_str(u, in_force(&w, "1000", 0), "always=1001 " DEFAULTS,
		"  the others stay");
	world_close(&w);
}

/* Those of other tenants, with the same numbers, are not looked at. */
static void check_inbound_tenants(struct unit *u)
{
	struct sp_tenant other;
	struct world w;

	open_rules(&w);
	RUN(u, &w, {"1000 busy=1002", 1, "busy=1002 " DEFAULTS});
	world_must(&w,
		sp_tenant_init(&other, "b.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0,
		"a tenant");
	w.scope.tenant = &other;
	unit_str(u, inbound(&w, "1002"), "", "in another tenant");
	sp_tenant_release(&other);
	w.scope.tenant = &w.tenant;
	world_close(&w);
}

/* Which conditions a caller has yet to ask about. */
static void check_changed(struct unit *u)
{
	static const struct {
		const char *change;
		unsigned changed;
	} cases[] = {
		{"always=1001 busy~1002@0-60", 1 << SP_ALWAYS | 1 << SP_BUSY},
		{"always=1001", 0},
		{"-always", 0},
		{"+always", 1 << SP_ALWAYS},
		{"busy~", 0},
		{"offline=1001", 1 << SP_OFFLINE},
		/* The default is on again. */
		{"reset", 1 << SP_OFFLINE},
	};
	struct world w;
	struct sp_extension e;

	open_rules(&w);
	e = world_extension(&w, "1000");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char words[64];
		unsigned changed = ~0u;

		snprintf(words, sizeof words, " %s", cases[i].change);
		world_must(&w, change(&w, &e, words, &changed) >= 0, words);
		unit_int(u, changed, cases[i].changed, cases[i].change);
	}
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_rules(&u);
	check_rule_loops(&u);
	check_gone_target(&u);
	check_timed(&u);
	check_over(&u);
	check_switch(&u);
	check_timed_loops(&u);
	check_undo(&u);
	check_undo_command(&u);
	check_undo_refused(&u);
	check_undo_over(&u);
	check_events(&u);
	check_inbound(&u);
	check_inbound_tenants(&u);
	check_changed(&u);
	return unit_done(&u);
}
