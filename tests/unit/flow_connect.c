/* cmd/sp-register/flows: connections that are made, and found again. */
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd/sp-register/flow.h"
#include "tests/unit/loop.h"

static const char MESSAGE[] = "OPTIONS sip:a@example.test SIP/2.0\r\n"
			      "Content-Length: 0\r\n\r\n";

/* One side: its flows, and what they have told. */
struct side {
	struct flows *flows;
	struct event_base *base;
	int n_messages, n_closed;
	int64_t last_id; /* of the flow that told something last */
	char why[64];
};

struct pair {
	struct unit *u;
	struct log log;
	struct event_base *base;
	struct side here, there;
	X509 *certificate;
	EVP_PKEY *key;
};

static void on_message(void *arg, struct flow *flow, const char *data,
	size_t len)
{
	struct side *side = arg;

	side->n_messages +=
		len == sizeof MESSAGE - 1 && memcmp(data, MESSAGE, len) == 0;
	side->last_id = flow_id(flow);
}

static void on_closed(void *arg, struct flow *flow, const char *why)
{
	struct side *side = arg;

	side->n_closed++;
	side->last_id = flow_id(flow);
	snprintf(side->why, sizeof side->why, "%s", why);
}

static void open_side(struct pair *p, struct side *side)
{
	const struct flow_events events = {side, on_message, on_closed};
	struct sp_err err;

	*side = (struct side){.base = p->base};
	loop_must(flows_new(&side->flows, p->base, &p->log, &events, &err) == 0,
		"no flows");
}

static void open_pair(struct pair *p, struct unit *u)
{
	*p = (struct pair){.u = u, .log = {.level = LOG_ERROR}};
	p->base = event_base_new();
	loop_must(p->base != NULL, "no loop");
	open_side(p, &p->here);
	open_side(p, &p->there);
}

static void close_pair(struct pair *p)
{
	flows_free(p->here.flows);
	flows_free(p->there.flows);
	event_base_free(p->base);
	X509_free(p->certificate);
	EVP_PKEY_free(p->key);
}

static void listen_there(struct pair *p, enum sp_transport transport,
	union hop_address *to)
{
	struct sp_err err;

	loop_must(flows_listen(p->there.flows, loop_socket(SOCK_STREAM, to),
			  transport, &err) == 0,
		"cannot listen");
}

static struct flow *connect_to(struct pair *p, enum sp_transport transport,
	const union hop_address *to, const char *name)
{
	return flows_connect(p->here.flows, transport, &to->any,
		sizeof to->four, name);
}

static bool send_message(struct flow *flow)
{
	return flow != NULL && flow_send(flow, MESSAGE, sizeof MESSAGE - 1);
}

/* ---- TCP --------------------------------------------------------------- */

static void check_tcp(struct pair *p)
{
	union hop_address to;
	struct flow *flow, *other;
	struct hop hop;
	char ip[INET6_ADDRSTRLEN];

	listen_there(p, SP_TCP, &to);
	flow = connect_to(p, SP_TCP, &to, NULL);
	unit_ok(p->u, send_message(flow), "sent before it is open");
	unit_ok(p->u, loop_until(p->base, &p->there.n_messages, 1),
		"  it arrives");
	unit_ok(p->u, flow_is_trusted(flow), "one of ours is trusted");
	unit_ok(p->u, flows_find(p->here.flows, flow_id(flow)) == flow,
		"found by its id");
	unit_ok(p->u,
		flows_find(p->here.flows, flow_id(flow) + 2) == NULL &&
			flows_find(p->here.flows, 0) == NULL,
		"  another is not");
	unit_ok(p->u, flows_find_peer(p->here.flows, SP_TCP, &to.any) == flow,
		"found by its peer");
	unit_ok(p->u, flows_find_peer(p->here.flows, SP_TLS, &to.any) == NULL,
		"  not for TLS");
	flow_hop(flow, &hop);
	unit_ok(p->u,
		hop.transport == SP_TCP && hop.flow_id == flow_id(flow) &&
			memcmp(&hop.to, &to, sizeof to.four) == 0,
		"its hop");

	/* The other side knows it by the port that this one has got. */
	other = flows_find(p->there.flows, p->there.last_id);
	unit_ok(p->u, other != NULL && !flow_is_trusted(other),
		"accepted: a stranger's");
	unit_int(p->u, flow_local_address(other, ip), ntohs(to.four.sin_port),
		"its local port");
	unit_str(p->u, ip, "127.0.0.1", "  and address");
	unit_int(p->u, flow_local_address(flow, ip), flow_port(other),
		"the port of the one that connects");
	to.four.sin_port = htons((uint16_t)flow_port(other));
	unit_ok(p->u, flows_find_peer(p->there.flows, SP_TCP, &to.any) == other,
		"found by who has connected");
	unit_ok(p->u, send_message(other), "sent the other way");
	unit_ok(p->u, loop_until(p->base, &p->here.n_messages, 1),
		"  it arrives");
}

