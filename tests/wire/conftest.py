"""Fixtures of the wire tests: ways to call a model, and certificates for the session."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import TYPE_CHECKING

import pytest
import trustme
from tests.wire.asking import ASKING, Asking
from tests.wire.origins import HOSTS, tls_of

from tokenwire.cli import main

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tokenwire import ChatClient


@pytest.fixture(params=ASKING)
def ask(request: pytest.FixtureRequest) -> Asking:
    """The sync and the async interface, in turn. What is true of one is true of the other."""
    asking: Asking = ASKING[request.param]
    return asking


@pytest.fixture(scope="session")
def report_line(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Write a line to the report of the run, also of one that passes."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def write(line: str) -> None:
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    return write


@pytest.fixture
def every_row(request: pytest.FixtureRequest) -> bool:
    """Whether the run is for slow tests, which then read every row, and not only some."""
    return "slow" in request.config.getoption("-m")


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """The root of all trusted certificates of this session."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(ca: trustme.CA) -> ssl.SSLContext:
    """The TLS context of a server under that root."""
    return tls_of(ca.issue_cert(*HOSTS))


@pytest.fixture
def roots(ca: trustme.CA, tmp_path: Path) -> Path:
    """A file with that root, alone in its folder."""
    path = tmp_path / "roots.pem"
    ca.cert_pem.write_to_path(path)
    return path


@pytest.fixture(params=["complete", "complete_async", "stream", "stream_async"])
def call(request: pytest.FixtureRequest) -> Callable[[ChatClient], str]:
    """A call in each of the four ways."""
    stream = request.param.startswith("stream")

    def run_sync(client: ChatClient) -> str:
        return client.run("hi", stream=stream)

    def run_async(client: ChatClient) -> str:
        return asyncio.run(client.run_async("hi", stream=stream))

    return run_async if request.param.endswith("_async") else run_sync


@pytest.fixture
def command(capsys, monkeypatch):
    """Run `tokenwire` in this process. Returns (exit code, standard output, standard error)."""

    def run(*words: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
