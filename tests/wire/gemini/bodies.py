"""Bodies of requests to Gemini: how they are answered, and how two are compared."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.wire.origins import response

if TYPE_CHECKING:
    from tests.wire.answering import Ending

_ANSWER: dict[str, Any] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "done"}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    "modelVersion": "m",
    "responseId": "r",
}
# Where the keys are the user's, and not Google's.
_NOT_OURS = (
    "args",
    "response",
    "parameters",
    "parametersJsonSchema",
    "responseSchema",
    "responseJsonSchema",
    "labels",
)
_SNAKE = re.compile(r"_([a-z])")


def answer(_: bytes, *, streamed: bool) -> list[bytes | Ending]:
    """Return an answer, whole or as a stream."""
    data = json.dumps(_ANSWER).encode()
    if not streamed:
        return [response(200, data, "content-type: application/json")]
    return [response(200, b"data: " + data + b"\r\n\r\n", "content-type: text/event-stream")]


def camel(value: Any) -> Any:
    """Return the JSON with Google's keys in one spelling: it takes both (wire.md 6.1)."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, one in value.items():
        name = _SNAKE.sub(lambda match: match[1].upper(), key)
        found[name] = one if name in _NOT_OURS else camel(one)
    return found


def without_nulls(value: Any) -> Any:
    """Leave out what is null: that is absent (wire.md 1). The user's own JSON stays."""
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: one if key in _NOT_OURS else without_nulls(one)
        for key, one in value.items()
        if one is not None
    }


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body in one of the forms that mean the same to the API (wire.md 6.1).

    Keys are in camelCase, and all tools are a list of elements with one key each.
    """
    found: dict[str, Any] = without_nulls(camel(body))
    tools = found.get("tools")
    if tools is not None:
        tools = tools if isinstance(tools, list) else [tools]
        functions = [one for tool in tools for one in tool.get("functionDeclarations") or []]
        others = [
            {key: value}
            for tool in tools
            for key, value in tool.items()
            if key != "functionDeclarations"
        ]
        found["tools"] = [*([{"functionDeclarations": functions}] if functions else []), *others]
    system = found.get("systemInstruction")
    if isinstance(system, dict) and isinstance(system.get("parts"), dict):
        found["systemInstruction"] = {**system, "parts": [system["parts"]]}
    found["contents"] = [
        {**one, "parts": [one["parts"]] if isinstance(one["parts"], dict) else one["parts"]}
        for one in found.get("contents") or []
    ]
    return found


def joined(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the contents of one role that follow each other."""
    found: list[dict[str, Any]] = []
    for content in contents:
        if found and found[-1].get("role") == content.get("role"):
            found[-1] = {**found[-1], "parts": [*found[-1]["parts"], *content["parts"]]}
        else:
            found.append(content)
    return found


def said(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts that the model said in a request."""
    return [
        part
        for content in canonical(body)["contents"]
        if content.get("role") == "model"
        for part in content["parts"]
    ]
