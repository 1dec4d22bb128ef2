"""The plain reading itself: it reads every recording, sees every field, and agrees with itself."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest
from tests.wire.gemini.reading import read_whole_exchange
from tests.wire.gemini.reading_calls import OPEN, GrowingCall, closed, placed, steps
from tests.wire.gemini.reading_events import is_array, read_stream_exchange, stream_of
from tests.wire.gemini.recorded import ARRAYS, ERRORS, ROWS, STREAMS
from tests.wire.reading import Reading

pytestmark = pytest.mark.no_connection

KINDS_OF_ERRORS = {
    "LlmModelNotFoundError": 7,
    "LlmAPIError": 4,
    "LlmAuthenticationError": 2,
    "LlmRateLimitError": 2,
    "LlmContextLengthError": 1,
    # Three `cachedContents` under the address of a reply (wire.md 18.3, traps).
    "LlmUnexpectedContentError": 3,
    # A call of a tool that is not declared.
    "LlmServerError": 5,
}
# What Gemini does not have.
_NEVER = ("status", "other_ids", "contradictions")


def read(row: dict[str, Any]) -> Reading:
    if row["api"] == "gemini.stream":
        return read_stream_exchange(row)
    return read_whole_exchange(row)


def test_the_recordings_are_all_there(gemini_rows: list[dict[str, Any]]) -> None:
    assert len(gemini_rows) == ROWS
    streams = [row for row in gemini_rows if row["api"] == "gemini.stream"]
    assert sum(row["is_sse"] for row in streams) == STREAMS
    assert sum(is_array(row["response_body_text"]) for row in streams) == ARRAYS
    assert len(streams) == STREAMS + ARRAYS
    assert sum(row["status"] >= 400 for row in gemini_rows) == ERRORS


def test_every_recording_has_a_reading(gemini_rows: list[dict[str, Any]]) -> None:
    readings = [read(row) for row in gemini_rows]
    failed = [one.provider_finish_reason for one in readings if one.finish_reason == "error"]
    assert failed == ["UNEXPECTED_TOOL_CALL"] * 5
    assert Counter(one.error.kind for one in readings if one.error) == KINDS_OF_ERRORS
    ended = Counter(
        (one.finish_reason, one.provider_finish_reason) for one in readings if one.error is None
    )
    assert ended == {
        ("stop", "STOP"): 541,
        ("stop", "1"): 15,
        ("tool_calls", "STOP"): 330,
        ("tool_calls", "1"): 4,
        ("length", "MAX_TOKENS"): 6,
        ("content_filter", "SAFETY"): 1,
        ("content_filter", "MODEL_ARMOR"): 1,
    }


def test_the_recordings_have_every_field_of_the_reading(
    gemini_rows: list[dict[str, Any]],
) -> None:
    readings = [read(row) for row in gemini_rows]
    for one in fields(Reading):
        seen = any(getattr(reading, one.name) for reading in readings)
        assert seen == (one.name not in _NEVER), one.name
    parts = [part for reading in readings for part in reading.parts]
    kinds = Counter(part["type"] for part in parts)
    assert (kinds["reasoning"], kinds["tool_call"]) == (56, 366)
    signed = sum("thoughtSignature" in {**part, **part.get("extra", {})} for part in parts)
    kept = [part["value"] for part in parts if part["type"] == "opaque"]
    signed += sum("thoughtSignature" in value for value in kept if isinstance(value, dict))
    recorded = sum(row["response_body_text"].count('"thoughtSignature"') for row in gemini_rows)
    assert signed == recorded
    kinds = Counter(part["field"] for part in parts if part["type"] == "opaque")
    assert kinds["parts"] == 95
    assert kinds["groundingMetadata"] == 25
    assert sum(bool(reading.citations) for reading in readings) == 25
    assert sum(reading.details is not None for reading in readings) >= 800
    assert sum(bool(reading.others) for reading in readings) == 1


def test_the_parts_of_a_reading_agree_with_each_other(gemini_rows: list[dict[str, Any]]) -> None:
    for row in gemini_rows:
        reading = read(row)
        calls = [part for part in reading.parts if part["type"] == "tool_call"]
        for call in calls:
            assert isinstance(json.loads(call["arguments"]), dict), row["source"]
            assert call["name"], row["source"]
        if reading.finish_reason == "tool_calls":
            assert calls, row["source"]
        texts = [part for part in reading.parts if part["type"] in ("text", "reasoning")]
        assert all(part["text"] or len(part) > 2 for part in texts), row["source"]
        # Two neighbours of a stream are apart for a reason.
        if row["api"] == "gemini.stream":
            for left, right in zip(reading.parts, reading.parts[1:], strict=False):
                same = left.keys() == right.keys() == {"type", "text"}
                assert not same, row["source"]


def test_a_segment_is_where_its_text_is(gemini_rows: list[dict[str, Any]]) -> None:
    found = 0
    for row in gemini_rows:
        reading = read(row)
        segments = [
            (support["segment"].get("text"), support["groundingChunkIndices"])
            for piece in _responses(row)
            for candidate in piece.get("candidates") or []
            for support in (candidate.get("groundingMetadata") or {}).get("groundingSupports") or []
        ]
        named = [text for text, chunks in segments for _ in chunks]
        cited = [
            one for one in reading.citations if one["raw"].keys() & {"web", "retrievedContext"}
        ]
        for text, one in zip(named, cited, strict=True):
            # Where the quotes were folded, the bytes are not those that were counted.
            exact = one["text"] == text
            assert exact or row["fidelity"] == "json-reserialised+ascii-quotes"
            found += exact
            if one["text"] is not None:
                said = reading.said("text")[one["start"] : one["end"]]
                assert said == one["text"], row["source"]
    assert found >= 70


def _responses(row: dict[str, Any]) -> list[dict[str, Any]]:
    if row["status"] >= 400:
        return []
    if row["api"] == "gemini.stream":
        return stream_of(row)
    return [json.loads(row["response_body_text"])]


def test_a_stream_has_all_text_of_its_pieces(gemini_rows: list[dict[str, Any]]) -> None:
    for row in gemini_rows:
        reading = read(row)
        for thought, kind in ((None, "text"), (True, "reasoning")):
            said = [
                part["text"]
                for piece in _responses(row)
                for candidate in piece.get("candidates") or []
                if not candidate.get("index")
                for part in (candidate.get("content") or {}).get("parts") or []
                if "text" in part and part.get("thought") == thought
            ]
            assert reading.said(kind) == "".join(said), row["source"]


def test_arguments_are_joined_by_their_path() -> None:
    assert steps("$.a.b_1[0][2].c['d e']") == ["a", "b_1", 0, 2, "c", "d e"]
    call = GrowingCall({})
    call.add({"name": "f", "willContinue": True}, {"thoughtSignature": "s"})
    for path, said in (
        ("$.a[0].b", {"stringValue": "x", "willContinue": True}),
        ("$.a[0].b", {"stringValue": "y"}),
        ("$.a[1].b", {"numberValue": 0.5}),
        ("$.c", {"boolValue": False}),
        ("$.d", {"nullValue": "NULL_VALUE"}),
    ):
        call.add({"partialArgs": [{"jsonPath": path, **said}], "willContinue": True}, {})
    assert call.part()["arguments"].startswith(OPEN)
    call.add({}, {})
    assert json.loads(call.part()["arguments"]) == {
        "a": [{"b": "xy"}, {"b": 0.5}],
        "c": False,
        "d": None,
    }
    assert call.part()["extra"] == {"thoughtSignature": "s"}
    assert placed(None, ["a"], {"stringValue": ""}) == {"a": ""}


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ('{"a": "x', '{"a": "x"}'),
        ('{"a": [{"b": "\\"{', '{"a": [{"b": "\\"{"}]}'),
        ('{"a": 1', '{"a": 1}'),
        ("{", "{}"),
        ('{"a": 1}', None),
        ("", None),
    ],
)
def test_what_was_cut_off_can_be_closed(text: str, whole: str | None) -> None:
    assert closed(text) == whole
