#!/usr/bin/env bats
# sp-register serve: calls that are forwarded: where they go, in which order, and
# what they tell of it.

setup() {
	load common
	common_setup
	load clients/wire
	load clients/play
	start_phones
	GATEWAY=$(play 'g listens')
	VOICEMAIL=$(play 'v listens')
	given_config "gateway: sip:$GATEWAY" \
		"voicemail: sip:vm-{number}@$VOICEMAIL"
}

teardown() {
	common_teardown
}

# forward EXT CONDITION TARGET [ARG...]
forward() {
	sp-forward -q "$1" "--$2" "${@:3}"
}

# not_forwarded EXT...: no rule of theirs is on, not even the tenant's.
not_forwarded() {
	sp-forward -q "$@" --off busy --off no-answer --off offline
}

# ending: CALLEE|ENDING|STATUS of the last call.
ending() {
	wait_until 5 over
	sql "SELECT callee, ending, status FROM call ORDER BY id DESC LIMIT 1"
}

over() {
	[ "$(sql 'SELECT count(*) FROM call WHERE ended_ms = 0')" = 0 ]
}

# answers WHO CALLER: and they hang up.
answers() {
	play "$1 says 200" "$2 gets 200" "$2 acks" "$1 gets ACK"
	hang_up "$2" "$1"
}

# ---- to an extension --------------------------------------------------------

@test "route: always: the phone itself does not ring" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 always 1003
	play 'a calls 1002' 'a gets 181' 'a has reason: Call Is Being Forwarded' \
		'c rings' 'a gets 180' 'b gets nothing'
	answers c a
	assert_equal "$(ending)" '1003|hung-up|200'
}

@test "route: busy" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 busy 1003
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' \
		'a gets 181' 'c rings' 'a gets 180'
	answers c a
}

@test "route: no answer: the first phone stops before the next one rings" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 no-answer 1003 --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'b gets CANCEL' 'c gets nothing' \
		'b says 200 to CANCEL' 'b says 487 to INVITE' 'b gets ACK' \
		'a gets 181' 'c rings' 'a gets 180' 'b gets nothing'
	wait_until 5 state_is 1003 ringing
	state_is 1002 registered
	answers c a
}

@test "route: a phone that does not answer its CANCEL holds up the next leg no more than 2 s" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 no-answer 1003 --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'b gets CANCEL' 'c rings' \
		'a gets 181' 'a gets 180'
	answers c a
}

@test "route: a phone that answers while it is stopped has the call" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 no-answer 1003 --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'b gets CANCEL' \
		'b says 200 to INVITE' 'a gets 200' 'a acks' 'b gets ACK' \
		'b says 481 to CANCEL' 'c gets nothing'
	hang_up a b
	assert_equal "$(ending)" '1002|hung-up|200'
}

@test "route: offline" {
	serve_phones
	given_phones a:1001 c:1003
	given_user gone 1002
	forward 1002 offline 1003
	play 'a calls 1002' 'a gets 181' 'c rings' 'a gets 180'
	answers c a
}

@test "route: a phone that says 480 is offline" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 offline 1003
	play 'a calls 1002' 'b gets INVITE' 'b says 480' 'b gets ACK' \
		'a gets 181' 'c rings' 'a gets 180'
	answers c a
}

@test "route: a phone from which nothing is heard is offline, not unanswered" {
	serve_phones
	given_phones a:1001 b:1002 c:1003 d:1004
	forward 1002 no-answer 1003 --after 1s
	forward 1002 offline 1004
	play 'a calls 1002' 'b gets INVITE' 'a gets 181' 'd rings' 'a gets 180' \
		'c gets nothing'
	answers d a
}

@test "route: a phone whose connection is closed while it rings is offline" {
	serve_phones
	given_phones a:1001 b:1002:tcp c:1003
	forward 1002 offline 1003
	play 'a calls 1002' 'b rings' 'a gets 180' 'b closes' 'a gets 181' \
		'c rings' 'a gets 180'
	answers c a
	wait_until 5 state_is 1002 lost
}

@test "route: a phone that nobody listens for any more is offline" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 offline 1003
	play 'b closes' 'a calls 1002' 'a gets 181' 'c rings' 'a gets 180'
	answers c a
	wait_until 5 state_is 1002 lost
}

