# shellcheck shell=bash
# What the suite of the hard cases needs: batches, locks, kills at random
# moments, and what must hold of every database whatever happened to it.

# scaled PLAIN SANITIZED: how often. The sanitized build looks for other bugs,
# and is slow to start.
scaled() {
	case ${SP_BUILD:-} in
	*-san) echo "$2" ;;
	*) echo "$1" ;;
	esac
}

# given_pool RANGE...: a tenant acme.example with these numbers.
given_pool() {
	given_config 'voicemail: sip:{number}@vm.example'
	sed -i "s/pool: .*/pool: [$(IFS=,; echo "$*")]/" sp.yaml
}

# given_batch FILE PREFIX N: a CSV of N users PREFIX1, PREFIX2 ...
given_batch() {
	seq -f "$2%.0f,First,Last" "$3" | sed '1i login,first,last' >"$1"
}

# unsound [QUERY]: prints what is wrong with the database, nothing if nothing
# is: the file itself, rows that point nowhere, and what no foreign key can say;
# then what the query tells.
unsound() {
	sqlite3 "$SP_DB" "
	SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok';
	SELECT 'points nowhere', * FROM pragma_foreign_key_check;
	SELECT 'has not one number', login, count(e.id) FROM sp_user u
		LEFT JOIN extension e ON e.user_id = u.id
		GROUP BY u.id HAVING count(e.id) <> 1;
	SELECT 'is there twice', number FROM extension NOT INDEXED
		GROUP BY tenant_id, number HAVING count(*) <> 1;
	SELECT 'is another tenant''s', login FROM sp_user u
		JOIN extension e ON e.user_id = u.id
		WHERE e.tenant_id <> u.tenant_id;
	SELECT 'no row below the mark', first, next FROM pool_mark m
		WHERE next - first <> (SELECT count(*) FROM extension e
		WHERE e.tenant_id = m.tenant_id AND e.digits = m.digits
		AND CAST(number AS INTEGER) >= first
		AND CAST(number AS INTEGER) < next);
	SELECT 'is nobody''s, with a rule', number FROM extension e
		WHERE user_id IS NULL AND (forwarded_ms <> 0 OR calls <> 0 OR session_id
		IS NOT NULL OR EXISTS (SELECT 1 FROM (SELECT extension_id
		FROM forward UNION SELECT extension_id FROM forward_former
		UNION SELECT extension_id FROM binding)
		WHERE extension_id = e.id));
	SELECT 'not assigned so, say the events', u.login, e.number, v.number
		FROM (SELECT tenant_id, login, number, max(seq) FROM event
		WHERE what = 'assigned' GROUP BY tenant_id, login) v
		JOIN sp_user u USING (tenant_id, login)
		JOIN extension e ON e.user_id = u.id
		WHERE e.number <> v.number;
	$*"
}

assert_sound() {
	assert_equal "$(unsound)" ""
}

# Somebody else writes, and does not come to an end: until let_go.
hold_lock() {
	coproc HOLDER { exec sqlite3 "$SP_DB" 3>&-; }
	# bash forgets it when it has ended.
	LOCK_PID=$HOLDER_PID
	echo "BEGIN IMMEDIATE; SELECT 'held';" >&"${HOLDER[1]}"
	read -r -t 10 <&"${HOLDER[0]}"
	assert_equal "$REPLY" held
}

let_go() {
	echo '.quit' >&"${HOLDER[1]}"
	wait "$LOCK_PID"
}

# with_file_limit KIB COMMAND...: no file may grow beyond that.
with_file_limit() {
	(ulimit -f "$1" && shift && "$@")
}

# Puts the database back as it was at `save`, without what a killed one left.
save() {
	cp sp.db saved.db
}

restore() {
	rm -f sp.db-wal sp.db-shm
	cp saved.db sp.db
}

# now_us: microseconds.
now_us() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# length_us COMMAND...: how long it takes, the shortest of three times, each
# with the saved database. Its output goes to `said`.
length_us() {
	local start_us took_us shortest_us=60000000

	for _ in 1 2 3; do
		restore
		start_us=$(now_us)
		"$@" >said || return 1
		took_us=$(($(now_us) - start_us))
		((took_us > shortest_us)) || shortest_us=$took_us
	done
	echo "$shortest_us"
}

# all_or_nothing SIGNAL TIMES QUERY COMMAND...: ends the command by the signal
# at random moments. Each time what QUERY tells is as before or as after it,
# what it printed is true, the next command works at once, and the database is
# sound. One end in ten at least must have come while it had the database open:
# it goes on until then, within reason.
all_or_nothing() {
	local signal=$1 times=$2 query=$3 before after got status delay
	local length_us hits=0 nothing=0 all=0

	shift 3
	save
	# The next command may be the one that brings an old schema up to date.
	sp-assign -q next0 || return 1
	before=$(unsound "$query")
	length_us=$(length_us "$@") || return 1
	after=$(unsound "$query")
	[ "$before" != "$after" ] || return 1
	for ((i = 0; i < times || (hits * 10 < times && i < 20 * times); i++)); do
		restore
		printf -v delay '0.%06d' \
			$(((RANDOM << 15 | RANDOM) % length_us + 1))
		status=0
		# The shell has something to say of it, too.
		{
			timeout -s "$signal" "$delay" "$@" >said 2>&1 ||
				status=$?
		} 2>/dev/null
		[ ! -e sp.db-shm ] || hits=$((hits + 1))
		# Not by sqlite3, which would repair what we must repair.
		sp-assign -q "next$i" || return 1
		got=$(unsound "$query")
		case $got in
		"$before") nothing=$((nothing + 1)) ;;
		"$after") all=$((all + 1)) ;;
		*)
			echo "half done after $delay s, $status: $got"
			return 1
			;;
		esac
		# What is printed has been committed; 0 says that it is.
		if [ -s said ] || [ "$status" -eq 0 ]; then
			[ "$got" = "$after" ] || {
				echo "not done, $status: $(head -n 2 said)"
				return 1
			}
		fi
	done
	echo "$i ends in $length_us us: $nothing nothing, $all all," \
		"$hits with the database open"
	((hits * 10 >= times && nothing > 0))
}

# The same in a shell of its own: bats traces what its own one does, which is
# as slow as the tools.
assert_all_or_nothing() {
	run bash -c '. "$1"; shift; all_or_nothing "$@"' - \
		"$BATS_TEST_DIRNAME/safety.bash" "$@"
	assert_success
	echo "# $BATS_TEST_DESCRIPTION: $output"
}
