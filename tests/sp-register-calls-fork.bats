#!/usr/bin/env bats
# sp-register serve: one number, several phones: which answer the caller gets
# (RFC 3261 §16.7), and what becomes of the other phones.

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

# two_ring: b and c are phones of 1002, and ring for a.
two_ring() {
	serve_phones
	given_phones a:1001 b:1002 c:1002
	play 'a calls 1002' 'b rings' 'c rings' 'a gets 180' 'a gets 180'
}

# best STATUS_B STATUS_C STATUS_A: what a gets of that.
best() {
	two_ring
	play "b says $1" 'b gets ACK' 'a gets nothing' "c says $2" 'c gets ACK' \
		"a gets $3" 'a gets nothing'
}

# ---- who answers ------------------------------------------------------------

@test "fork: the phone that answers has the call, the other is cancelled" {
	two_ring
	play 'c says 200' 'a gets 200' 'a has Contact ~ sip:c@' 'b stops' \
		'a acks' 'c gets ACK' 'b gets nothing' 'c gets nothing' \
		'a gets nothing'
	hang_up c a
}

@test "fork: the CANCEL of a copy is that copy's" {
	two_ring
	branch=$(play 'b shows Via' | sed -n 1p)
	play 'c says 200' 'a gets 200' 'b gets CANCEL'
	assert_equal "$(play 'b shows Via')" "$branch"
	play 'b has CSeq ~ CANCEL$' 'b has uri ~ ^sip:b@' 'b has no Record-Route' 'b has Reason ~ cause=200' \
		'b has Max-Forwards ~ ^\d+$' 'b has To: <sip:1002@acme.example>'
}

@test "fork: two that answer at once both get through to the caller" {
	two_ring
	play 'b says 200' 'c says 200' \
		'a gets 200' 'a has Contact ~ sip:b@' 'a acks' 'b gets ACK' \
		'c gets CANCEL' 'c says 481 to CANCEL' \
		'a gets 200' 'a has Contact ~ sip:c@' 'a acks' 'c gets ACK' \
		'a sends BYE' 'c gets BYE' 'c says 200' 'a gets 200 to BYE'
}

@test "fork: a 200 that is repeated gets through again, and again" {
	two_ring
	play 'b says 200' 'a gets 200' 'c stops' \
		'b repeats answer to INVITE' 'a gets 200 again' \
		'b repeats answer to INVITE' 'a gets 200 again' \
		'a acks' 'b gets ACK' 'a repeats ACK' 'b gets ACK'
}

@test "fork: a phone that is cancelled late does not disturb the call" {
	two_ring
	play 'c says 200' 'a gets 200' 'a acks' 'c gets ACK' 'b gets CANCEL' \
		'b says 180 to INVITE' 'b says 200 to CANCEL' \
		'b says 486 to INVITE' 'b gets ACK' 'a gets nothing'
}

@test "fork: phones over UDP and TCP ring together" {
	serve_phones
	given_phones a:1001 b:1002 c:1002:tcp
	play 'a calls 1002' 'b rings' 'c rings' 'a gets 180' 'a gets 180' \
		'c says 200' 'a gets 200' 'b stops' 'a acks' 'c gets ACK'
	hang_up a c
}

# ---- the best response ------------------------------------------------------

@test "fork: busy on one phone and silence on the other: it goes on ringing" {
	two_ring
	play 'b says 486' 'b gets ACK' 'a gets nothing' 'c says 200' 'a gets 200' \
		'a acks' 'c gets ACK'
}

@test "fork: busy on both is busy" {
	best 486 486 486
}

@test "fork: busy on one and not there on the other is busy" {
	best 486 480 486
}

@test "fork: not there on one and busy on the other is busy" {
	best 480 486 486
}

@test "fork: a 4xx before a 5xx" {
	best 500 404 404
}

@test "fork: a 5xx after a 4xx changes nothing" {
	best 404 500 404
}

@test "fork: a 3xx before a 4xx" {
	best 404 302 302
}

@test "fork: phones that cannot take it now are not there" {
	best 503 503 480
}

@test "fork: what the caller can mend comes before what it cannot" {
	best 404 415 415
}

