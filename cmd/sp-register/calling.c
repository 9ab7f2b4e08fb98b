/* A call that is being set up: the steps of its route, carried out. */
#include "cmd/sp-register/calling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/calls.h"
#include "cmd/sp-register/diversion.h"
#include "cmd/sp-register/proxy_private.h"
#include "cmd/sp-register/resolve.h"
#include "lib/route.h"
#include "lib/route_facts.h"

enum {
	/* A row that nobody ends while it rings ages out so long after it has
	 * rung for as long as it may. */
	AGE_MS = TIMER_GIVE_UP_MS + 2 * CALLING_STOP_MS,
	TEXT_SIZE = 4096, /* of the fields that tell of diversions */
	CANCELLED = 487,
};

enum phase {
	PHASE_RINGING,  /* an extension, until the timer ends that */
	PHASE_STOPPING, /* legs were cancelled; then on with `outcome` */
	PHASE_LOOKING,  /* for the address of where it is sent */
	PHASE_SENT,     /* there */
};

struct calling {
	struct fork *fork;
	struct call *call; /* NULL once it has ended, or has no memory */
	bool is_stopped;   /* by the end of the server, or of its tenant */
	bool is_started;   /* its row, with what the first step has told */
	struct sp_scope scope;
	struct sp_route_moment moment; /* of scope */
	struct sp_route route;
	enum phase phase;
	enum sp_route_outcome outcome;
	struct timer timer;
	char rung[SP_ROUTE_DIVERSIONS + 1][SP_NUMBER_SIZE];
	int n_rung;
	struct diversion diversion[SP_ROUTE_DIVERSIONS];
	int n_diversions;
	struct resolution *resolution;
	char uri[SP_TARGET_SIZE], host[SP_TARGET_SIZE]; /* where it is sent */
	struct hop hops[RESOLVE_MAX_HOPS];
	int n_hops, next_hop;
};

static void take_steps(struct calling *c, enum sp_route_outcome outcome);

static struct calling *calling_of(const struct fork *f)
{
	return f->owner;
}

/* ---- the end ----------------------------------------------------------- */

static const char *ending_of(const struct calling *c, int status)
{
	if (c->fork->is_cancelled)
		return SP_CALL_CANCELLED;
	if (c->is_stopped)
		return SP_CALL_FAILED;
	switch (status) {
	case 486:
	case 600: return SP_CALL_BUSY;
	case CANCELLED: return SP_CALL_CANCELLED; /* by BYE */
	case 408:
	case 480:
		return c->outcome == SP_ROUTE_NO_ANSWER ? SP_CALL_NO_ANSWER
							: SP_CALL_UNREACHABLE;
	case 403:
	case 603: return SP_CALL_REJECTED;
	default: return SP_CALL_FAILED;
	}
}

static void end_call(struct calling *c, int status)
{
	struct proxy *p = c->fork->proxy;

	wheel_clear(&p->wheel, &c->timer);
	resolution_cancel(c->resolution);
	c->resolution = NULL;
	if (c->call == NULL)
		return;
	c->call->row.status = status;
	calls_end(p->calls, c->call, ending_of(c, status), p->wall_ms);
}

/* With the best response that there was, or else with `status`. */
static void finish(struct calling *c, int status)
{
	end_call(c, fork_status(c->fork, status));
	fork_finish(c->fork, status);
}

static void refuse(struct calling *c, int status)
{
	fork_forget(c->fork);
	finish(c, status);
}

/* ---- legs -------------------------------------------------------------- */

/* Writes the Record-Route of a leg, and keeps what stands in it: mostly that leg
 * has the call in the end. */
static bool record_route(struct calling *c, const struct hop *hop,
	char out[RECORD_ROUTE_SIZE])
{
	struct dialog_route route = {.callee = *hop};
	char token[DIALOG_ROUTE_SIZE];

	if (c->call != NULL)
		route.call_id = c->call->row.id;
	if (!proxy_record_route(c->fork, &route, token, out))
		return false;
	if (c->call != NULL) {
		c->call->route = route;
		memcpy(c->call->row.route, token, sizeof token);
	}
	return true;
}

/* Sends a leg to t, of which hop, URI, path and is_phone are filled in. whose: the
 * URI of what it was diverted to, which need not be a phone's. */
