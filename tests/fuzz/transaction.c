/* Transactions: a random play of messages, responses and time.
 *
 * Each byte or two of the input are one act. What counts is that nothing breaks,
 * that each ending is told once, and that time takes all of it away. */
#include "cmd/sp-register/transaction.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_LIVE = 64, TEXT = 1024, LONG_MS = 1000000 };

struct world {
	struct wheel wheel;
	struct transactions *all;
	int64_t now_ms;
	struct transaction *live[MAX_LIVE]; /* told to us, and not ended */
	int n_live;
	char branch[MAX_LIVE][TRANSACTION_BRANCH_SIZE]; /* the last ones */
	unsigned n_branches;
	const uint8_t *at, *end;
};

static unsigned take(struct world *w, unsigned n)
{
	return w->at < w->end ? *w->at++ % n : 0;
}

/* ---- what is told ------------------------------------------------------- */

static int index_of(const struct world *w, const struct transaction *t)
{
	for (int i = 0; i < w->n_live; i++)
		if (w->live[i] == t)
			return i;
	return -1;
}

static void sent(void *arg, const struct hop *hop, const char *data, size_t len)
{
	char *copy = fuzz_bytes((const uint8_t *)data, len);
	struct sip_message message;
	const char *why;

	(void)arg;
	FUZZ_CHECK(hop->transport < SP_N_TRANSPORTS);
	FUZZ_CHECK(sipmsg_scan(copy, len, &message, &why) == SIP_SCANNED);
	free(copy);
}

static void act(struct world *w);

/* In which the user does something, perhaps. */
static void answered(void *arg, struct transaction *t,
	const struct sip_message *response)
{
	struct world *w = arg;

	FUZZ_CHECK(!response->is_request);
	FUZZ_CHECK(transaction_is_heard(t));
	FUZZ_CHECK(transaction_state(t) != STATE_TERMINATED);
	if (take(w, 4) == 1)
		transaction_cancel(t, NULL, w->now_ms);
}

static void failed(void *arg, struct transaction *t, int cause)
{
	struct world *w = arg;

	FUZZ_CHECK(cause == 408 || cause == 503);
	FUZZ_CHECK(transaction_state(t) == STATE_TERMINATED);
	if (take(w, 4) == 1)
		act(w);
}

static void ended(void *arg, struct transaction *t)
{
	struct world *w = arg;
	int i = index_of(w, t);

	FUZZ_CHECK(i >= 0);
	FUZZ_CHECK(transaction_state(t) == STATE_TERMINATED);
	FUZZ_CHECK(transaction_owner(t) == w || transaction_owner(t) == NULL);
	w->live[i] = w->live[--w->n_live];
	if (take(w, 8) == 1)
		act(w);
}

/* ---- what is done ------------------------------------------------------- */

static const char *const METHODS[] = {"INVITE", "ACK", "CANCEL", "BYE",
	"OPTIONS"};
static const char *const TAGS[] = {"", ";tag=1", ";tag=2"};
static const char *const VIAS[] = {"a.example;branch=z9hG4bKx",
	"A.EXAMPLE:5060;branch=z9hG4bKx", "b.example;branch=z9hG4bKx",
	"a.example;branch=z9hG4bKy", "a.example;branch=1", "a.example",
	"a.example;branch=z9hG4bK"};
static const int STATUSES[] = {100, 180, 200, 302, 486, 503, 603};

#define PICK(w, list) ((list)[take(w, sizeof(list) / sizeof(list)[0])])

static struct hop pick_hop(struct world *w)
{
	struct hop hop;

	FUZZ_CHECK(hop_set(&hop, (enum sp_transport)take(w, SP_N_TRANSPORTS),
		take(w, 2) ? "192.0.2.1" : "2001:db8::1", 5060));
	hop.flow_id = take(w, 3);
	return hop;
}

static void keep(struct world *w, struct transaction *t)
{
	FUZZ_CHECK(t != NULL);
	w->live[w->n_live++] = t;
}

static void request(struct world *w)
{
	const char *method = PICK(w, METHODS), *why;
	char text[TEXT];
	struct sip_message m;
	struct sip_via via;
	struct hop back = pick_hop(w);
	struct transaction *t;
	int n = snprintf(text, sizeof text,
		"%s sip:%u@x SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\n"
		"From: <sip:a@x>%s\r\nTo: <sip:b@x>%s\r\nCall-ID: %u\r\n"
		"CSeq: %u %s\r\n\r\n",
		method, take(w, 2), PICK(w, VIAS), PICK(w, TAGS), PICK(w, TAGS),
		take(w, 2), take(w, 2), method);

	FUZZ_CHECK(sipmsg_scan(text, (size_t)n, &m, &why) == SIP_SCANNED &&
		   sipmsg_parse_via(&m, &via));
	t = transactions_find_invite(w->all, &m, &via);
	FUZZ_CHECK(t == NULL || index_of(w, t) >= 0);
	if (transactions_take_request(w->all, &m, &via, w->now_ms) !=
			MATCH_NONE ||
		strcmp(method, "ACK") == 0 || w->n_live == MAX_LIVE)
		return;
	keep(w, transaction_serve(w->all, &m, &via, &back, w));
	FUZZ_CHECK(transactions_take_request(w->all, &m, &via, w->now_ms) ==
		   MATCH_ABSORBED);
}

