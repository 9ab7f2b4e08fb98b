#!/usr/bin/env bats

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config "voicemail: sip:vm-{number}@vm.example" \
		"gateway: sip:trunk.example"
}

teardown() { common_teardown; }

# given_users N: u0, u1, ... with 1000, 1001, ...
given_users() {
	{
		echo login
		seq -f 'u%g' 0 $(($1 - 1))
	} | sp-assign -q -f -
}

# given_defaults RULES: those of the tenant, in YAML.
given_defaults() {
	echo "    forwarding: {$1}" >>sp.yaml
}

# last_change: the newest event's OLD|NEW value.
last_change() {
	sql "SELECT old_value, new_value FROM event WHERE what = 'forwarding'
		ORDER BY seq DESC LIMIT 1"
}

# ---- setting ----------------------------------------------------------------

@test "sp-forward: each condition can be set, and the rule is printed" {
	given_users 2
	for condition in always busy offline; do
		run --separate-stderr sp-forward u0 --$condition 1001
		assert_success
		assert_output $'1000\t'$condition$'\t1001\t\ton\town\t\t'
		assert_equal "$stderr" ""
		sp-forward -q u0 --reset
	done
	run --separate-stderr sp-forward u0 --no-answer 1001
	assert_output $'1000\tno-answer\t1001\t20s\ton\town\t\t'
}

@test "sp-forward: several conditions are set at once" {
	given_users 2
	run --separate-stderr sp-forward --offline voicemail 1000 \
		--no-answer reject --after 45s --busy 1001 --always +14155550123
	assert_success
	assert_output "\
1000	always	+14155550123		on	own		
1000	busy	1001		on	own		
1000	no-answer	reject	45s	on	own		
1000	offline	voicemail		on	own		"
	assert_equal "$stderr" ""
}

@test "sp-forward: set again, a rule has the new target" {
	given_users 3
	sp-forward -q u0 --busy 1001
	run --separate-stderr sp-forward u0 --busy 1002
	assert_success
	assert_output $'1000\tbusy\t1002\t\ton\town\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: said again, it changes nothing" {
	given_users 2
	sp-forward -q u0 --busy 1001 --no-answer 1001 --after 1m
	remember
	run --separate-stderr sp-forward u0 --busy 1001 --no-answer 1001
	assert_success
	assert_output "\
1000	busy	1001		on	own		
1000	no-answer	1001	1m	on	own		"
	assert_nothing_changed
}

@test "sp-forward: --after is from 1s to 3m" {
	given_users 1
	for after in 1s 3m 1500ms; do
		run --separate-stderr sp-forward u0 --no-answer reject \
			--after $after
		assert_success
		assert_output $'1000\tno-answer\treject\t'$after$'\ton\town\t\t'
	done
	remember
	for after in 0 999ms 181s; do
		run --separate-stderr sp-forward u0 --no-answer reject \
			--after $after
		assert_refused 65 \
			"sp-forward: no-answer rings for $after, expected 1s to 3m"
	done
	run --separate-stderr sp-forward u0 --no-answer reject --after 20
	assert_refused 65 "sp-forward: --after: '20' is not a duration\
 (like 15s, 20m, 30d)"
}

@test "sp-forward: an event tells each rule that changed" {
	given_users 2
	sp-forward -q u0 --no-answer 1001 --after 30s
	assert_equal "$(last_change)" "|no-answer=1001/30s"
	assert_equal "$(sql "SELECT number, login, tool, actor FROM event
		ORDER BY seq DESC LIMIT 1")" "1000|u0|sp-forward|$(id -un)"
	sp-forward -q u0 --off no-answer
	assert_equal "$(last_change)" \
		"no-answer=1001/30s|no-answer=1001/30s off"
	sp-forward -q u0 --reset
	assert_equal "$(last_change)" "no-answer=1001/30s off|"
}

# ---- targets ----------------------------------------------------------------

@test "sp-forward: a target is a number, a URI, voicemail or reject" {
	given_users 2
	for target in 1001 +123 +123456789012345 voicemail reject \
		sip:example.net sip:a@b.example 'sips:a:b@[::1]:5061;x=y?z=1' \
		SIP:a@192.0.2.1:1; do
		run --separate-stderr sp-forward u0 --always "$target"
		assert_success
		assert_output $'1000\talways\t'"$target"$'\t\ton\town\t\t'
		assert_equal "$stderr" ""
	done
}

@test "sp-forward: anything else is refused as a target" {
	given_users 2
	remember
	for target in '' u1 1001x -1 +12 +1234567890123456 +1415x \
		1234567890123456 Voicemail tel:+14155550123 http://b.example \
		sip: sip:@b.example 'sip:a b@c.example' sip:a@b@c sip:a@b: \
		sip:a@b:0 sip:a@b:65536 sip:a@-b sip:a@b_c 'sip:a@[::1' \
		'<sip:a@b>' 'sip:ä@b' ' 1001'; do
		run --separate-stderr sp-forward u0 "--busy=$target"
		assert_refused 65 "sp-forward: '$target' is not a target (an\
 extension, voicemail, reject, +NUMBER or a sip: URI)"
	done
}

@test "sp-forward: a target has up to 255 bytes" {
	local host
	host=$(printf 'a%.0s' {1..125}).$(printf 'b%.0s' {1..125})

	given_users 1
	sp-forward -q u0 --busy "sip:$host"
	remember
	run --separate-stderr sp-forward u0 --busy "sip:${host}c"
	assert_refused 65 "sp-forward: the target is longer than 255 bytes"
}

@test "sp-forward: a target outside the pool is refused" {
	given_users 1
	remember
	run --separate-stderr sp-forward u0 --busy 2000
	assert_refused 65 \
		"sp-forward: target '2000' is not in the pool of 'acme.example' (1000-1999)"
}

@test "sp-forward: a target that nobody has is refused: never had, free, resting" {
	given_users 3
	sp-recycle -q 1001 1002
	sql "UPDATE extension SET free_from_ms = 4102444800000
		WHERE number = '1002'"
	remember
	for target in 1500 1001 1002; do
		run --separate-stderr sp-forward u0 --busy $target
		assert_refused 65 \
			"sp-forward: target '$target' is not assigned to anybody"
	done
}

@test "sp-forward: voicemail and outside numbers must be configured" {
	given_config
	given_users 1
	remember
	run --separate-stderr sp-forward u0 --busy voicemail
	assert_refused 65 "sp-forward: target 'voicemail': 'acme.example' has\
 no voicemail: in its configuration"
	run --separate-stderr sp-forward u0 --busy +14155550123
	assert_refused 65 "sp-forward: target '+14155550123': 'acme.example'\
 has no gateway: in its configuration"
}

@test "sp-forward: one bad target of several and none is set" {
	given_users 2
	remember
	run --separate-stderr sp-forward u0 --always 1001 --busy 1500
	assert_refused 65 "sp-forward: target '1500' is not assigned to anybody"
}

# ---- loops ------------------------------------------------------------------

# assert_loop NUMBER TARGET PATH: the last run was refused for it.
assert_loop() {
	assert_refused 65 "sp-forward: cannot forward '$1' to '$2': it would\
 go in a loop: $3"
}

@test "sp-forward: an extension cannot forward to itself" {
	given_users 1
	remember
	for condition in always busy no-answer offline; do
		run --separate-stderr sp-forward u0 --$condition 1000
		assert_loop 1000 1000 "1000 -> 1000"
	done
}

