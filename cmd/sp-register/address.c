/* Socket addresses, and sockets that are bound to one. */
#include "cmd/sp-register/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"

enum {
	SOCKET_BUFFER = 8 << 20, /* bytes; the kernel may give less */
	BACKLOG = 512,
};

int address_read(const struct sockaddr *a, char ip[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in6 *six = (const void *)a;
	const struct sockaddr_in *four = (const void *)a;

	if (a->sa_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
			inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], ip,
				INET6_ADDRSTRLEN);
		else
			inet_ntop(AF_INET6, &six->sin6_addr, ip,
				INET6_ADDRSTRLEN);
		return ntohs(six->sin6_port);
	}
	inet_ntop(AF_INET, &four->sin_addr, ip, INET6_ADDRSTRLEN);
	return ntohs(four->sin_port);
}

socklen_t address_size(const struct sockaddr *a)
{
	return a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in);
}

void address_plain(const struct sockaddr *a, union hop_address *out)
{
	const struct sockaddr_in6 *six = (const void *)a;
	union hop_address plain;

	memset(&plain, 0, sizeof plain);
	if (a->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		plain.four.sin_family = AF_INET;
		plain.four.sin_port = six->sin6_port;
		memcpy(&plain.four.sin_addr, &six->sin6_addr.s6_addr[12],
			sizeof plain.four.sin_addr);
	} else {
		memcpy(&plain, a, address_size(a));
	}
	*out = plain;
}

void address_site(const char *ip, char site[INET6_ADDRSTRLEN])
{
	struct in6_addr six;

	snprintf(site, INET6_ADDRSTRLEN, "%s", ip);
	if (inet_pton(AF_INET6, ip, &six) != 1)
		return;
	memset(&six.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &six, site, INET6_ADDRSTRLEN);
}

void address_set_port(struct sockaddr_storage *a, int port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

bool address_is_same(const union hop_address *a, const union hop_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	return a->any.sa_family == AF_INET6
		       ? IN6_ARE_ADDR_EQUAL(&a->six.sin6_addr,
				 &b->six.sin6_addr)
		       : a->four.sin_addr.s_addr == b->four.sin_addr.s_addr;
}

bool address_parse(const char *ip, int port, union hop_address *out)
{
	union hop_address a;

	memset(&a, 0, sizeof a);
	if (inet_pton(AF_INET, ip, &a.four.sin_addr) == 1) {
		a.any.sa_family = AF_INET;
		a.four.sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, ip, &a.six.sin6_addr) == 1) {
		a.any.sa_family = AF_INET6;
		a.six.sin6_port = htons((uint16_t)port);
	} else {
		return false;
	}
	address_plain(&a.any, out);
	return true;
}

bool address_parse_text(const char *text, union hop_address *out)
{
	const char *colon = strrchr(text, ':');
	char ip[INET6_ADDRSTRLEN + 2];
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	int64_t port;

	if (len == 0 || len >= sizeof ip ||
		!sp_text_to_int(colon + 1, 0, 65535, &port))
		return false;
	if (text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return false;
	}
	memcpy(ip, text, len);
	ip[len] = '\0';
	return address_parse(ip, (int)port, out);
}

void address_format(const char *ip, int port, char out[ADDRESS_TEXT])
{
	snprintf(out, ADDRESS_TEXT, strchr(ip, ':') ? "[%s]:%d" : "%s:%d", ip,
		port);
}

static int fail(const struct sp_listen *listen, const char *why,
	struct sp_err *err)
{
	return sp_err_set(err, SP_UNAVAILABLE, "cannot listen on '%s': %s",
		listen->text, why);
}

static int fail_to_bind(const struct sp_listen *listen, int error,
	struct sp_err *err)
{
	char why[128];

	snprintf(why, sizeof why, "%s%s", strerror(error),
		error == EADDRINUSE
			? " (by another server? --listen takes another port, "
			  "0 a free one)"
		: error == EACCES ? " (ports below 1024 are for root; user: in "
				    "sp.yaml is who goes on then)"
				  : "");
	return fail(listen, why, err);
}

/* On 0.0.0.0 the address that was asked must come with each datagram; what
 * cannot be delivered must come back as an error. */
void address_set_up_datagrams(int fd)
{
	int size = SOCKET_BUFFER, on = 1, family = AF_INET;
	socklen_t len = sizeof family;

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	}
	/* An IPv6 socket of systemd's may have IPv4 peers, too. */
	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static int open_socket(bool is_stream, const struct addrinfo *a)
{
	int on = 1, fd = socket(a->ai_family,
			    (is_stream ? SOCK_STREAM : SOCK_DGRAM) |
				    SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0);

	if (fd < 0)
		return -1;
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (is_stream)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	else
		address_set_up_datagrams(fd);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
		(!is_stream || listen(fd, BACKLOG) == 0))
		return fd;
	close(fd);
	return -1;
}

int address_listen(const struct sp_listen *listen, int *fd, struct sp_err *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *a = NULL;
	char port[8];
	int rc, error;

	snprintf(port, sizeof port, "%d", listen->port);
	rc = getaddrinfo(listen->host, port, &hints, &a);
	if (rc != 0)
		return fail(listen, gai_strerror(rc), err);
	*fd = open_socket(listen->transport != SP_UDP, a);
	error = errno;
	freeaddrinfo(a);
	return *fd < 0 ? fail_to_bind(listen, error, err) : 0;
}

void address_of_socket(int fd, char out[ADDRESS_TEXT])
{
	struct sockaddr_storage a = {.ss_family = AF_INET};
	socklen_t len = sizeof a;
	char ip[INET6_ADDRSTRLEN];
	int port;

	getsockname(fd, (struct sockaddr *)&a, &len);
	port = address_read((struct sockaddr *)&a, ip);
	address_format(ip, port, out);
}
