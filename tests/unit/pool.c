/* lib/pool: ranges, and the order in which numbers are handed out. */
#include "lib/pool.h"

#include "tests/unit/world.h"

/* ---- ranges ------------------------------------------------------------ */

/* "1000-1999 900-999" in the order of the list. */
static const char *describe(const struct sp_ranges *ranges)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ranges->n && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
			"%s%0*lld-%0*lld", i == 0 ? "" : " ",
			ranges->at[i].digits, (long long)ranges->at[i].first,
			ranges->at[i].digits, (long long)ranges->at[i].last);
	return text;
}

static void check_ranges(struct unit *u)
{
	static const struct {
		const char *text, *ranges;
	} cases[] = {
		{"1911", "1911-1911"},
		{"1000-1999", "1000-1999"},
		{"7-7", "7-7"},
		{"0", "0-0"},
		{"0-9", "0-9"},
		{"0-15", "0-9 10-15"},
		{"900-1100", "900-999 1000-1100"},
		{"999-1000", "999-999 1000-1000"},
		{"5-1200", "5-9 10-99 100-999 1000-1200"},
		{"0100-0199", "0100-0199"},
		{"00-99", "00-99"},
		{"007", "007-007"},
		{"000-999", "000-999"},
		{"999999999999998-999999999999999",
			"999999999999998-999999999999999"},
		{"99999999999999-100000000000000",
			"99999999999999-99999999999999 "
			"100000000000000-100000000000000"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_pool pool = {.all = {.n = 0}};
		struct sp_err err = {.msg = ""};

		unit_int(u, sp_ranges_add(&pool.all, cases[i].text, &err), 0,
			cases[i].text);
		unit_str(u, describe(&pool.all), cases[i].ranges, "  is");
		sp_pool_release(&pool);
	}
}

#define NO_RANGE \
	"' is not a range of numbers (like 1000-1999, of up to 15 digits)"
#define BACKWARDS "' ends before it begins"
#define ZERO      "' has a leading zero, so both ends need the same number of digits"

static void check_no_ranges(struct unit *u)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "'" NO_RANGE},
		{"-", "'-" NO_RANGE},
		{"1000-", "'1000-" NO_RANGE},
		{"-1999", "'-1999" NO_RANGE},
		{"1-2-3", "'1-2-3" NO_RANGE},
		{"1000--1999", "'1000--1999" NO_RANGE},
		{"1000 - 1999", "'1000 - 1999" NO_RANGE},
		{" 1000", "' 1000" NO_RANGE},
		{"+1000", "'+1000" NO_RANGE},
		{"10x0", "'10x0" NO_RANGE},
		{"0x10", "'0x10" NO_RANGE},
		{"1e3", "'1e3" NO_RANGE},
		{"1000000000000000", "'1000000000000000" NO_RANGE},
		{"1-1000000000000000", "'1-1000000000000000" NO_RANGE},
		{"1999-1000", "range '1999-1000" BACKWARDS},
		{"1000-999", "range '1000-999" BACKWARDS},
		{"0200-0199", "range '0200-0199" BACKWARDS},
		{"0100-199", "range '0100-199" BACKWARDS},
		{"900-0100", "range '900-0100" BACKWARDS},
		{"0100-10000", "range '0100-10000" ZERO},
		{"00-100", "range '00-100" ZERO},
		{"100-0200", "range '100-0200" ZERO},
		{"0-01", "range '0-01" ZERO},
		{"1-09", "range '1-09" ZERO},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_ranges ranges = {.n = 0};
		struct sp_err err = {.msg = ""};

		unit_int(u, sp_ranges_add(&ranges, cases[i].text, &err), -1,
			cases[i].text);
		unit_str(u, err.msg, cases[i].error, "  its error");
		unit_int(u, err.code, SP_DATA, "  its code");
		unit_int(u, (int64_t)ranges.n, 0, "  adds nothing");
		free(ranges.at);
	}
}

