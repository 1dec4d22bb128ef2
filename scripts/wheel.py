"""Build every wheel and the sdist into dist/. Then inspect, install and try each one.

There is one wheel for each CPython found here, and one for the stable ABI of 3.10 and later. On
Linux, zig links them against glibc 2.28, so that they run on systems older than the build machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
BIN = Path(sys.executable).parent
SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t")
TAG = "manylinux_2_28"

# Everything that a wheel may contain. A .pth file would run code whenever the interpreter starts.
EXPECTED_FILES = re.compile(
    r"""(?x)
    tokenwire/([a-z_]+/)*[a-z_0-9]+\.py
    | tokenwire/_engine\.pyi | tokenwire/py\.typed
    | tokenwire/_engine(\.[a-z0-9_-]+)?\.(so|pyd)
    | tokenwire-[0-9.]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt
        | licenses/LICENSE | sboms/[a-z_-]+\.cyclonedx\.json)
    """
)
IN_SBOM, NOT_IN_SBOM = {"hyper", "ring", "rustls"}, {"aws-lc-rs", "openssl"}
IN_SDIST = {
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "pyproject.toml",
    "python/tokenwire/__init__.py",
    "rust/bindings/src/lib.rs",
    "rust/core/src/lib.rs",
    "rust/sim/src/lib.rs",
}


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command that must succeed, and return what it printed."""
    places = {os.environ.get("CARGO_HOME", Path.home() / ".cargo"): "/cargo", ROOT: "/tokenwire"}
    env = {
        **os.environ,
        # maturin looks for zig on PATH, and zig is in this program's environment.
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        # Panic messages contain paths of source files; this removes the folders of the machine.
        "RUSTFLAGS": " ".join(
            f"--remap-path-prefix={here}={name}" for here, name in places.items()
        ),
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def timed(what: str, *command: str | Path) -> None:
    """Run a command and print how long it took."""
    started = time.monotonic()
    run(*command)
    print(f"  {what}: {time.monotonic() - started:.0f} s", flush=True)


def find_interpreters(wanted: list[str]) -> dict[str, Path]:
    """Return the path of each wanted CPython that is installed here, by version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found: dict[str, Path] = {}
    for version in wanted:
        on_path = shutil.which(f"python{version}")
        candidates = [Path(sys.executable), *([Path(on_path)] if on_path else [])]
        candidates += sorted(
            pyenv.glob(f"{version.rstrip('t')}.*/bin/python{version}"), reverse=True
        )
        for candidate in candidates:
            code = (
                "import sys, sysconfig; print('%d.%d' % sys.version_info[:2] + "
                "'t' * bool(sysconfig.get_config_var('Py_GIL_DISABLED')), sys.executable)"
            )
            done = subprocess.run(
                [candidate, "-c", code], capture_output=True, text=True, check=False
            )
            if done.returncode == 0 and done.stdout.split()[0] == version:
                found[version] = Path(done.stdout.split(maxsplit=1)[1].strip())
                break
        else:
            print(f"  no CPython {version} here: left out")
    return found


def build(interpreters: dict[str, Path]) -> None:
    """Build into an empty dist/: version-specific wheels, the stable-ABI wheel, the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    maturin = BIN / "maturin"
    common: list[str | Path] = ["build", "--release", "--locked", "--quiet", "--out", DIST]
    if sys.platform == "linux":
        common += ["--zig", "--compatibility", TAG]
    for version, python in interpreters.items():
        timed(f"wheel for {version}", maturin, *common, "-i", python)
    oldest = next(iter(interpreters.values()))
    timed("wheel for the stable ABI", maturin, *common, "--features", "abi3", "-i", oldest)
    timed("sdist", maturin, "sdist", "--out", DIST)


def check_wheel(wheel: Path) -> None:
    """Refuse a wheel that contains unexpected files, or lacks expected ones."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        strange = [name for name in names if not EXPECTED_FILES.fullmatch(name)]
        assert not strange, f"{wheel.name} contains unexpected files: {strange}"
        for part in ("tokenwire/py.typed", "tokenwire/_engine.pyi", "/licenses/LICENSE"):
            assert any(name.endswith(part) for name in names), f"{wheel.name} lacks {part}"
        engines = [name for name in names if name.endswith((".so", ".pyd"))]
        assert len(engines) == 1, f"{wheel.name} contains {len(engines)} engines"
        boms = [json.loads(archive.read(name)) for name in names if "/sboms/" in name]
    crates = {part["name"] for bom in boms for part in bom["components"]}
    assert crates >= IN_SBOM, f"{wheel.name}: the SBOM lacks {IN_SBOM - crates}"
    assert not crates & NOT_IN_SBOM, f"{wheel.name} links {crates & NOT_IN_SBOM}"
    if sys.platform == "linux":
        assert TAG in wheel.name, f"{wheel.name} is not {TAG}"
    print(
        f"  {wheel.name}: {wheel.stat().st_size / 2**20:.1f} MiB, {len(crates)} crates in its SBOM"
    )


def check_sdist(sdist: Path) -> None:
    """Refuse an sdist that lacks source files or contains built ones."""
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert names >= IN_SDIST, f"{sdist.name} lacks {IN_SDIST - names}"
    built = [name for name in names if name.endswith((".so", ".pyd", ".pyc", ".pth"))]
    assert not built, f"{sdist.name} contains {built}"
    print(f"  {sdist.name}: {len(names)} files")


def try_install(package: Path, python: Path) -> None:
    """Install into a new environment and run try_wheel.py there, away from the source."""
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", folder)
        inside = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
        run(inside, "-m", "pip", "install", package)
        print(
            "  "
            + run(
                inside, "-W", "error", ROOT / "scripts" / "try_wheel.py", cwd=Path(folder)
            ).strip()
        )


def main() -> None:
    """Build, inspect, install and try."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", choices=SUPPORTED, help="only this version")
    parser.add_argument("--no-build", action="store_true", help="try the files in dist/")
    parser.add_argument("--no-sdist", action="store_true", help="do not build from the sdist")
    options = parser.parse_args()
    interpreters = find_interpreters(options.python or list(SUPPORTED))
    if not interpreters:
        sys.exit("no CPython of a wanted version was found")
    if not options.no_build:
        print("building")
        build(interpreters)
    wheels = sorted(DIST.glob("*.whl"))
    print("looking inside")
    for wheel in wheels:
        check_wheel(wheel)
    (sdist,) = DIST.glob("*.tar.gz")
    check_sdist(sdist)
    (stable,) = (wheel for wheel in wheels if "-abi3-" in wheel.name)
    run(BIN / "abi3audit", "--strict", stable)
    print("installing and trying")
    for version, python in interpreters.items():
        number = version.replace(".", "")
        for wheel in wheels:
            if f"-cp{number}-" in wheel.name and wheel != stable:
                try_install(wheel, python)
        if not version.endswith("t"):
            try_install(stable, python)
    if not options.no_sdist:
        try_install(sdist, next(iter(interpreters.values())))
    print(f"{len(wheels)} wheels and the sdist are in {DIST.name}/ and work")


if __name__ == "__main__":
    main()
