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

# given_phone NUMBER: a softphone of that extension is registered.
given_phone() {
	sql "INSERT INTO login_session (id, tenant_id, number, login,
			started_ms, contact, transport, user_agent)
		SELECT 7, tenant_id, number, 'x', 1, 'sip:x', 'udp', ''
			FROM extension WHERE number = '$1';
		UPDATE extension SET session_id = 7 WHERE number = '$1';
		INSERT INTO binding (id, extension_id, contact, call_id,
			source, transport, user_agent, created_ms)
		SELECT 7, id, 'sip:x', 'x', 'x', 'udp', '', 1
			FROM extension WHERE number = '$1';
		INSERT INTO binding_live VALUES (7, 1, 1, 4102444800000, 0)"
}

# ---- who goes ---------------------------------------------------------------

@test "sp-recycle: prints the freed number and who had it" {
	given_user asmith 1001
	run --separate-stderr sp-recycle asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" ""
}

@test "sp-recycle: a number names its user" {
	given_user asmith 1001
	run --separate-stderr sp-recycle 1001
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" ""
}

@test "sp-recycle: several go in the order in which they are named" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cdoe 1003
	run --separate-stderr sp-recycle cdoe 1001
	assert_success
	assert_output $'1003\tcdoe\n1001\tasmith'
	assert_equal "$(sp-status -q -o tsv | cut -f 2)" bjones
}

@test "sp-recycle: digits that are a number and another's login need ext: or user:" {
	given_user asmith 1001
	given_user 1001 1002
	remember
	run --separate-stderr sp-recycle 1001
	assert_refused 65 "sp-recycle: '1001' is the extension of 'asmith' and\
 the login of 1002: say ext:1001 or user:1001"
	run --separate-stderr sp-recycle user:1001
	assert_output $'1002\t1001'
	run --separate-stderr sp-recycle ext:1001
	assert_output $'1001\tasmith'
	assert_equal "$stderr" ""
}

@test "sp-recycle: digits that are only a login are a login" {
	given_user 10023 1001
	run --separate-stderr sp-recycle 10023
	assert_success
	assert_output $'1001\t10023'
	assert_equal "$stderr" ""
}

@test "sp-recycle: digits that are the user's own number and login are clear" {
	given_user 1001 1001
	run --separate-stderr sp-recycle 1001
	assert_success
	assert_output $'1001\t1001'
	assert_equal "$stderr" ""
}

@test "sp-recycle: an unknown operand changes nothing, also not the others" {
	given_user asmith
	remember
	run --separate-stderr sp-recycle asmith nobody
	assert_failure 67
	assert_equal "$stderr" "sp-recycle: no user or extension 'nobody' in 'acme.example'"
	assert_output ""
	assert_nothing_changed
}

@test "sp-recycle: each unknown operand is told" {
	given_user asmith 1001
	remember
	run --separate-stderr sp-recycle nobody asmith 1500 ext:asmith user:1001 ''
	assert_refused 67 "\
sp-recycle: no user or extension 'nobody' in 'acme.example'
sp-recycle: no user or extension '1500' in 'acme.example'
sp-recycle: no user or extension 'ext:asmith' in 'acme.example'
sp-recycle: no user or extension 'user:1001' in 'acme.example'
sp-recycle: no user or extension '' in 'acme.example'"
}

@test "sp-recycle: who is out is unknown" {
	given_user asmith 1001
	sp-recycle -q asmith
	remember
	for operand in asmith 1001; do
		run --separate-stderr sp-recycle $operand
		assert_refused 67 "sp-recycle: no user or extension '$operand'\
 in 'acme.example'"
	done
}

@test "sp-recycle: the same operand twice is one" {
	given_user asmith 1001
	run --separate-stderr sp-recycle 1001 1001
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" ""
}

# ---- what goes with them ----------------------------------------------------

@test "sp-recycle: digits do not turn from one who is out to another" {
	given_user 1005 1001
	given_user asmith 1005
	remember
	for list in 'asmith 1005' 'ext:1005 1005' 'user:1005 1005'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-recycle $list
		assert_failure 65
		assert_regex "$stderr" "^sp-recycle: '1005' is one who is out\
 already, and '(1005' with 1001|asmith' with 1005) as well: say ext:1005 or user:1005$"
		assert_nothing_changed
	done
	run sp-recycle asmith user:1005 ext:1005
	assert_output $'1005\tasmith\n1001\t1005'
}

