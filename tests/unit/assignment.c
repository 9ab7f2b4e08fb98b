/* lib/assignment: who gets which number, keeps it, or is given another. */
#include "lib/assignment.h"

#include "lib/binding.h"
#include "lib/forward.h"
#include "lib/secret.h"
#include "tests/unit/world.h"

/* Moments are milliseconds from this one. */
#define T WORLD_NOW_MS

/* "new 1000 'Ann' 'Smith'", "1001 'Ann' 'Smith' was 1000, login only". */
static const char *result(const struct sp_assigned *a)
{
	static char text[512];

	snprintf(text, sizeof text, "%s%s '%s' '%s'%s%s%s",
		a->is_new ? "new " : "", a->number, a->user.first, a->user.last,
		a->old_number[0] == '\0' ? "" : " was ", a->old_number,
		a->needs_login ? ", login only" : "");
	return text;
}

/* The result, or the error. */
static const char *make(struct world *w, struct sp_hash *hash,
	struct sp_assign assign)
{
	struct sp_assigned got;

	return sp_assignment_make(&w->scope, hash, &assign, &got, &w->err) == 0
		       ? result(&got)
		       : w->err.msg;
}

#define AS(...) ((struct sp_assign){__VA_ARGS__})

static const char *move(struct world *w, const char *login, const char *number)
{
	return make(w, NULL, AS(.login = login, .number = number));
}

/* Everything that is stored but the events: "extension 3, forward 1". */
static const char *stored(struct world *w)
{
	static const char COUNTS[] =
		"SELECT (SELECT count(*) FROM extension) || ' ' ||"
		" (SELECT count(*) FROM sp_user) || ' ' ||"
		" (SELECT count(*) FROM secret) || ' ' ||"
		" (SELECT count(*) FROM tenure) || ' ' ||"
		" (SELECT count(*) FROM event) || ' ' ||"
		" (SELECT coalesce(sum(next), 0) FROM pool_mark)";

	return world_text(w, COUNTS);
}

/* ---- new ones ---------------------------------------------------------- */

static void check_assigned(struct unit *u)
{
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "1005");
	unit_str(u, make(&w, NULL, AS("ann", "Ann", "Smith", .number = NULL)),
		"new 1000 'Ann' 'Smith'", "a new user");
	unit_str(u, world_events(&w), "1000 assigned:>1000", "  its event");
	unit_str(u, make(&w, NULL, AS("ann", "Ann", "Smith", .number = NULL)),
		"1000 'Ann' 'Smith'", "the same again");
	unit_str(u, move(&w, "ann", "1000"), "1000 'Ann' 'Smith'",
		"with the same number");
	unit_str(u, world_events(&w), "", "  no event");
	unit_str(u, make(&w, NULL, AS("ann", NULL, "Jones", .number = NULL)),
		"1000 'Ann' 'Jones'", "another last name");
	unit_str(u, world_events(&w), "1000 renamed:Ann Smith>Ann Jones",
		"  its event");
	unit_str(u, make(&w, NULL, AS("ann", "", NULL, .number = NULL)),
		"1000 '' 'Jones'", "no first name");
	unit_str(u, world_events(&w), "1000 renamed:Ann Jones>Jones",
		"  its event");
	unit_str(u, move(&w, "Ann", NULL), "new 1001 '' ''",
		"logins differ by case");
	unit_str(u, move(&w, "1000", "1002"), "new 1002 '' ''",
		"a login of digits");
	world_close(&w);
}

static void check_refused(struct unit *u)
{
	static const struct {
		struct sp_assign assign;
		enum sp_code code;
		const char *error;
	} cases[] = {
		{{.login = "b", .number = "1000"}, SP_CANTCREATE,
			"cannot assign '1000': number is taken by 'ann'"},
		{{.login = "c", .number = "1005"}, SP_CANTCREATE,
			"cannot assign '1005': number is reserved"},
		{{.login = "c", .number = "1006"}, SP_CANTCREATE,
			"cannot assign '1006': number is reserved"},
		{{.login = "c", .number = "1001"}, SP_CANTCREATE,
			"cannot assign '1001': number rests until "
			"2026-11-23T09:31:00Z"},
		{{.login = "d", .number = "2000"}, SP_CANTCREATE,
			"cannot assign '2000': "
			"number is not in the pool of 'acme.example'"},
		{{.login = "e", .number = "01001"}, SP_CANTCREATE,
			"cannot assign '01001': "
			"number is not in the pool of 'acme.example'"},
		{{.login = "f", .number = "10x1"}, SP_DATA,
			"'10x1' is not a number"},
		{{.login = "g", .number = ""}, SP_DATA, "'' is not a number"},
		{{.login = "h", .number = "1000000000000000"}, SP_DATA,
			"the number is longer than 15 bytes"},
		{{.login = "i i"}, SP_DATA,
			"'i i' is not a login "
			"(letters, digits and . _ - + @)"},
		{{.login = "j", .first = "\t"}, SP_DATA,
			"the first name has a control character"},
		{{.login = "k", .last = "\xff"}, SP_DATA,
			"the last name is not valid UTF-8"},
		{{.login = "l", .secret = "short"}, SP_DATA,
			"the secret has 5 bytes, expected 8 to 128"},
		{{.login = "ann", .secret = "short"}, SP_DATA,
			"the secret has 5 bytes, expected 8 to 128"},
		/* Who has one is refused another for the same reasons. */
		{{.login = "ann", .number = "1002"}, SP_CANTCREATE,
			"cannot assign '1002': number is taken by 'bob'"},
		{{.login = "ann", .number = "1005"}, SP_CANTCREATE,
			"cannot assign '1005': number is reserved"},
		{{.login = "ann", .number = "1006"}, SP_CANTCREATE,
			"cannot assign '1006': number is reserved"},
		{{.login = "ann", .number = "1001"}, SP_CANTCREATE,
			"cannot assign '1001': number rests until "
			"2026-11-23T09:31:00Z"},
		{{.login = "ann", .number = "2000"}, SP_CANTCREATE,
			"cannot assign '2000': "
			"number is not in the pool of 'acme.example'"},
	};
	struct world w;
	const char *before;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "1005");
	w.tenant.rest_ms = 60000;
	world_assign(&w, "ann", NULL);
	world_assign(&w, "gone", NULL);
	world_assign(&w, "bob", NULL);
	world_recycle(&w, "gone");
	world_must(&w, sp_extension_reserve(&w.scope, "1006", true, &w.err) > 0,
		"1006");
	before = strdup(stored(&w));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unit_str(u, make(&w, NULL, cases[i].assign), cases[i].error,
			cases[i].assign.login);
		unit_int(u, w.err.code, cases[i].code, "  its code");
		unit_str(u, stored(&w), before, "  leaves nothing behind");
	}
	free((char *)before);
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_assigned(&u);
	check_refused(&u);
	return unit_done(&u);
}
