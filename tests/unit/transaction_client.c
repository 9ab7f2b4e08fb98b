/* cmd/sp-register/transaction: client transactions. */
#include "tests/unit/transaction.h"

/* ---- every state, every event ------------------------------------------- */

enum way { UDP = SP_UDP, TCP = SP_TCP };

/* Which of the branch's transactions a response is for is told by its method.
 * before: the responses that lead to the state. */
struct step {
	const char *name;
	enum way way;
	const char *method;
	int before[2];
	int status; /* the event; 0: none, `wait_ms` pass */
	int wait_ms;
	const char *expected;
	enum transaction_state state; /* after it */
};

static const struct step INVITES[] = {
	{"calling, 100", UDP, "INVITE", {0}, 100, 0, "answered 100",
		STATE_PROCEEDING},
	{"calling, 180", UDP, "INVITE", {0}, 180, 0, "answered 180",
		STATE_PROCEEDING},
	{"calling, 200", UDP, "INVITE", {0}, 200, 0, "answered 200",
		STATE_ACCEPTED},
	{"calling, 302", UDP, "INVITE", {0}, 302, 0, "send ACK, answered 302",
		STATE_COMPLETED},
	{"calling, 486", UDP, "INVITE", {0}, 486, 0, "send ACK, answered 486",
		STATE_COMPLETED},
	{"calling, 603 (TCP)", TCP, "INVITE", {0}, 603, 0,
		"send ACK, answered 603", STATE_TERMINATED},
	{"calling, A", UDP, "INVITE", {0}, 0, 500, "send INVITE",
		STATE_CALLING},
	{"calling, A doubles", UDP, "INVITE", {0}, 0, 31500,
		"send INVITE, send INVITE, send INVITE, send INVITE,"
		" send INVITE, send INVITE",
		STATE_CALLING},
	{"calling, no A (TCP)", TCP, "INVITE", {0}, 0, 31900, "",
		STATE_CALLING},
	{"proceeding, no A", UDP, "INVITE", {100}, 0, 40000, "",
		STATE_PROCEEDING},
	{"proceeding, 100", UDP, "INVITE", {100}, 100, 0, "answered 100",
		STATE_PROCEEDING},
	{"proceeding, 183", UDP, "INVITE", {180}, 183, 0, "answered 183",
		STATE_PROCEEDING},
	{"proceeding, 200", UDP, "INVITE", {180}, 200, 0, "answered 200",
		STATE_ACCEPTED},
	{"proceeding, 404", UDP, "INVITE", {180}, 404, 0,
		"send ACK, answered 404", STATE_COMPLETED},
	{"proceeding, 404 (TCP)", TCP, "INVITE", {180}, 404, 0,
		"send ACK, answered 404", STATE_TERMINATED},
	{"proceeding, C", UDP, "INVITE", {100}, 0, TIMER_C_MS, "send CANCEL",
		STATE_PROCEEDING},
	{"proceeding, not yet C", UDP, "INVITE", {100}, 0, TIMER_C_MS - 1, "",
		STATE_PROCEEDING},
	{"accepted, 180", UDP, "INVITE", {200}, 180, 0, "", STATE_ACCEPTED},
	{"accepted, 200 again, or of a fork", UDP, "INVITE", {180, 200}, 200, 0,
		"answered 200", STATE_ACCEPTED},
	{"accepted, 200 (TCP)", TCP, "INVITE", {200}, 200, 0, "answered 200",
		STATE_ACCEPTED},
	{"accepted, 486", UDP, "INVITE", {200}, 486, 0, "", STATE_ACCEPTED},
	{"accepted, not yet M", UDP, "INVITE", {200}, 0, 31999, "",
		STATE_ACCEPTED},
	{"accepted, not yet M (TCP)", TCP, "INVITE", {200}, 0, 31999, "",
		STATE_ACCEPTED},
	{"completed, 180", UDP, "INVITE", {486}, 180, 0, "", STATE_COMPLETED},
	{"completed, 200", UDP, "INVITE", {486}, 200, 0, "", STATE_COMPLETED},
	{"completed, 486 again", UDP, "INVITE", {180, 486}, 486, 0, "send ACK",
		STATE_COMPLETED},
	{"completed, not yet D", UDP, "INVITE", {486}, 0, 31999, "",
		STATE_COMPLETED},
};

