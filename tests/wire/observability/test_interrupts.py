"""What ends a program ends it in any code of the program that we call; an `Exception` may not."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import Async

import tokenwire as tw
from tokenwire.handler import StreamingHandler
from tokenwire.testing import fake
from tokenwire.tools import call_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

ENDS = [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]
STALLED = {"default": {"fault": {"kind": "stall", "at": {"events": 2}}}}


@pytest.fixture(params=ENDS, ids=lambda kind: kind.__name__)
def end(request: pytest.FixtureRequest) -> BaseException:
    kind: type[BaseException] = request.param
    return kind("the program ends here")


@pytest.fixture
def leave(end: BaseException) -> Callable[..., Any]:
    def leave(*_: object, **__: object) -> None:
        raise end

    return leave


@pytest.fixture
def left(leave: Callable[..., Any]) -> Iterator[list[tw.CallEvent]]:
    """A callback of `on_call` that ends the program, and the calls that a later one gets."""
    after: list[tw.CallEvent] = []
    removers = [tw.on_call(leave), tw.on_call(after.append)]
    yield after
    for remove in removers:
        remove()


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, **{"max_retries": 0, **settings})


def test_the_callback_of_a_whole_reply(sim, ask: Asking, end, left, caplog):
    with pytest.raises(type(end)) as caught:
        ask.complete(chat_on(sim), "hi")
    assert (caught.value, len(left), caplog.records) == (end, 1, [])


@pytest.mark.parametrize("view", ["chunks", "text", "events", "batches"])
def test_the_callback_of_a_stream(sim, ask: Asking, end, left, view):
    with pytest.raises(type(end)) as caught:
        ask.read(chat_on(sim), "hi", view=view)
    assert (caught.value, len(left)) == (end, 1)


def test_the_callback_of_a_failed_call_keeps_the_failure_as_its_context(sim, ask, end, left):
    sim.set_script({"default": {"error": {"status": 429}}})
    for call in (ask.complete, ask.read):
        with pytest.raises(type(end)) as caught:
            call(chat_on(sim), "hi")
        assert isinstance(caught.value.__context__, tw.LlmRateLimitError)
        end.__context__ = None
    assert len(left) == 2


def test_the_callback_of_a_stream_that_is_closed_early(sim, end, left):
    sim.set_script(STALLED)
    with pytest.raises(type(end)), chat_on(sim).stream("hi") as stream:
        next(stream)
    stream = chat_on(sim).stream("hi")
    next(stream)
    with pytest.raises(type(end)):
        stream.close()
    assert [event.error_kind for event in left] == ["cancelled"] * 2


async def test_the_callback_of_an_async_stream_that_is_closed_early(sim, end, left):
    sim.set_script(STALLED)
    stream = chat_on(sim).stream_async("hi")
    await anext(stream)
    with pytest.raises(type(end)):
        await stream.aclose()
    assert [event.error_kind for event in left] == ["cancelled"]


def test_the_callback_of_a_row(sim, ask: Asking, end, left):
    with pytest.raises(type(end)):
        ask.map(chat_on(sim), ["a"], concurrency=1)
    assert len(left) == 1


def test_the_callback_of_a_map_that_is_left(sim, end, left):
    rules = {"rules": [{"match": {"body": "first"}, "then": {"error": {"status": 400}}}]}
    sim.set_script({**rules, "default": {"fault": {"kind": "no_head"}}})
    with pytest.raises(type(end)):
        list(chat_on(sim).map(["first", "b", "c"], concurrency=3))
    assert sorted(event.error_kind or "" for event in left) == ["api", "cancelled", "cancelled"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_the_callback_of_a_stream_that_is_dropped(sim, monkeypatch, kind):
    """Nothing can be raised there, so Ctrl-C comes a moment later, and an exit is reported."""
    sim.set_script(STALLED)
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.append(args.exc_type))

    def leave(_event: tw.CallEvent) -> None:
        raise kind

    remove = tw.on_call(leave)
    stream = chat_on(sim).stream("hi")
    next(stream)
    try:
        del stream
        time.monotonic()
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    finally:
        remove()
    is_ctrl_c = kind is KeyboardInterrupt
    assert (interrupted, unraisable) == (is_ctrl_c, [] if is_ctrl_c else [SystemExit])


@pytest.fixture
def log_handler(leave) -> Iterator[None]:
    class Handler(logging.Handler):
        emit = staticmethod(leave)

    logger, handler = logging.getLogger("tokenwire"), Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


def test_a_log_handler(sim, ask: Asking, end, log_handler):
    twice = {"times": 1, "then": {"error": {"status": 503}}}
    retry = tw.RetryPolicy(first=0.001)
    for call in (ask.complete, ask.read):
        sim.set_script({"rules": [twice]})
        with pytest.raises(type(end)) as caught:
            call(chat_on(sim, retry=retry, max_retries=None), "hi")
        assert caught.value is end


def test_a_log_handler_that_gets_the_failure_of_a_callback(sim, ask: Asking, end, log_handler):
    remove = tw.on_call(lambda _event: 1 // 0)
    after: list[tw.CallEvent] = []
    remove_after = tw.on_call(after.append)
    with pytest.raises(type(end)):
        ask.complete(chat_on(sim), "hi")
    remove()
    remove_after()
    assert len(after) == 1


def test_a_key_function(sim, ask: Asking, end, leave):
    for call in (ask.complete, ask.read):
        with pytest.raises(type(end)):
            call(chat_on(sim, api_key=leave), "hi")
    assert sim.requests() == []


def test_a_text_callback(sim, end, leave):
    with pytest.raises(type(end)):
        chat_on(sim).run("hi", on_text=leave)
    with pytest.raises(type(end)):
        asyncio.run(chat_on(sim).run_async("hi", on_text=leave))


@pytest.mark.parametrize("name", ["on_text", "on_usage", "on_end"])
def test_a_callback_of_a_handler(sim, end, leave, name):
    handler = StreamingHandler(**{name: leave})
    with pytest.raises(type(end)):
        handler.run(chat_on(sim).stream("hi"))
    with pytest.raises(type(end)):
        asyncio.run(handler.run_async(chat_on(sim).stream_async("hi")))


def test_the_error_callback_of_a_handler(sim, end, leave):
    sim.set_script({"default": {"error": {"status": 400}}})
    handler = StreamingHandler(on_error=leave)
    with pytest.raises(type(end)):
        handler.run(chat_on(sim).stream("hi"))
    with pytest.raises(type(end)):
        asyncio.run(handler.run_async(chat_on(sim).stream_async("hi")))


def test_a_reader_of_a_tee(sim, end, leave):
    async def read() -> None:
        handler = StreamingHandler(on_text=leave)
        async with handler.tee(chat_on(sim).stream_async("hi"), 1) as (reader,):
            async for _ in reader:
                pass

    with pytest.raises(type(end)):
        asyncio.run(read())


def test_a_tool_and_its_result(end, leave):
    def tool() -> None:
        leave()

    with pytest.raises(type(end)):
        call_tool(tool, "{}")


def test_a_custom_client(ask: Asking, end, leave):
    class Custom(tw.LlmClientInterface):
        complete = leave

    with pytest.raises(type(end)):
        ask.complete(Custom("m"), "hi")
    # CPython does not close an async generator that `GeneratorExit` has left from inside.
    if not (isinstance(end, GeneratorExit) and isinstance(ask, Async)):
        with pytest.raises(type(end)):
            ask.read(Custom("m"), "hi")
    with pytest.raises(type(end)):
        ask.map(Custom("m"), ["a"], concurrency=1)


def test_the_source_of_a_custom_stream(end):
    def chunks() -> Iterator[str]:
        yield "a"
        raise end

    stream = tw.LlmStream.from_chunks(chunks(), provider="p", model="m")
    with pytest.raises(type(end)):
        list(stream)


def test_a_function_of_a_fake_ends_the_block(ask: Asking, end, leave):
    """It runs on another thread: the call fails, and the end comes with the end of the block."""
    chat = tw.ChatClient("openai:m", api_key="k", max_retries=2)
    faked = fake({"openai:*": leave})
    faked.__enter__()
    with pytest.raises(tw.LlmConfigError, match=f"raised {type(end).__name__}"):
        ask.complete(chat, "hi")
    with pytest.raises(type(end)) as caught:
        faked.__exit__()
    assert (caught.value, len(faked.requests)) == (end, 1)


def test_the_method_of_a_value_that_is_sent(sim, ask: Asking, end, leave):
    class Value:
        __tokenwire_json__ = leave

    class Model:
        model_dump = leave

    class Lazy:
        def __getattr__(self, name: str) -> object:
            raise end

    for value in (Value(), Model(), Lazy()):
        with pytest.raises(type(end)):
            ask.complete(chat_on(sim), "hi", metadata={"a": value})