@test "route: who answers late, when the call has gone on, is the one in the call" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 no-answer 1003 --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'b gets CANCEL' 'c rings' \
		'b says 200 to INVITE' 'a awaits 200' 'a acks' 'b gets ACK' 'c stops'
	state_is 1001 busy
	state_is 1002 busy
	state_is 1003 registered
	hang_up a b
	assert_equal "$(ending)" '1002|hung-up|200'
}

# ---- to elsewhere -----------------------------------------------------------

@test "route: voicemail is that of the number whose rule it is" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 busy 1003
	forward 1003 busy voicemail
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' 'a gets 181' \
		'c gets INVITE' 'c says 486' 'c gets ACK' 'a gets 181' \
		'v gets INVITE' "v has uri: sip:vm-1003@$VOICEMAIL" 'v says 200' \
		'a gets 200' 'a acks' 'v gets ACK'
	hang_up v a
	assert_equal "$(ending)" "sip:vm-1003@$VOICEMAIL|hung-up|200"
}

@test "route: an external number goes to the gateway" {
	serve_phones
	given_phones a:1001
	given_user gone 1002
	forward 1002 offline +14155550123
	play 'a calls 1002' 'a gets 181' 'g rings' \
		"g has uri: sip:+14155550123@$GATEWAY" 'g has no Proxy-Authorization' \
		'g has P-Asserted-Identity: "First-u1001 Last-u1001" <sip:1001@acme.example>' \
		'a gets 180'
	answers g a
}

@test "route: an external number that is dialled goes to the gateway" {
	serve_phones
	given_phones a:1001
	play 'a calls +14155550123' 'g rings' \
		"g has uri: sip:+14155550123@$GATEWAY" 'g has no History-Info' \
		'g has no Diversion' 'a gets 180'
	answers g a
}

@test "route: who may not call outside does not" {
	serve_phones
	given_phones a:1001
	sp-assign -q --calls internal u1001
	play 'a calls +14155550123' 'a gets 403' 'g gets nothing'
}

@test "route: a SIP URI gets the call as it is written" {
	serve_phones
	given_phones a:1001
	given_user gone 1002
	forward 1002 offline "sip:desk@$GATEWAY;x=y"
	play 'a calls 1002' 'a gets 181' 'g rings' \
		"g has uri: sip:desk@$GATEWAY;x=y" 'a gets 180'
	answers g a
}

@test "route: reject" {
	serve_phones
	given_phones a:1001 b:1002
	forward 1002 always reject
	play 'a calls 1002' 'a gets 603' 'b gets nothing'
	assert_equal "$(ending)" '|rejected|603'
}

@test "route: what the gateway answers is the caller's" {
	serve_phones
	given_phones a:1001
	play 'a calls +14155550123' 'g gets INVITE' 'g says 404 | X-odd: 1' \
		'g gets ACK' 'a gets 404' 'a has X-odd: 1'
	assert_equal "$(ending)" "sip:+14155550123@$GATEWAY|failed|404"
}

@test "route: a gateway that is overloaded is not for the caller to know: 500" {
	serve_phones
	given_phones a:1001
	play 'a calls +14155550123' 'g gets INVITE' 'g says 503' 'g gets ACK' \
		'a gets 500'
}

@test "route: a gateway where nobody listens: 500" {
	serve_phones
	given_phones a:1001
	play 'g closes' 'a calls +14155550123' 'a gets 500'
}

# given_peer: t, who may call without being registered, calls 1002, who is not
# either; outside numbers are for 1002 to call.
given_peer() {
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
	given_user gone 1002
	forward 1002 offline +14155550123
	serve_phones_faked
	play 't listens 127.0.0.2' 't calls 1002' 't gets 181' 'g gets INVITE'
}

@test "route: a gateway from which nothing is heard: 408, after Timer B" {
	given_peer
	pass_time 31
	play 't gets nothing'
	pass_time 33
	play 't gets 408'
	assert_equal "$(ending | cut -d '|' -f 3)" 408
}

@test "route: a gateway that rings for ever is cancelled, after Timer C" {
	given_peer
	play 'g says 180' 't gets 180'
	pass_time 170
	play 't gets nothing' 'g says 183' 't gets 183'
	pass_time 190
	play 't gets nothing' 'g gets nothing'
	pass_time 360
	play 'g stops' 't gets 487'
}

