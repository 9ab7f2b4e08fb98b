#!/usr/bin/env bats
# sp-register serve: what is kept of a contact and given back (RFC 5626, RFC
# 3327, q), the digests that are offered, and who has no number to register.

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/wire
	given_config
	SECRET=$(given_phone asmith 1001)
}

teardown() { common_teardown; }

X='"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
Y='"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'

# contact URI [INSTANCE REG-ID]: a Contact field.
contact() {
	echo "Contact: <$1>${2:+;+sip.instance=$2}${3:+;reg-id=$3}"
}

# rows COLUMN...: of 1001's bindings, a line each, in the order of their making.
rows() {
	sql "SELECT $1 FROM binding ORDER BY id"
}

# ---- instance and reg-id, RFC 5626 -------------------------------------------

@test "serve: a phone that starts again takes its binding over" {
	start_server
	register 1001 "$SECRET" "$(contact sip:1001-a@127.0.0.1:5070 "$X" 1)" 'Call-ID: a'
	run register 1001 "$SECRET" "$(contact sip:1001-b@127.0.0.1:5071 "$X" 1)" 'Call-ID: b'
	assert_status 200
	assert_equal "$(contacts)" sip:1001-b@127.0.0.1:5071
	assert_equal "$(rows 'contact, call_id, instance, reg_id')" \
		"sip:1001-b@127.0.0.1:5071|b|$X|1"
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created"
	run sp-status -o tsv --columns contact 1001
	assert_output sip:1001-b@127.0.0.1:5071
}

@test "serve: another instance, another flow or none is another binding" {
	start_server
	register 1001 "$SECRET" "$(contact sip:a@h "$X" 1)"
	register 1001 "$SECRET" "$(contact sip:a@h "$X" 2)"
	register 1001 "$SECRET" "$(contact sip:a@h "$Y" 1)"
	run register 1001 "$SECRET" "$(contact sip:b@h "$X")"
	assert_status 200
	assert_equal "$(rows 'contact, instance, reg_id')" "\
sip:a@h|$X|1
sip:a@h|$X|2
sip:a@h|$Y|1
sip:b@h|$X|0"
	register 1001 "$SECRET" "$(contact sip:z@h "$X" 2);expires=0"
	assert_equal "$(rows 'contact, instance, reg_id')" "\
sip:a@h|$X|1
sip:a@h|$Y|1
sip:b@h|$X|0"
}

@test "serve: the 200 gives back what a contact had" {
	start_server
	while IFS='|' read -r given returned; do
		echo "case: $given"
		run register 1001 "$SECRET" "Contact: <sip:a@h;x=y>$given" 'Expires: 30'
		assert_status 200
		assert_line --regexp "^Contact: <sip:a@h;x=y>;expires=30$(sed 's/[+.]/\\&/g' <<<"$returned")\$"
	done <<-END
	|
	;q=0.5|;q=0.500
	;q=0|;q=0.000
	;q=1|
	;+sip.instance=$X|;+sip.instance=$X
	;reg-id=1;q=0.25;+sip.instance=$X|;q=0.250;+sip.instance=$X;reg-id=1
	;reg-id=1|
	;+sip.instance=x;reg-id=1|
	;+sip.instance=$X;reg-id=0|;+sip.instance=$X
	END
}

@test "serve: outbound is required of who asks for it with a reg-id" {
	start_server
	while IFS='|' read -r params supported required; do
		echo "case: $params $supported"
		run register 1001 "$SECRET" "Contact: <sip:a@h>$params" "$supported"
		assert_status 200
		assert_equal "$(grep ^Require <<<"$output")" "$required"
		assert_line 'Supported: path, outbound'
	done <<-END
	;reg-id=1;+sip.instance=$X|Supported: path, outbound|Require: outbound
	;reg-id=1;+sip.instance=$X|k: outbound|Require: outbound
	;reg-id=1;+sip.instance=$X|Require: outbound|Require: outbound
	;reg-id=1;+sip.instance=$X|Supported: path|
	;reg-id=1|Supported: outbound|
	;+sip.instance=$X|Supported: outbound|
	END
}

# behind VIA FIELD...: registers flow 1 of X through a proxy.
behind() {
	register 1001 "$SECRET" "+Via: $1" "$(contact sip:a@h "$X" 1)" "${@:2}"
}

@test "serve: 439 when a proxy in between keeps no flow" {
	start_server
	remember
	for path in -X 'Path: <sip:p.example;lr>' 'Path: <sip:ob@p.example;lr>;ob'; do
		run behind 'SIP/2.0/UDP two.example;branch=z9hG4bK2' 'Supported: outbound' "$path"
		assert_status 439 'First Hop Lacks Outbound Support'
	done
	assert_nothing_changed
	run behind 'SIP/2.0/UDP two.example;branch=z9hG4bK2' 'Supported: outbound' \
		'Path: <sip:q.example;lr>' '+Path: <sip:token@p.example;lr;ob>'
	assert_status 200
	assert_line 'Require: outbound'
	assert_equal "$(rows reg_id)" 1
}

