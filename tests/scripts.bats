#!/usr/bin/env bats
# scripts/: what is composed from the tools, with real files, in dash.

# One after the other, as in the other quick suites.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config
	PATH=$ROOT/scripts:$PATH
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
}

# Whatever happened, no temporary file stays.
teardown() {
	common_teardown
	assert_equal "$(ls -A "$TMPDIR")" ""
	assert_equal "$(find . -name '.onboard.*' -o -name '.backup.*' \
		-o -name '.restore.*' -o -name '.sp-metrics.*' \
		-o -name '.sp-status-page.*')" ""
}

COMPOSED='onboard offboard nightly-sync backup restore sp-metrics sp-status-page'

# given_failing TOOL STATUS: one that is found in PATH before the real one,
# fails with that status, and says so.
given_failing() {
	mkdir -p broken
	printf '#!/bin/sh\necho "%s: broken" >&2\nexit %s\n' "$1" "$2" \
		>"broken/$1"
	chmod +x "broken/$1"
	PATH=$PWD/broken:$PATH
}

mode_of() { stat -c %a "$1"; }

# secret_hash LOGIN: changes with the secret.
secret_hash() {
	sql "SELECT hex(login_md5) FROM secret JOIN sp_user
		ON sp_user.id = user_id WHERE login = '$1'"
}

users() { sp-status -q -o tsv --columns number,login; }

# given_users N: u1 ... uN
given_users() {
	{ echo login && seq -f u%.0f "$1"; } >given.csv
	sp-assign -q -f given.csv
}

# ---- all of them ------------------------------------------------------------

@test "scripts: -h prints the header, which names each option" {
	for script in $COMPOSED; do
		run --separate-stderr "$script" -h
		assert_success
		assert_line --regexp "^  $script \[options\] [A-Z]"
		assert_line --regexp '^  -c FILE, -d FILE'
		assert_output --partial 'Exit status: 0 done'
		refute_output --partial 'set -eu'
		assert_equal "$stderr" ""
		for option in $(sed -n 's/^	\(--*[a-z-]*\)).*/\1/p' \
			"$ROOT/scripts/$script"); do
			assert_output --partial "$option"
		done
	done
}

@test "scripts: a wrong use is 64, in the script's name, and changes nothing" {
	for wrong in onboard 'onboard a b' 'onboard a b c 1 e' offboard \
		'offboard -' nightly-sync 'nightly-sync a b' backup \
		'backup a b' 'backup --keep 0 .' 'backup --keep 2 file' \
		restore 'restore a b' sp-status-page 'sp-status-page a b' \
		'sp-status-page .'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr $wrong
		assert_failure 64
		assert_output ""
		assert_regex "$stderr" "^${wrong%% *}: [^"$'\n'"]*\$"
	done
	for script in $COMPOSED; do
		run --separate-stderr "$script" --nonsense x y z
		assert_failure 64
		assert_equal "$stderr" \
			"$script: unrecognized option '--nonsense'"
		run --separate-stderr "$script" -d '' x y z
		assert_failure 64
		assert_equal "$stderr" "$script: the argument of -d is empty"
	done
	assert_not_exists sp.db
}

@test "scripts: -c, -d and -t are those of the tools" {
	printf '%s\n' 'tenants:' '  - domain: a.example' '    pool: [200-299]' \
		'  - domain: b.example' '    pool: [300-399]' >"it's two.yaml"
	unset SP_CONFIG SP_DB
	set -- -c "it's two.yaml" -d 'my "db".db'
	run --separate-stderr onboard "$@" -t b.example asmith Anna Smith
	assert_success
	assert_line 'registered name: 300@b.example'
	run --separate-stderr onboard "$@" asmith Anna Smith
	assert_failure 64
	printf 'login\nbjones\n' >users.csv
	run --separate-stderr nightly-sync "$@" -t a.example users.csv
	assert_success
	run --separate-stderr backup "$@" 'the "copy" of it.db'
	assert_success
	assert_output "$PWD/the \"copy\" of it.db"
	run --separate-stderr offboard "$@" -t b.example 300
	assert_success
	run --separate-stderr restore "$@" 'the "copy" of it.db'
	assert_success
	assert_output $'a.example\t1\nb.example\t1'
	assert_equal "$(ls ./*.db* | sed 's/before-.*/before-TIME/' |
		grep -v -e '-wal$' -e '-shm$')" \
		'./my "db".db
