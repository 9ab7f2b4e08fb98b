/* A batch: the requests that are answered in one transaction, of datagrams or
 * of flows. */
#ifndef SP_REGISTER_BATCH_H
#define SP_REGISTER_BATCH_H

#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/flow.h"
#include "cmd/sp-register/service.h"

enum { BATCH_SIZE = 64 }; /* service_answer's limit is 64, too */

struct batch;

/* endpoints: which tell where messages came to; outlive it. NULL: nobody is to
 * know. */
int batch_new(struct batch **batch, struct endpoints *endpoints,
	struct sp_err *err);
void batch_free(struct batch *batch); /* accepts NULL */

/* The requests that are in it, and their answers. */
struct exchange *batch_exchanges(struct batch *batch);

/* Fills an empty batch from a socket: as many datagrams as have come. Returns
 * their number. */
int batch_receive(struct batch *batch, int fd);

/* Sends the answers of such a batch, each to where its request came from. */
void batch_send(struct batch *batch, int fd, int n);

/* Takes the next address whose host says that nobody listens there (ICMP, by way
 * of IP_RECVERR). Returns false when there is none. */
bool batch_unreachable(int fd, char ip[INET6_ADDRSTRLEN], int *port);

/* Adds a message of a flow; the batch must have room. Returns the number that
 * are in it now. */
int batch_add(struct batch *batch, int n, struct flow *flow, const char *data,
	size_t len);

/* Sends the answers of such a batch. */
void batch_send_flows(struct batch *batch, int n);

#endif
