/* The schema: one numbered migration after the other. */
#include "lib/schema.h"

/* Times are milliseconds since 1970 (_ms). What a number's owner has set
 * hangs on `extension` by a foreign key: recycling deletes it by following
 * them. History (login_session, event) keeps names as text, since it outlives
 * what it tells of. */
static const char VERSION_1[] =
	"CREATE TABLE tenant ("
	"  id INTEGER PRIMARY KEY,"
	"  domain TEXT NOT NULL UNIQUE);"

	/* Everything from `first` up to, not including, `next` has a row in
	 * extension: the high-water mark of a range of the pool. */
	"CREATE TABLE pool_mark ("
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  digits INTEGER NOT NULL,"
	"  first INTEGER NOT NULL,"
	"  next INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant_id, digits, first)) WITHOUT ROWID;"

	/* Not "user", which is a reserved word of SQL. */
	"CREATE TABLE sp_user ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  login TEXT NOT NULL,"
	"  first_name TEXT NOT NULL,"
	"  last_name TEXT NOT NULL,"
	"  UNIQUE (tenant_id, login));"

	/* HA1 of RFC 7616 §3.4.2 for the two names a softphone may use. */
	"CREATE TABLE secret ("
	"  user_id INTEGER PRIMARY KEY REFERENCES sp_user (id) ON DELETE "
	"CASCADE,"
	"  number_md5 BLOB, login_md5 BLOB NOT NULL,"
	"  number_sha256 BLOB, login_sha256 BLOB NOT NULL);"

	"CREATE TABLE login_session ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  number TEXT NOT NULL,"
	"  login TEXT NOT NULL,"
	"  started_ms INTEGER NOT NULL,"
	"  ended_ms INTEGER,"
	"  ending TEXT,"
	"  contact TEXT NOT NULL,"
	"  transport TEXT NOT NULL,"
	"  user_agent TEXT NOT NULL);"

	/* user_id NULL: the number was used once and is free again, from
	 * free_from_ms on; until somebody sees that this has passed it rests.
	 * digits: how many, so that an index sorts numbers of one length by
	 * value. session_id: the owner's current or last one. */
	"CREATE TABLE extension ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  digits INTEGER NOT NULL,"
	"  number TEXT NOT NULL,"
	"  user_id INTEGER UNIQUE REFERENCES sp_user (id),"
	"  free_from_ms INTEGER NOT NULL DEFAULT 0,"
	"  rests INTEGER NOT NULL DEFAULT 0,"
	"  assigned_ms INTEGER NOT NULL DEFAULT 0,"
	"  session_id INTEGER REFERENCES login_session (id));"
	"CREATE UNIQUE INDEX extension_number"
	"  ON extension (tenant_id, digits, number);"
	"CREATE INDEX extension_free"
	"  ON extension (tenant_id, digits, number)"
	"  WHERE user_id IS NULL AND rests = 0;"
	"CREATE INDEX extension_resting"
	"  ON extension (tenant_id, free_from_ms) WHERE rests = 1;"

	"CREATE TABLE forward ("
	"  extension_id INTEGER NOT NULL REFERENCES extension (id),"
	"  condition TEXT NOT NULL,"
	"  target TEXT NOT NULL,"
	"  after_ms INTEGER NOT NULL,"
	"  enabled INTEGER NOT NULL,"
	"  PRIMARY KEY (extension_id, condition)) WITHOUT ROWID;"

	/* Wide and written once; the narrow row beside it changes with each
	 * refresh. */
	"CREATE TABLE binding ("
	"  id INTEGER PRIMARY KEY,"
	"  extension_id INTEGER NOT NULL REFERENCES extension (id),"
	"  contact TEXT NOT NULL,"
	"  call_id TEXT NOT NULL,"
	"  source TEXT NOT NULL,"
	"  transport TEXT NOT NULL,"
	"  user_agent TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL);"
	"CREATE INDEX binding_extension ON binding (extension_id);"
	"CREATE TABLE binding_live ("
	"  binding_id INTEGER PRIMARY KEY"
	"    REFERENCES binding (id) ON DELETE CASCADE,"
	"  cseq INTEGER NOT NULL,"
	"  refreshed_ms INTEGER NOT NULL,"
	"  expires_ms INTEGER NOT NULL,"
	"  interval_ms INTEGER NOT NULL);"

	"CREATE TABLE event ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  at_ms INTEGER NOT NULL,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  number TEXT NOT NULL,"
	"  login TEXT NOT NULL,"
	"  what TEXT NOT NULL,"
	"  detail TEXT NOT NULL,"
	"  tool TEXT NOT NULL,"
	"  actor TEXT NOT NULL);"

	/* Nonces that were used: the id holds the time of issue. */
	"CREATE TABLE nonce ("
	"  id INTEGER PRIMARY KEY,"
	"  nc INTEGER NOT NULL,"
	"  request_hash INTEGER NOT NULL);"

	/* One row: what the server processes of this file share. */
	"CREATE TABLE server ("
	"  id INTEGER PRIMARY KEY CHECK (id = 1),"
	"  nonce_key BLOB NOT NULL,"
	"  heartbeat_ms INTEGER NOT NULL);";

