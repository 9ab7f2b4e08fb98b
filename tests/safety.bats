# The hard cases: many writers at once, ends at random moments, full disks,
# files that are closed, old, new, damaged or none of ours.
#
# The counts are those that the tools promise in the plain build; `scaled` says
# what the sanitized one does.

setup() {
	load common
	# shellcheck source=tests/safety.bash
	load safety
	common_setup
	given_config
}

teardown() {
	common_teardown
}

# Of all five tools, readers and writers; none needs a server.
COMMANDS=("sp-status -o tsv" "sp-status --history 1000" "sp-forward"
	"sp-forward --resolve 1000" "sp-assign -n asmith" "sp-assign asmith"
	"sp-recycle -n asmith" "sp-recycle asmith" "sp-forward -n asmith --reset"
	"sp-forward asmith --busy reject" "sp-register logout asmith"
	"sp-register serve --listen udp:127.0.0.1:0")

# assert_all_refused STATUS SENTENCE [COMMAND...]: each of COMMANDS ends so, and
# no byte of the database changes.
assert_all_refused() {
	local status_wanted=$1 sentence=$2 command

	shift 2
	[ $# -gt 0 ] || set -- "${COMMANDS[@]}"
	cp sp.db copy
	for command; do
		# shellcheck disable=SC2086
		run --separate-stderr timeout 20 $command
		assert_failure "$status_wanted"
		assert_output ""
		# The server has logged its addresses by then.
		assert_equal "${stderr##*$'\n'}" "${command%% *}: $sentence"
		assert_files_equal sp.db copy
		# Of a database with a WAL even a reader leaves an empty one.
		[ ! -s sp.db-wal ]
	done
}

# ---- many writers at once -----------------------------------------------------

@test "safety: a database that stays busy is given up after a while" {
	local start=$SECONDS command n=0 rc pids=()

	given_user asmith
	remember
	hold_lock
	for command in "sp-assign bjones" "sp-recycle asmith" \
		"sp-forward asmith --busy reject" "sp-register logout asmith"; do
		# shellcheck disable=SC2086
		$command >"out.$n" 2>"err.$n" 3>&- &
		pids+=($!)
		n=$((n + 1))
	done
	# Readers do not wait.
	run --separate-stderr timeout 5 sp-status -o tsv
	assert_success
	assert_output --regexp $'^1000\tasmith\t'
	for n in 0 1 2 3; do
		rc=0
		wait "${pids[n]}" || rc=$?
		assert_equal "$rc" 75
		assert_equal "$(cat "out.$n")" ""
		assert_regex "$(cat "err.$n")" \
			"^sp-[a-z]+: database '$SP_DB' is busy, try again\$"
	done
	((SECONDS - start >= 9 && SECONDS - start <= 30))
	let_go
	assert_nothing_changed
	sp-assign -q bjones
}

@test "safety: a writer waits for another one" {
	local pid

	given_user asmith
	hold_lock
	sp-assign -o tsv bjones >out 2>err 3>&- &
	pid=$!
	# It has the file open, and neither ends nor writes.
	wait_until 10 sh -c "ls -l /proc/$pid/fd | grep -q 'sp.db\$'"
	kill -0 "$pid"
	assert_file_empty out
	let_go
	wait "$pid"
	assert_equal "$(cat out err)" $'1001\tbjones\t\t\t1001@acme.example'
}

@test "safety: 8 parallel batches of 5000 users get 40000 numbers" {
	local n i pids=()

	n=$(scaled 5000 500)
	given_pool 100000-199999
	for i in {1..8}; do
		given_batch "in.$i" "w$i-" "$n"
	done
	for i in {1..8}; do
		sp-assign -o tsv -f "in.$i" >"out.$i" 2>"err.$i" 3>&- &
		pids+=($!)
	done
	for i in {0..7}; do
		wait "${pids[i]}"
	done
	assert_equal "$(cat err.*)" ""
	# What was printed is what is stored, each login and number once.
	assert_equal "$(cat out.* | cut -f 2 | sort -u | wc -l)" $((8 * n))
	cut -f 1,2 out.* | sort >printed
	sql "SELECT number || char(9) || login FROM sp_user u
		JOIN extension e ON e.user_id = u.id" | sort >stored
	assert_files_equal printed stored
	# No gaps: as if one had worked after the other.
	assert_equal "$(cut -f 1 printed | sort -u | sed -n '1p;$p' |
		paste -sd ' ')" "100000 $((100000 + 8 * n - 1))"
	assert_sound
}