# ---- what it tells ----------------------------------------------------------

@test "route: History-Info and Diversion after one diversion" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 busy 1003
	play 'a calls 1002' 'b gets INVITE' 'b has no History-Info' \
		'b has no Diversion' 'b says 486' 'a gets 181' 'c rings'
	address=$(play 'c shows address')
	play <<-END
	c has Diversion: <sip:1002@acme.example>;reason=user-busy;counter=1
	c has History-Info: <sip:1002@acme.example?Reason=SIP%3Bcause%3D486>;index=1, <sip:1003@acme.example;cause=486>;index=1.1;mp=1
	END
}

@test "route: History-Info and Diversion after three diversions" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	given_user gone 1004
	forward 1002 always 1003
	forward 1003 no-answer 1004 --after 1s
	forward 1004 offline +14155550123
	play <<-END
	a calls 1002
	a gets 181
	c rings
	a gets 180
	c stops
	a gets 181
	a gets 181
	g gets INVITE
	g has Diversion: <sip:1004@acme.example>;reason=unavailable;counter=1, <sip:1003@acme.example>;reason=no-answer;counter=1, <sip:1002@acme.example>;reason=unconditional;counter=1
	g has History-Info: <sip:1002@acme.example?Reason=SIP%3Bcause%3D302>;index=1, <sip:1003@acme.example;cause=302?Reason=SIP%3Bcause%3D408>;index=1.1;mp=1, <sip:1004@acme.example;cause=408?Reason=SIP%3Bcause%3D404>;index=1.1.1;mp=1.1, <sip:+14155550123@$GATEWAY;cause=404>;index=1.1.1.1;mp=1.1.1
	END
}

@test "route: what a peer tells of earlier diversions stays, and goes on" {
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
	serve_phones
	given_phones b:1002
	given_user gone 1003
	forward 1003 offline 1002
	play 't listens 127.0.0.2' \
		't calls 1003 | History-Info: <sip:9@x.example>;index=1, <sip:1003@acme.example>;index=1.2 | Diversion: <sip:9@x.example>;reason=deflection' \
		't gets 181' 'b gets INVITE' \
		'b has History-Info ~ ^<sip:9@x\.example>;index=1, <sip:1003@acme\.example>;index=1\.2, ' \
		'b has History-Info ~ <sip:1003@acme\.example\?Reason=SIP%3Bcause%3D404>;index=1\.2\.1, .*;index=1\.2\.1\.1;mp=1\.2\.1$' \
		'b has Diversion: <sip:1003@acme.example>;reason=unavailable;counter=1, <sip:9@x.example>;reason=deflection'
}

@test "route: diversions elsewhere count, so that two systems do not play ball" {
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
	serve_phones
	given_phones b:1002
	given_user gone 1003
	forward 1003 offline 1002
	play 't listens 127.0.0.2' \
		't calls 1003 | Diversion: <sip:1@x>, <sip:2@x>, <sip:3@x>, <sip:4@x>, <sip:5@x>' \
		't gets 480' 'b gets nothing'
}

@test "route: what a phone tells of diversions and of who it is, is not believed" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | History-Info: <sip:9@x.example>;index=1 | Diversion: <sip:9@x.example> | Remote-Party-ID: <sip:boss@acme.example> | P-Charge-Info: <sip:boss@acme.example>' \
		'b gets INVITE' 'b has no History-Info' 'b has no Diversion' \
		'b has no Remote-Party-ID' 'b has no P-Charge-Info'
}

@test "route: the events of a forwarded call" {
	serve_phones
	given_phones a:1001 b:1002
	forward 1002 busy voicemail
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' 'a gets 181' \
		'v gets INVITE' 'v says 486' 'v gets ACK' 'a gets 486'
	assert_equal "$(ending)" "sip:vm-1002@$VOICEMAIL|busy|486"
	assert_equal "$(sql "SELECT number, old_value, new_value FROM event
		WHERE what = 'call-diverted'")" '1002|busy|voicemail'
}

# ---- limits -----------------------------------------------------------------

