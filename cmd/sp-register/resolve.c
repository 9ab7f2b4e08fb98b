/* Where the host of a SIP URI is (RFC 3263): which questions are asked, and
 * their answers, which are kept. */
#include "cmd/sp-register/resolve.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/dns.h"
#include "cmd/sp-register/srv.h"
#include "lib/clock.h"
#include "lib/text.h"

enum {
	MAX_ENTRIES = 256,
	MAX_TTL_MS = 3600 * 1000,
	NO_SRV_MS = 60 * 1000, /* that there is none is believed for so long */
	NO_NAME_MS = 5 * 1000, /* and that there is nothing at all */
};

static const char *const SERVICE[SP_N_TRANSPORTS] = {"_sip._udp", "_sip._tcp",
	"_sips._tcp"};

/* One that waits for an entry. */
struct resolution {
	struct resolution *next, **link;
	resolve_done *done;
	void *arg;
};

/* A server, and what it is reached at. */
struct place {
	uint16_t priority, weight;
	enum sp_transport transport;
	int port;
	union hop_address address[DNS_MAX_ADDRESSES];
	int n;
};

enum state {
	WANTED, /* the next turn of the loop begins to ask */
	ASKING,
	KNOWN, /* whoever waits is told in the next turn of the loop */
};

/* A target that was asked for. */
struct entry {
	struct resolver *resolver;
	uint64_t hash;
	char host[DNS_NAME_SIZE]; /* in lower case */
	struct resolve_target target;
	enum state state;
	struct event *event; /* the next turn, or the time limit */
	struct resolution *waiting;
	int64_t used_ms, until_ms; /* until when it holds */

	enum sp_transport step[RESOLVE_MAX_STEPS]; /* SRV records to ask for */
	int n_steps, at;
	unsigned round;    /* answers to an older one are not looked at */
	int n_outstanding; /* questions of all rounds */
	int n_missing;     /* addresses of this one */
	int64_t ttl_ms;
	bool has_failed; /* a question */
	struct place place[DNS_MAX_SERVERS];
	int n_places;
};

/* Outlives the round that it belongs to. */
struct question {
	struct entry *entry;
	unsigned round;
	struct place *place; /* whose addresses are asked for */
};

struct resolver {
	struct event_base *base;
	struct dns *dns;
	struct entry *entry[MAX_ENTRIES];
	int n;
};

/* ---- telling ----------------------------------------------------------- */

static void resolution_unlink(struct resolution *r)
{
	*r->link = r->next;
	if (r->next != NULL)
		r->next->link = r->link;
}

static uint32_t draw(void *arg, uint32_t max)
{
	(void)arg;
	return arc4random_uniform(max + 1);
}

static int put_place(const struct place *p, struct hop *hops, int max)
{
	int n = 0;

	for (; n < p->n && n < max; n++) {
		hops[n] = (struct hop){.transport = p->transport,
			.local = -1,
			.to = p->address[n]};
		/* In IPv6 at the same place. */
		hops[n].to.four.sin_port = htons((uint16_t)p->port);
	}
	return n;
}

/* Draws anew each time. A server with many addresses leaves room for others. */
static int put_hops(const struct entry *e, struct hop hops[RESOLVE_MAX_HOPS])
{
	struct srv_rank ranks[DNS_MAX_SERVERS];
	int k = 0, n = 0;

	for (int i = 0; i < e->n_places; i++)
		if (e->place[i].n > 0)
			ranks[k++] = (struct srv_rank){e->place[i].priority,
				e->place[i].weight, i};
	srv_order(ranks, k, draw, NULL);
	for (int i = 0; i < k; i++)
		n += put_place(&e->place[ranks[i].index], hops + n,
			RESOLVE_MAX_HOPS / k);
	return n;
}

/* Whoever asks while others are told waits for the next turn. */
static void tell(struct entry *e)
{
	struct resolution *list = e->waiting;
	struct hop hops[RESOLVE_MAX_HOPS];

	e->waiting = NULL;
	e->n_outstanding++; /* it stays, whoever asks for what now */
	if (list != NULL)
		list->link = &list;
	while (list != NULL) {
		struct resolution *first = list;
		int n = put_hops(e, hops);

		resolution_unlink(first);
		first->done(first->arg, hops, n,
			n > 0           ? ""
			: e->has_failed ? "DNS does not answer"
					: "no such name");
		free(first);
	}
	e->n_outstanding--;
}

static void soon(struct entry *e, enum state state)
{
	const struct timeval now = {0, 0};

	e->state = state;
	evtimer_add(e->event, &now);
}