@test "sp-forward: a loop of two is refused, over any two conditions" {
	given_users 2
	sp-forward -q u0 --offline 1001
	remember
	for condition in always busy no-answer offline; do
		run --separate-stderr sp-forward u1 --$condition 1000
		assert_loop 1001 1000 "1001 -> 1000 -> 1001"
	done
}

@test "sp-forward: a loop of three is refused with its path" {
	given_users 5
	sp-forward -q 1000 --always 1003 --no-answer 1001
	sp-forward -q 1001 --busy 1004 --offline 1002
	remember
	run --separate-stderr sp-forward 1002 --always 1000
	assert_loop 1002 1000 "1002 -> 1000 -> 1001 -> 1002"
}

@test "sp-forward: two ways to one extension are no loop" {
	given_users 4
	sp-forward -q 1001 --always 1003
	sp-forward -q 1002 --busy 1003
	run --separate-stderr sp-forward 1000 --busy 1001 --offline 1002
	assert_success
	assert_output $'1000\tbusy\t1001\t\ton\town\t\t\n1000\toffline\t1002\t\ton\town\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: a loop within one command is refused" {
	given_users 2
	sp-forward -q 1000 --busy 1001
	remember
	run --separate-stderr sp-forward 1001 --busy reject --always 1000
	assert_loop 1001 1000 "1001 -> 1000 -> 1001"
}

@test "sp-forward: a rule that is off makes no loop, until it is on again" {
	given_users 2
	sp-forward -q 1000 --busy 1001
	sp-forward -q 1000 --off busy
	sp-forward -q 1001 --always 1000
	remember
	run --separate-stderr sp-forward 1000 --on busy
	assert_loop 1000 1001 "1000 -> 1001 -> 1000"
}

@test "sp-forward: a default counts for loops, unless it is off" {
	given_defaults "offline: {to: '1000'}"
	given_users 2
	remember
	run --separate-stderr sp-forward 1000 --always 1001
	assert_loop 1000 1001 "1000 -> 1001 -> 1000"
	sp-forward -q 1001 --off offline
	run --separate-stderr sp-forward -q 1000 --always 1001
	assert_success
}

# ---- off, on, reset ---------------------------------------------------------

@test "sp-forward: --off keeps the target, --on brings it back" {
	given_users 2
	sp-forward -q u0 --no-answer 1001 --after 7s
	run --separate-stderr sp-forward u0 --off no-answer
	assert_success
	assert_output $'1000\tno-answer\t1001\t7s\toff\town\t\t'
	run --separate-stderr sp-forward u0 --on no-answer
	assert_success
	assert_output $'1000\tno-answer\t1001\t7s\ton\town\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: --off and --on said again change nothing" {
	given_users 2
	sp-forward -q u0 --busy 1001 --always reject
	sp-forward -q u0 --off busy
	remember
	run --separate-stderr sp-forward u0 --off busy --on always --off offline
	assert_success
	assert_output $'1000\talways\treject\t\ton\town\t\t\n1000\tbusy\t1001\t\toff\town\t\t'
	assert_nothing_changed
}

@test "sp-forward: a new target turns a rule on" {
	given_users 3
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --off busy
	run --separate-stderr sp-forward u0 --busy 1002
	assert_output $'1000\tbusy\t1002\t\ton\town\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: a default can be turned off and on for an extension" {
	given_defaults "busy: {to: voicemail}"
	given_users 2
	run --separate-stderr sp-forward u0 --off busy
	assert_output $'1000\tbusy\tvoicemail\t\toff\town\t\t'
	run --separate-stderr sp-forward u1
	assert_output $'1001\tbusy\tvoicemail\t\ton\tdefault\t\t'
	run --separate-stderr sp-forward u0 --on busy
	assert_output $'1000\tbusy\tvoicemail\t\ton\town\t\t'
}

@test "sp-forward: there must be a rule to turn on" {
	given_users 1
	remember
	run --separate-stderr sp-forward u0 --on busy
	assert_refused 65 "sp-forward: '1000' has no busy rule to turn on"
}

@test "sp-forward: a target that has left cannot be turned on again" {
	given_users 2
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --off busy
	sp-recycle -q u1
	remember
	run --separate-stderr sp-forward u0 --on busy
	assert_refused 65 "sp-forward: target '1001' is not assigned to anybody"
}

@test "sp-forward: what is not a condition is refused" {
	given_users 1
	remember
	for option in --off --on; do
		run --separate-stderr sp-forward u0 $option sometimes
		assert_refused 64 "sp-forward: 'sometimes' is not a condition:\
 always, busy, no-answer or offline"
	done
}

@test "sp-forward: --reset brings all defaults back" {
	given_defaults "busy: {to: reject}, offline: {to: voicemail}"
	given_users 2
	sp-forward -q u0 --always 1001 --busy 1001
	sp-forward -q u0 --off offline
	run --separate-stderr sp-forward u0 --reset
	assert_success
	assert_output $'1000\tbusy\treject\t\ton\tdefault\t\t
1000\toffline\tvoicemail\t\ton\tdefault\t\t'
	assert_equal "$stderr" ""
	remember
	sp-forward -q u0 --reset
	assert_nothing_changed
}

@test "sp-forward: --reset with a rule leaves just that" {
	given_users 2
	sp-forward -q u0 --always 1001 --busy 1001
	run --separate-stderr sp-forward u0 --reset --offline voicemail
	assert_success
	assert_output $'1000\toffline\tvoicemail\t\ton\town\t\t'
	assert_equal "$stderr" ""
}

# ---- printing ---------------------------------------------------------------

@test "sp-forward: without a rule nothing is printed" {
	given_users 1
	run --separate-stderr sp-forward u0
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-forward: without operands the rules of all are printed, by number" {
	given_users 3
	sp-forward -q 1002 --busy 1000
	sp-forward -q 1000 --always reject
	run --separate-stderr sp-forward
	assert_success
	assert_output $'1000\talways\treject\t\ton\town\t\t\n1002\tbusy\t1000\t\ton\town\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: defaults come from the configuration of the moment" {
	given_users 1
	given_defaults "no-answer: {to: voicemail, after: 25s}"
	run --separate-stderr sp-forward
	assert_success
	assert_output $'1000\tno-answer\tvoicemail\t25s\ton\tdefault\t\t'
	sed -i 's/forwarding: .*/forwarding: {always: {to: reject}}/' sp.yaml
	run --separate-stderr sp-forward
	assert_output $'1000\talways\treject\t\ton\tdefault\t\t'
}

@test "sp-forward: an own rule stands before the default" {
	given_defaults "busy: {to: voicemail}, no-answer: {to: voicemail}"
	given_users 2
	sp-forward -q u0 --busy 1001
	run --separate-stderr sp-forward u0
	assert_output $'1000\tbusy\t1001\t\ton\town\t\t
1000\tno-answer\tvoicemail\t20s\ton\tdefault\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: operands are logins and numbers, in their order" {
	given_users 3
	sp-forward -q 1000 --always reject
	sp-forward -q 1001 --always reject
	run --separate-stderr sp-forward u1 1000 ext:1001 user:u0 1002
	assert_success
	assert_equal "$(cut -f 1 <<<"$output" | paste -sd ' ')" \
		"1001 1000 1001 1000"
	assert_equal "$stderr" ""
}

