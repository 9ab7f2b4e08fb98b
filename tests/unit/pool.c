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

static void check_format(struct unit *u)
{
	struct sp_pool pool = {.all = {.n = 0}};
	char text[SP_RANGES_TEXT];
	struct sp_err err;

	sp_ranges_format(&pool.all, text);
	unit_str(u, text, "", "no ranges");
	sp_ranges_add(&pool.all, "0100-0199", &err);
	sp_ranges_add(&pool.all, "1911", &err);
	sp_ranges_format(&pool.all, text);
	unit_str(u, text, "0100-0199, 1911", "a range and a number");
	for (int i = 0; i < 20; i++)
		sp_ranges_add(&pool.all, "20000-29999", &err);
	sp_ranges_format(&pool.all, text);
	unit_ok(u, strlen(text) < SP_RANGES_TEXT, "many ranges fit");
	unit_str(u, text + strlen(text) - 5, ", ...", "  in part");
	sp_pool_release(&pool);
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

/* One world lives through the steps in order, one second after the other; each
 * gives or takes a number, or changes the configuration. */
struct step {
	char what;          /* + a user, ~ one who gets the longest rested,
			     * - a number or login, P pool, R reserve, U not */
	const char *a, *b;  /* login, number | operand | pool, reserved */
	const char *result; /* of + and ~ */
};

/* As world_assign. */
static const char *assign_rested(struct world *w, const char *login)
{
	static struct sp_assigned assigned;
	const struct sp_assign assign = {.login = login, .order = SP_RESTED};

	return sp_assignment_make(&w->scope, NULL, &assign, &assigned,
		       &w->err) == 0
		       ? assigned.number
		       : w->err.msg;
}

static void take(struct unit *u, struct world *w, const struct step *s)
{
	char text[80];

	snprintf(text, sizeof text, "%c %s %s", s->what, s->a,
		s->b == NULL ? "" : s->b);
	switch (s->what) {
	case 'P': world_set_pool(w, s->a, s->b == NULL ? "" : s->b); break;
	case '-': world_recycle(w, s->a); break;
	case 'R':
	case 'U':
		unit_int(u,
			sp_extension_reserve(&w->scope, s->a, s->what == 'R',
				&w->err),
			1, text);
		break;
	case '+':
		unit_str(u, world_assign(w, s->a, s->b), s->result, text);
		break;
	case '~': unit_str(u, assign_rested(w, s->a), s->result, text); break;
	}
	w->scope.now_ms += 1000;
}

static void run(struct unit *u, const char *name, const struct step *steps)
{
	struct world w;

	printf("# %s\n", name);
	world_open(&w);
	for (const struct step *s = steps; s->what != 0; s++)
		take(u, &w, s);
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

static void check_rested(struct unit *u)
{
	run(u, "those that were never used, then as they were given back",
		(const struct step[]){{'P', "1000-1003 20-21", NULL, NULL},
			{'+', "a", NULL, "1000"}, {'+', "b", NULL, "1001"},
			{'+', "c", NULL, "1002"}, {'-', "b", NULL, NULL},
			{'-', "a", NULL, NULL}, {'~', "d", NULL, "1003"},
			{'~', "e", NULL, "20"}, {'-', "c", NULL, NULL},
			{'~', "f", NULL, "21"}, {'~', "g", NULL, "1001"},
			{'~', "h", NULL, "1000"}, {'-', "g", NULL, NULL},
			{'~', "i", NULL, "1002"}, {'~', "j", NULL, "1001"},
			{'~', "k", NULL, EXHAUSTED}, {0}});
	run(u, "the two orders share one pool",
		(const struct step[]){{'P', "1000-1003", NULL, NULL},
			{'~', "a", NULL, "1000"}, {'+', "b", "1001", "1001"},
			{'~', "c", NULL, "1002"}, {'-', "c", NULL, NULL},
			{'-', "a", NULL, NULL}, {'+', "d", NULL, "1000"},
			{'~', "e", NULL, "1003"}, {'~', "f", NULL, "1002"},
			{'+', "g", NULL, EXHAUSTED},
			{'~', "g", NULL, EXHAUSTED}, {0}});
	run(u, "not those that the configuration has taken out",
		(const struct step[]){{'P', "1000-1002", NULL, NULL},
			{'+', "a", NULL, "1000"}, {'+', "b", NULL, "1001"},
			{'+', "c", NULL, "1002"}, {'-', "b", NULL, NULL},
			{'-', "a", NULL, NULL}, {'-', "c", NULL, NULL},
			{'P', "1000-1001", "1001", NULL},
			{'~', "d", NULL, "1000"}, {'~', "e", NULL, EXHAUSTED},
			{'P', "1000-1002", NULL, NULL},
			{'~', "f", NULL, "1001"}, {'~', "g", NULL, "1002"},
			{0}});
}

static void check_reserved(struct unit *u)
{
	run(u, "numbers that are reserved and given free",
		(const struct step[]){{'P', "1000-1004", NULL, NULL},
			{'R', "1000", NULL, NULL}, {'R', "1002", NULL, NULL},
			{'+', "a", NULL, "1001"}, {'+', "b", NULL, "1003"},
			{'+', "c", "1002",
				"cannot assign '1002': number is reserved"},
			{'U', "1002", NULL, NULL}, {'+', "c", NULL, "1002"},
			{'R', "1003", NULL, NULL}, {'-', "1003", NULL, NULL},
			{'+', "d", NULL, "1004"}, {'+', "e", NULL, EXHAUSTED},
			{'~', "e", NULL, EXHAUSTED}, {'U', "1003", NULL, NULL},
			{'+', "e", NULL, "1003"}, {'U', "1000", NULL, NULL},
			{'~', "f", NULL, "1000"}, {0}});
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

int main(void)
{
	struct unit u = {0};

	check_ranges(&u);
	check_no_ranges(&u);
	check_format(&u);
	check_membership(&u);
	check_automatic(&u);
	check_overlap(&u);
	check_order(&u);
	check_several_ranges(&u);
	check_reconfigured(&u);
	check_rest(&u);
	check_rested(&u);
	check_reserved(&u);
	check_tenants(&u);
	return unit_done(&u);
}
