#!/usr/bin/env bats
# sp-register serve: what a REGISTER does (RFC 3261 §10.3); the other files
# sp-register-*.bats hold the rest of it.

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	load clients/wire
	given_config
	SECRET=$(given_phone asmith 1001)
}

teardown() { common_teardown; }

# ---- serve: challenge and credentials ---------------------------------------

@test "serve: a REGISTER without credentials is challenged, with MD5 alone" {
	start_server
	remember
	run send REGISTER 1001
	assert_status 401 Unauthorized
	assert_line --regexp '^WWW-Authenticate: Digest realm="acme\.example", nonce="[0-9a-f]{56}", algorithm=MD5, qop="auth"$'
	assert_equal "$(grep -ci authenticate <<<"$output")" 1
	assert_nothing_changed
}

@test "serve: header names are written as phones expect them" {
	start_server
	run register 1001 "$SECRET" 'v: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK1' -Via \
		'f: <sip:1001@acme.example>;tag=f' -From 't: <sip:1001@acme.example>' -To \
		'CALL-id: x' -Call-ID 'cseq: 7 REGISTER' -CSeq 'm: <sip:a@127.0.0.1>' -Contact
	assert_status 200 OK
	assert_equal "$(cut -d : -f 1 <<<"$output" | tail -n +2 | xargs)" \
		"Via From To Call-ID CSeq Date Contact Supported Content-Length"
}

@test "serve: the login does as username, too" {
	start_server
	WITH='-u asmith' run register 1001 "$SECRET"
	assert_status 200
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
}

@test "serve: a response with SHA-256 is accepted" {
	start_server
	WITH='-a SHA-256' run register 1001 "$SECRET"
	assert_status 200
	run grep -c 'algorithm=SHA-256' sent
	assert_output 1
}

@test "serve: no user, no secret and a wrong secret look the same" {
	given_user bjones 1002
	start_server
	remember
	for ext in 1001 1002 1999; do
		register $ext wrong 'Call-ID: x' 'CSeq: 1 REGISTER' \
			'Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1' |
			normalised | sed "s/$ext/EXT/g" >answer.$ext
	done
	assert_equal "$(cat answer.1002)" "$(cat answer.1001)"
	assert_equal "$(cat answer.1999)" "$(cat answer.1001)"
	run cat answer.1001
	assert_status 401
	refute_output --partial stale
	assert_nothing_changed
}

@test "serve: a replay with another contact is refused as stale" {
	start_server
	register 1001 "$SECRET"
	remember
	WITH="-n $(sent_nonce)" run register 1001 "$SECRET" 'Contact: <sip:thief@127.0.0.1>'
	assert_status 401
	assert_line --regexp '^WWW-Authenticate: .*, stale=true$'
	assert_nothing_changed
}

@test "serve: the same bytes again get the same answer and change nothing" {
	start_server
	first=$(register 1001 "$SECRET" | normalised)
	remember
	run "$SIPSEND" "$SERVER" <sent
	assert_equal "$(normalised <<<"$output")" "$first"
	assert_line 'SIP/2.0 200 OK'
	assert_nothing_changed
}

@test "serve: a refused REGISTER that comes again is refused again" {
	start_server
	SECRET=$(given_phone asmith 1001)
	register 1001 "$SECRET" 'Expires: 5' >/dev/null
	run "$SIPSEND" "$SERVER" <sent
	assert_line --regexp '^SIP/2.0 423 '
	assert_equal "$(bindings 1001)" ""
}

@test "serve: a phone that made room for another was not logged out" {
	given_config 'registration: {max-contacts: 1}'
	start_server
	SECRET=$(given_phone asmith 1001)
	register 1001 "$SECRET" 'Contact: <sip:a@h1>' >/dev/null
	register 1001 "$SECRET" 'Contact: <sip:b@h2>' >/dev/null
	assert_equal "$(bindings 1001)" sip:b@h2
	assert_equal "$(events 1001 | xargs)" \
		'assigned new-secret logged-in created created deactivated'
}

