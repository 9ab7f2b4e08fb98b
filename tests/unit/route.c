/* lib/route: where calls go, as tables of worlds, outcomes and steps. */
#include "lib/route.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "tests/unit/unit.h"

/* ---- worlds ------------------------------------------------------------ */

/* A world is a text: numbers with their rules, with "; " between them.
 *
 *   1001:r busy=1002; 1002: -always=reject no-answer=voicemail/10s; 1003:x
 *   *: offline=voicemail
 *
 * r: registered. x: known, but not assigned; so is a number that is not there.
 * -: turned off. ~10-20: only from then until then, 0 for none, beside the
 * rule without. *: the defaults. In front "bare": a tenant that has neither
 * voicemail nor gateway; "at 15": the moment. */
struct world {
	const char *text;
	int64_t now_ms;       /* 0: no rules that are for a time */
	const char *fails_at; /* asking for it is an error; NULL: none */
	char asked[256];      /* "1001 1002" */
};

/* Takes the next word off the text, up to the separator or the end. */
static bool next_word(const char **text, const char *separator, char *out,
	size_t size)
{
	const char *end = strstr(*text, separator);
	size_t len = end == NULL ? strlen(*text) : (size_t)(end - *text);

	snprintf(out, size, "%.*s", (int)len, *text);
	*text += end == NULL ? len : len + strlen(separator);
	return out[0] != '\0';
}

/* Takes "~10-20" off the word. Returns whether it was there. */
static bool take_window(char *word, struct sp_rule *rule)
{
	char *window = strchr(word, '~'), *end;

	if (window == NULL)
		return false;
	*window++ = '\0';
	rule->from_ms = strtoll(window, &end, 10);
	rule->until_ms = strtoll(end + 1, NULL, 10);
	return true;
}

/* Reads "no-answer=voicemail/10s~10-20". */
static void read_rule(char *word, bool is_default, struct sp_forwarding *f)
{
	bool off = word[0] == '-', is_timed;
	char *target = strchr(word, '='), *after;
	enum sp_condition c;
	struct sp_rule rule = {.enabled = !off, .is_default = is_default};
	struct sp_err err;

	*target++ = '\0';
	if (!sp_condition_parse(word + off, &c)) {
		printf("Bail out! no condition '%s'\n", word);
		exit(2);
	}
	is_timed = take_window(target, &rule);
	after = c == SP_NO_ANSWER ? strchr(target, '/') : NULL;
	if (after != NULL) {
		*after++ = '\0';
		sp_duration_parse(after, &rule.after_ms, &err);
	}
	snprintf(rule.target, sizeof rule.target, "%s", target);
	if (is_timed)
		f->timed[c] = rule;
	else
		f->lasting[c] = rule;
}

/* Reads the number's entry, or that of the defaults. */
static void read_entry(const char *world, const char *number,
	struct sp_route_facts *facts, struct sp_forwarding *f)
{
	char entry[1024], word[512];
	size_t len = strlen(number);

	while (next_word(&world, "; ", entry, sizeof entry)) {
		const char *p = entry + len + 1;

		if (strncmp(entry, number, len) != 0 || entry[len] != ':')
			continue;
		facts->is_assigned = true;
		for (p += p[0] == ' '; next_word(&p, " ", word, sizeof word);)
			if (strcmp(word, "r") == 0)
				facts->is_registered = true;
			else if (strcmp(word, "x") == 0)
				facts->is_assigned = false;
			else
				read_rule(word, number[0] == '*', f);
	}
}

static int ask(const void *arg, const char *number,
	struct sp_route_facts *facts, struct sp_err *err)
{
	struct world *w = *(struct world *const *)arg;
	struct sp_forwarding f = {.lasting = {{.target = ""}}};
	size_t len = strlen(w->asked);

	snprintf(w->asked + len, sizeof w->asked - len, "%s%s",
		len == 0 ? "" : " ", number);
	if (w->fails_at != NULL && strcmp(number, w->fails_at) == 0)
		return sp_err_set(err, SP_TEMPFAIL, "no time for '%s'", number);
	read_entry(w->text, "*", facts, &f);
	facts->is_assigned = false;
	read_entry(w->text, number, facts, &f);
	if (w->now_ms == 0)
		memcpy(facts->rules, f.lasting, sizeof f.lasting);
	else
		sp_forward_in_force(&f, w->now_ms, facts->rules);
	return 0;
}

/* ---- following a route ------------------------------------------------- */

