"""Every recorded stream of Gemini, ended early in each way in which a stream can end.

Nothing that arrived is lost, nothing is added, and none of them looks like a short reply. A stream
of events has no mark of its end but the end of the body (wire.md 6.3): once a finish reason came, a
clean end is the end, wherever it is, so these streams are cut before it. An array has its bracket.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.cutting import ENDINGS
from tests.wire.gemini.cutting import cut, ends_of, finished_at, with_error
from tests.wire.gemini.recorded import ARRAYS, STREAMS
from tests.wire.gemini.replaying import GeminiReplay
from tests.wire.reading_table import Table
from tests.wire.socket_replays import CHUNKINGS, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

# A close is told apart from a reset by the transports alone.
_SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in ENDINGS if "close" in how]
# One stream is an error from the start, and 60 have their finish reason in the first piece.
IN_ONE_PIECE = 60
ERRORS: tuple[dict[str, object], ...] = (
    {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"},
    {"code": 429, "message": "Resource exhausted.", "status": "RESOURCE_EXHAUSTED"},
    {"code": 500, "message": "An internal error.", "status": "INTERNAL"},
    {"code": 499, "message": "The operation was cancelled.", "status": "CANCELLED"},
    {"message": "No code."},
)


@pytest.fixture(scope="module")
def streams(gemini_rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recorded streams that hold a reply."""
    rows = [row for row in gemini_rows if row["api"] == "gemini.stream" and row["status"] == 200]
    assert len(rows) == STREAMS + ARRAYS - 1
    return rows


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [*[how for how in ENDINGS if "close" not in how], *_SLOW])
def test_a_stream_that_ends_early_is_an_error_with_all_that_arrived(
    streams: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
    every_row: bool,
    how: str,
) -> None:
    if "close" in how and not every_row:
        pytest.skip("a minute: run it with -m slow")
    inside, ending, kind = ENDINGS[how]
    turn = ("direct", "general").index(transport)
    bodies = [(row, cut(row["response_body_text"], inside=inside)) for row in streams]
    replays = [
        GeminiReplay(
            {**row, "response_body_text": body}, CHUNKINGS[(place + turn) % len(CHUNKINGS)], ending
        )
        for place, (row, body) in enumerate(bodies)
        if body is not None
    ]
    assert len(replays) == len(streams) - (0 if inside else IN_ONE_PIECE)
    table = Table({})
    kinds = set()
    with_content = 0
    for replay, seen in in_turn(replays):
        table.add(replay, seen, replay.expected())
        kinds.add(seen.error.kind if seen.error else None)
        with_content += bool(seen.parts)
    # Without the reading: none of them is a reply.
    assert kinds == {kind}
    table.check(report_line, whole=False)
    assert with_content >= 90


def test_a_stream_that_ends_behind_its_finish_reason_is_whole(
    streams: list[dict[str, Any]], transport: str, report_line: Callable[[str], None]
) -> None:
    """Its end is the end of the body, so this one looks like one that has no more.

    An array without its bracket does not.
    """
    turn = ("direct", "general").index(transport)
    replays: list[GeminiReplay] = []
    for row in streams:
        ends = ends_of(row["response_body_text"])
        last = finished_at(row["response_body_text"], ends)
        if last == len(ends) - 1 and row["is_sse"]:
            continue
        body = row["response_body_text"][: ends[last]]
        chunking = CHUNKINGS[(len(replays) + turn) % len(CHUNKINGS)]
        replays.append(GeminiReplay({**row, "response_body_text": body}, chunking))
    table = Table({})
    whole = 0
    for replay, seen in in_turn(replays):
        whole += seen.error is None
        assert (seen.error is None) == replay.row["is_sse"], replay.name
        table.add(replay, seen, replay.expected())
    table.check(report_line, whole=False)
    assert (whole, table.rows) == (4, 4 + ARRAYS)


@pytest.mark.timeout(300)
def test_a_stream_with_an_error_in_the_middle_is_that_error(
    streams: list[dict[str, Any]], transport: str, report_line: Callable[[str], None]
) -> None:
    turn = ("direct", "general").index(transport)
    bodies = [
        (row, with_error(row["response_body_text"], ERRORS[place % len(ERRORS)]))
        for place, row in enumerate(streams)
    ]
    replays = [
        GeminiReplay(
            {**row, "response_body_text": body}, CHUNKINGS[(place + turn) % len(CHUNKINGS)]
        )
        for place, (row, body) in enumerate(bodies)
        if body is not None
    ]
    assert len(replays) == len(streams) - IN_ONE_PIECE
    table = Table({})
    kinds: Counter[str] = Counter()
    for replay, seen in in_turn(replays):
        assert seen.error is not None
        kinds[seen.error.kind] += 1
        table.add(replay, seen, replay.expected())
    table.check(report_line, whole=False)
    assert kinds == {"LlmStreamServerError": len(replays)}
