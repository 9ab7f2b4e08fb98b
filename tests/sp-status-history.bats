#!/usr/bin/env bats

# What happened, and who had what then: --history, --as-of, --follow, --since,
# and the events of which they tell. Times are set in the database.
T0=1767225600 # 2026-01-01T00:00:00Z, in seconds

# One after the other, as in the other quick suites.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config 'voicemail: sip:{number}@vm.example'
	sed -i '1i history: 3650d' sp.yaml
}

teardown() { common_teardown; }

# at SECONDS COMMAND...: what it writes gets the time T0 + SECONDS.
at() {
	local ms=$((($1 + T0) * 1000)) seq

	seq=$(sql "SELECT coalesce(max(seq), 0) FROM event" 2>/dev/null || echo 0)
	shift
	"$@"
	sql "UPDATE event SET at_ms = $ms WHERE seq > $seq;
		UPDATE extension SET assigned_ms = $ms
			WHERE assigned_ms > $now_ms;
		UPDATE tenure SET until_ms = $ms WHERE until_ms > $now_ms;
		UPDATE tenure SET from_ms = $ms WHERE from_ms > $now_ms;
		UPDATE login_session SET ended_ms = $ms
			WHERE ended_ms > $now_ms"
}

# given_session NUMBER LOGIN START [END ENDING]: in seconds after T0; the last
# one of who has the number.
given_session() {
	local end=NULL

	[ -z "${4-}" ] || end="($T0 + $4) * 1000"
	sql "INSERT INTO login_session (tenant_id, number, login, started_ms,
			ended_ms, ending, contact, transport, user_agent)
		VALUES (1, '$1', '$2', ($T0 + $3) * 1000, $end,
			nullif('${5-}', ''), 'sip:$1@192.0.2.7', 'udp',
			'Phone/1');
		UPDATE extension SET session_id = last_insert_rowid()
			WHERE number = '$1'"
}

# given_owners: 1001 was asmith's in the first hour, bjones's in the third, and
# asmith had 1500 then.
given_owners() {
	now_ms=$(((EPOCHSECONDS - 60) * 1000))
	at 0 sp-assign -q -N 1001 asmith Anna Smith
	given_session 1001 asmith 600 1200 logout
	given_session 1001 asmith 1800
	at 3600 sp-recycle -q asmith
	at 7200 sp-assign -q -N 1001 bjones Bob Jones
	at 7200 sp-assign -q -N 1500 asmith Anna Smith
	given_session 1001 bjones 7800 8000 lost
}

# columns COLUMN[,COLUMN] ARG...: of sp-status.
columns() {
	sp-status -o tsv --columns "$@"
}

# ---- history ----------------------------------------------------------------

@test "sp-status: --history EXT tells who had it, sessions, events" {
	given_owners
	run --separate-stderr sp-status -o tsv --history 1001
	assert_success
	assert_equal "$stderr" ""
	assert_output - <<-END
	1001		2026-01-01T00:00:00Z	2026-01-01T01:00:00Z	tenure	asmith		Anna Smith		
	1001		2026-01-01T02:00:00Z		tenure	bjones		Bob Jones		
	1001		2026-01-01T00:10:00Z	2026-01-01T00:20:00Z	session	asmith	sip:1001@192.0.2.7 udp Phone/1	logout		
	1001		2026-01-01T00:30:00Z	2026-01-01T01:00:00Z	session	asmith	sip:1001@192.0.2.7 udp Phone/1	recycled		
	1001		2026-01-01T02:10:00Z	2026-01-01T02:13:20Z	session	bjones	sip:1001@192.0.2.7 udp Phone/1	lost		
	1001	1	2026-01-01T00:00:00Z		assigned	asmith		1001	sp-assign	$(id -un)
	1001	2	2026-01-01T01:00:00Z		deactivated	asmith		recycled	sp-recycle	$(id -un)
	1001	3	2026-01-01T01:00:00Z		recycled	asmith	1001		sp-recycle	$(id -un)
	1001	4	2026-01-01T02:00:00Z		assigned	bjones		1001	sp-assign	$(id -un)
	END
}

@test "sp-status: --history of a number that somebody had" {
	given_owners
	at 9000 sp-recycle -q bjones
	run columns login,time,until --history 1001
	assert_success
	assert_line --index 1 \
		$'bjones\t2026-01-01T02:00:00Z\t2026-01-01T02:30:00Z'
	run --separate-stderr columns what --history ext:1001
	assert_success
	assert_equal "$(grep -c tenure <<<"$output")" 2
}

