"""`fake`: it answers every client, and leaves no trace when it ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from tests.fault.scenes import always
from tests.wire.asking import sent

import tokenwire as tw
from tokenwire.testing import fake

KEY = "sk-canary-0123456789"
TEXT = "It is faked."
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def f():
    with fake({"*": TEXT}) as served:
        yield served


def seen(f):
    (request,) = f.requests
    return request.provider, request.model


@pytest.mark.parametrize(
    ("make", "expected", "url"),
    [
        pytest.param(
            lambda: tw.ChatClient("openai:gpt-4o-mini"),
            ("openai", "gpt-4o-mini"),
            "https://api.openai.com/v1/chat/completions",
            id="provider",
        ),
        pytest.param(
            lambda: tw.ChatClient("org/model", base_url="https://10.9.9.9/api/"),
            ("openai-compatible", "org/model"),
            "https://10.9.9.9/api/chat/completions",
            id="bare-id",
        ),
        pytest.param(
            lambda: tw.ChatClient("gemma3:4b", provider="groq", base_url=NOWHERE),
            ("groq", "gemma3:4b"),
            f"{NOWHERE}/chat/completions",
            id="provider-argument",
        ),
        pytest.param(
            lambda: tw.ChatClient("vllm://10.9.9.9:8000@org/model"),
            ("vllm", "org/model"),
            "http://10.9.9.9:8000/v1/chat/completions",
            id="address-in-the-string",
        ),
        pytest.param(
            lambda: tw.CompletionClient("vllm:base"),
            ("vllm", "base"),
            "http://localhost:8000/v1/completions",
            id="completion",
        ),
        pytest.param(
            lambda: tw.client("groq:llama", timeout=5),
            ("groq", "llama"),
            "https://api.groq.com/openai/v1/chat/completions",
            id="factory",
        ),
        pytest.param(
            lambda: tw.ChatClient("azure:gpt"), ("azure", "gpt"), None, id="without-an-address"
        ),
        pytest.param(
            lambda: tw.ChatClient("openai:a").with_options(model="mistral:b"),
            ("mistral", "b"),
            "https://api.mistral.ai/v1/chat/completions",
            id="other-settings",
        ),
    ],
)
def test_every_client_is_answered(f, call, make, expected, url):
    assert call(make()) == TEXT
    assert seen(f) == expected
    assert f.requests[0].url == url


def test_a_simulator_is_a_server_like_any_other(f, sim):
    assert tw.ChatClient("sim:chat").run("hi") == TEXT
    assert tw.ChatClient("m", base_url=sim.base_url).run("hi") == TEXT
    assert sim.requests() == []


def test_a_call_may_name_another_model_and_provider(f, ask):
    client = tw.ChatClient("openai:a")
    ask.run(client, "hi", model="b")
    ask.run(client, "hi", model="groq:c")
    models = [(one.provider, one.model) for one in f.requests]
    assert models == [("openai", "b"), ("groq", "c")]


def test_a_completion_is_recorded_by_its_prompt(f, ask):
    llama = tw.CompletionClient("vllm:base", max_tokens=1)
    assert ask.run(llama, "def fib(n):") == TEXT
    (request,) = f.requests
    assert (request.api, request.prompt, request.messages) == ("completions", "def fib(n):", [])
    assert request.params == {"max_tokens": 1}


def test_names_and_providers_in_a_configuration_are_resolved(f, ask):
    config = {
        "providers": {
            "acme": {"base_url": "https://acme.invalid/v1", "key_vars": ["ACME_TOKEN"]},
            "lost": {"base_url_vars": ["LOST_URL"], "key_vars": ["ACME_TOKEN"]},
        },
        "models": {
            "fast": {"model": "openai:gpt-4o-mini"},
            "mine": {"model": "acme:big"},
            "keyed": {"model": "vllm:m", "key_var": "VAULT_TOKEN"},
        },
    }
    factory = tw.LlmClientFactory(config, registry=tw.ModelRegistry(plugins=False))
    names = ("fast", "mine", "keyed", "acme:small", "lost:m")
    for name in names:
        assert ask.run(factory.get_client(name), "hi") == TEXT
    ask.run(factory.get_client("acme:small").with_options(timeout=3), "hi")
    assert [f"{one.provider}:{one.model}" for one in f.requests] == [
        "openai:gpt-4o-mini",
        "acme:big",
        "vllm:m",
        "acme:small",
        "lost:m",
        "acme:small",
    ]
    f.__exit__(None, None, None)
    for name in names:
        with pytest.raises(tw.LlmConfigError, match=r"no API key|no default address"):
            ask.run(factory.get_client(name), "hi")


def test_an_existing_client_is_answered_only_inside_the_block(sim, call):
    sim.set_script(always(reply={"text": "It is real."}))
    client = tw.ChatClient("m", base_url=sim.base_url)
    assert call(client) == "It is real."
    with fake({"*": TEXT}):
        assert call(client) == TEXT
    assert call(client) == "It is real."
    assert len(sent(sim)) == 2


@pytest.mark.parametrize("name", ["openai:m", "azure:m"])
def test_a_client_from_inside_needs_its_key_after_the_block(name, call):
    with fake({"*": TEXT}):
        client = tw.ChatClient(name)
        pooled = tw.client(name)
        assert call(client) == call(pooled) == TEXT
        assert client.base_url != NOWHERE
    assert tw.client(name) is pooled
    for one in (client, pooled):
        with pytest.raises(tw.LlmConfigError, match=r"no API key|give base_url="):
            call(one)


def keep_vault():
    raise AssertionError("the vault was asked")


async def keep_vault_async():
    raise AssertionError("the vault was asked")


@pytest.mark.parametrize("key", [keep_vault, keep_vault_async, KEY, None])
def test_no_key_is_requested_sent_or_recorded(key, f, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    headers = {"x-api-key": KEY, "helicone-auth": f"Bearer {KEY}", "cookie": "s=1", "x-trace": "7"}
    client = tw.ChatClient("openai:m", api_key=key, headers=headers)
    if key is not keep_vault_async:
        client.run("hi")
        client.run("hi", stream=True)
        assert [row.error for row in client.map(["a"], concurrency=1)] == [None]
        client.models()
    asyncio.run(client.run_async("hi"))
    asyncio.run(client.run_async("hi", stream=True))
    assert {one.headers["x-trace"] for one in f.requests} == {"7"}
    known = ("x-api-key", "cookie", "authorization")
    assert not any(name in one.headers for one in f.requests for name in known)
    if key is KEY or key is None:
        assert KEY not in repr(f.requests)
    assert not any(name.startswith("x-tokenwire") for one in f.requests for name in one.headers)


@pytest.mark.only_over("general", "proxies")
def test_a_proxy_is_bypassed(f, call):
    client = tw.ChatClient("openai:m", proxy="http://127.0.0.1:9")
    assert call(client) == TEXT


def test_a_running_loop_and_concurrent_calls_are_answered(sim):
    client = tw.ChatClient("m", base_url=sim.base_url)

    async def main():
        await client.run_async("hi")
        with fake({"*": lambda request: request.messages[0]["content"]}):
            rows = [row async for row in client.map_async(map(str, range(50)), concurrency=20)]
        await client.run_async("hi")
        return [row.result().text for row in rows]

    assert asyncio.run(main()) == list(map(str, range(50)))
    assert len(sent(sim)) == 2


def test_the_list_of_models_comes_from_the_simulator_and_is_not_recorded(f, ask):
    assert "chat" in ask.models(tw.ChatClient("openai:m"))
    assert f.requests == []


IN_CHILD = """
import os, sys, tokenwire as tw
from tokenwire.testing import block_network, fake
client = tw.ChatClient("m", base_url="http://127.0.0.1:9/v1", max_retries=0)

def run(work):
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            print("child:", repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status

def ask():
    assert client.run("from the child") == "hi"
    with fake({"*": "own"}) as own:
        assert client.run("in the child's own") == "own"
    assert client.run("again") == "hi"
    assert len(own.requests) == 1

def end():
    f.__exit__(None, None, None)
    try:
        client.run("alone")
    except tw.LlmConnectError:
        return
    raise AssertionError("the fake is not over")

with fake({"*": "hi"}) as f:
    run(ask)
    assert client.run("from the parent") == "hi"
    run(end)
    run(ask)
    texts = [one.messages[0]["content"] for one in f.requests]
assert texts == ["from the child", "again", "from the parent", "from the child", "again"], texts

def blocked():
    try:
        tw.ChatClient("m", base_url="http://stranger.invalid/v1").run("out")
    except tw.LlmConnectionError as error:
        assert "block_network" in str(error), error
        return
    raise AssertionError("it went out")

with block_network():
    run(blocked)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_shares_the_fake_and_the_block_of_its_parent():
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", IN_CHILD],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
