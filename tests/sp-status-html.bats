#!/usr/bin/env bats
# sp-status --html: what the page is made of. What it does in a browser stands
# in sp-status-browser.bats.

T0=1704067200 # 2024-01-01T00:00:00Z: the last heartbeat, in seconds

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	given_config 'voicemail: sip:vm-{number}@voicemail.acme.example' \
		'forwarding: {no-answer: {to: voicemail, after: 20s}, offline: {to: voicemail}}'
}

teardown() { common_teardown; }

# given_beat: the server's last heartbeat was at T0.
given_beat() {
	sql "INSERT INTO server (id, nonce_key, heartbeat_ms)
		VALUES (1, zeroblob(32), $T0 * 1000)"
}

# given_session NUMBER STARTED [ENDED ENDING]: in minutes after T0; an open one
# has a binding that is refreshed in time.
given_session() {
	local ended=NULL ending=NULL

	[ $# -eq 2 ] || ended="($T0 + $3 * 60) * 1000" ending="'$4'"
	sql "INSERT INTO login_session (tenant_id, number, login, started_ms,
			ended_ms, ending, contact, transport, user_agent)
			VALUES (1, '$1', 'u$1', ($T0 + $2 * 60) * 1000, $ended,
			$ending, 'sip:$1@192.0.2.7', 'udp', 'Phone/1');
		UPDATE extension SET session_id = last_insert_rowid(),
			assigned_ms = ($T0 - 172800) * 1000 WHERE number = '$1'"
	[ $# -eq 2 ] || return 0
	sql "INSERT INTO binding (extension_id, contact, call_id, source,
			transport, user_agent, created_ms)
			SELECT id, 'sip:$1@192.0.2.7:5060', 'x', 'x', 'udp',
			'Phone/1', 1 FROM extension WHERE number = '$1';
		INSERT INTO binding_live VALUES (last_insert_rowid(), 1,
			($T0 - 5) * 1000, ($T0 + 25) * 1000, 0)"
}

# page: into page.html, and its data into data.json.
page() {
	sp-status -q --html >page.html
	sed -n '/^<script type="application\/json"/,/^<\/script>/p' page.html |
		sed '1d; $d' >data.json
}

# details PLACE PART NUMBER: of the extension at that place of the list, its
# rules (0) or route (1) as TSV.
details() {
	jq -r --argjson place "$1" --argjson part "$2" --arg number "$3" '
		reduce .details[] as $pair ({lists: [], out: []};
			reduce $pair[] as $one (.row = [];
				if $one | type == "number"
				then .row += [.lists[$one]]
				else .lists += [$one] | .row += [$one] end)
			| .out += [.row]) | .out[$place][$part][]
		| map(. // "" | gsub("\u0001"; $number)) | @tsv' data.json
}

# trend NAME: the figures of the last 24 hours, one for a quarter of an hour,
# without those that are zero: POINT=FIGURE.
trend() {
	jq -r --arg name "$1" '.trend[$name] | to_entries
		| map(select(.value != 0) | "\(.key)=\(.value)") | join(" ")' data.json
}

# ---- structure -------------------------------------------------------------

@test "sp-status --html: one page, with a row of the table for each user" {
	given_user asmith 1001
	given_user bjones 1002
	given_beat
	sql "UPDATE extension SET assigned_ms = $T0 * 1000"
	run --separate-stderr sp-status --html
	assert_success
	assert_equal "${lines[0]}" '<!DOCTYPE html>'
	assert_equal "${lines[-1]}" '</html>'
	assert_line '<title>Softphones – acme.example</title>'
	assert_equal "$(grep -c '^<tr><th scope="row">' <<<"$output")" 2
	assert_line '<tr><th scope="row">1001<td>First-asmith<td>Last-asmith<td>asmith<td>offline<td>2024-01-01T00:00:00Z<td><td><td><td><td>no-answer=voicemail/20s offline=voicemail'
	refute_output --partial '{{'
	assert_equal "$stderr" "sp-status: no server is running since\
 2024-01-01T00:00:00Z: states are as they were then"
	assert_output --partial 'No server is running since'
}

@test "sp-status --html: a softphone's contact, transport, agent and refresh" {
	given_user u1001 1001
	given_beat
	given_session 1001 -60
	page
	run grep -F '<th scope="row">1001' page.html
	assert_output --partial '<td>registered<td>2023-12-31T23:00:00Z<td>sip:1001@192.0.2.7:5060<td>udp<td>Phone/1<td>2023-12-31T23:59:55Z<td>'
}

@test "sp-status --html: with a server there is no warning, without users no row" {
	sp-assign -q asmith
	sp-recycle -q asmith
	start_server
	run --separate-stderr sp-status --html
	assert_success
	assert_equal "$stderr" ""
	refute_output --partial 'No server is running'
	refute_output --partial '<th scope="row">'
	assert_line --partial '<b>0</b> <span>assigned</span>'
}

@test "sp-status --html: needs nothing from elsewhere" {
	given_user asmith
	page
	run grep -n -i -o -E '(src|href|action|srcset|poster)="?[^ >]*' page.html
	assert_output --regexp '^[0-9]+:href="data:,"'$'\n''[0-9]+:href="#list"$'
	run grep -n -i -E 'https?:|url\(|@import|fetch\(|XMLHttpRequest|WebSocket' page.html
	assert_output ""
}

@test "sp-status --html: only scripts and styles with this page's nonce count" {
	local nonce

	given_user asmith
	page
	nonce=$(sed -n "s/.*script-src 'nonce-\([0-9a-f]\{32\}\)'.*/\1/p" page.html)
	assert_equal "${#nonce}" 32
	assert_equal "$(grep -c "^<script nonce=\"$nonce\">" page.html)" 2
	assert_equal "$(grep -c "^<style nonce=\"$nonce\">" page.html)" 1
	page
	run grep -c "$nonce" page.html
	assert_output 0
}

