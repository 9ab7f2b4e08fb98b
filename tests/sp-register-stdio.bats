#!/usr/bin/env bats
# sp-register serve --stdio: for pipes, inetd and tests.

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

# message METHOD EXT [FIELD...]: a request that says where it ends.
message() {
	WITH=-t request "$@"
}

stdio() {
	timeout 20 sp-register serve --stdio "$@" | tr -d '\r'
	return "${PIPESTATUS[0]}"
}

md5() {
	printf %s "$1" | md5sum | cut -d ' ' -f 1
}

@test "serve --stdio: answers what comes, in order, and ends with it" {
	run --separate-stderr stdio < <(
		message OPTIONS 1001 'CSeq: 1 OPTIONS'
		printf '\r\n\r\n'
		message OPTIONS 1001 'CSeq: 2 OPTIONS' 'Content-Length: 3'
		printf 'abc'
		message REGISTER 1001 'CSeq: 3 REGISTER'
		message ACK 1001
		message OPTIONS 1001 'CSeq: 4 OPTIONS'
		printf '\r\n'
	)
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(grep '^SIP\|^CSeq' <<<"$output" | xargs)" \
		'SIP/2.0 200 OK CSeq: 1 OPTIONS SIP/2.0 200 OK CSeq: 2 OPTIONS SIP/2.0 401 Unauthorized CSeq: 3 REGISTER SIP/2.0 200 OK CSeq: 4 OPTIONS'
	run stdio </dev/null
	assert_success
	assert_output ""
}

@test "serve --stdio: a REGISTER with digest through a pipe" {
	coproc SERVE { sp-register serve --stdio 3>&-; }
	SERVER_PIDS+=("$SERVE_PID")
	message REGISTER 1001 >plain
	cat plain >&"${SERVE[1]}"
	while read -r -t 10 -u "${SERVE[0]}" line && [ "$line" != $'\r' ]; do
		[[ $line != *nonce=\"* ]] || nonce=$(sed 's/.*nonce="\([^"]*\).*/\1/' <<<"$line")
	done
	response=$(md5 "$(md5 "1001:$DOMAIN:$SECRET"):$nonce:00000001:x:auth:$(md5 "REGISTER:sip:$DOMAIN")")
	message REGISTER 1001 "Authorization: Digest username=\"1001\", realm=\"$DOMAIN\", nonce=\"$nonce\", uri=\"sip:$DOMAIN\", response=\"$response\", qop=auth, nc=00000001, cnonce=\"x\"" >sent
	cat sent >&"${SERVE[1]}"
	read -r -t 10 -u "${SERVE[0]}" line
	assert_equal "$line" $'SIP/2.0 200 OK\r'
	state_is 1001 registered
	pid=$SERVE_PID
	eval "exec ${SERVE[1]}>&-"
	wait "$pid"
	run sql 'SELECT source, transport FROM binding'
	assert_output '127.0.0.1:0|tcp'
}

@test "serve --stdio: where nobody can tell where a message ends: 65, and why" {
	run --separate-stderr stdio < <(
		message OPTIONS 1001
		request OPTIONS 1001
		message OPTIONS 1001
	)
	assert_failure 65
	assert_equal "$(grep -c ^SIP <<<"$output")" 1
	assert_equal "$stderr" 'sp-register: standard input: bad framing, expected one Content-Length and lines that end in CRLF'
	run --separate-stderr stdio < <(message OPTIONS 1001; message OPTIONS 1001 | head -c 60)
	assert_failure 65
	assert_equal "$(grep -c ^SIP <<<"$output")" 1
	assert_equal "$stderr" 'sp-register: standard input ends within a message'
}

@test "serve --stdio: answers that cannot be written are 74" {
	message OPTIONS 1001 >message
	run --separate-stderr to_full sp-register serve --stdio <message
	assert_failure 74
	assert_equal "$stderr" 'sp-register: cannot write standard output: No space left on device'
}

@test "serve --stdio: a configuration that is wrong is 78" {
	echo 'tenant: []' >>sp.yaml
	run --separate-stderr stdio </dev/null
	assert_failure 78
	assert_output ""
	assert_regex "$stderr" '^sp-register: .*sp\.yaml:[0-9]+: '
}

@test "serve --stdio: as inetd runs it a phone is lost with its connection" {
	"$BATS_TEST_DIRNAME/clients/inetd.pl" sp-register serve --stdio >address 2>log 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 test -s address
	SERVER=$(<address)
	message REGISTER 1001 >plain
	"$SIPSEND" -t tcp -k -u 1001 -s "$SECRET" "$SERVER" <plain >phone 3>&- &
	phone=$!
	SERVER_PIDS+=("$phone")
	wait_until 10 grep -q '^SIP/2.0 200' phone
	run sql 'SELECT source, transport, flow_id > 0 FROM binding'
	assert_output --regexp '^127\.0\.0\.1:[1-9][0-9]*\|tcp\|1$'
	WITH='-t tcp' run send OPTIONS 1001
	assert_status 200
	state_is 1001 registered
	kill "$phone"
	wait_until 10 event_is 1001 lost
}

# The messages of the RFCs say no such thing as udp does: what is no stream ends
# the conversation; all else is answered as it is over UDP (sp-register-wire).
@test "serve --stdio: the torture messages of RFC 4475 and 5118" {
	sed -i 's/acme\.example/example.com/' sp.yaml
	DOMAIN=example.com
	SECRET=$(given_phone user 1001)
	start_server
	answered=0 refused=0
	for file in "$BATS_TEST_DIRNAME"/data/torture/rfc*/*.dat \
		"$BATS_TEST_DIRNAME"/data/torture/rfc5118/wire/*.dat; do
		status=0
		sp-register serve --stdio <"$file" >answer 2>error || status=$?
		case $status in
		0) ;;
		65) refused=$((refused + 1)) ;;
		*) echo "$file: exit status $status"; cat error; false ;;
		esac
		[ -s answer ] || continue
		answered=$((answered + 1))
		"$SIPSEND" -l 5060 -l 5050 -l 5070 -l 6050 -l 19823 \
			-b "127.$((RANDOM % 200 + 10)).$((RANDOM % 250)).1" \
			"$SERVER" <"$file" >udp
		echo "$file"
		assert_equal "$(sed -n '1s/\r$//p' answer)" "$(grep -m 1 ^SIP udp)"
	done
	echo "$answered answered, $refused refused"
	[ "$answered" -gt 20 ]
	run register 1001 "$SECRET"
	assert_status 200
}
