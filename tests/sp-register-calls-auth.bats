#!/usr/bin/env bats
# sp-register serve: who may call, whom, and as whom; messages on the wire. Our
# users: 1001 calls, 1002 is called at the listener `callee`; `victim` is what
# nobody may be led to, `gateway` where external numbers go.

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/wire
	CLIENTS=$BATS_TEST_DIRNAME/clients
	listen victim
	listen gateway
	GATEWAY=$(port_of gateway)
	VICTIM=127.0.0.1:$(port_of victim)
}

teardown() {
	common_teardown
}

# listen NAME [PORT]: a listener that writes what it hears to the file NAME.
listen() {
	"$CLIENTS/listener.pl" "${@:2}" >"$1" 3>&- &
	SERVER_PIDS+=($!)
	wait_until 5 test -s "$1"
}

port_of() {
	head -n 1 "$1"
}

# serve [LINE...]: a server that trusts 127.0.0.2, with more lines for the
# tenant; 1001 and 1002 have phones.
serve() {
	local port

	given_config "gateway: sip:127.0.0.1:$GATEWAY" "$@"
	sed -i '1i trusted: [127.0.0.2]' sp.yaml
	start_server
	SECRET=$(given_phone asmith 1001)
	port=$(free_udp_port)
	WITH="-p $port" register 1002 "$(given_phone bjones 1002)" \
		"Contact: <sip:1002@127.0.0.1:$port>" >answer
	grep -q '^SIP/2.0 200' answer
	listen callee "$port"
}

# md5 TEXT
md5() {
	printf %s "$1" | md5sum | cut -d ' ' -f 1
}

# credentials EXT SECRET METHOD URI <CHALLENGE: a Proxy-Authorization.
credentials() {
	local nonce ha1 ha2

	nonce=$(sed -n 's/^Proxy-Authenticate: .*[ ,]nonce="\([^"]*\)".*/\1/p')
	ha1=$(md5 "$1:$DOMAIN:$2")
	ha2=$(md5 "$3:$4")
	printf 'Proxy-Authorization: Digest username="%s", realm="%s", ' \
		"$1" "$DOMAIN"
	printf 'nonce="%s", uri="%s", qop=auth, nc=00000001, cnonce="c", ' \
		"$nonce" "$4"
	printf 'algorithm=MD5, response="%s"\n' \
		"$(md5 "$ha1:$nonce:00000001:c:auth:$ha2")"
}

# as_extension METHOD EXT SECRET URI [FIELD...]: sends a request; when it is
# challenged, once more with credentials. Prints the last answers.
as_extension() {
	local method=$1 ext=$2 secret=$3 uri=$4 answer

	shift 4
	answer=$(URI=$uri send "$method" "$ext" "To: <$uri>" "$@")
	if [[ $answer = 'SIP/2.0 407 '* ]]; then
		answer=$(URI=$uri send "$method" "$ext" "To: <$uri>" \
			"+$(credentials "${USERNAME-$ext}" "$secret" "$method" \
				"$uri" <<<"$answer")" "$@")
	fi
	printf '%s\n' "$answer"
}

# as_peer METHOD URI [FIELD...]: sends a request from the trusted address.
as_peer() {
	URI=$2 WITH='-b 127.0.0.2' send "$1" peer "To: <$2>" \
		'From: <sip:peer@trunk.example>;tag=from' "${@:3}"
}

# as_nobody METHOD URI [FIELD...]: sends a request without credentials.
as_nobody() {
	URI=$2 send "$1" 1001 "To: <$2>" "${@:3}"
}

# heard_nothing NAME...: nothing came there, nor will of what was sent before:
# the server sends in order, so the mark comes behind it.
heard_nothing() {
	local name mark

	for name; do
		mark=mark-$RANDOM
		echo "$mark" >"/dev/udp/127.0.0.1/$(port_of "$name")"
		wait_until 5 grep -q "$mark" "$name"
		assert_equal "$name: $(sed '1d; /^mark-/d; /^$/d' "$name")" "$name: "
	done
}

# first_at NAME METHOD: waits for it, and prints the first.
first_at() {
	wait_until 5 grep -q "^$2 " "$1"
	sed -n "/^$2 /,/^\$/p" "$1" | sed '/^$/q'
}

