"""Custom clients: what a class defines, what it gets for that, and how it reports its calls."""

# The positional names are shortened; the typed client below has the real ones.
# mypy: disable-error-code="override"

from __future__ import annotations

import asyncio
import functools
import json
import pickle
import subprocess
import sys
import textwrap
import threading
import unittest.mock
from pathlib import Path

import pydantic
import pytest
from tests.wire.clients.custom_clients import (
    USAGE,
    WAYS,
    Complete,
    CompleteAsync,
    Custom,
    Fails,
    Stream,
    StreamAsync,
)

import tokenwire as tw
from tokenwire import LlmResponse

ROOT = Path(__file__).resolve().parents[3]


class City(pydantic.BaseModel):
    name: str


@pytest.mark.parametrize("way", ["complete_async", "stream_async"])
@pytest.mark.parametrize("kind", [CompleteAsync, StreamAsync])
def test_async_methods_use_each_other(kind, way):
    assert WAYS[way](kind()) == "echo hi"


@pytest.mark.parametrize(
    ("kind", "way", "words"),
    [
        (Custom, "complete", r"Custom has no complete\(\): define complete\(\) or stream\(\)"),
        (Custom, "stream", r"Custom has no stream\(\)"),
        (
            Custom,
            "complete_async",
            r"define complete_async\(\) or stream_async\(\) or complete\(\)",
        ),
        (Custom, "stream_async", r"Custom has no stream_async\(\)"),
        (CompleteAsync, "complete", r"CompleteAsync has no complete\(\)"),
        (StreamAsync, "stream", r"StreamAsync has no stream\(\)"),
    ],
)
def test_a_method_that_is_missing_is_named(kind, way, words):
    with pytest.raises(tw.LlmConfigError, match=words):
        WAYS[way](kind())


class Wrong(Custom):
    def complete(self, _prompt, **_params):
        return "text"

    def stream(self, _prompt, **_params):
        yield "text"

    async def stream_async(self, _prompt, **_params):
        return None


def test_a_result_of_the_wrong_type_is_refused():
    for ask in (Wrong().run, functools.partial(Wrong().parse, City)):
        with pytest.raises(
            tw.LlmConfigError, match=r"Wrong.complete\(\) returned str; return an L"
        ):
            ask("hi")
    with pytest.raises(tw.LlmConfigError, match=r"Wrong.complete\(\) returned str; return an Llm"):
        next(Wrong().map(["hi"], concurrency=1)).result()
    with pytest.raises(tw.LlmConfigError, match=r"returned generator; return LlmStream.from_chunk"):
        Wrong().run("hi", stream=True)
    with pytest.raises(tw.LlmConfigError, match=r"returned coroutine; return AsyncLlmStream\.from"):
        asyncio.run(Wrong().run_async("hi", stream=True))


def test_a_method_without_a_default_is_named():
    client = Complete()
    for ask in (client.models, client.with_options, lambda: asyncio.run(client.models_async())):
        with pytest.raises(tw.LlmConfigError, match="Complete has no"):
            ask()
    client.validate_config()
    assert client.get_supported_parameters() == frozenset()
    assert pickle.loads(pickle.dumps(client)).run("hi") == "echo hi"


def test_a_closed_client_refuses_calls():
    with Complete() as client, Stream() as streaming:
        assert client.run("hi") == "echo hi"
    asks = (client.run, client.stream, streaming.run, streaming.complete, streaming.stream_async)
    for ask in (*asks, functools.partial(client.parse, City)):
        with pytest.raises(tw.LlmClientClosedError):
            ask("hi")
    with pytest.raises(tw.LlmClientClosedError):
        asyncio.run(client.complete_async("hi"))
    [row] = client.map(["hi"], concurrency=1)
    assert isinstance(row.error, tw.LlmClientClosedError)


