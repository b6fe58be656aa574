#!/bin/sh
# A rule asks for two of three people. Each signs with a key of their own: one is not enough, the same
# one twice is not two, a stranger does not count, and one no is a no.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# A model that wants to write one file, and later another.
cat > "$scratch/turns.jsonl" <<'TURNS'
{"text": "The first release.", "calls": [{"tool": "fs_write", "args": {"path": "releases/1", "content": "one\n"}}]}
{"text": "The second.", "calls": [{"tool": "fs_write", "args": {"path": "releases/2", "content": "two\n"}}]}
{"text": "Done."}
TURNS
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[operator]
name = "ada"
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$scratch/turns.jsonl"
CONFIG

# Two colleagues, who are trusted, and a stranger, who is not.
for name in bob eve; do
    key=$("$thymos" keys new "$name" --out "$scratch/$name.key")
    "$thymos" keys trust "$name" "$key"
done
"$thymos" keys new mallory --out "$scratch/mallory.key" > /dev/null

cat > "$scratch/release.json" <<'RULES'
{
  "name": "release", "version": "1", "default": "permit",
  "rules": [{
    "id": "two-of-three",
    "reason": "a release needs two of three people",
    "when": {"field": "resolved.writes", "op": "under", "value": "releases", "of": "any"},
    "decision": {"ask": {"quorum": 2, "approvers": ["ada", "bob", "eve"]}},
    "if_missing": "skip",
    "examples": [{"with": {"resolved.writes": ["releases/1"]}, "says": "ask"}]
  }]
}
RULES
"$thymos" policy sign "$scratch/release.json" --out "$scratch/signed.json"
"$thymos" policy load "$scratch/signed.json"

# What waits now: its id, and the digest of what was shown of it.
waits() {
    held=$("$thymos" approvals ls | head -n 1 | cut -d ' ' -f 1)
    digest=$("$thymos" approvals show "$held" 2>&1 | sed -n 's/.*--digest //p')
}
# Runs what follows a code that it must end with.
ends_with() {
    expected=$1 code=0
    shift
    "$@" || code=$?
    [ "$code" -eq "$expected" ] || fail "$* ended with $code instead of $expected"
}

ends_with 10 "$thymos" run "release"
waits
ends_with 10 "$thymos" approvals approve "$held" --digest "$digest"
[ ! -f releases/1 ] || fail "one of two was enough"
"$thymos" approvals ls | grep -q "1 of 2 agree" || fail "it is not told how many agree"
ends_with 11 "$thymos" approvals approve "$held" --digest "$digest"
ends_with 11 "$thymos" approvals approve "$held" --digest "$digest" --key "$scratch/mallory.key" --as mallory
ends_with 11 "$thymos" approvals approve "$held" --digest "$digest" --key "$scratch/mallory.key" --as bob
[ ! -f releases/1 ] || fail "a stranger was believed"
"$thymos" approvals approve "$held" --digest "$digest" --key "$scratch/bob.key" --as bob
[ -f releases/1 ] || fail "two of three were not enough"

# The second release: one says yes, and one says no.
id=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
ends_with 10 "$thymos" run --resume "$id" "and the next"
waits
ends_with 10 "$thymos" approvals approve "$held" --digest "$digest" --key "$scratch/eve.key" --as eve
"$thymos" approvals deny "$held" --key "$scratch/bob.key" --as bob --reason "not on a Friday"
[ ! -f releases/2 ] || fail "a denied file is there"
[ -z "$("$thymos" approvals ls)" ] || fail "it waits still"
"$thymos" verify
