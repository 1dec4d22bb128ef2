"""`LlmClientFactory` and `client()`: the right class for every name, and one client each."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pydantic
import pytest
from tests.wire.asking import sent, sent_headers

import tokenwire as tw
from tokenwire import ChatClient, CompletionClient, LlmClientFactory, LlmConfigError
from tokenwire import LlmProvider as Provider
from tokenwire import ModelConfig as Model
from tokenwire import ModelRegistry as Registry
from tokenwire.factory import factory as module
from tokenwire.factory.plan import frozen

KEY = "sk-canary-0123456789"
KEY_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "xai": "XAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "together": "TOGETHER_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "azure": "AZURE_OPENAI_API_KEY",
}


@pytest.fixture
def keys(monkeypatch):
    for variable in KEY_VARIABLES.values():
        monkeypatch.setenv(variable, KEY)


@pytest.fixture
def process(monkeypatch):
    """A process without a factory."""
    monkeypatch.setattr(module, "_process", {})


def new(config=None, *entries, **options):
    registry = Registry(plugins=False)
    for entry in entries:
        if isinstance(entry, Provider):
            registry.register_provider(entry)
        else:
            registry.register_model(entry)
    return LlmClientFactory(config, registry=registry, **options)


def summary(client):
    return type(client), client.provider, client.model, client.base_url


# Names and classes


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("openai:gpt-4o-mini", "https://api.openai.com/v1"),
        ("openai:ft:gpt-4o:me::id", "https://api.openai.com/v1"),
        ("groq:llama-3.3-70b-versatile", "https://api.groq.com/openai/v1"),
        ("mistral:ministral-8b", "https://api.mistral.ai/v1"),
        ("deepseek:deepseek-chat", "https://api.deepseek.com"),
        ("xai:grok-4", "https://api.x.ai/v1"),
        ("openrouter:openai/gpt-4o", "https://openrouter.ai/api/v1"),
        ("together:meta-llama/Llama-3-8b", "https://api.together.xyz/v1"),
        ("fireworks:accounts/fireworks/models/x", "https://api.fireworks.ai/inference/v1"),
        ("vllm:Qwen/Qwen3-4B-Base", "http://localhost:8000/v1"),
        ("ollama:gemma3:4b", "http://localhost:11434/v1"),
    ],
)
@pytest.mark.usefixtures("keys")
def test_a_provider_and_a_model_give_a_chat_client_by_default(name, base_url):
    provider, _, model = name.partition(":")
    factory = new()
    assert summary(factory.get_client(name)) == (ChatClient, provider, model, base_url)
    expected = (CompletionClient, provider, model, base_url)
    assert summary(factory.get_client(name, api="completions")) == expected


@pytest.mark.parametrize("api", [None, "chat", "completions"])
@pytest.mark.parametrize(
    ("name", "model", "base_url"),
    [
        ("vllm://10.0.0.5:3000@m", "m", "http://10.0.0.5:3000/v1"),
        ("vllm://10.0.0.5:3000@/mnt/a@b", "/mnt/a@b", "http://10.0.0.5:3000/v1"),
        ("vllm://10.0.0.5:3000@org/m:q4", "org/m:q4", "http://10.0.0.5:3000/v1"),
    ],
)
def test_a_name_may_carry_its_address(name, model, base_url, api):
    kind = CompletionClient if api == "completions" else ChatClient
    assert summary(new().get_client(name, api=api)) == (kind, "vllm", model, base_url)


@pytest.mark.parametrize("model", ["gemma3:4b", "openai/gpt-oss-20b", "llm_deepily_x", "m"])
def test_with_an_address_any_id_is_a_model(model):
    address = "http://10.0.0.5:1/v1"
    made = new().get_client(model, base_url=address)
    assert summary(made) == (ChatClient, "openai-compatible", model, address)


@pytest.mark.usefixtures("keys")
def test_azure_is_a_provider_with_an_address():
    address = "https://me.openai.azure.com/openai/v1"
    made = new().get_client("azure:gpt-4o", base_url=address)
    assert summary(made) == (ChatClient, "azure", "gpt-4o", address)


def test_the_simulator_s_models_are_of_their_own_class():
    assert type(new().get_client("sim:chat")) is ChatClient
    assert type(new().get_client("sim:completion")) is CompletionClient
    assert type(new().get_client("sim:completion", api="chat")) is ChatClient


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cohere:command-r", "provider cohere: the Cohere API is not supported"),
        ("google-gla:gemini-1.5-flash", "provider google-gla: unknown"),
        ("mistralai:ministral-8b", "provider mistralai: unknown; did you mean mistral?"),
        ("deepily:m", "provider deepily: unknown"),
        ("gemma3:4b", "provider gemma3: unknown"),
        ("openai/gpt-4o-mini", 'write "openai:gpt-4o-mini"'),
        ("llm_deepily_x", "names no provider"),
        ("openai:", 'there is no model after "openai:"'),
        ("vllm://10.0.0.5:3000", "is not of the form vllm://host:port@model"),
        ("", "give a string"),
        (":m", "names no provider"),
        (3, "give a string"),
        (None, "give a string"),
    ],
)
@pytest.mark.usefixtures("keys")
def test_an_unknown_name_says_what_to_write(name, reason):
    with pytest.raises(LlmConfigError) as caught:
        new().get_client(name)
    assert reason in str(caught.value)


def test_a_missing_key_names_its_variable():
    with pytest.raises(LlmConfigError, match="set GROQ_API_KEY"):
        new().get_client("groq:m").run("hi")


def test_an_unknown_api_is_refused():
    with pytest.raises(LlmConfigError, match="api: 'chatt'"):
        new().get_client("sim:chat", api="chatt")


def test_a_misspelled_setting_names_the_nearest():
    with pytest.raises(LlmConfigError, match="did you mean temperature"):
        new().get_client("sim:chat", temprature=1)


# One client for each name


def test_the_same_name_gives_the_same_client_and_other_settings_another():
    factory = new()
    plain = factory.get_client("sim:chat")
    assert factory.get_client("sim:chat") is plain
    warm = factory.get_client("sim:chat", temperature=1)
    assert warm is not plain
    assert factory.get_client("sim:chat", temperature=1) is warm
    assert factory.get_client("sim:chat", temperature=1.0) is not warm
    limits = {"timeout": tw.Timeout(idle=3), "headers": {"a": "b", "c": "d"}}
    again = {"timeout": tw.Timeout(idle=3), "headers": {"c": "d", "a": "b"}}
    assert factory.get_client("sim:chat", **limits) is factory.get_client("sim:chat", **again)
    assert factory.stats().to_dict() == {"size": 4, "hits": 3, "misses": 4, "evicted": 0}


@pytest.mark.chooses_transport
def test_a_client_of_another_transport_is_another_client(monkeypatch):
    factory = LlmClientFactory()
    first = factory.get_client("sim:chat")
    monkeypatch.setenv("TOKENWIRE_TRANSPORT", "general")
    second = factory.get_client("sim:chat")
    assert second is not first
    assert factory.get_client("sim:chat") is second


def test_a_hundred_threads_share_twenty_clients_of_twenty_models():
    factory = new()
    start = threading.Barrier(100)
    got: list[list[ChatClient | CompletionClient]] = [[] for _ in range(100)]

    def ask(number):
        start.wait(30)
        got[number] = [factory.get_client(f"vllm:m{(number + i) % 20}") for i in range(20)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    clients = {
        client.model: {id(c) for row in got for c in row if c.model == client.model}
        for row in got
        for client in row
    }
    assert sorted(clients) == sorted(f"m{i}" for i in range(20))
    assert [len(ids) for ids in clients.values()] == [1] * 20
    assert factory.stats().to_dict() == {"size": 20, "hits": 1980, "misses": 20, "evicted": 0}


def test_a_change_by_one_call_or_caller_affects_no_other(sim):
    factory = new()
    headers, stop = {"x-team": "a"}, ["x"]
    named = {"base_url": sim.base_url, "headers": headers, "stop": stop}
    client = factory.get_client("m", **named)
    client.run("hi", temperature=1, headers={"x-team": "b"})
    headers["x-team"] = "c"
    stop.append("y")
    factory.get_client("m", **named).run("hi")
    client.run("hi")
    assert [body.get("temperature") for body in sent(sim)] == [1, None, None]
    assert [body["stop"] for body in sent(sim)] == [["x"], ["x", "y"], ["x"]]
    assert [headers["x-team"] for headers in sent_headers(sim)] == ["b", "c", "a"]


def test_another_key_is_another_client_and_the_pool_hides_keys(monkeypatch):
    factory = new()
    given = [factory.get_client("groq:m", api_key=f"{KEY}{i}") for i in (1, 2, 1)]
    assert given[0] is given[2]
    assert given[0] is not given[1]
    monkeypatch.setenv("GROQ_API_KEY", f"{KEY}3")
    first = factory.get_client("groq:m")
    monkeypatch.setenv("GROQ_API_KEY", f"{KEY}4")
    assert factory.get_client("groq:m") is not first
    assert KEY not in repr(vars(factory)) + repr(vars(factory.pool)) + repr(factory.stats())
    assert "[secret]" in repr(factory.pool._clients)


def test_the_pool_shows_no_key_of_a_header():
    factory = new()
    for name in ("headers", "extra_headers"):
        # A provider may take its key from a header of any name.
        settings = {name: {"Authorization": KEY, "x-acme-key": KEY, "x-team": "a"}}
        client = factory.get_client("vllm:m", **settings)
        assert factory.get_client("vllm:m", **settings) is client
    assert KEY not in repr(vars(factory.pool))


def test_settings_that_are_objects_are_compared_by_equality_or_by_identity():
    factory = new()
    tools = [pydantic.create_model("Tool", x=(int, ...)) for _ in range(2)]
    by_type = [factory.get_client("vllm:m", response_format=tool) for tool in (*tools, *tools)]
    assert by_type[0] is by_type[2] is not by_type[1] is by_type[3]
    rows = [Provider("acme", base_url="http://127.0.0.1:9/v1") for _ in range(2)]
    first, second = (factory.get_client("m", provider=row) for row in rows)
    assert first is second
    assert frozen({"x": [1]}) == frozen({"x": (1,)}) != frozen({"x": [True]})
    unhashable: list[set[int]] = [{1}, {1}]
    assert frozen(unhashable[0]) == frozen(unhashable[0]) != frozen(unhashable[1])


def test_a_client_that_is_evicted_finishes_its_live_stream(sim):
    factory = new(max_clients=1)
    with factory.get_client("m", base_url=sim.base_url).stream("Go on.") as stream:
        pieces = stream.text_stream
        text = next(pieces)
        factory.get_client("other", base_url=sim.base_url)
        gc.collect()
        text += "".join(pieces)
    assert factory.stats().to_dict() == {"size": 1, "hits": 0, "misses": 2, "evicted": 1}
    assert text == stream.response.text
    assert stream.response.finish_reason == "stop"


def test_close_all_leaves_a_live_stream_alone_and_refuses_later_calls(sim):
    factory = new()
    client = factory.get_client("m", base_url=sim.base_url)
    with client.stream("Go on.") as stream:
        pieces = stream.text_stream
        text = next(pieces)
        factory.close_all()
        text += "".join(pieces)
    assert text == stream.response.text
    with pytest.raises(tw.LlmClientClosedError):
        client.run("hi")
    assert factory.get_client("m", base_url=sim.base_url).run("hi")


def test_one_client_serves_many_loops_and_threads(sim):
    factory = new()

    async def ask():
        client = factory.get_client("m", base_url=sim.base_url)
        return [await client.run_async("hi") for _ in range(3)]

    expected = factory.get_client("m", base_url=sim.base_url).run("hi")
    got = []
    threads = [threading.Thread(target=lambda: got.append(asyncio.run(ask()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [*got, asyncio.run(ask())] == [[expected] * 3] * 5
    assert factory.stats().misses == 1


def test_the_registry_decides_the_api_of_a_model(sim):
    row = Model("base", "acme", api="completions")
    factory = new(None, Provider("acme", base_url=sim.base_url), row)
    assert type(factory.get_client("acme:base")) is CompletionClient
    assert type(factory.get_client("acme:other")) is ChatClient
    assert type(factory.get_client("acme:base", api="chat")) is ChatClient
    assert type(new(None, Model("b", "vllm", api="completions")).get_client("vllm:b")) is (
        CompletionClient
    )


# Names in a configuration


def test_a_name_in_the_configuration_is_a_client_with_its_settings(sim, monkeypatch):
    monkeypatch.setenv("MY_KEY", "own-key")
    config = {
        "defaults": {"params": {"temperature": 0}, "headers": {"x-team": "a"}},
        "providers": {"acme": {"base_url": sim.base_url}},
        "models": {
            "fast": {
                "model": "acme:m1",
                "key_var": "MY_KEY",
                "system": "Be brief.",
                "params": {"max_tokens": 9},
            },
            "base": {"model": "acme:m2", "api": "completions", "params": {"temperature": 2}},
        },
    }
    factory = new(config)
    fast, base = factory.get_client("fast"), factory.get_client("base")
    assert (type(fast), type(base)) == (ChatClient, CompletionClient)
    assert factory.get_client("fast") is fast
    assert factory.names() == ["fast", "base"]
    fast.run("hi")
    base.run("hi")
    factory.get_client("acme:m3").run("hi")
    system, user = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}
    assert sent(sim) == [
        {"model": "m1", "messages": [system, user], "temperature": 0, "max_tokens": 9},
        {"model": "m2", "prompt": "hi", "temperature": 2},
        {"model": "m3", "messages": [user], "temperature": 0},
    ]
    assert ["authorization" in headers for headers in sent_headers(sim)] == [True, False, False]
    assert [headers["x-team"] for headers in sent_headers(sim)] == ["a"] * 3


def test_a_named_client_follows_an_address_that_moves(monkeypatch):
    config = {
        "providers": {"acme": {"base_url_vars": ["ACME_URL"]}},
        "models": {"fast": {"model": "acme:m1"}},
    }
    factory = new(config)
    for number in (1, 2, 1):
        monkeypatch.setenv("ACME_URL", f"http://10.0.0.{number}/v1")
        assert factory.get_client("fast").base_url == f"http://10.0.0.{number}/v1"
    assert factory.stats().misses == 2


def test_a_named_client_with_its_own_key_follows_an_address_that_moves(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    factory = new({"models": {"fast": {"model": "groq:m", "key_var": "MY_KEY"}}})
    for number in (1, 2):
        monkeypatch.setenv("GROQ_BASE_URL", f"http://10.0.0.{number}/v1")
        assert factory.get_client("fast").base_url == f"http://10.0.0.{number}/v1"


def test_a_named_client_with_other_settings_is_another_client(sim):
    config = {
        "models": {"fast": {"model": "m", "base_url": sim.base_url, "retry": {"max_retries": 5}}}
    }
    factory = new(config)
    named = factory.get_client("fast")
    other = factory.get_client("fast", max_retries=0, temperature=1)
    assert other is not named
    assert factory.get_client("fast") is named
    assert type(factory.get_client("fast", api="completions")) is CompletionClient
    named.run("hi")
    assert "temperature" not in sent(sim)[0]


@pytest.mark.parametrize(
    "entry",
    [
        {"model": "groq:m"},
        {"model": "m", "provider": "groq"},
        {"model": "acme:m"},
        {"model": "m", "base_url": "http://10.0.0.5:1/v1"},
    ],
)
@pytest.mark.usefixtures("keys")
def test_a_named_client_without_its_key_uses_no_other_key(entry):
    config = {
        "providers": {"acme": {"base_url": "http://10.0.0.5:1/v1"}},
        "models": {"fast": {**entry, "key_var": "MY_KEY"}},
    }
    with pytest.raises(LlmConfigError, match=r"no API key for .*: set MY_KEY or give api_key="):
        new(config).get_client("fast").run("hi")


def test_a_key_variable_survives_pickles_and_copies(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-mine")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = {"models": {"a": {"model": "openai:m", "key_var": "MY_KEY"}}}
    client = LlmClientFactory(config, registry=Registry()).get_client("a")
    pickled = pickle.dumps(client)
    with pytest.raises(LlmConfigError, match="api_key of this client is only for its own provider"):
        client.complete("-", model="groq:m")
    with pytest.raises(LlmConfigError, match="api_key of this client is only for its own provider"):
        pickle.loads(pickled).complete("-", model="groq:m")
    monkeypatch.delenv("MY_KEY")
    copy.copy(client).with_options(timeout=3).validate_config()
    with pytest.raises(LlmConfigError, match="no API key for openai: set MY_KEY or give"):
        pickle.loads(pickled).run("hi")


def test_the_simulator_takes_a_key_variable_that_it_does_not_need(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-mine")
    config = {"models": {"a": {"model": "sim:chat", "key_var": "MY_KEY"}}}
    assert LlmClientFactory(config, registry=Registry()).get_client("a").run("hi")


def test_a_later_entry_in_the_registry_applies_to_a_named_client():
    registry = Registry(plugins=False)
    factory = LlmClientFactory({"models": {"x": {"model": "vllm:b"}}}, registry=registry)
    assert type(factory.get_client("x")) is ChatClient
    registry.register_model(Model("b", "vllm", api="completions"))
    assert type(factory.get_client("x")) is CompletionClient


def test_a_factory_is_pickled_as_its_configuration(monkeypatch):
    config = {
        "providers": {"acme": {"base_url": "http://x/v1"}},
        "models": {"fast": {"model": "acme:m1", "timeout": {"idle": 3}}},
    }
    factory = LlmClientFactory(config, max_clients=3)
    again = pickle.loads(pickle.dumps(factory))
    assert summary(again.get_client("fast")) == summary(factory.get_client("fast"))
    assert (again.pool.max_clients, again.names()) == (3, ["fast"])


def test_a_pickled_factory_contains_no_key():
    fields = {"model": "vllm:m", "headers": {"x-api-key": KEY, "x-team": "a"}}
    factory = new({"models": {"fast": fields}, "defaults": {"headers": {"authorization": KEY}}})
    pickled = pickle.dumps(factory)
    assert KEY.encode() not in pickled
    assert type(pickle.loads(pickled).get_client("fast")) is ChatClient


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": KEY, "timeout": -1},
        {"headers": {"Authorization": KEY}, "timeout": -1},
        {"proxy": f"http://me:{KEY}@127.0.0.1:1", "timeout": -1},
        {"api_key": KEY, "no_such_thing": 1},
        {"api_key": KEY, "model": "m"},
    ],
)
@pytest.mark.parametrize("name", ["openai:m", "opnai:m", "mine:m", ""])
def test_no_local_variable_of_tokenwire_shows_a_key(name, settings):
    factory = new(None, Provider("mine", client=Mine, key_vars=["MINE_KEY"]))
    with pytest.raises(LlmConfigError) as caught:
        factory.get_client(name, **settings)
    here, ours = walked(caught.value)
    assert KEY in here
    assert KEY not in ours


def test_no_local_variable_of_tokenwire_shows_a_key_of_the_environment(monkeypatch):
    monkeypatch.setenv("MINE_KEY", KEY)
    factory = new(None, Provider("mine", client=Mine, key_vars=["MINE_KEY"]))
    named = new({"models": {"x": {"model": "groq:m", "key_var": "MINE_KEY"}}})
    for ask in (
        lambda: factory.get_client("mine:m", no_such_thing=1),
        lambda: named.get_client("x", no_such_thing=1),
    ):
        with pytest.raises(LlmConfigError) as caught:
            ask()
        assert KEY not in walked(caught.value)[1]


class Mine(tw.LlmClientInterface):
    """A custom client that takes a key and a timeout."""

    def __init__(self, model, *, provider, api_key=None, timeout=None, headers=None, proxy=None):
        if timeout is not None and timeout < 0:
            raise LlmConfigError("timeout: it is negative")
        super().__init__(model, provider=provider)
        self.kept = api_key, headers, proxy


def test_a_custom_client_may_have_a_key_from_a_callable():
    factory = new(None, Provider("mine", client=Mine, key_vars=["MINE_KEY"]))
    assert factory.get_client("mine:m", api_key=lambda: "k").kept[0]() == "k"


def walked(error):
    """The local variables in the frames of this file, and in those of tokenwire."""
    here: list[str] = []
    ours: list[str] = []
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in shown.stack:
        (here if frame.filename == __file__ else ours).append(str(frame.locals))
    return "".join(here), "".join(ours)


def test_the_example_runs():
    example = Path(__file__).resolve().parents[3] / "examples" / "factory.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "PoolStats(size=2, hits=0, misses=2, evicted=0)"


# The factory of the process


@pytest.mark.usefixtures("process")
def test_client_uses_the_factory_of_the_process():
    client = tw.client("sim:chat")
    assert tw.client("sim:chat") is client
    assert module.shared_factory().get_client("sim:chat") is client
    assert type(tw.client("sim:completion")) is CompletionClient


@pytest.mark.usefixtures("process")
def test_client_knows_the_names_in_the_configuration_of_the_environment(monkeypatch, tmp_path):
    file = tmp_path / "tokenwire.toml"
    file.write_text('[models.fast]\nmodel = "sim:chat"\nsystem = "Be brief."\n')
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(file))
    assert tw.client("fast").run("hi")


@pytest.mark.usefixtures("process")
def test_the_working_folder_is_not_searched(monkeypatch, tmp_path):
    (tmp_path / "tokenwire.toml").write_text('[models.fast]\nmodel = "sim:chat"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LlmConfigError, match="names no provider"):
        tw.client("fast")
