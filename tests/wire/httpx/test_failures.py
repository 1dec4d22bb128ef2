"""Failures: the same class of error as with the family's own transport, and ours as its cause."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Peer, Side, answering, closing, fetching, played, reply, seen

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.httpx.scenes import Scene, Script

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


def resetting(peer: Peer) -> None:
    """A script that reads a request and resets the connection."""
    if peer.request() is not None:
        peer.reset()


CUT: dict[str, tuple[Script, str]] = {
    "closed before the head": (closing(b""), "RemoteProtocolError"),
    "closed in the head": (closing(b"HTTP/1.1 200 OK\r\nX-A"), "RemoteProtocolError"),
    "closed in a length": (closing(LENGTH + b"One"), "RemoteProtocolError"),
    "closed in a chunk": (closing(CHUNKED + b"5\r\nOne"), "RemoteProtocolError"),
    "closed between chunks": (closing(CHUNKED + b"3\r\nOne\r\n"), "RemoteProtocolError"),
    "reset before the head": (resetting, "ReadError"),
    "not HTTP": (closing(b"SSH-2.0-OpenSSH_9.6\r\n"), "RemoteProtocolError"),
    "an odd status": (closing(b"HTTP/1.1 abc OK\r\n\r\n"), "RemoteProtocolError"),
    "an odd header": (closing(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "RemoteProtocolError"),
    "an odd length": (
        closing(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        "RemoteProtocolError",
    ),
    "two lengths": (
        closing(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "RemoteProtocolError",
    ),
    "an odd chunk": (closing(CHUNKED + b"xyz\r\nOne\r\n0\r\n\r\n"), "RemoteProtocolError"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_broken_response_raises_the_same(name, same, family):
    script, expected = CUT[name]
    assert same(fetching(), script) == f"{family}.{expected}"


def test_a_reset_in_a_body_raises_the_same(same, family):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(LENGTH + b"One")
        # The client asks for this when it has read the first piece.
        peer.wait_until_asked()
        peer.reset()

    async def scene(side: Side) -> Any:
        client = side.client()
        try:
            response = await side.send(client, "GET", "/")
            async for _ in side.pieces(response):
                side.ask()
        finally:
            await side.close(client)

    assert same(scene, script) == f"{family}.ReadError"


def silent(peer: Peer) -> None:
    """A script that reads a request and never answers."""
    peer.request()
    peer.wait_for_end()


def test_no_answer_in_time_is_a_read_timeout(same, family):
    assert same(fetching(timeout=0.05), silent) == f"{family}.ReadTimeout"


@pytest.mark.parametrize("written", [LENGTH + b"One", CHUNKED + b"3\r\nOne\r\n", CHUNKED])
def test_a_body_that_stalls_is_a_read_timeout(written, same, family):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(written)
        peer.wait_for_end()

    assert same(fetching(timeout=0.05), script) == f"{family}.ReadTimeout"


def test_a_head_that_stalls_is_a_read_timeout(same, family):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nX-A: ")
        peer.wait_for_end()

    assert same(fetching(timeout=0.05), script) == f"{family}.ReadTimeout"


def uploading(body: str) -> Scene:
    async def scene(side: Side) -> Any:
        client = side.client(timeout=side.module.Timeout(None, write=0.1))
        large = b"x" * (1 << 20)
        content = large * 64 if body == "bytes" else side.upload(*[large] * 64)
        try:
            await side.send(client, "POST", "/", content=content)
        finally:
            side.ask()
            await side.close(client)

    return scene


def reading_nothing(peer: Peer) -> None:
    """A script that leaves the request unread until the client has given up."""
    peer.wait_until_asked()


def test_pieces_that_a_server_does_not_read_are_a_write_timeout(same, family):
    assert same(uploading("pieces"), reading_nothing) == f"{family}.WriteTimeout"


@pytest.mark.only_over("direct", "the write timeout")
def test_a_whole_body_that_a_server_does_not_read_is_a_write_timeout(same, family):
    assert same(uploading("bytes"), reading_nothing) == f"{family}.WriteTimeout"


def test_a_handshake_that_stalls_is_a_connect_timeout(same, family):
    def script(peer: Peer) -> None:
        peer.wait_for_end()

    async def scene(side: Side) -> Any:
        client = side.client(timeout=side.module.Timeout(None, connect=0.05))
        try:
            await side.send(client, "GET", "", url=side.url.replace("http:", "https:"))
        finally:
            await side.close(client)

    assert same(scene, script) == f"{family}.ConnectTimeout"


def test_no_free_connection_in_time_is_a_pool_timeout(same, family):
    async def scene(side: Side) -> Any:
        limits = side.module.Limits(max_connections=1)
        client = side.client(timeout=side.module.Timeout(None, pool=0.05), limits=limits)
        first = await side.send(client, "GET", "/")
        try:
            await side.send(client, "GET", "/")
        finally:
            await side.close(first)
            await side.close(client)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(LENGTH + b"One")
        peer.wait_for_end()

    assert same(scene, script) == f"{family}.PoolTimeout"


def test_no_limit_is_no_limit(same):
    async def scene(side: Side) -> Any:
        client = side.client(timeout=None)
        found = await seen(side, await side.send(client, "GET", "/"))
        await side.close(client)
        return found["body"]

    assert same(scene, answering(reply(b"x"))) == b"x"


@pytest.fixture
def closed_port():
    """A port at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def going_to(url: str) -> Scene:
    async def scene(side: Side) -> Any:
        client = side.client()
        try:
            await side.send(client, "GET", "", url=url)
        finally:
            await side.close(client)

    return scene