# turned_down COMMAND...: it is answered with a refusal.
turned_down() {
	echo "$*"
	run "$@"
	refute_line --regexp '^SIP/2\.0 [235][0-9][0-9] '
	assert_line --regexp '^SIP/2\.0 [46][0-9][0-9] '
}

# ---- who calls --------------------------------------------------------------

@test "calls: nobody calls without credentials, and learns no numbers" {
	serve
	for number in 1002 1009 5555 +14155550123; do
		run as_nobody INVITE "sip:$number@$DOMAIN"
		assert_status 407
		assert_line --regexp '^Proxy-Authenticate: Digest .*realm="acme\.example"'
		refute_line --regexp '^WWW-Authenticate'
	done
	heard_nothing callee gateway victim
}

@test "calls: a wrong secret is challenged again" {
	serve
	run as_extension INVITE 1001 "not$SECRET" "sip:1002@$DOMAIN"
	assert_status 407
	# One that nobody has looks the same.
	run as_extension INVITE 1009 "$SECRET" "sip:1002@$DOMAIN"
	assert_status 407
	heard_nothing callee
}

@test "calls: credentials do not serve twice" {
	serve
	uri=sip:1002@$DOMAIN
	proof=$(as_nobody INVITE "$uri" | credentials 1001 "$SECRET" INVITE "$uri")
	as_nobody INVITE "$uri" "+$proof" 'Call-ID: first'
	first_at callee INVITE
	run as_nobody INVITE "$uri" "+$proof" 'Call-ID: second'
	assert_status 407
	run grep -c '^Call-ID: second' callee
	assert_output 0
}

@test "calls: an extension is nobody else" {
	serve
	given_user cjames 1003
	for from in "sip:1003@$DOMAIN" "sip:1009@$DOMAIN" sip:1001@else.example \
		"sip:asmith.else@$DOMAIN"; do
		run as_extension INVITE 1001 "$SECRET" "sip:1002@$DOMAIN" \
			"From: <$from>;tag=from"
		assert_status 403
	done
	USERNAME=1001 run as_extension INVITE 1003 "$SECRET" "sip:1002@$DOMAIN"
	assert_status 403
	heard_nothing callee
}

@test "calls: who calls is told by the server, not by the phone" {
	serve
	as_extension INVITE 1001 "$SECRET" "sip:1002@$DOMAIN" \
		"+P-Asserted-Identity: \"The Boss\" <sip:1000@$DOMAIN>" \
		'+p-asserted-identity: <tel:+14155550100>'
	run first_at callee INVITE
	run grep -i '^P-Asserted-Identity' <<<"$output"
	assert_output "P-Asserted-Identity: \"First-asmith Last-asmith\" <sip:1001@$DOMAIN>"
}

@test "calls: the credentials stay here, a hop is counted, the server is in the route" {
	serve
	as_extension INVITE 1001 "$SECRET" "sip:1002@$DOMAIN" 'Max-Forwards: 30'
	run first_at callee INVITE
	refute_output --partial Proxy-Authorization
	assert_line 'Max-Forwards: 29'
	assert_line --regexp "^Record-Route: <sip:.*$SERVER.*;lr"
	assert_line --regexp "^Via: SIP/2\.0/UDP $SERVER;.*branch=z9hG4bK"
	assert_line --index 0 --regexp '^INVITE sip:1002@127\.0\.0\.1:[0-9]+ SIP/2\.0$'
}

@test "calls: a trusted peer needs no credentials" {
	serve
	as_peer INVITE "sip:1002@$DOMAIN"
	run first_at callee INVITE
	assert_line --regexp '^From: <sip:peer@trunk\.example>'
}

# ---- no open relay ----------------------------------------------------------

# attempts WHO [ARG...]: what leads away from the server, tried by as_WHO.
attempts() {
	local uri

	for uri in "sip:1002@$VICTIM" "sip:+14155550123@$VICTIM" \
		"sip:1002@$VICTIM;transport=tcp" "sip:$VICTIM" \
		"sip:1002%40$VICTIM@else.example" tel:+14155550123; do
		turned_down "$@" "$uri"
		turned_down "$@" "$uri" "Route: <sip:$SERVER;lr>"
	done
	for uri in "sip:$VICTIM;lr" "sip:$VICTIM" "sip:$VICTIM;transport=tcp;lr" \
		"sip:$SERVER;lr>, <sip:$VICTIM;lr"; do
			run "$@" "sip:1009@$DOMAIN" "Route: <$uri>"
		refute_output --regexp '^SIP/2\.0 2'
	done
	heard_nothing victim gateway
}