static void check_reach(struct pair *p)
{
	struct hop hop = {.transport = SP_TCP}, again;

	listen_there(p, SP_TCP, &hop.to);
	again = hop;
	unit_ok(p->u, flows_reach(p->here.flows, &hop, NULL),
		"a new connection");
	unit_ok(p->u,
		hop.flow_id > 0 && flows_reach(p->here.flows, &again, NULL) &&
			again.flow_id == hop.flow_id,
		"  and the same again");
}

static void check_nobody(struct pair *p)
{
	union hop_address to;
	struct flow *flow;
	int64_t id;

	loop_nobody(SOCK_STREAM, &to);
	flow = connect_to(p, SP_TCP, &to, NULL);
	loop_must(flow != NULL, "no flow");
	id = flow_id(flow);
	send_message(flow);
	unit_ok(p->u, loop_until(p->base, &p->here.n_closed, 1),
		"nobody listens: closed");
	unit_str(p->u, p->here.why, "cannot connect", "  why");
	unit_ok(p->u,
		p->here.last_id == id && flows_find(p->here.flows, id) == NULL,
		"  and gone");
}

/* A peer that does not accept, its queue being full, says nothing at all. */
static void check_silence(struct pair *p)
{
	union hop_address to;
	int fd = loop_socket(SOCK_STREAM, &to), filler[3];
	struct flow *flow;

	listen(fd, 0);
	for (int i = 0; i < 3; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(filler[i], &to.any, sizeof to.four);
	}
	flow = connect_to(p, SP_TCP, &to, NULL);
	loop_must(flow != NULL, "no flow");
	unit_ok(p->u, loop_until(p->base, &p->here.n_closed, 1),
		"no answer: closed");
	unit_str(p->u, p->here.why, "no connection in time", "  why");
	for (int i = 0; i < 3; i++)
		close(filler[i]);
	close(fd);
}

static void check_full(struct pair *p)
{
	union hop_address to;
	struct flow *flow;
	int n = 0;

	listen_there(p, SP_TCP, &to);
	flow = connect_to(p, SP_TCP, &to, NULL);
	while (n < 100000 && send_message(flow))
		n++;
	unit_ok(p->u, n > 100 && n < 100000,
		"what waits for the connection is bounded: %d", n);
	unit_ok(p->u, loop_until(p->base, &p->here.n_closed, 1),
		"  and too much closes it");
	unit_str(p->u, p->here.why, "does not read", "  why");
}

/* ---- TLS --------------------------------------------------------------- */

static void add_names(X509 *certificate)
{
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL,
		NID_subject_alt_name, "DNS:gw.example.test,IP:127.0.0.1");

	loop_must(names != NULL && X509_add_ext(certificate, names, -1) == 1,
		"no names");
	X509_EXTENSION_free(names);
}

