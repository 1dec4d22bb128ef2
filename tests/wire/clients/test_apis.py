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
        "responses": "api: 'responses' is not spoken by cerebras; it speaks \"chat\"",
        "messages": "api: 'messages' is not spoken by cerebras; it speaks \"chat\"",
        "message": "api: 'message' is not spoken by this class; it speaks ",
    }.items():
        for make in (tw.ChatClient, tw.LlmClientFactory().get_client):
            with pytest.raises(tw.LlmConfigError) as caught:
                make("cerebras:m", api=api)
            assert str(caught.value).startswith(reason)
            assert "\n" not in str(caught.value)
    address = "https://gateway.example/v1"
    client = tw.ChatClient("cerebras:m", api="responses", base_url=address)
    assert api_of(client) == "responses"


def test_what_speaks_an_api_is_data_of_the_engine() -> None:
    apis = _engine.apis()
    for name in _engine.provider_names():
        own = _engine.provider_apis(name)
        assert set(own) <= set(apis)
        for api in own:
            kind = tw.CompletionClient if apis[api] == "completions" else tw.ChatClient
            client = kind("m", provider=name, api=api, **_places(name))
            called, url = spoken(client)
            assert called == api
            _check_url(name, api, url or "")
    assert _engine.provider_apis("openai") == ("chat", "completions", "responses")
    with pytest.raises(tw.LlmConfigError, match="unknown"):
        _engine.provider_apis("opnai")


def _places(name: str) -> dict[str, Any]:
    """Something for each place of the address of a provider."""
    return dict.fromkeys(_engine.provider_row(name)["address_vars"], "me-1")


# What calls of an API add to its base URL, where that is not the row's own one.
ELSEWHERE = {
    ("anthropic", "chat"): "https://api.anthropic.com/v1",
    ("anthropic", "messages"): "https://api.anthropic.com/v1",
    ("google", "gemini"): "https://generativelanguage.googleapis.com/v1beta",
    ("google", "chat"): "https://generativelanguage.googleapis.com/v1beta/openai",
    ("vertex", "gemini"): (
        "https://me-1-aiplatform.googleapis.com/v1beta1/projects/me-1/locations/me-1"
    ),
    ("foundry", "messages"): "https://me-1.services.ai.azure.com/anthropic/v1",
    ("bedrock", "messages"): "https://bedrock-mantle.me-1.api.aws/anthropic/v1",
    ("deepseek", "messages"): "https://api.deepseek.com/anthropic/v1",
    ("moonshot", "messages"): "https://api.moonshot.ai/anthropic/v1",
    ("zai", "messages"): "https://api.z.ai/api/anthropic/v1",
    ("minimax", "messages"): "https://api.minimax.io/anthropic/v1",
    ("alibaba", "messages"): "https://dashscope-intl.aliyuncs.com/apps/anthropic/v1",
}


def _check_url(name: str, api: str, url: str) -> None:
    row = _engine.provider_row(name)
    if name in ("azure", "sim", "openai-compatible", "gpustack"):
        return
    base = ELSEWHERE.get((name, api)) or row["base_url"]
    for place in row["address_vars"]:
        base = base.replace(f"{{{place}}}", "me-1")
    assert url.startswith(f"{base}/"), (name, api, url)
    assert "{" not in url


def test_each_api_of_a_provider_is_at_its_own_path() -> None:
    chat = tw.ChatClient("deepseek:m")
    assert spoken(chat) == ("chat", "https://api.deepseek.com/chat/completions")
    messages = chat.with_options(api="messages")
    there = ("messages", "https://api.deepseek.com/anthropic/v1/messages")
    assert spoken(messages) == there
    assert messages.base_url == "https://api.deepseek.com/anthropic"
    assert spoken(pickle.loads(pickle.dumps(messages)).with_options(api_key="k")) == there
    assert spoken(messages.with_options(api="chat")) == spoken(chat)
    # Whichever of its addresses is written out.
    for address in ("https://api.deepseek.com", "https://api.deepseek.com/anthropic"):
        for suffix in ("", "/"):
            client = chat.with_options(base_url=address + suffix, api_key="k")
            assert spoken(client.with_options(api="messages")) == there
    assert spoken(tw.ChatClient("deepseek:m", base_url=f"{messages.base_url}/v1")) == there
    # Elsewhere the address is used as it is given.
    address = "https://gateway.example/anthropic"
    client = tw.ChatClient("deepseek:m", base_url=address, api="messages")
    assert spoken(client) == ("messages", f"{address}/v1/messages")


