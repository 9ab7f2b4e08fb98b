/* The least a UDP SIP responder can do, as the limit that the machine sets to
 * a registrar: each REGISTER gets a 200 spliced together from its own lines.
 * It keeps nothing, checks nothing and knows only the long header names.
 *
 * usage: udpecho 127.x.y.z:PORT    (port 0: any; the address is printed)
 * It runs until it is terminated. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Lines of only "To:" become not quite three times as long. */
enum { BATCH = 64, REQUEST_MAX = 2048, RESPONSE_MAX = 4 * REQUEST_MAX };

struct header {
	const char *name;
	const char *suffix; /* added to the line in the response */
};

static char *append(char *p, const char *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

/* Appends the line if a 200 repeats it. n: its length without CR LF. */
static char *append_line(char *p, const char *line, size_t n)
{
	static const struct header headers[] = {
		{"Via:", "\r\n"},
		{"From:", "\r\n"},
		{"To:", ";tag=echo\r\n"},
		{"Call-ID:", "\r\n"},
		{"CSeq:", "\r\n"},
		{"Contact:", ";expires=600\r\n"},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		const struct header *h = &headers[i];
		size_t len = strlen(h->name);
		if (*line != *h->name || n < len || memcmp(line, h->name, len))
			continue;
		p = append(p, line, n);
		return append(p, h->suffix, strlen(h->suffix));
	}
	return p;
}

/* Returns the length of the response. */
static size_t answer(const char *request, size_t len, char *out)
{
	const char *end = request + len, *eol;
	char *p = append(out, "SIP/2.0 200 OK\r\n", 16);

	for (const char *s = request;
		(eol = memchr(s, '\n', (size_t)(end - s))) && eol - s > 1;
		s = eol + 1)
		p = append_line(p, s, (size_t)(eol - s) - 1);
	p = append(p, "Content-Length: 0\r\n\r\n", 21);
	return (size_t)(p - out);
}

static int open_socket(const char *address)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	char host[16], text[INET_ADDRSTRLEN];
	unsigned short port;
	int size = 8 << 20;

	if (sscanf(address, "%15[0-9.]:%hu", host, &port) != 2 ||
		inet_pton(AF_INET, host, &addr.sin_addr) != 1 ||
		ntohl(addr.sin_addr.s_addr) >> 24 != 127) {
		fprintf(stderr, "udpecho: bad address '%s'\n", address);
		return -1;
	}
	addr.sin_port = htons(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) ||
		getsockname(fd, (struct sockaddr *)&addr, &len)) {
		perror("udpecho");
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	inet_ntop(AF_INET, &addr.sin_addr, text, sizeof(text));
	printf("listening %s:%u\n", text, ntohs(addr.sin_port));
	return fflush(stdout) ? -1 : fd;
}

/* Receives a batch and sends its answers. Returns -1 when the socket fails. */
static int serve_batch(int fd, char in[BATCH][REQUEST_MAX],
	char out[BATCH][RESPONSE_MAX])
{
	struct sockaddr_in peer[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){in[i], REQUEST_MAX};
		msg[i].msg_hdr = (struct msghdr){.msg_name = &peer[i],
			.msg_namelen = sizeof(*peer),
			.msg_iov = &iov[i],
			.msg_iovlen = 1};
	}
	int n = recvmmsg(fd, msg, BATCH, MSG_WAITFORONE, NULL);
	for (int i = 0; i < n; i++)
		iov[i] = (struct iovec){out[i],
			answer(in[i], msg[i].msg_len, out[i])};
	for (int done = 0; done < n;) {
		int sent = sendmmsg(fd, msg + done, (unsigned)(n - done), 0);
		done += sent > 0 ? sent : 1;
	}
	return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	static char in[BATCH][REQUEST_MAX], out[BATCH][RESPONSE_MAX];

	if (argc != 2) {
		fputs("usage: udpecho 127.x.y.z:PORT\n", stderr);
		return 64;
	}
	int fd = open_socket(argv[1]);
	if (fd < 0)
		return 71;
	while (serve_batch(fd, in, out) == 0)
		;
	perror("udpecho");
	return 71;
}
