"""Which API a client speaks: `api=`, else the provider's for the model at its own address."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire import _engine
from tokenwire.testing import fake

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.asking import Asking

# Served by chat, and not fully served by it.
OLDER, NEWER = "gpt-4o-mini", "gpt-5.6"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the providers that are asked here."""
    for name in _engine.provider_names():
        row = _engine.provider_row(name)
        for variable in row["key_vars"][:1]:
            monkeypatch.setenv(variable, "sk-canary")
        for variable in row["base_url_vars"]:
            monkeypatch.delenv(variable, raising=False)


def spoken(client: tw.LlmClientInterface, **params: Any) -> tuple[str, str | None]:
    """The API and the URL of one call, which a fake answers or refuses."""
    with fake() as f:
        with pytest.raises(tw.LlmConfigError, match="the fake has no rule"):
            client.complete("hi", **params)
        (request,) = f.requests
    return request.api, request.url


def api_of(client: tw.LlmClientInterface, **params: Any) -> str:
    return spoken(client, **params)[0]


def test_openai_is_asked_by_responses_where_chat_does_not_serve_the_model_fully() -> None:
    url = "https://api.openai.com/v1/"
    assert spoken(tw.ChatClient(f"openai:{OLDER}")) == ("chat", f"{url}chat/completions")
    assert spoken(tw.ChatClient(f"openai:{NEWER}")) == ("responses", f"{url}responses")
    assert api_of(tw.ChatClient("xai:grok-4.3")) == "responses"
    assert api_of(tw.ChatClient("xai:grok-3-mini")) == "chat"


@pytest.mark.parametrize(
    "make", [tw.ChatClient, tw.LlmClientFactory().get_client], ids=["client", "factory"]
)
def test_an_api_that_is_given_wins(make: Callable[..., tw.LlmClientInterface]) -> None:
    for model in (OLDER, NEWER):
        for api in ("chat", "responses"):
            client = make(f"openai:{model}", api=api)
            assert api_of(client) == api
            assert api_of(pickle.loads(pickle.dumps(client)).with_options(api_key="k")) == api
            assert api_of(client, model=f"openai:{NEWER}") == api
    assert api_of(make(f"openai:{NEWER}")) == "responses"


def test_the_model_of_a_call_chooses_as_well(ask: Asking) -> None:
    chat = tw.ChatClient(f"openai:{OLDER}")
    for model in (NEWER, f"openai:{NEWER}"):
        assert api_of(chat, model=model) == "responses"
        assert api_of(chat.with_options(model=f"openai:{NEWER}")) == "responses"
    assert api_of(tw.ChatClient(f"openai:{NEWER}"), model=OLDER) == "chat"
    assert api_of(tw.ChatClient("groq:llama"), model=f"openai:{NEWER}") == "responses"
    assert api_of(chat, model="xai:grok-4.3") == "responses"
    with fake() as f:
        with pytest.raises(tw.LlmConfigError, match="no rule"):
            ask.complete(chat, "hi", model=NEWER)
        assert [request.api for request in f.requests] == ["responses"]


@pytest.mark.parametrize("how", ["argument", "variable", "entry"])
def test_at_another_address_chat_is_the_default_and_any_api_is_allowed(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://gateway.example/v1"
    settings: dict[str, Any] = {}
    factory = tw.LlmClientFactory({"models": {"x": {"model": "openai:m", "base_url": address}}})
    name = f"openai:{NEWER}"
    if how == "argument":
        settings["base_url"] = address
    elif how == "variable":
        monkeypatch.setenv("OPENAI_BASE_URL", address)
    else:
        models = {"x": {"model": name, "base_url": address}}
        factory, name = tw.LlmClientFactory({"models": models}), "x"
    client = factory.get_client(name, **settings)
    assert spoken(client) == ("chat", f"{address}/chat/completions")
    client = factory.get_client(name, api="responses", **settings)
    assert spoken(client) == ("responses", f"{address}/responses")


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("https://api.openai.com/v1", "responses"),
        ("https://eu.api.openai.com/v1", "responses"),
        ("https://api.openai.com:443/v1/", "responses"),
        ("https://api.openai.com.gateway.example/v1", "chat"),
        ("https://notapi.openai.com/v1", "chat"),
        ("http://api.openai.com/v1", "chat"),
    ],
)
def test_the_own_address_may_be_written_out(address: str, api: str) -> None:
    assert api_of(tw.ChatClient(f"openai:{NEWER}", base_url=address)) == api


