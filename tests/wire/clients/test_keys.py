"""Keys from a callable: it is called for each call, and again after a 401."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


class Keys:
    """Returns one key after another, then always the last one. Counts its calls."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        return self.keys[min(self.calls, len(self.keys)) - 1]

    async def later(self) -> str:
        """Return the same, after the loop has run once."""
        await asyncio.sleep(0)
        return self()


def chat_on(sim: SimServer, api_key: Callable[[], Any], **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("openai:m", base_url=sim.base_url, api_key=api_key, **settings)


def source(keys: Keys, ask: Asking, *, is_async: bool) -> Callable[[], Any]:
    if is_async and type(ask).__name__ == "Sync":
        pytest.skip("sync code cannot await a key")
    return keys.later if is_async else keys


@pytest.fixture(params=[False, True], ids=["plain", "coroutine"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_creating_a_client_asks_for_no_key(sim: SimServer) -> None:
    keys = Keys("right")
    chat_on(sim, keys).validate_config()
    assert keys.calls == 0


def test_each_call_asks_for_the_key(sim: SimServer, ask: Asking, is_async: bool) -> None:
    sim.set_script({"require_key": "right"})
    keys = Keys("right")
    chat = chat_on(sim, source(keys, ask, is_async=is_async))
    ask.complete(chat, "-")
    ask.read(chat, "-")
    ask.models(chat)
    assert (keys.calls, len(sim.requests())) == (3, 3)


def test_a_401_asks_for_the_key_again(sim: SimServer, ask: Asking, is_async: bool) -> None:
    sim.set_script({"require_key": "fresh"})
    keys = Keys("stale", "fresh")
    reply = ask.complete(chat_on(sim, source(keys, ask, is_async=is_async)), "-")
    assert reply.text
    assert (keys.calls, len(sim.requests())) == (2, 2)


def test_a_401_of_a_stream_asks_for_the_key_again(
    sim: SimServer, ask: Asking, is_async: bool
) -> None:
    sim.set_script({"require_key": "fresh"})
    keys = Keys("stale", "fresh")
    chunks, reply = ask.read(chat_on(sim, source(keys, ask, is_async=is_async)), "-")
    assert chunks
    assert reply.text == "".join(chunk.text for chunk in chunks)
    assert (keys.calls, len(sim.requests())) == (2, 2)


def test_a_second_401_is_raised(sim: SimServer, ask: Asking, is_async: bool) -> None:
    sim.set_script({"require_key": "right"})
    for call in (ask.complete, ask.read):
        keys = Keys("wrong")
        with pytest.raises(tw.LlmAuthenticationError) as caught:
            call(chat_on(sim, source(keys, ask, is_async=is_async)), "-")
        assert caught.value.status_code == 401
        assert keys.calls == 2
    assert len(sim.requests()) == 4


def test_a_403_does_not_ask_for_the_key_again(sim: SimServer, ask: Asking, is_async: bool) -> None:
    sim.set_script({"default": {"error": {"status": 403}}})
    for call in (ask.complete, ask.read):
        keys = Keys("k")
        with pytest.raises(tw.LlmAuthenticationError):
            call(chat_on(sim, source(keys, ask, is_async=is_async)), "-")
        assert keys.calls == 1


def test_a_key_that_is_not_a_callable_is_not_tried_twice(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"require_key": "right"})
    chat = tw.ChatClient("openai:m", base_url=sim.base_url, api_key="wrong")
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmAuthenticationError):
            call(chat, "-")
    assert len(sim.requests()) == 2


def test_sync_code_says_that_it_cannot_await_a_key(sim: SimServer) -> None:
    chat = chat_on(sim, Keys("k").later)
    with pytest.raises(tw.LlmConfigError, match="async"):
        chat.complete("-")
    with pytest.raises(tw.LlmConfigError, match="async"):
        list(chat.stream("-"))
    with pytest.raises(tw.LlmConfigError, match="async"):
        chat.models()
    assert sim.requests() == []


@pytest.mark.parametrize("key", [None, "", 3, b"k"])
def test_a_callable_must_return_a_key(sim: SimServer, ask: Asking, key: Any) -> None:
    chat = chat_on(sim, lambda: key)
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmConfigError, match="api_key"):
            call(chat, "-")
    assert sim.requests() == []


def test_a_key_that_breaks_a_header_is_not_shown(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, lambda: "sk-canary\r\nx: y")
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmConfigError) as caught:
            call(chat, "-")
        assert "canary" not in str(caught.value)
    assert sim.requests() == []


def test_an_error_of_the_callable_reaches_the_caller(sim: SimServer, ask: Asking) -> None:
    def key() -> str:
        raise KeyError("vault")

    for call in (ask.complete, ask.read):
        with pytest.raises(KeyError, match="vault"):
            call(chat_on(sim, key), "-")


