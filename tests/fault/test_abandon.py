"""F46: a stream that is left early closes its connection and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing
from typing import Any

import pytest
from tests.fault.scenes import TEXT, TOKENS, always, chat, completion, descriptors, stalled, until

LATE = 1.0


@pytest.fixture(params=[chat, completion])
def client(request, sim):
    """A client that has made a call, and a server whose streams go silent after two events."""
    client = request.param(sim)
    client.run("warm")
    asyncio.run(client.run_async("warm"))
    sim.set_script(stalled(2))
    return client


def leave_by_break(client):
    with client.stream("hi") as stream:
        for _ in stream:
            break


def leave_by_exception(client):
    with pytest.raises(LookupError), client.stream("hi") as stream:
        next(stream)
        raise LookupError


def leave_before_the_first_step(client):
    with client.stream("hi"):
        pass


def leave_by_close(client):
    stream = client.stream("hi")
    next(stream)
    stream.close()
    stream.close()


def drop(client):
    next(client.stream("hi"))


def drop_iterator(client):
    next(iter(client.stream("hi").events()))


def drop_in_a_cycle(client):
    ring = [client.stream("hi")]
    ring.append(ring)
    next(ring[0])
    del ring
    gc.collect()


SYNC = [
    leave_by_break,
    leave_by_exception,
    leave_before_the_first_step,
    leave_by_close,
    drop,
    drop_iterator,
    drop_in_a_cycle,
]


@pytest.mark.linux
@pytest.mark.parametrize("leave", SYNC)
def test_f46_a_sync_stream_that_is_left_closes_its_connection(sim, client, leave):
    leave(client)
    sim.wait_for("client_closed", timeout=LATE)
    before = descriptors()
    for _ in range(20):
        leave(client)
    sim.wait_for("client_closed", 21)
    assert until(lambda: descriptors() <= before + 1)
    sim.set_script(always())
    assert client.run("hi") == TEXT


async def async_leave_by_break(client):
    async with client.stream_async("hi") as stream:
        async for _ in stream:
            break


async def async_leave_by_exception(client):
    with pytest.raises(LookupError):
        async with client.stream_async("hi") as stream:
            await anext(stream)
            raise LookupError


async def async_leave_before_the_first_step(client):
    async with client.stream_async("hi"):
        pass


async def async_leave_by_aclose(client):
    stream = client.stream_async("hi")
    await anext(stream)
    await stream.aclose()
    await stream.aclose()


async def async_drop(client):
    await anext(client.stream_async("hi"))


async def async_drop_in_a_cycle(client):
    ring = [client.stream_async("hi")]
    ring.append(ring)
    await anext(ring[0])
    del ring
    gc.collect()


ASYNC = [
    async_leave_by_break,
    async_leave_by_exception,
    async_leave_before_the_first_step,
    async_leave_by_aclose,
    async_drop,
    async_drop_in_a_cycle,
]


@pytest.mark.linux
@pytest.mark.parametrize("leave", ASYNC)
def test_f46_an_async_stream_that_is_left_closes_its_connection(sim, client, leave):
    async def often():
        await leave(client)
        await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)
        before = descriptors()
        await asyncio.gather(*(leave(client) for _ in range(20)))
        await asyncio.to_thread(sim.wait_for, "client_closed", 21)
        assert until(lambda: descriptors() <= before + 1)

    asyncio.run(often())
    sim.set_script(always())
    assert client.run("hi") == TEXT


@pytest.mark.linux
def test_f46_a_map_that_is_left_ends_its_calls(sim):
    client = chat(sim)
    sim.set_script(
        {
            "default": {"fault": {"kind": "no_head"}},
            "rules": [{"match": {"body": "first"}, "then": {"reply": {"text": TEXT}}}],
        }
    )
    for row in client.map(["first", "b", "c", "d"], concurrency=4):
        assert row.result().text == TEXT
        sim.wait_for("request", 4)
        break
    sim.wait_for("client_closed", 3, timeout=LATE)


async def test_f46_an_async_map_that_is_left_ends_its_calls(sim):
    client = chat(sim)
    sim.set_script(
        {
            "default": {"fault": {"kind": "no_head"}},
            "rules": [{"match": {"body": "first"}, "then": {"reply": {"text": TEXT}}}],
        }
    )
    rows: Any = client.map_async(["first", "b", "c", "d"], concurrency=4)
    async with aclosing(rows):
        async for row in rows:
            assert row.result().text == TEXT
            await asyncio.to_thread(sim.wait_for, "request", 4)
            break
    await asyncio.to_thread(sim.wait_for, "client_closed", 3, timeout=LATE)


def test_f46_a_stream_that_was_never_read_sends_nothing(sim, client):
    sim.reset()
    client.stream("hi")
    client.stream_async("hi")
    assert sim.count("request") == 0


def test_a_whole_stream_gives_its_connection_back(sim):
    sim.set_script(always())
    client = chat(sim)
    for _ in range(5):
        assert "".join(client.stream("hi").text_stream) == TEXT
        assert client.run("hi") == TEXT
    assert sim.stats()["accepts"] == 1


async def test_a_whole_async_stream_gives_its_connection_back(sim):
    sim.set_script(always())
    client = chat(sim)
    for _ in range(5):
        async with client.stream_async("hi") as stream:
            assert [piece async for piece in stream.text_stream] == TOKENS
        assert await client.run_async("hi") == TEXT
    assert sim.stats()["accepts"] == 1
