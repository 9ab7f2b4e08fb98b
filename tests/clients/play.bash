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
	local tcp

	start_server --listen udp:127.0.0.1:0 --listen tcp:127.0.0.1:0 "$@"
	tcp=$(sed -n 's/.*msg=listening transport=tcp address=//p' "$SERVER_LOG")
	play "server $SERVER $tcp"
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
