#!/usr/bin/env bats
# What is written agrees with what the tools do: --help, the pages, README.

setup() {
	load common
	common_setup
	load clients/softphone
	load examples
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
		# Style too, but for manuals that are not installed here. What
		# mandoc says of its data base is about this machine.
		run --separate-stderr mandoc -T lint -W style "$page"
		[ "$status" -lt 5 ]
		run grep -v 'STYLE: referenced manual not found: ' <<<"$output"
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

@test "docs: the page of each tool has all its sections, in order" {
	local tool

	for tool in $(tools); do
		run grep -x -E '\.Sh (SYNOPSIS|DESCRIPTION|OPTIONS|OUTPUT|EXIT STATUS|EXAMPLES|SEE ALSO)' \
			"$(page_of "$tool")"
		assert_equal "${lines[*]//.Sh /}" \
			"SYNOPSIS DESCRIPTION OPTIONS OUTPUT EXIT STATUS EXAMPLES SEE ALSO"
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

@test "docs: sp.7 lists the exit statuses of all the tools" {
	local all

	all=$(for page in "$ROOT"/cmd/*/*.1; do page_statuses "$page"; done |
		sort -n -u)
	assert_equal "$(page_statuses "$ROOT/cmd/sp.7")" "$all"
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

@test "docs: sp.yaml.5 has all keys that are read, and no other" {
	run code_keys
	assert_line max-contacts
	assert_equal "$(page_keys)" "$output"
}

@test "docs: the example of sp.yaml.5 has all keys" {
	local key

	write_files "$ROOT/cmd/sp.yaml.5" 5060
	for key in $(code_keys); do
		run grep -E "(^|[ {])$key:" sp.yaml
		assert_success
	done
}

# ---- examples --------------------------------------------------------------

# assert_page_holds NAME
assert_page_holds() {
	assert_examples_hold "$(find "$ROOT/cmd" -name "$1")" 80
}

@test "docs: the examples of sp-assign.1 do what stands there" {
	assert_page_holds sp-assign.1
}

@test "docs: the examples of sp-forward.1 do what stands there" {
	assert_page_holds sp-forward.1
}

@test "docs: the examples of sp-recycle.1 do what stands there" {
	assert_page_holds sp-recycle.1
}

@test "docs: the examples of sp-register.1 do what stands there" {
	assert_page_holds sp-register.1
}

@test "docs: the examples of sp-status.1 do what stands there" {
	assert_page_holds sp-status.1
}

@test "docs: the examples of sp.7 do what stands there" {
	assert_page_holds sp.7
}

@test "docs: the examples of sp.yaml.5 do what stands there" {
	assert_page_holds sp.yaml.5
}

@test "docs: the examples of README do what stands there" {
	PATH=$ROOT/scripts:$PATH
	assert_examples_hold "$ROOT/README.md" 120
}

@test "docs: the examples of each page are executed" {
	run sed -n 's/^\tassert_page_holds //p' "$BATS_TEST_FILENAME"
	assert_equal "$(sort <<<"$output")" "$(pages | sed 's|.*/||' | sort)"
}

@test "docs: no example looks like none" {
	local file

	# What is shown without a command, or in another way than in a block.
	for file in $(pages) "$ROOT/README.md"; do
		run awk 'before ~ /^```console/ && !/^\$ /
			before ~ /^\.Bd -/ && before !~ /^\.Bd -literal/
			/^\.D[1l] / || !inside && /^(    |\t)/ || /^ +```/
			/^```/ { inside = !inside }
			{ before = $0 }' <(markdown_of "$file")
		assert_output ""
	done
	run sed -n 's/^```\(.\)/\1/p' "$ROOT/README.md"
	run grep -v -x -E 'console|sh|text|(yaml|csv) [a-z.-]+' <<<"$output"
	assert_output ""
	for file in $(pages) "$ROOT/README.md"; do
		run blocks_of "$file" text
		run grep -E '^ *(\$ |sp-[a-z]+ -)' <<<"$output"
		assert_output ""
	done
}

@test "docs: what cannot be executed stands in a list, and nothing else does" {
	run blocks_of "$ROOT/README.md" sh
	assert_equal "$(sed 's/ *#.*//; /^$/d' <<<"$output" | sort -u)" \
		"$(not_run | sort)"
}

@test "docs: each configuration that is an example is accepted" {
	local page file domain n=0

	for page in $(pages) "$ROOT/README.md"; do
		rm -f ./*.yaml
		write_files "$page" 5060
		while IFS=: read -r file domain; do
			sp-assign -n -c "$file" -t "${domain##* }" somebody
			n=$((n + 1))
		done < <(grep -s -o 'domain: .*' /dev/null ./*.yaml)
	done
	((n >= 3)) || fail "$n tenants"
}

# ---- README ----------------------------------------------------------------

@test "docs: what README and the pages of tests refer to is there" {
	local link

	while read -r link; do
		assert_exists "$ROOT/$link"
	done < <(grep -o -E '(cmd|tests|scripts)/[a-z/.0-9A-Z-]+[a-zA-Z0-9]' \
		"$ROOT/README.md" | sort -u)
	while read -r link; do
		run grep -i -x -E "#+ ${link//-/.}" "$ROOT/README.md"
		assert_success
	done < <(grep -o '](#[^)]*' "$ROOT/README.md" | sed 's/](#//')
	for link in $(tools); do
		run grep -E "^\| \`$link\` \|" "$ROOT/README.md"
		assert_success
	done
}
