#!/bin/bash
# expiry.sh [N [SERVERS]]: N bindings (10,000) run out in the same millisecond,
# with SERVERS (1) on one file. Prints, as JSON, how many milliseconds later the
# first and the last event `lost` could be read, and how many there were.
set -eu -o pipefail
n=${1:-10000} servers=${2:-1}
cd "$(dirname "$0")/../.."
PATH=$PWD/bin:$PATH
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
export SP_DB=$dir/sp.db SP_CONFIG=$dir/sp.yaml
cat >"$SP_CONFIG" <<END
listen: [udp:127.0.0.1:0]
tenants:
  - domain: acme.example
    pool: [1000-1999]
END
sp-assign -q asmith

for ((i = 0; i < servers; i++)); do
	sp-register serve 2>"$dir/log.$i" &
	pids+=($!)
	until grep -qs msg=ready "$dir/log.$i"; do sleep 0.05; done
done

# now_ms: the wall clock.
now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# By hand: ten thousand phones would take seconds to register, and would not run
# out together.
deadline=$(($(now_ms) + 3000))
sqlite3 "$SP_DB" "BEGIN IMMEDIATE;
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
		WHERE i < $n)
	INSERT INTO sp_user (id, tenant_id, login, first_name, last_name)
	SELECT 1000000 + i, 1, 'u' || i, '', '' FROM n;
	INSERT INTO login_session (id, tenant_id, number, login, started_ms,
		contact, transport, user_agent)
	SELECT id, 1, id, login, 0, '', '', '' FROM sp_user WHERE id > 1000000;
	INSERT INTO extension (id, tenant_id, digits, number, user_id, session_id)
	SELECT id, 1, 7, id, id, id FROM sp_user WHERE id > 1000000;
	INSERT INTO binding (id, extension_id, contact, call_id, source,
		transport, user_agent, created_ms)
	SELECT id, id, 'sip:' || id || '@h', '', '', 'udp', '', 0 FROM sp_user
	WHERE id > 1000000;
	INSERT INTO binding_live
	SELECT id, 1, 0, $deadline, 0 FROM sp_user WHERE id > 1000000;
	COMMIT"
(($(now_ms) < deadline)) || { echo "expiry.sh: too slow a start" >&2; exit 1; }

# lost: how many events there are. Those of this database are all.
lost() {
	sqlite3 "$SP_DB" "SELECT count(*) FROM event WHERE what = 'lost'"
}

first='' count=0
while ((count < n && $(now_ms) < deadline + 60000)); do
	count=$(lost)
	[ -n "$first" ] || [ "$count" = 0 ] || first=$(($(now_ms) - deadline))
done
last=$(($(now_ms) - deadline))
printf '{"bindings": %d, "servers": %d, "lost": %d, "first_ms": %d, "last_ms": %d}\n' \
	"$n" "$servers" "$(lost)" "$first" "$last"
[ "$(lost)" -eq "$n" ]
