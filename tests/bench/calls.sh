#!/bin/bash
# calls.sh [PER_SECOND [SECONDS [HOLD]]]: calls at a fixed rate (50/s) for SECONDS
# (300), each held for HOLD (10) seconds, while 1,000 phones refresh every 15 s.
# Prints, as JSON, what became of calls and refreshes, the memory of the server
# before, in the middle and at the end, and how many calls it has seen begin and
# end. Exits 1 unless each call and each refresh got through, and as many calls
# began and ended as were made. Needs `make bench`'s programs.
set -eu -o pipefail
rate=${1:-50} seconds=${2:-300} hold=${3:-10}
cd "$(dirname "$0")/../.."
PATH=$PWD/bin:$PWD/build:$PATH
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
export SP_DB=$dir/sp.db SP_CONFIG=$dir/sp.yaml
cat >"$SP_CONFIG" <<END
listen: [udp:127.0.0.1:0]
trusted: [127.0.0.1]
tenants:
  - domain: bench.test
    pool: [100000-999999]
    registration: {timeout: 3600s}
END
seq 100000 102999 | sed 's/.*/u&,&,pw&/; 1i login,number,secret' |
	sp-assign -q -f -
sp-register serve 2>"$dir/log" &
pids+=($!)
until grep -qs msg=ready "$dir/log"; do
	kill -0 "${pids[0]}" 2>/dev/null || { cat "$dir/log" >&2; exit 70; }
	sleep 0.05
done
target=$(sed -n 's/.*msg=listening.*address=//p' "$dir/log")

# Half of the calls as a phase of its own shows whether memory grows.
callload --target "$target" --rate "$rate" --hold "$hold" \
	--warm-up "$((seconds / 2))" --duration "$((seconds - seconds / 2))" \
	--cpu-of "${pids[0]}" >"$dir/calls" &
pids+=($!)
status=0
regload --target "$target" --first 102000 --count 1000 --prefill --rate 67 \
	--duration "$((seconds + 2 * hold))" >"$dir/phones" || status=1
wait "${pids[1]}" || status=1
# events WHAT: how many there are. Those of this database are all.
events() {
	sqlite3 "$SP_DB" "SELECT count(*) FROM event WHERE what = '$1'"
}

jq -n --slurpfile calls "$dir/calls" --slurpfile phones "$dir/phones" \
	--argjson begun "$(events call-started)" \
	--argjson ended "$(events call-ended)" '$calls[0] as {$warm_up, $main} | {
	completed: ($warm_up.completed + $main.completed),
	failed: ($warm_up.failed + $main.failed),
	retransmits: ($warm_up.retransmits + $main.retransmits),
	in_progress: $main.in_progress,
	ring_us: $main.ring_us,
	answer_us: $main.answer_us,
	server_cpu_s_per_1k: $main.server_cpu_s_per_1k,
	server_kib: [$warm_up.server_kib_before, $warm_up.server_kib,
		$main.server_kib],
	events: {$begun, $ended},
	refreshes: $phones[0].main
}' | tee "$dir/report"
jq -e '.events == {begun: .completed, ended: .completed}' "$dir/report" \
	>/dev/null || status=1
exit "$status"
