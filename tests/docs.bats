#!/usr/bin/env bats
# What is written agrees with what the tools do: --help, the pages, README.

setup() {
	load common
	common_setup
	load clients/softphone
}

teardown() { common_teardown; }

pages() {
	find "$ROOT/cmd" -name '*.[1-9]' | sort
}

# page_of TOOL
page_of() {
	echo "$ROOT/cmd/$1/$1.1"
}

tools() {
	find "$ROOT/cmd" -mindepth 2 -name main.c -printf '%h\n' |
		sed 's|.*/||' | sort
}

# ---- --help and pages ------------------------------------------------------

# sub_commands TOOL: those that its --help names.
sub_commands() {
	"$1" --help | sed -n -E "1,/^\$/s/^(usage:)? *$1 ([a-z]+).*/\2/p"
}

# programs: each tool or, where it has them, each of its sub-commands too.
programs() {
	local tool command

	for tool in $(tools); do
		echo "$tool"
		for command in $(sub_commands "$tool"); do
			echo "$tool $command"
		done
	done
}

# help_options PROGRAM...: "-f, --file FILE" of each row.
help_options() {
	"$@" --help |
		sed -n -E 's/^  (-., |    )(--[a-z-]+( [^ ]+)?)  .*/\1\2/p' |
		sed 's/^ *//'
}

# page_options PROGRAM...: the same, of the page's OPTIONS.
page_options() {
	awk -v part="${2:+Options of $2}" '
		/^\.Sh / { at = $2; below = "" }
		/^\.Ss / { below = substr($0, 5) }
		at == "OPTIONS" && below == part && sub(/^\.It Fl /, "-") {
			gsub(/Fl /, "-")
			gsub(/ , /, ", ")
			sub(/ Ar /, " ")
			print
		}' "$(page_of "$1")"
}

# synopsis_of_help TOOL: the usage of the tool, or of its sub-commands.
synopsis_of_help() {
	local command commands

	commands=$(sub_commands "$1")
	for command in ${commands:-''}; do
		"$1" ${command:+"$command"} --help
	done | sed -n -E "s/^(usage:)? *($1 )/\2/p"
}

synopsis_of_page() {
	mandoc -T utf8 -O width=200 "$(page_of "$1")" | sed -E 's/.\x08//g' |
		sed -n -E "/^SYNOPSIS/,/^DESCRIPTION/s/^ +($1 )/\1/p"
}

@test "docs: every tool has a page, and no page is for anything else" {
	local expected

	expected=$(
		for tool in $(tools); do page_of "$tool"; done
		echo "$ROOT/cmd/sp.7"
		echo "$ROOT/cmd/sp.yaml.5"
	)
	assert_equal "$(pages)" "$(sort <<<"$expected")"
}

@test "docs: the pages are in order for mandoc" {
	for page in $(pages); do
		run mandoc -T lint -W warning "$page"
		assert_success
		assert_output ""
	done
}

@test "docs: --help and the page have the same options" {
	local n=0

	while read -r -a program; do
		run help_options "${program[@]}"
		assert_line "-h, --help"
		assert_equal "${program[*]}: $(page_options "${program[@]}")" \
			"${program[*]}: $output"
		n=$((n + 1))
	done < <(programs)
	assert_equal "$n" 9
}

@test "docs: --help and the page have the same synopsis" {
	for tool in $(tools); do
		run synopsis_of_help "$tool"
		refute_output ""
		assert_equal "$(synopsis_of_page "$tool")" "$output"
	done
}

