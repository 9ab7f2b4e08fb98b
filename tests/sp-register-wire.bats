#!/usr/bin/env bats
# sp-register serve: bytes on the wire, good, odd and bad.

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

# ---- serve: what is no good REGISTER ----------------------------------------

@test "serve: 400 says what is malformed" {
	start_server
	remember
	long=$(printf 'x%.0s' {1..3000})
	many=$(printf '%s;' {1..40})
	while IFS='|' read -r field phrase; do
		echo "case: $field"
		field=${field/LONG/$long}
		run send REGISTER 1001 "${field/MANY/$many}"
		assert_status 400 "$phrase"
	done <<-'END'
	-From|Missing From
	-To|Missing To
	-Call-ID|Missing Call-ID
	-CSeq|Missing CSeq
	From: |Missing From
	Call-ID: |Missing Call-ID
	+From: <sip:1001@acme.example>;tag=2|Two From
	+f: <sip:1001@acme.example>;tag=2|Two From
	+To: <sip:1001@acme.example>|Two To
	+Call-ID: y|Two Call-ID
	+CSeq: 2 REGISTER|Two CSeq
	CSeq: 1 OPTIONS|CSeq Of Another Method
	CSeq: 1 register|CSeq Of Another Method
	CSeq: 1|Malformed CSeq
	CSeq: x REGISTER|Malformed CSeq
	CSeq: -1 REGISTER|Malformed CSeq
	CSeq: 2147483648 REGISTER|Malformed CSeq
	CSeq: 4294967297 REGISTER|Malformed CSeq
	Content-Length: 1|Body Shorter Than Content-Length
	Content-Length: 9999|Body Shorter Than Content-Length
	Content-Length: -1|Malformed Content-Length
	Content-Length: 0x|Malformed Content-Length
	Content-Length: 4294967296|Malformed Content-Length
	X: LONG|Header Too Long
	LONG: x|Header Too Long
	no colon here|Malformed Header
	: no name|Malformed Header
	two words: x|Malformed Header
	To: <sip:1001%00@acme.example>|Malformed To
	To: <sip:1001%zz@acme.example>|Malformed To
	To: <sip:1001@acme.example|Malformed To
	To: "1001 <sip:1001@acme.example>|Malformed To
	To: <tel:1001>|Malformed To
	To: <sip:1001@acme.example;MANY>|Malformed To
	END
	assert_nothing_changed
}

@test "serve: 400 for what is wrong in the request line" {
	start_server
	while IFS='|' read -r uri version code phrase; do
		echo "case: $uri $version"
		URI=$uri VERSION=$version run send REGISTER 1001
		assert_status "$code" "$phrase"
	done <<-'END'
	sip:acme@@example|SIP/2.0|400|Malformed Request-URI
	<sip:acme.example>|SIP/2.0|416|Unsupported URI Scheme
	sip:%00@acme.example|SIP/2.0|400|Malformed Request-URI
	sip:acme.example:x|SIP/2.0|400|Malformed Request-URI
	sip:|SIP/2.0|400|Malformed Request-URI
	sip:acme.example| SIP/2.0|400|Malformed Request-Line
	sip:acme.example|SIP/2.0 |400|Malformed Request-Line
	sip:acme.example|HTTP/1.1|400|Malformed Request-Line
	tel:+14155550123|SIP/2.0|416|Unsupported URI Scheme
	sipfoo:acme.example|SIP/2.0|416|Unsupported URI Scheme
	sip:acme.example|SIP/7.0|505|Version Not Supported
	sip:acme.example|SIP/2.1|505|Version Not Supported
	sip:acme.example|sip/2.0|401|Unauthorized
	SIP:acme.example|SIP/2.0|401|Unauthorized
	END
}

@test "serve: 400 for a NUL in the head, and for a hundred and one headers" {
	start_server
	nul() {
		request "$@" | tr '\001' '\000' | "$SIPSEND" "$SERVER"
	}
	run nul OPTIONS 1001 $'X: a\001b'
	assert_status 400 'Control Character In Header'
	run nul REGISTER 1001 $'To: <sip:1001@acme.example\001.other.example>'
	assert_status 400
	for i in {1..93}; do fields[i]="+X: $i"; done
	run send OPTIONS 1001 "${fields[@]}"
	assert_status 200
	run send OPTIONS 1001 "${fields[@]}" '+X: 101'
	assert_status 400 'Too Many Headers'
}

