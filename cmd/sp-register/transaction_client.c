/* Client transactions (RFC 3261 §17.1, §9.1, §16.8, RFC 6026 §7.2). */
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/transaction_private.h"

/* ---- sending ------------------------------------------------------------ */

/* Up to the first space. */
static struct sip_slice method_of(const char *message, size_t len)
{
	const char *space = memchr(message, ' ', len);

	return (struct sip_slice){message,
		space == NULL ? 0 : (size_t)(space - message)};
}

/* Takes `message` over, which is what rq->data says. */
static struct transaction *start(struct transactions *all,
	const struct transaction_request *rq, char *message, int64_t now_ms)
{
	struct sip_slice branch = {rq->branch, strlen(rq->branch)};
	struct sip_slice method = method_of(message, rq->len);
	bool is_invite = sipmsg_slice_is(method, "INVITE");
	struct key key = key_of_client(all->keys, branch, method);
	struct transaction *t =
		transaction_new(all, is_invite ? INVITE_CLIENT : OTHER_CLIENT,
			&key, message, rq->len);

	if (t == NULL)
		return NULL;
	t->state = is_invite ? STATE_CALLING : STATE_TRYING;
	t->hop = *rq->hop;
	t->owner = rq->owner;
	t->by_other.key = key_of_hop(all->keys, rq->hop);
	table_add(&all->by_hop, &t->by_other);
	transaction_start_resending(t, now_ms);          /* A, E */
	transaction_limit(t, now_ms + TIMER_GIVE_UP_MS); /* B, F */
	transaction_repeat(t);
	return t;
}

struct transaction *transaction_send(struct transactions *all,
	const struct transaction_request *rq, int64_t now_ms)
{
	char *message = transaction_copy(rq->data, rq->len);

	return message == NULL ? NULL : start(all, rq, message, now_ms);
}

/* ---- cancelling --------------------------------------------------------- */

/* The branch of a message that is one of ours. */
static bool read_branch(char *message, size_t len,
	char branch[TRANSACTION_BRANCH_SIZE])
{
	struct sip_message scanned;
	struct sip_via via;
	const char *why;

	if (sipmsg_scan(message, len, &scanned, &why) != SIP_SCANNED ||
		!sipmsg_parse_via(&scanned, &via) || via.branch.at == NULL ||
		via.branch.len >= TRANSACTION_BRANCH_SIZE)
		return false;
	memcpy(branch, via.branch.at, via.branch.len);
	branch[via.branch.len] = '\0';
	return true;
}

/* Its own transaction, of which nobody is told. */
static void start_cancel(struct transaction *invite, int64_t now_ms)
{
	char branch[TRANSACTION_BRANCH_SIZE];
	struct transaction_request rq = {.branch = branch, .hop = &invite->hop};
	char *message = transaction_derive(invite, NULL, &rq.len);
	struct transaction *t;

	if (message == NULL)
		return;
	if (!read_branch(message, rq.len, branch)) {
		free(message);
		return;
	}
	t = start(invite->all, &rq, message, now_ms);
	if (t != NULL)
		t->is_silent = true;
}

/* Only after a provisional response, lest it overtakes the INVITE. */
static void cancel(struct transaction *t, int64_t now_ms)
{
	if (t->is_cancelled || t->state != STATE_PROCEEDING)
		return;
	t->is_cancelled = true;
	transaction_limit(t, now_ms + TIMER_GIVE_UP_MS); /* §9.1 */
	start_cancel(t, now_ms);
}

void transaction_cancel(struct transaction *t, const char *reason,
	int64_t now_ms)
{
	if (t->kind != INVITE_CLIENT)
		return;
	if (!t->is_to_cancel)
		t->reason = reason;
	t->is_to_cancel = true;
	cancel(t, now_ms);
}

/* ---- responses ---------------------------------------------------------- */

static void tell(struct transaction *t, const struct sip_message *response)
{
	const struct transaction_events *events = &t->all->events;

	if (!t->is_silent)
		events->answered(events->arg, t, response);
}

