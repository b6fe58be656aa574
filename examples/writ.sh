#!/bin/sh
# A writ file: made, signed, narrowed for a helper, worked under by two runs that share its budget,
# and revoked. Everything happens in a scratch folder that is removed at the end.
set -eu

thymos=${THYMOS:-thymos}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME" "$scratch/ws"
cd "$scratch/ws"
echo '# Demo' > README.md

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# A template from plan mode: it only reads, for at most twelve calls, for eight hours.
"$thymos" writ new --from plan --name look --budget tool_calls=12 --expires 8h > look.json

# Unsigned, it is worth nothing.
code=0
"$thymos" writ check look.json || code=$?
[ "$code" -eq 11 ] || fail "an unsigned writ was answered with $code instead of 11"

"$thymos" writ sign look.json > signed.json
"$thymos" writ check signed.json
"$thymos" writ show signed.json

# What it would have allowed of the past, before anybody works under it; here there is none yet.
"$thymos" writ simulate signed.json

# A run takes a share of it. What it does not use comes back when it ends.
"$thymos" --model practice run --writ signed.json --budget tool_calls=8 "give me a tour"
"$thymos" writ ls

# More than is left is refused, and what is left is named.
code=0
"$thymos" --model practice run --writ signed.json --budget tool_calls=12 "again" || code=$?
[ "$code" -eq 12 ] || fail "more than is left was answered with $code instead of 12"

# Revoked, it gives nothing to anybody any more.
"$thymos" writ revoke signed.json --reason "the week is over"
code=0
"$thymos" --model practice run --writ signed.json "again" || code=$?
[ "$code" -eq 11 ] || fail "a revoked writ was answered with $code instead of 11"

# Samples to start from: what is granted is the file's, who may use it and until when is yours.
for sample in reviewer one-folder ci-runner short-delegate; do
    "$thymos" writ new --like "$here/writs/$sample.json" --expires 30m > body.json
    "$thymos" writ sign body.json > "$sample.json"
    "$thymos" writ check "$sample.json"
done
code=0
"$thymos" writ explain one-folder.json --tool fs_write --args '{"path": "src/a", "content": ""}' || code=$?
[ "$code" -eq 11 ] || fail "a write beside the folder was answered with $code instead of 11"

"$thymos" verify
