/* Closed and open loop of calls: see calls.h.
 *
 * A call is in one of four queues: `idle`; `waiting` for a response, the oldest
 * request first; `holding` until its BYE is due; or `kept`. All requests have
 * the same timeout, and all calls of a plan are held as long, so only the heads
 * need watching. The callee's half may be in `unacked` besides, from its 200 to
 * the ACK. */
#include "tests/bench/calls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/calls_private.h"
#include "tests/bench/dialog.h"
#include "tests/bench/wire.h"

enum { MAX_TIMEOUTS = 200 /* then the server is dead: no more calls */ };

/* ---- the caller ---------------------------------------------------------- */

static void send_request(struct calls *l, const struct call *c,
	enum dialog_method method)
{
	wire_put(l->caller, dialog_write(&c->dialog, &l->site, method,
				    wire_next(l->caller), WIRE_MAX));
}

static enum dialog_method method_of(const struct call *c)
{
	return c->state == ENDING ? DIALOG_BYE : DIALOG_INVITE;
}

/* Sends INVITE or BYE; puts the call at the end of `waiting`. */
static void transmit(struct calls *l, struct call *c, uint64_t now)
{
	send_request(l, c, method_of(c));
	c->sends++;
	c->sent_us = now;
	TAILQ_INSERT_TAIL(&l->waiting, c, link);
}

static void begin_request(struct calls *l, struct call *c, enum state state,
	uint64_t now)
{
	c->state = state;
	c->sends = 0;
	transmit(l, c, now);
}

static void count_most(struct calls *l)
{
	uint64_t n = (uint64_t)l->in_progress + l->n_kept;

	if (n > l->result->most)
		l->result->most = n;
}

/* due: when the schedule wanted it, which is what latency counts from; a
 * server that stalls is not to be flattered. */
static void begin_call(struct calls *l, uint64_t due, uint64_t now)
{
	const struct calls_options *o = l->options;
	struct call *c = TAILQ_FIRST(&l->idle);
	uint64_t n = l->dialled++;

	TAILQ_REMOVE(&l->idle, c, link);
	dialog_begin(&c->dialog, o->caller_first + (uint32_t)(n % o->callers),
		o->callee_first +
			(uint32_t)((n + n / o->callers) % o->callees));
	c->start_us = due;
	c->rang = c->unacked = c->acked = false;
	c->mirror[0] = '\0';
	l->in_progress++;
	count_most(l);
	begin_request(l, c, INVITED, now);
}

static void end_kept(struct calls *l, uint64_t now)
{
	struct call *c = TAILQ_FIRST(&l->kept);

	TAILQ_REMOVE(&l->kept, c, link);
	l->n_kept--;
	l->in_progress++;
	begin_request(l, c, ENDING, now);
}

/* The call, which is in `waiting`, is over; the next one takes its memory. */
static void end_call(struct calls *l, struct call *c)
{
	callee_forget_ack(l, c);
	TAILQ_REMOVE(&l->waiting, c, link);
	TAILQ_INSERT_HEAD(&l->idle, c, link);
	c->state = IDLE;
	l->in_progress--;
}

static void count_completed(struct calls *l, uint64_t now)
{
	l->result->completed++;
	l->result->in_time += now <= l->end_us;
}

static void on_refusal(struct calls *l, struct call *c, unsigned status)
{
	l->result->other++;
	l->result->last_other = status;
	end_call(l, c);
}

/* A 407 is answered once. */
static void on_failure(struct calls *l, struct call *c, const struct message *m,
	uint64_t now)
{
	if (m->status != 407 || !l->options->digest ||
		!dialog_authenticate(&c->dialog, &l->site, m->text,
			m->method)) {
		on_refusal(l, c, m->status);
		return;
	}
	l->result->challenges++;
	TAILQ_REMOVE(&l->waiting, c, link);
	begin_request(l, c, m->method == DIALOG_BYE ? ENDING : INVITED, now);
}

static void keep(struct calls *l, struct call *c, uint64_t now)
{
	TAILQ_REMOVE(&l->waiting, c, link);
	TAILQ_INSERT_TAIL(&l->kept, c, link);
	l->in_progress--;
	l->n_kept++;
	count_completed(l, now);
}

