"""F59: closing a stream or a client from anywhere, at any time, any number of times."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tests.fault.scenes import TEXT, always, chat, completion, stalled

from tokenwire import LlmClientClosedError, LlmStreamInterruptedError, LlmTimeoutError

LATE = 1.0
STREAM_CLOSED = "the stream was closed before it ended"


def wait_in(stream):
    for _ in stream:
        pass


def wait_in_text(stream):
    for _ in stream.text_stream:
        pass


def wait_for_head(stream):
    stream.__enter__()


@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("wait", [wait_in, wait_in_text, wait_for_head])
def test_f59_close_from_another_thread_ends_a_waiting_reader(sim, make, wait):
    sim.set_script(always(fault={"kind": "no_head"}) if wait is wait_for_head else stalled(2))
    stream = make(sim).stream("hi")
    seen = "request" if wait is wait_for_head else "fault"
    closer = threading.Thread(target=lambda: (sim.wait_for(seen), stream.close()))
    closer.start()
    with pytest.raises(LlmClientClosedError, match=STREAM_CLOSED):
        wait(stream)
    closer.join()
    sim.wait_for("client_closed", timeout=LATE)


@pytest.mark.parametrize("make", [chat, completion])
async def test_f59_close_from_another_task_ends_a_waiting_reader(sim, make):
    sim.set_script(stalled(2))
    stream = make(sim).stream_async("hi")

    async def read():
        async for _ in stream:
            pass

    reader = asyncio.create_task(read())
    await asyncio.to_thread(sim.wait_for, "fault")
    await stream.aclose()
    with pytest.raises(LlmClientClosedError, match=STREAM_CLOSED):
        await reader
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)


async def test_f59_close_from_another_thread_ends_a_waiting_task(sim):
    sim.set_script(always(fault={"kind": "no_head"}))
    stream = chat(sim).stream_async("hi")
    reader = asyncio.ensure_future(anext(stream))
    await asyncio.to_thread(sim.wait_for, "request")
    await asyncio.to_thread(stream.close)
    with pytest.raises(LlmClientClosedError, match=STREAM_CLOSED):
        await reader
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)


def test_f59_a_closed_stream_stays_closed_and_keeps_its_reply(sim):
    sim.set_script(stalled(3))
    stream = chat(sim).stream("hi")
    next(stream), next(stream), next(stream)
    for _ in range(2):
        stream.close()
    for _ in range(2):
        with pytest.raises(LlmClientClosedError, match=STREAM_CLOSED):
            next(stream)
    assert stream.response.text == "One two"


def test_f59_a_stream_closed_before_its_first_step_sends_nothing(sim):
    stream = chat(sim).stream("hi")
    stream.close()
    with pytest.raises(LlmClientClosedError):
        next(stream)
    with pytest.raises(LlmClientClosedError), stream:
        pass
    assert sim.count("request") == 0


async def test_f59_an_async_stream_closed_before_its_first_step_sends_nothing(sim):
    stream = chat(sim).stream_async("hi")
    await stream.aclose()
    with pytest.raises(LlmClientClosedError):
        await anext(stream)
    with pytest.raises(LlmClientClosedError):
        async with stream:
            pass
    assert sim.count("request") == 0


def test_f59_closing_a_stream_that_ended_changes_nothing(sim):
    sim.set_script(always())
    stream = chat(sim).stream("hi")
    assert "".join(stream.text_stream) == TEXT
    stream.close()
    assert (next(stream, "end"), stream.response.text) == ("end", TEXT)


def test_f59_closing_a_stream_that_broke_changes_nothing(sim):
    sim.set_script(always(fault={"kind": "reset", "at": {"events": 3}}))
    stream = chat(sim).stream("hi")
    with pytest.raises(LlmStreamInterruptedError):
        list(stream)
    stream.close()
    with pytest.raises(LlmStreamInterruptedError):
        next(stream)


@pytest.mark.parametrize("make", [chat, completion])
def test_f59_a_closed_client_refuses_every_call(sim, make):
    client = make(sim)
    client.close()
    client.close()
    for call in (
        lambda: client.run("hi"),
        lambda: client.complete("hi"),
        lambda: client.stream("hi"),
        lambda: client.stream_async("hi"),
        lambda: asyncio.run(client.run_async("hi")),
        lambda: client.map(["a"], concurrency=1).__next__().result(),
        client.models,
        lambda: asyncio.run(client.models_async()),
        lambda: client.validate_config(probe=True),
    ):
        with pytest.raises(LlmClientClosedError, match="this client is closed; make a new one"):
            call()


def test_f59_a_client_as_a_context_closes_at_its_end(sim):
    with chat(sim) as client:
        client.run("hi")
    with pytest.raises(LlmClientClosedError):
        client.run("hi")

    async def use():
        async with chat(sim) as other:
            await other.run_async("hi")
        with pytest.raises(LlmClientClosedError):
            await other.run_async("hi")
        await other.aclose()

    asyncio.run(use())


def test_f59_calls_in_flight_outlive_their_client(sim):
    sim.set_script(always(pacing={"per_token_us": 10_000}))
    client = chat(sim)
    with client.stream("hi") as stream:
        first = next(stream.text_stream)
        client.close()
        assert first + "".join(stream.text_stream) == TEXT


def test_f59_another_client_of_the_same_server_goes_on(sim):
    one, other = chat(sim), chat(sim)
    sim.set_script(always())
    assert (one.run("hi"), other.run("hi")) == (TEXT, TEXT)
    one.close()
    assert other.run("hi") == TEXT


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit(3), KeyboardInterrupt()])
def test_b37_what_a_callback_raises_comes_out_and_ends_the_stream(sim, error):
    sim.set_script(stalled(3))
    client = chat(sim)

    def on_text(piece):
        raise error

    with pytest.raises(type(error)) as caught:
        client.run("hi", on_text=on_text)
    assert caught.value is error
    sim.wait_for("client_closed", timeout=LATE)
    sim.set_script(always())
    assert client.run("hi") == TEXT


async def test_b37_what_an_async_callback_raises_comes_out_and_ends_the_stream(sim):
    sim.set_script(stalled(3))

    async def on_text(piece):
        raise LookupError(piece)

    with pytest.raises(LookupError, match="One"):
        await chat(sim).run_async("hi", on_text=on_text)
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=LATE)


def prompts_that_raise(sim, error):
    yield "a"
    sim.wait_for("request")
    raise error


def test_b37_what_a_source_of_prompts_raises_comes_out_after_the_calls_before_it(sim):
    sim.set_script(always(fault={"kind": "no_head"}))
    client = chat(sim, timeout=0.3, max_retries=0)
    rows: list[Any] = []
    with pytest.raises(LookupError, match="mine"):
        rows.extend(client.map(prompts_that_raise(sim, LookupError("mine")), concurrency=3))
    assert [isinstance(row.error, LlmTimeoutError) for row in rows] == [True]
    sim.wait_for("client_closed", timeout=LATE)


def test_b37_a_source_of_prompts_that_ends_the_program_ends_the_calls(sim):
    sim.set_script(always(fault={"kind": "no_head"}))
    with pytest.raises(KeyboardInterrupt):
        list(chat(sim).map(prompts_that_raise(sim, KeyboardInterrupt()), concurrency=3))
    sim.wait_for("client_closed", timeout=LATE)


def test_b37_what_a_source_of_keys_raises_comes_out(sim):
    def key():
        raise LookupError("vault")

    client = chat(sim, api_key=key)
    for call in (client.run, lambda prompt: list(client.stream(prompt))):
        with pytest.raises(LookupError, match="vault"):
            call("hi")
    with pytest.raises(LookupError, match="vault"):
        asyncio.run(client.run_async("hi"))
    with pytest.raises(LookupError, match="vault"):
        asyncio.run(client.run_async("hi", stream=True))
    assert sim.count("request") == 0
