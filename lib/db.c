/* The database engine: SQLite, and nothing above this file knows it. */
#include "lib/db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/schema.h"

enum {
	MAX_STATEMENTS = 160, /* distinct SQL texts of one program */
	MAX_DEPENDENTS = 32,  /* foreign keys to the tables that we ask for */
	MAX_PARAMETERS = 16,
	RETRY_MS = 5,
	/* "sp" as SQLite's application id, so that we do not migrate a
	 * stranger's database. */
	APPLICATION_ID = 0x73700001,
};

struct sp_stmt {
	const char *sql; /* its address is the key */
	sqlite3_stmt *handle;
	struct sp_db *db;
	bool in_use;
	/* SQLite numbers $1, $2 ... as it meets them: place of each; 0: the
	 * text has none of that name. */
	int place[MAX_PARAMETERS];
};

/* Deletes the rows of a table that point to one of another. */
struct dependent {
	const char *of; /* the table that is pointed to: a constant */
	sqlite3_stmt *delete;
};

struct sp_db {
	sqlite3 *handle;
	struct dependent dependent[MAX_DEPENDENTS];
	int n_dependents;
	struct sp_stmt stmt[MAX_STATEMENTS]; /* open addressing by address */
};

/* ---- errors ------------------------------------------------------------ */

static enum sp_code code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return SP_TEMPFAIL;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY: return SP_NOPERM;
	case SQLITE_NOTADB: return SP_DATA;
	case SQLITE_CORRUPT:
	case SQLITE_IOERR:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN: return SP_IO;
	default: return SP_BUG;
	}
}

static const char *path_of(const struct sp_db *db)
{
	const char *path = sqlite3_db_filename(db->handle, "main");

	return path == NULL || path[0] == '\0' ? "memory" : path;
}

/* The first one who opens the file makes two more beside it, readers too. */
static bool is_shut_out(const struct sp_db *db, int rc)
{
	char dir[PATH_MAX];

	if ((rc & 0xff) != SQLITE_READONLY && (rc & 0xff) != SQLITE_CANTOPEN)
		return false;
	snprintf(dir, sizeof dir, "%s", path_of(db));
	return access(dirname(dir), W_OK) != 0;
}

/* What SQLite calls an I/O error only: it knows of no quotas and limits. */
static bool is_no_room(int rc, int error)
{
	return (rc & 0xff) == SQLITE_IOERR &&
	       (error == EFBIG || error == EDQUOT || error == ENOSPC);
}

static int fail(struct sp_db *db, struct sp_err *err)
{
	int error = errno, rc = sqlite3_extended_errcode(db->handle);

	if (code_of(rc) == SP_TEMPFAIL)
		return sp_err_set(err, SP_TEMPFAIL,
			"database '%s' is busy, try again", path_of(db));
	if (is_shut_out(db, rc))
		return sp_err_set(err, SP_NOPERM,
			"database '%s': its directory must be writable while "
			"sp-register serve is not running: %s",
			path_of(db), strerror(errno));
	return sp_err_set(err, code_of(rc), "database '%s': %s", path_of(db),
		is_no_room(rc, error) ? strerror(error)
				      : sqlite3_errmsg(db->handle));
}

/* ---- opening ----------------------------------------------------------- */

/* Makes the directory that the file stands in, and those above it. */
static int make_directories(const char *path, struct sp_err *err)
{
	char dir[PATH_MAX];

	if (strlen(path) >= sizeof dir)
		return sp_err_set(err, SP_CONFIG, "path '%.60s...' is too long",
			path);
	strcpy(dir, path);
	for (char *p = strchr(dir + 1, '/'); p != NULL;
		p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0700) != 0 && errno != EEXIST)
			return sp_err_set(err,
				errno == EACCES ? SP_NOPERM : SP_IO,
				"cannot make directory '%s': %s", dir,
				strerror(errno));
		*p = '/';
	}
	return 0;
}

/* SQLite would create the file with the umask's mode; its -wal and -shm take
 * the mode of the file. */
static int make_file(const char *path, struct sp_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return sp_err_set(err,
			errno == EACCES || errno == EPERM || errno == EROFS
				? SP_NOPERM
				: SP_IO,
			"cannot create database '%s': %s", path,
			strerror(errno));
	close(fd);
	return 0;
}

