# shellcheck shell=bash
# Calls between the phones of softphone.bash, linphone.bash and twinkle.bash,
# which are to be sourced before; README.md says more. A phone is known by its
# directory DIR alone: DIR/kind tells whose it is.

# phone_start DIR KIND EXT DOMAIN SECRET HOST:PORT[;transport=...]
# Starts a phone that does not answer by itself; KIND: baresip, linphone or
# twinkle. Returns before it has registered.
phone_start() {
	SOFTPHONE_ANSWER=manual "$2_start" "$1" "${@:3}" || return
	echo "$2" >"$1/kind"
}

# phone_do DIR VERB [ARG...]: what its kind has for it.
phone_do() {
	"$(<"$1/kind")_$2" "$1" "${@:3}"
}

# phone_wait_registered DIR [TIMEOUT_S]
phone_wait_registered() {
	phone_do "$1" wait_registered "${@:2}"
}

# phone_dial DIR NUMBER, phone_answer DIR, phone_hang_up DIR: return at once.
# To hang up a call that nobody has answered yet is to cancel it.
phone_dial() {
	phone_do "$1" dial "$2"
}

phone_answer() {
	phone_do "$1" answer
}

phone_hang_up() {
	phone_do "$1" hang_up
}

# phone_reject DIR: does not take the call that is coming in: 486, of linphone
# 603.
phone_reject() {
	phone_do "$1" reject
}

# phone_state DIR
# Prints how the phone's last call is: calling (dialled), ringing (there),
# incoming (it rings here), talking, ended; idle before the first one.
phone_state() {
	phone_do "$1" state
}

# phone_is DIR STATE...: whether it is in one of them.
phone_is() {
	[[ " ${*:2} " = *" $(phone_state "$1") "* ]]
}

# phone_wait DIR STATE [TIMEOUT_S]
# Waits until the phone's call is in STATE. Shows its log and returns 1 after
# TIMEOUT_S seconds (10).
phone_wait() {
	softphone_wait_until "${3:-10}" phone_is "$1" "$2" && return 0
	! softphone_ended "$1" || echo "the phone in $1 has ended" >&2
	softphone_fail "$1" "is $(phone_state "$1"), not $2" \
		"$(phone_do "$1" sip_log)"
}

# phone_speak DIR: it says something in the call that it is in; all do so anyway
# but linphone.
phone_speak() {
	[ "$(<"$1/kind")" != linphone ] || linphone_speak "$1"
}

# phone_wait_heard DIR [TIMEOUT_S]
# Waits until the phone has got sound in the call that it is in: half a second
# of it. Shows its log and returns 1 after TIMEOUT_S seconds (10).
phone_wait_heard() {
	softphone_wait_until "${2:-10}" phone_do "$1" heard ||
		softphone_fail "$1" 'hears nothing' "$(phone_do "$1" sip_log)"
}

# phone_messages DIR
# Prints the SIP messages that it has sent and received, as it logged them: each
# a line, of the start line and the header fields, with TABs between.
phone_messages() {
	# In baresip's log there is colour around them.
	sed 's/\r$//; s/\x1b\[[0-9;]*m//g' "$(phone_do "$1" sip_log)" | awk '
		/^(SIP\/2\.0 [1-6][0-9][0-9] |[A-Z]+ sips?:[^ ]+ SIP\/2\.0$)/ {
			message = $0
			next
		}
		message != "" && /^[A-Za-z-]+ *:/ {
			message = message "\t" $0
			next
		}
		message != "" { print message; message = "" }'
}

# phone_saw DIR STATUS METHOD: whether it has sent or received such an answer.
phone_saw() {
	phone_messages "$1" | grep -q -E \
		"^SIP/2\.0 $2 .*"$'\t'"CSeq: *[0-9]+ $3("$'\t|$)'
}

# phone_wait_saw DIR STATUS METHOD [TIMEOUT_S]
phone_wait_saw() {
	softphone_wait_until "${4:-10}" phone_saw "${@:1:3}" ||
		softphone_fail "$1" "saw no $2 to $3" \
			"$(phone_do "$1" sip_log)"
}