@test "sp-recycle: the number is free and comes back to the next user" {
	given_user asmith
	given_user bjones
	sp-recycle -q asmith
	assert_equal "$(sp-status -q -o tsv 1000 | cut -f 1,2,6)" \
		$'1000\t\tfree'
	run --separate-stderr sp-assign cdoe
	assert_output $'1000\tcdoe\t\t\t1000@acme.example'
	assert_equal "$stderr" ""
}

@test "sp-recycle: forwarding is back to the defaults" {
	given_config "forwarding: {busy: {to: reject}}"
	given_user asmith 1001
	sp-forward -q asmith --always reject --busy sip:x@b.example
	sp-recycle -q asmith
	given_user bjones 1001
	run --separate-stderr sp-forward 1001
	assert_output $'1001\tbusy\treject\t\ton\tdefault\t\t'
	assert_equal "$stderr" ""
}

@test "sp-recycle: rules of others stay, and are told" {
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --busy 1001 --no-answer 1001 --after 9s
	run --separate-stderr sp-recycle asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" "\
sp-recycle: 1002 forwards busy to 1001, which nobody has now
sp-recycle: 1002 forwards no-answer to 1001, which nobody has now"
	run --separate-stderr sp-forward bjones
	assert_output $'1002\tbusy\t1001\t\ton\town\t\t
1002\tno-answer\t1001\t9s\ton\town\t\t'
}

@test "sp-recycle: --clear-inbound removes the rules of others" {
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --always 1001 --until +2h
	sp-forward -q bjones --busy 1001 --no-answer reject
	run --separate-stderr sp-recycle --clear-inbound asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" "\
sp-recycle: 1002 no longer forwards always to 1001, which nobody has now
sp-recycle: 1002 no longer forwards busy to 1001, which nobody has now"
	assert_equal "$(sp-forward | cut -f 1-3)" $'1002\tno-answer\treject'
	assert_equal "$(last_event)" \
		"1002|bjones|forwarding|busy=1001||sp-recycle|$(id -un)"
}

@test "sp-recycle: rules of those who leave together are not told" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cdoe 1003
	sp-forward -q asmith --busy 1002
	sp-forward -q cdoe --busy 1002
	for operands in "asmith bjones" "bjones asmith"; do
		# shellcheck disable=SC2086 # two words
		run --separate-stderr sp-recycle -n $operands
		assert_success
		assert_equal "$stderr" "\
sp-recycle: dry run: nothing was changed
sp-recycle: 1003 forwards busy to 1002, which nobody has now"
	done
}

@test "sp-recycle: rules are of the tenant alone; --quiet tells of none" {
	cat >>sp.yaml <<-END
	  - domain: b.example
	    pool: [1000-1999]
	END
	export SP_TENANT=b.example
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --busy 1001
	export SP_TENANT=acme.example
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --busy 1001
	run --separate-stderr sp-recycle -q --clear-inbound asmith
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	assert_equal "$(sp-forward)" ""
	assert_equal "$(sp-forward -t b.example | cut -f 1-3)" \
		$'1002\tbusy\t1001'
}

@test "sp-recycle: the secret is revoked" {
	given_user asmith 1001
	given_user bjones
	given_secret asmith
	given_secret bjones
	sp-recycle -q asmith
	assert_equal "$(sql "SELECT login FROM secret JOIN sp_user u
		ON u.id = user_id")" bjones
	assert_equal "$(sql "SELECT count(*) FROM secret")" 1
	given_user asmith 1001
	assert_equal "$(sql "SELECT count(*) FROM secret")" 1
}

@test "sp-recycle: bindings are dropped and the login session ends" {
	given_user asmith 1001
	given_phone 1001
	sp-recycle -q asmith
	assert_equal "$(sql "SELECT count(*) FROM binding")" 0
	assert_equal "$(sql "SELECT count(*) FROM binding_live")" 0
	assert_equal "$(sql "SELECT ending, ended_ms > 1 FROM login_session")" \
		"recycled|1"
}

