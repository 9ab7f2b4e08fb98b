#!/usr/bin/env bats
# sp-register serve: TCP and TLS, and what is lost with a connection.

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

given_tls() {
	given_certificate first
	echo 'tls: {certificate: first.crt, key: first.key}' >>sp.yaml
}

# keep_phone EXT SECRET [FIELD...]: a phone that registers and keeps its
# connection; its pid is PHONE.
keep_phone() {
	local ext=$1 secret=$2

	shift 2
	rm -f phone
	request REGISTER "$ext" "$@" >message
	# shellcheck disable=SC2086 # several words
	"$SIPSEND" -k -u "$ext" -s "$secret" $WITH "$SERVER" <message >phone 3>&- 5>&- &
	PHONE=$!
	SERVER_PIDS+=("$PHONE")
	wait_until 5 grep -q '^SIP/2.0 200' phone
}

# cause EXT: of its last loss.
cause() {
	sql "SELECT new_value FROM event WHERE number = '$1' AND what = 'lost'
		ORDER BY seq DESC LIMIT 1"
}

# datagram [FIELD...]: sends an OPTIONS and hears nothing of its answer.
datagram() {
	request OPTIONS 1001 "$@" >datagram
	cat datagram >"/dev/udp/${SERVER%:*}/${SERVER##*:}"
}

options() {
	WITH='-t tcp' request OPTIONS 1001 "$@"
}

# ---- transports -------------------------------------------------------------

@test "serve: TCP and TLS, IPv4 and IPv6, all at once" {
	given_tls
	start_server -l udp:127.0.0.1:0 -l tcp:127.0.0.1:0 -l 'tcp:[::1]:0' \
		-l tls:127.0.0.1:0 -l 'tls:[::1]:0'
	for where in 'tcp 1' 'tcp 2' 'tls 1' 'tls 2'; do
		# shellcheck disable=SC2086 # two words
		server_of $where
		WITH="-t ${where% *}" keep_phone 1001 "$SECRET"
		run sql 'SELECT source, transport, flow_id > 0 FROM binding'
		assert_output --regexp "^(127\.0\.0\.1|\[::1\]):[0-9]+\|${where% *}\|1$"
		WITH="-t ${where% *}" keep_phone 1001 "$SECRET" 'Expires: 20'
		assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
		WITH="-t ${where% *}" run register 1001 "$SECRET" 'Expires: 0'
		assert_status 200
		assert_equal "$(bindings 1001)" ""
	done
	run events 1001
	refute_line lost
}

@test "serve: an answer over TCP goes to the connection, whatever Via says" {
	start_server -l tcp:127.0.0.1:0
	WITH='-t tcp' run send OPTIONS 1001 'Via: SIP/2.0/TCP 192.0.2.1:7;branch=z9hG4bK1'
	assert_status 200
	assert_line 'Via: SIP/2.0/TCP 192.0.2.1:7;branch=z9hG4bK1;received=127.0.0.1'
}

@test "serve: TLS 1.2 and 1.3, and nothing older" {
	given_tls
	start_server -l tls:127.0.0.1:0
	for version in 1_2 1_3; do
		run openssl s_client -tls$version -connect "$SERVER" -brief </dev/null
		assert_success
		assert_line --partial "TLSv${version/_/.}"
	done
	run openssl s_client -tls1_1 -cipher ALL:@SECLEVEL=0 -connect "$SERVER" -brief </dev/null
	assert_failure
	run openssl s_client -tls1_2 -connect "$SERVER" -ign_eof \
		< <(options; printf 'garbage\r\n\r\n')
	assert_line --partial 'SIP/2.0 200 OK'
}

@test "serve: SIGHUP reads the certificate again, connections go on" {
	given_tls
	subject() { openssl s_client -connect "$SERVER" </dev/null 2>/dev/null | grep ^subject; }
	start_server -l tls:127.0.0.1:0
	assert_equal "$(subject)" 'subject=CN = first'
	WITH='-t tls' keep_phone 1001 "$SECRET"
	given_certificate second
	cp second.crt first.crt
	kill -HUP "$SERVER_PID"
	wait_until 5 grep -q 'msg=not-reloaded cause="cannot use the TLS key .first.key.: key values mismatch"' "$SERVER_LOG"
	assert_equal "$(subject)" 'subject=CN = first'
	cp second.key first.key
	kill -HUP "$SERVER_PID"
	wait_until 5 grep -q msg=reloaded "$SERVER_LOG"
	assert_equal "$(subject)" 'subject=CN = second'
	state_is 1001 registered
}

