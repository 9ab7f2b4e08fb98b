/* sp-register login: the registration half of a softphone. */
#include "cmd/sp-register/login.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/sp-register/digest.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/secret.h"

enum {
	EXPIRES_S = 30,
	REFRESH_MS = 15000,
	T1_MS = 500,
	T2_MS = 4000, /* RFC 3261 §17.1.2.2, Timer E */
	/* Shorter than Timer F's 32 s, in which the binding would run out. */
	TIMEOUT_MS = 5000,
	LOGOUT_TIMEOUT_MS = 2000,
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 15000,
	MAX_ROUNDS = 4, /* challenges and 423s before it counts as refused */
	TOKEN_SIZE = 17,
};

enum state { STARTING, REGISTERED, LOST, REFUSED, LOGGED_OUT };

static const char *const STATES[] = {"", "registered", "lost", "refused",
	"logged-out"};

struct phone {
	const struct login_options *options;
	struct sp_hash *hash;
	int fd;
	int n_connects, n_addresses;       /* of the server */
	char local[INET6_ADDRSTRLEN + 16]; /* ip:port */
	char server[INET6_ADDRSTRLEN + 16];
	struct event_base *base;
	struct event *readable, *timer, *term, *interrupt;

	enum state state;
	char call_id[TOKEN_SIZE], tag[TOKEN_SIZE], branch[TOKEN_SIZE];
	uint32_t cseq;
	int64_t expires_s;             /* asked for; 0 while it logs out */
	bool stopping, was_registered; /* when it was told to stop */
	int rounds;                    /* of the present attempt */
	int64_t backoff_ms;

	/* The request under way; deadline 0: there is none. */
	char request[SIP_MAX_MESSAGE];
	size_t request_len;
	int64_t deadline_ms, resend_ms;

	/* The last challenge, copied: its slices point into `challenge`. */
	char challenge[SIP_MAX_LINE + 1];
	struct digest digest;
	bool is_challenged, answered_it;
	uint32_t nc;
	bool failed_output;
};

/* ---- telling ----------------------------------------------------------- */

static void tell(struct phone *p, enum state state, const char *detail)
{
	char time[SP_TIME_TEXT];

	if (p->state == state)
		return;
	p->state = state;
	sp_clock_format(sp_clock_now_ms(), time);
	printf("%s\t%s\t%s@%s\t%s\n", time, STATES[state],
		p->options->extension, p->options->domain, detail);
	if (fflush(stdout) != 0) {
		p->failed_output = true;
		event_active(p->term, EV_SIGNAL, 1); /* log out, and end */
	}
	if (state == LOST || state == REFUSED)
		fprintf(stderr,
			"SIP phone has lost connection with the system. %s\n",
			detail);
}

/* ---- sending ----------------------------------------------------------- */

static void arm(struct phone *p, int64_t wait_ms)
{
	const struct timeval tv = {wait_ms / 1000,
		(suseconds_t)(wait_ms % 1000) * 1000};

	event_add(p->timer, &tv);
}

static void make_token(char out[TOKEN_SIZE])
{
	unsigned char bytes[(TOKEN_SIZE - 1) / 2];
	struct sp_err err;

	if (sp_hash_random(bytes, sizeof bytes, &err) != 0)
		memset(bytes, 0,
			sizeof bytes); /* the kernel never fails here */
	sp_hash_hex(bytes, sizeof bytes, out);
}

static void put_authorization(struct phone *p, struct sip_writer *w)
{
	const struct login_options *o = p->options;
	struct digest d = p->digest;
	unsigned char ha1[SP_HASH_SIZE];
	char realm[256], uri[300], nc[9], cnonce[TOKEN_SIZE];
	char response[DIGEST_RESPONSE_SIZE];

	snprintf(realm, sizeof realm, "%.*s", (int)d.realm.len, d.realm.at);
	snprintf(uri, sizeof uri, "sip:%s", o->domain);
	snprintf(nc, sizeof nc, "%08x", ++p->nc);
	make_token(cnonce);
	d.uri = (struct sip_slice){uri, strlen(uri)};
	d.nc = (struct sip_slice){nc, 8};
	d.cnonce = (struct sip_slice){cnonce, strlen(cnonce)};
	d.qop = (struct sip_slice){"auth", 4};
	if (sp_secret_digest(p->hash, d.kind, o->extension, realm, o->secret,
		    ha1) != 0 ||
		digest_response(p->hash, &d, ha1,
			(struct sip_slice){"REGISTER", 8}, response) != 0)
		return; /* the next 401 says so */
	sipmsg_put(w,
		"Authorization: Digest username=\"%s\", realm=\"%s\", "
		"nonce=\"",
		o->extension, realm);
	sipmsg_put_slice(w, d.nonce);
	sipmsg_put(w,
		"\", uri=\"%s\", response=\"%s\", algorithm=%s, "
		"qop=auth, nc=%s, cnonce=\"%s\"",
		uri, response, d.kind == SP_MD5 ? "MD5" : "SHA-256", nc,
		cnonce);
	if (d.opaque.at != NULL) {
		sipmsg_put_text(w, ", opaque=\"");
		sipmsg_put_slice(w, d.opaque);
		sipmsg_put_text(w, "\"");
	}
	sipmsg_put_text(w, "\r\n");
}