static bool send_leg(struct calling *c, struct target t, const char *whose)
{
	struct fork *f = c->fork;
	struct proxy *p = f->proxy;
	char recorded[RECORD_ROUTE_SIZE];
	char diversions[TEXT_SIZE] = "";
	struct sip_writer w = {diversions, sizeof diversions - 1, 0, false};

	if (!record_route(c, &t.hop, recorded))
		return false;
	if (c->n_diversions > 0)
		diversion_put(&w, proxy_rescan(p, f), f->tenant->domain,
			c->diversion, c->n_diversions, whose);
	diversions[w.full ? 0 : w.len] = '\0';
	t.record_route = recorded;
	t.diversions = diversions;
	t.leg = c->n_rung;
	return fork_send(f, &t);
}

/* ---- RING -------------------------------------------------------------- */

static bool uses_db(struct calling *c)
{
	c->scope.now_ms = c->moment.rules_ms = c->fork->proxy->wall_ms;
	return service_uses_db(c->fork->proxy->service);
}

static void set_timer(struct calling *c, int64_t ms)
{
	struct proxy *p = c->fork->proxy;

	wheel_set(&p->wheel, &c->timer, p->now_ms + ms);
}

/* Writes that it rings at `callee`, "" for nowhere; the first time with all that
 * is known of the call. Nothing that goes wrong with the row stops the call. */
static void note_ringing(struct calling *c, const char *callee,
	int64_t lasts_ms)
{
	struct proxy *p = c->fork->proxy;
	struct sp_err err;
	int rc;

	if (c->call == NULL || !uses_db(c))
		return;
	snprintf(c->call->row.callee, sizeof c->call->row.callee, "%s", callee);
	c->call->row.expires_ms = c->scope.now_ms + lasts_ms + AGE_MS;
	rc = c->is_started ? sp_call_ring(&c->scope, &c->call->row, &err)
			   : calls_start(p->calls, &c->scope, c->call, &err);
	c->is_started = true;
	if (rc != 0)
		request_db_failed(p->service, &err);
}

static void note_start(struct calling *c)
{
	if (!c->is_started)
		note_ringing(c, "", 0);
}

/* Returns how many of the phones of that number, the n in p->bindings, are
 * called. */
static int call_phones(struct calling *c, const char *number, int n)
{
	struct proxy *p = c->fork->proxy;
	char aor[SP_NUMBER_SIZE + SP_DOMAIN_SIZE + 8];
	int sent = 0;

	snprintf(aor, sizeof aor, "sip:%.15s@%s", number,
		c->fork->tenant->domain);
	for (int i = 0; i < n; i++) {
		struct target t;

		if (proxy_phone(p, i, &t) && send_leg(c, t, aor))
			sent++;
	}
	return sent;
}

/* Returns 1 when somebody rings, 0 when nobody is there, -1. */
static int ring(struct calling *c, const struct sp_route_step *step,
	struct sp_err *err)
{
	int n = sp_binding_list(&c->scope, step->extension_id,
		c->fork->proxy->bindings, SP_MAX_BINDINGS, err);

	if (n <= 0)
		return n;
	/* First, since what the phones get has the row's id in it. */
	note_ringing(c, step->number, step->after_ms);
	if (call_phones(c, step->number, n) == 0) {
		note_ringing(c, "", 0);
		return 0;
	}
	c->phase = PHASE_RINGING;
	set_timer(c, step->after_ms);
	memcpy(c->rung[c->n_rung++], step->number, SP_NUMBER_SIZE);
	return 1;
}

/* ---- SEND -------------------------------------------------------------- */

/* The next address that has not been tried (RFC 3263 §4.3). */
static void finish_away(struct calling *c)
{
	int status = fork_status(c->fork, 503);

	if (c->fork->best == NULL) /* nobody there has said anything */
		log_write(c->fork->proxy->service->log, LOG_WARN, "not-reached",
			LOG_FIELDS({"uri", c->uri}));
	finish(c, status);
}

