"""Streams of Gemini that end early: as events, and as one array."""

from __future__ import annotations

import json
import re

from tests.wire.gemini.reading_events import elements, is_array
from tests.wire.plain_events import INSIDE

_BLANK_LINE = re.compile(r"\r?\n\r?\n")


def ends_of(body: str) -> list[int]:
    """Return where each piece of the stream ends."""
    if is_array(body):
        return [end for end, data in elements(body) if data != INSIDE]
    return [match.end() for match in _BLANK_LINE.finditer(body)]


def finished_at(body: str, ends: list[int]) -> int:
    """Return the number of the first piece with a finish reason; it completes the stream."""
    starts = [0, *ends]
    return next(
        number
        for number, (start, end) in enumerate(zip(starts, ends, strict=False))
        if '"finishReason"' in body[start:end]
    )


def cut(body: str, *, inside: bool) -> str | None:
    """Return the body up to a piece near the middle of those before the finish reason.

    Args:
        body: The recorded body.
        inside: Whether to go on to the middle of the next piece. Otherwise the result is None if
            the first piece has the finish reason.
    """
    ends = ends_of(body)
    before = ends[: finished_at(body, ends)]
    if not before and not inside:
        return None
    place = (len(before) + 1) // 2
    end = ends[place - 1] if place else 0
    if inside:
        # Within the JSON of the next piece.
        end += max(1, (ends[place] - end) * 2 // 3)
    return body[:end]


def with_error(body: str, error: dict[str, object]) -> str | None:
    """Return the body up to a piece near its middle, and an error; None as `cut` does."""
    before = cut(body, inside=False)
    if before is None:
        return None
    said = json.dumps({"error": error})
    if is_array(body):
        return f"{before}\r\n,\r\n{said}]"
    return f"{before}data: {said}\r\n\r\n"
