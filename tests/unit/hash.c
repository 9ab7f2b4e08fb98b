/* lib/hash: known answers. */
#include "lib/hash.h"

#include "tests/unit/unit.h"

static const char *hex(const unsigned char *data, size_t len)
{
	static char text[2 * SP_HASH_SIZE + 1];

	sp_hash_hex(data, len, text);
	return text;
}

/* RFC 1321 §A.5, FIPS 180-2. */
static void check_digests(struct unit *u, struct sp_hash *hash)
{
	static const struct {
		enum sp_hash_kind kind;
		const char *text, *digest;
	} cases[] = {
		{SP_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
		{SP_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{SP_MD5,
			"1234567890123456789012345678901234567890123456789012"
			"3456789012345678901234567890",
			"57edf4a22be3c955ac49da2e2107b67a"},
		{SP_SHA256, "",
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b93"
			"4ca495991b7852b855"},
		{SP_SHA256, "abc",
			"ba7816bf8f01cfea414140de5dae2223b00361a396"
			"177a9cb410ff61f20015ad"},
		{SP_SHA256,
			"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnom"
			"nopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964"
			"ff2167f6ecedd419db06c1"},
	};
	unsigned char raw[SP_HASH_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_int(u,
			sp_hash_digest(hash, cases[i].kind, cases[i].text,
				strlen(cases[i].text), raw),
			0, cases[i].text);
		unit_str(u, hex(raw, sp_hash_size(cases[i].kind)),
			cases[i].digest, "  its digest");
	}
}

/* RFC 4231 §4.2 and §4.3; a key that is shorter than ours ends in zeros. */
static void check_macs(struct unit *u)
{
	static const struct {
		unsigned char key[SP_SHA256_SIZE];
		const char *text, *mac;
	} cases[] = {
		{"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
		 "\x0b\x0b\x0b\x0b\x0b",
			"Hi There",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e93"
			"76c2e32cff7"},
		{"Jefe", "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec5"
			"8b964ec3843"},
	};
	unsigned char raw[SP_SHA256_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_int(u,
			sp_hash_mac(cases[i].key, cases[i].text,
				strlen(cases[i].text), raw),
			0, cases[i].text);
		unit_str(u, hex(raw, sizeof raw), cases[i].mac, "  its MAC");
	}
}

int main(void)
{
	struct unit u = {0};
	struct sp_err err = {.msg = ""};
	struct sp_hash *hash = NULL;
	unsigned char a[16] = {0}, b[16] = {0};

	if (!unit_ok(&u, sp_hash_new(&hash, &err) == 0, "sp_hash_new"))
		return unit_done(&u);
	check_digests(&u, hash);
	sp_hash_free(hash);
	sp_hash_free(NULL);
	check_macs(&u);
	unit_str(&u, hex((const unsigned char *)"\x00\x0f\xf0\xff", 4),
		"000ff0ff", "hexadecimal");
	unit_str(&u, hex(a, 0), "", "  of nothing");
	unit_ok(&u, sp_hash_equal("abc", "abd", 2), "equal as far as asked");
	unit_ok(&u, !sp_hash_equal("abc", "abd", 3), "not equal");
	unit_ok(&u,
		sp_hash_random(a, sizeof a, &err) == 0 &&
			sp_hash_random(b, sizeof b, &err) == 0 &&
			memcmp(a, b, sizeof a) != 0,
		"random bytes are others each time");
	return unit_done(&u);
}