def test_a_refused_connection_raises_the_same(same, family, closed_port):
    url = f"http://127.0.0.1:{closed_port}/"
    assert same(going_to(url), silent) == f"{family}.ConnectError"


def test_an_unknown_name_raises_the_same(same, family):
    assert same(going_to("http://origin.invalid/"), silent) == f"{family}.ConnectError"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "/a", "http:///a"])
def test_another_protocol_raises_the_same(url, same, family):
    assert same(going_to(url), silent) == f"{family}.UnsupportedProtocol"


def test_an_error_has_our_error_as_its_cause_and_the_request(play, family):
    async def scene(side: Side) -> Any:
        client = side.client(headers={"Authorization": "Bearer sk-1"})
        with pytest.raises(side.module.RemoteProtocolError) as raised:
            await side.send(client, "GET", "/")
        await side.close(client)
        error = raised.value
        assert isinstance(error.__cause__, tw.LlmError)
        assert str(error.__cause__) == str(error)
        assert "\n" not in str(error)
        assert "sk-1" not in str(error) + repr(error) + repr(error.__cause__)
        return error.request.method

    assert play(scene, closing(b"")) == "GET"


@pytest.mark.parametrize("written", [b"", LENGTH + b"One"])
def test_a_failed_request_is_not_sent_again(written, family, is_async):
    side = Side(family, is_async=is_async, is_ours=True)
    outcome, server = played(side, fetching(), closing(written))
    assert outcome == f"{family}.RemoteProtocolError"
    assert len(server.seen) == 1


EVENT = b'data: {"choices":[{"delta":{"content":"One"}}]}\n\n'
STREAM = b"Content-Type: text/event-stream"


def reading(**options: Any) -> Scene:
    async def scene(side: Side) -> Any:
        client = side.client(headers={"Authorization": "Bearer sk-1"}, **options)
        response = await side.send(client, "POST", "/v1/chat/completions", json={"stream": True})
        found: Any = None
        pieces = []
        try:
            async for piece in side.pieces(response):
                pieces.append(piece)  # noqa: PERF401 - those before the error count
        except side.module.RemoteProtocolError as error:
            found = error
        await side.close(client)
        return b"".join(pieces), found

    return scene


def test_a_stream_without_its_end_marker_raises_after_its_last_byte(play):
    body, error = play(reading(), answering(reply(EVENT, STREAM)))
    assert (body, type(error).__name__) == (EVENT, "StreamIncompleteError")
    assert isinstance(error, tw.LlmStreamIncompleteError)
    assert isinstance(error.__cause__, tw.LlmStreamIncompleteError)
    assert "sk-1" not in str(error) + repr(error)


def test_a_stream_with_its_end_marker_does_not(play):
    whole = EVENT + b"data: [DONE]\n\n"
    assert play(reading(), answering(reply(whole, STREAM))) == (whole, None)


@pytest.mark.parametrize("mark", [b"", b"data: [DONE]\n\n"])
def test_a_stream_with_its_end_marker_needs_no_end_of_its_connection(mark, play, server_tls, roots):
    """Many servers end TLS without its closing message, and then only the marker is an end."""
    written = b"HTTP/1.1 200 OK\r\n" + STREAM + b"\r\n\r\n" + EVENT + mark
    body, error = play(reading(verify=str(roots)), closing(written), tls=server_tls)
    assert body == EVENT + mark
    assert (error is None) == bool(mark)


def test_the_check_of_streams_can_be_left_out(play):
    async def scene(side: Side) -> Any:
        client = side.client(check_streams=False)
        response = await side.send(client, "POST", "/v1/chat/completions", json={"stream": True})
        body = await side.read(response)
        await side.close(client)
        return body

    assert play(scene, answering(reply(EVENT, STREAM))) == EVENT


@pytest.mark.parametrize("limit", ["first_token", "idle"])
def test_a_stream_without_content_in_time_is_a_read_timeout(limit, play, family):
    first = b"%x\r\n%s\r\n" % (len(EVENT), EVENT) if limit == "idle" else b""

    def script(peer: Peer) -> None:
        peer.request()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        peer.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + first)
        peer.wait_for_end()

    async def scene(side: Side) -> Any:
        client = side.client(timeout=tw.Timeout(**{"first_token": None, "idle": None, limit: 0.1}))
        try:
            response = await side.send(client, "POST", "/v1/chat/completions", json={})
            await side.read(response)
        finally:
            await side.close(client)

    assert play(scene, script) == f"{family}.ReadTimeout"
