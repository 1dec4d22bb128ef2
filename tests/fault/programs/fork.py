"""Forks at awkward moments. Arguments: the name of the scene and the simulator's address."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import multiprocessing
import os
import sys
import threading
import warnings

from tokenwire import ChatClient, LlmForkedStreamError, MetricsCollector

faulthandler.enable()
# Python 3.12 warns about a fork in a process with threads, which is what this program tests.
warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)

NAME, URL = sys.argv[1:]
TEXT = "One two three four five six seven eight"
client = ChatClient("m", base_url=URL, max_retries=0)
kept: list[object] = []


def in_child(work) -> int:
    """Run `work` in a forked child that ends like a program. Returns its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        kept.clear()
        gc.collect()
    except BaseException as error:
        # A grandchild that ends well passes through here.
        if isinstance(error, SystemExit) and not error.code:
            raise
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    # Exit handlers and finalizers run, as at the end of a program.
    sys.exit(0)


def wait_for(child: int) -> None:
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status


def ask() -> None:
    assert client.run("hi") == TEXT
    assert "".join(client.stream("hi").text_stream) == TEXT
    assert asyncio.run(client.run_async("hi")) == TEXT
    assert [row.result().text for row in client.map(["a", "b"], concurrency=2)] == [TEXT, TEXT]


def before_use() -> None:
    wait_for(in_child(ask))
    ask()


def after_use() -> None:
    ask()
    wait_for(in_child(ask))
    ask()


def in_a_grandchild() -> None:
    ask()

    def child() -> None:
        ask()
        wait_for(in_child(ask))

    wait_for(in_child(child))
    ask()


def with_a_live_stream() -> None:
    with client.stream("slow") as stream:
        kept.append(stream)
        first = next(stream.text_stream)

        def child() -> None:
            for step in (lambda: next(stream), stream.__enter__, lambda: stream.response):
                try:
                    step()
                except LlmForkedStreamError:
                    continue
                raise AssertionError("an inherited stream was read")
            stream.close()
            ask()

        wait_for(in_child(child))
        rest = "".join(stream.text_stream)
        assert first + rest == TEXT
    ask()


def with_a_live_async_stream() -> None:
    async def parent() -> None:
        async with client.stream_async("slow") as stream:
            kept.append(stream)
            steps = stream.text_stream
            first = await anext(steps)

            async def read() -> None:
                for step in (lambda: anext(stream), stream.__aenter__):
                    try:
                        await step()
                    except LlmForkedStreamError:
                        continue
                    raise AssertionError("an inherited stream was read")
                await stream.aclose()

            def child() -> None:
                asyncio.run(read())
                ask()

            pid = os.fork()
            if not pid:
                # The parent's loop is on this stack, so the child cannot end like a program.
                code = 1
                try:
                    child()
                    code = 0
                except BaseException:  # noqa: BLE001 (shown, and seen in the exit code)
                    sys.excepthook(*sys.exc_info())
                finally:
                    os._exit(code)
            await asyncio.to_thread(wait_for, pid)
            rest = "".join([piece async for piece in steps])
            assert first + rest == TEXT

    asyncio.run(parent())
    ask()


def while_another_thread_reads() -> None:
    stream = client.stream("slow")
    kept.append(stream)
    pieces: list[str] = []
    steps = stream.text_stream
    pieces.append(next(steps))
    reader = threading.Thread(target=lambda: pieces.extend(steps))
    del stream
    reader.start()
    wait_for(in_child(ask))
    reader.join()
    assert "".join(pieces) == TEXT


def with_a_call_that_was_not_awaited() -> None:
    call = client._engine.complete_async("hi", {})

    def child() -> None:
        async def wait() -> None:
            try:
                await call
            except LlmForkedStreamError:
                return
            raise AssertionError("an inherited call was made")

        asyncio.run(wait())

    wait_for(in_child(child))


def while_threads_ask() -> None:
    stop = threading.Event()

    def caller() -> None:
        own = ChatClient("m", base_url=URL)
        while not stop.is_set():
            own.run("hi")
            asyncio.run(own.run_async("hi"))

    threads = [threading.Thread(target=caller) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            wait_for(in_child(lambda: client.run("hi")))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def while_threads_are_counted() -> None:
    stop = threading.Event()
    metrics = MetricsCollector().start()

    def caller() -> None:
        own = ChatClient("m", base_url=URL)
        while not stop.is_set():
            own.run("hi")
            metrics.snapshot()

    def child() -> None:
        assert metrics.snapshot().total.calls == 0
        metrics.stop()
        metrics.start()
        ask()
        assert metrics.snapshot().total.calls == 5

    threads = [threading.Thread(target=caller) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            before = metrics.snapshot().total.calls
            wait_for(in_child(child))
            assert metrics.snapshot().total.calls >= before
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def in_the_middle_of_a_map() -> None:
    rows = client.map(["hi", *["slow"] * 3], concurrency=2)
    next(rows)

    def child() -> None:
        try:
            list(rows)
        except LlmForkedStreamError:
            ask()
            return
        raise AssertionError("an inherited map was read")

    wait_for(in_child(child))
    assert [row.result().text for row in rows] == [TEXT] * 3


def by_multiprocessing() -> None:
    ask()
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(client.run, ["a", "b", "c"]) == [TEXT] * 3
        pool.close()
        pool.join()
    process = context.Process(target=ask)
    process.start()
    process.join()
    assert process.exitcode == 0
    ask()


globals()[NAME]()