@test "sp-recycle: the next owner starts without a login session" {
	given_user asmith 1001
	given_phone 1001
	sp-recycle -q asmith
	given_user bjones 1001
	run --separate-stderr sp-status -o tsv 1001
	assert_output --regexp \
		$'^1001\tbjones\t.*\toffline\t[0-9TZ:-]+\t\t\t\t\t\t\tdefault$'
	assert_equal "$stderr" ""
}

@test "sp-recycle: whatever hangs on an extension goes, also in new tables" {
	given_user asmith 1001
	given_user bjones 1002
	sql "CREATE TABLE named (ext INTEGER REFERENCES extension (id));
		CREATE TABLE \"odd \"\"name\" (x, \"of ext\" REFERENCES extension);
		INSERT INTO named SELECT id FROM extension;
		INSERT INTO \"odd \"\"name\" SELECT 0, id FROM extension"
	sp-recycle -q asmith
	assert_equal "$(sql "SELECT number FROM named, extension e
		WHERE e.id = ext")" 1002
	assert_equal "$(sql "SELECT number FROM \"odd \"\"name\", extension e
		WHERE e.id = \"of ext\"")" 1002
}

@test "sp-recycle: an event tells who had the number" {
	given_user asmith 1001
	sp-recycle -q 1001
	assert_equal "$(last_event)" \
		"1001|asmith|recycled|1001||sp-recycle|$(id -un)"
}

@test "sp-recycle: who had the number, and until when, is kept" {
	given_user asmith 1001
	sp-recycle -q 1001
	assert_equal "$(sql "SELECT t.number, t.login, first_name, last_name,
		until_ms = at_ms, from_ms <= until_ms FROM tenure t, event e
		WHERE what = 'recycled'")" \
		"1001|asmith|First-asmith|Last-asmith|1|1"
	run sp-status -o tsv --history 1001
	assert_line --regexp $'^1001\t.*\ttenure\tasmith\t'
}

@test "sp-recycle: a softphone is refused with its next refresh" {
	local secret

	load clients/wire
	start_server
	secret=$(sp-assign -s -N 1001 asmith | cut -f 6)
	run register 1001 "$secret"
	assert_status 200
	sp-recycle -q asmith
	run register 1001 "$secret"
	assert_status '40[134]'
	assert_equal "$(sql "SELECT count(*) FROM binding")" 0
}

@test "sp-recycle: a number rests for the tenant's rest" {
	given_config "rest: 30d"
	given_user asmith 1000
	sp-recycle -q asmith
	assert_equal "$(sp-status -q -o tsv 1000 | cut -f 6)" resting
	assert_equal "$(sql "SELECT free_from_ms - at_ms FROM extension, event
		WHERE what = 'recycled'")" 2592000000
}

@test "sp-recycle: --rest keeps a number from the next one for that long" {
	given_user asmith 1000
	run --separate-stderr sp-recycle --rest 30d asmith
	assert_success
	assert_output $'1000\tasmith'
	assert_equal "$(sp-status -q -o tsv 1000 | cut -f 6)" resting
	assert_equal "$(sql "SELECT free_from_ms - at_ms FROM extension, event
		WHERE what = 'recycled'")" 2592000000
	run sp-assign bjones
	assert_output --regexp '^1001'
	run --separate-stderr sp-assign -N 1000 cdoe
	assert_failure 73
}

@test "sp-recycle: --rest 0 overrides the tenant's" {
	given_config "rest: 30d"
	given_user asmith 1000
	sp-recycle -q --rest 0 asmith
	assert_equal "$(sp-status -q -o tsv 1000 | cut -f 6)" free
	run sp-assign bjones
	assert_output --regexp '^1000'
}

@test "sp-recycle: only the tenant that is meant loses a user" {
	cat >>sp.yaml <<-END
	  - domain: b.example
	    pool: [1000-1999]
	END
	sp-assign -q -t acme.example asmith
	sp-assign -q -t b.example asmith
	run --separate-stderr sp-recycle -t b.example asmith
	assert_success
	assert_output $'1000\tasmith'
	run --separate-stderr sp-status -q -o tsv -t acme.example
	assert_output --regexp $'^1000\tasmith\t'
	run --separate-stderr sp-status -q -o tsv -t b.example
	assert_output ""
}

# ---- what is missing, or too much -------------------------------------------