@test "serve: the unregistering bytes again do not undo a later registration" {
	start_server
	register 1001 "$SECRET"
	register 1001 "$SECRET" 'Expires: 0'
	mv sent unregister
	register 1001 "$SECRET" 'Call-ID: another'
	remember
	run "$SIPSEND" "$SERVER" <unregister
	assert_status 200
	assert_nothing_changed
}

@test "serve: a nonce is good again when its count rises, and only then" {
	start_server
	register 1001 "$SECRET"
	nonce=$(sent_nonce)
	WITH="-n $nonce -c 2" run register 1001 "$SECRET"
	assert_status 200
	WITH="-n $nonce -c 9" run register 1001 "$SECRET"
	assert_status 200
	remember
	for count in 1 2 8 9; do
		WITH="-n $nonce -c $count" run register 1001 "$SECRET"
		assert_status 401
		assert_line --partial stale=true
	done
	assert_nothing_changed
}

@test "serve: a nonce of another key, or of nobody, is stale" {
	start_server
	nonce=$(send REGISTER 1001 | sed -n 's/.*nonce="\([^"]*\)".*/\1/p')
	stop_server
	sql 'UPDATE server SET nonce_key = randomblob(32)'
	start_server
	remember
	for n in "$nonce" "${nonce%?}" 0123 "${nonce}00" ${nonce//?/f}; do
		WITH="-n $n" run register 1001 "$SECRET"
		assert_status 401
		assert_line --partial stale=true
	done
	assert_nothing_changed
}

@test "serve: credentials that are not sound are refused" {
	start_server
	register 1001 "$SECRET"
	good=$(sed -n 's/\r$//; s/^Authorization: //p' sent)
	remember
	while IFS=$'\t' read -r edit code phrase; do
		echo "case: $edit"
		run send REGISTER 1001 "Authorization: $(sed -E "$edit" <<<"$good")"
		assert_status "$code" "$phrase"
	done <<-'END'
	s/, cnonce="[^"]*"//	400	Malformed Credentials
	s/, nc=0*1//	400	Malformed Credentials
	s/nc=0*1/nc=00000000/	400	Malformed Credentials
	s/nc=0*1/nc=1/	400	Malformed Credentials
	s/nc=0*1/nc=-0000001/	400	Malformed Credentials
	s/, response="[^"]*"//	400	Malformed Credentials
	s/username="1001"/username="1001/	400	Malformed Credentials
	s/qop=auth/qop=auth-int/	400	Malformed Credentials
	s/uri="[^"]*"/uri="sip:other.example"/	400	Credentials For Another URI
	s/(response=").*",/\1",/	401	Unauthorized
	s/realm="[^"]*"/realm="other.example"/	401	Unauthorized
	s/username="1001"/username="1002"/	401	Unauthorized
	END
	assert_nothing_changed
}

@test "serve: credentials for other realms beside ours do no harm" {
	start_server
	run register 1001 "$SECRET" '+Authorization: Digest username="x", realm="other.example", nonce="1"'
	assert_status 200
}

@test "serve: of two tenants with the same number each has its own" {
	cat >>sp.yaml <<-END
	  - domain: beta.example
	    pool: [1000-1999]
	END
	export SP_TENANT=beta.example
	other=$(given_phone zoe 1001)
	export SP_TENANT=acme.example
	start_server
	DOMAIN=beta.example run register 1001 "$SECRET"
	assert_status 401
	DOMAIN=beta.example run register 1001 "$other"
	assert_status 200
	state_is 1001 offline
	SP_TENANT=beta.example state_is 1001 registered
}

# ---- serve: what is granted -------------------------------------------------

@test "serve: grants 30 s, or less when less is asked for" {
	start_server
	while IFS='|' read -r expires param seconds; do
		echo "case: $expires$param"
		run register 1001 "$SECRET" "Contact: <sip:a@127.0.0.1>$param" "$expires"
		assert_status 200
		assert_equal "$(granted)" "$seconds"
	done <<-'END'
	-X||30
	Expires: 30||30
	Expires: 3600||30
	Expires: 29||29
	Expires: 10||10
	Expires: 7200|;expires=20|20
	Expires: 20|;expires=7200|30
	Expires: 5|;expires=15|15
	Expires: soon||30
	Expires: -1||30
	Expires: 4294967296||30
	Expires: 99999999999999999999||30
	Expires: 20|;expires=soon|20
	-X|;expires=99999999999999999999|30
	-X|;EXPIRES=12;q=0.5|12
	END
	assert_equal "$(bindings 1001)" sip:a@127.0.0.1
}

