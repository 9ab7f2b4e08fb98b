#!/usr/bin/env bats

# States follow from rows and a moment. Most tests write the rows themselves,
# and a last heartbeat at T0: without a server, states are as they were then.
T0=1704067200 # 2024-01-01T00:00:00Z, in seconds
STOPPED="sp-status: no server is running since 2024-01-01T00:00:00Z: states\
 are as they were then"

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config
}

teardown() { common_teardown; }

# given_beat SECONDS: the server's last heartbeat.
given_beat() {
	sql "INSERT INTO server VALUES (1, zeroblob(32), $1 * 1000)
		ON CONFLICT (id) DO UPDATE SET heartbeat_ms = $1 * 1000"
}

# given_extension NUMBER: assigned an hour before T0, with its last login
# session, if more is said: STARTED [ENDED ENDING], in seconds after T0.
given_extension() {
	local ended=NULL ending=NULL

	given_user "u$1" "$1"
	sql "UPDATE extension SET assigned_ms = ($T0 - 3600) * 1000
		WHERE number = '$1'"
	[ $# -gt 1 ] || return 0
	[ $# -eq 2 ] || ended="($T0 + $3) * 1000" ending="'$4'"
	sql "INSERT INTO login_session (id, tenant_id, number, login,
			started_ms, ended_ms, ending, contact, transport,
			user_agent)
		VALUES ($1, 1, '$1', 'u$1', ($T0 + $2) * 1000,
			$ended, $ending,
			'sip:$1@192.0.2.7', 'udp', 'Phone/1');
		UPDATE extension SET session_id = $1 WHERE number = '$1'"
}

# given_binding NUMBER REFRESHED EXPIRES [INTERVAL]: in seconds after T0.
given_binding() {
	sql "INSERT INTO binding (extension_id, contact, call_id, source,
			transport, user_agent, created_ms)
		SELECT id, 'sip:$1@192.0.2.9', 'x', 'x', 'udp', 'Phone/2', 1
			FROM extension WHERE number = '$1';
		INSERT INTO binding_live VALUES (last_insert_rowid(), 1,
			($T0 + $2) * 1000, ($T0 + $3) * 1000, ${4:-0} * 1000)"
}

# state NUMBER: as of the last heartbeat.
state() {
	sp-status -q -o tsv "$1" | cut -f 6
}

# ---- states -----------------------------------------------------------------

@test "sp-status: assigned and never logged in is offline since then" {
	given_extension 1001
	given_beat $T0
	run --separate-stderr sp-status
	assert_success
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\toffline\t2023-12-31T23:00:00Z\t\t\t\t\t\t'
	assert_equal "$stderr" "$STOPPED"
}

@test "sp-status: a binding refreshed in time is registered since the login" {
	given_extension 1001 -60
	given_binding 1001 -10 20
	given_beat $T0
	run --separate-stderr sp-status
	assert_success
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\tregistered\t2023-12-31T23:59:00Z\tsip:1001@192.0.2.9\tudp\tPhone/2\t2023-12-31T23:59:50Z\t20\t'
	assert_equal "$stderr" "$STOPPED"
}

@test "sp-status: a refresh more than 2 s overdue is late" {
	given_extension 1001 -60
	given_binding 1001 -17 13
	given_beat $T0
	assert_equal "$(state 1001)" registered
	sql "UPDATE binding_live SET refreshed_ms = refreshed_ms - 1"
	run --separate-stderr sp-status -q -o tsv
	assert_success
	assert_equal "$(cut -f 6,7,12 <<<"$output")" \
		$'late\t2023-12-31T23:59:00Z\t13'
}

@test "sp-status: a softphone that refreshes less often is late after its own time" {
	given_extension 1001 -600
	given_binding 1001 -62 60 60
	given_extension 1002 -600
	given_binding 1002 -63 60 60
	given_beat $T0
	assert_equal "$(state 1001)" registered
	assert_equal "$(state 1002)" late
}

@test "sp-status: the tenant's refresh interval counts" {
	given_config "registration: {refresh: 1m, timeout: 2m}"
	given_extension 1001 -600
	given_binding 1001 -62 60 15
	given_beat $T0
	assert_equal "$(state 1001)" registered
}