def test_bedrock_is_asked_by_messages_for_anthropic_s_models() -> None:
    chat = tw.ChatClient("bedrock:openai.gpt-oss-120b", region="eu-west-1")
    host = "https://bedrock-mantle.eu-west-1.api.aws"
    assert spoken(chat) == ("chat", f"{host}/v1/chat/completions")
    claude = "us.anthropic.claude-opus-5"
    there = ("messages", f"{host}/anthropic/v1/messages")
    assert spoken(chat, model=claude) == there
    assert spoken(chat.with_options(model=f"bedrock:{claude}")) == there
    assert spoken(tw.ChatClient(f"bedrock:{claude}", region="eu-west-1")) == there


def test_gemini_is_another_name_of_google() -> None:
    for name in ("google:gemini-3-pro", "gemini:gemini-3-pro"):
        client = tw.ChatClient(name, api_key="k")
        assert (client.provider, api_of(client)) == ("google", "gemini")


@pytest.mark.parametrize(
    ("model", "api", "version"),
    [("gemini-3-pro", "gemini", "v1beta1"), ("claude-opus-5", "messages", "v1")],
)
@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_is_asked_by_the_api_of_the_publisher(
    model: str, api: str, version: str, region: str, host: str
) -> None:
    base = f"https://{host}/{version}/projects/p/locations/{region}/"
    client = tw.ChatClient(f"vertex:{model}", project="p", region=region, api_key="ya29.x")
    called, url = spoken(client)
    assert (called, str(url).startswith(base)) == (api, True), url
    other = client.with_options(model="vertex:claude-haiku-4-5@20251001")
    for found in (spoken(other), spoken(client, model="claude-haiku-4-5@20251001")):
        assert found[0] == "messages"
        place = f"https://{host}/v1/projects/p/locations/{region}"
        model = "publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict"
        assert str(found[1]).replace("%40", "@") == f"{place}/{model}"


@pytest.mark.parametrize(
    ("model", "api"),
    [
        ("bedrock:anthropic.claude-opus-4-7", "messages"),
        ("bedrock:openai.gpt-oss-120b", "chat"),
        ("vertex:claude-opus-4-7", "messages"),
        ("vertex:gemini-3-pro", "gemini"),
        ("foundry:claude-opus-4-7", "messages"),
    ],
)
def test_the_api_is_known_before_the_address_is(model: str, api: str) -> None:
    assert tw.ChatClient(model).api == api
    with fake({"*": "hi"}) as faked:
        tw.ChatClient(model).run("q")
    assert [request.api for request in faked.requests] == [api]


def test_a_key_without_a_project_finds_it_on_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    client = tw.ChatClient("vertex:gemini-3-pro", api_key="AIzaSy-x")
    api, url = spoken(client)
    assert (api, str(url).startswith("https://aiplatform.googleapis.com/v1beta1/")) == (
        "gemini",
        True,
    )
    token = tw.ChatClient("vertex:gemini-3-pro", api_key="ya29.x")
    with pytest.raises(tw.LlmConfigError, match=r"set GOOGLE_CLOUD_LOCATION or .* or give region="):
        token.complete("hi")
    with pytest.raises(tw.LlmConfigError, match="model: Vertex serves it only in a project"):
        client.with_options(model="vertex:claude-opus-5").complete("hi")


@pytest.mark.parametrize("base", ["http://proxy.example", "http://proxy.example/v1"])
def test_at_another_address_a_provider_with_an_api_of_its_own_speaks_that(base: str) -> None:
    client = tw.ChatClient("anthropic:claude-opus-5", base_url=base)
    assert spoken(client) == ("messages", "http://proxy.example/v1/messages")
    client = tw.ChatClient("anthropic:claude-opus-5", base_url=f"{base}/", api="chat")
    assert spoken(client) == ("chat", f"{base}/chat/completions")


def test_a_row_of_your_own_may_speak_messages() -> None:
    address = "https://llm.acme.example/claude"
    acme = tw.LlmProvider("acme", base_url=address, api="messages", auth_header="x-api-key")
    client = tw.ChatClient("m", provider=acme)
    assert spoken(client) == ("messages", f"{address}/v1/messages")


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
