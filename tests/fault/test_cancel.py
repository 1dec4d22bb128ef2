"""F52, F53: a cancelled task ends its request in every phase, and returns what it held."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest
from tests.fault.scenes import TEXT, FullBacklog, Mute, always, chat, completion, stalled, until

from tokenwire import ChatClient, Limits

LATE = 1.0


async def complete(client):
    await client.run_async("hi")


async def enter(client):
    async with client.stream_async("hi"):
        pass


async def read(client):
    async with client.stream_async("hi") as stream:
        async for _ in stream:
            pass


async def read_bare(client):
    async for _ in client.stream_async("hi").text_stream:
        pass


async def map_all(client):
    async for _ in client.map_async(["a"], concurrency=2):
        pass


CALLS = [complete, enter, read, read_bare, map_all]
WHOLE = [complete, map_all]
STREAMS = [read, read_bare]


async def cancelled(client, call, moment):
    """Cancel a call at a chosen moment. Returns how late the task ended."""
    task = asyncio.create_task(call(client))
    await asyncio.to_thread(moment)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    late = time.monotonic() - began
    assert late < LATE
    return late


async def assert_usable(sim, client):
    sim.set_script(always())
    assert await client.run_async("hi") == TEXT


@pytest.mark.linux
@pytest.mark.parametrize("call", CALLS)
async def test_f52_cancel_ends_a_connect_without_answer(call):
    with FullBacklog() as server:
        client = ChatClient("m", base_url=f"http://127.0.0.1:{server.port}")
        await cancelled(client, call, lambda: until(lambda: server.waiting() > 0))
        assert until(lambda: server.waiting() == 0)


@pytest.mark.parametrize("call", CALLS)
async def test_f52_cancel_ends_a_handshake(call):
    with Mute() as server:
        client = ChatClient("m", base_url=f"https://127.0.0.1:{server.port}")
        await cancelled(client, call, server.hears)
        assert server.hears_the_end()


@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("call", CALLS)
async def test_f52_cancel_ends_the_wait_for_a_head(sim, call, make):
    sim.set_script(always(fault={"kind": "no_head"}))
    client = make(sim)
    await cancelled(client, call, lambda: sim.wait_for("request"))
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)
    await assert_usable(sim, client)


@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("call", [*WHOLE, *STREAMS])
async def test_f52_cancel_ends_a_silent_body(sim, call, make):
    at = {"bytes": 20} if call in WHOLE else {"events": 2}
    sim.set_script(always(fault={"kind": "stall", "at": at}))
    client = make(sim)
    await cancelled(client, call, lambda: sim.wait_for("fault"))
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)
    await assert_usable(sim, client)


@pytest.mark.parametrize("call", STREAMS)
async def test_f52_cancel_ends_a_stream_that_flows(sim, call):
    sim.set_script({"default": {"pacing": {"tokens": 100_000, "per_token_us": 1_000}}})
    client = chat(sim)
    await cancelled(client, call, lambda: sim.wait_for("events_sent", 100))
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)
    await assert_usable(sim, client)


@pytest.mark.parametrize("call", CALLS)
async def test_f52_cancel_ends_a_back_off(sim, call):
    sim.set_script(always(error={"status": 503, "headers": {"retry-after": "30"}}))
    client = chat(sim, max_retries=2)
    await cancelled(client, call, lambda: sim.wait_for("finished"))
    await assert_usable(sim, client)
    assert sim.count("request") == 2


@pytest.mark.parametrize("call", CALLS)
async def test_f52_cancel_ends_the_wait_for_a_permit(sim, call):
    sim.set_script(stalled(2))
    client = chat(sim, limits=Limits(max_connections=1))
    async with client.stream_async("holds the only connection"):
        began = asyncio.Event()

        async def begin():
            began.set()
            await call(client)

        task = asyncio.create_task(begin())
        await began.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sim.count("request") == 1
    await assert_usable(sim, client)


async def test_f53_random_cancels_leak_no_permit(sim):
    sim.set_script(always(pacing={"per_token_us": 2_000, "head_delay_ms": 2}))
    client = chat(sim, limits=Limits(max_connections=10))
    dice = random.Random(7)
    deadline = time.monotonic() + 2

    async def caller():
        while time.monotonic() < deadline:
            call = dice.choice(CALLS)
            task = asyncio.create_task(call(client))
            await asyncio.wait([task], timeout=dice.random() * 0.03)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*(caller() for _ in range(20)))
    sim.set_script(always())
    texts = await asyncio.gather(*(client.run_async("hi") for _ in range(10)))
    assert texts == [TEXT] * 10
    assert until(lambda: sim.stats()["open_connections"] <= 10)


async def test_a_cancelled_read_loses_no_chunk(sim):
    sim.set_script(always(pacing={"per_token_us": 20_000}))
    texts = []
    async with chat(sim).stream_async("hi") as stream:
        steps = stream.text_stream
        while True:
            try:
                texts.append(await asyncio.wait_for(anext(steps), 0.004))
            except asyncio.TimeoutError:
                continue
            except StopAsyncIteration:
                break
    assert ("".join(texts), stream.response.text) == (TEXT, TEXT)


async def test_a_cancelled_step_with_a_default_loses_no_chunk(sim):
    sim.set_script(always(pacing={"per_token_us": 20_000}))
    texts = []
    async with chat(sim).stream_async("hi") as stream:
        steps = stream.text_stream
        while True:
            step = asyncio.ensure_future(anext(steps, None))
            await asyncio.wait([step], timeout=0.004)
            step.cancel()
            try:
                piece = await step
            except asyncio.CancelledError:
                continue
            if piece is None:
                break
            texts.append(piece)
    assert "".join(texts) == TEXT


async def test_a_timeout_around_a_step_loses_no_chunk(sim):
    timeout: Any = getattr(asyncio, "timeout", None)
    if timeout is None:
        pytest.skip("asyncio.timeout is of Python 3.11")
    sim.set_script(always(pacing={"per_token_us": 20_000}))
    texts = []
    async with chat(sim).stream_async("hi") as stream:
        while True:
            try:
                async with timeout(0.004):
                    texts.append((await anext(stream)).text)
            except TimeoutError:
                continue
            except StopAsyncIteration:
                break
    assert "".join(texts) == TEXT


async def test_a_shielded_step_goes_on_while_its_waiter_is_cancelled(sim):
    sim.set_script(always(pacing={"first_token_ms": 50, "per_token_us": 1_000}))
    async with chat(sim).stream_async("hi") as stream:
        await anext(stream)
        step = asyncio.ensure_future(anext(stream.text_stream))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(step), 0.001)
        first = await step
        rest = [piece async for piece in stream.text_stream]
    assert "".join([first, *rest]) == TEXT


async def test_a_shielded_reply_is_made_once(sim):
    sim.set_script(always(pacing={"head_delay_ms": 50}))
    call = asyncio.ensure_future(chat(sim).run_async("hi"))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(call), 0.001)
    assert (await call, sim.count("request"), sim.count("client_closed")) == (TEXT, 1, 0)


async def test_a_failing_sibling_in_a_task_group_ends_every_stream(sim):
    task_group: Any = getattr(asyncio, "TaskGroup", None)
    if task_group is None:
        pytest.skip("TaskGroup is of Python 3.11")
    sim.set_script(stalled(3))
    client = chat(sim)

    async def fail():
        await asyncio.to_thread(sim.wait_for, "fault", 5)
        raise LookupError

    with pytest.raises(BaseException, match="unhandled errors") as caught:
        async with task_group() as group:
            for _ in range(5):
                group.create_task(read(client))
            group.create_task(fail())
    group_of: Any = caught.value
    assert [type(error) for error in group_of.exceptions] == [LookupError]
    await asyncio.to_thread(sim.wait_for, "client_closed", 5, timeout=LATE)


async def test_cancel_before_the_first_step_sends_nothing(sim):
    task = asyncio.create_task(chat(sim).run_async("hi"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sim.count("request") == 0