@test "serve: Require is refused, naming what is not supported" {
	start_server
	while IFS='|' read -r one two unsupported; do
		echo "case: $one $two"
		for method in REGISTER OPTIONS; do
			URI=sip:acme.example run send $method 1001 "$one" "$two"
			assert_status 420 'Bad Extension'
			assert_equal "$(grep ^Unsupported <<<"$output")" \
				"Unsupported: $unsupported"
		done
	done <<-'END'
	Require: 100rel|-X|100rel
	Require: path, gruu ,outbound,sec-agree|-X|gruu, sec-agree
	Require: path, gruu|+require: outbound,x|gruu, x
	Require: path|+Require: pathx|pathx
	END
	for field in 'Require: path, Outbound' 'Require: ,path,' 'Require:' 'Supported: x' 'k: x'; do
		run send REGISTER 1001 "$field"
		assert_status 401
		run send OPTIONS 1001 "$field"
		assert_status 200
	done
}

@test "serve: OPTIONS gets 200, other methods what they must" {
	start_server
	URI="sip:$SERVER" run send OPTIONS 1001
	assert_status 200 OK
	assert_line 'Allow: REGISTER, OPTIONS, INVITE, ACK, CANCEL, BYE, MESSAGE, INFO, REFER, SUBSCRIBE, NOTIFY, UPDATE, PRACK'
	assert_line 'Supported: path, outbound'
	for method in OPTIONS INVITE MESSAGE SUBSCRIBE NOTIFY REFER; do
		URI=sip:1001@acme.example run send $method 1001
		assert_status 407 'Proxy Authentication Required'
		assert_line --regexp '^Proxy-Authenticate: Digest realm="acme.example", nonce='
	done
	for method in BYE CANCEL INFO UPDATE PRACK; do
		URI=sip:1001@acme.example run send $method 1001
		assert_status 481 'Call/Transaction Does Not Exist'
	done
	run send PUBLISH 1001
	assert_status 405 'Method Not Allowed'
	assert_line --partial 'Allow: REGISTER, OPTIONS, INVITE'
	for method in FOO register Invite; do
		run send $method 1001
		assert_status 501 'Not Implemented'
	done
	run send INVITE 1001 'Max-Forwards: 0'
	assert_status 483
}

@test "serve: some messages get no answer" {
	start_server
	run send ACK 1001
	assert_output ""
	run send REGISTER 1001 -Via
	assert_output ""
	for via in x 'SIP/2.0/UDP' 'SIP/2.0/UDP a@b' 'SIP/2.0/UDP 127.0.0.1:99999'; do
		run send REGISTER 1001 "Via: $via"
		assert_output ""
	done
	silent() {
		printf %b "$1" | "$SIPSEND" "$SERVER"
	}
	for text in '' '\r\n\r\n' '\0' 'x' 'REGISTER' 'REGISTER sip:acme.example SIP/2.0' \
		'REGISTER sip:acme.example SIP/2.0\r\n' '\xff\xfe\x00\x80' ' : \r\n\r\n' \
		'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport\r\n\r\n' \
		'REGISTER sip:acme.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport\r\n' \
		'REGISTER\tsip:acme.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport\r\n\r\n' \
		'GET / HTTP/1.1\r\n\r\n'; do
		run silent "$text"
		assert_success
		assert_output ""
	done
	run register 1001 "$SECRET"
	assert_status 200
}

@test "serve: random bytes and datagrams of 9 KB get no answer" {
	start_server
	for _ in {1..20}; do
		head -c 700 /dev/urandom | "$SIPSEND" "$SERVER" >>answers
	done
	{ request OPTIONS 1001; head -c 9000 /dev/zero; } | "$SIPSEND" "$SERVER" >>answers
	head -c 60000 /dev/urandom | "$SIPSEND" "$SERVER" >>answers
	run cat answers
	assert_output ""
	{ request OPTIONS 1001; head -c 7000 /dev/zero; } | "$SIPSEND" "$SERVER" >answers
	run cat answers
	assert_status 200
}

# ---- serve: the same thing, said differently --------------------------------