static void send_request(struct world *w)
{
	char *branch = w->branch[w->n_branches++ % MAX_LIVE], text[TEXT];
	const char *method = take(w, 2) ? "INVITE" : "BYE";
	struct hop hop = pick_hop(w);
	uint32_t loop = take(w, 256), read;
	int n;

	if (w->n_live == MAX_LIVE)
		return;
	transaction_make_branch(w->all, loop, branch);
	FUZZ_CHECK(transaction_branch_loop((struct sip_slice){branch,
						   strlen(branch)},
			   &read) &&
		   read == loop);
	n = snprintf(text, sizeof text,
		"%s sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP us;branch=%s\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>%s\r\nCall-ID: 1\r\n"
		"Route: <sip:p;lr>\r\nCSeq: 1 %s\r\n\r\n",
		method, branch, PICK(w, TAGS), method);
	keep(w, transaction_send(w->all,
			&(struct transaction_request){branch, &hop, text,
				(size_t)n, w},
			w->now_ms));
}

static void answer(struct world *w)
{
	int status = PICK(w, STATUSES), n;
	const char *why, *branch = w->branch[take(w, MAX_LIVE)];
	char text[TEXT];
	struct sip_message m;

	n = snprintf(text, sizeof text,
		"SIP/2.0 %d X\r\nVia: SIP/2.0/UDP us;branch=%s\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>%s\r\nCall-ID: 1\r\n"
		"CSeq: 1 %s\r\n\r\n",
		status, branch, PICK(w, TAGS), PICK(w, METHODS));
	FUZZ_CHECK(sipmsg_scan(text, (size_t)n, &m, &why) == SIP_SCANNED);
	transactions_take_response(w->all, &m, w->now_ms);
}

static struct transaction *pick(struct world *w, bool is_server)
{
	struct transaction *t;

	if (w->n_live == 0)
		return NULL;
	t = w->live[take(w, (unsigned)w->n_live)];
	return (transaction_kind(t) <= OTHER_SERVER) == is_server ? t : NULL;
}

static void respond_to(struct world *w, struct transaction *t, int status)
{
	char text[TEXT];
	int n = snprintf(text, sizeof text,
		"SIP/2.0 %d X\r\nVia: SIP/2.0/UDP a.example\r\n"
		"From: <sip:a@x>\r\nTo: <sip:b@x>%s\r\nCall-ID: 1\r\n"
		"CSeq: 1 INVITE\r\n\r\n",
		status, PICK(w, TAGS));

	transaction_respond(t, status, text, (size_t)n, w->now_ms);
}

static void respond(struct world *w)
{
	struct transaction *t = pick(w, true);

	if (t != NULL)
		respond_to(w, t, PICK(w, STATUSES));
}

static void cancel(struct world *w)
{
	struct transaction *t = pick(w, false);

	if (t != NULL)
		transaction_cancel(t, NULL, w->now_ms);
}

static void disown(struct world *w)
{
	struct transaction *t = pick(w, take(w, 2));

	if (t != NULL)
		transaction_set_owner(t, NULL);
}

static void fail_hop(struct world *w)
{
	struct hop hop = pick_hop(w);

	transactions_fail_hop(w->all, &hop, w->now_ms);
}

static void act(struct world *w)
{
	static void (*const ACTS[])(struct world *) = {request, send_request,
		answer, respond, cancel, disown, fail_hop, answer};

	PICK(w, ACTS)(w);
}

static void pass(struct world *w, int64_t ms)
{
	w->now_ms += ms;
	wheel_expire(&w->wheel, w->now_ms);
	FUZZ_CHECK(wheel_next_ms(&w->wheel) > w->now_ms);
	FUZZ_CHECK(transactions_count(w->all) >= w->n_live);
}

/* A server transaction waits for its user; all others end by themselves. */
static void finish(struct world *w)
{
	w->at = w->end;
	for (int i = 0; i < w->n_live; i++)
		if (transaction_kind(w->live[i]) <= OTHER_SERVER)
			respond_to(w, w->live[i], 486);
	/* C, the wait for who was cancelled, its CANCEL, what ended does. */
	for (int i = 0; i < 8 || w->n_live > 0; i++) {
		FUZZ_CHECK(i < 16);
		pass(w, LONG_MS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int STEPS_MS[] = {1, 10, 500, 4000, 33000, 200000};
	struct world w = {.now_ms = 12345, .at = data, .end = data + size};
	const struct transaction_events events = {&w, sent, answered, failed,
		ended};
	struct sp_err err;

	sipmsg_init();
	wheel_init(&w.wheel, w.now_ms);
	FUZZ_CHECK(transactions_new(&w.all, &w.wheel, &events, &err) == 0);
	while (w.at < w.end) {
		if (take(&w, 4) == 0)
			pass(&w, PICK(&w, STEPS_MS));
		else
			act(&w);
	}
	if (size % 2 == 0) {
		finish(&w);
		FUZZ_CHECK(transactions_count(w.all) == 0);
		FUZZ_CHECK(wheel_next_ms(&w.wheel) == INT64_MAX);
	}
	transactions_free(w.all);
	return 0;
}
