/* Questions to DNS: the one place that knows c-ares. */
#include "cmd/sp-register/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRY_MS = 800, /* for a server's answer; the second time twice that */
	TRIES = 2,
	MAX_RECORDS = 64, /* more of one name are not looked at */
};

/* A socket of c-ares's. */
struct watched {
	struct watched *next;
	struct dns *dns;
	struct event *event;
	ares_socket_t fd;
};

struct dns {
	struct event_base *base;
	ares_channel channel;
	struct watched *watched;
	struct event *timer;
	bool is_library_open;
};

struct question {
	dns_servers_done *servers;
	dns_addresses_done *addresses;
	void *arg;
};

/* ---- the loop ---------------------------------------------------------- */

static void set_timer(struct dns *d)
{
	struct timeval tv;

	if (ares_timeout(d->channel, NULL, &tv) != NULL)
		evtimer_add(d->timer, &tv);
	else
		evtimer_del(d->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dns *d = arg;

	(void)fd;
	(void)what;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(d);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct dns *d = ((struct watched *)arg)->dns; /* it may go */

	ares_process_fd(d->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
		what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(d);
}

static void forget(struct dns *d, ares_socket_t fd)
{
	for (struct watched **at = &d->watched; *at != NULL;
		at = &(*at)->next) {
		struct watched *w = *at;

		if (w->fd != fd)
			continue;
		*at = w->next;
		event_free(w->event);
		free(w);
		return;
	}
}

/* Without memory the question times out. */
static void watch(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = arg;
	struct watched *w;
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) |
			     (writable ? EV_WRITE : 0));

	forget(d, fd);
	if (!readable && !writable)
		return;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return;
	*w = (struct watched){.dns = d, .fd = fd};
	w->event = event_new(d->base, fd, what, on_socket, w);
	if (w->event == NULL || event_add(w->event, NULL) != 0) {
		if (w->event != NULL)
			event_free(w->event);
		free(w);
		return;
	}
	w->next = d->watched;
	d->watched = w;
}

/* ---- the channel ------------------------------------------------------- */

static int open_channel(struct dns *d, const char *server, struct sp_err *err)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH, /* a SIP domain is all of it */
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = watch,
		.sock_state_cb_data = d,
	};
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	d->is_library_open = rc == ARES_SUCCESS;
	if (rc == ARES_SUCCESS)
		rc = ares_init_options(&d->channel, &options,
			ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				ARES_OPT_SOCK_STATE_CB);
	if (rc != ARES_SUCCESS)
		return sp_err_set(err, SP_BUG, "cannot ask DNS: %s",
			ares_strerror(rc));
	if (server != NULL &&
		ares_set_servers_ports_csv(d->channel, server) != ARES_SUCCESS)
		return sp_err_set(err, SP_CONFIG,
			"bad DNS server '%s': expected IP or IP:PORT", server);
	return 0;
}

int dns_new(struct dns **out, struct event_base *base, const char *server,
	struct sp_err *err)
{
	struct dns *d = calloc(1, sizeof *d);

	*out = NULL;
	if (d == NULL)
		return sp_err_memory(err);
	d->base = base;
	d->timer = evtimer_new(base, on_timer, d);
	if (d->timer == NULL) {
		free(d);
		return sp_err_memory(err);
	}
	if (open_channel(d, server, err) != 0) {
		dns_free(d);
		return -1;
	}
	*out = d;
	return 0;
}

void dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	if (d->channel != NULL)
		ares_destroy(d->channel); /* which closes its sockets */
	while (d->watched != NULL)
		forget(d, d->watched->fd);
	if (d->is_library_open)
		ares_library_cleanup();
	event_free(d->timer);
	free(d);
}

/* ---- answers ----------------------------------------------------------- */

static enum dns_result result_of(int status)
{
	switch (status) {
	case ARES_SUCCESS: return DNS_FOUND;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_ENONAME:
	case ARES_EBADNAME: return DNS_NONE;
	default: return DNS_FAILED;
	}
}

