#!/usr/bin/env bats
# What leaves the tree: the source tarball and the Debian package. Installing it
# is tests/check-deb.sh.

setup() {
	load common
	common_setup
}

teardown() { common_teardown; }

# given_repository: a commit of the tree as it is, in ./repository.
given_repository() {
	mkdir repository
	tar -C "$ROOT" -c --exclude=./.git --exclude='./build*' --exclude=./bin . |
		tar -C repository -x
	cd repository
	git init -q
	git config user.name name
	git config user.email name@example
	git add -A
	GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' git commit -q -m all
	cd ..
}

# dist DIRECTORY UMASK: the tarball of a clone there.
dist() {
	git clone -q repository "$1"
	(umask "$2" && make -s -C "$1" dist)
}

tarball() { echo build/sp-"$(version)".tar.xz; }

version() { sed -n 's/^VERSION := //p' "$ROOT/Makefile"; }

changelog() { head -n 1 "$ROOT/debian/changelog"; }

# ---- make dist --------------------------------------------------------------

@test "packages: make dist makes the same tarball from each clone" {
	given_repository
	run dist one 022
	assert_success
	assert_output "$(tarball)"
	run dist "another one" 077
	assert_success
	cmp "one/$(tarball)" "another one/$(tarball)"
	run bash -c 'tar -tvf "$1" --utc --full-time |
		tr -s " " | cut -d " " -f 1,2,4,5 | sort -u' - "one/$(tarball)"
	assert_output '-rw-r--r-- root/root 2026-01-02 03:04:05
-rwxr-xr-x root/root 2026-01-02 03:04:05
drwxr-xr-x root/root 2026-01-02 03:04:05'
}

@test "packages: the tarball has the sources, all of them, and nothing else" {
	local top

	given_repository
	dist clone 022
	top=sp-$(version)
	tar -tf "clone/$(tarball)" | sed "s|^$top/||" | grep -v '/$\|^$' |
		sort >packed
	git -C repository ls-files | grep -v '^\.ci/' | sort >sources
	diff sources packed
	run grep -E '^(bin|build[^/]*|\.git|\.ci)/|\.(o|d|a|deb|db|log)$' packed
	assert_output ""
	run grep -x -E 'Makefile|README.md|debian/rules|cmd/sp.7' packed
	assert_equal "${#lines[@]}" 4
}

# ---- the package ------------------------------------------------------------

@test "packages: the version is the same everywhere" {
	run changelog
	assert_output --regexp "^sp-softphone \($(version)\) "
	for tool in sp-assign sp-recycle sp-forward sp-register sp-status; do
		run "$tool" --version
		assert_output "$tool $(version)"
	done
	# In what an example shows, too.
	assert_equal "$(grep -r -h -o -E 'sp-[a-z]+[/ ][0-9]+\.[0-9]+\.[0-9]+' \
		--include='*.md' --include='*.[1-9]' "$ROOT/README.md" "$ROOT/cmd" |
		sed 's/.*[/ ]//' | sort -u)" "$(version)"
}

# in_lists FILE: whether sp-softphone.install names it, or a directory above it.
in_lists() {
	local pattern

	while read -r pattern _; do
		# shellcheck disable=SC2053 # a pattern
		[[ $1 != $pattern && $1 != $pattern/* ]] || return 0
	done <"$ROOT/debian/sp-softphone.install"
	return 1
}

@test "packages: all that make install installs is in the package" {
	local file n=0

	make -s -C "$ROOT" -o all install PREFIX=/usr DESTDIR="$PWD/root"
	while read -r file; do
		in_lists "$file" || fail "not in sp-softphone.install: $file"
		n=$((n + 1))
	done < <(cd root && find . ! -type d -printf '%P\n')
	((n > 20)) || fail "only $n files are installed"
}

@test "packages: what is needed to build is what install-deps installs" {
	run sed -n '/^Build-Depends:/,/^[^ ]*:/s/^ *\([a-z0-9.-]*\),\{0,1\}$/\1/p' \
		"$ROOT/debian/control"
	assert_equal "$(sort <<<"$output")" "$(
		sed -n "/^build='/,/'\$/p" "$ROOT/scripts/install-deps" |
			sed "s/^build=//; s/'//g" | tr -s ' \t' '\n\n' |
			grep -v -x 'make\|libc6-dev\|' | sort
	)"
}

@test "packages: the configuration is in order, and listens on loopback only" {
	export SP_CONFIG=$ROOT/debian/sp.yaml
	run --separate-stderr sp-assign asmith
	assert_success
	assert_output $'1000\tasmith\t\t\t1000@localhost'
	unset SP_DB
	run sp-status --paths -o tsv
	assert_line $'db\t/var/lib/sp/sp.db'
	run sed -n 's/^listen: //p' "$SP_CONFIG"
	assert_output '[udp:127.0.0.1:5060]'
}