@test "sp-status: --history of a number that nobody had is empty" {
	given_owners
	run --separate-stderr sp-status --history 1700
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-status: --history LOGIN tells of that person, on every number" {
	given_owners
	run --separate-stderr columns number,time,what,login --history asmith
	assert_success
	assert_equal "$stderr" ""
	assert_output - <<-END
	1001	2026-01-01T00:00:00Z	tenure	asmith
	1500	2026-01-01T02:00:00Z	tenure	asmith
	1001	2026-01-01T00:10:00Z	session	asmith
	1001	2026-01-01T00:30:00Z	session	asmith
	1001	2026-01-01T00:00:00Z	assigned	asmith
	1001	2026-01-01T01:00:00Z	deactivated	asmith
	1001	2026-01-01T01:00:00Z	recycled	asmith
	1500	2026-01-01T02:00:00Z	assigned	asmith
	END
	at 9000 sp-recycle -q asmith
	run --separate-stderr columns number --history user:asmith
	assert_success
	assert_equal "$(uniq <<<"$output" | xargs)" "1001 1500 1001 1500"
}

@test "sp-status: --history after a renumbering has both numbers" {
	given_user asmith 1001
	sp-assign -q -N 1500 asmith
	run --separate-stderr columns number,what,old,new --history asmith
	assert_success
	assert_output - <<-END
	1001	tenure		First-asmith Last-asmith
	1500	tenure		First-asmith Last-asmith
	1001	assigned		1001
	1001	recycled	1001	1500
	1500	assigned	1001	1500
	END
	run --separate-stderr columns what,login --history 1001
	assert_output $'tenure\tasmith\nassigned\tasmith\nrecycled\tasmith'
}

@test "sp-status: --history of a login of digits" {
	given_user 1001 1002
	given_user asmith 1003
	run --separate-stderr columns number,login --history 1001
	assert_success
	assert_equal "$(sort -u <<<"$output")" $'1002\t1001'
	given_user bjones 1001
	run --separate-stderr sp-status --history 1001
	assert_failure 65
	assert_equal "$stderr" "sp-status: '1001' is the extension of 'bjones'\
 and the login of 1002: say ext:1001 or user:1001"
	run --separate-stderr columns login --history ext:1001
	assert_equal "$(sort -u <<<"$output")" bjones
}

@test "sp-status: --history of whom nobody ever knew is 67" {
	given_user asmith 1001
	for name in nobody 999 ext:abc user:1001; do
		run --separate-stderr sp-status --history $name
		assert_failure 67
		assert_output ""
		assert_equal "$stderr" "sp-status: no user or extension\
 '$name' in 'acme.example', now or before"
	done
}

@test "sp-status: --history has pages of events and of sessions, none is lost" {
	local i

	given_user asmith 1001
	for ((i = 0; i < 100; i++)); do
		echo "INSERT INTO login_session (tenant_id, number, login,
			started_ms, ended_ms, ending, contact, transport,
			user_agent) VALUES (1, '1001', 'asmith', $((i + 1)),
			5000, 'logout', 'c', 'udp', '');
			INSERT INTO event (at_ms, tenant_id, number, login,
			what, new_value, tool, actor)
			VALUES (1, 1, '1001', 'asmith', 'x', '', 't', 'a');"
	done | sqlite3 sp.db
	assert_equal "$(columns what --history 1001 | sort | uniq -c | xargs)" \
		"1 assigned 100 session 1 tenure 100 x"
}

# calls ARG...: those of a history: number, time, until, login, old, new.
calls() {
	sp-status -o tsv --columns number,time,until,what,login,old,new \
		--history "$@" | awk -F '\t' -v OFS='|' '$4 == "call" {
			print $1, substr($2, 12), substr($3, 12), $5, $6, $7 }'
}