@test "route: five diversions, and not a sixth" {
	serve_phones
	given_phones a:1001 b:1009
	for n in 2 3 4 5 6 7 8; do
		given_user "f$n" "100$n"
	done
	for n in 3 4 5 6 7 8; do
		forward "100$n" offline "100$((n + 1))"
	done
	play 'a calls 1004' 'a gets 181' 'a gets 181' 'a gets 181' 'a gets 181' \
		'a gets 181' 'b rings' 'a gets 180' 'b says 486' 'b gets ACK' 'a gets 486'
	play 'a calls 1003' 'a gets 181' 'a gets 181' 'a gets 181' 'a gets 181' \
		'a gets 181' 'a gets 480' 'b gets nothing'
}

@test "route: no number twice" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 busy 1003
	# sp-forward would refuse it.
	sql "INSERT INTO forward (extension_id, condition, is_timed, target,
			enabled, after_ms, from_ms, until_ms)
		SELECT id, 'busy', 0, '1002', 1, 0, 0, 0 FROM extension
		WHERE number = '1003'"
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' 'a gets 181' \
		'c gets INVITE' 'c says 486 | X-who: c' 'c gets ACK' 'a gets 486' \
		'a has X-who: c' 		'b gets nothing'
}

@test "route: a rule that is changed counts for the next call" {
	serve_phones
	given_phones a:1001 b:1002 c:1003 d:1004
	forward 1002 always 1003
	play 'a calls 1002' 'a gets 181' 'c gets INVITE' 'c says 486' 'c gets ACK' \
		'a awaits 486'
	forward 1002 always 1004
	play 'a calls 1002' 'a gets 181' 'd gets INVITE' 'd says 486' 'd gets ACK' \
		'a awaits 486' 'c gets nothing'
	sp-forward -q 1002 --off always
	play 'a calls 1002' 'b gets INVITE'
}

@test "route: a rule for some time ends by itself" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 always 1003 --until '+1s'
	wait_until 5 no_rule 1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'c gets nothing'
}

no_rule() {
	sp-forward -o tsv --resolve "$1" | cut -f 1-3 | grep -q "^$1.ring"
}

# ---- CANCEL on the way ------------------------------------------------------

@test "route: cancelled while a phone is being stopped: the next one never rings" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 no-answer 1003 --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'b gets CANCEL' 'a cancels' \
		'a gets 200 to CANCEL' 'b says 200 to CANCEL' \
		'b says 487 to INVITE' 'b gets ACK' 'a gets 487' 'c gets nothing'
	assert_equal "$(ending)" '1002|cancelled|487'
}

@test "route: cancelled on the second leg" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 busy 1003
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' 'a gets 181' \
		'c rings' 'a gets 180' 'a cancels' 'a gets 200 to CANCEL' \
		'c stops' 'a gets 487' 'b gets nothing'
	assert_equal "$(ending)" '1003|cancelled|487'
}

@test "route: cancelled when the second leg has not said anything yet" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	forward 1002 busy 1003
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' 'a gets 181' \
		'c gets INVITE' 'a cancels' 'a gets 200 to CANCEL' 'c gets nothing' \
		'c says 180' 'c stops' 'a awaits 487'
	assert_equal "$(ending)" '1003|cancelled|487'
}

@test "route: cancelled at the gateway" {
	serve_phones
	given_phones a:1001
	play 'a calls +14155550123' 'g rings' 'a gets 180' 'a cancels' \
		'a gets 200 to CANCEL' 'g stops' 'a gets 487'
}

@test "route: cancelled while the gateway's name is looked up" {
	sed -i "1i resolver: $(play 'n swallows')" sp.yaml
	sed -i 's/gateway: .*/gateway: sip:trunk.elsewhere.example/' sp.yaml
	serve_phones
	given_phones a:1001
	play 'a calls +14155550123' 'n swallowed' 'a cancels' \
		'a gets 200 to CANCEL' 'a gets 487' 'a gets nothing'
	assert_equal "$(ending | cut -d '|' -f 2,3)" 'cancelled|487'
}

@test "route: a caller whose connection is closed does not stop its route" {
	serve_phones
	given_phones a:1001:tcp b:1002
	forward 1002 no-answer voicemail --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'a closes' 'b stops' \
		'v gets INVITE' 'v says 486' 'v gets ACK'
	assert_equal "$(ending)" "sip:vm-1002@$VOICEMAIL|busy|486"
}
