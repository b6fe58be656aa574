#!/bin/sh
# A task in two parts: the agent orders one agent for each, they work side by side under narrower
# writs, and their results come back. What they may do and spend is taken from the writ above.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"
printf '# Demo\nhello\n' > README.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# Lines with `when` play in conversations that begin with those words: the delegated ones.
cat > "$scratch/turns.jsonl" <<'TURNS'
{"text": "Two parts, at once.", "calls": [{"tool": "delegate", "args": {"task": "read the README", "tools": ["fs_read"]}}, {"tool": "delegate", "args": {"task": "write a file", "effects": "read", "budget": {"tool_calls": 3}}}]}
{"text": "Both reported back."}
{"when": "read the README", "calls": [{"tool": "fs_read", "args": {"path": "README.md"}}]}
{"when": "read the README", "text": "It says hello."}
{"when": "write a file", "calls": [{"tool": "fs_write", "args": {"path": "x", "content": "x"}}]}
{"when": "write a file", "text": "I may not write."}
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
"$thymos" run "look at the project" || code=$?
[ "$code" -eq 0 ] || fail "the run ended with $code instead of 0"

# The tree: two delegated runs below the one that ordered them.
"$thymos" runs | tee "$scratch/runs"
[ "$(grep -c '  delegated ' "$scratch/runs")" -eq 2 ] || fail "there are not two delegated runs"

# The one that tried to write was refused: its writ reaches no further than reading.
[ ! -f x ] || fail "a reader wrote"
"$thymos" ledger kind:rejection
"$thymos" ledger kind:delegation_result
"$thymos" verify
