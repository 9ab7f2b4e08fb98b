#!/usr/bin/env bats
# sp-register serve: limits on failed logins, and what the log tells of them.

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

# try_wrong EXT N [FIELD...]: tries a wrong secret N times; prints how often it is
# told so again.
try_wrong() {
	local ext=$1 n=$2 answered=0

	shift 2
	register "$ext" wrong "$@" >/dev/null
	for ((n--; n > 0; n--)); do
		"$SIPSEND" "$SERVER" <sent |
			grep -q '^SIP/2.0 401' && answered=$((answered + 1))
	done
	echo "$answered"
}

next_second() {
	local now=$EPOCHSECONDS

	later() { ((EPOCHSECONDS > now)); }
	wait_until 5 later
}

@test "serve: after 20 wrong logins for a name silence, but the secret still does" {
	other=$(given_phone bjones 1002)
	start_server
	# The first is not counted. A second has its 20 lines of warning.
	run try_wrong 1001 20
	assert_output 19
	next_second
	run try_wrong 1001 4
	assert_output 0
	# A baresip that is set right, or another phone of the same person.
	run register 1001 "$SECRET"
	assert_status 200
	state_is 1001 registered
	run register 1002 wrong
	assert_status 401
	run register 1002 "$other"
	assert_status 200
	stop_server
	run sql "SELECT value FROM counter WHERE name = 'limited'"
	assert_output 4
	run sql "SELECT number, new_value, tool FROM event WHERE what = 'auth-limited'"
	assert_output '1001|127.0.0.1|sp-register'
	run grep -c 'level=warn msg=auth-limited source=127.0.0.1 aor=1001@acme.example reason=wrong-secret' "$SERVER_LOG"
	assert_output 1
}

@test "serve: a name that is tried from one place is answered at another" {
	start_server
	try_wrong 1001 24
	WITH='-b 127.0.0.2' run register 1001 wrong
	assert_status 401
}

@test "serve: of many warnings in a second only some are written, and counted" {
	start_server -l tcp:127.0.0.1:0
	stream
	WITH=-t request REGISTER 1001 'To: <sip:1001@elsewhere.example>' >message
	for _ in {1..60}; do cat message; done >many
	cat many >&5
	WITH='-t tcp' send OPTIONS 1001
	stop_server
	run grep -c msg=unknown-domain "$SERVER_LOG"
	assert [ "$output" -le 50 ]
	written=$output
	run awk '{ for (i = 1; i <= NF; i++)
		if (sub(/^suppressed=/, "", $i)) n += $i } END { print n }' "$SERVER_LOG"
	assert_equal "$output" "$((60 - written))"
}

# banned LOG: the lines that scripts/fail2ban counts. As fail2ban does it:
# without the time, and <ADDR> is an address.
banned() {
	local regex

	regex=$(sed -n 's/^failregex = //p' "$ROOT/scripts/fail2ban/sp-register.conf")
	sed 's/^time=[-0-9T:]*Z//' "$1" | grep -P "${regex/<ADDR>/[0-9A-Fa-f.:]+}"
}

@test "fail2ban: the filter counts wrong secrets and unknown names, no others" {
	sp-assign -q -N 1500 nosecret
	start_server -v -l udp:127.0.0.1:0 -l 'udp:[::1]:0'
	register 1001 "$SECRET"
	register 1500 wrong
	register 1001 wrong 'To: <sip:1001@elsewhere.example>'
	send OPTIONS 1001
	run banned "$SERVER_LOG"
	assert_output ""
	register 1001 wrong
	register 1777 wrong
	register 1001 wrong 'To: <sip:a%20b%22%20reason=x@acme.example>'
	register 1001 wrong 'To: <sip:a%5C@acme.example>'
	try_wrong 1001 19
	next_second
	try_wrong 1001 2
	SERVER=$(sed -n 's/.*address="*\(\[::1\]:[0-9]*\).*/\1/p' "$SERVER_LOG")
	register 1001 wrong
	run banned "$SERVER_LOG"
	assert_equal "${#lines[@]}" "$(grep -c 'msg=auth-\(failed\|limited\) .*reason=\(wrong-secret\|unknown-user\)' "$SERVER_LOG")"
	assert_output --partial 'source=127.0.0.1 aor="a b\" reason=x@acme.example" reason=wrong-secret'
	assert_output --partial 'source=127.0.0.1 aor=a\@acme.example reason=wrong-secret'
	assert_output --partial 'msg=auth-limited source=127.0.0.1'
	assert_output --partial 'source=::1 aor=1001@acme.example'
}

@test "fail2ban: nobody is banned for what another one sends in his name" {
	start_server
	WITH='-b 127.0.0.2' run send REGISTER 1001
	nonce=$(sed -n 's/.*nonce="\([^"]*\)".*/\1/p' <<<"$output")
	WITH="-n $nonce" run register 1001 wrong
	assert_status 401
	run banned "$SERVER_LOG"
	assert_output ""
	run grep -c 'msg=auth-failed source=127.0.0.1 aor=1001@acme.example reason=nonce-of-another-source' "$SERVER_LOG"
	assert_output 1
	# It may be the same phone: its secret is good.
	WITH="-n $nonce" run register 1001 "$SECRET"
	assert_status 200
}
