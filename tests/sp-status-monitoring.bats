#!/usr/bin/env bats
# sp-status --prometheus and --check, and what reads them: scripts/sp-metrics,
# scripts/monitoring.

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	load clients/wire
	given_config
	MONITORING=$ROOT/scripts/monitoring
}

teardown() { common_teardown; }

# given_tenants: acme.example with two ranges and a reserved number, and
# b.example with ten numbers.
given_tenants() {
	cat >sp.yaml <<-'END'
	listen: [udp:127.0.0.1:0]
	tenants:
	  - domain: acme.example
	    pool: [1000-1099, 20-29]
	    reserved: [1099]
	  - domain: b.example
	    pool: [10-19]
	END
}

# given_phones REGISTERED LOST: so many users, that a server which beats has seen
# in these states; behind them nobody.
given_phones() {
	local now=$((${EPOCHREALTIME/[.,]/} / 1000))

	{ echo login && seq -f u%.0f $(($1 + $2)); } >given.csv
	sp-assign -q -f given.csv
	sql "INSERT INTO login_session SELECT id, tenant_id, number, 'u',
		$now - 9000, CASE WHEN id > $1 THEN $now - 1000 ELSE 0 END,
		CASE WHEN id > $1 THEN 'lost' ELSE '' END, 'sip:x', 'udp', ''
		FROM extension;
		UPDATE extension SET session_id = id;
		INSERT INTO binding (id, extension_id, contact, call_id, source,
		transport, user_agent, created_ms) SELECT id, id, 'sip:x', 'c',
		's', 'udp', '', $now FROM extension WHERE id <= $1;
		INSERT INTO binding_live SELECT id, 1, $now, $now + 600000, 600000
		FROM binding"
	given_heartbeat
}

# lose_phone ID: one of those that were registered.
lose_phone() {
	sql "UPDATE login_session SET ended_ms = 1, ending = 'lost' WHERE id = $1;
		DELETE FROM binding_live WHERE binding_id = $1;
		DELETE FROM binding WHERE id = $1"
}

# given_heartbeat [SECONDS]: of a server, so long ago.
given_heartbeat() {
	local ms=$((${EPOCHREALTIME/[.,]/} / 1000 - ${1-0} * 1000))

	sql "INSERT INTO server (id, nonce_key, heartbeat_ms)
		VALUES (1, x'00', $ms)
		ON CONFLICT (id) DO UPDATE SET heartbeat_ms = $ms"
}

# metric NAME[{LABELS}]: its value; fails when it is not there.
metric() {
	sp-status --prometheus | awk -v name="$1" '
		{ value = $NF; sub(/ [^ ]*$/, "") }
		$0 == name { print value; found = 1 }
		END { exit !found }'
}

# metrics_of TEXT: the names of ours in it, each once.
metrics_of() {
	grep -o -E '\bsp_[a-z_]+' <<<"$1" | LC_ALL=C sort -u
}

# measured: the names of the series that are printed, each once.
measured() {
	sp-status --prometheus | sed -n 's/^\(sp_[a-z_]*\).*/\1/p' |
		LC_ALL=C sort -u
}

# ---- --prometheus -----------------------------------------------------------

@test "prometheus: what is printed is valid, with and without a server" {
	given_tenants
	sp-assign -q -t acme.example asmith
	sp-status --prometheus >metrics
	run promtool check metrics <metrics
	assert_success
	assert_output ""
	start_server
	stop_server
	sp-status --prometheus >metrics
	run promtool check metrics <metrics
	assert_success
	assert_output ""
}

@test "prometheus: each metric has one HELP and one TYPE, and stands together" {
	given_tenants
	sp-assign -q -t acme.example asmith
	sp-status --prometheus >metrics
	run sed -n -E 's/^# HELP ([^ ]+) .+\.$/\1/p' metrics
	assert_equal "$(sed -n -E 's/^# TYPE ([^ ]+) (gauge|counter|histogram)$/\1/p' \
		metrics)" "$output"
	assert_equal "$(sort -u <<<"$output")" "$(sort <<<"$output")"
	# Without their suffixes the series come in that order.
	assert_equal "$(sed -E '/^#/d; s/^(sp_[a-z_]+).*/\1/
		s/_(bucket|sum|count)$//' metrics | uniq)" "$output"
}

