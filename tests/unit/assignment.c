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

static const char SECRET[] = "0123456789abcdefghjkmnpqrs";

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

/* How many rows there are, and where the pool goes on. */
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
			"number is not in the pool of 'acme.example' "
			"(1000-1009)"},
		{{.login = "e", .number = "01001"}, SP_CANTCREATE,
			"cannot assign '01001': "
			"number is not in the pool of 'acme.example' "
			"(1000-1009)"},
		{{.login = "f", .number = "10x1"}, SP_DATA,
			"'10x1' is not a number"},
		{{.login = "g", .number = ""}, SP_DATA, "'' is not a number"},
		{{.login = "h", .number = "1000000000000000"}, SP_DATA,
			"the number is longer than 15 bytes"},
		{{.login = "i i"}, SP_DATA,
			"'i i' is not a login "
			"(ASCII letters, digits and . _ - + @)"},
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
			"number is not in the pool of 'acme.example' "
			"(1000-1009)"},
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

/* ---- another number ---------------------------------------------------- */

/* Sets one rule of an extension, without a look for loops. */
static void forward(struct world *w, const char *operand,
	enum sp_condition condition, const char *target)
{
	const struct sp_extension e = world_extension(w, operand);
	struct sp_forwarding f;
	unsigned changed;

	world_must(w, sp_forward_load(&w->scope, e.id, &f, &w->err) == 0,
		operand);
	f.lasting[condition] = (struct sp_rule){.enabled = true};
	snprintf(f.lasting[condition].target, SP_TARGET_SIZE, "%s", target);
	world_must(w, sp_forward_set(&w->scope, &e, &f, &changed, &w->err) == 1,
		target);
}

static const char *rules(struct world *w, const char *operand)
{
	static char text[512];
	struct sp_rule in_force[SP_N_CONDITIONS];
	struct sp_forwarding f;

	world_must(w,
		sp_forward_load(&w->scope, world_extension(w, operand).id, &f,
			&w->err) == 0,
		operand);
	sp_forward_in_force(&f, w->scope.now_ms, in_force);
	sp_forward_text(in_force, text, sizeof text);
	return text;
}

static int undo(struct world *w, const char *operand)
{
	const struct sp_extension e = world_extension(w, operand);
	unsigned changed;

	return sp_forward_undo(&w->scope, &e, &changed, &w->err);
}

static void log_in(struct world *w, const char *operand)
{
	const struct sp_binding b = {.contact = "sip:a@192.0.2.1",
		.call_id = "1",
		.source = "192.0.2.1:5060",
		.transport = "udp",
		.refreshed_ms = w->scope.now_ms,
		.expires_ms = w->scope.now_ms + 30000};

	world_must(w,
		sp_binding_add(&w->scope, world_extension(w, operand).id, &b,
			&w->err) == 0,
		operand);
}

/* "1000 yes": whose credentials a digest username has; yes: they verify. */
static const char *credentials(struct world *w, const char *username)
{
	static char text[64];
	struct sp_credentials c;
	int rc = sp_secret_find(&w->scope, username, &c, &w->err);

	snprintf(text, sizeof text, "%s %s", c.number,
		c.has_secret ? "yes" : "no");
	return rc < 0 ? w->err.msg : rc == 0 ? "nobody" : text;
}

/* 1000 ann, with a secret, logged in, who forwards; 1001 bob, 1002 cid. */
static void open_ann(struct world *w, struct sp_hash *hash)
{
	world_open(w);
	world_set_pool(w, "1000-1009", "");
	make(w, hash, AS("ann", "Ann", .secret = SECRET));
	world_assign(w, "bob", NULL);
	world_assign(w, "cid", NULL);
	forward(w, "ann", SP_BUSY, "1001");
	w->scope.now_ms = T + 10;
	forward(w, "ann", SP_BUSY, "1002");
	log_in(w, "ann");
	w->scope.now_ms = T + 1000;
	world_events(w);
}

