/* sp-register login: the registration half of a softphone. */
#include "cmd/sp-register/login.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/sipmsg.h"
#include "lib/clock.h"
#include "lib/hash.h"

enum {
	EXPIRES_S = 30,
	REFRESH_MS = 15000,
	/* Shorter than Timer F's 32 s, in which the binding would run out. */
	TIMEOUT_MS = 5000,
	LOGOUT_TIMEOUT_MS = 2000,
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 15000,
	JITTER_PERCENT = 20,
	MAX_EXPIRES_S = 3600, /* that a server may want */
	MAX_RETRY_S = 3600,   /* that a server may have us wait */
	MAX_CAUSE = 600,
};

enum state { STARTING, REGISTERED, LOST, REFUSED, LOGGED_OUT };

static const char *const STATES[] = {"", "registered", "lost", "refused",
	"logged-out"};

struct phone {
	const struct login_options *options;
	struct client *client;
	struct event_base *base;
	struct event *timer, *term, *interrupt;

	enum state state;
	int64_t expires_s; /* asked for; 0 while it logs out */
	int64_t backoff_ms;
	bool stopping, was_registered; /* when it was told to stop */
	bool failed_output;
};

/* ---- telling ----------------------------------------------------------- */

/* advice: whole lines that follow the sentence about a failure. */
static void tell(struct phone *p, enum state state, const char *detail,
	const char *advice)
{
	const struct client_options *o = &p->options->client;
	char time[SP_TIME_TEXT];

	if (p->state == state)
		return;
	p->state = state;
	sp_clock_format(sp_clock_now_ms(), time);
	printf("%s\t%s\t%s@%s\t%s\n", time, STATES[state], o->extension,
		o->domain, detail);
	if (fflush(stdout) != 0) {
		p->failed_output = true;
		event_active(p->term, EV_SIGNAL, 1); /* log out, and end */
	}
	if (state == LOST || state == REFUSED)
		fprintf(stderr,
			"SIP phone has lost connection with the system. %s\n%s",
			detail, advice);
}

/* ---- the next attempt -------------------------------------------------- */

static void arm(struct phone *p, int64_t wait_ms)
{
	const struct timeval tv = {wait_ms / 1000,
		(suseconds_t)(wait_ms % 1000) * 1000};

	event_add(p->timer, &tv);
}

static void ask(struct phone *p)
{
	const struct client_request request = {.method = "REGISTER",
		.expires_s = p->expires_s,
		.timeout_ms = p->stopping ? LOGOUT_TIMEOUT_MS : TIMEOUT_MS};

	event_del(p->timer);
	client_ask(p->client, &request);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask(arg);
}

/* A number from low to high, so that softphones which a server lost all at once
 * do not come back all at once. */
static int64_t any_of(int64_t low, int64_t high)
{
	uint64_t bits = 0;
	struct sp_err err;

	if (sp_hash_random(&bits, sizeof bits, &err) != 0)
		return high;
	return low + (int64_t)(bits % (uint64_t)(high - low + 1));
}

/* How long to wait after a failure: as long as the server wants, or a while
 * that grows. */
static int64_t next_wait_ms(struct phone *p, int64_t retry_s)
{
	int64_t ms = p->backoff_ms, jitter_ms = ms * JITTER_PERCENT / 100;

	if (retry_s > 0)
		return any_of(retry_s * 1000,
			retry_s * (1000 + 10 * JITTER_PERCENT));
	p->backoff_ms *= 2;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
	return any_of(ms - jitter_ms, ms + jitter_ms);
}

/* Tells the cause as a sentence, and tries again after a while. */
static void failed(struct phone *p, enum state state, const char *cause,
	const char *advice, int64_t retry_s)
{
	char sentence[MAX_CAUSE];

	snprintf(sentence, sizeof sentence, "%c%s.", toupper(cause[0]),
		cause + 1);
	tell(p, state, sentence, advice);
	if (p->stopping || p->options->once)
		event_base_loopbreak(p->base);
	else
		arm(p, next_wait_ms(p, retry_s));
}

static void on_failed(void *arg, const char *cause)
{
	failed(arg, LOST, cause, "", 0);
}

/* ---- answers ----------------------------------------------------------- */

/* What is granted for our contact, else by the Expires header, else as
 * asked. */
static int64_t granted_s(const struct phone *p, const struct sip_message *m)
{
	struct sip_contact contact[SIP_MAX_CONTACTS];
	int n = sipmsg_contacts(m, contact, SIP_MAX_CONTACTS);
	char text[SIP_MAX_LINE + 1];
	int64_t expires_s;

	for (int i = 0; i < n; i++) {
		memcpy(text, contact[i].uri.at, contact[i].uri.len);
		text[contact[i].uri.len] = '\0';
		if (contact[i].expires_s > 0 &&
			sipmsg_uri_equal(text, client_contact(p->client)))
			return contact[i].expires_s;
	}
	expires_s = sipmsg_number(sipmsg_header(m, SIP_EXPIRES), INT32_MAX);
	return expires_s > 0 ? expires_s : p->expires_s;
}

