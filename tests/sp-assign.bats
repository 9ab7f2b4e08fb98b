#!/usr/bin/env bats

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config
}

teardown() { common_teardown; }

# digests LOGIN: what is stored of that user's secret, in hex.
digests() {
	sql "SELECT lower(hex(number_md5)), lower(hex(login_md5)),
		lower(hex(number_sha256)), lower(hex(login_sha256))
		FROM secret JOIN sp_user u ON u.id = user_id
		WHERE u.login = '$1'"
}

# expected_digests NUMBER LOGIN SECRET: the same, by other programs.
expected_digests() {
	local sum name list=()

	for sum in md5sum sha256sum; do
		for name in "$1" "$2"; do
			list+=("$(printf %s "$name:acme.example:$3" | $sum |
				cut -d ' ' -f 1)")
		done
	done
	(IFS='|'; echo "${list[*]}")
}

# ---- one user ---------------------------------------------------------------

@test "sp-assign: a new user gets the lowest number" {
	run --separate-stderr sp-assign asmith Ann Smith
	assert_success
	assert_output $'1000\tasmith\tAnn\tSmith\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: a user needs no names" {
	run --separate-stderr sp-assign asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: names are any UTF-8" {
	run --separate-stderr sp-assign zoe 'Zoë 😀' "O'Brien-李"
	assert_success
	assert_output $'1000\tzoe\tZoë 😀\tO\'Brien-李\t1000@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(sp-status -o tsv zoe | cut -f 3,4)" \
		$'Zoë 😀\tO\'Brien-李'
}

@test "sp-assign: a known user keeps the number and gets the new names" {
	given_user asmith 1007
	run --separate-stderr sp-assign asmith Anne Jones
	assert_success
	assert_output $'1007\tasmith\tAnne\tJones\t1007@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(last_event)" \
		"1007|asmith|renamed|First-asmith Last-asmith|Anne\
 Jones|sp-assign|$(id -un)"
}

@test "sp-assign: the event of a new name says both, as far as they are there" {
	sp-assign -q asmith
	sp-assign -q asmith Ann
	assert_equal "$(last_event | cut -d '|' -f 3-5)" "renamed||Ann"
	sp-assign -q asmith Ann Smith
	assert_equal "$(last_event | cut -d '|' -f 3-5)" "renamed|Ann|Ann Smith"
	sp-assign -q asmith ''
	assert_equal "$(last_event | cut -d '|' -f 3-5)" \
		"renamed|Ann Smith|Smith"
}

@test "sp-assign: a name that is not said stays, an empty one goes" {
	sp-assign -q asmith Ann Smith
	run --separate-stderr sp-assign asmith
	assert_output $'1000\tasmith\tAnn\tSmith\t1000@acme.example'
	run --separate-stderr sp-assign asmith ''
	assert_output $'1000\tasmith\t\tSmith\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: said again, it changes nothing" {
	sp-assign -q -N 1007 asmith Ann Smith
	remember
	run --separate-stderr sp-assign -N 1007 asmith Ann Smith
	assert_success
	assert_output $'1007\tasmith\tAnn\tSmith\t1007@acme.example'
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-assign: --quiet prints nothing" {
	run --separate-stderr sp-assign --quiet asmith
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-assign: what is not a login is refused" {
	local what="is not a login (ASCII letters, digits and . _ - + @)"

	given_user asmith
	remember
	for login in 'a b' -x 'zoë' a:1001 "a'b" $'a\tb'; do
		run --separate-stderr sp-assign -- "$login"
		assert_refused 65 "sp-assign: '$login' $what"
	done
	run --separate-stderr sp-assign ''
	assert_refused 65 "sp-assign: the login is empty"
	run --separate-stderr sp-assign $'a\xff'
	assert_refused 65 "sp-assign: '?' $what"
}

@test "sp-assign: a login has up to 64 bytes" {
	local login
	login=$(printf 'a%.0s' {1..64})

	sp-assign -q "$login"
	remember
	run --separate-stderr sp-assign "${login}a"
	assert_refused 65 \
		"sp-assign: login 'aaaaaaaaaaaaaaaaaaaa...' is longer than 64 bytes"
}

@test "sp-assign: what is not a name is refused" {
	given_user asmith
	remember
	run --separate-stderr sp-assign asmith $'A\xff'
	assert_refused 65 "sp-assign: the first name is not valid UTF-8"
	run --separate-stderr sp-assign asmith Ann $'Smi\nth'
	assert_refused 65 "sp-assign: the last name has a control character"
	run --separate-stderr sp-assign asmith "$(printf 'x%.0s' {1..129})"
	assert_refused 65 "sp-assign: the first name is longer than 128 bytes"
}

# ---- --number ---------------------------------------------------------------

@test "sp-assign: -N gives that very number" {
	run --separate-stderr sp-assign -N 1911 asmith
	assert_success
	assert_output $'1911\tasmith\t\t\t1911@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: a taken number is refused and nothing changes" {
	given_user asmith 1001
	remember
	run --separate-stderr sp-assign -N 1001 bjones
	assert_refused 73 \
		"sp-assign: cannot assign '1001': number is taken by 'asmith'"
}

@test "sp-assign: a number outside the pool is refused" {
	given_user asmith
	remember
	run --separate-stderr sp-assign -N 2000 bjones
	assert_refused 73 "sp-assign: cannot assign '2000': number is not in\
 the pool of 'acme.example' (1000-1999)"
	run --separate-stderr sp-assign -N 01001 bjones
	assert_refused 73 "sp-assign: cannot assign '01001': number is not in\
 the pool of 'acme.example' (1000-1999)"
}

@test "sp-assign: a reserved number is refused" {
	given_config "reserved: [1911]"
	given_user asmith
	remember
	run --separate-stderr sp-assign -N 1911 bjones
	assert_refused 73 "sp-assign: cannot assign '1911': number is reserved"
}

@test "sp-assign: a resting number is refused, and says until when" {
	given_user asmith 1001
	sp-recycle -q asmith
	sql "UPDATE extension SET free_from_ms = 4102444800000"
	remember
	run --separate-stderr sp-assign -N 1001 bjones
	assert_refused 73 "sp-assign: cannot assign '1001': number rests until\
 2100-01-01T00:00:00Z"
}

@test "sp-assign: what is not a number is refused" {
	given_user asmith
	remember
	run --separate-stderr sp-assign -N 10x1 bjones
	assert_refused 65 "sp-assign: '10x1' is not a number"
	run --separate-stderr sp-assign -N '' bjones
	assert_refused 65 "sp-assign: '' is not a number"
	run --separate-stderr sp-assign -N 1234567890123456 bjones
	assert_refused 65 "sp-assign: the number is longer than 15 bytes"
}

# ---- another number ---------------------------------------------------------

# given_binding NUMBER: a softphone of that extension is registered.
given_binding() {
	sql "INSERT INTO login_session (id, tenant_id, number, login,
			started_ms, contact, transport, user_agent)
		SELECT $1, tenant_id, number, 'x', 1, 'sip:x', 'udp', ''
			FROM extension WHERE number = '$1';
		UPDATE extension SET session_id = $1 WHERE number = '$1';
		INSERT INTO binding (id, extension_id, contact, call_id,
			source, transport, user_agent, created_ms)
		SELECT $1, id, 'sip:x', 'x', 'x', 'udp', '', 1
			FROM extension WHERE number = '$1';
		INSERT INTO binding_live VALUES ($1, 1, 1, 4102444800000, 0)"
}

# events_of LOGIN: NUMBER WHAT OLD NEW of each, from the second on.
events_of() {
	sql "SELECT number, what, old_value, new_value FROM event
		WHERE login = '$1' ORDER BY seq LIMIT -1 OFFSET 1"
}

# state NUMBER
state() {
	sp-status -q -o tsv "ext:$1" | cut -f 6
}

@test "sp-assign: -N gives a known user another number" {
	given_user asmith 1001
	run --separate-stderr sp-assign -N 1005 asmith
	assert_success
	assert_output $'1005\tasmith\tFirst-asmith\tLast-asmith\t1005@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(sp-status -q -o tsv | cut -f 1,2)" $'1005\tasmith'
	assert_equal "$(events_of asmith)" $'1001|recycled|1001|1005
1005|assigned|1001|1005'
}

