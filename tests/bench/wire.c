/* Datagrams in batches: see wire.h. */
#include "tests/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/measure.h"

enum { BATCH = 64 /* datagrams per system call */ };

struct wire {
	int fd;
	struct sockaddr_in address;
	char name[32];
	unsigned queued; /* datagrams not yet given to the kernel */
	struct mmsghdr out[BATCH], in[BATCH];
	struct iovec out_iov[BATCH], in_iov[BATCH];
	char out_text[BATCH][WIRE_MAX], in_text[BATCH][WIRE_MAX];
};

static int open_socket(struct wire *w, uint32_t local)
{
	socklen_t len = sizeof(w->address);
	int size = 8 << 20; /* a full window of responses and more */

	w->address.sin_family = AF_INET;
	w->address.sin_addr.s_addr = htonl(local);
	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -1;
	/* beyond net.core.rmem_max if we may, else up to it */
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(w->fd, (struct sockaddr *)&w->address, len) ||
		getsockname(w->fd, (struct sockaddr *)&w->address, &len))
		return -1;
	snprintf(w->name, sizeof(w->name), "%s:%u",
		inet_ntoa(w->address.sin_addr), ntohs(w->address.sin_port));
	return 0;
}

struct wire *wire_open(uint32_t local)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	for (unsigned i = 0; i < BATCH; i++) {
		w->out_iov[i].iov_base = w->out_text[i];
		w->out[i].msg_hdr.msg_iov = &w->out_iov[i];
		w->out[i].msg_hdr.msg_iovlen = 1;
		w->in_iov[i].iov_base = w->in_text[i];
		w->in_iov[i].iov_len = WIRE_MAX - 1;
		w->in[i].msg_hdr.msg_iov = &w->in_iov[i];
		w->in[i].msg_hdr.msg_iovlen = 1;
	}
	if (open_socket(w, local)) {
		wire_close(w);
		return NULL;
	}
	return w;
}

void wire_close(struct wire *w)
{
	int saved = errno;

	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	errno = saved;
}

int wire_connect(struct wire *w, const struct sockaddr_in *peer)
{
	return connect(w->fd, (const struct sockaddr *)peer, sizeof(*peer));
}

const struct sockaddr_in *wire_address(const struct wire *w)
{
	return &w->address;
}

const char *wire_name(const struct wire *w)
{
	return w->name;
}

int wire_fd(const struct wire *w)
{
	return w->fd;
}

char *wire_next(struct wire *w)
{
	return w->out_text[w->queued];
}

void wire_put(struct wire *w, size_t len)
{
	w->out_iov[w->queued++].iov_len = len;
	if (w->queued == BATCH)
		wire_flush(w);
}

/* What the kernel refuses is repeated by its retransmission. */
void wire_flush(struct wire *w)
{
	for (unsigned done = 0; done < w->queued;) {
		int n = sendmmsg(w->fd, w->out + done, w->queued - done, 0);
		if (n > 0)
			done += (unsigned)n;
		else if (errno != EINTR)
			done++;
	}
	w->queued = 0;
}

void wire_receive(struct wire *w, wire_take *take, void *arg)
{
	int n;

	do {
		n = recvmmsg(w->fd, w->in, BATCH, MSG_DONTWAIT, NULL);
		uint64_t now = now_us();
		for (int i = 0; i < n; i++) {
			w->in_text[i][w->in[i].msg_len] = '\0';
			take(arg, w->in_text[i], now);
		}
	} while (n == BATCH);
}
