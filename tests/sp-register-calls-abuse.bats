#!/usr/bin/env bats
# sp-register serve: calls of those who mean ill, and of those who only err.

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

# rows: caller, callee, ending of each call.
rows() {
	sql "SELECT caller || ' ' || callee || ' ' || ending FROM call ORDER BY id"
}

# token: the user part of the Record-Route that a has got.
token() {
	play 'a shows Record-Route' | sed -n '1s/<sip:\([0-9a-f]*\)@.*/\1/p'
}

@test "abuse: a callee cannot have the caller answer a challenge of ours" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002' 'b gets INVITE' \
		'b says 401 | +WWW-Authenticate: Digest realm="acme.example", nonce="x" | +Proxy-Authenticate: Digest realm="other.example", nonce="y"' \
		'b gets ACK' 'a gets 401' 'a has no WWW-Authenticate' \
		'a has Proxy-Authenticate ~ other\.example'
}

@test "abuse: credentials for one number call no other one" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	play 'a calls 1002' 'b gets INVITE' 'b says 486' 'b gets ACK' 'a gets 486'
	heard=$(sed -n 's/^Proxy-Authorization: /Proxy-Authorization: /p' phones.log)
	play "a calls 1003 | open | From: <sip:1001@acme.example>;tag=y | $heard" \
		'a gets 400' 'a has reason: Credentials For Another URI' \
		'c gets nothing'
}

@test "abuse: who is called cannot cancel what others ring for" {
	serve_phones
	given_phones a:1001 b:1002 c:1003
	play 'a calls 1002' 'b rings' 'a gets 180'
	via=$(play 'b shows Via' | sed -n 's/.*, //p' | tail -n 1)
	call_id=$(play 'b shows Call-ID')
	from=$(play 'b shows From')
	cseq=$(play 'b shows CSeq')
	play 's listens 127.0.0.3' \
		"s sends CANCEL to 1002 | Via: ${via%;rport*} | Call-ID: $call_id | From: $from | CSeq: ${cseq% *} CANCEL"
	play 'b gets nothing' 'b says 486' 'a gets 486'
}

@test "abuse: the way of a call is no way any more when it is over" {
	serve_phones
	given_phones a:1001 b:1002
	given_talk a b 1002
	route=$(play 'b shows Record-Route')
	hang_up a b
	for method in REFER MESSAGE INFO; do
		play "b sends $method | Route: $route" "b gets 481 to $method" \
			'a gets nothing'
	done
	# Whose ACK does no harm.
	play "b sends INVITE | Route: $route" 'b gets 481 to INVITE' 'a gets ACK'
	# What ends it may have been on its way.
	play "b sends BYE | Route: $route" 'a gets BYE' 'a says 200' \
		'b gets 200 to BYE'
}

@test "abuse: the BYE of a phone that has lost does not end the call" {
	serve_phones
	given_phones a:1001 b:1002 c:1002
	play 'a calls 1002' 'b rings' 'c rings' 'a gets 180' 'a gets 180' \
		'c says 200' 'a gets 200' 'a acks' 'c gets ACK' 'b stops' \
		'b sends BYE' 'a gets BYE' 'a says 481' 'b gets 481 to BYE'
	assert_equal "$(rows)" '1001 1002 '
	play 'a sends BYE' 'c gets BYE' 'c says 200' 'a gets 200 to BYE'
	wait_until 5 eval '[ "$(rows)" = "1001 1002 hung-up" ]'
}

@test "abuse: one extension has 32 calls, and not one more" {
	serve_phones
	given_phones a:1001 b:1002
	for _ in {1..32}; do
		play 'a calls 1002' 'b gets INVITE'
	done
	play 'a calls 1002' 'a gets 503' 'a has reason: Too Many Calls' \
		'a has Retry-After ~ ^\d+$' 'b gets nothing'
	assert_equal "$(rows | grep -c '^1001 1002 $')" 32
	run grep -c msg=call-refused "$SERVER_LOG"
	assert_output 1
}

@test "abuse: a call is known by its Call-ID and tag, or is none" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | From: <sip:1001@acme.example>' 'a gets 400'
	play 'a calls 1002 | From: <sip:1001@acme.example>;tag=' 'a gets 400'
	play "a calls 1002 | Call-ID: $(printf '%0256d' 0)" 'a gets 400' \
		'b gets nothing'
	play 'a calls 1002 | Call-ID: one | From: <sip:1001@acme.example>;tag=t' \
		'b rings' 'a gets 180' \
		'a calls 1002 | Call-ID: one | From: <sip:1001@acme.example>;tag=t' \
		'a gets 482' 'b gets nothing'
}

@test "abuse: a From that only looks like one's own is somebody else's" {
	serve_phones
	given_phones a:1001 b:1002
	play 'a calls 1002 | open | From: sip:1002@acme.example;x=<sip:1001@acme.example>;tag=t' \
		'a gets 407' 'b gets nothing'
	play 'a calls 1002 | From: sip:1002@acme.example;x=<sip:1001@acme.example>;tag=t' \
		'a gets 403' 'b gets nothing'
}

@test "abuse: who wants no phone to know is known to the gateway" {
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
	serve_phones
	given_phones b:1002
	play 't listens 127.0.0.2' \
		't calls 1002 | P-Asserted-Identity: <sip:+4930@x> | Privacy: id' \
		'b rings' 'b has no P-Asserted-Identity'
}

@test "abuse: what was dialled upsets no listing" {
	serve_phones
	given_phones a:1001
	play 'a calls sip:%1b[31m%0a@acme.example' 'a gets 404'
	run sql "SELECT hex(dialled) FROM call"
	assert_output "$(printf '?[31m?' | od -An -tx1 | tr -d ' \n' | tr a-f A-F)"
}
