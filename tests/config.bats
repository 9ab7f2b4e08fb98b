#!/usr/bin/env bats

# The configuration, the choice of tenant and database: what all tools share.
# What each key takes and refuses is in unit/config.c.
TOOLS=(sp-assign sp-recycle sp-forward sp-status)

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
}

teardown() { common_teardown; }

# given_pool FILE RANGE: a configuration whose first number tells which it is.
given_pool() {
	printf 'tenants:\n  - domain: %s.example\n    pool: [%s]\n' \
		"$(basename "$1" .yaml)" "$2" >"$1"
}

# given_tenants: two of them, with an alias.
given_tenants() {
	cat >sp.yaml <<-END
	tenants:
	  - domain: acme.example
	    pool: [1000-1999]
	  - domain: b.example
	    aliases: [b.test, 192.0.2.10]
	    pool: [2000-2999]
	END
	export SP_CONFIG=$PWD/sp.yaml
}

# ---- which file -------------------------------------------------------------

@test "config: none is needed" {
	run --separate-stderr sp-assign asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@localhost'
	assert_equal "$stderr" ""
}

@test "config: -c, else SP_CONFIG, else that of the home directory" {
	mkdir -p .config/sp
	given_pool .config/sp/sp.yaml 10-19
	given_pool env.yaml 20-29
	given_pool named.yaml 30-39
	run --separate-stderr sp-assign -n asmith
	assert_output $'10\tasmith\t\t\t10@sp.example'
	export SP_CONFIG=env.yaml
	run --separate-stderr sp-assign -n asmith
	assert_output $'20\tasmith\t\t\t20@env.example'
	run --separate-stderr sp-assign -n -c named.yaml asmith
	assert_output $'30\tasmith\t\t\t30@named.example'
}

@test "config: XDG_CONFIG_HOME stands before ~/.config" {
	mkdir -p .config/sp xdg/sp
	given_pool .config/sp/sp.yaml 10-19
	given_pool xdg/sp/sp.yaml 20-29
	XDG_CONFIG_HOME=$PWD/xdg run --separate-stderr sp-assign asmith
	assert_output $'20\tasmith\t\t\t20@sp.example'
	assert_equal "$stderr" ""
}

@test "config: the current directory is not searched" {
	given_pool sp.yaml 10-19
	mkdir sp
	given_pool sp/sp.yaml 10-19
	run --separate-stderr sp-assign asmith
	assert_output $'1000\tasmith\t\t\t1000@localhost'
	assert_equal "$stderr" ""
}

@test "config: a file that is named must be there" {
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" -c missing.yaml asmith
		assert_failure 66
		assert_output ""
		assert_equal "$stderr" "$tool: cannot read 'missing.yaml': No\
 such file or directory"
	done
	assert_not_exists sp.db
}

@test "config: a file that may not be read is refused" {
	given_pool sp.yaml 10-19
	chmod 0 sp.yaml
	run --separate-stderr as_mortal sp-assign -c sp.yaml asmith
	assert_failure 77
	assert_equal "$stderr" \
		"sp-assign: cannot read 'sp.yaml': Permission denied"
}

@test "config: an error is told by every tool with file and line" {
	given_config "rset: 30d"
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_failure 78
		assert_output ""
		assert_equal "$stderr" "$tool: $SP_CONFIG:5: tenants: unknown\
 key 'rset', expected domain, aliases, pool, reserved, rest, registration,\
 digest, voicemail, gateway, calls, forwarding"
	done
	assert_not_exists sp.db
}

@test "config: a resolver is an address, no name" {
	given_config
	sed -i '1i resolver: 192.0.2.53:5353' sp.yaml
	run --separate-stderr sp-assign -q asmith
	assert_success
	sed -i '1s/.*/resolver: ns.example/' sp.yaml
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_failure 78
		assert_output ""
		assert_equal "$stderr" "$tool: $SP_CONFIG:1: resolver:\
 'ns.example': expected ADDRESS or ADDRESS:PORT, ADDRESS an IPv4 address or\
 [IPv6]"
	done
}

@test "config: calls of a tenant are internal or all" {
	given_config 'calls: default'
	run --separate-stderr sp-assign asmith
	assert_failure 78
	assert_equal "$stderr" "sp-assign: $SP_CONFIG:5: calls: 'default':\
 expected internal or all"
}

