# TAB: the words that are offered go to the file `words`, each with a TAB and
# how it is shown behind it, and the shell ends.
PS1='ready>'
fpath=($COMPLETIONS $fpath)
autoload -Uz compinit && compinit -u -D

# All words come through it; with -A, -D or -O it only matches.
compadd() {
	local -a words shown
	local at=$@[(I)-d] i

	if [[ -z ${(M)@[1,(i)(-|--)]:#-[ADO]*} ]]; then
		(( ! at )) || shown=("${(@P)@[at+1]}")
		builtin compadd -A words -D shown "$@"
		for (( i = 1; i <= $#words; i++ )); do
			print -r -- $words[i]$'\t'$shown[i] >>words
		done
	fi
	builtin compadd "$@"
}

offer() {
	_main_complete
	exit
}

zle -C offer complete-word offer
bindkey '^I' offer
