/* A fork: the copies of one request, and the response that its sender gets. */
#include "cmd/sp-register/fork.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/caller.h"
#include "cmd/sp-register/proxy_private.h"
#include "lib/config.h"
#include "lib/text.h"

enum {
	REQUEST_TIMEOUT = 408,
	SERVER_ERROR = 500,
	UNAVAILABLE = 503,
	BUSY_HERE = 486,
	BUSY_EVERYWHERE = 600,
};

/* ---- one fork ---------------------------------------------------------- */

static void link_fork(struct proxy *p, struct fork *f)
{
	f->next = p->forks;
	f->link = &p->forks;
	if (f->next != NULL)
		f->next->link = &f->next;
	p->forks = f;
}

static char *copy(const void *data, size_t len)
{
	char *to = malloc(len + 1);

	if (to != NULL) {
		memcpy(to, data, len);
		to[len] = '\0';
	}
	return to;
}

/* Where responses go: the connection, or the address that the request came from
 * as its Via wants it (RFC 3261 §18.2.2, RFC 3581 §4). */
static void set_back(const struct request *rq, struct hop *back)
{
	const struct exchange *x = rq->exchange;
	bool is_datagram = strcmp(x->transport, "udp") == 0;

	hop_set(back, SP_UDP, x->origin.ip,
		is_datagram && !rq->via.has_rport ? rq->via.port
						  : x->origin.port);
	for (enum sp_transport t = 0; t < SP_N_TRANSPORTS; t++)
		if (strcmp(sp_transport_name(t), x->transport) == 0)
			back->transport = t;
	back->flow_id = x->flow_id;
	back->local = x->local;
}

static bool set_up(struct fork *f, struct request *rq, uint32_t loop)
{
	struct proxy *p = f->proxy;
	struct hop back;

	f->relay.origin.ip = strcpy(f->origin_ip, rq->exchange->origin.ip);
	f->relay.origin.port = rq->exchange->origin.port;
	f->loop = loop;
	f->tenant = rq->scope.tenant;
	f->is_invite = sipmsg_slice_is(rq->message.method, "INVITE");
	f->len = rq->exchange->len;
	f->data = copy(rq->exchange->data, f->len);
	if (f->relay.identity != NULL)
		f->identity = strdup(f->relay.identity);
	if (f->data == NULL || (f->relay.identity != NULL && !f->identity))
		return false;
	f->relay.identity = f->identity;
	set_back(rq, &back);
	f->server = transaction_serve(p->transactions, &rq->message, &rq->via,
		&back, f);
	return f->server != NULL;
}

struct fork *fork_new(struct proxy *p, struct request *rq,
	const struct relay *relay, const struct fork_events *events,
	uint32_t loop)
{
	struct fork *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->proxy = p;
	f->events = events;
	f->relay = *relay;
	link_fork(p, f);
	if (!set_up(f, rq, loop)) {
		fork_free(f);
		return NULL;
	}
	return f;
}

/* What was scanned last goes with its text. */
static void forget_scan(const struct fork *f)
{
	if (f->proxy->scanned_fork == f)
		f->proxy->scanned_fork = NULL;
}

void fork_free(struct fork *f)
{
	forget_scan(f);
	if (f->events->released != NULL)
		f->events->released(f);
	if (f->server != NULL)
		transaction_set_owner(f->server, NULL);
	while (f->branches != NULL) {
		struct branch *b = f->branches;

		f->branches = b->next;
		if (b->client != NULL)
			transaction_set_owner(b->client, NULL);
		free(b);
	}
	*f->link = f->next;
	if (f->next != NULL)
		f->next->link = f->link;
	free(f->data);
	free(f->identity);
	free(f->best);
	free(f->challenges);
	free(f);
}

static void free_if_over(struct fork *f)
{
	if (f->is_done || f->server != NULL)
		return;
	for (struct branch *b = f->branches; b != NULL; b = b->next)
		if (b->client != NULL)
			return;
	f->is_done = true;
	f->next_done = f->proxy->done;
	f->proxy->done = f;
}

