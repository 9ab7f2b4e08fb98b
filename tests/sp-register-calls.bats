#!/usr/bin/env bats
# sp-register serve: calls, message by message, and what sp-status says of them.

setup() {
	load common
	common_setup
	load clients/wire
	load clients/play
	start_phones
	given_config
}

teardown() {
	common_teardown
}

# ends EXT ENDING [STATUS]: its last call has ended so.
ends() {
	wait_until 5 has_ended "$@" || {
		calls >&2
		return 1
	}
}

has_ended() {
	calls | tail -n 1 | grep -qx ".*|$1|${2-.*}"
}

# calls: CALLER|DIALLED|CALLEE|ENDING|STATUS, the newest last.
calls() {
	sql "SELECT caller, dialled, callee, ending, status FROM call ORDER BY id"
}

# states EXT STATE [EXT STATE]...
states() {
	while [ $# -gt 0 ]; do
		wait_until 5 state_is "$1" "$2" || {
			sp-status "$1" >&2
			return 1
		}
		shift 2
	done
}

# ---- a call -----------------------------------------------------------------

@test "calls: a call rings, is answered, and is ended by its caller" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180'
	states 1001 ringing 1002 ringing
	play 'b says 200' 'a gets 200' 'a acks' 'b gets ACK'
	states 1001 busy 1002 busy
	hang_up a b
	states 1001 registered 1002 registered
	assert_equal "$(calls)" '1001|1002|1002|hung-up|200'
	assert_equal "$(events 1001 | tail -n 3 | xargs)" \
		'call-started call-answered call-ended'
}

@test "calls: the callee can hang up, too" {
	serve_phones
	given_phones a:1001 b:1002
	given_talk a b 1002
	hang_up b a
	states 1001 registered 1002 registered
	ends hung-up 200
}

@test "calls: two calls at a time do not get mixed up" {
	serve_phones
	given_phones a:1001 b:1002 c:1003 d:1004
	given_talk a b 1002
	given_talk c d 1004
	hang_up b a
	states 1001 registered 1002 registered 1003 busy 1004 busy
	hang_up c d
	states 1003 registered 1004 registered
}

@test "calls: an INVITE is answered with 100 at once, and comes to the phone as it is there" {
	serve_phones
	given_phones a:1001 b:1002
	play <<-'END'
	a calls 1002 | Subject: hi | X-odd:  kept   as it is | body: v=0\no=x\n
	b gets INVITE
	b has uri ~ ^sip:b@127\.0\.0\.1:\d+$
	b has Subject: hi
	b has X-odd: kept   as it is
	b has Max-Forwards: 69
	b has body: v=0\no=x\n
	b has no Proxy-Authorization
	b has Via ~ ^SIP/2\.0/UDP 127\.0\.0\.1:\d+;branch=z9hG4bK\S+, SIP/2\.0/UDP .*;rport=\d+;received=127\.0\.0\.1$
	b has Record-Route ~ ^<sip:[0-9a-f]+@127\.0\.0\.1:\d+;lr>$
	b has P-Asserted-Identity: "First-u1001 Last-u1001" <sip:1001@acme.example>
	a gets 100
	END
}

@test "calls: an identity that a phone has made up goes no further" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | P-Asserted-Identity: <sip:boss@acme.example>' \
		'b gets INVITE' \
		'b has P-Asserted-Identity: "First-u1001 Last-u1001" <sip:1001@acme.example>'
}

@test "calls: who wants privacy has no identity asserted" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | Privacy: id' 'b gets INVITE' \
		'b has no P-Asserted-Identity' 'b has Privacy: id'
}

# ---- who may call -----------------------------------------------------------

@test "calls: a phone may call only as itself" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | From: <sip:1003@acme.example>;tag=x' 'a gets 403' \
		'b gets nothing'
}

@test "calls: a stranger is not let in" {
	serve_phones
	given_phones b:1002
	play 's listens' \
		's calls 1002 | From: <sip:me@elsewhere.example>;tag=x' \
		's gets 403' 'b gets nothing'
	assert_equal "$(calls)" ''
}

@test "calls: a trusted peer needs no digest, and its identity is believed" {
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
	serve_phones
	given_phones b:1002
	play 't listens 127.0.0.2' \
		't calls 1002 | From: <sip:+4930@trunk.example>;tag=x | P-Asserted-Identity: <sip:+4930@trunk.example>' \
		'b rings' 'b has P-Asserted-Identity: <sip:+4930@trunk.example>' \
		't gets 180' 'b says 486' 't gets 486'
	ends busy 486
	assert_equal "$(calls)" 'sip:+4930@trunk.example|1002|1002|busy|486'
}

