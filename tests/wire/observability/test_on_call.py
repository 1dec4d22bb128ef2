"""`on_call`: one event for each finished call, on the caller's thread, however it ended."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.fault.scenes import until

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

REPLY = {"default": {"reply": {"tokens": ["one", " two", " three"]}}}
STALLED = {"default": {"fault": {"kind": "stall", "at": {"events": 2}}}}
NEVER = {"default": {"fault": {"kind": "no_head"}}}
CUT = {"kind": "reset", "at": {"events": 2}}
OPENAI = "openai-compatible"


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[tw.CallEvent], object]], Callable[[], None]]]:
    """`on_call`, with the callbacks removed at the end of the test."""
    removers = []

    def add(callback):
        removers.append(tw.on_call(callback))
        return removers[-1]

    yield add
    for remove in removers:
        remove()


@pytest.fixture
def events(listen) -> list[tw.CallEvent]:
    received: list[tw.CallEvent] = []
    listen(received.append)
    return received


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    retry = tw.RetryPolicy(max_retries=0)
    return tw.ChatClient("m", base_url=sim.base_url, **{"retry": retry, **settings})


def summary(event: tw.CallEvent) -> tuple[Any, ...]:
    text = None if event.response is None else event.response.text
    return event.provider, event.model, event.streamed, event.error_kind, text


def test_a_whole_reply_is_one_event(sim, ask: Asking, events):
    sim.set_script(REPLY)
    reply = ask.complete(chat_on(sim), "hi")
    (event,) = events
    assert summary(event) == (OPENAI, "m", False, None, "one two three")
    assert event.response == reply
    assert (event.usage, event.timing, event.cost) == (reply.usage, reply.timing, reply.cost)
    assert (event.attempts, event.error) == (reply.attempts, None)


@pytest.mark.parametrize("view", ["chunks", "text", "events", "batches"])
def test_a_stream_is_one_event_at_its_end_and_none_for_a_chunk(sim, ask: Asking, events, view):
    sim.set_script(REPLY)
    items, reply = ask.read(chat_on(sim), "hi", view=view)
    assert items
    (event,) = events
    assert summary(event) == (OPENAI, "m", True, None, "one two three")
    assert (event.usage, event.timing) == (reply.usage, reply.timing)


def test_there_is_no_event_before_the_end_of_a_stream(sim, events):
    sim.set_script(REPLY)
    with chat_on(sim).stream("hi") as stream:
        during = {len(events) for _ in stream}
    assert during == {0}
    assert len(events) == 1


def test_the_callback_runs_before_the_caller_gets_the_reply(sim, ask: Asking, listen):
    order = []
    listen(lambda _event: order.append("event"))
    ask.complete(chat_on(sim), "hi")
    order.append("reply")
    assert order == ["event", "reply"]


def test_a_stream_that_is_closed_early_is_cancelled(sim, events):
    sim.set_script(STALLED)
    with chat_on(sim).stream("hi") as stream:
        next(piece for piece in stream.text_stream if piece)
    (event,) = events
    assert (event.streamed, event.error_kind, event.error) == (True, "cancelled", None)
    assert event.response is not None
    assert event.response.text


async def test_an_async_stream_that_is_closed_early_is_cancelled(sim, events):
    sim.set_script(STALLED)
    async with chat_on(sim).stream_async("hi") as stream:
        async for _ in stream:
            break
    (event,) = events
    assert (event.streamed, event.error_kind, event.error) == (True, "cancelled", None)


def test_a_stream_that_was_never_sent_has_no_event(sim, events):
    stream = chat_on(sim).stream("hi")
    stream.close()
    assert (events, sim.requests()) == ([], [])


def test_a_failed_call_has_its_error(sim, ask: Asking, events):
    sim.set_script({"default": {"error": {"status": 429}}})
    for call in (ask.complete, ask.read):
        events.clear()
        with pytest.raises(tw.LlmRateLimitError) as caught:
            call(chat_on(sim), "hi")
        (event,) = events
        assert (event.error_kind, event.error) == ("rate_limit", caught.value)
        assert (event.response, event.usage, event.timing, event.cost) == (None, None, None, None)
        assert [attempt.status for attempt in event.attempts] == [429]


def test_an_interrupted_stream_has_its_partial_reply_and_its_error(sim, ask: Asking, events):
    cut = {"reply": {"tokens": ["one", " two", " three"]}}
    sim.set_script({"default": cut | {"fault": {"kind": "reset", "at": {"events": 3}}}})
    with pytest.raises(tw.LlmStreamInterruptedError) as caught:
        ask.read(chat_on(sim), "hi")
    (event,) = events
    assert summary(event) == (OPENAI, "m", True, "stream_interrupted", "one two")
    assert event.error is caught.value


def test_a_retried_call_is_one_event(sim, ask: Asking, events):
    sim.set_script({"rules": [{"times": 2, "then": {"error": {"status": 503}}}]})
    ask.complete(chat_on(sim, retry=tw.RetryPolicy(first=0.001)), "hi")
    (event,) = events
    assert event.error_kind is None
    assert [attempt.status for attempt in event.attempts] == [503, 503, 200]


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_call_of_a_cancelled_task_is_cancelled(sim, events, streamed):
    sim.set_script(NEVER)
    task = asyncio.create_task(chat_on(sim).run_async("hi", stream=streamed))
    await asyncio.to_thread(sim.wait_for, "request")
    assert events == []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(event.streamed, event.error_kind) for event in events] == [(streamed, "cancelled")]


def test_an_event_has_the_operation_and_the_server(sim, ask: Asking, events):
    ask.complete(chat_on(sim), "hi")
    ask.read(tw.CompletionClient("base", base_url=sim.base_url), "hi")
    assert [event.operation for event in events] == ["chat", "text_completion"]
    assert [(e.server_address, e.server_port) for e in events] == [("127.0.0.1", sim.port)] * 2


def test_an_address_has_no_brackets_path_or_query(events):
    away = "http://[::1]:9/v1/hidden?api_key=sk-canary"
    with pytest.raises(tw.LlmConnectionError):
        tw.ChatClient("m", base_url=away, max_retries=0).run("hi")
    (event,) = events
    assert (event.server_address, event.server_port) == ("::1", 9)
    assert "hidden" not in repr(event)
    assert "sk-canary" not in repr(event)


def test_the_elapsed_time_of_a_reply_is_that_of_its_timing(sim, ask: Asking, events):
    before = time.time()
    replies = [ask.complete(chat_on(sim), "hi"), ask.read(chat_on(sim), "hi")[1]]
    for event, reply in zip(events, replies, strict=True):
        assert event.elapsed == reply.timing.total
        assert before <= event.started + 0.01
        assert event.started + event.elapsed <= time.time() + 0.01


def test_the_elapsed_time_of_a_failed_call_ends_with_its_failure(sim, ask: Asking, events):
    sim.set_script({"default": {"error": {"status": 503}, "pacing": {"first_token_ms": 50}}})
    retry = tw.RetryPolicy(max_retries=1, first=0.1, cap=0.1)
    for call in (ask.complete, ask.read):
        events.clear()
        with pytest.raises(tw.LlmServerError):
            call(chat_on(sim, retry=retry), "hi")
        (event,) = events
        last = event.attempts[-1]
        assert last.started <= event.elapsed < last.started + 5


def test_the_elapsed_time_of_a_call_that_timed_out_is_its_timeout(sim, ask: Asking, events):
    sim.set_script(NEVER)
    with pytest.raises(tw.LlmTimeoutError):
        ask.complete(chat_on(sim, timeout=0.2), "hi")
    assert 0.2 <= events[0].elapsed < 5


def test_the_elapsed_time_of_an_interrupted_stream_does_not_depend_on_its_reader(sim, events):
    sim.set_script(REPLY | {"rules": [{"then": REPLY["default"] | {"fault": CUT}}]})

    async def read() -> None:
        async with chat_on(sim).stream_async("hi") as stream:
            assert until(lambda: "ended" in repr(stream))
            ended.append(time.monotonic())
            async for _ in stream:
                pass

    ended: list[float] = []
    began = time.monotonic()
    with pytest.raises(tw.LlmStreamInterruptedError):
        asyncio.run(read())
    assert 0 < events[0].elapsed <= ended[0] - began


def test_the_elapsed_time_of_an_abandoned_call_ends_when_it_is_abandoned(sim, events):
    sim.set_script(STALLED)
    began = time.monotonic()
    with chat_on(sim).stream("hi") as stream:
        entered = time.monotonic()
        next(stream)
        left = time.monotonic()
    assert left - entered <= events[0].elapsed <= time.monotonic() - began


@pytest.mark.parametrize("call", ["complete", "read"])
def test_a_call_whose_key_was_renewed_is_one_event(sim, ask: Asking, events, call):
    sim.set_script(REPLY | {"rules": [{"times": 1, "then": {"error": {"status": 401}}}]})
    keys = iter(["old", "new"])
    client = tw.ChatClient("m", base_url=sim.base_url, api_key=lambda: next(keys), max_retries=0)
    getattr(ask, call)(client, "hi")
    (event,) = events
    assert event.error_kind is None
    assert len(sim.requests()) == 2


@pytest.mark.parametrize("call", ["complete", "read"])
def test_a_call_whose_key_is_refused_twice_is_one_event(sim, ask: Asking, events, call):
    sim.set_script({"default": {"error": {"status": 401}}})
    client = tw.ChatClient("m", base_url=sim.base_url, api_key=lambda: "k", max_retries=0)
    with pytest.raises(tw.LlmAuthenticationError):
        getattr(ask, call)(client, "hi")
    assert [event.error_kind for event in events] == ["authentication"]
    assert len(sim.requests()) == 2


def test_the_list_of_models_has_no_event(sim, events):
    sim.set_script({"default": {"error": {"status": 500}}})
    with pytest.raises(tw.LlmAPIError):
        tw.ChatClient("m", base_url="http://127.0.0.1:9", max_retries=0).models()
    assert events == []


def test_a_map_is_one_event_for_each_row(sim, ask: Asking, events):
    failing = {"match": {"body": "bad"}, "then": {"error": {"status": 400}}}
    sim.set_script({"rules": [failing], **REPLY})
    ask.map(chat_on(sim), ["a", "bad", "b"], concurrency=2)
    assert sorted(str(event.error_kind) for event in events) == ["None", "None", "api"]


def test_a_completion_has_an_event(sim, ask: Asking, events):
    ask.complete(tw.CompletionClient("base", base_url=sim.base_url), "hi")
    assert [(event.model, event.error_kind) for event in events] == [("base", None)]


def test_a_callback_runs_on_the_caller_s_thread(sim, listen):
    threads = []
    listen(lambda _event: threads.append(threading.current_thread()))
    client = chat_on(sim)

    def calls():
        client.run("hi")
        client.run("hi", stream=True)
        asyncio.run(client.run_async("hi"))
        asyncio.run(client.run_async("hi", stream=True))
        list(client.map(["hi"], concurrency=1))

    worker = threading.Thread(target=calls)
    worker.start()
    worker.join()
    assert threads == [worker] * 5


def test_callbacks_run_in_the_order_in_which_they_were_added(sim, listen):
    order = []
    for name in ("first", "second", "third"):
        listen(lambda _event, name=name: order.append(name))
    chat_on(sim).run("hi")
    assert order == ["first", "second", "third"]


def test_an_exception_in_a_callback_is_logged_and_the_others_run(
    sim, ask: Asking, listen, events, caplog
):
    sim.set_script(REPLY)
    problem = RuntimeError("no room")

    def broken(_event):
        raise problem

    listen(broken)
    after: list[tw.CallEvent] = []
    listen(after.append)
    assert ask.complete(chat_on(sim), "hi").text == "one two three"
    assert (len(events), len(after)) == (1, 1)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tokenwire", logging.ERROR)
    assert "broken" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is problem


def test_ctrl_c_during_a_callback_is_raised_once_the_others_have_run(sim, listen, events, caplog):
    def interrupted(_event):
        raise KeyboardInterrupt

    listen(interrupted)
    after: list[tw.CallEvent] = []
    listen(after.append)
    chat = chat_on(sim)
    stream = chat.stream("hi")
    reply = tw.LlmResponse(provider="acme", model="m", text="hi")
    for call in (
        lambda: chat.run("hi"),
        lambda: list(stream),
        lambda: tw.report_call(provider="acme", model="m", elapsed=1.0, response=reply),
    ):
        with pytest.raises(KeyboardInterrupt):
            # Python runs a signal's handler after the second call at the latest.
            [step() for step in (call, time.monotonic)]
    assert (len(events), len(after)) == (3, 3)
    assert not caplog.records


def test_an_exception_in_a_callback_does_not_hide_the_error_of_the_call(
    sim, ask: Asking, listen, caplog
):
    sim.set_script({"default": {"error": {"status": 429}}})
    listen(lambda _event: 1 // 0)
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmRateLimitError):
            call(chat_on(sim), "hi")
    assert len(caplog.records) == 2


def test_a_removed_callback_is_not_called(sim, listen):
    kept: list[tw.CallEvent] = []
    gone: list[tw.CallEvent] = []
    listen(kept.append)
    remove = listen(gone.append)
    chat_on(sim).run("hi")
    remove()
    remove()
    chat_on(sim).run("hi")
    assert (len(kept), len(gone)) == (2, 1)


def test_a_callback_may_remove_itself(sim, listen):
    models = []

    def once(event):
        models.append(event.model)
        remove()

    remove = listen(once)
    after: list[tw.CallEvent] = []
    listen(after.append)
    chat_on(sim).run("hi")
    chat_on(sim).run("hi")
    assert (models, len(after)) == (["m"], 2)


def test_a_callback_that_is_added_during_a_call_gets_the_next_one(sim, listen):
    late: list[tw.CallEvent] = []

    def add(_event):
        remove()
        listen(late.append)

    remove = listen(add)
    chat_on(sim).run("hi")
    assert late == []
    chat_on(sim).run("hi")
    assert len(late) == 1


def test_a_callback_may_make_a_call(sim, listen):
    kinds = []

    def ask_again(event):
        kinds.append(event.model)
        if event.model == "m":
            tw.ChatClient("judge", base_url=sim.base_url).run("Was it good?")

    listen(ask_again)
    chat_on(sim).run("hi")
    assert kinds == ["m", "judge"]


def test_a_callback_that_is_not_callable_is_refused():
    with pytest.raises(tw.LlmConfigError, match="takes a CallEvent"):
        tw.on_call(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["chunks", "text", "builtin", "map"])
def test_an_exception_in_a_loop_over_a_stream_reaches_the_caller(sim, events, way):
    """The exception drops the stream, which ends the call."""
    sim.set_script(REPLY)
    chat = chat_on(sim)

    def loop():
        if way == "chunks":
            for _ in chat.stream("hi"):
                raise ValueError("mine")
        elif way == "text":
            for _ in chat.stream("hi").text_stream:
                raise ValueError("mine")
        elif way == "map":
            for _ in chat.map(["a", "b"], concurrency=1):
                raise ValueError("mine")
        else:
            sum(chat.stream("hi"))  # type: ignore[arg-type]

    with pytest.raises(TypeError if way == "builtin" else ValueError):
        loop()
    assert [event.error_kind for event in events][-1] in {"cancelled", None}


async def test_an_exception_in_a_loop_over_an_async_stream_reaches_the_caller(sim, events):
    sim.set_script(REPLY)

    async def loop():
        async for _ in chat_on(sim).stream_async("hi"):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await loop()
    assert [event.error_kind for event in events] == ["cancelled"]
