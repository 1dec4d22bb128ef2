"""Streams that flood their reader."""

from __future__ import annotations

import pytest
from tests.wire.httpx.scenes import Peer, Scripted
from tests.wire.openai.playing import CHUNKED, EVENTS, client_of, one_chunk, read

pytest.importorskip("tokenwire.openai")

# Lines that may stand before the data of an event without changing them.
_FLOODS = {
    "comments": b": there\n",
    "ids": b"id: 1\n",
    "empty lines": b"\n",
    "empty lines of data": b"data: \n",
    "other fields": b"retry: 5\n",
}


def read_events(written: list[bytes], *, is_async: bool) -> tuple[list[str], BaseException | None]:
    """Read a chat whose body is written in these pieces: the texts, and the error."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + b"".join(one_chunk(piece) for piece in written) + b"0\r\n\r\n")

    with Scripted(script) as server:
        items, error = read(client_of(server, is_async=is_async), "chat")
    return [item.choices[0].delta.content for item in items], error


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("name", _FLOODS)
def test_many_lines_before_an_event_are_read_to_it(name, is_async):
    flood = _FLOODS[name] * 20_000
    events = EVENTS["chat"]

    texts, error = read_events([events[0], flood, *events[1:]], is_async=is_async)

    assert error is None
    assert texts == ["One", " two", " three."]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_of_single_bytes_is_read(is_async):
    written = b"".join(EVENTS["chat"])

    texts, error = read_events(
        [written[at : at + 1] for at in range(len(written))], is_async=is_async
    )

    assert error is None
    assert texts == ["One", " two", " three."]


@pytest.mark.parametrize("is_async", [False, True])
def test_json_that_is_too_deep_raises_what_the_decoder_raises(is_async):
    deep = b'data: {"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"

    texts, error = read_events([EVENTS["chat"][0], deep], is_async=is_async)

    assert texts == ["One"]
    assert isinstance(error, RecursionError)