/* Appends "; ring 1001 20s". */
static void put_step(const struct sp_route_step *step, char *out, size_t size)
{
	char detail[SP_TARGET_SIZE + 32] = "";
	size_t len = strlen(out);

	switch (step->action) {
	case SP_ROUTE_RING: sp_duration_format(step->after_ms, detail); break;
	case SP_ROUTE_DIVERT:
		snprintf(detail, sizeof detail, "%s %s%s",
			sp_condition_name(step->condition), step->target,
			step->is_default ? " default" : "");
		break;
	case SP_ROUTE_SEND:
		snprintf(detail, sizeof detail, "%s", step->target);
		break;
	case SP_ROUTE_REFUSE:
		snprintf(detail, sizeof detail, "%d", step->status);
		break;
	}
	snprintf(out + len, size - len, "%s%s%s%s %s%s%s%s",
		len == 0 ? "" : "; ", sp_route_action_name(step->action),
		step->number[0] == '\0' ? "" : " ", step->number, detail,
		step->why[0] == '\0' ? "" : " (", step->why,
		step->why[0] == '\0' ? "" : ")");
}

/* What stays empty does: who prints a step need not ask what it is. */
static bool is_tidy(const struct sp_route_step *step)
{
	bool has_target = step->action == SP_ROUTE_DIVERT ||
			  step->action == SP_ROUTE_SEND;

	return (step->target[0] != '\0') == has_target &&
	       (step->after_ms != 0) == (step->action == SP_ROUTE_RING) &&
	       (step->status != 0) == (step->action == SP_ROUTE_REFUSE);
}

/* Follows the route with the outcomes of ringing: b(usy), n(o answer),
 * o(ffline); when there are no more of them the call was answered. */
static void follow(struct unit *u, struct sp_route *route, const char *outcomes,
	char *out, size_t size)
{
	enum sp_route_outcome outcome = SP_ROUTE_START;
	struct sp_route_step step;
	struct sp_err err;
	bool tidy = true;
	int rc;

	out[0] = '\0';
	while ((rc = sp_route_next(route, outcome, &step, &err)) == 1) {
		put_step(&step, out, size);
		tidy = tidy && is_tidy(&step);
		outcome = SP_ROUTE_START;
		if (step.action != SP_ROUTE_RING)
			continue;
		if (*outcomes == '\0')
			break;
		outcome = *outcomes == 'b'   ? SP_ROUTE_BUSY
			  : *outcomes == 'n' ? SP_ROUTE_NO_ANSWER
					     : SP_ROUTE_OFFLINE;
		outcomes++;
	}
	unit_ok(u, tidy && *outcomes == '\0', "  all outcomes, tidy steps");
	if (rc == 0)
		unit_int(u, sp_route_next(route, SP_ROUTE_BUSY, &step, &err), 0,
			"  the end stays one");
}

static char VOICEMAIL[] = "sip:vm-{number}@vm.example";
static char GATEWAY[] = "sip:trunk.example";

struct route_case {
	const char *world, *dialled, *outcomes, *steps;
};

static void check_cases(struct unit *u, const struct route_case *cases,
	size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct route_case *c = &cases[i];
		bool bare = strncmp(c->world, "bare", 4) == 0;
		struct sp_tenant tenant = {
			.voicemail = bare ? NULL : VOICEMAIL,
			.gateway = bare ? NULL : GATEWAY,
		};
		struct world w = {.text = c->world}, *arg = &w;
		struct sp_route route;
		char got[2048], name[512];

		snprintf(name, sizeof name, "%s to %s: %s", c->world,
			c->dialled, c->outcomes);
		if (strncmp(c->world, "at ", 3) == 0)
			w.now_ms = atoi(c->world + 3);
		sp_route_begin(&route, &tenant, c->dialled, ask, &arg);
		follow(u, &route, c->outcomes, got, sizeof got);
		unit_str(u, got, c->steps, name);
	}
}

#define CHECK(u, cases) check_cases(u, cases, sizeof cases / sizeof cases[0])

/* ---- the tables -------------------------------------------------------- */

