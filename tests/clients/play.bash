# shellcheck shell=bash
# Phones that do what a test tells them, line by line: sippeer.pl. To be loaded
# after common.bash and wire.bash.

# start_phones: of which the messages are in phones.log.
start_phones() {
	mkfifo phones.in phones.out
	perl "$ROOT/tests/clients/sippeer.pl" \
		<phones.in >phones.out 2>phones.log 3>&- &
	SERVER_PIDS+=($!)
	exec {PHONES_IN}>phones.in {PHONES_OUT}<phones.out
}

# play [LINE]...: each, or the lines of standard input, in turn, until one
# fails. Prints what they print.
play() {
	local line

	if [ $# -gt 0 ]; then
		printf '%s\n' "$@"
	else
		cat
	fi >play.lines
	while read -r line; do
		[ -z "$line" ] || play_line "$line" || return
	done <play.lines
}

play_line() {
	local answer

	printf '%s\n' "$1" >&"$PHONES_IN"
	while read -r -t 60 answer <&"$PHONES_OUT"; do
		case $answer in
		ok) return 0 ;;
		'= '*) echo "${answer#= }" ;;
		*) break ;;
		esac
	done
	printf '%s: %s\n' "$1" "$answer" >&2
	tail -n 200 phones.log "$SERVER_LOG" >&2
	return 1
}

# serve_phones [ARG...]: a server on UDP and TCP, that the phones know.
serve_phones() {
	start_server --listen udp:127.0.0.1:0 --listen tcp:127.0.0.1:0 "$@"
	know_server
}

know_server() {
	local tcp

	tcp=$(sed -n 's/.*msg=listening transport=tcp address=//p' "$SERVER_LOG")
	play "server $SERVER $tcp"
}

# serve_phones_faked: one of which all clocks are as pass_time says.
serve_phones_faked() {
	SERVER_LOG=$BATS_TEST_TMPDIR/serve.faked.log
	echo +0 >clock
	# The sanitizers want to be first, and need not.
	ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS-}" \
		LD_PRELOAD="$(echo /usr/lib/*/faketime/libfaketime.so.1)" \
		FAKETIME_TIMESTAMP_FILE="$PWD/clock" FAKETIME_NO_CACHE=1 \
		sp-register serve --listen udp:127.0.0.1:0 \
		--listen tcp:127.0.0.1:0 2>"$SERVER_LOG" 3>&- &
	SERVER_PID=$!
	SERVER_PIDS+=("$SERVER_PID")
	wait_until 10 grep -q msg=ready "$SERVER_LOG"
	SERVER=$(sed -n 's/.*msg=listening transport=udp address=//p' \
		"$SERVER_LOG")
	know_server
}

# pass_time SECONDS: since its beginning, for serve_phones_faked.
pass_time() {
	echo "+$1" >next
	mv next clock
}

# given_phones NAME:NUMBER[:tcp]...: they are registered; who has no user yet is
# given one, and all of one number share it.
given_phones() {
	local phone name number transport

	for phone; do
		IFS=: read -r name number transport <<<"$phone"
		[ -s "secret.$number" ] ||
			given_phone "u$number" "$number" >"secret.$number"
		play "$name registers $number $(<"secret.$number") $transport"
	done
}

# given_talk CALLER CALLEE NUMBER: a call that is answered.
given_talk() {
	play "$1 calls $3" "$2 rings" "$1 gets 180" "$2 says 200" \
		"$1 gets 200" "$1 acks" "$2 gets ACK"
}

# hang_up WHO OTHER: the call that the two are in.
hang_up() {
	play "$1 sends BYE" "$2 gets BYE" "$2 says 200" "$1 gets 200 to BYE"
}
