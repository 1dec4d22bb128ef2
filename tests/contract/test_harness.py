"""The guards of conftest.py and of the pytest settings: each is shown a fault and must see it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FAULTS = {
    "an async test that fails": """
        async def test_fault():
            assert False
    """,
    "an exception that an event loop keeps": """
        import asyncio
        async def test_fault():
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    """,
    "a task whose exception nobody takes": """
        import asyncio
        async def test_fault():
            async def fail(): raise ValueError
            task = asyncio.create_task(fail())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            del task
    """,
    "an exception in a finalizer": """
        class Loud:
            def __del__(self): raise ValueError
        def test_fault():
            Loud()
    """,
    "an exception in a thread": """
        import threading
        def test_fault():
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
    """,
    "a coroutine never awaited": """
        async def forgotten(): ...
        def test_fault():
            forgotten()
    """,
    "a warning": """
        import warnings
        def test_fault():
            warnings.warn("old")
    """,
    "a key in the environment": """
        import os
        def test_fault():
            assert os.environ.get("OPENAI_API_KEY") and os.environ.get("https_proxy")
    """,
}


def run_pytest(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    lines = source.splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    (folder / "test_it.py").write_text("\n".join(line[margin:] for line in lines) + "\n")
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    return subprocess.run(
        [*command, "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder)],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "made-up", "https_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_good_test_passes(tmp_path):
    done = run_pytest(
        tmp_path, "    async def test_good(tmp_path):\n        assert tmp_path.is_dir()"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("source", FAULTS.values(), ids=FAULTS)
def test_a_fault_fails(source, tmp_path):
    done = run_pytest(tmp_path, source)
    assert done.returncode == 1, done.stdout + done.stderr
