"""A plain reading of Responses replies: slow, obvious, and written without the engine.

It says what a recorded `response` object must give, from the notes on the wire (wire.md, which is
kept beside the recordings) and from the JSON alone. `reading_events` makes such an object of a
stream. A comment names the source of each decision that the recording does not make by itself. If
you change this file, do not read the engine's decoder first: what both misread, no test sees.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.wire.plain_errors import PlainError, error_in_a_body, error_of_a_status
from tests.wire.plain_reading import kept_headers, request_id
from tests.wire.reading import Reading, opaque, whole_characters

API = "responses"
# The items whose blocks are parts; any other item is kept whole, in its place (wire.md 18.1: "read
# by their `type`, keep, send back verbatim").
_READ = ("message", "reasoning", "function_call", "custom_tool_call")
# What a part has a place of its own for. The rest of an item belongs to its first part.
_PLACED = {
    "message": ("type", "role", "content"),
    "reasoning": ("type", "summary", "content", "encrypted_content"),
    "function_call": ("type", "call_id", "name", "arguments"),
    "custom_tool_call": ("type", "call_id", "name", "input"),
}
# wire.md 18.1.
_NO_ANSWER_YET = (None, "queued", "in_progress")
_TEXT_KEYS = ("type", "text", "logprobs")
_COUNTS = {
    "input_tokens": None,
    "output_tokens": None,
    "total_tokens": None,
    "input_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "output_tokens_details": ("reasoning_tokens",),
    "cost": None,
}


def read_whole_exchange(row: dict[str, Any], *, lost: bool = False) -> Reading:
    """Return what the client must make of an exchange whose reply is not a stream.

    Args:
        row: The exchange.
        lost: Whether the connection broke after the body.
    """
    body, headers = row["response_body_text"], kept_headers(row)
    if row["status"] >= 400:
        reading = Reading(error=error_of_a_status(row["status"], headers, body))
    elif lost:
        reading = Reading(error=PlainError("LlmConnectionLostError"))
    else:
        reading = read_whole(body)
    reading.headers = {} if reading.error else headers
    reading.request_id = request_id(headers)
    return reading


def read_whole(body: str) -> Reading:
    """Read the body of a reply that came at once."""
    try:
        data = json.loads(body)
    except ValueError:
        kind = "LlmDecodeError" if body.strip() else "LlmUnexpectedContentError"
        return Reading(error=PlainError(kind))
    if not is_response(data):
        error = error_in_a_body(data, body)
        return Reading(error=error or PlainError("LlmUnexpectedContentError"))
    reading = read_response(data)
    if data.get("error"):
        reading.error = error_in_a_body(data, body)
    reading.raw = body.encode()
    return reading


def is_response(data: Any) -> bool:
    """Whether it is a `response` object: it has `output` (wire.md 4.2)."""
    return isinstance(data, dict) and isinstance(data.get("output"), list)


def read_response(data: dict[str, Any], parts: list[dict[str, Any]] | None = None) -> Reading:
    """Read a `response` object; `parts` replaces those of its `output`."""
    reading = Reading(
        id=data.get("id") or None,
        model=data.get("model") or None,
        created=created_of(data.get("created_at")),
        status=data.get("status") or None,
        parts=parts_of(data.get("output") or []) if parts is None else parts,
        usage=read_usage(data.get("usage") or {}),
        details=details_of(data.get("usage") or {}),
        stop_details=data.get("incomplete_details"),
    )
    reading.finish_reason = finish_of(data, reading.parts)
    reading.provider_finish_reason = word_of(data)
    reading.citations = citations_of(reading.parts)
    if parts is None:
        for item in data.get("output") or []:
            for block in (item.get("content") or []) if item.get("type") == "message" else []:
                reading.logprobs += read_logprobs(block.get("logprobs"))
    return reading


def created_of(value: Any) -> int | None:
    """Return the time in whole seconds; 0 is absent, as in chat (wire.md 1)."""
    return int(value) or None if isinstance(value, (int, float)) else None


def parts_of(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts of all items, in their order."""
    return [part for item in output for part in parts_of_item(item)]