static void build(struct phone *p)
{
	const struct login_options *o = p->options;
	struct sip_writer w = {p->request, sizeof p->request, 0, false};

	make_token(p->branch);
	sipmsg_put(&w, "REGISTER sip:%s SIP/2.0\r\n", o->domain);
	sipmsg_put(&w, "Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\n",
		p->local, p->branch);
	sipmsg_put_text(&w, "Max-Forwards: 70\r\n");
	sipmsg_put(&w, "From: <sip:%s@%s>;tag=%s\r\n", o->extension, o->domain,
		p->tag);
	sipmsg_put(&w, "To: <sip:%s@%s>\r\n", o->extension, o->domain);
	sipmsg_put(&w, "Call-ID: %s\r\nCSeq: %u REGISTER\r\n", p->call_id,
		++p->cseq);
	sipmsg_put(&w, "Contact: <sip:%s@%s>\r\n", o->extension, p->local);
	sipmsg_put(&w, "Expires: %" PRId64 "\r\n", p->expires_s);
	sipmsg_put_text(&w, "User-Agent: sp-register/" SP_VERSION "\r\n");
	p->answered_it = p->is_challenged;
	if (p->is_challenged)
		put_authorization(p, &w);
	sipmsg_end_response(&w);
	p->request_len = w.len;
}

static void failed(struct phone *p, enum state state, const char *cause);
static void disconnect(struct phone *p);

static void transmit(struct phone *p)
{
	char cause[256];

	int e;

	if (send(p->fd, p->request, p->request_len, 0) >= 0 || errno == EAGAIN)
		return;
	e = errno;
	snprintf(cause, sizeof cause, "Cannot reach %s: %s.", p->server,
		strerror(e));
	if (e != ECONNREFUSED) /* the network is another one now */
		disconnect(p);
	failed(p, LOST, cause);
}

static void send_request(struct phone *p)
{
	int64_t now_ms = sp_clock_monotonic_ms();

	build(p);
	p->deadline_ms =
		now_ms + (p->stopping ? LOGOUT_TIMEOUT_MS : TIMEOUT_MS);
	p->resend_ms = T1_MS;
	arm(p, p->resend_ms);
	transmit(p);
}

static void start_attempt(struct phone *p)
{
	p->rounds = 0;
	send_request(p);
}

/* ---- what comes of it -------------------------------------------------- */

/* Tells, and tries again after a while that grows; without new credentials. */
static void failed(struct phone *p, enum state state, const char *cause)
{
	p->deadline_ms = 0;
	p->is_challenged = false;
	tell(p, state, cause);
	if (p->stopping) {
		event_base_loopbreak(p->base);
		return;
	}
	arm(p, p->backoff_ms);
	p->backoff_ms *= 2;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
}

/* What is granted for our contact, else by the Expires header, else as
 * asked. */
static int64_t granted_s(const struct phone *p, const struct sip_message *m)
{
	struct sip_contact contact[SIP_MAX_CONTACTS];
	int n = sipmsg_contacts(m, contact, SIP_MAX_CONTACTS);
	char own[sizeof p->local + 64], text[SIP_MAX_LINE + 1];
	int64_t expires_s;

	snprintf(own, sizeof own, "sip:%s@%s", p->options->extension, p->local);
	for (int i = 0; i < n; i++) {
		memcpy(text, contact[i].uri.at, contact[i].uri.len);
		text[contact[i].uri.len] = '\0';
		if (contact[i].expires_s > 0 && sipmsg_uri_equal(text, own))
			return contact[i].expires_s;
	}
	expires_s = sipmsg_number(sipmsg_header(m, SIP_EXPIRES), INT32_MAX);
	return expires_s > 0 ? expires_s : p->expires_s;
}

static void succeeded(struct phone *p, const struct sip_message *m)
{
	int64_t expires_s = granted_s(p, m);
	int64_t refresh_ms = expires_s * 1000 / 2;
	char detail[64];

	p->deadline_ms = 0;
	p->backoff_ms = BACKOFF_MIN_MS;
	if (p->stopping) {
		tell(p, LOGGED_OUT, "");
		event_base_loopbreak(p->base);
		return;
	}
	snprintf(detail, sizeof detail, "expires=%" PRId64, expires_s);
	tell(p, REGISTERED, detail);
	arm(p, refresh_ms < REFRESH_MS ? refresh_ms : REFRESH_MS);
}

