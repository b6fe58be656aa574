#!/bin/sh
# A first run without a screen: the practice model is held at its first edit, a person approves it,
# and the record proves itself. Everything happens in a scratch folder that is removed at the end.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME" "$scratch/ws"
cd "$scratch/ws"
echo '# Demo' > README.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# What needs a person stays pending: exit code 10, and the ids on standard error.
code=0
"$thymos" --model practice run "give me a tour" || code=$?
[ "$code" -eq 10 ] || fail "the tour ended with $code instead of 10"

# The queue, one line a call; then one call in full.
id=$("$thymos" approvals ls | head -n 1 | cut -d ' ' -f 1)
"$thymos" approvals show "$id"
digest=$("$thymos" approvals show "$id" --json | sed 's/.*"presented":"\([0-9a-f]*\)".*/\1/')

# A wrong digest approves nothing; the right one lets the call run.
code=0
"$thymos" approvals approve "$id" --digest 000000000000 || code=$?
[ "$code" -eq 11 ] || fail "a wrong digest was answered with $code instead of 11"
"$thymos" approvals approve "$id" --digest "$digest" --reason "looks right"

"$thymos" ledger kind:approval | grep -q . || fail "the answer is not in the ledger"
"$thymos" verify