@test "sp-forward: digits that are a number and another's login are refused" {
	given_user asmith 1001
	given_user 1001 1002
	for change in "" "--always reject"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward 1001 $change
		assert_failure 65
		assert_output ""
		assert_equal "$stderr" "sp-forward: '1001' is the extension of\
 'asmith' and the login of 1002: say ext:1001 or user:1001"
	done
	run --separate-stderr sp-forward user:1001 --always reject
	assert_output $'1002\talways\treject\t\ton\town\t\t'
}

@test "sp-forward: each unknown operand is told, and nothing printed" {
	given_users 1
	sp-forward -q u0 --always reject
	run --separate-stderr sp-forward nobody u0 1500
	assert_failure 67
	assert_output ""
	assert_equal "$stderr" "\
sp-forward: no user or extension 'nobody' in 'acme.example'
sp-forward: no user or extension '1500' in 'acme.example'"
}

@test "sp-forward: a change for an unknown operand is refused" {
	given_users 1
	remember
	run --separate-stderr sp-forward nobody --always reject
	assert_refused 67 \
		"sp-forward: no user or extension 'nobody' in 'acme.example'"
	run --separate-stderr sp-forward 1500 --reset
	assert_refused 67 \
		"sp-forward: no user or extension '1500' in 'acme.example'"
}

@test "sp-forward: - reads what other tools print" {
	given_defaults "busy: {to: reject}"
	given_users 3
	run --separate-stderr sp-forward - \
		< <(sp-status -q -o tsv u2; sp-assign -o tsv u0)
	assert_success
	assert_output $'1002\tbusy\treject\t\ton\tdefault\t\t
1000\tbusy\treject\t\ton\tdefault\t\t'
	assert_equal "$stderr" ""
}

@test "sp-forward: a bad line of - is told with its number" {
	given_users 1
	run --separate-stderr sp-forward - < <(printf 'u0\n\n\nnobody\tx\n')
	assert_failure 67
	assert_output ""
	assert_equal "$stderr" "sp-forward: standard input:4: no user or\
 extension 'nobody' in 'acme.example'"
}

# ---- dry run, usage, output -------------------------------------------------

@test "sp-forward: --dry-run prints the rules to be and changes nothing" {
	given_users 2
	remember
	run --separate-stderr sp-forward --dry-run u0 --busy 1001
	assert_success
	assert_output $'1000\tbusy\t1001\t\ton\town\t\t'
	assert_equal "$stderr" "sp-forward: dry run: nothing was changed"
	assert_nothing_changed
}

@test "sp-forward: without a database there is nothing, and none is made" {
	local none="sp-forward: no users yet: no database '$SP_DB'\
 (sp-assign LOGIN makes both)"

	for options in -q --reset "-n --reset"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward u0 $options
		assert_failure 66
		assert_equal "$stderr" "$none"
		assert_not_exists sp.db
	done
}

@test "sp-forward: wrong usage is told with a pointer to --help" {
	local see="(see sp-forward --help)"

	run --separate-stderr sp-forward --always reject
	assert_failure 64
	assert_equal "$stderr" \
		"sp-forward: a change takes at least one LOGIN or EXT $see"
	run --separate-stderr sp-forward u0 --after 20s
	assert_failure 64
	assert_equal "$stderr" "sp-forward: --after goes with --no-answer $see"
	run --separate-stderr sp-forward -n u0
	assert_failure 64
	assert_equal "$stderr" "sp-forward: --dry-run goes with a change $see"
	run --separate-stderr sp-forward u0 --busy
	assert_failure 64
	assert_equal "$stderr" "sp-forward: option '--busy' needs an argument, TARGET $see"
	for args in "u0 --undo --reset" "u0 --undo --busy 1001"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward $args
		assert_failure 64
		assert_equal "$stderr" "sp-forward: --undo goes with no other change $see"
	done
	for args in "u0 -f x" "-f x --undo" "-f x --off busy"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward $args
		assert_failure 64
		assert_equal "$stderr" "sp-forward: --file goes with neither\
 operands nor another change $see"
	done
	for args in "--until +1h" "--reset --from now" "--off busy --until +1h"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward u0 $args
		assert_failure 64
		assert_equal "$stderr" "sp-forward: --from and --until go with a\
 --CONDITION TARGET $see"
	done
	run --separate-stderr sp-forward -k u0
	assert_failure 64
	assert_equal "$stderr" "sp-forward: --keep-going goes with a change $see"
}

@test "sp-forward: every format has the same columns" {
	given_users 1
	sp-forward -q u0 --no-answer 'sip:a@b.example;x,y' --always reject
	run --separate-stderr sp-forward -o table
	assert_output "\
NUMBER  CONDITION  TARGET               AFTER  SWITCH  ORIGIN  FROM  UNTIL
1000    always     reject                      on      own
1000    no-answer  sip:a@b.example;x,y  20s    on      own"
	run --separate-stderr sp-forward -o csv
	assert_output 'number,condition,target,after,switch,origin,from,until
1000,always,reject,,on,own,,
1000,no-answer,"sip:a@b.example;x,y",20s,on,own,,'
	run --separate-stderr sp-forward -o jsonl
	assert_line --index 0 '{"number":"1000","condition":"always","target":"reject","after":null,"switch":"on","origin":"own","from":null,"until":null}'
	run --separate-stderr sp-forward -o json
	run jq -r '.[1] | "\(.condition) \(.target) \(.after)"' <<<"$output"
	assert_output "no-answer sip:a@b.example;x,y 20s"
}

@test "sp-forward: a full disk is told, in every format" {
	given_users 1
	sp-forward -q u0 --always reject
	for format in table tsv csv json jsonl yaml; do
		run --separate-stderr to_full sp-forward -o $format
		assert_failure 74
		assert_equal "$stderr" "sp-forward: cannot write standard\
 output: No space left on device"
	done
}

@test "sp-forward: a URI of the own domain is refused: the number says the same" {
	given_user asmith 1001
	remember
	run --separate-stderr sp-forward asmith --busy sip:1002@ACME.example
	assert_failure 65
	assert_equal "$stderr" "sp-forward: target 'sip:1002@ACME.example' is in\
 this tenant: say the extension's number"
	assert_nothing_changed
}

@test "sp-forward: a reset that would close a loop through a default is refused" {
	given_config 'forwarding: {offline: {to: 1003}}'
	given_user asmith 1001
	given_user bjones 1002
	given_user desk 1003
	sp-forward -q 1001 --offline reject
	sp-forward -q desk --offline reject
	sp-forward -q bjones --offline reject
	sp-forward -q desk --busy 1001
	remember
	run --separate-stderr sp-forward 1001 --reset
	assert_failure 65
	assert_regex "$stderr" '1001 -> 1003 -> 1001$'
	assert_nothing_changed
}

# ---- rules for a time -------------------------------------------------------

# rules [ARG...]: CONDITION=TARGET of each rule that is printed.
rules() {
	sp-forward -o tsv "$@" | awk -F '\t' '{ print $2 "=" $3 }' | xargs
}

# goes_to EXT [ARG...]: the target of the first step of a call to it.
goes_to() {
	sp-forward -o tsv --resolve "$@" | head -n 1 | cut -f 3
}