@test "sp-recycle: --ignore-missing passes over unknown operands" {
	given_user asmith 1001
	run --separate-stderr sp-recycle --ignore-missing nobody 1001 1500
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" ""
	remember
	run --separate-stderr sp-recycle --ignore-missing asmith 1001
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-recycle: --ignore-missing ignores nothing else" {
	given_user asmith 1001
	given_user 1001 1002
	remember
	run --separate-stderr sp-recycle --ignore-missing 1001
	assert_refused 65 "sp-recycle: '1001' is the extension of 'asmith' and\
 the login of 1002: say ext:1001 or user:1001"
	run --separate-stderr sp-recycle --ignore-missing - <<<$'a\xff'
	assert_refused 65 "sp-recycle: standard input:1: not valid UTF-8"
}

@test "sp-recycle: -k takes out those who are there and exits 65" {
	given_user asmith 1001
	given_user bjones 1002
	run --separate-stderr sp-recycle -k nobody asmith - <<<$'x y\n1002'
	assert_failure 65
	assert_output $'1001\tasmith\n1002\tbjones'
	assert_equal "$stderr" "\
sp-recycle: no user or extension 'nobody' in 'acme.example'
sp-recycle: standard input:1: no user or extension 'x y' in 'acme.example'"
	assert_equal "$(sp-status -q -o tsv)" ""
}

@test "sp-recycle: -k with nobody unknown is done" {
	given_user asmith 1001
	run --separate-stderr sp-recycle -k asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" ""
}

# given_users N: u001 ... with the numbers from 1001 on.
given_users() {
	{ echo number,login; seq 1001 $((1000 + $1)) | sed 's/1\(.*\)/&,u\1/'; } |
		sp-assign -q -f -
}

# too_many N TOTAL MAX: the sentence about that.
too_many() {
	echo "sp-recycle: this would take out $1 of $2 users, more than $3:\
 nothing was changed (--max says how many may go)"
}

@test "sp-recycle: --max is how many may go" {
	given_users 5
	remember
	run --separate-stderr sp-recycle --max 2 u001 u002 u003
	assert_refused 65 "$(too_many 3 5 2)"
	run --separate-stderr sp-recycle --max 0 u001
	assert_refused 65 "$(too_many 1 5 0)"
	run --separate-stderr sp-recycle --max 2 u001 u002 u001
	assert_success
	assert_output $'1001\tu001\n1002\tu002'
	assert_equal "$stderr" ""
}

@test "sp-recycle: --max may be a share of the tenant" {
	given_users 5
	sp-assign -q -d other.db x
	remember
	run --separate-stderr sp-recycle --max 40% u001 u002 u003
	assert_refused 65 "$(too_many 3 5 40%)"
	run --separate-stderr sp-recycle --max 39% u001 u002
	assert_refused 65 "$(too_many 2 5 39%)"
	run --separate-stderr sp-recycle --max 40% u001 u002
	assert_success
	assert_equal "$stderr" ""
}

@test "sp-recycle: --max counts those who go, also with --keep-going" {
	given_users 5
	remember
	run --separate-stderr sp-recycle -k --max 1 nobody u001 u002
	assert_refused 65 "\
sp-recycle: no user or extension 'nobody' in 'acme.example'
$(too_many 2 5 1)"
	run --separate-stderr sp-recycle -k --max 1 nobody u001
	assert_failure 65
	assert_output $'1001\tu001'
}

@test "sp-recycle: without --max operands have no limit" {
	given_users 5
	run --separate-stderr sp-recycle - < <(seq 1001 1005)
	assert_success
	assert_equal "${#lines[@]}" 5
}

# ---- --absent-from ----------------------------------------------------------

# present FIRST LAST: a list in CSV of u-FIRST to u-LAST.
present() {
	echo login
	seq -f 'u%03g' "$1" "$2"
}