void fork_reap(struct proxy *p)
{
	while (p->done != NULL) {
		struct fork *f = p->done;

		p->done = f->next_done;
		fork_free(f);
	}
}

/* ---- copies ------------------------------------------------------------ */

/* Writes the copy for t into the proxy's buffer. Returns its length; 0 when
 * there is no way there, or no room. */
static size_t write_copy(struct fork *f, const struct target *t,
	struct hop *hop, const char *branch)
{
	struct proxy *p = f->proxy;
	struct sip_writer w = {p->message, sizeof p->message, 0, false};
	const struct sip_message *m = proxy_rescan(p, f);
	struct relay r = f->relay;

	r.sent_by = proxy_sent_by(p, hop);
	if (r.sent_by == NULL)
		return 0;
	r.branch = branch;
	r.uri = t->uri;
	r.path = t->path;
	r.record_route = t->record_route;
	r.diversions = t->diversions;
	/* Whom it tells of wants them not to know (RFC 3325 §7, §9.3). */
	if (t->is_phone && caller_wants_privacy(m)) {
		r.drops_identity = true;
		r.identity = NULL;
	}
	relay_request(&w, m, &r);
	return w.full ? 0 : w.len;
}

bool fork_send(struct fork *f, const struct target *t)
{
	struct proxy *p = f->proxy;
	struct branch *b = calloc(1, sizeof *b);
	char name[TRANSACTION_BRANCH_SIZE];
	struct hop hop = t->hop;
	size_t len;

	if (b == NULL)
		return false;
	b->fork = f;
	transaction_make_branch(p->transactions, f->loop, name);
	len = write_copy(f, t, &hop, name);
	if (len > 0)
		b->client = transaction_send(p->transactions,
			&(const struct transaction_request){name, &hop,
				p->message, len, b},
			p->now_ms);
	if (b->client == NULL) {
		free(b);
		return false;
	}
	b->is_pending = true;
	b->leg = t->leg;
	b->next = f->branches;
	f->branches = b;
	f->n_pending++;
	return true;
}

void fork_cancel(struct fork *f)
{
	/* Else they would show a missed call (RFC 3326 §3.1). */
	static const char ELSEWHERE[] =
		"SIP;cause=200;text=\"Call completed elsewhere\"";

	for (struct branch *b = f->branches; b != NULL; b = b->next)
		if (b->is_pending && b->client != NULL)
			transaction_cancel(b->client,
				f->is_answered ? ELSEWHERE : NULL,
				f->proxy->now_ms);
}

void fork_abandon(struct fork *f)
{
	for (struct branch *b = f->branches; b != NULL; b = b->next)
		b->is_pending = false;
	f->n_pending = 0;
}

bool fork_is_heard(const struct fork *f)
{
	for (const struct branch *b = f->branches; b != NULL; b = b->next)
		if (b->is_pending && transaction_is_heard(b->client))
			return true;
	return false;
}

/* ---- what goes back ---------------------------------------------------- */

static const char *phrase_of(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} PHRASES[] = {
		{100, "Trying"},
		{181, "Call Is Being Forwarded"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{408, "Request Timeout"},
		{480, "Temporarily Unavailable"},
		{486, "Busy Here"},
		{487, "Request Terminated"},
		{500, "Server Internal Error"},
		{503, "Service Unavailable"},
		{603, "Decline"},
	};

	for (size_t i = 0; i < sizeof PHRASES / sizeof PHRASES[0]; i++)
		if (PHRASES[i].status == status)
			return PHRASES[i].phrase;
	return "Unknown";
}

/* No copy will be made any more. It stays for as long as its transactions do,
 * which is half a minute. */
static void let_go(struct fork *f)
{
	forget_scan(f);
	free(f->data);
	free(f->identity);
	free(f->best);
	free(f->challenges);
	f->data = f->identity = f->best = f->challenges = NULL;
	f->relay = (struct relay){0};
}

