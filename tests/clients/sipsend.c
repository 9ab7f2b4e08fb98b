/* Sends one SIP message over UDP, TCP or TLS, byte for byte, and prints the
 * answers: for tests of what no real client would send.
 *
 * An OPTIONS of its own follows each message. Its answer ends the waiting,
 * since a server answers in the order of arrival: nobody waits for an answer
 * that does not come, and every run shows that the server is alive. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/sp-register/digest.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/err.h"
#include "lib/hash.h"
#include "lib/secret.h"

enum {
	MAX_PORTS = 9,
	MAX_DATAGRAM = 65507,
	DEADLINE_MS = 10000, /* between two answers */
};

static const char USAGE[] =
	"usage: sipsend [option ...] HOST:PORT <message\n"
	"  -t tcp|tls     over such a connection (udp)\n"
	"  -k             keep it, until somebody kills it\n"
	"  -b ADDRESS     send from there (127.0.0.1, or ::1)\n"
	"  -p PORT        and from there (any)\n"
	"  -l PORT        look for answers there, too; repeatable\n"
	"  -u USER -s SECRET  answer a 401, in place of showing it\n"
	"  -a MD5|SHA-256     with that algorithm (the challenge's)\n"
	"  -n NONCE       with that nonce (the challenge's)\n"
	"  -c COUNT       with that nonce count (1)\n"
	"  -o FILE        keep what was sent last\n";

struct sender {
	const char *bind_to, *user, *secret, *algorithm, *nonce, *keep;
	unsigned long count;
	const char *transport;
	bool keeps;
	SSL *ssl;                     /* NULL: none */
	int port[MAX_PORTS], n_ports; /* the first: to send from */
	struct pollfd socket[MAX_PORTS];
	struct sockaddr_storage server, own;
	socklen_t address_len;
	char fence_id[17];
};

static char message[MAX_DATAGRAM], request[MAX_DATAGRAM];
static char answers[4 * MAX_DATAGRAM];

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "sipsend: %s: %s\n", what, strerror(errno));
	exit(2);
}

static bool is_stream(const struct sender *s)
{
	return strcmp(s->transport, "udp") != 0;
}

/* ---- sockets ----------------------------------------------------------- */

static void set_port(struct sockaddr_storage *a, int port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

static void find_address(const char *host, const char *port,
	struct sockaddr_storage *out, socklen_t *len)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *a;

	if (getaddrinfo(host, port, &hints, &a) != 0) {
		fprintf(stderr, "sipsend: '%s' is no address\n", host);
		exit(2);
	}
	memcpy(out, a->ai_addr, a->ai_addrlen);
	*len = a->ai_addrlen;
	freeaddrinfo(a);
}

static void start_tls(struct sender *s)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	s->ssl = context == NULL ? NULL : SSL_new(context);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, s->socket[0].fd) != 1 ||
		SSL_connect(s->ssl) != 1) {
		fputs("sipsend: no TLS\n", stderr);
		exit(2);
	}
	SSL_CTX_free(context);
}

