#!/usr/bin/env bats
# sp-register serve: what an admin does with it, and what happens around it.

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

# reload WHAT: SIGHUP; waits for that many lines with msg=WHAT.
reload() {
	local before

	before=$(grep -c "msg=$1" "$SERVER_LOG" || true)
	kill -HUP "$SERVER_PID"
	more() { [ "$(grep -c "msg=$1" "$SERVER_LOG")" -gt "$2" ]; }
	wait_until 5 more "$1" "$before"
}

# hold_database: nobody else can write until release_database.
hold_database() {
	mkfifo hold
	sqlite3 -batch "$SP_DB" <hold 3>&- &
	SERVER_PIDS+=($!)
	exec 4>hold
	printf '.timeout 5000\nBEGIN IMMEDIATE;\n.system touch held\n' >&4
	wait_until 5 test -e held
}

release_database() {
	exec 4>&-
}

registered() { register 1001 "$SECRET" | grep '^SIP/2.0 200'; }

# given_bindings N SECONDS: of N numbers, a session each; all run out then.
given_bindings() {
	sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
			WHERE i < $1)
		INSERT INTO sp_user (id, tenant_id, login, first_name, last_name)
		SELECT 5000 + i, 1, 'u' || i, '', '' FROM n;
		INSERT INTO login_session (id, tenant_id, number, login,
			started_ms, contact, transport, user_agent)
		SELECT id, 1, id, login, 0, '', '', '' FROM sp_user
		WHERE id > 5000;
		INSERT INTO extension (id, tenant_id, digits, number, user_id,
			session_id)
		SELECT id, 1, 4, id, id, id FROM sp_user WHERE id > 5000;
		INSERT INTO binding (id, extension_id, contact, call_id, source,
			transport, user_agent, created_ms)
		SELECT id, id, 'sip:' || id || '@h', '', '', 'udp', '', 0
		FROM sp_user WHERE id > 5000;
		INSERT INTO binding_live
		SELECT id, 1, 0, (strftime('%s') + $2) * 1000, 0
		FROM sp_user WHERE id > 5000"
}

# ---- reload -----------------------------------------------------------------

@test "serve: SIGHUP takes a new tenant and another digest" {
	start_server
	sed -i 's/pool: .*/&\n    digest: [SHA-256]/' sp.yaml
	cat >>sp.yaml <<-END
	  - domain: beta.example
	    pool: [2000-2999]
	END
	reload reloaded
	run send REGISTER 1001
	assert_line --partial 'algorithm=SHA-256'
	export SP_TENANT=beta.example
	secret=$(given_phone zoe 2001)
	DOMAIN=beta.example run register 2001 "$secret"
	assert_status 200
}

@test "serve: SIGHUP with a bad file changes nothing, and says so" {
	start_server
	cp sp.yaml good.yaml
	echo 'tenant: []' >>sp.yaml
	reload not-reloaded
	run grep -c "level=error msg=not-reloaded cause=.*sp.yaml:[0-9]*: unknown key" "$SERVER_LOG"
	assert_output 1
	run register 1001 "$SECRET"
	assert_status 200
	mv good.yaml sp.yaml
	reload reloaded
	run register 1001 "$SECRET"
	assert_status 200
}

@test "serve: SIGHUP cannot move to another address or file: it says so" {
	start_server
	sed -i 's/127\.0\.0\.1:0/127.0.0.2:0/' sp.yaml
	reload needs-restart
	wait_until 5 grep -q msg=reloaded "$SERVER_LOG"
	run register 1001 "$SECRET"
	assert_status 200
	# It goes by what it was started with, not by what was read last.
	kill -HUP "$SERVER_PID"
	wait_until 5 eval '[ "$(grep -c msg=reloaded "$SERVER_LOG")" = 2 ]'
	run grep -c msg=needs-restart "$SERVER_LOG"
	assert_output 2
	sed -i 's/127\.0\.0\.2:0/127.0.0.1:0/' sp.yaml
	kill -HUP "$SERVER_PID"
	wait_until 5 eval '[ "$(grep -c msg=reloaded "$SERVER_LOG")" = 3 ]'
	run grep -c msg=needs-restart "$SERVER_LOG"
	assert_output 2
}

@test "serve: SIGHUP while the database is held changes nothing" {
	start_server
	hold_database
	sed -i 's/pool: .*/&\n    digest: [SHA-256]/' sp.yaml
	reload not-reloaded
	run send REGISTER 1001
	assert_line --partial 'algorithm=MD5'
}

# ---- stop -------------------------------------------------------------------

