#!/usr/bin/env bats
# sp-register serve: the requests of a call, and those that are no call, to the
# phone that they are for.

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

# talking [KIND_A [KIND_B]]: a and b do; KIND: tcp for that one.
talking() {
	serve_phones
	given_phones "a:1001:${1-}" "b:1002:${2-}"
	given_talk a b 1002
}

# passes FROM TO METHOD [CHANGE]: the request, and its answer with what is in it.
passes() {
	play "$1 sends $3${4:+ | $4}" "$2 gets $3" "$2 says 200 | X-odd: $3" \
		"$1 gets 200 to $3" "$1 has X-odd: $3"
}

# token: the user part of the Record-Route that a has got.
token() {
	play 'a shows Record-Route' | sed -n '1s/<sip:\([0-9a-f]*\)@.*/\1/p'
}

# ---- by its Route -----------------------------------------------------------

@test "dialog: every request gets through, either way" {
	talking
	for method in UPDATE INFO PRACK REFER NOTIFY MESSAGE OPTIONS SUBSCRIBE; do
		passes a b "$method"
		passes b a "$method"
	done
	hang_up a b
}

@test "dialog: what gets through is as it was, without the Route that was ours" {
	talking
	play 'a sends INFO | Subject: hi | body: signal=1\n' 'b gets INFO' \
		'b has uri ~ ^sip:b@127' 'b has no Route' 'b has no Record-Route' \
		'b has Subject: hi' 'b has body: signal=1\n' 'b has Max-Forwards: 69' \
		'b has Via ~ ^SIP/2\.0/UDP 127[^,]*, SIP/2\.0/UDP 127[^,]*received='
}

@test "dialog: a re-INVITE, and its ACK, either way" {
	talking
	for pair in 'a b' 'b a'; do
		read -r one other <<<"$pair"
		play "$one sends INVITE | body: v=1\\n" "$other gets INVITE" \
			"$other has body: v=1\\n" "$one gets 100" \
			"$other says 200 | body: v=2\\n" "$one gets 200" \
			"$one has body: v=2\\n" "$one acks" "$other gets ACK"
	done
	state_is 1001 busy
	hang_up b a
}

@test "dialog: a re-INVITE that is refused leaves the call as it is" {
	talking
	play 'a sends INVITE' 'b gets INVITE' 'b says 488' 'b gets ACK' 'a gets 488' \
		'b gets nothing'
	state_is 1001 busy
	passes a b INFO
}

@test "dialog: a re-INVITE can be cancelled" {
	talking
	play 'a sends INVITE' 'b rings' 'a gets 180' 'a cancels' \
		'a gets 200 to CANCEL' 'b stops' 'a gets 487'
	state_is 1001 busy
}

@test "dialog: 491, when both change it at once" {
	talking
	play 'a sends INVITE' 'b gets INVITE' 'b sends INVITE' 'a gets INVITE' \
		'b says 491 to INVITE' 'a says 491 to INVITE' 'b awaits 491' \
		'a awaits 491'
}

@test "dialog: PRACK and UPDATE before the answer" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | Supported: 100rel' 'b gets INVITE' \
		'b has Supported: 100rel' 'b says 183 | RSeq: 1 | Require: 100rel' \
		'a gets 183' 'a has RSeq: 1'
	passes a b PRACK 'RAck: 1 1 INVITE'
	passes b a UPDATE
	play 'b says 200 to INVITE' 'a gets 200' 'a acks' 'b gets ACK'
}

@test "dialog: BYE to who has gone away ends the call all the same" {
	talking '' tcp
	play 'b closes' 'a sends BYE' 'a gets 500 to BYE'
	wait_until 5 state_is 1001 registered
}

@test "dialog: over TCP and UDP the two have a Record-Route each" {
	talking tcp
	play 'a sends INVITE' 'b gets INVITE' 'b says 200' 'a gets 200' 'a acks' \
		'b gets ACK'
	passes a b INFO
	passes b a INFO
	hang_up b a
}