@test "sp-status: --history has the calls of a number, of both sides" {
	given_owners
	given_call 1001 1500 started_s=7800 answered_s=7802 ended_s=7874 \
		ending=hung-up status=200
	given_call sip:+49@trunk 1001 started_s=7900 ended_s=7901 ending=busy \
		status=486
	given_call 1500 1001 started_s=8000 ended_s=8001 ending=failed status=503
	given_call 1500 1999 started_s=8100 callee=1001 answered_s=8101
	given_call 1500 1999 started_s=8200 callee=
	assert_equal "$(calls 1001)" "\
1001|02:10:00Z|02:11:14Z|bjones|1001 -> 1500|answered 2026-01-01T02:10:02Z, hung-up after 1m 12s
1001|02:11:40Z|02:11:41Z|bjones|sip:+49@trunk -> 1001|busy
1001|02:13:20Z|02:13:21Z|bjones|1500 -> 1001|failed 503
1001|02:15:00Z||bjones|1500 -> 1999 -> 1001|answered 2026-01-01T02:15:01Z"
	assert_equal "$(calls 1999 | cut -d '|' -f 2,5,6)" "\
02:15:00Z|1500 -> 1999 -> 1001|answered 2026-01-01T02:15:01Z
02:16:40Z|1500 -> 1999|"
	assert_equal "$(calls 1500 | wc -l)" 4
	run --separate-stderr sp-status -o jsonl --columns until,what,new,tool \
		--history 1999
	assert_line '{"until":null,"what":"call","new":null,"tool":null}'
}

@test "sp-status: --history of a login has the calls of its time only" {
	given_owners
	given_call 1500 1001 started_s=60 ended_s=61 ending=no-answer
	given_call 1500 1001 started_s=5000 ended_s=5001 ending=cancelled
	given_call 1500 1001 started_s=7300 ended_s=7301 ending=rejected
	assert_equal "$(calls user:asmith)" "\
1001|00:01:00Z|00:01:01Z|asmith|1500 -> 1001|no-answer
1500|02:01:40Z|02:01:41Z|asmith|1500 -> 1001|rejected"
	assert_equal "$(calls bjones | cut -d '|' -f 2,4)" "02:01:40Z|bjones"
	# Nobody had it in between.
	assert_equal "$(calls 1001 | cut -d '|' -f 2,4)" "\
00:01:00Z|asmith
01:23:20Z|
02:01:40Z|bjones"
}

@test "sp-status: --history has pages of calls, none is lost" {
	local i

	given_user asmith 1001
	for ((i = 0; i < 150; i++)); do
		echo "INSERT INTO call (tenant_id, sip_call_id, caller_tag, caller,
			dialled, callee, started_ms, expires_ms, route)
			VALUES (1, 'x', 'x', '1001', 'n$i', '', $((i / 3)), 1, '');"
	done | sqlite3 sp.db
	sql "UPDATE call SET started_ms = started_ms + 1000"
	assert_equal "$(calls 1001 | sort -u | wc -l)" 150
}

# ---- as of ------------------------------------------------------------------

# then TIME [ARG...]: number, login, state, since as of 2026-01-01 TIME.
then_() {
	columns number,login,state,since --as-of "2026-01-01T$1Z" "${@:2}"
}

@test "sp-status: --as-of tells who had a number then" {
	given_owners
	assert_equal "$(then_ 00:05:00 1001)" \
		$'1001\tasmith\toffline\t2026-01-01T00:00:00Z'
	assert_equal "$(then_ 02:00:00 1001)" \
		$'1001\tbjones\toffline\t2026-01-01T02:00:00Z'
	run --separate-stderr sp-status -o tsv --as-of 2026-01-01T00:05:00Z 1001
	assert_success
	assert_output $'1001\tasmith\tAnna\tSmith\t1001@acme.example\toffline\t2026-01-01T00:00:00Z\t\t\t\t\t\t\t'
	assert_equal "$stderr" ""
}

@test "sp-status: --as-of before, between and behind owners: nobody" {
	given_owners
	for time in 2025-12-31T23:59:59Z 2026-01-01T01:00:00Z \
		2026-01-01T01:59:59Z; do
		run --separate-stderr sp-status --as-of $time 1001
		assert_failure 67
		assert_output ""
		assert_equal "$stderr" \
			"sp-status: nobody had '1001' at $time"
	done
	run --separate-stderr sp-status --as-of 2026-01-01T01:00:00Z asmith 1700
	assert_failure 67
	assert_output ""
	assert_equal "$stderr" "\
sp-status: 'asmith' had no number at 2026-01-01T01:00:00Z
sp-status: nobody had '1700' at 2026-01-01T01:00:00Z"
}

@test "sp-status: --as-of with a login is about that person" {
	given_owners
	assert_equal "$(then_ 00:05:00 asmith | cut -f 1,2)" $'1001\tasmith'
	assert_equal "$(then_ 02:05:00 asmith | cut -f 1,2)" $'1500\tasmith'
	at 9000 sp-recycle -q asmith
	assert_equal "$(then_ 02:05:00 asmith | cut -f 1,2)" $'1500\tasmith'
}

