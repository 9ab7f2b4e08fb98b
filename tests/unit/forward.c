/* lib/forward: targets, conditions, loops, the text of rules; without a
 * database. */
#include "lib/forward_loop.h"

#include "tests/unit/world.h"

/* ---- targets and conditions -------------------------------------------- */

static void check_targets(struct unit *u)
{
	static const struct {
		const char *target;
		enum sp_target_kind kind;
	} cases[] = {
		{"1002", SP_TARGET_EXTENSION},
		{"0", SP_TARGET_EXTENSION},
		{"0100", SP_TARGET_EXTENSION},
		{"999999999999999", SP_TARGET_EXTENSION},
		{"voicemail", SP_TARGET_VOICEMAIL},
		{"reject", SP_TARGET_REJECT},
		{"+123", SP_TARGET_EXTERNAL},
		{"+14155550123", SP_TARGET_EXTERNAL},
		{"+123456789012345", SP_TARGET_EXTERNAL},
		{"sip:acme.example", SP_TARGET_URI},
		{"sip:bob@acme.example", SP_TARGET_URI},
		{"SIP:bob@acme.example", SP_TARGET_URI},
		{"sips:bob@acme.example", SP_TARGET_URI},
		{"sip:bob:secret@acme.example", SP_TARGET_URI},
		{"sip:bob@192.0.2.4:5070", SP_TARGET_URI},
		{"sip:bob@[2001:db8::10]", SP_TARGET_URI},
		{"sip:[::1]:5060;transport=udp", SP_TARGET_URI},
		{"sip:a;b=c@acme.example;x?subject=y", SP_TARGET_URI},
		{"sip:+14155550123@gw.example;user=phone", SP_TARGET_URI},
		{"sip:bob%20b@acme.example", SP_TARGET_URI},
		{"sip:acme.example?a=b", SP_TARGET_URI},
		{"", SP_TARGET_MALFORMED},
		{" ", SP_TARGET_MALFORMED},
		{"Voicemail", SP_TARGET_MALFORMED},
		{"voicemail ", SP_TARGET_MALFORMED},
		{"rejected", SP_TARGET_MALFORMED},
		{"10a2", SP_TARGET_MALFORMED},
		{"-1002", SP_TARGET_MALFORMED},
		{"1002 ", SP_TARGET_MALFORMED},
		{"1000000000000000", SP_TARGET_MALFORMED},
		{"+", SP_TARGET_MALFORMED},
		{"+12", SP_TARGET_MALFORMED},
		{"+1234567890123456", SP_TARGET_MALFORMED},
		{"+1 415 555 0123", SP_TARGET_MALFORMED},
		{"++14155550123", SP_TARGET_MALFORMED},
		{"asmith", SP_TARGET_MALFORMED},
		{"bob@acme.example", SP_TARGET_MALFORMED},
		{"tel:+14155550123", SP_TARGET_MALFORMED},
		{"sipfoo:bob@acme.example", SP_TARGET_MALFORMED},
		{"sip", SP_TARGET_MALFORMED},
		{"sip:", SP_TARGET_MALFORMED},
		{"sip:@", SP_TARGET_MALFORMED},
		{"sip:@acme.example", SP_TARGET_MALFORMED},
		{"sip:bob@", SP_TARGET_MALFORMED},
		{"sip:bob@@acme.example", SP_TARGET_MALFORMED},
		{"sip:bob@acme@example", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example:", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example:0", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example:65536", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example:5060x", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example:000005060", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example/x", SP_TARGET_MALFORMED},
		{"sip:bob@-acme.example", SP_TARGET_MALFORMED},
		{"sip:bob@[::1", SP_TARGET_MALFORMED},
		{"sip:bob@[::1]x", SP_TARGET_MALFORMED},
		{"sip:bob@::1", SP_TARGET_MALFORMED},
		{"sip:bob b@acme.example", SP_TARGET_MALFORMED},
		{"sip:bob@acme.example\r\nX: y", SP_TARGET_MALFORMED},
		{"sip:b\xc3\xb6"
		 "b@acme.example",
			SP_TARGET_MALFORMED},
		{"<sip:bob@acme.example>", SP_TARGET_MALFORMED},
		{"sip:bob>@acme.example", SP_TARGET_MALFORMED},
		{"sip:\"bob\"@acme.example", SP_TARGET_MALFORMED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_int(u, sp_target_kind(cases[i].target), cases[i].kind,
			cases[i].target);
}

/* What the configuration has to say to a target. */
static void check_allowed(struct unit *u)
{
	static const struct {
		const char *target, *error; /* NULL: it can be one */
	} cases[] = {
		{"1002", NULL},
		{"reject", NULL},
		{"sip:bob@b.example", NULL},
		{"2000", "target '2000' is not in the pool of 'acme.example' "
			 "(1000-1009)"},
		{"01002", "target '01002' is not in the pool of 'acme.example' "
			  "(1000-1009)"},
		{"voicemail", "target 'voicemail': 'acme.example' has no "
			      "voicemail: in its configuration"},
		{"+14155550123", "target '+14155550123': 'acme.example' has "
				 "no gateway: in its configuration"},
		{"asmith", "'asmith' is not a target (an extension, "
			   "voicemail, reject, +NUMBER or a sip: URI)"},
	};
	char uri[SP_TARGET_SIZE + 1] = "sip:";
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		w.err.msg[0] = '\0';
		unit_int(u, sp_target_check(&w.tenant, cases[i].target, &w.err),
			cases[i].error == NULL ? 0 : -1, cases[i].target);
		unit_str(u, w.err.msg,
			cases[i].error == NULL ? "" : cases[i].error,
			"  its error");
	}
	memset(uri + 4, 'a', SP_TARGET_SIZE - 5);
	memcpy(uri + 200, "@b", 2);
	unit_int(u, sp_target_check(&w.tenant, uri, &w.err), 0,
		"a URI of 255 bytes");
	strcat(uri, "a");
	unit_int(u, sp_target_check(&w.tenant, uri, &w.err), -1, "of 256");
	w.tenant.voicemail = strdup("sip:vm-{number}@vm.example");
	w.tenant.gateway = strdup("sip:gw.example");
	unit_int(u, sp_target_check(&w.tenant, "voicemail", &w.err), 0,
		"voicemail, where there is one");
	unit_int(u, sp_target_check(&w.tenant, "+14155550123", &w.err), 0,
		"an external number, where there is a gateway");
	world_close(&w);
}

static void check_conditions(struct unit *u)
{
	static const char *const NAMES[] = {"always", "busy", "no-answer",
		"offline"};
	static const char *const OTHERS[] = {"", "Always", "no_answer",
		"noanswer", "busy ", "always,busy", "unconditional"};
	enum sp_condition c;

	for (int i = 0; i < SP_N_CONDITIONS; i++) {
		c = SP_N_CONDITIONS;
		unit_str(u, sp_condition_name((enum sp_condition)i), NAMES[i],
			NAMES[i]);
		unit_ok(u, sp_condition_parse(NAMES[i], &c) && (int)c == i,
			"  and back");
	}
	for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
		unit_ok(u, !sp_condition_parse(OTHERS[i], &c),
			"'%s' is no condition", OTHERS[i]);
}

/* ---- loops over literal graphs ----------------------------------------- */

/* A graph as a text: "1:2,3 2:4" lets 1 forward to 2 and to 3, and 2 to 4. */
static int next_in_text(const void *arg, const char *number,
	char next[][SP_NUMBER_SIZE], int *n, struct sp_err *err)
{
	const char *p = arg;
	size_t len = strlen(number);

	(void)err;
	*n = 0;
	while (p != NULL && (strncmp(p, number, len) != 0 || p[len] != ':')) {
		p = strchr(p, ' ');
		p = p == NULL ? NULL : p + 1;
	}
	if (p == NULL)
		return 0;
	for (p += len; *p == ':' || *p == ','; p += strcspn(p, ", ")) {
		p++;
		snprintf(next[(*n)++], SP_NUMBER_SIZE, "%.*s",
			(int)strcspn(p, ", "), p);
	}
	return 0;
}

static void check_loops(struct unit *u)
{
	static const struct {
		const char *number, *target, *graph;
		const char *path; /* NULL: no loop */
	} cases[] = {
		{"1", "1", "", "1 -> 1"},
		{"1", "1", "1:2 2:1", "1 -> 1"},
		{"1", "2", "", NULL},
		{"1", "2", "2:1", "1 -> 2 -> 1"},
		{"1", "2", "2:3 3:1", "1 -> 2 -> 3 -> 1"},
		{"1", "2", "2:3 3:4", NULL},
		{"1", "2", "2:12", NULL},
		{"1", "01", "", NULL},
		/* More than one condition leads on. */
		{"1", "2", "2:3,4,5,1", "1 -> 2 -> 1"},
		{"1", "2", "2:3,4 3:5 4:6 6:1", "1 -> 2 -> 4 -> 6 -> 1"},
		{"1", "2", "2:3,4,5,6 6:7,8,9,1", "1 -> 2 -> 6 -> 1"},
		/* The shortest way is told. */
		{"1", "2", "2:3,5 3:4 4:5 5:1", "1 -> 2 -> 5 -> 1"},
		/* Two ways to one place are no loop. */
		{"1", "2", "2:3,4 3:5 4:5", NULL},
		{"1", "2", "2:3,4 3:5 4:5 5:6", NULL},
		{"1", "2", "2:3,4 3:5 4:5 5:1", "1 -> 2 -> 3 -> 5 -> 1"},
		/* What the number has now is not asked: it is being set. */
		{"1", "2", "1:3 3:1", NULL},
		/* Loops of others: none that this rule closes. */
		{"1", "2", "2:3 3:2", NULL},
		{"1", "2", "2:2", NULL},
		{"1", "2", "2:3 3:4 4:3", NULL},
		{"1", "2", "2:3 3:4 4:3,1", "1 -> 2 -> 3 -> 4 -> 1"},
		{"1", "2", "7:8 8:7", NULL},
		/* Who leads to the number does not matter. */
		{"1", "2", "3:1 4:3", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[64] = "", name[128];
		struct sp_err err;
		int rc = sp_forward_find_loop(cases[i].number, cases[i].target,
			next_in_text, cases[i].graph, path, sizeof path, &err);

		snprintf(name, sizeof name, "%s to %s with %s", cases[i].number,
			cases[i].target, cases[i].graph);
		unit_int(u, rc, cases[i].path != NULL, name);
		unit_str(u, path, cases[i].path == NULL ? "" : cases[i].path,
			"  the path");
	}
}

/* A chain 2 -> 3 -> ... -> N, where N may lead back to 1. */
struct chain {
	int last;
	bool back, fails;
};

static int next_in_chain(const void *arg, const char *number,
	char next[][SP_NUMBER_SIZE], int *n, struct sp_err *err)
{
	const struct chain *chain = arg;
	int i = atoi(number);

	*n = 0;
	if (i == chain->last && chain->fails)
		return sp_err_set(err, SP_IO, "no more of it");
	if (i < chain->last)
		snprintf(next[(*n)++], SP_NUMBER_SIZE, "%d", i + 1);
	else if (i == chain->last && chain->back)
		snprintf(next[(*n)++], SP_NUMBER_SIZE, "1");
	return 0;
}

static void check_chains(struct unit *u)
{
	static const struct {
		struct chain chain;
		int rc;
		const char *text; /* the path, or the error */
	} cases[] = {
		{{10, true, false}, 1,
			"1 -> 2 -> 3 -> 4 -> 5 -> 6 -> 7 -> "
			"8 -> 9 -> 10 -> 1"},
		{{1000, false, false}, 0, ""},
		/* All but the first are behind 1: 4096 of them are in reach. */
		{{SP_FORWARD_REACH, false, false}, 0, ""},
		{{SP_FORWARD_REACH + 1, false, false}, -1,
			"more than 4096 extensions forward behind '2'"},
		{{SP_FORWARD_REACH + 1, true, false}, -1,
			"more than 4096 extensions forward behind '2'"},
		{{20, false, true}, -1, "no more of it"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};
		char path[256] = "", name[64];
		int rc = sp_forward_find_loop("1", "2", next_in_chain,
			&cases[i].chain, path, sizeof path, &err);

		snprintf(name, sizeof name, "a chain of %d%s",
			cases[i].chain.last,
			cases[i].chain.back ? " and back" : "");
		unit_int(u, rc, cases[i].rc, name);
		unit_str(u, rc < 0 ? err.msg : path, cases[i].text,
			"  says so");
	}
}

/* Too long a path keeps both its ends, and no number is cut. */
static void check_long_path(struct unit *u)
{
	static const struct {
		size_t size;
		const char *path;
	} cases[] = {
		{64, "1 -> ... -> 498 -> 499 -> 500 -> 1"},
		{70, "1 -> ... -> 497 -> 498 -> 499 -> 500 -> 1"},
		{90, "1 -> ... -> 494 -> 495 -> 496 -> 497 -> 498 -> 499 -> "
		     "500 -> 1"},
	};
	const struct chain chain = {500, true, false};
	struct sp_err err;
	char path[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sp_forward_find_loop("1", "2", next_in_chain, &chain, path,
			cases[i].size, &err);
		unit_str(u, path, cases[i].path, "a path that is too long");
	}
	for (size_t size = 64; size <= sizeof path; size++) {
		sp_forward_find_loop("1", "2", next_in_chain, &chain, path,
			size, &err);
		if (strncmp(path, "1 -> ... -> ", 12) != 0 ||
			strcmp(path + strlen(path) - 8, "500 -> 1") != 0)
			break;
		if (size == sizeof path)
			unit_ok(u, true, "a path of any size has both ends");
	}
}

/* ---- the text of rules ------------------------------------------------- */

static void check_text(struct unit *u)
{
	static const struct {
		struct sp_rule rules[SP_N_CONDITIONS];
		const char *text;
	} cases[] = {
		{{{.enabled = false}}, ""},
		{{[SP_ALWAYS] = {"1002", 0, true, false, 0, 0}}, "always=1002"},
		{{[SP_BUSY] = {"1002", 0, false, false, 0, 0}}, ""},
		{{[SP_NO_ANSWER] = {"voicemail", 20000, true, true, 0, 0},
			 [SP_OFFLINE] = {"1003", 0, true, false, 0, 0}},
			"no-answer=voicemail/20s offline=1003"},
		{{[SP_ALWAYS] = {"1", 0, true, false, 0, 0},
			 [SP_BUSY] = {"2", 0, true, false, 0, 0},
			 [SP_NO_ANSWER] = {"3", 90000, true, false, 0, 0},
			 [SP_OFFLINE] = {"sip:a@b", 0, true, false, 0, 0}},
			"always=1 busy=2 no-answer=3/90s offline=sip:a@b"},
		{{[SP_ALWAYS] = {"1", 0, false, false, 0, 0},
			 [SP_OFFLINE] = {"reject", 0, true, false, 0, 0}},
			"offline=reject"},
	};
	char text[128], little[12];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sp_forward_text(cases[i].rules, text, sizeof text);
		unit_str(u, text, cases[i].text, "the text of rules");
	}
	sp_forward_text(cases[4].rules, little, sizeof little);
	unit_str(u, little, "always=1 bu", "  cut where it does not fit");
}

int main(void)
{
	struct unit u = {0};

	check_targets(&u);
	check_allowed(&u);
	check_conditions(&u);
	check_loops(&u);
	check_chains(&u);
	check_long_path(&u);
	check_text(&u);
	return unit_done(&u);
}
