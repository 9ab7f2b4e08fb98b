#!/usr/bin/env bats
# The completions, in the shells themselves: bash and zsh at a terminal, with a
# TAB, fish by `complete -C`. completions/ is how the former two tell.

# One after the other, as in the other quick suites.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	load common
	common_setup
	export COMPLETIONS=$ROOT/completions
	KIT=$BATS_TEST_DIRNAME/completions
	cp "$KIT/rc.zsh" .zshrc
	: >words
}

teardown() { common_teardown; }

SHELLS='bash zsh fish'
TOOLS='sp-assign sp-recycle sp-forward sp-register sp-status'
STATES='free resting reserved offline registered late lost ringing busy'

# press SHELL KEYS: types KEYS to it.
press() {
	local shell=(bash --noprofile --rcfile "$KIT/rc.bash" -i)

	[ "$1" = bash ] || shell=(zsh -d -i)
	: >words
	timeout 60 zsh -f "$KIT/type.zsh" "$2" "${shell[@]}" 3>&-
}

# fish_offers LINE
fish_offers() {
	# shellcheck disable=SC2016 # for fish
	fish --no-config -c 'source $COMPLETIONS/sp.fish; complete -C $argv[1]' \
		"$1" 3>&-
}

# offers SHELL LINE: what TAB offers behind LINE, each once, without what stands
# there already: --state=late, of a list.
offers() {
	case $1 in
	fish) fish_offers "$2" >words 2>&1 ;;
	*) press "$1" "$2"$'\t\x14' ;;
	esac
	cut -f 1 words | sed '/^$/d; s/.*[=,]//; s/^-qo//' | LC_ALL=C sort -u
}

# assert_offers LINE WORD...: in each shell these, and no others.
assert_offers() {
	local shell expected line=$1

	shift
	expected=$(printf '%s\n' "$@" | LC_ALL=C sort -u)
	for shell in $SHELLS; do
		run offers "$shell" "$line"
		assert_equal "$shell: $line"$'\n'"$output" \
			"$shell: $line"$'\n'"$expected"
	done
}

# assert_silent LINE: no shell offers or prints anything but the line itself.
assert_silent() {
	local shell shown line=$1

	assert_offers "$line" ''
	for shell in bash zsh; do
		press "$shell" "$line"$'\t\x14'
		shown=$(tr -d '\r\a' <screen | sed -E 's/\x1b\[[?0-9]*[a-zA-Z]//g' |
			grep -v -x -F -e '' -e exit -e "$line") || true
		assert_equal "$shell: $shown" "$shell: "
	done
}

# assert_line_after KEYS LINE: bash makes LINE of KEYS and a TAB.
assert_line_after() {
	press bash "$1"$'\t\x14'
	assert_equal "$(cat line)" "$2"
}

# given_help TOOL ROW...: its --help has only these rows; else it is the tool.
given_help() {
	local tool=$1

	shift
	mkdir -p stub
	{
		printf '#!/bin/sh\n[ "$*" = --help ] || exec "%s" "$@"\n' \
			"$SP_BIN/$tool"
		printf 'cat <<\\HELP\nusage: %s [options]\n\nStub.\n\n' "$tool"
		printf '%s\n' "$@" HELP
	} >"stub/$tool"
	chmod +x "stub/$tool"
	PATH=$PWD/stub:$PATH
}

# given_users: three, one of them without a name.
given_users() {
	given_config
	sp-assign -q awagner Anna Wagner
	sp-assign -q bnovak@hr.example Božena 'Nováková, Dra.'
	sp-assign -q -N 1700 desk
}

# long_options PROGRAM...: the names in its --help.
long_options() {
	"$@" --help | sed -n -E 's/^  (-.,|   ) (--[^ ]+) .*/\2/p'
}

# ---- options ---------------------------------------------------------------

