"""Replies and streams that custom clients create."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
import threading
from typing import Any

import pytest

import tokenwire as tw
from tokenwire import AsyncLlmStream, LlmResponse, LlmStream, LlmStreamChunk, ToolCall, Usage

NAMES: dict[str, Any] = {"provider": "acme", "model": "m1"}
HALF: Any = "a\ud800"
FAILED: dict[str, Any] = {"elapsed": 1.0, "error": ValueError("no")}
END = LlmStreamChunk(finish_reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=2))


class Source:
    """Yields chunks, from a sync or an async generator, and records whether it was closed."""

    def __init__(self, *chunks, error=None):
        self.chunks = chunks
        self.error = error
        self.yielded = 0
        self.closed = asyncio.Event()
        self.waits = asyncio.Event()

    def sync(self):
        try:
            for chunk in self.chunks:
                self.yielded += 1
                yield chunk
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()

    async def asynchronous(self):
        try:
            for chunk in self.chunks:
                self.yielded += 1
                if isinstance(chunk, asyncio.Event):
                    self.waits.set()
                    await chunk.wait()
                else:
                    await asyncio.sleep(0)
                    yield chunk
            if self.error is not None:
                raise self.error
        finally:
            # Closing waits for this.
            await asyncio.sleep(0)
            self.closed.set()


def read_sync(source, view):
    with LlmStream.from_chunks(source.sync(), **NAMES) as stream:
        items = list(_view(stream, view))
    return items, stream


def read_async(source, view):
    async def read():
        async with AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES) as stream:
            items = [item async for item in _view(stream, view)]
        return items, stream

    return asyncio.run(read())


def _view(stream, view) -> Any:
    if view == "chunks":
        return stream
    return stream.text_stream if view == "text" else getattr(stream, view)()


@pytest.fixture(params=[read_sync, read_async], ids=["sync", "async"])
def read(request):
    """The sync and the async stream, in turn."""
    return request.param


def test_a_custom_stream_can_be_read_in_every_form(read):
    fragments = [
        LlmStreamChunk(tool_calls=[tw.ToolCallFragment(0, "c1", "f", '{"x"')]),
        LlmStreamChunk(tool_calls=[tw.ToolCallFragment(0, arguments=": 1}")]),
    ]
    chunks = ["Hi ", LlmStreamChunk(text="there", reasoning="why"), *fragments, END]
    assert read(Source(*chunks), "text")[0] == ["Hi ", "there"]
    assert read(Source(*chunks), "chunks")[0] == [LlmStreamChunk(text="Hi "), *chunks[1:]]
    assert [chunk for batch in read(Source(*chunks), "batches")[0] for chunk in batch][-1] == END
    events, stream = read(Source(*chunks), "events")
    call = ToolCall("c1", "f", '{"x": 1}')
    assert tw.ToolCallDone(call) in events
    assert events[:3] == [tw.TextDelta("Hi "), tw.ReasoningDelta("why"), tw.TextDelta("there")]
    assert events[-1] == tw.End()
    reply = stream.response
    assert (reply.text, reply.reasoning, reply.tool_calls) == ("Hi there", "why", (call,))
    assert (reply.finish_reason, reply.usage) == ("tool_calls", END.usage)
    assert (reply.provider, reply.model) == ("acme", "m1")


def test_time_is_measured(read):
    timing = read(Source("a", "b", END), "chunks")[1].response.timing
    assert 0 < timing.first_token <= timing.last_token <= timing.total


def test_the_reply_so_far_is_there_at_any_time():
    stream = LlmStream.from_chunks(Source("a", "b", END).sync(), id="r1", created=7, **NAMES)
    assert (stream.response.text, stream.response.id, stream.response.created) == ("", "r1", 7)
    next(stream)
    assert (stream.response.text, stream.response.finish_reason) == ("a", None)


@pytest.mark.parametrize("chunks", [[], ["cut"], [LlmStreamChunk(index=1, text="b"), END]])
def test_an_end_without_a_finish_reason_is_an_error(read, chunks):
    with pytest.raises(tw.LlmStreamIncompleteError, match="finish_reason") as caught:
        read(Source(*chunks), "chunks")
    error = caught.value
    assert (error.partial is None) == (not chunks)
    assert (error.provider, error.model) == ("acme", "m1")


def test_an_error_of_the_source_carries_the_reply_so_far(read):
    source = Source("so far", error=tw.LlmRateLimitError("slow down", retry_after=2.0))
    with pytest.raises(tw.LlmRateLimitError, match="slow down") as caught:
        read(source, "text")
    error = caught.value
    assert error is source.error
    assert (error.partial.text, error.provider, error.model) == ("so far", "acme", "m1")
    assert error.retry_after == 2.0


def test_another_exception_is_raised_unchanged_and_again():
    stream = LlmStream.from_chunks(Source("a", error=KeyError("x")).sync(), **NAMES)
    for _ in range(2):
        with pytest.raises(KeyError):
            list(stream)
    assert stream.response.text == "a"


def test_an_item_of_another_kind_is_refused_and_the_source_closed(read):
    source = Source("a", 3, END)
    with pytest.raises(tw.LlmValidationError, match="LlmStreamChunk or str, not int"):
        read(source, "chunks")
    assert source.closed.is_set()


@pytest.mark.parametrize("wrong", [3, "text", b"text", None])
def test_chunks_must_be_iterable(wrong):
    for kind in (LlmStream, AsyncLlmStream):
        with pytest.raises(tw.LlmConfigError, match="chunks: give an"):
            kind.from_chunks(wrong, **NAMES)
    with pytest.raises(tw.LlmConfigError, match="async iterable"):
        AsyncLlmStream.from_chunks(["a"], **NAMES)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [LlmStream, AsyncLlmStream])
def test_an_iterator_that_is_none_is_not_an_empty_stream(kind):
    class Forgetful:
        def __iter__(self):
            pass

        __aiter__ = __iter__

    chunks: Any = Forgetful()
    with pytest.raises(TypeError, match="NoneType"):
        kind.from_chunks(chunks, **NAMES)


def test_nothing_runs_before_the_stream_is_read():
    source = Source("a", END)
    stream = LlmStream.from_chunks(source.sync(), **NAMES)
    assert (repr(stream), source.yielded) == ('LlmStream(model="m1", state=not sent)', 0)
    with stream:
        assert source.yielded == 0


def test_leaving_closes_the_source():
    source = Source("a", "b", END)
    with LlmStream.from_chunks(source.sync(), **NAMES) as stream:
        next(stream)
    assert (source.closed.is_set(), source.yielded) == (True, 1)
    with pytest.raises(tw.LlmClientClosedError):
        next(stream)


def test_a_stream_that_is_dropped_closes_its_source():
    source = Source("a", "b", END)
    next(LlmStream.from_chunks(source.sync(), **NAMES))
    assert source.closed.is_set()


async def test_leaving_waits_until_the_source_is_closed():
    source = Source("a", "b", END)
    async with AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES) as stream:
        await anext(stream)
    assert (source.closed.is_set(), source.yielded) == (True, 1)


async def test_cancelling_the_reader_closes_the_source():
    source = Source("a", asyncio.Event())

    async def read():
        async with AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES) as stream:
            async for _ in stream:
                pass

    task = asyncio.create_task(read())
    await source.waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed.is_set()


@pytest.mark.parametrize("how", ["aclose", "close", "thread"])
async def test_closing_ends_a_waiting_reader(how):
    source = Source("a", asyncio.Event())
    stream = AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES)
    await anext(stream)
    task = asyncio.create_task(_next(stream))
    await source.waits.wait()
    if how == "aclose":
        await stream.aclose()
    elif how == "close":
        stream.close()
    else:
        thread = threading.Thread(target=stream.close)
        thread.start()
        await asyncio.to_thread(thread.join)
    with pytest.raises(tw.LlmClientClosedError):
        await task
    assert source.closed.is_set()


async def test_a_reader_may_go_on_before_the_closing_thread(monkeypatch):
    source = Source("a", asyncio.Event())
    stream = AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES)
    await anext(stream)
    task = asyncio.create_task(_next(stream))
    await source.waits.wait()
    ended = threading.Event()
    task.add_done_callback(lambda _: ended.set())
    loop = asyncio.get_running_loop()
    soon = loop.call_soon_threadsafe

    def soon_and_wait(*args, **kwargs):
        handle = soon(*args, **kwargs)
        ended.wait(10)
        return handle

    monkeypatch.setattr(loop, "call_soon_threadsafe", soon_and_wait)
    thread = threading.Thread(target=stream.close)
    thread.start()
    with pytest.raises(tw.LlmClientClosedError):
        await task
    assert source.closed.is_set()
    await asyncio.to_thread(thread.join)


class EndlessSource:
    """Yields chunks that have no text, so that a reader of the text takes many in one step."""

    def __iter__(self):
        return self

    def __aiter__(self):
        return self

    def __next__(self):
        return LlmStreamChunk()

    async def __anext__(self):
        return LlmStreamChunk()


def _close_before_the_next_step(stream, monkeypatch):
    """Lets another thread close the stream after the reader has found nothing to take."""
    take = stream._take

    def take_and_close(form):
        item = take(form)
        if item is None:
            thread = threading.Thread(target=stream.close)
            thread.start()
            thread.join()
        return item

    monkeypatch.setattr(stream, "_take", take_and_close)


def test_a_stream_closed_between_two_steps_does_not_look_complete(monkeypatch):
    stream = LlmStream.from_chunks(EndlessSource(), **NAMES)
    _close_before_the_next_step(stream, monkeypatch)
    with pytest.raises(tw.LlmClientClosedError):
        next(stream.text_stream)


async def test_an_async_stream_closed_between_two_steps_does_not_look_complete(monkeypatch):
    stream = AsyncLlmStream.from_chunks(EndlessSource(), **NAMES)
    _close_before_the_next_step(stream, monkeypatch)
    with pytest.raises(tw.LlmClientClosedError):
        await anext(stream.text_stream)


def test_a_closing_thread_is_not_another_reader(monkeypatch):
    closing, closed = threading.Event(), threading.Event()

    class SlowToClose(EndlessSource):
        def close(self):
            closing.set()
            assert closed.wait(30)

    stream = LlmStream.from_chunks(SlowToClose(), **NAMES)
    advance = stream._advance  # type: ignore[attr-defined]
    thread = threading.Thread(target=stream.close)

    def close_and_advance():
        thread.start()
        assert closing.wait(30)
        advance()

    monkeypatch.setattr(stream, "_advance", close_and_advance)
    with pytest.raises(tw.LlmClientClosedError):
        next(stream.text_stream)
    closed.set()
    thread.join()


def test_a_stream_whose_loop_ended_can_be_closed():
    source = Source("a", asyncio.Event())
    stream = AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_next(stream))
    task = loop.create_task(_next(stream))
    loop.run_until_complete(source.waits.wait())
    # What `asyncio.run` would do with the task is left out.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    stream.close()
    with pytest.raises(tw.LlmClientClosedError):
        asyncio.run(_next(stream))


def test_a_step_without_an_event_loop_leaves_the_stream_as_it_was():
    stream = AsyncLlmStream.from_chunks(Source("a", END).asynchronous(), **NAMES)
    with pytest.raises(RuntimeError, match="no running event loop"):
        stream.__anext__().send(None)  # type: ignore[attr-defined]
    assert asyncio.run(_next(stream)).text == "a"


async def _next(stream):
    return await anext(stream)


async def test_closing_leaves_no_cancellation_behind():
    source = Source("a", asyncio.Event())
    stream = AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES)
    await anext(stream)

    async def read():
        with pytest.raises(tw.LlmClientClosedError):
            await anext(stream)
        await asyncio.sleep(0)
        return getattr(asyncio.current_task(), "cancelling", int)()

    task = asyncio.create_task(read())
    await source.waits.wait()
    stream.close()
    stream.close()
    assert await task == 0
    assert source.closed.is_set()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 does not count cancellations")
async def test_cancelling_a_reader_wins_over_closing():
    source = Source("a", asyncio.Event())
    stream = AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES)
    await anext(stream)
    task = asyncio.create_task(_next(stream))
    await source.waits.wait()
    stream.close()
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed.is_set()


def test_a_closing_thread_leaves_a_running_step_alone():
    begun, ended = threading.Event(), threading.Event()
    source = Source()

    def chunks():
        try:
            begun.set()
            assert ended.wait(30)
            yield "a"
            yield END
        finally:
            source.closed.set()

    stream = LlmStream.from_chunks(chunks(), **NAMES)
    errors: list[BaseException] = []

    def read():
        try:
            list(stream)
        except tw.LlmClientClosedError as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(30)
    stream.close()
    assert not source.closed.is_set()
    ended.set()
    thread.join(30)
    assert len(errors) == 1
    assert source.closed.is_set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_refuses_the_stream():
    stream = LlmStream.from_chunks(Source("a", END).sync(), **NAMES)
    next(stream)
    child = os.fork()
    if not child:
        try:
            next(stream)
        except tw.LlmForkedStreamError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert next(stream) == END


async def test_a_stream_has_one_reader():
    source = Source("a", asyncio.Event())
    async with AsyncLlmStream.from_chunks(source.asynchronous(), **NAMES) as stream:
        await anext(stream)
        task = asyncio.create_task(_next(stream))
        await source.waits.wait()
        with pytest.raises(RuntimeError, match="one reader"):
            await anext(stream)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_a_sync_stream_has_one_reader_too():
    begun, ended = threading.Event(), threading.Event()

    def chunks():
        begun.set()
        ended.wait(30)
        yield END

    stream = LlmStream.from_chunks(chunks(), **NAMES)
    thread = threading.Thread(target=lambda: next(stream))
    thread.start()
    assert begun.wait(30)
    with pytest.raises(RuntimeError, match="one reader"):
        next(stream)
    stream.close()
    ended.set()
    thread.join(30)


def test_a_stream_may_be_the_source_of_another():
    inner = LlmStream.from_chunks(Source("a", END).sync(), **NAMES)
    outer = LlmStream.from_chunks(inner, provider="outer", model="m2")
    assert list(outer.text_stream) == ["a"]
    assert (outer.response.provider, outer.response.usage) == ("outer", END.usage)


def test_a_custom_stream_reports_nothing():
    streams = [LlmStream.from_chunks(Source("a", END).sync(), **NAMES) for _ in range(3)]
    list(streams[0])
    next(streams[1])
    streams[1].close()
    with pytest.raises(KeyError):
        list(LlmStream.from_chunks(Source(error=KeyError("x")).sync(), **NAMES))
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    streams.clear()
    remove()
    assert events == []


FULL: dict[str, Any] = {
    "reasoning": "because",
    "text": "hi",
    "tool_calls": [ToolCall("c1", "f", "{}")],
    "usage": Usage(prompt_tokens=3),
    "timing": tw.Timing(total=1.5),
    "headers": {"x-id": "7"},
    "id": "r1",
    "created": 9,
    "request_id": "q1",
    "logprobs": [tw.TokenLogprob("hi", -0.5)],
    "finish_reason": "stop",
    "provider_finish_reason": "eos",
}


def test_a_reply_is_created_from_its_fields():
    reply = LlmResponse(**NAMES, **FULL)
    for name, value in FULL.items():
        expected = tuple(value) if isinstance(value, list) else value
        assert getattr(reply, name) == ("tool_calls" if name == "finish_reason" else expected)
    assert [getattr(part, "type", part) for part in reply.message.content] == [
        "reasoning",
        "text",
        "tool_call",
    ]
    assert LlmResponse(**NAMES, message=reply.message).message == reply.message
    assert LlmResponse(**NAMES, message=tw.LlmMessage("assistant", "hi")).text == "hi"
    assert LlmResponse.from_dict(json.loads(json.dumps(reply.to_dict()))) == reply
    assert pickle.loads(pickle.dumps(reply)) == reply


def test_a_reply_is_parsed_as_its_type():
    assert LlmResponse(**NAMES, text="[1]", response_format=list[int]).parsed == [1]


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"finish_reason": "done"}, tw.LlmValidationError, "finish_reason: .* not one of stop"),
        ({"message": "hi"}, tw.LlmValidationError, "message: give an LlmMessage, not str"),
        ({"message": tw.LlmMessage("user", "hi")}, tw.LlmValidationError, "message: .*assistant"),
        (
            {"message": tw.LlmMessage("assistant", [tw.ImagePart(url="http://x/a.png")])},
            tw.LlmValidationError,
            "message: a reply holds only text",
        ),
        (
            {"text": "a", "message": tw.LlmMessage("assistant", "b")},
            tw.LlmConfigError,
            "message: .* give it alone",
        ),
        ({"headers": ["a"]}, tw.LlmConfigError, "headers: give a dict"),
        ({"txt": "a"}, TypeError, "txt"),
    ],
)
def test_a_wrong_field_is_named(fields, kind, words):
    with pytest.raises(kind, match=words):
        LlmResponse(**NAMES, **fields)


def test_a_chunk_refuses_an_unknown_finish_reason():
    with pytest.raises(tw.LlmValidationError, match='finish_reason: "done" is not one of stop'):
        LlmStreamChunk(finish_reason="done")  # type: ignore[arg-type]


def test_text_that_utf_8_cannot_carry_is_refused():
    stream = LlmStream.from_chunks(["a", "\ud800"], provider="p", model="m")
    with pytest.raises(tw.LlmValidationError, match=r"^chunks: the text holds a lone surrogate"):
        list(stream)
    assert stream.response.text == "a"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("provider", lambda: LlmResponse(provider=HALF, model="m")),
        ("model", lambda: LlmResponse(provider="p", model=HALF)),
        ("text", lambda: LlmResponse(**NAMES, text=HALF)),
        ("refusal", lambda: LlmResponse(**NAMES, refusal=HALF)),
        ("request_id", lambda: LlmResponse(**NAMES, request_id=HALF)),
        ("text", lambda: LlmStreamChunk(text=HALF)),
        ("finish_reason", lambda: LlmStreamChunk(finish_reason=HALF)),
        ("arguments", lambda: tw.ToolCallFragment(0, arguments=HALF)),
        ("id", lambda: ToolCall(HALF, "f")),
        ("name", lambda: ToolCall("c", HALF)),
        ("token", lambda: tw.TokenLogprob(HALF)),
        ("top", lambda: tw.TokenLogprob("a", top=((HALF, -1.0, None),))),
        ("provider", lambda: list(LlmStream.from_chunks([], provider=HALF, model="m"))),
        ("CallEvent.model", lambda: tw.report_call(**{**NAMES, "model": HALF}, **FAILED)),
    ],
)
def test_half_a_surrogate_pair_is_refused_by_the_name_of_its_argument(name, make):
    with pytest.raises(tw.LlmValidationError, match=f"^{name}: the text holds a lone surrogate"):
        make()
