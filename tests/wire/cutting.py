"""Streams that end near their middle, in each way in which a stream can end."""

from __future__ import annotations

import re

from tests.wire.answering import Ending

_BLANK_LINE = re.compile(r"\r?\n\r?\n")
ENDINGS = {
    "cleanly after an event": (False, None, "LlmStreamIncompleteError"),
    "cleanly inside an event": (True, None, "LlmStreamIncompleteError"),
    "by a reset after an event": (False, Ending.RESET, "LlmStreamInterruptedError"),
    "by a reset inside an event": (True, Ending.RESET, "LlmStreamInterruptedError"),
    "by a close after an event": (False, Ending.CLOSED, "LlmStreamInterruptedError"),
    "by a close inside an event": (True, Ending.CLOSED, "LlmStreamInterruptedError"),
}


def cut(body: str, terminal: re.Pattern[str], *, inside: bool) -> str:
    """Return the body up to an event near the middle of the first stream in it.

    Args:
        body: The recorded body. Some are several streams, one after the other.
        terminal: What the first event has that ends a stream.
        inside: Whether to go on to the middle of the next event.
    """
    ends = [match.end() for match in _BLANK_LINE.finditer(body)]
    last = terminal.search(body)
    assert last is not None
    before = [end for end in ends if end <= last.start()]
    end = before[len(before) // 2 - 1]
    if inside:
        # Within the data of the next event, so that its JSON is not whole.
        following = ends[len(before) // 2]
        end += max(1, (following - end) * 2 // 3)
    return body[:end]