@test "docs: each page refers to all the others" {
	local page other name

	for page in $(pages); do
		for other in $(pages); do
			[ "$other" != "$page" ] || continue
			name=${other##*/}
			run grep -c "^\.Xr ${name%.*} ${name##*.}" "$page"
			assert_success
		done
	done
}

# ---- exit statuses ---------------------------------------------------------

# page_statuses PAGE
page_statuses() {
	sed -n '/^\.Sh EXIT STATUS/,/^\.Sh /s/^\.It \([0-9]*\)$/\1/p' "$1"
}

@test "docs: the pages list exit statuses that there are, in order" {
	local known

	known=$(sed -n -E 's/^\tSP_[A-Z]+ = ([0-9]+),.*/\1/p' "$ROOT/lib/err.h")
	for page in $(pages); do
		[ "${page##*.}" != 5 ] || continue
		run page_statuses "$page"
		assert_line 0
		assert_line 64
		assert_equal "$(sort -n -u <<<"$output")" "$output"
		run grep -v -x -F "$known" <<<"$output"
		assert_output ""
	done
}

@test "docs: sp.7 and README list the exit statuses of all the tools" {
	local all

	all=$(for page in "$ROOT"/cmd/*/*.1; do page_statuses "$page"; done |
		sort -n -u)
	assert_equal "$(page_statuses "$ROOT/cmd/sp.7")" "$all"
	run sed -n -E 's/^\| ([0-9]+) \|.*/\1/p' "$ROOT/README.md"
	assert_output "$all"
}

# ---- the log ----------------------------------------------------------------

# code_words: what the server's log lines have as msg=.
code_words() {
	cat "$ROOT"/cmd/sp-register/*.c | tr '\n' ' ' |
		grep -o -E '(log_write\([^"]*LOG_[A-Z]+|request_log_refusal\([^"]*),\s*"[a-z-]+"' |
		sed 's/.*"\(.*\)"$/\1/' | sort -u
}

# page_words: those that the page of sp-register lists.
page_words() {
	sed -n '/^\.Sh OUTPUT/,/^\.El/s/^\.It Cm //p' \
		"$ROOT/cmd/sp-register/sp-register.1" |
		sed 's/ , /\n/g' | sort -u
}

@test "docs: sp-register.1 lists all that the server's log says, and no more" {
	run code_words
	assert_line auth-limited
	assert_line not-found
	assert_equal "$(page_words)" "$output"
}

# ---- configuration ---------------------------------------------------------

code_keys() {
	awk '/^static const struct sp_yaml_key/ { keys = 1 }
		/^};/ { keys = 0 }
		keys && /^\t\{"/ { split($0, part, "\""); print part[2] }' \
		"$ROOT"/lib/config*.c | sort -u
}

page_keys() {
	sed -n 's/^\.It Ic \(.*\) : .*/\1/p' "$ROOT/cmd/sp.yaml.5" |
		sed 's/ , /\n/g' | sort -u
}

# example_file: the first one of sp.yaml.5.
example_file() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$ROOT/cmd/sp.yaml.5" |
		sed '1,/^\.Bd/d; /^\.Ed/d'
}

@test "docs: sp.yaml.5 has all keys that are read, and no other" {
	run code_keys
	assert_line max-contacts
	assert_equal "$(page_keys)" "$output"
}

@test "docs: the example of sp.yaml.5 is accepted and has all keys" {
	local key

	example_file >sp.yaml
	sp-assign -q -c sp.yaml -t acme.example asmith
	run --separate-stderr sp-status -c sp.yaml -t acme.example
	assert_success
	assert_line --partial 1001@acme.example
	run --separate-stderr sp-status -c sp.yaml -t other.example
	assert_success
	for key in $(code_keys); do
		run grep -E "(^|[ {])$key:" sp.yaml
		assert_success
	done
}

# ---- examples --------------------------------------------------------------

# page_examples PAGE: its commands, one on each line.
page_examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\$ //p' "$1" | sed 's/\\e/\\/g'
}

# perform COMMAND: runs it in this shell with a free port in place of 5060;
# what it says is then in the file `said`. One in the background is waited for
# until its log says that it has begun. Returns its status.
perform() {
	local log rc=0

	eval "${1//:5060/:$PORT}" >said 2>&1 3>&- || rc=$?
	[[ $1 =~ \>([a-z.]+)\ \&$ ]] || return "$rc"
	log=${BASH_REMATCH[1]}
	SERVER_PIDS+=($!)
	wait_until 10 grep -q -E 'msg=ready|registered' "$log"
}

