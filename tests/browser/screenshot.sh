#!/usr/bin/env bash
# tests/browser/screenshot.sh [light|dark] [FILE]: the picture of the "Softphones"
# page that README shows, cmd/sp-status/softphones.png: invented people, at a
# moment that is always the same. Needs the tools built and
# scripts/install-deps docs.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(readlink -f "${2:-$root/cmd/sp-status/softphones.png}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=${SP_BIN:-$root/bin}:$PATH
export SP_BROWSER_DRIVER=${SP_BROWSER_DRIVER:-${XDG_CACHE_HOME:-$HOME/.cache}/sp-browser}

now=1795603332 # 2026-11-25T10:42:12Z
"$root/tests/browser/world.sh" "$work" 420 "$now"
LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) \
	FAKETIME="@$(TZ=UTC date -d "@$((now + 3))" '+%F %T')" TZ=UTC \
	sp-status -c "$work/sp.yaml" -d "$work/sp.db" --html >"$work/page.html"
node "$root/tests/browser/screenshot.js" "$work/page.html" "$work/page.png" \
	"$((now + 9))000" "${1:-light}"
pngquant --force --speed 1 --strip --output "$out" 256 "$work/page.png"
printf '%s\n' "$out"
