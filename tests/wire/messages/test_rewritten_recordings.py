"""Recorded Messages streams in other words: what servers vary must not change the reply.

Each way to vary a stream is in wire.md 5.3, 15, 17 or 18.2, for some server, or follows from it.
Every row is read with `-m slow`, and one of a few otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.messages.reading import read_whole
from tests.wire.messages.reading_events import Event, Message, first_stream, read_stream
from tests.wire.messages.replaying import InterleavedReplay, MessagesReplay, WholeBlocksReplay
from tests.wire.reading_table import Table
from tests.wire.rewriting import (
    another_stream_behind,
    done_mark,
    framed,
    keys_turned_round,
    other_line_ends,
    some,
    without_names,
)
from tests.wire.socket_replays import CHUNKINGS, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.reading import Reading

LONGEST = 200_000  # characters; longer ones would only take longer
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def start_doubled(stream: list[Event]) -> str:
    """As one proxy sends it (wire.md 5.3)."""
    return framed([stream[0], *stream])


def pings_and_unknown_events(stream: list[Event]) -> str:
    """As a later version of the API; a `ping` may be anywhere."""
    unknown = {
        "type": "some_future_event",
        "index": 0,
        "delta": {"type": "text_delta", "text": "x"},
    }
    between = ({"type": "ping"}, unknown)
    return framed(
        one for event in stream for one in (*between, {**event, "some_future_key": {"text": "x"}})
    ).replace("event: ping", ": comment\n\nevent: ping")


def padded(stream: list[Event]) -> str:
    """As Anthropic pads its JSON (wire.md 5.3)."""
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)[:-1]}      }}\n\n" for event in stream
    )


def deltas_joined(stream: list[Event]) -> str:
    """As a gateway that joins the deltas of one block that follow each other."""
    joined: list[Event] = []
    for event in stream:
        last = joined[-1] if joined else {}
        kind = event.get("delta", {}).get("type")
        same = (last.get("index"), last.get("delta", {}).get("type")) == (event.get("index"), kind)
        if kind in _TEXTS and same:
            key = _TEXTS[kind]
            joined[-1] = {
                **last,
                "delta": {"type": kind, key: last["delta"][key] + event["delta"][key]},
            }
        else:
            joined.append(event)
    return framed(joined)


def deltas_split(stream: list[Event]) -> str:
    """As a server that sends each character alone."""
    found: list[Event] = []
    for event in stream:
        kind = event.get("delta", {}).get("type")
        if kind not in _TEXTS:
            found.append(event)
            continue
        key = _TEXTS[kind]
        found += [{**event, "delta": {"type": kind, key: one}} for one in event["delta"][key]]
    return framed(found)


def blocks_whole(stream: list[Event]) -> str:
    """As a server that has each block before it streams it: the start says all."""
    message = Message()
    for event in stream:
        message.add(event)
    found = [event for event in stream if not event["type"].startswith("content_block")]
    blocks: list[Event] = []
    for index in sorted(message.blocks):
        block = message.blocks[index].whole()
        if block["type"] == "tool_use":
            block = {**block, "input": json.loads(block["input"])}
        blocks += [
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "content_block_stop", "index": index},
        ]
    return framed([found[0], *blocks, *found[1:]])


def blocks_interleaved(stream: list[Event]) -> str:
    """As a server that sends its blocks in turns."""
    rows: dict[int, list[Event]] = {}
    for event in stream:
        if event["type"].startswith("content_block"):
            rows.setdefault(event["index"], []).append(event)
    others = [event for event in stream if not event["type"].startswith("content_block")]
    turns = [
        row[place]
        for place in range(max(map(len, rows.values()), default=0))
        for row in rows.values()
        if place < len(row)
    ]
    return framed([others[0], *turns, *others[1:]])


def blocks_overlapping(stream: list[Event]) -> str:
    """As llama.cpp, which begins a block before it ends the one before."""
    found: list[Event] = []
    for event in stream:
        begins = event["type"] == "content_block_start"
        if begins and found and found[-1]["type"] == "content_block_stop":
            found.insert(-1, event)
        else:
            found.append(event)
    return framed(found)


def without_stops(stream: list[Event]) -> str:
    """As a server that does not end its blocks."""
    return framed(event for event in stream if event["type"] != "content_block_stop")


def usage_once(stream: list[Event]) -> str:
    """As a server that counts at the end alone."""
    message = Message()
    for event in stream:
        message.add(event)
    found = []
    for event in stream:
        if event["type"] == "message_start":
            head = {key: value for key, value in event["message"].items() if key != "usage"}
            found.append({**event, "message": head})
        elif event["type"] == "message_delta":
            found.append({**event, "usage": message.usage})
        else:
            found.append(event)
    return framed(found)


REWRITINGS = [
    without_names,
    other_line_ends,
    done_mark,
    another_stream_behind,
    keys_turned_round,
    start_doubled,
    pings_and_unknown_events,
    padded,
    deltas_joined,
    deltas_split,
    blocks_whole,
    blocks_interleaved,
    blocks_overlapping,
    pytest.param(
        without_stops,
        marks=pytest.mark.xfail(strict=True, reason="a block that is kept whole loses its deltas"),
    ),
    usage_once,
]


_KINDS: dict[object, type[MessagesReplay]] = {
    blocks_whole: WholeBlocksReplay,
    blocks_interleaved: InterleavedReplay,
}


def fits(rewritten: Callable[[list[Event]], str], row: dict[str, Any]) -> bool:
    """Whether the stream still says all after the rewriting."""
    message = Message()
    for event in first_stream(row):
        message.add(event)
    blocks = message.blocks.values()
    if rewritten is without_stops:
        # Nothing shows then that a call without arguments has none.
        return all("".join(block.json) for block in blocks if block.said["type"] == "tool_use")
    # One fixture was cut off inside a call.
    return all(block.done for block in blocks)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rewritten", REWRITINGS)
def test_a_stream_in_other_words_says_the_same(
    messages_rows: list[dict[str, Any]],
    transport: str,
    every_row: bool,
    report_line: Callable[[str], None],
    rewritten: Callable[[list[Event]], str],
) -> None:
    replays: list[MessagesReplay] = []
    readings: list[Reading] = []
    turn = ("direct", "general").index(transport)
    streams = [
        row
        for row in messages_rows
        if row["is_sse"] and len(row["response_body_text"]) <= LONGEST and fits(rewritten, row)
    ]
    for row in some(streams, turn, every_row):
        chunking = CHUNKINGS[(len(replays) + turn) % len(CHUNKINGS)]
        body = rewritten(first_stream(row))
        kind = _KINDS.get(rewritten, MessagesReplay)
        replays.append(kind({**row, "response_body_text": body}, chunking))
        readings.append(MessagesReplay(row, chunking).expected())
    assert len(replays) >= (230 if every_row else 20)
    table = Table({})
    expected = [*readings[0::2], *readings[1::2]]
    for (replay, seen), reading in zip(in_turn(replays), expected, strict=True):
        table.add(replay, seen, reading)
    table.check(report_line, whole=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_whole_reply_says_the_same_as_a_stream_of_its_blocks(
    messages_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
    every_row: bool,
) -> None:
    replays: list[MessagesReplay] = []
    readings: list[Reading] = []
    turn = ("direct", "general").index(transport)
    whole = [row for row in messages_rows if not row["is_sse"] and row["status"] == 200]
    for row in some(whole, turn, every_row):
        message = json.loads(row["response_body_text"])
        start = {**message, "content": [], "stop_reason": None}
        delta = {key: message.get(key) for key in ("stop_reason", "stop_sequence", "stop_details")}
        events: list[Event] = [{"type": "message_start", "message": start}]
        for index, block in enumerate(message["content"]):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            events.append({"type": "content_block_stop", "index": index})
        events.append({"type": "message_delta", "delta": delta, "usage": message["usage"]})
        events.append({"type": "message_stop"})
        headers = {"content-type": "text/event-stream"}
        streamed = {
            **row,
            "is_sse": True,
            "response_body_text": framed(events),
            "response_headers": headers,
        }
        assert (
            read_stream(streamed["response_body_text"]).parts
            == read_whole(row["response_body_text"]).parts
        )
        replays.append(WholeBlocksReplay(streamed, "random"))
        reading = read_whole(row["response_body_text"])
        reading.raw, reading.headers = None, headers
        readings.append(reading)
    assert len(replays) >= (600 if every_row else 50)
    table = Table({})
    expected = [*readings[0::2], *readings[1::2]]
    for (replay, seen), reading in zip(in_turn(replays), expected, strict=True):
        table.add(replay, seen, reading)
    table.check(report_line, whole=False)
