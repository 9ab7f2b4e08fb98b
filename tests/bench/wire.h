/* A connected UDP socket on loopback that sends and receives in batches. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_MAX = 4096 /* bytes of a datagram */ };

struct wire;

/* Opens a socket on any port of local (host byte order). NULL with errno set
 * when there is no memory or socket. The caller closes it. */
struct wire *wire_open(uint32_t local);
void wire_close(struct wire *wire);

/* From now on it exchanges datagrams with peer only. -1 with errno set. */
int wire_connect(struct wire *wire, const struct sockaddr_in *peer);

/* Its own address; also as "127.0.0.1:PORT", which lives as long as it. */
const struct sockaddr_in *wire_address(const struct wire *wire);
const char *wire_name(const struct wire *wire);
int wire_fd(const struct wire *wire);

/* A buffer of WIRE_MAX bytes for the next datagram, and its end: what was
 * written is sent at the latest by wire_flush(). */
char *wire_next(struct wire *wire);
void wire_put(struct wire *wire, size_t len);
void wire_flush(struct wire *wire);

/* Hands all waiting datagrams over, each terminated with NUL. now: of
 * now_us(), taken once for each batch. */
typedef void wire_take(void *arg, const char *msg, uint64_t now);
void wire_receive(struct wire *wire, wire_take *take, void *arg);

#endif
