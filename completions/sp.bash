# shellcheck shell=bash
# Completions of the sp tools for bash. Nothing about an option stands here: the
# words come from --help of the tool in the path, live values from sp-status,
# and when either fails there are none.
#
# What an option's argument, or an operand, can be follows from its name in
# --help. A name in capitals is a kind that _sp_values knows (of others nothing
# is offered); lower|case|words are the words themselves; KIND[,KIND] and
# KIND,... are lists of them.

# _sp_help TOOL [COMMAND]: reads its --help.
_sp_help() {
	local line flag='(-.,|   ) (--[^ ]+)( ([^ ]+))?  '
	local command="^(usage:|      ) $1 ([a-z]+)"
	local operands='\[options\] \[?([A-Z][^] ]*)( \.\.\.)?'

	while IFS= read -r line; do
		if [[ $line =~ ^\ \ $flag ]]; then
			options+=("${BASH_REMATCH[2]}")
			takes[${BASH_REMATCH[1]%,}]=${BASH_REMATCH[4]}
			takes[${BASH_REMATCH[2]}]=${BASH_REMATCH[4]}
			continue
		fi
		if [ $# = 1 ] && [[ $line =~ $command ]]; then
			commands+=("${BASH_REMATCH[2]}")
		elif [ -z "$operand" ] && [[ $line =~ $operands ]]; then
			operand=${BASH_REMATCH[1]} more=${BASH_REMATCH[2]}
		fi
	done < <(command "$@" --help 2>/dev/null </dev/null)
}

# bash cuts words also at = : @: what stands together in the line is one word.
# The last one ends at the cursor.
_sp_words() {
	local i part line=${COMP_LINE:0:COMP_POINT}

	for ((i = 0; i <= COMP_CWORD; i++)); do
		part=${COMP_WORDS[i]}
		[ "$i" != "$COMP_CWORD" ] || part=${line##*[[:space:]]}
		if [ "$i" = 0 ] || [[ $line == [[:space:]]* ]]; then
			words+=("$part")
		else
			words[-1]+=$part
		fi
		line=${line#*"$part"}
	done
}

# _sp_split WORD: sets `option` to the one in it that takes an argument, and
# `before` to what stands in front of the argument, when that is in the same
# word: --output=FORMAT, -qoFORMAT.
_sp_split() {
	local i

	option='' before=''
	case $1 in
	--*=*) option=${1%%=*} before=$option= ;;
	--*) option=$1 ;;
	-?*)
		for ((i = 1; i < ${#1}; i++)); do
			option=-${1:i:1}
			[ -z "${takes[$option]-}" ] || break
		done
		((i + 1 >= ${#1})) || before=${1:0:i+1}
		;;
	esac
	[ -n "$option" ] && [ -n "${takes[$option]-}" ] || option='' before=''
}

# _sp_place OPTION VALUE: notes where the live values are.
_sp_place() {
	case $1 in
	-c | --config | -d | --db | -t | --tenant)
		set -- "$1" "${2//[\"\'\\]/}"
		place+=("$1" "${2/#\~\//$HOME/}")
		;;
	esac
}

# _sp_walk WORD...: those in front of the one to complete. Sets `awaited` to the
# option whose argument that is, and `given` to the number of operands.
_sp_walk() {
	local word option before ended=

	for word; do
		if [ -n "$awaited" ]; then
			_sp_place "$awaited" "$word"
			awaited=
		elif [ -n "$ended" ] || [[ $word != -?* ]]; then
			given=$((given + 1))
		elif [ "$word" = -- ]; then
			ended=yes
		else
			_sp_split "$word"
			if [ -z "$before" ]; then
				awaited=$option
			else
				_sp_place "$option" "${word#"$before"}"
			fi
		fi
	done
	[ -z "$ended" ] || options=() takes=()
}

# _sp_live FORMAT: all users, from number, login, first and last name on.
_sp_live() {
	command sp-status -q -o "$1" "${place[@]}" 2>/dev/null </dev/null
}

# _sp_values KIND: its words, one on a line.
_sp_values() {
	case $1 in
	FORMAT) printf '%s\n' table tsv csv json jsonl yaml ;;
	STATE)
		printf '%s\n' free resting reserved offline registered late lost ringing busy
		;;
	CONDITION) printf '%s\n' always busy no-answer offline ;;
	COLUMN)
		[ "${program[0]}" != sp-status ] ||
			_sp_live csv | head -n 1 | tr , '\n'
		;;
	TARGET)
		printf '%s\n' voicemail reject
		_sp_live tsv | cut -f 1
		;;
	EXT) _sp_live tsv | cut -f 1 ;;
	LOGIN | LOGIN[0-9]) _sp_live tsv | cut -f 2 ;;
	'LOGIN|EXT') _sp_live tsv | cut -f 1,2 | tr '\t' '\n' ;;
	*[A-Z]*) ;;
	*'|'*) tr '|' '\n' <<<"$1" ;;
	esac
}

# _sp_offer BEFORE WORD...: those that continue the word to complete; BEFORE
# stands in front of all. bash puts them behind its last cut.
_sp_offer() {
	local before=$1 word

	shift
	for word; do
		word=$before$word
		[[ $word != "$current"* ]] || COMPREPLY+=("${word#"$cut"}")
	done
}

# _sp_offer_kind KIND BEFORE: its words.
_sp_offer_kind() {
	local kind=$1 before=$2 values value

	case $kind in
	FILE)
		compopt -o default 2>/dev/null # bash's own
		return
		;;
	*'[,'* | *,...)
		kind=${kind%%[[,]*} value=${current#"$before"}
		before+=${value%"${value##*,}"}
		;;
	esac
	mapfile -t values < <(_sp_values "$kind")
	_sp_offer "$before" "${values[@]}"
}

# _sp TOOL WORD: WORD is what bash takes for the one to complete.
_sp() {
	local IFS=$' \t\n' words=() current program options=() commands=() place=()
	local operand='' more='' awaited='' given=0 option before cut
	local -A takes=()

	COMPREPLY=()
	_sp_words
	current=${words[-1]} cut=${current%"$2"}
	program=("${words[0]##*/}")
	_sp_help "${program[@]}"
	words=("${words[@]:1:${#words[@]}-2}")
	if [[ " ${commands[*]} " == *" ${words[0]-} "* ]] &&
		[ -n "${words[0]-}" ]; then
		program+=("${words[0]}") options=() takes=() commands=()
		_sp_help "${program[@]}"
		words=("${words[@]:1}")
	fi
	_sp_walk "${words[@]}"
	_sp_split "$current"
	if [ -n "$awaited" ]; then
		_sp_offer_kind "${takes[$awaited]}" ''
	elif [ -n "$before" ]; then
		_sp_offer_kind "${takes[$option]}" "$before"
	elif [[ $current == -* ]]; then
		_sp_offer '' "${options[@]}"
	elif [ "${#commands[@]}" != 0 ]; then
		[ "$given" != 0 ] || _sp_offer '' "${commands[@]}"
	elif [ "$given" = 0 ] || [ -n "$more" ]; then
		_sp_offer_kind "$operand" ''
	fi
}

complete -F _sp sp-assign sp-recycle sp-forward sp-register sp-status
