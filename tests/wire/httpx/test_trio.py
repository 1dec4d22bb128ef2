"""The async transport under trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Peer, Scripted, answering, echo, reply

trio = pytest.importorskip("trio", reason="trio is not installed")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nOne"


def starting(peer: Peer) -> None:
    """A script that starts a long body, and waits for the end of the connection."""
    peer.request()
    peer.send(LONG)
    peer.wait_for_end()


def test_a_request_and_its_response(ours):
    async def fetch() -> tuple[int, bytes]:
        async with ours.AsyncClient() as client:
            response = await client.post(server.url, content=b"One")
            return response.status_code, response.content

    with Scripted(echo) as server:
        status, body = trio.run(fetch)
    assert (status, body.endswith(b"\r\n\r\nOne")) == (200, True)


def test_a_body_in_pieces_and_a_stream(ours):
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            await trio.sleep(0)
            yield b"%d," % number

    async def fetch() -> bytes:
        async with (
            ours.AsyncClient() as client,
            client.stream("POST", server.url, content=pieces()) as response,
        ):
            return b"".join([piece async for piece in response.aiter_raw()])

    with Scripted(echo) as server:
        assert trio.run(fetch).endswith(b",98,99,")


def test_one_client_serves_both_kinds_of_loop(ours):
    import asyncio

    client = ours.AsyncClient()

    async def fetch() -> bytes:
        response = await client.get(server.url)
        return bytes(response.content)

    with Scripted(answering(*[reply(b"x")] * 4)) as server:
        found = [trio.run(fetch), asyncio.run(fetch()), trio.run(fetch), asyncio.run(fetch())]
        trio.run(client.aclose)
    assert found == [b"x"] * 4


def test_an_error_is_the_familys(ours, family):
    async def fetch() -> Any:
        async with ours.AsyncClient() as client:
            with pytest.raises(ours.Transport.family.module.ConnectError) as raised:
                await client.get("http://127.0.0.1:1/")
            return type(raised.value.__cause__).__name__

    assert trio.run(fetch) == "LlmConnectError"


@pytest.mark.parametrize("phase", ["head", "body"])
def test_a_cancelled_scope_ends_the_request(phase, ours):
    def silent(peer: Peer) -> None:
        peer.request()
        peer.wait_for_end()

    async def fetch() -> bool:
        async with ours.AsyncClient(timeout=None) as client:
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:

                    async def call() -> None:
                        async with client.stream("GET", server.url) as response:
                            async for _ in response.aiter_raw():
                                scope.cancel()

                    nursery.start_soon(call)
                    if phase == "head":
                        await trio.to_thread.run_sync(server.wait_until, lambda: bool(server.seen))
                        scope.cancel()
            await trio.to_thread.run_sync(server.wait_for_ends, 1)
            return bool(scope.cancelled_caught)

    with Scripted(silent if phase == "head" else starting) as server:
        assert trio.run(fetch)


def test_many_streams_run_at_once(ours):
    async def fetch() -> list[bytes]:
        found: list[bytes] = []
        async with ours.AsyncClient(timeout=30) as client, trio.open_nursery() as nursery:

            async def call() -> None:
                response = await client.get(server.url)
                found.append(response.content)

            for _ in range(100):
                nursery.start_soon(call)
        return found

    with Scripted(echo, backlog=100) as server:
        found = trio.run(fetch)
    assert [body[:6] for body in found] == [b"GET / "] * 100


def test_no_answer_in_time_is_a_read_timeout(ours):
    async def fetch() -> None:
        async with ours.AsyncClient(timeout=0.05) as client:
            with pytest.raises(ours.Transport.family.module.ReadTimeout):
                await client.get(server.url)

    def silent(peer: Peer) -> None:
        peer.request()
        peer.wait_for_end()

    with Scripted(silent) as server:
        trio.run(fetch)