static void check_membership(struct unit *u)
{
	static const struct {
		const char *number;
		bool is_in;
	} cases[] = {
		{"1000", true},
		{"1999", true},
		{"0100", true},
		{"7", true},
		{"999", false},
		{"2000", false},
		{"100", false},
		{"00100", false},
		{"01000", false},
		{"07", false},
		{"", false},
		{" 1000", false},
		{"1000 ", false},
		{"-1000", false},
		{"+1000", false},
		{"1000a", false},
		{"asmith", false},
		{"10000000000001000", false},
	};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1999 0100-0199 7", "");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_int(u, sp_ranges_has(&w.tenant.pool.all, cases[i].number),
			cases[i].is_in, cases[i].number);
	world_close(&w);
}

static void check_automatic(struct unit *u)
{
	static const struct {
		const char *all, *reserved, *automatic;
	} cases[] = {
		{"1000-1999", "", "1000-1999"},
		{"1000-1999", "1000", "1001-1999"},
		{"1000-1999", "1999", "1000-1998"},
		{"1000-1999", "1911", "1000-1910 1912-1999"},
		{"1000-1999", "1911 1000 1500-1599",
			"1001-1499 1600-1910 1912-1999"},
		{"1000-1999", "1500-1599 1550-1650", "1000-1499 1651-1999"},
		{"1000-1999", "1500-1600 1510-1520", "1000-1499 1601-1999"},
		{"1000-1999", "1500 1501", "1000-1499 1502-1999"},
		{"1000-1999", "1000-1999", ""},
		{"1000-1999", "900-2100", ""},
		{"1000-1999", "1900-2100", "1000-1899"},
		{"1000-1999", "900-1099", "1100-1999"},
		{"1000-1999", "3000 100 01500", "1000-1999"},
		{"0100-0199", "100-199 0150", "0100-0149 0151-0199"},
		/* The order of the configuration is kept. */
		{"2000-2009 1000-1009", "1005 2005",
			"2000-2004 2006-2009 1000-1004 1006-1009"},
		{"7", "7", ""},
		{"999999999999999", "999999999999999", ""},
		{"0", "0", ""},
	};
	struct world w;

	world_open(&w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[128];

		world_set_pool(&w, cases[i].all, cases[i].reserved);
		snprintf(name, sizeof name, "%s less %s", cases[i].all,
			cases[i].reserved);
		unit_str(u, describe(&w.tenant.pool.automatic),
			cases[i].automatic, name);
	}
	world_close(&w);
}

