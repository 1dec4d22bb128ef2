"""A stream of which nothing was read: its response can be read instead, as with openai's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

stock = pytest.importorskip("openai")

import tokenwire.openai as ours  # noqa: E402
from tokenwire.testing import SimServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALL: Any = {"model": "m", "messages": [{"role": "user", "content": "Why?"}], "stream": True}


@pytest.fixture(params=["stock", "ours"])
def openai(request: pytest.FixtureRequest) -> Any:
    """openai's module and ours, which are to do the same."""
    return stock if request.param == "stock" else ours


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer() as server:
        yield server


def with_stream(openai: Any, sim: SimServer, use: Callable[[Any], Any]) -> Any:
    with openai.OpenAI(api_key="any", base_url=sim.base_url) as client:
        return use(client.chat.completions.create(**CALL))


def with_async_stream(openai: Any, sim: SimServer, use: Callable[[Any], Any]) -> Any:
    async def main() -> Any:
        async with openai.AsyncOpenAI(api_key="any", base_url=sim.base_url) as client:
            return await use(await client.chat.completions.create(**CALL))

    return asyncio.run(main())


def is_body(body: bytes) -> bool:
    return body.startswith(b"data: {") and body.rstrip().endswith(b"data: [DONE]")


def test_its_response_can_be_read(openai, sim):
    assert is_body(with_stream(openai, sim, lambda stream: stream.response.read()))
    assert is_body(with_stream(openai, sim, lambda it: b"".join(it.response.iter_bytes())))


def test_its_response_can_be_read_in_a_loop(openai, sim):
    async def pieces(stream: Any) -> bytes:
        return b"".join([piece async for piece in stream.response.aiter_bytes()])

    assert is_body(with_async_stream(openai, sim, lambda stream: stream.response.aread()))
    assert is_body(with_async_stream(openai, sim, pieces))


def test_its_items_come_although_the_response_was_read(openai, sim):
    def use(stream: Any) -> list[Any]:
        stream.response.read()
        return list(stream)

    async def use_async(stream: Any) -> list[Any]:
        await stream.response.aread()
        return [item async for item in stream]

    for items in (with_stream(openai, sim, use), with_async_stream(openai, sim, use_async)):
        assert {type(item).__name__ for item in items} == {"ChatCompletionChunk"}
        assert len(items) > 2


def test_a_stream_that_is_closed_cannot_be_read(openai, sim):
    def use(stream: Any) -> None:
        stream.close()
        next(stream)

    async def use_async(stream: Any) -> None:
        await stream.close()
        await anext(stream)

    for read, with_a_stream in ((use, with_stream), (use_async, with_async_stream)):
        with pytest.raises(RuntimeError) as caught:
            with_a_stream(openai, sim, read)
        assert type(caught.value).__name__ == "StreamClosed"


def test_an_iterator_that_is_closed_is_over(openai, sim):
    def use(stream: Any) -> list[Any]:
        stream._iterator.close()
        return list(stream)

    async def use_async(stream: Any) -> list[Any]:
        await stream._iterator.aclose()
        return [item async for item in stream]

    assert with_stream(openai, sim, use) == []
    assert with_async_stream(openai, sim, use_async) == []
