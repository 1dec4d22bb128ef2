"""What a name can reach: which address a model string may choose, and what goes along to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent_headers

import tokenwire as tw
from tokenwire import _engine

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

KEY = "sk-of-the-environment"
OWN = {"Authorization": "Bearer sk-of-the-client"}
LOCAL = "http://127.0.0.1:1/v1"
# Servers that people run themselves: they have no address of their own.
LOCAL_SERVERS = ("vllm", "sglang", "ollama", "llamacpp", "lmstudio", "gpustack")
HOSTED = [
    name
    for name in _engine.provider_names()
    if name not in (*LOCAL_SERVERS, "sim", "openai-compatible")
]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _engine.provider_names():
        for variable in _engine.provider_row(name)["key_vars"]:
            monkeypatch.setenv(variable, KEY)


@pytest.fixture
def place(sim: SimServer) -> str:
    return f"127.0.0.1:{sim.port}"


def carried(sim: SimServer) -> list[bool]:
    """For each request, whether a key came with it."""
    names = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "x-acme-key")
    return [any(name in headers for name in names) for headers in sent_headers(sim)]


# The model of a call.


@pytest.mark.parametrize(
    "made_of",
    [
        ("openai:m", {}),
        ("openai:m", {"headers": OWN}),
        ("openai:m", {"extra_headers": OWN}),
        ("openai:m", {"extra_query": {"key": "sk-of-the-client"}}),
        ("openai:m", {"api_key": "sk-of-the-client"}),
        ("vllm:m", {}),
        ("m", {"base_url": LOCAL}),
        ("m", {"provider": "vllm"}),
    ],
)
@pytest.mark.parametrize("head", ["openai", "vllm", "OpenAI", "http", "acme", "anthropic"])
def test_the_model_of_a_call_names_no_server(
    sim: SimServer, ask: Asking, place: str, made_of: tuple[str, dict[str, Any]], head: str
) -> None:
    chat = tw.ChatClient(made_of[0], **made_of[1])
    for call in (ask.complete, ask.run, ask.read):
        with pytest.raises(tw.LlmConfigError, match=r"model: .*contains an address.*base_url="):
            call(chat, "my prompt", model=f"{head}://{place}@m")
    for row in ask.map(chat, ["my prompt"], concurrency=1, model=f"{head}://{place}@m"):
        assert "base_url=" in str(row.error)
    with pytest.raises(tw.LlmConfigError, match="base_url="):
        ask.complete(chat, tw.LlmRequest("my prompt", model=f"{head}://{place}@m"))
    assert sim.requests() == []


def test_an_id_that_looks_like_a_path_is_no_address(sim: SimServer, ask: Asking) -> None:
    chat = tw.ChatClient("m", base_url=sim.base_url)
    for model in ("s3://bucket/model", "/mnt/models/a@b", "org/model:free", "vllm:m"):
        if model != "vllm:m":
            ask.complete(chat, "-", model=model)
            assert sim.requests()[-1]["body"]["model"] == model
    own = tw.ChatClient("vllm://odd@id", provider="vllm", base_url=sim.base_url)
    ask.complete(own, "-", model="vllm://odd@id")
    assert sim.requests()[-1]["body"]["model"] == "vllm://odd@id"


@pytest.mark.parametrize(
    "settings",
    [{"headers": OWN}, {"extra_headers": OWN}, {"extra_query": {"k": "v"}}, {"api_key": "k"}],
)
def test_what_a_client_was_given_does_not_go_to_another_provider(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", sim.base_url)
    chat = tw.ChatClient("openai:m", **settings)
    (name,) = settings
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmConfigError, match=f"the {name} of this client"):
            call(chat, "-", model="groq:m")
    assert sim.requests() == []
    # What the call itself has is for that call.
    ask.complete(tw.ChatClient("openai:m"), "-", model="groq:m", headers={"x-a": "1"})
    assert sent_headers(sim)[0]["x-a"] == "1"


# An address in the model string of a constructor, a factory or a file.


def clients(model: str, **settings: Any) -> list[Any]:
    """Functions that create a client for a model string, in every way."""
    entry = {"models": {"x": {"model": model, **settings}}}
    return [
        lambda: tw.ChatClient(model, **settings),
        lambda: tw.ChatClient("sim:chat").with_options(model=model, **settings),
        lambda: tw.LlmClientFactory().get_client(model, **settings),
        lambda: tw.LlmClientFactory(entry).get_client("x"),
    ]


@pytest.mark.parametrize("provider", HOSTED)
def test_a_hosted_providers_key_does_not_go_to_an_address_in_a_model_string(
    sim: SimServer, place: str, provider: str
) -> None:
    variable = _engine.provider_row(provider)["key_vars"][0]
    for make in clients(f"{provider}://{place}@m"):
        client = make()
        with pytest.raises(tw.LlmConfigError, match=f"{variable}.* is not sent to .*base_url="):
            client.run("-")
    # The simulator takes the key of every API in the header of chat.
    tw.ChatClient(f"{provider}://{place}@m", api_key="sk-given", api="chat").run("-")
    tw.ChatClient(f"{provider}:m", base_url=sim.base_url, api="chat").run("-")
    entry = {"model": f"{provider}:m", "base_url": sim.base_url, "api": "chat"}
    tw.LlmClientFactory({"models": {"x": entry}}).get_client("x").run("-")
    assert carried(sim) == [True] * 3


@pytest.mark.parametrize("provider", LOCAL_SERVERS)
def test_the_key_of_ones_own_servers_goes_to_an_address_in_a_model_string(
    sim: SimServer, place: str, provider: str
) -> None:
    for make in clients(f"{provider}://{place}@m"):
        make().run("-")
    assert carried(sim) == [True] * 4


def test_a_variable_gives_ones_own_servers_an_address_of_their_own(
    sim: SimServer, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address, expected in (("http://10.0.0.1:8000/v1", False), (sim.base_url, True)):
        monkeypatch.setenv("VLLM_API_BASE", address)
        sim.reset()
        for make in clients(f"vllm://{place}@m"):
            make().run("-")
        assert carried(sim) == [expected] * 4


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"key_vars": ["ACME_KEY"]}, True),
        ({"key_vars": ["ACME_KEY"], "key_required": False}, True),
        ({"key_vars": ["ACME_KEY"], "key_required": False, "base_url": LOCAL}, False),
        ({"key_vars": ["ACME_KEY"], "key_required": False, "base_url_vars": ["ACME_URL"]}, False),
        # The variable of another provider, which has an address.
        ({"key_vars": ["OPENAI_API_KEY"], "key_required": False}, False),
    ],
)
def test_a_custom_providers_key_goes_to_a_model_strings_address_if_it_has_no_own(
    sim: SimServer,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    expected: bool,
) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)
    registry = tw.ModelRegistry(plugins=False)
    registry.register_provider(tw.LlmProvider("acme", **fields))
    factory = tw.LlmClientFactory(registry=registry)
    client = factory.get_client(f"acme://{place}@m")
    client.run("-")
    assert isinstance(client, tw.ChatClient)
    client.with_options(timeout=5).run("-")
    assert carried(sim) == [expected] * 2


def test_a_custom_class_gets_no_key_for_a_model_strings_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}

    class Client(tw.LlmClientInterface):
        def __init__(self, model: str, **settings: Any) -> None:
            super().__init__(model, provider=settings["provider"])
            given.update(settings)

    monkeypatch.setenv("ACME_KEY", KEY)
    registry = tw.ModelRegistry(plugins=False)
    fields: Any = {"key_vars": ["ACME_KEY"], "key_required": False, "client": Client}
    registry.register_provider(tw.LlmProvider("acme", base_url=LOCAL, **fields))
    tw.LlmClientFactory(registry=registry).get_client("acme://evil.example@m")
    assert (given["base_url"], given.get("api_key")) == ("http://evil.example/v1", None)


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "TEAM_KEY"])
@pytest.mark.parametrize("provider", ["openai", "vllm"])
def test_a_variable_that_an_entry_names_follows_the_same_rule(
    sim: SimServer,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    provider: str,
) -> None:
    monkeypatch.setenv("TEAM_KEY", KEY)
    entry = {"model": f"{provider}://{place}@m", "key_var": variable}
    factory = tw.LlmClientFactory({"models": {"x": entry}})
    if (provider, variable) == ("vllm", "TEAM_KEY"):
        factory.get_client("x").run("-")
        assert carried(sim) == [True]
    else:
        client = factory.get_client("x")
        with pytest.raises(tw.LlmConfigError, match=f"{variable}.* is not sent to .*base_url="):
            client.run("-")


@pytest.mark.parametrize(
    "defaults",
    [
        {"headers": OWN},
        {"params": {"extra_headers": OWN}},
        {"params": {"extra_query": {"key": "sk-of-the-client"}}},
    ],
)
def test_the_headers_of_a_configuration_do_not_go_to_an_address_in_a_name(
    sim: SimServer, place: str, defaults: dict[str, Any]
) -> None:
    entry = {"model": f"vllm://{place}@m"}
    factory = tw.LlmClientFactory({"defaults": defaults, "models": {"ours": entry}})
    with pytest.raises(tw.LlmConfigError, match="contains an address"):
        factory.get_client(f"vllm://{place}@m")
    # This address is in the same file.
    factory.get_client("ours").run("-")
    assert len(sim.requests()) == 1


@pytest.mark.parametrize("model", ["vllm://h?x=1@m", "vllm://h#x@m", "vllm://h:1", "vllm://@m"])
def test_an_address_in_a_model_string_is_host_port_and_path(model: str) -> None:
    with pytest.raises(tw.LlmConfigError, match="is not of the form vllm://host:port@model"):
        tw.ChatClient(model)


# Another address for the same client.


@pytest.mark.parametrize(
    "held",
    [
        {"api_key": "sk-of-the-client"},
        {"api_key": lambda: "sk-of-the-client"},
        {"headers": OWN},
        {"extra_headers": OWN},
        {"extra_query": {"key": "sk-of-the-client"}},
    ],
)
def test_with_options_hands_nothing_to_another_server(
    sim: SimServer, place: str, held: dict[str, Any]
) -> None:
    (name,) = held
    parent = tw.ChatClient("vllm:m", **held)
    for elsewhere in ({"base_url": sim.base_url}, {"model": f"vllm://{place}@m"}):
        with pytest.raises(tw.LlmConfigError, match=f"^{name}: given for .*not passed on to"):
            parent.with_options(**elsewhere)
        parent.with_options(**elsewhere, **{name: None}).run("-")
        parent.with_options(**elsewhere, **held).run("-")
    assert len(sim.requests()) == 4
    assert parent.with_options(base_url="http://localhost:8000/other").run is not None


def test_with_options_asks_again_for_the_address_of_another_provider(sim: SimServer) -> None:
    parent = tw.ChatClient("m", base_url=sim.base_url)
    with pytest.raises(tw.LlmConfigError, match=r"^base_url: given for openai-compatible"):
        parent.with_options(model="groq:m")
    parent.with_options(model="groq:m", base_url=sim.base_url).run("-")
    parent.with_options(model="other").run("-")
    assert carried(sim) == [True, False]
