/* Whole messages through the service, with a database in memory.
 *
 * A line "%%" divides the input into messages, which come some seconds apart
 * and over different transports. "$1001" (or another of MARKS) in a message
 * stands for credentials, "$$" for those before once more, so that the fuzzer
 * gets behind the digest. Most of them come from a trusted peer, which may call:
 * "$via" and "$route" stand for the Via and the Record-Route of the last request
 * that was passed on, so that it can be answered, and the call goes on. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "cmd/sp-register/endpoint.h"
#include "cmd/sp-register/request.h"
#include "lib/assignment.h"
#include "lib/nonce.h"
#include "tests/fuzz/fuzz.h"

enum {
	MAX_CONTACTS = 3,
	MAX_MESSAGES = 28, /* more than may fail */
	STEP_MS = 4000,
	ROOM = 2 * SIP_MAX_MESSAGE,
	DAY_MS = 24 * 3600 * 1000,
	LATE_MS = 3600 *
		  1000, /* nothing of a call that is set up lasts so long */
};
static const int64_t NOW_MS = INT64_C(1795426200000);

static const char CONFIG[] =
	"trusted: [192.0.2.7]\n"
	"tenants:\n"
	"- domain: acme.example\n"
	"  aliases: [192.0.2.10, '[2001:db8::10]']\n"
	"  pool: [1000-1999]\n"
	"  registration: {max-contacts: 3}\n"
	"  digest: [SHA-256, MD5]\n"
	"  gateway: sip:192.0.2.8\n"
	"  voicemail: sip:vm-{number}@192.0.2.8\n"
	"  forwarding:\n"
	"    no-answer: {to: voicemail, after: 10s}\n"
	"    offline: {to: '+4930'}\n"
	"    busy: {to: 1002}\n"
	"- {domain: other.example, pool: [2000-2999], digest: [SHA-256]}\n";

static const struct user {
	const char *login, *number;
	int tenant;
} USERS[] = {{"alice", "1001", 0}, {"bob", "1002", 0}, {"carol", "2001", 1}};

static const char SECRET[] = "correct horse";

/* Credentials; whose is NULL for those that let nobody in. */
static const struct mark {
	const char *text, *username, *whose;
	int tenant;
	enum sp_hash_kind kind;
	const char *secret;
	int64_t age_ms;
} MARKS[] = {
	{"$1001", "1001", "1001", 0, SP_MD5, SECRET, 0},
	{"$alice", "alice", "1001", 0, SP_SHA256, SECRET, 0},
	{"$1002", "1002", "1002", 0, SP_MD5, SECRET, 0},
	{"$2001", "2001", "2001", 1, SP_SHA256, SECRET, 0},
	{"$weak", "2001", NULL, 1, SP_MD5, SECRET, 0},
	{"$wrong", "1001", NULL, 0, SP_MD5, "wrong", 0},
	{"$nobody", "1003", NULL, 0, SP_MD5, SECRET, 0},
	{"$old", "1001", NULL, 0, SP_MD5, SECRET, SP_NONCE_LIFE_MS + 1},
};

/* ---- the world --------------------------------------------------------- */

struct world {
	struct sp_config config;
	struct sp_db *db;
	struct log log;
	struct service *service;
	struct endpoints *endpoints;
	struct sp_err err;
	char *answer;
	/* It goes on from one input to the next, unlike the wall clock. */
	int64_t monotonic_ms, began_ms;
	uint32_t nonces;

	char last[512]; /* credentials, of which kind, were they taken? */
	const struct mark *mark;
	bool is_used;
	int marks; /* in this message */

	char via[SIP_MAX_LINE], route[SIP_MAX_LINE]; /* of a request sent on */
};

static struct world the_world = {.log = {.level = LOG_DEBUG}};

/* Linked in place of the real one: the timers go by our time. */
int64_t __wrap_sp_clock_monotonic_ms(void);
int64_t __wrap_sp_clock_monotonic_ms(void)
{
	return the_world.monotonic_ms;
}

static void set_clock(struct world *w, int64_t now_ms)
{
	w->monotonic_ms = w->began_ms + now_ms - NOW_MS;
}

