/* Limits on failed logins. */
#include "cmd/sp-register/limit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/text.h"

/* A set of WAYS slots is where a key may be; when all are taken the one that
 * has the most tokens goes: it has the least to lose. */
enum { SETS = 2048, WAYS = 8 };

struct slot {
	uint64_t key; /* 0: empty */
	int64_t filled_ms;
	int tokens;
	bool is_over;
};

struct limits {
	uint64_t salt; /* so that nobody can aim at another one's slot */
	struct slot slot[SETS][WAYS];
};

struct kind {
	int burst, refill_ms;
};
static const struct kind SOURCE = {LIMIT_SOURCE_BURST, LIMIT_SOURCE_REFILL_MS};
static const struct kind AOR = {LIMIT_AOR_BURST, LIMIT_AOR_REFILL_MS};
static const struct kind TELLING = {LIMIT_TELL_BURST, LIMIT_TELL_REFILL_MS};

int limits_new(struct limits **out, struct sp_err *err)
{
	struct limits *l = calloc(1, sizeof *l);

	*out = l;
	if (l == NULL)
		return sp_err_memory(err);
	return sp_hash_random(&l->salt, sizeof l->salt, err);
}

void limits_free(struct limits *l)
{
	free(l);
}

/* Hashed with the salt in front, in one go. */
static uint64_t key_of(const struct limits *l, const char *source,
	const char *aor)
{
	char text[512] = {0};
	size_t n = sizeof l->salt, len;

	memcpy(text, &l->salt, n);
	len = strnlen(source, 64);
	memcpy(text + n, source, len);
	n += len + 1; /* a NUL between them */
	len = strnlen(aor, sizeof text - n - 1);
	memcpy(text + n, aor, len);
	return sp_text_hash(text, n + len) | 1;
}

static void refill(struct slot *s, const struct kind *kind, int64_t now_ms)
{
	int64_t n = (now_ms - s->filled_ms) / kind->refill_ms;

	if (n <= 0)
		return;
	s->filled_ms += n * kind->refill_ms;
	s->tokens =
		n >= kind->burst - s->tokens ? kind->burst : s->tokens + (int)n;
	if (s->tokens == kind->burst)
		s->is_over = false;
}

static struct slot *find(struct limits *l, uint64_t key,
	const struct kind *kind, int64_t now_ms)
{
	struct slot *set = l->slot[key % SETS], *best = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			refill(&set[i], kind, now_ms);
			return &set[i];
		}
		if (set[i].key == 0 ||
			(best->key != 0 && set[i].tokens > best->tokens))
			best = &set[i];
	}
	*best = (struct slot){key, now_ms, kind->burst, false};
	return best;
}

static enum limit take(struct limits *l, uint64_t key, const struct kind *kind,
	int64_t now_ms)
{
	struct slot *s = find(l, key, kind, now_ms);
	bool was_over = s->is_over;

	if (s->tokens > 0) {
		s->tokens--;
		return LIMIT_NONE;
	}
	s->is_over = true;
	return was_over ? LIMIT_OVER : LIMIT_REACHED;
}

enum limit limits_fail(struct limits *l, const char *source, const char *aor,
	int64_t now_ms)
{
	enum limit of_source = take(l, key_of(l, source, ""), &SOURCE, now_ms);
	enum limit of_aor = take(l, key_of(l, source, aor), &AOR, now_ms);

	if (of_source == LIMIT_NONE && of_aor == LIMIT_NONE)
		return LIMIT_NONE;
	/* One that tries one name after the other is worth telling of once, and
	 * many such, from everywhere, only now and then. */
	if (of_source == LIMIT_OVER || of_aor == LIMIT_OVER ||
		take(l, key_of(l, "", ""), &TELLING, now_ms) != LIMIT_NONE)
		return LIMIT_OVER;
	return LIMIT_REACHED;
}
