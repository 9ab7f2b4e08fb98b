/* lib/user, lib/extension: who may be called what, and who gets what. */
#include "lib/user.h"

#include "tests/unit/world.h"

#define L64 "0123456789012345678901234567890123456789012345678901234567890123"

static void check_logins(struct unit *u)
{
	static const struct {
		const char *login, *error; /* NULL: it can be one */
	} cases[] = {
		{"a", NULL},
		{"asmith", NULL},
		{"A.Smith_1-2+3@acme", NULL},
		{"1001", NULL},
		{".", NULL},
		{"+x", NULL},
		{L64, NULL},
		{"", "the login is empty"},
		{L64 "4", "login '01234567890123456789...' is longer than 64 "
			  "bytes"},
		{"-a", "'-a' is not a login (letters, digits and . _ - + @)"},
		{"a b", "'a b' is not a login (letters, digits and . _ - + @)"},
		{"a:b", "'a:b' is not a login (letters, digits and . _ - + @)"},
		{"a/b", "'a/b' is not a login (letters, digits and . _ - + @)"},
		{"a%b", "'a%b' is not a login (letters, digits and . _ - + @)"},
		{"a\"b", "'a\"b' is not a login (letters, digits "
			 "and . _ - + @)"},
		{"zo\xc3\xab", "'zo\xc3\xab' is not a login (letters, digits "
			       "and . _ - + @)"},
		{"zo\xeb",
			"'?' is not a login (letters, digits and . _ - + @)"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};

		unit_int(u, sp_login_check(cases[i].login, &err),
			cases[i].error == NULL ? 0 : -1, cases[i].login);
		unit_str(u, err.msg,
			cases[i].error == NULL ? "" : cases[i].error,
			"  its error");
	}
}

static void check_names(struct unit *u)
{
	static const struct {
		const char *name, *error; /* NULL: it can be one */
	} cases[] = {
		{"", NULL},
		{"Zo\xc3\xab", NULL},
		{"O'Neil, Jr.", NULL},
		{L64 L64, NULL},
		{L64 L64 "8", "the last name is longer than 128 bytes"},
		{"Zo\xeb", "the last name is not valid UTF-8"},
		{"a\tb", "the last name has a control character"},
		{"a\nb", "the last name has a control character"},
		{"\x1b[31m", "the last name has a control character"},
		{"a\x7f", "the last name has a control character"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_err err = {.msg = ""};

		unit_int(u, sp_name_check(cases[i].name, "last name", &err),
			cases[i].error == NULL ? 0 : -1, cases[i].name);
		unit_str(u, err.msg,
			cases[i].error == NULL ? "" : cases[i].error,
			"  its error");
	}
}

/* "created 1000 Ann Smith", or the error. */
static const char *assign(struct world *w, struct sp_assign assign)
{
	static const char *const WHAT[] = {[SP_UNCHANGED] = "unchanged",
		[SP_CHANGED] = "changed",
		[SP_CREATED] = "created"};
	static char text[512];
	struct sp_assigned got;

	if (sp_user_assign(&w->scope, NULL, &assign, &got, &w->err) != 0)
		return w->err.msg;
	snprintf(text, sizeof text, "%s %s '%s' '%s'", WHAT[got.what],
		got.number, got.user.first, got.user.last);
	return text;
}

#define AS(...) ((struct sp_assign){__VA_ARGS__})

static void check_assigned(struct unit *u)
{
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "1005");
	unit_str(u, assign(&w, AS("ann", "Ann", "Smith", NULL, NULL)),
		"created 1000 'Ann' 'Smith'", "a new user");
	unit_str(u, assign(&w, AS("ann", "Ann", "Smith", NULL, NULL)),
		"unchanged 1000 'Ann' 'Smith'", "the same again");
	unit_str(u, assign(&w, AS("ann", NULL, NULL, "1000", NULL)),
		"unchanged 1000 'Ann' 'Smith'", "with the same number");
	unit_str(u, assign(&w, AS("ann", NULL, "Jones", NULL, NULL)),
		"changed 1000 'Ann' 'Jones'", "another last name");
	unit_str(u, assign(&w, AS("ann", "", NULL, NULL, NULL)),
		"changed 1000 '' 'Jones'", "no first name");
	unit_str(u, assign(&w, AS("ann", NULL, NULL, "1001", NULL)),
		"cannot assign '1001': 'ann' has number 1000 already",
		"another number");
	unit_str(u, assign(&w, AS("Ann", NULL, NULL, NULL, NULL)),
		"created 1001 '' ''", "logins differ by case");
	unit_str(u, assign(&w, AS("1000", NULL, NULL, "1002", NULL)),
		"created 1002 '' ''", "a login of digits");
	world_close(&w);
}

static void check_refused(struct unit *u)
{
	static const struct {
		struct sp_assign assign;
		const char *error;
	} cases[] = {
		{{"b", NULL, NULL, "1000", NULL},
			"cannot assign '1000': number is taken by 'ann'"},
		{{"c", NULL, NULL, "1005", NULL},
			"cannot assign '1005': number is reserved"},
		{{"d", NULL, NULL, "2000", NULL},
			"cannot assign '2000': "
			"number is not in the pool of 'acme.example'"},
		{{"e", NULL, NULL, "01001", NULL},
			"cannot assign '01001': "
			"number is not in the pool of 'acme.example'"},
		{{"f", NULL, NULL, "10x1", NULL}, "'10x1' is not a number"},
		{{"g", NULL, NULL, "", NULL}, "'' is not a number"},
		{{"h", NULL, NULL, "1000000000000000", NULL},
			"the number is longer than 15 bytes"},
		{{"i i", NULL, NULL, NULL, NULL},
			"'i i' is not a login "
			"(letters, digits and . _ - + @)"},
		{{"j", "\t", NULL, NULL, NULL},
			"the first name has a control character"},
		{{"k", NULL, "\xff", NULL, NULL},
			"the last name is not valid UTF-8"},
		{{"ann", NULL, NULL, NULL, "short"},
			"the secret has 5 bytes, expected 8 to 128"},
	};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "1005");
	world_assign(&w, "ann", NULL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(u, assign(&w, cases[i].assign), cases[i].error,
			cases[i].assign.login);
	world_close(&w);
}

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

/* Which line of a batch a login was on. */
static void check_seen(struct unit *u)
{
	int64_t line = 1;
	struct world w;

	world_open(&w);
	unit_int(u, sp_user_seen(&w.scope, "ann", &line, &w.err), 0, "new");
	line = 2;
	unit_int(u, sp_user_seen(&w.scope, "Ann", &line, &w.err), 0, "new too");
	line = 3;
	unit_int(u, sp_user_seen(&w.scope, "ann", &line, &w.err), 1, "seen");
	unit_int(u, line, 1, "  on the first line");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_logins(&u);
	check_names(&u);
	check_assigned(&u);
	check_refused(&u);
	check_lookup(&u);
	check_seen(&u);
	return unit_done(&u);
}
