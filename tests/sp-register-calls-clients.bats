#!/usr/bin/env bats
# sp-register serve: calls between real softphones, by UDP and TCP.

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/linphone
	load clients/twinkle
	load clients/calls
	load clients/wire
	given_config
	PHONES=()
}

teardown() {
	local name

	for name in "${PHONES[@]}"; do
		softphone_kill "$name"
	done
	common_teardown
}

# A server on UDP and TCP.
serve() {
	start_server --listen udp:127.0.0.1:0 --listen tcp:127.0.0.1:0
}

# phone NAME KIND NUMBER [TRANSPORT]: a phone of that kind in the directory NAME,
# registered as NUMBER, over UDP unless said. Two of one number share a user.
phone() {
	local dir=$PWD/$1 address

	address=$(sed -n "s/.*msg=listening transport=${4-udp} address=//p" \
		"$SERVER_LOG")
	[ -s "secret.$3" ] || given_phone "user$3" "$3" >"secret.$3"
	PHONES+=("$1")
	phone_start "$dir" "$2" "$3" acme.example "$(<"secret.$3")" \
		"$address;transport=${4-udp}"
	phone_wait_registered "$dir"
}

# dial NAME NUMBER, answer NAME, hang_up NAME, reject NAME
dial() {
	phone_dial "$PWD/$1" "$2"
}

answer() {
	phone_answer "$PWD/$1"
}

hang_up() {
	phone_hang_up "$PWD/$1"
}

reject() {
	phone_reject "$PWD/$1"
}

# will_be STATE NAME...: each comes to it.
will_be() {
	local name

	for name in "${@:2}"; do
		phone_wait "$PWD/$name" "$1"
	done
}

# hear_each_other NAME NAME: they talk, and sound gets to both.
hear_each_other() {
	will_be talking "$1" "$2"
	for name; do
		phone_speak "$PWD/$name"
	done
	for name; do
		phone_wait_heard "$PWD/$name"
	done
}

# calls CALLER NUMBER CALLEE: from dialling to the sound.
calls() {
	dial "$1" "$2"
	will_be incoming "$3"
	answer "$3"
	hear_each_other "$1" "$3"
}

# ends WHO NAME...: hangs up, and all of them know.
ends() {
	hang_up "$1"
	will_be ended "$@"
}

# saw NAME STATUS: that was an answer to its INVITE.
saw() {
	phone_wait_saw "$PWD/$1" "$2" INVITE
}

# message NAME PATTERN: the newest of its SIP messages whose start line matches.
message() {
	phone_messages "$PWD/$1" | grep -E "^[^"$'\t'"]*$2" | tail -n 1 |
		tr '\t' '\n'
}

# diverted NAME NUMBER: the call that came to NAME tells that it was for NUMBER.
diverted() {
	run message "$1" '^INVITE '
	assert_line --regexp "^Diversion: .*<sip:$2@acme\.example"
	assert_line --regexp "^History-Info: .*<sip:$2@acme\.example"
}

# quiet NAME...: they have not been called.
quiet() {
	local name

	for name; do
		assert_equal "$name $(phone_state "$PWD/$name")" "$name idle"
	done
}

# ---- two phones -------------------------------------------------------------

# call_each_other: a and b, 1001 and 1002; each hangs up as caller and as callee.
call_each_other() {
	calls a 1002 b
	state_is 1001 busy
	state_is 1002 busy
	ends a b
	calls a 1002 b
	ends b a
	calls b 1001 a
	ends b a
	calls b 1001 a
	ends a b
	wait_until 5 state_is 1001 registered
	wait_until 5 state_is 1002 registered
}

@test "calls: baresip and baresip, over UDP and TCP" {
	serve
	phone a baresip 1001
	phone b baresip 1002 tcp
	call_each_other
}

@test "calls: linphone over TCP and baresip" {
	serve
	phone a linphone 1001 tcp
	phone b baresip 1002
	call_each_other
}

@test "calls: linphone and baresip over TCP" {
	serve
	phone a linphone 1001
	phone b baresip 1002 tcp
	call_each_other
}

@test "calls: Twinkle and baresip over TCP" {
	serve
	phone a twinkle 1001
	phone b baresip 1002 tcp
	call_each_other
}

@test "calls: Twinkle over TCP and linphone" {
	serve
	phone a twinkle 1001 tcp
	phone b linphone 1002
	call_each_other
}

@test "calls: Twinkle and linphone over TCP" {
	serve
	phone a twinkle 1001
	phone b linphone 1002 tcp
	call_each_other
}

# ---- calls that come to nothing ---------------------------------------------