static void send_to_next_hop(struct calling *c)
{
	struct proxy *p = c->fork->proxy;

	while (c->next_hop < c->n_hops) {
		struct target t = {.hop = c->hops[c->next_hop++],
			.uri = {c->uri, strlen(c->uri)}};

		if (service_reach(p->service, &t.hop, c->host) &&
			send_leg(c, t, c->uri)) {
			c->phase = PHASE_SENT;
			return;
		}
	}
	finish_away(c);
}

static void on_resolved(void *arg, const struct hop *hops, int n,
	const char *why)
{
	struct calling *c = arg;
	struct proxy *p = c->fork->proxy;

	proxy_enter(p);
	c->resolution = NULL;
	if (n == 0)
		log_write(p->service->log, LOG_WARN, "not-found",
			LOG_FIELDS({"uri", c->uri}, {"cause", why}));
	memcpy(c->hops, hops, (size_t)n * sizeof *hops);
	c->n_hops = n;
	send_to_next_hop(c);
	proxy_leave(p);
}

/* Returns false when nobody can tell where that is. */
static bool look_up(struct calling *c)
{
	struct proxy *p = c->fork->proxy;
	struct sip_slice text = {c->uri, strlen(c->uri)}, value;
	struct resolve_target target = {.transport = SP_N_TRANSPORTS};
	struct sip_uri uri;

	if (!sipmsg_parse_uri(text, &uri))
		return false;
	snprintf(c->host, sizeof c->host, "%.255s", uri.host);
	target.host = c->host;
	target.port = uri.port;
	target.is_sips = uri.is_sips;
	if (sipmsg_uri_param(text, "transport", &value) && value.at != NULL)
		for (enum sp_transport t = 0; t < SP_N_TRANSPORTS; t++)
			if (sipmsg_slice_is_nocase(value, sp_transport_name(t)))
				target.transport = t;
	c->next_hop = 0;
	c->n_hops = resolve_numeric(&target, &c->hops[0]);
	if (c->n_hops == 1) {
		send_to_next_hop(c);
		return true;
	}
	c->phase = PHASE_LOOKING;
	if (p->service->parts.resolver != NULL)
		c->resolution = resolver_ask(p->service->parts.resolver,
			&target, on_resolved, c);
	return c->resolution != NULL;
}

static void send_away(struct calling *c, const struct sp_route_step *step)
{
	snprintf(c->uri, sizeof c->uri, "%s", step->target);
	note_ringing(c, c->uri, RESOLVE_MAX_HOPS * TIMER_C_MS);
	if (!look_up(c))
		finish(c, 503);
}

/* ---- DIVERT ------------------------------------------------------------ */

static void divert(struct calling *c, const struct sp_route_step *step)
{
	struct fork *f = c->fork;
	struct diversion *d = &c->diversion[c->n_diversions];
	struct sp_err err;

	fork_forget(f);
	c->outcome = SP_ROUTE_OFFLINE; /* unless it rings there */
	note_start(c);
	if (c->call != NULL && uses_db(c) &&
		sp_call_divert(&c->scope, &c->call->row, step->number,
			step->condition, step->target, &err) != 0)
		request_db_failed(f->proxy->service, &err);
	if (sp_target_kind(step->target) == SP_TARGET_REJECT ||
		c->n_diversions == SP_ROUTE_DIVERSIONS)
		return;
	memcpy(d->number, step->number, SP_NUMBER_SIZE);
	d->condition = step->condition;
	c->n_diversions++;
	fork_respond(f, 181);
}

/* ---- the route --------------------------------------------------------- */

/* Returns 1 to take the next step with *outcome, 0 when something is awaited or
 * over, -1 when the database fails. */
static int take_step(struct calling *c, enum sp_route_outcome *outcome,
	struct sp_err *err)
{
	struct sp_route_step step;
	int rc = sp_route_next(&c->route, *outcome, &step, err);

	if (rc != 1)
		return rc;
	*outcome = SP_ROUTE_START;
	switch (step.action) {
	case SP_ROUTE_RING:
		rc = ring(c, &step, err);
		*outcome = c->outcome = SP_ROUTE_OFFLINE;
		return rc < 0 ? -1 : rc == 0;
	case SP_ROUTE_DIVERT: divert(c, &step); return 1;
	case SP_ROUTE_SEND: send_away(c, &step); return 0;
	case SP_ROUTE_REFUSE: note_start(c); break;
	}
	if (c->outcome == SP_ROUTE_BUSY)
		finish(c, step.status); /* in the phone's own words */
	else
		refuse(c, step.status);
	return 0;
}