@test "sp-assign: -N and new names at once" {
	given_user asmith 1001
	run --separate-stderr sp-assign -N 1005 asmith Anne
	assert_success
	assert_output $'1005\tasmith\tAnne\tLast-asmith\t1005@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(last_event)" "1005|asmith|renamed|First-asmith\
 Last-asmith|Anne Last-asmith|sp-assign|$(id -un)"
}

@test "sp-assign: the old number is free at once, and the lowest again" {
	given_user asmith 1000
	sp-assign -q -N 1005 asmith
	assert_equal "$(state 1000)" free
	assert_equal "$(assign bjones cdoe)" "1000 1001"
}

@test "sp-assign: the old number rests for the tenant's rest" {
	given_config "rest: 30d"
	given_user asmith 1000
	sp-assign -q -N 1005 asmith
	assert_equal "$(state 1000)" resting
	assert_equal "$(sql "SELECT free_from_ms - at_ms FROM extension e, event
		WHERE e.number = '1000' AND what = 'recycled'")" 2592000000
	assert_equal "$(assign bjones)" 1001
	run --separate-stderr sp-assign -N 1000 asmith
	assert_failure 73
	assert_regex "$stderr" "^sp-assign: cannot assign '1000': number rests\
 until 20[0-9T:-]+Z$"
}

@test "sp-assign: who had the old number, and until when, is kept" {
	given_user asmith 1001
	sp-assign -q -N 1005 asmith
	assert_equal "$(sql "SELECT t.number, t.login, first_name, last_name,
		until_ms = at_ms, from_ms <= until_ms FROM tenure t, event e
		WHERE what = 'recycled'")" \
		"1001|asmith|First-asmith|Last-asmith|1|1"
}

@test "sp-assign: forwarding moves along to another number" {
	given_user asmith 1001
	sp-forward -q asmith --busy sip:x@b.example --no-answer reject --after 9s
	sp-assign -q -N 1005 asmith
	run --separate-stderr sp-forward
	assert_output $'1005\tbusy\tsip:x@b.example\t\ton\town\t\t
1005\tno-answer\treject\t9s\ton\town\t\t'
	assert_equal "$stderr" ""
	given_user bjones 1001
	run --separate-stderr sp-forward bjones
	assert_output ""
}

@test "sp-assign: --reset-forwarding leaves the rules behind" {
	given_user asmith 1001
	sp-forward -q asmith --busy reject
	run --separate-stderr sp-assign -N 1005 --reset-forwarding asmith
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(sp-forward)" ""
	assert_equal "$(sql "SELECT old_value, new_value FROM event
		WHERE what = 'forwarding' AND number = '1005'")" "busy=reject|"
}

@test "sp-assign: rules that would be a loop from the new number are refused" {
	given_user asmith 1001
	given_user gone 1005
	sp-forward -q asmith --busy 1005
	sp-recycle -q gone
	remember
	run --separate-stderr sp-assign -N 1005 asmith
	assert_refused 65 "sp-assign: the forwarding cannot move along:\
 cannot forward '1005' to '1005': it would go in a loop: 1005 -> 1005"
	run --separate-stderr sp-assign -N 1005 --reset-forwarding asmith
	assert_success
	assert_equal "$stderr" ""
}

@test "sp-assign: others' rules to the old number are told" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cdoe 1003
	sp-forward -q bjones --busy 1001
	sp-forward -q cdoe --always 1001
	run --separate-stderr sp-assign -N 1005 asmith
	assert_success
	assert_output $'1005\tasmith\tFirst-asmith\tLast-asmith\t1005@acme.example'
	assert_equal "$stderr" "\
sp-assign: 1002 forwards busy to 1001, which nobody has now
sp-assign: 1003 forwards always to 1001, which nobody has now"
	run --separate-stderr sp-assign -q -N 1001 asmith
	run --separate-stderr sp-assign -q -N 1005 asmith
	assert_equal "$stderr" ""
}

@test "sp-assign: the softphone of the old number is logged out" {
	given_user asmith 1001
	given_user bjones 1002
	given_binding 1001
	given_binding 1002
	sp-assign -q -N 1005 asmith
	assert_equal "$(sql "SELECT id FROM binding")" 1002
	assert_equal "$(sql "SELECT binding_id FROM binding_live")" 1002
	assert_equal "$(sql "SELECT ending, ended_ms > 1 FROM login_session
		WHERE id = 1001")" "recycled|1"
	assert_equal "$(state 1005)" offline
	assert_equal "$(events_of asmith)" $'1001|deactivated||recycled
1001|recycled|1001|1005
1005|assigned|1001|1005'
}

@test "sp-assign: after a renumbering the login's digests are left" {
	local secret was

	secret=$(given_secret asmith)
	was=$(digests asmith)
	run --separate-stderr sp-assign -N 1005 asmith
	assert_success
	assert_equal "$stderr" "sp-assign: 'asmith' has 1005 now: the softphone\
 must register that number, with the user name 'asmith' or a new secret (-s)"
	assert_equal "$(digests asmith)" \
		"$(awk -F '|' -v OFS='|' '{ $1 = $3 = "" } 1' <<<"$was")"
	assert_equal "$(digests asmith)" "$(expected_digests 1005 asmith \
		"$secret" | awk -F '|' -v OFS='|' '{ $1 = $3 = "" } 1')"
}

@test "sp-assign: -N with a new secret serves both names, without a warning" {
	local secret

	given_secret asmith
	run --separate-stderr sp-assign -s -N 1005 asmith
	assert_success
	assert_equal "$stderr" ""
	secret=$(cut -f 6 <<<"$output")
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1005 asmith "$secret")"
}

@test "sp-assign: a renumbered softphone logs in by its login only" {
	local secret

	load clients/wire
	start_server
	secret=$(given_phone asmith 1001)
	run register 1001 "$secret"
	assert_status 200
	sp-assign -q -N 1005 asmith
	assert_equal "$(bindings 1001)$(bindings 1005)" ""
	run register 1001 "$secret"
	assert_status 40[13]
	run register 1005 "$secret"
	assert_status 40[13]
	assert_equal "$(bindings 1005)" ""
	WITH="-u asmith" run register 1005 "$secret"
	assert_status 200
	assert_equal "$(bindings 1005)" "sip:1005@127.0.0.1:5070"
}

@test "sp-assign: a known user is refused a number that cannot be had" {
	given_config "reserved: [1911]"
	given_user bjones 1002
	given_user resting 1003
	sp-recycle -q --rest 1d resting
	sql "UPDATE extension SET free_from_ms = 4102444800000
		WHERE number = '1003'"
	sp-assign -q --reserve 1004
	given_user asmith 1001
	given_binding 1001
	sp-forward -q asmith --busy reject
	remember
	run --separate-stderr sp-assign -N 1002 asmith Other Name
	assert_refused 73 \
		"sp-assign: cannot assign '1002': number is taken by 'bjones'"
	run --separate-stderr sp-assign -N 1911 asmith
	assert_refused 73 "sp-assign: cannot assign '1911': number is reserved"
	run --separate-stderr sp-assign -N 1004 asmith
	assert_refused 73 "sp-assign: cannot assign '1004': number is reserved"
	run --separate-stderr sp-assign -N 1003 asmith
	assert_refused 73 "sp-assign: cannot assign '1003': number rests until\
 2100-01-01T00:00:00Z"
	run --separate-stderr sp-assign -N 2000 asmith
	assert_refused 73 "sp-assign: cannot assign '2000': number is not in\
 the pool of 'acme.example' (1000-1999)"
	run --separate-stderr sp-assign -N 10x1 asmith
	assert_refused 65 "sp-assign: '10x1' is not a number"
}

@test "sp-assign: whatever hangs on an extension moves along" {
	given_user asmith 1001
	sql "CREATE TABLE named (ext INTEGER REFERENCES extension (id));
		INSERT INTO named SELECT id FROM extension"
	sp-assign -q -N 1005 asmith
	assert_equal "$(sql "SELECT number FROM named, extension e
		WHERE e.id = ext")" 1005
}

@test "sp-assign: a file renumbers, and frees numbers for its later lines" {
	given_user asmith 1001
	given_user bjones 1002
	given_csv login,number asmith,1005 bjones,1001 cdoe,
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output --regexp "^1005.asmith.*
1001.bjones.*
1000.cdoe.*"
	assert_equal "$stderr" ""
	assert_equal "$(state 1002)" free
}