# given_many_owners N: bjones has had 1001 for a second each, over and over.
given_many_owners() {
	sql "WITH RECURSIVE n (i) AS
			(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO tenure (tenant_id, digits, number, login, first_name,
				last_name, from_ms, until_ms)
			SELECT 1, 4, '1001', 'bjones', '', '',
				($T0 + i) * 1000, ($T0 + i + 1) * 1000 FROM n"
}

@test "sp-status: --as-of finds the first of many tenures of a login" {
	given_user asmith 1001
	given_many_owners 100
	run --separate-stderr columns number,login \
		--as-of 2026-01-01T00:00:01Z bjones
	assert_success
	assert_output $'1001\tbjones'
}

@test "sp-status: --history says when it does not tell all tenures" {
	given_user asmith 1001
	given_many_owners 63
	run --separate-stderr columns what --history 1001
	assert_equal "$(grep -c tenure <<<"$output")" 64
	assert_equal "$stderr" ""
	given_many_owners 64
	run --separate-stderr columns what --history 1001
	assert_equal "$(grep -c tenure <<<"$output")" 64
	assert_equal "$stderr" \
		"sp-status: of the tenures only the last 64 are told"
}

@test "sp-status: --as-of shows the sessions of then" {
	given_owners
	assert_equal "$(then_ 00:15:00 1001 | cut -f 3,4)" \
		$'registered\t2026-01-01T00:10:00Z'
	assert_equal "$(then_ 00:25:00 1001 | cut -f 3,4)" \
		$'offline\t2026-01-01T00:20:00Z'
	assert_equal "$(then_ 02:05:00 1001 | cut -f 3,4)" \
		$'offline\t2026-01-01T02:00:00Z'
	assert_equal "$(then_ 03:00:00 1001 | cut -f 3,4)" \
		$'lost\t2026-01-01T02:13:20Z'
	run --separate-stderr columns contact,transport,user_agent \
		--as-of 2026-01-01T00:15:00Z 1001
	assert_output $'sip:1001@192.0.2.7\tudp\tPhone/1'
}

@test "sp-status: --as-of without operands lists everybody of then" {
	given_owners
	assert_equal "$(then_ 00:05:00)" "$(then_ 00:05:00 1001)"
	assert_equal "$(then_ 01:30:00)" ""
	assert_equal "$(then_ 02:05:00 | cut -f 1,2)" \
		$'1001\tbjones\n1500\tasmith'
	assert_equal "$(then_ 02:05:00 --match anna | cut -f 1)" 1500
	assert_equal "$(then_ 03:00:00 --state lost | cut -f 1)" 1001
	assert_equal "$(then_ 03:00:00 --idle 1h | cut -f 1)" 1500
	assert_equal "$(then_ 02:05:00 - <<<$'asmith\n1001' | cut -f 1 | xargs)" \
		"1500 1001"
}

@test "sp-status: --as-of lists page by page, numbers of all lengths" {
	sed -i 's/pool: .*/pool: [95-1200]/' sp.yaml
	seq -f 'u%g' 95 494 | sed '1i login' >users.csv
	sp-assign -q -f users.csv
	seq 100 2 300 | sp-recycle -q --max 100% -
	sql "UPDATE extension SET assigned_ms = 1000;
		UPDATE tenure SET from_ms = 1000"
	run --separate-stderr columns number,login --as-of 1970-01-01T00:00:01Z
	assert_success
	assert_output "$(for n in $(seq 95 494); do printf '%s\tu%s\n' "$n" "$n"; done)"
}

@test "sp-status: --as-of a moment of the swap of two numbers" {
	given_user a 1001
	given_user b 1002
	sql "UPDATE extension SET assigned_ms = 1000"
	sp-assign -q --swap b a
	sql "UPDATE tenure SET until_ms = 5000;
		UPDATE extension SET assigned_ms = 5000"
	assert_equal "$(columns number,login --as-of 1970-01-01T00:00:04Z -q)" \
		$'1001\ta\n1002\tb'
	assert_equal "$(columns number,login --as-of 1970-01-01T00:00:05Z -q)" \
		$'1001\tb\n1002\ta'
}

@test "sp-status: --as-of what is to come is refused" {
	given_user asmith 1001
	for time in +1m tomorrow 2199-01-01; do
		run --separate-stderr sp-status --as-of $time
		assert_failure 64
		assert_output ""
		assert_equal "$stderr" \
			"sp-status: --as-of: '$time' is yet to come"
	done
	run --separate-stderr sp-status --as-of 'May 3'
	assert_failure 64
	assert_output ""
	assert_regex "$stderr" "^sp-status: --as-of: 'May 3' is not a time"
	run --separate-stderr columns number --as-of now
	assert_success
	assert_output 1001
}

@test "sp-status: --as-of further back than history is warned of" {
	given_user asmith 1001
	sed -i 's/^history: .*/history: 30d/' sp.yaml
	run --separate-stderr sp-status --as-of -31d
	assert_success
	assert_output ""
	assert_regex "$stderr" "^sp-status: history reaches back to\
 20[-0-9]+T[:0-9]+Z: who had left by then may be missing\$"
	run --separate-stderr sp-status -q --as-of -31d
	assert_equal "$stderr" ""
	run --separate-stderr sp-status --as-of -29d
	assert_equal "$stderr" ""
}

# ---- follow -----------------------------------------------------------------

# follow FILE [ARG...]: in the background; FOLLOW_PID.
follow() {
	sp-status --follow -o tsv "${@:2}" >"$1" 2>"$1.err" 3>&- &
	FOLLOW_PID=$!
	SERVER_PIDS+=("$FOLLOW_PID")
}

# has_lines FILE N: for wait_until.
has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

@test "sp-status: --since prints the events behind one, and ends" {
	given_user asmith 1001
	sp-forward -q asmith --busy reject
	sp-recycle -q asmith
	run --separate-stderr sp-status -o tsv --since 1
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(cut -f 1,2,4-10 <<<"$output")" "\
1001	2		forwarding	asmith		busy=reject	sp-forward	$(id -un)
1001	3		recycled	asmith	1001		sp-recycle	$(id -un)"
	run --separate-stderr columns seq --since 0
	assert_output $'1\n2\n3'
	run --separate-stderr columns seq --since 3
	assert_success
	assert_output ""
}

@test "sp-status: --since of what no event has yet is refused" {
	given_user asmith 1001
	for option in '' --follow; do
		# shellcheck disable=SC2086 # a word or none
		run --separate-stderr sp-status $option --since 2
		assert_failure 65
		assert_output ""
		assert_equal "$stderr" \
			"sp-status: --since: there is no event 2: the last one is 1"
	done
	for word in x -1 ''; do
		run --separate-stderr sp-status --since "$word"
		assert_failure 64
		assert_equal "$stderr" "sp-status: --since: '$word' is not the\
 number of an event (see sp-status --help)"
	done
}

@test "sp-status: --since in jsonl has integers, and nulls" {
	given_user asmith 1001
	run --separate-stderr sp-status --since 0 -o jsonl
	assert_success
	assert_output --regexp '^\{"number":"1001","seq":1,"time":"20[-0-9]+T[0-9:]+Z","until":null,"what":"assigned","login":"asmith","old":null,"new":"1001","tool":"sp-assign","actor":"'"$(id -un)"'"\}$'
	sp-status --since 0 -o json | jq -c '.[]' >array
	assert_equal "$(cat array)" "$output"
}

# followed FILE: an event happens, and whether one has been seen. The follower
# starts at the last event it finds, so those until then are not its own.
followed() {
	sp-forward -q asmith --busy reject
	sp-forward -q asmith --reset
	has_lines "$1" 1
}

@test "sp-status: --follow prints events as they happen, not those before" {
	given_user asmith 1001
	follow out
	wait_until 10 followed out
	given_user bjones 1002
	sp-recycle -q asmith bjones
	wait_until 10 grep -qE $'^1002\t[0-9]+\t[^\t]*\t[^\t]*\trecycled' out
	assert_equal "$(tail -n 3 out | cut -f 1,5,6)" "1002	assigned	bjones
1001	recycled	asmith
1002	recycled	bjones"
	# All since the first one seen, and none before.
	local first
	first=$(head -n 1 out | cut -f 2)
	[ "$first" -gt 1 ]
	assert_equal "$(cut -f 2 out)" \
		"$(sp-status -o tsv --since $((first - 1)) | cut -f 2)"
	kill "$FOLLOW_PID"
	assert_equal "$(cat out.err)" ""
}

@test "sp-status: --follow in jsonl, csv and yaml writes whole records at once" {
	given_user asmith 1001
	for format in jsonl csv yaml; do
		sp-status --follow --since 0 -o $format >out.$format 3>&- &
		SERVER_PIDS+=($!)
	done
	wait_until 10 has_lines out.jsonl 1
	wait_until 10 has_lines out.csv 2
	wait_until 10 has_lines out.yaml 10
	given_user bjones 1002
	wait_until 10 has_lines out.jsonl 2
	wait_until 10 has_lines out.csv 3
	wait_until 10 has_lines out.yaml 20
	assert_equal "$(jq -r .number out.jsonl | xargs)" "1001 1002"
	assert_equal "$(cut -d , -f 1 out.csv | xargs)" "number 1001 1002"
	run tail -n 10 out.yaml
	assert_line --index 0 '- number: "1002"'
	assert_line '  seq: 2'
}

@test "sp-status: --follow sees a tenant that begins" {
	given_user asmith 1001
	printf '  - {domain: b.example, pool: [20-29]}\n' >>sp.yaml
	follow out -t b.example --since 0
	sp-assign -q -t b.example zoe
	wait_until 10 has_lines out 1
	assert_equal "$(cut -f 1,5,6 out)" $'20\tassigned\tzoe'
}

@test "sp-status: --follow ends rather than leave out what was pruned" {
	given_user asmith 1001
	follow out --since 1
	given_user bjones 1002
	wait_until 10 has_lines out 1
	kill -STOP "$FOLLOW_PID"
	sp-recycle -q asmith bjones
	given_user cdoe 1003
	sql "DELETE FROM event WHERE seq < 4"
	kill -CONT "$FOLLOW_PID"
	wait_until 10 test -s out.err
	assert_equal "$(cat out.err)" "sp-status: the events from 3 to 3 are\
 older than the history that is kept, and gone"
	assert_equal "$(wc -l <out)" 1
}

@test "sp-status: --follow ends when its reader goes away" {
	given_user asmith 1001
	run --separate-stderr timeout 10 bash -c \
		'set -o pipefail; sp-status --follow --since 0 | head -n 1'
	assert_success
	assert_output --regexp $'^1001\t1\t'
	assert_equal "$stderr" ""
}

@test "sp-status: --follow ends when it cannot write" {
	given_user asmith 1001
	run --separate-stderr to_full timeout 10 sp-status --follow --since 0
	assert_failure 74
	assert_equal "$stderr" \
		"sp-status: cannot write the listing: No space left on device"
}

# last_seq FILE: of its last line.
last_seq() {
	tail -n 1 "$1" | cut -f 2
}

@test "sp-status: --since goes on where a killed --follow ended, without a gap" {
	local i writer

	given_user asmith 1001
	sp-status -o tsv --since 0 >all
	for ((i = 0; i < 60; i++)); do
		sp-assign -q "u$i"
		sp-recycle -q "u$i"
	done &
	writer=$!
	SERVER_PIDS+=("$writer")
	for ((i = 0; i < 5; i++)); do
		follow part --since "$(last_seq all)"
		wait_until 20 has_lines part 4
		kill -9 "$FOLLOW_PID"
		wait "$FOLLOW_PID" || :
		[ -z "$(tail -c 1 part)" ] || sed -i '$d' part # half a line
		cat part >>all
	done
	wait "$writer"
	sp-status -o tsv --since "$(last_seq all)" >>all
	assert_equal "$(cut -f 2 all | xargs)" "$(seq 121 | xargs)"
}

@test "sp-status: --since of events that are gone is refused" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cnew 1003
	sql "DELETE FROM event WHERE seq < 3"
	for option in '' --follow; do
		# shellcheck disable=SC2086 # a word or none
		run --separate-stderr sp-status $option --since 1
		assert_failure 65
		assert_output ""
		assert_equal "$stderr" "sp-status: --since: the events from 2\
 to 2 are older than the history that is kept, and gone"
	done
	run --separate-stderr columns seq --since 2
	assert_success
	assert_output 3
	run --separate-stderr columns seq --since 0
	assert_success
	assert_output 3
}

