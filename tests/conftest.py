"""Fixtures of every test: a clean environment, transports, the simulator, no hidden failure."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import sys
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


TRANSPORTS = ("direct", "general")
# The tests in these folders run over each of them.
_OVER_EACH = [Path(__file__).resolve().parent / name for name in ("wire", "fault")]

# What a program is started with.
_STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec"}

# In CI an example may take any time, and the examples are the same in each run.
settings.register_profile("fast", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("slow", max_examples=5_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_configure() -> None:
    """Clean the environment once, before a test, fixture or subprocess reads it."""
    for name in [name for name in os.environ if _LEAKING.fullmatch(name)]:
        del os.environ[name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each wire and fault test over every transport."""
    test = metafunc.definition
    if not any(folder in test.path.parents for folder in _OVER_EACH):
        return
    if not any(map(test.get_closest_marker, ("no_connection", "chooses_transport"))):
        metafunc.parametrize("transport", TRANSPORTS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of one transport over the other."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        only = {mark.args[0] for mark in item.iter_markers("only_over")}
        assert only in (set(), *({name} for name in TRANSPORTS)), f"{item.nodeid}: only over {only}"
        callspec = getattr(item, "callspec", None)
        over = callspec and callspec.params.get("transport")
        (left_out if only and over and over not in only else kept).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture(scope="module", autouse=True)
def transport(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The transport of every client and every subprocess of this test; None leaves the choice."""
    name: str | None = getattr(request, "param", None)
    with pytest.MonkeyPatch.context() as environment:
        if name is not None:
            environment.setenv("TOKENWIRE_TRANSPORT", name)
        yield name


# The programs that were started, by audit event. An audit hook cannot be removed.
_started: list[str] = []


def _note_start(event: str, _: tuple[object, ...]) -> None:
    if event in _STARTS:
        _started.append(event)


sys.addaudithook(_note_start)


@pytest.fixture(autouse=True)
def _over_its_transport(request: pytest.FixtureRequest, transport: str | None) -> Iterator[None]:
    """Fail a test that takes another transport, or whose mark says that it takes none."""
    has_none = request.node.get_closest_marker("no_connection") is not None
    if transport is None and not has_none:
        yield
        return
    from tokenwire import _engine

    before, started = _engine._attempts(), len(_started)
    yield
    counts = zip(TRANSPORTS, before, _engine._attempts(), strict=True)
    taken = {name for name, then, now in counts if now != then}
    if has_none:
        assert not taken, f"marked no_connection, but took the transports {taken}"
        assert not _started[started:], f"marked no_connection, but started {_started[started:]}"
    else:
        # What an earlier test abandoned may still begin, over the other transport.
        assert not taken or transport in taken, f"runs over {transport}, but took {taken}"


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
