# shellcheck shell=bash disable=SC1091
# TAB completes; the words that are offered go to the file `words`. ^T ends the
# shell; what is then typed goes to the file `line`.
PS1='ready>'
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
. "$COMPLETIONS/sp.bash"

offer() {
	_sp "$@"
	printf '%s\n' "${COMPREPLY[@]}" >words
}

end() {
	printf '%s\n' "$READLINE_LINE" >line
	exit
}

for tool in sp-assign sp-recycle sp-forward sp-register sp-status; do
	complete -F offer "$tool"
done
bind -x '"\C-t": end'
