# shellcheck shell=bash
# Drives real SIP clients (baresip, sipsak, sipp) without a screen or a sound
# card. To be sourced, by bats tests and by scripts; README.md says more. What
# linphone.bash and twinkle.bash, the other phones, share with baresip is here.
#
# Every function takes all it needs as arguments. What must survive a call is
# kept in the directory DIR given by the caller, one per phone. Addresses are
# on the loopback interface.

# Prints a port that nobody uses now, over UDP or TCP, in either address family,
# for clients that take it for both. It lies
# below the range from which the kernel hands out ports by itself, so no client
# that binds port 0 takes it in between. Returns 1 if it finds none.
free_udp_port() {
	local port hex used attempt
	for ((attempt = 0; attempt < 100; attempt++)); do
		port=$((10000 + (RANDOM << 15 | RANDOM) % 22000))
		printf -v hex ':%04X ' "$port"
		used=$(cat /proc/net/{udp,udp6,tcp,tcp6} 2>/dev/null) || :
		if [[ $used != *"$hex"* ]]; then
			echo "$port"
			return 0
		fi
	done
	echo 'free_udp_port: no free port' >&2
	return 1
}

# softphone_wait_until TIMEOUT_S COMMAND [ARG...]
# Waits until COMMAND succeeds. Returns 1 after TIMEOUT_S, a whole number of
# seconds.
softphone_wait_until() {
	local timeout_s=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	until "$@"; do
		((${EPOCHREALTIME/[.,]/} - start < timeout_s * 1000000)) ||
			return 1
		sleep 0.05
	done
}

# softphone_start_time PID
# Prints when a process started, in clock ticks since boot. Returns 1 if there
# is no such process or it is a zombie.
softphone_start_time() {
	local stat fields
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# The name, in parentheses, can hold spaces; the state follows it.
	read -r -a fields <<<"${stat##*) }"
	[ "${fields[0]}" != Z ] || return 1
	echo "${fields[19]}"
}

# softphone_run DIR INPUT COMMAND [ARG...]
# Starts a phone in the background, at home in DIR, which reads from the file
# INPUT. Leaves its pid in DIR/pid and what it prints in DIR/log. Returns 2 if
# the phone of DIR is running already.
softphone_run() {
	local dir=$1 input=$2
	shift 2
	if ! softphone_ended "$dir"; then
		echo "$1: already running in $dir" >&2
		return 2
	fi
	# Not for reading alone: to open a FIFO would wait for a writer, and the
	# first writer to close it would end the phone. Descriptor 3 is where
	# bats reads: a phone holding it would hang bats.
	HOME=$dir "$@" <>"$input" >"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/pid"
	softphone_start_time $! >"$dir/start_time"
	# Nor should a caller's plain wait be for the phone, or its shell report
	# how the phone ended.
	disown $!
}

# softphone_count_200 LOG
# Prints how many 200 with a Contact a phone got to a REGISTER, as its LOG with
# all messages tells: one for the registration and one for each refresh.
softphone_count_200() {
	awk '
		/^(SIP\/2\.0|[A-Z]+ sip:)/ { ok = /^SIP\/2\.0 200 /; register = 0 }
		/^CSeq: *[0-9]+ REGISTER/ { register = 1 }
		/^Contact:/ && ok && register { n++; ok = 0 }
		END { print n + 0 }' "$1"
}

# softphone_refreshed LOG N
# Whether the phone of LOG has refreshed its registration N times or more.
softphone_refreshed() {
	[ "$(softphone_count_200 "$1")" -gt "$2" ]
}

# softphone_signal DIR SIGNAL
# Sends SIGNAL to the phone of DIR if it is alive.
softphone_signal() {
	softphone_ended "$1" || kill -s "$2" "$(cat "$1/pid")" 2>/dev/null || :
}

# softphone_ended DIR
# Whether the phone of DIR is not running. Another process that has taken over
# its pid, which the start time tells, does not count as the phone.
softphone_ended() {
	local pid start_time now
	read -r pid 2>/dev/null <"$1/pid" || return 0
	read -r start_time <"$1/start_time" || return 0
	now=$(softphone_start_time "$pid") || return 0
	[ "$now" != "$start_time" ]
}

