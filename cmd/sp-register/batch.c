/* A batch: the requests that are answered in one transaction. */
#include "cmd/sp-register/batch.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/sp-register/address.h"
#include "cmd/sp-register/datagram.h"

struct batch {
	struct endpoints *endpoints;
	struct exchange exchange[BATCH_SIZE];
	struct mmsghdr in[BATCH_SIZE], out[BATCH_SIZE];
	struct iovec in_iov[BATCH_SIZE], out_iov[BATCH_SIZE];
	struct sockaddr_storage from[BATCH_SIZE];
	/* The address of ours that was asked, handed back with the answer: on
	 * 0.0.0.0 the kernel would choose one (RFC 3581 §4). */
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} to[BATCH_SIZE];
	char ip[BATCH_SIZE][INET6_ADDRSTRLEN];
	struct flow *flow[BATCH_SIZE];
	char data[BATCH_SIZE]
		 [SIP_MAX_MESSAGE + 1]; /* one more: too long shows */
	char answer[BATCH_SIZE][SIP_ANSWER_SIZE];
};

int batch_new(struct batch **out, struct endpoints *endpoints,
	struct sp_err *err)
{
	struct batch *b = calloc(1, sizeof *b);

	*out = b;
	if (b == NULL)
		return sp_err_memory(err);
	b->endpoints = endpoints;
	for (int i = 0; i < BATCH_SIZE; i++) {
		b->exchange[i].data = b->data[i];
		b->exchange[i].answer = b->answer[i];
		b->exchange[i].origin.ip = b->ip[i];
		b->in_iov[i].iov_base = b->data[i];
		b->in_iov[i].iov_len = sizeof b->data[i];
		b->in[i].msg_hdr.msg_iov = &b->in_iov[i];
		b->in[i].msg_hdr.msg_iovlen = 1;
		b->in[i].msg_hdr.msg_name = &b->from[i];
		b->in[i].msg_hdr.msg_control = b->to[i].bytes;
		b->out[i].msg_hdr.msg_iov = &b->out_iov[i];
		b->out[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

void batch_free(struct batch *b)
{
	free(b);
}

struct exchange *batch_exchanges(struct batch *b)
{
	return b->exchange;
}

/* ---- datagrams --------------------------------------------------------- */

/* Leaves the way back to the routing table, not to the interface. */
static void forget_interface(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	if (c != NULL && c->cmsg_level == IPPROTO_IP &&
		c->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_ifindex = 0;
}

int batch_receive(struct batch *b, int fd)
{
	int n;

	for (int i = 0; i < BATCH_SIZE; i++) {
		b->in[i].msg_hdr.msg_namelen = sizeof b->from[i];
		b->in[i].msg_hdr.msg_controllen = sizeof b->to[i].bytes;
	}
	do
		n = recvmmsg(fd, b->in, BATCH_SIZE, MSG_DONTWAIT, NULL);
	while (n < 0 && datagram_is_of_another(errno));
	for (int i = 0; i < n; i++) {
		struct exchange *x = &b->exchange[i];

		/* Too long: garbage, since its end is not here. */
		x->len = b->in[i].msg_len > SIP_MAX_MESSAGE ? 0
							    : b->in[i].msg_len;
		x->transport = "udp";
		x->flow_id = 0;
		x->local = b->endpoints == NULL
				   ? -1
				   : endpoints_of_datagram(b->endpoints, fd,
					     &b->in[i].msg_hdr);
		forget_interface(&b->in[i].msg_hdr);
		x->origin.port =
			address_read((struct sockaddr *)&b->from[i], b->ip[i]);
	}
	return n < 0 ? 0 : n;
}

void batch_send(struct batch *b, int fd, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++) {
		const struct exchange *x = &b->exchange[i];
		struct msghdr *h = &b->out[count].msg_hdr;

		if (x->answer_len == 0)
			continue;
		address_set_port(&b->from[i], x->answer_port);
		b->out_iov[count].iov_base = x->answer;
		b->out_iov[count++].iov_len = x->answer_len;
		h->msg_name = &b->from[i];
		h->msg_namelen = b->in[i].msg_hdr.msg_namelen;
		h->msg_control = b->to[i].bytes;
		h->msg_controllen = b->in[i].msg_hdr.msg_controllen;
	}
	datagrams_send(fd, b->out, count, NULL, NULL);
}

/* That nobody listens at a port only its host can tell. Any other one could
 * name a stranger's phone, whose port is soon guessed. */
static bool is_refusal(const struct cmsghdr *c, const char *ip)
{
	const struct sock_extended_err *e = (const void *)CMSG_DATA(c);
	char offender[INET6_ADDRSTRLEN];

	if ((c->cmsg_type != IP_RECVERR && c->cmsg_type != IPV6_RECVERR) ||
		e->ee_errno != ECONNREFUSED)
		return false;
	address_read(SO_EE_OFFENDER(e), offender);
	return strcmp(offender, ip) == 0;
}

bool batch_unreachable(int fd, char ip[INET6_ADDRSTRLEN], int *port)
{
	struct sockaddr_storage to;
	union {
		char bytes[512];
		struct cmsghdr align;
	} control;
	struct msghdr h = {.msg_name = &to,
		.msg_namelen = sizeof to,
		.msg_control = &control,
		.msg_controllen = sizeof control};

	while (recvmsg(fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		*port = address_read((struct sockaddr *)&to, ip);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c != NULL;
			c = CMSG_NXTHDR(&h, c))
			if (is_refusal(c, ip))
				return true;
		h.msg_namelen = sizeof to;
		h.msg_controllen = sizeof control;
	}
	return false;
}

/* ---- flows ------------------------------------------------------------- */

/* Is looked up once for each connection. */
static int local_of(struct endpoints *endpoints, struct flow *flow)
{
	char ip[INET6_ADDRSTRLEN];
	int port;

	if (flow_local(flow) == FLOW_LOCAL_UNKNOWN && endpoints != NULL) {
		port = flow_local_address(flow, ip);
		flow_set_local(flow,
			endpoints_of_stream(endpoints,
				flow_transport_kind(flow), ip, port));
	}
	return flow_local(flow) < 0 ? -1 : flow_local(flow);
}

int batch_add(struct batch *b, int n, struct flow *flow, const char *data,
	size_t len)
{
	struct exchange *x = &b->exchange[n];

	memcpy(b->data[n], data, len);
	memcpy(b->ip[n], flow_ip(flow), strlen(flow_ip(flow)) + 1);
	x->len = len;
	x->origin.port = flow_port(flow);
	x->transport = flow_transport(flow);
	x->flow_id = flow_id(flow);
	x->local = local_of(b->endpoints, flow);
	b->flow[n] = flow;
	return n + 1;
}

void batch_send_flows(struct batch *b, int n)
{
	for (int i = 0; i < n; i++) {
		const struct exchange *x = &b->exchange[i];

		if (x->is_known)
			flow_trust(b->flow[i]);
		if (x->answer_len > 0)
			flow_send(b->flow[i], x->answer, x->answer_len);
	}
}
