"""A virtual environment for each contestant, under `.venv-bench/`, from a pinned list."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PLACE = ROOT / ".venv-bench"


WITH_OURS = (
    *("tokenwire", "openai", "anthropic", "httpx2"),
    *("pydantic-ai", "langchain", "litellm"),
)
"""Environments that can import tokenwire."""


class NotInstalled(Exception):  # noqa: N818 (a reason for the report)
    """The packages cannot be installed here."""


def python_of(name: str) -> Path:
    """Return the environment's interpreter. It is made on first use and when its list changes."""
    wanted = HERE / "requirements" / f"{name}.txt"
    place = PLACE / name
    stamp = place / "installed"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    python = place / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="ascii") != digest:
        _call([sys.executable, "-m", "venv", "--clear", str(place)])
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _call([*pip, "--no-deps", "-r", str(wanted)])
        stamp.write_text(digest, encoding="ascii")
    if name in WITH_OURS:
        # The package from this folder: `make` has built its engine for release.
        [site] = place.glob("lib/python3*/site-packages")
        (site / "tokenwire.pth").write_text(f"{ROOT / 'python'}\n", encoding="utf-8")
    return python


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstalled(lines[-1] if lines else f"exit status {done.returncode}")
