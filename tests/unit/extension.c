/* lib/extension: finding one, reserving, taking out whom it belongs to. */
#include "lib/extension.h"

#include "tests/unit/world.h"

/* ---- operands ---------------------------------------------------------- */

static void check_lookup(struct unit *u)
{
	static const struct {
		const char *operand, *number; /* or the error */
	} cases[] = {
		{"ann", "1000"},
		{"1000", "1000"},
		{"ext:1000", "1000"},
		{"user:ann", "1000"},
		/* bob's number is the login of the user of 1003. */
		{"1001", "'1001' is the extension of 'bob' and the login of "
			 "1003: say ext:1001 or user:1001"},
		{"ext:1001", "1001"},
		{"user:1001", "1003"},
		/* A login like the own number is no riddle. */
		{"1002", "1002"},
		/* A login like a number that nobody has. */
		{"1009", "1004"},
		{"ext:1009", "no user or extension 'ext:1009' in "
			     "'acme.example'"},
		{"user:1000", "no user or extension 'user:1000' in "
			      "'acme.example'"},
		{"ext:ann", "no user or extension 'ext:ann' in "
			    "'acme.example'"},
		{"ANN", "no user or extension 'ANN' in 'acme.example', is it "
			"'ann'?"},
		{"annn", "no user or extension 'annn' in 'acme.example', is it "
			 "'ann'?"},
		{"user:nan", "no user or extension 'user:nan' in "
			     "'acme.example', is it 'ann'?"},
		{"an", "no user or extension 'an' in 'acme.example'"},
		{"anita", "no user or extension 'anita' in 'acme.example'"},
		{"", "no user or extension '' in 'acme.example'"},
		{"ext:", "no user or extension 'ext:' in 'acme.example'"},
		/* Free again. */
		{"1005", "no user or extension '1005' in 'acme.example'"},
	};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "ann", "1000");
	world_assign(&w, "bob", "1001");
	world_assign(&w, "1002", "1002");
	world_assign(&w, "1001", "1003");
	world_assign(&w, "1009", "1004");
	world_assign(&w, "gone", "1005");
	world_recycle(&w, "gone");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_extension e;
		int rc = sp_extension_get(&w.scope, cases[i].operand, &e,
			&w.err);

		unit_str(u, rc == 0 ? e.number : w.err.msg, cases[i].number,
			cases[i].operand);
	}
	world_close(&w);
}

/* ---- recycling --------------------------------------------------------- */

/* Tables that the code does not know, of which each row hangs on a number or
 * on a user; one is added when others have been followed already. */
static void check_recycled(struct unit *u)
{
	static const char OF_NUMBER[] = "CREATE TABLE of_number (name TEXT,"
					" x REFERENCES extension (id))",
			  OF_USER[] = "CREATE TABLE of_user (name TEXT,"
				      " x REFERENCES sp_user)",
			  ADD_TO_NUMBER[] =
				  "INSERT INTO of_number SELECT number, id"
				  " FROM extension",
			  ADD_TO_USER[] = "INSERT INTO of_user"
					  " SELECT login, id FROM sp_user",
			  LEFT[] = "SELECT name FROM of_number UNION ALL"
				   " SELECT name FROM of_user";
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "ann", NULL);
	world_assign(&w, "bob", NULL);
	world_assign(&w, "gone", NULL);
	world_recycle(&w, "gone");
	world_run(&w, OF_NUMBER);
	world_run(&w, OF_USER);
	world_run(&w, ADD_TO_NUMBER);
	world_run(&w, ADD_TO_USER);
	world_turn(&w);
	world_recycle(&w, "ann");
	unit_str(u, world_text(&w, LEFT), "1001, 1002, bob",
		"what hangs on a number or its user goes with them");
	world_recycle(&w, "bob");
	unit_str(u, world_text(&w, LEFT), "1002", "  and only that");
	world_close(&w);
}

/* ---- reserving --------------------------------------------------------- */