@test "prometheus: extensions are counted in every state, of each tenant" {
	local state states

	given_tenants
	sp-assign -q -t acme.example asmith
	sp-assign -q -t acme.example bjones
	sp-assign -q -t b.example cdoe
	sp-recycle -q -t acme.example --rest 1d bjones
	# What --state takes is what there is.
	states=$(sp-status -t acme.example --state x 2>&1 |
		sed 's/.*not a state: //; s/,//g; s/ or / /')
	assert_regex "$states" '^free .*lost'
	for state in $states; do
		metric "sp_extensions{tenant=\"acme.example\",state=\"$state\"}"
		metric "sp_extensions{tenant=\"b.example\",state=\"$state\"}"
	done >counts
	assert_equal "$(head -n 14 counts | xargs -n 2 | xargs)" \
		"107 9 1 0 1 0 1 1 0 0 0 0 0 0"
	assert_equal "$(sp-status --prometheus | grep -c '^sp_extensions{')" \
		$((2 * $(wc -w <<<"$states")))
}

@test "prometheus: registered, late and lost are those of the list" {
	given_phones 3 2
	for state in registered lost offline; do
		assert_equal "$state $(metric \
			"sp_extensions{tenant=\"acme.example\",state=\"$state\"}")" \
			"$state $(sp-status -q -o tsv --state "$state" | wc -l)"
	done
	# Without a server they stand still, and nothing is said about it.
	sql 'UPDATE binding_live SET expires_ms = 1000 * unixepoch() - 5000,
		refreshed_ms = 1000 * unixepoch() - 35000'
	given_heartbeat 30
	run --separate-stderr metric \
		'sp_extensions{tenant="acme.example",state="registered"}'
	assert_output 3
	assert_equal "$stderr" ""
}

@test "prometheus: the pool is counted by tenant and range" {
	given_tenants
	sp-assign -q -t acme.example asmith
	sp-assign -q -t acme.example bjones
	sp-recycle -q -t acme.example --rest 1d bjones
	for name in size assigned free resting reserved; do
		for labels in 'acme.example",range="1000-1099' \
			'acme.example",range="20-29' 'b.example",range="10-19'; do
			metric "sp_pool_$name{tenant=\"$labels\"}"
		done | xargs
	done >counts
	assert_equal "$(cat counts)" "100 10 10
1 0 0
97 10 10
1 0 0
1 0 0"
}

@test "prometheus: -t and SP_TENANT name one tenant, an unknown one is 64" {
	given_tenants
	sp-assign -q -t acme.example asmith
	run sp-status --prometheus -t b.example
	assert_success
	assert_output --partial 'sp_extensions{tenant="b.example",'
	refute_output --partial acme.example
	SP_TENANT=acme.example run sp-status --prometheus
	refute_output --partial b.example
	run --separate-stderr sp-status --prometheus -t c.example
	assert_failure 64
	assert_output ""
	assert_equal "$stderr" "sp-status: no tenant 'c.example', expected one\
 of: acme.example, b.example"
}

@test "prometheus: a server counts, and says how long registrations took" {
	local secret n

	secret=$(given_phone asmith 1001)
	sp-status --prometheus >before
	echo 'listen: [udp:127.0.0.1:0, tcp:127.0.0.1:0]' |
		cat - <(sed 1d sp.yaml) >both.yaml && mv both.yaml sp.yaml
	start_server
	server_of udp
	for _ in 1 2 3; do
		run register 1001 "$secret"
		assert_output --partial 'SIP/2.0 200'
	done
	run register 1001 wrong
	assert_output --partial 'SIP/2.0 401'
	server_of tcp
	WITH='-t tcp' run register 1001 "$secret"
	assert_output --partial 'SIP/2.0 200'
	# Stored with a heartbeat, and not once more with the last one.
	metric_is() { [ "$(metric "$1")" = "$2" ]; }
	wait_until 10 metric_is sp_registration_duration_seconds_count 4
	stop_server
	n=$(metric sp_server_requests_total)
	WITH=-t request OPTIONS 1001 | sp-register serve --stdio >answer
	assert_equal "$(metric sp_server_requests_total)" $((n + 1))
	assert_equal "$(metric sp_server_registrations_total)" 4
	assert_equal "$(metric sp_server_auth_failures_total)" 1
	assert_equal "$(metric sp_server_challenges_total)" 5
	assert_equal "$(metric sp_server_losses_total)" 1
	assert_equal "$(metric sp_registration_duration_seconds_count)" 4
	assert_equal "$(metric \
		'sp_registration_duration_seconds_bucket{le="+Inf"}')" 4
	run sp-status --prometheus
	# They add up, and their sum is a time.
	assert_equal "$(sed -n 's/.*seconds_bucket.* //p' <<<"$output" |
		sort -n -c 2>&1)" ""
	run metric sp_registration_duration_seconds_sum
	assert_regex "$output" '^[0-9]+\.[0-9]{6}$'
	refute_output 0.000000
	# Each was there from the start, so that there is a rate.
	assert_equal "$(grep -v -c '^#' before)" \
		"$(sp-status --prometheus | grep -v -c '^#')"
	n=$(grep -c '^sp_server_[a-z_]*_total 0$' before)
	assert_equal "$n" 9
}

