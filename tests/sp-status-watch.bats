#!/usr/bin/env bats
# sp-status --watch, on a terminal of tmux: what is seen, and what the keys do.

T0=1704067200 # 2024-01-01T00:00:00Z, in seconds

# One after the other, as in the other quick suites.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config
	# The socket stands in the test's directory, and goes with it.
	export TMUX_TMPDIR=$BATS_TEST_TMPDIR
	unset TMUX NO_COLOR
	SIZE=(-x 120 -y 16)
}

teardown() {
	terminal kill-server 2>/dev/null || true
	common_teardown
}

terminal() {
	tmux -u -L watch -f /dev/null "$@" 3>&-
}

# start_watch [ARG...]: at a terminal, where a line of before stands; its process
# id goes to the file pid, the terminal's modes to before and after.
start_watch() {
	cat >watch.sh <<-'END'
		echo 'a line of before'
		stty -a >before
		sh -c 'echo $$ >pid; exec sp-status --watch "$@"' sh "$@"
		echo "status $?"
		stty -a >after
		exec cat
	END
	if terminal has-session 2>/dev/null; then
		terminal respawn-pane -k sh watch.sh "$@"
	else
		terminal new-session -d "${SIZE[@]}" sh watch.sh "$@"
	fi
	shows ' of [0-9]* by '
}

screen() { terminal capture-pane -p; }

# screen_has REGEX, screen_lacks REGEX, rows_are NUMBER...: for wait_until.
screen_has() { screen | grep -q -e "$1"; }
screen_lacks() { ! screen_has "$1"; }
rows_are() { [ "$(rows)" = "$*" ]; }

# The numbers in the order in which they are shown.
rows() { screen | sed '1,3d; $d' | awk '$1 ~ /^[0-9]+$/ { print $1 }' | xargs; }

# shows REGEX, shows_no REGEX, shows_rows NUMBER...: sooner or later.
shows() { wait_until 20 screen_has "$1" || { screen; return 1; }; }
shows_no() { wait_until 20 screen_lacks "$1" || { screen; return 1; }; }
shows_rows() { wait_until 20 rows_are "$@" || { screen; return 1; }; }

# press KEY...: as tmux calls them.
press() { terminal send-keys "$@"; }

# is_restored STATUS: the terminal is what it was before, and the shell goes on.
is_restored() {
	shows "^status $1\$"
	shows '^a line of before'
	wait_until 20 test -s after
	assert_equal "$(cat after)" "$(cat before)"
	assert_equal "$(terminal display -p '#{alternate_on} #{cursor_flag}')" \
		'0 1'
	run screen
	refute_output --partial NUMBER
}

# given_beat SECONDS: the server's last heartbeat.
given_beat() {
	sql "INSERT INTO server (id, nonce_key, heartbeat_ms) VALUES (1, zeroblob(32), $1 * 1000)
		ON CONFLICT (id) DO UPDATE SET heartbeat_ms = $1 * 1000"
}

# given_phone NUMBER REFRESHED EXPIRES: on line since an hour; in seconds after
# T0.
given_phone() {
	given_user "u$1" "$1"
	sql "INSERT INTO login_session (id, tenant_id, number, login,
			started_ms, contact, transport, user_agent)
		VALUES ($1, 1, '$1', 'u$1', ($T0 - 3600 + $1) * 1000,
			'sip:$1@192.0.2.7', 'udp', 'Phone/1');
		UPDATE extension SET session_id = $1 WHERE number = '$1';
		INSERT INTO binding (extension_id, contact, call_id, source,
			transport, user_agent, created_ms)
		SELECT id, 'sip:$1@192.0.2.9', 'x', 'x', 'udp', 'Phone/2', 1
			FROM extension WHERE number = '$1';
		INSERT INTO binding_live VALUES (last_insert_rowid(), 1,
			($T0 + $2) * 1000, ($T0 + $3) * 1000, 0)"
}