@test "sp-status: a binding that ran out is lost, before anybody wrote it" {
	given_extension 1001 -60
	given_binding 1001 -31 -1
	given_beat $T0
	run --separate-stderr sp-status -q -o tsv
	assert_success
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\tlost\t2023-12-31T23:59:59Z\tsip:1001@192.0.2.9\tudp\tPhone/2\t2023-12-31T23:59:29Z\t\t'
	assert_equal "$stderr" ""
}

@test "sp-status: a binding runs out at the moment of its expiry" {
	given_extension 1001 -60
	given_binding 1001 -15 0
	given_beat $T0
	assert_equal "$(state 1001)" lost
	sql "UPDATE binding_live SET expires_ms = expires_ms + 1"
	assert_equal "$(state 1001)" registered
}

@test "sp-status: a session that ended as lost is lost since then" {
	given_extension 1001 -60 -30 lost
	given_beat $T0
	run --separate-stderr sp-status -q -o tsv
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\tlost\t2023-12-31T23:59:30Z\tsip:1001@192.0.2.7\tudp\tPhone/1\t\t\t'
}

@test "sp-status: a session that was logged out is offline since then" {
	given_extension 1001 -60 -30 logout
	given_extension 1002 -60 -20 kicked
	given_beat $T0
	run --separate-stderr sp-status -q -o tsv
	assert_equal "$(cut -f 1,6,7 <<<"$output")" \
		$'1001\toffline\t2023-12-31T23:59:30Z
1002\toffline\t2023-12-31T23:59:40Z'
}

@test "sp-status: of several bindings one that is live is enough" {
	given_extension 1001 -60
	given_binding 1001 -14 16
	given_binding 1001 -12 -2
	given_beat $T0
	run --separate-stderr sp-status -q -o tsv
	assert_equal "$(cut -f 6,11,12 <<<"$output")" \
		$'registered\t2023-12-31T23:59:46Z\t16'
}

@test "sp-status: of several live bindings the newest is shown" {
	given_extension 1001 -60
	given_binding 1001 -14 16
	given_binding 1001 -3 27
	given_binding 1001 -8 22
	given_beat $T0
	run --separate-stderr sp-status -q -o tsv
	assert_equal "$(cut -f 11,12 <<<"$output")" $'2023-12-31T23:59:57Z\t27'
}

@test "sp-status: a number of the pool that was never used is free" {
	given_extension 1001
	run --separate-stderr sp-status 1500
	assert_success
	assert_output $'1500\t\t\t\t\tfree\t\t\t\t\t\t\t'
	assert_equal "$stderr" ""
}

@test "sp-status: a recycled number is free, or rests until its time" {
	given_extension 1001
	sp-recycle -q 1001
	assert_equal "$(state 1001)" free
	sql "UPDATE extension SET free_from_ms = 4102444800000"
	run --separate-stderr sp-status -o tsv 1001
	assert_success
	assert_equal "$(cut -f 1,2,6,13 <<<"$output")" $'1001\t\tresting\t'
	assert_equal "$stderr" ""
}

@test "sp-status: a reserved number is reserved, used before or not" {
	given_extension 1001
	given_extension 1003
	sp-recycle -q 1001
	given_config "reserved: [1001-1003]"
	assert_equal "$(state 1001) $(state 1002) $(state 1003)" \
		"reserved reserved offline"
}

@test "sp-status: rules that are on are shown, defaults too" {
	given_config "forwarding: {offline: {to: reject}, busy: {to: reject}}"
	given_extension 1001
	given_extension 1002
	sp-forward -q 1001 --no-answer 1002 --after 1m --always sip:a@b.example
	sp-forward -q 1001 --off busy
	run --separate-stderr sp-status -o tsv 1001
	assert_success
	assert_equal "$(cut -f 13 <<<"$output")" \
		"always=sip:a@b.example no-answer=1002/1m offline=reject"
}

# ---- the server's heartbeat -------------------------------------------------

@test "sp-status: while a server beats, states are those of now" {
	local now

	given_extension 1001 -60
	given_binding 1001 -15 15
	now=$(date +%s)
	given_beat $((now + 60))
	run --separate-stderr sp-status -o tsv
	assert_success
	assert_equal "$(cut -f 6 <<<"$output")" lost
	assert_equal "$stderr" ""
}