/* Takes the first challenge that we can answer. */
static bool take_challenge(struct phone *p, const struct sip_message *m)
{
	for (int i = 0; i < m->n_fields; i++) {
		struct sip_slice value = m->field[i].value;

		if (m->field[i].header != SIP_WWW_AUTHENTICATE ||
			value.len >= sizeof p->challenge)
			continue;
		memcpy(p->challenge, value.at, value.len);
		value.at = p->challenge;
		if (digest_parse(value, &p->digest) &&
			p->digest.known_algorithm &&
			p->digest.realm.at != NULL &&
			p->digest.nonce.at != NULL && p->digest.qop.at != NULL)
			return true;
	}
	return false;
}

static void refused(struct phone *p, const struct sip_message *m)
{
	char cause[256], reason[100];

	sipmsg_copy_printable(m->reason, reason, sizeof reason);
	snprintf(cause, sizeof cause, "%s answers %d %s.", p->server, m->status,
		reason);
	failed(p, m->status >= 500 ? LOST : REFUSED, cause);
}

static void challenged(struct phone *p, const struct sip_message *m)
{
	bool stale;

	p->is_challenged = take_challenge(p, m);
	stale = p->digest.stale.at != NULL &&
		sipmsg_slice_is_nocase(p->digest.stale, "true");
	p->nc = 0;
	/* Credentials that were made for a fresh nonce are wrong themselves;
	 * after a refresh the nonce may just have been too old. */
	if (!p->is_challenged || ++p->rounds > MAX_ROUNDS ||
		(p->answered_it && !stale && p->rounds > 1))
		refused(p, m);
	else
		send_request(p);
}

static void too_brief(struct phone *p, const struct sip_message *m)
{
	int64_t min_s = sipmsg_number(sipmsg_header(m, SIP_MIN_EXPIRES), 3600);

	if (min_s <= p->expires_s || ++p->rounds > MAX_ROUNDS) {
		refused(p, m);
		return;
	}
	p->expires_s = min_s;
	send_request(p);
}

static bool is_ours(const struct phone *p, const struct sip_message *m)
{
	struct sip_via via;
	char branch[TOKEN_SIZE + 8];

	snprintf(branch, sizeof branch, "z9hG4bK%s", p->branch);
	return !m->is_request && m->cseq == p->cseq &&
	       sipmsg_slice_is(sipmsg_header(m, SIP_CALL_ID), p->call_id) &&
	       sipmsg_parse_via(m, &via) && via.branch.at != NULL &&
	       sipmsg_slice_is(via.branch, branch);
}

static void on_answer(struct phone *p, char *data, size_t len)
{
	struct sip_message m;
	const char *why;

	if (sipmsg_scan(data, len, &m, &why) != SIP_SCANNED ||
		p->deadline_ms == 0 || !is_ours(p, &m) || m.status < 200)
		return;
	event_del(p->timer);
	if (m.status < 300)
		succeeded(p, &m);
	else if (m.status == 401)
		challenged(p, &m);
	else if (m.status == 423)
		too_brief(p, &m);
	else
		refused(p, &m);
}

/* ---- events ------------------------------------------------------------ */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	char data[SIP_MAX_MESSAGE], cause[256];
	struct phone *p = arg;
	ssize_t n = recv(fd, data, sizeof data, 0);

	(void)what;
	if (n >= 0) {
		on_answer(p, data, (size_t)n);
		return;
	}
	if (errno != ECONNREFUSED || p->deadline_ms == 0)
		return;
	snprintf(cause, sizeof cause, "Nobody listens on %s.", p->server);
	failed(p, LOST, cause);
}

/* ---- the connection ---------------------------------------------------- */

static void format_address(const struct sockaddr_storage *a, char *out,
	size_t size)
{
	char ip[INET6_ADDRSTRLEN], port[8];

	getnameinfo((const struct sockaddr *)a, sizeof *a, ip, sizeof ip, port,
		sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, size, a->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", ip,
		port);
}

static int open_socket(struct phone *p, const struct addrinfo *a)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof addr;

	memcpy(&addr, a->ai_addr, a->ai_addrlen);
	format_address(&addr, p->server, sizeof p->server);
	p->fd = socket(a->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0);
	if (p->fd < 0 || connect(p->fd, a->ai_addr, a->ai_addrlen) != 0 ||
		getsockname(p->fd, (struct sockaddr *)&addr, &len) != 0)
		return -1;
	format_address(&addr, p->local, sizeof p->local);
	p->readable =
		event_new(p->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	return p->readable == NULL || event_add(p->readable, NULL) != 0 ? -1
									: 0;
}