@test "calls: credentials that somebody has heard are good for no other call" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'b says 486' 'b gets ACK' \
		'a gets 486'
	run sed -n 's/^Proxy-Authorization: /Proxy-Authorization: /p' phones.log
	play 's listens' \
		"s calls 1002 | open | From: <sip:1001@acme.example>;tag=y | ${lines[0]}" \
		's gets 407' 's has Proxy-Authenticate ~ stale=true' 'b gets nothing'
}

@test "calls: nobody else's domain is called for anybody" {
	serve_phones
	given_phones a:1001
	play 'a calls sip:1002@elsewhere.example | open' 'a gets 404'
	play 'a calls sip:1002@acme.example | open | Route: <sip:elsewhere.example;lr>' \
		'a gets 403'
}

# ---- whom nobody has --------------------------------------------------------

@test "calls: a number that nobody has is 404" {
	serve_phones
	given_phones a:1001
	play 'a calls 1009' 'a gets 404'
	ends failed 404
}

@test "calls: who is not registered, and has no rule for it, is 480" {
	serve_phones
	given_phones a:1001
	given_user gone 1005
	play 'a calls 1005' 'a gets 480'
	ends unreachable 480
	states 1001 registered
}

# ---- how calls end ----------------------------------------------------------

@test "calls: busy" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b gets INVITE' 'b says 486 | X-why: lunch' \
		'b gets ACK' 'a gets 486' 'a has X-why: lunch'
	ends busy 486
	states 1001 registered 1002 registered
}

@test "calls: rejected by the callee" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b gets INVITE' 'b says 603' 'b gets ACK' 'a gets 603'
	ends rejected 603
}

@test "calls: failed, as the callee says" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b gets INVITE' 'b says 488 | Warning: 305 x "y"' \
		'b gets ACK' 'a gets 488' 'a has Warning: 305 x "y"'
	ends failed 488
}

@test "calls: not answered in time, and whom it goes to then is not there" {
	serve_phones
	given_phones a:1001 b:1002
	given_user gone 1005
	sp-forward -q 1002 --no-answer 1005 --after 1s
	play 'a calls 1002' 'b rings' 'a gets 180' 'b stops' 'a gets 181' \
		'a gets 480'
	ends unreachable 480
	states 1001 registered 1002 registered
}

@test "calls: cancelled while it rings" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'a cancels' \
		'a gets 200 to CANCEL' 'b stops' 'a gets 487'
	ends cancelled 487
	states 1001 registered 1002 registered
	play 'a gets nothing' 'b gets nothing'
}

@test "calls: cancelled before the phone has said anything" {
	serve_phones
	given_phones a:1001 b:1002
	play <<-'END'
	a calls 1002
	b gets INVITE
	a cancels
	a gets 200 to CANCEL
	b gets nothing
	b says 180
	b stops
	a awaits 487
	END
	ends cancelled 487
}

@test "calls: a phone that answers all the same when it is cancelled" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'a cancels' \
		'a gets 200 to CANCEL' 'b gets CANCEL' 'b says 200 to INVITE' \
		'a gets 200 to INVITE' 'a acks' 'b gets ACK'
	states 1001 busy 1002 busy
	hang_up a b
	states 1001 registered 1002 registered
}

@test "calls: a BYE before the answer takes the call back, too" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'a sends BYE' 'b gets BYE' \
		'b says 200 to BYE' 'a gets 200 to BYE'
	states 1001 ringing 1002 ringing
	play 'b says 487 to INVITE' 'b gets ACK' 'a gets 487'
	ends cancelled 487
	states 1001 registered 1002 registered
}

@test "calls: a BYE before the answer of one phone leaves the others ringing" {
	serve_phones
	given_phones a:1001 b:1002 c:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'a sends BYE' 'b gets BYE' \
		'b says 200 to BYE' 'b says 487 to INVITE' 'b gets ACK' \
		'a gets 200 to BYE' 'c rings' 'a gets 180' 'c says 200' 'a gets 200' \
		'a acks' 'c gets ACK'
	states 1001 busy 1002 busy
	hang_up c a
	ends hung-up 200
}

@test "calls: a phone that answers when the caller has been told of the end" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'a cancels' \
		'a gets 200 to CANCEL' 'b gets CANCEL' 'a gets 487' \
		'b says 200 to INVITE' 'a gets 200' 'a acks' 'b gets ACK'
	hang_up a b
	ends cancelled 487
	states 1001 registered 1002 registered
}

