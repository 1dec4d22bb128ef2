#!/usr/bin/env bash
# Runs all checks, the fastest first, and prints how long each took. Run it through `make check`.
set -euo pipefail

steps=(fmt-check ruff deny mypy clippy fuzz-check cargo-test cargo-doc setup stubs docs pytest)
times=()
for step in "${steps[@]}"; do
    printf '\n== %s\n' "$step"
    started=$SECONDS
    make "$step" || { printf '== %s failed after %d s\n' "$step" $((SECONDS - started)) >&2; exit 1; }
    times+=("$step $((SECONDS - started)) s")
done
printf '\n== check passed in %d s:' "$SECONDS"
printf ' %s,' "${times[@]}" | sed 's/,$/\n/'