# assert_examples_run NAME: those of a page, one after the other.
assert_examples_run() {
	local page command n=0

	page=$(find "$ROOT/cmd" -name "$1")
	PORT=$(free_udp_port)
	while read -r command; do
		perform "$command" || fail "$1: $command: $(cat said)"
		n=$((n + 1))
	done < <(page_examples "$page")
	((n > 0)) || fail "$1 has no examples"
}

@test "docs: the examples of sp-assign.1 run" {
	assert_examples_run sp-assign.1
}

@test "docs: the examples of sp-recycle.1 run" {
	assert_examples_run sp-recycle.1
}

@test "docs: the examples of sp-forward.1 run" {
	assert_examples_run sp-forward.1
}

@test "docs: the examples of sp-register.1 run" {
	assert_examples_run sp-register.1
}

@test "docs: the examples of sp-status.1 run" {
	assert_examples_run sp-status.1
}

@test "docs: the examples of sp.7 run" {
	assert_examples_run sp.7
}

@test "docs: the examples of sp.yaml.5 run" {
	example_file >sp.yaml
	assert_examples_run sp.yaml.5
}

# ---- README ----------------------------------------------------------------

# plain: without what differs each time: secrets, times, ports, paths,
# seconds that are left, and the widths that follow from them.
plain() {
	sed -E -e 's/[0-9a-z]{26}/SECRET/g' \
		-e 's/(127\.0\.0\.1:)[0-9]+/\1PORT/g' \
		-e 's/[0-9-]{10}T[0-9:]{8}Z/TIME/g' -e 's|db=/.*|db=PATH|' \
		-e 's/ (2[0-9]|30) / LEFT /' -e 's/ +/ /g'
}

# tour_steps: writes each block of the tour to a file of its own: the files as
# what they are called, the commands as 01.console ...
tour_steps() {
	awk '/^<!-- tour/ { tour = 1 } /^<!-- end/ { tour = 0 }
		!tour { next }
		/^```[a-z]/ {
			file = $2 != "" ? $2 : sprintf("%02d.console", ++n)
			next
		}
		/^```$/ { file = "" }
		file != "" { print >file }' "$ROOT/README.md"
}

# assert_command COMMAND EXPECTED
assert_command() {
	perform "$1" || : # one of them is refused, on purpose
	assert_equal "$1"$'\n'"$(plain <said)" "$1"$'\n'"$(plain <<<"$2")"
}

# assert_console FILE: each command prints what stands below it.
assert_console() {
	local line command='' expected=''

	while IFS= read -r line; do
		if [[ $command == *\\ ]]; then
			command+=$'\n'$line
		elif [[ $line == '$ '* ]]; then
			[ -z "$command" ] ||
				assert_command "$command" "$expected"
			command=${line#'$ '} expected=''
		else
			expected+=${expected:+$'\n'}$line
		fi
	done <"$1"
	assert_command "$command" "$expected"
}

@test "docs: the tour of README prints what stands there" {
	local file n=0

	PORT=$(free_udp_port)
	tour_steps
	sed -i "s/:5060/:$PORT/" sp.yaml
	for file in *.console; do
		assert_console "$file"
		n=$((n + 1))
	done
	assert_equal "$n" 7
}

@test "docs: what README and the pages of tests refer to is there" {
	local link

	while read -r link; do
		assert_exists "$ROOT/$link"
	done < <(grep -o -E '(cmd|tests|scripts)/[a-z/.0-9A-Z-]+[a-zA-Z0-9]' \
		"$ROOT/README.md" | sort -u)
	for link in $(tools); do
		run grep -E "^\| \`$link\` \|" "$ROOT/README.md"
		assert_success
	done
}
