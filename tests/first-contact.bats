#!/usr/bin/env bats
# The first five minutes of somebody who has read nothing: an empty home, no
# configuration, no database, and every mistake that is easily made.

load common

setup() {
	common_setup
	unset SP_DB
	DB=$HOME/.local/state/sp/sp.db
}

teardown() {
	common_teardown
}

# assert_told STATUS SENTENCE COMMAND...: that, and nothing else.
assert_told() {
	run --separate-stderr timeout 10 "${@:3}"
	assert_failure "$1"
	assert_output ""
	assert_equal "$stderr" "$2"
}

# at_terminal COMMAND...: as it looks there.
at_terminal() {
	run bash -c "set -o pipefail
		script -qec '$*' /dev/null </dev/null | tr -d '\r'"
}

# next_command: the one that the server offers.
next_command() {
	sed -n 's/.* msg=serving .*try="\(.*\)"$/\1/p' "$SERVER_LOG"
}

# ---- with nothing at all ----------------------------------------------------

@test "first: without operands a tool shows a command that works" {
	assert_told 64 "sp-assign: no login is named, as in 'sp-assign asmith\
 Anna Smith' (see sp-assign --help)" sp-assign
	assert_told 64 "sp-recycle: no user or extension is named, as in\
 'sp-recycle asmith' (see sp-recycle --help)" sp-recycle
	assert_told 64 "sp-register: expected serve, login, logout or probe, as\
 in 'sp-register serve' (see sp-register --help)" sp-register
	assert_told 64 "sp-register login: expected one EXT@DOMAIN, as in\
 'sp-register login 1000@localhost --server 127.0.0.1:5060' (see sp-register\
 login --help)" sp-register login
	assert_told 64 "sp-register logout: no user or extension is named, as\
 in 'sp-register logout asmith' (see sp-register logout --help)" \
		sp-register logout
	assert_not_exists "$DB"
}

@test "first: without a database every tool says who makes one" {
	local none="no users yet: no database '$DB' (sp-assign LOGIN makes both)"

	for command in sp-status 'sp-status asmith' 'sp-status --summary' \
		'sp-status --free' 'sp-status --history 1000' \
		'sp-status --follow' sp-forward 'sp-forward --resolve 1000' \
		'sp-forward asmith --busy 1001' 'sp-recycle asmith' \
		'sp-register logout asmith'; do
		echo "case: $command"
		# shellcheck disable=SC2086 # several words
		assert_told 66 "${command%% *}: $none" $command
	done
	run sp-status --check
	assert_failure 3
	assert_output "SP UNKNOWN - $none"
	assert_not_exists "$DB"
}

@test "first: a database that is elsewhere, or cannot be" {
	: >file
	assert_told 66 "sp-status: no users yet: no database 'none.db'\
 (sp-assign LOGIN makes both)" sp-status -d none.db
	assert_told 66 "sp-status: no database 'file/sp.db': Not a directory" \
		sp-status -d file/sp.db
}

@test "first: --help and --version need nothing" {
	for command in sp-assign sp-recycle sp-forward sp-status sp-register \
		sp-register\ {serve,login,logout,probe}; do
		# shellcheck disable=SC2086
		run --separate-stderr $command --help
		assert_success
		assert_regex "${lines[0]}" "^usage: $command "
		assert_equal "$stderr" ""
		# shellcheck disable=SC2086
		run --separate-stderr $command --version
		assert_success
		assert_regex "$output" "^${command%% *} [0-9.]+$"
	done
}

# ---- the first user, the server, a softphone --------------------------------

@test "first: sp-assign in an empty home just works" {
	run --separate-stderr sp-assign asmith Anna Smith
	assert_success
	assert_output $'1000\tasmith\tAnna\tSmith\t1000@localhost'
	assert_equal "$stderr" ""
	assert_file_exists "$DB"
	run --separate-stderr sp-status --columns number,login,state
	assert_success
	assert_output $'1000\tasmith\toffline'
	assert_equal "$stderr" ""
}