# cancels KIND KIND: the caller hangs up before anybody answers.
cancels() {
	serve
	phone a "$1" 1001
	phone b "$2" 1002 tcp
	dial a 1002
	will_be incoming b
	will_be ringing a
	ends a b
	saw a 487
	wait_until 5 state_is 1002 registered
	# It is as good as before.
	calls a 1002 b
	ends b a
}

@test "calls: baresip cancels, linphone stops to ring" {
	cancels baresip linphone
}

@test "calls: linphone cancels, Twinkle stops to ring" {
	cancels linphone twinkle
}

@test "calls: Twinkle cancels, baresip stops to ring" {
	cancels twinkle baresip
}

@test "calls: a phone that takes one call is busy for the next" {
	serve
	phone a baresip 1001
	phone b linphone 1002
	phone c baresip 1003 tcp
	calls a 1002 b
	dial c 1002
	will_be ended c
	saw c 486
	# The first one goes on.
	phone_is "$PWD/b" talking
	phone_is "$PWD/a" talking
	state_is 1002 busy
	ends a b
}

@test "calls: who does not want to talk rejects it" {
	serve
	phone a baresip 1001
	phone b baresip 1002
	phone c twinkle 1003
	phone d linphone 1004
	while read -r name number status; do
		dial a "$number"
		will_be incoming "$name"
		reject "$name"
		will_be ended a "$name"
		saw a "$status"
	done <<-END
	b 1002 486
	c 1003 486
	d 1004 603
	END
}

@test "calls: nobody answers, and there is no rule for that" {
	serve
	phone a baresip 1001
	phone b linphone 1002 tcp
	dial a 1002
	will_be incoming b
	# After 20 s.
	phone_wait "$PWD/a" ended 40
	saw a 480
	will_be ended b
}

@test "calls: to a number that nobody has, 404; to one without a phone, 480" {
	serve
	given_user nobody 1009
	phone a baresip 1001
	phone b linphone 1002 tcp
	phone c twinkle 1003
	for name in a b c; do
		# Of the pool, and not.
		refused "$name" 1998 404
		refused "$name" 5555 404
		refused "$name" 1009 480
	done
}

# refused NAME NUMBER STATUS: its call to NUMBER.
refused() {
	dial "$1" "$2"
	wait_until 10 was_refused "$@"
	will_be ended "$1"
}

was_refused() {
	phone_messages "$PWD/$1" | grep "^SIP/2\.0 $3 " | grep -q "sip:$2@"
}

# ---- several phones of one extension ----------------------------------------

@test "calls: all phones of an extension ring, one answers, the others stop" {
	serve
	phone a baresip 1001
	phone b baresip 1002
	phone c linphone 1002 tcp
	phone d twinkle 1002
	dial a 1002
	will_be incoming b c d
	answer c
	hear_each_other a c
	will_be ended b d
	state_is 1002 busy
	ends a c
	dial a 1002
	will_be incoming b c d
	answer d
	hear_each_other a d
	will_be ended b c
	ends d a
}

@test "calls: one phone is busy or gone, the others ring" {
	serve
	phone a baresip 1001
	phone b baresip 1002
	phone c baresip 1002 tcp
	phone d linphone 1002
	softphone_kill d
	dial a 1002
	will_be incoming b c
	reject b
	will_be ended b
	phone_is "$PWD/c" incoming
	answer c
	hear_each_other a c
	ends c a
}

# ---- forwarding -------------------------------------------------------------

@test "calls: forwarded always; the phone of the number stays quiet" {
	serve
	phone a baresip 1001
	phone b baresip 1002
	phone c linphone 1003 tcp
	sp-forward -q 1002 --always 1003
	calls a 1002 c
	saw a 181
	diverted c 1002
	quiet b
	state_is 1003 busy
	state_is 1002 registered
	ends c a
	sp-forward -q 1002 --off always
	calls a 1002 b
	ends a b
}

@test "calls: forwarded when busy" {
	serve
	phone a linphone 1001
	phone b baresip 1002
	phone c twinkle 1003 tcp
	phone d baresip 1004
	sp-forward -q 1002 --busy 1003
	calls d 1002 b
	quiet c
	calls a 1002 c
	saw a 181
	diverted c 1002
	phone_is "$PWD/b" talking
	ends a c
	ends d b
	# Who rejects a call is busy, too.
	dial a 1002
	will_be incoming b
	reject b
	will_be incoming c
	ends a c
}

