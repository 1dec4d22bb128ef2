#!/usr/bin/env bash
# Runs each fuzz target for this many seconds: `make fuzz FUZZ_SECONDS=300`.
set -euo pipefail

seconds=${1:-60}
if ! cargo fuzz --version >/dev/null 2>&1; then
    printf 'missing: cargo-fuzz\n    install it with: cargo install cargo-fuzz --locked\n' >&2
    exit 1
fi
# cargo-fuzz passes flags that the stable compiler accepts only with this.
export RUSTC_BOOTSTRAP=1
mapfile -t targets < <(cargo fuzz list --fuzz-dir rust/fuzz)
[ "${#targets[@]}" -gt 0 ] || { echo "no fuzz target in rust/fuzz" >&2; exit 1; }
for target in "${targets[@]}"; do
    printf '== %s, %s s\n' "$target" "$seconds"
    cargo fuzz run --fuzz-dir rust/fuzz "$target" -- -max_total_time="$seconds" -rss_limit_mb=4096
done