@test "prometheus: a counter that it does not know is told all the same" {
	given_user asmith
	sql "INSERT INTO counter VALUES ('frames-lost', 7)"
	assert_equal "$(metric sp_server_frames_lost_total)" 7
	run promtool check metrics < <(sp-status --prometheus)
	assert_success
}

@test "prometheus: the buckets are no lines of --summary" {
	given_user asmith
	sql "INSERT INTO counter VALUES ('latency-1000', 7), ('losses', 1)"
	run sp-status -q --summary -o tsv
	refute_output --partial latency
	assert_line 'server-losses		1'
	assert_equal "$(metric \
		'sp_registration_duration_seconds_bucket{le="0.001"}')" 7
}

@test "prometheus: calls in progress by state, and what has ended by how" {
	given_tenants
	sp-assign -q -t acme.example -N 1001 asmith
	T0=$EPOCHSECONDS
	given_call 1001 1002
	given_call 1001 1003
	given_call 1001 1004 answered_s=1
	given_call 1001 1005 started_s=-9000 expires_s=-1 # nobody ended it
	given_call 1001 1006 answered_s=1 ended_s=2 ending=hung-up
	assert_equal "$(metric 'sp_calls{tenant="acme.example",state="ringing"}')" 2
	assert_equal "$(metric 'sp_calls{tenant="acme.example",state="answered"}')" 1
	assert_equal "$(metric 'sp_calls{tenant="b.example",state="answered"}')" 0
	sql "INSERT INTO counter VALUES ('calls-hung-up', 7)"
	assert_equal "$(metric 'sp_calls_ended_total{ending="hung-up"}')" 7
	assert_equal "$(sp-status --prometheus |
		sed -n 's/^sp_calls_ended_total{ending="\(.*\)"} 0$/\1/p' | xargs)" \
		"cancelled busy no-answer unreachable rejected failed aged-out"
	# Not told a second time, as what the server has counted.
	run sp-status --prometheus
	refute_output --partial sp_server_calls
	run sp-status -q -t acme.example --summary -o tsv
	assert_line 'server-calls-hung-up		7'
}

@test "prometheus: the heartbeat tells whether a server runs" {
	given_user asmith
	assert_equal "$(metric sp_server_up)" 0
	assert_equal "$(metric sp_server_heartbeat_age_seconds)" +Inf
	assert_equal "$(metric sp_server_heartbeat_timestamp_seconds)" 0.000
	start_server
	assert_equal "$(metric sp_server_up)" 1
	stop_server
	given_heartbeat 500
	assert_equal "$(metric sp_server_up)" 0
	run metric sp_server_heartbeat_age_seconds
	assert_regex "$output" '^5[0-9]{2}\.[0-9]{3}$'
	run metric sp_server_heartbeat_timestamp_seconds
	assert_equal "${output/./}" "$(sql 'SELECT heartbeat_ms FROM server')"
}

@test "prometheus: the database, its events and who wrote it" {
	given_user asmith
	given_user bjones
	assert_equal "$(metric sp_database_size_bytes)" "$(stat -c %s sp.db)"
	assert_equal "$(metric sp_events_total)" \
		"$(sql 'SELECT max(seq) FROM event')"
	assert_equal "$(metric "sp_build_info{version=\"$(sp-status -V |
		sed 's/.* //')\",schema=\"$(sql 'PRAGMA user_version')\"}")" 1
	run metric sp_metrics_timestamp_seconds
	((${output%.*} <= EPOCHSECONDS && ${output%.*} > EPOCHSECONDS - 60))
	start_server # which keeps the log beside it open
	wait_until 5 test -s sp.db-wal
	run metric sp_database_wal_size_bytes
	((output > 0))
	stop_server
	assert_equal "$(metric sp_database_wal_size_bytes)" 0
}

