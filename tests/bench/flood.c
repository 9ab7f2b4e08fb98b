/* Floods a SIP server on loopback with what it has to get rid of:
 *
 *   flood 127.x.y.z:PORT PER_SECOND SECONDS
 *
 * in turn random bytes, a REGISTER without credentials, and one whose
 * credentials are made up. Answers are not read. Prints how many were sent.
 * Exits 64 on a usage error, 71 when the system refuses something. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS_PER_S = 100 };

static size_t make_register(char *out, size_t size, unsigned n, bool has_login)
{
	char login[256] = "";

	if (has_login)
		snprintf(login, sizeof login,
			"Authorization: Digest username=\"%u\", "
			"realm=\"bench.test\", nonce=\"%056u\", "
			"uri=\"sip:bench.test\", response=\"%032u\", "
			"algorithm=MD5, cnonce=\"x\", nc=00000001, "
			"qop=auth\r\n",
			100000 + n % 1000, n, n);
	return (size_t)snprintf(out, size,
		"REGISTER sip:bench.test SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%u@bench.test>;tag=%u\r\n"
		"To: <sip:%u@bench.test>\r\nCall-ID: %u\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:x@127.0.0.1:9>\r\n%sContent-Length: 0\r\n\r\n",
		n, 100000 + n % 1000, n, 100000 + n % 1000, n, login);
}

static void send_one(int fd, unsigned n)
{
	char data[1024];
	size_t len;

	if (n % 3 == 0) {
		len = 64 + n % 900;
		for (size_t i = 0; i < len; i++)
			data[i] = (char)(n * 2654435761u >> (i % 24));
	} else {
		len = make_register(data, sizeof data, n, n % 3 == 1);
	}
	/* What does not fit into the socket is as good as lost. */
	if (send(fd, data, len, MSG_DONTWAIT) < 0)
		return;
}

static int open_socket(const char *target)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	char ip[32];
	int port, fd;

	if (sscanf(target, "%31[0-9.]:%d", ip, &port) != 2 ||
		strncmp(ip, "127.", 4) != 0 ||
		inet_pton(AF_INET, ip, &to.sin_addr) != 1)
		return -1;
	to.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		perror("flood");
		exit(71);
	}
	return fd;
}

int main(int argc, char **argv)
{
	const struct timespec step = {0, 1000000000 / STEPS_PER_S};
	unsigned n = 0, per_step, steps;
	int fd = argc == 4 ? open_socket(argv[1]) : -1;

	if (fd < 0) {
		fputs("usage: flood 127.x.y.z:PORT PER_SECOND SECONDS\n",
			stderr);
		return 64;
	}
	per_step = (unsigned)atoi(argv[2]) / STEPS_PER_S;
	steps = (unsigned)atoi(argv[3]) * STEPS_PER_S;
	for (unsigned s = 0; s < steps; s++) {
		for (unsigned i = 0; i < per_step; i++)
			send_one(fd, n++);
		nanosleep(&step, NULL);
	}
	printf("%u\n", n);
	close(fd);
	return 0;
}
