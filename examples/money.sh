#!/bin/sh
# Money: prices of a provider's own, what each turn cost on record, a writ with so many cents, and what a run under it did
# not spend given back by hand.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"
echo '# Demo' > README.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# A model that is charged for tokens: 2,000 read and 500 written a turn. At 250 and 1,000 cents a million that is one cent.
turns="$scratch/turns.jsonl"
for turn in 1 2 3 4; do
    echo '{"calls": [{"tool": "fs_read", "args": {"path": "README.md"}}], "used": {"input": 2000, "output": 500}}'
done > "$turns"
echo '{"when": "ask", "calls": [{"tool": "fs_write", "args": {"path": "a", "content": "x"}}], "used": {"input": 2000, "output": 500}}' >> "$turns"
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$turns"
prices = { input = 250, output = 1000, cached = 125 }
CONFIG

# Runs what follows a code that it must end with.
ends_with() {
    expected=$1 code=0
    shift
    "$@" > "$scratch/out" 2> "$scratch/said" || code=$?
    cat "$scratch/out" "$scratch/said"
    [ "$code" -eq "$expected" ] || fail "$* ended with $code instead of $expected"
}

# A writ of six cents, told in thousandths of a cent. A run takes two and a half of them, and stops when they are spent.
"$thymos" writ new --from edit --name pocket --budget usd_millicents=6000 --expires 1h > pocket.json
"$thymos" writ sign pocket.json > signed.json
ends_with 12 "$thymos" run --writ signed.json --budget usd_millicents=2500 "read on"
grep -q "budget of money is spent" "$scratch/said" || fail "it is not said that money is spent"

# What each turn cost stands in the record.
run=$("$thymos" runs | grep "read on" | sed 's/^ *//' | cut -d ' ' -f 1)
"$thymos" ledger --run "$run" kind:usage | tee "$scratch/usage"
grep -q 0.01000 "$scratch/usage" || fail "no turn cost a cent"

# A run that waits for a person keeps its share, so that the next one that wants as much is told who has it.
ends_with 10 "$thymos" run --writ signed.json --budget usd_millicents=3000 "ask"
ends_with 12 "$thymos" run --writ signed.json --budget usd_millicents=2000 "ask again"
share=$(sed -n 's/.*thymos writ close \([0-9a-f]*\).*/\1/p' "$scratch/said")
"$thymos" writ close "$share"
ends_with 10 "$thymos" run --writ signed.json --budget usd_millicents=2000 "ask again"
"$thymos" verify