@test "serve: SIGTERM answers what has come, and ends cleanly" {
	given_certificate first
	echo 'tls: {certificate: first.crt, key: first.key}' >>sp.yaml
	start_server -l tcp:127.0.0.1:0 -l tls:127.0.0.1:0 -l udp:127.0.0.1:0
	stream
	printf '\r\n\r\n' >&5
	read -r -t 5 -u 5 _
	server_of tls
	openssl s_client -connect "$SERVER" </dev/zero >/dev/null 2>&1 3>&- &
	SERVER_PIDS+=($!)
	kill -STOP "$SERVER_PID"
	WITH=-t request OPTIONS 1001 >message
	cat message >&5
	kill -TERM "$SERVER_PID"
	kill -CONT "$SERVER_PID"
	run heard
	assert_line 'SIP/2.0 200 OK'
	wait "$SERVER_PID"
	run sed -n 's/.*level=//p' "$SERVER_LOG"
	assert_line --index -1 'info msg=stopped'
	refute_output --partial ERROR
}

# ---- systemd ----------------------------------------------------------------

# start_service [SOCKET...]: as systemd does; what it is told is in the file
# `notified`.
start_service() {
	SERVER_LOG=$BATS_TEST_TMPDIR/service.log
	"$BATS_TEST_DIRNAME/clients/systemd.pl" notified "$@" -- \
		sp-register serve 2>"$SERVER_LOG" 3>&- &
	SERVER_PID=$!
	SERVER_PIDS+=("$SERVER_PID")
	wait_until 10 grep -q READY=1 notified
	server_of udp
}

@test "serve: tells systemd when it is ready, reloading and stopping" {
	start_service
	assert_equal "$(cat notified)" 'READY=1 STATUS=serving'
	reload reloaded
	stop_server
	wait_until 5 grep -q STOPPING=1 notified
	run sed 's/=[0-9]\{6,\}$/=N/' notified
	assert_output 'READY=1 STATUS=serving
RELOADING=1 MONOTONIC_USEC=N
READY=1 STATUS=serving
STOPPING=1'
}

@test "serve: feeds the watchdog, also while the database takes nothing" {
	export WATCHDOG_USEC=300000
	start_service
	wait_until 10 grep -q WATCHDOG=1 notified
	hold_database
	failures() { [ "$(grep -c msg=database "$SERVER_LOG")" -ge "$1" ]; }
	wait_until 10 failures 1
	before=$(grep -c WATCHDOG notified)
	wait_until 10 failures 4
	fed() { [ "$(grep -c WATCHDOG notified)" -gt "$before" ]; }
	wait_until 10 fed
	release_database
	wait_until 10 registered
}

@test "serve: feeds the watchdog on when the first tenant has another domain" {
	export WATCHDOG_USEC=300000
	start_service
	wait_until 10 grep -q WATCHDOG=1 notified
	sed -i 's/domain: .*/domain: beta.example/' sp.yaml
	reload reloaded
	wait_until 5 grep -q RELOADING=1 notified
	fed() { sed '1,/RELOADING=1/d' notified | [ "$(grep -c WATCHDOG)" -gt 1 ]; }
	wait_until 5 fed
}

@test "serve: takes the sockets that systemd hands over" {
	given_certificate first
	echo 'tls: {certificate: first.crt, key: first.key}' >>sp.yaml
	sed -i 's/listen: .*/listen: ["udp:192.0.2.1:5060"]/' sp.yaml
	start_service sip=udp sip=tcp tls=tcp
	assert_equal "$(grep -c msg=listening "$SERVER_LOG")" 3
	run register 1001 "$SECRET"
	assert_status 200
	for transport in tcp tls; do
		server_of $transport
		WITH="-t $transport" run register 1001 "$SECRET"
		assert_status 200
	done
}

@test "serve: a socket for TLS without a certificate is 78" {
	run --separate-stderr timeout 10 "$BATS_TEST_DIRNAME/clients/systemd.pl" \
		notified tls=tcp -- sp-register serve -q
	assert_failure 78
	assert_regex "$stderr" 'cannot listen for TLS: no tls: in the configuration'
}

@test "serve: a descriptor that is no such socket is 78" {
	run --separate-stderr timeout 10 \
		perl -e '@ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, 1); exec @ARGV' \
		sp-register serve -q 3</dev/null
	assert_failure 78
	assert_equal "$stderr" "sp-register: descriptor 3 of LISTEN_FDS: expected a socket for datagrams, or for streams that listens"
}

