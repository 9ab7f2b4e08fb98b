/* cmd/sp-register/transaction: which request belongs to which transaction. */
#include "tests/unit/transaction.h"

static const char MODERN[] = "192.0.2.1:5070;branch=z9hG4bKone";
static const char OLD[] = "192.0.2.1:5070;branch=1";

/* Against a first request with that Via. */
struct sample {
	const char *name;
	struct recipe second;
	enum transaction_match expected;
};

/* ---- RFC 3261 ----------------------------------------------------------- */

static const struct sample MODERN_ONES[] = {
	{"the same", {.via = MODERN}, MATCH_ABSORBED},
	{"all else another (the branch is what counts)",
		{.via = MODERN,
			.uri = "sip:z@x.example",
			.call_id = "c2",
			.cseq = 9,
			.from_tag = "a2",
			.to_tag = "b2"},
		MATCH_ABSORBED},
	{"other parameters of Via",
		{.via = "192.0.2.1:5070;rport;branch=z9hG4bKone;x=y"},
		MATCH_ABSORBED},
	{"another branch", {.via = "192.0.2.1:5070;branch=z9hG4bKONE"},
		MATCH_MERGED},
	{"another port", {.via = "192.0.2.1:5071;branch=z9hG4bKone"},
		MATCH_MERGED},
	{"no port", {.via = "192.0.2.1;branch=z9hG4bKone"}, MATCH_MERGED},
	{"another host", {.via = "192.0.2.2:5070;branch=z9hG4bKone"},
		MATCH_MERGED},
	{"the branch of another method", {.method = "OPTIONS", .via = MODERN},
		MATCH_NONE},
	{"a CANCEL", {.method = "CANCEL", .via = MODERN}, MATCH_NONE},
	{"an ACK", {.method = "ACK", .via = MODERN}, MATCH_ABSORBED},
	{"an ACK with another branch",
		{.method = "ACK", .via = "192.0.2.1:5070;branch=z9hG4bKtwo"},
		MATCH_NONE},
};

/* ---- RFC 2543 ----------------------------------------------------------- */

static const struct sample OLD_ONES[] = {
	{"old: the same", {.via = OLD}, MATCH_ABSORBED},
	{"old: another Request-URI", {.via = OLD, .uri = "sip:z@x.example"},
		MATCH_NONE},
	{"old: a To tag", {.via = OLD, .to_tag = "b1"}, MATCH_NONE},
	{"old: another From tag", {.via = OLD, .from_tag = "a2"}, MATCH_NONE},
	{"old: another Call-ID", {.via = OLD, .call_id = "c2"}, MATCH_NONE},
	{"old: another CSeq", {.via = OLD, .cseq = 2}, MATCH_NONE},
	{"old: another Via", {.via = "192.0.2.1:5070;branch=2"}, MATCH_MERGED},
	{"old: another method", {.method = "BYE", .via = OLD}, MATCH_NONE},
	{"old: an ACK without the response's tag",
		{.method = "ACK", .via = OLD}, MATCH_NONE},
	{"old: an ACK with another tag",
		{.method = "ACK", .via = OLD, .to_tag = "b2"}, MATCH_NONE},
	{"old: an ACK with the response's tag",
		{.method = "ACK", .via = OLD, .to_tag = "b1"}, MATCH_ABSORBED},
};

/* The first is an INVITE that was refused with the tag b1. */
static void check_samples(struct unit *u, const struct sample *samples,
	size_t n, const char *via)
{
	for (size_t i = 0; i < n; i++) {
		struct transaction *t;
		struct stage s;

		stage_open(&s, u, SP_UDP);
		t = stage_serve(&s, &(struct recipe){.via = via});
		stage_respond(&s, t, 486, "b1");
		unit_int(u, stage_take(&s, &samples[i].second),
			samples[i].expected, samples[i].name);
		stage_close(&s);
	}
}

/* Without a branch, and with the cookie alone (RFC 4475 §3.2.1), they are told
 * apart as the old ones are. */