@test "config: what is not YAML is refused" {
	printf 'tenants:\n- domain: [\n' >sp.yaml
	run --separate-stderr sp-status -c sp.yaml
	assert_failure 78
	assert_output ""
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^sp-status: sp.yaml:3: not YAML: '
}

@test "config: ranges that overlap are refused" {
	given_config
	sed -i 's/pool: .*/pool: [1000-1999, 1500]/' sp.yaml
	run --separate-stderr sp-assign asmith
	assert_failure 78
	assert_equal "$stderr" "sp-assign: $SP_CONFIG:4: pool: ranges of the\
 pool overlap at 1500"
}

@test "config: a changed file is effective at once" {
	given_config
	sp-assign -q asmith
	given_config "reserved: [1001-1004]"
	run --separate-stderr sp-assign bjones
	assert_output $'1005\tbjones\t\t\t1005@acme.example'
	assert_equal "$stderr" ""
}

# ---- which tenant -----------------------------------------------------------

@test "config: -t, else SP_TENANT chooses the tenant" {
	given_tenants
	run --separate-stderr sp-assign -t acme.example asmith
	assert_output $'1000\tasmith\t\t\t1000@acme.example'
	export SP_TENANT=b.example
	run --separate-stderr sp-assign asmith
	assert_output $'2000\tasmith\t\t\t2000@b.example'
	run --separate-stderr sp-status -o tsv -t acme.example
	assert_output --regexp $'^1000\tasmith\t[^\n]*$'
	assert_equal "$stderr" ""
}

@test "config: an alias, and any case, name a tenant, too" {
	given_tenants
	sp-assign -q -t b.example asmith
	for name in b.test 192.0.2.10 B.Example; do
		run --separate-stderr sp-assign -t $name asmith
		assert_success
		assert_output $'2000\tasmith\t\t\t2000@b.example'
		assert_equal "$stderr" ""
	done
}

@test "config: of several tenants one must be named" {
	given_tenants
	sp-assign -q -t b.example asmith
	remember
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_refused 64 "$tool: no tenant named, expected --tenant\
 with one of: acme.example, b.example"
	done
}

@test "config: an unknown tenant is refused, and the known are listed" {
	given_tenants
	sp-assign -q -t b.example asmith
	remember
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" -t c.example asmith
		assert_refused 64 "$tool: no tenant 'c.example', expected one\
 of: acme.example, b.example"
	done
}

@test "config: a user of one tenant is unknown to the other" {
	given_tenants
	sp-assign -q -t b.example asmith
	remember
	for tool in "${TOOLS[@]:1}"; do
		run --separate-stderr "$tool" -t acme.example asmith
		assert_refused 67 "$tool: no user or extension 'asmith' in\
 'acme.example'"
	done
}

@test "config: a tenant that nobody is in yet has an empty list" {
	given_tenants
	sp-assign -q -t b.example asmith
	for tool in sp-status sp-forward; do
		run --separate-stderr $tool -t acme.example
		assert_success
		assert_output ""
		assert_equal "$stderr" ""
	done
}

# ---- which database ---------------------------------------------------------

@test "config: -d, else SP_DB, else db: of the file is the database" {
	printf 'db: %s/file.db\n' "$PWD" >sp.yaml
	export SP_CONFIG=sp.yaml SP_DB=env.db
	sp-assign -q -d option.db asmith
	assert_equal "$(echo ./*.db)" ./option.db
	sp-assign -q asmith
	assert_equal "$(echo ./*.db)" "./env.db ./option.db"
	unset SP_DB
	sp-assign -q asmith
	assert_equal "$(echo ./*.db)" "./env.db ./file.db ./option.db"
}

@test "config: the default is in the state directory, which is made" {
	unset SP_DB
	umask 0
	sp-assign -q asmith
	assert_equal "$(stat -c %a .local .local/state .local/state/sp \
		.local/state/sp/sp.db | paste -sd ' ')" "700 700 700 600"
	XDG_STATE_HOME=$PWD/xdg sp-assign -q asmith
	assert_file_exists xdg/sp/sp.db
}

