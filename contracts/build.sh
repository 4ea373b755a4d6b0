#!/bin/sh
# Compiles Anchor.sol to Anchor.json (interface, code, settings), Anchor.bin and Anchor.bin-runtime (code in hex), and
# lists their SHA-256. With --check, compiles beside the committed files and compares. Ends with 3 where node or npm, or
# the compiler by npm, cannot be had.
set -eu
cd "$(dirname "$0")"
. ./tools.sh
out=$(mktemp -d)
trap 'rm -rf "$out" ${new:+"$new"}' EXIT
node tools/compile.js "$tools/solc" "$out"
(cd "$out" && sha256sum Anchor.json Anchor.bin Anchor.bin-runtime > SHA256SUMS)
if [ "${1-}" = --check ]; then
    for file in Anchor.json Anchor.bin Anchor.bin-runtime SHA256SUMS; do
        cmp "$out/$file" $file || exit 1
    done
    echo "the committed contract is what its source gives"
else
    cp "$out"/* .
    cat SHA256SUMS
fi
