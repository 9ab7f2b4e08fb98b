# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench.sh
# The part of bench.sh with calls: how many, what one costs, and what they do to
# the registrations beside them.

kept_calls=${BENCH_KEPT_CALLS:-10000}

# Few phones that refresh often: their first registrations, which come as fast as
# they can, are soon over.
register_phones=1000
register_rate=1000
callload=$root/build/callload

# Above the extensions of the phones that register beside the calls.
callee_first=$((100000 + register_phones))
callees=1000
caller_first=$((callee_first + callees))
callers=1000

# Of BENCH_SERVERS, any Kamailio stands for the one that is a proxy.
call_servers=
[[ $servers != *kamailio* ]] || call_servers+=' kamailio'
! wants sp || call_servers+=' sp'

# A server of its own for each measurement: what the one before has left in
# memory shall not count.
start_call_server() {
	local users=$((register_phones + callees + callers))
	case $1 in
	kamailio) start_kamailio --calls --aors "$users" ;;
	kamailio-digest) start_kamailio --calls --auth --aors "$users" ;;
	sp | sp-digest) start_sp "$users" ;;
	esac
}

# make_calls SERVER [OPTION...]: one line of callload
make_calls() {
	local server=$1
	shift
	case $server in
	kamailio*) set -- "$@" --no-auth ;;
	esac
	case $server in
	*-digest) set -- "$@" --digest ;;
	esac
	"${bind_regload[@]}" "$callload" --target "$target" \
		--callee-first "$callee_first" --callees "$callees" \
		--caller-first "$caller_first" --callers "$callers" \
		--cpu-of "$server_pid" "$@"
}

# record_calls ROUND NAME LINE: one line of callload in the results
record_calls() {
	[ -n "$3" ] || die "no result from callload" 70
	jq -e .main <<< "$3" > /dev/null ||
		die "the callees could not register: $3" 70
	jq -c --arg name "$2" --argjson round "$1" \
		'{$name, $round, calls: .}' <<< "$3" >> "$results"
	say "round $1: $2: $(jq -r '"\(.main.calls_per_s | round)/s, " +
		"\([.[] | .failed? // empty] | add) failed"' <<< "$3")"
}

# What the generator does alone.
generator_limit() {
	local line
	line=$("${bind_regload[@]}" "$callload" --direct \
		--duration "$seconds") || true
	record_calls "$1" generator "$line"
}

# calls_of ROUND SERVER NAME [OPTION...]: one run with as many calls as it can
calls_of() {
	local round=$1 server=$2 name=$3 line
	shift 3
	start_call_server "$server"
	line=$(make_calls "$server" --duration "$seconds" "$@") || true
	stop_server
	record_calls "$round" "$name" "$line"
}

# calls_per_s ROUND NAME
calls_per_s() {
	jq -s --argjson round "$1" --arg name "$2" 'map(select(.name == $name and
		.round == $round))[0].calls.main.calls_per_s // 0' "$results"
}

# registrations: one line of regload, with a fixed rate
register_beside() {
	local auth=()
	[[ $1 != kamailio ]] || auth=(--no-auth)
	"${bind_regload[@]}" "$REGLOAD" --target "$target" \
		--count "$register_phones" --prefill --rate "$register_rate" --duration "$seconds" \
		"${auth[@]}"
}

# Registrations at a fixed rate, first alone and then while calls come in at
# half the rate that this server reached in this round.
registrations_beside_calls() {
	local round=$1 server=$2 rate calls_pid alone beside
	rate=$(jq -n "$(calls_per_s "$1" "$2") / 2 | floor")
	[ "$rate" -gt 0 ] || return 0
	start_call_server "$server"
	alone=$(register_beside "$server") || true
	make_calls "$server" --rate "$rate" --duration "$((seconds + 3))" \
		> "$work/calls.json" &
	calls_pid=$!
	beside=$(register_beside "$server") || true
	wait "$calls_pid" || true
	stop_server
	record_calls "$round" "$server-half-rate" "$(cat "$work/calls.json")"
	record_registrations "$round" "$server-alone" "$alone"
	record_registrations "$round" "$server-beside" "$beside"
}

# record_registrations ROUND NAME LINE
record_registrations() {
	[ -n "$3" ] || die "no result from regload" 70
	jq -c --arg name "$2" --argjson round "$1" \
		'{$name, $round, registrations: .main}' <<< "$3" >> "$results"
	say "round $1: $2: REGISTER p99" \
		"$(jq '.main.reg_us.p99 / 1000' <<< "$3") ms"
}

need_for_calls() {
	need "$callload" "build it with make bench"
	need "$root/build/regload" "build it with make bench"
	if [[ $call_servers == *sp* ]]; then
		need "$root/bin/sp-assign" "build it with make"
		need "$root/bin/sp-register" "build it with make"
	fi
	if [[ $call_servers == *kamailio* ]]; then
		need sqlite3 "apt install sqlite3"
		need kamailio "apt install kamailio kamailio-sqlite-modules"
	fi
}

calls() {
	local round server
	for ((round = 1; round <= rounds; round++)); do
		generator_limit "$round"
		for server in $call_servers; do
			calls_of "$round" "$server" "$server" \
				--warm-up "$seconds"
			calls_of "$round" "$server-digest" "$server-digest" \
				--warm-up "$seconds"
			calls_of "$round" "$server" "$server-kept" \
				--keep "$kept_calls" --warm-up "$seconds"
			registrations_beside_calls "$round" "$server"
		done
	done
}