def test_map_asks_for_the_key_of_each_call(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"require_key": "right"})
    keys = Keys("right")
    rows = ask.map(chat_on(sim, keys), ["a", "b", "c"], concurrency=2)
    assert [row.error for row in rows] == [None] * 3
    assert keys.calls == 3


def test_map_asks_for_the_key_again_after_a_401(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"require_key": "fresh"})
    keys = Keys("stale", "fresh")
    rows = ask.map(chat_on(sim, keys), ["a", "b"], concurrency=1)
    assert [row.error for row in rows] == [None, None]
    assert (keys.calls, len(sim.requests())) == (3, 3)
    sim.set_script({"require_key": "another"})
    rows = ask.map(chat_on(sim, Keys("wrong")), ["a", "b"], concurrency=2)
    assert [type(row.error) for row in rows] == [tw.LlmAuthenticationError] * 2
    assert len(sim.requests()) == 7


def test_a_call_of_map_whose_key_is_renewed_is_one_call(sim: SimServer) -> None:
    sim.set_script({"require_key": "fresh"})
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    try:
        rows = list(chat_on(sim, Keys("stale", "fresh")).map(["a"], concurrency=1))
    finally:
        remove()
    assert [row.error for row in rows] == [None]
    assert [event.error_kind for event in events] == [None]


async def read(stream: tw.AsyncLlmStream) -> None:
    async with stream as pieces:
        async for _ in pieces:
            pass


WAYS: dict[str, Callable[[tw.ChatClient], object]] = {
    "complete": lambda chat: chat.complete("a"),
    "complete_async": lambda chat: asyncio.run(chat.complete_async("a")),
    "map": lambda chat: [row.result() for row in chat.map(["a"], concurrency=1)],
    "stream": lambda chat: list(chat.stream("a")),
    "stream_async": lambda chat: asyncio.run(read(chat.stream_async("a"))),
}


class Vault:
    """Returns a stale key once, and raises from then on."""

    def __init__(self, error: BaseException) -> None:
        self.keys: list[str] = ["stale"]
        self.error = error

    def __call__(self) -> str:
        if not self.keys:
            raise self.error
        return self.keys.pop()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (tw.LlmConfigError("no vault"), "authentication"),
        (KeyError("vault"), "authentication"),
        (KeyboardInterrupt(), "cancelled"),
    ],
    ids=["ours", "another", "interrupt"],
)
def test_a_refused_key_without_a_fresh_one_is_reported_once(
    sim: SimServer, way: str, error: BaseException, kind: str
) -> None:
    sim.set_script({"require_key": "fresh"})
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    try:
        with pytest.raises(type(error)):
            WAYS[way](chat_on(sim, Vault(error)))
        # The frames of the traceback refer to the stream.
        error.__traceback__ = error.__context__ = None
        gc.collect()
    finally:
        remove()
    assert [(event.error_kind, event.model) for event in events] == [(kind, "m")]
    for event in events:
        assert "_refused" not in vars(event.error or object)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("keys", [("stale", "fresh"), ("stale", "stale")], ids=["fresh", "stale"])
def test_a_refused_key_leaves_nothing_behind(sim: SimServer, way: str, keys: Any) -> None:
    sim.set_script({"require_key": "fresh"})

    class Held:
        """An object in a caller's frame."""

    def call() -> weakref.ref[Held]:
        held = Held()
        with contextlib.suppress(tw.LlmAuthenticationError):
            WAYS[way](chat_on(sim, Keys(*keys)))
        return weakref.ref(held)

    remove = tw.on_call(lambda _event: None)
    try:
        held = call()
        gc.collect()
        assert held() is None
    finally:
        remove()


def test_the_list_of_models_asks_for_the_key_again(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"require_key": "fresh"})
    keys = Keys("stale", "fresh")
    assert ask.models(chat_on(sim, keys))
    assert (keys.calls, len(sim.requests())) == (2, 2)


def test_a_stream_asks_for_its_key_on_entering(sim: SimServer) -> None:
    keys = Keys("k")
    stream = chat_on(sim, keys).stream("-")
    assert keys.calls == 0
    with stream:
        assert keys.calls == 1


async def test_an_unentered_async_stream_asks_for_its_key_at_the_first_step(
    sim: SimServer,
) -> None:
    sim.set_script({"require_key": "fresh"})
    keys = Keys("stale", "fresh")
    stream = chat_on(sim, keys.later).stream_async("-")
    assert keys.calls == 0
    assert [chunk async for chunk in stream]
    assert keys.calls == 2
