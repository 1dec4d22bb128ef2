"""The streams of responses' bodies, and those of a transport that are still open."""

from __future__ import annotations

from tokenwire.httpx_transport.loops import pieces, running_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from weakref import ref

    from tokenwire._engine import HttpExchange


class Body:
    """The body of a response. It exists before the response, so that `end` works at any time."""

    def __init__(self, exchange: HttpExchange) -> None:
        self.exchange = exchange

    def end(self) -> None:
        """End the exchange; the connection is kept only if the body was read to its end."""
        self.exchange.close()


class SyncBody(Body):
    """The body of a response, for a sync client.

    The exchange itself is the iterator, so a piece needs no Python code. After the end, further
    iterations are empty.
    """

    def __iter__(self) -> Iterator[bytes]:
        return self.exchange

    def close(self) -> None:
        """End the exchange."""
        self.end()


class AsyncBody(Body):
    """The body of a response, for an async client; see `SyncBody`."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.exchange if running_loop() is not None else pieces(self.exchange)

    async def aclose(self) -> None:
        """End the exchange."""
        self.end()


class OpenBodies:
    """The bodies of a transport that its users still have, which end with the transport.

    A body that is forgotten is not kept.
    """

    def __init__(self) -> None:
        self._bodies: dict[int, ref[Body]] = {}

    def add(self, body: Body) -> None:
        """Add one."""
        from weakref import ref

        bodies, key = self._bodies, id(body)
        bodies[key] = ref(body, lambda _: bodies.pop(key, None))

    def end(self) -> None:
        """End all of them."""
        # The tuple is made in one step, so other threads may add to the dict.
        for known in tuple(self._bodies.values()):
            body = known()
            if body is not None:
                body.end()