# given_states: 1001 registered, 1002 late, 1003 lost, 1004 ringing, 1005 busy,
# 1006 offline, when a server was last heard of at T0.
given_states() {
	given_phone 1001 -5 25
	given_phone 1002 -20 10
	given_phone 1003 -31 -1
	given_phone 1004 -5 25
	given_phone 1005 -5 25
	given_user u1006 1006
	given_call 1004 1999 started_s=-10 answered_s=-$T0
	given_call 1005 1998 started_s=-20 answered_s=-15
	# Who has a number since then is not in a call of before.
	sql "UPDATE extension SET assigned_ms = ($T0 - 3600) * 1000
		WHERE number <> '1006'"
	given_beat $T0
}

# ---- what is seen -----------------------------------------------------------

@test "sp-status --watch: counters, since when nobody listens, and all rows" {
	given_states
	start_watch
	shows_rows 1001 1002 1003 1004 1005 1006
	run screen
	assert_line --index 0 "acme.example  registered 1  late 1  lost 1\
  ringing 1  busy 1  offline 1"
	assert_line --index 1 "nobody listens since 2024-01-01T00:00:00Z  6 of 6\
 by number"
	assert_line --regexp '^NUMBER +LOGIN +NAME +STATE +SINCE +LEFT +SOFTPHONE'
	assert_line --regexp \
		'^1001 +u1001 +First-u1001 L.* registered +43m 19s +25s +Phone/2'
	assert_line --regexp '^1005 .* busy +15s +25s +Phone/2'
	assert_line --regexp '^1006 .* offline +[0-9]+s +$|offline +[0-9]+s$'
	assert_line '? help  q quit'
}

@test "sp-status --watch: what sp-assign changes is seen" {
	given_user asmith 1001
	start_watch
	shows_rows 1001
	shows 'no server has run yet'
	sp-assign -q -N 1002 bjones Bob Jones
	shows_rows 1001 1002
	shows '^1002 .*Bob Jones'
	shows 'offline 2'
	sp-recycle -q asmith
	shows_rows 1002
	sp-forward -q bjones --always reject
	shows 'always=reject'
}

@test "sp-status --watch: an empty database fills" {
	given_user asmith 1001
	sp-recycle -q asmith
	sqlite3 sp.db 'DELETE FROM extension; DELETE FROM event; DELETE FROM tenant'
	start_watch
	shows '0 of 0 by number'
	given_user asmith 1001
	shows_rows 1001
}

@test "sp-status --watch: rows of registrations and of calls" {
	given_states
	start_watch
	shows '^1001 .* registered'
	given_call 1001 1997 started_s=-3
	shows '^1001 .* ringing'
	sql "UPDATE call SET answered_ms = rang_ms WHERE caller = '1001'"
	shows '^1001 .* busy'
	shows 'busy 2'
	sql "UPDATE call SET ended_ms = answered_ms"
	shows '^1001 .* registered'
	sql "DELETE FROM binding_live; DELETE FROM binding"
	shows 'registered 0  late 0  lost 5'
}

@test "sp-status --watch: late and lost come by the clock alone" {
	# In ten seconds, by which time this must have begun.
	T0=$(date +%s)
	given_phone 1001 -7 60
	given_phone 1002 -5 10
	given_beat $((T0 + 60))
	start_watch
	shows '^1001 .* registered'
	shows '^1002 .* registered'
	shows '^1001 .* late'
	shows '^1002 .* lost'
}

@test "sp-status --watch: a softphone logs in, and the server ends" {
	given_user asmith 1001
	given_secret asmith >secret
	start_server
	start_watch
	shows '^server 20'
	shows '^1001 .* offline'
	sp-register login 1001@acme.example --server "$SERVER" --secret-file secret \
		>/dev/null 2>&1 3>&- &
	SERVER_PIDS+=($!)
	shows '^1001 .* registered .*sp-register'
	kill "${SERVER_PIDS[0]}"
	shows '^nobody listens since 20'
	shows '^1001 .* registered'
}