@test "serve: compact, folded and lower-case headers, and bare LF" {
	start_server
	plain() { request REGISTER 1001 "$@"; }
	compact() {
		plain "$@" | sed 's/^Via:/v:/; s/^From:/f:/; s/^To:/t :/; s/^Call-ID:/I\t:/; s/^Contact:/m:/'
	}
	folded() { plain "$@" | sed -E 's/^([A-Z][A-Za-z-]+): /\1:\r\n  /; s/;/\r\n\t;/'; }
	lower() { plain "$@" | sed 's/^[A-Za-z-]*:/\L&/; s/: /:/'; }
	lf() { plain "$@" | tr -d '\r'; }
	blank() { printf '\r\n\r\n'; plain "$@"; }
	for form in plain compact folded lower lf; do
		echo "case: $form"
		$form >message
		run "$SIPSEND" -u 1001 -s "$SECRET" "$SERVER" <message
		assert_status 200
		assert_line --partial 'Contact: <sip:1001@127.0.0.1:5070>;expires=30'
		assert_equal "$(cut -d : -f 1 <<<"$output" | tail -n +2 | xargs)" \
			"Via From To Call-ID CSeq Date Contact Supported Content-Length"
	done
	blank >message
	run "$SIPSEND" "$SERVER" <message
	assert_status 401
}

@test "serve: a body, and bytes behind it, are passed over" {
	start_server
	{ request OPTIONS 1001 'Content-Length: 4'; printf 'bodyINVITE x'; } >message
	run "$SIPSEND" "$SERVER" <message
	assert_status 200
}

@test "serve: all Vias come back in their order, in one field or several" {
	start_server
	two='SIP/2.0/TCP two.example:5061;branch=z9hG4bK2;received=192.0.2.1'
	three='SIP/2.0/UDP three.example;branch=z9hG4bK3'
	run send OPTIONS 1001 'Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK1' \
		"+Via: $two" "+v: $three"
	assert_status 200
	assert_equal "$(grep ^Via <<<"$output" | tail -n 2)" \
		"Via: $two"$'\n'"Via: $three"
	run send OPTIONS 1001 'Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK1 , SIP/2.0/TCP two.example;x="a,b"'
	assert_status 200
	assert_line --regexp '^Via: SIP/2\.0/UDP 127\.0\.0\.1:9;branch=z9hG4bK1;rport=[0-9]+;received=127\.0\.0\.1, ?SIP/2\.0/TCP two\.example;x="a,b"$'
}

@test "serve: a To tag is kept, and else the same one for the same Call-ID" {
	start_server
	run send OPTIONS 1001 'To: <sip:1001@acme.example>;TAG=mine'
	assert_line 'To: <sip:1001@acme.example>;TAG=mine'
	one=$(send OPTIONS 1001 'Call-ID: a' | grep '^To')
	assert_equal "$(send OPTIONS 1001 'Call-ID: a' | grep '^To')" "$one"
	assert_not_equal "$(send OPTIONS 1001 'Call-ID: b' | grep '^To')" "$one"
}

# ---- serve: where the answer goes -------------------------------------------

@test "serve: with rport the answer goes to where the request came from" {
	start_server
	port=$(free_udp_port)
	request OPTIONS 1001 'Via: SIP/2.0/UDP phone.example:9;rport;branch=z9hG4bK1' >message
	run "$SIPSEND" -p "$port" "$SERVER" <message
	assert_status 200
	assert_line "Via: SIP/2.0/UDP phone.example:9;branch=z9hG4bK1;rport=$port;received=127.0.0.1"
}

@test "serve: without rport the answer goes to the port of the Via, or 5060" {
	start_server
	port=$(free_udp_port)
	request OPTIONS 1001 "Via: SIP/2.0/UDP phone.example:$port;branch=z9hG4bK1" >message
	run "$SIPSEND" -l "$port" "$SERVER" <message
	assert_line --index 0 "at port $port"
	assert_line --index 1 'SIP/2.0 200 OK'
	assert_line "Via: SIP/2.0/UDP phone.example:$port;branch=z9hG4bK1;received=127.0.0.1"
	# An address of its own, since 5060 may be in use elsewhere.
	request OPTIONS 1001 'Via: SIP/2.0/UDP phone.example' >message
	run "$SIPSEND" -b "127.9.$((RANDOM % 250)).$((RANDOM % 250 + 1))" -l 5060 "$SERVER" <message
	assert_line --index 0 'at port 5060'
	assert_line --index 1 'SIP/2.0 200 OK'
}

