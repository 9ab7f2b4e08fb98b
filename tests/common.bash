# What all suites share. Each test has its own directory, database, home and
# ports, and leaves no process behind. SP_BIN is where the tools are.

bats_require_minimum_version 1.7.0
bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

common_setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	SP_BIN=${SP_BIN:-$ROOT/bin}
	PATH=$SP_BIN:$PATH
	cd "$BATS_TEST_TMPDIR" || return 1
	unset SP_CONFIG SP_TENANT SP_SECRET SUDO_USER
	export HOME=$BATS_TEST_TMPDIR XDG_CONFIG_HOME= XDG_STATE_HOME=
	export LC_ALL=C.UTF-8 TZ=UTC SP_DB=$BATS_TEST_TMPDIR/sp.db
	SERVER_PIDS=()
}

common_teardown() {
	local pid

	for pid in "${SERVER_PIDS[@]}"; do
		kill "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
}

# wait_until SECONDS COMMAND...: until it succeeds; fails after SECONDS.
wait_until() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || {
			echo "waited in vain for: $*" >&2
			return 1
		}
		sleep 0.02
	done
}

# given_config [LINE...]: a tenant acme.example with the pool 1000-1999; the
# lines are added to it, two spaces of a list item in front.
given_config() {
	cat >sp.yaml <<-END
	listen: [udp:127.0.0.1:0]
	tenants:
	  - domain: acme.example
	    pool: [1000-1999]
	END
	printf '    %s\n' "$@" >>sp.yaml
	export SP_CONFIG=$PWD/sp.yaml
}

# given_user LOGIN [NUMBER]
given_user() {
	sp-assign -q ${2:+-N "$2"} "user:$1" "First-$1" "Last-$1"
}

# given_secret LOGIN: makes one and prints it.
given_secret() {
	sp-assign -s -o tsv "$1" | cut -f 6
}

# Everything that is stored, as text; the nonces, the heartbeat and the
# counters apart.
dump() {
	sqlite3 "$SP_DB" .dump | grep -v '^INSERT INTO \(server\|nonce\|counter\) '
}

# remember; ...; assert_nothing_changed
remember() {
	dump >"$BATS_TEST_TMPDIR/before.sql"
}

assert_nothing_changed() {
	dump >"$BATS_TEST_TMPDIR/after.sql"
	diff "$BATS_TEST_TMPDIR/before.sql" "$BATS_TEST_TMPDIR/after.sql"
}

# start_server [ARG...]: in the background, on a free port; sets SERVER to
# HOST:PORT, SERVER_PID, and SERVER_LOG to its log.
start_server() {
	SERVER_LOG=$BATS_TEST_TMPDIR/serve.$((${#SERVER_PIDS[@]} + 1)).log
	sp-register serve "$@" 2>"$SERVER_LOG" 3>&- &
	SERVER_PID=$!
	SERVER_PIDS+=("$SERVER_PID")
	wait_until 10 grep -q msg=ready "$SERVER_LOG" || {
		cat "$SERVER_LOG" >&2
		return 1
	}
	SERVER=$(sed -n 's/.*msg=listening.*address=//p' "$SERVER_LOG" | head -n 1)
}

# stop_server: ends the last one; its exit status.
stop_server() {
	kill "$SERVER_PID"
	wait "$SERVER_PID"
}

# state_is EXT STATE: for wait_until.
state_is() {
	[ "$(sp-status -q -o tsv "$1" | cut -f 6)" = "$2" ]
}

# given_csv LINE...: users.csv with these lines.
given_csv() {
	printf '%s\n' "$@" >users.csv
}

# given_call CALLER DIALLED [COLUMN=VALUE ...]: a row, as the server writes it: from
# T0 on, in progress, for an hour, ringing at who was dialled. Columns that end in
# _s are in seconds after T0.
given_call() {
	local item name names='' values=''
	local -A second=([started_s]=0 [expires_s]=3600) text=([callee]=$2)

	for item in "${@:3}"; do
		case $item in
		*_s=*) second[${item%%=*}]=${item#*=} ;;
		*) text[${item%%=*}]=${item#*=} ;;
		esac
	done
	: "${second[rang_s]=${second[started_s]}}"
	for name in "${!second[@]}"; do
		names+=", ${name%_s}_ms" values+=", ($T0 + ${second[$name]}) * 1000"
	done
	for name in "${!text[@]}"; do
		names+=", $name" values+=", '${text[$name]}'"
	done
	sql "INSERT INTO call (tenant_id, sip_call_id, caller_tag, route, caller,
			dialled $names)
		VALUES (1, 'x', 'x', '', '$1', '$2' $values)"
}

# sql STATEMENT: in the test's database.
sql() {
	sqlite3 "$SP_DB" "PRAGMA foreign_keys=ON; $1"
}

# The newest event: NUMBER|LOGIN|WHAT|OLD|NEW|TOOL|ACTOR.
last_event() {
	sql "SELECT number, login, what, old_value, new_value, tool, actor
		FROM event
		ORDER BY seq DESC LIMIT 1"
}

# assert_refused STATUS MESSAGE: the last run said just that, on standard
# error, and nothing is stored but what was when the test said remember.
assert_refused() {
	assert_failure "$1"
	assert_equal "$stderr" "$2"
	assert_output ""
	assert_nothing_changed
}

# to_full COMMAND...: its standard output is a full disk.
to_full() {
	"$@" >/dev/full
}

# as_mortal COMMAND...: file modes bind it, also when root runs the tests.
as_mortal() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --bounding-set=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}
