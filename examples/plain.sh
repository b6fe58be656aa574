#!/bin/sh
# A session without a screen: labelled lines over two pipes, an approval that is read before it is given,
# a line that was typed too early, and a denial with its reason. Everything happens in a scratch folder
# that is removed at the end.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME" "$scratch/ws"
cd "$scratch/ws"
echo '# Demo' > README.md

fail() {
    cat "$scratch/out" >&2
    echo "not as expected: $1" >&2
    exit 1
}

# What is typed goes through a pipe with a name; what is printed is kept, to be read like a person would.
mkfifo "$scratch/typed"
"$thymos" --model practice --plain < "$scratch/typed" > "$scratch/out" &
pid=$!
exec 3> "$scratch/typed"
trap 'kill "$pid" 2> /dev/null || true; rm -rf "$scratch"' EXIT

# Waits for a line that begins so, for a minute at most.
reads() {
    looks=0
    until grep -q "^$1" "$scratch/out"; do
        looks=$((looks + 1))
        [ "$looks" -le 600 ] || fail "there is no line \`$1\`"
        sleep 0.1
    done
}

reads "thymos: plain mode (--plain)"
# The second line is typed before there is anything to approve: it approves nothing.
echo "give me a tour" >&3
echo "wait" >&3
echo "approve 1" >&3
reads "approval 1: presented"
reads "notice: that was typed before approval 1 was printed"
[ ! -e thymos-practice.md ] || fail "it was written before anybody read what it is"

# A bare yes decides nothing either. A card has to be out for a moment before it can be answered.
echo "yes" >&3
reads "notice: .yes. decides nothing"
sleep 1
echo "approve 1" >&3
reads "decision: approval 1 approved by you"
reads "tool: fs_write done"
[ -e thymos-practice.md ] || fail "it was approved and not written"

reads "approval 2: presented"
sleep 1
echo "deny 2 because counting is not needed" >&3
reads "decision: approval 2 denied by you, reason recorded: counting is not needed"
reads "run: done"

# The end of the input leaves; nothing waits, so the exit code is 0.
exec 3>&-
code=0
wait "$pid" || code=$?
[ "$code" -eq 0 ] || fail "it ended with $code"
cat "$scratch/out"

# Not one escape code was written, and the record has both answers.
! grep -q "$(printf '\033')" "$scratch/out" || fail "an escape code was written"
[ "$("$thymos" ledger kind:approval | grep -c 'via plain mode')" -eq 2 ] || fail "the record lacks an answer"
"$thymos" verify