static void check_dialled(struct unit *u)
{
	static const struct route_case CASES[] = {
		{"1001:r", "1001", "", "ring 1001 20s"},
		{"0100:r; 100:r", "0100", "", "ring 0100 20s"},
		{"1001:r", "1002", "", "refuse 1002 404 (not assigned)"},
		{"1001:r", "100", "", "refuse 100 404 (not assigned)"},
		{"", "1001", "", "refuse 1001 404 (not assigned)"},
		/* Recycled: what hangs on it still counts for nothing. */
		{"1001:x r always=1002; 1002:r", "1001", "",
			"refuse 1001 404 (not assigned)"},
		{"*: always=1002; 1002:r", "1001", "",
			"refuse 1001 404 (not assigned)"},
		{"", "+14155550123", "",
			"send +14155550123 sip:+14155550123@trunk.example"},
		{"", "+123456789012345", "",
			"send +123456789012345 "
			"sip:+123456789012345@trunk.example"},
		{"bare; ", "+14155550123", "",
			"refuse +14155550123 404 (no gateway)"},
		/* Neither; targets of rules are no numbers. */
		{"1001:r", "", "", "refuse 404 (not a number)"},
		{"1001:r", "asmith", "", "refuse 404 (not a number)"},
		{"1001:r", "voicemail", "", "refuse 404 (not a number)"},
		{"1001:r", "reject", "", "refuse 404 (not a number)"},
		{"1001:r", "sip:1001@acme.example", "",
			"refuse 404 (not a number)"},
		{"1001:r", "1001 ", "", "refuse 404 (not a number)"},
		{"1001:r", "+1", "", "refuse 404 (not a number)"},
		{"1001:r", "1000000000000000", "", "refuse 404 (not a number)"},
	};

	CHECK(u, CASES);
}

static void check_conditions(struct unit *u)
{
	static const struct route_case CASES[] = {
		/* No rule. */
		{"1001:r", "1001", "b",
			"ring 1001 20s; refuse 1001 486 (no rule)"},
		{"1001:r", "1001", "n",
			"ring 1001 20s; refuse 1001 480 (no rule)"},
		{"1001:r", "1001", "o",
			"ring 1001 20s; refuse 1001 480 (no rule)"},
		{"1001:", "1001", "", "refuse 1001 480 (no rule)"},
		/* Each alone. */
		{"1001:r always=1002; 1002:r", "1001", "",
			"divert 1001 always 1002; ring 1002 20s"},
		{"1001: always=1002; 1002:r", "1001", "",
			"divert 1001 always 1002; ring 1002 20s"},
		{"1001:r busy=1002; 1002:r", "1001", "b",
			"ring 1001 20s; divert 1001 busy 1002; ring 1002 20s"},
		{"1001:r no-answer=1002/10s; 1002:r", "1001", "n",
			"ring 1001 10s; divert 1001 no-answer 1002; "
			"ring 1002 20s"},
		{"1001:r offline=1002; 1002:r", "1001", "o",
			"ring 1001 20s; divert 1001 offline 1002; "
			"ring 1002 20s"},
		{"1001: offline=1002; 1002:r", "1001", "",
			"divert 1001 offline 1002; ring 1002 20s"},
		/* Each only for its outcome. */
		{"1001:r no-answer=1002/5s offline=1003; 1002:r; 1003:r",
			"1001", "b", "ring 1001 5s; refuse 1001 486 (no rule)"},
		{"1001:r busy=1002 offline=1003; 1002:r; 1003:r", "1001", "n",
			"ring 1001 20s; refuse 1001 480 (no rule)"},
		{"1001:r busy=1002 no-answer=1003/5s; 1002:r; 1003:r", "1001",
			"o", "ring 1001 5s; refuse 1001 480 (no rule)"},
		{"1001: busy=1002 no-answer=1002/5s; 1002:r", "1001", "",
			"refuse 1001 480 (no rule)"},
		{"1001:r always=1005 busy=1002 no-answer=1003/5s offline=1004; "
		 "1002:r; 1003:r; 1004:r; 1005:r",
			"1001", "", "divert 1001 always 1005; ring 1005 20s"},
		{"1001:r busy=1002 no-answer=1003/5s offline=1004; "
		 "1002:r; 1003:r; 1004:r",
			"1001", "b",
			"ring 1001 5s; divert 1001 busy 1002; ring 1002 20s"},
		/* Off, with its target kept. */
		{"1001:r -always=1002; 1002:r", "1001", "", "ring 1001 20s"},
		{"1001:r -busy=1002; 1002:r", "1001", "b",
			"ring 1001 20s; refuse 1001 486 (no rule)"},
		{"1001: -offline=voicemail", "1001", "",
			"refuse 1001 480 (no rule)"},
		{"1001:r -no-answer=voicemail/5s", "1001", "n",
			"ring 1001 20s; refuse 1001 480 (no rule)"},
		/* How long it rings. */
		{"1001:r no-answer=voicemail/3m", "1001", "", "ring 1001 3m"},
		{"1001:r no-answer=voicemail/1500ms", "1001", "",
			"ring 1001 1500ms"},
		{"1001:r no-answer=voicemail", "1001", "", "ring 1001 20s"},
		{"1001:r no-answer=1009/7s", "1001", "n",
			"ring 1001 7s; refuse 1001 480 (not assigned)"},
		{"1001:r; *: no-answer=voicemail/25s", "1001", "n",
			"ring 1001 25s; "
			"divert 1001 no-answer voicemail default; "
			"send 1001 sip:vm-1001@vm.example"},
	};

	CHECK(u, CASES);
}