static int check_file(const char *path, enum sp_db_mode mode,
	struct sp_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return sp_err_set(err, SP_DATA,
				"database '%s' is not a file", path);
		if (access(path, mode == SP_DB_READ ? R_OK : R_OK | W_OK) == 0)
			return 0;
		return sp_err_set(err, SP_NOPERM,
			"cannot open database '%s': %s", path, strerror(errno));
	}
	if (mode == SP_DB_CREATE || mode == SP_DB_SERVER) {
		if (make_directories(path, err) != 0)
			return -1;
		return make_file(path, err);
	}
	if (errno == ENOENT)
		return sp_err_set(err, SP_NOINPUT,
			"no users yet: no database '%s' (sp-assign LOGIN makes "
			"both)",
			path);
	return sp_err_set(err, errno == EACCES ? SP_NOPERM : SP_NOINPUT,
		"no database '%s': %s", path, strerror(errno));
}

static int run(struct sp_db *db, const char *sql, struct sp_err *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, err);
	return 0;
}

static int pragma_int(struct sp_db *db, const char *sql, int *out,
	struct sp_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int(st, 0);
	else
		fail(db, err);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : -1;
}

/* Returns the schema's version; fails for strangers and newer ones. */
static int read_version(struct sp_db *db, int *version, struct sp_err *err)
{
	int app, tables;

	/* The id comes last: while it is 0, another process that makes the
	 * same file has not committed what was read before. */
	if (pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables,
		    err) != 0 ||
		pragma_int(db, "PRAGMA user_version", version, err) != 0 ||
		pragma_int(db, "PRAGMA application_id", &app, err) != 0)
		return -1;
	if (app != APPLICATION_ID && (app != 0 || *version != 0 || tables != 0))
		return sp_err_set(err, SP_DATA,
			"database '%s' is not one of sp", path_of(db));
	if (*version > SP_SCHEMA_VERSION)
		return sp_err_set(err, SP_CONFIG,
			"database '%s' has schema %d, this sp knows up to %d: "
			"use a newer sp",
			path_of(db), *version, SP_SCHEMA_VERSION);
	return 0;
}

static int migrate(struct sp_db *db, struct sp_err *err)
{
	char pragma[96];
	int version;

	if (read_version(db, &version, err) != 0)
		return -1;
	if (version == SP_SCHEMA_VERSION)
		return 0;
	if (sp_db_begin(db, err) != 0)
		return -1;
	/* Another process may have been faster. */
	if (read_version(db, &version, err) != 0)
		goto fail;
	for (; version < SP_SCHEMA_VERSION; version++)
		if (run(db, SP_SCHEMA[version], err) != 0)
			goto fail;
	snprintf(pragma, sizeof pragma,
		"PRAGMA application_id=%d; PRAGMA user_version=%d",
		APPLICATION_ID, SP_SCHEMA_VERSION);
	if (run(db, pragma, err) != 0)
		goto fail;
	return sp_db_commit(db, err);
fail:
	sp_db_rollback(db);
	return -1;
}

static int fail_empty(const char *path, struct sp_err *err)
{
	return sp_err_set(err, SP_DATA,
		"database '%s' is empty (sp-assign and sp-register serve fill "
		"it)",
		path);
}

static int require_current(struct sp_db *db, struct sp_err *err)
{
	int version;

	if (read_version(db, &version, err) != 0)
		return -1;
	if (version == 0)
		return fail_empty(path_of(db), err);
	if (version < SP_SCHEMA_VERSION)
		return sp_err_set(err, SP_CONFIG,
			"database '%s' has schema %d, this sp needs %d: "
			"any tool that writes brings it up to date",
			path_of(db), version, SP_SCHEMA_VERSION);
	return 0;
}

/* Two processes that make the same file: where a lock for reading is to become
 * one for writing, SQLite itself does not wait for the other. */
static int use_wal(struct sp_db *db, int wait_ms, struct sp_err *err)
{
	int64_t deadline_ms = sp_clock_monotonic_ms() + wait_ms;

	while (run(db, "PRAGMA journal_mode=WAL", err) != 0) {
		if (err->code != SP_TEMPFAIL ||
			sp_clock_monotonic_ms() >= deadline_ms)
			return -1;
		sqlite3_sleep(RETRY_MS);
	}
	return 0;
}

static bool is_memory(const struct sp_db *db)
{
	const char *path = sqlite3_db_filename(db->handle, "main");

	return path == NULL || path[0] == '\0';
}

static int size_of(const char *path, int64_t *bytes, struct sp_err *err)
{
	struct stat st = {.st_size = 0};

	if (stat(path, &st) != 0 && errno != ENOENT)
		return sp_err_set(err, SP_IO, "cannot look at '%s': %s", path,
			strerror(errno));
	*bytes = st.st_size;
	return 0;
}