@test "completions: every option of every --help is offered" {
	local program options

	for program in $TOOLS sp-register\ {serve,login,logout,probe}; do
		# shellcheck disable=SC2086 # a sub-command is a word
		mapfile -t options < <(long_options $program)
		((${#options[@]} >= 2)) || fail "$program has no options"
		assert_offers "$program --" "${options[@]}"
	done
}

@test "completions: each option is shown with what --help says of it" {
	local row='[this] very number: $X \o/ "q" `b` (%)'

	# The second is there so that the first is not the only one.
	given_help sp-assign "  -N, --number EXT  $row" '      --nul  none'
	press zsh $'sp-assign --nu\t'
	assert_equal "$(tr -s ' ' <words)" \
		$'--nul\t--nul -- none\n--number\t--number -- '"$row"
	run fish_offers 'sp-assign --nu'
	assert_output $'--nul\tnone\n--number\t'"$row"
	run fish_offers 'sp-assign -N'
	assert_output $'-N\t'"$row"
}

@test "completions: behind -- there are no options" {
	given_users
	assert_offers 'sp-recycle -- -' ''
	assert_offers 'sp-assign -- a' awagner
}

# ---- arguments -------------------------------------------------------------

@test "completions: a format, in each way to write it" {
	local formats='table tsv csv json jsonl yaml' said line

	# shellcheck disable=SC2086 # words
	for line in '-o ' '-qo ' '--output ' '--output='; do
		assert_offers "sp-status $line" $formats
	done
	assert_offers 'sp-status -qoj' json jsonl
	said=$(sp-status --help | sed -n 's/.*--output FORMAT *//p')
	for line in $(sed 's/,\| or / /g' <<<"$said"); do
		run grep -w -o "$line" <<<"$formats"
		assert_output "$line"
	done
}

@test "completions: a list of states, the ones that there are" {
	# shellcheck disable=SC2086 # words
	assert_offers 'sp-status --state ' $STATES
	assert_offers 'sp-status --state late,re' registered reserved resting
	assert_offers 'sp-status --state=late,lost,of' offline
	run sp-status --state x
	assert_output --partial \
		"$(sed 's/ /, /g; s/, busy/ or busy/' <<<"$STATES")"
}

@test "completions: conditions, and targets" {
	given_users
	assert_offers 'sp-forward 1000 --off ' always busy no-answer offline
	assert_offers 'sp-forward 1000 --busy ' voicemail reject 1000 1001 1700
	assert_offers 'sp-forward 1000 --busy=vo' voicemail
	assert_offers 'sp-forward 1000 --after ' ''
}

@test "completions: words that --help lists, users and columns" {
	given_users
	given_help sp-assign '      --order lowest|rested  which first' \
		'      --swap LOGIN2  with whom' '  -x, --extension EXT  which'
	assert_offers 'sp-assign --order ' lowest rested
	assert_offers 'sp-assign --order=r' rested
	assert_offers 'sp-assign --swap ' awagner bnovak@hr.example desk
	assert_offers 'sp-assign -x 1' 1000 1001 1700
	given_help sp-status '  -0, --columns COLUMN,...  which of them'
	# shellcheck disable=SC2046 # words
	assert_offers 'sp-status -0 ' $(sp-status -q -o csv | sed '1!d; s/,/ /g')
	assert_offers 'sp-status --columns number,first,re' \
		registered_name refreshed
}

@test "completions: files" {
	touch users.csv users.tsv
	run offers zsh 'sp-assign -f us'
	assert_output $'users.csv\nusers.tsv'
	run offers fish 'sp-assign -f us'
	assert_output $'users.csv\nusers.tsv'
	rm users.tsv
	assert_line_after 'sp-assign -f us' 'sp-assign -f users.csv '
	assert_line_after 'sp-assign --file=us' 'sp-assign --file=users.csv '
	assert_line_after 'sp-status us' 'sp-status us'
}

# ---- live values -----------------------------------------------------------

@test "completions: sp-assign is offered logins, and no first names" {
	given_users
	assert_offers 'sp-assign ' awagner bnovak@hr.example desk
	assert_offers 'sp-assign -q --secret a' awagner
	assert_offers 'sp-assign awagner d' ''
}

@test "completions: the others are offered logins and numbers, many" {
	local program

	given_users
	for program in sp-recycle sp-forward sp-status 'sp-register logout'; do
		assert_offers "$program " awagner bnovak@hr.example desk \
			1000 1001 1700
	done
	assert_offers 'sp-recycle awagner 10' 1000 1001
	assert_offers 'sp-register serve d' ''
}

@test "completions: logins and numbers are shown with the names" {
	given_users
	press zsh $'sp-recycle \t'
	run cat words
	assert_line $'awagner\tawagner            -- Anna Wagner'
	assert_line $'1001\t1001  -- Božena Nováková, Dra.'
	run fish_offers 'sp-recycle '
	assert_line $'bnovak@hr.example\tBožena Nováková, Dra.'
	assert_line $'1000\tAnna Wagner'
	assert_line --regexp $'^desk\t?$'
}

@test "completions: bash completes a word that it cuts itself" {
	given_users
	assert_line_after 'sp-recycle bn' 'sp-recycle bnovak@hr.example '
	assert_line_after 'sp-recycle bnovak@' 'sp-recycle bnovak@hr.example '
	assert_line_after 'sp-status --state=late,lo' \
		'sp-status --state=late,lost '
	assert_line_after 'X=y  bin/sp-recycle  --dry 10'$'\x02\x02\x02' \
		'X=y  bin/sp-recycle  --dry-run 10'
}

@test "completions: the database, configuration and tenant of the line count" {
	local line

	given_users
	mv sp.db 'my other.db'
	printf '  - {domain: b.example, pool: [200-299]}\n' >>sp.yaml
	mv sp.yaml other.yaml
	unset SP_CONFIG
	export SP_DB=/nonexistent/sp.db
	sp-assign -q -c other.yaml -d 'my other.db' -t b.example zoe
	cp 'my other.db' other.db
	assert_offers 'sp-recycle -c other.yaml -d other.db -t b.example ' zoe 200
	line='--config=other.yaml --db=other.db --tenant=b.example'
	assert_offers "sp-recycle $line " zoe 200
	line='-nc ~/other.yaml -tb.example -d "my other.db"'
	assert_offers "sp-recycle $line z" zoe
	line='-c other.yaml -t acme.example -d my\ other.db'
	assert_offers "sp-recycle $line d" desk
	assert_offers 'sp-recycle -c other.yaml -d other.db d' ''
}

# ---- when something is missing ---------------------------------------------

@test "completions: without a database there are no words, and none is made" {
	assert_silent 'sp-status '
	assert_silent 'sp-recycle a'
	assert_not_exists sp.db
	export SP_DB=/nonexistent/sp.db
	assert_silent 'sp-assign -N '
	assert_offers 'sp-forward 1000 --busy ' voicemail reject
	assert_offers 'sp-status --st' --state
}

@test "completions: with a wrong configuration there are no words" {
	given_users
	echo 'tenants: [' >sp.yaml
	assert_silent 'sp-status '
	assert_silent 'sp-assign a'
}

@test "completions: without the tools there are no words" {
	PATH=/usr/bin:/bin
	assert_silent 'sp-status --'
	assert_silent 'sp-register '
}

# ---- sub-commands ----------------------------------------------------------

@test "completions: the commands of sp-register" {
	assert_offers 'sp-register ' serve login logout probe
	assert_offers 'sp-register log' login logout
	assert_offers 'sp-register serve s' ''
	assert_offers 'sp-register login l' ''
}

# ---- installing ------------------------------------------------------------

@test "completions: installed, they load for each tool by themselves" {
	local share=$PWD/root/usr/share tool

	make -s -C "$ROOT" -o all install PREFIX=/usr DESTDIR="$PWD/root"
	for tool in $TOOLS; do
		run bash -c '. "$1" && complete -p "$2"' - \
			"$share/bash-completion/completions/$tool" "$tool"
		assert_output "complete -F _sp $tool"
		run env XDG_DATA_DIRS="$share" fish -c "complete -C '$tool --vers'"
		assert_output $'--version\tprint the version'
		COMPLETIONS=$share/zsh/site-functions
		run offers zsh "$tool --vers"
		assert_output --version
	done
}

@test "completions: they are for all the tools" {
	local main tools

	tools=$(for main in "$ROOT"/cmd/*/main.c; do
		basename "$(dirname "$main")"
	done)
	assert_equal "$(tr ' ' '\n' <<<"$TOOLS" | sort)" "$tools"
}
