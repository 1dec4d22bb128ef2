"""A plugin of pytest: our clients in the fixtures of the official openai package's own tests.

`python -m scripts.sdk_tests classes` gives it to them. It replaces openai's classes by those of
`tokenwire.openai` before the tests import them, and leaves the `http_client` of the fixtures to our
classes. It counts what goes through each part of our code.

The server of the tests compresses every answer, and the engine reads only streams that are not. So
the requests of streams ask for an answer that is not compressed.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import wraps
from typing import TYPE_CHECKING, Any

from tokenwire import openai
from tokenwire.httpx2 import AsyncTransport, Transport
from tokenwire.openai import replies, requests, streams

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

COUNTS = "through_tokenwire"


class Counts:
    """What went through our code, and in how many tests, over all processes of pytest-xdist."""

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()
        self._in_this_test: set[str] = set()

    def add(self, what: str) -> None:
        """Count one use."""
        self.uses[what] += 1
        self._in_this_test.add(what)

    def pytest_runtest_logstart(self) -> None:
        """Begin a test."""
        self._in_this_test.clear()

    def pytest_runtest_logfinish(self) -> None:
        """Count the test for what it used."""
        self.tests.update(self._in_this_test)
        self.tests["any part of our code"] += bool(self._in_this_test)

    def pytest_collection_finish(self) -> None:
        """Leave the `http_client` of the fixtures out, so that our classes make their own."""
        fixtures: Any = sys.modules["tests.conftest"]
        fixtures.DefaultHttpx2Client = fixtures.DefaultAsyncHttpx2Client = lambda: None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Give the counts to the process that collects the results."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[COUNTS] = [dict(self.uses), dict(self.tests)]

    def pytest_testnodedown(self, node: object) -> None:
        """Add the counts of another process."""
        uses, tests = getattr(node, "workeroutput", {}).get(COUNTS, ({}, {}))
        self.uses.update(uses)
        self.tests.update(tests)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many there were."""
        for what, tests in sorted(self.tests.items()):
            line = f"{what}: {self.uses[what] or 'used'} in {tests} tests"
            terminalreporter.write_line(line)


COUNTED = Counts()

# Before the fixtures are imported, which is before `pytest_configure`.
openai.install()


def counted(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that counts its calls that return."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        result = function(*args, **options)
        if result is not None:
            COUNTED.add(what)
        return result

    return call


def uncompressed(request: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `request` that asks for streams without compression."""

    @wraps(request)
    def call(self: object, cast_to: object, options: Any, **rest: Any) -> Any:  # noqa: ANN401
        if rest.get("stream"):
            headers = options.headers if isinstance(options.headers, dict) else {}
            options.headers = {**headers, "Accept-Encoding": "identity"}
        return request(self, cast_to, options, **rest)

    return call


def pytest_configure(config: pytest.Config) -> None:
    """Count what our classes do."""
    for owner, name, what in (
        (Transport, "_open", "requests over our transport"),
        (AsyncTransport, "_open", "requests over our transport"),
        (streams, "_events", "streams read by the engine"),
        (requests, "_as_it_is", "plain requests sent as they are"),
        (replies, "_built", "replies built by a validator"),
    ):
        setattr(owner, name, counted(what, getattr(owner, name)))
    for client in (openai.OpenAI, openai.AsyncOpenAI):
        setattr(client, "request", uncompressed(client.request))  # noqa: B010
    config.pluginmanager.register(COUNTED, "tokenwire-counts")