/* What came after a failure, or too late in part, is good once. */
static void finish(struct entry *e)
{
	bool is_found = false;

	for (int i = 0; i < e->n_places; i++)
		is_found |= e->place[i].n > 0;
	if (e->has_failed)
		e->ttl_ms = 0;
	else if (!is_found)
		e->ttl_ms = NO_NAME_MS;
	e->until_ms = sp_clock_monotonic_ms() + e->ttl_ms;
	e->round++;
	soon(e, KNOWN);
}

/* ---- asking ------------------------------------------------------------ */

static void hold(struct entry *e, int64_t ttl_ms)
{
	if (ttl_ms < e->ttl_ms)
		e->ttl_ms = ttl_ms;
}

static struct question *question_new(struct entry *e, struct place *place)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	*q = (struct question){e, e->round, place};
	e->n_outstanding++;
	return q;
}

/* Returns the entry, or NULL when it does not wait for that any more. */
static struct entry *question_end(struct question *q)
{
	struct entry *e = q->entry;
	bool is_late = q->round != e->round;

	e->n_outstanding--;
	free(q);
	return is_late ? NULL : e;
}

static void on_addresses(void *arg, enum dns_result result,
	const union hop_address *addresses, int n, int64_t ttl_ms)
{
	struct place *place = ((struct question *)arg)->place;
	struct entry *e = question_end(arg);

	if (e == NULL)
		return;
	if (result == DNS_FOUND)
		hold(e, ttl_ms);
	e->has_failed |= result == DNS_FAILED;
	place->n = n;
	if (n > 0)
		memcpy(place->address, addresses,
			(size_t)n * sizeof addresses[0]);
	if (--e->n_missing == 0)
		finish(e);
}

static void ask_addresses(struct entry *e, struct place *place,
	const char *name)
{
	struct question *q = question_new(e, place);

	if (q != NULL) {
		dns_ask_addresses(e->resolver->dns, name, on_addresses, q);
		return;
	}
	e->has_failed = true;
	if (--e->n_missing == 0)
		finish(e);
}

static void ask_host(struct entry *e)
{
	e->n_places = e->n_missing = 1;
	e->place[0] = (struct place){.transport = resolve_transport(&e->target),
		.port = resolve_port(&e->target)};
	ask_addresses(e, &e->place[0], e->host);
}

static void take_servers(struct entry *e, const struct dns_server *servers,
	int n)
{
	/* All at once, since the first answer may come before the next
	 * question. */
	e->n_places = e->n_missing = n;
	for (int i = 0; i < n; i++)
		e->place[i] = (struct place){.priority = servers[i].priority,
			.weight = servers[i].weight,
			.transport = e->step[e->at],
			.port = servers[i].port};
	for (int i = 0; i < n; i++)
		ask_addresses(e, &e->place[i], servers[i].name);
	if (n == 0) /* the service is said not to be there */
		finish(e);
}

static void ask_next(struct entry *e);

static void on_servers(void *arg, enum dns_result result,
	const struct dns_server *servers, int n, int64_t ttl_ms)
{
	struct entry *e = question_end(arg);

	if (e == NULL)
		return;
	if (result == DNS_FOUND) {
		hold(e, ttl_ms);
		take_servers(e, servers, n);
		return;
	}
	e->has_failed |= result == DNS_FAILED;
	hold(e, NO_SRV_MS);
	e->at++;
	ask_next(e);
}

/* SRV records by one transport after the other, then the host itself. */
static void ask_next(struct entry *e)
{
	char name[DNS_NAME_SIZE + 16];
	struct question *q;

	if (e->at == e->n_steps) {
		ask_host(e);
		return;
	}
	snprintf(name, sizeof name, "%s.%s", SERVICE[e->step[e->at]], e->host);
	q = question_new(e, NULL);
	if (q == NULL) {
		e->has_failed = true;
		finish(e);
		return;
	}
	dns_ask_servers(e->resolver->dns, name, on_servers, q);
}

static void begin(struct entry *e)
{
	const struct timeval limit = {RESOLVE_TIMEOUT_MS / 1000,
		RESOLVE_TIMEOUT_MS % 1000 * 1000};
	struct hop hop;

	e->state = ASKING;
	e->ttl_ms = MAX_TTL_MS;
	e->has_failed = false;
	e->n_places = 0;
	e->at = 0;
	e->n_steps = resolve_plan(&e->target, e->step);
	if (e->host[0] == '\0') {
		finish(e);
	} else if (resolve_numeric(&e->target, &hop)) {
		e->n_places = 1;
		e->place[0] = (struct place){.transport = hop.transport,
			.port = resolve_port(&e->target),
			.address = {hop.to},
			.n = 1};
		finish(e);
	} else {
		evtimer_add(e->event, &limit);
		ask_next(e);
	}
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct entry *e = arg;

	(void)fd;
	(void)what;
	switch (e->state) {
	case WANTED: begin(e); break;
	case ASKING:
		e->has_failed = true;
		finish(e);
		break;
	case KNOWN: tell(e); break;
	}
}

