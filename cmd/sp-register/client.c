/* The client's side of SIP: one request at a time to one server. */
#include "cmd/sp-register/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/credentials.h"
#include "lib/clock.h"
#include "lib/hash.h"

enum {
	T1_MS = 500,
	T2_MS = 4000,   /* RFC 3261 §17.1.2.2, Timer E */
	MAX_ROUNDS = 4, /* challenges to one request */
	MAX_NAME = 256, /* of a domain, or a host in brackets */
	MAX_CONTACT = ADDRESS_TEXT + 160,
};

struct client {
	const struct client_options *options;
	struct client_events events;
	struct sp_hash *hash;
	struct uplink *uplink;
	struct event *deadline, *resend;

	char name[MAX_NAME + 3]; /* the domain, as it stands in URIs */
	char call_id[CREDENTIALS_TOKEN], tag[CREDENTIALS_TOKEN],
		branch[CREDENTIALS_TOKEN];
	char contact[MAX_CONTACT];
	uint32_t cseq;
	struct credentials credentials;

	/* The request under way. */
	bool is_asking;
	struct client_request request;
	int rounds; /* challenges that were answered */
	int opens;  /* addresses that were tried */
	bool had_credentials;
	int64_t resend_ms;
	char text[SIP_MAX_MESSAGE];
	size_t len;
};

const char *client_contact(const struct client *c)
{
	return c->contact;
}

const char *client_server(const struct client *c)
{
	return uplink_peer(c->uplink);
}

bool client_is_connected(const struct client *c)
{
	return uplink_is_open(c->uplink);
}

void client_describe(const struct client *c, const struct sip_message *m,
	char *out, size_t size)
{
	char reason[100];

	sipmsg_copy_printable(m->reason, reason, sizeof reason);
	snprintf(out, size, "%s answers %d %s", client_server(c), m->status,
		reason);
}

/* ---- the request ------------------------------------------------------- */

static bool is_udp(const struct client *c)
{
	return c->options->server.transport == SP_UDP;
}

static void write_contact(struct client *c)
{
	const char *transport = sp_transport_name(c->options->server.transport);

	snprintf(c->contact, sizeof c->contact, "sip:%s@%s%s%s",
		c->options->extension, uplink_local(c->uplink),
		is_udp(c) ? "" : ";transport=", is_udp(c) ? "" : transport);
}

static void put_via(const struct client *c, struct sip_writer *w)
{
	static const char *const NAMES[SP_N_TRANSPORTS] = {"UDP", "TCP", "TLS"};

	sipmsg_put(w, "Via: SIP/2.0/%s %s;rport;branch=z9hG4bK%s\r\n",
		NAMES[c->options->server.transport], uplink_local(c->uplink),
		c->branch);
}

static void put_people(const struct client *c, struct sip_writer *w)
{
	const char *user = c->options->extension;

	sipmsg_put(w, "From: <sip:%s@%s>;tag=%s\r\n",
		user == NULL ? "probe" : user, c->name, c->tag);
	sipmsg_put(w, "To: <sip:%s%s%s>\r\n", user == NULL ? "" : user,
		user == NULL ? "" : "@", c->name);
}

static void build(struct client *c)
{
	const struct client_request *rq = &c->request;
	struct sip_writer w = {c->text, sizeof c->text, 0, false};
	char uri[MAX_NAME + 8];
	const struct credentials_use use = {c->options->extension,
		c->options->secret, rq->method, uri};

	snprintf(uri, sizeof uri, "sip:%s", c->name);
	credentials_token(c->branch);
	sipmsg_put(&w, "%s %s SIP/2.0\r\n", rq->method, uri);
	put_via(c, &w);
	sipmsg_put_text(&w, "Max-Forwards: 70\r\n");
	put_people(c, &w);
	sipmsg_put(&w, "Call-ID: %s\r\nCSeq: %u %s\r\n", c->call_id, ++c->cseq,
		rq->method);
	if (rq->expires_s >= 0) {
		write_contact(c);
		sipmsg_put(&w, "Contact: <%s>\r\nExpires: %" PRId64 "\r\n",
			c->contact, rq->expires_s);
	}
	sipmsg_put_text(&w, "User-Agent: sp-register/" SP_VERSION "\r\n");
	c->had_credentials = c->credentials.is_known;
	credentials_put(&c->credentials, c->hash, &use, &w);
	sipmsg_end_response(&w);
	c->len = w.len;
}

/* ---- sending ----------------------------------------------------------- */

static void arm(struct event *timer, int64_t wait_ms)
{
	const struct timeval tv = {wait_ms / 1000,
		(suseconds_t)(wait_ms % 1000) * 1000};

	event_add(timer, &tv);
}

/* Nothing is under way any more. */
static void rest(struct client *c)
{
	c->is_asking = false;
	event_del(c->deadline);
	event_del(c->resend);
}

static void fail(struct client *c, const char *cause)
{
	rest(c);
	credentials_forget(&c->credentials); /* of a server that is gone */
	c->events.failed(c->events.arg, cause);
}

/* The next address of the server, until one is being opened. Returns whether
 * it is open. */
