"""Fixtures of every test: a clean environment, the simulator, checks that no failure is hidden."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenwire.testing import SimServer

ROOT = Path(__file__).resolve().parent.parent

# This is read before the environment is cleaned.
_DATA_DIR = Path(os.environ.get("TOKENWIRE_DATA", ROOT.parent / "shared" / "data"))

# Variables that could change a result on a developer's machine: keys, other addresses of providers,
# proxies, certificate stores, colours, and our own switches.
_LEAKING = re.compile(
    r"(?ix) .*_(key|token|proxy|base_url|api_base|endpoint|api_version|host) | ssl_.*"
    r"| .*_ca_(bundle|certs) | tokenwire_.* | (no|force)_color"
)


# In CI an example may take any time, and the examples are the same in each run.
settings.register_profile("fast", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("slow", max_examples=5_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_configure() -> None:
    """Clean the environment once, before a test, fixture or subprocess reads it."""
    for name in [name for name in os.environ if _LEAKING.fullmatch(name)]:
        del os.environ[name]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def test_...` in a new event loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {
        name: pyfuncitem.funcargs[name]
        for name in inspect.signature(pyfuncitem.obj).parameters
        if name in pyfuncitem.funcargs
    }
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(autouse=True)
def _no_unhandled_loop_exception(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test if one of its event loops had an exception that was not handled."""
    unhandled: list[dict[str, Any]] = []
    # This replaces the handler of the class, so it applies to every loop that a test makes.
    monkeypatch.setattr(
        asyncio.BaseEventLoop,
        "default_exception_handler",
        lambda _loop, context: unhandled.append(context),
    )
    yield
    if unhandled:
        pytest.fail(f"unhandled in an event loop: {unhandled}")


@pytest.fixture
def sim() -> Iterator[SimServer]:
    """A simulator for this test, on a free loopback port."""
    from tokenwire.testing import SimServer

    with SimServer() as server:
        yield server


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded traffic. Tests that use it are skipped if it is missing."""
    if not _DATA_DIR.is_dir():
        pytest.skip(f"no recorded traffic in {_DATA_DIR}: set TOKENWIRE_DATA to its folder")
    return _DATA_DIR
