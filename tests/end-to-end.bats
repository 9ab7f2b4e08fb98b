#!/usr/bin/env bats
# All five tools, one database, real softphones: from onboarding to offboarding.

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/wire
	given_config 'reserved: [1000]' \
		'registration: {refresh: 1s, timeout: 4s, min: 1s}' \
		'voicemail: sip:vm-{number}@vm.example' \
		'forwarding: {no-answer: {to: voicemail, after: 20s}}'
}

teardown() {
	baresip_kill phone
	baresip_kill old-phone
	common_teardown
}

# log_in EXT SECRET: sp-register login in the background; LOGIN_PID.
log_in() {
	SP_SECRET=$2 sp-register login --server "$SERVER" "$1@acme.example" \
		>"login.$1" 2>"login.$1.err" 3>&- &
	LOGIN_PID=$!
	SERVER_PIDS+=("$LOGIN_PID")
}

# numbers_in STATE[,STATE]: the numbers that sp-status lists so.
numbers_in() {
	sp-status -q -o tsv --state "$1" | cut -f 1 | xargs
}

# are_in STATE NUMBERS: for wait_until.
are_in() {
	[ "$(numbers_in "$1")" = "$2" ]
}

@test "a user comes, telephones, is lost, goes; the next one gets the number" {
	# Onboarding: the export of another system, as it comes.
	printf '\357\273\277login,first,last,number\r\namy,Amy,"O""Neill, Dr",\r\nzoe,Zoë,Łuczak,\r\nbob,Bob,Jones,1005\r\n' >hr.csv
	run --separate-stderr sp-assign -f hr.csv
	assert_success
	assert_output - <<-'END'
	1001	amy	Amy	O"Neill, Dr	1001@acme.example
	1002	zoe	Zoë	Łuczak	1002@acme.example
	1005	bob	Bob	Jones	1005@acme.example
	END
	run sp-assign -f hr.csv
	assert_success
	assert_equal "$(numbers_in offline)" "1001 1002 1005"
	amy=$(given_secret amy)
	zoe=$(given_secret zoe)

	# Two of them log in: one with a softphone, one with a script.
	start_server
	baresip_start phone 1001 acme.example "$amy" "$SERVER"
	log_in 1002 "$zoe"
	wait_until 10 are_in registered "1001 1002"
	assert_equal "$(numbers_in offline)" 1005
	run sp-status -o csv amy
	assert_line --index 1 --regexp '^1001,amy,Amy,"O""Neill, Dr",1001@acme\.example,registered,.*,sip:1001-.*@127\.0\.0\.1:.*,udp,baresip'

	# Forwarding is the number's own, on top of the tenant's defaults.
	run sp-forward amy --busy 1002 --offline 1005
	assert_success
	run --separate-stderr sp-forward zoe --always amy
	assert_failure 65
	run sp-forward 1001
	assert_output - <<-'END'
	1001	busy	1002		on	own		
	1001	no-answer	voicemail	20s	on	default		
	1001	offline	1005		on	own		
	END

	# One phone dies, the other one refreshes on.
	baresip_kill phone
	wait_until 10 are_in lost 1001
	state_is 1002 registered
	wait_until 5 event_is 1001 lost

	# Offboarding: she is out, her phone too, and the number is as new.
	run --separate-stderr sp-recycle amy
	assert_success
	assert_output $'1001\tamy'
	assert_equal "$(numbers_in free)" 1001
	remember
	baresip_start old-phone 1001 acme.example "$amy" "$SERVER"
	baresip_wait_refused old-phone
	assert_nothing_changed

	# The next one gets it, and nothing of hers but the number.
	dora=$(sp-assign -s -o tsv dora Dora Novák | cut -f 1,6)
	assert_equal "${dora%$'\t'*}" 1001
	run sp-forward dora
	assert_output $'1001\tno-answer\tvoicemail\t20s\ton\tdefault\t\t'
	run register 1001 "$amy"
	assert_status 401
	log_in 1001 "${dora#*$'\t'}"
	wait_until 10 are_in registered "1001 1002"
	kill "$LOGIN_PID"
	wait "$LOGIN_PID"
	assert_equal "$(cut -f 2 login.1001 | xargs)" "registered logged-out"
	assert_equal "$(numbers_in offline)" "1001 1005"

	# And the history of the number tells all of it.
	run sql "SELECT login || ' ' || what FROM event WHERE number = '1001'
		AND what IN ('assigned', 'logged-in', 'lost', 'recycled', 'logged-out')
		ORDER BY seq"
	assert_output - <<-'END'
	amy assigned
	amy logged-in
	amy lost
	amy recycled
	dora assigned
	dora logged-in
	dora logged-out
	END
	assert_equal "$(cat login.1002.err)" ""
	stop_server
}

@test "what one tool prints, the next one reads" {
	printf 'login\namy\nbob\nzoe\n' | sp-assign -q -f -
	secret=$(given_secret bob)
	start_server
	register 1002 "$secret"
	assert_equal "$(numbers_in registered)" 1002

	# Who is registered forwards to who is not; and is logged out.
	sp-status -q --state registered | sp-register logout -
	state_is 1002 offline
	run sh -c 'sp-forward 1001 --always 1003 | sp-forward - | sp-status - | cut -f 1,6 | uniq'
	assert_output $'1001\toffline'

	# Everybody who is off line goes, also through two tools.
	register 1002 "$secret"
	run sh -c 'sp-status -q --state offline | sp-recycle -'
	assert_success
	assert_output $'1001\tamy\n1003\tzoe'
	assert_equal "$(numbers_in free)" "1001 1003"
	run sh -c 'printf "%s\n" login ann | sp-assign -f - | sp-forward - | cut -f 1 | sort -u'
	assert_output 1001
	state_is 1002 registered
}

@test "the server sees at once what the other tools do" {
	sp-assign -q amy
	secret=$(given_secret amy)
	start_server
	log_in 1001 "$secret"
	wait_until 10 state_is 1001 registered
	sp-recycle -q amy
	# Its next refresh is refused.
	wait_until 10 grep -q '	refused	' login.1001
	assert_equal "$(cat login.1001.err)" \
		"SIP phone has lost connection with the system. $SERVER answers 401 Unauthorized.
sp-register: is it a wrong number or secret? 'sp-assign -s LOGIN' prints the number and a new secret"
	# Who comes after her is somebody else, also under her name.
	sp-assign -s amy >/dev/null
	run register 1001 "$secret"
	assert_status 401
	state_is 1001 offline
	kill -0 "$LOGIN_PID"
}
