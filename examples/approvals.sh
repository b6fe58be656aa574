#!/bin/sh
# An approval that reaches further than one call: shown with what it would have covered, signed with
# an end and a count, used, and revoked. Then a refusal whose smallest grant is signed.
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

# A model that writes three files in one turn, and then reads one that Edit does not grant it to move.
cat > "$scratch/turns.jsonl" <<'TURNS'
{"text": "Three small files.", "calls": [{"tool": "fs_write", "args": {"path": "notes/a.md", "content": "a\n"}}, {"tool": "fs_write", "args": {"path": "notes/b.md", "content": "b\n"}}, {"tool": "fs_write", "args": {"path": "other/c.md", "content": "c\n"}}]}
{"text": "One to remember.", "calls": [{"tool": "memory_write", "args": {"key": "where", "text": "notes/"}}]}
{"text": "Done."}
TURNS
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$scratch/turns.jsonl"
CONFIG

code=0
"$thymos" run "write the notes" || code=$?
[ "$code" -eq 10 ] || fail "the run ended with $code instead of 10"
"$thymos" approvals ls

# The first of them, with a scope: everything below notes/, ten minutes, twice at most.
first=$("$thymos" approvals ls | grep notes/a.md | cut -d ' ' -f 1)
second=$("$thymos" approvals ls | grep notes/b.md | cut -d ' ' -f 1)
third=$("$thymos" approvals ls | grep other/c.md | cut -d ' ' -f 1)
"$thymos" approvals preview "$first" --scope below:notes --for 10m --uses 2 > "$scratch/preview"
cat "$scratch/preview"
grep -q "at most 2 times" "$scratch/preview" || fail "the count is not told"
grep -q "covers what waits now" "$scratch/preview" || fail "the second file is not covered"

digest=$("$thymos" approvals show "$first" 2>&1 | sed -n 's/.*--digest //p')
"$thymos" approvals approve "$first" --digest "$digest" --scope below:notes --for 10m --uses 2
[ -f notes/a.md ] || fail "the approved file is not there"
[ ! -f notes/b.md ] || fail "a covered hold ran by itself"

# What the scope covers is let through when asked, and nothing else is.
"$thymos" approvals drain "$second"
[ -f notes/b.md ] || fail "the drained file is not there"
code=0
"$thymos" approvals drain "$third" || code=$?
[ "$code" -eq 10 ] || fail "a hold outside the scope was let through: $code"
"$thymos" approvals deny "$third" --reason "not there"

# Remembering is granted in Auto alone: the refusal names what would allow it, and signing does.
id=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
"$thymos" run --resume "$id" "go on" || true
refused=$("$thymos" ledger kind:rejection tool:memory_write --json | sed -n 's/.*"entry":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
"$thymos" grant "$refused" | tee "$scratch/grant"
grep -q "+ memory_write" "$scratch/grant" || fail "the grant is not told"
"$thymos" grant "$refused" --sign
"$thymos" verify
