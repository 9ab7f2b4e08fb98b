/* lib/nonce: what is a nonce of ours, and that none is good twice. */
#include "lib/nonce.h"

#include "tests/unit/world.h"

static const unsigned char KEY[SP_SHA256_SIZE] = "one key",
			   OTHER_KEY[SP_SHA256_SIZE] = "another key";

static void check_ids(struct unit *u)
{
	unit_int(u, sp_nonce_id(0, 0), 0, "the first of all");
	unit_int(u, sp_nonce_id(1, 0), 1 << 20, "a millisecond later");
	unit_int(u, sp_nonce_id(1, 0xfffff), (1 << 21) - 1, "20 random bits");
	unit_int(u, sp_nonce_id(1, 0xfff00001), (1 << 20) + 1, "  not more");
	unit_int(u, sp_nonce_id(-1, 3), 3 - (1 << 20), "before 1970");
	unit_ok(u, sp_nonce_id(INT64_C(4102444800000), 0) > 0,
		"positive in 2100");
}

static void check_round_trips(struct unit *u)
{
	static const int64_t IDS[] = {0, 1, INT64_C(0x123456789abcdef),
		INT64_MAX, -1};

	for (size_t i = 0; i < sizeof IDS / sizeof IDS[0]; i++) {
		char text[SP_NONCE_SIZE], again[SP_NONCE_SIZE];
		const struct sp_nonce says = {IDS[i], UINT32_C(0x80000001)};
		struct sp_nonce nonce = {7, 7};

		unit_int(u, sp_nonce_format(KEY, &says, text), 0, "a nonce");
		unit_int(u, (int64_t)strlen(text), 56, "  its length");
		unit_ok(u, strspn(text, "0123456789abcdef") == 56,
			"  hexadecimal");
		unit_ok(u,
			sp_nonce_parse(KEY, text, 56, &nonce) &&
				nonce.id == says.id &&
				nonce.place == says.place,
			"  and back");
		sp_nonce_format(KEY, &says, again);
		unit_str(u, again, text, "  the same with every server");
		sp_nonce_format(OTHER_KEY, &says, again);
		unit_ok(u, strcmp(again, text) != 0, "  but with another key");
		unit_ok(u, !sp_nonce_parse(OTHER_KEY, text, 56, &nonce),
			"  which does not know it");
	}
}

/* Every bit counts, and the length. */
static void check_tampered(struct unit *u)
{
	char text[SP_NONCE_SIZE + 1], bad[SP_NONCE_SIZE + 1];
	struct sp_nonce nonce = {sp_nonce_id(WORLD_NOW_MS, 5), 9};
	int refused = 0;

	sp_nonce_format(KEY, &nonce, text);
	for (int i = 0; i < 56; i++) {
		strcpy(bad, text);
		bad[i] = bad[i] == '0' ? '1' : '0';
		refused += !sp_nonce_parse(KEY, bad, 56, &nonce);
	}
	unit_int(u, refused, 56, "another digit at any place");
	strcpy(bad, text);
	for (char *p = bad; *p != '\0'; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	unit_ok(u, !sp_nonce_parse(KEY, bad, 56, &nonce), "in upper case");
	unit_ok(u, !sp_nonce_parse(KEY, text, 55, &nonce), "too short");
	strcat(text, "0");
	unit_ok(u, !sp_nonce_parse(KEY, text, 57, &nonce), "too long");
	unit_ok(u, !sp_nonce_parse(KEY, "", 0, &nonce), "empty");
	memset(bad, 'z', 56);
	unit_ok(u, !sp_nonce_parse(KEY, bad, 56, &nonce), "another server's");
}

static void check_fresh(struct unit *u)
{
	static const struct {
		int64_t age_ms;
		bool is_fresh;
	} cases[] = {
		{0, true},
		{1, true},
		{SP_NONCE_LIFE_MS - 1, true},
		{SP_NONCE_LIFE_MS, false},
		{1000 * (int64_t)SP_NONCE_LIFE_MS, false},
		/* The clock went back. */
		{-1, true},
		{1 - SP_NONCE_LIFE_MS, true},
		{-SP_NONCE_LIFE_MS, false},
	};
	int64_t id = sp_nonce_id(WORLD_NOW_MS, 0xfffff);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[32];

		snprintf(name, sizeof name, "%lld ms old",
			(long long)cases[i].age_ms);
		unit_int(u,
			sp_nonce_is_fresh(id, WORLD_NOW_MS + cases[i].age_ms),
			cases[i].is_fresh, name);
	}
}

