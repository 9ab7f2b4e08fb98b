/* lib/user: who may be called what. */
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
		{"-a", "'-a' is not a login (ASCII letters, digits and . _ - + "
		       "@)"},
		{"a b", "'a b' is not a login (ASCII letters, digits and . _ - "
			"+ @)"},
		{"a:b", "'a:b' is not a login (ASCII letters, digits and . _ - "
			"+ @)"},
		{"a/b", "'a/b' is not a login (ASCII letters, digits and . _ - "
			"+ @)"},
		{"a%b", "'a%b' is not a login (ASCII letters, digits and . _ - "
			"+ @)"},
		{"a\"b", "'a\"b' is not a login (ASCII letters, digits "
			 "and . _ - + @)"},
		{"zo\xc3\xab",
			"'zo\xc3\xab' is not a login (ASCII letters, digits "
			"and . _ - + @)"},
		{"zo\xeb", "'?' is not a login (ASCII letters, digits and . _ "
			   "- + @)"},
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
	unit_int(u, sp_user_was_seen(&w.scope, "ann", &w.err), 1, "  asked");
	unit_int(u, sp_user_was_seen(&w.scope, "ANN", &w.err), 0, "another");
	unit_int(u, sp_user_was_seen(&w.scope, "ANN", &w.err), 0,
		"  asking remembers nothing");
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_logins(&u);
	check_names(&u);
	check_seen(&u);
	return unit_done(&u);
}
