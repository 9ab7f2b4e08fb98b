#!/usr/bin/env bash
# The benchmarks behind `make bench`: one JSON document on standard output,
# progress on standard error. README.md here says how to read it.
#
#   bench.sh [registrar|calls|directory]     that part only
# environment:
#   BENCH_ROUNDS    rounds, each measuring everything once (3)
#   BENCH_SECONDS   length of each run (5)
#   BENCH_AORS      phones that register (10000)
#   BENCH_KEPT_CALLS   answered calls beside which others are made (10000)
#   BENCH_USERS     users that are assigned and taken out at once (100000)
#   BENCH_EXTENSIONS   extensions of a large tenant (1000000)
#   BENCH_SERVERS   servers to measure, of the list below (all)
#   TMPDIR          where the databases lie; not on tmpfs, where fsync is free
# Exits 1 when a registration or a call failed, 69 when a program is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
rounds=${BENCH_ROUNDS:-3}
seconds=${BENCH_SECONDS:-5}
aors=${BENCH_AORS:-10000}
users=${BENCH_USERS:-100000}
servers=${BENCH_SERVERS:-udpecho kamailio-noauth kamailio-memory-auth
	kamailio-write-through sp}

export REGLOAD=$root/build/regload
work=$(mktemp -d -t sp-bench.XXXXXX)
results=$work/results.jsonl
server_dir=$work/server
server_pid=
target=

say() {
	echo "bench: $*" >&2
}

die() {
	say "$1"
	exit "${2:-69}"
}

# need PROGRAM HINT
need() {
	command -v "$1" > /dev/null || die "$1 is missing: $2"
}

wants() {
	case " ${servers//[[:space:]]/ } " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# Binds the server to one CPU and the generator to another, where there are
# two. Prefixes, not a function: in the background a function would be a shell
# around the server, and $! its pid instead of the server's.
bind_server=()
bind_regload=()
if taskset -c 0 true 2> /dev/null && taskset -c 1 true 2> /dev/null; then
	bind_server=(taskset -c 0)
	bind_regload=(taskset -c 1)
fi

# wait_for_line FILE PATTERN: until the server has written it, at most 10 s
wait_for_line() {
	for _ in {1..200}; do
		! grep -qs "$2" "$1" || return 0
		kill -0 "$server_pid" 2> /dev/null || break
		sleep 0.05
	done
	cat "$1" >&2
	die "the server did not start" 70
}

start_udpecho() {
	mkdir "$server_dir"
	"${bind_server[@]}" "$root/build/udpecho" 127.0.0.1:0 \
		> "$server_dir/log" 2>&1 &
	server_pid=$!
	wait_for_line "$server_dir/log" '^listening '
	target=$(sed -n 's/^listening //p' "$server_dir/log")
}

start_kamailio() {
	"${bind_server[@]}" "$here/kamailio.sh" start "$server_dir" \
		--aors "$aors" "$@"
	server_pid=$(cat "$server_dir/pid")
	target=$(cat "$server_dir/target")
}

write_config() {
	cat > "$1" <<-E
	db: ${1%/*}/sp.db
	listen: [udp:127.0.0.1:0]
	trusted: [127.0.0.1]
	tenants:
	  - domain: bench.test
	    pool: [100000-999999]
	    registration: {refresh: 15s, timeout: 3600s}
	E
}

# start_sp [N]: N users, or as many as phones; numbers and secrets are those that
# regload and callload use.
start_sp() {
	local config=$server_dir/c.yaml log=$server_dir/log n=${1:-$aors}
	mkdir "$server_dir"
	write_config "$config"
	seq 100000 $((100000 + n - 1)) |
		sed 's/.*/u&,&,pw&/; 1i login,number,secret' \
		> "$server_dir/users.csv"
	"$root/bin/sp-assign" -c "$config" -q -f "$server_dir/users.csv" >&2
	"${bind_server[@]}" "$root/bin/sp-register" serve -c "$config" \
		> "$log" 2>&1 &
	server_pid=$!
	wait_for_line "$log" 'msg=ready'
	target=$(sed -n '/msg=listening/s/.*address="\{0,1\}\([0-9.:]*\).*/\1/p' \
		"$log" | head -n 1)
	[ -n "$target" ] || die "sp-register does not say where it listens" 70
}

start_server() {
	case $1 in
	udpecho) start_udpecho ;;
	kamailio-noauth) start_kamailio ;;
	kamailio-memory-auth) start_kamailio --auth ;;
	kamailio-write-through) start_kamailio --auth --write-through ;;
	sp) start_sp ;;
	*) die "unknown server '$1'" 64 ;;
	esac
}

