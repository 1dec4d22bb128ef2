"""Every recorded exchange of Gemini, with the real client over a socket.

Each one is replayed whole, in pieces of 7 bytes, and in pieces of random length, to sync and async
calls; a stream is then read as chunks, as events and as batches. The result must not depend on any
of it, and must equal what a second, simple reader finds in the recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.gemini.recorded import ROWS
from tests.wire.gemini.replaying import GeminiReplay
from tests.wire.reading_table import Table
from tests.wire.socket_replays import CHUNKINGS, Replays, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

# Why a row differs from the reading, by the end of its source.
KNOWN: dict[str, str] = {}


@pytest.mark.timeout(300)
def test_every_recording_is_read_as_it_is_meant(
    gemini_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
) -> None:
    # Over each transport another chunking, and the other kind of call.
    turn = ("direct", "general").index(transport)
    replays = [
        GeminiReplay(row, CHUNKINGS[(place + turn) % len(CHUNKINGS)])
        for place, row in enumerate(gemini_rows[turn:] + gemini_rows[:turn])
    ]
    table = Table(KNOWN)
    for replay, seen in in_turn(replays):
        table.add(replay, seen, replay.expected())
    table.check(report_line)
    assert table.rows == ROWS


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_every_recording_is_read_alike_however_it_arrives(
    gemini_rows: list[dict[str, Any]],
    report_line: Callable[[str], None],
    every_row: bool,
    chunking: str,
    asynchronous: bool,
) -> None:
    if not every_row:
        pytest.skip("the rest of the product, a minute or two: run it with -m slow")
    table = Table(KNOWN)
    replays = [GeminiReplay(row, chunking) for row in gemini_rows]
    for replay, seen in zip(
        replays, Replays(replays).outcomes(asynchronous=asynchronous), strict=True
    ):
        table.add(replay, seen, replay.expected())
    table.check(report_line)
    assert table.reads == ROWS
