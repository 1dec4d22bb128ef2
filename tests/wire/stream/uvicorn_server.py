"""An ASGI application in a real server, which runs in another process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def serving(application: str, folder: Path, **variables: str) -> Iterator[int]:
    """Run `module:name` of a folder. Yields its port. It must not have logged an error."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-access-log", "--no-use-colors", application],
        cwd=ROOT,
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        printed: list[str] = []
        try:
            assert server.stderr is not None
            for line in server.stderr:
                printed.append(line)
                found = re.search(r"running on http://127\.0\.0\.1:(\d+)", line)
                if found:
                    yield int(found[1])
                    break
            else:
                pytest.fail(f"uvicorn ended: {''.join(printed)}")
        finally:
            server.terminate()
            _, output = server.communicate(timeout=10)
    assert "Traceback" not in output
    assert "ERROR" not in output
