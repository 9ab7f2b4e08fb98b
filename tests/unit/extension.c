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
		{"ANN", "no user or extension 'ANN' in 'acme.example'"},
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

int main(void)
{
	struct unit u = {0};

	check_lookup(&u);
	return unit_done(&u);
}
