/* Endpoints: the server's own addresses. */
#include "cmd/sp-register/endpoint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SOCKETS = 32, SIP_PORT = 5060, SIPS_PORT = 5061 };

/* A socket that was added. */
struct source {
	enum sp_transport transport;
	int fd, family, port;
	bool is_wildcard, is_dual; /* dual: IPv6 with IPv4 peers, too */
	/* The endpoint, where it has but one; else that of the last datagram,
	 * and the address of that. */
	int local;
	unsigned char last[sizeof(struct in6_addr)];
};

struct endpoints {
	struct endpoint endpoint[ENDPOINTS_MAX];
	int n;
	struct source source[MAX_SOCKETS];
	int n_sources;
	int probe[2]; /* for IPv4, IPv6: they ask the kernel; -1: none */
};

int endpoints_new(struct endpoints **out, struct sp_err *err)
{
	struct endpoints *e = calloc(1, sizeof *e);

	*out = e;
	if (e == NULL)
		return sp_err_memory(err);
	e->probe[0] = e->probe[1] = -1;
	return 0;
}

void endpoints_free(struct endpoints *e)
{
	if (e == NULL)
		return;
	for (int i = 0; i < 2; i++)
		if (e->probe[i] >= 0)
			close(e->probe[i]);
	free(e);
}

const struct endpoint *endpoint_at(const struct endpoints *e, int local)
{
	return local < 0 || local >= e->n ? NULL : &e->endpoint[local];
}

/* ---- what the kernel knows --------------------------------------------- */

static int probe_of(struct endpoints *e, int family)
{
	int *fd = &e->probe[family == AF_INET6];

	if (*fd < 0)
		*fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return *fd;
}

/* Our address on the way to another one. Nothing is sent. */
static bool find_source(struct endpoints *e, const union hop_address *to,
	union hop_address *from)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	union hop_address at = *to;
	socklen_t len = sizeof *from;
	int fd = probe_of(e, to->any.sa_family);

	at.four.sin_port = htons(SIP_PORT); /* in IPv6 at the same place */
	memset(from, 0, sizeof *from);
	connect(fd, &nowhere, sizeof nowhere); /* forget the last one */
	return connect(fd, &at.any, address_size(&at.any)) == 0 &&
	       getsockname(fd, &from->any, &len) == 0;
}