@test "sp-status --html: 500 extensions are less than 200 kB" {
	"$ROOT/tests/browser/world.sh" . 500 "$T0"
	page
	assert_equal "$(grep -c '^<tr><th scope="row">' page.html)" 500
	assert [ "$(wc -c <page.html)" -lt 200000 ]
}

# ---- text that others have written ------------------------------------------

@test "sp-status --html: markup in names and softphones is text" {
	sp-assign -q evil '<script>alert(1)</script>' "\"'><img src=x onerror=alert(1)>&amp;"
	given_beat
	given_session 1000 -5
	sql "UPDATE binding SET user_agent = '</td><script>alert(2)</script>',
		contact = 'sip:x\"<b>@192.0.2.7'"
	page
	run grep -F '<th scope="row">1000' page.html
	assert_output --partial '<td>&lt;script&gt;alert(1)&lt;/script&gt;<td>&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;<td>evil<td>registered'
	assert_output --partial '<td>sip:x&quot;&lt;b&gt;@192.0.2.7<td>udp<td>&lt;/td&gt;&lt;script&gt;alert(2)&lt;/script&gt;<td>'
	assert_equal "$(grep -o '<script' page.html | wc -l)" 3
	assert_equal "$(grep -o '</script' page.html | wc -l)" 3
	run grep -c '<img' page.html
	assert_output 0
}

@test "sp-status --html: the data of the script cannot end it" {
	local target='sip:a@b</script><script>alert(3)//&"\'

	given_user asmith 1000
	given_beat
	sql "INSERT INTO forward SELECT id, 'always', 0, '$target' || char(8232)
		|| char(8233) || char(9), 0, 1, 0, 0 FROM extension"
	page
	assert_equal "$(grep -o '<script' page.html | wc -l)" 3
	run grep -c $'\u2028\|\u2029' data.json
	assert_output 0
	run jq -r '.details[0][0][0][1]' data.json
	assert_output "$target"$'\u2028\u2029\t'
}

@test "sp-status --html: what is no text is shown as such" {
	given_user u1000 1000
	given_beat
	given_session 1000 -5
	sql "UPDATE binding SET contact = CAST(x'61ff62c3' AS TEXT),
		user_agent = 'a' || char(7) || char(133) || 'ž' || char(128222)"
	page
	run grep -F '<th scope="row">1000' page.html
	assert_output --partial $'<td>a\ufffdb\ufffd<td>udp<td>a\ufffd\ufffdž\U1f4de<td>'
	iconv -f UTF-8 -t UTF-8 page.html >/dev/null
}

# ---- forwarding ------------------------------------------------------------