@test "sp-forward: --from and --until take moments and dates" {
	given_users 1
	while IFS='|' read -r from until printed; do
		run --separate-stderr sp-forward u0 --always reject \
			${from:+--from "$from"} --until "$until"
		assert_success
		assert_output $'1000\talways\treject\t\ton\town\t'"${printed/ /$'\t'}"
		assert_equal "$stderr" ""
	done <<-'END'
	2099-12-24T18:00:00+01:00|2100-01-01|2099-12-24T17:00:00Z 2100-01-01T00:00:00Z
	2099-12-24 18:00|2099-12-24T18:00:01.9Z|2099-12-24T18:00:00Z 2099-12-24T18:00:01Z
	|2099-05-06 07:08:09| 2099-05-06T07:08:09Z
	END
}

# in_order TEXT...: fails when one comes before the one in front of it.
in_order() {
	assert_equal "$(printf '%s\n' "$@")" "$(printf '%s\n' "$@" | sort)"
}

@test "sp-forward: --from and --until count from now: +2h, tomorrow 09:00" {
	local from until
	local -a now

	given_users 1
	now=("$(date +%FT%TZ -d '90 min')" "$(date +%FT09:00:00Z -d tomorrow)")
	sp-forward -q u0 --always reject --from +90m --until 'tomorrow 09:00'
	IFS=$'\t' read -r from until < <(sp-forward -o csv u0 --columns from,until |
		tail -n 1 | tr , '\t')
	in_order "${now[0]}" "$from" "$(date +%FT%TZ -d '90 min')"
	in_order "${now[1]}" "$until" "$(date +%FT%TZ -d '2 days')"
}

@test "sp-forward: a rule for a time stands beside the lasting one" {
	given_users 3
	sp-forward -q u0 --always 1001
	run --separate-stderr sp-forward u0 --always 1002 \
		--from 2001-01-01 --until 2099-01-01
	assert_success
	assert_output "\
1000	always	1001		on	own		
1000	always	1002		on	own	2001-01-01T00:00:00Z	2099-01-01T00:00:00Z"
	assert_equal "$stderr" ""
	assert_equal "$(last_change)" \
		"|always=1002 from 2001-01-01T00:00:00Z until 2099-01-01T00:00:00Z"
}

@test "sp-forward: a rule for a time counts while its time is" {
	given_users 3
	sp-forward -q u0 --always 1001
	sp-forward -q u0 --always 1002 --from 2098-01-01 --until 2099-01-01
	while read -r at target; do
		assert_equal "$at $(goes_to u0 --at "$at")" "$at $target"
	done <<-'END'
	now 1001
	2097-12-31T23:59:59.999Z 1001
	2098-01-01T00:00:00Z 1002
	2098-12-31T23:59:59.999Z 1002
	2099-01-01T00:00:00Z 1001
	END
}

@test "sp-forward: --from now counts at once, --until alone too" {
	given_users 3
	sp-forward -q u0 --always 1001 --from now
	assert_equal "$(goes_to u0)" 1001
	sp-forward -q u0 --always 1002 --until +1h
	assert_equal "$(goes_to u0)" 1002
}

@test "sp-forward: --from alone has no end" {
	given_users 2
	sp-forward -q u0 --always 1001 --from 2098-01-01
	assert_equal "$(goes_to u0 --when offline)" ""
	assert_equal "$(goes_to u0 --at 2098-01-01)" 1001
	assert_equal "$(goes_to u0 --at 9998-01-01)" 1001
}

@test "sp-forward: a rule whose time is over is as if it had never been" {
	given_users 3
	sp-forward -q u0 --always 1001
	sp-forward -q u0 --always 1002 --until +1h
	sp-forward -q u1 --busy 1002 --until +1h
	sql "UPDATE forward SET until_ms = 1000 WHERE is_timed = 1"
	assert_equal "$(rules)" "always=1001"
	assert_equal "$(goes_to u0)" 1001
	# It makes no loop either, is not reported, and goes with a change.
	sp-forward -q u2 --busy 1001
	run --separate-stderr sp-recycle u2
	assert_equal "$stderr" ""
	sp-forward -q u0 --always reject
	assert_equal "$(sql "SELECT number, target FROM forward f
		JOIN extension e ON e.id = extension_id ORDER BY number")" \
		$'1000|reject\n1001|1002'
}

@test "sp-forward: when a rule's time is over, the default counts again" {
	given_defaults "offline: {to: voicemail}"
	given_users 2
	sp-forward -q u0 --offline 1001 --until 2099-01-01
	assert_equal "$(goes_to u0)" 1001
	assert_equal "$(goes_to u0 --at 2099-01-01)" voicemail
}

@test "sp-forward: 1970-01-01 is long over, and not no time" {
	given_users 2
	printf '%s\n' number,condition,target,until \
		1000,always,1001,1970-01-01T00:00:00Z >rules.csv
	run --separate-stderr sp-forward -f rules.csv
	assert_success
	assert_output ''
	assert_equal "$stderr" \
		"sp-forward: rules.csv:2: this rule is over already"
	run sp-forward u0
	assert_output ''
	sp-forward -q u0 --busy reject --from 1970-01-01T00:00:00Z
	run sp-forward u0
	assert_output $'1000\tbusy\treject\t\ton\town\t1970-01-01T00:00:01Z\t'
}

@test "sp-forward: a time that is none, is over, or ends before it begins" {
	given_users 1
	remember
	while IFS='|' read -r args message; do
		eval "run --separate-stderr sp-forward u0 --busy reject $args"
		assert_refused 65 "sp-forward: $message"
	done <<-'END'
	--until 2001-01-01|--until: '2001-01-01' is over already
	--until now|--until: 'now' is over already
	--from now --until -1h|--until: '-1h' is not after 'now'
	--from 2099-01-02 --until 2099-01-01|--until: '2099-01-01' is not after '2099-01-02'
	--from 2099-01-02 --until 2099-01-02|--until: '2099-01-02' is not after '2099-01-02'
	--until soon|--until: 'soon' is not a time (like 2026-12-24 18:00, 2026-12-24T18:00:00Z, 09:00, tomorrow 09:00, now, +2h, -30d)
	--from 2099-02-30|--from: '2099-02-30' is not a time (like 2026-12-24 18:00, 2026-12-24T18:00:00Z, 09:00, tomorrow 09:00, now, +2h, -30d)
	END
}

@test "sp-forward: a rule for a time is set, switched and taken away by itself" {
	given_users 2
	sp-forward -q u0 --busy 1001 --until 2099-01-01
	sp-forward -q u0 --busy reject --until 2098-01-01
	run --separate-stderr sp-forward u0 --off busy
	assert_output $'1000\tbusy\treject\t\toff\town\t\t2098-01-01T00:00:00Z'
	run --separate-stderr sp-forward u0 --on busy
	assert_output $'1000\tbusy\treject\t\ton\town\t\t2098-01-01T00:00:00Z'
	run --separate-stderr sp-forward u0 --reset
	assert_success
	assert_output ""
	assert_equal "$(sql 'SELECT count(*) FROM forward')" 0
}

@test "sp-forward: --off turns both rules of a condition off" {
	given_users 2
	sp-forward -q u0 --always 1001
	sp-forward -q u0 --always reject --until +1h
	sp-forward -q u0 --off always
	assert_equal "$(sp-forward u0 | cut -f 5 | xargs)" "off off"
	assert_equal "$(goes_to u0)" ""
}

