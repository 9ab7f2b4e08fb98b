/* Datagrams: many of them out of a socket at once. */
#include "cmd/sp-register/datagram.h"

#include <errno.h>
#include <string.h>

enum { TRIES = 4 };

static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff};

/* The address of a plain one as an IPv6 socket has it. */
static void map(const union hop_address *plain, struct in6_addr *six)
{
	if (plain->any.sa_family == AF_INET6) {
		*six = plain->six.sin6_addr;
		return;
	}
	memcpy(six->s6_addr, MAPPED, sizeof MAPPED);
	memcpy(six->s6_addr + sizeof MAPPED, &plain->four.sin_addr,
		sizeof plain->four.sin_addr);
}

static void put(struct msghdr *h, int level, int type, size_t size)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	h->msg_controllen = CMSG_SPACE(size);
}

void datagram_set_source(struct msghdr *h, const struct endpoint *from,
	union datagram_source *room)
{
	struct in_pktinfo four = {.ipi_ifindex = 0};
	struct in6_pktinfo six = {.ipi6_ifindex = 0};

	h->msg_control = NULL;
	h->msg_controllen = 0;
	if (!from->is_wildcard)
		return;
	memset(room, 0, sizeof *room);
	h->msg_control = room->bytes;
	h->msg_controllen = sizeof room->bytes;
	if (from->family == AF_INET6) {
		map(&from->address, &six.ipi6_addr);
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(h)), &six, sizeof six);
		put(h, IPPROTO_IPV6, IPV6_PKTINFO, sizeof six);
	} else {
		four.ipi_spec_dst = from->address.four.sin_addr;
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(h)), &four, sizeof four);
		put(h, IPPROTO_IP, IP_PKTINFO, sizeof four);
	}
}

void datagram_set_destination(struct msghdr *h, const struct endpoint *from,
	const union hop_address *to, union hop_address *room)
{
	address_plain(&to->any, room);
	if (from->family == AF_INET6 && room->any.sa_family == AF_INET) {
		struct sockaddr_in6 six = {.sin6_family = AF_INET6,
			.sin6_port = room->four.sin_port};

		map(room, &six.sin6_addr);
		room->six = six;
	}
	h->msg_name = room;
	h->msg_namelen = address_size(&room->any);
}

bool datagram_is_of_another(int error)
{
	return error == EINTR || error == ECONNREFUSED ||
	       error == EHOSTUNREACH || error == ENETUNREACH;
}

/* There is no room now, or, ECONNREFUSED, it was another one's again. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM ||
	       error == EINTR || error == ECONNREFUSED;
}

void datagrams_send(int fd, struct mmsghdr *datagram, int n,
	datagram_lost *lost, void *arg)
{
	int sent = 0, tries = 0;

	while (sent < n) {
		int done =
			sendmmsg(fd, datagram + sent, (unsigned)(n - sent), 0);
		int error = errno;

		/* Where there is no way to it, it gets the same error as
		 * another's each time. */
		if (done <= 0 && datagram_is_of_another(error) &&
			++tries < TRIES)
			continue;
		if (done <= 0 && !is_passing(error) && lost != NULL)
			lost(arg, sent);
		sent += done > 0 ? done : 1;
		tries = 0;
	}
}
