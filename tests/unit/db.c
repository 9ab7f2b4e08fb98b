/* lib/db: values, statements, transactions, and which files are ours. */
#include "lib/db.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/schema.h"
#include "tests/unit/world.h"

/* The rows of a query, columns with '|' and rows with ' ' between them. */
static const char *rows(struct sp_db *db, const char *sql,
	const struct sp_value *args, int columns)
{
	static char text[512];
	static struct sp_err err;
	struct sp_stmt *st;
	size_t n = 0;
	int rc;

	text[0] = '\0';
	if (sp_db_query(db, sql, args, &st, &err) != 0)
		return err.msg;
	while ((rc = sp_db_step(st, &err)) == 1)
		for (int i = 0; i < columns && n < sizeof text; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
				i > 0   ? "|"
				: n > 0 ? " "
					: "",
				sp_col_text(st, i) == NULL
					? "NULL"
					: sp_col_text(st, i));
	sp_db_done(st);
	return rc < 0 ? err.msg : text;
}

/* ---- values ------------------------------------------------------------ */

static void check_values(struct unit *u, struct world *w)
{
	static const char
		IN_ORDER[] = "SELECT $1, $2, $3",
		BACKWARDS[] = "SELECT $2, $1, $2",
		TEN[] = "SELECT $10, $1, $9, $8, $7, $6, $5, $4, $3, $2",
		TYPES[] = "SELECT typeof($1), typeof($2), typeof($3),"
			  " typeof($4), typeof($5), typeof($6)",
		LIMITS[] = "SELECT $1, $2";
	struct sp_db *db = w->db;

	unit_str(u,
		rows(db, IN_ORDER, SP_ARGS(sp_int(1), sp_text("b"), sp_null()),
			3),
		"1|b|NULL", "values in order");
	unit_str(u, rows(db, BACKWARDS, SP_ARGS(sp_int(1), sp_int(2)), 3),
		"2|1|2", "$2 before $1");
	unit_str(u, rows(db, BACKWARDS, SP_ARGS(sp_int(3), sp_int(4)), 3),
		"4|3|4", "  and other values");
	unit_str(u,
		rows(db, TEN,
			SP_ARGS(sp_int(1), sp_int(2), sp_int(3), sp_int(4),
				sp_int(5), sp_int(6), sp_int(7), sp_int(8),
				sp_int(9), sp_int(10)),
			10),
		"10|1|9|8|7|6|5|4|3|2", "$10 is not $1");
	unit_str(u,
		rows(db, TYPES,
			SP_ARGS(sp_int(1), sp_text(""), sp_text(NULL),
				sp_blob("", 0), sp_blob(NULL, 4), sp_null()),
			6),
		"integer|text|null|blob|null|null", "types");
	unit_str(u,
		rows(db, LIMITS, SP_ARGS(sp_int(INT64_MIN), sp_int(INT64_MAX)),
			2),
		"-9223372036854775808|9223372036854775807", "limits");
	unit_str(u, rows(db, IN_ORDER, SP_ARGS(sp_int(1), sp_int(2)), 3),
		"wrong values for: SELECT $1, $2, $3", "one too few");
	unit_str(u,
		rows(db, IN_ORDER,
			SP_ARGS(sp_int(1), sp_int(2), sp_int(3), sp_int(4)), 3),
		"wrong values for: SELECT $1, $2, $3", "one too many");
	unit_str(u,
		rows(db, IN_ORDER, SP_ARGS(sp_int(1), sp_int(2), sp_int(3)), 3),
		"1|2|3", "  and right again");
}

static void check_columns(struct unit *u, struct world *w)
{
	static const char SQL[] = "SELECT 7, 'text', x'000102', NULL";
	struct sp_stmt *st;
	char little[4];
	const void *blob;
	size_t len;

	if (!unit_int(u, sp_db_first(w->db, SQL, SP_NO_ARGS, &st, &w->err), 1,
		    "a row"))
		return;
	unit_int(u, sp_col_int(st, 0), 7, "an integer");
	unit_str(u, sp_col_text(st, 1), "text", "a text");
	sp_col_copy(st, 1, little, sizeof little);
	unit_str(u, little, "tex", "  cut to fit");
	blob = sp_col_blob(st, 2, &len);
	unit_ok(u, len == 3 && memcmp(blob, "\0\1\2", 3) == 0, "a blob");
	unit_int(u, sp_col_int(st, 3), 0, "NULL as an integer");
	unit_str(u, sp_col_text(st, 3), NULL, "  as a text");
	sp_col_copy(st, 3, little, sizeof little);
	unit_str(u, little, "", "  copied");
	blob = sp_col_blob(st, 3, &len);
	unit_ok(u, blob == NULL && len == 0, "  as a blob");
	sp_db_done(st);
	sp_db_done(NULL);
}

