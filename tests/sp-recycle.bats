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
	assert_output $'1001\tbusy\treject\t\ton\tdefault'
	assert_equal "$stderr" ""
}

@test "sp-recycle: rules of others stay as they are" {
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --busy 1001
	sp-recycle -q asmith
	run --separate-stderr sp-forward bjones
	assert_success
	assert_output $'1002\tbusy\t1001\t\ton\town'
	assert_equal "$stderr" ""
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
		$'^1001\tbjones\t.*\toffline\t[0-9TZ:-]+\t\t\t\t\t\t$'
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
		"1001|asmith|recycled||sp-recycle|$(id -un)"
}

@test "sp-recycle: a number rests for the tenant's rest" {
	given_config "rest: 30d"
	given_user asmith 1000
	sp-recycle -q asmith
	assert_equal "$(sp-status -q -o tsv 1000 | cut -f 6)" resting
	assert_equal "$(sql "SELECT free_from_ms - at_ms FROM extension, event
		WHERE what = 'recycled'")" 2592000000
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
		assert_equal "$stderr" "sp-recycle: no database '$SP_DB': No\
 such file or directory (sp-assign and sp-register serve make it)"
		assert_not_exists sp.db
	done
}

@test "sp-recycle: nobody named is wrong usage" {
	run --separate-stderr sp-recycle
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-recycle: no user or extension is named\
 (see sp-recycle --help)"
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