static void check_defaults(struct unit *u)
{
	static const struct route_case CASES[] = {
		{"1001:; *: offline=voicemail", "1001", "",
			"divert 1001 offline voicemail default; "
			"send 1001 sip:vm-1001@vm.example"},
		{"1001: offline=1002; 1002:r; *: offline=voicemail", "1001", "",
			"divert 1001 offline 1002; ring 1002 20s"},
		{"1001: -offline=voicemail; *: offline=voicemail", "1001", "",
			"refuse 1001 480 (no rule)"},
		{"1001:r; 1000:r; *: busy=1000", "1001", "bb",
			"ring 1001 20s; divert 1001 busy 1000 default; "
			"ring 1000 20s; refuse 1000 486 (no rule)"},
		/* The desk that takes all calls has no rule for its own. */
		{"1000:r; *: busy=1000", "1000", "b",
			"ring 1000 20s; refuse 1000 486 (no rule)"},
		{"1000:r; *: no-answer=1000/5s", "1000", "n",
			"ring 1000 20s; refuse 1000 480 (no rule)"},
		{"1000:; *: offline=1000", "1000", "",
			"refuse 1000 480 (no rule)"},
		{"1000:r; *: always=1000", "1000", "", "ring 1000 20s"},
		{"1001:r; 1000:r; *: always=1000", "1001", "",
			"divert 1001 always 1000 default; ring 1000 20s"},
	};

	CHECK(u, CASES);
}

/* Rules for a time beside lasting ones. */
static void check_windows(struct unit *u)
{
	static const struct route_case CASES[] = {
		{"at 9; 1: always=2 always=3~10-20; 2:r; 3:r", "1", "",
			"divert 1 always 2; ring 2 20s"},
		{"at 10; 1: always=2 always=3~10-20; 2:r; 3:r", "1", "",
			"divert 1 always 3; ring 3 20s"},
		{"at 19; 1: always=2 always=3~10-20; 2:r; 3:r", "1", "",
			"divert 1 always 3; ring 3 20s"},
		{"at 20; 1: always=2 always=3~10-20; 2:r; 3:r", "1", "",
			"divert 1 always 2; ring 2 20s"},
		/* Alone. */
		{"at 9; 1:r always=2~10-20; 2:r", "1", "", "ring 1 20s"},
		{"at 10; 1:r always=2~10-20; 2:r", "1", "",
			"divert 1 always 2; ring 2 20s"},
		{"at 20; 1:r always=2~10-20; 2:r", "1", "", "ring 1 20s"},
		{"at 9; 1:r always=2~10-0; 2:r", "1", "", "ring 1 20s"},
		{"at 1000; 1:r always=2~10-0; 2:r", "1", "",
			"divert 1 always 2; ring 2 20s"},
		{"at 1; 1:r always=2~0-20; 2:r", "1", "",
			"divert 1 always 2; ring 2 20s"},
		/* Each condition; the ringing time is the rule's own. */
		{"at 15; 1:r busy=2 busy=3~10-20; 2:r; 3:r", "1", "b",
			"ring 1 20s; divert 1 busy 3; ring 3 20s"},
		{"at 15; 1:r no-answer=2/5s no-answer=3/7s~10-20; 2:r; 3:r",
			"1", "n",
			"ring 1 7s; divert 1 no-answer 3; ring 3 20s"},
		{"at 25; 1:r no-answer=2/5s no-answer=3/7s~10-20; 2:r; 3:r",
			"1", "n",
			"ring 1 5s; divert 1 no-answer 2; ring 2 20s"},
		{"at 15; 1: offline=2 offline=voicemail~10-20; 2:r", "1", "",
			"divert 1 offline voicemail; "
			"send 1 sip:vm-1@vm.example"},
		/* Another condition's time does not matter. */
		{"at 25; 1: always=2~10-20 offline=voicemail; 2:r", "1", "",
			"divert 1 offline voicemail; "
			"send 1 sip:vm-1@vm.example"},
		/* In front of a default, and off. */
		{"at 15; 1: offline=2~10-20; 2:r; *: offline=voicemail", "1",
			"", "divert 1 offline 2; ring 2 20s"},
		{"at 25; 1: offline=2~10-20; 2:r; *: offline=voicemail", "1",
			"",
			"divert 1 offline voicemail default; "
			"send 1 sip:vm-1@vm.example"},
		{"at 15; 1: always=2 -always=3~10-20; 2:r; 3:r", "1", "",
			"divert 1 always 2; ring 2 20s"},
		{"at 15; 1: -always=2 always=3~10-20; 2:r; 3:r", "1", "",
			"divert 1 always 3; ring 3 20s"},
		{"at 25; 1:r -always=2 always=3~10-20; 2:r; 3:r", "1", "",
			"ring 1 20s"},
		/* Along a chain. */
		{"at 16; 1: always=2~10-20; 2: always=3~15-30; 2:r; 3:r", "1",
			"", "divert 1 always 2; divert 2 always 3; ring 3 20s"},
		/* Two of different times are no loop. */
		{"at 15; 1:r always=2~10-20; 2:r always=1~30-40", "1", "",
			"divert 1 always 2; ring 2 20s"},
		{"at 35; 1:r always=2~10-20; 2:r always=1~30-40", "2", "",
			"divert 2 always 1; ring 1 20s"},
	};

	CHECK(u, CASES);
}

