"""Model strings, addresses, environment variables, and the server's list of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent_headers

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

LOCAL = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        ("openai:gpt-4o-mini", {"api_key": "k"}, ("openai", "gpt-4o-mini")),
        ("groq:llama-3.3-70b", {"api_key": "k"}, ("groq", "llama-3.3-70b")),
        ("vllm:Qwen/Qwen3-4B", {}, ("vllm", "Qwen/Qwen3-4B")),
        # The first colon ends the provider.
        ("ollama:gemma3:4b", {}, ("ollama", "gemma3:4b")),
        # An unknown provider before a colon is part of the id.
        ("gemma3:4b", {"base_url": LOCAL}, ("openai-compatible", "gemma3:4b")),
        ("openai/gpt-oss-20b", {"base_url": LOCAL}, ("openai-compatible", "openai/gpt-oss-20b")),
        ("gpt-4o-mini", {"base_url": LOCAL}, ("openai-compatible", "gpt-4o-mini")),
        # With provider=, the whole string is the id.
        ("openai:odd", {"provider": "vllm"}, ("vllm", "openai:odd")),
        ("gemma3:4b", {"provider": "ollama"}, ("ollama", "gemma3:4b")),
        ("vllm://h:1@m", {"provider": "vllm"}, ("vllm", "vllm://h:1@m")),
    ],
)
def test_a_model_string_names_provider_and_model(
    model: str, settings: dict[str, Any], expected: tuple[str, str]
) -> None:
    client = tw.ChatClient(model, **settings)
    assert (client.provider, client.model) == expected


@pytest.mark.parametrize(
    ("model", "base_url", "name"),
    [
        ("vllm://10.0.0.1:8000@m", "http://10.0.0.1:8000/v1", "m"),
        ("vllm://localhost:8000@Qwen/Qwen3-4B", "http://localhost:8000/v1", "Qwen/Qwen3-4B"),
        ("ollama://gpu-3:11434@gemma3:4b", "http://gpu-3:11434/v1", "gemma3:4b"),
        ("vllm://host:1/proxy/v1@m@v2", "http://host:1/proxy/v1", "m@v2"),
        ("google://host:1/v1@m", "http://host:1/v1", "m"),
    ],
)
def test_a_model_string_may_contain_the_address(model: str, base_url: str, name: str) -> None:
    client = tw.ChatClient(model)
    assert (client.base_url, client.model) == (base_url, name)


@pytest.mark.parametrize(
    ("model", "api", "base_url"),
    [
        ("google://h:1@m", None, "http://h:1"),
        ("google://h:1@m", "chat", "http://h:1/v1"),
        ("vertex://h:1@m", None, "http://h:1/v1"),
        ("vllm://h:1@m", "gemini", "http://h:1"),
        ("vllm://h:1@m", "messages", "http://h:1/v1"),
    ],
)
def test_an_address_in_a_model_string_has_v1_unless_the_api_adds_its_own_version(
    model: str, api: str | None, base_url: str
) -> None:
    assert tw.ChatClient(model, api=api).base_url == base_url
    client = tw.LlmClientFactory().get_client(model, api=api)
    assert isinstance(client, tw.ChatClient)
    assert client.base_url == base_url


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        ("gpt-4o-mini", {}, "openai:gpt-4o-mini"),
        ("openai/gpt-4o-mini", {}, "openai:gpt-4o-mini"),
        ("gemma3:4b", {}, "gemma3"),
        ("opnai:gpt-4o", {}, "openai"),
        ("openai:", {"api_key": "k"}, "no model"),
        ("", {}, "model"),
        (3, {}, "model"),
        ("vllm://host:1", {}, "host:port@model"),
        ("vllm://@m", {}, "host:port@model"),
        ("vllm://h:1@m", {"base_url": LOCAL}, "base_url"),
        ("m", {"provider": "no-such"}, "no-such"),
        ("cohere:m", {"api_key": "k"}, "Cohere"),
        ("openai:m", {"api_key": ""}, "api_key"),
        ("openai:m", {"api_key": "a\nb"}, "api_key"),
        ("openai:m", {"api_key": "k "}, "api_key"),
        ("openai:m", {"api_key": 3}, "api_key"),
        ("openai:m", {"api_key": "k", "api": "messages"}, "api"),
        ("m", {"base_url": "ftp://x"}, "base_url"),
        ("m", {"base_url": "http://u:p@x"}, "base_url"),
        ("m", {"base_url": "no scheme"}, "base_url"),
        ("m", {"base_url": "http://x/#f"}, "base_url"),
        ("m", {"base_url": LOCAL, "proxy": "gopher://x"}, "proxy"),
        ("m", {"base_url": LOCAL, "headers": {"a b": "c"}}, "header"),
        ("m", {"base_url": LOCAL, "limits": 3}, "limits"),
        ("m", {"base_url": LOCAL, "retry": 3}, "retry"),
        ("m", {"base_url": LOCAL, "ca_bundle": 3}, "ca_bundle"),
        ("m", {"base_url": LOCAL, "client_cert": ("a",)}, "client_cert"),
        ("m", {"base_url": 3}, "base_url"),
        ("m", {"base_url": LOCAL, "provider": 3}, "provider"),
        ("m", {"base_url": LOCAL, "system": 3}, "system"),
        ("m", {"base_url": LOCAL, "trust_env": "yes"}, "trust_env"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_client_is_refused_by_its_constructor(
    model: Any, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises((tw.LlmConfigError, tw.LlmValidationError), match=words) as caught:
        tw.ChatClient(model, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("base", ["", "/", "//"])
def test_a_base_url_may_end_in_slashes(sim: SimServer, ask: Asking, base: str) -> None:
    ask.complete(tw.ChatClient("m", base_url=sim.base_url + base), "-")
    assert sim.requests()[0]["path"] == "/v1/chat/completions"


# The environment.


def test_key_and_address_come_from_the_environment(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"require_key": "sk-env"})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_BASE_URL", sim.base_url)
    chat = tw.ChatClient("openai:m")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert chat.base_url == sim.base_url
    assert ask.run(chat, "-")


def test_arguments_win_over_the_environment(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"require_key": "sk-given"})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert ask.run(tw.ChatClient("openai:m", api_key="sk-given", base_url=sim.base_url), "-")


def test_a_providers_key_does_not_go_to_a_bare_ids_address(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    ask.complete(tw.ChatClient("gpt-4o-mini", base_url=sim.base_url), "-")
    assert "authorization" not in sent_headers(sim)[0]


def test_another_provider_in_a_call_uses_its_own_key_and_address(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"require_key": "sk-groq"})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    monkeypatch.setenv("GROQ_API_KEY", "sk-groq")
    monkeypatch.setenv("GROQ_BASE_URL", sim.base_url)
    chat = tw.ChatClient("openai:gpt", system="S")
    reply = ask.complete(chat, "-", model="groq:llama")
    assert (reply.provider, reply.model) == ("groq", "llama")
    _, streamed = ask.read(chat, "-", model="groq:other")
    assert (streamed.provider, streamed.model) == ("groq", "other")
    bodies = [request["body"] for request in sim.requests()]
    assert [body["model"] for body in bodies] == ["llama", "other"]
    assert [body["messages"][0]["content"] for body in bodies] == ["S", "S"]


@pytest.mark.parametrize("own", [{"api_key": "k"}, {"base_url": LOCAL, "api_key": "k"}])
def test_a_clients_own_key_does_not_go_to_another_provider(
    ask: Asking, own: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "sk-groq")
    with pytest.raises(tw.LlmConfigError, match="belongs to another provider"):
        ask.complete(tw.ChatClient("openai:gpt", **own), "-", model="groq:llama")


def test_the_embedded_simulator_needs_no_key(ask: Asking) -> None:
    chat = tw.ChatClient("sim:chat")
    assert chat.base_url.startswith("http://127.0.0.1:")
    assert ask.run(chat, "hi") == ask.run(tw.ChatClient("sim:chat"), "hi")


# The list of models, and the check of a configuration.


def test_models_are_listed(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"models": ["b", "a"]})
    assert ask.models(tw.ChatClient("a", base_url=sim.base_url)) == ["b", "a"]
    assert [(r["method"], r["path"]) for r in sim.requests()] == [("GET", "/v1/models")]


@pytest.mark.parametrize("body", ["{}", "[1]", "null", "no", '{"data": [{"no": 1}]}'])
def test_a_list_in_another_form_is_a_typed_error(sim: SimServer, ask: Asking, body: str) -> None:
    sim.set_script({"default": {"replay": {"text": body}}})
    with pytest.raises(tw.LlmUnexpectedContentError):
        ask.models(tw.ChatClient("a", base_url=sim.base_url, max_retries=0))


def test_a_configuration_is_checked_with_and_without_the_network(
    sim: SimServer, ask: Asking
) -> None:
    sim.set_script({"require_key": "right"})
    right = tw.ChatClient("openai:a", base_url=sim.base_url, api_key="right")
    wrong = tw.ChatClient("openai:a", base_url=sim.base_url, api_key="wrong")
    ask.validate(wrong, probe=False)
    assert sim.requests() == []
    ask.validate(right, probe=True)
    with pytest.raises(tw.LlmAuthenticationError):
        ask.validate(wrong, probe=True)


def test_a_model_that_is_not_there_is_an_error(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"models": ["a"]})
    with pytest.raises(tw.LlmModelNotFoundError, match="nope") as caught:
        ask.complete(tw.ChatClient("nope", base_url=sim.base_url), "-")
    error = caught.value
    assert isinstance(error, tw.LlmModelError)
    assert isinstance(error, tw.LlmAPIError)
    assert (error.status_code, error.code, error.model) == (404, "model_not_found", "nope")
    assert error.provider == "openai-compatible"


def test_an_error_of_the_list_names_no_model(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"error": {"status": 403, "message": "no"}}})
    chat = tw.ChatClient("vllm:m", base_url=sim.base_url)
    with pytest.raises(tw.LlmAuthenticationError, match=r"^vllm: HTTP 403: no") as caught:
        ask.models(chat)
    assert (caught.value.provider, caught.value.model) == ("vllm", None)
