#!/bin/sh
# Two branches of one commit go their own ways; the trajectory they came from stays as it was.
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
{"calls":[{"tool":"kv_set","args":{"key":"colour","value":"red"}}]}
{"calls":[{"tool":"kv_set","args":{"key":"colour","value":"green"}}]}
{"text":"Both are set."}
END
"$thymos" run "set a colour twice"
run=$("$thymos" runs --json | sed 's/.*"trajectory":"\([0-9a-f]*\)".*/\1/')

# The first commit, by its sequence number.
first=$("$thymos" ledger --run "$run" --json kind:commit | head -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/')
last=$("$thymos" ledger --run "$run" --json kind:commit | tail -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/')
"$thymos" replay "$run" --diff "$first..$last" | tee "$scratch/diff"
grep -q -- '- kv:colour .*"red"' "$scratch/diff" || fail "the difference does not show red"
grep -q -- '+ kv:colour .*"green"' "$scratch/diff" || fail "the difference does not show green"

# A branch starts from a commit, and from nothing else.
code=0
"$thymos" branch "$run" 0 || code=$?
[ "$code" -eq 1 ] || fail "a branch off the root ended with $code instead of 1"

branch() {
    "$thymos" branch "$run" "$first" --json | sed 's/.*"trajectory":"\([0-9a-f]*\)".*/\1/'
}
one=$(branch)
two=$(branch)
[ "$one" != "$two" ] || fail "two branches are one"
"$thymos" replay "$one" | grep 'kv:colour .*"red"' || fail "the branch does not start from red"
"$thymos" replay "$run" | grep 'kv:colour .*"green"' || fail "the past changed"
"$thymos" verify
