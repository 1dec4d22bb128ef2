"""A server for thousands of short calls: one thread, which asks a function what to write."""

from __future__ import annotations

import asyncio
import socket
import struct
import termios
import threading
from array import array
from enum import Enum
from fcntl import ioctl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self


class Ending(Enum):
    """How a connection ends after what was written, where it does not stay open."""

    CLOSED = "closed"
    RESET = "reset"


class Answering:
    """Writes for each request what `answer` returns for its path.

    The client's address is `base_url(path)`; the path may hold anything that a URL may. `received`
    has the body of the last request to each path.
    """

    def __init__(self, answer: Callable[[str], Sequence[bytes | Ending]]) -> None:
        self._answer = answer
        self.received: dict[str, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._transports: set[asyncio.Transport] = set()
        self.failures: list[str] = []

    def base_url(self, path: str) -> str:
        """The address for `base_url=` of a call that gets `answer(path)`."""
        return f"http://127.0.0.1:{self._port}/{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        )
        self._port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        assert self.failures == []

    async def _close(self) -> None:
        self._server.close()
        for transport in list(self._transports):
            transport.abort()
        # Their last callbacks.
        await asyncio.sleep(0)

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


# Where the path of an API begins.
_OPERATIONS = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/publishers",
    "/models/",
)


class _Connection(asyncio.Protocol):
    def __init__(self, server: Answering) -> None:
        self._server = server
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._transports.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._server._transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (path := self._request()) is not None:
            self._write(path)

    def _write(self, path: str) -> None:
        try:
            for piece in self._server._answer(path):
                if isinstance(piece, bytes):
                    self._transport.write(piece)
                elif piece is Ending.CLOSED:
                    self._transport.close()
                else:
                    self._reset_once_read()
        except Exception as error:  # noqa: BLE001  # the test fails at its end
            self._server.failures.append(f"{path}: {error!r}")
            self._transport.abort()

    def _reset_once_read(self) -> None:
        """Reset the connection when all that was written has arrived: a reset discards the rest."""
        unread = array("i", [0])
        connection = self._transport.get_extra_info("socket")
        ioctl(connection.fileno(), termios.TIOCOUTQ, unread)
        if self._transport.get_write_buffer_size() or unread[0]:
            self._server._loop.call_soon(self._reset_once_read)
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _request(self) -> str | None:
        """Return the path of the next request once all of it was received."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        line, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = dict(text.lower().split(": ", 1) for text in lines)
        whole = end + 4 + int(headers.get("content-length", 0))
        if len(self._received) < whole:
            return None
        body = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        path = line.split(" ")[1].lstrip("/")
        for operation in _OPERATIONS:
            path = path.partition(operation)[0]
        self._server.received[path] = body
        return path
