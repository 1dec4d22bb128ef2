"""Bodies of requests to the Responses API: how they are answered, and how two are compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.wire.origins import response

if TYPE_CHECKING:
    from tests.wire.answering import Ending

_ANSWER = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "done", "annotations": []}],
        }
    ],
}


def answer(request: bytes) -> list[bytes | Ending]:
    """Return an answer, whole or as a stream, as the body of a request asks."""
    streams = json.loads(request).get("stream")
    if streams:
        event = {"type": "response.completed", "sequence_number": 0, "response": _ANSWER}
        body = b"event: response.completed\ndata: %b\n\n" % json.dumps(event).encode()
    else:
        body = json.dumps(_ANSWER).encode()
    kind = "text/event-stream" if streams else "application/json"
    return [response(200, body, f"content-type: {kind}")]


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body in one of the forms that mean the same to the API (wire.md 4.1).

    A string as input is a user's message, an item with a role is a `message`, and a string as its
    content is one block of text. A system prompt is also a first message of that role.
    """
    given = body.get("input", [])
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    items = [dict(item) for item in given]
    for item in items:
        if "role" in item and item.setdefault("type", "message") == "message":
            kind = "output_text" if item["role"] == "assistant" else "input_text"
            if isinstance(item["content"], str):
                item["content"] = [{"type": kind, "text": item["content"]}]
    return {**body, "input": items}


def is_known(item: dict[str, Any]) -> bool:
    """Whether a reasoning item is known by more than its id (wire.md 18.1)."""
    return bool(item.get("encrypted_content") or item.get("content"))