static const struct step OTHERS[] = {
	{"trying, 100", UDP, "BYE", {0}, 100, 0, "answered 100",
		STATE_PROCEEDING},
	{"trying, 200", UDP, "BYE", {0}, 200, 0, "answered 200",
		STATE_COMPLETED},
	{"trying, 481", UDP, "BYE", {0}, 481, 0, "answered 481",
		STATE_COMPLETED},
	{"trying, 200 (TCP)", TCP, "BYE", {0}, 200, 0, "answered 200",
		STATE_TERMINATED},
	{"trying, E", UDP, "BYE", {0}, 0, 500, "send BYE", STATE_TRYING},
	{"trying, E doubles", UDP, "BYE", {0}, 0, 3500,
		"send BYE, send BYE, send BYE", STATE_TRYING},
	{"trying, E up to T2", UDP, "BYE", {0}, 0, 15500,
		"send BYE, send BYE, send BYE, send BYE, send BYE, send BYE",
		STATE_TRYING},
	{"trying, no E (TCP)", TCP, "BYE", {0}, 0, 31900, "", STATE_TRYING},
	{"proceeding, 183", UDP, "BYE", {100}, 183, 0, "answered 183",
		STATE_PROCEEDING},
	{"proceeding, 200", UDP, "BYE", {100}, 200, 0, "answered 200",
		STATE_COMPLETED},
	{"proceeding, 200 (TCP)", TCP, "BYE", {100}, 200, 0, "answered 200",
		STATE_TERMINATED},
	{"proceeding, E, then T2", UDP, "BYE", {100}, 0, 4499, "send BYE",
		STATE_PROCEEDING},
	{"proceeding, E each T2", UDP, "BYE", {100}, 0, 8500,
		"send BYE, send BYE, send BYE", STATE_PROCEEDING},
	{"completed, 100", UDP, "BYE", {200}, 100, 0, "", STATE_COMPLETED},
	{"completed, 200", UDP, "BYE", {200}, 200, 0, "", STATE_COMPLETED},
	{"completed, 500", UDP, "BYE", {200}, 500, 0, "", STATE_COMPLETED},
	{"completed, no E, not yet K", UDP, "BYE", {200}, 0, 4999, "",
		STATE_COMPLETED},
};

static struct transaction *lead(struct stage *s, const struct step *step)
{
	struct transaction *t;

	stage_open(s, s->u, (enum sp_transport)step->way);
	t = stage_request(s, step->method);
	for (int i = 0; i < 2 && step->before[i] != 0; i++)
		stage_answer(s, step->before[i], step->method);
	s->happened[0] = '\0';
	return t;
}

static void check_step(struct unit *u, const struct step *step)
{
	struct stage s = {.u = u};
	struct transaction *t = lead(&s, step);

	if (step->status != 0)
		unit_int(u, stage_answer(&s, step->status, step->method),
			RESPONSE_TAKEN, "a response is taken");
	else
		stage_pass(&s, step->wait_ms);
	stage_expect(&s, step->expected, step->name);
	unit_int(u, transaction_state(t), step->state, "  then its state");
	stage_close(&s);
}

static void check_steps(struct unit *u)
{
	for (size_t i = 0; i < sizeof INVITES / sizeof INVITES[0]; i++)
		check_step(u, &INVITES[i]);
	for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
		check_step(u, &OTHERS[i]);
}

/* ---- ends --------------------------------------------------------------- */

static const struct ending {
	const char *name;
	enum way way;
	const char *method;
	int before[2];
	int wait_ms; /* until it is over, and not before */
	const char *expected;
} ENDINGS[] = {
	{"B", TCP, "INVITE", {0}, 32000, "failed 408, ended"},
	{"D", UDP, "INVITE", {486}, TIMER_D_MS, "ended"},
	{"D (TCP)", TCP, "INVITE", {486}, 10, "ended"},
	{"F, trying", TCP, "BYE", {0}, 32000, "failed 408, ended"},
	{"F, proceeding", TCP, "BYE", {100}, 32000, "failed 408, ended"},
	{"K", UDP, "BYE", {200}, TIMER_T4_MS, "ended"},
	{"K (TCP)", TCP, "BYE", {200}, 10, "ended"},
	{"M", UDP, "INVITE", {200}, 32000, "ended"},
	{"M (TCP)", TCP, "INVITE", {180, 200}, 32000, "ended"},
};

static void check_endings(struct unit *u)
{
	for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
		const struct ending *e = &ENDINGS[i];
		struct step step = {.way = e->way,
			.method = e->method,
			.before = {e->before[0], e->before[1]}};
		struct stage s = {.u = u};

		lead(&s, &step);
		stage_pass(&s, e->wait_ms - 1);
		stage_expect(&s, "", "before its timer nothing ends");
		unit_int(u, transactions_count(s.all), 1, "  it is there");
		stage_pass(&s, 1);
		stage_expect(&s, e->expected, e->name);
		unit_int(u, transactions_count(s.all), 0, "  it is gone");
		unit_int(u, stage_answer(&s, 200, e->method), RESPONSE_STRAY,
			"  and takes no response");
		unit_ok(u, wheel_next_ms(&s.wheel) == INT64_MAX,
			"  no timer is left");
		stage_close(&s);
	}
}