./my "db".db.before-TIME
./my "db".db.nightly-sync
./the "copy" of it.db'
}

@test "scripts: make install puts them into share/sp/scripts, and only them" {
	make -s -C "$ROOT" -o all install PREFIX=/usr DESTDIR="$PWD/root"
	assert_equal "$(ls root/usr/share/sp/scripts)" \
		"$(tr ' ' '\n' <<<"$COMPOSED" | sort)"
	assert_equal "$(find root/usr/share/sp/scripts -type f -printf '%m\n' |
		sort -u)" 755
}

# ---- onboard ----------------------------------------------------------------

@test "onboard: prints a sheet with the secret of a new user" {
	run --separate-stderr onboard --server sip.acme.example \
		dohara 'Dónal "Don"' "O'Hara, \\n" 1007
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(sed -E 's/[0-9a-z]{26}$/SECRET/' <<<"$output")" \
		"name: Dónal \"Don\" O'Hara, \\n
number: 1007
registered name: 1007@acme.example
user name: dohara
password: SECRET
server: sip.acme.example"
	assert_equal "$(sp-status -q -o json 1007 | jq -r '.[].last')" \
		"O'Hara, \\n"
}

@test "onboard: the password of the sheet registers a softphone, --wait sees it" {
	start_server
	onboard --server "$SERVER" asmith Anna Smith >sheet
	(umask 077 && sed -n 's/^password: //p' sheet >secret)
	sp-register login --server "$SERVER" --secret-file secret \
		1000@acme.example >login.log 2>&1 3>&- &
	SERVER_PIDS+=($!)
	run --separate-stderr onboard --wait 10s asmith Anna Smith
	assert_success
	assert_equal "$stderr" "onboard: 1000 is registered"
}

@test "onboard: --wait is 1 when no softphone comes" {
	run --separate-stderr onboard --wait 0s asmith Anna Smith
	assert_failure 1
	assert_line 'number: 1000'
	assert_equal "$stderr" \
		"sp-status: 'user:asmith' is offline, not registered, after 0s"
}

@test "onboard: said again it changes nothing, the secret neither" {
	onboard asmith Anna Smith
	remember
	run --separate-stderr onboard asmith Anna Smith
	assert_success
	assert_line 'password: as before (--new-secret makes another)'
	assert_nothing_changed
}

@test "onboard: --new-secret makes another secret" {
	onboard asmith Anna Smith
	before=$(secret_hash asmith)
	run --separate-stderr onboard --new-secret asmith Anna Smith
	assert_success
	assert_line --regexp '^password: [0-9a-z]{26}$'
	refute [ "$(secret_hash asmith)" = "$before" ]
}

@test "onboard: whoever was without a secret gets one, and another name and number" {
	given_user asmith
	run --separate-stderr onboard asmith Anna Jones 1500
	assert_success
	assert_line 'name: Anna Jones'
	assert_line 'number: 1500'
	assert_line --regexp '^password: [0-9a-z]{26}$'
	assert_equal "$stderr" ""
}

@test "onboard: -o writes the sheet, mode 0600, and names it" {
	mkdir 'the sheets'
	run --separate-stderr onboard -o 'the sheets' asmith Anna Smith
	assert_success
	assert_output $'1000\tasmith\tthe sheets/asmith.txt'
	assert_equal "$(mode_of 'the sheets/asmith.txt')" 600
	run cat 'the sheets/asmith.txt'
	assert_line --regexp '^password: [0-9a-z]{26}$'
}

@test "onboard: -o said again keeps the password in the sheet" {
	onboard -o . asmith Anna Smith
	cp asmith.txt before.txt
	onboard -o . asmith Anna Smith
	diff before.txt asmith.txt
	onboard -o . asmith Anna Jones
	assert_equal "$(grep '^[np]a' asmith.txt)" "name: Anna Jones
$(grep ^password before.txt)"
}

@test "onboard: nobody is assigned when the sheet cannot be written" {
	given_user asmith
	mkdir -m 500 sheets
	remember
	run --separate-stderr as_mortal onboard -o sheets bjones Bob Jones
	assert_failure 73
	assert_regex "$stderr" "onboard: cannot write to 'sheets'\$"
	assert_nothing_changed
}