static void add_user(struct world *w, const struct user *u)
{
	const struct sp_assign assign = {.login = u->login,
		.number = u->number,
		.secret = SECRET};
	struct sp_scope scope = {.db = w->db,
		.tenant = &w->config.tenants[u->tenant],
		.tool = "fuzz",
		.actor = "fuzz",
		.now_ms = NOW_MS};
	struct sp_assigned assigned;

	FUZZ_CHECK(sp_assignment_make(&scope, w->service->hash, &assign,
			   &assigned, &w->err) == 0);
}

static void keep(const struct sip_message *m, enum sip_header header,
	char out[SIP_MAX_LINE])
{
	struct sip_slice value = sipmsg_header(m, header);

	if (value.at != NULL && value.len < SIP_MAX_LINE)
		snprintf(out, SIP_MAX_LINE, "%.*s", (int)value.len, value.at);
}

/* What is passed on can be read by who gets it, unless it was at the limits
 * already. */
static void on_send(void *arg, const struct hop *hop, const char *data,
	size_t len)
{
	static struct sip_message m;
	struct world *w = arg;
	char *copy = fuzz_bytes((const uint8_t *)data, len);
	const char *why;

	FUZZ_CHECK(hop->transport < SP_N_TRANSPORTS);
	FUZZ_CHECK(w->monotonic_ms >= 0 && len > 0);
	if (sipmsg_scan(copy, len, &m, &why) == SIP_SCANNED && m.is_request) {
		keep(&m, SIP_VIA, w->via);
		keep(&m, SIP_RECORD_ROUTE, w->route);
		FUZZ_CHECK(m.count[SIP_CONTENT_LENGTH] == 1);
		FUZZ_CHECK(sipmsg_number(sipmsg_header(&m, SIP_MAX_FORWARDS),
				   255) >= 0);
	}
	free(copy);
}

/* Half of them are gone. */
static bool on_has_flow(void *arg, int64_t flow_id)
{
	(void)arg;
	return flow_id % 2 == 0;
}

static bool on_reach(void *arg, struct hop *hop, const char *name)
{
	(void)arg;
	(void)hop;
	(void)name;
	return true;
}

static void on_worked(void *arg)
{
	(void)arg;
}