@test "sp-status: a server that never ran is no reason for a warning" {
	given_extension 1001 -60
	given_binding 1001 -15 15
	run --separate-stderr sp-status -o tsv
	assert_success
	assert_equal "$(cut -f 6 <<<"$output")" lost
	assert_equal "$stderr" ""
}

@test "sp-status: without a server it says since when, but not with -q" {
	given_extension 1001
	given_beat $T0
	run --separate-stderr sp-status -o tsv 1001
	assert_success
	assert_equal "$stderr" "$STOPPED"
	run --separate-stderr sp-status --quiet -o tsv 1001
	assert_output --regexp $'^1001\tu1001\t'
	assert_equal "$stderr" ""
}

@test "sp-status: a server that has just stopped is missed" {
	given_extension 1001
	start_server
	run --separate-stderr sp-status
	assert_equal "$stderr" ""
	stop_server
	sql "UPDATE server SET heartbeat_ms = heartbeat_ms - 3001"
	run --separate-stderr sp-status
	assert_success
	assert_equal "$(sed 's/since [^ ]*Z/since T/' <<<"$stderr")" "sp-status:\
 no server is running since T: states are as they were then"
}

# ---- which rows -------------------------------------------------------------

# given_states: an extension in each state, as of T0.
given_states() {
	given_extension 1001
	given_extension 1002 -60
	given_binding 1002 -5 25
	given_extension 1003 -60
	given_binding 1003 -20 10
	given_extension 1004 -60
	given_binding 1004 -31 -1
	given_user free 1005
	given_user resting 1006
	given_user reserved 1007
	sp-recycle -q 1005 1006 1007
	sql "UPDATE extension SET free_from_ms = 1 WHERE number = '1005'"
	echo "    reserved: [1007]" >>sp.yaml
	given_beat $T0
}

@test "sp-status: without options whoever is assigned is shown, by number" {
	given_states
	run --separate-stderr sp-status -q -o tsv
	assert_success
	assert_equal "$(cut -f 1,6 <<<"$output")" "\
1001	offline
1002	registered
1003	late
1004	lost"
}