@test "sp-assign: a number that a file frees in a former range is the next" {
	given_pool "1000, 2000-2002"
	given_user asmith 1000
	given_csv login,number a, asmith,2002 b, c,
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_equal "$(cut -f 1,2 <<<"$output" | paste -sd ' ')" \
		$'2000\ta 2002\tasmith 1000\tb 2001\tc'
	assert_equal "$stderr" ""
}

@test "sp-assign: a file that is undone tells of no move" {
	given_secret asmith
	given_bad 'login,number\nasmith,1005\nb d,\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:3: 'b d' is not a login\
 (ASCII letters, digits and . _ - + @)"
}

@test "sp-assign: --dry-run renumbers nobody, and tells all" {
	given_user bjones 1002
	given_user asmith 1001
	given_binding 1001
	sp-forward -q bjones --busy 1001
	remember
	run --separate-stderr sp-assign -n -N 1005 asmith
	assert_success
	assert_output $'1005\tasmith\tFirst-asmith\tLast-asmith\t1005@acme.example'
	assert_equal "$stderr" "\
sp-assign: dry run: nothing was changed
sp-assign: 1002 forwards busy to 1001, which nobody has now"
	assert_nothing_changed
}

# ---- --swap -----------------------------------------------------------------

@test "sp-assign: --swap exchanges two users' numbers" {
	given_user asmith 1001
	given_user bjones 1002
	run --separate-stderr sp-assign --swap bjones asmith
	assert_success
	assert_output \
		$'1002\tasmith\tFirst-asmith\tLast-asmith\t1002@acme.example
1001\tbjones\tFirst-bjones\tLast-bjones\t1001@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(sp-status -q -o tsv | cut -f 1,2)" \
		$'1001\tbjones\n1002\tasmith'
	assert_equal "$(events_of asmith)" "1002|assigned|1001|1002"
	assert_equal "$(events_of bjones)" "1001|assigned|1002|1001"
	assert_equal "$(sql "SELECT number, login FROM tenure
		ORDER BY number")" $'1001|asmith\n1002|bjones'
}

@test "sp-assign: --swap takes numbers as well as logins" {
	given_user asmith 1001
	given_user bjones 1002
	sp-assign -q --swap 1001 ext:1002
	assert_equal "$(sp-status -q -o tsv | cut -f 2)" $'bjones\nasmith'
}

@test "sp-assign: --swap takes forwarding along and logs both out" {
	given_user asmith 1001
	given_user bjones 1002
	given_binding 1001
	given_binding 1002
	sp-forward -q asmith --busy reject
	sp-forward -q bjones --always sip:x@b.example
	sp-assign -q --swap asmith bjones
	assert_equal "$(sp-forward | cut -f 1-3)" \
		$'1001\talways\tsip:x@b.example\n1002\tbusy\treject'
	assert_equal "$(sql "SELECT count(*) FROM binding, binding_live")" 0
	assert_equal "$(sql "SELECT DISTINCT ending FROM login_session")" \
		recycled
	sp-assign -q --swap asmith bjones --reset-forwarding
	assert_equal "$(sp-forward)" ""
}

@test "sp-assign: --swap warns those whose secret stays" {
	given_secret asmith
	given_user bjones
	given_secret cdoe
	run --separate-stderr sp-assign --swap cdoe asmith
	assert_success
	assert_equal "$stderr" "\
sp-assign: 'asmith' has 1002 now: the softphone must register that number,\
 with the user name 'asmith' or a new secret (-s)
sp-assign: 'cdoe' has 1000 now: the softphone must register that number,\
 with the user name 'cdoe' or a new secret (-s)"
	assert_regex "$(digests asmith)" '^\|[0-9a-f]{32}\|\|[0-9a-f]{64}$'
	run --separate-stderr sp-assign --swap bjones asmith
	assert_equal "$stderr" "\
sp-assign: 'asmith' has 1001 now: the softphone must register that number,\
 with the user name 'asmith' or a new secret (-s)"
}

@test "sp-assign: --swap: rules to the numbers stay, and a loop is refused" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cdoe 1003
	sp-forward -q asmith --busy 1003
	sp-forward -q cdoe --busy 1002
	remember
	run --separate-stderr sp-assign --swap bjones asmith
	assert_refused 65 "sp-assign: the forwarding cannot move along:\
 cannot forward '1002' to '1003': it would go in a loop: 1002 -> 1003 -> 1002"
	run --separate-stderr sp-assign --swap bjones --reset-forwarding asmith
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(sp-forward | cut -f 1-3)" $'1003\tbusy\t1002'
}

@test "sp-assign: --swap of one, or with nobody, is refused" {
	given_user asmith 1001
	remember
	run --separate-stderr sp-assign --swap 1001 asmith
	assert_refused 65 "sp-assign: 'asmith' and '1001' are one and the same:\
 nothing to swap"
	run --separate-stderr sp-assign --swap nobody asmith
	assert_refused 67 \
		"sp-assign: no user or extension 'nobody' in 'acme.example'"
	run --separate-stderr sp-assign --swap asmith 1500
	assert_refused 67 \
		"sp-assign: no user or extension '1500' in 'acme.example'"
	run --separate-stderr sp-assign -n --swap nobody asmith
	assert_refused 67 \
		"sp-assign: no user or extension 'nobody' in 'acme.example'"
}

# ---- --reserve --------------------------------------------------------------

@test "sp-assign: --reserve keeps numbers from being given" {
	run --separate-stderr sp-assign --reserve 1000 --reserve 1002
	assert_success
	assert_output $'1000\t\t\t\t\n1002\t\t\t\t'
	assert_equal "$stderr" ""
	assert_equal "$(state 1000)" reserved
	assert_equal "$(assign a b)" "1001 1003"
	assert_equal "$(sql "SELECT number, login, what, old_value, new_value,
		tool FROM event WHERE seq = 1")" "1000||reserved|||sp-assign"
	remember
	run --separate-stderr sp-assign -N 1000 c
	assert_refused 73 "sp-assign: cannot assign '1000': number is reserved"
}

@test "sp-assign: --unreserve gives it again" {
	sp-assign -q --reserve 1000 --reserve 1001
	run --separate-stderr sp-assign --unreserve 1000
	assert_success
	assert_output $'1000\t\t\t\t'
	assert_equal "$stderr" ""
	assert_equal "$(last_event)" "1000||unreserved|||sp-assign|$(id -un)"
	assert_equal "$(assign a b)" "1000 1002"
}

@test "sp-assign: --reserve and --unreserve again change nothing" {
	sp-assign -q --reserve 1000
	remember
	run --separate-stderr sp-assign --reserve 1000 --unreserve 1001
	assert_success
	assert_output $'1000\t\t\t\t\n1001\t\t\t\t'
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-assign: a taken number is reserved for when it is free" {
	given_user asmith 1000
	run --separate-stderr sp-assign --reserve 1000
	assert_success
	assert_output $'1000\tasmith\tFirst-asmith\tLast-asmith\t1000@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(last_event)" "1000|asmith|reserved|||sp-assign|$(id -un)"
	assert_equal "$(state 1000)" offline
	sp-recycle -q asmith
	assert_equal "$(state 1000)" reserved
	assert_equal "$(assign bjones)" 1001
}

@test "sp-assign: a reservation stays with the number, not with the user" {
	given_user asmith 1000
	given_user bjones 1001
	sp-assign -q --reserve 1000
	sp-assign -q --swap asmith bjones
	sp-recycle -q asmith bjones
	assert_equal "$(state 1000) $(state 1001)" "reserved free"
	given_user asmith 1002
	sp-assign -q --reserve 1002
	sp-assign -q -N 1003 asmith
	assert_equal "$(state 1002)" reserved
}

@test "sp-assign: what cannot be reserved is told, each of it" {
	given_config "reserved: [1911]"
	given_user asmith
	remember
	run --separate-stderr sp-assign --reserve 1500 --reserve 2000 \
		--unreserve 1911 --unreserve x
	assert_refused 73 "\
sp-assign: cannot reserve '2000': number is not in the pool of 'acme.example' (1000-1999)
sp-assign: cannot unreserve '1911': the configuration reserves it
sp-assign: 'x' is not a number"
	run --separate-stderr sp-assign -k --reserve 2000 --reserve 1500
	assert_failure 65
	assert_output $'1500\t\t\t\t'
	assert_equal "$stderr" "sp-assign: cannot reserve '2000': number is not\
 in the pool of 'acme.example' (1000-1999)"
	assert_equal "$(state 1500)" reserved
}

