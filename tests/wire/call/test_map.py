"""`map` and `map_async`: lazy, bounded, in order or as they finish, and left cleanly."""

from __future__ import annotations

import asyncio
import sys
from contextvars import ContextVar
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

# One prompt is answered late, so that the others overtake it.
SLOW_FIRST = {
    "rules": [
        {
            "match": {"body": "first"},
            "then": {"reply": {"text": "late"}, "pacing": {"head_delay_ms": 150}},
        }
    ],
    "default": {"reply": {"text": "soon"}},
}
NEVER = {"default": {"fault": {"kind": "no_head"}}}


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, **settings)


def asked(sim: SimServer) -> list[str]:
    return [body["messages"][-1]["content"] for body in sent(sim)]


def most_at_once(sim: SimServer) -> int:
    """The most requests that the simulator had at the same time."""
    steps = {"request": 1, "finished": -1}
    return max(accumulate(steps.get(record["kind"], 0) for record in sim.log()))


def test_rows_come_in_the_order_of_the_prompts(sim: SimServer, ask: Asking) -> None:
    sim.set_script(SLOW_FIRST)
    rows = ask.map(chat_on(sim), ["first", "b", "c", "d"], concurrency=4)
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert [row.response.text for row in rows] == ["late", "soon", "soon", "soon"]
    assert [row.error for row in rows] == [None] * 4


def test_rows_come_as_they_finish(sim: SimServer, ask: Asking) -> None:
    sim.set_script(SLOW_FIRST)
    rows = ask.map(chat_on(sim), ["first", "b", "c"], concurrency=3, ordered=False)
    assert rows[-1].index == 0
    assert sorted(row.index for row in rows) == [0, 1, 2]


def test_an_error_is_a_row(sim: SimServer, ask: Asking) -> None:
    failing = {"match": {"body": "bad"}, "then": {"error": {"status": 400, "message": "No."}}}
    sim.set_script({"rules": [failing], "default": {"reply": {"text": "ok"}}})
    rows = ask.map(chat_on(sim), ["a", "bad", "\ud800", "b"], concurrency=2)
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert [row.response and row.response.text for row in rows] == ["ok", None, None, "ok"]
    assert [type(row.error) for row in rows] == [
        type(None),
        tw.LlmAPIError,
        tw.LlmValidationError,
        type(None),
    ]
    assert rows[0].result().text == "ok"
    with pytest.raises(tw.LlmAPIError, match=r"No\."):
        rows[1].result()


def test_arguments_hold_for_each_call(sim: SimServer, ask: Asking) -> None:
    ask.map(chat_on(sim), ["a", "b"], concurrency=2, temperature=0.5, max_tokens=3)
    assert [(body["temperature"], body["max_tokens"]) for body in sent(sim)] == [(0.5, 3)] * 2


def test_prompts_of_any_kind_are_taken(sim: SimServer, ask: Asking) -> None:
    prompts = [
        "a",
        [{"role": "user", "content": "b"}],
        tw.LlmMessage("user", "c"),
        tw.LlmRequest("d", max_tokens=2),
    ]
    rows = ask.map(chat_on(sim), prompts, concurrency=1)
    assert [row.error for row in rows] == [None] * 4
    assert asked(sim) == ["a", "b", "c", "d"]


def test_nothing_to_ask_gives_no_rows(sim: SimServer, ask: Asking) -> None:
    assert ask.map(chat_on(sim), [], concurrency=5) == []


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, None])
def test_a_wrong_concurrency_is_refused_at_once(sim: SimServer, concurrency: Any) -> None:
    chat = chat_on(sim)
    with pytest.raises(tw.LlmConfigError, match="concurrency"):
        chat.map(["a"], concurrency=concurrency)
    with pytest.raises(tw.LlmConfigError, match="concurrency"):
        chat.map_async(["a"], concurrency=concurrency)


@pytest.mark.parametrize("ordered", [True, False])
def test_prompts_are_pulled_lazily(sim: SimServer, ordered: bool) -> None:
    pulled: list[int] = []

    def prompts() -> Iterator[str]:
        for number in range(1000):
            pulled.append(number)
            yield str(number)

    rows = chat_on(sim).map(prompts(), concurrency=3, ordered=ordered)
    assert pulled == []
    for taken, _ in enumerate(rows, start=1):
        assert len(pulled) <= taken + 3
        if taken == 20:
            break
    assert most_at_once(sim) <= 3


@pytest.mark.parametrize("ordered", [True, False])
async def test_prompts_are_pulled_lazily_async(sim: SimServer, ordered: bool) -> None:
    pulled: list[int] = []

    async def prompts() -> AsyncIterator[str]:
        for number in range(1000):
            pulled.append(number)
            yield str(number)

    rows = chat_on(sim).map_async(prompts(), concurrency=3, ordered=ordered)
    assert pulled == []
    taken = 0
    async for _ in rows:
        taken += 1
        assert len(pulled) <= taken + 3
        if taken == 20:
            break
    await rows.aclose()
    assert most_at_once(sim) <= 3


