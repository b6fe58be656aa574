#!/bin/sh
# A file that should never have been recorded is erased: the words are gone from every file of the ledger, and the proofs hold.
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

# What must end with this exit code.
ends() {
    wanted=$1
    shift
    code=0
    "$thymos" "$@" > "$scratch/out" 2> "$scratch/said" || code=$?
    [ "$code" -eq "$wanted" ] || fail "$* ended with $code instead of $wanted: $(cat "$scratch/said")"
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
{"calls":[{"tool":"fs_write","args":{"path":"letter.md","content":"To Agatha Brandmeier, Elm Street 7\n"}}]}
{"text":"The letter is written."}
END
code=0
"$thymos" run "write the letter" || code=$?
# Where the machine offers no cage, the write waits for a person first.
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

# Which entry it is, and what would go with it. Nothing is touched without a word: exit 10.
seq=$("$thymos" ledger --run "$run" kind:commit --json | sed 's/.*"seq":\([0-9]*\).*/\1/')
"$thymos" erase "$run#$seq" --reason "an address" --dry-run
ends 10 erase "$run#$seq" --reason "an address"
digest=$(sed -n 's/^plan //p' "$scratch/out")

# Authority is never erased: exit 11.
writ=$("$thymos" ledger --run "$run" kind:writ_issued --json | head -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/')
ends 11 erase "$run#$writ" --reason "too much"

"$thymos" erase "$run#$seq" --reason "an address" --yes --plan-digest "$digest"
grep -r -a -q Brandmeier "$HOME/.local" && fail "it still stands in a file"
"$thymos" ledger --run "$run"
"$thymos" verify

# Twice is once, and nothing goes on from here.
ends 0 erase "$run#$seq" --reason "again" --dry-run
grep -q already "$scratch/out" || fail "it does not say that it is erased"
ends 1 run --resume "$run" "and another"
grep -q "nothing goes on" "$scratch/said" || fail "it went on"