@test "serve: TLS without a certificate, or a wrong one, is 78 and says so" {
	run --separate-stderr timeout 10 sp-register serve -q -l tls:127.0.0.1:0
	assert_failure 78
	assert_equal "$stderr" "sp-register: cannot listen for TLS: no tls: in the configuration, expected certificate and key"
	given_tls
	while IFS=$'\t' read -r command message; do
		given_certificate first
		eval "$command"
		run --separate-stderr timeout 10 sp-register serve -q -l tls:127.0.0.1:0 </dev/null
		assert_failure 78
		assert_equal "$stderr" "sp-register: cannot use the TLS $message"
	done <<-'END'
	rm first.crt	certificate 'first.crt': no such file, or not PEM
	echo x >first.crt	certificate 'first.crt': no start line
	rm first.key	key 'first.key': no such file, or not PEM
	openssl ecparam -genkey -name prime256v1 -noout -out first.key	key 'first.key': key values mismatch
	openssl ec -aes128 -passout pass:x -in first.key -out first.key 2>/dev/null	key 'first.key': it needs a passphrase
	END
}

# ---- framing ----------------------------------------------------------------

@test "serve: a message in pieces, and several in one segment" {
	start_server -l tcp:127.0.0.1:0
	stream
	options 'CSeq: 1 OPTIONS' >message
	for ((at = 0, size = $(stat -c %s message); at < size; at += 50)); do
		dd if=message bs=1 skip=$at count=50 status=none >&5
	done
	{
		options 'CSeq: 2 OPTIONS' 'l: 5' -Content-Length
		printf 'BYE \r'
		options 'CSeq: 3 OPTIONS'
		printf '\r\n\r\n'
		options 'CSeq: 4 OPTIONS'
		printf '\r\nend\r\n\r\n'
	} >&5
	run heard
	assert_success
	assert_equal "$(grep CSeq <<<"$output" | tr -dc 1-9)" 1234
	assert_equal "$(grep -c '^SIP/2.0 200' <<<"$output")" 4
}

@test "serve: a keep-alive of two CRLF gets one back, half of one nothing" {
	start_server -l tcp:127.0.0.1:0
	stream
	printf '\r\n' >&5
	options >&5
	read -r -t 5 -u 5 line
	assert_equal "$line" $'SIP/2.0 200 OK\r'
	while read -r -t 5 -u 5 line && [ "$line" != $'\r' ]; do :; done
	printf '\r\n' >&5
	printf '\r\n' >&5
	read -r -t 5 -u 5 line
	assert_equal "$line" $'\r'
	printf 'x\n\n\r\n\r\n' >&5
	run heard
	assert_success
	assert_output ""
}

@test "serve: a stream that does not say where a message ends is closed" {
	start_server -v -l tcp:127.0.0.1:0
	cases=(-Content-Length +Content-Length:\ 0 Content-Length:\ +1
		'Content-Length: 1x' Content-Length: Content-Length:\ -1
		Content-Length:\ 4294967296 Content-Length:\ 8192
		"X: $(printf 'x%.0s' {1..9000})")
	for field in "${cases[@]}"; do
		echo "case: ${field:0:40}"
		stream
		{
			options
			options "$field"
			options
		} >many
		cat many >&5
		run heard
		assert_success
		assert_equal "$(grep -c ^SIP <<<"$output")" 1
	done
	run grep -c 'msg=flow-closed .*cause="bad framing"' "$SERVER_LOG"
	assert_output "${#cases[@]}"
	WITH='-t tcp' run register 1001 "$SECRET"
	assert_status 200
}

@test "serve: a head without an end is closed when it is too large" {
	start_server -l tcp:127.0.0.1:0
	stream
	head -c 8192 /dev/zero | tr '\0' x >&5
	run heard
	assert_success
	assert_output ""
}

@test "serve: what came before a half-closed connection is answered" {
	given_tls
	start_server -l tcp:127.0.0.1:0 -l tls:127.0.0.1:0
	# bash cannot shut down one half.
	run perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(PeerAddr => $ARGV[0]); local $/;
		print $s <STDIN>; shutdown($s, 1); print <$s>' "$SERVER" < <(options)
	assert_line --partial 'SIP/2.0 200 OK'
}

