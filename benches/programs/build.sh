#!/bin/sh
# Compiles the benchmark programs in C as capsules/build.sh does the samples; --check compares. Those in text (*.wat) need
# no compiling: the benchmark reads them.
set -eu
cd "$(dirname "$0")"
PROGRAMS=$PWD NAMES="json keccak256 sort" exec ../../capsules/build.sh "$@"