/* server: HOST:PORT or [HOST]:PORT; is cut. */
static void open_sockets(struct sender *s, char *server)
{
	char *port = strrchr(server, ':');
	const char *host = server;

	if (port == NULL) {
		fputs(USAGE, stderr);
		exit(2);
	}
	*port++ = '\0';
	if (host[0] == '[') {
		host++;
		port[-2] = '\0';
	}
	find_address(host, port, &s->server, &s->address_len);
	if (s->bind_to == NULL)
		s->bind_to =
			s->server.ss_family == AF_INET6 ? "::1" : "127.0.0.1";
	for (int i = 0; i < s->n_ports; i++) {
		struct sockaddr_storage a;
		int on = 1, fd = socket(s->server.ss_family,
				    is_stream(s) ? SOCK_STREAM : SOCK_DGRAM, 0);

		find_address(s->bind_to, "0", &a, &s->address_len);
		set_port(&a, s->port[i]);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
			is_stream(s) ? sizeof on : 0);
		if (fd < 0 || bind(fd, (const struct sockaddr *)&a,
				      s->address_len) != 0)
			fail("cannot bind");
		s->socket[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	/* So that it hears when nobody listens. */
	if (connect(s->socket[0].fd, (const struct sockaddr *)&s->server,
		    s->address_len) != 0)
		fail("cannot connect");
	if (getsockname(s->socket[0].fd, (struct sockaddr *)&s->own,
		    &s->address_len) != 0)
		fail("getsockname");
	if (strcmp(s->transport, "tls") == 0)
		start_tls(s);
}

static void send_bytes(const struct sender *s, const char *data, size_t len)
{
	ssize_t n = s->ssl != NULL
			    ? SSL_write(s->ssl, data, (int)len)
			    : send(s->socket[0].fd, data, len, MSG_NOSIGNAL);

	if (n < 0)
		fail("cannot send");
}

/* ---- the OPTIONS behind a message -------------------------------------- */

static void send_fence(struct sender *s)
{
	char host[INET6_ADDRSTRLEN], port[8], bracketed[INET6_ADDRSTRLEN + 2];
	char text[512];
	struct sip_writer w = {text, sizeof text, 0, false};
	unsigned char random[8];
	struct sp_err err;

	if (sp_hash_random(random, sizeof random, &err) != 0)
		fail("random");
	sp_hash_hex(random, sizeof random, s->fence_id);
	getnameinfo((const struct sockaddr *)&s->own, s->address_len, host,
		sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM);
	snprintf(bracketed, sizeof bracketed,
		strchr(host, ':') != NULL ? "[%s]" : "%s", host);
	sipmsg_put(&w, "OPTIONS sip:%s SIP/2.0\r\n", bracketed);
	sipmsg_put(&w, "Via: SIP/2.0/UDP %s:%s;rport;branch=z9hG4bK%s\r\n",
		bracketed, port, s->fence_id);
	sipmsg_put(&w, "From: <sip:%s>;tag=fence\r\nTo: <sip:%s>\r\n",
		bracketed, bracketed);
	sipmsg_put(&w, "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\n", s->fence_id);
	sipmsg_end_response(&w);
	send_bytes(s, text, w.len);
}

/* Takes what has arrived at one socket; returns whether it ends the waiting. */
static bool take(struct sender *s, int i, struct sip_writer *out)
{
	char text[MAX_DATAGRAM + 1];
	ssize_t n = recv(s->socket[i].fd, text, sizeof text - 1, 0);

	if (n < 0)
		fail("cannot receive");
	text[n] = '\0';
	if (strstr(text, s->fence_id) != NULL)
		return true;
	if (i > 0)
		sipmsg_put(out, "at port %d\r\n", s->port[i]);
	sipmsg_put_slice(out, (struct sip_slice){text, (size_t)n});
	return false;
}

/* The same of a connection, on which the answer to the fence is the last. */
static bool take_stream(struct sender *s, struct sip_writer *out)
{
	size_t room = out->size - 1 - out->len;
	char *at = out->at + out->len, *fence;
	ssize_t n = s->ssl != NULL ? SSL_read(s->ssl, at, (int)room)
				   : recv(s->socket[0].fd, at, room, 0);

	if (n <= 0) {
		fputs("sipsend: the server has closed\n", stderr);
		exit(3);
	}
	out->len += (size_t)n;
	out->at[out->len] = '\0';
	fence = strstr(out->at, s->fence_id);
	if (fence == NULL || strstr(fence, "\r\n\r\n") == NULL)
		return false;
	while (fence > out->at && strncmp(fence, "SIP/2.0 200", 11) != 0)
		fence--;
	out->len = (size_t)(fence - out->at);
	return true;
}

static void ask_stream(struct sender *s, const char *data, size_t len,
	struct sip_writer *out)
{
	send_bytes(s, data, len);
	send_fence(s);
	while (!take_stream(s, out))
		;
}

/* Sends, and gathers the answers. */
static void ask(struct sender *s, const char *data, size_t len,
	struct sip_writer *out)
{
	bool done = false;
	int n;

	if (is_stream(s)) {
		ask_stream(s, data, len, out);
		return;
	}
	send_bytes(s, data, len);
	send_fence(s);
	/* Once the end is seen, what else is there is taken without waiting. */
	while ((n = poll(s->socket, (nfds_t)s->n_ports,
			done ? 0 : DEADLINE_MS)) > 0)
		for (int i = 0; i < s->n_ports; i++)
			if (s->socket[i].revents != 0 && take(s, i, out))
				done = true;
	if (!done) {
		fputs("sipsend: no answer to the OPTIONS that followed\n",
			stderr);
		exit(1);
	}
}

/* ---- credentials ------------------------------------------------------- */

static struct sip_slice slice_of(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

/* The first challenge among the answers, which are unfolded for it. */
static bool find_challenge(char *text, size_t len, struct digest *d)
{
	struct sip_message m;
	const char *why;

	return sipmsg_scan(text, len, &m, &why) == SIP_SCANNED &&
	       !m.is_request && m.status == 401 &&
	       digest_parse(sipmsg_header(&m, SIP_WWW_AUTHENTICATE), d);
}

static void put_credentials(const struct sender *s, struct digest *d,
	struct sip_slice method, struct sip_writer *w)
{
	unsigned char ha1[SP_HASH_SIZE];
	char response[DIGEST_RESPONSE_SIZE], realm[256], nc[9];
	struct sp_hash *hash;
	struct sp_err err;

	snprintf(realm, sizeof realm, "%.*s", (int)d->realm.len, d->realm.at);
	snprintf(nc, sizeof nc, "%08lx", s->count);
	if (s->algorithm != NULL)
		d->kind = strcmp(s->algorithm, "MD5") == 0 ? SP_MD5 : SP_SHA256;
	if (s->nonce != NULL)
		d->nonce = slice_of(s->nonce);
	d->nc = slice_of(nc);
	d->cnonce = slice_of("sipsend");
	d->qop = slice_of("auth");
	if (sp_hash_new(&hash, &err) != 0 ||
		sp_secret_digest(hash, d->kind, s->user, realm, s->secret,
			ha1) != 0 ||
		digest_response(hash, d, ha1, method, response) != 0)
		fail("cannot compute the digest");
	sp_hash_free(hash);
	sipmsg_put(w, "Authorization: Digest username=\"%s\", realm=\"%s\"",
		s->user, realm);
	sipmsg_put(w, ", nonce=\"%.*s\", uri=\"%.*s\"", (int)d->nonce.len,
		d->nonce.at, (int)d->uri.len, d->uri.at);
	sipmsg_put(w, ", response=\"%s\", algorithm=%s, qop=auth, nc=%s",
		response, d->kind == SP_MD5 ? "MD5" : "SHA-256", nc);
	sipmsg_put_text(w, ", cnonce=\"sipsend\"\r\n");
}

/* The message with credentials behind its start line. */
static size_t add_credentials(const struct sender *s, struct digest *d,
	size_t len)
{
	struct sip_writer w = {request, sizeof request, 0, false};
	const char *end = memchr(message, '\n', len);
	struct sip_slice line = {message,
		end == NULL ? len : (size_t)(end + 1 - message)};
	struct sip_slice rest = line, method;

	sipmsg_next(&rest, ' ', &method);
	if (!sipmsg_next(&rest, ' ', &d->uri))
		d->uri = slice_of("");
	sipmsg_put_slice(&w, line);
	put_credentials(s, d, method, &w);
	sipmsg_put_slice(&w,
		(struct sip_slice){message + line.len, len - line.len});
	return w.len;
}

/* ---- main -------------------------------------------------------------- */

static void keep_request(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(data, 1, len, file) != len ||
		fclose(file) != 0)
		fail(path);
}

static void run(struct sender *s)
{
	size_t len = fread(message, 1, sizeof message, stdin);
	struct sip_writer out = {answers, sizeof answers, 0, false};
	const char *sent = message;
	struct digest digest;

	ask(s, message, len, &out);
	if (s->user != NULL && find_challenge(answers, out.len, &digest)) {
		len = add_credentials(s, &digest, len);
		sent = request;
		out.len = 0;
		ask(s, request, len, &out);
	}
	if (s->keep != NULL)
		keep_request(s->keep, sent, len);
	for (size_t i = 0; i < out.len; i++)
		if (answers[i] != '\r')
			putchar(answers[i]);
	if (fflush(stdout) != 0)
		exit(2);
	if (s->keeps)
		pause();
}

int main(int argc, char **argv)
{
	struct sender s = {.count = 1, .n_ports = 1, .transport = "udp"};
	int option;

	while ((option = getopt(argc, argv, "t:kb:p:l:u:s:a:n:c:o:")) != -1) {
		switch (option) {
		case 't': s.transport = optarg; break;
		case 'k': s.keeps = true; break;
		case 'b': s.bind_to = optarg; break;
		case 'p': s.port[0] = atoi(optarg); break;
		case 'l':
			if (s.n_ports < MAX_PORTS)
				s.port[s.n_ports++] = atoi(optarg);
			break;
		case 'u': s.user = optarg; break;
		case 's': s.secret = optarg; break;
		case 'a': s.algorithm = optarg; break;
		case 'n': s.nonce = optarg; break;
		case 'c': s.count = strtoul(optarg, NULL, 10); break;
		case 'o': s.keep = optarg; break;
		default: fputs(USAGE, stderr); return 2;
		}
	}
	if (optind != argc - 1 || (s.user != NULL && s.secret == NULL)) {
		fputs(USAGE, stderr);
		return 2;
	}
	sipmsg_init();
	open_sockets(&s, argv[optind]);
	run(&s);
	return 0;
}
