#!/bin/sh
# A bundle: the record of one run for somebody who has a public key and nothing else. One body is
# withheld, and what is changed on the way is found. Everything happens in a scratch folder.
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

"$thymos" --mode plan --model practice run "give me a tour"
"$thymos" --mode plan --model practice run "and once more"
run=$("$thymos" runs --json | head -n 1 | sed 's/.*"trajectory":"\([0-9a-f]*\)".*/\1/')
key=$("$thymos" keys show | head -n 1 | cut -d ' ' -f 1)

# One run, without what was said in it; and everything.
"$thymos" export "$run" --withhold message -o run.tar
"$thymos" export --all -o all.tar
tar tf run.tar
if tar xOf run.tar | grep -q 'give me a tour'; then fail "another run is told of"; fi

# The same run as a story to read, in a new file that is named after it.
"$thymos" export "$run" --format markdown
"$thymos" export "$run" --format markdown
grep -q '^## you$' thymos-*-2.md || fail "the story tells nobody's words"
[ "$(stat -c %a thymos-*-2.md)" = 600 ] || fail "the story can be read by others"

# Somebody else, with the key and without a home.
HOME=/nonexistent "$thymos" verify run.tar --key "$key"
HOME=/nonexistent "$thymos" verify all.tar --key "$key"

# The same log is the same bytes, and a file that is there stays.
code=0
"$thymos" export --all -o all.tar || code=$?
[ "$code" -eq 1 ] || fail "a file was written over with $code"
cp all.tar first.tar
"$thymos" export --all -o all.tar --force
cmp first.tar all.tar

# Another machine takes the log over, with every id; doing it twice is doing it once.
HOME="$scratch/other" "$thymos" import all.tar --key "$key"
HOME="$scratch/other" "$thymos" import all.tar --key "$key" | grep -q ' 0 of them new' || fail "it was taken twice"
HOME="$scratch/other" "$thymos" --ledger theirs.db --mode plan --model practice run "something else"
code=0
HOME="$scratch/other" "$thymos" --ledger theirs.db import all.tar --key "$key" || code=$?
[ "$code" -eq 11 ] || fail "another log was answered with $code instead of 11"

# A changed word is found, and a cut file is refused.
code=0
sed 's/and once more/and twice more/' all.tar > bent.tar
"$thymos" verify bent.tar --key "$key" || code=$?
[ "$code" -eq 13 ] || fail "a bent bundle was answered with $code instead of 13"
code=0
head -c 20000 all.tar > cut.tar
"$thymos" verify cut.tar --key "$key" || code=$?
[ "$code" -eq 13 ] || fail "a cut bundle was answered with $code instead of 13"
