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
		"SIP phone has lost connection with the system. $SERVER answers 401 Unauthorized."
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
		"SIP phone has lost connection with the system. $SERVER answers 404 Not Found."
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
	1001@acme.example --server 127.0.0.1:9|64|sp-register: no secret: expected --secret-file or the variable SP_SECRET
	1001@acme.example --server 127.0.0.1:9 --secret-file none|66|sp-register: cannot read 'none': No such file or directory
	1001@acme.example --server 127.0.0.1:9 --secret-file empty|65|sp-register: no secret in 'empty'
	END
	export SP_SECRET=x
	for args in '' '1001' 'x@acme.example' '1001@' '1001@acme.example 1002@acme.example' \
		'1001@acme.example --server 127.0.0.1:x' '1001@acme.example --server [::1' \
		'1001@acme.example --server :5060' \
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
	assert_regex "$stderr" '^sp-register: expected serve, login or logout'
	run --separate-stderr sp-register dance
	assert_failure 64
	assert_regex "$stderr" "^sp-register: unknown command 'dance'"
}