@test "config: a database that is a directory is refused" {
	mkdir sp.db
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_failure 65
		assert_output ""
		assert_equal "$stderr" "$tool: database '$SP_DB' is not a file"
	done
}

@test "config: a file that is no database is refused and left alone" {
	printf 'not a database, but the only copy of a novel\n' >sp.db
	cp sp.db copy
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_failure 65
		assert_output ""
		assert_equal "$stderr" \
			"$tool: database '$SP_DB': file is not a database"
	done
	assert_files_equal sp.db copy
	assert_equal "$(echo sp.db*)" sp.db
}

@test "config: a database of another program is refused and left alone" {
	sqlite3 sp.db 'CREATE TABLE novel (page)'
	cp sp.db copy
	for tool in "${TOOLS[@]}" "sp-assign -n" "sp-forward --reset"; do
		# shellcheck disable=SC2086
		run --separate-stderr $tool asmith
		assert_failure 65
		assert_output ""
		assert_equal "$stderr" \
			"${tool%% *}: database '$SP_DB' is not one of sp"
	done
	assert_files_equal sp.db copy
	assert_equal "$(echo sp.db*)" sp.db
}

@test "config: a database of a newer sp is refused" {
	sp-assign -q asmith
	sql "PRAGMA user_version = 99"
	remember
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_failure 78
		assert_output ""
		assert_regex "$stderr" "^$tool: database '$SP_DB' has schema\
 99, this sp knows up to [0-9]+: use a newer sp\$"
	done
	assert_nothing_changed
}

@test "config: a database that is damaged is refused" {
	local page

	sp-assign -q asmith
	page=$(sql "SELECT rootpage - 1 FROM sqlite_schema
		WHERE name = 'extension'")
	printf '%4096s' '' |
		dd of=sp.db bs=4096 seek="$page" conv=notrunc status=none
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr "$tool" asmith
		assert_failure 74
		assert_output ""
		assert_equal "$stderr" \
			"$tool: database '$SP_DB': database disk image is malformed"
	done
}

@test "config: a database that may not be written can be read" {
	sp-assign -q asmith
	chmod 400 sp.db
	remember
	for tool in sp-assign sp-recycle "sp-forward --reset"; do
		# shellcheck disable=SC2086
		run --separate-stderr as_mortal $tool asmith
		assert_refused 77 "${tool%% *}: cannot open database '$SP_DB':\
 Permission denied"
	done
	run --separate-stderr as_mortal sp-status -o tsv
	assert_success
	assert_output --regexp $'^1000\tasmith\t'
}

@test "config: a database that may not be read is refused" {
	sp-assign -q asmith
	chmod 0 sp.db
	for tool in "${TOOLS[@]}"; do
		run --separate-stderr as_mortal "$tool" asmith
		assert_failure 77
		assert_output ""
		assert_equal "$stderr" "$tool: cannot open database '$SP_DB':\
 Permission denied"
	done
}

@test "config: a directory that may not be written is told" {
	mkdir closed
	chmod 500 closed
	run --separate-stderr as_mortal sp-assign -d closed/sp.db asmith
	assert_failure 77
	assert_equal "$stderr" "sp-assign: cannot create database\
 'closed/sp.db': Permission denied"
	run --separate-stderr as_mortal sp-assign -d closed/a/sp.db asmith
	assert_failure 77
	assert_equal "$stderr" \
		"sp-assign: cannot make directory 'closed/a': Permission denied"
}

@test "config: a path through a file is told" {
	touch file
	run --separate-stderr sp-assign -d file/sp.db asmith
	assert_failure 74
	assert_equal "$stderr" \
		"sp-assign: cannot create database 'file/sp.db': Not a directory"
}

@test "config: a typo in the domain does not hide the users without a word" {
	given_config
	sp-assign -q asmith
	sed -i s/acme.example/acme.exampel/ sp.yaml
	for tool in sp-status sp-forward; do
		run --separate-stderr $tool
		assert_success
		assert_equal "$stderr" "$tool: warning: the database has users\
 of 'acme.example', which is not configured (see domain: in sp.yaml, or take\
 another --db)"
	done
	start_server
	run grep -c 'level=warn msg=unconfigured-tenant domain=acme.example' "$SERVER_LOG"
	assert_output 1
}