@test "sp-forward: a rule for a time that is off leaves the lasting one" {
	given_users 3
	sp-forward -q u0 --always 1001
	sp-forward -q u0 --always 1002 --until 2099-01-01
	sql "UPDATE forward SET enabled = 0 WHERE is_timed = 1"
	assert_equal "$(goes_to u0)" 1001
}

@test "sp-forward: for a time it rings as long as always, unless said" {
	given_users 2
	sp-forward -q u0 --no-answer 1001 --after 45s
	run --separate-stderr sp-forward u0 --no-answer reject --until 2099-01-01
	assert_line $'1000\tno-answer\treject\t45s\ton\town\t\t2099-01-01T00:00:00Z'
	run --separate-stderr sp-forward u0 --no-answer reject --after 5s \
		--until 2099-01-01
	assert_line $'1000\tno-answer\treject\t5s\ton\town\t\t2099-01-01T00:00:00Z'
	assert_line $'1000\tno-answer\t1001\t45s\ton\town\t\t'
	assert_equal "$stderr" ""
}

# ---- undo -------------------------------------------------------------------

# stored: all own rules as they are stored.
stored() {
	sql "SELECT number, condition, is_timed, target, after_ms, enabled,
		from_ms, until_ms FROM forward f
		JOIN extension e ON e.id = f.extension_id ORDER BY 1, 2, 3"
}

# given_every_rule EXT: own ones of every kind.
given_every_rule() {
	sp-forward -q "$1" --always 1001 --busy reject --no-answer voicemail \
		--after 45s
	sp-forward -q "$1" --always 1002 --from 2098-01-01 --until 2099-01-01
	sp-forward -q "$1" --off busy
}

@test "sp-forward: --undo brings back the exact rules from before any change" {
	local before

	given_users 4
	given_every_rule u0
	before=$(stored)
	while read -r change; do
		echo "change: $change"
		# shellcheck disable=SC2086
		sp-forward -q u0 $change
		[[ $(stored) != "$before" ]]
		run --separate-stderr sp-forward u0 --undo
		assert_success
		assert_equal "$output" "$(sp-forward u0)"
		assert_equal "$stderr" ""
		assert_equal "$(stored)" "$before"
	done <<-'END'
	--reset
	--always 1003
	--always reject --until +1h
	--offline voicemail --busy 1001 --no-answer 1002 --after 1s
	--off always --on busy
	--no-answer voicemail --after 46s
	--reset --offline reject
	END
}

@test "sp-forward: --undo twice is --undo once" {
	given_users 2
	sp-forward -q u0 --busy reject
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --undo
	remember
	run --separate-stderr sp-forward u0 --undo
	assert_success
	assert_output $'1000\tbusy\treject\t\ton\town\t\t'
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-forward: there may be nothing to undo" {
	given_defaults "busy: {to: voicemail}"
	given_users 1
	remember
	run --separate-stderr sp-forward u0 --undo
	assert_success
	assert_output $'1000\tbusy\tvoicemail\t\ton\tdefault\t\t'
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-forward: --undo is of the last change, and that has been one" {
	given_users 2
	sp-forward -q u0 --busy reject
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --busy 1001
	sp-forward -q -n u0 --busy voicemail
	sp-forward -q u0 --undo
	assert_equal "$(rules u0)" "busy=reject"
	assert_equal "$(last_change)" "busy=1001|busy=reject"
}

@test "sp-forward: --undo leaves other extensions alone" {
	given_users 3
	sp-forward -q u0 u1 --busy reject
	sp-forward -q u0 u1 --busy 1002
	sp-forward -q u0 --undo
	assert_equal "$(rules u0) $(rules u1)" "busy=reject busy=1002"
	sp-forward -q u1 --undo
	assert_equal "$(rules u1)" "busy=reject"
}

@test "sp-forward: --undo after a file goes back to before all of its lines" {
	local before

	given_users 3
	given_every_rule u0
	before=$(stored)
	sp-forward -q -f - <<-'END'
	number,condition,target
	1000,always,reject
	1000,busy,1001
	1001,busy,reject
	1000,offline,1002
	1000,busy,1002
	END
	sp-forward -q u0 --undo
	assert_equal "$(stored | grep ^1000)" "$before"
	assert_equal "$(rules u1)" "busy=reject"
}

@test "sp-forward: --undo brings back no target that has left" {
	given_users 2
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --busy reject
	sp-recycle -q u1
	remember
	run --separate-stderr sp-forward u0 --undo
	assert_refused 65 "sp-forward: target '1001' is not assigned to anybody"
}

@test "sp-forward: --undo brings back no loop" {
	given_users 2
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --reset
	sp-forward -q u1 --offline 1000
	remember
	run --separate-stderr sp-forward u0 --undo
	assert_loop 1000 1001 "1000 -> 1001 -> 1000"
}

@test "sp-forward: --undo of several looks for loops when all are undone" {
	local before

	given_users 2
	sp-forward -q u0 --busy 1001
	before=$(stored)
	sp-forward -q u0 --reset
	sp-forward -q u1 --busy 1000
	run --separate-stderr sp-forward --undo u0 u1
	assert_success
	assert_output $'1000\tbusy\t1001\t\ton\town\t\t'
	assert_equal "$stderr" ""
	assert_equal "$(stored)" "$before"
}

@test "sp-forward: the next owner has nothing to undo" {
	given_users 2
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --reset
	sp-recycle -q u0
	given_user heir 1000
	remember
	run --separate-stderr sp-forward heir --undo
	assert_success
	assert_output ""
	assert_nothing_changed
}

@test "sp-forward: what there is to undo goes with its owner to a new number" {
	given_users 2
	sp-forward -q u0 --busy 1001
	sp-forward -q u0 --busy reject
	sp-assign -q -N 1500 u0
	sp-forward -q u0 --undo
	assert_equal "$(sp-forward 1500)" $'1500\tbusy\t1001\t\ton\town\t\t'
}

# ---- several extensions -----------------------------------------------------

@test "sp-forward: a change of several extensions prints the rules of each" {
	given_users 4
	run --separate-stderr sp-forward u2 1000 --busy 1003 u1
	assert_success
	assert_output "\
1002	busy	1003		on	own		
1000	busy	1003		on	own		
1001	busy	1003		on	own		"
	assert_equal "$stderr" ""
	sp-forward -q u0 u2 --off busy
	assert_equal "$(sp-forward | cut -f 1,5 | xargs)" "1000 off 1001 on 1002 off"
}

@test "sp-forward: a change takes what other tools print, or NUL between" {
	given_users 3
	sp-status -q -o tsv u0 u2 | sp-forward -q - --always reject
	assert_equal "$(sp-forward | cut -f 1 | xargs)" "1000 1002"
	printf 'u0\0001002\0' | sp-forward -q -0 --reset -
	assert_equal "$(sp-forward)" ""
	remember
	run --separate-stderr sp-forward - --always reject </dev/null
	assert_success
	assert_output ""
	assert_nothing_changed
}

@test "sp-forward: all that is wrong with a change is told, nothing is done" {
	given_users 3
	remember
	run --separate-stderr sp-forward nobody u0 - --on busy \
		< <(printf 'u1\n\n1777\tx\n')
	assert_refused 67 "\
sp-forward: no user or extension 'nobody' in 'acme.example'
sp-forward: '1000' has no busy rule to turn on
sp-forward: standard input:1: '1001' has no busy rule to turn on
sp-forward: standard input:3: no user or extension '1777' in 'acme.example'"
	run --separate-stderr sp-forward - --always 1002 < <(printf 'u0\nu2\n')
	assert_refused 65 "sp-forward: standard input:2: cannot forward '1002'\
 to '1002': it would go in a loop: 1002 -> 1002"
}

