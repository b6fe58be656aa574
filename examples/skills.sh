#!/bin/sh
# A skill narrows a run: what it does not name is refused, a wrong value records nothing, and the
# record derives the narrowing again. Everything happens in a scratch folder.
set -eu

thymos=${THYMOS:-thymos}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws/docs"
cd "$scratch/ws"
echo '# Demo' > docs/a.md
echo '# Other' > b.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

expect() {
    code=0
    want=$1
    shift
    "$thymos" "$@" > "$scratch/out" 2> "$scratch/err" || code=$?
    [ "$code" -eq "$want" ] || { cat "$scratch/err" >&2; fail "thymos $* ended with $code instead of $want"; }
}

# A model that plays lines: it reads below `docs`, then tries to read and to write elsewhere.
cat > "$scratch/script.jsonl" <<'END'
{"calls": [{"tool": "fs_read", "args": {"path": "docs/a.md"}}, {"tool": "fs_read", "args": {"path": "b.md"}}, {"tool": "fs_write", "args": {"path": "docs/a.md", "content": "x"}}]}
{"text": "It is a demo."}
END
cat > "$HOME/.config/thymos/config.toml" <<END
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "x"
base_url = "$scratch/script.jsonl"
END

# From file to folder: checked, imported, signed with your own key.
for name in repo-reader safe-editor test-fixer; do
    expect 0 skills check "$here/skills/$name.json"
    expect 0 skills import "$here/skills/$name.json"
done
expect 0 skills sign repo-reader
expect 0 skills ls
[ "$(wc -l < "$scratch/out")" -eq 3 ] || fail "three skills are listed"
grep -q cannot "$scratch/out" && fail "a skill cannot be bound"

# A wrong value is told before anything is made.
expect 2 run --skill test-fixer --param rounds=99 "mend it"
grep -q 'give one of: 1, 2, 3, 5, 8' "$scratch/err" || fail "the allowed values are named"
[ -z "$("$thymos" runs 2> /dev/null)" ] || fail "nothing is recorded"

# Bound, it narrows: reading below docs is done, the rest is refused.
expect 0 run --skill repo-reader --param folder=docs "explain it"
"$thymos" ledger kind:skill_bound | grep -q 'skill repo-reader 1 bound' || fail "the binding is an entry"
[ "$("$thymos" ledger kind:rejection | wc -l)" -eq 2 ] || fail "two calls are refused"
[ "$("$thymos" ledger kind:commit | wc -l)" -eq 1 ] || fail "one call is done"
"$thymos" routing | grep -q 'script:x' || fail "the choice of the model is told"

# Tuned, it is the next version, and has to be signed again.
expect 0 skills tune repo-reader --set folder=docs
grep -q 'version 2' "$scratch/out" || fail "tuning makes the next version"

# A file with a fault is refused with line and column; a taken name is not overwritten.
printf '{\n  "v": 1\n  "name": "x"\n}\n' > "$scratch/bad.json"
expect 1 skills import "$scratch/bad.json"
grep -q 'line 3 column 3' "$scratch/err" || fail "the place of the fault is told"
expect 1 skills import "$here/skills/repo-reader.json"
grep -q 'is taken' "$scratch/err" || fail "a taken name is told"
expect 0 skills rm repo-reader

"$thymos" verify
