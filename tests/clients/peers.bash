# shellcheck shell=bash
# Whom our own client talks to in the tests: servers with a certificate, and
# servers that answer by a script. To be loaded after common.bash, softphone.bash
# and wire.bash.

# given_certificate NAME FILE: a certificate for a DNS name, FILE.pem with its
# key in FILE.key; it is its own CA.
given_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj "/CN=test" -addext "subjectAltName=DNS:$1" \
		-keyout "$2.key" -out "$2.pem" 2>/dev/null
}

# given_tls NAME: our server has a certificate for it, in server.pem.
given_tls() {
	given_certificate "$1" server
	sed -i "1i tls: {certificate: $PWD/server.pem, key: $PWD/server.key}" \
		sp.yaml
}

# scenario STEP...: for sipp; see fake_server.
scenario() {
	local step

	echo '<?xml version="1.0" encoding="UTF-8"?><scenario name="fake">'
	for step; do
		echo "<recv request=\"${FAKE_METHOD-REGISTER}\"/>"
		[ -n "$step" ] || continue
		printf '<send><![CDATA[\nSIP/2.0 %s\n' "${step%%|*}"
		printf '[last_%s:]\n' Via From To Call-ID CSeq
		[[ $step != *'|'* ]] || tr '|' '\n' <<<"${step#*|}"
		printf 'Content-Length: 0\n\n]]></send>\n'
	done
	echo '</scenario>'
}

# fake_server STEP...: answers one client's requests, one after the other, with
# "STATUS PHRASE|FIELD|FIELD"; an empty STEP: with silence. Sets SERVER. What
# goes over the wire is in fake.log. FAKE_TRANSPORT: u1 (UDP) or t1 (TCP).
# shellcheck disable=SC2034 # SERVER: for the tests
fake_server() {
	local port transport=${FAKE_TRANSPORT-u1}

	port=$(free_udp_port)
	SERVER=127.0.0.1:$port
	scenario "$@" >fake.xml
	sipp -sf fake.xml -i 127.0.0.1 -p "$port" -t "$transport" -m 1 -nostdin \
		-trace_msg -message_file fake.log </dev/null >fake.out 2>&1 3>&- &
	SERVER_PIDS+=($!)
	wait_until 5 grep -q "$(printf ':%04X ' "$port")" /proc/net/udp \
		/proc/net/tcp
}

# fake_saw PATTERN: what of the requests matches it, a line each.
fake_saw() {
	grep -o -E "$1" fake.log
}

# locked_database: another program writes, and does not end; until it is ended.
locked_database() {
	mkfifo lock
	sqlite3 "$SP_DB" <lock >locked 3>&- &
	SERVER_PIDS+=($!)
	exec {LOCK}>lock
	echo 'BEGIN IMMEDIATE; SELECT 1;' >&"$LOCK"
	wait_until 5 grep -q 1 locked
}

unlock_database() {
	exec {LOCK}>&-
}