@test "onboard: says that a secret is lost with the output" {
	run --separate-stderr to_full onboard asmith Anna Smith
	assert_failure 74
	assert_regex "$stderr" \
		'onboard: the sheet is lost: --new-secret makes another$'
}

@test "onboard: what sp-assign refuses is refused, and no sheet stays" {
	given_user asmith 1001
	remember
	run --separate-stderr onboard -o . bjones Bob Jones 1001
	assert_refused 73 "sp-assign: cannot assign '1001': number is taken by\
 'asmith'"
	run --separate-stderr onboard -o . -- -bjones Bob Jones
	assert_failure 65
	run --separate-stderr onboard -o . ../x Bob Jones
	assert_failure 65
	run --separate-stderr onboard -o . bjones $'Bob\nx,y' Jones
	assert_failure 65
	assert_nothing_changed
	assert_equal "$(find . .. -maxdepth 1 -name '*.txt')" ""
}

# ---- offboard ---------------------------------------------------------------

@test "offboard: prints the freed number, and what they had on standard error" {
	given_user asmith 1001
	sp-forward -q asmith --busy reject
	run --separate-stderr offboard asmith
	assert_success
	assert_output $'1001\tasmith'
	assert_regex "$stderr" \
		'1001 +asmith +First-asmith +Last-asmith +offline .*busy=reject'
	assert_equal "$(users)" ""
}

@test "offboard: rules that forward to the number are removed, and said" {
	given_user asmith 1001
	given_user bjones 1002
	sp-forward -q bjones --busy 1001
	run --separate-stderr offboard 1001
	assert_success
	assert_regex "$stderr" 'sp-recycle: .*1002'
	assert_equal "$(sp-forward bjones)" ""
}

@test "offboard: --rest keeps the number for a while" {
	given_user asmith 1001
	run --separate-stderr offboard --rest 1h asmith
	assert_success
	assert_equal "$(sp-status -q -o tsv --columns number,state --resting)" \
		$'1001\tresting'
}

@test "offboard: --log appends a line of JSON for each" {
	given_users 3
	offboard --log 'the log' u2
	offboard --log 'the log' u3 1000
	assert_equal "$(mode_of 'the log')" 600
	run jq -r '[.number, .login, (.offboarded | fromdate > 0)] | @tsv' \
		'the log'
	assert_output $'1001\tu2\ttrue\n1002\tu3\ttrue\n1000\tu1\ttrue'
}

@test "offboard: nobody goes when one is unknown, and nothing is logged" {
	given_user asmith 1001
	remember
	run --separate-stderr offboard --log log asmith nobody
	assert_refused 67 \
		"sp-status: no user or extension 'nobody' in 'acme.example'"
	assert_equal "$(cat log)" ""
}

@test "offboard: nobody goes when the log cannot be written" {
	given_user asmith 1001
	remember
	run --separate-stderr offboard --log no/log asmith
	assert_failure 73
	assert_regex "$stderr" "offboard: cannot write 'no/log'\$"
	assert_nothing_changed
}

@test "offboard: nothing is logged when sp-recycle fails" {
	given_user asmith 1001
	given_failing sp-recycle 75
	run --separate-stderr offboard --log log asmith
	assert_failure 75
	assert_regex "$stderr" 'sp-recycle: broken$'
	assert_equal "$(cat log)" ""
}

# ---- nightly-sync -----------------------------------------------------------

# A tenant, and an export in which each kind of change stands.
given_export() {
	given_csv login,first,last,number asmith,Anna,Smith,1001 \
		bjones,Bob,Jones,1002 cdoe,Cy,Doe,1003 dfox,Di,Fox,0100 \
		evans,Ed,Vans,1005
	sed -i 's/pool: .*/pool: [1000-1999, 0100-0199]/' sp.yaml
	sp-assign -q -f users.csv
	given_csv login,first,last,number asmith,Anna,"Smith, Dr.",1001 \
		bjones,Bob,Jones,1500 dfox,Di,Fox, evans,Ed,Vans,1005 \
		newman,Nia,Newman,
	sed -i 's/Smith, Dr\./"&"/' users.csv
	REPORT=$'1001\trenamed\tasmith\tAnna Smith\tAnna Smith, Dr.
1500\trenumbered\tbjones\t1002\t1500
1000\tnew\tnewman\t\tNia Newman
1003\tgone\tcdoe\tCy Doe\t
new 1, renamed 1, renumbered 1, gone 1, unchanged 2'
}

