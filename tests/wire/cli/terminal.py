"""What a command writes to a terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def written_on_terminal(words: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run `tokenwire` on a terminal. Returns the exit code and what was written."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tokenwire", *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **environment},
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 4096):
            written += piece
    except OSError:
        pass  # Linux raises EIO if the other side is closed
    os.close(ours)
    return process.wait(timeout=20), written.decode()
