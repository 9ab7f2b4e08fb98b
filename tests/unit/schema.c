/* lib/schema: a database of an older sp, with all that can be in one, is
 * brought up to date. Only such a test makes one by SQLite itself. */
#include "lib/schema.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/binding.h"
#include "lib/event.h"
#include "lib/forward.h"
#include "lib/secret.h"
#include "lib/session.h"
#include "lib/status.h"
#include "tests/unit/world.h"

#define T WORLD_NOW_MS

/* 1000 asmith is logged in, has a secret and forwards; 1001 bjones was lost;
 * 1002 rests for a second; 1003 is free again. */
static const char DATA_1[] =
	"INSERT INTO tenant VALUES (1, 'acme.example');"
	"INSERT INTO pool_mark VALUES (1, 4, 1000, 1004);"
	"INSERT INTO sp_user VALUES (1, 1, 'asmith', 'Ann', 'Smith'),"
	" (2, 1, 'bjones', '', '');"
	"INSERT INTO secret VALUES (1, zeroblob(16), zeroblob(16),"
	" zeroblob(32), zeroblob(32));"
	"INSERT INTO login_session VALUES"
	" (1, 1, '1000', 'asmith', 1795426100000, NULL, NULL, 'sip:a', 'udp',"
	"  'phone'),"
	" (2, 1, '1001', 'bjones', 1795426100000, 1795426150000, 'lost',"
	"  'sip:b', 'udp', 'phone');"
	"INSERT INTO extension VALUES"
	" (1, 1, 4, '1000', 1, 0, 0, 1795426000000, 1),"
	" (2, 1, 4, '1001', 2, 0, 0, 1795426000000, 2),"
	" (3, 1, 4, '1002', NULL, 1795426201000, 1, 5, NULL),"
	" (4, 1, 4, '1003', NULL, 1795426100000, 0, 5, NULL);"
	"INSERT INTO forward VALUES (1, 'busy', '1001', 0, 1),"
	" (1, 'no-answer', 'reject', 15000, 1), (1, 'offline', '1001', 0, 0);"
	"INSERT INTO binding VALUES (7, 1, 'sip:a', 'id', '192.0.2.1:5060',"
	" 'udp', 'phone', 1795426100000);"
	"INSERT INTO binding_live VALUES (7, 3, 1795426195000, 1795426225000,"
	" 15000);"
	"INSERT INTO event (at_ms, tenant_id, number, login, what, detail, "
	"tool,"
	" actor) VALUES"
	" (5, 1, '1000', 'asmith', 'assigned', '', 'sp-assign', 'root'),"
	" (6, 1, '1000', 'asmith', 'created', 'sip:a', 'sp-register', '-');"
	"INSERT INTO server VALUES (1, zeroblob(32), 1795426200000);";

static char path[64];

