"""Addresses with `{region}`, `{project}` and `{resource}`, which arguments or variables fill."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

REGIONAL = "https://{region}.acme.example/projects/{project}/v1"
VARIABLES = {"region": ["ACME_REGION", "ACME_LOCATION"], "project": ["ACME_PROJECT"]}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACME_REGION", "ACME_LOCATION", "ACME_PROJECT", "AZURE_RESOURCE_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def acme(base_url: str = REGIONAL, **fields: Any) -> tw.LlmProvider:
    return tw.LlmProvider("acme", base_url=base_url, address_vars=VARIABLES, **fields)


def client(provider: tw.LlmProvider | None = None, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", provider=provider or acme(), **settings)


def test_arguments_and_variables_fill_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_LOCATION", "us-1")
    monkeypatch.setenv("ACME_PROJECT", " my_project.9\n")
    assert client().base_url == "https://us-1.acme.example/projects/my_project.9/v1"
    assert client(project="p").base_url == "https://us-1.acme.example/projects/p/v1"
    monkeypatch.setenv("ACME_REGION", "eu")
    chat = client(project="p")
    assert chat.base_url == "https://eu.acme.example/projects/p/v1"
    other = chat.with_options(region="asia-2")
    assert other.base_url == "https://asia-2.acme.example/projects/p/v1"
    assert pickle.loads(pickle.dumps(other)).base_url == other.base_url


def test_the_first_call_says_what_is_missing_and_looks_again(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Origin() as server:
        row = acme(f"{server.base_url}/{{project}}/{{region}}", base_url_vars=["ACME_URL"])
        chat = client(row)
        assert chat.base_url == ""
        region = "set ACME_REGION or ACME_LOCATION or give region="
        for missing in (
            f"set ACME_PROJECT or give project= and {region}",
            region,
        ):
            with pytest.raises(tw.LlmConfigError) as caught:
                ask.complete(chat, "hi")
            text = f"acme has no default address: {missing}; or set ACME_URL or give base_url="
            assert str(caught.value) == text
            with pytest.raises(tw.LlmConfigError, match="acme has no default address"):
                chat.validate_config()
            monkeypatch.setenv("ACME_PROJECT", "p")
        monkeypatch.setenv("ACME_REGION", "eu")
        assert ask.complete(chat, "hi").text
        assert chat.base_url == f"{server.base_url}/p/eu"
        monkeypatch.setenv("ACME_REGION", "us")
        assert ask.complete(chat, "hi").text
        lines = [request.line for request in server.requests]
        assert lines == ["POST /v1/p/eu/chat/completions HTTP/1.1"] * 2


@pytest.mark.parametrize("value", ["", "a/b", "a@b", "a#", "é", "-a", ".", "a b", "a?b", 5, b"eu"])
def test_a_value_that_would_change_the_address_is_refused(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(tw.LlmConfigError, match=r"^region: give letters, digits, "):
        client(region=value, project="p")
    if value and isinstance(value, str):
        monkeypatch.setenv("ACME_REGION", value)
        with pytest.raises(tw.LlmConfigError, match=r"^ACME_REGION: give letters, digits, "):
            client(project="p")


def test_a_place_that_the_address_lacks_is_refused() -> None:
    for settings, reason in [
        ({"region": "eu"}, "region: the address of provider openai has no {region}; leave "),
        (
            {"project": "p"},
            'project: .* no {project}; give headers={"OpenAI-Project": "proj_…"}',
        ),
        (
            {"provider": "azure", "resource": "r", "base_url": "https://a.example"},
            "resource: the address is given as a whole; leave one of them out",
        ),
    ]:
        with pytest.raises(tw.LlmConfigError, match=f"^{reason}"):
            tw.ChatClient("m", **dict[str, Any]({"provider": "openai", **settings}))
    with pytest.raises(tw.LlmValidationError, match=r"{zone} is not a part that can be filled"):
        tw.LlmProvider("acme", base_url="https://{zone}.acme.example/v1")


def test_the_resource_of_azure_is_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://me.openai.azure.com/openai/v1"
    assert tw.ChatClient("azure:gpt", resource="me").base_url == address
    monkeypatch.setenv("AZURE_RESOURCE_NAME", "me")
    assert tw.ChatClient("azure:gpt").base_url == address
    # The whole address of the environment wins over a part, and an argument over both.
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://other.openai.azure.com")
    assert tw.ChatClient("azure:gpt").base_url == "https://other.openai.azure.com/openai/v1"
    assert tw.ChatClient("azure:gpt", resource="me").base_url == address


def test_a_key_for_an_address_with_places_does_not_go_to_one_in_a_model_string(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "sk-canary")
    registry = tw.ModelRegistry(plugins=False)
    registry.register_provider(acme(key_vars=["ACME_API_KEY"]))
    factory = tw.LlmClientFactory(registry=registry)
    with pytest.raises(tw.LlmConfigError, match=r"ACME_API_KEY is not sent to http://10\.0\.0\.1"):
        factory.get_client("acme://10.0.0.1:1@m").complete("hi")


def test_a_part_of_an_address_does_not_go_to_another_provider() -> None:
    chat = tw.ChatClient("azure:gpt", resource="me", api_key="0" * 32)
    with pytest.raises(tw.LlmConfigError, match=r"groq:m. belongs to another provider"):
        chat.complete("hi", model="groq:m")
    with pytest.raises(tw.LlmConfigError, match=r"resource: the address of provider groq has no"):
        chat.with_options(model="groq:m", api_key="k")
    assert chat.with_options(model="groq:m", resource=None, api_key="k").provider == "groq"


def test_a_token_of_azure_may_come_from_a_function(ask: Asking) -> None:
    token = "eyJh.eyJp.c2ln"
    with Origin() as server:
        for key in (token, lambda: token, "0" * 32, lambda: "0" * 32):
            ask.complete(tw.ChatClient("azure:m", base_url=server.base_url, api_key=key), "hi")
        sent = [[r.headers.get("authorization"), r.headers.get("api-key")] for r in server.requests]
    assert sent == [[f"Bearer {token}", None]] * 2 + [[None, "0" * 32]] * 2


def test_a_factory_shares_clients_of_one_region(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = tw.ModelRegistry(plugins=False)
    registry.register_provider(acme())
    factory = tw.LlmClientFactory(registry=registry)
    one = factory.get_client("acme:m", region="eu", project="p")
    assert factory.get_client("acme:m", region="eu", project="p") is one
    assert factory.get_client("acme:m", region="us", project="p") is not one
    addresses = []
    for region in ("eu", "us"):
        monkeypatch.setenv("ACME_REGION", region)
        addresses.append(factory.get_client("acme:m", api="chat", project="p").base_url)
    assert addresses == [f"https://{region}.acme.example/projects/p/v1" for region in ("eu", "us")]


def test_an_entry_of_a_configuration_fills_the_places() -> None:
    data: dict[str, Any] = {
        "providers": {"acme": {"base_url": REGIONAL, "address_vars": VARIABLES}},
        "models": {"x": {"model": "acme:m", "region": "eu", "project": "p"}},
    }
    made = tw.LlmClientFactory(data).get_client("x")
    assert isinstance(made, tw.ChatClient)
    assert made.base_url == "https://eu.acme.example/projects/p/v1"
    data["models"]["y"] = {"model": "groq:m", "region": "eu"}
    data["models"]["z"] = {"model": "acme:m", "region": "e/u"}
    with pytest.raises(tw.LlmConfigError) as caught:
        tw.LlmClientFactory(data)
    problems = "\n".join(map(str, caught.value.problems))
    assert "models.y.region: the address of provider groq has no {region}" in problems
    assert "models.z.region: give letters, digits" in problems
