#!/bin/sh
# Prints the path of anvil, a node of a development chain, installing it from npm if needed. Ends with 3 where it
# cannot be had.
set -eu
cd "$(dirname "$0")"
. ./tools.sh
for path in "$tools"/@foundry-rs/anvil-*/bin/anvil; do
    if [ -x "$path" ] && "$path" --version >/dev/null 2>&1; then
        echo "$path"
        exit 0
    fi
done
echo "there is no anvil for this machine" >&2
exit 3
