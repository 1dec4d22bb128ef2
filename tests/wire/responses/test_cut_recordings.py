"""Every recorded Responses stream, ended near its middle in each way in which a stream can end.

Nothing that arrived is lost, nothing is added, and none of them looks like a short reply.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.cutting import ENDINGS, cut
from tests.wire.reading_table import Table
from tests.wire.responses.recorded import STREAMS
from tests.wire.responses.replaying import ResponsesReplay
from tests.wire.socket_replays import CHUNKINGS, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

TERMINAL = re.compile(r'"type": ?"response\.(completed|incomplete|failed)"')
# A close is told apart from a reset by the transports alone.
_SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in ENDINGS if "close" in how]


# An error in each shape that is documented or recorded (wire.md 4.3, 12 and 13), for `code`.
ERRORS = {
    "flat": ("error", {"type": "error", "code": "CODE", "message": "m", "param": None}),
    "nested": ("error", {"type": "error", "error": {"type": "t", "code": "CODE", "message": "m"}}),
    "LM Studio's": ("error", {"error": {"message": "m", "code": "CODE"}, "message": "m"}),
    "vLLM's": ("", {"error": {"message": "m", "type": "t", "code": "CODE"}}),
    "a response that failed": (
        "response.failed",
        {
            "type": "response.failed",
            "response": {
                "id": "resp_1",
                "status": "failed",
                "error": {"code": "CODE", "message": "m"},
            },
        },
    ),
}
CODES = ("server_error", "rate_limit_exceeded", "insufficient_quota", "some_future_code")


def with_error(body: str, number: int) -> str:
    """Return the body up to an event near its middle, and an error."""
    name, event = list(ERRORS.values())[number % len(ERRORS)]
    data = json.dumps(event, separators=(",", ":")).replace(
        "CODE", CODES[number // len(ERRORS) % len(CODES)]
    )
    line = f"event: {name}\n" if name else ""
    return f"{cut(body, TERMINAL, inside=False)}{line}data: {data}\n\n"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [*[how for how in ENDINGS if "close" not in how], *_SLOW])
def test_a_stream_that_ends_early_is_an_error_with_all_that_arrived(
    responses_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
    every_row: bool,
    how: str,
) -> None:
    if "close" in how and not every_row:
        pytest.skip("a minute: run it with -m slow")
    inside, ending, kind = ENDINGS[how]
    turn = ("direct", "general").index(transport)
    replays = [
        ResponsesReplay(
            {**row, "response_body_text": cut(row["response_body_text"], TERMINAL, inside=inside)},
            CHUNKINGS[(place + turn) % len(CHUNKINGS)],
            ending,
        )
        for place, row in enumerate(row for row in responses_rows if row["is_sse"])
    ]
    assert len(replays) == STREAMS
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
    assert with_content >= 180


@pytest.mark.timeout(300)
def test_a_stream_with_an_error_in_the_middle_is_that_error(
    responses_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
) -> None:
    turn = ("direct", "general").index(transport)
    streams = [row for row in responses_rows if row["is_sse"]]
    replays = [
        ResponsesReplay(
            {**row, "response_body_text": with_error(row["response_body_text"], place + turn)},
            CHUNKINGS[(place + turn) % len(CHUNKINGS)],
        )
        for place, row in enumerate(streams)
    ]
    table = Table({})
    for replay, seen in in_turn(replays):
        table.add(replay, seen, replay.expected())
    table.check(report_line, whole=False)
    assert table.rows == STREAMS
