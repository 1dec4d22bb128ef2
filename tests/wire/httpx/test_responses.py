"""Responses: what a caller sees of them is what the family's own transport shows."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.codings import CODINGS
from tests.wire.httpx.scenes import (
    Peer,
    Scripted,
    Side,
    answering,
    closing,
    echo,
    fetching,
    reply,
    seen,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = b"One two three. " * 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"

RESPONSES = {
    "a body": reply(BODY, b"Content-Type: text/plain"),
    "an empty body": reply(b""),
    "duplicate headers": reply(b"x", b"X-A: 1", b"Set-Cookie: a=1", b"X-A: 2", b"Set-Cookie: b=2"),
    "a value in Latin-1": reply(b"x", b"X-Name: J\xf6rg"),
    "an empty value": reply(b"x", b"X-Empty:", b"X-Blank:   ", b"X-Tab: \ta b\t"),
    "another reason": reply(b"x", status=b"200 Alles klar"),
    "an empty reason": reply(b"x", status=b"200 "),
    "an unknown status": reply(b"x", status=b"299 Nearly"),
    "a large status": reply(b"x", status=b"599 Far"),
    "interim responses": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + reply(b"x")
    ),
    "204": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "304 with a length": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nEtag: x\r\n\r\n",
    "chunks": CHUNKED + b"\r\n3\r\nOne\r\n5;a=b\r\n two \r\n6\r\nthree.\r\n0\r\n\r\n",
    "chunks with a trailer": CHUNKED + b"Trailer: X-T\r\n\r\n1\r\nx\r\n0\r\nX-T: 1\r\n\r\n",
    "no chunks": CHUNKED + b"\r\n0\r\n\r\n",
    **{
        name: reply(coding.whole(BODY), b"Content-Encoding: " + coding.header.encode())
        for name, coding in CODINGS.items()
    },
    "two codings": reply(
        zlib.compress(gzip.compress(BODY)), b"Content-Encoding: gzip", b"Content-Encoding: deflate"
    ),
    "a coding that it is not in": reply(b"not gzip", b"Content-Encoding: gzip"),
    "an unknown coding": reply(b"x", b"Content-Encoding: rot13"),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_is_the_same(name, same):
    outcome = same(fetching(times=2), answering(RESPONSES[name], RESPONSES[name]))
    # It is a response, or the one error among these.
    assert isinstance(outcome, list) == (name != "a coding that it is not in")


CLOSED = {
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + BODY,
    "a body that ends with the connection": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "Connection: close": reply(BODY, b"Connection: close"),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_response_that_ends_with_its_connection_is_the_same(name, same):
    first, second = same(fetching(times=2), closing(CLOSED[name]))
    assert first == second
    assert first["body"] == BODY


def test_a_response_to_head_has_no_body(same):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    first, second = same(fetching(method="HEAD", times=2), answering(head, head))
    assert first == second
    assert (first["body"], first["headers"]) == (b"", [(b"content-length", b"1000")])


def test_raw_pieces_are_not_decoded(same):
    packed = gzip.compress(BODY)

    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/")
        raw = b"".join([piece async for piece in side.pieces(response)])
        await side.close(client)
        return raw, response.num_bytes_downloaded

    raw, count = same(scene, answering(reply(packed, b"Content-Encoding: gzip")))
    assert (raw, count) == (packed, len(packed))


def test_lines_are_the_same(same):
    events = b"data: 1\n\ndata: \xc3\xa4\r\n\r\ndata: [DONE]\n\n"

    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/")
        lines = [line async for line in side.pieces(response, "lines")]
        await side.close(client)
        return lines

    written = reply(events, b"Content-Type: text/event-stream")
    assert same(scene, answering(written)) == ["data: 1", "", "data: ä", "", "data: [DONE]", ""]


def reading_twice(first: str, second: str) -> Callable[[Side], Any]:
    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/")
        try:
            async for _ in side.pieces(response, first):
                pass
            return [piece async for piece in side.pieces(response, second)]
        finally:
            await side.close(client)

    return scene


@pytest.mark.parametrize("second", ["raw", "bytes", "lines"])
def test_a_second_reading_is_refused(second, same, family):
    assert same(reading_twice("raw", second), answering(reply(b"x"))) == f"{family}.StreamConsumed"


def test_a_stream_that_has_ended_is_empty_from_then_on(play):
    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/")
        pieces = [piece async for piece in side.pieces(response)]
        # openai drains a stream in this way after its end marker.
        stream = response.stream._stream
        rest = [piece async for piece in stream] if side.is_async else list(stream)
        await side.close(client)
        return pieces, rest

    assert play(scene, answering(reply(b"x"))) == ([b"x"], [])


def test_a_stream_that_is_closed_early_leaves_the_client_usable(same):
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request[0].startswith(b"GET /long "):
                # The rest never arrives.
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nOne")
            else:
                peer.send(reply(b"x"))

    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/long")
        pieces = side.pieces(response)
        first = await anext(pieces)
        await pieces.aclose()
        await side.close(response)
        after = await seen(side, await side.send(client, "GET", "/short"))
        await side.close(client)
        return first, response.is_closed, after["body"]

    assert same(scene, script) == (b"One", True, b"x")


def test_a_response_knows_its_request(same):
    async def scene(side: Side) -> Any:
        client = side.client(headers={"X-A": "1"}, base_url=side.url, params={"q": "ä b"})
        response = await side.send(client, "GET", "/a")
        line = (await side.read(response)).split(b"\r\n")[0]
        await side.close(client)
        request = response.request
        return line, request.headers["x-a"], response.url.raw_path, response.is_success

    line, header, path, _ = same(scene, echo)
    assert (line, header) == (b"GET " + path + b" HTTP/1.1", "1")


def test_a_connection_is_used_again(same):
    outcome = same(fetching("/", times=3), answering(*[reply(b"x")] * 3))
    assert [one["body"] for one in outcome] == [b"x"] * 3


def test_a_connection_that_the_server_closed_while_idle_is_replaced(family, is_async):
    async def scene(side: Side) -> Any:
        client = side.client()
        found = []
        for count in (1, 2, 3):
            found.append((await seen(side, await side.send(client, "GET", "/")))["body"])
            server.wait_for_ends(count)
        await side.close(client)
        return found

    with Scripted(closing(reply(b"x"))) as server:
        side = Side(family, is_async=is_async, is_ours=True)
        side.url = server.url
        assert side.play(scene) == [b"x"] * 3
