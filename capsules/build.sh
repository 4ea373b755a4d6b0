#!/bin/sh
# Compiles the sample capsules: capsules/NAME/NAME.c to capsules/NAME/capsule.wasm, and lists their SHA-256.
# Needs clang and wasm-ld (Debian: apt-get install clang lld). With --check, compiles beside the committed files
# and compares: equal bytes need the compiler named in SHA256SUMS. PROGRAMS and NAMES are for other directories
# of programs (benches/programs).
set -eu
cd "${PROGRAMS:-$(dirname "$0")}"
out=.
if [ "${1-}" = --check ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
names=${NAMES:-sha256 sieve sum}
for name in $names; do
    mkdir -p "$out/$name"
    # -mcpu=mvp: nothing beyond WebAssembly 1.0. A stack of 16 KiB lies below the data, so that an overflow traps.
    clang --target=wasm32-unknown-unknown -mcpu=mvp -std=c11 -O2 -Wall -Wextra -Werror \
        -nostdlib -ffreestanding -fno-builtin -fvisibility=hidden -mno-bulk-memory \
        -Wl,--no-entry -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=16384 \
        -o "$out/$name/capsule.wasm" "$name/$name.c"
done
sums() {
    echo "# $(clang --version | head -n 1)"
    for name in $names; do sha256sum "$name/capsule.wasm"; done
}
if [ "$out" = . ]; then
    sums > SHA256SUMS
    cat SHA256SUMS
else
    (cd "$out" && sums) | diff SHA256SUMS - && echo "the committed capsules are what these sources give"
fi
