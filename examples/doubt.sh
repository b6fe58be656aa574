#!/bin/sh
# A command is approved and the program is killed in the middle of it: nobody knows whether it happened. It is listed, the
# same call is refused meanwhile, a person looks and settles it, and the work goes on.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
worker=
trap '[ -z "$worker" ] || kill -9 "$worker" 2> /dev/null || true; rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# What must end with this exit code; what it printed and said is kept.
ends() {
    wanted=$1
    shift
    code=0
    "$thymos" "$@" > "$scratch/out" 2> "$scratch/said" || code=$?
    cat "$scratch/out" "$scratch/said"
    [ "$code" -eq "$wanted" ] || fail "$* ended with $code instead of $wanted"
}

# The command leaves a mark, works until there is a file `go`, and leaves a second mark. The model wants it in both runs.
command='echo begun >> marks; while [ ! -e go ]; do sleep 0.1; done; echo ended >> marks'
call="{\"tool\": \"shell\", \"args\": {\"command\": \"$command\"}}"
cat > "$scratch/turns.jsonl" <<TURNS
{"when": "build", "text": "I build it.", "calls": [$call]}
{"when": "build", "text": "It did not happen, so once more.", "calls": [$call]}
{"when": "build", "text": "It is built."}
{"when": "meanwhile", "calls": [$call]}
{"when": "meanwhile", "text": "It has to be settled first."}
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
"$thymos" run "build it" > "$scratch/out" 2> "$scratch/said" || code=$?
cat "$scratch/out" "$scratch/said"
if [ "$code" -eq 11 ] && grep -q "this machine offers" "$scratch/out"; then
    echo "no cage at all can be had here, and edit mode wants one: nothing to show"
    exit 0
fi
[ "$code" -eq 10 ] || fail "the run ended with $code instead of 10"
run=$("$thymos" runs | head -n 1 | cut -d ' ' -f 1)

# The oldest hold, and the digest to quote.
held() {
    id=$("$thymos" approvals ls 2> /dev/null | head -n 1 | cut -d ' ' -f 1)
    digest=$("$thymos" approvals show "$id" --json | sed 's/.*"presented":"\([0-9a-f]*\)".*/\1/')
}

# Approved, and at work: the mark is there. Then the program is killed, and what it ran ends with it.
held
"$thymos" approvals approve "$id" --digest "$digest" > /dev/null 2>&1 &
worker=$!
looks=0
until [ -s marks ]; do
    looks=$((looks + 1))
    [ "$looks" -le 300 ] || fail "the command did not begin"
    sleep 0.05
done
kill -9 "$worker"
wait "$worker" 2> /dev/null || true
worker=

# What is in doubt, with the id that settles it.
ends 0 settle
[ "$(wc -l < "$scratch/out")" -eq 1 ] || fail "one call is in doubt"
doubt=$(cut -d ' ' -f 1 "$scratch/out")
"$thymos" runs | grep -q "in doubt" || fail "the list of runs does not say it"

# The same call is refused meanwhile, in another run too, and nothing of it is done.
ends 0 run "meanwhile"
grep -q "is in doubt; settle it first" "$scratch/out" || fail "the same call was not refused for it"
[ "$(cat marks)" = begun ] || fail "it happened a second time"

# A person looks: there is no second mark. That is signed and recorded.
ends 2 settle "$doubt"
ends 0 settle "$doubt" --as did-not-happen --reason "marks has no second line"
ends 0 settle
grep -q "nothing is in doubt" "$scratch/said" || fail "it is still in doubt"

# An approval is for one effect: the same call waits anew, and now it comes to its end.
touch go
ends 10 run --resume "$run" "go on"
held
ends 0 approvals approve "$id" --digest "$digest"
grep -q ended marks || fail "it did not come to its end"
ends 0 run --resume "$run"

"$thymos" ledger --run "$run" kind:reconciled
"$thymos" verify
