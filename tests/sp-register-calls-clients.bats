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

# serve [ARG...]: a server on UDP and TCP.
serve() {
	start_server --listen udp:127.0.0.1:0 --listen tcp:127.0.0.1:0 "$@"
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

# ---- two phones -------------------------------------------------------------

@test "baresip calls baresip; both hear; either hangs up" {
	serve
	phone a baresip 1001
	phone b baresip 1002 tcp
	calls a 1002 b
	state_is 1001 busy
	state_is 1002 busy
	ends a b
	calls b 1001 a
	ends a b
	calls b 1001 a
	ends b a
	state_is 1001 registered
	state_is 1002 registered
}

@test "linphone and baresip call each other" {
	serve
	phone a linphone 1001 tcp
	phone b baresip 1002
	calls a 1002 b
	ends a b
	calls b 1001 a
	ends a b
	calls a 1002 b
	ends b a
}

@test "Twinkle and baresip call each other" {
	serve
	phone a twinkle 1001
	phone b baresip 1002 tcp
	calls a 1002 b
	ends a b
	calls b 1001 a
	ends a b
	calls a 1002 b
	ends b a
}

@test "Twinkle and linphone call each other" {
	serve
	phone a twinkle 1001 tcp
	phone b linphone 1002
	calls a 1002 b
	ends a b
	calls b 1001 a
	ends a b
	calls a 1002 b
	ends b a
}
