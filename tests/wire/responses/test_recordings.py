"""Every recorded exchange of the Responses API, with the real client over a socket.

Each one is replayed whole, in pieces of 7 bytes, and in pieces of random length, to sync and async
calls; a stream is then read as chunks, as events and as batches. The result must not depend on any
of it, and must equal what a second, simple reader finds in the recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.reading_table import Table
from tests.wire.responses.recorded import ROWS, STREAMS
from tests.wire.responses.replaying import ResponsesReplay
from tests.wire.socket_replays import CHUNKINGS, Replays, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

# Why a row differs from the reading, by the end of its source.
KNOWN: dict[str, str] = {}


def judge(replays: list[ResponsesReplay], report_line: Callable[[str], None]) -> Table:
    """Replay them, sync and async in turn, and compare each outcome with the reading."""
    table = Table(KNOWN)
    for replay, seen in in_turn(replays):
        table.add(replay, seen, replay.expected())
    table.check(report_line)
    return table


@pytest.mark.no_connection
def test_the_recordings_are_all_there(responses_rows: list[dict[str, Any]]) -> None:
    assert len(responses_rows) == ROWS
    assert sum(row["is_sse"] for row in responses_rows) == STREAMS
    assert sum(row["status"] >= 400 for row in responses_rows) == 18


@pytest.mark.timeout(300)
def test_every_recording_is_read_as_it_is_meant(
    responses_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
) -> None:
    # Over each transport another chunking, and the other kind of call.
    turn = ("direct", "general").index(transport)
    replays = [
        ResponsesReplay(row, CHUNKINGS[(place + turn) % len(CHUNKINGS)])
        for place, row in enumerate(responses_rows[turn:] + responses_rows[:turn])
    ]
    assert judge(replays, report_line).rows == ROWS


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_every_recording_is_read_alike_however_it_arrives(
    responses_rows: list[dict[str, Any]],
    report_line: Callable[[str], None],
    every_row: bool,
    chunking: str,
    asynchronous: bool,
) -> None:
    if not every_row:
        pytest.skip("the rest of the product, a minute or two: run it with -m slow")
    table = Table(KNOWN)
    replays = [ResponsesReplay(row, chunking) for row in responses_rows]
    for replay, seen in zip(
        replays, Replays(replays).outcomes(asynchronous=asynchronous), strict=True
    ):
        table.add(replay, seen, replay.expected())
    table.check(report_line)
    assert table.reads == ROWS