# writer NAME TIMES COMMAND...: runs it so often, with {} for 1, 2 ...; an exit
# status that is neither "done" nor "that is not so now" goes to its file.
writer() {
	local name=$1 times=$2 i rc

	shift 2
	for ((i = 1; i <= times; i++)); do
		rc=0
		"${@//\{\}/$i}" >/dev/null 2>"err.$name" || rc=$?
		case $rc in
		0 | 65 | 67 | 73) ;;
		*) echo "$name $i: $rc: $(cat "err.$name")" >>"bad.$name" ;;
		esac
		[ "$rc" -ne 0 ] || echo "$i" >>"done.$name"
	done
}

@test "safety: writers of all kinds at once leave a sound database" {
	local n name

	n=$(scaled 20 5)
	given_batch users u 60
	sp-assign -q -f users
	for name in a b; do
		for ((i = 1; i <= n; i++)); do
			given_batch "$name$i.csv" "$name$i-" 10
		done
		writer "$name" "$n" sp-assign -f "$name{}.csv" 3>&- &
	done
	writer recycle "$n" sp-recycle 'u{}' 'a{}-1' --ignore-missing 3>&- &
	writer rest "$n" sp-recycle --rest 1h 'u5{}' 3>&- &
	writer forward "$n" sp-forward 'u2{}' --busy 1029 --offline reject 3>&- &
	writer renumber "$n" sp-assign -N '19{}0' 'u4{}' 3>&- &
	writer taken "$n" sp-assign -N '1{}0' 'a{}-3' 3>&- &
	writer swap "$n" sp-assign --swap 'u2{}' 'u3{}' 3>&- &
	writer reserve "$n" sp-assign --reserve '10{}0' --reserve '11{}0' 3>&- &
	writer unreserve "$n" sp-assign --unreserve '10{}0' 3>&- &
	wait
	for name in bad.*; do
		[ ! -e "$name" ] || fail "$(cat "$name")"
	done
	# Each kind got something done.
	for name in a b recycle rest forward renumber swap reserve; do
		assert_file_not_empty "done.$name"
	done
	assert_sound
}

# ---- ends at random moments ------------------------------------------------------

# What a batch has done, in one line.
USERS="SELECT count(*), (SELECT count(*) FROM event WHERE login LIKE 'k%'),
	(SELECT count(*) FROM secret) FROM sp_user WHERE login LIKE 'k%'"
RULES="SELECT count(*), (SELECT count(*) FROM event
	WHERE what = 'forwarding') FROM forward"

@test "safety: a number is shown as itself while it changes hands" {
	local i swapper looks=0 wrong=0

	given_user asmith 1000
	given_user bjones 1001
	for ((i = 0; i < $(scaled 600 200); i++)); do
		sp-assign -q --swap asmith bjones
	done &
	swapper=$!
	SERVER_PIDS+=("$swapper")
	while kill -0 "$swapper" 2>/dev/null; do
		run sp-status -q -o tsv --columns number 1000
		[ "$output" = 1000 ] || wrong=$((wrong + 1))
		looks=$((looks + 1))
	done
	echo "$looks looks"
	assert_equal "$wrong" 0
}

@test "safety: kill -9 in sp-assign -f, 200 times: all or nothing" {
	given_user asmith
	given_batch users k 200
	assert_all_or_nothing KILL "$(scaled 200 12)" "$USERS" \
		sp-assign -s -o tsv -f users
}

@test "safety: kill -9 in sp-recycle -: all or nothing" {
	given_batch users k 200
	sp-assign -s -f users >/dev/null
	seq -f 'k%.0f' 200 >list
	assert_all_or_nothing KILL "$(scaled 60 8)" "$USERS" \
		sh -c 'exec sp-recycle - <list'
}

@test "safety: kill -9 in sp-forward -f: all or nothing" {
	given_batch users k 200
	sp-assign -q -f users
	seq -f $'%.0f\tbusy\treject\t\ton\town' 1000 1199 >rules
	assert_all_or_nothing KILL "$(scaled 60 8)" "$RULES" sp-forward -f rules
}

@test "safety: TERM and INT in a batch: all or nothing" {
	given_user asmith
	given_batch users k 200
	for signal in TERM INT; do
		assert_all_or_nothing "$signal" "$(scaled 25 4)" "$USERS" \
			sp-assign -o tsv -f users
		restore
	done
}

