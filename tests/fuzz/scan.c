/* A datagram cut into slices, every parser on what was found, and the response
 * to it. */
#include "cmd/sp-register/digest.h"
#include "cmd/sp-register/registrar.h"
#include "cmd/sp-register/sipmsg.h"
#include "tests/fuzz/fuzz.h"

static bool is_within(struct sip_slice part, const char *data, size_t len)
{
	return part.at == NULL ||
	       (part.at >= data && part.at + part.len <= data + len);
}

static bool has_control(struct sip_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' && text.at[i] != '\t')
			return true;
	return false;
}

static void check_fields(const struct sip_message *m, const char *data,
	size_t len)
{
	int count[SIP_N_HEADERS + 1] = {0};

	FUZZ_CHECK(is_within(m->method, data, len));
	FUZZ_CHECK(is_within(m->uri, data, len));
	FUZZ_CHECK(is_within(m->body, data, len));
	for (int i = 0; i < m->n_fields; i++) {
		const struct sip_field *f = &m->field[i];

		FUZZ_CHECK(is_within(f->value, data, len));
		FUZZ_CHECK(f->value.len <= SIP_MAX_LINE);
		FUZZ_CHECK(!has_control(f->value));
		if (f->header != SIP_OTHER && count[f->header] == 0)
			FUZZ_CHECK(m->first[f->header] == i);
		count[f->header]++;
	}
	for (int h = 0; h < SIP_N_HEADERS; h++) {
		FUZZ_CHECK(m->count[h] == count[h]);
		FUZZ_CHECK((m->first[h] < 0) == (count[h] == 0));
	}
}

/* Lines once unfolded, it is the same message. */
static void check_again(char *data, size_t len, const struct sip_message *m,
	enum sip_scan scan)
{
	static struct sip_message again;
	const char *why;

	FUZZ_CHECK(sipmsg_scan(data, len, &again, &why) == scan);
	FUZZ_CHECK(again.n_fields == m->n_fields && again.cseq == m->cseq);
	FUZZ_CHECK(
		again.body.at == m->body.at && again.body.len == m->body.len);
}

static void check_contacts(const struct sip_message *m, const char *data,
	size_t len)
{
	struct sip_contact contact[SIP_MAX_CONTACTS];
	int n = sipmsg_contacts(m, contact, SIP_MAX_CONTACTS);

	FUZZ_CHECK(n <= SIP_MAX_CONTACTS && n >= SIP_CONTACT_STAR);
	for (int i = 0; i < n; i++) {
		const struct sip_contact *c = &contact[i];
		struct sip_uri uri;

		FUZZ_CHECK(is_within(c->uri, data, len));
		FUZZ_CHECK(is_within(c->instance, data, len));
		FUZZ_CHECK(sipmsg_parse_uri(c->uri, &uri));
		FUZZ_CHECK(c->expires_s >= -1 && c->expires_s <= UINT32_MAX);
		FUZZ_CHECK(c->q >= -1 && c->q <= 1000 && c->reg_id >= 0);
	}
}

static void check_parsers(const struct sip_message *m)
{
	struct registration registration;
	const char *why = NULL;
	struct digest digest;
	struct sip_uri uri;

	sipmsg_parse_uri(m->uri, &uri);
	sipmsg_parse_address(sipmsg_header(m, SIP_FROM), &uri);
	sipmsg_parse_address(sipmsg_header(m, SIP_TO), &uri);
	sipmsg_has_option(m, SIP_REQUIRE, "outbound");
	for (int i = 0; i < m->n_fields; i++)
		digest_parse(m->field[i].value, &digest);
	if (registrar_read(m, &registration, &why) == VERDICT_MALFORMED)
		FUZZ_CHECK(why != NULL);
}

/* Can whoever gets it read it? To and Via have grown. */
static void check_response(const struct sip_message *m, enum sip_scan scan)
{
	static const struct sip_origin ORIGIN = {"192.0.2.7", 5061};
	static char text[SIP_ANSWER_SIZE];
	static struct sip_message answer;
	struct sip_writer w = {text, sizeof text, 0, false};
	const char *why;

	sipmsg_begin_response(&w, m, 404, "Not Found", &ORIGIN, "tag");
	sipmsg_end_response(&w);
	FUZZ_CHECK(!w.full);
	if (scan == SIP_SCANNED && sipmsg_header(m, SIP_TO).len < 2000 &&
		sipmsg_header(m, SIP_VIA).len < 2000 &&
		sipmsg_header(m, SIP_FROM).len < 2000)
		FUZZ_CHECK(sipmsg_scan(text, w.len, &answer, &why) ==
				   SIP_SCANNED &&
			   answer.status == 404 && answer.cseq == m->cseq);
	else
		FUZZ_CHECK(
			sipmsg_scan(text, w.len, &answer, &why) != SIP_GARBAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_message m;
	char *copy = fuzz_bytes(data, size);
	const char *why = NULL;
	struct sip_via via;
	enum sip_scan scan;

	sipmsg_init();
	scan = sipmsg_scan(copy, size, &m, &why);
	FUZZ_CHECK((scan == SIP_MALFORMED) <= (why != NULL));
	if (scan != SIP_GARBAGE) {
		check_fields(&m, copy, size);
		check_again(copy, size, &m, scan);
		check_contacts(&m, copy, size);
		check_parsers(&m);
		if (sipmsg_parse_via(&m, &via)) {
			FUZZ_CHECK(via.port > 0 && via.port <= 65535);
			FUZZ_CHECK(is_within(via.branch, copy, size));
			check_response(&m, scan);
		}
	}
	free(copy);
	return 0;
}