/* ---- statements -------------------------------------------------------- */

/* Which id the engine has given, also when that is not the next one. */
static void check_insert(struct unit *u, struct world *w)
{
	static const char MAKE[] =
		"CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
			  FAR[] = "INSERT INTO item (id) VALUES (41)",
			  ADD[] = "INSERT INTO item (name) VALUES ($1)";
	int64_t id = 0;

	sp_db_exec(w->db, MAKE, SP_NO_ARGS, NULL, &w->err);
	sp_db_exec(w->db, FAR, SP_NO_ARGS, NULL, &w->err);
	unit_int(u,
		sp_db_insert(w->db, ADD, SP_ARGS(sp_text("a")), &id, &w->err),
		0, "a row is added");
	unit_int(u, id, 42, "  and has an id");
	unit_int(u,
		sp_db_insert(w->db, ADD, SP_ARGS(sp_text("a")), &id, &w->err),
		-1, "what cannot be added");
	unit_int(u, id, 42, "  gives none");
}

static void check_statements(struct unit *u, struct world *w)
{
	static const char NUMBERS[] = "SELECT value FROM json_each('[1,2,3]')",
			  NONE[] = "SELECT 1 WHERE 0", BAD[] = "SELECT missing",
			  SAME_TEXT[] =
				  "SELECT value FROM json_each('[1,2,3]')";
	struct sp_stmt *st, *other;
	struct sp_db *db = w->db;

	unit_str(u, rows(db, NUMBERS, SP_NO_ARGS, 1), "1 2 3", "a query");
	unit_int(u, sp_db_first(db, NUMBERS, SP_NO_ARGS, &st, &w->err), 1,
		"its first row");
	unit_int(u, sp_db_query(db, NUMBERS, SP_NO_ARGS, &other, &w->err), -1,
		"the same text inside");
	unit_str(u, w->err.msg,
		"statement table: in use: "
		"SELECT value FROM json_each('[1,2,3]')",
		"  is refused");
	unit_int(u, w->err.code, SP_BUG, "  its code");
	unit_ok(u, other == NULL, "  gives no statement");
	unit_str(u, rows(db, SAME_TEXT, SP_NO_ARGS, 1), "1 2 3",
		"another text inside");
	unit_int(u, sp_db_step(st, &w->err), 1, "and the first goes on");
	unit_int(u, sp_col_int(st, 0), 2, "  where it was");
	sp_db_done(st);
	unit_str(u, rows(db, NUMBERS, SP_NO_ARGS, 1), "1 2 3",
		"from the start again");
	unit_int(u, sp_db_first(db, NONE, SP_NO_ARGS, &st, &w->err), 0,
		"no rows");
	unit_ok(u, st == NULL, "  no statement to give back");
	unit_str(u, rows(db, NONE, SP_NO_ARGS, 1), "", "  nor is it in use");
	for (int i = 0; i < 2; i++) {
		unit_int(u, sp_db_query(db, BAD, SP_NO_ARGS, &st, &w->err), -1,
			"no SQL");
		unit_str(u, w->err.msg,
			"database 'memory': "
			"no such column: missing",
			"  says so");
	}
}

/* More texts than there is room for: an error, and no loop. */
static void check_full(struct unit *u)
{
	static char sql[200][32];
	struct sp_err err = {.msg = ""};
	struct sp_db *db;
	int n = 0;

	if (sp_db_open(&db, "/nonexistent/sp.db", SP_DB_TRIAL, 0, &err) != 0)
		exit(2);
	for (; n < 200; n++) {
		snprintf(sql[n], sizeof sql[n], "SELECT %d", n);
		if (sp_db_exec(db, sql[n], SP_NO_ARGS, NULL, &err) != 0)
			break;
	}
	unit_ok(u, n > 80 && n < 200, "%d statements", n);
	unit_ok(u, strncmp(err.msg, "statement table: full: ", 23) == 0,
		"  then it is full");
	unit_int(u, sp_db_exec(db, sql[0], SP_NO_ARGS, NULL, &err), 0,
		"  the first is still there");
	sp_db_close(db);
	sp_db_close(NULL);
}

