"""A plain reading of Messages replies: slow, obvious, and written without the engine.

It says what a recorded `message` must give, from the notes on the wire (wire.md, which is kept
beside the recordings) and from the JSON alone. `reading_events` makes such a message of a stream. A
comment names the source of each decision that the recording does not make by itself. If you change
this file, do not read the engine's decoder first: what both misread, no test sees.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.wire.plain_errors import PlainError, error_in_a_body, error_of_a_status, kind_of
from tests.wire.plain_reading import kept_headers, request_id
from tests.wire.reading import Reading, opaque, whole_characters

API = "messages"
# wire.md 5.2 and 18.0. A word that is not here is `other`: `pause_turn` and `compaction` say that
# the server wants to go on.
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
# wire.md 13: the status that an error has where it does not arrive under one.
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
# What a part has a place of its own for.
_PLACED = {
    "text": ("type", "text"),
    "thinking": ("type", "thinking", "signature"),
    "tool_use": ("type", "id", "name", "input"),
}
# The counts that have a place of their own (wire.md 18.10); the rest of the usage is its details.
_COUNTS = {
    "input_tokens": None,
    "output_tokens": None,
    "cache_creation_input_tokens": None,
    "cache_read_input_tokens": None,
    "output_tokens_details": ("thinking_tokens",),
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
    return with_head(reading, headers)


def with_head(reading: Reading, headers: dict[str, str]) -> Reading:
    """Return the reading with what the response's head says."""
    reading.headers = {} if reading.error else headers
    # The id of the request is in the body of an error, too (wire.md 14).
    reading.request_id = request_id(headers)
    if reading.request_id is None and reading.error is not None:
        reading.request_id = id_in(reading.error)
    return reading


def id_in(error: PlainError) -> str | None:
    """Return the id of the request that the body of an error has."""
    try:
        data = json.loads(error.body or b"")
    except ValueError:
        return None
    return (data.get("request_id") or None) if isinstance(data, dict) else None


def read_whole(body: str) -> Reading:
    """Read the body of a reply that came at once."""
    try:
        data = json.loads(body)
    except ValueError:
        kind = "LlmDecodeError" if body.strip() else "LlmUnexpectedContentError"
        return Reading(error=PlainError(kind))
    if not is_message(data):
        error = error_in_a_body(data, body)
        return Reading(error=plain(error) if error else PlainError("LlmUnexpectedContentError"))
    reading = read_message(data)
    reading.raw = body.encode()
    return reading


def is_message(data: Any) -> bool:
    """Whether it is a `message`: it has a list of blocks (wire.md 5.2)."""
    return isinstance(data, dict) and isinstance(data.get("content"), list)


def plain(error: PlainError) -> PlainError:
    """Return it with the class that its type has as a status (wire.md 13)."""
    error.kind = kind_of(_STATUSES.get(error.type or ""), error)
    return error


def read_message(data: dict[str, Any]) -> Reading:
    """Read a `message`."""
    parts = [part_of(block) for block in data.get("content") or []]
    word = data.get("stop_reason") or None
    usage = data.get("usage") or {}
    return Reading(
        id=data.get("id") or None,
        model=data.get("model") or None,
        parts=parts,
        finish_reason=finish_of(word, parts),
        provider_finish_reason=word,
        stop_details=data.get("stop_details") or _stopped_at(data.get("stop_sequence")),
        usage=read_usage(usage),
        details=details_of(usage),
        citations=citations_of(parts),
    )


def _stopped_at(sequence: str | None) -> dict[str, Any] | None:
    """Return the sequence that ended the reply; it has no other place in one of ours."""
    return None if sequence is None else {"stop_sequence": sequence}


def part_of(block: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a block, as `LlmMessage` dumps it, without the provider."""
    kind = block.get("type") or ""
    if kind not in _PLACED:
        return opaque("content", block)
    rest = {key: value for key, value in block.items() if key not in _PLACED[kind]}
    if kind == "text":
        return {"type": "text", "text": whole_characters(block.get("text") or ""), **rest}
    if kind == "thinking":
        text = whole_characters(block.get("thinking") or "")
        part = {"type": "reasoning", "text": text, "field": "thinking", **rest}
        # Ollama's has none; absent and empty are the same (wire.md 1).
        return {**part, "signature": block["signature"]} if block.get("signature") else part
    given = block.get("input")
    # A stream has the text of the JSON, a whole reply the JSON.
    arguments = whole_characters(given) if isinstance(given, str) else json.dumps(given)
    return {
        "type": "tool_call",
        "id": block.get("id"),
        "name": block.get("name") or "",
        "arguments": arguments,
        **({"extra": rest} if rest else {}),
    }


def finish_of(word: str | None, parts: list[dict[str, Any]]) -> str | None:
    """Return the finish reason in tokenwire's words (design.md 1), in its order."""
    if word is None:
        return None
    finish = _FINISH.get(word, "other")
    calls = any(part["type"] == "tool_call" for part in parts)
    return "tool_calls" if calls and finish not in ("refusal", "length") else finish


def read_usage(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return the token counts by wire.md 18.10; a count that was not sent is None, never 0."""
    if not usage:
        return None
    written, read = usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens")
    prompt, completion = usage.get("input_tokens"), usage.get("output_tokens")
    if prompt is not None:
        prompt += (written or 0) + (read or 0)
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens")
    cost = usage.get("cost")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": None if prompt is None or completion is None else prompt + completion,
        "cached_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": thinking,
        "cost_usd": Decimal(json.dumps(cost)) if isinstance(cost, (int, float)) else None,
    }


def details_of(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return what else the usage says; None if that is nothing. Null is absent (wire.md 1)."""
    rest: dict[str, Any] = {}
    for key, value in usage.items():
        if key not in _COUNTS:
            rest[key] = value
        elif isinstance(value, dict) and (counted := _COUNTS[key]) is not None:
            rest[key] = {name: one for name, one in value.items() if name not in counted}
    return {key: value for key, value in rest.items() if value not in ({}, None)} or None


def _place_of(citation: dict[str, Any]) -> dict[str, str | None]:
    """Return the URL of what is cited, or else the document, by its id or its name."""
    # A search result of the caller's names its source, which is mostly a URL.
    source = citation.get("source")
    is_url = source is not None and source.startswith(("http://", "https://"))
    names = (citation.get("file_id"), citation.get("document_title"), None if is_url else source)
    return {
        "url": citation.get("url") or (source if is_url else None),
        "document": next((name for name in names if name), None),
    }


def citations_of(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the citations of all texts.

    A citation supports the whole text of its block. Its own indexes point into the document that
    is cited, not into the reply (wire.md 5.3; Anthropic's guide to citations).
    """
    found: list[dict[str, Any]] = []
    before = 0
    for part in parts:
        if part["type"] != "text":
            continue
        text = part["text"]
        span = {"start": before, "end": before + len(text), "text": text}
        found += [
            {
                **(span if text else dict.fromkeys(span)),
                **_place_of(one),
                "title": one.get("title") or one.get("document_title"),
                "raw": one,
            }
            for one in part.get("citations") or []
        ]
        before += len(text)
    return found
