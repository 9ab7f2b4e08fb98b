#!/bin/bash
# The package in a clean Debian 12: built, installed, used, upgraded, removed,
# purged. Needs root and a Debian mirror: the one of this machine's apt. Prints
# a line for each thing that is as it should be; exit status 1 with the first
# that is not. It has mounts, processes and, once all is installed, a network of
# its own, which end with it; the chroot is removed.
set -euo pipefail

SELF=$(readlink -f "$0")
TREE=$(dirname "$(dirname "$SELF")")
SUITE=bookworm
export LC_ALL=C.UTF-8

say() { echo "check-deb: $*" >&2; }

die() {
	say "$@"
	exit 1
}

ok() { echo "ok - $*"; }

# is EXPECTED GOT WHAT
is() {
	[ "$2" = "$1" ] || die "$3: expected
$1
got
$2"
	ok "$3"
}

# quietly COMMAND...: what it says is shown when it fails.
quietly() {
	"$@" >"$WORK/log" 2>&1 </dev/null || {
		cat "$WORK/log" >&2
		die "failed: $*"
	}
}

WORK=${2-}
IN_ROOT=(chroot "$WORK/root" env -i HOME=/root LC_ALL=C.UTF-8
	PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive)
AS_SP=("${IN_ROOT[@]}" setpriv --reuid=sp --regid=sp --init-groups
	env HOME=/var/lib/sp)

in_root() { "${IN_ROOT[@]}" "$@"; }
as_sp() { "${AS_SP[@]}" "$@"; }

apt() {
	quietly in_root apt-get -q -y --no-install-recommends \
		-o Dpkg::Options::=--force-confold "$@"
}

# ---- packages --------------------------------------------------------------

# build TREE OUTDIR: without the debug symbols, which nobody installs here.
build() {
	DEB_BUILD_OPTIONS=noautodbgsym quietly "$1/scripts/build-deb" "$2"
}

copy_tree() {
	mkdir -p "$1"
	tar -C "$TREE" -c --exclude-vcs --exclude='./build*' --exclude=./bin . |
		tar -C "$1" -x
}

# The next version has another default configuration, too.
make_next_version() {
	copy_tree "$WORK/next"
	sed -i "s/^VERSION := .*/&+next/" "$WORK/next/Makefile"
	echo '# Of the next version.' >>"$WORK/next/debian/sp.yaml"
	sed "1,/^ --/s/(\(.*\))/(\1+next)/; /^ --/q" "$TREE/debian/changelog" \
		>"$WORK/entry"
	{ cat "$WORK/entry" && echo && cat "$TREE/debian/changelog"; } \
		>"$WORK/next/debian/changelog"
}