# ---- every write is an event ------------------------------------------------

# events_of COMMAND...: what it adds to the history: number, what, login, old,
# new, tool; on one line each.
events_of() {
	local last

	last=$(sql "SELECT coalesce(max(seq), 0) FROM event")
	"$@" >/dev/null 2>said || { cat said; return 1; }
	columns number,what,login,old,new,tool --since "$last" | tr '\t' '|'
}

# assert_events EXPECTED COMMAND...
assert_events() {
	assert_equal "${*:2}"$'\n'"$(events_of "${@:2}")" "${*:2}"$'\n'"$1"
}

@test "sp-status: every write of sp-assign is an event" {
	given_user z 1999
	assert_events '1000|assigned|a||1000|sp-assign' sp-assign a Anna
	assert_events '1000|renamed|a|Anna|Anna Smith|sp-assign' \
		sp-assign a Anna Smith
	assert_events '' sp-assign a Anna Smith
	assert_events '1000|new-secret|a|||sp-assign' sp-assign -s a
	assert_events '1000|recycled|a|1000|1500|sp-assign
1500|assigned|a|1000|1500|sp-assign' sp-assign -N 1500 a
	assert_events '1999|assigned|a|1500|1999|sp-assign
1500|assigned|z|1999|1500|sp-assign' sp-assign --swap z a
	assert_events '1600|reserved||||sp-assign' sp-assign --reserve 1600
	assert_events '' sp-assign --reserve 1600
	assert_events '1999|reserved|a|||sp-assign' sp-assign --reserve 1999
	assert_events '1600|unreserved||||sp-assign' sp-assign --unreserve 1600
	sp-forward -q a --busy reject
	assert_events '1999|recycled|a|1999|1700|sp-assign
1700|assigned|a|1999|1700|sp-assign
1700|forwarding|a|busy=reject||sp-assign' \
		sp-assign -N 1700 --reset-forwarding a
	assert_events '1700|calls|a|default|internal|sp-assign' \
		sp-assign --calls internal a
	assert_events '' sp-assign --calls internal a
	assert_events '' sp-assign -n newcomer
}

