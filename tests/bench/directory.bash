# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench.sh
# The directory part of bench.sh: batches and single look-ups of the tools.

tenant_size=${BENCH_EXTENSIONS:-1000000}
stopwatch=$root/build/stopwatch
directory=$work/directory

# One WAL commit of sp-assign: ten pages with their headers.
commit_bytes=41232

tool() {
	"$root/bin/$1" -c "$directory/c.yaml" "${@:2}"
}

# write_users N PREFIX
write_users() {
	seq "$1" | sed "s/.*/$2&,First&,Last&,secret-pw&/; 1i \
login,first,last,secret"
}

# A pool for both, and the large tenant that is copied for each measurement.
prepare_directory() {
	mkdir "$directory"
	cat > "$directory/c.yaml" <<-E
	db: $directory/sp.db
	listen: [udp:127.0.0.1:0]
	tenants:
	  - domain: bench.test
	    pool: [1000000-9999999]
	E
	write_users "$users" u > "$directory/users.csv"
	write_users "$tenant_size" w > "$directory/tenant.csv"
	say "making a tenant of $tenant_size"
	tool sp-assign -q -f "$directory/tenant.csv"
	mv "$directory/sp.db" "$directory/tenant.db"
	rm "$directory/tenant.csv"
}

no_database() {
	rm -f "$directory"/sp.db*
}

# Written out, so that no command waits for the copy.
large_database() {
	no_database
	cp "$directory/tenant.db" "$directory/sp.db"
	sync "$directory/sp.db"
}

# record ROUND NAME KEY VALUE...
record() {
	local round=$1 name=$2
	shift 2
	jq -cn --arg name "$name" --argjson round "$round" '{$name, $round} +
		($ARGS.positional | [range(0; length; 2) as $i |
		{key: .[$i], value: (.[$i + 1] | tonumber)}] | from_entries)' \
		--args "$@" >> "$results"
	say "round $round: $name: ${*:1:2}"
}

# batch ROUND NAME TOOL ARG...: time and peak memory of one run
batch() {
	local round=$1 name=$2 program=$3 s user_s system_s kib
	shift 3
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$root/bin/$program" \
		-c "$directory/c.yaml" "$@" > "$directory/out" ||
		die "$program failed" 70
	read -r s user_s system_s kib < "$work/time"
	record "$round" "$name" seconds "$s" cpu_user "$user_s" \
		cpu_system "$system_s" peak_kib "$kib"
}

# single ROUND NAME N COMMAND...: median time of a whole process
single() {
	local ms
	ms=$("$stopwatch" run "$3" "${@:4}")
	record "$1" "$2" ms "$ms"
}

assign_batches() {
	no_database
	batch "$1" assign-into-empty sp-assign -f "$directory/users.csv"
	large_database
	batch "$1" assign-into-large sp-assign -f "$directory/users.csv"
}

status_lists() {
	local number=$((1000000 + tenant_size / 2))
	large_database
	batch "$1" status-all sp-status -o tsv
	cp "$directory/out" "$directory/all"
	batch "$1" status-summary sp-status --summary
	batch "$1" status-match sp-status --match "w$((tenant_size / 2))"
	single "$1" status-one 50 "$root/bin/sp-status" \
		-c "$directory/c.yaml" "$number"
	single "$1" status-free 50 "$root/bin/sp-status" \
		-c "$directory/c.yaml" --free
	single "$1" forward-resolve 50 "$root/bin/sp-forward" \
		-c "$directory/c.yaml" --resolve "$number"
}

# The first ones, and as many from all over the tenant.
recycle_batches() {
	local every=$((tenant_size / users))
	large_database
	head -n "$users" "$directory/all" > "$directory/list"
	batch "$1" recycle sp-recycle - < "$directory/list"
	large_database
	awk -v every="$((every > 0 ? every : 1))" 'NR % every == 0' \
		"$directory/all" > "$directory/list"
	batch "$1" recycle-scattered sp-recycle - < "$directory/list"
}

# One user, alone and while a server has the database open, beside the least
# that it could take.
assign_one() {
	local command=("$root/bin/sp-assign" -c "$directory/c.yaml")
	local ms
	single "$1" empty-process 200 "$stopwatch" nothing
	single "$1" loaded-process 200 "$root/bin/sp-assign" --version
	ms=$("$stopwatch" fsync "$directory/fsync" "$commit_bytes" 200)
	record "$1" fsync ms "$ms"
	large_database
	single "$1" assign-one 100 "${command[@]}" "alone@"
	"$root/bin/sp-register" serve -c "$directory/c.yaml" \
		> "$directory/log" 2>&1 &
	server_pid=$!
	wait_for_line "$directory/log" 'msg=ready'
	single "$1" assign-one-beside-server 100 "${command[@]}" "beside@"
	stop_server
}

# seconds_of COMMAND...
seconds_of() {
	local start_ms end_ms
	start_ms=$(date +%s%3N)
	"$@" > /dev/null || die "$1 failed" 70
	end_ms=$(date +%s%3N)
	echo "$((end_ms - start_ms))" | jq '. / 1000'
}

kamctl_home() {
	local schema=/usr/share/kamailio/db_sqlite
	rm -rf "$directory/kamctl"
	mkdir "$directory/kamctl"
	cat > "$directory/kamctl/.kamctlrc" <<-E
	SIP_DOMAIN=bench.test
	DBENGINE=SQLITE
	DB_PATH=$directory/kamctl/kamailio.db
	E
	cat "$schema"/{standard,auth_db,usrloc,alias_db}-create.sql |
		sqlite3 "$directory/kamctl/kamailio.db"
}

hundred_by_kamctl() {
	local i
	for i in {1..100}; do
		HOME=$directory/kamctl kamctl add "u$i" "secret-pw$i" ||
			return 1
	done
}

# With a secret, as kamctl has one.
hundred_by_process() {
	local i
	for i in {1..100}; do
		tool sp-assign --secret-stdin "u$i" <<< "secret-pw$i" ||
			return 1
	done
}

hundred_by_file() {
	tool sp-assign -f "$directory/hundred.csv"
}

assign_hundred() {
	local s
	write_users 100 u > "$directory/hundred.csv"
	kamctl_home
	s=$(seconds_of hundred_by_kamctl)
	record "$1" hundred-kamctl seconds "$s"
	no_database
	s=$(seconds_of hundred_by_process)
	record "$1" hundred-processes seconds "$s"
	no_database
	s=$(seconds_of hundred_by_file)
	record "$1" hundred-file seconds "$s"
}

need_for_directory() {
	local program
	for program in sp-assign sp-recycle sp-forward sp-register sp-status; do
		need "$root/bin/$program" "build it with make"
	done
	need "$stopwatch" "build it with make bench"
	need /usr/bin/time "apt install time"
	need kamctl "apt install kamailio"
	need sqlite3 "apt install sqlite3"
	[ "$users" -le "$tenant_size" ] ||
		die "BENCH_USERS is more than BENCH_EXTENSIONS" 64
}

directory() {
	local round
	prepare_directory
	for ((round = 1; round <= rounds; round++)); do
		assign_batches "$round"
		status_lists "$round"
		recycle_batches "$round"
		assign_one "$round"
		assign_hundred "$round"
	done
	rm -rf "$directory"
}