def test_a_deployment_of_azure_may_have_any_name() -> None:
    for settings in ({"base_url": "https://me.openai.azure.com"}, {"resource": "me"}):
        client = tw.ChatClient(f"azure:{NEWER}", api_key="0" * 32, **dict[str, Any](settings))
        assert api_of(client) == "chat"
        client = client.with_options(api="responses")
        assert spoken(client) == ("responses", "https://me.openai.azure.com/openai/v1/responses")


def test_an_api_that_is_not_spoken_is_refused_in_one_line() -> None:
    for api, reason in {
        "responses": "api: 'responses' is not spoken by moonshot; it speaks \"chat\"",
        "messages": "api: 'messages' is not spoken by this class; it speaks ",
    }.items():
        for make in (tw.ChatClient, tw.LlmClientFactory().get_client):
            with pytest.raises(tw.LlmConfigError) as caught:
                make("moonshot:kimi-k3", api=api)
            assert str(caught.value).startswith(reason)
            assert "\n" not in str(caught.value)
    address = "https://gateway.example/v1"
    client = tw.ChatClient("moonshot:kimi-k3", api="responses", base_url=address)
    assert api_of(client) == "responses"


def test_what_speaks_an_api_is_data_of_the_engine() -> None:
    apis = _engine.apis()
    for name in _engine.provider_names():
        own = _engine.provider_apis(name)
        assert set(own) <= set(apis)
        for api in own:
            kind = tw.CompletionClient if apis[api] == "completions" else tw.ChatClient
            assert api_of(kind("m", provider=name, api=api, resource=_resource(name))) == api
    assert _engine.provider_apis("openai") == ("chat", "completions", "responses")
    with pytest.raises(tw.LlmConfigError, match="unknown"):
        _engine.provider_apis("opnai")


def _resource(name: str) -> str | None:
    return "me" if name == "azure" else None


def test_the_default_of_a_row_is_that_of_its_clients() -> None:
    registry = tw.ModelRegistry(plugins=False)
    address = "https://llm.acme.example/v1"
    registry.register_provider(tw.LlmProvider("acme", base_url=address, api="responses"))
    registry.register_provider(tw.LlmProvider("base", base_url=address, api="completions"))
    registry.register_model(tw.ModelConfig("old", "acme", api="chat"))
    factory = tw.LlmClientFactory(registry=registry)
    for name, api in {
        "acme:m": "responses",
        "acme:old": "chat",
        "acme://10.0.0.1:1@m": "responses",
        "base:m": "completions",
    }.items():
        client = factory.get_client(name)
        assert (api_of(client), type(client) is tw.CompletionClient) == (api, api == "completions")
    assert api_of(factory.get_client("acme:m", api="chat")) == "chat"
    assert api_of(factory.get_client("acme:m", api="completions")) == "completions"
    assert api_of(tw.ChatClient("m", provider=registry.get_provider("acme"))) == "responses"
    with pytest.raises(tw.LlmValidationError, match="api: Input should be 'chat' or"):
        tw.LlmProvider("acme", api="response")


def test_a_row_in_a_configuration_has_a_default_api() -> None:
    acme = {"base_url": "https://llm.acme.example/v1", "api": "responses"}
    factory = tw.LlmClientFactory(
        {
            "providers": {"acme": acme},
            "models": {"x": {"model": "acme:m"}, "y": {"model": "acme:m", "api": "chat"}},
        }
    )
    assert [api_of(factory.get_client(name)) for name in ("x", "y")] == ["responses", "chat"]