@test "serve: behind such a proxy a reg-id counts for nothing, unless it must" {
	start_server
	run behind 'SIP/2.0/UDP two.example;branch=z9hG4bK2'
	assert_status 200
	refute_line --partial Require
	refute_line --partial reg-id
	assert_equal "$(rows 'contact, instance, reg_id')" "sip:a@h|$X|0"
}

@test "serve: a reg-id is for one contact" {
	start_server
	register 1001 "$SECRET"
	remember
	run register 1001 "$SECRET" "$(contact sip:a@h "$X" 1), <sip:b@h>"
	assert_status 400 'Contacts Beside One With Reg-Id'
	assert_nothing_changed
	run register 1001 "$SECRET" "$(contact sip:a@h "$X" 1), <sip:1001@127.0.0.1:5070>;expires=0"
	assert_status 200
	assert_equal "$(bindings 1001)" sip:a@h
}

@test "serve: of too many instances the oldest goes, of one of them none" {
	given_config 'registration: {max-contacts: 2}'
	start_server
	register 1001 "$SECRET" "$(contact sip:a@h "$X" 1)"
	register 1001 "$SECRET" "$(contact sip:b@h "$Y" 1)"
	register 1001 "$SECRET" "$(contact sip:c@h "$X" 1)"
	assert_equal "$(bindings 1001 | xargs)" "sip:c@h sip:b@h"
	run register 1001 "$SECRET" "$(contact sip:d@h "$X" 2)"
	assert_status 200
	assert_equal "$(contacts | xargs)" "sip:c@h sip:d@h"
	assert_equal "$(bindings 1001 | xargs)" "sip:c@h sip:d@h"
}

# ---- Path, RFC 3327 ----------------------------------------------------------

@test "serve: Path is kept and given back, asked for or not" {
	start_server
	for supported in 'Supported: path' -X; do
		run register 1001 "$SECRET" "$supported" 'Path: <sip:p3.example;lr> , <sip:p2.example;lr>' \
			'+path: <sip:t@p1.example:5070;lr>'
		assert_status 200
		path='<sip:p3.example;lr>,<sip:p2.example;lr>,<sip:t@p1.example:5070;lr>'
		assert_line "Path: $path"
		assert_equal "$(rows path)" "$path"
	done
	run register 1001 "$SECRET" 'Path: <sip:other.example;lr>'
	assert_line 'Path: <sip:other.example;lr>'
	assert_equal "$(rows path)" '<sip:other.example;lr>'
	run register 1001 "$SECRET"
	refute_line --partial Path:
	assert_equal "$(rows path)" ''
}

@test "serve: a malformed Path, or one too long, is refused and nothing changes" {
	start_server
	register 1001 "$SECRET"
	remember
	long=$(printf '<sip:p%03d.example.com;lr>,' {1..20})
	for path in '' sip:p.example '<sip:p.example' '<tel:1>' '<sip:p.example>,' "${long%,}"; do
		echo "case: $path"
		run register 1001 "$SECRET" "Path: $path"
		assert_status 400 'Malformed Path'
	done
	assert_nothing_changed
}

# ---- q, Date -----------------------------------------------------------------

@test "serve: a q that is none is refused, and nothing of its request stored" {
	start_server
	remember
	for q in =1.1 =2 =-1 =0.1234 =.5 =a = ''; do
		echo "case: $q"
		run register 1001 "$SECRET" "Contact: <sip:a@h>;q=0.1, <sip:b@h>;q$q"
		assert_status 400 'Malformed Contact'
	done
	assert_nothing_changed
	run register 1001 "$SECRET" 'Contact: <sip:a@h>;q=0.1, <sip:b@h>;q=0.25'
	assert_status 200
	assert_equal "$(rows 'contact, q')" $'sip:a@h|100\nsip:b@h|250'
}

@test "serve: Date is in GMT and in English" {
	export TZ=America/New_York LC_ALL=de_DE.UTF-8
	start_server
	run register 1001 "$SECRET"
	date=$(sed -n 's/^Date: //p' <<<"$output")
	assert_regex "$date" '^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [JFMASOND][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT$'
	(($(date +%s) - $(date -d "$date" +%s) < 10))
	assert_equal "$(LC_ALL=C TZ=UTC date -d "$date" '+%a, %d %b %Y %T GMT')" "$date"
}

# ---- who has no number -------------------------------------------------------

@test "serve: nobody registers a number that is free, reserved or resting" {
	given_config 'rest: 30d' 'reserved: [1600]'
	other=$(given_phone bjones 1002)
	sp-recycle -q bjones
	sp-assign -q --reserve 1700
	start_server
	remember
	while read -r ext state; do
		assert_equal "$(sp-status -q -o tsv --columns state "$ext")" "$state"
		run register "$ext" "$other"
		assert_status 401
		run register 1001 "$SECRET" "To: <sip:$ext@acme.example>"
		assert_status 403
		refute_line --partial Contact
	done <<-'END'
	1500 free
	1002 resting
	1600 reserved
	1700 reserved
	END
	WITH='-u bjones' run register 1002 "$other"
	assert_status 401
	assert_nothing_changed
}