@test "sp-status --html: the rules are those that sp-forward prints" {
	local number place=0

	for number in 1000 1001 1002 1003; do
		given_user "u$number" "$number"
	done
	sp-forward -q 1000 --busy 1001 --no-answer 1002 --after 10s
	sp-forward -q 1001 --always 1002 --from '2100-01-01' --until '2100-02-01'
	sp-forward -q 1002 --off no-answer
	page
	for number in 1000 1001 1002 1003; do
		run details $place 0 "$number"
		refute_output ""
		assert_equal "$(sort <<<"$output")" "$(sp-forward -o tsv \
			--columns condition,target,after,switch,origin,from,until \
			"$number" | sort)"
		place=$((place + 1))
	done
}

@test "sp-status --html: the route is that of sp-forward --resolve" {
	local number place=0

	for number in 1000 1001 1002 1003 1004; do
		given_user "u$number" "$number"
	done
	given_beat
	given_session 1000 -60
	given_session 1002 -60
	sp-forward -q 1000 --no-answer 1001 --after 10s
	sp-forward -q 1001 --offline 1002
	sp-forward -q 1003 --always 1000
	sp-forward -q 1004 --always reject
	sp-recycle -q 1001
	page
	for number in 1000 1002 1003 1004; do
		run details $place 1 "$number"
		refute_output ""
		assert_equal "$output" \
			"$(sp-forward --resolve "$number" -o tsv 2>resolve.log)"
		place=$((place + 1))
	done
	assert_equal "$place" 4
}

@test "sp-status --html: the same rules stand there once" {
	for number in 1000 1001 1002; do
		given_user "u$number" "$number"
	done
	page
	run jq -c '.details[1:]' data.json
	assert_output '[[0,1],[0,1]]'
}

@test "sp-status --html: many different rules are told all the same" {
	local place

	seq -f 'u%.0f' 700 | sed '1i login' >users.csv
	sp-assign -q -f users.csv
	sql "INSERT INTO forward SELECT id, 'always', 0, '+49' || number, 0, 1,
		0, 0 FROM extension WHERE id % 3 > 0;
		INSERT INTO forward SELECT id, 'busy', 0, '+1' || (id * 7), 0, 1,
		0, 0 FROM extension"
	page
	for place in 0 1 2 350 513 600 698 699; do
		run details $place 0 $((1000 + place))
		assert_equal "$(sort <<<"$output")" "$(sp-forward -o tsv \
			--columns condition,target,after,switch,origin,from,until \
			$((1000 + place)) | sort)"
	done
}

# ---- overview --------------------------------------------------------------

@test "sp-status --html: the counters are those of --summary" {
	local item

	for number in 1000 1001 1002 1003; do
		given_user "u$number" "$number"
	done
	given_beat
	given_session 1000 -60
	given_session 1001 -60
	given_session 1002 -60 -30 lost
	sql "UPDATE binding_live SET refreshed_ms = ($T0 - 20) * 1000
		WHERE binding_id = 1"
	page
	for item in assigned offline registered late lost; do
		run grep -F "data-state=\"$item\"" page.html
		assert_output --partial "<b>$(sp-status -q --summary -o tsv |
			awk -v item="$item" '$1 == item { print $NF }')</b>"
	done
	run grep -c -E 'data-state="(registered|late|lost|offline)".*<b>1<' page.html
	assert_output 4
	run trend late # the end of the chart says the same
	assert_output --regexp '(^| )96=1$'
	run trend registered
	assert_output --regexp '(^| )96=2$'
}

@test "sp-status --html: who is in a call is on line too" {
	given_user u1000 1000
	given_user u1001 1001
	given_beat
	given_session 1000 -60
	given_session 1001 -60
	given_call 1001 1000 started_s=-5
	given_call 1001 1002 started_s=-9 answered_s=-5
	page
	run grep -F '<th scope="row">' page.html
	assert_line --index 0 --partial '<td>ringing<td>2023-12-31T23:59:55Z<td>'
	assert_line --index 1 --partial '<td>busy<td>2023-12-31T23:59:55Z<td>'
	run grep -c -E 'data-state="(ringing|busy)".*<b>1<' page.html
	assert_output 2
	run trend registered
	assert_output '92=2 93=2 94=2 95=2 96=2'
}

