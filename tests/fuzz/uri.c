/* URIs: taken apart, and compared (RFC 3261 §19.1.4). A line break divides the
 * input into two. */
#include "cmd/sp-register/sipmsg.h"
#include "lib/text.h"
#include "tests/fuzz/fuzz.h"

#include <strings.h>

static struct sip_slice slice(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

/* Without its ends, as one stands in a block that is exactly as long. */
static bool parse(const char *text, struct sip_uri *uri)
{
	char *copy = fuzz_bytes((const uint8_t *)text, strlen(text));
	bool ok = sipmsg_parse_uri((struct sip_slice){copy, strlen(text)}, uri);
	struct sip_uri of_address;

	free(copy);
	if (!ok)
		return false;
	FUZZ_CHECK(sp_text_is_sip_uri(text));
	FUZZ_CHECK(uri->port >= 0 && uri->port <= 65535);
	FUZZ_CHECK(uri->host[0] != '\0');
	/* Up to its first ';' at least it is an address, too. */
	if (strpbrk(text, ";\"<>,?") == NULL)
		FUZZ_CHECK(sipmsg_parse_address(slice(text), &of_address) &&
			   strcmp(of_address.user, uri->user) == 0);
	return true;
}

static void check_pair(const char *a, const char *b)
{
	bool equal = sipmsg_uri_equal(a, b);
	struct sip_uri x, y;

	FUZZ_CHECK(sipmsg_uri_equal(b, a) == equal);
	if (!equal || !parse(a, &x) || !parse(b, &y))
		return;
	FUZZ_CHECK(x.is_sips == y.is_sips && x.port == y.port);
	FUZZ_CHECK(strcmp(x.user, y.user) == 0);
	FUZZ_CHECK(strcasecmp(x.host, y.host) == 0);
}

static void check_one(const char *text)
{
	struct sip_uri uri;
	bool ok = parse(text, &uri), equal = sipmsg_uri_equal(text, text);

	if (ok)
		FUZZ_CHECK(equal);
	if (equal)
		FUZZ_CHECK(sp_text_is_sip_uri(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *a = fuzz_text(data, size), *b = strchr(a, '\n');

	sipmsg_init();
	if (b != NULL) {
		*b++ = '\0';
		check_one(b);
		check_pair(a, b);
	}
	check_one(a);
	free(a);
	return 0;
}
