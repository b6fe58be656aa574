#!/bin/sh
# What one run keeps the next one recalls, with where it comes from; a person forgets it everywhere.
# Everything happens in a scratch folder.
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

cat > "$HOME/.config/thymos/config.toml" <<END
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "x"
base_url = "$scratch/script.jsonl"
END

# Only the mode auto may write what later runs will read.
cat > "$scratch/script.jsonl" <<'END'
{"calls": [{"tool": "memory_write", "args": {"key": "build", "text": "use make", "tags": ["ci"]}}]}
{"text": "Kept, if I may."}
END
code=0
"$thymos" --mode edit run "remember how this is built" || code=$?
[ "$code" -eq 11 ] || fail "a run whose only call is refused ends with $code"
[ -z "$("$thymos" memory ls 2> /dev/null)" ] || fail "the mode edit keeps nothing"
"$thymos" --mode auto run "remember how this is built"
"$thymos" memory ls | grep -q '^build .* semantic .* use make' || fail "the note is listed"
"$thymos" memory show build

# Another trajectory, in another process, recalls it.
cat > "$scratch/script.jsonl" <<'END'
{"calls": [{"tool": "memory_recall", "args": {"query": "make"}}]}
{"text": "I looked."}
END
"$thymos" --mode plan run "how is this built?"
"$thymos" ledger kind:commit | tail -n 1 | grep -q 'recalled 1 note' || fail "the note is recalled"

# Forgotten once, it is gone for all of them.
"$thymos" memory forget build
"$thymos" --mode plan run "how is this built?"
"$thymos" ledger kind:commit | tail -n 1 | grep -q 'recalled 0 notes' || fail "the note is forgotten"

"$thymos" verify