static void succeeded(struct phone *p, const struct sip_message *m)
{
	int64_t expires_s = granted_s(p, m), refresh_ms = expires_s * 1000 / 2;
	char detail[64];

	p->backoff_ms = BACKOFF_MIN_MS;
	if (p->stopping) {
		tell(p, LOGGED_OUT, "", "");
		event_base_loopbreak(p->base);
		return;
	}
	snprintf(detail, sizeof detail, "expires=%" PRId64, expires_s);
	tell(p, REGISTERED, detail, "");
	if (p->options->once)
		event_base_loopbreak(p->base);
	else
		arm(p, refresh_ms < REFRESH_MS ? refresh_ms : REFRESH_MS);
}

/* "18", "18;duration=3600", "18 (a comment)": RFC 3261 §20.33. Returns 0 when
 * there is none. */
static int64_t retry_after_s(const struct sip_message *m)
{
	struct sip_slice value = sipmsg_header(m, SIP_RETRY_AFTER);
	int64_t seconds = 0;

	for (size_t i = 0; i < value.len && value.at[i] >= '0' &&
			   value.at[i] <= '9' && seconds < MAX_RETRY_S;
		i++)
		seconds = seconds * 10 + (value.at[i] - '0');
	return seconds < MAX_RETRY_S ? seconds : MAX_RETRY_S;
}

/* Does it say who we are not, and not what is wrong with the server? */
static bool is_refusal(int status)
{
	return status == 401 || status == 403 || status == 404 || status == 407;
}

/* What can be done about it: a line behind the sentence for the user. */
static void advise(const struct phone *p, int status, char out[MAX_CAUSE])
{
	const struct client_options *o = &p->options->client;

	if (status == 404)
		snprintf(out, MAX_CAUSE,
			"sp-register: the server knows no '%.40s@%.255s': is "
			"that its domain? (sp-register serve logs those that "
			"it is serving)\n",
			o->extension, o->domain);
	else
		snprintf(out, MAX_CAUSE,
			"sp-register: is it a wrong number or secret? "
			"'sp-assign -s LOGIN' prints the number and a new "
			"secret\n");
}

static void not_registered(struct phone *p, const struct sip_message *m)
{
	int64_t retry_s = retry_after_s(m);
	char cause[MAX_CAUSE], advice[MAX_CAUSE];
	size_t len;

	client_describe(p->client, m, cause, sizeof cause);
	len = strlen(cause);
	if (retry_s > 0)
		snprintf(cause + len, sizeof cause - len,
			" and asks to wait for %" PRId64 " s", retry_s);
	if (!is_refusal(m->status)) {
		failed(p, LOST, cause, "", retry_s);
		return;
	}
	advise(p, m->status, advice);
	failed(p, REFUSED, cause, advice, retry_s);
}

static void on_answered(void *arg, const struct sip_message *m)
{
	struct phone *p = arg;
	int64_t min_s =
		sipmsg_number(sipmsg_header(m, SIP_MIN_EXPIRES), MAX_EXPIRES_S);

	if (m->status < 300) {
		succeeded(p, m);
	} else if (m->status == 423 && !p->stopping && min_s > p->expires_s) {
		p->expires_s = min_s; /* which cannot grow for ever */
		ask(p);
	} else {
		not_registered(p, m);
	}
}

/* ---- beginning and end ------------------------------------------------- */

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct phone *p = arg;

	(void)signal;
	(void)what;
	if (p->stopping) /* a supervisor repeats itself; it is 2 s at most */
		return;
	/* Also before the first answer, or while it is lost: the server may
	 * have a binding that we do not know of. But not one of a connection
	 * that is closed. */
	if (p->options->once || p->state == REFUSED ||
		!client_is_connected(p->client)) {
		event_base_loopbreak(p->base);
		return;
	}
	p->stopping = true;
	p->was_registered = p->state == REGISTERED;
	p->expires_s = 0;
	ask(p);
}

static int start_loop(struct phone *p, struct sp_err *err)
{
	const struct client_events events = {p, on_answered, on_failed};

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
	return client_new(&p->client, p->base, &p->options->client, &events,
		err);
}

static void release(struct phone *p)
{
	struct event *events[] = {p->timer, p->term, p->interrupt};

	client_free(p->client);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (p->base != NULL)
		event_base_free(p->base);
}

static enum sp_code status_of(const struct phone *p)
{
	if (!p->options->once || p->state == REGISTERED)
		return SP_OK;
	return p->state == REFUSED ? SP_NOPERM : SP_UNAVAILABLE;
}

int login(const struct login_options *options, enum sp_code *status,
	struct sp_err *err)
{
	struct phone p = {.options = options,
		.expires_s = EXPIRES_S,
		.backoff_ms = BACKOFF_MIN_MS};
	int rc = -1;

	signal(SIGPIPE, SIG_IGN); /* so that it can still log out */
	if (start_loop(&p, err) != 0)
		goto out;
	arm(&p, 0);
	event_base_dispatch(p.base);
	*status = status_of(&p);
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