async def test_async_methods_use_a_thread_that_stops_when_the_stream_is_left():
    resume = threading.Event()

    class Slow(Stream):
        def chunks(self, _prompt):
            try:
                yield "one"
                assert resume.wait(30)
                yield "two"
            finally:
                closed.set()

    closed = threading.Event()
    async with Slow().stream_async("hi") as stream:
        assert (await anext(stream)).text == "one"
        step = asyncio.create_task(_next(stream))
        await asyncio.sleep(0)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
    resume.set()
    assert await asyncio.to_thread(closed.wait, 30)


async def _next(stream):
    return await anext(stream)


def test_map_takes_rows_of_them():
    prompts = [str(number) for number in range(50)]
    expected = [(number, f"echo {number}") for number in range(50)]
    for client in (Complete(), Stream()):
        rows = list(client.map(prompts, concurrency=8))
        assert [(row.index, row.result().text) for row in rows] == expected

    async def collect():
        return [row async for row in CompleteAsync().map_async(prompts, concurrency=8)]

    assert [(row.index, row.result().text) for row in asyncio.run(collect())] == expected
    [row] = Fails(tw.LlmServerError("broken")).map(["a"], concurrency=1)
    assert isinstance(row.error, tw.LlmServerError)


def test_parse_asks_again():
    class Learns(Custom):
        asked = 0

        def complete(self, _prompt, **params):
            self.asked += 1
            assert params["response_format"] is City
            return self.reply("", text='{"name": "Rome"}' if self.asked == 2 else "{}")

    client = Learns()
    assert client.parse(City, "Where?", reask=1) == City(name="Rome")
    assert asyncio.run(Learns().parse_async(City, "Where?", reask=1)).name == "Rome"
    with pytest.raises(tw.LlmValidationError):
        Learns().parse(City, "Where?")
    assert client.asked == 2


def test_parse_does_not_ask_again_for_a_reply_that_the_limit_cut_off():
    class Cut(Custom):
        asked = 0

        def complete(self, _prompt, **_params):
            self.asked += 1
            return self.reply("", text='{"name": "Ro', finish_reason="length")

    client = Cut()
    with pytest.raises(tw.LlmModelError, match="max_tokens=3 cut the reply off") as caught:
        client.parse(City, "Where?", reask=2, max_tokens=3)
    assert (caught.value.provider, caught.value.model) == (client.provider, client.model)
    with pytest.raises(tw.LlmModelError, match="the token limit cut the reply off"):
        asyncio.run(client.parse_async(City, "Where?", reask=2))
    assert client.asked == 2


async def test_a_handler_reads_them():
    texts: list[str] = []
    handler = tw.StreamingHandler(on_text=texts.append)
    assert handler.run(Stream().stream("hi")).usage == USAGE
    assert (await handler.run_async(Complete().stream_async("hi"))).text == "echo hi"
    assert texts == ["echo ", "hi", "echo hi"]
    async with handler.tee(StreamAsync().stream_async("hi"), 2) as readers:
        one, two = await asyncio.gather(*(_all(reader) for reader in readers))
    assert one == two
    assert one[-1] == tw.End()
    lines = [line async for line in handler.sse(StreamAsync().stream_async("hi"))]
    assert json.loads(lines[0].removeprefix(b"data: ")) == {"type": "text", "text": "echo "}
    assert lines[-1] == b"data: [DONE]\n\n"
    failing = Fails(tw.LlmServerError("host 10.0.0.1")).stream_async("hi")
    last = [line async for line in handler.sse(failing)][-1]
    assert last.startswith(b"event: error\n")
    assert b"10.0.0.1" not in last


async def _all(reader):
    return [event async for event in reader]


@pytest.fixture
def registry():
    registry = tw.ModelRegistry(plugins=False)
    registry.register_provider(tw.LlmProvider("acme", client=Complete, key_vars=["ACME_KEY"]))
    registry.register_provider(tw.LlmProvider("plain", client=Stream))
    return registry