@test "prometheus: without a database, or with a full disk, it fails" {
	run --separate-stderr sp-status --prometheus
	assert_failure 66
	assert_output ""
	assert_regex "$stderr" "^sp-status: no users yet: no database '$PWD/sp.db'"
	given_user asmith
	run --separate-stderr to_full sp-status --prometheus
	assert_failure 74
	assert_regex "$stderr" '^sp-status: cannot write the listing: '
}

@test "prometheus: it takes no format and no columns" {
	for option in '-o json' '--columns number' -H; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status --prometheus $option
		assert_failure 64
		assert_equal "$stderr" "sp-status: --prometheus and --check have\
 formats of their own (see sp-status --help)"
	done
}

@test "prometheus: the page names each metric, and no other" {
	local page

	given_user asmith
	page=$(sed -n '/^\.Ss Metrics/,/^\.Ss Check/p' \
		"$ROOT/cmd/sp-status/sp-status.1")
	assert_equal "$(metrics_of "$page")" \
		"$(measured | sed -E 's/(seconds)_(bucket|sum|count)$/\1/' |
			sort -u)"
}

# ---- --check ----------------------------------------------------------------

# assert_check STATUS LINE: of the last run, the numbers behind the bar apart.
assert_check() {
	assert_failure_or_success "$1"
	assert_equal "$(wc -l <<<"$output")" 1
	assert_equal "${output%% |*}" "$2"
}

assert_failure_or_success() {
	if [ "$1" = 0 ]; then assert_success; else assert_failure "$1"; fi
}

# perfdata LABEL: what stands behind it.
perfdata() {
	sed -n "s/.*|.* $1=\([^ ]*\).*/\1/p" <<<"$output"
}

@test "check: all is well" {
	given_phones 12 1
	run --separate-stderr sp-status --check
	assert_check 0 "SP OK - 12 registered, 1 lost, 987 numbers free"
	assert_equal "$stderr" ""
	assert_equal "$(sed 's/.*| //; s/heartbeat_age=[0-9.]*s/heartbeat_age=S/' \
		<<<"$output" | grep -o -E "(registered|lost|offline|free|h.*_age)=[^ ]*" |
		xargs)" "registered=12 lost=1;2;3;0;13 offline=0\
 free=987;50:;10:;0;1000 heartbeat_age=S;10;30;0"
	# As the guidelines have it: LABEL=VALUE[UNIT][;WARN;CRIT;MIN;MAX] ...
	assert_regex "${output#*| }" \
		'^([a-z_]+=[0-9.]+s?(;[0-9.:]*){0,4}( |$))+$'
}

@test "check: more lost phones than allowed" {
	given_phones 27 3 # 10 % are not more than 10 %
	run sp-status --check
	assert_check 0 "SP OK - 27 registered, 3 lost, 970 numbers free"
	lose_phone 27
	run sp-status --check
	assert_check 1 "SP WARNING - 4 of 30 softphones lost (13 %),\
 26 registered, 4 lost, 970 numbers free"
	run sp-status --check --max-lost 9%,12%
	assert_check 2 "SP CRITICAL - 4 of 30 softphones lost (13 %),\
 26 registered, 4 lost, 970 numbers free"
	assert_equal "$(perfdata lost)" '4;2;3;0;30'
	run sp-status --check --max-lost 4
	assert_success
	assert_equal "$(perfdata lost)" '4;4;;0;30'
	run sp-status --check --max-lost 3,4
	assert_failure 1
	run sp-status --check --max-lost 0,3
	assert_failure 2
	run sp-status --check --max-lost 14%
	assert_success
}

@test "check: two lost phones are no problem by their share, but by number" {
	given_phones 1 2
	run sp-status --check
	assert_check 0 "SP OK - 1 registered, 2 lost, 997 numbers free"
	assert_equal "$(perfdata lost)" '2;2;2;0;3'
	run sp-status --check --max-lost 0%,0%
	assert_success
	run sp-status --check --max-lost 1
	assert_check 1 "SP WARNING - 2 of 3 softphones lost (66 %),\
 1 registered, 2 lost, 997 numbers free"
	run sp-status --check --max-lost 0,1
	assert_failure 2
	assert_equal "$(perfdata lost)" '2;0;1;0;3'
	lose_phone 1
	run sp-status --check
	assert_check 2 "SP CRITICAL - 3 of 3 softphones lost (100 %),\
 0 registered, 3 lost, 997 numbers free"
}