@test "serve: the tenant's timeout is what is granted" {
	given_config 'registration: {refresh: 30s, timeout: 60s, min: 20s}'
	start_server
	run register 1001 "$SECRET" 'Expires: 3600'
	assert_equal "$(granted)" 60
	run register 1001 "$SECRET" 'Expires: 19'
	assert_status 423
	assert_line 'Min-Expires: 20'
}

@test "serve: too short is refused with what is the least, and changes nothing" {
	start_server
	register 1001 "$SECRET"
	remember
	for asked in 1 5 9; do
		run register 1001 "$SECRET" "Expires: $asked"
		assert_status 423 'Interval Too Brief'
		assert_line 'Min-Expires: 10'
		run register 1001 "$SECRET" "Contact: <sip:1001@127.0.0.1>;expires=$asked"
		assert_status 423
	done
	assert_nothing_changed
}

@test "serve: a registration shows in sp-status, and in the events" {
	start_server
	run register 1001 "$SECRET" 'User-Agent: Some Phone 1.0'
	assert_status 200
	assert_equal "$(granted)" 30
	run sp-status -o jsonl 1001
	assert_output --partial '"state":"registered"'
	assert_output --partial '"contact":"sip:1001@127.0.0.1:5070"'
	assert_output --partial '"transport":"udp"'
	assert_output --partial '"user_agent":"Some Phone 1.0"'
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created"
}

@test "serve: a refresh moves the expiry of the one binding" {
	start_server
	register 1001 "$SECRET" 'Expires: 10'
	before=$(sql 'SELECT expires_ms FROM binding_live')
	run register 1001 "$SECRET"
	assert_status 200
	assert_equal "$(granted)" 30
	run sql "SELECT count(*), min(expires_ms) >= $before + 20000 FROM binding_live"
	assert_output '1|1'
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created"
}

@test "serve: Expires 0 unregisters, by header or by parameter" {
	start_server
	for field in 'Expires: 0' 'Contact: <sip:1001@127.0.0.1:5070>;expires=0'; do
		register 1001 "$SECRET"
		run register 1001 "$SECRET" "$field"
		assert_status 200
		refute_line --partial Contact
		assert_equal "$(bindings 1001)" ""
		state_is 1001 offline
	done
	assert_equal "$(events 1001 | tail -n 4 | xargs)" "logged-in created unregistered logged-out"
}

@test "serve: unregistering what is not registered is fine" {
	start_server
	remember
	run register 1001 "$SECRET" 'Expires: 0'
	assert_status 200
	refute_line --partial Contact
	assert_nothing_changed
}

@test "serve: a REGISTER without a contact lists the bindings" {
	start_server
	run register 1001 "$SECRET" -Contact
	assert_status 200
	refute_line --partial Contact
	register 1001 "$SECRET" 'Contact: <sip:a@127.0.0.1>, <sip:b@127.0.0.1;x=y>;expires=20'
	remember
	run register 1001 "$SECRET" -Contact 'Expires: 0'
	assert_status 200
	assert_equal "$(contacts | xargs)" 'sip:a@127.0.0.1 sip:b@127.0.0.1;x=y'
	assert_line --regexp '^Contact: <sip:b@127\.0\.0\.1;x=y>;expires=(20|19|18)$'
	assert_nothing_changed
}

# ---- serve: contacts --------------------------------------------------------

@test "serve: Contact * with Expires 0 removes all bindings" {
	start_server
	register 1001 "$SECRET" 'Contact: <sip:a@127.0.0.1>' '+Contact: <sip:b@127.0.0.1>'
	run register 1001 "$SECRET" 'Contact: *' 'Expires: 0'
	assert_status 200
	refute_line --partial Contact
	assert_equal "$(bindings 1001)" ""
	state_is 1001 offline
}