static void check_transactions(struct unit *u, struct world *w)
{
	static const char ADD[] = "INSERT INTO tenant (domain) VALUES ($1)"
				  " ON CONFLICT (domain) DO NOTHING",
			  LIST[] = "SELECT domain FROM tenant ORDER BY domain",
			  CHANGE[] = "UPDATE tenant SET domain = domain || '2'";
	struct sp_db *db = w->db;
	int64_t changed = -1;

	unit_ok(u, sp_db_in_transaction(db), "in one");
	unit_int(u, sp_db_begin(db, &w->err), -1, "they do not nest");
	unit_int(u, sp_db_commit(db, &w->err), 0, "committed");
	unit_ok(u, !sp_db_in_transaction(db), "  is over");
	unit_int(u, sp_db_commit(db, &w->err), -1, "none to commit");
	sp_db_rollback(db);
	sp_db_rollback(NULL);
	sp_db_begin(db, &w->err);
	sp_db_exec(db, ADD, SP_ARGS(sp_text("b.example")), &changed, &w->err);
	unit_int(u, changed, 1, "a row more");
	sp_db_exec(db, ADD, SP_ARGS(sp_text("b.example")), &changed, &w->err);
	unit_int(u, changed, 0, "  not twice");
	sp_db_exec(db, CHANGE, SP_NO_ARGS, &changed, &w->err);
	unit_int(u, changed, 2, "two rows changed");
	unit_str(u, rows(db, LIST, SP_NO_ARGS, 1), "acme.example2 b.example2",
		"  seen inside");
	sp_db_rollback(db);
	unit_str(u, rows(db, LIST, SP_NO_ARGS, 1), "acme.example",
		"rolled back");
	sp_db_begin(db, &w->err);
}

/* A point to go back to, inside of a transaction. */
static void check_points(struct unit *u, struct world *w)
{
	static const char ADD[] = "INSERT INTO tenant (domain) VALUES ($1)",
			  LIST[] = "SELECT domain FROM tenant ORDER BY domain";
	struct sp_db *db = w->db;

	sp_db_exec(db, ADD, SP_ARGS(sp_text("b")), NULL, &w->err);
	unit_int(u, sp_db_save(db, &w->err), 0, "a point");
	sp_db_exec(db, ADD, SP_ARGS(sp_text("c")), NULL, &w->err);
	unit_int(u, sp_db_revert(db, &w->err), 0, "  gone back to");
	unit_str(u, rows(db, LIST, SP_NO_ARGS, 1), "acme.example b",
		"  what came since is undone");
	unit_ok(u, sp_db_in_transaction(db), "  the transaction goes on");
	unit_int(u, sp_db_save(db, &w->err), 0, "another point");
	sp_db_exec(db, ADD, SP_ARGS(sp_text("c")), NULL, &w->err);
	unit_int(u, sp_db_exec(db, ADD, SP_ARGS(sp_text("c")), NULL, &w->err),
		-1, "  an error behind it");
	unit_int(u, sp_db_keep(db, &w->err), 0, "  kept");
	unit_str(u, rows(db, LIST, SP_NO_ARGS, 1), "acme.example b c",
		"  what was right is there");
	unit_int(u, sp_db_keep(db, &w->err), -1, "  once");
	unit_int(u, sp_db_revert(db, &w->err), -1, "  nor is it undone");
	sp_db_rollback(db);
	unit_str(u, rows(db, LIST, SP_NO_ARGS, 1), "acme.example",
		"all is undone with the transaction");
	sp_db_begin(db, &w->err);
}

/* ---- dependents -------------------------------------------------------- */

