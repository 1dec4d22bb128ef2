"""The stub of the engine is checked by stubtest; this checks that stubtest checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tokenwire
import tokenwire._engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_stubtest_sees_a_broken_stub(tmp_path):
    package = tmp_path / "tokenwire"
    shutil.copytree(
        Path(tokenwire.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    stub = package / "_engine.pyi"
    stub.write_text(f"{stub.read_text()}\ndef canary(song: str) -> None: ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "tokenwire._engine"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tokenwire._engine.canary is not present at runtime" in done.stdout
