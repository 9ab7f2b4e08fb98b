#!/usr/bin/env bats

setup() {
	load common
	common_setup
	given_config
}

teardown() { common_teardown; }

@test "sp-recycle: prints the freed number and who had it" {
	given_user asmith 1001
	run --separate-stderr sp-recycle asmith
	assert_success
	assert_output $'1001\tasmith'
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
