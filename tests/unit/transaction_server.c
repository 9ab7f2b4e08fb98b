/* cmd/sp-register/transaction: server transactions. */
#include "tests/unit/transaction.h"

/* ---- every state, every event ------------------------------------------- */

/* What happens to a transaction, one letter each: "I" its request comes again,
 * "A" an ACK comes, "1" to "6" a response is sent through it (180, 200 ...),
 * "." half a second passes. */
struct play {
	const char *name;
	enum sp_transport transport;
	const char *method, *before, *event;
	const char *expected;
	enum transaction_state state;
};

static const struct play INVITES[] = {
	{"proceeding, INVITE before any response", SP_UDP, "INVITE", "", "I",
		"", STATE_PROCEEDING},
	{"proceeding, INVITE", SP_UDP, "INVITE", "1", "I", "send 180",
		STATE_PROCEEDING},
	{"proceeding, ACK", SP_UDP, "INVITE", "1", "A", "", STATE_PROCEEDING},
	{"proceeding, 180", SP_UDP, "INVITE", "", "1", "send 180",
		STATE_PROCEEDING},
	{"proceeding, 200", SP_UDP, "INVITE", "1", "2", "send 200",
		STATE_ACCEPTED},
	{"proceeding, 486", SP_UDP, "INVITE", "1", "4", "send 486",
		STATE_COMPLETED},
	{"proceeding, time", SP_UDP, "INVITE", "1", "....", "",
		STATE_PROCEEDING},
	{"accepted, INVITE", SP_UDP, "INVITE", "12", "I", "", STATE_ACCEPTED},
	{"accepted, 180", SP_UDP, "INVITE", "2", "1", "", STATE_ACCEPTED},
	{"accepted, 200 again, or of a fork", SP_UDP, "INVITE", "2", "22",
		"send 200, send 200", STATE_ACCEPTED},
	{"accepted, 486", SP_UDP, "INVITE", "2", "4", "", STATE_ACCEPTED},
	{"accepted, time", SP_UDP, "INVITE", "2", "....", "", STATE_ACCEPTED},
	{"completed, INVITE", SP_UDP, "INVITE", "14", "I", "send 486",
		STATE_COMPLETED},
	{"completed, ACK", SP_UDP, "INVITE", "4", "A", "", STATE_CONFIRMED},
	{"completed, ACK (TCP)", SP_TCP, "INVITE", "4", "A", "",
		STATE_TERMINATED},
	{"completed, 180", SP_UDP, "INVITE", "4", "1", "", STATE_COMPLETED},
	{"completed, 200", SP_UDP, "INVITE", "4", "22", "send 200, send 200",
		STATE_COMPLETED},
	{"confirmed, 200", SP_UDP, "INVITE", "4A", "2", "send 200",
		STATE_CONFIRMED},
	{"completed, 603", SP_UDP, "INVITE", "4", "6", "", STATE_COMPLETED},
	{"completed, G", SP_UDP, "INVITE", "4", ".", "send 486",
		STATE_COMPLETED},
	{"completed, G doubles up to T2", SP_UDP, "INVITE", "4",
		"...............................",
		"send 486, send 486, send 486, send 486, send 486, send 486",
		STATE_COMPLETED},
	{"completed, no G (TLS)", SP_TLS, "INVITE", "4", "....", "",
		STATE_COMPLETED},
	{"confirmed, INVITE", SP_UDP, "INVITE", "4A", "I", "", STATE_CONFIRMED},
	{"confirmed, ACK", SP_UDP, "INVITE", "4A", "A", "", STATE_CONFIRMED},
	{"confirmed, 486", SP_UDP, "INVITE", "4A", "4", "", STATE_CONFIRMED},
	{"confirmed, no G", SP_UDP, "INVITE", "4.A", "....", "",
		STATE_CONFIRMED},
	{"terminated, 200", SP_TCP, "INVITE", "4A", "2", "", STATE_TERMINATED},
};