@test "calls: forwarded when nobody answers, who then stops to ring" {
	serve
	phone a twinkle 1001
	phone b linphone 1002 tcp
	phone c baresip 1003
	sp-forward -q 1002 --no-answer 1003 --after 2s
	dial a 1002
	will_be incoming b
	will_be incoming c
	will_be ended b
	saw a 181
	diverted c 1002
	answer c
	hear_each_other a c
	ends a c
	# Who answers in time is not forwarded.
	sp-forward -q 1002 --no-answer 1003 --after 3m
	calls a 1002 b
	ends b a
}

@test "calls: forwarded when offline, or out of reach" {
	serve
	given_user nobody 1002
	phone a baresip 1001 tcp
	phone c linphone 1003
	sp-forward -q 1002 --offline 1003
	calls a 1002 c
	saw a 181
	diverted c 1002
	ends a c
	rm -f secret.1002
	given_secret nobody >secret.1002
	# Killed, it is still registered; nobody is at its address.
	phone b baresip 1002
	softphone_kill b
	calls a 1002 c
	ends c a
}

@test "calls: forwarded from one to the next, over three" {
	serve
	phone a baresip 1001
	phone b linphone 1002
	phone c baresip 1003 tcp
	phone e twinkle 1005
	given_user nobody 1004
	sp-forward -q 1002 --always 1003
	sp-forward -q 1003 --busy 1004
	sp-forward -q 1004 --offline 1005
	dial a 1002
	will_be incoming c
	reject c
	will_be incoming e
	diverted e 1004
	run message e '^INVITE '
	for number in 1002 1003 1004; do
		assert_output --regexp "History-Info: .*<sip:$number@acme\.example"
	done
	answer e
	hear_each_other a e
	quiet b
	ends e a
}

@test "calls: a rule that would close a loop is refused, and calls go as before" {
	serve
	phone a baresip 1001
	phone b baresip 1002
	phone c linphone 1003
	sp-forward -q 1002 --always 1003
	run sp-forward 1003 --busy 1002
	assert_failure 65
	assert_output --partial '1003 -> 1002 -> 1003'
	dial a 1002
	will_be incoming c
	reject c
	will_be ended a
	quiet b
}

@test "calls: a rule for a time ends by itself" {
	serve
	phone a baresip 1001
	phone b baresip 1002
	phone c baresip 1003
	sp-forward -q 1002 --always 1003 --until +1h
	calls a 1002 c
	ends a c
	quiet b
	# Into a moment that will have been.
	sp-forward -q 1002 --always 1003 --until +2s
	wait_until 10 rings 1002
	calls a 1002 b
	ends a b
}

# rings NUMBER: whether a call to it would ring there now.
rings() {
	sp-forward --resolve "$1" --when registered -o tsv | head -n 1 | cut -f 2 | grep -qx ring
}

@test "calls: the default of the tenant forwards as well, and reject rejects" {
	given_config 'forwarding: {offline: {to: "1003"}}'
	serve
	given_user nobody 1002
	phone a baresip 1001
	phone c baresip 1003
	calls a 1002 c
	saw a 181
	ends a c
	sp-forward -q 1002 --always reject
	dial a 1002
	saw a 603
	will_be ended a
}

# ---- what sp-status shows ---------------------------------------------------

@test "calls: sp-status shows who is rung and who talks, and waits for it" {
	serve
	phone a baresip 1001
	phone b linphone 1002 tcp
	sp-status -q --wait ringing --timeout 20s 1002 3>&- &
	ringing=$!
	sp-status -q --wait busy --timeout 20s 1002 3>&- &
	busy=$!
	SERVER_PIDS+=("$ringing" "$busy")
	dial a 1002
	will_be incoming b
	wait "$ringing"
	assert_equal "$(state 1002)" ringing
	kill -0 "$busy"
	answer b
	wait "$busy"
	assert_equal "$(state 1001) $(state 1002)" 'busy busy'
	will_be talking a b
	ends b a
	run sp-status -q --wait registered --timeout 20s 1002
	assert_success
	run sp-status -q --wait registered --timeout 20s 1001
	assert_success
}

state() {
	sp-status -q -o tsv "$1" | cut -f 6
}

# flow: the connection of the phone that has one.
flow() {
	sql "SELECT flow_id FROM binding WHERE transport = 'tcp'"
}

has_other_flow() {
	[ "$(flow)" != "$1" ]
}

@test "calls: a server that is started again finds the phones of a call, over TCP too" {
	local udp tcp before

	serve
	phone a baresip 1001
	phone b baresip 1002 tcp
	calls a 1002 b
	udp=$SERVER before=$(flow)
	tcp=$(sed -n 's/.*msg=listening transport=tcp address=//p' "$SERVER_LOG")
	stop_server
	start_server --listen "udp:$udp" --listen "tcp:$tcp"
	wait_until 40 has_other_flow "$before"
	ends a b
}
