# shellcheck shell=bash
# Drives linphone-daemon without a screen or a sound card. To be sourced after
# softphone.bash; README.md says more.

# linphone_start DIR EXT DOMAIN SECRET HOST:PORT[;transport=...] [EXPIRES_S]
# Starts one linphone-daemon, which registers EXT@DOMAIN at HOST:PORT. It asks
# for EXPIRES_S seconds (30) and refreshes at 90 % of what it is granted.
# Creates DIR if needed; leaves the phone's pid in DIR/pid, what it says in
# DIR/log and every SIP message in DIR/sip.log. It reads commands from the FIFO
# DIR/in. Returns before the phone has registered.
linphone_start() {
	local dir=$1
	# Where it keeps its database; without it, it ends.
	mkdir -p "$dir/.local/share/linphone" || return
	[ -p "$dir/in" ] || mkfifo "$dir/in" || return
	rm -f "$dir/sip.log"
	(
		umask 077
		linphone_config "${@:2}" >"$dir/rc"
	) || return
	# Nor does it look for a sound server, of its own or of the desktop.
	softphone_run "$dir" "$dir/in" env -u XDG_CONFIG_HOME \
		-u XDG_DATA_HOME PULSE_SERVER="unix:$dir/none" linphone-daemon \
		--config "$dir/rc" --log "$dir/sip.log" --disable-stats-events
}

# linphone_config EXT DOMAIN SECRET SERVER [EXPIRES_S]
# Prints a configuration for linphone: loopback, ports chosen by the kernel, no
# looking at whether the machine has a network, all calls by way of the server,
# and one at a time. SOFTPHONE_CA may name a file
# with the certificate of a TLS server.
linphone_config() {
	cat <<-END
		[rtp]
		audio_rtp_port=-1

		[misc]
		max_calls=1

		[sip]
		default_proxy=0
		sip_port=-1
		sip_tcp_port=-1
		sip_tls_port=-1
		bind_address=127.0.0.1
		use_ipv6=0
		guess_hostname=0
		auto_net_state_mon=0
		register_only_when_network_is_up=0
		${SOFTPHONE_CA:+root_ca=$SOFTPHONE_CA}

		[proxy_0]
		reg_proxy=<sip:$4>
		reg_route=<sip:$4;lr>
		reg_identity=sip:$1@$2
		reg_expires=${5:-30}
		reg_sendregister=1

		[auth_info_0]
		username=$1
		passwd=$3
		realm=$2
	END
}

# linphone_tell DIR COMMAND
# Gives the phone of DIR a command, as `linphone-daemon --dump-commands-help`
# lists them; the answer comes in DIR/log.
linphone_tell() {
	# Not for writing alone, lest it waits for a phone that has ended.
	echo "$2" 1<>"$1/in"
}

# linphone_wait_registered DIR [TIMEOUT_S]
# Waits until the phone of DIR is registered. Shows its log and returns 1 after
# TIMEOUT_S seconds (10).
linphone_wait_registered() {
	softphone_wait_until "${2:-10}" linphone_is "$1" Ok ||
		linphone_fail "$1" 'not registered'
}

# linphone_wait_refused DIR [TIMEOUT_S]
# Waits until the phone of DIR says that it could not register. Shows its log
# and returns 1 after TIMEOUT_S seconds (10).
linphone_wait_refused() {
	softphone_wait_until "${2:-10}" linphone_is "$1" Failed ||
		linphone_fail "$1" 'not refused'
}

# linphone_wait_refreshed DIR N [TIMEOUT_S]
# Waits until the phone of DIR has refreshed its registration N times since it
# started. Shows its log and returns 1 after TIMEOUT_S seconds (30 for each).
linphone_wait_refreshed() {
	softphone_wait_until "${3:-$((30 * $2))}" \
		softphone_refreshed "$1/sip.log" "$2" ||
		linphone_fail "$1" "not refreshed $2 times"
}

# linphone_is DIR STATE
# Whether the phone of DIR has come to a state: Progress, Ok, Failed, Cleared.
linphone_is() {
	grep -q "to \[LinphoneRegistration$2\]" "$1/sip.log" 2>/dev/null
}

# linphone_stop DIR [TIMEOUT_S]
# Lets the phone of DIR unregister and end, and waits for each. Returns 1 after
# TIMEOUT_S seconds (10), with the phone killed. A phone that has ended already
# is no error.
linphone_stop() {
	! softphone_ended "$1" || return 0
	# Told to end alone it does not always unregister before.
	linphone_tell "$1" 'unregister ALL'
	softphone_wait_until "${2:-10}" linphone_is "$1" Cleared &&
		linphone_tell "$1" quit &&
		softphone_wait_until "${2:-10}" softphone_ended "$1" && return 0
	softphone_kill "$1"
	linphone_fail "$1" 'did not end'
}

# linphone_fail DIR MESSAGE
# Says what failed, with the logs of the phone of DIR. Always returns 1.
linphone_fail() {
	softphone_fail "$1" "$2" "$1/sip.log"
}
