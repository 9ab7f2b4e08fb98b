/* What the server processes of one database share: the key of their nonces,
 * and the heartbeat that tells when one last listened. */
#ifndef SP_LIB_SERVER_H
#define SP_LIB_SERVER_H

#include <stdint.h>

#include "lib/db.h"
#include "lib/err.h"
#include "lib/hash.h"

enum {
	SP_HEARTBEAT_MS = 1000,      /* how often it is written */
	SP_HEARTBEAT_LATE_MS = 3000, /* older: no server is running */
	SP_CLOCK_STEP_MS = 2000,     /* more is no drift */
	SP_PAUSE_MIN_MS = 1500,      /* less: another server beats */
};

/* Reads the nonce key, and makes it the first time. Opens a transaction. */
int sp_server_key(struct sp_db *db, unsigned char key[SP_SHA256_SIZE],
	struct sp_err *err);

/* The two clocks at one moment. The monotonic one stands still while the
 * machine is suspended. */
struct sp_clocks {
	int64_t wall_ms, monotonic_ms;
};

/* Beats. When the wall clock has made a step since the last beat, of whichever
 * server, live expiries move by it (*step_ms, else 0): an NTP correction or a
 * suspend logs nobody out. So does the time since a beat that is late: nobody
 * could be registered while none could be written. Expects the caller's
 * transaction. */
int sp_server_beat(struct sp_db *db, struct sp_clocks clocks, int64_t *step_ms,
	struct sp_err *err);

/* *heartbeat_ms: the last beat, 0 when no server has ever run. */
int sp_server_last_beat(struct sp_db *db, int64_t *heartbeat_ms,
	struct sp_err *err);

/* The moment that states are to be shown for: now_ms while a server beats, else
 * its last beat; *since_ms is then that beat, and 0 otherwise. */
int sp_server_as_of(struct sp_db *db, int64_t now_ms, int64_t *as_of_ms,
	int64_t *since_ms, struct sp_err *err);

/* At the start of a server: the time in which nobody listened does not count,
 * so live expiries move by it, also back when the clock was set back; but not
 * where another server listened. Opens a transaction; beats in it. */
int sp_server_resume(struct sp_db *db, struct sp_clocks clocks,
	struct sp_err *err);

/* Adds to a counter of the file. Expects the caller's transaction. */
int sp_server_count(struct sp_db *db, const char *name, int64_t n,
	struct sp_err *err);

/* 0 where nothing was counted. */
int sp_server_get_counter(struct sp_db *db, const char *name, int64_t *value,
	struct sp_err *err);

/* The counter whose name comes behind `name` ("": the first), which it
 * replaces; those of lib/latency.h, whose names begin so, are left out. Returns
 * 1, 0 at the end, -1. */
#define SP_COUNTER_OF_LATENCY "latency-"
enum { SP_COUNTER_SIZE = 32 };
int sp_server_next_counter(struct sp_db *db, char name[SP_COUNTER_SIZE],
	int64_t *value, struct sp_err *err);

#endif