def test_a_factory_creates_and_shares_them(registry, monkeypatch):
    monkeypatch.setenv("ACME_KEY", "k1")
    config = {
        "defaults": {"timeout": 5, "trust_env": False},
        "models": {"ours": {"model": "acme:m7", "shout": True, "context_window": 10}},
    }
    factory = tw.LlmClientFactory(config, registry=registry)
    client = factory.get_client("acme:m1")
    assert isinstance(client, Complete)
    assert (client.model, client.provider, client.api_key) == ("m1", "acme", "k1")
    assert client.timeout == 5
    assert factory.get_client("acme:m1") is client
    ours = factory.get_client("ours")
    assert isinstance(ours, Complete)
    assert (ours.model, ours.shout, ours.api_key, ours.timeout) == ("m7", True, "k1", 5)
    assert factory.get_client("ours") is ours
    assert vars(factory.get_client("ours", shout=False))["shout"] is False
    assert type(factory.get_client("plain:m1")) is Stream
    assert vars(factory.get_client("plain:m1"))["api_key"] is None
    assert factory.get_client("m1", provider="plain") is not factory.get_client("plain:m1", shout=1)
    monkeypatch.setenv("ACME_KEY", "k2")
    assert factory.get_client("acme:m1") is not client
    client.close()
    assert b"k1" not in repr(vars(factory.pool)).encode()
    factory.close_all()
    with pytest.raises(tw.LlmClientClosedError):
        ours.run("hi")


def test_a_class_gets_the_address_and_settings_of_any_name(registry):
    class Loose(Complete):
        def __init__(self, model, *, provider, **settings):
            super().__init__(model, provider=provider)
            self.settings = settings

    row = tw.LlmProvider("loose", client=Loose, base_url="http://127.0.0.1:1/v1")
    registry.register_provider(row)
    client = tw.LlmClientFactory(registry=registry).get_client("loose:m1", region="eu")
    assert vars(client)["settings"] == {"base_url": row.base_url, "region": "eu"}


def test_a_method_that_wraps_the_default_counts_as_defined():
    class Wrapping(Complete):
        @functools.wraps(tw.LlmClientInterface.complete)
        def complete(self, request_or_prompt, **params):
            return super().complete(request_or_prompt, **params)

    assert "".join(Wrapping("m").stream("hi").text_stream) == "echo hi"


def test_a_class_may_use_any_private_name():
    class Private(Complete):
        _ask = _open = _checked = _fields = _defines = _lacks = None

    client = Private()
    assert client.run("hi") == "".join(client.stream("hi").text_stream) == "echo hi"


def test_a_mock_of_a_method_counts_as_defined(monkeypatch):
    reply = LlmResponse(provider="custom", model="m", text="mocked")
    monkeypatch.setattr(Complete, "complete", unittest.mock.MagicMock(return_value=reply))
    assert "".join(Complete("m").stream("hi").text_stream) == "mocked"


def test_the_shared_factory_creates_them(monkeypatch):
    from tokenwire.catalog import registry
    from tokenwire.factory import factory

    monkeypatch.setattr(factory, "_process", {})
    monkeypatch.setattr(registry, "_shared", {})
    registry.shared().register_provider(tw.LlmProvider("acme", client=Complete))
    client = tw.client("acme:m1", shout=True)
    assert isinstance(client, tw.LlmClientInterface)
    assert client.run("hi") == "echo hi"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shuot": True}, "shuot: Complete takes no such setting; did you mean shout"),
        ({"api": "completions"}, "api: Complete takes no such setting"),
    ],
)
def test_a_setting_that_the_class_does_not_take_is_named(registry, settings, words):
    factory = tw.LlmClientFactory(registry=registry)
    with pytest.raises(tw.LlmConfigError, match=words):
        factory.get_client("acme:m1", api_key="k", **settings)
    if "api" not in settings:
        with pytest.raises(tw.LlmConfigError, match=f"models.ours.{words}"):
            tw.LlmClientFactory(
                {"models": {"ours": {"model": "acme:m1", **settings}}}, registry=registry
            )


