/* The outbox: messages that leave once what they say is committed. */
#include "cmd/sp-register/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "cmd/sp-register/datagram.h"

enum { FIRST_BYTES = 64 << 10, FIRST_MESSAGES = 64, RUN = 64 };

struct letter {
	struct hop hop;
	size_t at, len; /* in the arena */
	bool is_failed;
};

/* Datagrams that leave from one socket, one after the other. */
struct run {
	int fd, n;
	struct mmsghdr datagram[RUN];
	struct iovec iov[RUN];
	union hop_address to[RUN];
	union datagram_source from[RUN];
	struct letter *letter[RUN];
};

struct outbox {
	struct endpoints *endpoints;
	struct flows *flows;
	struct outbox_events events;
	char *arena;
	size_t used, size;
	struct letter *letter, *sent; /* those that are sent now, swapped */
	int n, max, sent_max;
	int64_t dropped;
	struct run run;
};

int outbox_new(struct outbox **out, struct endpoints *endpoints,
	struct flows *flows, const struct outbox_events *events,
	struct sp_err *err)
{
	struct outbox *o = calloc(1, sizeof *o);

	*out = o;
	if (o == NULL)
		return sp_err_memory(err);
	o->endpoints = endpoints;
	o->flows = flows;
	o->events = *events;
	return 0;
}

void outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	free(o->arena);
	free(o->letter);
	free(o->sent);
	free(o);
}

/* ---- filling ----------------------------------------------------------- */

static bool grow_arena(struct outbox *o, size_t size)
{
	size_t want = o->size == 0 ? FIRST_BYTES : o->size;
	char *arena;

	if (size > OUTBOX_MAX_BYTES - o->used)
		return false;
	while (want - o->used < size)
		want *= 2;
	if (want == o->size)
		return true;
	arena = realloc(o->arena, want);
	if (arena == NULL)
		return false;
	o->arena = arena;
	o->size = want;
	return true;
}

static bool grow_letters(struct outbox *o)
{
	int want = o->max == 0 ? FIRST_MESSAGES : 2 * o->max;
	struct letter *letter;

	if (o->n < o->max)
		return true;
	if (want > OUTBOX_MAX_MESSAGES)
		return false;
	letter = realloc(o->letter, (size_t)want * sizeof *letter);
	if (letter == NULL)
		return false;
	o->letter = letter;
	o->max = want;
	return true;
}

char *outbox_room(struct outbox *o, size_t size)
{
	if (grow_arena(o, size) && grow_letters(o))
		return o->arena + o->used;
	o->dropped++;
	return NULL;
}

bool outbox_put(struct outbox *o, const struct hop *hop, const char *data,
	size_t len)
{
	bool is_there = o->arena != NULL && data == o->arena + o->used;
	char *room = outbox_room(o, len);

	if (room == NULL)
		return false;
	if (!is_there)
		memcpy(room, data, len);
	o->letter[o->n++] =
		(struct letter){.hop = *hop, .at = o->used, .len = len};
	o->used += len;
	return true;
}

void outbox_clear(struct outbox *o)
{
	o->n = 0;
	o->used = 0;
}

int64_t outbox_dropped(const struct outbox *o)
{
	return o->dropped;
}

/* ---- sending ----------------------------------------------------------- */

static void on_lost(void *arg, int i)
{
	struct run *run = arg;

	run->letter[i]->is_failed = true;
}

static void send_run(struct run *run)
{
	if (run->n > 0)
		datagrams_send(run->fd, run->datagram, run->n, on_lost, run);
	run->n = 0;
}

/* The endpoint that has been decided, else the kernel's choice; NULL: no socket
 * goes there. */
static const struct endpoint *leave_from(struct outbox *o,
	const struct hop *hop)
{
	const struct endpoint *from = endpoint_at(o->endpoints, hop->local);

	if (from == NULL || from->fd < 0)
		from = endpoint_at(o->endpoints,
			endpoints_pick(o->endpoints, hop));
	return from == NULL || from->fd < 0 ? NULL : from;
}

static void send_datagram(struct outbox *o, struct letter *l)
{
	const struct endpoint *from = leave_from(o, &l->hop);
	struct run *run = &o->run;
	struct msghdr *h;
	int i;

	if (from == NULL) {
		l->is_failed = true;
		return;
	}
	if (run->n == RUN || run->fd != from->fd)
		send_run(run);
	run->fd = from->fd;
	i = run->n++;
	run->letter[i] = l;
	run->iov[i] = (struct iovec){o->arena + l->at, l->len};
	h = &run->datagram[i].msg_hdr;
	*h = (struct msghdr){.msg_iov = &run->iov[i], .msg_iovlen = 1};
	datagram_set_source(h, from, &run->from[i]);
	datagram_set_destination(h, from, &l->hop.to, &run->to[i]);
}

static void send_stream(struct outbox *o, struct letter *l)
{
	struct hop hop = l->hop;
	struct flow *flow;

	if (hop.flow_id == 0)
		flows_reach(o->flows, &hop, NULL);
	flow = flows_find(o->flows, hop.flow_id);
	l->is_failed =
		flow == NULL || !flow_send(flow, o->arena + l->at, l->len);
}

/* So that `failed` can put more while these are gone through. */
static struct letter *take_letters(struct outbox *o)
{
	struct letter *letters = o->letter;
	int max = o->max;

	o->letter = o->sent;
	o->max = o->sent_max;
	o->sent = letters;
	o->sent_max = max;
	outbox_clear(o);
	return letters;
}

bool outbox_send(struct outbox *o)
{
	int n = o->n;
	const struct letter *sent;

	for (int i = 0; i < n; i++)
		if (o->letter[i].hop.transport == SP_UDP)
			send_datagram(o, &o->letter[i]);
		else
			send_stream(o, &o->letter[i]);
	send_run(&o->run);
	sent = take_letters(o);
	for (int i = 0; i < n; i++)
		if (sent[i].is_failed)
			o->events.failed(o->events.arg, &sent[i].hop);
	return o->n > 0;
}
