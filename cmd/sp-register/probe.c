/* sp-register probe: does the SIP server answer? */
#include "cmd/sp-register/probe.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/sp-register/sipmsg.h"

struct probing {
	const struct probe_options *options;
	struct client *client;
	struct event_base *base;
	struct timespec began;
	int status;        /* of the answer */
	struct sp_err err; /* "": none */
};

static double elapsed_ms(const struct probing *p)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - p->began.tv_sec) * 1e3 +
	       (double)(now.tv_nsec - p->began.tv_nsec) / 1e6;
}

/* The line; with --quiet an error, if it is no success. */
static void on_answered(void *arg, const struct sip_message *m)
{
	struct probing *p = arg;
	const struct uplink_server *server = &p->options->client.server;
	char reason[100];

	p->status = m->status;
	sipmsg_copy_printable(m->reason, reason, sizeof reason);
	if (!p->options->quiet)
		printf("%.1f\t%d %s\t%s:%s\n", elapsed_ms(p), m->status, reason,
			sp_transport_name(server->transport),
			client_server(p->client));
	else if (m->status >= 300)
		client_describe(p->client, m, p->err.msg, sizeof p->err.msg);
	event_base_loopbreak(p->base);
}

static void on_failed(void *arg, const char *cause)
{
	struct probing *p = arg;

	sp_err_set(&p->err, SP_UNAVAILABLE, "%s", cause);
	event_base_loopbreak(p->base);
}

static void on_start(evutil_socket_t fd, short what, void *arg)
{
	struct probing *p = arg;
	const struct probe_options *o = p->options;
	const struct client_request request = {.method = o->client.extension ==
									 NULL
								 ? "OPTIONS"
								 : "REGISTER",
		.expires_s = -1,
		.timeout_ms = o->timeout_ms};

	(void)fd;
	(void)what;
	clock_gettime(CLOCK_MONOTONIC, &p->began);
	client_ask(p->client, &request);
}

static int run(struct probing *p, struct sp_err *err)
{
	const struct client_events events = {p, on_answered, on_failed};
	const struct timeval now = {0};

	p->base = event_base_new();
	if (p->base == NULL)
		return sp_err_memory(err);
	if (client_new(&p->client, p->base, &p->options->client, &events,
		    err) != 0)
		return -1;
	if (event_base_once(p->base, -1, EV_TIMEOUT, on_start, p, &now) != 0)
		return sp_err_memory(err);
	event_base_dispatch(p->base);
	if (p->err.msg[0] != '\0')
		return sp_err_set(err, SP_UNAVAILABLE, "%s", p->err.msg);
	return fflush(stdout) == 0
		       ? 0
		       : sp_err_set(err, SP_IO, "cannot write standard output");
}

int probe(const struct probe_options *options, enum sp_code *status,
	struct sp_err *err)
{
	struct probing p = {.options = options};
	int rc;

	signal(SIGPIPE, SIG_IGN); /* of a connection */
	rc = run(&p, err);
	*status = p.status / 100 == 2 ? SP_OK : SP_UNAVAILABLE;
	client_free(p.client);
	if (p.base != NULL)
		event_base_free(p.base);
	return rc;
}
