#!/bin/sh
# A call that happens once for its arguments, whatever a model asks for; the operator alone has it done once more. Then a hold
# that a timer denies, and one's own version of a held call.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# The operator's table makes a tool happen once for its arguments.
config() {
    cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
[tools.kv_set]
repeat = "once"
$1
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$scratch/turns.jsonl"
CONFIG
}
config ""
pay='{"calls": [{"tool": "kv_set", "args": {"key": "invoice-7", "value": "paid"}}]}'
printf '%s\n' "$pay" "$pay" '{"text": "It was paid already."}' > "$scratch/turns.jsonl"
"$thymos" run "pay invoice 7" | tee "$scratch/out"
grep -q "it was done once before and happens once for a key" "$scratch/out" || fail "it happened twice"
run=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
entry=$("$thymos" ledger kind:commit --json | sed -n 's/.*"entry":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
code=0
"$thymos" again "$run" "$entry" || code=$?
[ "$code" -eq 0 ] || fail "the operator could not have it done once more: $code"
[ "$("$thymos" ledger kind:commit | wc -l)" -eq 2 ] || fail "it was not done once more"

# A hold that nobody answers in time is denied, by a timer and in no person's name.
config '[approvals]
expires_in = "1s"'
write='{"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}'
printf '%s\n' "$write" '{"text": "Nobody answered."}' > "$scratch/turns.jsonl"
code=0
"$thymos" run "write a note" || code=$?
[ "$code" -eq 10 ] || fail "the run ended with $code instead of 10"
run=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
sleep 2
"$thymos" run --resume "$run" "and now?" | tee "$scratch/out" || true
"$thymos" audit "$run" | grep -q "denied by timer" || fail "no timer is on record"
[ ! -e a.txt ] || fail "it was written without an answer"

# A held call in one's own version: the old one is closed, and the new one is asked about like any other.
config ""
printf '%s\n' "$write" '{"text": "Done."}' > "$scratch/turns.jsonl"
"$thymos" run "write a note" || true
hold=$("$thymos" approvals ls | cut -d ' ' -f 1)
code=0
"$thymos" approvals edit "$hold" --args '{"path": "b.txt", "content": "b"}' || code=$?
[ "$code" -eq 10 ] || fail "the own version did not wait: $code"
hold=$("$thymos" approvals ls | cut -d ' ' -f 1)
digest=$("$thymos" approvals show "$hold" 2>&1 | sed -n 's/.*--digest //p')
"$thymos" approvals approve "$hold" --digest "$digest"
[ -e b.txt ] || fail "the own version was not done"
[ ! -e a.txt ] || fail "the model's version was done"

"$thymos" verify
