"""Responses in every form that HTTP/1.1 allows, and in a few that it forbids (RFC 9112)."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.wire.connection.uploads import check_closed, outcome
from tests.wire.origins import STREAM, TEXT, WHOLE, Origin, Request, Seen, response

from tokenwire import (
    ChatClient,
    Limits,
    LlmAPIError,
    LlmError,
    LlmProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = WHOLE.partition(b"\r\n\r\n")[2]
EVENTS = b"".join(line for line in STREAM.splitlines(keepends=True) if line.startswith(b"data: "))
EVENTS = EVENTS.replace(b"}\n", b"}\n\n").replace(b"[DONE]\n", b"[DONE]\n\n")
MEGABYTE = 1_000_000


def in_chunks(body: bytes, size: int, form: Callable[[bytes], bytes]) -> bytes:
    """Return the body in chunks; `form` writes one."""
    return b"".join(form(body[start : start + size]) for start in range(0, len(body), size))


def usual(chunk: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(chunk), chunk)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"


def length(body: bytes) -> bytes:
    return b"content-length: %d\r\n" % len(body)


# Each writes a response, given the line of its type and its body.
KEPT: dict[str, Callable[[bytes, bytes], bytes]] = {
    "length": lambda kind, body: OK + kind + length(body) + b"\r\n" + body,
    "HTTP/1.0 that keeps alive": lambda kind, body: (
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n" + kind + length(body) + b"\r\n" + body
    ),
    "no reason": lambda kind, body: b"HTTP/1.1 200\r\n" + kind + length(body) + b"\r\n" + body,
    "an empty reason": lambda kind, body: (
        b"HTTP/1.1 200 \r\n" + kind + length(body) + b"\r\n" + body
    ),
    "bytes in the reason": lambda kind, body: (
        b"HTTP/1.1 200 \xc3\xa4\xff\r\n" + kind + length(body) + b"\r\n" + body
    ),
    "length twice, the same": lambda kind, body: OK + kind + length(body) * 2 + b"\r\n" + body,
    "upper case": lambda kind, body: OK + kind.upper() + length(body).upper() + b"\r\n" + body,
    "no blanks": lambda kind, body: (
        OK + kind.replace(b": ", b":") + length(body).replace(b": ", b":") + b"\r\n" + body
    ),
    "tabs and blanks": lambda kind, body: (
        OK + kind.replace(b": ", b":\t  ").replace(b"\r", b" \t\r") + length(body) + b"\r\n" + body
    ),
    "empty values": lambda kind, body: (
        OK + b"x-a:\r\nx-b: \r\n" + kind + length(body) + b"\r\n" + body
    ),
    "lines that end with LF": lambda kind, body: (
        (OK + kind + length(body) + b"\r\n").replace(b"\r", b"") + body
    ),
    "chunked": lambda kind, body: OK + kind + CHUNKED + b"\r\n" + usual(body) + b"0\r\n\r\n",
    "Chunked, in its own case": lambda kind, body: (
        OK + kind + b"Transfer-Encoding: Chunked\r\n\r\n" + usual(body) + b"0\r\n\r\n"
    ),
    "chunks of a byte": lambda kind, body: (
        OK + kind + CHUNKED + b"\r\n" + in_chunks(body, 1, usual) + b"0\r\n\r\n"
    ),
    "sizes in upper case with zeros": lambda kind, body: (
        OK
        + kind
        + CHUNKED
        + b"\r\n"
        + in_chunks(body, 171, lambda chunk: b"0000%X\r\n%s\r\n" % (len(chunk), chunk))
        + b"000\r\n\r\n"
    ),
    "chunk extensions": lambda kind, body: (
        OK
        + kind
        + CHUNKED
        + b"\r\n"
        + in_chunks(body, 50, lambda one: b'%x;a=b;c="d e;f";g\r\n%s\r\n' % (len(one), one))
        + b"0;last=yes\r\n\r\n"
    ),
    "trailers": lambda kind, body: (
        OK
        + kind
        + CHUNKED
        + b"trailer: x-checksum, x-other\r\n\r\n"
        + usual(body)
        + b"0\r\nx-checksum: abc\r\nx-other: def\r\n\r\n"
    ),
    "trailers of 8 KiB": lambda kind, body: (
        OK + kind + CHUNKED + b"\r\n" + usual(body) + b"0\r\nx-large: " + b"t" * 8_192 + b"\r\n\r\n"
    ),
    "103 and 100 before it": lambda kind, body: (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        + OK
        + kind
        + length(body)
        + b"\r\n"
        + body
    ),
    "a head of 60 KiB": lambda kind, body: (
        OK + kind + b"x-large: " + b"a" * 60 * 1024 + b"\r\n" + length(body) + b"\r\n" + body
    ),
    "200 headers": lambda kind, body: (
        OK + b"".join(b"x-%d: y\r\n" % n for n in range(200)) + kind + length(body) + b"\r\n" + body
    ),
}
CLOSED: dict[str, Callable[[bytes, bytes], bytes]] = {
    "to the end": lambda kind, body: OK + kind + b"connection: close\r\n\r\n" + body,
    "to the end, unannounced": lambda kind, body: OK + kind + b"\r\n" + body,
    "HTTP/1.0": lambda kind, body: b"HTTP/1.0 200 OK\r\n" + kind + length(body) + b"\r\n" + body,
    "HTTP/1.0 to the end": lambda kind, body: b"HTTP/1.0 200 OK\r\n" + kind + b"\r\n" + body,
    "close": lambda kind, body: (
        OK + kind + b"Connection: Close\r\n" + length(body) + b"\r\n" + body
    ),
    "close, among others": lambda kind, body: (
        OK
        + kind
        + b"connection: x-other, close\r\n"
        + CHUNKED
        + b"\r\n"
        + usual(body)
        + b"0\r\n\r\n"
    ),
}
# RFC 9112: sections 6.3 (length), 7.1 (chunks), 2.2 and 5 (lines of a head).
WRONG: dict[str, Callable[[bytes, bytes], bytes]] = {
    "two lengths": lambda kind, body: (
        OK + kind + length(body) + length(body + b"1") + b"\r\n" + body
    ),
    "a negative length": lambda kind, body: OK + kind + b"content-length: -1\r\n\r\n" + body,
    "a length with a sign": lambda kind, body: (
        OK + kind + b"content-length: +%d\r\n\r\n" % len(body) + body
    ),
    "no size": lambda kind, body: OK + kind + CHUNKED + b"\r\nx\r\n" + body,
    "a huge size": lambda kind, body: OK + kind + CHUNKED + b"\r\n" + b"f" * 17 + b"\r\n" + body,
    "a chunk longer than its size": lambda kind, body: (
        OK + kind + CHUNKED + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 9, body)
    ),
    "a header without a colon": lambda _, body: OK + b"nothing\r\n" + length(body) + b"\r\n" + body,
    "a NUL in a header": lambda _, body: OK + b"x: \0\r\n" + length(body) + b"\r\n" + body,
    "no HTTP": lambda _, body: b"SSH-2.0-OpenSSH_9.6\r\n" + body,
    "another version": lambda _, body: b"HTTP/3.7 200 OK\r\n" + length(body) + b"\r\n" + body,
    "a status of two digits": lambda _, body: b"HTTP/1.1 20 OK\r\n" + length(body) + b"\r\n" + body,
    "101": lambda _, body: (
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n" + body
    ),
}


class Formed(Origin):
    """Writes each response in one form. With `ends` it then ends its side of the connection."""

    def __init__(self, form: Callable[[bytes, bytes], bytes], *, ends: bool = False) -> None:
        self.form = form
        self._ends = ends
        super().__init__()

    def _reply(self, peer: socket.socket, seen: Seen, request: Request, written: bytes) -> None:
        del seen, written
        kind, body = b"application/json", JSON
        if request.streams:
            kind, body = b"text/event-stream", EVENTS
        peer.sendall(self.form(b"content-type: " + kind + b"\r\n", body))
        if self._ends:
            peer.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("form", KEPT)
def test_a_form_that_keeps_the_connection(form: str, call: Callable[[ChatClient], str]) -> None:
    with Formed(KEPT[form]) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        assert [call(client) for _ in range(3)] == [TEXT] * 3
        assert (len(server.seen), len(server.requests)) == (1, 3)


@pytest.mark.parametrize("form", CLOSED)
def test_a_form_that_ends_the_connection(form: str, call: Callable[[ChatClient], str]) -> None:
    with Formed(CLOSED[form], ends=True) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        assert [call(client) for _ in range(3)] == [TEXT] * 3
        assert (len(server.seen), len(server.requests)) == (3, 3)


@pytest.mark.parametrize("form", WRONG)
def test_a_form_that_is_wrong_is_an_error(form: str, call: Callable[[ChatClient], str]) -> None:
    with Formed(WRONG[form], ends=True) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        with pytest.raises(LlmError) as raised:
            call(client)
        assert isinstance(raised.value, LlmAPIError) or raised.value.phase, repr(raised.value)
        assert "\n" not in str(raised.value)


def test_a_connection_that_is_to_be_closed_is_not_used_again(
    call: Callable[[ChatClient], str],
) -> None:
    with Formed(KEPT["length"]) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        assert [call(client) for _ in range(3)] == [TEXT] * 3
        server.form = CLOSED["close"]
        assert call(client) == TEXT
        server.form = KEPT["chunked"]
        assert [call(client) for _ in range(3)] == [TEXT] * 3
        assert [len(seen.requests) for seen in server.seen] == [4, 3]


def with_head_of(size: int) -> Callable[[bytes, bytes], bytes]:
    """Return a form whose head has this many bytes."""

    def form(kind: bytes, body: bytes) -> bytes:
        head = OK + kind + length(body) + b"x: "
        return head + b"a" * (size - len(head) - 4) + b"\r\n\r\n" + body

    return form


@pytest.mark.parametrize("limit", [8 << 10, 64 << 10, 200 << 10])
def test_the_limit_of_a_head_is_exact(limit: int, call: Callable[[ChatClient], str]) -> None:
    limits = Limits(max_head_bytes=limit)
    for size in (limit - 1, limit, limit + 1):
        with Formed(with_head_of(size)) as server:
            client = ChatClient("m", base_url=server.base_url, max_retries=0, limits=limits)
            if size <= limit:
                assert call(client) == TEXT, size
                continue
            with pytest.raises(LlmProtocolError, match=r"max_head_bytes") as raised:
                call(client)
            assert not raised.value.retryable


class Early(Origin):
    """Answers when it has the head of a large request, and then does one of three things.

    It closes, which resets the connection while the client is still sending; it ends its side and
    reads the rest; or it keeps the connection open and reads no more.
    """

    def __init__(self, status: int, then: str) -> None:
        close = [] if then == "keep" else ["connection: close"]
        self._early = response(status, b'{"error": {"message": "refused early"}}', *close)
        self._then = then
        self._over = threading.Event()
        super().__init__()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        super().__exit__(*exception)

    def _serve(self, peer: socket.socket, seen: Seen) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += peer.recv(65536)
        size = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
        assert size
        if int(size[1]) < MEGABYTE:
            seen.requests.append(Request("small", {}, head))
            peer.sendall(WHOLE.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            return
        peer.sendall(self._early)
        if self._then == "keep":
            assert self._over.wait(60)
        elif self._then == "drain":
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(MEGABYTE):
                pass


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("then", ["close", "drain", "keep"])
@pytest.mark.parametrize("status", [401, 413])
def test_an_answer_that_comes_during_an_upload_is_delivered(
    status: int, then: str, transport: str
) -> None:
    """In 20 of 20 calls. A prompt of 8 MB does not fit into the buffers of a connection."""
    with Early(status, then) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0, timeout=30)
        prompts = ["x" * 8 * MEGABYTE] * 20
        if then == "close":
            prompts.append("x" * 100 * MEGABYTE)
        seen = [outcome(partial(client.run, prompt)) for prompt in prompts]
        assert client.run("hi") == TEXT
    assert len(seen) == len(prompts)
    check_closed(seen, status, transport if then == "close" else None)


async def test_an_answer_that_comes_during_an_upload_is_delivered_in_asyncio(
    transport: str,
) -> None:
    with Early(413, "close") as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0, timeout=30)
        calls = [client.run_async("x" * 8 * MEGABYTE) for _ in range(8)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        seen = [getattr(one, "status_code", None) or type(one).__name__ for one in errors]
    assert len(seen) == len(calls)
    check_closed(seen, 413, transport)