@test "sp-assign: one that the configuration reserves may be reserved, too" {
	given_config "reserved: [1911]"
	sp-assign -q --reserve 1911
	given_config
	remember
	run --separate-stderr sp-assign -N 1911 asmith
	assert_refused 73 "sp-assign: cannot assign '1911': number is reserved"
}

@test "sp-assign: of a number that nobody has, a listing has null" {
	run --separate-stderr sp-assign -o jsonl --reserve 1500
	assert_success
	assert_output '{"number":"1500","login":null,"first":null,"last":null,"registered_name":null}'
	assert_equal "$stderr" ""
}

@test "sp-assign: --dry-run reserves nothing" {
	given_user asmith
	remember
	run --separate-stderr sp-assign -n --reserve 1500
	assert_success
	assert_output $'1500\t\t\t\t'
	assert_equal "$stderr" "sp-assign: dry run: nothing was changed"
	assert_nothing_changed
}

# ---- which number is next ---------------------------------------------------

# assign LOGIN...: the numbers that they get, in one line.
assign() {
	local login

	for login in "$@"; do
		sp-assign -o tsv "$login" | cut -f 1
	done | paste -sd ' '
}

# given_pool RANGES [LINE...]
given_pool() {
	given_config "${@:2}"
	sed -i "s/pool: .*/pool: [$1]/" sp.yaml
}

@test "sp-assign: numbers go up, a freed one comes back first" {
	assert_equal "$(assign a b c d)" "1000 1001 1002 1003"
	sp-recycle -q c b
	assert_equal "$(assign e f g)" "1001 1002 1004"
}

@test "sp-assign: numbers given by name are passed over" {
	given_user x 1001
	given_user y 1002
	given_user z 1004
	assert_equal "$(assign a b c)" "1000 1003 1005"
	sp-recycle -q y
	assert_equal "$(assign d e)" "1002 1006"
}

@test "sp-assign: reserved numbers are passed over" {
	given_config "reserved: [1000, 1002-1004]"
	assert_equal "$(assign a b c)" "1001 1005 1006"
}

@test "sp-assign: a number that was reserved later is passed over, too" {
	given_user a 1000
	sp-recycle -q a
	given_config "reserved: [1000]"
	assert_equal "$(assign b)" "1001"
	given_config
	assert_equal "$(assign c)" "1000"
}

@test "sp-assign: ranges are used in the configured order" {
	given_pool "2000-2001, 1000-1001, 30"
	assert_equal "$(assign a b c d e)" "2000 2001 1000 1001 30"
	sp-recycle -q d a
	assert_equal "$(assign f g)" "2000 1001"
}

@test "sp-assign: leading zeros are kept" {
	given_pool "0098-0101"
	assert_equal "$(assign a b c)" "0098 0099 0100"
	run --separate-stderr sp-assign -N 100 d
	assert_failure 73
	assert_equal "$stderr" "sp-assign: cannot assign '100': number is not\
 in the pool of 'acme.example' (0098-0101)"
}

@test "sp-assign: a range may go from three digits to four" {
	given_pool "998-1001"
	assert_equal "$(assign a b c d)" "998 999 1000 1001"
	sp-recycle -q d a
	assert_equal "$(assign e f)" "998 1001"
}

@test "sp-assign: an exhausted pool says so and nothing changes" {
	given_pool "1000-1001"
	assign a b
	remember
	run --separate-stderr sp-assign c
	assert_refused 73 "sp-assign: the pool of 'acme.example' is exhausted"
}

@test "sp-assign: a recycled number rests for the tenant's rest" {
	local rest_ms="(SELECT free_from_ms - at_ms FROM extension, event
		WHERE what = 'recycled')"

	given_config "rest: 30d"
	assign a
	sp-recycle -q a
	assert_equal "$(sql "SELECT $rest_ms")" 2592000000
	assert_equal "$(assign b)" "1001"
	sql "UPDATE extension SET free_from_ms = 1 WHERE number = '1000'"
	assert_equal "$(assign c)" "1000"
}

# assign_rested LOGIN...: the same, by --order rested.
assign_rested() {
	local login

	for login in "$@"; do
		sp-assign -o tsv --order rested "$login" | cut -f 1
	done | paste -sd ' '
}

@test "sp-assign: --order rested gives unused numbers, then those longest free" {
	given_pool "1000-1003"
	assert_equal "$(assign a b c)" "1000 1001 1002"
	sp-recycle -q b
	sql "UPDATE extension SET released_ms = 1000 WHERE number = '1001'"
	sp-recycle -q a
	assert_equal "$(assign_rested d e f)" "1003 1001 1000"
	run --separate-stderr sp-assign --order rested g
	assert_failure 73
	assert_equal "$stderr" \
		"sp-assign: the pool of 'acme.example' is exhausted"
}

@test "sp-assign: --order rested passes over what rests or is reserved" {
	given_pool "1000-1002"
	assign a b c
	sp-recycle -q b c
	sp-recycle -q --rest 1d a
	sp-assign -q --reserve 1001
	assert_equal "$(assign_rested d)" 1002
}

@test "sp-assign: --order goes with a file; lowest is the default" {
	given_pool "1000-1002"
	assign a b
	sp-recycle -q a
	given_csv login c d
	run --separate-stderr sp-assign -n --order rested -f users.csv
	assert_output --regexp $'^1002\tc.*\n1000\td'
	run --separate-stderr sp-assign -n -f users.csv
	assert_output --regexp $'^1000\tc.*\n1002\td'
	run --separate-stderr sp-assign -n --order lowest -f users.csv
	assert_output --regexp $'^1000\tc.*\n1002\td'
}

@test "sp-assign: many at once make one database and get a number each" {
	local round login pids

	for round in 1 2 3; do
		pids=()
		for login in {a..h}; do
			sp-assign -q -d $round.db $login 3>&- &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid"
		done
		assert_equal "$(sp-status -o tsv -d $round.db | cut -f 1 |
			paste -sd ' ')" "1000 1001 1002 1003 1004 1005 1006 1007"
	done
}

# ---- secrets ----------------------------------------------------------------

@test "sp-assign: -s prints a secret of 26 letters and digits" {
	run --separate-stderr sp-assign -s asmith
	assert_success
	assert_output --regexp \
		$'^1000\tasmith\t\t\t1000@acme.example\t[0-9a-hjkmnp-tv-z]{26}$'
	assert_equal "$stderr" ""
}

@test "sp-assign: a secret is random in all its letters" {
	local secret
	secret=$(given_secret asmith)

	# Of 32 letters 26 draws give fewer than 8 once in 10^10 times.
	assert [ "$(fold -w 1 <<<"$secret" | sort -u | wc -l)" -ge 8 ]
}

@test "sp-assign: without -s there is no secret" {
	run --separate-stderr sp-assign asmith
	assert_success
	assert_equal "$(digests asmith)" ""
}

@test "sp-assign: of a secret only the digests are stored" {
	local secret
	secret=$(given_secret asmith)

	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith "$secret")"
	run dump
	refute_output --partial "$secret"
	run grep -aF "$secret" sp.db
	assert_failure 1
}

@test "sp-assign: no secret is in the files of a database in use" {
	local secret

	start_server
	secret=$(given_secret asmith)
	assert_file_not_empty sp.db-wal
	run grep -aF "$secret" sp.db sp.db-wal sp.db-shm
	assert_failure 1
}

@test "sp-assign: -s gives a known user a new secret" {
	local first second
	first=$(given_secret asmith)
	second=$(given_secret asmith)

	assert_not_equal "$first" "$second"
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith "$second")"
	assert_equal "$(last_event)" \
		"1000|asmith|new-secret|||sp-assign|$(id -un)"
}

@test "sp-assign: -s is refused where the secret would not be printed" {
	local hidden

	given_secret asmith
	remember
	for hidden in -q --columns=number,login; do
		run --separate-stderr sp-assign "$hidden" -s asmith
		assert_failure 64
		assert_output ''
		assert_equal "$stderr" "sp-assign: --secret prints it only once:\
 --quiet, and --columns without it, would lose it (see sp-assign --help)"
		assert_nothing_changed
	done
	run sp-assign --columns secret -s asmith
	assert_success
	assert_output --regexp '^[0-9a-z]{26}$'
}