@test "fork: 600 is busy, wherever: the other phone is not asked any longer" {
	two_ring
	play 'b says 600' 'b gets ACK' 'c stops' 'a gets 600' 'a gets nothing'
}

@test "fork: 603 before everything else, and the other phone is cancelled" {
	two_ring
	play 'b says 486' 'b gets ACK' 'c says 603' 'c gets ACK' 'a gets 603'
}

@test "fork: after a 6xx a phone that answers all the same gets through" {
	two_ring
	play 'b says 603' 'b gets ACK' 'c gets CANCEL' 'c says 200 to INVITE' \
		'a gets 200' 'a acks' 'c gets ACK'
}

@test "fork: challenges of several phones come together" {
	two_ring
	play 'b says 401 | WWW-Authenticate: Digest realm="b", nonce="1"' \
		'b gets ACK' \
		'c says 407 | Proxy-Authenticate: Digest realm="c", nonce="2"' \
		'c gets ACK' 'a awaits 401' \
		'a has WWW-Authenticate: Digest realm="b", nonce="1"' \
		'a has Proxy-Authenticate: Digest realm="c", nonce="2"'
}

@test "fork: all of the best response gets through" {
	two_ring
	play 'b says 404' 'b gets ACK' \
		'c says 302 | Contact: <sip:x@y.example> | X-odd: 1 | body: so\n' \
		'c gets ACK' 'a gets 302' 'a has Contact: <sip:x@y.example>' \
		'a has X-odd: 1' 'a has body: so\n' 'a has Via ~ ^[^,]*;rport=\d+;received=127\.0\.0\.1$'
}

# ---- transactions -----------------------------------------------------------

@test "fork: an INVITE that comes again goes to nobody again" {
	two_ring
	play 'a repeats INVITE' 'a gets 180' 'b gets nothing' 'c gets nothing'
	play 'b says 200' 'a gets 200' 'c stops' 'a acks' 'b gets ACK'
}

@test "fork: a refusal that its caller has not acknowledged is repeated" {
	serve_phones
	given_phones a:1001
	play 'a idles' 'a calls 1009' 'a gets 404' 'a gets 404 again' \
		'a repeats INVITE' 'a gets 404 again'
}

@test "fork: the ACK of a refusal goes no further than this server" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b rings' 'a gets 180' 'b says 486' 'b gets ACK' \
		'b has uri ~ ^sip:b@' 'b has CSeq ~ ACK$' 'b has To ~ ;tag=b' \
		'b repeats answer to INVITE' 'b gets ACK again' 'a gets 486' 'b gets nothing'
}

@test "fork: the ACK of a 200 is the callee's, with its own branch" {
	serve_phones
	given_phones a:1001 b:1002
	given_talk a b 1002
	play 'b has Via ~ ^SIP/2\.0/UDP [^,]*, SIP/2\.0/UDP ' 'b has no Route' \
		'b has Max-Forwards: 69'
}

@test "fork: a phone that has gone away is not waited for" {
	serve_phones
	given_phones a:1001 b:1002 c:1002:tcp
	play 'a calls 1002' 'b rings' 'c rings' 'a gets 180' 'a gets 180' \
		'c closes' 'b says 486' 'b gets ACK' 'a gets 486'
}

# ---- CANCEL -----------------------------------------------------------------

@test "fork: the caller's CANCEL goes to all phones" {
	two_ring
	play 'a cancels' 'a gets 200 to CANCEL' 'b stops' 'b has no Reason' 'a gets nothing' \
		'c stops' 'a gets 487' 'a gets nothing'
}

@test "fork: a phone that does not answer a CANCEL is waited for, but not long" {
	two_ring
	play 'a cancels' 'a gets 200 to CANCEL' 'b stops' 'c gets CANCEL' \
		'a gets 487' 'c says 200 to CANCEL' 'c says 487 to INVITE' 'c gets ACK' 'a gets nothing'
}

@test "fork: cancelled while one phone has refused already" {
	two_ring
	play 'b says 486' 'b gets ACK' 'a cancels' 'a gets 200 to CANCEL' 'c stops' \
		'a gets 487' 'b gets nothing'
}
