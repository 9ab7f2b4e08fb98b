/* Server transactions (RFC 3261 §17.2, RFC 6026 §7.1). */
#include "cmd/sp-register/transaction_private.h"

static void send_once(const struct transaction *t, const char *data, size_t len)
{
	const struct transaction_events *events = &t->all->events;

	events->send(events->arg, &t->hop, data, len);
}

/* An ACK by the old rules is told by the tag of what it acknowledges. */
static void note_tag(struct transaction *t)
{
	struct sip_message response;
	const char *why;

	if (t->is_old && t->message != NULL &&
		sipmsg_scan(t->message, t->len, &response, &why) == SIP_SCANNED)
		t->answer_tag = key_of_tag(t->all->keys,
			sipmsg_header(&response, SIP_TO));
}

/* INVITE: the caller sends a 2xx again itself (§13.3.1.4), so there is nothing
 * to keep. */
static void leave_to_caller(struct transaction *t, int64_t now_ms)
{
	transaction_replace(t, NULL, 0);
	t->state = STATE_ACCEPTED;
	transaction_limit(t, now_ms + TIMER_GIVE_UP_MS); /* L */
}

static void complete(struct transaction *t, int64_t now_ms)
{
	t->state = STATE_COMPLETED;
	if (t->kind == OTHER_SERVER) {
		transaction_linger(t, TIMER_GIVE_UP_MS, now_ms); /* J */
		return;
	}
	note_tag(t);
	transaction_start_resending(t, now_ms);          /* G */
	transaction_limit(t, now_ms + TIMER_GIVE_UP_MS); /* H */
}

/* A phone that answers late has answered (RFC 3261 §16.7 step 5): its 2xx goes
 * out also after another final response. */
static bool takes_late_2xx(const struct transaction *t)
{
	return t->kind == INVITE_SERVER &&
	       (t->state == STATE_ACCEPTED || t->state == STATE_COMPLETED ||
		       t->state == STATE_CONFIRMED);
}

void transaction_respond(struct transaction *t, int status, const char *data,
	size_t len, int64_t now_ms)
{
	bool is_2xx = status >= 200 && status < 300;

	if (is_2xx && takes_late_2xx(t))
		send_once(t, data, len);
	if (t->state != STATE_TRYING && t->state != STATE_PROCEEDING)
		return;
	send_once(t, data, len);
	if (t->kind == INVITE_SERVER && is_2xx) {
		leave_to_caller(t, now_ms);
		return;
	}
	transaction_replace(t, transaction_copy(data, len), len);
	if (status >= 200)
		complete(t, now_ms);
	else
		t->state = STATE_PROCEEDING;
}

/* Before a final response it acknowledges nothing, after a 2xx that is the
 * caller's and the callee's affair. */
static bool take_ack(struct transaction *t, int64_t now_ms)
{
	if (t->state == STATE_ACCEPTED)
		return false;
	if (t->state != STATE_COMPLETED)
		return true;
	t->state = STATE_CONFIRMED;
	transaction_stop_resending(t);
	transaction_replace(t, NULL, 0);
	transaction_linger(t, TIMER_T4_MS, now_ms); /* I */
	return true;
}

bool server_take(struct transaction *t, const struct sip_message *request,
	int64_t now_ms)
{
	if (sipmsg_slice_is(request->method, "ACK"))
		return take_ack(t, now_ms);
	transaction_repeat(t);
	return true;
}
