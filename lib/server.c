/* What the server processes of one database share. */
#include "lib/server.h"

#include <string.h>

static const char GET_KEY[] = "SELECT nonce_key FROM server WHERE id = 1";
static const char ADD_KEY[] =
	"INSERT INTO server (id, nonce_key, heartbeat_ms) VALUES (1, $1, 0)";
static const char BEAT[] =
	"UPDATE server SET heartbeat_ms = $1, clock_ms = $2 WHERE id = 1";
static const char LAST_BEAT[] =
	"SELECT heartbeat_ms, clock_ms FROM server WHERE id = 1";

static const char COUNT[] =
	"INSERT INTO counter (name, value) VALUES ($1, $2)"
	" ON CONFLICT (name) DO UPDATE SET value = counter.value + $2";
static const char GET_COUNTER[] = "SELECT value FROM counter WHERE name = $1";
static const char NEXT_COUNTER[] =
	"SELECT name, value FROM counter"
	" WHERE name > $1 AND name NOT LIKE '" SP_COUNTER_OF_LATENCY "%'"
	" ORDER BY name LIMIT 1";

/* Only what had not run out at $2, by the clock of then. */
static const char MOVE_EXPIRIES[] =
	"UPDATE binding_live SET expires_ms = expires_ms + $1,"
	" refreshed_ms = refreshed_ms + $1 WHERE expires_ms > $2";

static int get_key(struct sp_db *db, unsigned char key[SP_SHA256_SIZE],
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(db, GET_KEY, SP_NO_ARGS, &row, err);
	const void *blob;
	size_t len;

	if (rc != 1)
		return rc;
	blob = sp_col_blob(row, 0, &len);
	if (len == SP_SHA256_SIZE)
		memcpy(key, blob, len);
	else
		rc = sp_err_set(err, SP_DATA, "the nonce key has %zu bytes",
			len);
	sp_db_done(row);
	return rc;
}

static int make_key(struct sp_db *db, unsigned char key[SP_SHA256_SIZE],
	struct sp_err *err)
{
	if (sp_hash_random(key, SP_SHA256_SIZE, err) != 0)
		return -1;
	return sp_db_exec(db, ADD_KEY, SP_ARGS(sp_blob(key, SP_SHA256_SIZE)),
		NULL, err);
}

int sp_server_key(struct sp_db *db, unsigned char key[SP_SHA256_SIZE],
	struct sp_err *err)
{
	int rc;

	if (sp_db_begin(db, err) != 0)
		return -1;
	rc = get_key(db, key, err);
	if (rc == 0)
		rc = make_key(db, key, err);
	if (rc >= 0 && sp_db_commit(db, err) == 0)
		return 0;
	sp_db_rollback(db);
	return -1;
}

static int read_beat(struct sp_db *db, int64_t *heartbeat_ms, int64_t *clock_ms,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(db, LAST_BEAT, SP_NO_ARGS, &row, err);

	*heartbeat_ms = *clock_ms = 0;
	if (rc == 1) {
		*heartbeat_ms = sp_col_int(row, 0);
		*clock_ms = sp_col_int(row, 1);
		sp_db_done(row);
	}
	return rc < 0 ? -1 : 0;
}

static int write_beat(struct sp_db *db, struct sp_clocks clocks,
	struct sp_err *err)
{
	return sp_db_exec(db, BEAT,
		SP_ARGS(sp_int(clocks.wall_ms),
			sp_int(clocks.wall_ms - clocks.monotonic_ms)),
		NULL, err);
}

static int move_expiries(struct sp_db *db, int64_t by_ms, int64_t live_at_ms,
	struct sp_err *err)
{
	return sp_db_exec(db, MOVE_EXPIRIES,
		SP_ARGS(sp_int(by_ms), sp_int(live_at_ms)), NULL, err);
}

int sp_server_beat(struct sp_db *db, struct sp_clocks clocks, int64_t *step_ms,
	struct sp_err *err)
{
	int64_t beat_ms, clock_ms, step, pause_ms, move_ms;

	*step_ms = 0;
	if (read_beat(db, &beat_ms, &clock_ms, err) != 0)
		return -1;
	step = clocks.wall_ms - clocks.monotonic_ms - clock_ms;
	if (clock_ms != 0 &&
		(step > SP_CLOCK_STEP_MS || step < -SP_CLOCK_STEP_MS))
		*step_ms = step;
	pause_ms = clocks.wall_ms - beat_ms - *step_ms;
	move_ms = *step_ms;
	if (beat_ms != 0 && pause_ms > SP_HEARTBEAT_LATE_MS)
		move_ms += pause_ms;
	if (move_ms != 0 && move_expiries(db, move_ms, beat_ms, err) != 0)
		return -1;
	return write_beat(db, clocks, err);
}

int sp_server_last_beat(struct sp_db *db, int64_t *heartbeat_ms,
	struct sp_err *err)
{
	int64_t clock_ms;

	return read_beat(db, heartbeat_ms, &clock_ms, err);
}

int sp_server_as_of(struct sp_db *db, int64_t now_ms, int64_t *as_of_ms,
	int64_t *since_ms, struct sp_err *err)
{
	int64_t beat_ms;

	if (sp_server_last_beat(db, &beat_ms, err) != 0)
		return -1;
	*since_ms = 0;
	*as_of_ms = now_ms;
	if (beat_ms != 0 && now_ms - beat_ms > SP_HEARTBEAT_LATE_MS)
		*as_of_ms = *since_ms = beat_ms;
	return 0;
}

static int resume(struct sp_db *db, struct sp_clocks clocks, struct sp_err *err)
{
	int64_t last_ms, pause_ms;

	if (sp_server_last_beat(db, &last_ms, err) != 0)
		return -1;
	pause_ms = clocks.wall_ms - last_ms;
	if (last_ms != 0 &&
		(pause_ms > SP_PAUSE_MIN_MS || pause_ms < -SP_PAUSE_MIN_MS) &&
		move_expiries(db, pause_ms, last_ms, err) != 0)
		return -1;
	return write_beat(db, clocks, err);
}

int sp_server_resume(struct sp_db *db, struct sp_clocks clocks,
	struct sp_err *err)
{
	if (sp_db_begin(db, err) != 0)
		return -1;
	if (resume(db, clocks, err) == 0 && sp_db_commit(db, err) == 0)
		return 0;
	sp_db_rollback(db);
	return -1;
}

/* ---- counters ---------------------------------------------------------- */

int sp_server_count(struct sp_db *db, const char *name, int64_t n,
	struct sp_err *err)
{
	return sp_db_exec(db, COUNT, SP_ARGS(sp_text(name), sp_int(n)), NULL,
		err);
}

int sp_server_get_counter(struct sp_db *db, const char *name, int64_t *value,
	struct sp_err *err)
{
	struct sp_stmt *row;
	int rc =
		sp_db_first(db, GET_COUNTER, SP_ARGS(sp_text(name)), &row, err);

	*value = 0;
	if (rc != 1)
		return rc;
	*value = sp_col_int(row, 0);
	sp_db_done(row);
	return 0;
}

int sp_server_next_counter(struct sp_db *db, char name[SP_COUNTER_SIZE],
	int64_t *value, struct sp_err *err)
{
	struct sp_stmt *row;
	int rc = sp_db_first(db, NEXT_COUNTER, SP_ARGS(sp_text(name)), &row,
		err);

	if (rc != 1)
		return rc;
	*value = sp_col_int(row, 1);
	sp_col_copy(row, 0, name, SP_COUNTER_SIZE);
	sp_db_done(row);
	return 1;
}
