#!/bin/sh
# Checkpoints: a run ends under one, a kept copy is compared, a receipt proves one action to a
# stranger, and a restored backup is found.
# Everything happens in a scratch folder that is removed at the end.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
mkdir -p "$HOME" "$scratch/ws"
cd "$scratch/ws"
echo '# Demo' > README.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

data="$HOME/.local/share/thymos"

# Every run ends with a signed checkpoint. This copy could be mailed to somebody.
"$thymos" --mode plan --model practice run "give me a tour"
"$thymos" checkpoint show > monday.note
cat monday.note
cp "$data/ledger.db" "$scratch/backup.db"

# Later the ledger has grown, and still begins with the same entries.
"$thymos" --mode plan --model practice run "give me a tour"
"$thymos" checkpoint verify monday.note
"$thymos" checkpoint show > tuesday.note
"$thymos" verify

# What it must rest on: the version of the gate, the rules, the tools, and whose key.
"$thymos" verify --pins
rules=$("$thymos" policy ls | sed -n 's/^set: //p')
"$thymos" verify --require-compiler 2 --require-policy-set "$rules" --require-signer "$("$thymos" keys show)"
code=0
"$thymos" verify --require-policy-set 000000 || code=$?
[ "$code" -eq 13 ] || fail "other rules than required were answered with $code instead of 13"

# One action, proved to somebody who has the public key and nothing else.
entry=$("$thymos" ledger kind:commit --json | sed -n 's/.*"entry":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
"$thymos" receipt "$entry" -o mail.tlog-proof
key=$("$thymos" keys show | head -n 1 | cut -d ' ' -f 1)
HOME="$scratch/stranger" "$thymos" verify --receipt mail.tlog-proof --key "$key"
code=0
sed 's/^index /index 1/' mail.tlog-proof > bent.tlog-proof
"$thymos" verify --receipt bent.tlog-proof || code=$?
[ "$code" -eq 13 ] || fail "a bent receipt was answered with $code instead of 13"

# Somebody puts the old file back. The file alone is sound; what stands outside tells.
rm -f "$data/ledger.db" "$data/ledger.db-wal" "$data/ledger.db-shm"
cp "$scratch/backup.db" "$data/ledger.db"
code=0
"$thymos" verify || code=$?
[ "$code" -eq 13 ] || fail "a restored backup was answered with $code instead of 13"
code=0
"$thymos" checkpoint verify tuesday.note || code=$?
[ "$code" -eq 13 ] || fail "an older ledger was answered with $code instead of 13"