@test "serve: Contact * is malformed with another Expires, or another contact" {
	start_server
	register 1001 "$SECRET"
	remember
	while IFS=$'\t' read -r one two three; do
		echo "case: $one $two $three"
		run register 1001 "$SECRET" "$one" "$two" "$three"
		assert_status 400
	done <<-'END'
	Contact: *	-X	-X
	Contact: *	Expires: 30	-X
	Contact: *	Expires: 00x	-X
	Contact: *	+Contact: <sip:a@127.0.0.1>	Expires: 0
	Contact: <sip:a@127.0.0.1>	+Contact: *	Expires: 0
	Contact: *, <sip:a@127.0.0.1>	-X	Expires: 0
	Contact: <*>	-X	Expires: 0
	END
	assert_nothing_changed
}

@test "serve: several contacts, in one header field and in two" {
	start_server
	a='"A, B" <sip:a@127.0.0.1;transport=udp>;q=1'
	run register 1001 "$SECRET" "Contact: $a, sip:b@127.0.0.1;expires=15" \
		'+Contact: <sips:c@[::1]:5061?x=y>'
	assert_status 200
	run bindings 1001
	assert_output - <<-'END'
	sip:a@127.0.0.1;transport=udp
	sip:b@127.0.0.1
	sips:c@[::1]:5061?x=y
	END
}

@test "serve: one contact in two spellings is one binding" {
	start_server
	for uri in 'sip:al%69ce@phone.example;a=1;b=2' 'SIP:alice@PHONE.example;B=2;a=1' \
		'sip:alice@phone.example;new=3;b=2'; do
		run register 1001 "$SECRET" "Contact: <$uri>"
		assert_status 200
		assert_equal "$(bindings 1001)" "$uri"
	done
}

@test "serve: contacts that only look alike are several bindings" {
	start_server
	uris=(sip:a@h.example sip:A@h.example sip:a@h.example:5060 'sip:a@h.example;transport=tcp'
		sips:a@h.example)
	for uri in "${uris[@]}"; do
		register 1001 "$SECRET" "Contact: <$uri>"
	done
	assert_equal "$(bindings 1001)" "$(printf '%s\n' "${uris[@]}")"
}

@test "serve: a contact named twice is bound once, the last word counts" {
	start_server
	run register 1001 "$SECRET" 'Contact: <sip:a@h>, <sip:a@h>;expires=12'
	assert_status 200
	assert_equal "$(granted)" 12
	run register 1001 "$SECRET" 'Contact: <sip:b@h>, <sip:b@h>;expires=0, <sip:b@h>'
	assert_status 200
	assert_equal "$(contacts)" "$(bindings 1001)"
	assert_equal "$(bindings 1001 | xargs)" "sip:a@h sip:b@h"
}

@test "serve: all or nothing: one bad contact of two, and nothing is stored" {
	start_server
	register 1001 "$SECRET"
	remember
	while IFS=$'\t' read -r contact expected; do
		echo "case: $contact"
		run register 1001 "$SECRET" 'Contact: <sip:good@127.0.0.1>' "+Contact: $contact"
		assert_status "$expected"
	done <<-'END'
	<sip:a@127.0.0.1>;expires=5	423
	<sip:a@@127.0.0.1>	400
	<sip:a@127.0.0.1	400
	<sip:a@127.0.0.1:x>	400
	<sip:a@127.0.0.1:99999>	400
	<sip:a%00b@127.0.0.1>	400
	<sip:a%zz@127.0.0.1>	400
	<sip:>	400
	<mailto:a@127.0.0.1>	400
	<sipfoo:a@127.0.0.1>	400
	"a <sip:a@127.0.0.1>	400
	;expires=10	400
	END
	assert_nothing_changed
}

@test "serve: of too many contacts the oldest goes" {
	given_config 'registration: {max-contacts: 2}'
	start_server
	for c in a b; do register 1001 "$SECRET" "Contact: <sip:$c@h>"; done
	register 1001 "$SECRET" 'Contact: <sip:a@h>'
	run register 1001 "$SECRET" 'Contact: <sip:c@h>'
	assert_status 200
	assert_equal "$(contacts | xargs)" "sip:a@h sip:c@h"
	assert_equal "$(bindings 1001 | xargs)" "sip:a@h sip:c@h"
	state_is 1001 registered
}