/* What hangs on a row, in tables that the code does not know. */
static void check_dependents(struct unit *u, struct world *w)
{
	static const char *const SQL[] = {
		"CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
		"CREATE TABLE a (x INTEGER REFERENCES thing (id))",
		"CREATE TABLE \"b \"\"c\" (\"y z\" INTEGER REFERENCES thing)",
		"CREATE TABLE two (x REFERENCES thing, y REFERENCES thing)",
		"CREATE TABLE by_name (x TEXT REFERENCES thing (name))",
		"CREATE TABLE other (x INTEGER)",
		"INSERT INTO thing VALUES (1, 'one'), (2, 'two')",
		"INSERT INTO a VALUES (1), (2), (1)",
		"INSERT INTO \"b \"\"c\" VALUES (1), (2)",
		"INSERT INTO two VALUES (1, 2), (2, 1), (2, 2), (NULL, NULL)",
		"INSERT INTO by_name VALUES ('one')",
		"INSERT INTO other VALUES (1)",
	};
	static const char COUNTS[] =
		"SELECT (SELECT count(*) FROM thing),"
		" (SELECT count(*) FROM a), (SELECT count(*) FROM \"b \"\"c\"),"
		" (SELECT count(*) FROM two), (SELECT count(*) FROM by_name),"
		" (SELECT count(*) FROM other)";

	for (size_t i = 0; i < sizeof SQL / sizeof SQL[0]; i++)
		world_run(w, SQL[i]);
	unit_int(u, sp_db_delete_dependents(w->db, "thing", 1, &w->err), 0,
		"dependents");
	unit_str(u, rows(w->db, COUNTS, SP_NO_ARGS, 6), "2|1|1|2|1|1",
		"  are gone, the row and others stay");
	unit_int(u, sp_db_delete_dependents(w->db, "thing", 7, &w->err), 0,
		"of no row");
	unit_int(u, sp_db_delete_dependents(w->db, "nothing", 1, &w->err), 0,
		"of no table");
	unit_str(u, rows(w->db, COUNTS, SP_NO_ARGS, 6), "2|1|1|2|1|1",
		"  nothing");
	unit_int(u, sp_db_delete_dependents(w->db, "thing", 2, &w->err), 0,
		"of another row");
	unit_str(u, rows(w->db, COUNTS, SP_NO_ARGS, 6), "2|0|0|1|1|1",
		"  are gone too");
}

/* Tables that come, go and change after others have been followed. */
static void check_new_dependents(struct unit *u, struct world *w)
{
	static const char MAKE[] =
		"CREATE TABLE late (x INTEGER REFERENCES thing (id))",
			  FILL[] = "INSERT INTO late VALUES (1), (2)",
			  LIST[] = "SELECT x FROM late",
			  DROP[] = "DROP TABLE a";

	world_run(w, MAKE);
	world_run(w, FILL);
	world_turn(w);
	unit_int(u, sp_db_delete_dependents(w->db, "thing", 1, &w->err), 0,
		"a table that has been added");
	unit_str(u, rows(w->db, LIST, SP_NO_ARGS, 1), "2", "  is seen");
	world_run(w, DROP);
	world_turn(w);
	unit_int(u, sp_db_delete_dependents(w->db, "thing", 2, &w->err), 0,
		"one that has been dropped");
	unit_str(u, rows(w->db, LIST, SP_NO_ARGS, 1), "", "  is no trouble");
}

/* ---- files ------------------------------------------------------------- */

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
	return path[i];
}

/* Opens, runs one statement (or none) and closes. Returns the error's text,
 * "" for none, with the directory as "DIR". */
static const char *try_open(const char *path, enum sp_db_mode mode,
	const char *sql)
{
	static struct sp_err err;
	static char text[512];
	struct sp_db *db;
	char *at;
	int rc = sp_db_open(&db, path, mode, 0, &err);

	if (rc == 0 && sql != NULL)
		rc = sp_db_exec(db, sql, SP_NO_ARGS, NULL, &err);
	if (rc == 0)
		err.msg[0] = '\0';
	sp_db_close(db);
	at = rc == 0 ? NULL : strstr(err.msg, dir);
	if (at == NULL)
		return err.msg;
	snprintf(text, sizeof text, "%.*sDIR%s", (int)(at - err.msg), err.msg,
		at + strlen(dir));
	return text;
}

static void write_file(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(data, 1, len, file) != len ||
		fclose(file) != 0) {
		perror(path);
		exit(2);
	}
}

static size_t read_file(const char *path, char *data, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n = file == NULL ? 0 : fread(data, 1, size, file);

	if (file != NULL)
		fclose(file);
	return n;
}

