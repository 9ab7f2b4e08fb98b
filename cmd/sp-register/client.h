/* The client's side of SIP: one request at a time to one server (RFC 3261
 * §8.1, §17.1.2), challenges answered. For login and probe. */
#ifndef SP_REGISTER_CLIENT_H
#define SP_REGISTER_CLIENT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/sipmsg.h"
#include "cmd/sp-register/uplink.h"
#include "lib/err.h"

struct client_options {
	struct uplink_server server;
	/* Who asks: EXT@DOMAIN. NULL: nobody, without a secret. */
	const char *extension;
	const char *domain;
	const char *secret;
};

/* What a client tells, from the event loop or from client_ask. */
struct client_events {
	void *arg;
	/* The final answer; a challenge only when it cannot be answered, or has
	 * been in vain. Good until it returns. */
	void (*answered)(void *arg, const struct sip_message *answer);
	/* There is no answer, or the connection is closed, perhaps when nothing
	 * was asked. In the words of an error. */
	void (*failed)(void *arg, const char *cause);
};

struct client_request {
	const char *method;
	int64_t expires_s;  /* of the own contact; -1: name no contact */
	int64_t timeout_ms; /* for all of it, from connecting to the answer */
};

struct client;

/* What `options` points to must outlive it. Fails as uplink_new. */
int client_new(struct client **client, struct event_base *base,
	const struct client_options *options,
	const struct client_events *events, struct sp_err *err);
void client_free(struct client *client); /* accepts NULL */

/* Sends a request in place of the one that is under way, if there is one.
 * Connects when that is due, tries all addresses of the server, and sends again
 * over UDP what is not answered. */
void client_ask(struct client *client, const struct client_request *request);

bool client_is_connected(const struct client *client);

/* The URI that it registers, good until it connects again. */
const char *client_contact(const struct client *client);

/* The address of the server, for people. */
const char *client_server(const struct client *client);

/* "HOST:PORT answers 503 Service Unavailable". */
void client_describe(const struct client *client,
	const struct sip_message *answer, char *out, size_t size);

#endif
