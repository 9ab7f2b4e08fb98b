#!/usr/bin/env bats

# Two tenants of one file, a.example and b.example, with the same pool and users
# of the same logins and numbers: they never meet.
# Which tenant is meant, and what is no tenant, is in config.bats.

# One after the other, as in the other quick suites.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	cat >sp.yaml <<-END
	listen: [udp:127.0.0.1:0]
	tenants:
	  - domain: a.example
	    aliases: [a.test]
	    pool: [1000-1009]
	    reserved: [1001]
	  - domain: b.example
	    aliases: [b.test]
	    pool: [1000-1009]
	    forwarding: {busy: {to: reject}}
	END
	export SP_CONFIG=$PWD/sp.yaml
}

teardown() { common_teardown; }

# given_both: asmith has 1000 and bjones 1005 in each, with other names.
given_both() {
	local domain

	for domain in a b; do
		sp-assign -q -t $domain.example asmith Anna "${domain^^}"
		sp-assign -q -t $domain.example -N 1005 bjones Bob "${domain^^}"
	done
}

# of_tenant DOMAIN: all that is stored of one, as text.
of_tenant() {
	local id

	id=$(sql "SELECT id FROM tenant WHERE domain = '$1'")
	sql "SELECT * FROM sp_user WHERE tenant_id = $id;
		SELECT * FROM extension WHERE tenant_id = $id;
		SELECT f.* FROM forward f JOIN extension e
			ON e.id = f.extension_id WHERE e.tenant_id = $id;
		SELECT f.* FROM forward_former f JOIN extension e
			ON e.id = f.extension_id WHERE e.tenant_id = $id;
		SELECT s.* FROM secret s JOIN sp_user u ON u.id = s.user_id
			WHERE u.tenant_id = $id;
		SELECT * FROM pool_mark WHERE tenant_id = $id;
		SELECT * FROM tenure WHERE tenant_id = $id;
		SELECT * FROM login_session WHERE tenant_id = $id;
		SELECT * FROM event WHERE tenant_id = $id"
}

# untouched COMMAND...: does it for b.example, and looks that all of a.example
# is as it was.
untouched() {
	of_tenant a.example >before
	SP_TENANT=b.example run --separate-stderr "$@"
	of_tenant a.example >after
	diff before after
}

# columns COLUMN[,COLUMN] ARG...: of sp-status.
columns() {
	sp-status -o tsv --columns "$@"
}

@test "tenants: each has its own numbers, logins and names" {
	given_both
	run --separate-stderr columns number,login,last,registered_name \
		-t a.example
	assert_success
	assert_output "\
1000	asmith	A	1000@a.example
1005	bjones	A	1005@a.example"
	assert_equal "$stderr" ""
	run --separate-stderr columns number,login,last,registered_name \
		-t b.example
	assert_output "\
1000	asmith	B	1000@b.example
1005	bjones	B	1005@b.example"
}

@test "tenants: -t takes an alias, and SP_TENANT names one" {
	given_both
	assert_equal "$(columns last -t b.test 1000)" B
	assert_equal "$(SP_TENANT=b.test columns last asmith)" B
	assert_equal "$(SP_TENANT=b.test columns last -t A.Test asmith)" A
	run --separate-stderr sp-recycle -t b.test 1000
	assert_success
	assert_equal "$(columns number -t b.example)" 1005
	assert_equal "$(columns number -t a.example | xargs)" "1000 1005"
}

@test "tenants: without one, every tool and mode lists them and does nothing" {
	local command

	given_both
	echo login >users.csv
	remember
	for command in "sp-assign x" "sp-assign -f users.csv" \
		"sp-assign --swap asmith bjones" "sp-assign --reserve 1002" \
		"sp-recycle asmith" "sp-recycle --absent-from users.csv" \
		sp-forward "sp-forward 1000 --busy 1005" \
		"sp-forward --resolve 1000" "sp-register logout 1000" \
		sp-status "sp-status --free" "sp-status --resting" \
		"sp-status --reserved" "sp-status --summary" \
		"sp-status --history 1000" "sp-status --as-of now" \
		"sp-status --follow" "sp-status --since 0" \
		"sp-status --wait offline 1000"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr $command
		assert_equal "$command: $status" "$command: 64"
		assert_refused 64 "${command%% *}: no tenant named, expected --tenant\
 with one of: a.example, b.example"
	done
}

