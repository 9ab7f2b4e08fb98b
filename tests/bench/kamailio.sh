#!/usr/bin/env bash
# A Kamailio with one worker on the loopback interface, in a directory of its
# own, beside whatever else runs on the machine.
#
#   kamailio.sh start DIR [options]    returns when it answers; DIR, which is
#                                      made, then holds the files `pid` and
#                                      `target` (ADDRESS:PORT)
#   kamailio.sh stop DIR               ends that one and removes DIR
# options:
#   --calls            a proxy of calls, kamailio-calls.cfg; --auth is then for
#                      callers who are not on 127.0.0.1
#   --auth             digest authentication from an SQLite table
#   --write-through    contacts into SQLite, committed before the answer
#   --aors N           subscribers 100000..100000+N-1 (10000), passwords as
#                      regload has them
#   --port P           UDP port (the first free one from 25060)
# REGLOAD names the regload to ask for the passwords (build/regload).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
regload=${REGLOAD:-$here/../../build/regload}
schema=/usr/share/kamailio/db_sqlite
domain=bench.test

die() {
	echo "kamailio.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '5,19s/^# \{0,1\}//p' "$0" >&2
	exit 64
}

# Kamailio shares a port with whoever has it already, so look before.
port_is_free() {
	! grep -qi ":$(printf %04X "$1") 00000000:" /proc/net/udp
}

free_port() {
	local port
	for port in {25060..25999}; do
		if port_is_free "$port"; then
			echo "$port"
			return
		fi
	done
	die "no free UDP port between 25060 and 25999"
}

# The journal mode stays in the file. Kamailio's processes, each setting it at
# its start, would lock each other out.
make_database() {
	local db=$1 aors=$2
	cat "$schema"/{standard,auth_db,usrloc}-create.sql | sqlite3 "$db"
	sqlite3 "$db" 'pragma journal_mode=wal' > /dev/null
	"$regload" --domain "$domain" --count "$aors" --print-ha1 |
		sqlite3 "$db" 'create temp table row(ext, ha1);' \
			'.mode csv' '.import --schema temp /dev/stdin row' \
			"insert into subscriber(username, domain, ha1)
			 select ext, '$domain', ha1 from row;"
}

# At first it is still this script, or setsid.
is_running() {
	case $(cat "/proc/$1/comm" 2> /dev/null) in
	kamailio | kamailio.sh | setsid) ;;
	*) return 1 ;;
	esac
	! grep -q '^State:.*Z' "/proc/$1/status" 2> /dev/null
}

wait_until_ready() {
	local dir=$1 pid=$2
	for _ in {1..100}; do
		! kamcmd -s "unix:$dir/ctl" core.uptime > /dev/null 2>&1 ||
			return 0
		is_running "$pid" || break
		sleep 0.1
	done
	cat "$dir/log" >&2
	stop "$dir"
	die "kamailio did not start"
}

start() {
	local dir=$1 config=kamailio.cfg shared_mib=512 auth='' mode=0 aors=10000 port=''
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--calls)
			config=kamailio-calls.cfg
			shared_mib=4000 # each transaction stays for 5 s
			;;
		--auth) auth=1 ;;
		--write-through) mode=1 ;;
		--aors) aors=${2:?} && shift ;;
		--port) port=${2:?} && shift ;;
		*) usage ;;
		esac
		shift
	done
	[ -n "$port" ] || port=$(free_port)
	port_is_free "$port" || die "port $port is taken"
	[ -x "$regload" ] || die "$regload is missing: build it with make bench"
	mkdir "$dir"
	dir=$(cd "$dir" && pwd)

	# The allocator it starts with, qm, halves its speed: choose fm.
	local -a args=(-f "$here/$config" -l "udp:127.0.0.1:$port" -n 1
		-m "$shared_mib" -M 16 -x fm -X fm -w "$dir" -Y "$dir" -DD -E
		-A "CTLSOCK=\"unix:$dir/ctl\"" -A "DBMODE=$mode"
		-A "REALM=\"$domain\"")
	if [ -n "$auth" ] || [ "$mode" != 0 ]; then
		make_database "$dir/kamailio.db" "$aors"
		args+=(-A "DBURL=\"sqlite:///$dir/kamailio.db\"")
	fi
	[ -z "$auth" ] || args+=(-A WITH_AUTH)
	setsid kamailio "${args[@]}" < /dev/null > "$dir/log" 2>&1 &
	echo $! > "$dir/pid"
	echo "127.0.0.1:$port" > "$dir/target"
	wait_until_ready "$dir" $!
}

stop() {
	local dir=$1 pid
	pid=$(cat "$dir/pid") || die "no kamailio was started in '$dir'"
	! is_running "$pid" || kill -TERM "$pid"
	for _ in {1..100}; do
		is_running "$pid" || break
		sleep 0.1
	done
	# Under load a worker may end with the lock of the shared memory, for
	# which all the others then wait.
	! is_running "$pid" || kill -KILL -- "-$pid"
	rm -rf "$dir"
}

[ $# -ge 2 ] || usage
verb=$1
shift
case $verb in
start) start "$@" ;;
stop) stop "$1" ;;
*) usage ;;
esac
