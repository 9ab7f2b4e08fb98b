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
		"sp-forward: target '2000' is not in the pool of 'acme.example'"
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
	local none="sp-forward: no database '$SP_DB': No such file or directory\
 (sp-assign and sp-register serve make it)"

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
	assert_equal "$stderr" "sp-forward: option '--busy' needs an argument $see"
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
