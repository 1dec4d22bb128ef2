#!/usr/bin/env bash
# Line coverage of rust/core and python/, by every test: Rust's own, and pytest through an engine
# that counts. Run through `make cover`; ARGS go to pytest. Fails below the bounds of the project.
#
# The engine that counts lies where the engine for tests lies, so `make test` builds that one anew.
set -euo pipefail

if ! cargo llvm-cov --version >/dev/null 2>&1; then
    printf 'missing: cargo-llvm-cov\n    install it with: cargo install cargo-llvm-cov --locked\n' >&2
    exit 1
fi
# The readers of the compiler's counters. Where Rust is not rustup's, LLVM_COV names one.
[ -n "${LLVM_COV:-}" ] || rustup component add llvm-tools

python=.venv/bin/python
out=target/coverage
export CARGO_TARGET_DIR=$PWD/target/cover
eval "$(cargo llvm-cov show-env --sh)"
# Programs of an earlier tree would count as code that nothing reaches.
cargo llvm-cov clean --workspace
rm -rf "$out" && mkdir -p "$out"

cargo test --quiet --locked
.venv/bin/maturin develop --quiet --locked
rm -f .venv/stamps/*-engine
trap 'rm -f python/tokenwire/_engine*.so' EXIT

failed=0
$python -m coverage erase
# An engine that counts is slower: the limits are those of a hang.
$python -m coverage run -m pytest -q --timeout 300 -o faulthandler_timeout=600 "$@" || failed=$?
$python -m coverage combine --quiet

# rust/bindings and rust/sim are no part of the client; a test is no code to be tested.
others='rust/(bindings|sim)/|/tests?/|tests\.rs$'
cargo llvm-cov report --ignore-filename-regex "$others" --show-missing-lines >"$out/rust.txt"
cargo llvm-cov report --ignore-filename-regex "$others" --fail-under-lines 90 >/dev/null || failed=$?
$python -m coverage report --fail-under=95 >"$out/python.txt" || failed=$?
awk '/^TOTAL/ {print "rust/core, lines: " $10}' "$out/rust.txt"
awk '/^TOTAL/ {printf "python/, lines: %.2f%%; with branches: %s\n", 100 * (1 - $3 / $2), $NF}' "$out/python.txt"
echo "lines that no test reaches: $out/rust.txt, $out/python.txt"
exit "$failed"