/* No more waiting for an answer. */
static void finish(struct transaction *t, enum transaction_state state)
{
	t->state = state;
	table_remove(&t->all->by_hop, &t->by_other);
	transaction_stop_resending(t);
}

void client_fail(struct transaction *t, int cause, int64_t now_ms)
{
	const struct transaction_events *events = &t->all->events;

	transaction_terminate(t, now_ms);
	if (!t->is_silent)
		events->failed(events->arg, t, cause);
}

/* Timer C begins anew with each 101 to 199 (§16.7 step 2). */
static void take_provisional(struct transaction *t,
	const struct sip_message *response, int64_t now_ms)
{
	bool is_first = t->state == STATE_CALLING;

	t->state = STATE_PROCEEDING;
	transaction_stop_resending(t);
	if (is_first || (response->status > 100 && !t->is_cancelled))
		transaction_limit(t, now_ms + TIMER_C_MS);
	tell(t, response);
	if (t->is_to_cancel)
		cancel(t, now_ms);
}

static void take_final(struct transaction *t,
	const struct sip_message *response, int64_t now_ms)
{
	size_t len = 0;
	char *ack;

	if (response->status < 300) {
		finish(t, STATE_ACCEPTED);
		transaction_replace(t, NULL, 0);
		transaction_limit(t, now_ms + TIMER_GIVE_UP_MS); /* M */
		tell(t, response);
		return;
	}
	finish(t, STATE_COMPLETED);
	ack = transaction_derive(t, response, &len);
	transaction_replace(t, ack, len);
	transaction_repeat(t);
	tell(t, response);
	transaction_linger(t, TIMER_D_MS, now_ms);
}

static void take_of_invite(struct transaction *t,
	const struct sip_message *response, int64_t now_ms)
{
	int status = response->status;

	switch (t->state) {
	case STATE_CALLING:
	case STATE_PROCEEDING:
		if (status < 200)
			take_provisional(t, response, now_ms);
		else
			take_final(t, response, now_ms);
		break;
	case STATE_ACCEPTED:
		if (status >= 200 && status < 300)
			tell(t, response);
		break;
	case STATE_COMPLETED:
		if (status >= 300)
			transaction_repeat(t); /* the ACK */
		break;
	default: break;
	}
}

static void take_of_other(struct transaction *t,
	const struct sip_message *response, int64_t now_ms)
{
	if (t->state == STATE_COMPLETED)
		return;
	if (response->status < 200) {
		t->state = STATE_PROCEEDING;
		tell(t, response);
		return;
	}
	finish(t, STATE_COMPLETED);
	transaction_replace(t, NULL, 0);
	tell(t, response);
	transaction_linger(t, TIMER_T4_MS, now_ms); /* K */
}

void client_take(struct transaction *t, const struct sip_message *response,
	int64_t now_ms)
{
	t->is_heard = true;
	if (t->kind == INVITE_CLIENT)
		take_of_invite(t, response, now_ms);
	else
		take_of_other(t, response, now_ms);
}

/* ---- timers ------------------------------------------------------------- */

/* A doubles without end; E up to T2, and is T2 once something was heard. */
void client_resend_expired(struct transaction *t)
{
	if (t->kind == OTHER_CLIENT && t->state == STATE_PROCEEDING)
		t->interval_ms = TIMER_T2_MS;
	transaction_resend(t,
		t->kind == INVITE_CLIENT ? TIMER_GIVE_UP_MS : TIMER_T2_MS);
}

void client_limit_expired(struct transaction *t, int64_t now_ms)
{
	bool is_answered =
		t->state == STATE_ACCEPTED || t->state == STATE_COMPLETED;

	if (is_answered)
		transaction_terminate(t, now_ms); /* D, K, M */
	else if (t->kind == INVITE_CLIENT && t->state == STATE_PROCEEDING &&
		 !t->is_cancelled)
		transaction_cancel(t, NULL, now_ms); /* C */
	else
		client_fail(t, 408, now_ms); /* B, F, or a CANCEL in vain */
}
