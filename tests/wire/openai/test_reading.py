"""Readers of a stream: its iterator, tasks and threads, cancelling, closing, a fork, trio."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Peer, Scripted, driven
from tests.wire.openai.playing import CHUNKED, EVENTS, ask, client_of, one_chunk

import tokenwire as tw

stock = pytest.importorskip("openai")
openai = pytest.importorskip("tokenwire.openai")

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def holding(peer: Peer) -> None:
    """A script that sends one event and then nothing, on each connection."""
    if peer.request() is not None:
        peer.send(CHUNKED + one_chunk(EVENTS["chat"][0]))
        peer.wait_for_end()


def whole(peer: Peer) -> None:
    """A script that answers each request with a whole stream."""
    while peer.request() is not None:
        peer.send(CHUNKED + one_chunk(b"".join(EVENTS["chat"])) + b"0\r\n\r\n")


def with_stream(script: Callable[[Peer], None], use: Callable[[Any], Awaitable[None]]) -> None:
    """Use an async stream whose connection is served by a script, which then sees its end."""

    async def main() -> None:
        async with client_of(server, is_async=True) as client:
            await use(await ask(client, "chat"))

    with Scripted(script) as server:
        asyncio.run(main())


def test_a_step_is_a_coroutine_as_with_openai():
    async def use(stream: Any) -> None:
        task = asyncio.create_task(stream.__anext__())
        assert (await task).choices[0].delta.content == "One"

    with_stream(whole, use)


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("kind", ["stock", "ours"])
def test_the_end_of_an_iteration_is_not_that_of_the_stream(kind, count):
    module = stock if kind == "stock" else openai

    def words(items: Any) -> list[str]:
        return [item.choices[0].delta.content for item in items]

    def read() -> list[str]:
        with module.OpenAI(**options) as client:
            stream = ask(client, "chat")
            with contextlib.closing(iter(stream)) as items:
                read = words(itertools.islice(items, count))
            assert next(items, "over") == "over"
            return read + words(itertools.islice(stream, 1)) + words(stream)

    async def read_later() -> list[str]:
        async with module.AsyncOpenAI(**options) as client:
            stream = await ask(client, "chat")
            async with contextlib.aclosing(aiter(stream)) as items:
                read = words([await anext(items) for _ in range(count)])
            assert await anext(items, "over") == "over"
            async for item in stream:
                read += words([item])
                break
            return read + words([item async for item in stream])

    with Scripted(whole) as server:
        options: Any = {"base_url": server.base_url, "api_key": "any", "max_retries": 0}
        assert read() == ["One", " two", " three."]
        assert asyncio.run(read_later()) == ["One", " two", " three."]


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_step_that_is_cancelled_ends_the_stream_and_its_connection(how):
    async def main() -> None:
        async with client_of(server, is_async=True) as client:
            stream = await ask(client, "chat")
            await anext(stream)
            if how == "cancel":
                task = asyncio.ensure_future(anext(stream))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(anext(stream), 0.01)
            assert await anext(stream, "over") == "over"
            assert stream.response.is_closed
            # The client is still open.
            await asyncio.to_thread(server.wait_for_ends, 1)

    with Scripted(holding) as server:
        asyncio.run(main())


@pytest.mark.parametrize("closing", ["close", "response", "iterator"])
def test_closing_a_stream_ends_the_wait_of_another_task(closing):
    async def use(stream: Any) -> None:
        await anext(stream)
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        if closing == "close":
            await stream.close()
        elif closing == "response":
            await stream.response.aclose()
        else:
            await stream._iterator.aclose()
        with pytest.raises(
            StopAsyncIteration if closing == "iterator" else tw.LlmClientClosedError
        ):
            await asyncio.wait_for(task, 10)
        assert await anext(stream, "over") == "over"

    with_stream(holding, use)


def test_a_stream_that_two_tasks_read_says_so_and_goes_on():
    async def use(stream: Any) -> None:
        await anext(stream)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await anext(stream)
        assert not first.done()
        first.cancel()

    with_stream(holding, use)


@pytest.mark.parametrize("closing", ["close", "response", "iterator", "client"])
def test_closing_a_stream_ends_the_wait_of_another_thread(closing):
    seen: list[Any] = []

    def read_next() -> None:
        try:
            seen.append(next(stream, "over"))
        except Exception as error:  # noqa: BLE001 - it is looked at
            seen.append(error)

    with Scripted(holding) as server, client_of(server, is_async=False) as client:
        stream = ask(client, "chat")
        next(stream)
        thread = threading.Thread(target=read_next)
        thread.start()
        closed = {
            "close": stream,
            "response": stream.response,
            "iterator": stream._iterator,
            "client": client,
        }
        closed[closing].close()
        thread.join(10)

        assert not thread.is_alive()
        assert seen == ["over"] or isinstance(seen[0], tw.LlmClientClosedError)
        assert next(stream, "over") == "over"
        server.wait_for_ends(1)


async def used(stream: Any, use: str, *, is_async: bool) -> list[weakref.ref[Any]]:
    """Use a stream and forget it; what must be freed with it."""

    async def step() -> Any:
        return await anext(stream, None) if is_async else next(stream, None)

    async def steps() -> None:
        while await step():
            pass

    if use in ("read", "closed"):
        await step()
    elif use == "exhausted":
        await steps()
    elif use == "failed":
        with pytest.raises(openai.APITimeoutError):
            await steps()
    if use == "closed":
        await stream.close() if is_async else stream.close()
    body = stream.response.stream._stream
    return [weakref.ref(one) for one in (stream, stream.response, body, body.exchange)]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("use", ["unread", "read", "closed", "exhausted", "failed"])
def test_a_stream_that_nobody_has_is_freed_without_the_collector(use, is_async):
    async def main() -> list[bool]:
        refs = await used(await ask(client, "chat"), use, is_async=True)
        # What asyncio does after a step.
        await asyncio.sleep(0)
        await client.close()
        return [ref() is None for ref in refs]

    with Scripted(whole if use == "exhausted" else holding) as server:
        client = client_of(server, is_async=is_async, timeout=0.2 if use == "failed" else 10)
        gc.collect()
        gc.disable()
        try:
            if is_async:
                freed = asyncio.run(main())
            else:
                refs = driven(used(ask(client, "chat"), use, is_async=False))
                freed = [ref() is None for ref in refs]
                client.close()
        finally:
            gc.enable()
        assert freed == [True] * 4
        if use != "exhausted":
            server.wait_for_ends(1)


@pytest.mark.linux
def test_a_stream_of_the_parent_raises_the_error_of_openai_in_a_child():
    with Scripted(holding) as server, client_of(server, is_async=False) as client:
        stream = ask(client, "chat")
        next(stream)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                next(stream)
            except BaseException as error:  # noqa: BLE001 - the parent looks at it
                kinds = (openai.APIConnectionError, tw.LlmForkedStreamError)
                os.write(writing, repr([isinstance(error, kind) for kind in kinds]).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as said:
            assert said.read() == b"[True, True]"
        os.waitpid(child, 0)


def test_a_stream_is_read_under_trio():
    trio = pytest.importorskip("trio")

    async def main() -> None:
        async with client_of(server, is_async=True) as client:
            stream = await ask(client, "chat")
            texts = [item.choices[0].delta.content async for item in stream]
            assert texts == ["One", " two", " three."]

    with Scripted(whole) as server:
        trio.run(main)


def test_a_stream_that_is_silent_or_cancelled_under_trio_ends():
    trio = pytest.importorskip("trio")

    async def main() -> None:
        async with client_of(server, is_async=True, timeout=0.2) as client:
            stream = await ask(client, "chat")
            await anext(stream)
            with pytest.raises(openai.APITimeoutError) as raised:
                await anext(stream)
            assert isinstance(raised.value, tw.LlmReadTimeoutError)
            stream = await ask(client, "chat")
            await anext(stream)
            with trio.move_on_after(0.01) as scope:
                await anext(stream)
            assert scope.cancelled_caught
            assert await anext(stream, "over") == "over"

    with Scripted(holding) as server:
        trio.run(main)