@test "sp-status --watch: only what has changed is drawn" {
	given_states
	start_watch
	shows_rows 1001 1002 1003 1004 1005 1006
	terminal pipe-pane 'cat >drawn'
	sp-assign -q user:u1001 Zoe Changed
	shows 'Zoe Changed'
	wait_until 20 grep -q Zoe drawn
	run cat drawn
	refute_output --partial u1002
	refute_output --partial NUMBER
}

# ---- which of them ----------------------------------------------------------

@test "sp-status --watch: --state, --match and operands filter, as in the list" {
	given_states
	start_watch --state registered,lost
	shows_rows 1001 1003
	shows '2 of 2 by number'
	start_watch --match u1004
	shows_rows 1004
	start_watch u1005 1001 ext:1001
	shows_rows 1001 1005
	sp-recycle -q u1005
	shows_rows 1001
	start_watch --idle 1s
	shows_rows 1003
}

@test "sp-status --watch: a list on standard input, keys from the terminal" {
	given_states
	printf '1002\n1004\n' >numbers
	cat >watch.sh <<-'END'
		sp-status --watch - <numbers
		echo "status $?"
		exec cat
	END
	terminal new-session -d "${SIZE[@]}" sh watch.sh
	shows_rows 1002 1004
	press q
	shows '^status 0'
}

@test "sp-status --watch: a text is found while it is typed" {
	given_states
	sp-assign -q -N 1007 umlaut Änne Öst
	start_watch
	press /
	shows '^/$'
	press -l ÄNN
	shows_rows 1007
	shows "1 of 7 by number, with 'ÄNN'"
	press BSpace BSpace BSpace
	shows_rows 1001 1002 1003 1004 1005 1006 1007
	press -l 'u100q'
	shows '0 of 7'
	press BSpace Enter
	shows '^? help'
	shows_rows 1001 1002 1003 1004 1005 1006
	press Escape
	shows_rows 1001 1002 1003 1004 1005 1006 1007
	press / 7 Escape
	shows_rows 1001 1002 1003 1004 1005 1006 1007
	shows '^? help'
}

@test "sp-status --watch: f goes through the states" {
	given_states
	start_watch
	press f
	shows_rows 1001 1002 1004 1005
	shows '4 of 6 by number, on line'
	press f
	shows_rows 1004 1005
	shows ', in a call'
	press f
	shows_rows 1003
	shows ', lost'
	press f
	shows_rows 1001 1002 1003 1004 1005 1006
}

@test "sp-status --watch: n s u t sort, and again the other way round" {
	given_states
	sql "UPDATE sp_user SET login = 'a1005' WHERE login = 'u1005'"
	start_watch
	press s
	shows_rows 1003 1002 1004 1005 1001 1006
	shows 'by state$'
	press s
	shows_rows 1006 1001 1005 1004 1002 1003
	shows 'by state reversed$'
	press u
	shows_rows 1005 1001 1002 1003 1004 1006
	press t
	shows_rows 1006 1003 1004 1005 1002 1001
	press t
	shows_rows 1001 1002 1005 1004 1003 1006
	press n
	shows_rows 1001 1002 1003 1004 1005 1006
	press n
	shows_rows 1006 1005 1004 1003 1002 1001
}

# ---- moving -----------------------------------------------------------------

# chosen_is NUMBER: the line in reverse.
chosen_is() {
	[ "$(terminal capture-pane -e -p | sed '1,3d; $d' |
		sed -n -E 's/^\x1b\[([0-9]+;)*7m(\x1b\[[0-9;]*m)*([0-9]+) .*/\3/p')" = "$1" ]
}

chooses() { wait_until 20 chosen_is "$1" || { terminal capture-pane -e -p; return 1; }; }