static void disconnect(struct phone *p)
{
	if (p->readable != NULL)
		event_free(p->readable);
	p->readable = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* Looks the server up, and connects to its first address, the next time to its
 * second ...: a host may have one that nobody listens on. */
static int reconnect(struct phone *p, struct sp_err *err)
{
	const struct login_options *o = p->options;
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *all, *a;
	int rc = getaddrinfo(o->host, o->port, &hints, &all), n = 0, skip;

	disconnect(p);
	if (rc != 0)
		return sp_err_set(err, SP_UNAVAILABLE,
			"cannot find server '%s': %s", o->host,
			gai_strerror(rc));
	for (a = all; a != NULL; a = a->ai_next)
		n++;
	p->n_addresses = n;
	skip = p->n_connects++ % n;
	for (a = all; skip > 0; skip--)
		a = a->ai_next;
	rc = open_socket(p, a);
	freeaddrinfo(all);
	if (rc != 0)
		return sp_err_set(err, SP_UNAVAILABLE,
			"cannot reach server '%s': %s", p->server,
			strerror(errno));
	return 0;
}

/* A new attempt after a failed one. */
static void try_again(struct phone *p)
{
	bool elsewhere = p->n_addresses > 1 && p->state != REGISTERED;
	struct sp_err err;

	/* The same socket if it can be: a new one has another port, so the
	 * server would see another contact beside the old. */
	if ((elsewhere || p->fd < 0) && reconnect(p, &err) != 0)
		failed(p, LOST, err.msg);
	else
		start_attempt(p);
}

/* Runs out when there is something to send again, or to begin. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	int64_t now_ms = sp_clock_monotonic_ms();
	struct phone *p = arg;
	char cause[256];

	(void)fd;
	(void)what;
	if (p->deadline_ms == 0) {
		try_again(p);
	} else if (now_ms >= p->deadline_ms) {
		snprintf(cause, sizeof cause, "No answer from %s.", p->server);
		failed(p, LOST, cause);
	} else {
		p->resend_ms *= 2;
		if (p->resend_ms > T2_MS)
			p->resend_ms = T2_MS;
		if (p->resend_ms > p->deadline_ms - now_ms)
			p->resend_ms = p->deadline_ms - now_ms;
		arm(p, p->resend_ms);
		transmit(p);
	}
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct phone *p = arg;

	(void)signal;
	(void)what;
	/* Also before the first answer, or while it is lost: the server may
	 * have a binding that we do not know of. */
	if (p->stopping) /* a supervisor repeats itself; it is 2 s at most */
		return;
	if (p->state == REFUSED) {
		event_base_loopbreak(p->base);
		return;
	}
	p->stopping = true;
	p->was_registered = p->state == REGISTERED;
	p->expires_s = 0;
	start_attempt(p);
}

/* ---- beginning and end ------------------------------------------------- */

static int start_loop(struct phone *p, struct sp_err *err)
{
	p->base = event_base_new();
	if (p->base == NULL)
		return sp_err_memory(err);
	p->timer = event_new(p->base, -1, 0, on_timer, p);
	p->term = evsignal_new(p->base, SIGTERM, on_signal, p);
	p->interrupt = evsignal_new(p->base, SIGINT, on_signal, p);
	if (p->timer == NULL || p->term == NULL || p->interrupt == NULL ||
		event_add(p->term, NULL) != 0 ||
		event_add(p->interrupt, NULL) != 0)
		return sp_err_memory(err);
	return 0;
}

static void release(struct phone *p)
{
	struct event *events[] = {p->timer, p->term, p->interrupt};

	disconnect(p);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (p->base != NULL)
		event_base_free(p->base);
	sp_hash_free(p->hash);
}

int login(const struct login_options *options, struct sp_err *err)
{
	struct phone p = {.options = options,
		.fd = -1,
		.expires_s = EXPIRES_S,
		.backoff_ms = BACKOFF_MIN_MS};
	int rc = -1;

	signal(SIGPIPE, SIG_IGN); /* so that it can still log out */
	make_token(p.call_id);
	make_token(p.tag);
	if (sp_hash_new(&p.hash, err) != 0 || start_loop(&p, err) != 0 ||
		reconnect(&p, err) != 0)
		goto out;
	start_attempt(&p);
	event_base_dispatch(p.base);
	if (p.failed_output)
		sp_err_set(err, SP_IO, "cannot write standard output");
	else if (p.was_registered && p.state != LOGGED_OUT)
		sp_err_set(err, SP_UNAVAILABLE,
			"the server did not confirm the logout");
	else
		rc = 0;
out:
	release(&p);
	return rc;
}