@test "safety: kill -9 while the database is made: the next one makes it" {
	local i delay length_us hits=0 times

	times=$(scaled 40 6)
	length_us=$(now_us)
	sp-assign -q asmith
	length_us=$(($(now_us) - length_us))
	for ((i = 0; i < times || (hits == 0 && i < 20 * times); i++)); do
		rm -f sp.db*
		printf -v delay '0.%06d' \
			$(((RANDOM << 15 | RANDOM) % length_us + 1))
		timeout -s KILL "$delay" sp-assign -q asmith || true
		[ -e sp.db-shm ] && hits=$((hits + 1))
		sp-assign -q asmith
		assert_sound
		assert_equal "$(sp-status -o tsv | cut -f 1,2)" $'1000\tasmith'
	done
	((hits > 0))
}

@test "safety: an end while the input is waited for changes nothing" {
	local pid rc=0

	given_user asmith
	mkfifo in
	remember
	sp-assign -f - <in >out 2>err 3>&- &
	pid=$!
	exec 4>in
	printf 'login\nbjones\n' >&4
	# It holds up nobody meanwhile.
	sp-assign -q czhou
	sp-recycle -q czhou
	remember
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	exec 4>&-
	assert_equal "$rc" 143
	assert_equal "$(cat out err)" ""
	assert_nothing_changed
}

# ---- no room ------------------------------------------------------------------------

# assert_no_room KIB COMMAND...
assert_no_room() {
	run --separate-stderr with_file_limit "$@"
	assert_refused 74 "$2: database '$SP_DB': File too large"
	assert_sound
}

@test "safety: no room for a batch of new users: nothing is done" {
	local kib

	given_user asmith
	given_batch users k 900
	remember
	for kib in 64 128 160; do
		assert_no_room "$kib" sp-assign -f users
	done
	run --separate-stderr sp-assign -q -f users
	assert_success
	assert_equal "$(sql "SELECT count(*) FROM sp_user")" 901
	assert_sound
}

@test "safety: no room for a batch of recycling: nothing is done" {
	local kib

	given_batch users k 900
	sp-assign -q -f users
	seq -f 'k%.0f' 900 >list
	remember
	for kib in 64 128 250; do
		assert_no_room "$kib" sp-recycle -q - <list
	done
	run --separate-stderr sp-recycle -q - <list
	assert_success
	assert_equal "$(sql "SELECT count(*) FROM sp_user")" 0
	assert_sound
}

@test "safety: no room for one change: nothing is done" {
	given_user asmith
	remember
	# SQLite's shared memory takes 32 KiB.
	assert_no_room 16 sp-assign bjones
	assert_no_room 16 sp-recycle asmith
	assert_no_room 16 sp-forward asmith --busy reject
	sp-assign -q bjones
}

@test "safety: no room for the database itself: the next one makes it" {
	local kib

	for kib in 1 4 16 32 64 100; do
		run --separate-stderr with_file_limit "$kib" sp-assign asmith
		assert_failure 74
		assert_output ""
		assert_equal "$stderr" \
			"sp-assign: database '$SP_DB': File too large"
		run --separate-stderr sp-recycle asmith
		assert_failure 65
		assert_equal "$stderr" "sp-recycle: database '$SP_DB' is empty\
 (sp-assign and sp-register serve fill it)"
	done
	run --separate-stderr sp-assign -o tsv asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_sound
}

@test "safety: no room for standard input is told" {
	given_user asmith
	remember
	seq 2000 | sed '1i login' >list
	run --separate-stderr with_file_limit 4 sh -c 'cat list | sp-recycle -'
	assert_refused 74 \
		"sp-recycle: cannot read standard input: File too large"
}

@test "safety: bad lines that find no room are not lost without a word" {
	seq -f 'user %.0f' 4000 | sed '1i login' >users
	given_user asmith
	remember
	run with_file_limit 160 sh -c 'sp-assign -f users 2>&1 | cat'
	assert_line -n 0 "sp-assign: users:2: 'user 1' is not a login\
 (ASCII letters, digits and . _ - + @)"
	assert_line "sp-assign: there was more to tell, but no room for it in a\
 temporary file"
	assert_nothing_changed
}

# ---- files that are closed ------------------------------------------------------------

@test "safety: a directory that may not be written is told, to readers too" {
	local command reason

	mkdir closed
	export SP_DB=$PWD/closed/sp.db
	given_user asmith
	remember
	chmod 500 closed
	reason="its directory must be writable while sp-register serve is not\
 running: Permission denied"
	for command in "${COMMANDS[@]}"; do
		# shellcheck disable=SC2086
		run --separate-stderr as_mortal timeout 20 $command
		assert_failure 77
		assert_output ""
		assert_equal "${stderr##*$'\n'}" \
			"${command%% *}: database '$SP_DB': $reason"
	done
	chmod 700 closed
	assert_equal "$(echo closed/*)" closed/sp.db
	assert_nothing_changed
}