static void on_answer(struct calls *l, struct call *c, const struct message *m,
	uint64_t now)
{
	if (!dialog_establish(&c->dialog, m->text, !l->options->direct)) {
		l->result->no_route++;
		end_call(l, c);
		return;
	}
	histogram_add(&l->result->answer_us, now - c->start_us);
	send_request(l, c, DIALOG_ACK);
	c->state = ANSWERED;
	if (l->plan.kind == CALLS_KEEP) {
		keep(l, c, now);
		return;
	}
	TAILQ_REMOVE(&l->waiting, c, link);
	if (l->hold_us == 0) {
		begin_request(l, c, ENDING, now);
		return;
	}
	c->sent_us = now;
	TAILQ_INSERT_TAIL(&l->holding, c, link);
}

static void on_ringing(struct calls *l, struct call *c, const struct message *m,
	uint64_t now)
{
	c->state = PROCEEDING;
	if (m->status < 180 || c->rang)
		return;
	c->rang = true;
	histogram_add(&l->result->ring_us, now - c->start_us);
}

static void acknowledge_refusal(struct calls *l, const struct call *c,
	const struct message *m)
{
	wire_put(l->caller, dialog_write_refusal_ack(&c->dialog, &l->site, m,
				    wire_next(l->caller), WIRE_MAX));
}

static void on_invite_response(struct calls *l, struct call *c,
	const struct message *m, uint64_t now)
{
	bool is_open = (c->state == INVITED || c->state == PROCEEDING) &&
		       m->cseq == c->dialog.invite_cseq;

	if (m->status >= 300)
		acknowledge_refusal(l, c, m);
	if (!is_open) {
		l->result->stray++;
		/* the callee repeats its 200 until an ACK arrives */
		if (m->status / 100 == 2 && c->state >= ANSWERED)
			send_request(l, c, DIALOG_ACK);
	} else if (m->status < 200) {
		on_ringing(l, c, m, now);
	} else if (m->status < 300) {
		on_answer(l, c, m, now);
	} else {
		on_failure(l, c, m, now);
	}
}

static void on_bye_response(struct calls *l, struct call *c,
	const struct message *m, uint64_t now)
{
	if (c->state != ENDING || m->cseq != c->dialog.bye_cseq) {
		l->result->stray++;
	} else if (m->status >= 300) {
		on_failure(l, c, m, now);
	} else if (m->status >= 200) {
		if (c->acked)
			count_completed(l, now);
		else
			l->result->no_ack++;
		end_call(l, c);
	}
}

struct call *calls_find(struct calls *l, const struct message *m)
{
	struct call *c = m->slot < l->options->slots ? &l->call[m->slot] : NULL;

	if (c && c->dialog.generation == m->generation)
		return c;
	l->result->stray++;
	return NULL;
}

static void caller_takes(void *arg, const char *text, uint64_t now)
{
	struct calls *l = arg;
	struct message m;

	if (!message_read(&m, text, l->run) || m.status == 0) {
		l->result->malformed++;
		return;
	}
	struct call *c = calls_find(l, &m);
	if (c && m.method == DIALOG_INVITE)
		on_invite_response(l, c, &m, now);
	else if (c && m.method == DIALOG_BYE)
		on_bye_response(l, c, &m, now);
}

/* ---- time ---------------------------------------------------------------- */

static bool is_over(const struct calls *l, uint64_t now)
{
	return now >= l->end_us || l->result->started >= l->plan.limit ||
	       l->result->timeouts >= MAX_TIMEOUTS ||
	       (l->plan.kind == CALLS_END && TAILQ_EMPTY(&l->kept));
}

static bool may_begin(const struct calls *l, uint64_t now)
{
	const struct queue *from =
		l->plan.kind == CALLS_END ? &l->kept : &l->idle;

	return !is_over(l, now) && l->in_progress < l->plan.window &&
	       !TAILQ_EMPTY(from);
}

static uint64_t next_due(const struct calls *l, uint64_t now)
{
	if (l->plan.rate <= 0)
		return now;
	return l->begin_us +
	       (uint64_t)((double)l->result->started * 1e6 / l->plan.rate);
}

static void begin_due(struct calls *l, uint64_t now)
{
	while (may_begin(l, now)) {
		uint64_t due = next_due(l, now);
		if (due > now)
			return;
		if (l->plan.kind == CALLS_END)
			end_kept(l, now);
		else
			begin_call(l, due, now);
		l->result->started++;
	}
}