@test "nightly-sync: makes the users those of the export, and reports" {
	given_export
	run --separate-stderr nightly-sync users.csv
	assert_success
	assert_output "$REPORT"
	assert_equal "$stderr" ""
	assert_equal "$(users)" $'0100\tdfox\n1000\tnewman\n1001\tasmith
1005\tevans\n1500\tbjones'
}

@test "nightly-sync: the second time everything is unchanged" {
	given_export
	nightly-sync users.csv
	remember
	run --separate-stderr nightly-sync users.csv
	assert_success
	assert_output 'new 0, renamed 0, renumbered 0, gone 0, unchanged 5'
	assert_nothing_changed
}

@test "nightly-sync: -n reports the same and changes nothing" {
	given_export
	remember
	run --separate-stderr nightly-sync -n --secrets new.csv users.csv
	assert_success
	assert_output "$REPORT"
	assert_nothing_changed
	assert_not_exists new.csv
	assert_not_exists sp.db.nightly-sync
}

@test "nightly-sync: the first time there is no database" {
	given_csv login asmith
	expected=$'1000\tnew\tasmith\t\t
new 1, renamed 0, renumbered 0, gone 0, unchanged 0'
	export SP_DB=$PWD/not/yet/sp.db
	run --separate-stderr nightly-sync -n users.csv
	assert_success
	assert_output "$expected"
	assert_not_exists not
	run --separate-stderr nightly-sync users.csv
	assert_success
	assert_output "$expected"
}

@test "nightly-sync: - is standard input" {
	given_export
	run --separate-stderr nightly-sync - <users.csv
	assert_success
	assert_output "$REPORT"
}

@test "nightly-sync: an export may have any name" {
	local name

	given_users 3
	for name in before after gone; do
		cp given.csv "$name"
		run --separate-stderr nightly-sync "$name"
		assert_success
		assert_output 'new 0, renamed 0, renumbered 0, gone 0, unchanged 3'
	done
}

@test "nightly-sync: reads an export that changes meanwhile only once" {
	given_users 3
	mkfifo pipe
	cat given.csv >pipe &
	run --separate-stderr nightly-sync pipe
	assert_success
	assert_output 'new 0, renamed 0, renumbered 0, gone 0, unchanged 3'
}

@test "nightly-sync: a number is compared as text" {
	sed -i 's/pool: .*/pool: [0100-0199, 100-199]/' sp.yaml
	given_csv login,number asmith,0100
	sp-assign -q -f users.csv
	given_csv login,number asmith,100
	run --separate-stderr nightly-sync users.csv
	assert_success
	assert_line $'100\trenumbered\tasmith\t0100\t100'
}

@test "nightly-sync: nobody goes when more than 20 % would, but all else is done" {
	given_users 4
	given_csv login u1 u2 u3 new
	run --separate-stderr nightly-sync users.csv
	assert_success # 1 of 5
	given_csv login u1 new newer
	run --separate-stderr nightly-sync users.csv
	assert_failure 65
	assert_output $'1003\tnew\tnewer\t\t
new 1, renamed 0, renumbered 0, gone 0, unchanged 2'
	assert_equal "$stderr" "sp-recycle: this would take out 2 of 5 users,\
 more than 20%: nothing was changed (--max says how many may go)"
	run --separate-stderr nightly-sync --max 2 users.csv
	assert_success
	assert_line 'new 0, renamed 0, renumbered 0, gone 2, unchanged 3'
}

@test "nightly-sync: an empty export, or one without users, takes out nobody" {
	given_users 3
	remember
	: >users.csv
	run --separate-stderr nightly-sync users.csv
	assert_failure 65
	assert_output ""
	assert_regex "$stderr" '^sp-assign: users.csv:1: no header, '
	echo login >users.csv
	run --separate-stderr nightly-sync users.csv
	assert_failure 65
	assert_output 'new 0, renamed 0, renumbered 0, gone 0, unchanged 0'
	assert_regex "$stderr" '^sp-recycle: this would take out 3 of 3 users'
	assert_nothing_changed
}

