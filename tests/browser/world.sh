#!/usr/bin/env bash
# tests/browser/world.sh DIR N [NOW]: makes DIR/sp.yaml and DIR/sp.db with N
# invented users and a day of their softphones up to NOW, seconds since 1970.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
now=${3:-$(date +%s)}
pool='1000-1599, 7000-7099'
[ "$2" -le 500 ] || pool=10000-29999
cat >sp.yaml <<END
tenants:
  - domain: acme.example
    pool: [$pool]
    reserved: [1590-1599, 7090-7099]
    voicemail: sip:vm-{number}@voicemail.acme.example
    gateway: sip:trunk.acme.example
    forwarding:
      no-answer: {to: voicemail, after: 20s}
      offline: {to: voicemail}
END
[ "$2" -le 500 ] || sed -i '/reserved/d' sp.yaml
export SP_CONFIG=$PWD/sp.yaml SP_DB=$PWD/sp.db
node "$here/world.js" users "$2" | sp-assign -q -f -
node "$here/world.js" sql "$2" "${now}000" | sqlite3 "$SP_DB"