/* One that vouches for itself. */
static void make_certificate(struct pair *p)
{
	X509_NAME *name;

	p->key = EVP_EC_gen("P-256");
	p->certificate = X509_new();
	loop_must(p->key != NULL && p->certificate != NULL, "no key");
	X509_set_version(p->certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p->certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(p->certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(p->certificate), 3600);
	X509_set_pubkey(p->certificate, p->key);
	name = X509_get_subject_name(p->certificate);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(p->certificate, name);
	add_names(p->certificate);
	loop_must(X509_sign(p->certificate, p->key, EVP_sha256()) > 0,
		"no signature");
}

static void use_certificate(struct pair *p, bool is_believed)
{
	SSL_CTX *server = SSL_CTX_new(TLS_server_method()),
		*client = SSL_CTX_new(TLS_client_method());

	loop_must(server != NULL && client != NULL &&
			  SSL_CTX_use_certificate(server, p->certificate) ==
				  1 &&
			  SSL_CTX_use_PrivateKey(server, p->key) == 1,
		"no context");
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	if (is_believed)
		X509_STORE_add_cert(SSL_CTX_get_cert_store(client),
			p->certificate);
	flows_set_tls(p->there.flows, server);
	flows_set_tls_client(p->here.flows, client);
}

static void check_name(struct pair *p, const union hop_address *to,
	const char *name)
{
	int messages = p->there.n_messages;
	struct flow *flow = connect_to(p, SP_TLS, to, name);

	unit_ok(p->u, send_message(flow), "TLS, for %s",
		name == NULL ? "the address" : name);
	unit_ok(p->u, loop_until(p->base, &p->there.n_messages, messages + 1),
		"  it arrives");
}

static void check_stranger(struct pair *p, const union hop_address *to,
	const char *name, const char *what)
{
	int closed = p->here.n_closed, messages = p->there.n_messages;

	unit_ok(p->u, send_message(connect_to(p, SP_TLS, to, name)), "TLS, %s",
		what);
	unit_ok(p->u, loop_until(p->base, &p->here.n_closed, closed + 1),
		"  closed");
	unit_str(p->u, p->here.why, "certificate not good", "  why");
	unit_int(p->u, p->there.n_messages, messages, "  nothing arrives");
}

static void check_tls(struct pair *p)
{
	struct hop hop = {.transport = SP_TLS}, other;

	make_certificate(p);
	use_certificate(p, true);
	listen_there(p, SP_TLS, &hop.to);
	check_name(p, &hop.to, "gw.example.test");
	check_name(p, &hop.to, NULL);
	check_stranger(p, &hop.to, "other.example.test", "another name");
	other = hop;
	unit_ok(p->u,
		flows_reach(p->here.flows, &hop, "GW.example.test") &&
			flows_reach(p->here.flows, &other, "x.example.test") &&
			hop.flow_id != other.flow_id,
		"a connection is not shared by names");
	use_certificate(p, false);
	check_stranger(p, &hop.to, "gw.example.test", "an unknown CA");
	flows_set_tls_client(p->here.flows, NULL);
	check_stranger(p, &hop.to, "gw.example.test", "the system's CAs");
}

/* There may be as many as the process may have files, less some. It is the last
 * check: it cannot be undone. */
static void check_limit(struct unit *u)
{
	const struct rlimit few = {64 + 3, 64 + 3};
	union hop_address to;
	struct pair p;
	int n = 0;

	loop_must(setrlimit(RLIMIT_NOFILE, &few) == 0, "no limit");
	open_pair(&p, u);
	listen_there(&p, SP_TCP, &to);
	while (n < 10 && connect_to(&p, SP_TCP, &to, NULL) != NULL)
		n++;
	unit_int(u, n, 3, "not more than there may be");
	close_pair(&p);
}

static void check(struct unit *u, void (*what)(struct pair *))
{
	struct pair p;

	open_pair(&p, u);
	what(&p);
	close_pair(&p);
}

int main(void)
{
	struct unit u = {0};

	check(&u, check_tcp);
	check(&u, check_reach);
	check(&u, check_nobody);
	check(&u, check_silence);
	check(&u, check_full);
	check(&u, check_tls);
	check_limit(&u);
	return unit_done(&u);
}
