"""The guards in conftest.py and in the pytest settings: each must report the fault it guards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

GOOD = {
    "async": """
        async def test_good(tmp_path):
            assert tmp_path.is_dir()
    """,
    "property": """
        from hypothesis import given, strategies as st
        @given(st.integers())
        def test_good(number):
            assert number == int(str(number))
    """,
    "a call over the transport of the test": """
        import os
        def test_good(sim, transport):
            import tokenwire as tw
            assert os.environ["TOKENWIRE_TRANSPORT"] == transport
            tw.ChatClient("m", base_url=sim.base_url).run("hi")
    """,
}
# The same, run once.
GOOD_ONCE = {
    "a test without a connection": """
        import pytest
        @pytest.mark.no_connection
        def test_good(transport):
            assert transport is None
    """,
    "a test of one transport": """
        import pytest
        @pytest.mark.only_over("general", "proxies")
        def test_good(transport):
            assert transport == "general"
    """,
    "a test that chooses its transports": """
        import pytest
        @pytest.mark.chooses_transport
        def test_good(sim, monkeypatch):
            import tokenwire as tw
            tw.ChatClient("m", base_url=sim.base_url).run("hi")
            monkeypatch.setenv("TOKENWIRE_TRANSPORT", "general")
            tw.ChatClient("m", base_url=sim.base_url).run("hi")
    """,
}
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
    "a task whose exception is not handled": """
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
    "a call over another transport": """
        import pytest
        @pytest.mark.only_over("direct", "unix sockets")
        def test_fault(sim, monkeypatch):
            import tokenwire as tw
            monkeypatch.setenv("TOKENWIRE_TRANSPORT", "general")
            tw.ChatClient("m", base_url=sim.base_url).run("hi")
    """,
    "a call of a test without a connection": """
        import pytest
        @pytest.mark.no_connection
        def test_fault(sim):
            import tokenwire as tw
            tw.ChatClient("m", base_url=sim.base_url).run("hi")
    """,
    "a program of a test without a connection": """
        import pytest, subprocess, sys
        @pytest.mark.no_connection
        def test_fault():
            subprocess.run([sys.executable, "-c", ""], check=True)
    """,
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """The result of each test above in one run of pytest, with our conftest and settings."""
    folder = tmp_path_factory.mktemp("harness")
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    # Where tests run over each transport.
    (folder / "wire").mkdir()
    tests = {**GOOD, **GOOD_ONCE, **FAULTS}
    for number, source in enumerate(tests.values()):
        (folder / "wire" / f"test_{number}.py").write_text(textwrap.dedent(source))
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--rootdir", folder]
    done = subprocess.run(
        [*command, "-c", ROOT / "pyproject.toml", folder],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "made-up", "https_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(PASSED|FAILED|ERROR) .*?test_(\d+)\.py", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    names = list(tests)
    outcome = dict.fromkeys(names, "PASSED")
    # The failure of an autouse fixture is an ERROR. The test itself has PASSED.
    outcome |= {names[int(number)]: word for word, number in found if word != "PASSED"}
    assert {int(number) for _, number in found} == set(range(len(tests))), done.stdout
    runs = Counter(names[int(number)] for word, number in found if word != "ERROR")
    assert {name: runs[name] for name in GOOD} == dict.fromkeys(GOOD, 2)
    assert {name: runs[name] for name in GOOD_ONCE} == dict.fromkeys(GOOD_ONCE, 1)
    return outcome


@pytest.mark.parametrize("name", [*GOOD, *GOOD_ONCE])
def test_a_good_test_passes(name, outcomes):
    assert outcomes[name] == "PASSED"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails(name, outcomes):
    assert outcomes[name] in {"FAILED", "ERROR"}
