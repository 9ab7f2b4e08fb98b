/* Datagrams: many of them out of a socket at once, each from the address that
 * it is to leave from. */
#ifndef SP_REGISTER_DATAGRAM_H
#define SP_REGISTER_DATAGRAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "cmd/sp-register/endpoint.h"

/* Room for the address that a datagram leaves from. */
union datagram_source {
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct cmsghdr align;
};

/* Lets a datagram leave from an endpoint; `room` is good until it is sent. */
void datagram_set_source(struct msghdr *header, const struct endpoint *from,
	union datagram_source *room);

/* Lets it go to `to`, in the family of the endpoint's socket; likewise. */
void datagram_set_destination(struct msghdr *header,
	const struct endpoint *from, const union hop_address *to,
	union hop_address *room);

/* Does a socket tell with that error what became of a datagram that was sent
 * before, or nothing at all? */
bool datagram_is_of_another(int error);

/* One that the kernel does not take, since there is no way to where it goes. */
typedef void datagram_lost(void *arg, int i);

/* Sends n of them. What finds no room is as good as lost on the way: its sender
 * repeats it. lost: NULL when nobody wants to know. */
void datagrams_send(int fd, struct mmsghdr *datagram, int n,
	datagram_lost *lost, void *arg);

#endif
