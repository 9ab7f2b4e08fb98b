# zsh -f type.zsh KEYS SHELL...: types KEYS to an interactive shell at its own
# terminal, whose prompt is "ready>" and which ends by one of them. What it then
# showed goes to the file `screen`.
zmodload zsh/zpty
zpty shell TERM=dumb ${(q)@[2,-1]}
zpty -r shell screen '*ready>*' && zpty -w -n shell $1 &&
	zpty -r shell screen '*never*'
print -r -- $screen >screen
