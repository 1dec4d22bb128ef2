"""The schema of a strict tool or a type is in the form of the API that the call speaks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.wire.call.test_matrix import ANSWERS
from tests.wire.origins import Origin

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking


class Trip(BaseModel):
    city: str
    days: int = 2


TOOL = tw.Tool("book", "Book a trip.", Trip.model_json_schema(), strict=True)
OF_ANTHROPIC = {"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}


def body(api: str, ask: Asking, **arguments: Any) -> Any:
    """What is sent."""
    with Origin(answers=[ANSWERS[api]]) as server:
        client = tw.ChatClient("m", api=api, base_url=server.base_url, api_key="k")
        ask.complete(client, "hi", **arguments)
        return json.loads(server.requests[-1].body)


@pytest.mark.parametrize(
    ("api", "required"),
    [
        ("chat", ["city", "days"]),
        ("responses", ["city", "days"]),
        ("messages", ["city"]),
        ("gemini", ["city"]),
    ],
)
def test_what_is_required_is_what_the_form_of_the_api_requires(
    api: str, required: list[str], ask: Asking
) -> None:
    (tool,) = body(api, ask, tools=[TOOL])["tools"]
    (function,) = tool.get("functionDeclarations") or [tool.get("function", tool)]
    keys = {"messages": "input_schema", "gemini": "parametersJsonSchema"}
    assert function[keys.get(api, "parameters")]["required"] == required
    assert function.get("strict") == (None if api == "gemini" else True)
    sent = body(api, ask, response_format=Trip, model="claude-sonnet-5")
    places = {
        "chat": lambda: sent["response_format"]["json_schema"],
        "responses": lambda: sent["text"]["format"],
        "messages": lambda: sent["output_config"]["format"],
        "gemini": lambda: {"schema": sent["generationConfig"]["responseJsonSchema"]},
    }
    assert places[api]()["schema"]["required"] == required


def test_a_tool_in_anthropic_s_form_is_sent_to_anthropic_s_api_alone(ask: Asking) -> None:
    assert body("messages", ask, tools=[OF_ANTHROPIC])["tools"] == [OF_ANTHROPIC]
    chosen = body("messages", ask, tools=[OF_ANTHROPIC], tool_choice="f")["tool_choice"]
    assert chosen == {"type": "tool", "name": "f"}
    for api in ("chat", "responses"):
        with pytest.raises(tw.LlmConfigError, match=r"^tools\[0\].input_schema: only the API of"):
            body(api, ask, tools=[OF_ANTHROPIC])
    with pytest.raises(tw.LlmValidationError, match=r"tools\[0\].input_schema: only the API of"):
        body("gemini", ask, tools=[OF_ANTHROPIC])
