/* Transactions: the table of them, what belongs to which, and their timers. */
#include "cmd/sp-register/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/transaction_private.h"

/* ---- all of them -------------------------------------------------------- */

int transactions_new(struct transactions **out, struct wheel *wheel,
	const struct transaction_events *events, struct sp_err *err)
{
	struct transactions *all = calloc(1, sizeof *all);
	int rc;

	*out = NULL;
	if (all == NULL)
		return sp_err_memory(err);
	all->wheel = wheel;
	all->events = *events;
	rc = keys_new(&all->keys, err);
	if (rc == 0 && (table_init(&all->by_key) != 0 ||
			       table_init(&all->by_origin) != 0 ||
			       table_init(&all->by_hop) != 0))
		rc = sp_err_memory(err);
	if (rc != 0)
		transactions_free(all);
	else
		*out = all;
	return rc;
}

static bool is_client(const struct transaction *t)
{
	return t->kind == INVITE_CLIENT || t->kind == OTHER_CLIENT;
}

static void drop(struct transaction *t)
{
	struct transactions *all = t->all;

	wheel_clear(all->wheel, &t->resend);
	wheel_clear(all->wheel, &t->limit);
	table_remove(&all->by_key, &t->by_key);
	table_remove(is_client(t) ? &all->by_hop : &all->by_origin,
		&t->by_other);
	all->count--;
	free(t->message);
	free(t);
}

void transactions_free(struct transactions *all)
{
	struct entry *e;
	size_t i = 0;

	if (all == NULL)
		return;
	while ((e = table_any(&all->by_key, &i)) != NULL)
		drop(e->transaction);
	table_release(&all->by_key);
	table_release(&all->by_origin);
	table_release(&all->by_hop);
	keys_free(all->keys);
	free(all);
}

int transactions_count(const struct transactions *all)
{
	return all->count;
}

/* ---- one of them -------------------------------------------------------- */

static void resend_expired(void *arg)
{
	struct transaction *t = arg;

	if (is_client(t))
		client_resend_expired(t);
	else
		transaction_resend(t, TIMER_T2_MS); /* Timer G */
}

/* Of a server it is the end whatever the timer: H, I, J, L. */
static void limit_expired(void *arg)
{
	struct transaction *t = arg;
	struct transactions *all = t->all;

	if (t->state != STATE_TERMINATED && is_client(t))
		client_limit_expired(t, all->wheel->now_ms);
	else
		t->state = STATE_TERMINATED;
	if (t->state != STATE_TERMINATED)
		return;
	if (!t->is_silent)
		all->events.ended(all->events.arg, t);
	drop(t);
}

struct transaction *transaction_new(struct transactions *all,
	enum transaction_kind kind, const struct key *key, char *message,
	size_t len)
{
	struct transaction *t = calloc(1, sizeof *t);

	if (t == NULL) {
		free(message);
		return NULL;
	}
	t->all = all;
	t->kind = kind;
	t->message = message;
	t->len = len;
	t->resend.expired = resend_expired;
	t->limit.expired = limit_expired;
	t->resend.arg = t->limit.arg = t;
	t->by_key.key = *key;
	t->by_key.transaction = t->by_other.transaction = t;
	table_add(&all->by_key, &t->by_key);
	all->count++;
	return t;
}

void transaction_terminate(struct transaction *t, int64_t now_ms)
{
	struct transactions *all = t->all;

	t->state = STATE_TERMINATED;
	table_remove(is_client(t) ? &all->by_hop : &all->by_origin,
		&t->by_other);
	wheel_clear(all->wheel, &t->resend);
	wheel_set(all->wheel, &t->limit, now_ms);
}

void transaction_limit(struct transaction *t, int64_t due_ms)
{
	wheel_set(t->all->wheel, &t->limit, due_ms);
}

void transaction_linger(struct transaction *t, int ms, int64_t now_ms)
{
	if (hop_is_reliable(&t->hop))
		transaction_terminate(t, now_ms);
	else
		transaction_limit(t, now_ms + ms);
}

void transaction_start_resending(struct transaction *t, int64_t now_ms)
{
	if (hop_is_reliable(&t->hop))
		return;
	t->interval_ms = TIMER_T1_MS;
	wheel_set(t->all->wheel, &t->resend, now_ms + t->interval_ms);
}

void transaction_resend(struct transaction *t, int max_ms)
{
	struct wheel *wheel = t->all->wheel;

	transaction_repeat(t);
	t->interval_ms *= 2;
	if (t->interval_ms > max_ms)
		t->interval_ms = max_ms;
	wheel_set(wheel, &t->resend, wheel->now_ms + t->interval_ms);
}

void transaction_stop_resending(struct transaction *t)
{
	wheel_clear(t->all->wheel, &t->resend);
}

void transaction_repeat(const struct transaction *t)
{
	const struct transaction_events *events = &t->all->events;

	if (t->message != NULL)
		events->send(events->arg, &t->hop, t->message, t->len);
}

void transaction_replace(struct transaction *t, char *message, size_t len)
{
	free(t->message);
	t->message = message;
	t->len = len;
}

char *transaction_copy(const char *data, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	if (copy != NULL && len > 0)
		memcpy(copy, data, len);
	return copy;
}

enum transaction_kind transaction_kind(const struct transaction *t)
{
	return t->kind;
}

enum transaction_state transaction_state(const struct transaction *t)
{
	return t->state;
}