static void check_made(struct unit *u)
{
	static const char VERSION[] = "PRAGMA user_version";
	const char *path = in_dir("x/y/sp.db");
	struct sp_err err;
	struct sp_db *db;
	struct stat st;
	char version[16];

	unit_str(u, try_open(path, SP_DB_READ, NULL),
		"no users yet: no database 'DIR/x/y/sp.db' (sp-assign LOGIN "
		"makes both)",
		"none to read");
	unit_str(u, try_open(path, SP_DB_WRITE, NULL),
		"no users yet: no database 'DIR/x/y/sp.db' (sp-assign LOGIN "
		"makes both)",
		"none to write");
	unit_str(u, try_open(path, SP_DB_TRIAL, NULL), "", "one to try");
	unit_ok(u, access(in_dir("x"), F_OK) != 0, "  which leaves nothing");
	unit_str(u, try_open(path, SP_DB_CREATE, NULL), "", "made");
	unit_ok(u,
		stat(in_dir("x/y/sp.db"), &st) == 0 &&
			(st.st_mode & 0777) == 0600,
		"  for its owner only");
	unit_ok(u, stat(in_dir("x"), &st) == 0 && (st.st_mode & 0777) == 0700,
		"  in directories of his own");
	unit_str(u, try_open(in_dir("x/y/sp.db"), SP_DB_READ, NULL), "",
		"  and can be read");
	unit_str(u, try_open(in_dir("x/y"), SP_DB_READ, NULL),
		"database 'DIR/x/y' is not a file", "a directory");
	if (sp_db_open(&db, in_dir("x/y/sp.db"), SP_DB_READ, 0, &err) != 0)
		exit(2);
	snprintf(version, sizeof version, "%d", SP_SCHEMA_VERSION);
	unit_str(u, rows(db, VERSION, SP_NO_ARGS, 1), version,
		"  of this schema");
	sp_db_close(db);
	unit_str(u,
		try_open(in_dir("x/y/sp.db"), SP_DB_READ, "DELETE FROM tenant"),
		"database 'DIR/x/y/sp.db': attempt to "
		"write a readonly database",
		"  only read");
}

/* Whoever waits for changes of others asks this. */
static void check_version(struct unit *u)
{
	static const char ADD[] = "INSERT INTO tenant (domain) VALUES ('x')";
	int64_t before, after;
	struct sp_db *a, *b;
	struct sp_err err;

	if (sp_db_open(&a, in_dir("v.db"), SP_DB_CREATE, 0, &err) != 0 ||
		sp_db_open(&b, in_dir("v.db"), SP_DB_WRITE, 0, &err) != 0)
		exit(2);
	unit_int(u, sp_db_version(a, &before, &err), 0, "a version");
	sp_db_version(a, &after, &err);
	unit_int(u, after, before, "  stays while nobody writes");
	sp_db_begin(b, &err);
	sp_db_exec(b, ADD, SP_NO_ARGS, NULL, &err);
	sp_db_version(a, &after, &err);
	unit_int(u, after, before, "  nor has committed");
	sp_db_commit(b, &err);
	sp_db_version(a, &after, &err);
	unit_ok(u, after != before, "  and changes then");
	sp_db_close(a);
	sp_db_close(b);
}

static void check_empty(struct unit *u)
{
	char data[16];

	write_file(in_dir("empty.db"), "", 0);
	unit_str(u, try_open(in_dir("empty.db"), SP_DB_READ, NULL),
		"database 'DIR/empty.db' is empty (sp-assign and sp-register "
		"serve fill it)",
		"an empty file");
	unit_str(u, try_open(in_dir("empty.db"), SP_DB_WRITE, NULL),
		"database 'DIR/empty.db' is empty (sp-assign and sp-register "
		"serve fill it)",
		"  for a writer, too");
	unit_int(u, (int64_t)read_file(in_dir("empty.db"), data, sizeof data),
		0, "  stays empty");
	unit_str(u,
		try_open(in_dir("empty.db"), SP_DB_CREATE,
			"SELECT heartbeat_ms FROM server"),
		"", "  and is filled");
	unit_str(u,
		try_open(in_dir("empty.db"), SP_DB_READ,
			"SELECT heartbeat_ms FROM server"),
		"", "  for good");
}

/* A database of ours that `sql` makes another's, as SQLite would leave it:
 * without a WAL. */