@test "sp-status --watch: arrows, j k, pages, Home and End, of 10,000" {
	sed -i 's/1000-1999/10000-19999/' sp.yaml
	{
		echo login,first,last
		seq -f 'user%05.0f,First,Last' 0 9999
	} >users.csv
	sp-assign -q -f users.csv
	start_watch
	shows '10000 of 10000'
	chooses 10000
	press Down j j
	chooses 10003
	press k Up
	chooses 10001
	press NPage
	chooses 10013
	press PPage PPage
	chooses 10000
	press End
	chooses 19999
	assert_equal "$(rows)" "$(seq 19988 19999 | xargs)"
	press Home
	chooses 10000
	press /
	press -l user09999
	shows_rows 19999
	press Escape
	shows '10000 of 10000'
	# What was chosen stays so, wherever it is now.
	chooses 19999
	sp-recycle -q user00000
	shows '9999 of 9999'
	chooses 19999
}

@test "sp-status --watch: Enter shows one extension, Escape the list again" {
	given_states
	sp-forward -q u1002 --busy 1001
	start_watch
	chooses 1001
	press j Enter
	shows '^1002@acme.example'
	shows '^contact *sip:1002@192.0.2.9$'
	shows '^user agent *Phone/2$'
	shows '^state *late$'
	shows '^forwarding *busy=1001$'
	terminal resize-window -x 120 -y 30
	shows '  assigned  1002 '
	shows ' forwarding\| busy'
	sp-forward -q u1002 --busy 1003
	shows '^forwarding *busy=1003$'
	assert_equal "$(screen | grep -c ' assigned ')" 1
	press j
	shows '^1003@acme.example'
	press Escape
	shows '^NUMBER'
	chooses 1003
}

@test "sp-status --watch: ? shows the keys, and no longer" {
	given_user asmith 1001
	start_watch
	press '?'
	shows '^n u s t order .* q quit$'
	press '?'
	shows '^? help  q quit$'
}

# ---- the terminal -----------------------------------------------------------

@test "sp-status --watch: as many columns as there is room for" {
	given_states
	start_watch
	shows '^NUMBER .* FORWARDING'
	terminal resize-window -x 40 -y 8
	shows '^NUMBER  LOGIN .*STATE .*SINCE *$'
	shows_rows 1001 1002 1003 1004
	shows_no SOFTPHONE
	terminal resize-window -x 5 -y 2
	terminal resize-window -x 160 -y 30
	shows '^NUMBER .* FORWARDING .* CONTACT'
	shows_rows 1001 1002 1003 1004 1005 1006
}

# color_of NUMBER: what stands before it in its line.
color_of() {
	terminal capture-pane -e -p | grep "$1 " | sed "s/$1 .*//" |
		grep -o '\[[0-9;]*m' | tr -d '[m' | tr '\n' ' '
}

@test "sp-status --watch: each state has its colour" {
	given_states
	start_watch
	shows_rows 1001 1002 1003 1004 1005 1006
	for expected in '1001 32' '1002 33' '1003 31' '1004 36' '1005 35' \
		'1006 2'; do
		run color_of "${expected% *}"
		assert_output --regexp "(^|[ ;])${expected#* } "
	done
}

@test "sp-status --watch: no colours with NO_COLOR" {
	given_states
	export NO_COLOR=1
	start_watch
	shows_rows 1001 1002 1003 1004 1005 1006
	run terminal capture-pane -e -p
	refute_output --regexp $'\x1b''\[([0-9]+;)*(2|3[0-7])m'
}

@test "sp-status --watch: q gives the terminal back" {
	given_user asmith 1001
	start_watch
	press q
	is_restored 0
}

@test "sp-status --watch: so do SIGTERM and ^C, which end it as they do others" {
	given_user asmith 1001
	start_watch
	kill -TERM "$(cat pid)"
	is_restored 143
	rm after
	start_watch
	kill -INT "$(cat pid)"
	is_restored 130
}

@test "sp-status --watch: so does a terminal that goes away" {
	given_user asmith 1001
	start_watch
	terminal kill-server
	wait_until 20 eval '! kill -0 "$(cat pid)"'
}

@test "sp-status --watch: also one that sends no SIGHUP" {
	given_user asmith 1001
	# It is not the terminal of that session.
	echo "setsid sh -c 'echo \$\$ >pid; exec sp-status --watch'" >watch.sh
	terminal new-session -d "${SIZE[@]}" sh watch.sh
	shows_rows 1001
	SERVER_PIDS+=("$(cat pid)")
	terminal kill-server
	wait_until 20 eval '! kill -0 "$(cat pid)"'
}

