#!/usr/bin/env bats
# sp-register serve: what softphones were seen to send, oddities and all, where
# those of sp-register-clients.bats do not show it by themselves.

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	load clients/wire
	given_config
	SECRET=$(given_phone asmith 1001)
	start_server
}

teardown() { common_teardown; }

@test "serve: baresip's ;transport= hides neither the domain nor the number" {
	for transport in udp tcp tls UDP; do
		URI="sip:acme.example;transport=$transport" run register 1001 "$SECRET" \
			"To: <sip:1001@acme.example;transport=$transport>" \
			"From: <sip:1001@acme.example;transport=$transport>;tag=b"
		assert_status 200
	done
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
}

@test "serve: linphone's To without brackets, two spaces, and no Content-Length" {
	run register 1001 "$SECRET" 'From:  <sip:1001@acme.example>;tag=l' \
		'To:  sip:1001@acme.example' 'Call-ID:  RbkWLS-OvP' \
		'+Expires:  20' '+Supported: replaces, outbound, gruu' \
		'Contact:  <sip:1001@127.0.0.1:40485;transport=udp>;+sip.instance="<urn:uuid:2bc68d73-5b3b-00e8-b5e4-7c801711cc59>"'
	assert_status 200
	run grep -ci '^content-length' sent
	assert_output 0
	run register 1001 "$SECRET" -Contact
	assert_equal "$(contacts)" 'sip:1001@127.0.0.1:40485;transport=udp'
}

@test "serve: sipsak's addresses without brackets, and a Via with ;alias" {
	run register 1001 "$SECRET" 'From: sip:1001@acme.example;tag=s' \
		'To: sip:1001@acme.example' 'Contact: sip:1001@127.0.0.1:5071' \
		'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK.2f;rport;alias'
	assert_status 200
	assert_equal "$(contacts)" sip:1001@127.0.0.1:5071
	assert_line --regexp '^Via: SIP/2\.0/UDP 127\.0\.0\.1:9;branch=z9hG4bK\.2f;alias;rport=[0-9]+;received=127\.0\.0\.1$'
}

@test "serve: the expiry is in the Contact, in Expires, or in both" {
	while IFS='|' read -r who contact expires; do
		echo "as $who"
		run register 1001 "$SECRET" "$contact" ${expires:+"+$expires"}
		assert_status 200
		assert_equal "$(granted)" 20
	done <<-'END'
	linphone|Contact: <sip:1001@127.0.0.1:5070>|Expires: 20
	baresip|Contact: <sip:1001@127.0.0.1:5070>;expires=20|
	JsSIP|Contact: <sip:1001@127.0.0.1:5070>;expires=20|Expires: 20
	END
}

@test "serve: JsSIP's contact, which only its connection can reach, is given back" {
	uri='sip:j1k2l3m4@df7jal23ls0d.invalid;transport=ws'
	run register 1001 "$SECRET" '+Supported: path,gruu,outbound' \
		"Contact: <$uri>;+sip.ice;reg-id=1;+sip.instance=\"<urn:uuid:6e1f9a0c-2c4a-4f0f-a1f5-0d4b6f4f5b0e>\";expires=30"
	assert_status 200
	assert_equal "$(contacts)" "$uri"
}

@test "serve: SIP.js sends its old credentials again, and is told that they are stale" {
	run register 1001 "$SECRET"
	assert_status 200
	old=$(sent_nonce)
	# As they were, the count too, with the next CSeq.
	sed 's/^CSeq: .*/CSeq: 2100000000 REGISTER\r/' sent >again
	run "$SIPSEND" "$SERVER" <again
	assert_status 401
	assert_line --regexp '^WWW-Authenticate: .*, stale=true$'
	new=$(sed -n 's/.*nonce="\([^"]*\)".*/\1/p' <<<"$output")
	assert_not_equal "$new" "$old"
	WITH="-n $new" run register 1001 "$SECRET" 'CSeq: 2100000001 REGISTER'
	assert_status 200
}

# When linphone's first answer to a challenge is refused it gives up, even when
# it is told that its nonce is stale.
@test "serve: a fresh nonce is good once, whatever others do meanwhile" {
	nonce=$(send REGISTER 1001 | sed -n 's/.*nonce="\([^"]*\)".*/\1/p')
	for _ in {1..10}; do
		register 1001 "$SECRET" >/dev/null
		send REGISTER 1001 >/dev/null
	done
	WITH="-n $nonce" run register 1001 "$SECRET"
	assert_status 200
	WITH="-n $nonce" run register 1001 "$SECRET"
	assert_status 401
}

@test "serve: SUBSCRIBE and PUBLISH of a registered phone are answered" {
	register 1001 "$SECRET" >/dev/null
	for method in SUBSCRIBE PUBLISH; do
		URI=sip:1001@acme.example run send $method 1001 \
			'+Event: presence' '+Expires: 3600'
		assert_status 40[57]
	done
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
}

@test "serve: names in answers are spelt as Twinkle wants them" {
	run send REGISTER 1001
	assert_line --regexp '^WWW-Authenticate: Digest '
	run register 1001 "$SECRET"
	for name in Via From To Call-ID CSeq Contact Content-Length; do
		assert_line --regexp "^$name: "
	done
	run register 1001 "$SECRET" 'Contact: <sip:1001@127.0.0.1:5070>;expires=2'
	assert_line 'Min-Expires: 10'
}
