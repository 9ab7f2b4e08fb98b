/* cmd/sp-register/limit: failed logins, by source and name. */
#include "cmd/sp-register/limit.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

enum { T = 1000000 };

static struct limits *open_limits(void)
{
	struct limits *l;
	struct sp_err err;

	if (limits_new(&l, &err) != 0)
		exit(2);
	return l;
}

/* How many of n failures in a row are answered. */
static int answered(struct limits *l, const char *source, const char *aor,
	int n, int64_t now_ms)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += limits_fail(l, source, aor, now_ms) == LIMIT_NONE;
	return count;
}

static void check_name(struct unit *u)
{
	struct limits *l = open_limits();

	unit_int(u, answered(l, "a", "1001", LIMIT_AOR_BURST, T),
		LIMIT_AOR_BURST, "a name is tried");
	unit_int(u, limits_fail(l, "a", "1001", T), LIMIT_REACHED,
		"  too often");
	unit_int(u, limits_fail(l, "a", "1001", T), LIMIT_OVER, "  and again");
	unit_int(u, limits_fail(l, "a", "1002", T), LIMIT_NONE,
		"another name of the source");
	unit_int(u, limits_fail(l, "b", "1001", T), LIMIT_NONE,
		"the name from another source");
	unit_int(u, limits_fail(l, "a", "1001", T + LIMIT_AOR_REFILL_MS - 1),
		LIMIT_OVER, "soon after");
	unit_int(u, answered(l, "a", "1001", 5, T + LIMIT_AOR_REFILL_MS), 1,
		"  one more");
	unit_int(u,
		limits_fail(l, "a", "1001", T + 2 * LIMIT_AOR_REFILL_MS - 1),
		LIMIT_OVER, "  which is not told of again");
	unit_int(u, answered(l, "a", "1001", 50, T + 1000000), LIMIT_AOR_BURST,
		"long after: as at first");
	unit_int(u, answered(l, "a", "1001", 50, T), 0, "an older moment");
	limits_free(l);
}

static void check_source(struct unit *u)
{
	struct limits *l = open_limits();
	int n = 0, reached = 0;

	for (int i = 0; i < 3 * LIMIT_SOURCE_BURST; i++) {
		char aor[16];
		enum limit limit;

		snprintf(aor, sizeof aor, "%d", i);
		limit = limits_fail(l, "a", aor, T);
		n += limit == LIMIT_NONE;
		reached += limit == LIMIT_REACHED;
	}
	unit_int(u, n, LIMIT_SOURCE_BURST, "a source tries many names");
	unit_int(u, reached, 1, "  told of once");
	unit_int(u, limits_fail(l, "b", "1", T), LIMIT_NONE, "another source");
	unit_int(u, answered(l, "a", "x", 9, T + 3 * LIMIT_SOURCE_REFILL_MS), 3,
		"  soon after");
	limits_free(l);
}

/* An attack from everywhere: history is not filled with it. */
static void check_telling(struct unit *u)
{
	struct limits *l = open_limits();
	int reached = 0;

	for (int i = 0; i < 3 * LIMIT_TELL_BURST; i++) {
		char source[32];

		snprintf(source, sizeof source, "10.0.0.%d", i);
		answered(l, source, "1001", LIMIT_AOR_BURST, T);
		reached += limits_fail(l, source, "1001", T) == LIMIT_REACHED;
	}
	unit_int(u, reached, LIMIT_TELL_BURST, "many sources are told of");
	limits_free(l);
}

/* The table has its size; whoever is over the limit stays in it while others,
 * who failed once, come and go. */
static void check_table(struct unit *u)
{
	struct limits *l = open_limits();

	answered(l, "a", "1001", LIMIT_AOR_BURST + 1, T);
	for (int i = 0; i < 200000; i++) {
		char source[32];

		snprintf(source, sizeof source, "10.%d.%d.%d", i >> 16,
			i >> 8 & 255, i & 255);
		limits_fail(l, source, "1", T);
	}
	unit_int(u, limits_fail(l, "a", "1001", T), LIMIT_OVER,
		"a flood of others does not free one");
	limits_free(l);
}

int main(void)
{
	struct unit u = {0};

	check_name(&u);
	check_source(&u);
	check_telling(&u);
	check_table(&u);
	return unit_done(&u);
}
