# shellcheck shell=bash
# Drives Twinkle's console without a screen or a sound card. To be sourced after
# softphone.bash; README.md says more.

# twinkle_start DIR EXT DOMAIN SECRET HOST:PORT[;transport=...] [EXPIRES_S]
# Starts one Twinkle, which registers EXT@DOMAIN at HOST:PORT over UDP or TCP.
# It asks for EXPIRES_S seconds (30) and refreshes 5 s before the end of what it
# is granted, but not before 1 s. Creates DIR if needed; leaves the phone's pid
# in DIR/pid, what it says in DIR/log and every SIP message in
# DIR/.twinkle/twinkle.log. It reads commands from the FIFO DIR/in; what it
# plays in a call is in DIR/speaker.raw. Returns before the phone has registered.
twinkle_start() {
	local dir=$1 fifo here=${BASH_SOURCE[0]%/*}
	mkdir -p "$dir/.twinkle" || return
	for fifo in in microphone; do
		[ -p "$dir/$fifo" ] || mkfifo "$dir/$fifo" || return
	done
	rm -f "$dir/.twinkle/twinkle.log" "$dir/.twinkle/twinkle.lck"
	twinkle_system >"$dir/.twinkle/twinkle.sys" || return
	twinkle_sound "$dir" >"$dir/.asoundrc"
	(
		umask 077
		twinkle_config "${@:2}" >"$dir/.twinkle/phone.cfg"
	) || return
	softphone_run "$dir" "$dir/in" perl "$here/microphone.pl" \
		"$dir/microphone" twinkle-console phone.cfg
}

# Prints what Twinkle keeps for all users: free ports, one call at a time, and
# no sound but that of a call.
twinkle_system() {
	local port rtp_port
	port=$(free_udp_port) && rtp_port=$(free_udp_port) || return
	cat <<-END
		sip_port=$port
		sip_udp_port=$port
		rtp_port=$((rtp_port & ~1))
		call_waiting=no
		play_ringtone=no
		play_ringback=no
		log_show_sip=yes
		log_max_size=50
	END
}

# twinkle_sound DIR
# Prints ALSA's configuration of a sound card of two files.
twinkle_sound() {
	cat <<-END
		pcm.!default {
			type asym
			playback.pcm {
				type file
				slave.pcm { type null }
				file "$1/speaker.raw"
				format raw
			}
			capture.pcm {
				type file
				slave.pcm { type null }
				file /dev/null
				infile "$1/microphone"
				format raw
			}
		}
		ctl.!default { type null }
	END
}

# twinkle_config EXT DOMAIN SECRET SERVER [EXPIRES_S]
# Prints a user profile for Twinkle: it also publishes that it is there, and
# asks for waiting messages.
twinkle_config() {
	local transport=udp
	[[ $4 != *';transport=tcp' ]] || transport=tcp
	cat <<-END
		user_name=$1
		user_domain=$2
		auth_name=$1
		auth_pass=$3
		outbound_proxy=${4%%;*}
		sip_transport=$transport
		registration_time=${5:-30}
		register_at_startup=yes
		pres_publish_startup=yes
		mwi_sollicited=yes
		mwi_user=$1
		mwi_server=$2
		mwi_via_proxy=yes
	END
}

# twinkle_tell DIR COMMAND
# Gives the phone of DIR a command, as its `help` lists them.
twinkle_tell() {
	# Not for writing alone, lest it waits for a phone that has ended.
	echo "$2" 1<>"$1/in"
}

# twinkle_wait_registered DIR [TIMEOUT_S]
# Waits until the phone of DIR says that it is registered. Shows its log and
# returns 1 after TIMEOUT_S seconds (10).
twinkle_wait_registered() {
	softphone_wait_until "${2:-10}" \
		grep -q 'registration succeeded' "$1/log" ||
		twinkle_fail "$1" 'not registered'
}

# twinkle_wait_refused DIR [TIMEOUT_S]
# Waits until the phone of DIR says that it could not register. Shows its log
# and returns 1 after TIMEOUT_S seconds (10).
twinkle_wait_refused() {
	softphone_wait_until "${2:-10}" \
		grep -q 'registration failed' "$1/log" ||
		twinkle_fail "$1" 'not refused'
}

# twinkle_wait_refreshed DIR N [TIMEOUT_S]
# Waits until the phone of DIR has refreshed its registration N times since it
# started. Shows its log and returns 1 after TIMEOUT_S seconds (30 for each).
twinkle_wait_refreshed() {
	softphone_wait_until "${3:-$((30 * $2))}" \
		softphone_refreshed "$1/.twinkle/twinkle.log" "$2" ||
		twinkle_fail "$1" "not refreshed $2 times"
}

# twinkle_stop DIR [TIMEOUT_S]
# Asks the phone of DIR to end and waits for it: it unregisters first. Returns
# 1 after TIMEOUT_S seconds (10), with the phone killed. A phone that has ended
# already is no error.
twinkle_stop() {
	twinkle_tell "$1" quit
	softphone_wait_until "${2:-10}" softphone_ended "$1" && return 0
	softphone_kill "$1"
	twinkle_fail "$1" 'did not end'
}

# twinkle_fail DIR MESSAGE
# Says what failed, with the logs of the phone of DIR. Always returns 1.
twinkle_fail() {
	softphone_fail "$1" "$2" "$1/.twinkle/twinkle.log"
}
