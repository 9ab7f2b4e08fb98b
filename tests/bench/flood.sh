#!/bin/bash
# flood.sh [PER_SECOND [SECONDS]]: 1,000 phones refresh every 15 s, granted 30 s,
# while a flood (20,000/s) of junk and of REGISTERs that nobody may send comes in
# for SECONDS (60). Prints, as JSON, what became of the refreshes, how many
# phones were lost, and the server's counters. Needs `make bench`'s programs.
set -eu -o pipefail
rate=${1:-20000} seconds=${2:-60}
cd "$(dirname "$0")/../.."
PATH=$PWD/bin:$PWD/build:$PATH
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
export SP_DB=$dir/sp.db SP_CONFIG=$dir/sp.yaml
cat >"$SP_CONFIG" <<END
listen: [udp:127.0.0.1:0]
tenants:
  - domain: bench.test
    pool: [100000-999999]
END
seq 100000 100999 | sed 's/.*/u&,&,pw&/; 1i login,number,secret' |
	sp-assign -q -f -
sp-register serve 2>"$dir/log" &
pids+=($!)
until grep -qs msg=ready "$dir/log"; do sleep 0.05; done
target=$(sed -n 's/.*msg=listening.*address=//p' "$dir/log")

flood "$target" "$rate" "$seconds" >"$dir/sent" &
pids+=($!)
phones=$(regload --target "$target" --count 1000 --prefill --rate 67 \
	--duration "$seconds" --cpu-of "${pids[0]}") || :
kill "${pids[0]}"
wait "${pids[@]}" || :
lost=$(sqlite3 "$SP_DB" "SELECT count(*) FROM event WHERE what = 'lost'")
sp-status -q --summary -o jsonl | grep server- |
	jq -s --argjson phones "$phones" --argjson lost "$lost" \
		--argjson sent "$(cat "$dir/sent")" '{junk_sent: $sent,
		refreshes: $phones.main, lost: $lost,
		server: map({(.item): .count}) | add}'
