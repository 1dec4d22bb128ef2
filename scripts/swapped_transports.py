"""A plugin of pytest: our transports under all clients of httpx2 that have none of their own.

`python -m scripts.sdk_tests transport` gives it to the tests of the official openai package. It
counts the requests that go through the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from tokenwire.httpx2 import AsyncTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tokenwire._engine import HttpExchange

COUNT = "requests_through_tokenwire"


class Counts:
    """How many requests went through the engine, in this process and in those of pytest-xdist."""

    def __init__(self) -> None:
        self.sent = 0

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Give the count to the process that collects the results."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[COUNT] = self.sent

    def pytest_testnodedown(self, node: object) -> None:
        """Add the count of another process."""
        self.sent += getattr(node, "workeroutput", {}).get(COUNT, 0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many there were."""
        terminalreporter.write_line(f"{self.sent} requests went through tokenwire")


COUNTS = Counts()


class CountedTransport(Transport):
    """Ours, counted."""

    def _open(self, request: httpx2.Request, content: bytes | None) -> HttpExchange:
        COUNTS.sent += 1
        return super()._open(request, content)


class CountedAsyncTransport(AsyncTransport):
    """Ours, counted."""

    def _open(self, request: httpx2.Request, content: bytes | None) -> HttpExchange:
        COUNTS.sent += 1
        return super()._open(request, content)


def swapped(stock: Callable[..., object], ours: Callable[..., object]) -> Callable[..., object]:
    """Return what makes the transport of a client.

    The library's own stays where a test checks certificates with an `SSLContext`, which ours
    refuses.
    """

    def transport_of(client: object, **options: Any) -> object:  # noqa: ANN401
        given = options.pop("transport", None)
        if given is not None or not isinstance(options.get("verify", True), (bool, str)):
            return stock(client, transport=given, **options)
        return ours(**options)

    return transport_of


def pytest_configure(config: pytest.Config) -> None:
    """Swap the transports."""
    for client, ours in (
        (httpx2.Client, CountedTransport),
        (httpx2.AsyncClient, CountedAsyncTransport),
    ):
        stock: Callable[..., object] = client._init_transport
        setattr(client, "_init_transport", swapped(stock, ours))  # noqa: B010
    config.pluginmanager.register(COUNTS, "tokenwire-counts")
