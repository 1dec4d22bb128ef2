"""Bodies of requests to the Messages API: how they are answered, and how two are compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.wire.origins import response

if TYPE_CHECKING:
    from tests.wire.answering import Ending

_ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "done"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def answer(request: bytes) -> list[bytes | Ending]:
    """Return an answer, whole or as a stream, as the body of a request asks."""
    if not json.loads(request).get("stream"):
        return [response(200, json.dumps(_ANSWER).encode(), "content-type: application/json")]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**_ANSWER, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": _ANSWER["content"][0]},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)
    return [response(200, body.encode(), "content-type: text/event-stream")]


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body in one of the forms that mean the same to the API (wire.md 5.1, 18.2).

    A string is one block of text, and messages of one role that follow each other are one message:
    the server joins them.
    """
    found: dict[str, Any] = dict(body)
    if "system" in found:
        found["system"] = _blocks(found["system"])
    messages: list[dict[str, Any]] = []
    for message in body.get("messages") or []:
        blocks = [_result(block) for block in _blocks(message["content"])]
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1]["content"] += blocks
        else:
            messages.append({**message, "content": blocks})
    return {**found, "messages": messages}


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _result(block: dict[str, Any]) -> dict[str, Any]:
    if block.get("type") != "tool_result" or "content" not in block:
        return dict(block)
    return {**block, "content": _blocks(block["content"])}