@test "tenants: a name that is none is refused by every tool" {
	local command

	given_both
	remember
	for command in "sp-assign -t c.example x" \
		"sp-recycle -t c.example asmith" "sp-forward -t c.example" \
		"sp-status -t c.example" "sp-status -t c.example --follow"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr $command
		assert_refused 64 "${command%% *}: no tenant 'c.example',\
 expected one of: a.example, b.example"
	done
}

@test "tenants: assigning, reassigning and swapping in one leaves the other" {
	given_both
	untouched sp-assign -o tsv cnew
	assert_output --regexp $'^1001\tcnew\t'
	untouched sp-assign -o tsv -N 1007 asmith
	assert_success
	untouched sp-assign --swap bjones asmith
	assert_success
	untouched sp-assign -s asmith Anna Baker
	assert_success
	untouched sp-assign --reserve 1009
	assert_success
	run --separate-stderr sp-assign -o tsv -t a.example -N 1009 dnew
	assert_success
}

@test "tenants: a number that is taken in one is free in the other" {
	given_both
	sp-assign -q -t b.example -N 1003 cnew
	run --separate-stderr sp-assign -t a.example -N 1003 -o tsv dnew
	assert_success
	assert_output --regexp $'^1003\tdnew\t'
	run --separate-stderr sp-assign -t a.example -N 1001 enew
	assert_failure 73
	run --separate-stderr sp-assign -t b.example -N 1001 enew
	assert_success
}

@test "tenants: recycling in one leaves the other" {
	given_both
	untouched sp-recycle asmith 1005
	assert_success
	assert_output $'1000\tasmith\n1005\tbjones'
	assert_equal "$(columns number -t b.example)" ""
}

@test "tenants: --absent-from is about one, and so is its --max" {
	given_both
	seq -f 'u%g' 1 5 | sed '1i login' >users.csv
	sp-assign -q -t a.example -f users.csv
	echo bjones >>users.csv
	untouched sp-recycle --absent-from users.csv --max 50%
	assert_success
	assert_output $'1000\tasmith'
	untouched sp-recycle --absent-from <(echo login) --max 50%
	refute [ "$status" = 0 ]
	assert_output ""
}

@test "tenants: a target is an extension of the same tenant" {
	given_both
	sp-assign -q -t b.example -N 1003 cnew
	run --separate-stderr sp-forward -t a.example 1000 --busy 1003
	assert_failure 65
	assert_output ""
	assert_equal "$stderr" \
		"sp-forward: target '1003' is not assigned to anybody"
	untouched sp-forward 1000 --always 1005
	assert_success
	# What would be a loop of one and the same tenant.
	run --separate-stderr sp-forward -t a.example 1005 --always 1000
	assert_success
}

@test "tenants: rules of others that are cleared or told are of the same" {
	given_both
	sp-forward -q -t a.example 1000 --busy 1005
	sp-forward -q -t b.example 1000 --busy 1005
	untouched sp-recycle -q --clear-inbound 1005
	assert_success
	assert_equal "$(sp-forward -t b.example -o tsv 1000 | cut -f 2,3,6)" \
		$'busy\treject\tdefault'
	untouched sp-recycle 1000
	assert_equal "$stderr" ""
	assert_equal "$(columns number -t a.example | xargs)" "1000 1005"
}

@test "tenants: rules, resets and undos of one leave the other" {
	given_both
	sp-forward -q -t a.example 1000 --busy 1005
	sp-forward -q -t a.example 1000 --busy reject
	untouched sp-forward 1000 --busy 1005 --offline reject
	untouched sp-forward 1000 --off busy
	untouched sp-forward 1000 --undo
	assert_output --partial "busy	1005"
	untouched sp-forward 1000 --reset
	assert_success
	sp-forward -q -t a.example 1000 --undo
	assert_equal "$(sp-forward -t a.example -o tsv 1000 | cut -f 2,3)" \
		$'busy\t1005'
}

@test "tenants: rules of a file, defaults and routes are of one" {
	given_both
	sp-forward -q -t b.example 1000 --always 1005
	sp-forward -t b.example -o tsv >rules
	assert_equal "$(cut -f 1-3,6 rules)" "\
1000	always	1005	own
1000	busy	reject	default
1005	busy	reject	default"
	run --separate-stderr sp-forward -t a.example
	assert_success
	assert_output ""
	run --separate-stderr sp-forward -t a.example --resolve 1000
	refute_output --partial 1005
	run --separate-stderr sp-forward -t b.example --resolve 1000
	assert_output --partial 1005
	refute_output --partial 1000@b.example
}

