"""The plain reading itself: it reads every recording, sees every field, and agrees with itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

import pytest
from tests.wire.reading import Reading
from tests.wire.responses.reading import parts_of, read_whole_exchange
from tests.wire.responses.reading_events import (
    first_stream,
    read_stream,
    read_stream_exchange,
)

pytestmark = pytest.mark.no_connection

# Two streams end with an error, and one body is a chat completion under a wrong name.
ERRORS = {
    "LlmAPIError": 6,
    "LlmAuthenticationError": 7,
    "LlmModelNotFoundError": 6,
    "LlmQuotaExceededError": 1,
    "LlmUnexpectedContentError": 1,
}


def read(row: dict[str, Any]) -> Reading:
    return read_stream_exchange(row) if row["is_sse"] else read_whole_exchange(row)


def test_every_recording_has_a_reading(responses_rows: list[dict[str, Any]]) -> None:
    readings = [read(row) for row in responses_rows]
    errors = Counter(one.error.kind for one in readings if one.error)
    assert errors == ERRORS
    finished = Counter(one.finish_reason for one in readings if one.error is None)
    assert finished == {
        "stop": 616,
        "tool_calls": 256,
        "length": 4,
        "refusal": 3,
        "other": 2,
        None: 3,
    }


def test_the_recordings_have_every_field_of_the_reading(
    responses_rows: list[dict[str, Any]],
) -> None:
    readings = [read(row) for row in responses_rows]
    for one in fields(Reading):
        # Responses has one choice.
        if one.name not in ("contradictions", "others"):
            assert any(getattr(reading, one.name) for reading in readings), one.name
    parts = [part for reading in readings for part in reading.parts]
    kinds = Counter(part["type"] for part in parts)
    assert kinds == {
        "text": 615,
        "reasoning": 480,
        "tool_call": 292,
        "opaque": 170,
        "refusal": 3,
    }
    keys = Counter(key for part in parts for key in part)
    assert keys["signature"] == 283
    assert keys["annotations"] == 612
    items = [
        part.get("item") or part["extra"]["item"] for part in parts if part["type"] != "opaque"
    ]
    of_items = Counter(key for item in items for key in item)
    assert of_items["id"] == 1390
    assert of_items["phase"] == 148
    assert of_items["continues"] == 40
    assert of_items["namespace"] == 15
    assert sum(len(reading.citations) for reading in readings) == 119
    assert sum(reading.details is not None for reading in readings) == 110


def test_the_events_of_a_stream_say_the_same_as_its_end(
    responses_rows: list[dict[str, Any]],
) -> None:
    compared = 0
    for row in responses_rows:
        if not row["is_sse"] or read_stream(row["response_body_text"]).error:
            continue
        output = first_stream(row)[-1]["response"].get("output")
        if output:
            texts = [
                [part.get("text") or part.get("arguments") for part in parts]
                for parts in (read_stream(row["response_body_text"]).parts, parts_of(output))
            ]
            assert texts[0] == texts[1], row["source"]
            compared += 1
    assert compared >= 200