static void check_no_branch(struct unit *u)
{
	static const char *const VIAS[] = {"192.0.2.1",
		"192.0.2.1;branch=z9hG4bK"};

	for (int i = 0; i < 2; i++) {
		struct recipe first = {.via = VIAS[i]}, second = first;
		struct stage s;

		second.call_id = "c2";
		stage_open(&s, u, SP_UDP);
		stage_serve(&s, &first);
		unit_int(u, stage_take(&s, &first), MATCH_ABSORBED, VIAS[i]);
		unit_int(u, stage_take(&s, &second), MATCH_NONE,
			"  another call");
		stage_close(&s);
	}
}

/* By the old rules two that differ in the To tag only are two. */
static void check_old_tags(struct unit *u)
{
	struct recipe first = {.via = OLD},
		      second = {.via = OLD, .to_tag = "b9"};
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_respond(&s, stage_serve(&s, &first), 180, "b1");
	stage_serve(&s, &second);
	s.happened[0] = '\0';
	stage_take(&s, &second);
	stage_expect(&s, "", "old: the one with a To tag has no response");
	stage_take(&s, &first);
	stage_expect(&s, "send 180", "  that without has one");
	stage_close(&s);
}

/* The ACK of a 2xx is nobody's but the callee's. */
static void check_old_2xx(struct unit *u)
{
	struct recipe ack = {.method = "ACK", .via = OLD, .to_tag = "b1"};
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_respond(&s, stage_serve(&s, &(struct recipe){.via = OLD}), 200,
		"b1");
	unit_int(u, stage_take(&s, &ack), MATCH_NONE, "old: the ACK of a 2xx");
	stage_close(&s);
}

/* ---- sent-by ------------------------------------------------------------ */

static void check_sent_by(struct unit *u)
{
	static const struct {
		const char *first, *second;
		enum transaction_match expected;
	} PAIRS[] = {
		{"Phone.Example;branch=z9hG4bKa",
			"pHONE.eXAMPLE:5060;branch=z9hG4bKa", MATCH_ABSORBED},
		{"[2001:db8::A]:5062;branch=z9hG4bKa",
			"[2001:DB8::a]:5062;branch=z9hG4bKa", MATCH_ABSORBED},
		{"phone.example;branch=z9hG4bKa",
			"phone.example:5061;branch=z9hG4bKa", MATCH_MERGED},
		{"phone.example;branch=z9hG4bKa",
			"phone.example.;branch=z9hG4bKa", MATCH_MERGED},
	};

	for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
		struct recipe second = {.via = PAIRS[i].second};
		struct stage s;

		stage_open(&s, u, SP_UDP);
		stage_serve(&s, &(struct recipe){.via = PAIRS[i].first});
		unit_int(u, stage_take(&s, &second), PAIRS[i].expected,
			PAIRS[i].second);
		stage_close(&s);
	}
}

/* ---- merged requests ---------------------------------------------------- */

static void check_merged(struct unit *u)
{
	static const char TWO[] = "192.0.2.1:5070;branch=z9hG4bKtwo";
	static const struct sample SAMPLES[] = {
		{"merged", {.method = "MESSAGE", .via = TWO}, MATCH_MERGED},
		{"merged: not with a To tag",
			{.method = "MESSAGE", .via = TWO, .to_tag = "b1"},
			MATCH_NONE},
		{"merged: not with another From tag",
			{.method = "MESSAGE", .via = TWO, .from_tag = "a2"},
			MATCH_NONE},
		{"merged: not with another Call-ID",
			{.method = "MESSAGE", .via = TWO, .call_id = "c2"},
			MATCH_NONE},
		{"merged: not with another CSeq",
			{.method = "MESSAGE", .via = TWO, .cseq = 2},
			MATCH_NONE},
		{"merged: not with another method",
			{.method = "OPTIONS", .via = TWO}, MATCH_NONE},
		{"merged: not with another Request-URI",
			{.method = "MESSAGE",
				.via = TWO,
				.uri = "sip:z@x.example"},
			MATCH_NONE},
	};
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_respond(&s,
		stage_serve(&s, &(struct recipe){.method = "MESSAGE"}), 200,
		"b1");
	for (size_t i = 0; i < sizeof SAMPLES / sizeof SAMPLES[0]; i++)
		unit_int(u, stage_take(&s, &SAMPLES[i].second),
			SAMPLES[i].expected, SAMPLES[i].name);
	stage_pass(&s, 33000);
	unit_int(u, stage_take(&s, &SAMPLES[0].second), MATCH_NONE,
		"merged: not when the other is over");
	stage_serve(&s, &(struct recipe){.method = "MESSAGE", .to_tag = "b1"});
	unit_int(u, stage_take(&s, &SAMPLES[0].second), MATCH_NONE,
		"merged: not with one that has a To tag");
	stage_close(&s);
}