@test "sp-status --watch: names cannot break the screen" {
	given_user asmith 1001
	given_user bjones 1002
	given_user cmiller 1003
	local line widths=()

	sql "UPDATE sp_user SET first_name = 'x' || char(27) || '[2J' || char(10)
			|| char(8238) || 'abc', last_name = char(155) || '1A'
			WHERE login = 'asmith';
		UPDATE sp_user SET first_name = '山田', last_name = '太郎'
			WHERE login = 'bjones'"
	start_watch
	shows '^1001 .* x?\[2J??abc ?1A  *offline'
	shows '^1002 .* 山田 太郎  *offline'
	shows '^1003 .*  offline'
	shows '^NUMBER'
	# A wide character takes two columns: the states stand below each other.
	while read -r line; do
		[[ $line == 100*offline* ]] || continue
		line=${line%%offline*} line=${line//[山田太郎]/ww}
		widths+=("${#line}")
	done < <(screen)
	assert_equal "${widths[*]}" "${widths[0]} ${widths[0]} ${widths[0]}"
}

# ---- what goes wrong --------------------------------------------------------

@test "sp-status --watch: not a terminal, or an unknown one" {
	given_user asmith 1001
	run --separate-stderr sp-status --watch
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-status: --watch needs a terminal: standard\
 output is none (see sp-status --help)"
	echo 'TERM=nonesuch sp-status --watch 2>said; echo "status $?"; exec cat' \
		>watch.sh
	terminal new-session -d "${SIZE[@]}" sh watch.sh
	shows '^status 64'
	assert_equal "$(cat said)" "sp-status: --watch needs a terminal:\
 'nonesuch' is not known as one (TERM)"
}

@test "sp-status --watch: other options of output do not go with it" {
	for option in '-o csv' '--columns number' -H; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status --watch $option
		assert_failure 64
		assert_equal "$stderr" "sp-status: --output, --columns and\
 --no-header do not go with --watch (see sp-status --help)"
	done
}

@test "sp-status --watch: an unknown operand is told, and nothing is drawn" {
	given_user asmith 1001
	echo 'sp-status --watch nobody 2>said; echo "status $?"; exec cat' >watch.sh
	terminal new-session -d "${SIZE[@]}" sh watch.sh
	shows '^status 67'
	assert_equal "$(cat said)" \
		"sp-status: no user or extension 'nobody' in 'acme.example'"
}

@test "sp-status --watch: the database goes away, and another one comes" {
	given_user asmith 1001
	start_watch
	shows_rows 1001
	mkdir away
	mv sp.db* away
	shows "^not up to date: .*no database '.*sp.db'"
	shows_rows 1001
	# In which the tenant is another row than before.
	sed 's/acme/other/' sp.yaml >other.yaml
	sp-assign -q -c other.yaml -N 1009 stranger
	sp-assign -q -N 1002 bjones
	shows_rows 1002
	shows_no 'not up to date'
}

@test "sp-status --watch: the database is locked for a while" {
	given_user asmith 1001
	given_user bjones 1002
	start_watch
	mkdir away
	mv sp.db* away
	shows '^not up to date'
	# Whoever has it open keeps others from such a lock.
	coproc sqlite3 away/sp.db 3>&-
	SERVER_PIDS+=("$COPROC_PID")
	echo "PRAGMA locking_mode=EXCLUSIVE; DELETE FROM sp_user WHERE login = 'x';
		SELECT 'locked';" >&"${COPROC[1]}"
	read -r line <&"${COPROC[0]}"
	read -r line <&"${COPROC[0]}"
	assert_equal "$line" locked
	ln away/sp.db sp.db
	shows '^not up to date: .*\(busy\|locked\)'
	kill "$COPROC_PID"
	wait_until 20 eval '! kill -0 "$COPROC_PID"'
	shows_no 'not up to date'
	shows_rows 1001 1002
}
