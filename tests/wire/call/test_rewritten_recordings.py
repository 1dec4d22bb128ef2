"""Recordings in other words, with the real client over a socket.

What servers vary must not change the reply: whether it is streamed, where a field stands a second
time, how they spell an absent value, and how they frame events. wire.md has an example of each.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from tests.wire.plain_events import events
from tests.wire.plain_reading import read_exchange, read_whole
from tests.wire.replaying import Replay
from tests.wire.samples import changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.samples import Sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OF_A_MESSAGE = (
    "role",
    "content",
    "refusal",
    "tool_calls",
    "function_call",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "annotations",
    "audio",
)

# Rewrites a document whose message is under the key `mine`.
Rewriting: TypeAlias = "Callable[[dict[str, Any], str], None]"


def _reply_as_stream(row: dict[str, Any]) -> str:
    data = json.loads(row["response_body_text"])
    choices = []
    for choice in data["choices"]:
        delta = choice.get("message") or choice.get("delta")
        rest = {key: value for key, value in choice.items() if key not in ("message", "delta")}
        choices.append({**rest, "delta": delta} if delta else rest)
    return f"data: {json.dumps({**data, 'choices': choices})}\n\ndata: [DONE]\n\n"


def test_a_whole_reply_says_the_same_as_a_stream_of_one_event(sample: Sample) -> None:
    replays = []
    for row in sample.rows:
        if not row["is_sse"]:
            expected = read_whole(row["response_body_text"], f"row{row['number']}-whole-one")
            expected.raw = None
            streamed = changed(row, "one", _reply_as_stream(row), is_sse=True, expected=expected)
            replays.append(Replay(streamed, "whole"))
    sample.compare(replays, at_least=2_000)


def _pieces(data: dict[str, Any], mine: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (choice, its message) for each choice that has one."""
    return [(choice, choice[mine]) for choice in data["choices"] if choice.get(mine)]


def text_too(data: dict[str, Any], mine: str) -> None:
    """As Together and Hugging Face's router send it."""
    for choice, message in _pieces(data, mine):
        if isinstance(message.get("content"), str):
            choice["text"] = message["content"]


def another_text_too(data: dict[str, Any], mine: str) -> None:
    for choice, message in _pieces(data, mine):
        if message.get("content"):
            choice["text"] = "something else"


def message_and_delta(data: dict[str, Any], mine: str) -> None:
    """As Writer sends it."""
    for choice, message in _pieces(data, mine):
        choice["delta" if mine == "message" else "message"] = message


def reasoning_by_two_names(data: dict[str, Any], mine: str) -> None:
    """As vLLM sent it while it changed the name."""
    for _, message in _pieces(data, mine):
        if message.get("reasoning_content"):
            message["reasoning"] = message["reasoning_content"]


def usage_in_a_choice(data: dict[str, Any], _: str) -> None:
    """As Kimi sends it."""
    for choice in data["choices"]:
        if data.get("usage"):
            choice["usage"] = data["usage"]


def old_call_too(data: dict[str, Any], mine: str) -> None:
    """As Snowflake sends it, but not empty."""
    for _, message in _pieces(data, mine):
        for call in message.get("tool_calls") or []:
            message["function_call"] = call.get("function")


def another_usage_in_a_choice(data: dict[str, Any], _: str) -> None:
    """Beside the choices it is that of the reply."""
    for choice in data["choices"]:
        if data.get("usage"):
            choice["usage"] = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def nulls_left_out(data: dict[str, Any], mine: str) -> None:
    """As servers that write no null do; what goes back to them as it came is left alone."""
    calls = [call for _, said in _pieces(data, mine) for call in said.get("tool_calls") or []]
    functions = [call["function"] for call in calls if call.get("function")]
    pieces = [one for pair in _pieces(data, mine) for one in pair]
    for one in (data, data.get("usage") or {}, *data["choices"], *pieces, *calls, *functions):
        for key in [key for key, value in one.items() if value is None]:
            del one[key]


def nulls_written(data: dict[str, Any], mine: str) -> None:
    for key in ("usage", "error", "system_fingerprint", "service_tier", "x_groq"):
        data.setdefault(key, None)
    for choice, message in _pieces(data, mine):
        for key in ("logprobs", "finish_reason", "native_finish_reason", "usage", "error", "text"):
            choice.setdefault(key, None)
        for key in OF_A_MESSAGE:
            message.setdefault(key, None)


def empty_for_null(data: dict[str, Any], mine: str) -> None:
    """As Azure's first chunk, Snowflake and many others write it."""
    data["usage"] = data.get("usage") or {}
    data["system_fingerprint"] = data.get("system_fingerprint") or ""
    for choice, message in _pieces(data, mine):
        choice["finish_reason"] = choice.get("finish_reason") or ""
        for key in ("role", "content", "refusal", "reasoning_content"):
            message[key] = message.get(key) or ""
        for key in ("tool_calls", "reasoning_details", "annotations"):
            message[key] = message.get(key) or []