/* In order, on one database. */
static void check_use(struct unit *u)
{
	static const struct {
		const char *name;
		int64_t id, nc;
		uint64_t request;
		enum sp_nonce_use use;
	} steps[] = {
		{"the first use", 1, 1, 100, SP_NONCE_GOOD},
		{"sent again", 1, 1, 100, SP_NONCE_REPEAT},
		{"and again", 1, 1, 100, SP_NONCE_REPEAT},
		{"another request, same nc", 1, 1, 101, SP_NONCE_REPLAY},
		{"the next nc", 1, 2, 102, SP_NONCE_GOOD},
		{"the one before again", 1, 1, 100, SP_NONCE_REPLAY},
		{"the next again", 1, 2, 102, SP_NONCE_REPEAT},
		{"a gap", 1, 10, 103, SP_NONCE_GOOD},
		{"back into the gap", 1, 9, 104, SP_NONCE_REPLAY},
		{"the same bytes, a higher nc", 1, 11, 103, SP_NONCE_GOOD},
		{"the highest nc", 1, 0xffffffff, 105, SP_NONCE_GOOD},
		{"another nonce", 2, 1, 100, SP_NONCE_GOOD},
		{"its first nc need not be 1", 3, 5, 100, SP_NONCE_GOOD},
		{"a hash beyond INT64_MAX", 4, 1, UINT64_MAX, SP_NONCE_GOOD},
		{"  again", 4, 1, UINT64_MAX, SP_NONCE_REPEAT},
		{"  another", 4, 1, UINT64_MAX - 1, SP_NONCE_REPLAY},
	};
	struct world w;

	world_open(&w);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		enum sp_nonce_use use = SP_NONCE_REPLAY;

		unit_int(u,
			sp_nonce_use(&w.scope, steps[i].id, steps[i].nc,
				steps[i].request, &use, &w.err),
			0, steps[i].name);
		unit_int(u, use, steps[i].use, "  how it was used");
	}
	world_close(&w);
}

static void check_prune(struct unit *u)
{
	static const struct {
		int64_t age_ms;
		enum sp_nonce_use again; /* GOOD: it was forgotten */
	} cases[] = {
		{0, SP_NONCE_REPEAT},
		{SP_NONCE_LIFE_MS, SP_NONCE_REPEAT},
		{2 * SP_NONCE_LIFE_MS, SP_NONCE_REPEAT},
		{2 * SP_NONCE_LIFE_MS + 1, SP_NONCE_GOOD},
	};
	const size_t N = sizeof cases / sizeof cases[0];
	enum sp_nonce_use use;
	struct world w;

	world_open(&w);
	for (size_t i = 0; i < N; i++)
		sp_nonce_use(&w.scope,
			sp_nonce_id(WORLD_NOW_MS - cases[i].age_ms, 0), 1, 100,
			&use, &w.err);
	unit_int(u, sp_nonce_prune(&w.scope, 100, &w.err), 0, "pruned");
	for (size_t i = 0; i < N; i++) {
		sp_nonce_use(&w.scope,
			sp_nonce_id(WORLD_NOW_MS - cases[i].age_ms, 0), 1, 100,
			&use, &w.err);
		unit_int(u, use, cases[i].again, "  by age");
	}
	w.scope.now_ms = 1000; /* a machine without a clock */
	unit_int(u, sp_nonce_prune(&w.scope, 100, &w.err), 0, "pruned in 1970");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_ids(&u);
	check_round_trips(&u);
	check_tampered(&u);
	check_fresh(&u);
	check_use(&u);
	check_prune(&u);
	return unit_done(&u);
}