@test "serve: IPv4 phones of an IPv6 socket have IPv4 addresses" {
	# As systemd makes it of ListenDatagram=5060.
	perl -MSocket -MPOSIX -e '$^F = 255;
		socket(S, AF_INET6, SOCK_DGRAM, 0) or die;
		setsockopt(S, 41, 26, 0) or die;
		bind(S, Socket::pack_sockaddr_in6(0, Socket::IN6ADDR_ANY)) or die;
		POSIX::dup2(fileno(S), 3);
		@ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, 1);
		exec @ARGV' sp-register serve 2>log 3>&- &
	SERVER_PID=$!
	SERVER_PIDS+=("$SERVER_PID")
	wait_until 10 grep -q msg=ready log
	SERVER=127.0.0.1:$(sed -n "s/.*address=.*:\([0-9]*\)\"*$/\1/p" log)
	run register 1001 "$SECRET"
	assert_status 200
	assert_line --partial ';received=127.0.0.1'
	run sql 'SELECT source FROM binding'
	assert_output --regexp '^127\.0\.0\.1:[0-9]+$'
	port=${output#*:}
	request OPTIONS 1001 "Via: SIP/2.0/UDP h:$port;branch=z9hG4bK1" >datagram
	cat datagram >"/dev/udp/${SERVER%:*}/${SERVER##*:}"
	wait_until 5 event_is 1001 lost
}

@test "systemd: the units are sound, and the sandbox is strict" {
	command -v systemd-analyze
	mkdir -p root/usr/bin
	for unit in service socket; do
		sed "s,/usr/bin/sp-register,$SP_BIN/sp-register," \
			"$ROOT/scripts/systemd/sp-register.$unit" >sp-register.$unit
	done
	run systemd-analyze verify --man=no ./sp-register.service ./sp-register.socket
	refute_output --partial sp-register
	# However often it starts in vain: the disk may have room again.
	run grep -x 'StartLimitIntervalSec=0' sp-register.service
	assert_success
	run systemd-analyze security --offline=true --threshold=20 ./sp-register.service
	assert_success
}

# ---- privileges -------------------------------------------------------------

@test "serve: as root it becomes the user; nobody else can" {
	echo 'user: nobody' >>sp.yaml
	if [ "$(id -u)" -ne 0 ]; then
		run --separate-stderr timeout 10 sp-register serve -q
		assert_failure 77
		assert_regex "$stderr" "^sp-register: cannot become 'nobody': "
		return
	fi
	# A way to the database, and it, for that user.
	dir=$(mktemp -d)
	chmod 755 "$dir"
	export SP_DB=$dir/sp.db
	SECRET=$(given_phone asmith 1001)
	chown -R nobody "$dir"
	start_server
	run sed -n 's/^\(Uid\|Gid\|Groups\|NoNewPrivs\|CapEff\):\s*//p' "/proc/$SERVER_PID/status"
	rm -r "$dir"
	uid=$(id -u nobody) gid=$(id -g nobody)
	assert_output "$uid	$uid	$uid	$uid
$gid	$gid	$gid	$gid
$gid 
0000000000000000
1"
	run grep -c runs-as-root "$SERVER_LOG"
	assert_output 0
}

@test "serve: a user that is not there is 78" {
	echo 'user: no-such-user' >>sp.yaml
	run --separate-stderr timeout 10 sp-register serve -q
	assert_failure 78
	assert_equal "$stderr" "sp-register: no user 'no-such-user'"
}

# ---- the database -----------------------------------------------------------

@test "serve: on a full disk 503, and then on" {
	start_server
	register 1001 "$SECRET"
	# In place of the disk: no file may grow any more.
	prlimit --pid "$SERVER_PID" --fsize=4096:
	full() { register 1001 "$SECRET" | grep '^SIP/2.0 503'; }
	wait_until 10 full
	run register 1001 "$SECRET"
	assert_status 503 'Service Unavailable'
	assert_line --regexp '^Retry-After: [1-9][0-9]*$'
	prlimit --pid "$SERVER_PID" --fsize=unlimited:
	wait_until 10 registered
	run grep -c 'level=error msg=database' "$SERVER_LOG"
	refute_output 0
	run sql 'PRAGMA integrity_check'
	assert_output ok
}

@test "serve: nobody is lost while the database is held" {
	given_config 'registration: {refresh: 1s, timeout: 4s, min: 1s}'
	start_server
	register 1001 "$SECRET"
	hold_database
	held() { [ "$(grep -c msg=database "$SERVER_LOG")" -ge 5 ]; }
	wait_until 20 held
	run register 1001 "$SECRET"
	assert_status 503
	release_database
	wait_until 5 registered
	run events 1001
	refute_line lost
	refute_line expired
	run bindings 1001
	assert_equal "${#lines[@]}" 1
}

