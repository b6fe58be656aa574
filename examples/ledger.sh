#!/bin/sh
# Finds entries by a filter, and tells where a value comes from and what came of it.
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
[providers.script]
kind = "scripted"
model = "turns"
base_url = "$scratch/turns.jsonl"
END
cat > "$scratch/turns.jsonl" <<END
{"text":"I keep it.","calls":[{"tool":"kv_set","args":{"key":"colour","value":"red"}}]}
{"calls":[{"tool":"kv_get","args":{"key":"colour"}}]}
{"calls":[{"tool":"kv_set","args":{"key":"colour","value":"green"}}]}
{"text":"Done."}
END
"$thymos" run "keep a colour"
run=$("$thymos" runs --json | sed 's/.*"trajectory":"\([0-9a-f]*\)".*/\1/')

"$thymos" ledger --run "$run" kind:commit tool:kv_set | tee "$scratch/commits"
[ "$(wc -l < "$scratch/commits")" -eq 2 ] || fail "two commits of kv_set"
first=$("$thymos" ledger --run "$run" --json kind:commit | head -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/')

# Back to the prompt, and forward to who read and changed it.
"$thymos" audit "$run" --of kv:colour --at "$first" | tee "$scratch/way"
for step in done begun wanted said asked writ told read changed; do
    grep -q "^  $step " "$scratch/way" || fail "no step \`$step\`"
done
grep -q 'you: keep a colour' "$scratch/way" || fail "it does not lead back to the prompt"

# What it holds now was set by another call.
"$thymos" audit "$run" --of kv:colour | tee "$scratch/now"
grep -q "set at $first\$" "$scratch/now" && fail "what it holds now is not what was set first"

# What nobody set has no provenance.
code=0
"$thymos" audit "$run" --of kv:shape || code=$?
[ "$code" -eq 1 ] || fail "the provenance of nothing ended with $code instead of 1"