@test "sp-assign: -s with a file leaves a secret that is there" {
	given_csv login asmith bjones
	local secret
	secret=$(given_secret asmith)
	run --separate-stderr sp-assign -s -f users.csv
	assert_success
	assert_line --index 0 $'1000\tasmith\t\t\t1000@acme.example\t'
	assert_line --index 1 --regexp $'^1001\tbjones\t.*\t[0-9a-z]{26}$'
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith "$secret")"
	assert_equal "$(digests bjones)" \
		"$(expected_digests 1001 bjones "${lines[1]##*$'\t'}")"
}

@test "sp-assign: a file may bring secrets, which are not printed" {
	given_csv login,secret asmith,correct-horse bjones,
	run --separate-stderr sp-assign -s -f users.csv
	assert_success
	assert_line --index 0 $'1000\tasmith\t\t\t1000@acme.example\t'
	assert_equal "$stderr" ""
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith correct-horse)"
	run grep -aF correct-horse sp.db
	assert_failure 1
}

@test "sp-assign: the same secret again changes nothing" {
	given_csv login,secret asmith,correct-horse
	sp-assign -q -f users.csv
	remember
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_nothing_changed
}

@test "sp-assign: a secret too short or too long is refused, and not told" {
	given_csv login,secret asmith,1234567 "bjones,$(printf 'x%.0s' {1..129})"
	given_user cdoe
	remember
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:2: the secret has 7 bytes, expected 8 to 128
sp-assign: users.csv:3: the secret has 129 bytes, expected 8 to 128"
}

@test "sp-assign: --secret-stdin takes the first line" {
	run --separate-stderr sp-assign --secret-stdin asmith \
		< <(printf 'correct-horse\r\nmore\n')
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith correct-horse)"
	run --separate-stderr sp-assign --secret-stdin asmith \
		< <(printf 'battery staple')
	assert_success
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith 'battery staple')"
	assert_equal "$(last_event)" \
		"1000|asmith|new-secret|||sp-assign|$(id -un)"
	run dump
	refute_output --partial staple
}

@test "sp-assign: --secret-fd takes the first line of a descriptor" {
	run --separate-stderr bash -c 'sp-assign --secret-fd 7 asmith Ann &&
		cat <&7' 7< <(printf 'correct-horse\nleft\n')
	assert_success
	assert_output $'1000\tasmith\tAnn\t\t1000@acme.example\nleft'
	assert_equal "$stderr" ""
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith correct-horse)"
}

@test "sp-assign: a secret that is read may have 8 to 128 bytes" {
	local longest
	longest=$(printf 'x%.0s' {1..128})

	sp-assign -q --secret-stdin asmith <<<"$longest"
	assert_equal "$(digests asmith)" \
		"$(expected_digests 1000 asmith "$longest")"
	remember
	run --separate-stderr sp-assign --secret-stdin asmith <<<"${longest}x"
	assert_refused 65 "sp-assign: the secret has more than 128 bytes"
	run --separate-stderr sp-assign --secret-stdin bjones <<<1234567
	assert_refused 65 \
		"sp-assign: the secret has 7 bytes, expected 8 to 128"
	for bad in 'long\0enough\n' 'long\tenough\n'; do
		# shellcheck disable=SC2059
		run --separate-stderr sp-assign --secret-stdin asmith \
			< <(printf "$bad")
		assert_refused 65 "sp-assign: the secret has a control character"
	done
	run --separate-stderr sp-assign --secret-stdin asmith \
		< <(printf 'b\xf6ser-Geist\n')
	assert_refused 65 "sp-assign: the secret is not UTF-8"
}

@test "sp-assign: no secret where one is to be read is refused" {
	given_user asmith
	remember
	run --separate-stderr sp-assign --secret-stdin asmith </dev/null
	assert_refused 65 \
		"sp-assign: standard input has no secret, expected a line"
	run --separate-stderr sp-assign --secret-stdin asmith <<<$'\nsecond line'
	assert_refused 65 \
		"sp-assign: standard input has no secret, expected a line"
	run --separate-stderr sp-assign --secret-fd 7 asmith 7</dev/null
	assert_refused 65 \
		"sp-assign: descriptor 7 has no secret, expected a line"
	run --separate-stderr sp-assign --secret-fd 77 asmith
	assert_refused 64 "sp-assign: cannot read the secret from descriptor\
 77: Bad file descriptor"
	run --separate-stderr sp-assign --secret-fd 7 asmith 7<.
	assert_refused 74 "sp-assign: cannot read the secret from descriptor\
 7: Is a directory"
	for fd in x '' -1 99999999999; do
		run --separate-stderr sp-assign --secret-fd "$fd" asmith
		assert_refused 64 "sp-assign: '$fd' is not a file descriptor"
	done
}

@test "sp-assign: database, -wal and -shm are their owner's alone" {
	umask 0
	sp-assign -q asmith
	assert_equal "$(stat -c '%n %a' sp.db*)" "sp.db 600"
	start_server
	sp-assign -q bjones
	assert_equal "$(stat -c '%n %a' sp.db*)" \
		$'sp.db 600\nsp.db-shm 600\nsp.db-wal 600'
}

# ---- files ------------------------------------------------------------------

@test "sp-assign: -f reads users in the file's order" {
	given_csv login,first,last bjones,Bob,Jones asmith,Ann,Smith
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output $'1000\tbjones\tBob\tJones\t1000@acme.example
1001\tasmith\tAnn\tSmith\t1001@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: columns come in any order and any case" {
	given_csv Number,LAST,Login 1500,Smith,asmith ,Jones,bjones
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output $'1500\tasmith\t\tSmith\t1500@acme.example
1000\tbjones\t\tJones\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: -f - reads standard input" {
	run --separate-stderr sp-assign -f - < <(printf 'login\nasmith\n')
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: -f reads from a pipe" {
	run --separate-stderr bash -o pipefail -c \
		"printf 'login\n' | cat - <(seq -f 'u%04g' 900) |
			sp-assign -f - | tail -n 1"
	assert_success
	assert_output $'1899\tu0900\t\t\t1899@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: a file that comes slowly locks nobody out" {
	mkfifo users
	sp-assign -q -f users 3>&- &
	SERVER_PIDS+=($!)
	exec 4>users
	run --separate-stderr sp-assign asmith
	assert_success
	printf 'login\nbjones\n' >&4
	exec 4>&-
	wait $!
	assert_equal "$(sp-status -o tsv | cut -f 2)" $'asmith\nbjones'
}

@test "sp-assign: a file again changes nothing, a new line is added" {
	given_csv login,first asmith,Ann bjones,Bob
	sp-assign -q -f users.csv
	remember
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_nothing_changed
	echo cdoe,Cy >>users.csv
	run --separate-stderr sp-assign -f users.csv
	assert_line --index 2 $'1002\tcdoe\tCy\t\t1002@acme.example'
	assert_equal "$(sql "SELECT count(*) FROM event")" 3
}

@test "sp-assign: CRLF and a byte order mark are accepted" {
	printf '\xef\xbb\xbflogin,first\r\nasmith,Zo\xc3\xab\r\nbjones,Bob\r\n' \
		>users.csv
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output $'1000\tasmith\tZoë\t\t1000@acme.example
1001\tbjones\tBob\t\t1001@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: the last line needs no end" {
	printf 'login\nasmith' >users.csv
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: quoted values may have commas and quotes" {
	given_csv '"login","first",last' 'asmith,"Smith, Ann","a ""b"" c"'
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output $'1000\tasmith\tSmith, Ann\ta "b" c\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-assign: lines are counted right behind quoted line ends" {
	given_csv login,first '' 'asmith,"Ann' '' 'B."' 'bjones' '' 'c d,Cy'
	given_user cdoe
	remember
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:3: the first name has a control character
sp-assign: users.csv:6: 1 column, expected 2 (login,first)
sp-assign: users.csv:8: 'c d' is not a login (ASCII letters, digits and . _ - + @)"
}

