#!/usr/bin/env bash
# Checks what the build needs. Prints what is missing, with the command that installs it.
#
#   scripts/toolchain.sh            check everything; silent if nothing is missing
#   scripts/toolchain.sh --python   print the Python (3.10 or newer, with venv) for .venv
set -euo pipefail

missing=0
need() { # what, the command that installs it
    printf 'missing: %s\n    install it with: %s\n' "$1" "$2" >&2
    missing=1
}

# A version manager's shim may exist and still not run, so each candidate is tried.
runs_310() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

find_python() {
    local candidate fallback=""
    for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14 python3.10 \
        python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-9].*/bin/python3; do
        runs_310 "$candidate" || continue
        has_venv "$candidate" && { printf '%s\n' "$candidate"; return 0; }
        fallback=$candidate
    done
    if [ -n "$fallback" ]; then
        need "the venv module of $("$fallback" --version 2>&1)" \
            "apt-get install python3-venv   (or the same package of your system)"
    else
        need "CPython 3.10 or newer (found: $(python3 --version 2>/dev/null || echo none))" \
            "apt-get install python3 python3-venv   (or: pyenv install 3.13; macOS: brew install python)"
    fi
    return 1
}

if [ "${1:-}" = --python ]; then
    find_python
    exit
fi

find_python >/dev/null || true
rust_line="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null 2>&1; then
    # rustup changes the PATH of new shells only.
    [ ! -x "$HOME/.cargo/bin/cargo" ] || rust_line=". \"\$HOME/.cargo/env\"   (it is installed, but not in PATH)"
    need "cargo, Rust $wanted or newer" "$rust_line"
else
    found=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
    oldest=$(printf '%s\n%s\n' "$wanted" "${found:-0}" | sort -V | head -n 1)
    [ "$oldest" = "$wanted" ] || need "Rust $wanted or newer (found: ${found:-none that runs})" \
        "rustup update stable   (no rustup: $rust_line)"
fi
# The TLS library (ring) contains C and assembly. A compiler may lack the headers of libc.
printf '#include <stdio.h>\nint main(void) { return 0; }\n' |
    "${CC:-cc}" -x c - -o "${TMPDIR:-/tmp}/tokenwire-cc.$$" >/dev/null 2>&1 ||
    need "a C compiler that works (${CC:-cc})" "apt-get install gcc libc6-dev   (macOS: xcode-select --install)"
rm -f "${TMPDIR:-/tmp}/tokenwire-cc.$$"
exit "$missing"
