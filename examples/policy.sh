#!/bin/sh
# Rules of one's own: a bundle is checked, tried on the past, signed and loaded; a call that it forbids
# is refused, and the record proves why. Everything happens in a scratch folder, removed at the end.
set -eu

thymos=${THYMOS:-thymos}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"
cp "$here/policy.json" house.json

# A model that plays these turns: it writes below deploy/keys.
cat > "$scratch/turns" <<'TURNS'
{"calls": [{"tool": "fs_write", "args": {"path": "deploy/keys/a.pem", "content": "x"}}]}
{"text": "done"}
TURNS
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "turns"
base_url = "$scratch/turns"
CONFIG

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# The form, the fields, the tools and the examples, before anything is signed.
"$thymos" policy check house.json
"$thymos" policy test house.json

# A misspelt field is named with its place and the nearest name.
sed 's/resolved.writes", "op"/resolved.writs", "op"/' house.json > wrong.json
"$thymos" policy check wrong.json && fail "a wrong field was taken"

# Under the built-in rules the write waits for a person.
code=0
"$thymos" run "write a key" || code=$?
[ "$code" -eq 10 ] || fail "the write ended with $code instead of 10"

# What the bundle would have said of that.
"$thymos" policy simulate house.json | tee "$scratch/simulated"
grep -q "1 of 1 decisions would change" "$scratch/simulated" || fail "nothing would change"

# Unsigned it counts for nothing; signed it is in force for every session from its next decision on.
"$thymos" policy load house.json && fail "an unsigned bundle was loaded"
"$thymos" policy sign house.json --out signed.json
"$thymos" policy load signed.json
"$thymos" policy ls

# The same call is refused now.
code=0
"$thymos" run "write a key" || code=$?
"$thymos" ledger kind:rejection | grep -q "deploy/keys" || fail "the write was not refused"
[ ! -e deploy ] || fail "something was written"

# What is in force is looked at without a restart. A bundle that has ended is not signed.
"$thymos" policy reload
sed 's/"name": "house"/"name": "house", "window": {"not_before": 0, "expires_at": 1}/' house.json > ended.json
"$thymos" policy sign ended.json --out ended-signed.json && fail "a bundle that has ended was signed"

# Taken out again, and every verdict under either set is found again from the record.
"$thymos" policy unload house
"$thymos" verify
