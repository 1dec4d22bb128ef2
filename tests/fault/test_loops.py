"""F54: one client, or one stream, in many event loops, and what a loop must not notice."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import time
from typing import Any

import pytest
from tests.fault.scenes import (
    TEXT,
    TOKENS,
    always,
    chat,
    descriptors,
    outcome,
    stalled,
    start,
)

from tokenwire import LlmClientClosedError

SLOW = always(pacing={"per_token_us": 20_000})


@pytest.mark.linux
def test_f54_a_thousand_loops_with_one_client(sim):
    sim.set_script(always())
    client = chat(sim)

    async def one(number):
        if number % 2:
            return await client.run_async("hi")
        async with client.stream_async("hi") as stream:
            return "".join([piece async for piece in stream.text_stream])

    assert asyncio.run(one(0)) == TEXT
    before = descriptors()
    assert {asyncio.run(one(number)) for number in range(1_000)} == {TEXT}
    gc.collect()
    assert descriptors() <= before
    assert sim.stats()["accepts"] == 1


def test_f54_two_loops_at_once_with_one_client(sim):
    sim.set_script(SLOW)
    client = chat(sim)
    texts = []

    async def many():
        texts.extend(await asyncio.gather(*(client.run_async("hi", stream=True) for _ in range(5))))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [TEXT] * 20


def test_f54_a_stream_is_handed_to_the_next_loop(sim):
    sim.set_script(SLOW)
    stream = chat(sim).stream_async("hi")

    async def take(count):
        return [(await anext(stream)).text for _ in range(count)]

    async def rest():
        return [chunk.text async for chunk in stream]

    assert [*asyncio.run(take(3)), *asyncio.run(take(2)), *asyncio.run(rest())] == [
        "",
        *TOKENS,
        "",
        "",
    ]


def test_f54_a_stream_is_handed_to_a_loop_of_another_thread(sim):
    sim.set_script(SLOW)
    stream = chat(sim).stream_async("hi")
    pieces = []

    async def take(count):
        async for piece in stream.text_stream:
            pieces.append(piece)
            if len(pieces) == count:
                return

    for count in (2, 4, 8):
        thread = threading.Thread(target=asyncio.run, args=(take(count),))
        thread.start()
        thread.join()
    assert pieces == TOKENS


def test_f54_a_stream_is_read_on_while_its_old_loop_still_runs(sim):
    sim.set_script(stalled(2))
    stream = chat(sim).stream_async("hi")

    async def wait_in_vain():
        await anext(stream)
        await anext(stream)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        return await asyncio.to_thread(asyncio.run, go_on())

    async def go_on():
        step = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await stream.aclose()
        with pytest.raises(Exception, match="closed before it ended"):
            await step

    asyncio.run(wait_in_vain())


@pytest.mark.parametrize("kind", ["call", "stream"])
def test_f54_a_loop_may_end_with_a_call_pending(sim, kind):
    sim.set_script(stalled(2) if kind == "stream" else always(fault={"kind": "no_head"}))
    client = chat(sim)

    async def leave():
        if kind == "call":
            task = asyncio.ensure_future(client.run_async("hi"))
        else:
            task = asyncio.ensure_future(client.run_async("hi", stream=True))
        await asyncio.to_thread(sim.wait_for, "request")
        return task

    task = asyncio.run(leave())
    assert task.cancelled()
    sim.wait_for("client_closed")
    sim.set_script(always())
    assert client.run("hi") == TEXT


def test_f54_a_loop_may_be_closed_under_a_waiting_task(sim):
    sim.set_script(SLOW)
    client = chat(sim)
    loop = asyncio.new_event_loop()
    task = loop.create_task(client.run_async("hi", stream=True))
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
    # The task can never run again. Its warning about that is not part of this test.
    vars_of_task: Any = task
    vars_of_task._log_destroy_pending = False
    sim.wait_for("finished")
    assert asyncio.run(client.run_async("hi")) == TEXT
    task.get_coro().close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_f54_uvloop(sim):
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")
    sim.set_script(SLOW)
    client = chat(sim)

    async def many():
        return await asyncio.gather(
            *(client.run_async("hi", stream=bool(number % 2)) for number in range(20))
        )

    for _ in range(5):
        loop = uvloop.new_event_loop()
        try:
            assert loop.run_until_complete(many()) == [TEXT] * 20
        finally:
            loop.close()
    sim.set_script(stalled(2))
    loop = uvloop.new_event_loop()
    try:
        task = loop.create_task(client.run_async("hi", stream=True))
        loop.run_until_complete(asyncio.sleep(0.05))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    finally:
        loop.close()
    sim.wait_for("client_closed")


def test_f54_debug_mode_finds_nothing_to_say(sim, caplog):
    sim.set_script(SLOW)
    client = chat(sim)

    async def many():
        async with client.stream_async("hi") as stream:
            streamed = "".join([piece async for piece in stream.text_stream])
        whole = await asyncio.wait_for(client.run_async("hi"), 10)
        rows = [row.result().text async for row in client.map_async(["a", "b"], concurrency=2)]
        return streamed, whole, rows

    assert asyncio.run(many(), debug=True) == (TEXT, TEXT, [TEXT, TEXT])
    assert [record.message for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_f54_context_variables_are_kept(sim):
    sim.set_script(SLOW)
    client = chat(sim)
    name: contextvars.ContextVar[int] = contextvars.ContextVar("name")
    seen: list[int] = []

    async def read(number):
        name.set(number)
        async with client.stream_async("hi") as stream:
            seen.extend([name.get() - number async for _ in stream])
        await client.run_async("hi")
        seen.append(name.get() - number)

    await asyncio.gather(*(read(number) for number in range(10)))
    assert set(seen) == {0}


def test_f63_a_coroutine_outside_asyncio_is_told_so(sim):
    sim.set_script(always(pacing={"head_delay_ms": 50}))
    call = chat(sim).run_async("hi")
    with pytest.raises(RuntimeError, match="need a running asyncio event loop"):
        call.send(None)


async def test_b36_two_readers_of_an_async_stream_are_told_so(sim):
    sim.set_script(stalled(1))
    async with chat(sim).stream_async("hi") as stream:
        await anext(stream)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await anext(stream)
        with pytest.raises(RuntimeError, match="one reader"):
            await anext(stream.text_stream)
        assert not first.done()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


def test_b36_of_two_readers_of_a_sync_stream_one_is_told_so(sim):
    sim.set_script(stalled(1))
    messages = []
    with chat(sim).stream("hi") as stream:
        next(stream)

        def read():
            try:
                next(stream)
            except RuntimeError as error:
                messages.append(str(error))
                stream.close()
            except LlmClientClosedError as error:
                messages.append(str(error))

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert messages == [
        "this stream is being read by another thread; a stream has one reader",
        "openai-compatible:m: the stream was closed before it ended",
    ]


async def test_b36_an_ended_stream_stays_ended(sim):
    client = chat(sim)
    async with client.stream_async("hi") as stream:
        async for _ in stream:
            pass
        for steps in (stream, stream.text_stream, stream.batches()):
            with pytest.raises(StopAsyncIteration):
                await anext(steps)
    with client.stream("hi") as sync:
        list(sync)
        for sync_steps in (sync, sync.text_stream, sync.batches()):
            assert next(sync_steps, "end") == "end"


def test_f61_a_busy_python_thread_does_not_slow_the_wire(sim):
    """5,000 chunks a second next to a thread that computes. The server never has to wait."""
    tokens, per_token_us = 5_000, 200
    sim.set_script({"default": {"pacing": {"tokens": tokens, "per_token_us": per_token_us}}})
    client = chat(sim)
    stop = threading.Event()

    def compute():
        total = 0
        while not stop.is_set():
            total += sum(range(1_000))

    busy = threading.Thread(target=compute)
    count = 0

    async def read():
        nonlocal count
        async with client.stream_async("hi") as stream:
            async for batch in stream.batches():
                count += len(batch)

    interval = sys.getswitchinterval()
    busy.start()
    try:
        asyncio.run(read())
    finally:
        stop.set()
        busy.join()
        sys.setswitchinterval(interval)
    records: dict[str, Any] = {record["kind"]: record for record in sim.log()}
    sent_s = (records["finished"]["at_us"] - records["head_sent"]["at_us"]) / 1e6
    scheduled_s = tokens * per_token_us / 1e6
    assert count >= tokens
    assert scheduled_s * 0.9 < sent_s < scheduled_s * 1.25


def test_f61_five_blocked_seconds_lose_nothing(sim):
    """The loop's thread is blocked until the buffer is full. All chunks arrive, but late."""
    sim.set_script({"default": {"ledger": True, "pacing": {"tokens": 20_000}}})
    client = chat(sim)

    async def read():
        async with client.stream_async("hi") as stream:
            await anext(stream)
            time.sleep(0.5)  # noqa: ASYNC251 (the loop must be blocked)
            return "".join([piece async for piece in stream.text_stream])

    text = asyncio.run(read())
    numbers = [int(token.split(":")[1]) for token in text.split()]
    assert numbers == list(range(numbers[0], numbers[0] + 20_000))


def test_f63_a_subinterpreter_is_refused_by_an_import_error():
    assert outcome(start("subinterpreter.py")) == (0, "", "")