@test "sp-forward: --keep-going changes the good ones" {
	given_users 4
	sp-forward -q u2 --busy 1003
	run --separate-stderr sp-forward -k u0 nobody u3 u1 --always 1002
	assert_failure 65
	assert_output "\
1000	always	1002		on	own		
1001	always	1002		on	own		"
	assert_equal "$stderr" "\
sp-forward: no user or extension 'nobody' in 'acme.example'
sp-forward: cannot forward '1003' to '1002': it would go in a loop: 1003 -> 1002 -> 1003"
	assert_equal "$(rules)" "always=1002 always=1002 busy=1003"
}

@test "sp-forward: a reset of several looks for loops when all are reset" {
	given_defaults "offline: {to: '1000'}"
	given_users 2
	sp-forward -q u1 --off offline
	sp-forward -q u0 --always 1001
	run --separate-stderr sp-forward --reset u1 u0
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(stored)" ""
}

# ---- files ------------------------------------------------------------------

@test "sp-forward: what it prints it reads back, in every format" {
	local listing

	given_defaults "offline: {to: voicemail}, no-answer: {to: '1001', after: 25s}"
	given_users 4
	given_every_rule u0
	sp-forward -q u2 --offline 'sip:a@b.example;x,y' --off no-answer
	sp-forward -q u3 --always +14155550123 --until +1h
	remember
	for format in tsv csv json jsonl yaml; do
		sp-forward -o $format >listing.$format
		run --separate-stderr sp-forward -o $format -f listing.$format
		assert_success
		assert_equal "$output" "$(cat listing.$format)"
		assert_equal "$stderr" ""
		assert_nothing_changed
	done
	rm sp.db*
	given_users 4
	remember
	for format in tsv csv json jsonl yaml; do
		sp-forward -q -f - <listing.$format
		assert_equal "$(sp-forward -o $format)" "$(cat listing.$format)"
		cp sp.db used.db
		rm sp.db*
		given_users 4
	done
}

@test "sp-forward: one condition, another target: the other rules stay" {
	given_users 3
	given_every_rule u0
	run --separate-stderr sp-forward -f - < <(printf '1000\tbusy\t1002\n')
	assert_success
	assert_output $'1000\tbusy\t1002\t\ton\town\t\t'
	assert_equal "$(rules u0)" \
		"always=1001 always=1002 busy=1002 no-answer=voicemail"
}

@test "sp-forward: a file by hand needs number, condition and target" {
	given_users 3
	cat >rules.csv <<-'END'
	Target,Number,Condition
	1001,1000,always
	voicemail,u1,no-answer
	END
	run --separate-stderr sp-forward -f rules.csv
	assert_success
	assert_output "\
1000	always	1001		on	own		
1001	no-answer	voicemail	20s	on	own		"
	assert_equal "$stderr" ""
}

@test "sp-forward: a file has also the ringing time, the switch and times" {
	given_users 2
	run --separate-stderr sp-forward -f - <<-'END'
	- {number: 1000, condition: no-answer, target: 1001, after: 5s, switch: off}
	- {number: 1000, condition: busy, target: reject, from: 2098-01-01, until: 2099-01-01T01:00:00+01:00}
	END
	assert_success
	assert_output "\
1000	no-answer	1001	5s	off	own		
1000	busy	reject		on	own	2098-01-01T00:00:00Z	2099-01-01T00:00:00Z"
	assert_equal "$stderr" ""
}

@test "sp-forward: an origin of default in a file takes the own rule away" {
	given_defaults "offline: {to: voicemail}"
	given_users 2
	sp-forward -q u0 --offline 1001 --busy 1001
	run --separate-stderr sp-forward -f - <<-'END'
	number,condition,target,origin
	1000,offline,reject,default
	1000,busy,reject,default
	END
	assert_success
	assert_output $'1000\toffline\tvoicemail\t\ton\tdefault\t\t'
	assert_equal "$(stored)" ""
}

@test "sp-forward: a line of a file that is over takes the rule for a time away" {
	given_users 3
	given_every_rule u0
	run --separate-stderr sp-forward -f - <<-'END'
	number,condition,target,until
	1000,always,1001,2001-01-01
	END
	assert_success
	assert_output ""
	assert_equal "$(rules u0)" "always=1001 busy=reject no-answer=voicemail"
	assert_equal "$(sql 'SELECT count(*) FROM forward WHERE is_timed')" 0
}

@test "sp-forward: all bad lines of a file are told, and nothing is changed" {
	given_users 2
	cat >rules.csv <<-'END'
	number,condition,target,after,switch,origin,from,until
	1000,always,1001,,,,,
	1000,sometimes,1001,,,,,
	1000,busy,,,,,,
	1000,,1001,,,,,
	1777,busy,1001,,,,,
	1000,busy,1777,,,,,
	1000,busy,here,,,,,
	1000,busy,1001,20s,,,,
	1000,no-answer,1001,20,,,,
	1000,no-answer,1001,4m,,,,
	1000,busy,1001,,maybe,,,
	1000,busy,1001,,,mine,,
	1000,busy,1001,,,,soon,
	1000,busy,1001,,,,2099-01-02,2099-01-01
	1000,busy
	END
	remember
	run --separate-stderr sp-forward -f rules.csv
	assert_refused 65 "\
sp-forward: rules.csv:3: 'sometimes' is not a condition: always, busy, no-answer or offline
sp-forward: rules.csv:4: no target
sp-forward: rules.csv:5: no condition
sp-forward: rules.csv:6: no user or extension '1777' in 'acme.example'
sp-forward: rules.csv:7: target '1777' is not assigned to anybody
sp-forward: rules.csv:8: 'here' is not a target (an extension, voicemail, reject, +NUMBER or a sip: URI)
sp-forward: rules.csv:9: after '20s' goes with no-answer only
sp-forward: rules.csv:10: after: '20' is not a duration (like 15s, 20m, 30d)
sp-forward: rules.csv:11: no-answer rings for 4m, expected 1s to 3m
sp-forward: rules.csv:12: switch 'maybe' is neither on nor off
sp-forward: rules.csv:13: origin 'mine' is neither own nor default
sp-forward: rules.csv:14: from: 'soon' is not a time (like 2026-12-24 18:00, 2026-12-24T18:00:00Z, 09:00, tomorrow 09:00, now, +2h, -30d)
sp-forward: rules.csv:15: until: '2099-01-01' is not after '2099-01-02'
sp-forward: rules.csv:16: 2 columns, expected 8 (number,condition,target,after,switch,origin,from,until)"
}

@test "sp-forward: --keep-going sets the good lines of a file" {
	given_users 3
	run --separate-stderr sp-forward -k -f - <<-'END'
	number,condition,target
	1000,always,1001
	1000,busy,1777
	1001,offline,1000
	1002,busy,reject
	END
	assert_failure 65
	assert_output $'1000\talways\t1001\t\ton\town\t\t\n1002\tbusy\treject\t\ton\town\t\t'
	assert_equal "$stderr" "\
sp-forward: standard input:3: target '1777' is not assigned to anybody
sp-forward: standard input:4: cannot forward '1001' to '1000': it would go in a loop: 1001 -> 1000 -> 1001"
	assert_equal "$(rules)" "always=1001 busy=reject"
}