static void check_renumber(struct unit *u, struct sp_hash *hash)
{
	static const char BINDINGS[] = "SELECT count(*) FROM binding",
			  SESSION[] = "SELECT number || ' ' || ending || '@' ||"
				      " (ended_ms - 1795426200000)"
				      " FROM login_session";
	struct world w;

	open_ann(&w, hash);
	unit_str(u, move(&w, "ann", "1005"),
		"1005 'Ann' '' was 1000, login only", "another number");
	unit_str(u, world_events(&w),
		"1000 deactivated:>recycled, 1000 recycled:1000>1005, "
		"1005 assigned:1000>1005",
		"  its events");
	unit_str(u, world_text(&w, SESSION), "1000 recycled@1000",
		"  the session has ended");
	unit_str(u, world_text(&w, BINDINGS), "0", "  no binding is left");
	unit_int(u, world_extension(&w, "ann").session_id, 0,
		"  nor a session at the new number");
	unit_str(u, credentials(&w, "ann"), "1005 yes", "  the login logs in");
	unit_str(u, credentials(&w, "1005"), "1005 no", "  the number not");
	unit_str(u, credentials(&w, "1000"), "nobody", "  nor the old one");
	unit_str(u, rules(&w, "ann"), "busy=1002", "the rules came along");
	unit_int(u, undo(&w, "ann"), 1, "  with what they were before");
	unit_str(u, rules(&w, "ann"), "busy=1001", "  which is back");
	unit_str(u, move(&w, "dan", NULL), "new 1000 '' ''",
		"the old number is free");
	unit_str(u, rules(&w, "1000"), "", "  without rules");
	unit_int(u, undo(&w, "1000"), 0, "  or former ones");
	unit_str(u, make(&w, hash, AS("ann", .secret = SECRET)),
		"1005 'Ann' ''", "the secret again");
	unit_str(u, credentials(&w, "1005"), "1005 yes",
		"  is good for the number too");
	world_close(&w);
}

static void check_renumber_more(struct unit *u, struct sp_hash *hash)
{
	struct world w;

	open_ann(&w, hash);
	unit_str(u,
		make(&w, hash,
			AS("ann", "Anna", .number = "1005", .secret = SECRET)),
		"1005 'Anna' '' was 1000", "number, name and secret at once");
	unit_str(u, credentials(&w, "1005"), "1005 yes", "  logs in");
	unit_str(u, world_events(&w),
		"1000 deactivated:>recycled, 1000 recycled:1000>1005, "
		"1005 assigned:1000>1005, 1005 renamed:Ann>Anna, "
		"1005 new-secret",
		"  its events");
	unit_str(u, move(&w, "bob", "1006"), "1006 '' '' was 1001",
		"a user without a secret or a session");
	unit_str(u, world_events(&w),
		"1001 recycled:1001>1006, 1006 assigned:1001>1006",
		"  its events");
	w.tenant.rest_ms = 60000;
	unit_str(u, move(&w, "ann", "1000"),
		"1000 'Anna' '' was 1005, login only", "and back");
	unit_str(u, move(&w, "dan", "1005"),
		"cannot assign '1005': number rests until "
		"2026-11-23T09:31:01Z",
		"the number that was left rests");
	world_close(&w);
}

/* What is said of a number stays with it. */
static void check_renumber_reserved(struct unit *u, struct sp_hash *hash)
{
	struct world w;

	open_ann(&w, hash);
	sp_extension_reserve(&w.scope, "1000", true, &w.err);
	unit_str(u, move(&w, "ann", "1005"),
		"1005 'Ann' '' was 1000, login only", "leaving a reserved one");
	unit_ok(u, !world_extension(&w, "ann").reserved,
		"  the new one is not");
	unit_str(u, move(&w, "ann", "1000"),
		"cannot assign '1000': number is reserved", "  the old one is");
	unit_str(u, move(&w, "dan", NULL), "new 1003 '' ''",
		"  and not handed out");
	world_close(&w);
}

static void check_renumber_loop(struct unit *u, struct sp_hash *hash)
{
	struct world w;

	open_ann(&w, hash);
	forward(&w, "ann", SP_BUSY, "1001");
	forward(&w, "bob", SP_ALWAYS, "1002");
	world_recycle(&w, "cid");
	unit_str(u, move(&w, "ann", "1002"),
		"the forwarding cannot move along: cannot forward '1002' to "
		"'1001': it would go in a loop: 1002 -> 1001 -> 1002",
		"rules that would be a loop");
	unit_int(u, w.err.code, SP_DATA, "  its code");
	world_close(&w);
	open_ann(&w, hash);
	forward(&w, "ann", SP_BUSY, "1001");
	forward(&w, "bob", SP_ALWAYS, "1002");
	world_recycle(&w, "cid");
	world_events(&w);
	unit_str(u,
		make(&w, NULL,
			AS("ann", .number = "1002", .reset_forwarding = true)),
		"1002 'Ann' '' was 1000, login only", "  are left behind");
	unit_str(u, rules(&w, "ann"), "", "  when that is wanted");
	unit_str(u, world_events(&w),
		"1000 deactivated:>recycled, 1000 recycled:1000>1002, "
		"1002 assigned:1000>1002, 1002 forwarding:busy=1001>",
		"  and told");
	world_close(&w);
}

/* In a batch the numbers that are left are there to be taken. */
static void check_renumber_batch(struct unit *u)
{
	struct sp_pool_cursor cursor = {0};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1001 2000-2001", "");
	w.scope.cursor = &cursor;
	move(&w, "ann", NULL);
	move(&w, "bob", NULL);
	unit_str(u, move(&w, "cid", NULL), "new 2000 '' ''", "in a batch");
	unit_str(u, move(&w, "ann", "2001"), "2001 '' '' was 1000",
		"  somebody leaves a number");
	unit_str(u, move(&w, "dan", NULL), "new 1000 '' ''",
		"  and the next one gets it");
	world_close(&w);
}

