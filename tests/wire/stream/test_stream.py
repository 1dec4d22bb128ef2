"""Streams: the four forms to read one, `.response` at any time, the end, and closing."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import VIEWS, sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

HELLO = {"reply": {"tokens": ["Hel", "lo", " there"]}}
# Sends one token, then nothing until the client disconnects.
STALLS = {**HELLO, "fault": {"kind": "stall", "at": {"events": 2}}}


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, **settings)


def use_script(sim: SimServer, behaviour: dict[str, Any]) -> None:
    sim.set_script({"default": behaviour})


def test_each_form_has_the_same_text(sim: SimServer, ask: Asking) -> None:
    use_script(sim, HELLO)
    read = {view: ask.read(chat_on(sim), "-", view=view) for view in VIEWS}
    chunks, batches = read["chunks"][0], read["batches"][0]
    assert [chunk.text for chunk in chunks if chunk.text] == ["Hel", "lo", " there"]
    assert read["text"][0] == ["Hel", "lo", " there"]
    assert [len(batch) > 0 for batch in batches] == [True] * len(batches)
    flat = [chunk for batch in batches for chunk in batch]
    assert [chunk.text for chunk in flat] == [chunk.text for chunk in chunks]
    events = read["events"][0]
    assert [e.text for e in events if isinstance(e, tw.TextDelta)] == ["Hel", "lo", " there"]
    for _, response in read.values():
        assert (response.text, response.finish_reason) == ("Hello there", "stop")


def test_a_stream_is_read_without_with(sim: SimServer) -> None:
    use_script(sim, HELLO)
    stream = chat_on(sim).stream("-")
    assert sim.requests() == []
    assert "".join(stream.text_stream) == "Hello there"
    assert stream.response.finish_reason == "stop"


async def test_an_async_stream_is_read_without_with(sim: SimServer) -> None:
    use_script(sim, HELLO)
    stream = chat_on(sim).stream_async("-")
    assert sim.requests() == []
    assert "".join([chunk.text async for chunk in stream]) == "Hello there"


def test_the_fields_of_a_streamed_reply(sim: SimServer, ask: Asking) -> None:
    use_script(sim, {"reply": {**HELLO["reply"], "headers": {"x-request-id": "req-7"}}})
    chunks, reply = ask.read(chat_on(sim), "-")
    assert reply.raw is None
    assert (reply.request_id, reply.headers["x-request-id"]) == ("req-7", "req-7")
    assert reply.id
    assert reply.created is not None
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3
    timing = reply.timing
    stages = (timing.first_byte, timing.first_token, timing.last_token, timing.total)
    times = [stage for stage in stages if stage is not None]
    assert len(times) == 4
    assert times == sorted(times)
    assert [(a.status, a.error) for a in reply.attempts] == [(200, None)]
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert {chunk.index for chunk in chunks} == {0}
    assert all(chunk.raw is None or chunk.raw.startswith(b"{") for chunk in chunks)


def test_stream_usage_can_be_left_out(sim: SimServer, ask: Asking) -> None:
    use_script(sim, HELLO)
    _, with_usage = ask.read(chat_on(sim), "-")
    _, without = ask.read(chat_on(sim), "-", stream_usage=False)
    _, by_default = ask.read(chat_on(sim, stream_usage=False), "-")
    assert [reply.usage is None for reply in (with_usage, without, by_default)] == [
        False,
        True,
        True,
    ]
    assert [body.get("stream_options") for body in sent(sim)] == [
        {"include_usage": True},
        None,
        None,
    ]


def test_the_response_grows_while_it_is_read(sim: SimServer) -> None:
    use_script(sim, STALLS)
    with chat_on(sim).stream("-") as stream:
        first = next(piece for piece in stream.text_stream)
        so_far = stream.response
        assert (first, so_far.text, so_far.finish_reason) == ("Hel", "Hel", None)


async def test_the_response_grows_while_it_is_read_async(sim: SimServer) -> None:
    use_script(sim, STALLS)
    async with chat_on(sim).stream_async("-") as stream:
        first = await anext(aiter(stream.text_stream))
        so_far = stream.response
        assert (first, so_far.text, so_far.finish_reason) == ("Hel", "Hel", None)


def test_leaving_a_stream_closes_its_connection(sim: SimServer) -> None:
    use_script(sim, STALLS)
    with chat_on(sim).stream("-") as stream:
        next(stream)
    sim.wait_for("client_closed")
    # What arrived before can still be read. Then the stream raises an error.
    with pytest.raises(tw.LlmClientClosedError):
        list(stream)


async def test_leaving_an_async_stream_closes_its_connection(sim: SimServer) -> None:
    use_script(sim, STALLS)
    async with chat_on(sim).stream_async("-") as stream:
        await anext(aiter(stream))
    await asyncio.to_thread(sim.wait_for, "client_closed")


def test_close_from_another_thread_ends_a_waiting_reader(sim: SimServer) -> None:
    use_script(sim, STALLS)
    stream = chat_on(sim).stream("-")
    seen = threading.Event()
    outcome: list[object] = []

    def read() -> None:
        try:
            for piece in stream.text_stream:
                outcome.append(piece)
                seen.set()
        except tw.LlmClientClosedError as error:
            outcome.append(type(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert seen.wait(10)
    stream.close()
    reader.join(10)
    assert outcome == ["Hel", tw.LlmClientClosedError]


async def test_aclose_ends_a_waiting_reader(sim: SimServer) -> None:
    use_script(sim, STALLS)
    stream = chat_on(sim).stream_async("-")
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in stream.text_stream:
            seen.set()

    reader = asyncio.create_task(read())
    await asyncio.wait_for(seen.wait(), 10)
    await stream.aclose()
    with pytest.raises(tw.LlmClientClosedError):
        await asyncio.wait_for(reader, 10)


# The end of a stream.


def test_a_cut_stream_is_an_error_with_the_partial_reply(sim: SimServer, ask: Asking) -> None:
    use_script(sim, {**HELLO, "fault": {"kind": "drop_done", "before_finish": True}})
    with pytest.raises(tw.LlmStreamIncompleteError) as caught:
        ask.read(chat_on(sim), "-")
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.finish_reason) == ("Hello there", None)
    assert "choice 0" in str(caught.value)


def test_a_stream_without_done_is_complete_once_it_finished(sim: SimServer, ask: Asking) -> None:
    use_script(sim, {**HELLO, "fault": {"kind": "drop_done", "before_finish": False}})
    assert ask.read(chat_on(sim), "-")[1].text == "Hello there"


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_broken_stream_is_an_error_with_the_partial_reply(
    sim: SimServer, ask: Asking, kind: str
) -> None:
    use_script(sim, {**HELLO, "fault": {"kind": kind, "at": {"events": 3}}})
    with pytest.raises(tw.LlmStreamInterruptedError) as caught:
        ask.read(chat_on(sim), "-")
    assert caught.value.partial is not None
    # A reset may overtake bytes that are on their way.
    assert "Hello".startswith(caught.value.partial.text)
    assert [attempt.error for attempt in caught.value.attempts] == ["stream_interrupted"]


def test_an_error_after_content_ends_the_stream_with_the_partial_reply(
    sim: SimServer, ask: Asking
) -> None:
    body = {"error": {"message": "The engine died.", "type": "server_error", "code": "boom"}}
    use_script(sim, {**HELLO, "fault": {"kind": "error_event", "at": {"events": 3}, "body": body}})
    with pytest.raises(tw.LlmStreamServerError, match=r"The engine died\.") as caught:
        ask.read(chat_on(sim), "-")
    error = caught.value
    assert (error.code, error.type) == ("boom", "server_error")
    assert error.partial is not None
    assert error.partial.text == "Hello"
    assert len(sim.requests()) == 1


def test_an_error_as_the_first_event_is_retried(sim: SimServer, ask: Asking) -> None:
    failing = {"fault": {"kind": "error_event", "at": "after_head"}}
    sim.set_script({"rules": [{"times": 1, "then": failing}], "default": HELLO})
    retry = tw.RetryPolicy(first=0.001)
    _, reply = ask.read(chat_on(sim, retry=retry), "-")
    assert reply.text == "Hello there"
    assert [attempt.error for attempt in reply.attempts] == ["server", None]


def test_the_reply_of_a_server_that_does_not_stream_is_read_too(
    sim: SimServer, ask: Asking
) -> None:
    body = '{"id":"1","choices":[{"index":0,"message":{"content":"Hello"},"finish_reason":"stop"}]}'
    use_script(sim, {"replay": {"text": body}})
    chunks, reply = ask.read(chat_on(sim), "-", view="text")
    assert (chunks, reply.text, reply.finish_reason) == (["Hello"], "Hello", "stop")


def test_entering_raises_the_error_of_the_head(sim: SimServer) -> None:
    use_script(sim, {"error": {"status": 401, "message": "No."}})
    with pytest.raises(tw.LlmAuthenticationError, match=r"No\."):
        chat_on(sim).stream("-").__enter__()


async def test_entering_async_raises_the_error_of_the_head(sim: SimServer) -> None:
    use_script(sim, {"error": {"status": 401, "message": "No."}})
    with pytest.raises(tw.LlmAuthenticationError, match=r"No\."):
        await chat_on(sim).stream_async("-").__aenter__()


# Connections.


def test_streams_in_a_row_share_a_connection(sim: SimServer, ask: Asking) -> None:
    use_script(sim, HELLO)
    chat = chat_on(sim)

    async def in_one_loop() -> None:
        for _ in range(20):
            async with chat.stream_async("-") as stream:
                async for _ in stream:
                    pass

    if "Async" in type(ask).__name__:
        asyncio.run(in_one_loop())
    else:
        for _ in range(20):
            ask.read(chat, "-")
    assert (len(sim.requests()), sim.stats()["accepts"]) == (20, 1)


def test_calls_in_a_row_share_a_connection(sim: SimServer, ask: Asking) -> None:
    use_script(sim, HELLO)
    chat = chat_on(sim)
    for _ in range(20):
        ask.complete(chat, "-")
    assert (len(sim.requests()), sim.stats()["accepts"]) == (20, 1)


def test_clients_of_one_server_share_a_connection(sim: SimServer, ask: Asking) -> None:
    use_script(sim, HELLO)
    for _ in range(5):
        ask.complete(chat_on(sim), "-")
    assert sim.stats()["accepts"] == 1


async def test_a_text_reader_takes_more_reasoning_than_a_buffer_holds(sim: SimServer) -> None:
    def event(delta: dict[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({'id': 'r', 'choices': [choice]})}\n\n"

    thinking = event({"reasoning_content": " hm"}) * 2_000
    said = event({"content": "hi"}) + event({}, "stop") + "data: [DONE]\n\n"
    use_script(sim, {"replay": {"text": thinking + said}})
    chat = chat_on(sim, limits=tw.Limits(buffer_bytes=4_096))
    asked = chat.run_async("-", stream=True)
    assert await asyncio.wait_for(asked, 10) == "hi"