int sp_db_size(struct sp_db *db, int64_t *bytes, int64_t *ahead_bytes,
	struct sp_err *err)
{
	const char *path = sqlite3_db_filename(db->handle, "main");

	*bytes = *ahead_bytes = 0;
	if (is_memory(db))
		return 0;
	if (size_of(path, bytes, err) != 0)
		return -1;
	return size_of(sqlite3_filename_wal(path), ahead_bytes, err);
}

static int set_up(struct sp_db *db, enum sp_db_mode mode, int wait_ms,
	struct sp_err *err)
{
	/* A WAL longer than SQLite's 1,000 pages would spare the server
	 * checkpoints, but each would hold up the phones for longer: at 8,000
	 * pages and half the peak load p99 rises from 7 to 25 ms. */
	const char *sync = mode == SP_DB_SERVER ? "PRAGMA synchronous=NORMAL"
						: "PRAGMA synchronous=FULL";
	int version;

	if (run(db,
		    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
		    "PRAGMA trusted_schema=OFF",
		    err) != 0)
		return -1;
	if (mode == SP_DB_READ || mode == SP_DB_TRIAL_WRITE ||
		(mode == SP_DB_TRIAL && !is_memory(db)))
		return require_current(db, err);
	/* First of all, so that a stranger's file stays as it is. */
	if (read_version(db, &version, err) != 0)
		return -1;
	if (mode == SP_DB_WRITE && version == 0)
		return fail_empty(path_of(db), err);
	if (use_wal(db, wait_ms, err) != 0 ||
		run(db, "PRAGMA cache_size=-16000", err) != 0 ||
		run(db, sync, err) != 0)
		return -1;
	return migrate(db, err);
}

static bool is_missing_or_empty(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT;
	return S_ISREG(st.st_mode) && st.st_size == 0;
}

int sp_db_open(struct sp_db **out, const char *path, enum sp_db_mode mode,
	int wait_ms, struct sp_err *err)
{
	int flags = mode == SP_DB_READ ? SQLITE_OPEN_READONLY
				       : SQLITE_OPEN_READWRITE;
	struct sp_db *db;

	*out = NULL;
	if (path[0] == '\0')
		return sp_err_set(err, SP_CONFIG,
			"the path of the database is empty");
	if (mode == SP_DB_TRIAL && is_missing_or_empty(path)) {
		path = ":memory:";
		flags |= SQLITE_OPEN_MEMORY;
	} else if (check_file(path, mode, err) != 0) {
		return -1;
	}
	db = calloc(1, sizeof *db);
	if (db == NULL)
		return sp_err_memory(err);
	/* No program of sp has threads; a second call does nothing. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		sp_err_set(err, SP_IO, "cannot open database '%s': %s", path,
			db->handle == NULL ? "out of memory"
					   : sqlite3_errmsg(db->handle));
		sp_db_close(db);
		return -1;
	}
	sqlite3_busy_timeout(db->handle, wait_ms);
	if (set_up(db, mode, wait_ms, err) != 0) {
		sp_db_close(db);
		return -1;
	}
	*out = db;
	return 0;
}

void sp_db_set_wait(struct sp_db *db, int wait_ms)
{
	sqlite3_busy_timeout(db->handle, wait_ms);
}

static void forget_dependents(struct sp_db *db)
{
	while (db->n_dependents > 0)
		sqlite3_finalize(db->dependent[--db->n_dependents].delete);
}

void sp_db_close(struct sp_db *db)
{
	if (db == NULL)
		return;
	forget_dependents(db);
	for (int i = 0; i < MAX_STATEMENTS; i++)
		sqlite3_finalize(db->stmt[i].handle);
	sqlite3_close(db->handle);
	free(db);
}

/* ---- transactions ------------------------------------------------------ */

/* IMMEDIATE: wait for other writers here, where nothing is half done, and not
 * at the first write, where SQLite could only refuse. */
int sp_db_begin(struct sp_db *db, struct sp_err *err)
{
	forget_dependents(db);
	return sp_db_exec(db, "BEGIN IMMEDIATE", SP_NO_ARGS, NULL, err);
}

int sp_db_begin_read(struct sp_db *db, struct sp_err *err)
{
	return sp_db_exec(db, "BEGIN", SP_NO_ARGS, NULL, err);
}

int sp_db_commit(struct sp_db *db, struct sp_err *err)
{
	if (sp_db_exec(db, "COMMIT", SP_NO_ARGS, NULL, err) == 0)
		return 0;
	sp_db_rollback(db);
	return -1;
}

void sp_db_rollback(struct sp_db *db)
{
	if (db != NULL && sp_db_in_transaction(db))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool sp_db_in_transaction(const struct sp_db *db)
{
	return sqlite3_get_autocommit(db->handle) == 0;
}

int sp_db_save(struct sp_db *db, struct sp_err *err)
{
	return sp_db_exec(db, "SAVEPOINT sp", SP_NO_ARGS, NULL, err);
}

int sp_db_keep(struct sp_db *db, struct sp_err *err)
{
	return sp_db_exec(db, "RELEASE sp", SP_NO_ARGS, NULL, err);
}

int sp_db_revert(struct sp_db *db, struct sp_err *err)
{
	if (sp_db_exec(db, "ROLLBACK TO sp", SP_NO_ARGS, NULL, err) != 0)
		return -1;
	return sp_db_keep(db, err);
}

static int get_int(struct sp_db *db, const char *sql, int64_t *out,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(db, sql, SP_NO_ARGS, &row, err);

	if (rc != 1)
		return -1;
	*out = sp_col_int(row, 0);
	sp_db_done(row);
	return 0;
}

int sp_db_version(struct sp_db *db, int64_t *version, struct sp_err *err)
{
	int moved = 0;

	if (get_int(db, "PRAGMA data_version", version, err) != 0)
		return -1;
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED,
		&moved);
	return moved ? sp_err_set(err, SP_IO,
			       "database '%s' is another file now: begin anew",
			       path_of(db))
		     : 0;
}

/* ---- statements -------------------------------------------------------- */

static struct sp_stmt *slot_of(struct sp_db *db, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) % MAX_STATEMENTS;

	for (int n = 0; n < MAX_STATEMENTS; n++) {
		struct sp_stmt *st = &db->stmt[i];

		if (st->sql == sql || st->sql == NULL)
			return st;
		i = (i + 1) % MAX_STATEMENTS;
	}
	return NULL;
}

