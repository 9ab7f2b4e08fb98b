# The examples of the pages and of README: each is executed, in the order in
# which they stand, on a terminal, in a directory of its own, and what it prints
# is compared with what stands there.
#
# In README they are blocks with a word behind the fence, in a page literal
# blocks (.Bd -literal):
#
#   console    commands behind "$ ", and below each what it prints
#   yaml FILE  a file (csv too); in a page: .\" file FILE above the block
#   sh         commands that cannot run here; examples.not-run has each of
#              them, and why
#   text       no example: a drawing; in a page: .\" text above the block
#
# A command that goes on ends in a backslash or a "|". One that ends in ">FILE &"
# stays in the background, and is waited for until FILE says that it has begun.
# Each is to succeed, unless it says an error of a tool's or the next one looks
# at "$?". In place of port 5060 there is a free one. What differs each time, as
# `plain` has it, is not compared.

# markdown_of FILE: a page's blocks as those of README.
markdown_of() {
	if [[ $1 == *.md ]]; then
		cat "$1"
		return
	fi
	awk '/^\.\\" file / { kind = "yaml " $3 }
		/^\.\\" text$/ { kind = "text" }
		/^\.Bd -literal/ {
			print "```" (kind != "" ? kind : "console")
			inside = 1
			next
		}
		/^\.Ed/ { if (inside) print "```"; inside = 0; kind = "" }
		inside {
			sub(/^\\&/, "")
			gsub(/\\\(aq/, "\047")
			gsub(/\\e/, "\\")
			print
		}' "$1"
}

# blocks_of FILE KIND: what stands in its blocks of this kind.
blocks_of() {
	markdown_of "$1" | awk -v kind="$2" '
		/^```/ { inside = !inside && $0 ~ "^```" kind; next }
		inside'
}

# plain: without what differs each time: colours, secrets, times, ports, paths,
# names of backups, versions, milliseconds, seconds that are left, and the widths
# that follow from them.
plain() {
	sed -E -e 's/\x1b\[[0-9;]*m//g' -e 's/[0-9a-z]{26}/SECRET/g' \
		-e 's/[0-9-]{10}T[0-9:]{8}(\.[0-9]+)?Z/TIME/g' \
		-e 's/(127\.0\.0\.1:)[0-9]+/\1PORT/g' \
		-e "s#$PWD|/tmp/tour#HERE#g" -e 's/sp-[0-9TZ]{16}\.db/sp-TIME.db/g' \
		-e 's#(sp-register/|baresip v)[0-9.]+( \(.*\))?#\1VERSION#g' \
		-e 's/^[0-9]+\.[0-9][ \t]/MILLISECONDS /' \
		-e 's/(^|[ \t])(2[0-9]|30)([ \t]|$)/\1LEFT\3/g' \
		-e 's/[ \t]+/ /g' -e 's/ $//'
}

# write_files FILE PORT: those that its blocks are.
write_files() {
	markdown_of "$1" | awk '
		/^```(yaml|csv) / { file = $2; next }
		/^```/ { file = "" }
		file != "" { print >file }'
	find . -name '*.yaml' -exec sed -i "s/127\.0\.0\.1:5060/127.0.0.1:$2/g" {} +
}

# script_of FILE PORT: its commands as a script that says where the output of each
# begins, and with which status it ended.
script_of() {
	cat <<-'END'
		# The server last: a softphone wants to log out.
		leave() {
			for job in $(jobs -p | tac); do
				kill "$job" && wait "$job"
			done
		}
		trap leave EXIT
		begun() {
			for try in {1..500}; do
				grep -q -s -E 'msg=ready|registered|200 OK' "$1" &&
					return
				sleep 0.02
			done
			return 1
		}
		status=0
	END
	blocks_of "$1" console | sed "s/127\.0\.0\.1:5060/127.0.0.1:$2/g" | awk '
		function finish() {
			if (command == "")
				return
			if (command ~ /&$/) {
				log_file = command
				gsub(/^.*>| *&$/, "", log_file)
				command = "{ " command " } 2>>background.err"
				command = command "; begun " log_file
			}
			printf "echo \"@begin %d\"; (exit $status)\n", ++n
			printf "%s\nstatus=$?; echo \"@end $status\"\n", command
			command = ""
		}
		/^\$ / { finish(); command = substr($0, 3); more = /[\\|]$/; next }
		more { command = command "\n" $0; more = /[\\|]$/ }
		END { finish() }'
}

# shown_by FILE PORT COLUMNS: commands and output as on a terminal of this width;
# [STATUS] below one that failed and was not meant to.
shown_by() {
	script_of "$1" "$2" >script.sh
	COLUMNS=$3 script -q -c 'bash --norc script.sh' /dev/null \
		</dev/null 3>&- | sed 's/\r$//' >screen
	blocks_of "$1" console | awk '
		function replay(line) {
			while ((getline line <"screen") > 0) {
				if (line ~ /^@begin /)
					continue
				if (line ~ /@end [0-9]+$/) {
					failed = line
					sub(/.*@end /, "", failed)
					failed += 0
					sub(/@end [0-9]+$/, "", line)
					if (line != "")
						print line
					return
				}
				said = said || line ~ /^sp-[a-z]+: /
				print line
			}
		}
		/^\$ / {
			if (failed && !said && $0 !~ /\$\?/)
				print "[" failed "]"
			failed = said = 0
			print
			if (more = /[\\|]$/)
				next
			replay()
			next
		}
		more { print; if (!(more = /[\\|]$/)) replay() }
		END { if (failed && !said) print "[" failed "]" }'
}

# assert_examples_hold FILE COLUMNS
assert_examples_hold() {
	local port

	port=$(free_udp_port)
	write_files "$1" "$port"
	shown_by "$1" "$port" "$2" >shown
	blocks_of "$1" console | plain >expected
	[ -s expected ] || fail "${1##*/} has no examples"
	run diff -u --label "${1##*/}" --label "what it prints" expected \
		<(plain <shown)
	assert_success
}

# not_run: the commands of examples.not-run.
not_run() {
	grep -v -E '^(\[|$)' "$ROOT/tests/examples.not-run"
}