static void send_back(struct fork *f, int status, const char *data, size_t len)
{
	if (f->server != NULL)
		transaction_respond(f->server, status, data, len,
			f->proxy->now_ms);
	if (status < 200)
		return;
	f->is_final = true;
	f->is_answered |= status < 300;
	let_go(f);
}

void fork_respond(struct fork *f, int status)
{
	struct proxy *p = f->proxy;
	struct sip_writer w = {p->message, sizeof p->message, 0, false};
	const struct sip_message *m = proxy_rescan(p, f);
	char tag[SIP_TAG_SIZE];

	request_make_tag(p->service, m, tag);
	sipmsg_begin_response(&w, m, status, phrase_of(status),
		&f->relay.origin, tag);
	if (status == UNAVAILABLE)
		request_put_retry_after(&w);
	sipmsg_end_response(&w);
	send_back(f, status, w.at, w.full ? 0 : w.len);
}

/* Other proxies' challenges go behind the status line (§16.7 step 7). */
static void send_best(struct fork *f)
{
	struct proxy *p = f->proxy;
	struct sip_writer w = {p->message, sizeof p->message, 0, false};
	const char *end = memchr(f->best, '\n', f->best_len);
	size_t first = end == NULL ? 0 : (size_t)(end + 1 - f->best);
	bool is_challenge = f->best_status == 401 || f->best_status == 407;

	sipmsg_put_slice(&w, (struct sip_slice){f->best, first});
	if (is_challenge && f->challenges != NULL)
		sipmsg_put_text(&w, f->challenges);
	sipmsg_put_slice(&w,
		(struct sip_slice){f->best + first, f->best_len - first});
	if (!w.full)
		send_back(f, f->best_status, w.at, w.len);
	else
		fork_respond(f, SERVER_ERROR);
}

/* A 503 would tell the sender that we are out of order (§16.7 step 6). */
int fork_status(const struct fork *f, int status)
{
	if (f->best_status == UNAVAILABLE)
		return SERVER_ERROR;
	return f->best_status != 0 ? f->best_status : status;
}

void fork_finish(struct fork *f, int status)
{
	if (f->is_final)
		return;
	if (f->best != NULL && f->best_status != UNAVAILABLE)
		send_best(f);
	else
		fork_respond(f, fork_status(f, status));
}

/* ---- the best response, §16.7 step 6 ------------------------------------ */

/* The lower the better. */
static int rank(int status)
{
	static const int PREFERRED[] = {401, 407, 415, 420, 484};

	if (status >= 600)
		return 0;
	for (size_t i = 0; i < sizeof PREFERRED / sizeof PREFERRED[0]; i++)
		if (status == PREFERRED[i])
			return 10 * (status / 100);
	if (status == BUSY_HERE)
		return 10 * (status / 100) + 1;
	/* What nobody said is worth less than what somebody did. */
	return 10 * (status / 100) +
	       (status == REQUEST_TIMEOUT || status == UNAVAILABLE ? 3 : 2);
}

static const char *realm_of(const struct fork *f)
{
	return f->tenant == NULL ? NULL : f->tenant->domain;
}

static void keep_challenges(struct fork *f, const struct sip_message *m)
{
	struct proxy *p = f->proxy;
	struct sip_writer w = {p->message, sizeof p->message - 1, 0, false};

	if (m->status != 401 && m->status != 407)
		return;
	if (f->challenges != NULL)
		sipmsg_put_text(&w, f->challenges);
	for (int i = 0; i < m->n_fields; i++)
		if ((m->field[i].header == SIP_WWW_AUTHENTICATE ||
			    m->field[i].header == SIP_PROXY_AUTHENTICATE) &&
			!relay_is_for_realm(m->field[i].value, realm_of(f))) {
			sipmsg_put_slice(&w, sipmsg_field_name(&m->field[i]));
			sipmsg_put_text(&w, ": ");
			sipmsg_put_slice(&w, m->field[i].value);
			sipmsg_put_text(&w, "\r\n");
		}
	free(f->challenges);
	f->challenges = w.full ? NULL : copy(w.at, w.len);
}