@test "check: who is in a call, or late, is registered too" {
	given_phones 3 0
	T0=$EPOCHSECONDS
	given_call 1001 1500 started_s=1 answered_s=1
	sql 'UPDATE binding_live SET interval_ms = 0,
		refreshed_ms = refreshed_ms - 60000 WHERE binding_id = 1'
	run sp-status --check
	assert_check 0 "SP OK - 3 registered, 0 lost, 997 numbers free"
	assert_equal "$(perfdata registered) $(perfdata late) $(perfdata busy)\
 $(perfdata ringing)" "3 1 1 0"
}

@test "check: fewer free numbers than wanted, of each tenant by itself" {
	given_tenants
	sp-assign -q -t b.example asmith
	given_heartbeat
	run sp-status --check --min-free 9
	assert_check 0 "SP OK - 0 registered, 0 lost, 118 numbers free"
	run sp-status --check --min-free 10
	assert_check 1 "SP WARNING - only 9 of 10 numbers free in 'b.example',\
 0 registered, 0 lost, 118 numbers free"
	assert_equal "$(perfdata "'free b.example'")" '9;10:;;0;10'
	assert_equal "$(perfdata "'free acme.example'")" '109;10:;;0;110'
	run sp-status --check --min-free 99%,95%
	assert_check 2 "SP CRITICAL - only 9 of 10 numbers free in 'b.example',\
 0 registered, 0 lost, 118 numbers free"
	run sp-status --check --min-free 90% -t b.example
	assert_check 0 "SP OK - 0 registered, 0 lost, 9 numbers free"
	assert_equal "$(perfdata free)" '9;9:;;0;10'
	run sp-status --check --min-free 91% -t b.example
	assert_failure 1
	assert_equal "$(perfdata free)" '9;10:;;0;10'
}

@test "check: a server that is gone, or never was there" {
	local since

	given_user asmith
	run sp-status --check
	assert_check 2 "SP CRITICAL - no server has ever run, 0 registered,\
 0 lost, 999 numbers free"
	refute_output --partial heartbeat_age
	given_heartbeat 20
	since=$(sql "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', heartbeat_ms / 1000,
		'unixepoch') FROM server")
	run --separate-stderr sp-status --check
	assert_check 1 "SP WARNING - no server is running since $since,\
 0 registered, 0 lost, 999 numbers free"
	assert_equal "$stderr" ""
	run sp-status --check --max-silence 5s,15s
	assert_failure 2
	assert_regex "$(perfdata heartbeat_age)" '^2[0-9]\.[0-9]{3}s;5;15;0$'
	run sp-status --check --max-silence 1h
	assert_success
}

@test "check: several problems are all named, and the worst one counts" {
	given_phones 3 3
	given_heartbeat 20
	run sp-status --check --max-silence 10s,1h --min-free 995
	assert_failure 2
	assert_output --regexp "^SP CRITICAL - no server is running since [^,]*, 3\
 of 6 softphones lost \(50 %\), only 994 of 1000 numbers free in\
 'acme\.example', 3 registered, 3 lost, 994 numbers free \|"
}

@test "check: users of a tenant that is not configured are a warning" {
	given_user asmith
	given_heartbeat
	sed -i 's/acme/other/' sp.yaml
	run --separate-stderr sp-status --check
	assert_check 1 "SP WARNING - the database has users of 'acme.example',\
 which is not configured, 0 registered, 0 lost, 1000 numbers free"
	assert_equal "$stderr" ""
}

# assert_unknown REASON: exactly one line, with it.
assert_unknown() {
	assert_failure 3
	assert_equal "$output" "SP UNKNOWN - $1"
	assert_equal "$stderr" ""
}

@test "check: what keeps it from an answer is unknown, in one line" {
	run --separate-stderr sp-status --check
	assert_unknown "no users yet: no database '$PWD/sp.db' (sp-assign LOGIN\
 makes both)"
	run --separate-stderr sp-status --check -d $'a|b\nc'
	assert_unknown "no users yet: no database 'a/b c' (sp-assign LOGIN makes\
 both)"
	run --separate-stderr sp-status --check -t b.example
	assert_unknown "no tenant 'b.example', expected one of: acme.example"
	echo nonsense >sp.db
	run --separate-stderr sp-status --check
	assert_failure 3
	assert_output --regexp "^SP UNKNOWN - .*sp\.db'"
	echo 'listen: 7' >sp.yaml
	run --separate-stderr sp-status --check
	assert_failure 3
	assert_output --regexp "^SP UNKNOWN - $PWD/sp\.yaml:1: "
}