@test "sp-forward: a file can turn a rule around: loops are looked for at its end" {
	given_users 2
	sp-forward -q u0 --always 1001
	run --separate-stderr sp-forward -q -f - <<-'END'
	number,condition,target,origin
	1001,always,1000,own
	1000,always,,default
	END
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(sp-forward)" $'1001\talways\t1000\t\ton\town\t\t'
}

@test "sp-forward: a file that closes a loop is refused with its lines" {
	given_users 4
	sp-forward -q u1 --offline 1002
	remember
	cat >rules.csv <<-'END'
	number,condition,target
	1000,busy,1001
	1003,busy,1001
	1002,no-answer,1000
	1003,always,1777
	END
	run --separate-stderr sp-forward -f rules.csv
	assert_refused 65 "\
sp-forward: rules.csv:5: target '1777' is not assigned to anybody
sp-forward: rules.csv:2: cannot forward '1000' to '1001': it would go in a loop: 1000 -> 1001 -> 1002 -> 1000
sp-forward: rules.csv:4: cannot forward '1002' to '1000': it would go in a loop: 1002 -> 1000 -> 1001 -> 1002"
}

@test "sp-forward: digits in a file are a number, also if a login is the same" {
	given_user asmith 1001
	given_user 1001 1002
	sp-forward -q ext:1001 --always reject
	sp-forward -q user:1001 --busy reject
	sp-forward >listing
	remember
	run --separate-stderr sp-forward -f listing
	assert_success
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-forward: --dry-run of a file prints what it would set" {
	given_users 2
	remember
	run --separate-stderr sp-forward -n -f - < <(printf '1000\tbusy\t1001\n')
	assert_success
	assert_output $'1000\tbusy\t1001\t\ton\town\t\t'
	assert_equal "$stderr" "sp-forward: dry run: nothing was changed"
	assert_nothing_changed
}

@test "sp-forward: a file that is none, or of something else" {
	given_users 1
	remember
	run --separate-stderr sp-forward -f none.csv
	assert_refused 66 "sp-forward: cannot read 'none.csv': No such file or directory"
	run --separate-stderr sp-forward -f - <<<'login,number'
	assert_refused 65 "sp-forward: standard input:1: unknown column 'login',\
 expected number,condition,target,after,switch,origin,from,until"
	run --separate-stderr sp-forward -f - </dev/null
	assert_success
	assert_output ""
}

# ---- the graph --------------------------------------------------------------

@test "sp-forward: over any mix of conditions there and back is a loop" {
	given_users 2
	for there in always busy no-answer offline; do
		sp-forward -q u0 --reset --$there 1001
		remember
		for back in always busy no-answer offline; do
			run --separate-stderr sp-forward u1 --$back 1000
			assert_loop 1001 1000 "1001 -> 1000 -> 1001"
		done
	done
}

@test "sp-forward: over any mix of conditions a ring of three is a loop" {
	given_users 3
	for first in always busy no-answer offline; do
		for second in always busy no-answer offline; do
			sp-forward -q u0 --reset --$first 1001
			sp-forward -q u1 --reset --$second 1002
			remember
			run --separate-stderr sp-forward u2 --always reject \
				--$first 1000
			assert_loop 1002 1000 "1002 -> 1000 -> 1001 -> 1002"
		done
	done
}

@test "sp-forward: rules for a time count for loops, whenever it is" {
	given_users 3
	sp-forward -q u0 --busy 1001 --from 2098-01-01 --until 2098-01-02
	remember
	for times in "" "--until 2097-01-01" "--from 2099-01-01"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward u1 --always 1000 $times
		assert_loop 1001 1000 "1001 -> 1000 -> 1001"
	done
	sp-forward -q u0 --busy 1002
	remember
	run --separate-stderr sp-forward u1 --offline 1000
	assert_loop 1001 1000 "1001 -> 1000 -> 1001"
}

@test "sp-forward: a default to the number itself is no loop" {
	given_defaults "busy: {to: '1000'}"
	given_users 2
	run --separate-stderr sp-forward u0 --always reject
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(sp-forward --resolve u0 --when busy | cut -f 2 | xargs)" \
		"divert refuse"
	sp-forward -q u0 --reset
	assert_equal "$(sp-forward --resolve u0 --when busy)" "\
1000	ring	1000@acme.example			20s		
1000	refuse					486	no rule"
}

# ---- the route --------------------------------------------------------------

# given_binding EXT EXPIRES_MS: a softphone's.
given_binding() {
	sql "INSERT INTO binding (extension_id, contact, call_id, source,
			transport, user_agent, created_ms)
		SELECT id, 'sip:a@192.0.2.1', 'x', '192.0.2.1:5060', 'udp', '', 0
		FROM extension WHERE number = '$1';
		INSERT INTO binding_live (binding_id, cseq, refreshed_ms,
			expires_ms, interval_ms)
		VALUES (last_insert_rowid(), 1, 0, $2, 0)"
}

FAR=4102444800000 # 2100-01-01

# resolves ARG... <<LINES: the steps, a blank for each TAB and - for nothing.
resolves() {
	run --separate-stderr sp-forward -o tsv --resolve "$@"
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(awk -F '\t' -v OFS=' ' '{
			for (i = 1; i < 8; i++) if ($i == "") $i = "-"
			print
		}' <<<"$output" | sed 's/ *$//')" "$(cat)"
}

@test "sp-forward: --resolve prints a line for each step of a call" {
	given_defaults "offline: {to: voicemail}"
	given_users 3
	given_binding 1000 $FAR
	sp-forward -q u0 --no-answer 1001 --after 5s
	sp-forward -q u1 --always 1002
	remember
	resolves u0 <<-'END'
	1000 ring 1000@acme.example - - 5s -
	1000 divert 1001 no-answer own - -
	1001 divert 1002 always own - -
	1002 divert voicemail offline default - -
	1002 send sip:vm-1002@vm.example - - - -
	END
	assert_nothing_changed
}

@test "sp-forward: --resolve has the same columns in every format" {
	given_users 1
	run --separate-stderr sp-forward --resolve u0 -o table
	assert_output "\
NUMBER  ACTION  TARGET  CONDITION  ORIGIN  AFTER  STATUS  REASON
1000    refuse                                       480  no rule"
	run --separate-stderr sp-forward --resolve u0 -o csv
	assert_output "\
number,action,target,condition,origin,after,status,reason
1000,refuse,,,,,480,no rule"
	run --separate-stderr sp-forward --resolve u0 -o jsonl
	assert_output '{"number":"1000","action":"refuse","target":null,"condition":null,"origin":null,"after":null,"status":480,"reason":"no rule"}'
	run --separate-stderr sp-forward --resolve u0 --columns action,status
	assert_output $'refuse\t480'
}

@test "sp-forward: --resolve leads to a box, a trunk, a URI, or nowhere" {
	given_users 2
	while read -r target steps; do
		sp-forward -q u0 --always "$target"
		resolves u0 <<<"1000 divert $target always own - -
1000 $steps"
	done <<-'END'
	voicemail send sip:vm-1000@vm.example - - - -
	+14155550123 send sip:+14155550123@trunk.example - - - -
	sip:a@b.example send sip:a@b.example - - - -
	reject refuse - - - - 603 rejected
	END
}

