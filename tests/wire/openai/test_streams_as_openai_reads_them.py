"""Streams of events, however odd, give through our clients what they give through openai's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

openai = pytest.importorskip("openai")

from openai._streaming import SSEDecoder  # noqa: E402
from tests.wire.openai.both_clients import NEEDED, Call, options  # noqa: E402
from tests.wire.openai.equality import difference, is_incomplete, unlike  # noqa: E402
from tests.wire.openai.event_bodies import BASES, bodies  # noqa: E402
from tests.wire.openai.row_server import CHUNKINGS, Reply, RowServer  # noqa: E402

import tokenwire.openai as ours  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.openai.both_clients import Outcome

STREAMED = ("content-type: text/event-stream",)


class Asking:
    """The four clients, and a loop for the async ones."""

    def __init__(self, server: RowServer) -> None:
        self.loop = asyncio.new_event_loop()
        self._server = server
        words = options(server)
        self._sync = {"stock": openai.OpenAI(**words), "ours": ours.OpenAI(**words)}
        self._async = {"stock": openai.AsyncOpenAI(**words), "ours": ours.AsyncOpenAI(**words)}

    def close(self) -> None:
        for client in self._sync.values():
            client.close()
        for client in self._async.values():
            self.loop.run_until_complete(client.close())
        self.loop.close()

    def outcomes(self, api: str, body: bytes, chunking: str) -> Iterator[tuple[Outcome, Outcome]]:
        """Ask for a stream; yield its outcome from openai's client and from ours."""
        self._server.replies = [Reply(200, body, STREAMED)]
        call = Call(0, api, {**NEEDED[api], "stream": True})
        seen = [call.outcome(it, call.key(chunking, who)) for who, it in self._sync.items()]
        yield seen[0], seen[1]
        seen = [
            self.loop.run_until_complete(call.outcome_async(it, call.key(chunking, who)))
            for who, it in self._async.items()
        ]
        yield seen[0], seen[1]


@pytest.fixture(scope="module")
def asking(transport: str | None) -> Iterator[Asking]:
    with RowServer() as server:
        asking = Asking(server)
        yield asking
        asking.close()


def _is_done(api: str, body: bytes) -> bool:
    """Whether openai's decoder finds the mark of the end. Responses have another."""
    return api != "responses" and any(
        event.data.startswith("[DONE]") for event in SSEDecoder().iter_bytes(iter([body]))
    )


def check(stock: Outcome, built: Outcome, api: str, body: bytes) -> None:
    """Check what a stream gave, beside what it gave through openai's client."""
    if isinstance(stock.error, UnicodeDecodeError):
        # openai raises it for any line; ours only for the data of an event.
        count = len(stock.items)
        assert difference(stock.items, built.items[:count]) is None
        return
    assert unlike(stock, built) is None
    if is_incomplete(built):
        assert not _is_done(api, body)


@pytest.mark.parametrize("api", ["chat.completions", "completions", "responses"])
@given(data=st.data(), chunking=st.sampled_from(sorted(CHUNKINGS)))
def test_a_stream_is_the_same_through_both(
    asking: Asking, api: str, data: Any, chunking: str
) -> None:
    body = data.draw(bodies(api))
    note(repr(body))
    for stock, built in asking.outcomes(api, body, chunking):
        check(stock, built, api, body)


EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n'
)
END = b"data: [DONE]\n\n"


@pytest.mark.parametrize("line", [b": \xff", b"foo: \xff", b"event: \xff", b"\xff", b"id: \xff"])
def test_only_openai_stops_at_bytes_that_are_not_utf_8_where_nobody_reads_them(
    asking: Asking, line: bytes
) -> None:
    for stock, built in asking.outcomes("chat.completions", line + b"\n" + EVENT + END, "whole"):
        assert isinstance(stock.error, UnicodeDecodeError)
        assert (len(built.items), built.error) == (1, None)


@pytest.mark.parametrize("data", [b"\xff", b'{"x":"\xff"}', b'{"x":"\xed\xa0\x80"}', b'{"x":"\xc3'])
def test_both_stop_at_data_that_are_not_utf_8(asking: Asking, data: bytes) -> None:
    body = EVENT + b"data: " + data + b"\n\n" + EVENT + END
    for stock, built in asking.outcomes("chat.completions", body, "odd"):
        assert type(stock.error) is type(built.error) is UnicodeDecodeError
        assert len(stock.items) == len(built.items) == 1


@pytest.mark.parametrize("count", [10**16 + 1, 2**63, 10**30])
def test_a_whole_number_in_a_field_of_floats_is_one(asking: Asking, count: int) -> None:
    # openai leaves those that a float does not hold as they are.
    choice = {
        "index": 0,
        "delta": {},
        "finish_reason": "stop",
        "logprobs": {"content": [{"token": "a", "logprob": count, "top_logprobs": []}]},
    }
    chunk = {**BASES["chat.completions"][0], "choices": [choice]}
    body = f"data: {json.dumps(chunk)}\n\n".encode() + END
    for stock, built in asking.outcomes("chat.completions", body, "whole"):
        numbers = [one.items[0].choices[0].logprobs.content[0].logprob for one in (stock, built)]
        assert numbers[1] == float(count)
        assert numbers[0] in (count, float(count))