/* ---- what was asked for ------------------------------------------------ */

static void entry_free(struct entry *e)
{
	while (e->waiting != NULL)
		resolution_cancel(e->waiting);
	if (e->event != NULL)
		event_free(e->event);
	free(e);
}

/* What is too long is no name. */
static void canonize(const char *host, char out[DNS_NAME_SIZE])
{
	size_t len = strlen(host);

	memset(out, 0, DNS_NAME_SIZE);
	if (len < DNS_NAME_SIZE)
		for (size_t i = 0; i < len; i++)
			out[i] = (char)tolower((unsigned char)host[i]);
}

static struct entry *find(struct resolver *r, const struct resolve_target *t,
	const char host[DNS_NAME_SIZE], uint64_t hash)
{
	for (int i = 0; i < r->n; i++) {
		struct entry *e = r->entry[i];

		if (e->hash == hash && e->target.port == t->port &&
			e->target.is_sips == t->is_sips &&
			e->target.transport == t->transport &&
			strcmp(e->host, host) == 0)
			return e;
	}
	return NULL;
}

/* A free place in the table: that of the one that nobody has asked for the
 * longest, and that nobody waits for. NULL: all are waited for. */
static struct entry **find_room(struct resolver *r)
{
	struct entry **oldest = NULL;

	if (r->n < MAX_ENTRIES)
		return &r->entry[r->n++];
	for (int i = 0; i < r->n; i++) {
		const struct entry *e = r->entry[i];

		if (e->waiting == NULL && e->n_outstanding == 0 &&
			(oldest == NULL || e->used_ms < (*oldest)->used_ms))
			oldest = &r->entry[i];
	}
	if (oldest != NULL)
		entry_free(*oldest);
	return oldest;
}

static struct entry *entry_new(struct resolver *r,
	const struct resolve_target *t, const char host[DNS_NAME_SIZE],
	uint64_t hash)
{
	struct entry *e = calloc(1, sizeof *e), **room;

	if (e == NULL)
		return NULL;
	e->resolver = r;
	e->hash = hash;
	e->target = *t;
	memcpy(e->host, host, sizeof e->host);
	e->target.host = e->host;
	e->event = evtimer_new(r->base, on_event, e);
	room = e->event == NULL ? NULL : find_room(r);
	if (room == NULL) {
		entry_free(e);
		return NULL;
	}
	*room = e;
	return e;
}

static struct entry *find_or_add(struct resolver *r,
	const struct resolve_target *t)
{
	char host[DNS_NAME_SIZE];
	struct entry *e;
	uint64_t hash;

	canonize(t->host, host);
	hash = sp_text_hash(host, strlen(host));
	e = find(r, t, host, hash);
	return e != NULL ? e : entry_new(r, t, host, hash);
}

/* Sees to it that whoever waits for the entry is told. */
static void want(struct entry *e)
{
	e->used_ms = sp_clock_monotonic_ms();
	if (e->waiting != NULL || e->state == ASKING)
		return;
	soon(e, e->state == KNOWN && e->until_ms > e->used_ms ? KNOWN : WANTED);
}

struct resolution *resolver_ask(struct resolver *r,
	const struct resolve_target *target, resolve_done *done, void *arg)
{
	struct resolution *resolution = calloc(1, sizeof *resolution);
	struct entry *e = resolution == NULL ? NULL : find_or_add(r, target);

	if (e == NULL) {
		free(resolution);
		return NULL;
	}
	want(e);
	*resolution = (struct resolution){e->waiting, &e->waiting, done, arg};
	if (e->waiting != NULL)
		e->waiting->link = &resolution->next;
	e->waiting = resolution;
	return resolution;
}

void resolution_cancel(struct resolution *resolution)
{
	if (resolution == NULL)
		return;
	resolution_unlink(resolution);
	free(resolution);
}

int resolver_new(struct resolver **out, struct event_base *base,
	const char *server, struct sp_err *err)
{
	struct resolver *r = calloc(1, sizeof *r);

	*out = NULL;
	if (r == NULL)
		return sp_err_memory(err);
	r->base = base;
	if (dns_new(&r->dns, base, server, err) != 0) {
		free(r);
		return -1;
	}
	*out = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < r->n; i++)
		r->entry[i]->round++; /* what is answered now is too late */
	dns_free(r->dns);
	for (int i = 0; i < r->n; i++)
		entry_free(r->entry[i]);
	free(r);
}
