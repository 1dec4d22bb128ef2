"""In which header each provider is given its key, by each of its APIs, over a socket."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin

import tokenwire as tw
from tokenwire import _engine

if TYPE_CHECKING:
    from collections.abc import Iterator

CARRIERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
KEY = "sk-of-the-environment"
# What is not `authorization: Bearer …`.
OWN_HEADERS = {
    ("azure", "chat"): "api-key",
    ("azure", "completions"): "api-key",
    ("azure", "responses"): "api-key",
    ("anthropic", "messages"): "x-api-key",
    ("google", "gemini"): "x-goog-api-key",
    ("foundry", "messages"): "api-key",
}
# The rest of them are tokens, which are bearer tokens for all.
KEY_VARIABLES = {"vertex": "GOOGLE_API_KEY"}
OWN_HEADERS |= {("vertex", api): "x-goog-api-key" for api in _engine.provider_apis("vertex")}


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _engine.provider_names():
        row = _engine.provider_row(name)
        for variable in (*row["key_vars"], *row["base_url_vars"]):
            monkeypatch.delenv(variable, raising=False)


def sent(server: Origin, client: tw.LlmClientInterface) -> dict[str, str]:
    """The headers of a call that may carry a key."""
    # Other APIs than chat do not know the reply of this server.
    with contextlib.suppress(tw.LlmUnexpectedContentError):
        client.complete("hi")
    headers = server.requests[-1].headers
    return {name: headers[name] for name in CARRIERS if name in headers}


def kinds(name: str) -> list[tuple[str, type[Any]]]:
    apis = _engine.apis()
    return [
        (api, tw.CompletionClient if apis[api] == "completions" else tw.ChatClient)
        for api in _engine.provider_apis(name)
    ]


@pytest.mark.parametrize("name", [name for name in _engine.provider_names() if name != "sim"])
def test_the_key_is_in_one_header(
    name: str, server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = _engine.provider_row(name)
    for api, kind in kinds(name):
        header = OWN_HEADERS.get((name, api), "authorization")
        expected = {header: f"Bearer {KEY}" if header == "authorization" else KEY}
        settings = {"provider": name, "api": api, "base_url": server.base_url, "max_retries": 0}
        assert sent(server, kind("m", api_key=KEY, **settings)) == expected
        assert sent(server, kind("m", api_key=lambda: KEY, **settings)) == expected
        variable = KEY_VARIABLES.get(name, next(iter(row["key_vars"]), None))
        if variable is not None:
            with monkeypatch.context() as patch:
                patch.setenv(variable, KEY)
                assert sent(server, kind("m", **settings)) == expected


@pytest.mark.parametrize(
    ("name", "variable", "token"),
    [
        ("anthropic", "ANTHROPIC_AUTH_TOKEN", "opaque"),
        ("anthropic", None, "sk-ant-oat01-x"),
        ("azure", "AZURE_OPENAI_AD_TOKEN", "opaque"),
        ("google", None, "ya29.a0x"),
        ("foundry", None, "eyJ0.eyJ1.c2ln"),
        ("vertex", "GOOGLE_OAUTH_ACCESS_TOKEN", "opaque"),
        ("vertex", None, "ya29.a0x"),
        ("bedrock", "AWS_BEARER_TOKEN_BEDROCK", "opaque"),
    ],
)
def test_a_token_is_a_bearer_token(
    name: str, variable: str | None, token: str, server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {} if variable else {"api_key": token}
    if variable:
        monkeypatch.setenv(variable, token)
    for api, kind in kinds(name):
        settings = {"provider": name, "api": api, "base_url": server.base_url, "max_retries": 0}
        assert sent(server, kind("m", **settings, **given)) == {"authorization": f"Bearer {token}"}


def test_the_key_of_anthropic_comes_before_the_token(
    server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    client = tw.ChatClient("anthropic:m", base_url=server.base_url)
    assert sent(server, client) == {"x-api-key": "key"}


def test_the_key_of_google_comes_before_that_of_gemini(
    server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, key in (("GEMINI_API_KEY", "second"), ("GOOGLE_API_KEY", "first")):
        monkeypatch.setenv(variable, key)
        client = tw.ChatClient("google:m", base_url=server.base_url)
        assert sent(server, client) == {"x-goog-api-key": key}


def test_a_call_s_own_header_replaces_the_key(server: Origin) -> None:
    client = tw.ChatClient("anthropic:m", base_url=server.base_url, api_key="k")
    for name in ("Authorization", "X-Api-Key"):
        own = client.with_options(extra_headers={name: "mine"})
        assert sent(server, own) == {name.lower(): "mine"}