stop_server() {
	[ -n "$server_pid" ] || return 0
	local pid=$server_pid
	server_pid=
	if [ -e "$server_dir/ctl" ]; then
		"$here/kamailio.sh" stop "$server_dir"
	else
		kill -TERM "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	fi
	rm -rf "$server_dir"
}

# shellcheck source=tests/bench/calls.bash
. "$here/calls.bash"
# shellcheck source=tests/bench/directory.bash
. "$here/directory.bash"

clean_up() {
	stop_server
	rm -rf "$work"
}

# measure ROUND SERVER NAME [OPTION...]: a fresh server, one run of regload,
# one line in the results
measure() {
	local round=$1 server=$2 name=$3 line rate status=0
	shift 3
	start_server "$server"
	case $server in
	udpecho | kamailio-noauth) set -- "$@" --no-auth ;;
	esac
	line=$("${bind_regload[@]}" "$REGLOAD" --target "$target" \
		--count "$aors" --prefill --duration "$seconds" \
		--cpu-of "$server_pid" "$@") || status=$?
	stop_server
	[ -n "$line" ] || die "no result from regload (exit $status)" 70
	jq -c --arg name "$name" --argjson round "$round" \
		'{name: $name, round: $round} + .' <<< "$line" >> "$results"
	rate=$(jq '.main.reg_per_s | round' <<< "$line")
	say "round $round: $name: $rate/s"
	[ "$status" = 0 ] || say "registrations failed: $line"
}

# What a registration takes when the server is half busy.
measure_latency() {
	local round=$1 half
	half=$(jq -s --argjson round "$round" 'map(select(.name == "sp" and
		.round == $round))[0].main.reg_per_s / 2 | floor' "$results")
	[ "$half" -gt 0 ] || return 0
	measure "$round" sp sp-half-rate --rate "$half"
}

registrar() {
	local round server
	for ((round = 1; round <= rounds; round++)); do
		for server in $servers; do
			measure "$round" "$server" "$server"
		done
		! wants sp || measure_latency "$round"
	done
}

need_for_registrar() {
	need "$root/build/regload" "build it with make bench"
	need "$root/build/udpecho" "build it with make bench"
	if wants sp; then
		need "$root/bin/sp-assign" "build it with make"
		need "$root/bin/sp-register" "build it with make"
	fi
	if [[ $servers == *kamailio* ]]; then
		need sqlite3 "apt install sqlite3"
		need kamailio "apt install kamailio kamailio-sqlite-modules"
	fi
}

print_report() {
	jq -s --argjson rounds "$rounds" --argjson seconds "$seconds" \
		--argjson users "$users" --argjson kept "$kept_calls" \
		--argjson extensions "$tenant_size" \
		--arg cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo |
			head -n 1)" \
		--argjson cpus "$(nproc)" --arg kernel "$(uname -sr)" \
		-f "$here/report.jq" "$results" > "$work/report.json"
	cat "$work/report.json"
}

nothing_failed() {
	jq -e '[.registrar, .calls | .. | .failed? // empty] | add // 0 |
		. == 0' "$work/report.json" > /dev/null
}

trap clean_up EXIT
trap 'exit 130' INT TERM
need jq "apt install jq"
case ${1:-all} in
all)
	need_for_registrar
	need_for_calls
	need_for_directory
	registrar
	calls
	directory
	;;
registrar)
	need_for_registrar
	registrar
	;;
calls)
	need_for_calls
	calls
	;;
directory)
	need_for_directory
	directory
	;;
*) die "usage: bench.sh [registrar|calls|directory]" 64 ;;
esac
print_report
nothing_failed || die "some registrations or calls failed" 1
