#!/usr/bin/env bats
# sp-register login, and logout.

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

teardown() { common_teardown; }

# ---- login ------------------------------------------------------------------

# start_login [ARG...]: in the background; LOGIN_PID, login.out, login.err.
start_login() {
	SP_SECRET=${LOGIN_SECRET-$SECRET} sp-register login --server "$SERVER" \
		"${@:-1001@acme.example}" >login.out 2>login.err 3>&- &
	LOGIN_PID=$!
	SERVER_PIDS+=("$LOGIN_PID")
}

# login_says WHAT: whether the last line is of that kind; for wait_until.
login_says() {
	[ "$(tail -n 1 login.out | cut -f 2)" = "$1" ]
}

@test "login: registers; SIGTERM logs out" {
	start_server
	start_login
	wait_until 10 login_says registered
	assert_regex "$(cat login.out)" $'^20[-0-9T:]+Z\tregistered\t1001@acme\.example\texpires=30$'
	state_is 1001 registered
	kill "$LOGIN_PID"
	wait "$LOGIN_PID"
	assert_equal "$(cut -f 2 login.out | xargs)" "registered logged-out"
	assert_equal "$(cat login.err)" ""
	assert_equal "$(bindings 1001)" ""
	state_is 1001 offline
}

@test "login: SIGINT logs out, too; the domain may come from --tenant" {
	start_server --listen 'udp:[::1]:0'
	SERVER=${SERVER//\"/}
	start_login -t acme.example 1001
	wait_until 10 login_says registered
	kill -s INT "$LOGIN_PID"
	wait "$LOGIN_PID"
	assert_equal "$(bindings 1001)" ""
}

@test "login: refreshes before it is late" {
	given_short_registration
	start_server
	start_login
	refreshed() {
		[ "$(sql 'SELECT max(interval_ms) BETWEEN 1000 AND 3900
			FROM binding_live')" = 1 ]
	}
	wait_until 10 refreshed
	state_is 1001 registered
	assert_equal "$(cut -f 2,4 login.out)" $'registered\texpires=4'
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created"
}

@test "login: asks again for as long as the server wants" {
	given_config 'registration: {refresh: 60s, timeout: 90s, min: 60s}'
	start_server
	start_login
	wait_until 10 login_says registered
	assert_equal "$(cut -f 4 login.out)" expires=60
	assert_equal "$(cat login.err)" ""
}

@test "login: nobody listens: says so, and comes in when somebody does" {
	SERVER=127.0.0.1:$(free_udp_port)
	start_login
	wait_until 10 login_says lost
	assert_equal "$(cat login.err)" \
		"SIP phone has lost connection with the system. Nobody listens on $SERVER."
	start_server --listen "udp:$SERVER"
	wait_until 15 login_says registered
	assert_equal "$(cut -f 2 login.out | xargs)" "lost registered"
	assert_equal "$(wc -l <login.err)" 1
}

@test "login: when the server goes it is lost, and back with the server" {
	given_short_registration
	start_server
	start_login
	wait_until 10 login_says registered
	stop_server
	wait_until 10 login_says lost
	assert_regex "$(cat login.err)" '^SIP phone has lost connection with the system\. .*127\.0\.0\.1:'
	start_server --listen "udp:$SERVER"
	wait_until 15 login_says registered
	kill "$LOGIN_PID"
	wait "$LOGIN_PID"
	assert_equal "$(cut -f 2 login.out | xargs)" "registered lost registered logged-out"
}

@test "login: a wrong secret is refused, and it goes on trying" {
	start_server
	LOGIN_SECRET=not-the-secret start_login
	wait_until 10 login_says refused
	assert_equal "$(cat login.err)" \
		"SIP phone has lost connection with the system. $SERVER answers 401 Unauthorized.
sp-register: is it a wrong number or secret? 'sp-assign -s LOGIN' prints the number and a new secret"
	tried_again() { [ "$(grep -c msg=auth-failed "$SERVER_LOG")" -ge 2 ]; }
	wait_until 10 tried_again
	kill "$LOGIN_PID"
	wait "$LOGIN_PID"
	assert_equal "$(cut -f 2 login.out)" refused
}

@test "login: another's number or domain is refused with the server's words" {
	start_server
	SP_SECRET=$SECRET start_login 1001@other.example
	wait_until 10 login_says refused
	assert_equal "$(cat login.err)" \
		"SIP phone has lost connection with the system. $SERVER answers 404 Not Found.
sp-register: the server knows no '1001@other.example': is that its domain? (sp-register serve logs those that it is serving)"
}

@test "login: an answer that never comes is a loss" {
	port=$(free_udp_port)
	# Somebody listens, and says nothing.
	sipp -sn uas -i 127.0.0.1 -p "$port" -nostdin </dev/null >/dev/null 2>&1 3>&- &
	SERVER_PIDS+=($!)
	SERVER=127.0.0.1:$port
	in_use() { grep -q "$(printf ':%04X ' "$port")" /proc/net/udp; }
	wait_until 5 in_use
	start_login
	wait_until 15 login_says lost
	assert_equal "$(cat login.err)" \
		"SIP phone has lost connection with the system. No answer from $SERVER."
}

@test "login: the secret comes from a file or the environment" {
	start_server
	printf '%s\r\n' "$SECRET" >secret
	LOGIN_SECRET=other start_login --secret-file secret 1001@acme.example
	wait_until 10 login_says registered
	run tr '\0' ' ' <"/proc/$LOGIN_PID/cmdline"
	refute_output --partial "$SECRET"
}

@test "login: without a secret, a number, a server it says what is expected" {
	: >empty
	while IFS='|' read -r args status message; do
		echo "case: $args"
		# shellcheck disable=SC2086 # several words
		run --separate-stderr timeout 10 sp-register login $args
		assert_failure "$status"
		assert_output ""
		assert_equal "${stderr_lines[0]}" "$message"
	done <<-'END'
	1001@acme.example --server 127.0.0.1:9|64|sp-register: no secret: expected --secret-file, --secret-fd or the variable SP_SECRET (sp-assign -s LOGIN makes one)
	1001@acme.example --server 127.0.0.1:9 --secret-file none|66|sp-register: cannot read 'none': No such file or directory
	1001@acme.example --server 127.0.0.1:9 --secret-file empty|65|sp-register: no secret in 'empty'
	END
	export SP_SECRET=x
	for args in '' '1001' 'x@acme.example' '1001@' '1001@acme.example 1002@acme.example' \
		'1001@acme.example --server 127.0.0.1:x' '1001@acme.example --server [::1' \
		'1001@acme.example --server :5060' \
		'1001@acme.example --transport sctp' '1001@acme.example --insecure' \
		'1001@acme.example --secret-fd x' '1001@acme.example --secret-fd 99' \
		'1001@acme.example --secret-fd 0 --secret-file empty' \
		'1001@acme.example --secret x'; do
		echo "case: $args"
		# shellcheck disable=SC2086
		run --separate-stderr timeout 10 sp-register login $args
		assert_failure 64
		assert_output ""
		assert_equal "${#stderr_lines[@]}" 1
	done
}

@test "login: a line that cannot be written ends it, logged out" {
	start_server
	SP_SECRET=$SECRET run --separate-stderr sh -c \
		"exec timeout 10 sp-register login --server $SERVER 1001@acme.example >/dev/full"
	assert_failure 74
	assert_equal "$stderr" "sp-register: cannot write standard output"
	assert_equal "$(bindings 1001)" ""
	assert_equal "$(events 1001 | tail -n 1)" logged-out
}

# ---- login: TCP and TLS ------------------------------------------------------

# refreshed: whether the only registration has been, within seconds.
refreshed() {
	[ "$(sql 'SELECT max(interval_ms) BETWEEN 1000 AND 3900
		FROM binding_live')" = 1 ]
}

# assert_stays_connected TRANSPORT ARG...: it registers, refreshes and logs out
# over one connection.
assert_stays_connected() {
	start_server --listen "$1:127.0.0.1:0"
	start_login --transport "$@" 1001@acme.example
	wait_until 10 login_says registered
	contact=$(bindings 1001)
	assert_regex "$contact" "^sip:1001@127\.0\.0\.1:[0-9]+;transport=$1\$"
	wait_until 10 refreshed
	assert_equal "$(bindings 1001)" "$contact"
	kill "$LOGIN_PID"
	wait "$LOGIN_PID"
	assert_equal "$(cat login.err)" ""
	assert_equal "$(cut -f 2 login.out | xargs)" "registered logged-out"
	assert_equal "$(events 1001 | xargs)" \
		"assigned logged-in created unregistered logged-out"
}

@test "login: over TCP" {
	given_short_registration
	assert_stays_connected tcp
}

@test "login: over TLS" {
	given_short_registration
	given_tls acme.example
	assert_stays_connected tls --ca-file server.pem
}

@test "login: a closed connection is a loss at once, and it comes back" {
	start_server --listen tcp:127.0.0.1:0
	start_login --transport tcp 1001@acme.example
	wait_until 10 login_says registered
	kill -s KILL "$SERVER_PID"
	wait_until 5 login_says lost
	assert_equal "$(cat login.err)" \
		"SIP phone has lost connection with the system. The connection to $SERVER was closed."
	start_server --listen "tcp:$SERVER"
	wait_until 15 login_says registered
	assert_equal "$(cut -f 2 login.out | xargs)" "registered lost registered"
}

@test "login: nobody listens, over TCP and over TLS" {
	SERVER=127.0.0.1:$(free_udp_port)
	for transport in tcp tls; do
		start_login --transport $transport 1001@acme.example
		wait_until 10 login_says lost
		assert_equal "$(cat login.err)" \
			"SIP phone has lost connection with the system. Nobody listens on $SERVER."
		kill "$LOGIN_PID"
		wait "$LOGIN_PID"
		assert_equal "$(cut -f 2 login.out)" lost
	done
}

# once [ARG...]: runs login --once.
once() {
	SP_SECRET=${LOGIN_SECRET-$SECRET} run --separate-stderr timeout 20 \
		sp-register login --once --server "$SERVER" "$@" 1001@acme.example
}

# assert_not_registered STATUS STATE CAUSE
assert_not_registered() {
	assert_failure "$1"
	assert_equal "$(cut -f 2- <<<"$output")" "$2"$'\t1001@acme.example\t'"$3"
	assert_equal "${stderr_lines[0]}" "SIP phone has lost connection with the system. $3"
}

@test "login: a certificate for another name is refused" {
	given_tls other.example
	start_server --listen tls:127.0.0.1:0
	once --transport tls --ca-file server.pem
	assert_not_registered 69 lost \
		"The certificate of $SERVER is for another name than '127.0.0.1'."
	assert_equal "$(bindings 1001)" ""
	once --transport tls --insecure
	assert_success
	assert_equal "$stderr" ""
}

@test "login: a certificate for the name of the server will do" {
	given_tls localhost
	start_server --listen tls:127.0.0.1:0
	SERVER=localhost:${SERVER##*:}
	once --transport tls --ca-file server.pem
	assert_success
}

@test "login: a certificate from nobody that is believed is refused" {
	given_tls acme.example
	given_certificate acme.example stranger
	start_server --listen tls:127.0.0.1:0
	once --transport tls --ca-file stranger.pem
	assert_not_registered 69 lost \
		"The certificate of $SERVER is not good: self-signed certificate."
	once --transport tls
	assert_failure 69
	once --transport tls --ca-file none
	assert_failure 66
	assert_equal "$stderr" "sp-register: cannot use the CA file 'none': no such file, or not PEM"
}

@test "login: a connection that the server closes without an answer" {
	given_tls acme.example
	start_server --listen tls:127.0.0.1:0
	once --transport tcp
	assert_not_registered 69 lost "The connection to $SERVER was closed."
}

# ---- login --once ------------------------------------------------------------

@test "login --once: registers, and stays so when it has ended" {
	start_server
	once
	assert_success
	assert_equal "$(cut -f 2- <<<"$output")" $'registered\t1001@acme.example\texpires=30'
	assert_equal "$stderr" ""
	state_is 1001 registered
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created"
}

@test "login --once: 77 for a wrong secret, an unknown extension or domain" {
	start_server
	LOGIN_SECRET=not-the-secret once
	assert_not_registered 77 refused "$SERVER answers 401 Unauthorized."
	SP_SECRET=x run -77 --separate-stderr sp-register login --once --server "$SERVER" 1999@acme.example
	SP_SECRET=x run -77 --separate-stderr sp-register login --once --server "$SERVER" 1001@other.example
}

@test "login --once: 69 when nobody answers" {
	SERVER=127.0.0.1:$(free_udp_port)
	once
	assert_not_registered 69 lost "Nobody listens on $SERVER."
	SERVER=no-such-host.invalid
	once
	assert_failure 69
	assert_regex "$stderr" "^SIP phone has lost connection with the system\. Cannot find the server 'no-such-host\.invalid': .*\.$"
}

@test "login --once: a server whose database is locked asks to wait" {
	start_server
	locked_database
	once
	unlock_database
	assert_not_registered 69 lost \
		"$SERVER answers 503 Service Unavailable and asks to wait for 5 s."
}

@test "login --once: asks for as long as the server wants, within one attempt" {
	given_config 'registration: {refresh: 60s, timeout: 90s, min: 60s}'
	start_server
	once
	assert_success
	assert_equal "$(cut -f 4 <<<"$output")" expires=60
}

# ---- login: what a server may ask --------------------------------------------

CHALLENGE='401 Unauthorized|WWW-Authenticate: Digest realm="r", qop="auth", nonce'
OK='200 OK|[last_Contact:]|Expires'

@test "login: the strongest challenge is answered that it knows" {
	fake_server "401 Unauthorized|WWW-Authenticate: Digest realm=\"r\", nonce=\"md5\", qop=\"auth\"|$(
	)WWW-Authenticate: Digest realm=\"r\", nonce=\"sha\", algorithm=SHA-256, qop=\"auth-int,auth\"|$(
	)WWW-Authenticate: Digest realm=\"r\", nonce=\"sha512\", algorithm=SHA-512-256, qop=\"auth\"|$(
	)WWW-Authenticate: Digest realm=\"r\", nonce=\"md5-2\", algorithm=MD5, qop=\"auth\"" "$OK: 30"
	once
	assert_success
	assert_regex "$(fake_saw '^Authorization: .*')" \
		'^Authorization: Digest username="1001", realm="r", nonce="sha", uri="sip:acme\.example", response="[0-9a-f]{64}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="[0-9a-f]{16}"'
}

@test "login: what it answers to a SHA-256 challenge is right" {
	given_config 'digest: [SHA-256]'
	start_server
	once
	assert_success
}

@test "login: a challenge without qop is answered without" {
	fake_server '401 Unauthorized|WWW-Authenticate: Digest realm="r", nonce="old", opaque="o"' "$OK: 30"
	once
	assert_success
	assert_regex "$(fake_saw '^Authorization: .*' | tr -d '\r')" \
		'^Authorization: Digest username="1001", realm="r", nonce="old", uri="sip:acme\.example", response="[0-9a-f]{32}", opaque="o"$'
}

@test "login: a proxy's challenge is answered to the proxy" {
	fake_server '407 Proxy Authentication Required|Proxy-Authenticate: Digest realm="p", nonce="n", qop="auth"' "$OK: 30"
	once
	assert_success
	assert_equal "$(fake_saw '^Proxy-Authorization: Digest username="1001", realm="p", nonce="n"' | wc -l)" 1
}

@test "login: a stale nonce is replaced, over and over, but not for ever" {
	fake_server "$CHALLENGE=\"1\"" "$CHALLENGE=\"2\", stale=true" "$OK: 30"
	once
	assert_success
	assert_equal "$(fake_saw '^Authorization: .* nonce="."' | grep -o '.$\|"."$' | xargs)" "1 2"
	fake_server "$CHALLENGE=\"1\""{,', stale=true',', stale=true',', stale=true',', stale=true'}
	once
	assert_not_registered 77 refused "$SERVER answers 401 Unauthorized."
}

@test "login: a challenge that it cannot answer is a refusal" {
	fake_server '401 Unauthorized|WWW-Authenticate: Digest realm="r", nonce="n", algorithm=AKAv1-MD5, qop="auth"'
	once
	assert_not_registered 77 refused "$SERVER answers 401 Unauthorized."
}

@test "login: a refresh uses the nonce again, and counts" {
	fake_server "$CHALLENGE=\"1\"" "$OK: 2" "$OK: 2" "$CHALLENGE=\"2\", stale=true" "$OK: 30"
	start_login
	counted() { [ "$(fake_saw 'nonce="."|nc=0000000.' | xargs)" = "$1" ]; }
	wait_until 10 counted 'nonce=1 nonce=1 nc=00000001 nonce=1 nc=00000002 nonce=1 nc=00000003 nonce=2 nonce=2 nc=00000001'
	assert_equal "$(cat login.err)" ""
	assert_equal "$(cut -f 2 login.out)" registered
}

@test "login: waits as long as the server asks it to" {
	fake_server '503 Service Unavailable|Retry-After: 2 (maintenance);duration=60' "$OK: 30"
	start_login
	wait_until 10 login_says lost
	began=${EPOCHREALTIME/[.,]/}
	wait_until 10 login_says registered
	# It had been told before we saw it.
	((${EPOCHREALTIME/[.,]/} - began > 1900000)) || fail "came back too early"
	assert_equal "$(head -n 1 login.out | cut -f 4)" \
		"$SERVER answers 503 Service Unavailable and asks to wait for 2 s."
}

@test "login: a server that says it is broken is lost, not refused" {
	fake_server '500 Oops'
	once
	assert_not_registered 69 lost "$SERVER answers 500 Oops."
	fake_server '423 Interval Too Brief|Min-Expires: 20'
	once
	assert_not_registered 69 lost "$SERVER answers 423 Interval Too Brief."
}

# ---- login: the secret -------------------------------------------------------

@test "login: the secret comes from a file descriptor" {
	start_server
	LOGIN_SECRET=other once --secret-fd 4 4<<<"$SECRET"
	assert_success
}

@test "login: the secret is not left in the environment" {
	start_server
	start_login
	wait_until 10 login_says registered
	run tr '\0' '\n' <"/proc/$LOGIN_PID/environ"
	assert_line --partial HOME=
	refute_output --partial "$SECRET"
}

# ---- logout -----------------------------------------------------------------

@test "logout: drops the bindings, by number, login, or list" {
	start_server
	for operand in 1001 asmith -; do
		register 1001 "$SECRET" 'Contact: <sip:a@h>, <sip:b@h>'
		run --separate-stderr sp-register logout $operand <<<$'1001\tmore'
		assert_success
		assert_output ""
		assert_equal "$stderr" ""
		assert_equal "$(bindings 1001)" ""
		state_is 1001 offline
	done
	assert_equal "$(events 1001 | tail -n 1)" deactivated
	remember
	run sp-register logout 1001
	assert_success
	assert_nothing_changed
}

@test "logout: an unknown operand, and nobody is logged out" {
	start_server
	register 1001 "$SECRET"
	remember
	run --separate-stderr sp-register logout 1001 nobody
	assert_failure 67
	assert_equal "$stderr" "sp-register: no user or extension 'nobody' in 'acme.example'"
	run sp-register logout --dry-run 1001
	assert_success
	run --separate-stderr sp-register logout
	assert_failure 64
	assert_nothing_changed
}

@test "sp-register: without a command, or with an unknown one, 64" {
	run --separate-stderr sp-register
	assert_failure 64
	assert_regex "$stderr" '^sp-register: expected serve, login, logout or probe'
	run --separate-stderr sp-register dance
	assert_failure 64
	assert_regex "$stderr" "^sp-register: unknown command 'dance'"
}
