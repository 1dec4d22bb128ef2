"""A server on the loopback that answers every request with the same bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def http(body: bytes, kind: str, status: str = "200 OK", fields: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body)}\r\n{fields}\r\n"
    )
    return head.encode() + body


def whole(body: str, **more: str) -> bytes:
    return http(body.encode(), "application/json", **more)


def stream(events: bytes) -> bytes:
    return http(events, "text/event-stream")


@contextlib.contextmanager
def serve(response: bytes | Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """Answer every connection with `response` or the parts that it makes. Yield the base URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += connection.recv(65_536)
                head, _, body = asked.partition(b"\r\n\r\n")
                fields = dict(
                    line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:]
                )
                left = int(fields["content-length"]) - len(body)
                while left > 0:
                    left -= len(connection.recv(left))
                for part in [response] if isinstance(response, bytes) else response():
                    connection.sendall(part)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[server.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