@test "calls: cancelled after the answer: nothing happens" {
	serve_phones
	given_phones a:1001 b:1002
	given_talk a b 1002
	play 'a cancels' 'a gets 200 to CANCEL' 'b gets nothing'
	states 1001 busy
	hang_up a b
	ends hung-up 200
}

@test "calls: a CANCEL of no call is 481" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' \
		'a cancels | Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKother' \
		'a gets 481 to CANCEL' 'b gets nothing'
}

@test "calls: aged out by its Session-Expires, and not while it is refreshed" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' \
		'b says 200 | Session-Expires: 2;refresher=uac' \
		'a gets 200' 'a acks' 'b gets ACK'
	play 'a sends UPDATE' 'b gets UPDATE' 'b says 200 | Session-Expires: 1800' \
		'a gets 200 to UPDATE'
	assert_equal "$(sql 'SELECT (expires_ms - answered_ms) / 1000 > 1700 FROM call')" 1
	play 'b sends UPDATE' 'a gets UPDATE' 'a says 200 | Session-Expires: 1' \
		'b gets 200 to UPDATE'
	ends aged-out 200
	states 1001 registered 1002 registered
	play 'a sends BYE' 'b gets BYE' 'b says 200' 'a gets 200 to BYE'
}

# ---- the server is gone, or another ----------------------------------------

@test "calls: a server that was killed lets the calls go on, and end" {
	serve_phones
	given_phones a:1001 b:1002
	given_talk a b 1002
	kill -9 "$SERVER_PID"
	wait "$SERVER_PID" || true
	serve_phones --listen "udp:$SERVER"
	states 1001 busy 1002 busy
	play 'b sends INFO' 'a gets INFO' 'a says 200' 'b gets 200 to INFO'
	hang_up a b
	states 1001 registered 1002 registered
	ends hung-up 200
}

@test "calls: a call that is being set up ends with the server" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180'
	stop_server
	play 'b gets CANCEL' 'a gets 480'
	assert_equal "$(calls)" '1001|1002|1002|failed|480'
}

@test "calls: SIGHUP in a call changes nothing for it" {
	serve_phones
	given_phones a:1001 b:1002 c:1003 d:1004
	given_talk a b 1002
	play 'c calls 1004' 'd rings' 'c gets 180'
	kill -HUP "$SERVER_PID"
	wait_until 5 grep -q msg=reloaded "$SERVER_LOG"
	hang_up b a
	play 'd says 200' 'c gets 200' 'c acks' 'd gets ACK'
	states 1001 registered 1003 busy
	hang_up d c
	states 1003 registered
}

@test "calls: a tenant that is taken away has its calls refused" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180'
	sed -i 's/acme\.example/other.example/' sp.yaml
	kill -HUP "$SERVER_PID"
	wait_until 5 grep -q msg=reloaded "$SERVER_LOG"
	play 'a gets 480' 'b stops'
}

@test "calls: a call that is answered and ended while the database is locked" {
	load clients/peers
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180'
	locked_database
	play 'b says 200' 'a gets 200' 'a acks' 'b gets ACK'
	hang_up b a
	unlock_database
	ends hung-up 200
	assert_equal "$(sql 'SELECT answered_ms > 0 FROM call')" 1
	assert_equal "$(events 1001 | tail -n 3 | xargs)" \
		'call-started call-answered call-ended'
}

@test "calls: a full disk holds up no call that is in progress" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	play 'a calls 1002' 'b rings' 'a gets 180'
	# In place of the disk: no file may grow any more.
	prlimit --pid "$SERVER_PID" --fsize=4096:
	wait_until 10 grep -q 'level=error msg=database' "$SERVER_LOG"
	play 'b says 200' 'a gets 200' 'a acks' 'b gets ACK' \
		'c calls 1002' 'c gets 503' 'a sends INFO' 'b gets INFO' \
		'b says 200' 'a gets 200'
	prlimit --pid "$SERVER_PID" --fsize=unlimited:
	states 1001 busy 1002 busy
	hang_up a b
	ends hung-up 200
}

@test "calls: a locked database holds up no call that is in progress" {
	load clients/peers
	serve_phones
	given_phones a:1001 b:1002 c:1003
	play 'a calls 1002' 'b rings' 'a gets 180'
	locked_database
	play 'b says 200' 'a gets 200' 'a acks' 'b gets ACK'
	play 'c calls 1002' 'c gets 503'
	unlock_database
	states 1001 busy 1002 busy
	hang_up a b
	states 1001 registered 1002 registered
	ends hung-up 200
}
