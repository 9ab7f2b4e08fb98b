# shellcheck shell=bash
# SIP requests byte for byte, for what no real client would send. To be loaded
# after common.bash; the server is that of start_server, the tenant DOMAIN. The
# tool behind it is sipsend.c.

DOMAIN=acme.example

SIPSEND=${SP_BUILD:-$ROOT/build}/sipsend

# given_phone LOGIN NUMBER: a user with a secret, which is printed.
given_phone() {
	sp-assign -s -o tsv -N "$2" "$1" "First-$1" "Last-$1" | cut -f 6
}

# request METHOD EXT [FIELD...]: prints a request by EXT@DOMAIN to
# itself. FIELD is "Name: value" in place of the usual field of that name,
# "+Name: value" beside it, "-Name" to leave it out. The usual CSeq rises from
# one request to the next. URI and VERSION change the start line.
request() {
	local method=$1 ext=$2 field line ms=$((${EPOCHREALTIME/[.,]/} / 1000))
	local -a kept head=(
		"Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK$ms.$RANDOM"
		'Max-Forwards: 70'
		"From: <sip:$ext@$DOMAIN>;tag=from"
		"To: <sip:$ext@$DOMAIN>"
		"Call-ID: $ext@$BATS_TEST_NUMBER"
		"CSeq: $((ms % 2000000000)) $method"
		"Contact: <sip:$ext@127.0.0.1:5070>"
	)
	# Where a message ends in a stream.
	[[ ${WITH-} != *-t* ]] || head+=('Content-Length: 0')

	shift 2
	for field; do
		kept=()
		for line in "${head[@]}"; do
			case $field in
			"${line%%:*}:"* | "-${line%%:*}") ;;
			*) kept+=("$line") ;;
			esac
		done
		[[ $field = -* ]] || kept+=("${field#+}")
		head=("${kept[@]}")
	done
	printf '%s\r\n' "$method ${URI-sip:$DOMAIN} ${VERSION-SIP/2.0}" \
		"${head[@]}" ''
}

# send METHOD EXT [FIELD...]: sends that, without credentials; prints the
# answer, without the CRs. WITH holds options for sipsend.
send() {
	# shellcheck disable=SC2086 # several words
	request "$@" | "$SIPSEND" ${WITH-} "$SERVER"
}

# register EXT SECRET [FIELD...]: sends a REGISTER; when it is challenged, with
# credentials. What was sent is then in the file `sent`. WITH as for send.
register() {
	local ext=$1 secret=$2

	shift 2
	# shellcheck disable=SC2086 # several words
	request REGISTER "$ext" "$@" |
		"$SIPSEND" -o sent -u "$ext" -s "$secret" ${WITH-} "$SERVER"
}

# sent_nonce: the nonce in the file `sent`.
sent_nonce() {
	sed -n 's/.*, nonce="\([^"]*\)".*/\1/p' sent
}

# bindings EXT: its contacts, a line each, in the order of their making.
bindings() {
	sql "SELECT b.contact FROM binding b
		JOIN extension e ON e.id = b.extension_id
		WHERE e.number = '$1' ORDER BY b.id"
}

# events EXT: what happened to it, a line each.
events() {
	sql "SELECT what FROM event WHERE number = '$1'
		ORDER BY seq"
}

# assert_status STATUS [PHRASE]: of the only answer in $output.
# shellcheck disable=SC2154 # output: from `run`
assert_status() {
	assert_equal "$(grep -c '^SIP/2.0 ' <<<"$output")" 1
	assert_line --index 0 --regexp "^SIP/2\.0 $1 ${2-.*}\$"
}

# event_is EXT WHAT: whether it has happened; for wait_until.
event_is() {
	events "$1" | grep -qx "$2"
}

# granted: the seconds of the only contact in $output.
granted() {
	sed -n 's/^Contact: .*;expires=\([0-9]*\).*/\1/p' <<<"$output"
}

# contacts: the URIs in $output, a line each, in the order of the alphabet.
contacts() {
	sed -n 's/^Contact: <\([^>]*\)>;expires=[0-9]*.*/\1/p' <<<"$output" | sort
}

# normalised <ANSWER: without what differs between two to the same request.
normalised() {
	sed 's/nonce="[^"]*"/nonce/; s/rport=[0-9]*/rport/; s/expires=[0-9]*/expires/
		s/^Date: .*/Date/'
}

# given_short_registration: phones are lost after seconds, so that a test need
# not wait for 30.
given_short_registration() {
	given_config 'registration: {refresh: 1s, timeout: 4s, min: 1s}'
}

# given_certificate NAME: makes NAME.crt and NAME.key, in a moment.
given_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# server_of TRANSPORT [N]: SERVER is where the last server listens for it (the
# Nth such address).
server_of() {
	SERVER=$(sed -n "s/.*msg=listening transport=$1 address=//p" \
		"$SERVER_LOG" | sed -n "${2-1}{s/\"//g;p}")
}

# stream: connects the descriptor 5 to SERVER.
stream() {
	# Not a local variable: bash parses the path.
	exec 5<>"/dev/tcp/${SERVER%:*}/${SERVER##*:}"
}

# heard [SECONDS]: what the descriptor 5 gets until the server closes it,
# without the CRs; fails when it does not.
heard() {
	timeout "${1-8}" cat <&5 2>/dev/null | tr -d '\r'
	[ "${PIPESTATUS[0]}" != 124 ]
}
