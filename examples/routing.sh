#!/bin/sh
# Which model was chosen for each call stands in the record, and the export of it holds none of the
# work. Everything happens in a scratch folder.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"
echo '# walrus' > walrus.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

cat > "$scratch/script.jsonl" <<'END'
{"calls": [{"tool": "fs_read", "args": {"path": "walrus.md"}}]}
{"text": "The walrus is read."}
END
cat > "$HOME/.config/thymos/config.toml" <<END
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "x"
base_url = "$scratch/script.jsonl"
END

"$thymos" run "read about the walrus"
"$thymos" routing
"$thymos" routing --json > "$scratch/rows"
grep -q '"selected":"script:x"' "$scratch/rows" || fail "the selection is told"
grep -q '"outcome":"done"' "$scratch/rows" || fail "the outcome is told"
grep -q 'walrus' "$scratch/rows" && fail "a word of the work is in the export"
"$thymos" verify
