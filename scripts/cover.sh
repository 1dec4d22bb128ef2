#!/usr/bin/env bash
# Line coverage of rust/core and python/, by every test: Rust's own, and pytest through an engine
# that counts. Run through `make cover`; ARGS go to pytest. Fails below the two bounds.
#
# The engine that counts lies where the engine for tests lies, so `make test` builds that one anew.
set -euo pipefail

python_bound=95
rust_bound=90

if ! cargo llvm-cov --version >/dev/null 2>&1; then
    printf 'missing: cargo-llvm-cov\n    install it with: cargo install cargo-llvm-cov --locked\n' >&2
    exit 1
fi
# Not through `rustup run`: the compiler in use may be pinned by the environment.
rustup component add llvm-tools >/dev/null 2>&1 || true

python=$PWD/.venv/bin/python
export CARGO_TARGET_DIR=$PWD/target/cover
eval "$(cargo llvm-cov show-env --sh)"
cargo llvm-cov clean --workspace --profraw-only
rm -rf target/coverage && mkdir -p target/coverage

cargo test --quiet --locked
.venv/bin/maturin develop --quiet --locked
rm -f .venv/stamps/*-engine
trap 'rm -f python/tokenwire/_engine*.so' EXIT

"$python" -m coverage erase
"$python" -m coverage run -m pytest -q "$@"
"$python" -m coverage combine --quiet

cargo llvm-cov report --ignore-filename-regex 'rust/(bindings|sim)/|/tests?/|tests\.rs$' \
    >target/coverage/rust.txt
cargo llvm-cov report --show-missing-lines \
    --ignore-filename-regex 'rust/(bindings|sim)/|/tests?/|tests\.rs$' >target/coverage/rust-missing.txt
"$python" -m coverage report >target/coverage/python.txt || true
cat target/coverage/rust.txt target/coverage/python.txt
