#!/bin/sh
# Runs benchmarks in the release profile and writes docs/benchmarks.md with its plots: all of them (an hour or more on two cores),
# or those that are named. Leave the machine alone meanwhile. What is not run has no figure on the page.
#
#   benches/run.sh [--add] [proofs batches rollup parts ledger worker admission onion sync mesh]…
#
# `--add` keeps what was measured before; the page then says of which run each table is.
set -eu
cd "$(dirname "$0")/.."
. .ci/env

figures=${NONOS_FIGURES:-$CARGO_TARGET_DIR/figures.jsonl}
export NONOS_FIGURES="$figures"
if [ "${1-}" = --add ]; then shift; else rm -f "$figures"; fi
[ $# != 0 ] || set -- parts admission onion sync worker ledger rollup batches proofs mesh

# A text as JSON has it.
quoted() { printf '"%s"' "$(printf %s "$*" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"; }
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD || commit="$commit, with changes"
machine="$(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
memory="$(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo)"
printf '{"table":"run","date":%s,"commit":%s,"machine":%s,"memory":%s,"rustc":%s,"load":%s}\n' \
    "$(quoted "$(date -u +%Y-%m-%d)")" "$(quoted "$commit")" "$(quoted "$machine")" "$(quoted "$memory")" \
    "$(quoted "$(rustc --version)")" "$(quoted "$(cut -d' ' -f1 /proc/loadavg)")" >>"$figures"

core() { cargo run --release --locked -p nonos-mesh --no-default-features --example "$1"; }
for part; do
    say "$part"
    case $part in
    proofs) cargo bench --locked -p nonos-benches --bench figures -- stark ;;
    batches) cargo bench --locked -p nonos-benches --bench figures -- batch ;;
    rollup | parts) cargo bench --locked -p nonos-benches --bench "$part" ;;
    ledger) cargo bench --locked -p nonos-store-rocksdb --bench ledger ;;
    worker) cargo bench --locked -p nonos-worker --bench start ;;
    mesh) cargo bench --locked -p operator --bench mesh ;;
    admission | onion | sync) core "$part" ;;
    *) stop "no part $part" ;;
    esac
    # A run that is broken off has a page of what there is.
    cargo run --quiet --locked --manifest-path tools/Cargo.toml -- benchmarks "$figures"
done
say "docs/benchmarks.md is written; what was measured is in $figures"