static bool is_loopback(const union hop_address *a)
{
	return a->any.sa_family == AF_INET &&
	       ntohl(a->four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* The way to an address of this machine starts at that very address. */
static bool is_of_machine(struct endpoints *e, const union hop_address *a)
{
	union hop_address from;

	return is_loopback(a) ||
	       (find_source(e, a, &from) && address_is_same(a, &from));
}

/* ---- indices ----------------------------------------------------------- */

static bool takes(const struct source *s, int family)
{
	return s->family == family || (s->is_dual && family == AF_INET);
}

static int find(const struct endpoints *e, enum sp_transport transport,
	const union hop_address *a, int port)
{
	for (int i = 0; i < e->n; i++)
		if (e->endpoint[i].transport == transport &&
			e->endpoint[i].port == port &&
			address_is_same(&e->endpoint[i].address, a))
			return i;
	return -1;
}

/* An address of a socket, which is `a` with the port of the socket. */
static int find_or_add(struct endpoints *e, const struct source *s,
	enum sp_transport transport, const union hop_address *a)
{
	struct endpoint *p = &e->endpoint[e->n];
	int known = find(e, transport, a, s->port);

	if (known >= 0 || e->n == ENDPOINTS_MAX)
		return known;
	*p = (struct endpoint){.transport = transport,
		.fd = transport == SP_UDP ? s->fd : -1,
		.family = s->family,
		.is_wildcard = s->is_wildcard,
		.address = *a,
		.port = s->port};
	p->address.four.sin_port = htons((uint16_t)s->port);
	address_read(&p->address.any, p->ip);
	address_format(p->ip, p->port, p->text);
	return e->n++;
}

static bool is_wildcard(const union hop_address *a)
{
	return a->any.sa_family == AF_INET6
		       ? IN6_IS_ADDR_UNSPECIFIED(&a->six.sin6_addr)
		       : a->four.sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool takes_both(int fd)
{
	int only = 1;
	socklen_t len = sizeof only;

	getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len);
	return only == 0;
}

int endpoints_add(struct endpoints *e, enum sp_transport transport, int fd,
	struct sp_err *err)
{
	struct source *s = &e->source[e->n_sources];
	union hop_address a = {.four = {.sin_family = AF_INET}};
	socklen_t len = sizeof a;

	if (e->n_sources == MAX_SOCKETS)
		return sp_err_set(err, SP_CONFIG, "too many listeners");
	getsockname(fd, &a.any, &len);
	*s = (struct source){.transport = transport,
		.fd = fd,
		.family = a.any.sa_family,
		.port = ntohs(a.four.sin_port),
		.is_wildcard = is_wildcard(&a),
		.local = -1};
	address_plain(&a.any, &a);
	s->is_dual =
		s->family == AF_INET6 &&
		(s->is_wildcard ? takes_both(fd) : a.any.sa_family == AF_INET);
	if (!s->is_wildcard &&
		(s->local = find_or_add(e, s, transport, &a)) < 0)
		return sp_err_set(err, SP_CONFIG, "too many listeners");
	e->n_sources++;
	return 0;
}

/* ---- what comes in ----------------------------------------------------- */

/* The address of ours in a datagram's ancillary data: NULL when there is none.
 * Of one that was sent to everybody, it is that of the interface. */
static const void *find_pktinfo(struct msghdr *h, int *family)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	for (; c != NULL; c = CMSG_NXTHDR(h, c)) {
		*family = c->cmsg_level == IPPROTO_IP ? AF_INET : AF_INET6;
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			return &((struct in_pktinfo *)(void *)CMSG_DATA(c))
					->ipi_spec_dst;
		if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_PKTINFO)
			return &((struct in6_pktinfo *)(void *)CMSG_DATA(c))
					->ipi6_addr;
	}
	return NULL;
}

static int add_seen(struct endpoints *e, struct source *s, int family,
	const void *raw)
{
	union hop_address a;

	memset(&a, 0, sizeof a);
	a.any.sa_family = (sa_family_t)family;
	if (family == AF_INET6)
		memcpy(&a.six.sin6_addr, raw, sizeof a.six.sin6_addr);
	else
		memcpy(&a.four.sin_addr, raw, sizeof a.four.sin_addr);
	if (family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&a.six.sin6_addr))
		return -1;
	address_plain(&a.any, &a);
	return find_or_add(e, s, s->transport, &a);
}

static struct source *source_of_fd(struct endpoints *e, int fd)
{
	for (int i = 0; i < e->n_sources; i++)
		if (e->source[i].fd == fd)
			return &e->source[i];
	return NULL;
}

int endpoints_of_datagram(struct endpoints *e, int fd, struct msghdr *h)
{
	struct source *s = source_of_fd(e, fd);
	const void *raw;
	size_t size;
	int family;

	if (s == NULL)
		return -1;
	if (!s->is_wildcard)
		return s->local;
	raw = find_pktinfo(h, &family);
	if (raw == NULL)
		return -1;
	size = family == AF_INET6 ? sizeof(struct in6_addr)
				  : sizeof(struct in_addr);
	if (s->local < 0 || memcmp(raw, s->last, size) != 0) {
		s->local = add_seen(e, s, family, raw);
		memcpy(s->last, raw, size);
	}
	return s->local;
}

/* ---- what goes out ----------------------------------------------------- */

/* The socket of a transport for our address `from`: one that is bound to it,
 * else one that is bound to all, else any that reaches the family. */
static struct source *source_for(struct endpoints *e,
	enum sp_transport transport, const union hop_address *from)
{
	struct source *best = NULL;