@test "first: the server leads from the first user to the first login" {
	start_server --listen udp:127.0.0.1:0
	run grep -c 'level=info msg=serving domain=localhost assigned=0 free=9000 try="sp-assign -s LOGIN"$' "$SERVER_LOG"
	assert_output 1
	stop_server
	sp-assign -q asmith
	start_server --listen udp:127.0.0.1:0
	assert_equal "$(next_command)" "sp-assign -s asmith"
	SP_SECRET=$($(next_command) -o tsv | cut -f 6)
	stop_server
	start_server --listen udp:127.0.0.1:0
	assert_equal "$(next_command)" \
		"sp-register login 1000@localhost --server $SERVER"
	export SP_SECRET
	run --separate-stderr timeout 10 $(next_command) --once
	assert_success
	assert_line --regexp $'\tregistered\t1000@localhost\texpires=30$'
	state_is 1000 registered
}

@test "first: what the server offers is of its database and its tenant" {
	given_config
	sed -i 's/^tenants:/&\n  - {domain: b.example, pool: [100-199]}/' sp.yaml
	unset SP_CONFIG
	start_server -c sp.yaml -d b.db --listen udp:127.0.0.1:0
	assert_equal "$(next_command)" "sp-assign -c sp.yaml -d b.db -t b.example -s LOGIN
sp-assign -c sp.yaml -d b.db -t acme.example -s LOGIN"
	run bash -c "$(next_command | head -n 1 | sed s/LOGIN/asmith/)"
	assert_success
	assert_line --partial 100@b.example
}

@test "first: a server on all addresses is tried on the loopback, or by TCP" {
	sp-assign -s asmith
	start_server --listen tcp:0.0.0.0:0
	assert_equal "$(next_command)" "sp-register login 1000@localhost\
 --server 127.0.0.1:${SERVER##*:} --transport tcp"
	start_server --listen tcp:127.0.0.1:0 --listen 'udp:[::]:0'
	assert_regex "$(next_command)" ' --server \[::1\]:[0-9]+$'
}

@test "first: nine tenants are not all told of, and a quiet server says nothing" {
	printf 'tenants:\n' >sp.yaml
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "  - {domain: t$i.example, pool: [100-199]}" >>sp.yaml
	done
	start_server -c sp.yaml --listen udp:127.0.0.1:0
	assert_equal "$(grep -c 'msg=serving domain=' "$SERVER_LOG")" 8
	assert_equal "$(sed -n 's/.*msg=serving more=//p' "$SERVER_LOG")" 1
	run --separate-stderr timeout 2 sp-register serve -q -c sp.yaml \
		--listen udp:127.0.0.1:0
	assert_equal "$stderr" ""
}

# ---- at a terminal ----------------------------------------------------------

@test "first: an empty list says at a terminal who fills it" {
	start_server --listen udp:127.0.0.1:0
	for tool in sp-status sp-forward; do
		at_terminal $tool
		assert_success
		assert_line "$tool: no users yet: 'sp-assign LOGIN' makes the first"
		at_terminal $tool -q
		refute_output --partial "no users yet"
		run --separate-stderr $tool
		assert_success
		assert_output ""
		assert_equal "$stderr" ""
	done
	sp-assign -q asmith
	at_terminal sp-status --state lost
	refute_output --partial "no users yet"
}

# ---- slips ------------------------------------------------------------------

