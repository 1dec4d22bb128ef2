"""Interim heads (1xx) before a reply, and its headers, on every way to a server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import STREAM, TEXT, WHOLE, HttpProxy, Origin, SocksProxy

from tokenwire import ChatClient, LlmProtocolError, Timeout

if TYPE_CHECKING:
    from typing_extensions import Self

EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
LARGE = b"HTTP/1.1 103 Early Hints\r\n" + b"link: %s\r\n" % (b"a" * 4_000) * 12 + b"\r\n"


behind_proxy = pytest.mark.only_over("general", "proxies")
counted = pytest.mark.only_over("direct", "interim heads")


@pytest.fixture(
    params=[
        "plain",
        "tls",
        *(pytest.param(way, marks=behind_proxy) for way in ("forwarded", "tunnel", "socks")),
    ]
)
def way(request, server_tls, roots):
    """A server and the client settings of one way to it."""
    secure = request.param in {"tls", "tunnel"}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Origin(tls=server_tls if secure else None))
        settings: dict[str, Any] = {"base_url": server.base_url, "max_retries": 0}
        if secure:
            settings["ca_bundle"] = roots
        if request.param in {"forwarded", "tunnel"}:
            settings["proxy"] = stack.enter_context(HttpProxy()).url
        if request.param == "socks":
            settings["proxy"] = f"socks5h://127.0.0.1:{stack.enter_context(SocksProxy()).port}"
        yield server, ChatClient("m", **settings)


def whole(way: tuple[Origin, ChatClient], before: bytes, reply: bytes = WHOLE) -> str:
    server, client = way
    server.answer_next(before + reply)
    return client.run("hi")


@pytest.mark.parametrize("head", [EARLY * 16, GO_ON * 16, LARGE])
def test_sixteen_interim_heads_are_passed_over(way, head):
    assert [whole(way, head) for _ in range(2)] == [TEXT] * 2


@counted
@pytest.mark.parametrize("way", ["plain", "tls"], indirect=True)
@pytest.mark.parametrize("head", [EARLY, GO_ON])
def test_seventeen_interim_heads_are_too_many(way, head):
    with pytest.raises(LlmProtocolError, match="more than 16 interim heads"):
        whole(way, head * 17)
    # Each reply counts for itself.
    assert [whole(way, head * 10) for _ in range(3)] == [TEXT] * 3


@pytest.mark.only_over("general", "interim heads")
@pytest.mark.parametrize("head", [EARLY, GO_ON, LARGE])
def test_any_number_of_interim_heads_is_passed_over(way, head):
    assert whole(way, head * 100) == TEXT


@counted
@pytest.mark.parametrize("way", ["plain", "tls"], indirect=True)
def test_interim_heads_are_bounded_in_bytes(way):
    with pytest.raises(LlmProtocolError, match="more than 64 KiB of them"):
        whole(way, LARGE * 2)


def test_the_headers_of_a_reply_are_bounded_by_a_thousand(way):
    _, reply = WHOLE.split(b"\r\n", 1)
    for count in (150, 990):
        more = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(count))
        assert whole(way, more, reply) == TEXT
    with pytest.raises(LlmProtocolError):
        whole(way, b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1_001, reply)


def test_a_body_that_looks_like_interim_heads_is_a_body(way):
    text = (EARLY * 20).replace(b"\r\n", b"\\r\\n")
    body = b'{"choices": [{"message": {"content": "%s"}, "finish_reason": "stop"}]}' % text
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert whole(way, EARLY, head + body) == (EARLY * 20).decode()


class Flood:
    """A server that sends interim heads, or something like them, as fast as it can."""

    def __init__(self, piece: bytes) -> None:
        self._piece = piece
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer:
            peer.recv(65_536)
            with contextlib.suppress(OSError):
                while True:
                    peer.sendall(self._piece)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._listener.close()


FLOODS = {
    "heads": EARLY * 1_000,
    "one head without end": b"HTTP/1.1 103 x\r\n" + b"a" * 65_536,
    "lines of a head": b"link: </a>\r\n" * 4_096,
    "empty lines": b"\r\n" * 32_768,
    "a status line": b"HTTP/1.1 100 " + b"x" * 65_536,
    "headers of the reply": b"x: " + b"y" * 65_536 + b"\r\n",
}
BEFORE = {"lines of a head": b"HTTP/1.1 103 x\r\n", "headers of the reply": b"HTTP/1.1 200 OK\r\n"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=counted if name == "heads" else ()) for name in FLOODS],
)
def test_a_flood_before_the_reply_ends_and_delays_no_other_call(name):
    async def both() -> str:
        with Flood(BEFORE.get(name, b"") + FLOODS[name]) as flood, Origin() as healthy:
            # Far longer than the flood may last.
            limits = Timeout(first_token=600, idle=600, total=600)
            hostile = ChatClient("m", base_url=flood.base_url, timeout=limits, max_retries=0)
            task = asyncio.create_task(hostile.run_async("hi", stream=True))
            client = ChatClient("m", base_url=healthy.base_url, timeout=10, max_retries=0)
            texts = {await client.run_async("hi") for _ in range(20)}
            with pytest.raises(LlmProtocolError):
                await task
            return texts.pop() if len(texts) == 1 else ""

    assert asyncio.run(both()) == TEXT


def test_a_stream_after_interim_heads_is_read_in_full(call):
    with Origin(answers=[EARLY * 16 + STREAM]) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        assert client.run("hi", stream=True) == TEXT