void *transaction_owner(const struct transaction *t)
{
	return t->owner;
}

void transaction_set_owner(struct transaction *t, void *owner)
{
	t->owner = owner;
}

const struct hop *transaction_hop(const struct transaction *t)
{
	return &t->hop;
}

bool transaction_is_heard(const struct transaction *t)
{
	return t->is_heard;
}

/* ---- requests that come in ---------------------------------------------- */

static const struct sip_slice INVITE = {"INVITE", 6};

static bool is_ack(const struct sip_message *request)
{
	return sipmsg_slice_is(request->method, "ACK");
}

static bool is_cancel(const struct sip_message *request)
{
	return sipmsg_slice_is(request->method, "CANCEL");
}

/* By the old rules an ACK has the To tag of the response, all others that of
 * the request. */
static bool tag_fits(const struct transaction *t,
	const struct sip_message *request)
{
	struct key tag;

	if (!t->is_old)
		return true;
	tag = key_of_tag(t->all->keys, sipmsg_header(request, SIP_TO));
	return key_equal(&tag, is_ack(request) ? &t->answer_tag : &t->to_tag);
}

static struct transaction *find_server(struct transactions *all,
	const struct sip_message *request, const struct sip_via *via,
	struct sip_slice method)
{
	struct key key = key_of_server(all->keys, request, via, method);
	struct entry *e = NULL;

	while ((e = table_next(&all->by_key, &key, e)) != NULL)
		if (e->transaction->state != STATE_TERMINATED &&
			tag_fits(e->transaction, request))
			return e->transaction;
	return NULL;
}

/* A CANCEL goes the way of its INVITE, and so may come by several as well: it
 * is each time for another transaction. */
static bool has_origin(const struct sip_message *request)
{
	return !is_ack(request) && !is_cancel(request) &&
	       address_tag(sipmsg_header(request, SIP_TO)).at == NULL;
}

static bool is_merged(struct transactions *all,
	const struct sip_message *request)
{
	struct key key;

	if (!has_origin(request))
		return false;
	key = key_of_origin(all->keys, request);
	return table_next(&all->by_origin, &key, NULL) != NULL;
}

enum transaction_match transactions_take_request(struct transactions *all,
	const struct sip_message *request, const struct sip_via *via,
	int64_t now_ms)
{
	struct transaction *t = find_server(all, request, via,
		is_ack(request) ? INVITE : request->method);

	if (t != NULL)
		return server_take(t, request, now_ms) ? MATCH_ABSORBED
						       : MATCH_NONE;
	return is_merged(all, request) ? MATCH_MERGED : MATCH_NONE;
}

struct transaction *transactions_find_invite(struct transactions *all,
	const struct sip_message *cancel, const struct sip_via *via)
{
	return find_server(all, cancel, via, INVITE);
}

struct transaction *transaction_serve(struct transactions *all,
	const struct sip_message *request, const struct sip_via *via,
	const struct hop *back, void *owner)
{
	bool is_invite = sipmsg_slice_is(request->method, "INVITE");
	struct key key =
		key_of_server(all->keys, request, via, request->method);
	struct transaction *t = transaction_new(all,
		is_invite ? INVITE_SERVER : OTHER_SERVER, &key, NULL, 0);

	if (t == NULL)
		return NULL;
	t->state = is_invite ? STATE_PROCEEDING : STATE_TRYING;
	t->hop = *back;
	t->owner = owner;
	t->is_old = !via_is_modern(via);
	if (t->is_old)
		t->to_tag =
			key_of_tag(all->keys, sipmsg_header(request, SIP_TO));
	if (has_origin(request)) {
		t->by_other.key = key_of_origin(all->keys, request);
		table_add(&all->by_origin, &t->by_other);
	}
	return t;
}

/* ---- responses, and what does not arrive -------------------------------- */

enum response_match transactions_take_response(struct transactions *all,
	const struct sip_message *response, int64_t now_ms)
{
	struct entry *e = NULL;
	struct sip_via via;
	struct key key;

	if (!sipmsg_parse_via(response, &via))
		return RESPONSE_STRAY;
	key = key_of_client(all->keys, via.branch, response->cseq_method);
	while ((e = table_next(&all->by_key, &key, e)) != NULL)
		if (e->transaction->state != STATE_TERMINATED) {
			client_take(e->transaction, response, now_ms);
			return RESPONSE_TAKEN;
		}
	return RESPONSE_STRAY;
}

/* They leave the table for a list of ours first: what `failed` sends there is
 * not to fail with them. */
static void fail_all(struct transactions *all, const struct hop *hop,
	int64_t now_ms)
{
	struct key key = key_of_hop(all->keys, hop);
	struct entry *list = NULL, *next, *e;

	for (e = table_next(&all->by_hop, &key, NULL); e != NULL; e = next) {
		next = table_next(&all->by_hop, &key, e);
		table_move(e, &list);
	}
	while (list != NULL)
		client_fail(list->transaction, 503, now_ms);
}

void transactions_fail_hop(struct transactions *all, const struct hop *hop,
	int64_t now_ms)
{
	struct hop address = *hop;

	fail_all(all, hop, now_ms);
	if (hop->flow_id == 0 || hop->to.any.sa_family == AF_UNSPEC)
		return;
	address.flow_id = 0;
	fail_all(all, &address, now_ms);
}