/* One that has ended over TCP is not freed yet, but merges with nothing. */
static void check_terminated(struct unit *u)
{
	struct recipe second = {.method = "BYE",
		.via = "192.0.2.3;branch=z9hG4bKb"};
	struct stage s;

	stage_open(&s, u, SP_TCP);
	stage_respond(&s, stage_serve(&s, &(struct recipe){.method = "BYE"}),
		200, "b1");
	unit_int(u, transactions_count(s.all), 1, "terminated, and there");
	unit_int(u, stage_take(&s, &(struct recipe){.method = "BYE"}),
		MATCH_NONE, "  absorbs nothing");
	unit_int(u, stage_take(&s, &second), MATCH_NONE, "  merges nothing");
	stage_close(&s);
}

/* ---- CANCEL ------------------------------------------------------------- */

static struct transaction *find(struct stage *s, const struct recipe *r)
{
	struct letter letter;

	letter_request(&letter, r);
	return transactions_find_invite(s->all, &letter.message, &letter.via);
}

static void check_cancel(struct unit *u, const char *via)
{
	struct recipe cancel = {.method = "CANCEL", .via = via};
	struct transaction *invite, *t;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	unit_ok(u, find(&s, &cancel) == NULL, "CANCEL of nothing: %s", via);
	stage_serve(&s, &(struct recipe){.method = "OPTIONS", .via = via});
	unit_ok(u, find(&s, &cancel) == NULL, "  not of an OPTIONS");
	invite = stage_serve(&s, &(struct recipe){.via = via});
	unit_ok(u, find(&s, &cancel) == invite, "  it finds its INVITE");
	unit_int(u, stage_take(&s, &cancel), MATCH_NONE, "  and is new");
	t = stage_serve(&s, &cancel);
	unit_int(u, transaction_kind(t), OTHER_SERVER, "  of its own kind");
	stage_respond(&s, t, 200, "b1");
	s.happened[0] = '\0';
	unit_int(u, stage_take(&s, &cancel), MATCH_ABSORBED, "  comes again");
	stage_expect(&s, "send 200", "  and is answered again");
	stage_respond(&s, invite, 487, "b1");
	cancel.via = "192.0.2.77;branch=z9hG4bKother";
	unit_ok(u, find(&s, &cancel) == NULL, "  another finds nothing");
	unit_int(u, stage_take(&s, &cancel), MATCH_NONE,
		"  and is not merged with it");
	stage_close(&s);
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_samples(&u, MODERN_ONES,
		sizeof MODERN_ONES / sizeof MODERN_ONES[0], MODERN);
	check_samples(&u, OLD_ONES, sizeof OLD_ONES / sizeof OLD_ONES[0], OLD);
	check_no_branch(&u);
	check_old_tags(&u);
	check_old_2xx(&u);
	check_sent_by(&u);
	check_merged(&u);
	check_terminated(&u);
	check_cancel(&u, MODERN);
	check_cancel(&u, OLD);
	return unit_done(&u);
}