# call_state LOG [PATTERN STATE]...
# Prints the STATE of the last line of LOG that matches one of the patterns
# (awk's), or idle.
call_state() {
	awk -v rules="$(printf '%s\n' "${@:2}")" '
		BEGIN {
			state = "idle"
			n = split(rules, rule, "\n")
		}
		{
			for (i = 1; i < n; i += 2)
				if ($0 ~ rule[i])
					state = rule[i + 1]
		}
		END { print state }' "$1"
}

# ---- baresip ----------------------------------------------------------------

# baresip_tell DIR COMMAND: as its menu lists them.
baresip_tell() {
	# Not for writing alone, lest it waits for a phone that has ended.
	echo "/$2" 1<>"$1/in"
}

baresip_dial() {
	baresip_tell "$1" "dial $2"
}

baresip_answer() {
	baresip_tell "$1" accept
}

baresip_hang_up() {
	baresip_tell "$1" hangup
}

baresip_reject() {
	baresip_tell "$1" hangup
}

baresip_state() {
	call_state "$1/log" \
		'call: connecting to ' calling \
		'SIP Progress: 180 ' ringing \
		'Incoming call from:' incoming \
		': Call established:' talking \
		'call: (terminate call|rejecting incoming) ' ended \
		': session closed:|: Call with .* terminated' ended
}

baresip_heard() {
	baresip_tell "$1" audio_debug
	softphone_wait_until 1 baresip_counts "$1" 25
}

# baresip_counts DIR N: whether it has said last that it has got N packets, in
# the call that it is in.
baresip_counts() {
	awk -v wanted="$2" '
		/: Call established:/ { n = 0 }
		/ rcvd=/ { sub(/.* rcvd=/, ""); n = $0 + 0 }
		END { exit n < wanted }' "$1/log"
}

baresip_sip_log() {
	echo "$1/log"
}

# ---- linphone ---------------------------------------------------------------

linphone_dial() {
	linphone_tell "$1" "call $2"
}

linphone_answer() {
	linphone_tell "$1" answer
}

linphone_hang_up() {
	linphone_tell "$1" terminate
}

linphone_reject() {
	linphone_tell "$1" terminate
}

linphone_state() {
	call_state "$1/log" \
		'^Event: LinphoneCallOutgoing(Init|Progress)' calling \
		'^Event: LinphoneCallOutgoing(Ringing|EarlyMedia)' ringing \
		'^Event: LinphoneCallIncomingReceived' incoming \
		'^Event: LinphoneCallStreamsRunning' talking \
		'^Event: LinphoneCallReleased' ended
}

# Without a sound card it sends only what it finds in a file: 30 s of noise.
linphone_speak() {
	{
		printf 'RIFF\x24\x53\x07\0WAVEfmt \x10\0\0\0\1\0\1\0'
		printf '\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\x53\x07\0'
		head -c 480000 /dev/urandom
	} >"$1/noise.wav"
	linphone_tell "$1" "incall-player-start $1/noise.wav"
}

# Each second it logs what comes in (d) and goes out, in kbit/s.
linphone_heard() {
	awk '/to LinphoneCallStreamsRunning/ { heard = 0 }
		/ RTP : \[d=/ { sub(/.* RTP : \[d=/, ""); heard = heard || $0 + 0 > 30 }
		END { exit !heard }' "$1/sip.log"
}

linphone_sip_log() {
	echo "$1/sip.log"
}

# ---- Twinkle ----------------------------------------------------------------

# What it played in the last call is no proof for this one.
twinkle_dial() {
	rm -f "$1/speaker.raw"
	twinkle_tell "$1" "call $2"
}

twinkle_answer() {
	rm -f "$1/speaker.raw"
	twinkle_tell "$1" answer
}

twinkle_hang_up() {
	twinkle_tell "$1" bye
}

twinkle_reject() {
	twinkle_tell "$1" reject
}

twinkle_state() {
	call_state "$1/log" \
		'(^|> )call [0-9]' calling \
		'^Line 1: received 180 ' ringing \
		'^Line 1: incoming call' incoming \
		'^Line 1: (call established|far end answered)' talking \
		'^Line 1: (call (ended|failed|rejected)|far end (ended|cancelled))' ended
}

# Half a second has 8000 bytes; silence is zeros.
twinkle_heard() {
	[ -e "$1/speaker.raw" ] &&
		[ "$(tr -d '\0' <"$1/speaker.raw" | head -c 8000 | wc -c)" = 8000 ]
}

twinkle_sip_log() {
	echo "$1/.twinkle/twinkle.log"
}
