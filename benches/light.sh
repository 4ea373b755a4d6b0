#!/bin/sh
# What a program that only verifies costs: crates, time of a cold build, size of the stripped program; as a table.
# Each is a program of its own in a directory of its own that reads a receipt from a file, built in release without
# what other builds have left. Then the same crates for wasm32, where that target is installed.
#
#   benches/light.sh [all|types|halo2|stark]…      default: all
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# No settings of this machine's builds: ccache would not measure compiling, unified features not these programs.
unset CC CXX CARGO_TARGET_DIR CARGO_UNSTABLE_FEATURE_UNIFICATION CARGO_RESOLVER_FEATURE_UNIFICATION RUSTC_WRAPPER || true

stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

# program NAME BACKEND-CRATE: a package that verifies by this backend, or only reads what is signed.
program() {
    name=$1 backend=$2
    mkdir -p "$work/$name/src"
    cp "$root/Cargo.lock" "$work/$name/Cargo.lock"
    cp "$root/rust-toolchain.toml" "$work/$name/"
    {
        printf '[package]\nname = "light-%s"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n' "$name"
        for crate in nonos-types nonos-verify; do printf '%s = { path = "%s/crates/%s" }\n' $crate "$root" $crate; done
        if [ "$backend" != none ]; then
            for crate in nonos-machine nonos-package "$backend"; do
                printf '%s = { path = "%s/crates/%s" }\n' "$crate" "$root" "$crate"
            done
        fi
        printf '\n[profile.release]\npanic = "unwind"\noverflow-checks = true\nstrip = true\n'
    } >"$work/$name/Cargo.toml"
    case $name in
        types) verify='' uses='' ;;
        halo2)
            uses='use nonos_verify_halo2::{Halo2, ParamsStore};'
            make='Halo2::new(ParamsStore::in_memory())?' ;;
        stark)
            uses='use nonos_verify_stark::{Profile, Stark};'
            make='Stark::new(Profile::Fast)' ;;
        *) stop "$name is not one of types, halo2, stark" ;;
    esac
    if [ "$backend" != none ]; then
        uses="$uses
use nonos_machine::{ExecutionStatement, Subject};
use nonos_package::Package;
use nonos_verify::{Erased, Verifier as _};"
        verify="
    let package = Package::decode(file.package().ok_or(\"no capsule\")?)?;
    let claim = file.claim(Subject::Capsule(Box::new(package)).to_bytes());
    Erased::<ExecutionStatement, _>::new($make).verify(&claim.public, &claim.proof)?;"
    fi
    cat >"$work/$name/src/main.rs" <<END
use nonos_verify::ReceiptFile;
$uses

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("a file")?;
    let bytes = std::fs::read(path)?;
    let file = ReceiptFile::from_bytes(&bytes)?;$verify
    println!("{} signed for a run of {}", file.receipt().signer(), file.receipt().record.proven.capsule);
    Ok(())
}
END
}

# crates NAME: how many others it is built of.
crates() {
    (cd "$work/$1" && cargo tree --offline -e normal,build --prefix none --format '{p}') | sed 's/ (\*)$//' | sort -u | wc -l
}

measure() {
    name=$1 backend=$2
    program "$name" "$backend"
    count=$(crates "$name")
    started=$(date +%s)
    (cd "$work/$name" && cargo build --release --offline --quiet)
    took=$(($(date +%s) - started))
    size=$(stat -c %s "$work/$name/target/release/light-$name")
    printf '| %s | %s | %s s | %s.%s MB |\n' "$name" "$((count - 1))" "$took" "$((size / 1000000))" "$((size % 1000000 / 100000))"
    rm -rf "$work/$name/target"
}

wasm() {
    name=$1
    target=wasm32-unknown-unknown
    if ! rustc --print target-libdir --target $target 2>/dev/null | xargs -I{} test -d {}; then
        echo "not tried: $name for $target (rustup target add $target)"
    elif (cd "$work/$name" && cargo build --release --offline --quiet --target $target) 2>"$work/$name/wasm.log"; then
        size=$(stat -c %s "$work/$name/target/$target/release/light-$name.wasm")
        echo "compiles for $target: $name, $size bytes"
        rm -rf "$work/$name/target"
    else
        echo "does not compile for $target: $name"
        tail -n 5 "$work/$name/wasm.log"
    fi
}

[ $# -gt 0 ] || set -- all
[ "$1" != all ] || set -- types halo2 stark
echo "# $(uname -m), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $(rustc --version)"
echo '| verifies by | crates | cold release build | program |'
echo '|---|---:|---:|---:|'
for name; do
    case $name in types) backend=none ;; *) backend=nonos-verify-$name ;; esac
    measure "$name" "$backend"
done
echo
for name; do wasm "$name"; done
