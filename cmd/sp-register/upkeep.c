/* What the service does unasked: losses, what runs out, the heartbeat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/proxy.h"
#include "cmd/sp-register/request.h"
#include "lib/binding.h"
#include "lib/latency.h"
#include "lib/nonce.h"
#include "lib/server.h"

enum {
	PRUNE_MIN = 100,
	SWEEP_MAX = 512, /* losses of one transaction */
	CLOSED_MAX = 64, /* connections whose losses share one */
};

/* ---- losses ------------------------------------------------------------ */

static void log_loss(struct service *s, int lost, const char *source,
	const char *why)
{
	char count[16];

	s->count[COUNT_LOSSES] += lost;
	snprintf(count, sizeof count, "%d", lost);
	if (lost > 0)
		log_write(s->log, LOG_INFO, "lost",
			LOG_FIELDS({"bindings", count}, {"cause", why},
				{"source", source}));
}

/* Without memory for it they run out, a little later. */
void service_flow_closed(struct service *s, int64_t flow_id, const char *why)
{
	if (s->n_closed == s->max_closed) {
		size_t max = 2 * s->max_closed + CLOSED_MAX;
		struct closed *more =
			realloc(s->closed, max * sizeof *s->closed);

		if (more == NULL)
			return;
		s->closed = more;
		s->max_closed = max;
	}
	s->closed[s->n_closed++] = (struct closed){flow_id, why, 0};
}

static int lose_flows(struct service *s, size_t n, int64_t now_ms,
	struct sp_err *err)
{
	struct sp_scope scope = service_scope(s, NULL, now_ms);

	if (sp_db_begin(s->db, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct closed *c = &s->closed[i];

		c->lost = sp_binding_lose_flow(&scope, c->flow_id, c->why, err);
		if (c->lost < 0)
			return -1;
	}
	return sp_db_commit(s->db, err);
}

bool service_lose_flows(struct service *s, int64_t now_ms)
{
	size_t n = s->n_closed < CLOSED_MAX ? s->n_closed : CLOSED_MAX;
	struct sp_err err;

	if (n == 0)
		return false;
	if (lose_flows(s, n, now_ms, &err) != 0) {
		request_db_failed(s, &err);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		log_loss(s, s->closed[i].lost, NULL, s->closed[i].why);
	s->n_closed -= n;
	memmove(s->closed, s->closed + n, s->n_closed * sizeof *s->closed);
	return s->n_closed > 0;
}

static void lose_source(struct service *s, const char *source, int64_t now_ms)
{
	struct sp_scope scope = service_scope(s, NULL, now_ms);
	struct sp_err err;
	int lost = sp_db_begin(s->db, &err);

	if (lost == 0)
		lost = sp_binding_lose_source(&scope, source, "unreachable",
			&err);
	if (lost < 0 || sp_db_commit(s->db, &err) != 0)
		request_db_failed(s, &err);
	else
		log_loss(s, lost, source, "unreachable");
}

/* Most datagrams that do not arrive went to nobody of ours. */
void service_unreachable(struct service *s, const char *ip, int port,
	int64_t now_ms)
{
	struct sp_scope scope = service_scope(s, NULL, now_ms);
	char source[ADDRESS_TEXT];
	struct sp_err err;
	struct hop hop;

	address_format(ip, port, source);
	if (sp_binding_has_source(&scope, source, &err) == 1)
		lose_source(s, source, now_ms);
	if (hop_set(&hop, SP_UDP, ip, port))
		service_fail_hop(s, &hop, now_ms);
}

/* ---- time and again ----------------------------------------------------- */

bool service_sweep(struct service *s, int64_t now_ms)
{
	struct sp_scope scope = service_scope(s, NULL, now_ms);
	struct sp_err err;
	int lost = sp_binding_is_due(&scope, &err);
	char count[16];

	if (lost == 0)
		return false;
	if (lost < 0 || sp_db_begin(s->db, &err) != 0 ||
		(lost = sp_binding_sweep(&scope, SWEEP_MAX, &err)) < 0 ||
		sp_db_commit(s->db, &err) != 0) {
		request_db_failed(s, &err);
		return false;
	}
	s->count[COUNT_LOSSES] += lost;
	snprintf(count, sizeof count, "%d", lost);
	if (lost > 0)
		log_write(s->log, LOG_INFO, "expired",
			LOG_FIELDS({"bindings", count}));
	return lost >= SWEEP_MAX;
}

/* Twice as many as have come, so that they never pile up, and no more, so that
 * nobody waits for long. */
static int prune(struct service *s, const struct sp_scope *scope,
	struct sp_err *err)
{
	int64_t max = 2 * s->nonces_used + PRUNE_MIN;

	s->nonces_used = 0;
	s->history.before_ms = scope->now_ms - s->config->history_ms;
	s->history.max = PRUNE_MIN;
	if (sp_event_prune(scope, &s->history, err) != 0)
		return -1;
	return sp_nonce_prune(scope, max, err);
}

static const char *const COUNTERS[N_COUNTERS] = {
	[COUNT_REQUESTS] = "requests",
	[COUNT_REGISTRATIONS] = "registrations",
	[COUNT_CHALLENGES] = "challenges",
	[COUNT_AUTH_FAILURES] = "auth-failures",
	[COUNT_REFUSALS] = "refusals",
	[COUNT_UNAVAILABLE] = "unavailable",
	[COUNT_DROPPED] = "dropped",
	[COUNT_LIMITED] = "limited",
	[COUNT_LOSSES] = "losses",
};

static int store_counts(struct service *s, struct sp_err *err)
{
	for (int i = 0; i < N_COUNTERS; i++)
		if (s->count[i] != 0 && sp_server_count(s->db, COUNTERS[i],
						s->count[i], err) != 0)
			return -1;
	return sp_latency_store(s->db, &s->latency, err);
}

static void log_step(struct service *s, int64_t step_ms)
{
	char text[24];

	if (step_ms == 0)
		return;
	snprintf(text, sizeof text, "%lld", (long long)step_ms);
	log_write(s->log, LOG_WARN, "clock-step", LOG_FIELDS({"ms", text}));
}

bool service_tick(struct service *s, struct sp_clocks clocks)
{
	struct sp_scope scope = service_scope(s, NULL, clocks.wall_ms);
	int64_t step_ms;
	struct sp_err err;

	if (sp_db_begin(s->db, &err) != 0 ||
		sp_server_beat(s->db, clocks, &step_ms, &err) != 0 ||
		prune(s, &scope, &err) != 0 || store_counts(s, &err) != 0 ||
		proxy_age_out(s->proxy, clocks.wall_ms, &err) != 0 ||
		sp_db_commit(s->db, &err) != 0) {
		request_db_failed(s, &err);
		s->is_down = true;
		return false;
	}
	s->is_down = false;
	memset(s->count, 0, sizeof s->count);
	memset(&s->latency, 0, sizeof s->latency);
	log_step(s, step_ms);
	/* Calls that have ended while it was down. */
	service_begin(s);
	service_end(s);
	return true;
}
