#!/bin/sh
# Two edits are taken back after their plan was shown and quoted, done again, and taken back once more.
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

# A model that plays these turns, whatever it is asked.
cat > "$HOME/.config/thymos/config.toml" <<END
[session]
model = "script"
mode = "auto"
[providers.script]
kind = "scripted"
model = "turns"
base_url = "$scratch/turns.jsonl"
END
cat > "$scratch/turns.jsonl" <<END
{"calls":[{"tool":"fs_write","args":{"path":"notes.md","content":"changed by the agent\\n"}}]}
{"calls":[{"tool":"fs_write","args":{"path":"src/new.txt","content":"made by the agent\\n"}}]}
{"text":"Both are written."}
END
echo 'mine' > notes.md
code=0
"$thymos" run "write two files" || code=$?
# Where the machine offers no cage, each write waits for a person first.
while [ "$code" -eq 10 ]; do
    id=$("$thymos" approvals ls | head -n 1 | cut -d ' ' -f 1)
    digest=$("$thymos" approvals show "$id" --json | sed 's/.*"presented":"\([0-9a-f]*\)".*/\1/')
    "$thymos" approvals approve "$id" --digest "$digest"
    run=$("$thymos" runs --json | sed 's/.*"trajectory":"\([0-9a-f]*\)".*/\1/')
    code=0
    "$thymos" run --resume "$run" || code=$?
done
[ "$code" -eq 0 ] || fail "the run ended with $code"
run=$("$thymos" runs --json | sed 's/.*"trajectory":"\([0-9a-f]*\)".*/\1/')

# The plan comes first, and nothing is touched: exit 10.
plan() {
    "$thymos" undo "$run" "$@" --json 2> "$scratch/said" | sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/'
}
code=0
"$thymos" undo "$run" || code=$?
[ "$code" -eq 10 ] || fail "the plan ended with $code instead of 10"
[ -f src/new.txt ] || fail "the plan touched a file"
digest=$(plan)

# A digest of another plan does nothing: exit 11.
code=0
"$thymos" undo "$run" --yes --plan-digest 000000 || code=$?
[ "$code" -eq 11 ] || fail "a wrong digest was answered with $code instead of 11"

"$thymos" undo "$run" --yes --plan-digest "$digest"
[ "$(cat notes.md)" = mine ] || fail "notes.md is not back"
[ ! -e src ] || fail "src is still there"

# An undo is recorded, and can itself be taken back.
first=$("$thymos" ledger --run "$run" --json kind:commit tool:restore | head -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/')
"$thymos" undo "$run" --from "$first" --yes --plan-digest "$(plan --from "$first")"
[ -f src/new.txt ] || fail "the redo brought nothing back"

# What somebody changed since is not overwritten: the plan says so, and exits 11.
echo 'by hand' > src/new.txt
code=0
"$thymos" undo "$run" || code=$?
[ "$code" -eq 11 ] || fail "a changed file was answered with $code instead of 11"
[ "$(cat src/new.txt)" = 'by hand' ] || fail "a change by hand was overwritten"
"$thymos" undo "$run" --partial --yes --plan-digest "$(plan --partial)"
[ "$(cat notes.md)" = mine ] || fail "notes.md is not back"
"$thymos" verify