@test "sp-forward: --resolve --when tells what a call finds" {
	given_users 5
	sp-forward -q u0 --busy 1001 --no-answer 1002 --after 7s --offline 1003
	for when in registered no-answer; do
		resolves u0 --when $when <<-'END'
		1000 ring 1000@acme.example - - 7s -
		1000 divert 1002 no-answer own - -
		1002 refuse - - - - 480 no rule
		END
	done
	resolves u0 --when busy <<-'END'
	1000 ring 1000@acme.example - - 7s -
	1000 divert 1001 busy own - -
	1001 refuse - - - - 480 no rule
	END
	given_binding 1000 $FAR
	resolves u0 --when offline <<-'END'
	1000 divert 1003 offline own - -
	1003 refuse - - - - 480 no rule
	END
}

@test "sp-forward: --resolve --when is of the number that is dialled only" {
	given_users 2
	given_binding 1001 $FAR
	sp-forward -q u0 --offline 1001
	resolves u0 --when offline <<-'END'
	1000 divert 1001 offline own - -
	1001 ring 1001@acme.example - - 20s -
	1001 refuse - - - - 480 no rule
	END
}

@test "sp-forward: --resolve --at takes the rules of then, all along the route" {
	given_users 3
	sp-forward -q u0 --always 1001 --from 2098-01-01
	sp-forward -q u1 --always 1002 --until 2097-01-01
	resolves u0 --at '2098-01-01 00:00' <<-'END'
	1000 divert 1001 always own - -
	1001 refuse - - - - 480 no rule
	END
	resolves u1 --at 2096-12-31 <<-'END'
	1001 divert 1002 always own - -
	1002 refuse - - - - 480 no rule
	END
	# Also those that are over by now.
	sql "UPDATE forward SET until_ms = 1000 WHERE until_ms <> 0"
	assert_equal "$(goes_to u1 --at 1970-01-01T00:00:00Z)" 1002
	assert_equal "$(goes_to u1 --at 1970-01-01T00:00:01Z)" ""
}

@test "sp-forward: --resolve takes a login or any number" {
	given_user asmith 1001
	for operand in asmith 1001 user:asmith ext:1001; do
		resolves "$operand" <<<'1001 refuse - - - - 480 no rule'
	done
	for operand in 1777 ext:1777; do
		resolves "$operand" <<<'1777 refuse - - - - 404 not assigned'
	done
	resolves +14155550123 <<-'END'
	+14155550123 send sip:+14155550123@trunk.example - - - -
	END
	given_config
	resolves +14155550123 <<<'+14155550123 refuse - - - - 404 no gateway'
}

@test "sp-forward: --resolve refuses what is neither a number nor a login" {
	given_user asmith 1001
	given_user 1001 1002
	remember
	for operand in nobody user:nobody ext:x voicemail sip:1001@acme.example; do
		run --separate-stderr sp-forward --resolve "$operand"
		assert_refused 67 "sp-forward: no user or extension '$operand'\
 in 'acme.example'"
	done
	run --separate-stderr sp-forward --resolve 1001
	assert_refused 65 "sp-forward: '1001' is the extension of\
 'asmith' and the login of 1002: say ext:1001 or user:1001"
}

@test "sp-forward: --resolve follows five diversions, and no more" {
	given_users 8
	for i in 0 1 2 3 4 5; do
		sp-forward -q u$i --always 100$((i + 1))
	done
	given_binding 1005 $FAR
	run --separate-stderr sp-forward -o tsv --resolve u0
	assert_success
	assert_equal "$(cut -f 2 <<<"$output" | xargs)" \
		"divert divert divert divert divert ring refuse"
	assert_line --index 5 \
		$'1005\tring\t1005@acme.example\t\t\t20s\t\ttoo many diversions'
	assert_line --index 6 $'1005\trefuse\t\t\t\t\t480\tno rule'
}

@test "sp-forward: --resolve passes over a loop and a target that has left" {
	given_users 3
	sp-forward -q u0 --offline 1001
	sp-forward -q u1 --offline reject
	# Only by a way around the tools.
	sql "UPDATE forward SET target = '1000' WHERE target = 'reject'"
	resolves u0 <<-'END'
	1000 divert 1001 offline own - -
	1001 refuse - - - - 480 loop
	END
	sp-forward -q u2 --always 1001 --offline voicemail
	sp-recycle -q u1
	resolves u2 <<-'END'
	1002 divert voicemail offline own - - not assigned
	1002 send sip:vm-1002@vm.example - - - -
	END
}

@test "sp-forward: --resolve leaves out what is off" {
	given_defaults "offline: {to: voicemail}"
	given_users 1
	sp-forward -q u0 --always reject
	sp-forward -q u0 --off always --off offline
	resolves u0 <<<'1000 refuse - - - - 480 no rule'
}

@test "sp-forward: --resolve rings a softphone that is registered" {
	load clients/wire
	SECRET=$(given_phone asmith 1001)
	start_server
	resolves asmith <<<'1001 refuse - - - - 480 no rule'
	SP_SECRET=$SECRET sp-register login --server "$SERVER" 1001@acme.example \
		>login.out 2>login.err 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 state_is 1001 registered
	resolves asmith <<-'END'
	1001 ring 1001@acme.example - - 20s -
	1001 refuse - - - - 480 no rule
	END
}

@test "sp-forward: --resolve without a server goes by its last heartbeat" {
	given_users 2
	given_binding 1000 2000000
	given_binding 1001 1000
	sql "INSERT INTO server (id, nonce_key, heartbeat_ms) VALUES (1, zeroblob(32), 1000000)"
	run --separate-stderr sp-forward --resolve u0
	assert_success
	assert_line --index 0 $'1000\tring\t1000@acme.example\t\t\t20s\t\t'
	assert_equal "$stderr" "sp-forward: no server is running since\
 1970-01-01T00:16:40Z: who is registered is as it was then"
	run --separate-stderr sp-forward --resolve u1
	assert_output $'1001\trefuse\t\t\t\t\t480\tno rule'
	sql "UPDATE server SET heartbeat_ms = $(date +%s000)"
	resolves u0 <<<'1000 refuse - - - - 480 no rule'
}

@test "sp-forward: wrong use of --resolve is told" {
	local see="(see sp-forward --help)"

	given_users 1
	remember
	for args in "u0" "--busy reject" "--undo" "-f -"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward --resolve u0 $args
		assert_refused 64 "sp-forward: --resolve goes with neither\
 operands nor a change $see"
	done
	for args in "--at now" "--when busy"; do
		# shellcheck disable=SC2086
		run --separate-stderr sp-forward u0 $args
		assert_refused 64 "sp-forward: --at and --when go with --resolve $see"
	done
	run --separate-stderr sp-forward --resolve u0 -n
	assert_refused 64 "sp-forward: --dry-run goes with a change $see"
	run --separate-stderr sp-forward --resolve u0 --when away
	assert_refused 64 "sp-forward: --when: 'away' is none of registered,\
 offline, busy, no-answer"
	run --separate-stderr sp-forward --resolve u0 --at soon
	assert_refused 65 "sp-forward: --at: 'soon' is not a time (like 2026-12-24\
 18:00, 2026-12-24T18:00:00Z, 09:00, tomorrow 09:00, now, +2h, -30d)"
}