static void repeat_requests(struct calls *l, uint64_t now)
{
	struct call *c;

	while ((c = TAILQ_FIRST(&l->waiting)) &&
		c->sent_us + RETRANSMIT_US <= now) {
		if (c->sends >= MAX_SENDS) {
			l->result->timeouts++;
			end_call(l, c);
			continue;
		}
		TAILQ_REMOVE(&l->waiting, c, link);
		if (c->state != PROCEEDING) {
			l->result->retransmits++;
			transmit(l, c, now);
			continue;
		}
		c->sends++;
		c->sent_us = now;
		TAILQ_INSERT_TAIL(&l->waiting, c, link);
	}
}

static void end_held(struct calls *l, uint64_t now)
{
	struct call *c;

	while ((c = TAILQ_FIRST(&l->holding)) &&
		c->sent_us + l->hold_us <= now) {
		TAILQ_REMOVE(&l->holding, c, link);
		begin_request(l, c, ENDING, now);
	}
}

static void sooner(uint64_t *wake, uint64_t at)
{
	if (at < *wake)
		*wake = at;
}

/* When the next start, BYE or repetition is due. */
static uint64_t next_event(const struct calls *l, uint64_t now)
{
	const struct call *c;
	uint64_t wake = now + RETRANSMIT_US;

	if ((c = TAILQ_FIRST(&l->waiting)))
		sooner(&wake, c->sent_us + RETRANSMIT_US);
	if ((c = TAILQ_FIRST(&l->unacked)))
		sooner(&wake, c->answered_us + RETRANSMIT_US);
	if ((c = TAILQ_FIRST(&l->holding)))
		sooner(&wake, c->sent_us + l->hold_us);
	if (may_begin(l, now))
		sooner(&wake, next_due(l, now));
	if (now < l->end_us)
		sooner(&wake, l->end_us);
	return wake;
}

static void wait_for_event(struct calls *l)
{
	struct pollfd fds[] = {{.fd = wire_fd(l->caller), .events = POLLIN},
		{.fd = wire_fd(l->callee), .events = POLLIN}};
	uint64_t now = now_us(), wake = next_event(l, now);
	uint64_t us = wake > now ? wake - now : 0;
	struct timespec timeout = {(time_t)(us / 1000000),
		(long)(us % 1000000) * 1000};

	if (ppoll(fds, 2, &timeout, NULL) <= 0)
		return;
	if (fds[1].revents)
		wire_receive(l->callee, callee_takes, l);
	if (fds[0].revents)
		wire_receive(l->caller, caller_takes, l);
}

/* ---- the whole ----------------------------------------------------------- */

struct calls *calls_open(const struct calls_options *options,
	struct wire *caller, struct wire *callee)
{
	struct calls *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->options = options;
	l->caller = caller;
	l->callee = callee;
	snprintf(l->run, sizeof(l->run), "%08x",
		(unsigned)now_us() * 2654435761u ^ (unsigned)getpid());
	l->site =
		(struct dialog_site){options->domain, options->password_prefix,
			wire_name(caller), wire_name(callee), l->run};
	TAILQ_INIT(&l->idle);
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->holding);
	TAILQ_INIT(&l->kept);
	TAILQ_INIT(&l->unacked);
	l->call = calloc(options->slots, sizeof(*l->call));
	if (!l->call) {
		calls_close(l);
		return NULL;
	}
	for (uint32_t i = 0; i < options->slots; i++) {
		l->call[i].dialog.slot = i;
		TAILQ_INSERT_TAIL(&l->idle, &l->call[i], link);
	}
	/* the default of 50 us would blur the schedule of the open loop */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	return l;
}

void calls_close(struct calls *l)
{
	if (!l)
		return;
	free(l->call);
	free(l);
}

void calls_run(struct calls *l, const struct calls_plan *plan,
	struct calls_result *result)
{
	uint64_t now = now_us();

	memset(result, 0, sizeof(*result));
	l->result = result;
	l->plan = *plan;
	l->begin_us = now;
	l->end_us = now + (uint64_t)(plan->seconds * 1e6);
	l->hold_us = (uint64_t)(plan->hold_s * 1e6);
	for (;;) {
		repeat_requests(l, now);
		callee_repeat(l, now);
		end_held(l, now);
		begin_due(l, now);
		wire_flush(l->caller);
		wire_flush(l->callee);
		if (is_over(l, now) && l->in_progress == 0 &&
			TAILQ_EMPTY(&l->unacked))
			break;
		wait_for_event(l);
		now = now_us();
	}
	if (now > l->end_us)
		now = l->end_us;
	result->elapsed_s = (double)(now - l->begin_us) / 1e6;
	l->result = NULL;
}

uint64_t calls_failed(const struct calls_result *r)
{
	return r->other + r->timeouts + r->no_ack + r->no_route;
}