static void check_targets(struct unit *u)
{
	static const struct route_case CASES[] = {
		{"1001:r always=voicemail", "1001", "",
			"divert 1001 always voicemail; "
			"send 1001 sip:vm-1001@vm.example"},
		{"1001:r always=+14155550123", "1001", "",
			"divert 1001 always +14155550123; "
			"send 1001 sip:+14155550123@trunk.example"},
		{"1001:r always=sip:bob@b.example:5070;transport=tcp", "1001",
			"",
			"divert 1001 always "
			"sip:bob@b.example:5070;transport=tcp; "
			"send 1001 sip:bob@b.example:5070;transport=tcp"},
		{"1001:r always=sips:bob@b.example", "1001", "",
			"divert 1001 always sips:bob@b.example; "
			"send 1001 sips:bob@b.example"},
		{"1001:r always=reject", "1001", "",
			"divert 1001 always reject; "
			"refuse 1001 603 (rejected)"},
		{"1001:r busy=reject", "1001", "b",
			"ring 1001 20s; divert 1001 busy reject; "
			"refuse 1001 603 (rejected)"},
		{"1001:; *: offline=reject", "1001", "",
			"divert 1001 offline reject default; "
			"refuse 1001 603 (rejected)"},
		/* Whose mailbox, and who rejects: the one whose rule it is. */
		{"1001:r busy=1002; 1002:r no-answer=voicemail/9s", "1001",
			"bn",
			"ring 1001 20s; divert 1001 busy 1002; ring 1002 9s; "
			"divert 1002 no-answer voicemail; "
			"send 1002 sip:vm-1002@vm.example"},
		{"1001: offline=1002; 1002:r always=reject", "1001", "",
			"divert 1001 offline 1002; divert 1002 always reject; "
			"refuse 1002 603 (rejected)"},
		{"1001: offline=1002; 1002: offline=+4930123456", "1001", "",
			"divert 1001 offline 1002; "
			"divert 1002 offline +4930123456; "
			"send 1002 sip:+4930123456@trunk.example"},
		/* What cannot be used any more. */
		{"bare; 1001:r always=voicemail", "1001", "b",
			"ring 1001 20s (no voicemail); "
			"refuse 1001 486 (no rule)"},
		{"bare; 1001:r busy=+14155550123", "1001", "b",
			"ring 1001 20s; refuse 1001 486 (no gateway)"},
		{"bare; 1001: offline=voicemail", "1001", "",
			"refuse 1001 480 (no voicemail)"},
		{"1001: offline=1002", "1001", "",
			"refuse 1001 480 (not assigned)"},
		{"1001: offline=1002; 1002:x r", "1001", "",
			"refuse 1001 480 (not assigned)"},
		{"1001:r always=1002", "1001", "n",
			"ring 1001 20s (not assigned); "
			"refuse 1001 480 (no rule)"},
		{"1001: offline=1002; 1002:r busy=1003 no-answer=1004/8s; "
		 "1004:r",
			"1001", "b",
			"divert 1001 offline 1002; ring 1002 8s; "
			"refuse 1002 486 (not assigned)"},
		{"1001:r busy=bob", "1001", "b",
			"ring 1001 20s; refuse 1001 486 (malformed target)"},
		/* always passed over: then what comes next. */
		{"1001: always=1002 offline=voicemail", "1001", "",
			"divert 1001 offline voicemail (not assigned); "
			"send 1001 sip:vm-1001@vm.example"},
		{"bare; 1001: always=voicemail offline=1009", "1001", "",
			"refuse 1001 480 (not assigned)"},
		{"bare; 1001: always=voicemail", "1001", "",
			"refuse 1001 480 (no voicemail)"},
		{"1001:r always=1002 no-answer=voicemail/6s", "1001", "n",
			"ring 1001 6s (not assigned); "
			"divert 1001 no-answer voicemail; "
			"send 1001 sip:vm-1001@vm.example"},
	};

	CHECK(u, CASES);
}