@test "nightly-sync: a bad line changes nothing" {
	given_users 3
	remember
	given_csv login,number u1, u2, new,1700 'b d',
	run --separate-stderr nightly-sync --secrets new.csv users.csv
	assert_failure 65
	assert_output ""
	assert_regex "$stderr" "^sp-assign: users.csv:5: 'b d' is not a login"
	assert_nothing_changed
	assert_equal "$(cat new.csv)" ""
}

@test "nightly-sync: no such export, or one that cannot be read" {
	given_users 3
	remember
	for export in nowhere.csv . ''; do
		run --separate-stderr nightly-sync "$export"
		assert_failure 66
		assert_output ""
		assert_regex "$stderr" \
			"nightly-sync: cannot read '$export'\$"
	done
	assert_nothing_changed
}

@test "nightly-sync: --secrets appends those of who had none, mode 0600" {
	given_user asmith 1001
	given_secret asmith >/dev/null
	given_csv login asmith bjones
	run --separate-stderr nightly-sync --secrets 'the secrets' users.csv
	assert_success
	given_csv login asmith bjones cdoe
	run --separate-stderr nightly-sync --secrets 'the secrets' users.csv
	assert_success
	assert_equal "$(mode_of 'the secrets')" 600
	assert_equal "$(sed -E 's/[0-9a-z]{26}$/SECRET/' 'the secrets')" \
		'number,login,secret
1000,bjones,SECRET
1002,cdoe,SECRET'
}

@test "nightly-sync: without --secrets no secret is made" {
	given_csv login asmith
	nightly-sync users.csv
	assert_equal "$(sql 'SELECT count(*) FROM secret')" 0
}

@test "nightly-sync: nothing is changed when --secrets cannot be written" {
	given_users 1
	remember
	given_csv login u1 new
	run --separate-stderr nightly-sync --secrets no/file users.csv
	assert_failure 73
	assert_regex "$stderr" "nightly-sync: cannot write 'no/file'\$"
	assert_nothing_changed
}

@test "nightly-sync: a failing sp-recycle leaves its status, and the report" {
	given_export
	given_failing sp-recycle 75
	run --separate-stderr nightly-sync users.csv
	assert_failure 75
	assert_line 'new 1, renamed 1, renumbered 1, gone 0, unchanged 2'
	assert_equal "$stderr" 'sp-recycle: broken'
}

@test "nightly-sync: a second one does not run beside the first" {
	given_users 1
	flock sp.db.nightly-sync sleep 60 3>&- &
	holder=$!
	wait_until 10 eval '! flock -n sp.db.nightly-sync true'
	run --separate-stderr nightly-sync given.csv
	pkill -P "$holder"
	assert_failure 75
	assert_output ""
	assert_equal "$stderr" "nightly-sync: another run has not ended yet (it\
 has '$SP_DB.nightly-sync')"
	wait "$holder" || true
	nightly-sync given.csv
}

@test "nightly-sync: a report that cannot be printed is 74" {
	given_users 1
	run --separate-stderr to_full nightly-sync given.csv
	assert_failure 74
	assert_regex "$stderr" 'nightly-sync: cannot write the report$'
}

# ---- backup -----------------------------------------------------------------

@test "backup: makes a whole copy, one file with mode 0600" {
	given_users 3
	sp-forward -q u1 --busy 1001
	run --separate-stderr backup copy.db
	assert_success
	assert_output "$PWD/copy.db"
	assert_equal "$stderr" ""
	assert_equal "$(mode_of copy.db)" 600
	assert_equal "$(sqlite3 -readonly copy.db 'PRAGMA journal_mode')" delete
	assert_equal "$(ls copy.db*)" copy.db
	remember
	SP_DB=$PWD/copy.db
	assert_nothing_changed
}

@test "backup: has what is still in the -wal" {
	given_users 3
	sp-status --follow >/dev/null 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 test -e sp.db-shm
	given_user late
	backup copy.db
	assert_equal "$(sp-status -q -d copy.db -o tsv --columns login late)" late
}

