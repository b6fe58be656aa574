#!/bin/sh
# The key of a model provider: kept from a pipe, listed without itself, known to the record, and taken
# away. Everything happens in a scratch folder that is removed at the end.
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
    echo "not as expected: $1" >&2
    exit 1
}

# What is left to set up, without a terminal and without a question.
"$thymos" setup

# A key from a pipe, as a password manager would give it.
key="sk-example-0123456789abcdef"
printf '%s\n' "$key" | "$thymos" auth set openai
"$thymos" auth ls | grep '^openai .*kept'
if "$thymos" auth ls --json | grep -q "$key"; then fail "the key was printed"; fi

# It is not in the record, also where somebody says it.
"$thymos" --model practice run "give me a tour of $key" > /dev/null || [ $? -eq 10 ]
if "$thymos" ledger --json | grep -q "$key"; then fail "the key is in the ledger"; fi

# What is no key is told.
if printf 'two words' | "$thymos" auth set openai; then fail "two words were taken for a key"; fi

"$thymos" auth rm openai
"$thymos" auth ls | grep '^openai .*missing'