@test "check: a limit that is none is unknown, and said" {
	local wrong

	given_user asmith
	for wrong in 101% -1 x 1, ,1 1,2,3 30%,10% 20,5 '' % 1.5% '5 %'; do
		run --separate-stderr sp-status --check --max-lost="$wrong"
		assert_unknown "--max-lost: '$wrong' is no WARN[,CRIT], expected\
 something like 10%,30% or 5,20"
	done
	for wrong in 1%,5% 5,10 x; do
		run --separate-stderr sp-status --check --min-free "$wrong"
		assert_unknown "--min-free: '$wrong' is no WARN[,CRIT], expected\
 something like 5%,1% or 50,10"
	done
	for wrong in 10 10%,30% 30s,10s; do
		run --separate-stderr sp-status --check --max-silence "$wrong"
		assert_unknown "--max-silence: '$wrong' is no WARN[,CRIT],\
 expected something like 10s,30s"
	done
}

@test "check: wrong options are unknown, too; its own go with it" {
	given_user asmith
	for wrong in 1000 --nonsense '-o json' --summary; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status --check $wrong
		assert_failure 3
		assert_output "SP UNKNOWN - wrong options, standard error says which"
		assert_regex "$stderr" "^sp-status: .*\(see sp-status --help\)\$"
	done
	for option in '--max-lost 1' '--min-free 1' '--max-silence 1s'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sp-status $option
		assert_failure 64
		assert_equal "$stderr" "sp-status: --max-lost, --min-free and\
 --max-silence go with --check (see sp-status --help)"
	done
}

@test "check: without room for its line it is unknown" {
	given_phones 1 0
	run to_full sp-status --check
	assert_failure 3
}

# ---- scripts/sp-metrics -----------------------------------------------------

@test "sp-metrics: writes the file at once, for everybody to read" {
	given_user asmith
	umask 077
	mkdir out
	run --separate-stderr "$ROOT/scripts/sp-metrics" out/sp.prom
	assert_success
	assert_output ""
	assert_equal "$stderr" ""
	assert_equal "$(stat -c %a out/sp.prom)" 644
	run promtool check metrics <out/sp.prom
	assert_success
	assert_equal "$(grep -c '^sp_build_info' out/sp.prom)" 1
	assert_equal "$(ls -A out)" sp.prom
}

@test "sp-metrics: follows a link, so that its directory is another one" {
	given_user asmith
	mkdir out collector
	ln -s ../out/sp.prom collector/sp.prom
	"$ROOT/scripts/sp-metrics" collector/sp.prom
	assert_equal "$(find out collector -type f)" out/sp.prom
}

@test "sp-metrics: when something goes wrong the old file stays, and nothing else" {
	mkdir out
	echo old >out/sp.prom
	run --separate-stderr "$ROOT/scripts/sp-metrics" out/sp.prom
	assert_failure 66
	assert_regex "$stderr" "^sp-status: no users yet: no database "
	assert_equal "$(cat out/sp.prom)" old
	assert_equal "$(ls -A out)" sp.prom
}

@test "sp-metrics: a file that nobody would read is refused" {
	given_user asmith
	for file in sp.txt .prom; do
		run --separate-stderr "$ROOT/scripts/sp-metrics" "$file"
		assert_failure 64
		assert_regex "$stderr" "^sp-metrics: '$file' "
	done
	run --separate-stderr "$ROOT/scripts/sp-metrics" nowhere/sp.prom
	assert_failure 73
	assert_equal "$stderr" "sp-metrics: no directory for 'nowhere/sp.prom'"
	run --separate-stderr "$ROOT/scripts/sp-metrics"
	assert_failure 64
}

# ---- scripts/systemd --------------------------------------------------------

@test "sp-metrics: its units are sound, and the sandbox is strict" {
	for unit in service timer; do
		sed "s,/usr/share/sp/scripts,$ROOT/scripts," \
			"$ROOT/scripts/systemd/sp-metrics.$unit" >"sp-metrics.$unit"
	done
	run systemd-analyze verify --man=no ./sp-metrics.service ./sp-metrics.timer
	refute_output --partial sp-metrics
	run systemd-analyze security --offline=true --threshold=15 ./sp-metrics.service
	assert_success
}