@test "sp-status --html: how the ranges of the pool are used" {
	sed -i 's/pool: .*/pool: [1000-1099, 0200-0209]/' sp.yaml
	given_user a 1000
	given_user b 0200
	given_user c 0201
	sp-recycle -q --rest 30d c
	sp-assign -q --reserve 0209
	page
	run grep -F '<li><b>1000–1099</b>' page.html
	assert_output --partial '<span>1 of 100 assigned, 0 resting, 0 reserved, 99 free</span>'
	run grep -F '<li><b>0200–0209</b>' page.html
	assert_output --partial '<span>1 of 10 assigned, 1 resting, 1 reserved, 7 free</span>'
}

@test "sp-status --html: the chart is drawn from the login sessions" {
	for number in 1000 1001 1002; do
		given_user "u$number" "$number"
	done
	given_beat
	given_session 1000 -2000 -1400 logout # from before the day on
	given_session 1000 -60
	given_session 1001 -100 -62 lost
	given_session 1001 -31
	given_session 1002 -14 -7 lost
	page
	run trend registered # 96 is T0, 15 minutes each
	assert_output '0=1 1=1 2=1 90=1 91=1 92=1 93=1 94=2 95=2 96=2'
	run trend late
	assert_output '92=1 96=1'
	run trend lost
	assert_output '92=1 93=1 96=1'
	run grep -A 1 -F '<svg id="chart"' page.html
	assert_output --partial 'On line: 2 now, 2 at the most.'
}

@test "sp-status --html: who was taken out is lost no more" {
	given_user u1000 1000
	given_user u1001 1001
	given_beat
	given_session 1000 -100 -62 lost
	sql "INSERT INTO tenure (tenant_id, digits, number, login, first_name,
		last_name, from_ms, until_ms) VALUES (1, 4, '1000', 'u1000', '',
		'', 1, ($T0 - 32 * 60) * 1000);
		DELETE FROM sp_user WHERE login = 'u1000' AND 0;
		UPDATE extension SET user_id = NULL, session_id = NULL
		WHERE number = '1000'; DELETE FROM secret WHERE user_id = 1;
		DELETE FROM sp_user WHERE login = 'u1000'"
	page
	run trend lost
	assert_output '92=1 93=1'
}

# ---- manners ---------------------------------------------------------------

@test "sp-status --html: changes nothing" {
	given_user asmith
	remember
	page
	assert_nothing_changed
}

@test "sp-status --html: takes no operands, formats or filters" {
	given_user asmith
	for wrong in asmith '-o json' '--columns number' '--state late' \
		'--match x' --summary '--as-of now'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status --html $wrong
		assert_failure 64
		assert_output ""
	done
	run --separate-stderr sp-status --html -o json
	assert_equal "${stderr_lines[0]}" "sp-status: -o and --columns are for listings, not for --html (see sp-status --help)"
}

@test "sp-status --html: a full disk is no success" {
	given_user asmith
	run --separate-stderr to_full sp-status -q --html
	assert_failure 74
	assert_equal "$stderr" "sp-status: cannot write the listing: No space left on device"
}

@test "sp-status --html: without room for what waits nothing is printed" {
	seq -f 'u%.0f' 900 | sed '1i login' >users.csv
	sp-assign -q -f users.csv
	# No file may become longer than 64 KiB; pipes may.
	run --separate-stderr bash -c 'ulimit -f 64; sp-status -q --html | cat
		exit "${PIPESTATUS[0]}"'
	assert_failure 74
	assert_output ""
	assert_equal "$stderr" "sp-status: cannot write a temporary file: File too large"
}

@test "sp-status --html: systemd's units for the page are in order" {
	make -s -C "$ROOT" -o all install PREFIX=/opt/sp DESTDIR="$PWD/root"
	cp root/opt/sp/lib/systemd/system/sp-status-page.* .
	run grep -x -e 'ExecStart=/opt/sp/share/sp/scripts/sp-status-page .*' \
		-e 'Environment=PATH=/opt/sp/bin:/usr/bin:/bin' sp-status-page.service
	assert_equal "${#lines[@]}" 2
	sed -i 's|^ExecStart=.*|ExecStart=/bin/true|' sp-status-page.service
	run systemd-analyze verify --man=no ./sp-status-page.service \
		./sp-status-page.timer
	assert_success
	assert_output ""
	run systemd-analyze security --offline=true --threshold=15 \
		./sp-status-page.service
	assert_success
}