/* Own addresses: of UDP the first, of TCP the second. */
static void add_endpoint(struct world *w, enum sp_transport transport)
{
	struct sockaddr_in any = {.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int type = transport == SP_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(AF_INET, type, 0);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(bind(fd, (struct sockaddr *)&any, sizeof any) == 0);
	FUZZ_CHECK(transport == SP_UDP || listen(fd, 1) == 0);
	FUZZ_CHECK(endpoints_add(w->endpoints, transport, fd, &w->err) == 0);
}

static void add_service(struct world *w)
{
	const struct service_parts parts = {.db = w->db,
		.log = &w->log,
		.endpoints = w->endpoints,
		.arg = w,
		.send = on_send,
		.has_flow = on_has_flow,
		.reach = on_reach,
		.worked = on_worked};

	FUZZ_CHECK(service_new(&w->service, &w->config, &parts, &w->err) == 0);
}

static void load_config(struct world *w)
{
	char path[FUZZ_PATH];
	int fd = fuzz_file((const uint8_t *)CONFIG, sizeof CONFIG - 1, path);

	FUZZ_CHECK(sp_config_load(&w->config, path, "/", &w->err) == 0);
	close(fd);
}

static struct world *open_world(void)
{
	struct world *w = &the_world;

	if (w->service != NULL)
		return w;
	sipmsg_init();
	load_config(w);
	FUZZ_CHECK(sp_db_open(&w->db, "/nonexistent/sp.db", SP_DB_TRIAL, 0,
			   &w->err) == 0);
	FUZZ_CHECK(endpoints_new(&w->endpoints, &w->err) == 0);
	add_endpoint(w, SP_UDP);
	add_endpoint(w, SP_TCP);
	add_service(w);
	w->answer = malloc(SIP_ANSWER_SIZE);
	FUZZ_CHECK(w->answer != NULL && sp_db_begin(w->db, &w->err) == 0);
	for (size_t i = 0; i < sizeof USERS / sizeof USERS[0]; i++)
		add_user(w, &USERS[i]);
	FUZZ_CHECK(sp_db_commit(w->db, &w->err) == 0);
	return w;
}

/* One input must not tell on the next. */
static void reset_world(struct world *w)
{
	static const char *const SQL[] = {"DELETE FROM call",
		"DELETE FROM binding", "UPDATE extension SET session_id = NULL",
		"DELETE FROM login_session", "DELETE FROM event",
		"DELETE FROM nonce", "UPDATE server SET clock_ms = 0"};

	FUZZ_CHECK(sp_db_begin(w->db, &w->err) == 0);
	for (size_t i = 0; i < sizeof SQL / sizeof SQL[0]; i++)
		FUZZ_CHECK(sp_db_exec(w->db, SQL[i], SP_NO_ARGS, NULL,
				   &w->err) == 0);
	FUZZ_CHECK(sp_db_commit(w->db, &w->err) == 0);
}

static void forget_failures(struct world *w)
{
	int64_t *failures = &w->service->count[COUNT_AUTH_FAILURES];

	if (*failures == 0)
		return;
	*failures = 0;
	limits_free(w->service->limits);
	FUZZ_CHECK(limits_new(&w->service->limits, &w->err) == 0);
}

/* What is registered: a number that any change makes another one. */
static int64_t sum_of(struct world *w)
{
	static const char SQL[] =
		"SELECT COALESCE(SUM(b.id * 7919 + l.cseq * 31"
		"  + l.refreshed_ms * 3 + l.expires_ms * 5 + length(contact)"
		"  + b.flow_id * 101 + b.reg_id + b.q * 11), 0)"
		"  FROM binding b JOIN binding_live l ON l.binding_id = b.id";
	struct sp_stmt *row;
	int64_t sum;

	FUZZ_CHECK(sp_db_first(w->db, SQL, SP_NO_ARGS, &row, &w->err) == 1);
	sum = sp_col_int(row, 0);
	sp_db_done(row);
	return sum;
}

static int64_t count_open_calls(struct world *w)
{
	static const char SQL[] =
		"SELECT COUNT(*) FROM call WHERE ended_ms = 0";
	struct sp_stmt *row;
	int64_t n;

	FUZZ_CHECK(sp_db_first(w->db, SQL, SP_NO_ARGS, &row, &w->err) == 1);
	n = sp_col_int(row, 0);
	sp_db_done(row);
	return n;
}

static int64_t count_bindings(struct world *w, const char *number,
	int64_t now_ms)
{
	static const char SQL[] = "SELECT COUNT(*) FROM binding b"
				  "  JOIN binding_live l ON l.binding_id = b.id"
				  "  JOIN extension e ON e.id = b.extension_id"
				  "  WHERE e.number = $1 AND l.expires_ms > $2";
	struct sp_stmt *row;
	int64_t n;

	FUZZ_CHECK(sp_db_first(w->db, SQL,
			   SP_ARGS(sp_text(number), sp_int(now_ms)), &row,
			   &w->err) == 1);
	n = sp_col_int(row, 0);
	sp_db_done(row);
	return n;
}

/* ---- credentials ------------------------------------------------------- */

static void make_credentials(struct world *w, const struct mark *m,
	int64_t now_ms)
{
	const char *realm = w->config.tenants[m->tenant].domain;
	char nonce[SP_NONCE_SIZE], uri[64], response[DIGEST_RESPONSE_SIZE];
	struct digest d = {.nc = {"00000001", 8},
		.cnonce = {"c", 1},
		.qop = {"auth", 4},
		.nonce = {nonce, SP_NONCE_SIZE - 1},
		.kind = m->kind};
	unsigned char ha1[SP_HASH_SIZE];

	snprintf(uri, sizeof uri, "sip:%s", realm);
	d.uri = (struct sip_slice){uri, strlen(uri)};
	sp_nonce_format(w->service->key,
		&(struct sp_nonce){sp_nonce_id(now_ms - m->age_ms, w->nonces++),
			0},
		nonce);
	sp_secret_digest(w->service->hash, m->kind, m->username, realm,
		m->secret, ha1);
	digest_response(w->service->hash, &d, ha1,
		(struct sip_slice){"REGISTER", 8}, response);
	w->mark = m;
	w->is_used = false;
	snprintf(w->last, sizeof w->last,
		"Digest username=\"%s\",realm=\"%s\",nonce=\"%s\",uri=\"%s\","
		"response=\"%s\",algorithm=%s,cnonce=c,qop=auth,nc=00000001",
		m->username, realm, nonce, uri, response,
		sp_hash_name(m->kind));
}

static bool begins(const char *at, size_t left, const char *text)
{
	return left >= strlen(text) && memcmp(at, text, strlen(text)) == 0;
}

/* The length of the mark at that place, and what it stands for; 0: there is
 * none. */
static size_t read_mark(struct world *w, const char *at, size_t left,
	int64_t now_ms, const char **text)
{
	if (begins(at, left, "$via")) {
		*text = w->via;
		return 4;
	}
	if (begins(at, left, "$route")) {
		*text = w->route;
		return 6;
	}
	*text = w->last;
	if (begins(at, left, "$$")) {
		w->marks++;
		return 2;
	}
	for (size_t i = 0; i < sizeof MARKS / sizeof MARKS[0]; i++)
		if (begins(at, left, MARKS[i].text)) {
			make_credentials(w, &MARKS[i], now_ms);
			w->marks++;
			return strlen(MARKS[i].text);
		}
	return 0;
}

/* Returns the message with its marks replaced, in a block of its own size. */
static char *expand(struct world *w, struct sip_slice text, int64_t now_ms,
	size_t *len)
{
	static char room[ROOM];
	struct sip_writer out = {room, sizeof room, 0, false};
	struct sip_slice plain;

	while (text.len > 0) {
		const char *mark = memchr(text.at, '$', text.len);
		const char *stands_for = "";
		size_t mark_len = 0;

		plain = text;
		if (mark != NULL) {
			plain.len = (size_t)(mark - text.at);
			mark_len = read_mark(w, mark, text.len - plain.len,
				now_ms, &stands_for);
			plain.len += mark_len == 0; /* a mere dollar */
		}
		sipmsg_put_slice(&out, plain);
		if (mark_len > 0)
			sipmsg_put_text(&out, stands_for);
		text.at += plain.len + mark_len;
		text.len -= plain.len + mark_len;
	}
	*len = out.len < SIP_MAX_MESSAGE ? out.len : SIP_MAX_MESSAGE;
	return fuzz_bytes((const uint8_t *)room, *len);
}

/* ---- what must hold ---------------------------------------------------- */

/* Whatever was asked, nobody has put a line into it. */
static size_t check_lines(const char *text, size_t len)
{
	const char *end = text + len, *lf;
	size_t longest = 0;

	FUZZ_CHECK(len > 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0);
	for (const char *at = text; at < end; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		FUZZ_CHECK(lf != NULL && lf > at && lf[-1] == '\r');
		FUZZ_CHECK(lf > at + 1 || lf + 1 == end);
		for (const char *c = at; c < lf - 1; c++)
			FUZZ_CHECK((unsigned char)*c >= ' ' || *c == '\t');
		if ((size_t)(lf - at) > longest)
			longest = (size_t)(lf - at);
	}
	return longest;
}

/* The answer to a REGISTER that was let in lists what is stored. */
static void check_registered(struct world *w, const struct sip_message *m,
	int64_t now_ms)
{
	struct sip_contact contact[MAX_CONTACTS];
	struct sip_uri to;
	int n = sipmsg_contacts(m, contact, MAX_CONTACTS);

	FUZZ_CHECK(n >= 0);
	FUZZ_CHECK(sipmsg_parse_address(sipmsg_header(m, SIP_TO), &to));
	if (w->marks == 1)
		FUZZ_CHECK(w->mark->whose != NULL &&
			   strcmp(to.user, w->mark->whose) == 0);
	FUZZ_CHECK(n == count_bindings(w, to.user, now_ms));
	for (int i = 0; i < n; i++)
		FUZZ_CHECK(
			contact[i].expires_s > 0 && contact[i].expires_s <= 30);
}

static bool is_register(const struct sip_message *m)
{
	return m->is_request && sipmsg_slice_is(m->method, "REGISTER");
}

static void check_answer(struct world *w, const struct exchange *x,
	int64_t now_ms, bool changed, const struct sip_message *request,
	enum sip_scan scan)
{
	static struct sip_message m;
	const char *why;
	enum sip_scan of_answer;
	size_t longest = check_lines(x->answer, x->answer_len);

	of_answer = sipmsg_scan(x->answer, x->answer_len, &m, &why);
	FUZZ_CHECK(of_answer != SIP_GARBAGE && !m.is_request);
	FUZZ_CHECK(m.status != 500 && m.status != 503);
	FUZZ_CHECK(x->answer_port > 0 && x->answer_port <= 65535);
	FUZZ_CHECK(!changed || x->is_registered);
	if (scan != SIP_SCANNED || longest > SIP_MAX_LINE ||
		m.count[SIP_VIA] > SIP_MAX_FIELDS / 2)
		return;
	FUZZ_CHECK(of_answer == SIP_SCANNED && m.cseq == request->cseq);
	if (x->is_registered && is_register(request)) {
		FUZZ_CHECK(m.status == 200);
		check_registered(w, &m, now_ms);
	}
}

/* Credentials are good once: what they come with again changes nothing. Where a
 * message has several, which of them is looked at is its business. */
static void check_replay(struct world *w, bool changed)
{
	if (w->marks == 1 && w->is_used)
		FUZZ_CHECK(!changed);
	if (w->marks == 1 && w->service->nonces_used > 0)
		w->is_used = true;
	w->service->nonces_used = 0;
}

/* Returns whether it has made or kept a binding. */
static bool ask(struct world *w, struct sip_slice text, int i)
{
	static struct sip_message request;
	int64_t now_ms = NOW_MS + i * STEP_MS, before = sum_of(w);
	struct exchange x = {.origin = {i % 8 == 7 ? "2001:db8::7"
						   : "192.0.2.7",
				     5060 + i},
		.transport = i % 3 == 0 ? "udp" : "tcp",
		.flow_id = i % 3,
		.local = i % 3 == 0 ? 0 : 1,
		.answer = w->answer};
	bool changed;
	enum sip_scan scan;
	const char *why;

	w->marks = 0;
	set_clock(w, now_ms);
	service_expire(w->service, now_ms);
	x.data = expand(w, text, now_ms, &x.len);
	service_answer(w->service, &x, 1, now_ms);
	changed = sum_of(w) != before;
	scan = sipmsg_scan(x.data, x.len, &request, &why);
	if (x.answer_len == 0)
		FUZZ_CHECK(!changed);
	else
		check_answer(w, &x, now_ms, changed, &request, scan);
	check_replay(w, changed);
	x.is_registered &= is_register(&request);
	free(x.data);
	return x.is_registered;
}

static int64_t wall_of(const struct world *w)
{
	return NOW_MS + w->monotonic_ms - w->began_ms;
}

/* Time ends every transaction, and what is left of the calls. */
static void end_calls(struct world *w)
{
	int64_t next_ms;

	while ((next_ms = service_next_ms(w->service)) != INT64_MAX) {
		FUZZ_CHECK(next_ms < w->began_ms + LATE_MS);
		if (next_ms > w->monotonic_ms)
			w->monotonic_ms = next_ms;
		service_expire(w->service, wall_of(w));
	}
	set_clock(w, NOW_MS + DAY_MS);
	FUZZ_CHECK(service_tick(w->service,
		(struct sp_clocks){wall_of(w), w->monotonic_ms}));
	FUZZ_CHECK(count_open_calls(w) == 0);
	w->began_ms = w->monotonic_ms;
}

/* Without a refresh nothing stays. */
static void end(struct world *w)
{
	service_flow_closed(w->service, 1, "closed");
	service_lose_flows(w->service, NOW_MS + STEP_MS);
	service_unreachable(w->service, "192.0.2.7", 5060, NOW_MS + STEP_MS);
	while (service_sweep(w->service, NOW_MS + 300000))
		;
	FUZZ_CHECK(sum_of(w) == 0);
	end_calls(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *stop = at + size, *next;
	struct world *w = open_world();
	uint32_t nonces = w->nonces;
	bool registered = false;

	w->last[0] = w->via[0] = w->route[0] = '\0';
	w->is_used = false;
	for (int i = 0; at < stop && i < MAX_MESSAGES; i++) {
		next = memmem(at, (size_t)(stop - at), "%%\n", 3);
		if (next == NULL)
			next = stop;
		registered |=
			ask(w, (struct sip_slice){at, (size_t)(next - at)}, i);
		at = next < stop ? next + 3 : stop;
	}
	forget_failures(w);
	if (w->nonces == nonces) { /* nobody had credentials */
		FUZZ_CHECK(!registered && sum_of(w) == 0);
		if (service_next_ms(w->service) == INT64_MAX &&
			count_open_calls(w) == 0)
			return 0;
	}
	end(w);
	reset_world(w);
	return 0;
}
