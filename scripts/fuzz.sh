#!/usr/bin/env bash
# Runs each fuzz target for this many seconds: `make fuzz FUZZ_SECONDS=300`. With names after the seconds, runs
# only those targets.
#
# What a run finds goes to rust/fuzz/grown/, which git ignores. An input that found a bug belongs in rust/fuzz/corpus/.
set -euo pipefail

seconds=${1:-60}
shift || true
if ! cargo fuzz --version >/dev/null 2>&1; then
    printf 'missing: cargo-fuzz\n    install it with: cargo install cargo-fuzz --locked\n' >&2
    exit 1
fi
# cargo-fuzz passes flags that the stable compiler accepts only with this.
export RUSTC_BOOTSTRAP=1
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(cargo fuzz list --fuzz-dir rust/fuzz)
[ "${#targets[@]}" -gt 0 ] || { echo "no fuzz target in rust/fuzz" >&2; exit 1; }
python3 scripts/fuzz_seeds.py
for target in "${targets[@]}"; do
    printf '== %s, %s s\n' "$target" "$seconds"
    grown=rust/fuzz/grown/$target
    mkdir -p "$grown"
    cargo fuzz run --fuzz-dir rust/fuzz "$target" "$grown" "rust/fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -max_len=131072
done