@test "monitoring: make install brings rules, dashboard and units that find the tools" {
	make -s -C "$ROOT" -o all install PREFIX=/opt/sp DESTDIR="$PWD/root"
	assert_equal "$(cd root/opt/sp/share/sp/monitoring && ls)" \
		"$(cd "$MONITORING" && ls)"
	run cat root/opt/sp/lib/systemd/system/sp-metrics.service
	assert_line "ExecStart=/opt/sp/share/sp/scripts/sp-metrics\
 /run/sp-metrics/sp.prom"
	assert_line Environment=PATH=/opt/sp/bin:/usr/bin:/bin
	assert_exists root/opt/sp/share/sp/scripts/sp-metrics
	assert_exists root/opt/sp/bin/sp-status
	assert_exists root/opt/sp/lib/systemd/system/sp-metrics.timer
}

# ---- scripts/monitoring -----------------------------------------------------

# expressions: those of the dashboard, with its variables filled in.
expressions() {
	jq -r '.panels[].targets[].expr' "$MONITORING/sp-dashboard.json" |
		sed 's/\$__rate_interval/5m/g; s/\$\(instance\|tenant\)/.*/g'
}

@test "monitoring: the rules fire when they are to, and only then" {
	run promtool check rules "$MONITORING/sp.rules.yml"
	assert_success
	run promtool test rules "$BATS_TEST_DIRNAME/data/sp.rules.test.yml"
	assert_success
}

@test "monitoring: each alert is tested to fire, and says what it is about" {
	local alerts

	alerts=$(sed -n 's/.* alert: //p' "$MONITORING/sp.rules.yml" | sort)
	assert_equal "$(grep -c . <<<"$alerts")" 14
	assert_equal "$(grep -A 1 'alertname: [A-Za-z]*$' \
		"$BATS_TEST_DIRNAME/data/sp.rules.test.yml" |
		grep -B 1 exp_alerts | sed -n 's/.*alertname: //p' | sort -u)" \
		"$alerts"
	for key in severity summary description; do
		assert_equal "$key $(grep -c "^ *$key:" "$MONITORING/sp.rules.yml")" \
			"$key 14"
	done
}

@test "monitoring: the rules and the dashboard know only metrics that there are" {
	local used

	given_user asmith
	used=$(metrics_of "$(sed -n '/expr:/,/labels:/p' \
		"$MONITORING/sp.rules.yml"; expressions)")
	assert_equal "$(grep -v -x -F "$(measured)" <<<"$used")" ""
	# And only labels and states that there are.
	used=$(grep -o -h 'state[!=~]*"[a-z|]*"' "$MONITORING/sp.rules.yml" \
		<(expressions) | sed 's/.*"\(.*\)"/\1/' | tr '|' '\n' | sort -u)
	assert_equal "$(grep -v -x -E "$(sp-status --prometheus |
		sed -n 's/.*,state="\(.*\)".*/\1/p' | sort -u | paste -s -d '|')" \
		<<<"$used")" ""
}

@test "monitoring: the dashboard shows every metric" {
	given_user asmith
	assert_equal "$(metrics_of "$(expressions)")" "$(measured)"
}

@test "monitoring: the dashboard is sound" {
	local dashboard=$MONITORING/sp-dashboard.json

	# A data source of whoever imports it, in each panel and query.
	run jq -r '.templating.list[] | select(.type == "datasource").query' \
		"$dashboard"
	assert_output prometheus
	run jq -r '[.panels[].datasource, .panels[].targets[].datasource] |
		map(.uid) | unique[]' "$dashboard"
	# shellcheck disable=SC2016 # a variable of Grafana
	assert_output '${datasource}'
	run jq -r '[.panels[].id] | length - (unique | length)' "$dashboard"
	assert_output 0
	# No panel lies on another one.
	run jq '[.panels[] | .gridPos as $p | range($p.x; $p.x + $p.w) as $x |
		range($p.y; $p.y + $p.h) | [$x, .]] | length - (unique | length)' \
		"$dashboard"
	assert_output 0
	# Its queries are as valid as rules.
	expressions | jq -R -n '{groups: [{name: "dashboard", rules: [inputs |
		{record: "sp:\(input_line_number)", expr: .}]}]}' >queries.json
	run promtool check rules queries.json
	assert_success
}
