/* What transactions are found by: keyed hashes; and branches. */
#include <assert.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/transaction_private.h"
#include "lib/hash.h"

static const char COOKIE[] = "z9hG4bK"; /* §8.1.1.7 */
static const char OURS[] = "z9hG4bKsp"; /* of any process of ours */

enum {
	SECRET_SIZE = 16, /* of SipHash */
	ID_DIGITS = 2 * sizeof(struct key),
	LOOP_DIGITS = 8,
	OUR_LEN = sizeof OURS - 1 + ID_DIGITS + LOOP_DIGITS,
};

_Static_assert((int)OUR_LEN < (int)TRANSACTION_BRANCH_SIZE, "a branch fits");

/* So that no key of one sort is one of another. */
enum sort {
	SORT_MODERN,
	SORT_OLD,
	SORT_ORIGIN,
	SORT_CLIENT,
	SORT_HOP,
	SORT_TAG,
	SORT_BRANCH,
};

struct keys {
	unsigned char secret[SECRET_SIZE];
	uint64_t branches; /* made so far */
	EVP_MAC_CTX *context;
};

/* ---- the hash ----------------------------------------------------------- */

int keys_new(struct keys **out, struct sp_err *err)
{
	EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	struct keys *k = calloc(1, sizeof *k);

	*out = k;
	if (k != NULL && siphash != NULL)
		k->context = EVP_MAC_CTX_new(siphash);
	EVP_MAC_free(siphash);
	if (k == NULL)
		return sp_err_memory(err);
	if (k->context == NULL)
		return sp_err_set(err, SP_BUG, "cannot set up SipHash");
	return sp_hash_random(k->secret, sizeof k->secret, err);
}

void keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	EVP_MAC_CTX_free(k->context);
	free(k);
}

/* Nothing of this can fail once there is a context: it allocates nothing. */
static void must(int ok)
{
	assert(ok);
	(void)ok;
}

static void begin(struct keys *k, enum sort sort)
{
	unsigned char byte = (unsigned char)sort;

	/* The secret each time: without it a context would go on. */
	must(EVP_MAC_init(k->context, k->secret, sizeof k->secret, NULL));
	must(EVP_MAC_update(k->context, &byte, 1));
}

/* With its length in front, so that where one part ends cannot be moved. */
static void add(struct keys *k, const void *data, size_t len)
{
	uint32_t n = (uint32_t)len;

	must(EVP_MAC_update(k->context, (const unsigned char *)&n, sizeof n));
	if (len > 0)
		must(EVP_MAC_update(k->context, data, len));
}

static void add_slice(struct keys *k, struct sip_slice slice)
{
	add(k, slice.at, slice.len);
}

static struct key end(struct keys *k)
{
	struct key key;
	size_t len = 0;

	must(EVP_MAC_final(k->context, (unsigned char *)&key, &len,
		sizeof key));
	assert(len == sizeof key);
	return key;
}

bool key_equal(const struct key *a, const struct key *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* ---- keys --------------------------------------------------------------- */

struct sip_slice address_tag(struct sip_slice address)
{
	struct sip_slice param, value;

	sipmsg_next(&address, ';', &param);
	while (sipmsg_next(&address, ';', &param))
		if (sipmsg_is_param(param, "tag", &value))
			return value;
	return (struct sip_slice){0};
}

/* The cookie alone would be the same for everybody (RFC 4475 §3.2.1). */
bool via_is_modern(const struct sip_via *via)
{
	size_t n = sizeof COOKIE - 1;

	return via->branch.at != NULL && via->branch.len > n &&
	       memcmp(via->branch.at, COOKIE, n) == 0;
}

/* sent-by: the host in any case. */
static void add_sent_by(struct keys *k, const struct sip_via *via)
{
	char host[sizeof via->host];
	size_t n = strlen(via->host);

	for (size_t i = 0; i < n; i++)
		host[i] = (char)tolower((unsigned char)via->host[i]);
	add(k, host, n);
	add(k, &via->port, sizeof via->port);
}

/* From tag, Call-ID, the number of CSeq, Request-URI. */
static void add_request(struct keys *k, const struct sip_message *request)
{
	add_slice(k, address_tag(sipmsg_header(request, SIP_FROM)));
	add_slice(k, sipmsg_header(request, SIP_CALL_ID));
	add(k, &request->cseq, sizeof request->cseq);
	add_slice(k, request->uri);
}

/* The old rules: all but the To tag, which is another one in an ACK. What comes
 * again comes with the same bytes, so URIs are compared as such. */
struct key key_of_server(struct keys *k, const struct sip_message *request,
	const struct sip_via *via, struct sip_slice method)
{
	bool is_modern = via_is_modern(via);

	begin(k, is_modern ? SORT_MODERN : SORT_OLD);
	add_slice(k, method);
	if (is_modern) {
		add_slice(k, via->branch);
		add_sent_by(k, via);
	} else {
		add_slice(k, via->text);
		add_request(k, request);
	}
	return end(k);
}

struct key key_of_origin(struct keys *k, const struct sip_message *request)
{
	begin(k, SORT_ORIGIN);
	add_slice(k, request->method);
	add_request(k, request);
	return end(k);
}

struct key key_of_client(struct keys *k, struct sip_slice branch,
	struct sip_slice method)
{
	begin(k, SORT_CLIENT);
	add_slice(k, branch);
	add_slice(k, method);
	return end(k);
}

struct key key_of_hop(struct keys *k, const struct hop *hop)
{
	unsigned char bytes[HOP_KEY_SIZE];

	hop_key(hop, bytes);
	begin(k, SORT_HOP);
	add(k, bytes, sizeof bytes);
	return end(k);
}

struct key key_of_tag(struct keys *k, struct sip_slice address)
{
	begin(k, SORT_TAG);
	add_slice(k, address_tag(address));
	return end(k);
}

/* ---- branches ----------------------------------------------------------- */

void transaction_make_branch(struct transactions *all, uint32_t loop,
	char branch[TRANSACTION_BRANCH_SIZE])
{
	unsigned char bytes[] = {(unsigned char)(loop >> 24),
		(unsigned char)(loop >> 16), (unsigned char)(loop >> 8),
		(unsigned char)loop};
	struct keys *k = all->keys;
	struct key id;

	/* The hash of a number that is used once: as good as random. */
	begin(k, SORT_BRANCH);
	k->branches++;
	add(k, &k->branches, sizeof k->branches);
	id = end(k);
	memcpy(branch, OURS, sizeof OURS - 1);
	branch += sizeof OURS - 1;
	sp_hash_hex((const unsigned char *)&id, sizeof id, branch);
	sp_hash_hex(bytes, sizeof bytes, branch + ID_DIGITS);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool transaction_branch_loop(struct sip_slice branch, uint32_t *loop)
{
	uint32_t n = 0; /* of the last digits */

	if (branch.at == NULL || branch.len != OUR_LEN ||
		memcmp(branch.at, OURS, sizeof OURS - 1) != 0)
		return false;
	for (size_t i = sizeof OURS - 1; i < branch.len; i++) {
		int digit = digit_of(branch.at[i]);

		if (digit < 0)
			return false;
		n = n << 4 | (uint32_t)digit;
	}
	*loop = n;
	return true;
}
