"""The wrappers of Sentry, Langfuse, OpenTelemetry and LangSmith see every call of our clients.

What each library does to openai is repeated here. `scripts/real_servers.py wrappers` runs the
libraries themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

stock = pytest.importorskip("openai")

from tests.wire.openai import watched  # noqa: E402
from tests.wire.openai.watched import CALLS, MESSAGES, Record, played  # noqa: E402

import tokenwire.openai as ours  # noqa: E402
from tokenwire.testing import SimServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-canary-0123456789-0123456789"


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    with SimServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "async")


@pytest.fixture
def make(sim: SimServer, is_async: bool) -> Callable[..., Any]:
    def make(**options: Any) -> Any:
        kind = ours.AsyncOpenAI if is_async else ours.OpenAI
        return kind(api_key=KEY, base_url=sim.base_url, **options)

    return make


@pytest.fixture
def record() -> Record:
    return Record()


def check(record: Record, call: str, found: Any) -> None:
    """The wrapper saw the whole call once, and each item that the user saw."""
    prompt = [watched.PROMPT] if call.startswith("text") else MESSAGES
    assert record.calls == [prompt]
    if call.endswith("_stream"):
        assert len(found) > 2
        assert all(seen is item for seen, item in zip(record.items, found, strict=True))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("patch", [watched.by_function, watched.by_wrapt, watched.by_subclass])
def test_a_wrapper_of_the_class_sees_the_call(patch, call, make, is_async, record):
    with pytest.MonkeyPatch.context() as monkeypatch:
        patch(monkeypatch, record)
        check(record, call, played(make, CALLS[call], is_async=is_async))


@pytest.mark.parametrize("call", CALLS)
def test_a_wrapper_of_the_class_sees_the_calls_of_a_client_made_before(
    call, make, is_async, record, monkeypatch
):
    def patched() -> Any:
        client = make()
        # They are made when they are first used.
        for resource in (client.chat.completions, client.completions, client.responses):
            assert resource.create
        watched.by_wrapt(monkeypatch, record)
        return client

    check(record, call, played(patched, CALLS[call], is_async=is_async))


# The others make another client or resource.
@pytest.mark.parametrize(
    "call", [name for name in CALLS if name not in ("chat_of_copy", "chat_beta")]
)
def test_a_wrapper_of_the_instance_sees_the_call(call, make, is_async, record):
    def wrapped() -> Any:
        client = make()
        watched.on_instance(client, record)
        return client

    check(record, call, played(wrapped, CALLS[call], is_async=is_async))


def test_a_wrapper_sees_what_stream_sends(make, is_async, record, monkeypatch):
    def call(client: Any) -> Any:
        manager = client.chat.completions.stream(model="m", messages=MESSAGES)
        return in_async(manager) if is_async else in_sync(manager)

    def in_sync(manager: Any) -> Any:
        with manager as stream:
            return [event.type for event in stream]

    async def in_async(manager: Any) -> Any:
        async with manager as stream:
            return [event.type async for event in stream]

    watched.by_wrapt(monkeypatch, record)
    assert "content.delta" in played(make, call, is_async=is_async)
    assert record.calls == [MESSAGES]
    assert len(record.items) > 2


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_wrapper_sees_what_parse_sends(api, make, is_async, sim, monkeypatch):
    seen: list[Any] = []

    def call(client: Any) -> Any:
        if api == "chat":
            options = {"messages": MESSAGES, "response_format": watched.Colour}
            return client.chat.completions.parse(model="m", **options)
        return client.responses.parse(model="m", input=MESSAGES, text_format=watched.Colour)

    def wrapper(parse: Any) -> Any:
        def around(*args: Any, **options: Any) -> Any:
            seen.append(options.get("messages") or options.get("input"))
            return parse(*args, **options)

        return around

    for resource in watched.RESOURCES:
        if hasattr(resource, "parse"):
            monkeypatch.setattr(resource, "parse", wrapper(resource.parse))
    with scripted(sim, {"reply": {"text": json.dumps({"name": "red"})}}):
        found = played(make, call, is_async=is_async)
    parsed = found.choices[0].message.parsed if api == "chat" else found.output_parsed
    assert parsed == watched.Colour(name="red")
    assert seen == [MESSAGES]


class scripted:  # noqa: N801
    """The simulator with a reply, for a while."""

    def __init__(self, sim: SimServer, reply: dict[str, Any]) -> None:
        self._sim, self._reply = sim, reply

    def __enter__(self) -> None:
        self._sim.set_script({"default": self._reply})

    def __exit__(self, *_: object) -> None:
        self._sim.set_script({})


@pytest.mark.no_connection
def test_a_wrapper_sees_embeddings(is_async, record, monkeypatch):
    import httpx2

    def answer(request: Any) -> Any:
        assert json.loads(request.content)["input"] == [watched.PROMPT]
        item = {"object": "embedding", "index": 0, "embedding": [1.0]}
        reply = {"object": "list", "model": "m", "data": [item]}
        return httpx2.Response(
            200, json={**reply, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        )

    kind: Any = httpx2.AsyncClient if is_async else httpx2.Client
    http_client = kind(transport=httpx2.MockTransport(answer))
    openai_kind = ours.AsyncOpenAI if is_async else ours.OpenAI
    watched.by_wrapt(monkeypatch, record)
    found = played(
        lambda: openai_kind(api_key=KEY, http_client=http_client),
        lambda client: client.embeddings.create(model="m", input=[watched.PROMPT]),
        is_async=is_async,
    )
    assert found.data[0].embedding == [1.0]
    assert record.calls == [[watched.PROMPT]]


def test_a_wrapper_that_was_taken_off_sees_no_more(make, is_async, record):
    with pytest.MonkeyPatch.context() as monkeypatch:
        watched.by_function(monkeypatch, record)
        played(make, CALLS["chat"], is_async=is_async)
    played(make, CALLS["chat"], is_async=is_async)
    assert len(record.calls) == 1


def test_an_iterator_that_is_replaced_after_iteration_began_is_used(make, is_async, record):
    def call(client: Any) -> Any:
        return later(client) if is_async else at_once(client)

    def at_once(client: Any) -> Any:
        stream = CALLS["chat_stream"](client)
        first = next(stream)
        return [first, *record.watch(stream)]

    async def later(client: Any) -> Any:
        stream = await CALLS["chat_stream"](client)
        first = await anext(stream)
        return [first, *[item async for item in record.watch(stream)]]

    found = played(make, call, is_async=is_async)
    assert record.items == found[1:]
    assert len(found) > 2


@pytest.mark.parametrize("method", ["iteration", "step", "loop"])
def test_a_wrapper_of_a_method_of_the_stream_is_called(method, make, is_async, monkeypatch):
    if method == "step" and not is_async:
        pytest.skip("the sync stream's is openai's own")
    kind = stock.AsyncStream if is_async else stock.Stream
    iterates = "__aiter__" if is_async else "__iter__"
    name = {"iteration": iterates, "step": "__anext__", "loop": "__stream__"}[method]
    called: list[str] = []
    method_itself = getattr(kind, name)

    def around(self: Any) -> Any:
        called.append(name)
        return method_itself(self)

    monkeypatch.setattr(kind, name, around)

    def call(client: Any) -> Any:
        if method != "step":
            return CALLS["chat_stream"](client)
        return stepped(client)

    async def stepped(client: Any) -> Any:
        async with await CALLS["chat_stream"](client) as stream:
            return await anext(stream)

    played(make, call, is_async=is_async)
    assert called == [name]


@pytest.mark.parametrize("call", ["chat", "chat_stream", "responses_stream"])
@pytest.mark.parametrize("how", ["patched", "overridden"])
def test_who_replaces_what_builds_replies_sees_each(how, call, make, is_async, monkeypatch):
    from openai._base_client import BaseClient

    seen: list[Any] = []
    builds = BaseClient._process_response_data

    def process(self: Any, *, data: object, cast_to: Any, response: Any) -> Any:
        built = (
            builds(self, data=data, cast_to=cast_to, response=response)
            if how == "patched"
            else super(custom, self)._process_response_data(
                data=data, cast_to=cast_to, response=response
            )
        )
        seen.append(built)
        return built

    client = make()
    custom: Any = type("Custom", (type(client),), {"_process_response_data": process})
    if how == "patched":
        monkeypatch.setattr(BaseClient, "_process_response_data", process)
    else:
        client.__class__ = custom
    found = played(lambda: client, CALLS[call], is_async=is_async)
    assert seen == (found if isinstance(found, list) else [found])


@pytest.mark.parametrize("steps_of", ["stream", "iterator"])
@pytest.mark.parametrize("is_async", [True], ids=["async"])
def test_a_step_can_be_a_task(steps_of, make):
    """Code that waits for a chunk or for something else makes a task of the step."""

    async def call(client: Any) -> Any:
        stream = await CALLS["chat_stream"](client)
        items = stream if steps_of == "stream" else aiter(stream)
        found = []
        with contextlib.suppress(StopAsyncIteration):
            while True:
                found.append(await asyncio.create_task(anext(items)))
        return found

    found = played(make, call, is_async=True)
    assert len(found) > 2
    assert {type(item).__name__ for item in found} == {"ChatCompletionChunk"}
