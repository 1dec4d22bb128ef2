"""F52, F54: what an await step yields behaves like a future, however the wait ends."""

from __future__ import annotations

import asyncio

import pytest
from tests.fault.scenes import always, chat, stalled

from tokenwire import LlmClientClosedError

PACED = always(
    reply={"tokens": ["one", " two", " three"]},
    pacing={"head_delay_ms": 20, "per_token_us": 20_000},
)


@pytest.fixture(params=["descriptor", "socket"], autouse=True)
def wake(request, monkeypatch):
    """Both ways in which the engine wakes a loop."""
    if request.param == "socket":
        monkeypatch.setenv("TOKENWIRE_WAKE_BY_SOCKET", "1")


def first_wait(stream):
    """Return what a stream without data asks its task to wait for."""
    return stream.__anext__().__next__()


async def test_f52_a_cancelled_wait_hands_on_its_message(sim):
    sim.set_script(stalled(1))
    messages: list[object] = []

    async def ask():
        try:
            await chat(sim).run_async("hi", stream=True)
        except asyncio.CancelledError as error:
            # Not through the task: until Python 3.11 it hides the message from those who await it.
            messages.extend(error.args)
            raise

    task = asyncio.create_task(ask())
    await asyncio.to_thread(sim.wait_for, "request")
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert messages == ["enough"]


async def test_f52_a_step_that_outlives_its_cancellation_brings_all_that_came(sim):
    sim.set_script(PACED)
    texts = []
    async with chat(sim).stream_async("hi") as stream:
        pieces = stream.text_stream
        while True:
            try:
                texts.append(await asyncio.wait_for(anext(pieces), 0.005))
            except asyncio.TimeoutError:
                continue
            except StopAsyncIteration:
                break
    assert texts == ["one", " two", " three"]


async def test_f54_a_wait_is_future_like(sim):
    sim.set_script(PACED)
    stream = chat(sim).stream_async("hi")
    wait = first_wait(stream)
    assert asyncio.isfuture(wait)
    assert wait.get_loop() is asyncio.get_running_loop()
    assert (wait.done(), wait.cancelled()) == (False, False)
    with pytest.raises(asyncio.InvalidStateError):
        wait.result()
    stream.close()


async def test_f54_callbacks_are_called_once_in_order_and_may_be_taken_back(sim):
    sim.set_script(PACED)
    stream = chat(sim).stream_async("hi")
    wait = first_wait(stream)
    called: list[object] = []
    done = asyncio.Event()

    def unwanted(_):
        called.append("unwanted")

    def first(got):
        called.append(("first", got is wait))

    def second(_):
        called.append("second")
        done.set()

    wait.add_done_callback(unwanted)
    wait.add_done_callback(first)
    wait.add_done_callback(second)
    assert wait.remove_done_callback(unwanted) == 1
    assert wait.remove_done_callback(unwanted) == 0
    await done.wait()
    assert called == [("first", True), "second"]
    assert (wait.done(), wait.result(), wait.exception(), wait.cancel()) == (
        True,
        None,
        None,
        False,
    )
    late = asyncio.Event()
    wait.add_done_callback(lambda _: late.set())
    assert not late.is_set()
    await late.wait()
    stream.close()


async def test_f54_a_callback_that_raises_is_reported_and_the_others_are_woken(sim):
    sim.set_script(PACED)
    client = chat(sim)
    reported: asyncio.Queue[BaseException] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.put_nowait(context["exception"])
    )

    def fail(_):
        raise RuntimeError("mine")

    stream = client.stream_async("hi")
    first_wait(stream).add_done_callback(fail)
    texts = await asyncio.gather(*(client.run_async("hi", stream=True) for _ in range(5)))
    assert texts == ["one two three"] * 5
    assert str(await reported.get()) == "mine"
    stream.close()


def test_f50_ctrl_c_in_a_callback_stays_ctrl_c_and_the_next_callback_runs(sim):
    sim.set_script(PACED)
    called: list[str] = []

    def interrupt(_):
        raise KeyboardInterrupt("mine")

    async def wait_for_it():
        stream = chat(sim).stream_async("hi")
        wait = first_wait(stream)
        wait.add_done_callback(interrupt)
        wait.add_done_callback(lambda _: called.append("next"))
        await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(wait_for_it())
        with pytest.raises(KeyboardInterrupt, match="mine"):
            loop.run_until_complete(task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    finally:
        loop.close()
    assert called == ["next"]


def test_f50_ctrl_c_in_one_task_loses_no_other_tasks_wake(sim):
    sim.set_script(PACED)
    client = chat(sim)

    async def stopped():
        async for _ in client.stream_async("hi"):
            raise KeyboardInterrupt

    async def many():
        return asyncio.gather(*(client.run_async("hi", stream=True) for _ in range(20)))

    loop = asyncio.new_event_loop()
    try:
        others = loop.run_until_complete(many())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(stopped())
        assert loop.run_until_complete(others) == ["one two three"] * 20
    finally:
        loop.close()


async def test_f54_a_closed_stream_wakes_its_reader(sim):
    sim.set_script(stalled(1))
    stream = chat(sim).stream_async("hi")

    async def read():
        return [chunk.text async for chunk in stream]

    task = asyncio.create_task(read())
    await asyncio.to_thread(sim.wait_for, "request")
    await asyncio.to_thread(stream.close)
    with pytest.raises(LlmClientClosedError):
        await task


async def test_f54_a_task_is_the_current_one_when_it_is_woken(sim):
    sim.set_script(PACED)
    seen = set()

    async def read():
        async for _ in chat(sim).stream_async("hi"):
            seen.add(asyncio.current_task() is task)

    task = asyncio.create_task(read())
    await task
    assert seen == {True}


async def test_f54_eager_tasks(sim):
    """The first step runs inside another task, and so does the watch of the loop that it starts."""
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        pytest.skip("eager tasks are of Python 3.12")
    sim.set_script(PACED)
    client = chat(sim)
    asyncio.get_running_loop().set_task_factory(factory)
    for _ in range(2):
        tasks = [asyncio.create_task(client.run_async("hi", stream=True)) for _ in range(5)]
        tasks += [asyncio.create_task(client.run_async("hi")) for _ in range(5)]
        assert await asyncio.gather(*tasks) == ["one two three"] * 10
    task = asyncio.create_task(client.run_async("hi", stream=True))
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
