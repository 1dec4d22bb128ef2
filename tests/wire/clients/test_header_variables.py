"""Headers from a variable, as Anthropic's tools read them: they count as secret, like a key."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin, response

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.asking import Asking

VARIABLE = "ANTHROPIC_CUSTOM_HEADERS"
SECRET = "gate-canary-0123456789"


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"X-Gateway-Key: {SECRET}\r\n\n  x-team :a: b \n")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-1")
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def chat_on(server: Origin, **settings: Any) -> tw.ChatClient:
    # Where the headers go does not depend on the API.
    return tw.ChatClient("anthropic:m", base_url=server.base_url, api="chat", **settings)


def sent(server: Origin) -> list[list[str | None]]:
    names = ("x-gateway-key", "x-team")
    return [[request.headers.get(name) for name in names] for request in server.requests]


def test_they_go_with_each_request_of_the_provider(server: Origin, ask: Asking) -> None:
    chat = chat_on(server)
    ask.complete(chat, "hi")
    ask.read(pickle.loads(pickle.dumps(chat)), "hi")
    ask.complete(chat.with_options(headers={"X-Team": "mine"}), "hi")
    ask.complete(chat, "hi", extra_headers={"x-team": "of the call"})
    assert sent(server) == [
        [SECRET, "a: b"],
        [SECRET, "a: b"],
        [SECRET, "mine"],
        [SECRET, "of the call"],
    ]


def test_they_go_to_no_other_provider(server: Origin, ask: Asking) -> None:
    ask.complete(tw.ChatClient("openai:m", base_url=server.base_url, api_key="k"), "hi")
    ask.complete(tw.ChatClient("m", base_url=server.base_url), "hi")
    # An address in a model string may be anyone's.
    address = server.base_url.removeprefix("http://")
    ask.complete(tw.ChatClient(f"anthropic://{address}@m", api_key="k", api="chat"), "hi")
    assert sent(server) == [[None, None]] * 3


def test_nothing_shows_their_values(server: Origin, ask: Asking) -> None:
    error = json.dumps({"error": {"message": f"who is {SECRET}?"}}).encode()
    server.answer_next(response(401, error, "content-type: application/json"))
    chat = chat_on(server)
    with pytest.raises(tw.LlmAuthenticationError) as caught:
        ask.complete(chat, "hi")
    for value in (chat, caught.value, vars(chat), pickle.dumps(chat), chat._found.headers):
        assert SECRET not in f"{value!r} {value!s}"
    assert "who is [key]?" in str(caught.value)


def test_a_refused_key_among_them_is_named_by_its_variable(
    server: Origin, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"Authorization: Bearer {SECRET}")
    of_variable = chat_on(server)
    given = chat_on(server, headers={"AUTHORIZATION": "Bearer k"})
    cases: list[tuple[tw.ChatClient, dict[str, Any], str]] = [
        (of_variable, {}, f"{VARIABLE} (authorization)"),
        (pickle.loads(pickle.dumps(of_variable)), {}, f"{VARIABLE} (authorization)"),
        (of_variable, {"extra_headers": {"authorization": "Bearer k"}}, "headers= (authorization)"),
        (given, {}, "headers= (authorization)"),
    ]
    for chat, params, place in cases:
        server.answer_next(response(401, b"{}", "content-type: application/json"))
        with pytest.raises(tw.LlmAuthenticationError) as caught:
            ask.complete(chat, "hi", **params)
        assert f"(the key is from {place})" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"x: y\n{SECRET}", "line 2 is not of the form Name: value"),
        (f"a b: {SECRET}", "line 1 is not of the form Name: value"),
        (f": {SECRET}", "line 1 is not of the form Name: value"),
        (f"x: {SECRET}\x01", "the value in line 1 has a character that no header can carry"),
        (f"x: {SECRET}\u200bx", "the value in line 1 has a character that no header can carry"),
    ],
)
def test_a_line_that_is_no_header_is_refused(
    text: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(tw.LlmConfigError) as caught:
        tw.ChatClient("anthropic:m")
    assert str(caught.value) == f"{VARIABLE}: {why}"


def test_a_row_of_your_own_may_name_such_a_variable(
    server: Origin, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_HEADERS", "x-team: acme")
    acme = tw.LlmProvider("acme", base_url=server.base_url, header_vars=["ACME_HEADERS"])
    ask.complete(tw.ChatClient("m", provider=acme), "hi")
    assert sent(server) == [[None, "acme"]]
    with pytest.raises(tw.LlmValidationError, match="header_vars"):
        tw.LlmProvider("acme", header_vars=["sk-canary-0123"])
