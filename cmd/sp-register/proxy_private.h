/* What the parts of the proxy share. */
#ifndef SP_REGISTER_PROXY_PRIVATE_H
#define SP_REGISTER_PROXY_PRIVATE_H

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/calls.h"
#include "cmd/sp-register/fork.h"
#include "cmd/sp-register/proxy.h"
#include "cmd/sp-register/transaction.h"
#include "cmd/sp-register/wheel.h"
#include "lib/binding.h"

enum {
	PROXY_MESSAGE_SIZE = 2 * SIP_MAX_MESSAGE,
	RECORD_ROUTE_SIZE = 2 * (DIALOG_ROUTE_SIZE + 128),
};

struct proxy {
	struct service *service;
	struct wheel wheel;
	struct transactions *transactions;
	struct calls *calls;
	struct fork *forks, *done;
	/* The moment of what is being done: wall clock, and the monotonic one
	 * that all timers go by. */
	int64_t wall_ms, now_ms;
	/* A request that is looked at again, and whose it is: one INVITE is
	 * several times. NULL: nobody's any more. */
	struct sip_message scanned;
	const struct fork *scanned_fork;
	struct sp_binding bindings[SP_MAX_BINDINGS];
	char message[PROXY_MESSAGE_SIZE]; /* that is being written */
	char sent_by[ADDRESS_TEXT + 4];
};

/* Scans a request again that was taken on; good until the next one. */
const struct sip_message *proxy_rescan(struct proxy *proxy, struct fork *fork);

/* For a Via: "UDP 192.0.2.7:5060", the own address that a message to there
 * leaves from; decides hop->local where that is open. NULL: there is no way to
 * it. Good until the next one. */
const char *proxy_sent_by(struct proxy *proxy, struct hop *hop);

/* Fills in the target for the n-th of proxy->bindings, newest first, as
 * sp_binding_list has left them; the texts are theirs. Returns false when that
 * phone is reached by another one of them, or nobody can tell where it is. */
bool proxy_phone(struct proxy *proxy, int n, struct target *target);

/* Sets target->hop to where the phone of that number whose Contact target->uri
 * is has registered from since. Returns false when it has not. */
bool proxy_find_again(struct proxy *proxy, const struct sp_scope *scope,
	const char *number, struct target *target);

/* Does a request come from the address of that hop? */
bool proxy_is_at(const struct request *request, const struct hop *hop);

/* Writes the Record-Route for a copy that goes to route->callee, with which the
 * dialog's requests come back to us, and the token that stands in it; fills in
 * route->caller. Returns false when there is no way to there. */
bool proxy_record_route(struct fork *fork, struct dialog_route *route,
	char token[DIALOG_ROUTE_SIZE], char out[RECORD_ROUTE_SIZE]);

/* Is that an address of this server, or the name of a tenant of it? */
bool proxy_is_own(struct proxy *proxy, const struct sip_uri *uri);

/* Between these, which come in pairs, callbacks of the event loop do their work,
 * as a batch of one. */
void proxy_enter(struct proxy *proxy);
void proxy_leave(struct proxy *proxy);

/* What a request says of its way. */
struct routing {
	struct sip_slice uri; /* the Request-URI, as its sender meant it */
	int n_taken, n_left;  /* Route values that are ours, and the others */
	char token[DIALOG_ROUTE_SIZE]; /* user part of ours; or "" */
};

/* ---- in_dialog.c -------------------------------------------------------- */

/* A request of a dialog that was made through us: to its other side. */
enum verdict in_dialog_take(struct proxy *proxy, struct request *request,
	const struct routing *routing);

/* The callee at that hop has said its Contact, and, with a 2xx, has answered. */
void in_dialog_note_answer(struct proxy *proxy, struct call *call,
	const struct hop *callee, const struct sip_message *response);

#endif
