/* lib/call_right: who may call outside numbers, and where it goes. */
#include "lib/call_right.h"

#include "lib/event.h"
#include "tests/unit/world.h"

static void check_names(struct unit *u)
{
	static const char *const NAMES[] = {"default", "internal", "all"};
	enum sp_call_right right;
	struct sp_err err;

	for (int i = 0; i < SP_N_CALL_RIGHTS; i++) {
		right = SP_N_CALL_RIGHTS;
		unit_str(u, sp_call_right_name((enum sp_call_right)i), NAMES[i],
			NAMES[i]);
		unit_ok(u,
			sp_call_right_parse(NAMES[i], &right) &&
				(int)right == i,
			"  and back");
	}
	unit_int(u, sp_call_right_check("none", &right, &err), -1, "no name");
	unit_int(u, err.code, SP_DATA, "  its code");
	unit_str(u, err.msg, "calls 'none': expected internal, all or default",
		"  says so");
}

static void check_outside(struct unit *u)
{
	static const struct {
		enum sp_call_right tenant, extension;
		bool may;
	} cases[] = {
		{SP_CALLS_ALL, SP_CALLS_DEFAULT, true},
		{SP_CALLS_ALL, SP_CALLS_INTERNAL, false},
		{SP_CALLS_ALL, SP_CALLS_ALL, true},
		{SP_CALLS_INTERNAL, SP_CALLS_DEFAULT, false},
		{SP_CALLS_INTERNAL, SP_CALLS_INTERNAL, false},
		{SP_CALLS_INTERNAL, SP_CALLS_ALL, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct sp_tenant tenant = {.calls = cases[i].tenant};
		const struct sp_extension e = {.calls = cases[i].extension};

		unit_ok(u, sp_call_right_outside(&tenant, &e) == cases[i].may,
			"%s of a tenant with %s", sp_call_right_name(e.calls),
			sp_call_right_name(tenant.calls));
	}
}

static const char *calls(struct world *w, const char *operand)
{
	return sp_call_right_name(world_extension(w, operand).calls);
}

static const char *assign(struct world *w, const char *login,
	const char *number, const char *right)
{
	const struct sp_assign a = {.login = login,
		.number = number,
		.calls = right};
	struct sp_assigned assigned;

	return sp_assignment_make(&w->scope, NULL, &a, &assigned, &w->err) == 0
		       ? world_events(w)
		       : w->err.msg;
}

static void check_assigned(struct unit *u)
{
	struct sp_assigned swapped[2];
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	unit_str(u, assign(&w, "ann", "1000", "default"), "1000 assigned:>1000",
		"the default is no event");
	unit_str(u, assign(&w, "bob", "1001", "internal"),
		"1001 assigned:>1001, 1001 calls:default>internal",
		"another one is");
	unit_str(u, assign(&w, "bob", NULL, NULL), "", "not said");
	unit_str(u, calls(&w, "bob"), "internal", "  it stays");
	unit_str(u, assign(&w, "bob", NULL, "internal"), "",
		"the same again is none");
	unit_str(u, assign(&w, "bob", NULL, "all"), "1001 calls:internal>all",
		"a change is");
	unit_str(u, assign(&w, "bob", NULL, "some"),
		"calls 'some': expected internal, all or default", "a slip");
	assign(&w, "bob", "1002", NULL);
	unit_str(u, calls(&w, "1002"), "all", "it goes with its user");
	world_assign(&w, "cid", "1001");
	unit_str(u, calls(&w, "1001"), "default", "  and leaves nothing");
	world_must(&w,
		sp_assignment_swap(&w.scope, "bob", "ann", false, swapped,
			&w.err) == 0,
		"an exchange");
	unit_str(u, calls(&w, "1000"), "all", "  by an exchange, too");
	unit_str(u, calls(&w, "1002"), "default", "  of both");
	world_recycle(&w, "bob");
	world_assign(&w, "dan", "1000");
	unit_str(u, calls(&w, "1000"), "default", "recycling resets it");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_names(&u);
	check_outside(&u);
	check_assigned(&u);
	return unit_done(&u);
}