@test "sp-assign: a header alone is a file of nobody" {
	given_csv login,first,last
	run --separate-stderr sp-assign -f users.csv
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

# ---- other formats ----------------------------------------------------------

# The users that the next three tests give, as sp-assign prints them.
ANN_AND_BOB=$'0100\tasmith\tAnn\tSmith, Dr.\t0100@acme.example
0098\tbjones\tBob\t\t0098@acme.example'

@test "sp-assign: -f reads YAML, numbers as they stand" {
	given_pool "0098-0101"
	cat >users <<-END
		# from HR
		- login: asmith
		  number: 0100
		  first: Ann
		  last: 'Smith, Dr.'
		- {login: bjones, first: Bob, last: null}
	END
	run --separate-stderr sp-assign -f users
	assert_success
	assert_output "$ANN_AND_BOB"
	assert_equal "$stderr" ""
}

@test "sp-assign: -f reads JSON, also an object per line" {
	local ann='{"login":"asmith","number":"0100","first":"Ann","last":"Smith, Dr."}'
	local bob='{"login":"bjones","first":"Bob","last":null}'

	given_pool "0098-0101"
	run --separate-stderr sp-assign -d 1.db -f - <<<"[$ann, $bob]"
	assert_success
	assert_output "$ANN_AND_BOB"
	assert_equal "$stderr" ""
	run --separate-stderr sp-assign -d 2.db -f - <<<"$ann"$'\n'"$bob"
	assert_success
	assert_output "$ANN_AND_BOB"
	assert_equal "$stderr" ""
}

@test "sp-assign: -f reads TSV with a header" {
	given_pool "0098-0101"
	printf 'Login\tnumber\tfirst\tlast\n%s\n%s\n' >users \
		$'asmith\t0100\tAnn\tSmith, Dr.' $'bjones\t\tBob\t'
	run --separate-stderr sp-assign -f users
	assert_success
	assert_output "$ANN_AND_BOB"
	assert_equal "$stderr" ""
}

@test "sp-assign: what Python's json writes is read" {
	run --separate-stderr sp-assign -f - \
		<<<'[{"login": "zoe", "first": "Zo\u00eb \ud83d\ude00"}]'
	assert_success
	assert_output $'1000\tzoe\tZoë 😀\t\t1000@acme.example'
}

@test "sp-assign: what sp-status exports comes back as it was" {
	local format

	sp-assign -q -N 1500 asmith 'Ann "A"' 'Smith, Dr.'
	sp-assign -q -N 1007 zoe 'Zoë 😀' $'O\'Brien\\n'
	sp-assign -q bjones
	sp-assign -q null ' - x' '{: #'
	sp-assign -q --calls internal bjones
	sp-assign -q --calls all zoe
	sp-forward -q asmith --busy 1007
	for format in csv json jsonl yaml; do
		sp-status -q -o $format | sp-assign -q -d $format.db -f -
		assert_equal "$(sp-status -q -o tsv -d $format.db | cut -f 1-4,14)" \
			"$(sp-status -q -o tsv | cut -f 1-4,14)"
	done
	# Also where it is another one.
	sp-status -q -o csv >exported.csv
	sp-assign -q --calls default bjones
	sp-assign -q --calls internal asmith
	sp-assign -q -f exported.csv
	assert_equal "$(sp-status -q -o csv)" "$(cat exported.csv)"
}

# calls_of OPERAND: the column.
calls_of() {
	sp-status -q -o tsv --columns calls "$1"
}

@test "sp-assign: --calls says whom a user may call" {
	run --separate-stderr sp-assign --calls internal asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" ""
	assert_equal "$(calls_of asmith)" internal
	assert_regex "$(last_event)" \
		'^1000\|asmith\|calls\|default\|internal\|sp-assign\|'
	remember
	sp-assign -q --calls internal asmith
	sp-assign -q asmith
	assert_nothing_changed
	sp-assign -q --calls all asmith
	assert_equal "$(calls_of asmith)" all
	sp-assign -q --calls default asmith
	assert_equal "$(calls_of asmith)" default
	assert_regex "$(last_event)" '\|calls\|all\|default\|'
}

@test "sp-assign: --calls stays with the user, and goes with the user" {
	sp-assign -q --calls internal asmith
	sp-assign -q -N 1500 asmith
	assert_equal "$(calls_of 1500)" internal
	sp-recycle -q asmith
	sp-assign -q -N 1500 bjones
	assert_equal "$(calls_of 1500)" default
	assert_equal "$(calls_of 1600)" ""
}

@test "sp-assign: --calls takes one of three words, and a LOGIN" {
	given_user asmith
	remember
	run --separate-stderr sp-assign --calls none asmith
	assert_refused 64 "sp-assign: --calls: 'none' is none of internal, all,\
 default (see sp-assign --help)"
	for arguments in '-f x' '--swap bjones asmith' '--reserve 1001'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-assign --calls all $arguments
		assert_refused 64 "sp-assign: --calls goes with a LOGIN alone\
 (see sp-assign --help)"
	done
}

@test "sp-assign: calls in a file, empty as it is, a slip with its line" {
	given_csv login,calls asmith,internal bjones, czhou,all
	sp-assign -q -f users.csv
	assert_equal "$(sp-status -q -o tsv --columns login,calls)" \
		$'asmith\tinternal\nbjones\tdefault\nczhou\tall'
	given_csv login,calls asmith, czhou,default
	sp-assign -q -f users.csv
	assert_equal "$(sp-status -q -o tsv --columns calls | xargs)" \
		"internal default default"
	given_csv login,calls asmith,internal bjones,intern
	remember
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:3: calls 'intern': expected\
 internal, all or default"
}

@test "sp-assign: bad values of YAML are told with their lines" {
	given_bad '- login: asmith\n  first: [Ann]\n- login: b d\n- name: cdoe\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:2: first: a list, expected one value
sp-assign: users.csv:3: 'b d' is not a login (ASCII letters, digits and . _ - + @)
sp-assign: users.csv:4: unknown key 'name', expected\
 login,first,last,number,secret,calls"
}

@test "sp-assign: YAML or JSON that ends too early is refused" {
	given_bad '[{"login": "asmith"},'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:1: not JSON: unexpected token\
 near end of file"
	given_bad '- login: asmith\n- login: "bjones\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 \
		"sp-assign: users.csv:2: not YAML: found unexpected end of stream"
}

# ---- bad files --------------------------------------------------------------

# given_bad FORMAT: users.csv by printf, and a database with a user in it.
given_bad() {
	# shellcheck disable=SC2059
	printf -- "$1" >users.csv
	given_user known 1500
	remember
}

@test "sp-assign: an empty file is refused" {
	given_bad ''
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:1: no header, expected\
 login,first,last,number,secret,calls"
}

@test "sp-assign: a missing header is refused" {
	given_bad 'asmith,Ann,Smith\nbjones,Bob,Jones\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:1: unknown column 'asmith',\
 expected login,first,last,number,secret,calls"
}

@test "sp-assign: a header without login is refused" {
	given_bad 'first,last\nAnn,Smith\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:1: no column 'login', expected\
 some of login,first,last,number,secret,calls"
}

@test "sp-assign: a column that is there twice is refused" {
	given_bad 'login,first,Login\nasmith,Ann,bjones\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:1: column 'login' a second\
 time, expected only one"
}

@test "sp-assign: a wrong number of columns is refused" {
	given_bad 'login,first\nasmith,Ann,Smith\nbjones,Bob\ncdoe\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:2: 3 columns, expected 2 (login,first)
sp-assign: users.csv:4: 1 column, expected 2 (login,first)"
}

@test "sp-assign: a login twice in a file is refused" {
	given_bad 'login\nasmith\nbjones\nasmith\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:4: login 'asmith' stands here\
 twice, first in line 2"
}

@test "sp-assign: invalid UTF-8 is refused" {
	given_bad 'login,first\nasmith,Ann\nbjones,B\xf6b\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "sp-assign: users.csv:3: not valid UTF-8"
}

@test "sp-assign: a NUL is refused" {
	given_bad 'login,first\nasmith,A\0nn\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 \
		"sp-assign: users.csv:2: a control character (0x00), expected text"
}

@test "sp-assign: a line of 1 MB is refused, and the next one looked at" {
	given_bad 'login,first\nasmith,'
	head -c 1000000 /dev/zero | tr '\0' x >>users.csv
	printf '\nb d,Bob\n' >>users.csv
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:2: line is longer than 16384 bytes
sp-assign: users.csv:3: 'b d' is not a login (ASCII letters, digits and . _ - + @)"
}

@test "sp-assign: a header of 1 MB is refused" {
	given_bad ''
	head -c 1000000 /dev/zero | tr '\0' x >users.csv
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 \
		"sp-assign: users.csv:1: line is longer than 16384 bytes"
}

@test "sp-assign: quotes that are wrong are refused" {
	given_bad 'login,first\nasmith,A"n"n\nbjones,"Bob\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:2: malformed quotes, expected them around a whole value\
 and doubled inside it
sp-assign: users.csv:3: a quote is not closed"
}

@test "sp-assign: numbers that cannot be had are refused, each of them" {
	given_config "reserved: [1911]"
	given_user resting 1600
	sp-recycle -q resting
	sql "UPDATE extension SET free_from_ms = 4102444800000"
	given_bad 'login,number\na,1500\nb,2000\nc,1911\nd,12x\ne,1600\nf,\ng,1000
known,1911\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 73 "\
sp-assign: users.csv:2: cannot assign '1500': number is taken by 'known'
sp-assign: users.csv:3: cannot assign '2000': number is not in the pool of\
 'acme.example' (1000-1999)
sp-assign: users.csv:4: cannot assign '1911': number is reserved
sp-assign: users.csv:5: '12x' is not a number
sp-assign: users.csv:6: cannot assign '1600': number rests until\
 2100-01-01T00:00:00Z
sp-assign: users.csv:8: cannot assign '1000': number is taken by 'f'
sp-assign: users.csv:9: cannot assign '1911': number is reserved"
}

@test "sp-assign: whoever an exhausted pool has no number for is told" {
	given_pool "1500-1502"
	given_bad 'login\na\nb\nc\nknown\nd e\nf\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 73 "\
sp-assign: users.csv:4: the pool of 'acme.example' is exhausted
sp-assign: users.csv:6: 'd e' is not a login (ASCII letters, digits and . _ - + @)
sp-assign: users.csv:7: the pool of 'acme.example' is exhausted"
}

@test "sp-assign: the exit status is that of the first bad line" {
	given_bad 'login,number\na b,\nc,2000\n'
	run --separate-stderr sp-assign -f users.csv
	assert_refused 65 "\
sp-assign: users.csv:2: 'a b' is not a login (ASCII letters, digits and . _ - + @)
sp-assign: users.csv:3: cannot assign '2000': number is not in the pool of\
 'acme.example' (1000-1999)"
}

@test "sp-assign: a bad line of standard input is named, too" {
	given_bad 'login\na b\n'
	run --separate-stderr sp-assign -f - <users.csv
	assert_refused 65 "sp-assign: standard input:2: 'a b' is not a login\
 (ASCII letters, digits and . _ - + @)"
}

@test "sp-assign: a file that is not there, or is none, is refused" {
	given_user asmith
	remember
	run --separate-stderr sp-assign -f missing.csv
	assert_refused 66 \
		"sp-assign: cannot read 'missing.csv': No such file or directory"
	run --separate-stderr sp-assign -f .
	assert_refused 66 "sp-assign: cannot read '.': Is a directory"
}

@test "sp-assign: a file that may not be read is refused" {
	given_bad 'login\nasmith\n'
	chmod 0 users.csv
	run --separate-stderr as_mortal sp-assign -f users.csv
	assert_refused 77 "sp-assign: cannot read 'users.csv': Permission denied"
}

# ---- --keep-going -----------------------------------------------------------

@test "sp-assign: -k does the good lines and tells the bad ones" {
	given_bad 'login,number,first\na,1500,\nb,1600,Bo\nc d,,\ne,9999,\nf,,\n'
	run --separate-stderr sp-assign -k -f users.csv
	assert_failure 65
	assert_output $'1600\tb\tBo\t\t1600@acme.example
1000\tf\t\t\t1000@acme.example'
	assert_equal "$stderr" "\
sp-assign: users.csv:2: cannot assign '1500': number is taken by 'known'
sp-assign: users.csv:4: 'c d' is not a login (ASCII letters, digits and . _ - + @)
sp-assign: users.csv:5: cannot assign '9999': number is not in the pool of\
 'acme.example' (1000-1999)"
	assert_equal "$(sql "SELECT login FROM sp_user ORDER BY login" |
		paste -sd ' ')" "b f known"
}