def test_a_class_that_cannot_work_is_named(registry):
    class Needs(Complete):
        def __init__(self, model, *, provider, folder):
            super().__init__(model, provider=provider)
            self.folder = folder

    class Forgets(Complete):
        def __init__(self, model, *, provider):
            self.model = f"{provider}/{model}"

    registry.register_provider(tw.LlmProvider("needs", client=Needs))
    registry.register_provider(tw.LlmProvider("forgets", client=Forgets))
    factory = tw.LlmClientFactory(registry=registry)
    with pytest.raises(tw.LlmConfigError, match="folder: Needs needs this setting"):
        factory.get_client("needs:m1")
    with pytest.raises(tw.LlmConfigError, match="Forgets has no provider; call super"):
        factory.get_client("forgets:m1")
    with pytest.raises(tw.LlmConfigError, match="ACME_KEY"):
        factory.get_client("acme:m1")
    with pytest.raises(tw.LlmConfigError, match="client: give a subclass of LlmClientInterface"):
        tw.LlmProvider("x", client=int)  # type: ignore[arg-type]


def test_a_file_cannot_name_a_class_or_a_key(registry):
    for data, words in (
        ({"providers": {"x": {"client": "os:system"}}}, "providers.x.client: no such setting"),
        (
            {"models": {"x": {"model": "acme:m1", "api_key": "sk-1"}}},
            "models.x.api_key: a key does not belong here",
        ),
    ):
        with pytest.raises(tw.LlmConfigError, match=words):
            tw.LlmClientFactory(data, registry=registry)


def test_the_example_runs():
    example = ROOT / "examples" / "custom_client.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", example], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "the sky is blue ",
        "THERE IS A REASON WHY ",
        "['ONE ', 'THREE ']",
        "3 calls, 7 words",
    ]


TYPED = """
from collections.abc import AsyncIterator, Iterator
from typing import Any

from typing_extensions import Unpack

import tokenwire as tw
from tokenwire.types import Prompt
from tokenwire.types import AnyParams


class Acme(tw.LlmClientInterface):
    def __init__(self, model: str, *, provider: str = "acme") -> None:
        super().__init__(model, provider=provider)

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> tw.LlmStream:
        def chunks() -> Iterator[tw.LlmStreamChunk | str]:
            yield "hi"
            yield tw.LlmStreamChunk(finish_reason="stop")

        return tw.LlmStream.from_chunks(chunks(), provider=self.provider, model=self.model)

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> tw.AsyncLlmStream:
        async def chunks() -> AsyncIterator[tw.LlmStreamChunk]:
            yield tw.LlmStreamChunk(text="hi", finish_reason="stop")

        return tw.AsyncLlmStream.from_chunks(chunks(), provider=self.provider, model=self.model)

    def complete(self, request_or_prompt: Prompt, **params: Any) -> tw.LlmResponse[Any]:
        return tw.LlmResponse(provider=self.provider, model=self.model, text="hi")

    async def complete_async(
        self, request_or_prompt: Prompt, **params: Any
    ) -> tw.LlmResponse[Any]:
        return self.complete(request_or_prompt, **params)

    def models(self) -> list[str]:
        return ["m1"]


client = Acme("m1")
text: str = client.run("hi", max_tokens=3)
reply: tw.LlmResponse[object] = client.complete("hi")
row = tw.LlmProvider("acme", client=Acme)
made: tw.LlmClientInterface = tw.client("acme:m1")
whole: tw.LlmResponse[object] = tw.LlmResponse(provider="acme", model="m1", text="hi")
tw.StreamingHandler().run(client.stream("hi"))
"""


@pytest.mark.slow
def test_a_typed_client_satisfies_mypy(tmp_path):
    source = tmp_path / "acme.py"
    source.write_text(textwrap.dedent(TYPED))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(source)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