@test "serve: a renumbered user has the new number, by the login" {
	start_server
	register 1001 "$SECRET"
	sp-assign -q -N 1005 asmith
	assert_equal "$(sql 'SELECT count(*) FROM binding')" 0
	remember
	run register 1001 "$SECRET"
	assert_status 401
	WITH='-u asmith' run register 1001 "$SECRET"
	assert_status 403
	# Its digest has the old number in it.
	run register 1005 "$SECRET"
	assert_status 401
	assert_nothing_changed
	WITH='-u asmith' run register 1005 "$SECRET"
	assert_status 200
	assert_equal "$(bindings 1005)" sip:1005@127.0.0.1:5070
	SECRET=$(given_secret asmith)
	run register 1005 "$SECRET"
	assert_status 200
}

# ---- digests -----------------------------------------------------------------

# challenges: the algorithms in $output, in order.
challenges() {
	sed -n 's/^WWW-Authenticate: Digest realm="acme\.example", nonce="[0-9a-f]*", algorithm=\([^,]*\), qop="auth"\(, stale=true\)\?$/\1\2/p' <<<"$output"
}

@test "serve: digest says what is offered, in which order; either is taken" {
	while IFS='|' read -r digest offered; do
		echo "case: $digest"
		given_config "digest: $digest"
		start_server
		run send REGISTER 1001
		assert_status 401
		assert_equal "$(challenges | xargs)" "$offered"
		assert_equal "$(grep -o 'nonce="[^"]*"' <<<"$output" | sort -u | wc -l)" 1
		for algorithm in $offered SHA-256; do
			WITH="-a $algorithm" run register 1001 "$SECRET"
			assert_status 200
			grep -q "algorithm=$algorithm," sent
		done
		WITH="-n 0123" run register 1001 "$SECRET"
		assert_equal "$(challenges | xargs)" "${offered// /, stale=true }, stale=true"
		stop_server
	done <<-'END'
	[MD5]|MD5
	[SHA-256, MD5]|SHA-256 MD5
	[md5, sha-256]|MD5 SHA-256
	[SHA-256]|SHA-256
	END
}

@test "serve: an algorithm weaker than what is offered is refused" {
	given_config 'digest: [SHA-256]'
	start_server
	remember
	WITH='-a MD5' run register 1001 "$SECRET"
	assert_status 401
	assert_equal "$(challenges)" SHA-256
	assert_nothing_changed
	run sed -n 's/.* level=warn //p' "$SERVER_LOG"
	assert_output 'msg=auth-failed source=127.0.0.1 aor=1001@acme.example reason=weak-algorithm'
}

@test "serve: each tenant has its own digests" {
	given_config 'digest: [SHA-256, MD5]'
	printf '  - {domain: beta.example, pool: [1000]}\n' >>sp.yaml
	export SP_TENANT=acme.example
	start_server
	run send REGISTER 1001
	assert_equal "$(challenges | xargs)" "SHA-256 MD5"
	DOMAIN=beta.example run send REGISTER 1000
	assert_equal "$(grep -c ^WWW-Authenticate <<<"$output")" 1
	assert_line --partial 'algorithm=MD5'
}

@test "serve: a nonce is good after a restart, and a used one is not" {
	start_server
	nonce=$(send REGISTER 1001 | sed -n 's/.*nonce="\([^"]*\)".*/\1/p')
	register 1001 "$SECRET"
	used=$(sent_nonce)
	mv sent replay
	stop_server
	start_server
	WITH="-n $nonce" run register 1001 "$SECRET"
	assert_status 200
	WITH="-n $used" run register 1001 "$SECRET" 'Contact: <sip:thief@h>'
	assert_status 401
	assert_line --partial stale=true
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
	WITH="-n $used -c 2" run register 1001 "$SECRET"
	assert_status 200
}

@test "serve: whoever fails is told the same, byte for byte" {
	given_user bjones 1002
	given_config 'digest: [MD5, SHA-256]'
	start_server
	remember
	port=$(free_udp_port)
	for algorithm in MD5 SHA-256; do
		for user in 1001 asmith 1002 bjones 1999 nobody "$(printf 'x%.0s' {1..200})"; do
			WITH="-u $user -p $port -a $algorithm" register 1001 wrong 'Call-ID: x' 'CSeq: 1 REGISTER' \
				'Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1' |
				sed 's/nonce="[0-9a-f]\{56\}"/nonce/' >"answer.$user.$algorithm"
		done
	done
	assert_equal "$(sha256sum answer.* | cut -d ' ' -f 1 | uniq -c | awk '{ print $1 }')" 14
	run cat answer.1001.MD5
	assert_status 401
	refute_line --partial stale
	assert_nothing_changed
}

@test "serve: a trusted peer needs a digest to register" {
	sed -i '1i trusted: [127.0.0.0/8, "::1"]' sp.yaml
	start_server
	remember
	run send REGISTER 1001
	assert_status 401
	run register 1001 wrong
	assert_status 401
	assert_nothing_changed
}