static bool open_uplink(struct client *c, const char *cause)
{
	struct sp_err err;
	int rc;

	do {
		if (c->opens > 0 && c->opens >= uplink_n_addresses(c->uplink)) {
			fail(c, cause);
			return false;
		}
		c->opens++;
		rc = uplink_open(c->uplink, &err);
		cause = err.msg;
	} while (rc < 0);
	return rc == 1;
}

static void send_request(struct client *c);

static void try_elsewhere(struct client *c, const char *cause)
{
	event_del(c->resend);
	if (open_uplink(c, cause))
		send_request(c);
}

static void transmit(struct client *c)
{
	struct sp_err err;

	if (is_udp(c))
		arm(c->resend, c->resend_ms);
	if (uplink_send(c->uplink, c->text, c->len, &err) != 0)
		try_elsewhere(c, err.msg);
}

static void send_request(struct client *c)
{
	build(c);
	c->resend_ms = T1_MS;
	transmit(c);
}

void client_ask(struct client *c, const struct client_request *request)
{
	rest(c);
	c->request = *request;
	c->is_asking = true;
	c->rounds = 0;
	c->opens = client_is_connected(c) ? 1 : 0;
	arm(c->deadline, request->timeout_ms);
	if (client_is_connected(c) || open_uplink(c, ""))
		send_request(c);
}

/* ---- what comes of it -------------------------------------------------- */

/* Credentials that were made for a fresh nonce are wrong themselves; those
 * from an earlier request may just have been too old. */
static bool answer_challenge(struct client *c, const struct sip_message *m)
{
	bool was_fresh = c->had_credentials && c->rounds > 0;

	if (c->options->secret == NULL ||
		!credentials_take(&c->credentials, m) ||
		(was_fresh && !credentials_is_stale(&c->credentials)) ||
		++c->rounds > MAX_ROUNDS) {
		credentials_forget(&c->credentials);
		return false;
	}
	event_del(c->resend);
	send_request(c);
	return true;
}

static bool is_ours(const struct client *c, const struct sip_message *m)
{
	struct sip_via via;
	char branch[CREDENTIALS_TOKEN + 8];

	snprintf(branch, sizeof branch, "z9hG4bK%s", c->branch);
	return !m->is_request && m->cseq == c->cseq &&
	       sipmsg_slice_is(sipmsg_header(m, SIP_CALL_ID), c->call_id) &&
	       sipmsg_parse_via(m, &via) && via.branch.at != NULL &&
	       sipmsg_slice_is(via.branch, branch);
}

static void on_message(void *arg, char *data, size_t len)
{
	struct client *c = arg;
	struct sip_message m;
	const char *why;

	if (!c->is_asking || sipmsg_scan(data, len, &m, &why) != SIP_SCANNED ||
		!is_ours(c, &m) || m.status < 200)
		return;
	if ((m.status == 401 || m.status == 407) && answer_challenge(c, &m))
		return;
	rest(c);
	c->events.answered(c->events.arg, &m);
}

static void on_opened(void *arg)
{
	struct client *c = arg;

	if (c->is_asking)
		send_request(c);
}

static void on_broken(void *arg, const char *cause)
{
	struct client *c = arg;

	if (c->is_asking)
		try_elsewhere(c, cause);
	else if (!is_udp(c)) /* an ICMP answer to what is answered is late */
		fail(c, cause);
}

/* ---- timers ------------------------------------------------------------ */

static void on_resend(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	c->resend_ms *= 2;
	if (c->resend_ms > T2_MS)
		c->resend_ms = T2_MS;
	transmit(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	char cause[400];

	(void)fd;
	(void)what;
	snprintf(cause, sizeof cause, "no answer from %s", client_server(c));
	/* The same UDP socket if it can be: a new one has another port, so the
	 * server would see another contact beside the old. */
	if (!is_udp(c) || uplink_n_addresses(c->uplink) > 1)
		uplink_close(c->uplink);
	fail(c, cause);
}

/* ---- beginning and end ------------------------------------------------- */

int client_new(struct client **out, struct event_base *base,
	const struct client_options *options,
	const struct client_events *events, struct sp_err *err)
{
	struct client *c = calloc(1, sizeof *c);
	const struct uplink_events from_uplink = {c, on_opened, on_message,
		on_broken};

	*out = c;
	if (c == NULL)
		return sp_err_memory(err);
	c->options = options;
	c->events = *events;
	snprintf(c->name, sizeof c->name,
		strchr(options->domain, ':') != NULL &&
				options->domain[0] != '['
			? "[%s]"
			: "%s",
		options->domain);
	credentials_token(c->call_id);
	credentials_token(c->tag);
	c->deadline = event_new(base, -1, 0, on_deadline, c);
	c->resend = event_new(base, -1, 0, on_resend, c);
	if (c->deadline == NULL || c->resend == NULL)
		return sp_err_memory(err);
	if (sp_hash_new(&c->hash, err) != 0)
		return -1;
	return uplink_new(&c->uplink, base, &options->server, &from_uplink,
		err);
}

void client_free(struct client *c)
{
	if (c == NULL)
		return;
	uplink_free(c->uplink);
	if (c->deadline != NULL)
		event_free(c->deadline);
	if (c->resend != NULL)
		event_free(c->resend);
	sp_hash_free(c->hash);
	free(c);
}