/* Reserving by a tool, the longest rest, --undo; rules that are for a time;
 * events with the value before; who had a number. */
static const char VERSION_2[] =
	/* reserved: out of automatic assignment. released_ms: when its last
	 * owner gave it back. forwarded_ms: when its rules were changed last;
	 * forward_former then holds what they were before. 0: never, or that
	 * has been undone. */
	"ALTER TABLE extension ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE extension ADD COLUMN"
	"  released_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE extension ADD COLUMN"
	"  forwarded_ms INTEGER NOT NULL DEFAULT 0;"
	"UPDATE extension SET released_ms = free_from_ms"
	"  WHERE user_id IS NULL;"
	"DROP INDEX extension_free;"
	"CREATE INDEX extension_free"
	"  ON extension (tenant_id, digits, number)"
	"  WHERE user_id IS NULL AND rests = 0 AND reserved = 0;"
	"CREATE INDEX extension_rests"
	"  ON extension (tenant_id, digits, number, free_from_ms)"
	"  WHERE rests = 1;"
	"CREATE INDEX extension_rested"
	"  ON extension (tenant_id, released_ms)"
	"  WHERE user_id IS NULL AND rests = 0 AND reserved = 0;"
	/* For the foreign key, when old sessions are deleted. */
	"CREATE INDEX extension_session ON extension (session_id)"
	"  WHERE session_id IS NOT NULL;"

	/* Beside its lasting rule for a condition an extension may have one
	 * for a time, from from_ms (0: at once) to until_ms (0: for ever). */
	"ALTER TABLE forward RENAME TO forward_1;"
	"CREATE TABLE forward ("
	"  extension_id INTEGER NOT NULL REFERENCES extension (id),"
	"  condition TEXT NOT NULL,"
	"  is_timed INTEGER NOT NULL,"
	"  target TEXT NOT NULL,"
	"  after_ms INTEGER NOT NULL,"
	"  enabled INTEGER NOT NULL,"
	"  from_ms INTEGER NOT NULL,"
	"  until_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (extension_id, condition, is_timed)) WITHOUT ROWID;"
	"INSERT INTO forward (extension_id, condition, is_timed, target,"
	"  after_ms, enabled, from_ms, until_ms)"
	"  SELECT extension_id, condition, 0, target, after_ms, enabled, 0, 0"
	"  FROM forward_1;"
	"DROP TABLE forward_1;"
	"CREATE INDEX forward_target ON forward (target);"
	"CREATE TABLE forward_former ("
	"  extension_id INTEGER NOT NULL REFERENCES extension (id),"
	"  condition TEXT NOT NULL,"
	"  is_timed INTEGER NOT NULL,"
	"  target TEXT NOT NULL,"
	"  after_ms INTEGER NOT NULL,"
	"  enabled INTEGER NOT NULL,"
	"  from_ms INTEGER NOT NULL,"
	"  until_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (extension_id, condition, is_timed)) WITHOUT ROWID;"

	"ALTER TABLE event RENAME COLUMN detail TO new_value;"
	"ALTER TABLE event ADD COLUMN old_value TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX event_number ON event (tenant_id, number, seq);"
	"CREATE INDEX login_session_number"
	"  ON login_session (tenant_id, number, started_ms);"

	/* Who had a number until it was recycled; who has it now stands in
	 * extension. */
	"CREATE TABLE tenure ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  digits INTEGER NOT NULL,"
	"  number TEXT NOT NULL,"
	"  login TEXT NOT NULL,"
	"  first_name TEXT NOT NULL,"
	"  last_name TEXT NOT NULL,"
	"  from_ms INTEGER NOT NULL,"
	"  until_ms INTEGER NOT NULL);"
	"CREATE INDEX tenure_number"
	"  ON tenure (tenant_id, digits, number, until_ms);";