static void check_reserved(struct unit *u)
{
	static const struct {
		const char *number;
		bool reserve;
		int rc;
		const char *text; /* the events, or the error */
	} cases[] = {
		{"1001", true, 1, "1001 reserved"},
		{"1001", true, 0, ""},
		{"1001", false, 1, "1001 unreserved"},
		{"1001", false, 0, ""},
		{"1002", false, 0, ""}, /* never used */
		/* Somebody has it, and keeps it. */
		{"1000", true, 1, "1000 reserved"},
		{"1000", false, 1, "1000 unreserved"},
		{"1005", false, -1,
			"cannot unreserve '1005': the configuration "
			"reserves it"},
		{"2000", true, -1,
			"cannot reserve '2000': number is not in the pool of "
			"'acme.example' (1000-1009)"},
		{"2000", false, -1,
			"cannot reserve '2000': number is not in the pool of "
			"'acme.example' (1000-1009)"},
		{"01001", true, -1,
			"cannot reserve '01001': number is not in the pool of "
			"'acme.example' (1000-1009)"},
		{"ann", true, -1, "'ann' is not a number"},
	};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "1005");
	world_assign(&w, "ann", NULL);
	world_events(&w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc = sp_extension_reserve(&w.scope, cases[i].number,
			cases[i].reserve, &w.err);

		unit_int(u, rc, cases[i].rc, cases[i].number);
		unit_str(u, rc < 0 ? w.err.msg : world_events(&w),
			cases[i].text, "  says so");
		if (rc < 0)
			unit_int(u, w.err.code,
				cases[i].number[0] == 'a' ? SP_DATA
							  : SP_CANTCREATE,
				"  its code");
	}
	unit_str(u, world_extension(&w, "ann").number, "1000",
		"whose number is reserved has it still");
	world_close(&w);
}

/* A number that is reserved while somebody has it is so afterwards. */
static void check_reserved_in_use(struct unit *u)
{
	struct sp_extension e;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "ann", NULL);
	sp_extension_reserve(&w.scope, "1000", true, &w.err);
	world_recycle(&w, "ann");
	unit_str(u, world_assign(&w, "bob", NULL), "1001",
		"a reserved number is not handed on");
	unit_str(u, world_assign(&w, "cid", "1000"),
		"cannot assign '1000': number is reserved", "  nor given");
	sp_extension_reserve(&w.scope, "1000", false, &w.err);
	unit_int(u, sp_extension_find(&w.scope, "1000", &e, &w.err), 1,
		"  it has a row");
	unit_ok(u, !e.reserved && e.user.id == 0, "  that is free again");
	unit_str(u, world_assign(&w, "cid", NULL), "1000", "  and handed out");
	world_close(&w);
}

/* ---- all of them ------------------------------------------------------- */

static const char *walk(struct world *w)
{
	static char text[256];
	struct sp_extension e = {.number = ""};
	size_t n = 0;
	int rc;

	text[0] = '\0';
	while ((rc = sp_extension_next(&w->scope, e.number, &e, &w->err)) == 1)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s",
			n == 0 ? "" : ", ", e.number, e.user.login);
	return rc < 0 ? w->err.msg : text;
}

static void check_all(struct unit *u)
{
	struct sp_tenant other;
	int64_t n = -1;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "998-1009 0998", "");
	unit_str(u, walk(&w), "", "a walk over nobody");
	unit_int(u, sp_extension_count(&w.scope, &n, &w.err), 0, "a count");
	unit_int(u, n, 0, "  of nobody");
	world_assign(&w, "ann", "1001");
	world_assign(&w, "bob", "999");
	world_assign(&w, "cid", "0998");
	world_assign(&w, "gone", "1000");
	world_assign(&w, "dan", "1009");
	world_recycle(&w, "gone");
	sp_extension_reserve(&w.scope, "998", true, &w.err);
	unit_str(u, walk(&w), "999 bob, 0998 cid, 1001 ann, 1009 dan",
		"short numbers first, and nobody's not at all");
	sp_extension_count(&w.scope, &n, &w.err);
	unit_int(u, n, 4, "  counted");
	world_must(&w,
		sp_tenant_init(&other, "b.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0,
		"a tenant");
	w.scope.tenant = &other;
	unit_str(u, walk(&w), "", "another tenant has its own");
	sp_extension_count(&w.scope, &n, &w.err);
	unit_int(u, n, 0, "  counted");
	sp_tenant_release(&other);
	w.scope.tenant = &w.tenant;
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_lookup(&u);
	check_recycled(&u);
	check_reserved(&u);
	check_reserved_in_use(&u);
	check_all(&u);
	return unit_done(&u);
}
