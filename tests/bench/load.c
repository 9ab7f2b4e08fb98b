/* Closed and open loop of registrations: see load.h.
 *
 * A phone waits in one of two queues: `idle` for its next registration, the
 * longest idle first, or `waiting` for a response, the oldest request first.
 * All requests have the same timeout, so only the head of `waiting` needs
 * watching. */
#include "tests/bench/load.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <time.h>

#include "tests/bench/phone.h"
#include "tests/bench/wire.h"

enum {
	RETRANSMIT_US = 500000, /* T1 of RFC 3261 */
	MAX_SENDS = 8,          /* of one request: gives up after 4 s */
	MAX_CHALLENGES = 3,     /* in one registration */
};

struct agent {
	struct phone phone;
	uint64_t start_us; /* of the registration, as scheduled */
	uint64_t sent_us;  /* of the latest transmission */
	uint8_t sends;     /* of this request */
	uint8_t challenges;
	bool busy; /* in `waiting` */
	TAILQ_ENTRY(agent) link;
};

TAILQ_HEAD(agents, agent);

struct load {
	const struct load_options *options;
	struct wire *wire; /* the caller's */
	struct site site;
	struct agent *agent; /* options->count of them */
	struct agents idle, waiting;
	uint32_t in_flight; /* length of `waiting` */

	struct load_plan plan;
	struct load_result *result;
	uint64_t begin_us, end_us; /* of the plan */
	uint64_t started;          /* registrations */
};

static int add_agents(struct load *l)
{
	/* The Call-ID stays the same from run to run, so CSeq must grow. */
	uint32_t cseq = (uint32_t)(time(NULL) % 2000000) * 1000;

	TAILQ_INIT(&l->idle);
	TAILQ_INIT(&l->waiting);
	l->agent = calloc(l->options->count, sizeof(*l->agent));
	if (!l->agent)
		return -1;
	for (uint32_t i = 0; i < l->options->count; i++) {
		l->agent[i].phone.index = i;
		l->agent[i].phone.cseq = cseq;
		TAILQ_INSERT_TAIL(&l->idle, &l->agent[i], link);
	}
	return 0;
}

struct load *load_open(const struct load_options *options, struct wire *wire)
{
	struct load *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->options = options;
	l->wire = wire;
	site_init(&l->site, options->domain, options->password_prefix,
		wire_name(wire));
	l->site.first = options->first;
	l->site.expires_s = options->expires_s;
	if (add_agents(l)) {
		load_close(l);
		return NULL;
	}
	/* the default of 50 us would blur the schedule of the open loop */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	return l;
}

void load_close(struct load *l)
{
	if (!l)
		return;
	free(l->agent);
	free(l);
}

void load_set_expires(struct load *l, uint32_t expires_s)
{
	l->site.expires_s = expires_s;
}

/* Puts the agent at the end of `waiting`. */
static void transmit(struct load *l, struct agent *a, uint64_t now)
{
	wire_put(l->wire, phone_write(&a->phone, &l->site, wire_next(l->wire)));
	a->sends++;
	a->sent_us = now;
	TAILQ_INSERT_TAIL(&l->waiting, a, link);
}

static void begin_request(struct load *l, struct agent *a, uint64_t now)
{
	phone_next_request(&a->phone);
	a->sends = 0;
	transmit(l, a, now);
}

/* due: when the schedule wanted it, which is what latency counts from; a
 * server that stalls is not to be flattered. */
static void begin_registration(struct load *l, uint64_t due, uint64_t now)
{
	struct agent *a = TAILQ_FIRST(&l->idle);

	TAILQ_REMOVE(&l->idle, a, link);
	a->busy = true;
	a->challenges = 0;
	a->start_us = due;
	l->in_flight++;
	l->started++;
	begin_request(l, a, now);
}

static void end_registration(struct load *l, struct agent *a)
{
	TAILQ_REMOVE(&l->waiting, a, link);
	TAILQ_INSERT_TAIL(&l->idle, a, link);
	a->busy = false;
	l->in_flight--;
}

static bool is_over(const struct load *l, uint64_t now)
{
	return now >= l->end_us || l->started >= l->plan.limit;
}

static bool may_begin(const struct load *l, uint64_t now)
{
	return !is_over(l, now) && l->in_flight < l->plan.window &&
	       !TAILQ_EMPTY(&l->idle);
}

