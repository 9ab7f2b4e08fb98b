#!/usr/bin/env bats
# sp-register serve, with clients that nobody here wrote. They mostly wait, so
# these tests run side by side, and in each a phone runs once for each transport.

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/linphone
	load clients/twinkle
	load clients/wire
	given_config
	TRANSPORTS=()
	declare -gA NUMBER=([udp]=1001 [tcp]=1002 [tls]=1003)
}

teardown() {
	for transport in "${TRANSPORTS[@]}"; do
		softphone_kill "$transport"
	done
	common_teardown
}

# serve [ARG...]: a server on all transports.
serve() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1,DNS:127.0.0.1 \
		-keyout server.key -out server.pem 2>/dev/null
	sed -i "1i tls: {certificate: $PWD/server.pem, key: $PWD/server.key}" sp.yaml
	start_server --listen udp:127.0.0.1:0 --listen tcp:127.0.0.1:0 \
		--listen tls:127.0.0.1:0 "$@"
}

# start PHONE TRANSPORT...: starts a phone for each, in the directory of that
# name, with a number of its own. ASK is how many seconds they ask for, WRONG
# goes before their secret.
start() {
	local transport secret address

	PHONE=$1
	TRANSPORTS=("${@:2}")
	for transport in "${TRANSPORTS[@]}"; do
		secret=$(given_phone "$transport" "${NUMBER[$transport]}")
		address=$(sed -n "s/.*msg=listening transport=$transport address=//p" \
			"$SERVER_LOG")
		SOFTPHONE_CA=$PWD/server.pem "${PHONE}_start" "$PWD/$transport" \
			"${NUMBER[$transport]}" acme.example "${WRONG-}$secret" \
			"$address;transport=$transport" "${ASK-30}"
	done
}

# all WHAT [ARG...]: calls PHONE_WHAT for each phone.
all() {
	local transport

	for transport in "${TRANSPORTS[@]}"; do
		"${PHONE}_$1" "$PWD/$transport" "${@:2}"
	done
}

# shown NUMBER TRANSPORT AGENT: whether sp-status has a row with these.
shown() {
	run sp-status -o tsv "$1"
	assert_output --regexp \
		$'^'"$1"$'\t.*\tregistered\t.*\tsip:'"$1"$'[^\t]*@127\.0\.0\.1:[^\t]*\t'"$2"$'\t'"$3"
}

# lives PHONE AGENT TRANSPORT...: it registers, shows, refreshes twice without
# a moment in which it is not registered, and unregisters when it ends.
lives() {
	local agent=$2 transport

	given_config "registration: {refresh: 1s, timeout: ${GRANT-4s}, min: 1s}"
	serve
	start "$1" "${@:3}"
	all wait_registered
	for transport in "${TRANSPORTS[@]}"; do
		shown "${NUMBER[$transport]}" "$transport" "$agent"
	done
	all wait_refreshed 2
	all stop
	for transport in "${TRANSPORTS[@]}"; do
		echo "over $transport"
		assert_equal "$(bindings "${NUMBER[$transport]}")" ""
		state_is "${NUMBER[$transport]}" offline
		assert_equal "$(events "${NUMBER[$transport]}" | xargs)" \
			'assigned logged-in created unregistered logged-out'
	done
}

# dies PHONE TRANSPORT...: killed, it is lost, over a connection at once: long
# before the 4 seconds are over that a datagram is good for.
dies() {
	local transport

	given_short_registration
	serve
	start "$@"
	all wait_registered
	for transport in "${TRANSPORTS[@]}"; do
		softphone_kill "$transport"
	done
	for transport in "${TRANSPORTS[@]}"; do
		wait_until 10 event_is "${NUMBER[$transport]}" lost
		state_is "${NUMBER[$transport]}" lost
		assert_equal "$(bindings "${NUMBER[$transport]}")" ""
		run sql "SELECT max(at_ms) - min(at_ms) < 3000 FROM event
			WHERE number = '${NUMBER[$transport]}'
			AND what IN ('created', 'lost')"
		assert_output "$([ "$transport" = udp ] && echo 0 || echo 1)"
	done
}

# refused PHONE TRANSPORT...: a wrong secret changes nothing, and is logged.
refused() {
	local transport

	serve -v
	WRONG=not start "$@"
	all wait_refused
	for transport in "${TRANSPORTS[@]}"; do
		assert_equal "$(events "${NUMBER[$transport]}")" assigned
		state_is "${NUMBER[$transport]}" offline
		run grep -c "aor=${NUMBER[$transport]}@acme.example reason=wrong-secret" \
			"$SERVER_LOG"
		refute_output 0
	done
}

# asks_too_little PHONE TRANSPORT...: it gets 423 and asks for more.
asks_too_little() {
	local transport

	given_config 'registration: {refresh: 5s, timeout: 9s, min: 7s}'
	serve -v
	ASK=3 start "$@"
	all wait_registered
	for transport in "${TRANSPORTS[@]}"; do
		run sql "SELECT l.expires_ms - l.refreshed_ms FROM binding_live l
			JOIN binding b ON b.id = l.binding_id
			JOIN extension e ON e.id = b.extension_id
			WHERE e.number = '${NUMBER[$transport]}'"
		assert_output 7000
	done
	run grep -c 'method=REGISTER status=423' "$SERVER_LOG"
	assert_output "${#TRANSPORTS[@]}"
}

# ---- baresip ----------------------------------------------------------------

@test "baresip: registers, refreshes twice, unregisters" { lives baresip baresip udp tcp tls; }
@test "baresip: killed, it becomes lost" { dies baresip udp tcp tls; }
@test "baresip: a wrong secret is refused" { refused baresip udp tcp; }
@test "baresip: is told the least that is granted" { asks_too_little baresip udp tcp; }

# ---- linphone ---------------------------------------------------------------

@test "linphone: registers, refreshes twice, unregisters" { lives linphone '' udp tcp tls; }
@test "linphone: killed, it becomes lost" { dies linphone udp tcp tls; }
@test "linphone: a wrong secret is refused" { refused linphone udp tcp; }
@test "linphone: is told the least that is granted" { asks_too_little linphone udp tcp; }

# ---- Twinkle ----------------------------------------------------------------

@test "Twinkle: registers, refreshes twice, unregisters" {
	# 5 s before the end; of less it waits for the end.
	GRANT=7s lives twinkle Twinkle udp tcp
}
@test "Twinkle: killed, it becomes lost" { dies twinkle udp tcp; }
@test "Twinkle: a wrong secret is refused" { refused twinkle udp tcp; }
@test "Twinkle: is told the least that is granted" { asks_too_little twinkle udp tcp; }
