/* cmd/sp-register/transaction: what is sent of their own, what does not arrive,
 * and the table as a whole. */
#include "tests/unit/transaction.h"

/* ---- ACK and CANCEL, to the letter -------------------------------------- */

static void expect_text(struct stage *s, const char *format, const char *name)
{
	char expected[STAGE_TEXT], *at;

	snprintf(expected, sizeof expected, "%s", format);
	at = strstr(expected, "BRANCH");
	if (at == NULL)
		exit(2);
	snprintf(at, sizeof expected - (size_t)(at - expected), "%s%s",
		s->branch, strstr(format, "BRANCH") + 6);
	unit_str(s->u, s->sent, expected, name);
	unit_ok(s->u, hop_equal(&s->sent_to, &s->hop), "  to where it was");
}

static const char ACK[] =
	"ACK sip:b@192.0.2.1:5070;ob SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 203.0.113.9;branch=BRANCH\r\n"
	"Route: <sip:p1.example;lr>,   <sip:p2.example;lr>\r\n"
	"Route: <sip:p3.example;lr>\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"A\" <sip:a@x.example>;tag=a1\r\n"
	"To: <sip:b@x.example>;tag=b1\r\n"
	"Call-ID: c1\r\n"
	"CSeq: 7 ACK\r\n"
	"Content-Length: 0\r\n\r\n";

static const char CANCEL[] =
	"CANCEL sip:b@192.0.2.1:5070;ob SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 203.0.113.9;branch=BRANCH\r\n"
	"Route: <sip:p1.example;lr>,   <sip:p2.example;lr>\r\n"
	"Route: <sip:p3.example;lr>\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"A\" <sip:a@x.example>;tag=a1\r\n"
	"To: <sip:b@x.example>\r\n"
	"Call-ID: c1\r\n"
	"CSeq: 7 CANCEL\r\n"
	"Content-Length: 0\r\n\r\n";

static void check_messages(struct unit *u)
{
	struct transaction *t;
	char first[STAGE_TEXT];
	struct stage s;

	stage_open(&s, u, SP_UDP);
	t = stage_request(&s, "INVITE");
	snprintf(first, sizeof first, "%s", s.sent);
	stage_pass(&s, 500);
	unit_str(u, s.sent, first, "a request goes out again as it was");
	stage_answer(&s, 180, "INVITE");
	transaction_cancel(t, NULL, s.now_ms);
	expect_text(&s, CANCEL, "the CANCEL of an INVITE (§9.1)");
	stage_answer(&s, 487, "INVITE");
	expect_text(&s, ACK, "the ACK of a refusal (§17.1.1.3)");
	s.sent[0] = '\0';
	stage_answer(&s, 487, "INVITE");
	expect_text(&s, ACK, "  the same when that comes again");
	stage_close(&s);
}

/* Only what can be read is acknowledged. */
static void check_garbage(struct unit *u)
{
	struct stage s;
	struct transaction_request rq = {.data = "INVITE ", .len = 7};

	stage_open(&s, u, SP_UDP);
	transaction_make_branch(s.all, 0, s.branch);
	rq.branch = s.branch;
	rq.hop = &s.hop;
	transaction_send(s.all, &rq, s.now_ms);
	stage_answer(&s, 180, "INVITE");
	stage_answer(&s, 486, "INVITE");
	stage_answer(&s, 486, "INVITE");
	stage_expect(&s, "send INVITE, answered 180, answered 486",
		"an INVITE that is none has no ACK");
	stage_close(&s);
}

/* ---- cancelling --------------------------------------------------------- */

static void check_cancel_late(struct unit *u)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	t = stage_request(&s, "INVITE");
	unit_ok(u, !transaction_is_heard(t), "nothing heard");
	stage_answer(&s, 100, "INVITE");
	unit_ok(u, transaction_is_heard(t), "100 is heard");
	s.happened[0] = '\0';
	transaction_cancel(t, NULL, s.now_ms);
	stage_expect(&s, "send CANCEL", "cancelled after a 100");
	unit_int(u, transactions_count(s.all), 2, "  a second transaction");
	transaction_cancel(t, NULL, s.now_ms);
	stage_expect(&s, "", "  once");
	stage_pass(&s, 500);
	stage_expect(&s, "send CANCEL", "  which is sent again");
	unit_int(u, stage_answer(&s, 200, "CANCEL"), RESPONSE_TAKEN,
		"  until it is answered");
	stage_pass(&s, 4000);
	stage_expect(&s, "", "  without a word");
	stage_answer(&s, 487, "INVITE");
	stage_expect(&s, "send ACK, answered 487", "  the INVITE ends");
	stage_pass(&s, 32000);
	stage_expect(&s, "ended", "  is over");
	unit_int(u, transactions_count(s.all), 0, "  and so is the CANCEL");
	stage_close(&s);
}