/* A file as a version-1 sp has left it. */
static void make_version_1(void)
{
	static const char NUMBERS[] = "PRAGMA application_id=1936719873;"
				      "PRAGMA user_version=1";
	sqlite3 *db = NULL;
	int rc = SQLITE_OK, fd;

	snprintf(path, sizeof path, "/tmp/sp-unit-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || close(fd) != 0 || sqlite3_open(path, &db) != SQLITE_OK)
		exit(2);
	rc = sqlite3_exec(db, SP_SCHEMA[0], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, NUMBERS, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, DATA_1, NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		printf("Bail out! %s\n", sqlite3_errmsg(db));
		exit(2);
	}
	sqlite3_close(db);
}

static void remove_file(void)
{
	char name[80];

	unlink(path);
	snprintf(name, sizeof name, "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof name, "%s-shm", path);
	unlink(name);
}

/* Who only reads does not change it, and says what would. */
static void check_unread(struct unit *u)
{
	static const enum sp_db_mode MODES[] = {SP_DB_READ, SP_DB_TRIAL};

	for (int i = 0; i < 2; i++) {
		struct sp_err err = {.msg = ""};
		struct sp_db *db;
		char expected[256];

		unit_int(u, sp_db_open(&db, path, MODES[i], 0, &err), -1,
			"an older schema is not read");
		snprintf(expected, sizeof expected,
			"database '%s' has schema 1, this sp needs %d: any "
			"tool that writes brings it up to date",
			path, SP_SCHEMA_VERSION);
		unit_str(u, err.msg, expected, "  says so");
		unit_int(u, err.code, SP_CONFIG, "  its code");
	}
}

static void open_updated(struct world *w)
{
	world_open(w);
	world_set_pool(w, "1000-1009", "");
	sp_db_close(w->db);
	world_must(w, sp_db_open(&w->db, path, SP_DB_WRITE, 0, &w->err) == 0,
		"bringing up to date");
	w->scope.db = w->db;
	world_must(w, sp_tenant_open(&w->tenant, w->db, false, &w->err) == 0,
		"the tenant");
}

static void check_sound(struct unit *u, struct world *w)
{
	static const char VERSION[] = "PRAGMA user_version",
			  BROKEN[] = "SELECT \"table\" FROM"
				     " pragma_foreign_key_check",
			  HEALTH[] = "PRAGMA integrity_check",
			  LEFT_OVER[] = "SELECT name FROM sqlite_schema"
					" WHERE name LIKE 'forward\\_1' ESCAPE"
					" '\\'";
	char version[16];

	snprintf(version, sizeof version, "%d", SP_SCHEMA_VERSION);
	unit_str(u, world_text(w, VERSION), version, "the version");
	unit_str(u, world_text(w, BROKEN), "", "no broken foreign key");
	unit_str(u, world_text(w, HEALTH), "ok", "the file is sound");
	unit_str(u, world_text(w, LEFT_OVER), "", "nothing is left over");
}

/* The same tables and indexes as in a database that is new. */
static void check_same(struct unit *u, struct world *w)
{
	static const char SCHEMA[] =
		"SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema"
		" WHERE name NOT LIKE 'sqlite%' ORDER BY name";
	static char text[2][16384];
	struct world other;

	world_open(&other);
	for (int i = 0; i < 2; i++) {
		struct sp_stmt *row;
		size_t n = 0;

		world_must(w,
			sp_db_query(i == 0 ? w->db : other.db, SCHEMA,
				SP_NO_ARGS, &row, &w->err) == 0,
			SCHEMA);
		while (sp_db_step(row, &w->err) == 1)
			n += (size_t)snprintf(text[i] + n, sizeof text[i] - n,
				"%s\n", sp_col_text(row, 0));
		sp_db_done(row);
	}
	unit_ok(u, strlen(text[0]) > 1000 && strcmp(text[0], text[1]) == 0,
		"the schema is that of a new database");
	world_close(&other);
}

static void check_users(struct unit *u, struct world *w)
{
	static const struct {
		const char *operand, *state, *login;
	} cases[] = {
		{"1000", "registered", "asmith"},
		{"1001", "lost", "bjones"},
		{"1002", "resting", ""},
		{"1003", "free", ""},
	};
	struct sp_credentials c;
	struct sp_status status;
	struct sp_binding b;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_must(w,
			sp_status_get(&w->scope, cases[i].operand, &status,
				&w->err) == 0,
			cases[i].operand);
		unit_str(u, sp_state_name(status.state), cases[i].state,
			cases[i].operand);
		unit_str(u, status.extension.user.login, cases[i].login,
			"  whose it is");
		unit_ok(u, !status.extension.reserved, "  is not reserved");
	}
	unit_int(u, sp_secret_find(&w->scope, "1000", &c, &w->err), 1,
		"a secret");
	unit_ok(u, c.has_secret, "  is there");
	unit_int(u, sp_binding_list(&w->scope, 1, &b, 1, &w->err), 1,
		"a binding");
	unit_int(u, b.cseq, 3, "  its CSeq");
	unit_str(u, b.local, "", "  its own address, not known");
	unit_int(u, sp_session_is_open(&w->scope, 1, &w->err), 1,
		"a session is open");
}

static void check_forwarding(struct unit *u, struct world *w)
{
	const struct sp_extension e = world_extension(w, "1000");
	struct sp_rule rules[SP_N_CONDITIONS];
	struct sp_forwarding f;
	unsigned changed;
	char text[128];

	world_must(w, sp_forward_load(&w->scope, 1, &f, &w->err) == 0, "rules");
	sp_forward_in_force(&f, T, rules);
	sp_forward_text(rules, text, sizeof text);
	unit_str(u, text, "busy=1001 no-answer=reject/15s", "the rules");
	unit_str(u, f.lasting[SP_OFFLINE].target, "1001", "  one that is off");
	unit_ok(u, !f.lasting[SP_OFFLINE].enabled, "  is off");
	for (int i = 0; i < SP_N_CONDITIONS; i++)
		unit_str(u, f.timed[i].target, "", "  none is for a time");
	unit_int(u, sp_forward_undo(&w->scope, &e, &changed, &w->err), 0,
		"  nothing to undo");
}

static void check_events(struct unit *u, struct world *w)
{
	const struct sp_event_query query = {.number = "1000"};
	struct sp_event_row list[4];

	unit_int(u, sp_event_list(&w->scope, &query, list, 4, &w->err), 2,
		"the events");
	unit_str(u, list[0].what, "assigned", "  what");
	unit_str(u, list[0].actor, "root", "  by whom");
	unit_int(u, list[1].seq, 2, "  the sequence");
	unit_str(u, list[1].new_value, "sip:a", "  the detail");
	unit_str(u, list[1].old_value, "", "  which had no former value");
}

/* And life goes on. */
static void check_life(struct unit *u, struct world *w)
{
	struct sp_pool_count count;
	struct sp_tenure tenure;

	world_must(w, sp_db_begin(w->db, &w->err) == 0, "begin");
	unit_int(u, sp_tenure_find_at(&w->scope, T, "1000", &tenure, &w->err),
		1, "a tenure");
	unit_int(u, tenure.from_ms, T - 200000, "  since then");
	sp_pool_count_range(&w->scope, &w->tenant.pool.all.at[0], &count,
		&w->err);
	unit_int(u, count.resting, 1, "one number rests");
	unit_int(u, count.free, 7, "  seven are free");
	unit_str(u, world_assign(w, "cwu", NULL), "1003", "the lowest is next");
	unit_str(u, world_assign(w, "dan", NULL), "1004", "  then a new one");
	w->scope.now_ms = T + 1000;
	unit_str(u, world_assign(w, "eve", NULL), "1002",
		"  or one that rested");
	world_recycle(w, "asmith");
	unit_str(u, world_assign(w, "fay", NULL), "1000",
		"and all is recycled");
	world_must(w, sp_db_commit(w->db, &w->err) == 0, "commit");
}

int main(void)
{
	struct unit u = {0};
	struct world w;

	make_version_1();
	check_unread(&u);
	open_updated(&w);
	check_sound(&u, &w);
	check_same(&u, &w);
	check_users(&u, &w);
	check_forwarding(&u, &w);
	check_events(&u, &w);
	check_life(&u, &w);
	world_close(&w);
	remove_file();
	return unit_done(&u);
}
