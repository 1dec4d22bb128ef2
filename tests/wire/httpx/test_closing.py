"""The end of a client, a stream or a task, event loops and processes, and many streams at once."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Peer, Scripted, Side, answering, played, reply, seen

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nOne"


@pytest.fixture(name="server")
def answering_server() -> Iterator[Scripted]:
    """A server that answers every request with `x`."""

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(reply(b"x"))

    with Scripted(script) as running:
        yield running


def starting(peer: Peer) -> None:
    """A script that starts a long body, and waits for the end of the connection."""
    peer.request()
    peer.send(LONG)
    peer.wait_for_end()


def silent(peer: Peer) -> None:
    """A script that reads the head of a request, and never answers."""
    peer.head()
    peer.wait_for_end()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only the number counts


def test_a_closed_client_says_so(same):
    async def scene(side: Side) -> Any:
        client = side.client()
        await side.read(await side.send(client, "GET", "/"))
        await side.close(client)
        await side.close(client)
        await side.send(client, "GET", "/")

    assert same(scene, answering(reply(b"x"))) == "RuntimeError"


def test_a_closed_transport_says_so(ours, family, is_async):
    transport = ours.AsyncTransport() if is_async else ours.Transport()
    side = Side(family, is_async=is_async, is_ours=True)
    request = side.module.Request("GET", "http://127.0.0.1:1/")

    async def scene(_: Side) -> Any:
        await side.close(transport)
        handle = transport.handle_async_request if is_async else transport.handle_request
        await side.value(handle(request))

    assert side.play(scene) == "LlmClientClosedError"


@pytest.mark.no_connection
def test_a_transport_in_the_wrong_client_names_the_right_one(ours, family, is_async):
    side = Side(family, is_async=is_async, is_ours=True)

    async def scene(side: Side) -> Any:
        transport = ours.Transport() if is_async else ours.AsyncTransport()
        client = getattr(side.module, "AsyncClient" if is_async else "Client")(transport=transport)
        fix = "AsyncTransport" if is_async else "Transport"
        with pytest.raises(tw.LlmConfigError, match=rf"use tokenwire\.{family}\.{fix}$"):
            await side.send(client, "GET", "http://127.0.0.1:1/")
        await side.close(client)

    side.play(scene)


def test_a_half_read_stream_is_ended_by_its_close(family, is_async):
    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/")
        pieces = side.pieces(response)
        first = await anext(pieces)
        await pieces.aclose()
        await side.close(response)
        server.wait_for_ends(1)
        await side.close(client)
        return first

    side = Side(family, is_async=is_async, is_ours=True)
    with Scripted(starting) as server:
        side.url = server.url
        assert side.play(scene) == b"One"


def test_a_stream_ends_with_its_client(same, family):
    async def scene(side: Side) -> Any:
        client = side.client()
        pieces = side.pieces(await side.send(client, "GET", "/"))
        assert await anext(pieces) == b"One"
        await side.close(client)
        await anext(pieces)

    assert same(scene, starting) == f"{family}.ReadError"


def test_a_request_without_an_answer_ends_with_its_client(family):
    """The client is closed while a task waits for the head."""

    async def scene(side: Side) -> Any:
        client = side.client(timeout=None)
        task = asyncio.ensure_future(side.send(client, "GET", "/"))
        await asyncio.to_thread(server.wait_until, lambda: bool(server.seen))
        await client.aclose()
        await task

    side = Side(family, is_async=True, is_ours=True)
    with Scripted(silent) as server:
        side.url = server.url
        assert side.play(scene) == f"{family}.ReadError"


def test_a_stream_that_is_forgotten_is_ended(family, is_async):
    async def scene(side: Side) -> Any:
        client = side.client()
        response = await side.send(client, "GET", "/")
        status = response.status_code
        del response
        gc.collect()
        server.wait_for_ends(1)
        await side.close(client)
        return status

    side = Side(family, is_async=is_async, is_ours=True)
    with Scripted(starting) as server:
        side.url = server.url
        assert side.play(scene) == 200


CANCELLED: dict[str, Callable[[Peer], None]] = {
    "before the head": silent,
    "in the body": starting,
    "in an upload": silent,
}


@pytest.mark.parametrize("phase", CANCELLED)
def test_a_task_that_is_cancelled_ends_its_request(phase, family):
    async def scene(side: Side) -> Any:
        client = side.client(timeout=None)
        waiting = asyncio.Event()

        async def endless() -> Any:
            while True:
                yield b"x" * 65_536
                if phase == "in an upload":
                    waiting.set()
                    await asyncio.Event().wait()

        async def call() -> None:
            body = {"content": endless()} if phase == "in an upload" else {}
            if phase == "before the head":
                asyncio.get_running_loop().call_soon(waiting.set)
            response = await side.send(client, "POST", "/", **body)
            async for _ in side.pieces(response):
                waiting.set()

        task = asyncio.ensure_future(call())
        await waiting.wait()
        await asyncio.to_thread(server.wait_until, lambda: bool(server.seen))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_for_ends, 1)
        await side.close(client)
        return "cancelled"

    side = Side(family, is_async=True, is_ours=True)
    with Scripted(CANCELLED[phase]) as server:
        side.url = server.url
        assert side.play(scene) == "cancelled"


def test_a_sync_stream_may_be_closed_by_another_thread(family, ours):
    with Scripted(starting) as server, ours.Client(timeout=None) as client:
        with client.stream("GET", server.url) as response:
            started = threading.Event()

            def read() -> str:
                try:
                    for _ in response.iter_raw():
                        started.set()
                except Exception as error:  # noqa: BLE001 - its name is compared
                    return type(error).__name__
                return "ended"

            with ThreadPoolExecutor(1) as pool:
                ended = pool.submit(read)
                assert started.wait(10)
                response.stream._stream.close()
                assert ended.result(10) == "ReadError"
        server.wait_for_ends(1)


def test_an_async_transport_serves_one_loop_after_another(server, ours):
    transport = ours.AsyncTransport()

    async def fetch() -> bytes:
        request = ours._FAMILY.module.Request("GET", server.url)
        response = await transport.handle_async_request(request)
        return bytes(await response.aread())

    assert [asyncio.run(fetch()) for _ in range(3)] == [b"x"] * 3


def test_an_async_client_serves_loops_in_several_threads(server, ours):
    client = ours.AsyncClient()

    async def fetch() -> list[bytes]:
        found = await asyncio.gather(*[client.get(server.url) for _ in range(5)])
        return [response.content for response in found]

    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: asyncio.run(fetch()), range(8)))
    assert rows == [[b"x"] * 5] * 8
    asyncio.run(client.aclose())


@pytest.mark.linux
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_client_survives_a_fork(server, family, is_async):
    side = Side(family, is_async=is_async, is_ours=True)
    side.url = server.url
    client = side.client()

    async def scene(side: Side) -> Any:
        return (await seen(side, await side.send(client, "GET", "/")))["body"]

    assert side.play(scene) == b"x"
    child = os.fork()
    if not child:
        os._exit(0 if side.play(scene) == b"x" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert side.play(scene) == b"x"

    async def close(side: Side) -> Any:
        await side.close(client)

    side.play(close)


class AllAtOnce:
    """A script that answers when all connections of the test have sent their request."""

    def __init__(self, count: int) -> None:
        self._arrived = threading.Barrier(count, timeout=30)

    def __call__(self, peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nOne\r\n")
        self._arrived.wait()
        peer.send(b"3\r\nTwo\r\n0\r\n\r\n")
        peer.wait_for_end()


@pytest.mark.parametrize("count", [100, 1000])
def test_many_streams_run_at_once(count, family):
    if count == 1000 and family != "httpx2":
        pytest.skip("a thousand take seconds, so they run with one family")

    async def scene(side: Side) -> Any:
        client = side.client(timeout=30)

        async def read() -> bytes:
            response = await side.send(client, "GET", "/")
            return await side.read(response)

        found = await asyncio.gather(*[read() for _ in range(count)])
        await side.close(client)
        return found

    side = Side(family, is_async=True, is_ours=True)
    outcome, server = played(side, scene, AllAtOnce(count), backlog=count)
    assert outcome == [b"OneTwo"] * count
    assert len(server.seen) == count


def test_sync_streams_run_at_once_in_threads(family):
    count = 50
    side = Side(family, is_async=False, is_ours=True)
    with (
        Scripted(AllAtOnce(count)) as server,
        side.client(timeout=30) as client,
        ThreadPoolExecutor(count) as pool,
    ):
        found = list(pool.map(lambda _: client.get(server.url).content, range(count)))
    assert found == [b"OneTwo"] * count


@pytest.mark.linux
def test_no_descriptor_is_left(family, is_async):
    from tokenwire import _engine

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            peer.send(LONG if request[0].startswith(b"GET /long ") else reply(b"x"))

    async def scene(side: Side) -> Any:
        client = side.client()
        await side.read(await side.send(client, "GET", "/"))
        # One that is not read, and is ended by its client.
        await side.send(client, "GET", "/long")
        await side.close(client)

    side = Side(family, is_async=is_async, is_ours=True)
    gc.collect()
    _engine.drop_idle_lanes()
    before, rounds = descriptors(), 30
    with Scripted(script) as server:
        side.url = server.url
        for _ in range(rounds):
            side.play(scene)
        # The server ends when each of its connections has ended.
    _engine.drop_idle_lanes()
    # The engine keeps its own few, such as those of its threads.
    assert descriptors() < before + rounds // 2


SIZE = 100 << 20
PIECE = b"x" * (1 << 20)


def resident() -> int:
    """The memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.linux
