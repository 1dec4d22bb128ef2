"""A reply that fits its class is built without the JSON that openai would parse first."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

stock = pytest.importorskip("openai")

import tokenwire.openai as ours  # noqa: E402
from tokenwire.openai.transport import FAMILY  # noqa: E402

# httpx2, or httpx for openai 2.
library: Any = import_module(FAMILY)

MESSAGES: Any = [{"role": "user", "content": "Which colour?"}]
# Openai takes a number where the class has a text.
MISFIT = """{"id": 7, "object": "chat.completion", "created": 1, "model": "m", "choices": []}"""
VECTORS = """{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
"model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}"""


@pytest.fixture
def parsed(monkeypatch):
    """Count the responses whose JSON is parsed, without another method in them."""
    seen = []

    def loads(text, **options):
        seen.append(text)
        return json.loads(text, **options)

    monkeypatch.setattr(library._models, "jsonlib", SimpleNamespace(loads=loads, dumps=json.dumps))
    return seen


@pytest.fixture
def options(sim):
    return {"api_key": "k", "base_url": sim.base_url, "max_retries": 0}


def ask(client, **more):
    """Ask for a completion, by a sync or an async client."""
    if isinstance(client, stock.OpenAI):
        with client:
            return client.chat.completions.create(model="m", messages=MESSAGES, **more)

    async def asked():
        async with client:
            return await client.chat.completions.create(model="m", messages=MESSAGES, **more)

    return asyncio.run(asked())


@pytest.mark.parametrize("kind", ["OpenAI", "AsyncOpenAI"])
def test_a_reply_is_built_without_a_parse_of_its_json(kind, options, parsed):
    reply = ask(getattr(ours, kind)(**options))
    assert not parsed
    same = ask(getattr(stock, kind)(**options))
    assert len(parsed) == 1
    assert type(reply) is type(same)
    assert reply.choices == same.choices
    assert {reply._request_id, same._request_id} == {"req_sim_1", "req_sim_2"}


def test_vectors_are_built_without_a_parse_of_their_json(sim, options, parsed):
    sim.set_script({"default": {"replay": {"text": VECTORS}}})
    with ours.OpenAI(**options) as client, stock.OpenAI(**options) as other:
        question: Any = {"model": "m", "input": ["a"], "encoding_format": "float"}
        reply = client.embeddings.create(**question)
        assert not parsed
        assert reply == other.embeddings.create(**question)


@pytest.mark.parametrize("kind", ["OpenAI", "AsyncOpenAI"])
def test_a_reply_that_does_not_fit_is_built_by_openai(kind, sim, options, parsed):
    sim.set_script({"default": {"replay": {"text": MISFIT}}})
    reply = ask(getattr(ours, kind)(**options))
    assert len(parsed) == 1
    assert reply.id == 7


def test_the_json_of_a_raw_response_is_the_callers(options, parsed):
    with ours.OpenAI(**options) as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)
        found = raw.http_response.json()
        reply = raw.parse()
        assert isinstance(found, dict)
        assert isinstance(raw.http_response.json(), dict)
    assert reply.id == found["id"]


def test_the_json_of_a_response_stays_what_it_is(options):
    kept: list[Any] = []
    client = stock.DefaultHttpxClient(event_hooks={"response": [kept.append]})
    ask(ours.OpenAI(http_client=client, **options))
    assert isinstance(kept[0].json(), dict)


def test_json_that_a_hook_has_replaced_is_what_the_reply_has(options):
    def replace(response):
        found = {**json.loads(response.read()), "id": "of the hook"}
        response.json = lambda: found

    for module in (stock, ours):
        client = stock.DefaultHttpxClient(event_hooks={"response": [replace]})
        assert ask(module.OpenAI(http_client=client, **options)).id == "of the hook"


@pytest.mark.parametrize("module", [stock, ours])
def test_json_of_another_method_is_what_the_reply_has(module, options, monkeypatch):
    theirs = library.Response.json
    own = {"json": lambda self: {**theirs(self), "id": "of the subclass"}}
    edited = type("Edited", (library.Response,), own)

    def edit(response):
        response.__class__ = edited

    client = stock.DefaultHttpxClient(event_hooks={"response": [edit]})
    assert ask(module.OpenAI(http_client=client, **options)).id == "of the subclass"
    monkeypatch.setattr(library.Response, "json", lambda _: {"id": "of the mock"})
    assert ask(module.OpenAI(**options)).id == "of the mock"


@pytest.mark.parametrize("call", ["reply", "raw", "stream"])
@pytest.mark.parametrize("module", [stock, ours])
def test_who_replaced_a_method_of_a_client_sees_each_reply(module, call, options):
    client = module.OpenAI(**options)
    build = client._process_response_data

    def edited(*, data, **more):
        return build(data={**data, "id": "mine"}, **more)

    client._process_response_data = edited
    if call == "raw":
        with client:
            create = client.chat.completions.with_raw_response.create
            assert create(model="m", messages=MESSAGES).parse().id == "mine"
    elif call == "reply":
        assert ask(client).id == "mine"
    else:
        with client:
            chunks = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            assert {chunk.id for chunk in chunks} == {"mine"}


FIRST_REPLY = """
import tokenwire.openai as openai
from openai.types.responses import Response
client = openai.OpenAI(base_url={base_url!r}, api_key="k")
reply = client.chat.completions.create(model="m", messages={messages!r})
assert type(reply).__pydantic_complete__
print(Response.__pydantic_complete__)
"""


@pytest.mark.chooses_transport
def test_the_first_reply_builds_the_validator_of_its_class_alone(sim):
    """That of `Response` would hold an event loop up for tens of milliseconds."""
    code = FIRST_REPLY.format(base_url=sim.base_url, messages=MESSAGES)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
