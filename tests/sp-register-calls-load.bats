#!/usr/bin/env bats
# sp-register serve: calls by sipp, many at a time. SP_CALLS_SECONDS is for how
# long (5), SP_CALLS_RATE how many begin in each second (50).

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/wire
	RATE=${SP_CALLS_RATE:-50}
	CALLS=$((${SP_CALLS_SECONDS:-5} * RATE))
	# Enough for the retransmissions of all.
	TIMEOUT_S=$((CALLS / RATE + 60))
	given_config 'aliases: [127.0.0.1]' \
		'registration: {refresh: 1h, timeout: 2h}'
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
}

teardown() {
	common_teardown
}

# given_called NUMBER...: users, all registered at PORT, by way of SERVER.
given_called() {
	local number

	PORT=$(free_udp_port)
	for number; do
		WITH="-p $PORT" register "$number" \
			"$(given_phone "user$number" "$number")" \
			"Contact: <sip:$number@127.0.0.1:$PORT>" \
			'Expires: 7200' >answer
		grep -q '^SIP/2.0 200' answer
	done
	printf '%s\n' SEQUENTIAL "$@" >called.csv
}

# start_called: sipp answers there as many calls as there will be. Sets CALLED.
start_called() {
	sipp -sf "$BATS_TEST_DIRNAME/clients/called.xml" -i 127.0.0.1 -p "$PORT" \
		-m "$CALLS" -nostdin -default_behaviors none,abortunexp \
		-timeout "$TIMEOUT_S" -timeout_error -trace_err \
		-error_file "$PWD/called.errors" </dev/null >called.screen 2>&1 3>&- &
	CALLED=$!
	SERVER_PIDS+=("$CALLED")
	wait_until 5 grep -q "$(printf ':%04X ' "$PORT")" /proc/net/udp
}

# calls SCENARIO CSV [ARG...]: sipp calls, and each call goes as it should, at
# both ends.
calls() {
	start_called
	sipp_run "$1" "$BATS_TEST_DIRNAME/clients/$1.xml" "$SERVER" acme.example \
		"$2" -m "$CALLS" -r "$RATE" -l 5000 -d 500 -recv_timeout 30000 \
		-timeout "$TIMEOUT_S" "${@:3}"
	called_all
}

# called_all: who is called has seen the end of each call.
called_all() {
	wait "$CALLED" || {
		tail -n 30 called.errors called.screen
		return 1
	}
	wait_until 10 nobody_talks
}

nobody_talks() {
	sp-status -o tsv >states && ! cut -f 6 states | grep -E 'ringing|busy'
}

@test "load: a trusted peer calls ten extensions, along the route" {
	start_server
	given_called {1000..1009}
	calls call called.csv -i 127.0.0.2
}

@test "load: sipp's own caller, which knows no route" {
	start_server
	given_called 1000
	start_called
	sipp "$SERVER" -sn uac -s 1000 -i 127.0.0.2 -m "$CALLS" -r "$RATE" \
		-l 5000 -d 500 -nostdin -timeout "$TIMEOUT_S" -timeout_error \
		-default_behaviors none,abortunexp -trace_err \
		-error_file "$PWD/uac.errors" </dev/null >uac.screen 2>&1 3>&- || {
		tail -n 30 uac.errors uac.screen
		false
	}
	called_all
}

@test "load: extensions call, with a digest" {
	start_server
	given_called 1000
	{
		echo SEQUENTIAL
		for number in {1010..1019}; do
			printf '%s;%s;1000\n' "$number" \
				"$(given_phone "user$number" "$number")"
		done
	} >callers.csv
	calls call-login callers.csv -auth_uri 1000@acme.example
}

@test "load: of each hundred datagrams five get lost; all calls complete" {
	CALLS=100
	RATE=20
	start_server
	"$BATS_TEST_DIRNAME/clients/lossy.pl" "$SERVER" 5 1 >lost 3>&- &
	relay=$!
	SERVER_PIDS+=("$relay")
	wait_until 5 test -s lost
	SERVER=127.0.0.1:$(head -n 1 lost)
	given_called {1000..1009}
	kill -USR1 "$relay"
	calls call called.csv -i 127.0.0.2 -d 4000
	for direction in to from; do
		grep -q "^$direction INVITE " lost
		grep -q "^$direction SIP/2.0 200" lost
	done
}
