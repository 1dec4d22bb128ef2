"""A bare socket with orjson: what the kernel and the server take of a request, below any client."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from lines import HEADERS, body, reply
from measure import run


class BareSocket:
    """One connection, and no look at the head. Not a client that anyone could use."""

    def make(self, base_url: str) -> tuple[socket.socket, bytes]:
        url = urlsplit(base_url)
        connection = socket.create_connection((url.hostname, url.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = {"host": url.netloc, **HEADERS}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return connection, f"POST {url.path}/chat/completions HTTP/1.1\r\n{lines}".encode()

    def ask(
        self, client: tuple[socket.socket, bytes], prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        connection, head = client
        asked = body(prompt, tokens, stream=False)
        connection.sendall(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(asked), asked))
        answer = connection.recv(65_536)
        return reply(answer.partition(b"\r\n\r\n")[2])


if __name__ == "__main__":
    run(BareSocket())