/* ---- exchanging -------------------------------------------------------- */

/* Both results, or the error. */
static const char *swap(struct world *w, const char *operand, const char *other,
	bool reset)
{
	static char text[1024];
	struct sp_assigned got[2];
	size_t n;

	if (sp_assignment_swap(&w->scope, operand, other, reset, got,
		    &w->err) != 0)
		return w->err.msg;
	n = (size_t)snprintf(text, sizeof text, "%s; ", result(&got[0]));
	snprintf(text + n, sizeof text - n, "%s", result(&got[1]));
	return text;
}

static void check_swap(struct unit *u, struct sp_hash *hash)
{
	struct world w;

	open_ann(&w, hash);
	log_in(&w, "bob");
	sp_extension_reserve(&w.scope, "1000", true, &w.err);
	world_events(&w);
	unit_str(u, swap(&w, "ann", "1001", false),
		"1001 'Ann' '' was 1000, login only; 1000 '' '' was 1001",
		"two numbers exchanged");
	unit_str(u, world_events(&w),
		"1000 deactivated:>recycled, 1001 deactivated:>recycled, "
		"1001 assigned:1000>1001, 1000 assigned:1001>1000",
		"  the events");
	unit_str(u, rules(&w, "1001"), "busy=1002", "  the rules go along");
	unit_str(u, rules(&w, "1000"), "", "  to their owner only");
	unit_ok(u, world_extension(&w, "1000").reserved,
		"  what is reserved stays so");
	unit_ok(u, !world_extension(&w, "1001").reserved, "  and only that");
	unit_str(u, credentials(&w, "1001"), "1001 no", "  no digest fits");
	unit_str(u, credentials(&w, "ann"), "1001 yes", "  but of the login");
	unit_str(u, swap(&w, "bob", "ann", false),
		"1001 '' '' was 1000; 1000 'Ann' '' was 1001, login only",
		"and back, the other way round");
	unit_str(u, rules(&w, "1000"), "busy=1002", "  the rules too");
	unit_str(u, swap(&w, "ann", "bob", true),
		"1001 'Ann' '' was 1000, login only; 1000 '' '' was 1001",
		"without the rules");
	unit_str(u, rules(&w, "1001"), "", "  they are gone");
	world_close(&w);
}

static void check_no_swap(struct unit *u, struct sp_hash *hash)
{
	struct world w;

	open_ann(&w, hash);
	unit_str(u, swap(&w, "ann", "ext:1000", false),
		"'ann' and 'ext:1000' are one and the same: nothing to swap",
		"with oneself");
	unit_int(u, w.err.code, SP_DATA, "  its code");
	unit_str(u, swap(&w, "ann", "zed", false),
		"no user or extension 'zed' in 'acme.example'", "with nobody");
	unit_int(u, w.err.code, SP_UNKNOWN, "  its code");
	unit_str(u, swap(&w, "1009", "ann", false),
		"no user or extension '1009' in 'acme.example'",
		"nobody's number");
	unit_str(u, world_events(&w), "", "  no events");
	/* ann's calls would go to ann. */
	unit_str(u, swap(&w, "ann", "cid", false),
		"the forwarding cannot move along: cannot forward '1002' to "
		"'1002': it would go in a loop: 1002 -> 1002",
		"a rule that leads to the other");
	unit_int(u, w.err.code, SP_DATA, "  its code");
	world_close(&w);
}

/* A rule of a third one becomes a part of a loop. */
static void check_swap_loop(struct unit *u, struct sp_hash *hash)
{
	for (int i = 0; i < 2; i++) {
		struct world w;

		open_ann(&w, hash);
		forward(&w, "cid", SP_ALWAYS, "1001");
		unit_str(u,
			i == 0 ? swap(&w, "ann", "bob", false)
			       : swap(&w, "bob", "ann", false),
			"the forwarding cannot move along: cannot forward "
			"'1001' to '1002': it would go in a loop: "
			"1001 -> 1002 -> 1001",
			"over a third one");
		world_close(&w);
	}
}

int main(void)
{
	struct unit u = {0};
	struct sp_err err = {.msg = ""};
	struct sp_hash *hash = NULL;

	if (!unit_ok(&u, sp_hash_new(&hash, &err) == 0, "sp_hash_new"))
		return unit_done(&u);
	check_assigned(&u);
	check_refused(&u);
	check_renumber(&u, hash);
	check_renumber_more(&u, hash);
	check_renumber_reserved(&u, hash);
	check_renumber_loop(&u, hash);
	check_renumber_batch(&u);
	check_swap(&u, hash);
	check_no_swap(&u, hash);
	check_swap_loop(&u, hash);
	sp_hash_free(hash);
	return unit_done(&u);
}