@test "sp-recycle: --absent-from takes out all who are not in the list" {
	given_users 10
	present 3 10 >users.csv
	echo newcomer >>users.csv
	run --separate-stderr sp-recycle --absent-from users.csv
	assert_success
	assert_output $'1001\tu001\n1002\tu002'
	assert_equal "$stderr" ""
	assert_equal "$(sp-status -q -o tsv | cut -f 2)" \
		"$(seq -f 'u%03g' 3 10)"
	remember
	run --separate-stderr sp-recycle --absent-from - <users.csv
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-recycle: --absent-from reads what sp-assign -f reads" {
	given_users 5
	printf -- '# HR\n- {login: u002, first: 0}\n- login: u003\n- login: u004
- login: u005\n' >users.yaml
	printf '[{"login":"u002"},{"login":"u003"},{"login":"u004"}
,{"login":"u005"}]' >users.json
	printf '{"login":"u00%d"}\n' 2 3 4 5 >users.jsonl
	printf 'Last\tLogin\nx\tu00%d\n' 2 >users.tsv
	printf 'x\tu00%d\n' 3 4 5 >>users.tsv
	printf '\xef\xbb\xbf"login",secret\r\n' >users.csv
	printf '"u00%d",\r\n' 2 3 4 5 >>users.csv
	for format in yaml json jsonl tsv csv; do
		run --separate-stderr sp-recycle -n --absent-from users.$format
		assert_success
		assert_output $'1001\tu001'
		assert_equal "$stderr" \
			"sp-recycle: dry run: nothing was changed"
	done
}

@test "sp-recycle: --absent-from of what sp-status exports is nobody" {
	given_users 5
	for format in csv json jsonl yaml; do
		run --separate-stderr sp-recycle --absent-from - \
			< <(sp-status -q -o $format)
		assert_success
		assert_output ""
		assert_equal "$stderr" ""
	done
}

@test "sp-recycle: a bad line of --absent-from refuses everything" {
	given_users 10
	{ present 2 9; echo 'u 010'; echo 'u011,x'; } >users.csv
	remember
	run --separate-stderr sp-recycle --absent-from users.csv
	assert_refused 65 "\
sp-recycle: users.csv:10: 'u 010' is not a login (ASCII letters,\
 digits and . _ - + @)
sp-recycle: users.csv:11: 2 columns, expected 1 (login)"
	run --separate-stderr sp-recycle --max 100% --absent-from users.csv
	assert_failure 65
	assert_nothing_changed
}

@test "sp-recycle: a list that is none is refused" {
	given_users 2
	remember
	run --separate-stderr sp-recycle --absent-from - </dev/null
	assert_refused 65 "sp-recycle: standard input:1: no header, expected\
 login"
	run --separate-stderr sp-recycle --absent-from - <<<$'number\n1001'
	assert_refused 65 "sp-recycle: standard input:1: no column 'login',\
 expected some of login"
	run --separate-stderr sp-recycle --absent-from missing.csv
	assert_refused 66 \
		"sp-recycle: cannot read 'missing.csv': No such file or directory"
}

@test "sp-recycle: an empty list does not empty the call centre" {
	given_users 10
	remember
	for list in login '[]'; do
		run --separate-stderr sp-recycle --absent-from - <<<"$list"
		assert_refused 65 "$(too_many 10 10 20%)"
		run --separate-stderr sp-recycle -n --absent-from - <<<"$list"
		assert_refused 65 "$(too_many 10 10 20%)"
	done
}

@test "sp-recycle: 20 of 100 may go, 21 not" {
	given_users 100
	present 22 100 >users.csv
	remember
	run --separate-stderr sp-recycle --absent-from users.csv
	assert_refused 65 "$(too_many 21 100 20%)"
	echo u001 >>users.csv
	run --separate-stderr sp-recycle --absent-from users.csv
	assert_success
	assert_equal "${#lines[@]}" 20
	assert_line --index 0 $'1002\tu002'
	assert_equal "$stderr" ""
}

@test "sp-recycle: --max is another limit for --absent-from" {
	given_users 10
	present 4 10 >users.csv
	remember
	run --separate-stderr sp-recycle --max 2 --absent-from users.csv
	assert_refused 65 "$(too_many 3 10 2)"
	run --separate-stderr sp-recycle --max 29% --absent-from users.csv
	assert_refused 65 "$(too_many 3 10 29%)"
	run --separate-stderr sp-recycle --max 3 --absent-from users.csv
	assert_success
	assert_equal "${#lines[@]}" 3
	run --separate-stderr sp-recycle --max 100% --absent-from - <<<login
	assert_success
	assert_equal "${#lines[@]}" 7
	assert_equal "$(sp-status -q -o tsv)" ""
}