@test "sp-assign: -k leaves nothing of a bad line" {
	given_bad 'login,number,first,secret\na,,Al,short\nknown,1700,New,short
b,,,\n'
	sp-forward -q known --busy reject
	sql "UPDATE sqlite_sequence SET seq = 100"
	run --separate-stderr sp-assign -k -f users.csv
	assert_failure 65
	assert_output $'1000\tb\t\t\t1000@acme.example'
	assert_equal "$stderr" "\
sp-assign: users.csv:2: the secret has 5 bytes, expected 8 to 128
sp-assign: users.csv:3: the secret has 5 bytes, expected 8 to 128"
	assert_equal "$(sql "SELECT number, login, first_name FROM extension e
		JOIN sp_user u ON u.id = e.user_id ORDER BY number")" \
		$'1000|b|\n1500|known|First-known'
	assert_equal "$(sql "SELECT number, login, what FROM event
		WHERE seq > 100")" "1000|b|assigned"
	assert_equal "$(sql "SELECT count(*) FROM secret")" 0
	assert_equal "$(sp-forward | cut -f 1-3)" $'1500\tbusy\treject'
}

@test "sp-assign: -k does the lines behind an exhausted pool" {
	given_pool "1500-1501"
	given_bad 'login,first\na,\nb,\nknown,New\n'
	run --separate-stderr sp-assign -k -f users.csv
	assert_failure 65
	assert_output $'1501\ta\t\t\t1501@acme.example
1500\tknown\tNew\tLast-known\t1500@acme.example'
	assert_equal "$stderr" "sp-assign: users.csv:3: the pool of\
 'acme.example' is exhausted"
}

@test "sp-assign: -k finds a rested number also behind a bad line" {
	given_pool "1000"
	given_user gone 1000
	sp-recycle -q --rest 1d gone
	sql "UPDATE extension SET free_from_ms = 1"
	given_csv login,secret a,short b,
	run --separate-stderr sp-assign -k --order rested -f users.csv
	assert_failure 65
	assert_output $'1000\tb\t\t\t1000@acme.example'
	assert_equal "$stderr" "sp-assign: users.csv:2: the secret has 5 bytes,\
 expected 8 to 128"
}

@test "sp-assign: -k without a bad line is done" {
	given_csv login a b
	run --separate-stderr sp-assign -q -k -f users.csv
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-assign: -k cannot do without a header" {
	given_bad 'name\nasmith\n'
	run --separate-stderr sp-assign -k -f users.csv
	assert_refused 65 "sp-assign: users.csv:1: unknown column 'name',\
 expected login,first,last,number,secret,calls"
}

@test "sp-assign: -k with --dry-run changes nothing and exits the same" {
	given_bad 'login\na\nb c\n'
	run --separate-stderr sp-assign -n -k -f users.csv
	assert_failure 65
	assert_output $'1000\ta\t\t\t1000@acme.example'
	assert_equal "$stderr" "\
sp-assign: dry run: nothing was changed
sp-assign: users.csv:3: 'b c' is not a login (ASCII letters, digits and . _ - + @)"
	assert_nothing_changed
}

# ---- dry run ----------------------------------------------------------------

@test "sp-assign: --dry-run prints what it would do, and does not" {
	given_user asmith
	given_csv login,number,first asmith,,Anne bjones,1007,Bob
	remember
	run --separate-stderr sp-assign --dry-run -s -f users.csv
	assert_success
	# A secret that was made for nobody is not shown.
	assert_output $'1000\tasmith\tAnne\tLast-asmith\t1000@acme.example\t
1007\tbjones\tBob\t\t1007@acme.example\t'
	assert_equal "$stderr" "sp-assign: dry run: nothing was changed"
	assert_nothing_changed
}

@test "sp-assign: --dry-run makes no database" {
	export SP_DB=$PWD/new/sp.db
	run --separate-stderr sp-assign -n asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" "sp-assign: dry run: nothing was changed"
	assert_not_exists new
}

@test "sp-assign: --dry-run tells the same errors" {
	given_bad 'login\nasmith\na b\n'
	run --separate-stderr sp-assign -n -f users.csv
	assert_refused 65 "sp-assign: users.csv:3: 'a b' is not a login\
 (ASCII letters, digits and . _ - + @)"
}

# ---- events -----------------------------------------------------------------