static void make_stranger(const char *path, const char *sql)
{
	static const char NO_WAL[] = "PRAGMA journal_mode=DELETE";
	struct sp_err err;
	struct sp_db *db;

	unlink(path);
	if (sp_db_open(&db, path, SP_DB_CREATE, 0, &err) != 0 ||
		sp_db_exec(db, sql, SP_NO_ARGS, NULL, &err) != 0 ||
		sp_db_exec(db, NO_WAL, SP_NO_ARGS, NULL, &err) != 0) {
		printf("Bail out! %s\n", err.msg);
		exit(2);
	}
	sp_db_close(db);
}

/* Those that are not ours stay as they are, byte for byte. */
static void check_strangers(struct unit *u)
{
	static const struct {
		const char *name, *sql, *error;
	} cases[] = {
		{"newer", "PRAGMA user_version=99",
			"database 'DIR/s.db' has "
			"schema 99, this sp knows up to 4: use a newer sp"},
		{"another program's", "PRAGMA application_id=1",
			"database 'DIR/s.db' is not one of sp"},
		{"one without id", "PRAGMA application_id=0",
			"database 'DIR/s.db' is not one of sp"},
	};
	static const enum sp_db_mode MODES[] = {SP_DB_READ, SP_DB_WRITE,
		SP_DB_CREATE, SP_DB_SERVER, SP_DB_TRIAL};
	static char before[262144], after[262144];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len;

		make_stranger(in_dir("s.db"), cases[i].sql);
		len = read_file(in_dir("s.db"), before, sizeof before);
		for (size_t k = 0; k < sizeof MODES / sizeof MODES[0]; k++)
			unit_str(u, try_open(in_dir("s.db"), MODES[k], NULL),
				cases[i].error, cases[i].name);
		unit_ok(u,
			len > 0 && len < sizeof before &&
				read_file(in_dir("s.db"), after,
					sizeof after) == len &&
				memcmp(before, after, len) == 0,
			"  untouched");
	}
	write_file(in_dir("text.db"),
		"This is not a database, but long "
		"enough for a header of one hundred bytes, which this line "
		"is by now.\n",
		101);
	unit_str(u, try_open(in_dir("text.db"), SP_DB_WRITE, NULL),
		"database 'DIR/text.db': file is not a database", "a text");
}

/* A schema with foreign keys that delete_dependents can follow. */
static void check_schema(struct unit *u, struct world *w)
{
	static const char KEYS[] =
		"SELECT count(*) FROM sqlite_schema s,"
		" pragma_foreign_key_list(s.name) k WHERE s.type = 'table'",
			  OTHERS[] = "SELECT s.name FROM sqlite_schema s,"
				     " pragma_foreign_key_list(s.name) k WHERE "
				     "s.type = 'table'"
				     " AND k.\"to\" IS NOT 'id'",
			  BROKEN[] = "PRAGMA foreign_key_check",
			  HEALTH[] = "PRAGMA integrity_check",
			  ENFORCED[] = "PRAGMA foreign_keys";

	unit_ok(u, atoi(rows(w->db, KEYS, SP_NO_ARGS, 1)) > 5,
		"the schema has foreign keys");
	unit_str(u, rows(w->db, OTHERS, SP_NO_ARGS, 1), "", "  all to an id");
	unit_str(u, rows(w->db, BROKEN, SP_NO_ARGS, 1), "", "  none broken");
	unit_str(u, rows(w->db, HEALTH, SP_NO_ARGS, 1), "ok", "sound");
	unit_str(u, rows(w->db, ENFORCED, SP_NO_ARGS, 1), "1", "enforced");
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	struct unit u = {0};
	struct world w;
	char command[96];

	snprintf(dir, sizeof dir, "%.40s/sp-unit-XXXXXX",
		tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 2;
	}
	world_open(&w);
	check_values(&u, &w);
	check_columns(&u, &w);
	check_insert(&u, &w);
	check_statements(&u, &w);
	check_schema(&u, &w);
	check_transactions(&u, &w);
	check_points(&u, &w);
	check_dependents(&u, &w);
	check_new_dependents(&u, &w);
	world_close(&w);
	check_full(&u);
	check_made(&u);
	check_version(&u);
	check_empty(&u);
	check_strangers(&u);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return unit_done(&u) | (system(command) != 0);
}
