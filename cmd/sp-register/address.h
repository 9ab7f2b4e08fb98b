/* Socket addresses, and sockets that are bound to one. */
#ifndef SP_REGISTER_ADDRESS_H
#define SP_REGISTER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "cmd/sp-register/hop.h"
#include "lib/config.h"
#include "lib/err.h"

enum { ADDRESS_TEXT = INET6_ADDRSTRLEN + 16 };

/* Writes the IP address; that of an IPv4 peer of an IPv6 socket is IPv4.
 * Returns the port. */
int address_read(const struct sockaddr *address, char ip[INET6_ADDRSTRLEN]);

/* Copies it, also to itself; that of an IPv4 peer of an IPv6 socket becomes
 * IPv4. */
void address_plain(const struct sockaddr *address, union hop_address *out);

/* Bytes of it that count. */
socklen_t address_size(const struct sockaddr *address);

/* What limits count as one source: an IPv4 address, or the /64 of an IPv6
 * address, of which one customer has 2^64. */
void address_site(const char *ip, char site[INET6_ADDRSTRLEN]);

void address_set_port(struct sockaddr_storage *address, int port);

/* Are the IP addresses the same? Both plain. */
bool address_is_same(const union hop_address *a, const union hop_address *b);

/* That of a numeric address without brackets. Returns false when `ip` is
 * none. */
bool address_parse(const char *ip, int port, union hop_address *out);

/* What address_format has written. Returns false when it is something else. */
bool address_parse_text(const char *text, union hop_address *out);

/* "192.0.2.7:5060", "[2001:db8::1]:5060". */
void address_format(const char *ip, int port, char out[ADDRESS_TEXT]);

/* A socket that is bound to what `listen` says, without blocking; one for TCP
 * and TLS listens. Fails with SP_UNAVAILABLE and says why. */
int address_listen(const struct sp_listen *listen, int *fd, struct sp_err *err);

/* What a socket for datagrams that somebody else has bound needs too. */
void address_set_up_datagrams(int fd);

/* The address that a socket is bound to. */
void address_of_socket(int fd, char out[ADDRESS_TEXT]);

#endif
