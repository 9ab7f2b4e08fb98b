#!/usr/bin/env bats
# sp-register serve: sockets, start and stop, the database, expiry.

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

# ---- serve: sockets, start and stop -----------------------------------------

@test "serve: several listeners, one of them IPv6" {
	start_server --listen udp:127.0.0.1:0 --listen 'udp:[::1]:0' -l udp:127.0.0.2:0
	mapfile -t address < <(sed -n 's/.*msg=listening.*address=//p' "$SERVER_LOG")
	assert_equal "${#address[@]}" 3
	for SERVER in "${address[@]//\"/}"; do
		run register 1001 "$SECRET" 'Contact: <sip:1001@[::1]:5070>'
		assert_status 200
	done
	SERVER=${address[1]//\"/}
	run send OPTIONS 1001 'Via: SIP/2.0/UDP [::1]:9;rport;branch=z9hG4bK1'
	assert_line --regexp '^Via: SIP/2\.0/UDP \[::1\]:9;branch=z9hG4bK1;rport=[0-9]+;received=::1$'
}

@test "serve: a port in use is 69 and a sentence" {
	start_server
	remember
	run --separate-stderr timeout 10 sp-register serve -q --listen "udp:$SERVER"
	assert_failure 69
	assert_output ""
	assert_equal "$stderr" "sp-register: cannot listen on 'udp:$SERVER': Address already in use\
 (by another server? --listen takes another port, 0 a free one)"
	assert_nothing_changed
}

@test "serve: a start that cannot be says why" {
	run --separate-stderr timeout 10 sp-register serve --listen sctp:127.0.0.1:0
	assert_failure 64
	assert_equal "${#stderr_lines[@]}" 1
	run --separate-stderr timeout 10 sp-register serve extra
	assert_failure 64
	run --separate-stderr timeout 10 sp-register serve -q -d sp.yaml/sp.db
	assert_failure
	assert_regex "$stderr" '^sp-register: .*sp\.yaml/sp\.db'
	echo 'tenant: []' >>sp.yaml
	run --separate-stderr timeout 10 sp-register serve
	assert_failure 78
	assert_regex "$stderr" '^sp-register: .*sp\.yaml:[0-9]+: '
}

@test "serve: SIGTERM and SIGINT end it cleanly" {
	for signal in TERM INT; do
		start_server
		kill -s $signal "$SERVER_PID"
		wait "$SERVER_PID"
		assert_equal "$(tail -n 2 "$SERVER_LOG" | cut -d ' ' -f 2-)" \
			$'level=info msg=stopping signal='$signal$'\nlevel=info msg=stopped'
	done
}

@test "serve: the log is one line of key=value each, whatever a request says" {
	start_server -v
	register 1001 wrong 'To: <sip:a%0Alevel=info%22@acme.example>'
	run grep msg=auth-failed "$SERVER_LOG"
	assert_output --regexp '^time=[-0-9TZ:]+ level=warn msg=auth-failed source=127\.0\.0\.1 aor="a\\x0alevel=info\\"@acme\.example" reason=wrong-secret$'
	run grep -vE '^time=[-0-9TZ:]+ level=[a-z]+ msg=[a-z-]+( [a-z_]+=.*)?$' "$SERVER_LOG"
	assert_output ""
	run grep -cE '(secret|nonce|response)"?=' "$SERVER_LOG"
	assert_output 0
	run grep -cF -e "$SECRET" -e "$(sent_nonce)" "$SERVER_LOG"
	assert_output 0
}

@test "serve: a restart logs nobody out, however long it took" {
	start_server
	register 1001 "$SECRET"
	stop_server
	# All of that was a minute ago.
	sql 'UPDATE server SET heartbeat_ms = heartbeat_ms - 60000;
		UPDATE binding_live SET expires_ms = expires_ms - 60000,
		refreshed_ms = refreshed_ms - 60000'
	start_server
	run register 1001 "$SECRET" -Contact
	assert_line --regexp '^Contact: <sip:1001@127\.0\.0\.1:5070>;expires=(30|29|28|27|26)$'
	state_is 1001 registered
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created"
}

@test "serve: what had run out before the stop is lost after the restart" {
	start_server
	register 1001 "$SECRET"
	stop_server
	sql 'UPDATE server SET heartbeat_ms = heartbeat_ms - 60000;
		UPDATE binding_live SET expires_ms = expires_ms - 100000'
	start_server
	wait_until 5 event_is 1001 lost
	state_is 1001 lost
	# By its own time, which the stop has not moved.
	run sql "SELECT strftime('%s') - ended_ms / 1000 BETWEEN 65 AND 90
		FROM login_session"
	assert_output 1
}

@test "serve: kill -9 loses nothing that was acknowledged, and needs no repair" {
	given_config 'registration: {max-contacts: 60}'
	start_server
	register_many() {
		for i in {1..50}; do
			register 1001 "$SECRET" "Contact: <sip:$i@h>" | grep -q '^SIP/2.0 200' || break
			echo "sip:$i@h" >>acknowledged
		done
	}
	register_many 2>/dev/null &
	many() { [ "$(wc -l <acknowledged)" -ge 10 ]; }
	wait_until 20 many
	kill -9 "$SERVER_PID"
	wait
	start_server
	bindings 1001 >stored
	run grep -vxFf stored acknowledged
	assert_output ""
	run sql 'PRAGMA integrity_check'
	assert_output ok
	run register 1001 "$SECRET"
	assert_status 200
}

@test "serve: two servers share one file" {
	start_server
	first=$SERVER
	nonce=$(send REGISTER 1001 | sed -n 's/.*nonce="\([^"]*\)".*/\1/p')
	start_server
	assert_not_equal "$SERVER" "$first"
	WITH="-n $nonce" run register 1001 "$SECRET"
	assert_status 200
	SERVER=$first
	run register 1001 "$SECRET" -Contact
	assert_equal "$(contacts)" sip:1001@127.0.0.1:5070
	WITH="-n $nonce" run register 1001 "$SECRET"
	assert_status 401
}

@test "serve: while another process holds the database 503, and then on" {
	start_server
	mkfifo hold
	sqlite3 -batch "$SP_DB" <hold 3>&- &
	SERVER_PIDS+=($!)
	exec 4>hold
	printf 'BEGIN IMMEDIATE;\n.system touch held\n' >&4
	wait_until 5 test -e held
	run register 1001 "$SECRET"
	assert_status 503 'Service Unavailable'
	assert_line --regexp '^Retry-After: [1-9][0-9]*$'
	run send REGISTER 1001
	assert_status 401
	exec 4>&-
	registered() { register 1001 "$SECRET" | grep '^SIP/2.0 200'; }
	wait_until 10 registered
	run grep -c 'level=error msg=database' "$SERVER_LOG"
	refute_output 0
}

# ---- serve: expiry ----------------------------------------------------------

@test "serve: a phone that says no more is late, then lost, with an event" {
	start_server
	register 1001 "$SECRET"
	state_is 1001 registered
	# It has been silent for longer than it is told to be.
	sql 'UPDATE binding_live SET refreshed_ms = refreshed_ms - 17000'
	state_is 1001 late
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
	sql 'UPDATE binding_live SET expires_ms = expires_ms - 29000'
	wait_until 8 state_is 1001 lost
	wait_until 8 event_is 1001 lost
	assert_equal "$(events 1001 | xargs)" "assigned logged-in created expired lost"
	assert_equal "$(bindings 1001)" ""
	# Within a second of its time; one more for a busy machine.
	run sql "SELECT s.ending, e.at_ms - s.ended_ms BETWEEN 0 AND 2000
		FROM login_session s, event e WHERE e.what = 'lost'"
	assert_output 'lost|1'
	run register 1001 "$SECRET"
	assert_status 200
	state_is 1001 registered
}

@test "serve: a session lives as long as one of its bindings" {
	given_short_registration
	start_server
	register 1001 "$SECRET" 'Contact: <sip:a@h>;expires=1, <sip:b@h>;expires=4'
	wait_until 8 event_is 1001 expired
	assert_equal "$(bindings 1001)" sip:b@h
	run events 1001
	refute_line lost
	wait_until 8 event_is 1001 lost
	assert_equal "$(events 1001 | tail -n 3 | xargs)" "expired expired lost"
}

@test "serve: on all addresses, the one that was asked answers" {
	start_server --listen udp:0.0.0.0:0
	run "$SIPSEND" "127.0.0.2:${SERVER##*:}" < <(request OPTIONS 1001)
	assert_success
	assert_line --regexp '^SIP/2.0 200 '
}

@test "serve: whoever reads the log may go away" {
	mkfifo log
	sp-register serve -v 2>log 3>&- &
	SERVER_PID=$!
	SERVER_PIDS+=("$SERVER_PID")
	head -n 2 log >first
	SERVER=$(sed -n 's/.*address=//p' first)
	for _ in 1 2 3; do
		request OPTIONS 1001 | "$SIPSEND" "$SERVER" | grep -q '^SIP/2.0 200 '
	done
	stop_server
}

@test "serve: a restart of a moment does not count either" {
	start_server
	SECRET=$(given_phone asmith 1001)
	register 1001 "$SECRET" >/dev/null
	stop_server
	sql "UPDATE server SET heartbeat_ms = heartbeat_ms - 2500;
		UPDATE binding_live SET expires_ms =
			(SELECT heartbeat_ms + 1000 FROM server)"
	start_server
	state_is 1001 registered || state_is 1001 late
}

@test "serve: the log says why a phone is refused" {
	start_server
	sp-assign -q -N 1500 nosecret
	register 1001 not-the-secret >/dev/null
	register 1777 whatever1 >/dev/null
	register 1500 whatever1 >/dev/null
	register 1001 whatever1 'To: <sip:1001@acme.exmple>' >/dev/null
	run sed -n 's/.* level=warn //p' "$SERVER_LOG"
	assert_output "\
msg=auth-failed source=127.0.0.1 aor=1001@acme.example reason=wrong-secret
msg=auth-failed source=127.0.0.1 aor=1777@acme.example reason=unknown-user
msg=auth-failed source=127.0.0.1 aor=1500@acme.example reason=no-secret
msg=unknown-domain source=127.0.0.1 aor=1001@acme.exmple"
}