build_packages() {
	copy_tree "$WORK/some where else"
	mkdir -p "$WORK/a/deeper/directory"
	(umask 077 && build "$TREE" "$WORK/1")
	TMPDIR=$WORK/a/deeper/directory build "$WORK/some where else" "$WORK/2"
	cmp "$WORK"/1/*.deb "$WORK"/2/*.deb || die "two builds differ"
	ok "two builds in different directories are the same, byte for byte"
	quietly lintian --allow-root --fail-on error,warning "$WORK"/1/*.deb
	ok "lintian finds nothing"
	make_next_version
	build "$WORK/next" "$WORK/3"
}

# ---- chroot ----------------------------------------------------------------

# What the apt of this machine has of the suite.
sources() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' |
		grep " ${SUITE}[^ ]* main\$" | sort -u
}

make_root() {
	local mirror proxy

	sources >"$WORK/sources" || :
	mirror=$(sed -n "s/^deb \(.*\) $SUITE main\$/\1/p" "$WORK/sources")
	mirror=${mirror%%$'\n'*}
	[ -n "$mirror" ] || die "apt of this machine has no $SUITE: apt-get update"
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[ -z "${proxy-}" ] || export http_proxy=$proxy
	quietly debootstrap --variant=minbase "$SUITE" "$WORK/root" "$mirror"
	cp "$WORK/sources" "$WORK/root/etc/apt/sources.list"
	apt-config dump | grep '^Acquire::https\?::' \
		>"$WORK/root/etc/apt/apt.conf.d/80machine" || :
	cp /etc/resolv.conf /etc/hosts "$WORK/root/etc"
	mount -t proc proc "$WORK/root/proc"
	mkdir "$WORK/root/deb" && cp "$WORK"/[13]/*.deb "$WORK/root/deb"
}

# Names, and who is known: what a package could leave behind.
contents() {
	in_root find / -xdev \( -path /proc -o -path /tmp -o -path /var/cache \
		-o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/log \) \
		-prune -o -print | grep -v '^/etc/.*-$\|^/etc/.pwd.lock$' | sort
	cut -d : -f 1 "$WORK/root/etc/passwd" "$WORK/root/etc/group" | sort
}

# ---- the package in use ----------------------------------------------------

check_installed() {
	local name

	while read -r name; do
		in_root stat -c '%A %U:%G %n' "$name"
	done >"$WORK/modes" <<-'NAMES'
	/etc/sp
	/etc/sp/sp.yaml
	/usr/bin/sp-register
	/usr/share/sp/scripts/onboard
	/usr/share/man/man1/sp-assign.1.gz
	/lib/systemd/system/sp-register.service
	/var/lib/sp
	NAMES
	is 'drwxr-xr-x root:root /etc/sp
-rw-r--r-- root:root /etc/sp/sp.yaml
-rwxr-xr-x root:root /usr/bin/sp-register
-rwxr-xr-x root:root /usr/share/sp/scripts/onboard
-rw-r--r-- root:root /usr/share/man/man1/sp-assign.1.gz
-rw-r--r-- root:root /lib/systemd/system/sp-register.service
drwxr-x--- sp:sp /var/lib/sp' "$(cat "$WORK/modes")" "modes and owners"
	is /var/lib/sp:/usr/sbin/nologin \
		"$(in_root getent passwd sp | cut -d : -f 6,7)" \
		"the user has no shell"
	name=/etc/systemd/system
	is "$name/multi-user.target.wants/sp-register.service" \
		"$(in_root find $name -name 'sp-*')" "only the server is enabled"
}

start_server() {
	"${AS_SP[@]}" sp-register serve 2>"$WORK/serve.log" &
	SERVER=$!
	for ((i = 0; i < 500; i++)); do
		! grep -q msg=ready "$WORK/serve.log" || return 0
		sleep 0.02
	done
	cat "$WORK/serve.log" >&2
	die "the server does not start"
}

stop_server() {
	kill "$SERVER"
	wait "$SERVER" || die "the server ends with status $?"
}

# check_phone WHEN
check_phone() {
	start_server
	is 'transport=udp address=127.0.0.1:5060' \
		"$(sed -n 's/.*msg=listening //p' "$WORK/serve.log")" \
		"$1: the server listens on loopback only"
	as_sp sp-register login 1000@localhost --once \
		--server 127.0.0.1:5060 --secret-file /var/lib/sp/secret \
		>"$WORK/login.log" || die "$1: the phone is refused"
	is registered "$(cut -f 2 "$WORK/login.log" | head -n 1)" \
		"$1: a phone registers"
	stop_server
}

# shellcheck disable=SC2016 # for the shell of the user
check_use() {
	as_sp sh -c 'umask 077
		sp-assign -s -o tsv asmith Anna Smith >/tmp/row &&
		cut -f 6 /tmp/row >/var/lib/sp/secret'
	is $'1000\tasmith\tAnna\tSmith\t1000@localhost' \
		"$(cut -f 1-5 "$WORK/root/tmp/row")" "sp-assign gives a number"
	is '-rw------- sp:sp' \
		"$(in_root stat -c '%A %U:%G' /var/lib/sp/sp.db)" \
		"the database is the user's alone"
	check_phone installed
}

check_upgrade() {
	local edited=$WORK/root/etc/sp/sp.yaml

	sed -i 's/1000-9999/1000-1001/' "$edited"
	cp "$edited" "$WORK/edited"
	apt install "/deb/$(basename "$WORK"/3/*.deb)"
	is "sp-assign $(sed -n 's/^VERSION := //p' "$WORK/next/Makefile")" \
		"$(in_root sp-assign --version)" "the next version is installed"
	cmp "$WORK/edited" "$edited" || die "the configuration is changed"
	ok "the configuration that was edited is kept"
	is $'1000\tasmith' "$(as_sp sp-status -q -o tsv --columns number,login)" \
		"the database is kept"
	check_phone upgraded
}

check_removal() {
	apt remove sp-softphone
	grep -q 'database in /var/lib/sp are kept' "$WORK/log" ||
		die "removing does not say what is kept"
	is '/etc/sp/sp.yaml
/var/lib/sp/sp.db' "$(in_root find /etc/sp/sp.yaml /var/lib/sp/sp.db)" \
		"removed: configuration and database are kept, and it says so"
	apt purge sp-softphone
	grep -q 'kept are the user sp' "$WORK/log" ||
		die "purging does not say what is kept"
	contents >"$WORK/after"
	is '> sp
> sp' "$(diff "$WORK/before" "$WORK/after" | grep '^[<>]')" \
		"purged: nothing is left but the user, and it says so"
	in_root dpkg --purge sp-softphone 2>"$WORK/log" ||
		die "purging again fails"
}

# ---- the parts, each inside of the one before ------------------------------

offline() {
	ip link set lo up
	contents >"$WORK/before"
	apt install "/deb/$(basename "$WORK"/1/*.deb)"
	ok "apt installs it"
	check_installed
	check_use
	check_upgrade
	check_removal
}

online() {
	build_packages
	make_root
	apt update
	apt satisfy "$(dpkg-deb -f "$WORK"/1/*.deb Depends)"
	ok "a minimal $SUITE has all that it depends on"
	unshare --net -- "$SELF" --offline "$WORK"
}

clean_up() {
	[ -z "$CHILD" ] || kill -KILL "$CHILD" 2>/dev/null || :
	[ -z "$CHILD" ] || wait "$CHILD" 2>/dev/null || :
	rm -rf --one-file-system "$WORK"
}

case ${1-} in
--offline) offline ;;
--online) online ;;
'')
	[ "$(id -u)" = 0 ] || die "needs root, for a chroot"
	CHILD=
	WORK=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' HUP INT TERM
	chmod 755 "$WORK"
	unshare --mount --pid --fork --kill-child --mount-proc -- \
		"$SELF" --online "$WORK" &
	CHILD=$!
	wait "$CHILD"
	CHILD=
	;;
*) die "takes no arguments" ;;
esac
