"""A server that answers each request with the reply that a header of it names."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

# `number.chunking.who`: which reply in which pieces, and who asks.
KEY = "x-row"
_KEY_LINE = re.compile(rb"\r\n%s: ([^\r]*)" % KEY.encode(), re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
# Sizes that share no factor with those of events, lines and characters.
_ODD = (7, 1, 13, 3, 29, 2, 17)
# A body is at most so many pieces, so that a long one does not take seconds.
_MOST_PIECES = 400


@dataclass(frozen=True)
class Reply:
    """What the server answers."""

    status: int
    body: bytes
    headers: tuple[str, ...] = ()


def whole(body: bytes) -> list[bytes]:
    """Return the body as it is."""
    return [body]


def odd(body: bytes) -> list[bytes]:
    """Return the body in small pieces of several sizes."""
    scale = 1 + len(body) * len(_ODD) // (sum(_ODD) * _MOST_PIECES)
    pieces: list[bytes] = []
    at = 0
    while at < len(body):
        size = _ODD[len(pieces) % len(_ODD)] * scale
        pieces.append(body[at : at + size])
        at += size
    return pieces


def boundaries(body: bytes) -> list[bytes]:
    """Return the body cut before, at and after the ends of its events; a short one byte by byte."""
    if len(body) <= _MOST_PIECES:
        return [body[at : at + 1] for at in range(len(body))]
    ends = [match.end() + at % 3 - 1 for at, match in enumerate(_EVENT_END.finditer(body))]
    cuts = [0, *ends, len(body)]
    pieces = [body[start:end] for start, end in pairwise(cuts)]
    return [piece for piece in pieces if piece]


CHUNKINGS: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": whole,
    "odd": odd,
    "boundaries": boundaries,
}


@dataclass
class RowServer:
    """Serves the replies on a loopback port, and keeps the requests by their key."""

    replies: Any = None
    requests: dict[str, bytes] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *tuple(self._open)):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        received = b""
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                while b"\r\n\r\n" not in received:
                    piece = connection.recv(1 << 16)
                    if not piece:
                        return
                    received += piece
                head, _, received = received.partition(b"\r\n\r\n")
                length = _LENGTH.search(head)
                size = int(length[1]) if length else 0
                while len(received) < size:
                    piece = connection.recv(1 << 16)
                    if not piece:
                        return
                    received += piece
                body, received = received[:size], received[size:]
                key = _KEY_LINE.search(head)
                assert key is not None
                self.requests[key[1].decode()] = (
                    head[: key.start()] + head[key.end() :] + b"\r\n\r\n" + body
                )
                number, chunking, _who = key[1].decode().split(".")
                connection.sendall(_written(self.replies[int(number)], chunking))
        except OSError:
            # The client has closed the connection, or the test is over.
            pass
        finally:
            self._open.discard(connection)
            connection.close()


def _written(reply: Reply, chunking: str) -> bytes:
    """Return a reply as it is sent: whole with its length, else a chunk for each piece."""
    lines = [f"HTTP/1.1 {reply.status} Status", *reply.headers]
    if chunking == "whole":
        lines.append(f"content-length: {len(reply.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
    lines.append("transfer-encoding: chunked")
    pieces = CHUNKINGS[chunking](reply.body)
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"0\r\n\r\n"
