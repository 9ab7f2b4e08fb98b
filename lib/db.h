/* The database engine, behind one door: only db.c knows that it is SQLite.
 *
 * SQL stands in the modules of the nouns as string constants, with $1, $2 ...
 * for values. A statement is prepared the first time that it is used and kept;
 * statements are told apart by the address of their text, so the text must be
 * a constant that lives as long as the handle. */
#ifndef SP_LIB_DB_H
#define SP_LIB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct sp_db;
struct sp_stmt;

enum sp_db_mode {
	SP_DB_READ,   /* the file must be there, and is not written */
	SP_DB_WRITE,  /* the file must be there */
	SP_DB_CREATE, /* it is made, mode 0600, with its directory, if not */
	SP_DB_SERVER, /* SP_DB_CREATE for many small commits: a power cut may
		       * lose the last of them, a crash of the process not */
	SP_DB_TRIAL,  /* for a dry run of SP_DB_CREATE: it is not brought up to
		       * date; without a file a database in memory */
	SP_DB_TRIAL_WRITE, /* for one of SP_DB_WRITE */
};

/* Opens the database and brings its schema up to date (never for
 * SP_DB_READ). Writers wait for each other up to wait_ms. On failure *db is
 * NULL. Errors: SP_NOINPUT no such file, SP_DATA not a database of ours, or an
 * empty file where the file must be there, SP_CONFIG another schema, SP_NOPERM,
 * SP_TEMPFAIL, SP_IO. */
int sp_db_open(struct sp_db **db, const char *path, enum sp_db_mode mode,
	int wait_ms, struct sp_err *err);

/* From now on writers wait for each other up to wait_ms. */
void sp_db_set_wait(struct sp_db *db, int wait_ms);

/* Rolls back what is open. Accepts NULL. */
void sp_db_close(struct sp_db *db);

/* One transaction for writing; they do not nest. After a failed commit there
 * is none open. Rolling back without one does nothing. */
int sp_db_begin(struct sp_db *db, struct sp_err *err);
int sp_db_commit(struct sp_db *db, struct sp_err *err);
void sp_db_rollback(struct sp_db *db);
bool sp_db_in_transaction(const struct sp_db *db);

/* A point inside a transaction to go back to: one bad line of a batch must leave
 * nothing behind when the good ones are kept. One at a time; each is ended by
 * sp_db_keep, or by sp_db_revert, which undoes what came since. */
int sp_db_save(struct sp_db *db, struct sp_err *err);
int sp_db_keep(struct sp_db *db, struct sp_err *err);
int sp_db_revert(struct sp_db *db, struct sp_err *err);

/* A transaction for reading: every query sees the same moment. It is ended
 * with sp_db_rollback. */
int sp_db_begin_read(struct sp_db *db, struct sp_err *err);

/* *version is another one whenever somebody else has committed since. Fails with
 * SP_IO when another file has taken the place of this one. */
int sp_db_version(struct sp_db *db, int64_t *version, struct sp_err *err);

/* How many bytes the file has, and what is beside it and not in it yet. */
int sp_db_size(struct sp_db *db, int64_t *bytes, int64_t *ahead_bytes,
	struct sp_err *err);

/* A value for a $ parameter; see SP_ARGS. Text and blobs are borrowed until
 * the statement is done. */
struct sp_value {
	enum {
		SP_VALUE_END,
		SP_VALUE_NULL,
		SP_VALUE_INT,
		SP_VALUE_TEXT,
		SP_VALUE_BLOB
	} type;
	int64_t integer;
	const void *data;
	size_t len;
};

static inline struct sp_value sp_int(int64_t i)
{
	return (struct sp_value){.type = SP_VALUE_INT, .integer = i};
}

/* NULL is the SQL NULL. */
static inline struct sp_value sp_text(const char *text)
{
	return (struct sp_value){.type = text == NULL ? SP_VALUE_NULL
						      : SP_VALUE_TEXT,
		.data = text};
}

/* data NULL is the SQL NULL. */
static inline struct sp_value sp_blob(const void *data, size_t len)
{
	return (struct sp_value){.type = data == NULL ? SP_VALUE_NULL
						      : SP_VALUE_BLOB,
		.data = data,
		.len = len};
}

static inline struct sp_value sp_null(void)
{
	return (struct sp_value){.type = SP_VALUE_NULL};
}

/* The values of $1, $2 ... in order: SP_ARGS(sp_int(7), sp_text("x")). */
#define SP_ARGS(...) \
	((const struct sp_value[]){__VA_ARGS__, {.type = SP_VALUE_END}})
#define SP_NO_ARGS ((const struct sp_value[]){{.type = SP_VALUE_END}})

/* Runs a statement that returns no rows. *changed (or NULL) gets the number
 * of rows that it touched. */
int sp_db_exec(struct sp_db *db, const char *sql, const struct sp_value *args,
	int64_t *changed, struct sp_err *err);

/* Starts a query. The statement belongs to the handle; give it back with
 * sp_db_done. The same text must not be started again before that. */
int sp_db_query(struct sp_db *db, const char *sql, const struct sp_value *args,
	struct sp_stmt **stmt, struct sp_err *err);

/* Returns 1 with a row, 0 at the end, -1 on error. */
int sp_db_step(struct sp_stmt *stmt, struct sp_err *err);

/* Accepts NULL. */
void sp_db_done(struct sp_stmt *stmt);

/* Runs an INSERT of one row into a table whose id the engine gives, and says
 * which it gave. As a RETURNING in its text would; but for that SQLite keeps a
 * table of its own, which costs more than the row. */
int sp_db_insert(struct sp_db *db, const char *sql, const struct sp_value *args,
	int64_t *id, struct sp_err *err);

/* Starts a query and takes its first row. Returns as sp_db_step; *stmt is
 * good after 1 only, and then must be given back. */
int sp_db_first(struct sp_db *db, const char *sql, const struct sp_value *args,
	struct sp_stmt **stmt, struct sp_err *err);

/* Columns of the row, from 0. Text and blobs are borrowed until the next
 * sp_db_step or sp_db_done. Text is NULL for the SQL NULL, an integer 0. */
int64_t sp_col_int(struct sp_stmt *stmt, int column);
const char *sp_col_text(struct sp_stmt *stmt, int column);
const void *sp_col_blob(struct sp_stmt *stmt, int column, size_t *len);

/* Copies a text column into a buffer, cut if it does not fit; "" for NULL. */
void sp_col_copy(struct sp_stmt *stmt, int column, char *out, size_t size);

/* Deletes every row, of whatever table, whose foreign key points to row `id`
 * of `table`: a table that is added later cannot be forgotten. The keys are
 * looked up once in a transaction. */
int sp_db_delete_dependents(struct sp_db *db, const char *table, int64_t id,
	struct sp_err *err);

#endif
