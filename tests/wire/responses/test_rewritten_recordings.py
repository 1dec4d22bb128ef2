"""Recorded Responses streams in other words: what servers vary must not change the reply.

Each way to vary a stream is in wire.md 4.3, 15 or 18.1, for some server. Every row is read with
`-m slow`, and one of a few otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.reading_table import Table
from tests.wire.responses.reading import read_whole
from tests.wire.responses.reading_events import TERMINAL, Event, first_stream, read_stream
from tests.wire.responses.replaying import ResponsesReplay
from tests.wire.rewriting import (
    another_stream_behind,
    done_mark,
    framed,
    keys_turned_round,
    other_line_ends,
    some,
    without_names,
)
from tests.wire.socket_replays import CHUNKINGS, Replays

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.reading import Reading

_DELTAS = (
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
)
LONGEST = 200_000  # characters; longer ones would only take longer


def misleading_names(stream: list[Event]) -> str:
    """As a gateway that names every event alike."""
    return framed(stream).replace("event: response.", "event: data.")


def doubled(stream: list[Event]) -> str:
    """As a server that repeats itself after a reconnection."""
    return framed(event for event in stream for _ in (0, 1))


def whole_texts_only(stream: list[Event]) -> str:
    """As LM Studio, which may leave out the deltas."""
    return framed(event for event in stream if event["type"] not in _DELTAS)


def items_only(stream: list[Event]) -> str:
    """As a server that only says when an item is done."""
    kept = ("response.created", "response.output_item.done", *TERMINAL)
    return framed(event for event in stream if event["type"] in kept)


def end_only(stream: list[Event]) -> str:
    """As a server that computes the reply before it streams it."""
    terminal = stream[-1]
    done = {
        event["output_index"]: event["item"]
        for event in stream
        if event["type"] == "response.output_item.done"
    }
    response = {**terminal["response"], "output": [done[index] for index in sorted(done)]}
    return framed([{**terminal, "response": response}])


def empty_output(stream: list[Event]) -> str:
    """As Codex of ChatGPT ends it."""
    terminal = stream[-1]
    return framed([*stream[:-1], {**terminal, "response": {**terminal["response"], "output": []}}])


def no_output(stream: list[Event]) -> str:
    """As one recording ends it."""
    terminal = stream[-1]
    response = {key: value for key, value in terminal["response"].items() if key != "output"}
    return framed([*stream[:-1], {**terminal, "response": response}])


def without_numbers_and_ids(stream: list[Event]) -> str:
    """As compatible servers that leave both out."""
    return framed(
        {key: value for key, value in event.items() if key not in ("sequence_number", "item_id")}
        for event in stream
    )


def rotating_ids(stream: list[Event]) -> str:
    """As Copilot sends it: each event names its item by another id."""
    return framed(
        {**event, "item_id": f"rotated_{number}"} if "item_id" in event else event
        for number, event in enumerate(stream)
    )


def indexes_from_one(stream: list[Event]) -> str:
    """As Bedrock counts the blocks."""
    return framed(
        {
            key: value + 1 if key in ("content_index", "summary_index") else value
            for key, value in event.items()
        }
        for event in stream
    )


def unknown_events(stream: list[Event]) -> str:
    """As a later version of the API, and with the comments and pings of gateways."""
    unknown = {"type": "response.some_future.delta", "output_index": 0, "delta": "x", "text": "y"}
    return framed(
        one
        for event in stream
        for one in (unknown, {**event, "some_future_key": {"delta": "x", "type": "error"}})
    ).replace("event: ", ": ping\n\nevent: ")


def pairs_joined(stream: list[Event]) -> str:
    """As a gateway that joins the deltas of one block that follow each other."""
    joined: list[Event] = []
    for event in stream:
        last = joined[-1] if joined else {"type": ""}
        place = ("type", "output_index", "content_index", "summary_index")
        same = all(last.get(key) == event.get(key) for key in place)
        if event["type"] in _DELTAS and same:
            logprobs = [*(last.get("logprobs") or []), *(event.get("logprobs") or [])]
            joined[-1] = {**last, "delta": last["delta"] + event["delta"]}
            if "logprobs" in event:
                joined[-1]["logprobs"] = logprobs
        else:
            joined.append(event)
    return framed(joined)


REWRITINGS = [
    without_names,
    other_line_ends,
    misleading_names,
    done_mark,
    another_stream_behind,
    doubled,
    whole_texts_only,
    items_only,
    end_only,
    empty_output,
    no_output,
    without_numbers_and_ids,
    rotating_ids,
    indexes_from_one,
    unknown_events,
    keys_turned_round,
    pairs_joined,
]
# Those that leave out an item that only the end has.
_NEED_EVERY_ITEM = (items_only, end_only, empty_output, no_output)


def fits(rewritten: Callable[[list[Event]], str], stream: list[Event]) -> bool:
    """Whether the stream still says all after the rewriting."""
    begun, done = (
        [
            event["output_index"]
            for event in stream
            if event["type"] == f"response.output_item.{how}"
        ]
        for how in ("added", "done")
    )
    if rewritten is doubled:
        # Only its number shows that an event is doubled.
        return "sequence_number" in stream[0]
    if rewritten is items_only and done != sorted(done):
        return False  # Only the order in which they began is known then.
    # One fixture lacks events in the middle, an item among them.
    whole = sorted(begun) == sorted(done) == list(range(len(begun)))
    return whole or rewritten not in _NEED_EVERY_ITEM


def _streams(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row
        for row in rows
        if row["is_sse"]
        and len(row["response_body_text"]) <= LONGEST
        and read_stream(row["response_body_text"]).error is None
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rewritten", REWRITINGS)
def test_a_stream_in_other_words_says_the_same(
    responses_rows: list[dict[str, Any]],
    transport: str,
    every_row: bool,
    report_line: Callable[[str], None],
    rewritten: Callable[[list[Event]], str],
) -> None:
    replays: list[ResponsesReplay] = []
    readings: list[Reading] = []
    turn = ("direct", "general").index(transport)
    for row in some(_streams(responses_rows), turn, every_row):
        stream = first_stream(row)
        if not fits(rewritten, stream):
            continue
        chunking = CHUNKINGS[(len(replays) + turn) % len(CHUNKINGS)]
        replays.append(ResponsesReplay({**row, "response_body_text": rewritten(stream)}, chunking))
        readings.append(ResponsesReplay(row, chunking).expected())
    assert len(replays) >= (200 if every_row else 20)
    table = Table({})
    for asynchronous in (False, True):
        half, expected = replays[asynchronous::2], readings[asynchronous::2]
        outcomes = Replays(half).outcomes(asynchronous=asynchronous)
        for replay, seen, reading in zip(half, outcomes, expected, strict=True):
            table.add(replay, seen, reading)
    table.check(report_line, whole=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("body", ["stream for complete()", "one event for stream()"])
def test_a_whole_reply_says_the_same_as_a_stream_of_one_event(
    responses_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
    every_row: bool,
    body: str,
) -> None:
    replays: list[ResponsesReplay] = []
    readings: list[Reading] = []
    turn = ("direct", "general").index(transport)
    whole = [row for row in responses_rows if not row["is_sse"] and row["status"] == 200]
    for row in some(whole, turn, every_row):
        reading = read_whole(row["response_body_text"])
        if reading.error is not None or reading.status not in ("completed", "incomplete"):
            continue
        terminal = {
            "type": f"response.{reading.status}",
            "sequence_number": 0,
            "response": json.loads(row["response_body_text"]),
        }
        headers = {"content-type": "text/event-stream"}
        streamed = {**row, "response_body_text": framed([terminal]), "response_headers": headers}
        replay = ResponsesReplay(streamed, "random", stream=body == "one event for stream()")
        reading.raw, reading.headers, reading.request_id = None, headers, None
        replays.append(replay)
        readings.append(reading)
    assert len(replays) >= (600 if every_row else 50)
    table = Table({})
    outcomes = Replays(replays).outcomes(asynchronous=bool(turn))
    for replay, seen, reading in zip(replays, outcomes, readings, strict=True):
        if not replay.streams:
            seen.raw = None
        table.add(replay, seen, reading)
    table.check(report_line, whole=False)