	for (int i = 0; i < e->n_sources; i++) {
		struct source *s = &e->source[i];

		if (s->transport != transport || !takes(s, from->any.sa_family))
			continue;
		if (!s->is_wildcard &&
			address_is_same(&e->endpoint[s->local].address, from))
			return s;
		if (best == NULL || (s->is_wildcard && !best->is_wildcard))
			best = s;
	}
	return best;
}

/* The endpoint for our address `from`. A connection can be made also by a
 * transport that nothing listens for. */
static int local_for(struct endpoints *e, enum sp_transport transport,
	const union hop_address *from)
{
	struct source *s = source_for(e, transport, from);

	for (int other = 0;
		s == NULL && transport != SP_UDP && other < SP_N_TRANSPORTS;
		other++)
		s = source_for(e, (enum sp_transport)other, from);
	if (s == NULL)
		return -1;
	return find_or_add(e, s, transport,
		s->is_wildcard ? from : &e->endpoint[s->local].address);
}

int endpoints_of_stream(struct endpoints *e, enum sp_transport transport,
	const char *ip, int port)
{
	union hop_address a;
	int local;

	if (!address_parse(ip, port, &a))
		return -1;
	local = find(e, transport, &a, port);
	for (int i = 0; i < e->n_sources && local < 0; i++) {
		struct source *s = &e->source[i];

		if (s->transport == transport && s->port == port &&
			s->is_wildcard && takes(s, a.any.sa_family))
			local = find_or_add(e, s, transport, &a);
	}
	return local >= 0 ? local : local_for(e, transport, &a);
}

/* The endpoint where there is no choice; -1: there is. */
static int only_choice(const struct endpoints *e, enum sp_transport transport,
	int family)
{
	int local = -1;

	for (int i = 0; i < e->n_sources; i++) {
		const struct source *s = &e->source[i];

		if (s->transport != transport || !takes(s, family))
			continue;
		if (s->is_wildcard || local >= 0)
			return -1;
		local = s->local;
	}
	return local;
}

int endpoints_pick(struct endpoints *e, const struct hop *to)
{
	union hop_address plain, from;
	int local;

	address_plain(&to->to.any, &plain);
	local = only_choice(e, to->transport, plain.any.sa_family);
	if (local >= 0)
		return local;
	return find_source(e, &plain, &from)
		       ? local_for(e, to->transport, &from)
		       : -1;
}

/* ---- by name ----------------------------------------------------------- */

int endpoints_find(struct endpoints *e, enum sp_transport transport,
	const char *text)
{
	union hop_address a;
	int local, port;

	if (!address_parse_text(text, &a))
		return -1;
	port = ntohs(a.four.sin_port);
	local = find(e, transport, &a, port);
	for (int i = 0; i < e->n_sources && local < 0; i++) {
		struct source *s = &e->source[i];

		if (s->transport == transport && s->port == port &&
			s->is_wildcard && takes(s, a.any.sa_family) &&
			is_of_machine(e, &a))
			local = find_or_add(e, s, transport, &a);
	}
	return local;
}

/* Without the brackets. */
static bool parse_host(const char *host, union hop_address *a)
{
	char ip[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (host[0] == '[' && len > 2 && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof ip)
		return false;
	memcpy(ip, host, len);
	ip[len] = '\0';
	return address_parse(ip, 0, a);
}

bool endpoints_is_own(struct endpoints *e, const char *host, int port,
	bool is_tls)
{
	union hop_address a;

	if (!parse_host(host, &a))
		return false;
	if (port == 0)
		port = is_tls ? SIPS_PORT : SIP_PORT;
	for (int i = 0; i < e->n; i++)
		if (e->endpoint[i].port == port &&
			address_is_same(&e->endpoint[i].address, &a))
			return true;
	for (int i = 0; i < e->n_sources; i++)
		if (e->source[i].port == port && e->source[i].is_wildcard &&
			takes(&e->source[i], a.any.sa_family))
			return is_of_machine(e, &a);
	return false;
}
