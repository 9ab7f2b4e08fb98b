#!/usr/bin/env bats
# sp-register serve, with real clients.

# bats looks for a free slot once a second: quick tests are faster in a row. The
# files still run side by side.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	load clients/softphone
	load clients/wire
	given_config
	SECRET=$(given_phone asmith 1001)
}

teardown() {
	baresip_kill phone
	common_teardown
}

# ---- real clients -----------------------------------------------------------

@test "baresip: registers, shows, and unregisters when it ends" {
	start_server
	baresip_start phone 1001 acme.example "$SECRET" "$SERVER"
	baresip_wait_registered phone
	run sp-status -o tsv 1001
	assert_output --regexp $'^1001\tasmith\t.*\tregistered\t.*\tsip:1001-0x[0-9a-f]+@127\.0\.0\.1:.*\tudp\tbaresip'
	baresip_stop phone
	assert_equal "$(bindings 1001)" ""
	state_is 1001 offline
}

@test "baresip: refreshes; killed, it becomes lost" {
	given_short_registration
	start_server
	baresip_start phone 1001 acme.example "$SECRET" "$SERVER"
	baresip_wait_refreshed phone 1 10
	state_is 1001 registered
	baresip_kill phone
	wait_until 10 state_is 1001 lost
	wait_until 5 event_is 1001 lost
}

@test "baresip: a wrong secret is refused" {
	start_server
	remember
	baresip_start phone 1001 acme.example not-the-secret "$SERVER"
	baresip_wait_refused phone
	state_is 1001 offline
	assert_nothing_changed
}

@test "sipsak: OPTIONS, REGISTER, unregister, and a wrong secret" {
	start_server
	run sipsak_options "$SERVER" acme.example
	assert_success
	run sipsak_register "$SERVER" 1001 acme.example "$SECRET" sip:1001@127.0.0.1:5070
	assert_success
	assert_equal "$(bindings 1001)" sip:1001@127.0.0.1:5070
	run sipsak_register "$SERVER" 1001 acme.example "$SECRET" sip:1001@127.0.0.1:5070 0
	assert_success
	assert_equal "$(bindings 1001)" ""
	run sipsak_register "$SERVER" 1001 acme.example not-it sip:1001@127.0.0.1:5070
	assert_failure 2
}

@test "sipp: registers, refreshes, unregisters; is refused where it must be" {
	given_user bjones 1002
	start_server
	printf 'SEQUENTIAL\n1001;%s;1002\n' "$SECRET" >users.csv
	for scenario in register wrong-secret too-brief others-aor; do
		sipp_run "$scenario" "$BATS_TEST_DIRNAME/clients/$scenario.xml" \
			"$SERVER" acme.example users.csv
		assert_equal "$(bindings 1001)$(bindings 1002)" ""
	done
}

@test "sipp: fifty phones at once" {
	{
		echo SEQUENTIAL
		for i in {1..50}; do
			sp-assign -s -o tsv "user$i" | cut -f 1,6 --output-delimiter=';'
		done
	} >users.csv
	start_server
	sipp_run out "$BATS_TEST_DIRNAME/clients/register.xml" "$SERVER" acme.example users.csv \
		-m 50 -r 200
	run sql "SELECT count(*) FROM binding"
	assert_output 0
	run sql "SELECT what, count(*) FROM event WHERE tool = 'sp-register' GROUP BY what"
	assert_output - <<-'END'
	created|50
	logged-in|50
	logged-out|50
	unregistered|50
	END
}