static void take_steps(struct calling *c, enum sp_route_outcome outcome)
{
	struct sp_err err;
	int rc = 1;

	c->outcome = outcome;
	wheel_clear(&c->fork->proxy->wheel, &c->timer);
	if (!uses_db(c)) {
		refuse(c, 503);
		return;
	}
	while (rc == 1)
		rc = take_step(c, &outcome, &err);
	if (rc < 0) {
		request_db_failed(c->fork->proxy->service, &err);
		refuse(c, 503);
	}
}

/* What the phones' final responses amount to; those that are neither busy nor
 * not there are the caller's answer. */
static void go_on(struct calling *c)
{
	struct fork *f = c->fork;

	if (f->is_cancelled)
		refuse(c, CANCELLED);
	else if (c->phase == PHASE_STOPPING)
		take_steps(c, c->outcome);
	else if (f->best_status > 600)
		finish(c, f->best_status); /* no more branches, §16.7 step 5 */
	else if (f->had_busy)
		take_steps(c, SP_ROUTE_BUSY);
	else if (f->had_other)
		finish(c, 480);
	else
		take_steps(c, SP_ROUTE_OFFLINE);
}

static void stop_legs(struct calling *c)
{
	c->phase = PHASE_STOPPING;
	fork_cancel(c->fork);
	set_timer(c, CALLING_STOP_MS);
}

/* Of phones that have not been heard at all nobody can say that they rang. */
static void on_timer(void *arg)
{
	struct calling *c = arg;
	struct fork *f = c->fork;

	if (c->phase == PHASE_STOPPING) {
		fork_abandon(f);
		go_on(c);
	} else {
		c->outcome = fork_is_heard(f) ? SP_ROUTE_NO_ANSWER
					      : SP_ROUTE_OFFLINE;
		stop_legs(c);
	}
}

/* ---- what the fork tells ------------------------------------------------ */

static void on_exhausted(struct fork *f)
{
	struct calling *c = calling_of(f);

	if (c->phase == PHASE_SENT && !f->is_cancelled &&
		(f->best_status == 408 || f->best_status == 503) &&
		c->next_hop < c->n_hops) {
		fork_forget(f);
		send_to_next_hop(c);
	} else if (c->phase == PHASE_SENT && !f->is_cancelled) {
		finish_away(c);
	} else {
		go_on(c);
	}
}

static void release(struct calling *c)
{
	end_call(c, 0);
	c->fork->owner = NULL;
	free(c);
}

/* A phone may answer when the call has gone on already. */
static void note_late_leg(struct calling *c, const struct branch *b)
{
	if (b->leg < c->n_rung &&
		strcmp(c->call->row.callee, c->rung[b->leg]) != 0)
		note_ringing(c, c->rung[b->leg], 0);
}

static void on_answered(struct fork *f, const struct branch *b,
	const struct sip_message *m)
{
	struct calling *c = calling_of(f);
	struct proxy *p = f->proxy;

	if (c == NULL || f->server == NULL)
		return;
	if (c->call != NULL) {
		if (m->status >= 200)
			note_late_leg(c, b);
		in_dialog_note_answer(p, c->call, transaction_hop(b->client),
			m);
	}
	if (m->status < 200)
		return;
	if (c->call != NULL)
		c->call->holder = NULL;
	c->call = NULL; /* it goes on without us */
	release(c);
}

static void on_released(struct fork *f)
{
	if (calling_of(f) != NULL)
		release(calling_of(f));
}

static const struct fork_events EVENTS = {on_answered, on_exhausted,
	on_released};

bool calling_is_owner(const struct fork *f)
{
	return f->events == &EVENTS;
}

void calling_cancel(struct fork *f)
{
	struct calling *c = calling_of(f);

	if (c == NULL || f->is_final)
		return;
	f->is_cancelled = true;
	resolution_cancel(c->resolution);
	c->resolution = NULL;
	if (f->n_pending == 0)
		refuse(c, CANCELLED);
	else
		stop_legs(c);
}

