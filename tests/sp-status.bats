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
	sql "INSERT INTO server (id, nonce_key, heartbeat_ms) VALUES (1, zeroblob(32), $1 * 1000)
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
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\toffline\t2023-12-31T23:00:00Z\t\t\t\t\t\t\tdefault'
	assert_equal "$stderr" "$STOPPED"
}

@test "sp-status: a binding refreshed in time is registered since the login" {
	given_extension 1001 -60
	given_binding 1001 -10 20
	given_beat $T0
	run --separate-stderr sp-status
	assert_success
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\tregistered\t2023-12-31T23:59:00Z\tsip:1001@192.0.2.9\tudp\tPhone/2\t2023-12-31T23:59:50Z\t20\t\tdefault'
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
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\tlost\t2023-12-31T23:59:59Z\tsip:1001@192.0.2.9\tudp\tPhone/2\t2023-12-31T23:59:29Z\t\t\tdefault'
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
	assert_output $'1001\tu1001\tFirst-u1001\tLast-u1001\t1001@acme.example\tlost\t2023-12-31T23:59:30Z\tsip:1001@192.0.2.7\tudp\tPhone/1\t\t\t\tdefault'
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

# given_in_call: 1001 and 1002 are on line, and 1001 has called 1002.
given_in_call() {
	for number in 1001 1002; do
		given_extension $number -60
		given_binding $number 0 30
	done
	given_call 1001 1002 started_s=-5 "$@"
	given_beat $T0
}

@test "sp-status: who calls and who is called are ringing, since it rings" {
	given_in_call
	run --separate-stderr sp-status -q -o tsv --columns number,state,since
	assert_success
	assert_output $'1001\tringing\t2023-12-31T23:59:55Z
1002\tringing\t2023-12-31T23:59:55Z'
}

@test "sp-status: with the answer both are busy, since then" {
	given_in_call answered_s=-3
	run --separate-stderr sp-status -q -o tsv --columns number,state,since
	assert_success
	assert_output $'1001\tbusy\t2023-12-31T23:59:57Z
1002\tbusy\t2023-12-31T23:59:57Z'
	# Still on line: until when.
	assert_equal "$(sp-status -q --columns expires_in,contact 1001)" \
		$'30\tsip:1001@192.0.2.9'
}

@test "sp-status: a call that is over makes nobody busy" {
	given_in_call answered_s=-3 ended_s=-1 ending=hung-up
	assert_equal "$(state 1001) $(state 1002)" "registered registered"
}

@test "sp-status: a call ages out, before anybody wrote it" {
	given_in_call answered_s=-3 expires_s=1
	assert_equal "$(state 1001)" busy
	given_beat $((T0 + 1))
	assert_equal "$(state 1001)" registered
}

@test "sp-status: in a call late does not count, but lost and offline do" {
	given_in_call answered_s=-3
	given_beat $((T0 + 20))
	assert_equal "$(state 1001)" busy
	given_beat $((T0 + 30))
	assert_equal "$(state 1001)" lost
	sql "UPDATE login_session SET ended_ms = 1, ending = 'logout'"
	assert_equal "$(state 1001)" offline
}

@test "sp-status: a number that is recycled is in no call" {
	sed -i '1i history: 3650d' sp.yaml
	given_in_call answered_s=-3
	sp-recycle -q u1002
	sql "DELETE FROM login_session WHERE id = 1002"
	given_extension 1002 -60
	given_binding 1002 0 30
	sql "UPDATE extension SET assigned_ms = ($T0 - 4) * 1000
		WHERE number = '1002'"
	assert_equal "$(state 1001) $(state 1002)" "busy registered"
}

@test "sp-status: --state, --summary and --wait know who is in a call" {
	given_extension 1003 -60
	given_binding 1003 0 30
	given_in_call answered_s=-3
	given_call sip:x@trunk 1003
	assert_equal "$(sp-status -q --state busy | cut -f 1 | xargs)" "1001 1002"
	assert_equal "$(sp-status -q --state ringing,late | cut -f 1)" 1003
	assert_equal "$(sp-status -q --state registered)" ""
	assert_equal "$(count busy) $(count ringing) $(count registered)" "2 1 0"
	run --separate-stderr sp-status -q --wait busy --timeout 0 1002
	assert_success
	run --separate-stderr sp-status --wait busy --timeout 0 1003
	assert_failure 1
	assert_regex "$stderr" "'1003' is ringing, not busy, after 0"
}

@test "sp-status: a number of the pool that was never used is free" {
	given_extension 1001
	run --separate-stderr sp-status 1500
	assert_success
	assert_output $'1500\t\t\t\t\tfree\t\t\t\t\t\t\t\t'
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

@test "sp-status: without a server numbers rest and rules begin all the same" {
	given_extension 1001
	given_extension 1002
	given_extension 1003
	given_beat $T0
	sp-recycle -q 1001
	sp-recycle -q --rest 1d 1002
	sp-forward -q 1003 --always reject --from 2024-06-01
	sp-forward -q 1003 --busy reject --until tomorrow
	run --separate-stderr sp-status -q -o tsv 1001 1002 1003
	assert_success
	assert_equal "$(cut -f 1,6,13 <<<"$output")" "1001	free	
1002	resting	
1003	offline	always=reject busy=reject"
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
	sp-recycle -q 1005 1007
	sp-recycle -q --rest 1d 1006
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
 state: free, resting, reserved, offline, registered, late, lost, ringing or\
 busy"
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

# ---- idle, match ------------------------------------------------------------

# numbers [ARG...]: those that sp-status lists, in one line.
numbers() {
	sp-status -q --columns number -o tsv "$@" | xargs
}

# given_ages: nobody runs a server, so that these are ages to the millisecond
# of the moment T0. Never logged in for an hour; logged out for half an hour and
# for 30 s; lost for a minute; on line for two hours.
given_ages() {
	given_extension 1001
	given_extension 1002 -7200 -1800 logout
	given_extension 1003 -7200 -30 kicked
	given_extension 1004 -7200 -60 lost
	given_extension 1005 -7200
	given_binding 1005 -5 25
	given_beat $T0
}

@test "sp-status: --idle has who was not logged in for so long" {
	given_ages
	assert_equal "$(numbers --idle 1h)" 1001
	assert_equal "$(numbers --idle 30m)" "1001 1002"
	assert_equal "$(numbers --idle 1m)" "1001 1002 1004"
	assert_equal "$(numbers --idle 1s)" "1001 1002 1003 1004"
}

@test "sp-status: --idle counts to the millisecond" {
	given_ages
	sql "UPDATE extension SET assigned_ms = assigned_ms + 1
		WHERE number = '1001'"
	assert_equal "$(numbers --idle 1h)" ""
}

@test "sp-status: who is logged in is never idle, nor is a free number" {
	given_ages
	sp-recycle -q 1001
	assert_equal "$(numbers --idle 1ms 1005 1001 1500 1002)" 1002
}

@test "sp-status: an open session that ran out is idle since it was lost" {
	given_extension 1001 -7200
	given_binding 1001 -3630 -3600
	given_beat $T0
	assert_equal "$(numbers --idle 1h)" 1001
	assert_equal "$(numbers --idle 61m)" ""
}

@test "sp-status: what --idle lists goes to sp-recycle" {
	given_ages
	run --separate-stderr sp-recycle --max 100% - \
		< <(sp-status -q --idle 30m)
	assert_success
	assert_output $'1001\tu1001\n1002\tu1002'
	assert_equal "$(numbers)" "1003 1004 1005"
}

@test "sp-status: --idle takes a duration" {
	given_extension 1001
	for word in 90 x -1d ''; do
		run --separate-stderr sp-status --idle "$word"
		assert_failure 64
		assert_output ""
		assert_regex "$stderr" "^sp-status: --idle: '$word' is not a"
	done
}

@test "sp-status: --match looks in number, login, name and softphone" {
	sp-assign -q -N 1001 asmith Anna Smith
	sp-assign -q -N 1712 bjones Bob Ysmir
	given_extension 1003 -60
	given_binding 1003 -5 25
	given_beat $T0
	assert_equal "$(numbers --match smi)" "1001 1712"
	assert_equal "$(numbers --match jones)" 1712
	assert_equal "$(numbers --match 71)" 1712
	assert_equal "$(numbers --match 'anna sm')" 1001
	assert_equal "$(numbers --match 'Phone/2')" 1003
	assert_equal "$(numbers --match '@192.0.2.9')" 1003
	assert_equal "$(numbers --match offline)" ""
}

@test "sp-status: --match knows upper and lower case, of all letters" {
	sp-assign -q zoe Zoë Łuczak
	sp-assign -q bnovak Božena Nováková
	for text in ZOË łucz ë\ ŁU; do
		assert_equal "$text: $(numbers --match "$text")" "$text: 1000"
	done
	assert_equal "$(numbers --match BOŽENA\ nováková)" 1001
	assert_equal "$(numbers --match Novakova)" ""
	LC_ALL=C assert_equal "$(LC_ALL=C numbers --match ŁUCZAK)" 1000
}

@test "sp-status: filters go together, and with operands" {
	given_ages
	assert_equal "$(numbers --idle 1m --state lost)" 1004
	assert_equal "$(numbers --idle 1m --match 100)" "1001 1002 1004"
	assert_equal "$(numbers --state offline,registered --match u1005)" 1005
	assert_equal "$(numbers --idle 1m --match u u1004 1005 1001)" \
		"1004 1001"
	assert_equal "$(numbers --state registered --idle 1m)" ""
}

# ---- numbers that nobody has ------------------------------------------------

# given_pool: two ranges; of the first, some have a user, some are reserved by
# the configuration and by sp-assign, one rests and one has done so.
given_pool() {
	given_config 'reserved: [1000, 1003]'
	sed -i 's/pool: .*/pool: [1000-1009, 500-503]/' sp.yaml
	given_user a
	given_user b
	given_user c
	given_user d 1008
	sp-assign -q --reserve 1006
	sp-recycle -q --rest 1d b
	sp-recycle -q --rest 1d c
	sql "UPDATE extension SET free_from_ms = 1 WHERE number = '1004'"
}

@test "sp-status: --free is what sp-assign hands out, one after the other" {
	local free login handed_out=()

	given_pool
	free=$(numbers --free 20)
	assert_equal "$free" "1004 1005 1007 1009 500 501 502 503"
	for login in n1 n2 n3 n4 n5 n6 n7 n8; do
		handed_out+=("$(sp-assign -o tsv $login | cut -f 1)")
	done
	assert_equal "${handed_out[*]}" "$free"
	assert_equal "$(numbers --free)" ""
	run --separate-stderr sp-assign n9
	assert_failure 73
}

@test "sp-status: --free prints rows like the list, ten unless said" {
	given_config
	given_user a
	run --separate-stderr sp-status --free 1
	assert_success
	assert_output $'1001\t\t\t\t\tfree\t\t\t\t\t\t\t\t'
	assert_equal "$stderr" ""
	assert_equal "$(numbers --free)" "$(echo 100{1..9} 1010)"
	assert_equal "$(numbers --free 2)" "1001 1002"
}

@test "sp-status: --free changes nothing, also where numbers have rested" {
	given_pool
	remember
	assert_equal "$(numbers --free 3)" "1004 1005 1007"
	assert_nothing_changed
}

@test "sp-status: --free of a tenant that nobody is in yet" {
	given_user a
	given_config
	printf '  - {domain: b.example, pool: [20-22]}\n' >>sp.yaml
	assert_equal "$(numbers -t b.example --free)" "20 21 22"
}

@test "sp-status: --free takes a number, of how many" {
	given_user a
	for operands in 0 -1 x '1 2'; do
		# shellcheck disable=SC2086 # two words
		run --separate-stderr sp-status --free -- $operands
		assert_failure 64
		assert_output ""
		assert_equal "$stderr" "sp-status: --free takes at most one\
 number, of how many (see sp-status --help)"
	done
}

@test "sp-status: --resting shows until when" {
	given_pool
	sql "UPDATE extension SET free_from_ms = 4102444800000
		WHERE number = '1002'"
	run --separate-stderr sp-status --resting
	assert_success
	assert_output $'1002\t\t\t\t\tresting\t2100-01-01T00:00:00Z\t\t\t\t\t\t\t'
	assert_equal "$stderr" ""
}

@test "sp-status: --reserved has both kinds, in order, without those in use" {
	given_config 'reserved: [1990-1992, 1000, 1990, 3000, 0100, 999]'
	sed -i 's/pool: .*/pool: [1000-1999, 0100-0199, 990-999]/' sp.yaml
	given_user a 1500
	given_user b 1501
	sp-assign -q --reserve 1500 # who has it keeps it
	sp-assign -q --reserve 1400
	sp-assign -q --reserve 1995
	sed -i 's/1992/1991, 1501/' sp.yaml
	assert_equal "$(numbers --reserved)" "999 0100 1000 1400 1990 1991 1995"
	sp-recycle -q a b
	assert_equal "$(numbers --reserved)" \
		"999 0100 1000 1400 1500 1501 1990 1991 1995"
	run --separate-stderr sp-status --reserved
	assert_line $'1400\t\t\t\t\treserved\t\t\t\t\t\t\t\t'
	assert_equal "$stderr" ""
	sp-assign -q --unreserve 1400
	refute [ "$(numbers --reserved | grep -c 1400)" != 0 ]
}

# ---- summary ----------------------------------------------------------------

# count ITEM [RANGE]: of --summary.
count() {
	sp-status -q --summary -o tsv |
		awk -F '\t' -v item="$1" -v range="${2-}" \
			'$1 == item && $2 == range { print $3 }'
}

@test "sp-status: --summary counts states, and the pool by its ranges" {
	given_pool
	run --separate-stderr sp-status --summary -o tsv
	assert_success
	assert_equal "$stderr" ""
	assert_output - <<-'END'
	assigned		2
	offline		2
	registered		0
	late		0
	lost		0
	ringing		0
	busy		0
	pool	1000-1009	10
	pool-assigned	1000-1009	2
	pool-free	1000-1009	4
	pool-resting	1000-1009	1
	pool-reserved	1000-1009	3
	pool	500-503	4
	pool-assigned	500-503	0
	pool-free	500-503	4
	pool-resting	500-503	0
	pool-reserved	500-503	0
	pool		14
	pool-assigned		2
	pool-free		8
	pool-resting		1
	pool-reserved		3
	last-event		7
	END
}

@test "sp-status: --summary adds up, in every state" {
	given_states
	assert_equal "$(count assigned)" 4
	assert_equal "$(count offline) $(count registered) $(count late) \
$(count lost)" "1 1 1 1"
	assert_equal "$(count pool)" 1000
	assert_equal "$(count pool-assigned) $(count pool-resting) \
$(count pool-reserved) $(count pool-free)" "4 1 1 994"
}

@test "sp-status: --summary counts who has a number that is in no pool now" {
	given_user a 1500
	sed -i 's/pool: .*/pool: [1000-1009]/' sp.yaml
	assert_equal "$(count assigned) $(count pool-assigned)" "1 0"
	assert_equal "$(count pool-free)" 10
}

@test "sp-status: --summary counts what servers did" {
	given_user asmith
	for _ in 1 2; do
		start_server
		sp-register probe -q --server "$SERVER"
		stop_server
	done
	assert_equal "$(count server-requests)" 2
	assert_equal "$(count server-registrations)" ""
}

@test "sp-status: --summary in JSON has integers, and no range for the whole" {
	given_user a
	run --separate-stderr sp-status --summary -o jsonl
	assert_success
	assert_line --index 0 '{"item":"assigned","range":null,"count":1}'
	assert_line '{"item":"pool","range":"1000-1999","count":1000}'
	assert_equal "$stderr" ""
}

# ---- waiting ----------------------------------------------------------------

@test "sp-status: --wait prints the row and ends when it is there already" {
	given_user asmith 1001
	run --separate-stderr sp-status --wait offline asmith
	assert_success
	assert_output --regexp $'^1001\tasmith\t.*\toffline\t'
	assert_equal "$stderr" ""
	run --separate-stderr sp-status -q --wait late,offline 1001
	assert_success
	assert_output ""
	run --separate-stderr sp-status -q --wait offline -o csv 1001
	assert_success
	assert_output ""
	run --separate-stderr sp-status --wait free -o tsv --columns state 1500
	assert_success
	assert_output free
}

@test "sp-status: --wait ends with a login in another process" {
	local secret waiter

	given_user asmith 1001
	secret=$(given_secret asmith)
	start_server
	sp-status -o tsv --wait registered,late 1001 >row 2>err 3>&- &
	waiter=$!
	SERVER_PIDS+=("$waiter")
	SP_SECRET=$secret sp-register login --server "$SERVER" \
		1001@acme.example >login.out 2>&1 3>&- &
	SERVER_PIDS+=($!)
	wait "$waiter"
	assert_equal "$(cut -f 1,6 row)" $'1001\tregistered'
	assert_equal "$(cat err)" ""
}

@test "sp-status: --wait that is over is 1, and says how it stands" {
	given_user asmith 1001
	run --separate-stderr sp-status --wait lost,late --timeout 20ms asmith
	assert_failure 1
	assert_output ""
	assert_equal "$stderr" \
		"sp-status: 'asmith' is offline, not lost,late, after 20ms"
	run --separate-stderr sp-status -q --wait lost --timeout 0 asmith
	assert_failure 1
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-status: --wait sees what the clock alone changes" {
	given_extension 1001 -60
	given_binding 1001 0 2
	given_beat 4102444800
	sql "UPDATE binding_live SET expires_ms =
		(CAST(strftime('%s') AS INTEGER) + 1) * 1000,
		refreshed_ms = strftime('%s') * 1000"
	run --separate-stderr sp-status -o tsv --wait lost --timeout 10s 1001
	assert_success
	assert_equal "$(cut -f 1,6 <<<"$output")" $'1001\tlost'
}

@test "sp-status: --wait for whom nobody knows is refused at once" {
	given_user asmith 1001
	run --separate-stderr sp-status --wait registered nobody
	assert_failure 67
	assert_output ""
	assert_equal "$stderr" \
		"sp-status: no user or extension 'nobody' in 'acme.example'"
}

@test "sp-status: --wait ends when its user is taken out" {
	local waiter

	given_user asmith 1001
	sp-status --wait lost asmith >out 2>err 3>&- &
	waiter=$!
	SERVER_PIDS+=("$waiter")
	sp-recycle -q asmith
	wait "$waiter" && status=0 || status=$?
	assert_equal "$status" 67
	assert_equal "$(cat out err)" \
		"sp-status: no user or extension 'asmith' in 'acme.example'"
}

@test "sp-status: --wait takes states, and one user" {
	given_user asmith 1001
	run --separate-stderr sp-status --wait on-line asmith
	assert_failure 64
	assert_equal "$stderr" "sp-status: --wait: 'on-line' is not a state:\
 free, resting, reserved, offline, registered, late, lost, ringing or busy"
	for operands in '' 'asmith 1001' -; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status --wait lost $operands </dev/null
		assert_failure 64
		assert_output ""
		assert_equal "$stderr" "sp-status: --wait takes one LOGIN or\
 EXT (see sp-status --help)"
	done
	run --separate-stderr sp-status --wait lost --timeout 5 asmith
	assert_failure 64
	assert_regex "$stderr" "^sp-status: --timeout: '5' is not a"
}

# ---- usage and output -------------------------------------------------------

@test "sp-status: without a database it says so, and makes none" {
	run --separate-stderr sp-status
	assert_failure 66
	assert_output ""
	assert_equal "$stderr" "sp-status: no users yet: no database '$SP_DB'\
 (sp-assign LOGIN makes both)"
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
NUMBER  LOGIN  FIRST        LAST        REGISTERED_NAME    STATE       SINCE                 CONTACT             TRANSPORT  USER_AGENT  REFRESHED             EXPIRES_IN  FORWARDING  CALLS
1001    zoe    Zoë, \"Z\"     李          1001@acme.example  offline     2023-12-31T23:00:00Z                                                                                           default
1002    u1002  First-u1002  Last-u1002  1002@acme.example  registered  2023-12-31T23:59:00Z  sip:1002@192.0.2.9  udp        Phone/2     2023-12-31T23:59:55Z          25              default"
}

@test "sp-status: -o csv has a header and quotes where needed" {
	given_zoe
	run --separate-stderr sp-status -q -o csv
	assert_success
	assert_output 'number,login,first,last,registered_name,state,since,contact,transport,user_agent,refreshed,expires_in,forwarding,calls
1001,zoe,"Zoë, ""Z""",李,1001@acme.example,offline,2023-12-31T23:00:00Z,,,,,,,default
1002,u1002,First-u1002,Last-u1002,1002@acme.example,registered,2023-12-31T23:59:00Z,sip:1002@192.0.2.9,udp,Phone/2,2023-12-31T23:59:55Z,25,,default'
}

@test "sp-status: -o json and jsonl have numbers and nulls" {
	given_zoe
	run --separate-stderr sp-status -q -o jsonl
	assert_success
	assert_output '{"number":"1001","login":"zoe","first":"Zoë, \"Z\"","last":"李","registered_name":"1001@acme.example","state":"offline","since":"2023-12-31T23:00:00Z","contact":null,"transport":null,"user_agent":null,"refreshed":null,"expires_in":null,"forwarding":null,"calls":"default"}
{"number":"1002","login":"u1002","first":"First-u1002","last":"Last-u1002","registered_name":"1002@acme.example","state":"registered","since":"2023-12-31T23:59:00Z","contact":"sip:1002@192.0.2.9","transport":"udp","user_agent":"Phone/2","refreshed":"2023-12-31T23:59:55Z","expires_in":25,"forwarding":null,"calls":"default"}'
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
 transport, user_agent, refreshed, expires_in, forwarding,\
 calls"
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

# ---- modes ------------------------------------------------------------------

MODES=(--free --resting --reserved --summary '--history 1001'
	'--as-of yesterday' --follow '--since 0' '--wait offline' --paths
	--prometheus --html)

@test "sp-status: modes exclude each other" {
	local mode other

	for mode in "${MODES[@]}" --watch; do
		other=--summary
		[ "$mode" != --summary ] || other=--paths
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status $mode $other
		assert_failure 64
		assert_output ""
		assert_equal "$stderr" "sp-status: --free, --resting,\
 --reserved, --summary, --history, --as-of, --follow, --wait, --watch,\
 --paths, --prometheus, --check and\
 --html exclude each other (see sp-status --help)"
	done
}

@test "sp-status: modes that list no users take no operands and no filters" {
	for mode in "${MODES[@]}"; do
		[[ $mode != --@(free|as-of*|wait*) ]] || continue
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status $mode 1001
		assert_failure 64
		assert_equal "$mode: $stderr" "$mode: sp-status: unexpected\
 operand '1001' (see sp-status --help)"
	done
	for mode in --free --summary --follow --prometheus '--wait lost'; do
		for filter in '--state lost' '--idle 1d' '--match a'; do
			# shellcheck disable=SC2086 # words
			run --separate-stderr sp-status $mode $filter \
				${mode:+$([ "$mode" != '--wait lost' ] || echo 1001)}
			assert_failure 64
			assert_equal "$stderr" "sp-status: --state, --idle and\
 --match go with a list of users (see sp-status --help)"
		done
	done
	run --separate-stderr sp-status --timeout 1s
	assert_failure 64
	assert_equal "$stderr" "sp-status: --timeout goes with --wait (see\
 sp-status --help)"
}

@test "sp-status: --paths tells the files, whether they are there or not" {
	rm -f sp.db
	run --separate-stderr sp-status --paths
	assert_success
	assert_output "config	$PWD/sp.yaml
db	$PWD/sp.db"
	assert_equal "$stderr" ""
	unset SP_CONFIG SP_DB
	run --separate-stderr sp-status --paths
	assert_success
	assert_output "config	
db	$HOME/.local/state/sp/sp.db"
	run --separate-stderr sp-status -c missing.yaml --paths
	assert_failure 66
	assert_output ""
	assert_not_exists sp.db
}

@test "sp-status: -0 reads a list of items that end with NUL" {
	given_extension 1001
	given_extension 1002
	run --separate-stderr sp-status --columns number -0 - \
		< <(printf 'u1002\0001001\000')
	assert_success
	assert_output $'1002\n1001'
	assert_equal "$stderr" ""
}

@test "sp-status: a terminal shows fewer columns, unless they are chosen" {
	local header='NUMBER  LOGIN  FIRST  LAST  STATE  SINCE  USER_AGENT  FORWARDING'

	given_extension 1001
	export COLUMNS=300
	run script -qec "sp-status -q" /dev/null </dev/null
	assert_equal "$(tr -s ' ' <<<"${lines[0]%$'\r'}")" "${header//  / }"
	run script -qec "sp-status -q -o table" /dev/null </dev/null
	assert_line --index 0 --regexp 'REGISTERED_NAME.*EXPIRES_IN'
	run script -qec "sp-status -q --columns number,contact" /dev/null </dev/null
	assert_line --index 0 --regexp $'^NUMBER  CONTACT\r?$'
	run script -qec "sp-status -q -o csv" /dev/null </dev/null
	assert_line --index 0 --partial registered_name
	run script -qec "sp-status --history 1001" /dev/null </dev/null
	assert_line --index 0 --regexp '^NUMBER +TIME +UNTIL +WHAT +LOGIN +OLD +NEW +ACTOR'
	run script -qec "sp-status --since 0" /dev/null </dev/null
	assert_line --index 0 --regexp '^NUMBER +SEQ +TIME +WHAT +LOGIN +OLD +NEW +TOOL +ACTOR'
}

@test "sp-status: a full disk is told in every mode" {
	given_config 'reserved: [1000]'
	given_extension 1001
	given_extension 1002
	sp-recycle -q --rest 1d 1002
	for mode in "${MODES[@]/yesterday/now}" '--follow --since 0'; do
		[ "$mode" != --follow ] || continue
		# shellcheck disable=SC2086 # words
		run --separate-stderr to_full sp-status $mode \
			${mode:+$([[ $mode != --wait* ]] || echo 1001)}
		assert_equal "$mode: $status: $stderr" "$mode: 74: sp-status:\
 cannot write the listing: No space left on device"
	done
}

@test "sp-status: a reader that goes away is no error" {
	seq -f 'u%g' 1 900 | sed '1i login' >users.csv
	sp-assign -q -f users.csv
	for mode in '' '--since 0' '--as-of now' '--free 99999'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr bash -c \
			"set -o pipefail; sp-status $mode | head -n 1 | cut -f 1"
		assert_equal "$mode: $stderr" "$mode: "
		[ "$status" = 0 ] || assert_failure 141 # SIGPIPE
		assert_output --regexp '^1[0-9]+$'
	done
}
