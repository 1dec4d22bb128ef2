"""A body of plain JSON is sent as it is, and any other by openai's walk through its types."""

from __future__ import annotations

import asyncio
import copy
import importlib
import json
from typing import Annotated, Any, TypedDict

import pytest

stock = pytest.importorskip("openai")
pytest.importorskip("httpx2")

from openai._utils import PropertyInfo  # noqa: E402
from openai.types.chat import ChatCompletionMessage  # noqa: E402

import tokenwire.openai as ours  # noqa: E402
from tokenwire.openai import requests  # noqa: E402

WALK = "openai._utils._transform"
QUESTION: Any = {"role": "user", "content": [{"type": "text", "text": "Which colour?"}]}
MODEL = ChatCompletionMessage(role="assistant", content="None.")
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.fixture
def walked(monkeypatch):
    """Count the bodies that openai walks through."""
    module = importlib.import_module(WALK)
    seen = []

    def watch(name):
        theirs = getattr(module, name)

        def walk(data, expected_type):
            seen.append(data)
            return theirs(data, expected_type)

        monkeypatch.setattr(module, name, walk)

    watch("transform")
    watch("async_transform")
    return seen


@pytest.fixture
def options(sim):
    return {"api_key": "k", "base_url": sim.base_url, "max_retries": 0}


def ask(client, **words):
    """Ask for a completion, by a sync or an async client."""
    if isinstance(client, stock.OpenAI):
        with client:
            return client.chat.completions.create(**words)

    async def asked():
        async with client:
            return await client.chat.completions.create(**words)

    return asyncio.run(asked())


@pytest.mark.parametrize("kind", ["OpenAI", "AsyncOpenAI"])
@pytest.mark.parametrize(
    ("messages", "walks"),
    [([QUESTION], 0), ([QUESTION, MODEL], 1), ((QUESTION,), 1)],
    ids=["plain", "a model", "a tuple"],
)
def test_the_body_is_that_of_openai(kind, messages, walks, *, sim, options, walked):
    words: dict[str, Any] = {
        "model": "m",
        "messages": messages,
        "tools": [TOOL],
        "stop": None,
        "temperature": 0.5,
        "seed": stock.omit,
        "extra_body": {"one_more": True},
    }
    ask(getattr(ours, kind)(**options), **words)
    assert len(walked) == walks
    ask(getattr(stock, kind)(**options), **words)
    first, second = (json.dumps(request["body"]) for request in sim.requests())
    assert first == second


@pytest.mark.parametrize("module", [stock, ours], ids=["openai", "ours"])
@pytest.mark.parametrize("kind", ["OpenAI", "AsyncOpenAI"])
def test_what_is_changed_after_the_call_is_not_sent(kind, module, *, sim, options):
    """A retry must send the same again, and a hook's changes are not the caller's."""
    messages = [copy.deepcopy(QUESTION)]
    theirs: Any = getattr(module, kind)

    def prepare(client, asked):
        messages[0]["content"].clear()
        messages.append(QUESTION)
        asked.json_data["messages"][0]["name"] = "hook"
        return theirs._prepare_options(client, asked)

    changing = type(kind, (theirs,), {"_prepare_options": prepare})
    ask(changing(**options), model="m", messages=messages)
    [request] = sim.requests()
    assert request["body"]["messages"] == [{**QUESTION, "name": "hook"}]
    assert messages == [{"role": "user", "content": []}, QUESTION]


def test_a_call_without_its_arguments_is_refused_as_by_openai(options):
    wrong: Any = {"model": "m"}
    refusals = []
    for module in (ours, stock):
        with pytest.raises(TypeError) as refused:
            ask(module.OpenAI(**options), **wrong)
        refusals.append(str(refused.value))
    assert refusals[0] == refusals[1]


def test_a_type_with_an_alias_is_walked_through():
    class Named(TypedDict):
        card_id: Annotated[str, PropertyInfo(alias="cardID")]

    class Outer(TypedDict):
        names: list[Named]

    class Plain(TypedDict):
        names: list[str]

    assert requests._as_it_is({"names": ["a"]}, Plain) == {"names": ["a"]}
    assert requests._as_it_is({"names": [{"card_id": "a"}]}, Outer) is None
