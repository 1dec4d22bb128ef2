"""What `make` says before it builds, and which engine it builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "sed", "sort", "head", "rm", "make", "find", "uname", "dirname", "mkdir", "touch")
BASH = shutil.which("bash") or "bash"

pytestmark = pytest.mark.linux


def add(folder, name, script):
    """Put a program into a folder."""
    path = folder / name
    path.write_text(f"#!{BASH}\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path):
    """A folder with the programs that the build needs, for PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name) or name)
    for name in ("cargo", "cc", "python3"):
        add(folder, name, "exit 0")
    add(folder, "rustc", "echo rustc 1.99.0")
    return folder


def complaints(tools):
    """What the check of the toolchain says is missing."""
    done = subprocess.run(
        [BASH, ROOT / "scripts" / "toolchain.sh"],
        cwd=ROOT,
        env={"PATH": str(tools), "HOME": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ("missing" in done.stderr)
    return done.stderr


def test_nothing_is_said_if_nothing_is_missing(tools):
    assert complaints(tools) == ""


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("cargo", None, "cargo, Rust 1.88 or newer\n    install it with: curl --proto"),
        ("rustc", "echo rustc 1.70.0", "(found: 1.70.0)\n    install it with: rustup update"),
        ("cc", None, "a C compiler that works (cc)\n    install it with: apt-get install gcc"),
        ("cc", '[ "$1" = --version ]', "a C compiler that works (cc)"),
        ("python3", None, "CPython 3.10 or newer (found: none)\n    install it with: apt-get"),
        ("python3", "[[ $* != *ensurepip* ]]", "apt-get install python3-venv"),
    ],
    ids=["no Rust", "old Rust", "no C", "no headers", "no Python", "no venv"],
)
def test_what_is_missing_is_named_with_its_command(name, script, said, tools):
    (tools / name).unlink()
    if script is not None:
        add(tools, name, script)
    assert said in complaints(tools)


def test_a_rust_that_is_not_in_path_is_not_installed_again(tools):
    (tools / "cargo").unlink()
    home = tools / ".cargo" / "bin"
    home.mkdir(parents=True)
    (home / "cargo").symlink_to(sys.executable)
    assert '. "$HOME/.cargo/env"   (it is installed' in complaints(tools)


# The engine


@pytest.fixture
def engine(tmp_path):
    """Runs `scripts/engine.sh` where an engine of a profile is installed. Returns what make is to
    build, and the stamps that are left."""
    stamps = tmp_path / ".venv" / "stamps"
    stamps.mkdir(parents=True)
    (tmp_path / "engine.so").touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir()
    add(tmp_path, "make", 'echo "${@: -1}"')

    def run(installed, stamped, *words):
        answer = f"echo {installed} engine.so" if installed else "exit 1"
        add(python.parent, "python", answer)
        for name in stamped:
            (stamps / f"{name}-engine").touch()
        done = subprocess.run(
            ["bash", ROOT / "scripts" / "engine.sh", *words],
            cwd=tmp_path,
            env={**os.environ, "MAKE": str(tmp_path / "make")},
            capture_output=True,
            text=True,
            check=True,
        )
        left = sorted(path.name.removesuffix("-engine") for path in stamps.iterdir())
        return done.stdout.strip().removeprefix(".venv/stamps/").removesuffix("-engine"), left

    return run


@pytest.mark.parametrize(
    ("installed", "stamped", "words", "expected"),
    [
        (None, [], [], ("debug", [])),
        (None, ["release"], [], ("debug", [])),
        ("debug", ["debug"], [], ("debug", ["debug"])),
        ("release", ["release"], [], ("release", ["release"])),
        ("release", [], [], ("release", ["release"])),
        ("release", ["debug"], [], ("release", ["release"])),
        ("release", ["release"], ["debug"], ("debug", ["release"])),
        ("release", ["debug"], ["debug"], ("debug", ["release"])),
        ("debug", ["debug"], ["release"], ("release", ["debug"])),
    ],
)
def test_the_installed_engine_is_kept_unless_another_is_asked_for(
    installed, stamped, words, expected, engine
):
    """A stamp that is left is of the engine that is installed, however it was built."""
    assert engine(installed, stamped, *words) == expected


def test_an_engine_built_by_hand_is_as_old_as_its_file(engine, tmp_path):
    os.utime(tmp_path / "engine.so", (1_000_000_000, 1_000_000_000))
    engine("release", ["debug"])
    stamp = tmp_path / ".venv" / "stamps" / "release-engine"
    assert stamp.stat().st_mtime == 1_000_000_000


def test_the_first_build_says_how_many_crates_it_compiles(engine, tmp_path):
    shutil.copytree(ROOT / "rust", tmp_path / "rust", ignore=shutil.ignore_patterns("target"))
    for name in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "benches").symlink_to(ROOT / "benches")
    said = subprocess.check_output(
        ["bash", ROOT / "scripts" / "engine.sh", "--announce", "debug"], cwd=tmp_path, text=True
    )
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8").count("\n[[package]]")
    crates = int(said.split("about ")[1].split(" crates, once")[0])
    assert 50 < crates < lock