static uint64_t next_due(const struct load *l, uint64_t now)
{
	if (l->plan.rate <= 0)
		return now;
	return l->begin_us +
	       (uint64_t)((double)l->started * 1e6 / l->plan.rate);
}

static void begin_due(struct load *l, uint64_t now)
{
	while (may_begin(l, now)) {
		uint64_t due = next_due(l, now);
		if (due > now)
			return;
		begin_registration(l, due, now);
	}
}

static void repeat_late(struct load *l, uint64_t now)
{
	struct agent *a;

	while ((a = TAILQ_FIRST(&l->waiting)) &&
		a->sent_us + RETRANSMIT_US <= now) {
		if (a->sends >= MAX_SENDS) {
			l->result->timeouts++;
			end_registration(l, a);
			continue;
		}
		l->result->retransmits++;
		TAILQ_REMOVE(&l->waiting, a, link);
		transmit(l, a, now);
	}
}

static void on_ok(struct load *l, struct agent *a, const char *msg,
	uint64_t now)
{
	if (l->options->check && !phone_accepts(&a->phone, &l->site, msg))
		l->result->malformed++;
	l->result->ok++;
	l->result->ok_in_time += now <= l->end_us;
	histogram_add(&l->result->reg_us, now - a->start_us);
	end_registration(l, a);
}

static void on_refusal(struct load *l, struct agent *a, unsigned status)
{
	l->result->other++;
	l->result->last_other = status;
	a->phone.nonce[0] = '\0';
	end_registration(l, a);
}

/* A second challenge within a registration says that the password is wrong,
 * unless it says that the nonce was too old. */
static void on_challenge(struct load *l, struct agent *a, const char *msg,
	uint64_t now)
{
	bool stale = false;

	if (l->options->no_auth ||
		!phone_take_challenge(&a->phone, &l->site, msg, &stale) ||
		(a->challenges > 0 && !stale) ||
		a->challenges >= MAX_CHALLENGES) {
		on_refusal(l, a, 401);
		return;
	}
	a->challenges++;
	l->result->challenges++;
	TAILQ_REMOVE(&l->waiting, a, link);
	begin_request(l, a, now);
}

static void on_datagram(void *arg, const char *msg, uint64_t now)
{
	struct load *l = arg;
	struct response response;

	if (!response_read(msg, &response) ||
		response.index >= l->options->count) {
		l->result->malformed++;
		return;
	}
	struct agent *a = &l->agent[response.index];
	if (!a->busy || a->phone.cseq != response.cseq)
		l->result->stray++;
	else if (response.status == 200)
		on_ok(l, a, msg, now);
	else if (response.status == 401)
		on_challenge(l, a, msg, now);
	else if (response.status >= 200)
		on_refusal(l, a, response.status);
}

/* Until a datagram comes, the next start is due, or a request is late. */
static void wait_for_event(struct load *l)
{
	struct pollfd pollfd = {.fd = wire_fd(l->wire), .events = POLLIN};
	uint64_t now = now_us(), wake = now + RETRANSMIT_US;
	struct agent *oldest = TAILQ_FIRST(&l->waiting);

	if (oldest && oldest->sent_us + RETRANSMIT_US < wake)
		wake = oldest->sent_us + RETRANSMIT_US;
	if (may_begin(l, now) && next_due(l, now) < wake)
		wake = next_due(l, now);
	if (now < l->end_us && l->end_us < wake)
		wake = l->end_us;
	uint64_t us = wake > now ? wake - now : 0;
	struct timespec timeout = {(time_t)(us / 1000000),
		(long)(us % 1000000) * 1000};
	ppoll(&pollfd, 1, &timeout, NULL);
}

void load_run(struct load *l, const struct load_plan *plan,
	struct load_result *result)
{
	uint64_t now = now_us();

	memset(result, 0, sizeof(*result));
	l->result = result;
	l->plan = *plan;
	l->started = 0;
	l->begin_us = now;
	l->end_us = now + (uint64_t)(plan->seconds * 1e6);
	for (;;) {
		repeat_late(l, now);
		begin_due(l, now);
		wire_flush(l->wire);
		if (is_over(l, now) && TAILQ_EMPTY(&l->waiting))
			break;
		wait_for_event(l);
		wire_receive(l->wire, on_datagram, l);
		now = now_us();
	}
	if (now > l->end_us)
		now = l->end_us;
	result->elapsed_s = (double)(now - l->begin_us) / 1e6;
	l->result = NULL;
}