/* What a registrar knows of a contact beside its URI. */
static const char VERSION_3[] =
	/* flow_id: the connection that it came through; 0: datagrams.
	 * instance, reg_id: RFC 5626. path: RFC 3327, the fields' values with
	 * commas between. q: in thousandths. */
	"ALTER TABLE binding ADD COLUMN flow_id INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE binding ADD COLUMN instance TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE binding ADD COLUMN reg_id INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE binding ADD COLUMN path TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE binding ADD COLUMN q INTEGER NOT NULL DEFAULT 1000;"
	"CREATE INDEX binding_flow ON binding (flow_id) WHERE flow_id <> 0;"
	"CREATE INDEX binding_source ON binding (source) WHERE flow_id = 0;"
	/* clock_ms: the wall clock less the monotonic one, as of the last
	 * beat; 0: not known. */
	"ALTER TABLE server ADD COLUMN clock_ms INTEGER NOT NULL DEFAULT 0;"
	/* What the server processes have done since the file was made. */
	"CREATE TABLE counter ("
	"  name TEXT PRIMARY KEY,"
	"  value INTEGER NOT NULL) WITHOUT ROWID;";

/* Calls. */
static const char VERSION_4[] =
	/* local: the server's own address that a registration came to. calls:
	 * who may call outside numbers; 0: as the tenant says, 1: may not, 2:
	 * may. */
	"ALTER TABLE binding ADD COLUMN local TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE extension ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;"

	/* ended_ms 0: in progress; answered_ms 0: not yet, or never; rang_ms:
	 * since when it rings, or rang, at the callee; 0: nowhere. */
	"CREATE TABLE call ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  sip_call_id TEXT NOT NULL,"
	"  caller_tag TEXT NOT NULL,"
	"  caller TEXT NOT NULL,"
	"  dialled TEXT NOT NULL,"
	"  callee TEXT NOT NULL,"
	"  started_ms INTEGER NOT NULL,"
	"  rang_ms INTEGER NOT NULL DEFAULT 0,"
	"  answered_ms INTEGER NOT NULL DEFAULT 0,"
	"  ended_ms INTEGER NOT NULL DEFAULT 0,"
	"  expires_ms INTEGER NOT NULL,"
	"  ending TEXT NOT NULL DEFAULT '',"
	"  status INTEGER NOT NULL DEFAULT 0,"
	"  route TEXT NOT NULL);"
	"CREATE INDEX call_expiry ON call (expires_ms) WHERE ended_ms = 0;"
	/* Who is in a call right now. */
	"CREATE INDEX call_open_caller ON call (tenant_id, caller)"
	"  WHERE ended_ms = 0;"
	"CREATE INDEX call_open_callee ON call (tenant_id, callee)"
	"  WHERE ended_ms = 0;"
	/* Most calls ring at what was dialled: of them only the start writes
	 * to an index of parties. */
	"CREATE INDEX call_caller ON call (tenant_id, caller, started_ms);"
	"CREATE INDEX call_dialled ON call (tenant_id, dialled, started_ms);"
	"CREATE INDEX call_callee ON call (tenant_id, callee, started_ms)"
	"  WHERE callee <> dialled AND callee <> '';"

	/* From which numbers a call was diverted; started_ms: the call's. */
	"CREATE TABLE call_diversion ("
	"  tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
	"  number TEXT NOT NULL,"
	"  started_ms INTEGER NOT NULL,"
	"  call_id INTEGER NOT NULL REFERENCES call (id) ON DELETE CASCADE,"
	"  PRIMARY KEY (tenant_id, number, started_ms, call_id)) WITHOUT ROWID;"
	"CREATE INDEX call_diversion_call ON call_diversion (call_id);";

const char *const SP_SCHEMA[] = {VERSION_1, VERSION_2, VERSION_3, VERSION_4};
const int SP_SCHEMA_VERSION = sizeof SP_SCHEMA / sizeof SP_SCHEMA[0];
