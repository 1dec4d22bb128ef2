"""Recorded replies that go back: the next request has to hold what the provider needs again."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.comparing import joined_details
from tests.wire.recorded import recorded_rows
from tests.wire.replaying import WAVE, Replay

from tokenwire.testing import SimServer
from tokenwire.types import LlmMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.wire.plain_reading import PlainChoice, PlainReply

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTION = {"role": "user", "content": "-"}


async def _answer_twice(replay: Replay, base_url: str) -> None:
    """Ask, and send the reply's message back, after it was saved and loaded."""
    client = replay.client(base_url)
    if replay.row["is_sse"]:
        async with client.stream_async("-") as stream:
            async for _ in stream:
                pass
        message = stream.response.message
    else:
        message = (await client.complete_async("-")).message
    loaded = LlmMessage.model_validate_json(message.model_dump_json())
    assert loaded == message
    await client.complete_async([QUESTION, loaded, QUESTION])


def _messages_sent_back(sim: SimServer, wave: list[Replay]) -> dict[str, dict[str, Any]]:
    """Return the assistant's message of each second request, by the model that it asks."""
    sim.reset()
    rules = [{**replay.rule(), "times": 1} for replay in wave]
    sim.set_script({"rules": rules, "default": {"reply": {"text": "done"}}})

    async def answer_all() -> None:
        await asyncio.gather(*(_answer_twice(replay, sim.base_url) for replay in wave))

    asyncio.run(answer_all())
    bodies = [request["body"] for request in sim.requests()]
    return {body["model"]: body["messages"][1] for body in bodies if len(body["messages"]) == 3}


def _wrong(message: dict[str, Any], expected: PlainChoice) -> list[str]:
    """Return what the message does not say as the recording said it."""
    content = message.get("content") or ""
    blocks: list[dict[str, Any]] = (
        content if isinstance(content, list) else [{"type": "text", "text": content}]
    )
    calls = [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or []
    ]
    pairs: list[tuple[str, object, object]] = [
        ("text", "".join(one["text"] for one in blocks if one["type"] == "text"), expected.text),
        ("refusal", message.get("refusal") or "", expected.refusal),
        ("calls", calls, [(c.name, json.loads(c.arguments or "{}")) for c in expected.calls]),
    ]
    for sent, call in zip(message.get("tool_calls") or [], expected.calls, strict=False):
        pairs += [(key, sent.get(key), value) for key, value in call.extra.items()]
        pairs.append(("id", bool(sent.get("id")), True))
    # Where tools were called, every provider takes the reasoning back (wire.md 18.4).
    if expected.calls and expected.reasoning_field in ("reasoning", "reasoning_content"):
        pairs.append(("reasoning", message.get(expected.reasoning_field), expected.reasoning))
    if expected.reasoning_field == "thinking":
        thinking = [one for one in blocks if one["type"] == "thinking"]
        text = "".join(piece["text"] for one in thinking for piece in one["thinking"])
        pairs.append(("thinking", text, expected.reasoning))
        extra = {
            key: one[key] for one in thinking for key in expected.reasoning_extra if key in one
        }
        pairs.append(("thinking", extra, expected.reasoning_extra))
    if "reasoning_details" in expected.kept:
        details = joined_details(message.get("reasoning_details") or [])
        pairs.append(("details", details, joined_details(expected.kept["reasoning_details"])))
    return [f"{name}: sent {left!r}, had {right!r}" for name, left, right in pairs if left != right]


def _whole_json(reply: PlainReply) -> bool:
    """Whether no arguments were cut off: such a call cannot go back as it came."""
    try:
        for call in reply.choices[0].calls:
            json.loads(call.arguments or "{}")
    except ValueError:
        return False
    return True


def test_recorded_replies_go_back_as_they_came(
    data_dir: Path, report_line: Callable[[str], None]
) -> None:
    replays = []
    for row in recorded_rows(data_dir, "chat.completions"):
        replay = Replay(row, "whole")
        reply = replay.expected()
        if not reply.error and _whole_json(reply):
            replays.append((replay, reply))
    otherwise = {}
    with SimServer() as sim:
        for start in range(0, len(replays), WAVE):
            wave = replays[start : start + WAVE]
            sent = _messages_sent_back(sim, [replay for replay, _ in wave])
            for replay, reply in wave:
                if wrong := _wrong(sent[replay.model], reply.choices[0]):
                    otherwise[f"{replay.row['number']} {replay.row['provider']}"] = wrong
    report_line(f"{len(replays)} replies went back, {len(otherwise)} differ")
    assert not otherwise, dict(list(otherwise.items())[:20])
    assert len(replays) >= 3_300
