#!/bin/sh
# A key in a file and in a call: it is used, and it stands nowhere in the record. A protected file is read by no tool.
# All of it is one tenant's, and without its name nothing of it is listed.
set -eu

thymos=${THYMOS:-thymos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME THYMOS_TENANT
mkdir -p "$HOME/.config/thymos" "$scratch/ws"
cd "$scratch/ws"

fail() {
    echo "not as expected: $1" >&2
    exit 1
}

# Whether a file below the home, or what was printed, holds this text.
told() {
    grep -r -a -q -F -e "$1" "$HOME" "$scratch/out"
}

# Fakes, put together here, so that nobody takes this file for one that holds a secret.
key="sk-ant-""api03-"$(printf 'Zq8vK2m%s' Xw7Rt5Yb3Nc9Lp4Hs6Dj1Gf0)
word=$(printf 'hunter%s' 2blue)
printf 'PLAIN_LINE=zanzibar\n' > .env
printf 'host = localhost\napi = %s\ndb_password = %s\n' "$key" "$word" > settings.conf

# A call that reads this file.
reads() {
    printf '{"tool": "fs_read", "args": {"path": "%s"}}' "$1"
}

cat > "$scratch/turns.jsonl" <<TURNS
{"when": "look", "text": "I read both.", "calls": [$(reads .env), $(reads settings.conf)]}
{"when": "look", "text": "The key is $key."}
{"when": "copy", "calls": [{"tool": "fs_write", "args": {"path": "copy.conf", "content": "api = $key\n"}}]}
{"when": "copy", "text": "Copied."}
{"when": "later", "calls": [{"tool": "fs_write", "args": {"path": "later.conf", "content": "api = $key\n"}}]}
{"when": "later", "text": "I have to ask again."}
{"when": "cage", "calls": [{"tool": "shell", "args": {"command": "cat .env; cat settings.conf"}}]}
{"when": "cage", "text": "Seen."}
TURNS
cat > "$HOME/.config/thymos/config.toml" <<CONFIG
[session]
model = "script"
[providers.script]
kind = "scripted"
model = "demo"
base_url = "$scratch/turns.jsonl"
CONFIG

# One file is closed, the other is read with its secrets taken out. So are the words of the operator and of the model.
"$thymos" --tenant acme run "look at the settings; my key is $key" > "$scratch/out"
cat "$scratch/out"
grep -q '`.env` is protected and closed to every tool' "$scratch/out" || fail "the protected file was not refused"
run=$("$thymos" --tenant acme runs | head -n 1 | cut -d ' ' -f 1)
"$thymos" --tenant acme audit "$run" > "$scratch/out"
grep -F -e 'api = ' -e 'db_password = ' "$scratch/out"
grep -q 'api = ⟦secret:anthropic-key:' "$scratch/out" || fail "the key is not marked"
grep -q 'db_password = ⟦secret:password:' "$scratch/out" || fail "the password is not marked"

# What a held call had as real arguments ends with the process: a yes that comes later finds them gone.
code=0
"$thymos" --tenant acme run "later" > "$scratch/out" || code=$?
[ "$code" -eq 10 ] || fail "the write did not wait: $code"
id=$("$thymos" --tenant acme approvals ls | head -n 1 | cut -d ' ' -f 1)
digest=$("$thymos" --tenant acme approvals show "$id" --json | sed 's/.*"presented":"\([0-9a-f]*\)".*/\1/')
code=0
"$thymos" --tenant acme approvals approve "$id" --digest "$digest" > "$scratch/out" || code=$?
cat "$scratch/out"
[ "$code" -eq 11 ] || fail "it ran without what it was to write: $code"
grep -q 'secrets are not stored: ask again' "$scratch/out" || fail "it does not say why"
[ ! -e later.conf ] || fail "it was written"

# While the process lives the tool gets the real one. What is written is kept sealed, so that it can be undone.
code=0
"$thymos" --tenant acme run --mode auto "copy" > "$scratch/out" || code=$?
if [ "$code" -eq 10 ]; then
    echo "no cage of L2 can be had here, so a write waits for a person in auto mode too: that part is left out"
else
    [ "$code" -eq 0 ] || fail "the copy ended with $code"
    grep -q -F -e "$key" copy.conf || fail "the tool did not get the real key"
fi

# A command that a person approves cannot open the protected file either, where a cage of L2 or better holds it.
code=0
"$thymos" --tenant acme run "cage" > "$scratch/out" || code=$?
if [ "$code" -eq 11 ]; then
    echo "no cage at all can be had here: no command runs, and that part is left out"
else
    [ "$code" -eq 10 ] || fail "the command did not wait: $code"
    id=$("$thymos" --tenant acme approvals ls | grep 'cat .env' | cut -d ' ' -f 1)
    "$thymos" --tenant acme approvals show "$id" > "$scratch/card" 2> /dev/null
    if grep -q 'cage L[01]' "$scratch/card"; then
        echo "no cage of L2 can be had here: an approved command could read .env, and is denied"
        "$thymos" --tenant acme approvals deny "$id" --reason "no cage" > "$scratch/out"
    else
        grep 'cage L' "$scratch/card"
        digest=$("$thymos" --tenant acme approvals show "$id" --json | sed 's/.*"presented":"\([0-9a-f]*\)".*/\1/')
        "$thymos" --tenant acme approvals approve "$id" --digest "$digest" > "$scratch/out"
        if told zanzibar; then fail "the protected file was read"; fi
    fi
fi

# Neither key nor password stands in any file of the record, nor in what is printed of it. The search does find what is there.
"$thymos" --tenant acme ledger > "$scratch/out"
"$thymos" --tenant acme ledger --json >> "$scratch/out"
for run in $("$thymos" --tenant acme runs | cut -d ' ' -f 1); do
    "$thymos" --tenant acme audit "$run" >> "$scratch/out"
done
told settings.conf || fail "the search finds nothing"
if told "$key"; then fail "the key stands somewhere"; fi
if told "$word"; then fail "the password stands somewhere"; fi

# Another tenant's runs are not there; the proof is over all of the ledger.
"$thymos" runs > "$scratch/out" 2>&1
[ -z "$(grep acme "$scratch/out" || true)" ] || fail "another tenant is named"
grep -q "no trajectories yet" "$scratch/out" || fail "the runs of another tenant are listed"
code=0
"$thymos" audit "$run" 2> /dev/null || code=$?
[ "$code" -eq 1 ] || fail "the run of another tenant was found: $code"
"$thymos" verify
