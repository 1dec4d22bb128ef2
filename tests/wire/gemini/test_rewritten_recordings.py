"""Recorded streams of Gemini in other words: what servers vary must not change the reply.

Each way to vary a stream is in wire.md 1, 6.3, 15 or 18.3, for some server, or follows from it.
Every row is read with `-m slow`, and one of a few otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.gemini.reading_events import Event, stream_of
from tests.wire.gemini.replaying import GeminiReplay
from tests.wire.reading_table import Table
from tests.wire.rewriting import some
from tests.wire.socket_replays import CHUNKINGS, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.reading import Reading

LONGEST = 200_000  # characters; longer ones would only take longer


def framed(stream: list[Event], line_end: str = "\r\n") -> str:
    """Return the stream as Google sends it."""
    return "".join(f"data: {json.dumps(event)}{line_end}{line_end}" for event in stream)


def other_line_ends(stream: list[Event]) -> str:
    """As a gateway that speaks the protocol in Unix's lines."""
    return framed(stream, "\n")


def one_array(stream: list[Event]) -> str:
    """As without `alt=sse`, printed prettily."""
    return "[" + "\r\n,\r\n".join(json.dumps(event, indent=2) for event in stream) + "\r\n]"


def tight_array(stream: list[Event]) -> str:
    """As a proxy that prints the array without spaces."""
    return json.dumps(stream, separators=(",", ":")) + "\n"


def keys_turned_round(stream: list[Event]) -> str:
    """As a server that sorts its keys otherwise. Only the user's own keys keep their order."""

    def turned(value: Any, key: str = "") -> Any:
        if isinstance(value, list):
            return [turned(one) for one in value]
        if isinstance(value, dict) and key != "args":
            return {key: turned(one, key) for key, one in reversed(value.items())}
        return value

    return framed(turned(stream))


def unknown_keys_and_comments(stream: list[Event]) -> str:
    """As a later version of the API, behind a proxy that keeps the connection alive."""
    return ": comment\r\n\r\n" + framed(
        [{**event, "someFutureKey": {"text": "x"}} for event in stream]
    )


def letters_alone(stream: list[Event]) -> str:
    """As a server that sends each character of a text in a piece of its own."""
    found: list[Event] = []
    for event in stream:
        candidates = event.get("candidates") or []
        parts = (candidates[0].get("content") or {}).get("parts") or [] if candidates else []
        text = parts[0].get("text") if len(parts) == 1 and len(candidates) == 1 else None
        if not text or "thoughtSignature" in parts[0]:
            found.append(event)
            continue
        content = candidates[0]["content"]
        head = {"index": candidates[0].get("index", 0)}
        found += [
            {"candidates": [{**head, "content": {**content, "parts": [{**parts[0], "text": one}]}}]}
            for one in text[:-1]
        ]
        last = {**content, "parts": [{**parts[0], "text": text[-1]}]}
        found.append({**event, "candidates": [{**candidates[0], "content": last}]})
    return framed(found)


def empty_pieces(stream: list[Event]) -> str:
    """As a server that sends pieces without content, in each way that wire.md 6.2 knows."""
    empty: list[Event] = [
        {"candidates": [{"index": 0}]},
        {"candidates": [{"content": {}, "index": 0}]},
        {"candidates": [{"content": {"role": "model", "parts": []}}]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}}]},
        {"usageMetadata": None},
    ]
    return framed([one for event in stream for one in (*empty, event)])


def finished_again(stream: list[Event]) -> str:
    """As a server whose finish reason comes before the last piece, which repeats it."""
    last = stream[-1]
    ended = [
        {key: value for key, value in one.items() if key in ("index", "finishReason")}
        for one in last.get("candidates") or []
    ]
    return framed([*stream[:-1], {"candidates": ended}, last])


REWRITINGS = [
    other_line_ends,
    one_array,
    tight_array,
    keys_turned_round,
    unknown_keys_and_comments,
    letters_alone,
    empty_pieces,
    finished_again,
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rewritten", REWRITINGS)
def test_a_stream_in_other_words_says_the_same(
    gemini_rows: list[dict[str, Any]],
    transport: str,
    every_row: bool,
    report_line: Callable[[str], None],
    rewritten: Callable[[list[Event]], str],
) -> None:
    replays: list[GeminiReplay] = []
    readings: list[Reading] = []
    turn = ("direct", "general").index(transport)
    streams = [
        row
        for row in gemini_rows
        if row["api"] == "gemini.stream"
        and row["status"] == 200
        and len(row["response_body_text"]) <= LONGEST
    ]
    for row in some(streams, turn, every_row):
        chunking = CHUNKINGS[(len(replays) + turn) % len(CHUNKINGS)]
        body = rewritten(stream_of(row))
        replays.append(GeminiReplay({**row, "response_body_text": body}, chunking))
        readings.append(GeminiReplay(row, chunking).expected())
    assert len(replays) >= (160 if every_row else 15)
    table = Table({})
    expected = [*readings[0::2], *readings[1::2]]
    for (replay, seen), reading in zip(in_turn(replays), expected, strict=True):
        table.add(replay, seen, reading)
    table.check(report_line, whole=False)


@pytest.mark.timeout(600)
def test_a_whole_reply_says_the_same_as_a_stream_of_it(
    gemini_rows: list[dict[str, Any]],
    transport: str,
    every_row: bool,
    report_line: Callable[[str], None],
) -> None:
    """The parts of a whole reply stay apart, which those of a stream do not always."""
    replays: list[GeminiReplay] = []
    readings: list[Reading] = []
    turn = ("direct", "general").index(transport)
    whole = [row for row in gemini_rows if row["api"] == "gemini.generate"]
    headers = {"content-type": "text/event-stream"}
    for row in some(whole, turn, every_row):
        reading = GeminiReplay(row, "whole").expected()
        if reading.error is not None:
            continue
        body = framed([json.loads(row["response_body_text"])])
        streamed = GeminiReplay(
            {
                **row,
                "api": "gemini.stream",
                "is_sse": True,
                "response_body_text": body,
                "response_headers": headers,
            },
            "random",
        )
        if streamed.expected().parts != reading.parts:
            continue
        reading.raw, reading.headers = None, headers
        replays.append(streamed)
        readings.append(reading)
    assert len(replays) >= (700 if every_row else 60)
    table = Table({})
    expected = [*readings[0::2], *readings[1::2]]
    for (replay, seen), reading in zip(in_turn(replays), expected, strict=True):
        table.add(replay, seen, reading)
    table.check(report_line, whole=False)