@test "safety: a closed database can be read while the server runs" {
	mkdir closed
	export SP_DB=$PWD/closed/sp.db
	given_user asmith
	start_server
	chmod 444 closed/*
	chmod 500 closed
	run --separate-stderr as_mortal sp-status -o tsv
	assert_success
	assert_output --regexp $'^1000\tasmith\t'
	assert_equal "$stderr" ""
	run --separate-stderr as_mortal sp-forward --resolve 1000
	assert_success
	run --separate-stderr as_mortal sp-recycle asmith
	assert_failure 77
	assert_equal "$stderr" \
		"sp-recycle: cannot open database '$SP_DB': Permission denied"
	chmod 700 closed
}

# ---- files that are none of ours ----------------------------------------------------

@test "safety: a directory as the database is refused by all" {
	local command

	mkdir sp.db
	for command in "${COMMANDS[@]}"; do
		# shellcheck disable=SC2086
		run --separate-stderr timeout 20 $command
		assert_failure 65
		assert_output ""
		assert_equal "${stderr##*$'\n'}" \
			"${command%% *}: database '$SP_DB' is not a file"
	done
	assert_equal "$(ls -A sp.db)" ""
}

@test "safety: a file that is no database is refused by all" {
	head -c 20000 /dev/urandom >sp.db
	assert_all_refused 65 "database '$SP_DB': file is not a database"
	echo "the only copy of a novel" >sp.db
	assert_all_refused 65 "database '$SP_DB': file is not a database"
}

@test "safety: another program's database is refused by all" {
	sqlite3 sp.db "CREATE TABLE novel (page); INSERT INTO novel VALUES (1)"
	assert_all_refused 65 "database '$SP_DB' is not one of sp"
	sqlite3 sp.db "PRAGMA journal_mode=WAL; PRAGMA user_version=2"
	assert_all_refused 65 "database '$SP_DB' is not one of sp"
}

@test "safety: an empty file is filled by those who may make one, only" {
	local command readers=()

	: >sp.db
	for command in "${COMMANDS[@]}"; do
		case $command in
		sp-assign* | *serve*) ;;
		*) readers+=("$command") ;;
		esac
	done
	assert_all_refused 65 "database '$SP_DB' is empty (sp-assign and\
 sp-register serve fill it)" "${readers[@]}"
	sp-assign -q asmith
	assert_sound
}

@test "safety: a database of a newer sp is refused by all" {
	sp-assign -q asmith
	sqlite3 sp.db "PRAGMA user_version=99" >/dev/null
	assert_all_refused 78 "database '$SP_DB' has schema 99, this sp knows up\
 to 4: use a newer sp"
}

@test "safety: a database that was cut off is refused by all" {
	local bytes

	given_batch users k 300
	sp-assign -q -f users
	cp sp.db whole
	for bytes in 100 4096 $(($(stat -c %s whole) - 4096)); do
		head -c "$bytes" whole >sp.db
		assert_all_refused 74 \
			"database '$SP_DB': database disk image is malformed"
	done
	head -c 10 whole >sp.db
	assert_all_refused 65 "database '$SP_DB': file is not a database"
}

# Three bytes here and there. What the tools say to that is theirs, but they say
# it, and end by themselves.
@test "safety: no damage makes a tool crash" {
	local at command size rc

	given_batch users k 30
	sp-assign -s -f users >/dev/null
	sp-forward -q 1000 --busy 1001 --offline reject
	size=$(stat -c %s sp.db)
	cp sp.db whole
	for ((at = 61; at < size; at += $(scaled 3557 9973))); do
		rm -f sp.db*
		cp whole sp.db
		printf "\\$(printf %03o $((at % 256)))\377\177" |
			dd of=sp.db bs=1 seek="$at" conv=notrunc status=none
		for command in "sp-status -o tsv" "sp-assign -q asmith" \
			"sp-recycle -q k1"; do
			rc=0
			# shellcheck disable=SC2086
			timeout 20 $command >/dev/null 2>err || rc=$?
			case $rc in
			0 | 65 | 67 | 70 | 74 | 78) ;;
			*) fail "byte $at: $command: $rc: $(cat err)" ;;
			esac
			[ "$rc" -eq 0 ] || [ "$(wc -l <err)" -ge 1 ]
		done
	done
}

# ---- a database of the version before ------------------------------------------------

# given_schema_1: see the file.
given_schema_1() {
	given_config 'voicemail: sip:vm-{number}@vm.acme.example'
	sqlite3 sp.db <"$ROOT/tests/data/schema-1.sql" >/dev/null
}

@test "safety: an old database is left alone by readers and dry runs" {
	given_schema_1
	assert_all_refused 78 "database '$SP_DB' has schema 1, this sp needs 4:\
 any tool that writes brings it up to date" \
		"sp-status -o tsv" "sp-status --history 1000" "sp-forward" \
		"sp-forward --resolve 1000" "sp-assign -n asmith" \
		"sp-recycle -n asmith" "sp-forward -n asmith --reset"
}

@test "safety: an old database is brought up by the first writer, whole" {
	local secret=nzf928wq2gtc2ryf8s81vmept2

	given_schema_1
	run --separate-stderr sp-assign -o tsv enew
	assert_success
	assert_equal "$stderr" ""
	# The number that is free again comes first.
	assert_output $'1002\tenew\t\t\t1002@acme.example'
	assert_equal "$(sql "PRAGMA user_version")" 4
	assert_equal "$(sp-status -q -o tsv --columns \
		number,login,first,last,state,forwarding)" \
		$'1000\tasmith\tAnne\tSmith\tregistered\tno-answer=voicemail/25s
1001\tczhou\tChen\t周\toffline\t
1002\tenew\t\t\toffline\t
1007\tbjones\tBob\tJones\toffline\talways=reject'
	assert_equal "$(sp-forward -o tsv 1000)" \
		$'1000\tbusy\t1007\t\toff\town\t\t
1000\tno-answer\tvoicemail\t25s\ton\town\t\t'
	assert_equal "$(sql "SELECT count(*) FROM event")" 16
	assert_equal "$(sql "SELECT count(*) FROM binding_live")" 1
	# asmith's secret is still good.
	start_server
	SP_SECRET=$secret sp-register login --server "$SERVER" \
		1000@acme.example >phone 2>&1 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 grep -q $'\tregistered\t1000@acme.example\t' phone
}

@test "safety: an old database is brought up by all tools that write" {
	local command

	for command in "sp-recycle asmith" "sp-forward asmith --reset" \
		"sp-register logout asmith" "sp-assign asmith"; do
		rm -f sp.db*
		given_schema_1
		# shellcheck disable=SC2086
		run --separate-stderr $command
		assert_success
		assert_equal "$(sql "PRAGMA user_version")" 4
		assert_sound
	done
}

@test "safety: an old database is brought up by several at once" {
	local i pids=()

	given_schema_1
	for i in {1..8}; do
		sp-assign -q "n$i" 2>"err.$i" 3>&- &
		pids+=($!)
	done
	for i in {0..7}; do
		wait "${pids[i]}"
	done
	assert_equal "$(cat err.*)" ""
	assert_equal "$(sql "SELECT count(*) FROM sp_user")" 11
	assert_equal "$(sql "SELECT count(*) FROM forward")" 3
	assert_sound
}

@test "safety: kill -9 while an old database is brought up: all or nothing" {
	given_schema_1
	assert_all_or_nothing KILL "$(scaled 30 5)" \
		"SELECT count(*) FROM sp_user WHERE login = 'fnew'" \
		sp-assign -o tsv fnew
	assert_equal "$(sql "SELECT count(*) FROM forward")" 3
}

# ---- closed descriptors -----------------------------------------------------------------

@test "safety: a closed standard output is an error, and no file's" {
	given_user asmith
	run --separate-stderr sh -c 'sp-assign bjones >&-'
	assert_failure 74
	assert_equal "$stderr" "sp-assign: cannot write standard output: Bad file\
 descriptor (the change was made)"
	run --separate-stderr sh -c 'sp-status >&-'
	assert_failure 74
	assert_equal "$stderr" \
		"sp-status: cannot write the listing: Bad file descriptor"
	sh -c 'sp-assign -q czhou >&-'
	assert_equal "$(sp-status -o tsv --columns login | paste -sd ' ')" \
		"asmith bjones czhou"
	assert_sound
}

@test "safety: with a closed standard error the rest works" {
	run --separate-stderr sh -c 'sp-assign -n -o tsv asmith 2>&-'
	assert_success
	# "dry run: ..." goes nowhere, and not here.
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	run sh -c 'sp-assign "a b" 2>&-'
	assert_failure 65
	assert_output ""
	run sh -c 'sp-assign -q asmith <&- >&- 2>&-'
	assert_success
	assert_sound
}

@test "safety: a closed standard input is an error where it is read" {
	given_user asmith
	remember
	run --separate-stderr sh -c 'sp-recycle - <&-'
	assert_refused 74 \
		"sp-recycle: cannot read standard input: Bad file descriptor"
	run --separate-stderr sh -c 'sp-assign -f - <&-'
	assert_refused 74 \
		"sp-assign: cannot read standard input: Bad file descriptor"
}