@test "serve: phones that have registered leave their source its 256 connections" {
	start_server -l tcp:127.0.0.1:0
	WITH='-t tcp' keep_phone 1001 "$SECRET"
	for ((i = 0; i < 255; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/${SERVER##*:}"
	done
	WITH='-t tcp' run send OPTIONS 1001
	assert_status 200
	run grep -c msg=too-many-connections "$SERVER_LOG"
	assert_output 0
}

@test "serve: at most 256 connections of one source, and room for another" {
	start_server -l tcp:0.0.0.0:0
	port=${SERVER##*:}
	for ((i = 0; i < 256; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	done
	SERVER=127.0.0.1:$port
	stream
	run heard
	assert_success
	run grep -c 'level=warn msg=too-many-connections source=127.0.0.1' "$SERVER_LOG"
	assert_output 1
	SERVER=127.0.0.2:$port WITH='-t tcp -b 127.0.0.2' run send OPTIONS 1001
	assert_status 200
	exec {fd}>&-
	room() { WITH='-t tcp' send OPTIONS 1001 | grep '^SIP/2.0 200'; }
	wait_until 5 room
}

@test "serve: when descriptors run out a connection more is closed at once" {
	ulimit -n 80
	start_server -l tcp:127.0.0.1:0
	ulimit -Sn 1024 2>/dev/null || true
	for ((i = 0; i < 16; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/${SERVER##*:}"
	done
	stream
	run heard
	assert_success
	exec {fd}>&-
	room() { WITH='-t tcp' send OPTIONS 1001 | grep '^SIP/2.0 200'; }
	wait_until 5 room
}

@test "serve: a peer that does not read is closed" {
	start_server -v -l tcp:127.0.0.1:0
	stream
	options >one
	for _ in {1..500}; do cat one; done >many
	flood() { for _ in {1..100}; do cat many; done >&5; }
	run timeout 30 bash -c "$(declare -f flood); flood"
	wait_until 10 grep -q 'msg=flow-closed .*cause="does not read"' "$SERVER_LOG"
	WITH='-t tcp' run register 1001 "$SECRET"
	assert_status 200
}

# ---- loss -------------------------------------------------------------------

@test "serve: a connection that is closed is lost at once, with the cause" {
	given_tls
	start_server -l tcp:127.0.0.1:0 -l tls:127.0.0.1:0
	for transport in tcp tls; do
		server_of $transport
		WITH="-t $transport" keep_phone 1001 "$SECRET"
		sp-status -q --wait lost --timeout 10s 1001 3>&- &
		waiting=$!
		kill -9 "$PHONE"
		# 30 s before it runs out.
		wait $waiting
		assert_equal "$(events 1001 | tail -n 2 | xargs)" 'expired lost'
		assert_equal "$(cause 1001)" closed
		assert_equal "$(bindings 1001)" ""
	done
	run grep -c 'level=info msg=lost bindings=1 cause=closed' "$SERVER_LOG"
	assert_output 2
}

@test "serve: all that came through a connection is lost with it, and no more" {
	other=$(given_phone bjones 1002)
	start_server -l tcp:127.0.0.1:0
	WITH='-t tcp' keep_phone 1002 "$other"
	WITH='-t tcp' keep_phone 1001 "$SECRET" 'Contact: <sip:a@h>, <sip:b@h>'
	kill "$PHONE"
	wait_until 5 event_is 1001 lost
	assert_equal "$(events 1001 | tail -n 3 | xargs)" 'expired expired lost'
	state_is 1002 registered
}

@test "serve: who registers again before the old connection closes is not lost" {
	start_server -v -l tcp:127.0.0.1:0
	WITH='-t tcp' keep_phone 1001 "$SECRET"
	old=$PHONE
	WITH='-t tcp' keep_phone 1001 "$SECRET"
	kill "$old"
	wait_until 5 grep -q msg=flow-closed "$SERVER_LOG"
	WITH='-t tcp' run send OPTIONS 1001
	assert_status 200
	state_is 1001 registered
	run events 1001
	refute_line lost
}

@test "serve: a phone that logs out and hangs up was not lost" {
	start_server -v -l tcp:127.0.0.1:0
	WITH='-t tcp' register 1001 "$SECRET"
	wait_until 5 event_is 1001 lost
	WITH='-t tcp' keep_phone 1001 "$SECRET"
	WITH='-t tcp' keep_phone 1001 "$SECRET" 'Expires: 0'
	kill "$PHONE"
	wait_until 5 grep -q 'msg=flow-closed' "$SERVER_LOG"
	state_is 1001 offline
	assert_equal "$(events 1001 | tail -n 1)" logged-out
}

@test "serve: a phone that nobody listens for any more is lost at once" {
	start_server
	register 1001 "$SECRET"
	port=$(sql 'SELECT source FROM binding' | cut -d : -f 2)
	state_is 1001 registered
	# It has gone when an answer comes.
	datagram "Via: SIP/2.0/UDP 127.0.0.1:$port;branch=z9hG4bK1"
	wait_until 5 event_is 1001 lost
	assert_equal "$(cause 1001)" unreachable
	run grep -c "level=info msg=lost bindings=1 cause=unreachable source=127.0.0.1:$port" "$SERVER_LOG"
	assert_output 1
}

# port_unreachable FROM PORT: an ICMP message to the server, that nobody listens
# at that port of 127.0.0.1.
port_unreachable() {
	perl -MSocket -e '
		my ($from, $port, $server) = @ARGV;
		my $home = inet_aton("127.0.0.1");
		my $sent = pack("CCnnnCCna4a4nnnn", 0x45, 0, 28, 1, 0, 64, 17, 0,
			$home, $home, $server, $port, 8, 0);
		my $sum = 0;
		$sum += $_ for unpack("n*", pack("CCnN", 3, 3, 0, 0) . $sent);
		$sum = ($sum & 0xffff) + ($sum >> 16) for 1, 2;
		socket(S, PF_INET, SOCK_RAW, 1) or die "$!";
		bind(S, pack_sockaddr_in(0, inet_aton($from))) or die "$!";
		send(S, pack("CCnN", 3, 3, ~$sum & 0xffff, 0) . $sent, 0,
			pack_sockaddr_in(0, $home)) or die "$!";
		' "$1" "$2" "${SERVER##*:}"
}

@test "serve: of a phone its own machine says that it is gone, and no other" {
	# Only root may make such messages.
	[ "$(id -u)" -eq 0 ] || return 0
	start_server
	WITH='' keep_phone 1001 "$SECRET"
	port=$(sql 'SELECT source FROM binding' | cut -d : -f 2)
	port_unreachable 127.0.0.9 "$port"
	for _ in 1 2; do
		run send OPTIONS 1001
		assert_status 200
	done
	state_is 1001 registered
	port_unreachable 127.0.0.1 "$port"
	wait_until 5 event_is 1001 lost
}

@test "serve: nobody of ours who cannot be reached costs nothing" {
	start_server
	register 1001 "$SECRET"
	remember
	for port in 1 2 3; do
		datagram "Via: SIP/2.0/UDP 127.0.0.1:$port;branch=z9hG4bK1"
	done
	run send OPTIONS 1001
	assert_status 200
	assert_nothing_changed
}

# hold_database: nobody else can write until descriptor 4 is closed.
hold_database() {
	mkfifo hold
	sqlite3 -batch "$SP_DB" <hold 3>&- &
	SERVER_PIDS+=($!)
	exec 4>hold
	printf '.timeout 5000\nBEGIN IMMEDIATE;\n.system touch held\n' >&4
	wait_until 5 test -e held
}

@test "serve: connections that close while the database is held are lost after" {
	start_server -l tcp:127.0.0.1:0
	for number in {1002..1009}; do
		secret=$(given_phone "u$number" "$number")
		WITH='-t tcp' keep_phone "$number" "$secret"
		phones+=("$PHONE")
	done
	hold_database
	kill "${phones[@]}"
	failed() { grep -q msg=database "$SERVER_LOG"; }
	wait_until 5 failed
	# It waits for the database once, not once for each.
	SECONDS=0
	for _ in {1..4}; do
		WITH='-t tcp' run send OPTIONS 1001
		assert_status 200
	done
	assert [ "$SECONDS" -lt 5 ]
	exec 4>&-
	all() { [ "$(sql "SELECT count(*) FROM event WHERE what = 'lost' AND new_value = 'closed'")" -eq 8 ]; }
	wait_until 5 all
}