@test "serve: a database that it may only read is refused at the start" {
	chmod 444 "$SP_DB"
	chmod 555 .
	run --separate-stderr as_mortal timeout 10 sp-register serve -q
	chmod 755 .
	assert_failure
	assert_equal "${stderr_lines[-1]}" "sp-register: cannot open database '$SP_DB': Permission denied"
}

@test "serve: counts what it has done" {
	start_server
	register 1001 "$SECRET"
	register 1001 wrong >/dev/null
	send INVITE 1001 >/dev/null
	printf 'garbage' | "$SIPSEND" "$SERVER"
	stop_server
	run sql "SELECT name, value FROM counter
		WHERE name NOT LIKE 'latency-%' ORDER BY name"
	# Each message comes with an OPTIONS behind it.
	assert_output 'auth-failures|1
challenges|3
dropped|1
registrations|1
requests|12'
	start_server
	stop_server
	run sql "SELECT value FROM counter WHERE name = 'registrations'"
	assert_output 1
}

# ---- two servers ------------------------------------------------------------

@test "serve: of all that run out together each has its event, once" {
	start_server
	start_server
	given_bindings 1500 1
	all() { [ "$(sql "SELECT count(*) FROM event WHERE what = 'lost'")" -ge 1500 ]; }
	wait_until 20 all
	run sql "SELECT what, count(*), count(DISTINCT number) FROM event
		WHERE what IN ('expired', 'lost') GROUP BY what"
	assert_output 'expired|1500|1500
lost|1500|1500'
	run sql "SELECT count(*) FROM binding"
	assert_output 0
	run sql "SELECT ending, count(*) FROM login_session GROUP BY ending"
	assert_output 'lost|1500'
}

@test "serve: a second server does not move what the first one counts" {
	start_server
	register 1001 "$SECRET"
	before=$(sql 'SELECT expires_ms FROM binding_live')
	start_server
	assert_equal "$(sql 'SELECT expires_ms FROM binding_live')" "$before"
}

# ---- clocks -----------------------------------------------------------------

# given_clock: sets CLOCK to a command whose wall clock is as the file `clock`
# says; the monotonic one is the machine's.
given_clock() {
	echo +0 >clock
	# The sanitizers want to be first, and need not.
	CLOCK=(env "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}"
		LD_PRELOAD="$(echo /usr/lib/*/faketime/libfaketime.so.1)"
		FAKETIME_TIMESTAMP_FILE="$PWD/clock" FAKETIME_NO_CACHE=1
		FAKETIME_DONT_FAKE_MONOTONIC=1)
}

@test "serve: a clock that is set an hour on or back logs nobody out" {
	for step in +1h -1h; do
		given_clock
		SERVER_LOG=$PWD/stepped$step.log
		"${CLOCK[@]}" sp-register serve 2>"$SERVER_LOG" 3>&- &
		SERVER_PID=$!
		SERVER_PIDS+=("$SERVER_PID")
		wait_until 10 grep -q msg=ready "$SERVER_LOG"
		server_of udp
		register 1001 "$SECRET" >/dev/null
		echo $step >next
		mv next clock
		# The first that compares anything with the clock.
		run register 1001 "$SECRET" -Contact
		assert_equal "$(contacts)" sip:1001@127.0.0.1:5070
		run granted
		assert_output --regexp '^(30|29|28|27)$'
		run grep -c 'level=warn msg=clock-step ms=-\?3600[0-9]*$\|level=warn msg=clock-step ms=-\?3599[0-9]*$' "$SERVER_LOG"
		assert_output 1
		run "${CLOCK[@]}" sp-status -q -o tsv --columns state 1001
		assert_output registered
		run events 1001
		refute_line lost
		stop_server
		sql 'DELETE FROM binding; UPDATE server SET heartbeat_ms = 0'
	done
}

@test "serve: installed, the unit starts the tool that was installed" {
	make -s -C "$ROOT" -o all install PREFIX=/opt/sp DESTDIR="$PWD/root"
	run sed -n 's/^ExecStart=//p' \
		root/opt/sp/lib/systemd/system/sp-register.service
	assert_output "/opt/sp/bin/sp-register serve"
	assert_exists "root${output% *}"
	assert_exists root/opt/sp/share/sp/fail2ban/sp-register.conf
}