@test "tenants: history is of one, by number, by login and in all" {
	given_both
	sp-recycle -q -t b.example bjones
	sp-assign -q -t b.example -N 1005 cnew
	assert_equal "$(columns what,login -t a.example --history 1005)" \
		$'tenure\tbjones\nassigned\tbjones'
	assert_equal "$(columns what -t a.example --history bjones | xargs)" \
		"tenure assigned"
	assert_equal "$(columns number,what,login -t b.example --history 1005)" \
		"\
1005	tenure	bjones
1005	tenure	cnew
1005	assigned	bjones
1005	recycled	bjones
1005	assigned	cnew"
	run --separate-stderr sp-status -t a.example --history cnew
	assert_failure 67
	assert_equal "$(columns seq -t a.example --since 0 | xargs)" "1 2"
	assert_equal "$(columns seq -t b.example --since 0 | xargs)" "3 4 5 6"
	assert_equal "$(columns seq -t b.example --since 4 | xargs)" "5 6"
}

@test "tenants: --as-of is of one" {
	given_both
	sql "UPDATE extension SET assigned_ms = 1000"
	sp-recycle -q -t b.example bjones
	sp-assign -q -t b.example -N 1005 cnew
	run columns number,login,last -q -t a.example --as-of 1970-01-01T00:00:02Z
	assert_output $'1000\tasmith\tA\n1005\tbjones\tA'
	run columns last -q -t b.example --as-of 1970-01-01T00:00:02Z 1005 bjones
	assert_output $'B\nB'
	run columns login -q -t b.example --as-of now 1005
	assert_output cnew
	run columns login -q -t a.example --as-of now 1005
	assert_output bjones
}

@test "tenants: --follow is of one" {
	given_both
	sp-status -o tsv --follow -t a.example >a 3>&- &
	SERVER_PIDS+=($!)
	sp-status -o tsv --follow -t b.example >b 3>&- &
	SERVER_PIDS+=($!)
	sp-status -o tsv --follow -t a.example --since 0 >all 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 test -s all
	until [ -s a ] && [ -s b ]; do
		sp-assign -q -t b.example cnew
		sp-assign -q -t a.example dnew
		sp-recycle -q -t a.example dnew
		sp-recycle -q -t b.example cnew
	done
	assert_equal "$(cut -f 6 a | sort -u)" dnew
	assert_equal "$(cut -f 6 b | sort -u)" cnew
	run grep -c cnew all
	assert_output 0
}

@test "tenants: --free, --reserved, --resting and --summary are of one" {
	given_both
	sp-assign -q -t b.example cnew # 1001
	sp-recycle -q -t b.example --rest 1d cnew
	sp-assign -q -t b.example --reserve 1002
	assert_equal "$(columns number -t a.example --free | xargs)" \
		"1002 1003 1004 1006 1007 1008 1009"
	assert_equal "$(columns number -t b.example --free | xargs)" \
		"1003 1004 1006 1007 1008 1009"
	assert_equal "$(columns number -t a.example --reserved)" 1001
	assert_equal "$(columns number -t b.example --reserved)" 1002
	assert_equal "$(columns number -t a.example --resting)" ""
	assert_equal "$(columns number -t b.example --resting)" 1001
	assert_equal "$(columns count -t a.example --summary | xargs)" \
		"2 2 0 0 0 0 0 10 2 7 0 1 10 2 7 0 1 7"
	assert_equal "$(columns count -t b.example --summary | xargs)" \
		"2 2 0 0 0 0 0 10 2 6 1 1 10 2 6 1 1 7"
}

@test "tenants: a softphone of one is on line there only, and logged out there" {
	local secret domain

	given_both
	for domain in a b; do
		secret=$(sp-assign -o tsv -s -t $domain.example asmith |
			cut -f 6)
		printf '%s\n' "$secret" >$domain.secret
	done
	chmod 600 ./*.secret
	start_server
	sp-register login --server "$SERVER" --secret-file b.secret \
		1000@b.example >login.out 2>login.err 3>&- &
	SERVER_PIDS+=($!)
	sp-status -q -t b.example --wait registered --timeout 10s 1000
	assert_equal "$(columns state -t a.example 1000)" offline
	run --separate-stderr sp-register logout -t a.example 1000
	assert_equal "$(columns state -t b.example 1000)" registered
	# The other's secret is none here.
	sp-register login --server "$SERVER" --secret-file a.secret \
		1000@b.example >refused.out 2>&1 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 grep -q 'answers 401' refused.out
	sp-register logout -t b.example -q 1000
	assert_equal "$(columns state -t b.example 1000)" offline
	assert_equal "$(columns what -t a.example --since 0 | sort -u | xargs)" \
		"assigned new-secret"
}