@test "serve: more contacts in one REGISTER than there may be are refused" {
	given_config 'registration: {max-contacts: 2}'
	start_server
	register 1001 "$SECRET"
	remember
	run register 1001 "$SECRET" 'Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>'
	assert_status 403 'Too Many Contacts'
	run register 1001 "$SECRET" "Contact: $(printf '<sip:%d@h>, ' {1..40})<sip:x@h>"
	assert_status 400
	assert_nothing_changed
}

# ---- serve: order -----------------------------------------------------------

@test "serve: of one Call-ID the CSeq must rise" {
	start_server
	register 1001 "$SECRET" 'CSeq: 100 REGISTER'
	remember
	for cseq in 100 99 1 0; do
		for field in -X 'Expires: 0' 'Contact: <sip:1001@127.0.0.1:5070>, <sip:b@h>'; do
			run register 1001 "$SECRET" "CSeq: $cseq REGISTER" "$field"
			assert_status 400 'CSeq Out Of Order'
		done
		run register 1001 "$SECRET" "CSeq: $cseq REGISTER" 'Contact: *' 'Expires: 0'
		assert_status 400 'CSeq Out Of Order'
	done
	assert_nothing_changed
	run register 1001 "$SECRET" 'CSeq: 101 REGISTER'
	assert_status 200
	run register 1001 "$SECRET" 'CSeq: 2147483647 REGISTER'
	assert_status 200
}

@test "serve: of another Call-ID any CSeq will do" {
	start_server
	register 1001 "$SECRET" 'CSeq: 100 REGISTER' 'Call-ID: one'
	run register 1001 "$SECRET" 'CSeq: 1 REGISTER' 'Call-ID: two'
	assert_status 200
	run register 1001 "$SECRET" 'CSeq: 1 REGISTER' 'Call-ID: two'
	assert_status 400
	run register 1001 "$SECRET" 'CSeq: 1 REGISTER' 'Call-ID: three' 'Contact: *' 'Expires: 0'
	assert_status 200
	assert_equal "$(bindings 1001)" ""
}

# ---- serve: whose, and where ------------------------------------------------

@test "serve: nobody registers another's number" {
	other=$(given_phone bjones 1002)
	start_server
	remember
	for aor in 1002@acme.example 1999@acme.example asmith@acme.example acme.example; do
		run register 1001 "$SECRET" "To: <sip:$aor>"
		assert_status 403 Forbidden
	done
	assert_nothing_changed
	run register 1002 "$other"
	assert_status 200
}

@test "serve: another domain is not found, an alias is" {
	given_config 'aliases: [192.0.2.10, alias.example]'
	start_server
	remember
	for to in sip:1001@other.example sip:1001@acme.example.org; do
		run register 1001 "$SECRET" "To: <$to>"
		assert_status 404 'Not Found'
		URI=${to/1001@/} run register 1001 "$SECRET"
		assert_status 404 'Not Found'
	done
	assert_nothing_changed
	DOMAIN=alias.example run register 1001 "$SECRET"
	assert_status 200
	URI=sip:192.0.2.10 run register 1001 "$SECRET"
	assert_status 200
	URI='sip:ACME.example:5060;transport=udp' run register 1001 "$SECRET" \
		'To: "A" <sip:1001@Acme.Example;transport=udp>'
	assert_status 200
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
}

@test "serve: a recycled user is refused and leaves nothing" {
	start_server
	register 1001 "$SECRET"
	sp-recycle asmith
	assert_equal "$(bindings 1001)" ""
	remember
	run register 1001 "$SECRET"
	assert_status 401
	run "$SIPSEND" "$SERVER" <sent
	assert_status 401
	assert_nothing_changed
	state_is 1001 free
}

@test "serve: a new user is let in at once, and an old secret no longer" {
	start_server
	new=$(given_phone bjones 1002)
	run register 1002 "$new"
	assert_status 200
	newer=$(given_secret bjones)
	run register 1002 "$new"
	assert_status 401
	run register 1002 "$newer"
	assert_status 200
}