def parts_of_item(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of an item, each as `LlmMessage` dumps it, without the provider."""
    kind = item.get("type")
    if kind not in _READ:
        return [opaque("output", item)]
    rest = {key: value for key, value in item.items() if key not in _PLACED[kind]}
    if kind == "message":
        parts = [_message_part(block) for block in item.get("content") or []]
        if not parts:
            return [opaque("output", item)]
    elif kind == "reasoning":
        parts = _reasoning_parts(item)
    else:
        return [_call(item, kind, rest)]
    first, *others = parts
    first["item"] = rest
    for part in others:
        part["item"] = {**({"id": item["id"]} if item.get("id") else {}), "continues": True}
    return parts


def _message_part(block: dict[str, Any]) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "output_text":
        rest = {key: value for key, value in block.items() if key not in _TEXT_KEYS}
        return {"type": "text", "text": whole_characters(block.get("text") or ""), **rest}
    if kind == "refusal":
        rest = {key: value for key, value in block.items() if key not in ("type", "refusal")}
        return {"type": "refusal", "text": whole_characters(block.get("refusal") or ""), **rest}
    return opaque("content", block)


def _reasoning_parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    parts = []
    # The summary comes first: in the recordings no item has both.
    for place in ("summary", "content"):
        for block in item.get(place) or []:
            rest = {key: value for key, value in block.items() if key not in ("type", "text")}
            text = whole_characters(block.get("text") or "")
            parts.append({"type": "reasoning", "text": text, "field": place, **rest})
    parts = parts or [{"type": "reasoning", "text": ""}]
    if item.get("encrypted_content"):
        parts[-1]["signature"] = item["encrypted_content"]
    return parts


def _call(item: dict[str, Any], kind: str, rest: dict[str, Any]) -> dict[str, Any]:
    custom = kind == "custom_tool_call"
    arguments = item.get("input" if custom else "arguments") or ""
    return {
        "type": "tool_call",
        "id": item.get("call_id"),
        "name": item.get("name") or "",
        "arguments": whole_characters(arguments),
        "extra": {"item": rest, **({"custom": {}} if custom else {})},
    }


def finish_of(data: dict[str, Any], parts: list[dict[str, Any]]) -> str | None:
    """Return the finish reason in tokenwire's words (wire.md 4.2 and 18.0)."""
    status = data.get("status")
    if status in _NO_ANSWER_YET:
        return None
    kinds = {part["type"] for part in parts}
    if "refusal" in kinds:
        return "refusal"
    if status == "incomplete":
        reason = (data.get("incomplete_details") or {}).get("reason")
        known = {"max_output_tokens": "length", "content_filter": "content_filter"}
        return known.get(reason or "", "other")
    if status in ("cancelled", "failed"):
        return "abort" if status == "cancelled" else "error"
    # Two hand-made recordings say `complete`; wire.md 4.2 ends its list with "else stop".
    return "tool_calls" if "tool_call" in kinds else "stop"


def word_of(data: dict[str, Any]) -> str | None:
    """Return the provider's word: the reason of an incomplete reply, otherwise the status."""
    status: str | None = data.get("status") or None
    if status in _NO_ANSWER_YET:
        return None
    reason: str | None = (data.get("incomplete_details") or {}).get("reason")
    return reason if status == "incomplete" and reason else status


def read_usage(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return the token counts by wire.md 18.10; a count that was not sent is None, never 0."""
    if not usage:
        return None
    into, out = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    prompt, completion = usage.get("input_tokens"), usage.get("output_tokens")
    total, cost = usage.get("total_tokens"), usage.get("cost")
    if total is None and prompt is not None and completion is not None:
        total = prompt + completion
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "cached_tokens": into.get("cached_tokens"),
        "cache_write_tokens": into.get("cache_write_tokens"),
        "reasoning_tokens": out.get("reasoning_tokens"),
        "cost_usd": Decimal(json.dumps(cost)) if isinstance(cost, (int, float)) else None,
    }


def details_of(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return what else the usage says; None if that is nothing."""
    rest: dict[str, Any] = {}
    for key, value in usage.items():
        if key not in _COUNTS:
            rest[key] = value
        elif isinstance(value, dict) and (counted := _COUNTS[key]) is not None:
            rest[key] = {name: one for name, one in value.items() if name not in counted}
    return {key: value for key, value in rest.items() if value != {}} or None


def citations_of(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the annotations of all texts; their indexes count characters of their block.

    OpenAI writes 0 and 0 for a file that no words refer to, such as a picture: no span.
    """
    found = []
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    before = 0
    for part in parts:
        if part["type"] != "text":
            continue
        for one in part.get("annotations") or []:
            start, end = one.get("start_index"), one.get("end_index")
            has_span = start is not None and end is not None and start < end
            span = (before + start, before + end) if has_span else (None, None)
            found.append(
                {
                    "start": span[0],
                    "end": span[1],
                    "text": text[slice(*span)] if has_span else None,
                    "document": one.get("file_id") or one.get("filename"),
                    "url": one.get("url"),
                    "title": one.get("title"),
                    "raw": one,
                }
            )
        before += len(part["text"])
    return found


def read_logprobs(logprobs: Any) -> list[tuple[Any, ...]]:
    """Return (token, logprob, bytes, top, text offset) of each token."""
    return [
        (
            one["token"],
            one.get("logprob"),
            _bytes(one),
            tuple((t["token"], t["logprob"], _bytes(t)) for t in one.get("top_logprobs") or []),
            None,
        )
        for one in logprobs or []
    ]


def _bytes(entry: dict[str, Any]) -> bytes | None:
    return None if entry.get("bytes") is None else bytes(entry["bytes"])
