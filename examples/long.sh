#!/bin/sh
# A run that grows longer than what its model is shown: the model sums up its older turns, the summary is recorded and read
# in their place, and every word of the turns stays in the ledger.
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

# Eight files, and a model that reads one after the other. It may read 8,000 tokens a turn, tools included.
turns="$scratch/turns.jsonl"
echo '{"summary": "The files that were read so far hold nothing but lines of text."}' > "$turns"
for name in a b c d e f g h; do
    seq -f "line %g of file $name" 200 > "$name.txt"
    echo "{\"calls\": [{\"tool\": \"fs_read\", \"args\": {\"path\": \"$name.txt\"}}]}" >> "$turns"
done
echo '{"text": "All of them hold nothing but lines of text."}' >> "$turns"
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
[run]
context_tokens_max = 8000
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$turns"
CONFIG

"$thymos" run "what do the files say?" > "$scratch/out" 2> "$scratch/said" || fail "the run: $(cat "$scratch/said")"
grep -v "^usage" "$scratch/out"
grep -q "^ai (summing up): The files that were read" "$scratch/out" || fail "nothing was summed up"
grep -q "^stop: done" "$scratch/out" || fail "the run did not end well"

# What was summed up is still there, and the whole is as it was written.
run=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)
"$thymos" audit "$run" > "$scratch/audit"
grep -q "a.txt" "$scratch/audit" || fail "the first file is not in the record"
"$thymos" verify