@test "first: a login, an option, a tenant with a slip" {
	sp-assign -q asmith
	for tool in sp-status sp-forward sp-recycle 'sp-register logout'; do
		# shellcheck disable=SC2086
		assert_told 67 "${tool%% *}: no user or extension 'asmiht' in\
 'localhost', is it 'asmith'?" $tool asmiht
	done
	assert_told 64 "sp-forward: unknown option '--bussy', is it --busy? (see\
 sp-forward --help)" sp-forward asmith --bussy 1001
	assert_told 64 "sp-forward: option '--busy' needs an argument, TARGET\
 (see sp-forward --help)" sp-forward asmith --busy
	assert_told 64 "sp-register: unknown command 'server', expected serve,\
 login, logout or probe (see sp-register --help)" sp-register server
	assert_told 64 "sp-status: no tenant 'acme.example', expected one of:\
 localhost" sp-status -t acme.example
	assert_told 65 "sp-assign: 'Ann Lee' is not a login (ASCII letters,\
 digits and . _ - + @)" sp-assign 'Ann Lee'
}

@test "first: a configuration with a slip" {
	assert_told 66 "sp-status: cannot read 'sp.yaml': No such file or\
 directory" sp-status -c sp.yaml
	printf 'tenants:\n  - {domain: a.example, pol: [1000-1999]}\n' >sp.yaml
	assert_told 78 "sp-status: sp.yaml:2: tenants: unknown key 'pol',\
 expected domain, aliases, pool, reserved, rest, registration, digest,\
 voicemail, gateway, calls, forwarding" sp-status -c sp.yaml
	printf 'tenants:\n  - domain: a.example\n  - domain: b.example\n' >sp.yaml
	sed -i 's/domain: .*/&\n    pool: [100-199]/' sp.yaml
	assert_told 64 "sp-assign: no tenant named, expected --tenant with one\
 of: a.example, b.example" sp-assign -c sp.yaml asmith
}

# ---- phones that do not come in ---------------------------------------------

@test "first: a softphone without a secret is told who makes one" {
	assert_told 64 "sp-register: no secret: expected --secret-file,\
 --secret-fd or the variable SP_SECRET (sp-assign -s LOGIN makes one)" \
		sp-register login 1000@localhost --server 127.0.0.1:9
}

@test "first: a softphone that is refused, and what helps" {
	local lost="SIP phone has lost connection with the system."
	local secret="sp-register: is it a wrong number or secret? 'sp-assign -s\
 LOGIN' prints the number and a new secret"

	sp-assign -q asmith
	start_server --listen udp:127.0.0.1:0
	export SP_SECRET=wrong-secret
	for number in 1000 1001; do
		run --separate-stderr timeout 10 sp-register login --once \
			"$number@localhost" --server "$SERVER"
		assert_failure 77
		assert_equal "$stderr" "$lost $SERVER answers 401 Unauthorized.
$secret"
	done
	run --separate-stderr timeout 10 sp-register login --once \
		1000@b.example --server "$SERVER"
	assert_failure 77
	assert_equal "$stderr" "$lost $SERVER answers 404 Not Found.
sp-register: the server knows no '1000@b.example': is that its domain?\
 (sp-register serve logs those that it is serving)"
	SP_SECRET=$(given_secret asmith)
	run timeout 10 sp-register login --once 1000@localhost --server "$SERVER"
	assert_success
}

@test "first: a softphone or a probe that names what it should not" {
	export SP_SECRET=wrong-secret
	assert_told 64 "sp-register: 'asmith' is not an extension, expected\
 EXT@DOMAIN; the server is named by --server" \
		sp-register login asmith@localhost
	assert_told 64 "sp-register: 'localhost' is not an extension, expected\
 EXT@DOMAIN; the server is named by --server" sp-register probe localhost
	assert_told 64 "sp-register: no server: expected --server HOST[:PORT],\
 EXT@DOMAIN or --tenant" sp-register probe
	assert_told 64 "sp-register: --server: 'udp:127.0.0.1:9': expected HOST,\
 HOST:PORT or [IPv6]:PORT" sp-register probe --server udp:127.0.0.1:9
}

@test "first: a second server is told how to have a port of its own" {
	start_server --listen udp:127.0.0.1:0
	assert_told 69 "sp-register: cannot listen on 'udp:$SERVER': Address\
 already in use (by another server? --listen takes another port, 0 a free\
 one)" sp-register serve --listen "udp:$SERVER"
}