def test_a_large_body_takes_little_memory(family, is_async):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // len(PIECE)):
            peer.send(PIECE)
        peer.wait_for_end()

    async def scene(side: Side) -> Any:
        client = side.client(timeout=30)
        response = await side.send(client, "GET", "/")
        before, peak, size = resident(), 0, 0
        async for piece in side.pieces(response):
            assert len(piece) <= 65_536
            size += len(piece)
            peak = max(peak, resident())
        await side.close(client)
        return size, peak - before

    size, grown = played(Side(family, is_async=is_async, is_ours=True), scene, script)[0]
    assert size == SIZE
    assert grown < SIZE // 4


@pytest.mark.linux
def test_a_large_upload_takes_little_memory(family, is_async):
    seen: list[int] = []

    def script(peer: Peer) -> None:
        assert peer.head() is not None
        peer.send(reply(b"%d" % peer.body_size()))
        peer.wait_for_end()

    def pieces() -> Iterator[bytes]:
        for _ in range(SIZE // len(PIECE)):
            seen.append(resident())
            yield bytes(bytearray(PIECE))

    async def pieces_later() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    async def scene(side: Side) -> Any:
        client = side.client(timeout=30)
        body = pieces_later() if side.is_async else pieces()
        found = await side.read(await side.send(client, "POST", "/", content=body))
        await side.close(client)
        return int(found)

    assert played(Side(family, is_async=is_async, is_ours=True), scene, script)[0] == SIZE
    assert max(seen) - seen[0] < SIZE // 4
