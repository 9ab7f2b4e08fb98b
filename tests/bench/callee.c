/* The callees' half of the load of calls: 180 and 200 at once, the 200 again
 * until the ACK has come, and a 200 to the BYE. */
#include "tests/bench/calls_private.h"

#include "tests/bench/dialog.h"
#include "tests/bench/wire.h"

void callee_forget_ack(struct calls *l, struct call *c)
{
	if (c->unacked)
		TAILQ_REMOVE(&l->unacked, c, unacked_link);
	c->unacked = false;
}

static void answer(struct calls *l, unsigned status, const char *mirror,
	const struct dialog *dialog)
{
	const struct answer a = {status, mirror, dialog};

	wire_put(l->callee,
		callee_write(&a, &l->site, wire_next(l->callee), WIRE_MAX));
}

/* Sends the 200 to an INVITE; puts the call at the end of `unacked`. */
static void accept_call(struct calls *l, struct call *c, uint64_t now)
{
	answer(l, 200, c->mirror, &c->dialog);
	c->answers++;
	c->answered_us = now;
	c->unacked = true;
	TAILQ_INSERT_TAIL(&l->unacked, c, unacked_link);
}

static void on_invite(struct calls *l, struct call *c, const struct message *m,
	uint64_t now)
{
	bool is_first = c->mirror[0] == '\0';

	if (!is_first || (c->state != INVITED && c->state != PROCEEDING)) {
		l->result->stray++;
		return;
	}
	if (!callee_mirror(m, c->mirror)) {
		l->result->malformed++;
		return;
	}
	answer(l, 180, c->mirror, &c->dialog);
	c->answers = 0;
	accept_call(l, c, now);
}

static void on_bye(struct calls *l, struct call *c, const struct message *m)
{
	char mirror[DIALOG_MIRROR_MAX];

	callee_forget_ack(l, c);
	if (callee_mirror(m, mirror))
		answer(l, 200, mirror, NULL);
	else
		l->result->malformed++;
}

void callee_takes(void *arg, const char *text, uint64_t now)
{
	struct calls *l = arg;
	struct message m;

	if (!message_read(&m, text, l->run) || m.status != 0 ||
		m.method == DIALOG_OTHER) {
		l->result->malformed++;
		return;
	}
	struct call *c = calls_find(l, &m);
	if (!c)
		return;
	if (m.method == DIALOG_INVITE) {
		on_invite(l, c, &m, now);
	} else if (m.method == DIALOG_BYE) {
		on_bye(l, c, &m);
	} else {
		callee_forget_ack(l, c);
		c->acked = true;
	}
}

void callee_repeat(struct calls *l, uint64_t now)
{
	struct call *c;

	while ((c = TAILQ_FIRST(&l->unacked)) &&
		c->answered_us + RETRANSMIT_US <= now) {
		callee_forget_ack(l, c);
		if (c->answers >= MAX_SENDS)
			continue;
		l->result->retransmits++;
		accept_call(l, c, now);
	}
}