@test "sp-assign: an event tells who assigned what with which tool" {
	sp-assign -q asmith Ann
	assert_equal "$(last_event)" \
		"1000|asmith|assigned||1000|sp-assign|$(id -un)"
	assert_equal "$(sql "SELECT count(*) FROM event, tenant
		WHERE tenant_id = tenant.id AND domain = 'acme.example'
		AND abs(at_ms / 1000 - $(date +%s)) < 600")" 1
}

# who_acts UID VARIABLE...: the actor of an event, by a process of that user,
# who can neither come into the test's directory nor, perhaps, to the tools.
who_acts() {
	local dir

	dir=$(mktemp -d)
	chmod 711 "$dir"
	cp "$SP_BIN/sp-assign" "$dir"
	install -d -o "$1" "$dir/db"
	(cd / && env -u SUDO_UID -u SP_CONFIG HOME="$dir/db" \
		SP_DB="$dir/db/sp.db" "${@:2}" \
		setpriv --reuid "$1" "$dir/sp-assign" -q asmith)
	sqlite3 "$dir/db/sp.db" 'SELECT actor FROM event'
	rm -r "$dir"
}

@test "sp-assign: somebody's number is no new login by mistake" {
	given_user asmith 1001
	remember
	run --separate-stderr sp-assign 1001 Ann
	assert_refused 65 "sp-assign: '1001' is the extension of 'asmith': say\
 ext:1001, or user:1001 for a login"
	run --separate-stderr sp-assign ext:1001 Ann Jones
	assert_output $'1001\tasmith\tAnn\tJones\t1001@acme.example'
	run --separate-stderr sp-assign user:1001
	assert_success
	assert_output $'1000\t1001\t\t\t1000@acme.example'
}

@test "sp-assign: under sudo the event names the person" {
	if [ "$(id -u)" -ne 0 ]; then
		SUDO_USER=eve sp-assign -q asmith
		assert_equal "$(last_event | cut -d '|' -f 7)" "$(id -un)"
		return
	fi
	assert_equal "$(who_acts 0 SUDO_USER=eve SUDO_UID=1234)" eve
	# sudo -u sp: root is not the only one that a person may become.
	assert_equal "$(who_acts 65534 SUDO_USER=eve SUDO_UID=1234)" eve
	# Of a person who is nobody else the variables say nothing.
	assert_equal "$(who_acts 65534 SUDO_USER=eve SUDO_UID=65534)" nobody
	assert_equal "$(who_acts 65534 SUDO_USER=eve)" nobody
}

# ---- usage and output -------------------------------------------------------

# assert_usage SENTENCE ARG...: sp-assign ARG... is wrong usage and does nothing.
assert_usage() {
	run --separate-stderr sp-assign "${@:2}"
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-assign: $1 (see sp-assign --help)"
	assert_not_exists sp.db
}

@test "sp-assign: wrong usage is told with a pointer to --help" {
	local none="no login is named, as in 'sp-assign asmith Anna Smith'"

	assert_usage "$none"
	assert_usage "$none" -s
	assert_usage "too many operands: expected LOGIN [FIRST [LAST]]" a b c d
	assert_usage "--file takes no operands" -f users.csv asmith
	assert_usage "--reserve takes no operands" --reserve 1500 1501
	assert_usage "--reserve takes no operands" --unreserve 1500 1501
	assert_usage "unknown option '--numbre', is it --number?" --numbre 1000 asmith
	assert_usage "--order: 'highest' is neither lowest nor rested" \
		--order highest asmith
}

@test "sp-assign: options that exclude each other are wrong usage" {
	local forms="--file, --swap and --reserve exclude each other"
	local secrets="--secret, --secret-stdin and --secret-fd exclude each\
 other"
	local alone="--number, --secret-stdin and --secret-fd go with a LOGIN\
 alone"

	assert_usage "$forms" -f users.csv --swap a
	assert_usage "$forms" -f users.csv --reserve 1500
	assert_usage "$forms" --swap a --unreserve 1500 b
	assert_usage "--swap takes one LOGIN beside its own" --swap a
	assert_usage "--swap takes one LOGIN beside its own" --swap a b c
	assert_usage "$secrets" -s --secret-stdin a
	assert_usage "$secrets" --secret-stdin --secret-fd 3 a
	assert_usage "$secrets" -s --secret-fd 3 a
	assert_usage "$alone" -N 1000 -f users.csv
	assert_usage "$alone" -N 1000 --swap a b
	assert_usage "$alone" --secret-stdin -f users.csv
	assert_usage "$alone" --secret-fd 3 --reserve 1500
	assert_usage "--secret goes with neither --swap nor --reserve" \
		-s --swap a b
	assert_usage "--secret goes with neither --swap nor --reserve" \
		-s --reserve 1500
	assert_usage "--reset-forwarding goes with --number, --swap or --file" \
		--reset-forwarding a
}

@test "sp-assign: --verbose says configuration, database and tenant" {
	run --separate-stderr sp-assign -v asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	assert_equal "$stderr" "sp-assign: configuration $SP_CONFIG, database\
 $SP_DB, tenant acme.example"
	unset SP_CONFIG
	run --separate-stderr sp-assign -v -d other.db asmith
	assert_equal "$stderr" "sp-assign: configuration none, database\
 other.db, tenant localhost"
}

@test "sp-assign: an unknown format is refused before anything is done" {
	run --separate-stderr sp-assign -o xml asmith
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-assign: unknown output format 'xml',\
 expected table, tsv, csv, json, jsonl or yaml"
	assert_not_exists sp.db
}

@test "sp-assign: -o table has a header and aligned columns" {
	given_csv login,first asmith,Zoë bjones,李
	run --separate-stderr sp-assign -o table -f users.csv
	assert_success
	assert_output "\
NUMBER  LOGIN   FIRST  LAST  REGISTERED_NAME
1000    asmith  Zoë          1000@acme.example
1001    bjones  李           1001@acme.example"
}

@test "sp-assign: -o csv has a header and quotes where needed" {
	run --separate-stderr sp-assign -o csv asmith 'Ann, "A."' ' Smith'
	assert_success
	assert_output "\
number,login,first,last,registered_name
1000,asmith,\"Ann, \"\"A.\"\"\",\" Smith\",1000@acme.example"
}

@test "sp-assign: -o json is one array of objects" {
	run --separate-stderr sp-assign -o json asmith 'A "Zoë" \'
	assert_success
	assert_output '[
 {"number":"1000","login":"asmith","first":"A \"Zoë\" \\","last":"","registered_name":"1000@acme.example"}
]'
	run jq -r '.[].first' <<<"$output"
	assert_output 'A "Zoë" \'
}

@test "sp-assign: -o jsonl is an object on each line" {
	given_csv login asmith bjones
	run --separate-stderr sp-assign -o jsonl -s -f users.csv
	assert_success
	assert_equal "${#lines[@]}" 2
	run jq -r '"\(.number) \(.login) \(.secret | length)"' <<<"$output"
	assert_output $'1000 asmith 26\n1001 bjones 26'
}

@test "sp-assign: a full disk is told, in every format" {
	for format in table tsv csv json jsonl yaml; do
		run --separate-stderr to_full sp-assign -o $format asmith
		assert_failure 74
		assert_equal "$stderr" "sp-assign: cannot write standard\
 output: No space left on device (the change was made)"
	done
	run --separate-stderr to_full sp-assign -n bjones
	assert_failure 74
	assert_equal "${stderr_lines[-1]}" "sp-assign: cannot write standard\
 output: No space left on device"
	run --separate-stderr to_full sp-assign --help
	assert_failure 74
}

@test "sp-assign: complaints that nobody reads hold up nobody" {
	{ echo login; seq -f 'bad login %g' 6000; } >users.csv
	mkfifo complaints
	sp-assign -f users.csv 2>complaints 3>&- &
	exec 4<complaints
	wait_until 10 grep -q pipe_write "/proc/$!/wchan" || true
	run --separate-stderr timeout 5 sp-assign asmith
	exec 4<&-
	wait "$!" || true
	assert_success
}

@test "sp-assign: a dry run leaves an empty file empty" {
	: >sp.db
	run --separate-stderr sp-assign -n asmith
	assert_success
	assert_equal "$(stat -c %s sp.db)" 0
}

@test "sp-assign: an empty path of the database is refused" {
	run --separate-stderr sp-assign -d '' asmith
	assert_failure 78
	assert_equal "$stderr" "sp-assign: the path of the database is empty"
}