static void check_cancel_early(struct unit *u)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	t = stage_request(&s, "INVITE");
	transaction_cancel(t, NULL, s.now_ms);
	stage_pass(&s, 500);
	stage_expect(&s, "send INVITE, send INVITE",
		"cancelled before anything came: not yet");
	stage_answer(&s, 100, "INVITE");
	stage_expect(&s, "answered 100, send CANCEL", "  but with a 100");
	stage_answer(&s, 180, "INVITE");
	stage_expect(&s, "answered 180", "  once");
	stage_answer(&s, 200, "CANCEL");
	stage_pass(&s, 31999);
	unit_int(u, transaction_state(t), STATE_PROCEEDING, "  it waits");
	stage_pass(&s, 1);
	stage_expect(&s, "failed 408, ended", "  and gives up");
	unit_int(u, stage_answer(&s, 487, "INVITE"), RESPONSE_STRAY,
		"  what comes later is a stray");

	t = stage_request(&s, "INVITE");
	transaction_cancel(t, NULL, s.now_ms);
	stage_answer(&s, 200, "INVITE");
	stage_expect(&s, "send INVITE, answered 200",
		"a 2xx overtakes the CANCEL: none is sent");
	stage_close(&s);
}

static void check_cancel_nothing(struct unit *u)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	t = stage_request(&s, "BYE");
	stage_answer(&s, 100, "BYE");
	transaction_cancel(t, NULL, s.now_ms);
	transaction_cancel(stage_serve(&s, &(struct recipe){0}), NULL,
		s.now_ms);
	stage_expect(&s, "send BYE, answered 100",
		"only INVITEs that went out are cancelled");
	t = stage_request(&s, "INVITE");
	stage_answer(&s, 486, "INVITE");
	s.happened[0] = '\0';
	transaction_cancel(t, NULL, s.now_ms);
	stage_expect(&s, "", "  not after a final response");
	stage_close(&s);
}

/* A CANCEL that nobody answers ends as quietly. */
static void check_cancel_unanswered(struct unit *u)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, SP_TCP);
	t = stage_request(&s, "INVITE");
	stage_answer(&s, 180, "INVITE");
	transaction_cancel(t, NULL, s.now_ms);
	stage_answer(&s, 200, "INVITE");
	stage_expect(&s, "send INVITE, answered 180, send CANCEL, answered 200",
		"a 2xx crosses the CANCEL");
	stage_pass(&s, 33000);
	stage_expect(&s, "ended", "  and one end is told");
	unit_int(u, transactions_count(s.all), 0, "  of two");
	stage_close(&s);
}

/* ---- what does not arrive ----------------------------------------------- */

static void fail(struct stage *s, enum sp_transport transport, const char *ip,
	int64_t flow_id)
{
	struct hop hop;

	hop_set(&hop, transport, ip, 5070);
	hop.flow_id = flow_id;
	transactions_fail_hop(s->all, &hop, s->now_ms);
}

static void check_fail(struct unit *u)
{
	struct stage s;

	stage_open(&s, u, SP_TCP);
	stage_request(&s, "BYE");
	stage_request(&s, "INVITE");
	s.happened[0] = '\0';
	fail(&s, SP_TCP, "192.0.2.2", 0);
	fail(&s, SP_UDP, "192.0.2.1", 0);
	fail(&s, SP_TCP, "192.0.2.2", 7);
	stage_expect(&s, "", "another place fails");
	fail(&s, SP_TCP, "192.0.2.1", 0);
	stage_expect(&s, "failed 503, failed 503", "the place fails");
	fail(&s, SP_TCP, "192.0.2.1", 0);
	stage_expect(&s, "", "  once");
	unit_int(u, stage_answer(&s, 200, "INVITE"), RESPONSE_STRAY,
		"  what failed takes no response");
	stage_pass(&s, 10);
	stage_expect(&s, "ended, ended", "  and ends with the next step");
	stage_request(&s, "BYE");
	fail(&s, SP_TCP, "192.0.2.1", 7);
	stage_expect(&s, "send BYE, failed 503",
		"a connection to the place fails");
	s.hop.flow_id = 7;
	stage_request(&s, "BYE");
	fail(&s, SP_TCP, "192.0.2.1", 0);
	stage_expect(&s, "send BYE", "the place, not the connection");
	fail(&s, SP_TLS, "192.0.2.9", 7);
	stage_expect(&s, "failed 503", "the connection");
	stage_close(&s);
}

/* Only who waits for an answer. */
static void check_fail_states(struct unit *u)
{
	static const int BEFORE[] = {0, 180, 200, 486};
	static const char *const EXPECTED[] = {"failed 503", "failed 503", "",
		""};

	for (int i = 0; i < 4; i++) {
		struct stage s;

		stage_open(&s, u, SP_UDP);
		stage_request(&s, "INVITE");
		if (BEFORE[i] != 0)
			stage_answer(&s, BEFORE[i], "INVITE");
		s.happened[0] = '\0';
		fail(&s, SP_UDP, "192.0.2.1", 0);
		stage_expect(&s, EXPECTED[i], "an INVITE whose place fails");
		stage_close(&s);
	}
}