static int bind_one(sqlite3_stmt *st, int place, const struct sp_value *value)
{
	switch (value->type) {
	case SP_VALUE_INT: return sqlite3_bind_int64(st, place, value->integer);
	case SP_VALUE_TEXT:
		return sqlite3_bind_text(st, place, value->data, -1,
			SQLITE_STATIC);
	case SP_VALUE_BLOB:
		return sqlite3_bind_blob(st, place, value->data,
			(int)value->len, SQLITE_STATIC);
	default: return sqlite3_bind_null(st, place);
	}
}

/* As many values as the text has parameters: SQLite would keep the last ones
 * of those that are missing. */
static int bind(struct sp_stmt *st, const struct sp_value *args)
{
	int rc = SQLITE_OK, i = 0;

	for (; args[i].type != SP_VALUE_END && rc == SQLITE_OK; i++)
		rc = i < MAX_PARAMETERS && st->place[i] != 0
			     ? bind_one(st->handle, st->place[i], &args[i])
			     : SQLITE_RANGE;
	if (rc != SQLITE_OK || i != sqlite3_bind_parameter_count(st->handle))
		return -1;
	return 0;
}

static int prepare(struct sp_db *db, struct sp_stmt *st, const char *sql)
{
	char name[16];

	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
		    &st->handle, NULL) != SQLITE_OK)
		return -1;
	for (int i = 0; i < MAX_PARAMETERS; i++) {
		snprintf(name, sizeof name, "$%d", i + 1);
		st->place[i] = sqlite3_bind_parameter_index(st->handle, name);
	}
	st->sql = sql;
	st->db = db;
	return 0;
}

int sp_db_query(struct sp_db *db, const char *sql, const struct sp_value *args,
	struct sp_stmt **stmt, struct sp_err *err)
{
	struct sp_stmt *st = slot_of(db, sql);

	*stmt = NULL;
	if (st == NULL || st->in_use)
		return sp_err_set(err, SP_BUG, "statement table: %s: %s",
			st == NULL ? "full" : "in use", sql);
	if (st->sql == NULL && prepare(db, st, sql) != 0)
		return fail(db, err);
	if (bind(st, args) != 0)
		return sp_err_set(err, SP_BUG, "wrong values for: %s", sql);
	st->in_use = true;
	*stmt = st;
	return 0;
}

int sp_db_step(struct sp_stmt *stmt, struct sp_err *err)
{
	int rc = sqlite3_step(stmt->handle);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail(stmt->db, err);
}