/* The word of a phone for who it is counts no more than that of a caller. */
static bool drops_identity(const struct branch *b, const struct sip_message *m)
{
	const struct service *s = b->fork->proxy->service;
	char ip[INET6_ADDRSTRLEN];

	if (m->count[SIP_P_ASSERTED_IDENTITY] == 0 || b->client == NULL)
		return true;
	address_read(&transaction_hop(b->client)->to.any, ip);
	return !sp_config_is_trusted(s->config, ip);
}

static void write_back(struct sip_writer *w, const struct branch *b,
	const struct sip_message *m)
{
	const struct relay_back back = {drops_identity(b, m), realm_of(b->fork),
		""};

	relay_response(w, m, &back);
}

static void keep_best(struct fork *f, int status, const char *data, size_t len)
{
	free(f->best);
	f->best = data == NULL ? NULL : copy(data, len);
	f->best_len = len;
	f->best_status = status;
}

static void consider(struct branch *b, int status, const struct sip_message *m)
{
	struct fork *f = b->fork;
	struct proxy *p = f->proxy;
	struct sip_writer w = {p->message, sizeof p->message, 0, false};

	f->had_busy |= status == BUSY_HERE || status == BUSY_EVERYWHERE;
	f->had_other |= status != BUSY_HERE && status != BUSY_EVERYWHERE &&
			status != REQUEST_TIMEOUT && status != UNAVAILABLE &&
			status != 480;
	if (f->best_status != 0 && rank(status) >= rank(f->best_status)) {
		if (m != NULL)
			keep_challenges(f, m);
		return;
	}
	if (m == NULL) {
		keep_best(f, status, NULL, 0);
		return;
	}
	write_back(&w, b, m);
	keep_best(f, status, w.full ? NULL : w.at, w.len);
}

void fork_forget(struct fork *f)
{
	free(f->best);
	free(f->challenges);
	f->best = f->challenges = NULL;
	f->best_status = 0;
	f->had_busy = f->had_other = false;
}

/* ---- from the transaction layer ----------------------------------------- */

static void pass_on(struct branch *b, const struct sip_message *m)
{
	struct fork *f = b->fork;
	struct proxy *p = f->proxy;
	struct sip_writer w = {p->message, sizeof p->message, 0, false};

	write_back(&w, b, m);
	if (!w.full)
		send_back(f, m->status, w.at, w.len);
}

/* A final response is no longer awaited from there. */
static void settle(struct branch *b)
{
	struct fork *f = b->fork;

	if (!b->is_pending)
		return;
	b->is_pending = false;
	f->n_pending--;
}

static void go_on(struct fork *f)
{
	if (f->n_pending == 0 && !f->is_final)
		f->events->exhausted(f);
}

static void take_2xx(struct branch *b, const struct sip_message *m)
{
	struct fork *f = b->fork;
	bool is_first = !f->is_answered;

	settle(b);
	/* Others than an INVITE have one final response only. */
	if (!is_first && !f->is_invite)
		return;
	if (f->events->answered != NULL)
		f->events->answered(f, b, m);
	pass_on(b, m);
	if (is_first)
		fork_cancel(f);
}

void fork_take_response(struct branch *b, const struct sip_message *m)
{
	struct fork *f = b->fork;

	if (m->status == 100)
		return;
	if (m->status < 200) {
		if (f->is_final || !b->is_pending)
			return;
		if (f->events->answered != NULL)
			f->events->answered(f, b, m);
		pass_on(b, m);
		return;
	}
	if (m->status < 300) {
		take_2xx(b, m);
		return;
	}
	if (!b->is_pending)
		return;
	settle(b);
	consider(b, m->status, m);
	if (m->status >= 600)
		fork_cancel(f);
	go_on(f);
}

void fork_take_failure(struct branch *b, int status)
{
	if (!b->is_pending)
		return;
	settle(b);
	consider(b, status, NULL);
	go_on(b->fork);
}

void fork_lose_client(struct branch *b)
{
	b->client = NULL;
	free_if_over(b->fork);
}

void fork_lose_server(struct fork *f)
{
	f->server = NULL;
	free_if_over(f);
}
