"""One interface for sync and async calls, so that a test is written once and runs with both."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenwire import AsyncLlmStream, LlmClientInterface, LlmResponse, LlmStream
    from tokenwire.testing import SimServer

VIEWS = ("chunks", "text", "events", "batches")


def sent(sim: SimServer) -> list[Any]:
    """The bodies that reached the simulator, in order."""
    return [request["body"] for request in sim.requests()]


def sent_headers(sim: SimServer) -> list[dict[str, str]]:
    """The headers that reached the simulator. Values of secrets are hashes."""
    return [dict(request["headers"]) for request in sim.requests()]


class Asking(ABC):
    """The ways in which a test can call a model."""

    @abstractmethod
    def complete(self, client: LlmClientInterface, *args: Any, **params: Any) -> LlmResponse[Any]:
        """Return a whole reply."""

    @abstractmethod
    def run(self, client: LlmClientInterface, *args: Any, **params: Any) -> str:
        """Return a text."""

    @abstractmethod
    def parse(self, client: LlmClientInterface, *args: Any, **params: Any) -> Any:
        """Return a typed value."""

    @abstractmethod
    def models(self, client: LlmClientInterface) -> list[str]:
        """Return the server's models."""

    @abstractmethod
    def validate(self, client: LlmClientInterface, *, probe: bool) -> None:
        """Check the configuration."""

    @abstractmethod
    def read(
        self, client: LlmClientInterface, *args: Any, view: str = "chunks", **params: Any
    ) -> tuple[list[Any], LlmResponse[Any]]:
        """Read a stream to its end. Returns what it yielded, and its response."""

    @abstractmethod
    def map(self, client: LlmClientInterface, *args: Any, **params: Any) -> list[Any]:
        """Return all rows."""


class Sync(Asking):
    """Synchronous calls."""

    def complete(self, client: LlmClientInterface, *args: Any, **params: Any) -> LlmResponse[Any]:
        return client.complete(*args, **params)

    def run(self, client: LlmClientInterface, *args: Any, **params: Any) -> str:
        return client.run(*args, **params)

    def parse(self, client: LlmClientInterface, *args: Any, **params: Any) -> Any:
        return client.parse(*args, **params)

    def models(self, client: LlmClientInterface) -> list[str]:
        return client.models()

    def validate(self, client: LlmClientInterface, *, probe: bool) -> None:
        client.validate_config(probe=probe)

    def read(
        self, client: LlmClientInterface, *args: Any, view: str = "chunks", **params: Any
    ) -> tuple[list[Any], LlmResponse[Any]]:
        with client.stream(*args, **params) as stream:
            return list(_view(stream, view)), stream.response

    def map(self, client: LlmClientInterface, *args: Any, **params: Any) -> list[Any]:
        return list(client.map(*args, **params))


class Async(Asking):
    """The same, each time in a new event loop: a client is not bound to one."""

    def complete(self, client: LlmClientInterface, *args: Any, **params: Any) -> LlmResponse[Any]:
        reply: LlmResponse[Any] = _in_a_loop(client.complete_async, *args, **params)
        return reply

    def run(self, client: LlmClientInterface, *args: Any, **params: Any) -> str:
        return str(_in_a_loop(client.run_async, *args, **params))

    def parse(self, client: LlmClientInterface, *args: Any, **params: Any) -> Any:
        return _in_a_loop(client.parse_async, *args, **params)

    def models(self, client: LlmClientInterface) -> list[str]:
        return list(_in_a_loop(client.models_async))

    def validate(self, client: LlmClientInterface, *, probe: bool) -> None:
        _in_a_loop(client.validate_config_async, probe=probe)

    def read(
        self, client: LlmClientInterface, *args: Any, view: str = "chunks", **params: Any
    ) -> tuple[list[Any], LlmResponse[Any]]:
        async def read() -> tuple[list[Any], LlmResponse[Any]]:
            async with client.stream_async(*args, **params) as stream:
                return [item async for item in _view(stream, view)], stream.response

        return asyncio.run(read())

    def map(self, client: LlmClientInterface, *args: Any, **params: Any) -> list[Any]:
        async def rows() -> list[Any]:
            return [row async for row in client.map_async(*args, **params)]

        return asyncio.run(rows())


def _view(stream: LlmStream | AsyncLlmStream, view: str) -> Any:
    views = {
        "chunks": lambda: stream,
        "text": lambda: stream.text_stream,
        "events": stream.events,
        "batches": stream.batches,
        "partial": stream.partial,
    }
    return views[view]()


def _in_a_loop(call: Callable[..., Any], *args: Any, **params: Any) -> Any:
    async def awaited() -> Any:
        return await call(*args, **params)

    return asyncio.run(awaited())


ASKING: dict[str, Asking] = {"sync": Sync(), "async": Async()}
