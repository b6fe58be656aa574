#!/bin/sh
# One ledger for two people on a PostgreSQL server: they trust each other's keys, one asks, the other
# answers, both verify. POSTGRES names an empty database: POSTGRES=postgres://ada@localhost/team
# Everything at home happens in a scratch folder that is removed at the end.
set -eu

thymos=${THYMOS:-thymos}
if [ -z "${POSTGRES:-}" ]; then
    echo "SKIPPED: set POSTGRES to the URL of an empty database" >&2
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
export THYMOS_LEDGER="$POSTGRES"
mkdir -p "$scratch/ws" "$scratch/ada" "$scratch/cleo"
cd "$scratch/ws"
echo '# Demo' > README.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

ada() { HOME="$scratch/ada" USER=ada "$thymos" "$@"; }
cleo() { HOME="$scratch/cleo" USER=cleo "$thymos" "$@"; }

# Keys first: a record holds what both of them sign.
key_of() { "$1" keys show | head -n 1 | cut -d ' ' -f 1; }
ada keys trust cleo "$(key_of cleo)"
cleo keys trust ada "$(key_of ada)"

# Ada's run asks before it writes; her process ends, and what waits is on the server.
code=0
ada --model practice run "give me a tour" || code=$?
[ "$code" = 10 ] || fail "a held run exits 10, not $code"

# Cleo sees it at once, and says yes.
card=$(cleo approvals ls --json | head -n 1)
id=$(echo "$card" | sed -n 's/.*"proposal":"\([0-9a-f]*\)".*/\1/p')
digest=$(echo "$card" | sed -n 's/.*"presented":"\([0-9a-f]*\)".*/\1/p')
cleo approvals approve "$id" --digest "$digest"
[ -f thymos-practice.md ] || fail "what was approved was not written"

# Nothing of the record is at home, and both of them verify all of it.
[ ! -e "$scratch/ada/.local/share/thymos/ledger.db" ] || fail "there is a ledger at home"
ada verify
cleo verify