static void request_again(struct stage *s)
{
	s->on_failed = NULL;
	stage_request(s, "OPTIONS");
	fail(s, SP_UDP, "192.0.2.2", 0);
}

/* What is sent there in `failed` waits for what becomes of it. */
static void check_fail_again(struct unit *u)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_request(&s, "BYE");
	t = stage_request(&s, "INVITE");
	stage_answer(&s, 180, "INVITE");
	transaction_cancel(t, NULL, s.now_ms);
	s.on_failed = request_again;
	s.happened[0] = '\0';
	fail(&s, SP_UDP, "192.0.2.1", 0);
	unit_int(u, transactions_count(s.all), 4,
		"failed: an INVITE, its CANCEL, a BYE; and a new one");
	stage_pass(&s, 10);
	unit_int(u, transactions_count(s.all), 1, "  which goes on");
	stage_expect(&s, "failed 503, send OPTIONS, failed 503, ended, ended",
		"  the CANCEL without a word");
	stage_close(&s);
}

/* ---- the table ---------------------------------------------------------- */

enum { MANY = 5000 };

/* It grows; each is found; what is left when it is freed, the sanitizer of
 * leaks tells. */
static void check_many(struct unit *u)
{
	int fresh = 0, absorbed = 0, taken = 0;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	for (int i = 1; i <= MANY; i++) {
		struct recipe r = {.method = "BYE", .cseq = i};
		char via[64];

		snprintf(via, sizeof via, "192.0.2.1;branch=z9hG4bK%d", i);
		r.via = via;
		fresh += stage_take(&s, &r) == MATCH_NONE;
		stage_serve(&s, &r);
		absorbed += stage_take(&s, &r) == MATCH_ABSORBED;
		s.happened[0] = '\0';
		stage_request(&s, "OPTIONS");
		if (i % 2 == 0)
			taken += stage_answer(&s, 200, "OPTIONS") ==
				 RESPONSE_TAKEN;
	}
	unit_int(u, fresh, MANY, "many: each is new");
	unit_int(u, absorbed, MANY, "  each is found");
	unit_int(u, taken, MANY / 2, "  by its response, too");
	unit_int(u, transactions_count(s.all), 2 * MANY, "  all are there");
	s.happened[0] = '\0';
	stage_pass(&s, TIMER_T4_MS);
	unit_int(u, transactions_count(s.all), 2 * MANY - MANY / 2,
		"  those that were answered end");
	stage_close(&s);
	transactions_free(NULL);
}

/* ---- hops --------------------------------------------------------------- */

static void check_hops(struct unit *u)
{
	static const struct {
		const char *a, *b;
		bool is_equal;
	} PAIRS[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:DB8:0::1", true},
		{"2001:db8::1", "2001:db8::2", false},
	};
	struct hop a, b;

	for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
		unit_ok(u, hop_set(&a, SP_UDP, PAIRS[i].a, 5060), "an address");
		unit_ok(u, hop_set(&b, SP_UDP, PAIRS[i].b, 5060), "another");
		b.local = 3;
		unit_ok(u, hop_equal(&a, &b) == PAIRS[i].is_equal, "  %s, %s",
			PAIRS[i].a, PAIRS[i].b);
		hop_set(&b, SP_UDP, PAIRS[i].a, 5061);
		unit_ok(u, !hop_equal(&a, &b), "  another port");
		hop_set(&b, SP_TCP, PAIRS[i].a, 5060);
		unit_ok(u, !hop_equal(&a, &b), "  another transport");
		b.flow_id = 5;
		unit_ok(u, !hop_equal(&a, &b), "  a connection");
		a = b;
		a.to.four.sin_port = 0;
		unit_ok(u, hop_equal(&a, &b), "  the same connection");
		a.flow_id = 6;
		unit_ok(u, !hop_equal(&a, &b), "  another connection");
	}
	unit_ok(u, !hop_set(&a, SP_UDP, "x.example", 5060), "a name is none");
	unit_ok(u,
		hop_set(&a, SP_UDP, "192.0.2.1", 1) && a.local == -1 &&
			a.flow_id == 0,
		"nothing is decided yet");
	unit_ok(u, !hop_is_reliable(&a), "UDP is not reliable");
	a.transport = SP_TLS;
	unit_ok(u, hop_is_reliable(&a), "TLS is");
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_messages(&u);
	check_garbage(&u);
	check_cancel_late(&u);
	check_cancel_early(&u);
	check_cancel_nothing(&u);
	check_cancel_unanswered(&u);
	check_fail(&u);
	check_fail_states(&u);
	check_fail_again(&u);
	check_many(&u);
	check_hops(&u);
	return unit_done(&u);
}
