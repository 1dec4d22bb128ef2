#!/usr/bin/env bash
# Line coverage of rust/core and python/ by all tests: those in Rust, and pytest with an instrumented
# engine. Run it through `make cover`; ARGS go to pytest. It fails below the project's limits.
#
# The instrumented engine replaces the one for tests, so `make test` builds that one again.
set -euo pipefail

if ! cargo llvm-cov --version >/dev/null 2>&1; then
    printf 'missing: cargo-llvm-cov\n    install it with: cargo install cargo-llvm-cov --locked\n' >&2
    exit 1
fi
# These read the compiler's counters. Without rustup, LLVM_COV must name one.
[ -n "${LLVM_COV:-}" ] || rustup component add llvm-tools

python=.venv/bin/python
out=target/coverage
export CARGO_TARGET_DIR=$PWD/target/cover
eval "$(cargo llvm-cov show-env --sh)"
# Old programs would count as code that no test reaches.
cargo llvm-cov clean --workspace
rm -rf "$out" && mkdir -p "$out"

cargo test --quiet --locked
.venv/bin/maturin develop --quiet --locked
rm -f .venv/stamps/*-engine
trap 'rm -f python/tokenwire/_engine*.so' EXIT

failed=0
$python -m coverage erase
# The instrumented engine is slower, so the limits only catch a hang.
$python -m coverage run -m pytest -q --timeout 300 -o faulthandler_timeout=600 "$@" || failed=$?
$python -m coverage combine --quiet

# rust/bindings and rust/sim are not part of the client, and tests need no tests.
others='rust/(bindings|sim)/|/tests?/|tests\.rs$'
cargo llvm-cov report --ignore-filename-regex "$others" --show-missing-lines >"$out/rust.txt"
cargo llvm-cov report --ignore-filename-regex "$others" --fail-under-lines 90 >/dev/null || failed=$?
$python -m coverage report --fail-under=95 >"$out/python.txt" || failed=$?
awk '/^TOTAL/ {print "rust/core, lines: " $10}' "$out/rust.txt"
awk '/^TOTAL/ {printf "python/, lines: %.2f%%; with branches: %s\n", 100 * (1 - $3 / $2), $NF}' "$out/python.txt"
echo "lines that no test reaches: $out/rust.txt, $out/python.txt"
exit "$failed"