@test "sp-recycle: --absent-from knows only its own tenant" {
	cat >>sp.yaml <<-END
	  - domain: b.example
	    pool: [1000-1999]
	END
	sp-assign -q -t acme.example asmith
	sp-assign -q -t b.example bjones
	run --separate-stderr sp-recycle -t b.example --max 1 --absent-from - \
		<<<$'login\nasmith'
	assert_success
	assert_output $'1000\tbjones'
	assert_equal "$(sp-status -q -t acme.example -o tsv | cut -f 2)" asmith
}

# ---- lists ------------------------------------------------------------------

@test "sp-recycle: - reads the first field of each line" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cdoe 1003
	run --separate-stderr sp-recycle - \
		< <(printf '\xef\xbb\xbfasmith\twas 1001\r\n\r\n1003\n')
	assert_success
	assert_output $'1001\tasmith\n1003\tcdoe'
	assert_equal "$stderr" ""
}

@test "sp-recycle: - goes with other operands, in order" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cdoe 1003
	run --separate-stderr sp-recycle cdoe - bjones <<<1001
	assert_success
	assert_output $'1003\tcdoe\n1001\tasmith\n1002\tbjones'
	assert_equal "$stderr" ""
}

@test "sp-recycle: -0 reads items that end with NUL" {
	given_user asmith 1001
	given_user bjones 1002
	run --separate-stderr sp-recycle -0 - < <(printf 'asmith\0001002\0')
	assert_success
	assert_output $'1001\tasmith\n1002\tbjones'
	assert_equal "$stderr" ""
	run --separate-stderr sp-recycle -0 - < <(printf 'a\nb\0')
	assert_failure 65
	assert_equal "$stderr" "sp-recycle: standard input:1: a control\
 character (0x0a), expected text"
}

@test "sp-recycle: one who is named by number and by login goes once" {
	given_user asmith 1001
	given_user bjones 1002
	run --separate-stderr sp-recycle asmith 1001 ext:1001 user:asmith bjones
	assert_success
	assert_output $'1001\tasmith\n1002\tbjones'
	assert_equal "$stderr" ""
	given_user asmith 1001
	run --separate-stderr sp-recycle asmith 1002
	assert_failure 67
	assert_equal "$stderr" \
		"sp-recycle: no user or extension '1002' in 'acme.example'"
}

@test "sp-recycle: an empty list is nobody" {
	given_user asmith
	remember
	run --separate-stderr sp-recycle - </dev/null
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	assert_nothing_changed
}

@test "sp-recycle: each bad line is told with its number" {
	given_user asmith
	remember
	printf 'nobody\n\n\t1000\nasmith\nb\xff\nx\0y\n' >list
	head -c 1000000 /dev/zero | tr '\0' x >>list
	printf '\n1500\tx\n' >>list
	run --separate-stderr sp-recycle - <list
	assert_refused 67 "\
sp-recycle: standard input:1: no user or extension 'nobody' in 'acme.example'
sp-recycle: standard input:3: nothing before the first TAB
sp-recycle: standard input:5: not valid UTF-8
sp-recycle: standard input:6: a control character (0x00), expected text
sp-recycle: standard input:7: line is longer than 16384 bytes
sp-recycle: standard input:8: no user or extension '1500' in 'acme.example'"
}

@test "sp-recycle: what sp-status prints can be recycled" {
	given_user asmith
	given_user bjones
	run --separate-stderr sp-recycle - \
		< <(sp-status -q -o tsv --state offline)
	assert_success
	assert_output $'1000\tasmith\n1001\tbjones'
	assert_equal "$stderr" ""
}

@test "sp-recycle: what sp-forward prints can be recycled, rule by rule" {
	given_user asmith
	given_user bjones
	sp-forward -q asmith --always reject --busy reject
	run --separate-stderr sp-recycle - < <(sp-forward)
	assert_success
	assert_output $'1000\tasmith'
	assert_equal "$stderr" ""
}

@test "sp-recycle: what sp-assign prints can be recycled through a pipe" {
	given_csv login asmith bjones
	run --separate-stderr bash -o pipefail -c \
		'sp-assign -f users.csv | sp-recycle -'
	assert_success
	assert_output $'1000\tasmith\n1001\tbjones'
	assert_equal "$stderr" ""
}

