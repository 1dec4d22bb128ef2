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

ROOT = Path(__file__).resolve().parents[2]

# How each server is started; the application's name follows. Both print their address.
SERVERS = {
    "uvicorn": [*("uvicorn", "--no-access-log", "--no-use-colors", "--port", "0")],
    # Without workers it serves in this process.
    "hypercorn": [*("hypercorn", "--workers", "0", "--bind", "127.0.0.1:0")],
}


@contextmanager
def serving(
    application: str, folder: Path, *, server: str = "uvicorn", **variables: str
) -> Iterator[int]:
    """Run `module:name` of a folder. Yields its port. It must not have logged an error."""
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        [sys.executable, "-m", *SERVERS[server], application],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, **variables},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        printed: list[str] = []
        try:
            assert process.stderr is not None
            for line in process.stderr:
                printed.append(line)
                found = re.search(r"unning on http://127\.0\.0\.1:(\d+)", line)
                if found:
                    yield int(found[1])
                    break
            else:
                pytest.fail(f"{server} ended: {''.join(printed)}")
        finally:
            process.terminate()
            _, output = process.communicate(timeout=10)
    assert "Traceback" not in output
    assert "ERROR" not in output