static const struct play OTHERS[] = {
	{"trying, BYE", SP_UDP, "BYE", "", "I", "", STATE_TRYING},
	{"trying, 180", SP_UDP, "BYE", "", "1", "send 180", STATE_PROCEEDING},
	{"trying, 200", SP_UDP, "BYE", "", "2", "send 200", STATE_COMPLETED},
	{"trying, 486", SP_UDP, "BYE", "", "4", "send 486", STATE_COMPLETED},
	{"trying, 200 (TCP)", SP_TCP, "BYE", "", "2", "send 200",
		STATE_TERMINATED},
	{"trying, time", SP_UDP, "BYE", "", "....", "", STATE_TRYING},
	{"proceeding, BYE", SP_UDP, "BYE", "1", "I", "send 180",
		STATE_PROCEEDING},
	{"proceeding, 180", SP_UDP, "BYE", "1", "1", "send 180",
		STATE_PROCEEDING},
	{"proceeding, 200", SP_UDP, "BYE", "1", "2", "send 200",
		STATE_COMPLETED},
	{"proceeding, 200 (TLS)", SP_TLS, "BYE", "1", "2", "send 200",
		STATE_TERMINATED},
	{"completed, BYE", SP_UDP, "BYE", "12", "I", "send 200",
		STATE_COMPLETED},
	{"completed, 200", SP_UDP, "BYE", "2", "2", "", STATE_COMPLETED},
	{"completed, 486", SP_UDP, "BYE", "2", "4", "", STATE_COMPLETED},
	{"completed, time", SP_UDP, "BYE", "2", "....", "", STATE_COMPLETED},
	{"terminated, 200", SP_TCP, "BYE", "2", "2", "", STATE_TERMINATED},
};

static void act(struct stage *s, struct transaction *t, char what,
	const char *method)
{
	static const int STATUS[] = {0, 180, 200, 302, 486, 500, 603};

	if (what == 'I')
		unit_int(s->u,
			stage_take(s, &(struct recipe){.method = method}),
			MATCH_ABSORBED, "what comes again is absorbed");
	else if (what == 'A')
		unit_int(s->u, stage_take(s, &(struct recipe){.method = "ACK"}),
			MATCH_ABSORBED, "an ACK is absorbed");
	else if (what == '.')
		stage_pass(s, 500);
	else
		stage_respond(s, t, STATUS[what - '0'], "b1");
}

/* Nothing of a terminated one may be looked at once time has passed. */
static void check_play(struct unit *u, const struct play *play)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, play->transport);
	unit_int(u, stage_take(&s, &(struct recipe){.method = play->method}),
		MATCH_NONE, "a new request");
	t = stage_serve(&s, &(struct recipe){.method = play->method});
	for (const char *at = play->before; *at != '\0'; at++)
		act(&s, t, *at, play->method);
	s.happened[0] = '\0';
	for (const char *at = play->event; *at != '\0'; at++)
		act(&s, t, *at, play->method);
	stage_expect(&s, play->expected, play->name);
	unit_int(u, transaction_state(t), play->state, "  then its state");
	stage_close(&s);
}

static void check_plays(struct unit *u)
{
	for (size_t i = 0; i < sizeof INVITES / sizeof INVITES[0]; i++)
		check_play(u, &INVITES[i]);
	for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
		check_play(u, &OTHERS[i]);
}

/* ---- ends --------------------------------------------------------------- */

static const struct ending {
	const char *name;
	enum sp_transport transport;
	const char *method, *before;
	int wait_ms; /* until it is over, and not before */
	const char *expected;
} ENDINGS[] = {
	{"H", SP_TCP, "INVITE", "4", 32000, "ended"},
	{"H, after G", SP_UDP, "INVITE", "4", 32000,
		"send 486, send 486, send 486, send 486, send 486, send 486,"
		" send 486, send 486, send 486, send 486, ended"},
	{"I", SP_UDP, "INVITE", "4A", TIMER_T4_MS, "ended"},
	{"I (TCP)", SP_TCP, "INVITE", "4A", 10, "ended"},
	{"J", SP_UDP, "BYE", "2", 32000, "ended"},
	{"J (TCP)", SP_TCP, "BYE", "2", 10, "ended"},
	{"L", SP_UDP, "INVITE", "12", 32000, "ended"},
	{"L (TCP)", SP_TCP, "INVITE", "2", 32000, "ended"},
};