@test "sp-status: every write of sp-forward is an event" {
	given_user a 1001
	given_user b 1002
	sed -i '/pool:/a\    forwarding: {busy: {to: voicemail}}' sp.yaml
	assert_events '1001|forwarding|a||no-answer=1002/10s|sp-forward' \
		sp-forward a --no-answer 1002 --after 10s
	assert_events '1001|forwarding|a|no-answer=1002/10s|no-answer=1002/10s off|sp-forward' \
		sp-forward a --off no-answer
	assert_events '' sp-forward a --off no-answer
	assert_events '1001|forwarding|a|no-answer=1002/10s off|no-answer=1002/10s|sp-forward' \
		sp-forward a --undo
	assert_events '1001|forwarding|a|busy=voicemail (default)|busy=reject|sp-forward' \
		sp-forward a --busy reject
	assert_events '1001|forwarding|a||always=reject from 2190-01-01T00:00:00Z until 2190-01-02T00:00:00Z|sp-forward' \
		sp-forward a --always reject --from 2190-01-01 --until 2190-01-02
	assert_events '1001|forwarding|a|busy=reject|busy=voicemail (default)|sp-forward
1001|forwarding|a|no-answer=1002/10s||sp-forward
1001|forwarding|a|always=reject from 2190-01-01T00:00:00Z until 2190-01-02T00:00:00Z||sp-forward' \
		sp-forward a --reset
	sp-forward -q b --offline 1001
	sp-forward >rules
	assert_events '' sp-forward -f rules
}

