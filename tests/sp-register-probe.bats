#!/usr/bin/env bats
# sp-register probe: is the server up?

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/wire
	load clients/peers
	given_config
	SECRET=$(given_phone asmith 1001)
}

teardown() {
	# One that is stopped would not end.
	kill -s CONT "${SERVER_PIDS[@]}" 2>/dev/null || :
	common_teardown
}

# probe [ARG...]
probe() {
	run --separate-stderr timeout 10 sp-register probe --server "$SERVER" "$@"
}

# assert_verdict STATUS VERDICT TRANSPORT: the exit status, and the line.
assert_verdict() {
	assert_equal "$stderr" ""
	assert_equal "$status" "$1"
	assert_regex "$output" "^[0-9]+\.[0-9]"$'\t'"$2"$'\t'"$3:$SERVER\$"
}

@test "probe: an OPTIONS over UDP, TCP and TLS" {
	given_tls localhost
	start_server
	probe
	assert_verdict 0 '200 OK' udp
	start_server --listen tcp:127.0.0.1:0
	probe --transport tcp
	assert_verdict 0 '200 OK' tcp
	start_server --listen tls:127.0.0.1:0
	probe --transport tls --insecure
	assert_verdict 0 '200 OK' tls
}

@test "probe: over IPv6" {
	start_server --listen 'udp:[::1]:0'
	SERVER=${SERVER//\"/}
	run --separate-stderr sp-register probe --server "$SERVER"
	assert_success
	assert_equal "$(cut -f 2- <<<"$output")" $'200 OK\tudp:'"$SERVER"
}

@test "probe: the OPTIONS is for the server, or for the domain" {
	FAKE_METHOD=OPTIONS fake_server '200 OK'
	probe
	assert_success
	assert_equal "$(fake_saw '^(OPTIONS|To:) .*' | tr -d '\r' | head -n 2 | xargs)" \
		"OPTIONS sip:127.0.0.1 SIP/2.0 To: <sip:127.0.0.1>"
	FAKE_METHOD=OPTIONS fake_server '200 OK'
	probe --tenant acme.example
	assert_success
	assert_equal "$(fake_saw '^OPTIONS .*' | tr -d '\r')" "OPTIONS sip:acme.example SIP/2.0"
}

@test "probe: with an extension and its secret, a query that changes nothing" {
	start_server
	register 1001 "$SECRET"
	echo "$SECRET" >secret
	remember
	probe --secret-file secret 1001@acme.example
	assert_verdict 0 '200 OK' udp
	SP_SECRET=$SECRET probe -t acme.example 1001
	assert_verdict 0 '200 OK' udp
	assert_nothing_changed
}

@test "probe: a wrong secret is an answer, and a failure" {
	start_server
	SP_SECRET=not-the-secret probe 1001@acme.example
	assert_verdict 69 '401 Unauthorized' udp
	SP_SECRET=$SECRET probe 1001@other.example
	assert_verdict 69 '404 Not Found' udp
}

@test "probe: a server whose database is locked has 503 for it" {
	start_server
	locked_database
	SP_SECRET=$SECRET probe 1001@acme.example
	unlock_database
	assert_verdict 69 '503 Service Unavailable' udp
}

@test "probe: --quiet prints only what goes wrong" {
	start_server
	probe -q
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	SP_SECRET=wrong probe -q 1001@acme.example
	assert_failure 69
	assert_output ""
	assert_equal "$stderr" "sp-register: $SERVER answers 401 Unauthorized"
}

@test "probe: nobody listens" {
	SERVER=127.0.0.1:$(free_udp_port)
	for transport in udp tcp tls; do
		probe --transport $transport
		assert_failure 69
		assert_output ""
		assert_equal "$stderr" "sp-register: nobody listens on $SERVER"
	done
}

@test "probe: no answer within the time that it may take" {
	for FAKE_TRANSPORT in u1 t1; do
		FAKE_METHOD=OPTIONS fake_server '' ''
		began=${EPOCHREALTIME/[.,]/}
		transport=${FAKE_TRANSPORT/u1/udp}
		probe --timeout 300ms --transport "${transport/t1/tcp}"
		((${EPOCHREALTIME/[.,]/} - began < 3000000)) || fail "took too long"
		assert_failure 69
		assert_output ""
		assert_equal "$stderr" "sp-register: no answer from $SERVER"
	done
}

@test "probe: sends again over UDP what is not answered" {
	start_server
	kill -s STOP "$SERVER_PID"
	timeout 10 sp-register probe --server "$SERVER" >answer 2>&1 3>&- &
	pid=$!
	# Two datagrams wait for the server to go on.
	queued() {
		awk -v port="$(printf ':%04X$' "${SERVER##*:}")" \
			'$2 ~ port { split($5, q, ":"); print q[2] }' /proc/net/udp
	}
	one=0
	grew() {
		local now=$((16#$(queued)))
		((one > 0)) || one=$now
		((now > one))
	}
	wait_until 5 grew
	kill -s CONT "$SERVER_PID"
	wait "$pid"
	assert_equal "$(cut -f 2 answer)" "200 OK"
}

@test "probe: a line that cannot be written is a failure" {
	start_server
	run --separate-stderr to_full sp-register probe --server "$SERVER"
	assert_failure 74
	assert_equal "$stderr" "sp-register: cannot write standard output"
}

@test "probe: wrong use" {
	while IFS='|' read -r args status message; do
		echo "case: $args"
		# shellcheck disable=SC2086 # several words
		run --separate-stderr timeout 10 sp-register probe $args
		assert_failure "$status"
		assert_output ""
		assert_equal "$stderr" "sp-register$message"
	done <<-'END'
	|64|: no server: expected --server HOST[:PORT], EXT@DOMAIN or --tenant
	--server h 1001@d 1002@d|64| probe: unexpected operand '1002@d' (see sp-register probe --help)
	--server h 1001|64|: no domain: expected EXT@DOMAIN or --tenant DOMAIN
	--server h 1001@d|64|: no secret: expected --secret-file, --secret-fd or the variable SP_SECRET (sp-assign -s LOGIN makes one)
	--server h x@d|64|: 'x' is not an extension, expected EXT@DOMAIN; the server is named by --server
	--server h --transport ws|64|: --transport: expected udp, tcp or tls, not 'ws'
	--server h --ca-file f|64|: --ca-file and --insecure are for --transport tls
	--server h:1:2|64|: --server: 'h:1:2': expected HOST, HOST:PORT or [IPv6]:PORT
	END
	run --separate-stderr sp-register probe --server h --timeout soon
	assert_failure 65
	run --separate-stderr sp-register probe --server h --timeout 0
	assert_failure 64
	assert_equal "$stderr" "sp-register: --timeout: expected more than 0"
}
