"""The plain reading itself: it reads every recording, sees every field, and agrees with itself."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest
from tests.wire.messages.reading import read_whole_exchange
from tests.wire.messages.reading_events import read_stream_exchange
from tests.wire.messages.recorded import ERRORS, ROWS, STREAMS
from tests.wire.reading import Reading

pytestmark = pytest.mark.no_connection

KINDS_OF_ERRORS = {
    "LlmAPIError": 14,
    "LlmAuthenticationError": 3,
    "LlmModelNotFoundError": 4,
    "LlmContextLengthError": 1,
}
# What the Messages API does not have.
_NEVER = ("created", "status", "logprobs", "other_ids", "contradictions", "others")


def read(row: dict[str, Any]) -> Reading:
    return read_stream_exchange(row) if row["is_sse"] else read_whole_exchange(row)


def test_the_recordings_are_all_there(messages_rows: list[dict[str, Any]]) -> None:
    assert len(messages_rows) == ROWS
    assert sum(row["is_sse"] for row in messages_rows) == STREAMS
    assert sum(row["status"] >= 400 for row in messages_rows) == ERRORS


def test_every_recording_has_a_reading(messages_rows: list[dict[str, Any]]) -> None:
    readings = [read(row) for row in messages_rows]
    assert Counter(one.error.kind for one in readings if one.error) == KINDS_OF_ERRORS
    finished = Counter(one.finish_reason for one in readings if one.error is None)
    assert finished == {"stop": 578, "tool_calls": 284, "length": 13, "refusal": 4, "other": 1}
    words = Counter(one.provider_finish_reason for one in readings if one.error is None)
    assert words == {
        "end_turn": 560,
        "tool_use": 283,
        "stop_sequence": 19,
        "max_tokens": 13,
        "refusal": 4,
        "pause_turn": 1,
    }


def test_the_recordings_have_every_field_of_the_reading(
    messages_rows: list[dict[str, Any]],
) -> None:
    readings = [read(row) for row in messages_rows]
    for one in fields(Reading):
        seen = any(getattr(reading, one.name) for reading in readings)
        assert seen == (one.name not in _NEVER), one.name
    parts = [part for reading in readings for part in reading.parts]
    kinds = Counter(part["type"] for part in parts)
    assert kinds == {"text": 1012, "reasoning": 94, "tool_call": 318, "opaque": 236}
    keys = Counter(key for part in parts for key in part)
    assert keys["signature"] == 87
    assert keys["citations"] == 137
    assert Counter(key for part in parts for key in part.get("extra") or {}) == {"caller": 213}
    kept = Counter(part["value"]["type"] for part in parts if part["type"] == "opaque")
    assert len(kept) == 13
    assert kept["redacted_thinking"] == 11
    assert kept["compaction"] == 6
    assert sum(len(reading.citations) for reading in readings) == 155
    assert sum(reading.details is not None for reading in readings) == 817


def test_the_parts_of_a_reading_agree_with_each_other(messages_rows: list[dict[str, Any]]) -> None:
    results = 0
    for row in messages_rows:
        reading = read(row)
        calls = [part for part in reading.parts if part["type"] == "tool_call"]
        kept = [part["value"] for part in reading.parts if part["type"] == "opaque"]
        ids = [one["id"] for one in (*calls, *kept) if "id" in one]
        assert len(ids) == len(set(ids)), row["source"]
        for block in kept:
            # A result follows its call: code may have made the call in another reply.
            if "tool_use_id" in block and reading.provider_finish_reason != "pause_turn":
                results += block["tool_use_id"] in ids
        for call in calls:
            if reading.finish_reason != "length":
                assert isinstance(json.loads(call["arguments"]), dict), row["source"]
        if reading.provider_finish_reason == "tool_use":
            assert calls, row["source"]
        empty = [part for part in reading.parts if part.get("text") == ""]
        # One web search ends a paragraph with an empty text; signed thinking may be hidden.
        assert len([part for part in empty if "signature" not in part]) <= 1, row["source"]
    assert results >= 90
