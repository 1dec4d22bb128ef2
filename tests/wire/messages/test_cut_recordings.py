"""Every recorded Messages stream, ended near its middle in each way in which a stream can end.

Nothing that arrived is lost, nothing is added, and none of them looks like a short reply.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.cutting import ENDINGS, cut
from tests.wire.messages.recorded import STREAMS
from tests.wire.messages.replaying import MessagesReplay
from tests.wire.reading_table import Table
from tests.wire.socket_replays import CHUNKINGS, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

TERMINAL = re.compile(r'"type": ?"message_stop"')
# A close is told apart from a reset by the transports alone.
_SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in ENDINGS if "close" in how]

# An error in each type of wire.md 13; no recording has one in a stream.
TYPES = (
    "overloaded_error",
    "api_error",
    "rate_limit_error",
    "timeout_error",
    "billing_error",
    "invalid_request_error",
    "some_future_error",
)


def with_error(body: str, number: int) -> str:
    """Return the body up to an event near its middle, and an error."""
    error = {"type": TYPES[number % len(TYPES)], "message": "The server's own words"}
    event: dict[str, Any] = {"type": "error", "error": error}
    if number % 2:
        event["request_id"] = "req_in_the_body"
    data = json.dumps(event, separators=(",", ":"))
    return f"{cut(body, TERMINAL, inside=False)}event: error\ndata: {data}\n\n"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [*[how for how in ENDINGS if "close" not in how], *_SLOW])
def test_a_stream_that_ends_early_is_an_error_with_all_that_arrived(
    messages_rows: list[dict[str, Any]],
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
        MessagesReplay(
            {**row, "response_body_text": cut(row["response_body_text"], TERMINAL, inside=inside)},
            CHUNKINGS[(place + turn) % len(CHUNKINGS)],
            ending,
        )
        for place, row in enumerate(row for row in messages_rows if row["is_sse"])
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
    assert with_content >= 220


@pytest.mark.timeout(300)
def test_a_stream_with_an_error_in_the_middle_is_that_error(
    messages_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
) -> None:
    turn = ("direct", "general").index(transport)
    replays = [
        MessagesReplay(
            {**row, "response_body_text": with_error(row["response_body_text"], place + turn)},
            CHUNKINGS[(place + turn) % len(CHUNKINGS)],
        )
        for place, row in enumerate(row for row in messages_rows if row["is_sse"])
    ]
    table = Table({})
    kinds: Counter[str] = Counter()
    for replay, seen in in_turn(replays):
        assert seen.error is not None
        kinds[seen.error.kind] += 1
        table.add(replay, seen, replay.expected())
    table.check(report_line, whole=False)
    assert table.rows == STREAMS
    # The others end before any content.
    assert kinds["LlmStreamServerError"] >= STREAMS // 2