static void check_chains(struct unit *u)
{
	static const struct route_case CASES[] = {
		{"1: always=2; 2:r busy=3; 3:r no-answer=4/9s; 4: offline=5; "
		 "5:r",
			"1", "bn",
			"divert 1 always 2; ring 2 20s; divert 2 busy 3; "
			"ring 3 9s; divert 3 no-answer 4; "
			"divert 4 offline 5; ring 5 20s"},
		/* The rules of those before are not returned to. */
		{"1:r busy=2 no-answer=voicemail/5s; 2:r", "1", "bn",
			"ring 1 5s; divert 1 busy 2; ring 2 20s; "
			"refuse 2 480 (no rule)"},
		/* A number never twice. */
		{"1:r always=1", "1", "", "ring 1 20s (loop)"},
		{"1:r busy=1", "1", "b", "ring 1 20s; refuse 1 486 (loop)"},
		{"1: offline=1", "1", "", "refuse 1 480 (loop)"},
		{"1: always=2; 2:r always=1", "1", "b",
			"divert 1 always 2; ring 2 20s (loop); "
			"refuse 2 486 (no rule)"},
		{"1:r busy=2; 2:r busy=1", "1", "bb",
			"ring 1 20s; divert 1 busy 2; ring 2 20s; "
			"refuse 2 486 (loop)"},
		{"1:r busy=2; 2:r no-answer=1/4s", "1", "bn",
			"ring 1 20s; divert 1 busy 2; ring 2 4s; "
			"refuse 2 480 (loop)"},
		{"1: offline=2; 2: always=1 offline=3; 3:r", "1", "",
			"divert 1 offline 2; divert 2 offline 3 (loop); "
			"ring 3 20s"},
		{"1: always=2; 2: always=3; 3: always=2 offline=1", "1", "",
			"divert 1 always 2; divert 2 always 3; "
			"refuse 3 480 (loop)"},
		{"1:; 9: offline=1; *: offline=9", "1", "",
			"divert 1 offline 9 default; refuse 9 480 (loop)"},
		/* 01 is not 1. */
		{"1: always=01; 01:r", "1", "",
			"divert 1 always 01; ring 01 20s"},
	};

	CHECK(u, CASES);
}

#define FIVE "1: always=2; 2: always=3; 3: always=4; 4: always=5; 5: always=6; "
#define FIVE_STEPS                                                  \
	"divert 1 always 2; divert 2 always 3; divert 3 always 4; " \
	"divert 4 always 5; divert 5 always 6; "

static void check_limit(struct unit *u)
{
	static const struct route_case CASES[] = {
		{FIVE "6:r", "1", "", FIVE_STEPS "ring 6 20s"},
		{FIVE "6:r always=7; 7:r", "1", "b",
			FIVE_STEPS "ring 6 20s (too many diversions); "
				   "refuse 6 486 (no rule)"},
		{FIVE "6:r busy=7; 7:r", "1", "b",
			FIVE_STEPS "ring 6 20s; "
				   "refuse 6 486 (too many diversions)"},
		{FIVE "6:r no-answer=voicemail/5s", "1", "n",
			FIVE_STEPS "ring 6 5s; "
				   "refuse 6 480 (too many diversions)"},
		{FIVE "6: offline=+4930123456", "1", "",
			FIVE_STEPS "refuse 6 480 (too many diversions)"},
		{FIVE "6: offline=sip:bob@b.example", "1", "",
			FIVE_STEPS "refuse 6 480 (too many diversions)"},
		{FIVE "6: offline=3", "1", "",
			FIVE_STEPS "refuse 6 480 (loop)"},
		/* To reject is no diversion. */
		{FIVE "6:r always=reject", "1", "",
			FIVE_STEPS "divert 6 always reject; "
				   "refuse 6 603 (rejected)"},
		/* The fifth may lead anywhere. */
		{FIVE "6:r always=7; 7:r", "2", "",
			"divert 2 always 3; divert 3 always 4; "
			"divert 4 always 5; divert 5 always 6; "
			"divert 6 always 7; ring 7 20s"},
		{FIVE "6: offline=voicemail", "2", "",
			"divert 2 always 3; divert 3 always 4; "
			"divert 4 always 5; divert 5 always 6; "
			"divert 6 offline voicemail; "
			"send 6 sip:vm-6@vm.example"},
		/* What is passed over does not count. */
		{"1: always=9 offline=2; 2: always=9 offline=3; "
		 "3: always=9 offline=4; 4: offline=5; 5: offline=6; 6:r",
			"1", "",
			"divert 1 offline 2 (not assigned); "
			"divert 2 offline 3 (not assigned); "
			"divert 3 offline 4 (not assigned); "
			"divert 4 offline 5; divert 5 offline 6; ring 6 20s"},
	};

	CHECK(u, CASES);
}

