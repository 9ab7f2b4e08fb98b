#!/usr/bin/env bats
# The page of sp-status --html in Debian's chromium. The checks themselves stand
# in browser/checks.js; scripts/install-deps test installs what they need.

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	export SP_BROWSER_DRIVER=${SP_BROWSER_DRIVER:-${XDG_CACHE_HOME:-$HOME/.cache}/sp-browser}
}

setup() {
	load common
	common_setup
	given_config 'voicemail: sip:vm-{number}@voicemail.acme.example' \
		'forwarding: {no-answer: {to: voicemail, after: 20s}}'
	sed -i 's/1000-1999/1000-1999, 20000-20099/' sp.yaml
}

teardown() { common_teardown; }

# given_phone NUMBER CONTACT AGENT: registered now, as SQL may write them.
given_phone() {
	local now

	now=$(date +%s)000
	sql "INSERT INTO login_session (tenant_id, number, login, started_ms,
			contact, transport, user_agent)
			VALUES (1, '$1', 'x', $now, '', 'udp', '');
		UPDATE extension SET session_id = last_insert_rowid()
			WHERE number = '$1';
		INSERT INTO binding (extension_id, contact, call_id, source,
			transport, user_agent, created_ms)
			SELECT id, '$2', 'x', 'x', 'udp', '$3', 1
			FROM extension WHERE number = '$1';
		INSERT INTO binding_live VALUES (last_insert_rowid(), 1,
			$now, $now + 600000, 600000)"
}

given_team() {
	printf '%s\n' login,first,last,number amueller,Anna,Müller,1000 \
		azimmer,Ann,Zimmer,1001 bnovak,Božena,Nováková,1002 \
		zadler,Zoe,Adler,20000 >users.csv
	sp-assign -q -f users.csv
	given_phone 1000 sip:1000@192.0.2.7:5060 special/7
	sp-forward -q 1000 --busy 1001
}

# check NAME [WORD...]: of the page as things are now.
check() {
	sp-status -q --html >page.html
	run node "$BATS_TEST_DIRNAME/browser/checks.js" "$1" page.html "${@:2}"
	assert_success
	assert_output ""
}

@test "browser: a click shows an extension, its Phone and Forwarding tabs" {
	given_team
	check click 1000 Anna Müller special/7
}

@test "browser: Forwarding has each condition, and what --resolve says" {
	local route

	given_team
	mapfile -t route < <(sp-forward --resolve 1000 -o tsv)
	assert_equal "${#route[@]}" 3
	check forwarding 1000 "${route[@]}"
}

@test "browser: all of it works with the keyboard" {
	given_team
	check keyboard
}

@test "browser: the search" {
	given_team
	check search
}

@test "browser: the list is sorted by what is clicked" {
	given_team
	check sort
}

@test "browser: the counters choose a state" {
	given_team
	check states
}

@test "browser: what users and phones write executes nothing" {
	sp-assign -q evil '<script>window.bad=1</script>' \
		'"><img src=x onerror=window.bad=2>'
	given_phone 1000 'sip:x"><svg onload=window.bad=4>@192.0.2.7' \
		'</script><script>window.bad=3</script>'
	sql "INSERT INTO forward SELECT id, 'busy', 0,
		'sip:a@b</script><script>window.bad=5//' || char(8232), 0, 1, 0, 0
		FROM extension"
	check hostile
}

@test "browser: dark and light, and all text can be read" {
	given_team
	sp-forward -q 1000 --always 1001 --until tomorrow
	check dark
}

@test "browser: 10,000 extensions" {
	"$ROOT/tests/browser/world.sh" . 10000
	check many
}

@test "browser: the address keeps what is shown" {
	given_team
	check address
}

@test "browser: the chart tells its figures" {
	given_team
	check chart
}

@test "browser: it is read again only when that is asked for" {
	given_team
	check refresh
}

@test "browser: an old page is read every 15 seconds, not at once" {
	given_team
	check calm
}

@test "browser: a viewer's clock that is slow tells no age" {
	given_team
	check slow
}

@test "browser: names for all controls, and no sideways scrolling" {
	given_team
	check accessible
}

@test "browser: without JavaScript it is a table" {
	given_team
	check scriptless
}