@test "backup: into a directory, --keep the newest" {
	given_users 1
	mkdir 'my backups'
	touch 'my backups'/sp-2020010{1,2,3}T000000Z.db 'my backups/other.db'
	run --separate-stderr backup --keep 2 'my backups'
	assert_success
	assert_regex "$output" "^$PWD/my backups/sp-20[0-9]{6}T[0-9]{6}Z\.db\$"
	assert_equal "$(ls 'my backups')" "other.db
sp-20200103T000000Z.db
${output##*/}"
}

@test "backup: names with quotes and a leading dash" {
	given_users 1
	# shellcheck disable=SC2016 # not to expand
	for name in "it's \"one\".db" -d.db 'back\slash.db' '$(x) *.db'; do
		cp sp.db "a $name"
		run --separate-stderr backup -d "a $name" -- "$name"
		assert_success
		assert_output "$PWD/$name"
		run --separate-stderr backup --verify -- "$name"
		assert_output $'acme.example\t1'
	done
}

@test "backup: replaces the former one only by a good one" {
	given_users 1
	backup copy.db
	cp copy.db before.db
	printf 'garbage%.0s' {1..1000} >bad.db
	run --separate-stderr backup -d bad.db copy.db
	assert_failure 65
	assert_output ""
	assert_regex "$stderr" "backup: '$PWD/bad.db' is damaged, or no database\$"
	cmp copy.db before.db
	given_failing sp-status 74
	run --separate-stderr backup -d sp.db copy.db
	assert_failure 74
	cmp copy.db before.db
}

@test "backup: a stranger's, a damaged and an inconsistent database are refused" {
	sqlite3 stranger.db 'CREATE TABLE tenant (domain)'
	given_users 50
	cp sp.db keys.db
	sqlite3 keys.db "DELETE FROM sp_user WHERE login = 'u7'"
	cp sp.db broken.db
	page=$(sqlite3 sp.db "SELECT rootpage FROM sqlite_schema
		WHERE name = 'extension_resting'")
	printf 'xxxxxxxxxxxxxxxxxxxxxxxx' | dd of=broken.db bs=1 conv=notrunc \
		seek=$(((page - 1) * 4096)) 2>/dev/null
	for name in stranger keys broken; do
		run --separate-stderr backup -d $name.db copy.db
		assert_failure 65
		assert_output ""
		assert_regex "$stderr" 'backup: .* is damaged, or no database'
		assert_not_exists copy.db
		run --separate-stderr backup --verify $name.db
		assert_failure 65
		assert_output ""
	done
}

@test "backup: no database, no place" {
	run --separate-stderr backup copy.db
	assert_failure 66
	assert_equal "$stderr" "backup: no database '$SP_DB'"
	given_users 1
	run --separate-stderr backup no/such/copy.db
	assert_failure 73
	assert_equal "$stderr" "backup: no directory for 'no/such/copy.db'"
	mkdir -m 500 locked
	run --separate-stderr as_mortal backup locked
	assert_failure 73
	assert_equal "$(ls -A locked)" ""
	run --separate-stderr backup sp.db
	assert_failure 64
	assert_equal "$stderr" "backup: 'sp.db' is the database itself"
	run --separate-stderr backup --verify copy.db
	assert_failure 66
}

@test "backup: a tenant that is configured no longer is said, and backed up" {
	given_users 2
	sed -i s/acme/other/ sp.yaml
	run --separate-stderr backup copy.db
	assert_success
	assert_line --partial copy.db
	assert_regex "$stderr" \
		"backup: 'acme.example' is not in the configuration: not listed"
	assert_equal "$(sqlite3 copy.db 'SELECT count(*) FROM sp_user')" 2
}

# Adds and takes out pairs, each pair in one transaction.
write_pairs() {
	while [ ! -e stop ]; do
		printf 'login\n%s.a\n%s.b\n' "$1" "$1" | sp-assign -q -f -
		sp-recycle -q "$1.a" "$1.b"
	done
}

@test "backup: is consistent while three write" {
	given_users 500
	for writer in x y z; do
		write_pairs "$writer" 2>>errors 3>&- &
	done
	for round in 1 2 3 4 5 6; do
		run --separate-stderr backup "copy.$round.db"
		assert_success || { touch stop && fail "$stderr"; }
	done
	touch stop
	wait
	assert_equal "$(cat errors)" ""
	for round in 1 2 3 4 5 6; do
		sp-status -q -d "copy.$round.db" -o tsv --columns login >listed
		assert_equal "$(grep -c '^u' listed)" 500
		assert_equal "$(grep -c 'a$' listed)" "$(grep -c 'b$' listed)"
	done
}

# ---- restore ----------------------------------------------------------------

# kept: the database that was there before a restore.
kept() {
	find . -maxdepth 1 -name 'sp.db.before-*Z' -printf '%f\n'
}

@test "restore: puts the backup back, and keeps what was there" {
	given_users 3
	remember
	backup copy.db
	sp-recycle -q u1
	given_user late
	run --separate-stderr restore copy.db
	assert_success
	assert_output $'acme.example\t3'
	assert_equal "$stderr" "restore: the former one is '$PWD/$(kept)'"
	assert_nothing_changed
	assert_equal "$(mode_of sp.db)" 600
	assert_equal "$(sp-status -q -d "$(kept)" -o tsv \
		--columns login)" $'late\nu2\nu3'
}

@test "restore: where there is no database yet" {
	given_users 3
	backup copy.db
	export SP_DB=$PWD/new/place/sp.db
	run --separate-stderr restore copy.db
	assert_success
	assert_equal "$(users | wc -l)" 3
	assert_equal "$(find new/place -type f ! -name 'sp.db-*')" \
		new/place/sp.db
}

@test "restore: over a broken database, of which nothing is lost" {
	given_users 3
	remember
	backup copy.db
	for part in '' -wal; do
		echo "broken$part" >"sp.db$part"
	done
	run --separate-stderr restore copy.db
	assert_success
	assert_output $'acme.example\t3'
	assert_nothing_changed
	for part in '' -wal; do
		assert_equal "$(cat "$(kept)$part")" "broken$part"
	done
	# What was kept once is never written over.
	broken=$(kept)
	restore copy.db
	assert_equal "$(cat "$broken")" broken
	assert_equal "$(find . -name 'sp.db.before-*Z*' ! -name '*-wal' \
		! -name '*-shm' | wc -l)" 2
}

@test "restore: no -wal that was left alone gets into the new one" {
	given_users 3
	backup copy.db
	sp-status --follow >/dev/null 3>&- &
	SERVER_PIDS+=($!)
	wait_until 10 test -e sp.db-shm
	given_user late
	cp sp.db-wal left-alone
	kill $!
	wait $! || true
	rm -f sp.db sp.db-shm
	mv left-alone sp.db-wal
	run --separate-stderr restore copy.db
	assert_success
	assert_equal "$(users | cut -f 2)" $'u1\nu2\nu3'
}

@test "restore: what was kept can be restored, with its -wal" {
	given_users 3
	backup copy.db
	given_user late
	restore copy.db
	run --separate-stderr restore "$(kept)"
	assert_success
	assert_output $'acme.example\t4'
}

@test "restore: refuses garbage, an empty file and a stranger, nothing changes" {
	given_users 3
	remember
	printf 'garbage%.0s' {1..1000} >garbage
	: >empty
	sqlite3 stranger 'CREATE TABLE x (y)'
	for bad in garbage empty stranger; do
		cp "$bad" bad.before
		run --separate-stderr restore "$bad"
		assert_failure 65
		assert_output ""
		assert_regex "$stderr" "restore: '$bad' is damaged, or no\
 database of sp: nothing was changed\$"
		cmp "$bad" bad.before
	done
	run --separate-stderr restore nowhere
	assert_refused 66 "restore: no file 'nowhere'"
	run --separate-stderr restore sp.db
	assert_refused 64 "restore: 'sp.db' is the database itself"
	assert_equal "$(find . -name "*.before-*")" ""
}

@test "restore: refuses a damaged backup, nothing changes" {
	given_users 3
	backup copy.db
	sqlite3 copy.db "DELETE FROM sp_user WHERE login = 'u2'"
	remember
	run --separate-stderr restore copy.db
	assert_failure 65
	assert_output ""
	assert_regex "$stderr" 'restore: nothing was changed$'
	assert_nothing_changed
	assert_equal "$(find . -name "*.before-*")" ""
}

@test "restore: refuses while a server runs" {
	given_users 3
	backup copy.db
	given_user late
	start_server
	run --separate-stderr restore copy.db
	assert_failure 75
	assert_output ""
	assert_equal "$stderr" "restore: '$SP_DB' is in use: end sp-register\
 serve, and whatever else has it open"
	assert_equal "$(users | wc -l)" 4
	assert_equal "$(find . -name "*.before-*")" ""
	stop_server
	run --separate-stderr restore copy.db
	assert_success
	assert_equal "$(users | wc -l)" 3
}

@test "restore: refuses a backup of a newer sp" {
	given_users 3
	backup copy.db
	remember
	sqlite3 copy.db 'PRAGMA user_version = 99'
	run --separate-stderr restore copy.db
	assert_failure 78
	assert_output ""
	assert_regex "$stderr" 'use a newer sp'
	assert_regex "$stderr" 'restore: nothing was changed$'
	assert_nothing_changed
}

# given_first_schema FILE: as the first version made it, with one user.
given_first_schema() {
	{
		sed -n '/ VERSION_1\[\] =/,/;";$/p' "$ROOT/lib/schema.c" |
			sed -n 's/^	"\(.*\)";*$/\1/p'
		cat <<-END
		PRAGMA application_id = 1936719873;
		PRAGMA user_version = 1;
		INSERT INTO tenant VALUES (1, 'acme.example');
		INSERT INTO sp_user VALUES (1, 1, 'asmith', 'Anna', 'Smith');
		INSERT INTO extension (tenant_id, digits, number, user_id)
			VALUES (1, 4, '1000', 1);
		END
	} | sqlite3 -bail "$1"
}

@test "restore: brings the backup of an older sp up to date, not its file" {
	given_first_schema old.db
	cp old.db before.db
	run --separate-stderr restore old.db
	assert_success
	assert_output $'acme.example\t1'
	assert_equal "$stderr" ""
	assert_equal "$(users)" $'1000\tasmith'
	cmp old.db before.db
}

@test "restore: a tool that fails leaves everything as it was" {
	given_users 3
	backup copy.db
	remember
	given_failing sp-status 74
	run --separate-stderr restore -d sp.db copy.db
	assert_failure 74
	assert_output ""
	assert_nothing_changed
	assert_equal "$(find . -name "*.before-*")" ""
}

@test "restore: nothing changes where it may not write" {
	mkdir place
	export SP_DB=$PWD/place/sp.db
	given_users 3
	backup copy.db
	given_user late
	chmod 500 place
	run --separate-stderr as_mortal restore copy.db
	assert_failure 73
	assert_output ""
	assert_regex "$stderr" "restore: cannot make '$SP_DB'\$"
	chmod 700 place
	assert_equal "$(users | wc -l)" 4
	assert_equal "$(find . -name "*.before-*")" ""
}

# ---- sp-status-page ---------------------------------------------------------

@test "sp-status-page: writes the page, for a web server to read" {
	given_user asmith
	run --separate-stderr sp-status-page softphones.html
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	assert_equal "$(mode_of softphones.html)" 644
	assert_equal "$(head -n 1 softphones.html)" '<!DOCTYPE html>'
	assert_equal "$(tail -n 1 softphones.html)" '</html>'
	grep -q '<tr><th scope="row">1000<td>First-asmith' softphones.html
}

@test "sp-status-page: replaces the file, also behind a link, in one step" {
	given_user asmith
	mkdir www
	echo before >www/index.html
	ln -s www/index.html page.html
	exec 4<www/index.html
	sp-status-page page.html
	assert_link_exists page.html
	assert_equal "$(cat <&4)" before
	exec 4<&-
	grep -q First-asmith www/index.html
}

@test "sp-status-page: when it fails, the page before stays" {
	given_user asmith
	echo before >page.html
	for status in 65 74 75; do
		given_failing sp-status "$status"
		run --separate-stderr sp-status-page page.html
		assert_failure "$status"
		assert_equal "$stderr" "sp-status: broken"
		assert_equal "$(cat page.html)" before
	done
	run --separate-stderr sp-status-page nowhere/page.html
	assert_failure 73
	rm -r broken
	given_failing chmod 1
	run --separate-stderr sp-status-page page.html
	assert_failure 74
	assert_equal "$stderr" "chmod: broken
sp-status-page: cannot write '$PWD/page.html'"
	assert_equal "$(cat page.html)" before
}

@test "sp-status-page: -c, -d and -t say whose page" {
	printf '%s\n' 'tenants:' '  - domain: a.example' '    pool: [200-299]' \
		'  - domain: b.example' '    pool: [300-399]' >two.yaml
	unset SP_CONFIG SP_DB
	sp-assign -q -c two.yaml -d other.db -t b.example zoe
	sp-status-page -c two.yaml -d other.db -t b.example page.html
	grep -q '<title>Softphones – b.example</title>' page.html
	run --separate-stderr sp-status-page -c two.yaml -d other.db page.html
	assert_failure 64
}
