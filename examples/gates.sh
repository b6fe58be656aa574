#!/bin/sh
# The two gates beside the rules: what the operator's table calls irreversible is refused under every mode, can
# be granted for exactly that call, and waits for a person even then; and a run with a lower risk threshold.
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

# A model that wants the same command twice, and then a file.
cat > "$scratch/turns.jsonl" <<'TURNS'
{"text": "Releasing.", "calls": [{"tool": "shell", "args": {"command": "touch released"}}]}
{"text": "It was refused."}
{"text": "Once more.", "calls": [{"tool": "shell", "args": {"command": "touch released"}}]}
{"text": "Released."}
TURNS
# For this operator every command is taken for one that nothing takes back.
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
mode = "auto"
[tools.shell]
effect = "irreversible"
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$scratch/turns.jsonl"
CONFIG

code=0
"$thymos" run "release it" || code=$?
[ "$code" -eq 11 ] || fail "no mode grants what is irreversible, and the run ended with $code"

# The smallest grant: this command with these arguments, and the class it needs.
refused=$("$thymos" ledger kind:rejection --json | sed -n 's/.*"entry":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
"$thymos" grant "$refused" --sign

# Granted is not done: the gate holds it until a person has said yes to this very call.
id=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
code=0
"$thymos" run --resume "$id" "now" || code=$?
[ "$code" -eq 10 ] || fail "the run ended with $code instead of 10"
[ ! -e released ] || fail "it ran without an answer"
hold=$("$thymos" approvals ls | grep 'touch released' | cut -d ' ' -f 1)
"$thymos" approvals show "$hold" > "$scratch/card" 2>&1
cat "$scratch/card"
grep -q "C14 (irreversible gate)" "$scratch/card" || fail "the gate is not told"
grep -q "not reversible" "$scratch/card" || fail "the card does not say that it stays"
digest=$(sed -n 's/.*--digest //p' "$scratch/card")
"$thymos" approvals approve "$hold" --digest "$digest"
[ -e released ] || fail "it was approved and did not happen"

# Risk: from `low` on everything that a rule lets pass by itself waits too. A flag may tighten and not loosen.
cat > "$scratch/turns.jsonl" <<'TURNS'
{"text": "A note.", "calls": [{"tool": "kv_set", "args": {"key": "a", "value": "b"}}]}
TURNS
code=0
"$thymos" run --risk-threshold low "note it" || code=$?
[ "$code" -eq 10 ] || fail "a call of low risk did not wait: $code"
code=0
"$thymos" run --risk-threshold critical "note it" || code=$?
[ "$code" -eq 2 ] || fail "a flag loosened the threshold: $code"
"$thymos" verify