static void check_overlap(struct unit *u)
{
	static const struct {
		const char *a, *b, *error;
	} cases[] = {
		{"1000-1999", "1999-2999",
			"ranges of the pool overlap at 1999"},
		{"1500", "1000-1999", "ranges of the pool overlap at 1500"},
		{"1000-1999", "1000", "ranges of the pool overlap at 1000"},
		{"900-1100", "1000", "ranges of the pool overlap at 1000"},
		{"0100-0199", "0150", "ranges of the pool overlap at 0150"},
		{"1000-1999", "2000-2999", ""},
		{"0100-0199", "100-199", ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_pool pool = {.all = {.n = 0}};
		struct sp_err err = {.msg = ""};

		sp_ranges_add(&pool.all, cases[i].a, &err);
		sp_ranges_add(&pool.all, cases[i].b, &err);
		unit_int(u, sp_pool_finish(&pool, &err),
			cases[i].error[0] == '\0' ? 0 : -1, cases[i].a);
		unit_str(u, err.msg, cases[i].error, "  its error");
		sp_pool_release(&pool);
	}
}

/* ---- the next number --------------------------------------------------- */

/* One world lives through the steps in order; each gives or takes a number, or
 * changes the configuration. */
struct step {
	char what;          /* + a user, - a number or login, P pool */
	const char *a, *b;  /* login, number | operand | pool, reserved */
	const char *result; /* of + */
};

static void run(struct unit *u, const char *name, const struct step *steps)
{
	struct world w;

	printf("# %s\n", name);
	world_open(&w);
	for (const struct step *s = steps; s->what != 0; s++) {
		char text[80];

		snprintf(text, sizeof text, "%s %s", s->a,
			s->b == NULL ? "" : s->b);
		if (s->what == 'P')
			world_set_pool(&w, s->a, s->b == NULL ? "" : s->b);
		else if (s->what == '-')
			world_recycle(&w, s->a);
		else
			unit_str(u, world_assign(&w, s->a, s->b), s->result,
				text);
	}
	world_close(&w);
}

#define EXHAUSTED "the pool of 'acme.example' is exhausted"

static void check_order(struct unit *u)
{
	run(u, "lowest first, then what was freed",
		(const struct step[]){{'P', "1000-1004", NULL, NULL},
			{'+', "a", NULL, "1000"}, {'+', "b", NULL, "1001"},
			{'+', "c", NULL, "1002"}, {'-', "1001", NULL, NULL},
			{'-', "1000", NULL, NULL}, {'+', "d", NULL, "1000"},
			{'+', "e", NULL, "1001"}, {'+', "f", NULL, "1003"},
			{'-', "f", NULL, NULL}, {'+', "g", NULL, "1003"},
			{'+', "g", NULL, "1003"}, /* known already */
			{'+', "h", NULL, "1004"}, {'+', "i", NULL, EXHAUSTED},
			{'-', "1004", NULL, NULL}, {'+', "j", NULL, "1004"},
			{'+', "k", NULL, EXHAUSTED}, {0}});
	run(u, "numbers that were asked for",
		(const struct step[]){{'P', "1000-1007", NULL, NULL},
			{'+', "a", "1001", "1001"}, {'+', "b", "1002", "1002"},
			{'+', "c", "1005", "1005"}, {'+', "d", NULL, "1000"},
			{'+', "e", NULL, "1003"}, {'+', "f", "1004", "1004"},
			{'+', "g", NULL, "1006"}, {'+', "h", "1007", "1007"},
			{'+', "i", NULL, EXHAUSTED}, {0}});
	run(u, "one that was asked for and freed, above the mark",
		(const struct step[]){{'P', "1000-1005", NULL, NULL},
			{'+', "a", "1002", "1002"}, {'-', "a", NULL, NULL},
			{'+', "b", NULL, "1000"}, {'+', "c", NULL, "1001"},
			{'+', "d", NULL, "1002"}, {'+', "e", NULL, "1003"},
			{0}});
	run(u, "leading zeros",
		(const struct step[]){{'P', "008-011 08-09", NULL, NULL},
			{'+', "a", NULL, "008"}, {'+', "b", NULL, "009"},
			{'+', "c", NULL, "010"}, {'-', "009", NULL, NULL},
			{'+', "d", NULL, "009"}, {'+', "e", NULL, "011"},
			{'+', "f", NULL, "08"}, {'+', "g", NULL, "09"},
			{'+', "h", NULL, EXHAUSTED}, {0}});
	run(u, "across a power of ten",
		(const struct step[]){{'P', "8-11", NULL, NULL},
			{'+', "a", NULL, "8"}, {'+', "b", NULL, "9"},
			{'+', "c", NULL, "10"}, {'-', "9", NULL, NULL},
			{'+', "d", NULL, "9"}, {'+', "e", NULL, "11"},
			{'+', "f", NULL, EXHAUSTED}, {0}});
	run(u, "the last of all numbers",
		(const struct step[]){{'P', "999999999999998-999999999999999",
					      NULL, NULL},
			{'+', "a", NULL, "999999999999998"},
			{'+', "b", NULL, "999999999999999"},
			{'+', "c", NULL, EXHAUSTED}, {0}});
}

static void check_several_ranges(struct unit *u)
{
	run(u, "ranges in the order of the configuration",
		(const struct step[]){{'P', "2000-2001 1000-1001", NULL, NULL},
			{'+', "a", NULL, "2000"}, {'+', "b", NULL, "2001"},
			{'+', "c", NULL, "1000"}, {'-', "2001", NULL, NULL},
			{'+', "d", NULL, "2001"}, {'+', "e", NULL, "1001"},
			{'+', "f", NULL, EXHAUSTED}, {0}});
	run(u, "reserved numbers are passed over",
		(const struct step[]){{'P', "1000-1005", "1000 1002-1003",
					      NULL},
			{'+', "a", NULL, "1001"}, {'+', "b", NULL, "1004"},
			{'+', "c", "1002",
				"cannot assign '1002': number is reserved"},
			{'+', "d", NULL, "1005"}, {'+', "e", NULL, EXHAUSTED},
			{0}});
	run(u, "a pool of reserved numbers",
		(const struct step[]){{'P', "1000-1005", "1000-1005", NULL},
			{'+', "a", NULL, EXHAUSTED}, {0}});
}

static void check_reconfigured(struct unit *u)
{
	run(u, "the range grows at both ends",
		(const struct step[]){{'P', "1005-1006", NULL, NULL},
			{'+', "a", NULL, "1005"}, {'+', "b", NULL, "1006"},
			{'+', "c", NULL, EXHAUSTED},
			{'P', "1004-1007", NULL, NULL},
			{'+', "c", NULL, "1004"}, {'+', "d", NULL, "1007"},
			{'+', "e", NULL, EXHAUSTED},
			{'P', "1003-1008", NULL, NULL},
			{'-', "1006", NULL, NULL}, {'+', "e", NULL, "1003"},
			{'+', "f", NULL, "1006"}, {'+', "g", NULL, "1008"},
			{0}});
	run(u, "the range shrinks and grows again",
		(const struct step[]){{'P', "1000-1009", NULL, NULL},
			{'+', "a", NULL, "1000"}, {'+', "b", NULL, "1001"},
			{'+', "c", NULL, "1002"},
			{'P', "1000-1001", NULL, NULL},
			{'+', "d", NULL, EXHAUSTED}, {'-', "1002", NULL, NULL},
			{'+', "d", NULL, EXHAUSTED},
			{'P', "1000-1009", NULL, NULL},
			{'+', "d", NULL, "1002"}, {'+', "e", NULL, "1003"},
			{0}});
	run(u, "a reserved number is given free",
		(const struct step[]){{'P', "1000-1009", "1002", NULL},
			{'+', "a", NULL, "1000"}, {'+', "b", NULL, "1001"},
			{'+', "c", NULL, "1003"}, {'+', "d", NULL, "1004"},
			{'P', "1000-1009", NULL, NULL},
			{'+', "e", NULL, "1002"}, {'+', "f", NULL, "1005"},
			{0}});
	run(u, "a number is reserved, then free again",
		(const struct step[]){{'P', "1000-1009", NULL, NULL},
			{'+', "a", NULL, "1000"}, {'+', "b", NULL, "1001"},
			{'P', "1000-1009", "1002 1001", NULL},
			{'+', "c", NULL, "1003"}, {'-', "1001", NULL, NULL},
			{'+', "d", NULL, "1004"},
			{'P', "1000-1009", NULL, NULL},
			{'+', "e", NULL, "1001"}, {'+', "f", NULL, "1002"},
			{'+', "g", NULL, "1005"}, {0}});
	run(u, "the range is cut in two",
		(const struct step[]){{'P', "1000-1009", NULL, NULL},
			{'+', "a", "1005", "1005"}, {'+', "b", NULL, "1000"},
			{'P', "1004-1009 1000-1001", NULL, NULL},
			{'+', "c", NULL, "1004"}, {'+', "d", NULL, "1006"},
			{'P', "1000-1009", NULL, NULL},
			{'+', "e", NULL, "1001"}, {'+', "f", NULL, "1002"},
			{'+', "g", NULL, "1003"}, {'+', "h", NULL, "1007"},
			{0}});
}

static void check_rest(struct unit *u)
{
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1002", "");
	w.tenant.rest_ms = 60000;
	world_assign(&w, "a", NULL);
	world_recycle(&w, "a");
	unit_str(u, world_assign(&w, "b", NULL), "1001",
		"a resting number is passed over");
	unit_str(u, world_assign(&w, "x", "1000"),
		"cannot assign '1000': number rests until "
		"2026-11-23T09:31:00Z",
		"nor given by name");
	w.scope.now_ms += 59999;
	unit_str(u, world_assign(&w, "c", NULL), "1002",
		"to the last millisecond");
	unit_str(u, world_assign(&w, "d", NULL), EXHAUSTED,
		"nor when no other is left");
	w.scope.now_ms++;
	unit_str(u, world_assign(&w, "d", NULL), "1000", "rested");
	world_close(&w);
}

static void check_tenants(struct unit *u)
{
	struct world w;
	struct sp_tenant other;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "a", NULL);
	world_must(&w,
		sp_tenant_init(&other, "B.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0 &&
			sp_ranges_add(&other.pool.all, "1000-1009", &w.err) ==
				0 &&
			sp_pool_finish(&other.pool, &w.err) == 0,
		"a tenant");
	w.scope.tenant = &other;
	unit_str(u, world_assign(&w, "a", NULL), "1000",
		"another tenant's numbers are others");
	w.scope.tenant = &w.tenant;
	unit_str(u, world_assign(&w, "b", NULL), "1001", "  and the first's");
	sp_tenant_release(&other);
	world_close(&w);
}

/* ---- against a model --------------------------------------------------- */

enum { MODEL_FIRST = 95, MODEL_SIZE = 30, MODEL_STEPS = 3000 };

/* The same sequence on every machine (Numerical Recipes' generator). */
static unsigned next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static int lowest_free(const bool taken[MODEL_SIZE])
{
	for (int i = 0; i < MODEL_SIZE; i++)
		if (!taken[i])
			return MODEL_FIRST + i;
	return -1;
}

/* A step: some number is taken by name or freed, or the next one is asked for.
 * Returns false when the pool and the model disagree. */
static bool walk(struct world *w, bool taken[MODEL_SIZE], uint32_t *random)
{
	int i = (int)(next_random(random) % MODEL_SIZE), expected;
	unsigned dice = next_random(random) % 8;
	char number[SP_NUMBER_SIZE], login[SP_LOGIN_SIZE], wanted[16];
	const char *got;

	snprintf(number, sizeof number, "%d", MODEL_FIRST + i);
	snprintf(login, sizeof login, "u%d", MODEL_FIRST + i);
	if (dice < 4 && taken[i]) {
		world_recycle(w, number);
		taken[i] = false;
		return true;
	}
	if (dice == 4 && !taken[i]) {
		taken[i] = true;
		return strcmp(world_assign(w, login, number), number) == 0;
	}
	expected = lowest_free(taken);
	if (expected < 0)
		return strcmp(world_assign(w, "nobody", NULL), EXHAUSTED) == 0;
	taken[expected - MODEL_FIRST] = true;
	snprintf(login, sizeof login, "u%d", expected);
	snprintf(wanted, sizeof wanted, "%d", expected);
	got = world_assign(w, login, NULL);
	if (strcmp(got, wanted) != 0)
		printf("# got %s, expected %s\n", got, wanted);
	return strcmp(got, wanted) == 0;
}

static void check_model(struct unit *u)
{
	bool taken[MODEL_SIZE] = {false};
	uint32_t random = 20261123;
	struct world w;
	int n = 0;

	world_open(&w);
	world_set_pool(&w, "95-124", "");
	while (n < MODEL_STEPS && walk(&w, taken, &random))
		n++;
	unit_int(u, n, MODEL_STEPS, "random steps agree with the model");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_ranges(&u);
	check_no_ranges(&u);
	check_membership(&u);
	check_automatic(&u);
	check_overlap(&u);
	check_order(&u);
	check_several_ranges(&u);
	check_reconfigured(&u);
	check_rest(&u);
	check_tenants(&u);
	check_model(&u);
	return unit_done(&u);
}