void sp_db_done(struct sp_stmt *stmt)
{
	if (stmt == NULL)
		return;
	sqlite3_reset(stmt->handle);
	stmt->in_use = false;
}

int sp_db_exec(struct sp_db *db, const char *sql, const struct sp_value *args,
	int64_t *changed, struct sp_err *err)
{
	struct sp_stmt *st;
	int rc;

	if (sp_db_query(db, sql, args, &st, err) != 0)
		return -1;
	rc = sp_db_step(st, err);
	sp_db_done(st);
	if (rc == 0 && changed != NULL)
		*changed = sqlite3_changes64(db->handle);
	return rc < 0 ? -1 : 0;
}

int sp_db_insert(struct sp_db *db, const char *sql, const struct sp_value *args,
	int64_t *id, struct sp_err *err)
{
	if (sp_db_exec(db, sql, args, NULL, err) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(db->handle);
	return 0;
}

int sp_db_first(struct sp_db *db, const char *sql, const struct sp_value *args,
	struct sp_stmt **stmt, struct sp_err *err)
{
	int rc;

	if (sp_db_query(db, sql, args, stmt, err) != 0)
		return -1;
	rc = sp_db_step(*stmt, err);
	if (rc != 1) {
		sp_db_done(*stmt);
		*stmt = NULL;
	}
	return rc;
}

int64_t sp_col_int(struct sp_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->handle, column);
}

const char *sp_col_text(struct sp_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt->handle, column);
}

const void *sp_col_blob(struct sp_stmt *stmt, int column, size_t *len)
{
	const void *data = sqlite3_column_blob(stmt->handle, column);

	*len = (size_t)sqlite3_column_bytes(stmt->handle, column);
	return data;
}

void sp_col_copy(struct sp_stmt *stmt, int column, char *out, size_t size)
{
	const char *text = sp_col_text(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt->handle, column);

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(out, text, len);
	out[len] = '\0';
}

/* ---- dependents -------------------------------------------------------- */

/* "to" is NULL where REFERENCES names no column: the primary key. */
static const char DEPENDENTS[] =
	"SELECT s.name, k.\"from\" FROM sqlite_schema s,"
	" pragma_foreign_key_list(s.name) k"
	" WHERE s.type = 'table' AND k.\"table\" = $1"
	" AND coalesce(k.\"to\", 'id') = 'id'";

static int add_dependent(struct sp_db *db, const char *of, const char *table,
	const char *column, struct sp_err *err)
{
	struct dependent *d = &db->dependent[db->n_dependents];
	char *sql;
	int rc;

	if (db->n_dependents == MAX_DEPENDENTS)
		return sp_err_set(err, SP_BUG, "too many foreign keys");
	sql = sqlite3_mprintf("DELETE FROM \"%w\" WHERE \"%w\" = $1", table,
		column);
	if (sql == NULL)
		return sp_err_memory(err);
	d->of = of;
	rc = sqlite3_prepare_v2(db->handle, sql, -1, &d->delete, NULL);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return fail(db, err);
	db->n_dependents++;
	return 0;
}

static int find_dependents(struct sp_db *db, const char *table,
	struct sp_err *err)
{
	struct sp_stmt *st;
	int rc;

	if (sp_db_query(db, DEPENDENTS, SP_ARGS(sp_text(table)), &st, err) != 0)
		return -1;
	while ((rc = sp_db_step(st, err)) == 1)
		if (add_dependent(db, table, sp_col_text(st, 0),
			    sp_col_text(st, 1), err) != 0) {
			rc = -1;
			break;
		}
	sp_db_done(st);
	return rc;
}

/* The statements are kept for one transaction, in which nobody changes the
 * schema. */
static int know_dependents(struct sp_db *db, const char *table,
	struct sp_err *err)
{
	if (!sp_db_in_transaction(db))
		forget_dependents(db);
	for (int i = 0; i < db->n_dependents; i++)
		if (strcmp(db->dependent[i].of, table) == 0)
			return 0;
	return find_dependents(db, table, err);
}

int sp_db_delete_dependents(struct sp_db *db, const char *table, int64_t id,
	struct sp_err *err)
{
	int rc = know_dependents(db, table, err);

	for (int i = 0; i < db->n_dependents && rc == 0; i++) {
		sqlite3_stmt *st = db->dependent[i].delete;

		if (strcmp(db->dependent[i].of, table) != 0)
			continue;
		sqlite3_bind_int64(st, 1, id);
		if (sqlite3_step(st) != SQLITE_DONE)
			rc = fail(db, err);
		sqlite3_reset(st);
	}
	return rc;
}