@test "sp-status: --state shows those in one state" {
	local state expected=(1001:offline 1002:registered 1003:late 1004:lost
		1005:free 1006:resting 1007:reserved)

	given_states
	for pair in "${expected[@]}"; do
		state=${pair#*:}
		run --separate-stderr sp-status -q -o tsv --state "$state"
		assert_success
		assert_equal "$(cut -f 1,6 <<<"$output")" \
			"${pair%:*}"$'\t'"$state"
	done
}

@test "sp-status: --state takes several" {
	given_states
	run --separate-stderr sp-status -q -o tsv --state lost,late,free
	assert_success
	assert_equal "$(cut -f 1 <<<"$output" | paste -sd ' ')" "1003 1004 1005"
}

@test "sp-status: --state chooses among operands, too" {
	given_states
	run --separate-stderr sp-status -q -o tsv --state late,free \
		1001 1003 1500 u1004
	assert_success
	assert_equal "$(cut -f 1 <<<"$output" | paste -sd ' ')" "1003 1500"
}

@test "sp-status: nobody in that state is no error" {
	given_extension 1001
	run --separate-stderr sp-status --state lost
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-status: what is not a state is refused" {
	given_extension 1001
	for state in gone '' Lost; do
		run --separate-stderr sp-status --state "late,$state"
		assert_failure 64
		assert_output ""
		assert_equal "$stderr" "sp-status: --state: '$state' is not a\
 state: free, resting, reserved, offline, registered, late or lost"
	done
}

@test "sp-status: numbers of all lengths are in order, page by page" {
	sed -i 's/pool: .*/pool: [95-1200]/' sp.yaml
	{
		echo login
		seq -f 'u%g' 95 494
	} >users.csv
	sp-assign -q -f users.csv
	run --separate-stderr sp-status -o tsv
	assert_success
	assert_equal "$(cut -f 1,2 <<<"$output")" \
		"$(for n in $(seq 95 494); do printf '%s\tu%s\n' "$n" "$n"; done)"
}

@test "sp-status: operands are logins and numbers, in their order" {
	given_extension 1001
	given_extension 1002
	run --separate-stderr sp-status 1500 u1002 1001 ext:1002 user:u1001 ext:1501
	assert_success
	assert_equal "$(cut -f 1 <<<"$output" | paste -sd ' ')" \
		"1500 1002 1001 1002 1001 1501"
	assert_equal "$stderr" ""
}

@test "sp-status: digits that are a number and another's login are refused" {
	given_user asmith 1001
	given_user 1001 1002
	run --separate-stderr sp-status 1001
	assert_failure 65
	assert_output ""
	assert_equal "$stderr" "sp-status: '1001' is the extension of 'asmith'\
 and the login of 1002: say ext:1001 or user:1001"
	run --separate-stderr sp-status -o tsv user:1001 ext:1001
	assert_equal "$(cut -f 1 <<<"$output")" $'1002\n1001'
}

@test "sp-status: each unknown operand is told, the others are shown" {
	given_extension 1001
	run --separate-stderr sp-status nobody 1001 999 user:1500
	assert_failure 67
	assert_output --regexp $'^1001\tu1001\t[^\n]*$'
	assert_equal "$stderr" "\
sp-status: no user or extension 'nobody' in 'acme.example'
sp-status: no user or extension '999' in 'acme.example'
sp-status: no user or extension 'user:1500' in 'acme.example'"
}

@test "sp-status: - reads what other tools print" {
	given_extension 1001
	given_extension 1002
	run --separate-stderr sp-status -o tsv - \
		< <(sp-recycle 1002; sp-forward 1001 --always reject)
	assert_success
	assert_equal "$(cut -f 1,6,13 <<<"$output")" \
		$'1002\tfree\t\n1001\toffline\talways=reject'
	assert_equal "$stderr" ""
}

@test "sp-status: a bad line of - is told with its number" {
	given_extension 1001
	run --separate-stderr sp-status - < <(printf '1001\r\nnobody\n\txx\n')
	assert_failure 67
	assert_output --regexp $'^1001\tu1001\t[^\n]*$'
	assert_equal "$stderr" "\
sp-status: standard input:2: no user or extension 'nobody' in 'acme.example'
sp-status: standard input:3: nothing before the first TAB"
}

# ---- usage and output -------------------------------------------------------

@test "sp-status: without a database it says so, and makes none" {
	run --separate-stderr sp-status
	assert_failure 66
	assert_output ""
	assert_equal "$stderr" "sp-status: no database '$SP_DB': No such file\
 or directory (sp-assign and sp-register serve make it)"
	assert_not_exists sp.db
}

@test "sp-status: it changes nothing" {
	given_states
	remember
	run --separate-stderr sp-status -q
	assert_success
	assert_nothing_changed
}

@test "sp-status: an unknown format is refused" {
	given_extension 1001
	run --separate-stderr sp-status -o yml
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-status: unknown output format 'yml',\
 expected table, tsv, csv, json, jsonl or yaml"
}

# given_zoe: a user of whom everything is known.
given_zoe() {
	sp-assign -q -N 1001 zoe 'Zoë, "Z"' 李
	given_extension 1002
	sql "UPDATE extension SET assigned_ms = ($T0 - 3600) * 1000"
	sp-recycle -q 1002
	given_extension 1002 -60
	given_binding 1002 -5 25
	given_beat $T0
}

@test "sp-status: -o table has a header and aligned columns" {
	given_zoe
	run --separate-stderr sp-status -q -o table
	assert_success
	assert_output "\
NUMBER  LOGIN  FIRST        LAST        REGISTERED_NAME    STATE       SINCE                 CONTACT             TRANSPORT  USER_AGENT  REFRESHED             EXPIRES_IN  FORWARDING
1001    zoe    Zoë, \"Z\"     李          1001@acme.example  offline     2023-12-31T23:00:00Z
1002    u1002  First-u1002  Last-u1002  1002@acme.example  registered  2023-12-31T23:59:00Z  sip:1002@192.0.2.9  udp        Phone/2     2023-12-31T23:59:55Z          25"
}

@test "sp-status: -o csv has a header and quotes where needed" {
	given_zoe
	run --separate-stderr sp-status -q -o csv
	assert_success
	assert_output 'number,login,first,last,registered_name,state,since,contact,transport,user_agent,refreshed,expires_in,forwarding
1001,zoe,"Zoë, ""Z""",李,1001@acme.example,offline,2023-12-31T23:00:00Z,,,,,,
1002,u1002,First-u1002,Last-u1002,1002@acme.example,registered,2023-12-31T23:59:00Z,sip:1002@192.0.2.9,udp,Phone/2,2023-12-31T23:59:55Z,25,'
}

@test "sp-status: -o json and jsonl have numbers and nulls" {
	given_zoe
	run --separate-stderr sp-status -q -o jsonl
	assert_success
	assert_output '{"number":"1001","login":"zoe","first":"Zoë, \"Z\"","last":"李","registered_name":"1001@acme.example","state":"offline","since":"2023-12-31T23:00:00Z","contact":null,"transport":null,"user_agent":null,"refreshed":null,"expires_in":null,"forwarding":null}
{"number":"1002","login":"u1002","first":"First-u1002","last":"Last-u1002","registered_name":"1002@acme.example","state":"registered","since":"2023-12-31T23:59:00Z","contact":"sip:1002@192.0.2.9","transport":"udp","user_agent":"Phone/2","refreshed":"2023-12-31T23:59:55Z","expires_in":25,"forwarding":null}'
	sp-status -q -o jsonl | jq -s . >lines.json
	sp-status -q -o json | jq . >array.json
	assert_files_equal lines.json array.json
}

@test "sp-status: an empty json list is an array" {
	given_extension 1001
	run --separate-stderr sp-status -o json --state lost
	assert_success
	assert_output $'[]'
	assert_equal "$stderr" ""
}

@test "sp-status: a terminal gets a table, everything else tsv" {
	given_extension 1001
	run script -qec "sp-status -q" /dev/null </dev/null
	assert_line --index 0 --regexp '^NUMBER  LOGIN '
	run --separate-stderr sp-status -q
	assert_output --regexp $'^1001\tu1001\t'
}

@test "sp-status: a table fits its terminal, and is whole elsewhere" {
	given_extension 1001
	COLUMNS=60 run script -qec "sp-status -q" /dev/null </dev/null
	assert_line --index 1 --regexp '^1001  .*…'
	refute_line --regexp '.{62}' # with the \r of the terminal
	COLUMNS=60 run --separate-stderr sp-status -q -o table
	assert_line --index 1 --partial '1001@'
	refute_output --partial …
}

@test "sp-status: --columns and -H choose what is printed" {
	given_extension 1001
	run --separate-stderr sp-status -q -o table --columns state,number -H
	assert_success
	assert_output "offline  1001"
	run --separate-stderr sp-status -q --columns state,nmber
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-status: --columns: 'nmber' is not one of the\
 columns: number, login, first, last, registered_name, state, since, contact,\
 transport, user_agent, refreshed, expires_in, forwarding"
}

@test "sp-status: control characters of a softphone cannot break a line" {
	given_extension 1001 -60
	given_binding 1001 -5 25
	sql "UPDATE binding SET user_agent = 'a' || char(9, 10, 27, 92) || 'b'"
	given_beat $T0
	run --separate-stderr sp-status -q -o tsv
	assert_equal "$(cut -f 10 <<<"$output")" 'a\t\n'$'\e''\\b'
	run --separate-stderr sp-status -q -o table
	assert_line --index 1 --partial '  a???\b  '
	refute_output --partial $'\e'
}

@test "sp-status: a full disk is told, in every format" {
	given_extension 1001
	for format in table tsv csv json jsonl yaml; do
		run --separate-stderr to_full sp-status -o $format
		assert_failure 74
		assert_equal "$stderr" "sp-status: cannot write the listing:\
 No space left on device"
	done
}

@test "sp-status: prints no empty listing when it fails" {
	rm -f sp.db
	run --separate-stderr sp-status -o json
	assert_failure 66
	assert_output ""
}
