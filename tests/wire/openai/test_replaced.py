"""Parts of openai's streams that the user has replaced are used, as with openai."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

stock = pytest.importorskip("openai")

from openai import _base_client, _models, _streaming  # noqa: E402

import tokenwire.openai as ours  # noqa: E402
from tokenwire.testing import SimServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALL: Any = {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}


@pytest.fixture(params=["stock", "ours"])
def openai(request: pytest.FixtureRequest) -> Any:
    """openai's module and ours, which are to do the same."""
    return stock if request.param == "stock" else ours


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "async")


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer() as server:
        yield server


def streamed(
    openai: Any,
    sim: SimServer,
    *,
    is_async: bool,
    prepare: Callable[[Any], object] = lambda _: None,
    change: Callable[[Any], object] = lambda _: None,
) -> list[Any]:
    """Return the items of a stream, after a change of its client and one of the stream."""
    options: Any = {"api_key": "any", "base_url": sim.base_url}

    async def main() -> list[Any]:
        async with openai.AsyncOpenAI(**options) as client:
            prepare(client)
            stream = await client.chat.completions.create(**CALL, stream=True)
            change(stream)
            return [item async for item in stream]

    if is_async:
        return asyncio.run(main())
    with openai.OpenAI(**options) as client:
        prepare(client)
        stream = client.chat.completions.create(**CALL, stream=True)
        change(stream)
        return list(stream)


class Count:
    """Counts the calls of a function that it is around."""

    def __init__(self) -> None:
        self.calls = 0

    def around(self, function: Any) -> Any:
        def counted(*args: Any, **options: Any) -> Any:
            self.calls += 1
            return function(*args, **options)

        return counted


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("SSEDecoder", "decode"),
        ("SSEDecoder", "__init__"),
        ("_SSELineDecoder", "feed"),
        ("ServerSentEvent", "json"),
        ("ServerSentEvent", "__init__"),
    ],
)
def test_a_method_of_what_decodes_events(kind, method, openai, sim, is_async):
    if not hasattr(_streaming, kind):
        pytest.skip("this version has none")
    owner, count = getattr(_streaming, kind), Count()
    with mock.patch.object(owner, method, count.around(getattr(owner, method))):
        assert streamed(openai, sim, is_async=is_async)
    assert count.calls


def test_a_property_of_an_event(openai, sim, is_async):
    def edited(event: Any) -> str:
        data = str(event._data)
        return data if data == "[DONE]" else json.dumps({**json.loads(data), "id": "edited"})

    with mock.patch.object(_streaming.ServerSentEvent, "data", property(edited)):
        items = streamed(openai, sim, is_async=is_async)
    assert {item.id for item in items} == {"edited"}


@pytest.mark.parametrize("kind", ["SSEDecoder", "ServerSentEvent"])
def test_a_class_of_what_decodes_events(kind, openai, sim, is_async):
    count, theirs = Count(), getattr(_streaming, kind)
    other = type(kind, (theirs,), {"__init__": count.around(theirs.__init__)})
    with (
        mock.patch.object(_streaming, kind, other),
        mock.patch.object(_base_client, kind, other, create=True),
    ):
        assert streamed(openai, sim, is_async=is_async)
    assert count.calls


@pytest.mark.parametrize("on", ["client", "stream", "method of the stream's"])
def test_a_decoder_of_one(on, openai, sim, is_async):
    count = Count()
    decode = count.around(_streaming.SSEDecoder.decode)
    kind: Any = type("Decoder", (_streaming.SSEDecoder,), {"decode": decode})

    def prepare(client: Any) -> None:
        if on == "client":
            client._make_sse_decoder = kind

    def change(stream: Any) -> None:
        if on == "stream":
            stream._decoder = kind()
        elif on != "client":
            stream._decoder.decode = count.around(stream._decoder.decode)

    assert streamed(openai, sim, is_async=is_async, prepare=prepare, change=change)
    assert count.calls


@pytest.mark.parametrize("on", ["stream", "response"])
def test_what_gives_a_stream_its_events(on, openai, sim, is_async):
    count = Count()

    def change(stream: Any) -> None:
        if on == "stream":
            stream._iter_events = count.around(stream._iter_events)
        elif is_async:
            stream.response.aiter_bytes = count.around(stream.response.aiter_bytes)
        else:
            stream.response.iter_bytes = count.around(stream.response.iter_bytes)

    assert streamed(openai, sim, is_async=is_async, change=change)
    assert count.calls == 1


@pytest.mark.parametrize("name", ["of all", "of fields", "of models"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_builds_objects(name, stream, openai, sim):
    owner: Any = {"of all": _base_client, "of fields": _models, "of models": stock.BaseModel}[name]
    method = "construct" if name == "of models" else "construct_type"
    built = getattr(owner, method)
    count = Count()
    around = count.around(getattr(built, "__func__", built))
    with mock.patch.object(
        owner, method, classmethod(around) if owner is stock.BaseModel else around
    ):
        if stream:
            streamed(openai, sim, is_async=False)
        else:
            with openai.OpenAI(api_key="any", base_url=sim.base_url) as client:
                client.chat.completions.create(**CALL)
    assert count.calls