@test "sp-recycle: what it prints are numbers that nobody has" {
	given_user asmith
	run --separate-stderr bash -o pipefail -c \
		'sp-recycle asmith | sp-recycle --ignore-missing -'
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

# ---- dry run, usage, output -------------------------------------------------

@test "sp-recycle: --dry-run prints what would be freed and changes nothing" {
	given_user asmith 1001
	given_secret asmith
	given_phone 1001
	remember
	run --separate-stderr sp-recycle --dry-run asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" "sp-recycle: dry run: nothing was changed"
	assert_nothing_changed
}

@test "sp-recycle: --dry-run tells of the rules of others and leaves them" {
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --busy 1001
	remember
	run --separate-stderr sp-recycle -n --clear-inbound asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_equal "$stderr" "\
sp-recycle: dry run: nothing was changed
sp-recycle: 1002 no longer forwards busy to 1001, which nobody has now"
	assert_nothing_changed
}

@test "sp-recycle: --quiet prints nothing" {
	given_user asmith
	run --separate-stderr sp-recycle -q asmith
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
}

@test "sp-recycle: without a database there is nobody, and none is made" {
	for option in -q -n; do
		run --separate-stderr sp-recycle $option asmith
		assert_failure 66
		assert_output ""
		assert_equal "$stderr" "sp-recycle: no users yet: no database\
 '$SP_DB' (sp-assign LOGIN makes both)"
		assert_not_exists sp.db
	done
}

# assert_usage SENTENCE ARG...: sp-recycle ARG... is wrong usage.
assert_usage() {
	run --separate-stderr sp-recycle "${@:2}"
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-recycle: $1 (see sp-recycle --help)"
}

@test "sp-recycle: wrong usage is told with a pointer to --help" {
	local max="is neither a number nor a percentage"
	local absent="--absent-from goes with neither operands nor --keep-going\
 nor --ignore-missing"

	assert_usage "no user or extension is named, as in 'sp-recycle asmith'"
	for n in '' % x 1x -1 +1 1.5% 101% 99999999999999999999; do
		assert_usage "--max: '$n' $max" --max "$n" asmith
	done
	assert_usage "$absent" --absent-from users.csv asmith
	assert_usage "$absent" --absent-from users.csv -k
	assert_usage "$absent" --absent-from users.csv --ignore-missing
	run --separate-stderr sp-recycle --rest soon asmith
	assert_failure 64
	assert_regex "$stderr" "^sp-recycle: --rest: 'soon' "
}

@test "sp-recycle: every format has the same columns" {
	given_user asmith
	run --separate-stderr sp-recycle -n -q -o table asmith
	assert_output ""
	run --separate-stderr sp-recycle -n -o table asmith
	assert_output $'NUMBER  LOGIN\n1000    asmith'
	run --separate-stderr sp-recycle -n -o csv asmith
	assert_output $'number,login\n1000,asmith'
	run --separate-stderr sp-recycle -n -o json asmith
	assert_output $'[\n {"number":"1000","login":"asmith"}\n]'
	run --separate-stderr sp-recycle -n -o jsonl asmith
	assert_output '{"number":"1000","login":"asmith"}'
	run --separate-stderr sp-recycle -n -o yaml asmith
	assert_output $'- number: "1000"\n  login: asmith'
	run --separate-stderr sp-recycle -n -o csv -H --columns login asmith
	assert_output asmith
	run --separate-stderr sp-recycle --columns logins asmith
	assert_failure 64
	assert_output ""
}

@test "sp-recycle: a table fits the terminal that it is printed on" {
	given_user averyveryverylonglogin
	COLUMNS=20 run script -qec \
		"sp-recycle -n averyveryverylonglogin 2>/dev/null" /dev/null \
		</dev/null
	assert_line --index 0 --regexp '^NUMBER  LOGIN'
	assert_line --index 1 --regexp '^1000    averyveryve…'
}

@test "sp-recycle: a full disk is told, in every format" {
	given_user asmith
	for format in table tsv csv json jsonl yaml; do
		run --separate-stderr to_full sp-recycle -n -o $format asmith
		assert_failure 74
		assert_equal "${stderr_lines[-1]}" "sp-recycle: cannot write\
 standard output: No space left on device"
	done
}
