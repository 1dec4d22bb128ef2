"""Every recorded Responses stream, ended near its middle in each way in which a stream can end.

Nothing that arrived is lost, nothing is added, and none of them looks like a short reply.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.answering import Ending
from tests.wire.responses.comparing import Table
from tests.wire.responses.recorded import STREAMS
from tests.wire.responses.replaying import CHUNKINGS, Replay, Replays

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANK_LINE = re.compile(r"\r?\n\r?\n")
ENDINGS = {
    "cleanly after an event": (False, None, "LlmStreamIncompleteError"),
    "cleanly inside an event": (True, None, "LlmStreamIncompleteError"),
    "by a reset after an event": (False, Ending.RESET, "LlmStreamInterruptedError"),
    "by a reset inside an event": (True, Ending.RESET, "LlmStreamInterruptedError"),
    "by a close after an event": (False, Ending.CLOSED, "LlmStreamInterruptedError"),
    "by a close inside an event": (True, Ending.CLOSED, "LlmStreamInterruptedError"),
}
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
    return f"{cut(body, inside=False)}{line}data: {data}\n\n"


def cut(body: str, *, inside: bool) -> str:
    """Return the body up to an event near the middle of the first stream in it.

    Args:
        body: The recorded body. Some are several streams, one after the other.
        inside: Whether to go on to the middle of the next event.
    """
    ends = [match.end() for match in _BLANK_LINE.finditer(body)]
    terminal = re.search(r'"type": ?"response\.(completed|incomplete|failed)"', body)
    assert terminal is not None
    before = [end for end in ends if end <= terminal.start()]
    end = before[len(before) // 2 - 1]
    if inside:
        # Within the data of the next event, so that its JSON is not whole.
        following = ends[len(before) // 2]
        end += max(1, (following - end) * 2 // 3)
    return body[:end]


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
        Replay(
            {**row, "response_body_text": cut(row["response_body_text"], inside=inside)},
            CHUNKINGS[(place + turn) % len(CHUNKINGS)],
            ending,
        )
        for place, row in enumerate(row for row in responses_rows if row["is_sse"])
    ]
    assert len(replays) == STREAMS
    table = Table({})
    kinds = set()
    with_content = 0
    for asynchronous in (False, True):
        half = replays[asynchronous::2]
        outcomes = Replays(half).outcomes(asynchronous=asynchronous)
        for replay, seen in zip(half, outcomes, strict=True):
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
        Replay(
            {**row, "response_body_text": with_error(row["response_body_text"], place + turn)},
            CHUNKINGS[(place + turn) % len(CHUNKINGS)],
        )
        for place, row in enumerate(streams)
    ]
    table = Table({})
    for asynchronous in (False, True):
        half = replays[asynchronous::2]
        outcomes = Replays(half).outcomes(asynchronous=asynchronous)
        for replay, seen in zip(half, outcomes, strict=True):
            table.add(replay, seen, replay.expected())
    table.check(report_line, whole=False)
    assert table.rows == STREAMS
