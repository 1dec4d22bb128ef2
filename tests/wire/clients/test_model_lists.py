"""Lists of models: the forms of the APIs, which may come in pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin, response

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.asking import Asking


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


def answer(server: Origin, *pages: Any) -> None:
    for page in pages:
        server.answer_next(response(200, json.dumps(page).encode()))


def anthropic(*ids: str, more: bool = False) -> dict[str, Any]:
    """A page of Anthropic's list (docs.anthropic.com, "List Models")."""
    rows = [{"type": "model", "id": name, "display_name": name.upper()} for name in ids]
    ends = {"first_id": ids[0], "last_id": ids[-1]} if ids else {}
    return {"data": rows, "has_more": more, **ends}


def gemini(*names: str, **more: str) -> dict[str, Any]:
    """A page of Gemini's list (ai.google.dev/api/models)."""
    return {"models": [{"name": f"models/{name}", "version": "1"} for name in names], **more}


def asked(server: Origin) -> list[str]:
    return [request.line.split()[1].partition("?")[2] for request in server.requests]


def chat_on(server: Origin, provider: str = "anthropic", **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", provider=provider, api_key="k", base_url=server.base_url, **settings)


def test_every_page_of_anthropic_s_list_is_read(server: Origin, ask: Asking) -> None:
    answer(server, anthropic("a", "b", more=True), anthropic("c", more=True), anthropic("d"))
    assert ask.models(chat_on(server)) == ["a", "b", "c", "d"]
    assert asked(server) == ["limit=1000", "limit=1000&after_id=b", "limit=1000&after_id=c"]
    assert all(request.line.startswith("GET /v1/models?") for request in server.requests)
    assert server.requests[0].headers["x-api-key"] == "k"
    assert server.requests[0].headers["anthropic-version"] == "2023-06-01"


def test_its_address_for_chat_has_pages_too(server: Origin, ask: Asking) -> None:
    answer(server, anthropic("a&b", more=True), anthropic("c"))
    assert ask.models(chat_on(server, api="chat")) == ["a&b", "c"]
    assert asked(server) == ["", "after_id=a%26b"]
    assert server.requests[0].headers["authorization"] == "Bearer k"


def test_a_page_that_brings_nothing_new_is_the_last_one(server: Origin, ask: Asking) -> None:
    answer(server, *[anthropic("a", "b", more=True)] * 2)
    assert ask.models(chat_on(server)) == ["a", "b"]
    answer(server, anthropic("a", more=True), anthropic(more=True))
    assert ask.models(chat_on(server)) == ["a"]
    assert len(server.requests) == 4


def test_gemini_s_names_are_ids(server: Origin, ask: Asking) -> None:
    answer(server, gemini("x", nextPageToken="t=1"), gemini("y"))
    assert ask.models(chat_on(server, "google")) == ["x", "y"]
    assert asked(server) == ["pageSize=1000", "pageSize=1000&pageToken=t%3D1"]
    assert server.requests[0].headers["x-goog-api-key"] == "k"


def test_a_list_that_does_not_end_is_given_up(server: Origin, ask: Asking) -> None:
    answer(server, *[anthropic(f"m{number}", more=True) for number in range(101)])
    with pytest.raises(tw.LlmUnexpectedContentError, match="over 100 pages"):
        ask.models(chat_on(server))
    assert len(server.requests) == 100


@pytest.mark.parametrize(
    "body", [{"data": 3}, {"data": [3]}, {}, 3, {"data": [{}]}, {"models": {}}]
)
def test_what_is_no_list_is_refused(server: Origin, ask: Asking, body: Any) -> None:
    answer(server, body)
    if body == {"models": {}}:
        assert ask.models(chat_on(server)) == []
        return
    with pytest.raises(tw.LlmUnexpectedContentError, match="list of models"):
        ask.models(chat_on(server))


@pytest.mark.no_connection
@pytest.mark.parametrize("provider", ["vertex", "foundry"])
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "claude-opus-4-7"])
def test_a_provider_without_a_list_says_so_and_is_not_asked(
    provider: str, model: str, ask: Asking
) -> None:
    places = {
        "vertex": {"project": "p", "region": "europe-west1"},
        "foundry": {"resource": "r"},
    }
    client = tw.ChatClient(model, provider=provider, api_key="k", **places[provider])  # type: ignore[arg-type]
    with pytest.raises(tw.LlmConfigError) as caught:
        ask.models(client)
    wanted = f"models(): {provider} has no list of models; its documentation names them"
    assert str(caught.value) == wanted


@pytest.mark.parametrize("provider", ["vertex", "foundry"])
def test_another_server_in_its_place_may_have_a_list(
    provider: str, server: Origin, ask: Asking
) -> None:
    answer(server, anthropic("a"))
    assert ask.models(chat_on(server, provider)) == ["a"]