void calling_stop(struct fork *f)
{
	struct calling *c = calling_of(f);

	if (c == NULL || f->is_final)
		return;
	fork_cancel(f);
	fork_abandon(f);
	c->is_stopped = true;
	refuse(c, 480); /* the caller may try again */
}

void calling_configure(struct fork *f)
{
	struct calling *c = calling_of(f);

	if (c == NULL)
		return;
	c->scope.tenant = c->route.tenant = f->tenant;
	if (f->tenant == NULL)
		calling_stop(f);
}

/* ---- the beginning ----------------------------------------------------- */

/* What others have sent is for a listing later: nothing that upsets it. */
static void write_row(struct sp_call *row, const struct request *rq,
	const struct caller *caller, const char *dialled)
{
	char uri[sizeof rq->aor.user + sizeof rq->aor.host + 8];

	snprintf(uri, sizeof uri, "sip:%s@%s", rq->aor.user, rq->aor.host);
	if (caller->number[0] != '\0')
		snprintf(uri, sizeof uri, "%s", caller->number);
	sipmsg_copy_printable((struct sip_slice){uri, strlen(uri)}, row->caller,
		sizeof row->caller);
	sipmsg_copy_printable((struct sip_slice){dialled, strlen(dialled)},
		row->dialled, sizeof row->dialled);
	memcpy(row->login, caller->login, sizeof row->login);
}

static struct call *add_call(struct proxy *p, const struct request *rq,
	const struct caller *caller, const char *dialled)
{
	const struct sip_message *m = &rq->message;
	struct call *call = calls_add(p->calls, rq->scope.tenant,
		sipmsg_header(m, SIP_CALL_ID),
		sipmsg_tag(sipmsg_header(m, SIP_FROM)), caller->extension_id);

	if (call != NULL)
		write_row(&call->row, rq, caller, dialled);
	return call;
}

/* What its dialog is known by must fit into its row. */
static enum verdict check_call(const struct proxy *p, struct request *rq,
	const struct caller *caller)
{
	const struct sip_message *m = &rq->message;
	struct sip_slice call_id = sipmsg_header(m, SIP_CALL_ID),
			 tag = sipmsg_tag(sipmsg_header(m, SIP_FROM));
	bool is_from_caller;

	rq->why = "From Without Tag, Or Too Long";
	if (tag.len == 0 || tag.len >= SP_CALL_TAG_SIZE)
		return VERDICT_MALFORMED;
	rq->why = "Call-ID Too Long";
	if (call_id.len >= SP_CALL_ID_SIZE_MAX)
		return VERDICT_MALFORMED;
	if (calls_find(p->calls, call_id, tag, (struct sip_slice){0},
		    &is_from_caller) != NULL)
		return VERDICT_MERGED;
	return calls_has_room(p->calls, caller->extension_id)
		       ? VERDICT_OK
		       : VERDICT_TOO_MANY_CALLS;
}

static void begin(struct calling *c, struct request *rq,
	const struct caller *caller, const char *dialled)
{
	c->timer.expired = on_timer;
	c->timer.arg = c;
	c->scope = rq->scope;
	c->call = add_call(c->fork->proxy, rq, caller, dialled);
	if (c->call != NULL)
		c->call->holder = &c->call;
	fork_respond(c->fork, 100);
	c->moment.scope = &c->scope;
	sp_route_begin(&c->route, rq->scope.tenant, dialled, sp_route_facts_ask,
		&c->moment);
	sp_route_note_diversions(&c->route,
		caller->is_peer ? diversion_count(&rq->message) : 0);
	take_steps(c, SP_ROUTE_START);
}

enum verdict calling_start(struct proxy *p, struct request *rq,
	const struct relay *relay, const struct caller *caller,
	const char *dialled, uint32_t loop)
{
	enum verdict verdict = check_call(p, rq, caller);
	struct calling *c;

	if (verdict != VERDICT_OK) {
		request_log_refusal(p->service, rq, "call-refused", NULL);
		return verdict;
	}
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return VERDICT_UNAVAILABLE;
	c->fork = fork_new(p, rq, relay, &EVENTS, loop);
	if (c->fork == NULL) {
		free(c);
		return VERDICT_UNAVAILABLE;
	}
	c->fork->owner = c;
	begin(c, rq, caller, dialled);
	return VERDICT_PASSED;
}