static int64_t shorter(int64_t ttl_ms, int64_t ttl_s)
{
	int64_t other_ms = ttl_s < 0 ? 0 : ttl_s * 1000;

	return ttl_ms < other_ms ? ttl_ms : other_ms;
}

/* How long all of an answer holds, aliases and all. c-ares does not tell of
 * SRV records. */
static int64_t ttl_of(const unsigned char *data, int len)
{
	int64_t ttl_ms = INT64_MAX;
	ns_msg message;
	ns_rr record;

	if (ns_initparse(data, len, &message) != 0)
		return 0;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) != 0)
			return 0;
		ttl_ms = shorter(ttl_ms, ns_rr_ttl(record));
	}
	return ttl_ms;
}

/* Those of lower priority stay out when there are too many. */
static int put_server(struct dns_server *servers, int n,
	const struct ares_srv_reply *r)
{
	int at = n;

	if (r->host[0] == '\0' || strcmp(r->host, ".") == 0 ||
		strlen(r->host) >= sizeof servers[0].name)
		return n;
	while (at > 0 && servers[at - 1].priority > r->priority)
		at--;
	if (at == DNS_MAX_SERVERS)
		return n;
	if (n == DNS_MAX_SERVERS)
		n--;
	memmove(&servers[at + 1], &servers[at],
		(size_t)(n - at) * sizeof servers[0]);
	servers[at] = (struct dns_server){r->priority, r->weight, r->port, ""};
	snprintf(servers[at].name, sizeof servers[at].name, "%s", r->host);
	return n + 1;
}

static void on_servers(void *arg, int status, int timeouts, unsigned char *data,
	int len)
{
	struct question *q = arg;
	struct dns_server servers[DNS_MAX_SERVERS];
	struct ares_srv_reply *replies = NULL;
	int n = 0, n_seen = 0;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(data, len, &replies);
	for (struct ares_srv_reply *r = replies;
		r != NULL && n_seen++ < MAX_RECORDS; r = r->next)
		n = put_server(servers, n, r);
	ares_free_data(replies);
	q->servers(q->arg, result_of(status), servers, n,
		status == ARES_SUCCESS ? ttl_of(data, len) : 0);
	free(q);
}

static void on_addresses(void *arg, int status, int timeouts,
	struct ares_addrinfo *info)
{
	struct question *q = arg;
	union hop_address addresses[DNS_MAX_ADDRESSES];
	int64_t ttl_ms = INT64_MAX;
	int n = 0;

	(void)timeouts;
	memset(addresses, 0, sizeof addresses);
	for (struct ares_addrinfo_node *i = info == NULL ? NULL : info->nodes;
		i != NULL && n < DNS_MAX_ADDRESSES; i = i->ai_next) {
		memcpy(&addresses[n++], i->ai_addr, i->ai_addrlen);
		ttl_ms = shorter(ttl_ms, i->ai_ttl);
	}
	for (struct ares_addrinfo_cname *c = info == NULL ? NULL : info->cnames;
		c != NULL; c = c->next)
		ttl_ms = shorter(ttl_ms, c->ttl);
	q->addresses(q->arg, result_of(status), addresses, n,
		n == 0 ? 0 : ttl_ms);
	if (info != NULL)
		ares_freeaddrinfo(info);
	free(q);
}

/* ---- questions --------------------------------------------------------- */

void dns_ask_servers(struct dns *d, const char *name, dns_servers_done *done,
	void *arg)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL) {
		done(arg, DNS_FAILED, NULL, 0, 0);
		return;
	}
	*q = (struct question){.servers = done, .arg = arg};
	ares_query(d->channel, name, ns_c_in, ns_t_srv, on_servers, q);
	set_timer(d);
}

void dns_ask_addresses(struct dns *d, const char *name,
	dns_addresses_done *done, void *arg)
{
	const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM};
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL) {
		done(arg, DNS_FAILED, NULL, 0, 0);
		return;
	}
	*q = (struct question){.addresses = done, .arg = arg};
	ares_getaddrinfo(d->channel, name, NULL, &hints, on_addresses, q);
	set_timer(d);
}
