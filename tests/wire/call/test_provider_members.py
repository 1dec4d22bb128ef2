"""What only one API has: `extra_body` sends it, and the raw reply and events have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin, response

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

CONTAINER = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
EDITS = {
    "applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 8}],
}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
COUNTS = {"input_tokens": 1, "output_tokens": 1}
TEXT = {"type": "text", "text": "Hi."}
CANDIDATE = {"content": {"parts": [{"text": "Hi."}]}, "finishReason": "STOP"}
STATUS = {"modelStatus": {"modelStage": "DEPRECATED"}}
THROWN_AWAY = {"input_transformations": [{"type": "reasoning", "reason": "model_mismatch"}]}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "i",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi."}],
        }
    ],
    **THROWN_AWAY,
}
# By API: the whole reply, the events of a stream, and what both have besides what is common.
REPLIES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]] = {
    "messages": (
        {
            **MESSAGE,
            "content": [TEXT],
            "stop_reason": "end_turn",
            "usage": COUNTS,
            "container": CONTAINER,
            "context_management": EDITS,
        },
        [
            {"type": "message_start", "message": {**MESSAGE, "usage": COUNTS}},
            {"type": "content_block_start", "index": 0, "content_block": TEXT},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "container": CONTAINER},
                "context_management": EDITS,
                "usage": COUNTS,
            },
            {"type": "message_stop"},
        ],
        {"container": CONTAINER, "context_management": EDITS},
    ),
    "gemini": (
        {"candidates": [CANDIDATE], **STATUS},
        [{"candidates": [CANDIDATE], **STATUS}],
        STATUS,
    ),
    "responses": (RESPONSE, [{"type": "response.completed", "response": RESPONSE}], THROWN_AWAY),
}


def members(value: Any, names: set[str]) -> dict[str, Any]:
    """Return what JSON has under these keys, however deep."""
    found: dict[str, Any] = {}
    for key, member in value.items() if isinstance(value, dict) else ():
        found |= {key: member} if key in names else members(member, names)
    return found


@pytest.mark.parametrize("api", REPLIES)
def test_a_reply_and_its_events_have_what_only_this_api_has(api: str, ask: Asking) -> None:
    whole, events, wanted = REPLIES[api]
    stream = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    answers: list[bytes | None] = [
        response(200, json.dumps(whole).encode(), "content-type: application/json"),
        response(200, stream, "content-type: text/event-stream"),
    ]
    with Origin(answers=answers) as server:
        client = tw.ChatClient("m", base_url=server.base_url, api=api, api_key="k")
        reply = ask.complete(client, "-")
        assert reply.raw is not None
        assert members(json.loads(reply.raw), set(wanted)) == wanted
        chunks, streamed = ask.read(client, "-")
    found: dict[str, Any] = {}
    for chunk in chunks:
        found |= members(json.loads(chunk.raw), set(wanted))
    assert found == wanted
    assert reply.text == streamed.text == "Hi."


def test_messages_takes_its_container_and_its_context_management(ask: Asking) -> None:
    sent = {
        "container": "container_1",
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    }
    whole, _, _ = REPLIES["messages"]
    with Origin(answers=[response(200, json.dumps(whole).encode())]) as server:
        client = tw.ChatClient("m", base_url=server.base_url, api="messages", api_key="k")
        reply = ask.complete(
            client, "-", extra_body=sent, extra_headers={"anthropic-beta": "context-management"}
        )
        (request,) = server.requests
    body = json.loads(request.body)
    assert {key: body[key] for key in sent} == sent
    assert request.headers["anthropic-beta"] == "context-management"
    assert reply.dropped == ()