@test "dialog: the Record-Routes of TCP and UDP, the callee's first" {
	serve_phones
	given_phones a:1001:tcp b:1002
	play 'a calls 1002' 'b rings' \
		'b has Record-Route ~ ^<sip:[0-9a-f]+@[^;]*;lr>, <sip:[0-9a-f]+@[^;]*;transport=tcp;lr>$'
}

@test "dialog: over TCP alone it is one" {
	serve_phones
	given_phones a:1001:tcp b:1002:tcp
	play 'a calls 1002' 'b rings' \
		'b has Record-Route ~ ^<sip:[0-9a-f]+@[^;,]*;transport=tcp;lr>$'
}

# ---- without Route ----------------------------------------------------------

@test "dialog: requests to the number itself, without Route, as sipp sends them" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'b says 200' 'a gets 200' \
		'a acks | -Route | uri=sip:1002@acme.example' 'b gets ACK' \
		'b has uri ~ ^sip:b@'
	play 'a sends BYE | -Route | uri=sip:1002@acme.example' 'b gets BYE' \
		'b has uri ~ ^sip:b@' 'b says 200' 'a gets 200 to BYE'
	wait_until 5 state_is 1001 registered
}

@test "dialog: requests to the Contact, without Route, as Twinkle sends them" {
	talking
	play 'a sends INFO | -Route' 'b gets INFO' 'b has uri ~ ^sip:b@' 'b says 200' \
		'a gets 200' 'b sends BYE | -Route' 'a gets BYE' 'a says 200' \
		'b gets 200 to BYE'
	wait_until 5 state_is 1001 registered
}

@test "dialog: without Route, of a call that nobody knows: 481" {
	talking
	play 'a sends BYE | -Route | Call-ID: other' 'a gets 481 to BYE' \
		'b gets nothing'
	state_is 1001 busy
}

@test "dialog: a BYE after the end is 481, or the callee's to refuse" {
	talking
	hang_up a b
	play 'a sends BYE | -Route' 'a gets 481 to BYE' 'b gets nothing' \
		'a sends BYE' 'b gets BYE' 'b says 481' 'a gets 481 to BYE'
}

# ---- strict routers ---------------------------------------------------------

@test "dialog: from a strict router: our URI is the Request-URI" {
	talking
	play 'a sends INFO | strict' 'b gets INFO' 'b has uri ~ ^sip:b@' \
		'b has no Route' 'b says 200' 'a gets 200' 'b sends BYE | strict' \
		'a gets BYE' 'a has uri ~ ^sip:a@' 'a says 200' 'b gets 200 to BYE'
	wait_until 5 state_is 1001 registered
}

@test "dialog: to a loose router behind us: its Route stays" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' \
		'b says 200 | +Record-Route: <sip:edge.example;lr>' 'a gets 200' \
		'a acks' 'b gets ACK'
	play 'a sends INFO' 'b gets INFO' 'b has uri ~ ^sip:b@'
}

@test "dialog: to a strict router behind us: its URI is the Request-URI" {
	talking
	ours=$(play 'a sends INFO' 'b gets INFO' 'b says 200' 'a gets 200' \
		'b shows address')
	route=$(sed -n 's/^Route: //p' phones.log | tail -n 1)
	play "a sends INFO | -Route | +Route: $route, <sip:old@$ours>" 'b gets INFO' \
		"b has uri: sip:old@$ours" 'b has Route ~ ^<sip:b@[^,]*>$'
}

# ---- forged -----------------------------------------------------------------

@test "dialog: a token that is not ours goes nowhere: 481" {
	talking
	route=$(sed -n 's/^Route: //p' phones.log | tail -n 1)
	forged=${route/sip:01/sip:02}
	play "a sends INFO | -Route | +Route: $forged | Call-ID: other" \
		'a gets 481 to INFO' 'b gets nothing'
	play "a sends INFO | -Route | +Route: $forged" 'a gets 481 to INFO' \
		'b gets nothing'
	play "a sends INFO | -Route | +Route: ${route/@/00@}" 'a gets 481 to INFO' \
		'b gets nothing'
}