/* B over UDP: seven INVITEs altogether (§17.1.1.2). */
static void check_timer_b(struct unit *u)
{
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_request(&s, "INVITE");
	stage_pass(&s, 40000);
	stage_expect(&s,
		"send INVITE, send INVITE, send INVITE, send INVITE,"
		" send INVITE, send INVITE, send INVITE, failed 408, ended",
		"an INVITE that nobody answers");
	stage_close(&s);
}

/* Each 101 to 199 begins C anew, a 100 does not. */
static void check_timer_c(struct unit *u)
{
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_request(&s, "INVITE");
	stage_answer(&s, 100, "INVITE");
	stage_pass(&s, 100000);
	stage_answer(&s, 100, "INVITE");
	stage_pass(&s, TIMER_C_MS - 100000 - 10);
	stage_answer(&s, 180, "INVITE");
	stage_pass(&s, TIMER_C_MS - 10);
	stage_expect(&s,
		"send INVITE, answered 100, answered 100, answered 180",
		"C begins anew with a 180");
	stage_answer(&s, 100, "INVITE");
	stage_pass(&s, 10);
	stage_expect(&s, "answered 100, send CANCEL", "  not with a 100");
	stage_answer(&s, 200, "CANCEL");
	stage_answer(&s, 180, "INVITE");
	stage_pass(&s, 31999);
	stage_expect(&s, "answered 180",
		"  what rings on gets no more time then");
	stage_pass(&s, 1);
	stage_expect(&s, "failed 408, ended", "  and is given up");
	unit_int(u, transactions_count(s.all), 0, "  with its CANCEL");
	stage_close(&s);
}

/* ---- strays ------------------------------------------------------------- */

static void check_strays(struct unit *u)
{
	struct stage s;

	stage_open(&s, u, SP_UDP);
	stage_request(&s, "INVITE");
	s.happened[0] = '\0';
	unit_int(u, stage_answer(&s, 200, "BYE"), RESPONSE_STRAY,
		"a response to another method");
	unit_int(u, stage_answer(&s, 200, "CANCEL"), RESPONSE_STRAY,
		"a response to a CANCEL that was not sent");
	s.branch[20] = s.branch[20] == '0' ? '1' : '0';
	unit_int(u, stage_answer(&s, 200, "INVITE"), RESPONSE_STRAY,
		"a response with another branch");
	stage_expect(&s, "", "  nothing happens");
	stage_close(&s);
}

static void check_branches(struct unit *u)
{
	char a[TRANSACTION_BRANCH_SIZE], b[TRANSACTION_BRANCH_SIZE];
	struct sip_slice slice = {a, 0};
	struct stage s, other;
	uint32_t loop = 0;

	stage_open(&s, u, SP_UDP);
	stage_open(&other, u, SP_UDP);
	transaction_make_branch(s.all, 0x00c0ffee, a);
	transaction_make_branch(s.all, 0x00c0ffee, b);
	slice.len = strlen(a);
	unit_ok(u, strncmp(a, "z9hG4bK", 7) == 0, "a branch has the cookie");
	unit_ok(u, strcmp(a, b) != 0, "  and is not the one before");
	transaction_make_branch(other.all, 0x00c0ffee, b);
	unit_ok(u, strcmp(a, b) != 0, "  nor that of another process");
	unit_ok(u, transaction_branch_loop(slice, &loop), "  it is ours");
	unit_int(u, loop, 0x00c0ffee, "  and tells what it was made with");
	slice.len--;
	unit_ok(u, !transaction_branch_loop(slice, &loop), "one cut is not");
	slice.len++;
	a[12] = 'G';
	unit_ok(u, !transaction_branch_loop(slice, &loop), "nor one changed");
	slice = (struct sip_slice){"z9hG4bKnashds7", 14};
	unit_ok(u, !transaction_branch_loop(slice, &loop), "nor a phone's");
	slice = (struct sip_slice){0};
	unit_ok(u, !transaction_branch_loop(slice, &loop), "nor none");
	stage_close(&s);
	stage_close(&other);
}

int main(void)
{
	struct unit u = {0};

	sipmsg_init();
	check_steps(&u);
	check_endings(&u);
	check_timer_b(&u);
	check_timer_c(&u);
	check_strays(&u);
	check_branches(&u);
	return unit_done(&u);
}
