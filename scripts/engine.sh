#!/usr/bin/env bash
# Makes the engine that is installed in .venv current. Run it through `make`.
#
#   scripts/engine.sh                    whichever is installed, debug or release; debug without one
#   scripts/engine.sh debug|release      this one
#   scripts/engine.sh --announce PROFILE what a build says before it begins
set -euo pipefail

stamps=.venv/stamps

# Its profile and its file. One that does not load, or is in a copy of the package, does not count.
installed() {
    .venv/bin/python -c '
from os.path import dirname, samefile
from tokenwire import _engine
if samefile(dirname(_engine.__file__), "python/tokenwire"):
    print(_engine._report()["build"], _engine.__file__)' 2>/dev/null
}

announce() {
    if [ -d "${CARGO_TARGET_DIR:-target}/$1/deps" ]; then
        echo "== The $1 engine is built: a source has changed, or another one was installed."
        return
    fi
    # Cargo downloads the sources here, if it has to, and says so.
    crates=$(cargo tree --locked --package tokenwire-bindings --edges normal,build \
        --no-dedupe --prefix none --format '{p}' | sort -u | wc -l)
    case $1 in
        debug) took="45 s" ;;
        *) took="130 s" ;;
    esac
    echo "== The $1 engine is compiled: about $((crates)) crates, once. On two cores that took $took."
    echo "   Cargo also counts their build scripts."
}

if [ "${1:-}" = --announce ]; then
    announce "$2"
    exit
fi

found="" file=""
read -r found file < <(installed) || true
wanted=${1:-${found:-debug}}
# An engine that was built by hand has no stamp, or that of the engine before it.
if [ -n "$found" ] && [ ! -e "$stamps/$found-engine" ]; then
    rm -f "$stamps"/*-engine
    touch -r "$file" "$stamps/$found-engine"
elif [ -z "$found" ]; then
    rm -f "$stamps"/*-engine
fi
MAKEFLAGS="" exec "${MAKE:-make}" --silent "$stamps/$wanted-engine"