static void check_endings(struct unit *u)
{
	for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
		const struct ending *e = &ENDINGS[i];
		struct transaction *t;
		struct stage s;

		stage_open(&s, u, e->transport);
		t = stage_serve(&s, &(struct recipe){.method = e->method});
		for (const char *at = e->before; *at != '\0'; at++)
			act(&s, t, *at, e->method);
		s.happened[0] = '\0';
		stage_pass(&s, e->wait_ms - 1);
		unit_int(u, transactions_count(s.all), 1,
			"before its timer it is there");
		stage_pass(&s, 1);
		stage_expect(&s, e->expected, e->name);
		unit_int(u, transactions_count(s.all), 0, "  it is gone");
		unit_int(u,
			stage_take(&s, &(struct recipe){.method = e->method}),
			MATCH_NONE, "  and its request is new");
		unit_ok(u, wheel_next_ms(&s.wheel) == INT64_MAX,
			"  no timer is left");
		stage_close(&s);
	}
}

/* Nothing wakes up for a G that has nothing to send. */
static void check_confirmed(struct unit *u)
{
	struct transaction *t;
	struct stage s;

	stage_open(&s, u, SP_UDP);
	t = stage_serve(&s, &(struct recipe){0});
	act(&s, t, '4', "INVITE");
	unit_int(u, wheel_next_ms(&s.wheel), s.now_ms + TIMER_T1_MS,
		"completed: next is G");
	act(&s, t, 'A', "INVITE");
	unit_int(u, wheel_next_ms(&s.wheel), s.now_ms + TIMER_T4_MS,
		"confirmed: next is I");
	stage_close(&s);
}

/* ---- ACK of a 2xx ------------------------------------------------------- */

static void check_ack_of_2xx(struct unit *u)
{
	struct recipe ack = {.method = "ACK"};
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_respond(&s, stage_serve(&s, &(struct recipe){0}), 200, "b1");
	unit_int(u, stage_take(&s, &ack), MATCH_NONE,
		"an ACK of a 2xx with the INVITE's branch goes on");
	ack.via = "192.0.2.1:5070;branch=z9hG4bKack";
	unit_int(u, stage_take(&s, &ack), MATCH_NONE, "  with its own, too");
	stage_close(&s);
}

/* The bytes that go out, and where to. */
static void check_bytes(struct unit *u)
{
	static const char RESPONSE[] = "SIP/2.0 180 Ringing\r\n\r\n";
	struct transaction *t;
	struct stage s;
	int owner;

	stage_open(&s, u, SP_UDP);
	t = stage_serve(&s, &(struct recipe){0});
	unit_int(u, transaction_kind(t), INVITE_SERVER, "the kind");
	transaction_set_owner(t, &owner);
	unit_ok(u, transaction_owner(t) == &owner, "the owner");
	unit_ok(u, hop_equal(transaction_hop(t), &s.hop), "the hop");
	transaction_respond(t, 180, RESPONSE, sizeof RESPONSE - 1, s.now_ms);
	unit_str(u, s.sent, RESPONSE, "a response goes out as it is");
	s.sent[0] = '\0';
	stage_take(&s, &(struct recipe){0});
	unit_str(u, s.sent, RESPONSE, "  and again");
	unit_ok(u, hop_equal(&s.sent_to, &s.hop), "  to where it belongs");
	unit_int(u,
		transaction_kind(
			stage_serve(&s, &(struct recipe){.method = "OPTIONS"})),
		OTHER_SERVER, "another kind");
	stage_close(&s);
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_plays(&u);
	check_endings(&u);
	check_confirmed(&u);
	check_ack_of_2xx(&u);
	check_bytes(&u);
	return unit_done(&u);
}
