/* The uplink: a client's way to its SIP server, a UDP socket or one TCP or TLS
 * connection. Bytes out, messages in; knows nothing of what they say. */
#ifndef SP_REGISTER_UPLINK_H
#define SP_REGISTER_UPLINK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/config.h"
#include "lib/err.h"

/* The server, as it was named. */
struct uplink_server {
	enum sp_transport transport;
	const char *host, *port;
	const char *domain;  /* whose server it is: may be in its certificate */
	const char *ca_file; /* PEM; NULL: the system's CAs */
	bool insecure;       /* believe any certificate */
};

/* What an uplink tells, from the event loop only. `arg` is the owner's. */
struct uplink_events {
	void *arg;
	/* It is open now. */
	void (*opened)(void *arg);
	/* A whole message, good until it returns, which may be changed. */
	void (*message)(void *arg, char *data, size_t len);
	/* It could not be opened, or is closed, or nobody listens there: in
	 * the words of an error. A UDP uplink stays open all the same. */
	void (*broken)(void *arg, const char *cause);
};

struct uplink;

/* Opens nothing yet. What `server` points to must outlive it. Fails when the CA
 * file cannot be used, or memory is short. */
int uplink_new(struct uplink **uplink, struct event_base *base,
	const struct uplink_server *server, const struct uplink_events *events,
	struct sp_err *err);
void uplink_free(struct uplink *uplink); /* accepts NULL */

/* Looks the server up and begins to open the first of its addresses, the next
 * time the second one ...: a host may have one that nobody listens on. Waits
 * for the look-up. Closes what was open. Returns 1 when it is open already (UDP),
 * 0 when `opened` or `broken` will follow, -1 when that address cannot be
 * used. */
int uplink_open(struct uplink *uplink, struct sp_err *err);
void uplink_close(struct uplink *uplink);
bool uplink_is_open(const struct uplink *uplink);

/* How many addresses the last look-up found. */
int uplink_n_addresses(const struct uplink *uplink);

/* Sends over an open uplink. */
int uplink_send(struct uplink *uplink, const char *data, size_t len,
	struct sp_err *err);

/* "192.0.2.7:5060": the own address, and the server's; "" before. Until the
 * server has an address it is called as it was named. */
const char *uplink_local(const struct uplink *uplink);
const char *uplink_peer(const struct uplink *uplink);

#endif