def keys_turned_round(data: dict[str, Any], _: str) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, list):
            return [turned(one) for one in value]
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return value

    whole = turned(data)
    data.clear()
    data.update(whole)


def unknown_keys(data: dict[str, Any], mine: str) -> None:
    unknown = {"text": "no", "choices": [{"delta": {"content": "no"}}], "error": {"message": "no"}}
    data["provider_metadata_of_tomorrow"] = unknown
    for choice, _ in _pieces(data, mine):
        choice["verdicts_of_tomorrow"] = unknown


def calls_without_a_type(data: dict[str, Any], mine: str) -> None:
    """As Venice and Mistral send them."""
    for _, message in _pieces(data, mine):
        for call in message.get("tool_calls") or []:
            call.pop("type", None)


REWRITINGS = [
    text_too,
    another_text_too,
    message_and_delta,
    reasoning_by_two_names,
    usage_in_a_choice,
    another_usage_in_a_choice,
    old_call_too,
    nulls_left_out,
    nulls_written,
    empty_for_null,
    keys_turned_round,
    unknown_keys,
    calls_without_a_type,
]


def _body_with(row: dict[str, Any], rewriting: Rewriting) -> str:
    """Return the body of the row with each of its JSON documents rewritten."""

    def rewritten(text: str) -> str:
        data = json.loads(text)
        data.setdefault("choices", [])
        rewriting(data, "delta" if row["is_sse"] else "message")
        return json.dumps(data)

    if not row["is_sse"]:
        return rewritten(row["response_body_text"])
    return "".join(
        f"data: {data if data.strip() == '[DONE]' else rewritten(data)}\n\n"
        for _, data in events(row["response_body_text"])
    )


def _same_reply(row: dict[str, Any], name: str, body: str) -> Replay:
    """Return a replay of another body that has to give the reply of the recording."""
    rewritten = changed(row, name, body)
    expected = read_exchange(row, Replay(rewritten, "whole").model)
    expected.headers, expected.request_id = {}, None
    if not row["is_sse"]:
        expected.raw = body.encode()
    return Replay({**rewritten, "expected": expected}, "whole")


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("rewriting", REWRITINGS, ids=lambda rewriting: rewriting.__name__)
def test_a_reply_in_other_words_is_the_same(
    sample: Sample, rewriting: Rewriting, streams: bool
) -> None:
    replays = [
        _same_reply(row, f"{turn}-{rewriting.__name__}", _body_with(row, rewriting))
        for turn, row in enumerate(sample.of(streams=streams))
        if row["api"] == "chat.completions"
    ]
    sample.compare(replays, at_least=80)


def _said_again(pieces: list[str]) -> list[str]:
    """The last event of a choice twice, as OpenRouter and Doubleword send it."""
    last = max(at for at, piece in enumerate(pieces) if '"choices"' in piece)
    event = json.loads(pieces[last])
    for choice in event["choices"]:
        choice["delta"] = {"role": "assistant", "content": ""}
        choice.pop("text", None)
        choice.pop("message", None)
        choice.pop("logprobs", None)
    return [*pieces[: last + 1], json.dumps(event), *pieces[last + 1 :]]


FRAMINGS: dict[str, Callable[[list[str]], str]] = {
    "crlf": lambda pieces: "".join(f"data: {piece}\r\n\r\n" for piece in pieces),
    "cr": lambda pieces: "".join(f"data: {piece}\r\r" for piece in pieces),
    "no_space": lambda pieces: "".join(f"data:{piece}\n\n" for piece in pieces),
    "byte_order_mark": lambda pieces: "\ufeff" + "".join(f"data: {one}\n\n" for one in pieces),
    "named": lambda pieces: "".join(f"event: message\ndata: {piece}\n\n" for piece in pieces),
    "comments": lambda pieces: "".join(f": ping\n\n: x\ndata: {piece}\n\n" for piece in pieces),
    "fields": lambda pieces: "".join(f"id: 1\nretry: 9\nx: y\ndata: {p}\n\n" for p in pieces),
    "blank_lines": lambda pieces: "\n\n" + "".join(f"data: {one}\n\n\n\n" for one in pieces),
    "no_last_blank_line": lambda pieces: "\n\n".join(f"data: {piece}" for piece in pieces),
    "finish_twice": lambda pieces: "".join(f"data: {one}\n\n" for one in _said_again(pieces)),
    "more_after_done": lambda pieces: "".join(
        f"data: {piece}\n\n" for piece in (*pieces, *pieces[:-1])
    ),
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_stream_in_another_frame_is_the_same(sample: Sample, framing: str) -> None:
    replays = []
    for turn, row in enumerate(sample.of(streams=True)):
        pieces = [data.strip() for _, data in events(row["response_body_text"])]
        if framing == "more_after_done" and pieces[-1] != "[DONE]":
            continue
        body = FRAMINGS[framing](pieces)
        replays.append(_same_reply(row, f"{turn}-{framing}", body))
    sample.compare(replays, at_least=80)
