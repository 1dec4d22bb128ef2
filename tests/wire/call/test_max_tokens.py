"""`max_tokens` of an API that demands it: the caller's, else the model's, else a usual one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin, response

import tokenwire as tw
from tokenwire.catalog.registry import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.asking import Asking

REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "ok"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
ANSWER = response(200, json.dumps(REPLY).encode(), "content-type: application/json")


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin() as server:
        yield server


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = shared()
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    for name, most in (("small", 1_000), ("large", 64_000), ("unknown", None)):
        entry = tw.ModelConfig(
            name, "anthropic", max_output_tokens=most, aliases=(f"{name}-20260101",)
        )
        registry.register_model(entry)


def limit(server: Origin, ask: Asking, name: str, **params: Any) -> Any:
    """The `max_tokens` that is sent."""
    server.answer_next(ANSWER)
    ask.complete(tw.ChatClient(name, api_key="k", base_url=server.base_url), "hi", **params)
    return json.loads(server.requests[-1].body).get("max_tokens")


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("small", 1_000),
        ("small-20260101", 1_000),
        ("large", 32_000),
        ("unknown", 4_096),
        ("other", 4_096),
    ],
)
def test_the_largest_answer_of_the_registry_limits_messages(
    server: Origin, ask: Asking, model: str, wanted: int
) -> None:
    assert limit(server, ask, f"anthropic:{model}") == wanted
    assert limit(server, ask, "anthropic:m", model=model) == wanted


def test_the_caller_s_limit_wins(server: Origin, ask: Asking) -> None:
    assert limit(server, ask, "anthropic:small", max_tokens=5_000) == 5_000
    assert limit(server, ask, "anthropic:small", extra_body={"max_tokens": 7}) == 7


def test_an_api_that_demands_no_limit_gets_none(ask: Asking) -> None:
    entry = tw.ModelConfig("small", "openai", max_output_tokens=1_000)
    shared().register_model(entry)
    with Origin() as server:
        client = tw.ChatClient("openai:small", api_key="k", base_url=server.base_url)
        ask.complete(client, "hi")
        assert json.loads(server.requests[-1].body).keys() == {"model", "messages"}
