"""Request bodies: each form reaches the server once, and whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Peer, Side, echo, reply, seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.httpx.scenes import Scene

BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}
LARGE = b"0123456789abcdef" * 65_536  # 1 MiB


class BrokenError(Exception):
    """What a body that is produced piece by piece raises."""


def sending(method: str = "POST", body: Callable[[Side], dict[str, Any]] = lambda _: {}) -> Scene:
    """A scene that sends a body to a server that returns it."""

    async def scene(side: Side) -> Any:
        client = side.client()
        try:
            response = await side.send(client, method, "/a", **body(side))
            return without_host((await seen(side, response))["body"])
        finally:
            await side.close(client)

    return scene


def without_host(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The line of a request, its headers in no order, and its body, as the server read them."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    pairs = (header.partition(b": ") for header in headers)
    sent = [name.lower() + b": " + value for name, _, value in pairs if name.lower() != b"host"]
    return line, sorted(sent), body


BODIES: dict[str, Callable[[Side], dict[str, Any]]] = {
    "none": lambda _: {},
    "bytes": lambda _: {"content": b"One"},
    "text": lambda _: {"content": "Ä"},
    "empty": lambda _: {"content": b""},
    "JSON": lambda _: {"json": {"a": "ä"}},
    "a form": lambda _: {"data": {"a": "1", "b": ["2", "3"]}},
    "1 MiB": lambda _: {"content": LARGE},
    "pieces": lambda side: {"content": side.upload(b"One", b" two", b" three")},
    "no pieces": lambda side: {"content": side.upload()},
    "empty pieces": lambda side: {"content": side.upload(b"", b"One", b"", b"", b" two", b"")},
    "pieces that are not bytes": lambda side: {
        "content": side.upload(bytearray(b"One"), memoryview(b" two"), None, b" three")
    },
    "pieces of 1 MiB": lambda side: {"content": side.upload(LARGE, LARGE)},
    "many pieces": lambda side: {"content": side.upload(*[b"%d," % n for n in range(1000)])},
    "pieces with their length": lambda side: {
        "content": side.upload(b"One", b" two"),
        "headers": {"Content-Length": "7"},
    },
    "a file in parts": lambda _: {
        "files": {"file": ("ä.txt", io.BytesIO(LARGE), "text/plain")},
        "data": {"purpose": "x"},
        "headers": BOUNDARY,
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_the_same(name, same):
    line, headers, body = same(sending(body=BODIES[name]), echo)
    assert line == b"POST /a HTTP/1.1"
    assert (body == b"") == (name in ("none", "empty", "no pieces"))
    assert (
        len([one for one in headers if one.startswith((b"content-length", b"transfer-enc"))]) == 1
    )


def test_a_file_is_read_while_it_is_sent(same, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(LARGE)

    async def scene(side: Side) -> Any:
        # Async clients refuse an open file, which blocks.
        with path.open("rb") as file:
            return await sending(body=lambda _: {"content": file})(side)

    outcome = same(scene, echo)
    assert outcome == "RuntimeError" or outcome[2] == LARGE


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "PURGE", "QUERY", "OPTIONS"])
@pytest.mark.parametrize("name", ["none", "bytes", "pieces"])
def test_a_method_is_the_same(method, name, same):
    line, _, body = same(sending(method, BODIES[name]), echo)
    assert line.startswith(method.encode())
    assert (body == b"") == (name == "none")


@pytest.mark.parametrize(
    "target", ["/a?x=1&y=%20z", "/a%2Fb", "/a?q={b}|c^d`e", "/ä;v=1?q=ö+ü", "//a"]
)
def test_the_target_is_the_same(target, same):
    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", target)
        line = (await side.read(response)).split(b"\r\n")[0]
        await side.close(client)
        return line

    assert same(scene, echo).endswith(b" HTTP/1.1")


HEADERS: dict[str, Any] = {
    "duplicates": [("X-A", "1"), ("X-B", "x"), ("X-A", "2")],
    "an empty value": {"X-Empty": ""},
    "UTF-8": {"X-Name": "Jörg"},
    "another host": {"Host": "example.org"},
    "no agent": {"User-Agent": ""},
    "close": {"Connection": "close"},
    "a line break": {"X-A": "1\r\nX-B: 2"},
    "a name with a blank": {"X A": "1"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_the_same(name, same, family):
    async def scene(side: Side) -> Any:
        client = side.client()
        try:
            response = await side.send(client, "GET", "/", headers=HEADERS[name])
            return without_host(await side.read(response))
        finally:
            await side.close(client)

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            host = request[0].lower().partition(b"\r\nhost: ")[2].split(b"\r\n")[0]
            shown = b"example.org" if host == b"example.org" else b"own"
            peer.send(reply(request[0] + b"\r\nX-Sent-Host: " + shown))

    outcome = same(scene, script)
    refused = {
        "a line break": f"{family}.LocalProtocolError",
        "a name with a blank": f"{family}.LocalProtocolError",
        "UTF-8": "UnicodeEncodeError",
    }
    assert outcome == refused[name] if name in refused else outcome[0].startswith(b"GET /")


def test_a_header_that_is_refused_is_in_no_message(play, family):
    async def scene(side: Side) -> Any:
        client = side.client()
        with pytest.raises(side.module.LocalProtocolError) as raised:
            await side.send(client, "GET", "/", headers={"Authorization": "Bearer sk-1\nx"})
        await side.close(client)
        return str(raised.value), str(raised.value.__cause__)

    for text in play(scene, echo):
        assert "sk-1" not in text


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_body_that_fails_ends_the_request(after, same, family):
    heads = []

    def script(peer: Peer) -> None:
        heads.append(peer.head())
        peer.wait_for_end()

    async def scene(side: Side) -> Any:
        client = side.client()
        try:
            pieces = [b"x" * 1000] * after
            await side.send(
                client, "POST", "/", content=side.upload(*pieces, BrokenError("no more"))
            )
        finally:
            await side.close(client)

    assert same(scene, script) == "BrokenError"


@pytest.mark.parametrize("length", [2, 4])
def test_a_body_of_another_length_than_declared_is_refused(length, play, family):
    # The family's own transport lets an error of its HTTP library through.
    async def scene(side: Side) -> Any:
        client = side.client()
        headers = {"Content-Length": str(length)}
        try:
            await side.send(client, "POST", "/", content=side.upload(b"One"), headers=headers)
        finally:
            await side.close(client)

    def script(peer: Peer) -> None:
        peer.head()
        peer.wait_for_end()

    assert play(scene, script) == f"{family}.LocalProtocolError"


@pytest.mark.parametrize("body", ["bytes", "pieces"])
def test_an_early_answer_to_a_large_body_is_read(body, same):
    """The server answers and closes before the body is whole, as a proxy with a limit does."""
    size = 64 * len(LARGE)

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(reply(b"too large", b"Connection: close", status=b"413 Content Too Large"))
        # What is already on its way is read, so that the close is not a reset.
        peer.wait_for_end()

    async def scene(side: Side) -> Any:
        client = side.client(timeout=30)
        content = LARGE * 64 if body == "bytes" else side.upload(*[LARGE] * 64)
        response = await side.send(client, "POST", "/", content=content)
        found = await side.read(response)
        await side.close(client)
        return response.status_code, found

    assert size > 1 << 25
    assert same(scene, script) == (413, b"too large")