# no_dialog WHO [ARG...]: the same, as if there were a call already.
no_dialog() {
	local method uri

	for method in INVITE BYE UPDATE INFO ACK; do
		for uri in "sip:$VICTIM;lr" "sip:$SERVER;lr>, <sip:$VICTIM;lr" \
			"sip:$SERVER;lr"; do
			run "$1" "$method" "${@:2}" "sip:1002@$VICTIM" \
				"To: <sip:1002@$DOMAIN>;tag=to" "Route: <$uri>"
			# To an ACK there is no answer.
			refute_output --regexp 'SIP/2\.0 [23]'
		done
	done
	heard_nothing victim gateway callee
}

# The same with the method first.
invite_as_extension() {
	as_extension INVITE 1001 "$SECRET" "$@"
}

any_as_extension() {
	as_extension "$1" 1001 "$SECRET" "${@:2}"
}

@test "relay: nobody is led away, by Request-URI or Route" {
	serve
	attempts as_nobody INVITE
}

@test "relay: an extension is not led away" {
	serve
	attempts invite_as_extension
}

@test "relay: a trusted peer is not led away" {
	serve
	attempts as_peer INVITE
}

@test "relay: a tag and a Route make no call that there is not" {
	serve
	no_dialog as_nobody
	no_dialog any_as_extension
	no_dialog as_peer
}

@test "relay: an external number is for extensions that may call it" {
	serve
	turned_down as_nobody INVITE "sip:+14155550123@$DOMAIN"
	turned_down as_peer INVITE "sip:+14155550123@$DOMAIN"
	sp-assign -q --calls internal asmith
	turned_down invite_as_extension "sip:+14155550123@$DOMAIN"
	heard_nothing gateway
	sp-assign -q --calls all asmith
	invite_as_extension "sip:+14155550123@$DOMAIN"
	run first_at gateway INVITE
	assert_line --index 0 --regexp '^INVITE sip:\+14155550123@'
}

@test "relay: a tenant may keep its extensions inside" {
	serve 'calls: internal'
	turned_down invite_as_extension "sip:+14155550123@$DOMAIN"
	heard_nothing gateway
	invite_as_extension "sip:1002@$DOMAIN"
	first_at callee INVITE
}

@test "relay: a rule leads outside, whoever calls" {
	serve
	sp-forward -q 1002 --always +14155550123
	sp-assign -q --calls internal asmith
	invite_as_extension "sip:1002@$DOMAIN" 'Call-ID: by-extension'
	wait_until 5 grep -q '^Call-ID: by-extension' gateway
	as_peer INVITE "sip:1002@$DOMAIN" 'Call-ID: by-peer'
	wait_until 5 grep -q '^Call-ID: by-peer' gateway
	heard_nothing callee victim
}

# ---- what a proxy must look at ----------------------------------------------

@test "calls: no hop is left: 483" {
	serve
	run as_peer INVITE "sip:1002@$DOMAIN" 'Max-Forwards: 0'
	assert_status 483
	heard_nothing callee
}

@test "calls: what came by here already is a loop: 482" {
	serve
	as_peer INVITE "sip:1002@$DOMAIN"
	first_at callee INVITE >seen
	mapfile -t vias < <(sed -n 's/^Via: /+Via: /p' seen)
	# By way of another proxy.
	run as_peer INVITE "sip:1002@$DOMAIN" "${vias[@]}" \
		"Call-ID: $(sed -n 's/^Call-ID: //p' seen)" \
		"CSeq: $(sed -n 's/^CSeq: //p' seen)"
	assert_status 482
	run grep -c '^INVITE ' callee
	assert_output 1
}

@test "calls: what a proxy is required to know and does not: 420" {
	serve
	run as_peer INVITE "sip:1002@$DOMAIN" '+Proxy-Require: unheard-of'
	assert_status 420
	assert_line 'Unsupported: unheard-of'
	heard_nothing callee
	# That of the other end is none of its business.
	as_peer INVITE "sip:1002@$DOMAIN" '+Require: unheard-of'
	run first_at callee INVITE
	assert_line 'Require: unheard-of'
}