@test "serve: what a Via says of where it came from is overwritten" {
	start_server
	port=$(free_udp_port)
	start='SIP/2.0/UDP phone.example:9'
	for claim in 'Received=192.0.2.1;RPORT=1' \
		'rport = 1; received = 192.0.2.1' \
		'rport;received=[::1];received'; do
		request OPTIONS 1001 "Via: $start;$claim;maddr=192.0.2.2" >message
		run "$SIPSEND" -p "$port" "$SERVER" <message
		assert_status 200
		assert_line "Via: $start;maddr=192.0.2.2;rport=$port;received=127.0.0.1"
	done
}

# ---- torture ----------------------------------------------------------------

# is_allowed STATUS METHOD REPLY: may a message of METHOD be answered with
# STATUS ("" for no answer), where the column `reply` of index.tsv is REPLY?
# Methods that this server lacks, and calls of those who may not call, are
# refused before anything else of the message counts, whatever REPLY says.
is_allowed() {
	case $2:$1 in
	*:) [[ ,$3, =~ ,(none|drop|not:crash), ]] ;;
	REGISTER:* | OPTIONS:*)
		case ,$3, in
		*,"$1",* | *,not:crash,*) ;;
		*,not:400,*) [ "$1" != 400 ] ;;
		*) false ;;
		esac
		;;
	*:405 | *:501 | *:404 | *:403 | *:481) [[ $3 != none ]] ;;
	*) is_allowed "$1" OPTIONS "$3" ;;
	esac
}

# torture DIR INDEX: sends all messages of DIR and compares with INDEX.
torture() {
	local name reply status method wrong= n=0
	local source=127.$((RANDOM % 200 + 10)).$((RANDOM % 250)).$((RANDOM % 250 + 1))

	while IFS=$'\t' read -r name _ _ _ reply; do
		[ "$name" != name ] || continue
		case $name in
		# Valid, and not taken on purpose: a NUL, which cuts names short.
		escnull.dat | intmeth.dat) reply+=,400 ;;
		# A hole in the grammar of RFC 3261, ":::", is not tolerated.
		ipv6-bug-abnf-3-colons.dat) reply=400 ;;
		esac
		method=$(head -n 1 "$1/$name" | cut -d ' ' -f 1)
		# Without rport the answer goes to the port of the Via.
		status=$("$SIPSEND" -b "$source" -l 5060 -l 5050 -l 5070 -l 6050 -l 19823 \
			"$SERVER" <"$1/$name" | sed -n 's/^SIP\/2\.0 \([0-9]*\) .*/\1/p')
		is_allowed "$status" "$method" "$reply" ||
			wrong+="$name: '$status' instead of $reply"$'\n'
		n=$((n + 1))
	done <"$2"
	echo "$n messages"
	assert_equal "$wrong" ""
	kill -0 "$SERVER_PID"
}

given_torture_server() {
	given_config
	sed -i 's/acme\.example/example.com/' sp.yaml
	DOMAIN=example.com
	SECRET=$(given_phone user 1001)
	start_server
}

@test "serve: the torture messages of RFC 4475" {
	given_torture_server
	torture "$BATS_TEST_DIRNAME/data/torture/rfc4475" \
		"$BATS_TEST_DIRNAME/data/torture/rfc4475/index.tsv"
	run register 1001 "$SECRET"
	assert_status 200
}

@test "serve: the torture messages of RFC 5118" {
	given_torture_server
	torture "$BATS_TEST_DIRNAME/data/torture/rfc5118/wire" \
		"$BATS_TEST_DIRNAME/data/torture/rfc5118/index.tsv"
	# The archive's own bytes, with bare LF and wrong lengths: sipsend fails
	# unless the server is alive after each.
	for message in "$BATS_TEST_DIRNAME"/data/torture/rfc5118/*.dat; do
		"$SIPSEND" "$SERVER" <"$message" >/dev/null
	done
	run register 1001 "$SECRET"
	assert_status 200
}