def test_leaving_the_loop_ends_the_calls_in_flight(sim: SimServer) -> None:
    rule = {"match": {"body": "quick"}, "then": {"reply": {"text": "ok"}}}
    sim.set_script({"rules": [rule], **NEVER})
    rows = chat_on(sim).map(["quick", "a", "b"], concurrency=3)
    for row in rows:
        assert row.response is not None
        assert row.response.text == "ok"
        sim.wait_for("request", 3)
        break
    rows.close()  # type: ignore[attr-defined]
    sim.wait_for("client_closed", 2)


async def test_leaving_the_async_loop_ends_the_calls_in_flight(sim: SimServer) -> None:
    rule = {"match": {"body": "quick"}, "then": {"reply": {"text": "ok"}}}
    sim.set_script({"rules": [rule], **NEVER})
    rows = chat_on(sim).map_async(["quick", "a", "b"], concurrency=3)
    async for row in rows:
        assert row.response is not None
        await asyncio.to_thread(sim.wait_for, "request", 3)
        break
    await rows.aclose()
    await asyncio.to_thread(sim.wait_for, "client_closed", 2)


async def test_cancelling_the_task_ends_the_calls_in_flight(sim: SimServer) -> None:
    sim.set_script(NEVER)
    chat = chat_on(sim)

    async def read() -> None:
        async for _ in chat.map_async(["a", "b"], concurrency=2):
            pass

    task = asyncio.create_task(read())
    await asyncio.to_thread(sim.wait_for, "request", 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(sim.wait_for, "client_closed", 2)


def test_an_error_of_the_prompts_is_the_callers(sim: SimServer, ask: Asking) -> None:
    def prompts() -> Iterator[str]:
        yield "a"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ask.map(chat_on(sim), prompts(), concurrency=1)


def test_a_wrong_argument_is_each_rows_error(sim: SimServer, ask: Asking) -> None:
    rows = ask.map(chat_on(sim), ["a", "b"], concurrency=2, temprature=1)
    assert [type(row.error) for row in rows] == [tw.LlmConfigError] * 2
    assert sim.requests() == []


def test_many_more_prompts_than_places(sim: SimServer, ask: Asking) -> None:
    rows = ask.map(chat_on(sim), (str(number) for number in range(300)), concurrency=16)
    assert [row.index for row in rows] == list(range(300))
    assert all(row.error is None for row in rows)
    assert sorted(asked(sim)) == sorted(map(str, range(300)))
    assert most_at_once(sim) <= 16


class Plain(tw.LlmClientInterface):
    """A caller's client that has only the four required methods."""

    model = "plain"
    provider = "mine"

    def __init__(self, inner: tw.ChatClient) -> None:
        self._inner = inner

    def complete(self, request_or_prompt: Any, **params: Any) -> tw.LlmResponse[Any]:
        return self._inner.complete(request_or_prompt, **params)

    async def complete_async(self, request_or_prompt: Any, **params: Any) -> tw.LlmResponse[Any]:
        return await self._inner.complete_async(request_or_prompt, **params)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_client_of_ones_own_maps_too(sim: SimServer, ask: Asking, ordered: bool) -> None:
    sim.set_script(SLOW_FIRST)
    rows = ask.map(Plain(chat_on(sim)), ["first", "b", "c"], concurrency=3, ordered=ordered)
    assert sorted(row.index for row in rows) == [0, 1, 2]
    assert [row.index for row in rows][-1] == (2 if ordered else 0)


def test_an_error_of_a_client_of_ones_own_is_its_callers(sim: SimServer, ask: Asking) -> None:
    # It is not one of our errors, so it is not a row.
    class Broken(Plain):
        def complete(self, request_or_prompt: Any, **params: Any) -> tw.LlmResponse[Any]:
            raise KeyError("mine", request_or_prompt, params)

        async def complete_async(
            self, request_or_prompt: Any, **params: Any
        ) -> tw.LlmResponse[Any]:
            raise KeyError("mine", request_or_prompt, params)

    with pytest.raises(KeyError, match="mine"):
        ask.map(Broken(chat_on(sim)), ["a", "b"], concurrency=2)


def raising_after(prompts: list[str], error: BaseException) -> Iterator[str]:
    yield from prompts
    raise error


async def raising_async(prompts: list[str], error: BaseException) -> AsyncIterator[str]:
    for prompt in prompts:
        yield prompt
    raise error


class Custom(tw.LlmClientInterface):
    """A client without the engine, whose calls run in threads."""

    def complete(self, request_or_prompt: Any, **_: Any) -> tw.LlmResponse[Any]:
        if request_or_prompt == "bad":
            raise tw.LlmAPIError("No.")
        return tw.LlmResponse(provider="custom", model="m", text=request_or_prompt)


@pytest.mark.parametrize("concurrency", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("custom", [False, True])
def test_rows_before_a_source_that_raises_come_first(
    sim: SimServer, concurrency: int, ordered: bool, custom: bool
) -> None:
    chat = Custom("m") if custom else chat_on(sim)
    error = ValueError("row 4 is broken")
    settings: dict[str, Any] = {"concurrency": concurrency, "ordered": ordered}

    def read() -> None:
        source = raising_after(["a", "b", "c"], error)
        rows.extend(row.index for row in chat.map(source, **settings))

    async def read_async(source: Any) -> None:
        async for row in chat.map_async(source, **settings):
            rows.append(row.index)  # noqa: PERF401 (rows before the error are kept)

    sources = (raising_after(["a", "b", "c"], error), raising_async(["a", "b", "c"], error))
    for reading in (read, *(lambda s=s: asyncio.run(read_async(s)) for s in sources)):
        rows: list[int] = []
        with pytest.raises(ValueError, match="row 4") as caught:
            reading()
        assert (sorted(rows), caught.value) == ([0, 1, 2], error)
        error.__traceback__ = None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_source_that_ends_the_program_is_not_kept_waiting(
    sim: SimServer, ask: Asking, kind: type[BaseException]
) -> None:
    sim.set_script(NEVER)
    with pytest.raises(kind):
        ask.map(chat_on(sim), raising_after(["a"], kind()), concurrency=4)
    sim.wait_for("client_closed", sim.count("request"))


def test_a_key_function_that_raises_comes_after_the_rows_before_it(sim: SimServer) -> None:
    keys = iter(["one", "two"])
    chat = chat_on(sim, api_key=lambda: next(keys, None) or 1 // 0)
    rows: list[int] = []
    with pytest.raises(ZeroDivisionError):
        rows.extend(row.index for row in chat.map(["a", "b", "c"], concurrency=8))
    assert rows == [0, 1]


@pytest.mark.parametrize(
    ("prompts", "problem"),
    [
        ("hello", r"this is one str; give a list of prompts: \[prompt\]"),
        (b"hello", "this is one bytes"),
        (bytearray(b"hello"), "this is one bytearray"),
        ({"role": "user", "content": "hello"}, "this is one dict"),
        (tw.LlmRequest("hello"), "this is one LlmRequest"),
        (tw.LlmMessage("user", "hello"), "this is one LlmMessage"),
        (5, "give a list, or another iterable, not int"),
        (None, "give a list, or another iterable, not NoneType"),
    ],
)
@pytest.mark.parametrize("custom", [False, True])
def test_one_prompt_is_refused_where_several_are_meant(
    sim: SimServer, prompts: Any, problem: str, custom: bool
) -> None:
    chat = Custom("m") if custom else chat_on(sim)
    for method in (chat.map, chat.map_async):
        with pytest.raises(tw.LlmConfigError, match=f"^prompts: {problem}"):
            method(prompts, concurrency=4)
    assert sim.requests() == []


def test_an_async_source_of_sync_code_names_the_method_that_takes_it(sim: SimServer) -> None:
    with pytest.raises(tw.LlmConfigError, match=r"use map_async\(\)"):
        chat_on(sim).map(raising_async([], ValueError()), concurrency=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("custom", [False, True])
async def test_rows_do_not_wait_for_an_async_source_that_is_slow(
    sim: SimServer, ordered: bool, custom: bool
) -> None:
    """The source goes on only after its rows have arrived, as a queue of an application may."""
    number: ContextVar[int] = ContextVar("number", default=0)
    arrived = asyncio.Event()

    async def prompts() -> AsyncIterator[str]:
        for step in range(3):
            if sys.version_info >= (3, 11):
                assert number.get() == step
            number.set(step + 1)
            yield str(step)
            await arrived.wait()
            arrived.clear()

    chat = Custom("m") if custom else chat_on(sim)
    indices = []
    async for row in chat.map_async(prompts(), concurrency=8, ordered=ordered):
        indices.append(row.index)
        arrived.set()
    assert indices == [0, 1, 2]


async def test_leaving_the_rows_ends_the_step_of_an_async_source(sim: SimServer) -> None:
    ended = asyncio.Event()

    async def prompts() -> AsyncIterator[str]:
        yield "a"
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    rows = chat_on(sim).map_async(prompts(), concurrency=8)
    assert (await anext(rows)).index == 0
    await rows.aclose()
    assert ended.is_set()
