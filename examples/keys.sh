#!/bin/sh
# Whose signatures count: a second approver's key, then a new key of one's own, while the record of
# the old one stays proven. Everything happens in a scratch folder that is removed at the end.
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

# The first use makes a key and a trust file that names it.
"$thymos" keys ls

# A colleague's key: the file stays with its owner, the public half is what is trusted.
bob=$("$thymos" keys new bob --out "$scratch/bob.key")
"$thymos" keys trust bob "$bob"
"$thymos" keys ls

# Work that is held, under a writ that the present key signed.
code=0
"$thymos" --model practice run "give me a tour" || code=$?
[ "$code" -eq 10 ] || fail "the tour ended with $code instead of 10"
held=$("$thymos" approvals ls | head -n 1 | cut -d ' ' -f 1)

# A new key. The old one is retired and kept aside; what it signed is proven as before.
"$thymos" keys rotate
"$thymos" keys ls | grep -q retired || fail "no key is retired"
"$thymos" verify

# The session stops, since nothing new counts under the old key, and goes on under a new writ.
id=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
# What waited under the old key is asked about no more: nobody can let it go on.
[ -z "$("$thymos" approvals ls)" ] || fail "a call is asked about under a retired key"
code=0
"$thymos" approvals deny "$held" --reason "asked before the keys changed" || code=$?
[ "$code" -eq 11 ] || fail "a call that waited under a retired key was answered: $code"
code=0
"$thymos" --model practice run --resume "$id" "go on" || code=$?
[ "$code" -eq 11 ] || fail "the session went on under a retired key: $code"
"$thymos" --model practice --mode plan run --resume "$id" "go on" || code=$?

# A trusted key is as easily trusted no more.
"$thymos" keys distrust bob
"$thymos" verify
