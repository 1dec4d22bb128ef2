"""Reads a stream at awkward moments. Arguments: the scene's name and the simulator's address."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import resource
import sys
import threading

from tokenwire import ChatClient, LlmConnectError, LlmEngineError

faulthandler.enable()

NAME, URL = sys.argv[1:]
client = ChatClient("m", base_url=URL, max_retries=0)


def allow_descriptors(count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


def allow_no_more_descriptors() -> None:
    # One of the listed descriptors belongs to the folder itself.
    allow_descriptors(len(os.listdir("/proc/self/fd")) - 1)  # noqa: PTH208


def no_descriptor_for_a_lane() -> None:
    stream = client.stream("hi")
    allow_no_more_descriptors()
    for _ in range(2):
        try:
            next(stream)
        except LlmConnectError:
            continue
        raise AssertionError("a stream without a runtime was read")
    allow_descriptors(256)
    assert "".join(stream.text_stream) == stream.response.text != ""


def no_descriptor_for_the_io_thread() -> None:
    async def read() -> None:
        stream = client.stream_async("hi")
        allow_no_more_descriptors()
        for _ in range(2):
            try:
                await anext(stream)
            except LlmEngineError:
                continue
            raise AssertionError("a stream without a runtime was read")
        allow_descriptors(256)
        text = "".join([piece async for piece in stream.text_stream])
        assert text == stream.response.text != ""
        assert await client.run_async("hi") != ""

    asyncio.run(read())


def loops_read_one_stream() -> None:
    sys.setswitchinterval(1e-6)
    stream = client.stream_async("paced")
    seen: list[str] = []

    async def read() -> None:
        while True:
            try:
                seen.append((await anext(stream)).text)
            except RuntimeError:
                await asyncio.sleep(0)
            except StopAsyncIteration:
                return

    readers = [threading.Thread(target=asyncio.run, args=(read(),)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sorted(seen) == sorted(stream_of_one_reader())


def stream_of_one_reader() -> list[str]:
    return [chunk.text for chunk in client.stream("paced")]


def the_collector_reads_the_stream() -> None:
    seen: list[str] = []
    with client.stream("paced") as stream:

        def collected(_phase: str, _info: dict[str, int]) -> None:
            # What a finalizer may do.
            seen.extend(chunk.text for chunk in [next(stream, None)] if chunk)

        gc.callbacks.append(collected)
        gc.set_threshold(1)
        for batch in stream.batches():
            seen.extend(chunk.text for chunk in batch)
        gc.callbacks.clear()
        gc.set_threshold(700)
    assert sorted(seen) == sorted(stream_of_one_reader())


globals()[NAME]()
