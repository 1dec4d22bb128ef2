"""Ends while the engine is busy. Arguments: the name of the scene and the simulator's address."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import sys
import threading
import warnings

from tokenwire import ChatClient, LlmClientClosedError, _engine

faulthandler.enable()

NAME, URL = sys.argv[1:]
client = ChatClient("m", base_url=URL, max_retries=0)
kept: list[object] = []


def sync_streams() -> None:
    for _ in range(5):
        stream = client.stream("hi")
        next(stream)
        kept.append(stream)


def sync_streams_in_a_cycle() -> None:
    sync_streams()
    kept.append(kept)


def async_streams_after_their_loop() -> None:
    async def begin() -> None:
        for _ in range(5):
            stream = client.stream_async("hi")
            await anext(stream)
            kept.append(stream)

    asyncio.run(begin())


def async_streams_in_a_loop_left_open() -> None:
    # The interpreter itself warns about such a loop.
    warnings.simplefilter("ignore", ResourceWarning)

    async def begin() -> None:
        stream = client.stream_async("hi")
        await anext(stream)
        kept.append(stream)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.run_until_complete(begin())
    kept.append(loop)


def daemon_threads_with_sync_streams() -> None:
    begun = threading.Barrier(4)

    def read() -> None:
        stream = client.stream("hi")
        next(stream)
        begun.wait()
        for _ in stream:
            pass

    for _ in range(3):
        threading.Thread(target=read, daemon=True).start()
    begun.wait()


def daemon_threads_with_calls() -> None:
    begun = threading.Barrier(4)

    def ask() -> None:
        begun.wait()
        while True:
            client.run("short", max_tokens=1)

    for _ in range(3):
        threading.Thread(target=ask, daemon=True).start()
    begun.wait()


def daemon_threads_with_loops() -> None:
    begun = threading.Barrier(3)

    async def read() -> None:
        async with client.stream_async("hi") as stream:
            await anext(stream)
            begun.wait()
            async for _ in stream:
                pass

    for _ in range(2):
        threading.Thread(target=asyncio.run, args=(read(),), daemon=True).start()
    begun.wait()


def a_map_half_done() -> None:
    rows = client.map(["short"] * 50, concurrency=10, max_tokens=1)
    next(rows)
    kept.append(rows)


def a_daemon_thread_with_a_map() -> None:
    begun = threading.Event()

    def ask() -> None:
        for _ in client.map(("short" for _ in range(100_000)), concurrency=10, max_tokens=1):
            begun.set()

    threading.Thread(target=ask, daemon=True).start()
    begun.wait()


def an_error_with_streams_open() -> None:
    sync_streams()
    async_streams_after_their_loop()
    raise SystemExit(0)


def calls_after_the_end() -> None:
    """Exit handlers that were registered before the import run after the engine's."""
    asyncio.run(client.run_async("hi", max_tokens=1))
    atexit.unregister(_engine._shutdown)
    atexit.register(late)
    atexit.register(_engine._shutdown)


def late() -> None:
    async def stream() -> None:
        async for _ in client.stream_async("hi", max_tokens=1):
            pass

    for ask in (lambda: client.run_async("hi"), stream):
        try:
            asyncio.run(ask())
        except LlmClientClosedError:
            continue
        raise AssertionError("a call without an I/O thread was answered")
    (row,) = client.map(["hi"], concurrency=1)
    assert isinstance(row.error, LlmClientClosedError)
    assert client.run("hi", max_tokens=1) != ""


globals()[NAME]()