@test "sp-status: every write of sp-recycle and sp-register is an event" {
	local secret

	given_user a 1001
	given_user b 1002
	sp-forward -q b --busy 1001
	secret=$(given_secret a)
	start_server
	SP_SECRET=$secret sp-register login --server "$SERVER" \
		1001@acme.example >login.out 2>&1 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 state_is 1001 registered
	run columns number,what,login,old,tool,actor --since 4
	assert_output "\
1001	logged-in	a		sp-register	server
1001	created	a		sp-register	server"
	assert_events '1001|deactivated|a|||sp-register' sp-register logout a
	run events_of sp-recycle --clear-inbound a
	assert_output "\
1001|recycled|a|1001||sp-recycle
1002|forwarding|b|busy=1001||sp-recycle"
}

@test "sp-status: --follow tells of calls" {
	given_user a 1001
	sql "INSERT INTO event (at_ms, tenant_id, number, login, what, old_value,
			new_value, tool, actor)
		VALUES (1, 1, '1001', 'a', 'call-started', '1001', '1002', 't', 's'),
			(1, 1, '', '', 'call-started', 'sip:x@y', 'sales', 't', 's'),
			(1, 1, '1001', 'a', 'call-ended', '', 'hung-up after 1m 12s',
			't', 's')"
	run --separate-stderr columns number,what,login,old,new --since 1
	assert_success
	assert_output $'1001\tcall-started\ta\t1001\t1002
\tcall-started\t\tsip:x@y\tsales
1001\tcall-ended\ta\t\thung-up after 1m 12s'
}

@test "sp-status: an event has the person as its actor, also under sudo" {
	given_user a
	SUDO_USER=boss sp-assign -q b
	if [ "$(id -u)" -eq 0 ]; then
		assert_equal "$(columns actor --since 1)" boss
	else
		assert_equal "$(columns actor --since 1)" "$(id -un)"
	fi
}