# softphone_fail DIR MESSAGE [LOG...]
# Says what failed, with the logs of the phone of DIR. Always returns 1.
softphone_fail() {
	local dir=$1 message=$2
	shift 2
	{
		echo "the phone in $dir: $message; its log:"
		cat "$dir/log" "$@"
	} >&2
	return 1
}

# softphone_kill DIR
# Ends the phone of DIR without a word to the server, and waits for that. A
# phone that has ended, or was never started, is no error.
softphone_kill() {
	softphone_signal "$1" KILL
	softphone_wait_until 5 softphone_ended "$1"
}

# baresip_start DIR EXT DOMAIN SECRET HOST:PORT [REGINT_S]
# Starts one baresip, which registers EXT@DOMAIN at HOST:PORT over UDP. It asks
# for REGINT_S seconds (30) and refreshes at half of what it is granted. Creates
# DIR if needed; leaves the phone's pid in DIR/pid and what it says, with every
# SIP message, in DIR/log. It reads commands from the FIFO DIR/in. It answers
# calls by itself unless SOFTPHONE_ANSWER is `manual`. Returns before the phone
# has registered.
baresip_start() {
	local dir=$1 ext=$2 domain=$3 secret=$4 server=$5 regint_s=${6:-30}
	case $secret in
	*[\;\>\<\"[:space:]]*)
		echo 'baresip_start: secret has one of ; < > " or a space' >&2
		return 2
		;;
	esac
	mkdir -p "$dir" || return
	[ -p "$dir/in" ] || mkfifo "$dir/in" || return
	baresip_config >"$dir/config" || return
	(
		umask 077
		baresip_account "$ext" "$domain" "$secret" "$server" \
			"$regint_s" >"$dir/accounts"
	) || return
	softphone_run "$dir" "$dir/in" baresip -4 -s -f "$dir"
}

# Prints a configuration for baresip: ports chosen by the kernel, a tone instead
# of a microphone, nowhere to play, and one call at a time. SOFTPHONE_CA may name a file with the
# certificate of a TLS server; without it any is good.
baresip_config() {
	cat <<-END
		sip_listen		127.0.0.1:0
		net_interface		127.0.0.1
		module_path		/usr/lib/baresip/modules
		module			stdio.so
		module			g711.so
		module			ausine.so
		module			aubridge.so
		module_app		account.so
		module_app		menu.so
		audio_source		ausine,440
		audio_player		aubridge,nil
		audio_alert		aubridge,nil
		ausrc_srate		48000
		ausrc_channels		2
		call_max_calls		1
		${SOFTPHONE_CA:+sip_cafile	$SOFTPHONE_CA}
	END
}

# baresip_account EXT DOMAIN SECRET HOST:PORT REGINT_S
# Prints a line of baresip's accounts file. Without rwait, the percentage after
# which to refresh, baresip would do so at 90 % of what it was granted.
baresip_account() {
	printf '<sip:%s@%s>;auth_user=%s;auth_pass=%s' "$1" "$2" "$1" "$3"
	printf ';outbound="sip:%s";regint=%d;rwait=50;answermode=%s\n' "$4" "$5" \
		"${SOFTPHONE_ANSWER:-auto}"
}

# baresip_wait_registered DIR [TIMEOUT_S]
# Waits until the phone of DIR says that it is registered. Shows its log and
# returns 1 after TIMEOUT_S seconds (10).
baresip_wait_registered() {
	softphone_wait_until "${2:-10}" baresip_registered "$1" ||
		softphone_fail "$1" 'not registered'
}

# baresip_wait_refused DIR [TIMEOUT_S]
# Waits until the phone of DIR says that it was refused with 401 or 403, which
# it says only when it gives up. Shows its log and returns 1 after TIMEOUT_S
# seconds (10).
baresip_wait_refused() {
	softphone_wait_until "${2:-10}" baresip_refused "$1" ||
		softphone_fail "$1" 'not refused'
}

# baresip_wait_refreshed DIR N [TIMEOUT_S]
# Waits until the phone of DIR has refreshed its registration N times since it
# started, at half of what it is granted each time. Shows its log and returns 1
# after TIMEOUT_S seconds (20 for each).
baresip_wait_refreshed() {
	softphone_wait_until "${3:-$((20 * $2))}" softphone_refreshed "$1/log" "$2" ||
		softphone_fail "$1" "not refreshed $2 times"
}

# baresip_registered DIR
# Whether the phone of DIR has said that it is registered. It says so once, not
# at each refresh; and a 200 without its Contact is "[0 bindings]" to it.
baresip_registered() {
	grep -E -q '\} 200 .* \[[1-9][0-9]* bindings?\]$' "$1/log"
}

# baresip_refused DIR
# Whether the phone of DIR has given up on a 401 or 403.
baresip_refused() {
	grep -E -q 'reg: sip:.*: 40[13] .*\)$' "$1/log"
}

# baresip_stop DIR [TIMEOUT_S]
# Asks the phone of DIR to end and waits for it: it unregisters first. Returns
# 1 after TIMEOUT_S seconds (5), with the phone killed: a registered baresip
# waits 32 s for a server that does not answer. A phone that has ended already
# is no error.
baresip_stop() {
	softphone_signal "$1" TERM
	softphone_wait_until "${2:-5}" softphone_ended "$1" && return 0
	baresip_kill "$1"
	softphone_fail "$1" 'did not end'
}

# baresip_kill DIR
# Ends the phone of DIR as softphone_kill does.
baresip_kill() {
	softphone_kill "$1"
}

# sipsak_register HOST:PORT EXT DOMAIN SECRET CONTACT [EXPIRES_S [ARG...]]
# Registers CONTACT, a SIP URI, for EXPIRES_S seconds (30; 0 unregisters).
# Returns sipsak's status: 0 after a 200, otherwise not 0 (2 for a wrong secret,
# 3 when nobody listens), and 124 when there is no answer.
sipsak_register() {
	# -p goes first: otherwise sipsak looks DOMAIN up in the DNS; -H, lest
	# it looks up its own host, which need not be in /etc/hosts.
	timeout 10 sipsak -H 127.0.0.1 -p "$1" -U -i -C "$5" -x "${6:-30}" \
		-u "$2" -a "$4" -s "sip:$2@$3" "${@:7}"
}

# sipsak_options HOST:PORT [DOMAIN]
# Sends an OPTIONS for sip:DOMAIN (sip:HOST). Returns 0 after a 200, otherwise
# as sipsak_register.
sipsak_options() {
	# Without a port in the URI: sipsak cuts one of five digits to four.
	timeout 10 sipsak -H 127.0.0.1 -p "$1" -s "sip:${2:-${1%:*}}"
}

# sipp_run DIR SCENARIO HOST:PORT DOMAIN INF_CSV [ARG...]
# Runs the file SCENARIO with the extensions and secrets of INF_CSV in the SIP
# domain DOMAIN, once or as often as -m in ARG says. Creates DIR if needed;
# leaves screen.log, errors.log and messages.log there. Returns sipp's status:
# 0 when every call went as the scenario says, 1 when one did not, 255 when it
# took too long. Shows errors.log when that is not 0.
sipp_run() {
	local dir=$1 scenario=$2 server=$3 domain=$4 csv=$5 port status=0
	shift 5
	port=$(free_udp_port) || return
	mkdir -p "$dir" && rm -f "$dir/errors.log" || return
	# The digest is to be computed over the Request-URI, hence -auth_uri.
	sipp "$server" -sf "$scenario" -inf "$csv" -key domain "$domain" \
		-auth_uri "$domain" -i 127.0.0.1 -p "$port" -ci 127.0.0.1 \
		-m 1 -nostdin -default_behaviors none,abortunexp \
		-recv_timeout 5000 -timeout 30 -timeout_error \
		-trace_err -error_file "$dir/errors.log" \
		-trace_msg -message_file "$dir/messages.log" \
		"$@" </dev/null >"$dir/screen.log" 2>&1 3>&- || status=$?
	if [ "$status" != 0 ]; then
		{
			echo "sipp $scenario: status $status"
			cat "$dir/errors.log" 2>/dev/null ||
				tail -n 20 "$dir/screen.log"
		} >&2
	fi
	return "$status"
}