/* ---- URIs of voicemail and gateway ------------------------------------- */

static void check_uris(struct unit *u)
{
	static const struct {
		const char *target, *uri; /* the target, the tenant's URI */
		const char *expected;
	} cases[] = {
		{"voicemail", "sip:vm-{number}@vm.example",
			"sip:vm-1001@vm.example"},
		{"voicemail", "sip:{number}@vm.example:5070;transport=tcp",
			"sip:1001@vm.example:5070;transport=tcp"},
		{"voicemail", "sips:vm@vm.example;box={number}",
			"sips:vm@vm.example;box=1001"},
		{"voicemail", "sip:{number}{number}@vm.example;n={number}",
			"sip:10011001@vm.example;n=1001"},
		{"voicemail", "sip:vm@[2001:db8::10]", "sip:vm@[2001:db8::10]"},
		{"voicemail", "sip:%d%s{number}@vm.example",
			"sip:%d%s1001@vm.example"},
		{"+4930", "sip:trunk.example", "sip:+4930@trunk.example"},
		{"+4930", "sip:trunk.example:5070",
			"sip:+4930@trunk.example:5070"},
		{"+4930", "sip:trunk.example;transport=tcp;lr",
			"sip:+4930@trunk.example;transport=tcp;lr"},
		{"+4930", "sips:trunk.example:5061;a=b",
			"sips:+4930@trunk.example:5061;a=b"},
		{"+4930", "SIP:TRUNK.example", "SIP:+4930@TRUNK.example"},
		{"+4930", "sip:acme@trunk.example", "sip:+4930@trunk.example"},
		{"+4930", "sip:acme:secret@trunk.example:5070;lr",
			"sip:+4930@trunk.example:5070;lr"},
		{"+4930", "sip:[2001:db8::10]:5070",
			"sip:+4930@[2001:db8::10]:5070"},
		{"+4930", "sip:trunk.example?X=y",
			"sip:+4930@trunk.example?X=y"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char uri[SP_TARGET_SIZE], world[128], expected[2048], got[2048];
		struct sp_tenant tenant = {.voicemail = uri, .gateway = uri};
		struct world w = {.text = world}, *arg = &w;
		struct sp_route route;

		snprintf(uri, sizeof uri, "%s", cases[i].uri);
		snprintf(world, sizeof world, "1001: always=%s",
			cases[i].target);
		snprintf(expected, sizeof expected,
			"divert 1001 always %s; send 1001 %s", cases[i].target,
			cases[i].expected);
		sp_route_begin(&route, &tenant, "1001", ask, &arg);
		follow(u, &route, "", got, sizeof got);
		unit_str(u, got, expected, cases[i].uri);
	}
}

/* The longest URI that can be a target, and one more byte. */
static void check_long_uris(struct unit *u)
{
	static const struct {
		const char *target, *begin; /* of the tenant's URI, then aaa */
		size_t len;                 /* of all of it */
		bool fits;
	} cases[] = {
		/* {number} becomes 1001: four bytes less. */
		{"voicemail", "sip:{number}@", 259, true},
		{"voicemail", "sip:{number}@", 260, false},
		{"voicemail", "sip:{number}-{number}@", 263, true},
		{"voicemail", "sip:{number}-{number}@", 264, false},
		{"voicemail", "sip:", 255, true},
		{"voicemail", "sip:", 256, false},
		{"voicemail", "sip:", 500, false},
		/* +4930@ is put in. */
		{"+4930", "sip:", 249, true},
		{"+4930", "sip:", 250, false},
		{"+4930", "sip:", 500, false},
		/* +4930 in place of trunk. */
		{"+4930", "sip:trunk@", 255, true},
		{"+4930", "sip:trunk@", 256, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char uri[512], world[128];
		struct sp_tenant tenant = {.voicemail = uri, .gateway = uri};
		struct world w = {.text = world}, *arg = &w;
		struct sp_route_step step;
		struct sp_route route;
		struct sp_err err;

		memset(uri, 'a', sizeof uri);
		memcpy(uri, cases[i].begin, strlen(cases[i].begin));
		uri[cases[i].len] = '\0';
		snprintf(world, sizeof world, "1001: always=%s",
			cases[i].target);
		sp_route_begin(&route, &tenant, "1001", ask, &arg);
		sp_route_next(&route, SP_ROUTE_START, &step, &err);
		unit_str(u, step.why, cases[i].fits ? "" : "URI too long",
			cases[i].begin);
		unit_str(u, sp_route_action_name(step.action),
			cases[i].fits ? "divert" : "refuse", "  its step");
		if (!cases[i].fits)
			continue;
		sp_route_next(&route, SP_ROUTE_START, &step, &err);
		unit_int(u, (int64_t)strlen(step.target), SP_TARGET_SIZE - 1,
			"  its length");
	}
}

/* ---- asking ------------------------------------------------------------ */

/* Only numbers on the way are looked up, each once. */
static void check_asked(struct unit *u)
{
	static const struct {
		const char *world, *dialled, *outcomes, *asked;
	} cases[] = {
		{"1:r busy=2 no-answer=3/5s offline=4", "1", "", "1"},
		{"1:r busy=2 no-answer=3/5s offline=4; 3:r busy=5", "1", "n",
			"1 3"},
		{"1: always=2 offline=3; 2: offline=4; 4:r", "1", "", "1 2 4"},
		{"1: always=2 offline=3; 3:r", "1", "", "1 2 3"},
		{"1: always=2; 2: always=1", "1", "", "1 2"},
		{FIVE "6:r busy=7; 7:r", "1", "b", "1 2 3 4 5 6"},
		{"1: always=voicemail", "1", "", "1"},
		{"1:r", "2", "", "2"},
		{"1:r", "+4930", "", ""},
		{"1:r", "asmith", "", ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_tenant tenant = {.voicemail = VOICEMAIL,
			.gateway = GATEWAY};
		struct world w = {.text = cases[i].world}, *arg = &w;
		struct sp_route route;
		char steps[2048];

		sp_route_begin(&route, &tenant, cases[i].dialled, ask, &arg);
		follow(u, &route, cases[i].outcomes, steps, sizeof steps);
		unit_str(u, w.asked, cases[i].asked, cases[i].world);
	}
}

/* An error changes nothing: the step can be asked for again. */
static void check_errors(struct unit *u)
{
	static const struct {
		const char *world, *fails_at, *steps;
		int ok; /* steps before the error */
		enum sp_route_outcome outcome;
	} cases[] = {
		{"1:r", "1", "ring 1 20s", 0, SP_ROUTE_START},
		{"1:r always=2; 2:r", "2", "divert 1 always 2; ring 2 20s", 0,
			SP_ROUTE_START},
		{"1: always=3 offline=2; 2:r", "2",
			"divert 1 offline 2 (not assigned); ring 2 20s", 0,
			SP_ROUTE_START},
		{"1: always=2; 2: offline=3; 3:r", "3",
			"divert 2 offline 3; ring 3 20s", 1, SP_ROUTE_START},
		{"1:r busy=2; 2:r", "2", "divert 1 busy 2; ring 2 20s", 1,
			SP_ROUTE_BUSY},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_tenant tenant = {.domain = NULL};
		struct world w = {.text = cases[i].world,
				     .fails_at = cases[i].fails_at},
			     *arg = &w;
		enum sp_route_outcome outcome = SP_ROUTE_START;
		struct sp_route_step step;
		struct sp_route route;
		struct sp_err err = {.msg = ""};
		char expected[64], rest[2048] = "";

		sp_route_begin(&route, &tenant, "1", ask, &arg);
		for (int k = 0; k < cases[i].ok; k++)
			unit_int(u, sp_route_next(&route, outcome, &step, &err),
				1, "a step before the error");
		outcome = cases[i].outcome;
		for (int k = 0; k < 2; k++)
			unit_int(u, sp_route_next(&route, outcome, &step, &err),
				-1, cases[i].world);
		snprintf(expected, sizeof expected, "no time for '%s'",
			cases[i].fails_at);
		unit_str(u, err.msg, expected, "  its error");
		w.fails_at = NULL;
		unit_int(u, sp_route_next(&route, outcome, &step, &err), 1,
			"  again");
		put_step(&step, rest, sizeof rest);
		if (step.action != SP_ROUTE_RING) {
			sp_route_next(&route, SP_ROUTE_START, &step, &err);
			put_step(&step, rest, sizeof rest);
		}
		unit_str(u, rest, cases[i].steps, "  as if nothing had been");
	}
}

int main(void)
{
	struct unit u = {0};

	check_dialled(&u);
	check_conditions(&u);
	check_defaults(&u);
	check_windows(&u);
	check_targets(&u);
	check_chains(&u);
	check_limit(&u);
	check_uris(&u);
	check_long_uris(&u);
	check_asked(&u);
	check_errors(&u);
	return unit_done(&u);
}