@test "sp-status: no secret is in the history, nor anywhere else" {
	local secret own=0123456789abcdefghij

	secret=$(sp-assign -s -o tsv a | cut -f 6)
	printf '%s\n' "$own" | sp-assign -q --secret-stdin b
	printf 'login,secret\nc,%s\n' "$own-c" >users.csv
	sp-assign -q -f users.csv
	sp-assign -q -N 1500 a
	sp-assign -q --swap a b
	assert_equal "${#secret}" 26
	run grep -c -F -e "$secret" -e "$own" <(dump)
	assert_output 0
	run grep -a -c -F -e "$secret" -e "$own" sp.db sp.db-wal
	refute_output --regexp ':[1-9]'
}

# ---- history has an end -----------------------------------------------------

# rows TABLE: how many.
rows() {
	sql "SELECT count(*) FROM $1"
}

@test "sp-status: history: bounds events, tenures and sessions" {
	given_owners
	sed -i 's/^history: .*/history: 1d/' sp.yaml
	sql "UPDATE event SET at_ms = 1; UPDATE tenure SET until_ms = 1;
		UPDATE login_session SET ended_ms = 2, started_ms = 1"
	assert_equal "$(rows event) $(rows tenure) $(rows login_session)" "5 1 3"
	given_user c 1700
	# The one of who has 1001 stays: her state follows from it.
	assert_equal "$(rows event) $(rows tenure) $(rows login_session)" "1 0 1"
	assert_equal "$(sp-status -q -o tsv 1001 | cut -f 6)" lost
	assert_equal "$(columns seq --since 5)" 6
	run --separate-stderr sp-status --since 3
	assert_failure 65
}

@test "sp-status: history that is young enough stays" {
	given_owners
	sql "UPDATE event SET at_ms = strftime('%s', 'now', '-23 hours') * 1000;
		UPDATE tenure SET until_ms =
			strftime('%s', 'now', '-23 hours') * 1000;
		UPDATE login_session SET ended_ms =
			strftime('%s', 'now', '-23 hours') * 1000"
	sed -i 's/^history: .*/history: 1d/' sp.yaml
	given_user c 1700
	assert_equal "$(rows event) $(rows tenure) $(rows login_session)" "6 1 3"
}

@test "sp-status: the last event stays, so that a gap is seen in a quiet year" {
	given_user a 1001
	given_user b 1002
	sed -i 's/^history: .*/history: 1d/' sp.yaml
	sql "UPDATE event SET at_ms = 1"
	sp-assign -q a First-a Last-a # which changes nothing
	assert_equal "$(columns seq --since 0)" 2
	run --separate-stderr sp-status --since 0
	assert_success
	run --separate-stderr columns seq --since 1
	assert_output 2
}

# Side by side, the two lists took 20 s here: each page of the one was looked
# for in all of the other.
@test "sp-status: --as-of reads what is and what was once" {
	sed -i 's/1000-1999/100000-999999/' sp.yaml
	given_user asmith
	sql "WITH RECURSIVE n (i) AS
			(SELECT 100001 UNION ALL SELECT i + 1 FROM n
				WHERE i < 250000)
		INSERT INTO sp_user (id, tenant_id, login, first_name, last_name)
			SELECT i, 1, 'u' || i, '', '' FROM n;
		INSERT INTO extension (tenant_id, digits, number, user_id,
				assigned_ms)
			SELECT 1, 6, id, id, $T0 * 1000 FROM sp_user
				WHERE id > 100000;
		INSERT INTO tenure (tenant_id, digits, number, login, first_name,
				last_name, from_ms, until_ms)
			SELECT 1, 6, number, 'x', '', '', 1000, 2000
				FROM extension"
	run timeout 10 sp-status -o tsv --columns number --as-of 2026-01-02
	assert_success
	assert_equal "${#lines[@]}" 150000
}

@test "sp-status: a batch prunes more than it adds" {
	seq -f 'u%.0f' 700 | sed '1i login' >users
	sp-assign -q -f users
	sql "UPDATE event SET at_ms = 1000"
	sed -i '1s/$/,first/; 2,$s/$/,New/' users
	sp-assign -q -f users
	assert_equal "$(sql "SELECT count(*), min(seq) FROM event")" '700|701'
}

@test "sp-status: a dry run and a look prune nothing" {
	given_owners
	sed -i 's/^history: .*/history: 1d/' sp.yaml
	sql "UPDATE event SET at_ms = 1"
	remember
	sp-assign -n -q newcomer
	sp-status -q --since 0 >/dev/null
	assert_nothing_changed
}