@test "dialog: the token of one dialog is no good for another" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	given_talk a b 1002
	route=$(sed -n 's/^Route: //p' phones.log | tail -n 1)
	play "c sends INFO to 1002 | open | To: <sip:1002@acme.example>;tag=x | Route: $route" \
		'c gets 481 to INFO' 'b gets nothing'
}

@test "dialog: an ACK that belongs nowhere is dropped" {
	talking
	play 'a sends ACK | -Route | Call-ID: other' 'b gets nothing' 'a gets nothing'
}

@test "dialog: a request of no dialog that only dialogs have is 481" {
	serve_phones
	given_phones a:1001 b:1002
	for method in BYE UPDATE PRACK INFO; do
		play "a sends $method to 1002 | open" "a gets 481 to $method"
	done
	play 'b gets nothing'
}

# ---- no call ----------------------------------------------------------------

@test "dialog: MESSAGE, SUBSCRIBE, OPTIONS, REFER, NOTIFY to a number" {
	serve_phones
	given_phones a:1001 b:1002
	for method in MESSAGE SUBSCRIBE OPTIONS REFER NOTIFY; do
		play "a sends $method to 1002 | body: hi\\n" "b gets $method" \
			'b has body: hi\n' 'b has uri ~ ^sip:b@' \
			'b has P-Asserted-Identity ~ 1001' \
			"b says 200 | X-odd: $method" "a gets 200 to $method" \
			"a has X-odd: $method"
	done
	assert_equal "$(sql 'SELECT count(*) FROM call')" 0
}

@test "dialog: they come to all phones; one answer goes back" {
	serve_phones
	given_phones a:1001 b:1002 c:1002
	play 'a sends MESSAGE to 1002' 'b gets MESSAGE' 'c gets MESSAGE' 'b says 200' \
		'a gets 200' 'c says 404' 'a gets nothing'
}

@test "dialog: they are not forwarded, and 480 where nobody is" {
	serve_phones
	given_phones a:1001 c:1003
	given_user gone 1002
	sp-forward -q 1002 --always 1003 --offline 1003
	for method in MESSAGE SUBSCRIBE OPTIONS; do
		play "a sends $method to 1002" "a gets 480 to $method"
	done
	play 'a sends MESSAGE to 1009' 'a gets 404' 'c gets nothing'
}

@test "dialog: a subscription's NOTIFY finds its way back" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a sends SUBSCRIBE to 1002 | Event: presence' 'b gets SUBSCRIBE' \
		'b says 200' 'a gets 200' 'b sends NOTIFY' 'a gets NOTIFY' \
		'a has uri ~ ^sip:a@' 'a says 200' 'b gets 200 to NOTIFY'
	passes a b SUBSCRIBE
}

# ---- what is not passed on --------------------------------------------------

@test "dialog: no hops left: 483" {
	talking
	play 'a sends INFO | Max-Forwards: 0' 'a gets 483' 'b gets nothing' \
		'a sends INFO | Max-Forwards: 1' 'b gets INFO' 'b has Max-Forwards: 0'
}

@test "dialog: Max-Forwards is added where there is none" {
	talking
	play 'a sends INFO | -Max-Forwards' 'b gets INFO' 'b has Max-Forwards: 70'
}

@test "dialog: Proxy-Require is not for us: 420" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a sends MESSAGE to 1002 | open | Proxy-Require: odd' 'a gets 420' \
		'a has Unsupported: odd' 'b gets nothing'
}

@test "dialog: a request that comes again is answered again, and goes nowhere" {
	talking
	play 'a sends INFO' 'b gets INFO' 'b says 200' 'a gets 200' 'a repeats INFO' \
		'a gets 200 again' 'b gets nothing'
}
